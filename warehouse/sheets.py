"""Workbooks as people keep them: opening one, and finding the declared tables and columns in it.

Two rooms need the same answer to "which cell is the grant of the fifth pilot": the reader in ``sources`` and
the one who marks the wrong cells in ``checks``. So sheets are matched to tables and headers to fields here.
"""

from __future__ import annotations

import codecs
import csv
import difflib
import io
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, time
from functools import lru_cache
from pathlib import Path

from warehouse.declarations import FieldDeclaration, TableDeclaration
from warehouse.number_formats import shown_number, shown_text
from warehouse.text import normalised
from warehouse.xlsx import (
    MAX_CELLS,
    Cell,
    ErrorValue,
    Sheet,
    SheetError,
    Value,
    column_letters,
    read_xlsx,
    text_value,
)

__all__ = [
    "Book",
    "Cell",
    "ErrorValue",
    "Header",
    "MatchedTable",
    "Matching",
    "Records",
    "Sheet",
    "SheetError",
    "UndecodedText",
    "Value",
    "column_letters",
    "find_header",
    "header_text",
    "is_todo_sheet",
    "match_tables",
    "nearest_fields",
    "open_book",
    "shown_cell",
    "shown_value",
    "table_of_file",
]

TODO_SHEET = "To do"
TODO_MARK = "What to do in this workbook"  # stands in A1 of our own sheet, so that we know it again
HEADER_ROWS = 30  # a header lower than this is not looked for
MAX_CSV_BYTES = 64 << 20
MAX_CSV_CELL = 1 << 20
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_DELIMITERS = ",;\t"
_UNDECODED = re.compile("[\udc80-\udcff]")  # bytes that are no text, as PEP 383 keeps them
_DECODED = re.compile("[^\x00-\x7f\udc80-\udcff]")


@dataclass(frozen=True, slots=True)
class UndecodedText(ErrorValue):
    """A cell of a text file with bytes that are no text in the file's encoding, each shown as ``\ufffd``.

    ``likely`` is what it would say if these bytes were Windows text (cp1252).
    """

    likely: str


@dataclass(frozen=True)
class Records:
    """What a CSV shows of its records beside their values: how many cells each has, blank ones counted.

    ``is_open`` says that the file ends within a line.
    """

    lengths: Mapping[int, int] = field(default_factory=dict)
    delimiter: str = ","
    is_open: bool = False


@dataclass
class Book:
    """An opened file. ``kind`` is ``xlsx`` or ``csv``; ``notes`` say what was assumed in opening it."""

    path: Path
    kind: str
    sheets: list[Sheet]
    notes: list[str] = field(default_factory=list)
    records: Records = Records()  # of a CSV


@dataclass(frozen=True)
class Header:
    """Where a table's header stands and what its columns hold. Columns count from 1.

    ``repeated`` holds the further columns that claim a field already taken; ``marked`` the columns that were
    recognised without the footnote mark behind their header.
    """

    row: int
    columns: Mapping[str, int]
    unknown: Mapping[int, str]
    repeated: Mapping[str, tuple[int, ...]]
    marked: frozenset[int] = frozenset()

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

    ``doubtful`` names the sheets that look like a table for which another sheet was taken. ``clashing`` are the
    names of sheets that all have the name of one table, by the table's: none of them is taken.
    """

    tables: tuple[MatchedTable, ...]
    others: tuple[Sheet, ...]
    doubtful: Mapping[str, TableDeclaration]
    clashing: Mapping[str, tuple[str, ...]]


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


def shown_cell(cell: Cell) -> str:
    """What a cell shows, its number format included, as far as that can be told."""
    value = cell.value
    if isinstance(value, str):
        return shown_text(value, cell.number_format) or value
    if isinstance(value, int | float) and not isinstance(value, bool):
        return shown_number(value, cell.number_format).text or shown_value(value)
    return shown_value(value)


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
    sheet, notes, records = _read_csv(path, tables)
    if path.suffix.lower() in (".xlsx", ".xlsm") and not any(find_header(sheet, table) for table in tables):
        raise SheetError("it is no workbook, whatever its name says; save it as .xlsx where it was made")
    return Book(path, "csv", [sheet], notes, records)


def _decoded(path: Path) -> tuple[str, list[str]]:
    """A text file's text and what was assumed. A byte that is no text becomes a lone surrogate (PEP 383)."""
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
    text = data.decode("utf-8-sig", errors="surrogateescape")
    # One byte of another encoding in a line does not make the other lines' letters Windows text.
    if text.isascii() or data.startswith(codecs.BOM_UTF8) or _DECODED.search(text):
        return text, []
    note = "it is not UTF-8, so it was read as Windows text (cp1252): look whether ä, ö and € are right"
    return data.decode("cp1252", errors="surrogateescape"), [note]


def _text_cell(text: str) -> Cell:
    if text.isascii() or not _UNDECODED.search(text):
        return Cell(text_value(text))
    likely = _UNDECODED.sub(lambda m: bytes([ord(m[0]) - 0xDC00]).decode("cp1252", "replace"), text)
    return Cell(UndecodedText(_UNDECODED.sub("\ufffd", text), likely))


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
        if cells := {column: _text_cell(text) for column, text in enumerate(record, start=1) if text.strip()}:
            sheet.rows[number] = cells
    return sheet


def _read_csv(path: Path, tables: Sequence[TableDeclaration]) -> tuple[Sheet, list[str], Records]:
    """A CSV as a sheet. A record is a row, as in a spreadsheet program, however many lines it takes."""
    text, notes = _decoded(path)
    text = text.rstrip("\x1a")  # the end of a file in CP/M and DOS, still written by old programs
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
        records = _records(text, delimiter)
    lengths = {number: len(record) for number, record in enumerate(records, start=1)}
    is_open = not text.endswith(("\n", "\r"))
    return _as_sheet(name, records), notes, Records(lengths, delimiter, is_open)


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


# "Grant (EUR)1", "Grant (EUR) 1)", "Grant ¹", "Grant [a]": what people hang on a header to explain it below the
# table. A bare "Theme 2" is another column.
_FOOTNOTE = re.compile(r"(?:\s?(?:[¹²³⁰-⁹*†‡§]+|\(?[0-9a-c]\)|\[[0-9a-c]\]|(?<=\))[0-9]))+$")


def header_text(cell: Cell) -> str:
    """A header's text as it is compared with the declared names."""
    return (cell.value.likely if isinstance(cell.value, UndecodedText) else shown_value(cell.value)).strip()


def find_header(sheet: Sheet, table: TableDeclaration) -> Header | None:
    """The header: the row among the first ones that names most of the table's columns.

    Of equals the first counts. A row that names fewer than two fields (one, if there is but one) is no header.
    A footnote's mark behind a header does not count, where no other header claims the field.
    """
    aliases = _aliases(table)
    best: tuple[int, int] | None = None
    for number in sorted(number for number in sheet.rows if number <= HEADER_ROWS):
        cells = sheet.rows[number].values()
        texts = [_normal(header_text(c)) for c in cells if isinstance(c.value, str | UndecodedText)]
        named = {aliases[text].name for text in texts if text in aliases}
        if len(named) >= min(2, len(table.fields)) and (best is None or len(named) > best[0]):
            best = (len(named), number)
    if best is None:
        return None
    columns: dict[str, int] = {}
    unknown: dict[int, str] = {}
    repeated: dict[str, tuple[int, ...]] = {}
    heads = dict(sheet.rows[best[1]])
    for top, left, bottom, _ in sheet.merged:  # a header cell merged with the one above it
        if top < best[1] <= bottom and left not in heads and left in sheet.rows.get(top, {}):
            heads[left] = sheet.rows[top][left]
    for column, cell in sorted(heads.items()):
        text = header_text(cell)
        declared = aliases.get(_normal(text))
        if declared is None:
            unknown[column] = text
        elif declared.name in columns:
            repeated[declared.name] = (*repeated.get(declared.name, ()), column)
        else:
            columns[declared.name] = column
    marked: dict[str, list[int]] = {}
    for column, text in unknown.items():
        declared = aliases.get(_normal(_FOOTNOTE.sub("", text)))
        if declared is not None and declared.name not in columns:
            marked.setdefault(declared.name, []).append(column)
    for name, claims in marked.items():
        if len(claims) == 1:  # of two, nobody can tell which one is meant
            columns[name] = claims[0]
            del unknown[claims[0]]
    recognised = frozenset(claims[0] for claims in marked.values() if len(claims) == 1)
    return Header(best[1], columns, unknown, repeated, recognised)


def nearest_fields(text: str, table: TableDeclaration, among: Collection[str]) -> list[str]:
    """The names of those fields whose header at the source is most like a text, the likeliest first."""
    aliases = {known: field.name for known, field in _aliases(table).items() if field.name in among}
    near = difflib.get_close_matches(_normal(text), aliases, n=3, cutoff=0.75)
    return list(dict.fromkeys(aliases[known] for known in near))


def _is_named(sheet: Sheet, table: TableDeclaration) -> bool:
    name = normalised(sheet.name)
    # A spreadsheet cuts a sheet's name at 31 characters.
    return name in {normalised(table.name), normalised(table.title), normalised(table.title[:31])}


def table_of_file(name: str, tables: Sequence[TableDeclaration]) -> TableDeclaration | None:
    """The table that a CSV's name speaks of: the last one it names.

    ``agile_pilots_rounds_2019.csv`` and ``Agile pilots - Rounds.csv`` (a spreadsheet's name, then its sheet's)
    hold rounds.
    """
    words = f" {normalised(name)} "
    last = {
        table.name: max(words.rfind(f" {normalised(known)} ") for known in (table.name, table.title))
        for table in tables
    }
    found = max(tables, key=lambda table: last[table.name], default=None)
    return found if found is not None and last[found.name] >= 0 else None


def _is_filled(match: MatchedTable) -> bool:
    """Whether a sheet has a row below its header."""
    return match.header is not None and any(number > match.header.row for number in match.sheet.rows)


def match_tables(book: Book, tables: Sequence[TableDeclaration]) -> Matching:
    """Which sheet holds which table: by the sheet's name, else by its headers.

    Headers decide only where they leave no doubt: half of the mandatory columns, and for no other table more. A
    sheet with a table's name is that table; the sheets that only look like it (a copy, last year's) are not.
    Where none has the name, all that look like it are read: a sheet a year, for example.

    What people see goes before what is hidden: a hidden sheet is taken by its name only, and only where no visible
    one has the name or looks like the table. Of several visible sheets of one name that is taken which has rows.
    """
    named: dict[str, list[MatchedTable]] = {}
    alike: dict[str, list[MatchedTable]] = {}
    left: list[Sheet] = []
    for sheet in book.sheets:
        first = sheet.rows.get(1, {}).get(1)
        if is_todo_sheet(sheet.name, first.value if first else None):
            continue
        if table := _named_table(book, sheet, tables):
            named.setdefault(table.name, []).append(
                MatchedTable(table, sheet, find_header(sheet, table), by_name=True)
            )
        elif match := _alike(sheet, tables):
            alike.setdefault(match.table.name, []).append(match)
        else:
            left.append(sheet)
    taken: list[MatchedTable] = []
    doubtful: dict[str, TableDeclaration] = {}
    clashing: dict[str, tuple[str, ...]] = {}
    for table in tables:
        by_name, by_header = named.get(table.name, []), alike.get(table.name, [])
        visible = [match for match in by_name if not match.sheet.is_hidden]
        look_alike = [match for match in by_header if not match.sheet.is_hidden]
        chosen = visible or look_alike or by_name
        if len(chosen) > 1 and chosen[0].by_name:
            filled = [match for match in chosen if _is_filled(match)]
            if len(filled) > 1:
                clashing[table.name] = tuple(match.sheet.name for match in filled)
            chosen = (filled or chosen)[:1] if len(filled) < 2 else []
        taken.extend(chosen)
        for match in (*by_name, *by_header):
            if all(match is not one for one in chosen) and match.sheet.name not in clashing.get(table.name, ()):
                left.append(match.sheet)
                doubtful[match.sheet.name] = table
    order = {id(sheet): position for position, sheet in enumerate(book.sheets)}
    taken.sort(key=lambda match: order[id(match.sheet)])
    left.sort(key=lambda sheet: order[id(sheet)])
    return Matching(tuple(taken), tuple(left), doubtful, clashing)


def _named_table(book: Book, sheet: Sheet, tables: Sequence[TableDeclaration]) -> TableDeclaration | None:
    table = next((table for table in tables if _is_named(sheet, table)), None)
    if table is None and book.kind == "csv":
        by_file = table_of_file(book.path.stem, tables)
        table = by_file if by_file and find_header(sheet, by_file) else None
    return table


def _alike(sheet: Sheet, tables: Sequence[TableDeclaration]) -> MatchedTable | None:
    """The table that a sheet's headers leave no doubt about."""
    scores = []
    for table in tables:
        header = find_header(sheet, table)
        wanted = [f.name for f in table.fields if f.presence == "mandatory"]
        if header and 2 * len(set(wanted) & set(header.columns)) >= len(wanted):
            scores.append((len(header.columns), table, header))
    scores.sort(key=lambda score: -score[0])
    if not scores or (len(scores) > 1 and scores[0][0] == scores[1][0]):
        return None
    return MatchedTable(scores[0][1], sheet, scores[0][2], by_name=False)
