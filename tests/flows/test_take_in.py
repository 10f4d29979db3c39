"""One rule for which files make one snapshot: what a backfill takes in is what the nights would have taken."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from dev.synthetic_register import write_register
from flows import steps
from flows.backfill import take_in
from flows.listing import list_windows
from flows.settings import Settings
from flows.steps import Plan
from tests import workbook_factory
from warehouse.archive import Archive
from warehouse.home import Home
from warehouse.progress import silent

FIRST, LAST = date(2026, 1, 1), date(2026, 12, 31)


def settings(folder: Path) -> Settings:
    return Settings(Home(folder), portal="")


def test_a_backfill_takes_in_what_the_nights_take(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    write_register(folder, rows=30, day=date(2026, 1, 1), parts=2)
    write_register(folder, rows=30, day=date(2026, 2, 1), parts=3)[1].unlink()
    write_register(folder, rows=30, day=date(2026, 3, 1), parts=2)
    write_register(folder, rows=30, day=date(2026, 3, 1))
    (folder / "Accounts_Bulk_Data-2026-04-01.zip").write_bytes(b"PK")
    plan, name = Plan.read(), "companies_house"
    by_night, by_backfill = settings(tmp_path / "nights"), settings(tmp_path / "backfill")
    for month in (1, 2, 3, 4):
        steps.pull(by_night, plan.sources[name], str(folder), date(2026, month, 9), silent)
    listed = list_windows(by_backfill, plan, FIRST, LAST, {name: str(folder)}, ())
    take_in(by_backfill, plan, {name: str(folder)}, FIRST, LAST, silent)
    kept = Archive(by_backfill.home, name).snapshots()
    assert [(s.id, s.files) for s in kept] == [(s.id, s.files) for s in Archive(by_night.home, name).snapshots()]
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
    here = settings(tmp_path / "home")
    take_in(here, Plan.read(), {"agile_pilots": str(folder)}, FIRST, LAST, silent)
    kept = Archive(here.home, "agile_pilots").snapshots()
    assert [(s.date.isoformat(), [f.name for f in s.files]) for s in kept] == [
        ("2026-01-01", ["pilots 2026-01-01.xlsx"]),
        ("2026-02-01", ["pilots 2026-02-01.xlsx"]),
    ]
