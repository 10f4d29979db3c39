"""Datasets that must agree: all are switched, or all are as they were, wherever it fails."""

import datetime as dt
from dataclasses import replace

import pytest

from publish import together
from publish.plans import NOTHING_ALLOWED, Allowed, PortalError
from publish.portals.folder import FolderPortal
from tests.publish import places
from warehouse.home import Home
from warehouse.progress import silent

NAMES = ("a", "b", "c")
LATER = dt.date(2026, 3, 1)


class Faulty:
    """A folder portal whose ``n``-th writing of a dataset fails, and all after it while ``lasts``."""

    def __init__(self, root, fails_at=None, *, lasts=False, reads=True):
        self.portal = FolderPortal(root)
        self.fails_at, self.lasts, self.reads = fails_at, lasts, reads
        self.calls = []

    def plan(self, desired, allowed):
        faults = {}
        found = self.portal.plan(desired, allowed, faults.__setitem__)
        if not self.reads:
            faults[desired[-1].name] = PortalError("cannot be read", is_transient=True)
        return found, faults

    def apply(self, desired, allowed):
        (one,) = desired
        number = len(self.calls)
        self.calls.append((one.name, one.release.version))
        if number == self.fails_at or (self.lasts and self.fails_at is not None and number > self.fails_at):
            return [], {one.name: PortalError(f"{one.name}: refused")}
        faults = {}
        done = self.portal.apply(desired, silent, faults.__setitem__, allowed)
        return done, faults


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return Home(tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="module")
def versions(home):
    """Three datasets that must agree, in an older and a newer version."""
    older, newer = [], []
    for name in NAMES:
        dataset = places.declaration(name=name, publish_with="set")
        first = places.release(home, places.rows(30), dataset=dataset)
        second = places.release(home, places.rows(31), [first], day=LATER, dataset=dataset)
        older.append(places.wanted(home, first, dataset=dataset))
        newer.append(places.wanted(home, first, second, dataset=dataset))
    return older, newer


def before_in(versions):
    known = {(one.name, one.release.version): one for one in versions[0]}
    return lambda wanted, version: known.get((wanted.name, version))


def shown_in(root):
    portal = FolderPortal(root)
    return {name: portal._state(name).get("card", {}).get("version") for name in NAMES}


@pytest.fixture
def root(tmp_path, versions):
    """A portal that shows the older versions."""
    FolderPortal(tmp_path).apply(versions[0], silent, lambda *fault: pytest.fail(str(fault)))
    return tmp_path


def switch(writer, versions, allowed=NOTHING_ALLOWED, stuck=None):
    return together.switch(versions[1], writer, before_in(versions), allowed, stuck or {})


def test_a_set_is_switched_one_after_the_other(root, versions):
    writer = Faulty(root)
    switched = switch(writer, versions)
    assert [one.dataset for one in switched.done] == list(NAMES)
    assert switched.problems == {}
    assert set(shown_in(root).values()) == {"2026-03-01"}
    again = switch(Faulty(root), versions)
    assert [one.writes for one in again.done] == [0, 0, 0]


@pytest.mark.parametrize("fails_at", range(3))
def test_wherever_it_fails_all_are_as_they_were_and_the_next_run_converges(root, versions, fails_at):
    before = {name: data for name, data in places.tree(root).items() if name.startswith("datasets")}
    switched = switch(Faulty(root, fails_at), versions)
    assert switched.done == []
    assert set(switched.problems) == set(NAMES)
    assert str(switched.problems[NAMES[fails_at]]) == f"{NAMES[fails_at]}: refused"
    for name in NAMES[:fails_at]:
        assert str(switched.problems[name]) == (
            f"{name}: {NAMES[fails_at]}, with which it must agree, could not be switched; version 2026-02-01 is"
            " shown again. The next run tries both again"
        )
    for name in NAMES[fails_at + 1 :]:
        assert "it stays as it was" in str(switched.problems[name])
    after = {name: data for name, data in places.tree(root).items() if name.startswith("datasets")}
    assert after == before
    assert switch(Faulty(root), versions).problems == {}
    assert set(shown_in(root).values()) == {"2026-03-01"}


@pytest.mark.parametrize("fails_at", range(1, 3))
def test_what_cannot_be_put_back_is_told(root, versions, fails_at):
    switched = switch(Faulty(root, fails_at, lasts=True), versions)
    assert "version 2026-02-01 could not be put back: a: refused" in str(switched.problems["a"])
    assert switch(Faulty(root), versions).problems == {}


def test_a_version_that_is_not_kept_cannot_be_put_back(root, versions):
    switched = together.switch(versions[1], Faulty(root, 1), lambda *of: None, NOTHING_ALLOWED, {})
    assert "version 2026-02-01 is not kept" in str(switched.problems["a"])


def test_what_was_not_there_is_created_last(tmp_path, versions):
    """It could not be taken away again: no link to it may die."""
    FolderPortal(tmp_path).apply(versions[0][1:], silent, lambda *fault: pytest.fail(str(fault)))
    writer = Faulty(tmp_path)
    assert switch(writer, versions).problems == {}
    assert [name for name, _ in writer.calls] == ["b", "c", "a"]


def test_one_that_is_held_holds_all(root, versions):
    small = replace(versions[1][1], release=replace(versions[1][1].release, rows=3))
    switched = together.switch([versions[1][0], small], Faulty(root), before_in(versions), NOTHING_ALLOWED, {})
    assert [(one.dataset, one.holds[0].guard) for one in switched.done] == [("a", "together"), ("b", "rows")]
    assert switched.done[0].holds[0].detail == (
        "it is switched together with b, which cannot be: 30 rows would become 3: 90.0 % vanish, and 10 % may"
    )
    assert set(shown_in(root).values()) == {"2026-02-01"}
    allowed = Allowed(frozenset({"b"}))
    switched = together.switch([versions[1][0], small], Faulty(root), before_in(versions), allowed, {})
    assert not any(one.holds for one in switched.done)


def test_one_whose_newest_build_is_held_holds_all(root, versions):
    switched = switch(Faulty(root), versions, stuck={"c": "its checks hold what was newly built"})
    assert {one.holds[0].guard for one in switched.done} == {"together"}
    assert switched.done[2].holds[0].detail == "its checks hold what was newly built"
    assert "together with c" in switched.done[0].holds[0].detail


def test_one_that_cannot_be_read_keeps_all_as_they_were(root, versions):
    writer = Faulty(root, reads=False)
    switched = switch(writer, versions)
    assert set(switched.problems) == set(NAMES)
    assert writer.calls == []


def test_a_set_of_one_stands_alone(versions):
    alone, sets = together.sets_of([versions[1][0], replace(versions[1][1], together="")])
    assert [one.name for one in alone] == ["a", "b"]
    assert sets == {}
    assert set(together.sets_of(versions[1])[1]) == {"set"}
