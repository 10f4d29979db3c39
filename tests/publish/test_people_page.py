"""What is drawn of people: nothing without its n, nothing of what is suppressed."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import replace

import pytest

from publish.portals.folder.pages import Site, dataset_page
from publish.portals.folder.people import draw_people
from tests.publish import people
from warehouse.home import Home

TOTALS = [("companies", "total", 5), ("total", "total", 14)]


@pytest.fixture(scope="module")
def surveyed(tmp_path_factory):
    return people.wanted(Home(tmp_path_factory.mktemp("a") / "home"), people.SURVEYED, people.ANSWERS)


@pytest.fixture(scope="module")
def counted(tmp_path_factory):
    return people.wanted(Home(tmp_path_factory.mktemp("b") / "home"), people.COUNTED, people.CAME)


def panels(wanted):
    parquet = next(resource.path for resource in wanted.resources if resource.key == "parquet")
    return {panel.title: panel for panel in draw_people(wanted.declaration, parquet)}


def test_each_question_is_a_panel_and_its_pilots_are_rows_the_greatest_first(surveyed):
    drawn = panels(surveyed)
    assert list(drawn) == ["Satisfaction", "Minutes saved a day", "Would use again"]
    satisfied = drawn["Satisfaction"]
    assert [(row.label, row.value, row.n) for row in satisfied.rows] == [
        ("Door-step pharmacy", "4.21", "n = 120"),
        ("Shared rides to the metro", "3.54", "n = 61"),
        ("Balance at home", "2.76", "n = 42"),
        ("Parcel robot of the quay", "", ""),
    ]
    assert satisfied.ticks == ("0", "1", "2", "3", "4", "5")
    assert satisfied.rows[0].dot == pytest.approx(84.2)
    assert satisfied.note.startswith("3 of 4 totals are published. Suppressed is what counts fewer than 10 people")


def test_minutes_that_were_lost_are_left_of_zero(surveyed):
    minutes = panels(surveyed)["Minutes saved a day"]
    lost = next(row for row in minutes.rows if row.label == "Balance at home")
    assert lost.value == "−7.68"
    assert lost.dot < minutes.zero < minutes.rows[0].dot
    assert len(minutes.ticks) == 5


def test_what_is_suppressed_is_a_word_and_no_dot(surveyed, counted):
    for panel in (*panels(surveyed).values(), *panels(counted).values()):
        groups = [row for one in panel.breakdowns for _, rows in one.groups for row in rows]
        for row in (*panel.rows, *groups):
            assert row.is_suppressed == (not row.n)
            if row.is_suppressed:
                assert (row.value, row.dot, row.parts) == ("", None, ())
    page = dataset_page(surveyed, Site())
    assert len(re.findall('class="dot"', page)) == len(re.findall(r"<b>[−0-9.]+</b>", page)) == 14


def test_age_groups_stand_below_their_pilot_and_those_of_nobody_do_not(surveyed):
    (by_age,) = panels(surveyed)["Satisfaction"].breakdowns
    (first, rows), (second, _) = by_age.groups
    assert (by_age.title, first, second) == ("By age group", "Door-step pharmacy", "Balance at home")
    assert [(row.label, row.n) for row in rows] == [
        ("18 to 29", ""),
        ("30 to 44", "n = 24"),
        ("45 to 64", "n = 36"),
        ("65 and over", "n = 47"),
        ("Not stated", ""),
    ]


def test_shares_are_parts_and_what_is_not_told_apart_is_one_part(surveyed):
    again = panels(surveyed)["Would use again"]
    assert [(row.label, row.told) for row in again.rows][-1] == ("Parcel robot of the quay", ("suppressed",) * 2)
    (by_age,) = again.breakdowns
    ((_, groups),) = by_age.groups
    untold = next(row for row in groups if row.label == "30 to 44")
    assert [(part.shade, part.width) for part in untold.parts] == [(None, 100.0)]
    assert untold.value == ""


def test_people_are_bars_by_day_and_the_parts_are_kinds(counted):
    drawn = panels(counted)
    assert list(drawn) == ["Attendance by stakeholders", "Attendance by first time"]
    kinds = drawn["Attendance by stakeholders"]
    assert [row.note for row in kinds.rows] == ["2025-02-13", "2025-05-22", "2026-02-12", "2026-05-21"]
    first = kinds.rows[0]
    assert [part.words for part in first.parts] == ["Residents: 41", "Companies: 36", "City: 22", "Not told apart"]
    assert sum(part.width for part in first.parts) == pytest.approx(100 * 114 / 150, abs=0.1)
    assert drawn["Attendance by first time"].rows[-1].told == (
        "12",
        "–",
        "–",
    )  # published, though the total is not


def test_a_page_counts_no_cells_and_every_figure_is_a_table(surveyed, counted):
    for wanted in (surveyed, counted):
        page = dataset_page(wanted, Site())
        assert "Rows by" not in page
        for figure in re.findall(r"<figure>\s*<h3>.*?</figure>", page, re.DOTALL):
            assert "<caption" in figure
            assert 'scope="row"' in figure
        assert "style=" not in page.replace("style-src", "")


def test_a_dataset_without_disclosure_control_has_none_of_it(tmp_path):
    from tests.publish import places

    home = Home(tmp_path / "home")
    wanted = places.wanted(home, places.release(home, places.rows(5)))
    assert panels(wanted) == {}


def test_hundreds_of_populations_are_counted_and_not_all_drawn(tmp_path):
    rows = [
        row
        for number in range(200)
        for row in people.surveyed(
            f"Pilot {number}", f"p{number}-1", "satisfaction", [("total", "total", 10 + number, 3.0, None)]
        )
    ]
    (panel,) = panels(people.wanted(Home(tmp_path / "home"), people.SURVEYED, rows)).values()
    assert len(panel.rows) == 30
    assert "200 of 200 totals are published" in panel.note
    assert "The first 30 are drawn" in panel.note


def test_two_surveys_of_one_pilot_are_told_apart(tmp_path):
    rows = [
        row
        for survey in ("p-1", "p-2")
        for row in people.surveyed("Pilot", survey, "satisfaction", [("total", "total", 10, 3.0, None)])
    ]
    (panel,) = panels(people.wanted(Home(tmp_path / "home"), people.SURVEYED, rows)).values()
    assert [row.label for row in panel.rows] == ["Pilot, p-1", "Pilot, p-2"]


def test_a_day_is_no_more_exact_than_is_known(tmp_path):
    rows = [
        (*row[:3], precision, *row[4:])
        for number, precision in enumerate(("year", "month", "day"))
        for row in people.counted(
            number, f"Meeting {number}", dt.date(2026, 1, 1 + number), [("residents", "total", 9), *TOTALS]
        )
    ]
    wanted = people.wanted(Home(tmp_path / "home"), people.COUNTED, rows)
    fields = [
        one.model_copy(update={"precision_in": "date_precision_code"}) if one.type == "date" else one
        for one in wanted.declaration.table.fields
    ]
    table = wanted.declaration.table.model_copy(update={"fields": tuple(fields)})
    wanted = replace(wanted, declaration=replace(wanted.declaration, table=table))
    drawn = panels(wanted)["Attendance by stakeholders"]
    assert [row.note for row in drawn.rows] == ["2026", "2026-01", "2026-01-03"]
