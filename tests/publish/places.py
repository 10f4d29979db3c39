"""A small dataset for the tests of this folder: one of every type, a two-part key, hostile texts."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb

from publish.desired import DesiredDataset
from publish.release import Draft, desired_dataset, make_release
from warehouse.declarations import CatalogueEntry, DatasetDeclaration, parse, quote, resolve_dataset
from warehouse.home import Home
from warehouse.releases import Release, SnapshotUse

ENTRY: dict[str, Any] = {
    "name": "places",
    "title": "Places",
    "description": "Places of a town.\n\nFor tests.",
    "each_row_is_a": "place",
    "publisher": {"name": "town", "title": "The Town"},
    "contact": {"name": "Data desk", "email": "data@town.example"},
    "licence": "CC-BY-4.0",
    "attribution": "The Town",
    "keywords": ["places"],
    "theme": "REGI",
    "frequency": "DAILY",
    "district": "kalasatama",
    "usage_warnings": ["Some places are closed."],
    "primaryKey": ["code", "number"],
    "fields": [
        {"name": "code", "title": "Code", "constraints": {"required": True}},
        {"name": "number", "title": "Number", "type": "integer"},
        {"name": "name", "title": "Name", "description": "What people call it."},
        {"name": "theme_code", "title": "Theme", "constraints": {"codeList": "themes"}},
        {"name": "area_m2", "title": "Area", "type": "number", "decimals": 2, "unit": "m2"},
        {"name": "score", "title": "Score", "type": "number"},
        {"name": "is_open", "title": "Open", "type": "boolean"},
        {"name": "opened_date", "title": "Opened", "type": "date"},
        {"name": "seen_at", "title": "Seen", "type": "datetime"},
    ],
}
COLUMNS = [field["name"] for field in ENTRY["fields"]]
HOSTILE = [
    "=1+1",
    "+1",
    "-1",
    "@x",
    "\tx",
    "\rx",
    "'=x",
    "'plain",
    "<script>alert(1)</script>",
    'a,"b"\nc',
    " x ",
    "ä€𝔘",
]
DAY = dt.date(2026, 2, 1)
USES = [SnapshotUse("town", "2026-02-01-abc", DAY)]


def declaration(**changes: Any) -> DatasetDeclaration:
    """The dataset, with parts of its entry changed."""
    return resolve_dataset(parse(CatalogueEntry, {**ENTRY, **changes}, "test"), {}, "test")


def rows(count: int = 30) -> list[tuple[Any, ...]]:
    """So many rows."""
    return [
        (
            f"P{n % 7:02d}",
            n,
            HOSTILE[n % len(HOSTILE)],
            ["climate", "energy", None][n % 3],
            None if n % 5 == 0 else n * 1.25,
            n / 3,
            n % 2 == 0,
            dt.date(1890 + 5 * (n % 40), 1 + n % 12, 1 + n % 28),
            dt.datetime(2026, 1, 1 + n % 28, n % 24, 5, 6),
        )
        for n in range(count)
    ]


def fill(
    connection: duckdb.DuckDBPyConnection, table: Sequence[Sequence[Any]], dataset: DatasetDeclaration
) -> None:
    """Make ``curated.places`` of the rows."""
    columns = ", ".join(f"{quote(field.name)} {field.duckdb_type}" for field in dataset.table.fields)
    connection.execute("CREATE SCHEMA IF NOT EXISTS curated")
    connection.execute(f"CREATE OR REPLACE TABLE curated.places ({columns})")
    if table:
        marks = ", ".join("?" * len(table[0]))
        connection.executemany(f"INSERT INTO curated.places VALUES ({marks})", [list(row) for row in table])


def release(
    home: Home,
    table: Sequence[Sequence[Any]],
    existing: Sequence[Release] = (),
    day: dt.date = DAY,
    dataset: DatasetDeclaration | None = None,
    threads: int = 1,
) -> Release | None:
    """Release the rows."""
    dataset = dataset or declaration()
    connection = duckdb.connect(":memory:", config={"threads": str(threads)})
    fill(connection, table, dataset)
    made = make_release(connection, Draft(dataset, "curated.places", day, existing, USES), home)
    connection.close()
    return made


def wanted(home: Home, *versions: Release, dataset: DatasetDeclaration | None = None) -> DesiredDataset:
    """What a portal should show: the last of these versions."""
    return desired_dataset(dataset or declaration(), versions[-1], versions, home)


def tree(folder: Path) -> dict[str, bytes]:
    """Every file below a folder by its path."""
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}
