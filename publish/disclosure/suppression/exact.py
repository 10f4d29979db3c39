"""The pattern of the least loss, by cutting planes: for small systems, and to measure the heuristic by.

A main program chooses the cells; for each claim a linear program says how far the protected cell can move then. If
that is not far enough, its dual values say which cells could have let it move farther: a *capacity cut*, that of
these enough must be chosen. (M. Fischetti, J. J. Salazar: Models and algorithms for the 2-dimensional cell
suppression problem in statistical disclosure control, Mathematical Programming 84, 1999.) Linear programs do not
prove whole tables: a pattern that stands is proved by such, and if it cannot be, it is cut off with all within it.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import highspy
import numpy as np
from scipy import sparse

from publish.disclosure.suppression.bank import Claim, Claims
from publish.disclosure.suppression.classes import Classes
from publish.disclosure.suppression.heuristic import is_proved
from publish.disclosure.suppression.program import linear_program, quiet
from publish.disclosure.tables import Counts, Mask, Sums

_TOLERANCE = 1e-6
# Rounds in which cells are chosen in part: they give most cuts, at little time
_PARTLY = 30
# Cuts a round: the next choice makes most others of the same kind needless
_AT_ONCE = 60


@dataclass(frozen=True, eq=False)
class _Cut:
    """Of these classes so much must be chosen, each counting by its coefficient."""

    classes: Counts
    coefficients: Sums
    least: float


class _Separation:
    """How far protected cells can move when cells are chosen, in part or wholly."""

    def __init__(self, claims: Claims, classes: int) -> None:
        self.claims, self._classes = claims, classes
        frame = claims.frame
        self._frame = frame
        self._group = np.concatenate([frame.group_of_column, frame.group_of_column])
        self._reach = np.concatenate([np.full(frame.width, np.inf), frame.reach])
        self._highs = quiet()
        self._highs.passModel(frame.model())
        self._top = self._reach
        self._columns = np.arange(2 * frame.width, dtype=np.int32)

    def choose(self, chosen: Sums, far: float) -> None:
        """Let every cell move as far as it is chosen: wholly, without limit; in part, that part of so far."""
        share = np.where(self._group >= 0, chosen[np.maximum(self._group, 0)], 1.0)
        part = share * np.minimum(self._reach, far)
        self._top = np.where(share >= 1 - 1e-9, self._reach, np.where(share < 1e-9, 0.0, part))
        self._highs.changeColsBounds(len(self._top), self._columns, np.zeros(len(self._top)), self._top)

    def cut(self, claim: Claim, chosen: Sums) -> _Cut | None:
        """The cut that says why the protected cell cannot move far enough; None if it can."""
        target, width = self.claims.target(claim), self._frame.width
        wanted = abs(target.move)
        if not wanted:
            return None
        up = int(self._frame.columns[target.cell])
        going, back = (up, up + width) if target.move > 0 else (up + width, up)
        held = np.array(target.held, dtype=np.int64)
        bound = np.concatenate([[going, back], held, held + width]).astype(np.int32)
        top = self._top.copy()
        top[bound[1:]] = 0.0
        top[going] = min(wanted, top[going])
        self._highs.changeColsBounds(len(bound), bound, np.zeros(len(bound)), top[bound])
        self._highs.changeColCost(going, -1.0)
        self._highs.run()
        far, duals = -self._highs.getInfo().objective_function_value, self._highs.getSolution().col_dual
        self._highs.changeColCost(going, 0.0)
        self._highs.changeColsBounds(len(bound), bound, np.zeros(len(bound)), self._top[bound])
        if far >= wanted - _TOLERANCE:
            return None
        prices = np.maximum(0.0, -np.array(duals))
        prices[(prices < 1e-7) | ~np.isfinite(top)] = 0.0
        # what is held does not move however much is chosen, nor does the protected cell move back
        prices[bound] = 0.0
        return self._capacity_cut(prices, top, far, wanted, chosen)

    def _capacity_cut(self, prices: Sums, top: Sums, far: float, wanted: float, chosen: Sums) -> _Cut:
        priced = np.flatnonzero((prices > 0) & (self._group >= 0))
        rest = wanted - (far - float(prices[priced] @ top[priced]))
        worth = np.minimum(prices[priced] * self._reach[priced], max(rest, 0.0))
        by_class = np.minimum(np.bincount(self._group[priced], worth, self._classes), max(rest, 0.0))
        if rest > _TOLERANCE and by_class @ chosen < rest - _TOLERANCE:
            where = np.flatnonzero(by_class > 0)
            return _Cut(where, by_class[where] / rest, 1.0)
        return _beyond(chosen)


def _beyond(chosen: Sums) -> _Cut:
    """That a cell must be chosen which is not chosen at all: no pattern within one that fails is enough."""
    where = np.flatnonzero(chosen < 1 - 1e-9)
    return _Cut(where, np.ones(len(where)), 1.0)


class _Main:
    """The program that chooses classes: the least loss that all cuts allow."""

    def __init__(self, weights: Sums, start: Mask) -> None:
        self._highs = quiet()
        self._columns = np.arange(len(weights), dtype=np.int32)
        none = np.zeros(0)
        matrix = sparse.csc_array((0, len(weights)))
        self._highs.passModel(linear_program(matrix, np.ones(len(weights)), none, none, weights))
        fixed = np.flatnonzero(start).astype(np.int32)
        self._highs.changeColsBounds(len(fixed), fixed, np.ones(len(fixed)), np.ones(len(fixed)))

    def add(self, cuts: Sequence[_Cut]) -> None:
        for cut in cuts:
            where = cut.classes.astype(np.int32)
            self._highs.addRow(cut.least, highspy.kHighsInf, len(where), where, cut.coefficients)

    def choose_wholly(self) -> None:
        """From now on, choose a class or not."""
        kinds = np.full(len(self._columns), highspy.HighsVarType.kInteger)
        self._highs.changeColsIntegrality(len(kinds), self._columns, kinds)
        self._highs.setOptionValue("presolve", "on")
        self._highs.setOptionValue("mip_rel_gap", 1e-6)

    def choose(self, nodes: int, seconds: float) -> Sums | None:
        """By class, how much of it is chosen; None if that was not found in time."""
        self._highs.setOptionValue("mip_max_nodes", nodes)
        self._highs.setOptionValue("time_limit", self._highs.getRunTime() + seconds)
        self._highs.run()
        if self._highs.getModelStatus() != highspy.HighsModelStatus.kOptimal:
            return None
        return np.array(self._highs.getSolution().col_value)


@dataclass(frozen=True)
class Effort:
    """How long to look for the optimum. By the clock two runs may differ; by rounds and nodes they do not."""

    seconds: float = highspy.kHighsInf
    rounds: int = 10_000
    nodes: int = 2**31 - 1


def optimum(classes: Classes, claims: Sequence[Claims], start: Mask, effort: Effort) -> Mask | None:
    """By class, whether it is suppressed in the pattern of the least weight; None if it was not found in time."""
    ends = time.monotonic() + effort.seconds
    sides = [_Separation(each, len(start)) for each in claims]
    main = _Main(classes.weights, start)
    for number in range(effort.rounds):
        if number == _PARTLY:
            main.choose_wholly()
        left = ends - time.monotonic()
        chosen = main.choose(effort.nodes, left) if left > 0 else None
        if chosen is None:
            return None
        in_part = number < _PARTLY and bool(((chosen > 1e-6) & (chosen < 1 - 1e-6)).any())
        if not in_part:
            chosen = np.rint(chosen)
        cuts = [cut for side in sides for cut in _violated(side, chosen, ends)]
        if cuts:
            main.add(cuts)
        elif in_part:
            main.choose_wholly()
        elif is_proved(claims, chosen > 0.5):
            # no choice loses less, not even one in part
            return chosen > 0.5
        else:
            main.add([_beyond(chosen)])
    return None


def _violated(side: _Separation, chosen: Sums, ends: float) -> list[_Cut]:
    """Cuts for claims that do not stand: anybody's first, and not too many at once."""
    side.choose(chosen, float(side.claims.far.max(initial=1.0)))
    cuts: list[_Cut] = []
    for claim in np.argwhere(side.claims.wanted).tolist():
        if len(cuts) >= _AT_ONCE or time.monotonic() > ends:
            break
        cut = side.cut(tuple(claim), chosen)
        if cut is not None:
            cuts.append(cut)
    return cuts
