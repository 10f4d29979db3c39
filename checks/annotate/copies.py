"""A workbook's copy as openpyxl holds it: all of it, its values alone, or nothing."""

from __future__ import annotations

import io
import re
import warnings
import zipfile
from datetime import datetime
from pathlib import Path
from typing import Any

from openpyxl import Workbook, load_workbook
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.worksheet.worksheet import Worksheet

from checks.annotate.losses import LossError
from warehouse.sheets import Book, ErrorValue, Value, column_letters
from warehouse.sheets.xlsx import Package, references, slim_chunks

STAMP = (1980, 1, 1, 0, 0, 0)
MADE = datetime(2000, 1, 1)  # where a workbook does not say when it was made
_NO_LOSS = re.compile("no default style")  # of openpyxl's warnings: all others say that something is lost
# The strict edition of the standard has other names for the same things; openpyxl knows the older ones.
_EDITIONS = (
    (
        b"http://purl.oclc.org/ooxml/spreadsheetml/main",
        b"http://schemas.openxmlformats.org/spreadsheetml/2006/main",
    ),
    (
        b"http://purl.oclc.org/ooxml/officeDocument/relationships/extendedProperties",
        b"http://schemas.openxmlformats.org/officeDocument/2006/relationships/extended-properties",
    ),
    (
        b"http://purl.oclc.org/ooxml/officeDocument/relationships/customProperties",
        b"http://schemas.openxmlformats.org/officeDocument/2006/relationships/custom-properties",
    ),
    (
        b"http://purl.oclc.org/ooxml/officeDocument/extendedProperties",
        b"http://schemas.openxmlformats.org/officeDocument/2006/extended-properties",
    ),
    (
        b"http://purl.oclc.org/ooxml/officeDocument/customProperties",
        b"http://schemas.openxmlformats.org/officeDocument/2006/custom-properties",
    ),
    (b"http://purl.oclc.org/ooxml/officeDocument/", b"http://schemas.openxmlformats.org/officeDocument/2006/"),
    (b"http://purl.oclc.org/ooxml/drawingml/", b"http://schemas.openxmlformats.org/drawingml/2006/"),
    (b' conformance="strict"', b""),
)


def empty() -> Workbook:
    """A workbook without a sheet, made at no time."""
    copy = Workbook()
    copy.remove(copy.worksheets[0])
    copy.properties.created = MADE
    return copy


def loaded(path: Path, book: Book) -> Workbook:
    """The workbook with all that openpyxl keeps, without rows that are formatted but empty."""
    packed = io.BytesIO()
    sheets = {sheet.part for sheet in book.sheets}
    with zipfile.ZipFile(path) as archive, zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as slim:
        package = Package(archive)
        core = package.read("docProps/core.xml") if "docProps/core.xml" in package else b""
        _, names = references(package)
        for key, name in package.names.items():
            # openpyxl wants each part spelled as it is referred to.
            spelled = names.get(key, name.replace("\\", "/").lstrip("/"))
            with slim.open(zipfile.ZipInfo(spelled, STAMP), "w", force_zip64=True) as writer:
                if name in sheets:
                    for number, chunk in enumerate(slim_chunks(package, name)):
                        writer.write(chunk if number else _in_the_older_edition(chunk))
                elif key.endswith((".xml", ".rels")):
                    writer.write(_in_the_older_edition(package.read(name)))
                elif not name.endswith(("/", "\\")):
                    writer.write(package.read(name))
    packed.seek(0)
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        copy = load_workbook(packed, rich_text=True)
    if lost := [
        str(one.message)
        for one in warned
        if issubclass(one.category, UserWarning) and not _NO_LOSS.search(str(one.message))
    ]:
        raise LossError(f"what the copy's writer does not know ({lost[0][:100]})")
    _check_whole(copy, book)
    copy.template = False
    if b"created" not in core:
        copy.properties.created = MADE  # openpyxl says today
    return copy


def _in_the_older_edition(xml: bytes) -> bytes:
    if b"http://purl.oclc.org/ooxml/" in xml:
        for strict, transitional in _EDITIONS:
            xml = xml.replace(strict, transitional)
    return xml


def _check_whole(copy: Workbook, book: Book) -> None:
    """That a loaded copy holds every sheet and every value.

    Raises:
        LossError: it does not.
    """
    if [sheet.title for sheet in copy.worksheets] != [sheet.title for sheet in book.sheets]:
        raise LossError("sheets that cannot be read by the copy's writer")
    for sheet, theirs in zip(copy.worksheets, book.sheets, strict=True):
        for number, row in theirs.rows.items():
            for column, cell in row.items():
                ours = sheet._cells.get((number, column))
                is_value = cell.value is not None and not isinstance(cell.value, ErrorValue)
                if is_value and (ours is None or ours.value is None):
                    raise LossError(f"the cell {theirs.name}!{column_letters(column)}{number}")


def copied_values(book: Book) -> Workbook:
    """The values alone, in a new workbook."""
    copy = empty()
    for sheet in book.sheets:
        target = copy.create_sheet(_sheet_name(copy, sheet.name))
        for number, row in sheet.rows.items():
            for column, cell in row.items():
                _write(target, number, column, cell.value, cell.number_format)
        for column in {column for row in sheet.rows.values() for column in row if column <= 200}:
            target.column_dimensions[column_letters(column)].width = 18
    return copy


def _sheet_name(copy: Workbook, wanted: str) -> str:
    name = re.sub(r"[\[\]:*?/\\]", "_", wanted)[:31].strip("'") or "Sheet"
    return name if name not in copy.sheetnames else f"{name[:27]} ({len(copy.sheetnames)})"


def _write(sheet: Worksheet, row: int, column: int, value: Value, number_format: str = "") -> None:
    """Write a value as what it is; text stays text, whatever it begins with."""
    if value is None:
        return
    if isinstance(value, ErrorValue):
        value = value.code
    if isinstance(value, datetime):
        value = value.replace(tzinfo=None)  # a cell has no zone: the day and hour as written
    cell = sheet.cell(row, column)
    if isinstance(value, str):
        set_text(cell, value)
    else:
        cell.value = value
        if number_format and number_format != "General":
            cell.number_format = number_format


def set_text(cell: Any, text: str) -> None:
    """Text into a cell, never a formula: not now, and not when somebody presses Enter on it."""
    text = ILLEGAL_CHARACTERS_RE.sub("", text)[:32_767]
    cell.value = text
    cell.data_type = "s"
    if text[:1] in ("=", "+", "-", "@", "\t", "\r"):
        cell.quotePrefix = True
