"""One table out of one sheet."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sources.workbooks.cells import typed
from sources.workbooks.columns import Layout, laid_out
from sources.workbooks.evidence import Evidence, evidence_of
from sources.workbooks.hidden import say_hidden
from sources.workbooks.one_cell import OneCell, Row, UnreadableError
from sources.workbooks.rows import Cells, data_rows
from sources.workbooks.told import Told
from sources.workbooks.words import LONGEST_QUOTED, and_more, marks_around, quoted, table_title, title_of
from warehouse.declarations import FieldDeclaration, Severity
from warehouse.findings import shown, shown_key
from warehouse.messages import listed, message, sentences
from warehouse.sheets import Cell, MatchedTable, Records, limits, shown_cell


def read_table(match: MatchedTable, records: Records | None, told: Told) -> list[dict[str, Any]]:
    """The rows of a table, each with where it came from. ``records`` are those of a CSV."""
    table, sheet = match.table, match.sheet
    if match.header is None:
        wanted = [field for field in table.fields if field.presence == "mandatory"] or table.fields
        told.add(
            "missing-header",
            Severity.CRITICAL,
            message(
                "The sheet “{sheet}” has no header row with the columns of “{table}” in its first {rows} rows.",
                sheet=sheet.name,
                table=table_title(table),
                rows=limits.HEADER_ROWS,
            ),
            message(
                "Put a row with the column names above the data: {names}.",
                names=listed([marks_around(title_of(field)) for field in wanted]),
            ),
        )
        return []
    if not match.by_name:
        told.add(
            "sheet-by-header",
            Severity.INFO,
            message(
                "The sheet “{sheet}” was read as “{table}” because of its columns.",
                sheet=sheet.name,
                table=table_title(table),
            ),
            message("Name the sheet “{table}”.", table=table_title(table)),
        )
    layout = laid_out(match, match.header, records, told)
    rows = list(data_rows(layout, told))
    evidence = {
        name: evidence_of(table.field(name), [cells[name][1] for _, cells in rows if name in cells], told)
        for name in layout.columns
    }
    read = [_record(layout, evidence, Row(number, cells), told) for number, cells in rows]
    told.leave_out_echoes()
    told.add_readings()
    say_hidden(layout, [number for number, _ in rows], told)
    return read


def _record(layout: Layout, evidence: Mapping[str, Evidence], row: Row, told: Told) -> dict[str, Any]:
    """A row's values by field; what cannot be read is told and empty."""
    record: dict[str, Any] = {declared.name: None for declared in layout.table.fields}
    start = len(told.findings)
    for name, (_, cell) in row.cells.items():
        declared = layout.table.field(name)
        one = OneCell(declared, cell, row, evidence[name], layout, told)
        try:
            record[name] = typed(one)
        except UnreadableError as error:
            if len(error.meant) > 1:
                told.doubted.add(name)
            told.add(
                error.rule,
                declared.severity,
                message("{heading}: {what}.", heading=told.names[name], what=error.what),
                error.help or one.how_to_write(error.meant),
                row_number=row.number,
                column_name=name,
                value=shown(shown_cell(cell) or None, declared),
            )
    _say_left_out(row.number, row.cells, told)
    record |= row.implied
    key = [record[name] for name in layout.table.primary_key]
    if all(part is not None for part in key):
        told.is_about(row.number, shown_key(key), start)
    return {**record, "_file": told.file, "_sheet": told.sheet, "_row": row.number}


def _to_write(cell: Cell, declared: FieldDeclaration) -> str:
    text = shown_cell(cell)
    if declared.is_withheld or not text or len(text) > LONGEST_QUOTED:
        return ""
    return message("Write {value} if it is.", value=quoted(text))


def _say_left_out(number: int, cells: Cells, told: Told) -> None:
    """Say what of a row's cells was left out in reading, or was struck out and read all the same."""
    notes: dict[str, list[str]] = {}
    for name, (_, cell) in cells.items():
        if cell.note:
            notes.setdefault(cell.note, []).append(name)
    for note, names in notes.items():
        for few in [names] if len(names) > 3 else [[name] for name in names]:  # a whole row is said once
            told.add(
                "left-out",
                Severity.WARNING,
                message(
                    "{headings}: {note}.",
                    headings=and_more([told.names[name] for name in few], len(few)),
                    note=note,
                ),
                sentences(
                    message(
                        "Look whether what was read is what is meant; write remarks into a column of their own."
                    ),
                    _to_write(cells[few[0]][1], told.table.field(few[0])) if len(few) == 1 else "",
                ),
                row_number=number,
                column_name=few[0],
                value=shown(shown_cell(cells[few[0]][1]), told.table.field(few[0])),
            )
