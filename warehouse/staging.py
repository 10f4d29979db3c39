"""Staging: a DuckDB file a snapshot, so that sources load side by side and a bad one spoils nothing.

In it, schema ``staged`` holds the declared tables with three columns more (``_file``, ``_sheet``, ``_row``:
where the row came from), and schema ``main`` holds ``findings`` and ``quarantine``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from warehouse.archive import Snapshot
from warehouse.home import Home
from warehouse.types import FieldType, column_type

SCHEMA = "staged"
ORIGIN_TYPES: Mapping[str, FieldType] = {"_file": "string", "_sheet": "string", "_row": "integer"}
ORIGIN_COLUMNS: dict[str, str] = {name: column_type(kind).duckdb for name, kind in ORIGIN_TYPES.items()}


@dataclass(frozen=True)
class Staged:
    """A snapshot that has been loaded into its staging file. ``rows`` counts the rows of each table."""

    source: str
    snapshot_id: str
    path: Path
    rows: Mapping[str, int]


def staging_path(home: Home, snapshot: Snapshot) -> Path:
    """The staging file of a snapshot."""
    return home.staging / snapshot.source / f"{snapshot.id}.duckdb"
