"""Workbooks for tests: a good one in few words, one with one of each error, and hostile ones."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from openpyxl import Workbook

from warehouse.archive import RawFile, Snapshot, sha256_of
from warehouse.declarations import SourceDeclaration, load_source

ROOT = Path(__file__).parent.parent
AGILE_PILOTS = ROOT / "sources" / "agile_pilots" / "source.yaml"
SAMPLE = ROOT / "sources" / "agile_pilots" / "sample" / "agile_pilots.xlsx"

PILOT = {
    "Pilot ID": "demo-1",
    "Pilot": "Demo",
    "Programme": "Demo programme",
    "Round": "demo-round-1",
    "District": "Kalasatama",
    "City": "Helsinki",
    "Theme": "mobility",
    "Company": "Forum Virium Helsinki",
    "Y-tunnus": "2170029-2",
    "Description": "A demonstration",
    "Starts": "2016-03-01",
    "Ends": "31.8.2016",
    "Grant (EUR)": 8000,
    "Participants": 12,
}
ROUND = {
    "Round ID": "demo-round-1",
    "Programme": "Demo programme",
    "Round": "1",
    "Year": 2016,
    "Offers": 37,
    "Selected": 3,
}

# What each wrong row changes of a good one, and what must be found: (column, rule class, severity).
ERRORS: Mapping[str, tuple[dict[str, Any], tuple[str, str, str]]] = {
    "wrong-theme": ({"Theme": "blockchain"}, ("theme_code", "enum", "error")),
    "bad-check-digit": ({"Y-tunnus": "2170029-3"}, ("business_id", "check", "error")),
    "bad-business-id": ({"Y-tunnus": "2170029"}, ("business_id", "pattern", "error")),
    "end-before-start": ({"Starts": "2016-08-01", "Ends": "2016-03-01"}, ("end_date", "row", "error")),
    "too-long": ({"Starts": "2016-01-01", "Ends": "2016-12-31"}, ("end_date", "row", "error")),
    "unknown-round": ({"Round": "no-such-round"}, ("round_id", "foreign-key", "error")),
    "unreadable-date": ({"Starts": "early spring"}, ("start_date", "type", "error")),
    "ambiguous-date": ({"Starts": "1.3.16"}, ("start_date", "type", "error")),
    "unreadable-amount": ({"Grant (EUR)": "n. 5000"}, ("grant_eur", "type", "error")),
    "other-currency": ({"Grant (EUR)": "£5,000"}, ("grant_eur", "type", "error")),
    "negative-grant": ({"Grant (EUR)": -5000}, ("grant_eur", "minimum", "error")),
    "missing-name": ({"Pilot": None}, ("pilot_name", "required", "error")),
    "fraction-of-people": ({"Participants": "12.5"}, ("participants_count", "type", "error")),
    "no-formula-result": ({"Grant (EUR)": "=4000+1000"}, ("grant_eur", "type", "error")),
}


def declaration() -> SourceDeclaration:
    """The declaration of the agile pilots."""
    return load_source(AGILE_PILOTS)


def pilot(number: int = 1, **changes: Any) -> dict[str, Any]:
    """A good pilot's row by header, with changes."""
    return {**PILOT, "Pilot ID": f"demo-{number}", **changes}


def save(target: Path, sheets: Mapping[str, Sequence[Sequence[Any]]]) -> Path:
    """Write a workbook from sheets of rows."""
    book = Workbook()
    book.remove(book.worksheets[0])
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(list(row))
    book.save(target)
    return target


def table(rows: Iterable[Mapping[str, Any]], headers: Sequence[str] | None = None) -> list[list[Any]]:
    """Rows by header as a list of rows with the header first."""
    rows = list(rows)
    headers = list(headers or dict.fromkeys(name for row in rows for name in row))
    return [headers, *([row.get(name) for name in headers] for row in rows)]


def good_workbook(target: Path, pilots: int = 12) -> Path:
    """A workbook without a fault."""
    return save(
        target, {"Pilots": table(pilot(number) for number in range(1, pilots + 1)), "Rounds": table([ROUND])}
    )


def workbook_with_one_of_each_error(target: Path) -> Path:
    """Twelve good pilots, then one row for each of ``ERRORS`` (its pilot id is the error's name), then a
    pilot id that is there twice, and a column that nobody declared.
    """
    rows = [pilot(number) for number in range(1, 13)]
    rows += [{**PILOT, **changes, "Pilot ID": name} for name, (changes, _) in ERRORS.items()]
    rows += [pilot(1, Pilot="The same id again")]
    rows[0]["Desk memo"] = "ask for a photo"
    return save(
        target,
        {
            "Pilots": [["Our pilots"], [], *table(rows, [*PILOT, "Desk memo"])],
            "Rounds": table([ROUND]),
            "Scratch": [["nothing", "of", "interest"]],
        },
    )


def snapshot(*paths: Path) -> Snapshot:
    """A snapshot of files where they lie (all in one folder)."""
    files = tuple(RawFile(path.name, sha256_of(path), path.stat().st_size) for path in sorted(paths))
    return Snapshot("agile_pilots", date(2026, 1, 31), str(paths[0]), files, paths[0].parent)


def rewritten(source: Path, target: Path, changes: Mapping[str, bytes]) -> Path:
    """A copy of a zip file with some parts replaced or added."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as new:
        for part in old.infolist():
            if part.filename not in changes:
                new.writestr(part, old.read(part))
        for name, data in changes.items():
            new.writestr(name, data)
    return target
