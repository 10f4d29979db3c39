"""Whether other tables give exactly what is published: a small linear program of what is left free."""

from __future__ import annotations

import highspy
import numpy as np
from scipy import sparse

from publish.disclosure.suppression.program import FREE, Frame, Target, linear_program, quiet, whole_numbers
from publish.disclosure.tables import Counts, Mask, Sums

# How many values are held one after another, to come to whole ones
_DEEPEST = 12
_TOLERANCE = 1e-6


class Strict:
    """A frame with what is published of it: only the variables that are not published by themselves may move.

    Of all tables it looks for the nearest ones: these are circuits of few cells, and nearly always whole.

    Args:
        frame: what moves.
        suppressed: by class.
    """

    def __init__(self, frame: Frame, suppressed: Mask) -> None:
        opened = (frame.group == FREE) | ((frame.group >= 0) & suppressed[np.maximum(frame.group, 0)])
        several = frame.own < 0
        free = np.ones(len(frame.capacity), dtype=bool)
        free[frame.own[~opened & ~several]] = False
        self._frame = frame
        self._free = np.flatnonzero(free)
        self._place = np.full(len(free), -1, dtype=np.int64)
        self._place[self._free] = np.arange(len(self._free))
        chosen = np.flatnonzero(several)
        self._row = np.full(len(opened), -1, dtype=np.int64)
        self._row[chosen] = np.arange(len(chosen))
        self._top = np.concatenate([np.full(len(self._free), np.inf), frame.capacity[self._free]])
        self._costs = np.ones(2 * len(self._free))
        self._whole = np.tile(frame.whole[self._free], 2)
        self._lp = self._model(chosen, np.where(opened[chosen], np.inf, 0.0))
        self._highs = quiet()
        self._highs.passModel(self._lp)

    def _model(self, cells: Counts, limits: Sums) -> highspy.HighsLp:
        rows = self._frame.cells[cells]
        lower, upper = -limits, limits
        if self._frame.rules is not None and self._frame.least is not None:
            rows = sparse.vstack([rows, self._frame.rules], format="csr")
            lower = np.concatenate([lower, self._frame.least])
            upper = np.concatenate([upper, np.full(len(self._frame.least), np.inf)])
        rows = rows[:, self._free]
        return linear_program(sparse.hstack([rows, -rows], format="csc"), self._top, lower, upper, self._costs)

    def nearest(self, target: Target, attempt: int = 0) -> Sums | None:
        """The least moves by variable that reach the target; None if there are none.

        If they are not whole, near ones that are, unless none are found at once. Each further attempt measures
        nearness otherwise, and so finds other moves if there are others.
        """
        if not self._bind(self._highs, target):
            return None
        self._measure(attempt)
        # from scratch: what was best for the last target is farther off than no moves at all
        self._highs.setBasis()
        values = self._solved()
        if values is not None:
            values = self._dive(values)
        self._release(target)
        return None if values is None else self._spread(values)

    def _solved(self) -> Sums | None:
        self._highs.run()
        found = self._highs.getModelStatus() == highspy.HighsModelStatus.kOptimal
        return np.array(self._highs.getSolution().col_value) if found else None

    def _dive(self, values: Sums) -> Sums:
        """Whole values near these, by holding one after another at the whole number below; else these.

        Most of what is not whole is whole after a step or two, each of few iterations, where a search for whole
        numbers takes twenty times as long.
        """
        bound: list[int] = []
        found: Sums | None = values
        while found is not None and len(bound) <= _DEEPEST:
            parted = np.flatnonzero(self._whole & (np.abs(found - np.rint(found)) > _TOLERANCE))
            if not len(parted):
                break
            bound.append(int(parted[0]))
            self._highs.changeColBounds(bound[-1], *[float(np.floor(found[bound[-1]]))] * 2)
            found = self._solved()
        if bound:
            columns = np.unique(bound).astype(np.int32)
            self._highs.changeColsBounds(len(columns), columns, np.zeros(len(columns)), self._top[columns])
        return values if found is None else found

    def _measure(self, attempt: int) -> None:
        width = len(self._costs)
        costs = np.random.default_rng(attempt).uniform(1, 3, width) if attempt else np.ones(width)
        changed = np.flatnonzero(costs != self._costs).astype(np.int32)
        if len(changed):
            self._highs.changeColsCost(len(changed), changed, costs[changed])
            self._costs = costs

    def whole(self, target: Target, nodes: int = 500) -> Sums | None:
        """The same by whole numbers; None also if none are found within so many nodes of the search."""
        highs = quiet()
        highs.passModel(self._lp)
        if not self._bind(highs, target):
            return None
        whole = np.flatnonzero(self._frame.whole[self._free])
        moves = whole_numbers(highs, np.concatenate([whole, whole + len(self._free)]), nodes)
        return None if moves is None else self._spread(moves)

    def _bind(self, highs: highspy.Highs, target: Target) -> bool:
        width = len(self._free)
        held = self._places(target.held)
        columns = np.concatenate([held, held + width])
        highs.changeColsBounds(len(columns), columns, np.zeros(len(columns)), np.zeros(len(columns)))
        ends = (target.move, np.inf) if target.move > 0 else (-np.inf, target.move)
        if not target.further:
            ends = (target.move, target.move)
        row = int(self._row[target.cell])
        if row >= 0:
            highs.changeRowBounds(row, *ends)
            return True
        place = int(self._place[self._frame.own[target.cell]])
        if place < 0 or target.move < -self._top[width + place]:
            return False
        up, down = max(target.move, 0.0), max(-target.move, 0.0)
        highs.changeColBounds(place, up, np.inf if target.further and up else up)
        highs.changeColBounds(width + place, down, down)
        return True

    def _release(self, target: Target) -> None:
        width = len(self._free)
        held = self._places(target.held)
        row = int(self._row[target.cell])
        if row >= 0:
            self._highs.changeRowBounds(row, -np.inf, np.inf)
        else:
            held = np.append(held, self._place[self._frame.own[target.cell]]).astype(np.int32)
        columns = np.concatenate([held, held + width])
        self._highs.changeColsBounds(len(columns), columns, np.zeros(len(columns)), self._top[columns])

    def _places(self, held: tuple[int, ...]) -> Counts:
        places = self._place[list(held)]
        return places[places >= 0].astype(np.int32)

    def _spread(self, values: Sums) -> Sums:
        moves, width = np.zeros(len(self._place)), len(self._free)
        moves[self._free] = values[:width] - values[width:]
        return moves
