"""What Great Expectations says of each suite that ran: kept as its own JSON, without a value of any row."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from warehouse.database import fetch, insert_rows
from warehouse.ledger.records import Connection

Documents = Mapping[str, Mapping[str, Any]]  # by table


def record_suites(connection: Connection, subject: str, snapshot_id: str, documents: Documents) -> None:
    """Keep the accounts of a snapshot of a source, or of a dataset of a date, in place of earlier ones."""
    connection.execute(
        "DELETE FROM ledger.suite_results WHERE subject = ? AND snapshot_id = ?", [subject, snapshot_id]
    )
    rows = [
        (subject, snapshot_id, table, json.dumps(document, ensure_ascii=False, separators=(",", ":")))
        for table, document in documents.items()
    ]
    insert_rows(connection, "ledger.suite_results", rows)


def suites(connection: Connection, subject: str, snapshot_id: str) -> dict[str, dict[str, Any]]:
    """The accounts by table; nothing where none is kept."""
    rows = fetch(
        connection,
        "SELECT table_name, document FROM ledger.suite_results WHERE subject = ? AND snapshot_id = ? ORDER BY ALL",
        [subject, snapshot_id],
    )
    return {table: json.loads(document) for table, document in rows}
