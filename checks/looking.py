"""How far a snapshot was looked at: which tables, by which rules, and which rows and cells could not be read.

Only what was looked at can have been mended (``warehouse.ledger.life_log``): it is noted in the staging file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import duckdb

from checks.rules import Rule
from warehouse.declarations import Severity, TableDeclaration, literal, quote
from warehouse.findings import NOT_THERE, shown_key_sql
from warehouse.ledger.life_log import NOT_AT_ALL, ROWS, WHOLE
from warehouse.staging import SCHEMA


def begin_looking(connection: duckdb.DuckDBPyConnection) -> None:
    """Forget what an earlier check of the same staging file noted."""
    for table in ("asked", "looked_at", "unread"):
        connection.execute(f"DELETE FROM main.{table}")


def note_asked(
    connection: duckdb.DuckDBPyConnection,
    table: TableDeclaration,
    rules: Sequence[Rule],
    is_asked: Callable[[Rule], bool],
) -> None:
    """Note a table's rules, and which of them could be asked."""
    rows = []
    for rule in rules:
        column = literal(rule.columns[0]) if rule.is_about_rows else "NULL"
        columns = f"[{', '.join(map(literal, rule.columns))}]::VARCHAR[]"
        rows.append(f"({literal(table.name)}, {literal(rule.id)}, {column}, {columns}, {is_asked(rule)})")
    if rows:
        connection.execute(f"INSERT INTO main.asked VALUES {', '.join(rows)}")


def note_looked_at(connection: duckdb.DuckDBPyConnection, tables: Iterable[TableDeclaration]) -> None:
    """Note how far each table was looked at, when everything has been found."""
    for table in tables:
        name, staged = literal(table.name), f"{SCHEMA}.{quote(table.name)}"
        partly = "true" if table.delivery != "full" else f"EXISTS (FROM main.incomplete WHERE table_name = {name})"
        connection.execute(f"""
            INSERT INTO main.looked_at SELECT {name}, CASE
                WHEN EXISTS (FROM main.findings WHERE coalesce(table_name, {name}) = {name}
                             AND severity = '{Severity.CRITICAL.value}')
                  OR EXISTS (FROM main.incomplete WHERE table_name = {name} AND reason = {literal(NOT_THERE)})
                THEN '{NOT_AT_ALL}' WHEN {partly} THEN '{ROWS}' ELSE '{WHOLE}' END""")
        if table.about_people:
            continue
        parts = ", ".join(f"json_extract_string(q.row_key, {literal('$.' + quote(k))})" for k in table.primary_key)
        connection.execute(f"""
            INSERT INTO main.unread
            SELECT DISTINCT {name}, concat_ws(' | ', {parts}), NULL FROM main.quarantine AS q
            WHERE q.table_name = {name} AND json_valid(q.row_key) AND NOT EXISTS (
                FROM {staged} AS s WHERE s._row = q.row_number AND s._file IS NOT DISTINCT FROM q.file
                 AND s._sheet IS NOT DISTINCT FROM q.sheet)""")
        _note_unread_cells(connection, table)


def _note_unread_cells(connection: duckdb.DuckDBPyConnection, table: TableDeclaration) -> None:
    """Cells that hold something that could not be read: no rule could be asked of them."""
    name = literal(table.name)
    condition = (
        f"r.table_name = {name} AND r.value IS NOT NULL"
        f" AND r.severity IN ('{Severity.ERROR.value}', '{Severity.WARNING.value}')"
    )
    found = connection.execute(f"SELECT DISTINCT column_name FROM main.read_findings AS r WHERE {condition}")
    for column in {row[0] for row in found.fetchall()} & {field.name for field in table.fields}:
        connection.execute(f"""
            INSERT INTO main.unread
            SELECT DISTINCT {name}, s.key, {literal(column)} FROM main.read_findings AS r
            JOIN (SELECT *, {shown_key_sql(table)} AS key FROM {SCHEMA}.{quote(table.name)}
                  WHERE {quote(column)} IS NULL) AS s
              ON s._row = r.row_number AND s._file IS NOT DISTINCT FROM r.file
             AND s._sheet IS NOT DISTINCT FROM r.sheet
            WHERE {condition} AND r.column_name = {literal(column)}""")
