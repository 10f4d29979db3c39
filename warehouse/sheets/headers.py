"""Where a table's header stands in a sheet, and which field each column holds."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from warehouse.declarations import FieldDeclaration, TableDeclaration
from warehouse.sheets import limits
from warehouse.sheets.cells import Cell, Sheet, UndecodedText, shown_value
from warehouse.text import nearest, normalised


@dataclass(frozen=True)
class Header:
    """Where a table's header stands and what its columns hold. Columns count from 1.

    ``repeated`` holds the further columns that claim a field already taken; ``marked`` the columns that were
    recognised without the footnote mark behind their header; ``grouped`` those that were recognised together with
    the group above them, with both texts.
    """

    row: int
    columns: Mapping[str, int]
    unknown: Mapping[int, str]
    repeated: Mapping[str, tuple[int, ...]]
    marked: frozenset[int] = frozenset()
    grouped: Mapping[int, str] = field(default_factory=dict)

    def column_of(self, name: str) -> int | None:
        """The column of a field, or of an unknown header by its text."""
        if name in self.columns:
            return self.columns[name]
        return next((column for column, text in self.unknown.items() if text == name), None)


@lru_cache(maxsize=256)
def _normal(text: str) -> str:
    return normalised(text)


def _aliases(table: TableDeclaration) -> dict[str, FieldDeclaration]:
    """Header text, normalised -> field. A field's own name goes before another one's alias."""
    found: dict[str, FieldDeclaration] = {}
    for declared in table.fields:
        found.setdefault(normalised(declared.name), declared)
    for declared in table.fields:
        for text in filter(None, (declared.title, declared.title_fi, *declared.source_names)):
            found.setdefault(normalised(text), declared)
    return found


# "Grant (EUR)1", "Grant (EUR) 1)", "Grant ¹", "Grant [a]": what people hang on a header to explain it below the
# table. A bare "Theme 2" is another column.
_FOOTNOTE = re.compile(r"(?:\s?(?:[¹²³⁰-⁹*†‡§]+|\(?[0-9a-c]\)|\[[0-9a-c]\]|(?<=\))[0-9]))+$")


def header_text(cell: Cell) -> str:
    """A header's text as it is compared with the declared names."""
    return (cell.value.likely if isinstance(cell.value, UndecodedText) else shown_value(cell.value)).strip()


@dataclass(frozen=True)
class HeaderRow:
    """A row taken as a header: by column the cells that stand over it, and the texts of the groups above them.

    A cell stands over a column too if it is merged with the one above. A group is a cell of the row above that is
    merged over several columns, as "Visitors" over "Morning" and "Evening".
    """

    number: int
    cells: Mapping[int, Cell]
    groups: Mapping[int, str]

    def grouped(self, column: int) -> str:
        """A header with its group, as "Visitors / Morning"; empty where it has none."""
        group = self.groups.get(column)
        return f"{group} / {header_text(self.cells[column])}" if group else ""


def header_rows(sheet: Sheet) -> Iterator[HeaderRow]:
    """The rows among which a header is looked for."""
    tall: dict[int, dict[int, Cell]] = {}
    wide: dict[int, dict[int, str]] = {}
    for top, left, bottom, right in sheet.merged:
        cell = sheet.rows.get(top, {}).get(left)
        if cell is None or top > limits.HEADER_ROWS:
            continue
        for number in range(top + 1, min(bottom, limits.HEADER_ROWS) + 1):
            tall.setdefault(number, {})[left] = cell
        if right > left and isinstance(cell.value, str):
            wide.setdefault(bottom + 1, {}).update(dict.fromkeys(range(left, right + 1), header_text(cell)))
    for number in sorted(number for number in sheet.rows if number <= limits.HEADER_ROWS):
        yield HeaderRow(number, {**tall.get(number, {}), **sheet.rows[number]}, wide.get(number, {}))


@dataclass(frozen=True)
class _Names:
    """The header texts by which a table's fields are known."""

    aliases: Mapping[str, FieldDeclaration]

    def with_group(self, row: HeaderRow, column: int) -> FieldDeclaration | None:
        """The field that is declared by a column's text together with the group above it."""
        return self.aliases.get(_normal(row.grouped(column))) if column in row.groups else None

    def claimed(self, row: HeaderRow, column: int) -> FieldDeclaration | None:
        """The field that a column's header names."""
        return self.with_group(row, column) or self.aliases.get(_normal(header_text(row.cells[column])))


def find_header(sheet: Sheet, table: TableDeclaration) -> Header | None:
    """The header: the row among the first ones that names most of the table's columns.

    Of equals the first counts. A row that names fewer than two fields (one, if there is but one) is no header.
    A column may be declared together with its group. A footnote's mark behind a header does not count, where no
    other header claims the field.
    """
    names = _Names(_aliases(table))
    row = _best(sheet, names, min(2, len(table.fields)))
    if row is None:
        return None
    columns: dict[str, int] = {}
    unknown: dict[int, str] = {}
    repeated: dict[str, tuple[int, ...]] = {}
    for column, cell in sorted(row.cells.items()):
        declared = names.claimed(row, column)
        if declared is None:
            unknown[column] = header_text(cell)
        elif declared.name in columns:
            repeated[declared.name] = (*repeated.get(declared.name, ()), column)
        else:
            columns[declared.name] = column
    marked = _marked(unknown, names.aliases, columns)
    for name, column in marked.items():
        columns[name] = column
        del unknown[column]
    grouped = {column: row.grouped(column) for column in row.cells if names.with_group(row, column)}
    return Header(row.number, columns, unknown, repeated, frozenset(marked.values()), grouped)


def _best(sheet: Sheet, names: _Names, fewest: int) -> HeaderRow | None:
    """The row that names most fields, and at least the fewest."""
    best: tuple[int, HeaderRow] | None = None
    for row in header_rows(sheet):
        texts = (column for column, cell in row.cells.items() if isinstance(cell.value, str | UndecodedText))
        named = {declared.name for column in texts if (declared := names.claimed(row, column))}
        if len(named) >= fewest and (best is None or len(named) > best[0]):
            best = (len(named), row)
    return best[1] if best else None


def _marked(
    unknown: Mapping[int, str], aliases: Mapping[str, FieldDeclaration], columns: Mapping[str, int]
) -> dict[str, int]:
    """The column of each field that only a header with a footnote's mark names."""
    claims: dict[str, list[int]] = {}
    for column, text in unknown.items():
        declared = aliases.get(_normal(_FOOTNOTE.sub("", text)))
        if declared is not None and declared.name not in columns:
            claims.setdefault(declared.name, []).append(column)
    # of two, nobody can tell which one is meant
    return {name: claimed[0] for name, claimed in claims.items() if len(claimed) == 1}


def nearest_fields(text: str, table: TableDeclaration, among: Collection[str]) -> list[str]:
    """The names of those fields whose header at the source is most like a text, the likeliest first."""
    aliases = {known: field.name for known, field in _aliases(table).items() if field.name in among}
    return list(dict.fromkeys(aliases[known] for known in nearest(_normal(text), aliases)))
