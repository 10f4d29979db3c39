"""Findings and quarantine of all snapshots and datasets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from warehouse.database import fetch
from warehouse.declarations import Severity
from warehouse.finding_ids import give_ids
from warehouse.findings import WITHHELD, Finding, add_findings, unpacked_texts
from warehouse.ledger.records import Connection, CorrectedCell
from warehouse.personal import personal_sql
from warehouse.sql import literal
from warehouse.turns import OURS


def take_findings(connection: Connection, attached: str, source: str, snapshot_id: str) -> None:
    """Copy findings, quarantine and measures of an attached staging file; those of an earlier check give way."""
    for table in ("findings", "quarantine", "measures"):
        connection.execute(
            f"DELETE FROM ledger.{table} WHERE subject = ? AND snapshot_id = ?", [source, snapshot_id]
        )
        connection.execute(
            f"INSERT INTO ledger.{table} BY NAME SELECT ? AS snapshot_id, * FROM {attached}.main.{table}",
            [snapshot_id],
        )
    of_snapshot = f"subject = {literal(source)} AND snapshot_id = {literal(snapshot_id)}"
    for table, columns in (("accepted", "* EXCLUDE (finding)"), ("corrections", "* EXCLUDE (was_unread)")):
        staged = "corrected" if table == "corrections" else table
        connection.execute(f"DELETE FROM ledger.{table} WHERE {of_snapshot}")
        connection.execute(
            f"INSERT INTO ledger.{table} BY NAME SELECT {literal(source)} AS subject,"
            f" {literal(snapshot_id)} AS snapshot_id, {columns} FROM {attached}.main.{staged}"
        )

    _screen_corrections(connection, of_snapshot)


def _screen_corrections(connection: Connection, of_snapshot: str) -> None:
    """Withhold what holds personal data: a correction may be what took it out."""
    if connection.execute(f"SELECT 1 FROM ledger.corrections WHERE {of_snapshot} LIMIT 1").fetchone():
        for column in ("old_value", "new_value", "row_key"):
            connection.execute(
                f"UPDATE ledger.corrections SET {column} = {literal(WITHHELD)}"
                f" WHERE {of_snapshot} AND {personal_sql(column)} IS NOT NULL"
            )


def corrections(connection: Connection, source: str, snapshot_id: str) -> list[CorrectedCell]:
    """The cells of a snapshot that were corrected on the way in, in the order of their places."""
    rows = fetch(
        connection,
        "SELECT table_name, row_key, column_name, old_value, new_value, reason, evidence, status, file, sheet,"
        " row_number FROM ledger.corrections WHERE subject = ? AND snapshot_id = ?"
        " ORDER BY file, sheet, row_number, column_name",
        [source, snapshot_id],
    )
    return [CorrectedCell(*row) for row in rows]


def replace_findings(connection: Connection, subject: str, snapshot_id: str, found: Sequence[Finding]) -> None:
    """Write findings made in Python in place of those, and of the measures, that stand for the snapshot."""
    for table in ("findings", "measures"):
        connection.execute(
            f"DELETE FROM ledger.{table} WHERE subject = ? AND snapshot_id = ?", [subject, snapshot_id]
        )
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE findings AS SELECT * EXCLUDE (snapshot_id) FROM ledger.findings LIMIT 0"
    )
    add_findings(connection, subject, found, "temp")
    give_ids(connection, "temp.findings")
    connection.execute(
        "INSERT INTO ledger.findings BY NAME SELECT ? AS snapshot_id, * FROM temp.findings", [snapshot_id]
    )
    connection.execute("DROP TABLE temp.findings")


def findings(connection: Connection, subject: str, snapshot_id: str, limit: int | None = None) -> list[Finding]:
    """Findings on a snapshot of a source (or on a dataset of a date), worst first, then by place."""
    condition = "WHERE subject = ? AND snapshot_id = ?"
    return read_findings(connection, f"ledger.findings {condition}", [subject, snapshot_id], limit)


def worst_in_words(connection: Connection, subject: str, snapshot_id: str) -> str:
    """What is worst about a snapshot or a dataset, and what to do; empty if nothing was found."""
    found = findings(connection, subject, snapshot_id, limit=1)
    return f"{found[0].message} {found[0].help}" if found else ""


def ours_in_words(connection: Connection, subject: str, snapshot_id: str) -> str:
    """What whoever runs this has to do about lines of their own (``warehouse.turns.OURS``); empty if nothing."""
    rules = ", ".join(literal(rule) for rule in sorted(OURS))
    relation = (
        f"ledger.findings WHERE subject = {literal(subject)} AND snapshot_id = {literal(snapshot_id)}"
        f" AND rule IN ({rules})"
    )
    return " ".join(f"{one.message} {one.help}" for one in read_findings(connection, relation, limit=5))


def read_findings(
    connection: Connection, where: str, parameters: Sequence[Any] = (), limit: int | None = None
) -> list[Finding]:
    """Findings from a table of findings (and a WHERE clause), worst first, then by place."""
    worst_first = ", ".join(f"'{severity.value}'" for severity in Severity)
    rows = fetch(
        connection,
        "SELECT rule, severity, message, help, said, table_name, file, sheet, row_number, column_name, value,"
        " row_key, heading, finding_id"
        f" FROM {where} ORDER BY list_position([{worst_first}], severity),"
        " file, sheet, row_number, column_name, rule, value" + (f" LIMIT {limit:d}" if limit else ""),
        list(parameters),
    )
    return [Finding(row[0], Severity(row[1]), *unpacked_texts(*row[2:5]), *row[5:]) for row in rows]


def count_findings(connection: Connection, subject: str, snapshot_id: str) -> dict[Severity, int]:
    """How many findings of each severity."""
    rows = fetch(
        connection,
        "SELECT severity, count(*) FROM ledger.findings WHERE subject = ? AND snapshot_id = ? GROUP BY ALL",
        [subject, snapshot_id],
    )
    found = {Severity(name): count for name, count in rows}
    return {severity: found.get(severity, 0) for severity in Severity}
