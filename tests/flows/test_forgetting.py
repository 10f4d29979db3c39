"""When people's answers are deleted, their true counts are too; what was published of them stands, unchanged."""

from __future__ import annotations

import re
import shutil
from datetime import date, timedelta

import duckdb
import pytest

from flows import erasing
from flows.declarations import Declarations
from flows.night import night
from flows.run import Direct, Run, RunRequest
from flows.settings import Settings
from publish.release import verify_release
from tests.sources.test_surveys import BOOK, put
from warehouse import ledger
from warehouse.home import Home
from warehouse.store import reader

DECLARED = Declarations.read()
DATASET = "pilot-evaluations"
RETENTION = DECLARED.sources["surveys"].retention_days
DAY = date(2026, 11, 23)
FEW = 271.37  # minutes that the two old ones saved together: of too few to be published
AGES = {"from_65": ["A5"], "from_18_to_29": ["A2"]}


def answers(first, many, few=()):
    """Responses: many people who saved 12 minutes each, and few old ones."""
    rows = [[str(first + n), "1980-01-01 00:00:00", "fi", "A5", "12", "A2", ""] for n in range(many)]
    old = [[str(first + many + n), "1980-01-01 00:00:00", "fi", "A1", f"{m}", "A5", ""] for n, m in enumerate(few)]
    return rows + old


def book(survey):
    return BOOK | {"survey_id": survey, "age_group": {"question": "AGE", "groups": AGES}}


def run(home, day, allowed=()):
    settings = Settings(Home(home), str(home / "portal"))
    with Direct() as runner:
        return night(Run(settings, RunRequest(day, {"surveys": None}, (DATASET,), allowed), runner))


def everything(home):
    """All that the warehouse, and the second copy of decisions, have in their tables, as text."""
    said = {}
    with duckdb.connect(str(home / "warehouse.duckdb"), read_only=True) as connection:
        for schema, table in connection.execute("SELECT schema_name, table_name FROM duckdb_tables()").fetchall():
            said[f"{schema}.{table}"] = repr(connection.execute(f'FROM "{schema}"."{table}"').fetchall())
    for path in (home / "disclosure").glob("*.parquet"):
        said[f"copy.{path.stem}"] = repr(duckdb.read_parquet(str(path)).fetchall())
    return said


def tables_with(home, text):
    return {table for table, said in everything(home).items() if text in said}


def released(home, survey):
    """The last release's rows of a survey, which is whole."""
    with reader(Home(home)) as connection:
        last = ledger.releases(connection, DATASET)[-1]
    folder = home / "releases" / DATASET / last.version
    assert verify_release(folder) == []
    found = duckdb.read_parquet(str(folder / f"{DATASET}.parquet"))
    return found.filter(f"survey_id = '{survey}'").order("ALL").fetchall()


@pytest.fixture(scope="module")
def two_surveys(tmp_path_factory):
    """An old survey with two people whom nothing may be said of, and a newer one."""
    home = tmp_path_factory.mktemp("forgetting") / "home"
    inbox = home / "inbox" / "surveys"
    inbox.mkdir(parents=True)
    put(inbox, name="old", book=book("s-old"), rows=answers(1, 40, (FEW - 100, 100)))
    run(home, DAY)
    put(inbox, name="new", book=book("s-new"), rows=answers(1, 30, (5.25, 6.5)))
    outcome = run(home, DAY + timedelta(days=100))
    assert [(one.state, one.message) for one in outcome.datasets] == [("released", "")]
    assert {"disclosure.atoms", "copy.atoms"} <= tables_with(home, str(FEW))
    assert 42 in {row[8] for row in released(home, "s-old")}
    assert None in {row[8] for row in released(home, "s-old")}
    return home


@pytest.fixture
def home(two_surveys, tmp_path):
    shutil.copytree(two_surveys, tmp_path / "home")
    return tmp_path / "home"


def decided(home, table, survey):
    with reader(Home(home)) as connection:
        return connection.execute(
            f"SELECT count(*) FROM disclosure.{table} WHERE contains(period, '\"{survey}\"')"
        ).fetchone()[0]


def test_after_their_time_true_counts_are_gone_and_what_was_published_stands(home):
    old, new = released(home, "s-old"), released(home, "s-new")
    outcome = run(home, DAY + timedelta(days=RETENTION))
    assert "deleted" in outcome.sources[0].message
    assert tables_with(home, str(FEW)) == set()
    assert {table: decided(home, table, "s-old") for table in ("atoms", "witnesses")} == {
        "atoms": 0,
        "witnesses": 0,
    }
    assert decided(home, "atoms", "s-new") > 0
    assert (released(home, "s-old"), released(home, "s-new")) == (old, new)
    inbox = home / "inbox" / "surveys"
    put(inbox, name="newest", book=book("s-newest"), rows=answers(1, 50))
    outcome = run(home, DAY + timedelta(days=RETENTION + 1))
    assert (outcome.datasets[0].state, outcome.datasets[0].message) == ("released", "")
    assert released(home, "s-newest") != []
    assert (released(home, "s-old"), released(home, "s-new")) == (old, new)
    assert tables_with(home, str(FEW)) == set()


@pytest.mark.e2e
def test_a_report_does_not_count_people(home):
    """Who compares the pages of two nights would know that one more answered."""
    put(home / "inbox" / "surveys", name="old", book=book("s-old"), rows=answers(1, 9))
    outcome = run(home, DAY + timedelta(days=101))
    message = outcome.sources[0].message
    assert re.match(r"Many rows of .+ are gone since the last good one \(up to ", message)
    own = list((home / "reports").glob("*/surveys.html"))
    assert len(own) == 3
    assert all("People checked against" in page.read_text(encoding="utf-8") for page in own)
    for path in (home / "reports").glob("*/*.html"):
        page = path.read_text(encoding="utf-8")
        assert not re.search(r"[0-9,]+ (measures in one|rows? of this table)", page)
        assert not {"84", "146", "148", "18"} & set(re.findall(r">\s*([0-9]+)\b", page))  # rows: an answer each


def test_killed_before_its_end_the_next_night_deletes_the_rest(home, monkeypatch):
    from flows import night as nights

    def killed(*arguments):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(nights, "back_up_decisions", killed)
        with pytest.raises(KeyboardInterrupt):
            run(home, DAY + timedelta(days=RETENTION))
    assert tables_with(home, str(FEW)) == {"copy.atoms"}
    run(home, DAY + timedelta(days=RETENTION))
    assert tables_with(home, str(FEW)) == set()


@pytest.mark.e2e
def test_what_had_gone_from_its_source_before_does_not_come_back(home):
    for path in (home / "inbox" / "surveys").glob("old*"):
        path.unlink()
    run(home, DAY + timedelta(days=200), ("surveys", DATASET))
    assert released(home, "s-old") == []
    run(home, DAY + timedelta(days=RETENTION))
    assert tables_with(home, str(FEW)) == set()
    assert released(home, "s-old") == []
    assert released(home, "s-new") != []


@pytest.mark.e2e
def test_of_a_period_whose_last_person_is_erased_no_true_count_is_left(home):
    old = released(home, "s-old")
    settings = Settings(Home(home), str(home / "portal"))
    put(home / "inbox" / "surveys", name="tiny", book=book("s-tiny"), rows=answers(1, 0, (FEW * 3,)))
    run(home, DAY + timedelta(days=101))
    assert decided(home, "atoms", "s-tiny") > 0
    done = erasing.erase(settings, DECLARED, erasing.person_of(DECLARED.sources["surveys"], "s-tiny/1"))
    assert done.is_done
    assert decided(home, "atoms", "s-tiny") == 0
    assert decided(home, "atoms", "s-old") > 0
    run(home, DAY + timedelta(days=102))
    assert released(home, "s-old") == old
