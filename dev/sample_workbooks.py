"""Writes the samples of the coordinators' workbooks from tables that a person can read: dev/workbooks/*.yaml.

    python -m dev.sample_workbooks [FOLDER]

A table says what stands in each cell and how: a number as a number, ``"n. 7 000"`` as the text that somebody
typed, a day as a date cell, ``@name`` as the address that ``addresses`` has under that name. So the form of a
sample is a person's (titles, groups over the headers, notes between the rows, a total), as its reader will meet
it. The facts are public and carried over with their source and a confidence, in our own words; what is invented
says so. The same bytes come out every time.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

import xlsxwriter

from warehouse.declarations import read_yaml

ROOT = Path(__file__).parent.parent
TABLES = Path(__file__).parent / "workbooks"

Cell = str | int | float | date | None
Formats = Mapping[str, Any]


def write(table: Path, target: Path) -> None:
    """Write the workbook of a table.

    Args:
        table: a YAML file: ``title``, ``keeper``, ``written`` (a day), ``addresses``, ``sheets``, ``read_me``.
        target: the .xlsx file.
    """
    content = read_yaml(table)
    target.parent.mkdir(parents=True, exist_ok=True)
    book = xlsxwriter.Workbook(str(target), {"strings_to_urls": False, "strings_to_formulas": False})
    written = datetime.combine(content["written"], datetime.min.time())
    book.set_properties({"title": content["title"], "author": content["keeper"], "created": written})
    formats = {
        "title": book.add_format({"bold": True, "font_size": 14}),
        "head": book.add_format({"bold": True, "bg_color": "#D9E8F5", "border": 1, "text_wrap": True}),
        "group": book.add_format({"bold": True, "bg_color": "#EAF2E3", "border": 1, "align": "center"}),
        "note": book.add_format({"italic": True, "font_color": "#555555"}),
        "text": book.add_format({"text_wrap": True, "valign": "top"}),
        "number": book.add_format({"num_format": "#,##0.##", "valign": "top"}),
        "year": book.add_format({"num_format": "0", "valign": "top"}),
        "date": book.add_format({"num_format": "d.m.yyyy", "valign": "top"}),
        "total": book.add_format({"bold": True, "top": 1, "num_format": "#,##0.##"}),
    }
    for sheet in content["sheets"]:
        _write_sheet(book.add_worksheet(sheet["name"]), sheet, content["addresses"], formats)
    notes = book.add_worksheet(content["read_me"]["name"])
    notes.set_column(0, 0, 90)
    for number, line in enumerate(content["read_me"]["lines"]):
        notes.write_string(number, 0, line, formats["title" if number == 0 else "text"])
    book.close()


def _write_sheet(
    sheet: xlsxwriter.worksheet.Worksheet, table: Mapping[str, Any], addresses: Mapping[str, str], formats: Formats
) -> None:
    """A sheet: lines above, groups if there are any, headers, rows, a total."""
    number = 0
    for number, line in enumerate(table.get("above", ()), start=1):
        sheet.write_string(number - 1, 0, line, formats["title" if number == 1 else "note"])
    if groups := table.get("groups"):
        for text, first, last in groups:
            sheet.merge_range(number, first, number, last, text, formats["group"])
        number += 1
    for column, header in enumerate(table["headers"]):
        sheet.write_string(number, column, header, formats["head"])
        sheet.set_column(column, column, 34 if column in table.get("wide", ()) else 15)
    sheet.freeze_panes(number + 1, 1)
    first = number + 1
    years = {column for column, header in enumerate(table["headers"]) if header in table.get("years", ())}
    for number, row in enumerate(table["rows"], start=first):
        if isinstance(row, str):  # a note between the rows
            sheet.write_string(number, 0, row, formats["note"])
            continue
        for column, value in enumerate(row):
            _write_cell(sheet, (number, column), _addressed(value, addresses), formats, is_year=column in years)
    if total := table.get("total"):
        _write_total(sheet, total, table["rows"], (first, number), formats)


def _addressed(value: Cell, addresses: Mapping[str, str]) -> Cell:
    return addresses[value[1:]] if isinstance(value, str) and value.startswith("@") else value


def _write_cell(
    sheet: xlsxwriter.worksheet.Worksheet, place: tuple[int, int], value: Cell, formats: Formats, *, is_year: bool
) -> None:
    if isinstance(value, str):
        sheet.write_string(*place, value, formats["text"])
    elif isinstance(value, date):
        sheet.write_datetime(*place, datetime.combine(value, datetime.min.time()), formats["date"])
    elif value is not None:
        sheet.write_number(*place, value, formats["year" if is_year else "number"])


def _write_total(
    sheet: xlsxwriter.worksheet.Worksheet,
    total: Mapping[str, Any],
    rows: Sequence[Any],
    span: tuple[int, int],
    formats: Formats,
) -> None:
    """A row of totals after an empty one; ``column`` is summed by a formula with its result."""
    column, number = total["column"], span[1] + 2
    values = [row[column] for row in rows if not isinstance(row, str) and len(row) > column]
    result = sum(value for value in values if isinstance(value, int | float))
    letter = chr(ord("A") + column)
    sheet.write_string(number, 0, total["label"], formats["total"])
    formula = f"=SUM({letter}{span[0] + 1}:{letter}{span[1] + 1})"
    sheet.write_formula(number, column, formula, formats["total"], result)


def main(folder: Path) -> None:
    """Write every sample into ``FOLDER/<source>/sample/``."""
    for table in sorted(TABLES.glob("*.yaml")):
        write(table, folder / table.stem / "sample" / f"{table.stem}.xlsx")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "sources")
