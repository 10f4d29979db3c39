"""Tables in the sheets of a workbook that nobody declared: their header, their columns, their records."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from sources.workbooks.columns import Layout, laid_out
from sources.workbooks.one_cell import Row
from sources.workbooks.rows import data_rows
from sources.workbooks.told import Told
from warehouse.declarations import FieldDeclaration, TableDeclaration, normalised
from warehouse.sheets import (
    Book,
    Cell,
    HeaderRow,
    MatchedTable,
    Sheet,
    column_letters,
    find_header,
    header_rows,
    header_text,
    is_own_sheet,
)

PRECISION = "precision"  # a column of every found table, of no sheet: how exact its dates are
_LONGEST_HEADER = 120
_NEARLY_BEST = 0.7  # a title or two cells above a table are no header, a header that lacks a column is


@dataclass(frozen=True)
class FoundColumn:
    """A column with a header of its own. ``cells`` are those of the records, None where there is none."""

    key: str  # its provisional name
    header: str
    letters: str
    cells: tuple[Cell | None, ...]


@dataclass(frozen=True)
class FoundTable:
    """A table, in one sheet or in several with the same headers: its records, and where each lies.

    ``doubtful`` are columns with values that are not taken, with the reason.
    """

    sheets: tuple[str, ...]
    header_rows: tuple[int, ...]
    columns: tuple[FoundColumn, ...]
    records: tuple[tuple[Layout, Row], ...]
    doubtful: tuple[str, ...]


def find_tables(book: Book) -> tuple[list[FoundTable], list[str]]:
    """The tables of a workbook, and of every other sheet why it is none."""
    alike: dict[tuple[str, ...], list[tuple[Sheet, HeaderRow]]] = {}
    others: list[str] = []
    for sheet in book.sheets:
        first = sheet.rows.get(1, {}).get(1)
        if is_own_sheet(sheet.name, first.value if first else None):
            continue
        if reason := _no_table(sheet):
            others.append(f"sheet {sheet.name!r} {reason}")
        elif (header := _header_of(sheet)) is None:
            others.append(f"sheet {sheet.name!r} has no header with records below it in its first 30 rows")
        else:
            texts = tuple(normalised(text) for text in _texts(header).values())
            alike.setdefault(texts, []).append((sheet, header))
    tables = []
    for sheets in alike.values():
        found = _found(sheets, book)
        if found.records and len(found.columns) > 1:
            tables.append(found)
        else:
            others.append(f"sheet {sheets[0][0].name!r} has no records below its header")
    return tables, others


def _no_table(sheet: Sheet) -> str:
    if not sheet.rows:
        return "is empty"
    return "is hidden" if sheet.is_hidden else ""


def _header_of(sheet: Sheet) -> HeaderRow | None:
    """The first row with nearly as many headers as any: texts that are not repeated, over cells with values."""
    last = max(sheet.rows)
    filled_below: dict[int, int] = {}  # by column, the last row with a value
    for number, cells in sheet.rows.items():
        for column in cells:
            filled_below[column] = max(filled_below.get(column, 0), number)
    scores = [
        (_score(row, filled_below), row)
        for row in header_rows(sheet)
        if row.number in sheet.rows and row.number < last
    ]
    best = max((score for score, _ in scores), default=0.0)
    return next((row for score, row in scores if score >= max(2, _NEARLY_BEST * best)), None)


def _score(row: HeaderRow, filled_below: dict[int, int]) -> float:
    texts = [
        normalised(text)
        for column, text in _texts(row).items()
        if isinstance(row.cells[column].value, str) and filled_below[column] > row.number
        if len(text) <= _LONGEST_HEADER and not text[0].isdigit()
    ]
    values = sum(not isinstance(cell.value, str) and not _is_year(cell) for cell in row.cells.values())
    return len(set(texts)) - (len(texts) - len(set(texts))) - values


def _is_year(cell: Cell) -> bool:
    return isinstance(cell.value, int) and 1900 <= cell.value <= 2100


def _texts(row: HeaderRow) -> dict[int, str]:
    """By column what stands over it, with its group where there are several."""
    first = min(row.cells, default=0)
    named = {column: text for column, text in row.groups.items() if column in row.cells}
    is_title = len(set(named.values())) == 1 and first in named  # one cell over the table is its title
    texts = {
        column: " ".join(((row.grouped(column) if not is_title else "") or header_text(cell)).split())
        for column, cell in row.cells.items()
    }
    return {column: text for column, text in sorted(texts.items()) if normalised(text)}


def _found(sheets: Sequence[tuple[Sheet, HeaderRow]], book: Book) -> FoundTable:
    texts = _texts(sheets[0][1])
    counts = Counter(map(normalised, texts.values()))
    taken = {column: text for column, text in texts.items() if counts[normalised(text)] == 1}
    repeated = dict.fromkeys(text for column, text in texts.items() if column not in taken)
    names = tuple(sheet.name for sheet, _ in sheets)
    if not taken:
        return FoundTable(names, (), (), (), ())
    provisional = TableDeclaration(
        name="found",
        title="found",
        each_row_is_a="record",
        fields=(
            *(FieldDeclaration(name=f"c{column}", title=text) for column, text in taken.items()),
            FieldDeclaration(name=PRECISION, title="how exact its dates are, as found", presence="optional"),
        ),
        primary_key=(f"c{min(taken)}",),
    )
    records: list[tuple[Layout, Row]] = []
    doubtful = [f"{text!r} is the header of several columns" for text in repeated]
    for sheet, _ in sheets:
        told = Told(book.path.name, sheet.name, provisional)
        match = MatchedTable(provisional, sheet, find_header(sheet, provisional), by_name=True)
        if match.header is not None:
            layout = laid_out(match, match.header, book.records if book.kind == "csv" else None, told)
            records += [(layout, Row(number, cells)) for number, cells in data_rows(layout, told)]
            doubtful += [
                f"column {finding.column_name!r} has values and no header"
                for finding in told.findings
                if finding.rule == "unknown-column" and finding.value is None
            ]
    columns = tuple(
        FoundColumn(
            f"c{column}",
            text,
            column_letters(column),
            tuple(row.cells[f"c{column}"][1] if f"c{column}" in row.cells else None for _, row in records),
        )
        for column, text in taken.items()
    )
    return FoundTable(
        sheets=names,
        header_rows=tuple(row.number for _, row in sheets),
        columns=columns,
        records=tuple(records),
        doubtful=tuple(dict.fromkeys(doubtful)),
    )
