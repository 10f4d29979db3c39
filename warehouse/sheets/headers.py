"""Where a table's header stands in a sheet, and which field each column holds."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import lru_cache

from warehouse.declarations import FieldDeclaration, TableDeclaration
from warehouse.sheets import limits
from warehouse.sheets.cells import Cell, Sheet, UndecodedText, shown_value
from warehouse.text import normalised


@dataclass(frozen=True)
class Header:
    """Where a table's header stands and what its columns hold. Columns count from 1.

    ``repeated`` holds the further columns that claim a field already taken; ``marked`` the columns that were
    recognised without the footnote mark behind their header.
    """

    row: int
    columns: Mapping[str, int]
    unknown: Mapping[int, str]
    repeated: Mapping[str, tuple[int, ...]]
    marked: frozenset[int] = frozenset()

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
        for text in (declared.title, *declared.source_names):
            found.setdefault(normalised(text), declared)
    return found


# "Grant (EUR)1", "Grant (EUR) 1)", "Grant ¹", "Grant [a]": what people hang on a header to explain it below the
# table. A bare "Theme 2" is another column.
_FOOTNOTE = re.compile(r"(?:\s?(?:[¹²³⁰-⁹*†‡§]+|\(?[0-9a-c]\)|\[[0-9a-c]\]|(?<=\))[0-9]))+$")


def header_text(cell: Cell) -> str:
    """A header's text as it is compared with the declared names."""
    return (cell.value.likely if isinstance(cell.value, UndecodedText) else shown_value(cell.value)).strip()


def find_header(sheet: Sheet, table: TableDeclaration) -> Header | None:
    """The header: the row among the first ones that names most of the table's columns.

    Of equals the first counts. A row that names fewer than two fields (one, if there is but one) is no header.
    A footnote's mark behind a header does not count, where no other header claims the field.
    """
    aliases = _aliases(table)
    row = _header_row(sheet, aliases, min(2, len(table.fields)))
    if row is None:
        return None
    columns: dict[str, int] = {}
    unknown: dict[int, str] = {}
    repeated: dict[str, tuple[int, ...]] = {}
    for column, cell in sorted(_heads(sheet, row).items()):
        text = header_text(cell)
        declared = aliases.get(_normal(text))
        if declared is None:
            unknown[column] = text
        elif declared.name in columns:
            repeated[declared.name] = (*repeated.get(declared.name, ()), column)
        else:
            columns[declared.name] = column
    marked = _marked(unknown, aliases, columns)
    for name, column in marked.items():
        columns[name] = column
        del unknown[column]
    return Header(row, columns, unknown, repeated, frozenset(marked.values()))


def _header_row(sheet: Sheet, aliases: Mapping[str, FieldDeclaration], fewest: int) -> int | None:
    """The row that names most fields, and at least the fewest."""
    best: tuple[int, int] | None = None
    for number in sorted(number for number in sheet.rows if number <= limits.HEADER_ROWS):
        cells = sheet.rows[number].values()
        texts = [_normal(header_text(c)) for c in cells if isinstance(c.value, str | UndecodedText)]
        named = {aliases[text].name for text in texts if text in aliases}
        if len(named) >= fewest and (best is None or len(named) > best[0]):
            best = (len(named), number)
    return best[1] if best else None


def _heads(sheet: Sheet, row: int) -> dict[int, Cell]:
    """The cells of a header, by column: one may be merged with the one above it."""
    heads = dict(sheet.rows[row])
    for top, left, bottom, _ in sheet.merged:
        if top < row <= bottom and left not in heads and left in sheet.rows.get(top, {}):
            heads[left] = sheet.rows[top][left]
    return heads


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
    near = difflib.get_close_matches(_normal(text), aliases, n=3, cutoff=0.75)
    return list(dict.fromkeys(aliases[known] for known in near))
