"""A table's CSV and Parquet files, and what all of its files share.

The same rows give the same bytes, whatever the day, the machine and the number of threads. DuckDB writes both,
sorted by the primary key, so a large table never passes through Python. What is published is normalised first
(``published``): one value has one form in all files.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb

from warehouse import reference
from warehouse.declarations import (
    STATUS,
    SUPPRESSED,
    TOTAL,
    TOTAL_TITLE,
    FieldDeclaration,
    TableDeclaration,
    literal,
    quote,
)
from warehouse.messages import message

# Part of every release's fingerprint: raise it when the same rows would give other bytes.
RENDERER_VERSION = 3

_ROW_GROUP = 100_000

# A double, which is what a spreadsheet and Parquet's DOUBLE hold, keeps any number of so many digits.
DIGITS = 15

# A text whose first characters are these would be run as a formula by a spreadsheet that opens the CSV. It gets
# an apostrophe in front; one that already starts with apostrophes before such a character gets one more, so that
# taking one off always restores the value.
_FORMULA = r"^'*[=+\-@\t\r]"
FORMULA_NOTE = message(
    "In CSV files, a text that a spreadsheet would run as a formula (it begins with =, +, -, @, a tab or a"
    " carriage return) has an apostrophe in front. Parquet and XLSX hold it unchanged."
)


def labels(field: FieldDeclaration) -> dict[str, str]:
    """What the codes of a field mean, in the order of its list; empty where it has no codes."""
    if field.titles:
        found = {code: title for code, (title, _) in field.titles.items()}
    elif field.label_list:
        listed = reference.code_lists()[field.label_list]
        found = {code: meaning.title for code, meaning in listed.codes.items()}
    else:
        found = {value: value.replace("_", " ") for value in field.constraints.enum or ()}
    return {**found, TOTAL: TOTAL_TITLE} if found and field.has_total else found


# How a suppressed value is described, whatever the format, and what a sheet shows in its cell.
SUPPRESSED_NOTE = f"Empty where {STATUS} is {SUPPRESSED}: not published, to protect people."
SUPPRESSED_WORD = "suppressed"


def description_of(field: FieldDeclaration) -> str:
    """A field's description; of a protected one with what an empty cell means."""
    if field.protected is None or SUPPRESSED_NOTE in field.description:
        return field.description
    return f"{field.description} {SUPPRESSED_NOTE}".strip()


@contextmanager
def published(connection: duckdb.DuckDBPyConnection, table_name: str, table: TableDeclaration) -> Iterator[str]:
    """A view of a table with its declared columns only, each value in the one form in which it is published.

    An empty text is a missing one, a number that is none is missing, minus zero is zero, and times have no
    fractions of a second.

    Args:
        connection: sees the table.
        table_name: how SQL calls it, e.g. ``curated."agile_pilots"``.
        table: its declaration.
    """
    view = quote(f"published_{table.name}")
    columns = ", ".join(f"{_normalised(field)} AS {quote(field.name)}" for field in table.fields)
    connection.execute(f"CREATE OR REPLACE TEMP VIEW {view} AS SELECT {columns} FROM {table_name}")
    try:
        yield view
    finally:
        connection.execute(f"DROP VIEW IF EXISTS {view}")


def _normalised(field: FieldDeclaration) -> str:
    column = f"CAST({quote(field.name)} AS {field.duckdb_type})"
    if field.type == "string":
        return f"nullif({column}, '')"
    if field.type == "number" and field.decimals is None:
        return f"CASE WHEN isfinite({column}) THEN {column} + 0.0 END"
    if field.type == "datetime":
        return f"CAST(date_trunc('second', {column}) AS TIMESTAMP)"
    return column


def too_long(field: FieldDeclaration) -> str | None:
    """SQL that is true for a value with more digits than a double keeps; None where there can be none."""
    if field.type == "integer":
        return f"abs({quote(field.name)}) >= {10**DIGITS}"
    if field.type == "number" and field.decimals is not None:
        return f"abs({quote(field.name)}) >= {10 ** (DIGITS - field.decimals)}"
    return None


def order_by(table: TableDeclaration) -> str:
    """The one order of a table's rows in all files."""
    return ", ".join(quote(name) for name in table.primary_key)


def as_text(field: FieldDeclaration, column: str | None = None) -> str:
    """SQL for a field's value as CSV files show it."""
    return text_sql(column or quote(field.name), field.duckdb_type)


def text_sql(name: str, duckdb_type: str) -> str:
    """SQL for a value of a type as CSV files show it."""
    if duckdb_type == "VARCHAR":
        guarded = f"regexp_matches({name}, {literal(_FORMULA)})"
        return f"CASE WHEN {guarded} THEN '''' || {name} ELSE {name} END"
    if duckdb_type == "TIMESTAMP":
        return f"strftime({name}, '%Y-%m-%dT%H:%M:%S')"
    return f"CAST({name} AS VARCHAR)"


def write_csv(connection: duckdb.DuckDBPyConnection, view: str, table: TableDeclaration, path: Path) -> None:
    """UTF-8 without BOM, comma, LF, quotes only where they are needed, ISO dates, true/false, machine names."""
    columns = ", ".join(f"{as_text(field)} AS {quote(field.name)}" for field in table.fields)
    # the inner query sorts by the typed key: as texts, 10 would stand before 9
    copy_csv(connection, f"SELECT {columns} FROM (SELECT * FROM {view} ORDER BY {order_by(table)})", path)


def copy_csv(connection: duckdb.DuckDBPyConnection, query: str, path: Path) -> None:
    """The result of a query as CSV in the one dialect of this project."""
    connection.execute(
        f"COPY ({query}) TO {literal(str(path))}"
        " (FORMAT csv, HEADER true, DELIMITER ',', QUOTE '\"', ESCAPE '\"', NULL '', COMPRESSION 'none')"
    )


def write_parquet(connection: duckdb.DuckDBPyConnection, view: str, table: TableDeclaration, path: Path) -> None:
    """Parquet with zstd; the data dictionary is in the file's metadata under ``fields``, as JSON.

    An exact decimal is a DOUBLE here: pandas reads a DECIMAL as objects, which cannot be multiplied by 1.24. No
    digit is lost, since a release has no decimals of more than ``DIGITS`` digits.
    """
    columns = ", ".join(
        f"CAST({quote(field.name)} AS {field.column_type.released}) AS {quote(field.name)}"
        if field.column_type.released != field.duckdb_type
        else quote(field.name)
        for field in table.fields
    )
    dictionary = {
        field.name: {
            key: value
            for key, value in (
                ("title", field.title),
                ("description", description_of(field)),
                ("unit", field.unit),
                ("decimals", field.decimals),
            )
            if value
        }
        for field in table.fields
    }
    noted = json.dumps(dictionary, ensure_ascii=False, sort_keys=False)
    connection.execute(
        f"COPY (SELECT {columns} FROM {view} ORDER BY {order_by(table)}) TO {literal(str(path))}"
        f" (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {_ROW_GROUP},"
        f" KV_METADATA {{title: {literal(table.title)}, fields: {literal(noted)}}})"
    )


def old_columns(connection: duckdb.DuckDBPyConnection, parquet: Path) -> dict[str, str]:
    """The columns of a release's Parquet file: SQL for each value as it was before it became a DOUBLE, by name."""
    file = literal(str(parquet))
    names = [row[0] for row in connection.execute(f"DESCRIBE SELECT * FROM read_parquet({file})").fetchall()]
    noted = connection.execute(f"SELECT value FROM parquet_kv_metadata({file}) WHERE key = 'fields'").fetchone()
    fields = json.loads(noted[0]) if noted else {}
    found = {}
    for name in names:
        decimals = fields.get(name, {}).get("decimals")
        found[name] = quote(name) if decimals is None else f"CAST({quote(name)} AS DECIMAL(18,{int(decimals)}))"
    return found


def guarded(text: str) -> str:
    """A text as CSV files show it: one that a spreadsheet would run as a formula has an apostrophe in front."""
    return f"'{text}" if re.match(_FORMULA, text) else text


def json_ready(value: Any) -> Any:
    """A declaration's value as JSON holds it: dates as ISO texts, tuples as lists."""
    return json.loads(json.dumps(value, default=str))
