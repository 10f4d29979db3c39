"""Records of a file that breaks the dialect, line by line: each has its fields, or a reason why it has none.

A record is a line; where quotes are open at its end, the lines after it may belong to it, but no more than a few:
a quote that is never closed must not swallow the rest of the register, so such a line is rejected by itself and
reading goes on at the next.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from warehouse.messages import message

MAX_LINE_BYTES = 1 << 20
"""A record of the register has some 500 bytes; the publisher's columns together cannot hold 20,000."""

_JOIN_LINES = 20

# The number once more, in the address that the publisher writes into each row.
_NUMBER_IN_ADDRESS = re.compile(r"/id/company/([0-9A-Za-z]+)")

_MOST_CELLS_OFF = 2  # a row with more cells too many or too few is no row of which anything is certain


@dataclass(frozen=True)
class Record:
    """A record as it was found: its fields, or why there are none.

    ``row`` counts records and blank lines as a spreadsheet would (the header is row 1), ``line`` counts lines.
    ``raw`` is the line of a record without fields. ``is_cut``: the file ends within it.
    """

    row: int
    line: int
    fields: list[str] | None
    reason: str = ""
    raw: bytes = b""
    is_cut: bool = False


def records(file: BinaryIO, width: int) -> Iterator[Record]:
    """The records after the header line, good or bad; blank lines are none, but count as rows."""
    lines = _Lines(file)
    if lines.next() is None:
        return
    row = 1
    while (raw := lines.next()) is not None:
        row += 1
        number = lines.number
        raw = raw.lstrip(b"\r")  # lines ended by a return too many
        if not raw.strip():
            continue
        fields, reason, is_open = _parse(raw, width)
        if is_open:
            fields, reason = _join(raw, lines, width)
        is_last = lines.peek(0) is None
        if is_last and not lines.is_ended and raw[:1] == b'"' != raw[-1:]:
            # Every cell of the register stands in quotes: what the last one held is not known.
            fields, reason = None, message("is not whole")
        # Without its end it is no whole line, and with an open quote to the last line no whole record.
        is_cut = fields is None and is_last and (is_open or not lines.is_ended)
        yield Record(row, number, fields, reason, b"" if fields else raw, is_cut)


class _Lines:
    """A file's lines without their ends, with a way to look ahead."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._ahead: list[bytes] = []
        self.number = 0
        self.is_ended = True  # whether the line read last has an end

    def _read(self) -> bytes:
        """A line with its end; of one that is too long the start, without its end."""
        raw = self._file.readline(MAX_LINE_BYTES + 1)
        rest = raw
        while len(rest) > MAX_LINE_BYTES and not rest.endswith(b"\n"):
            rest = self._file.readline(MAX_LINE_BYTES + 1)
        if rest:  # also of the rest of a long line
            self.is_ended = rest.endswith(b"\n")
        return raw

    def next(self) -> bytes | None:
        """The next line, or None at the end."""
        raw = self._ahead.pop(0) if self._ahead else self._read()
        if not raw:
            return None
        self.number += 1
        return raw.removesuffix(b"\n").removesuffix(b"\r")

    def peek(self, position: int) -> bytes | None:
        """The line that many lines ahead (0: the next), as it stands; None beyond the end."""
        while len(self._ahead) <= position:
            raw = self._read()
            if not raw:
                return None
            self._ahead.append(raw)
        return self._ahead[position]

    def skip(self, count: int) -> None:
        """Leave out lines that were looked at."""
        del self._ahead[:count]
        self.number += count


def _parse(raw: bytes, width: int) -> tuple[list[str] | None, str, bool]:
    """The fields of a line, or why not, and whether a quote is open at its end."""
    if len(raw) > MAX_LINE_BYTES:
        return None, message("is longer than {most} bytes", most=MAX_LINE_BYTES), False
    if b"\0" in raw:
        return None, message("holds a NUL byte"), False
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        return None, message("is not UTF-8 (byte {byte})", byte=error.start + 1), False
    # The register's own form, every field quoted, without the cost of a parser.
    if text[:1] == '"' and text[-1:] == '"':
        fields = text[1:-1].split('","')
        if len(fields) == width and '"' not in "".join(fields):
            return fields, "", False
    try:
        found = next(csv.reader([text], strict=True, skipinitialspace=True), [])
    except csv.Error as error:
        if "limit" in str(error):
            return None, message("has a cell longer than {most} characters", most=csv.field_size_limit()), False
        return (
            None,
            message("has a quote out of place ({error})", error=str(error)),
            "unexpected end" in str(error),
        )
    if len(found) != width:
        return (
            None,
            message("has {found} values where the header has {width}", found=len(found), width=width),
            False,
        )
    return found, "", False


def _join(first: bytes, lines: _Lines, width: int) -> tuple[list[str] | None, str]:
    """A record whose quotes are open at the end of its line, with as many further lines as close them.

    A line break within a cell becomes a space.
    """
    joined = first
    for position in range(_JOIN_LINES):
        raw = lines.peek(position)
        if raw is None:
            break
        joined += b" " + raw.removesuffix(b"\n").removesuffix(b"\r")
        fields, _, is_open = _parse(joined, width)
        if fields is not None:
            lines.skip(position + 1)
            return fields, ""
        if not is_open:
            break
    return None, message("has a quote that is never closed")


def sure_key(raw: bytes, width: int, place: int, pattern: str) -> str | None:
    """The company's number in a line that cannot be read, if it is certain whose line it is.

    There must be just one well-formed number where it can stand: at its place, or moved by as many places as there
    are cells too many or too few. And the address in the row must name the same, and no other.

    Args:
        raw: the line.
        width: how many cells it should have.
        place: the number's place among them, from 0.
        pattern: the form of a number.
    """
    text = raw.decode("utf-8", errors="replace").replace("\0", "\ufffd")
    cells = text.removeprefix('"').removesuffix('"').split('","')  # the register's own form
    if len(cells) != width:
        try:
            cells = min(
                cells, *csv.reader([text], skipinitialspace=True), key=lambda found: abs(len(found) - width)
            )
        except csv.Error:
            return None
    off = len(cells) - width
    if abs(off) > _MOST_CELLS_OFF:
        return None
    near = cells[max(0, place + min(off, 0)) : place + max(off, 0) + 1]
    numbers = {cell for cell in near if re.fullmatch(pattern, cell)}
    named = set(_NUMBER_IN_ADDRESS.findall(text))
    return numbers.pop() if len(numbers) == 1 and named == numbers else None
