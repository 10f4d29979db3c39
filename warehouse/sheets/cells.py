"""A sheet and its cells, of whatever kind of file."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, time

from warehouse.messages import message
from warehouse.sheets import limits
from warehouse.sheets.number_formats import shown_number, shown_text
from warehouse.text import without_controls

TOO_LONG = message("it is longer than the {most} characters that a cell can hold", most=limits.MAX_CELL_CHARACTERS)


SAVE_AGAIN = message("Open it and save it again as .xlsx.")


class SheetError(ValueError):
    """A file cannot be read as a table: ``why`` in a clause, ``advice`` in a sentence, which may be empty."""

    def __init__(self, why: str, advice: str = "") -> None:
        super().__init__(why, advice)
        self.why = why
        self.advice = advice

    def __str__(self) -> str:
        """Both in one, for a terminal."""
        advice = str(self.advice).rstrip(".")
        return f"{self.why}; {advice[0].lower()}{advice[1:]}" if advice else str(self.why)


@dataclass(frozen=True, slots=True)
class ErrorValue:
    """What stands in a cell instead of a value, e.g. ``#REF!``.

    ``problem`` is set where the spreadsheet shows no error: why what it shows cannot be taken for a value, as a
    clause. ``code`` is then what stands there, cut short.
    """

    code: str
    problem: str = field(default="", kw_only=True)


Value = str | int | float | bool | date | datetime | time | ErrorValue | None


@dataclass(frozen=True, slots=True)
class Cell:
    """A filled cell. ``value`` is None for a formula whose result was never stored.

    ``note`` says what of it was left out in reading, as a clause.
    """

    value: Value
    number_format: str = ""
    is_formula: bool = False
    note: str = ""


@dataclass
class Sheet:
    """A sheet's filled cells by row and column (both from 1), and its merged ranges.

    ``hidden_rows`` are those with a filled cell, ``hidden_columns`` ranges. ``covered`` are the cells whose value
    lies under a merged range, where nobody sees it: they are not among the rows.
    """

    name: str
    rows: dict[int, dict[int, Cell]] = field(default_factory=dict)
    merged: list[tuple[int, int, int, int]] = field(default_factory=list)  # first row, column, last row, column
    is_hidden: bool = False
    has_1904_dates: bool = False
    title: str = ""  # the name as it stands in the file, with what nobody sees in it
    part: str = ""  # where its XML lies in the file
    spread: int = 0  # cells, filled or not, that merged ranges and links cover
    hidden_rows: set[int] = field(default_factory=set)
    hidden_columns: list[tuple[int, int]] = field(default_factory=list)
    covered: list[tuple[int, int]] = field(default_factory=list)
    hides_zeros: bool = False


def column_letters(column: int) -> str:
    """A column's letters: 28 is AB."""
    letters = ""
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


def text_value(text: str) -> str | ErrorValue:
    """A cell's text as a value, of any kind of file: without controls, and not if it is too long."""
    if len(text) > limits.MAX_CELL_CHARACTERS:
        return ErrorValue(without_controls(text[:60]) + "…", problem=TOO_LONG)
    return without_controls(text)


@dataclass(frozen=True, slots=True)
class UndecodedText(ErrorValue):
    """A cell of a text file with bytes that are no text in the file's encoding, each shown as ``\ufffd``.

    ``likely`` is what it would say if these bytes were Windows text (cp1252).
    """

    likely: str


def shown_value(value: Value) -> str:
    """A cell's value as its owner sees it, near enough to find it again."""
    if value is None:
        return ""
    if isinstance(value, ErrorValue):
        return value.code
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time() else value.isoformat(" ", "seconds")
    if isinstance(value, float):
        return repr(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    return str(value)


def shown_cell(cell: Cell) -> str:
    """What a cell shows, its number format included, as far as that can be told."""
    value = cell.value
    if isinstance(value, str):
        return shown_text(value, cell.number_format) or value
    if isinstance(value, int | float) and not isinstance(value, bool):
        return shown_number(value, cell.number_format).text or shown_value(value)
    return shown_value(value)
