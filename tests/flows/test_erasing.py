"""A person who asks to be erased is nowhere afterwards, and no later export brings them back."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from datetime import date, timedelta

import duckdb
import pytest

from flows import cli, erasing
from flows.declarations import Declarations
from flows.encrypting import encrypt_archive
from flows.exit_codes import DONE, FAILED
from flows.night import night
from flows.rebuild import rebuild_warehouse
from flows.run import Direct, Run, RunRequest
from flows.settings import Settings
from tests.flows.home_tree import files
from tests.sources.test_surveys import BOOK, put
from warehouse import archive_keys, ledger
from warehouse.archive import Archive
from warehouse.archive_keys import ArchiveKeyError
from warehouse.erasures import erasures
from warehouse.home import Home
from warehouse.store import reader

DECLARED = Declarations.read()
SURVEYS = DECLARED.sources["surveys"]
DAY = date(2026, 11, 23)
WORDS = "Our neighbour on the third floor helped us with it, as did her cousin"
WAITING = ("here-east-tenants",)  # a dataset without data: nothing is built
NUMBER = "87654"  # of the response: nothing else has these digits


def rows(*others):
    theirs = [NUMBER, "2026-03-01 10:00:00", "fi", "A5", "12", "A5", f'{WORDS},\nsays "one" who is 040 1234567']
    rest = [[str(n), "2026-03-01 10:00:00", "fi", "A5", str(n), "A2", "x"] for n in others]
    return [rest[0], theirs, *rest[1:]]


def run(home, day=DAY, sources=None):
    settings = Settings(Home(home), str(home / "portal"))
    with Direct() as runner:
        return night(Run(settings, RunRequest(day, sources or {"surveys": None}, WAITING), runner))


def erase(home, key=f"s-1/{NUMBER}", source="surveys"):
    person = erasing.person_of(DECLARED.sources[source], key)
    return erasing.erase(Settings(Home(home), str(home / "portal")), DECLARED, person)


def holders(home, *texts):
    return sorted(
        str(path.relative_to(home))
        for path in home.rglob("*")
        if path.is_file() and any(text.encode() in path.read_bytes() for text in texts)
    )


def history(home):
    with reader(Home(home)) as connection:
        return connection.execute(
            "SELECT survey_id, response_id, measure_code, value, _valid_from FROM history.surveys__responses"
            " ORDER BY ALL"
        ).fetchall()


def told(home):
    with reader(Home(home)) as connection:
        last = ledger.snapshots(connection, "surveys")[-1]
        found = ledger.findings(connection, "surveys", last.snapshot_id)
        return [one.message for one in found if one.rule == "erased"], last


@pytest.fixture(scope="module")
def two_nights(tmp_path_factory):
    """A survey of six and another; then a seventh answers, and one response is there twice: what was last known of
    it stands in. A finding and a page tell it by key, as older versions did.
    """
    home = tmp_path_factory.mktemp("surveys") / "home"
    inbox = home / "inbox" / "surveys"
    inbox.mkdir(parents=True)
    put(inbox, rows=rows(1, 2, 3, 4, 5))
    put(inbox, name="t", book=BOOK | {"survey_id": "s-2"}, rows=[[NUMBER, "", "fi", "A5", "1", "A5", "y"]])
    run(home)
    put(inbox, rows=[*rows(1, 2, 3, 4, 5, 6), rows(1)[1]])
    run(home, DAY + timedelta(days=1))
    shown = f"s-1 | {NUMBER} | satisfaction"
    with duckdb.connect(str(home / "warehouse.duckdb")) as connection:
        place = "file = 's.csv' AND row_number = 3"
        connection.execute(f"UPDATE ledger.findings SET row_key = ? WHERE {place}", [shown])
        found = connection.execute("SELECT row_key FROM ledger.findings WHERE file = 's.csv'").fetchall()
        assert {key for (key,) in found} == {shown, None}
    (home / "reports" / "old.html").write_text(f"<td>{shown}</td>")
    assert {place.split("/")[0] for place in holders(home, WORDS)} == {"raw", "inbox"}
    return home


@pytest.fixture
def home(two_nights, tmp_path):
    shutil.copytree(two_nights, tmp_path / "home")
    return tmp_path / "home"


def is_gone(home):
    """Nobody is there under the key, but for the person of the other survey with the same number."""
    assert holders(home, WORDS, "040 1234567", f"s-1 | {NUMBER}", f's-1","response_id":"{NUMBER}') == []
    assert {row[:2] for row in history(home) if row[1] == NUMBER} == {("s-2", NUMBER)}
    assert b"s-1" + NUMBER.encode() not in (home / "warehouse.duckdb").read_bytes()
    archive = Archive(Home(home), "surveys")
    for snapshot in archive.snapshots():
        assert archive.verify(snapshot) == []
        assert archive.tidy(snapshot) == []


def is_nothing_new(home, day, folder):
    """A night that is given a folder takes in nothing, and leaves the warehouse as it is."""
    before = (home / "warehouse.duckdb").read_bytes()
    assert run(home, day, {"surveys": str(folder)}).sources[0].state == "unchanged"
    assert (home / "warehouse.duckdb").read_bytes() == before


def test_a_person_is_nowhere_and_all_others_are_where_they_were(home):
    before, inbox = history(home), (home / "inbox" / "surveys" / "s.csv").read_bytes()
    ids = [snapshot.id for snapshot in Archive(Home(home), "surveys").snapshots()]
    done = erase(home)
    assert done.is_done
    found = {place.name: place.found for place in done.places}
    assert (found["raw archive, records"], found["inbox, records"]) == (3, 2)
    assert found["warehouse, rows"] > 0
    is_gone(home)
    assert (home / "reports" / "old.html").read_text() == "<td>(withheld)satisfaction</td>"
    with reader(Home(home)) as connection:  # nor does a finding tell of their rows by their place
        assert connection.execute("FROM ledger.findings WHERE file = 's.csv'").fetchall() == []
    assert history(home) == [row for row in before if row[:2] != ("s-1", NUMBER)]
    assert [snapshot.id for snapshot in Archive(Home(home), "surveys").snapshots()] == ids
    left = (home / "inbox" / "surveys" / "s.csv").read_bytes()
    assert left == b"".join(line for line in inbox.splitlines(keepends=True) if line[:1] in b"\xef123456")


def test_the_key_stands_nowhere(home):
    erase(home)
    (only,) = erasures(Home(home))
    assert only.is_of(("s-1", NUMBER))
    assert NUMBER not in (home / "erasures.json").read_text()
    assert not any(NUMBER in path for path in holders(home, f"s-1/{NUMBER}"))
    again = erase(home)  # the same command again: nothing more is to be done
    assert again.is_done
    assert {place.found for place in again.places} == {0}


def test_the_same_files_again_are_nothing_new(home, two_nights, tmp_path):
    erase(home)
    for step, origin in enumerate((home / "inbox" / "surveys", two_nights / "inbox" / "surveys"), start=2):
        is_nothing_new(home, DAY + timedelta(days=step), origin)
        assert len(Archive(Home(home), "surveys").snapshots()) == 2
        is_gone(home)


def test_a_newer_export_is_taken_in_without_them_and_says_so(home, two_nights, tmp_path):
    erase(home)
    folder = tmp_path / "export"
    shutil.copytree(two_nights / "inbox" / "surveys", folder)
    put(folder, rows=rows(1, 2, 3, 4, 5, 6, 7))
    outcome = run(home, DAY + timedelta(days=5), {"surveys": str(folder)})
    assert outcome.sources[0].state == "loaded"
    day = erasures(Home(home))[0].day
    said, last = told(home)
    assert said == [f"1 record left out: erased on request on {day}."]
    assert last.data_date == DAY + timedelta(days=5)
    is_gone(home)
    assert "7" in {row[1] for row in history(home)}
    assert str(folder) in erase(home).origins
    assert len(holders(folder, WORDS)) == 1  # a folder of somebody else's is left alone
    is_nothing_new(home, DAY + timedelta(days=6), folder)


@pytest.mark.e2e
def test_a_rebuild_does_not_bring_them_back(home, two_nights):
    erase(home)
    expected = history(home)

    def rebuilt():
        with Direct() as runner:
            rebuild_warehouse(
                Run(Settings(Home(home), str(home / "portal")), RunRequest(DAY, {}, WAITING), runner)
            )

    rebuilt()
    assert history(home) == expected
    (home / "warehouse-before-rebuild-1.duckdb").unlink()
    is_gone(home)
    shutil.rmtree(home / "raw")  # a backup from before
    shutil.copytree(two_nights / "raw", home / "raw")
    rebuilt()
    assert history(home) == expected
    assert told(home)[0] == [f"1 record left out: erased on request on {erasures(Home(home))[0].day}."]


@pytest.mark.e2e
def test_after_their_time_files_without_a_person_go_like_others(home, two_nights):
    erase(home)
    end = DAY + timedelta(days=SURVEYS.retention_days + 1)
    run(home, end)
    assert history(home) == []
    is_nothing_new(home, end + timedelta(days=1), two_nights / "inbox" / "surveys")
    assert len(Archive(Home(home), "surveys").snapshots()) == 2


@pytest.mark.e2e
def test_two_people_one_after_the_other(home, two_nights):
    erase(home, "s-1/3")
    erase(home)
    is_gone(home)
    assert {row[1] for row in history(home) if row[0] == "s-1"} == {"1", "2", "4", "5", "6"}
    is_nothing_new(home, DAY + timedelta(days=2), two_nights / "inbox" / "surveys")
    files_ = [file for one in Archive(Home(home), "surveys").snapshots() for file in one.files if file.lacking]
    assert {len(file.lacking.asked) for file in files_} == {2, 3}


@pytest.mark.e2e
def test_an_export_that_nobody_can_look_into_is_not_taken_in(home, tmp_path):
    erase(home)
    put(tmp_path / "new", name="u", book=None, rows=rows(1))
    outcome = run(home, DAY + timedelta(days=5), {"surveys": str(tmp_path / "new")})
    assert outcome.sources[0].state == "failed"
    assert "whether it holds somebody who was erased" in outcome.sources[0].message
    is_gone(home)


@pytest.mark.parametrize(
    ("source", "key", "says"),
    [
        ("surveys", "s-1/99", "nobody with this key is in the raw archive"),
        ("surveys", f"s-3/{NUMBER}", "nobody with this key"),
        ("surveys", "s-1", "survey_id/response_id: give as many values"),
        ("surveys", "s-1/", "none of them empty"),
        ("surveys", '{"survey_id": "s-1"}', "give as many values"),
        ("innovators_club", "a", "attendance counts people and holds nobody"),
        ("threesixty_giving", "a", "individual_grants has no person_key"),
        ("agile_pilots", "a", "no table of it is about people"),
    ],
)
def test_who_cannot_be_erased_is_said_and_nothing_is_written(home, source, key, says):
    before = files(home)
    with pytest.raises(erasing.ErasureError, match=says) as raised:
        erase(home, key, source)
    assert NUMBER not in str(raised.value)
    assert files(home) == before


def test_the_command_says_what_is_left_and_what_it_cannot_reach(home, capsys):
    def command(*arguments):
        with pytest.raises(SystemExit) as ended:
            cli.main(["erase", "surveys", *arguments, "--home", str(home)])
        return ended.value.code, capsys.readouterr()

    code, said = command(f"s-1/{NUMBER}", "--json")
    assert code == DONE
    assert {place["left"] for place in json.loads(said.out)["places"]} == {0}
    code, said = command(f"s-1/{NUMBER}")
    assert (code, NUMBER in said.out + said.err) == (DONE, False)
    for words in (
        "raw archive, records: 0 found, 0 left",
        "backups",
        "the survey tool",
        "releases, files: 0 found",
    ):
        assert words in said.out
    code, said = command("s-1/99")
    assert (code, said.out) == (FAILED, "")


def test_a_copy_of_the_export_that_lies_elsewhere_in_the_home_is_named(home):
    shutil.copyfile(home / "inbox" / "surveys" / "s.csv", home / "inbox" / "s (copy).csv")
    done = erase(home)
    assert done.left == ("inbox/s (copy).csv",)
    assert not done.is_done


KILLED = """
import os, pathlib, shutil, sys
from flows import erasing
from flows.settings import Settings
from flows.declarations import Declarations
from flows.encrypting import encrypt_archive
from warehouse.home import Home
home, key, last = pathlib.Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
calls = 0
def counted(where, name):
    real = getattr(where, name)
    def call(*arguments, **named):
        global calls
        calls += 1
        if calls == last:
            os._exit(9)
        return real(*arguments, **named)
    setattr(where, name, call)
for name in ("replace", "rename", "unlink", "write_bytes"):
    counted(pathlib.Path, name)
counted(shutil, "rmtree")
declared = Declarations.read()
person = erasing.person_of(declared.sources["surveys"], key)
erasing.erase(Settings(Home(home), str(home / "portal")), declared, person)
print(calls)
"""


@pytest.mark.e2e
def test_killed_anywhere_and_called_again_it_ends_the_same(home, two_nights, tmp_path):
    def in_process(place, last):
        arguments = [sys.executable, "-c", KILLED, str(place), f"s-1/{NUMBER}", str(last)]
        return subprocess.run(arguments, capture_output=True, text=True, check=False)

    whole = in_process(home, 0)
    assert whole.returncode == 0, whole.stderr
    expected, calls = history(home), int(whole.stdout)
    inbox = (home / "inbox" / "surveys" / "s.csv").read_bytes()
    for number, last in enumerate(range(2, calls, max(1, calls // 8))):
        place = tmp_path / f"killed-{number}" / "home"
        shutil.copytree(two_nights, place)
        assert in_process(place, last).returncode == 9
        assert erase(place).is_done, last
        is_gone(place)
        assert history(place) == expected
        assert (place / "inbox" / "surveys" / "s.csv").read_bytes() == inbox


@pytest.mark.e2e
@pytest.mark.parametrize("step", ["_clean", "_clean_archive", "_clean_given"])
def test_a_night_between_brings_nobody_back(home, monkeypatch, step):
    def killed(*arguments):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(erasing, step, killed)
        with pytest.raises(KeyboardInterrupt):
            erase(home)
    run(home, DAY + timedelta(days=2))
    assert erase(home).is_done
    is_gone(home)


@pytest.mark.e2e
def test_of_an_encrypted_archive_too(home, two_nights, monkeypatch):
    with monkeypatch.context() as given:
        given.setenv(archive_keys.VARIABLE, archive_keys.new_key())
        encrypt_archive(Settings(Home(home), str(home / "portal")), DECLARED)
        assert erase(home).is_done
        assert not any(path.startswith("raw") for path in holders(home, "2026-03-01 10:00:00"))
        is_gone(home)
        is_nothing_new(home, DAY + timedelta(days=2), two_nights / "inbox" / "surveys")
    before = files(home)
    with pytest.raises(ArchiveKeyError):
        erase(home, "s-1/3")
    assert files(home) == before
