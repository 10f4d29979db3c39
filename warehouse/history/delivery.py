"""What a snapshot says of a table: the rows that came, the records that ended, and those whose row was refused."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import duckdb

from warehouse.declarations import TableDeclaration
from warehouse.history.tables import HELD_COLUMNS, among
from warehouse.ledger import TableLoad
from warehouse.sql import literal, quote
from warehouse.staging import ORIGIN_COLUMNS, SCHEMA


def take(
    connection: duckdb.DuckDBPyConnection, attached: str, table: TableDeclaration, snapshot_id: str
) -> TableLoad:
    """Make what a snapshot says of a table readable: ``incoming``, ``ended_now``, ``held_now``.

    Returns how many rows came, were refused and name a record nevertheless (``held``), how many cells were
    emptied, and whether the snapshot speaks of all records.
    """
    delivered = _Delivered(connection, attached, table)
    refused = delivered.count(f"SELECT count(*) FROM (SELECT DISTINCT {delivered.of_refused})")
    # Only where there is something to leave out: with the join, DuckDB writes the rows twice.
    accepted = f"NOT EXISTS (SELECT 1 {delivered.refusals} AND {_AT_PLACE})" if refused else "true"
    emptied = delivered.emptied_cells()
    delivered.tell_incoming(accepted, emptied.keys(), snapshot_id)
    delivered.tell_ended(accepted)
    delivered.tell_held()
    return TableLoad(
        staged=delivered.rows(),
        quarantined=refused,
        held=delivered.count("SELECT count(*) FROM held_now"),
        held_cells=sum(emptied.values()),
        is_whole=delivered.is_whole(),
        delivery=table.delivery,
    )


_AT_PLACE = (
    "q.row_number = s._row AND q.file IS NOT DISTINCT FROM s._file AND q.sheet IS NOT DISTINCT FROM s._sheet"
)


@dataclass(frozen=True)
class _Delivered:
    """A staged table, and what its attached staging file says of it."""

    connection: duckdb.DuckDBPyConnection
    attached: str
    table: TableDeclaration

    @property
    def staged(self) -> str:
        return f"{self.attached}.{SCHEMA}.{quote(self.table.name)}"

    @property
    def of_table(self) -> str:
        return f"table_name = {literal(self.table.name)}"

    @property
    def refusals(self) -> str:
        return f"FROM {self.attached}.main.quarantine AS q WHERE q.{self.of_table}"

    @property
    def of_refused(self) -> str:
        """The places of the refused rows."""
        return f"q.file, q.sheet, q.row_number {self.refusals}"

    @property
    def emptied(self) -> str:
        return f"FROM {self.attached}.main.held_cells WHERE {self.of_table}"

    @property
    def tombstone(self) -> str:
        return f"coalesce({quote(self.table.tombstone)}, false)" if self.table.tombstone else "false"

    @property
    def is_named(self) -> str:
        """The condition that a refused row ``a`` says whose it is."""
        return " AND ".join(f"a.{quote(key)} IS NOT NULL" for key in self.table.primary_key)

    def count(self, sql: str) -> int:
        row = self.connection.execute(sql).fetchone()
        return int(row[0]) if row else 0

    def emptied_cells(self) -> dict[str, int]:
        """How many cells are to be emptied, by column."""
        found = self.connection.execute(f"SELECT column_name, count(*) {self.emptied} GROUP BY ALL").fetchall()
        return dict(found)

    def tell_incoming(self, accepted: str, emptied_columns: Collection[str], snapshot_id: str) -> None:
        cells = self.emptied
        values = ", ".join(
            f"CASE WHEN s.rowid IN (SELECT row_id {cells} AND column_name = {literal(field.name)}) THEN NULL"
            f" ELSE s.{quote(field.name)} END AS {quote(field.name)}"
            if field.name in emptied_columns
            else f"s.{quote(field.name)}"
            for field in self.table.kept_fields
        )
        marks = "NULL::VARCHAR"
        if emptied_columns:
            marks = f"""(SELECT string_agg(column_name, ';' ORDER BY column_name)
            {cells} AND row_id = s.rowid)"""
        fields = ", ".join(quote(field.name) for field in self.table.kept_fields)
        # What a row without an emptied cell hashes to is what it always did: a history of before goes on.
        row_hash = f"CASE WHEN {HELD_COLUMNS} IS NULL THEN hash({fields}) ELSE hash({fields}, {HELD_COLUMNS}) END"
        # A view, not a table: the register's five million rows are read twice rather than kept twice.
        self.connection.execute(f"""
        CREATE OR REPLACE TEMP VIEW incoming AS
        SELECT *, {row_hash} AS _row_hash, {literal(snapshot_id)} AS _snapshot FROM (
            SELECT {values}, {", ".join(f"s.{name}" for name in ORIGIN_COLUMNS)}, {marks} AS {HELD_COLUMNS},
                   s.rowid AS _id
            FROM {self.staged} AS s WHERE {accepted} AND NOT {self.tombstone})""")

    def tell_ended(self, accepted: str) -> None:
        keys = ", ".join(quote(key) for key in self.table.primary_key)
        self.connection.execute(f"""
        CREATE OR REPLACE TEMP TABLE ended_now AS
        SELECT DISTINCT {keys} FROM {self.staged} AS s WHERE {accepted} AND {self.tombstone}""")

    def tell_held(self) -> None:
        table = self.table
        named = ", ".join(
            f"TRY_CAST(json_extract_string(q.row_key, {literal(key)}) AS {table.field(key).duckdb_type})"
            f" AS {quote(key)}"
            for key in table.primary_key
        )
        self.connection.execute(
            f"CREATE OR REPLACE TEMP TABLE named_now AS SELECT DISTINCT {named} {self.refusals}"
        )
        # A record that another row of the snapshot tells is told.
        self.connection.execute(f"""
        CREATE OR REPLACE TEMP TABLE held_now AS
        SELECT * FROM named_now AS a WHERE {self.is_named}
        AND NOT {among(table, "incoming")} AND NOT {among(table, "ended_now")}""")

    def rows(self) -> int:
        """The rows that came: those staged, and those refused that never became a typed row."""
        unread = self.count(f"""
        SELECT count(*) FROM (SELECT DISTINCT {self.of_refused}
        AND NOT EXISTS (SELECT 1 FROM {self.staged} AS s WHERE {_AT_PLACE}))""")
        return self.count(f"SELECT count(*) FROM {self.staged}") + unread

    def is_whole(self) -> bool:
        """Whether every refused row says whose it is, and nothing is known to be missing."""
        return not (
            self.count(f"SELECT count(*) FROM named_now AS a WHERE NOT ({self.is_named})")
            or self.count(f"SELECT count(*) FROM {self.attached}.main.incomplete WHERE {self.of_table}")
        )
