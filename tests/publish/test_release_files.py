"""What a release is made of beside its rows: dictionary, change log, checksums; and what breaks its readers."""

from __future__ import annotations

import csv
import datetime as dt
import html
import json
import os
import shutil
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import duckdb
import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from publish import release
from publish.metadata.schema import table_schema
from publish.metadata.schema_changes import compare_schemas
from publish.metadata.words import KEYS, LISTED, resource_format, resource_title
from publish.portals.folder import FolderPortal
from publish.release import log, telling
from publish.release.files import release_file
from publish.release.manifest import manifest
from publish.withdrawal import retell, rewrite
from tests.publish import places, protected
from warehouse.archive import sha256_of
from warehouse.home import Home
from warehouse.progress import silent
from warehouse.releases import BreakingChangeError
from warehouse.withdrawals import withdrawal

ROOT = Path(__file__).resolve().parents[2]
ATOM = "{http://www.w3.org/2005/Atom}"
LATER = dt.date(2026, 3, 1)
TOLD = set(telling.TOLD)


def folder_of(home, made):
    return release.release_folder(home, made)


def dictionary(folder):
    with (folder / "dictionary.csv").open(newline="", encoding="utf-8") as file:
        return {row["name"]: row for row in csv.DictReader(file)}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    home = Home(tmp_path_factory.mktemp("home"))
    found = places.release(home, places.rows())
    return home, found, folder_of(home, found)


# --- which files there are --------------------------------------------------------------------------------


def test_every_file_is_listed_with_its_words_and_portals_list_few(made):
    home, found, folder = made
    keys = {file.key for file in found.files}
    assert keys == {"csv", "parquet", "xlsx", "changes"} | TOLD
    assert {file.name for file in found.files} == {path.name for path in folder.iterdir()} - {"release.json"}
    assert release.verify_release(folder) == []
    assert LISTED[0] == "csv"
    assert len(LISTED) <= 8
    for key in KEYS:
        assert all(resource_title(key))
        assert resource_format(key)
    described = json.loads((folder / "datapackage.json").read_text())
    assert described["majorVersion"] == 1
    assert [one["path"] for one in described["resources"]] == [
        *("places.csv", "places.parquet", "places.xlsx", "changes.csv", "dictionary.csv")
    ]
    assert json.loads((folder / "schema.json").read_text()) == table_schema(places.declaration())
    shown = places.wanted(home, found)
    assert {resource.key for resource in shown.resources} == keys


def test_checksums_are_those_of_all_other_files(made):
    _, found, folder = made
    lines = [line.split("  ") for line in (folder / "SHA256SUMS").read_text().splitlines()]
    assert [name for _, name in lines] == sorted(file.name for file in found.files if file.key != "sums")
    assert all(sha256_of(folder / name) == digest for digest, name in lines)


def test_a_release_of_an_earlier_program_verifies_loads_shows_and_is_followed(tmp_path):
    home = Home(tmp_path)
    first = places.release(home, places.rows())
    folder = folder_of(home, first)
    described = json.loads((folder / "datapackage.json").read_text())
    described["resources"] = [one for one in described["resources"] if one["path"] != "dictionary.csv"]
    del described["majorVersion"], described["breakingChanges"]
    (folder / "datapackage.json").write_text(json.dumps(described))
    kept = [file for file in first.files if file.key not in TOLD]
    older = replace(first, files=(*kept, release_file(folder, "datapackage", "places")))
    for file in first.files:
        if file.key not in {one.key for one in older.files}:
            (folder / file.name).unlink()
    content = json.loads(manifest(older))
    del content["major"], content["breaking"]
    (folder / "release.json").write_text(json.dumps(content))
    found = release.load_release(folder)
    assert found == older
    assert release.verify_release(folder) == []
    portal = FolderPortal(tmp_path / "portal")

    def raise_it(name: str, error: Exception) -> None:
        raise error

    portal.apply([places.wanted(home, found)], silent, raise_it)
    assert not (tmp_path / "portal/datasets/places/dictionary.csv").exists()
    one = withdrawal("places", {"code": "P01", "number": "1"}, "name", "wrong", "2026-02-02T00:00:00Z")
    again = rewrite(home, found, places.declaration(), {}, [one])
    assert {file.key for file in again.files} == {file.key for file in older.files}
    second = places.release(home, places.rows(20), [again])
    log_now = json.loads((folder_of(home, second) / "changelog.json").read_text())
    assert [one["version"] for one in log_now["versions"]] == ["2026-02-01.2", "2026-02-01"]


def test_a_file_that_cannot_be_made_is_named_and_nothing_is_released(tmp_path, monkeypatch):
    def broken(*given: object) -> None:
        raise KeyError("theme")

    monkeypatch.setitem(telling._WRITERS, "schema", broken)
    with pytest.raises(
        release.ReleaseError, match=r"places: schema\.json of version 2026-02-01 cannot be made.*theme"
    ):
        places.release(Home(tmp_path), places.rows())
    assert not list((tmp_path / "releases").rglob("*.csv"))


# --- the same bytes everywhere ------------------------------------------------------------------------------

_MAKE = """
import sys
from pathlib import Path
from tests.publish import places, protected
from warehouse.home import Home
home = Home(Path(sys.argv[1]))
first = places.release(home, places.rows(), threads=int(sys.argv[2]))
places.release(home, places.rows(20), [first], threads=int(sys.argv[2]))
protected.release(home)
"""


def test_the_same_bytes_in_another_time_zone_language_and_place(tmp_path):
    trees = []
    for place, zone, language, threads in (
        ("a", "Asia/Tokyo", "C", "1"),
        ("b/c", "America/Lima", "fi_FI.UTF-8", "4"),
    ):
        home = tmp_path / place
        home.mkdir(parents=True)
        given = {"TZ": zone, "LC_ALL": language, "LANG": language, "PYTHONHASHSEED": threads, "HOME": str(home)}
        subprocess.run(
            [sys.executable, "-c", _MAKE, str(home), threads], cwd=ROOT, env={**os.environ, **given}, check=True
        )
        trees.append(places.tree(home / "releases"))
    assert trees[0] == trees[1]
    assert len(trees[0]) > 30
    assert not any(str(tmp_path).encode() in content for content in trees[0].values())


# --- the dictionary -------------------------------------------------------------------------------------------

numbers = st.one_of(st.none(), st.integers(-9, 99))
days = st.one_of(st.none(), st.dates(dt.date(1850, 1, 1), dt.date(2100, 1, 1)))


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.sampled_from(["a", "=b", None]), numbers, days), max_size=8))
def test_what_the_dictionary_counts_is_what_python_counts(tmp_path, table):
    shutil.rmtree(tmp_path / "releases", ignore_errors=True)
    rows = [("P", n, name, None, area, None, None, day, None) for n, (name, area, day) in enumerate(table)]
    home = Home(tmp_path)
    folder = folder_of(home, places.release(home, rows))
    found = dictionary(folder)
    for column, values in (("name", [r[0] for r in table]), ("opened_date", [r[2] for r in table])):
        filled = [value for value in values if value is not None]
        counted = (found[column]["rows_count"], found[column]["filled_count"], found[column]["distinct_count"])
        assert counted == (str(len(table)), str(len(filled)), str(len(set(filled))))
    dates = [r[2].isoformat() for r in table if r[2]]
    assert (found["opened_date"]["minimum"], found["opened_date"]["maximum"]) == (
        (min(dates), max(dates)) if dates else ("", "")
    )
    areas = [r[1] for r in table if r[1] is not None]
    assert found["area_m2"]["minimum"] == (f"{min(areas)}.00" if areas else "")
    assert found["name"]["minimum"] == ""
    sheet = openpyxl.load_workbook(folder / "dictionary.xlsx")["Data dictionary"]
    assert [row[0].value for row in sheet.iter_rows(min_row=2)] == places.COLUMNS
    assert sheet["I4"].value == int(found["name"]["filled_count"])


def test_a_suppressed_cell_is_said_as_suppressed_in_every_dictionary(tmp_path):
    home = Home(tmp_path)
    folder = folder_of(home, protected.release(home))
    line = dictionary(folder)["testers_count"]
    assert (line["filled_count"], line["suppressed_count"], line["minimum"]) == ("5", "4", "30")
    assert dictionary(folder)["gadget_id"]["suppressed_count"] == ""
    assert "5 of 9; 4 suppressed" in (folder / "dictionary.html").read_text()
    assert openpyxl.load_workbook(folder / "dictionary.xlsx")["Data dictionary"]["J5"].value == 4


def test_hostile_words_are_words_in_every_file(tmp_path):
    hostile = '=1+1<script>alert(1)</script>"\x01\u202e&'
    fields = [{**field} for field in places.ENTRY["fields"]]
    fields[2] |= {"title": hostile, "description": hostile}
    contact = {"name": hostile, "email": hostile}
    dataset = places.declaration(fields=fields, title=hostile, contact=contact)
    home = Home(tmp_path)
    folder = folder_of(home, places.release(home, places.rows(), dataset=dataset))
    page = (folder / "dictionary.html").read_text(encoding="utf-8")
    assert "<script" not in page
    assert "default-src 'none'" in html.unescape(page)
    assert dictionary(folder)["name"]["title"] == f"'{hostile}"
    book = openpyxl.load_workbook(folder / "dictionary.xlsx")
    assert not any(cell.data_type == "f" for sheet in book for row in sheet.iter_rows() for cell in row)
    feed = ElementTree.parse(folder / "feed.atom").getroot()
    assert feed.findtext(f"{ATOM}title") == hostile.replace("\x01", "\ufffd")


# --- the change log --------------------------------------------------------------------------------------------


def test_the_change_log_follows_what_was_compared_and_its_ids_stay(tmp_path):
    home = Home(tmp_path)
    first = places.release(home, places.rows())
    second = places.release(home, places.rows(20), [first], day=LATER)
    # what is released later for an earlier date is in nobody's past
    between = places.release(home, places.rows(9), [first, second], day=dt.date(2026, 2, 9))
    third = places.release(home, places.rows(25), [first, second, between], day=dt.date(2026, 4, 1))
    content = json.loads((folder_of(home, third) / "changelog.json").read_text())
    assert [one["version"] for one in content["versions"]] == ["2026-04-01", "2026-03-01", "2026-02-01"]
    assert content["versions"][1]["removed"] == 10
    feed = ElementTree.parse(folder_of(home, third) / "feed.atom").getroot()
    entries = feed.findall(f"{ATOM}entry")
    assert feed.findtext(f"{ATOM}updated") == "2026-04-01T00:00:00Z"
    assert feed.findtext(f"{ATOM}author/{ATOM}name") == "The Town"
    assert [one.findtext(f"{ATOM}id") for one in entries] == [
        *("tag:opendistrict,2026:places/2026-04-01", "tag:opendistrict,2026:places/2026-03-01"),
        "tag:opendistrict,2026:places/2026-02-01",
    ]
    earlier = ElementTree.parse(folder_of(home, second) / "feed.atom").getroot()
    assert [ElementTree.tostring(one) for one in earlier.findall(f"{ATOM}entry")] == [
        ElementTree.tostring(one) for one in entries[1:]
    ]


def test_the_change_log_does_not_grow_for_ever(made):
    _, found, _ = made
    past = []
    for n in range(150):
        day = dt.date(2020, 1, 1) + dt.timedelta(days=n)
        before = past[-1].version if past else None
        past.append(replace(found, version=day.isoformat(), data_date=day, previous_version=before))
    content = log.log_of(past[-1], past)
    assert (len(content["versions"]), content["olderVersionsNotListed"]) == (100, 50)
    assert log.log_again(past[-1], log.log_of(past[-2], past)) == content
    assert log.feed_of(content, "t", "p").count("<entry>") == 30


# --- what breaks readers -----------------------------------------------------------------------------------------


def changed(**changes):
    """The entry's fields with some of them changed by name; None takes one out."""
    fields = [{**field, **(changes.get(field["name"]) or {})} for field in places.ENTRY["fields"]]
    return places.declaration(fields=[f for f in fields if changes.get(f["name"], f) is not None])


@pytest.mark.parametrize(
    ("after", "breaking"),
    [
        (changed(score=None), ["Field removed: score"]),
        (changed(score={"name": "points"}), ["Field renamed: score became points"]),
        (changed(score={"name": "points", "title": "Points"}), ["Field removed: score"]),
        (changed(area_m2={"unit": "ha"}), ["Field area_m2: unit m2 became ha"]),
        (changed(is_open={"type": "string"}), ["Field is_open: type boolean became string"]),
        (places.declaration(primaryKey=["code"]), ["The key is now code"]),
        (places.declaration(fields=[*places.ENTRY["fields"], {"name": "x", "title": "X", "type": "date"}]), []),
        (changed(theme_code={"constraints": {"enum": ["climate"]}}), []),
        (changed(name={"title": "What it is called", "description": "Another."}), []),
        (places.declaration(fields=places.ENTRY["fields"][::-1]), []),
    ],
)
def test_what_breaks_and_what_does_not(after, breaking):
    found = compare_schemas(table_schema(places.declaration()), after, lambda old, new: False)
    assert list(found.breaking) == breaking
    assert found.changes or "title" in str(after.entry.fields[2])
    assert set(found.breaking) <= set(found.changes)


def test_codes_that_went_are_a_note():
    after = changed(theme_code={"constraints": {"enum": ["climate", "energy"]}})
    found = compare_schemas(table_schema(places.declaration()), after, lambda old, new: False)
    assert len(found.changes) == 1
    assert found.changes[0].startswith("Field theme_code: no longer among its codes: resource_recycling, ")
    assert not found.breaking


def test_a_column_with_the_same_values_under_another_name_and_title_is_told_as_renamed(tmp_path):
    home = Home(tmp_path)
    first = places.release(home, places.rows())
    dataset = changed(score={"name": "points", "title": "Points"})
    with pytest.raises(BreakingChangeError, match="Field renamed: score became points"):
        places.release(home, places.rows(28), [first], dataset=dataset)
    other = [(*row[:5], (row[5] or 0) + 1, *row[6:]) for row in places.rows(28)]
    with pytest.raises(BreakingChangeError, match="Field removed: score") as error:
        places.release(home, other, [first], dataset=dataset)
    assert "write `major_version: 2` in publish/catalogue/places.yaml" in str(error.value)
    assert "keeps the last version of major 1 available for 90 days" in str(error.value)
    assert [path.name for path in (tmp_path / "releases/places").iterdir()] == [first.version]


def test_a_new_major_version_is_said_everywhere_and_is_never_lowered(tmp_path):
    home = Home(tmp_path)
    first = places.release(home, places.rows())
    fields = [field for field in places.ENTRY["fields"] if field["name"] != "score"]
    rows = [(*row[:5], *row[6:]) for row in places.rows()]
    dataset = places.declaration(fields=fields, major_version=2)
    second = places.release(home, rows, [first], day=LATER, dataset=dataset)
    assert (second.version, second.major, second.breaking) == ("2026-03-01", 2, ("Field removed: score",))
    folder = folder_of(home, second)
    described = json.loads((folder / "datapackage.json").read_text())
    assert (described["majorVersion"], described["breakingChanges"]) == (2, ["Field removed: score"])
    newest = json.loads((folder / "changelog.json").read_text())["versions"][0]
    assert (newest["majorVersion"], newest["breakingChanges"]) == (2, ["Field removed: score"])
    said = "Major version 2: what reads version 2026-02-01 may break"
    assert said in (folder / "feed.atom").read_text()
    assert said in release.changelog([first, second])
    third = places.release(home, rows[:9], [first, second], day=LATER, dataset=dataset)
    assert (third.major, third.breaking) == (2, ())
    with pytest.raises(release.ReleaseError, match=r"only ever raised: write `major_version: 2`") as error:
        places.release(
            home, rows[:5], [first, second, third], day=LATER, dataset=places.declaration(fields=fields)
        )
    assert not isinstance(error.value, BreakingChangeError)


# --- what is withdrawn is in no file ---------------------------------------------------------------------------


def contents(folder):
    """All bytes of a folder's files, packed ones unpacked, by name."""
    for path in sorted(folder.iterdir()):
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as book:
                yield from ((f"{path.name}/{name}", book.read(name)) for name in book.namelist())
        elif path.suffix == ".parquet":
            rows = duckdb.sql(f"SELECT * FROM '{path}'").fetchall()
            yield path.name, "\n".join(str(value) for row in rows for value in row).encode()
        else:
            yield path.name, path.read_bytes()


@pytest.mark.parametrize("column", ["area_m2", None])
def test_what_is_withdrawn_is_in_no_file_of_any_version(tmp_path, column):
    home = Home(tmp_path)
    rows = places.rows(12)
    rows[3] = ("P03", 3, "Zaphod Street", "climate", 98765.25, 1.0, True, dt.date(1777, 7, 7), None)
    first = places.release(home, rows)
    second = places.release(home, rows[:9], [first], day=LATER)
    third = places.release(home, rows[:7], [first, second], day=dt.date(2026, 4, 1))
    versions = [first, second, third]
    needles = [b"98765.25"] if column else [b"98765.25", b"Zaphod", b"1777-07-07"]
    for one in versions:
        for needle in needles:
            assert sum(needle in content for _, content in contents(folder_of(home, one))) >= 3
    gone = withdrawal("places", {"code": "P03", "number": "3"}, column, "wrong", "2026-05-01T00:00:00Z")
    again = [rewrite(home, one, places.declaration(), {}, [gone]) for one in versions]
    for one in again:
        folder = folder_of(home, one)
        assert release.verify_release(folder) == []
        assert {file.key for file in one.files} == {file.key for file in first.files}
        found = [name for name, content in contents(folder) if any(needle in content for needle in needles)]
        assert found == []
        assert dictionary(folder)["area_m2"]["maximum"] < "98765"
        lines = [line.split("  ") for line in (folder / "SHA256SUMS").read_text().splitlines()]
        assert all(sha256_of(folder / name) == digest for digest, name in lines)
    content = json.loads((folder_of(home, again[2]) / "changelog.json").read_text())
    assert [one["rows"] for one in content["versions"]] == [one.rows for one in again[::-1]]
    assert content == log.log_of(again[2], again)


def test_a_later_version_that_never_held_it_counts_earlier_ones_as_they_are_now(tmp_path):
    home, again = Home(tmp_path / "home"), Home(tmp_path / "again")
    rows = places.rows(12)
    first = places.release(home, rows)
    second = places.release(home, [*rows[:3], *rows[4:]], [first], day=LATER)
    newest, day = [*rows[:3], *rows[4:], *places.rows(14)[12:]], dt.date(2026, 4, 1)
    third = places.release(home, newest, [first, second], day=day)
    kept = {path.name: path.read_bytes() for path in folder_of(home, third).iterdir()}
    gone = withdrawal("places", {"code": "P03", "number": "3"}, None, "wrong", "2026-05-01T00:00:00Z")
    now = {one.version: one for one in (first, second, third)}
    for one in (first, second):
        now[one.version] = rewrite(home, one, places.declaration(), {}, [gone], now)
    retold = now[third.version] = retell(home, third, now)
    assert release.load_release(folder_of(home, third)) == retold
    assert release.verify_release(folder_of(home, third)) == []
    other = {path.name for path in folder_of(home, third).iterdir() if path.read_bytes() != kept.get(path.name)}
    assert other == {"changelog.json", "feed.atom", "croissant.json", "SHA256SUMS", "release.json"}
    assert retell(home, retold, now) is None
    shutil.copytree(home.root, again.root)
    shutil.rmtree(folder_of(again, third))
    made = places.release(again, newest, [now[first.version], now[second.version]], day=day)
    assert [made, *contents(folder_of(again, made))] == [retold, *contents(folder_of(home, retold))]
