"""The ledger's tables: made, brought up to date, left alone where a newer version of the program wrote them."""

from __future__ import annotations

from functools import cache

import duckdb

from warehouse.findings import FINDINGS_COLUMNS, QUARANTINE_COLUMNS
from warehouse.ledger.records import Connection, LedgerError
from warehouse.measures import MEASURES_COLUMNS

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
CREATE TABLE IF NOT EXISTS ledger.moments (  -- the verdicts that moved the lives of findings, in their order
    subject VARCHAR NOT NULL, moment BIGINT NOT NULL, snapshot_id VARCHAR NOT NULL, data_date DATE NOT NULL,
    run_id VARCHAR NOT NULL
);
CREATE TABLE IF NOT EXISTS ledger.spells (  -- from which verdict to which a finding was there
    subject VARCHAR NOT NULL, finding_id VARCHAR NOT NULL, table_name VARCHAR, rule VARCHAR NOT NULL,
    column_name VARCHAR, row_key VARCHAR, severity VARCHAR NOT NULL,
    is_of_row BOOLEAN NOT NULL,   -- it is on a row, not on a table or a file
    is_compiled BOOLEAN NOT NULL, -- its rule is one of the declaration or a rules file, not of reading
    opened_moment BIGINT NOT NULL, opened_snapshot VARCHAR NOT NULL, opened_date DATE NOT NULL,
    opened_run VARCHAR NOT NULL,
    closed_moment BIGINT, closed_snapshot VARCHAR, closed_date DATE, closed_run VARCHAR,
    closing VARCHAR               -- fixed, or dropped: its rule or table is not asked any more
);
CREATE TABLE IF NOT EXISTS ledger.accepted (  -- findings that somebody accepted until a day; some have run out
    subject VARCHAR NOT NULL, snapshot_id VARCHAR NOT NULL, finding_id VARCHAR NOT NULL,
    severity VARCHAR NOT NULL, accepted_by VARCHAR NOT NULL, reason VARCHAR NOT NULL, until_date DATE NOT NULL,
    is_in_force BOOLEAN NOT NULL
);
CREATE TABLE IF NOT EXISTS ledger.corrections (  -- cells that were mended on the way in
    subject VARCHAR NOT NULL, snapshot_id VARCHAR NOT NULL, table_name VARCHAR NOT NULL, row_key VARCHAR,
    file VARCHAR, sheet VARCHAR, row_number BIGINT, column_name VARCHAR NOT NULL,
    old_value VARCHAR, new_value VARCHAR, reason VARCHAR NOT NULL, evidence VARCHAR NOT NULL,
    status VARCHAR NOT NULL
);
CREATE TABLE IF NOT EXISTS ledger.suite_results (  -- Great Expectations' account of a suite, as JSON
    subject VARCHAR NOT NULL, snapshot_id VARCHAR NOT NULL, table_name VARCHAR NOT NULL, document VARCHAR NOT NULL
);
CREATE TABLE IF NOT EXISTS ledger.measures (snapshot_id VARCHAR NOT NULL, {MEASURES_COLUMNS});
CREATE TABLE IF NOT EXISTS ledger.curations (  -- the verdict on a dataset built from certain inputs
    dataset VARCHAR, data_date DATE, inputs VARCHAR NOT NULL, verdict VARCHAR NOT NULL,
    rows BIGINT NOT NULL, version VARCHAR, run_id VARCHAR NOT NULL, PRIMARY KEY (dataset, data_date)
);
CREATE TABLE IF NOT EXISTS ledger.releases (
    dataset VARCHAR, version VARCHAR, data_date DATE NOT NULL, manifest VARCHAR NOT NULL,
    run_id VARCHAR NOT NULL,
    made_of VARCHAR,  -- JSON: the snapshots and sums of what is declared; NULL where it was not noted
    PRIMARY KEY (dataset, version)
);
CREATE TABLE IF NOT EXISTS ledger.allowances (  -- what a guard would hold, and somebody let happen
    run_id VARCHAR NOT NULL, dataset VARCHAR NOT NULL, what VARCHAR NOT NULL, version VARCHAR NOT NULL,
    "at" TIMESTAMP NOT NULL
);
"""


def create_ledger(connection: Connection) -> None:
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
