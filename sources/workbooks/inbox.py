"""A workbook's way into the archive."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from sources import NothingThereError, PullRequest, SourceError
from sources.download_limits import DownloadLimits
from sources.local_files import local_items
from sources.naming import Item, date_in, name_in
from sources.pulling import bring
from sources.stores import Stored, is_store, stored
from warehouse.addresses import is_url, without_credentials
from warehouse.archive import Snapshot
from warehouse.sheets import table_of_file

SUFFIXES = (".xlsx", ".xlsm", ".csv", ".tsv")
MAX_BYTES = 300 << 20


def pull(request: PullRequest) -> Snapshot:
    """Bring a workbook into the archive: a path, an address, the newest in a folder, or the newest in the inbox.

    A folder may be one of this machine or of a store (``sources.stores``); of a server of the web it is a file.

    A workbook's name says nothing of its date, so the snapshot is of the request's day.

    Raises:
        SourceError: there is none.
    """
    name = request.declaration.name
    origin = request.origin or request.declaration.default_origin
    if origin and is_url(origin):
        items = _in_store(origin, request) if is_store(origin) else [Item(origin, name_in(origin))]
        return bring(request, items, limits=DownloadLimits(max_bytes=MAX_BYTES, deadline_seconds=900))
    folder = Path(origin).expanduser() if origin else request.home.inbox / name
    if origin and not folder.is_dir():
        items = local_items(origin, request.day)
    else:
        paths = list(folder.iterdir()) if folder.is_dir() else []
        if not origin:  # whoever may put a link there is not to read with it what she may not read herself
            paths = [path for path in paths if path.resolve().parent == folder.resolve()]
        there = [Stored(Item(str(path), path.name), path.stat().st_mtime_ns) for path in paths if path.is_file()]
        items = _newest(there, str(folder), request)
    for item in items:
        if (size := Path(item.location).stat().st_size) > MAX_BYTES:
            raise SourceError(
                f"{item.location} is {size >> 20:,} MB, more than the {MAX_BYTES >> 20} MB of a workbook that"
                " people keep. Is it the right file?"
            )
    return bring(request, items)


def _in_store(origin: str, request: PullRequest) -> list[Item]:
    """The file at an address in a store; of a folder, the newest workbook."""
    found = stored(origin)
    is_file = len(found) == 1 and found[0].item.location == origin
    return [found[0].item] if is_file else _newest(found, without_credentials(origin), request)


def _newest(there: Sequence[Stored], folder: str, request: PullRequest) -> list[Item]:
    """The newest workbook of a folder; where that is the CSV of one table, the newest CSV of each table."""
    declaration = request.declaration
    found = [
        one
        for one in there
        if _suffix(one) in SUFFIXES and not one.item.name.startswith((".", "~"))
        if not request.of_day or date_in(one.item.name) == request.day
    ]
    found.sort(key=lambda one: (one.when, one.item.name), reverse=True)
    if not found:
        raise NothingThereError(
            f"{declaration.title}: there is no workbook in {folder}."
            " Put the .xlsx or .csv file there, or name one."
        )
    if _suffix(found[0]) in (".csv", ".tsv"):
        by_table: dict[str, Stored] = {}
        for one in found:
            table = table_of_file(Path(one.item.name).stem, declaration.tables)
            if _suffix(one) in (".csv", ".tsv") and table is not None:
                by_table.setdefault(table.name, one)
        if found[0] in by_table.values():
            return sorted((one.item for one in by_table.values()), key=lambda item: item.location)
    return [found[0].item]


def _suffix(one: Stored) -> str:
    return Path(one.item.name).suffix.lower()
