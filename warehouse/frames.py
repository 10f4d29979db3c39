"""The analyst's door: the rows of a released dataset as a pandas frame, with the types of its declaration.

    from warehouse import frames
    pilots = frames.read("agile-pilots")
    then = frames.read("agile-pilots", as_of="2026-03-01")

What is read is the release, not the warehouse: what is published and no more. pandas is imported here alone.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from warehouse import ledger
from warehouse.home import Home, home_of
from warehouse.pruned import why_not_kept
from warehouse.releases import NotReleasedError, Release
from warehouse.store import reader
from warehouse.types import ColumnType, column_type

if TYPE_CHECKING:
    import pandas as pd


def read(dataset: str, *, as_of: date | str | None = None, home: Home | Path | str | None = None) -> pd.DataFrame:
    """The rows of a dataset's release, in the order of its key.

    Args:
        dataset: its name on the portal, e.g. ``agile-pilots``.
        as_of: a date (or its ISO text): the release in force then, the one with the newest data that do not go
            beyond it. By default the latest.
        home: the home folder; by default ``OPENDISTRICT_HOME``, else ``./var``.

    Returns:
        A column a field: texts and codes are ``string`` (codes too, so that frames of two releases go together),
        whole numbers and years ``Int64``, numbers ``Float64``, truth values ``boolean``, dates and times
        ``datetime64[s]``; what is missing is NA, of dates NaT. An exact decimal is the nearest double, with all of
        its up to 15 digits. Marks of rows (``held_since_date``, ``held_columns``) are columns like the others.
        ``attrs`` says dataset, version, licence and attribution.

    Raises:
        NotReleasedError: there is no such dataset, no release by that date, or its files are gone: of one that is
            no longer kept, the message names the next one that is.
        ValueError: the date is none.
        WarehouseError: the warehouse cannot be opened.
    """
    place = home if isinstance(home, Home) else home_of(home)
    try:
        day = date.fromisoformat(as_of) if isinstance(as_of, str) else as_of
    except ValueError:
        raise ValueError(f"as_of: {as_of!r} is no date; write it as 2026-03-01") from None
    release, releases = _in_force(place, dataset, day)
    folder = place.releases / dataset / release.version
    file = release.file("parquet")
    if file is None or not (folder / file.name).exists() or not (folder / "datapackage.json").exists():
        if gone := why_not_kept(place, releases, release):
            raise NotReleasedError(gone)
        raise NotReleasedError(
            f"{dataset} {release.version}: its files are not in {folder}; restore it from a backup"
        )
    package = json.loads((folder / "datapackage.json").read_text(encoding="utf-8"))
    frame = frame_of(folder / file.name, _types(package))
    frame.attrs = {
        "dataset": dataset,
        "version": release.version,
        "licence": package["licenses"][0]["path"],
        "attribution": package["attribution"],
    }
    return frame


def _in_force(home: Home, dataset: str, as_of: date | None) -> tuple[Release, list[Release]]:
    """The release that was in force at a date, and all of the dataset's."""
    with reader(home) as connection:
        releases = ledger.releases(connection, dataset)
        known = [name for (name,) in connection.execute(_DATASETS).fetchall()]
    if not known:
        raise NotReleasedError(f"nothing was released in {home.root} yet; is it the right home?")
    if not releases:
        raise NotReleasedError(f"there is no dataset {dataset}, only {', '.join(known)}")
    found = [release for release in releases if as_of is None or release.data_date <= as_of]
    if not found:
        raise NotReleasedError(f"{dataset} has no release by {as_of}: the first is of {releases[0].data_date}")
    return found[-1], releases


_DATASETS = "SELECT DISTINCT dataset FROM ledger.releases ORDER BY dataset"


def _types(package: Mapping[str, Any]) -> dict[str, ColumnType]:
    """The fields of a release by its descriptor. Its CSV file's schema is the declaration's own."""
    csv = next(
        resource for resource in package["resources"] if resource["path"].endswith(f"{package['name']}.csv")
    )
    return {field["name"]: column_type(field["type"]) for field in csv["schema"]["fields"]}


def frame_of(parquet: Path, types: Mapping[str, ColumnType]) -> pd.DataFrame:
    """A release's Parquet file as a frame of these types."""
    import pandas as pd
    import pyarrow.parquet as pq

    table = pq.read_table(parquet)
    # by way of the frame's own types: through numpy, a whole number in a column with gaps becomes a double
    dtypes = {
        table.schema.field(name).type: pd.api.types.pandas_dtype(kind.frame)
        for name, kind in types.items()
        if not kind.frame.startswith("datetime")
    }
    frame: pd.DataFrame = table.to_pandas(types_mapper=dtypes.get, date_as_object=False)
    return frame.astype({name: kind.frame for name, kind in types.items()})[list(types)]
