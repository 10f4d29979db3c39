from __future__ import annotations

import csv
import datetime as dt
import json
import shutil

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from publish.release import release_folder, verify_release
from publish.release.keeping import by_rule, lacking_rows, to_keep
from publish.release.manifest import manifest
from publish.withdrawal import rewrite
from tests.publish import places
from warehouse.declarations.keeping import Keeping
from warehouse.home import Home
from warehouse.pruned import Pruned, write_down
from warehouse.releases import Release, ReleaseError
from warehouse.withdrawals import withdrawal

TODAY = dt.date(2026, 11, 26)


def version(day, sequence=1, major=1, previous=None):
    label = day.isoformat() if sequence == 1 else f"{day.isoformat()}.{sequence}"
    return Release("d", label, day, sequence, 1, "", "", previous, 0, 0, 0, (), (), major=major)


def ago(days, **more):
    return version(TODAY - dt.timedelta(days=days), **more)


def test_all_of_late_the_last_of_a_month_the_last_of_a_year():
    listed = [ago(days) for days in (0, 1, 90, 91, 95, 400, 401, 1300, 1301, 1400, 3000)]
    kept = to_keep(listed, TODAY, Keeping(), {})
    ages = {(TODAY - dt.date.fromisoformat(one)).days for one in kept}
    assert ages == {0, 1, 90, 400, 1300, 3000}  # 91 and 95 are of one month with 90, 1400 of one year with 1300
    assert kept[listed[0].version] == "the latest"
    assert kept[listed[-1].version] == "the first, before which there is nothing"
    assert kept[listed[7].version] == "the last one of 2023"


def test_what_the_latest_is_compared_with_stays():
    listed = [ago(500), ago(420), ago(415), ago(0, previous=(TODAY - dt.timedelta(days=420)).isoformat())]
    assert to_keep(listed, TODAY, Keeping(), {})[listed[1].version] == "the latest is compared with it"


@pytest.mark.parametrize(("days_since", "stays"), [(89, True), (90, True), (91, False)])
def test_a_former_major_version_stays_for_its_time_from_when_the_new_one_was_made(days_since, stays):
    old, *rest = [ago(400), ago(399), ago(398, major=2), ago(397, major=2), ago(0, major=2)]
    listed = [ago(900), old, *rest]
    made = {listed[3].version: TODAY - dt.timedelta(days=days_since)}
    kept = to_keep(listed, TODAY, Keeping(all_days=1), {}, made)
    assert (listed[2].version in kept) is stays
    assert (listed[3].version in kept) is stays
    assert listed[1].version not in kept


def test_nothing_is_asked_of_nothing():
    assert to_keep([], TODAY, Keeping(), {}) == {}


# --- rows -------------------------------------------------------------------------------------------

days = st.lists(st.integers(0, 1500), min_size=1, max_size=9, unique=True)
rules = st.builds(Keeping, all_days=st.integers(1, 40), monthly_days=st.integers(1, 900))


@settings(max_examples=200, deadline=None)
@given(days=days, rule=rules, data=st.data())
def test_any_row_that_was_ever_released_is_in_a_version_that_stays(days, rule, data):
    listed = [ago(one) for one in sorted(days, reverse=True)]
    keys = st.frozensets(st.integers(0, 6), max_size=4)
    rows = {one.version: data.draw(keys, one.version) for one in listed}
    latest = rows[listed[-1].version]
    ever = frozenset[int]().union(*rows.values())
    lacking: dict[frozenset[str], int] = {}
    for key in ever - latest:
        held_by = frozenset(name for name, held in rows.items() if key in held)
        lacking[held_by] = lacking.get(held_by, 0) + 1
    kept = to_keep(listed, TODAY, rule, lacking)
    assert frozenset[int]().union(*(rows[name] for name in kept)) == ever
    assert set(by_rule(listed, TODAY, rule, {})) <= set(kept)
    # nothing more goes, nor comes back, when the same is asked of what stays
    standing = [one for one in listed if one.version in kept]
    left: dict[frozenset[str], int] = {}
    for held_by, count in lacking.items():
        left[held_by & frozenset(kept)] = left.get(held_by & frozenset(kept), 0) + count
    assert to_keep(standing, TODAY, rule, left) == kept
    # and each that stays for its rows has some that no other one that stays has
    for name, why in kept.items():
        if "no other one" in why:
            others = (rows[other] for other in kept if other != name)
            assert rows[name] - latest - frozenset[int]().union(*others)


@settings(max_examples=5, deadline=None)
@given(tables=st.lists(st.frozensets(st.integers(0, 5), max_size=4), min_size=2, max_size=4))
def test_rows_are_counted_by_the_versions_that_have_them(tmp_path_factory, tables):
    home, made = Home(tmp_path_factory.mktemp("home")), []
    rows = {}
    for number, keys in enumerate(tables):
        one = places.release(
            home, [("P", key, *["x"] * 1, *[None] * 6) for key in keys], made, dt.date(2026, 1, 1 + number)
        )
        if one:
            made.append(one)
            rows[one.version] = keys
    wanted = places.wanted(home, *made)
    latest = made[-1].version
    expected: dict[frozenset[str], int] = {}
    for key in frozenset[int]().union(*rows.values()) - rows[latest]:
        held_by = frozenset(name for name, held in rows.items() if key in held)
        expected[held_by] = expected.get(held_by, 0) + 1
    assert lacking_rows(wanted.versions, [latest], "1GB") == expected


def test_rows_of_another_key_are_not_thought_the_same(tmp_path):
    home = Home(tmp_path)
    then = places.declaration(primaryKey=["number"])
    first = places.release(home, places.rows(3), dataset=then)
    now = places.declaration(major_version=2)
    second = places.release(home, places.rows(3), [first], dt.date(2026, 3, 1), now)
    wanted = places.wanted(home, first, second, dataset=now)
    assert lacking_rows(wanted.versions, [second.version], "1GB") == {frozenset([first.version]): 3}


def test_a_withdrawal_from_a_version_whose_predecessor_left_takes_its_lines_from_the_list_of_changes(tmp_path):
    home, made = Home(tmp_path), list[Release]()
    rows = [[1, 2], [1, 2, 3, 4], [1, 2, 3, 4, 5, 6]]
    for number, keys in enumerate(rows):
        table = [("P", key, f"name of {key} in {min(number, 1)}", *[None] * 6) for key in keys]
        made.append(places.release(home, table, made, dt.date(2026, 1, 1 + number)))
    gone = made[0]
    write_down(home, [Pruned(gone.dataset, gone.version, "2026-11-26", json.loads(manifest(gone)))])
    shutil.rmtree(release_folder(home, gone))
    one = withdrawal("places", {"code": "P", "number": "3"}, None, "asked for", "2026-11-26T00:00:00Z")
    other = withdrawal("places", {"code": "P", "number": "1"}, "name", "asked for", "2026-11-26T00:00:00Z")
    then = rewrite(home, made[1], places.declaration(), {}, [one, other])
    assert (then.rows, then.added, then.changed, then.removed) == (3, 1, 1, 0)
    with (release_folder(home, then) / "changes.csv").open(newline="") as file:
        assert [row[:4] for row in csv.reader(file)][1:] == [
            ["changed", "P", "2", "name"],
            ["added", "P", "4", ""],
        ]
    assert verify_release(release_folder(home, then)) == []
    shutil.rmtree(release_folder(home, made[1]))
    with pytest.raises(ReleaseError, match="is missing"):
        rewrite(home, made[2], places.declaration(), {}, [one])
