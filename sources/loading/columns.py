"""The columns of a staged table, and whether they came out so."""

from __future__ import annotations

from typing import TYPE_CHECKING

import duckdb

from warehouse.declarations import SourceDeclaration, TableDeclaration, quote
from warehouse.staging import ORIGIN_COLUMNS, ORIGIN_TYPES, SCHEMA
from warehouse.types import arrow_type

if TYPE_CHECKING:
    import pyarrow as pa


def columns_of(table: TableDeclaration) -> dict[str, str]:
    """The columns of a staged table with their DuckDB types, in order."""
    return {field.name: field.duckdb_type for field in table.fields} | ORIGIN_COLUMNS


def arrow_schema(table: TableDeclaration) -> pa.Schema:
    """The same in Arrow."""
    import pyarrow as pa

    types = {field.name: arrow_type(field.type, field.decimals) for field in table.fields}
    return pa.schema(list((types | {name: arrow_type(kind) for name, kind in ORIGIN_TYPES.items()}).items()))


def must_match(
    connection: duckdb.DuckDBPyConnection, declaration: SourceDeclaration, table: TableDeclaration
) -> None:
    """The second belt: dlt once dropped undeclared columns silently and may rename what it does not like."""
    described = connection.execute(f"DESCRIBE {SCHEMA}.{quote(table.name)}").fetchall()
    found = {str(row[0]): str(row[1]) for row in described}
    if found != columns_of(table) or list(found) != list(columns_of(table)):
        raise ValueError(
            f"source {declaration.name}: {table.name} was loaded as {found}, declared as {columns_of(table)}"
        )


def counts(connection: duckdb.DuckDBPyConnection, declaration: SourceDeclaration) -> dict[str, int]:
    """How many rows each staged table has."""
    found = {
        table.name: connection.execute(f"SELECT count(*) FROM {SCHEMA}.{quote(table.name)}").fetchone()
        for table in declaration.tables
    }
    return {name: int(row[0]) if row else 0 for name, row in found.items()}
