"""Releases of a population's year: the project's, and those of who suppresses only what is protected itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

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
