"""The audit finds what can be learned, and proves that the rest cannot."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from publish.disclosure.audit import audit, check
from publish.disclosure.tables import Magnitude, Protected, Rule, System
from tests.publish.disclosure.enumerating import Enumerated, classes_of, learned_of_sums

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
    """Audit drawn releases until so many are proved and refused, as going through all tables does."""
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
    compared(lambda: [Protected(*drawn(draw, shape))], 3, 6)


@pytest.mark.parametrize("shape", ["two dimensions", "a hierarchy"])
def test_two_releases_let_learn_what_going_through_all_pairs_of_tables_lets_learn(shape):
    draw = np.random.default_rng(6)

    def releases():
        earlier = Protected(*drawn(draw, shape))
        return [earlier, Protected(*drawn(draw, shape, earlier.system))]

    compared(releases, 2, 6)


GRID = {"x": "abc", "y": "def"}
A, B, C = ("x", "a"), ("x", "b"), ("x", "c")
D, E, F = ("y", "d"), ("y", "e"), ("y", "f")


def grid(people, threshold=5, magnitudes=(), p_percent=None):
    tables = {"t": (("x",), ("y",))}
    people = np.array(people).ravel()
    return System(Rule(threshold, p_percent), tables, classes_of(GRID), people, magnitudes)


def block(system, rows=(A, B), columns=(D, E)):
    return masked(system, *product(rows, columns))


def attacks(found):
    return {(gap.cell, gap.attack) for gap in found.gaps}


def test_what_is_suppressed_alone_in_its_line_is_subtracted():
    system = grid([[3, 20, 20], [20, 20, 20], [20, 20, 20]])
    assert attacks(audit(system, primary(system))) == {(cell(A, D), "system")}
    diagonal = masked(system, (A, D), (B, E), (C, F))
    assert attacks(audit(system, diagonal)) == {(cell(A, D), "system")}


def test_a_protected_count_that_is_published_is_a_gap():
    system = grid([[3, 20, 20], [20, 20, 20], [20, 20, 20]])
    found = audit(system, np.zeros(len(system.cells), dtype=bool))
    assert attacks(found) == {(cell(A, D), "system")}
    assert "is published" in found.gaps[0].why


def test_a_block_is_proved_by_tables_that_show_nobody_and_many():
    system = grid([[3, 20, 20], [20, 20, 20], [20, 20, 20]])
    found = audit(system, block(system))
    assert found.is_proved
    first = found.atoms.index(cell(A, D))
    assert {one.bound: int(one.tables[0][first]) >= 5 for one in found.witnesses} == {"none": False, "many": True}
    assert all(one.tables[0].sum() == 163 for one in found.witnesses)


def test_too_little_beside_it_tells_that_it_is_few():
    system = grid([[3, 1, 20], [20, 20, 20], [20, 20, 20]], threshold=6)
    found = audit(system, block(system))
    assert {gap.cell for gap in found.gaps} == {cell(A, D), cell(A, E)}


def test_bounds_in_fractions_are_no_proof():
    # From one table to the next by the only way there is, the protected cell changes by two people: it is never 0,
    # though half of the way leads there.
    more, fewer = (2, 4, 6, 10, 12, 14, 16, 22, 26), (1, 3, 8, 11, 15, 23, 25)
    codes = {"x": "abc", "y": "def", "z": "ghi"}
    people = np.full(27, 20)
    people[13] = 1
    system = System(Rule(5), {"t": (("x",), ("y",), ("z",))}, classes_of(codes), people)
    suppressed = np.zeros(len(system.cells), dtype=bool)
    suppressed[[system.cells.index(system.atoms[place]) for place in (*more, *fewer, 13)]] = True
    half = people.astype(float)
    half[list(more)] += 0.5
    half[list(fewer)] -= 0.5
    half[13] -= 1
    assert half.min() == 0
    assert (system.incidence @ half == system.counts)[~suppressed].all()
    found = audit(system, suppressed)
    assert [(gap.cell, gap.attack) for gap in found.gaps] == [(system.atoms[13], "system")]
    assert "somebody is in it" in found.gaps[0].why


def test_the_only_person_of_a_cell_subtracts_herself():
    system = grid([[1, 20, 20], [20, 1, 20], [20, 20, 20]])
    found = audit(system, block(system))
    assert attacks(found) == {(cell(A, D), "insider"), (cell(B, E), "insider")}
    assert not any(character.isdigit() for gap in found.gaps for character in gap.why)
    wider = audit(system, block(system, columns=(D, E, F)))
    assert wider.is_proved
    assert cell(A, D) in {one.insider for one in wider.witnesses}


TWO_NIGHTS = [[3, 20, 20], [20, 20, 20], [20, 20, 20]]


def test_two_nights_with_two_safe_patterns_expose_together():
    system = grid(TWO_NIGHTS)
    one, other = block(system), block(system, (A, C), (D, F))
    assert audit(system, one).is_proved
    assert audit(system, other).is_proved
    assert audit(system, one, [Protected(system, one)]).is_proved
    found = audit(system, other, [Protected(system, one)])
    assert attacks(found) == {(cell(A, D), "releases")}


def test_who_joined_since_does_not_hide_what_two_patterns_expose():
    system, later = grid(TWO_NIGHTS), grid([[3, 20, 20], [20, 20, 20], [20, 20, 29]])
    found = audit(later, block(later, (A, C), (D, F)), [Protected(system, block(system))])
    assert (cell(A, D), "releases") in attacks(found)
    assert audit(later, block(later), [Protected(system, block(system))]).is_proved


def test_a_published_change_by_few_people_is_a_gap():
    system, later = grid(TWO_NIGHTS), grid([[3, 20, 20], [20, 20, 20], [20, 20, 21]])
    found = audit(later, block(later), [Protected(system, block(system))])
    assert attacks(found) == {(cell(*pairs), "releases") for pairs in [(), (C,), (F,), (C, F)]}


def test_a_hidden_change_by_few_people_must_stay_open():
    # One moved within the block: each of its cells changed by one, and no margin did.
    system, later = grid(TWO_NIGHTS), grid([[4, 19, 20], [19, 21, 20], [20, 20, 20]])
    found = audit(later, block(later), [Protected(system, block(system))])
    assert found.is_proved
    opened = block(later) & (later.counts != 21)
    assert not audit(later, opened, [Protected(system, block(system))]).is_proved


def test_releases_with_other_columns_are_compared_by_what_both_tell():
    system = grid(TWO_NIGHTS)
    coarse = System(Rule(5), {"t": (("x",),)}, (cell(A), cell(B), cell(C)), np.array([43, 60, 60]))
    whole_line = masked(system, (A,), (A, D), (B,), (B, D))
    assert audit(system, whole_line).is_proved
    nothing = np.zeros(len(coarse.cells), dtype=bool)
    assert attacks(audit(system, whole_line, [Protected(coarse, nothing)])) == {(cell(A, D), "releases")}


def scores(people, sums, largest=5.0, second=5.0, bounds=(1.0, 5.0)):
    sums = np.array(sums, dtype=float).ravel()
    has = np.array(people).ravel() > 0
    return (Magnitude("score", *bounds, sums, np.abs(sums), largest * has, second * has),)


def test_a_sum_that_one_person_dominates_is_suppressed_and_cannot_be_subtracted():
    people = np.full((3, 3), 12)
    sums = np.full(9, 240.0)
    sums[0] = 1010.0
    largest, second = np.full(9, 20.0), np.full(9, 20.0)
    largest[0], second[0] = 1000.0, 1.0
    minutes = (Magnitude("minutes", 0.0, np.inf, sums, sums, largest, second),)
    system = grid(people, magnitudes=minutes, p_percent=10)
    published = audit(system, np.zeros(len(system.cells), dtype=bool))
    # In the margins others hide what is left of the greatest part.
    assert attacks(published) == {(cell(A, D), "sum")}
    assert attacks(audit(system, masked(system, (A, D)))) == {(cell(A, D), "sum")}
    assert audit(system, block(system)).is_proved
    sums = sums.copy()
    sums[[1, 3]] = 5.0
    little_beside_it = replace(minutes[0], sums=sums, absolute=sums)
    close = audit(replace(system, magnitudes=(little_beside_it,)), block(system))
    assert (cell(A, D), "sum") in attacks(close)
    assert any("not higher" in gap.why for gap in close.gaps)


def test_published_sums_tell_of_counts():
    # Everybody of a gave 5, and everybody but those of a and d gave 1: more of them than there are would show in
    # the sum of d.
    people = [[3, 20, 20], [20, 20, 20], [20, 20, 20]]
    sums = [[15, 100, 100], [20, 60, 60], [20, 60, 60]]
    alone = grid(people)
    system = grid(people, magnitudes=scores(people, sums), p_percent=10)
    assert audit(alone, block(alone)).is_proved
    found = audit(system, block(system))
    assert (cell(A, D), "system") in attacks(found)
    assert {gap.why.rsplit("tell ")[-1] for gap in found.gaps if gap.attack == "system"} == {
        "that fewer people are in it than may be told"
    }


def test_sums_let_learn_what_going_through_all_tables_lets_learn():
    draw, left = np.random.default_rng(7), {True: 1, False: 3}
    while any(left.values()):
        drawn_system, suppressed = drawn(draw, "two dimensions")
        parts = [np.sort(draw.choice([1.0, 5.0], number, p=[0.2, 0.8])) for number in drawn_system.people]
        largest, second = (np.array([part[-n] if len(part) >= n else 0.0 for part in parts]) for n in (1, 2))
        sums = np.array([part.sum() for part in parts])
        score = Magnitude("score", 1.0, 5.0, sums, sums, largest, second)
        system = replace(drawn_system, rule=Rule(3, 10.0), magnitudes=(score,))
        learned = learned_of_sums(Protected(system, suppressed), parts)
        if learned is None or not left[not learned]:
            continue
        left[not learned] -= 1
        gaps = audit(system, suppressed).gaps
        assert {(gap.cell, gap.attack == "sum") for gap in gaps if gap.attack != "insider"} == learned


def test_a_published_sum_that_changes_with_too_few_people_is_a_gap():
    people = np.full((3, 3), 20)
    sums = np.full(9, 60.0)
    system = grid(people, magnitudes=scores(people, sums), p_percent=10)
    sums = sums.copy()
    sums[8] = 61.0
    later = grid(people, magnitudes=scores(people, sums), p_percent=10)
    nothing = np.zeros(len(system.cells), dtype=bool)
    found = audit(later, nothing, [Protected(system, nothing)])
    assert attacks(found) == {(cell(*pairs), "releases") for pairs in [(), (C,), (F,), (C, F)]}


def test_groups_of_which_all_or_none_are_of_a_kind_are_warned_of():
    people = [[20, 0, 0], [20, 30, 0], [20, 20, 20]]
    sums = [[100, 0, 0], [60, 60, 0], [60, 60, 60]]
    system = grid(people, magnitudes=scores(people, sums))
    found = audit(system, np.zeros(len(system.cells), dtype=bool))
    assert found.is_proved
    assert {(one.cell, one.why) for one in found.warnings} == {
        (cell(A, D), "all people of x a are of y d"),
        (cell(B), "nobody of x b is of y f"),
        (cell(E), "nobody of y e is of x a"),
        (cell(C, F), "all people of y f are of x c"),
        (cell(A), "all people of x a have the greatest possible score"),
        (cell(A, D), "all people of x a and y d have the greatest possible score"),
    }
    assert audit(system, np.ones(len(system.cells), dtype=bool)).warnings == ()


def strange():
    none = System(Rule(5), {"t": (("x",),)}, (), np.zeros(0, dtype=np.int64))
    one = System(Rule(5), {"t": (("x",),)}, (cell(A),), np.array([3]))
    deep = System(Rule(5), {"t": (("x", "y"),)}, (cell(A, D), cell(B, E)), np.array([3, 30]))
    empty = grid(np.zeros(9, dtype=int), magnitudes=scores(np.zeros(9), np.zeros(9)), p_percent=10)
    unlimited = grid(np.full(9, 3), magnitudes=scores(np.full(9, 3), np.full(9, -9), 5, 3, (-np.inf, np.inf)))
    beyond = grid(np.full(9, 9), magnitudes=scores(np.full(9, 9), np.full(9, 90), 10, 10), p_percent=10)
    return {"no people": none, "one": one, "deep": deep, "all 0": empty, "unlimited": unlimited, "beyond": beyond}


@pytest.mark.parametrize("name", strange())
def test_strange_systems_are_judged(name):
    system = strange()[name]
    nothing, everything = np.zeros(len(system.cells), dtype=bool), np.ones(len(system.cells), dtype=bool)
    assert audit(system, everything).is_proved
    assert audit(system, nothing).is_proved != primary(system).any()
    assert audit(system, everything, [Protected(system, everything)]).is_proved
    assert audit(grid(TWO_NIGHTS), block(grid(TWO_NIGHTS)), [Protected(system, everything)]).gaps is not None


def test_cells_with_the_same_people_are_hidden_together():
    system = System(Rule(5), {"t": (("x", "y"),)}, (cell(A, D), cell(B, E), cell(C, F)), np.array([3, 30, 30]))
    found = audit(system, masked(system, (A, D), (B, E), (B,)))
    assert attacks(found) == {(cell(A), "system"), (cell(A, D), "system")}
    assert audit(system, masked(system, (A, D), (A,), (B, E), (B,))).is_proved


def test_without_time_there_is_no_proof():
    system = grid(TWO_NIGHTS)
    found = audit(system, block(system), seconds=0)
    assert not found.is_proved
    assert "no proof was found within 0 seconds" in found.gaps[0].why


def changed(witness, **what):
    return replace(witness, **what)


def moved(tables, places, by):
    last = tables[-1].copy()
    for place_of, change in zip(places, by, strict=True):
        last[place_of] += change
    return (*tables[:-1], last)


def test_planted_tables_are_refused_by_addition():
    system, later = grid(TWO_NIGHTS), grid([[3, 20, 20], [20, 20, 20], [20, 20, 29]])
    earlier = [Protected(system, block(system))]
    suppressed = block(later)
    found = audit(later, suppressed, earlier)
    assert check(later, suppressed, earlier, found) == []
    first, *rest = found.witnesses
    other = "many" if first.bound == "none" else "none"
    at = [found.atoms.index(cell(*pairs)) for pairs in ((A, D), (A, E), (B, D), (B, E))]
    planted = {
        "does not give what is published": changed(first, tables=moved(first.tables, [0], [1])),
        "no number of people": changed(first, tables=moved(first.tables, at, [-100, 100, 100, -100])),
        "one number for each": changed(first, tables=first.tables[1:]),
        "not show what it is kept for": changed(first, bound=other),
        "somebody leaves": changed(first, tables=moved(first.tables, at, [1, -1, -1, 1])),
        "number of people": changed(first, tables=tuple(table + 0.0 for table in first.tables)),
    }
    for words, wrong in planted.items():
        faults = check(later, suppressed, earlier, replace(found, witnesses=(wrong, *rest)))
        assert any(words in fault for fault in faults), (words, faults)
    for number in range(len(found.witnesses)):
        fewer = tuple(one for at_, one in enumerate(found.witnesses) if at_ != number)
        faults = check(later, suppressed, earlier, replace(found, witnesses=fewer))
        assert faults == ["for something that is protected no table shows that it could be otherwise"]
    assert check(later, suppressed, earlier, replace(found, atoms=found.atoms[1:])) != []


def test_the_verdict_is_the_same_every_time():
    draw = np.random.default_rng(3)
    system = grid(draw.integers(0, 12, 9), threshold=5)
    suppressed = primary(system) | (draw.random(len(system.cells)) < 0.5)
    one, other = audit(system, suppressed), audit(system, suppressed)
    assert one.gaps == other.gaps
    assert [one.tables[0].tolist() for one in one.witnesses] == [one.tables[0].tolist() for one in other.witnesses]
