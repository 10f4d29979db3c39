from __future__ import annotations

import csv
import datetime as dt
import json
import re
import shutil

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from publish import release
from tests.publish import places
from warehouse.home import Home
from warehouse.ledger import create_ledger, record_release, releases


def changes_of(home, made):
    with (home.releases / "places" / made.version / "changes.csv").open(newline="") as file:
        return [tuple(row) for row in csv.reader(file)]


def simple(n, name="x", area=None):
    return ("P", n, name, None, area, None, None, None, None)


@pytest.mark.parametrize(("sequence", "label"), [(1, "2026-02-01"), (2, "2026-02-01.2"), (10, "2026-02-01.10")])
def test_version_labels(sequence, label):
    assert release.version_label(places.DAY, sequence) == label


def test_versions_of_one_date_and_of_others(tmp_path):
    home = Home(tmp_path)
    first = places.release(home, [simple(1)])
    second = places.release(home, [simple(1, "y")], [first])
    older = places.release(home, [simple(1, "z")], [first, second], day=dt.date(2026, 1, 1))
    newer = places.release(home, [simple(1, "z")], [first, second, older], day=dt.date(2026, 3, 1))
    assert [r.version for r in (first, second, older, newer)] == [
        *("2026-02-01", "2026-02-01.2", "2026-01-01", "2026-03-01")
    ]
    assert older.previous_version is None  # nothing older: it is compared with nothing
    assert newer.previous_version == "2026-02-01.2"
    assert changes_of(home, newer)[1:] == [("changed", "P", "1", "name", "y", "z")]


def test_nothing_new_is_no_release(tmp_path):
    home = Home(tmp_path)
    first = places.release(home, places.rows())
    before = places.tree(tmp_path)
    assert places.release(home, places.rows(), [first]) is None
    assert places.release(home, places.rows(), [first], day=dt.date(2026, 3, 1)) is None
    assert places.tree(tmp_path) == before
    assert not list(home.temporary.iterdir())


def test_a_new_description_is_a_release_of_the_same_rows(tmp_path):
    home = Home(tmp_path)
    first = places.release(home, places.rows())
    second = places.release(home, places.rows(), [first], dataset=places.declaration(title="Better title"))
    assert second
    assert second.content_sha256 == first.content_sha256
    assert (second.added, second.changed, second.removed) == (0, 0, 0)
    assert "their description changed" in release.changelog([first, second])


def test_first_release_lists_no_changes(tmp_path):
    home = Home(tmp_path)
    made = places.release(home, places.rows())
    assert changes_of(home, made) == [("change", "code", "number", "field", "old", "new")]


names = st.one_of(st.none(), st.sampled_from(["a", "b", "=x", "'=x", "a,b"]))
areas = st.one_of(st.none(), st.integers(0, 3))
tables = st.dictionaries(st.integers(0, 12), st.tuples(names, areas), max_size=10)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(old=tables, new=tables)
def test_differences_are_what_python_finds(tmp_path, old, new):
    shutil.rmtree(tmp_path / "releases", ignore_errors=True)
    home = Home(tmp_path)
    first = places.release(home, [simple(n, *rest) for n, rest in old.items()])
    second = places.release(home, [simple(n, *rest) for n, rest in new.items()], [first])

    def shown(name):
        return "" if name is None else "'" + name if name.lstrip("'").startswith("=") else name

    def area(value):
        return "" if value is None else f"{value}.00"

    expected, counts = [], {"added": 0, "changed": 0, "removed": 0}
    for n in sorted({*old, *new}, key=str):
        key = ("P", str(n))
        if n not in old or n not in new:
            change = "added" if n in new else "removed"
            counts[change] += 1
            expected.append((change, *key, "", "", ""))
            continue
        found = []
        if old[n][0] != new[n][0]:
            found.append(("changed", *key, "name", shown(old[n][0]), shown(new[n][0])))
        if old[n][1] != new[n][1]:
            found.append(("changed", *key, "area_m2", area(old[n][1]), area(new[n][1])))
        counts["changed"] += bool(found)
        expected += found
    if second is None:
        assert expected == []
    else:
        assert changes_of(home, second)[1:] == expected
        assert (second.added, second.changed, second.removed) == tuple(counts.values())


def test_fields_that_come_and_go_are_schema_changes_not_row_changes(tmp_path):
    home = Home(tmp_path)
    first = places.release(home, places.rows())
    fields = [field for field in places.ENTRY["fields"] if field["name"] != "score"]
    fields = [{**f, "type": "string", "decimals": None} if f["name"] == "area_m2" else f for f in fields]
    fields.append({"name": "size_m2", "title": "Size", "type": "integer"})
    dataset = places.declaration(fields=fields, major_version=2)
    table = [(*row[:4], None if row[4] is None else f"{row[4]:.2f}", *row[6:], 5) for row in places.rows()]
    second = places.release(home, table, [first], dataset=dataset)
    assert second
    assert (second.added, second.changed, second.removed) == (0, 0, 0)
    assert second.schema_changes == (
        "Field removed: score",
        "Field added: size_m2",
        "Field area_m2: type number became string",
    )
    assert second.breaking == ("Field removed: score", "Field area_m2: type number became string")
    assert "- Field removed: score" in release.changelog([first, second])


def test_another_key_makes_every_row_new(tmp_path):
    home = Home(tmp_path)
    first = places.release(home, [simple(1), simple(2)])
    fields = [{**f, "name": "serial"} if f["name"] == "number" else f for f in places.ENTRY["fields"]]
    dataset = places.declaration(fields=fields, primaryKey=["code", "serial"], major_version=2)
    second = places.release(home, [simple(1), simple(2), simple(3)], [first], dataset=dataset)
    assert (second.added, second.changed, second.removed) == (3, 0, 2)
    assert "The key is now code, serial" in second.schema_changes


def test_manifest_comes_back_and_sums_are_checked(tmp_path):
    home = Home(tmp_path)
    made = places.release(home, places.rows())
    folder = release.release_folder(home, made)
    assert release.load_release(folder) == made
    assert release.verify_release(folder) == []
    (folder / "places.csv").write_text("x")
    (folder / "changes.csv").unlink()
    (folder / "other.txt").write_text("x")
    assert [fault.split()[0] for fault in release.verify_release(folder)] == [
        *("places.csv", "changes.csv", "other.txt")
    ]
    with pytest.raises(release.ReleaseError, match="no manifest"):
        release.load_release(tmp_path)


def test_the_ledger_gives_back_the_release(tmp_path):
    home = Home(tmp_path)
    first = places.release(home, places.rows())
    fields = places.ENTRY["fields"][:-1]
    table = [row[:-1] for row in places.rows()]
    second = places.release(home, table, [first], dataset=places.declaration(fields=fields, major_version=2))
    assert second.schema_changes
    assert second.breaking
    connection = duckdb.connect()
    create_ledger(connection)
    record_release(connection, second, "run")
    record_release(connection, first, "run")
    assert releases(connection, "places") == [first, second]


def test_a_folder_left_by_a_killed_run_is_replaced_by_the_same(tmp_path):
    home = Home(tmp_path)
    made = places.release(home, places.rows())
    folder = release.release_folder(home, made)
    expected = places.tree(folder)
    (folder / "release.json").unlink()
    (folder / "places.csv").write_text("half")
    assert places.release(home, places.rows()) == made
    assert places.tree(folder) == expected


def test_a_lost_previous_file_is_said(tmp_path):
    home = Home(tmp_path)
    first = places.release(home, places.rows())
    (release.release_folder(home, first) / "places.parquet").unlink()
    with pytest.raises(release.ReleaseError, match=r"Parquet file of version 2026-02-01 is missing"):
        places.release(home, places.rows(3), [first])


def test_changelog_is_newest_first(tmp_path):
    home = Home(tmp_path)
    first = places.release(home, places.rows())
    second = places.release(home, places.rows(20), [first], day=dt.date(2026, 3, 1))
    log = release.changelog([first, second])
    assert re.findall("^## (.*)$", log, re.M) == ["2026-03-01", "2026-02-01"]
    assert "Since 2026-02-01: 0 added, 0 changed, 10 removed" in log


def test_datapackage_says_what_is_needed_and_nothing_of_the_machine(tmp_path):
    home = Home(tmp_path)
    made = places.release(home, places.rows())
    text = (release.release_folder(home, made) / "datapackage.json").read_text()
    assert str(tmp_path) not in text
    assert dt.date.today().isoformat() not in text
    content = json.loads(text)
    assert content["$schema"] == "https://datapackage.org/profiles/2.0/datapackage.json"
    assert re.fullmatch(r"[a-z0-9._/-]+", content["name"])
    assert {"title", "description", "licenses", "sources", "contributors", "keywords", "usageWarnings"} <= set(
        content
    )
    assert content["sources"][0]["snapshots"] == [{"id": "2026-02-01-abc", "date": "2026-02-01"}]
    assert content["spatial"]["geometry"]["type"] == "Polygon"
    by_name = {resource["name"]: resource for resource in content["resources"]}
    assert len(by_name) == len(content["resources"]) == 5
    for resource in by_name.values():
        file = release.release_folder(home, made) / resource["path"]
        # frictionless counts no bytes of a Parquet file and calls a size that is said wrong
        assert resource.get("bytes") == (None if file.suffix == ".parquet" else file.stat().st_size)
        assert re.fullmatch(r"sha256:[0-9a-f]{64}", resource["hash"])
        assert {"format", "mediatype", "title"} <= set(resource)
    table = by_name["places"]
    assert table["encoding"] == "utf-8"
    assert table["dialect"]["lineTerminator"] == "\n"
    assert table["schema"]["primaryKey"] == ["code", "number"]
    fields = {field["name"]: field for field in table["schema"]["fields"]}
    assert list(fields) == places.COLUMNS
    assert fields["area_m2"]["unit"] == "m2"
    assert {"value": "climate", "label": "Climate"} in fields["theme_code"]["categories"]
    assert "climate" in fields["theme_code"]["constraints"]["enum"]


def test_a_release_whose_parquet_holds_decimals_is_compared_value_by_value(tmp_path):
    """As releases were before renderer 2: money as DECIMAL, no ``decimals`` in the file's dictionary."""
    home = Home(tmp_path)
    first = places.release(home, [simple(1, area=8), simple(2, area=1.25), simple(3)])
    path = release.release_folder(home, first) / "places.parquet"
    with duckdb.connect() as connection:
        connection.execute(
            f"CREATE TABLE old AS SELECT * REPLACE (CAST(area_m2 AS DECIMAL(18,2)) AS area_m2) FROM '{path}'"
        )
        connection.execute(f"COPY old TO '{path}' (FORMAT parquet)")
    second = places.release(home, [simple(1, area=8), simple(2, area=1.5), simple(3)], [first])
    assert changes_of(home, second)[1:] == [("changed", "P", "2", "area_m2", "1.25", "1.50")]
    assert (second.added, second.changed, second.removed) == (0, 1, 0)


def test_personal_data_released_before_they_were_screened_do_not_come_back_as_the_old_value(tmp_path):
    home = Home(tmp_path)
    first = places.release(
        home, [simple(1, "ask m@firma.fi"), simple(2, "in 2016-2018"), ("m@firma.fi", *simple(3)[1:])]
    )
    second = places.release(home, [simple(1, "mended"), simple(2, "in 2018")], [first])
    assert changes_of(home, second)[1:] == [
        ("removed", "(withheld)", "3", "", "", ""),
        ("changed", "P", "1", "name", "(withheld)", "mended"),
        ("changed", "P", "2", "name", "in 2016-2018", "in 2018"),
    ]
