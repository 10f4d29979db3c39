"""A cell's value as the declared type of its column, or why it has none."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sources.workbooks.cell_values import CellValueError, is_ditto, is_error_word, parse_boolean, unscrambled
from sources.workbooks.dates import as_date, as_datetime, as_year
from sources.workbooks.numbers import as_integer, as_number
from sources.workbooks.one_cell import OneCell, UnreadableError
from sources.workbooks.texts import as_string
from sources.workbooks.words import quoted
from warehouse.sheets import ErrorValue, UndecodedText, shown_cell


def typed(one: OneCell) -> Any:
    """The cell's value as its field's type.

    Raises:
        UnreadableError: it has none.
    """
    if one.is_over_rows and one.declared.type in ("integer", "number"):
        raise UnreadableError(
            "one cell over several rows: nobody can tell whether it is the value of each row or of all together",
            "Undo the merging and write each row's own value.",
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
            "the cell holds a formula whose result was never stored",
            "Open the workbook in a spreadsheet program and save it, or replace the formula by its value.",
        )
    try:
        return _CONVERTERS[one.declared.type](one)
    except CellValueError as error:
        # Messages quote values, so one that is withheld is not said here either.
        why = "" if one.declared.is_withheld else f": {error}"
        raise UnreadableError(f"{one.quote(shown_cell(one.cell))} cannot be read{why}") from error


def _undecoded(one: OneCell, value: UndecodedText) -> UnreadableError:
    likely = f"If it is {one.quote(value.likely)}, write" if "\ufffd" not in value.likely else "Write"
    return UnreadableError(
        f"{one.quote(value.code)} holds a character that the file's encoding does not have",
        f"{likely} it again and save the file as UTF-8 (in Excel: CSV UTF-8).",
    )


def _error(one: OneCell, value: ErrorValue) -> UnreadableError:
    if value.problem:
        said = f"{one.quote(value.code)} cannot be read: " if value.code else ""
        return UnreadableError(said + value.problem)
    if value.code == "#####":
        return UnreadableError("the cell is formatted as a date, but its number is none")
    return UnreadableError(
        f"the cell shows the error {value.code}",
        "Mend the formula, or replace it by its value." if one.cell.is_formula else "",
    )


def _check_meant(one: OneCell, text: str) -> None:
    """Refuse a text that nobody meant to be a value: a broken one, a program's word, a pointer to another row."""
    if "\ufffd" in text:
        raise UnreadableError(
            f"in {one.quote(text)} a character was lost before the file came here",
            "Write the text again; the mark � stands where a letter was.",
        )
    if before := unscrambled(text):
        raise UnreadableError(
            f"in {one.quote(text)} letters were taken for others",
            f"Did you mean {one.quote(before)}? Write it so.",
        )
    if is_error_word(text):
        raise UnreadableError(
            f"the cell says {quoted(text)}, which is what a program shows where a value should be",
            "Write the value, or leave the cell empty if there is none.",
        )
    if is_ditto(text):
        raise UnreadableError(
            f"{quoted(text)} points to another row",
            "Write the value itself into every row: rows are sorted and taken apart.",
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
