"""A night that publishes to the real CKAN, and the same night again."""

import csv
import hashlib
import io
from datetime import date

import ckanapi
import pytest
import requests

from dev.synthetic_register import write_register
from flows import publishing
from flows.outcomes import DONE, FAILED
from flows.settings import Secret, Settings
from publish.desired import resource_id
from tests import workbook_factory as factory
from tests.flows import nights
from warehouse.home import Home

DATASETS = nights.FEW


def purge(ckan):
    admin = ckanapi.RemoteCKAN(ckan.url, apikey=ckan.token)
    for name in DATASETS:
        try:
            admin.action.dataset_purge(id=name)
        except ckanapi.NotFound:
            continue


def activities(ckan):
    admin = ckanapi.RemoteCKAN(ckan.url, apikey=ckan.token)
    return {name: [one["id"] for one in admin.action.package_activity_list(id=name)] for name in DATASETS}


@pytest.fixture
def run(ckan_alone, tmp_path):
    """A night into the CKAN; the arguments are the sources."""
    purge(ckan_alone)
    settings = Settings(Home(tmp_path / "home"), ckan_alone.url, Secret(ckan_alone.token))

    def of_day(day, **sources):
        return nights.run(settings, day, sources, DATASETS)

    yield of_day
    purge(ckan_alone)


def test_a_night_is_public_the_same_again_writes_nothing_and_a_change_is_switched(run, ckan_alone, tmp_path):
    anonymous = ckanapi.RemoteCKAN(ckan_alone.url)
    (january,) = write_register(tmp_path, rows=1500, day=date(2026, 1, 1), seed=9, zipped=True)
    (february,) = write_register(tmp_path, rows=1500, day=date(2026, 2, 1), seed=9, zipped=True)
    workbook = factory.good_workbook(tmp_path / "pilots.xlsx")

    first = run(date(2026, 2, 2), companies_house=january, agile_pilots=workbook)
    assert first.exit_code == DONE, first.portal.problems
    shown = {}
    for name in DATASETS:
        shown[name] = anonymous.action.package_show(id=name)
        for resource in shown[name]["resources"]:
            content = requests.get(resource["url"], timeout=60).content
            assert resource["hash"].removeprefix("sha256:") == hashlib.sha256(content).hexdigest()
    own_id = resource_id("tech-city-companies", "csv")
    (companies,) = [r for r in shown["tech-city-companies"]["resources"] if r["id"] == own_id]
    table = anonymous.action.datastore_search(resource_id=own_id, limit=0)
    rows = list(csv.DictReader(io.StringIO(requests.get(companies["url"], timeout=60).text)))
    assert table["total"] == len(rows) > 100
    types = {field["id"]: field["type"] for field in table["fields"]}
    assert (types["company_number"], types["incorporation_date"], types["is_tech"]) == ("text", "date", "bool")

    before = activities(ckan_alone)
    again = run(date(2026, 2, 2), companies_house=january, agile_pilots=workbook)
    assert (again.exit_code, again.run_id, again.portal.writes) == (DONE, None, 0)
    assert activities(ckan_alone) == before

    changed = run(date(2026, 3, 2), companies_house=february, agile_pilots=workbook)
    assert changed.exit_code == DONE, (changed.portal.problems, changed.datasets, changed.sources)
    after = activities(ckan_alone)
    assert after["agile-pilots"] == before["agile-pilots"]
    assert after["tech-city-companies"] != before["tech-city-companies"]
    now = anonymous.action.package_show(id="tech-city-companies")
    new = {r["id"] for r in now["resources"]} - {r["id"] for r in shown["tech-city-companies"]["resources"]}
    assert new == {resource_id("tech-city-companies", "versions/2026-02-01")}
    assert len(now["resources"]) == len(shown["tech-city-companies"]["resources"]) + 1
    assert now["version"] == "2026-02-01"


def test_a_portal_that_is_away_fails_the_night_and_the_next_one_completes_it(
    run, ckan_alone, tmp_path, monkeypatch
):
    monkeypatch.setattr(publishing, "RETRY_DELAYS", (0.1, 0.1))
    workbook = factory.good_workbook(tmp_path / "pilots.xlsx")
    ckan_alone.stop_web()
    failed = run(date(2026, 2, 2), agile_pilots=workbook)
    assert failed.exit_code == FAILED
    assert failed.run_id is not None
    assert "agile-pilots" in failed.portal.problems
    ckan_alone.start_web()
    completed = run(date(2026, 2, 2), agile_pilots=workbook)
    assert completed.exit_code == DONE
    assert completed.run_id not in (None, failed.run_id)  # what mends a failed run is noted
    assert completed.portal.writes > 0
    assert ckanapi.RemoteCKAN(ckan_alone.url).action.package_show(id="agile-pilots")["private"] is False


def test_a_portal_that_comes_back_within_the_night_is_published_to_in_the_same_night(
    run, ckan_alone, tmp_path, monkeypatch
):
    monkeypatch.setattr(publishing, "sleep", lambda seconds: ckan_alone.start_web())
    workbook = factory.good_workbook(tmp_path / "pilots.xlsx")
    ckan_alone.stop_web()
    outcome = run(date(2026, 2, 2), agile_pilots=workbook)
    assert (outcome.exit_code, outcome.portal.problems) == (DONE, {})
    assert ckanapi.RemoteCKAN(ckan_alone.url).action.package_show(id="agile-pilots")["private"] is False
