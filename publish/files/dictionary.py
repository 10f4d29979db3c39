"""The data dictionary as files of its own: what each column means, how far it is filled, and its range.

What is counted is counted of the rows as they are published: no more can be read from a dictionary than from them.
No file says a value of a text column.
"""

from __future__ import annotations

import base64
import csv
import hashlib
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import xlsxwriter
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from publish.files.render import as_text, description_of, guarded, labels
from publish.files.workbook import About, cut, look, repack, write_about
from warehouse.declarations import STATUS, SUPPRESSED, FieldDeclaration, TableDeclaration, literal, quote

_TEMPLATES = Path(__file__).parent / "templates"
_WITH_RANGE = ("integer", "number", "date", "datetime", "year")
_MOST_CODES = 100  # that a printed page lists of a column

# The columns of the CSV file: name, type, title, and what they mean.
COLUMNS: Sequence[tuple[str, str, str, str]] = (
    ("name", "string", "Name", "The column's name in the files."),
    ("title", "string", "Title", "What people call it."),
    ("type", "string", "Type", "Its type in a Table Schema."),
    ("unit", "string", "Unit", "The unit of its values."),
    ("description", "string", "Meaning", "What it means."),
    ("codes", "string", "Codes", "Its codes and what they mean."),
    ("is_key", "boolean", "Key", "Whether it is part of the primary key."),
    ("rows_count", "integer", "Rows", "How many rows there are."),
    ("filled_count", "integer", "Filled", "In how many of them it has a value."),
    ("suppressed_count", "integer", "Suppressed", "In how many it is empty to protect people: never zero."),
    ("distinct_count", "integer", "Different values", "How many different values it has."),
    ("minimum", "string", "Least", "The least number, or the first day."),
    ("maximum", "string", "Greatest", "The greatest number, or the last day."),
)


@dataclass(frozen=True)
class Column:
    """A column with what its rows hold: numbers of rows, of different values, and the range as text.

    ``suppressed`` is None for a column that protects nobody; the range is empty for one that has none.
    """

    field: FieldDeclaration
    is_key: bool
    rows: int
    filled: int
    suppressed: int | None
    distinct: int
    minimum: str
    maximum: str

    @property
    def codes(self) -> dict[str, str]:
        """What its codes mean."""
        return labels(self.field)

    @property
    def holds(self) -> str:
        """Its range, or how many different values it has, in words."""
        if self.minimum:
            return self.minimum if self.minimum == self.maximum else f"{self.minimum} to {self.maximum}"
        return f"{self.distinct:,} different" if self.distinct else "no value"

    @property
    def fill(self) -> str:
        """How many of all rows have a value, in words."""
        said = f"{self.filled:,} of {self.rows:,}"
        return f"{said}; {self.suppressed:,} suppressed" if self.suppressed else said


@dataclass(frozen=True)
class Edition:
    """Which version a printed page is of."""

    version: str
    data_date: date
    name: str


def columns_of(connection: duckdb.DuckDBPyConnection, view: str, table: TableDeclaration) -> tuple[Column, ...]:
    """What the rows hold, column by column, by one look at them.

    Args:
        connection: sees the view.
        view: the rows as published, see ``render.published``.
        table: their declaration.
    """
    asked = ", ".join(part for field in table.fields for part in _asked(field))
    rows, *found = connection.execute(f"SELECT count(*), {asked} FROM {view}").fetchone() or (0,)
    return tuple(
        Column(field, field.name in table.primary_key, rows, *_answers(field, found[5 * place : 5 * place + 5]))
        for place, field in enumerate(table.fields)
    )


def _asked(field: FieldDeclaration) -> tuple[str, ...]:
    name, ends = quote(field.name), ("NULL", "NULL")
    if field.type in _WITH_RANGE:
        ends = (as_text(field, f"min({name})"), as_text(field, f"max({name})"))
    suppressed = "NULL"
    if field.protected:
        suppressed = f"count(*) FILTER (WHERE {name} IS NULL AND {quote(STATUS)} = {literal(SUPPRESSED)})"
    return (f"count({name})", suppressed, f"count(DISTINCT {name})", *ends)


def _answers(field: FieldDeclaration, found: Sequence[Any]) -> tuple[int, int | None, int, str, str]:
    filled, suppressed, distinct, first, last = found
    return filled, suppressed, distinct, first or "", last or ""


def dictionary_schema() -> dict[str, Any]:
    """The fields of ``dictionary.csv``, for a Table Schema."""
    return {
        "fields": [
            {"name": name, "type": kind, "title": title, "description": meaning}
            for name, kind, title, meaning in COLUMNS
        ],
        "primaryKey": ["name"],
        "missingValues": [""],
    }


def write_csv(columns: Sequence[Column], path: Path) -> None:
    """The dictionary as CSV, in the dialect of all CSV files of a release."""
    content = io.StringIO()
    writer = csv.writer(content, lineterminator="\n")
    writer.writerow([name for name, *_ in COLUMNS])
    for one in columns:
        texts = [
            *(one.field.name, one.field.title, one.field.column_type.frictionless, one.field.unit or ""),
            *(description_of(one.field), "; ".join(f"{code}: {title}" for code, title in one.codes.items())),
        ]
        counts = ["" if count is None else count for count in (one.filled, one.suppressed, one.distinct)]
        is_key = "true" if one.is_key else "false"
        writer.writerow([*(guarded(text) for text in texts), is_key, one.rows, *counts, one.minimum, one.maximum])
    path.write_text(content.getvalue(), encoding="utf-8", newline="")


def write_xlsx(columns: Sequence[Column], about: About, path: Path) -> None:
    """The dictionary as a workbook, with the sheet about the dataset that the workbook of the rows has."""
    frame = path.with_name(f"{path.name}.frame")
    wide = (24, 28, 10, 10, 60, 40, 8, 10, 10, 12, 12, 18, 18)
    with xlsxwriter.Workbook(str(frame), {"in_memory": True}) as book:
        looks = look(book, about)
        sheet = book.add_worksheet("Data dictionary")
        sheet.freeze_panes(1, 1)
        sheet.set_landscape()
        sheet.set_paper(9)  # A4
        sheet.fit_to_pages(1, 0)
        sheet.repeat_rows(0)
        for place, ((_, _, title, _), width) in enumerate(zip(COLUMNS, wide, strict=True)):
            sheet.set_column(place, place, width)
            sheet.write_string(0, place, title, looks.head)
        for row, one in enumerate(columns, start=1):
            field = one.field
            codes = "\n".join(f"{code}: {title}" for code, title in one.codes.items())
            texts = (field.title, field.type, field.unit or "", description_of(field), codes)
            sheet.write_string(row, 0, field.name, looks.bold)
            for place, text in enumerate((*texts, "key" if one.is_key else ""), start=1):
                sheet.write_string(row, place, cut(text), looks.wrapped)
            for place, count in enumerate((one.rows, one.filled, one.suppressed, one.distinct), start=7):
                if count is not None:
                    sheet.write_number(row, place, count, looks.wrapped)
            sheet.write_string(row, 11, one.minimum, looks.wrapped)
            sheet.write_string(row, 12, one.maximum, looks.wrapped)
        sheet.ignore_errors({"number_stored_as_text": f"L2:M{len(columns) + 1}"})
        write_about(book.add_worksheet("About"), about, columns[0].rows if columns else 0, looks)
    repack(frame, path)


def write_html(columns: Sequence[Column], about: About, edition: Edition, path: Path) -> None:
    """The dictionary as a page to print: it loads nothing, runs nothing, and holds all that it needs."""
    page = _environment().get_template("dictionary.html").render(
        about=about, edition=edition, columns=columns, rows=columns[0].rows if columns else 0, most=_MOST_CODES
    )  # fmt: skip
    path.write_text(page, encoding="utf-8", newline="\n")


@cache
def _environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    style = (_TEMPLATES / "dictionary.css").read_text(encoding="utf-8").strip()
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    shown: Mapping[str, object] = {
        "style": Markup(style),  # noqa: S704 ours, not from outside; it must reach the page unescaped
        "policy": policy,
        "meaning": description_of,
    }
    made.globals.update(shown)
    return made
