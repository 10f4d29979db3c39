"""Records of a CSV whose length is not the header's: nobody can tell which of their values is whose."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from sources.workbooks.cell_values import clean_text
from sources.workbooks.columns import Layout
from sources.workbooks.record_lengths import Fault, faults
from sources.workbooks.told import Told
from warehouse.declarations import FieldDeclaration, Severity, normalised
from warehouse.findings import WITHHELD, QuarantinedRow, key_text
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


def put_aside(layout: Layout, number: int, fault: Fault, told: Told) -> None:
    """Keep a record of a wrong length as it stood."""
    assert layout.records is not None  # noqa: S101
    cells, wanted = layout.records.lengths[number], layout.records.lengths[layout.header.row]
    if fault is Fault.CUT:
        told.incomplete = f"{told.file} ends within row {number:,}"
    message, help_text = _in_words(fault, cells, wanted)
    key = _key_before(layout, layout.records, number, fault)
    told.add(
        "row-length",
        Severity.ERROR,
        message,
        help_text,
        row_number=number,
        row_key=" | ".join(key.values()) if key else None,
    )
    # A personal value may stand in any column now, and what nobody declared may be personal too.
    is_open = not layout.header.unknown and not any(
        layout.table.field(name).is_withheld for name in layout.header.columns
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


def _in_words(fault: Fault, cells: int, wanted: int) -> tuple[str, str]:
    """What is wrong with a record, and what to do."""
    if fault is Fault.CUT:
        return (
            f"The file ends within this row, after {cells} of {wanted} cells, so rows may be missing.",
            "Export or fetch the file again, and look whether it is whole.",
        )
    if fault in (Fault.FIRST_PIECE, Fault.PIECE):
        return (
            "The row and its neighbours look like one record that a line break within a cell cut in pieces,"
            " so it was not read.",
            "Put the cell with the line break into quotation marks, or hand in an .xlsx file.",
        )
    said = f"The row has {cells} cells under a header of {wanted}"
    if cells == wanted:
        said = "The row has a value beyond the last column with a header"
    return (
        f"{said}, so its values may stand in the wrong columns and it was not read.",
        "Put a cell that holds the delimiter into quotation marks, or hand in an .xlsx file.",
    )


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
