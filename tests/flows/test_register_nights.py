"""Nights that ask the register's API: whose turn it is, what becomes of the datasets, and where the key is not."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import duckdb
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
DATASET = "tech-city-companies"
NOT_SET_UP = "Not set up: the environment variable COMPANIES_HOUSE_KEY is not set"
POSTCODE_AREAS = {"EC1V", "EC2A", "E1", "E2", "E8", "E15", "E20", "N1"}
SHOWN = (
    "company_number",
    "company_name",
    "company_category",
    "company_status",
    "incorporation_date",
    "country_of_origin",
    "accounts_category",
    "postcode",
    "postcode_area",
    "sic_code_1",
    "sic_code_2",
    "sic_code_3",
    "sic_code_4",
)
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
        # all that shipped samples give, else one dataset: that is quicker
        datasets = (DATASET, "tech-city-growth") if sources.get(FILE) == samples()[FILE] else (DATASET,)
        origins = {name: str(origin) if origin else None for name, origin in sources.items()}
        return Run(self.settings, RunRequest(day, origins, datasets), runner, declarations=self.declarations)

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


def in_the_file(path):
    """What is published of the file's companies without the API, told once more in plain Python."""
    with zipfile.ZipFile(path) as archive:
        lines = io.TextIOWrapper(archive.open(archive.namelist()[0]), encoding="utf-8", newline="")
        rows = [{name.strip(): value.strip() for name, value in row.items()} for row in csv.DictReader(lines)]
    for row in rows:
        area = "".join(row["RegAddress.PostCode"].split()).upper()[:-3]
        if area in POSTCODE_AREAS:
            texts = [row[f"SICCode.SicText_{number}"] for number in range(1, 5)]
            codes = [text[:5] if re.match("[0-9]{5} - ", text) else "" for text in texts]
            incorporated = "-".join(reversed(row["IncorporationDate"].split("/")))
            own = [row[name] for name in ("CompanyNumber", "CompanyName", "CompanyCategory", "CompanyStatus")]
            more = [row["CountryOfOrigin"], row["Accounts.AccountCategory"], row["RegAddress.PostCode"], area]
            yield dict(zip(SHOWN, [*own, incorporated, *more, *codes], strict=True))


def test_the_samples_together_show_what_became_of_companies_since_the_file(tmp_path):
    house, shipped = House(tmp_path), samples()
    outcome = house.night(DAY, companies_house=shipped[FILE], companies_house_api=shipped[NAME])
    assert outcome.exit_code == DONE
    before, after = (house.published("tech-city-companies", version) for version in ("2026-10-01", "2026-10-05"))
    assert {tuple(row[name] for name in OWN) for row in before.values()} == {("bulk", "")}
    # in a CSV file a sign before what a spreadsheet would take for a formula
    told = {key: {name: re.sub("^'(?=[=+@-])", "", row[name]) for name in SHOWN} for key, row in before.items()}
    assert told == {(row["company_number"],): row for row in in_the_file(shipped[FILE])}
    assert before.keys() - after.keys() == {("02773898",)}
    assert after.keys() - before.keys() == {("99000017",)}
    changed = {key: after[key] for key in before.keys() & after.keys() if after[key] != before[key]}
    assert {key: row["company_name"] for key, row in changed.items()} == {
        ("06442494",): "JUNIPER SILVER LABS LTD",
        ("06683849",): "GARNET PIVOT RESEARCH LIMITED",
    }
    assert changed["06683849",]["postcode"] == "E8 3RL"
    assert {tuple(row[name] for name in OWN) for row in changed.values()} == {("api", "2026-10-05")}
    differing = {name for name, value in changed["06442494",].items() if value != before["06442494",][name]}
    assert differing == {"company_name", *OWN}
    new = after["99000017",]
    assert (new["company_status"], new["sic_code_1"], new["incorporation_date"], new["is_tech"]) == (
        "Active",
        "62012",
        "2026-10-02",
        "true",
    )

    then, now = (house.published("tech-city-growth", version) for version in ("2026-10-01", "2026-10-05"))
    (key,) = [key for key, row in now.items() if row["founded_count"] != then[key]["founded_count"]]
    assert key == ("2026", new["sector_code"])
    assert {
        key: row["dissolved_count"] for key, row in now.items() if row["dissolved_count"] not in ("", "0")
    } == {("2026", before["02773898",]["sector_code"]): "1"}


def test_nights_that_ask_the_register(tmp_path, months, monkeypatch):
    """No key, then a right one for three nights, then none again, then a wrong one."""
    monkeypatch.delenv("COMPANIES_HOUSE_KEY", raising=False)
    house = House(tmp_path)
    assert house.wanted(DAY) == []  # there is no warehouse yet
    outcome = house.night(DAY, companies_house=months, companies_house_api=None)
    api = outcome.sources[1]
    assert (outcome.exit_code, api.name, api.state, api.needs_attention) == (DONE, NAME, "waiting", False)
    assert api.message.startswith(NOT_SET_UP)
    assert [one.state for one in outcome.datasets] == ["released"]

    listed = {key[0]: row for key, row in house.published(DATASET).items() if row["is_tech"] == "true"}
    numbers = sorted(listed)
    assert len(numbers) >= 6
    server = RegisterServer(KEY)
    for number in numbers[1:]:  # the first is unknown to the API
        row = listed[number]
        server.companies[number] = company(number, row["company_name"], row["postcode"])
    server.companies[numbers[1]]["company_status"] = "dissolved"
    server.companies["70000001"] = company("70000001", "NEW LTD", "E2 8AA", date_of_creation="2026-10-04")
    most = len(numbers) - 2
    first, second, third, much_later = (DAY + timedelta(days=n) for n in (1, 2, 3, 20))
    with server.running() as base:
        house = House(tmp_path, base, at_most=most)
        monkeypatch.setenv("COMPANIES_HOUSE_KEY", KEY)

        def asked(day):
            del server.asked[:]
            assert house.night(day, companies_house_api=None).exit_code == DONE
            return [path.removeprefix("/company/") for path in server.asked if path.startswith("/company/")]

        assert asked(first) == numbers[:most]
        # the same day again would ask for the same, for what it gives takes the place of that
        assert [key for key, _ in house.wanted(first)] == numbers[:most]
        # the new one first, then who was never asked, then who was asked longest ago; the dissolved one no more
        assert asked(second) == ["70000001", *numbers[most:], numbers[0], *numbers[2:]][:most]
        assert house.wanted(third)[0][1] == first
        assert numbers[1] not in dict(house.wanted(third))
        published = house.published(DATASET)
        # dissolved is gone, unknown is not
        assert [(one,) in published for one in ("70000001", numbers[1], numbers[0])] == [True, False, True]

        monkeypatch.delenv("COMPANIES_HOUSE_KEY")
        (api,) = (outcome := house.night(much_later, companies_house_api=None)).sources
        assert (outcome.exit_code, api.state, api.due) == (HELD, "unchanged", None)
        assert api.notice.startswith(NOT_SET_UP)

        monkeypatch.setenv("COMPANIES_HOUSE_KEY", "another-key-than-theirs")
        outcome = house.night(third, companies_house=months, companies_house_api=None)
        api = outcome.sources[1]
        assert (outcome.exit_code, api.state, api.stale_since) == (HELD, "failed", second)
        assert "refuses the secret in the environment variable COMPANIES_HOUSE_KEY" in api.message
    assert holders(house.settings.home, KEY) == set()
    assert holders(house.settings.home, "another-key-than-theirs") == set()
    assert "warehouse.duckdb" in holders(house.settings.home, base)  # the search finds what is there

    before = house.settings.home.warehouse.read_bytes()
    assert house.wanted(much_later)
    assert house.settings.home.warehouse.read_bytes() == before
    with Direct() as runner:
        assert steps._wanted(house.run(runner, DAY), NAME, "/some/folder", DAY) == ()
    with beside(house.settings.home) as connection, pytest.raises(duckdb.Error, match="read-only"):
        connection.execute("CREATE TABLE standing.main.x (y INTEGER)")


def test_a_declaration_says_which_answers_tell_who_was_asked():
    content = declared().model_dump(mode="json", by_alias=True)
    for answers in ("nonesuch", "companies_2"):
        asked = {"asks_for": {"model": "companies_of_interest", "answers": answers, "at_most": 5}}
        with pytest.raises(DeclarationError, match=r"asks_for\.answers is a table of it"):
            parse(SourceDeclaration, content | asked, "test")
