"""The length of a CSV's records: a cell too many or too few means that values may stand in the wrong columns."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum

from warehouse.sheets import Records, Sheet

_BLOCK = 16  # rows: Excel leaves off the delimiters of blank last columns block by block (Microsoft KB 77295)
_MOST_PIECES = 50


class Fault(StrEnum):
    """What is wrong with a record's length."""

    LONG = "long"  # cells beyond the header: an unquoted delimiter
    SHORT = "short"  # fewer cells than the header
    FIRST_PIECE = "first piece"  # of a record that an unquoted line break cut in pieces
    PIECE = "piece"  # a further one
    CUT = "cut"  # the last one, in a file that ends within it


def faults(
    records: Records, sheet: Sheet, header: int, named: int, may_begin: Callable[[int], bool]
) -> dict[int, Fault]:
    """The records below the header whose length is wrong, by row.

    A record may be shorter than the header where only trailing blank cells are left off, throughout the file: then
    no record at all ends with one. A single short record among others that do was cut or lost a delimiter.

    Args:
        records: how many cells each record has.
        sheet: the same records' values.
        header: the header's row.
        named: the last column that has a header.
        may_begin: whether a row can be the beginning of a record, or something else than a part of one.
    """
    lengths = {row: length for row, length in records.lengths.items() if row >= header}
    last = {row: max(sheet.rows.get(row, ()), default=0) for row in lengths}
    filled = [row for row in lengths if last[row]]
    found = {row: Fault.LONG for row in filled if lengths[row] > lengths[header] or last[row] > named}
    short = [row for row in filled if lengths[row] < named]
    if not short:
        return found
    is_trimmed = all(last[row] == lengths[row] for row in filled)
    is_cut = records.is_open and short[-1] == filled[-1] and not (is_trimmed and len(short) > 1)
    if not is_cut and not is_trimmed and _is_trimmed_in_blocks(lengths, last):
        return found
    found |= _pieces(lengths, last, named)
    for row in short:
        # A line break in the last cell: what stands behind it is a short record below a whole one.
        before = row - 1
        is_behind = found.get(before) is Fault.PIECE or (
            before not in found and header < before and last[before] == named <= lengths[before]
        )
        if row not in found and is_behind and not may_begin(row):
            found.setdefault(before, Fault.FIRST_PIECE)
            found[row] = Fault.PIECE
    if not is_trimmed:
        found |= {row: Fault.SHORT for row in short if row not in found}
    if is_cut:
        found[short[-1]] = Fault.CUT
    return found


def _is_trimmed_in_blocks(lengths: Mapping[int, int], last: Mapping[int, int]) -> bool:
    blocks: dict[int, set[int]] = {}
    widest: dict[int, int] = {}
    for row, length in lengths.items():
        block = (row - 1) // _BLOCK
        blocks.setdefault(block, set()).add(length)
        widest[block] = max(widest.get(block, 0), last[row])
    return all(found == {widest[block]} for block, found in blocks.items())


def _pieces(lengths: Mapping[int, int], last: Mapping[int, int], named: int) -> dict[int, Fault]:
    """Short records in a row that make one whole record together: its two halves share the cell that was cut."""
    found: dict[int, Fault] = {}
    row, end = min(lengths) + 1, max(lengths)
    while row <= end:
        cells = lengths[row]
        stop = row
        while last[row] and cells < named and stop < min(end, row + _MOST_PIECES):
            stop += 1
            cells += max(1, lengths[stop]) - 1
        if stop > row and cells == named and all(lengths[n] < named for n in range(row, stop + 1)):
            found |= dict.fromkeys(range(row, stop + 1), Fault.PIECE)
            found[row] = Fault.FIRST_PIECE
            row = stop
        row += 1
    return found
