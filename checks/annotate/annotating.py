"""The workbook with its findings marked, as far as it can be given back."""

from __future__ import annotations

import enum
import tempfile
import zipfile
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from checks.annotate.blank import part_of, write_blank
from checks.annotate.book import Workbook
from checks.annotate.editing import SurgeryError
from checks.annotate.marks import marks_of
from checks.annotate.notes import Cell, Notes, ShapeNumbers
from checks.annotate.pages import AUTHOR, Page
from checks.annotate.places import Place, located, open_as_told
from checks.annotate.styles import StyleSheet
from checks.annotate.surgery import Surgery
from checks.annotate.todo_sheet import Listing, TodoSheet
from checks.annotate.words import COLOURS, HOW_TO, HOW_TO_ALONE, LINES
from warehouse.declarations import Severity, SourceDeclaration
from warehouse.findings import ROW_LENGTH, Finding
from warehouse.home import beside
from warehouse.messages import Language, counted, message, said_in, sentences
from warehouse.personal import harmless_name
from warehouse.sheets import TODO_SHEET, Book, Sheet, SheetError, is_todo_sheet
from warehouse.sheets.xlsx import Package, part_key

if TYPE_CHECKING:
    from warehouse.lives import Life

_SHEET_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"
MAX_COMMENTED = 30_000  # cells of a workbook with a comment: each is an object that a spreadsheet program draws


class Kept(enum.StrEnum):
    """What of a workbook its annotated copy holds."""

    ALL = "all"  # all that was handed in, with marks
    NOTHING = "nothing"  # the list alone


@dataclass(frozen=True)
class Annotation:
    """What ``annotate`` wrote: where, how much of the workbook it holds, and what is not as it should be.

    ``why`` is why not all is held or marked: sentences, or nothing.
    """

    path: Path
    kept: Kept
    why: str


@dataclass(frozen=True)
class _Task:
    """What is to be done, to whichever file."""

    name: str
    places: Sequence[Place]
    language: Language
    lives: Mapping[str, Life]


def annotate(
    workbook: Path,
    findings: Sequence[Finding],
    target: Path,
    declaration: SourceDeclaration,
    language: Language = Language.ENGLISH,
    lives: Mapping[str, Life] | None = None,
) -> Annotation:
    """Write the workbook with its findings marked. A CSV file becomes a workbook.

    The copy is the file that was handed in, part by part and byte by byte, but for what is added: a first
    sheet with the list, colours and comments. A file that cannot be opened, that is signed or not built as a
    workbook is, gets its list as a file of its own, named ``...-to-do.xlsx`` in the target's folder: so
    nobody takes it for the workbook. The same workbook and findings make the same bytes.

    Args:
        workbook: the file as it was handed in.
        findings: those on this file, in any order.
        target: where the marked copy goes, an ``.xlsx`` file; one with macros is given the suffix ``.xlsm``,
        without which it could not be opened.
        declaration: the source's, to find the tables' columns.
        language: in which its keeper is spoken to.
        lives: of the findings, and of those that are fixed, by their ids.

    Returns:
        What was written.
    """
    book: Book | None = None
    why = ""
    called = harmless_name(workbook.name, 1)  # what we add repeats nobody's personal data
    try:
        book = open_as_told(workbook, declaration.tables)
    except SheetError as error:
        why = message("The file {file} could not be opened: {error}.", file=called, error=error.args[0])
    task = _Task(called, located(findings, book, declaration), language, lives or {})
    target.parent.mkdir(parents=True, exist_ok=True)
    if book is not None and book.kind == "csv" and any(one.rule == ROW_LENGTH for one in findings):
        # In a workbook such a row has a cell in every column: handed in as it is, it would be read.
        why = message(
            "{file} has rows with more or fewer cells than its header, which a workbook would hide. This is the"
            " list alone: mend the rows in your own file.",
            file=called,
        )
        book = None
    if book is not None:
        try:
            return _marked(workbook, book, task, target)
        except SurgeryError as error:
            why = message(
                "{file} cannot be marked, because {reason}. This is the list alone: mend the cells in your own"
                " file.",
                file=called,
                reason=error.reason,
            )
        except Exception:  # whatever a file was made to raise: the list can still be given back
            why = message(
                "{file} has parts that cannot be read, so this is the list alone: mend the cells in your own"
                " file.",
                file=called,
            )
    return _list_alone(task, target, why)


def _list_alone(task: _Task, target: Path, why: str) -> Annotation:
    target = target.with_name(f"{target.stem.removesuffix('-annotated')}-to-do.xlsx")
    with tempfile.TemporaryFile() as blank:
        write_blank(blank, [])
        with zipfile.ZipFile(blank) as archive:
            surgery = Surgery(Package(archive))
            book = Workbook(surgery)
            listing = Listing(task.name, task.places, {}, HOW_TO_ALONE, [why], task.lives, task.language)
            _put_list(surgery, book, StyleSheet(surgery), listing, ())
            _write(surgery, target)
    return Annotation(target, Kept.NOTHING, why)


def _marked(workbook: Path, book: Book, task: _Task, target: Path) -> Annotation:
    """The marked copy of a workbook, or of a workbook with the texts of a CSV file."""
    with tempfile.TemporaryFile() as blank:
        source: BinaryIO | Path = workbook
        if book.kind == "csv":
            for number, sheet in enumerate(book.sheets, start=1):
                sheet.part, sheet.title = part_of(number), sheet.name
            write_blank(blank, book.sheets)
            source = blank
        with zipfile.ZipFile(source) as archive:
            surgery = Surgery(Package(archive))
            whole = Workbook(surgery)
            styles = StyleSheet(surgery)
            ours = {
                part_key(sheet.part) for sheet in book.sheets if is_todo_sheet(sheet.name, _first_value(sheet))
            }
            theirs = [sheet for sheet in book.sheets if part_key(sheet.part) not in ours]
            unsaid = _mark_sheets(surgery, theirs, task, styles)
            _deselect_others(surgery, whole, {part_key(sheet.part) for sheet in book.sheets})
            names = {sheet.name: sheet.title or sheet.name for sheet in theirs}
            listing = Listing(
                task.name, task.places, names, HOW_TO, [unsaid] if unsaid else [], task.lives, task.language
            )
            _put_list(surgery, whole, styles, listing, ours)
            target = target.with_suffix(whole.suffix)
            _write(surgery, target)
    return Annotation(target, Kept.ALL, unsaid)


def _first_value(sheet: Sheet) -> object:
    cell = sheet.rows.get(1, {}).get(1)
    return cell.value if cell else None


def _mark_sheets(surgery: Surgery, sheets: Sequence[Sheet], task: _Task, styles: StyleSheet) -> str:
    """Colour and comment the cells of all sheets. Gives what is to be said of cells without a comment."""
    formats = {severity: styles.mark(COLOURS[severity], *LINES[severity]) for severity in Severity}
    numbers = ShapeNumbers(surgery)
    by_sheet: dict[str, list[Place]] = {}
    for place in task.places:
        by_sheet.setdefault(place.sheet or "", []).append(place)
    threads = others = too_many = 0
    left = MAX_COMMENTED
    for sheet in sheets:
        marks = marks_of(sheet, by_sheet.get(sheet.name, []), task.language)
        page = Page(surgery, _part(sheet))
        page.unmark()
        page.deselect()
        if marks.areas:
            page.mark(marks.areas, formats)
        texts = dict(list(marks.comments.items())[:left])
        left -= len(texts)
        too_many += len(marks.comments) - len(texts)
        of_threads, of_others = _comment(surgery, page, sheet, texts, numbers)
        threads, others = threads + of_threads, others + of_others
        page.finish()
    return _told(threads, others, too_many)


def _part(sheet: Sheet) -> str:
    """Where a sheet lies, in the spelling of the standard."""
    return sheet.part.replace("\\", "/").lstrip("/")


def _comment(
    surgery: Surgery, page: Page, sheet: Sheet, texts: Mapping[Cell, str], numbers: ShapeNumbers
) -> tuple[int, int]:
    """Put comments on a sheet, and our former ones off. Gives how many could not be put: for threads, else."""
    if not texts and not surgery.related(page.part, "comments"):
        return 0, 0
    try:
        notes = Notes(surgery, page, sheet, numbers)
    except SurgeryError:
        return 0, len(texts)
    if not texts and not notes.has_ours:
        return 0, 0
    return len(notes.mark(texts)), 0


def _told(threads: int, others: int, too_many: int) -> str:
    """Which marked cells have no comment, and why: sentences or nothing."""
    return sentences(
        counted(
            "{count} marked cell holds a thread of comments, so what we say of it stands in this list alone.",
            "{count} marked cells hold threads of comments, so what we say of them stands in this list alone.",
            threads,
        )
        if threads
        else "",
        counted(
            "{count} marked cell could not be given a comment without changing those of its sheet.",
            "{count} marked cells could not be given comments without changing those of their sheet.",
            others,
        )
        if others
        else "",
        counted(
            "{count} marked cell has no comment, because there are so many.",
            "{count} marked cells have no comments, because there are so many.",
            too_many,
        )
        if too_many
        else "",
    )


def _deselect_others(surgery: Surgery, book: Workbook, done: Collection[str]) -> None:
    """Take chart sheets and the like out of the sheets that are worked on together."""
    for _, one in book.listed:
        if one is not None and one.target in surgery.package and part_key(one.target) not in done:
            page = Page(surgery, one.target)
            page.deselect()
            page.finish()


def _put_list(
    surgery: Surgery, book: Workbook, styles: StyleSheet, listing: Listing, ours: Collection[str]
) -> None:
    """Put the list before all other sheets; ``ours`` are the parts of former ones."""
    name = _free_name(said_in(TODO_SHEET, listing.language), book.names(ours))
    sheet = TodoSheet(listing, styles, surgery.main)
    part = surgery.free_name("xl/worksheets/sheet{}.xml")
    data = list(sheet.chunks())  # before the styles are written: rows may look in further ways
    surgery.add(part, _SHEET_TYPE, lambda: data)
    book.put_first(name, part, ours, f"${sheet.head}:${sheet.head}")
    styles.finish()


def _free_name(name: str, taken: Collection[str]) -> str:
    names = (name, f"{name} ({AUTHOR})", *(f"{name} ({AUTHOR} {number})" for number in range(2, len(taken) + 3)))
    return next(one for one in names if one.casefold() not in taken)


def _write(surgery: Surgery, target: Path) -> None:
    with beside(target) as unfinished, unfinished.open("wb") as file:
        surgery.write(file)
