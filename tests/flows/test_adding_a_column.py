"""The house's promise to contributors: a column more is one declaration, one model line, one catalogue line."""

import csv
import json
import shutil
from datetime import date
from pathlib import Path

import pytest

from flows.declarations import Declarations
from flows.night import night
from flows.outcomes import HELD
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


def test_a_column_less_is_held_until_the_entry_says_that_it_is_meant(tmp_path, grown):
    settings = Settings(Home(tmp_path / "home"), str(tmp_path / "home" / "portal"))
    workbook, portal = (
        factory.good_workbook(tmp_path / "book.xlsx"),
        tmp_path / "home/portal/datasets/agile-pilots",
    )

    def run(day, declared):
        with Direct() as runner:
            request = RunRequest(day, {"agile_pilots": str(workbook)}, ("agile-pilots",))
            return night(Run(settings, request, runner, declarations=declared))

    assert run(date(2026, 11, 1), grown).exit_code == 0
    before = (portal / "agile-pilots.csv").read_bytes()
    outcome = run(date(2026, 11, 2), Declarations.read())
    (held,) = outcome.datasets
    assert (held.state, outcome.exit_code, held.version) == ("held", HELD, "2026-11-01")
    assert "Field removed: host_unit" in held.message
    assert "write `major_version: 2` in publish/catalogue/agile_pilots.yaml" in held.message
    assert "available for 90 days" in held.message
    assert (portal / "agile-pilots.csv").read_bytes() == before
    root = tmp_path / "declared"
    shutil.copytree(ROOT / "sources", root / "sources", dirs_exist_ok=True)
    for path in ("warehouse/models/agile_pilots.sql", "publish/catalogue/agile_pilots.yaml"):
        shutil.copy(ROOT / path, root / path)
    change(root / "publish/catalogue/agile_pilots.yaml", "primaryKey:", "major_version: 2\nprimaryKey:")
    outcome = run(date(2026, 11, 3), Declarations.read(root))
    assert (outcome.datasets[0].state, outcome.exit_code) == ("released", 0)
    described = json.loads((portal / "datapackage.json").read_text())
    assert (described["majorVersion"], described["breakingChanges"]) == (2, ["Field removed: host_unit"])
