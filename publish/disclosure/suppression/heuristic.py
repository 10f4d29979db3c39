"""What else is not published: claim by claim the cheapest moves; then what proves needless is published again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from publish.disclosure.suppression.bank import Bank, Claim, Claims, combined, numbers_of
from publish.disclosure.suppression.classes import Classes
from publish.disclosure.suppression.program import Frame, Program, Target, rounded
from publish.disclosure.suppression.strict import Strict
from publish.disclosure.tables import Mask, Sums

# Cells that are not published anyway: of two ways that lose as much, the one that moves less
_NEXT_TO_NOTHING = 1e-4
# How often moves that are not whole are looked for anew before whole ones are searched for at length. Of those
# left by each attempt, a third to a half are found by the next, at a tenth of the time.
_ATTEMPTS = 3


def costs_of(classes: Classes, suppressed: Mask) -> Sums:
    """By class, what it costs to let it move."""
    costs: Sums = np.where(suppressed, _NEXT_TO_NOTHING, classes.weights)
    return costs


class UnprovableError(Exception):
    """No table was found that shows a claim, whatever else is not published."""


class _Side:
    """Claims of one kind with what shows them."""

    def __init__(self, claims: Claims, classes: int) -> None:
        self.claims = claims
        self.bank = Bank(claims, classes)
        self.cheap = Program(claims.frame)
        self.failed: Counter[Claim] = Counter()
        self._strict: tuple[Strict, Mask] | None = None

    def strict(self, suppressed: Mask) -> Strict:
        """What only moves what is suppressed by class; kept until that is another."""
        if self._strict is None or (self._strict[1] != suppressed).any():
            self._strict = Strict(self.claims.frame, suppressed), suppressed.copy()
        return self._strict[0]


class Search:
    """The state of a search: what is suppressed by class, and the tables that show that it is enough.

    Args:
        classes: the distinct cells.
        claims: what must hold, by kind.
        start: the classes that are not published in any case.
    """

    def __init__(self, classes: Classes, claims: Sequence[Claims], start: Mask) -> None:
        self.classes, self.start, self.suppressed = classes, start, start.copy()
        self._sides = [_Side(each, len(start)) for each in claims]

    @property
    def lost(self) -> float:
        """The weight of what is suppressed."""
        return float(self.classes.weights[self.suppressed].sum())

    def protect(self) -> None:
        """Suppress more until every claim is shown.

        Raises:
            UnprovableError: if one cannot be shown even so.
        """
        for side in self._sides:
            for claim in side.bank.open(side.bank.often):
                if not side.bank.often[claim] and not self._is_shown_now(side, claim):
                    self._show(side, claim)

    def _is_shown_now(self, side: _Side, claim: Claim) -> bool:
        """Whether a claim can be shown with what is suppressed already, as most can."""
        target = side.claims.target(claim)
        moves = _nearest_whole(side.strict(self.suppressed), target, side.claims.frame)
        if moves is not None:
            side.bank.add(moves)
        return moves is not None

    def _show(self, side: _Side, claim: Claim) -> None:
        target, frame = side.claims.target(claim), side.claims.frame
        side.cheap.set_costs(costs_of(self.classes, self.suppressed))
        found = side.cheap.solve(target)
        if found is None:
            raise UnprovableError
        moves = rounded(frame, found)
        if moves is None:
            opened = self.suppressed | frame.classes_moved(found, len(self.suppressed))
            strict = Strict(frame, opened)
            moves = _nearest_whole(strict, target, frame)
            if moves is None:
                moves = strict.whole(target)
        if moves is None:
            moves = side.cheap.solve_whole(target)
        if moves is None:
            raise UnprovableError
        self.suppressed |= frame.classes_moved(moves, len(self.suppressed))
        side.bank.add(moves)

    def clean(self) -> None:
        """Publish again what is not needed, the greatest loss first."""
        extra = numbers_of(self.suppressed & ~self.start).tolist()
        for number in sorted(extra, key=lambda one: (-float(self.classes.weights[one]), one)):
            self._publish_if_needless(number)

    def _publish_if_needless(self, number: int) -> None:
        self.suppressed[number] = False
        found = []
        for side in self._sides:
            shown = self._shown_without(side, number)
            if shown is None:
                self.suppressed[number] = True
                return
            found.append(shown)
        for side, shown in zip(self._sides, found, strict=True):
            side.bank.give_up(number)
            for moves in shown:
                side.bank.add(moves)

    def _shown_without(self, side: _Side, number: int) -> list[Sums] | None:
        """Moves that show all claims that are open once a class is published; None if one cannot be shown."""
        lost, often = side.bank.lost_with(number)
        frame = side.claims.frame
        showing: list[Sums] = []
        if frame.whole.all():
            along = self.classes.members[[number]].toarray()[0]
            _show_many(side, combined(lost, along, frame.capacity), showing, often)
        missing = side.bank.open(often)
        if not missing:
            return showing
        strict = Strict(frame, self.suppressed)
        # what failed before fails first
        missing.sort(key=lambda claim: -side.failed[claim])
        before = len(showing)
        if _show_all(side, strict, missing, showing, often):
            return showing
        # not for nothing: they show these claims all the more with the class suppressed
        for moves in showing[before:]:
            side.bank.add(moves)
        return None


def _nearest_whole(strict: Strict, target: Target, frame: Frame) -> Sums | None:
    """Near whole moves, if some attempt finds them; None also if there are none at all."""
    for attempt in range(_ATTEMPTS):
        found = strict.nearest(target, attempt)
        moves = None if found is None else rounded(frame, found)
        if found is None or moves is not None:
            return moves
    return None


def is_proved(claims: Sequence[Claims], suppressed: Mask) -> bool:
    """Whether every claim can be shown with what is suppressed by class."""
    for each in claims:
        side = _Side(each, len(suppressed))
        missing = side.bank.open(side.bank.often)
        if missing and not _show_all(side, Strict(each.frame, suppressed), missing, [], side.bank.often):
            return False
    return True


def _show_more(side: _Side, moves: Sums, showing: list[Sums], often: NDArray[np.int32]) -> None:
    """Take moves, and count what they show."""
    showing.append(moves)
    often += side.claims.shown_by(moves)


def _show_many(side: _Side, moves: Sums, showing: list[Sums], often: NDArray[np.int32]) -> None:
    """Take those of many moves (one below the other) that show a claim which none before them shows."""
    missing = np.argwhere(side.claims.wanted & (often == 0))
    shown = side.claims.shown_of(missing, moves)
    for number in np.flatnonzero(shown.any(axis=0)).tolist():
        if shown[:, number].any():
            _show_more(side, moves[number], showing, often)
            shown = shown[~shown[:, number]]


def _show_all(
    side: _Side, strict: Strict, missing: list[Claim], showing: list[Sums], often: NDArray[np.int32]
) -> bool:
    """Show all missing claims, and add the moves; False if one cannot be shown."""
    for attempt in range(_ATTEMPTS + 1):
        for claim in missing:
            if often[claim]:
                continue
            target = side.claims.target(claim)
            found = strict.whole(target) if attempt == _ATTEMPTS else strict.nearest(target, attempt)
            if found is None:
                side.failed[claim] += 1
                return False
            moves = rounded(side.claims.frame, found)
            if moves is not None:
                _show_more(side, moves, showing, often)
    return all(often[claim] for claim in missing)
