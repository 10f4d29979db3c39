"""What a release's other files show of its rows: the same as the CSV, and nothing of what is suppressed."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence, Set
from pathlib import Path

from publish.disclosure.verifying.describing import UnreadableError
from publish.disclosure.verifying.published import WHOLE, Fault, Stated, Table
from publish.disclosure.verifying.rows import Key, Row, csv_rows, key_of, needed_columns


def parquet_faults(path: Path, rows: Sequence[Row], what: Stated, whole: Table) -> Iterator[Fault]:
    """Where a Parquet file does not show what the CSV file's rows do.

    Raises:
        UnreadableError: it cannot be read, or lacks a column.
    """
    import duckdb

    names = needed_columns(what)
    columns = ", ".join(f"""coalesce(CAST("{name.replace('"', '""')}" AS VARCHAR), '')""" for name in names)
    connection = duckdb.connect(
        config={"memory_limit": "1GB", "threads": "2", "autoinstall_known_extensions": "false"}
    )
    try:
        source = connection.read_parquet(str(path))
        (count,) = source.aggregate("count(*)").fetchone() or (0,)
        if count != len(rows):
            yield whole.fault("file", WHOLE, f"{path.name} has {count:,} rows, the CSV file {len(rows):,}")
            return
        found = source.project(columns).fetchall()
    except duckdb.Error:
        raise UnreadableError(f"{path.name} cannot be read as Parquet with the columns of the CSV file") from None
    finally:
        connection.close()
    by_key = {key_of(row, what): row for row in rows}
    for values in found:
        there = dict(zip(names, values, strict=True))
        row = by_key.get(key_of(there, what))
        if row is None or any(not _is_same(there[name], row[name]) for name in names):
            yield whole.fault("file", WHOLE, f"{path.name} shows other rows than the CSV file")
            return


def _is_same(one: str, other: str) -> bool:
    if one == other:
        return True
    try:
        return float(one) == float(other)
    except ValueError:
        return False


def changes_faults(path: Path, hidden: Set[Key], what: Stated, whole: Table) -> Iterator[Fault]:
    """Where a list of changes shows the new value of a cell that is suppressed now."""
    protected = {one.name for one in what.columns}
    for line in csv_rows(path, (*what.key_columns, "field", "new")):
        if line["field"] in protected and line["new"] and key_of(line, what) in hidden:
            yield whole.fault("status", WHOLE, f"{path.name} shows {line['field']} of a row that is suppressed")
            return


def dictionary_faults(path: Path, rows: Sequence[Row], what: Stated, whole: Table) -> Iterator[Fault]:
    """Where a data dictionary says more or other of a protected column than can be counted from the rows.

    Raises:
        UnreadableError: it cannot be read, or lacks a column.
    """
    named = ("name", "filled_count", "suppressed_count", "distinct_count", "minimum", "maximum")
    lines = {line["name"]: line for line in csv_rows(path, named)}
    for column in what.columns:
        if (line := lines.get(column.name)) is None:
            continue
        shown = [row[column.name] for row in rows if row[column.name]]
        hidden = sum(not row[column.name] and row[what.status] == what.suppressed for row in rows)
        ends = ("", "")
        if shown and all(map(_is_number, shown)):
            ends = (min(shown, key=float), max(shown, key=float))
        counted = (str(len(shown)), str(hidden), str(len(set(shown))), *ends)
        if any(not _is_same(line[name], value) for name, value in zip(named[1:], counted, strict=True)):
            yield whole.fault("file", WHOLE, f"{path.name} says of {column.name} what the rows do not")


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False
