"""A cell as a text: what it shows, in the canonical form of its column."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, time

from sources.workbooks.cell_values import CellValueError, clean_text
from sources.workbooks.one_cell import OneCell, UnreadableError
from sources.workbooks.words import choose_of, code_title
from warehouse import reference
from warehouse.identifiers import CANONICAL, slug
from warehouse.messages import listed, message, sentences
from warehouse.sheets import Cell
from warehouse.sheets.number_formats import shown_number, shown_text


def as_string(one: OneCell) -> str | None:
    """The text, or the code or the identifier that it means; None where it is empty."""
    text = text_of(one.cell)
    limits = one.declared.constraints
    if not text:
        return None
    meant = text
    if limits.code_list is not None:
        meant = _code(one, text, limits.code_list)
        listed = reference.code_lists()[limits.code_list].codes[meant]
        if text in (listed.title, listed.title_fi):  # as the template's drop-down has it
            return meant
    elif limits.check is not None:
        meant = CANONICAL[limits.check](text) or text
    elif (
        limits.pattern is not None
        and one.declared.name in one.layout.ids
        and not re.fullmatch(limits.pattern, text)
    ):
        meant = slug(text) if re.fullmatch(limits.pattern, slug(text)) else text
    if meant != text:
        one.read_as(meant)
    return meant


def _code(one: OneCell, text: str, code_list: str) -> str:
    codes = reference.code_lists()[code_list]
    code = codes.code_of(text)
    if code is None:
        near = [] if one.declared.is_withheld else codes.nearest(text)
        raise UnreadableError(
            message("{value} is not on the list", value=str(one.quote(text))),
            sentences(_nearest(code_list, near), choose_of(code_list, near)),
            rule="code",
        )
    return code


def _nearest(code_list: str, near: Sequence[str]) -> str:
    if not near:
        return ""
    titles = [code_title(code_list, code) for code in near]
    if len(titles) == 1:
        return message("Write {value}, if that is what is meant.", value=titles[0])
    return message("Write {values}, whichever is meant.", values=listed(titles, "or"))


def text_of(cell: Cell) -> str | None:
    """What a cell shows, as a text.

    Raises:
        CellValueError: that cannot be told.
        UnreadableError: a spreadsheet made a date or a time of what looked like one.
    """
    value = cell.value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, date | time):
        raise UnreadableError(
            message("the cell holds a time, where a text belongs: a spreadsheet makes one of what looks like it")
            if isinstance(value, time)
            else message(
                "the cell holds a date, where a text belongs: a spreadsheet makes one of what looks like it"
            ),
            message("Format the cell as text and write again what is meant."),
        )
    text = shown_text(value, cell.number_format) if isinstance(value, str) else ""
    if isinstance(value, int | float):
        if abs(value) >= 1e15:
            raise CellValueError(message("it has more digits than a spreadsheet keeps; write it as text"))
        seen = shown_number(value, cell.number_format).text
        if seen is None:
            raise CellValueError(message("it is a number whose format shows something else; write it as text"))
        text = seen
    if not text and value != "":
        raise CellValueError(message("its number format shows nothing of it"))
    return clean_text(text) or None
