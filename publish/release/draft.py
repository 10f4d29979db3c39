"""What a release is to be made of, and whether its rows may be released."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

import duckdb

from publish.files import render
from publish.release.versions import previous_release, version_label
from warehouse.declarations import DatasetDeclaration, SourceDeclaration, quote
from warehouse.releases import Release, ReleaseError, SnapshotUse


@dataclass(frozen=True)
class Draft:
    """A release that is to be made.

    Args:
        declaration: the dataset. Only columns it lists leave.
        relation: its rows, as SQL calls them, e.g. ``curated."agile_pilots"``.
        data_date: the day the data speak of.
        existing: the dataset's official releases.
        snapshots: what the rows were made of.
        sources: the sources' declarations by name, for titles and terms in the metadata.
        gone: the versions whose files are no longer kept.
    """

    declaration: DatasetDeclaration
    relation: str
    data_date: date
    existing: Sequence[Release] = ()
    snapshots: Sequence[SnapshotUse] = ()
    sources: Mapping[str, SourceDeclaration] = field(default_factory=dict)
    gone: Collection[str] = ()

    @property
    def before(self) -> Release | None:
        """The release that it comes after, whether its files are kept or not."""
        return previous_release(self.existing, self.data_date)

    @property
    def previous(self) -> Release | None:
        """The release that it is compared with: the last one before it that is kept."""
        return previous_release([one for one in self.existing if one.version not in self.gone], self.data_date)

    @property
    def sequence(self) -> int:
        """Which release of its date it would be, from 1."""
        return 1 + max((one.sequence for one in self.existing if one.data_date == self.data_date), default=0)

    @property
    def version(self) -> str:
        """What it would be called."""
        return version_label(self.data_date, self.sequence)

    @property
    def used_sources(self) -> dict[str, SourceDeclaration]:
        """The declarations of the sources whose snapshots it is made of."""
        return {use.source: self.sources[use.source] for use in self.snapshots if use.source in self.sources}


def checked_rows(connection: duckdb.DuckDBPyConnection, view: str, declaration: DatasetDeclaration) -> int:
    """The number of rows; the order of files and the difference to the version before rest on the key.

    Raises:
        ReleaseError: rows have no key or share one, or a number has more digits than all files can hold.
    """
    keys = [quote(name) for name in declaration.table.primary_key]
    missing = " OR ".join(f"{key} IS NULL" for key in keys)
    rows, empty = connection.execute(
        f"SELECT count(*), count(*) FILTER (WHERE {missing}) FROM {view}"
    ).fetchone() or (0, 0)
    listed = ", ".join(declaration.table.primary_key)
    if empty:
        raise ReleaseError(f"{declaration.name}: {empty} of {rows} rows lack their key ({listed})")
    twice = connection.execute(
        f"SELECT {', '.join(keys)} FROM {view} GROUP BY ALL HAVING count(*) > 1 ORDER BY ALL LIMIT 1"
    ).fetchone()
    if twice:
        shown = ", ".join(str(value) for value in twice)
        raise ReleaseError(f"{declaration.name}: the key ({listed}) is not unique: {shown} occurs more than once")
    for column in declaration.table.fields:
        if column.type != "number" or (limit := render.too_long(column)) is None:
            continue
        found = connection.execute(
            f"SELECT {quote(column.name)}, {', '.join(keys)} FROM {view} WHERE {limit} LIMIT 1"
        ).fetchone()
        if found:
            number, *key = found
            raise ReleaseError(
                f"{declaration.name}: {column.name} is {number} in the row {', '.join(map(str, key))}: more"
                f" than {render.DIGITS} digits, which spreadsheets and Parquet would round; check the value, or"
                " declare the column a string"
            )
    return int(rows)
