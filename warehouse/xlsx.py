"""Values out of an .xlsx file, in one pass and bounded memory, whatever was handed in.

openpyxl shows either the formula or its stored value, in its streaming mode no merged cells, and in its full
mode it builds an object for every cell that was ever formatted. A workbook that a person keeps needs all of
it: the stored value *and* that there was a formula, merged cells, and a million rows that are formatted but
empty. So the sheets are read here, straight from their XML; openpyxl still says which number formats are dates.
"""

from __future__ import annotations

import posixpath
import re
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element, ParseError
from xml.parsers import expat

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring
from openpyxl.styles.numbers import BUILTIN_FORMATS, is_date_format, is_timedelta_format
from openpyxl.utils.datetime import CALENDAR_MAC_1904, WINDOWS_EPOCH, from_excel, from_ISO8601

_MEGABYTE = 1 << 20
MAX_ROW = 1_048_576  # Excel's own limits
MAX_COLUMN = 16_384
MAX_CELLS = 3_000_000  # with a value, in one workbook
MAX_CHARACTERS = 200_000_000  # of all its values
MAX_MERGED_ROWS = 10_000_000  # that merged ranges cover, one by one
MAX_PARTS = 5_000
MAX_SHEET_BYTES = 1024 * _MEGABYTE  # unpacked: every row formatted to the bottom makes some 400 MB
MAX_PART_BYTES = 100 * _MEGABYTE  # of any other part: these are read into memory
MAX_TREE_BYTES = 24 * _MEGABYTE  # of the parts that are read as a tree: styles and the like
MAX_TOTAL_BYTES = 2048 * _MEGABYTE
_CHUNK = 256 << 10

# What may follow in the name of a start or end tag of a value, a formula or an inline string. A false hit costs
# time, never a row.
_VALUE_MARKS = (b"v>", b"v ", b"f>", b"f ", b"f/", b"is>", b"is ")
_SHEET_DATA_END = re.compile(rb"</(?:[\w.-]+:)?sheetData")
_ROW_END = re.compile(rb"</(?:[\w.-]+:)?row\s*>")
_OVERLAP = 128  # longer than any tag looked for, so that none is missed between two chunks
_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")
_REFERENCE = re.compile(r"\$?([A-Za-z]{1,3})\$?([0-9]{1,7})")


class SheetError(ValueError):
    """A file cannot be read as a table; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class ErrorValue:
    """What a spreadsheet shows instead of a value, e.g. ``#REF!``."""

    code: str


Value = str | int | float | bool | date | datetime | time | ErrorValue | None


@dataclass(frozen=True, slots=True)
class Cell:
    """A filled cell. ``value`` is None for a formula whose result was never stored."""

    value: Value
    number_format: str = ""
    is_formula: bool = False


@dataclass
class Sheet:
    """A sheet's filled cells by row and column (both from 1), and its merged ranges."""

    name: str
    rows: dict[int, dict[int, Cell]] = field(default_factory=dict)
    merged: list[tuple[int, int, int, int]] = field(default_factory=list)  # first row, column, last row, column
    is_hidden: bool = False
    has_1904_dates: bool = False
    part: str = ""  # where its XML lies in the file
    spread: int = 0  # cells, filled or not, that merged ranges and links cover


def column_letters(column: int) -> str:
    """A column's letters: 28 is AB."""
    letters = ""
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


def _position(reference: str) -> tuple[int, int]:
    """Row and column of ``B7``; SheetError for what lies outside a sheet."""
    match = _REFERENCE.fullmatch(reference)
    if match:
        column = 0
        for letter in match[1].upper():
            column = column * 26 + ord(letter) - 64
        row = int(match[2])
        if 1 <= row <= MAX_ROW and 1 <= column <= MAX_COLUMN:
            return row, column
    raise SheetError(f"it names a cell that no sheet has ({reference[:20]!r}); open it and save it again as .xlsx")


def check_parts(archive: zipfile.ZipFile) -> None:
    """Refuse what would fill memory or disk, by the sizes the archive states (zipfile holds it to them)."""
    parts = archive.infolist()
    if len(parts) > MAX_PARTS:
        raise SheetError(f"it holds {len(parts):,} parts, more than the {MAX_PARTS:,} a workbook may have")
    for part in parts:
        is_sheet = part.filename.lstrip("/").startswith("xl/worksheets/")
        limit = MAX_SHEET_BYTES if is_sheet else MAX_PART_BYTES
        if part.file_size > limit:
            raise SheetError(
                f"its part {part.filename[:80]!r} unpacks to {part.file_size // _MEGABYTE:,} MB, more than the"
                f" {limit // _MEGABYTE:,} MB allowed; copy the data alone into a new workbook"
            )
        if part.flag_bits & 0x1:
            raise SheetError("it is encrypted; save it without a password")
        if part.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise SheetError("it is compressed in a way no spreadsheet program uses")
    total = sum(part.file_size for part in parts)
    if total > MAX_TOTAL_BYTES:
        raise SheetError(f"it unpacks to {total // _MEGABYTE:,} MB, more than {MAX_TOTAL_BYTES // _MEGABYTE:,} MB")


def _local(name: str) -> str:
    return name.rpartition("}")[2].rpartition(":")[2]


def _tree(archive: zipfile.ZipFile, part: str) -> Element:
    if archive.getinfo(part).file_size > MAX_TREE_BYTES:
        raise SheetError(f"its part {part[:80]!r} is larger than any spreadsheet program makes it")
    root: Element = fromstring(archive.read(part), forbid_dtd=True)
    return root


def _children(element: Element, *names: str) -> Iterator[Element]:
    """Descendants along a path of local names: the namespace differs between the standard's two editions."""
    for child in element:
        if isinstance(child.tag, str) and _local(child.tag) == names[0]:
            if len(names) == 1:
                yield child
            else:
                yield from _children(child, *names[1:])


def _attribute(element: Element, name: str, default: str = "") -> str:
    return next((value for key, value in element.attrib.items() if _local(key) == name), default)


def _relationships(archive: zipfile.ZipFile, part: str) -> dict[str, tuple[str, str]]:
    """Id -> (kind, part) of what a part refers to inside the file. What lies outside is never followed."""
    folder, name = posixpath.split(part)
    path = posixpath.join(folder, "_rels", f"{name}.rels")
    if path not in archive.NameToInfo:
        return {}
    found = {}
    for relation in _children(_tree(archive, path), "Relationship"):
        if _attribute(relation, "TargetMode") == "External":
            continue
        target = _attribute(relation, "Target")
        target = (
            target.lstrip("/") if target.startswith("/") else posixpath.normpath(posixpath.join(folder, target))
        )
        found[_attribute(relation, "Id")] = (posixpath.basename(_attribute(relation, "Type")), target)
    return found


def _number_formats(archive: zipfile.ZipFile, part: str | None) -> list[str]:
    """The number format of each cell style."""
    if part is None or part not in archive.NameToInfo:
        return []
    root = _tree(archive, part)
    own = {
        _attribute(item, "numFmtId"): _attribute(item, "formatCode")
        for item in _children(root, "numFmts", "numFmt")
    }
    formats = []
    for style in _children(root, "cellXfs", "xf"):
        number = _attribute(style, "numFmtId", "0")
        code = own.get(number)
        if code is None:
            code = BUILTIN_FORMATS.get(int(number), "General") if number.isdigit() else "General"
        formats.append(code)
    return formats


def unescaped(text: str) -> str:
    """A string cell's text: ``_x000D_`` stands for a character XML cannot hold."""
    if "_x" not in text:
        return text
    return _ESCAPED.sub(lambda m: "" if 0xD800 <= int(m[1], 16) <= 0xDFFF else chr(int(m[1], 16)), text)


# --- the bytes of a part, without what is formatted but empty ----------------------------------------


def _chunks(archive: zipfile.ZipFile, part: str) -> Iterator[bytes]:
    with archive.open(part) as stream:
        while chunk := stream.read(_CHUNK):
            yield chunk


def empty_tail(archive: zipfile.ZipFile, part: str) -> tuple[int, int] | None:
    """The range of bytes of a sheet's rows after the last one with a value, if it is worth leaving out."""
    last_value = -1
    row_end: int | None = None  # the first end of a row after the last value
    offset, before = 0, b""
    for chunk in _chunks(archive, part):
        text = before + chunk
        start = offset - len(before)
        end = _SHEET_DATA_END.search(text)
        limit = end.start() if end else len(text)
        hit = max(text.rfind(mark, 0, limit) for mark in _VALUE_MARKS)
        if hit >= 0 and start + hit > last_value:
            last_value, row_end = start + hit, None
        if row_end is None and last_value >= 0:
            closed = _ROW_END.search(text, max(0, last_value - start), limit)
            row_end = start + closed.end() if closed else None
        if end:
            stop = start + end.start()
            return (row_end, stop) if row_end is not None and stop - row_end > _MEGABYTE else None
        offset += len(chunk)
        before = text[-_OVERLAP:]
    return None


def slim_chunks(archive: zipfile.ZipFile, part: str) -> Iterator[bytes]:
    """A sheet's XML without its empty tail: still well formed."""
    cut = empty_tail(archive, part)
    if cut is None:
        yield from _chunks(archive, part)
        return
    offset = 0
    for chunk in _chunks(archive, part):
        if offset < cut[0]:
            yield chunk[: cut[0] - offset]
        if offset + len(chunk) > cut[1]:
            yield chunk[max(0, cut[1] - offset) :]
        offset += len(chunk)


# --- parsing -----------------------------------------------------------------------------------------


def _parser() -> Any:
    """An expat parser that refuses document types, so no entity is ever defined."""
    parser = expat.ParserCreate()
    parser.buffer_text = True

    def refuse(*_: Any) -> None:
        raise SheetError("its XML brings a document type of its own, which no spreadsheet program writes")

    parser.StartDoctypeDeclHandler = refuse
    parser.EntityDeclHandler = refuse
    return parser


def _shared_strings(archive: zipfile.ZipFile, part: str | None) -> list[str]:
    if part is None or part not in archive.NameToInfo:
        return []
    strings: list[str] = []
    pieces: list[str] = []
    state = {"text": False, "phonetic": False}

    def start(name: str, _: dict[str, str]) -> None:
        local = _local(name)
        if local == "si":
            pieces.clear()
        elif local == "t":
            state["text"] = not state["phonetic"]
        elif local == "rPh":
            state["phonetic"] = True

    def end(name: str) -> None:
        local = _local(name)
        if local == "si":
            strings.append(unescaped("".join(pieces)))
        elif local == "t":
            state["text"] = False
        elif local == "rPh":
            state["phonetic"] = False

    def characters(data: str) -> None:
        if state["text"]:
            pieces.append(data)

    parser = _parser()
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = characters
    for chunk in _chunks(archive, part):
        parser.Parse(chunk, False)
    parser.Parse(b"", True)
    return strings


class _SheetParser:
    """Handlers that fill a Sheet from its XML."""

    def __init__(self, sheet: Sheet, strings: list[str], formats: list[str], budget: int) -> None:
        self.sheet = sheet
        self.strings = strings
        self.formats = formats
        self.dates = {index for index, code in enumerate(formats) if is_date_format(code)}
        self.durations = {index for index, code in enumerate(formats) if is_timedelta_format(code)}
        self.budget = budget
        self.row = self.column = self.merged_rows = self.length = 0
        self.attributes: dict[str, str] = {}
        self.pieces: list[str] = []
        self.has_value = self.is_formula = self.in_text = self.in_phonetic = self.in_data = False

    def start(self, name: str, attributes: dict[str, str]) -> None:
        local = _local(name)
        if local == "c" and self.in_data:
            self.attributes = attributes
            self.pieces = []
            self.has_value = self.is_formula = False
            reference = attributes.get("r")
            if reference:
                self.row, self.column = _position(reference)
            else:
                self.column += 1
        elif local == "v":
            self.has_value = self.in_text = True
        elif local == "t":
            self.has_value = True
            self.in_text = not self.in_phonetic
        elif local == "f":
            self.is_formula = True
        elif local == "rPh":
            self.in_phonetic = True
        elif local == "row" and self.in_data:
            number = attributes.get("r", "")
            self.row = int(number) if number.isdigit() and number.isascii() else self.row + 1
            if not 1 <= self.row <= MAX_ROW:
                raise SheetError(f"it has a row {number[:20]}, beyond what a sheet can hold")
            self.column = 0
        elif local == "sheetData":
            self.in_data = True
        elif local == "mergeCell":
            area = self.cover(attributes)
            self.sheet.merged.append(area)
            self.merged_rows += area[2] - area[0] + 1
            if self.merged_rows > MAX_MERGED_ROWS:
                raise SheetError("its merged cells cover more rows than any sheet has")
        elif local == "hyperlink":
            self.cover(attributes)

    def cover(self, attributes: dict[str, str]) -> tuple[int, int, int, int]:
        first, _, last = attributes.get("ref", "").partition(":")
        top, left = _position(first)
        bottom, right = _position(last or first)
        self.sheet.spread += max(0, bottom - top + 1) * max(0, right - left + 1)
        return top, left, bottom, right

    def end(self, name: str) -> None:
        local = _local(name)
        if local in ("v", "t"):
            self.in_text = False
        elif local == "rPh":
            self.in_phonetic = False
        elif local == "sheetData":
            self.in_data = False
        elif local == "c" and self.in_data and (self.has_value or self.is_formula):
            self.finish()

    def characters(self, data: str) -> None:
        if self.in_text:
            self.pieces.append(data)
            self.length += len(data)
            if self.length > MAX_CHARACTERS:
                raise SheetError(f"its cells hold more than {MAX_CHARACTERS:,} characters")

    def finish(self) -> None:
        text = "".join(self.pieces)
        style = self.attributes.get("s", "0")
        index = int(style) if style.isascii() and style.isdigit() else 0
        code = self.formats[index] if index < len(self.formats) else "General"
        value = self.value(text, self.attributes.get("t", "n"), index) if self.has_value else None
        if value == "" or (value is None and not self.is_formula):
            return
        self.budget -= 1
        if self.budget < 0:
            raise SheetError(f"it has more than {MAX_CELLS:,} filled cells")
        self.sheet.rows.setdefault(self.row, {})[self.column] = Cell(value, code, self.is_formula)

    def value(self, text: str, kind: str, style: int) -> Value:
        if kind == "s":
            number = int(text) if text.isascii() and text.isdigit() else -1
            return self.strings[number] if 0 <= number < len(self.strings) else ErrorValue("#REF!")
        if kind in ("str", "inlineStr"):
            return unescaped(text)
        if not text:
            return None
        if kind == "b":
            return text.strip() in ("1", "true")
        if kind == "e":
            return ErrorValue(text[:20])
        try:
            if kind == "d":
                stamp: Value = from_ISO8601(text)
                return stamp
            return self.number(text, style)
        except (ValueError, OverflowError):
            return ErrorValue("#VALUE!")

    def number(self, text: str, style: int) -> Value:
        number: int | float = int(text) if text.lstrip("-").isdigit() and len(text) < 20 else float(text)
        if number != number or number in (float("inf"), float("-inf")):
            return ErrorValue("#NUM!")
        if isinstance(number, float) and number.is_integer() and abs(number) < 1e15:
            number = int(number)
        if style in self.dates and style not in self.durations:
            return serial_date(number, has_1904_dates=self.sheet.has_1904_dates) or ErrorValue("#####")
        return number


def serial_date(number: float, *, has_1904_dates: bool) -> datetime | time | None:
    """The moment a serial number stands for, or None where a spreadsheet shows none."""
    try:
        stamp = from_excel(number, CALENDAR_MAC_1904 if has_1904_dates else WINDOWS_EPOCH)
    except (ValueError, OverflowError):
        return None
    return None if isinstance(stamp, timedelta) or number < 0 else stamp


def read_xlsx(path: Path) -> list[Sheet]:
    """Every worksheet with its filled cells, in the workbook's order.

    Raises:
        SheetError: it is not such a file, or too large to be what a person keeps.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            check_parts(archive)
            return _read(archive)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, KeyError) as error:
        raise SheetError("it is damaged: not a whole .xlsx file; save it again and hand it in again") from error
    except (ParseError, expat.ExpatError, DefusedXmlException, UnicodeDecodeError) as error:
        raise SheetError("its XML cannot be read; open it and save it again as .xlsx") from error


def _read(archive: zipfile.ZipFile) -> list[Sheet]:
    root = next((part for kind, part in _relationships(archive, "").values() if kind == "officeDocument"), None)
    root = root or "xl/workbook.xml"
    if root.endswith(".bin"):
        raise SheetError("it is a binary workbook (.xlsb); save it as .xlsx")
    if root not in archive.NameToInfo:
        is_open_document = "mimetype" in archive.NameToInfo and b"opendocument" in archive.read("mimetype")[:100]
        if is_open_document:
            raise SheetError("it is an OpenDocument file (.ods); save it as .xlsx")
        raise SheetError("it is a zip file but no workbook; hand in an .xlsx or .csv file")
    workbook = _tree(archive, root)
    relations = _relationships(archive, root)
    by_kind = dict(relations.values())
    is_1904 = any(_attribute(p, "date1904") in ("1", "true") for p in _children(workbook, "workbookPr"))
    strings = _shared_strings(archive, by_kind.get("sharedStrings"))
    formats = _number_formats(archive, by_kind.get("styles"))
    sheets: list[Sheet] = []
    budget = MAX_CELLS
    for element in _children(workbook, "sheets", "sheet"):
        kind, part = relations.get(_attribute(element, "id"), ("", ""))
        if kind != "worksheet" or part not in archive.NameToInfo:
            continue  # a chart or a macro sheet
        sheet = Sheet(
            name=_attribute(element, "name"),
            is_hidden=_attribute(element, "state", "visible") != "visible",
            has_1904_dates=is_1904,
            part=part,
        )
        handlers = _SheetParser(sheet, strings, formats, budget)
        parser = _parser()
        parser.StartElementHandler = handlers.start
        parser.EndElementHandler = handlers.end
        parser.CharacterDataHandler = handlers.characters
        for chunk in slim_chunks(archive, part):
            parser.Parse(chunk, False)
        parser.Parse(b"", True)
        budget = handlers.budget
        sheets.append(sheet)
    return sheets
