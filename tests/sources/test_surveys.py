"""Surveys: what an export and its codebook come to, what never leaves, and what is deleted in time."""

from __future__ import annotations

import csv
import io
from collections import Counter
from datetime import date, timedelta

import duckdb
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dev.sample_surveys import write_samples
from flows.declarations import Declarations
from flows.night import night
from flows.run import Direct, Run, RunRequest
from flows.settings import Settings
from sources import samples
from sources.surveys import read
from sources.surveys.codebook import SUFFIX
from warehouse.archive import Archive, RawFile, Snapshot
from warehouse.home import Home

DECLARED = Declarations.read()
SURVEYS = DECLARED.sources["surveys"]
DAY = date(2026, 11, 23)
BOOK = {
    "survey_id": "s-1",
    "title": "Survey",
    "pilot_id": "p-1",
    "measures": {
        "satisfaction": {"question": "Q1", "answers": {1: ["A1", "Ei"], 5: ["A5", "Kyllä, paljon"]}},
        "minutes_saved_a_day": {"question": "Q2[SQ001]"},
    },
    "age_group": {"question": "AGE", "groups": {"from_65": ["A5"], "from_18_to_29": ["A2"]}},
}
HEADER = ["id", "submitdate", "startlanguage", "Q1", "Q2[SQ001]", "AGE", "Q9[comment]"]


def put(folder, name="s", book=BOOK, header=HEADER, rows=(), **dialect):
    """An export with its codebook."""
    folder.mkdir(exist_ok=True)
    if book is not None:
        (folder / f"{name}{SUFFIX}").write_text(yaml.safe_dump(book, allow_unicode=True), encoding="utf-8")
    text = io.StringIO()
    csv.writer(text, **dialect).writerows([header, *rows])
    (folder / f"{name}.csv").write_text(text.getvalue(), encoding="utf-8-sig")


def reading(folder, day=DAY):
    files = tuple(RawFile(path.name, "", 0) for path in sorted(folder.iterdir()))
    return read(Snapshot("surveys", day, "", files, folder), SURVEYS, folder)


def answers(got):
    return {
        (row["response_id"], row["measure_code"]): (row["value"] and float(row["value"]), row["is_complete"])
        for row in got.tables["responses"].to_pylist()
    }


def test_answers_become_numbers_by_code_and_by_words_and_a_response_never_sent_is_marked(tmp_path):
    rows = [
        ["7", "2026-03-01 10:00:00", "fi", "A5", "12,5", "A5", "soita 040 1234567"],
        ["8", "", "fi", "Ei", "", "A2", ""],
        ["9", "1980-01-01 00:00:00", "en", "Kyllä, paljon", "-3", "", ""],
    ]
    put(tmp_path / "in", rows=rows)
    got = reading(tmp_path / "in")
    assert answers(got) == {
        ("7", "satisfaction"): (5.0, True),
        ("7", "minutes_saved_a_day"): (12.5, True),
        ("8", "satisfaction"): (1.0, False),
        ("8", "minutes_saved_a_day"): (None, False),
        ("9", "satisfaction"): (5.0, True),
        ("9", "minutes_saved_a_day"): (-3.0, True),
    }
    by_id = {row["response_id"]: row for row in got.tables["responses"].to_pylist()}
    assert {key: row["age_group_code"] for key, row in by_id.items()} == {
        "7": "from_65",
        "8": "from_18_to_29",
        "9": None,
    }
    assert {key: row["submitted_date"] for key, row in by_id.items()} == {
        "7": date(2026, 3, 1),
        "8": None,
        "9": None,
    }
    assert got.findings == []
    assert got.tables["surveys"].to_pylist()[0]["pilot_id"] == "p-1"


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize(
    "header",
    [
        HEADER,
        ["Response ID", "Date submitted", "Start language", "Q1. Kuinka tyytyväinen?", "Q2 [SQ001]", "AGE", "x"],
        ["id. Response ID", "submitdate. Date submitted", "l", "Q1: How?", "Q2[SQ001]. Min", "AGE. Ikä", "Q9 say"],
    ],
)
def test_any_of_the_tools_headings_and_delimiters(tmp_path, header, delimiter):
    put(
        tmp_path / "in",
        header=header,
        rows=[["7", "2026-03-01 10:00", "fi", "A5", "4", "A5", ""]],
        delimiter=delimiter,
    )
    got = reading(tmp_path / "in")
    assert answers(got) == {("7", "satisfaction"): (5.0, True), ("7", "minutes_saved_a_day"): (4.0, True)}


def test_what_cannot_be_used_is_said_without_repeating_an_answer(tmp_path):
    rows = [
        ["1", "2026-03-01 10:00:00", "fi", "A4-SECRET", "SECRET", "A9-SECRET", "SECRET"],
        ["2", "2026-03-01 10:00:00", "fi", "A5", "SECRET"],
    ]
    put(tmp_path / "in", rows=rows)
    got = reading(tmp_path / "in")
    assert Counter(one.rule for one in got.findings) == {"answer-without-meaning": 3, "row-length": 1}
    assert {one.column_name for one in got.findings} == {None, "Q1", "Q2[SQ001]", "AGE"}
    assert [one.row_number for one in got.quarantined] == [3]
    assert "SECRET" not in repr(got.findings) + repr(got.quarantined)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"book": None}, "has no codebook"),
        ({"book": BOOK | {"measures": {"happiness": {"question": "Q1"}}}}, "'happiness' is no code of the list"),
        ({"book": BOOK | {"pilot": "x"}}, "no such key"),
        (
            {"book": BOOK | {"survey_id": "s-2", "measures": {"satisfaction": {"question": "Q7"}}}},
            "the questions Q7, and the export",
        ),
        ({"header": ["submitdate", *HEADER[1:]]}, "has no column id"),
        ({"header": ["id", "submitdate", "Q1", "Q1", "a", "AGE", "b"]}, "two columns “Q1”"),
    ],
)
def test_an_export_that_cannot_be_read_costs_itself_alone(tmp_path, change, says):
    good = ["7", "2026-03-01 10:00:00", "fi", "A5", "12", "A5", ""]
    put(tmp_path / "in", name="a", rows=[good])
    put(tmp_path / "in", name="b", **({"book": BOOK | {"survey_id": "s-2"}, "rows": [good]} | change))
    got = reading(tmp_path / "in")
    assert says in got.findings[0].message
    assert {row["survey_id"] for row in got.tables["responses"].to_pylist()} == {"s-1"}
    assert got.incomplete == dict.fromkeys(["surveys", "responses"], "b.csv cannot be used.")


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    given_answers=st.lists(
        st.tuples(
            st.booleans(),
            st.sampled_from([(1, "A1"), (1, "Ei"), (5, "A5"), (5, "Kyllä, paljon"), (None, "")]),
            st.one_of(st.none(), st.integers(-100, 100)),
        ),
        max_size=20,
    )
)
def test_wide_and_long_say_the_same(tmp_path, given_answers):
    rows = [
        [str(n), "1980-01-01 00:00:00" if sent else "", "fi", text, "" if saved is None else str(saved), "", "x"]
        for n, (sent, (_, text), saved) in enumerate(given_answers, start=1)
    ]
    put(tmp_path / "in", rows=rows)
    expected = {}
    for n, (sent, (number, _), saved) in enumerate(given_answers, start=1):
        expected[str(n), "satisfaction"] = (number, sent)
        expected[str(n), "minutes_saved_a_day"] = (saved, sent)
    assert answers(reading(tmp_path / "in")) == expected


def run(settings, folder, day):
    with Direct() as runner:
        return night(Run(settings, RunRequest(day, {"surveys": str(folder)}, ()), runner))


def bytes_with(root, *texts):
    """The files below a folder in which one of the texts stands, DuckDB's own included."""
    return {
        path.relative_to(root).parts[0]
        for path in root.rglob("*")
        if path.is_file() and any(text.encode() in path.read_bytes() for text in texts)
    }


def test_the_sample_is_what_its_maker_makes(tmp_path):
    write_samples(tmp_path)
    made, shipped = (
        {path.name: path.read_bytes() for path in one.iterdir()} for one in (tmp_path, samples()["surveys"])
    )
    assert made == shipped


def test_who_answered_and_what_they_wrote_stay_in_the_archive(tmp_path):
    home = Home(tmp_path / "home")
    run(Settings(home, str(tmp_path / "home" / "portal")), samples()["surveys"], DAY)
    assert bytes_with(home.root, "Maija toi maitoa", "192.0.2.7") == {"raw"}


def rows_of(home, table="responses"):
    with duckdb.connect(str(home.warehouse), read_only=True) as connection:
        return connection.execute(f"SELECT count(*) FROM history.surveys__{table}").fetchone()[0]


def test_after_its_time_a_file_is_gone_from_archive_and_warehouse_and_is_not_taken_in_again(tmp_path):
    home, folder = Home(tmp_path / "home"), tmp_path / "in"
    where = Settings(home, str(tmp_path / "home" / "portal"))
    old = ["8765432187", "1980-01-01 00:00:00", "fi", "A5", "12", "A5", "soita minulle"]
    put(folder, name="old", rows=[old])
    run(where, folder, DAY)
    book = BOOK | {"survey_id": "s-2"}
    put(folder, name="new", book=book, rows=[[str(n), "", "fi", "A5", "12", "A5", ""] for n in range(3)])
    later = DAY + timedelta(days=100)
    run(where, folder, later)
    assert (rows_of(home), rows_of(home, "surveys")) == (8, 2)

    end = DAY + timedelta(days=SURVEYS.retention_days)
    run(where, folder, end - timedelta(days=1))
    assert rows_of(home) == 8
    aside = home.root / "warehouse-before-rebuild-1.duckdb"
    aside.write_bytes(home.warehouse.read_bytes())
    assert bytes_with(home.root, old[0]) >= {"warehouse.duckdb", aside.name}
    outcome = run(where, folder, end)
    assert "kept for 730 days deleted" in outcome.sources[0].message
    assert (rows_of(home), rows_of(home, "surveys")) == (6, 1)
    assert bytes_with(home.root, "soita minulle", old[0]) == set()
    archive = Archive(home, "surveys")
    assert [archive.verify(snapshot) for snapshot in archive.snapshots()] == [[]] * len(archive.snapshots())

    run(where, folder, end + timedelta(days=1))  # the old file still lies where it was handed in
    assert (rows_of(home), rows_of(home, "surveys")) == (6, 1)
    assert bytes_with(home.root, "soita minulle") == set()
    outcome = run(where, folder, later + timedelta(days=SURVEYS.retention_days))
    assert (rows_of(home), rows_of(home, "surveys")) == (0, 0)


@pytest.mark.parametrize("sent", ["01.02.2019 10:00", "43497.4", "Feb 1, 2019"])
def test_dates_by_which_nobody_sees_what_is_too_old_cost_the_export(tmp_path, sent):
    put(tmp_path / "in", rows=[["1", sent, "fi", "A5", "1", "A5", ""]])
    got = reading(tmp_path / "in")
    assert answers(got) == {}
    assert "no date such as" in got.findings[0].message
    assert sent not in got.findings[0].message


def test_a_codebook_that_is_no_yaml_is_told_without_where_the_house_keeps_it(tmp_path):
    put(tmp_path / "in", rows=[])
    (tmp_path / "in" / f"s{SUFFIX}").write_text("x: [")
    (found,) = reading(tmp_path / "in").findings
    assert "not YAML" in found.message
    assert str(tmp_path) not in found.message


def test_a_response_sent_longer_ago_than_answers_are_kept_is_left_out(tmp_path):
    old = DAY - timedelta(days=SURVEYS.retention_days + 1)
    rows = [
        ["1", f"{old} 10:00:00", "fi", "A5", "1", "A5", ""],
        ["2", f"{DAY} 10:00:00", "fi", "A5", "2", "A5", ""],
        ["3", "1980-01-01 00:00:00", "fi", "A5", "3", "A5", ""],
        ["4", "", "fi", "A5", "4", "A5", ""],
    ]
    put(tmp_path / "in", rows=rows)
    got = reading(tmp_path / "in")
    assert {key for key, _ in answers(got)} == {"2", "3", "4"}
    assert [one.rule for one in got.findings] == ["past-retention"]


def test_a_missing_quotation_mark_costs_what_it_joins_and_nobody_is_gone(tmp_path):
    put(
        tmp_path / "in", rows=[[str(n), "", "fi", "A5", "1", "A5", ""] for n in range(1, 5)], quoting=csv.QUOTE_ALL
    )
    export = tmp_path / "in" / "s.csv"
    export.write_text(export.read_text(encoding="utf-8").replace('"2","","fi"', '"2","","fi', 1), encoding="utf-8")
    got = reading(tmp_path / "in")
    assert {key for key, _ in answers(got)} < {"1", "2", "3", "4"}
    assert [one.row_key for one in got.quarantined] == [None]
    assert "row-length" in {one.rule for one in got.findings}
