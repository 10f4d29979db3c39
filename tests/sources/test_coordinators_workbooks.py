"""What is special of each coordinator's workbook: plans and facts apart, contradictions kept, units, dates."""

from __future__ import annotations

import csv
import os
from collections import Counter
from datetime import date
from pathlib import Path

import pytest

from dev import sample_workbooks
from flows import steps
from flows.declarations import Declarations
from flows.night import night
from flows.run import Direct, Run, RunRequest
from flows.settings import Settings
from sources import package
from tests.workbook_factory import ROOT, good_workbook, save, snapshot, table
from warehouse.home import Home
from warehouse.store import reader

FACTS = Path(os.environ.get("OPENDISTRICT_SHARED_DATA", ROOT.parent / "shared" / "data")) / "facts"
WORKBOOKS = sorted(path.stem for path in sample_workbooks.TABLES.glob("*.yaml"))
DECLARED = Declarations.read()
DAY = date(2026, 11, 26)

SAID = {
    "Confidence": "high",
    "Source": "https://example.org/page",
    "Statement year": 2018,
    "Target year": None,
}
STATEMENT = {"Statement ID": "k-1", "District": "Kalasatama", "Metric": "residents", "Kind": "planned"} | SAID
MEMBER = {"Programme": "Future Fifty", "Cohort": "2019", "Status": "member", "Confidence": "high", "Source": None}
COHORT = {"Programme": "Future Fifty", "Cohort": "2019", "Year": 2019, "New": 24, "Already there": 26} | {
    "Confidence": "high",
    "Source": None,
}


def sample(name):
    return ROOT / "sources" / name / "sample" / f"{name}.xlsx"


def read_sample(name):
    """The tables of a sample as rows."""
    declaration, path = DECLARED.sources[name], sample(name)
    reading = package(declaration).read(snapshot(path), declaration, path.parent)
    return {table: rows.to_pylist() for table, rows in reading.tables.items()}


def judged(source, workbook, tmp_path):
    """What is found on a workbook, as (key of the row, rule), and how many rows of each table go on."""
    with Direct() as runner:
        run = Run(Settings(Home(tmp_path / "home"), portal=""), RunRequest(DAY, {}), runner, declarations=DECLARED)
        pulled = steps.pull(run, source, str(workbook), DAY)
        staged = steps.stage(run, pulled)
        verdict = steps.check(run, pulled, staged, {})
        found = steps.staged_findings(run.settings, staged)
    return Counter((one.row_key, one.rule) for one in found if one.row_number), verdict.accepted


def statements(*changes):
    """Statements of Kalasatama, good but for the changes of each."""
    return table(
        {**STATEMENT, "Statement ID": f"k-{number}", "Value": 17000, "Unit": "people", **change}
        for number, change in enumerate(changes, start=1)
    )


# --- the samples ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", WORKBOOKS)
def test_a_sample_is_what_its_table_says(name, tmp_path):
    sample_workbooks.write(sample_workbooks.TABLES / f"{name}.yaml", tmp_path / "again.xlsx")
    assert (tmp_path / "again.xlsx").read_bytes() == sample(name).read_bytes()


@pytest.mark.parametrize("name", WORKBOOKS)
def test_a_sample_names_the_page_of_every_fact_or_says_why_there_is_none(name):
    for rows in read_sample(name).values():
        for row in rows:
            if "source_url" not in row:  # counts of people: no page tells of any
                assert row["meeting_id"].startswith("example-")
                continue
            words = " ".join(str(value) for value in row.values()).casefold()
            assert row["source_url"] or "invented" in words or "without an address" in words or "korean" in words
            assert not (row["source_url"] and "invented" in words)


def values(rows):
    return Counter((row["source_url"], float(row["value"])) for row in rows)


@pytest.mark.skipif(not FACTS.exists(), reason="the collected facts are not here")
@pytest.mark.parametrize(
    ("facts", "source", "name"),
    [
        ("kalasatama_indicators", "kalasatama", "statements"),
        ("here_east_indicators", "here_east", "indicators"),
        ("plexal", "plexal", "indicators"),
        ("tech_city", "tech_nation", "indicators"),
        ("future_fifty_indicators", "tech_nation", "indicators"),
    ],
)
def test_every_number_that_was_collected_is_in_the_sample(facts, source, name):
    ours = values(read_sample(source)[name])
    factor = {"million GBP": 1e6, "billion USD": 1e9}
    with (FACTS / f"{facts}.csv").open(encoding="utf-8", newline="") as file:
        theirs = Counter()
        for row in csv.DictReader(file):
            page = row["source_url"] if row["source_url"].startswith("http") else None
            if "wikipedia" in row["source_url"]:
                page = row["source_url"].split(" (")[0]
            if row["value"].replace(".", "").isdigit():  # not a launch, not a list of partners
                theirs[page, round(float(row["value"]) * factor.get(row["unit"], 1), 2)] += 1
    assert theirs - ours == Counter()


@pytest.mark.skipif(not FACTS.exists(), reason="the collected facts are not here")
def test_every_company_and_tenant_that_was_collected_is_in_the_sample():
    with (FACTS / "future_fifty.csv").open(encoding="utf-8", newline="") as file:
        facts = Counter((row["company"], row["programme"], row["source_url"]) for row in csv.DictReader(file))
    ours = read_sample("future_fifty")["memberships"]
    assert facts - Counter((row["company_name"], row["programme"], row["source_url"]) for row in ours) == Counter()
    with (FACTS / "here_east_tenants.csv").open(encoding="utf-8", newline="") as file:
        pages = Counter(row["source_url"] for row in csv.DictReader(file) if row["source_url"][:4] == "http")
    tenants = read_sample("here_east")["tenants"]
    assert pages - Counter(row["source_url"] for row in tenants) == Counter()


# --- what is wrong, and what is only contradictory -------------------------------------------------------


def test_statements_that_contradict_one_another_are_all_kept_and_plans_are_no_facts(tmp_path):
    plans = [{"Value": f"n. {number}"} for number in (17000, 18000, 20000, 25000)]
    wrong = [
        {"Kind": "rule"},
        {"Kind": "actual", "Target year": 2030},
        {"Kind": "planned", "Target year": 2030},
        {"Kind": "actual", "Target year": "late 2030s"},
    ]
    book = save(tmp_path / "book.xlsx", {"Statements": statements(*plans, *wrong)})
    found, accepted = judged("kalasatama", book, tmp_path)
    assert found["k-5", "planned-or-actual"] == found["k-6", "actual-has-no-target"] == 1
    assert found["k-8", "type"] == 1  # the year is lost, the statement stays
    assert accepted["statements"] == 6


def test_land_is_no_floor_and_a_share_is_no_number_of_people(tmp_path):
    changes = [
        {"Metric": "land_area", "Unit": "ha", "Value": "175,5"},
        {"Metric": "land_area", "Unit": "k-m2"},
        {"Metric": "housing_floor_area", "Unit": "k-m²", "Value": "1 000 000"},
        {"Metric": "housing_floor_area", "Unit": "ha", "Value": 120},
        {"Metric": "housing_area", "Unit": "ha", "Value": 120},
        {"Metric": "residents_participating_share", "Unit": "%", "Value": 33},
        {"Metric": "residents_participating_share", "Unit": "%", "Value": 133},
        {"Metric": "residents", "Unit": "%", "Value": 33},
        {"Metric": "city_investment", "Unit": "£", "Value": 700000000},
        {"Statement year": None},
        {"Value": 25000, "Target year": 2000},
        {"Value": 21000},
        {"Value": 21000},
    ]
    found, accepted = judged(
        "kalasatama", save(tmp_path / "b.xlsx", {"Statements": statements(*changes)}), tmp_path
    )
    assert {key for key, rule in found if rule == "unit-of-the-metric"} == {"k-2", "k-4", "k-8", "k-9"}
    assert found["k-7", "share-of-a-hundred"] == found["k-5", "hectares-of-land"] == 1
    assert found["k-10", "dated"] == found["k-11", "target-not-before-statement"] == 1
    assert {key for key, rule in found if rule == "stated-once"} == {"k-12", "k-13"}
    assert accepted["statements"] == len(changes) - 5


def test_a_company_is_in_a_cohort_once_and_graduates_after_it_joined(tmp_path):
    members = [
        {"Company": "Early", "Joined": "2019-03-01", "Graduated": "2018-03-01"},
        {"Company": "Twice"},
        {"Company": "Twice"},
        {"Company": "One", "Company number": "02773898"},
        {"Company": "One Ltd", "Company number": 2773898},
        {"Company": "Short", "Company number": "1234"},
        {"Company": "Strange", "Cohort": "2018"},
        {"Company": "Good", "Joined": "3/2019", "Graduated": "3/2021", "Status": "graduated"},
        {"Company": "Still here", "Graduated": "2021-03-01"},
    ]
    cohorts = [
        COHORT,
        {**COHORT, "Cohort": "2020", "New": 20},
        {**COHORT, "Cohort": "2021", "Already there": None},
    ]
    sheets = {"Memberships": table({**MEMBER, **one} for one in members), "Cohorts": table(cohorts)}
    found, accepted = judged("future_fifty", save(tmp_path / "book.xlsx", sheets), tmp_path)
    assert found["Future Fifty | 2019 | Early", "graduates-after-joining"] == 1
    assert found["Future Fifty | 2019 | Still here", "a-member-has-not-graduated"] == 1
    assert found["Future Fifty | 2020", "fifty-a-year"] == 1
    assert found["Future Fifty | 2019 | Short", "check-digit"] == 1
    assert {key for key, rule in found if rule == "one-company-once"} == {
        "Future Fifty | 2019 | One", "Future Fifty | 2019 | One Ltd",
    }  # fmt: skip
    assert sum(times for (_, rule), times in found.items() if rule == "unique") == 2
    assert accepted == {"memberships": 5, "cohorts": 3}


def test_an_area_needs_a_unit_and_money_a_currency(tmp_path):
    tenants = [
        {"Floor space": 4500, "Unit": "sq ft"},
        {"Floor space": 4500, "Unit": None},
        {"Floor space": None, "Unit": None},
    ]
    tenant = {"Activity": "arts", "Status": "tenant", "As of": 2020, "Confidence": "high", "Source": None}
    figures = [
        {"Metric": "floor_area", "Unit": "sq ft", "Value": "1,200,000"},
        {"Metric": "floor_area", "Unit": "ha", "Value": 12},
        {"Metric": "retrofit_investment", "Unit": "€", "Value": 100000000},
    ]
    figure = {"Kind": "actual", **SAID}
    sheets = {
        "Tenants": table({"Organisation": f"T{n}", **tenant, **one} for n, one in enumerate(tenants)),
        "Indicators": table({"ID": f"he-{n}", **figure, **one} for n, one in enumerate(figures)),
    }
    found, accepted = judged("here_east", save(tmp_path / "book.xlsx", sheets), tmp_path)
    assert found["T1", "area-has-a-unit"] == 1
    assert {key for key, rule in found if rule == "unit-of-the-metric"} == {"he-1", "he-2"}
    assert accepted == {"tenants": 2, "indicators": 1}


# --- what only the datasets know -------------------------------------------------------------------------


def released(home, name):
    """The rows of a dataset on the portal, by their first column."""
    with (home / "portal" / "datasets" / name / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return {next(iter(row.values())): row for row in csv.DictReader(file)}


def test_a_follow_up_knows_its_pilot_and_areas_are_in_square_metres(tmp_path):
    asked = {"Confidence": "high", "Source": None, "Outcome": "bought", "Contract (EUR)": "12 000,00 €"}
    followups = [
        {"ID": "f-1", "Pilot ID": "demo-1", "Asked on": "30.9.2017"},
        {"ID": "f-2", "Pilot ID": "demo-1", "Asked on": "2016-05-01"},
        {"ID": "f-3", "Pilot ID": "demo-1", "Asked on": "2016"},
        {"ID": "f-4", "Pilot ID": "nobodys", "Asked on": "9/2017"},
        {"ID": "f-5", "Pilot ID": "demo-2", "Asked on": "2018-09-01", "Outcome": "ended"},
    ]
    origins = {
        "agile_pilots": good_workbook(tmp_path / "pilots.xlsx", pilots=2),
        "here_east": sample("here_east"),
        "pilot_followups": save(
            tmp_path / "followups.xlsx", {"Follow-ups": table({**asked, **one} for one in followups)}
        ),
    }
    home = tmp_path / "home"
    with Direct() as runner:
        settings = Settings(Home(home), str(home / "portal"))
        datasets = ("pilot-followups", "here-east-tenants", "here-east-indicators")
        request = RunRequest(DAY, {name: str(path) for name, path in origins.items()}, datasets)
        night(Run(settings, request, runner, declarations=DECLARED))
    rows = released(home, "pilot-followups")
    assert {name: row["months_since_end_count"] for name, row in rows.items()} == {
        "f-1": "13", "f-2": "-3", "f-3": "-7", "f-4": "",
    }  # fmt: skip
    assert (rows["f-1"]["pilot_name"], rows["f-1"]["theme_code"]) == ("Demo", "mobility")
    assert (rows["f-4"]["pilot_name"], rows["f-4"]["date_precision_code"]) == ("", "month")
    with reader(Home(home)) as connection:
        found = connection.execute("SELECT row_key, rule FROM ledger.findings WHERE subject = 'pilot-followups'")
        assert sorted(found.fetchall()) == [("f-2", "after-the-pilot"), ("f-4", "pilot-is-known")]
    tenants = released(home, "here-east-tenants")
    assert tenants["Plexal"]["floor_area_m2"] == "6317.4"
    assert tenants["Garnet Pivot Research"]["floor_area_m2"] == tenants["Garnet Pivot Research"]["floor_area"][:5]
    kinds = {row["kind_code"] for row in released(home, "here-east-indicators").values()}
    assert kinds == {"planned", "actual"}
