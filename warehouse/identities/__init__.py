"""Which organisation is meant: names on lists, and the registers in which organisations stand.

The input is two views that models make (``warehouse/models/core``): ``organisation_mentions``, every name of an
organisation in a source that is no register, and ``register_names``, every name that an organisation of a register
has or had. The output is two tables that models read: ``identities.matches``, a row a mention and likely
organisation, and ``identities.decision_faults``, decisions of people that speak of nothing any more.

An identifier that a record states comes first; without one its name is compared (``candidates``), weighed with
what else is known (``evidence``), and what follows is counted, asked or left (``deciding``). ``decisions.yaml`` is
what people answered. The same input gives the same output, and is worked out once.
"""

from __future__ import annotations

import hashlib
from datetime import date
from pathlib import Path

import duckdb

from warehouse.identities import decisions
from warehouse.identities.deciding import FAULT_COLUMNS, MATCH_COLUMNS, decide
from warehouse.sql import day_literal, literal

INPUTS = ("organisation_mentions", "register_names")
"""The core models whose rows are reconciled."""

_KEPT_DATES = 60  # as-of dates whose matches stay in the warehouse: a backfill asks for each once a dataset


def fingerprint() -> str:
    """SHA-256 of what the output depends on besides the input: this code and the decisions."""
    folder = Path(__file__).parent
    files = [*sorted(folder.glob("*.py")), decisions.FILE]
    return hashlib.sha256(b"\0".join(path.read_bytes() for path in files)).hexdigest()


def compute(connection: duckdb.DuckDBPyConnection, as_of: date, inputs: str, *, is_newest: bool) -> None:
    """Make ``identities.matches`` and ``identities.decision_faults`` of what the input views give.

    Args:
        connection: writes to the warehouse; the two views are there.
        as_of: the date that the views speak of.
        inputs: a sum of what they are made of; with the same one nothing is worked out again.
        is_newest: no later data are known. Only then is a decision that speaks of nothing told: of an earlier date
            it may speak of nothing yet.
    """
    key = hashlib.sha256(f"{fingerprint()} {as_of} {is_newest} {inputs}".encode()).hexdigest()
    connection.execute(f"""
        CREATE SCHEMA IF NOT EXISTS identities;
        CREATE TABLE IF NOT EXISTS identities.computed (build_key VARCHAR PRIMARY KEY, as_of_date DATE NOT NULL);
        CREATE TABLE IF NOT EXISTS identities.kept_matches (build_key VARCHAR, {MATCH_COLUMNS});
        CREATE TABLE IF NOT EXISTS identities.kept_faults (build_key VARCHAR, {FAULT_COLUMNS});
        CREATE OR REPLACE VIEW identities.matches AS
        SELECT * EXCLUDE (build_key) FROM identities.kept_matches WHERE build_key = {literal(key)};
        CREATE OR REPLACE VIEW identities.decision_faults AS
        SELECT * EXCLUDE (build_key) FROM identities.kept_faults WHERE build_key = {literal(key)}""")
    if connection.execute("SELECT 1 FROM identities.computed WHERE build_key = ?", [key]).fetchone():
        return
    _forget(connection, key, as_of)
    reconcile(connection)
    connection.execute("INSERT INTO identities.computed VALUES (?, ?)", [key, as_of])
    connection.execute(f"INSERT INTO identities.kept_matches SELECT {literal(key)}, * FROM identity_matches")
    if is_newest:
        connection.execute(f"INSERT INTO identities.kept_faults SELECT {literal(key)}, * FROM identity_faults")


def show(connection: duckdb.DuckDBPyConnection, catalog: str, as_of: date) -> None:
    """Make ``identities.matches`` readable as it was worked out last for a date or one before, over an attached
    warehouse that is left as it is; empty where it never was.
    """
    kept = connection.execute(
        "SELECT count(*) FROM duckdb_tables() WHERE database_name = ? AND schema_name = 'identities'", [catalog]
    ).fetchone()
    connection.execute(
        f"CREATE SCHEMA IF NOT EXISTS identities; CREATE OR REPLACE TABLE identities.none ({MATCH_COLUMNS})"
    )
    matches = "FROM identities.none"
    if kept and kept[0]:
        matches = (
            f"SELECT * EXCLUDE (build_key) FROM {catalog}.identities.kept_matches WHERE build_key = ("
            f"SELECT build_key FROM {catalog}.identities.computed WHERE as_of_date <= {day_literal(as_of)}"
            " ORDER BY as_of_date DESC, build_key LIMIT 1)"
        )
    connection.execute(f"CREATE OR REPLACE VIEW identities.matches AS {matches}")


def reconcile(connection: duckdb.DuckDBPyConnection) -> None:
    """Make the temporary tables ``identity_matches`` and ``identity_faults`` of the two input views."""
    from warehouse.identities.candidates import find_pairs, take_in
    from warehouse.identities.evidence import compare

    take_in(connection)
    find_pairs(connection)
    compare(connection)
    decide(connection, decisions.rows())
    names = (
        "mentions",
        "register",
        "words",
        "corrected",
        "pairs",
        "wanted",
        "known",
        "compared",
        "ratios",
        "scored",
    )
    connection.execute("; ".join(f"DROP TABLE IF EXISTS temp.identity_{name}" for name in names))


def _forget(connection: duckdb.DuckDBPyConnection, key: str, as_of: date) -> None:
    """Take out what was worked out for the date before, and dates that are too many."""
    old = connection.execute(
        "SELECT build_key FROM identities.computed WHERE build_key = ? OR as_of_date = ? UNION"
        f" SELECT build_key FROM (FROM identities.computed ORDER BY as_of_date DESC OFFSET {_KEPT_DATES - 1})",
        [key, as_of],
    ).fetchall()
    for (one,) in old:
        for table in ("computed", "kept_matches", "kept_faults"):
            connection.execute(f"DELETE FROM identities.{table} WHERE build_key = ?", [one])
