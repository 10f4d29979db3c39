"""District funding and pilots' grants from a night of samples: nothing counts twice, planned is not realised."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import duckdb
import pytest

from dev.sample_funding import PACKAGE
from flows.night import night
from flows.run import Direct, Run, RunRequest
from flows.settings import Settings
from sources import samples
from warehouse.home import Home

DATASETS = ("district-funding", "pilot-grants")


@pytest.fixture(scope="module")
def parquet(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The datasets' files after a night of the samples and one grant more, as SQL."""
    root = tmp_path_factory.mktemp("night")
    package = json.loads(json.dumps(PACKAGE))
    package["grants"].append(
        package["grants"][2]
        | {
            "id": "360G-example-007",
            "amountAwarded": 7400,
            "recipientOrganization": [{"id": "FI-PRO-9000018-5", "name": "Satama Robotiikka Oy"}],
        }
    )
    # a pilot's too, out of money that was given on
    package["grants"].append(
        package["grants"][2]
        | {
            "id": "360G-example-008",
            "amountAwarded": 5000,
            "recipientOrganization": [{"id": "FI-PRO-9000035-3", "name": "Tuulikello Energia Oy"}],
            "relatedActivity": ["360G-example-004"],
        }
    )
    (root / "package.json").write_text(json.dumps(package), encoding="utf-8")
    origins = {name: str(samples()[name]) for name in ("agile_pilots", "structural_funds")}
    origins["threesixty_giving"] = str(root / "package.json")
    with Direct() as runner:
        request = RunRequest(date(2026, 11, 26), origins, DATASETS)
        outcome = night(Run(Settings(Home(root), str(root / "portal")), request, runner))
    folders = {one.name: root / "releases" / one.name / str(one.version) for one in outcome.datasets}
    return {name: f"'{folders[name] / f'{name}.parquet'}'" for name in DATASETS}


@pytest.fixture
def grants(parquet: dict[str, str]) -> str:
    return parquet["pilot-grants"]


def test_a_pilots_grant_that_its_funder_tells_of_too_is_one_row(grants: str) -> None:
    found = duckdb.sql(
        "SELECT grant_id, funder_grant_id, told_by_code, funder_name, grant_eur, award_basis_code,"
        " funding_project_code"
        f" FROM {grants} WHERE recipient_org_id = 'FI-PRO-9000001-1'"
    ).fetchall()
    funder = "Example Innovation Fund (invented)"
    assert found == [
        ("example-1-kuunsilta", "360G-example-003", "both", funder, 8000, "stated", "A79001"),
    ]


def test_euros_per_pilot_and_theme_by_simple_sql(grants: str) -> None:
    found = duckdb.sql(
        f"SELECT theme_code, count(*), sum(grant_eur) FROM {grants}"
        " WHERE (is_counted OR not_counted_reason_code = 'in_other_grant')"
        " AND is_public_money AND funding_project_code = 'A79001' GROUP BY ALL ORDER BY ALL"
    ).fetchall()
    assert found == [
        ("climate", 1, 5000), ("healthcare", 1, 6000), ("mobility", 2, 16500), ("resource_recycling", 1, 10000),
        ("social_health", 1, 8000),
    ]  # fmt: skip


def test_money_that_was_given_on_is_counted_once(grants: str) -> None:
    found = duckdb.sql(
        f"SELECT grant_id, is_counted, not_counted_reason_code FROM {grants} WHERE grant_gbp IN (20000, 5000)"
        " ORDER BY ALL"
    ).fetchall()
    assert found == [("360G-example-004", True, None), ("360G-example-005", False, "in_other_grant")]


def test_a_pilots_grant_out_of_money_that_was_given_on_is_in_that_sum_already(grants: str) -> None:
    found = duckdb.sql(
        f"SELECT told_by_code, is_counted, not_counted_reason_code FROM {grants}"
        " WHERE pilot_id = 'example-1-tuulikello'"
    ).fetchall()
    assert found == [("both", False, "in_other_grant")]


def test_the_release_has_a_package_of_the_grants_that_are_ours(grants: str) -> None:
    path = Path(grants.strip("'")).with_name("pilot-grants.360giving.json")
    ids = [one["id"] for one in json.loads(path.read_text("utf-8"))["grants"]]
    assert ids
    assert all(one.startswith("360G-opendistrict-example-") for one in ids)
    assert "360G-opendistrict-example-1-kuunsilta" not in ids  # its funder publishes it


def test_a_grant_that_turns_out_to_be_a_persons_leaves_what_is_published(grants: str, tmp_path: Path) -> None:
    home = Home(Path(grants.strip("'")).parents[3])
    (told,) = duckdb.sql(f"SELECT count(*) FROM {grants} WHERE grant_id = '360G-example-007'").fetchall()
    assert told == (1,)
    person = {"recipientOrganization": None, "recipientIndividual": [{"id": "360G-example-ind:1", "name": "N N"}]}
    mended = PACKAGE | {"grants": [PACKAGE["grants"][2] | {"id": "360G-example-007"} | person]}
    (tmp_path / "package.json").write_text(json.dumps(mended), encoding="utf-8")
    with Direct() as runner:
        request = RunRequest(
            date(2026, 11, 27), {"threesixty_giving": str(tmp_path / "package.json")}, ("pilot-grants",)
        )
        (outcome,) = night(Run(Settings(home, str(home.root / "portal")), request, runner)).datasets
    newest = home.releases / "pilot-grants" / str(outcome.version) / "pilot-grants.parquet"
    ids = {name for (name,) in duckdb.sql(f"SELECT grant_id FROM '{newest}'").fetchall()}
    assert ids
    assert "360G-example-007" not in ids


def test_another_sum_to_the_same_company_may_be_the_pilots(grants: str) -> None:
    found = duckdb.sql(
        f"SELECT grant_id, told_by_code, is_counted, not_counted_reason_code FROM {grants}"
        " WHERE recipient_org_id = 'FI-PRO-9000018-5' ORDER BY ALL"
    ).fetchall()
    assert found == [
        ("360G-example-007", "funder", False, "may_be_pilots"),
        ("example-1-satama-robotiikka", "coordinator", True, None),
    ]


def test_district_funding_keeps_planned_and_realised_euros_and_pounds_apart(parquet: dict[str, str]) -> None:
    funding = parquet["district-funding"]
    found = duckdb.sql(
        "SELECT basis_code, district_id, planned_public_eur, planned_other_public_eur, realised_public_eur,"
        " total_cost_gbp"
        f" FROM {funding} WHERE project_name LIKE '%(invented)' ORDER BY ALL"
    ).fetchall()
    assert [tuple(str(value) for value in row) for row in found] == [
        ("district_postcode", "tech-city", "None", "None", "None", "300000.0"),
        ("district_postcode", "tech-city", "None", "None", "None", "480000.0"),
        ("listed_project", "None", "200000.0", "60000.0", "130357.86", "None"),
        ("region", "None", "None", "None", "None", "125001.0"),
    ]
    both = duckdb.sql(
        f"SELECT count(*) FROM {funding} WHERE planned_public_eur IS NOT NULL AND total_cost_gbp IS NOT NULL"
    ).fetchone()
    assert both == (0,)
