"""The commands as people type them: real processes, Prefect included, nothing else running."""

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests import workbook_factory as factory
from tests.flows.home_tree import stamps
from warehouse.home import Home
from warehouse.lease import Lease

pytestmark = pytest.mark.e2e

REPOSITORY = Path(__file__).resolve().parents[2]
SAMPLES = {name: REPOSITORY / "sources" / name / "sample" for name in ("companies_house", "agile_pilots")}


def opendistrict(*arguments, home, code=0, **environment):
    """Run the command; its standard output. The exit code must be ``code``."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("OPENDISTRICT_", "PREFECT_"))}
    done = subprocess.run(
        [str(Path(sys.executable).parent / "opendistrict"), *map(str, arguments)],
        env={**clean, "OPENDISTRICT_HOME": str(home), **environment},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == code, f"{done.stdout}\n{done.stderr}"
    assert "Traceback" not in done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """A home after the night of `make demo`."""
    home = tmp_path_factory.mktemp("demo") / "var"
    given = [f"--source={name}={path}" for name, path in SAMPLES.items()]
    printed = opendistrict("nightly", *given, home=home)
    return home, printed, given


def test_the_demo_prints_a_summary_and_where_to_look(demo):
    home, printed, _ = demo
    for name in ("companies_house", "agile_pilots", "tech-city-companies", "tech-city-growth", "agile-pilots"):
        assert name in printed
    for line in printed.splitlines():
        if line.startswith(("Portal", "Report", "Workbook")):
            assert Path(line.split(None, 1)[1]).is_file()
    assert str(home / "portal" / "index.html") in printed


def test_the_same_night_again_writes_nothing(demo):
    home, _, given = demo
    before = {name: stamp for name, stamp in stamps(home).items() if not name.startswith("prefect/")}
    printed = opendistrict("nightly", *given, home=home)
    after = {name: stamp for name, stamp in stamps(home).items() if not name.startswith("prefect/")}
    assert "Nothing to do" in printed
    changed = {name for name in before | after if before.get(name) != after.get(name)}
    assert all(name.endswith("origins.json") for name in changed), changed  # only the time of the look


def test_prefect_has_every_step_as_a_finished_task_and_the_artifacts(demo):
    """The private server is gone, its database in the home tells what it was told."""
    home, _, _ = demo
    import sqlite3

    with sqlite3.connect(home / "prefect" / "prefect.db") as database:
        flows = database.execute("SELECT state_type FROM flow_run ORDER BY start_time").fetchall()
        tasks = database.execute("SELECT state_type, name FROM task_run").fetchall()
        artifacts = database.execute("SELECT key FROM artifact").fetchall()
    assert flows[0] == ("COMPLETED",)
    assert {state for state, _ in tasks} == {"COMPLETED"}
    kinds = {name.split()[0] for _, name in tasks}
    assert {"pull", "stage", "check", "load", "build", "publish", "report"} <= kinds
    assert any("summary" in key for (key,) in artifacts)


def test_lists_and_status_as_json(demo):
    home, _, _ = demo
    sources = json.loads(opendistrict("sources", "--json", home=home))
    assert [one["source"] for one in sources] == ["agile_pilots", "companies_house"]
    datasets = json.loads(opendistrict("datasets", "--json", home=home))
    assert all(one["rows"] > 0 for one in datasets)
    status = json.loads(opendistrict("status", "--json", home=home))
    assert status["needs_attention"] is False
    assert Path(status["report"]).is_file()
    assert json.loads(opendistrict("plan", "--json", home=home)) == []


@pytest.mark.parametrize("kind", ["csv", "parquet", "xlsx"])
def test_export(demo, tmp_path, kind):
    home, _, _ = demo
    target = tmp_path / f"pilots.{kind}"
    opendistrict("export", "agile-pilots", "--format", kind, "-o", target, home=home)
    (release,) = (home / "releases" / "agile-pilots").iterdir()
    assert target.read_bytes() == (release / f"agile-pilots.{kind}").read_bytes()


def test_publishing_by_hand_writes_nothing_new_and_does_not_join_a_night(demo):
    home, _, _ = demo
    assert json.loads(opendistrict("publish", "--json", home=home))["writes"] == 0
    with Lease(Home(home), "a night under way"):
        opendistrict("publish", home=home, code=1)


def test_wrong_usage_is_told_at_once(tmp_path):
    for arguments in (
        ["nightly", "--source", "no_such_source"],
        ["nightly", "--dataset", "no-such-dataset"],
        ["nightly", "--date", "yesterday"],
        ["export", "agile-pilots", "--format", "doc"],
        ["backfill", "--from", "2026-02-01", "--to", "2026-01-01"],
        ["no-such-command"],
    ):
        opendistrict(*arguments, home=tmp_path / "home", code=2)
    assert not (tmp_path / "home").exists()


def test_an_export_before_any_release_says_what_to_do(tmp_path):
    opendistrict("export", "agile-pilots", home=tmp_path / "home", code=1)


def test_a_faulty_workbook_ends_with_three_and_comes_back_marked(tmp_path):
    workbook = factory.workbook_with_one_of_each_error(tmp_path / "pilots.xlsx")
    marked = tmp_path / "marked.xlsx"
    checked = json.loads(
        opendistrict(
            "check", workbook, "--source", "agile_pilots", "--annotated", marked, "--json", home=tmp_path, code=3
        )
    )
    assert checked["verdict"] == "partial"
    assert marked.is_file()
    home = tmp_path / "home"
    night = json.loads(
        opendistrict("nightly", "--source", f"agile_pilots={workbook}", "--json", home=home, code=3)
    )
    assert night["exit_code"] == 3
    with (home / "portal/datasets/agile-pilots/agile-pilots.csv").open(newline="") as file:
        assert len(list(csv.DictReader(file))) == 11
    opendistrict("status", home=home, code=3)


def test_a_token_is_shown_nowhere(tmp_path):
    """The portal does not exist: the night fails, and says so without the token."""
    workbook = factory.good_workbook(tmp_path / "pilots.xlsx")
    home = tmp_path / "home"
    printed = opendistrict(
        "nightly",
        f"--source=agile_pilots={workbook}",
        "--portal=http://127.0.0.1:9",
        home=home,
        code=1,
        OPENDISTRICT_PORTAL_TOKEN="a-very-secret-token",
    )
    assert "127.0.0.1:9" in printed
    assert "a-very-secret-token" not in printed
    for path in home.rglob("*"):
        if path.is_file():
            assert b"a-very-secret-token" not in path.read_bytes(), path
