"""What is about people is held back by default: no figure of it leaves, it is no failure, and it is said why."""

import json
import shutil
from datetime import date
from pathlib import Path

import pytest
import yaml

from flows import cli, publishing
from flows.declarations import Declarations
from flows.night import night
from flows.outcomes import HELD
from flows.run import Direct, Run, RunRequest
from flows.settings import Settings
from tests import workbook_factory as factory
from tests.flows.test_personal import holders
from warehouse import ledger
from warehouse.curate import ModelError
from warehouse.home import Home
from warehouse.store import reader

ROOT = Path(__file__).resolve().parents[2]
SOURCE, OPEN, CLOSED = "innovators_club", "innovators-club", "innovators-club-attendance"
DAY = date(2026, 11, 23)
# All of them too many for the network, two in what cannot be read, one with more first-timers than people.
COUNTS = ("60617", "70919", "80231", "90437", "50777")
UNPROTECTED = "SELECT meeting_id, stakeholder_kind_code, attendance_count FROM innovators_club.attendance"
load = Declarations.read
MEETING = {
    "Meeting ID": "club-1",
    "Meeting": "First",
    "Kind": "meeting",
    "Date": "2026-02-12",
    "Date precision": "day",
    "Topic": "Light",
    "Place": "School",
}


def workbook(path):
    rows = [
        ("residents", 60617, 1),
        ("companies", f"about {COUNTS[1]} or so", None),
        ("city", 12, 80231),
        ("research", f"{COUNTS[3]} people", None),
        ("media", "", None),
    ]
    attendance = [
        {"Meeting ID": "club-1", "Stakeholders": kind, "Attendance": count, "First-timers": new}
        for kind, count, new in rows
    ]
    attendance += [
        {"Meeting ID": "club-2", "Stakeholders": kind, "Attendance": 9, "First-timers": 2}
        for kind in ("residents", "companies", "city", "research", "media", "visitors", "other")
    ]
    more = {"Meeting ID": "club-1", "Stakeholders": f"{COUNTS[4]} others", "Attendance": 1, "First-timers": 0}
    return factory.save(
        path,
        {
            "Meetings": factory.table([MEETING, {**MEETING, "Meeting ID": "club-2", "Date": "2026-05-12"}]),
            "Attendance": factory.table([*attendance, more]),
        },
    )


@pytest.fixture
def settings(tmp_path):
    return Settings(Home(tmp_path / "home"), str(tmp_path / "home" / "portal"))


def run(settings, book, declared, datasets=(OPEN, CLOSED)):
    with Direct() as runner:
        request = RunRequest(DAY, {SOURCE: str(book)}, datasets)
        return night(Run(settings, request, runner, declarations=declared))


@pytest.fixture
def declared(tmp_path):
    """A copy of what is declared, to be changed, in which attendance declares no disclosure control."""
    root = tmp_path / "declared"
    for folder in ("sources", "warehouse/models", "publish/catalogue", "checks/rules"):
        shutil.copytree(ROOT / folder, root / folder, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    shutil.rmtree(root / "publish/catalogue/translations")
    (root / "warehouse/models/innovators_club_attendance.sql").write_text(UNPROTECTED, encoding="utf-8")
    entry = root / "publish/catalogue/innovators_club_attendance.yaml"
    content = yaml.safe_load(entry.read_text(encoding="utf-8"))
    del content["disclosure"], content["period"], content["show"]
    content["primaryKey"] = ["meeting_id", "stakeholder_kind_code"]
    listed = ("meeting_id", "stakeholder_kind_code", "attendance_count")
    content["fields"] = [{"from": f"innovators_club.attendance.{name}"} for name in listed]
    entry.write_text(yaml.safe_dump(content), encoding="utf-8")
    return root


@pytest.fixture
def unprotected(declared, monkeypatch):
    """The declarations of that copy, for commands too."""
    read = Declarations.read(declared)
    monkeypatch.setattr(Declarations, "read", staticmethod(lambda root=declared: read))
    return read


def test_no_figure_about_people_leaves_and_the_rest_goes_on(tmp_path, settings, unprotected, capsys):
    outcome = run(settings, workbook(tmp_path / "club.xlsx"), unprotected)
    states = {one.name: one.state for one in outcome.datasets}
    assert states == {OPEN: "released", CLOSED: "held back"}
    assert outcome.exit_code == HELD  # for the rows that cannot be used, not for what is held back
    home = settings.home.root
    theirs = ("raw", "staging", "inbox", "outbox", "warehouse.duckdb")  # the keeper's own, and ours alone
    assert holders(home, *COUNTS, private=theirs) == []
    assert COUNTS[0] not in repr(outcome)
    assert holders(home, "club-1", private=theirs)  # what is not about people does leave
    page = Path(outcome.report).read_text(encoding="utf-8")
    assert "Attendance of the Innovators&#39; Club by kind of stakeholder: held back" in page
    assert list(settings.home.releases.glob("*")) == [settings.home.releases / OPEN]
    with reader(settings.home) as connection:
        found = ledger.findings(connection, SOURCE, outcome.sources[0].snapshot.snapshot_id)
    about_people = [one for one in found if one.table_name == "attendance"]
    assert {one.rule for one in about_people} >= {"first-timers-among-those-who-came", "code", "type"}
    assert not any(count in repr(one) for one in about_people for count in COUNTS)
    assert {one.row_key for one in about_people} == {None}


@pytest.fixture
def quiet(tmp_path, settings, unprotected):
    """A night whose only dataset out of the ordinary is the one held back."""
    book = factory.save(
        tmp_path / "club.xlsx",
        {
            "Meetings": factory.table([MEETING]),
            "Attendance": [
                ["Meeting ID", "Stakeholders", "Attendance", "First-timers"],
                ["club-1", "residents", 31, 4],
            ],
        },
    )
    return run(settings, book, unprotected)


def test_it_is_no_failure_and_the_commands_say_what_is_missing(settings, quiet, capsys):
    assert quiet.exit_code == 0
    place = ["--home", str(settings.home.root)]
    for command in (["datasets"], ["plan", "--dataset", CLOSED]):
        assert cli_exit([*command, *place]) == 0
        said = " ".join(capsys.readouterr().out.split())
        assert f"{CLOSED}: held back: it is about people (innovators_club.attendance)" in said
        assert "no disclosure control declared" in said
        assert "publish/catalogue/innovators_club_attendance.yaml" in said
    assert cli_exit(["datasets", "--json", *place]) == 0
    row = next(one for one in json.loads(capsys.readouterr().out) if one["dataset"] == CLOSED)
    assert (row["state"], row["latest"]) == ("held back", None)
    assert row["why"].startswith("held back: ")
    assert cli_exit(["status", *place]) == 0


def cli_exit(arguments):
    with pytest.raises(SystemExit) as end:
        cli.main(arguments)
    return end.value.code


def change(path, before, after):
    text = path.read_text(encoding="utf-8")
    assert text.count(before) == 1, (path, before)
    path.write_text(text.replace(before, after), encoding="utf-8")


def test_a_declaration_protects_nobody_whom_the_model_reads_beside_it(declared):
    entry = declared / "publish/catalogue/innovators_club_attendance.yaml"
    shutil.copy(ROOT / "publish/catalogue/innovators_club_attendance.yaml", entry)
    sql = (ROOT / "warehouse/models/innovators_club_attendance.sql").read_text(encoding="utf-8")
    model = declared / "warehouse/models/innovators_club_attendance.sql"
    model.write_text(sql + "INNER JOIN innovators_club.attendance AS a ON a.meeting_id = came.meeting_id")
    said = Declarations.read(declared).held_back[CLOSED]
    assert "reads them beside the disclosure control" in said
    assert "protected.club_attendance" in said


def test_model_and_entry_name_the_same_population(declared):
    shutil.copy(ROOT / "warehouse/models/innovators_club_attendance.sql", declared / "warehouse/models")
    with pytest.raises(ModelError, match=r"reads protected\.club_attendance, .* declares none"):
        _ = Declarations.read(declared).models


@pytest.mark.parametrize("reader", ["core.crowd", "protected.survey_answers"])
def test_protected_people_are_read_by_the_dataset_that_declares_them_alone(declared, reader):
    (declared / "warehouse/models/core/crowd.sql").write_text("SELECT * FROM protected.club_attendance")
    (declared / "warehouse/models/innovators_club.sql").write_text(f"SELECT t.meeting_id FROM {reader} AS t")
    with pytest.raises(ModelError, match="protected"):
        _ = Declarations.read(declared).models


@pytest.mark.parametrize(
    "sql",
    [
        'SELECT attendance_count FROM "Innovators_Club"."ATTENDANCE"',
        "SELECT attendance_count FROM innovators_club.attendance_history",
        "SELECT (SELECT max(attendance_count) FROM innovators_club.attendance) AS m FROM innovators_club.meetings",
        "WITH meetings AS (FROM innovators_club.attendance) SELECT attendance_count FROM meetings",
        "SELECT people FROM core.crowd",
    ],
)
def test_whoever_reads_it_is_held_back_however_it_is_read(declared, sql):
    (declared / "warehouse/models/innovators_club.sql").write_text(sql, encoding="utf-8")
    (declared / "warehouse/models/core/crowd.sql").write_text(
        "SELECT count(*) AS people FROM innovators_club.attendance", encoding="utf-8"
    )
    change(
        declared / "publish/catalogue/innovators_club.yaml",
        "can_do_without: [linked_events]",
        "can_do_without: []",
    )
    read = Declarations.read(declared)
    if '"' in sql:  # no source is called so, which is an error before anything is asked
        with pytest.raises(ModelError, match="no such source"):
            _ = read.held_back
    else:
        assert set(read.held_back) == {CLOSED, OPEN}


@pytest.mark.parametrize(
    "table",
    [
        "query_table('innovators_club.attendance')",
        "query('FROM innovators_club.attendance')",
        "read_parquet('x.parquet')",
        "'x.csv'",
        "attendance",
        "history.innovators_club__attendance",
    ],
)
def test_a_model_reads_nothing_that_is_not_found_from_its_sql(declared, table):
    model = declared / "warehouse/models/innovators_club.sql"
    model.write_text(f"SELECT t.meeting_id FROM {table} AS t", encoding="utf-8")
    change(
        declared / "publish/catalogue/innovators_club.yaml",
        "can_do_without: [linked_events]",
        "can_do_without: []",
    )
    with pytest.raises(ModelError, match="reads"):
        Declarations.read(declared).all_read()


def test_a_release_made_before_the_table_was_about_people_is_shown_nowhere_else(
    tmp_path, settings, quiet, declared, unprotected
):
    """What a portal shows already stays until somebody takes it out; it is written to no portal any more."""
    change(
        declared / "sources/innovators_club/source.yaml",
        "primaryKey: [meeting_id]\n",
        "primaryKey: [meeting_id]\n    about_people: true\n",
    )
    read = load(declared)
    elsewhere = Settings(settings.home, str(tmp_path / "other"))
    assert OPEN in {one.dataset for one in publishing.plan(elsewhere, unprotected, [OPEN]).changes}
    assert OPEN not in {one.dataset for one in publishing.plan(elsewhere, read, [OPEN]).changes}
    outcome = run(settings, tmp_path / "club.xlsx", read)
    assert {one.name: one.state for one in outcome.datasets} == {OPEN: "held back", CLOSED: "held back"}
