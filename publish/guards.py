"""What holds a dataset: what would take away that people rely on is not done unless somebody says so."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from publish.desired import DesiredDataset
from publish.plans import Allowed, Hold


@dataclass(frozen=True)
class Shown:
    """What a portal shows of a dataset now, as far as guards ask. None: nobody can tell."""

    version: str | None = None
    rows: int | None = None
    columns: tuple[str, ...] | None = None
    taken_down: str = ""  # deleted or private, where somebody did that by hand


def held(desired: DesiredDataset, shown: Shown | None, allowed: Allowed) -> tuple[Hold, ...]:
    """Why a dataset is held; empty if it may be written. ``shown`` is None where the portal lacks it."""
    return tuple(_holds(desired, shown, allowed)) if shown else ()


def _holds(desired: DesiredDataset, shown: Shown, allowed: Allowed) -> Iterator[Hold]:
    name, limit = desired.declaration.name, desired.declaration.table.rows.shrink_limit_pct
    rows = desired.release.rows
    if shown.rows and rows < shown.rows and name not in allowed.shrink:
        lost = 100 * (shown.rows - rows) / shown.rows
        if lost > limit:
            yield Hold(
                name,
                "rows",
                f"{shown.rows:,} rows would become {rows:,}: {lost:.1f} % vanish, and {limit:g} % may",
                "--allow-shrink",
            )
