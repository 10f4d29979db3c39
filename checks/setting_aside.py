"""What a wrong row or cell costs: rows put into quarantine, cells marked to be emptied."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import duckdb

from checks.rules.demands import Unique
from checks.rules.texts import may_hold, quoted, with_help
from warehouse.declarations import FieldDeclaration, Severity, TableDeclaration, literal, quote
from warehouse.findings import Finding, add_findings, add_findings_of, key_sql, said_sql
from warehouse.headings import Names
from warehouse.messages import marked, message
from warehouse.staging import SCHEMA

_SAME_PLACE = """f.row_number = s._row AND f.file IS NOT DISTINCT FROM s._file
              AND f.sheet IS NOT DISTINCT FROM s._sheet"""


def set_aside(
    connection: duckdb.DuckDBPyConnection,
    source: str,
    table: TableDeclaration,
    costly: Collection[str],
    names: Names,
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
            called = names.column(table.name, name)
            found = _mostly_unreadable(table, by_name[name], called, (unreadable, unreadable + read))
            add_findings(connection, source, [found])
            if name in costly:
                add_findings_of(connection, source, _doubtful(table, name, called))
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


def _mostly_unreadable(
    table: TableDeclaration, field: FieldDeclaration, called: str, counts: tuple[int, int]
) -> Finding:
    unreadable, filled = counts
    return Finding(
        rule="mostly-unreadable",
        severity=Severity.ERROR,
        message=message(
            "{unreadable} of {filled} values under {column} cannot be read, so the others are not trusted either.",
            unreadable=unreadable,
            filled=filled,
            column=quoted(called),
        ),
        help=with_help(may_hold(field), field),
        table_name=table.name,
        column_name=field.name,
    )


def _doubtful(table: TableDeclaration, name: str, called: str) -> str:
    """The SELECT of a finding at every cell of a column whose other cells mostly could not be read."""
    words, advice, said = said_sql(
        marked("Most of what stands under “{column}” cannot be read, so this is doubtful."),
        marked("Mend the other cells of the column."),
        column=literal(str(called)),
    )
    return f"""
        SELECT {literal(table.name)} AS table_name, 'doubtful' AS rule, '{Severity.ERROR.value}' AS severity,
               _file AS file, _sheet AS sheet, _row AS row_number, {literal(name)} AS column_name,
               {words} AS message, {advice} AS help, {key_sql(table)} AS row_key, {said} AS said
        FROM {SCHEMA}.{quote(table.name)} WHERE {quote(name)} IS NOT NULL"""


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
class Refusal:
    """How many rows of a table go on, and how many do not."""

    accepted: int
    refused: int

    @property
    def came(self) -> int:
        """All rows that were delivered."""
        return self.accepted + self.refused


def refusal_of(connection: duckdb.DuckDBPyConnection, table: TableDeclaration) -> Refusal:
    """How many rows of a table are good, and how many are in quarantine."""
    of_table = f"f.table_name = {literal(table.name)}"
    row = connection.execute(f"""
        SELECT (SELECT count(*) FROM {SCHEMA}.{quote(table.name)} AS s WHERE NOT EXISTS (
                    SELECT 1 FROM main.quarantine AS f WHERE {of_table} AND {_SAME_PLACE})),
               (SELECT count(DISTINCT (f.file, f.sheet, f.row_number)) FROM main.quarantine AS f WHERE {of_table})
    """).fetchone()
    return Refusal(*(int(number) for number in row or (0, 0)))
