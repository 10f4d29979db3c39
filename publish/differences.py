"""How many rows differ between what a portal shows and what it should show."""

from __future__ import annotations

import tempfile
from pathlib import Path

import duckdb

from publish.desired import DesiredDataset, DesiredVersion
from publish.files import render
from publish.guards import Shown, release_shown
from publish.plans import RowDifference
from publish.release.changes import Changes, write_changes
from warehouse.declarations import literal


def row_difference(desired: DesiredDataset, shown: Shown | None) -> RowDifference | None:
    """How the rows of what is shown and what should be shown differ; None where it is the same version.

    Between neighbours the release says it itself. Else the two versions are compared, where this home keeps the
    Parquet files of both; where it does not, only how many rows there are is told.

    Args:
        desired: the dataset.
        shown: what the portal shows of it; None where it lacks it.
    """
    release = desired.release
    if shown is None or shown.version is None:
        return RowDifference(None, release.rows)
    if shown.version == release.version and shown.content_sha256 in (None, release.content_sha256):
        return None
    known = release_shown(desired, shown)
    before = known.rows if known else shown.rows
    if known and release.previous_version == known.version:
        return RowDifference(before, release.rows, release.added, release.changed, release.removed)
    found = _compared(desired, known.version) if known else None
    if found is None:
        return RowDifference(before, release.rows)
    return RowDifference(before, release.rows, found.added, found.changed, found.removed)


def _compared(desired: DesiredDataset, version: str) -> Changes | None:
    kept = {one.release.version: one for one in desired.versions}
    before, now = (_parquet(kept.get(one)) for one in (version, desired.release.version))
    if before is None or now is None:
        return None
    table = desired.declaration.table
    with tempfile.TemporaryDirectory() as folder, duckdb.connect() as connection:
        try:
            with render.published(connection, f"read_parquet({literal(str(now))})", table) as view:
                return write_changes(connection, before, view, table, Path(folder) / "changes.csv")
        except duckdb.Error:  # a column or a type that cannot be compared: then only counts are told
            return None


def _parquet(version: DesiredVersion | None) -> Path | None:
    file = version.release.file("parquet") if version else None
    path = version.folder / file.name if version and file else None
    return path if path and path.is_file() else None
