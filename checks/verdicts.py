"""Checking a snapshot or a curated dataset: rules run inside DuckDB, findings and quarantine written, a verdict.

What is found is written where the table stands: into ``main.findings`` and ``main.quarantine`` of the staging
file, or into the ledger for a dataset. Rows never pass through Python: failing rows are copied by SQL.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb

from checks.expected import Outcome
from checks.rules import ROW_ID, Rule, RulesFile, compile_rules, fingerprint
from warehouse.database import DEFAULT_MEMORY, opened
from warehouse.declarations import (
    DatasetDeclaration,
    Privacy,
    RowBounds,
    Severity,
    SourceDeclaration,
    TableDeclaration,
    literal,
    quote,
)
from warehouse.findings import WITHHELD, Finding, add_findings, create_tables, finding_id_sql, key_sql
from warehouse.ledger import Verdict
from warehouse.progress import Progress, silent
from warehouse.staging import SCHEMA, Staged

_SMALLEST_SHRINK = 10  # rows: below this a loss is somebody tidying up, not a broken download


class CheckError(Exception):
    """A rule could not be evaluated: a fault of the rule, not of the data."""


@dataclass(frozen=True)
class Checked:
    """What a check found. ``accepted`` counts, by table, the rows that go on."""

    verdict: Verdict
    counts: Mapping[Severity, int]
    accepted: Mapping[str, int]


def source_fingerprint(source: SourceDeclaration, rules: RulesFile) -> str:
    """SHA-256 of all that decides on a source: another one means that its verdict has to be made anew."""
    parts = [fingerprint(table, rules.tables.get(table.name, ())) for table in source.tables]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def check_source(
    staged: Staged,
    source: SourceDeclaration,
    rules: RulesFile,
    previous_rows: Mapping[str, int],
    *,
    temporary: Path,
    memory: str = DEFAULT_MEMORY,
    may_shrink: bool = False,
    progress: Progress = silent,
) -> Checked:
    """Check every table of a staged snapshot and give the verdict.

    May be called again on the same staging file: the findings of reading stay, those of checking are made anew.

    Args:
        staged: the staging file.
        source: the declaration.
        rules: the source's rules file.
        previous_rows: by table, the rows accepted from the last good snapshot.
        temporary: a folder for DuckDB to spill to.
        memory: DuckDB's memory limit.
        may_shrink: somebody said that this snapshot may be much smaller than the last.
        progress: told of the tables as they go.

    Raises:
        CheckError: a rule cannot be evaluated.
    """
    with opened(staged.path, temporary=temporary, memory=memory) as connection:
        _begin(connection)
        for table in source.tables:
            progress(f"checking {source.name}.{table.name}")
            _check_table(
                connection,
                source.name,
                SCHEMA,
                table,
                compile_rules(table, rules.tables.get(table.name, ())),
                origin=("_file", "_sheet", "_row"),
            )
            _quarantine(connection, source.name, table)
        accepted = {table.name: _accepted(connection, table) for table in source.tables}
        for table in source.tables:
            found = _plausible(
                table.name, table.rows, accepted[table.name], previous_rows.get(table.name), may_shrink
            )
            add_findings(connection, source.name, found)
        counts = _counts(connection, "main.findings")
        (quarantined,) = connection.execute("SELECT count(*) FROM main.quarantine").fetchone() or (0,)
        connection.execute("CHECKPOINT")
    if counts[Severity.CRITICAL]:
        return Checked(Verdict.HELD, counts, accepted)
    return Checked(Verdict.PARTIAL if quarantined else Verdict.PASSED, counts, accepted)


def check_dataset(
    connection: duckdb.DuckDBPyConnection,
    dataset: DatasetDeclaration,
    rules: RulesFile,
    data_date: date,
    previous_rows: int | None,
    *,
    schema: str = "curated",
    may_shrink: bool = False,
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
    compiled = compile_rules(dataset.table, rules.dataset, schema)
    _check_table(connection, name, schema, dataset.table, compiled, origin=None, findings="temp.findings")
    (rows,) = connection.execute(f"SELECT count(*) FROM {schema}.{quote(dataset.stem)}").fetchone() or (0,)
    found = _plausible(dataset.stem, dataset.table.rows, rows, previous_rows, may_shrink)
    add_findings(connection, name, found, "temp")
    counts = _counts(connection, "temp.findings")
    connection.execute("INSERT INTO ledger.findings SELECT ?, * FROM temp.findings", [stamp])
    connection.execute("DROP TABLE temp.findings")
    is_bad = counts[Severity.CRITICAL] or counts[Severity.ERROR]
    return Checked(Verdict.HELD if is_bad else Verdict.PASSED, counts, {dataset.stem: int(rows)})


def _begin(connection: duckdb.DuckDBPyConnection) -> None:
    """Keep what reading found apart, so that a second check starts where the first one did."""
    create_tables(connection)
    for table in ("findings", "quarantine"):
        connection.execute(f"CREATE TABLE IF NOT EXISTS main.read_{table} AS FROM main.{table}")
        connection.execute(f"DELETE FROM main.{table}; INSERT INTO main.{table} FROM main.read_{table}")


def _check_table(
    connection: duckdb.DuckDBPyConnection,
    subject: str,
    schema: str,
    table: TableDeclaration,
    rules: Sequence[Rule],
    origin: tuple[str, str, str] | None,
    findings: str = "main.findings",
) -> None:
    from checks.gx_duckdb import run_suite  # imports Great Expectations: seconds

    # A staged row has no single column that identifies it over several files and sheets; DuckDB's rowid does.
    view = f"{table.name}__checked"
    connection.execute(
        f"CREATE OR REPLACE VIEW {schema}.{quote(view)} AS"
        f" SELECT *, rowid AS {ROW_ID} FROM {schema}.{quote(table.name)}"
    )
    try:
        outcomes = run_suite(connection, schema, view, [rule.expected for rule in rules], row_id=ROW_ID)
        for rule, outcome in zip(rules, outcomes, strict=True):
            if outcome.error:
                raise CheckError(f"{subject}.{table.name}: rule {rule.expected.rule_id}: {outcome.error}")
            if outcome.success:
                continue
            if rule.is_about_rows:
                _write_findings(connection, subject, schema, view, table, rule, outcome, origin, findings)
            else:
                _write_table_finding(connection, subject, table, rule, outcome, findings)
    finally:
        connection.execute(f"DROP VIEW IF EXISTS {schema}.{quote(view)}")


def _write_findings(
    connection: duckdb.DuckDBPyConnection,
    subject: str,
    schema: str,
    view: str,
    table: TableDeclaration,
    rule: Rule,
    outcome: Outcome,
    origin: tuple[str, str, str] | None,
    findings: str,
) -> None:
    """A finding for every failing row, by one INSERT ... SELECT.

    A cell that could not be read has its finding from reading already: it stands as missing in the typed table,
    and "is missing" beside "cannot be read" would be wrong.
    """
    column = table.field(rule.columns[0])
    file, sheet, row = origin or ("NULL", "NULL", "NULL")
    key = "concat_ws(' | ', " + ", ".join(f"CAST({quote(k)} AS VARCHAR)" for k in table.primary_key) + ")"
    has_key = " AND ".join(f"{quote(k)} IS NOT NULL" for k in table.primary_key)
    if column.privacy is Privacy.PERSONAL:
        value = f"CASE WHEN {quote(column.name)} IS NOT NULL THEN {literal(WITHHELD)} END"
    else:
        value = f"left(CAST({quote(column.name)} AS VARCHAR), 200)"
    constant = [literal(text) for text in (subject, table.name, rule.id, rule.severity.value, column.name)]
    # Rows that share a key (that is what the rule on keys finds) are told apart by their place.
    place = f"coalesce({file}, '') || ':' || coalesce({sheet}, '') || ':' || coalesce({row}, 0)"
    identity = place if rule.id == "unique" else f"CASE WHEN {has_key} THEN {key} ELSE {place} END"
    query = f"""
        INSERT INTO {findings}
        SELECT {finding_id_sql(constant[0], constant[1], constant[2], constant[4], identity)},
               {", ".join(constant[:4])}, {file}, {sheet}, {row}, {constant[4]}, {value},
               {literal(rule.message)}, {literal(rule.help)}, CASE WHEN {has_key} THEN {key} END
        FROM {schema}.{quote(view)} AS checked
        WHERE {ROW_ID} IN (SELECT {ROW_ID} FROM ({outcome.unexpected_query}))"""
    if origin and rule.id == "required":
        query += f"""
            AND NOT EXISTS (
                SELECT 1 FROM main.read_findings AS r
                WHERE r.table_name = {constant[1]} AND r.column_name = {constant[4]}
                  AND r.row_number = checked._row AND r.file IS NOT DISTINCT FROM checked._file
                  AND r.sheet IS NOT DISTINCT FROM checked._sheet)"""
    connection.execute(query)


def _write_table_finding(
    connection: duckdb.DuckDBPyConnection,
    subject: str,
    table: TableDeclaration,
    rule: Rule,
    outcome: Outcome,
    findings: str,
) -> None:
    finding = Finding(
        rule=rule.id,
        severity=rule.severity,
        message=f"{rule.message} It has {outcome.observed}.",
        help=rule.help,
        table_name=table.name,
        value=outcome.observed,
    )
    add_findings(connection, subject, [finding], findings.split(".")[0])


def _quarantine(connection: duckdb.DuckDBPyConnection, source: str, table: TableDeclaration) -> None:
    """Put every row with an error into quarantine, once, as JSON without its personal columns."""
    fields = ", ".join(f"{quote(f.name)} := {quote(f.name)}" for f in table.kept_fields)
    key = key_sql(table)
    connection.execute(f"""
        INSERT INTO main.quarantine
        SELECT {literal(source)}, {literal(table.name)}, _file, _sheet, _row,
               CAST(to_json(struct_pack({fields})) AS VARCHAR), {key}
        FROM {SCHEMA}.{quote(table.name)} AS s
        WHERE EXISTS (
            SELECT 1 FROM main.findings AS f
            WHERE f.table_name = {literal(table.name)} AND f.severity = '{Severity.ERROR.value}'
              AND f.row_number = s._row AND f.file IS NOT DISTINCT FROM s._file
              AND f.sheet IS NOT DISTINCT FROM s._sheet)""")


def _accepted(connection: duckdb.DuckDBPyConnection, table: TableDeclaration) -> int:
    (rows,) = connection.execute(f"""
        SELECT count(*) FROM {SCHEMA}.{quote(table.name)} AS s WHERE NOT EXISTS (
            SELECT 1 FROM main.quarantine AS q
            WHERE q.table_name = {literal(table.name)} AND q.row_number = s._row
              AND q.file IS NOT DISTINCT FROM s._file AND q.sheet IS NOT DISTINCT FROM s._sheet)
    """).fetchone() or (0,)
    return int(rows)


def _plausible(
    table: str, bounds: RowBounds, accepted: int, previous: int | None, may_shrink: bool
) -> list[Finding]:
    """Critical findings where the good rows are too few: below the floor, or far fewer than last time."""
    found = []
    if accepted < bounds.minimum:
        found.append(
            Finding(
                rule="good-rows",
                severity=Severity.CRITICAL,
                message=f"Only {accepted:,} rows are good; at least {bounds.minimum:,} are needed.",
                help="Mend the rows listed below, or find out whether the file is whole.",
                table_name=table,
                value=str(accepted),
            )
        )
    lost = (previous or 0) - accepted
    if previous and not may_shrink and lost > _SMALLEST_SHRINK and lost > previous * bounds.shrink_limit_pct / 100:
        found.append(
            Finding(
                rule="shrunk",
                severity=Severity.CRITICAL,
                message=f"{lost:,} of {previous:,} rows are gone since the last good one"
                f" ({100 * lost / previous:.0f} %; up to {bounds.shrink_limit_pct:g} % is plausible).",
                help="Find out whether the file is whole. If it is right: run again with --allow-shrink.",
                table_name=table,
                value=str(accepted),
            )
        )
    return found


def _counts(connection: duckdb.DuckDBPyConnection, table: str) -> dict[Severity, int]:
    found = dict(connection.execute(f"SELECT severity, count(*) FROM {table} GROUP BY ALL").fetchall())
    return {severity: int(found.get(severity.value, 0)) for severity in Severity}
