"""What must hold of what is published, and the tables that show it.

A *claim* is that some whole table gives all that is published and has nobody in a protected cell, or the threshold
or more. Whoever is alone in a cell knows more: its people by atom, which are herself. For her, each protected cell
that is not within hers has the two claims again, of tables that agree with what she knows; nobody then means nobody
but her. One table shows many claims at once, so they are kept with all that they show.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from publish.disclosure.suppression.classes import Classes
from publish.disclosure.suppression.program import Target
from publish.disclosure.tables import Counts, Mask

# Which of the two tables
NONE, MANY = 0, 1
Claim = tuple[int, int, int]
"""Who (0: anybody; else one more than the insider's number), the number of the protected cell, NONE or MANY."""


@dataclass(frozen=True, eq=False)
class Claims:
    """All claims of a system.

    Args:
        classes: its distinct cells.
        people: by atom.
        threshold: as in the rule.
        protected: the classes whose counts are protected.
    """

    classes: Classes
    people: Counts
    threshold: int
    protected: Counts

    @cached_property
    def members(self) -> sparse.csr_array:
        """Protected cells by atoms."""
        return self.classes.members[self.protected]

    @cached_property
    def insiders(self) -> Counts:
        """The classes of one person."""
        return self.protected[self.classes.counts[self.protected] == 1]

    @cached_property
    def held(self) -> list[tuple[int, ...]]:
        """By who, the atoms whose people she knows."""
        members = self.classes.members
        return [(), *(tuple(_inside(members, one)) for one in self.insiders.tolist())]

    @cached_property
    def herself(self) -> Counts:
        """By who, her atom; that of anybody is -1."""
        atoms = [max(held, key=lambda atom: int(self.people[atom])) for held in self.held[1:]]
        return np.array([-1, *atoms], dtype=np.int64)

    @cached_property
    def known(self) -> Counts:
        """By who and protected cell, how many of its people she is."""
        known = np.zeros((len(self.held), len(self.protected)), dtype=np.int64)
        if len(self.held) > 1:
            known[1:] = (self.members[:, self.herself[1:]].toarray() > 0).T
        return known

    @cached_property
    def wanted(self) -> Mask:
        """By claim, whether it must hold: a cell within her own tells her nothing."""
        wanted = np.ones((len(self.held), len(self.protected), 2), dtype=bool)
        sizes = np.diff(self.members.indptr)
        for who in range(1, len(self.held)):
            hers = np.zeros(len(self.people))
            hers[list(self.held[who])] = 1.0
            wanted[who, (self.members @ hers) == sizes] = False
        return wanted

    def shown_by(self, table: Counts) -> NDArray[np.bool_]:
        """By claim, whether a table (people by atom) shows it."""
        counts = self.members @ table
        agrees = np.ones(len(self.held), dtype=bool)
        for who in range(1, len(self.held)):
            held = list(self.held[who])
            agrees[who] = np.array_equal(table[held], self.people[held])
        shown = np.stack([counts[None, :] == self.known, np.broadcast_to(counts >= self.threshold, self.known.shape)])
        return np.moveaxis(shown, 0, 2) & agrees[:, None, None]

    def target(self, claim: Claim) -> Target:
        """What a table must have that shows a claim."""
        who, cell, bound = claim
        count = int(self.classes.counts[self.protected[cell]])
        move = self.threshold - count if bound == MANY else int(self.known[who, cell]) - count
        return Target(int(self.protected[cell]), float(move), bound == MANY, self.held[who])


def _inside(members: sparse.csr_array, row: int) -> list[int]:
    atoms: list[int] = members.indices[members.indptr[row] : members.indptr[row + 1]].tolist()
    return atoms


class Bank:
    """Tables that give all that is published, with the claims that they show.

    Tables stay good while more is suppressed. Of each is known which classes it moves: if one of them is to be
    published, it is given up.
    """

    def __init__(self, claims: Claims) -> None:
        self._claims = claims
        self._moves: list[Mask] = []
        self._shows: list[NDArray[np.bool_]] = []
        self.often = np.zeros(claims.wanted.shape, dtype=np.int32)
        self.add(claims.people, np.zeros(len(claims.classes.counts), dtype=bool))

    def add(self, table: Counts, moves: Mask) -> None:
        """Keep a table (people by atom) that moves these classes."""
        shows = self._claims.shown_by(table)
        self._moves.append(moves)
        self._shows.append(shows)
        self.often += shows

    def open(self, often: NDArray[np.int32] | None = None) -> list[Claim]:
        """The claims that no table shows, hardest first: those of the farthest moves."""
        claims = self._claims
        where = np.argwhere(claims.wanted & ((self.often if often is None else often) == 0))
        counts = claims.classes.counts[claims.protected]
        far = {NONE: counts, MANY: claims.threshold - counts}
        order = sorted(map(tuple, where.tolist()), key=lambda claim: (claim[0], -int(far[claim[2]][claim[1]]), claim))
        return [(who, cell, bound) for who, cell, bound in order]

    def shows(self, claim: Claim) -> bool:
        """Whether a table shows the claim."""
        return bool(self.often[claim])

    def without(self, published: int) -> NDArray[np.int32]:
        """By claim, how many tables show it that do not move this class."""
        often = self.often.copy()
        for moves, shows in zip(self._moves, self._shows, strict=True):
            if moves[published]:
                often -= shows
        return often

    def give_up(self, published: int) -> None:
        """Give up the tables that move this class."""
        self.often = self.without(published)
        kept = [number for number, moves in enumerate(self._moves) if not moves[published]]
        self._moves = [self._moves[number] for number in kept]
        self._shows = [self._shows[number] for number in kept]
