"""Whoever wants to know about people, knows rule and method, and sees what is published: what he can find out.

The attacks, from the plainest: what follows from one table by adding and subtracting (``subtraction``), by linear
programs (``bounds``), from all tables together (``linked``), because people are whole (``integers``); what the
only person in a cell knows besides (``insider``); what sums say of counts, and published cells of sums (``sums``);
what two releases say of who came and left (``differencing``); what all releases of a year say together for whoever
may assume that nobody leaves, or that nobody came or left where a count stayed the same (``year``, ``still``).

He is told where to look, not what is there: which questions are asked, of cells, and when he may stop.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from scipy import sparse

from publish.disclosure.tables import Pairs
from tests.disclosure.knowledge import NEAR, Knowledge, Probe, Vector, row_reduced
from tests.disclosure.questions import Question
from tests.disclosure.seen import Seen, Year

Attack = Literal["subtraction", "bounds", "linked", "integers", "insider", "sums", "differencing", "year", "still"]
Interval = tuple[float, float]


@dataclass(frozen=True)
class Learned:
    """An answer: by which attack, what the cell or change must lie between, and by whose knowledge."""

    attack: Attack
    question: Question
    low: float
    high: float
    insider: Pairs | None = None


@dataclass(frozen=True)
class Effort:
    """How much is tried.

    Args:
        programs: integer programs a system, at most, beyond those that linear programs solved by themselves.
        seconds: for each of them.
        insiders: a release, at most.
        intervals: a system, at most, of which both ends are found; of what is learned beyond, one end is open.
    """

    programs: int = 200
    seconds: float = 2.0
    insiders: int = 10
    intervals: int = 20


QUICK = Effort(programs=12, seconds=0.5, insiders=3, intervals=3)


@dataclass(frozen=True)
class _Asked:
    """A question as a row of a probe, with the bounds to pass: NaN for none."""

    question: Question
    row: Vector
    low: float
    high: float


class _Search:
    """Questions on sums of unknowns, put to one system."""

    def __init__(self, knowledge: Knowledge, asked: Sequence[_Asked], effort: Effort) -> None:
        self.asked, self.effort, self.programs, self.intervals = asked, effort, effort.programs, effort.intervals
        self.probe = Probe(knowledge, sparse.csr_array(np.array([one.row for one in asked])))
        self.low, self.high = np.array([one.low for one in asked]), np.array([one.high for one in asked])

    def learned(self, known: Iterable[Vector] = ()) -> list[tuple[int, bool]]:
        """Which questions have an answer, by number, and whether only because people are whole.

        Args:
            known: solutions, as far as there are any already.
        """
        for solution in known:
            self.probe.see(solution)
        every = range(len(self.asked))
        self.probe.push(every, 1, self.low)
        self.probe.push(every, -1, self.high)
        found = []
        for number in every:
            if not all(self.probe.passes(number, sign, bounds) for sign, bounds in self._sides):
                found.append((number, False))
            elif not all(self._passes_whole(number, sign, bounds) for sign, bounds in self._sides):
                found.append((number, True))
        return found

    @property
    def _sides(self) -> tuple[tuple[int, Vector], tuple[int, Vector]]:
        return (1, self.low), (-1, self.high)

    def _passes_whole(self, number: int, sign: int, bounds: Vector) -> bool:
        """Also if time is up: what is not found out is not learned."""
        if self.programs <= 0:
            return True
        before = len(self.probe.solutions)
        found = self.probe.passes_in_whole_numbers(number, sign, bounds, self.effort.seconds)
        self.programs -= found != "found" or len(self.probe.solutions) > before
        return found != "none"

    def interval(self, number: int, by_wholeness: bool) -> Interval:
        """Where an answer lies; of people, rounded to whole ones."""
        kind = self.asked[number].question.kind
        self.intervals -= 1
        if self.intervals >= 0 or kind == "change":
            low, high = self.probe.interval(number, by_wholeness, self.effort.seconds)
        elif self.probe.low[number] > self.low[number] + NEAR or by_wholeness:
            low, high = (-np.inf if by_wholeness else float(self.probe.low[number])), np.inf
        else:
            low, high = -np.inf, float(self.probe.high[number])
        if kind == "sum":
            return low, high
        return (math.ceil(low - NEAR) if math.isfinite(low) else low), (
            math.floor(high + NEAR) if math.isfinite(high) else high
        )


class _Night:
    """One release under attack."""

    def __init__(self, seen: Seen, questions: Sequence[Question], effort: Effort) -> None:
        self.seen, self.effort = seen, effort
        self.counts = [one for one in questions if one.kind == "count"]
        self.sums = [one for one in questions if one.kind == "sum"]
        self.probe: Probe | None = None

    def _asked(self, question: Question, low: float | None = None) -> _Asked:
        row = self.seen.inside(question.cell).astype(float)
        return _Asked(question, row, question.low if low is None else low, question.high)

    def by_counts(self) -> list[Learned]:
        """What the published counts say of others."""
        if not self.counts:
            return []
        search = _Search(self.seen.people(), [self._asked(one) for one in self.counts], self.effort)
        found = search.learned()
        self.probe = search.probe
        plain = self._plain([self.counts[number] for number, _ in found])
        return [
            Learned(
                "integers" if wholeness else plain[self.counts[number]],
                self.counts[number],
                *search.interval(number, wholeness),
            )
            for number, wholeness in found
        ]

    def _plain(self, questions: Sequence[Question]) -> dict[Question, Attack]:
        """The plainest attack that answers each: subtraction in one table, bounds in one, or all tables."""
        plain: dict[Question, Attack] = dict.fromkeys(questions, "linked")
        if not questions:
            return plain
        for table in self.seen.of_table:
            here = [one for one in questions if self.seen.of_table[table][self.seen.place[one.cell]]]
            if here:
                self._plain_in(table, here, plain)
        return plain

    def _plain_in(self, table: str, questions: Sequence[Question], plain: dict[Question, Attack]) -> None:
        asked, known = [self._asked(one) for one in questions], self.seen.people(table)
        rows = sparse.csr_array(np.array([one.row for one in asked]))
        search = _Search(known, asked, replace(self.effort, programs=0))
        for number, _ in search.learned():
            plain[questions[number]] = "bounds"
        for number in row_reduced(known.equal, known.values, rows):
            plain[questions[number]] = "subtraction"

    def by_an_insider(self, cell: Pairs, atom: Pairs, known: Collection[Question]) -> list[Learned]:
        """What the only person of a cell learns that others did not."""
        inside = self.seen.inside(cell)
        asked = [
            # where she is in it herself, she must hold it for possible that nobody else is
            self._asked(one, low=1 if one.cell <= atom else 0)
            for one in self.counts
            if one not in known and np.any(self.seen.inside(one.cell) & ~inside)
        ]
        if not asked:
            return []
        search = _Search(self.seen.of_an_insider(cell, atom), asked, self.effort)
        alone = np.array([one == atom for one in self.seen.atoms])[inside]
        solutions = self.probe.solutions if self.probe else []
        agree = [one for one in solutions if np.allclose(one[inside], alone, atol=NEAR)]
        return [
            Learned("insider", asked[number].question, *search.interval(number, wholeness), cell)
            for number, wholeness in search.learned(agree)
        ]

    def by_sums(self, number: int, known: Collection[Question]) -> list[Learned]:
        """What published sums and counts together say of sums, and of counts."""
        people = np.zeros(len(self.seen.atoms))
        asked = []
        for one in [*self.counts, *(question for question in self.sums if question.magnitude == number)]:
            if one not in known:
                inside = self.seen.inside(one.cell).astype(float)
                row = np.concatenate([inside, people] if one.kind == "count" else [people, inside])
                asked.append(_Asked(one, row, one.low, one.high))
        if not asked:
            return []
        search = _Search(self.seen.people_and_sums(number), asked, self.effort)
        return [
            Learned("sums", asked[found].question, *search.interval(found, wholeness))
            for found, wholeness in search.learned()
        ]


class _Ranges:
    """Between what the counts of each release can lie, found when they are needed."""

    def __init__(self, releases: Sequence[Seen], effort: Effort) -> None:
        self.releases, self.effort = releases, effort
        self._probes: dict[int, Probe] = {}
        self._exact: dict[tuple[int, int, bool], Interval] = {}

    def prepare(self, release: int, cells: Collection[Pairs]) -> None:
        """Find out by few solutions how far many cells can be pushed."""
        seen = self.releases[release]
        rows = seen.incidence
        probe = self._probes[release] = Probe(seen.people(), rows)
        wanted = sorted(seen.place[cell] for cell in cells)
        probe.push(wanted, 1, np.zeros(rows.shape[0]))
        probe.push(wanted, -1, np.full(rows.shape[0], float(seen.rule.threshold)), tries=6)

    def of(self, release: int, cell: Pairs, how: Literal["shown", "bounds", "integers"]) -> Interval:
        """Shown by solutions so far to be possible; what linear programs leave; what integer programs leave."""
        seen = self.releases[release]
        number = seen.place.get(cell)
        if number is None:
            return 0, 0
        if seen.published[number]:
            return float(seen.counts[number]), float(seen.counts[number])
        probe = self._probes[release]
        if how == "shown":
            return float(probe.whole_low[number]), float(probe.whole_high[number])
        key = (release, number, how == "integers")
        if key not in self._exact:
            self._exact[key] = probe.interval(number, how == "integers", self.effort.seconds)
        return self._exact[key]


def _is_open(change: Question, before: Interval, after: Interval) -> bool:
    """Whether there may have been no change, and one of the threshold or more."""
    least, most = after[0] - before[1], after[1] - before[0]
    return least <= NEAR and most >= -NEAR and (most >= change.high - NEAR or least <= -change.high + NEAR)


def _by_differencing(releases: Sequence[Seen], questions: Sequence[Question], effort: Effort) -> list[Learned]:
    """What two releases say of who came and left between them, cell by cell, derived cells too."""
    ranges, learned = _Ranges(releases, effort), []
    for release in {number for one in questions for number in (one.release, one.since)}:
        cells = {one.cell for one in questions if release in (one.release, one.since)}
        ranges.prepare(release, cells & set(releases[release].place))
    for one in questions:
        for how in ("shown", "bounds", "integers"):
            before, after = ranges.of(one.since, one.cell, how), ranges.of(one.release, one.cell, how)
            if _is_open(one, before, after) and how != "bounds":
                break
            if not _is_open(one, before, after) and how != "shown":
                learned.append(Learned("differencing", one, after[0] - before[1], after[1] - before[0]))
                break
    return learned


def _by_the_year(
    year: Year, questions: Sequence[Question], known: Collection[Question], effort: Effort
) -> list[Learned]:
    """What all releases say together, under an assumption on the time between them."""
    asked = []
    for one in questions:
        if one not in known and one.kind != "sum":
            row = year.cell(one.release, one.cell)
            if one.kind == "change":
                row = row + year.cell(one.since, one.cell, -1.0)
            asked.append(_Asked(one, row, one.low, one.high))
    if not asked:
        return []
    search = _Search(year.knowledge, asked, effort)
    found = [(number, search.interval(number, wholeness)) for number, wholeness in search.learned()]
    return [
        Learned("still" if year.is_still else "year", asked[number].question, *interval)
        for number, interval in found
        # a change downwards may be as great as one upwards
        if asked[number].question.kind == "count" or not _is_open(asked[number].question, (0, 0), interval)
    ]


@dataclass(frozen=True)
class Circumstances:
    """What the attacker has beside the releases.

    Args:
        insiders: by release, cells of one person, and of which atom she is: each an attacker of her own.
        nobody_leaves, is_still: what may be assumed of the time between releases, because it is true.
    """

    insiders: Sequence[Sequence[tuple[Pairs, Pairs]]] = ()
    nobody_leaves: bool = False
    is_still: bool = False


def attack(
    releases: Sequence[Seen],
    questions: Sequence[Question],
    circumstances: Circumstances = Circumstances(),
    effort: Effort = QUICK,
) -> list[Learned]:
    """Everything that can be found out, each question by the plainest attack that answers it."""
    learned: list[Learned] = []
    for number, seen in enumerate(releases):
        night = _Night(seen, [one for one in questions if one.release == number], effort)
        found = night.by_counts()
        known = {one.question for one in found}
        for cell, atom in list(circumstances.insiders[number] if circumstances.insiders else ())[
            : effort.insiders
        ]:
            found += night.by_an_insider(cell, atom, known)
        for magnitude in range(len(seen.magnitudes)):
            found += night.by_sums(magnitude, known)
        learned += found
    changes = [one for one in questions if one.kind == "change"]
    learned += _by_differencing(releases, changes, effort)
    known = {one.question for one in learned if one.insider is None}
    for is_still in (False, True):
        if len(releases) > 1 and (circumstances.is_still if is_still else circumstances.nobody_leaves):
            learned += _by_the_year(Year(releases, is_still), questions, known, effort)
    return learned
