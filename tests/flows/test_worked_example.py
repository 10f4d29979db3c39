"""The worked example of the contributor's page: its three files, as they stand there, become a dataset."""

from __future__ import annotations

import csv
import re
from datetime import date
from pathlib import Path

from flows.declarations import Declarations
from flows.night import night
from flows.outcomes import HELD
from flows.run import Direct, Run, RunRequest
from flows.settings import Settings
from tests.house.test_schemas import faults_of_file
from tests.workbook_factory import save
from warehouse.home import Home

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "CONTRIBUTING.md"
BLOCK = re.compile(
    r"^```\w+\n((?:# yaml-[^\n]*\n)?(?:#|--) (\w+/\S+\.(?:yaml|sql))\n.*?)^```$", re.MULTILINE | re.DOTALL
)
HEADERS = ["Tunnus", "Kaupunginosa", "Avattu", "Lokeroita", "Yhteyshenkilö"]


def test_three_files_of_one_stem_and_no_python_are_a_dataset(tmp_path):
    files = {name: text for text, name in BLOCK.findall(PAGE.read_text(encoding="utf-8"))}
    lines = sum(len(text.splitlines()) for text in files.values())
    assert f"three files, {lines} lines, no Python" in PAGE.read_text(encoding="utf-8")
    assert sorted(files) == [
        "publish/catalogue/parcel_lockers.yaml",
        "sources/parcel_lockers/source.yaml",
        "warehouse/models/parcel_lockers.sql",
    ]
    project = tmp_path / "project"
    for name, text in files.items():
        (project / name).parent.mkdir(parents=True)
        (project / name).write_text(text, encoding="utf-8")
    for name, schema in (
        ("sources/parcel_lockers/source", "source"),
        ("publish/catalogue/parcel_lockers", "catalogue"),
    ):
        assert faults_of_file(project / f"{name}.yaml", f"{schema}.json") == []

    rows = [
        ["kalasatama-1", "Kalasatama", "1.3.2024", 48, "Someone"],
        ["pasila-1", "Pasila", "2023-11-20", "n. 60", None],
        ["malmi-1", None, date(2024, 5, 2), 24, None],
    ]
    workbook = save(tmp_path / "lockers.xlsx", {"Pakettiautomaatit": [["Pakettiautomaatit"], HEADERS, *rows]})
    home = tmp_path / "home"
    with Direct() as runner:
        request = RunRequest(date(2026, 11, 26), {"parcel_lockers": str(workbook)})
        settings = Settings(Home(home), str(home / "portal"))
        outcome = night(Run(settings, request, runner, declarations=Declarations.read(project)))
    assert outcome.exit_code == HELD  # a row and a cell were set aside, the others go on
    with (home / "portal/datasets/parcel-lockers/parcel-lockers.csv").open(newline="", encoding="utf-8") as file:
        published = list(csv.reader(file))
    assert published == [
        ["locker_id", "district", "opened_date", "boxes_count"],
        ["kalasatama-1", "Kalasatama", "2024-03-01", "48"],
        ["pasila-1", "Pasila", "2023-11-20", ""],
    ]
    assert list((home / "outbox" / "parcel_lockers").glob("*-annotated.xlsx"))
    assert "Someone" not in (home / "portal/datasets/parcel-lockers/index.html").read_text(encoding="utf-8")
