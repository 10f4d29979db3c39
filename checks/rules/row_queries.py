"""Queries that find what sentences on single rows need: which rows are alike, what comes nearest elsewhere."""

from __future__ import annotations

from collections.abc import Sequence

from warehouse.declarations import quote

ROW_ID = "_id"
_MOST_LIKE = 0.85  # Jaro-Winkler: below it two ids have little but their beginning in common
_MOST_GIVEN, _MOST_THERE, _MOST_CHOICE = 500, 20_000, 40  # texts compared with texts, texts told


def alike_rows(columns: Sequence[str]) -> str:
    """``rows``, ``first`` and ``others``: where the rows are that have the same in the columns."""
    own = ", ".join(quote(name) for name in columns)
    same = " AND ".join(f"a.{quote(name)} IS NOT DISTINCT FROM g.{quote(name)}" for name in columns)
    return f"""
        WITH alike AS (
            SELECT {ROW_ID}, {own}, _file, _sheet, _row,
                   CAST(_row AS VARCHAR) || CASE WHEN min(_file) OVER () IS DISTINCT FROM max(_file) OVER ()
                       OR min(_sheet) OVER () IS DISTINCT FROM max(_sheet) OVER ()
                   THEN ' (' || concat_ws(', ', _sheet, _file) || ')' ELSE '' END AS place
            FROM {{batch}} WHERE {ROW_ID} IN ({{failing}})),
        grouped AS (SELECT {own}, list(place ORDER BY _file, _sheet, _row) AS places FROM alike GROUP BY {own})
        SELECT a.{ROW_ID}, array_to_string(g.places[1:20], ', ') AS rows, g.places[1] AS first,
               array_to_string(g.places[2:20], ', ') AS others
        FROM alike AS a, grouped AS g WHERE {same}"""


def nearest_there(column: str, referred: str, target: str) -> str:
    """``near``, the value of another table most like the row's own (variant 0), or ``choice``, all that stand
    there where they are few (variant 1); variant 2 where neither helps.
    """
    own, theirs = f"CAST({quote(column)} AS VARCHAR)", f"CAST({quote(referred)} AS VARCHAR)"
    return f"""
        WITH given AS (
            SELECT DISTINCT {own} AS value FROM {{batch}} WHERE {ROW_ID} IN ({{failing}}) LIMIT {_MOST_GIVEN}),
        there AS (
            SELECT DISTINCT {theirs} AS value FROM {target} WHERE {quote(referred)} IS NOT NULL
            LIMIT {_MOST_THERE}),
        compared AS (
            SELECT g.value, t.value AS near, jaro_winkler_similarity(g.value, t.value) AS likeness
            FROM given AS g, there AS t),
        nearest AS (
            SELECT value, max_by(near, (likeness, near)) AS near, max(likeness) AS likeness
            FROM compared GROUP BY value),
        few AS (
            SELECT string_agg('“' || value || '”', ', ' ORDER BY value) AS choice
            FROM there HAVING count(*) BETWEEN 1 AND {_MOST_CHOICE})
        SELECT rows.{ROW_ID}, nearest.near, few.choice,
               CASE WHEN nearest.likeness >= {_MOST_LIKE} THEN 0 WHEN few.choice IS NOT NULL THEN 1 ELSE 2 END
                   AS variant
        FROM {{batch}} AS rows LEFT JOIN nearest ON {own} = nearest.value LEFT JOIN few ON true
        WHERE rows.{ROW_ID} IN ({{failing}})"""
