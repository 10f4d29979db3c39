"""What models may read of the ledger: the word that stands on each date, and nothing of tables about people."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import duckdb
import pytest

from flows.declarations import Declarations
from warehouse import ledger
from warehouse.declarations import Severity
from warehouse.findings import Finding
from warehouse.home import Home
from warehouse.ledger import SnapshotRecord, TableLoad, Verdict
from warehouse.quality import Subjects, create_quality_tables

SOURCE, PEOPLE, PLAIN = "innovators_club", "attendance", "meetings"
MONDAY, TUESDAY = date(2026, 11, 2), date(2026, 11, 3)


@pytest.fixture(scope="module")
def subjects() -> Subjects:
    sources = Declarations.read().sources
    table = sources[SOURCE].table(PEOPLE)
    assert table.about_people
    return Subjects({SOURCE: sources[SOURCE]}, {})


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as opened:
        ledger.create_ledger(opened)
        yield opened


def judged(
    connection: duckdb.DuckDBPyConnection, home: Home, run_id: str, day: date, name: str, found: list[Finding]
) -> None:
    """Note a snapshot, held if something critical was found."""
    verdict = Verdict.HELD if any(one.severity is Severity.CRITICAL for one in found) else Verdict.PASSED
    if run_id not in {run.run_id for run in ledger.runs(connection, home)}:
        ledger.begin_run(connection, home, run_id, "nightly", day, {})
    loads = {PEOPLE: TableLoad(staged=3), PLAIN: TableLoad(staged=9, quarantined=2)}
    ledger.record_snapshot(
        connection,
        SnapshotRecord(SOURCE, name, day, "here", "f", verdict, verdict is not Verdict.HELD, run_id, loads),
    )
    ledger.replace_findings(connection, SOURCE, name, found)


def finding(rule: str, severity: Severity, table: str | None, column: str | None = None) -> Finding:
    return Finding(rule, severity, "secret", "secret", table, column_name=column, value="secret")


def test_nothing_is_told_of_tables_about_people_and_columns_only_where_they_are_declared(
    connection: duckdb.DuckDBPyConnection, subjects: Subjects, tmp_path: Path
) -> None:
    found = [
        finding("range", Severity.ERROR, PEOPLE, "people_count"),
        finding("unknown-column", Severity.WARNING, PLAIN, "Anna's phone"),
        finding("required", Severity.WARNING, PLAIN, "meeting_date"),
        finding("unknown-sheet", Severity.INFO, None),
    ]
    judged(connection, Home(tmp_path), "r1", MONDAY, "a", found)
    create_quality_tables(connection, subjects, MONDAY)
    assert connection.execute("SELECT table_name, rows_count, accepted_count FROM quality.loads").fetchall() == [
        (PLAIN, 9, 7)
    ]
    told = connection.execute(
        "SELECT table_name, rule_id, column_name, error_count, warning_count FROM quality.findings ORDER BY ALL"
    ).fetchall()
    assert told == [
        (PLAIN, "required", "meeting_date", 0, 1),
        (PLAIN, "unknown-column", "none", 0, 1),
        ("none", "unknown-sheet", "none", 0, 0),
    ]
    (step,) = connection.execute("SELECT turn_code, next_step FROM quality.judged").fetchall()
    assert step == ("coordinator", "Mend what was found and hand the file in again.")


def test_the_word_judged_last_stands_on_a_date_and_nothing_of_later_dates_is_known(
    connection: duckdb.DuckDBPyConnection, subjects: Subjects, tmp_path: Path
) -> None:
    home, bad = Home(tmp_path), [finding("unreadable", Severity.CRITICAL, None)]
    judged(connection, home, "r1", MONDAY, "b", bad)
    judged(connection, home, "r2", MONDAY, "a", [])  # mended the same day
    judged(connection, home, "r3", TUESDAY, "c", bad)
    for day, stands in ((MONDAY, [(MONDAY, "a", False)]), (TUESDAY, [(MONDAY, "a", False), (TUESDAY, "c", True)])):
        create_quality_tables(connection, subjects, day)
        asked = "SELECT data_date, found_as, is_held FROM quality.judged ORDER BY data_date"
        assert connection.execute(asked).fetchall() == stands
