"""Values out of an .xlsx file, in one pass and bounded memory, whatever was handed in.

openpyxl shows either the formula or its stored value, in its streaming mode no merged cells, and in its full
mode it builds an object for every cell that was ever formatted. A workbook that a person keeps needs all of
it: the stored value *and* that there was a formula, merged cells, and a million rows that are formatted but
empty. So the sheets are read here, straight from their XML.
"""

from __future__ import annotations

import errno
import posixpath
import re
import zipfile
import zlib
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element, ParseError
from xml.parsers import expat

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring
from openpyxl.styles.numbers import BUILTIN_FORMATS
from openpyxl.utils.datetime import CALENDAR_MAC_1904, WINDOWS_EPOCH, from_excel

from warehouse.number_formats import is_moment
from warehouse.rich_text import ALL_STRUCK, Run, assembled
from warehouse.text import without_controls

_MEGABYTE = 1 << 20
MAX_ROW = 1_048_576  # Excel's own limits
MAX_COLUMN = 16_384
MAX_CELLS = 3_000_000  # with a value, in one workbook
MAX_CELL_CHARACTERS = 32_767  # Excel's own limit of one cell
MAX_CHARACTERS = 200_000_000  # of all its values
MAX_MERGED_ROWS = 10_000_000  # that merged ranges cover, one by one
MAX_PARTS = 5_000
MAX_SHEET_BYTES = 1024 * _MEGABYTE  # unpacked: every row formatted to the bottom makes some 400 MB
MAX_PART_BYTES = 100 * _MEGABYTE  # of any other part: these are read into memory
MAX_TREE_BYTES = 24 * _MEGABYTE  # of the parts that are read as a tree: styles and the like
MAX_TOTAL_BYTES = 2048 * _MEGABYTE
_MAX_TAG_BYTES = 4 * _MEGABYTE  # the parser holds a whole tag in memory
_MAX_MERGE_LOOKS = 20_000_000
_CHUNK = 256 << 10

# What may follow in the name of a start or end tag of a value, a formula or an inline string. A false hit costs
# time, never a row.
_VALUE_MARKS = (b"v>", b"v ", b"f>", b"f ", b"f/", b"is>", b"is ")
_SHEET_DATA_END = re.compile(rb"</(?:[\w.-]+:)?sheetData")
_ROW_END = re.compile(rb"</(?:[\w.-]+:)?row\s*>")
_OVERLAP = 128  # longer than any tag looked for, so that none is missed between two chunks
_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")
_REFERENCE = re.compile(r"\$?([A-Za-z]{1,3})\$?([0-9]{1,7})")


_WHOLE = re.compile(r"-?[0-9]{1,18}")
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:T[0-9:.,]+(?:Z|[+-][0-9]{2}:?[0-9]{2})?)?")
_TIME = re.compile(r"T?[0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]+)?)?Z?")
_ENCODING = re.compile(rb"(?:\xef\xbb\xbf)?\s*<\?xml[^>]*?\sencoding\s*=\s*[\"']([^\"'>]{1,40})")
_ENCODINGS = frozenset({"utf-8", "utf-16", "utf8", "utf16", "us-ascii", "ascii", "iso-8859-1", "windows-1252"})
_OWN_CURRENCY = frozenset({5, 6, 7, 8, 42, 44})  # formats whose $ each reader sees as the money of their own place


TOO_LONG = f"it is longer than the {MAX_CELL_CHARACTERS:,} characters that a cell can hold"


class SheetError(ValueError):
    """A file cannot be read as a table; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class ErrorValue:
    """What stands in a cell instead of a value, e.g. ``#REF!``.

    ``problem`` is set where the spreadsheet shows no error: why what it shows cannot be taken for a value, as a
    clause. ``code`` is then what stands there, cut short.
    """

    code: str
    problem: str = field(default="", kw_only=True)


Value = str | int | float | bool | date | datetime | time | ErrorValue | None


@dataclass(frozen=True, slots=True)
class Cell:
    """A filled cell. ``value`` is None for a formula whose result was never stored.

    ``note`` says what of it was left out in reading, as a clause.
    """

    value: Value
    number_format: str = ""
    is_formula: bool = False
    note: str = ""


@dataclass
class Sheet:
    """A sheet's filled cells by row and column (both from 1), and its merged ranges.

    ``hidden_rows`` are those with a filled cell, ``hidden_columns`` ranges. ``covered`` are the cells whose value
    lies under a merged range, where nobody sees it: they are not among the rows.
    """

    name: str
    rows: dict[int, dict[int, Cell]] = field(default_factory=dict)
    merged: list[tuple[int, int, int, int]] = field(default_factory=list)  # first row, column, last row, column
    is_hidden: bool = False
    has_1904_dates: bool = False
    title: str = ""  # the name as it stands in the file, with what nobody sees in it
    part: str = ""  # where its XML lies in the file
    spread: int = 0  # cells, filled or not, that merged ranges and links cover
    hidden_rows: set[int] = field(default_factory=set)
    hidden_columns: list[tuple[int, int]] = field(default_factory=list)
    covered: list[tuple[int, int]] = field(default_factory=list)
    hides_zeros: bool = False


def column_letters(column: int) -> str:
    """A column's letters: 28 is AB."""
    letters = ""
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


def text_value(text: str) -> str | ErrorValue:
    """A cell's text as a value, of any kind of file: without controls, and not if it is too long."""
    if len(text) > MAX_CELL_CHARACTERS:
        return ErrorValue(without_controls(text[:60]) + "…", problem=TOO_LONG)
    return without_controls(text)


def _index(text: str, most: int = 10**9) -> int | None:
    """A number that counts something, or None."""
    text = text.strip()
    if 0 < len(text) <= 10 and text.isascii() and text.isdigit() and int(text) <= most:
        return int(text)
    return None


def _is_true(text: str | None) -> bool:
    return text in ("1", "true", "on")


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
        is_sheet = part_key(part.filename).startswith("xl/worksheets/")
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


def part_key(name: str) -> str:
    """A part's name for comparison: its case does not count, and some programs write backslashes."""
    return name.replace("\\", "/").lstrip("/").casefold()


class Package:
    """The parts of an opened workbook, found as a spreadsheet program finds them.

    Raises:
        SheetError: it holds more than a workbook may, or two parts of one name that differ.
    """

    def __init__(self, archive: zipfile.ZipFile) -> None:
        check_parts(archive)
        self.archive = archive
        self.names: dict[str, str] = {}
        for part in archive.infolist():
            key = part_key(part.filename)
            other = self.names.setdefault(key, part.filename)
            if archive.NameToInfo[other].CRC != part.CRC:
                raise SheetError(
                    f"it holds two parts named {part.filename[:80]!r}; open it and save it again as .xlsx"
                )

    def __contains__(self, part: str) -> bool:
        return part_key(part) in self.names

    def info(self, part: str) -> zipfile.ZipInfo:
        """A part's entry in the archive. KeyError: there is none."""
        return self.archive.getinfo(self.names[part_key(part)])

    def read(self, part: str) -> bytes:
        """A part's bytes."""
        return self.archive.read(self.info(part))

    def chunks(self, part: str) -> Iterator[bytes]:
        """A part's bytes, bit by bit."""
        with self.archive.open(self.info(part)) as stream:
            while chunk := stream.read(_CHUNK):
                yield chunk


@lru_cache(maxsize=512)
def _local(name: str) -> str:
    return name.rpartition("}")[2].rpartition(":")[2]


def _check_encoding(part: str, start: bytes) -> None:
    """The parsers know every codec of Python, some of which are no encodings of text."""
    declared = _ENCODING.match(start[:200])
    encoding = declared[1].decode("ascii", "replace") if declared else "utf-8"
    if encoding.casefold() not in _ENCODINGS:
        raise SheetError(
            f"its part {part[:80]!r} is in the encoding {encoding!r}, which no spreadsheet program writes;"
            " open it and save it again as .xlsx"
        )


def _unreadable(part: str, error: Exception) -> SheetError:
    return SheetError(
        f"its part {part[:80]!r} is XML that cannot be read ({str(error)[:80]});"
        " open it and save it again as .xlsx"
    )


def _tree(package: Package, part: str) -> Element:
    if package.info(part).file_size > MAX_TREE_BYTES:
        raise SheetError(f"its part {part[:80]!r} is larger than any spreadsheet program makes it")
    data = package.read(part)
    _check_encoding(part, data)
    try:
        root: Element = fromstring(data, forbid_dtd=True)
    except DefusedXmlException as error:
        raise SheetError(f"its part {part[:80]!r}: {_OWN_TYPE}") from error
    except (ParseError, ValueError, LookupError) as error:
        raise _unreadable(part, error) from error
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


def _relationships(package: Package, part: str) -> dict[str, tuple[str, str]]:
    """Id -> (kind, part) of what a part refers to inside the file. What lies outside is never followed."""
    folder, name = posixpath.split(part)
    path = posixpath.join(folder, "_rels", f"{name}.rels")
    if path not in package:
        return {}
    found = {}
    for relation in _children(_tree(package, path), "Relationship"):
        if _attribute(relation, "TargetMode") == "External":
            continue
        target = _attribute(relation, "Target").replace("\\", "/")
        target = (
            target.lstrip("/") if target.startswith("/") else posixpath.normpath(posixpath.join(folder, target))
        )
        found[_attribute(relation, "Id")] = (posixpath.basename(_attribute(relation, "Type")), target)
    return found


def references(package: Package) -> tuple[set[str], dict[str, str]]:
    """What kinds of parts the parts of a workbook refer to, and each part's name as it is referred to, by key."""
    kinds: set[str] = set()
    names: dict[str, str] = {}
    for key, name in package.names.items():
        if not key.endswith(".rels"):
            continue
        folder, file = posixpath.split(name.replace("\\", "/").lstrip("/"))
        owner = posixpath.join(posixpath.dirname(folder), file[: -len(".rels")])
        for relation in _children(_tree(package, name), "Relationship"):
            kinds.add(posixpath.basename(_attribute(relation, "Type")))
        for _, target in _relationships(package, owner).values():
            names[part_key(target)] = target
            target_folder, target_file = posixpath.split(target)
            own = posixpath.join(target_folder, "_rels", f"{target_file}.rels")
            names[part_key(own)] = own
    return kinds, names


@dataclass(frozen=True, slots=True)
class _Style:
    """What a cell's style says of its value."""

    number_format: str = "General"
    is_struck: bool = False
    is_moment: bool = False


_PLAIN = _Style()


def _styles(package: Package, part: str | None) -> list[_Style]:
    """The cell styles by index."""
    if part is None or part not in package:
        return []
    root = _tree(package, part)
    own = {
        _index(_attribute(item, "numFmtId")): _attribute(item, "formatCode")
        for item in _children(root, "numFmts", "numFmt")
    }
    struck = [
        any(_attribute(strike, "val", "1") not in ("0", "false") for strike in _children(font, "strike"))
        for font in _children(root, "fonts", "font")
    ]
    styles = []
    for style in _children(root, "cellXfs", "xf"):
        number = _index(_attribute(style, "numFmtId", "0"))
        code = own.get(number) or BUILTIN_FORMATS.get(-1 if number is None else number, "General")
        if number in _OWN_CURRENCY:
            code = code.replace('"$"', "").replace("$", "") if "[$" not in code else code
        font = _index(_attribute(style, "fontId", "0"))
        is_struck = font is not None and font < len(struck) and struck[font]
        styles.append(_Style(code, is_struck, is_moment(code)))
    return styles


def unescaped(text: str) -> str:
    """A string cell's text: ``_x000D_`` stands for a character XML cannot hold."""
    if "_x" not in text:
        return text
    return _ESCAPED.sub(lambda m: "" if 0xD800 <= int(m[1], 16) <= 0xDFFF else chr(int(m[1], 16)), text)


# --- the bytes of a part, without what is formatted but empty ----------------------------------------


def empty_tail(package: Package, part: str) -> tuple[int, int] | None:
    """The range of bytes of a sheet's rows after the last one with a value, if it is worth leaving out."""
    last_value = -1
    row_end: int | None = None  # the first end of a row after the last value
    offset, before = 0, b""
    for chunk in package.chunks(part):
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


def slim_chunks(package: Package, part: str) -> Iterator[bytes]:
    """A sheet's XML without its empty tail: still well formed."""
    cut = empty_tail(package, part)
    if cut is None:
        yield from package.chunks(part)
        return
    offset = 0
    for chunk in package.chunks(part):
        if offset < cut[0]:
            yield chunk[: cut[0] - offset]
        if offset + len(chunk) > cut[1]:
            yield chunk[max(0, cut[1] - offset) :]
        offset += len(chunk)


# --- parsing -----------------------------------------------------------------------------------------


_OWN_TYPE = "its XML brings a document type of its own, which no spreadsheet program writes"


def _parse(
    part: str,
    chunks: Iterable[bytes],
    start: Callable[[str, dict[str, str]], None],
    end: Callable[[str], None],
    characters: Callable[[str], None],
) -> None:
    """Read a part through an expat parser that refuses document types, so no entity is ever defined."""
    parser = expat.ParserCreate()
    parser.buffer_text = True

    def refuse(*_: Any) -> None:
        raise SheetError(_OWN_TYPE)

    parser.StartDoctypeDeclHandler = refuse
    parser.EntityDeclHandler = refuse
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = characters
    fed = 0
    try:
        for chunk in chunks:
            if not fed:
                _check_encoding(part, chunk)
            fed += len(chunk)
            parser.Parse(chunk, False)
            if fed - parser.CurrentByteIndex > _MAX_TAG_BYTES:
                raise SheetError(
                    f"its part {part[:80]!r} holds a tag larger than any spreadsheet program makes it"
                )
        parser.Parse(b"", True)
    except SheetError:
        raise
    except (expat.ExpatError, ValueError, LookupError) as error:
        raise _unreadable(part, error) from error


class _TextItem:
    """The text of a shared or inline string as it comes in, run by run: phonetic guides left out."""

    def __init__(self) -> None:
        self.runs: list[Run] = []
        self.length = 0
        self.in_text = self.in_phonetic = self.is_raised = self.is_struck = False

    def clear(self) -> None:
        self.__init__()  # type: ignore[misc]

    def start(self, local: str, attributes: dict[str, str]) -> None:
        if local == "t":
            self.in_text = not self.in_phonetic
            if self.in_text:
                self.runs.append(Run("", self.is_raised, self.is_struck))
        elif local == "rPh":
            self.in_phonetic = True
        elif local == "vertAlign":
            self.is_raised = attributes.get("val") == "superscript"
        elif local == "strike":
            self.is_struck = attributes.get("val", "1") not in ("0", "false")

    def end(self, local: str) -> None:
        if local == "t":
            self.in_text = False
        elif local == "rPh":
            self.in_phonetic = False
        elif local == "r":
            self.is_raised = self.is_struck = False

    def characters(self, data: str) -> None:
        if self.in_text:
            self.length += len(data)
            if self.length <= MAX_CELL_CHARACTERS + _CHUNK:  # a little more, so that it is seen to be too long
                self.runs[-1].text += data

    def value(self) -> tuple[str | ErrorValue, str]:
        """The value, and what was left out of it."""
        for run in self.runs:
            run.text = unescaped(run.text)
        text, note, problem = assembled(self.runs)
        if problem:
            return ErrorValue(without_controls(text[:60]), problem=problem), ""
        return text_value(text), note


_String = str | ErrorValue | tuple[str | ErrorValue, str]  # the last with a note


def _shared_strings(package: Package, part: str | None) -> list[_String]:
    if part is None or part not in package:
        return []
    strings: list[_String] = []
    item = _TextItem()
    total = 0

    def start(name: str, attributes: dict[str, str]) -> None:
        local = _local(name)
        if local == "si":
            item.clear()
        else:
            item.start(local, attributes)

    def end(name: str) -> None:
        nonlocal total
        local = _local(name)
        if local != "si":
            item.end(local)
            return
        value, note = item.value()
        strings.append((value, note) if note else value)
        total += min(item.length, MAX_CELL_CHARACTERS)
        if total > MAX_CHARACTERS:
            raise SheetError(f"its cells hold more than {MAX_CHARACTERS:,} characters")

    _parse(part, package.chunks(part), start, end, item.characters)
    return strings


class _SheetParser:
    """Handlers that fill a Sheet from its XML."""

    def __init__(self, sheet: Sheet, strings: list[_String], styles: list[_Style], budget: int) -> None:
        self.sheet = sheet
        self.strings = strings
        self.styles = {str(index): style for index, style in enumerate(styles)}
        self.budget = budget
        self.row = self.column = self.merged_rows = self.length = self.cell_length = 0
        self.attributes: dict[str, str] = {}
        self.pieces: list[str] = []
        self.item = _TextItem()
        self.has_item = self.has_value = self.is_formula = self.in_value = self.in_data = self.in_cell = False
        self.is_row_hidden = False
        self.seen_ranges: set[tuple[int, int, int, int]] = set()

    def start(self, name: str, attributes: dict[str, str]) -> None:
        local = _local(name)
        if self.in_cell:
            if local == "v":
                self.has_value = self.in_value = True
            elif local == "f":
                self.is_formula = True
            elif local == "is":
                self.has_item = True
                self.item.clear()
            elif self.has_item:
                self.item.start(local, attributes)
        elif local == "c" and self.in_data:
            self.attributes = attributes
            self.pieces = []
            self.cell_length = 0
            self.in_cell = True
            self.has_item = self.has_value = self.is_formula = self.in_value = False
            reference = attributes.get("r")
            if reference:
                self.row, self.column = _position(reference)
            else:
                self.column += 1
                if self.column > MAX_COLUMN:
                    raise SheetError(f"its row {self.row:,} has more columns than a sheet can hold")
        elif local == "row" and self.in_data:
            number = attributes.get("r")
            row = self.row + 1 if number is None else _index(number, MAX_ROW)
            if not row or row > MAX_ROW:
                raise SheetError(f"it has a row {(number or '')[:20]!r}, which no sheet can hold")
            self.row, self.column = row, 0
            height = attributes.get("ht", "")
            self.is_row_hidden = _is_true(attributes.get("hidden")) or height in ("0", "0.0")
        elif local == "sheetData":
            self.in_data = True
        elif local == "col":
            first, last = (
                _index(attributes.get("min", ""), MAX_COLUMN),
                _index(attributes.get("max", ""), MAX_COLUMN),
            )
            is_hidden = _is_true(attributes.get("hidden")) or attributes.get("width") in ("0", "0.0")
            if first and last and is_hidden and len(self.sheet.hidden_columns) < MAX_COLUMN:
                self.sheet.hidden_columns.append((first, last))
        elif local == "sheetView":
            self.sheet.hides_zeros = attributes.get("showZeros") in ("0", "false")
        elif local in ("mergeCell", "hyperlink"):
            self.cover(local, attributes)

    def cover(self, local: str, attributes: dict[str, str]) -> None:
        first, _, last = attributes.get("ref", "").partition(":")
        top, left = _position(first)
        bottom, right = _position(last or first)
        area = (top, left, bottom, right)
        self.sheet.spread += max(0, bottom - top + 1) * max(0, right - left + 1)
        if local == "hyperlink" or area in self.seen_ranges:
            return
        self.seen_ranges.add(area)
        self.sheet.merged.append(area)
        self.merged_rows += bottom - top + 1
        if self.merged_rows > MAX_MERGED_ROWS:
            raise SheetError("its merged cells cover more rows than any sheet has")

    def end(self, name: str) -> None:
        local = _local(name)
        if local == "v":
            self.in_value = False
        elif local == "c" and self.in_cell:
            self.in_cell = False
            if self.has_value or self.has_item or self.is_formula:
                self.finish()
        elif local == "sheetData":
            self.in_data = False
        elif self.in_cell and self.has_item:
            self.item.end(local)

    def characters(self, data: str) -> None:
        if not self.in_cell:
            return
        if self.in_value:
            self.cell_length += len(data)
            if self.cell_length <= MAX_CELL_CHARACTERS + _CHUNK:
                self.pieces.append(data)
        elif self.has_item:
            self.item.characters(data)

    def finish(self) -> None:
        formatted = self.styles.get(self.attributes.get("s", "0"), _PLAIN)
        value, note = self.value(formatted)
        if value == "" or (value is None and not self.is_formula):
            return
        if isinstance(value, str):
            self.length += len(value)
            if self.length > MAX_CHARACTERS:
                raise SheetError(f"its cells hold more than {MAX_CHARACTERS:,} characters")
        if formatted.is_struck:
            note = ALL_STRUCK
        self.budget -= 1
        if self.budget < 0:
            raise SheetError(f"it has more than {MAX_CELLS:,} filled cells")
        row = self.sheet.rows.setdefault(self.row, {})
        if self.column in row:
            place = f"{column_letters(self.column)}{self.row}"
            raise SheetError(f"it holds the cell {place} twice; open it and save it again as .xlsx")
        row[self.column] = Cell(value, formatted.number_format, self.is_formula, note)
        if self.is_row_hidden:
            self.sheet.hidden_rows.add(self.row)

    def value(self, style: _Style) -> tuple[Value, str]:
        """The cell's value, and what was left out of it."""
        kind = self.attributes.get("t", "n")
        if self.has_item and (kind == "inlineStr" or not self.has_value):
            return self.item.value()  # what stands beside it in <v> is a copy for other programs
        text = "".join(self.pieces)
        if kind in ("str", "inlineStr"):
            return (text_value(unescaped(text)) if self.has_value else None), ""
        text = text.strip()
        if not text:
            return None, ""
        if kind == "s":
            number = _index(text)
            if number is None or number >= len(self.strings):
                return ErrorValue("", problem="its text is missing from the file"), ""
            found = self.strings[number]
            return found if isinstance(found, tuple) else (found, "")
        if kind == "b":
            return {"1": True, "true": True, "0": False, "false": False}.get(text, _stray(text)), ""
        if kind == "e":
            return ErrorValue(without_controls(text[:20])), ""
        return (_iso_value(text) if kind == "d" else self.number(text, style)), ""

    def number(self, text: str, style: _Style) -> Value:
        if not _NUMBER.fullmatch(text):
            return _stray(text)
        number: int | float = int(text) if _WHOLE.fullmatch(text) else float(text)
        if number in (float("inf"), float("-inf")):
            return ErrorValue("#NUM!")
        if isinstance(number, float) and number.is_integer() and abs(number) < 1e15:
            number = int(number)
        if style.is_moment:
            return serial_date(number, has_1904_dates=self.sheet.has_1904_dates) or ErrorValue("#####")
        return number

    def uncover(self) -> None:
        """Take what lies under merged ranges out of the rows: only their first cell shows."""
        columns: dict[int, list[int]] = {}
        looks = 0
        for top, left, bottom, right in self.sheet.merged:
            looks += bottom - top
            for number in range(top, bottom + 1):
                row = self.sheet.rows.get(number)
                if not row:
                    continue
                filled = columns.setdefault(number, sorted(row))
                under = filled[bisect_left(filled, left) : bisect_right(filled, right)]
                looks += len(under)
                for column in under:
                    if (number, column) != (top, left) and row.pop(column, None) is not None:
                        self.sheet.covered.append((number, column))
                if not row:
                    del self.sheet.rows[number]
            if looks > _MAX_MERGE_LOOKS:
                raise SheetError(
                    "its merged cells lie over one another; undo the merging and save it again as .xlsx"
                )


def _stray(text: str) -> ErrorValue:
    return ErrorValue(without_controls(text[:40]), problem="what the file holds for it is no value of a cell")


def _iso_value(text: str) -> Value:
    """A moment as the standard's strict edition writes it. An offset stays with it: its day is the written one."""
    try:
        if _MOMENT.fullmatch(text):
            return datetime.fromisoformat(text)
        if _TIME.fullmatch(text):
            return time.fromisoformat(text).replace(tzinfo=None)
    except ValueError:
        return ErrorValue(text[:40], problem="there is no such day or time")
    if text.lstrip("-").startswith("P"):
        return ErrorValue(without_controls(text[:40]), problem="it is a length of time, not a value of its own")
    return _stray(text)


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
        OSError: the disk cannot be read.
    """
    damaged = "it is damaged: not a whole .xlsx file; save it again and hand it in again"
    try:
        with zipfile.ZipFile(path) as archive:
            return _read(Package(archive))
    except SheetError:
        raise
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, KeyError) as error:
        raise SheetError(damaged) from error
    except OSError as error:
        if error.errno not in (None, errno.EINVAL):  # a place before the file's start is the file's fault
            raise
        raise SheetError(damaged) from error
    except Exception as error:  # whatever a file was made to raise is that file's fault, and stops nothing else
        raise SheetError(
            f"it cannot be read ({type(error).__name__}: {str(error)[:80]}); open it and save it again as .xlsx"
        ) from error


def _read(package: Package) -> list[Sheet]:
    root = next((part for kind, part in _relationships(package, "").values() if kind == "officeDocument"), None)
    root = root or "xl/workbook.xml"
    if root.endswith(".bin"):
        raise SheetError("it is a binary workbook (.xlsb); save it as .xlsx")
    if root not in package:
        if "mimetype" in package and b"opendocument" in package.read("mimetype")[:100]:
            raise SheetError("it is an OpenDocument file (.ods); save it as .xlsx")
        raise SheetError("it is a zip file but no workbook; hand in an .xlsx or .csv file")
    workbook = _tree(package, root)
    relations = _relationships(package, root)
    by_kind = dict(relations.values())
    is_1904 = any(_is_true(_attribute(p, "date1904")) for p in _children(workbook, "workbookPr"))
    strings = _shared_strings(package, by_kind.get("sharedStrings"))
    styles = _styles(package, by_kind.get("styles"))
    sheets: list[Sheet] = []
    budget = MAX_CELLS
    for element in _children(workbook, "sheets", "sheet"):
        kind, part = relations.get(_attribute(element, "id"), ("", ""))
        if kind != "worksheet" or part not in package:
            continue  # a chart or a macro sheet
        sheet = Sheet(
            name=without_controls(_attribute(element, "name")),
            title=_attribute(element, "name"),
            is_hidden=_attribute(element, "state", "visible") != "visible",
            has_1904_dates=is_1904,
            part=package.info(part).filename,
        )
        handlers = _SheetParser(sheet, strings, styles, budget)
        _parse(part, slim_chunks(package, part), handlers.start, handlers.end, handlers.characters)
        handlers.uncover()
        budget = handlers.budget
        sheets.append(sheet)
    return sheets
