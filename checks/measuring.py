"""What a check measured: by rule and column, how many cells or rows were judged and how many failed.

Counted by SQL when a table is checked, from its cells and its findings, and kept beside these: the dimensions of
quality (``warehouse.quality``) are worked out of it. A cell or row that breaks several rules counts once in a
dimension, with the worst of them. Of tables about people nothing is measured.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import duckdb

from checks.rules import Rule
from checks.rules.demands import CheckDigit, Code, Demand, Length, Once, Pattern, Range, Required, Unique
from checks.rules.group_demands import EachGroup, Fresh, StandsElsewhere
from checks.rules.known import BESIDE
from warehouse.declarations import Severity, TableDeclaration, literal, quote
from warehouse.measures import Dimension
from warehouse.staging import SCHEMA

VERSION = "measures 1"  # of what is counted: a snapshot judged before it was is judged anew
READABLE, TYPE = (
    "readable",
    "type",
)  # what reading demands: of a row, that it is one; of a cell, that it has its type
_ECHO = "doubtful"  # a finding on cells that nothing is known to be wrong with, because of others
_DIMENSIONS: Mapping[type[Demand], Dimension] = {
    Required: Dimension.COMPLETENESS,
    Unique: Dimension.UNIQUENESS,  # a key's too
    Once: Dimension.UNIQUENESS,
    Pattern: Dimension.VALIDITY,
    Code: Dimension.VALIDITY,
    Range: Dimension.VALIDITY,
    Length: Dimension.VALIDITY,
    CheckDigit: Dimension.ACCURACY,
    Fresh: Dimension.TIMELINESS,
}


def dimension_of(demand: Demand) -> Dimension:
    """The side of quality that a demand is about.

    What compares columns, rows or tables of a source is consistency, what compares them with another source is
    accuracy.
    """
    if isinstance(demand, StandsElsewhere) and demand.relation.startswith(f"{BESIDE}."):
        return Dimension.ACCURACY
    return next((its for kind, its in _DIMENSIONS.items() if isinstance(demand, kind)), Dimension.CONSISTENCY)


@dataclass(frozen=True)
class Measuring:
    """A table that was checked: where it stands, where its findings are, and where the measures go.

    ``stamp`` is the date that a dataset's findings and measures are kept under; None of a staged table.
    """

    connection: duckdb.DuckDBPyConnection
    subject: str  # the source or the dataset
    table: TableDeclaration
    schema: str = SCHEMA
    stamp: str | None = None

    @property
    def relation(self) -> str:
        """The table in SQL."""
        return f"{self.schema}.{quote(self.table.name)}"

    @property
    def findings(self) -> str:
        """The table of its findings."""
        return "main.findings" if self.stamp is None else "temp.findings"


@dataclass(frozen=True)
class _Judged:
    """A rule on a column (or on none: ''), the dimension that it is about, and how much it judged."""

    rule: str
    column: str
    dimension: Dimension
    judged: int


def measure(of: Measuring, rules: Sequence[Rule]) -> None:
    """Write the measures of a table, after its findings, in place of earlier ones.

    Args:
        of: the table.
        rules: those that it was checked by.
    """
    stamp = "" if of.stamp is None else f" AND snapshot_id = {literal(of.stamp)}"
    target = "main.measures" if of.stamp is None else "ledger.measures"
    of.connection.execute(
        f"DELETE FROM {target} WHERE subject = {literal(of.subject)}"
        f" AND table_name = {literal(of.table.name)}{stamp}"
    )
    if of.table.about_people:
        return
    rows, filled = _filled(of)
    cells = {**filled, "": rows + _lines(of)}
    judged = _distinct(_judged(of, [rule for rule in rules if not rule.not_asked], rows, cells))
    listed = ", ".join(f"({literal(column)}, {count})" for column, count in cells.items())
    kept = "" if of.stamp is None else f"{literal(of.stamp)} AS snapshot_id, "
    of.connection.execute(f"""
        INSERT INTO {target} BY NAME
        WITH ruled (rule, column_name, dimension, judged) AS (VALUES {_values(judged)}),
        cells (column_name, judged) AS (VALUES {listed}),
        found AS ({_FOUND.format(findings=of.findings, table=literal(of.table.name), place=_place(of))}),
        counted AS (SELECT rule, column_name, dimension, count(*) AS failed FROM found GROUP BY ALL),
        told AS (
            SELECT rule, column_name, dimension, judged FROM ruled
            UNION ALL
            SELECT c.rule, c.column_name, c.dimension, cells.judged
            FROM counted AS c INNER JOIN cells USING (column_name)
            ANTI JOIN ruled AS r
                ON c.rule = r.rule AND c.column_name = r.column_name AND c.dimension = r.dimension
        )
        SELECT {kept}{literal(of.subject)} AS subject, {literal(of.table.name)} AS table_name, t.rule,
               t.column_name, t.dimension, t.judged, least(coalesce(c.failed, 0), t.judged) AS failed
        FROM told AS t LEFT JOIN counted AS c USING (rule, column_name, dimension)""")
    _measure_gaps(of, target, kept, _gaps(of, rules, rows, filled))


# The cells and rows with a finding that is more than a note, each once in its unit of a dimension, with the worst
# of the rules that it breaks; what has to be filled in and is not, is counted by itself.
_FOUND = f"""
SELECT
    f.rule, coalesce(f.column_name, '') AS column_name,
    coalesce(r.dimension, '{Dimension.VALIDITY.value}') AS dimension
FROM {{findings}} AS f LEFT JOIN ruled AS r ON f.rule = r.rule AND coalesce(f.column_name, '') = r.column_name
WHERE
    f.table_name = {{table}} AND f.severity <> '{Severity.INFO.value}'
    AND f.rule <> '{Required.kind}'
    AND (r.rule IS NOT NULL OR f.row_number IS NOT NULL AND (f.column_name IS NULL OR f.value IS NOT NULL))
QUALIFY row_number() OVER (
    PARTITION BY
        coalesce(r.dimension, '{Dimension.VALIDITY.value}'),
        CASE r.dimension
            WHEN '{Dimension.UNIQUENESS.value}' THEN ''
            WHEN '{Dimension.CONSISTENCY.value}' THEN f.rule || chr(31) || coalesce(f.column_name, '')
            ELSE coalesce(f.column_name, '')
        END,
        {{place}}
    ORDER BY
        list_position([{", ".join(literal(one.value) for one in Severity)}], f.severity), f.rule, f.column_name
) = 1
"""


def _place(of: Measuring) -> str:
    """The SQL of what tells the row of a finding from others; computed rows with one key are told apart too."""
    by_itself = "CAST(f.rowid AS VARCHAR)"
    if of.stamp is None:
        place = "concat_ws(chr(31), coalesce(f.file, ''), coalesce(f.sheet, ''), f.row_number)"
        return f"CASE WHEN f.row_number IS NULL THEN {by_itself} ELSE {place} END"
    return (
        f"CASE WHEN f.row_key IS NULL OR r.dimension = '{Dimension.UNIQUENESS.value}' THEN {by_itself}"
        " ELSE 'key ' || f.row_key END"
    )


def _judged(of: Measuring, rules: Sequence[Rule], rows: int, cells: Mapping[str, int]) -> Iterator[_Judged]:
    """What was judged by each rule: those of reading are rules too. ``cells``: by column; of "" lines."""
    for column, count in cells.items():
        yield _Judged(TYPE if column else READABLE, column, Dimension.VALIDITY, count)
    for rule in rules:
        # what is found of a table as a whole is about no column
        dimension, column = dimension_of(rule.demand), rule.columns[0] if rule.is_about_rows else ""
        if dimension in (Dimension.VALIDITY, Dimension.ACCURACY):
            yield _Judged(rule.id, column, dimension, cells[column])
        elif dimension is not Dimension.COMPLETENESS:  # gaps are counted by themselves
            yield _Judged(rule.id, column, dimension, _asked_of(of, rule, rows))


def _asked_of(of: Measuring, rule: Rule, rows: int) -> int:
    """How many rows, or groups of rows, a rule judges; one that measures the table judges one thing."""
    if isinstance(rule.demand, EachGroup):
        keys = [sql for _, sql in rule.demand.keys]
        counted = " AND ".join([*(f"({sql}) IS NOT NULL" for sql in keys), f"({rule.demand.when or 'true'})"])
        query = f"SELECT count(*) FROM (SELECT DISTINCT {', '.join(keys)} FROM {of.relation} WHERE {counted})"
        (rows,) = of.connection.execute(query).fetchone() or (0,)
    return int(rows) if rule.is_about_rows else 1


def _distinct(judged: Iterator[_Judged]) -> list[_Judged]:
    """One a rule and column: a rule with spans for several programmes is several rules of one name."""
    return list({(one.rule, one.column): one for one in judged}.values())


def _values(judged: Sequence[_Judged]) -> str:
    return ", ".join(
        f"({literal(one.rule)}, {literal(one.column)}, {literal(one.dimension.value)}, {one.judged})"
        for one in judged
    )


def _filled(of: Measuring) -> tuple[int, dict[str, int]]:
    """The rows, and by column the cells that are filled, those included that could not be read."""
    names = [field.name for field in of.table.fields]
    counts = ", ".join(f"count({quote(name)})" for name in names)
    (rows, *cells) = of.connection.execute(f"SELECT count(*), {counts} FROM {of.relation}").fetchone() or (0,)
    unread = _unread(of)
    return int(rows), {name: int(n) + unread.get(name, 0) for name, n in zip(names, cells, strict=True)}


def _unread(of: Measuring) -> dict[str, int]:
    """By column, the cells that say something which could not be read: in the staged table they are empty."""
    if of.stamp is not None:
        return {}
    given = f"""
        FROM main.read_findings AS f INNER JOIN {of.relation} AS s
            ON f.row_number = s._row AND f.file IS NOT DISTINCT FROM s._file
            AND f.sheet IS NOT DISTINCT FROM s._sheet
        WHERE f.table_name = {literal(of.table.name)} AND f.value IS NOT NULL
          AND f.severity <> '{Severity.INFO.value}'"""
    touched = of.connection.execute(
        f"SELECT DISTINCT column_name FROM main.read_findings WHERE table_name = {literal(of.table.name)}"
        " AND row_number IS NOT NULL AND column_name IS NOT NULL"
    ).fetchall()
    declared = {field.name for field in of.table.fields}
    counts = {}
    for (name,) in touched:
        if name in declared:
            (counts[name],) = of.connection.execute(
                f"SELECT count(DISTINCT s.rowid) {given} AND f.column_name = {literal(name)}"
                f" AND s.{quote(name)} IS NULL"
            ).fetchone() or (0,)
    return {name: int(count) for name, count in counts.items()}


def _lines(of: Measuring) -> int:
    """Lines of a file that never became rows."""
    if of.stamp is not None:
        return 0
    (lines,) = of.connection.execute(f"""
        SELECT count(DISTINCT (f.file, f.sheet, f.row_number)) FROM main.read_findings AS f
        WHERE f.table_name = {literal(of.table.name)} AND f.severity <> '{Severity.INFO.value}'
          AND f.row_number IS NOT NULL AND f.column_name IS NULL
          AND NOT EXISTS (
              SELECT 1 FROM {of.relation} AS s WHERE f.row_number = s._row
                AND f.file IS NOT DISTINCT FROM s._file AND f.sheet IS NOT DISTINCT FROM s._sheet)
    """).fetchone() or (0,)
    return int(lines)


def _gaps(
    of: Measuring, rules: Sequence[Rule], rows: int, filled: Mapping[str, int]
) -> list[tuple[str, str, int, int]]:
    """Rule, column, rows and empty cells of every column that has to be filled in, also of one that lacks."""
    asked = {rule.columns[0] for rule in rules if isinstance(rule.demand, Required)}
    accepted = dict(
        of.connection.execute(
            f"SELECT column_name, count(*) FROM {of.findings} WHERE table_name = {literal(of.table.name)}"
            f" AND rule = '{Required.kind}' AND severity = '{Severity.INFO.value}' GROUP BY ALL"
        ).fetchall()
    )
    key = of.table.primary_key
    return [
        (
            Required.kind if field.name in asked else _MISSING_COLUMN,
            field.name,
            rows,
            max(0, rows - filled[field.name] - accepted.get(field.name, 0)),
        )
        for field in of.table.fields
        if field.constraints.required or field.name in key
    ]


_MISSING_COLUMN = "missing-column"  # what reading says of a column that is not there


def _measure_gaps(of: Measuring, target: str, kept: str, gaps: Sequence[tuple[str, str, int, int]]) -> None:
    listed = ", ".join(f"({literal(rule)}, {literal(name)}, {rows}, {empty})" for rule, name, rows, empty in gaps)
    of.connection.execute(f"""
        INSERT INTO {target} BY NAME
        SELECT {kept}{literal(of.subject)} AS subject, {literal(of.table.name)} AS table_name, rule, column_name,
               '{Dimension.COMPLETENESS.value}' AS dimension, judged, failed
        FROM (VALUES {listed}) AS gaps (rule, column_name, judged, failed)""")
