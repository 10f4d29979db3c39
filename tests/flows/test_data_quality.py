"""What was found, as a dataset: what was held, whose turn it is, the next step; no value of a row; no loop."""

from __future__ import annotations

import csv
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest

from flows.declarations import Declarations
from flows.due import due_builds
from flows.night import night
from flows.outcomes import DONE, HELD, NightOutcome
from flows.run import Direct, Run, RunRequest
from flows.settings import Settings
from tests import workbook_factory as factory
from tests.flows.home_tree import stamps
from warehouse import ledger
from warehouse.curate import ModelError, load_model
from warehouse.home import Home
from warehouse.quality import score_of
from warehouse.store import reader

FIRST, SECOND, THIRD = date(2026, 11, 2), date(2026, 11, 9), date(2026, 11, 16)
DATASETS = ("agile-pilots", "data-quality")
QUESTION = """
SELECT subject_name, standing_date, turn_code, next_step, sum(error_count + critical_count) AS findings_count
FROM data_quality WHERE is_newest AND state_code = 'held' GROUP BY ALL ORDER BY ALL"""


def run(home: Path, day: date, workbook: Path, datasets: tuple[str, ...] = DATASETS) -> NightOutcome:
    settings = Settings(Home(home), str(home / "portal"))
    with Direct() as runner:
        return night(Run(settings, RunRequest(day, {"agile_pilots": str(workbook)}, datasets), runner))


def published(home: Path) -> list[dict[str, str]]:
    with (home / "portal" / "datasets" / "data-quality" / "data-quality.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def of(rows: list[dict[str, str]], name: str, day: date) -> list[dict[str, str]]:
    return [row for row in rows if (row["subject_name"], row["data_date"]) == (name, day.isoformat())]


def without_a_column(target: Path) -> Path:
    rows = [{key: value for key, value in factory.pilot(n).items() if key != "Pilot"} for n in range(1, 4)]
    return factory.save(target, {"Pilots": factory.table(rows), "Rounds": factory.table([factory.ROUND])})


@pytest.fixture(scope="module")
def weeks(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[NightOutcome]]:
    """Three weeks of one workbook: good, of no use, with wrong cells."""
    root = tmp_path_factory.mktemp("weeks")
    files = []
    for number, make in enumerate(
        (factory.good_workbook, without_a_column, factory.workbook_with_one_of_each_error)
    ):
        (root / str(number)).mkdir()
        files.append(make(root / str(number) / "pilots.xlsx"))
    days = (FIRST, SECOND, THIRD)
    home = root / "home"
    outcomes = [run(home, day, file) for day, file in zip(days, files, strict=True)]
    return home, outcomes


def as_of(home: Path, day: date) -> list[dict[str, str]]:
    with (home / "releases" / "data-quality" / day.isoformat() / "data-quality.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_what_was_held_says_what_stands_in_whose_turn_it_is_and_the_next_step(
    weeks: tuple[Path, list[NightOutcome]],
) -> None:
    home, (good, held, _) = weeks
    assert (good.exit_code, held.exit_code) == (DONE, HELD)
    (source,) = {row["state_code"] for row in of(as_of(home, FIRST), "agile_pilots", FIRST)}
    assert source == "accepted"
    rows = as_of(home, SECOND)
    (before,) = {
        (row["state_code"], row["is_newest"], row["turn_code"]) for row in of(rows, "agile_pilots", FIRST)
    }
    assert before == ("stale", "false", "")
    now = of(rows, "agile_pilots", SECOND)
    assert {(row["state_code"], row["standing_date"], row["turn_code"], row["next_step"]) for row in now} == {
        ("held", FIRST.isoformat(), "coordinator", "Mend 1 thing and hand the file in again.")
    }
    assert {row["accepted_count"] for row in now} <= {"0", ""}
    (told,) = [row for row in now if row["rule_id"] == "missing-column"]
    assert (told["table_name"], told["column_name"], told["critical_count"]) == ("pilots", "pilot_name", "1")
    assert told["rule_title"] == "Missing column"


def test_a_query_on_the_published_file_answers_what_was_held(weeks: tuple[Path, list[NightOutcome]]) -> None:
    home, _ = weeks
    file = home / "releases" / "data-quality" / SECOND.isoformat() / "data-quality.parquet"
    with duckdb.connect() as connection:
        connection.execute(f"CREATE VIEW data_quality AS FROM '{file}'")
        answer: list[tuple[Any, ...]] = connection.execute(QUESTION).fetchall()
    assert answer == [("agile_pilots", FIRST, "coordinator", "Mend 1 thing and hand the file in again.", 1)]


def test_findings_are_counted_by_rule_and_column_and_no_value_of_a_row_is_told(
    weeks: tuple[Path, list[NightOutcome]],
) -> None:
    home, outcomes = weeks
    (source,) = outcomes[-1].sources
    assert source.snapshot is not None
    with reader(Home(home)) as connection:
        found = ledger.findings(connection, "agile_pilots", source.snapshot.snapshot_id)
    now = of(published(home), "agile_pilots", THIRD)
    assert sum(int(row["error_count"]) for row in now) == sum(one.severity == "error" for one in found)
    assert {row["column_name"] for row in now if row["rule_id"] == "unknown-column"} == {"none"}
    (pilots,) = {
        (row["rows_count"], row["accepted_count"], row["quarantined_count"])
        for row in now
        if row["table_name"] == "pilots"
    }
    load = source.snapshot.tables["pilots"]
    assert pilots == (str(load.staged), str(load.accepted), str(load.quarantined))
    texts = {text for row in published(home) for text in row.values()}
    values = {one.value for one in found if one.value and not one.value.isdigit()}
    assert len(values) > 10
    assert not values & texts
    assert not {one.message for one in found} & texts


def test_every_date_has_a_score_and_the_newest_the_step_that_would_raise_it_most(
    weeks: tuple[Path, list[NightOutcome]],
) -> None:
    home, _ = weeks
    rows = published(home)
    scores = {}
    for day in (FIRST, SECOND, THIRD):
        (scores[day],) = {row["quality_score"] for row in of(rows, "agile_pilots", day)}
    assert float(scores[FIRST]) == 100
    assert float(scores[SECOND]) < 50  # held: half of it counts
    assert 90 < float(scores[THIRD]) < 100
    now = of(rows, "agile_pilots", THIRD)
    (step,) = {(row["score_step"], row["score_step_points"]) for row in now}
    # the step is that of the row that is worth most
    best = max((row for row in now if row["gain_points"]), key=lambda row: float(row["gain_points"]))
    assert best["gain_points"] == step[1]
    assert f"“{best['column_title']}”" in step[0]
    assert f"“{best['table_title']}”" in step[0]
    assert {row["score_step"] for day in (FIRST, SECOND) for row in of(rows, "agile_pilots", day)} == {""}
    for row in now:
        if row["failed_count"]:
            assert int(row["failed_count"]) <= int(row["judged_count"])
            assert row["dimension_code"]
    with reader(Home(home)) as connection:
        made = score_of(connection, "agile_pilots", Declarations.read().sources["agile_pilots"])
    assert made is not None
    assert (str(made.value), made.next_step) == (scores[THIRD], step[0])


def test_datasets_are_told_and_the_telling_itself_is_not(weeks: tuple[Path, list[NightOutcome]]) -> None:
    home, _ = weeks
    rows = published(home)
    assert {row["subject_name"] for row in rows if row["kind_code"] == "dataset"} == {"agile-pilots"}
    assert {row["data_date"] for row in rows if row["kind_code"] == "dataset"} == {
        FIRST.isoformat(),
        THIRD.isoformat(),  # nothing was made of what was held
    }


def test_a_night_with_nothing_new_writes_nothing(weeks: tuple[Path, list[NightOutcome]], tmp_path: Path) -> None:
    home, _ = weeks
    workbook = home.parent / "2" / "pilots.xlsx"
    before = stamps(home)
    again = run(home, THIRD, workbook)
    assert (again.run_id, again.portal.writes) == (None, 0)
    after = stamps(home)
    assert {name for name in after if before.get(name) != after[name]} == {"raw/agile_pilots/origins.json"}


def test_what_is_built_without_it_is_told_by_the_next_night(tmp_path: Path) -> None:
    workbook = factory.good_workbook(tmp_path / "pilots.xlsx")
    home = tmp_path / "home"
    run(home, FIRST, workbook, ("data-quality",))
    assert {row["kind_code"] for row in published(home)} == {"source"}
    run(home, FIRST, workbook)
    assert {row["kind_code"] for row in published(home)} == {"source", "dataset"}
    with reader(Home(home)) as connection:
        declared = Declarations.read()
        known = {name: ledger.snapshots(connection, name) for name in declared.sources}
        curated = {name: ledger.curations(connection, name) for name in declared.datasets}
    with Direct() as runner:
        settings = Settings(Home(home), str(home / "portal"))
        asking = Run(settings, RunRequest(FIRST, {}, DATASETS), runner, declarations=declared)
        assert due_builds(asking, known, curated) == {}


def test_no_model_reads_the_ledger_itself(tmp_path: Path) -> None:
    (tmp_path / "curious.sql").write_text("SELECT value FROM ledger.findings")
    with pytest.raises(ModelError, match="repeat values of rows"):
        load_model("curious", tmp_path)
