"""The ledger: what was pulled, what was decided of it, what was released, in which run. Rows in the warehouse.

The rooms tell one another through it: a source's snapshot and its verdict, a dataset's verdict, a release.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Any

import duckdb

from warehouse.declarations import Severity
from warehouse.findings import FINDINGS_COLUMNS, QUARANTINE_COLUMNS, Finding, add_findings
from warehouse.releases import Release, ReleaseFile, SnapshotUse

_TABLES = f"""
CREATE SCHEMA IF NOT EXISTS ledger;
CREATE TABLE IF NOT EXISTS ledger.runs (
    run_id VARCHAR PRIMARY KEY, kind VARCHAR NOT NULL, day DATE NOT NULL,
    started_at TIMESTAMP NOT NULL, finished_at TIMESTAMP, request VARCHAR NOT NULL
);
CREATE TABLE IF NOT EXISTS ledger.snapshots (  -- the verdict on a pull of a source; promoted: it is in the history
    source VARCHAR, snapshot_id VARCHAR, data_date DATE NOT NULL, origin VARCHAR NOT NULL,
    fingerprint VARCHAR NOT NULL, verdict VARCHAR NOT NULL, is_promoted BOOLEAN NOT NULL,
    tables VARCHAR NOT NULL, run_id VARCHAR NOT NULL, PRIMARY KEY (source, snapshot_id)
);
CREATE TABLE IF NOT EXISTS ledger.findings (snapshot_id VARCHAR NOT NULL, {FINDINGS_COLUMNS});
CREATE TABLE IF NOT EXISTS ledger.quarantine (snapshot_id VARCHAR NOT NULL, {QUARANTINE_COLUMNS});
CREATE TABLE IF NOT EXISTS ledger.curations (  -- the verdict on a dataset built from certain inputs
    dataset VARCHAR, data_date DATE, inputs VARCHAR NOT NULL, verdict VARCHAR NOT NULL,
    rows BIGINT NOT NULL, version VARCHAR, run_id VARCHAR NOT NULL, PRIMARY KEY (dataset, data_date)
);
CREATE TABLE IF NOT EXISTS ledger.releases (
    dataset VARCHAR, version VARCHAR, data_date DATE NOT NULL, manifest VARCHAR NOT NULL,
    run_id VARCHAR NOT NULL, PRIMARY KEY (dataset, version)
);
"""


class Verdict(StrEnum):
    """What became of a snapshot or a dataset."""

    PASSED = "passed"
    PARTIAL = "partial"  # some rows went to quarantine, the others went on
    HELD = "held"  # nothing of it went on; the last good one stands in


@dataclass(frozen=True)
class TableLoad:
    """How many rows of a table came, went to quarantine, and what they changed in the warehouse.

    ``held``: records whose row was refused, or that the snapshot does not speak of because it is not whole
    (``is_whole``), and whose last good version stands in. ``held_cells``: cells that were emptied.
    ``standing``: the records that stand at the snapshot's date (None: noted before this was counted).
    """

    staged: int = 0
    quarantined: int = 0
    added: int = 0
    changed: int = 0
    vanished: int = 0
    held: int = 0
    held_cells: int = 0
    standing: int | None = None
    is_whole: bool = True
    delivery: str = "full"

    @property
    def accepted(self) -> int:
        """Rows that went on."""
        return self.staged - self.quarantined


@dataclass(frozen=True)
class SnapshotRecord:
    """The ledger's line about a snapshot. ``fingerprint`` stands for the declaration and rules applied."""

    source: str
    snapshot_id: str
    data_date: date
    origin: str
    fingerprint: str
    verdict: Verdict
    is_promoted: bool
    run_id: str
    tables: Mapping[str, TableLoad] = field(default_factory=dict)


@dataclass(frozen=True)
class CurationRecord:
    """The ledger's line about a dataset built for a date. ``version`` is what it was released as, if at all."""

    dataset: str
    data_date: date
    inputs: str
    verdict: Verdict
    rows: int
    version: str | None
    run_id: str


@dataclass(frozen=True)
class RunRecord:
    """The ledger's line about a run that changed something. Times are UTC."""

    run_id: str
    kind: str
    day: date
    started_at: datetime
    finished_at: datetime | None
    request: Mapping[str, Any]


Connection = duckdb.DuckDBPyConnection


def create_tables(connection: Connection) -> None:
    """Make the ledger's tables where they are missing."""
    connection.execute(_TABLES)


def now() -> datetime:
    """The time in UTC, without zone, as the ledger keeps it."""
    return datetime.now(UTC).replace(tzinfo=None, microsecond=0)


# --- runs ---------------------------------------------------------------------------------------------


def next_run_id(connection: Connection, day: date) -> str:
    """``<day>.<n>``: the n-th run of that logical day that changed something."""
    (count,) = _one(connection, "SELECT count(*) FROM ledger.runs WHERE day = ?", [day])
    return f"{day.isoformat()}.{count + 1}"


def begin_run(connection: Connection, run_id: str, kind: str, day: date, request: Mapping[str, Any]) -> None:
    """Note that a run began to change something."""
    connection.execute(
        "INSERT INTO ledger.runs VALUES (?, ?, ?, ?, NULL, ?)",
        [run_id, kind, day, now(), json.dumps(request, sort_keys=True)],
    )


def finish_run(connection: Connection, run_id: str) -> None:
    """Note that the run's changes are whole."""
    connection.execute("UPDATE ledger.runs SET finished_at = ? WHERE run_id = ?", [now(), run_id])


def runs(connection: Connection) -> list[RunRecord]:
    """All runs that changed something, oldest first."""
    rows = connection.execute(
        "SELECT run_id, kind, day, started_at, finished_at, request FROM ledger.runs ORDER BY started_at, run_id"
    ).fetchall()
    return [RunRecord(*(*row[:5], json.loads(row[5]))) for row in rows]


# --- snapshots ------------------------------------------------------------------------------------------


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
            json.dumps({name: asdict(load) for name, load in record.tables.items()}, sort_keys=True),
            record.run_id,
        ],
    )


def supersede(connection: Connection, source: str, data_date: date) -> None:
    """Of one date the snapshot promoted last stands for it: the others are in the history no more."""
    connection.execute(
        "UPDATE ledger.snapshots SET is_promoted = false WHERE source = ? AND data_date = ?", [source, data_date]
    )


def snapshots(connection: Connection, source: str | None = None) -> list[SnapshotRecord]:
    """Verdicts on snapshots, oldest data first, of one source or of all."""
    rows = connection.execute(
        "SELECT source, snapshot_id, data_date, origin, fingerprint, verdict, is_promoted, run_id, tables"
        " FROM ledger.snapshots WHERE source = coalesce(?, source) ORDER BY source, data_date, rowid",
        [source],
    ).fetchall()
    return [SnapshotRecord(*(*row[:5], Verdict(row[5]), *row[6:8], _table_loads(row[8]))) for row in rows]


def _table_loads(text: str) -> dict[str, TableLoad]:
    return {name: TableLoad(**load) for name, load in json.loads(text).items()}


def promoted(connection: Connection, source: str, until: date | None = None) -> list[SnapshotRecord]:
    """A source's snapshots that are in the history, oldest data first, one a date."""
    return [s for s in snapshots(connection, source) if s.is_promoted and (until is None or s.data_date <= until)]


def take_findings(connection: Connection, attached: str, source: str, snapshot_id: str) -> None:
    """Copy findings and quarantine of an attached staging file; those of an earlier check give way."""
    for table in ("findings", "quarantine"):
        connection.execute(
            f"DELETE FROM ledger.{table} WHERE subject = ? AND snapshot_id = ?", [source, snapshot_id]
        )
        connection.execute(f"INSERT INTO ledger.{table} SELECT ?, * FROM {attached}.main.{table}", [snapshot_id])


def replace_findings(connection: Connection, subject: str, snapshot_id: str, found: Sequence[Finding]) -> None:
    """Write findings made in Python in place of those that stand for the snapshot."""
    connection.execute("DELETE FROM ledger.findings WHERE subject = ? AND snapshot_id = ?", [subject, snapshot_id])
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE findings AS SELECT * EXCLUDE (snapshot_id) FROM ledger.findings LIMIT 0"
    )
    add_findings(connection, subject, found, "temp")
    connection.execute("INSERT INTO ledger.findings SELECT ?, * FROM temp.findings", [snapshot_id])
    connection.execute("DROP TABLE temp.findings")


def findings(connection: Connection, subject: str, snapshot_id: str, limit: int | None = None) -> list[Finding]:
    """Findings on a snapshot of a source (or on a dataset of a date), worst first, then by place."""
    condition = "WHERE subject = ? AND snapshot_id = ?"
    return read_findings(connection, f"ledger.findings {condition}", [subject, snapshot_id], limit)


def worst_in_words(connection: Connection, subject: str, snapshot_id: str) -> str:
    """What is worst about a snapshot or a dataset, and what to do; empty if nothing was found."""
    found = findings(connection, subject, snapshot_id, limit=1)
    return f"{found[0].message} {found[0].help}" if found else ""


def read_findings(
    connection: Connection, where: str, parameters: Sequence[Any] = (), limit: int | None = None
) -> list[Finding]:
    """Findings from a table of findings (and a WHERE clause), worst first, then by place."""
    worst_first = ", ".join(f"'{severity.value}'" for severity in Severity)
    rows = connection.execute(
        "SELECT rule, severity, message, help, table_name, file, sheet, row_number, column_name, value, row_key"
        f" FROM {where} ORDER BY list_position([{worst_first}], severity),"
        " file, sheet, row_number, column_name, rule, value" + (f" LIMIT {limit:d}" if limit else ""),
        list(parameters),
    ).fetchall()
    return [Finding(row[0], Severity(row[1]), *row[2:]) for row in rows]


def count_findings(connection: Connection, subject: str, snapshot_id: str) -> dict[Severity, int]:
    """How many findings of each severity."""
    rows = connection.execute(
        "SELECT severity, count(*) FROM ledger.findings WHERE subject = ? AND snapshot_id = ? GROUP BY ALL",
        [subject, snapshot_id],
    ).fetchall()
    found = {Severity(name): count for name, count in rows}
    return {severity: found.get(severity, 0) for severity in Severity}


# --- datasets and releases --------------------------------------------------------------------------------


def record_curation(connection: Connection, record: CurationRecord) -> None:
    """Note what became of a dataset built for a date."""
    connection.execute(
        "INSERT OR REPLACE INTO ledger.curations VALUES (?, ?, ?, ?, ?, ?, ?)",
        [
            record.dataset,
            record.data_date,
            record.inputs,
            record.verdict.value,
            record.rows,
            record.version,
            record.run_id,
        ],
    )


def curations(connection: Connection, dataset: str) -> list[CurationRecord]:
    """What became of a dataset, oldest data first."""
    rows = connection.execute(
        "SELECT dataset, data_date, inputs, verdict, rows, version, run_id FROM ledger.curations"
        " WHERE dataset = ? ORDER BY data_date",
        [dataset],
    ).fetchall()
    return [CurationRecord(*(*row[:3], Verdict(row[3]), *row[4:])) for row in rows]


def record_release(connection: Connection, release: Release, run_id: str) -> None:
    """Note a release: from now on its folder is official."""
    connection.execute(
        "INSERT INTO ledger.releases VALUES (?, ?, ?, ?, ?)",
        [release.dataset, release.version, release.data_date, _manifest(release), run_id],
    )


def rewrite_release(connection: Connection, release: Release) -> None:
    """Note that a release's files were made anew."""
    connection.execute(
        "UPDATE ledger.releases SET manifest = ? WHERE dataset = ? AND version = ?",
        [_manifest(release), release.dataset, release.version],
    )


def forget_newest_curation(connection: Connection, dataset: str) -> None:
    """Have a dataset's newest date built anew by the next run."""
    connection.execute(
        "UPDATE ledger.curations SET inputs = '' WHERE dataset = $1"
        " AND data_date = (SELECT max(data_date) FROM ledger.curations WHERE dataset = $1)",
        [dataset],
    )


def _manifest(release: Release) -> str:
    return json.dumps(asdict(release), sort_keys=True, default=str)


def release_from(content: Mapping[str, Any]) -> Release:
    """A release from its manifest."""
    return Release(
        **{
            **content,
            "data_date": date.fromisoformat(content["data_date"]),
            "files": tuple(ReleaseFile(**file) for file in content["files"]),
            "snapshots": tuple(
                SnapshotUse(**{**use, "date": date.fromisoformat(use["date"])}) for use in content["snapshots"]
            ),
            "schema_changes": tuple(content.get("schema_changes", ())),
        }
    )


def releases(connection: Connection, dataset: str, run_id: str | None = None) -> list[Release]:
    """A dataset's releases, oldest data first: the last one is ``latest``. Of one run only, if named."""
    rows = connection.execute(
        "SELECT manifest FROM ledger.releases WHERE dataset = ? AND run_id = coalesce(?, run_id)",
        [dataset, run_id],
    ).fetchall()
    return sorted((release_from(json.loads(row[0])) for row in rows), key=lambda release: release.order)


def _one(connection: Connection, sql: str, parameters: Sequence[Any]) -> tuple[Any, ...]:
    row = connection.execute(sql, list(parameters)).fetchone()
    if row is None:
        raise LookupError(f"no row: {sql}")
    return tuple(row)
