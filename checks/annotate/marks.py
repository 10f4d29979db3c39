"""Which cells of a sheet are marked, how, and what their comments say."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from checks.annotate.notes import COMMENT_MARK, Cell
from checks.annotate.places import Place
from checks.annotate.words import block
from warehouse.declarations import Severity
from warehouse.findings import Finding
from warehouse.messages import Language, counted, said_in
from warehouse.sheets import TODO_SHEET, Sheet

_MOST_CHARACTERS = 30_000  # of a comment; a spreadsheet holds 32,767
_MOST_LOOKS = 5_000_000  # at marked cells under merged ranges, which may lie over one another


class Area(NamedTuple):
    """First row and column, last row and column."""

    top: int
    left: int
    bottom: int
    right: int


@dataclass
class SheetMarks:
    """What is to be marked on a sheet: areas by severity, comments by cell."""

    areas: dict[Severity, list[Area]] = field(default_factory=dict)
    comments: dict[Cell, str] = field(default_factory=dict)


def marks_of(sheet: Sheet, places: Sequence[Place], language: Language) -> SheetMarks:
    """The marks of a sheet: each cell by its worst finding. What is only for information is in the list alone."""
    cells: dict[Cell, list[Finding]] = {}
    for place in places:
        if place.finding.severity is not Severity.INFO and place.row and place.column:
            cells.setdefault((place.row, place.column), []).append(place.finding)
    merged = _merged(sheet, cells)
    shown: dict[Area, list[Finding]] = {}
    for cell, found in cells.items():
        shown.setdefault(merged.get(cell, Area(*cell, *cell)), []).extend(found)
    marks = SheetMarks()
    for area, found in shown.items():
        worst = min((finding.severity for finding in found), key=lambda severity: severity.rank)
        marks.areas.setdefault(worst, []).append(area)
        marks.comments[area.top, area.left] = _comment(found, language)
    marks.areas = {
        severity: _joined(marks.areas[severity])
        for severity in sorted(marks.areas, key=lambda severity: severity.rank)
    }
    return marks


def _merged(sheet: Sheet, cells: Iterable[Cell]) -> Mapping[Cell, Area]:
    """The merged ranges in which cells lie: of such a range only the first cell shows."""
    columns: dict[int, list[int]] = {}
    for row, column in sorted(cells):
        columns.setdefault(row, []).append(column)
    rows = list(columns)
    found: dict[Cell, Area] = {}
    looks = 0
    for area in sheet.merged:
        top, left, bottom, right = area
        for row in rows[bisect_left(rows, top) : bisect_right(rows, bottom)]:
            here = columns[row]
            under = here[bisect_left(here, left) : bisect_right(here, right)]
            found.update(((row, column), Area(*area)) for column in under)
            looks += 1 + len(under)
        if looks > _MOST_LOOKS:
            break  # the others are marked where they are
    return found


def _joined(areas: Iterable[Area]) -> list[Area]:
    """Cells that lie below one another as one area."""
    joined: list[Area] = []
    for area in sorted(areas, key=lambda area: (area.left, area.right, area.top)):
        last = joined[-1] if joined else None
        if last and (last.left, last.right) == (area.left, area.right) and last.bottom + 1 == area.top:
            joined[-1] = last._replace(bottom=area.bottom)
        else:
            joined.append(area)
    return joined


def _comment(found: Sequence[Finding], language: Language) -> str:
    pieces = [COMMENT_MARK]
    length = 0
    for number, finding in enumerate(found):
        text = block(finding, language)
        length += len(text)
        if length > _MOST_CHARACTERS:
            left = counted(
                "... and {count} more, see the sheet '{sheet}'",
                "... and {count} more, see the sheet '{sheet}'",
                len(found) - number,
                sheet=TODO_SHEET,
            )
            return "\n".join([*pieces, said_in(left, language)])
        pieces.append(text)
    return "\n".join(pieces)
