"""Putting versions into a history at a date, in place of what stands there."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from warehouse.history.tables import TableHistory, same_key, standing
from warehouse.sql import day_literal


@dataclass(frozen=True)
class Changes:
    """How many records were added, changed and ended."""

    added: int = 0
    changed: int = 0
    vanished: int = 0


def put(history: TableHistory, rows: str, scope: str, day: date, following: date | None) -> Changes:
    """Let ``rows`` stand from ``day`` to the next date, in place of what stands there.

    Args:
        history: the table's.
        rows: a relation of versions, with ``_id`` that tells them apart.
        scope: the condition under which a standing version ``a`` gives way when it is not among the rows.
        day: the first date.
        following: the date after it that the history knows, if there is one.

    Returns:
        What changed. ``touched`` holds the keys of all records that did.
    """
    place = _Place(history, rows, day, following)
    if not history.count(f"SELECT count(*) FROM (SELECT 1 FROM {history.name} LIMIT 1)"):
        return place.fill()
    changes = place.compare(scope)
    if changes != Changes():
        place.clear()
        place.join()
        place.date_first_seen()
    return changes


@dataclass(frozen=True)
class _Place:
    """Where rows are put: into a history, from a date to the next."""

    history: TableHistory
    rows: str
    day: date
    following: date | None

    @property
    def since(self) -> str:
        return day_literal(self.day)

    @property
    def until(self) -> str:
        return day_literal(self.following) if self.following else "NULL::DATE"

    @property
    def same_row(self) -> str:
        return f"{same_key(self.history.table)} AND a._row_hash = b._row_hash"

    @property
    def columns(self) -> str:
        return f"{self.history.content}, _first_seen, _valid_from, _valid_to"

    @property
    def new_rows(self) -> str:
        """The statement that inserts the rows as they are."""
        since, content = self.since, self.history.content
        return (
            f"INSERT INTO {self.history.name} ({self.columns})"
            f" SELECT {content}, {since}, {since}, {self.until} FROM {self.rows}"
        )

    def fill(self) -> Changes:
        """Put the rows into an empty history."""
        keys, is_earlier = self.history.keys, self.following is not None
        self.history.execute(
            f"CREATE OR REPLACE TEMP TABLE touched AS SELECT {keys} FROM {self.rows} WHERE {is_earlier}"
        )
        return Changes(added=self.history.count(self.new_rows))

    def compare(self, scope: str) -> Changes:
        """Find what loses its place, ``losing``, what gains one, ``gaining``, and whose they are, ``touched``."""
        history, rows = self.history, self.rows
        # Rows that hold at ``day`` as things stood: no other snapshot lies between the one before and this one.
        history.execute(f"""
            CREATE OR REPLACE TEMP TABLE losing AS
            SELECT a.* FROM {history.name} AS a WHERE {standing(self.day)} AND {scope}
            AND NOT EXISTS (SELECT 1 FROM {rows} AS b WHERE {self.same_row})""")
        history.execute(f"""
            CREATE OR REPLACE TEMP TABLE gaining AS
            SELECT {history.keys}, _row_hash, _id, NOT {history.among("losing")} AS is_new
            FROM {rows} AS a
            WHERE NOT EXISTS (
                SELECT 1 FROM {history.name} AS b WHERE {standing(self.day, "b")} AND {self.same_row})""")
        history.execute(f"""
            CREATE OR REPLACE TEMP TABLE touched AS
            SELECT {history.keys} FROM gaining UNION SELECT {history.keys} FROM losing""")
        return Changes(
            added=history.count("SELECT count(*) FROM gaining WHERE is_new"),
            changed=history.count("SELECT count(*) FROM gaining WHERE NOT is_new"),
            vanished=history.count(f"SELECT count(*) FROM losing AS a WHERE NOT {history.among('gaining')}"),
        )

    def clear(self) -> None:
        """What loses its place here: its part before stays, its part from the following snapshot on stays."""
        history, until, since = self.history, self.until, self.since
        history.execute(f"""
            INSERT INTO {history.name} ({self.columns})
            SELECT {history.content}, _first_seen, {until}, _valid_to FROM losing
            WHERE {until} IS NOT NULL AND (_valid_to IS NULL OR _valid_to > {until})""")
        history.execute(f"""
            UPDATE {history.name} AS a SET _valid_to = {since} FROM losing AS b
            WHERE {self.same_row} AND a._valid_from = b._valid_from AND a._valid_from < {since}""")
        history.execute(f"""
            DELETE FROM {history.name} AS a USING losing AS b
            WHERE {self.same_row} AND a._valid_from = b._valid_from AND a._valid_from = {since}""")

    def join(self) -> None:
        """What gains its place: joined with the same version where that ends or begins beside it."""
        history, until, since, same_row = self.history, self.until, self.since, self.same_row
        history.execute(f"""
            CREATE OR REPLACE TEMP TABLE beside AS
            SELECT a.*, l._valid_from AS left_from, r._valid_to AS right_to, r._valid_from AS right_from
            FROM gaining AS a
            LEFT JOIN {history.name} AS l ON {same_row.replace("b.", "l.")} AND l._valid_to = {since}
            LEFT JOIN {history.name} AS r ON {same_row.replace("b.", "r.")} AND r._valid_from = {until}""")
        history.execute(f"""
            DELETE FROM {history.name} AS a USING beside AS b
            WHERE {same_row} AND b.left_from IS NOT NULL AND b.right_from IS NOT NULL
              AND a._valid_from = b.right_from""")
        history.execute(f"""
            UPDATE {history.name} AS a
            SET _valid_to = CASE WHEN b.right_from IS NULL THEN {until} ELSE b.right_to END
            FROM beside AS b WHERE {same_row} AND a._valid_from = b.left_from AND a._valid_to = {since}""")
        history.execute(f"""
            UPDATE {history.name} AS a SET _valid_from = {since} FROM beside AS b
            WHERE {same_row} AND b.left_from IS NULL AND a._valid_from = b.right_from""")
        history.execute(f"""{self.new_rows}
            WHERE _id IN (SELECT _id FROM beside WHERE left_from IS NULL AND right_from IS NULL)""")

    def date_first_seen(self) -> None:
        """A record may have been there before, or be known from an earlier day now."""
        history = self.history
        history.execute(f"""
            UPDATE {history.name} AS a SET _first_seen = b.first_seen FROM (
                SELECT {history.keys}, min(_valid_from) AS first_seen FROM {history.name} AS a
                WHERE {history.among("touched")} GROUP BY ALL) AS b
            WHERE {same_key(history.table)} AND a._first_seen <> b.first_seen""")
