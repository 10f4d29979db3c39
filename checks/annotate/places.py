"""Where a finding's cell is."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from warehouse.declarations import SourceDeclaration, TableDeclaration
from warehouse.findings import Finding
from warehouse.sheets import Book, Header, Sheet, column_letters, find_header, match_tables, shown_value


@dataclass(frozen=True)
class Place:
    """A finding and the cell it is about, as far as there is one."""

    finding: Finding
    sheet: str | None
    row: int | None
    column: int | None
    title: str  # the column as its owner calls it

    @property
    def address(self) -> str:
        """The cell, or the row, as people call it; nothing where there is neither."""
        if self.row is None:
            return ""
        return f"{column_letters(self.column)}{self.row}" if self.column else f"row {self.row}"


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
        if sheet is None or table is None:
            row = finding.row_number if sheet else None
            title = finding.column_name or ""
            places.append(Place(finding, sheet.name if sheet else finding.sheet, row, None, title))
            continue
        if (sheet.name, table.name) not in headers:
            headers[sheet.name, table.name] = find_header(sheet, table)
        places.append(_place(finding, sheet, table, headers[sheet.name, table.name]))
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
        ),
    )


def _place(finding: Finding, sheet: Sheet, table: TableDeclaration, header: Header | None) -> Place:
    row = finding.row_number
    column = None
    if header and finding.column_name:
        column = header.column_of(finding.column_name)
        if column is None and (letters := re.fullmatch(r"column ([A-Z]{1,3})", finding.column_name)):
            column = next((c for c in range(1, 16_385) if column_letters(c) == letters[1]), None)
        if row is None and column is not None:
            row = header.row  # about the column as a whole
    elif header and row is not None:  # about the row as a whole: its key stands for it
        column = next((header.columns[key] for key in table.primary_key if key in header.columns), None)
    title = finding.column_name or ""
    if title and header and column and (head := sheet.rows[header.row].get(column)):
        title = shown_value(head.value)
    elif any(declared.name == title for declared in table.fields):
        title = table.field(title).title
    return Place(finding, sheet.name, row, column, title)
