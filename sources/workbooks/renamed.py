"""Columns that a sheet lacks and has under another name: one cause, so one finding.

Nothing is read by such a guess; it only saves the keeper from reading that one column is missing and another is
not known. What speaks for it: the names are alike; or the column stands between the neighbours of the one that is
missing and holds such values; or there is one of each and the values fit.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from sources.workbooks.cell_values import (
    CellValueError,
    clean_text,
    parse_amount,
    parse_boolean,
    parse_date,
    parse_datetime,
    parse_integer,
    parse_partial_date,
    parse_qualified,
    parse_year,
)
from warehouse import reference
from warehouse.declarations import FieldDeclaration
from warehouse.sheets import Header, MatchedTable, nearest_fields, shown_value

_MOST_LOOKED_AT = 20  # columns; a sheet may have 16,384 that nobody declared
_MOST_VALUES = 50


@dataclass(frozen=True)
class Renamed:
    """The columns that may be a missing one, with the field that each may be."""

    columns: Mapping[int, str]

    @property
    def fields(self) -> Collection[str]:
        """The fields that are there under another name."""
        return set(self.columns.values())


def renamed_columns(
    match: MatchedTable, header: Header, missing: Sequence[str], filled: Collection[int]
) -> Renamed:
    """Which unknown columns may be which missing ones; of several claims none but the first counts.

    Args:
        match: the table and its sheet.
        header: its header.
        missing: the fields without a column.
        filled: the columns that have values.
    """
    unknown = [c for c, text in sorted(header.unknown.items()) if text and c in filled][:_MOST_LOOKED_AT]
    found: dict[int, str] = {}
    for column, name in _claims(match, header, missing, unknown):
        if column not in found and name not in found.values():
            found[column] = name
    return Renamed(found)


def _claims(
    match: MatchedTable, header: Header, missing: Sequence[str], unknown: Sequence[int]
) -> Iterator[tuple[int, str]]:
    """Column and field, the best reasons first."""
    for column in unknown:
        for name in nearest_fields(header.unknown[column], match.table, missing):
            yield column, name
    needed = [name for name in missing if match.table.field(name).presence == "mandatory"]
    for name in needed:
        for column in unknown:
            if _is_between(match, header, name, column) and _holds(match, header.row, name, column):
                yield column, name
    if len(needed) == len(unknown) == 1 and _holds(match, header.row, needed[0], unknown[0]):
        yield unknown[0], needed[0]


def _is_between(match: MatchedTable, header: Header, name: str, column: int) -> bool:
    """Whether a column stands beside the neighbours that the field has in the declaration."""
    order = [declared.name for declared in match.table.fields]
    at = order.index(name)
    before, after = order[max(0, at - 1) : at], order[at + 1 : at + 2]
    return all(header.columns.get(one) == column - 1 for one in before) and all(
        header.columns.get(one) == column + 1 for one in after
    )


def _holds(match: MatchedTable, row: int, name: str, column: int) -> bool:
    """Whether most of a column's values could be the field's; texts of a field of texts always could."""
    declared = match.table.field(name)
    cells = [cells[column] for number, cells in match.sheet.rows.items() if number > row and column in cells]
    values = [shown_value(cell.value) for cell in cells[:_MOST_VALUES]]
    fitting = sum(could_be(text, declared) for text in values)
    return 2 * fitting > len(values)


def could_be(text: str, declared: FieldDeclaration) -> bool:
    """Whether a text could be a value of a field, as far as its type or its list says."""
    if declared.constraints.code_list is not None:
        return reference.code_lists()[declared.constraints.code_list].code_of(clean_text(text)) is not None
    parse = _PARSERS.get(declared.type)
    if parse is None:
        return not text.replace(".", "").isdigit() or declared.constraints.pattern is not None
    try:
        return parse(text) is not None
    except CellValueError:
        return False


def _number(text: str) -> object:
    qualified = parse_qualified(text)
    return parse_amount(qualified[1] if qualified else text, decimal_mark=".")


_PARSERS: Mapping[str, Callable[[str], object]] = {
    "integer": lambda text: parse_integer(text, decimal_mark="."),
    "number": _number,
    "boolean": parse_boolean,
    "date": lambda text: parse_partial_date(text) or parse_date(text, order="dmy"),
    "datetime": lambda text: parse_datetime(text, order="dmy"),
    "year": parse_year,
}
