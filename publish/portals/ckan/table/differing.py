"""Which rows of a table differ from those of a release: found by DuckDB, so that no row passes through Python."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import duckdb

from publish.portals.ckan.table.reading import Shown
from warehouse.declarations import FieldDeclaration, literal, quote


def work_database(folder: Path) -> duckdb.DuckDBPyConnection:
    """A database in memory for comparisons; what does not fit goes to the folder."""
    connection = duckdb.connect(config={"autoinstall_known_extensions": "false"})
    connection.execute("SET memory_limit = '512MB'; SET threads = 2")
    connection.execute(f"SET temp_directory = {literal(str(folder))}")
    return connection


def view_parquet(connection: duckdb.DuckDBPyConnection, name: str, path: Path) -> None:
    """Have a view of a Parquet file's rows."""
    connection.execute(f"CREATE OR REPLACE VIEW {name} AS SELECT * FROM read_parquet({literal(str(path))})")


def as_declared(
    connection: duckdb.DuckDBPyConnection,
    name: str,
    shown: Shown,
    declared: Sequence[FieldDeclaration],
    standing: Sequence[str] | None = None,
    *,
    is_kept: bool = True,
) -> None:
    """Make a table of rows that were read as texts: ``_id``, ``_is_odd`` and the declared columns in their types.

    ``_is_odd`` is true where a text does not read as its column's type: such a row differs, whatever it is
    compared with. A column that is not there is empty.

    Args:
        connection: where.
        name: of the table.
        shown: the rows.
        declared: the columns.
        standing: those of them that count; all unless given.
        is_kept: False for a view, which is quicker where the rows are read only once or twice.
    """
    there = set(shown.names) if standing is None else set(shown.names) & set(standing)
    columns, odd = [], ["false"]
    for field in declared:
        column = quote(field.name)
        if field.name not in there:
            columns.append(f"CAST(NULL AS {field.column_type.released}) AS {column}")
            continue
        cast = f"TRY_CAST({column} AS {field.column_type.released})"
        columns.append(f"{cast} AS {column}")
        if field.type != "string":
            odd.append(f"({column} IS NOT NULL AND {cast} IS NULL)")
    row_id = "CAST(_id AS BIGINT)" if "_id" in shown.names else "CAST(NULL AS BIGINT)"
    connection.execute(
        f"CREATE OR REPLACE {'TABLE' if is_kept else 'VIEW'} {name} AS"
        f" SELECT {row_id} AS _id, {' OR '.join(odd)} AS _is_odd, {', '.join(columns)} FROM {shown.source}"
    )


def compare_rows(
    connection: duckdb.DuckDBPyConnection, declared: Sequence[FieldDeclaration], key: Sequence[str]
) -> None:
    """Compare ``old_rows`` with ``new_rows`` by key: fill the tables ``changed``, ``fresh`` and ``left_over``.

    ``changed`` has the new rows that are there and differ, with the ``_id`` of the old and, as ``_differing``,
    the names of the columns that differ; ``fresh`` those that are not there; ``left_over`` the key and the ``_id``
    of the old rows that go. Columns of ours begin with an underscore, which no declared one does.
    """
    keys = [quote(name) for name in key]
    joined = " AND ".join(f"o.{column} = n.{column}" for column in keys)
    conditions = {
        field.name: f"o.{quote(field.name)} IS DISTINCT FROM n.{quote(field.name)}"
        for field in declared
        if field.name not in key
    }
    differs = "".join(f" OR {condition}" for condition in conditions.values())
    parts = ", ".join(f"CASE WHEN {condition} THEN {literal(name)} END" for name, condition in conditions.items())
    by_key = ", ".join(keys)
    names = ", ".join(f"n.{quote(field.name)}" for field in declared)
    connection.execute(
        f"CREATE OR REPLACE TABLE changed AS SELECT o._id, {names},"
        f" CASE WHEN NOT o._is_odd THEN list_filter([{parts}], lambda name: name IS NOT NULL) END AS _differing"
        f" FROM new_rows AS n JOIN old_rows AS o ON {joined} WHERE o._is_odd{differs}"
    )
    connection.execute(
        f"CREATE OR REPLACE TABLE fresh AS SELECT {names}, row_number() OVER (ORDER BY {by_key}) AS _place"
        f" FROM new_rows AS n ANTI JOIN old_rows AS o ON {joined}"
    )
    connection.execute(
        f"CREATE OR REPLACE TABLE left_over AS SELECT o._id, {by_key},"
        f" row_number() OVER (ORDER BY o._id) AS _place FROM old_rows AS o ANTI JOIN new_rows AS n ON {joined}"
    )


def pair(connection: duckdb.DuckDBPyConnection, declared: Sequence[FieldDeclaration]) -> tuple[int, int, int]:
    """Give the rows that come the places of those that go: fill the tables ``coming`` and ``gone``.

    ``coming`` has the rows to write, each with the ``_id`` of the row whose place it takes, if any: so a row that
    goes and one that comes are one update; ``_differing`` has the columns of a row that is the same but for them.
    ``gone`` has the ``_id`` of the rows that are left to be deleted.

    Returns:
        How many rows are written in place, how many are inserted, how many are deleted.
    """
    names = ", ".join(quote(field.name) for field in declared)
    connection.execute(
        f"CREATE OR REPLACE TABLE coming AS SELECT _id, _differing, {names} FROM changed UNION ALL"
        f" SELECT o._id, NULL, {names} FROM fresh"
        " LEFT JOIN (SELECT _id, _place FROM left_over) AS o USING (_place)"
    )
    connection.execute(
        "CREATE OR REPLACE TABLE gone AS SELECT _id FROM left_over WHERE _place > (SELECT count(*) FROM fresh)"
    )
    found = connection.execute("SELECT count(_id), count(*) - count(_id), (SELECT count(*) FROM gone) FROM coming")
    in_place, added, gone = found.fetchone() or (0, 0, 0)
    return int(in_place), int(added), int(gone)
