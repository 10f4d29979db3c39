"""How many rows of a version are not what their source said last, and what that means, in words."""

from __future__ import annotations

from dataclasses import dataclass

import duckdb

from warehouse.declarations import TableDeclaration, quote


@dataclass(frozen=True)
class Held:
    """How many rows of a version carry a mark (``FieldDeclaration.mark``), and what that means, in words."""

    rows: int = 0
    notes: tuple[str, ...] = ()


def held_rows(connection: duckdb.DuckDBPyConnection, relation: str, table: TableDeclaration) -> Held:
    """The rows of a version that are not what their source said last.

    Args:
        connection: sees the relation.
        relation: the rows as published, for SQL.
        table: their declaration, which says which columns are marks.
    """
    marks = [field for field in table.fields if field.mark]
    if not marks:
        return Held()
    is_marked = " OR ".join(f"{quote(field.name)} IS NOT NULL" for field in marks)
    rows, held = connection.execute(
        f"SELECT count(*), count(*) FILTER (WHERE {is_marked}) FROM {relation}"
    ).fetchone() or (0, 0)
    notes = []
    for field in marks:
        name = quote(field.name)
        if field.type == "date":
            since = connection.execute(
                f"SELECT {name}, count(*) FROM {relation} WHERE {name} IS NOT NULL GROUP BY ALL ORDER BY ALL"
            ).fetchall()
            if since:
                count = sum(number for _, number in since)
                when = f"before {since[0][0]}" if len(since) == 1 else f"before a date from {since[0][0]} on"
                stand = "stands as it was" if count == 1 else "stand as they were"
                notes.append(
                    f"{count:,} of {rows:,} rows {stand} {when}: what the source has said since could not be used."
                    f" {field.name} says since when."
                )
            continue
        emptied = connection.execute(
            "SELECT emptied, count(*) AS n FROM"
            f" (SELECT unnest(list_distinct(string_split({name}, ';'))) AS emptied FROM {relation})"
            " GROUP BY ALL ORDER BY n DESC, emptied"
        ).fetchall()
        if emptied:
            (count,) = connection.execute(f"SELECT count({name}) FROM {relation}").fetchone() or (0,)
            listed = ", ".join(f"{column} in {number:,}" for column, number in emptied)
            notes.append(
                f"In {count:,} of {rows:,} rows a value is left empty because what the source gives could not be"
                f" used: {listed}. {field.name} names the columns of each row."
            )
    return Held(held, tuple(notes))
