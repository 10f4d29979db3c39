"""What identifies a row, and what refers to a row of another sheet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from sources.workbooks.proposing.vocabulary import says
from warehouse.declarations import Privacy
from warehouse.types import FieldType

_MOST_COLUMNS = 4
_MOST_TRIED = 12
_LONGEST_NAME = 60  # characters
_NEARLY_ALL = 0.95  # of the cells under a header that says id: a slip in them is a finding, not another key


@dataclass(frozen=True)
class KeyColumn:
    """A column as far as it can be part of a key."""

    name: str
    header: str
    type: FieldType
    unit: str | None
    privacy: Privacy
    values: tuple[Any, ...]

    @property
    def is_id(self) -> bool:
        """Its header says that it identifies something."""
        return says("ids", self.header)

    @property
    def may_identify(self) -> bool:
        """It is filled in throughout, may be published, and measures nothing."""
        is_measure = self.type == "number" or (
            self.type == "integer" and (self.unit is not None or not self.is_id)
        )
        is_whole = all(value is not None for value in self.values)
        return is_whole and self.privacy is Privacy.PUBLIC and self.type != "boolean" and not is_measure


@dataclass(frozen=True)
class Key:
    """The columns that identify a row, what says so, and what a person should look at."""

    columns: tuple[str, ...]
    evidence: str
    doubt: str = ""


def key_of(columns: Sequence[KeyColumn], records: int) -> Key | None:
    """The column that says it is an id and is one; else the fewest columns that identify every row; else None."""
    for column in columns:
        values = [value for value in column.values if value is not None]
        is_one = column.is_id and column.privacy is Privacy.PUBLIC and column.type in ("string", "integer")
        if is_one and len(set(values)) >= max(1, _NEARLY_ALL * records):
            slips = (
                f"; {records - len(set(values))} rows repeat an id or lack one"
                if len(set(values)) < records
                else ""
            )
            return Key((column.name,), f"{len(set(values))} of {records} rows have an id of their own{slips}")
    usable = [column for column in columns if column.may_identify][:_MOST_TRIED]
    for some in sorted(_together(usable), key=lambda some: sum(map(_cost, some))):
        if len(set(zip(*(column.values for column in some), strict=True))) == records:
            what = "the column differs" if len(some) == 1 else f"{len(some)} columns together differ"
            return Key(
                tuple(column.name for column in some),
                f"{what} in all {records} rows",
                "no column is called an id: better give every row one of its own that never changes",
            )
    return None


def _together(columns: Sequence[KeyColumn]) -> Iterator[tuple[KeyColumn, ...]]:
    for count in range(1, min(_MOST_COLUMNS, len(columns)) + 1):
        yield from combinations(columns, count)


def _cost(column: KeyColumn) -> float:
    """How little a column says of what a row is: days differ by chance, long texts change with corrections."""
    if max((len(value) for value in column.values if isinstance(value, str)), default=0) > _LONGEST_NAME:
        return 4
    return 2.5 if column.type in ("date", "datetime") else 1


@dataclass(frozen=True)
class KeyedTable:
    """A table with its columns and its key."""

    name: str
    columns: Sequence[KeyColumn]
    key: Key


def references(tables: Sequence[KeyedTable]) -> Mapping[tuple[str, str], tuple[KeyedTable, int]]:
    """By table and column, the table to whose rows all its filled cells refer, and how many these are."""
    found: dict[tuple[str, str], tuple[KeyedTable, int]] = {}
    for table in tables:
        for column in table.columns:
            values = {value for value in column.values if value is not None}
            for other in tables:
                if other is table or len(other.key.columns) != 1 or column.name in table.key.columns:
                    continue
                target = next(one for one in other.columns if one.name == other.key.columns[0])
                if _refers(column, target, values):
                    filled = sum(value is not None for value in column.values)
                    found.setdefault((table.name, column.name), (other, filled))
    return found


def _refers(column: KeyColumn, target: KeyColumn, values: set[Any]) -> bool:
    """Whether all values are the target's, and are no small numbers that would be by chance."""
    is_alike = column.type == target.type and (column.type == "string" or (column.is_id and target.is_id))
    return bool(values) and is_alike and values <= set(target.values)
