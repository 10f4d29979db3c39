"""Nights that ask the register's API: whose turn it is, what becomes of the datasets, and where the key is not."""

from __future__ import annotations

import csv
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from dev.synthetic_register import write_register
from flows import steps
from flows.declarations import Declarations
from flows.night import night
from flows.outcomes import DONE, HELD
from flows.run import Direct, Run, RunRequest
from flows.settings import Settings
from sources import samples
from tests.e2e.test_paged_night import holders
from tests.sources.register_server import RegisterServer, company
from tests.sources.test_companies_house_api import KEY, NAME, declared
from warehouse.declarations import DeclarationError, SourceDeclaration, parse
from warehouse.home import Home
from warehouse.store import beside

FILE = "companies_house"
DAY = date(2026, 10, 5)
DATASETS = ("tech-city-companies", "tech-city-growth")
OWN = ("register_source_code", "as_of_date")


class House:
    """A home with the register's sources, and the nights on it."""

    def __init__(self, root: Path, base: str | None = None, at_most: int = 500) -> None:
        self.settings = Settings(Home(root), str(root / "portal"))
        known = Declarations.read()
        api = declared(base)
        assert api.asks_for is not None
        asks_for = api.asks_for.model_copy(update={"at_most": at_most})
        sources = {**known.sources, NAME: api.model_copy(update={"asks_for": asks_for})}
        self.declarations = replace(known, sources=sources)

    def run(self, runner: Direct, day: date, **sources: object) -> Run:
        origins = {name: str(origin) if origin else None for name, origin in sources.items()}
        return Run(self.settings, RunRequest(day, origins, DATASETS), runner, declarations=self.declarations)

    def night(self, day: date, **sources: object):
        with Direct() as runner:
            return night(self.run(runner, day, **sources))

    def wanted(self, day: date) -> list[tuple[str, date | None]]:
        with Direct() as runner:
            found = steps._wanted(self.run(runner, day), NAME, None, day)
        return [(one.key, one.last_asked) for one in found]

    def published(self, dataset: str, version: str = "") -> dict[tuple[str, ...], dict[str, str]]:
        folder = self.settings.home.releases / dataset
        latest = sorted(path.name for path in folder.iterdir() if path.is_dir())[-1]
        with (folder / (version or latest) / f"{dataset}.csv").open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        keys = self.declarations.datasets[dataset].table.primary_key
        return {tuple(row[key] for key in keys): row for row in rows}


@pytest.fixture(scope="module")
def months(tmp_path_factory):
    folder = tmp_path_factory.mktemp("months")
    return write_register(folder, rows=120, day=date(2026, 10, 1), seed=3, zipped=True)[0]


def without(rows, *columns):
    return {key: {name: value for name, value in row.items() if name not in columns} for key, row in rows.items()}


def test_the_samples_together_show_what_became_of_companies_since_the_file(tmp_path):
    house = House(tmp_path)
    shipped = samples()
    first = house.night(DAY, companies_house=shipped[FILE])
    assert first.exit_code == DONE
    before = house.published("tech-city-companies")
    growth = house.published("tech-city-growth")
    assert {row["register_source_code"] for row in before.values()} == {"bulk"}
    assert {row["as_of_date"] for row in before.values()} == {""}

    outcome = house.night(DAY, companies_house=shipped[FILE], companies_house_api=shipped[NAME])
    assert outcome.exit_code == DONE
    after = house.published("tech-city-companies")
    assert before.keys() - after.keys() == {("02773898",)}
    assert after.keys() - before.keys() == {("99000017",)}
    changed = {key: after[key] for key in before.keys() & after.keys() if after[key] != before[key]}
    assert {key: row["company_name"] for key, row in changed.items()} == {
        ("06442494",): "JUNIPER SILVER LABS LTD",
        ("06683849",): "GARNET PIVOT RESEARCH LIMITED",
    }
    assert after["06683849",]["postcode"] == "E8 3RL"
    assert {row["as_of_date"] for row in changed.values()} == {"2026-10-05"}
    assert without({"x": changed["06442494",]}, "company_name", *OWN) == without(
        {"x": before["06442494",]}, "company_name", *OWN
    )
    assert after["08140586",] == before["08140586",]  # asked, and as the file says
    new = after["99000017",]
    assert (new["company_status"], new["sic_code_1"], new["incorporation_date"], new["is_tech"]) == (
        "Active",
        "62012",
        "2026-10-02",
        "true",
    )
    now = house.published("tech-city-growth")
    changed = {key: row for key, row in now.items() if row != growth[key]}
    sector = after["99000017",]["sector_code"]
    # one founded and one dissolved in the same sector
    assert {key: (row["founded_count"], row["dissolved_count"]) for key, row in changed.items()} == {
        ("2026", sector): (str(int(growth["2026", sector]["founded_count"]) + 1), "1")
    } | {
        key: (growth[key]["founded_count"], growth[key]["dissolved_count"]) for key in changed if key[0] != "2026"
    }


def test_nights_ask_for_who_was_asked_longest_ago_and_the_register_says_what_is_new(tmp_path, months, monkeypatch):
    monkeypatch.setenv("COMPANIES_HOUSE_KEY", KEY)
    house = House(tmp_path)
    house.night(DAY, companies_house=months)
    listed = {
        key[0]: row for key, row in house.published("tech-city-companies").items() if row["is_tech"] == "true"
    }
    numbers = sorted(listed)
    assert len(numbers) >= 6
    server = RegisterServer(KEY)
    for number in numbers[1:]:  # the first is unknown to the API
        row = listed[number]
        server.companies[number] = company(number, row["company_name"], row["postcode"])
    server.companies[numbers[1]]["company_status"] = "dissolved"
    server.companies["70000001"] = company("70000001", "NEW LTD", "E2 8AA", date_of_creation="2026-10-04")
    most = len(numbers) - 2
    with server.running() as base:
        house = House(tmp_path, base, at_most=most)

        def asked(day):
            del server.asked[:]
            assert house.night(day, companies_house_api=None).exit_code == DONE
            return [path.removeprefix("/company/") for path in server.asked if path.startswith("/company/")]

        days = [DAY + timedelta(days=n) for n in range(1, 4)]
        assert asked(days[0]) == numbers[:most]
        assert asked(days[0]) == numbers[:most]  # the same day again: what it gives takes the place of that
        # the new one first, then who was never asked, then who was asked longest ago; the dissolved one no more
        assert asked(days[1]) == ["70000001", *numbers[most:], numbers[0], *numbers[2:]][:most]
        assert house.wanted(days[2])[0][1] == days[0]
        assert numbers[1] not in dict(house.wanted(days[2]))
        assert (numbers[0] in dict(house.wanted(days[2]))) is True  # unknown is not gone
    published = house.published("tech-city-companies")
    assert ("70000001",) in published
    assert (numbers[1],) not in published
    assert (numbers[0],) in published
    assert holders(house.settings.home, KEY) == set()


def test_without_a_key_the_night_says_so_and_is_well(tmp_path, months, monkeypatch):
    monkeypatch.delenv("COMPANIES_HOUSE_KEY", raising=False)
    house = House(tmp_path)
    for day in (DAY, DAY + timedelta(days=30)):
        outcome = house.night(day, companies_house=months, companies_house_api=None)
        states = {one.name: one for one in outcome.sources}
        assert outcome.exit_code == DONE
        assert states[NAME].state == "waiting"
        assert states[NAME].message.startswith(
            "Not set up: the environment variable COMPANIES_HOUSE_KEY is not set"
        )
        assert not states[NAME].needs_attention
        assert {one.state for one in outcome.datasets} <= {"released", "unchanged"}


def test_a_key_that_is_gone_or_refused_is_said_to_the_operator(tmp_path, months, monkeypatch):
    server = RegisterServer(KEY, {"70000001": company("70000001", "NEW LTD", date_of_creation="2026-10-04")})
    with server.running() as base:
        monkeypatch.setenv("COMPANIES_HOUSE_KEY", KEY)
        house = House(tmp_path, base)
        assert house.night(DAY, companies_house=months, companies_house_api=None).exit_code == DONE

        monkeypatch.delenv("COMPANIES_HOUSE_KEY")
        outcome = house.night(DAY + timedelta(days=20), companies_house_api=None)
        (source,) = outcome.sources
        assert (outcome.exit_code, source.state, source.due) == (HELD, "unchanged", None)
        assert source.notice.startswith("Not set up: the environment variable COMPANIES_HOUSE_KEY is not set")

        monkeypatch.setenv("COMPANIES_HOUSE_KEY", "another-key-than-theirs")
        outcome = house.night(DAY + timedelta(days=1), companies_house=months, companies_house_api=None)
        source = next(one for one in outcome.sources if one.name == NAME)
        assert (outcome.exit_code, source.state, source.stale_since) == (HELD, "failed", DAY)
        assert "COMPANIES_HOUSE_KEY" in source.message
        assert "another-key" not in source.message
    assert holders(house.settings.home, KEY) == set()
    assert holders(house.settings.home, "another-key-than-theirs") == set()


def test_a_list_of_wanted_records_leaves_the_warehouse_as_it_is(tmp_path, months, monkeypatch):
    monkeypatch.setenv("COMPANIES_HOUSE_KEY", KEY)
    house = House(tmp_path)
    assert house.wanted(DAY) == []  # there is no warehouse yet
    house.night(DAY, companies_house=months)
    warehouse = house.settings.home.warehouse
    before = warehouse.read_bytes()
    assert house.wanted(DAY + timedelta(days=1))
    assert warehouse.read_bytes() == before
    with Direct() as runner:
        assert steps._wanted(house.run(runner, DAY), NAME, "/some/folder", DAY) == ()
    with beside(house.settings.home) as connection, pytest.raises(Exception, match="read-only"):
        connection.execute("CREATE TABLE standing.main.x (y INTEGER)")


def test_a_declaration_says_which_answers_tell_who_was_asked():
    content = declared().model_dump(mode="json", by_alias=True)
    for answers in ("nonesuch", "companies_2"):
        asked = {"asks_for": {"model": "companies_of_interest", "answers": answers, "at_most": 5}}
        with pytest.raises(DeclarationError, match="asks_for.answers is a table of it"):
            parse(SourceDeclaration, content | asked, "test")
