"""The bytes of a sheet, without what is formatted but empty."""

from __future__ import annotations

import re
from collections.abc import Iterator

from warehouse.sheets import limits
from warehouse.sheets.xlsx.package import Package

# What may follow in the name of a start or end tag of a value, a formula or an inline string. A false hit costs
# time, never a row.
_VALUE_MARKS = (b"v>", b"v ", b"f>", b"f ", b"f/", b"is>", b"is ")
_SHEET_DATA_END = re.compile(rb"</(?:[\w.-]+:)?sheetData")
_ROW_END = re.compile(rb"</(?:[\w.-]+:)?row\s*>")
_OVERLAP = 128  # longer than any tag looked for, so that none is missed between two chunks


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
            return (row_end, stop) if row_end is not None and stop - row_end > limits.MEGABYTE else None
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
