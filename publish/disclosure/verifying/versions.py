"""What versions say together: whoever keeps all of them sees every change."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from publish.disclosure.verifying.published import Cell, Fault, Table


@dataclass
class _Past:
    """What was ever shown of a cell: its counts, each with what stood beside it, and whether it was suppressed."""

    shown: dict[int, dict[tuple[str, str], float]] = field(default_factory=dict)
    suppressed_in: str = ""  # the first version in which it was suppressed


def changes_by_few(tables: Iterable[Table]) -> Iterator[Fault]:
    """Where versions, taken together, tell of few people.

    Args:
        tables: of one population and period, in the order in which they were published.
    """
    past: dict[Cell, _Past] = {}
    for table in tables:
        sums = {one.name for one in table.stated.columns if one.kind in ("sum", "mean")}
        for cell, shown in table.cells.items():
            before = past.setdefault(cell, _Past())
            if shown.count is None:
                before.suppressed_in = before.suppressed_in or table.version
                continue
            beside = {(table.dataset, name): value for name, value in shown.others.items() if name in sums}
            if shown.count in before.shown:
                stood = before.shown[shown.count]
                if any(stood.get(name, value) != value for name, value in beside.items()):
                    why = "its sum or mean changed, and its count did not: one person's answer changed, or left"
                    yield table.fault("change", cell, why)
                stood |= beside
                continue
            if before.suppressed_in not in ("", table.version):
                why = f"it was suppressed in version {before.suppressed_in}, and is shown now"
                yield table.fault("returned", cell, why)
            elif any(abs(shown.count - count) < table.stated.threshold for count in before.shown):
                why = f"its count differs from that of an earlier version by fewer than {table.stated.threshold}"
                yield table.fault("change", cell, why)
            before.shown[shown.count] = beside
