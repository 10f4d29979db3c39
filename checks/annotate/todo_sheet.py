"""The list of what to do, on a sheet of our own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from openpyxl import Workbook
from openpyxl.styles import Alignment, Border, Font, PatternFill, Side
from openpyxl.worksheet.hyperlink import Hyperlink
from openpyxl.worksheet.properties import PageSetupProperties
from openpyxl.worksheet.worksheet import Worksheet

from checks.annotate.copies import set_text
from checks.annotate.marks import AUTHOR, COLOURS
from checks.annotate.places import Place
from warehouse.declarations import Severity
from warehouse.sheets import TODO_MARK, TODO_SHEET, column_letters

MAX_LISTED = 5_000  # more than anyone mends by hand; the last line says how many more there are

MEANINGS: Mapping[Severity, str] = {
    Severity.CRITICAL: "The file is held: the last good one stands in until this is mended.",
    Severity.ERROR: "The row, or the cell where the row can do without it, is held until this is mended.",
    Severity.WARNING: "The row is published. Have a look: it may be right.",
    Severity.INFO: "For your information: nothing to do if it is meant so.",
}
HOW_TO = (
    "Work from the top: the worst comes first. A click on a cell's address takes you there;"
    " its comment says the same as this list.",
    "Mend the cells in your own sheets, save the workbook and hand it in again as it is. This sheet and the"
    " colours are made anew each time, so there is no need to remove them, and notes made here are lost.",
)
HOW_TO_ALONE = (
    "Work from the top: the worst comes first. Mend the cells in your own workbook, save it and hand it in again;"
    " this list is not to be handed in.",
)
COLUMNS = (
    ("Severity", 11),
    ("Sheet", 16),
    ("Cell", 9),
    ("Column", 20),
    ("Value", 26),
    ("What is wrong", 56),
    ("What to do", 56),
)


_WRAP = Alignment(wrap_text=True, vertical="top")


def write_list(
    copy: Workbook,
    pages: Mapping[str, Worksheet],
    places: Sequence[Place],
    note: str,
    name: str,
    how_to: Sequence[str],
) -> None:
    """Put the list in front of a copy.

    Args:
        copy: the workbook that it becomes a sheet of.
        pages: the copy's sheets by their names in the workbook as it was handed in.
        places: the findings, worst first.
        note: what else there is to say, a sentence or nothing.
        name: the workbook's file name.
        how_to: what to do with the list.
    """
    title = TODO_SHEET if TODO_SHEET not in copy.sheetnames else f"{TODO_SHEET} ({AUTHOR})"
    sheet = copy.create_sheet(title, 0)
    copy.active = 0
    for other in copy.worksheets[1:]:  # else they are selected together, and typing goes into both
        other.sheet_view.tabSelected = False
    for column, (_, size) in enumerate(COLUMNS, start=1):
        sheet.column_dimensions[column_letters(column)].width = size
    set_text(sheet.cell(1, 1), f"{TODO_MARK}: {name}")
    sheet.cell(1, 1).font = Font(bold=True, size=14)
    counts = Counter(place.finding.severity for place in places)
    said = ", ".join(f"{counts[severity]:,} {severity.value}" for severity in Severity if counts[severity])
    lines = [f"Findings: {said}." if said else "Nothing to do: no findings.", *([note] if note else []), *how_to]
    _write_lines(sheet, 2, lines)
    _write_meanings(sheet, 2 + len(lines))
    head = 3 + len(lines) + len(Severity)
    _write_head(sheet, head)
    row = head
    for place in places[:MAX_LISTED]:
        row += 1
        _write_place(sheet, row, place, pages)
    if len(places) > MAX_LISTED:
        row += 1
        set_text(sheet.cell(row, 6), f"... and {len(places) - MAX_LISTED:,} more; mend these first.")
    sheet.auto_filter.ref = f"A{head}:{column_letters(len(COLUMNS))}{row}"
    sheet.sheet_properties.tabColor = COLOURS[places[0].finding.severity][2:] if places else "93C47D"
    _set_up_print(sheet, head)


def _write_lines(sheet: Worksheet, row: int, lines: Sequence[str]) -> None:
    for number, line in enumerate(lines, start=row):
        set_text(sheet.cell(number, 1), line)
        sheet.merge_cells(start_row=number, start_column=1, end_row=number, end_column=len(COLUMNS))
        sheet.cell(number, 1).alignment = _WRAP
        sheet.row_dimensions[number].height = 16 * (1 + len(line) // 180)


def _write_meanings(sheet: Worksheet, row: int) -> None:
    for number, severity in enumerate(Severity, start=row):
        cell = sheet.cell(number, 1)
        set_text(cell, severity.value)
        cell.fill = PatternFill(fill_type="solid", fgColor=COLOURS[severity])
        set_text(sheet.cell(number, 2), MEANINGS[severity])


def _write_head(sheet: Worksheet, row: int) -> None:
    line_below = Border(bottom=Side(style="thin"))
    for column, (text, _) in enumerate(COLUMNS, start=1):
        cell = sheet.cell(row, column)
        set_text(cell, text)
        cell.font = Font(bold=True)
        cell.border = line_below


def _write_place(sheet: Worksheet, row: int, place: Place, pages: Mapping[str, Worksheet]) -> None:
    """One finding, with a link to its cell if there is one."""
    finding = place.finding
    texts = (
        finding.severity.value,
        place.sheet or "",
        place.address,
        place.title,
        finding.value or "",
        finding.message,
        finding.help,
    )
    for column, text in enumerate(texts, start=1):
        cell = sheet.cell(row, column)
        if text:
            set_text(cell, text)
        cell.alignment = _WRAP
    sheet.cell(row, 1).fill = PatternFill(fill_type="solid", fgColor=COLOURS[finding.severity])
    if place.row and place.sheet and place.sheet in pages:
        cell = sheet.cell(row, 3)
        quoted = pages[place.sheet].title.replace("'", "''")
        address = f"{column_letters(place.column or 1)}{place.row}"
        cell.hyperlink = Hyperlink(ref=cell.coordinate, location=f"'{quoted}'!{address}")
        cell.font = Font(underline="single", color="FF0563C1")


def _set_up_print(sheet: Worksheet, head: int) -> None:
    sheet.page_setup.orientation = "landscape"
    sheet.page_setup.fitToWidth = 1
    sheet.page_setup.fitToHeight = 0
    sheet.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)
    sheet.print_title_rows = f"{head}:{head}"
