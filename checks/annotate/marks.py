"""Colours and comments in the cells, put on and taken off again."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from openpyxl import Workbook
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE, MergedCell
from openpyxl.comments import Comment
from openpyxl.formatting.formatting import ConditionalFormattingList
from openpyxl.formatting.rule import Rule as FormatRule
from openpyxl.styles import PatternFill
from openpyxl.styles.differential import DifferentialStyle
from openpyxl.worksheet.worksheet import Worksheet

from checks.annotate.places import Place
from warehouse.declarations import Severity
from warehouse.findings import Finding
from warehouse.sheets import TODO_SHEET, column_letters, is_todo_sheet

AUTHOR = "opendistrict"
COMMENT_MARK = "--- opendistrict ---"
MAX_MARKED = 2_000  # cells with a comment
_MARK_FORMULA = f'N("{AUTHOR}")=0'  # always true; by it we know our own conditional formats again

COLOURS: Mapping[Severity, str] = {
    Severity.CRITICAL: "FFE06666",
    Severity.ERROR: "FFF4B6B6",
    Severity.WARNING: "FFFFE599",
    Severity.INFO: "FFCFE2F3",
}


def remove_marks(copy: Workbook) -> None:
    """Take off what an earlier annotation left."""
    for sheet in list(copy.worksheets):
        if is_todo_sheet(sheet.title, sheet.cell(1, 1).value):
            copy.remove(sheet)
            continue
        kept = ConditionalFormattingList()
        for formats in sheet.conditional_formatting:
            for rule in formats.rules:
                if not any(f'"{AUTHOR}"' in str(formula) for formula in rule.formula or []):
                    kept.add(str(formats.sqref), rule)
        sheet.conditional_formatting = kept
        # Not iter_rows(): it makes every cell up to the last one, and that may be XFD1048576.
        for cell in list(sheet._cells.values()):
            if isinstance(cell, MergedCell) or cell.comment is None or COMMENT_MARK not in cell.comment.text:
                continue
            if cell.fill.fill_type == "solid" and cell.fill.fgColor.rgb in COLOURS.values():
                cell.fill = PatternFill()
            before = cell.comment.text.split(COMMENT_MARK)[0].rstrip("\n")
            author = cell.comment.author
            size = (cell.comment.width, cell.comment.height)
            cell.comment = Comment(before, author, size[1], size[0]) if before else None


def mark_cells(pages: Mapping[str, Worksheet], places: Sequence[Place]) -> None:
    """Colour and comment the cells, each by its worst finding. What is only for information is in the list."""
    cells: dict[tuple[str, int, int], list[Finding]] = defaultdict(list)
    for place in places:
        is_wrong = place.finding.severity is not Severity.INFO
        if is_wrong and place.sheet and place.sheet in pages and place.row and place.column:
            cells[place.sheet, place.row, place.column].append(place.finding)
    coloured: dict[tuple[str, Severity], list[str]] = defaultdict(list)
    for number, ((name, row, column), found) in enumerate(cells.items()):
        sheet = pages[name]
        row, column = _visible_cell(sheet, row, column)
        worst = min((finding.severity for finding in found), key=lambda severity: severity.rank)
        coloured[name, worst].append(f"{column_letters(column)}{row}")
        if number < MAX_MARKED:
            cell = sheet.cell(row, column)
            _comment(cell, found)
            if cell.fill.fill_type is None:  # also for programs that pass over conditional formats
                cell.fill = PatternFill(fill_type="solid", fgColor=COLOURS[worst])
    for (name, severity), addresses in coloured.items():
        fill = PatternFill(bgColor=COLOURS[severity], fill_type="solid")
        rule = FormatRule(
            type="expression", formula=[_MARK_FORMULA], dxf=DifferentialStyle(fill=fill), stopIfTrue=False
        )
        for start in range(0, len(addresses), 500):
            pages[name].conditional_formatting.add(" ".join(addresses[start : start + 500]), rule)


def _visible_cell(sheet: Worksheet, row: int, column: int) -> tuple[int, int]:
    """The cell that shows: of a merged range, its first."""
    if isinstance(sheet.cell(row, column), MergedCell):
        for merged in sheet.merged_cells.ranges:
            if merged.min_row <= row <= merged.max_row and merged.min_col <= column <= merged.max_col:
                return merged.min_row, merged.min_col
    return row, column


def _comment(cell: Any, found: Sequence[Finding]) -> None:
    ours = "\n".join(f"{f.severity.value.upper()}: {f.message}\n-> {f.help}" for f in found[:8])
    if len(found) > 8:
        ours += f"\n... and {len(found) - 8} more, see the sheet {TODO_SHEET!r}"
    ours = ILLEGAL_CHARACTERS_RE.sub("", ours)
    before = cell.comment
    if before is not None and COMMENT_MARK in before.text:  # two cells of one merged range
        text = f"{before.text}\n{ours}"
    else:
        text = (
            f"{before.text.rstrip()}\n{COMMENT_MARK}\n{ours}" if before is not None else f"{COMMENT_MARK}\n{ours}"
        )
    lines = sum(1 + len(line) // 48 for line in text.split("\n"))
    cell.comment = Comment(text, before.author if before is not None else AUTHOR, min(400, 24 + 16 * lines), 340)
