"""The Finnish register as it answered: a page of Tampere of October 2024, and the ids of all its companies."""

from __future__ import annotations

import csv
import json
from datetime import date
from pathlib import Path

import duckdb
import pytest

from dev.synthetic_prh import business_id
from flows import steps
from flows.declarations import Declarations
from flows.run import Direct, Run, RunRequest
from flows.settings import Settings
from sources import PullRequest, declarations
from sources.loading import stage
from sources.prh_ytj import pull, read
from tests.sources.prh_server import PrhServer
from warehouse.home import Home
from warehouse.identifiers import business_id_holds

REAL = Path(__file__).parents[3] / "shared" / "data" / "prh_ytj"
PAGE = REAL / "companies_tampere_page1_2024-10-09.json"
DAY = date(2026, 10, 1)
pytestmark = pytest.mark.skipif(not REAL.is_dir(), reason="the real files are not here")


def test_every_company_of_the_page_is_taken_and_it_is_said_that_it_is_a_part(tmp_path: Path) -> None:
    with Direct() as runner:
        declared = Declarations.read()
        run = Run(Settings(Home(tmp_path), portal=""), RunRequest(DAY, {}), runner, declarations=declared)
        snapshot = steps.pull(run, "prh_ytj", str(PAGE), DAY)
        staged = steps.stage(run, snapshot)
        judged = steps.check(run, snapshot, staged, {})
    assert snapshot.date == date(2024, 10, 9)
    assert staged.rows == judged.accepted == {"companies": 100, "names": 203}
    with duckdb.connect(str(staged.path), read_only=True) as connection:
        assert connection.execute("SELECT count(*) FROM main.quarantine").fetchone() == (0,)
        rules = connection.execute("SELECT rule, count(*) FROM main.findings GROUP BY rule").fetchall()
        assert rules == [("not-whole", 2)]  # 100 of 19,589
        counted = connection.execute(
            "SELECT count(*) FILTER (NOT is_active), count(ceased_date), count(situation_code),"
            " count(*) FILTER (company_form_code IN ('2', '10')), count(*) FILTER (is_employer),"
            " count(*) FILTER (is_postal_address), count(*) FILTER (industry_scheme_code = 'TOIMI3'),"
            " count(DISTINCT municipality_code), count(last_modified_time) FROM staged.companies"
        ).fetchone()
        by_name = connection.execute("SELECT business_id, company_name FROM staged.companies").fetchall()
    companies = json.loads(PAGE.read_text())["companies"]
    assert counted == (4, 2, 2, 51, 20, *counted[5:6], 100, counted[7], 100)  # type: ignore[index]
    current = {
        one["businessId"]["value"]: [n["name"] for n in one["names"] if n["type"] == "1" and not n.get("endDate")]
        for one in companies
    }
    assert {key: [name] for key, name in by_name if current[key]} == {k: v for k, v in current.items() if v}
    assert [key for key, names in current.items() if not names] == ["0112814-5"]  # it has ended names only


def test_the_page_from_a_server_is_the_page_from_a_file(tmp_path: Path) -> None:
    declaration = declarations()["prh_ytj"]
    companies = json.loads(PAGE.read_text())["companies"]
    for one in companies:
        for address in one["addresses"]:
            address["postCode"] = "00540"
    with PrhServer(companies).running() as base:
        snapshot = pull(PullRequest(Home(tmp_path), declaration, base, DAY))
    staged = stage(declaration, snapshot, Home(tmp_path), read)
    assert staged.rows == {"companies": 100, "names": 203}
    with duckdb.connect(str(staged.path), read_only=True) as connection:
        assert connection.execute("FROM main.incomplete").fetchall() == []


def test_all_ids_have_the_right_check_digit() -> None:
    with (REAL / "companies_tampere_2024-10.csv").open(newline="", encoding="utf-8") as file:
        ids = [row["businessId"] for row in csv.DictReader(file)]
    assert len(ids) == 19_670
    with duckdb.connect() as connection:
        held = connection.execute(
            f"SELECT count(*), count(*) FILTER ({business_id_holds('id')}) FROM (SELECT unnest(?) AS id)", [ids]
        ).fetchone()
    assert held == (19_670, 19_670)
    assert all(business_id(int(one[:7])) == one for one in ids if not one.startswith("0"))
