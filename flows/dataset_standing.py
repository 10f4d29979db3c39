"""How a dataset stands, for its page: its score, its open findings, when more is to come. Of people nothing."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from flows.declarations import Declarations
from publish.desired import Standing
from warehouse import ledger
from warehouse.ledger import CurationRecord
from warehouse.quality import score_of


def standing_of(
    connection: ledger.Connection, declared: Declarations, name: str, curations: Sequence[CurationRecord]
) -> Standing:
    """How a dataset stands as of its newest build: it says the same until the dataset itself is built anew.

    Args:
        connection: sees the ledger.
        declared: what is declared.
        name: the dataset.
        curations: its verdicts, oldest data first.
    """
    declaration = declared.datasets[name]
    next_update = _next_update(connection, declared, name)
    if not curations or declaration.entry.disclosure or declaration.table.about_people:
        return Standing(next_update=next_update)
    newest = curations[-1].data_date
    score = score_of(connection, name, declaration, newest)
    found = ledger.count_findings(connection, name, newest.isoformat())
    return Standing(
        score.value if score else None,
        {dimension.value: part.share for dimension, part in score.parts.items()} if score else {},
        {severity.value: count for severity, count in found.items() if count},
        next_update,
    )


def _next_update(connection: ledger.Connection, declared: Declarations, name: str) -> date | None:
    """The first day by which one of its sources should have newer data; None where none is expected."""
    due = []
    for source in declared.models[name].sources:
        if source in declared.sources and (good := ledger.promoted(connection, source)):
            due.append(declared.sources[source].due(good[-1].data_date))
    return min((day for day in due if day), default=None)
