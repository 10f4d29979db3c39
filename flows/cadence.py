"""Whether a source is late: absence is no failure, until newer data are due."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path

from sources.naming import date_in, name_in
from warehouse.addresses import is_url
from warehouse.declarations import SourceDeclaration
from warehouse.ledger import SnapshotRecord


def is_place(origin: str | None) -> bool:
    """Whether newer data would be seen at an origin: a source's own, a folder, an address; not in a named file."""
    if origin is None or not is_url(origin):
        return origin is None or Path(origin).expanduser().is_dir()
    return date_in(name_in(origin)) is None


def lateness(
    sources: Mapping[str, SourceDeclaration], day: date, records: Sequence[SnapshotRecord]
) -> tuple[date, str] | None:
    """The last day by which newer data were due, and that in words; None while they are not.

    Data that came and were held are no longer awaited. A source that never had any data is awaited, not late.
    """
    if not records:
        return None
    declaration = sources[records[0].source]
    newest = max(record.data_date for record in records)
    due = declaration.due(newest)
    if due is None or day <= due:
        return None
    return due, (
        f"Late: nothing newer than the data of {newest} has come, and it was due by {due}"
        f" ({declaration.cadence}). Ask {declaration.publisher.title}."
    )
