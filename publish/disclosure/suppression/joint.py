"""Several releases of one population as one system: what was published before is known still.

Nothing links two releases but that people stay: if in truth nobody left an atom, it may be known that nobody did,
and then each release's atoms have at least the people of the one before.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import sparse

from publish.disclosure.suppression.classes import Classes
from publish.disclosure.suppression.program import FREE, HARD, Frame, Target
from publish.disclosure.tables import Counts, Pairs, Protected, System


@dataclass(frozen=True, eq=False)
class Joint:
    """The earlier releases, then the new one.

    Args:
        system: the new release.
        classes: its distinct cells.
        earlier: the earlier releases, the oldest first.
    """

    system: System
    classes: Classes
    earlier: Sequence[Protected]

    @cached_property
    def _systems(self) -> list[System]:
        return [*(release.system for release in self.earlier), self.system]

    @cached_property
    def _offsets(self) -> Counts:
        return np.cumsum([0, *(len(system.atoms) for system in self._systems)])

    @cached_property
    def _atoms(self) -> list[dict[Pairs, int]]:
        """By release, each atom's variable."""
        return [
            {atom: int(offset) + number for number, atom in enumerate(system.atoms)}
            for system, offset in zip(self._systems, self._offsets[:-1], strict=True)
        ]

    @cached_property
    def people(self) -> Counts:
        """By variable, the true number."""
        return np.concatenate([system.people for system in self._systems])

    def frame(self, cells: Sequence[Pairs], are_kept: bool) -> Frame | None:
        """The releases' atoms; after their cells, the change of each of ``cells`` since each earlier release.

        Args:
            cells: whose changes are cells too.
            are_kept: with the knowledge that nobody left. None if that is not true.
        """
        parts = [release.system.incidence for release in self.earlier]
        groups = [np.where(release.suppressed, FREE, HARD) for release in self.earlier]
        table = sparse.block_diag([*parts, self.classes.members], format="csr")
        changes = [self._change(cell, since) for cell in cells for since in range(len(self.earlier))]
        group = np.concatenate([*groups, np.arange(len(self.classes.counts)), np.full(len(changes), FREE)])
        rows = sparse.vstack([table, *changes], format="csr")
        whole = np.ones(len(self.people), dtype=bool)
        if not are_kept:
            return Frame(self.people.astype(float), whole, rows, group)
        kept = self._kept()
        least = -(kept @ self.people)
        if (least > 0).any():
            return None
        return Frame(self.people.astype(float), whole, rows, group, kept, least)

    def row(self, cell: Pairs, release: int) -> int | None:
        """A cell's row in the frame, by the release's position; None if it is not in that release."""
        place = self._places[release].get(cell)
        if place is None:
            return None
        before = sum(len(system.cells) for system in self._systems[:release])
        return before + (int(self.classes.of_cell[place]) if release == len(self.earlier) else place)

    @cached_property
    def _places(self) -> list[dict[Pairs, int]]:
        return [{cell: row for row, cell in enumerate(system.cells)} for system in self._systems]

    def targets(self, cells: Sequence[Pairs], threshold: int) -> list[Target]:
        """What other tables should be possible for these cells: in each release, and of each change."""
        found = []
        last = len(self.earlier)
        changes = sum(len(system.cells) for system in self._systems[:last]) + len(self.classes.counts)
        for number, cell in enumerate(cells):
            counts = [self._count(cell, release) for release in range(last + 1)]
            for release, count in enumerate(counts):
                row = self.row(cell, release)
                if row is not None:
                    found += _far_enough(row, count, threshold)
            for since in range(last):
                row = changes + number * last + since
                found += _far_enough(row, counts[last] - counts[since], threshold)
        return found

    def _count(self, cell: Pairs, release: int) -> int:
        place = self._places[release].get(cell)
        return 0 if place is None else int(self._systems[release].counts[place])

    def _change(self, cell: Pairs, since: int) -> sparse.csr_array:
        row = np.zeros(len(self.people))
        for release, sign in ((len(self.earlier), 1.0), (since, -1.0)):
            for atom, variable in self._atoms[release].items():
                if cell <= atom:
                    row[variable] = sign
        return sparse.csr_array(row[None, :])

    def _kept(self) -> sparse.csr_array:
        """By atom and release, the people since then; none of it is below zero if nobody left."""
        entries: list[tuple[int, int, float]] = []
        number = 0
        for before, after in zip(self._atoms, self._atoms[1:], strict=False):
            for atom, variable in before.items():
                entries.append((number, variable, -1.0))
                if atom in after:
                    entries.append((number, after[atom], 1.0))
                number += 1
        rows, columns, values = zip(*entries, strict=True)
        return sparse.csr_array((values, (rows, columns)), shape=(number, len(self.people)))


def _far_enough(row: int, count: int, threshold: int) -> list[Target]:
    """None, and the threshold or more, in place of a count (or of a change, either way) that is protected."""
    if not 1 <= abs(count) < threshold:
        return []
    away = float(threshold - count if count > 0 else -threshold - count)
    return [Target(row, float(-count), False), Target(row, away, True)]
