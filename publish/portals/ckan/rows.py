"""A dataset's table in CKAN's DataStore, brought from the rows it holds to those of a release by what differs."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq

from publish.plans import PortalError
from publish.portals.ckan.client import Client
from publish.portals.ckan.compare import CHANGING, TableState, content_of
from publish.portals.ckan.wanted import Wanted
from publish.release.manifest import load_release
from warehouse.archive import sha256_of
from warehouse.declarations import literal, quote
from warehouse.progress import Progress
from warehouse.releases import ReleaseError

CHUNK_ROWS = 5_000
_PAGE_ROWS = 32_000  # what CKAN gives at once, unless an administrator allowed more
_REHEARSED_ROWS = 20_000  # a difference of up to so many rows is tried out before the switch
HOLDS = "rows_of"  # in the dictionary of the table's first column: which rows the table holds

Record = dict[str, Any]


class Rows:
    """A change of a table: worked out before the switch, written after it."""

    def __init__(self, client: Client, wanted: Wanted, table: TableState | None, kind: str, folder: Path) -> None:
        """Nothing is read yet. ``folder`` is for what is worked out."""
        self._client = client
        self._wanted = wanted
        self._table = table
        self._kind = kind
        self._folder = folder
        self._connection: duckdb.DuckDBPyConnection | None = None
        self._upserts = 0
        self._deletes: tuple[str, list[Any]] = ("", [])

    def close(self) -> None:
        """Let go of what was worked out."""
        if self._connection is not None:
            self._connection.close()

    def compute(self) -> None:
        """Find the rows that differ: from the Parquet file of what the table holds, or from the table itself."""
        if self._kind != "rows":
            return
        self._connection = duckdb.connect(config={"autoinstall_known_extensions": "false"})
        self._connection.execute("SET memory_limit = '512MB'; SET threads = 2")
        self._connection.execute(f"SET temp_directory = {literal(str(self._folder))}")
        self._connection.execute(
            f"CREATE VIEW new_rows AS SELECT * FROM read_parquet({literal(str(self._parquet))})"
        )
        before = self._held_parquet()
        if before is not None:
            self._difference(f"read_parquet({literal(str(before))})", is_held=True)
            if len(self._wanted.primary_key) == 1 or not self._deletes[1]:
                return
            # A filter is an AND of lists and cannot name pairs: the ids of the table's own rows are needed.
        self._difference(self._shown(), is_held=False)

    @property
    def _parquet(self) -> Path:
        file = next((file for file in self._wanted.files.values() if file.key == "parquet"), None)
        if file is None or not file.path.is_file():
            raise PortalError(
                f"{self._wanted.name}: the Parquet file of version {self._wanted.version} is missing;"
                " release it again"
            )
        return file.path

    def _held_parquet(self) -> Path | None:
        """The Parquet file of the table's rows, if it is known to hold those of a release that we have."""
        table = self._table
        if table is None or not content_of(table.holds):
            return None
        version, content = table.holds.split(" ")[0], content_of(table.holds)
        if content == content_of(self._wanted.holds):
            return None  # and yet it differs: somebody has changed it
        if not re.fullmatch(r"[\d.-]+", version):
            return None
        folder = self._parquet.parent.parent / version
        try:
            release = load_release(folder)
        except ReleaseError:
            return None
        file = release.file("parquet")
        if file is None or (release.content_sha256, release.rows) != (content, table.count):
            return None
        path = folder / file.name
        return path if path.is_file() and sha256_of(path) == file.sha256 else None

    def _shown(self) -> str:
        """Download the table; SQL that reads it."""
        path, offset, names = self._folder / "table.csv", 0, ["_id"]
        with path.open("w", encoding="utf-8", newline="") as file:
            while True:
                page = self._client.call(
                    "datastore_search",
                    {
                        "resource_id": self._wanted.table_id,
                        "limit": _PAGE_ROWS,
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
                offset += int(page["limit"])  # a portal may allow less than we asked for
        columns = ", ".join(f"{literal(name)}: 'VARCHAR'" for name in names)
        return (
            f"read_csv({literal(str(path))}, header = false, auto_detect = false, delim = ',', quote = '\"',"
            f" escape = '\"', nullstr = '', parallel = false, columns = {{{columns}}})"
        )

    def _difference(self, source: str, *, is_held: bool) -> None:
        """Fill the table ``upserts`` and note what to delete.

        Args:
            source: the rows as they are now, for SQL.
            is_held: they come from a release, not from the portal, where every row has an ``_id``.
        """
        connection, wanted = self._connection, self._wanted
        assert connection is not None  # noqa: S101 - for the type checker
        standing = {row[0] for row in connection.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()}
        columns = [
            f"TRY_CAST({quote(declared.name)} AS {declared.duckdb_type}) AS {quote(declared.name)}"
            if declared.name in standing
            else f"NULL AS {quote(declared.name)}"
            for declared in wanted.declared
        ]
        row_id = "NULL AS _id" if is_held else "CAST(_id AS BIGINT) AS _id"
        connection.execute(
            f"CREATE OR REPLACE TEMP TABLE old_rows AS SELECT true AS is_there, {row_id}, {', '.join(columns)}"
            f" FROM {source}"
        )
        keys = [quote(name) for name in wanted.primary_key]
        joined = " AND ".join(f"o.{key} = n.{key}" for key in keys)
        differs = "".join(
            f" OR o.{quote(declared.name)} IS DISTINCT FROM n.{quote(declared.name)}"
            for declared in wanted.declared
            if declared.name not in wanted.primary_key
        )
        connection.execute(
            f"CREATE OR REPLACE TEMP TABLE upserts AS SELECT n.* FROM new_rows AS n"
            f" LEFT JOIN old_rows AS o ON {joined} WHERE o.is_there IS NULL{differs} ORDER BY"
            f" {', '.join(f'n.{key}' for key in keys)}"
        )
        (self._upserts,) = connection.execute("SELECT count(*) FROM upserts").fetchone() or (0,)
        by = wanted.primary_key[0] if is_held else "_id"
        gone = connection.execute(
            f"SELECT o.{quote(by)} FROM old_rows AS o ANTI JOIN new_rows AS n ON {joined} ORDER BY ALL"
        ).fetchall()
        self._deletes = (by, [_json_ready(row[0]) for row in gone])

    def _changed(self) -> Iterator[list[Record]]:
        """The rows to send, in chunks."""
        if self._connection is None:
            for batch in pq.ParquetFile(self._parquet).iter_batches(CHUNK_ROWS):
                yield [_record(row) for row in batch.to_pylist()]
            return
        for batch in self._connection.execute("SELECT * FROM upserts").to_arrow_reader(CHUNK_ROWS):
            yield [_record(row) for row in batch.to_pylist()]

    def _call(self, action: str, **data: Any) -> Any:
        # force: CKAN takes tables beside an uploaded file for read-only
        return self._client.call(action, {"resource_id": self._wanted.table_id, "force": True, **data})

    def _note(self, holds: str, **more: Any) -> None:
        """Send the columns with their dictionary and the note of whose rows they are. A transaction."""
        first, *others = self._wanted.columns
        columns = [{**first, "info": {**first["info"], HOLDS: holds}}, *others]
        self._call("datastore_create", fields=columns, **more)

    def rehearse(self, progress: Progress) -> None:
        """Have the portal try the difference before anything is switched, where that is quick."""
        if self._kind != "rows" or not 0 < self._upserts <= _REHEARSED_ROWS:
            return
        progress(f"{self._wanted.name}: try the rows", 0, self._upserts, "rows")
        for chunk in self._changed():
            self._call("datastore_upsert", method="upsert", records=chunk, dry_run=True)

    def begin(self) -> None:
        """Take the note away: from here on nobody may trust what it said."""
        is_dirty = self._table is not None and self._table.holds.startswith(CHANGING)
        if self._kind == "rows" and (self._upserts or self._deletes[1]) and not is_dirty:
            self._note(f"{CHANGING} to {self._wanted.version}")

    def write(self, progress: Progress) -> None:
        """Change the table and note whose rows it holds."""
        if self._kind == "fill":
            if self._table is not None:
                self._call("datastore_delete")  # without filters the table itself goes
            self._note(f"{CHANGING} to {self._wanted.version}", primary_key=list(self._wanted.primary_key))
        total, done = self._wanted.rows if self._kind == "fill" else self._upserts, 0
        step = f"{self._wanted.name}: table"
        if self._kind != "dictionary":
            for chunk in self._changed():
                done += len(chunk)
                self._call(
                    "datastore_upsert",
                    method="insert" if self._kind == "fill" else "upsert",
                    records=chunk,
                    # CKAN counts once, after the last
                    **({} if done == total else {"calculate_record_count": False}),
                )
                progress(step, done, total, "rows")
            self._delete()
        self._note(self._wanted.holds)
        count = self._client.call("datastore_info", {"id": self._wanted.table_id})["meta"]["count"]
        if count != self._wanted.rows:
            self._note("")
            raise PortalError(
                f"{self._wanted.name}: the table holds {count:,} rows where version {self._wanted.version} has"
                f" {self._wanted.rows:,}. If the portal runs xloader or datapusher, have them leave this dataset"
                " alone; the next run compares the table row by row"
            )

    def _delete(self) -> None:
        by, values = self._deletes
        for start in range(0, len(values), CHUNK_ROWS):
            chunk = values[start : start + CHUNK_ROWS]
            if not by or not chunk:
                raise AssertionError("a delete without a filter would empty the table")
            self._call("datastore_records_delete", filters={by: chunk})


@contextmanager
def prepared(client: Client, wanted: Wanted, table: TableState | None, kind: str) -> Iterator[Rows]:
    """A change of a table, worked out."""
    with tempfile.TemporaryDirectory(prefix="opendistrict-") as folder:
        rows = Rows(client, wanted, table, kind, Path(folder))
        try:
            rows.compute()
            yield rows
        except duckdb.Error as error:
            raise PortalError(f"{wanted.name}: the rows cannot be compared: {error}") from error
        finally:
            rows.close()


def _record(row: Mapping[str, Any]) -> Record:
    return {key: _json_ready(value) for key, value in row.items()}


def _json_ready(value: Any) -> Any:
    if isinstance(value, date | datetime):
        return value.isoformat()
    return str(value) if isinstance(value, Decimal) else value
