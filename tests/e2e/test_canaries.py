"""Nothing of a person leaves: a night over sources full of canaries, and a search of all that anybody else sees.

The night is run as its operator runs it: by the command, through Prefect, into a real CKAN; then it is published
into a folder too. ``tests/test_canaries.py`` shows that the search finds a canary wherever it is put.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ckanapi
import pytest
import requests

from flows import publishing
from flows.declarations import Declarations
from flows.outcomes import HELD
from flows.settings import Settings
from tests.canaries import Cage, canaries_below, canaries_in, contents
from tests.e2e.ckan_server import CkanServer
from tests.e2e.planted import plant
from warehouse.home import Home

DATASETS = (
    "agile-pilots",
    "data-quality",
    "district-funding",
    "helsinki-companies",
    "innovators-club",
    "innovators-club-attendance",
    "pilot-evaluations",
    "pilot-grants",
    "tech-city-companies",
)
PRIVATE = {  # parts of a home that nobody but its operator sees, and why a person may stand in them
    "raw": "what came, byte for byte",
    "staging": "the same as tables, before it is judged; kept as long as it",
    "inbox": "what people hand in",
    "warehouse.duckdb": "what is computed with, but never published; no column of class personal (see below)",
    "outbox": "each keeper's own workbook, marked (see below)",
}
# What of them the warehouse holds: columns of class internal, ids that say nothing outside their source, and in
# the quarantine rows and lines that could not be taken apart, so nobody knows what of them is personal.
IN_THE_WAREHOUSE = {
    "companies_house": {"RegAddress.AddressLine1", "RegAddress.POBox", "a row that is too long"},
    "innovators_club": {"a key of a row about people"},
    "linked_events": {"street"},
    "prh_ytj": {"street"},
    "structural_funds": {"summary of a project", "recipient of what cannot be read"},
    "surveys": {
        f"response id of {stem}"
        for stem in ("kuunsilta-2018", "satama-robotiikka-2018", "siilonmutka-2019", "verkkosaari-2019")
    },
}
REPOSITORY = Path(__file__).resolve().parents[2]
CLEAN = {k: v for k, v in os.environ.items() if not k.startswith(("OPENDISTRICT_", "PREFECT_"))}


@dataclass
class Night:
    """What a night left, and what it was fed."""

    home: Home
    cage: Cage
    printed: str
    server: CkanServer

    def came_from(self, found: set[int]) -> list[str]:
        return self.cage.told({"": found}).get("", [])


def purge(server: CkanServer) -> None:
    admin = ckanapi.RemoteCKAN(server.url, apikey=server.token)
    for name in DATASETS:
        try:
            admin.action.dataset_purge(id=name)
        except ckanapi.NotFound:
            continue


@pytest.fixture(scope="module")
def night(ckan: CkanServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Night]:
    folder, cage = tmp_path_factory.mktemp("canaries"), Cage()
    origins = plant(folder / "in", cage)
    home = Home(folder / "home")
    with ckan.turn(alone=True) as server:
        purge(server)
        done = subprocess.run(
            [
                sys.executable,
                "-c",
                "from flows.cli import main; main()",
                "nightly",
                f"--home={home.root}",
                f"--portal={server.url}",
                "--date=2026-11-23",
                *(f"--source={name}={origin}" for name, origin in origins.items()),
                *(f"--dataset={name}" for name in DATASETS),
            ],
            cwd=REPOSITORY,
            env={**CLEAN, "OPENDISTRICT_PORTAL_TOKEN": server.token},
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
        assert done.returncode == HELD, done.stdout + done.stderr
        outcome = publishing.publish(
            Settings(home, str(home.portal)), Declarations.read(), DATASETS, lambda *said, **named: None
        )
        assert outcome.problems == {}
        yield Night(home, cage, done.stdout + done.stderr, server)
        purge(server)


def test_every_canary_came_in_and_every_dataset_went_out(night: Night) -> None:
    """Else there would be nothing to find, or nowhere to look."""
    kept = set[int]().union(*canaries_below(night.home.raw).values())
    assert kept == night.cage.places.keys()
    assert len(kept) > 500
    assert sorted(path.name for path in night.home.releases.iterdir()) == sorted(DATASETS)
    assert sorted(path.parent.name for path in night.home.portal.glob("datasets/*/state.json")) == sorted(DATASETS)
    (page,) = night.home.reports.glob("*/index.html")
    assert "withheld" in page.read_text()
    assert (night.home.root / "prefect" / "prefect.db").is_file()


def test_no_file_of_the_home_holds_one_but_in_its_private_parts(night: Night) -> None:
    """Releases, portal, reports, runs, logs, the decisions on disclosure, and all that Prefect keeps."""
    assert night.cage.told(canaries_below(night.home.root, but=PRIVATE)) == {}


def test_a_workbook_goes_back_to_its_own_keeper_with_nobody_elses(night: Night) -> None:
    found = canaries_below(night.home.outbox)
    keepers = {place: place.partition("/")[0] for place in found}
    assert {"agile_pilots", "innovators_club"} <= set(keepers.values())
    others = {place: numbers - night.cage.of(keepers[place]) for place, numbers in found.items()}
    assert night.cage.told(others) == {}


def test_the_warehouse_holds_no_column_of_class_personal(night: Night) -> None:
    found = set[int]().union(*map(canaries_in, contents("", night.home.warehouse.read_bytes())))
    allowed = {f"{keeper}: {where}" for keeper, places in IN_THE_WAREHOUSE.items() for where in places}
    assert set(night.came_from(found)) - allowed == set()


def test_no_name_of_a_private_part_is_a_canary(night: Night) -> None:
    """Names of files are told in reports and logs, wherever the files lie."""
    names = "\n".join(str(path.relative_to(night.home.root)) for path in night.home.root.rglob("*"))
    assert night.came_from(canaries_in(names.encode())) == []


def test_nothing_is_printed(night: Night) -> None:
    assert "agile_pilots" in night.printed
    assert night.came_from(canaries_in(night.printed.encode())) == []


def test_ckan_neither_shows_nor_logs_one(night: Night) -> None:
    found = dict[str, set[int]]()
    for place, content in said_by_ckan(night.server):
        found[place] = set[int]().union(*map(canaries_in, contents(place, content)))
    assert len(found) > 8 * len(DATASETS)
    for path in sorted((night.server.state() / "log").iterdir()):
        found[path.name] = canaries_in(path.read_bytes())
    assert night.cage.told(found) == {}


def said_by_ckan(server: CkanServer) -> Iterator[tuple[str, bytes]]:
    """What the portal answers about each dataset: to a sysadmin, and as pages and files to anybody."""
    call = ckanapi.RemoteCKAN(server.url, apikey=server.token).call_action

    def said(action: str, **asked: Any) -> bytes:
        return json.dumps(call(action, asked), ensure_ascii=False).encode()

    for name in DATASETS:
        shown = call("package_show", {"id": name})
        yield f"{name}: shown", json.dumps(shown, ensure_ascii=False).encode()
        yield f"{name}: page", requests.get(f"{server.url}/dataset/{name}", timeout=60).content
        for activity in call("package_activity_list", {"id": name}):
            yield f"{name}: activity {activity['id']}", said("activity_show", id=activity["id"], include_data=True)
        for resource in shown["resources"]:
            place = f"{name}: {resource['name']}"
            yield place, requests.get(resource["url"], timeout=60).content
            yield f"{place}: views", said("resource_view_list", id=resource["id"])
            if resource.get("datastore_active"):
                yield f"{place}: dictionary", said("datastore_info", id=resource["id"])
                yield f"{place}: rows", said("datastore_search", resource_id=resource["id"], limit=32000)


def test_one_that_is_let_out_is_found(night: Night, tmp_path: Path) -> None:
    """The same search of the same home, with a canary in one of its files."""
    (csv,) = night.home.portal.glob("datasets/agile-pilots/agile-pilots.csv")
    copy = shutil.copytree(night.home.portal, tmp_path / "portal")
    with (copy / csv.relative_to(night.home.portal)).open("a") as file:
        file.write(f"demo-99,{night.cage.name('nobody', 'let out')}\r\n")
    assert night.cage.told(canaries_below(copy)) == {"datasets/agile-pilots/agile-pilots.csv": ["nobody: let out"]}
