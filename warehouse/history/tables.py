"""The tables of a history, and the conditions by which versions of records are found in them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import duckdb

from warehouse.declarations import SourceDeclaration, TableDeclaration
from warehouse.ledger import TableLoad
from warehouse.sql import day_literal, literal, quote
from warehouse.staging import ORIGIN_COLUMNS

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
        columns = _columns(table)
        listed = ", ".join(f"{quote(column)} {kind}" for column, kind in columns.items())
        connection.execute(f"CREATE TABLE IF NOT EXISTS {name} ({listed})")
        for column, kind in columns.items():
            connection.execute(f"ALTER TABLE {name} ADD COLUMN IF NOT EXISTS {quote(column)} {kind}")
        keys = ", ".join(f"{quote(key)} {table.field(key).duckdb_type}" for key in table.primary_key)
        connection.execute(
            f"CREATE TABLE IF NOT EXISTS {said_table(source.name, table.name)} ({keys}, _day DATE, _said VARCHAR)"
        )


def show_history(connection: duckdb.DuckDBPyConnection, source: SourceDeclaration, catalog: str) -> None:
    """Views on the history tables of an attached warehouse, which is left as it is.

    A table that the warehouse does not have yet is empty, a column that it lacks too.
    """
    connection.execute("CREATE SCHEMA IF NOT EXISTS history")
    there: dict[str, set[str]] = {}
    for table, column in connection.execute(
        "SELECT table_name, column_name FROM duckdb_columns()"
        f" WHERE database_name = {literal(catalog)} AND schema_name = 'history'"
    ).fetchall():
        there.setdefault(table, set()).add(column)
    for table in source.tables:
        keys = {key: table.field(key).duckdb_type for key in table.primary_key}
        for name, columns in (
            (f"{source.name}__{table.name}", _columns(table)),
            (f"{source.name}__{table.name}__said", keys | {"_day": "DATE", "_said": "VARCHAR"}),
        ):
            found = there.get(name, set())
            listed = ", ".join(
                quote(column) if column in found else f"CAST(NULL AS {kind}) AS {quote(column)}"
                for column, kind in columns.items()
            )
            origin = f"FROM {catalog}.history.{quote(name)}" if found else "WHERE false"
            connection.execute(f"CREATE VIEW history.{quote(name)} AS SELECT {listed} {origin}")


def _columns(table: TableDeclaration) -> dict[str, str]:
    """The columns of a table's history, with their DuckDB types."""
    return {field.name: field.duckdb_type for field in table.kept_fields} | ORIGIN_COLUMNS | _OWN_COLUMNS


def standing(day: date, alias: str = "a") -> str:
    """The condition that a version stands at a date."""
    at = day_literal(day)
    return f"{alias}._valid_from <= {at} AND ({alias}._valid_to IS NULL OR {alias}._valid_to > {at})"


def same_key(table: TableDeclaration) -> str:
    """The condition that ``a`` and ``b`` are of one record."""
    return " AND ".join(f"a.{quote(key)} IS NOT DISTINCT FROM b.{quote(key)}" for key in table.primary_key)


def among(table: TableDeclaration, relation: str) -> str:
    """The condition that the record of ``a`` is in a relation."""
    return f"EXISTS (SELECT 1 FROM {relation} AS b WHERE {same_key(table)})"


@dataclass(frozen=True)
class TableHistory:
    """The history of one table of a source, ``name``, and beside it what was said, ``said``."""

    connection: duckdb.DuckDBPyConnection
    source: str
    table: TableDeclaration

    @property
    def name(self) -> str:
        """The history's table."""
        return history_table(self.source, self.table.name)

    @property
    def said(self) -> str:
        """The table of what snapshots said."""
        return said_table(self.source, self.table.name)

    @property
    def keys(self) -> str:
        """The columns that identify a record."""
        return ", ".join(quote(key) for key in self.table.primary_key)

    @property
    def content(self) -> str:
        """The columns of a version that do not say when it is valid."""
        fields = ", ".join(quote(field.name) for field in self.table.kept_fields)
        return f"{fields}, {', '.join(ORIGIN_COLUMNS)}, {HELD_COLUMNS}, _row_hash, _snapshot"

    def execute(self, sql: str) -> None:
        """Run a statement."""
        self.connection.execute(sql)

    def count(self, sql: str) -> int:
        """The number that a statement gives."""
        row = self.connection.execute(sql).fetchone()
        return int(row[0]) if row else 0

    def among(self, relation: str) -> str:
        """The condition that the record of ``a`` is in a relation."""
        return among(self.table, relation)

    def is_known(self, day: date) -> str:
        """The condition that the record of ``a`` has a version that stands at a date."""
        return f"""EXISTS (
            SELECT 1 FROM {self.name} AS b WHERE {same_key(self.table)} AND {standing(day, "b")})"""

    def is_said(self, day: date, *kinds: str) -> str:
        """The condition that the snapshot at ``day`` said one of these of the record of ``a``."""
        listed = ", ".join(literal(kind) for kind in kinds)
        return f"""EXISTS (
            SELECT 1 FROM {self.said} AS b
            WHERE {same_key(self.table)} AND b._day = {day_literal(day)} AND b._said IN ({listed}))"""

    def is_unspoken(self, day: date, load: TableLoad) -> str:
        """The condition that the snapshot at ``day`` does not speak of the record of ``a``."""
        if load.delivery != "full":
            return f"NOT {self.is_said(day, TOLD, ENDED)}"
        if load.is_whole:
            return self.is_said(day, HELD)
        return f"({self.is_said(day, HELD)} OR NOT {self.is_known(day)})"
