"""Where a finding's cell is."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from warehouse.declarations import SourceDeclaration, TableDeclaration
from warehouse.findings import Finding
from warehouse.messages import in_languages
from warehouse.personal import find_personal
from warehouse.sheets import (
    Book,
    Header,
    Sheet,
    column_letters,
    find_header,
    match_tables,
    open_book,
    shown_value,
)


@dataclass(frozen=True)
class Place:
    """A finding and the cell it is about, as far as there is one.

    ``is_whole``: it is about the whole sheet, for which the cell stands.
    """

    finding: Finding
    sheet: str | None
    row: int | None
    column: int | None
    title: str  # the column as its owner calls it
    is_whole: bool = False

    @property
    def address(self) -> str:
        """The cell as people call it; nothing where it is about more than one."""
        return f"{column_letters(self.column)}{self.row}" if self.row and self.column and not self.is_whole else ""


def open_as_told(path: Path, tables: Sequence[TableDeclaration]) -> Book:
    """A file as ``open_book`` opens it, its sheets called as findings call them.

    One whose name holds personal data has a stand-in there (``checks.personal_data.screen_names``); its ``title``
    still is what the file says.

    Raises:
        SheetError: as ``open_book``.
    """
    book = open_book(path, tables)
    named = {sheet.name: sheet for sheet in book.sheets if sheet.rows}
    if find_personal("\n".join(named)):
        for number, name in enumerate(sorted(name for name in named if find_personal(name)), start=1):
            sheet = named[name]
            sheet.title = sheet.title or name
            sheet.name = f"sheet {number}"
    return book


def located(findings: Iterable[Finding], book: Book | None, declaration: SourceDeclaration) -> list[Place]:
    """The findings with their cells, worst first, then in the order of the workbook."""
    sheets = {sheet.name: sheet for sheet in book.sheets} if book else {}
    by_table: dict[str, str] = {}
    if book:
        for match in match_tables(book, declaration.tables).tables:
            by_table.setdefault(match.table.name, match.sheet.name)
    tables = {table.name: table for table in declaration.tables}
    headers: dict[tuple[str, str], Header | None] = {}
    places = []
    for finding in findings:
        table = tables.get(finding.table_name or "")
        name = finding.sheet or (by_table.get(table.name) if table else None)
        sheet = sheets.get(name or "")
        if sheet is None:
            title = finding.heading or _declared_title(finding.column_name or "", table)
            places.append(Place(finding, finding.sheet, None, None, title))
            continue
        header = None
        if table is not None:
            if (sheet.name, table.name) not in headers:
                headers[sheet.name, table.name] = find_header(sheet, table)
            header = headers[sheet.name, table.name]
        places.append(_place(finding, sheet, table, header))
    order = {name: position for position, name in enumerate(sheets)}
    return sorted(
        places,
        key=lambda place: (
            place.finding.severity.rank,
            order.get(place.sheet or "", -1),
            place.row or 0,
            place.column or 0,
            place.finding.rule,
            place.finding.message,
            place.finding.column_name or "",
            place.finding.help,
        ),
    )


def _place(finding: Finding, sheet: Sheet, table: TableDeclaration | None, header: Header | None) -> Place:
    row = finding.row_number
    column = letters = None
    if header and finding.column_name:
        column = header.column_of(finding.column_name)
        if column is None and finding.row_number == header.row:  # a field's column that has another name
            column = header.column_of(finding.value or "")
        if column is None and (letters := re.fullmatch(r"column ([A-Z]{1,3})", finding.column_name)):
            column = next((c for c in range(1, 16_385) if column_letters(c) == letters[1]), None)
    elif header and table and row is not None:  # about the row as a whole: its key stands for it
        column = next((header.columns[key] for key in table.primary_key if key in header.columns), None)
    title = finding.heading or _declared_title(finding.column_name or "", table)
    # What a finding calls by its letters has no header, or one that is not to be repeated.
    if title and header and column and not letters and (head := sheet.rows[header.row].get(column)):
        title = shown_value(head.value)
    if row is None and column is not None and header:
        return Place(finding, sheet.name, header.row, column, title)  # about the column as a whole
    if row is None:
        corner = (header.row, min(header.columns.values(), default=1)) if header else _first_cell(sheet)
        return Place(finding, sheet.name, *corner, title, is_whole=True)
    return Place(finding, sheet.name, row, column or min(sheet.rows.get(row, {}), default=1), title)


def _first_cell(sheet: Sheet) -> tuple[int, int]:
    row = min(sheet.rows, default=1)
    return row, min(sheet.rows.get(row, {}), default=1)


def _declared_title(name: str, table: TableDeclaration | None) -> str:
    for field in table.fields if table else ():
        if field.name == name:
            return in_languages(field.title, finnish=field.title_fi)
    return name
