"""Workbooks that were made from a declaration: the marks by which one is known, whatever saved it since.

A template has sheets of its own beside those of its tables. Each begins with a text by which it is known, so it is
never read as data. The last one, hidden, also says of which source and which version the template is, and which
columns it had; a custom property of the file says the same in short, should that sheet be deleted.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from warehouse.sheets.cells import Cell, Sheet
from warehouse.sheets.opening import Book
from warehouse.sheets.xlsx import custom_properties

# What A1 of a template's own sheets begins with.
INSTRUCTIONS_MARKS = ("How to fill in this workbook", "Näin täytät tämän työkirjan")
CODES_MARKS = ("What the codes mean", "Mitä koodit tarkoittavat")
LISTS_MARK = "opendistrict: lists for the drop-downs. Leave this sheet as it is."
PROPERTY = "opendistrict template"
_MARK = re.compile(r"(?P<source>[a-z0-9_]{1,100}) (?P<fingerprint>[0-9a-f]{16}) (?P<language>[a-z]{2})")


@dataclass(frozen=True)
class TemplateMark:
    """Of which source, which version and in which language a template is.

    ``columns`` are those it had, as ``table.field``; None where only the file's property is left.
    """

    source: str
    fingerprint: str
    language: str
    columns: frozenset[str] | None = None

    def __str__(self) -> str:
        return f"{self.source} {self.fingerprint} {self.language}"


def is_template_sheet(first_cell: object) -> bool:
    """Whether a sheet is one of a template's own, which holds no data."""
    return str(first_cell or "").startswith((*INSTRUCTIONS_MARKS, *CODES_MARKS, LISTS_MARK))


def template_mark(book: Book) -> TemplateMark | None:
    """The mark of the template that a workbook was made from; None if it was made from none."""
    if book.kind != "xlsx":
        return None
    for sheet in book.sheets:
        if _text(sheet, 1) == LISTS_MARK and (mark := _parsed(_text(sheet, 2))):
            columns = frozenset(_text(sheet, number) for number in sheet.rows if number > 2)
            return TemplateMark(mark.source, mark.fingerprint, mark.language, columns - {""})
    return _parsed(custom_properties(book.path).get(PROPERTY, ""))


def _text(sheet: Sheet, row: int) -> str:
    return str(sheet.rows.get(row, {}).get(1, Cell("")).value or "")


def _parsed(text: str) -> TemplateMark | None:
    match = _MARK.fullmatch(text)
    return TemplateMark(match["source"], match["fingerprint"], match["language"]) if match else None
