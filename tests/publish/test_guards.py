"""What holds a dataset, and what does not."""

import datetime as dt
from dataclasses import replace

import pytest

from publish.differences import row_difference
from publish.guards import Shown, advice, columns_in, held
from publish.plans import NOTHING_ALLOWED, Allowed, RowDifference
from publish.release import TOMBSTONE, release_folder
from tests.publish import places
from warehouse.home import Home

DAYS = [dt.date(2026, month, 1) for month in (2, 3, 4)]


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return Home(tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="module")
def releases(home):
    """100 rows, then 95 of them and 2 others, then 60 of them."""
    made = []
    for day, rows in zip(DAYS, (rows_of(100), rows_of(95) + rows_of(102)[100:], rows_of(60)), strict=True):
        made.append(places.release(home, rows, made, day=day))
    return made


def rows_of(count):
    return places.rows(count)


def wanted(home, releases, rows=None, **changes):
    dataset = places.declaration(**({"rows": rows} if rows else {}), **changes)
    return places.wanted(home, *releases, dataset=dataset)


def shown(one, **changes):
    """What a portal notes of a dataset that it shows."""
    release = one.release
    noted = Shown(
        release.version,
        release.data_date,
        release.sequence,
        release.rows,
        columns_in(one.metadata),
        release.content_sha256,
        release.major,
        {item.key: item.id for item in one.resources},
    )
    return replace(noted, **changes)


def guards(desired, seen, allowed=NOTHING_ALLOWED):
    return [hold.guard for hold in held(desired, seen, allowed)]


@pytest.mark.parametrize(
    ("rows", "before", "now", "expected"),
    [
        (None, 0, 1, []),  # 3 % fewer
        (None, 1, 2, ["rows"]),  # 38 % fewer; 10 % may vanish where the entry names no limit
        ({"shrink_limit_pct": 50}, 1, 2, []),
        ({"shrink_limit_pct": 20}, 1, 2, ["rows"]),
        ({"shrink_limit_pct": 2}, 0, 1, []),  # three rows: somebody tidied up
        ({"minimum": 61}, 1, 2, ["floor", "rows"]),
        ({"minimum": 98}, 0, 1, ["floor"]),
        ({"minimum": 97}, 0, 1, []),
    ],
)
def test_rows_that_vanish_hold_it(home, releases, rows, before, now, expected):
    desired = wanted(home, releases[: now + 1], rows)
    assert guards(desired, shown(wanted(home, releases[: before + 1]))) == expected
    assert guards(desired, shown(wanted(home, releases[: before + 1])), Allowed(frozenset({"places"}))) == []
    assert guards(desired, shown(wanted(home, releases[: before + 1])), Allowed(frozenset({"others"}))) == expected


def test_the_rows_that_stand_on_the_portal_count_not_those_of_the_version_before(home, releases):
    """It never saw the second version: 40 % vanish at once, though no step of the releases was larger than 39."""
    (hold,) = held(wanted(home, releases), shown(wanted(home, releases[:1])), NOTHING_ALLOWED)
    assert hold.detail == "100 rows would become 60: 40.0 % vanish, and 10 % may"
    assert advice(hold).endswith("opendistrict publish --dataset places --allow-shrink places")


def test_rows_that_somebody_added_by_hand_are_none_that_vanish(home, releases):
    desired = wanted(home, releases[:2])
    assert guards(desired, shown(wanted(home, releases[:1]), rows=5000)) == []
    assert guards(desired, shown(desired, rows=5000)) == []
    # nor those that a killed run had inserted before it deleted others
    assert guards(desired, shown(desired, rows=5000, content_sha256=None)) == []


def test_a_dataset_that_is_not_there_is_asked_for_its_floor_only(home, releases):
    assert guards(wanted(home, releases), None) == []
    assert guards(wanted(home, releases, {"minimum": 61}), None) == ["floor"]


def test_what_stands_there_already_takes_nothing_away(home, releases):
    desired = wanted(home, releases, {"minimum": 90})
    assert guards(desired, shown(desired)) == []


def test_a_second_home_with_fewer_rows_of_the_same_version_is_held(home, releases, tmp_path):
    other = places.wanted(Home(tmp_path), places.release(Home(tmp_path), rows_of(50)))
    assert other.release.version == releases[0].version
    assert guards(other, shown(wanted(home, releases[:1]))) == ["rows"]


def test_a_withdrawal_takes_away_what_it_wants(tmp_path):
    """The version stays, its rows are fewer, and the tombstone in its folder says that this is meant."""
    home = Home(tmp_path)
    release = places.release(home, rows_of(5))
    before = shown(places.wanted(home, release))
    fewer = replace(release, rows=4, content_sha256="0" * 64)
    assert guards(places.wanted(home, fewer), before) == ["rows"]
    (release_folder(home, release) / TOMBSTONE).write_text("{}")
    assert guards(places.wanted(home, fewer), before) == []


@pytest.fixture
def without_a_column(tmp_path):
    """A dataset, and the same where the next version has no scores."""
    home = Home(tmp_path)
    whole = places.declaration()
    fields = [field for field in places.ENTRY["fields"] if field["name"] != "score"]
    place = places.COLUMNS.index("score")
    rows = [row[:place] + row[place + 1 :] for row in rows_of(30)]

    def versions(**changes):
        first = places.release(home, rows_of(30), dataset=whole)
        fewer = places.declaration(fields=fields, **changes)
        second = places.release(home, rows, [first], day=DAYS[1], dataset=fewer)
        return places.wanted(home, first, dataset=whole), places.wanted(home, first, second, dataset=fewer)

    return versions


def test_a_column_that_vanishes_holds_it_until_the_major_version_is_raised(without_a_column):
    before, now = without_a_column(major_version=2)
    now = replace(now, release=replace(now.release, major=1))
    (hold,) = held(now, shown(before), NOTHING_ALLOWED)
    assert (hold.guard, hold.allowed_by) == ("columns", "--allow-shrink")
    assert hold.detail.startswith("the column score would vanish, and the major version is 1 as before")
    assert advice(hold).startswith("Raise major_version in its entry")
    raised = replace(now, release=replace(now.release, major=2))
    assert guards(raised, shown(before)) == []
    # a portal that shows a version which this home does not know tells its columns itself
    unknown = replace(now, releases=(now.release,), versions=())
    assert guards(unknown, shown(before)) == ["columns"]
    assert guards(unknown, shown(before, columns=None)) == []


def test_a_column_that_a_hand_added_to_a_table_is_none_that_vanishes(home, releases):
    desired = wanted(home, releases[:2])
    assert guards(desired, shown(wanted(home, releases[:1]), columns=("code", "mine"))) == []


def test_an_address_that_would_die_holds_it(home, releases):
    desired = wanted(home, releases[:2])
    seen = shown(desired)
    assert guards(desired, replace(seen, ids={**seen.ids, "csv": "another"})) == ["id"]
    (hold,) = held(desired, replace(seen, ids={**seen.ids, "geojson": "an id"}), NOTHING_ALLOWED)
    assert hold.detail == "version 2026-03-01 has no geojson file, and the portal shows one: links to it would die"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"version": "2026-04-01", "data_date": DAYS[2], "sequence": 1}, ["older"]),
        ({"version": "2026-04-01", "data_date": None}, ["older"]),  # read off the version
        ({"version": "2026-03-01.2", "data_date": None}, ["older"]),
        ({"version": "2026-03-01.2", "data_date": DAYS[1], "sequence": 2}, ["older"]),
        ({"version": "another program's", "data_date": None}, []),
        ({"version": None, "data_date": None}, []),
        ({"version": "2026-02-01.7", "data_date": DAYS[0], "sequence": 7}, []),
    ],
)
def test_a_home_that_is_older_than_the_portal_is_held(home, releases, changes, expected):
    desired = wanted(home, releases[:2])
    seen = shown(desired, **changes)
    assert guards(desired, seen) == expected
    assert guards(desired, seen, Allowed(older=frozenset({"places"}))) == []


def test_what_was_taken_down_stays_down_until_somebody_says_otherwise(home, releases):
    desired = wanted(home, releases)
    seen = shown(wanted(home, releases[:1]), taken_down="somebody deleted it on 2026-04-02")
    assert guards(desired, seen) == ["taken_down"]  # and nothing else of it is asked
    assert guards(desired, seen, Allowed(restore=frozenset({"places"}))) == ["rows"]
    both = Allowed(frozenset({"places"}), restore=frozenset({"places"}))
    assert guards(desired, seen, both) == []


def test_what_is_not_ours_is_never_written(home, releases):
    (hold,) = held(wanted(home, releases), Shown(foreign="it is another's"), Allowed(*[frozenset({"places"})] * 4))
    assert (hold.guard, hold.allowed_by) == ("foreign", "")
    assert advice(hold).startswith("Rename it on the portal")


# --- rows, for people -------------------------------------------------------------------------------


def test_how_many_rows_differ(home, releases):
    first, second, third = (wanted(home, releases[:count]) for count in (1, 2, 3))
    assert row_difference(first, None) == RowDifference(None, 100)
    assert row_difference(second, shown(second)) is None
    assert row_difference(second, shown(first)) == RowDifference(100, 97, 2, 0, 5)
    # not neighbours: compared, where both are kept; a sum of the steps would say +2 -44
    assert row_difference(third, shown(first)) == RowDifference(100, 60, 0, 0, 40)
    assert row_difference(replace(third, versions=third.versions[:1]), shown(first)) == RowDifference(100, 60)
    assert row_difference(third, Shown("1999-01-01", rows=7)) == RowDifference(7, 60)
