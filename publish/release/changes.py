"""What differs between the rows of two versions: ``changes.csv``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import duckdb

from publish.files import render
from warehouse.declarations import FieldDeclaration, TableDeclaration, literal, quote
from warehouse.findings import WITHHELD
from warehouse.personal import personal_sql

_CHANGED_ROWS = "changed_rows"


class Changes(NamedTuple):
    """How many rows differ between two versions. A row is counted once."""

    added: int = 0
    changed: int = 0
    removed: int = 0
    held: int = 0
    released: int = 0


def write_changes(
    connection: duckdb.DuckDBPyConnection,
    before: Path | None,
    view: str,
    table: TableDeclaration,
    path: Path,
) -> Changes:
    """Write ``changes.csv``: a line for each row added or removed, and one for each value that differs.

    Values are compared as CSV files show them, in fields that both versions have. Lines are sorted by key, then by
    the field's place.

    A mark that came or grew is ``held``, one that was taken away ``released``, and so are the cells that it names:
    that a value could not be read is no change of it. A row with no other difference does not count as changed.

    Args:
        connection: sees the view.
        before: the Parquet file of the version before; None makes a file with a header only.
        view: the rows as published, see ``render.published``.
        table: their declaration.
        path: the file to write.

    Returns:
        How many rows were added, changed, removed, held and released.
    """
    columns = [quote(name) for name in ("change", *table.primary_key, "field", "old", "new")]
    if before is None:
        nothing = ", ".join(f"NULL::VARCHAR AS {column}" for column in columns)
        render.copy_csv(connection, f"SELECT {nothing} WHERE false", path)
        return Changes()
    compared = _compare(connection, before, view, table)
    try:
        lines = _screened(_lines(table, compared), table)
        order = ", ".join([*(quote(key) for key in table.primary_key), "place"])
        render.copy_csv(connection, f"SELECT {', '.join(columns)} FROM ({lines}) ORDER BY {order}", path)
        counted = connection.execute(f"SELECT change, count(*) FROM {_CHANGED_ROWS} GROUP BY ALL").fetchall()
    finally:
        connection.execute(f"DROP TABLE IF EXISTS {_CHANGED_ROWS}")
    return Changes(**dict(counted))


def _compare(
    connection: duckdb.DuckDBPyConnection, before: Path, view: str, table: TableDeclaration
) -> list[tuple[int, FieldDeclaration]]:
    """Fill a table with the rows that differ, as texts: ``o_`` as they were, ``n_`` as they are.

    Returns:
        The fields that were compared, each with its place.
    """
    old_columns = render.old_columns(connection, before)
    compared = [
        (place, field)
        for place, field in enumerate(table.fields)
        # a version without the column of a mark had no row that was marked
        if field.name not in table.primary_key and (field.name in old_columns or field.mark)
    ]
    fields = [table.field(name) for name in table.primary_key] + [field for _, field in compared]
    old = ", ".join(f"{_old_text(field, old_columns)} AS {quote(f'o_{field.name}')}" for field in fields)
    new = ", ".join(f"{render.as_text(field)} AS {quote(f'n_{field.name}')}" for field in fields)
    joined = " AND ".join(f"o.{quote('o_' + key)} = n.{quote('n_' + key)}" for key in table.primary_key)
    kinds = [
        f"WHEN {_differs(field)} AND {_kind(field, table)} = 'changed' THEN 'changed'" for _, field in compared
    ]
    kinds += [f"WHEN {_differs(field)} AND {_kind(field, table)} = 'held' THEN 'held'" for _, field in compared]
    kinds += [f"WHEN {_differs(field)} THEN 'released'" for _, field in compared]
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE {_CHANGED_ROWS} AS SELECT * FROM ("
        "SELECT CASE WHEN o_here IS NULL THEN 'added' WHEN n_here IS NULL THEN 'removed'"
        f" {' '.join(kinds)} END AS change, o.*, n.*"
        f" FROM (SELECT true AS o_here, {old} FROM read_parquet({literal(str(before))})) AS o"
        f" FULL JOIN (SELECT true AS n_here, {new} FROM {view}) AS n ON {joined}) WHERE change IS NOT NULL"
    )
    return compared


def _old_text(field: FieldDeclaration, old_columns: Mapping[str, str]) -> str:
    """SQL for a value of the version before as text; what another type was is compared as it reads."""
    column = old_columns.get(field.name)
    if column is None:
        return "NULL::VARCHAR"
    text = render.as_text(field, f"TRY_CAST({column} AS {field.duckdb_type})")
    return f"coalesce({text}, CAST({column} AS VARCHAR))"


def _lines(table: TableDeclaration, compared: Sequence[tuple[int, FieldDeclaration]]) -> str:
    """SQL for the lines: one for each row that came or went, and one for each value that differs."""
    keys = ", ".join(
        f"coalesce({quote('n_' + key)}, {quote('o_' + key)}) AS {quote(key)}" for key in table.primary_key
    )
    lines = [
        f"SELECT change, {keys}, NULL AS field, NULL AS old, NULL AS new, -1 AS place"
        f" FROM {_CHANGED_ROWS} WHERE change IN ('added', 'removed')"
    ]
    lines += [
        f"SELECT {_kind(field, table)} AS change, {keys}, {literal(field.name)},"
        f" {quote('o_' + field.name)}, {quote('n_' + field.name)}, {place} FROM {_CHANGED_ROWS}"
        f" WHERE change NOT IN ('added', 'removed') AND {_differs(field)}"
        for place, field in compared
    ]
    return " UNION ALL ".join(lines)


def _screened(lines: str, table: TableDeclaration) -> str:
    """SQL for lines that do not repeat personal data which were released before they were screened."""
    # Here, and not in every line: each place of the screen costs DuckDB some 20 ms to compile.
    screened = [field.name for field in table.fields if field.type == "string" and field.screen]
    keys = [f"{_seen(quote(key)) if key in screened else quote(key)} AS {quote(key)}" for key in table.primary_key]
    old = f"CASE WHEN list_contains({screened}::VARCHAR[], field) THEN {_seen('old')} ELSE old END AS old"
    return f"SELECT change, {', '.join(keys)}, field, {old}, new, place FROM ({lines})"


def _differs(field: FieldDeclaration) -> str:
    return f"{quote('o_' + field.name)} IS DISTINCT FROM {quote('n_' + field.name)}"


def _kind(field: FieldDeclaration, table: TableDeclaration) -> str:
    """SQL for what it means that a field's value differs: changed, held or released."""
    before, now = quote(f"o_{field.name}"), quote(f"n_{field.name}")
    lists = [mark.name for mark in table.fields if mark.mark and mark.type == "string"]
    if field.mark:
        fewer = f" OR list_has_all({_listed(before)}, {_listed(now)})" if field.name in lists else ""
        return f"CASE WHEN {now} IS NULL{fewer} THEN 'released' ELSE 'held' END"
    cases = ""
    for name in lists:
        is_held, was_held = (
            f"list_contains({_listed(quote(prefix + name))}, {literal(field.name)})" for prefix in ("n_", "o_")
        )
        cases += (
            f" WHEN {now} IS NULL AND {is_held} THEN 'held' WHEN {before} IS NULL AND {was_held} THEN 'released'"
        )
    return f"CASE{cases} ELSE 'changed' END" if cases else "'changed'"


def _listed(column: str) -> str:
    return f"string_split(coalesce({column}, ''), ';')"


def _seen(column: str) -> str:
    """SQL for an old text as it is shown: personal data that were released before the screen are not repeated."""
    return f"CASE WHEN {personal_sql(column)} IS NULL THEN {column} ELSE {literal(WITHHELD)} END"
