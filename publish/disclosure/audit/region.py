"""The tables that agree with all that is published: what of them can move, and one of them that is wanted.

The truth is one of them. A variable that the equations fix one after another has its true value, and only what
hangs together with what is asked for is solved; the rest stays as it truly is.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse.csgraph import connected_components

from publish.disclosure.audit.equations import Equations
from publish.disclosure.audit.joint import Rows
from publish.disclosure.tables import Mask, Sums

# How far a sum may be from what it has to be, in units of the greatest part of one person. Numbers of people are
# integers, and exact.
TOLERANCE = 1e-6

# What scipy.optimize.milp gives as its status where its time was over.
OUT_OF_TIME = 1


class NoTimeError(Exception):
    """The time for the proof is over before it is there."""


class Clock:
    """The seconds that are left."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    def left(self) -> float:
        """How many seconds are left.

        Raises:
            NoTimeError: if there are none.
        """
        left = self._end - time.monotonic()
        if left <= 0:
            raise NoTimeError
        return left


@dataclass(frozen=True, eq=False)
class Wish:
    """What a table should have besides: ``low <= rows @ values + helpers_in @ helpers <= high``.

    Args:
        rows: over the variables.
        helpers_in: over helpers, which stand for how near the table comes to what is wanted.
        low, high: by row.
        cost: by helper, what is to be as small as possible.
        gap: how much less than the best will do, as a part of it.
    """

    rows: Rows
    helpers_in: Rows
    low: Sums
    high: Sums
    cost: Sums
    gap: float = 0.0


class Region:
    """All tables that agree with what is published."""

    def __init__(self, equations: Equations, clock: Clock) -> None:
        self._all = equations
        self._clock = clock
        self.truth = equations.truth
        self.is_free = _free(equations)
        moving = equations.rows[:, np.flatnonzero(self.is_free)]
        kept = np.flatnonzero(np.diff(moving.indptr))
        self._rows = sparse.csr_array(equations.rows[kept])
        self._low, self._high = equations.low[kept], equations.high[kept]
        self._activity = self._rows @ self.truth
        self._part = self._parts()

    def _parts(self) -> np.ndarray:
        """By variable, the number of the part that it hangs together with."""
        width = len(self.truth)
        free = self._rows @ sparse.diags_array(self.is_free.astype(np.float64))
        graph = sparse.block_array([[None, free.T], [free, None]], format="csr") if free.shape[0] else None
        return connected_components(graph, directed=False)[1][:width] if graph is not None else np.arange(width)

    def find(self, wish: Wish, held: Mask, most_seconds: float = np.inf) -> Sums | None:
        """A table that has what is wished for, or None if there is none.

        Args:
            wish: what it should have.
            held: by variable, whether it is known to be what it is.
            most_seconds: how long to look for the best; what was found by then will do.

        Raises:
            NoTimeError: if the time is over before one is found or it is clear that there is none.
        """
        can_move = self.is_free & ~held
        asked = np.zeros(len(self.truth), dtype=bool)
        asked[wish.rows.indices] = True
        live = np.flatnonzero(can_move & np.isin(self._part, np.unique(self._part[asked & can_move])))
        if not len(live):
            return None
        found = self._solved(wish, live, most_seconds)
        if found is None:
            return None
        values = self.truth.copy()
        values[live] = found
        values[self._all.is_count] = np.rint(values[self._all.is_count])
        return values if self.agrees(values) else None

    def agrees(self, values: Sums) -> bool:
        """Whether a table, with whole numbers of people, gives all that is published."""
        given = self._rows @ values
        is_within = (given >= self._low - TOLERANCE) & (given <= self._high + TOLERANCE)
        return bool(is_within.all() and (values >= self._all.lowest).all())

    def _solved(self, wish: Wish, live: np.ndarray, most_seconds: float) -> Sums | None:
        own = self._rows[:, live]
        kept = np.flatnonzero(np.diff(own.indptr))
        own = own[kept]
        rest = self._activity[kept] - own @ self.truth[live]
        wished = wish.rows[:, live]
        besides = wish.rows @ self.truth - wished @ self.truth[live]
        helpers = len(wish.cost)
        rows = sparse.block_array(
            [[own, sparse.csr_array((len(kept), helpers))], [wished, wish.helpers_in]], format="csc"
        )
        low = np.concatenate([self._low[kept] - rest, wish.low - besides])
        high = np.concatenate([self._high[kept] - rest, wish.high - besides])
        result = milp(
            np.concatenate([np.zeros(len(live)), wish.cost]),
            constraints=LinearConstraint(rows, low, high),
            integrality=np.concatenate([self._all.is_count[live], np.zeros(helpers)]),
            bounds=Bounds(
                np.concatenate([self._all.lowest[live], np.full(helpers, -np.inf)]),
                np.concatenate([self._all.highest[live], np.full(helpers, np.inf)]),
            ),
            options={"time_limit": min(self._clock.left(), most_seconds), "mip_rel_gap": wish.gap},
        )
        if result.x is None and result.status == OUT_OF_TIME and most_seconds == np.inf:
            raise NoTimeError
        return None if result.x is None else np.asarray(result.x[: len(live)], dtype=np.float64)


def _free(equations: Equations) -> Mask:
    """By variable, whether the equations one by one leave it open."""
    rows = sparse.csr_array(equations.rows[np.flatnonzero(equations.low == equations.high)])
    present = sparse.csr_array((np.abs(np.sign(rows.data)), rows.indices, rows.indptr), shape=rows.shape)
    # A row that adds up numbers of people to nobody leaves none anywhere in it.
    is_sum = np.asarray((rows < 0).sum(axis=1) == 0) & np.asarray(present[:, ~equations.is_count].sum(axis=1) == 0)
    free: Mask = np.ones(len(equations.truth), dtype=bool)
    people = int(equations.is_count.sum())
    while True:
        moving = free.astype(np.float64)
        count = present @ moving
        fixing = (count == 1) | (is_sum & (rows @ (equations.truth * moving) == 0) & (count > 0))
        fixed = free & (present.T @ fixing.astype(np.float64) > 0)
        # Where nobody is, there is nothing to sum up.
        is_nobody = ~(free & ~fixed)[:people] & (equations.truth[:people] == 0)
        fixed |= free & np.resize(is_nobody, len(free)) if len(free) else fixed
        if not fixed.any():
            return free
        free = free & ~fixed
