"""Workbooks as people keep them: opening one, and finding the declared tables and columns in it.

Two rooms need the same answer to "which cell is the grant of the fifth pilot": the reader in ``sources`` and
the one who marks the wrong cells in ``checks``. So sheets are matched to tables and headers to fields here.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, time
from functools import lru_cache
from pathlib import Path

from warehouse.declarations import FieldDeclaration, TableDeclaration, normalised
from warehouse.xlsx import MAX_CELLS, Cell, ErrorValue, Sheet, SheetError, Value, column_letters, read_xlsx

__all__ = [
    "Book",
    "Cell",
    "ErrorValue",
    "Header",
    "MatchedTable",
    "Matching",
    "Sheet",
    "SheetError",
    "Value",
    "column_letters",
    "find_header",
    "is_todo_sheet",
    "match_tables",
    "open_book",
    "shown_value",
]

TODO_SHEET = "To do"
TODO_MARK = "What to do in this workbook"  # stands in A1 of our own sheet, so that we know it again
HEADER_ROWS = 30  # a header lower than this is not looked for
MAX_CSV_BYTES = 64 << 20
MAX_CSV_CELL = 1 << 20
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_DELIMITERS = ",;\t"


@dataclass
class Book:
    """An opened file. ``kind`` is ``xlsx`` or ``csv``; ``notes`` say what was assumed in opening it."""

    path: Path
    kind: str
    sheets: list[Sheet]
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Header:
    """Where a table's header stands and what its columns hold. Columns count from 1.

    ``repeated`` holds the further columns that claim a field already taken.
    """

    row: int
    columns: Mapping[str, int]
    unknown: Mapping[int, str]
    repeated: Mapping[str, tuple[int, ...]]

    def column_of(self, name: str) -> int | None:
        """The column of a field, or of an unknown header by its text."""
        if name in self.columns:
            return self.columns[name]
        return next((column for column, text in self.unknown.items() if text == name), None)


@dataclass(frozen=True)
class MatchedTable:
    """A sheet that holds a table. ``by_name`` is False where only its headers gave it away."""

    table: TableDeclaration
    sheet: Sheet
    header: Header | None
    by_name: bool


@dataclass(frozen=True)
class Matching:
    """The tables found in a file, and its other sheets.

    ``doubtful`` names the sheets that look like a table of which another sheet has the name.
    """

    tables: tuple[MatchedTable, ...]
    others: tuple[Sheet, ...]
    doubtful: Mapping[str, TableDeclaration]


# --- values ------------------------------------------------------------------------------------------


def shown_value(value: Value) -> str:
    """A cell's value as its owner sees it, near enough to find it again."""
    if value is None:
        return ""
    if isinstance(value, ErrorValue):
        return value.code
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time() else value.isoformat(" ", "seconds")
    if isinstance(value, float):
        return repr(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    return str(value)


def is_todo_sheet(name: str, first_cell: object) -> bool:
    """Whether a sheet is the to-do list that we put into the workbook ourselves."""
    return normalised(name).startswith(normalised(TODO_SHEET)) and str(first_cell or "").startswith(TODO_MARK)


# --- opening -----------------------------------------------------------------------------------------


def open_book(path: Path, tables: Sequence[TableDeclaration]) -> Book:
    """A workbook or a CSV file, told apart by what is in it and not by its name.

    Args:
        path: the file.
        tables: what is expected in it; a CSV's delimiter is the one that makes most of their headers.

    Raises:
        SheetError: it is neither, or cannot be read; the message says what to do.
    """
    with path.open("rb") as file:
        start = file.read(4096)
    if start.startswith(b"PK\x03\x04"):
        return Book(path, "xlsx", read_xlsx(path))
    if start.startswith(_OLE):
        with path.open("rb") as file:
            is_encrypted = "EncryptedPackage".encode("utf-16-le") in file.read(8 << 20)
        if is_encrypted:
            raise SheetError("it is protected with a password; save a copy without one and hand that in")
        raise SheetError("it is an old Excel file (.xls); open it and save it as .xlsx")
    if start.startswith(b"%PDF"):
        raise SheetError("it is a PDF; hand in the workbook itself, as .xlsx or .csv")
    if start.lstrip(b"\xef\xbb\xbf \t\r\n").lower().startswith((b"<html", b"<!doctype", b"<?xml", b"<table")):
        raise SheetError("it is a web page or XML, whatever its name says; save it as .xlsx or .csv")
    if not start.strip():
        raise SheetError("it is empty")
    sheet, notes = _read_csv(path, tables)
    if path.suffix.lower() in (".xlsx", ".xlsm") and not any(find_header(sheet, table) for table in tables):
        raise SheetError("it is no workbook, whatever its name says; save it as .xlsx where it was made")
    return Book(path, "csv", [sheet], notes)


def _decoded(path: Path) -> tuple[str, list[str]]:
    if path.stat().st_size > MAX_CSV_BYTES:
        raise SheetError(f"it is larger than {MAX_CSV_BYTES >> 20} MB; is it the right file?")
    data = path.read_bytes()
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        try:
            return data.decode("utf-16"), []
        except UnicodeDecodeError as error:
            raise SheetError("it is neither a workbook nor text; hand in an .xlsx or .csv file") from error
    if b"\0" in data:
        raise SheetError("it is neither a workbook nor text; hand in an .xlsx or .csv file")
    try:
        return data.decode("utf-8-sig"), []
    except UnicodeDecodeError:
        note = "it is not UTF-8, so it was read as Windows text (cp1252): look whether ä, ö and € are right"
        return data.decode("cp1252", errors="replace"), [note]


@contextmanager
def _long_cells() -> Iterator[None]:
    """Csv refuses cells above 128 KB, by a limit that belongs to the whole process."""
    before = csv.field_size_limit(MAX_CSV_CELL)
    try:
        yield
    finally:
        csv.field_size_limit(before)


def _records(text: str, delimiter: str, most: int | None = None) -> list[list[str]]:
    records: list[list[str]] = []
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        for record in reader:
            records.append(record)
            if len(records) == most:
                break
    except csv.Error as error:
        if most is not None:
            return records
        raise SheetError(
            f"its quotation marks do not match, at line {reader.line_num} or before it ({error});"
            ' write a quotation mark inside a quoted cell twice (""), or hand in an .xlsx file'
        ) from error
    return records


def _as_sheet(name: str, records: Sequence[Sequence[str]]) -> Sheet:
    sheet = Sheet(name)
    if sum(len(record) for record in records) > MAX_CELLS:
        raise SheetError(f"it has more than {MAX_CELLS:,} cells; is it the right file?")
    for number, record in enumerate(records, start=1):
        if cells := {column: Cell(text) for column, text in enumerate(record, start=1) if text.strip()}:
            sheet.rows[number] = cells
    return sheet


def _read_csv(path: Path, tables: Sequence[TableDeclaration]) -> tuple[Sheet, list[str]]:
    """A CSV as a sheet. A record is a row, as in a spreadsheet program, however many lines it takes."""
    text, notes = _decoded(path)
    delimiter = None
    if said := re.match(r"sep=(.)\r?\n", text):  # Excel's own hint; it does not show that line as a row
        delimiter, text = said[1], text[said.end() :]
    name = re.sub(r"[\[\]:*?/\\]", "_", path.stem)[:31]
    with _long_cells():
        if delimiter is None:

            def hits(candidate: str) -> tuple[int, int]:
                head = _as_sheet(name, _records(text[: 1 << 20], candidate, HEADER_ROWS))
                found = (find_header(head, table) for table in tables)
                widest = max((len(row) for row in head.rows.values()), default=0)
                return max((len(header.columns) for header in found if header), default=0), widest

            delimiter = max(_DELIMITERS, key=hits)
        return _as_sheet(name, _records(text, delimiter)), notes


# --- finding tables and columns ----------------------------------------------------------------------


@lru_cache(maxsize=256)
def _normal(text: str) -> str:
    return normalised(text)


def _aliases(table: TableDeclaration) -> dict[str, FieldDeclaration]:
    """Header text, normalised -> field. A field's own name goes before another one's alias."""
    found: dict[str, FieldDeclaration] = {}
    for declared in table.fields:
        found.setdefault(normalised(declared.name), declared)
    for declared in table.fields:
        for text in (declared.title, *declared.source_names):
            found.setdefault(normalised(text), declared)
    return found


def find_header(sheet: Sheet, table: TableDeclaration) -> Header | None:
    """The header: the row among the first ones that names most of the table's columns.

    Of equals the first counts. A row that names fewer than two fields (one, if there is but one) is no header.
    """
    aliases = _aliases(table)
    best: tuple[int, int] | None = None
    for number in sorted(number for number in sheet.rows if number <= HEADER_ROWS):
        texts = (cell.value for cell in sheet.rows[number].values())
        named = {aliases[_normal(t)].name for t in texts if isinstance(t, str) and _normal(t) in aliases}
        if len(named) >= min(2, len(table.fields)) and (best is None or len(named) > best[0]):
            best = (len(named), number)
    if best is None:
        return None
    columns: dict[str, int] = {}
    unknown: dict[int, str] = {}
    repeated: dict[str, tuple[int, ...]] = {}
    cells = dict(sheet.rows[best[1]])
    for top, left, bottom, _ in sheet.merged:  # a header cell merged with the one above it
        if top < best[1] <= bottom and left not in cells and left in sheet.rows.get(top, {}):
            cells[left] = sheet.rows[top][left]
    for column, cell in sorted(cells.items()):
        text = shown_value(cell.value).strip()
        declared = aliases.get(_normal(text))
        if declared is None:
            unknown[column] = text
        elif declared.name in columns:
            repeated[declared.name] = (*repeated.get(declared.name, ()), column)
        else:
            columns[declared.name] = column
    return Header(best[1], columns, unknown, repeated)


def _is_named(sheet: Sheet, table: TableDeclaration) -> bool:
    name = normalised(sheet.name)
    # A spreadsheet cuts a sheet's name at 31 characters.
    return name in {normalised(table.name), normalised(table.title), normalised(table.title[:31])}


def match_tables(book: Book, tables: Sequence[TableDeclaration]) -> Matching:
    """Which sheet holds which table: by the sheet's name, else by its headers.

    Headers decide only where they leave no doubt: half of the mandatory columns, and for no other table more. A
    sheet with a table's name is that table; the sheets that only look like it (a copy, last year's) are not.
    Where none has the name, all that look like it are read: a sheet a year, for example.
    """
    matched: list[MatchedTable] = []
    others: list[Sheet] = []
    for sheet in book.sheets:
        first = sheet.rows.get(1, {}).get(1)
        if is_todo_sheet(sheet.name, first.value if first else None):
            continue
        named = [table for table in tables if _is_named(sheet, table)]
        if book.kind == "csv" and not named:  # agile_pilots_rounds_2019.csv
            words = f" {normalised(sheet.name)} "
            named = [t for t in tables if f" {normalised(t.name)} " in words and find_header(sheet, t)]
            named = named if len(named) == 1 else []
        if named:
            matched.append(MatchedTable(named[0], sheet, find_header(sheet, named[0]), by_name=True))
        else:
            others.append(sheet)
    taken = {match.table.name for match in matched}
    left: list[Sheet] = []
    doubtful: dict[str, TableDeclaration] = {}
    for sheet in others:
        scores = []
        for table in tables:
            header = find_header(sheet, table)
            wanted = [f.name for f in table.fields if f.presence == "mandatory"]
            if header and 2 * len(set(wanted) & set(header.columns)) >= len(wanted):
                scores.append((len(header.columns), table, header))
        scores.sort(key=lambda score: -score[0])
        is_clear = len(scores) == 1 or (len(scores) > 1 and scores[0][0] > scores[1][0])
        if not is_clear or sheet.is_hidden or scores[0][1].name in taken:
            left.append(sheet)
            if is_clear:
                doubtful[sheet.name] = scores[0][1]
        else:
            matched.append(MatchedTable(scores[0][1], sheet, scores[0][2], by_name=False))
    return Matching(tuple(matched), tuple(left), doubtful)
