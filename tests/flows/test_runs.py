"""Every run leaves a mark, status tells it until it is mended, absence is no failure and lateness is."""

from datetime import date, timedelta
from pathlib import Path

import pytest

from dev.synthetic_register import write_register
from flows import noting, reporting
from flows.backfill import backfill
from flows.declarations import Declarations
from flows.listing import list_sources, read_status
from flows.outcomes import DONE, FAILED, HELD
from flows.run import Direct, Run, RunRequest
from sources import SourceError
from tests import workbook_factory as factory
from tests.flows import nights
from tests.flows.home_tree import files, stamps
from warehouse import ledger
from warehouse.declarations import SourceDeclaration
from warehouse.store import reader

DAY = date(2026, 11, 23)


@pytest.fixture(scope="module")
def plan():
    return Declarations.read()


@pytest.fixture
def settings(tmp_path):
    return nights.settings_of(tmp_path / "home")


@pytest.fixture
def workbook(tmp_path):
    (tmp_path / "in").mkdir()
    return factory.good_workbook(tmp_path / "in" / "pilots.xlsx")


@pytest.fixture
def bad_workbook(tmp_path):
    (tmp_path / "bad").mkdir()
    rows = [{k: v for k, v in factory.pilot(n).items() if k != "Theme"} for n in range(1, 13)]
    return factory.save(
        tmp_path / "bad" / "pilots.xlsx", {"Pilots": factory.table(rows), "Rounds": factory.table([factory.ROUND])}
    )


def run(settings, origin=None, day=DAY, name="agile_pilots"):
    return nights.run(settings, day, {name: origin})


def runs_of(settings):
    with reader(settings.home) as connection:
        return ledger.runs(connection, settings.home)


def wrong(settings, plan, day=DAY):
    return {one["what"]: one["state"] for one in read_status(settings, plan, day)["held"]}


def written(home):
    """The files with their stamps, without the archive's memory of looks: its time is all a quiet night leaves."""
    return {name: stamp for name, stamp in stamps(home).items() if not name.endswith("origins.json")}


def test_a_night_in_which_every_source_failed_is_told_until_it_is_mended(settings, plan, workbook, tmp_path):
    failed = run(settings, tmp_path / "absent.xlsx")
    assert failed.exit_code == FAILED
    (noted,) = runs_of(settings)
    assert (noted.run_id, noted.exit_code) == (failed.run_id, FAILED)
    assert "absent.xlsx" in noted.sources["agile_pilots"].message
    status = read_status(settings, plan, DAY)
    assert status["needs_attention"]
    assert status["report"] == failed.report
    assert [(one["what"], one["state"]) for one in status["held"]] == [("agile_pilots", "failed")]
    assert list_sources(settings, plan, DAY)[0]["state"] == "failed"
    assert run(settings, workbook).exit_code == DONE
    assert wrong(settings, plan) == {}
    assert list_sources(settings, plan, DAY)[0]["state"] == "good"


def test_a_quiet_night_that_mends_is_noted_and_the_next_writes_nothing(settings, plan, after_a_night, tmp_path):
    workbook, (first,) = after_a_night, runs_of(settings)
    failed = [run(settings, tmp_path / "absent.xlsx", DAY + timedelta(days=n)) for n in (1, 2)]
    assert [one.exit_code for one in failed] == [HELD, HELD]
    assert wrong(settings, plan) == {"agile_pilots": "failed"}
    mended = run(settings, workbook, DAY + timedelta(days=3))
    assert wrong(settings, plan) == {}
    ids = [one.run_id for one in (first, *failed, mended)]
    assert [one.run_id for one in runs_of(settings)] == ids
    assert len(set(ids)) == 4
    pages = {one.report for one in (*failed, mended)}
    assert len({*pages, str(settings.home.reports / first.run_id / "index.html")}) == 4
    before = written(settings.home.root)
    quiet = run(settings, workbook, DAY + timedelta(days=4))
    assert (quiet.run_id, quiet.report) == (None, mended.report)
    assert written(settings.home.root) == before


def test_no_report_is_ever_overwritten(settings, workbook, bad_workbook, tmp_path):
    seen = {}
    for origin in (tmp_path / "absent.xlsx", workbook, tmp_path / "absent.xlsx", bad_workbook, bad_workbook):
        run(settings, origin)
        now = files(settings.home.reports)
        assert {name: now.get(name) for name in seen} == seen
        seen = now
    reported = {name.partition("/")[0] for name in seen}
    assert len(reported) == 4  # the second night with the same bad workbook has nothing new to say


def test_status_speaks_of_the_snapshot_that_the_newest_look_found(settings, plan, after_a_night, bad_workbook):
    workbook = after_a_night
    assert run(settings, bad_workbook).exit_code == HELD
    assert wrong(settings, plan) == {"agile_pilots": "held"}
    back = run(settings, workbook)
    assert (back.exit_code, back.sources[0].state) == (DONE, "unchanged")
    assert wrong(settings, plan) == {}
    assert list_sources(settings, plan, DAY)[0]["verdict"] == "passed"
    assert run(settings, bad_workbook).exit_code == HELD
    assert wrong(settings, plan) == {"agile_pilots": "held"}


def test_a_portal_that_did_not_take_it_is_told_until_it_did(settings, plan, workbook, monkeypatch):
    from publish.plans import PortalError
    from publish.portals.folder import FolderPortal

    run(settings, workbook)

    def refuse(*arguments, **options):
        raise PortalError("the portal is away")

    with monkeypatch.context() as patched:
        patched.setattr(FolderPortal, "apply", refuse)
        assert run(settings, workbook).exit_code == FAILED
    told = wrong(settings, plan)  # of all that the night released, what else there may be of pilots included
    assert told[f"agile-pilots on {settings.portal}"] == "not published"
    assert set(told.values()) == {"not published"}
    noting.publish_by_hand(settings, plan, list(plan.datasets), lambda *arguments, **named: None)
    assert wrong(settings, plan) == {}
    before = written(settings.home.root)
    noting.publish_by_hand(settings, plan, list(plan.datasets), lambda *arguments, **named: None)
    assert written(settings.home.root) == before


@pytest.mark.parametrize("is_reported", [False, True])
def test_a_run_killed_before_its_note_gets_it_from_the_next(settings, workbook, tmp_path, is_reported):
    first = run(settings, workbook)
    home = settings.home
    page = (home.reports / first.run_id / "index.html").read_bytes()
    for path in (*home.runs.iterdir(), *(() if is_reported else home.reports.rglob("*.html"))):
        path.unlink()
    again = run(settings, workbook)
    assert again.run_id == first.run_id
    assert (home.reports / first.run_id / "index.html").read_bytes() == page
    for path in (*home.runs.iterdir(), *home.reports.rglob("*.html")):
        path.unlink()
    other = factory.save(
        tmp_path / "other.xlsx",
        {
            "Pilots": factory.table([factory.pilot(n) for n in range(1, 14)]),
            "Rounds": factory.table([factory.ROUND]),
        },
    )
    second = run(settings, other, DAY + timedelta(days=1))
    assert {one.parent.name for one in home.reports.rglob("*.html")} == {first.run_id, second.run_id}
    assert [one.run_id for one in runs_of(settings)] == [first.run_id, second.run_id]


def test_what_stops_a_whole_run_is_noted_and_told(settings, plan, workbook, monkeypatch):
    def break_off(*arguments, **named):
        raise RuntimeError("a value of a cell")

    with monkeypatch.context() as patched:
        patched.setattr(reporting, "report", break_off)
        with pytest.raises(Exception, match="a fault of the program in writing the report: RuntimeError"):
            run(settings, workbook)
    assert runs_of(settings)[-1].exit_code == FAILED
    assert "stopped" in wrong(settings, plan).values()
    run(settings, workbook)
    assert wrong(settings, plan) == {}


# --- absence and lateness ---------------------------------------------------------------------------------


def test_an_empty_inbox_is_nothing_new_and_before_any_data_it_waits(settings, plan, workbook):
    waiting = run(settings)
    assert (waiting.exit_code, waiting.sources[0].state) == (DONE, "waiting")
    assert "first file" in waiting.sources[0].message
    assert str(settings.home.inbox / "agile_pilots") in waiting.sources[0].message
    assert list_sources(settings, plan, DAY)[0]["state"] == "waiting"
    before = written(settings.home.root)
    assert run(settings).run_id is None
    assert written(settings.home.root) == before
    inbox = settings.home.inbox / "agile_pilots"
    inbox.mkdir(parents=True)
    handed_in = workbook.replace(inbox / workbook.name)
    assert run(settings).sources[0].state == "loaded"
    handed_in.unlink()
    quiet = run(settings, day=DAY + timedelta(days=1))
    assert (quiet.exit_code, quiet.run_id, quiet.sources[0].state) == (DONE, None, "unchanged")
    assert quiet.sources[0].message == f"Nothing new since {DAY}."


@pytest.mark.parametrize("days", [12, pytest.param(90, marks=pytest.mark.prove)])
def test_quiet_days_raise_no_alarm_and_write_nothing(settings, plan, workbook, days):
    inbox = settings.home.inbox / "agile_pilots"
    inbox.mkdir(parents=True)
    workbook.replace(inbox / workbook.name)
    run(settings)
    before = written(settings.home.root)
    for number in range(3, days + 1, 3):
        outcome = run(settings, day=DAY + timedelta(days=number))
        assert (outcome.exit_code, outcome.run_id) == (DONE, None), number
    assert written(settings.home.root) == before
    assert wrong(settings, plan, DAY + timedelta(days=days)) == {}


def test_a_register_that_misses_its_month_is_late_on_the_right_day(settings, plan, tmp_path):
    folder = tmp_path / "register"
    folder.mkdir()
    write_register(folder, rows=300, day=date(2026, 10, 1), seed=7, zipped=True)

    def look(day):
        return run(settings, folder, day, "companies_house")

    assert look(date(2026, 10, 3)).exit_code == DONE
    assert look(date(2026, 11, 11)).exit_code == DONE
    assert wrong(settings, plan, date(2026, 11, 11)) == {}
    late = look(date(2026, 11, 12))
    assert (late.exit_code, late.sources[0].state, late.sources[0].due) == (HELD, "late", date(2026, 11, 11))
    assert wrong(settings, plan, date(2026, 11, 12)) == {"companies_house": "late"}
    assert "due by 2026-11-11" in Path(late.report).read_text()
    before = written(settings.home.root)
    assert look(date(2026, 11, 13)).exit_code == HELD  # it stays late, and that is not said twice
    assert written(settings.home.root) == before
    write_register(folder, rows=300, day=date(2026, 11, 1), seed=7, zipped=True)
    assert look(date(2026, 11, 14)).exit_code == DONE
    assert wrong(settings, plan, date(2026, 11, 14)) == {}
    assert wrong(settings, plan, date(2026, 12, 12)) == {"companies_house": "late"}


def test_a_file_taken_in_by_name_says_nothing_about_lateness(settings, plan, tmp_path):
    (file,) = write_register(tmp_path, rows=300, day=date(2026, 1, 1), seed=7, zipped=True)
    assert run(settings, file, DAY, "companies_house").exit_code == DONE
    assert wrong(settings, plan, DAY) == {}


@pytest.mark.parametrize(
    ("declared", "newest", "due"),
    [
        ({"cadence": "daily"}, date(2026, 11, 20), date(2026, 11, 24)),
        ({"cadence": "daily", "grace_days": 0}, date(2026, 11, 20), date(2026, 11, 21)),
        ({"cadence": "monthly"}, date(2026, 12, 1), date(2027, 1, 11)),
        ({"cadence": "monthly", "grace_days": 2}, date(2027, 1, 31), date(2027, 3, 2)),
        ({"cadence": "irregular"}, date(2026, 11, 20), None),
        ({"cadence": "irregular", "expected_days": 30}, date(2026, 11, 1), date(2026, 12, 1)),
        ({"cadence": "irregular", "expected_days": 30, "grace_days": 5}, date(2026, 11, 1), date(2026, 12, 6)),
    ],
)
def test_when_newer_data_are_due(declared, newest, due):
    texts = {"title": "x", "publisher": "opendistrict", "licence": "CC0-1.0", "attribution": "x"}
    assert SourceDeclaration(name="x", tables=(), **texts, **declared).due(newest) == due


def test_expected_days_of_a_regular_source_is_a_contradiction():
    texts = {"title": "x", "publisher": "opendistrict", "licence": "CC0-1.0", "attribution": "x"}
    with pytest.raises(ValueError, match="expected_days is for irregular data"):
        SourceDeclaration(name="x", tables=(), cadence="daily", expected_days=3, **texts)


# --- the clock ------------------------------------------------------------------------------------------


def test_a_clock_set_back_is_said_and_once_it_is_right_the_newer_workbook_is_published(
    settings, plan, after_a_night, tmp_path
):
    newer = factory.save(
        tmp_path / "newer.xlsx",
        {
            "Pilots": factory.table([factory.pilot(n) for n in range(1, 14)]),
            "Rounds": factory.table([factory.ROUND]),
        },
    )
    back = run(settings, newer, DAY - timedelta(days=1))
    assert back.exit_code == HELD
    assert "clock" in back.sources[0].notice
    assert "stay published" in back.sources[0].notice
    assert wrong(settings, plan) == {"agile_pilots": "look at it"}
    assert "clock" in Path(back.report).read_text()
    right = run(settings, newer, DAY + timedelta(days=1))
    assert right.exit_code == DONE
    assert right.datasets[0].rows == 13
    assert wrong(settings, plan) == {}


# --- a backfill -----------------------------------------------------------------------------------------


@pytest.mark.prove
def test_a_backfill_tells_what_it_held_whatever_came_later_and_in_the_declared_order(
    settings, plan, workbook, bad_workbook, tmp_path
):
    months = tmp_path / "months"
    months.mkdir()
    for day in (date(2026, 1, 1), date(2026, 2, 1)):
        write_register(months, rows=300, day=day, seed=7, zipped=True)
    for day, origin in ((date(2026, 1, 10), workbook), (date(2026, 1, 20), bad_workbook)):
        run(settings, origin, day)
    settings.home.warehouse.unlink()
    request = RunRequest(DAY, {"companies_house": str(months), "agile_pilots": None}, nights.FEW)
    with Direct() as runner:
        outcome = backfill(Run(settings, request, runner), date(2026, 1, 1), date(2026, 2, 28))
    sources, datasets = ([one.name for one in told] for told in (outcome.sources, outcome.datasets))
    assert sources == [name for name in plan.sources if name in sources] == ["agile_pilots", "companies_house"]
    assert datasets == [name for name in plan.datasets if name in datasets]
    assert {"agile-pilots", "tech-city-companies", "tech-city-growth"} <= set(datasets)
    assert outcome.exit_code == HELD
    held = outcome.sources[0]
    assert (held.state, held.snapshot.data_date, held.stale_since) == (
        "held",
        date(2026, 1, 20),
        date(2026, 1, 10),
    )


def test_a_backfill_that_cannot_take_in_is_noted(settings, plan, tmp_path):
    request = RunRequest(DAY, {"companies_house": str(tmp_path / "absent")})
    with Direct() as runner, pytest.raises(SourceError):
        backfill(Run(settings, request, runner), DAY, DAY)
    (noted,) = runs_of(settings)
    assert (noted.kind, noted.exit_code) == ("backfill", FAILED)
    assert "absent" in noted.error


# --- the annotated workbook -------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", [".xlsx", ".xlsm"])
def test_the_annotated_workbook_lies_in_the_outbox_and_nowhere_on_the_page(settings, tmp_path, suffix):
    workbook = factory.workbook_with_one_of_each_error(tmp_path / "pilots.xlsx")
    outcome = run(settings, workbook.rename(workbook.with_suffix(suffix)))
    place = settings.home.outbox / "agile_pilots" / "pilots-annotated.xlsx"
    assert outcome.sources[0].annotated == str(place)
    assert place.is_file()
    assert {path.suffix for path in (settings.home.reports / outcome.run_id).iterdir()} == {".html"}
    text = Path(outcome.report).with_name("agile_pilots.html").read_text()
    assert "outbox/agile_pilots/pilots-annotated.xlsx" in text
    assert 'annotated.xlsx"' not in text
