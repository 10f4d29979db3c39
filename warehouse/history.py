"""History: when a row appeared, changed and vanished, kept as intervals of the dates the data speak of.

``history.<source>__<table>`` holds a row for every version of a record, valid from the date of the snapshot that
brought it until (not including) the date of the first snapshot that had it otherwise or said that it is gone.

A snapshot changes only what it *speaks of*. What that is follows from the table's ``delivery`` and from what could
be used of the snapshot:

* ``full``: it speaks of every record, by having it or by lacking it, except of those whose row was refused. Where
  a refused row does not say whose it is, or the table is known not to be whole, it speaks only of those it has.
* ``changes``: it speaks of the records it has; one is ended by its tombstone.
* ``append``: it speaks of the records it has, and nothing ever ends.

What a snapshot does not speak of stands as it stood. Which records those are is kept beside the history, in
``history.<source>__<table>__said``: of a full delivery the exceptions (``held``), of the others what was said.
So ``promote`` can put a snapshot in at its own date, wherever that lies among those already there: what it changes
goes on through later dates up to the first one that speaks of the record. The order of loading does not matter: a
night and a backfill end in the same history.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

import duckdb

from warehouse.declarations import SourceDeclaration, TableDeclaration
from warehouse.ledger import SnapshotRecord, TableLoad
from warehouse.sql import literal, quote
from warehouse.staging import ORIGIN_COLUMNS, SCHEMA

HELD, TOLD, ENDED = "held", "told", "ended"
HELD_COLUMNS = "_held_columns"  # names of the columns emptied in this version, joined by ";"

_OWN_COLUMNS = {
    HELD_COLUMNS: "VARCHAR",
    "_row_hash": "UBIGINT",
    "_snapshot": "VARCHAR",
    "_first_seen": "DATE",
    "_valid_from": "DATE",
    "_valid_to": "DATE",
}


def history_table(source: str, table: str) -> str:
    """The qualified name of a table's history."""
    return f"history.{quote(f'{source}__{table}')}"


def said_table(source: str, table: str) -> str:
    """The qualified name of what snapshots said, where that does not follow from the history."""
    return f"history.{quote(f'{source}__{table}__said')}"


def create_history(connection: duckdb.DuckDBPyConnection, source: SourceDeclaration) -> None:
    """Make the history tables of a source, and columns that its declaration has gained since.

    Personal columns are not among them: they never enter the warehouse.
    """
    connection.execute("CREATE SCHEMA IF NOT EXISTS history")
    for table in source.tables:
        name = history_table(source.name, table.name)
        columns = {field.name: field.duckdb_type for field in table.kept_fields} | ORIGIN_COLUMNS | _OWN_COLUMNS
        listed = ", ".join(f"{quote(column)} {kind}" for column, kind in columns.items())
        connection.execute(f"CREATE TABLE IF NOT EXISTS {name} ({listed})")
        for column, kind in columns.items():
            connection.execute(f"ALTER TABLE {name} ADD COLUMN IF NOT EXISTS {quote(column)} {kind}")
        keys = ", ".join(f"{quote(key)} {table.field(key).duckdb_type}" for key in table.primary_key)
        connection.execute(
            f"CREATE TABLE IF NOT EXISTS {said_table(source.name, table.name)} ({keys}, _day DATE, _said VARCHAR)"
        )


def promote(
    connection: duckdb.DuckDBPyConnection,
    attached: str,
    source: str,
    table: TableDeclaration,
    snapshot_id: str,
    day: date,
    others: Mapping[date, TableLoad],
) -> TableLoad:
    """Put the accepted rows of a staged table into its history at ``day``.

    To be called inside a transaction, one for all tables of the source.

    Args:
        connection: writes to the warehouse, with the staging file attached.
        attached: the name under which the staging file is attached; its quarantine decides what is accepted, its
            held cells what is emptied.
        source: the source's name.
        table: the table's declaration; its primary key identifies a record over time.
        snapshot_id: noted on the versions that this snapshot brings.
        day: the date the snapshot's data speak of.
        others: by date, this table's loads from the snapshots in the history. ``day`` may be among them: then
            this snapshot takes the place of that one.
    """
    book = _Book(connection, history_table(source, table.name), said_table(source, table.name), table)
    later = [(other, load) for other, load in sorted(others.items()) if other > day]
    load = _take(connection, attached, table, snapshot_id)
    has_exceptions = load.held or book.count(f"SELECT count(*) FROM {book.said} WHERE _day = {_at(day)}")
    # A snapshot that speaks of every record takes the place of another such one by itself: the register judged
    # anew under other rules is not taken out and put in again.
    if day in others and (has_exceptions or not (_is_plain(load) and _is_plain(others[day]))):
        book.forget(day, later)
    if load.delivery == "full" and load.is_whole:
        scope = f"NOT {book.among('held_now')}" if load.held else "true"
    else:
        scope = f"({book.among('incoming')} OR {book.among('ended_now')})"
    added, changed, vanished = book.put("incoming", scope, day, later)
    book.note(day, load)
    book.carry_on(day, later)
    held = f"a._day = {_at(day)} AND a._said = '{HELD}' AND {book.is_known(day)}"
    return replace(
        load,
        added=added,
        changed=changed,
        vanished=vanished,
        held=book.count(f"SELECT count(*) FROM {book.said} AS a WHERE {held}"),
        standing=book.count(f"SELECT count(*) FROM {book.name} AS a WHERE {_standing(day)}"),
    )


def _take(
    connection: duckdb.DuckDBPyConnection, attached: str, table: TableDeclaration, snapshot_id: str
) -> TableLoad:
    """Make what a snapshot says of a table readable: ``incoming``, ``ended_now``, ``held_now``.

    Returns how many rows came, were refused and name a record nevertheless (``held``), how many cells were
    emptied, and whether the snapshot speaks of all records.
    """

    def count(sql: str) -> int:
        row = connection.execute(sql).fetchone()
        return int(row[0]) if row else 0

    staged = f"{attached}.{SCHEMA}.{quote(table.name)}"
    of_table = f"table_name = {literal(table.name)}"
    quarantined = f"FROM {attached}.main.quarantine AS q WHERE q.{of_table}"
    at_place = (
        "q.row_number = s._row AND q.file IS NOT DISTINCT FROM s._file AND q.sheet IS NOT DISTINCT FROM s._sheet"
    )
    refused = count(f"SELECT count(*) FROM (SELECT DISTINCT q.file, q.sheet, q.row_number {quarantined})")
    # Only where there is something to leave out: with the join, DuckDB writes the rows twice.
    accepted = f"NOT EXISTS (SELECT 1 {quarantined} AND {at_place})" if refused else "true"
    tombstone = f"coalesce({quote(table.tombstone)}, false)" if table.tombstone else "false"

    cells = f"FROM {attached}.main.held_cells WHERE {of_table}"
    columns = dict(connection.execute(f"SELECT column_name, count(*) {cells} GROUP BY ALL").fetchall())
    values = ", ".join(
        f"CASE WHEN s.rowid IN (SELECT row_id {cells} AND column_name = {literal(field.name)}) THEN NULL"
        f" ELSE s.{quote(field.name)} END AS {quote(field.name)}"
        if field.name in columns
        else f"s.{quote(field.name)}"
        for field in table.kept_fields
    )
    marks = "NULL::VARCHAR"
    if columns:
        marks = f"""(SELECT string_agg(column_name, ';' ORDER BY column_name)
            {cells} AND row_id = s.rowid)"""
    fields = ", ".join(quote(field.name) for field in table.kept_fields)
    # What a row without an emptied cell hashes to is what it always did: a history of before goes on.
    row_hash = f"CASE WHEN {HELD_COLUMNS} IS NULL THEN hash({fields}) ELSE hash({fields}, {HELD_COLUMNS}) END"
    # A view, not a table: the register's five million rows are read twice rather than kept twice.
    connection.execute(f"""
        CREATE OR REPLACE TEMP VIEW incoming AS
        SELECT *, {row_hash} AS _row_hash, {literal(snapshot_id)} AS _snapshot FROM (
            SELECT {values}, {", ".join(f"s.{name}" for name in ORIGIN_COLUMNS)}, {marks} AS {HELD_COLUMNS},
                   s.rowid AS _id
            FROM {staged} AS s WHERE {accepted} AND NOT {tombstone})""")
    keys = ", ".join(quote(key) for key in table.primary_key)
    connection.execute(f"""
        CREATE OR REPLACE TEMP TABLE ended_now AS
        SELECT DISTINCT {keys} FROM {staged} AS s WHERE {accepted} AND {tombstone}""")
    named = ", ".join(
        f"TRY_CAST(json_extract_string(q.row_key, {literal(key)}) AS {table.field(key).duckdb_type})"
        f" AS {quote(key)}"
        for key in table.primary_key
    )
    connection.execute(f"CREATE OR REPLACE TEMP TABLE named_now AS SELECT DISTINCT {named} {quarantined}")
    is_named = " AND ".join(f"a.{quote(key)} IS NOT NULL" for key in table.primary_key)
    # A record that another row of the snapshot tells is told.
    connection.execute(f"""
        CREATE OR REPLACE TEMP TABLE held_now AS
        SELECT * FROM named_now AS a WHERE {is_named}
        AND NOT {_among(table, "incoming")} AND NOT {_among(table, "ended_now")}""")
    rows = count(f"SELECT count(*) FROM {staged}")
    unread = count(f"""
        SELECT count(*) FROM (SELECT DISTINCT q.file, q.sheet, q.row_number {quarantined}
        AND NOT EXISTS (SELECT 1 FROM {staged} AS s WHERE {at_place}))""")
    is_whole = not (
        count(f"SELECT count(*) FROM named_now AS a WHERE NOT ({is_named})")
        or count(f"SELECT count(*) FROM {attached}.main.incomplete WHERE {of_table}")
    )
    return TableLoad(
        staged=rows + unread,
        quarantined=refused,
        held=count("SELECT count(*) FROM held_now"),
        held_cells=sum(columns.values()),
        is_whole=is_whole,
        delivery=table.delivery,
    )


def _is_plain(load: TableLoad) -> bool:
    return load.delivery == "full" and load.is_whole


def _at(day: date) -> str:
    return f"DATE '{day.isoformat()}'"


def _standing(day: date, alias: str = "a") -> str:
    """The condition that a version stands at a date."""
    return f"{alias}._valid_from <= {_at(day)} AND ({alias}._valid_to IS NULL OR {alias}._valid_to > {_at(day)})"


def _same_key(table: TableDeclaration, one: str = "a", other: str = "b") -> str:
    return " AND ".join(
        f"{one}.{quote(key)} IS NOT DISTINCT FROM {other}.{quote(key)}" for key in table.primary_key
    )


def _among(table: TableDeclaration, relation: str) -> str:
    """The condition that the record of ``a`` is in a relation."""
    return f"EXISTS (SELECT 1 FROM {relation} AS b WHERE {_same_key(table)})"


@dataclass(frozen=True)
class _Book:
    """The history of one table, and what is done to it."""

    connection: duckdb.DuckDBPyConnection
    name: str
    said: str
    table: TableDeclaration

    @property
    def keys(self) -> str:
        return ", ".join(quote(key) for key in self.table.primary_key)

    @property
    def content(self) -> str:
        """The columns of a version that do not say when it is valid."""
        fields = ", ".join(quote(field.name) for field in self.table.kept_fields)
        return f"{fields}, {', '.join(ORIGIN_COLUMNS)}, {HELD_COLUMNS}, _row_hash, _snapshot"

    def among(self, relation: str) -> str:
        return _among(self.table, relation)

    def count(self, sql: str) -> int:
        row = self.connection.execute(sql).fetchone()
        return int(row[0]) if row else 0

    def is_known(self, day: date) -> str:
        """The condition that the record of ``a`` has a version that stands at a date."""
        return f"""EXISTS (
            SELECT 1 FROM {self.name} AS b WHERE {_same_key(self.table)} AND {_standing(day, "b")})"""

    def put(
        self, rows: str, scope: str, day: date, later: Sequence[tuple[date, TableLoad]]
    ) -> tuple[int, int, int]:
        """Let ``rows`` stand from ``day`` to the next date, in place of what stands there.

        Args:
            rows: a relation of versions, with ``_id`` that tells them apart.
            scope: the condition under which a standing version ``a`` gives way when it is not among the rows.
            day: the first date.
            later: the dates after it, in order.

        Returns:
            How many records were added, changed and ended. ``touched`` holds the keys of all of them.
        """
        execute, count, name = self.connection.execute, self.count, self.name
        same_key = _same_key(self.table)
        same_row = f"{same_key} AND a._row_hash = b._row_hash"
        at, until = _at(day), _at(later[0][0]) if later else "NULL::DATE"
        columns = f"{self.content}, _first_seen, _valid_from, _valid_to"
        new_rows = f"INSERT INTO {name} ({columns}) SELECT {self.content}, {at}, {at}, {until} FROM {rows}"
        if not count(f"SELECT count(*) FROM (SELECT 1 FROM {name} LIMIT 1)"):
            execute(f"CREATE OR REPLACE TEMP TABLE touched AS SELECT {self.keys} FROM {rows} WHERE {bool(later)}")
            return count(new_rows), 0, 0
        # Rows that hold at ``day`` as things stood: no other snapshot lies between the one before and this one.
        standing = _standing(day)
        execute(f"""
            CREATE OR REPLACE TEMP TABLE losing AS
            SELECT a.* FROM {name} AS a WHERE {standing} AND {scope}
            AND NOT EXISTS (SELECT 1 FROM {rows} AS b WHERE {same_row})""")
        execute(f"""
            CREATE OR REPLACE TEMP TABLE gaining AS
            SELECT {self.keys}, _row_hash, _id, NOT {self.among("losing")} AS is_new
            FROM {rows} AS a
            WHERE NOT EXISTS (SELECT 1 FROM {name} AS b WHERE {_standing(day, "b")} AND {same_row})""")
        execute(f"""
            CREATE OR REPLACE TEMP TABLE touched AS
            SELECT {self.keys} FROM gaining UNION SELECT {self.keys} FROM losing""")
        added = count("SELECT count(*) FROM gaining WHERE is_new")
        changed = count("SELECT count(*) FROM gaining WHERE NOT is_new")
        vanished = count(f"SELECT count(*) FROM losing AS a WHERE NOT {self.among('gaining')}")
        if not (added or changed or vanished):
            return 0, 0, 0
        # What loses its place here: its part before stays, its part from the following snapshot on stays.
        execute(f"""
            INSERT INTO {name} ({columns})
            SELECT {self.content}, _first_seen, {until}, _valid_to FROM losing
            WHERE {until} IS NOT NULL AND (_valid_to IS NULL OR _valid_to > {until})""")
        execute(f"""
            UPDATE {name} AS a SET _valid_to = {at} FROM losing AS b
            WHERE {same_row} AND a._valid_from = b._valid_from AND a._valid_from < {at}""")
        execute(f"""
            DELETE FROM {name} AS a USING losing AS b
            WHERE {same_row} AND a._valid_from = b._valid_from AND a._valid_from = {at}""")
        # What gains its place: joined with the same version where that ends or begins beside it.
        execute(f"""
            CREATE OR REPLACE TEMP TABLE beside AS
            SELECT a.*, l._valid_from AS left_from, r._valid_to AS right_to, r._valid_from AS right_from
            FROM gaining AS a
            LEFT JOIN {name} AS l ON {same_row.replace("b.", "l.")} AND l._valid_to = {at}
            LEFT JOIN {name} AS r ON {same_row.replace("b.", "r.")} AND r._valid_from = {until}""")
        execute(f"""
            DELETE FROM {name} AS a USING beside AS b
            WHERE {same_row} AND b.left_from IS NOT NULL AND b.right_from IS NOT NULL
              AND a._valid_from = b.right_from""")
        execute(f"""
            UPDATE {name} AS a
            SET _valid_to = CASE WHEN b.right_from IS NULL THEN {until} ELSE b.right_to END
            FROM beside AS b WHERE {same_row} AND a._valid_from = b.left_from AND a._valid_to = {at}""")
        execute(f"""
            UPDATE {name} AS a SET _valid_from = {at} FROM beside AS b
            WHERE {same_row} AND b.left_from IS NULL AND a._valid_from = b.right_from""")
        execute(f"""{new_rows}
            WHERE _id IN (SELECT _id FROM beside WHERE left_from IS NULL AND right_from IS NULL)""")
        # A record may have been there before, or be known from an earlier day now.
        execute(f"""
            UPDATE {name} AS a SET _first_seen = b.first_seen FROM (
                SELECT {self.keys}, min(_valid_from) AS first_seen FROM {name} AS a
                WHERE {self.among("touched")} GROUP BY ALL) AS b
            WHERE {same_key} AND a._first_seen <> b.first_seen""")
        return added, changed, vanished

    def note(self, day: date, load: TableLoad) -> None:
        """Keep what the snapshot at ``day`` said, as far as it does not follow from the history."""
        said = [(HELD, f"SELECT {self.keys} FROM held_now")]
        if load.delivery != "full":
            said += [
                (TOLD, f"SELECT {self.keys} FROM incoming"),
                (ENDED, f"SELECT {self.keys} FROM ended_now"),
            ]
        elif not load.is_whole:
            said.append(
                (
                    HELD,
                    f"SELECT {self.keys} FROM {self.name} AS a WHERE {_standing(day)}"
                    f" AND NOT {self.among('incoming')} AND NOT {self.among('held_now')}",
                )
            )
        for kind, query in said:
            self.connection.execute(f"INSERT INTO {self.said} SELECT *, {_at(day)}, '{kind}' FROM ({query})")

    def carry_on(self, day: date, later: Sequence[tuple[date, TableLoad]]) -> None:
        """Let what was ``touched`` at ``day`` go on through the dates that do not speak of it."""
        while later:
            (following, load), later = later[0], later[1:]
            self.connection.execute(f"""
                CREATE OR REPLACE TEMP TABLE carried AS
                SELECT {self.keys} FROM touched AS a WHERE {self._is_unspoken(following, load)}""")
            if not self.count("SELECT count(*) FROM carried"):
                return
            self.connection.execute(f"""
                CREATE OR REPLACE TEMP TABLE carried_rows AS
                SELECT a.*, a.rowid AS _id FROM {self.name} AS a
                WHERE {_standing(day)} AND {self.among("carried")}""")
            self.put("carried_rows", self.among("carried"), following, later)
            if load.delivery == "full" and not load.is_whole:
                self.connection.execute(f"""
                    INSERT INTO {self.said}
                    SELECT {self.keys}, {_at(following)}, '{HELD}' FROM carried_rows AS a
                    WHERE NOT {self._is_said(following, HELD)}""")
            day = following

    def forget(self, day: date, later: Sequence[tuple[date, TableLoad]]) -> None:
        """Undo the snapshot at ``day``: what stood before it stands on."""
        self.connection.execute(f"""
            CREATE OR REPLACE TEMP TABLE returning_rows AS
            SELECT a.*, a.rowid AS _id FROM {self.name} AS a WHERE a._valid_to = {_at(day)}""")
        self.put("returning_rows", f"a._valid_from = {_at(day)}", day, later)
        self.connection.execute(f"DELETE FROM {self.said} AS a WHERE a._day = {_at(day)}")
        self.carry_on(day, later)

    def _is_said(self, day: date, *kinds: str) -> str:
        listed = ", ".join(literal(kind) for kind in kinds)
        return f"""EXISTS (
            SELECT 1 FROM {self.said} AS b
            WHERE {_same_key(self.table)} AND b._day = {_at(day)} AND b._said IN ({listed}))"""

    def _is_unspoken(self, day: date, load: TableLoad) -> str:
        """The condition that the snapshot at ``day`` does not speak of the record of ``a``."""
        if load.delivery != "full":
            return f"NOT {self._is_said(day, TOLD, ENDED)}"
        if load.is_whole:
            return self._is_said(day, HELD)
        return f"({self._is_said(day, HELD)} OR NOT {self.is_known(day)})"


def create_views(
    connection: duckdb.DuckDBPyConnection, source: SourceDeclaration, loaded: Iterable[SnapshotRecord], as_of: date
) -> None:
    """Make the views that models read, as things were known at a date.

    ``<source>.<table>`` holds the records that stood at ``as_of``, ``<source>.<table>_history`` all versions
    until then, ``<source>.snapshots`` the dates. Besides the declared columns:

    * ``_first_seen_date``; ``_changed_date``, the version's own first date; ``_vanished_date``, the date of the
      first snapshot that says it otherwise or that it is gone (NULL while the version stands);
    * ``_last_seen_date``, the date of the last snapshot that told this version;
    * ``_held_since_date``, the date since which what the source says of the record could not be used, so that this
      version stands in (NULL otherwise);
    * ``_held_columns``, the columns that are empty because their value could not be used, joined by ``;``.

    Args:
        connection: writes to the warehouse.
        source: the declaration.
        loaded: the source's snapshots that are in the history.
        as_of: the date.
    """
    known = sorted((record for record in loaded if record.data_date <= as_of), key=lambda record: record.data_date)
    connection.execute(f"CREATE SCHEMA IF NOT EXISTS {quote(source.name)}")
    listed = ", ".join(f"({_at(record.data_date)})" for record in known)
    rows = f"VALUES {listed}" if known else "SELECT NULL::DATE WHERE false"
    connection.execute(
        f"CREATE OR REPLACE VIEW {quote(source.name)}.snapshots AS SELECT * FROM ({rows}) AS d (snapshot_date)"
    )
    at = _at(as_of)
    for table in source.tables:
        fields = ", ".join(f"a.{quote(field.name)}" for field in table.kept_fields)
        keys = ", ".join(quote(key) for key in table.primary_key)
        view = f"{quote(source.name)}.{quote(table.name)}"
        history = f"{quote(source.name)}.{quote(table.name + '_history')}"
        dates = [
            _at(record.data_date)
            for record in known
            if record.tables.get(table.name, TableLoad()).delivery == "full"
        ]
        full = f"[{', '.join(dates)}]::DATE[]"
        connection.execute(f"""
            CREATE OR REPLACE VIEW {history} AS
            WITH said AS (
                SELECT {keys}, coalesce(list(_day) FILTER (WHERE _said = '{HELD}'), []) AS held,
                       coalesce(list(_day) FILTER (WHERE _said = '{TOLD}'), []) AS told
                FROM {said_table(source.name, table.name)} WHERE _day <= {at} GROUP BY ALL
            ),
            marked AS (
                SELECT {keys}, spoken,
                       list_filter(held, lambda d: d > coalesce(list_max(spoken), {_at(date.min)})) AS held
                FROM (
                    SELECT *, told || list_filter({full}, lambda d: NOT list_contains(held, d)) AS spoken FROM said
                )
            )
            SELECT {fields}, {HELD_COLUMNS},
                   _first_seen AS _first_seen_date,
                   _valid_from AS _changed_date,
                   list_max(list_filter(
                       coalesce(b.spoken, {full}), lambda d: d < coalesce(_valid_to, {_at(date.max)})
                   )) AS _last_seen_date,
                   CASE WHEN _valid_to <= {at} THEN _valid_to END AS _vanished_date,
                   CASE WHEN _valid_to IS NULL OR _valid_to > {at} THEN list_min(b.held) END AS _held_since_date
            FROM {history_table(source.name, table.name)} AS a
            LEFT JOIN marked AS b ON {_same_key(table)}
            WHERE _valid_from <= {at}""")
        connection.execute(
            f"CREATE OR REPLACE VIEW {view} AS SELECT * FROM {history} WHERE _vanished_date IS NULL"
        )
