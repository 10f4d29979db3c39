"""The worked example of the page on protection, and the same with a hierarchy and two datasets: from
a workbook of people to tables that everybody can check, and proofs that add up by the page's own query.
"""

from __future__ import annotations

import csv
import json
import re
import textwrap
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from itertools import combinations
from pathlib import Path

import duckdb
import pytest
from openpyxl import load_workbook

from flows.declarations import Declarations
from flows.exit_codes import DONE
from flows.night import night
from flows.run import Direct, Run, RunRequest
from flows.settings import Settings
from publish.disclosure.verifying import verify
from tests.workbook_factory import save
from warehouse.home import Home

PAGE = Path(__file__).resolve().parents[2] / "docs" / "DISCLOSURE.md"
CORE, ENTRY, MODEL, *BY_ADDITION = (
    textwrap.dedent(text) for text in re.findall(r"```(?:sql|yaml)\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
)
SOURCE = """
name: bikes
title: Cargo bikes
publisher: pilot-coordinators
licence: CC-BY-4.0
attribution: The lender of the bikes
cadence: irregular
kind: workbook
tables:
  - name: testers
    title: Testers
    each_row_is_a: tester
    about_people: true
    primaryKey: [tester_id]
    fields:
      - {name: tester_id, title: Tester, privacy: internal, constraints: {required: true}}
      - {name: round_id, title: Round, privacy: public, constraints: {required: true}}
      - {name: city_code, title: City, privacy: public, constraints: {required: true}}
      - {name: district_code, title: District, privacy: public}
      - {name: frame_code, title: Frame, privacy: public, constraints: {enum: [long, short]}}
      - {name: kilometres, title: Kilometres, type: number, unit: km, privacy: public, constraints: {minimum: 0}}
"""
HEAD = """
title: Tests of cargo bikes
description: How far testers rode.
each_row_is_a: group of testers of one round
publisher: opendistrict
licence: CC-BY-4.0
attribution: The lender of the bikes
keywords: [bikes]
theme: TRAN
frequency: IRREG
usage_warnings: ["Testers chose to be."]
"""
# Districts within cities in one dataset, cities by frame in another: the same people, so one system.
LEVELS_CORE = """
SELECT t.round_id, t.city_code, t.district_code, t.frame_code, t.kilometres FROM bikes.testers AS t
"""
DIMENSIONS = {
    "bike-tests": [["city_code", "district_code"]],
    "bike-cities": [["city_code"], ["frame_code"]],
}
DAY = date(2026, 3, 2)
Cell = tuple[str, ...]
Districts = Mapping[str, Mapping[str, int]]
TESTERS: Districts = {
    "Helsinki": {"kalasatama": 31, "kallio": 3, "pasila": 24, "malmi": 16},
    "Espoo": {"otaniemi": 22, "tapiola": 7},
    "Vantaa": {"tikkurila": 14},
}


def people(districts: Districts) -> list[list[object]]:
    """A row a tester; every fourth had a short frame."""
    places = [(city, name) for city, inside in districts.items() for name, n in inside.items() for _ in range(n)]
    return [
        [f"t-{n}", "spring", *place, "short" if n % 4 == 0 else "long", 20 + n % 7]
        for n, place in enumerate(places)
    ]


class Project:
    """Declarations of one's own, and their nights."""

    def __init__(self, folder: Path, files: Mapping[str, str]) -> None:
        self.folder, self.home = folder, Home(folder / "home")
        for name, text in {"sources/bikes/source.yaml": SOURCE, **files}.items():
            path = folder / "project" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")

    def night(self, number: int, rows: Iterable[list[object]]) -> dict[str, str]:
        """The datasets' states after a night in which the workbook has these rows."""
        head = ["Tester", "Round", "City", "District", "Frame", "Kilometres"]
        book = save(self.folder / f"{number}.xlsx", {"Testers": [head, *rows]})
        with Direct() as runner:
            request = RunRequest(DAY + timedelta(days=number), {"bikes": str(book)})
            settings = Settings(self.home, str(self.home.root / "portal"))
            done = night(Run(settings, request, runner, declarations=Declarations.read(self.folder / "project")))
        assert done.exit_code == DONE
        return {one.name: one.state for one in done.datasets}

    def file(self, dataset: str, ending: str) -> Path:
        """A published file."""
        return self.home.root / "portal" / "datasets" / dataset / f"{dataset}.{ending}"

    def published(self, dataset: str, *columns: str) -> dict[Cell, str]:
        """By the codes of a cell its count as the CSV file has it, empty where it is suppressed."""
        with self.file(dataset, "csv").open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
        assert all((row["testers_count"] == "") == (row["status_code"] == "suppressed") for row in rows)
        return {tuple(row[column] for column in columns): row["testers_count"] for row in rows}

    def is_verified(self) -> bool:
        """Whether who checks the public files finds nothing wrong."""
        return verify(self.home.releases).is_good and verify(self.home.root / "portal").is_good

    def adds_up(self) -> bool:
        """Whether the page's queries find nothing wrong with the proofs, and something with planted ones."""
        gives_what_is_published, shows_every_count = BY_ADDITION
        with duckdb.connect() as connection:
            connection.execute(f"ATTACH '{self.home.warehouse}' AS kept (READ_ONLY)")
            connection.execute("CREATE SCHEMA disclosure")
            for table in ("decisions", "cells", "atoms", "witnesses"):
                connection.execute(f"CREATE TABLE disclosure.{table} AS FROM kept.disclosure.{table}")
            wrong = [connection.execute(query).fetchall() for query in BY_ADDITION]
            connection.execute(
                "UPDATE disclosure.witnesses SET people = [list_transform(people[-1], lambda n: n + 1)]"
            )
            assert connection.execute(gives_what_is_published).fetchall()
            connection.execute("DELETE FROM disclosure.witnesses WHERE bound = 'many'")
            assert connection.execute(shows_every_count).fetchall()
        return wrong == [[], []]


def test_the_example_as_it_stands_there(tmp_path):
    project = Project(
        tmp_path,
        {
            "warehouse/models/core/bike_testers.sql": CORE,
            "warehouse/models/bike_tests.sql": MODEL,
            "publish/catalogue/bike_tests.yaml": f"name: bike-tests{HEAD}{ENTRY}",
        },
    )
    assert project.night(0, people(TESTERS)) == {"bike-tests": "released"}
    rows = project.published("bike-tests", "district_code")
    assert rows["total",] == "117"
    assert rows["kallio",] == rows["tapiola",] == ""
    assert project.is_verified()
    assert project.adds_up()


def entry_of(dataset: str) -> str:
    """The example's entry with other dimensions."""
    columns = [column for dimension in DIMENSIONS[dataset] for column in dimension]
    changes = {
        "dimensions: [[district_code]]": f"dimensions: {json.dumps(DIMENSIONS[dataset])}",
        "primaryKey: [round_id, district_code]": f"primaryKey: [round_id, {', '.join(columns)}]",
        "  - from: bikes.testers.district_code\n": "".join(f"  - from: bikes.testers.{one}\n" for one in columns),
    }
    text = f"name: {dataset}{HEAD}{ENTRY}"
    for old, new in changes.items():
        assert old in text
        text = text.replace(old, new)
    return text


@pytest.fixture(scope="module")
def levels(tmp_path_factory):
    """After their first night."""
    files = {"warehouse/models/core/bike_testers.sql": LEVELS_CORE}
    for name, dimensions in DIMENSIONS.items():
        stem = name.replace("-", "_")
        columns = "".join(f"b.{column}, " for dimension in dimensions for column in dimension)
        files[f"warehouse/models/{stem}.sql"] = MODEL.replace("b.district_code,", columns)
        files[f"publish/catalogue/{stem}.yaml"] = entry_of(name)
    project = Project(tmp_path_factory.mktemp("levels"), files)
    assert project.night(0, people(TESTERS)) == {"bike-tests": "released", "bike-cities": "released"}
    return project


def truth(rows: Iterable[list[object]], *places: int) -> Counter[Cell]:
    """Every combination of codes and totals, counted one by one."""
    return Counter(
        tuple(str(row[place]) if place in kept else "total" for place in places)
        for row in rows
        for size in range(len(places) + 1)
        for kept in combinations(places, size)
    )


def test_districts_within_cities_and_a_second_dataset_of_the_same_people(levels):
    rows = people(TESTERS)
    by_place = levels.published("bike-tests", "city_code", "district_code")
    by_frame = levels.published("bike-cities", "city_code", "frame_code")
    assert len(by_place) == 1 + 3 + 7  # everybody, cities, districts: no district without its city
    assert len(by_frame) == 4 * 3
    for shown, true in ((by_place, truth(rows, 2, 3)), (by_frame, truth(rows, 2, 4))):
        assert {cell: int(n) for cell, n in shown.items() if n} == {c: true[c] for c, n in shown.items() if n}
        assert {cell for cell in shown if 0 < true[cell] < 10} <= {cell for cell, n in shown.items() if not n}
    # Seven of Tapiola follow from Espoo and Otaniemi, three of Kallio from Helsinki and its others.
    assert by_place["Espoo", "otaniemi"] == by_place["Espoo", "tapiola"] == ""
    assert sum(n == "" for (city, _), n in by_place.items() if city == "Helsinki") >= 2
    # Vantaa is Tikkurila: who hides one hides both.
    assert (by_place["Vantaa", "tikkurila"] == "") == (by_place["Vantaa", "total"] == "")
    # A cell that both datasets have is one cell.
    assert all(by_place[city, "total"] == by_frame[city, "total"] for city in (*TESTERS, "total"))
    assert levels.is_verified()
    assert levels.adds_up()

    for ending in ("parquet", "xlsx"):
        assert suppressed_in(levels.file("bike-tests", ending)) == {c for c, n in by_place.items() if not n}
    described = json.loads((levels.file("bike-tests", "csv").parent / "datapackage.json").read_text("utf-8"))
    assert described["disclosure"]["dimensions"] == DIMENSIONS["bike-tests"]
    page = (levels.file("bike-tests", "csv").parent / "index.html").read_text("utf-8")
    assert "n = 117" in page


def suppressed_in(file: Path) -> set[Cell]:
    """The cells that a file marks as suppressed, and shows no number of."""
    if file.suffix == ".parquet":
        status, n = "status_code", None
        found = duckdb.sql(f"SELECT city_code, district_code, {status}, testers_count FROM '{file}'").fetchall()
        rows = [(city, district, code == "suppressed", count is n) for city, district, code, count in found]
    else:
        sheet = load_workbook(file, read_only=True).worksheets[0]
        head, *body = [list(row) for row in sheet.values]
        at = {name: head.index(name) for name in ("city_code", "district_code", "status_code", "testers_count")}
        rows = [
            (row[at["city_code"]], row[at["district_code"]], row[at["status_code"]] == "suppressed",
             row[at["testers_count"]] == "suppressed")
            for row in body
        ]  # fmt: skip
    assert all(is_suppressed == has_none for *_, is_suppressed, has_none in rows)
    return {(str(city), str(district)) for city, district, is_suppressed, _ in rows if is_suppressed}


def test_the_levels_night_after_night(levels):
    """One more in a district changes nothing at any level; many more change all, and what was hidden stays so."""
    first = {name: levels.file(name, "csv").read_text("utf-8") for name in DIMENSIONS}
    one_more = {**TESTERS, "Helsinki": {**TESTERS["Helsinki"], "malmi": 17}}
    assert set(levels.night(1, people(one_more)).values()) == {"unchanged"}
    assert first == {name: levels.file(name, "csv").read_text("utf-8") for name in DIMENSIONS}
    before = {cell for cell, n in levels.published("bike-tests", "city_code", "district_code").items() if not n}
    many = {city: {name: n + 80 for name, n in inside.items()} for city, inside in TESTERS.items()}
    assert set(levels.night(2, people(many)).values()) == {"released"}
    after = levels.published("bike-tests", "city_code", "district_code")
    assert before <= {cell for cell, n in after.items() if not n}
    assert levels.is_verified()
    assert levels.adds_up()
