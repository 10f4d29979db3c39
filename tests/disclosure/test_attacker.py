"""The attacker bites where little is suppressed, and learns nothing from what the project releases."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from itertools import product

import numpy as np
import pytest

from publish.disclosure.tables import Magnitude, Pairs, Protected, Rule, System
from tests.disclosure.attacker import Effort, Learned
from tests.disclosure.populations import Population, population
from tests.disclosure.questions import primary
from tests.disclosure.releasing import attacked, primary_only, projects_way, releases_of

QUICK_SEEDS, ALL_SEEDS = range(20), range(500)
# What may be assumed of the time between releases is nobody's publication: measured, but no part of the protection.
ASSUMED = ("year", "still")


def cell(**codes: str) -> Pairs:
    return frozenset(codes.items())


def square(counts: Iterable[Iterable[int]], threshold: int = 5, minutes: Magnitude | None = None) -> System:
    """Rows ``a1``, ``a2``, ... by columns ``b1``, ``b2``, ..."""
    people = np.array([list(row) for row in counts])
    atoms = [cell(a=f"a{row + 1}", b=f"b{column + 1}") for row, column in np.ndindex(people.shape)]
    rule = Rule(threshold, 10.0 if minutes else None)
    tables = {"answers": (("a",), ("b",))}
    return System(rule, tables, tuple(atoms), people.ravel(), (minutes,) if minutes else ())


def without(system: System, *suppressed: Pairs) -> Protected:
    return Protected(system, np.array([one in suppressed for one in system.cells]))


def learned_from(*releases: Protected, nobody_leaves: bool = False, effort: Effort = Effort()) -> list[Learned]:  # noqa: B008
    systems = tuple(one.system for one in releases)
    return attacked(Population(0, systems, nobody_leaves), releases, effort)


def by_attack(learned: Iterable[Learned]) -> Mapping[str, set[Pairs]]:
    found: dict[str, set[Pairs]] = {}
    for one in learned:
        found.setdefault(one.attack, set()).add(one.question.cell)
    return found


CORNERS = (cell(a="a1", b="b1"), cell(a="a1", b="b2"), cell(a="a2", b="b1"), cell(a="a2", b="b2"))


class TestBites:
    def test_one_suppressed_cell_in_a_row_is_subtracted(self):
        system = square([[3, 20], [20, 20]])
        [learned] = learned_from(without(system, *CORNERS[:1]))
        assert (learned.attack, learned.low, learned.high) == ("subtraction", 3, 3)

    def test_a_rectangle_of_small_counts_is_bounded(self):
        system = square([[1, 3], [4, 50]])
        found = by_attack(learned_from(without(system, *CORNERS)))
        assert CORNERS[0] in found["bounds"], "at most 4 are in its row"

    def test_a_rectangle_of_enough_people_says_nothing(self):
        assert learned_from(without(square([[3, 20], [20, 20]]), *CORNERS)) == []

    def test_two_tables_say_together_what_neither_says_alone(self):
        """The margin that one table hides is the sum of what the other publishes."""
        atoms = [cell(a=a, b=b, c=c) for a, b, c in product(("a1", "a2"), ("b1", "b2"), ("c1", "c2"))]
        people = np.array([3, 0, 9, 9, 9, 9, 9, 9])
        tables = {"one": (("a",), ("b",)), "two": (("a",), ("c",))}
        hidden = CORNERS[0], CORNERS[2], cell(a="a1"), cell(a="a2")
        for name in tables:
            alone = System(Rule(5), {name: tables[name]}, tuple(atoms), people)
            assert learned_from(without(alone, *hidden)) == []
        [learned] = learned_from(without(System(Rule(5), tables, tuple(atoms), people), *hidden))
        assert (learned.attack, learned.question.cell, learned.low, learned.high) == ("linked", CORNERS[0], 3, 3)

    def test_people_are_whole(self):
        """With b1 + c1 odd, nobody in the corner would take half a person elsewhere."""
        corner = cell(a="a1", b="b2", c="c2")
        atoms = (cell(a="a1", b="b2", c="c1"), cell(a="a1", b="b1", c="c2"), cell(a="a2", b="b1", c="c1"), corner)
        system = System(Rule(3), {"answers": (("a",), ("b",), ("c",))}, atoms, np.array([2, 1, 2, 1]))
        shown = cell(a="a1"), cell(b="b1"), cell(c="c1")
        learned = learned_from(without(system, *(one for one in system.cells if one not in shown)))
        assert ("integers", corner, 1, 3) in {
            (one.attack, one.question.cell, one.low, one.high) for one in learned
        }

    def test_the_only_person_of_a_cell_subtracts_herself(self):
        system = square([[1, 4, 20], [9, 20, 20], [20, 20, 20]])
        row = (cell(a="a1", b="b1"), cell(a="a1", b="b2"))
        below = (cell(a="a2", b="b1"), cell(a="a2", b="b2"))
        learned = learned_from(without(system, *row, *below))
        assert {(one.attack, one.question.cell, one.low, one.high) for one in learned} == {
            ("insider", row[1], 4, 4)
        }

    def test_two_nights_tell_who_came(self):
        nights = square([[20, 20], [20, 20]]), square([[20, 22], [20, 20]])
        found = by_attack(learned_from(*(without(one) for one in nights)))
        assert found == {"differencing": {CORNERS[1], cell(a="a1"), cell(b="b2"), cell()}}

    def test_two_nights_tell_of_a_cell_that_is_derived(self):
        nights = square([[20, 20], [20, 20]]), square([[20, 22], [20, 20]])
        found = by_attack(learned_from(*(without(one, CORNERS[1], cell(a="a1"), cell(a="a2")) for one in nights)))
        assert CORNERS[1] in found["differencing"]

    def test_two_safe_patterns_of_one_truth_say_together_what_neither_says(self):
        counts = [[3, 20, 20], [20, 20, 20], [20, 20, 20]]
        first, second = square(counts), square(counts)
        one = without(first, *CORNERS)
        two = without(second, *(cell(a=a, b=b) for a in ("a1", "a3") for b in ("b1", "b3")))
        assert learned_from(one) == learned_from(two) == []
        found = by_attack(learned_from(one, two, nobody_leaves=True))
        assert found["year"] >= {CORNERS[0]}
        assert by_attack(learned_from(one, two))["still"] >= {CORNERS[0]}

    def test_a_sum_is_bounded_by_what_one_person_can_add(self):
        """Nobody can save less than nothing: where the margins are nothing, all is in the corner."""
        minutes = _minutes([[3, 0], [0, 0]])
        found = by_attack(learned_from(without(square([[3, 20], [20, 20]], minutes=minutes), *CORNERS)))
        assert found["sums"] >= {CORNERS[0]}

    def test_every_attack_succeeds_somewhere_on_primary_suppression_alone(self):
        attacks: Counter[str] = Counter()
        broken = 0
        for seed in QUICK_SEEDS:
            one = population(seed)
            found = by_attack(attacked(one, releases_of(one, primary_only)))
            attacks.update(found.keys())
            broken += bool(set(found) - set(ASSUMED))
        assert broken >= 0.8 * len(QUICK_SEEDS)
        assert set(attacks) >= {"subtraction", "bounds", "insider", "sums", "differencing", "year"}


def _minutes(sums: Iterable[Iterable[float]]) -> Magnitude:
    flat = np.array([list(row) for row in sums], dtype=float).ravel()
    return Magnitude("minutes", 0, 5, flat, np.abs(flat), np.abs(flat), np.zeros(len(flat)))
