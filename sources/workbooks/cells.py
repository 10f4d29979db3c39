"""A cell's value as the declared type of its column, or why it has none."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sources.workbooks.cell_values import CellValueError, is_ditto, is_error_word, parse_boolean, unscrambled
from sources.workbooks.dates import as_date, as_datetime, as_year
from sources.workbooks.guesses import days_meant, numbers_meant, years_meant
from sources.workbooks.numbers import as_integer, as_number
from sources.workbooks.one_cell import OneCell, UnreadableError
from sources.workbooks.texts import as_string
from sources.workbooks.words import example_of, quoted
from warehouse.declarations import FieldDeclaration
from warehouse.messages import message, sentences
from warehouse.sheets import ErrorValue, UndecodedText, shown_cell


def typed(one: OneCell) -> Any:
    """The cell's value as its field's type.

    Raises:
        UnreadableError: it has none.
    """
    if one.is_over_rows and one.declared.type in ("integer", "number"):
        raise UnreadableError(
            message(
                "one cell over several rows: nobody can tell whether it is the value of each row or of all"
                " together"
            ),
            message("Undo the merging and write each row's own value, such as {value}.", value=_example(one)),
        )
    value = one.value
    if isinstance(value, UndecodedText):
        raise _undecoded(one, value)
    if isinstance(value, ErrorValue):
        raise _error(one, value)
    if isinstance(value, str):
        _check_meant(one, value)
    if value is None:
        raise UnreadableError(
            message("the cell holds a formula whose result was never stored"),
            sentences(
                message("Open the workbook in a spreadsheet program and save it, or write the value itself."),
                one.how_to_write(),
            ),
        )
    try:
        return _CONVERTERS[one.declared.type](one)
    except CellValueError as error:
        text = shown_cell(one.cell)
        if one.declared.is_withheld:  # the reason quotes the value too, and so would a guess
            raise UnreadableError(message("{value} cannot be read", value=str(one.quote(text)))) from error
        raise UnreadableError(
            message("{value} cannot be read: {why}", value=str(one.quote(text)), why=error.why),
            error.help,
            meant=error.meant or _guessed(one.declared, text, error),
        ) from error


def _guessed(declared: FieldDeclaration, text: str, error: CellValueError) -> Sequence[str]:
    """The values that a text may mean, where that may be guessed."""
    if error.meant is None:
        return ()
    match declared.type:
        case "integer" | "number":
            return numbers_meant(text, is_whole=declared.type == "integer")
        case "year":
            return years_meant(text)
        case "date" | "datetime":
            return days_meant(text)
    return ()


def _example(one: OneCell) -> str:
    text = "" if one.declared.is_withheld else shown_cell(one.cell)
    return quoted(text or example_of(one.declared))


def _undecoded(one: OneCell, value: UndecodedText) -> UnreadableError:
    likely = str(one.quote(value.likely))
    return UnreadableError(
        message(
            "{value} holds a character that the file's encoding does not have", value=str(one.quote(value.code))
        ),
        message("Write the text again and save the file as UTF-8 (in Excel: CSV UTF-8).")
        if "\ufffd" in value.likely or one.declared.is_withheld
        else message(
            "Write {value}, if that is what is meant, and save the file as UTF-8 (in Excel: CSV UTF-8).",
            value=likely,
        ),
    )


def _error(one: OneCell, value: ErrorValue) -> UnreadableError:
    if value.problem:
        if not value.code:
            return UnreadableError(value.problem)
        code = str(one.quote(value.code))
        return UnreadableError(message("{value} cannot be read: {why}", value=code, why=value.problem))
    if value.code == "#####":
        return UnreadableError(message("the cell is formatted as a date, but its number is none"))
    what = message("the cell shows the error {code}", code=value.code)
    if not one.cell.is_formula:
        return UnreadableError(what)
    return UnreadableError(
        what, sentences(message("Mend the formula, or replace it by its value."), one.how_to_write())
    )


def _check_meant(one: OneCell, text: str) -> None:
    """Refuse a text that nobody meant to be a value: a broken one, a program's word, a pointer to another row."""
    if "\ufffd" in text:
        raise UnreadableError(
            message("in {value} a character was lost before the file came here", value=str(one.quote(text))),
            sentences(
                message("Write the text again; the mark � stands where a letter was."),
                "" if one.declared.constraints.code_list is None else one.how_to_write(),
            ),
        )
    if before := unscrambled(text):
        raise UnreadableError(
            message("in {value} letters were taken for others", value=str(one.quote(text))),
            message("Write {value}, if that is what is meant.", value=str(one.quote(before))),
        )
    if is_error_word(text):
        raise UnreadableError(
            message(
                "the cell says {value}, which is what a program shows where a value should be", value=quoted(text)
            )
        )
    if is_ditto(text):
        above = "" if one.declared.is_withheld else one.above(is_ditto)
        raise UnreadableError(
            message("{value} points to another row", value=quoted(text)),
            sentences(
                message("Write {value}, as in the row above.", value=quoted(above)) if above else "",
                message("Write the value itself into every row: rows are sorted and taken apart."),
            ),
        )


def _as_boolean(one: OneCell) -> bool:
    return one.value if isinstance(one.value, bool) else parse_boolean(shown_cell(one.cell))


_CONVERTERS: Mapping[str, Callable[[OneCell], Any]] = {
    "string": as_string,
    "integer": as_integer,
    "number": as_number,
    "boolean": _as_boolean,
    "date": as_date,
    "datetime": as_datetime,
    "year": as_year,
}
