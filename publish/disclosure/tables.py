"""All tables of one population and period as one linear system: the only thing suppressor and audit share.

An *atom* is a class of people that no table divides further: one code of every dimension of every table. A *cell*
is its set of (column, code) pairs, so a margin that two tables share is one cell; it holds the atoms that have all
of its pairs. What a population truly is, is a number of people an atom; what is published of it is the sums of
some cells. Every claim on what can be learned is a claim on the tables of atoms that give the same published sums.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

Counts = NDArray[np.int64]
Sums = NDArray[np.float64]
Mask = NDArray[np.bool_]

# A dimension: its columns from coarse to fine, such as ("city_code", "district_code"). A flat one has one column.
Dimension = tuple[str, ...]
# A period: the values of its columns, such as the survey and the question.
Period = tuple[str, ...]
# The pairs of a cell or an atom, by column. The total has none.
Pairs = frozenset[tuple[str, str]]


@dataclass(frozen=True)
class Rule:
    """What is protected, and how far.

    Args:
        threshold: a count of 1 to ``threshold - 1`` people is protected: whoever knows all that is published, now
            and before, must hold both 0 and ``threshold`` or more for possible.
        p_percent: a sum is protected where the absolute parts of all but the two greatest contributors come to
            less than so many per cent of the greatest one's part (the p% rule): what they lack of it is how far
            from the true sum, either way, others must be possible. Where the count is protected, that is the whole
            per cent of the greatest part. None where nothing is summed up.
    """

    threshold: int
    p_percent: float | None = None


@dataclass(frozen=True, eq=False)
class Magnitude:
    """What is added up over people, such as minutes saved, beside their number.

    Args:
        name: the column.
        minimum, maximum: of one person's part, as everybody knows them.
        sums, absolute: by atom, of the parts and of their absolute values.
        largest, second: by atom, the greatest and the second greatest absolute part of one person; 0 if none.
    """

    name: str
    minimum: float
    maximum: float
    sums: Sums
    absolute: Sums
    largest: Sums
    second: Sums


@dataclass(frozen=True, eq=False)
class System:
    """The tables of one population in one period.

    Args:
        rule: what is protected.
        tables: by dataset, the dimensions of its table. A table has all combinations of their levels, margins and
            total included, as far as there are atoms in them.
        atoms: the classes of people, each with a pair for every column of every dimension.
        people: by atom, how many there are.
        magnitudes: what is added up over them.
    """

    rule: Rule
    tables: Mapping[str, tuple[Dimension, ...]]
    atoms: tuple[Pairs, ...]
    people: Counts
    magnitudes: tuple[Magnitude, ...] = ()

    @cached_property
    def cells(self) -> tuple[Pairs, ...]:
        """Every cell of every table once, coarse before fine."""
        found = {cell for name in self.tables for cell in self.cells_of(name)}
        return tuple(sorted(found, key=lambda cell: (len(cell), sorted(cell))))

    def cells_of(self, table: str) -> frozenset[Pairs]:
        """The cells of one table: every combination of levels that holds an atom."""
        levels = [[dimension[:depth] for depth in range(len(dimension) + 1)] for dimension in self.tables[table]]
        chosen = [frozenset(column for part in parts for column in part) for parts in product(*levels)]
        return frozenset(
            frozenset(pair for pair in atom if pair[0] in columns) for columns in chosen for atom in self.atoms
        )

    @cached_property
    def incidence(self) -> sparse.csr_array:
        """Cells by atoms, 1 where the cell holds the atom: ``incidence @ people`` are the true counts."""
        place = {cell: row for row, cell in enumerate(self.cells)}
        depths = {frozenset(column for column, _ in cell) for cell in self.cells}
        pairs = [
            (place[cell], number)
            for number, atom in enumerate(self.atoms)
            for columns in depths
            if (cell := frozenset(pair for pair in atom if pair[0] in columns)) in place
        ]
        rows, columns_of = zip(*pairs, strict=True) if pairs else ((), ())
        shape = (len(self.cells), len(self.atoms))
        return sparse.csr_array((np.ones(len(rows)), (rows, columns_of)), shape=shape)

    @cached_property
    def counts(self) -> Counts:
        """The true number of people by cell."""
        counts: Counts = np.rint(self.incidence @ self.people).astype(np.int64)
        return counts

    def sums(self, magnitude: Magnitude) -> Sums:
        """The true sum by cell."""
        sums: Sums = self.incidence @ magnitude.sums
        return sums

    def contributions(self, magnitude: Magnitude) -> tuple[Sums, Sums]:
        """By cell, the greatest and the second greatest absolute part of one person."""
        first, second = np.zeros(len(self.cells)), np.zeros(len(self.cells))
        for row in range(len(self.cells)):
            inside = self.incidence.indices[self.incidence.indptr[row] : self.incidence.indptr[row + 1]]
            parts = np.sort(np.concatenate([magnitude.largest[inside], magnitude.second[inside]]))[::-1]
            first[row], second[row] = parts[0], parts[1] if len(parts) > 1 else 0.0
        return first, second


@dataclass(frozen=True, eq=False)
class Protected:
    """A system with what is not published of it: by cell, True where it is suppressed.

    A suppressed cell shows neither its count nor its sums; whether for its own sake or for another's is not said.
    """

    system: System
    suppressed: Mask
