"""A workbook's way into the archive."""

from __future__ import annotations

from pathlib import Path

from sources import NothingThereError, PullRequest, SourceError
from sources.download_limits import DownloadLimits
from sources.local_files import local_items
from sources.naming import Item, date_in, name_in
from sources.pulling import bring
from warehouse.addresses import is_url
from warehouse.archive import Snapshot
from warehouse.sheets import table_of_file

SUFFIXES = (".xlsx", ".xlsm", ".csv", ".tsv")
MAX_BYTES = 300 << 20


def pull(request: PullRequest) -> Snapshot:
    """Bring a workbook into the archive: a path, an address, the newest in a folder, or the newest in the inbox.

    A workbook's name says nothing of its date, so the snapshot is of the request's day.

    Raises:
        SourceError: there is none.
    """
    name = request.declaration.name
    origin = request.origin or request.declaration.default_origin
    if origin and is_url(origin):
        items = [Item(origin, name_in(origin))]
        return bring(request, items, limits=DownloadLimits(max_bytes=MAX_BYTES, deadline_seconds=900))
    folder = Path(origin).expanduser() if origin else request.home.inbox / name
    if origin and not folder.is_dir():
        items = local_items(origin, request.day)
    else:
        items = [Item(str(path), path.name) for path in _newest(folder, request)]
    for item in items:
        if (size := Path(item.location).stat().st_size) > MAX_BYTES:
            raise SourceError(
                f"{item.location} is {size >> 20:,} MB, more than the {MAX_BYTES >> 20} MB of a workbook that"
                " people keep. Is it the right file?"
            )
    return bring(request, items)


def _newest(folder: Path, request: PullRequest) -> list[Path]:
    """The newest workbook of a folder; where that is the CSV of one table, the newest CSV of each table."""
    declaration = request.declaration
    found = [
        path
        for path in (folder.iterdir() if folder.is_dir() else ())
        if path.is_file() and path.suffix.lower() in SUFFIXES and not path.name.startswith((".", "~"))
        if not request.of_day or date_in(path.name) == request.day
    ]
    found.sort(key=lambda path: (path.stat().st_mtime_ns, path.name), reverse=True)
    if not found:
        raise NothingThereError(
            f"{declaration.title}: there is no workbook in {folder}."
            " Put the .xlsx or .csv file there, or name one."
        )
    if found[0].suffix.lower() in (".csv", ".tsv"):
        by_table: dict[str, Path] = {}
        for path in found:
            table = table_of_file(path.stem, declaration.tables)
            if path.suffix.lower() in (".csv", ".tsv") and table is not None:
                by_table.setdefault(table.name, path)
        if found[0] in by_table.values():
            return sorted(by_table.values())
    return found[:1]
