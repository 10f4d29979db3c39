"""The Finnish register of companies: the open data of PRH and YTJ, version 3 of the API.

Two ways lead in, by the origin. The API's base address is searched by the postcodes of the declared districts,
page by page. Its ``/all_companies``, or a file handed in, is everything at once: a zip with one JSON array of all
companies (96 MB, unpacked 1.5 GB), or that array itself. A page of a search that somebody saved is read too, as
the part that it is. Both ways end in the same tables, made by the same SQL (``records``).
"""

from __future__ import annotations

import re
import zipfile
from dataclasses import replace
from pathlib import Path, PurePosixPath

from sources import PullRequest, Reading, SourceError
from sources.local_files import local_items
from sources.naming import Item, date_in, name_in
from sources.prh_ytj import search
from sources.pulling import bring
from sources.unpacking import is_zip, look_into
from warehouse.addresses import is_url
from warehouse.archive import Snapshot
from warehouse.declarations import SourceDeclaration

_EVERYTHING = "all_companies"

# The publisher calls the one member of its zip data_20261001.json.
_COMPACT_DATE = re.compile(r"(?<!\d)(20\d{2})(\d{2})(\d{2})(?!\d)")


def pull(request: PullRequest) -> Snapshot:
    """Bring the companies of the districts, or all there are, into the raw archive.

    A file's date is the one in its name or, failing that, in the name of the zip's member; of an address it is
    the logical day.

    Raises:
        SourceError: the register cannot be had, or what came is something else.
    """
    origin = request.origin or request.declaration.default_origin
    if origin is None:
        raise SourceError(f"{request.declaration.name}: no origin given, and none declared")
    if is_url(origin):
        name = name_in(origin.rstrip("/"))
        if name == _EVERYTHING:
            return bring(request, [Item(origin, f"{name}.zip")], check=_check)
        if name.lower().endswith((".zip", ".json")):
            return bring(request, [Item(origin, name)], is_dated=True, check=_check)
        return search.pull(request, origin)
    items = local_items(origin, request.day, request.declaration.file_names)
    return bring(request, [_dated(item) for item in items], is_dated=True, check=_check)


def read(snapshot: Snapshot, declaration: SourceDeclaration, workspace: Path) -> Reading:
    """The snapshot's files as the tables ``companies`` and ``names``; see ``reading``.

    Raises:
        SourceError: a file is damaged, cut off or no JSON.
    """
    from sources.prh_ytj import reading  # imports DuckDB

    return reading.read(snapshot, declaration, workspace)


def _dated(item: Item) -> Item:
    """A file under a name that carries its date, if its own name or its one member's tells it."""
    path = Path(item.location)
    names = [item.name]
    if is_zip(path):
        try:
            with zipfile.ZipFile(path) as opened:
                names += [PurePosixPath(name).name for name in opened.namelist()[:1]]
        except zipfile.BadZipFile:
            pass  # ``_check`` says what is wrong with it
    for name in names:
        compact = _COMPACT_DATE.search(name)
        iso = f"{compact[1]}-{compact[2]}-{compact[3]}" if compact else ""
        if date_in(name):
            iso = str(date_in(name))
        if date_in(iso):
            is_named = date_in(item.name) is not None
            plain = Path(item.name)
            return item if is_named else replace(item, name=f"{plain.stem}-{iso}{plain.suffix}")
    return item


def _check(path: Path) -> None:
    """Refuse a file that is plainly none of the register's before it enters the archive."""
    if is_zip(path):
        look_into(path)
        return
    with path.open("rb") as file:
        start = file.read(4096).lstrip(b"\xef\xbb\xbf \r\n\t")
    if start[:1] == b"[" or (start[:1] == b"{" and b'"companies"' in start):
        return
    if start[:1] == b"{":
        raise SourceError(
            f"{path.name}: an answer of the API that holds no companies, perhaps an error in words."
            " Ask again later."
        )
    if start[:1] == b"<":
        raise SourceError(f"{path.name}: a web page, not the file. Open the address in a browser.")
    raise SourceError(
        f"{path.name}: neither a zip nor JSON. Hand in the file as the publisher gives it at /{_EVERYTHING}."
    )
