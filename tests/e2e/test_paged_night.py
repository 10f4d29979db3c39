"""Nights over an API in pages, by the real command line: limits, broken answers, a kill, and then only changes."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import date, timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import duckdb

from tests.canaries import contents
from tests.e2e.paged_source import KEY_VARIABLE, NAME
from tests.sources.paged_server import PagedServer
from tests.web_server import give
from warehouse.archive import Archive
from warehouse.home import Home

REPOSITORY = Path(__file__).resolve().parents[2]
CLEAN = {k: v for k, v in os.environ.items() if not k.startswith(("OPENDISTRICT_", "PREFECT_"))}
KEY = "correct-horse-battery-staple"
DAY = date(2026, 3, 1)
PAGES = 12
LAST_BEFORE_THE_KILL = 7


class ChangingServer(PagedServer):
    """Has no changes where they are asked for, and kills ``victim`` when it asks for a page after the 7th."""

    victim: subprocess.Popen[str] | None = None

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        asked = parse_qs(urlsplit(handler.path).query)
        if self.victim is not None and int(asked.get("page", ["1"])[0]) > LAST_BEFORE_THE_KILL:
            self.victim.kill()
        elif "since" in asked:
            self.paths.append(handler.path)
            give(handler, 200, b'{"totalResults": 0, "companies": [], "meta": {"next": null}}')
        else:
            super().answer(handler)


class House:
    """A home, and the commands run on it, with all that they printed."""

    def __init__(self, folder: Path, address: str) -> None:
        self.home = Home(folder / "home")
        self.address = address
        self.printed: list[str] = []

    def command(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "tests.e2e.paged_source", self.address, *arguments, "--home", self.home.root],
            cwd=REPOSITORY,
            env={**CLEAN, KEY_VARIABLE: KEY},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def night(self, day: date, server: ChangingServer | None = None) -> tuple[int, str]:
        """The exit code, and what was written on stdout. A ``server`` kills it."""
        origin = f"--source={NAME}={self.address}/list"
        process = self.command("nightly", origin, f"--date={day}", "--json")
        if server is not None:
            server.victim = process
        told = process.communicate(timeout=300)
        self.printed += told
        return process.returncode, told[0]

    def things(self) -> dict[int, str]:
        """What the warehouse holds to be so."""
        with duckdb.connect(str(self.home.warehouse), read_only=True) as connection:
            rows = connection.execute(f"SELECT id, name FROM history.{NAME}__{NAME} WHERE _valid_to IS NULL")
            return dict(rows.fetchall())

    def unfinished(self) -> list[str]:
        return sorted(p.name for p in self.home.raw.glob(f"{NAME}/.unfinished/*/page-*.json"))


def holders(home: Home, text: str) -> set[str]:
    """Files below the home that hold a text, by their place in it."""
    return {
        str(path.relative_to(home.root))
        for path in home.root.rglob("*")
        if path.is_file() and any(text.encode() in one for one in contents(path.name, path.read_bytes()))
    }


def test_a_night_is_killed_and_goes_on_and_the_next_asks_for_changes_only(tmp_path: Path) -> None:
    server = ChangingServer(pages=PAGES, key=KEY, busy_every=5, busy_seconds=1, breaks_off_every=7)
    with server.running() as address:
        house = House(tmp_path, address)

        code, _ = house.night(DAY, server)
        assert code == -signal.SIGKILL
        before = list(range(1, LAST_BEFORE_THE_KILL + 1))
        assert server.asked == before
        assert house.unfinished() == [f"page-{number:05d}.json" for number in before]
        assert Archive(house.home, NAME).snapshots() == []
        assert holders(house.home, KEY) == set()

        server.victim, asked = None, len(server.paths)
        code, said = house.night(DAY)
        assert code == 0, house.printed
        assert [one["state"] for one in json.loads(said)["sources"]] == ["loaded"]
        assert server.asked == list(range(1, PAGES + 1))
        assert not any(f"page={number}" in path.split("&") for number in before for path in server.paths[asked:])
        assert server.refused > 1
        assert server.broken > 1
        (snapshot,) = Archive(house.home, NAME).snapshots()
        assert [path.read_bytes() for path in snapshot.paths()] == [
            server.content(number, address) for number in range(1, PAGES + 1)
        ]
        assert house.unfinished() == []
        things = {number: f"Öy {number}" for number in range(server.total)}
        assert house.things() == things

        asked = len(server.paths)
        code, said = house.night(DAY + timedelta(days=1))
        assert code == 0, house.printed
        assert [(one["state"], one["message"]) for one in json.loads(said)["sources"]] == [
            ("unchanged", f"Nothing new since {DAY}.")
        ]
        assert server.paths[asked:] == [f"/list?since={DAY - timedelta(days=1)}"]
        assert house.things() == things

    assert len(house.printed) == 6
    assert KEY not in "".join(house.printed)
    assert holders(house.home, KEY) == set()
    known = holders(house.home, f"{address}/list")  # the search finds what is there
    assert {f"raw/{NAME}/{snapshot.folder.name}/manifest.json", "warehouse.duckdb", "prefect/prefect.db"} <= known
    with closing(sqlite3.connect(house.home.root / "prefect" / "prefect.db")) as database:
        runs = database.execute("SELECT parameters FROM flow_run").fetchall()
    assert [json.loads(parameters)["sources"] for (parameters,) in runs] == [{NAME: f"{address}/list"}] * 3
