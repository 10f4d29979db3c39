"""A CSV file as a sheet: encoding, delimiter and records found out."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from warehouse.declarations import TableDeclaration
from warehouse.messages import message
from warehouse.sheets import limits
from warehouse.sheets.cells import Cell, Sheet, SheetError, UndecodedText, text_value
from warehouse.sheets.headers import find_header

_DELIMITERS = ",;\t|"
_UNDECODED = re.compile("[\udc80-\udcff]")  # bytes that are no text, as PEP 383 keeps them
_DECODED = re.compile("[^\x00-\x7f\udc80-\udcff]")


@dataclass(frozen=True)
class Records:
    """What a CSV shows of its records beside their values: how many cells each has, blank ones counted.

    ``is_open`` says that the file ends within a line.
    """

    lengths: Mapping[int, int] = field(default_factory=dict)
    delimiter: str = ","
    is_open: bool = False


def _decoded(path: Path) -> tuple[str, list[str]]:
    """A text file's text and what was assumed. A byte that is no text becomes a lone surrogate (PEP 383)."""
    if path.stat().st_size > limits.MAX_CSV_BYTES:
        raise SheetError(
            message("it is larger than {most} MB", most=limits.MAX_CSV_BYTES >> 20),
            message("Is it the right file?"),
        )
    data = path.read_bytes()
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        try:
            return data.decode("utf-16"), []
        except UnicodeDecodeError as error:
            raise SheetError(
                message("it is neither a workbook nor text"), message("Hand in an .xlsx or .csv file.")
            ) from error
    if b"\0" in data:
        raise SheetError(message("it is neither a workbook nor text"), message("Hand in an .xlsx or .csv file."))
    text = data.decode("utf-8-sig", errors="surrogateescape")
    # One byte of another encoding in a line does not make the other lines' letters Windows text.
    if text.isascii() or data.startswith(codecs.BOM_UTF8) or _DECODED.search(text):
        return text, []
    note = message("it is not UTF-8, so it was read as Windows text (cp1252): look whether ä, ö and € are right")
    return data.decode("cp1252", errors="surrogateescape"), [note]


def _text_cell(text: str) -> Cell:
    if text.isascii() or not _UNDECODED.search(text):
        return Cell(text_value(text))
    likely = _UNDECODED.sub(lambda m: bytes([ord(m[0]) - 0xDC00]).decode("cp1252", "replace"), text)
    return Cell(UndecodedText(_UNDECODED.sub("\ufffd", text), likely))


@contextmanager
def _long_cells() -> Iterator[None]:
    """Csv refuses cells above 128 KB, by a limit that belongs to the whole process."""
    before = csv.field_size_limit(limits.MAX_CSV_CELL)
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
            message(
                "its quotation marks do not match, at line {line} or before it ({error})",
                line=reader.line_num,
                error=str(error),
            ),
            message('Write a quotation mark inside a quoted cell twice (""), or hand in an .xlsx file.'),
        ) from error
    return records


def _as_sheet(name: str, records: Sequence[Sequence[str]]) -> Sheet:
    sheet = Sheet(name)
    if sum(len(record) for record in records) > limits.MAX_CELLS:
        raise SheetError(
            message("it has more than {most} cells", most=limits.MAX_CELLS), message("Is it the right file?")
        )
    for number, record in enumerate(records, start=1):
        if cells := {column: _text_cell(text) for column, text in enumerate(record, start=1) if text.strip()}:
            sheet.rows[number] = cells
    return sheet


def read_csv(path: Path, tables: Sequence[TableDeclaration]) -> tuple[Sheet, list[str], Records]:
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
                head = _as_sheet(name, _records(text[: 1 << 20], candidate, limits.HEADER_ROWS))
                found = (find_header(head, table) for table in tables)
                widest = max((len(row) for row in head.rows.values()), default=0)
                return max((len(header.columns) for header in found if header), default=0), widest

            delimiter = max(_DELIMITERS, key=hits)
        records = _records(text, delimiter)
    lengths = {number: len(record) for number, record in enumerate(records, start=1)}
    is_open = not text.endswith(("\n", "\r"))
    return _as_sheet(name, records), notes, Records(lengths, delimiter, is_open)
