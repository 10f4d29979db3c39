"""Grants that funders publish by the 360Giving Data Standard: packages of JSON, from files and addresses.

Packages of today (version 1.4 of the standard) and of the past, with the dates and the flat keys of then.
``packages`` says how one is read: in SQL, so that a package of a hundred megabytes never becomes Python objects.
"""

from __future__ import annotations

from pathlib import Path

from sources import PullRequest, Reading, SourceError
from sources.local_files import dated_files, local_items
from sources.naming import Item, name_in
from sources.pulling import bring, origin_or_inbox
from sources.threesixty_giving.packages import read_packages
from warehouse.addresses import is_url
from warehouse.archive import Snapshot
from warehouse.declarations import SourceDeclaration

_LIST = "packages.txt"  # in a folder
_LIST_BYTES = 1 << 20


def pull(request: PullRequest) -> Snapshot:
    """Bring one package, or several together, into the raw archive.

    The origin is an address, a file, a folder, or a list: a file whose name ends in ``.txt``, with an address in
    each line. Of a folder, the packages at the addresses in its ``packages.txt`` are taken; without that, those of
    the newest date in their names up to the logical day; where none carries a date, all. Without an origin it is
    the source's folder of the inbox.

    Raises:
        NothingThereError: there is nothing yet.
        SourceError: there is no package, or one cannot be had.
    """
    return bring(request, _items(origin_or_inbox(request), request), is_dated=True, check=_check)


def _items(origin: str, request: PullRequest) -> list[Item]:
    if is_url(origin):
        return [Item(origin, _json_name(origin))]
    path = Path(origin).expanduser()
    if path.suffix.lower() == ".txt" and path.is_file():
        return _listed(path)
    if (path / _LIST).is_file():
        return _listed(path / _LIST)
    if path.is_dir():
        dated = dated_files(path, request.day.min, request.day)
        files = dated[-1][1] if dated else sorted(path.glob("*.json"))
        if files:
            return [Item(str(file), file.name) for file in files if file.suffix.lower() == ".json"]
    return local_items(origin, request.day, request.declaration.file_names)


def _listed(path: Path) -> list[Item]:
    """The addresses in a list; lines that begin with # are notes."""
    if path.stat().st_size > _LIST_BYTES:
        raise SourceError(f"{path}: too large for a list of addresses")
    lines = [line.strip() for line in path.read_text(encoding="utf-8-sig", errors="replace").splitlines()]
    addresses = [line for line in lines if line and not line.startswith("#")]
    if wrong := [line for line in addresses if not is_url(line)]:
        raise SourceError(f"{path}: {wrong[0]:.100} is no address. Write one https:// address in each line.")
    if not addresses:
        raise SourceError(f"{path}: no address in it. Write one https:// address in each line.")
    # Funders' addresses often end alike (".../data.json"), and names in a snapshot have to differ.
    return [
        Item(address, f"{number:03}-{_json_name(address)}") for number, address in enumerate(addresses, start=1)
    ]


def _json_name(address: str) -> str:
    name = name_in(address)
    return name if name.lower().endswith(".json") else f"{name}.json"


def _check(path: Path) -> None:
    """Refuse what is plainly no package, or only the start of one, before it enters the archive."""
    with path.open("rb") as file:
        start = file.read(4096).lstrip(b"\xef\xbb\xbf \r\n\t")
        file.seek(max(0, path.stat().st_size - 4096))
        end = file.read().rstrip(b" \r\n\t\0")
    if not start.startswith((b"{", b"[")):
        kind = "a web page" if start[:1] == b"<" else "no JSON"
        raise SourceError(
            f"{path.name}: {kind}, so no package of grants. Open the address in a browser; a package in a"
            " spreadsheet has"
            " to be converted to JSON first."
        )
    if not end.endswith((b"}", b"]")):
        raise SourceError(f"{path.name}: the package is not whole: it was cut off on the way.", is_transient=True)


def read(snapshot: Snapshot, declaration: SourceDeclaration, workspace: Path) -> Reading:
    """The snapshot's packages as two tables: grants to organisations, and grants to individuals.

    ``_row`` is a grant's place in its package, from 1.
    """
    return read_packages(snapshot.paths(), declaration, workspace)
