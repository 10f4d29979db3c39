"""All releases of one population and period as one model: what whoever reads them all knows.

A variable is the number of people of one class in one release, and, where something is summed up, what their
parts come to. What is published are equations on them. Where the truth agrees, whoever reads is also granted
that nobody left from one release to the next: with fewer assumptions there are only more tables that agree,
so that what is proved here is proved without it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations, pairwise
from typing import TypeAlias

import numpy as np
from scipy import sparse

from publish.disclosure.tables import Counts, Magnitude, Mask, Pairs, Protected, Sums

Rows: TypeAlias = sparse.csr_array


def holding(cells: Iterable[Pairs], classes: Sequence[Pairs]) -> Rows:
    """Cells by classes, 1 where the class has all pairs of the cell."""
    place = {cell: row for row, cell in enumerate(cells)}
    depths = {frozenset(column for column, _ in cell) for cell in place}
    found = [
        (place[cell], number)
        for number, pairs in enumerate(classes)
        for columns in depths
        if (cell := frozenset(pair for pair in pairs if pair[0] in columns)) in place and len(cell) == len(columns)
    ]
    at = np.array(found, dtype=np.intp).reshape(-1, 2)
    return sparse.csr_array((np.ones(len(at)), (at[:, 0], at[:, 1])), shape=(len(place), len(classes)))


@dataclass(frozen=True, eq=False)
class View:
    """One release, seen from the cells of all.

    Args:
        release: the tables and what is suppressed of them.
        start: the place of its first class among the variables.
        rows: cells of all releases by its classes; empty where the cell cannot be told, or nobody is.
        counts: true number of people by cell.
        is_told: by cell, whether the release's columns tell it.
        is_cell, is_published: by cell, whether the release has it in a table, and shows it.
    """

    release: Protected
    start: int
    rows: Rows
    counts: Counts
    is_told: Mask
    is_cell: Mask
    is_published: Mask

    @property
    def threshold(self) -> int:
        """The count from which on nothing is protected."""
        return self.release.system.rule.threshold

    @cached_property
    def is_protected(self) -> Mask:
        """By cell, whether its count is protected."""
        protected: Mask = self.is_cell & (self.counts >= 1) & (self.counts < self.threshold)
        return protected

    @property
    def places(self) -> slice:
        """The places of its classes among the variables."""
        return slice(self.start, self.start + len(self.release.system.atoms))


@dataclass(frozen=True, eq=False)
class Step:
    """Nobody left from one release to a later one: by class that both can tell.

    Args:
        before, after: the two releases' positions.
        classes: all that both can tell.
        before_rows, after_rows: the classes that both tell, by the classes of each.
        is_equal: by class, whether it is known not to have changed.
    """

    before: int
    after: int
    classes: tuple[Pairs, ...]
    before_rows: Rows
    after_rows: Rows
    is_equal: Mask


@dataclass(frozen=True, eq=False)
class Joint:
    """All releases together, earlier ones first."""

    releases: tuple[Protected, ...]

    @cached_property
    def atoms(self) -> tuple[Pairs, ...]:
        """The classes of all releases, each once."""
        return tuple(sorted({atom for one in self.releases for atom in one.system.atoms}, key=sorted))

    @cached_property
    def cells(self) -> tuple[Pairs, ...]:
        """The cells of all releases, each once, the last release's first."""
        return tuple(dict.fromkeys(cell for one in reversed(self.releases) for cell in one.system.cells))

    @cached_property
    def columns(self) -> tuple[frozenset[str], ...]:
        """By release, the columns of its classes."""
        return tuple(
            frozenset(
                column
                for dimensions in one.system.tables.values()
                for dimension in dimensions
                for column in dimension
            )
            for one in self.releases
        )

    @cached_property
    def views(self) -> tuple[View, ...]:
        """The releases, seen from ``cells``."""
        views, start = [], 0
        for release, columns in zip(self.releases, self.columns, strict=True):
            views.append(self._view(release, start, columns))
            start += len(release.system.atoms)
        return tuple(views)

    def _view(self, release: Protected, start: int, columns: frozenset[str]) -> View:
        rows = holding(self.cells, release.system.atoms)
        told = np.array([all(column in columns for column, _ in cell) for cell in self.cells], dtype=bool)
        shown = dict(zip(release.system.cells, ~release.suppressed, strict=True))
        return View(
            release=release,
            start=start,
            rows=rows,
            counts=np.rint(rows @ release.system.people).astype(np.int64),
            is_told=told,
            is_cell=np.array([cell in shown for cell in self.cells], dtype=bool),
            is_published=np.array([shown.get(cell, False) for cell in self.cells], dtype=bool),
        )

    @property
    def people(self) -> int:
        """How many variables are numbers of people; they come first."""
        return sum(len(one.system.atoms) for one in self.releases)

    def placed(self, view: View, rows: Rows, offset: int = 0) -> Rows:
        """Rows over a release's classes as rows over the numbers of people of all (or what lies at ``offset``)."""
        coordinates = rows.tocoo()
        return sparse.csr_array(
            (coordinates.data, (coordinates.row, coordinates.col + view.start + offset)),
            shape=(rows.shape[0], offset + self.people),
        )

    @cached_property
    def steps(self) -> tuple[Step, ...]:
        """From which release to which later one nobody left, as far as both can tell."""
        adjacent = set(pairwise(range(len(self.releases))))
        found = []
        for before, after in combinations(range(len(self.releases)), 2):
            common = self.columns[before] & self.columns[after]
            is_new = any(not common <= self.columns[between] for between in range(before + 1, after))
            if (before, after) in adjacent or is_new:
                found.append(self._step(before, after, common))
        return tuple(step for step in found if step is not None)

    def _step(self, before: int, after: int, common: frozenset[str]) -> Step | None:
        one, other = self.views[before], self.views[after]
        classes = tuple(
            sorted(
                {
                    frozenset(pair for pair in atom if pair[0] in common)
                    for view in (one, other)
                    for atom in view.release.system.atoms
                },
                key=sorted,
            )
        )
        before_rows = holding(classes, one.release.system.atoms)
        after_rows = holding(classes, other.release.system.atoms)
        earlier = before_rows @ one.release.system.people
        later = after_rows @ other.release.system.people
        if (later < earlier).any():
            return None
        if (later == earlier).all():
            return Step(before, after, classes, before_rows, after_rows, np.ones(len(classes), dtype=bool))
        # Nobody left, and as many are there: a published count that did not change says so of all classes in it.
        is_same = one.is_published & other.is_published & (one.counts == other.counts)
        same = holding((self.cells[row] for row in np.flatnonzero(is_same)), classes)
        return Step(before, after, classes, before_rows, after_rows, same.sum(axis=0) > 0)

    def tables(self, people: Sums) -> tuple[Counts, ...]:
        """Numbers of people, of all releases after one another, as a table of ``atoms`` each."""
        place = {atom: number for number, atom in enumerate(self.atoms)}
        found = []
        for view in self.views:
            table = np.zeros(len(self.atoms), dtype=np.int64)
            own = [place[atom] for atom in view.release.system.atoms]
            table[own] = np.rint(people[view.places]).astype(np.int64)
            found.append(table)
        return tuple(found)

    @cached_property
    def magnitudes(self) -> dict[str, dict[int, Magnitude]]:
        """By name, what is summed up, by the position of the release."""
        found: dict[str, dict[int, Magnitude]] = {}
        for position, release in enumerate(self.releases):
            for magnitude in release.system.magnitudes:
                found.setdefault(magnitude.name, {})[position] = magnitude
        return found
