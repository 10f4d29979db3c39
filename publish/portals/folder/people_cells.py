"""The cells of a dataset about people, as its page needs them: which column is for what, and what is published."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from publish.portals.folder.speaking import Speaker
from warehouse.declarations import (
    STATUS,
    SUPPRESSED,
    TOTAL,
    DatasetDeclaration,
    FieldDeclaration,
    literal,
    quote,
)

_MOST_CELLS = 20_000  # read for a page


@dataclass(frozen=True)
class Roles:
    """What each column is for.

    Args:
        count: the number of people.
        panels: columns of the period that have codes, such as the question.
        names: SQL for what tells the rows of a panel apart, such as the pilot's name.
        day: SQL for when it was, as exactly as is known; NULL if no column says it.
        dimensions: of each dimension its coarsest column.
        finer: the other columns of dimensions.
        means: of a population one of them has values at most.
        share: per cents, if there are any.
        speaker: says the columns and their codes.
    """

    count: FieldDeclaration
    panels: tuple[FieldDeclaration, ...]
    names: tuple[str, ...]
    day: str
    dimensions: tuple[FieldDeclaration, ...]
    finer: tuple[str, ...]
    means: tuple[FieldDeclaration, ...]
    share: FieldDeclaration | None
    speaker: Speaker

    @property
    def parted(self) -> int | None:
        """The dimension whose codes the shares are of."""
        of = self.share.protected.of if self.share and self.share.protected else None
        return next((place for place, one in enumerate(self.dimensions) if one.name == of), None)


@dataclass(frozen=True)
class Cell:
    """A cell of one population: ``codes`` by dimension; a suppressed one has no numbers."""

    panel: tuple[str, ...]
    names: tuple[str, ...]
    day: str
    codes: tuple[str, ...]
    is_suppressed: bool
    count: int
    means: tuple[float | None, ...]
    share: float | None


def roles_of(dataset: DatasetDeclaration, speaker: Speaker) -> Roles | None:
    """What the columns are for; None if it declares no disclosure control."""
    declared, fields = dataset.entry.disclosure, {one.name: one for one in dataset.table.fields}
    if declared is None:
        return None

    def protected(kind: str) -> tuple[FieldDeclaration, ...]:
        return tuple(one for one in fields.values() if one.protected and one.protected.kind == kind)

    period = [fields[column] for column in declared.period]
    panels = tuple(one for one in period if one.label_list)
    return Roles(
        count=protected("count")[0],
        panels=panels,
        names=tuple(_name_of(one.name, fields) for one in period if one not in panels),
        day=next((_day(one, fields) for one in fields.values() if one.type == "date" and not one.mark), "NULL"),
        dimensions=tuple(fields[dimension[0]] for dimension in declared.dimensions),
        finer=tuple(column for dimension in declared.dimensions for column in dimension[1:]),
        means=protected("mean"),
        share=next(iter(protected("share")), None),
        speaker=speaker,
    )


def _name_of(column: str, fields: Mapping[str, FieldDeclaration]) -> str:
    """What people call what a column identifies: of pilot_id the pilot_name."""
    name = column.removesuffix("_id") + "_name"
    return f"coalesce({quote(name)}, {quote(column)})" if name in fields else quote(column)


def _day(one: FieldDeclaration, fields: Mapping[str, FieldDeclaration]) -> str:
    """A day as text; its month or its year where no more is known."""
    text = f"CAST({quote(one.name)} AS VARCHAR)"
    if one.precision_in not in fields:
        return text
    precision = quote(str(one.precision_in))
    return f"left({text}, CASE {precision} WHEN 'year' THEN 4 WHEN 'month' THEN 7 ELSE 10 END)"


def cells(parquet: Path, roles: Roles) -> Iterator[Cell]:
    """The cells that at most two dimensions tell apart, totals first."""
    columns = [
        *(quote(one.name) for one in roles.panels),
        *roles.names,
        roles.day,
        *(quote(one.name) for one in roles.dimensions),
        quote(STATUS),
        quote(roles.count.name),
        quote(roles.share.name) if roles.share else "NULL",
        *(quote(one.name) for one in roles.means),
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
        yield _cell(row, roles)


def _cell(row: tuple[Any, ...], roles: Roles) -> Cell:
    panels = len(roles.panels)
    names = panels + len(roles.names)
    status, count, share, *means = row[names + 1 + len(roles.dimensions) :]
    is_suppressed = status == SUPPRESSED or count is None
    return Cell(
        panel=tuple(str(code) for code in row[:panels]),
        names=tuple(str(name) for name in row[panels:names]),
        day=row[names] or "",
        codes=tuple(str(code) for code in row[names + 1 : names + 1 + len(roles.dimensions)]),
        is_suppressed=is_suppressed,
        count=0 if is_suppressed else int(count),
        means=tuple(None if is_suppressed or mean is None else float(mean) for mean in means),
        share=None if is_suppressed or share is None else float(share),
    )
