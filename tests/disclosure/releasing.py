"""Releases of a population's year: the project's, and those of who suppresses only what is protected itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Protocol

import numpy as np

from publish.disclosure.tables import Pairs, Protected, System
from tests.disclosure.attacker import QUICK, Circumstances, Effort, Learned, attack
from tests.disclosure.populations import Population
from tests.disclosure.questions import changes_of, counts_of, primary, sums_of
from tests.disclosure.seen import Seen, still_is_true


class Decided(Protocol):
    """What became of a night: what is published after it, None if nothing is."""

    @property
    def protected(self) -> Protected | None: ...


class Decide(Protocol):
    """Decides what is published after a night, from the truth and from all that was published before."""

    def __call__(self, system: System, earlier: Sequence[Protected]) -> Decided: ...


@dataclass(frozen=True, eq=False)
class _Night:
    protected: Protected | None


def primary_only(system: System, earlier: Sequence[Protected]) -> _Night:
    """Release anew every night, without those cells that are protected for their own sake."""
    return _Night(Protected(system, primary(system)))


def by_parts(system: System, earlier: Sequence[Protected]) -> _Night:
    """Decide by the rules of a year, by suppression and audit alone: no ledger, nothing kept."""
    suppress = import_module("publish.disclosure.suppression").suppress
    audit = import_module("publish.disclosure.audit").audit
    for before in earlier:
        if _is_same(before.system, system):
            return _Night(before)
    last = earlier[-1] if earlier else None
    if any(_changes_little(before, system) for before in earlier):
        return _Night(last)
    mask = suppress(system, earlier)
    return _Night(Protected(system, mask) if audit(system, mask, earlier).is_proved else last)


def _is_same(before: System, after: System) -> bool:
    return (
        before.atoms == after.atoms
        and np.array_equal(before.people, after.people)
        and all(np.array_equal(a.sums, b.sums) for a, b in zip(before.magnitudes, after.magnitudes, strict=True))
    )


def _changes_little(before: Protected, system: System) -> bool:
    """Whether a count that was published would change by few people, or a sum though few people came or left."""
    counts = dict(zip(system.cells, system.counts.tolist(), strict=True))
    published = ~before.suppressed
    was = before.system.counts[published]
    cells = [cell for cell, kept in zip(before.system.cells, published.tolist(), strict=True) if kept]
    change = np.abs(np.array([counts.get(cell, 0) for cell in cells], dtype=np.int64) - was)
    few = change < system.rule.threshold
    if np.any(few & (change > 0)):
        return True
    new = set(system.cells) - set(before.system.cells)  # that there was no such cell says that there was nobody
    if any(0 < counts[cell] < system.rule.threshold for cell in new):
        return True
    for one, other in zip(before.system.magnitudes, system.magnitudes, strict=True):
        sums = dict(zip(system.cells, system.sums(other).tolist(), strict=True))
        now = np.array([sums.get(cell, 0.0) for cell in cells])
        if np.any(few & (np.abs(now - before.system.sums(one)[published]) > 1e-9)):
            return True
    return False


def projects_way() -> Decide:
    """The project's whole way where it is there; else its rules with its suppression and its audit."""
    try:
        decide: Decide = import_module("publish.disclosure.deciding").decide
    except ImportError:
        return by_parts
    return decide


def releases_of(population: Population, decide: Decide) -> list[Protected]:
    """What is released in the course of the year, each release once."""
    releases: list[Protected] = []
    for system in population.nights:
        published = decide(system, tuple(releases)).protected
        if published is not None and not any(published is one for one in releases):
            releases.append(published)
    return releases


def insiders(system: System) -> list[tuple[Pairs, Pairs]]:
    """The cells of one person that no other cell of one person holds, with her atom."""
    alone = [cell for cell, count in zip(system.cells, system.counts.tolist(), strict=True) if count == 1]
    widest = [cell for cell in alone if not any(other < cell for other in alone)]
    return [
        (cell, atom)
        for cell in widest
        for atom, people in zip(system.atoms, system.people.tolist(), strict=True)
        if people == 1 and cell <= atom
    ]


def attacked(population: Population, releases: Sequence[Protected], effort: Effort = QUICK) -> list[Learned]:
    """What an attacker finds out from a population's releases, of what is protected."""
    questions = [*counts_of(releases), *changes_of(releases), *sums_of(releases)]
    seen = [Seen.of(one) for one in releases]
    circumstances = Circumstances(
        [insiders(one.system) for one in releases],
        population.nobody_leaves,
        still_is_true(releases, seen),
    )
    return attack(seen, questions, circumstances, effort)
