"""The command line without orchestration: what it writes, what it refuses, what a program reads of it."""

import json
import re
import sys
from datetime import date, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from flows.calendar import today
from flows.cli import app
from flows.cli.printing import portal_lines, print_night
from flows.cli.terminal import Terminal
from flows.errors import RequestError, in_words
from flows.outcomes import NightOutcome, PortalOutcome, SourceOutcome
from tests import workbook_factory as factory
from tests.flows import nights
from tests.flows.test_night import DAY
from warehouse.home import NoHomeError
from warehouse.progress import Counted


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A home after a night with a workbook in which some cells are wrong."""
    folder = tmp_path_factory.mktemp("night")
    workbook = factory.workbook_with_one_of_each_error(folder / "pilots.xlsx")
    nights.run(nights.settings_of(folder / "home"), DAY, {"agile_pilots": workbook})
    return folder / "home"


@pytest.fixture
def run(home, tmp_path, monkeypatch):
    """Run a command in a folder of its own; its result. The exit code must be ``code``."""
    monkeypatch.chdir(tmp_path)

    def command(*arguments, code=0, home=home):
        result = CliRunner().invoke(app, list(map(str, arguments)), env={"OPENDISTRICT_HOME": str(home)})
        assert result.exit_code == code, f"{result.output}\n{result.exception!r}"
        return result

    return command


def released(home, kind):
    (version,) = (home / "releases" / "agile-pilots").iterdir()
    return (version / f"agile-pilots.{kind}").read_bytes()


# --- export -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["p.csv", "p.parquet", "p.xlsx", "p.XLSX"])
def test_the_name_of_the_file_says_the_format(run, home, tmp_path, name):
    run("export", "agile-pilots", "-o", name)
    assert (tmp_path / name).read_bytes() == released(home, name.rpartition(".")[2].lower())


@pytest.mark.parametrize(
    ("arguments", "name", "kind"),
    [
        ((), "agile-pilots.csv", "csv"),
        (("--format", "xlsx"), "agile-pilots.xlsx", "xlsx"),
        (("-o", "folder"), "folder/agile-pilots.csv", "csv"),
        (("-o", "folder/", "--format", "parquet"), "folder/agile-pilots.parquet", "parquet"),
        (("-o", "pilots", "--format", "xlsx"), "pilots", "xlsx"),
        (("-o", "p.xlsx", "--format", "xlsx"), "p.xlsx", "xlsx"),
    ],
)
def test_where_an_export_goes(run, home, tmp_path, arguments, name, kind):
    (tmp_path / "folder").mkdir()
    run("export", "agile-pilots", *arguments)
    assert (tmp_path / name).read_bytes() == released(home, kind)
    assert sorted(path for path in tmp_path.rglob("*") if path.is_file()) == [tmp_path / name]


@pytest.mark.parametrize(
    "arguments",
    [("-o", "p.xlsx", "--format", "csv"), ("-o", "p.xls"), ("-o", "p.txt", "--format", "csv"), ("-o", "p.csv.gz")],
)
def test_a_name_that_says_another_format_is_wrong_usage(run, tmp_path, arguments):
    run("export", "agile-pilots", *arguments, code=2)
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_a_release_does_not_have_is_said_with_those_it_has(run, tmp_path):
    for arguments in (("--format", "geojson"), ("-o", "p.360giving.json")):
        said = str(run("export", "agile-pilots", *arguments, code=1).exception)
        assert "no geojson file" in said or "no threesixty_giving file" in said
        assert "csv, parquet, xlsx" in said
    assert list(tmp_path.iterdir()) == []


def test_an_export_that_fails_half_way_leaves_what_stood_there(run, tmp_path, monkeypatch):
    (tmp_path / "p.csv").write_text("before")

    def full(source, target):
        target.write_text("half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("shutil.copyfile", full)
    assert isinstance(run("export", "agile-pilots", "-o", "p.csv", code=1).exception, OSError)
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("p.csv", "before")]


# --- a home that is not there -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "arguments",
    [
        ("status",),
        ("sources", "--json"),
        ("datasets",),
        ("plan",),
        ("publish",),
        ("export", "agile-pilots"),
        ("backfill", "--from", "2026-01-01", "--to", "2026-02-01", "--plan"),
        ("rebuild-warehouse",),
        ("withdraw", "agile-pilots", "demo-1", "--why", "a test"),
    ],
)
@pytest.mark.parametrize("is_there", [False, True])
def test_a_home_that_does_not_exist_is_not_an_empty_one(run, tmp_path, arguments, is_there):
    missing = tmp_path / "mistyped"
    if is_there:
        missing.mkdir()  # some folder, with nothing of ours in it
    result = run(*arguments, code=1, home=missing)
    assert isinstance(result.exception, NoHomeError)
    told = in_words(result.exception)
    assert f"there is no home at {missing}: run `opendistrict nightly` first" in told
    assert result.stdout == ""
    assert missing.exists() is is_there


# --- what programs read -----------------------------------------------------------------------------


def keys_and_texts(content):
    if isinstance(content, dict):
        for key, value in content.items():
            yield key, None
            yield from keys_and_texts(value)
    elif isinstance(content, list):
        for value in content:
            yield from keys_and_texts(value)
    elif isinstance(content, str):
        yield None, content


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("status",), 3),
        (("sources",), 0),
        (("datasets",), 0),
        (("plan",), 0),
        (("backfill", "--from", "2026-01-01", "--to", "2026-12-31", "--plan"), 0),
    ],
)
def test_json_has_keys_without_spaces_and_times_with_a_zone(run, arguments, code):
    content = json.loads(run(*arguments, "--json", code=code).stdout)
    for key, text in keys_and_texts(content):
        assert key is None or re.fullmatch(r"[a-z0-9_-]+", key), key
        if text and re.match(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}", text):
            assert datetime.fromisoformat(text).tzinfo is not None, text


def test_the_status_says_when_in_utc(run):
    status = json.loads(run("status", "--json", code=3).stdout)
    for moment in (status["last_run_finished"], status["last_look"]["agile_pilots"]):
        assert moment.endswith("+00:00")


def test_a_table_is_not_cut_where_no_terminal_is(run):
    printed = run("status", code=3).stdout
    status = json.loads(run("status", "--json", code=3).stdout)
    assert "…" not in printed
    for row in status["held"]:
        for text in filter(None, row.values()):
            assert any(str(text) in line for line in printed.splitlines()), text
    assert "what_to_do" not in printed


@pytest.mark.parametrize(("command", "column"), [("sources", "source"), ("datasets", "dataset")])
def test_a_list_names_all_that_is_declared_with_its_state_in_a_hundred_columns(run, command, column):
    listed = json.loads(run(command, "--json").stdout)
    lines = [line for line in run(command).stdout.splitlines() if line.startswith(("│", "┃"))]
    assert max(map(len, lines)) <= 100
    cells = [[cell.strip() for cell in line.split("│")[1:3]] for line in lines if line.startswith("│")]
    assert cells == [[row[column], row["state"]] for row in listed]


def test_a_night_says_what_is_late_and_what_is_odd(capsys):
    loaded = SourceOutcome("register", "loaded", due=date(2026, 11, 11), notice="It has other columns.")
    late = SourceOutcome("prices", "late", message="Late: it was due by 2026-10-01.", due=date(2026, 10, 1))
    print_night(NightOutcome("nightly", DAY, None, (loaded, late), (), PortalOutcome("https://data.example.org")))
    printed = capsys.readouterr().out
    assert "register: newer data were due by 2026-11-11" in printed
    assert "register: It has other columns." in printed
    assert printed.count("2026-10-01") == 1
    assert "Something is held or late" in printed


# --- check ------------------------------------------------------------------------------------------


def check(run, path, code=3):
    printed = run("check", path, "--source", "agile_pilots", code=code).stdout
    found = json.loads(run("check", path, "--source", "agile_pilots", "--json", code=code).stdout)["findings"]
    return printed, found


def test_a_check_speaks_in_the_words_of_the_file(run, tmp_path):
    """The factory's header is “Y-tunnus”; the field is declared as business_id, titled Business ID."""
    rows = [factory.pilot(1, **{"Y-tunnus": "2170029-3"})]
    path = factory.save(
        tmp_path / "p.xlsx", {"Pilots": factory.table(rows), "Rounds": factory.table([factory.ROUND])}
    )
    printed, found = check(run, path)
    assert [one["column_name"] for one in found] == ["business_id"]
    assert found[0]["cell"] == f"I{found[0]['row_number']}"
    assert [one["owner"] for one in found] == ["coordinator"]
    (line,) = (line for line in printed.splitlines() if "2170029-3" in line)
    assert line.split() == ["Pilots", found[0]["cell"], "2170029-3"]
    assert "business_id" not in printed


@pytest.mark.parametrize(
    "sheets",
    [
        {"Pilots": factory.table([{k: v for k, v in factory.pilot(n).items() if k != "Theme"} for n in range(9)])},
        {"Pilots": factory.table([factory.pilot(1)])[:1]},
    ],
    ids=["a column is missing", "no rows"],
)
def test_one_cause_is_one_finding(run, tmp_path, sheets):
    path = factory.save(tmp_path / "p.xlsx", {**sheets, "Rounds": factory.table([factory.ROUND])})
    printed, found = check(run, path)
    assert len(found) == 1
    assert "✕ It would be held." in printed


@pytest.mark.parametrize(
    "content",
    [b"", b"not a workbook", b"%PDF-1.7 ...", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 old", b"PK\x03\x04 cut"],
)
def test_a_file_that_cannot_be_read_is_one_finding(run, tmp_path, content):
    path = tmp_path / "p.xlsx"
    path.write_bytes(content)
    _, found = check(run, path)
    assert [(one["rule"], one["file"]) for one in found] == [("unreadable", "p.xlsx")]


def test_a_folder_that_is_missing_is_named_and_not_what_would_be_written_there(run, home):
    (version,) = (home / "releases" / "agile-pilots").iterdir()
    for arguments in (
        ("changes", "agile-pilots", "--since", version.name, "-o", "missing/file.csv"),
        ("export", "agile-pilots", "-o", "missing/file.csv"),
        ("template", "agile_pilots", "-o", "missing/file.xlsx"),
    ):
        told = in_words(run(*arguments, code=1).exception)
        assert told == "missing: there is no such file or folder. Check the path.", arguments
    assert not Path("missing").exists()


# --- options before any command, progress -----------------------------------------------------------


def test_version_short_help_and_completion(run):
    assert re.fullmatch(r"opendistrict \d+\.\d+\.\d+\n", run("--version").stdout)
    assert run("-h").stdout == run("--help").stdout
    assert "--install-completion" in run("-h").stdout
    assert run("export", "-h").stdout == run("export", "--help").stdout
    assert "..." not in run("-h").stdout.replace("[ARGS]...", "")


def test_a_log_has_a_line_a_step_with_its_time(capsys):
    with Terminal() as terminal:
        terminal.progress("pull register")
        for size in range(0, 101, 10):
            terminal.progress("copy register.zip", size, 100, "bytes")
        for part in range(3):
            terminal.progress("backfill", part, 2, "windows")
            terminal.progress("load register")
        terminal.progress("copy register.zip", 0, 100, "bytes")
        terminal.progress("register: staged", 3, 3, "rows")
        for _ in range(2):
            with Counted(terminal.progress, "releasing pilots", 3, "files") as next_file:
                for _ in range(3):
                    next_file()
    printed = capsys.readouterr()
    assert printed.out == ""
    moments, steps = zip(*(line.split(" ", 1) for line in printed.err.splitlines()), strict=True)
    assert steps == (
        "pull register",
        "copy register.zip",
        "backfill, 1 of 2 windows",
        "load register",
        "backfill, 2 of 2 windows",
        "load register",
        "load register",
        "copy register.zip",
        "releasing pilots",
        "releasing pilots",
    )
    assert all(datetime.fromisoformat(moment).tzinfo is not None for moment in moments)


class Screen:
    """A stderr that says it is a terminal."""

    def __init__(self):
        self.written = ""

    def write(self, text):
        self.written += text

    def flush(self):
        pass

    def isatty(self):
        return True


def test_a_step_takes_the_place_of_the_one_before_it(monkeypatch):
    monkeypatch.setattr(sys, "stderr", Screen())
    monkeypatch.setenv("TERM", "xterm")
    with Terminal() as terminal:
        terminal.progress("starting")
        terminal.progress("copy", 5, 100, "bytes")
        terminal.progress("fetch", 5, None, "bytes")
        assert set(terminal._tasks) == {"starting", "copy", "fetch"}
        terminal.progress("check agile_pilots")
        assert set(terminal._tasks) == {"copy", "check agile_pilots"}
        terminal.progress("copy", 100, 100, "bytes")
        assert set(terminal._tasks) == {"check agile_pilots"}
        terminal.progress("publish a", 0, 2, "datasets")
        terminal.progress("publish b", 1, 2, "datasets")
        shown = [(bar.description, bar.fields["amount"]) for bar in terminal._bars.tasks]
        assert shown == [("check agile_pilots", ""), ("publish b", "1 of 2 datasets")]


def test_the_nights_have_a_time_zone_of_their_own(monkeypatch):
    monkeypatch.setenv("OPENDISTRICT_TIMEZONE", "Pacific/Kiritimati")  # the first to have a new day
    first = today()
    monkeypatch.setenv("OPENDISTRICT_TIMEZONE", "Pacific/Pago_Pago")  # 25 hours behind
    assert (first - today()).days in (1, 2)
    monkeypatch.setenv("OPENDISTRICT_TIMEZONE", "Atlantis/Poseidonis")
    with pytest.raises(RequestError, match="there is no time zone 'Atlantis/Poseidonis'"):
        today()


def test_a_template_is_written_once_and_of_workbooks_only(tmp_path):
    path = tmp_path / "pilots.xlsx"
    done = CliRunner().invoke(app, ["template", "agile_pilots", "-o", str(path), "--language", "fi"])
    assert (done.exit_code, done.output.strip()) == (0, str(path))
    made = path.read_bytes()
    for source, file, said in (
        ("agile_pilots", path, "is there already"),
        ("agile_pilots", tmp_path / "pilots.ods", "has to end in .xlsx"),
        ("companies_house", tmp_path / "b.xlsx", "is a register"),
        ("nobody", tmp_path / "c.xlsx", "there is no source"),
    ):
        refused = CliRunner().invoke(app, ["template", source, "-o", str(file)])
        assert refused.exit_code == 2
        assert said in " ".join(refused.output.split())
    assert path.read_bytes() == made
    assert [one.name for one in tmp_path.iterdir()] == ["pilots.xlsx"]


def test_a_place_with_personal_data_in_its_name_is_not_stored_with_a_run(run, tmp_path):
    """Prefect keeps the parameters of a run, and shows them."""
    refused = run("nightly", "--source", f"agile_pilots={tmp_path}/of matti@firma.fi.xlsx", code=2)
    assert "(e-mail address) would be stored" in " ".join(refused.output.split())
    assert "firma.fi" not in refused.output


@pytest.mark.parametrize(
    ("published", "told"),
    [
        ({"a": 1, "b": 1203, "c": 0}, ["  a: published, 1 thing changed", "  b: published, 1,203 things changed"]),
        ({"a": 0}, ["  nothing to change"]),
        ({}, []),
    ],
)
def test_a_publication_says_what_it_changed(published, told, capsys):
    portal_lines(PortalOutcome("https://data.example.org", published=published))
    assert capsys.readouterr().out.splitlines() == ["Portal    https://data.example.org", *told]


def test_what_a_portal_cannot_show_is_told_once_for_all_datasets(capsys):
    unsent = {"a": ("no charts", "no map"), "b": ("no charts",)}
    portal_lines(PortalOutcome("https://data.example.org", unsent=unsent, problems={"a": "a: no space is left"}))
    lines = capsys.readouterr().out.splitlines()
    assert lines[1:] == ["  a: no space is left", "  2 datasets, not sent: no charts", "  a, not sent: no map"]
