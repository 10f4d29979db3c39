"""What shares say: of a published count they give the count that it is a share of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from publish.disclosure.verifying.equations import Together
from publish.disclosure.verifying.published import Cell, Fault


@dataclass(frozen=True)
class Share:
    """``count`` people of ``cell`` are from ``low`` to ``high`` per cent of those in ``of``."""

    cell: Cell
    of: Cell
    count: int
    low: float
    high: float


def shares_of(system: Together) -> list[Share]:
    """Every share that is published, with the cell it is a share of."""
    found = []
    for table in system.tables:
        for column in table.stated.columns:
            if column.kind != "share":
                continue
            for cell, shown in table.cells.items():
                value = shown.others.get(column.name)
                of = frozenset(pair for pair in cell if pair[0] != column.of)
                if value is not None and shown.count is not None and of in table.cells:
                    half = max(column.half, abs(value) * 1e-9)
                    found.append(Share(cell, of, shown.count, value - half, value + half))
    return found


def shares_that_are_wrong(system: Together, shares: list[Share], known: Mapping[Cell, int]) -> Iterator[Fault]:
    """Where a share is not that of two counts that are known."""
    for share in shares:
        of = known.get(share.of)
        if of is not None and not share.low * of <= 100 * share.count <= share.high * of:
            yield system.homes[share.cell].fault("margins", share.cell, "its share is not that of its count")
