"""Personal data in a workbook: a night lets nothing of it out, and a withdrawal takes out what was let out."""

import json
import re
import shutil
import subprocess
import sys
import zipfile
from datetime import date

import duckdb
import pytest

from flows import cli, publishing, withdrawing
from flows.declarations import Declarations
from flows.night import night
from flows.outcomes import DONE, HELD
from flows.run import Direct, Run, RunRequest
from flows.settings import Settings
from publish.release import load_release, verify_release
from tests import workbook_factory as factory
from tests.canaries import Cage, canaries_below
from tests.flows.home_tree import files
from warehouse import ledger
from warehouse.home import Home
from warehouse.store import reader

SECRETS = ("matti.meikalainen@firma.fi", "040 123 4567", "131052-308T")
DAY = date(2026, 11, 23)


def run(home, workbook, day=DAY):
    settings = Settings(Home(home), str(home / "portal"))
    with Direct() as runner:
        return night(Run(settings, RunRequest(day, {"agile_pilots": str(workbook)}, ("agile-pilots",)), runner))


def workbook(path, **values):
    path.parent.mkdir(exist_ok=True)
    rows = [factory.pilot(1, **values), *(factory.pilot(number) for number in range(2, 13))]
    return factory.save(path, {"Pilots": factory.table(rows), "Rounds": factory.table([factory.ROUND])})


def holders(home, *secrets, private=("raw", "staging", "inbox")):
    """Files below a home, but for private ones, whose bytes or contents hold one of the texts."""
    found = []
    for path in sorted(home.rglob("*")):
        if not path.is_file() or path.relative_to(home).parts[0] in private:
            continue
        contents = [path.read_bytes(), str(path.relative_to(home)).encode()]
        if path.suffix == ".parquet":
            contents.append(repr(duckdb.read_parquet(str(path)).fetchall()).encode())
        elif zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as book:
                contents += [book.read(name) for name in book.namelist()]
        found += [(str(path.relative_to(home)), s) for s in secrets if any(s.encode() in one for one in contents)]
    return found


@pytest.fixture
def home(tmp_path):
    return tmp_path / "home"


def test_a_night_leaves_nothing_of_it_but_in_what_goes_back_to_its_keeper(home, tmp_path):
    name = f"pilots {SECRETS[0]}.xlsx"
    book = workbook(
        tmp_path / name,
        **{
            "Description": f"Ask {SECRETS[0]}.",
            "Result": f"Call {SECRETS[1]}.",
            "Note": f"Tested by {SECRETS[2]}",
        },
    )
    outcome = run(home, book)
    assert outcome.exit_code == HELD
    (row,) = duckdb.sql(
        f"SELECT description, result, held_columns FROM '{home}/portal/datasets/agile-pilots/agile-pilots.parquet'"
        " WHERE pilot_id = 'demo-1'"
    ).fetchall()
    assert row == (None, None, "description;result")
    assert SECRETS[0] not in repr(outcome)
    left = [(path, secret) for path, secret in holders(home, *SECRETS) if "annotated" not in path]
    assert left == []


# --- withdrawing ------------------------------------------------------------------------------------------


WORDS = 'Ask Matti Meikäläinen of Flat 4 & "his" neighbours, who tested it for us in the summer of 2016'
DATASET = "agile-pilots"


def withdraw(home, key="demo-1", column="description", why="A person is named."):
    declared = Declarations.read()
    dataset = declared.datasets[DATASET]
    target = withdrawing.Target(dataset, withdrawing.key_of(dataset, key), column)
    return withdrawing.withdraw(Settings(Home(home), str(home / "portal")), declared, target, why)


def released(home):
    """By version, the rows of a release's Parquet file by key."""
    with reader(Home(home)) as connection:
        releases = ledger.releases(connection, DATASET)
    found = {}
    for release in releases:
        path = home / "releases" / DATASET / release.version / f"{DATASET}.parquet"
        rows = duckdb.sql(f"SELECT pilot_id, description FROM '{path}'").fetchall()
        found[release.version] = dict(rows)
    return found


def is_whole(home):
    """Releases have their sums, in the ledger and in their folders, and the portal shows the last one."""
    with reader(Home(home)) as connection:
        releases = ledger.releases(connection, DATASET)
    for release in releases:
        folder = home / "releases" / DATASET / release.version
        assert load_release(folder) == release
        assert verify_release(folder) == []
    assert not publishing.plan(Settings(Home(home), str(home / "portal")), Declarations.read(), [DATASET])


@pytest.fixture(scope="module")
def three_nights(tmp_path_factory):
    """A text that the screen cannot see, then a workbook with another change, then the text mended."""
    folder = tmp_path_factory.mktemp("nights")
    home = folder / "home"
    for number, text in enumerate((WORDS, WORDS, "Tested by its residents"), start=1):
        values = {"Description": text, "Participants": number, "Source": text}
        run(home, workbook(folder / f"{number}" / "pilots.xlsx", **values), date(2026, 11, number))
    assert len(released(home)) == 3
    found = {path.split("/")[0] for path, _ in holders(home, WORDS[:20])}
    assert found == {"portal", "releases", "reports", "warehouse.duckdb"}
    return home


@pytest.fixture
def nights(three_nights, tmp_path):
    shutil.copytree(three_nights, tmp_path / "home")
    return tmp_path / "home"


def test_a_withdrawn_value_is_nowhere_but_in_the_raw_archive(nights):
    before = released(nights)
    done = withdraw(nights)
    assert done.versions == ("2026-11-01", "2026-11-02", "2026-11-03")
    assert (done.left, done.portal.problems) == ((), {})
    assert holders(nights, "Matti", "Meikäläinen", private=("raw",)) == []
    for version, rows in released(nights).items():
        assert rows == {**before[version], "demo-1": None}
        tombstone = json.loads((nights / "releases" / DATASET / version / "withdrawn.json").read_text())
        (only,) = tombstone["withdrawn"]
        assert (only["key"], only["column"]) == ('{"pilot_id":"demo-1"}', "description")
        assert only["why"] == "A person is named."
    is_whole(nights)


def test_it_stays_withdrawn_in_later_nights_and_after_a_rebuild_until_it_is_lifted(nights, tmp_path):
    withdraw(nights)
    book = workbook(tmp_path / "new" / "pilots.xlsx", Description=WORDS, Participants=9)
    assert run(nights, book, date(2026, 11, 4)).exit_code == DONE
    assert released(nights)["2026-11-04"]["demo-1"] is None
    (nights / "warehouse.duckdb").unlink()
    shutil.rmtree(nights / "releases")
    assert run(nights, book, date(2026, 11, 4)).exit_code == DONE
    assert released(nights) == {
        "2026-11-04": {f"demo-{n}": None if n == 1 else "A demonstration" for n in range(1, 13)}
    }
    mended = workbook(tmp_path / "mended" / "pilots.xlsx", Description="Tested by residents", Participants=9)
    run(nights, mended, date(2026, 11, 5))
    target = withdrawing.Target(Declarations.read().datasets[DATASET], {"pilot_id": "demo-1"}, "description")
    withdrawing.lift(Settings(Home(nights), str(nights / "portal")), target)
    run(nights, mended, date(2026, 11, 5))
    assert list(released(nights).values())[-1]["demo-1"] == "Tested by residents"
    with pytest.raises(withdrawing.WithdrawalError, match="nothing of agile-pilots is withdrawn"):
        withdrawing.lift(Settings(Home(nights), str(nights / "portal")), target)


def test_a_withdrawn_row_leaves_every_file_and_its_list_of_changes(nights):
    done = withdraw(nights, column=None)
    assert len(done.versions) == 3
    for version, rows in released(nights).items():
        assert len(rows) == 11
        assert "demo-1" not in rows
        folder = nights / "releases" / DATASET / version
        assert "demo-1," not in (folder / "changes.csv").read_text()
        assert load_release(folder).rows == 11
        assert json.loads((folder / "datapackage.json").read_text())["rows"] == 11
    is_whole(nights)
    again = withdraw(nights, column=None)  # nothing more is to be done
    assert again.versions == done.versions
    is_whole(nights)


@pytest.mark.prove
def test_a_row_that_had_left_before_leaves_no_trace_and_no_dead_link(home, tmp_path):
    cage = Cage()
    told = {"Description": cage.words("demo-1", "description"), "Result": cage.words("demo-1", "result")}
    pilots = [factory.pilot(1, **told), *(factory.pilot(number) for number in range(2, 14))]
    for number, rows in enumerate((pilots[:12], pilots[1:12], pilots[1:]), start=1):
        book = {"Pilots": factory.table(rows), "Rounds": factory.table([factory.ROUND])}
        path = factory.save(tmp_path / f"{number}.xlsx", book)
        assert run(home, path, date(2026, 11, number)).exit_code == DONE
    everywhere = {path.split("/")[0] for path in canaries_below(home)}
    assert everywhere >= {"portal", "releases", "warehouse.duckdb", "raw"}
    assert withdraw(home, column=None).left == ()
    assert canaries_below(home, but=("raw",)) == {}
    is_whole(home)
    folders = [home / "releases" / DATASET / f"2026-11-0{number}" for number in (1, 2, 3)]
    counts = {(one.version, one.rows, one.removed) for one in map(load_release, folders)}
    assert counts == {("2026-11-01", 11, 0), ("2026-11-02", 11, 0), ("2026-11-03", 12, 0)}
    for folder in folders:
        logged = json.loads((folder / "changelog.json").read_text())["versions"]
        assert {(one["version"], one["rows"], one["removed"]) for one in logged} <= counts
    links = re.compile(r'(?:href|src)="([^"#?:]+)["#?]')
    pages = [path for path in (home / "portal").rglob("*") if path.suffix in (".html", ".xml", ".atom")]
    dead = [
        (path, link)
        for path in pages
        for link in links.findall(path.read_text())
        if not (path.parent / link).exists()
    ]
    assert pages
    assert dead == []


SHARED = "See the page on which the city and its partners tell of all of their pilots"
BEGINNING = "Workshops with groups of learners in a modern library, held in the spring of 2016 by "
OWN = BEGINNING + "a family in their own flat, which " + "they tell of at some length, and " * 8 + "that was all"
OTHER = BEGINNING + "the teachers of a school"


@pytest.fixture(scope="module")
def two_nights(tmp_path_factory):
    """Rows that share a text, and the beginning of another; reports tell of both, as of wrong addresses."""
    folder = tmp_path_factory.mktemp("sharing")
    home = folder / "home"
    for number in (1, 2):
        path = folder / f"{number}" / "pilots.xlsx"
        others = (
            factory.pilot(2, Description=SHARED, Source=SHARED, Participants=number),
            factory.pilot(3, Description=OTHER, Source=OTHER),
            factory.pilot(4, Description=f"{SHARED}, with more of it"),
        )
        rows = [
            factory.pilot(1, Description=OWN, Result=SHARED, Source=OWN, Participants=number),
            *others,
            *(factory.pilot(number) for number in range(5, 13)),
        ]
        path.parent.mkdir()
        factory.save(path, {"Pilots": factory.table(rows), "Rounds": factory.table([factory.ROUND])})
        run(home, path, date(2026, 11, number))
    assert len(released(home)) == 2
    for text in (SHARED, OTHER, OWN[:150]):
        assert {path.split("/")[0] for path, _ in holders(home, text)} >= {"portal", "releases", "reports"}
    return home


@pytest.fixture
def sharing(two_nights, tmp_path):
    shutil.copytree(two_nights, tmp_path / "home")
    return tmp_path / "home"


def told(home):
    """By report and finding, the texts that rows share with others."""
    places = [place for place in holders(home, SHARED, OTHER) if place[0].startswith("reports")]
    with reader(Home(home)) as connection:
        findings = connection.execute(
            "SELECT finding_id, value FROM ledger.findings WHERE row_key <> 'demo-1' ORDER BY ALL"
        ).fetchall()
    return places, findings


def is_without_its_row(home, before):
    """The row and its own text are gone, all other rows stand as they stood."""
    assert holders(home, OWN[: len(BEGINNING) + 8], private=("raw",)) == []
    assert released(home) == {
        version: {key: text for key, text in rows.items() if key != "demo-1"} for version, rows in before.items()
    }
    is_whole(home)


def test_a_text_that_other_rows_hold_is_not_the_withdrawn_rows_own(sharing):
    before, was_told = released(sharing), told(sharing)
    assert len(was_told[0]) >= 4
    assert {SHARED, OTHER} <= {value for _, value in was_told[1]}
    done = withdraw(sharing, column=None)
    assert (done.left, done.portal.problems) == ((), {})
    assert told(sharing) == was_told
    is_without_its_row(sharing, before)


@pytest.mark.parametrize("step", ["_clean_files", "rewrite", "_clean_warehouse", "compact"])
def test_a_run_that_goes_on_knows_what_is_the_rows_own(sharing, monkeypatch, step):
    before, was_told = released(sharing), told(sharing)
    real, calls, needles = getattr(withdrawing, step), [], []

    def killed(*arguments):
        calls.append(step)
        if step != "rewrite" or len(calls) == 2:
            raise KeyboardInterrupt
        return real(*arguments)

    clean = withdrawing._clean_warehouse
    with monkeypatch.context() as patch:
        patch.setattr(withdrawing, step, killed)
        with pytest.raises(KeyboardInterrupt):
            withdraw(sharing, column=None)
    monkeypatch.setattr(withdrawing, "_clean_warehouse", lambda *all_: (needles.append(all_[-1]), clean(*all_)))
    assert withdraw(sharing, column=None).left == ()
    assert [(needle.text, OTHER.startswith(needle.found_by)) for needle in needles[0]] == [(OWN, False)]
    assert told(sharing) == was_told
    is_without_its_row(sharing, before)


def test_a_text_that_the_screen_knows_is_told_of_wherever_a_row_that_stays_holds_it(sharing, monkeypatch):
    monkeypatch.setattr(withdrawing, "find_personal", lambda text: ("a name",) if text == SHARED else ())
    done = withdraw(sharing, column=None)
    assert {f"releases/{DATASET}/2026-11-0{n}/{DATASET}.csv" for n in (1, 2)} <= set(done.left)
    assert [place for place in holders(sharing, SHARED) if place[0].startswith("reports")] == []


def test_of_a_single_value_the_same_in_another_row_is_told(sharing):
    done = withdraw(sharing, key="demo-2")
    assert f"releases/{DATASET}/2026-11-02/{DATASET}.csv" in done.left


def test_what_a_withdrawn_row_shared_with_one_that_is_withdrawn_too_goes_with_it(sharing):
    for key in ("demo-4", "demo-2", "demo-1"):
        assert withdraw(sharing, key=key, column=None).left == ()
    assert holders(sharing, SHARED, private=("raw",)) == []


def test_the_night_after_a_withdrawal_has_nothing_to_do(nights, three_nights):
    withdraw(nights)
    book = next((three_nights.parent / "3").glob("*.xlsx"))
    outcome = run(nights, book, date(2026, 11, 3))
    assert (outcome.run_id, outcome.portal.writes) == (None, 0)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"column": "pilot_name"}, "must not be empty"),
        ({"column": "pilot_id"}, "must not be empty"),
        ({"column": "nothing"}, "has no column nothing"),
        ({"key": "demo-99"}, "no release of agile-pilots holds such a value"),
        ({"key": "demo-1 | x"}, "the key of agile-pilots is pilot_id"),
        ({"why": " "}, "say why"),
        ({"why": f"{SECRETS[0]} asked"}, "must not hold personal data"),
    ],
)
def test_what_cannot_be_withdrawn_is_said_and_nothing_is_written(nights, given, message):
    before = files(nights)
    with pytest.raises(withdrawing.WithdrawalError, match=message):
        withdraw(nights, **given)
    assert files(nights) == before


KILLED = """
import os, pathlib, shutil, sys
from flows import withdrawing
from flows.settings import Settings
from flows.declarations import Declarations
from warehouse.home import Home
from publish import folders
home, last = pathlib.Path(sys.argv[1]), int(sys.argv[2])
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
for name in ("replace", "rename", "unlink"):
    counted(pathlib.Path, name)
counted(shutil, "rmtree")
counted(folders, "exchange")
declared = Declarations.read()
target = withdrawing.Target(declared.datasets["agile-pilots"], {"pilot_id": "demo-1"}, "description")
withdrawing.withdraw(Settings(Home(home), str(home / "portal")), declared, target, "A person is named.")
print(calls)
"""


@pytest.mark.e2e
@pytest.mark.parametrize("times", [3, pytest.param(12, marks=pytest.mark.prove)])
def test_killed_anywhere_and_called_again_it_ends_the_same(nights, three_nights, tmp_path, times):
    def in_process(home, last):
        return subprocess.run(
            [sys.executable, "-c", KILLED, str(home), str(last)], capture_output=True, text=True, check=False
        )

    whole = in_process(nights, 0)
    assert whole.returncode == 0, whole.stderr
    calls = int(whole.stdout)
    expected = released(nights)
    for number, last in enumerate(range(2, calls, max(1, calls // times))):
        home = tmp_path / f"killed-{number}" / "home"
        shutil.copytree(three_nights, home)
        assert in_process(home, last).returncode == 9
        done = withdraw(home)
        assert (done.left, done.portal.problems) == ((), {})
        assert holders(home, "Matti", "Meikäläinen", private=("raw",)) == [], last
        assert released(home) == expected
        is_whole(home)


def test_the_command_says_what_it_reached_and_what_it_cannot(nights, capsys):
    with pytest.raises(SystemExit) as ended:
        cli.main(
            ["withdraw", DATASET, "demo-1", "--column", "description", "--why", "Named.", "--home", str(nights)]
        )
    assert ended.value.code == DONE
    told = capsys.readouterr().out
    assert "taken out of 2026-11-01, 2026-11-02, 2026-11-03" in told
    assert "copies that others have downloaded" in told
    assert "Matti" not in told
