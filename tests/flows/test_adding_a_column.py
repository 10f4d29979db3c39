"""The house's promise to contributors: a column more is one declaration, one model line, one catalogue line."""

import csv
import shutil
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

import sources
from flows.night import Direct, NightRequest, night
from flows.settings import Settings
from flows.steps import Plan
from publish.catalogue import load_catalogue
from tests import workbook_factory as factory
from warehouse.curate import load_model
from warehouse.declarations import load_source
from warehouse.home import Home

ROOT = Path(__file__).resolve().parents[2]


def change(path, before, after):
    text = path.read_text()
    assert text.count(before) == 1, (path, before)
    path.write_text(text.replace(before, after))


@pytest.fixture
def grown(tmp_path):
    """The declarations with a column `host_unit` more in agile-pilots: what changed are these three files."""
    declaration = Path(shutil.copy(ROOT / "sources/agile_pilots/source.yaml", tmp_path))
    change(
        declaration,
        "      - name: description\n",
        "      - {name: host_unit, title: Hosting unit, presence: optional, privacy: public}\n"
        "      - name: description\n",
    )
    models = Path(shutil.copytree(ROOT / "warehouse/models", tmp_path / "models"))
    change(
        models / "agile_pilots.sql",
        "    pilots.description,\n",
        "    pilots.host_unit,\n    pilots.description,\n",
    )
    catalogue = Path(shutil.copytree(ROOT / "publish/catalogue", tmp_path / "catalogue"))
    change(
        catalogue / "agile_pilots.yaml",
        "  - from: agile_pilots.pilots.description\n",
        "  - from: agile_pilots.pilots.host_unit\n  - from: agile_pilots.pilots.description\n",
    )
    plan = Plan.read()
    declared = {**sources.declarations(), "agile_pilots": load_source(declaration)}
    return replace(
        plan,
        sources=declared,
        datasets=load_catalogue(catalogue, declared),
        models={**plan.models, "agile-pilots": load_model("agile_pilots", models)},
    )


def test_a_new_column_reaches_the_portal_and_old_workbooks_still_pass(tmp_path, grown):
    settings = Settings(Home(tmp_path / "home"), str(tmp_path / "home" / "portal"))

    def run(workbook, day, plan):
        with Direct() as runner:
            return night(settings, NightRequest(day, {"agile_pilots": str(workbook)}), runner, plan=plan)

    old = factory.good_workbook(tmp_path / "old.xlsx")
    assert run(old, date(2026, 11, 1), Plan.read()).exit_code == 0
    assert run(old, date(2026, 11, 2), grown).exit_code == 0
    rows = [{**factory.pilot(n), "Hosting unit": "Culture and leisure"} for n in range(1, 13)]
    new = factory.save(
        tmp_path / "new.xlsx", {"Pilots": factory.table(rows), "Rounds": factory.table([factory.ROUND])}
    )
    assert run(new, date(2026, 11, 3), grown).exit_code == 0
    with (tmp_path / "home/portal/datasets/agile-pilots/agile-pilots.csv").open(newline="") as file:
        assert {row["host_unit"] for row in csv.DictReader(file)} == {"Culture and leisure"}
