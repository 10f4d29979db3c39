"""Counts of people from night to night: what few change stands, what was hidden stays hidden, and a lost warehouse
forgets none of it.
"""

import csv
import shutil
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pytest

from flows.declarations import Declarations
from flows.rebuild import rebuild_warehouse
from flows.run import Direct, Run, RunRequest
from tests import workbook_factory as factory
from tests.flows import nights
from tests.flows.test_held_back import MEETING

SOURCE, DATASET = "innovators_club", "innovators-club-attendance"
DAY = date(2026, 3, 2)
ROOT = Path(__file__).resolve().parents[2]
FIRST = {"residents": (31, 4), "companies": (22, 9), "city": (12, 2), "research": (3, 1), "media": (9, 9)}


def workbook(path, attendance):
    rows = [
        {"Meeting ID": "club-1", "Stakeholders": kind, "Attendance": count, "First-timers": new}
        for kind, (count, new) in attendance.items()
    ]
    return factory.save(path, {"Meetings": factory.table([MEETING]), "Attendance": factory.table(rows)})


@pytest.fixture
def night(tmp_path):
    settings = nights.settings_of(tmp_path / "home")

    def run(number, attendance):
        """The outcome of a night, the dataset's rows as they are published, and the report."""
        day = DAY + timedelta(days=number)
        book = workbook(tmp_path / f"{number}.xlsx", attendance)
        done = nights.run(settings, day, {SOURCE: str(book)}, (DATASET,), ())
        outcome = next(one for one in done.datasets if one.name == DATASET)
        page = Path(done.report).read_text(encoding="utf-8") if done.report else ""
        return outcome, rows_of(settings), page

    run.settings = settings
    return run


def rows_of(settings):
    newest = sorted((settings.home.releases / DATASET).iterdir())[-1]
    with (newest / f"{DATASET}.csv").open(encoding="utf-8-sig", newline="") as file:
        return {
            (row["stakeholder_kind_code"], row["first_time_code"]): (row["attendance_count"], row["status_code"])
            for row in csv.DictReader(file)
        }


def truth(attendance):
    cells = {}
    for kind, (count, new) in attendance.items():
        for code, people in (("first_time", new), ("returning", count - new), ("total", count)):
            for row in (kind, "total"):
                cells[row, code] = cells.get((row, code), 0) + people
    return cells


def hidden(rows):
    return {cell for cell, (_, status) in rows.items() if status == "suppressed"}


def exactly_true(rows, attendance):
    """What is published is exactly true, and of fewer than five people only that there are none."""
    told = {cell: int(count) for cell, (count, status) in rows.items() if status == "published"}
    assert told == {cell: n for cell, n in truth(attendance).items() if cell in told}
    assert not any(0 < count < 5 for count in told.values())
    assert {cell for cell, n in truth(attendance).items() if 0 < n < 5} <= hidden(rows)
    return told


def test_a_year_of_nights(night):
    outcome, first, page = night(0, FIRST)
    assert outcome.state == "released"
    exactly_true(first, FIRST)
    assert first["total", "total"] == ("77", "published")
    assert "Protection of people" in page
    assert "Published anew" in page

    outcome, rows, _ = night(1, FIRST)
    assert (outcome.state, rows) == ("unchanged", first)

    one_more = {**FIRST, "residents": (32, 4)}
    outcome, rows, page = night(2, one_more)  # whoever has both would know of that one
    assert (outcome.state, rows) == ("unchanged", first)
    assert "next update when enough changed" in page

    outcome, rows, _ = night(3, FIRST)  # and back: nothing was ever told
    assert (outcome.state, rows) == ("unchanged", first)

    many_more = {**FIRST, "residents": (41, 4), "companies": (32, 9)}
    outcome, rows, _ = night(4, many_more)
    assert outcome.state == "released"
    told = exactly_true(rows, many_more)
    assert told["total", "total"] == 97
    assert hidden(first) <= hidden(rows)

    nobody_is_few = dict.fromkeys(FIRST, (90, 45))
    outcome, rows, _ = night(5, nobody_is_few)
    assert outcome.state == "released"
    exactly_true(rows, nobody_is_few)
    assert hidden(first) <= hidden(rows)  # what was hidden of this meeting stays hidden, also when it grew


def test_a_meeting_that_is_gone_from_the_list_is_gone_from_the_dataset(night, tmp_path):
    night(0, FIRST)
    other = {**MEETING, "Meeting ID": "club-2", "Date": "2026-02-20"}
    rows = [{"Meeting ID": "club-2", "Stakeholders": "residents", "Attendance": 31, "First-timers": 9}]
    book = factory.save(
        tmp_path / "other.xlsx", {"Meetings": factory.table([other]), "Attendance": factory.table(rows)}
    )
    done = nights.run(night.settings, DAY + timedelta(days=1), {SOURCE: str(book)}, (DATASET,), (SOURCE, DATASET))
    assert done.datasets[0].state == "released"
    assert set(rows_of(night.settings)) == {("residents", c) for c in ("total", "first_time", "returning")} | {
        ("total", c) for c in ("total", "first_time", "returning")
    }


def test_a_lost_warehouse_forgets_nothing_that_was_published(night, tmp_path):
    """Without what was decided before, the later data would be protected as if nothing had been published."""
    night(0, FIRST)
    nobody_is_few = dict.fromkeys(FIRST, (40, 20))
    _, rows, _ = night(1, nobody_is_few)
    home = night.settings.home
    before = sorted(path.name for path in (home.releases / DATASET).iterdir())
    home.warehouse.unlink()
    with Direct() as runner:
        request = RunRequest(DAY, {SOURCE: None}, (DATASET,))
        done = rebuild_warehouse(Run(night.settings, request, runner, declarations=Declarations.read()))
    assert not done.refused
    assert sorted(path.name for path in (home.releases / DATASET).iterdir()) == before
    with duckdb.connect(str(home.warehouse), read_only=True) as connection:
        kept = connection.execute("SELECT count(*) FROM disclosure.decisions").fetchone()
    outcome, again, _ = night(2, nobody_is_few)
    assert (outcome.state, again) == ("unchanged", rows)
    one_less = {**nobody_is_few, "media": (39, 20)}
    outcome, again, _ = night(3, one_less)
    assert (outcome.state, again) == ("unchanged", rows)
    assert kept == (len(before),)


def test_no_model_reads_what_is_true(tmp_path):
    root = tmp_path / "declared"
    for folder in ("sources", "warehouse/models", "publish/catalogue", "checks/rules"):
        shutil.copytree(ROOT / folder, root / folder, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    (root / "warehouse/models/innovators_club.sql").write_text("SELECT * FROM disclosure.atoms")
    with pytest.raises(Exception, match=r"no such source|does not read"):
        Declarations.read(root).all_read()
