"""Since when a source that can tell what changed is asked: the ledger knows, nothing else has to remember it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from warehouse.ledger import SnapshotRecord


def since(known: Sequence[SnapshotRecord], day: date) -> date | None:
    """Since when a pull of changes has to ask: the day before the last data taken in; None for everything.

    The day before, for our days are not the publisher's: at 02:00 here its own may have an hour to go, and what
    changes in it would fall between two asks. Changes that come twice do no harm. What a pull of the same day
    brought does not count: the new one takes its place, so it has to hold that too.

    Args:
        known: the source's lines in the ledger.
        day: the logical day of the pull.
    """
    taken_in = [record.data_date for record in known if record.is_promoted and record.data_date < day]
    return max(taken_in) - timedelta(days=1) if taken_in else None
