"""Whose turn it is in a source that is asked for records one by one: what matters is a core model's to say.

The warehouse is read as it was known the day before the run's, so whatever a run has taken in already does not
change whom another one of the same day asks for: a pull that was cut off goes on with the same list.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from warehouse.database import fetch
from warehouse.sql import quote
from warehouse.store import STANDING

if TYPE_CHECKING:
    import duckdb

    from warehouse.declarations import SourceDeclaration
    from warehouse.ledger import SnapshotRecord


@dataclass(frozen=True)
class Wanted:
    """A record to ask for. ``last_asked`` is the date of the source's last answer on it; None: there is none."""

    key: str
    last_asked: date | None = None


def wanted(
    connection: duckdb.DuckDBPyConnection,
    source: SourceDeclaration,
    sources: Mapping[str, SourceDeclaration],
    known: Mapping[str, Sequence[SnapshotRecord]],
    day: date,
    models: Path | None = None,
) -> tuple[Wanted, ...]:
    """The records that a source is to be asked for on a day: the most important, then who was asked longest ago.

    Args:
        connection: of ``warehouse.store.beside``.
        source: with ``asks_for``.
        sources: all declared sources by name.
        known: by source, its snapshots in the ledger.
        day: the logical day of the pull.
        models: the folder of the SQL models; the project's own by default.

    Raises:
        ModelError: the core model cannot be used, or reads a source that is not declared.
    """
    from warehouse.curate import load_model, show  # imports sqlglot

    asked = source.asks_for
    if asked is None:
        return ()
    model = load_model(f"core/{asked.model}", models)
    show(connection, STANDING, model, sources, known, day - timedelta(days=1))
    key = quote(source.table(asked.answers).primary_key[0])
    said = quote(f"{source.name}__{asked.answers}__said")
    found = fetch(
        connection,
        f"""
        SELECT CAST(a.{key} AS VARCHAR), b.last_asked
        FROM (
            SELECT {key}, min(priority) AS priority FROM core.{quote(asked.model)}
            WHERE {key} IS NOT NULL GROUP BY ALL) AS a
        LEFT JOIN (
            SELECT {key}, max(_day) AS last_asked FROM history.{said} WHERE _day < ? GROUP BY ALL) AS b
        ON a.{key} = b.{key}
        ORDER BY a.priority, b.last_asked NULLS FIRST, a.{key} LIMIT ?""",
        [day, asked.at_most],
    )
    return tuple(Wanted(key, last) for key, last in found)
