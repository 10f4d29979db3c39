"""What a verifier knows: what a release's description says of its tables, and what they show."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

# A cell by its (column, code) pairs; a column with the code of the total has none.
Cell = frozenset[tuple[str, str]]

WHOLE: Cell = frozenset()  # the cell of everybody: no column has a code of its own

# file: it is not what its description says, or two files differ; status: suppressed and shown all the same; few: a
# count of few; margins: parts and whole do not agree; follows: a suppressed count of few follows from what is
# published; known: it is known to be of few; sum: a suppressed sum follows; change: a version changed by few;
# returned: it was suppressed in a version before. No fault is void: a suppressed count of many follows.
FaultKind = Literal["file", "status", "few", "margins", "follows", "known", "sum", "change", "returned", "void"]


@dataclass(frozen=True)
class Fault:
    """What is wrong: in which dataset, version, period and cell, in words, and why, without a suppressed count."""

    kind: FaultKind
    dataset: str
    version: str
    period: str
    cell: str
    why: str

    @property
    def is_grave(self) -> bool:
        """Whether it breaks what is promised."""
        return self.kind != "void"


@dataclass(frozen=True)
class Column:
    """A protected column: what it says of people.

    Args:
        name: of the column.
        kind: count, sum, mean or share.
        of: the magnitude of a sum or a mean; the column of a share over whose total it is one.
        half: half a unit of its last decimal, so far the true value may be from the one shown.
        minimum, maximum: between which one person's part of a sum lies.
    """

    name: str
    kind: str
    of: str = ""
    half: float = 0.0
    minimum: float = float("-inf")
    maximum: float = float("inf")


@dataclass(frozen=True)
class Stated:
    """What a description says of a protected table. ``columns`` has one count, and it is the first."""

    population: str
    threshold: int
    period: tuple[str, ...]
    dimensions: tuple[tuple[str, ...], ...]
    total: str
    status: str
    suppressed: str
    columns: tuple[Column, ...]

    @property
    def cell_columns(self) -> tuple[str, ...]:
        """The columns of all dimensions."""
        return tuple(column for dimension in self.dimensions for column in dimension)

    @property
    def key_columns(self) -> tuple[str, ...]:
        """The columns by which a row is known."""
        return (*self.period, *self.cell_columns)


@dataclass(frozen=True)
class Shown:
    """What is shown of a cell: its count, None where it is suppressed; what else stands beside it, by column."""

    count: int | None
    others: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Table:
    """One period of one version of one dataset."""

    dataset: str
    version: str
    period: tuple[str, ...]
    stated: Stated
    cells: Mapping[Cell, Shown]

    @property
    def identity(self) -> tuple[str, tuple[tuple[str, str], ...]]:
        """The population and period that it counts: tables with the same one count the same people."""
        return self.stated.population, tuple(sorted(zip(self.stated.period, self.period, strict=True)))

    @property
    def content(self) -> Hashable:
        """Equal for tables that show the same of the same people."""
        shown = ((cell, one.count, frozenset(one.others.items())) for cell, one in self.cells.items())
        return self.dataset, self.identity, self.stated, frozenset(shown)

    def fault(self, kind: FaultKind, cell: Cell, why: str) -> Fault:
        """Something wrong with one of its cells."""
        return Fault(kind, self.dataset, self.version, ", ".join(self.period), self.named(cell), why)

    def named(self, cell: Cell) -> str:
        """A cell in words, its columns in their order; everybody has none."""
        codes = dict(cell)
        listed = (f"{column}={codes[column]}" for column in self.stated.cell_columns if column in codes)
        return ", ".join(listed)


@dataclass(frozen=True)
class Version:
    """One version of a dataset as its files have it."""

    dataset: str
    version: str
    data_date: date
    tables: tuple[Table, ...]
    faults: tuple[Fault, ...]

    @property
    def order(self) -> tuple[date, int]:
        """Sorts versions: by the date of their data, then as they were released."""
        number = self.version.removeprefix(self.data_date.isoformat()).removeprefix(".")
        return self.data_date, int(number) if number.isdecimal() and len(number) < 9 else 1
