"""Which rows of a sheet are records."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from sources.workbooks.cell_values import clean_text, is_blank
from sources.workbooks.columns import Layout
from sources.workbooks.misfits import has_total, is_total, misfits, put_aside, say_most
from sources.workbooks.record_lengths import Fault
from sources.workbooks.told import Told
from warehouse.declarations import Severity, normalised
from warehouse.findings import shown_key
from warehouse.messages import message
from warehouse.sheets import Cell, shown_value

FEW = 5  # records of a wrong length: so many are each a cause of its own
SPARSE = 3  # a row without a key and with fewer filled cells than this is a note, not a record

Cells = Mapping[str, tuple[int, Cell]]  # by field: the column and the cell


def data_rows(layout: Layout, told: Told) -> Iterator[tuple[int, Cells]]:
    """Number and filled cells of the rows that are records, after telling of those that are not."""
    heads = layout.sheet.rows[layout.header.row]
    titles = {
        name: normalised(shown_value(heads[column].value))
        for name, column in layout.columns.items()
        if column in heads
    }
    wrong = misfits(layout)
    is_said = not _are_most(layout, wrong, told)
    for number in sorted(number for number in layout.sheet.rows if number > layout.header.row):
        if wrong.get(number, Fault.SHORT) is not Fault.SHORT and not has_total(layout.sheet.rows[number]):
            put_aside(layout, number, wrong[number], told, is_said=is_said)
            continue
        own = _own_cells(layout, number)
        filled = _with_merged(layout, number, own)
        if not own or _is_header_again(filled, titles):
            continue
        if reason := _reason_to_skip(layout, own, filled):
            told.add(
                "skipped-row",
                Severity.INFO,
                reason,
                message(
                    "If it is one, fill in “{heading}” and the other cells; else leave it, or delete the row.",
                    heading=told.names[layout.table.primary_key[0]],
                ),
                row_number=number,
                row_key=key_of(layout, filled),
            )
        elif number in wrong:
            put_aside(layout, number, wrong[number], told, is_said=is_said)
        else:
            yield number, filled


def _are_most(layout: Layout, wrong: Mapping[int, Fault], told: Told) -> bool:
    """Whether most records have a wrong length, which is one cause; told here."""
    rows = sum(number > layout.header.row for number in layout.sheet.rows)
    if len(wrong) < FEW or 2 * len(wrong) <= rows:
        return False
    say_most(len(wrong), rows, told)
    return True


def key_of(layout: Layout, filled: Cells) -> str | None:
    """The key of a row that is no record, as its findings show it, where texts alone make it."""
    parts = []
    for name in layout.table.primary_key:
        value = filled[name][1].value if name in filled else None
        if not isinstance(value, str) or layout.table.field(name).type != "string":
            return None
        parts.append(clean_text(value))
    return shown_key(parts)


def _own_cells(layout: Layout, number: int) -> Cells:
    row = layout.sheet.rows[number]
    return {
        name: (column, cell)
        for name, column in layout.columns.items()
        if (cell := row.get(column)) is not None
        if not (isinstance(cell.value, str) and is_blank(cell.value))
    }


def _with_merged(layout: Layout, number: int, own: Cells) -> Cells:
    return {
        **own,
        **{
            name: (column, layout.merged[number, column])
            for name, column in layout.columns.items()
            if name not in own and (number, column) in layout.merged
        },
    }


def _is_header_again(filled: Cells, titles: Mapping[str, str]) -> bool:
    """Whether a row is the header once more, as on a printed page."""
    return all(titles.get(name) == normalised(shown_value(cell.value)) for name, (_, cell) in filled.items())


def _reason_to_skip(layout: Layout, own: Cells, filled: Cells) -> str:
    """Why a row is not a record, or nothing."""
    key = set(layout.table.primary_key)
    first = min(filled.values(), key=lambda item: item[0])[1]
    keys = [cell for name, (_, cell) in filled.items() if name in key]
    if any(is_total(cell) for cell in (first, *keys)) and all(is_total(cell) for cell in keys):
        return message("The row was not read: it is a row of totals, not a record.")
    if not keys and len(own) < min(SPARSE, max(1, len(layout.columns) // 2)):
        return message(
            "The row was not read: it has no key and next to nothing in it, so it is a note, not a record."
        )
    if keys and not set(filled) - key and len(layout.table.fields) > len(key):
        return message("The row was not read: only its key is filled in, so it is not a record yet.")
    return ""
