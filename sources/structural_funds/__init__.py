"""Projects of the EU's structural funds: the lists that managing authorities publish, one table a country.

A snapshot is one list or several. Which list a file is, its header says: ``finnish`` knows the Finnish project
list, ``english`` the list of beneficiaries in England. A list that a snapshot does not have is not spoken of: its
projects stand as they were last known.
"""

from __future__ import annotations

from pathlib import Path

from sources import PullRequest, Reading, SourceError
from sources.local_files import dated_files, local_items
from sources.naming import Item, name_in
from sources.pulling import bring, origin_or_inbox
from sources.structural_funds import english, finnish
from sources.structural_funds.lists import Found, lines_of, table_of
from warehouse.addresses import is_url
from warehouse.archive import Snapshot
from warehouse.declarations import Severity, SourceDeclaration
from warehouse.findings import Finding
from warehouse.messages import message

_READERS = {"finnish_projects": finnish.read_list, "english_projects": english.read_list}


def pull(request: PullRequest) -> Snapshot:
    """Bring a list, or the lists of one date, into the raw archive.

    The origin is an address, a file, or a folder: of a folder the lists that carry the newest date up to the
    logical day in their names are taken together; where none carries one, the newest file. Without an origin it is
    the source's folder of the inbox.

    Raises:
        NothingThereError: there is nothing yet.
        SourceError: there is none, or it cannot be had.
    """
    return bring(request, _items(origin_or_inbox(request), request), is_dated=True, check=_check)


def _items(origin: str, request: PullRequest) -> list[Item]:
    if is_url(origin):
        return [Item(origin, name_in(origin))]
    folder = Path(origin).expanduser()
    if folder.is_dir():
        dated = dated_files(folder, request.day.min, request.day)
        if dated:
            newest = dated[-1][0]
            return [Item(str(path), path.name) for path in dated[-1][1] if newest]
    return local_items(origin, request.day, request.declaration.file_names)


def read(snapshot: Snapshot, declaration: SourceDeclaration, workspace: Path) -> Reading:
    """The snapshot's lists as the declared tables.

    What can be read in one way only is read; a record for which that is not certain goes to quarantine, under its
    project's code where that is certain. ``_row`` is the record's first line in its file, the header being row 1.
    """
    import pyarrow as pa

    from sources.loading import arrow_schema

    found: dict[str, Found] = {}
    findings: list[Finding] = []
    for path in snapshot.paths():
        lines, notes = lines_of(path)
        findings += notes
        table = table_of(lines[0] if lines else "", declaration)
        if table is None:
            findings.append(_unknown(path.name))
            continue
        one = _READERS[table.name](path.name, lines, table)
        found[table.name] = found[table.name].joined(one) if table.name in found else one
    return Reading(
        tables={
            name: pa.Table.from_pylist(list(one.rows), schema=arrow_schema(declaration.table(name)))
            for name, one in found.items()
        },
        findings=[*findings, *(finding for one in found.values() for finding in one.findings)],
        quarantined=[row for one in found.values() for row in one.quarantined],
    )


def _unknown(name: str) -> Finding:
    return Finding(
        rule="unknown-list",
        severity=Severity.CRITICAL,
        message=message("The file's first line is the header of none of the lists that are known."),
        help=message("Hand in the list as its publisher gives it, as CSV; if its columns have changed, tell us."),
        file=name,
    )


def _check(path: Path) -> None:
    """Refuse a file that is plainly no list before it enters the archive."""
    with path.open("rb") as file:
        start = file.read(512).lstrip(b"\xef\xbb\xbf \r\n\t").lower()
    if start.startswith((b"<!doctype", b"<html", b"<?xml", b"pk\x03\x04", b"{")):
        raise SourceError(
            f"{path.name}: no CSV file (a web page, or a workbook). Open the address in a browser, or save the"
            " workbook"
            " as CSV."
        )
    if not start:
        raise SourceError(f"{path.name}: the file is empty. Fetch it again.")
