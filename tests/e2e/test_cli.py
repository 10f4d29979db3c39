"""The commands as people type them: real processes, Prefect included, nothing else running."""

import csv
import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from datetime import datetime
from pathlib import Path

import pytest

from flows.declarations import Declarations
from sources import samples
from tests import workbook_factory as factory
from tests.flows.home_tree import stamps
from tests.web_server import serving
from warehouse.home import Home
from warehouse.lease import Lease

SAMPLES = samples()


COMMAND = str(Path(sys.executable).parent / "opendistrict")
CLEAN = {k: v for k, v in os.environ.items() if not k.startswith(("OPENDISTRICT_", "PREFECT_"))}


def opendistrict(*arguments, home, code=0, log=None, **environment):
    """Run the command; its standard output. The exit code must be ``code``; ``log`` gets the lines of stderr."""
    done = subprocess.run(
        [COMMAND, *map(str, arguments)],
        env={**CLEAN, "OPENDISTRICT_HOME": str(home), **environment},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == code, f"{done.stdout}\n{done.stderr}"
    assert "Traceback" not in done.stderr
    if log is not None:
        log += done.stderr.splitlines()
    return done.stdout


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """A home after `make demo`, on a machine whose home and portal in use are others."""
    home = tmp_path_factory.mktemp("demo") / "var"
    given = [f"--source={name}={path}" for name, path in SAMPLES.items()]
    log, in_use = [], home.parent / "in-use"
    printed = opendistrict(
        "demo", "--home", home, home=in_use, log=log, OPENDISTRICT_PORTAL="https://ckan.example.org"
    )
    assert not in_use.exists()
    return home, printed, given, log


def test_the_demo_prints_a_summary_and_where_to_look(demo):
    home, printed, _, _ = demo
    declared = Declarations.read()
    for name in (*declared.sources, *declared.datasets):
        assert name in printed
    for line in printed.splitlines():
        if line.startswith(("Portal", "Report", "Workbook")):
            assert Path(line.split(None, 1)[1]).is_file()
    assert str(home / "portal" / "index.html") in printed


def test_the_log_of_a_night_that_nobody_watches_has_a_line_a_step(demo):
    """Through Prefect, whose tasks run in threads: each step says when it begins."""
    _, _, _, log = demo
    moments, steps = zip(*(line.split(" ", 1) for line in log), strict=True)
    for step in ("pull agile_pilots", "stage companies_house", "check agile_pilots", "load companies_house"):
        assert steps.count(step) == 1, log
    assert list(steps).index("publish") < list(steps).index("report")
    assert all(datetime.fromisoformat(moment).tzinfo for moment in moments)
    declared = Declarations.read()
    assert len(log) < 8 * (len(declared.sources) + len(declared.datasets))


def test_the_same_night_again_writes_nothing(demo):
    home, _, given, _ = demo
    before = {name: stamp for name, stamp in stamps(home).items() if not name.startswith("prefect/")}
    printed = opendistrict("nightly", *given, home=home)
    after = {name: stamp for name, stamp in stamps(home).items() if not name.startswith("prefect/")}
    assert "Nothing to do" in printed
    changed = {name for name in before | after if before.get(name) != after.get(name)}
    assert all(name.endswith("origins.json") for name in changed), changed  # only the time of the look


def test_prefect_has_every_step_as_a_finished_task_and_the_artifacts(demo):
    """The private server is gone, its database in the home tells what it was told."""
    home, _, _, _ = demo
    import sqlite3

    with sqlite3.connect(home / "prefect" / "prefect.db") as database:
        flows = database.execute("SELECT state_type, name, tags FROM flow_run ORDER BY start_time").fetchall()
        tasks = database.execute("SELECT state_type, name FROM task_run").fetchall()
        artifacts = database.execute("SELECT key FROM artifact").fetchall()
    state, name, tags = flows[0]
    assert state == "COMPLETED"
    assert re.fullmatch(r"nightly \d{4}-\d{2}-\d{2}", name)
    assert sorted(json.loads(tags)) == sorted([str(home), *SAMPLES])
    assert {state for state, _ in tasks} == {"COMPLETED"}
    kinds = {name.split()[0] for _, name in tasks}
    assert {"pull", "stage", "check", "load", "build", "publish", "report"} <= kinds
    assert any("summary" in key for (key,) in artifacts)


def test_lists_and_status_as_json(demo):
    home, _, _, _ = demo
    declared = Declarations.read()
    sources = json.loads(opendistrict("sources", "--json", home=home))
    assert [(one["source"], one["state"]) for one in sources] == [(name, "good") for name in sorted(SAMPLES)]
    datasets = {one["dataset"]: one for one in json.loads(opendistrict("datasets", "--json", home=home))}
    assert sorted(datasets) == sorted(declared.datasets)
    assert {name for name, one in datasets.items() if one["state"] == "held back"} == set(declared.held_back)
    assert all(one["rows"] > 0 for one in datasets.values() if one["state"] == "released")
    assert not [name for name, one in datasets.items() if one["state"] == "waiting"]
    status = json.loads(opendistrict("status", "--json", home=home))
    assert status["needs_attention"] is False
    assert Path(status["report"]).is_file()
    assert json.loads(opendistrict("plan", "--json", home=home))["summary"]["changes"] == 0


@pytest.mark.parametrize("kind", ["csv", "parquet", "xlsx"])
def test_export(demo, tmp_path, kind):
    home, _, _, _ = demo
    target = tmp_path / f"pilots.{kind}"
    opendistrict("export", "agile-pilots", "--format", kind, "-o", target, home=home)
    (release,) = (home / "releases" / "agile-pilots").iterdir()
    assert target.read_bytes() == (release / f"agile-pilots.{kind}").read_bytes()


def test_publishing_by_hand_writes_nothing_new_and_does_not_join_a_night(demo):
    home, _, _, _ = demo
    assert json.loads(opendistrict("publish", "--json", home=home))["writes"] == 0
    with Lease(Home(home), "a night under way"):
        opendistrict("publish", home=home, code=1)


def test_wrong_usage_is_told_at_once(tmp_path):
    for arguments in (
        ["nightly", "--source", "no_such_source"],
        ["nightly", "--dataset", "no-such-dataset"],
        ["nightly", "--date", "yesterday"],
        ["export", "agile-pilots", "--format", "doc"],
        ["export", "agile-pilots", "-o", "pilots.xlsx", "--format", "csv"],
        ["backfill", "--from", "2026-02-01", "--to", "2026-01-01"],
        ["no-such-command"],
    ):
        opendistrict(*arguments, home=tmp_path / "home", code=2)
    assert not (tmp_path / "home").exists()


def test_a_home_that_is_not_there_says_what_to_do(tmp_path):
    log = []
    for command in (["export", "agile-pilots"], ["status"]):
        assert opendistrict(*command, home=tmp_path / "home", code=1, log=log) == ""
    assert len(log) == 2
    assert all("there is no home at" in line and "nightly` first" in line for line in log)


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
    few = ("--source", f"agile_pilots={workbook}", "--dataset", "agile-pilots")
    night = json.loads(opendistrict("nightly", *few, "--json", home=home, code=3))
    assert night["exit_code"] == 3
    with (home / "portal/datasets/agile-pilots/agile-pilots.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert sum(not row["held_columns"] for row in rows) == 11  # the others lack the cell that was wrong
    opendistrict("status", home=home, code=3)


def refuse(handler):
    """No CKAN: 404 to everything, which no second attempt would change."""
    handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
    handler.send_error(404)


def test_a_token_is_shown_nowhere(tmp_path):
    """The portal is none: the night fails, and says so without the token."""
    workbook = factory.good_workbook(tmp_path / "pilots.xlsx")
    home = tmp_path / "home"
    with serving(refuse) as address:
        printed = opendistrict(
            "nightly",
            f"--source=agile_pilots={workbook}",
            "--dataset=agile-pilots",
            f"--portal={address}",
            home=home,
            code=1,
            OPENDISTRICT_PORTAL_TOKEN="a-very-secret-token",
        )
    assert f"{address.removeprefix('http://')} is not a CKAN" in printed
    assert "a-very-secret-token" not in printed
    for path in home.rglob("*"):
        if path.is_file():
            assert b"a-very-secret-token" not in path.read_bytes(), path


def test_serve_shows_prefects_pages(tmp_path):
    """Every page and what it loads; started again at once, it answers where it did before."""
    addresses = []
    for _ in range(2):
        process = subprocess.Popen(
            [COMMAND, "serve"],
            env={**CLEAN, "OPENDISTRICT_HOME": str(tmp_path / "home")},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        try:
            line = next(line for line in process.stdout if "prefect deployment run" in line)
            address = re.search(r"http://[\d.]+:\d+", line)[0]
            addresses.append(address)
            for page in ("/", "/dashboard", "/runs", "/deployments"):
                request = urllib.request.Request(address + page, headers={"Accept": "text/html"})
                with urllib.request.urlopen(request, timeout=30) as answer:
                    content = answer.read().decode()
                assert "<title>Prefect" in content, page
            (script, *_) = re.findall(r'src="(/[^"]+\.js)"', content)
            with urllib.request.urlopen(address + script, timeout=30) as answer:
                assert "javascript" in answer.headers["Content-Type"]
            until = time.monotonic() + 60
            while time.monotonic() < until:
                question = urllib.request.Request(
                    f"{address}/api/deployments/filter", b"{}", {"Content-Type": "application/json"}
                )
                with urllib.request.urlopen(question, timeout=30) as answer:
                    if {one["name"] for one in json.load(answer)} == {"nightly", "backfill"}:
                        break
                time.sleep(0.5)
            else:
                raise AssertionError("the deployments are not there")
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(60)
    assert addresses[0] == addresses[1]
