"""The names that a person has to say something about, as the last build found them."""

from __future__ import annotations

from dataclasses import dataclass

from warehouse.database import fetch
from warehouse.identities.decisions import line
from warehouse.ledger import Connection


@dataclass(frozen=True)
class Doubt:
    """A name in a source and an organisation that it perhaps means."""

    mentioned_name: str
    records_count: int  # records of the source with that name
    org_id: str
    register_name: str | None
    evidence: tuple[str, ...]  # in words, such as "name alike"
    score: float
    line: str  # of the file of decisions, to be completed and pasted there


def doubts(connection: Connection, source: str, limit: int) -> list[Doubt]:
    """The doubtful names of a source as of the newest date that identities were worked out for, by name.

    A warehouse in which they never were has none.
    """
    known = (
        "SELECT 1 FROM duckdb_tables() WHERE database_name = current_database() AND schema_name = 'identities'"
        " AND table_name = 'computed'"
    )
    if not fetch(connection, known):
        return []
    rows = fetch(
        connection,
        "SELECT mentioned_name, count(DISTINCT (table_code, record_key)), org_id, max(register_name),"
        " arg_max(evidence_codes, score), max(score) AS best FROM identities.kept_matches"
        " JOIN identities.computed USING (build_key) WHERE state_code = 'review' AND source_code = ?"
        " AND as_of_date = (SELECT max(as_of_date) FROM identities.computed)"
        f" GROUP BY mentioned_name, org_id ORDER BY mentioned_name, best DESC, org_id LIMIT {limit:d}",
        [source],
    )
    return [
        Doubt(name, count, org_id, known_as, tuple(codes.replace("_", " ").split(";")), score,
              line(source, name, org_id))
        for name, count, org_id, known_as, codes, score in rows
    ]  # fmt: skip
