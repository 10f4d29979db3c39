"""Asking the rules of a table, and writing what is found: failing rows are copied by SQL."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

import duckdb

from checks.expected import Outcome, SuiteResult
from checks.rules import ROW_ID, Rule
from checks.rules.demands import Condition, Reference, Required, RowCount
from checks.told import NOTHING, Told, told_by_row, told_by_value, with_values
from warehouse.declarations import Severity, TableDeclaration, literal, quote
from warehouse.findings import NOT_THERE, WITHHELD, Finding, add_findings, said_json, shown_key_sql
from warehouse.headings import Place
from warehouse.messages import message, sentences


class CheckError(Exception):
    """A rule could not be evaluated: a fault of the rule, not of the data."""


@dataclass(frozen=True)
class CheckedTable:
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


Spoken = Sequence[tuple[Place, Sequence[Rule]]]


def check_table(checked: CheckedTable, rules: Sequence[Rule], spoken: Spoken = ()) -> SuiteResult:
    """Ask the rules of a table and write what breaks them.

    Args:
        checked: the table.
        rules: those on it.
        spoken: the same rules in the words of places that call the columns in their own way.

    Returns:
        what came of the rules; those that could not be asked stand at the end, with why.

    Raises:
        CheckError: a rule cannot be evaluated.
    """
    from checks.gx_duckdb import run_suite  # imports Great Expectations: seconds

    connection, schema = checked.connection, checked.schema
    # A staged row has no single column that identifies it over several files and sheets; DuckDB's rowid does.
    connection.execute(
        f"CREATE OR REPLACE VIEW {schema}.{quote(checked.view)} AS"
        f" SELECT *, rowid AS {ROW_ID} FROM {schema}.{quote(checked.table.name)}"
    )
    try:
        asked = [rule for rule in rules if not rule.not_asked]
        ran = run_suite(connection, schema, checked.view, [rule.expected for rule in asked], row_id=ROW_ID)
        own = [(place, [rule for rule in others if not rule.not_asked]) for place, others in spoken]
        for number, (rule, outcome) in enumerate(zip(asked, ran.outcomes, strict=True)):
            if outcome.error:
                name = f"{checked.subject}.{checked.table.name}"
                raise CheckError(f"{name}: rule {outcome.rule_id}: {outcome.error}")
            if outcome.success:
                continue
            if rule.is_about_rows:
                _write_by_place(checked, rule, outcome, [(place, others[number]) for place, others in own])
            else:
                _write_table_finding(checked, rule, outcome)
        if checked.is_staged:
            _drop_echoes(checked, asked)
    finally:
        connection.execute(f"DROP VIEW IF EXISTS {schema}.{quote(checked.view)}")
    unasked = (
        Outcome(rule.expected.rule_id, success=True, not_asked=rule.not_asked) for rule in rules if rule.not_asked
    )
    return replace(ran, outcomes=(*ran.outcomes, *unasked))


def _told(checked: CheckedTable, rule: Rule, failing: str) -> Told:
    """What is said of the failing rows by their own values, where these may be shown."""
    batch = f"{checked.schema}.{quote(checked.view)}"
    may_show = not any(checked.table.field(name).is_withheld for name in rule.columns)
    if rule.row_words is not None and (may_show or not rule.row_words.shows_values):
        return told_by_row(checked.connection, rule.row_words, batch, failing)
    if not may_show or not rule.demand.advises:
        return NOTHING

    def said_of(value: str) -> tuple[str, str] | None:
        advice = rule.demand.advice_on(value)
        return (rule.message, sentences(advice, rule.remark or rule.help)) if advice else None

    return told_by_value(checked.connection, rule.columns[0], batch, failing, said_of)


def _write_by_place(
    checked: CheckedTable, rule: Rule, outcome: Outcome, own: Sequence[tuple[Place, Rule]]
) -> None:
    """A finding for every failing row, in the words of its place."""
    # Once: a failing row is looked for by its id in what follows, and a rule's query may scan millions of rows.
    checked.connection.execute(f"CREATE OR REPLACE TEMP TABLE failing_rows AS {outcome.unexpected_query}")
    elsewhere = "true"
    for place, said_there in own:
        is_there = " AND ".join(
            f"{column} IS NOT DISTINCT FROM {'NULL' if name is None else literal(name)}"
            for column, name in (("_file", place.file), ("_sheet", place.sheet))
        )
        elsewhere += f" AND NOT ({is_there})"
        _write_findings(checked, said_there, is_there)
    _write_findings(checked, rule, elsewhere)
    checked.connection.execute("DROP TABLE temp.failing_rows")


def _write_findings(checked: CheckedTable, rule: Rule, where: str) -> None:
    """A finding for every failing row of a place, by one INSERT ... SELECT.

    A cell that could not be read has its finding from reading already: it stands as missing in the typed table,
    and "is missing" beside "cannot be read" would be wrong.
    """
    table = checked.table
    column = table.field(rule.columns[0])
    file, sheet, row = checked.origin
    key = shown_key_sql(table)
    has_key = " AND ".join(f"{quote(k)} IS NOT NULL" for k in table.primary_key)
    failing = f"SELECT {ROW_ID} FROM temp.failing_rows"
    told = _told(checked, rule, failing)
    if column.is_withheld:
        value = f"CASE WHEN {quote(column.name)} IS NOT NULL THEN {literal(WITHHELD)} END"
    else:
        value = f"left(coalesce(told.observed, CAST({quote(column.name)} AS VARCHAR)), 200)"
    constant = [literal(text) for text in (checked.subject, table.name, rule.id, rule.severity.value, column.name)]
    # A finding on a group of rows is known by the group, wherever its first row stands.
    identity = "''" if table.about_people else "coalesce(told.identity, '')"
    made = said_json(rule.message, rule.help)
    said = "NULL" if made is None else literal(made)
    query = f"""
        INSERT INTO {checked.findings}.findings
        SELECT {identity}, {", ".join(constant[:4])}, {file}, {sheet}, {row}, {constant[4]}, {value},
               coalesce(told.message, {literal(rule.message)}), coalesce(told.help, {literal(rule.help)}),
               CASE WHEN {has_key} THEN {key} END, NULL,
               CASE WHEN told.message IS NULL THEN {said} ELSE told.said END
        FROM {checked.schema}.{quote(checked.view)} AS checked LEFT JOIN ({told.sql}) AS told USING ({ROW_ID})
        WHERE {ROW_ID} IN ({failing}) AND {where}"""
    if checked.is_staged and isinstance(rule.demand, Required):
        query += f"""
            AND NOT EXISTS (
                SELECT 1 FROM main.read_findings AS r
                WHERE r.table_name = {constant[1]} AND r.column_name = {constant[4]}
                  AND r.row_number = checked._row AND r.file IS NOT DISTINCT FROM checked._file
                  AND r.sheet IS NOT DISTINCT FROM checked._sheet)"""
    checked.connection.execute(query)


def _drop_echoes(checked: CheckedTable, rules: Sequence[Rule]) -> None:
    """Take back what a rules file says of a row whose cell is wrong by itself: that is one cause, told already.

    So is a suggestion at a cell with an error of another rule of the file.
    """
    written = [rule for rule in rules if isinstance(rule.demand, Condition)]
    if not written:
        return
    to_mend = f"('{Severity.CRITICAL.value}', '{Severity.ERROR.value}')"
    ids = ", ".join(sorted({literal(rule.id) for rule in written}))
    for columns, rule_id in sorted({(rule.columns, rule.id) for rule in written}):
        named = ", ".join(literal(name) for name in columns)
        checked.connection.execute(f"""
            DELETE FROM main.findings AS f
            WHERE f.table_name = {literal(checked.table.name)} AND f.rule = {literal(rule_id)} AND EXISTS (
                SELECT 1 FROM main.findings AS g
                WHERE g.table_name = f.table_name AND g.row_number = f.row_number
                  AND g.file IS NOT DISTINCT FROM f.file AND g.sheet IS NOT DISTINCT FROM f.sheet
                  AND g.rule <> f.rule AND g.severity IN {to_mend} AND g.column_name IN ({named})
                  AND (g.rule NOT IN ({ids}) OR f.severity NOT IN {to_mend} AND g.column_name = f.column_name))""")


def _write_table_finding(checked: CheckedTable, rule: Rule, outcome: Outcome) -> None:
    """The finding on a table as a whole, with what was measured."""
    observed = (outcome.observed or "").removesuffix(".0")
    if isinstance(rule.demand, RowCount):
        said, advice = sentences(rule.message, message("It has {observed}.", observed=observed)), rule.help
    else:
        said, advice = (with_values(text, {"observed": observed}) for text in (rule.message, rule.help))
    finding = Finding(
        rule=rule.id,
        severity=rule.severity,
        message=said,
        help=advice,
        table_name=checked.table.name,
        value=observed,
    )
    add_findings(checked.connection, checked.subject, [finding], checked.findings)


@dataclass(frozen=True)
class Critical:
    """What is known already to be wrong with a table as a whole: its echoes are no findings of their own.

    ``is_held``: the table cannot be used. ``columns``: those that it lacks. ``unknown``: by table of the same
    source, the columns of which nobody can tell what they hold, so that no reference to them can be judged.
    """

    is_held: bool
    columns: frozenset[str]
    unknown: Mapping[str, frozenset[str]]

    def allows(self, rule: Rule) -> bool:
        """False for a rule that would only say the same once more."""
        if isinstance(rule.demand, Reference):
            there = self.unknown.get(rule.demand.table, frozenset())
            if there.intersection(rule.demand.references):
                return False
        return not self.columns.intersection(rule.columns) if rule.is_about_rows else not self.is_held

    def allowed(self, rules: Iterable[Rule]) -> list[Rule]:
        """Those of the rules that would say something of their own."""
        return [rule for rule in rules if self.allows(rule)]

    def asks(self, rule: Rule) -> bool:
        """Whether a rule is asked: only then can what it found be mended."""
        return not rule.not_asked and self.allows(rule)


def critical_of(
    connection: duckdb.DuckDBPyConnection,
    table: TableDeclaration,
    unknown: Mapping[str, frozenset[str]] = MappingProxyType({}),
) -> Critical:
    """What the findings say of a table as a whole; ``unknown`` is what ``unknown_columns`` gives."""
    columns = _critical_columns(connection, table)
    return Critical(bool(columns), frozenset(filter(None, columns)), unknown)


def unknown_columns(
    connection: duckdb.DuckDBPyConnection, tables: Iterable[TableDeclaration]
) -> dict[str, frozenset[str]]:
    """By table, the columns that reading could not find: of a sheet that is not there, or not whole, all."""
    partly = f"SELECT table_name FROM main.incomplete WHERE reason <> {literal(NOT_THERE)}"
    cut = {row[0] for row in connection.execute(partly).fetchall()}
    unknown = {}
    for table in tables:
        columns = _critical_columns(connection, table)
        is_unread = None in columns or table.name in cut
        names = [field.name for field in table.fields] if is_unread else filter(None, columns)
        unknown[table.name] = frozenset(names)
    return unknown


def _critical_columns(connection: duckdb.DuckDBPyConnection, table: TableDeclaration) -> set[str | None]:
    """The columns with a critical finding; None is of a finding on the table, or the file, as a whole."""
    name = literal(table.name)
    rows = connection.execute(f"""
        SELECT DISTINCT column_name FROM main.findings
        WHERE severity = '{Severity.CRITICAL.value}' AND coalesce(table_name, {name}) = {name}""").fetchall()
    return {row[0] for row in rows}
