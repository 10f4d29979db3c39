"""A table changed through CKAN's action API; see the package for what readers may see."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import duckdb

from publish.plans import PortalError
from publish.portals.ckan.client import Client, TooLargeError
from publish.portals.ckan.table.comparing import COLUMNS, FILL, ROWS, is_rekeyed, is_retyped
from publish.portals.ckan.table.differing import as_declared, compare_rows, pair, view_parquet, work_database
from publish.portals.ckan.table.reading import PAGE_ROWS, Shown, download, known_rows, wanted_parquet
from publish.portals.ckan.table.state import CHANGING, TableState, noted
from publish.portals.ckan.table.values import as_json, refuse_unfit
from publish.portals.ckan.table.verifying import verify
from publish.portals.ckan.wanted import Wanted
from warehouse.declarations import quote
from warehouse.progress import Progress

CHUNK_ROWS = 5_000
# One call is one transaction. CKAN's own server gives a call 50 s (harakiri of its uwsgi file), a proxy mostly 60.
_ONE_CALL_S = 20
_ONE_CALL_CELLS = 800_000  # some 15 MB of JSON
_ASKED_IDS = 1_000
_ONE_FILL_CELLS = 200_000  # a first load is not rehearsed, so its pace is not known: 3 s on two slow cores

Record = dict[str, Any]


class ThroughApi:
    """A change of a table: worked out and tried before the switch of the files, written after it."""

    def __init__(self, client: Client, wanted: Wanted, table: TableState | None, kind: str, folder: Path) -> None:
        """Nothing is read yet. ``folder`` is for what is worked out."""
        self._client = client
        self._wanted = wanted
        self._table = table
        self._kind = kind
        self._folder = folder
        self._connection = work_database(folder)
        self._changed = self._added = self._gone = 0
        self._is_from_table = True
        self._seconds_a_row = 0.0

    def close(self) -> None:
        """Let go of what was worked out."""
        self._connection.close()

    def compute(self) -> None:
        """Find the rows that differ: from the table itself, or from the file of what it is known to hold.

        Raises:
            PortalError: the portal cannot hold the rows, or cannot be read.
        """
        view_parquet(self._connection, "new_rows", wanted_parquet(self._wanted))
        if self._kind in (FILL, ROWS, COLUMNS):
            refuse_unfit(
                self._connection, "new_rows", self._wanted.name, self._wanted.declared, self._wanted.primary_key
            )
        if self._kind in (ROWS, COLUMNS) and not self._found_from_file():
            self._find_from_table()

    # --- what differs ---------------------------------------------------------------------------------

    def _found_from_file(self) -> bool:
        """Compare with the release that the table is known to hold, where the table is too large for one look."""
        table, wanted = self._table, self._wanted
        if self._kind != ROWS or table is None or table.count <= PAGE_ROWS or len(wanted.primary_key) > 1:
            return False
        known = known_rows(self._connection, wanted, table)
        if known is None:
            return False
        as_declared(self._connection, "old_rows", known, wanted.declared, is_kept=False)
        compare_rows(self._connection, wanted.declared, wanted.primary_key)
        if not self._found_ids(wanted.primary_key[0]):
            return False
        self._pair()
        self._is_from_table = False
        return True

    def _found_ids(self, key: str) -> bool:
        """Ask for the ids of the rows that change or go; False if the table does not have them all.

        CKAN updates a row by its id in half the time of an upsert by key, and is asked for a thousand ids in less
        than a tenth of it.
        """
        column = quote(key)
        differing = f"(SELECT {column} FROM changed UNION ALL SELECT {column} FROM left_over)"
        query = f"SELECT {_ready(self._wanted, key)} FROM {differing} ORDER BY {column}"
        keys = [row[0] for row in self._connection.execute(query).fetchall()]
        path = self._folder / "ids.csv"
        with path.open("w", encoding="utf-8", newline="") as file:
            for start in range(0, len(keys), _ASKED_IDS):
                answer = self._client.call(
                    "datastore_search",
                    {
                        "resource_id": self._wanted.table_id,
                        "filters": {key: keys[start : start + _ASKED_IDS]},
                        "fields": ["_id", key],
                        "limit": _ASKED_IDS,
                        "records_format": "csv",
                        "include_total": False,
                    },
                )
                file.write(answer["records"])
        declared = [field for field in self._wanted.declared if field.name == key]
        as_declared(self._connection, "ids", Shown.of(path, ("_id", key)), declared)
        found = 0
        for rows in ("changed", "left_over"):
            joined = f"{rows}.{column} = ids.{column}"
            done = self._connection.execute(f"UPDATE {rows} SET _id = ids._id FROM ids WHERE {joined}").fetchone()
            found += int(done[0]) if done else 0
        return found == len(keys)

    def _find_from_table(self) -> None:
        shown = download(self._client, self._wanted.table_id, self._folder / "table.csv")
        kept = [str(column["id"]) for column in self._columns if not is_retyped(self._wanted, column)]
        as_declared(self._connection, "old_rows", shown, self._wanted.declared, kept)
        compare_rows(self._connection, self._wanted.declared, self._wanted.primary_key)
        self._pair()
        self._is_from_table = True

    def _pair(self) -> None:
        self._changed, self._added, self._gone = pair(self._connection, self._wanted.declared)

    @property
    def _columns(self) -> Sequence[Any]:
        return self._table.columns if self._table else ()

    def _records(self, where: str = "true") -> Iterator[list[Record]]:
        """The rows to write, in chunks; each with the ``_id`` of the row that it takes the place of, if any.

        An update of a row has the columns that differ only. An upsert has all: it might insert the row.
        """
        differing = "_differing" if self._kind == ROWS and self._method == "update" else "NULL AS _differing"
        columns = f"{as_json(self._wanted.declared)}, _id, {differing}"
        query = f"SELECT {columns} FROM coming WHERE {where} ORDER BY _id NULLS LAST"
        for chunk in _chunks(self._connection, query):
            yield [_to_write(row) for row in chunk]

    # --- writing --------------------------------------------------------------------------------------

    def _call(self, action: str, **data: Any) -> Any:
        # force: CKAN takes tables beside an uploaded file for read-only
        return self._client.call(action, {"resource_id": self._wanted.table_id, "force": True, **data})

    def _note(self, holds: str, **more: Any) -> None:
        """Send the columns with their dictionary and the note of whose rows they are. A transaction."""
        self._call("datastore_create", fields=noted(self._wanted.columns, holds), **more)

    @property
    def _method(self) -> str:
        # An update also makes CKAN forget the text that its search finds a row by; an upsert does not (2.12.0).
        return "upsert" if self._added else "update"

    def rehearse(self, progress: Progress) -> None:
        """Have the portal try every row that will be written, and roll back, before anything is switched.

        Raises:
            PortalError: it refuses them; nothing was changed.
        """
        if self._kind not in (ROWS, COLUMNS):
            return
        try:
            self._try(progress)
        except PortalError as error:
            if self._is_from_table or isinstance(error, TooLargeError):
                raise
            self._find_from_table()  # the table is not what its note says
            self._try(progress)

    def _try(self, progress: Progress) -> None:
        total, done, started = self._changed + self._added, 0, time.monotonic()
        for chunk in self._records():
            progress(f"{self._wanted.name}: try the rows", done, total, "rows")
            if self._kind == ROWS:
                self._call("datastore_upsert", method=self._method, records=chunk, dry_run=True)
            else:
                self._try_beside(chunk)
            done += len(chunk)
        self._seconds_a_row = (time.monotonic() - started) / max(done, 1)

    def _try_beside(self, chunk: list[Record]) -> None:
        """Have the portal make a table of these columns and rows beside, and roll back.

        CKAN has no rehearsal of ``datastore_create``. But it names the aliases last and in the same transaction,
        and a name that is taken, such as our own table's, undoes all of it.
        """
        beside = next((rid for rid in self._wanted.resources if rid != self._wanted.table_id), None)
        if beside is None or self._client.call("datastore_info", {"id": beside}, missing_ok=True):
            return  # somebody has made a table there
        rows = [{key: value for key, value in row.items() if key != "_id"} for row in chunk]
        data = {
            "resource_id": beside,
            "force": True,
            "fields": [dict(column) for column in self._wanted.columns],
            "primary_key": list(self._wanted.primary_key),
            "records": rows,
            "aliases": [self._wanted.table_id],
            "dry_run": True,
        }
        try:
            self._client.call("datastore_create", data)
        except PortalError as error:
            if f'alias: "{self._wanted.table_id}" already exists' in str(error):
                return  # all before the last step was taken
            raise
        self._client.call("datastore_delete", {"resource_id": beside, "force": True})

    def begin(self) -> None:
        """Take the note away: from here on nobody may trust what it said."""
        is_dirty = self._table is not None and self._table.holds.startswith(CHANGING)
        writes = self._kind == COLUMNS or (self._kind == ROWS and self._changed + self._added + self._gone)
        if writes and not is_dirty:
            self._call("datastore_create", fields=noted(self._columns, f"{CHANGING} to {self._wanted.version}"))

    def write(self, progress: Progress) -> None:
        """Change the table and note whose rows it holds.

        Raises:
            PortalError: the portal refuses it, or holds something else afterwards.
        """
        if self._kind == FILL:
            self._fill(progress)
        else:
            key = self._change_columns() if self._kind == COLUMNS else {}
            if self._kind in (ROWS, COLUMNS):
                self._write_rows(progress)
                self._delete()
            self._note(self._wanted.holds, **key)
        verify(self._client, self._wanted)

    def _fill(self, progress: Progress) -> None:
        """Make the table with its rows: in one call where that is quick, so that nobody sees half of it."""
        wanted, key = self._wanted, list(self._wanted.primary_key)
        if self._client.call("datastore_info", {"id": wanted.table_id}, missing_ok=True) is not None:
            self._call("datastore_delete")  # of a resource that was taken out of its dataset: nobody could see it
        query = f"SELECT {as_json(wanted.declared)} FROM new_rows"
        if wanted.rows * len(wanted.declared) <= _ONE_FILL_CELLS:
            rows = [row for chunk in _chunks(self._connection, query) for row in chunk]
            self._note(wanted.holds, primary_key=key, records=rows, calculate_record_count=True)
            return
        self._note(f"{CHANGING} to {wanted.version}", primary_key=key)
        done = 0
        for chunk in _chunks(self._connection, query):
            self._call("datastore_upsert", method="insert", records=chunk, calculate_record_count=False)
            done += len(chunk)
            progress(f"{wanted.name}: table", done, wanted.rows, "rows")
        self._note(wanted.holds)

    def _change_columns(self) -> dict[str, Any]:
        """Add and remove columns, a retyped one by way of removing it. What is left to do for the key."""
        note = f"{CHANGING} to {self._wanted.version}"
        keyless: dict[str, Any] = {"primary_key": []} if is_rekeyed(self._wanted, self._columns) else {}
        if any(is_retyped(self._wanted, column) for column in self._columns):
            kept = [column for column in self._columns if not is_retyped(self._wanted, column)]
            self._call("datastore_create", fields=noted(kept, note), delete_fields=True, **keyless)
        self._note(note, delete_fields=True, **keyless)
        return {"primary_key": list(self._wanted.primary_key)}

    def _write_rows(self, progress: Progress) -> None:
        """Write what comes: in one transaction where one call can take it."""
        total = self._changed + self._added
        cells = total * len(self._wanted.declared)
        if total and cells <= _ONE_CALL_CELLS and total * self._seconds_a_row <= _ONE_CALL_S:
            try:
                self._send([row for chunk in self._records() for row in chunk])
            except PortalError as error:
                if not (error.is_transient or isinstance(error, TooLargeError)) or total <= CHUNK_ROWS:
                    raise
            else:
                self._mend_search()
                return
        done = 0
        for chunk in self._records():
            self._send(chunk)
            done += len(chunk)
            progress(f"{self._wanted.name}: table", done, total, "rows")
        self._mend_search()

    def _send(self, rows: list[Record]) -> None:
        if self._kind == ROWS:
            self._call("datastore_upsert", method=self._method, records=rows)
            return
        # without its key a table takes no upsert
        for method, part in (
            ("update", [r for r in rows if "_id" in r]),
            ("insert", [r for r in rows if "_id" not in r]),
        ):
            if part:
                self._call("datastore_upsert", method=method, records=part)

    def _mend_search(self) -> None:
        """Write what an upsert changed once more, as an update: only then CKAN's search finds the new text."""
        if self._kind == ROWS and self._method == "upsert":
            for chunk in self._records("_id IS NOT NULL"):
                self._call("datastore_upsert", method="update", records=chunk, calculate_record_count=False)

    def _delete(self) -> None:
        ids = [row[0] for row in self._connection.execute("SELECT _id FROM gone ORDER BY _id").fetchall()]
        for start in range(0, len(ids), CHUNK_ROWS):
            chunk = ids[start : start + CHUNK_ROWS]
            if not all(isinstance(row_id, int) for row_id in chunk):
                raise AssertionError("a delete without a filter would empty the table")
            self._call("datastore_records_delete", filters={"_id": chunk})


def _chunks(connection: duckdb.DuckDBPyConnection, query: str) -> Iterator[list[Record]]:
    with connection.cursor() as cursor:
        for batch in cursor.execute(query).to_arrow_reader(CHUNK_ROWS):
            yield batch.to_pylist()


def _to_write(row: Record) -> Record:
    row_id, differing = row.pop("_id"), row.pop("_differing")
    record = {name: row[name] for name in differing} if differing else row
    return record if row_id is None else {**record, "_id": row_id}


def _ready(wanted: Wanted, name: str) -> str:
    return as_json([field for field in wanted.declared if field.name == name])
