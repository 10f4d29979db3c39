"""Tables that show all that has to stay open, as few as will do: many at once, then one by one what is left.

One table in which many protected cells are empty at once shows it for all of them, and for every insider whose
knowledge it agrees with.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from publish.disclosure.audit.insiders import Insider
from publish.disclosure.audit.lines import Lines
from publish.disclosure.audit.region import TOLERANCE, Region, Wish
from publish.disclosure.tables import Mask, Sums

End = Literal["low", "high"]
# Who, which line and which end of it.
Vain = tuple[int, int, End]
ENDS: tuple[End, End] = ("low", "high")

# How long to look for a table that shows much at once. What was found by then will do.
SECONDS_FOR_MANY = 2.0
# How much fewer than the most possible cells it may show, as a part of them.
GAP_FOR_MANY = 0.1
# With less left than this for insiders, it is looked for one by one.
ENOUGH_FOR_GROUPS = 8
# As long as a table shows so much of what was left, the next one is looked for with the same people held.
WORTH_ANOTHER = 0.1


@dataclass(frozen=True, eq=False)
class Shown:
    """A table, and what it shows first of what no table before it did.

    Args:
        values: by variable.
        line, end: which end of which line.
        who: the number of the insider, counted from 1, or 0 for everybody.
        covers: by insider (0 for everybody), line and end, whether it shows it.
    """

    values: Sums
    line: int
    end: End
    who: int
    covers: NDArray[np.bool_]


class Cover:
    """What was shown so far, and by which tables."""

    def __init__(self, region: Region, lines: Lines, insiders: tuple[Insider, ...]) -> None:
        self.region, self.lines, self.insiders = region, lines, insiders
        width, number = len(region.truth), len(lines.about)
        self.held = np.array([np.zeros(width, dtype=bool), *(one.held for one in insiders)])
        self._is_in = np.array([np.zeros(number, dtype=bool), *(one.is_in for one in insiders)])
        wanted = [np.ones(number, dtype=bool), *(lines.is_count & ~one.is_hers for one in insiders)]
        # By insider, line and end. That nobody but herself is in a cell needs no table where it is true.
        self.wanted = np.repeat(np.array(wanted)[:, :, None], 2, axis=2)
        self.wanted[:, :, 0] &= ~(self._is_in & (lines.truth == 1))
        self.shown = np.zeros_like(self.wanted)
        self.pool: list[Shown] = []
        self._is_change = lines.is_change

    def left(self, who: NDArray[np.intp], end: End) -> NDArray[np.int64]:
        """By line, for how many of some insiders an end is not shown."""
        place = ENDS.index(end)
        left: NDArray[np.int64] = (self.wanted & ~self.shown)[who, :, place].sum(axis=0)
        return left

    def add(self, values: Sums) -> bool:
        """Take a table for what it shows; False if that was all shown before."""
        at = self.lines.rows @ values
        at = np.where(self._is_change, np.abs(at), at)
        agrees = (np.abs(values - self.region.truth)[None, :] * self.held).max(axis=1, initial=0.0) <= TOLERANCE
        low = at[None, :] <= np.where(self._is_in, 1.0, self.lines.low) + TOLERANCE
        high = np.broadcast_to(at >= self.lines.high - TOLERANCE, low.shape)
        covers = np.stack([low, high], axis=2) & agrees[:, None, None] & self.wanted
        new = np.argwhere(covers & ~self.shown)
        if not len(new):
            return False
        who, line, end = (int(part) for part in new[0])
        self.shown |= covers
        self.pool.append(Shown(values, line, ENDS[end], who, covers))
        return True

    def needed(self) -> list[Shown]:
        """The tables without those that show nothing that no other does."""
        times = np.zeros(self.wanted.shape, dtype=np.int64)
        for one in self.pool:
            times += one.covers
        kept = []
        for one in self.pool:
            if (times[one.covers] > 1).all():
                times -= one.covers
            else:
                kept.append(one)
        return kept

    def show_many(self, who: NDArray[np.intp], besides: Mask | None = None) -> None:
        """Look for tables that agree with what all of some insiders know and show as much as they can for them.

        Args:
            who: numbers of insiders, counted from 1; 0 is everybody.
            besides: by variable, what is to be as it truly is besides.
        """
        held: Mask = np.any(self.held[who] if besides is None else [besides, *self.held[who]], axis=0)
        for end in ENDS:
            while (weights := self.left(who, end)).any():
                found = self.region.find(self._many(weights, end), held, SECONDS_FOR_MANY)
                if found is None or not self.add(found):
                    break
                # The last ones show little, and mostly what other groups' tables show as well.
                if self.left(who, end).sum() > (1 - WORTH_ANOTHER) * weights.sum():
                    break

    def _many(self, weights: NDArray[np.int64], end: End) -> Wish:
        """As many lines as possible as near to their end as possible."""
        lines = np.flatnonzero(weights)
        rows, number = self.lines.rows[lines], len(lines)
        sign = np.where(self._is_change[lines] & (self.lines.truth[lines] < 0), -1.0, 1.0)
        far = np.full(number, np.inf)
        at = self.lines.low[lines] if end == "low" else self.lines.high[lines]
        distance = np.maximum(np.abs(at - self.lines.truth[lines]), TOLERANCE)
        cost = weights[lines] / distance
        signed = sparse.csr_array(sparse.diags_array(sign) @ rows)
        one, none = sparse.eye_array(number, format="csr"), np.zeros(number)
        if end == "high":
            # A helper is no more than the line, and no more than is wanted of it.
            rows_of = sparse.vstack([signed, sparse.csr_array(rows.shape)], format="csr")
            helpers = sparse.vstack([-one, one], format="csr")
            return Wish(rows_of, helpers, np.r_[none, -far], np.r_[far, at], -cost, GAP_FOR_MANY)
        # A helper is no less than the line, nor than its opposite if it is a change, nor than is wanted.
        turned = sparse.csr_array(sparse.diags_array(np.where(self._is_change[lines], -1.0, 0.0)) @ rows)
        rows_of = sparse.vstack([rows, turned, sparse.csr_array(rows.shape)], format="csr")
        helpers = sparse.vstack([-one, -one, one], format="csr")
        low = np.r_[-far, -far, at]
        high = np.r_[none, np.where(self._is_change[lines], 0.0, far), far]
        return Wish(rows_of, helpers, low, high, cost, GAP_FOR_MANY)

    def show_rest(self, who: int) -> list[Vain]:
        """Look for each thing that is not shown for one insider; what there is no table for."""
        vain: list[Vain] = []
        for end in ENDS:
            for line in np.flatnonzero(self.left(np.array([who]), end)):
                if not self.shown[who, line, ENDS.index(end)] and not self.show_one(who, int(line), end):
                    vain.append((who, int(line), end))
        return vain

    def show_one(self, who: int, line: int, end: End) -> bool:
        """Look for a table that shows one thing for one insider (0 for everybody)."""
        row = self.lines.rows[[line]]
        is_change = bool(self._is_change[line])
        low, high = self.lines.low[line], self.lines.high[line]
        if end == "low":
            at = 1.0 if self._is_in[who, line] else low
            choices = [(0.0 if is_change else -np.inf, at)]
        else:
            choices = [(high, np.inf), (-np.inf, -high)] if is_change else [(high, np.inf)]
        helpers = sparse.csr_array((1, 0))
        for least, most in choices:
            wish = Wish(row, helpers, np.array([least]), np.array([most]), np.zeros(0))
            found = self.region.find(wish, self.held[who])
            if found is not None and self.add(found):
                return True
        return bool(self.shown[who, line, ENDS.index(end)])

    def groups(self) -> Iterator[NDArray[np.intp]]:
        """Groups of insiders that something is left for, from all of them to few; the same ones every time."""
        draw = np.random.default_rng(8)
        part = 1.0
        while part * len(self.insiders) >= 1:
            left = self.wanted[1:] & ~self.shown[1:]
            who = np.flatnonzero(left.any(axis=(1, 2))) + 1
            if left.sum() < ENOUGH_FOR_GROUPS:
                return
            yield np.sort(draw.choice(who, max(1, round(part * len(who))), replace=False))
            # All of them at once leave what they are to learn nothing of each other; smaller groups only where
            # nothing was shown for a greater one.
            if part == 1.0 or (self.wanted[1:] & ~self.shown[1:]).sum() == left.sum():
                part /= 2
