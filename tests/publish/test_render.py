from __future__ import annotations

import csv
import datetime as dt
import io
import random
import re
import zipfile

import duckdb
import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openpyxl.utils.escape import unescape

from publish.files import render, workbook
from publish.release import ReleaseError
from tests.publish import places
from warehouse.home import Home


def test_same_rows_same_bytes_whatever_order_threads_and_day(tmp_path, monkeypatch):
    table = places.rows(2500)
    expected = None
    for number, threads in enumerate((1, 2, 4)):
        shuffled = table.copy()
        random.Random(number).shuffle(shuffled)
        with monkeypatch.context() as patched:
            patched.setenv("SOURCE_DATE_EPOCH", str(10**9 * number))
            patched.setattr("time.time", lambda moment=10**9 * (number + 1): moment)
            made = places.release(Home(tmp_path / str(number)), shuffled, threads=threads)
        assert made
        found = places.tree(tmp_path / str(number) / "releases")
        expected = expected or found
        assert found == expected


cells = st.one_of(st.none(), st.sampled_from(places.HOSTILE), st.text(max_size=12))


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_text_gives_the_same_files_in_any_order_and_comes_back_from_csv(tmp_path, data):
    texts = data.draw(st.lists(cells, max_size=12))
    table = [("P", n, text, None, None, None, None, None, None) for n, text in enumerate(texts)]
    shuffled = data.draw(st.permutations(table))
    written = []
    for threads, chosen in ((1, table), (4, shuffled)):
        connection = duckdb.connect(":memory:", config={"threads": str(threads)})
        dataset = places.declaration()
        places.fill(connection, chosen, dataset)
        with render.published(connection, "curated.places", dataset.table) as view:
            for name, write in (("a.csv", render.write_csv), ("a.parquet", render.write_parquet)):
                write(connection, view, dataset.table, tmp_path / name)
        connection.close()
        written.append([(tmp_path / name).read_bytes() for name in ("a.csv", "a.parquet")])
    assert written[0] == written[1]
    text = written[0][0].decode("utf-8")
    read = list(csv.reader(io.StringIO(text, newline="")))
    back = [row[2][1:] if re.match(r"^'+[=+\-@\t\r]", row[2]) else row[2] for row in read[1:]]
    assert back == [value or "" for value in texts]


def test_csv_is_plain_and_runs_nowhere(tmp_path):
    made = places.release(Home(tmp_path), places.rows())
    assert made
    raw = (tmp_path / "releases/places" / made.version / "places.csv").read_bytes()
    assert not raw.startswith(b"\xef\xbb\xbf")
    assert raw.startswith(b"code,number,name,theme_code,area_m2,score,is_open,opened_date,seen_at\n")
    read = list(csv.DictReader(io.StringIO(raw.decode(), newline="")))
    assert not any(row["name"][:1] in "=+-@\t\r" for row in read if row["name"])
    first = next(row for row in read if row["number"] == "1")
    assert first == {
        "code": "P01",
        "number": "1",
        "name": "'+1",
        "theme_code": "energy",
        "area_m2": "1.25",
        "score": "0.3333333333333333",
        "is_open": "false",
        "opened_date": "1895-02-02",
        "seen_at": "2026-01-02T01:05:06",
    }


def test_one_value_has_one_form(tmp_path):
    table = [
        ("a", 1, "", None, None, float("nan"), None, None, None),
        ("a", 2, None, None, None, -0.0, None, None, dt.datetime(2026, 1, 1, 0, 0, 0, 999)),
        ("a", 3, None, None, None, float("inf"), None, None, None),
    ]
    made = places.release(Home(tmp_path), table)
    assert made
    lines = (tmp_path / "releases/places" / made.version / "places.csv").read_text().splitlines()
    assert lines[1:] == ["a,1,,,,,,,", "a,2,,,,0.0,,,2026-01-01T00:00:00", "a,3,,,,,,,"]


def test_workbook_holds_texts_dates_dictionary_and_terms(tmp_path):
    made = places.release(Home(tmp_path), places.rows())
    assert made
    path = tmp_path / "releases/places" / made.version / "places.xlsx"
    book = openpyxl.load_workbook(path)
    assert book.sheetnames == ["Data", "Data dictionary", "About"]
    data = {row[1]: row for row in book["Data"].iter_rows(min_row=2, values_only=True)}
    by_number = {row[1]: row for row in places.rows()}
    for number, row in by_number.items():
        # a carriage return is kept as Excel keeps it; openpyxl does not undo that
        assert data[number][2].replace("_x000D_", "\r") == row[2]
    assert data[25][7] == dt.datetime(2015, 2, 26)
    assert data[1][7] == "1895-02-02"  # before a workbook's calendar
    assert book["Data"].freeze_panes == "A2"
    assert book["Data"].auto_filter.ref == "A1:I31"
    assert not any(cell.data_type == "f" for sheet in book for row in sheet.iter_rows() for cell in row)
    assert book["Data dictionary"]["A2"].value == "code"
    about = [str(cell.value) for row in book["About"].iter_rows() for cell in row]
    assert {"Places", "Some places are closed.", "The Town"} <= set(about)
    with zipfile.ZipFile(path) as parts:
        assert not any("hyperlink" in parts.read(name).decode() for name in parts.namelist())


def test_a_text_too_long_for_a_cell_is_cut_in_the_workbook_only(tmp_path):
    made = places.release(Home(tmp_path), [("a", 1, "x" * 40_000, None, None, None, None, None, None)])
    assert made
    folder = tmp_path / "releases/places" / made.version
    assert "x" * 40_000 in (folder / "places.csv").read_text()
    cell = openpyxl.load_workbook(folder / "places.xlsx")["Data"]["C2"].value
    assert len(cell) == 32_767
    assert cell.endswith("…")


def test_too_many_rows_make_no_workbook_and_that_is_said(tmp_path, monkeypatch):
    monkeypatch.setattr(workbook, "MAX_ROWS", 5)
    made = places.release(Home(tmp_path), places.rows())
    assert made
    assert made.file("xlsx") is None
    text = (tmp_path / "releases/places" / made.version / "datapackage.json").read_text()
    assert "There is no XLSX file" in text


def test_parquet_holds_types_and_dictionary(tmp_path):
    made = places.release(Home(tmp_path), places.rows())
    assert made
    path = tmp_path / "releases/places" / made.version / "places.parquet"
    types = [row[1] for row in duckdb.sql(f"DESCRIBE SELECT * FROM '{path}'").fetchall()]
    assert types == [
        *("VARCHAR", "BIGINT", "VARCHAR", "VARCHAR", "DOUBLE", "DOUBLE", "BOOLEAN", "DATE", "TIMESTAMP")
    ]
    noted = dict(duckdb.sql(f"SELECT key, value FROM parquet_kv_metadata('{path}')").fetchall())
    assert b"What people call it." in noted[b"fields"]


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ([("a", 1, *[None] * 7), ("a", 1, *[None] * 7)], "not unique: a, 1"),
        ([("a", None, *[None] * 7)], "lack their key"),
    ],
)
def test_a_key_that_is_none_is_refused(tmp_path, table, said):
    with pytest.raises(ReleaseError, match=said):
        places.release(Home(tmp_path), table)
    assert not (tmp_path / "releases").exists()


def test_a_column_nobody_listed_never_leaves(tmp_path):
    dataset = places.declaration()
    connection = duckdb.connect()
    places.fill(connection, places.rows(), dataset)
    connection.execute("ALTER TABLE curated.places ADD COLUMN home_address VARCHAR DEFAULT 'Secret Street 1'")
    home = Home(tmp_path)
    from publish.release import Draft, make_release

    made = make_release(connection, Draft(dataset, "curated.places", places.DAY), home)
    assert made
    for name, content in places.tree(home.releases).items():
        assert b"Secret" not in content
        assert b"home_address" not in content, name
    book = zipfile.ZipFile(home.releases / "places" / made.version / "places.xlsx")
    assert not any(b"Secret" in book.read(name) for name in book.namelist())


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(texts=st.lists(st.one_of(cells, st.sampled_from(["_x000D_", "\x00\x1f", "\ufffe", "<&>"])), max_size=8))
def test_any_text_comes_back_from_the_workbook(tmp_path, texts):
    connection = duckdb.connect(":memory:", config={"threads": "1"})
    dataset = places.declaration()
    places.fill(connection, [("P", n, text, *[None] * 6) for n, text in enumerate(texts)], dataset)
    about = workbook.About(*["x"] * 8)
    with render.published(connection, "curated.places", dataset.table) as view:
        assert workbook.write_xlsx(connection, view, dataset.table, about, tmp_path / "a.xlsx")
    connection.close()
    assert [path.name for path in tmp_path.glob("a.xlsx*")] == ["a.xlsx"]
    read = [row[2] for row in openpyxl.load_workbook(tmp_path / "a.xlsx")["Data"].iter_rows(2, values_only=True)]
    expected = [(text or "").replace("\ufffe", "\ufffd").replace("\uffff", "\ufffd") for text in texts]
    assert [unescape(text or "") for text in read[: len(texts)]] == expected
