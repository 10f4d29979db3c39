"""Which cells of a population's tables are not published, so that nothing protected can be learned of the others.

``primary`` says what is not published for its own sake, ``counts`` and ``sums`` what must hold of the rest, and
``heuristic`` finds what else must go, at little loss: first the cheapest way to hide each cell (``program``), then
whatever proves needless is published again (``strict``). ``bank`` keeps the tables that show why a pattern is
enough, for one shows it of many cells. For a small system ``exact`` finds the pattern of the least loss.
``repairing`` goes on where an audit found a gap, also with earlier releases (``joint``).
"""

from __future__ import annotations

from publish.disclosure.suppression.classes import Weights, by_importance
from publish.disclosure.suppression.repairing import repair
from publish.disclosure.suppression.suppressing import suppress, suppress_exactly, suppress_heuristically

__all__ = ["Weights", "by_importance", "repair", "suppress", "suppress_exactly", "suppress_heuristically"]
