"""A workbook before it is written: sheets of columns and lines that a fault can change, wherever they will stand.

What is planted is remembered by the column and the line themselves; where they stand in the file is known once it
is written. So a place in a proof comes from the layout alone, and never from the code that is proved.
"""

from __future__ import annotations

import csv
import io
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any

from openpyxl import Workbook
from openpyxl.comments import Comment
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.worksheet import Worksheet

from tests.broken.values import good_tables
from warehouse import reference
from warehouse.declarations import FieldDeclaration, SourceDeclaration, TableDeclaration


@dataclass(eq=False)
class Column:
    """A column of a sheet; ``name`` is its field, empty for one that nobody declared."""

    name: str
    heading: str
    is_hidden: bool = False


@dataclass(eq=False)
class Line:
    """A row of a sheet. ``tail`` are cells behind the last column, ``length`` cuts a CSV's record short."""

    cells: dict[Column, object] = field(default_factory=dict)
    is_record: bool = True
    is_hidden: bool = False
    tail: list[object] = field(default_factory=list)
    length: int | None = None


@dataclass(eq=False)
class Page:
    """A sheet with a table: lines above the header, the header, the lines below it."""

    table: TableDeclaration
    name: str
    columns: list[Column]
    lines: list[Line]
    above: list[list[object]] = field(default_factory=list)
    groups: list[tuple[str, int]] = field(default_factory=list)  # a text over so many columns
    left: int = 0  # empty columns before the first
    has_header: bool = True
    is_hidden: bool = False
    merges: list[tuple[Line, Line, Column]] = field(default_factory=list)
    notes: dict[tuple[Line, Column], str] = field(default_factory=dict)  # comments of the owner's own

    @property
    def records(self) -> list[Line]:
        """The lines that are records."""
        return [line for line in self.lines if line.is_record]

    def column(self, name: str) -> Column:
        """The first column of a field."""
        return next(column for column in self.columns if column.name == name)

    def has(self, name: str) -> bool:
        """Whether a field has a column."""
        return any(column.name == name for column in self.columns)

    @property
    def header_row(self) -> int:
        """The number of the header's row."""
        return len(self.above) + bool(self.groups) + 1

    def row_of(self, line: Line) -> int:
        """The number of a line's row."""
        return self.header_row + self.has_header + self.lines.index(line)

    def column_of(self, column: Column) -> int:
        """The number of a column."""
        return self.left + self.columns.index(column) + 1

    def cell(self, line: Line, column: Column) -> str:
        """A cell's address."""
        return f"{get_column_letter(self.column_of(column))}{self.row_of(line)}"

    def grid(self) -> Iterator[list[object]]:
        """All rows, from the first one on."""
        yield from self.above
        blank: list[object] = [None] * self.left
        if self.groups:
            yield blank + [cell for text, span in self.groups for cell in (text, *[None] * (span - 1))]
        if self.has_header:
            yield blank + [column.heading for column in self.columns]
        for line in self.lines:
            cells = blank + [line.cells.get(column) for column in self.columns] + line.tail
            yield cells if line.length is None else cells[: line.length]


@dataclass
class Draft:
    """The files to be of one hand-in, and how they are to be written."""

    source: SourceDeclaration
    pages: list[Page]
    rng: random.Random
    language: str = "en"
    kind: str = "xlsx"  # xlsx, xlsm, csv
    delimiter: str = ","
    encoding: str = "utf-8"
    dates: str = "cells"  # cells, iso, dotted
    codes: str = "codes"  # codes, titles
    others: list[tuple[str, list[list[object]]]] = field(default_factory=list)  # sheets of no table
    name: str = ""

    def page(self, table: str) -> Page:
        """The sheet of a table."""
        return next(page for page in self.pages if page.table.name == table)

    @property
    def is_csv(self) -> bool:
        """Whether it is written as a CSV file a table."""
        return self.kind == "csv"

    def file_of(self, page: Page | None) -> str:
        """The name of the file with a sheet."""
        stem = self.name or self.source.name
        return f"{stem}_{page.table.name}.csv" if self.is_csv and page else f"{stem}.{self.kind}"


def heading_of(declared: FieldDeclaration, language: str) -> str:
    """What a person calls a field's column."""
    return (declared.title_fi if language == "fi" else "") or declared.title


def sheet_of(table: TableDeclaration, language: str) -> str:
    """What a person calls a table's sheet."""
    return ((table.title_fi if language == "fi" else "") or table.title)[:31]


def shown_code(declared: FieldDeclaration, code: object, draft_codes: str, language: str) -> object:
    """A code as a person writes it: itself, or its title."""
    if draft_codes == "codes" or not declared.constraints.code_list or code is None:
        return code
    listed = reference.code_lists()[declared.constraints.code_list].codes[str(code)]
    return (listed.title_fi if language == "fi" else "") or listed.title


def draft(source: SourceDeclaration, seed: int, **given: object) -> Draft:
    """A clean workbook of a source, laid out in one of the ways that people have; the seed chooses which.

    ``given`` are attributes of ``Draft`` that are not left to the seed.
    """
    rng = random.Random(f"{source.name} {seed}")
    has_finnish = bool(source.tables[0].title_fi)
    made = Draft(
        source,
        [],
        rng,
        language=rng.choice(["en", "fi"]) if has_finnish else "en",
        kind=rng.choice(["xlsx", "xlsx", "xlsx", "xlsx", "csv", "csv", "xlsm"]),
        delimiter=rng.choice([",", ";", "\t"]),
        encoding=rng.choice(["utf-8", "utf-8-sig", "utf-16"]),
        dates=rng.choice(["cells", "iso", "dotted"]),
        codes=rng.choice(["codes", "titles"]),
    )
    for name, value in given.items():
        setattr(made, name, value)
    if made.is_csv and made.dates == "cells":
        made.dates = "iso"
    for name, rows in good_tables(source, rng).items():
        made.pages.append(_page(made, source.table(name), rows))
    return made


def _page(made: Draft, table: TableDeclaration, rows: Sequence[Mapping[str, object]]) -> Page:
    rng = made.rng
    columns = [Column(declared.name, heading_of(declared, made.language)) for declared in table.fields]
    if rng.random() < 0.4:
        rng.shuffle(columns)
    page = Page(table, sheet_of(table, made.language), columns, [])
    for row in rows:
        shown = {
            name: shown_code(table.field(name), value, made.codes, made.language) for name, value in row.items()
        }
        page.lines.append(Line({column: shown[column.name] for column in columns}))
    if not made.is_csv:
        page.above = [[], [f"{table.title} of {made.source.title}"], ["Kept by the desk", "since 2016"], []][
            : rng.choice([0, 0, 2, 4])
        ]
        if rng.random() < 0.25:
            first = rng.randint(1, len(columns) - 1)
            page.groups = [("Basics", first), ("More", len(columns) - first)]
        page.left = rng.choice([0, 0, 0, 2])
        if rng.random() < 0.2:
            page.notes[page.lines[0], columns[0]] = "Ask the desk about this one"
        if rng.random() < 0.2:
            page.lines.append(Line({}, is_record=False))
            page.lines.append(
                Line({columns[0]: "Yhteensä" if made.language == "fi" else "Total"}, is_record=False)
            )
    return page


# --- writing ------------------------------------------------------------------------------------------------


class Raw(str):
    """A text that is written as it stands: a formula, an error value."""


def written(made: Draft, folder: Path) -> list[Path]:
    """Write a draft's files into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    return [_csv(made, page, folder) for page in made.pages] if made.is_csv else [_workbook(made, folder)]


def _as_text(value: object) -> str:
    if value is None:
        return ""
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)


def _shown(made: Draft, value: object) -> object:
    """A day as the draft writes days."""
    if isinstance(value, date) and not isinstance(value, datetime):
        if made.dates == "iso":
            return value.isoformat()
        if made.dates == "dotted":
            return f"{value.day}.{value.month}.{value.year}"
    return value


def _csv(made: Draft, page: Page, folder: Path) -> Path:
    path = folder / made.file_of(page)
    target = io.StringIO(newline="")
    writer = csv.writer(target, delimiter=made.delimiter, lineterminator="\r\n")
    for row in page.grid():
        writer.writerow([_as_text(_shown(made, value)) for value in row])
    path.write_bytes(target.getvalue().encode(made.encoding))
    return path


def _workbook(made: Draft, folder: Path) -> Path:
    path = folder / made.file_of(None)
    book = Workbook()
    book.remove(book.worksheets[0])
    for page in made.pages:
        _write_page(made, page, book.create_sheet("new"))
    for name, rows in made.others:
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(list(row))
    for sheet, page in zip(book.worksheets, made.pages, strict=False):
        sheet._WorkbookChild__title = page.name  # as it is to be: openpyxl would give a second one another name
    book.save(path)
    return path


def _write_page(made: Draft, page: Page, sheet: Worksheet) -> None:
    for number, row in enumerate(page.grid(), start=1):
        for column, value in enumerate(row, start=1):
            if value is not None:
                _write_cell(sheet.cell(number, column), _shown(made, value))
    start = page.left + 1
    for _, span in page.groups:
        row = page.header_row - 1
        sheet.merge_cells(start_row=row, end_row=row, start_column=start, end_column=start + span - 1)
        start += span
    for top, bottom, column in page.merges:
        place = page.column_of(column)
        sheet.merge_cells(
            start_row=page.row_of(top), end_row=page.row_of(bottom), start_column=place, end_column=place
        )
    for (line, column), text in page.notes.items():
        if line in page.lines and column in page.columns:
            sheet[page.cell(line, column)].comment = Comment(text, "keeper")
    _hide(page, sheet)


def _write_cell(cell: Any, value: object) -> None:
    cell.value = value
    if isinstance(value, Raw):
        cell.data_type = "f" if value.startswith("=") else "e"
    elif isinstance(value, str):
        cell.data_type = "s"
    elif isinstance(value, date):
        cell.number_format = "yyyy-mm-dd"


def _hide(page: Page, sheet: Worksheet) -> None:
    for line in page.lines:
        if line.is_hidden:
            sheet.row_dimensions[page.row_of(line)].hidden = True
    for column in page.columns:
        if column.is_hidden:
            sheet.column_dimensions[get_column_letter(page.column_of(column))].hidden = True
    if page.is_hidden:
        sheet.sheet_state = "hidden"
