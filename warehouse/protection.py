"""What became of a table about people: a coordinator may know no more of it than what is published."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

# new: released, or released anew; same: nothing changed; stands: it changed by too few people, so the last release
# stands until enough changed; withheld: nothing of it could be released with proof; kept: its people's answers are
# deleted, what was released of them stands.
ProtectionState = Literal["new", "same", "stands", "withheld", "kept"]


@dataclass(frozen=True)
class Protection:
    """One dataset's table of one population and period.

    Args:
        period: the values of its period's columns, such as the survey and the question.
        state: what became of it.
        cells: how many cells it has.
        suppressed: how many of them are not published, be it for their own sake or for another's.
        as_of: the date of the data that are published of it; None if nothing is.
        warnings: what published cells say of whole groups, in words.
    """

    period: tuple[str, ...]
    state: ProtectionState
    cells: int
    suppressed: int
    as_of: date | None
    warnings: tuple[str, ...] = ()
