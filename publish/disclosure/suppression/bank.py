"""Claims on what is published, and the tables that show them.

A *claim* is that some other table gives all that is published and has a protected cell far enough from the truth.
One table shows many claims at once, so each is kept with all that it shows.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from publish.disclosure.suppression.program import Frame, Target
from publish.disclosure.tables import Counts, Mask, Sums

Claim = tuple[int, ...]
"""A claim's place in the arrays by claim."""


class Claims(Protocol):
    """All claims of one kind.

    ``wanted`` says by claim whether it must hold, ``far`` how far the other table must be from the truth.
    """

    @property
    def frame(self) -> Frame:
        """What moves."""

    @property
    def wanted(self) -> Mask:
        """By claim, whether it must hold."""

    @property
    def far(self) -> Sums:
        """By claim, how far the protected cell must move."""

    def shown_by(self, moves: Sums) -> Mask:
        """By claim, whether a table that differs from the truth by these moves (by variable) shows it."""

    def shown_of(self, claims: Counts, moves: Sums) -> Mask:
        """By claim (of these, each a row) and moves (each a row), whether they show it."""

    def target(self, claim: Claim) -> Target:
        """What a table must have that shows a claim."""


class Bank:
    """Moves to tables that give all that is published, and by claim how many of them show it.

    They stay good while more is suppressed. Of each is known which classes it moves: if one of them is to be
    published, it is given up.
    """

    def __init__(self, claims: Claims, classes: int) -> None:
        self._claims, self._classes = claims, classes
        self._moves: list[Sums] = []
        self._moving: list[Mask] = []
        self._shows: list[Mask] = []
        self.often: NDArray[np.int32] = np.zeros(claims.wanted.shape, dtype=np.int32)
        wanted = np.argwhere(claims.wanted)
        # whoever knows least comes first, and of hers the hardest claim: what shows it often shows others too
        far = claims.far[tuple(wanted.T)]
        self._order = wanted[np.lexsort((*wanted.T[::-1], -far, wanted[:, 0]))]
        self.add(np.zeros(len(claims.frame.capacity)))

    def add(self, moves: Sums) -> None:
        """Keep moves by variable."""
        shows = self._claims.shown_by(moves)
        self._moves.append(moves)
        self._moving.append(self._claims.frame.classes_moved(moves, self._classes))
        self._shows.append(shows)
        self.often += shows

    def open(self, often: NDArray[np.int32]) -> list[Claim]:
        """The claims that nothing shows, by how often each is shown, in the order in which to look for them."""
        missing = self._order[often[tuple(self._order.T)] == 0]
        return [tuple(claim) for claim in missing.tolist()]

    def lost_with(self, published: int) -> tuple[list[Sums], NDArray[np.int32]]:
        """The moves that must be given up if this class is published, and by claim how many others show it."""
        often = self.often.copy()
        lost = [number for number, moving in enumerate(self._moving) if moving[published]]
        for number in lost:
            often -= self._shows[number]
        return [self._moves[number] for number in lost], often

    def give_up(self, published: int) -> None:
        """Give up all moves of this class."""
        _, self.often = self.lost_with(published)
        kept = [number for number, moving in enumerate(self._moving) if not moving[published]]
        self._moves = [self._moves[number] for number in kept]
        self._moving = [self._moving[number] for number in kept]
        self._shows = [self._shows[number] for number in kept]


def combined(moves: list[Sums], along: Sums, capacity: Sums) -> Sums:
    """Differences of two moves each that leave a cell where it is, though either of them moves it: by number.

    They are found in no time, and half of the claims that publishing a cell opens are shown by one of them.

    Args:
        moves: by variable.
        along: by variable, 1 where the cell holds it.
        capacity: by variable, how far down it may go.
    """
    if not moves:
        return np.zeros((0, len(capacity)))
    table = np.array(moves)
    far = np.rint(table @ along)
    found: list[Sums] = []
    for number in range(len(table)):
        others = np.flatnonzero((far != 0) & (np.mod(far[number], np.where(far == 0, 1, far)) == 0))
        others = others[others != number]
        differences = table[number] - (far[number] / far[others])[:, None] * table[others]
        found.append(differences[(differences >= -capacity).all(axis=1)])
    return np.concatenate(found)


def numbers_of(mask: Mask) -> Counts:
    """Where a mask is True."""
    found: Counts = np.flatnonzero(mask)
    return found
