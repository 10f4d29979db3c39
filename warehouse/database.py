"""DuckDB connections with the limits of this project: bounded memory, no extension downloads.

DuckDB is imported where a connection is made: the settings of a command are read without it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from warehouse.sql import day_literal, literal

if TYPE_CHECKING:
    import duckdb

DEFAULT_MEMORY = "4GB"
Value = str | int | float | date | None  # what SQL is given as a literal; a bool is an int


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
    import duckdb

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


def fetch(
    connection: duckdb.DuckDBPyConnection, sql: str, parameters: Sequence[Value] = ()
) -> list[tuple[Any, ...]]:
    """The rows of a query whose parameters (``?``) are written into it as literals.

    For small look-ups. Given parameters of its own, DuckDB's ``execute`` imports pandas, numpy and pyarrow to see
    whether a value is one of theirs (1.5.6): of a ``status`` of 1.8 s that was more than one.

    Raises:
        ValueError: the query has another number of question marks.
    """
    first, *others = sql.split("?")
    parts = [_literal(value) + text for value, text in zip(parameters, others, strict=True)]
    return connection.execute(first + "".join(parts)).fetchall()


def insert_rows(connection: duckdb.DuckDBPyConnection, table: str, rows: Sequence[Sequence[Value]]) -> None:
    """Insert rows of values in one statement: hundreds, one by one, take half a second (``executemany``)."""
    if rows:
        listed = ", ".join(f"({', '.join(map(_literal, row))})" for row in rows)
        connection.execute(f"INSERT INTO {table} VALUES {listed}")


def _literal(value: Value) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, bool | float):
        return repr(value).lower()
    if isinstance(value, date):
        return day_literal(value)
    return f"{value:d}" if isinstance(value, int) else literal(value)


def attach(connection: duckdb.DuckDBPyConnection, path: Path, name: str, *, read_only: bool = True) -> None:
    """Attach another database file under a name."""
    mode = " (READ_ONLY)" if read_only else ""
    escaped = str(path).replace("'", "''")
    connection.execute(f"ATTACH '{escaped}' AS {name}{mode}")
