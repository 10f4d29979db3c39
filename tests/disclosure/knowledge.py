"""What follows from equations on whole numbers: by row reduction, by linear programs, by integer programs.

An attacker's arithmetic, shared with neither side of what it attacks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, milp

Vector = NDArray[np.float64]
Flags = NDArray[np.bool_]
NEAR = 1e-6  # closer than this is the same, to a solver of linear programs
PRIME = 2_147_483_629  # below 2**31, so that a product of two remainders fits in 64 bits


@dataclass(frozen=True, eq=False)
class Knowledge:
    """Unknowns with what is known of them.

    Args:
        equal, values: ``equal @ unknowns == values``.
        at_least: ``at_least @ unknowns >= 0``.
        low, high: bounds of each unknown.
        whole: which of the unknowns are whole numbers.
    """

    equal: sparse.csr_array
    values: Vector
    at_least: sparse.csr_array
    low: Vector
    high: Vector
    whole: Flags

    @cached_property
    def narrowed(self) -> Knowledge:
        """The same, with bounds closed where equations leave no choice, over and over."""
        low, high = self.low.copy(), self.high.copy()
        equal = self.equal.tocsr()
        while True:
            before = int((low == high).sum())
            closed = low == high
            rest = self.values - equal @ np.where(closed, low, 0.0)
            for row in range(equal.shape[0]):
                _narrow(
                    equal.indices[equal.indptr[row] : equal.indptr[row + 1]],
                    equal.data[equal.indptr[row] : equal.indptr[row + 1]],
                    float(rest[row]),
                    low,
                    high,
                    closed,
                )
            if int((low == high).sum()) == before:
                return replace(self, low=low, high=high)

    @cached_property
    def _program(self) -> tuple[Flags, sparse.csc_array, Vector, Vector]:
        """The free unknowns, and the rows that still say something of them, with their bounds."""
        known = self.narrowed
        free = known.low < known.high
        closed = np.where(free, 0.0, known.low)
        equal, least = known.equal[:, free], known.at_least[:, free]
        lower = np.concatenate([known.values - known.equal @ closed, -(known.at_least @ closed)])
        upper = np.concatenate([known.values - known.equal @ closed, np.full(least.shape[0], np.inf)])
        rows = sparse.vstack([equal, least], format="csr")
        says = np.diff(rows.indptr) > 0
        return free, sparse.csc_array(rows[says]), lower[says], upper[says]

    def solved(
        self, aim: Vector, is_whole: bool = False, seconds: float = 5.0, within: tuple[float, float] | None = None
    ) -> tuple[str, Vector | None]:
        """Unknowns that make ``aim @ unknowns`` least.

        Args:
            aim: of every unknown.
            is_whole: whether whole unknowns have to be.
            seconds: after which an integer program is given up.
            within: bounds of ``aim @ unknowns``; then any will do.

        Returns:
            ``found``, ``none`` if there are none, ``unknown`` if time was up; with the unknowns, if found.
        """
        known, (free, rows, lower, upper) = self.narrowed, self._program
        fixed = np.where(free, 0.0, known.low)
        if within is not None:
            rows = sparse.csc_array(sparse.vstack([rows, aim[free][None, :]]))
            lower, upper = np.append(lower, within[0] - aim @ fixed), np.append(upper, within[1] - aim @ fixed)
        if not free.any():
            fits = bool(np.all(lower <= NEAR) and np.all(upper >= -NEAR))
            return ("found", fixed) if fits else ("none", None)
        answer = milp(
            np.zeros(int(free.sum())) if within is not None else aim[free],
            constraints=LinearConstraint(rows, lower, upper) if rows.shape[0] else (),
            bounds=Bounds(known.low[free], known.high[free]),
            integrality=known.whole[free].astype(int) if is_whole else None,
            options={"time_limit": seconds} if is_whole else {},
        )
        if answer.x is None:
            return ("none" if answer.status == 2 else "unknown"), None
        fixed[free] = answer.x
        return "found", fixed

    def is_of_whole_numbers(self, unknowns: Vector) -> bool:
        """Whether a solution has whole numbers where there are to be some."""
        part = unknowns[self.whole]
        return bool(np.all(np.abs(part - np.rint(part)) < NEAR))


def _narrow(
    columns: NDArray[np.int32], parts: Vector, rest: float, low: Vector, high: Vector, closed: Flags
) -> None:
    """Close bounds by one equation, of which ``rest`` is left for what is not closed yet."""
    is_open = ~closed[columns]
    free = columns[is_open]
    if len(free) == 1:
        low[free] = high[free] = rest / parts[is_open][0]
    elif len(free) and abs(rest) < NEAR and np.all(low[free] >= 0) and np.all(parts[is_open] > 0):
        high[free] = low[free] = 0.0


def row_reduced(equal: sparse.csr_array, values: Vector, asked: sparse.csr_array) -> dict[int, int]:
    """Which of the asked sums follow from the equations by adding and subtracting them, and what they are.

    Exact: on whole numbers, modulo a prime that is greater than any count.

    Returns:
        By row of ``asked``, its sum.
    """
    table = np.hstack([equal.toarray(), values[:, None]]).astype(np.int64) % PRIME
    left = np.hstack([asked.toarray(), np.zeros((asked.shape[0], 1))]).astype(np.int64) % PRIME
    row = 0
    for column in range(table.shape[1] - 1):
        found = np.flatnonzero(table[row:, column])
        if not len(found):
            continue
        table[[row, row + found[0]]] = table[[row + found[0], row]]
        table[row] = table[row] * pow(int(table[row, column]), -1, PRIME) % PRIME
        for other in (table[row + 1 :], left):
            other -= other[:, column : column + 1] * table[row] % PRIME
            other %= PRIME
        row += 1
        if row == len(table):
            break
    follows = ~left[:, :-1].any(axis=1)
    sums = (-left[:, -1]) % PRIME
    return {
        int(number): int(sums[number] - PRIME if sums[number] > PRIME // 2 else sums[number])
        for number in np.flatnonzero(follows)
    }


@dataclass(eq=False)
class Probe:
    """How far sums of unknowns can be pushed: what solutions show that they could be.

    Args:
        knowledge: of the unknowns.
        asked: sums by row.
    """

    knowledge: Knowledge
    asked: sparse.csr_array

    def __post_init__(self) -> None:
        count = self.asked.shape[0]
        self._aims: Vector = self.asked.toarray()
        # As far as any solution shows; as far as solutions of whole numbers show.
        self.low, self.high = np.full(count, np.inf), np.full(count, -np.inf)
        self.whole_low, self.whole_high = self.low.copy(), self.high.copy()
        self.solutions: list[Vector] = []

    def see(self, unknowns: Vector) -> None:
        """Take a solution in."""
        sums = self.asked @ unknowns
        self.low, self.high = np.minimum(self.low, sums), np.maximum(self.high, sums)
        if self.knowledge.is_of_whole_numbers(unknowns):
            self.whole_low, self.whole_high = np.minimum(self.whole_low, sums), np.maximum(self.whole_high, sums)
            self.solutions.append(unknowns)

    def push(self, wanted: Sequence[int], sign: int, bounds: Vector, tries: int = 3) -> None:
        """Several sums at once down (``sign`` 1) or up (-1), until each passed its bound or it is of no use."""
        chance = np.random.default_rng(len(wanted))
        for _ in range(tries):
            left = [number for number in wanted if not self._passed(number, sign, bounds, whole=True)]
            if not left:
                return
            weights = np.zeros(self.asked.shape[0])
            weights[left] = chance.uniform(0.5, 1.5, len(left))
            _, unknowns = self.knowledge.solved(sign * (self.asked.T @ weights))
            if unknowns is None:
                return
            self.see(unknowns)

    def _passed(self, number: int, sign: int, bounds: Vector, whole: bool) -> bool:
        low, high = (self.whole_low, self.whole_high) if whole else (self.low, self.high)
        if sign > 0:
            return bool(low[number] <= bounds[number] + NEAR)
        return bool(high[number] >= bounds[number] - NEAR)

    def passes(self, number: int, sign: int, bounds: Vector) -> bool:
        """Whether one sum can pass its bound, by linear programs."""
        if not self._passed(number, sign, bounds, whole=False):
            _, unknowns = self.knowledge.solved(sign * self._aims[number])
            if unknowns is not None:
                self.see(unknowns)
        return self._passed(number, sign, bounds, whole=False)

    def passes_in_whole_numbers(self, number: int, sign: int, bounds: Vector, seconds: float) -> str:
        """``found``, ``none`` or ``unknown``: whether one sum can pass its bound with whole numbers."""
        if self._passed(number, sign, bounds, whole=True):
            return "found"
        within = (-np.inf, bounds[number]) if sign > 0 else (bounds[number], np.inf)
        found, unknowns = self.knowledge.solved(self._aims[number], True, seconds, within)
        if unknowns is not None:
            unknowns = np.where(self.knowledge.whole, np.rint(unknowns), unknowns)
            self.see(unknowns)
        return found

    def interval(self, number: int, is_whole: bool = False, seconds: float = 5.0) -> tuple[float, float]:
        """The least and the greatest that one sum can be; as far as known, if time is up."""
        ends = []
        for sign in (1, -1):
            _, unknowns = self.knowledge.solved(sign * self._aims[number], is_whole, seconds)
            ends.append(-sign * np.inf if unknowns is None else float(self._aims[number] @ unknowns))
            if unknowns is not None:
                self.see(unknowns)
        return ends[0], ends[1]
