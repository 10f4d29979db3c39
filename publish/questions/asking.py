"""Questions to published files: one SELECT over Parquet files, which may read these and nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Timer
from typing import Any

import duckdb

from warehouse.declarations import literal, quote

MOST_ROWS = 2000
_MOST_SECONDS = 60.0  # a page of a portal is not worth more of a night


@dataclass(frozen=True)
class Answer:
    """What a SELECT gives: the names of its columns, and rows of plain values."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]


@contextmanager
def over(views: Mapping[str, Path]) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection with a view a Parquet file, from which nothing else of the disk or the network can be read."""
    connection = duckdb.connect(
        ":memory:",
        config={
            "memory_limit": "1GB",
            "threads": "1",  # sums of fractions are the same each time
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
        },
    )
    try:
        for name, path in views.items():
            connection.execute(f"CREATE VIEW {quote(name)} AS SELECT * FROM read_parquet({literal(str(path))})")
        connection.execute(f"SET allowed_paths = [{', '.join(literal(str(path)) for path in views.values())}]")
        connection.execute("SET enable_external_access = false")
        connection.execute("SET lock_configuration = true")
        yield connection
    finally:
        connection.close()


def ask(connection: duckdb.DuckDBPyConnection, sql: str) -> Answer:
    """What a SELECT gives, at most ``MOST_ROWS`` rows.

    Raises:
        duckdb.Error: it cannot be run, or takes too long.
    """
    timer = Timer(_MOST_SECONDS, connection.interrupt)
    timer.start()
    try:
        cursor = connection.execute(sql)
        rows: Sequence[tuple[Any, ...]] = cursor.fetchmany(MOST_ROWS)
    finally:
        timer.cancel()
    return Answer(tuple(column[0] for column in cursor.description or ()), tuple(rows))
