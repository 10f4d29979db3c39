"""What was read although nobody sees it, and what was not because it lies under merged cells."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sources.workbooks.columns import Layout
from sources.workbooks.told import Told
from sources.workbooks.words import and_more, ranges
from warehouse.declarations import Severity
from warehouse.messages import counted, message
from warehouse.sheets import column_letters


def say_hidden(layout: Layout, rows: Sequence[int], told: Told) -> None:
    """A warning for each kind of hiding. ``rows`` are the numbers of those that were read."""
    for find in (_sheet, _rows, _columns, _values, _zeros):
        for rule, what, help_text in find(layout, rows, told):
            told.add(rule, Severity.WARNING, what, help_text)


_Said = Iterator[tuple[str, str, str]]  # rule, message, what to do


def _sheet(layout: Layout, rows: Sequence[int], told: Told) -> _Said:
    if layout.sheet.is_hidden:
        yield (
            "hidden-sheet",
            message("The sheet is hidden, and was read."),
            message("Show the sheet, or delete it."),
        )


def _rows(layout: Layout, rows: Sequence[int], told: Told) -> _Said:
    hidden = [number for number in rows if number in layout.sheet.hidden_rows]
    if hidden:
        yield (
            "hidden-rows",
            counted(
                "Row {rows} is hidden, by a filter or by hand, and was read.",
                "Rows {rows} are hidden, by a filter or by hand, and were read.",
                count=len(hidden),
                rows=ranges(hidden),
            ),
            message("Take the filter off or show the rows, and delete those that are not to be published."),
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
            message("Hidden columns were read: {columns}.", columns=", ".join(hidden)),
            message("Show the columns, and delete those that are not to be published."),
        )


def _values(layout: Layout, rows: Sequence[int], told: Told) -> _Said:
    read, columns = set(rows), set(layout.columns.values())
    covered = sorted(place for place in layout.sheet.covered if place[0] in read and place[1] in columns)
    if covered:
        places = and_more([f"{column_letters(column)}{number}" for number, column in covered], 10)
        yield (
            "hidden-values",
            message("Values under merged cells, which nobody sees, were not read: {places}.", places=places),
            message("Undo the merging and look which values are meant."),
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
            message("The sheet is set not to show zeros; cells that look empty were read as 0."),
            message("Let the sheet show zeros, and empty the cells that are meant to be empty."),
        )
