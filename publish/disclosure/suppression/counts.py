"""The claims on protected counts: of anybody, and of whoever is alone in a cell.

For each protected count there is a whole table with nobody in its cell, and another with the threshold or more.
Whoever is alone in a cell knows more: its people by atom, which are herself. For her, each protected cell that
is not within hers has the two claims again, of tables that agree with what she knows; nobody then means nobody but
her.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import sparse

from publish.disclosure.suppression.bank import Claim
from publish.disclosure.suppression.classes import Classes
from publish.disclosure.suppression.program import Frame, Target
from publish.disclosure.suppression.together import frame_of
from publish.disclosure.tables import Counts, Magnitude, Mask, Sums

# Which of the two tables
_NONE, _MANY = 0, 1


@dataclass(frozen=True, eq=False)
class CountClaims:
    """All claims on counts. A claim is who (0: anybody; else an insider), which protected cell, which table.

    Args:
        classes: the distinct cells.
        people: by atom.
        threshold: as in the rule.
        protected: the numbers of the classes whose counts are protected.
        magnitudes: whose sums are published.
    """

    classes: Classes
    people: Counts
    threshold: int
    protected: Counts
    magnitudes: tuple[Magnitude, ...] = ()

    @cached_property
    def frame(self) -> Frame:
        """Whole counts, and the sums that are published with them."""
        return frame_of(self.classes, self.people, self.magnitudes, are_whole=True)

    @cached_property
    def members(self) -> sparse.csr_array:
        """Protected cells by atoms."""
        return self.classes.members[self.protected]

    @cached_property
    def held(self) -> tuple[tuple[int, ...], ...]:
        """By who, the atoms whose people she knows: those of the cell in which she is alone."""
        alone = np.flatnonzero(self.classes.counts[self.protected] == 1).tolist()
        members = self.members
        atoms = [members.indices[members.indptr[row] : members.indptr[row + 1]].tolist() for row in alone]
        return ((), *(tuple(inside) for inside in atoms))

    @cached_property
    def known(self) -> Counts:
        """By who and protected cell, how many of its people she is."""
        known = np.zeros((len(self.held), len(self.protected)), dtype=np.int64)
        herself = [max(held, key=lambda atom: int(self.people[atom])) for held in self.held[1:]]
        if herself:
            known[1:] = (self.members[:, herself].toarray() > 0).T
        return known

    @cached_property
    def wanted(self) -> Mask:
        """By claim, whether it must hold: a cell within her own tells her nothing."""
        wanted = np.ones((len(self.held), len(self.protected), 2), dtype=bool)
        sizes = np.diff(self.members.indptr)
        for who, held in enumerate(self.held[1:], start=1):
            hers = np.zeros(len(self.people))
            hers[list(held)] = 1.0
            wanted[who, (self.members @ hers) == sizes] = False
        return wanted

    @cached_property
    def far(self) -> Sums:
        """By claim, how many people the cell must lose or win."""
        counts = self.classes.counts[self.protected]
        far: Sums = np.stack([counts - self.known, np.broadcast_to(self.threshold - counts, self.known.shape)], 2)
        return far.astype(float)

    @cached_property
    def _watched(self) -> tuple[Counts, Counts]:
        """Every atom that somebody knows, with who it is."""
        pairs = [(atom, who) for who, held in enumerate(self.held) for atom in held]
        atoms, whose = zip(*pairs, strict=True) if pairs else ((), ())
        return np.array(atoms, dtype=np.int64), np.array(whose, dtype=np.int64)

    def shown_by(self, moves: Sums) -> Mask:
        """By claim, whether the table shows it."""
        counts = self.classes.counts[self.protected] + np.rint(self.members @ moves[: len(self.people)]).astype(
            np.int64
        )
        atoms, whose = self._watched
        agrees = np.ones(len(self.held), dtype=bool)
        agrees[whose[np.abs(moves[atoms]) > 0.5]] = False
        shown = np.zeros(self.wanted.shape, dtype=bool)
        shown[agrees, :, _NONE] = counts == self.known[agrees]
        shown[agrees, :, _MANY] = counts >= self.threshold
        return shown

    def shown_of(self, claims: Counts, moves: Sums) -> Mask:
        """By claim and moves, whether the table shows it."""
        who, cell, bound = claims.T
        asked, place = np.unique(cell, return_inverse=True)
        moved = np.rint(self.members[asked] @ moves[:, : len(self.people)].T)[place]
        far = self.far[tuple(claims.T)][:, None]
        shown: Mask = np.where((bound == _NONE)[:, None], moved == -far, moved >= far)
        atoms, whose = self._watched
        for one in np.unique(who).tolist():
            hers = atoms[whose == one]
            shown[who == one] &= ~(np.abs(moves[:, hers]) > 0.5).any(axis=1)
        return shown

    def target(self, claim: Claim) -> Target:
        """What a table must have that shows a claim."""
        who, cell, bound = claim
        far = float(self.far[claim])
        # she also knows her own part of every sum
        layers = range(len(self.magnitudes) + 1)
        held = tuple(atom + layer * len(self.people) for layer in layers for atom in self.held[who])
        return Target(int(self.protected[cell]), far if bound == _MANY else -far, bound == _MANY, held)
