"""Which columns of a sheet are read as which fields, after saying what is missing, unknown or there twice."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from sources.workbooks.renamed import Renamed, renamed_columns
from sources.workbooks.told import Told
from sources.workbooks.words import marks_around, short, title_of
from warehouse.declarations import Severity, TableDeclaration
from warehouse.messages import counted, in_languages, listed, message, sentences
from warehouse.sheets import (
    Cell,
    Header,
    MatchedTable,
    Records,
    Sheet,
    column_letters,
    header_text,
    shown_value,
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
    columns = _without_repeated(match, header, filled, told)
    missing = [declared.name for declared in table.fields if declared.name not in header.columns]
    renamed = renamed_columns(match, header, missing, filled)
    _say_renamed(header, renamed, told)
    _say_missing(missing, renamed, told)
    seen = {
        *header.columns.values(),
        *header.unknown,
        *(c for others in header.repeated.values() for c in others),
    }
    width = max(seen)
    # Of a CSV, those beyond the last header are said row by row.
    nameless = [column for column in sorted(filled - seen) if not (records and column > width)]
    unknown = {column: text for column, text in header.unknown.items() if column not in renamed.columns}
    free = [name for name in missing if name not in renamed.fields]
    free.sort(key=lambda name: table.field(name).presence != "mandatory")
    _say_unknown({**unknown, **dict.fromkeys(nameless, "")}, header.row, free, told)
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
                message(
                    "The column “{heading}” was read as “{title}”.",
                    heading=short(heads[column]),
                    title=title_of(told.table.field(name)),
                ),
                message(
                    "Nothing to do. Name the column “{title}”, without the mark, and nobody has to wonder.",
                    title=title_of(told.table.field(name)),
                ),
                column_name=name,
            )


def _without_repeated(match: MatchedTable, header: Header, filled: Collection[int], told: Told) -> dict[str, int]:
    """The columns by field; of those that claim one field the only one that says something, or none."""
    columns = dict(header.columns)
    for name, others in header.repeated.items():
        claimed = (columns[name], *others)
        used = [column for column in claimed if column in filled] or [claimed[0]]
        kept = used[0] if _say_the_same(match.sheet, header.row, used) else None
        if kept is None:
            del columns[name]
        else:
            columns[name] = kept
        _say_repeated(name, claimed, kept, header.row, told)
    return columns


def _say_the_same(sheet: Sheet, header: int, columns: Sequence[int]) -> bool:
    """Whether columns have the same values in all rows; one alone has."""
    below = [cells for number, cells in sheet.rows.items() if number > header]
    return all(len({_value_in(cells, column) for column in columns}) == 1 for cells in below)


def _value_in(cells: Mapping[int, Cell], column: int) -> str:
    return shown_value(cells[column].value) if column in cells else ""


def _say_repeated(name: str, claimed: Sequence[int], kept: int | None, row: int, told: Told) -> None:
    is_mandatory = told.table.field(name).presence == "mandatory"
    letters = listed([column_letters(column) for column in claimed])
    severity = Severity.WARNING
    if kept is not None:
        outcome = message("column {column} was read", column=column_letters(kept))
        rest = [column_letters(column) for column in claimed if column != kept]
        advice = counted(
            "Delete the column {columns}: it is empty or says the same.",
            "Delete the columns {columns}: they are empty or say the same.",
            count=len(rest),
            columns=listed(rest),
        )
    else:
        severity = Severity.CRITICAL if is_mandatory else Severity.ERROR
        outcome = message("nobody can tell which one is meant") if is_mandatory else message("neither was read")
        advice = message(
            "Delete the column that is not meant, {columns}, or give it another name.",
            columns=listed([column_letters(column) for column in reversed(claimed)], "or"),
        )
    told.add(
        "duplicate-column",
        severity,
        message(
            "The column “{heading}” is there more than once ({columns}): {outcome}.",
            heading=told.names[name],
            columns=letters,
            outcome=outcome,
        ),
        advice,
        column_name=name,
        row_number=row,
    )


def _say_missing(missing: Sequence[str], renamed: Renamed, told: Told) -> None:
    for name in missing:
        declared = told.table.field(name)
        if declared.presence != "mandatory" or name in renamed.fields:
            continue
        told.add(
            "missing-column",
            Severity.CRITICAL,
            message("The column “{title}” is missing.", title=title_of(declared)),
            sentences(
                message("Add a column named “{title}”.", title=title_of(declared)),
                in_languages(declared.help, finnish=declared.help_fi),
            ),
            column_name=name,
        )


def _say_renamed(header: Header, renamed: Renamed, told: Told) -> None:
    """One finding for a column that seems to have another name than it should; it is not read."""
    for column, name in renamed.columns.items():
        declared, text = told.table.field(name), short(header.unknown[column])
        is_mandatory = declared.presence == "mandatory"
        told.add(
            "renamed-column",
            Severity.CRITICAL if is_mandatory else Severity.WARNING,
            message(
                "The column “{heading}” ({column}) may be “{title}” renamed, so it was not read.",
                heading=text,
                column=column_letters(column),
                title=title_of(declared),
            ),
            sentences(
                message("Name the column “{title}”, if it is.", title=title_of(declared)),
                message("Else add a column named “{title}”.", title=title_of(declared)) if is_mandatory else "",
            ),
            column_name=name,
            row_number=header.row,
            value=header.unknown[column][:200],
            heading=text,
        )


def _say_unknown(unknown: Mapping[int, str], row: int, missing: Sequence[str], told: Told) -> None:
    for column in sorted(unknown)[:MAX_COLUMN_FINDINGS]:
        letters, text = column_letters(column), unknown[column]
        words = _of_unknown(letters, text, told)
        if told.table.about_people:
            text = ""  # a sheet turned on its side has people's names for headers
        told.add(
            "unknown-column",
            Severity.WARNING,
            words,
            _what_of_unknown(letters, text, missing, told),
            column_name=text or f"column {letters}",
            row_number=row,
            value=text[:200] or None,
        )
    if len(unknown) > MAX_COLUMN_FINDINGS:
        told.add(
            "unknown-column",
            Severity.WARNING,
            message(
                "{more} more columns are not declared and were not read.", more=len(unknown) - MAX_COLUMN_FINDINGS
            ),
            message("Remove the columns to the right that are not needed."),
        )


def _of_unknown(letters: str, text: str, told: Told) -> str:
    """What is wrong with a column that nobody declared."""
    if not text:
        return message(
            "Column {column} has values, no header and is not declared, so it was not read.", column=letters
        )
    if told.table.about_people:
        return message("Column {column} is not declared, so it was not read.", column=letters)
    return message(
        "The column “{heading}” ({column}) is not declared, so it was not read.",
        heading=short(text),
        column=letters,
    )


def _what_of_unknown(letters: str, text: str, missing: Sequence[str], told: Told) -> str:
    """What to do about a column that nobody declared: which names are free, and that it may go."""
    known = [marks_around(title_of(told.table.field(name))) for name in missing]
    return sentences(
        message(
            "Delete the column “{heading}” ({column}) if nobody needs it.", heading=short(text), column=letters
        )
        if text
        else message("Delete the column {column} if nobody needs it.", column=letters),
        message("If it belongs to the table, name it as the template does: {names}.", names=listed(known, "or"))
        if known
        else "",
        message("Your own notes may stay: they are not read."),
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
