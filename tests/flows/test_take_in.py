"""One rule for which files make one snapshot: what a backfill takes in is what the nights would have taken."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from dev.synthetic_register import write_register
from flows import steps
from flows.backfill import take_in
from flows.listing import list_windows
from flows.run import Direct, Run, RunRequest
from flows.settings import Settings
from tests import workbook_factory
from warehouse.archive import Archive
from warehouse.home import Home

FIRST, LAST = date(2026, 1, 1), date(2026, 12, 31)


def run(home: Path, source: str, folder: Path) -> Run:
    """A backfill's run on an empty home, from one source's folder."""
    return Run(Settings(Home(home), portal=""), RunRequest(LAST, {source: str(folder)}), Direct())


def test_a_backfill_takes_in_what_the_nights_take(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    write_register(folder, rows=30, day=date(2026, 1, 1), parts=2)
    write_register(folder, rows=30, day=date(2026, 2, 1), parts=3)[1].unlink()
    write_register(folder, rows=30, day=date(2026, 3, 1), parts=2)
    write_register(folder, rows=30, day=date(2026, 3, 1))
    (folder / "Accounts_Bulk_Data-2026-04-01.zip").write_bytes(b"PK")
    name = "companies_house"
    by_night, by_backfill = (run(tmp_path / place, name, folder) for place in ("nights", "backfill"))
    for month in (1, 2, 3, 4):
        steps.pull(by_night, name, str(folder), date(2026, month, 9))
    listed = list_windows(by_backfill, FIRST, LAST)
    take_in(by_backfill, FIRST, LAST)
    kept, nightly = (Archive(one.settings.home, name).snapshots() for one in (by_backfill, by_night))
    assert [(s.id, s.files) for s in kept] == [(s.id, s.files) for s in nightly]
    assert [len(snapshot.files) for snapshot in kept] == [2, 2, 1]
    assert [row["what"] for row in listed] == [", ".join(f.name for f in snapshot.files) for snapshot in kept]
    assert [row["state"] for row in listed] == [
        "to take in",
        "to take in, but for part 2, which is missing",
        "to take in",
    ]
    assert [s.date for s in kept] == [date(2026, 1, 1), date(2026, 2, 1), date(2026, 3, 1)]


def test_dated_workbooks_are_taken_in_each_at_its_date(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    for day in ("2026-02-01", "2026-01-01"):  # the older one was written last
        workbook_factory.good_workbook(folder / f"pilots {day}.xlsx")
        (folder / f"pilots {day}.xlsx").write_bytes((folder / f"pilots {day}.xlsx").read_bytes() + day.encode())
    here = run(tmp_path / "home", "agile_pilots", folder)
    take_in(here, FIRST, LAST)
    kept = Archive(here.settings.home, "agile_pilots").snapshots()
    assert [(s.date.isoformat(), [f.name for f in s.files]) for s in kept] == [
        ("2026-01-01", ["pilots 2026-01-01.xlsx"]),
        ("2026-02-01", ["pilots 2026-02-01.xlsx"]),
    ]
