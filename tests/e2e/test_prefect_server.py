"""A real Prefect server and worker on loopback run the deployments of prefect.yaml."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import suppress
from datetime import date
from pathlib import Path

import pytest

from dev.synthetic_register import write_register
from tests import workbook_factory as factory
from tests.flows.home_tree import files

REPOSITORY = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
DATASETS = ["-p", 'datasets=["tech-city-companies","tech-city-growth"]']
MONTHS = [date(2026, 1, 1), date(2026, 2, 1), date(2026, 3, 1)]


class Prefect:
    """A server, a work pool and a worker; the home and the sources are in its environment."""

    def __init__(self, folder, home):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.folder = folder
        clean = {k: v for k, v in os.environ.items() if not k.startswith(("OPENDISTRICT_", "PREFECT_"))}
        self.environment = {
            **clean,
            "PREFECT_HOME": str(folder),
            "PREFECT_API_URL": f"http://127.0.0.1:{port}/api",
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
            "DO_NOT_TRACK": "1",
            "PREFECT_SERVER_UI_ENABLED": "false",
            "PREFECT_WORKER_QUERY_SECONDS": "1",
            "OPENDISTRICT_HOME": str(home),
            "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
        }
        self.processes = []
        self.spawn("server", "start", "--host", "127.0.0.1", "--port", str(port))
        self.wait_for(f"http://127.0.0.1:{port}/api/health")
        self.run("work-pool", "create", "opendistrict", "--type", "process")
        self.run("deploy", "--all")
        self.spawn("worker", "start", "--pool", "opendistrict")

    def spawn(self, *arguments):
        log = (self.folder / f"{arguments[0]}.log").open("wb")
        self.processes.append(
            subprocess.Popen(
                [BIN / "prefect", *arguments],
                cwd=REPOSITORY,
                env=self.environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        )

    def run(self, *arguments, code=0):
        done = subprocess.run(
            [BIN / "prefect", "--no-prompt", *arguments],
            cwd=REPOSITORY,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
        assert done.returncode == code, f"{done.stdout}\n{done.stderr}"
        return done.stdout

    def ask(self, kind):
        request = urllib.request.Request(
            f"{self.environment['PREFECT_API_URL']}/{kind}/filter", b"{}", {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    def wait_for(self, address):
        until = time.monotonic() + 120
        while time.monotonic() < until:
            with suppress(OSError), urllib.request.urlopen(address, timeout=5):
                return
            time.sleep(0.2)
        raise AssertionError((self.folder / "server.log").read_text())

    def stop(self):
        for process in reversed(self.processes):
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


@pytest.fixture(scope="module")
def months(tmp_path_factory):
    folder = tmp_path_factory.mktemp("months")
    for day in MONTHS:
        write_register(folder, rows=1200, day=day, seed=5, zipped=True)
    return folder


@pytest.fixture(scope="module")
def prefect(tmp_path_factory):
    folder = tmp_path_factory.mktemp("prefect")
    server = Prefect(folder, folder / "home")
    yield server
    server.stop()


def test_a_worker_runs_the_night_and_then_a_backfill(prefect, months, tmp_path):
    home = Path(prefect.environment["OPENDISTRICT_HOME"])
    (march,) = months.glob("*2026-03-01*")
    prefect.run(
        "deployment", "run", "nightly/nightly", "--watch", "--watch-interval", "1",
        "-p", "day=2026-03-02", "-p", f'sources={{"companies_house": "{march}"}}', *DATASETS,
    )  # fmt: skip
    assert [path.name for path in (home / "releases" / "tech-city-growth").iterdir()] == ["2026-03-01"]
    latest = files(home / "portal" / "datasets" / "tech-city-growth")
    prefect.run(
        "deployment", "run", "backfill/backfill", "--watch", "--watch-interval", "1",
        "-p", "first=2026-01-01", "-p", "last=2026-03-31", "-p", f'sources={{"companies_house": "{months}"}}',
        *DATASETS,
    )  # fmt: skip
    versions = sorted(path.name for path in (home / "releases" / "tech-city-companies").iterdir())
    assert versions[:2] == ["2026-01-01", "2026-02-01"]
    assert versions[-1].startswith("2026-03-01")
    now = files(home / "portal" / "datasets" / "tech-city-growth")
    assert latest.keys() < now.keys()
    assert {"versions/2026-01-01/tech-city-growth.csv", "since/2026-01-01.csv"} <= now.keys()


def test_runs_are_named_after_what_they_do_and_a_held_one_is_seen(prefect, tmp_path):
    workbook = factory.workbook_with_one_of_each_error(tmp_path / "pilots.xlsx")
    prefect.run(
        "deployment", "run", "nightly/nightly", "--watch", "--watch-interval", "1", "-p", f"home={tmp_path}/home",
        "-p", "day=2026-11-25", "-p", f'sources={{"agile_pilots": "{workbook}"}}',
        "-p", 'datasets=["agile-pilots"]', code=1,
    )  # fmt: skip
    runs = {one["name"]: one for one in prefect.ask("flow_runs")}
    assert {"nightly 2026-03-02", "backfill 2026-01-01 to 2026-03-31"} <= runs.keys()
    held = runs["nightly 2026-11-25"]
    assert (held["state"]["name"], held["state"]["type"]) == ("Held", "CANCELLED")
    assert {"agile_pilots", "held", f"{tmp_path}/home"} <= set(held["tags"])
    assert not {"held", "failed"} & set(runs["nightly 2026-03-02"]["tags"])
    summary = {one["key"]: one for one in prefect.ask("artifacts")}["nightly-2026-11-25-summary"]
    assert summary["flow_run_id"] == held["id"]


def test_a_night_that_fails_is_failed_in_prefect_too(prefect, tmp_path):
    prefect.run(
        "deployment", "run", "nightly/nightly", "--watch", "--watch-interval", "1", "-p", f"home={tmp_path}/home",
        "-p", f'sources={{"agile_pilots": "{tmp_path}/absent.xlsx"}}', code=1,
    )  # fmt: skip


def test_the_schedule_is_at_two_in_helsinki(prefect):
    import yaml

    declared = yaml.safe_load((REPOSITORY / "prefect.yaml").read_text())["deployments"]
    nightly = next(one for one in declared if one["name"] == "nightly")
    assert nightly["schedules"] == [{"cron": "0 2 * * *", "timezone": "Europe/Helsinki"}]
    shown = prefect.run("deployment", "inspect", "nightly/nightly")
    assert "Europe/Helsinki" in shown
    assert "0 2 * * *" in shown
