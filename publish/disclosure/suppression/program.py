"""Moves from the truth to another table, as one linear program that is changed a little and solved again.

A variable is the number of people (or what is added up over them) in an atom; a *move* is how far another table's
value lies above or below the truth. A cell's move is the sum of its atoms'. A published cell does not move; what
it costs to let it move is what is lost by not publishing it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import cast

import highspy
import numpy as np
from scipy import sparse

from publish.disclosure.tables import Counts, Mask, Sums

# Instead of the number of a class: the cell may move and costs nothing; the cell must not move.
FREE, HARD = -1, -2
_TOLERANCE = 1e-6


@dataclass(frozen=True, eq=False)
class Frame:
    """What moves, and what of it is seen.

    Args:
        capacity: by variable, how far it may go down; infinite if only rules bind it.
        whole: by variable, whether it counts people, so that it moves by whole numbers.
        cells: cells by variables.
        group: by cell, the number of its class, or FREE or HARD.
        rules: further rows by variables.
        least: by rule, the least that it may come to, as a move; there is no greatest.
    """

    capacity: Sums
    whole: Mask
    cells: sparse.csr_array
    group: Counts
    rules: sparse.csr_array | None = None
    least: Sums | None = None

    @cached_property
    def own(self) -> Counts:
        """By cell, the variable that is all it holds, or -1 if it holds several (or another cell has it)."""
        own = np.full(self.cells.shape[0], -1, dtype=np.int64)
        taken: set[int] = set()
        for row in np.flatnonzero(np.diff(self.cells.indptr) == 1).tolist():
            place = self.cells.indptr[row]
            variable = int(self.cells.indices[place])
            if self.cells.data[place] == 1 and variable not in taken:
                own[row] = variable
                taken.add(variable)
        return own

    @cached_property
    def several(self) -> Counts:
        """The cells that have a row and columns of their own."""
        return np.flatnonzero(self.own < 0)

    @cached_property
    def columns(self) -> Counts:
        """By cell, the number of the column of its upward move; the downward one's is ``width`` more."""
        columns = self.own.copy()
        columns[self.several] = len(self.capacity) + np.arange(len(self.several))
        return columns

    @cached_property
    def width(self) -> int:
        """How many upward columns there are: one a variable, and one a cell of several."""
        return len(self.capacity) + len(self.several)

    @cached_property
    def group_of_column(self) -> Counts:
        """By upward column, the class of the cell that it moves, FREE or HARD."""
        groups = np.full(self.width, FREE, dtype=np.int64)
        groups[self.columns] = self.group
        return groups

    @cached_property
    def reach(self) -> Sums:
        """By upward column, how far down it may go."""
        reach = np.full(self.width, np.inf)
        reach[: len(self.capacity)] = self.capacity
        return reach

    def classes_moved(self, moves: Sums, classes: int) -> Mask:
        """By class, whether any of its cells moves."""
        seen: Mask = np.zeros(classes, dtype=bool)
        groups = self.group[np.abs(self.cells @ moves) > _TOLERANCE]
        seen[groups[groups >= 0]] = True
        return seen

    def model(self) -> highspy.HighsLp:
        """The program without costs, targets and closed cells."""
        cells = self.cells[self.several]
        ones = sparse.eye_array(len(self.several), format="csr")
        half = sparse.hstack([cells, -ones], format="csr")
        lower = upper = np.zeros(len(self.several))
        if self.rules is not None and self.least is not None:
            empty = sparse.csr_array((self.rules.shape[0], len(self.several)))
            half = sparse.vstack([half, sparse.hstack([self.rules, empty])], format="csr")
            lower = np.concatenate([lower, self.least])
            upper = np.concatenate([upper, np.full(len(self.least), np.inf)])
        matrix = sparse.hstack([half, -half], format="csc")
        top = np.concatenate([np.full(self.width, np.inf), self.reach])
        return linear_program(matrix, top, lower, upper, np.zeros(2 * self.width))


@dataclass(frozen=True)
class Target:
    """What another table must have: a cell's move.

    Args:
        cell: the row of the frame's cells.
        move: exactly so far, or with ``further`` at least so far in that direction.
        held: variables that must not move.
    """

    cell: int
    move: float
    further: bool
    held: tuple[int, ...] = ()


class Program:
    """A frame's linear program, solved again and again for other targets.

    Two ways to use it: with costs, moves are as cheap as possible, and what moves must not be published; with
    closed classes, only what is not published may move.
    """

    def __init__(self, frame: Frame) -> None:
        self.frame = frame
        self._highs = quiet()
        self._highs.passModel(frame.model())
        hard = np.flatnonzero(frame.group_of_column == HARD)
        self._top = np.concatenate([np.full(frame.width, np.inf), frame.reach])
        self._top[hard] = 0.0
        self._top[frame.width + hard] = 0.0
        self._costs = np.zeros(2 * frame.width)
        self._set_bounds(np.concatenate([hard, frame.width + hard]))

    def set_costs(self, costs: Sums) -> None:
        """By class, what a move of one costs."""
        group = self.frame.group_of_column
        half = np.where(group >= 0, costs[np.maximum(group, 0)], 0.0)
        wanted = np.concatenate([half, half])
        changed = np.flatnonzero(wanted != self._costs).astype(np.int32)
        if len(changed):
            self._highs.changeColsCost(len(changed), changed, wanted[changed])
            self._costs = wanted

    def close(self, closed: Mask) -> None:
        """By class, whether it must not move."""
        group = self.frame.group_of_column
        shut = np.where(group >= 0, closed[np.maximum(group, 0)], group == HARD)
        top = np.concatenate([np.where(shut, 0.0, np.inf), np.where(shut, 0.0, self.frame.reach)])
        changed = np.flatnonzero(top != self._top)
        self._top = top
        self._set_bounds(changed)

    def _set_bounds(self, columns: Counts) -> None:
        if len(columns):
            chosen = columns.astype(np.int32)
            self._highs.changeColsBounds(len(chosen), chosen, np.zeros(len(chosen)), self._top[columns])

    def bounds(self, target: Target) -> tuple[Counts, Sums, Sums]:
        """The columns that a target binds, and between which values."""
        frame, held = self.frame, np.array(target.held, dtype=np.int64)
        column = int(frame.columns[target.cell])
        up, down = max(target.move, 0.0), max(-target.move, 0.0)
        none = np.zeros(2 * len(held))
        columns = np.concatenate([held, held + frame.width, [column, column + frame.width]])
        lower = np.concatenate([none, [up, down]])
        upper = np.concatenate([none, [up, down]])
        if target.further:
            moving = -2 if target.move > 0 else -1
            upper[moving] = self._top[columns[moving]]
        return columns, lower, upper

    def solve(self, target: Target) -> Sums | None:
        """The moves by variable, as cheap as can be; None if there are none."""
        columns, lower, upper = self.bounds(target)
        if np.any(lower > self._top[columns]):
            return None
        self._highs.changeColsBounds(len(columns), columns.astype(np.int32), lower, upper)
        # from scratch: no moves at all is nearer to the cheapest ones than those for the last target are
        self._highs.setBasis()
        self._highs.run()
        found = self._highs.getModelStatus() == highspy.HighsModelStatus.kOptimal
        moves = self._difference(np.array(self._highs.getSolution().col_value)) if found else None
        self._set_bounds(columns)
        return moves

    def solve_whole(self, target: Target, nodes: int = 500) -> Sums | None:
        """As ``solve``, with people as whole numbers; None also if none are found within so many nodes."""
        columns, lower, upper = self.bounds(target)
        if np.any(lower > self._top[columns]):
            return None
        highs = quiet()
        highs.passModel(self._highs.getLp())
        highs.changeColsBounds(len(columns), columns.astype(np.int32), lower, upper)
        whole = np.flatnonzero(self.frame.whole)
        values = whole_numbers(highs, np.concatenate([whole, whole + self.frame.width]), nodes)
        return None if values is None else self._difference(values)

    def _difference(self, values: Sums) -> Sums:
        width, variables = self.frame.width, len(self.frame.capacity)
        moves: Sums = values[:variables] - values[width : width + variables]
        return moves


def linear_program(matrix: sparse.csc_array, top: Sums, lower: Sums, upper: Sums, costs: Sums) -> highspy.HighsLp:
    """A program of columns between 0 and ``top``, and rows between ``lower`` and ``upper``, as cheap as can be."""
    lp = highspy.HighsLp()
    lp.num_row_, lp.num_col_ = matrix.shape
    lp.col_cost_, lp.col_lower_, lp.col_upper_ = costs, np.zeros(len(top)), top
    lp.row_lower_, lp.row_upper_ = lower, upper
    lp.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    lp.a_matrix_.start_, lp.a_matrix_.index_, lp.a_matrix_.value_ = matrix.indptr, matrix.indices, matrix.data
    return lp


def whole_numbers(highs: highspy.Highs, columns: Counts, nodes: int) -> Sums | None:
    """The values of a model's columns, of which these are whole numbers; not the cheapest, but one of the cheap.

    None if there are none, or if none are found within so many nodes of the search: no clock, for the same system
    shall always have the same answer.
    """
    kinds = np.full(len(columns), highspy.HighsVarType.kInteger)
    highs.changeColsIntegrality(len(columns), columns.astype(np.int32), kinds)
    highs.setOptionValue("presolve", "on")
    highs.setOptionValue("mip_max_nodes", nodes)
    highs.setOptionValue("mip_rel_gap", 0.2)
    highs.run()
    if highs.getInfo().primal_solution_status != int(highspy.SolutionStatus.kSolutionStatusFeasible):
        return None
    values: Sums = np.array(highs.getSolution().col_value)
    values[columns] = np.rint(values[columns])
    return values


def quiet() -> highspy.Highs:
    """A solver that says nothing and always does the same: one thread, no presolving of what is solved again."""
    # The solver itself: the class around it prints a line when one is made, before it can be told not to (1.16).
    highs = cast(highspy.Highs, highspy._core._Highs())
    options: dict[str, bool | int | str] = {
        "output_flag": False,
        "threads": 1,
        "random_seed": 0,
        "presolve": "off",
    }
    for name, value in options.items():
        highs.setOptionValue(name, value)
    return highs


def rounded(frame: Frame, moves: Sums) -> Sums | None:
    """The moves with people as whole numbers, if they are but for the solver's tolerance."""
    whole = np.where(frame.whole, np.rint(moves), moves)
    return whole if float(np.abs(whole - moves).max(initial=0.0)) < _TOLERANCE else None
