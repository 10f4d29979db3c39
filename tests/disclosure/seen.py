"""What an attacker sees of a release, and what he knows by it. Nothing of the truth beyond that is in here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from scipy import sparse

from publish.disclosure.tables import Counts, Mask, Pairs, Protected, Rule, Sums
from tests.disclosure.knowledge import Knowledge, Vector

NOT_PUBLISHED = -1
# More people than there are in any class. Without a bound, a program whose aim has no end would have no solution.
MOST_PEOPLE = 10_000.0


@dataclass(frozen=True, eq=False)
class SeenSums:
    """The published sums of a magnitude by cell, NaN where there is none, and one person's least and most."""

    sums: Sums
    minimum: float
    maximum: float


@dataclass(frozen=True, eq=False)
class Seen:
    """A release as everybody sees it: rule, tables and cells, published counts and sums.

    Args:
        rule, cells, atoms, incidence: as in the system.
        of_table: by table, which cells are its.
        published: by cell.
        counts: by cell, ``NOT_PUBLISHED`` where it is not.
        magnitudes: the sums.
    """

    rule: Rule
    cells: tuple[Pairs, ...]
    atoms: tuple[Pairs, ...]
    incidence: sparse.csr_array
    of_table: dict[str, Mask]
    published: Mask
    counts: Counts
    magnitudes: tuple[SeenSums, ...]

    @classmethod
    def of(cls, release: Protected) -> Seen:
        """What of a release everybody sees."""
        system, published = release.system, ~release.suppressed
        tables = {name: system.cells_of(name) for name in system.tables}
        return cls(
            system.rule,
            system.cells,
            system.atoms,
            system.incidence,
            {name: np.array([cell in its for cell in system.cells]) for name, its in tables.items()},
            published,
            np.where(published, system.counts, NOT_PUBLISHED),
            tuple(
                SeenSums(np.where(published, system.sums(one), np.nan), one.minimum, one.maximum)
                for one in system.magnitudes
            ),
        )

    @cached_property
    def place(self) -> dict[Pairs, int]:
        """Where a cell stands."""
        return {cell: number for number, cell in enumerate(self.cells)}

    def inside(self, cell: Pairs) -> Mask:
        """Which atoms a cell holds."""
        return np.array([cell <= atom for atom in self.atoms])

    def people(self, table: str | None = None) -> Knowledge:
        """What is known of the number of people by atom: from all tables, or from one alone."""
        rows = self.published & (self.of_table[table] if table else True)
        count = len(self.atoms)
        return Knowledge(
            self.incidence[np.flatnonzero(rows), :],
            self.counts[rows].astype(float),
            sparse.csr_array((0, count)),
            np.zeros(count),
            np.full(count, MOST_PEOPLE),
            np.full(count, True),
        )

    def people_and_sums(self, number: int) -> Knowledge:
        """What is known of the people by atom and, after them, of the sums of a magnitude by atom."""
        people, seen, count = self.people(), self.magnitudes[number], len(self.atoms)
        one = sparse.eye_array(count)
        return Knowledge(
            sparse.csr_array(sparse.block_diag([people.equal, people.equal])),
            np.concatenate([people.values, seen.sums[self.published]]),
            sparse.csr_array(sparse.block_array([[-seen.minimum * one, one], [seen.maximum * one, -one]])),
            np.concatenate([people.low, np.full(count, -np.inf)]),
            np.concatenate([people.high, np.full(count, np.inf)]),
            np.concatenate([people.whole, np.full(count, False)]),
        )

    def of_an_insider(self, cell: Pairs, atom: Pairs) -> Knowledge:
        """What the only person of a cell knows, who is of that atom."""
        known, inside = self.people(), self.inside(cell)
        alone = np.array([one == atom for one in self.atoms]).astype(float)
        return replace(known, low=np.where(inside, alone, known.low), high=np.where(inside, alone, known.high))


@dataclass(frozen=True, eq=False)
class Year:
    """All releases as one system: the atoms of each release behind one another.

    Args:
        releases: as seen, oldest first.
        is_still: what is assumed of the time between two releases: that no one came or left where a published
            count is the same in both; else, that nobody left.
    """

    releases: Sequence[Seen]
    is_still: bool

    @cached_property
    def _starts(self) -> list[int]:
        return [0, *np.cumsum([len(one.atoms) for one in self.releases]).tolist()]

    @cached_property
    def knowledge(self) -> Knowledge:
        """What is known of the number of people by release and atom."""
        parts = [one.people() for one in self.releases]
        between = self._between()
        equal = sparse.csr_array(sparse.block_diag([part.equal for part in parts]))
        values: Vector = np.concatenate([part.values for part in parts])
        if self.is_still:
            equal = sparse.csr_array(sparse.vstack([equal, between]))
            values = np.concatenate([values, np.zeros(between.shape[0])])
        width = self._starts[-1]
        return Knowledge(
            equal,
            values,
            sparse.csr_array((0, width)) if self.is_still else between,
            np.zeros(width),
            np.full(width, MOST_PEOPLE),
            np.full(width, True),
        )

    def _between(self) -> sparse.csr_array:
        """Later less earlier people, by atoms that are assumed to have grown, or to be still."""
        rows: list[tuple[int, int]] = []
        for later in range(1, len(self.releases)):
            before, after = self.releases[later - 1], self.releases[later]
            earlier = {atom: self._starts[later - 1] + number for number, atom in enumerate(before.atoms)}
            still = _still(before, after) if self.is_still else np.full(len(after.atoms), True)
            rows += [
                (self._starts[later] + number, earlier[atom])
                for number, atom in enumerate(after.atoms)
                if atom in earlier and still[number]
            ]
        matrix = sparse.lil_array((len(rows), self._starts[-1]))
        for row, (after_column, before_column) in enumerate(rows):
            matrix[row, after_column], matrix[row, before_column] = 1.0, -1.0
        return sparse.csr_array(matrix)

    def cell(self, release: int, cell: Pairs, sign: float = 1.0) -> Vector:
        """A cell of a release as a sum of unknowns."""
        aim = np.zeros(self._starts[-1])
        aim[self._starts[release] : self._starts[release + 1]] = sign * self.releases[release].inside(cell)
        return aim


def _still(before: Seen, after: Seen) -> Mask:
    """Which atoms lie in a cell whose published count is the same in both."""
    same = [
        number
        for number, cell in enumerate(after.cells)
        if after.published[number]
        and cell in before.place
        and before.counts[before.place[cell]] == after.counts[number]
    ]
    return np.asarray(after.incidence[same, :].sum(axis=0) > 0)


def still_is_true(truths: Sequence[Protected], releases: Sequence[Seen]) -> bool:
    """Whether between two releases, one after the other, really nobody came or left where a count is the same."""
    for later in range(1, len(truths)):
        before, after = truths[later - 1].system, truths[later].system
        people = dict(zip(before.atoms, before.people.tolist(), strict=True))
        was = np.array([people.get(atom, 0) for atom in after.atoms])
        if np.any((was != after.people) & _still(releases[later - 1], releases[later])):
            return False
    return True
