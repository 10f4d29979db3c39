"""A workbook that nobody prepared becomes a dataset: three files, tried on it before they are written."""

import csv
import shlex
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
import yaml

from flows import scaffolding
from flows.cli import main
from flows.declarations import Declarations
from flows.errors import RequestError
from flows.night import night
from flows.run import Direct, Run, RunRequest
from flows.settings import Settings
from sources import SourceError
from tests import unprepared
from tests.declared.test_every_source import faults_of_name
from tests.house.test_schemas import faults_of_file
from tests.workbook_factory import save
from warehouse.home import Home

DAY = date(2026, 11, 25)


def new(*arguments):
    """The exit code of the command."""
    with pytest.raises(SystemExit) as end:
        main(["new", *map(str, arguments)])
    return end.value.code


def lines(root):
    """How many lines each written file has."""
    return {path.name: len(path.read_text().splitlines()) for path in root.rglob("*") if path.is_file()}


def test_a_workbook_becomes_three_short_files_and_a_night_publishes_them(tmp_path, capsys):
    workbook, root = unprepared.finnish(tmp_path / "Avustukset 2024 v2.xlsx"), tmp_path / "project"
    assert new(workbook, "--into", root) == 0
    said = capsys.readouterr().out
    assert "24 of 24 cells are numbers in EUR" in said
    assert f"opendistrict check {shlex.quote(str(workbook))} --source avustukset" in said
    assert set(lines(root)) == {"source.yaml", "avustukset.sql", "avustukset.yaml"}
    assert sum(lines(root).values()) <= 80
    for path, schema in (("sources/avustukset/source", "source"), ("publish/catalogue/avustukset", "catalogue")):
        assert faults_of_file(root / f"{path}.yaml", f"{schema}.json") == []
    declared = Declarations.read(root)
    settings = Settings(Home(tmp_path / "home"), str(tmp_path / "home" / "portal"))
    with Direct() as runner:
        request = RunRequest(DAY, {"avustukset": str(workbook)})
        assert night(Run(settings, request, runner, declarations=declared)).exit_code == 0
    with (tmp_path / "home/portal/datasets/avustukset/avustukset.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 24
    assert {"id": "A-001", "start_date": "2024-03-02", "grant_eur": "1500.50"}.items() <= rows[0].items()


@pytest.mark.parametrize(
    "make", [unprepared.two_rows, unprepared.coded, unprepared.with_contacts, unprepared.without_key]
)
def test_what_is_proposed_of_any_workbook_runs(tmp_path, make):
    workbook = make(tmp_path / "book.xlsx")
    proposed = scaffolding.scaffold(workbook, "tried", root=tmp_path)
    outcome = scaffolding.tried(proposed, workbook, DAY)
    assert [(one.state, one.rows) for one in outcome.datasets] == [("released", proposed.proposal.main.records)]
    assert not any(one.needs_attention for one in outcome.sources)
    fields = [field for table in proposed.proposal.tables for field in table.declaration.fields]
    assert [faults_of_name(field) for field in fields] == [[]] * len(fields)


def test_what_is_internal_or_personal_is_in_no_dataset(tmp_path):
    proposed = scaffolding.scaffold(unprepared.with_contacts(tmp_path / "book.xlsx"), "partners", root=tmp_path)
    entry = proposed.files[Path("publish/catalogue/partners.yaml")]
    model = proposed.files[Path("warehouse/models/partners.sql")]
    for name in ("contact", "email", "puh", "address", "tapasimme"):
        assert f".{name}\n" not in entry + model
        assert f".{name}," not in model


def test_a_workbook_without_a_key_leaves_nothing_behind(tmp_path, capsys):
    assert new(unprepared.twice_the_same(tmp_path / "things.xlsx"), "--into", tmp_path / "project") == 1
    assert "identify its 3 rows" in capsys.readouterr().err
    assert not (tmp_path / "project").exists()


def test_what_does_not_run_is_a_message(tmp_path):
    workbook = unprepared.without_key(tmp_path / "book.xlsx")
    proposed = scaffolding.scaffold(workbook, "tried", root=tmp_path)
    model = Path("warehouse/models/tried.sql")
    broken = replace(proposed, files={**proposed.files, model: "SELECT place FROM tried.measured"})
    with pytest.raises(RequestError, match=r"so none was written\. The source is loaded, the dataset failed"):
        scaffolding.tried(broken, workbook, DAY)


def test_names_that_are_taken_or_no_names_and_unknown_publishers_are_messages(tmp_path):
    workbook = unprepared.coded(tmp_path / "book.xlsx")
    with pytest.raises(RequestError, match=r"agile_pilots.* is there already"):
        scaffolding.scaffold(workbook, "agile_pilots")
    with pytest.raises(RequestError, match=r"pulling\.py is there already"):
        scaffolding.scaffold(workbook, "pulling")
    with pytest.raises(RequestError, match="small letters, digits and underscores: uusi_lista"):
        scaffolding.scaffold(workbook, "Uusi lista")
    with pytest.raises(RequestError, match=r"no publisher 'nobody'; known are .*opendistrict"):
        scaffolding.scaffold(workbook, "trials", "nobody")
    with pytest.raises(SourceError, match="identify its 3 rows"):
        scaffolding.scaffold(unprepared.twice_the_same(tmp_path / "same.xlsx"), "same")


def test_nothing_is_overwritten(tmp_path):
    proposed = scaffolding.scaffold(unprepared.coded(tmp_path / "book.xlsx"), "trials", root=tmp_path)
    (tmp_path / "publish/catalogue").mkdir(parents=True)
    (tmp_path / "publish/catalogue/trials.yaml").write_text("mine")
    with pytest.raises(RequestError, match=r"trials\.yaml is there already; nothing was written"):
        scaffolding.write(proposed, tmp_path)
    assert set(lines(tmp_path / "publish")) == {"trials.yaml"}
    assert not (tmp_path / "sources").exists()


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("Tapahtumat 2024 v2.xlsx", "tapahtumat"),
        ("Hankkeet_kaikki-2024-05-01 (1).xlsx", "hankkeet_kaikki"),
        ("2024.xlsx", "n_2024"),
        ("Älykäs liikkuminen.csv", "alykas_liikkuminen"),
    ],
)
def test_a_datasets_name_is_that_of_the_file_without_its_dates(file, name):
    assert scaffolding.name_for(Path(file)) == name


def test_names_from_outside_stay_where_they_are_put(tmp_path, capsys):
    """A line break in the name of a file or a sheet ends no comment, and what may be pasted runs nothing else."""
    rows = [["Ref", "[red]Colour"], *([f"r{n}", "blue"] for n in range(6))]
    file = tmp_path / "book\nname: other; $(touch x).xlsx"
    sheets = {"Things\nDROP TABLE things;": rows, "Notes\nkind register": [["remember"]]}
    root = tmp_path / "project"
    assert new(save(file, sheets), "--into", root, "--name", "things") == 0
    written = {path.suffix: path.read_text() for path in root.rglob("*.*") if "catalogue" not in path.parts}
    assert written[".sql"].splitlines()[1] == "SELECT"
    content = yaml.safe_load(written[".yaml"])
    assert (content["name"], content["kind"]) == ("things", "workbook")
    assert [line for line in written[".yaml"].splitlines() if line.startswith("# Not declared: sheet")]
    said = capsys.readouterr().out
    assert "[red]Colour" in said
    assert f"opendistrict check {shlex.quote(str(file))} --source things" in said
