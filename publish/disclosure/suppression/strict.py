"""Whether other tables give exactly what is published: a small linear program of what is left free."""

from __future__ import annotations

import highspy
import numpy as np
from scipy import sparse

from publish.disclosure.suppression.program import FREE, Frame, Target, quiet
from publish.disclosure.tables import Counts, Mask, Sums


class Strict:
    """A frame with what is published of it: only the variables that are not published by themselves may move.

    Of all tables it looks for the nearest ones: these are circuits of few cells, and nearly always whole.

    Args:
        frame: without rules.
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
        chosen = np.concatenate([np.flatnonzero(~opened & several), np.flatnonzero(opened & several)])
        self._row = np.full(len(opened), -1, dtype=np.int64)
        self._row[chosen] = np.arange(len(chosen))
        self._rows = frame.cells[chosen][:, self._free]
        limits = np.where(opened[chosen], np.inf, 0.0)
        width = len(self._free)
        lp = highspy.HighsLp()
        matrix = sparse.hstack([self._rows, -self._rows], format="csc")
        lp.num_row_, lp.num_col_ = matrix.shape
        lp.col_cost_ = np.ones(2 * width)
        self._top = np.concatenate([np.full(width, np.inf), frame.capacity[self._free]])
        lp.col_lower_, lp.col_upper_ = np.zeros(2 * width), self._top
        lp.row_lower_, lp.row_upper_ = -limits, limits
        lp.a_matrix_.format_ = highspy.MatrixFormat.kColwise
        lp.a_matrix_.start_, lp.a_matrix_.index_, lp.a_matrix_.value_ = matrix.indptr, matrix.indices, matrix.data
        self._lp = lp
        self._highs = quiet()
        self._highs.passModel(lp)

    def nearest(self, target: Target) -> Sums | None:
        """The least moves by variable that reach the target; None if there are none."""
        if not self._bind(self._highs, target):
            return None
        if RESET: self._highs.setBasis()
        self._highs.run()
        found = self._highs.getModelStatus() == highspy.HighsModelStatus.kOptimal
        moves = self._spread(np.array(self._highs.getSolution().col_value)) if found else None
        self._release(target)
        return moves

    def whole(self, target: Target, nodes: int = 500) -> Sums | None:
        """The same by whole numbers; None also if none are found within so many nodes of the search."""
        highs = quiet()
        highs.passModel(self._lp)
        if not self._bind(highs, target):
            return None
        width = 2 * len(self._free)
        kinds = np.full(width, highspy.HighsVarType.kInteger)
        highs.changeColsIntegrality(width, np.arange(width, dtype=np.int32), kinds)
        highs.setOptionValue("presolve", "on")
        highs.setOptionValue("mip_max_nodes", nodes)
        highs.setOptionValue("mip_rel_gap", 1.0)
        highs.run()
        if highs.getInfo().primal_solution_status != int(highspy.SolutionStatus.kSolutionStatusFeasible):
            return None
        return np.rint(self._spread(np.array(highs.getSolution().col_value)))

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
