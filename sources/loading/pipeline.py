"""The dlt pipeline: all tables of a reading into a database, under a frozen contract."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from sources import Reading, SourceError, SqlTable
from sources.loading.columns import arrow_schema, columns_of
from warehouse.declarations import SourceDeclaration, TableDeclaration, quote
from warehouse.staging import ORIGIN_TYPES, SCHEMA
from warehouse.types import column_type

if TYPE_CHECKING:
    import pyarrow as pa

_FREEZE = {"tables": "freeze", "columns": "freeze", "data_type": "freeze"}


class RefusedError(Exception):
    """A table's quick query cannot be trusted; the fallback is to be asked."""

    def __init__(self, fallback: Callable[[], Reading], reason: str) -> None:
        super().__init__(reason)
        self.fallback = fallback


def _hints(table: TableDeclaration) -> list[Any]:
    """The columns of a table as dlt's. Every one may be empty: what must not be is for the checks to say."""
    types = {field.name: field.column_type for field in table.fields}
    types |= {name: column_type(kind) for name, kind in ORIGIN_TYPES.items()}
    return [{"name": name, "nullable": True, **kind.dlt} for name, kind in types.items()]


def run_dlt(
    declaration: SourceDeclaration, reading: Reading, connection: duckdb.DuckDBPyConnection, workspace: Path
) -> None:
    """Run one dlt pipeline over all tables into the database of ``connection``."""
    from sources.dlt_parts import (  # takes two seconds: not before it is needed
        DltSource,
        PipelineStepFailed,
        dlt,
        duckdb_destination,
        new_table,
    )

    schema = dlt.Schema(declaration.name)
    schema.set_schema_contract(_FREEZE)  # type: ignore[arg-type]
    resources = []
    for table in declaration.tables:
        schema.update_table(new_table(table.name, columns=_hints(table), write_disposition="append"))
        given = reading.tables.get(table.name)
        if given is None:
            given = SqlTable(_empty_query(table))
        content = given if isinstance(given, SqlTable) else _cast(table, given)
        resources.append(dlt.resource(_items(table, content, workspace), name=table.name))
    pipeline = dlt.pipeline(
        pipeline_name=declaration.name,
        pipelines_dir=str(workspace / "dlt"),
        destination=duckdb_destination(credentials=connection),
        dataset_name=SCHEMA,
    )
    try:
        pipeline.run(DltSource(schema, declaration.name, resources))
    except PipelineStepFailed as error:
        refused = _duckdb_error(error)
        queries = (table for table in reading.tables.values() if isinstance(table, SqlTable))
        way_out = next((query.fallback for query in queries if query.fallback is not None), None)
        if refused is not None and way_out is not None and not isinstance(refused, _OUT_OF_SPACE):
            raise RefusedError(way_out, "the file is not what it should be") from None
        # Neither the error itself nor what it quotes: both hold values of rows.
        said = without_values(refused or error.exception or error)
        raise SourceError(
            f"{declaration.name}: dlt could not load the tables {', '.join(sorted(reading.tables))}: {said}."
            " Nothing was replaced."
        ) from None


def without_values(error: object) -> str:
    """The first line of an error without what it quotes: it may be a value of a row."""
    return re.sub(r"""(["']).*?\1""", "(value)", (str(error) or type(error).__name__).splitlines()[0])


# Reading again would not help against these.
_OUT_OF_SPACE = (duckdb.OutOfMemoryException, duckdb.IOException, duckdb.InterruptException)


def _duckdb_error(error: BaseException) -> duckdb.Error | None:
    """DuckDB's own error among the causes of a dlt error."""
    seen: set[int] = set()
    queue: Sequence[BaseException | None] = [error]
    while queue:
        first, *rest = queue
        queue = rest
        if first is None or id(first) in seen:
            continue
        if isinstance(first, duckdb.Error):
            return first
        seen.add(id(first))
        queue = [*queue, first.__cause__, first.__context__, getattr(first, "exception", None)]
    return None


def _items(table: TableDeclaration, content: SqlTable | pa.Table, workspace: Path) -> Callable[[], Iterator[Any]]:
    """The generator function of a table's dlt resource."""

    def of_query() -> Iterator[Any]:
        from sources.dlt_parts import dlt

        assert isinstance(content, SqlTable)  # noqa: S101 - chosen below
        path = workspace / f"{table.name}.model"
        path.write_text(f"dialect: duckdb\n{content.query}\n", encoding="utf-8")
        yield dlt.mark.with_file_import(str(path), "model")

    def of_arrow() -> Iterator[Any]:
        yield content

    return of_query if isinstance(content, SqlTable) else of_arrow


def _cast(table: TableDeclaration, content: Any) -> Any:
    """An Arrow table with just the declared columns and types; ValueError if it cannot be had.

    An empty table or column often comes with the type of nothing: it takes the declared type here.
    """
    import pyarrow as pa

    wanted = arrow_schema(table)
    if set(content.column_names) != set(wanted.names):
        difference = sorted(set(content.column_names) ^ set(wanted.names))
        raise ValueError(f"table {table.name}: read() and the declaration differ in {', '.join(difference)}")
    try:
        return content.select(wanted.names).cast(wanted)
    except pa.ArrowInvalid as error:
        raise ValueError(f"table {table.name}: read() gave a column of another type: {error}") from error


def _empty_query(table: TableDeclaration) -> str:
    """A SELECT with the table's columns and no row."""
    columns = ", ".join(f"CAST(NULL AS {kind}) AS {quote(name)}" for name, kind in columns_of(table).items())
    return f"SELECT {columns} WHERE false"
