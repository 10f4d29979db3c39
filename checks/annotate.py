"""The coordinator's own workbook back, with the wrong cells marked and a list of what to do.

Nothing of theirs is overwritten: cells are coloured by conditional formats, which lie above a cell's own fill
(one without a fill is filled as well) and come off again without a trace; what we say goes below what stands in a
cell's comment already; the list is a sheet of our own. When the workbook comes back mended, our former marks are
removed before new ones are made.
"""

from __future__ import annotations

import enum
import io
import re
import warnings
import zipfile
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from openpyxl import Workbook, load_workbook
from openpyxl.cell.cell import ERROR_CODES, ILLEGAL_CHARACTERS_RE, MergedCell
from openpyxl.comments import Comment
from openpyxl.formatting.formatting import ConditionalFormattingList
from openpyxl.formatting.rule import Rule as FormatRule
from openpyxl.styles import Alignment, Border, Font, PatternFill, Side
from openpyxl.styles.differential import DifferentialStyle
from openpyxl.utils.datetime import to_excel
from openpyxl.worksheet.hyperlink import Hyperlink
from openpyxl.worksheet.properties import PageSetupProperties
from openpyxl.worksheet.worksheet import Worksheet

from warehouse.declarations import Severity, SourceDeclaration, TableDeclaration
from warehouse.findings import Finding
from warehouse.home import write_atomically
from warehouse.sheets import (
    TODO_MARK,
    TODO_SHEET,
    Book,
    ErrorValue,
    Header,
    Sheet,
    SheetError,
    Value,
    column_letters,
    find_header,
    is_todo_sheet,
    match_tables,
    open_book,
    shown_value,
)
from warehouse.sheets.cells import TOO_LONG
from warehouse.sheets.xlsx import Package, references, slim_chunks

AUTHOR = "opendistrict"
COMMENT_MARK = "--- opendistrict ---"
MAX_LISTED = 5_000  # more than anyone mends by hand; the last line says how many more there are
MAX_MARKED = 2_000  # cells with a comment
MAX_COPIED_CELLS = 1_000_000  # beyond this the workbook is not copied, only its list is made
MAX_SPREAD = 1_000_000  # cells covered by merged ranges and links: openpyxl makes each of them
_MARK_FORMULA = f'N("{AUTHOR}")=0'  # always true; by it we know our own conditional formats again
_STAMP = (1980, 1, 1, 0, 0, 0)
_MADE = datetime(2000, 1, 1)  # where a workbook does not say when it was made

COLOURS: Mapping[Severity, str] = {
    Severity.CRITICAL: "FFE06666",
    Severity.ERROR: "FFF4B6B6",
    Severity.WARNING: "FFFFE599",
    Severity.INFO: "FFCFE2F3",
}
MEANINGS: Mapping[Severity, str] = {
    Severity.CRITICAL: "The whole sheet is held: nothing of it is published until this is mended.",
    Severity.ERROR: "The row is held: it is published once this is mended.",
    Severity.WARNING: "The row is published. Have a look: it may be right.",
    Severity.INFO: "For your information: nothing to do if it is meant so.",
}
# What openpyxl reads and writes again (or what nobody misses: a printer's settings, a preview, labels of an office
# system). Every other kind of part is lost in a copy that it writes.
_KEPT = frozenset(
    {
        "officeDocument", "core-properties", "extended-properties", "custom-properties", "thumbnail", "worksheet",
        "styles", "theme", "sharedStrings", "calcChain", "comments", "vmlDrawing", "table", "printerSettings",
        "hyperlink", "externalLink", "externalLinkPath", "xlPathMissing", "customXml", "customXmlProps",
        "classificationlabels", "person",
        # the names of the standard's strict edition
        "extendedProperties", "customProperties",
    }
)  # fmt: skip
_LOST = {
    "drawing": "pictures, charts or shapes",
    "image": "pictures",
    "chart": "charts",
    "chartsheet": "chart sheets",
    "pivotTable": "pivot tables",
    "pivotCacheDefinition": "pivot tables",
    "vbaProject": "macros",
    "xlMacrosheet": "macros",
    "ctrlProp": "form controls",
    "control": "form controls",
    "oleObject": "embedded objects",
    "package": "embedded objects",
    "threadedComment": "threads of comments",
    "slicer": "slicers",
    "slicerCache": "slicers",
    "timeline": "timelines",
    "queryTable": "data connections",
    "connections": "data connections",
    "sheetMetadata": "formulas that fill several cells",
}
_NO_LOSS = re.compile("no default style")  # of openpyxl's warnings: all others say that something is lost
_NOTE_SHAPE = re.compile(rb'ObjectType="(?!Note")')
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
_VALUES_ALONE = "Your formats could not be kept in this copy: mend the cells in your own file."
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


@dataclass(frozen=True)
class _Place:
    """A finding and the cell it is about, as far as there is one."""

    finding: Finding
    sheet: str | None
    row: int | None
    column: int | None
    title: str  # the column as its owner calls it

    @property
    def address(self) -> str:
        if self.row is None:
            return ""
        return f"{column_letters(self.column)}{self.row}" if self.column else f"row {self.row}"


class Kept(enum.StrEnum):
    """What of a workbook its annotated copy holds."""

    ALL = "all"  # the sheets as they were, with marks
    VALUES = "values"  # the values with marks, without formats
    NOTHING = "nothing"  # the list alone


@dataclass(frozen=True)
class Annotation:
    """What ``annotate`` wrote: where, how much of the workbook it holds, and why not all (a sentence)."""

    path: Path
    kept: Kept
    why: str


def annotate(
    workbook: Path, findings: Sequence[Finding], target: Path, declaration: SourceDeclaration
) -> Annotation:
    """Write the workbook with its findings marked. A CSV file becomes a workbook.

    A file that cannot be opened, is too large to be copied, or holds what a copy would lose (pictures, charts,
    pivot tables, macros) gets its list as a file of its own, named ``...-to-do.xlsx`` in the target's folder: so
    nobody takes it for the workbook. The same workbook and findings make the same bytes.

    Args:
        workbook: the file as it was handed in.
        findings: those on this file, in any order.
        target: where the marked copy goes, an ``.xlsx`` file.
        declaration: the source's, to find the tables' columns.

    Returns:
        What was written.
    """
    why = ""
    book: Book | None = None
    try:
        book = open_book(workbook, declaration.tables)
    except SheetError as error:
        why = f"The file {workbook.name} could not be opened: {error}."
    if book is not None:
        why = _reason_not_to_copy(workbook, book)
    places = _located(findings, book, declaration)
    if book is not None and not why:
        values_alone = book.kind == "csv" or sum(sheet.spread for sheet in book.sheets) > MAX_SPREAD
        for kept in (Kept.VALUES,) if values_alone else (Kept.ALL, Kept.VALUES):
            note = "" if kept is Kept.ALL or book.kind == "csv" else _VALUES_ALONE
            try:
                copy = _loaded(workbook, book) if kept is Kept.ALL else _copied(book)
                pages = {one.name: page for one, page in zip(book.sheets, copy.worksheets, strict=True)}
                cached = {pages[one.name].title: one for one in book.sheets} if kept is Kept.ALL else {}
                _remove_marks(copy)
                _mark_cells(pages, places)
                _write_list(copy, pages, places, note, workbook.name, HOW_TO)
                data = _finished(copy, cached)
            except _LossError as error:
                why = _list_alone(workbook, [str(error)])
                break
            except Exception:  # whatever openpyxl stumbles over: something can still be given back
                why = f"{workbook.name} could not be copied; this is the list alone."
                continue
            write_atomically(target, data)
            return Annotation(target, Kept.ALL if book.kind == "csv" else kept, note)
    copy = _empty()
    _write_list(copy, {}, places, why, workbook.name, HOW_TO_ALONE)
    target = target.with_name(f"{target.stem.removesuffix('-annotated')}-to-do.xlsx")
    write_atomically(target, _finished(copy, {}))
    return Annotation(target, Kept.NOTHING, why)


def _reason_not_to_copy(workbook: Path, book: Book) -> str:
    """Why a copy would not be the workbook, or nothing: found out before anything is written."""
    if _is_too_large(book):
        return f"{workbook.name} is too large to be copied; this is the list alone."
    try:
        lost = _lost(workbook) if book.kind == "xlsx" else []
    except Exception:  # parts that reading the values never looked at are broken
        return f"{workbook.name} has parts that cannot be read, so this is the list alone."
    return _list_alone(workbook, lost) if lost else ""


class _LossError(Exception):
    """A copy would not hold what the workbook holds; the message says what, in words for the sentence."""


def _list_alone(workbook: Path, lost: Sequence[str]) -> str:
    return (
        f"{workbook.name} holds {' and '.join(lost)}, which a copy would lose, so this is the list alone: mend the"
        " cells in your own file."
    )


def _is_too_large(book: Book) -> bool:
    cells = [cell for sheet in book.sheets for row in sheet.rows.values() for cell in row.values()]
    return len(cells) > MAX_COPIED_CELLS or any(
        isinstance(cell.value, ErrorValue) and cell.value.problem == TOO_LONG for cell in cells
    )


def _lost(path: Path) -> list[str]:
    """What of a workbook a copy would lose, in words."""
    with zipfile.ZipFile(path) as archive:
        package = Package(archive)
        kinds, _ = references(package)
        shapes = any(
            _NOTE_SHAPE.search(package.read(name)) for key, name in package.names.items() if key.endswith(".vml")
        )
    kinds -= _KEPT
    words = {_LOST.get(kind, f"parts of the kind {kind[:40]!r}") for kind in kinds if kind}
    if "drawing" in kinds:
        words -= {"pictures", "charts"}
    return sorted(words | ({"form controls"} if shapes else set()))


# --- the copy ----------------------------------------------------------------------------------------


def _empty() -> Workbook:
    copy = Workbook()
    copy.remove(copy.worksheets[0])
    copy.properties.created = _MADE
    return copy


def _loaded(path: Path, book: Book) -> Workbook:
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
            with slim.open(zipfile.ZipInfo(spelled, _STAMP), "w", force_zip64=True) as writer:
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
        raise _LossError(f"what the copy's writer does not know ({lost[0][:100]})")
    _check_whole(copy, book)
    copy.template = False
    if b"created" not in core:
        copy.properties.created = _MADE  # openpyxl says today
    return copy


def _in_the_older_edition(xml: bytes) -> bytes:
    if b"http://purl.oclc.org/ooxml/" in xml:
        for strict, transitional in _EDITIONS:
            xml = xml.replace(strict, transitional)
    return xml


def _check_whole(copy: Workbook, book: Book) -> None:
    """That a loaded copy holds every sheet and every value.

    Raises:
        _LossError: it does not.
    """
    if [sheet.title for sheet in copy.worksheets] != [sheet.title for sheet in book.sheets]:
        raise _LossError("sheets that cannot be read by the copy's writer")
    for sheet, theirs in zip(copy.worksheets, book.sheets, strict=True):
        for number, row in theirs.rows.items():
            for column, cell in row.items():
                ours = sheet._cells.get((number, column))
                is_value = cell.value is not None and not isinstance(cell.value, ErrorValue)
                if is_value and (ours is None or ours.value is None):
                    raise _LossError(f"the cell {theirs.name}!{column_letters(column)}{number}")


def _copied(book: Book) -> Workbook:
    """The values alone, in a new workbook."""
    copy = _empty()
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
        _set_text(cell, value)
    else:
        cell.value = value
        if number_format and number_format != "General":
            cell.number_format = number_format


def _set_text(cell: Any, text: str) -> None:
    """Text into a cell, never a formula: not now, and not when somebody presses Enter on it."""
    text = ILLEGAL_CHARACTERS_RE.sub("", text)[:32_767]
    cell.value = text
    cell.data_type = "s"
    if text[:1] in ("=", "+", "-", "@", "\t", "\r"):
        cell.quotePrefix = True


def _remove_marks(copy: Workbook) -> None:
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


# --- where a finding's cell is -----------------------------------------------------------------------


def _located(findings: Iterable[Finding], book: Book | None, declaration: SourceDeclaration) -> list[_Place]:
    """The findings with their cells, worst first, then in the order of the workbook."""
    sheets = {sheet.name: sheet for sheet in book.sheets} if book else {}
    by_table: dict[str, str] = {}
    if book:
        for match in match_tables(book, declaration.tables).tables:
            by_table.setdefault(match.table.name, match.sheet.name)
    tables = {table.name: table for table in declaration.tables}
    headers: dict[tuple[str, str], Header | None] = {}
    places = []
    for finding in findings:
        table = tables.get(finding.table_name or "")
        name = finding.sheet or (by_table.get(table.name) if table else None)
        sheet = sheets.get(name or "")
        if sheet is None or table is None:
            row = finding.row_number if sheet else None
            title = finding.column_name or ""
            places.append(_Place(finding, sheet.name if sheet else finding.sheet, row, None, title))
            continue
        if (sheet.name, table.name) not in headers:
            headers[sheet.name, table.name] = find_header(sheet, table)
        places.append(_place(finding, sheet, table, headers[sheet.name, table.name]))
    order = {name: position for position, name in enumerate(sheets)}
    return sorted(
        places,
        key=lambda place: (
            place.finding.severity.rank,
            order.get(place.sheet or "", -1),
            place.row or 0,
            place.column or 0,
            place.finding.rule,
            place.finding.message,
        ),
    )


def _place(finding: Finding, sheet: Sheet, table: TableDeclaration, header: Header | None) -> _Place:
    row = finding.row_number
    column = None
    if header and finding.column_name:
        column = header.column_of(finding.column_name)
        if column is None and (letters := re.fullmatch(r"column ([A-Z]{1,3})", finding.column_name)):
            column = next((c for c in range(1, 16_385) if column_letters(c) == letters[1]), None)
        if row is None and column is not None:
            row = header.row  # about the column as a whole
    elif header and row is not None:  # about the row as a whole: its key stands for it
        column = next((header.columns[key] for key in table.primary_key if key in header.columns), None)
    title = finding.column_name or ""
    if title and header and column and (head := sheet.rows[header.row].get(column)):
        title = shown_value(head.value)
    elif any(declared.name == title for declared in table.fields):
        title = table.field(title).title
    return _Place(finding, sheet.name, row, column, title)


# --- marks -------------------------------------------------------------------------------------------


def _mark_cells(pages: Mapping[str, Worksheet], places: Sequence[_Place]) -> None:
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


# --- the list ----------------------------------------------------------------------------------------


def _write_list(
    copy: Workbook,
    pages: Mapping[str, Worksheet],
    places: Sequence[_Place],
    note: str,
    name: str,
    how_to: Sequence[str],
) -> None:
    title = TODO_SHEET if TODO_SHEET not in copy.sheetnames else f"{TODO_SHEET} ({AUTHOR})"
    sheet = copy.create_sheet(title, 0)
    copy.active = 0
    for other in copy.worksheets[1:]:  # else they are selected together, and typing goes into both
        other.sheet_view.tabSelected = False
    wrap = Alignment(wrap_text=True, vertical="top")
    width = len(COLUMNS)
    for column, (_, size) in enumerate(COLUMNS, start=1):
        sheet.column_dimensions[column_letters(column)].width = size
    _set_text(sheet.cell(1, 1), f"{TODO_MARK}: {name}")
    sheet.cell(1, 1).font = Font(bold=True, size=14)
    counts = Counter(place.finding.severity for place in places)
    said = ", ".join(f"{counts[severity]:,} {severity.value}" for severity in Severity if counts[severity])
    lines = [f"Findings: {said}." if said else "Nothing to do: no findings.", *([note] if note else []), *how_to]
    row = 2
    for line in lines:
        _set_text(sheet.cell(row, 1), line)
        sheet.merge_cells(start_row=row, start_column=1, end_row=row, end_column=width)
        sheet.cell(row, 1).alignment = wrap
        sheet.row_dimensions[row].height = 16 * (1 + len(line) // 180)
        row += 1
    for severity in Severity:
        cell = sheet.cell(row, 1)
        _set_text(cell, severity.value)
        cell.fill = PatternFill(fill_type="solid", fgColor=COLOURS[severity])
        _set_text(sheet.cell(row, 2), MEANINGS[severity])
        row += 1
    row += 1
    head = row
    line_below = Border(bottom=Side(style="thin"))
    for column, (text, _) in enumerate(COLUMNS, start=1):
        cell = sheet.cell(head, column)
        _set_text(cell, text)
        cell.font = Font(bold=True)
        cell.border = line_below
    for place in places[:MAX_LISTED]:
        row += 1
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
                _set_text(cell, text)
            cell.alignment = wrap
        sheet.cell(row, 1).fill = PatternFill(fill_type="solid", fgColor=COLOURS[finding.severity])
        if place.row and place.sheet and place.sheet in pages:
            cell = sheet.cell(row, 3)
            quoted = pages[place.sheet].title.replace("'", "''")
            address = f"{column_letters(place.column or 1)}{place.row}"
            cell.hyperlink = Hyperlink(ref=cell.coordinate, location=f"'{quoted}'!{address}")
            cell.font = Font(underline="single", color="FF0563C1")
    if len(places) > MAX_LISTED:
        row += 1
        _set_text(sheet.cell(row, 6), f"... and {len(places) - MAX_LISTED:,} more; mend these first.")
    sheet.auto_filter.ref = f"A{head}:{column_letters(width)}{max(row, head)}"
    sheet.sheet_properties.tabColor = COLOURS[places[0].finding.severity][2:] if places else "FF93C47D"[2:]
    sheet.page_setup.orientation = "landscape"
    sheet.page_setup.fitToWidth = 1
    sheet.page_setup.fitToHeight = 0
    sheet.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)
    sheet.print_title_rows = f"{head}:{head}"


# --- the bytes ---------------------------------------------------------------------------------------


def _finished(copy: Workbook, cached: Mapping[str, Sheet]) -> bytes:
    """The saved workbook with the stored results of its formulas and without the time of its making.

    openpyxl writes a formula without its result; whoever reads the copy before a spreadsheet program has
    reckoned it anew would find the cell empty.
    """
    stamp = (copy.properties.created or _MADE).strftime("%Y-%m-%dT%H:%M:%SZ").encode()
    saved = io.BytesIO()
    copy.save(saved)
    parts = {sheet.title: sheet.path.lstrip("/") for sheet in copy.worksheets}
    formulas = {
        parts[name]: results for name, sheet in cached.items() if name in parts and (results := _results(sheet))
    }
    result = io.BytesIO()
    with zipfile.ZipFile(saved) as archive, zipfile.ZipFile(result, "w", zipfile.ZIP_DEFLATED) as target:
        for part in archive.infolist():
            data = archive.read(part)
            if part.filename in formulas:
                data = _with_results(data, formulas[part.filename], copy.epoch)
            elif part.filename == "docProps/core.xml":
                data = re.sub(rb"(<dcterms:modified[^>]*>)[^<]*", rb"\g<1>" + stamp, data)
            info = zipfile.ZipInfo(part.filename, _STAMP)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = 0o600 << 16
            target.writestr(info, data)
    return result.getvalue()


def _results(sheet: Sheet) -> dict[str, Value]:
    """The stored results of a sheet's formulas by cell."""
    return {
        f"{column_letters(column)}{number}": cell.value
        for number, row in sheet.rows.items()
        for column, cell in row.items()
        if cell.is_formula and cell.value is not None
    }


_ERROR_CODES = frozenset(ERROR_CODES)
_FORMULA_CELL = re.compile(
    rb'<c r="([A-Z]+[0-9]+)"((?: s="[0-9]+")?)((?: t="[a-z]+")?)>(<f\b[^>]*(?:/>|>[^<]*</f>))<v ?(?:/>|></v>)</c>'
)


def _with_results(data: bytes, results: Mapping[str, Value], epoch: datetime) -> bytes:
    """A saved sheet with each formula's result beside it."""

    def filled(match: re.Match[bytes]) -> bytes:
        value = results.get(match[1].decode())
        if value is None:
            return match[0]
        if isinstance(value, ErrorValue):
            if value.code not in _ERROR_CODES:
                return match[0]
            kind, text = "e", value.code
        elif isinstance(value, bool):
            kind, text = "b", str(int(value))
        elif isinstance(value, str):
            kind, text = "str", escape(ILLEGAL_CHARACTERS_RE.sub("", value))
        elif isinstance(value, int | float):
            kind, text = "n", repr(value)
        else:
            naive = value.replace(tzinfo=None) if isinstance(value, datetime) else value
            kind, text = "n", repr(to_excel(naive, epoch))
        return b'<c r="%b"%b t="%b">%b<v>%b</v></c>' % (match[1], match[2], kind.encode(), match[4], text.encode())

    return _FORMULA_CELL.sub(filled, data)
