"""What is protected, by who knows the truth: the questions that no attacker may find an answer to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from publish.disclosure.tables import Mask, Pairs, Protected, Sums, System

Kind = Literal["count", "change", "sum"]


@dataclass(frozen=True)
class Question:
    """Something protected: an attacker must hold it for possible that it is ``low`` or less, and ``high`` or more.

    Of a change: that there was none, and one of ``high`` or more, either way.

    Args:
        kind: of what: a count of people, its change between two releases, a sum of a magnitude.
        release: which one, from 0.
        cell: as a set of pairs.
        low, high: see above.
        since: of a change, the earlier release.
        magnitude: of a sum, of what, by position.
    """

    kind: Kind
    release: int
    cell: Pairs
    low: float
    high: float
    since: int = -1
    magnitude: int = 0


def room(system: System, number: int) -> Sums:
    """By cell, how far either way others than the true sum must be possible; 0: it is not protected."""
    magnitude = system.magnitudes[number]
    first, second = system.contributions(magnitude)
    others = system.incidence @ magnitude.absolute - first - second
    share = (system.rule.p_percent or 0.0) / 100 * first
    need: Sums = np.where(protected_counts(system), share, np.maximum(share - others, 0.0))
    return np.where(need > 1e-9, need, 0.0)


def protected_counts(system: System) -> Mask:
    """By cell, whether its count is protected for its own sake."""
    return np.asarray((system.counts > 0) & (system.counts < system.rule.threshold))


def primary(system: System) -> Mask:
    """The cells that are protected for their own sake, be it for their count or a sum."""
    mask = protected_counts(system)
    for number in range(len(system.magnitudes)):
        mask = mask | (room(system, number) > 0)
    return mask


def counts_of(releases: Sequence[Protected]) -> list[Question]:
    """The protected counts of each release."""
    return [
        Question("count", number, release.system.cells[cell], 0, release.system.rule.threshold)
        for number, release in enumerate(releases)
        for cell in np.flatnonzero(protected_counts(release.system))
    ]


def changes_of(releases: Sequence[Protected]) -> list[Question]:
    """The changes by few people between any two releases. Where there was no cell, there was nobody."""
    counts = [dict(zip(one.system.cells, one.system.counts.tolist(), strict=True)) for one in releases]
    return [
        Question("change", later, cell, 0, releases[later].system.rule.threshold, since=earlier)
        for later in range(len(releases))
        for earlier in range(later)
        for cell, count in counts[later].items()
        if 0 < abs(count - counts[earlier].get(cell, 0)) < releases[later].system.rule.threshold
    ]


def sums_of(releases: Sequence[Protected]) -> list[Question]:
    """The protected sums of each release."""
    questions = []
    for number, release in enumerate(releases):
        for place, magnitude in enumerate(release.system.magnitudes):
            need, sums = room(release.system, place), release.system.sums(magnitude)
            questions += [
                Question(
                    "sum",
                    number,
                    release.system.cells[cell],
                    sums[cell] - need[cell],
                    sums[cell] + need[cell],
                    magnitude=place,
                )
                for cell in np.flatnonzero(need)
            ]
    return questions
