"""What was read although nobody sees it, and what was not because it lies under merged cells."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sources.workbooks.columns import Layout
from sources.workbooks.told import Told
from sources.workbooks.words import ranges
from warehouse.declarations import Severity
from warehouse.sheets import column_letters


def say_hidden(layout: Layout, rows: Sequence[int], told: Told) -> None:
    """A warning for each kind of hiding. ``rows`` are the numbers of those that were read."""
    for find in (_sheet, _rows, _columns, _values, _zeros):
        for rule, message, help_text in find(layout, rows, told):
            told.add(rule, Severity.WARNING, message, help_text)


_Said = Iterator[tuple[str, str, str]]  # rule, message, what to do


def _sheet(layout: Layout, rows: Sequence[int], told: Told) -> _Said:
    if layout.sheet.is_hidden:
        yield "hidden-sheet", "The sheet is hidden, and was read.", "Show it, or delete it."


def _rows(layout: Layout, rows: Sequence[int], told: Told) -> _Said:
    hidden = [number for number in rows if number in layout.sheet.hidden_rows]
    if hidden:
        what, is_one = ranges(hidden), len(hidden) == 1
        yield (
            "hidden-rows",
            f"{f'Row {what} is' if is_one else f'Rows {what} are'} hidden, by a filter or by hand, and"
            f" {'was' if is_one else 'were'} read.",
            "Take the filter off or show the rows, and delete those that are not to be published.",
        )


def _columns(layout: Layout, rows: Sequence[int], told: Told) -> _Said:
    hidden = [
        f"{told.names[name]} ({column_letters(column)})"
        for name, column in layout.columns.items()
        if any(first <= column <= last for first, last in layout.sheet.hidden_columns)
    ]
    if hidden:
        yield (
            "hidden-columns",
            f"Hidden columns were read: {', '.join(hidden)}.",
            "Show the columns, and delete those that are not to be published.",
        )


def _values(layout: Layout, rows: Sequence[int], told: Told) -> _Said:
    read, columns = set(rows), set(layout.columns.values())
    covered = sorted(place for place in layout.sheet.covered if place[0] in read and place[1] in columns)
    if covered:
        places = ", ".join(f"{column_letters(column)}{number}" for number, column in covered[:10])
        more = f" and {len(covered) - 10:,} more" if len(covered) > 10 else ""
        yield (
            "hidden-values",
            f"Values under merged cells, which nobody sees, were not read: {places}{more}.",
            "Undo the merging and look which values are meant.",
        )


def _zeros(layout: Layout, rows: Sequence[int], told: Told) -> _Said:
    columns = set(layout.columns.values())
    if layout.sheet.hides_zeros and any(
        cell.value == 0 and cell.value is not False
        for number in rows
        for column, cell in layout.sheet.rows[number].items()
        if column in columns
    ):
        yield (
            "hidden-zeros",
            "The sheet is set not to show zeros; cells that look empty were read as 0.",
            "Let the sheet show zeros, and empty the cells that are meant to be empty.",
        )
