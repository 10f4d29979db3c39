"""The cells of a dataset about people, as its page needs them: which column is for what, and what is published."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb

from warehouse.declarations import DatasetDeclaration, FieldDeclaration, literal, quote

TOTAL, STATUS, SUPPRESSED = "total", "status_code", "suppressed"
_MOST_CELLS = 20_000  # read for a page


@dataclass(frozen=True)
class Roles:
    """What each column is for.

    Args:
        count: the number of people.
        panels: columns of the period that have codes, such as the question.
        names: SQL for what tells the rows of a panel apart, such as the pilot's name.
        day: when it was, if there is a column of it.
        dimensions: of each dimension its coarsest column.
        finer: the other columns of dimensions.
        mean, share: a number, and per cents, where there are such columns.
    """

    count: FieldDeclaration
    panels: tuple[FieldDeclaration, ...]
    names: tuple[str, ...]
    day: str | None
    dimensions: tuple[FieldDeclaration, ...]
    finer: tuple[str, ...]
    mean: FieldDeclaration | None
    share: FieldDeclaration | None


@dataclass(frozen=True)
class Cell:
    """A cell of one population: ``codes`` by dimension; a suppressed one has no numbers."""

    panel: tuple[str, ...]
    names: tuple[str, ...]
    day: date | None
    codes: tuple[str, ...]
    is_suppressed: bool
    count: int
    mean: float | None
    share: float | None


def roles_of(dataset: DatasetDeclaration) -> Roles | None:
    """What the columns are for; None if it declares no disclosure control or has no number of people."""
    declared, fields = dataset.entry.disclosure, {one.name: one for one in dataset.table.fields}
    count = next((one for one in fields.values() if one.type == "integer" and one.unit == "people"), None)
    if declared is None or STATUS not in fields or count is None:
        return None
    dimensions = [dimension for dimension in declared.dimensions if set(dimension) <= set(fields)]
    period = [fields[column] for column in declared.period if column in fields]
    panels = tuple(one for one in period if one.label_list)
    numbers = [one for one in fields.values() if one.type == "number"]
    return Roles(
        count=count,
        panels=panels,
        names=tuple(_name_of(one.name, fields) for one in period if one not in panels),
        day=next((one.name for one in fields.values() if one.type == "date" and not one.mark), None),
        dimensions=tuple(fields[dimension[0]] for dimension in dimensions),
        finer=tuple(column for dimension in dimensions for column in dimension[1:]),
        mean=next((one for one in numbers if not one.name.endswith("_pct")), None),
        share=next((one for one in numbers if one.name.endswith("_pct")), None),
    )


def _name_of(column: str, fields: Mapping[str, FieldDeclaration]) -> str:
    """What people call what a column identifies: of pilot_id the pilot_name."""
    name = column.removesuffix("_id") + "_name"
    return f"coalesce({quote(name)}, {quote(column)})" if name in fields else quote(column)


def cells(parquet: Path, roles: Roles) -> Iterator[Cell]:
    """The cells that at most two dimensions tell apart, totals first."""
    numbers = [quote(one.name) if one else "NULL" for one in (roles.count, roles.mean, roles.share)]
    columns = [
        *(quote(one.name) for one in roles.panels),
        *roles.names,
        quote(roles.day) if roles.day else "NULL",
        *(quote(one.name) for one in roles.dimensions),
        quote(STATUS),
        *numbers,
    ]
    told_apart = " + ".join(f"CAST({quote(one.name)} <> '{TOTAL}' AS INTEGER)" for one in roles.dimensions) or "0"
    coarse = "".join(f" AND {quote(column)} = '{TOTAL}'" for column in roles.finer)
    connection = duckdb.connect(":memory:", config={"threads": "1"})
    try:
        found = connection.execute(
            f"SELECT {', '.join(columns)} FROM read_parquet({literal(str(parquet))})"
            f" WHERE {told_apart} <= 2{coarse} ORDER BY {told_apart} LIMIT {_MOST_CELLS}"
        ).fetchall()
    finally:
        connection.close()
    for row in found:
        yield _cell(row, len(roles.panels), len(roles.panels) + len(roles.names))


def _cell(row: tuple[Any, ...], panels: int, names: int) -> Cell:
    status, count, mean, share = row[-4:]
    is_suppressed = status == SUPPRESSED or count is None
    return Cell(
        panel=tuple(str(code) for code in row[:panels]),
        names=tuple(str(name) for name in row[panels:names]),
        day=row[names],
        codes=tuple(str(code) for code in row[names + 1 : -4]),
        is_suppressed=is_suppressed,
        count=0 if is_suppressed else int(count),
        mean=None if is_suppressed or mean is None else float(mean),
        share=None if is_suppressed or share is None else float(share),
    )
