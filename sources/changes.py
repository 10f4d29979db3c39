"""Since when a source that can tell what changed is asked: the ledger knows, nothing else has to remember it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from warehouse.ledger import SnapshotRecord


def since(known: Sequence[SnapshotRecord], day: date) -> date | None:
    """Since when a pull of changes has to ask: the date of the last data that were taken in, None for everything.

    What a pull of the same day brought does not count: the new one takes its place, so it has to hold that too.
    Changes that come twice do no harm, so a date is exact enough.

    Args:
        known: the source's lines in the ledger.
        day: the logical day of the pull.
    """
    return max(
        (record.data_date for record in known if record.is_promoted and record.data_date < day), default=None
    )
