"""History: when a row appeared, changed and vanished, kept as intervals of the dates the data speak of.

``history.<source>__<table>`` holds a row for every version of a record, valid from the date of the snapshot that
brought it until (not including) the date of the first snapshot that had it otherwise or not at all.
``promote`` puts a snapshot in at its own date, wherever that date lies among those already there, so the order
in which snapshots are loaded does not matter: a night and a backfill end in the same history.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import date

import duckdb

from warehouse.declarations import SourceDeclaration, TableDeclaration, quote
from warehouse.ledger import TableLoad
from warehouse.staging import ORIGIN_COLUMNS, SCHEMA

_OWN_COLUMNS = "_row_hash UBIGINT, _snapshot VARCHAR, _first_seen DATE, _valid_from DATE, _valid_to DATE"


def history_table(source: str, table: str) -> str:
    """The qualified name of a table's history."""
    return f"history.{quote(f'{source}__{table}')}"


def create_history(connection: duckdb.DuckDBPyConnection, source: SourceDeclaration) -> None:
    """Make the history tables of a source, and columns that its declaration has gained since.

    Personal columns are not among them: they never enter the warehouse.
    """
    connection.execute("CREATE SCHEMA IF NOT EXISTS history")
    for table in source.tables:
        name = history_table(source.name, table.name)
        columns = {field.name: field.duckdb_type for field in table.kept_fields} | ORIGIN_COLUMNS
        listed = ", ".join(f"{quote(column)} {kind}" for column, kind in columns.items())
        connection.execute(f"CREATE TABLE IF NOT EXISTS {name} ({listed}, {_OWN_COLUMNS})")
        for column, kind in columns.items():
            connection.execute(f"ALTER TABLE {name} ADD COLUMN IF NOT EXISTS {quote(column)} {kind}")


def promote(
    connection: duckdb.DuckDBPyConnection,
    attached: str,
    source: str,
    table: TableDeclaration,
    snapshot_id: str,
    day: date,
    other_days: Collection[date],
) -> TableLoad:
    """Put the accepted rows of a staged table into its history at ``day``.

    To be called inside a transaction, one for all tables of the source.

    Args:
        connection: writes to the warehouse, with the staging file attached.
        attached: the name under which the staging file is attached; its quarantine decides what is accepted.
        source: the source's name.
        table: the table's declaration; its primary key identifies a record over time.
        snapshot_id: noted on the versions that this snapshot brings.
        day: the date the snapshot's data speak of.
        other_days: the dates of the other snapshots in the history. ``day`` may be among them: then this
            snapshot takes the place of that one.
    """
    name = history_table(source, table.name)
    fields = ", ".join(quote(field.name) for field in table.kept_fields)
    origin = ", ".join(ORIGIN_COLUMNS)
    keys = ", ".join(quote(key) for key in table.primary_key)
    same_key = " AND ".join(f"a.{quote(key)} IS NOT DISTINCT FROM b.{quote(key)}" for key in table.primary_key)
    same_row = f"{same_key} AND a._row_hash = b._row_hash"
    following = min((other for other in other_days if other > day), default=None)
    until = f"DATE '{following.isoformat()}'" if following else "NULL::DATE"
    at = f"DATE '{day.isoformat()}'"

    def count(sql: str) -> int:
        row = connection.execute(sql).fetchone()
        return int(row[0]) if row else 0

    quarantined = f"FROM {attached}.main.quarantine AS q WHERE q.table_name = '{table.name}'"
    # Only where there is something to leave out: with the join, DuckDB writes the rows twice.
    accepted = f"""
        WHERE NOT EXISTS (
            {quarantined} AND q.row_number = staged._row AND q.file IS NOT DISTINCT FROM staged._file
            AND q.sheet IS NOT DISTINCT FROM staged._sheet)"""
    if not count(f"SELECT count(*) {quarantined}"):
        accepted = ""
    # A view, not a table: the register's five million rows are read twice rather than kept twice.
    connection.execute(f"""
        CREATE OR REPLACE TEMP VIEW incoming AS
        SELECT {fields}, {origin}, hash({fields}) AS _row_hash, staged.rowid AS _staged
        FROM {attached}.{SCHEMA}.{quote(table.name)} AS staged {accepted}""")
    columns = f"{fields}, {origin}, _row_hash, _snapshot, _first_seen, _valid_from, _valid_to"
    new_rows = f"""
        INSERT INTO {name} ({columns})
        SELECT {fields}, {origin}, _row_hash, '{snapshot_id}', {at}, {at}, {until} FROM incoming"""
    if not count(f"SELECT count(*) FROM (SELECT 1 FROM {name} LIMIT 1)"):
        return _counted(connection, attached, table, count(new_rows), 0, 0)
    # Rows that hold at ``day`` as things stood: no other snapshot lies between the one before and this one.
    standing = f"_valid_from <= {at} AND (_valid_to IS NULL OR _valid_to > {at})"
    connection.execute(f"""
        CREATE OR REPLACE TEMP TABLE losing AS
        SELECT a.* FROM {name} AS a WHERE {standing}
        AND NOT EXISTS (SELECT 1 FROM incoming AS b WHERE {same_row})""")
    connection.execute(f"""
        CREATE OR REPLACE TEMP TABLE gaining AS
        SELECT {keys}, _row_hash, _staged, NOT EXISTS (SELECT 1 FROM losing AS b WHERE {same_key}) AS is_new
        FROM incoming AS a
        WHERE NOT EXISTS (SELECT 1 FROM {name} AS b WHERE {standing} AND {same_row})""")
    added = count("SELECT count(*) FROM gaining WHERE is_new")
    changed = count("SELECT count(*) FROM gaining WHERE NOT is_new")
    vanished = count(
        f"SELECT count(*) FROM losing AS a WHERE NOT EXISTS (SELECT 1 FROM gaining AS b WHERE {same_key})"
    )
    if added or changed or vanished:
        # What loses its place here: its part before stays, its part from the following snapshot on stays.
        connection.execute(f"""
            INSERT INTO {name} ({columns})
            SELECT {fields}, {origin}, _row_hash, _snapshot, _first_seen, {until}, _valid_to FROM losing
            WHERE {until} IS NOT NULL AND (_valid_to IS NULL OR _valid_to > {until})""")
        connection.execute(f"""
            UPDATE {name} AS a SET _valid_to = {at} FROM losing AS b
            WHERE {same_row} AND a._valid_from = b._valid_from AND a._valid_from < {at}""")
        connection.execute(f"""
            DELETE FROM {name} AS a USING losing AS b
            WHERE {same_row} AND a._valid_from = b._valid_from AND a._valid_from = {at}""")
        # What gains its place: joined with the same version where that ends or begins beside it.
        connection.execute(f"""
            CREATE OR REPLACE TEMP TABLE beside AS
            SELECT a.*, l._valid_from AS left_from, r._valid_to AS right_to, r._valid_from AS right_from
            FROM gaining AS a
            LEFT JOIN {name} AS l ON {same_row.replace("b.", "l.")} AND l._valid_to = {at}
            LEFT JOIN {name} AS r ON {same_row.replace("b.", "r.")} AND r._valid_from = {until}""")
        connection.execute(f"""
            DELETE FROM {name} AS a USING beside AS b
            WHERE {same_row} AND b.left_from IS NOT NULL AND b.right_from IS NOT NULL
              AND a._valid_from = b.right_from""")
        connection.execute(f"""
            UPDATE {name} AS a
            SET _valid_to = CASE WHEN b.right_from IS NULL THEN {until} ELSE b.right_to END
            FROM beside AS b WHERE {same_row} AND a._valid_from = b.left_from AND a._valid_to = {at}""")
        connection.execute(f"""
            UPDATE {name} AS a SET _valid_from = {at} FROM beside AS b
            WHERE {same_row} AND b.left_from IS NULL AND a._valid_from = b.right_from""")
        connection.execute(f"""{new_rows}
            WHERE _staged IN (SELECT _staged FROM beside WHERE left_from IS NULL AND right_from IS NULL)""")
        # A record may have been there before, or be known from an earlier day now.
        connection.execute(f"""
            UPDATE {name} AS a SET _first_seen = b.first_seen FROM (
                SELECT {keys}, min(_valid_from) AS first_seen FROM {name} AS a
                WHERE EXISTS (SELECT 1 FROM gaining AS b WHERE {same_key})
                   OR EXISTS (SELECT 1 FROM losing AS b WHERE {same_key})
                GROUP BY ALL) AS b
            WHERE {same_key} AND a._first_seen <> b.first_seen""")
    return _counted(connection, attached, table, added, changed, vanished)


def _counted(
    connection: duckdb.DuckDBPyConnection,
    attached: str,
    table: TableDeclaration,
    added: int,
    changed: int,
    vanished: int,
) -> TableLoad:
    """The load with its staged and quarantined rows; a row that never became a typed one counts among both."""
    row = connection.execute(f"""
        WITH refused AS (
            SELECT DISTINCT file, sheet, row_number FROM {attached}.main.quarantine
            WHERE table_name = '{table.name}'
        ),
        staged AS (SELECT _file, _sheet, _row FROM {attached}.{SCHEMA}.{quote(table.name)})
        SELECT
            (SELECT count(*) FROM staged),
            (SELECT count(*) FROM refused),
            (SELECT count(*) FROM refused WHERE NOT EXISTS (
                SELECT 1 FROM staged WHERE staged._row = row_number
                AND staged._file IS NOT DISTINCT FROM file AND staged._sheet IS NOT DISTINCT FROM sheet))
    """).fetchone()
    staged, refused, unread = row or (0, 0, 0)
    return TableLoad(staged + unread, refused, added, changed, vanished)


def create_views(
    connection: duckdb.DuckDBPyConnection, source: SourceDeclaration, days: Collection[date], as_of: date
) -> None:
    """Make the views that models read, as things were known at a date.

    ``<source>.<table>`` holds the records that stood at ``as_of``, ``<source>.<table>_history`` all versions
    until then, ``<source>.snapshots`` the dates. Besides the declared columns: ``_first_seen_date``,
    ``_changed_date`` (the version's own first date), ``_last_seen_date``, ``_vanished_date`` (the date of the
    first snapshot without this version; NULL while it stands).
    """
    known = sorted(day for day in days if day <= as_of)
    connection.execute(f"CREATE SCHEMA IF NOT EXISTS {quote(source.name)}")
    listed = ", ".join(f"(DATE '{day.isoformat()}')" for day in known)
    dates = f"VALUES {listed}" if known else "SELECT NULL::DATE WHERE false"
    connection.execute(
        f"CREATE OR REPLACE VIEW {quote(source.name)}.snapshots AS SELECT * FROM ({dates}) AS d (snapshot_date)"
    )
    at = f"DATE '{as_of.isoformat()}'"
    for table in source.tables:
        fields = ", ".join(quote(field.name) for field in table.kept_fields)
        view = f"{quote(source.name)}.{quote(table.name)}"
        history = f"{quote(source.name)}.{quote(table.name + '_history')}"
        connection.execute(f"""
            CREATE OR REPLACE VIEW {history} AS
            SELECT {fields},
                   _first_seen AS _first_seen_date,
                   _valid_from AS _changed_date,
                   (SELECT max(snapshot_date) FROM {quote(source.name)}.snapshots
                    WHERE snapshot_date < coalesce(_valid_to, DATE '9999-12-31')) AS _last_seen_date,
                   CASE WHEN _valid_to <= {at} THEN _valid_to END AS _vanished_date
            FROM {history_table(source.name, table.name)}
            WHERE _valid_from <= {at}""")
        connection.execute(
            f"CREATE OR REPLACE VIEW {view} AS SELECT * FROM {history} WHERE _vanished_date IS NULL"
        )
