"""A small protected dataset for the tests of this folder: testers of gadgets, by age group and answer."""

from __future__ import annotations

import copy
import datetime as dt
from collections.abc import Sequence
from typing import Any

import duckdb

from publish.release import Draft, make_release
from warehouse.declarations import CatalogueEntry, DatasetDeclaration, parse, quote, resolve_dataset
from warehouse.home import Home
from warehouse.releases import Release

ENTRY: dict[str, Any] = {
    "name": "gadget-tests",
    "title": "Tests of gadgets",
    "description": "How people liked gadgets.",
    "each_row_is_a": "count of testers of one gadget",
    "publisher": {"name": "town", "title": "The Town"},
    "contact": {"name": "Data desk", "email": "data@town.example"},
    "licence": "CC-BY-4.0",
    "attribution": "The Town",
    "keywords": ["gadgets"],
    "theme": "SOCI",
    "frequency": "IRREG",
    "disclosure": {
        "population": "gadget_testers",
        "counts": "tester who answered",
        "sensitivity": "residents",
        "period": ["gadget_id"],
        "dimensions": [["age_group_code"], ["answer_code"]],
        "magnitudes": [{"column": "minutes", "minimum": 0, "maximum": 60}],
    },
    "primaryKey": ["gadget_id", "age_group_code", "answer_code"],
    "fields": [
        {"name": "gadget_id", "title": "Gadget"},
        {"name": "age_group_code", "title": "Age group", "constraints": {"enum": ["young", "old"]}},
        {"name": "answer_code", "title": "Answer", "constraints": {"codeList": "yes_no_answers"}},
        {
            "name": "testers_count",
            "title": "Testers",
            "type": "integer",
            "unit": "people",
            "constraints": {"minimum": 0},
            "protected": "count",
        },
        {"name": "minutes_mean", "title": "Mean", "type": "number", "decimals": 1, "protected": "mean"},
        {
            "name": "share_pct",
            "title": "Share",
            "type": "number",
            "decimals": 1,
            "description": "Of those who answered.",
            "protected": "share",
            "of": "answer_code",
        },
        {
            "name": "status_code",
            "title": "Status",
            "constraints": {"required": True, "codeList": "protection_statuses"},
        },
    ],
}
DAY = dt.date(2026, 3, 1)
Row = tuple[Any, ...]
# Young and old, yes and no: a square of four suppressed cells within published margins.
PUBLISHED: list[Row] = [
    ("lamp", "total", "total", 60, 10.0, 100.0, "published"),
    ("lamp", "total", "yes", 30, 12.0, 50.0, "published"),
    ("lamp", "total", "no", 30, 8.0, 50.0, "published"),
    ("lamp", "young", "total", 30, 10.0, 100.0, "published"),
    ("lamp", "old", "total", 30, 10.0, 100.0, "published"),
    ("lamp", "young", "yes", None, None, None, "suppressed"),
    ("lamp", "young", "no", None, None, None, "suppressed"),
    ("lamp", "old", "yes", None, None, None, "suppressed"),
    ("lamp", "old", "no", None, None, None, "suppressed"),
]


def entry(**changes: Any) -> dict[str, Any]:
    """The entry, with parts of it changed; None takes one out."""
    return {key: value for key, value in {**copy.deepcopy(ENTRY), **changes}.items() if value is not None}


def declaration(**changes: Any) -> DatasetDeclaration:
    """The dataset, with parts of its entry changed."""
    return resolve_dataset(parse(CatalogueEntry, entry(**changes), "test"), {}, "test")


def release(
    home: Home,
    rows: Sequence[Row] = PUBLISHED,
    existing: Sequence[Release] = (),
    day: dt.date = DAY,
    dataset: DatasetDeclaration | None = None,
) -> Release:
    """Release the rows."""
    dataset = dataset or declaration()
    connection = duckdb.connect(":memory:", config={"threads": "1"})
    columns = ", ".join(f"{quote(field.name)} {field.duckdb_type}" for field in dataset.table.fields)
    connection.execute(f"CREATE SCHEMA curated; CREATE TABLE curated.tests ({columns})")
    marks = ", ".join("?" * len(rows[0]))
    connection.executemany(f"INSERT INTO curated.tests VALUES ({marks})", [list(row) for row in rows])
    made = make_release(connection, Draft(dataset, "curated.tests", day, existing, []), home)
    connection.close()
    assert made
    return made
