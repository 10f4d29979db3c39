"""What a column holds: its type, its unit, its decimals, as far as its cells can be read so."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import time
from decimal import Decimal
from typing import Any

from sources.workbooks.cell_values import CellValueError, parse_boolean
from sources.workbooks.cells import typed
from sources.workbooks.evidence import evidence_of
from sources.workbooks.one_cell import OneCell, Row, UnreadableError
from sources.workbooks.proposing.finding import PRECISION, FoundColumn, FoundTable
from sources.workbooks.proposing.naming import unit_in
from sources.workbooks.proposing.vocabulary import says
from sources.workbooks.told import Told
from warehouse.declarations import FieldDeclaration
from warehouse.sheets import shown_cell
from warehouse.types import FieldType

_MOST_UNREAD = 0.1  # of a column's cells: a few slips do not make numbers a text
_MOST_DECIMALS = 6
_CURRENCIES = frozenset({"EUR", "GBP", "USD", "SEK"})
_UNITS_OF_CELLS = (
    "EUR",
    "%",
    "m2",
    "GBP",
    "USD",
    "SEK",
    "people",
)  # tried where the header names none, or another
_IN_WORDS: Mapping[FieldType, str] = {
    "integer": "whole numbers",
    "number": "numbers",
    "boolean": "yes or no",
    "date": "dates",
    "datetime": "dates with a time",
    "year": "years",
    "string": "texts",
}


@dataclass(frozen=True)
class Kind:
    """A column as it can be read: a value a record, None where there is none; how many cells cannot be read so."""

    type: FieldType
    unit: str | None
    decimals: int | None
    values: tuple[Any, ...]
    unread: tuple[int, ...]  # rows
    filled: int
    partial: int = 0  # dates that are a month or a year

    @property
    def evidence(self) -> str:
        """What the guess rests on."""
        if not self.filled:
            return "no cell is filled in"
        unit = f" in {self.unit}" if self.unit else ""
        partial = f", {self.partial} of them months or years" if self.partial else ""
        return f"{self.filled - len(self.unread)} of {self.filled} cells are {_IN_WORDS[self.type]}{unit}{partial}"


def kind_of(table: FoundTable, column: FoundColumn) -> Kind:
    """The first kind that all cells of a column can be read as, else that of most; a text if there is none."""
    found: list[Kind] = []
    for kind, unit, precision_in in _candidates(column):
        one = _read(table, column, kind, unit, precision_in=precision_in)
        if one is not None:
            found.append(_with_times(table, column, one))
        if one is not None and not one.unread:
            break
    if found:
        return min(found, key=lambda one: len(one.unread))  # of equals the first
    return _read(table, column, "string", None, most_unread=1.0) or Kind("string", None, None, (), (), 0)


def _with_times(table: FoundTable, column: FoundColumn, kind: Kind) -> Kind:
    """Dates that have a time of day are moments."""
    moments = _read(table, column, "datetime", None) if kind.type == "date" and not kind.partial else None
    return moments if moments and any(value and value.time() != time() for value in moments.values) else kind


def _candidates(column: FoundColumn) -> Iterator[tuple[FieldType, str | None, str | None]]:
    """Types with units, and where they say how exact they are; the surest first."""
    header = column.header
    shown = [shown_cell(cell).strip() for cell in column.cells if cell is not None]
    if not shown or says("as_written", header) or any(_has_leading_zero(text) for text in shown):
        return
    if _says_yes_or_no(shown):
        yield "boolean", None, None
    if says("years", header):
        yield "year", None, None
    said = unit_in(header)
    units = dict.fromkeys((said, *_UNITS_OF_CELLS, None) if said else (None, *_UNITS_OF_CELLS))
    if says("dates", header):
        yield "date", None, None
    for unit in units:
        if unit not in _CURRENCIES:
            yield "integer", unit, None
        yield "number", unit, None
    yield "date", None, None
    yield "date", None, PRECISION


def _has_leading_zero(text: str) -> bool:
    return len(text) > 1 and text.startswith("0") and text.isdigit()


def _says_yes_or_no(shown: Sequence[str]) -> bool:
    """Whether texts are both answers, or ticks alone: a column of ones and zeros is something else."""
    texts = {text.casefold() for text in shown}
    if texts <= {"true", "false"} or texts <= {"x", "✓"}:
        return True
    try:
        return len({parse_boolean(text) for text in texts}) > 1 and not texts <= {"0", "1"}
    except CellValueError:
        return False


def _read(
    table: FoundTable,
    column: FoundColumn,
    kind: FieldType,
    unit: str | None,
    most_unread: float = _MOST_UNREAD,
    precision_in: str | None = None,
) -> Kind | None:
    """A column read as a type, or None if more cells cannot be than may."""
    declared = FieldDeclaration(
        name=column.key, title=column.header, type=kind, unit=unit, precision_in=precision_in
    )
    filled = [cell for cell in column.cells if cell is not None]
    told = Told("", "", table.records[0][0].table)
    evidence = evidence_of(declared, filled, told)
    values: list[Any] = []
    unread: list[int] = []
    partial = 0
    for cell, (layout, found) in zip(column.cells, table.records, strict=True):
        row, value = Row(found.number, found.cells), None
        if cell is not None:
            try:
                value = typed(OneCell(declared, cell, row, evidence, layout, told))
            except UnreadableError:
                unread.append(row.number)
                if len(unread) > most_unread * len(filled):
                    return None
        partial += bool(row.implied)
        values.append(value)
    return _settled(Kind(kind, unit, None, tuple(values), tuple(unread), len(filled), partial))


def _settled(kind: Kind) -> Kind:
    """The kind with its decimals."""
    if kind.type == "number":
        decimals = 2 if kind.unit in _CURRENCIES else _decimals(kind.values)
        exact = kind.values if decimals is None else tuple(_rounded(value, decimals) for value in kind.values)
        return Kind("number", kind.unit, decimals, exact, kind.unread, kind.filled)
    return kind


def _decimals(values: Sequence[float | None]) -> int | None:
    """The places that all numbers do with."""
    for places in range(_MOST_DECIMALS + 1):
        if all(
            value is None or abs(value - round(value, places)) <= 1e-9 * max(1.0, abs(value)) for value in values
        ):
            return places
    return None


def _rounded(value: float | None, places: int) -> Decimal | None:
    return None if value is None else round(Decimal(repr(value)), places)
