"""Checking a snapshot or a curated dataset: rules run inside DuckDB, findings and quarantine written, a verdict.

What is found is written where the table stands: into ``main.findings`` and ``main.quarantine`` of the staging
file, or into the ledger for a dataset. Rows never pass through Python: failing rows are copied by SQL.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import duckdb

from checks.amending import Amending
from checks.amendments import NONE, Amendments
from checks.expected import Outcome
from checks.looking import begin_looking, note_asked, note_looked_at
from checks.personal_data import screen_dataset, screen_findings, screen_names, screen_table, withhold_keys
from checks.rules import ROW_ID, DatasetRules, Rule, SourceRules, compile_rules, fingerprint, row_columns
from checks.rules.demands import Required, Unique
from warehouse.declarations import (
    DatasetDeclaration,
    FieldDeclaration,
    Severity,
    SourceDeclaration,
    TableDeclaration,
    literal,
    quote,
)
from warehouse.finding_ids import give_ids
from warehouse.findings import (
    NOT_THERE,
    WITHHELD,
    Finding,
    add_findings,
    key_sql,
    said_json,
    shown_key_sql,
)
from warehouse.ledger import Verdict
from warehouse.personal import personal_sql
from warehouse.progress import Progress, silent
from warehouse.staging import SCHEMA

_SMALLEST_SHRINK = 10  # rows: below this a loss is somebody tidying up, not a broken download


class CheckError(Exception):
    """A rule could not be evaluated: a fault of the rule, not of the data."""


@dataclass(frozen=True)
class Checked:
    """What a check found. ``accepted`` counts, by table, the rows that go on."""

    verdict: Verdict
    counts: Mapping[Severity, int]
    accepted: Mapping[str, int]


def source_fingerprint(
    source: SourceDeclaration, rules: SourceRules, amendments: Amendments = NONE, day: date = date.min
) -> str:
    """SHA-256 of all that decides on a source: another one means that its verdict has to be made anew.

    ``day`` is that of the run: what is accepted until the day before counts again.
    """
    parts = [fingerprint(table, rules.on(table)) for table in source.tables]
    # what personal data look like decides too: a snapshot judged before the screen knew them is judged anew
    decided = [one for one in (amendments.fingerprint(day),) if one]
    return hashlib.sha256("\0".join([*parts, personal_sql("text"), *decided]).encode()).hexdigest()


@dataclass(frozen=True)
class Before:
    """What a check compares with: by table, the rows that stood before.

    ``may_shrink``: somebody said that it may be much less this time.
    """

    rows: Mapping[str, int]
    may_shrink: bool = False


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
    refusals = {}
    for table in source.tables:
        progress(f"checking {source.name}.{table.name}")
        if _is_absent(connection, table):
            refusals[table.name] = _Refusal(0, 0)
            continue
        compiled = compile_rules(table, rules.on(table))
        unread = _critical(connection, table)
        checked = _CheckedTable(connection, source.name, SCHEMA, table, is_staged=True)
        note_asked(connection, table, compiled, unread.allows)
        _check_table(checked, [rule for rule in compiled if unread.allows(rule)])
        screen_table(connection, source.name, table)
        amending.accept(table)
        _set_aside(connection, source.name, table, row_columns(compiled))
        refusals[table.name] = _refusal(connection, table)
        if not _critical(connection, table).is_held:
            add_findings(connection, source.name, _plausible(table, refusals[table.name], before))
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
        return Checked(Verdict.HELD, counts, accepted)
    is_partial = cells or any(refusal.refused for refusal in refusals.values())
    return Checked(Verdict.PARTIAL if is_partial else Verdict.PASSED, counts, accepted)


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
    checked = _CheckedTable(connection, name, schema, dataset.table, is_staged=False)
    _check_table(checked, compile_rules(dataset.table, rules.rules, schema))
    (rows,) = connection.execute(f"SELECT count(*) FROM {schema}.{quote(dataset.stem)}").fetchone() or (0,)
    found = _plausible(dataset.table, _Refusal(rows, 0), before)
    found += screen_dataset(connection, f"{schema}.{quote(dataset.stem)}", name, dataset.table)
    add_findings(connection, name, found, "temp")
    screen_findings(connection, "temp.findings")
    give_ids(connection, "temp.findings")
    counts = _counts(connection, "temp.findings")
    connection.execute(
        "INSERT INTO ledger.findings BY NAME SELECT ? AS snapshot_id, * FROM temp.findings", [stamp]
    )
    connection.execute("DROP TABLE temp.findings")
    is_bad = counts[Severity.CRITICAL] or counts[Severity.ERROR]
    return Checked(Verdict.HELD if is_bad else Verdict.PASSED, counts, {dataset.stem: int(rows)})


def _begin(connection: duckdb.DuckDBPyConnection) -> None:
    """Keep what reading found apart, so that a second check starts where the first one did."""
    connection.execute("DELETE FROM main.held_cells")
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


@dataclass(frozen=True)
class _CheckedTable:
    """A table that is checked: where it stands, and where what is found goes.

    A row of a staged one has a place in a file; one of a curated table is computed, so it has none.
    """

    connection: duckdb.DuckDBPyConnection
    subject: str  # the source or the dataset
    schema: str
    table: TableDeclaration
    is_staged: bool

    @property
    def findings(self) -> str:
        """The schema with the table of findings."""
        return "main" if self.is_staged else "temp"

    @property
    def origin(self) -> tuple[str, str, str]:
        """The SQL of a row's file, sheet and number."""
        return ("_file", "_sheet", "_row") if self.is_staged else ("NULL", "NULL", "NULL")

    @property
    def view(self) -> str:
        """The name of the view that is checked: the table with an id for every row."""
        return f"{self.table.name}__checked"


def _check_table(checked: _CheckedTable, rules: Sequence[Rule]) -> None:
    from checks.gx_duckdb import run_suite  # imports Great Expectations: seconds

    connection, schema = checked.connection, checked.schema
    # A staged row has no single column that identifies it over several files and sheets; DuckDB's rowid does.
    connection.execute(
        f"CREATE OR REPLACE VIEW {schema}.{quote(checked.view)} AS"
        f" SELECT *, rowid AS {ROW_ID} FROM {schema}.{quote(checked.table.name)}"
    )
    try:
        outcomes = run_suite(connection, schema, checked.view, [rule.expected for rule in rules], row_id=ROW_ID)
        for rule, outcome in zip(rules, outcomes, strict=True):
            if outcome.error:
                name = f"{checked.subject}.{checked.table.name}"
                raise CheckError(f"{name}: rule {outcome.rule_id}: {outcome.error}")
            if outcome.success:
                continue
            if rule.is_about_rows:
                _write_findings(checked, rule, outcome)
            else:
                _write_table_finding(checked, rule, outcome)
    finally:
        connection.execute(f"DROP VIEW IF EXISTS {schema}.{quote(checked.view)}")


def _write_findings(checked: _CheckedTable, rule: Rule, outcome: Outcome) -> None:
    """A finding for every failing row, by one INSERT ... SELECT.

    A cell that could not be read has its finding from reading already: it stands as missing in the typed table,
    and "is missing" beside "cannot be read" would be wrong.
    """
    table = checked.table
    column = table.field(rule.columns[0])
    file, sheet, row = checked.origin
    key = shown_key_sql(table)
    has_key = " AND ".join(f"{quote(k)} IS NOT NULL" for k in table.primary_key)
    if column.is_withheld:
        value = f"CASE WHEN {quote(column.name)} IS NOT NULL THEN {literal(WITHHELD)} END"
    else:
        value = f"left(CAST({quote(column.name)} AS VARCHAR), 200)"
    constant = [literal(text) for text in (checked.subject, table.name, rule.id, rule.severity.value, column.name)]
    made = said_json(rule.message, rule.help)
    said = "NULL" if made is None else literal(made)
    query = f"""
        INSERT INTO {checked.findings}.findings
        SELECT '', {", ".join(constant[:4])}, {file}, {sheet}, {row}, {constant[4]}, {value},
               {literal(rule.message)}, {literal(rule.help)}, CASE WHEN {has_key} THEN {key} END,
               NULL, {said}
        FROM {checked.schema}.{quote(checked.view)} AS checked
        WHERE {ROW_ID} IN (SELECT {ROW_ID} FROM ({outcome.unexpected_query}))"""
    if checked.is_staged and isinstance(rule.demand, Required):
        query += f"""
            AND NOT EXISTS (
                SELECT 1 FROM main.read_findings AS r
                WHERE r.table_name = {constant[1]} AND r.column_name = {constant[4]}
                  AND r.row_number = checked._row AND r.file IS NOT DISTINCT FROM checked._file
                  AND r.sheet IS NOT DISTINCT FROM checked._sheet)"""
    checked.connection.execute(query)


def _write_table_finding(checked: _CheckedTable, rule: Rule, outcome: Outcome) -> None:
    finding = Finding(
        rule=rule.id,
        severity=rule.severity,
        message=f"{rule.message} It has {outcome.observed}.",
        help=rule.help,
        table_name=checked.table.name,
        value=outcome.observed,
    )
    add_findings(checked.connection, checked.subject, [finding], checked.findings)


@dataclass(frozen=True)
class _Critical:
    """What is known already to be wrong with a table as a whole: its echoes are no findings of their own.

    ``is_held``: the table cannot be used. ``columns``: those that it lacks.
    """

    is_held: bool
    columns: frozenset[str]

    def allows(self, rule: Rule) -> bool:
        """False for a rule that would only say the same once more."""
        return not self.columns.intersection(rule.columns) if rule.is_about_rows else not self.is_held


def _critical(connection: duckdb.DuckDBPyConnection, table: TableDeclaration) -> _Critical:
    name = literal(table.name)
    rows = connection.execute(f"""
        SELECT DISTINCT column_name FROM main.findings
        WHERE severity = '{Severity.CRITICAL.value}' AND coalesce(table_name, {name}) = {name}""").fetchall()
    return _Critical(bool(rows), frozenset(row[0] for row in rows if row[0]))


_SAME_PLACE = """f.row_number = s._row AND f.file IS NOT DISTINCT FROM s._file
              AND f.sheet IS NOT DISTINCT FROM s._sheet"""


def _set_aside(
    connection: duckdb.DuckDBPyConnection, source: str, table: TableDeclaration, costly: Collection[str]
) -> None:
    """Put rows with an error into quarantine, and mark the cells that are to be emptied.

    An error in one of the ``costly`` columns, or in none, costs the row. In any other it costs the cell, as does
    a value that could not be read. Where most of what stands in a column could not be read, the column is not what
    it seems to be, and what could be read of it by chance goes the same way.
    """
    by_name = {field.name: field for field in table.kept_fields}
    touched = connection.execute(f"""
        SELECT column_name, count(DISTINCT (file, sheet, row_number)) FILTER (WHERE is_read)
        FROM (SELECT *, true AS is_read FROM main.read_findings UNION ALL SELECT *, false FROM main.findings)
        WHERE table_name = {literal(table.name)} AND row_number IS NOT NULL AND value IS NOT NULL
          AND severity IN ('{Severity.ERROR.value}', '{Severity.WARNING.value}')
        GROUP BY ALL ORDER BY ALL""").fetchall()
    staged = f"{SCHEMA}.{quote(table.name)}"
    for name, unreadable in touched:
        if name not in by_name:
            continue
        is_hit = f"""EXISTS (
            SELECT 1 FROM main.findings AS f
            WHERE f.table_name = {literal(table.name)} AND f.column_name = {literal(name)} AND {_SAME_PLACE}
              AND (f.severity = '{Severity.ERROR.value}' OR s.{quote(name)} IS NULL
                   AND f.severity = '{Severity.WARNING.value}' AND f.value IS NOT NULL))"""
        (read,) = connection.execute(f"SELECT count({quote(name)}) FROM {staged}").fetchone() or (0,)
        if unreadable > read > 0:
            is_hit = f"({is_hit} OR s.{quote(name)} IS NOT NULL)"
            add_findings(connection, source, [_mostly_unreadable(table, by_name[name], unreadable, read)])
            if name in costly:
                doubt = f"Most of what stands under {by_name[name].title} cannot be read, so this is doubtful."
                connection.execute(f"""
                    INSERT INTO main.findings
                    SELECT '', {literal(source)}, {literal(table.name)}, 'doubtful',
                           '{Severity.ERROR.value}', _file, _sheet, _row, {literal(name)}, NULL, {literal(doubt)},
                           'Mend the column as a whole.', {key_sql(table)}, NULL, NULL
                    FROM {staged} WHERE {quote(name)} IS NOT NULL""")
        if name not in costly:
            connection.execute(
                f"INSERT INTO main.held_cells SELECT {literal(table.name)}, s.rowid, {literal(name)}"
                f" FROM {staged} AS s WHERE {is_hit}"
            )
    _quarantine(connection, source, table, [name for name in by_name if name not in costly])
    connection.execute(f"""
        DELETE FROM main.held_cells AS h WHERE h.table_name = {literal(table.name)} AND h.row_id IN (
            SELECT s.rowid FROM {staged} AS s, main.quarantine AS f
            WHERE f.table_name = {literal(table.name)} AND {_SAME_PLACE})""")


def _mostly_unreadable(table: TableDeclaration, field: FieldDeclaration, unreadable: int, read: int) -> Finding:
    return Finding(
        rule="mostly-unreadable",
        severity=Severity.ERROR,
        message=f"{unreadable:,} of {unreadable + read:,} values under {field.title} cannot be read, so the others"
        " are not trusted either.",
        help=field.help or "Mend the column as a whole: it is perhaps written in another way than it should be.",
        table_name=table.name,
        column_name=field.name,
    )


def _quarantine(
    connection: duckdb.DuckDBPyConnection, source: str, table: TableDeclaration, cheap: Sequence[str]
) -> None:
    """Put every row with an error in other than the ``cheap`` columns into quarantine, once, as JSON without its
    personal columns. A row of a tombstone has nothing to be right but its key.
    """
    fields = ", ".join(f"{quote(f.name)} := {quote(f.name)}" for f in table.kept_fields)
    counted = (
        f"coalesce(f.column_name NOT IN ({', '.join(literal(name) for name in cheap)}), true)" if cheap else "true"
    )
    if table.tombstone:
        keys = ", ".join(literal(name) for name in table.primary_key)
        counted += f" AND (NOT coalesce(s.{quote(table.tombstone)}, false) OR f.column_name IN ({keys}))"
    # A key that is itself wrong (zeros lost, another form) does not say whose row it is; one that is twice does.
    of_key = ", ".join(literal(name) for name in table.primary_key)
    wrong_key = f"""
        SELECT 1 FROM main.findings AS f
        WHERE f.table_name = {literal(table.name)} AND f.severity = '{Severity.ERROR.value}'
          AND f.column_name IN ({of_key}) AND f.rule <> {literal(Unique.kind)} AND {_SAME_PLACE}"""
    connection.execute(f"""
        INSERT INTO main.quarantine
        SELECT {literal(source)}, {literal(table.name)}, _file, _sheet, _row,
               CAST(to_json(struct_pack({fields})) AS VARCHAR),
               CASE WHEN NOT EXISTS ({wrong_key}) THEN {key_sql(table)} END
        FROM {SCHEMA}.{quote(table.name)} AS s
        WHERE EXISTS (
            SELECT 1 FROM main.findings AS f
            WHERE f.table_name = {literal(table.name)} AND f.severity = '{Severity.ERROR.value}'
              AND {_SAME_PLACE} AND {counted})""")


@dataclass(frozen=True)
class _Refusal:
    """How many rows of a table go on, and how many do not."""

    accepted: int
    refused: int


def _refusal(connection: duckdb.DuckDBPyConnection, table: TableDeclaration) -> _Refusal:
    of_table = f"f.table_name = {literal(table.name)}"
    row = connection.execute(f"""
        SELECT (SELECT count(*) FROM {SCHEMA}.{quote(table.name)} AS s WHERE NOT EXISTS (
                    SELECT 1 FROM main.quarantine AS f WHERE {of_table} AND {_SAME_PLACE})),
               (SELECT count(DISTINCT (f.file, f.sheet, f.row_number)) FROM main.quarantine AS f WHERE {of_table})
    """).fetchone()
    return _Refusal(*(int(number) for number in row or (0, 0)))


def _plausible(table: TableDeclaration, refusal: _Refusal, before: Before) -> list[Finding]:
    """A critical finding where the good rows cannot be the table: at most one, for one cause.

    A refused row is not a lost one: its record stands as it last was. But where most rows are refused, the file is
    not what it seems to be, and the few that passed did so by chance. Fewer rows than last time mean nothing where
    the table is delivered as changes.
    """

    def critical(rule: str, message: str, advice: str) -> list[Finding]:
        value = None if table.about_people else str(refusal.accepted)
        return [Finding(rule, Severity.CRITICAL, message, advice, table.name, value=value)]

    def told(words: str, without_numbers: str) -> str:
        return without_numbers if table.about_people else words  # rows are people

    came = refusal.accepted + refusal.refused
    if refusal.refused > refusal.accepted:
        return critical(
            "mostly-refused",
            told(f"{refusal.refused:,} of {came:,}", "Most")
            + " rows are wrong, so the others are not trusted either.",
            "Mend what the findings on the rows say; the same mistake is probably behind most of them.",
        )
    bounds = table.rows
    if table.delivery != "full":
        return []
    if refusal.accepted < bounds.minimum:
        return critical(
            "good-rows",
            f"Only {told(f'{refusal.accepted:,}', 'few')} rows are good; at least {bounds.minimum:,} are needed.",
            "Mend the rows listed below, or find out whether the file is whole.",
        )
    previous = before.rows.get(table.name, 0)
    lost = previous - came
    if not before.may_shrink and lost > _SMALLEST_SHRINK and lost > previous * bounds.shrink_limit_pct / 100:
        return critical(
            "shrunk",
            told(f"{lost:,} of {previous:,}", "Many")
            + " rows are gone since the last good one ("
            + told(f"{100 * lost / previous:.0f} %; ", "")
            + f"up to {bounds.shrink_limit_pct:g} % is plausible).",
            "Find out whether the file is whole. If it is right: run again with --allow-shrink.",
        )
    return []


def _counts(connection: duckdb.DuckDBPyConnection, table: str) -> dict[Severity, int]:
    found = dict(connection.execute(f"SELECT severity, count(*) FROM {table} GROUP BY ALL").fetchall())
    return {severity: int(found.get(severity.value, 0)) for severity in Severity}
