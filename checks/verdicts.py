"""Checking a snapshot or a curated dataset: rules run inside DuckDB, findings and quarantine written, a verdict.

What is found is written where the table stands: into ``main.findings`` and ``main.quarantine`` of the staging
file, or into the ledger for a dataset. Rows never pass through Python: failing rows are copied by SQL.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

import duckdb

from checks.amending import Amending, accept_in_dataset
from checks.amendments import NONE, Amendments
from checks.asking import CheckedTable, check_table, critical_of, unknown_columns
from checks.expected import SuiteResult
from checks.looking import begin_looking, note_asked, note_looked_at
from checks.measuring import VERSION, Measuring, measure
from checks.personal_data import (
    screen_dataset,
    screen_findings,
    screen_names,
    screen_table,
    screened_sql,
    withhold_keys,
)
from checks.plausible import Before, plausible
from checks.rules import DatasetRules, SourceRules, compile_rules, fingerprint, row_columns
from checks.setting_aside import Refusal, refusal_of, set_aside
from warehouse.declarations import (
    DatasetDeclaration,
    Severity,
    SourceDeclaration,
    TableDeclaration,
    literal,
    quote,
)
from warehouse.finding_ids import give_ids
from warehouse.findings import NOT_THERE, add_findings
from warehouse.headings import declared_names, names_of, own_names
from warehouse.ledger import Verdict
from warehouse.progress import Counted, Progress, silent
from warehouse.staging import SCHEMA
from warehouse.turns import turn_of


@dataclass(frozen=True)
class Checked:
    """What a check found.

    Attributes:
        verdict: whether the data go on.
        counts: findings, by severity.
        accepted: by table, the rows that go on.
        suites: by table that was checked, what came of each rule, those that could not be asked among them.
    """

    verdict: Verdict
    counts: Mapping[Severity, int]
    accepted: Mapping[str, int]
    suites: Mapping[str, SuiteResult] = field(default_factory=dict, compare=False)

    @property
    def documents(self) -> dict[str, Mapping[str, Any]]:
        """Great Expectations' own account of each table that was checked, as JSON can hold it."""
        return {table: suite.document for table, suite in self.suites.items()}


def source_fingerprint(
    source: SourceDeclaration, rules: SourceRules, amendments: Amendments = NONE, day: date = date.min
) -> str:
    """SHA-256 of all that decides on a source: another one means that its verdict has to be made anew.

    ``day`` is that of the run: what is accepted until the day before counts again.
    """
    parts = [fingerprint(table, rules.on(table)) for table in source.tables]
    # what personal data look like decides too: a snapshot judged before the screen knew them is judged anew
    decided = [one for one in (amendments.fingerprint(day),) if one]
    return hashlib.sha256("\0".join([*parts, screened_sql(), VERSION, *decided]).encode()).hexdigest()


def check_source(
    connection: duckdb.DuckDBPyConnection,
    source: SourceDeclaration,
    rules: SourceRules,
    before: Before,
    progress: Progress = silent,
    amendments: Amendments = NONE,
) -> Checked:
    """Check every table of a staged snapshot and give the verdict.

    May be called again on the same staging file: the findings of reading stay, those of checking are made anew.

    Args:
        connection: to the staging file.
        source: the declaration.
        rules: what its rules file adds to the declaration.
        before: the records that stood after the last good snapshot.
        progress: told of the tables as they go.
        amendments: its exceptions and corrections, on the day of the run.

    Raises:
        CheckError: a rule cannot be evaluated.
    """
    amending = Amending(connection, source, amendments)
    amending.revert()
    _begin(connection)
    screen_names(connection, source)
    amending.correct()
    names, refusals, suites = names_of(connection, source), {}, {}
    known = before.known(turn_of(source), (table.name for table in source.tables if table.about_people))
    unknown = unknown_columns(connection, source.tables)
    count = len(source.tables)
    with before.beside(connection), Counted(progress, f"checking {source.name}", count, "tables") as next_table:
        for table in source.tables:
            next_table()
            if _is_absent(connection, table):
                refusals[table.name] = Refusal(0, 0)
                continue
            unread = critical_of(connection, table, unknown)
            compiled = compile_rules(table, rules.on(table), names=names, known=known)
            spoken = [
                (place, unread.allowed(compile_rules(table, rules.on(table), names=own, known=known)))
                for place, own in own_names(connection, source, table.name).items()
            ]
            note_asked(connection, table, compiled, unread.asks)
            checked = CheckedTable(connection, source.name, SCHEMA, table, is_staged=True)
            asked = unread.allowed(compiled)
            suites[table.name] = check_table(checked, asked, spoken)
            screen_table(connection, source.name, table, names)
            amending.accept(table)
            measure(Measuring(connection, source.name, table), asked)
            set_aside(connection, source.name, table, row_columns(compiled), names)
            refusals[table.name] = refusal_of(connection, table)
            if not critical_of(connection, table).is_held:
                add_findings(connection, source.name, plausible(table, refusals[table.name], before, names))
    note_looked_at(connection, source.tables)
    amending.settle()
    screen_findings(connection, "main.findings", "main.quarantine")
    withhold_keys(connection, source)
    _name_headings(connection)
    give_ids(connection, "main.findings", source.tables)
    amending.name_accepted()
    accepted = {name: refusal.accepted for name, refusal in refusals.items()}
    counts = _counts(connection, "main.findings")
    (cells,) = connection.execute("SELECT count(*) FROM main.held_cells").fetchone() or (0,)
    connection.execute("CHECKPOINT")
    if counts[Severity.CRITICAL]:
        return Checked(Verdict.HELD, counts, accepted, suites)
    is_partial = cells or any(refusal.refused for refusal in refusals.values())
    return Checked(Verdict.PARTIAL if is_partial else Verdict.PASSED, counts, accepted, suites)


def check_dataset(
    connection: duckdb.DuckDBPyConnection,
    dataset: DatasetDeclaration,
    rules: DatasetRules,
    data_date: date,
    before: Before,
    schema: str = "curated",
) -> Checked:
    """Check a curated table and give the verdict: passed or held, nothing between.

    Its findings are written to the ledger under the dataset's name and date, in place of earlier ones.

    Raises:
        CheckError: a rule cannot be evaluated.
    """
    name, stamp = dataset.name, data_date.isoformat()
    connection.execute("DELETE FROM ledger.findings WHERE subject = ? AND snapshot_id = ?", [name, stamp])
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE findings AS SELECT * EXCLUDE (snapshot_id) FROM ledger.findings LIMIT 0"
    )
    checked = CheckedTable(connection, name, schema, dataset.table, is_staged=False)
    known = replace(before, day=before.day or data_date).known(turn_of(dataset))
    with before.beside(connection):
        asked = compile_rules(dataset.table, rules.rules, schema, known=known)
        suite = check_table(checked, asked)
    (rows,) = connection.execute(f"SELECT count(*) FROM {schema}.{quote(dataset.stem)}").fetchone() or (0,)
    found = plausible(dataset.table, Refusal(rows, 0), before, declared_names([dataset.table]))
    found += screen_dataset(connection, f"{schema}.{quote(dataset.stem)}", name, dataset.table)
    accept_in_dataset(connection, dataset, data_date)
    measure(Measuring(connection, name, dataset.table, schema, stamp), asked)
    add_findings(connection, name, found, "temp")
    screen_findings(connection, "temp.findings")
    give_ids(connection, "temp.findings")
    counts = _counts(connection, "temp.findings")
    connection.execute(
        "INSERT INTO ledger.findings BY NAME SELECT ? AS snapshot_id, * FROM temp.findings", [stamp]
    )
    connection.execute("DROP TABLE temp.findings")
    is_bad = counts[Severity.CRITICAL] or counts[Severity.ERROR]
    verdict = Verdict.HELD if is_bad else Verdict.PASSED
    return Checked(verdict, counts, {dataset.stem: int(rows)}, {dataset.stem: suite})


def _begin(connection: duckdb.DuckDBPyConnection) -> None:
    """Keep what reading found apart, so that a second check starts where the first one did."""
    connection.execute("DELETE FROM main.held_cells; DELETE FROM main.measures")
    begin_looking(connection)
    for table in ("findings", "quarantine"):
        connection.execute(f"CREATE TABLE IF NOT EXISTS main.read_{table} AS FROM main.{table}")
        connection.execute(f"DELETE FROM main.{table}; INSERT INTO main.{table} FROM main.read_{table}")


def _name_headings(connection: duckdb.DuckDBPyConnection) -> None:
    """Note at every finding on a declared column what its file calls it."""
    connection.execute("""
        UPDATE main.findings AS f SET heading = h.heading FROM (
            SELECT table_name, file, sheet, column_name, min(heading) AS heading FROM main.headings GROUP BY ALL
        ) AS h
        WHERE f.table_name = h.table_name AND f.column_name = h.column_name
          AND f.file IS NOT DISTINCT FROM h.file AND f.sheet IS NOT DISTINCT FROM h.sheet""")


def _is_absent(connection: duckdb.DuckDBPyConnection, table: TableDeclaration) -> bool:
    """Whether a table that need not be there is not: a snapshot without it says nothing of it."""
    if table.presence == "mandatory":
        return False
    of_table = f"table_name = {literal(table.name)} AND reason = {literal(NOT_THERE)}"
    return connection.execute(f"SELECT 1 FROM main.incomplete WHERE {of_table}").fetchone() is not None


def _counts(connection: duckdb.DuckDBPyConnection, table: str) -> dict[Severity, int]:
    found = dict(connection.execute(f"SELECT severity, count(*) FROM {table} GROUP BY ALL").fetchall())
    return {severity: int(found.get(severity.value, 0)) for severity in Severity}
