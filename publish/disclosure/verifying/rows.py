"""A release's rows as tables of cells, each judged by itself: shown or suppressed, and no count of few."""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path

from publish.disclosure.verifying.describing import UnreadableError
from publish.disclosure.verifying.published import Cell, Fault, FaultKind, Shown, Stated, Table

MOST_ROWS = 2_000_000
_LARGEST = 10**12

Row = Mapping[str, str]
# Period and codes of a row as they stand there: by them it is found in other files.
Key = tuple[str, ...]


def csv_rows(path: Path, columns: Sequence[str]) -> Iterator[Row]:
    """The rows of a CSV file, in these columns; texts without the apostrophe that keeps a sheet from running them.

    Raises:
        UnreadableError: a column is missing, it is no CSV, or it has more rows than can be looked at.
    """
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file, strict=True)
        try:
            if lacking := [name for name in columns if name not in (reader.fieldnames or ())]:
                raise UnreadableError(f"{path.name} has no column {', '.join(lacking)}")
            for number, row in enumerate(reader, start=1):
                if number > MOST_ROWS:
                    raise UnreadableError(f"{path.name} has more than {MOST_ROWS:,} rows, too many to be checked")
                yield {name: _plain(row[name] or "") for name in columns}
        except csv.Error as error:
            raise UnreadableError(f"{path.name} is no CSV file: {error}") from None


def _plain(text: str) -> str:
    return text[1:] if re.match(r"^'+[=+\-@\t\r]", text) else text


def needed_columns(what: Stated) -> tuple[str, ...]:
    """What is looked at of a row."""
    return (*what.key_columns, what.status, *(one.name for one in what.columns))


def key_of(row: Row, what: Stated) -> Key:
    """By what a row is found in another file of the release."""
    return tuple(row[name] for name in what.key_columns)


def suppressed_keys(rows: Sequence[Row], what: Stated) -> set[Key]:
    """Which rows are suppressed."""
    return {key_of(row, what) for row in rows if row[what.status] == what.suppressed}


def tables_of(rows: Sequence[Row], what: Stated, dataset: str, version: str) -> tuple[list[Table], list[Fault]]:
    """The rows as a table a period, and what is wrong with single rows."""
    found: dict[tuple[str, ...], dict[Cell, Shown]] = {}
    faults: list[Fault] = []
    for row in rows:
        period = tuple(row[name] for name in what.period)
        cells = found.setdefault(period, {})
        table = Table(dataset, version, period, what, {})
        cell = frozenset((name, row[name]) for name in what.cell_columns if row[name] != what.total)
        shown, wrong = _shown(row, what)
        if cell in cells:
            wrong.append(("margins", "the same cell stands in two rows"))
        if not _is_nested(cell, what):
            wrong.append(("margins", "a code stands beneath a total of its own dimension"))
        cells[cell] = shown
        faults += [table.fault(kind, cell, why) for kind, why in wrong]
    return [Table(dataset, version, period, what, cells) for period, cells in found.items()], faults


def _is_nested(cell: Cell, what: Stated) -> bool:
    has = {column for column, _ in cell}
    return all(
        coarse in has or fine not in has for dimension in what.dimensions for coarse, fine in pairwise(dimension)
    )


def _shown(row: Row, what: Stated) -> tuple[Shown, list[tuple[FaultKind, str]]]:
    faults: list[tuple[FaultKind, str]] = []
    counted, *others = what.columns
    texts = {one.name: row[one.name] for one in what.columns}
    if row[what.status] == what.suppressed:
        if filled := [name for name, text in texts.items() if text]:
            faults.append(("status", f"it is suppressed, and {', '.join(filled)} is shown all the same"))
        return Shown(None), faults
    count = _count(texts[counted.name])
    if count is None:
        faults.append(("status", f"it is not suppressed, and {counted.name} is no number of people"))
        return Shown(None), faults
    if 0 < count < what.threshold:
        faults.append(("few", f"it shows a count of 1 to {what.threshold - 1}"))
    numbers: dict[str, float] = {}
    for one in others:
        number = _number(texts[one.name])
        if number is not None:
            numbers[one.name] = number
        elif texts[one.name]:
            faults.append(("status", f"{one.name} is no number"))
    return Shown(count, numbers), faults


def _count(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= len(str(_LARGEST)) else None


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) and abs(number) < _LARGEST**2 else None
