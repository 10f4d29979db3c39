"""What the texts of a sheet's XML stand for."""

from __future__ import annotations

import re
from datetime import datetime, time, timedelta

from openpyxl.utils.datetime import CALENDAR_MAC_1904, WINDOWS_EPOCH, from_excel

from warehouse.messages import message
from warehouse.sheets import limits
from warehouse.sheets.cells import SAVE_AGAIN, ErrorValue, SheetError, Value
from warehouse.text import without_controls

_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")
_REFERENCE = re.compile(r"\$?([A-Za-z]{1,3})\$?([0-9]{1,7})")
WHOLE = re.compile(r"-?[0-9]{1,18}")
NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:T[0-9:.,]+(?:Z|[+-][0-9]{2}:?[0-9]{2})?)?")
_TIME = re.compile(r"T?[0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]+)?)?Z?")


def index_of(text: str, most: int = 10**9) -> int | None:
    """A number that counts something, or None."""
    text = text.strip()
    if 0 < len(text) <= 10 and text.isascii() and text.isdigit() and int(text) <= most:
        return int(text)
    return None


def is_true(text: str | None) -> bool:
    """Whether an attribute says yes."""
    return text in ("1", "true", "on")


def position(reference: str) -> tuple[int, int]:
    """Row and column of ``B7``; SheetError for what lies outside a sheet."""
    match = _REFERENCE.fullmatch(reference)
    if match:
        column = 0
        for letter in match[1].upper():
            column = column * 26 + ord(letter) - 64
        row = int(match[2])
        if 1 <= row <= limits.MAX_ROW and 1 <= column <= limits.MAX_COLUMN:
            return row, column
    raise SheetError(
        message("it names a cell that no sheet has (“{reference}”)", reference=reference[:20]), SAVE_AGAIN
    )


def unescaped(text: str) -> str:
    """A string cell's text: ``_x000D_`` stands for a character XML cannot hold."""
    if "_x" not in text:
        return text
    return _ESCAPED.sub(lambda m: "" if 0xD800 <= int(m[1], 16) <= 0xDFFF else chr(int(m[1], 16)), text)


def stray(text: str) -> ErrorValue:
    """What stands in a cell and is no value of its kind."""
    return ErrorValue(
        without_controls(text[:40]), problem=message("what the file holds for it is no value of a cell")
    )


def iso_value(text: str) -> Value:
    """A moment as the standard's strict edition writes it. An offset stays with it: its day is the written one."""
    try:
        if _MOMENT.fullmatch(text):
            return datetime.fromisoformat(text)
        if _TIME.fullmatch(text):
            return time.fromisoformat(text).replace(tzinfo=None)
    except ValueError:
        return ErrorValue(text[:40], problem=message("there is no such day or time"))
    if text.lstrip("-").startswith("P"):
        return ErrorValue(
            without_controls(text[:40]), problem=message("it is a length of time, not a value of its own")
        )
    return stray(text)


def serial_date(number: float, *, has_1904_dates: bool) -> datetime | time | None:
    """The moment a serial number stands for, or None where a spreadsheet shows none."""
    try:
        stamp = from_excel(number, CALENDAR_MAC_1904 if has_1904_dates else WINDOWS_EPOCH)
    except (ValueError, OverflowError):
        return None
    return None if isinstance(stamp, timedelta) or number < 0 else stamp
