"""The rows that a table holds, downloaded as CSV, and the file of the rows that it is known to hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from publish.plans import PortalError, not_as_released
from publish.portals.ckan.client import Client
from publish.portals.ckan.table.state import TableState, content_of, version_of
from publish.portals.ckan.wanted import Wanted
from publish.release.manifest import load_release
from warehouse.archive import sha256_of
from warehouse.declarations import literal
from warehouse.releases import ReleaseError

if TYPE_CHECKING:
    import duckdb

PAGE_ROWS = 32_000  # what CKAN gives at once, unless an administrator allowed more


@dataclass(frozen=True)
class Shown:
    """Rows of a table as texts. ``source``: SQL that reads them; ``names``: their columns, ``_id`` the first."""

    source: str
    names: tuple[str, ...]

    @staticmethod
    def of(path: Path, names: Sequence[str]) -> Shown:
        """The rows of a CSV file without a header, as PostgreSQL writes it: ``""`` is an empty text, no NULL."""
        columns = ", ".join(f"{literal(name)}: 'VARCHAR'" for name in names)
        return Shown(
            f"read_csv({literal(str(path))}, header = false, auto_detect = false, delim = ',', quote = '\"',"
            " escape = '\"', nullstr = '', allow_quoted_nulls = false, parallel = false, max_line_size = 16000000,"
            f" columns = {{{columns}}})",
            tuple(names),
        )


def download(client: Client, rid: str, path: Path, pages: range | None = None) -> Shown:
    """Download a table, or some of its pages.

    Args:
        client: the portal.
        rid: the resource that has the table.
        path: the file to be written.
        pages: which pages of ``PAGE_ROWS``; all unless given. A portal may give fewer rows at once than that.
    """
    offset = pages.start * PAGE_ROWS if pages else 0
    end = pages.stop * PAGE_ROWS if pages else None
    names = ["_id"]
    with path.open("w", encoding="utf-8", newline="") as file:
        while end is None or offset < end:
            page = client.call(
                "datastore_search",
                {
                    "resource_id": rid,
                    "limit": PAGE_ROWS if end is None else min(PAGE_ROWS, end - offset),
                    "offset": offset,
                    "sort": "_id",
                    "records_format": "csv",
                    "include_total": False,
                },
            )
            names = [str(column["id"]) for column in page["fields"]]
            if not page["records"]:
                break
            file.write(page["records"])
            offset += int(page["limit"])
    return Shown.of(path, names)


def wanted_parquet(wanted: Wanted) -> Path:
    """The Parquet file of the release. Raises PortalError if it is missing."""
    file = next((file for file in wanted.files.values() if file.key == "parquet"), None)
    if file is None:
        raise PortalError(f"{wanted.name}: version {wanted.version} has no Parquet file, so no table can be made")
    if not file.path.is_file():
        raise not_as_released(wanted.name, file.path)
    return file.path


def held_parquet(wanted: Wanted, table: TableState) -> Path | None:
    """The Parquet file of the rows that the table's note speaks of, if that is a release that we have."""
    content, version = content_of(table.holds), version_of(table.holds)
    if not version:
        return None
    path = wanted_parquet(wanted)
    if content == content_of(wanted.holds):
        return path
    folder = path.parent.parent / version
    try:
        release = load_release(folder)
    except ReleaseError:
        return None
    file = release.file("parquet")
    if file is None or release.content_sha256 != content:
        return None
    path = folder / file.name
    return path if path.is_file() and sha256_of(path) == file.sha256 else None


def known_rows(connection: duckdb.DuckDBPyConnection, wanted: Wanted, table: TableState) -> Shown | None:
    """The rows of the release that a table is known to hold; None where only the table itself tells."""
    path = held_parquet(wanted, table)
    if path is None or table.edits or content_of(table.holds) == content_of(wanted.holds):
        return None
    source = f"read_parquet({literal(str(path))})"
    (rows,) = connection.execute(f"SELECT count(*) FROM {source}").fetchone() or (0,)
    if rows != table.count:
        return None
    described = connection.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()
    return Shown(source, tuple(str(row[0]) for row in described))
