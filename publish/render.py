"""A table's files: CSV, Parquet and XLSX. The same rows give the same bytes, whatever the day, the machine and
the number of threads.

CSV and Parquet are written by DuckDB itself, sorted by the primary key, so a large table never passes through
Python. What is published is normalised first (``published``): one value has one form in all files.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb
import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from warehouse import reference
from warehouse.declarations import FieldDeclaration, TableDeclaration, literal, quote
from warehouse.progress import Progress, silent

# Part of every release's fingerprint: raise it when the same rows would give other bytes.
RENDERER_VERSION = 1

XLSX_MAX_ROWS = 1_048_575  # a sheet's rows less the header
_XLSX_MAX_TEXT = 32_767
_XLSX_CREATED = datetime(2020, 1, 1)  # fixed: the day of the run must not be in the file
_ROW_GROUP = 100_000
_BATCH = 5_000

# A text whose first characters are these would be run as a formula by a spreadsheet that opens the CSV. It gets
# an apostrophe in front; one that already starts with apostrophes before such a character gets one more, so that
# taking one off always restores the value.
_FORMULA = r"^'*[=+\-@\t\r]"
FORMULA_NOTE = (
    "In CSV files, a text that a spreadsheet would run as a formula (it begins with =, +, -, @, a tab or a"
    " carriage return) has an apostrophe in front. Parquet and XLSX hold it unchanged."
)

MEDIA_TYPES: Mapping[str, str] = {
    "csv": "text/csv",
    "parquet": "application/vnd.apache.parquet",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "json": "application/json",
}


@dataclass(frozen=True)
class About:
    """What the workbook says about itself."""

    title: str
    description: str
    each_row_is_a: str
    licence: str
    licence_url: str
    attribution: str
    publisher: str
    contact: str
    version: str
    data_date: date
    usage_warnings: tuple[str, ...] = ()


def labels(field: FieldDeclaration) -> dict[str, str]:
    """What the codes of a field mean, in the order of its list; empty where it has no codes."""
    if field.constraints.code_list:
        found = reference.code_lists()[field.constraints.code_list]
        return {code: meaning.title for code, meaning in found.codes.items()}
    if field.name == "sector_code":
        return {sector.code: sector.title for sector in reference.sectors().sectors}
    return {value: value.replace("_", " ") for value in field.constraints.enum or ()}


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


def order_by(table: TableDeclaration) -> str:
    """The one order of a table's rows in all files."""
    return ", ".join(quote(name) for name in table.primary_key)


def as_text(field: FieldDeclaration, column: str | None = None) -> str:
    """SQL for a field's value as CSV files show it."""
    name = column or quote(field.name)
    if field.type == "string":
        guarded = f"regexp_matches({name}, {literal(_FORMULA)})"
        return f"CASE WHEN {guarded} THEN '''' || {name} ELSE {name} END"
    if field.type == "datetime":
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
    """Parquet with zstd; the data dictionary is in the file's metadata under ``fields``, as JSON."""
    columns = ", ".join(quote(field.name) for field in table.fields)
    dictionary = {
        field.name: {
            key: value
            for key, value in (("title", field.title), ("description", field.description), ("unit", field.unit))
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


def write_xlsx(
    connection: duckdb.DuckDBPyConnection,
    view: str,
    table: TableDeclaration,
    about: About,
    path: Path,
    progress: Progress = silent,
) -> bool:
    """A workbook for people: the rows, the data dictionary, and what it is. False if there are too many rows.

    Texts are written as texts, so nothing in them is ever run; codes keep their leading zeros; dates are dates.
    """
    (rows,) = connection.execute(f"SELECT count(*) FROM {view}").fetchone() or (0,)
    if rows > XLSX_MAX_ROWS:
        return False
    widths = _widths(connection, view, table)
    options = {"constant_memory": True, "tmpdir": str(path.parent), "strings_to_urls": False}
    with xlsxwriter.Workbook(str(path), options) as book:
        book.set_properties(
            {"title": about.title, "author": about.publisher, "comments": "", "created": _XLSX_CREATED}
        )
        head = book.add_format(
            {"bold": True, "bg_color": "#0f4c5c", "font_color": "#ffffff", "valign": "vcenter", "border": 0}
        )
        formats = {
            "date": book.add_format({"num_format": "yyyy-mm-dd"}),
            "datetime": book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"}),
            "wrap": book.add_format({"text_wrap": True, "valign": "top"}),
            "bold": book.add_format({"bold": True, "valign": "top"}),
            "title": book.add_format({"bold": True, "font_size": 16, "font_color": "#0f4c5c"}),
        }
        for decimals in sorted({field.decimals or 0 for field in table.fields if field.type == "number"}):
            shown = "0." + "0" * decimals if decimals else "General"
            formats[f"number{decimals}"] = book.add_format({"num_format": shown})
        _write_rows(book.add_worksheet("Data"), connection, view, table, widths, head, formats, rows, progress)
        _write_dictionary(book.add_worksheet("Data dictionary"), table, head, formats)
        _write_about(book.add_worksheet("About"), about, rows, formats)
    return True


def _widths(connection: duckdb.DuckDBPyConnection, view: str, table: TableDeclaration) -> list[float]:
    lengths = ", ".join(f"max(length({as_text(field)}))" for field in table.fields)
    longest = connection.execute(f"SELECT {lengths} FROM {view}").fetchone() or ()
    return [
        min(max(len(field.name) + 4, (length or 0) + 1.5, 8), 48)
        for field, length in zip(table.fields, longest, strict=True)
    ]


def _write_rows(
    sheet: Worksheet,
    connection: duckdb.DuckDBPyConnection,
    view: str,
    table: TableDeclaration,
    widths: Sequence[float],
    head: Format,
    formats: Mapping[str, Format],
    rows: int,
    progress: Progress,
) -> None:
    sheet.freeze_panes(1, 0)
    sheet.autofilter(0, 0, max(rows, 1), len(table.fields) - 1)
    for column, (field, width) in enumerate(zip(table.fields, widths, strict=True)):
        sheet.set_column(column, column, width)
        sheet.write_string(0, column, field.name, head)
    columns = ", ".join(quote(field.name) for field in table.fields)
    found = connection.execute(f"SELECT {columns} FROM {view} ORDER BY {order_by(table)}")
    kinds = [(field.type, formats.get(f"number{field.decimals or 0}")) for field in table.fields]
    done = 0
    while batch := found.fetchmany(_BATCH):
        for row, values in enumerate(batch, start=done + 1):
            for column, value in enumerate(values):
                if value is None:
                    continue
                kind, number = kinds[column]
                if kind == "string":
                    sheet.write_string(row, column, _cell_text(value))
                elif kind == "boolean":
                    sheet.write_boolean(row, column, value)
                elif kind in ("date", "datetime"):
                    _write_date(sheet, row, column, value, formats[kind])
                else:
                    sheet.write_number(row, column, value, number if kind == "number" else None)
        done += len(batch)
        progress("xlsx", done, rows, "rows")


def _write_date(sheet: Worksheet, row: int, column: int, value: date, shown: Format) -> None:
    if value.year >= 1900:
        sheet.write_datetime(row, column, value, shown)
    else:  # a workbook's calendar begins in 1900
        sheet.write_string(row, column, value.isoformat())


def _cell_text(value: str) -> str:
    """A text as a cell can hold it: not longer than Excel allows, and without what XML cannot hold."""
    text = value.replace("\ufffe", "\ufffd").replace("\uffff", "\ufffd")
    return text if len(text) <= _XLSX_MAX_TEXT else text[: _XLSX_MAX_TEXT - 1] + "…"


def _write_dictionary(
    sheet: Worksheet, table: TableDeclaration, head: Format, formats: Mapping[str, Format]
) -> None:
    columns = (("Field", 24), ("Title", 28), ("Type", 10), ("Unit", 10), ("Description", 70), ("Codes", 50))
    for column, (title, width) in enumerate(columns):
        sheet.set_column(column, column, width)
        sheet.write_string(0, column, title, head)
    sheet.freeze_panes(1, 1)
    for row, field in enumerate(table.fields, start=1):
        codes = "\n".join(f"{code}: {title}" for code, title in labels(field).items())
        sheet.write_string(row, 0, field.name, formats["bold"])
        for column, text in enumerate((field.title, field.type, field.unit or "", field.description, codes), 1):
            sheet.write_string(row, column, _cell_text(text), formats["wrap"])


def _write_about(sheet: Worksheet, about: About, rows: int, formats: Mapping[str, Format]) -> None:
    sheet.set_column(0, 0, 18)
    sheet.set_column(1, 1, 100)
    sheet.hide_gridlines(2)
    sheet.write_string(0, 0, about.title, formats["title"])
    lines: list[tuple[str, str]] = [
        ("About", about.description),
        ("Each row is a", about.each_row_is_a),
        ("Rows", f"{rows:,}"),
        ("Data of", about.data_date.isoformat()),
        ("Version", about.version),
        ("Licence", f"{about.licence} ({about.licence_url})"),
        ("Attribution", about.attribution),
        ("Publisher", about.publisher),
        ("Contact", about.contact),
        *((("Before you use it" if n == 0 else ""), warning) for n, warning in enumerate(about.usage_warnings)),
    ]
    for row, (title, text) in enumerate(lines, start=2):
        sheet.write_string(row, 0, title, formats["bold"])
        sheet.write_string(row, 1, _cell_text(text), formats["wrap"])


def json_ready(value: Any) -> Any:
    """A declaration's value as JSON holds it: dates as ISO texts, tuples as lists."""
    return json.loads(json.dumps(value, default=str))
