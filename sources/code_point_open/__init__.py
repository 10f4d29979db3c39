"""Code-Point Open: the postcodes of Great Britain with their positions, as their publisher gives them every
quarter.

One zip (``codepo_gb.zip``: ``Data/CSV/<area>.csv``, ``Doc/metadata.txt`` ...), or the same unpacked. Known from
kept files of August 2014 and from the publisher's description of the product; its download service was never seen
live.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from sources import PullRequest, Reading, SourceError
from sources.code_point_open import tables
from sources.code_point_open.product import (
    Metadata,
    area_in,
    is_metadata,
    metadata_beside,
    metadata_in,
    metadata_of,
)
from sources.local_files import local_items
from sources.naming import Item, date_in, is_called, name_in
from sources.pulling import bring
from sources.unpacking import UnpackingLimits, is_zip, look_into, unpack
from warehouse.addresses import is_url
from warehouse.archive import Snapshot
from warehouse.declarations import SourceDeclaration
from warehouse.messages import message

_ZIP = "codepo_gb.zip"
_LIMITS = UnpackingLimits(members=400, total_bytes=2 << 30)  # the product has some 130 members of 160 MB


def pull(request: PullRequest) -> Snapshot:
    """Bring the product into the raw archive.

    The origin is the publisher's zip (an address or a path), one of its CSV files, or a folder with either. The
    date of the snapshot is that in the file's name; else the one that the product's own ``metadata.txt`` says,
    with which the file is then called; else, as for an address, the logical day.

    Raises:
        SourceError: there is nothing of the kind, or it cannot be had.
    """
    origin = request.origin or request.declaration.default_origin
    if origin is None:
        raise SourceError(f"{request.declaration.name}: no origin given, and none declared")
    if is_url(origin):
        name = name_in(origin)
        items = [Item(origin, name if name.lower().endswith((".zip", ".csv")) else _ZIP)]
    else:
        items = _dated(_local(Path(origin).expanduser(), request))
    return bring(request, items, is_dated=True, check=_check)


def read(snapshot: Snapshot, declaration: SourceDeclaration, workspace: Path) -> Reading:
    """The snapshot's CSV files as the table ``postcodes``; ``_row`` counts the lines that are not blank, from 1.

    What ``metadata.txt`` lists and the files lack is said, and then no postcode is taken for gone.

    Raises:
        SourceError: a zip cannot be unpacked, or holds no file of postcodes.
    """
    table = declaration.table("postcodes")
    files: list[tables.AreaFile] = []
    said: Metadata | None = None
    for raw in snapshot.paths():
        if is_zip(raw):
            found = [(one.name, one.path) for one in unpack(raw, workspace / raw.stem, limits=_LIMITS)]
        else:
            found = [(raw.name, raw)]
        files += [tables.AreaFile(path, name, area) for name, path in found if (area := area_in(name))]
        said = next((metadata_in(path) for name, path in found if is_metadata(name)), said)
    if not files:
        raise SourceError(
            message(
                "{file}: holds no file of postcodes (e.csv, ec.csv, one a postcode area). Take the product's"
                " zip in"
                " CSV as the publisher gives it.",
                file=snapshot.files[0].name,
            )
        )
    return tables.read(sorted(files, key=lambda one: one.name), said, table, workspace)


def _local(path: Path, request: PullRequest) -> list[Item]:
    """A file, or what a folder holds: the newest zip, else all of the CSV files with what describes them."""
    pattern = request.declaration.file_names or ".*"
    if not path.is_dir():
        return local_items(str(path), request.day)
    zips = [one for one in path.iterdir() if one.suffix.lower() == ".zip" and is_called(one.name, pattern)]
    if zips:
        return local_items(str(path), request.day, r".*\.zip")
    csvs = sorted(one for one in path.iterdir() if is_called(one.name, pattern) and area_in(one.name))
    if not csvs:
        return local_items(str(path), request.day, pattern)  # says what is missing
    described = metadata_beside(csvs[0])
    return [Item(str(one), one.name) for one in [*csvs, *([described] if described else [])]]


def _dated(items: Sequence[Item]) -> list[Item]:
    """The items, called with the date that the product says of itself where their names have none."""
    if any(date_in(item.name) for item in items):
        return [item for item in items if date_in(item.name)]
    said = next((one for item in items if (one := metadata_of(Path(item.location)))), None)
    if said is None or said.day is None:
        return list(items)
    return [
        replace(item, name=f"{stem}-{said.day.isoformat()}.{suffix}")
        for item in items
        for stem, _, suffix in [item.name.rpartition(".")]
    ]


def _check(path: Path) -> None:
    """Refuse what is plainly no file of the product before it enters the archive."""
    if path.suffix.lower() == ".zip" or is_zip(path):
        look_into(path, _LIMITS)
        return
    with path.open("rb") as file:
        start = file.read(512).lstrip(b"\xef\xbb\xbf \r\n\t").lower()
    if start.startswith((b"<!doctype", b"<html", b"<?xml")):
        raise SourceError(f"{path.name}: a web page, not the file. Open the address in a browser.")
