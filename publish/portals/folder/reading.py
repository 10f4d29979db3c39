"""A release's rows as SQL sees them, and nothing else: no other file, no network, no settings."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from warehouse.declarations import TableDeclaration, literal, quote

ROWS = "rows"  # the view that an entry's own SQL reads
_FEW_ROWS = 100_000


@contextmanager
def rows_of(table: TableDeclaration, parquet: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection that sees the view ``rows``: the declared columns, as they are typed before they are released.

    Where the release is older than the declaration, since its newest build failed or is held, a column that it
    lacks is empty, and so is a value that is none of today's type: what stands is shown all the same.

    One thread, so that sums of fractions are the same each night.
    """
    connection = duckdb.connect(":memory:", config={"memory_limit": "1GB", "threads": "1"})
    try:
        file = f"read_parquet({literal(str(parquet))})"
        there = {row[0] for row in connection.execute(f"DESCRIBE SELECT * FROM {file}").fetchall()}
        columns = ", ".join(
            f"TRY_CAST({quote(field.name) if field.name in there else 'NULL'} AS {field.duckdb_type})"
            f" AS {quote(field.name)}"
            for field in table.fields
        )
        (rows,) = connection.execute(f"SELECT count(*) FROM {file}").fetchone() or (0,)
        # a dozen queries follow: few rows are read once, many are left in their file
        kind = "TABLE" if rows <= _FEW_ROWS else "VIEW"
        connection.execute(f"CREATE {kind} {ROWS} AS SELECT {columns} FROM {file}")
        connection.execute(f"SET allowed_paths = [{literal(str(parquet))}]")
        connection.execute("SET enable_external_access = false")
        connection.execute("SET lock_configuration = true")
        yield connection
    finally:
        connection.close()


@contextmanager
def no_rows(table: TableDeclaration) -> Iterator[duckdb.DuckDBPyConnection]:
    """The same view without a row, to try SQL on."""
    connection = duckdb.connect(":memory:", config={"memory_limit": "100MB", "threads": "1"})
    try:
        connection.execute("SET enable_external_access = false")
        connection.execute("SET lock_configuration = true")
        columns = ", ".join(f"{quote(field.name)} {field.duckdb_type}" for field in table.fields)
        connection.execute(f"CREATE TABLE {ROWS} ({columns})")
        yield connection
    finally:
        connection.close()
