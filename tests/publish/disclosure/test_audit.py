"""The audit finds what can be learned, and proves that the rest cannot."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from publish.disclosure.audit import audit, check
from publish.disclosure.tables import Magnitude, Protected, Rule, System
from tests.publish.disclosure.enumerating import Enumerated, classes_of, tables_of

FLAT = {"x": "ab", "y": "cde"}
CUBE = {"x": "ab", "y": "cd", "z": "ef"}
SHAPES = {
    "two dimensions": (FLAT, {"t": (("x",), ("y",))}),
    "three dimensions": (CUBE, {"t": (("x",), ("y",), ("z",))}),
    "linked tables": (CUBE, {"t": (("x",), ("y",)), "u": (("x",), ("z",))}),
    "a hierarchy": ({"city": "", "district": "", "x": ""}, {"t": (("city", "district"), ("x",))}),
}
DISTRICTS = tuple(
    frozenset({("city", city), ("district", district), ("x", code)})
    for (city, district), code in product((("A", "a"), ("A", "b"), ("B", "c")), "de")
)


def system_of(shape, people, threshold=3, magnitudes=()):
    codes, tables = SHAPES[shape]
    atoms = DISTRICTS if shape == "a hierarchy" else classes_of(codes)
    return System(Rule(threshold, 10.0 if magnitudes else None), tables, atoms, np.array(people), magnitudes)


def primary(system):
    return (system.counts >= 1) & (system.counts < system.rule.threshold)


def cell(*pairs):
    return frozenset(pairs)


def place(system, *pairs):
    return system.cells.index(cell(*pairs))


def masked(system, *cells):
    suppressed = np.zeros(len(system.cells), dtype=bool)
    suppressed[[place(system, *pairs) for pairs in cells]] = True
    return suppressed


def drawn(draw, shape, earlier=None):
    """A population, a few joiners or leavers after an earlier one, and some cells of it that are not published."""
    codes, _ = SHAPES[shape]
    number = len(DISTRICTS) if shape == "a hierarchy" else len(classes_of(codes))
    people = draw.integers(0, 4, number) if earlier is None else earlier.people.copy()
    if earlier is not None:
        people += draw.choice([0, 0, 0, 1, 3], number)
        if draw.random() < 0.3:
            people = np.maximum(people - draw.integers(0, 2, number), 0)
    system = system_of(shape, people)
    suppressed = primary(system) | (draw.random(len(system.cells)) < draw.choice([0.1, 0.5, 0.9]))
    if earlier is not None and draw.random() < 0.8:
        change = np.abs(system.counts - earlier.counts)
        suppressed |= (change >= 1) & (change < system.rule.threshold)
    suppressed[system.cells.index(frozenset())] = False
    return system, suppressed


def compared(draw_releases, proved, refused):
    """Audit drawn releases until so many are proved and refused, as going through all tables proves or refuses them."""
    left = {True: proved, False: refused}
    while any(left.values()):
        releases = draw_releases()
        enumerated = Enumerated(releases)
        if not enumerated.is_small or not left[not (learned := enumerated.learned())]:
            continue
        left[not learned] -= 1
        *earlier, last = releases
        found = audit(last.system, last.suppressed, earlier)
        assert {gap.cell for gap in found.gaps} == learned
        assert check(last.system, last.suppressed, earlier, found) == []


@pytest.mark.parametrize("shape", SHAPES)
def test_one_release_lets_learn_what_going_through_all_tables_lets_learn(shape):
    draw = np.random.default_rng(5)
    compared(lambda: [Protected(*drawn(draw, shape))], 5, 8)


@pytest.mark.parametrize("shape", ["two dimensions", "a hierarchy"])
def test_two_releases_let_learn_what_going_through_all_pairs_of_tables_lets_learn(shape):
    draw = np.random.default_rng(6)

    def releases():
        earlier = Protected(*drawn(draw, shape))
        return [earlier, Protected(*drawn(draw, shape, earlier.system))]

    compared(releases, 5, 8)
