"""What somebody allowed on the portal that a guard would have held, of which dataset and version, in which run."""

from __future__ import annotations

from collections.abc import Iterable

from warehouse.database import fetch
from warehouse.ledger.records import Allowance, Connection


def record_allowances(connection: Connection, allowances: Iterable[Allowance]) -> None:
    """Note what was allowed."""
    for one in allowances:
        connection.execute(
            "INSERT INTO ledger.allowances VALUES (?, ?, ?, ?, ?)",
            [one.run_id, one.dataset, one.what, one.version, one.at],
        )


def allowances(connection: Connection) -> list[Allowance]:
    """All that was ever allowed, oldest first."""
    rows = fetch(
        connection,
        'SELECT run_id, dataset, what, version, "at" FROM ledger.allowances ORDER BY "at", dataset, what',
        [],
    )
    return [Allowance(*row) for row in rows]
