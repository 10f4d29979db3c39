"""What somebody changed in a table by hand: seen by the rows' content, not by their number only."""

from __future__ import annotations

import datetime as dt
import tempfile
from pathlib import Path
from typing import Any

import duckdb

from publish.portals.ckan.client import Client
from publish.portals.ckan.table.differing import as_declared, view_parquet, work_database
from publish.portals.ckan.table.reading import PAGE_ROWS, Shown, download, held_parquet
from publish.portals.ckan.table.state import Edits, TableState
from publish.portals.ckan.wanted import Wanted
from warehouse.declarations import quote

_EXAMPLES = 3


def edited(
    client: Client, wanted: Wanted, table: TableState, today: dt.date, everything: Shown | None = None
) -> Edits | None:
    """How a table differs from the release whose rows its note says it holds.

    CKAN has no sum of a table's rows, so they are read and compared. That is cheap (20,000 rows of 20 columns are
    0.2 s, a fiftieth of writing them), but not for millions: of a table that does not fit into one answer, one
    page is looked at a day, another one each day.

    Args:
        client: the portal.
        wanted: the dataset.
        table: the table as it stands.
        today: decides which page.
        everything: all its rows, where they were read in another way.

    Returns:
        None where nothing differs, or nobody knows what the table should hold.
    """
    path = held_parquet(wanted, table)
    if path is None:
        return None
    with tempfile.TemporaryDirectory(prefix="opendistrict-") as folder:
        pages = max(1, -(-table.count // PAGE_ROWS))
        page = today.toordinal() % pages
        shown = everything or download(client, wanted.table_id, Path(folder) / "page.csv", range(page, page + 1))
        with work_database(Path(folder)) as connection:
            view_parquet(connection, "new_rows", path)
            released = {str(row[0]) for row in connection.execute("DESCRIBE new_rows").fetchall()}
            return _compared(connection, wanted, shown, released, is_all=everything is not None or pages == 1)


def _compared(
    connection: duckdb.DuckDBPyConnection, wanted: Wanted, shown: Shown, released: set[str], *, is_all: bool
) -> Edits | None:
    common = [field for field in wanted.declared if field.name in released and field.name in shown.names]
    key = wanted.primary_key
    if not set(key) <= {field.name for field in common}:
        return None  # the key changes with this release: what was before cannot be told apart
    as_declared(connection, "old_rows", shown, common)
    joined = " AND ".join(f"o.{quote(name)} = n.{quote(name)}" for name in key)
    others = [field for field in common if field.name not in key]
    # What was released with another type is compared as it reads in the type of today.
    parts = [
        f"CASE WHEN o.{quote(field.name)} IS DISTINCT FROM TRY_CAST(n.{quote(field.name)} AS"
        f" {field.column_type.released}) THEN '{field.name}' END"
        for field in others
    ]
    names = f"concat_ws(', ', {', '.join(parts)})" if parts else "''"
    keys = ", ".join(f"CAST(coalesce(o.{quote(name)}, n.{quote(name)}) AS VARCHAR)" for name in key)
    connection.execute(
        f"CREATE TABLE edits AS SELECT [{keys}] AS key, o._is_there AS o_there, n._is_there AS n_there,"
        f" o._is_odd, {names} AS names FROM (SELECT true AS _is_there, * FROM old_rows) AS o"
        f" {'FULL' if is_all else 'LEFT'} JOIN (SELECT true AS _is_there, * FROM new_rows) AS n ON {joined}"
    )
    connection.execute("DELETE FROM edits WHERE o_there AND n_there AND NOT _is_odd AND names = ''")
    (rows,) = connection.execute("SELECT count(*) FROM edits").fetchone() or (0,)
    if not rows:
        return None
    query = f"SELECT key, o_there, n_there, names FROM edits ORDER BY key LIMIT {_EXAMPLES}"
    return Edits(int(rows), tuple(_example(key, row) for row in connection.execute(query).fetchall()))


def _example(key: tuple[str, ...], row: tuple[Any, ...]) -> str:
    """A row in words: its key and the names of its columns, but none of the values that somebody wrote there."""
    values, is_there, was_published, names = row
    where = ", ".join(f"{name} {_short(value)}" for name, value in zip(key, values, strict=True))
    if not is_there:
        return f"{where}: the row is missing"
    return f"{where}: {names or 'a value'}" if was_published else f"{where}: the row was not published"


def _short(value: str | None) -> str:
    text = " ".join(str(value or "").split())
    return f"{text[:40]}…" if len(text) > 40 else text
