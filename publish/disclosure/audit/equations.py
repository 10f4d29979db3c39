"""What is published as equations, and the sums of what people gave within the bounds that everybody knows."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import sparse

from publish.disclosure.audit.joint import Joint, Rows, Step, View
from publish.disclosure.tables import Magnitude, Mask, Sums

# Where a magnitude has no bound, parts of up to so many times the greatest true one are held for possible. Whoever
# reads holds more for possible: what is proved with fewer tables is proved.
UNBOUNDED = 100.0


@dataclass(frozen=True, eq=False)
class Equations:
    """``low <= rows @ values <= high``, which the truth fulfils, over numbers of people and then sums.

    Args:
        rows: the left sides.
        low, high: the right sides; equal where something is published.
        truth: what the variables are.
        lowest, highest: what everybody knows of a variable alone.
        is_count: by variable, whether it is a number of people.
    """

    rows: Rows
    low: Sums
    high: Sums
    truth: Sums
    lowest: Sums
    highest: Sums
    is_count: Mask


@dataclass(frozen=True, eq=False)
class Summed:
    """One magnitude over all releases, its parts in units of the greatest possible one.

    Args:
        name: the column.
        by_release: the magnitude, by the position of each release that has it.
        unit: what the sums are divided by, so that a solver's tolerance means the same for all.
        offset: the place of the first of its sums among the variables.
        truth: the true sums by class, of all releases after one another.
        least, most: of one person's part, by class.
    """

    name: str
    by_release: dict[int, Magnitude]
    unit: float
    offset: int
    truth: Sums
    least: Sums
    most: Sums


class Written:
    """The equations of all releases together."""

    def __init__(self, joint: Joint) -> None:
        self.joint = joint
        self.summed = tuple(
            _summed(joint, name, (number + 1) * joint.people) for number, name in enumerate(joint.magnitudes)
        )
        self.width = (1 + len(self.summed)) * joint.people

    @cached_property
    def equations(self) -> Equations:
        """All that is known, from what is published and what is granted."""
        parts: list[tuple[Rows, Sums, Sums]] = []
        truth = np.concatenate(
            [one.system.people.astype(np.float64) for one in self.joint.releases]
            + [summed.truth for summed in self.summed]
        )
        for view in self.joint.views:
            parts.append(_equal(self.over_people(view, view.rows[view.is_published]), truth))
        for step in self.joint.steps:
            parts.extend(self._nobody_left(step, truth))
        for summed in self.summed:
            parts.extend(self._of_sums(summed, truth))
        is_count = np.arange(self.width) < self.joint.people
        return Equations(
            rows=sparse.csr_array(sparse.vstack([rows for rows, _, _ in parts], format="csr")),
            low=np.concatenate([low for _, low, _ in parts]),
            high=np.concatenate([high for _, _, high in parts]),
            truth=truth,
            lowest=np.where(is_count, 0.0, -np.inf),
            highest=np.full(self.width, np.inf),
            is_count=is_count,
        )

    def over_people(self, view: View, rows: Rows) -> Rows:
        """Rows over a release's classes as rows over all variables."""
        return self._wide(self.joint.placed(view, rows))

    def over_sums(self, summed: Summed, view: View, rows: Rows) -> Rows:
        """The same of what their parts come to."""
        return self._wide(self.joint.placed(view, rows, summed.offset))

    def _wide(self, rows: Rows) -> Rows:
        return sparse.csr_array((rows.data, rows.indices, rows.indptr), shape=(rows.shape[0], self.width))

    def _nobody_left(self, step: Step, truth: Sums) -> list[tuple[Rows, Sums, Sums]]:
        before, after = self.joint.views[step.before], self.joint.views[step.after]
        change = self.over_people(after, step.after_rows) - self.over_people(before, step.before_rows)
        parts = [_equal(change[step.is_equal], truth), _at_least(change[~step.is_equal])]
        for summed in self.summed:
            if step.before in summed.by_release and step.after in summed.by_release:
                of_sums = self.over_sums(summed, after, step.after_rows)
                of_sums = of_sums - self.over_sums(summed, before, step.before_rows)
                own = np.r_[before.places, after.places]
                least, most = summed.least[own].min(initial=0.0), summed.most[own].max(initial=0.0)
                rows = [of_sums - least * change, most * change - of_sums]
                # Granted as well that nobody's part changed, where the truth agrees.
                if all((one @ truth > -1e-9).all() for one in rows):
                    parts.extend(_at_least(one) for one in rows)
        return parts

    def _of_sums(self, summed: Summed, truth: Sums) -> list[tuple[Rows, Sums, Sums]]:
        people = self.joint.people
        every = sparse.csr_array(sparse.eye_array(people, self.width, k=summed.offset, format="csr"))
        numbers = sparse.csr_array(sparse.eye_array(people, self.width, format="csr"))
        parts = [
            _at_least(every - sparse.diags_array(summed.least) @ numbers),
            _at_least(sparse.diags_array(summed.most) @ numbers - every),
        ]
        for position, view in enumerate(self.joint.views):
            if position in summed.by_release:
                parts.append(_equal(self.over_sums(summed, view, view.rows[view.is_published]), truth))
        return parts


def _equal(rows: Rows, truth: Sums) -> tuple[Rows, Sums, Sums]:
    values: Sums = rows @ truth
    return rows, values, values


def _at_least(rows: Rows) -> tuple[Rows, Sums, Sums]:
    return rows, np.zeros(rows.shape[0]), np.full(rows.shape[0], np.inf)


def _summed(joint: Joint, name: str, offset: int) -> Summed:
    """A magnitude's sums and bounds. A class whose true parts are beyond the bounds has wider ones."""
    by_release = joint.magnitudes[name]
    found = by_release.values()
    bounds = [abs(bound) for one in found for bound in (one.minimum, one.maximum) if np.isfinite(bound)]
    greatest = max((float(one.largest.max(initial=0.0)) for one in found), default=0.0)
    unit = max([*bounds, greatest]) or 1.0
    truth, least, most = (np.zeros(joint.people) for _ in range(3))
    for position, one in by_release.items():
        view = joint.views[position]
        own = view.places
        people = view.release.system.people
        mean = np.divide(one.sums, people, out=np.zeros(len(people)), where=people > 0)
        wide = UNBOUNDED * max(greatest, 1.0)
        truth[own] = np.where(people > 0, one.sums, 0.0) / unit
        least[own] = np.minimum(one.minimum if np.isfinite(one.minimum) else -wide, mean) / unit
        most[own] = np.maximum(one.maximum if np.isfinite(one.maximum) else wide, mean) / unit
    return Summed(name, by_release, unit, offset, truth, least, most)
