"""What else is not published: claim by claim the cheapest moves, then whatever proves needless is published again."""

from __future__ import annotations

import numpy as np

from publish.disclosure.suppression.claims import Bank, Claim, Claims
from publish.disclosure.suppression.program import Frame, Program, moved, rounded
from publish.disclosure.tables import Counts, Mask, Sums


class Unprovable(Exception):
    """No table was found that shows a claim."""


def frame_of(claims: Claims) -> Frame:
    """The frame of counts alone: a variable an atom, a cell a class."""
    members = claims.classes.members
    return Frame(
        claims.people.astype(float),
        np.ones(len(claims.people), dtype=bool),
        members,
        np.arange(members.shape[0]),
    )


class Search:
    """The state of a search: what is suppressed by class, and the tables that show why that is enough.

    Args:
        claims: what must hold.
        start: the classes that are not published in any case.
    """

    def __init__(self, claims: Claims, start: Mask) -> None:
        self.claims, self.start, self.suppressed = claims, start, start.copy()
        self.frame = frame_of(claims)
        self.bank = Bank(claims)
        self._cheap, self._strict = Program(self.frame), Program(self.frame)

    def protect(self, banned: Mask | None = None) -> None:
        """Suppress more until every claim is shown.

        Raises:
            Unprovable: if one cannot be shown even so.
        """
        if banned is not None:
            self._cheap.close(banned)
        for claim in self.bank.open():
            if not self.bank.shows(claim):
                self._show(claim)

    def _show(self, claim: Claim) -> None:
        target = self.claims.target(claim)
        self._cheap.set_costs(np.where(self.suppressed, 1e-4, self.claims.classes.weights))
        found = self._cheap.solve(target)
        if found is None:
            raise Unprovable
        moves = rounded(self.frame, found)
        if moves is None:
            self._strict.close(~(self.suppressed | moved(self.frame, found)))
            moves = self._strict.solve_whole(target)
        if moves is None:
            moves = self._cheap.solve_whole(target)
        if moves is None:
            raise Unprovable
        self._keep(moves)

    def _keep(self, moves: Sums) -> None:
        moving = moved(self.frame, moves)
        self.suppressed |= moving
        self.bank.add(self._table(moves), moving)

    def _table(self, moves: Sums) -> Counts:
        table: Counts = self.claims.people + np.rint(moves).astype(np.int64)
        return table

    def clean(self) -> None:
        """Publish again what is not needed, the greatest loss first."""
        extra = np.flatnonzero(self.suppressed & ~self.start)
        for number in sorted(extra.tolist(), key=lambda one: (-float(self.claims.classes.weights[one]), one)):
            self._publish_if_needless(number)

    def _publish_if_needless(self, number: int) -> None:
        self.suppressed[number] = False
        found: list[tuple[Counts, Mask]] = []
        often = self.bank.without(number)
        self._strict.close(~self.suppressed)
        for claim in self.bank.open(often):
            if often[claim]:
                continue
            moves = self._strictly(claim)
            if moves is None:
                self.suppressed[number] = True
                return
            found.append((self._table(moves), moved(self.frame, moves)))
            often += self.claims.shown_by(found[-1][0])
        self.bank.give_up(number)
        for table, moving in found:
            self.bank.add(table, moving)

    def _strictly(self, claim: Claim) -> Sums | None:
        target = self.claims.target(claim)
        found = self._strict.solve(target)
        if found is None:
            return None
        moves = rounded(self.frame, found)
        return self._strict.solve_whole(target) if moves is None else moves
