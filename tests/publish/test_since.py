from __future__ import annotations

import csv
import datetime as dt
import json

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from publish.release import since
from publish.release.since import APPLYING_IN_PANDAS, applying_in_sql, since_files
from tests.publish import places
from warehouse.home import Home

KEY = ["code", "number"]
OTHERS = [name for name in places.COLUMNS if name not in KEY]


def lines(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def rows_of(path):
    return sorted(tuple(sorted(row.items())) for row in lines(path))


def applied(then, changes):
    """What a reader gets who knows nothing but the words of the format."""
    rows = {tuple(row[name] for name in KEY): row for row in lines(then)}
    for line in lines(changes):
        removed = line.pop("_removed")
        key = tuple(line[name] for name in KEY)
        if removed == since.WHOLE_ROW:
            del rows[key]
            continue
        before = rows.get(key)
        emptied = dict.fromkeys(removed.split(";") if removed else (), "")
        rows[key] = {**(before or {}), **{name: value for name, value in line.items() if value}, **emptied}
        assert not any(line[name] for name in emptied)
        assert before is None or all(before[name] for name in emptied)
        assert rows[key] != before, "a line that says nothing"
    with changes.open(newline="", encoding="utf-8") as file:
        names = [name for name in next(csv.reader(file)) if not name.startswith("_")]
    return sorted(tuple(sorted((name, row.get(name, "")) for name in names)) for row in rows.values())


def made(home, old, new, dataset_then=None, dataset_now=None):
    first = places.release(home, old, dataset=dataset_then)
    now = dataset_now or places.declaration(major_version=2)
    latest = places.release(home, new, [first], day=dt.date(2026, 3, 1), dataset=now)
    return places.wanted(home, *filter(None, (first, latest)), dataset=dataset_now)


def csv_of(wanted, version):
    return next(one.folder for one in wanted.versions if one.release.version == version) / "places.csv"


HOSTILE = ["", " ", "=x", "'=x", "'", "a,b", 'q"', "n\nn", "\r", "r\r\nr", "ä;ö", "NULL"]
texts = st.one_of(st.none(), st.sampled_from(HOSTILE))
values = st.tuples(
    texts,
    st.sampled_from([None, "climate", "energy"]),
    st.one_of(st.none(), st.integers(-3, 3)),
    st.one_of(st.none(), st.sampled_from([0.1, -0.0, 1e300, 1 / 3])),
    st.one_of(st.none(), st.booleans()),
    st.one_of(st.none(), st.sampled_from([dt.date(1, 1, 1), dt.date(9999, 12, 31), dt.date(2026, 1, 1)])),
    st.one_of(st.none(), st.sampled_from([dt.datetime(2026, 1, 1), dt.datetime(2026, 1, 1, 0, 0, 1)])),
)
tables = st.dictionaries(
    st.tuples(st.sampled_from(["P", "=P", 'a,"\nb', "'"]), st.integers(-1, 3)), values, max_size=6
)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(old=tables, new=tables, came=st.sets(st.sampled_from(OTHERS), max_size=3), mixed=st.booleans())
def test_applied_to_a_version_it_gives_the_latest(tmp_path_factory, old, new, came, mixed):
    home = Home(tmp_path_factory.mktemp("home"))
    if mixed:  # most rows are as they were
        new = {**old, **dict(list(new.items())[:2])}
    fields = [field for field in places.ENTRY["fields"] if field["name"] not in came]
    then = places.declaration(fields=fields)
    kept = [place for place, name in enumerate(places.COLUMNS) if name not in came]
    wholes = [[(*key, *row) for key, row in table.items()] for table in (old, new)]
    before = [tuple(row[place] for place in kept) for row in wholes[0]]
    wanted = made(home, before, wholes[1], then)
    if len(wanted.versions) == 1:
        return
    ((name, path),) = since_files(wanted, home.root / "since").items()
    assert name == "since/2026-02-01.csv"
    first, latest = csv_of(wanted, "2026-02-01"), csv_of(wanted, "2026-03-01")
    assert applied(first, path) == rows_of(latest)
    assert len(lines(path)) <= len(old) + len(new)
    assert_lines_to_copy_do_the_same(first, latest, path)


def assert_lines_to_copy_do_the_same(first, latest, path):
    import pandas as pd

    dialect = "header = true, all_varchar = true, delim = ',', quote = '\"', escape = '\"'"
    with duckdb.connect() as connection:
        now = connection.execute(applying_in_sql(KEY, OTHERS, str(first), str(path))).fetchall()
        there = connection.execute(f"SELECT * FROM read_csv('{latest}', {dialect})").fetchall()
        names = [column[0] for column in connection.description]
    places_of = [([*KEY, *OTHERS]).index(name) for name in names]
    assert sorted(repr([row[place] for place in places_of]) for row in now) == sorted(
        repr(list(row)) for row in there
    )
    found: dict[str, object] = {}
    exec(APPLYING_IN_PANDAS.format(then=repr(str(first)), since=repr(str(path)), key=KEY), found)  # noqa: S102
    expected = pd.read_csv(latest, dtype=str, keep_default_na=False)
    order = found["now"][list(expected.columns)].sort_values(KEY).reset_index(drop=True)
    pd.testing.assert_frame_equal(order, expected.sort_values(KEY).reset_index(drop=True), check_dtype=False)


def test_a_column_that_went_or_is_of_another_type_is_told(tmp_path):
    fields = [dict(field) for field in places.ENTRY["fields"]]
    fields[4]["decimals"] = 3  # the same number is another text
    fields[6] |= {"type": "string"}
    left = [field for field in fields if field["name"] != "score"]
    now = places.declaration(fields=left, major_version=2)
    old = places.rows(5)
    new = [(*row[:5], str(row[6]).lower(), *row[7:]) for row in old]
    wanted = made(Home(tmp_path), old, new, None, now)
    ((_, path),) = since_files(wanted, tmp_path / "since").items()
    assert applied(csv_of(wanted, "2026-02-01"), path) == rows_of(csv_of(wanted, "2026-03-01"))
    assert {name for line in lines(path) for name, value in line.items() if value} == {*KEY, "area_m2"}


def test_nothing_is_written_when_nothing_changed_and_what_nobody_needs_goes(tmp_path):
    home, cache = Home(tmp_path), tmp_path / "since"
    first = places.release(home, places.rows(4))
    second = places.release(home, places.rows(5), [first], day=dt.date(2026, 3, 1))
    found = since_files(places.wanted(home, first, second), cache)
    before = {path: path.stat().st_mtime_ns for path in [cache / "places", *cache.rglob("*")]}
    assert since_files(places.wanted(home, first, second), cache) == found
    assert {path: path.stat().st_mtime_ns for path in [cache / "places", *cache.rglob("*")]} == before
    third = places.release(home, places.rows(6), [first, second], day=dt.date(2026, 4, 1))
    later = since_files(places.wanted(home, first, second, third), cache)
    assert list(later) == ["since/2026-03-01.csv", "since/2026-02-01.csv"]
    assert sorted((cache / "places").iterdir()) == sorted(later.values())
    assert [line["_removed"] for line in lines(later["since/2026-02-01.csv"])] == [""] * 2


def test_only_one_version_has_no_changes(tmp_path):
    home = Home(tmp_path)
    assert since_files(places.wanted(home, places.release(home, places.rows(3))), tmp_path / "since") == {}
    assert not (tmp_path / "since").exists()


def test_a_version_of_another_key_cannot_be_compared(tmp_path):
    then = places.declaration(primaryKey=["number"])
    wanted = made(Home(tmp_path), places.rows(3), places.rows(4), then)
    assert since_files(wanted, tmp_path / "since") == {}


def test_a_key_that_the_screen_knows_is_not_repeated(tmp_path):
    home = Home(tmp_path)
    row = ("call 040 123 4567", *places.rows(1)[0][1:])
    other = ("P", *places.rows(1)[0][1:])
    wanted = made(home, [row, other, ("Q", *other[1:])], [other])
    ((_, path),) = since_files(wanted, tmp_path / "since").items()
    assert "4567" not in path.read_text()
    assert [(line["_removed"], line["code"]) for line in lines(path)] == [("*", "Q"), ("*", since.WITHHELD)]


def test_what_is_missing_is_told(tmp_path):
    wanted = made(Home(tmp_path), places.rows(3), places.rows(4))
    (wanted.versions[1].folder / "places.parquet").unlink()
    with pytest.raises(since.ReleaseError, match="Parquet file is missing"):
        since_files(wanted, tmp_path / "since")
    (wanted.versions[1].folder / "places.parquet").write_bytes(b"PAR1")
    with pytest.raises(since.ReleaseError, match="cannot be told"):
        since_files(wanted, tmp_path / "since")
    (wanted.versions[1].folder / "datapackage.json").write_text(json.dumps({}))
    with pytest.raises(since.ReleaseError, match="description of the release"):
        since_files(wanted, tmp_path / "since")
