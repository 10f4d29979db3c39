"""The views that models read: a source's tables as they were known at a date."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date

import duckdb

from warehouse.declarations import SourceDeclaration, TableDeclaration
from warehouse.history.tables import HELD, HELD_COLUMNS, TOLD, history_table, said_table, same_key
from warehouse.ledger import SnapshotRecord, TableLoad
from warehouse.sql import day_literal, quote


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
    listed = ", ".join(f"({day_literal(record.data_date)})" for record in known)
    rows = f"VALUES {listed}" if known else "SELECT NULL::DATE WHERE false"
    connection.execute(
        f"CREATE OR REPLACE VIEW {quote(source.name)}.snapshots AS SELECT * FROM ({rows}) AS d (snapshot_date)"
    )
    for table in source.tables:
        _create_table_views(connection, source.name, table, known, as_of)


def _create_table_views(
    connection: duckdb.DuckDBPyConnection,
    source: str,
    table: TableDeclaration,
    known: Sequence[SnapshotRecord],
    as_of: date,
) -> None:
    end = day_literal(as_of)
    fields = ", ".join(f"a.{quote(field.name)}" for field in table.kept_fields)
    keys = ", ".join(quote(key) for key in table.primary_key)
    view = f"{quote(source)}.{quote(table.name)}"
    history = f"{quote(source)}.{quote(table.name + '_history')}"
    dates = [
        day_literal(record.data_date)
        for record in known
        if record.tables.get(table.name, TableLoad()).delivery == "full"
    ]
    full = f"[{', '.join(dates)}]::DATE[]"
    connection.execute(f"""
        CREATE OR REPLACE VIEW {history} AS
        WITH said AS (
            SELECT {keys}, coalesce(list(_day) FILTER (WHERE _said = '{HELD}'), []) AS held,
                   coalesce(list(_day) FILTER (WHERE _said = '{TOLD}'), []) AS told
            FROM {said_table(source, table.name)} WHERE _day <= {end} GROUP BY ALL
        ),
        marked AS (
            SELECT {keys}, spoken,
                   list_filter(held, lambda d: d > coalesce(list_max(spoken), {day_literal(date.min)})) AS held
            FROM (
                SELECT *, told || list_filter({full}, lambda d: NOT list_contains(held, d)) AS spoken FROM said
            )
        )
        SELECT {fields}, {HELD_COLUMNS},
               _first_seen AS _first_seen_date,
               _valid_from AS _changed_date,
               list_max(list_filter(
                   coalesce(b.spoken, {full}), lambda d: d < coalesce(_valid_to, {day_literal(date.max)})
               )) AS _last_seen_date,
               CASE WHEN _valid_to <= {end} THEN _valid_to END AS _vanished_date,
               CASE WHEN _valid_to IS NULL OR _valid_to > {end} THEN list_min(b.held) END AS _held_since_date
        FROM {history_table(source, table.name)} AS a
        LEFT JOIN marked AS b ON {same_key(table)}
        WHERE _valid_from <= {end}""")
    connection.execute(f"CREATE OR REPLACE VIEW {view} AS SELECT * FROM {history} WHERE _vanished_date IS NULL")
