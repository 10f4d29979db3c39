"""What the suppressor leaves is enough: shown by counting out all tables of small systems."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from scipy import sparse

from publish.disclosure.audit import audit
from publish.disclosure.results import Gap
from publish.disclosure.suppression import repair, suppress, suppress_exactly, suppress_heuristically
from publish.disclosure.suppression.classes import weights_of
from publish.disclosure.suppression.primary import primary, protected_counts, protection_distances, sticky
from publish.disclosure.tables import Counts, Dimension, Magnitude, Mask, Protected, Rule, System


def system_of(
    people: Counts, threshold: int = 3, dimensions: tuple[Dimension, ...] | None = None, parts: int | None = None
) -> System:
    """A system of one table: an atom for every place of the array, with ``parts`` the magnitude's seed."""
    if dimensions is None:
        dimensions = tuple((f"d{number}",) for number in range(people.ndim))
    columns = [column for dimension in dimensions for column in dimension]
    atoms = tuple(
        frozenset(zip(columns, (str(code) for code in place), strict=True)) for place in np.ndindex(people.shape)
    )
    counts = people.reshape(-1).astype(np.int64)
    magnitudes = () if parts is None else (magnitude_of(counts, parts),)
    rule = Rule(threshold, None if parts is None else 20.0)
    return System(rule, {"table": dimensions}, atoms, counts, magnitudes)


def magnitude_of(counts: Counts, seed: int) -> Magnitude:
    """Parts of 1 to 5 for everybody."""
    random = np.random.default_rng(seed)
    each = [np.sort(np.append(random.integers(1, 6, count), [0, 0]))[::-1].astype(float) for count in counts]
    sums = np.array([parts.sum() for parts in each])
    first, second = np.array([parts[0] for parts in each]), np.array([parts[1] for parts in each])
    return Magnitude("minutes", 1.0, 5.0, sums, sums, first, second)


def tables_like(system: System, suppressed: Mask, most: int) -> Iterator[Counts]:
    """Every table that gives all that is published, with up to ``most`` people in an atom."""
    rows = system.incidence[~suppressed].toarray().astype(np.int64)
    published = rows @ system.people
    last = [
        np.array([not rows[row, number + 1 :].any() for row in range(len(rows))])
        for number in range(len(system.atoms))
    ]

    def go_on(table: list[int], sums: Counts) -> Iterator[Counts]:
        number = len(table)
        if number == len(system.atoms):
            yield np.array(table)
            return
        for people in range(most + 1):
            now = sums + rows[:, number] * people
            if (now > published).any():
                break
            if (now[last[number]] == published[last[number]]).all():
                yield from go_on([*table, people], now)

    yield from go_on([], np.zeros(len(rows), dtype=np.int64))


def missing_claims(system: System, suppressed: Mask, most: int) -> list[str]:
    """Which claims no table shows, of anybody and of those who are alone in a cell."""
    members = system.incidence.toarray().astype(np.int64)
    protected = np.flatnonzero((system.counts >= 1) & (system.counts < system.rule.threshold))
    tables = np.array(list(tables_like(system, suppressed, most)))
    missing = []
    for insider in [None, *(cell for cell in protected.tolist() if system.counts[cell] == 1)]:
        hers = np.zeros(len(system.atoms), dtype=np.int64)
        agreeing = tables
        if insider is not None:
            hers = members[insider] * system.people
            agreeing = tables[
                (tables[:, members[insider] == 1] == system.people[members[insider] == 1]).all(axis=1)
            ]
        for cell in protected.tolist():
            if insider is not None and (members[cell] <= members[insider]).all():
                continue
            counts = agreeing @ members[cell]
            if not (counts == members[cell] @ hers).any():
                missing.append(f"none in {cell} for {insider}")
            if not (counts >= system.rule.threshold).any():
                missing.append(f"many in {cell} for {insider}")
    return missing


SHAPES = [(3, 3), (2, 4), (2, 2, 2), (4,), (3, 2)]


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("suppressing", [suppress, suppress_heuristically])
def test_whole_tables_show_every_claim(seed: int, suppressing: object) -> None:
    """Independently of the suppressor: all tables of a small system are counted out."""
    random = np.random.default_rng(seed)
    system = system_of(random.poisson(random.uniform(1, 4), SHAPES[seed % len(SHAPES)]))
    suppressed: Mask = suppressing(system)  # type: ignore[operator]
    assert not (primary(system) & ~suppressed).any()
    if not suppressed.all():
        assert missing_claims(system, suppressed, int(system.people.max()) + 4) == []


def test_primary_suppression_alone_is_not_enough() -> None:
    """The counting out bites: it finds what subtraction finds."""
    system = system_of(np.array([[1, 6], [5, 7]]))
    assert missing_claims(system, primary(system), 12)
    assert missing_claims(system, suppress(system), 12) == []


def test_a_hierarchy_is_protected_at_every_level() -> None:
    people = np.array([[[2, 5], [4, 0]], [[6, 1], [3, 7]]])
    system = system_of(people, dimensions=(("city", "district"), ("answer",)))
    suppressed = suppress(system)
    assert missing_claims(system, suppressed, 11) == []


def test_where_nothing_is_small_everything_is_published() -> None:
    assert not suppress(system_of(np.array([[10, 0], [4, 3]]))).any()


@pytest.mark.parametrize("seed", range(6))
def test_the_optimum_loses_no_more_than_the_heuristic(seed: int) -> None:
    random = np.random.default_rng(seed)
    system = system_of(random.poisson(5, (5, 4)), threshold=4)
    exact = suppress_exactly(system, seconds=60)
    assert exact is not None
    weights = weights_of(system, "cells")
    assert weights[exact].sum() <= weights[suppress_heuristically(system)].sum() + 1e-9
    assert weights[suppress(system)].sum() == pytest.approx(weights[exact].sum())


def test_the_optimum_that_is_not_found_in_time_is_none() -> None:
    people = np.random.default_rng(1).poisson(14, (5, 5, 4))
    assert suppress_exactly(system_of(people, threshold=10), seconds=0.05) is None


def test_margins_are_kept_where_inner_cells_do() -> None:
    people = np.full((4, 4), 9)
    people[0, 0] = 1
    system = system_of(people)
    lost = [system.cells[row] for row in np.flatnonzero(suppress(system))]
    assert len(lost) == 4
    assert all(len(cell) == 2 for cell in lost)


def test_weights_say_what_is_dear() -> None:
    people = np.full((3, 3), 9)
    people[0, 0] = 1
    system = system_of(people)

    def dear(system: System) -> np.ndarray:
        return np.array([100.0 if ("d0", "1") in cell else 1.0 for cell in system.cells])

    lost = [system.cells[row] for row in np.flatnonzero(suppress(system, weights=dear))]
    assert not any(("d0", "1") in cell for cell in lost)
    assert suppress(system, weights="count").any()


def test_what_was_suppressed_stays_so() -> None:
    """Also if it counts enough by now, and if the atoms are others."""
    before = system_of(np.array([[2, 6], [5, 7]]))
    release = Protected(before, suppress(before))
    now = system_of(np.array([[9, 6], [5, 7], [8, 8]]))
    suppressed = suppress(now, [release])
    kept = {before.cells[row] for row in np.flatnonzero(release.suppressed)}
    assert kept
    assert all(suppressed[row] for row, cell in enumerate(now.cells) if cell in kept)
    assert sticky(now, [release]).sum() == len(kept)
    assert not suppress(now).any()


def test_cells_of_the_same_atoms_share_their_fate() -> None:
    people = np.array([[[2, 9, 9]], [[8, 9, 4]]])
    system = system_of(people, dimensions=(("city", "district"), ("answer",)))
    suppressed = suppress(system)
    members = system.incidence.toarray()
    for one, other in product(range(len(members)), repeat=2):
        if (members[one] == members[other]).all():
            assert suppressed[one] == suppressed[other]


def test_two_tables_that_share_margins_are_one_system() -> None:
    """Of the second table alone everything could be published, were it not for the first."""
    codes = list(product("ab", "xy", "pq"))
    atoms = tuple(frozenset(zip(("age", "answer", "place"), code, strict=True)) for code in codes)
    people = np.array([1, 3, 2, 4, 5, 0, 3, 3])
    tables = {"one": (("age",), ("answer",)), "two": (("age",), ("place",))}
    system = System(Rule(3), tables, atoms, people)
    assert missing_claims(system, suppress(system), 9) == []


def reaches(system: System, suppressed: Mask) -> list[str]:
    """Which protected sums are not free to move, by linear programs of this test's own."""
    from scipy.optimize import linprog

    magnitude, members = system.magnitudes[0], system.incidence
    distances = protection_distances(system, magnitude)
    shown = members[~suppressed]
    equal = sparse.block_diag([shown, shown])
    right = np.concatenate([shown @ system.people, shown @ magnitude.sums])
    eye = sparse.eye_array(len(system.atoms))
    bounds = sparse.vstack(
        [
            sparse.hstack([magnitude.minimum * eye, -eye]),
            sparse.hstack([-magnitude.maximum * eye, eye]),
        ]
    )
    missing = []
    for cell in np.flatnonzero(distances > 0).tolist():
        row = np.concatenate([np.zeros(len(system.atoms)), members[[cell]].toarray()[0]])
        for sign in (1, -1):
            found = linprog(-sign * row, A_ub=bounds, b_ub=np.zeros(bounds.shape[0]), A_eq=equal, b_eq=right)
            if found.status != 3 and abs(found.fun * -sign - row[len(system.atoms) :] @ magnitude.sums) < (
                distances[cell] - 1e-5
            ):
                missing.append(f"{cell} {sign}")
    return missing


@pytest.mark.parametrize("seed", range(4))
def test_sums_could_be_others(seed: int) -> None:
    random = np.random.default_rng(seed)
    system = system_of(random.poisson(4, (4, 4)), parts=seed)
    suppressed = suppress_heuristically(system)
    assert reaches(system, suppressed) == []
    assert suppress(system).sum() <= suppressed.sum()


def test_a_sum_that_one_person_makes_is_protected_though_many_are_counted() -> None:
    people = np.full((3, 3), 6)
    system = system_of(people, parts=1)
    magnitude = system.magnitudes[0]
    sums = magnitude.sums.copy()
    sums[0] += 500.0
    largest = magnitude.largest.copy()
    largest[0] += 500.0
    rich = Magnitude("minutes", 1.0, 600.0, sums, sums, largest, magnitude.second)
    system = System(system.rule, system.tables, system.atoms, system.people, (rich,))
    row = system.cells.index(frozenset({("d0", "0"), ("d1", "0")}))
    assert not protected_counts(system)[row]
    assert primary(system)[row]
    suppressed = suppress(system)
    assert suppressed[row]
    assert reaches(system, suppressed) == []


def test_repair_always_suppresses_more_until_nothing_is_left() -> None:
    system = system_of(np.array([[1, 6, 8], [5, 7, 9], [4, 4, 4]]))
    suppressed = suppress(system)
    cell = system.cells[int(np.flatnonzero(protected_counts(system))[0])]
    for _ in range(len(system.cells)):
        more = repair(system, suppressed, [Gap(cell, "system", "")], ())
        assert not (suppressed & ~more).any()
        assert more.all() or more.sum() > suppressed.sum()
        suppressed = more
    assert suppressed.all()


def test_repair_hides_what_two_releases_tell() -> None:
    """Two people came, of whom nothing was suppressed before: a change that must not be seen."""
    before = system_of(np.array([[5, 6], [7, 8]]))
    release = Protected(before, suppress(before))
    assert not release.suppressed.any()
    now = system_of(np.array([[7, 6], [7, 8]]))
    cell = frozenset({("d0", "0"), ("d1", "0")})
    more = repair(now, suppress(now), [Gap(cell, "releases", "")], [release])
    assert more[now.cells.index(cell)]
    assert more.sum() >= 4


@pytest.mark.parametrize("parts", [None, 7])
def test_a_few_repairs_close_what_the_audit_finds_in_two_releases(parts: int | None) -> None:
    """Also where sums are published, which with the sums of before tell more than counts do."""
    random = np.random.default_rng(8)
    people = random.poisson(6, (5, 3))
    before = system_of(people, threshold=4, parts=parts)
    release = Protected(before, suppress(before))
    assert audit(before, release.suppressed, ()).is_proved
    now = system_of(people + random.choice([0, 2, 5], (5, 3)), threshold=4, parts=parts)
    suppressed = suppress(now, [release])
    for _ in range(5):
        found = audit(now, suppressed, [release])
        if found.is_proved:
            break
        suppressed = repair(now, suppressed, found.gaps, [release])
    assert found.is_proved
    assert not suppressed.all()


def test_the_same_system_has_the_same_answer_in_every_process() -> None:
    """No order of sets, no clock."""
    program = (
        "import numpy as np; from tests.publish.disclosure.test_suppression import system_of;"
        "from publish.disclosure.suppression import suppress, suppress_heuristically as heuristically;"
        "small = system_of(np.random.default_rng(3).poisson(4, (4, 3, 2)), 4);"
        "print(np.packbits(suppress(small)).tolist(), np.packbits(heuristically(small)).tolist())"
    )
    answers = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONHASHSEED": seed},
            cwd=Path(__file__).parents[3],
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(answers) == 1
