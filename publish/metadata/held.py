"""How many rows of a version are not what their source said last, and what that means, in words."""

from __future__ import annotations

from dataclasses import dataclass

import duckdb

from warehouse.declarations import FieldDeclaration, TableDeclaration, quote
from warehouse.messages import counted, listed, message


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
    notes = [_standing(connection, relation, one, rows) for one in marks if one.type == "date"]
    notes += [_emptied(connection, relation, one, rows) for one in marks if one.type != "date"]
    return Held(held, tuple(note for note in notes if note))


def _standing(connection: duckdb.DuckDBPyConnection, relation: str, mark: FieldDeclaration, rows: int) -> str:
    """What a date since which something could not be used says of the rows; empty where none has one."""
    name = quote(mark.name)
    first, days, count = connection.execute(
        f"SELECT min({name}), count(DISTINCT {name}), count({name}) FROM {relation}"
    ).fetchone() or (None, 0, 0)
    if first is None:
        return ""
    if days == 1:
        return counted(
            "{count} of {rows} rows stands as it was before {day}: what the source has said since could not be"
            " used. {column} says since when.",
            "{count} of {rows} rows stand as they were before {day}: what the source has said since could not be"
            " used. {column} says since when.",
            count,
            rows=rows,
            day=str(first),
            column=mark.name,
        )
    return message(
        "{count} of {rows} rows stand as they were before a date from {day} on: what the source has said since"
        " could not be used. {column} says since when.",
        count=count,
        rows=rows,
        day=str(first),
        column=mark.name,
    )


def _emptied(connection: duckdb.DuckDBPyConnection, relation: str, mark: FieldDeclaration, rows: int) -> str:
    """What the names of columns that could not be used say of the rows; empty where none has any."""
    name = quote(mark.name)
    emptied = connection.execute(
        "SELECT emptied, count(*) AS n FROM"
        f" (SELECT unnest(list_distinct(string_split({name}, ';'))) AS emptied FROM {relation})"
        " GROUP BY ALL ORDER BY n DESC, emptied"
    ).fetchall()
    if not emptied:
        return ""
    (count,) = connection.execute(f"SELECT count({name}) FROM {relation}").fetchone() or (0,)
    return message(
        "In {count} of {rows} rows a value is left empty because what the source gives could not be used:"
        " {columns}. {column} names the columns of each row.",
        count=count,
        rows=rows,
        columns=listed(
            [message("{column} in {count}", column=one, count=number) for one, number in emptied], "comma"
        ),
        column=mark.name,
    )
