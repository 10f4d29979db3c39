"""The house's promise to contributors: a column more is one declaration, one model line, one catalogue line."""

import csv
import shutil
from datetime import date
from pathlib import Path

import pytest

from flows.declarations import Declarations
from flows.night import night
from flows.run import Direct, Run, RunRequest
from flows.settings import Settings
from tests import workbook_factory as factory
from warehouse.home import Home

ROOT = Path(__file__).resolve().parents[2]


def change(path, before, after):
    text = path.read_text()
    assert text.count(before) == 1, (path, before)
    path.write_text(text.replace(before, after))


@pytest.fixture
def grown(tmp_path):
    """The declarations with a column `host_unit` more in agile-pilots: what changed are these three files."""
    root = tmp_path / "declared"
    for folder in ("sources", "warehouse/models", "publish/catalogue", "checks/rules"):
        shutil.copytree(ROOT / folder, root / folder, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    change(
        root / "sources/agile_pilots/source.yaml",
        "      - name: description\n",
        "      - {name: host_unit, title: Hosting unit, presence: optional, privacy: public}\n"
        "      - name: description\n",
    )
    change(
        root / "warehouse/models/agile_pilots.sql",
        "    pilots.description,\n",
        "    pilots.host_unit,\n    pilots.description,\n",
    )
    change(
        root / "publish/catalogue/agile_pilots.yaml",
        "  - from: agile_pilots.pilots.description\n",
        "  - from: agile_pilots.pilots.host_unit\n  - from: agile_pilots.pilots.description\n",
    )
    return Declarations.read(root)


def test_a_new_column_reaches_the_portal_and_old_workbooks_still_pass(tmp_path, grown):
    settings = Settings(Home(tmp_path / "home"), str(tmp_path / "home" / "portal"))

    def run(workbook, day, declared):
        with Direct() as runner:
            request = RunRequest(day, {"agile_pilots": str(workbook)}, ("agile-pilots",))
            return night(Run(settings, request, runner, declarations=declared))

    old = factory.good_workbook(tmp_path / "old.xlsx")
    assert run(old, date(2026, 11, 1), Declarations.read()).exit_code == 0
    assert run(old, date(2026, 11, 2), grown).exit_code == 0
    rows = [{**factory.pilot(n), "Hosting unit": "Culture and leisure"} for n in range(1, 13)]
    new = factory.save(
        tmp_path / "new.xlsx", {"Pilots": factory.table(rows), "Rounds": factory.table([factory.ROUND])}
    )
    assert run(new, date(2026, 11, 3), grown).exit_code == 0
    with (tmp_path / "home/portal/datasets/agile-pilots/agile-pilots.csv").open(newline="") as file:
        assert {row["host_unit"] for row in csv.DictReader(file)} == {"Culture and leisure"}
