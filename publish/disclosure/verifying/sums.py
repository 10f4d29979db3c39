"""What is published of sums: a mean and its count give a sum, as exactly as the mean is rounded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from publish.disclosure.verifying.equations import Together
from publish.disclosure.verifying.published import Cell, Column, Fault, Shown

Span = tuple[float, float]


@dataclass
class Sums:
    """A magnitude: between which values one person's part lies, and each cell's sum, as far as it is published."""

    minimum: float
    maximum: float
    spans: dict[Cell, Span] = field(default_factory=dict)


def sums_of(system: Together) -> dict[str, Sums]:
    """What is published of every magnitude that anything is published of."""
    found: dict[str, Sums] = {}
    for table in system.tables:
        for column in table.stated.columns:
            if column.kind not in ("sum", "mean"):
                continue
            for cell, shown in table.cells.items():
                if (span := _span(shown, column)) is not None:
                    sums = found.setdefault(column.of, Sums(column.minimum, column.maximum))
                    low, high = sums.spans.get(cell, span)
                    sums.spans[cell] = (max(low, span[0]), min(high, span[1]))
    # one that only stands where nobody is says nothing
    return {name: one for name, one in found.items() if any(high - low for low, high in one.spans.values())}


def _span(shown: Shown, column: Column) -> Span | None:
    if shown.count == 0:
        return 0.0, 0.0
    if shown.count is None or column.name not in shown.others:
        return None
    value, times = shown.others[column.name], shown.count if column.kind == "mean" else 1
    half = max(column.half, abs(value) * 1e-9)
    return (value - half) * times, (value + half) * times


def sums_that_do_not_add_up(system: Together, found: Mapping[str, Sums]) -> Iterator[Fault]:
    """Where the parts' sums cannot be the whole's, however they were rounded."""
    for name, sums in found.items():
        for equation in system.equations:
            whole = sums.spans.get(equation.whole)
            parts = [sums.spans.get(cell) for cell in equation.parts]
            if whole is None or None in parts:
                continue
            low, high = (sum(part[side] for part in parts if part) for side in (0, 1))
            if low > whole[1] or high < whole[0]:
                why = f"{name}: its sum is not that of its parts over {equation.column}"
                yield system.homes[equation.whole].fault("margins", equation.whole, why)
