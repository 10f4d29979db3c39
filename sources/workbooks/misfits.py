"""Records of a CSV whose length is not the header's: nobody can tell which of their values is whose."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence

from sources.workbooks.cell_values import clean_text
from sources.workbooks.columns import Layout
from sources.workbooks.record_lengths import Fault, faults
from sources.workbooks.renamed import could_be
from sources.workbooks.told import Told
from sources.workbooks.words import quoted
from warehouse.declarations import FieldDeclaration, Severity, normalised
from warehouse.findings import ROW_LENGTH, WITHHELD, QuarantinedRow, key_text
from warehouse.messages import counted, message, sentences
from warehouse.sheets import Cell, Records, shown_value

_TOTALS = frozenset(
    normalised(word)
    for word in (
        "total", "totals", "grand total", "subtotal", "sum", "in total", "average", "mean",
        "yhteensä", "summa", "kaikki yhteensä", "välisumma", "keskiarvo",
    )
)  # fmt: skip


def is_total(cell: Cell) -> bool:
    """Whether a cell says that its row holds totals."""
    return isinstance(cell.value, str) and normalised(cell.value) in _TOTALS


def has_total(row: Mapping[int, Cell]) -> bool:
    """Whether any cell of a row says so."""
    return any(is_total(cell) for cell in row.values())


def misfits(layout: Layout) -> dict[int, Fault]:
    """The records whose length is wrong, by row; none in a workbook."""
    records = layout.records
    if not records:
        return {}

    def may_begin(number: int) -> bool:
        return _may_begin(layout, records, number)

    return faults(records, layout.sheet, layout.header.row, layout.width, may_begin)


def _may_begin(layout: Layout, records: Records, number: int) -> bool:
    """Whether a row can be the beginning of a record, or a total; a single cell is none."""
    row = layout.sheet.rows[number]
    if records.lengths[number] == 1 or has_total(row):
        return has_total(row)
    for name in layout.table.primary_key:
        pattern = layout.table.field(name).constraints.pattern
        cell = row.get(layout.header.columns.get(name, 0))
        if pattern and cell and not re.fullmatch(pattern, clean_text(shown_value(cell.value))):
            return False
    return True


def put_aside(layout: Layout, number: int, fault: Fault, told: Told, *, is_said: bool = True) -> None:
    """Keep a record of a wrong length as it stood; ``is_said``: with a finding of its own."""
    assert layout.records is not None  # noqa: S101
    cells, wanted = layout.records.lengths[number], layout.records.lengths[layout.header.row]
    if fault is Fault.CUT:
        told.incomplete = message("{file} ends within row {row}", file=told.file, row=number)
    key = _key_before(layout, layout.records, number, fault)
    # A personal value may stand in any column now, and what nobody declared may be personal too.
    is_open = not layout.header.unknown and not any(
        layout.table.field(name).is_withheld for name in layout.header.columns
    )
    if is_said:
        what, advice = _in_words(fault, cells, wanted, layout.records.delimiter)
        together = _belong_together(layout, number) if is_open and fault is Fault.LONG else ""
        told.add(
            ROW_LENGTH,
            Severity.ERROR,
            what,
            sentences(
                message("Put {value} into quotation marks, if that is one cell.", value=quoted(together))
                if together
                else "",
                advice,
            ),
            row_number=number,
            row_key=" | ".join(key.values()) if key else None,
        )
    values = {column: shown_value(cell.value) for column, cell in layout.sheet.rows[number].items()}
    record = [values.get(column, "") for column in range(1, cells + 1)] if is_open else [WITHHELD] * cells
    told.quarantined.append(
        QuarantinedRow(
            layout.table.name,
            told.file,
            told.sheet,
            number,
            json.dumps(record, ensure_ascii=False),
            key_text(key) if key else None,
        )
    )


def say_most(count: int, of: int, told: Told) -> None:
    """One finding where most records have a wrong length: the file was not written as it was read."""
    told.add(
        ROW_LENGTH,
        Severity.CRITICAL,
        message(
            "{count} of {rows} rows have more or fewer cells than the header, so the file was not taken apart as"
            " it was meant.",
            count=count,
            rows=of,
        ),
        message(
            "Write the file again, with quotation marks around every cell that holds the delimiter, or hand in an"
            " .xlsx file."
        ),
    )


def _belong_together(layout: Layout, number: int) -> str:
    """Of a record with cells too many, the neighbours that make all fit when taken as one; empty if unsure."""
    assert layout.records is not None  # noqa: S101
    values = {column: clean_text(shown_value(cell.value)) for column, cell in layout.sheet.rows[number].items()}
    cells = [values.get(column, "") for column in range(1, layout.records.lengths[number] + 1)]
    more = len(cells) - layout.width
    if more < 1:
        return ""
    found = []
    for start in range(layout.width):
        piece = layout.records.delimiter.join(cells[start : start + more + 1])
        if _all_fit(layout, [*cells[:start], piece, *cells[start + more + 1 :]]):
            found.append(piece)
    return found[0] if len(found) == 1 else ""


def _all_fit(layout: Layout, cells: Sequence[str]) -> bool:
    """Whether each cell could be a value of its column."""
    return all(
        could_be(cells[column - 1], layout.table.field(name)) if cells[column - 1] else name not in layout.ids
        for name, column in layout.columns.items()
    )


def _in_words(fault: Fault, cells: int, wanted: int, delimiter: str) -> tuple[str, str]:
    """What is wrong with a record, and what to do."""
    if fault is Fault.CUT:
        return (
            message(
                "The file ends within this row, after {cells} of {wanted} cells, so rows may be missing.",
                cells=cells,
                wanted=wanted,
            ),
            message("Export or fetch the file again, and look whether it is whole."),
        )
    if fault in (Fault.FIRST_PIECE, Fault.PIECE):
        return (
            message(
                "The row and its neighbours look like one record that a line break within a cell cut in pieces,"
                " so it was not read."
            ),
            message("Put the cell with the line break into quotation marks, or hand in an .xlsx file."),
        )
    if cells == wanted:
        return (
            message(
                "The row has a value beyond the last column with a header, so its values may stand in the wrong"
                " columns and it was not read."
            ),
            message("Delete the value that has no header above it, or write a header there."),
        )
    what = message(
        "The row has {cells} cells under a header of {wanted}, so its values may stand in the wrong columns and it"
        " was not read.",
        cells=cells,
        wanted=wanted,
    )
    if fault is Fault.SHORT:
        return what, counted(
            "Add the cell that is missing, with its {delimiter}; an empty one needs it too.",
            "Add the {count} cells that are missing, each with its {delimiter}; an empty one needs it too.",
            count=wanted - cells,
            delimiter=quoted(delimiter) if delimiter.strip() else message("tab"),
        )
    return what, message("Put a cell that holds the delimiter into quotation marks, or hand in an .xlsx file.")


def _key_before(layout: Layout, records: Records, number: int, fault: Fault) -> dict[str, str] | None:
    """The primary key of a record of a wrong length, where no missing or added cell can have moved it.

    Its columns must be the first ones. In a record that was cut off behind them they are what they are. In one
    with a cell too many they are if each has a form that it had not together with the cell behind it.
    """
    names = layout.table.primary_key
    columns = [layout.header.columns.get(name, 0) for name in names]
    if sorted(columns) != list(range(1, len(columns) + 1)) or fault in (Fault.PIECE, Fault.SHORT):
        return None
    if records.lengths[number] <= len(columns):
        return None
    row = layout.sheet.rows[number]
    key = {}
    for name, column in zip(names, columns, strict=True):
        after = row.get(column + 1)
        tail = f"{records.delimiter}{shown_value(after.value) if after else ''}"
        text = _unmistakable(layout.table.field(name), row.get(column), tail)
        if text is None:
            return None
        key[name] = text
    return key


def _unmistakable(declared: FieldDeclaration, cell: Cell | None, tail: str) -> str | None:
    """A cell's text if it has its column's form by itself, and had it not together with what stands behind it."""
    if declared.type != "string" or cell is None or not isinstance(cell.value, str):
        return None
    pattern, text = declared.constraints.pattern, clean_text(cell.value)
    if pattern is None or not re.fullmatch(pattern, text) or re.fullmatch(pattern, f"{text}{tail}"):
        return None
    return text
