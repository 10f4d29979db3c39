"""Which columns of a sheet are read as which fields, after saying what is missing, unknown or there twice."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from sources.workbooks.told import Told
from sources.workbooks.words import short
from warehouse.declarations import Severity, TableDeclaration
from warehouse.sheets import (
    Cell,
    Header,
    MatchedTable,
    Records,
    Sheet,
    column_letters,
    header_text,
    nearest_fields,
)

MAX_COLUMN_FINDINGS = 20  # a sheet may have 16,384 columns that nobody declared


@dataclass(frozen=True)
class Layout:
    """Where a table lies in its sheet.

    ``columns`` are those to read, by field. ``width`` is the last column that has a header. ``records`` are those
    of a CSV. ``merged`` has the value of a range merged over rows, for each of its cells. ``ids`` are the fields
    that say which record is meant.
    """

    table: TableDeclaration
    sheet: Sheet
    header: Header
    columns: Mapping[str, int]
    width: int
    records: Records | None
    merged: Mapping[tuple[int, int], Cell]
    ids: frozenset[str]


def laid_out(match: MatchedTable, header: Header, records: Records | None, told: Told) -> Layout:
    """The layout of a table, after telling what is wrong with its columns."""
    sheet, table = match.sheet, match.table
    below = [cells for number, cells in sheet.rows.items() if number > header.row]
    filled = {column for cells in below for column in cells}
    heads = {column: header_text(cell) for column, cell in sheet.rows[header.row].items()}
    heads.update(header.grouped)
    for name, column in header.columns.items():
        if column in heads:
            told.calls(name, short(heads[column]))
    _say_marked(header, heads, told)
    columns = _without_repeated(header, filled, told)
    meant = _meant(header, table)
    _say_missing(header, meant, told)
    seen = {
        *header.columns.values(),
        *header.unknown,
        *(c for others in header.repeated.values() for c in others),
    }
    width = max(seen)
    # Of a CSV, those beyond the last header are said row by row.
    nameless = [column for column in sorted(filled - seen) if not (records and column > width)]
    _say_unknown(header, nameless, meant, told)
    return Layout(
        table=table,
        sheet=sheet,
        header=header,
        columns=columns,
        width=width,
        records=records,
        merged=_merged_values(sheet, header.row),
        ids=frozenset((*table.primary_key, *(name for key in table.foreign_keys for name in key.fields))),
    )


def _say_marked(header: Header, heads: Mapping[int, str], told: Told) -> None:
    for name, column in header.columns.items():
        if column in header.marked:
            told.add(
                "read-as",
                Severity.INFO,
                f"The column {short(heads[column])!r} was read as {told.table.field(name).title!r}.",
                "Nothing to do; without the mark behind the header nobody has to wonder.",
                column_name=name,
            )


def _without_repeated(header: Header, filled: Collection[int], told: Told) -> dict[str, int]:
    """The columns by field; of those that claim one field the only one that is filled in, or none."""
    columns = dict(header.columns)
    for name, others in header.repeated.items():
        declared = told.table.field(name)
        used = [column for column in (columns[name], *others) if column in filled]
        letters = " and ".join(column_letters(column) for column in (columns[name], *others))
        if len(used) <= 1:
            columns[name] = used[0] if used else columns[name]
            severity, outcome = Severity.WARNING, f"column {column_letters(columns[name])} was read"
        elif declared.presence == "mandatory":
            severity, outcome = Severity.CRITICAL, "nobody can tell which one is meant"
        else:
            severity, outcome = Severity.ERROR, "neither was read"
        if severity is not Severity.WARNING:
            del columns[name]
        told.add(
            "duplicate-column",
            severity,
            f"The column {told.names[name]!r} is there more than once ({letters}): {outcome}.",
            "Delete the column that is not meant, or give it another name.",
            column_name=name,
            row_number=header.row,
        )
    return columns


def _missing(header: Header, table: TableDeclaration) -> list[str]:
    return [declared.name for declared in table.fields if declared.name not in header.columns]


def _meant(header: Header, table: TableDeclaration) -> dict[int, list[str]]:
    """The missing fields that an unknown column may be, the likeliest first."""
    missing = _missing(header, table)
    return {
        column: nearest_fields(text, table, missing)
        for column, text in sorted(header.unknown.items())[:MAX_COLUMN_FINDINGS]
        if text
    }


def _say_missing(header: Header, meant: Mapping[int, Sequence[str]], told: Told) -> None:
    for name in _missing(header, told.table):
        declared = told.table.field(name)
        if declared.presence != "mandatory":
            continue
        near = [f"{short(header.unknown[c])!r} ({column_letters(c)})" for c in meant if name in meant[c]]
        told.add(
            "missing-column",
            Severity.CRITICAL,
            f"The column {declared.title!r} is missing.",
            (f"Is it {' or '.join(near)}? Then name it {declared.title!r}. Else add" if near else "Add")
            + f" a column named {declared.title!r}."
            + (f" {declared.help}" if declared.help else ""),
            column_name=name,
        )


def _say_unknown(header: Header, nameless: Sequence[int], meant: Mapping[int, Sequence[str]], told: Told) -> None:
    unknown = {**header.unknown, **dict.fromkeys(nameless, "")}
    for column in sorted(unknown)[:MAX_COLUMN_FINDINGS]:
        letters, text = column_letters(column), unknown[column]
        said = f"The column {short(text)!r} ({letters})" if text else f"Column {letters} has values, no header and"
        told.add(
            "unknown-column",
            Severity.WARNING,
            f"{said} is not declared, so it was not read.",
            "".join(f"Did you mean {told.table.field(name).title!r}? " for name in meant.get(column, ())[:1])
            + "Give it the name of a column of the template if it is one; else leave it or remove it.",
            column_name=text or f"column {letters}",
            row_number=header.row,
            value=text[:200] or None,
        )
    if len(unknown) > MAX_COLUMN_FINDINGS:
        told.add(
            "unknown-column",
            Severity.WARNING,
            f"{len(unknown) - MAX_COLUMN_FINDINGS:,} more columns are not declared and were not read.",
            "Remove the columns to the right that are not needed.",
        )


def _merged_values(sheet: Sheet, below: int) -> dict[tuple[int, int], Cell]:
    """The value of a range merged over rows, for each of its rows; below its first column only.

    A range merged over columns means its first column: its text would be wrong in the next one. Titles and
    headers, which begin at or above row ``below``, have no value for the data.
    """
    values: dict[tuple[int, int], Cell] = {}
    for top, left, bottom, _ in sheet.merged:
        cell = sheet.rows.get(top, {}).get(left)
        if cell is None or bottom == top or top <= below:
            continue
        for row in range(top, min(bottom, top + 10_000) + 1):
            values[row, left] = cell
    return values
