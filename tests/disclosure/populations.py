"""Populations over a year, from a seed: who they are, what may be asked of them, how they come and go.

Small and medium, sparse and dense, even and skewed; one to three dimensions, some with a hierarchy, some
combinations never there; one table or two that share margins; minutes saved, skewed and sometimes negative. A
night later nobody came, or one person, or many; in some populations people leave, in some a class of people is new
in the course of the year. What a population truly is stands in its systems: whoever attacks must not see them.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from publish.disclosure.tables import Dimension, Magnitude, Pairs, Rule, System

THRESHOLDS = (3, 5, 10)
# On the mean, people by class of people: where most counts are protected, where some are, where few are.
DENSITIES = (0.3, 1.0, 3.0, 8.0, 25.0)
LARGEST, SELDOM_LARGEST = 120, 400
LEAST_MINUTES, MOST_MINUTES = -120.0, 480.0


@dataclass(frozen=True, eq=False)
class Population:
    """One population over a year: its true system of each night.

    Args:
        seed: it was made from.
        nights: oldest first.
        nobody_leaves: whether people only ever come.
    """

    seed: int
    nights: tuple[System, ...]
    nobody_leaves: bool

    @property
    def is_linked(self) -> bool:
        """Whether two tables of it are published."""
        return len(self.nights[0].tables) > 1


@dataclass
class _People:
    """By person, the number of the class of people, and the minutes saved."""

    classes: list[int]
    minutes: list[float]


def _codes(stem: str, count: int) -> list[str]:
    return [f"{stem}{number}" for number in range(1, count + 1)]


def _nested(draw: random.Random, coarse: str, fine: str) -> list[Pairs]:
    """The codes of a dimension of two levels, uneven: some with one code below them only."""
    return [
        frozenset({(coarse, upper), (fine, f"{upper}-{lower}")})
        for upper in _codes(coarse[0], draw.randint(1, 3))
        for lower in range(1, draw.choice((1, 2, 3, 5)) + 1)
    ]


def _flat(column: str, count: int) -> list[Pairs]:
    return [frozenset({(column, code)}) for code in _codes(column[0], count)]


def _dimensions(draw: random.Random, largest: int) -> dict[Dimension, list[Pairs]]:
    """One to three dimensions with their finest codes, so that there are at most so many classes of people."""
    while True:
        chosen: dict[Dimension, list[Pairs]] = {}
        for kind in draw.sample(("place", "work", "age", "answer"), draw.choice((1, 2, 2, 3, 3))):
            if kind == "place":
                chosen["city_code", "district_code"] = _nested(draw, "city_code", "district_code")
            elif kind == "work":
                chosen["programme_code", "theme_code"] = _nested(draw, "programme_code", "theme_code")
            else:
                column = "age_group_code" if kind == "age" else "answer_code"
                chosen[(column,)] = _flat(column, draw.randint(2, 8 if kind == "age" else 4))
        if 4 <= np.prod([len(codes) for codes in chosen.values()]) <= largest:
            return chosen


def _tables(draw: random.Random, dimensions: Sequence[Dimension]) -> dict[str, tuple[Dimension, ...]]:
    """One table of all dimensions; or two that share one, of which the second may stop at its coarse level."""
    if len(dimensions) < 2 or draw.random() < 0.6:
        return {"answers": tuple(dimensions)}
    shared, *others = draw.sample(list(dimensions), len(dimensions))
    if len(others) == 1:
        return (
            {"answers": (shared, others[0]), "visits": (shared[:1],)}
            if draw.random() < 0.5
            else {"answers": (others[0], shared[:1]), "visits": (shared,)}
        )
    coarse = shared[:1] if draw.random() < 0.5 else shared
    return {"answers": (shared, others[0]), "visits": (coarse, others[1])}


def _atoms(draw: random.Random, dimensions: Mapping[Dimension, list[Pairs]]) -> list[Pairs]:
    """The classes of people that can be: all combinations, or what is left of them."""
    every = [frozenset().union(*parts) for parts in product(*dimensions.values())]
    absent = draw.choice((0.0, 0.0, 0.2, 0.5))
    kept = [atom for atom in every if draw.random() >= absent]
    return kept if len(kept) >= 3 else every


def _minutes(chance: np.random.Generator) -> float:
    """Few save much, some lose."""
    size = float(np.rint(chance.lognormal(2.5, 1.3)))
    return float(np.clip(-size if chance.random() < 0.2 else size, LEAST_MINUTES, MOST_MINUTES))


class _Year:
    """A population in the course of a year."""

    def __init__(self, seed: int) -> None:
        self.draw, self.chance = random.Random(seed), np.random.default_rng(seed)
        draw = self.draw
        dimensions = _dimensions(draw, SELDOM_LARGEST if draw.random() < 0.06 else LARGEST)
        self.tables = _tables(draw, list(dimensions))
        self.atoms = _atoms(draw, dimensions)
        self.has_minutes = draw.random() < 0.4
        self.rule = Rule(draw.choice(THRESHOLDS), 10.0 if self.has_minutes else None)
        self.nobody_leaves = draw.random() < 0.5
        weights = self.chance.lognormal(0, draw.choice((0.3, 1.0, 2.0)), len(self.atoms))
        self.weights = weights / weights.sum()
        # The last of the classes are not there before a night of their own: a district that joins later.
        self.opens_at = draw.randint(1, 6) if draw.random() < 0.08 else 0
        self.late = draw.randint(1, max(1, len(self.atoms) // 3)) if self.opens_at else 0
        self.night = 0
        self.people = _People([], [])
        self.come(int(self.chance.poisson(draw.choice(DENSITIES) * len(self.atoms))))

    @property
    def present(self) -> int:
        """How many of the classes there are by now."""
        return len(self.atoms) - (self.late if self.night < self.opens_at else 0)

    def come(self, count: int) -> None:
        weights = self.weights[: self.present]
        for number in self.chance.choice(self.present, count, p=weights / weights.sum()):
            self.people.classes.append(int(number))
            self.people.minutes.append(_minutes(self.chance))

    def leave(self, count: int) -> None:
        for _ in range(min(count, len(self.people.classes))):
            place = self.draw.randrange(len(self.people.classes))
            self.people.classes.pop(place)
            self.people.minutes.pop(place)

    def _some(self) -> int:
        """Nobody, one person, or many."""
        many = self.draw.randint(2, max(3, len(self.people.classes)))
        return self.draw.choice((0, 0, 1, many))

    def next(self) -> None:
        """A month later."""
        self.night += 1
        if not self.nobody_leaves:
            self.leave(self._some())
        self.come(self._some())
        if self.people.minutes and self.draw.random() < 0.05:  # one answer is corrected
            self.people.minutes[self.draw.randrange(len(self.people.minutes))] = _minutes(self.chance)

    def system(self) -> System:
        classes = np.array(self.people.classes, dtype=np.int64)
        people = np.bincount(classes, minlength=self.present)
        magnitudes = (self._magnitude(classes),) if self.has_minutes else ()
        return System(self.rule, self.tables, tuple(self.atoms[: self.present]), people, magnitudes)

    def _magnitude(self, classes: np.ndarray) -> Magnitude:
        minutes = np.array(self.people.minutes)
        sums = np.bincount(classes, minutes, self.present)
        absolute = np.bincount(classes, np.abs(minutes), self.present)
        first, second = np.zeros(self.present), np.zeros(self.present)
        for number in range(self.present):
            parts = np.sort(np.abs(minutes[classes == number]))[::-1]
            first[number] = parts[0] if len(parts) else 0.0
            second[number] = parts[1] if len(parts) > 1 else 0.0
        return Magnitude("minutes", LEAST_MINUTES, MOST_MINUTES, sums, absolute, first, second)


def population(seed: int) -> Population:
    """The population of a seed: always the same one."""
    year = _Year(seed)
    nights = [year.system()]
    for _ in range(year.draw.choice((0, 1, 3, 5, 11))):
        year.next()
        nights.append(year.system())
    return Population(seed, tuple(nights), year.nobody_leaves)
