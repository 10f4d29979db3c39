"""Datasets that must agree: all are switched, or all are as they were, wherever it fails."""

import datetime as dt
from dataclasses import replace

import pytest

from publish import together
from publish.guards import Shown, held
from publish.plans import NOTHING_ALLOWED, Allowed, Change, DatasetPlan, Plan, PortalError, Published
from publish.portals.folder import FolderPortal
from tests.publish import places
from warehouse.home import Home
from warehouse.progress import silent

NAMES = ("a", "b", "c")
LATER = dt.date(2026, 3, 1)


class Memory:
    """A portal in memory whose ``fails_at``-th writing fails, and all after it where it ``lasts``."""

    def __init__(self, shown=(), fails_at=None, *, lasts=False, reads=True):
        self.shown = {one.name: one for one in shown}
        self.fails_at, self.lasts, self.reads = fails_at, lasts, reads
        self.calls = []

    def _held(self, one, allowed):
        before = self.shown.get(one.name)
        release = before.release if before else None
        seen = (
            Shown(release.version, rows=release.rows, content_sha256=release.content_sha256) if release else None
        )
        return held(one, seen, allowed), release

    def plan(self, desired, allowed):
        plans = []
        for one in desired:
            holds, before = self._held(one, allowed)
            differs = before is None or before.version != one.release.version
            changes = (Change(one.name, "update" if before else "create", "dataset", ""),) if differs else ()
            plans.append(DatasetPlan(one.name, changes, holds=holds, shown=before.version if before else None))
        faults = {} if self.reads else {desired[-1].name: PortalError("cannot be read", is_transient=True)}
        return Plan(tuple(plans)), faults

    def apply(self, desired, allowed):
        (one,) = desired
        number = len(self.calls)
        self.calls.append((one.name, one.release.version))
        if number == self.fails_at or (self.lasts and self.fails_at is not None and number > self.fails_at):
            return [], {one.name: PortalError(f"{one.name}: refused")}
        (plan,) = self.plan([one], allowed)[0].datasets
        if not plan.holds:
            self.shown[one.name] = one
        return [Published(one.name, plan.changes, len(plan.changes), "url", holds=plan.holds)], {}

    @property
    def versions(self):
        return {name: one.release.version for name, one in self.shown.items()}


@pytest.fixture(scope="module")
def versions(tmp_path_factory):
    """Three datasets that must agree, in an older and a newer version."""
    home = Home(tmp_path_factory.mktemp("home"))
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


def switch(writer, versions, allowed=NOTHING_ALLOWED, stuck=None):
    return together.switch(versions[1], writer, before_in(versions), allowed, stuck or {})


def test_a_set_is_switched_one_after_the_other(versions):
    writer = Memory(versions[0])
    switched = switch(writer, versions)
    assert [one.dataset for one in switched.done] == list(NAMES)
    assert switched.problems == {}
    assert set(writer.versions.values()) == {"2026-03-01"}
    again = switch(writer, versions)
    assert [one.writes for one in again.done] == [0, 0, 0]


@pytest.mark.parametrize("fails_at", range(3))
def test_wherever_it_fails_all_are_as_they_were_and_the_next_run_converges(versions, fails_at):
    writer = Memory(versions[0], fails_at)
    switched = switch(writer, versions)
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
    assert set(writer.versions.values()) == {"2026-02-01"}
    assert switch(writer, versions).problems == {}
    assert set(writer.versions.values()) == {"2026-03-01"}


def test_a_folder_is_put_back_to_the_rows_and_files_that_it_showed(tmp_path, versions):
    """With the true portal: what was switched before the fault came shows the older files again."""
    portal = FolderPortal(tmp_path)
    portal.apply(versions[0][:2], silent, lambda *fault: pytest.fail(str(fault)))
    before = {name: data for name, data in places.tree(tmp_path / "datasets").items() if name.endswith(".csv")}

    class Second(Memory):
        def plan(self, desired, allowed):
            return portal.plan(desired, allowed), {}

        def apply(self, desired, allowed):
            if desired[0].name == "b":
                return [], {"b": PortalError("b: refused")}
            return portal.apply(desired, silent, lambda *fault: pytest.fail(str(fault)), allowed), {}

    newer = versions[1][:2]
    switched = together.switch(newer, Second(), before_in(versions), NOTHING_ALLOWED, {})
    assert "version 2026-02-01 is shown again" in str(switched.problems["a"])
    after = {name: data for name, data in places.tree(tmp_path / "datasets").items() if name.endswith(".csv")}
    assert after == before


@pytest.mark.parametrize("fails_at", range(1, 3))
def test_what_cannot_be_put_back_is_told(versions, fails_at):
    writer = Memory(versions[0], fails_at, lasts=True)
    switched = switch(writer, versions)
    assert "version 2026-02-01 could not be put back: a: refused" in str(switched.problems["a"])
    writer.fails_at = None
    assert switch(writer, versions).problems == {}


def test_a_version_that_is_not_kept_cannot_be_put_back(versions):
    switched = together.switch(versions[1], Memory(versions[0], 1), lambda *of: None, NOTHING_ALLOWED, {})
    assert "version 2026-02-01 is not kept" in str(switched.problems["a"])


def test_what_was_not_there_is_created_last(versions):
    """It could not be taken away again: no link to it may die."""
    writer = Memory(versions[0][1:])
    assert switch(writer, versions).problems == {}
    assert [name for name, _ in writer.calls] == ["b", "c", "a"]


def test_one_that_is_held_holds_all(versions):
    small = replace(versions[1][1], release=replace(versions[1][1].release, rows=3))
    writer = Memory(versions[0][:2])
    switched = together.switch([versions[1][0], small], writer, before_in(versions), NOTHING_ALLOWED, {})
    assert [(one.dataset, one.holds[0].guard) for one in switched.done] == [("a", "together"), ("b", "rows")]
    assert switched.done[0].holds[0].detail == (
        "it is switched together with b, which cannot be: 30 rows would become 3: 90.0 % vanish, and 10 % may"
    )
    assert set(writer.versions.values()) == {"2026-02-01"}
    allowed = Allowed(frozenset({"b"}))
    switched = together.switch([versions[1][0], small], writer, before_in(versions), allowed, {})
    assert not any(one.holds for one in switched.done)


def test_one_whose_newest_build_is_held_holds_all(versions):
    switched = switch(Memory(versions[0]), versions, stuck={"c": "its checks hold what was newly built"})
    assert {one.holds[0].guard for one in switched.done} == {"together"}
    assert switched.done[2].holds[0].detail == "its checks hold what was newly built"
    assert "together with c" in switched.done[0].holds[0].detail


def test_what_is_withdrawn_from_the_version_that_stands_there_does_not_wait_for_others(versions):
    writer = Memory([versions[1][0], versions[0][1]])
    small = replace(versions[1][1], release=replace(versions[1][1].release, rows=3))
    switched = together.switch([versions[1][0], small], writer, before_in(versions), NOTHING_ALLOWED, {})
    assert [(one.dataset, [hold.guard for hold in one.holds]) for one in switched.done] == [
        ("b", ["rows"]),
        ("a", []),
    ]
    assert writer.calls == [("a", "2026-03-01")]


def test_one_that_cannot_be_read_keeps_all_as_they_were(versions):
    writer = Memory(versions[0], reads=False)
    switched = switch(writer, versions)
    assert set(switched.problems) == set(NAMES)
    assert writer.calls == []


def test_a_set_of_one_stands_alone(versions):
    alone, sets = together.sets_of([versions[1][0], replace(versions[1][1], together="")])
    assert [one.name for one in alone] == ["a", "b"]
    assert sets == {}
    assert set(together.sets_of(versions[1])[1]) == {"set"}
