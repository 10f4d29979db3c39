"""A file checked as a night would check it: which source it is of, what is said of it, that nothing is kept."""

import csv
import json
import tempfile
from pathlib import Path

import openpyxl
import pytest
from typer.testing import CliRunner

from dev import sample_workbooks
from flows.checking import check_file
from flows.cli import app
from flows.declarations import Declarations
from flows.errors import RequestError
from flows.recognising import UnclearSourceError, source_of
from flows.telling import as_json, told_of
from tests import workbook_factory as factory
from warehouse.declarations import Severity
from warehouse.home import Home
from warehouse.ledger import Verdict
from warehouse.messages import Language, said_in

SAMPLES = sorted((Path(sample_workbooks.__file__).parent / "workbooks").glob("*.yaml"))


@pytest.fixture(scope="module")
def declared():
    return Declarations.read()


@pytest.fixture(scope="module")
def bad(tmp_path_factory):
    return factory.workbook_with_one_of_each_error(tmp_path_factory.mktemp("bad") / "pilots.xlsx")


@pytest.fixture(scope="module")
def checked(bad, declared):
    return check_file([bad], declared)


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Run the command in a folder of its own; its result. The exit code must be ``code``."""
    monkeypatch.chdir(tmp_path)

    def command(*arguments, code=3):
        result = CliRunner().invoke(app, ["check", *map(str, arguments)], env={"OPENDISTRICT_HOME": ""})
        assert result.exit_code == code, f"{result.output}\n{result.exception!r}"
        return result

    return command


# --- which source -----------------------------------------------------------------------------------


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.stem)
def test_every_sample_is_known_by_its_headers(declared, tmp_path, sample):
    path = tmp_path / "anything.xlsx"
    sample_workbooks.write(sample, path)
    assert source_of([path], declared.sources).source == sample.stem


def test_a_template_says_itself_of_which_source_it_is(declared, tmp_path):
    path = tmp_path / "x.xlsx"
    assert CliRunner().invoke(app, ["template", "kalasatama", "-o", str(path)]).exit_code == 0
    found = source_of([path], declared.sources)
    assert found.source == "kalasatama"
    assert "mallipohja" in said_in(found.why, Language.FINNISH)


def test_renamed_sheets_and_some_other_headers_do_not_hide_it(declared, tmp_path):
    rows = [{("Something else" if name == "Theme" else name): v for name, v in factory.pilot(1).items()}]
    path = factory.save(tmp_path / "p.xlsx", {"Taul1": factory.table(rows), "Notes": [["a", "b"], ["c", "d"]]})
    found = source_of([path], declared.sources)
    assert found.source == "agile_pilots"
    assert "Missing: Theme and the sheet Rounds." in found.why


def test_a_csv_of_one_table_is_enough(declared, tmp_path):
    path = csv_of(tmp_path / "rounds.csv", [factory.ROUND])
    assert source_of([path], declared.sources).source == "agile_pilots"


def test_of_what_is_like_nothing_the_nearest_are_told(declared, tmp_path):
    rows = [["Pilot ID", "Pilot", "City", "District", "Colour", "Shape"], ["1", "2", "3", "4", "5", "6"]]
    path = factory.save(tmp_path / "p.xlsx", {"Data": rows})
    with pytest.raises(UnclearSourceError) as unclear:
        source_of([path], declared.sources)
    nearest = unclear.value.candidates[0]
    assert nearest.source == "agile_pilots"
    assert "4 of 6 headers are columns" in nearest.why
    assert "Programme" in nearest.why
    assert "eivät ole minkään" in said_in(unclear.value.words, Language.FINNISH)


def test_of_two_that_are_equally_likely_none_is_taken(declared, bad):
    pilots = declared.sources["agile_pilots"]
    twin = pilots.model_copy(update={"name": "twin", "title": "The twin"})
    with pytest.raises(UnclearSourceError, match="equally like Agile pilots and The twin") as unclear:
        source_of([bad], {"agile_pilots": pilots, "twin": twin})
    assert [one.source for one in unclear.value.candidates] == ["agile_pilots", "twin"]


@pytest.mark.parametrize("content", [b"", b"%PDF-1.7", b"PK\x03\x04 cut"])
def test_what_cannot_be_opened_is_of_no_source(declared, tmp_path, content):
    path = tmp_path / "p.xlsx"
    path.write_bytes(content)
    with pytest.raises(UnclearSourceError, match=r"p\.xlsx cannot be opened"):
        source_of([path], declared.sources)


# --- what is found ----------------------------------------------------------------------------------


def csv_of(path, rows):
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def test_a_check_finds_what_a_night_finds(checked, bad):
    assert (checked.source, checked.verdict) == ("agile_pilots", Verdict.PARTIAL)
    assert checked.files == {"pilots.xlsx": bad}
    assert [path.name for path in bad.parent.iterdir()] == ["pilots.xlsx"]
    found = {(one.column_name, one.severity.value) for one in checked.findings}
    assert {(column, severity) for _, (column, _, severity) in factory.ERRORS.values()} <= found


def test_a_check_of_a_good_file_says_so_and_keeps_nothing(run, tmp_path, monkeypatch):
    path = factory.good_workbook(tmp_path / "p.xlsx", pilots=1)
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    assert "✓ All of it would go on." in run(path, code=0).stdout
    assert list((tmp_path / "temporary").rglob("*")) == []
    assert sorted(one.name for one in tmp_path.iterdir()) == ["p.xlsx", "temporary"]


def test_what_is_told_is_grouped_by_its_cause_with_the_cells(checked):
    told = told_of(checked)
    assert (told.tone, told.to_mend) == ("warn", sum(one.severity is Severity.ERROR for one in checked.findings))
    twice = next(cause for cause in told.mend if cause.heading == "Pilot ID")
    assert [(spot.where, spot.value) for spot in twice.spots] == [
        ("Pilots A4", "demo-1"),
        ("Pilots A30", "demo-1"),
    ]
    assert [len(told.look), len(told.know)] == [1, 1]
    assert [said_in(line, Language.FINNISH) for line in told.gone_on] == [
        "Pilots: 14/27 rivistä.",
        "Rounds: 1/1 rivistä.",
    ]


def test_csv_files_of_one_source_go_together(declared, tmp_path):
    files = [csv_of(tmp_path / "pilots.csv", [factory.pilot(1)]), csv_of(tmp_path / "rounds.csv", [factory.ROUND])]
    done = check_file(files, declared)
    assert done.verdict is Verdict.PASSED
    assert dict(done.rows) == {"pilots": 1, "rounds": 1}
    copies = done.marked_copies(tmp_path / "marked", Language.ENGLISH)
    assert [one.path.name for one in copies] == ["pilots-annotated.xlsx", "rounds-annotated.xlsx"]
    (tmp_path / "more").mkdir()
    again = csv_of(tmp_path / "more" / "pilots 2.csv", [factory.pilot(2)])
    with pytest.raises(RequestError, match="would not be read"):
        check_file([*files, again], declared)
    with pytest.raises(RequestError, match=r"Two of the files are called pilots\.csv"):
        check_file([files[0], csv_of(tmp_path / "more" / "pilots.csv", [factory.pilot(2)])], declared)


def test_of_a_csv_file_that_is_missing_the_file_is_told_not_a_sheet(declared, tmp_path):
    told = told_of(check_file([csv_of(tmp_path / "pilots.csv", [factory.pilot(1)])], declared))
    lacking = next(cause for cause in told.mend if "Rounds" in cause.message)
    assert lacking.message == "There is no file with the rows of “Rounds” beside pilots.csv."
    assert "“Rounds.csv”" in lacking.help
    finnish = said_in(lacking.help, Language.FINNISH)
    assert "“Kierrokset.csv”" in finnish or "”Kierrokset.csv”" in finnish


def test_the_verdict_counts_the_rows_of_her_own_sheets(declared, tmp_path):
    sheets = {"Kokeilumme": factory.table([factory.pilot(1)]), "Rounds": factory.table([factory.ROUND])}
    told = told_of(check_file([factory.save(tmp_path / "p.xlsx", sheets)], declared, "agile_pilots"))
    assert told.gone_on == ("Kokeilumme: 1 of 1 row.", "Rounds: 1 of 1 row.")


def test_a_home_tells_what_stood_before_and_stays_as_it_is(declared, tmp_path, after_a_night):
    home = tmp_path / "home"
    before = {path: path.stat().st_mtime_ns for path in home.rglob("*")}
    few = factory.save(
        tmp_path / "few.xlsx",
        {"Pilots": factory.table([factory.pilot(1)]), "Rounds": factory.table([factory.ROUND])},
    )
    compared = check_file([few], declared, home=Home(home))
    assert compared.verdict is Verdict.HELD  # 12 pilots stood there; alone it would pass
    assert {path: path.stat().st_mtime_ns for path in home.rglob("*")} == before


# --- the command ------------------------------------------------------------------------------------


def test_the_command_says_the_verdict_first_and_in_the_language_asked_for(run, bad, tmp_path):
    said = run(bad, "--language", "fi", "--annotated", "out.xlsx").stdout.splitlines()
    assert said[0] == "pilots.xlsx: tarkistettu lähteenä Nopeat kokeilut."
    assert said[2] == "! Se otettaisiin käyttöön puutteellisena."
    assert said[-1] == "Merkitty kopio: out.xlsx"
    assert len(openpyxl.load_workbook(tmp_path / "out.xlsx").sheetnames) == 4


def test_what_programs_read_says_where_whose_and_in_which_language(checked):
    content = as_json(checked, Language.FINNISH)
    assert (content["source"], content["language"], content["verdict"]) == ("agile_pilots", "fi", "partial")
    assert content["headline"] == "Se otettaisiin käyttöön puutteellisena"
    one = content["findings"][0]
    assert (one["cell"], one["owner"]) == ("A4", "coordinator")
    assert json.dumps(content)


def test_the_command_asks_where_it_cannot_tell(run, tmp_path):
    path = factory.save(tmp_path / "p.xlsx", {"Data": [["Pilot ID", "Pilot", "City", "Colour"], [1, 2, 3, 4]]})
    said = run(path, code=2).stderr
    assert "agile_pilots (Agile pilots): 3 of 4 headers" in said
    assert said.endswith("Say which one it is with --source NAME.\n")
    run(path, "--source", "nobody", code=2)


def test_places_of_one_cause_say_what_differs(declared, tmp_path):
    rows = [
        factory.pilot(n, **{"Y-tunnus": text}) for n, text in enumerate(["2170029-3", "0112038-8", "0112038-1"])
    ]
    path = factory.save(
        tmp_path / "p.xlsx", {"Pilots": factory.table(rows), "Rounds": factory.table([factory.ROUND])}
    )
    (cause,) = told_of(check_file([path], declared)).mend
    assert [(spot.where, spot.value) for spot in cause.spots] == [
        (f"Pilots I{n}", r["Y-tunnus"]) for n, r in enumerate(rows, 2)
    ]
    assert all(spot.help or cause.help for spot in cause.spots)


def test_a_sheet_named_like_somebody_is_marked_and_the_list_repeats_no_name(tmp_path, declared):
    rows = [factory.pilot(1, Theme="nothing"), *(factory.pilot(number) for number in range(2, 6))]
    sheets = {"Pilots matti@x.fi": factory.table(rows), "Rounds": factory.table([factory.ROUND])}
    path = factory.save(tmp_path / "of matti@x.fi.xlsx", sheets)
    checked = check_file([path], declared, "agile_pilots")
    assert "sheet 1 G2" in [said_in(one.where, Language.ENGLISH) for c in told_of(checked).mend for one in c.spots]
    (made,) = checked.marked_copies(tmp_path / "marked.xlsx", Language.ENGLISH)
    todo, pilots, _ = openpyxl.load_workbook(made.path)
    assert "is not on the list" in pilots["G2"].comment.text
    assert "matti@x.fi" not in repr(list(todo.values))
    links = [cell.hyperlink.location for row in todo.iter_rows() for cell in row if cell.hyperlink]
    assert "'Pilots matti@x.fi'!G2" in links


def test_a_header_nobody_declared_is_not_repeated_from_a_table_about_people(tmp_path, declared):
    sample = next(path for path in SAMPLES if path.stem == "innovators_club")
    sample_workbooks.write(sample, tmp_path / "club.xlsx")
    book = openpyxl.load_workbook(tmp_path / "club.xlsx")
    head = next(row for row in book["Attendance"].iter_rows() if row[0].value == "Meeting ID")
    book["Attendance"].cell(head[0].row, 5, "Meikalainen Matti")
    book["Attendance"].cell(head[0].row + 1, 5, "came")
    book.save(tmp_path / "club.xlsx")
    checked = check_file([tmp_path / "club.xlsx"], declared, "innovators_club")
    place = next(one for one in checked.places if one.finding.rule == "unknown-column")
    assert (place.sheet, place.address) == ("Attendance", f"E{head[0].row}")
    assert "Meikalainen" not in repr(checked.findings)
    assert "Saraketta E ei ole määritelty" in said_in(place.finding.message, Language.FINNISH)
    (made,) = checked.marked_copies(tmp_path / "marked.xlsx", Language.FINNISH)
    todo = openpyxl.load_workbook(made.path).worksheets[0]
    assert "column E" in repr(list(todo.values))
    assert "Meikalainen" not in repr(list(todo.values))
    assert "Meikalainen" not in json.dumps(as_json(checked, Language.FINNISH), default=str)
    assert "Meikalainen" not in repr(told_of(checked))
