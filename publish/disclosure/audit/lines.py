"""What has to stay open: for each protected count, change and sum, how low and how high it must possibly be."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, combinations
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from publish.disclosure.audit.equations import Summed, Written
from publish.disclosure.audit.joint import Joint, Rows, View
from publish.disclosure.results import Gap
from publish.disclosure.tables import Mask, Pairs, Sums

Kind = Literal["count", "change", "sum"]


@dataclass(frozen=True)
class About:
    """Of what a line is.

    Args:
        kind: a cell's count, its change between two releases, or what its people's parts come to.
        cell: which.
        release: in which release, by position; of a change, the later one.
        since: of a change, the earlier release.
        name: of a sum, what is summed up.
    """

    kind: Kind
    cell: Pairs
    release: int
    since: int | None = None
    name: str = ""


@dataclass(frozen=True, eq=False)
class Lines:
    """What has to stay open, a row each.

    Args:
        about: of what.
        rows: over the variables.
        truth: its true value.
        low, high: it must possibly be as low and as high; of a change, ``high`` is the size of it.
    """

    about: tuple[About, ...]
    rows: Rows
    truth: Sums
    low: Sums
    high: Sums

    @cached_property
    def is_change(self) -> Mask:
        """By row, whether it is a change."""
        return np.array([one.kind == "change" for one in self.about], dtype=bool)

    @cached_property
    def is_count(self) -> Mask:
        """By row, whether it is a count."""
        return np.array([one.kind == "count" for one in self.about], dtype=bool)

    @cached_property
    def _places(self) -> dict[Pairs, list[int]]:
        places: dict[Pairs, list[int]] = {}
        for number in np.flatnonzero(self.is_count):
            places.setdefault(self.about[number].cell, []).append(int(number))
        return places

    @cached_property
    def _releases(self) -> NDArray[np.int64]:
        return np.array([one.release for one in self.about], dtype=np.int64)

    def of_release(self, release: int) -> Mask:
        """By row, whether it is of a release."""
        is_of: Mask = self._releases == release
        return is_of

    def is_around(self, pairs: Pairs) -> Mask:
        """By row, whether it is the count of a cell that all people with some pairs are in."""
        around: Mask = np.zeros(len(self.about), dtype=np.bool_)
        chosen = chain.from_iterable(combinations(pairs, size) for size in range(len(pairs) + 1))
        around[[number for part in chosen for number in self._places.get(frozenset(part), ())]] = True
        return around

    def only(self, *kinds: Kind) -> Lines:
        """The lines of some kinds."""
        where = np.flatnonzero([one.kind in kinds for one in self.about])
        about = tuple(self.about[number] for number in where)
        return Lines(about, self.rows[where], self.truth[where], self.low[where], self.high[where])


@dataclass(frozen=True, eq=False)
class Open:
    """One line before they are put together."""

    about: About
    row: Rows
    low: float
    high: float


def lines_of(written: Written, truth: Sums) -> tuple[Lines, tuple[Gap, ...]]:
    """All lines, and what published cells tell without any subtraction."""
    joint = written.joint
    lines: list[Open] = []
    gaps: list[Gap] = []
    for found in (_counts(written), _changes(written), _sums(written), _sum_changes(joint)):
        for one in found:
            if isinstance(one, Gap):
                gaps.append(one)
            else:
                lines.append(one)
    rows = sparse.csr_array(
        sparse.vstack([one.row for one in lines], format="csr") if lines else (0, written.width)
    )
    low, high = (
        np.array(ends, dtype=np.float64) for ends in ([one.low for one in lines], [one.high for one in lines])
    )
    return Lines(tuple(one.about for one in lines), rows, rows @ truth, low, high), tuple(gaps)


def _counts(written: Written) -> Iterator[Open | Gap]:
    joint = written.joint
    for position, view in enumerate(joint.views):
        where = np.flatnonzero(view.is_protected)
        rows = written.over_people(view, view.rows[where])
        for number, cell in enumerate(where):
            if view.is_published[cell]:
                yield Gap(joint.cells[cell], "system", "its count is protected, and is published")
            else:
                about = About("count", joint.cells[cell], position)
                yield Open(about, rows[[number]], 0.0, float(view.threshold))


def _changes(written: Written) -> Iterator[Open | Gap]:
    joint = written.joint
    for before, after in combinations(range(len(joint.views)), 2):
        one, other = joint.views[before], joint.views[after]
        size = np.abs(other.counts - one.counts)
        threshold = max(one.threshold, other.threshold)
        is_seen = one.is_told & other.is_told & (one.is_cell | other.is_cell)
        where = np.flatnonzero(is_seen & (size >= 1) & (size < threshold))
        rows = written.over_people(other, other.rows[where]) - written.over_people(one, one.rows[where])
        for number, cell in enumerate(where):
            if one.is_published[cell] and other.is_published[cell]:
                why = "its published count changes from one release to another by fewer people than may be told"
                yield Gap(joint.cells[cell], "releases", why)
            else:
                about = About("change", joint.cells[cell], after, before)
                yield Open(about, rows[[number]], 0.0, float(threshold))


def _sums(written: Written) -> Iterator[Open | Gap]:
    joint = written.joint
    for summed in written.summed:
        for position in summed.by_release:
            view = joint.views[position]
            distance = _distances(summed, position, view)
            where = np.flatnonzero(view.is_cell & (distance > 0))
            rows = written.over_sums(summed, view, view.rows[where])
            truth = rows[:, summed.offset :] @ summed.truth
            for number, cell in enumerate(where):
                if view.is_published[cell]:
                    why = f"one person's part in its {summed.name} could be told from its sum, and it is published"
                    yield Gap(joint.cells[cell], "sum", why)
                    continue
                low, high = truth[number] - distance[cell], truth[number] + distance[cell]
                # Whoever knows nothing but the bounds knows on which side of 0 a sum lies.
                low = max(low, 0.0) if summed.least.min() >= 0 else low
                high = min(high, 0.0) if summed.most.max() <= 0 else high
                yield Open(About("sum", joint.cells[cell], position, None, summed.name), rows[[number]], low, high)


def _distances(summed: Summed, position: int, view: View) -> Sums:
    """By cell, how far from its true sum another must be possible, in units; 0 where nothing is protected."""
    percent = view.release.system.rule.p_percent
    magnitude = summed.by_release[position]
    if percent is None:
        return np.zeros(view.rows.shape[0])
    absolute = view.rows @ magnitude.absolute
    distances = np.zeros(view.rows.shape[0])
    for cell in np.flatnonzero(view.is_cell):
        inside = view.rows.indices[view.rows.indptr[cell] : view.rows.indptr[cell + 1]]
        parts = np.sort(np.concatenate([[0.0, 0.0], magnitude.largest[inside], magnitude.second[inside]]))
        wanted = percent / 100 * parts[-1]
        others = 0.0 if view.is_protected[cell] else max(absolute[cell] - parts[-1] - parts[-2], 0.0)
        # A sum that is not quite far enough by a rounding error is far enough.
        distances[cell] = wanted - others if wanted - others > 1e-9 * wanted else 0.0
    return distances / summed.unit


def _sum_changes(joint: Joint) -> Iterator[Gap]:
    """Published sums that change while too few people came or went."""
    for before, after in combinations(range(len(joint.views)), 2):
        one, other = joint.views[before], joint.views[after]
        threshold = max(one.threshold, other.threshold)
        is_few = one.is_published & other.is_published & (np.abs(other.counts - one.counts) < threshold)
        for name, by_release in joint.magnitudes.items():
            if before not in by_release or after not in by_release:
                continue
            earlier, later = one.rows @ by_release[before].sums, other.rows @ by_release[after].sums
            for cell in np.flatnonzero(is_few & ~np.isclose(earlier, later, rtol=1e-9, atol=1e-9)):
                why = f"its published {name} changes from one release to another, and too few people come or go"
                yield Gap(joint.cells[cell], "releases", why)
