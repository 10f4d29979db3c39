"""The ledger: what was pulled, what was decided of it, what was released, in which run. Rows in the warehouse.

The rooms tell one another through it: a source's snapshot and its verdict, a dataset's verdict, a release.

What a run came to is known only after the warehouse was swapped, and also where it was not touched: a run whose
sources all failed, or that could not publish. So a run's end is noted beside the warehouse, a small file a run
(``runs/<run>.json``, written whole or not at all), and ``runs`` puts both together.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, date, datetime
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any

import duckdb

from warehouse.database import fetch
from warehouse.declarations import Severity
from warehouse.findings import FINDINGS_COLUMNS, QUARANTINE_COLUMNS, Finding, add_findings
from warehouse.home import Home, to_json, write_atomically
from warehouse.releases import Release, ReleaseFile, SnapshotUse

SCHEMA_VERSION = 2  # of the ledger: 1 had no version. A column that is only added needs no new number.

_TABLES = f"""
CREATE SCHEMA IF NOT EXISTS ledger;
CREATE TABLE IF NOT EXISTS ledger.schema_version (version INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS ledger.runs (
    run_id VARCHAR PRIMARY KEY, kind VARCHAR NOT NULL, day DATE NOT NULL,
    started_at TIMESTAMP NOT NULL, finished_at TIMESTAMP, request VARCHAR NOT NULL,
    sequence BIGINT  -- the order of runs: neither their logical days nor a clock gives it
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
class Said:
    """What a run said of a source, a dataset, or a dataset's place on the portal.

    ``state`` is that of the outcome (``flows.outcomes``), ``is_wrong`` whether somebody has to look, ``what`` the
    snapshot or the version spoken of. ``is_awaited``: of a source, whether the run looked where newer data would
    come in, so that it can be late; None where it did not look, but worked from the archive.
    """

    state: str
    is_wrong: bool = False
    message: str = ""
    what: str | None = None
    stale_since: date | None = None
    is_awaited: bool | None = None


@dataclass(frozen=True)
class RunRecord:
    """The ledger's line about a run. Times are UTC.

    ``exit_code`` is None where the run's end was not noted: it was killed, or it is a window of a backfill, whose
    end is noted with the last one. ``sequence`` is the run's place in the order of runs.
    """

    run_id: str
    kind: str
    day: date
    started_at: datetime
    finished_at: datetime | None
    request: Mapping[str, Any]
    sequence: int = 0
    exit_code: int | None = None
    sources: Mapping[str, Said] = field(default_factory=dict)
    datasets: Mapping[str, Said] = field(default_factory=dict)
    portal: Mapping[str, Said] = field(default_factory=dict)  # by dataset
    error: str = ""  # what stopped the run


class LedgerError(Exception):
    """What is written in the ledger cannot be used; the message says where and what to do."""


Connection = duckdb.DuckDBPyConnection


def create_tables(connection: Connection) -> None:
    """Make the ledger's tables where they are missing, and add the columns that an older ledger lacks.

    Raises:
        LedgerError: a newer version of the program wrote this ledger.
    """
    refuse_newer(connection)
    connection.execute(_TABLES)
    for table, name, kind in lacking(connection):
        connection.execute(f"ALTER TABLE ledger.{table} ADD COLUMN IF NOT EXISTS {name} {kind}")
    connection.execute("DELETE FROM ledger.schema_version")
    connection.execute(f"INSERT INTO ledger.schema_version VALUES ({SCHEMA_VERSION})")


def lacking(connection: Connection) -> list[tuple[str, str, str]]:
    """Table, name and type of the columns that the ledger should have and does not: it is an older one."""
    found = set(connection.execute(_COLUMNS_FOUND).fetchall())
    return [(table, name, kind) for table, name, kind in _columns() if (table, name) not in found]


_COLUMNS_FOUND = """
SELECT table_name, column_name FROM duckdb_columns()
WHERE schema_name = 'ledger' AND database_name = current_database()
"""


@cache
def _columns() -> tuple[tuple[str, str, str], ...]:
    """Table, name and type of every column that a ledger of today has."""
    with duckdb.connect() as connection:
        connection.execute(_TABLES)
        rows = connection.execute(
            "SELECT table_name, column_name, data_type FROM duckdb_columns() WHERE schema_name = 'ledger'"
            " ORDER BY table_name, column_index"
        ).fetchall()
    return tuple((str(table), str(name), str(kind)) for table, name, kind in rows)


def copy_tables(connection: Connection, attached: str) -> None:
    """Take over the ledger of an attached, older warehouse: what it has not is NULL."""
    refuse_newer(connection, attached)
    found = connection.execute(
        f"SELECT table_name FROM duckdb_tables() WHERE schema_name = 'ledger' AND database_name = '{attached}'"
    ).fetchall()
    known = {table for table, _, _ in _columns()}
    for (table,) in found:
        if table in known - {"schema_version"}:
            connection.execute(f"INSERT INTO ledger.{table} BY NAME SELECT * FROM {attached}.ledger.{table}")


def refuse_newer(connection: Connection, database: str | None = None) -> None:
    """Raise LedgerError if a newer version of the program wrote this ledger."""
    name = f"'{database}'" if database else "current_database()"
    exists = connection.execute(
        "SELECT 1 FROM duckdb_tables() WHERE schema_name = 'ledger' AND table_name = 'schema_version'"
        f" AND database_name = {name}"
    ).fetchone()
    prefix = f"{database}." if database else ""
    row = (
        connection.execute(f"SELECT max(version) FROM {prefix}ledger.schema_version").fetchone()
        if exists
        else None
    )
    if row and row[0] is not None and row[0] > SCHEMA_VERSION:
        raise LedgerError(
            f"the warehouse was written by a newer opendistrict (its ledger is version {row[0]}, this program's"
            f" {SCHEMA_VERSION}): install that one, nothing was changed"
        )


def now() -> datetime:
    """The time in UTC, without zone, as the ledger keeps it."""
    return datetime.now(UTC).replace(tzinfo=None, microsecond=0)


# --- runs ---------------------------------------------------------------------------------------------


def next_run_id(connection: Connection, home: Home, day: date) -> str:
    """``<day>.<n>``: the next run of that logical day. No run that was noted and no report has that id yet."""
    taken = [run.run_id for run in runs(connection, home)]
    taken += [folder.name for folder in home.reports.glob(f"{day.isoformat()}.*")]
    numbers = [int(number) for one in taken if (number := one.removeprefix(f"{day.isoformat()}.")).isdecimal()]
    return f"{day.isoformat()}.{max(numbers, default=0) + 1}"


def next_sequence(connection: Connection, home: Home) -> int:
    """The place of the next run in the order of runs."""
    return max((run.sequence for run in runs(connection, home)), default=0) + 1


def begin_run(connection: Connection, home: Home, run_id: str, kind: str, day: date, request: Any) -> None:
    """Note that a run began to change something."""
    place = next_sequence(connection, home)
    connection.execute(
        "INSERT INTO ledger.runs (run_id, kind, day, started_at, request, sequence) VALUES (?, ?, ?, ?, ?, ?)",
        [run_id, kind, day, now(), json.dumps(request, sort_keys=True), place],
    )


def finish_run(connection: Connection, run_id: str) -> None:
    """Note that the run's changes are whole."""
    connection.execute("UPDATE ledger.runs SET finished_at = ? WHERE run_id = ?", [now(), run_id])


def note_run(home: Home, record: RunRecord) -> None:
    """Note what a run came to. Safe against a kill, and without a copy of the warehouse."""
    content = json.loads(json.dumps(asdict(record), default=str))
    write_atomically(home.runs / f"{record.run_id}.json", to_json(content))


def runs(connection: Connection, home: Home) -> list[RunRecord]:
    """All runs that changed something or had something to say, in the order they ran.

    Raises:
        LedgerError: a note cannot be read.
    """
    rows = connection.execute(
        "SELECT run_id, kind, day, started_at, finished_at, request, coalesce(sequence, 0) FROM ledger.runs"
        " ORDER BY coalesce(sequence, 0), rowid"
    ).fetchall()
    found = {row[0]: RunRecord(*(*row[:5], json.loads(row[5]), row[6])) for row in rows}
    found |= {path.stem: _noted(path) for path in home.runs.glob("*.json")}
    return sorted(found.values(), key=lambda run: run.sequence)  # stable: runs of an older ledger stay in order


def last_said(runs: Sequence[RunRecord], part: str) -> dict[str, Said]:
    """By name, what the newest run that spoke of it said. ``part``: sources, datasets or portal."""
    said: dict[str, Said] = {}
    for run in runs:
        for name, one in getattr(run, part).items():
            before = said.get(name)
            said[name] = replace(one, is_awaited=before.is_awaited) if before and one.is_awaited is None else one
    return said


def _noted(path: Path) -> RunRecord:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        for part in ("sources", "datasets", "portal"):
            content[part] = {
                name: Said(**{**said, "stale_since": _date(said["stale_since"])})
                for name, said in content[part].items()
            }
        content["day"] = date.fromisoformat(content["day"])
        content["started_at"] = datetime.fromisoformat(content["started_at"])
        content["finished_at"] = datetime.fromisoformat(content["finished_at"])
        return RunRecord(**content)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise LedgerError(
            f"{path} cannot be read as the note of a run. Restore it from a backup, or move it away: the data are"
            " not touched by that, only what was said of that run is lost."
        ) from error


def _date(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None


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
    rows = fetch(
        connection,
        "SELECT source, snapshot_id, data_date, origin, fingerprint, verdict, is_promoted, run_id, tables"
        " FROM ledger.snapshots WHERE source = coalesce(?, source) ORDER BY source, data_date, rowid",
        [source],
    )
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
        connection.execute(
            f"INSERT INTO ledger.{table} BY NAME SELECT ? AS snapshot_id, * FROM {attached}.main.{table}",
            [snapshot_id],
        )


def replace_findings(connection: Connection, subject: str, snapshot_id: str, found: Sequence[Finding]) -> None:
    """Write findings made in Python in place of those that stand for the snapshot."""
    connection.execute("DELETE FROM ledger.findings WHERE subject = ? AND snapshot_id = ?", [subject, snapshot_id])
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE findings AS SELECT * EXCLUDE (snapshot_id) FROM ledger.findings LIMIT 0"
    )
    add_findings(connection, subject, found, "temp")
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


def read_findings(
    connection: Connection, where: str, parameters: Sequence[Any] = (), limit: int | None = None
) -> list[Finding]:
    """Findings from a table of findings (and a WHERE clause), worst first, then by place."""
    worst_first = ", ".join(f"'{severity.value}'" for severity in Severity)
    rows = fetch(
        connection,
        "SELECT rule, severity, message, help, table_name, file, sheet, row_number, column_name, value, row_key"
        f" FROM {where} ORDER BY list_position([{worst_first}], severity),"
        " file, sheet, row_number, column_name, rule, value" + (f" LIMIT {limit:d}" if limit else ""),
        list(parameters),
    )
    return [Finding(row[0], Severity(row[1]), *row[2:]) for row in rows]


def count_findings(connection: Connection, subject: str, snapshot_id: str) -> dict[Severity, int]:
    """How many findings of each severity."""
    rows = fetch(
        connection,
        "SELECT severity, count(*) FROM ledger.findings WHERE subject = ? AND snapshot_id = ? GROUP BY ALL",
        [subject, snapshot_id],
    )
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
    rows = fetch(
        connection,
        "SELECT dataset, data_date, inputs, verdict, rows, version, run_id FROM ledger.curations"
        " WHERE dataset = ? ORDER BY data_date",
        [dataset],
    )
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
    rows = fetch(
        connection,
        "SELECT manifest FROM ledger.releases WHERE dataset = ? AND run_id = coalesce(?, run_id)",
        [dataset, run_id],
    )
    return sorted((release_from(json.loads(row[0])) for row in rows), key=lambda release: release.order)
