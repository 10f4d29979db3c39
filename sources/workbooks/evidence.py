"""What a column's cells say together of those that can be read in two ways, whatever the order of the rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sources.workbooks.cell_values import date_order_of, decimal_mark_of
from sources.workbooks.told import Told
from warehouse.declarations import FieldDeclaration, Severity
from warehouse.messages import message
from warehouse.sheets import Cell


@dataclass(frozen=True)
class Evidence:
    """What a column shows.

    ``decimal_mark`` and ``date_order`` (of dates with slashes) are what its texts show, None where they show
    nothing or both. ``doubtful_marks`` are those between the parts of dates of which some have the month first
    against all custom. With ``may_be_swapped`` its dates were read by a program that took days for months.
    """

    decimal_mark: str | None = None
    date_order: str | None = None
    doubtful_marks: frozenset[str] = frozenset()
    may_be_swapped: bool = False


def evidence_of(declared: FieldDeclaration, cells: Sequence[Cell], told: Told) -> Evidence:
    """What a column's cells show, after telling of dates that do not agree."""
    texts = [cell.value for cell in cells if isinstance(cell.value, str)]
    if declared.type in ("integer", "number"):
        marks = {decimal_mark_of(text, is_whole=declared.type == "integer") for text in texts} - {None}
        return Evidence(decimal_mark=marks.pop() if len(marks) == 1 else None)
    if declared.type not in ("date", "datetime"):
        return Evidence()
    forms = {form for text in texts if (form := date_order_of(text))}
    doubtful = frozenset(mark for mark, order in forms if (mark, order) in ((".", "mdy"), ("-", "ydm")))
    slashed = {order for mark, order in forms if mark == "/"}
    certain = slashed - {"either"}
    stamps = [cell.value for cell in cells if isinstance(cell.value, date)]
    if slashed and stamps:
        # A program that expects the month first makes a date of "4/5/2016" and leaves "13/5/2016" as text.
        _warn(
            declared,
            message(
                "The column “{heading}” has dates beside texts such as 13/5/2016: perhaps a program took days for"
                " months.",
                heading=told.names[declared.name],
            ),
            told,
        )
        return Evidence(doubtful_marks=doubtful, may_be_swapped=all(stamp.day <= 12 for stamp in stamps))
    if len(certain) == 2 or doubtful:
        _warn(
            declared,
            message(
                "The column “{heading}” has dates with the day first and dates with the month first: perhaps a"
                " program took days for months.",
                heading=told.names[declared.name],
            ),
            told,
        )
    return Evidence(date_order=certain.pop() if len(certain) == 1 else None, doubtful_marks=doubtful)


def _warn(declared: FieldDeclaration, what: str, told: Told) -> None:
    told.add(
        "mixed-dates",
        Severity.WARNING,
        what,
        message("Look whether each date is the one that is meant, and write all of them as 2016-05-13."),
        column_name=declared.name,
    )
