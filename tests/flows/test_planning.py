"""plan, publish and drift: what they print, what they end with, what is allowed and what is remembered of it."""

import json
import shlex
import shutil
from datetime import timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from flows import publishing
from flows.allowing import allowed_for
from flows.cli import app
from flows.cli import plan_words as words
from flows.dataset_standing import standing_of
from flows.declarations import Declarations
from flows.exit_codes import CHANGES, DONE, FAILED, HELD
from flows.settings import Settings
from publish.managed import Managed
from publish.plans import Allowed, Change, DatasetPlan, Drift, Hold, Plan, PortalError, RowDifference
from publish.portals.ckan.managed import Record, Verdicts
from publish.portals.folder import FolderPortal
from tests import workbook_factory as factory
from tests.flows import nights
from tests.flows.test_night import DAY
from warehouse import ledger
from warehouse.ledger import Allowance
from warehouse.measures import Dimension
from warehouse.store import reader

PILOTS = "agile-pilots"
HOLD = Hold("d", "rows", "1,203 rows would become 12: 99.0 % vanish, and 10 % may", "--allow-shrink")
PLAN = Plan(
    (
        DatasetPlan(
            "a",
            (
                Change("a", "create", "dataset", "version 2026-03-01, 7 rows"),
                *(Change("a", "upload", f"file{number}", "new") for number in range(10)),
            ),
            rows=RowDifference(None, 7),
            latest="2026-03-01",
        ),
        DatasetPlan(
            "b",
            (Change("b", "update", "notes", "long " * 200),),
            (
                Drift("b", "title", "it says \u202e“Mine”\n", "left"),
                Drift("b", "table", "2 rows are others", "undone"),
            ),
            rows=RowDifference(1203, 1210, 9, 4, 2),
            unsent=("the chart: the portal has no such view",),
            shown="2026-02-01",
            latest="2026-03-01",
        ),
        DatasetPlan("c", shown="2026-03-01", latest="2026-03-01"),
        DatasetPlan(
            "d",
            (Change("d", "upload", "d.csv", "new content"),),
            holds=(HOLD,),
            rows=RowDifference(1203, 12),
            shown="2026-02-01",
            latest="2026-03-01",
        ),
    ),
    (Change("front page", "update", "index.html", "its content changes"),),
)
PROBLEMS = {"e": "e: HTTP 500"}
LONG = "long " * 37 + "lo..."  # 190 characters
TEXT = f"""\
https://data.example.org
+ a would be created: version 2026-03-01
    rows none -> 7
    create  dataset: version 2026-03-01, 7 rows
    upload  file0: new
            file1: new
            file2: new
            file3: new
            file4: new
            file5: new
            file6: new
            file7: new
            and 2 more
~ b would be changed: version 2026-02-01 -> 2026-03-01
    rows 1,203 -> 1,210 (+9, ~4, -2)
    update  notes: {LONG}
    changed by hand on the portal
      title: it says “Mine” (left until its entry says the same, or --overwrite b is given)
      table: 2 rows are others (publishing brings ours back)
    not sent: the chart: the portal has no such view
= c would be left as it is
! d would be held: version 2026-02-01 -> 2026-03-01
    rows 1,203 -> 12
    rows: 1,203 rows would become 12: 99.0 % vanish, and 10 % may
      Find out why. If it is right: opendistrict publish --dataset d --allow-shrink d
    held back: 1 change
x e could not be compared
    e: HTTP 500
~ the portal's own pages would be changed
    update  index.html: its content changes
1 to create, 1 to change, 1 to leave, 1 held, 1 not compared, 2 things changed by hand."""


def test_a_plan_as_a_person_reads_it():
    assert "\n".join(line for _, line in words.plan_lines("https://data.example.org", PLAN, PROBLEMS)) == TEXT


def test_a_calm_plan_says_so():
    assert words.sum_line(Plan((DatasetPlan("a"),)), {}) == (
        "0 to create, 0 to change, 1 to leave. The portal shows what it should: nothing to change."
    )


def test_a_plan_as_a_program_reads_it():
    found = words.plan_as_json("https://data.example.org", PLAN, PROBLEMS)
    assert [(one["dataset"], one["outcome"]) for one in found["datasets"]] == [
        ("a", "create"),
        ("b", "change"),
        ("c", "leave"),
        ("d", "hold"),
        ("e", "failed"),
    ]
    assert {tuple(one) for one in found["datasets"]} == {
        (
            *("dataset", "outcome", "shown", "latest", "rows", "changes", "edited_by_hand", "holds", "unsent"),
            "error",
        )
    }
    assert found["datasets"][1]["rows"] == {
        "shown": 1203,
        "desired": 1210,
        "added": 9,
        "changed": 4,
        "removed": 2,
    }
    assert found["datasets"][3]["holds"] == [
        {
            "guard": "rows",
            "detail": HOLD.detail,
            "allowed_by": "--allow-shrink",
            "what_to_do": "Find out why. If it is right: opendistrict publish --dataset d --allow-shrink d",
        }
    ]
    assert found["summary"] == {
        "create": 1,
        "change": 1,
        "leave": 1,
        "hold": 1,
        "failed": 1,
        "changes": 13,
        "edited_by_hand": 2,
    }


def test_long_texts_that_differ_near_their_ends_are_told_apart():
    text = "One of the many words that are said of a dataset. " * 9
    verdicts = Verdicts("a", Record({"notes": "the sum of another text"}, True))
    assert not verdicts.writes("notes", "notes", f"{text}Mine, and so on.", f"{text}Ours.")
    plan = Plan((DatasetPlan("a", drift=tuple(verdicts.drift)),))
    told = [line for _, line in words.plan_lines("here", plan, {})][3]
    assert told == (
        "      notes: somebody has changed it: “…said of a dataset. Mine, and so on.” on the portal,"
        " “…said of a dataset. Ours.” in the catalogue (left until its entry says the same,"
        " or --overwrite a is given)"
    )


def test_hand_edits_for_people_and_for_programs():
    down = DatasetPlan("f", holds=(Hold("f", "taken_down", "somebody deleted it", "--restore"),))
    plan = Plan((PLAN.datasets[1], PLAN.datasets[2], PLAN.datasets[3], down))
    told = "\n".join(line for _, line in words.drift_lines("here", plan, {}))
    assert told == (
        "here\n~ b\n"
        "      title: it says “Mine” (left until its entry says the same, or --overwrite b is given)\n"
        "      table: 2 rows are others (publishing brings ours back)\n"
        "~ f\n"
        "      somebody deleted it. Ask who did it. To show it again:"
        " opendistrict publish --dataset f --restore f\n"
        "4 datasets compared, 3 changed by hand."
    )
    managed = (Managed("dataset", ("title",), "left", "words"),)
    found = words.drift_as_json("here", plan, PROBLEMS, managed)
    assert [(one["dataset"], one["target"], one["fate"]) for one in found["edits"]] == [
        ("b", "title", "left"),
        ("b", "table", "undone"),
    ]
    assert [one["dataset"] for one in found["taken_down"]] == ["f"]
    assert found["failed"] == [{"dataset": "e", "error": "e: HTTP 500"}]
    assert found["managed"] == [{"of": "dataset", "fields": ["title"], "fate": "left", "why": "words"}]
    assert "    dataset: title (words)" in list(words.field_lines("here", managed))


# --- the commands -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def night(tmp_path_factory):
    """The settings of a home after a night, and its workbook."""
    folder = tmp_path_factory.mktemp("night")
    workbook = factory.save(
        folder / "pilots.xlsx",
        {
            "Pilots": factory.table([factory.pilot(n) for n in range(1, 13)]),
            "Rounds": factory.table([factory.ROUND]),
        },
    )
    settings = nights.settings_of(folder / "home")
    nights.run(settings, DAY, {"agile_pilots": workbook})
    return settings, workbook


@pytest.fixture
def run(night, tmp_path, monkeypatch):
    """Run a command; its output. The exit code must be ``code``."""
    monkeypatch.chdir(tmp_path)

    def command(*arguments, code=0, home=str(night[0].home.root)):
        environment = {"OPENDISTRICT_HOME": home, "OPENDISTRICT_PORTAL": None}
        result = CliRunner().invoke(app, list(map(str, arguments)), env=environment)
        assert result.exit_code == code, f"{result.output}\n{result.exception!r}"
        return result.output

    return command


@pytest.fixture
def shows(night):
    """Have the portal note that it shows something else of the pilots; afterwards all is as it was."""
    settings, _ = night
    path = settings.home.root / "portal" / "datasets" / PILOTS / "state.json"
    before = path.read_bytes()

    def note(**noted):
        content = json.loads(before)
        del content["sum"]  # as an earlier program wrote it: else it would be a hand's
        content["shown"] |= noted
        content["made_of"] = "something else"
        path.write_text(json.dumps(content))

    yield note
    path.write_bytes(before)


NEWER = {"version": "2099-01-01", "data_date": "2099-01-01", "sequence": 1}
LARGER = {"version": "2001-01-01", "data_date": "2001-01-01", "rows": 5000, "content_sha256": "f" * 64}


def allowances(settings):
    with reader(settings.home) as connection:
        return [(one.dataset, one.what) for one in ledger.allowances(connection)]


def test_nothing_to_do_is_said(run):
    assert "nothing to change." in run("plan", "--exit-code")
    assert json.loads(run("plan", "--json"))["summary"]["changes"] == 0
    assert "nothing changed by hand." in run("drift", "--deep")


def test_a_plan_says_what_would_be_done_and_ends_with_it(run, shows):
    (one,) = json.loads(run("plan", "--dataset", PILOTS, "--json"))["datasets"]
    assert one["outcome"] == "leave"
    shows(version="2001-01-01", data_date="2001-01-01", rows=12, content_sha256="f" * 64)
    assert f"~ {PILOTS} would be changed: version 2001-01-01 -> " in run("plan", "--exit-code", code=CHANGES)
    run("plan")


def test_a_portal_that_is_ahead_is_held_told_and_let_go(run, shows, night):
    settings, workbook = night
    shows(**NEWER)
    assert f"! {PILOTS} would be held" in run("plan", "--exit-code", code=HELD)
    told = run("publish", code=HELD)
    assert f"{PILOTS} is held on the portal. The portal shows version 2099-01-01, and the newest of this" in told
    status = json.loads(run("status", "--json", code=HELD))
    assert [(one["what"], one["state"]) for one in status["held"]] == [(f"{PILOTS} on {settings.portal}", "held")]
    outcome = nights.run(settings, DAY, {"agile_pilots": workbook})
    assert (outcome.exit_code, list(outcome.portal.holds)) == (HELD, [PILOTS])
    run("publish", "--allow-older", PILOTS)
    assert allowances(settings) == [(PILOTS, "older")]
    status = json.loads(run("status", "--json"))
    assert [(one["dataset"], one["what"]) for one in status["allowed"]] == [(PILOTS, "older")]
    assert "Allowed on the portal" in run("status")
    shows(**NEWER)  # the other machine again: that is another matter
    run("publish", code=HELD)
    run("publish", "--allow-older", PILOTS)


def test_the_line_to_copy_works_where_home_and_portal_were_named(run, shows, night, tmp_path):
    settings, _ = night
    shows(**NEWER)
    for portal in (settings.portal, shutil.copytree(settings.portal, tmp_path / "another portal")):
        places = ("--home", settings.home.root, "--portal", portal)
        told = run("publish", *places, code=HELD, home=None)
        (found,) = json.loads(run("plan", *places, "--dataset", PILOTS, "--json", home=None))["datasets"]
        line = found["holds"][0]["what_to_do"].partition("opendistrict ")[2]
        assert line.startswith(f"publish --dataset {PILOTS} --allow-older {PILOTS} --home ")
        assert f"opendistrict {line}" in told
        assert f"      {found['holds'][0]['what_to_do']}" in run("plan", *places, home=None).splitlines()
        run(*shlex.split(line), home=None)
        assert "nothing to change." in run("plan", *places, "--dataset", PILOTS, home=None)


@pytest.mark.parametrize("home", [None, "h o me"])
@pytest.mark.parametrize("portal", [None, "por tal", "https://data.example.org"])
@pytest.mark.parametrize(
    "usual", [{}, {"OPENDISTRICT_HOME": "usual"}, {"OPENDISTRICT_PORTAL": "https://usual.org"}]
)
def test_a_command_is_told_which_home_and_portal_only_where_it_would_not_find_them(home, portal, usual):
    asked = Settings.of(home and Path(home), portal, usual)
    given = shlex.split(asked.as_options(usual))
    options = dict(zip(given[::2], given[1::2], strict=True))
    found = Settings.of(Path(options["--home"]) if "--home" in options else None, options.get("--portal"), usual)
    assert found.home == asked.home
    assert found.portal == (str(Path(portal).absolute()) if portal == "por tal" else asked.portal)
    assert ("--home" in options, "--portal" in options) == (home is not None, portal is not None)


def test_what_a_night_let_through_is_not_held_by_the_next_publication(run, shows, night):
    settings, workbook = night
    shows(**LARGER)
    run("publish", code=HELD)
    outcome = nights.run(settings, DAY, {"agile_pilots": workbook}, allow_shrink=(PILOTS, "agile_pilots"))
    assert (outcome.exit_code, outcome.portal.holds) == (DONE, {})
    assert (PILOTS, "shrink") in allowances(settings)
    shows(**LARGER)
    run("publish")
    count = len(allowances(settings))
    nights.run(settings, DAY, {"agile_pilots": workbook}, allow_shrink=(PILOTS,))
    assert len(allowances(settings)) == count  # said once
    assert "nothing to change." in run("plan")


def test_what_was_allowed_counts_for_its_version_only():
    noted = [
        Allowance("run", "a", what, "1", ledger.now() + timedelta(seconds=1))
        for what in ("shrink", "older", "restore", "overwrite")
    ]
    assert allowed_for({"a": "1"}, Allowed(), noted) == Allowed(frozenset({"a"}))
    assert allowed_for({"a": "2"}, Allowed(), noted) == Allowed()
    assert allowed_for({"a": "2"}, Allowed(frozenset({"b"})), noted) == Allowed(frozenset({"b"}))


def test_only_what_is_published_can_be_allowed(run):
    assert "none of the datasets" in run("publish", "--dataset", PILOTS, "--restore", "organisations", code=2)


def test_a_dataset_that_cannot_be_read_does_not_end_the_plan(run, monkeypatch):
    original = FolderPortal._compare

    def compare(self, wanted, *arguments, **named):
        if wanted.name == PILOTS:
            raise PortalError(f"{PILOTS}: it is somebody else's")
        return original(self, wanted, *arguments, **named)

    monkeypatch.setattr(FolderPortal, "_compare", compare)
    told = run("plan", code=FAILED)
    assert f"x {PILOTS} could not be compared\n    {PILOTS}: it is somebody else's\n" in told
    assert "1 not compared" in told
    found = json.loads(run("drift", "--json", code=FAILED))
    assert [one["dataset"] for one in found["failed"]] == [PILOTS]


def test_what_is_ours_is_said(run):
    assert "every file in datasets/<dataset>/" in run("drift", "--fields")
    assert json.loads(run("drift", "--fields", "--json"))[0]["fate"] == "undone"


def test_hand_edits_are_told_and_leave_the_night_good(run, night, monkeypatch):
    settings, workbook = night
    edit = Drift(PILOTS, "title", "it says “Mine”", "left")
    original = FolderPortal.apply, FolderPortal.plan

    def marked(one):
        return type(one)(**{**vars(one), "drift": (edit,)}) if one.dataset == PILOTS else one

    def apply(*arguments, **options):
        return [marked(one) for one in original[0](*arguments, **options)]

    def plan(*arguments, **options):
        found = original[1](*arguments, **options)
        return Plan(tuple(map(marked, found.datasets)), found.front)

    monkeypatch.setattr(FolderPortal, "apply", apply)
    monkeypatch.setattr(FolderPortal, "plan", plan)
    outcome = nights.run(settings, DAY, {"agile_pilots": workbook})
    assert (outcome.exit_code, outcome.portal.drift) == (DONE, {PILOTS: (edit,)})
    assert "changed by hand on the portal: title: it says “Mine”" in run("publish")
    (told,) = json.loads(run("status", "--json"))["edited_by_hand"]
    assert told["why"].startswith("title: it says “Mine”")
    assert f"~ {PILOTS}\n      title: it says “Mine” (left until" in run("drift", code=HELD)


def test_the_datasets_of_a_set_come_together():
    from types import SimpleNamespace

    declared = SimpleNamespace(
        datasets={
            name: SimpleNamespace(entry=SimpleNamespace(publish_with=with_))
            for name, with_ in zip("abcd", ("x", "", "x", "y"), strict=True)
        }
    )
    assert publishing._with_their_sets(declared, ["a", "b"]) == ["a", "b", "c"]
    assert publishing._with_their_sets(declared, ["b"]) == ["b"]


def test_how_a_dataset_stands_is_of_its_own_newest_build(night):
    settings, _ = night
    declared = Declarations.read()
    with reader(settings.home) as connection:
        standing = standing_of(connection, declared, PILOTS, ledger.curations(connection, PILOTS))
        assert standing.score is not None
        assert 0 < standing.score <= 100
        assert set(standing.dimensions) <= {dimension.value for dimension in Dimension}
        assert standing.next_update is None or standing.next_update > DAY
        assert standing_of(connection, declared, PILOTS, ()).score is None
    due = publishing.due(settings, declared, [PILOTS])
    assert [one.standing for one in due.wanted] == [standing]


def test_where_a_dataset_was_published_is_known(night):
    """To any address that is not among them it goes as a first publication."""
    settings, _ = night
    with reader(settings.home) as connection:
        runs = {run.run_id for run in ledger.runs(connection, settings.home)}
    (wanted,) = publishing.due(settings, Declarations.read(), [PILOTS]).wanted
    assert settings.portal in wanted.published
    assert "https://data.example.org" not in wanted.published
    assert set(wanted.published.values()) <= runs
    assert "published=" not in repr(wanted)  # else every page would be made anew with every run
