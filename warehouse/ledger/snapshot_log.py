"""Verdicts on snapshots, and which of them are in the history."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import date

from warehouse.database import fetch
from warehouse.ledger.records import Connection, SnapshotRecord, TableLoad, Verdict


def record_snapshot(connection: Connection, record: SnapshotRecord) -> None:
    """Note a verdict on a snapshot; an older one on the same snapshot gives way."""
    connection.execute(
        "INSERT OR REPLACE INTO ledger.snapshots VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            record.source,
            record.snapshot_id,
            record.data_date,
            record.origin,
            record.fingerprint,
            record.verdict.value,
            record.is_promoted,
            _as_text(record.tables),
            record.run_id,
        ],
    )


def supersede(connection: Connection, source: str, data_date: date) -> None:
    """Of one date the snapshot promoted last stands for it: the others are in the history no more."""
    connection.execute(
        "UPDATE ledger.snapshots SET is_promoted = false WHERE source = ? AND data_date = ?", [source, data_date]
    )


def recount(connection: Connection, source: str, snapshot_id: str, tables: Mapping[str, TableLoad]) -> None:
    """Note of a snapshot otherwise what is in the history of it: rows were deleted there since."""
    connection.execute(
        "UPDATE ledger.snapshots SET tables = ? WHERE source = ? AND snapshot_id = ?",
        [_as_text(tables), source, snapshot_id],
    )


def snapshots(connection: Connection, source: str | None = None) -> list[SnapshotRecord]:
    """Verdicts on snapshots, oldest data first, of one source or of all."""
    rows = fetch(
        connection,
        "SELECT source, snapshot_id, data_date, origin, fingerprint, verdict, is_promoted, run_id, tables"
        " FROM ledger.snapshots WHERE source = coalesce(?, source) ORDER BY source, data_date, rowid",
        [source],
    )
    return [SnapshotRecord(*(*row[:5], Verdict(row[5]), *row[6:8], _table_loads(row[8]))) for row in rows]


def _as_text(tables: Mapping[str, TableLoad]) -> str:
    return json.dumps({name: asdict(load) for name, load in tables.items()}, sort_keys=True)


def _table_loads(text: str) -> dict[str, TableLoad]:
    return {name: TableLoad(**load) for name, load in json.loads(text).items()}


def promoted(connection: Connection, source: str, until: date | None = None) -> list[SnapshotRecord]:
    """A source's snapshots that are in the history, oldest data first, one a date."""
    return [s for s in snapshots(connection, source) if s.is_promoted and (until is None or s.data_date <= until)]
