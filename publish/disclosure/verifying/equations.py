"""What adds up: every cell that is a total over a column is the sum of the cells that have a code there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from publish.disclosure.verifying.published import Cell, Shown, Table


@dataclass(frozen=True)
class Equation:
    """``whole`` is the sum of ``parts``, which have a code in ``column``."""

    whole: Cell
    parts: tuple[Cell, ...]
    column: str


@dataclass
class Together:
    """The tables of one population and period, of one dataset or several: cells that they share are one.

    Args:
        tables: as published.
        cells: what is shown of each cell, suppressed or not.
        homes: the table of each cell, the first that has it.
        equations: what adds up.
        lacking: cells whose total stands nowhere, each with the column over which it is.
        exposed: cells that one table suppresses and another shows, with the former.
        is_contradictory: two tables show different counts of one cell.
    """

    tables: Sequence[Table]
    cells: dict[Cell, Shown] = field(default_factory=dict)
    homes: dict[Cell, Table] = field(default_factory=dict)
    equations: list[Equation] = field(default_factory=list)
    lacking: list[tuple[Cell, str]] = field(default_factory=list)
    exposed: list[tuple[Cell, Table]] = field(default_factory=list)
    is_contradictory: bool = False


def together(tables: Sequence[Table]) -> Together:
    """Tables of one population and period as one system."""
    made = Together(tables)
    found: dict[Equation, None] = {}
    for table in tables:
        for cell, shown in table.cells.items():
            before = made.cells.setdefault(cell, shown)
            home = made.homes.setdefault(cell, table)
            if before.count == shown.count:
                continue
            made.is_contradictory |= None not in (before.count, shown.count)
            made.exposed.append((cell, table if shown.count is None else home))
            made.cells[cell] = before if shown.count is None else shown
        equations, lacking = _equations(table.stated.dimensions, table.cells)
        found.update(dict.fromkeys(equations))
        made.lacking += lacking
    made.equations = list(found)
    return made


def _equations(
    dimensions: Iterable[tuple[str, ...]], cells: Mapping[Cell, Shown]
) -> tuple[list[Equation], list[tuple[Cell, str]]]:
    """What adds up in a table, and the cells whose total it lacks."""
    parts: dict[tuple[Cell, str], list[Cell]] = {}
    for dimension in dimensions:
        for cell in cells:
            own = [pair for pair in cell if pair[0] in dimension]
            if own:
                last = max(own, key=lambda pair: dimension.index(pair[0]))
                parts.setdefault((cell - {last}, last[0]), []).append(cell)
    equations = [
        Equation(whole, tuple(sorted(found, key=sorted)), column)
        for (whole, column), found in parts.items()
        if whole in cells
    ]
    return equations, [(found[0], column) for (whole, column), found in parts.items() if whole not in cells]
