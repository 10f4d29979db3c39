"""The workbook with its findings marked, as far as it can be given back."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from checks.annotate.copies import copied_values, empty, loaded
from checks.annotate.losses import LossError, list_alone, reason_not_to_copy
from checks.annotate.marks import mark_cells, remove_marks
from checks.annotate.places import located
from checks.annotate.saving import finished
from checks.annotate.todo_sheet import HOW_TO, HOW_TO_ALONE, write_list
from warehouse.declarations import SourceDeclaration
from warehouse.findings import Finding
from warehouse.home import write_atomically
from warehouse.sheets import Book, SheetError, open_book

MAX_SPREAD = 1_000_000  # cells covered by merged ranges and links: openpyxl makes each of them
_VALUES_ALONE = "Your formats could not be kept in this copy: mend the cells in your own file."


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
        why = reason_not_to_copy(workbook, book)
    places = located(findings, book, declaration)
    if book is not None and not why:
        values_alone = book.kind == "csv" or sum(sheet.spread for sheet in book.sheets) > MAX_SPREAD
        for kept in (Kept.VALUES,) if values_alone else (Kept.ALL, Kept.VALUES):
            note = "" if kept is Kept.ALL or book.kind == "csv" else _VALUES_ALONE
            try:
                copy = loaded(workbook, book) if kept is Kept.ALL else copied_values(book)
                pages = {one.name: page for one, page in zip(book.sheets, copy.worksheets, strict=True)}
                cached = {pages[one.name].title: one for one in book.sheets} if kept is Kept.ALL else {}
                remove_marks(copy)
                mark_cells(pages, places)
                write_list(copy, pages, places, note, workbook.name, HOW_TO)
                data = finished(copy, cached)
            except LossError as error:
                why = list_alone(workbook, [str(error)])
                break
            except Exception:  # whatever openpyxl stumbles over: something can still be given back
                why = f"{workbook.name} could not be copied; this is the list alone."
                continue
            write_atomically(target, data)
            return Annotation(target, Kept.ALL if book.kind == "csv" else kept, note)
    copy = empty()
    write_list(copy, {}, places, why, workbook.name, HOW_TO_ALONE)
    target = target.with_name(f"{target.stem.removesuffix('-annotated')}-to-do.xlsx")
    write_atomically(target, finished(copy, {}))
    return Annotation(target, Kept.NOTHING, why)
