"""DuckDB connections with the limits of this project: bounded memory, no extension downloads."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

DEFAULT_MEMORY = "4GB"


def connect(
    path: Path | None, *, temporary: Path, memory: str = DEFAULT_MEMORY, read_only: bool = False
) -> duckdb.DuckDBPyConnection:
    """A connection to the file, or to a database in memory where ``path`` is None.

    Args:
        path: the database file.
        temporary: where DuckDB may spill what does not fit into memory.
        memory: DuckDB's memory limit, e.g. ``"4GB"``. Unlimited, an ordered export of the whole register
            takes 6 to 8 GB.
        read_only: open without the right to write.
    """
    temporary.mkdir(parents=True, exist_ok=True)
    return duckdb.connect(
        str(path) if path else ":memory:",
        read_only=read_only,
        config={
            "memory_limit": memory,
            "temp_directory": str(temporary / "spill"),
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
        },
    )


@contextmanager
def opened(
    path: Path | None, *, temporary: Path, memory: str = DEFAULT_MEMORY, read_only: bool = False
) -> Iterator[duckdb.DuckDBPyConnection]:
    """``connect`` for a ``with`` block: closed at its end."""
    connection = connect(path, temporary=temporary, memory=memory, read_only=read_only)
    try:
        yield connection
    finally:
        connection.close()


def attach(connection: duckdb.DuckDBPyConnection, path: Path, name: str, *, read_only: bool = True) -> None:
    """Attach another database file under a name."""
    mode = " (READ_ONLY)" if read_only else ""
    escaped = str(path).replace("'", "''")
    connection.execute(f"ATTACH '{escaped}' AS {name}{mode}")
