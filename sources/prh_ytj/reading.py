"""Files of the register into its tables. Companies never pass through Python: DuckDB streams them into Parquet.

The file of everything is one JSON array of 1.5 GB. ``read_json_objects`` takes it apart record by record, and
``from_json`` makes of each what ``records.SHAPE`` says, NULL where it is of another form: one odd record costs
itself, not the file. That is as fast as DuckDB's ``read_json``, which refuses the whole file then.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import duckdb

from sources import Reading, SourceError, SqlTable
from sources.loading import UNSEEN
from sources.paging import incompleteness
from sources.prh_ytj import records, search
from sources.unpacking import is_zip, unpack
from warehouse import database
from warehouse.archive import Snapshot
from warehouse.declarations import Severity, SourceDeclaration, TableDeclaration, literal, quote
from warehouse.findings import Finding, said_sql, shown_key_sql
from warehouse.messages import marked, message, sentences

_MOST_OBJECT_BYTES = 16 << 20  # DuckDB's own limit of a record
_MOST_PAGE_BYTES = 64 << 20
_MEMORY = "1GB"
_PLACE = "file_row_number + 1"
_MAY_HIDE = "regexp_matches({column}, '" + UNSEEN.replace("{", "{{").replace("}", "}}") + "')"


def read(snapshot: Snapshot, declaration: SourceDeclaration, workspace: Path) -> Reading:
    """The tables ``companies`` and ``names``.

    ``_row`` is a record's place in its file, from 1. Of a company that stands in several lists of a search, the
    record that was changed last counts.

    Raises:
        SourceError: a file is damaged, cut off or no JSON.
    """
    companies, names = (workspace / f"{name}.parquet" for name in ("companies", "names"))
    paths = list(snapshot.paths())
    is_search = not any(map(is_zip, paths)) and all(_first_byte(path) == b"{" for path in paths)
    try:
        with database.opened(None, temporary=workspace, memory=_MEMORY) as connection:
            connection.execute(records.macros(snapshot.date))
            query = records.typed(_of_pages(paths) if is_search else _of_arrays(paths, workspace), UNSEEN)
            _write(connection, _once(query) if is_search else query, companies)
            numbered = _read(companies) if is_search else f"({_numbered(companies)})"
            _write(connection, records.names(numbered), names)
            hidden = connection.execute(f"SELECT bool_or(_may_hide) FROM {_read(companies)}").fetchone() == (True,)
            twice = _twice(connection, paths) if is_search else {}
    except duckdb.Error as error:
        raise _unreadable(declaration, error) from None
    doubt = sentences(*_doubts(snapshot, twice)) if is_search else ""
    may_hide = _MAY_HIDE if hidden else None
    tables = {
        "companies": SqlTable(_query(declaration.table("companies"), companies, not is_search), may_hide=may_hide),
        "names": SqlTable(_query(declaration.table("names"), names, False), may_hide=may_hide),
    }
    return Reading(
        tables=tables,
        findings=[_not_whole(name, doubt) for name in tables if doubt],
        findings_sql=[
            _unread(declaration.table("companies"), companies, not is_search),
            _unread(declaration.table("names"), names, False),
        ],
        incomplete=dict.fromkeys(tables, doubt) if doubt else {},
    )


# --- records ------------------------------------------------------------------------------------------


def _of_arrays(paths: Sequence[Path], workspace: Path) -> str:
    """The records of files that are arrays, in their order. Each is numbered when it is written."""
    parts = []
    for raw in paths:
        path = unpack(raw, workspace / raw.stem)[0].path if is_zip(raw) else raw
        parts.append(
            f"SELECT made.*, {literal(raw.name)} AS _file, CAST(NULL AS BIGINT) AS _row"
            f" FROM (SELECT {_shaped('json')} AS made FROM read_json_objects({literal(str(path))}, format='array',"
            f" maximum_object_size={_MOST_OBJECT_BYTES}))"
        )
    return " UNION ALL ".join(parts)


def _of_pages(paths: Sequence[Path]) -> str:
    """The records of pages, each with its place on its page."""
    return f"SELECT made.*, _file, _row FROM (SELECT {_shaped('one')} AS made, _file, _row FROM ({_items(paths)}))"


def _items(paths: Sequence[Path]) -> str:
    listed = ", ".join(literal(str(path)) for path in paths)
    return (
        "SELECT unnest(companies) AS one, generate_subscripts(companies, 1) AS _row,"
        " parse_filename(filename) AS _file"
        f" FROM read_json([{listed}], format='unstructured', filename=true,"
        f" columns={{companies: 'JSON[]'}}, maximum_object_size={_MOST_PAGE_BYTES})"
    )


def _shaped(column: str) -> str:
    return f"from_json({column}, {literal(json.dumps(records.SHAPE))})"


def _once(query: str) -> str:
    """Companies that stand in several lists, once: as they were changed last."""
    return (
        f"SELECT * FROM ({query}) QUALIFY row_number() OVER (PARTITION BY coalesce(business_id, _file || _row)"
        " ORDER BY last_modified_time DESC NULLS LAST, _file, _row) = 1 ORDER BY _file, _row"
    )


def _twice(connection: duckdb.DuckDBPyConnection, paths: Sequence[Path]) -> dict[str, int]:
    """By list, how many of its companies came twice: it moved while it was read, and others are missing."""
    counted = connection.execute(
        "SELECT regexp_replace(_file, '-[^-]*$', ''), count(*) - count(DISTINCT one ->> '$.businessId.value')"
        f" FROM ({_items(paths)}) WHERE one ->> '$.businessId.value' IS NOT NULL GROUP BY 1"
    ).fetchall()
    return {str(name): int(count) for name, count in counted if count}


def _doubts(snapshot: Snapshot, twice: dict[str, int]) -> Iterator[str]:
    """Why the lists of a search are known not to be whole."""
    for name in sorted({file.name.rpartition("-")[0] for file in snapshot.files}):
        if doubt := incompleteness(snapshot, search.saved(name)):
            yield message("{list}: {doubt}", list=name, doubt=doubt)
        if count := twice.get(name):
            yield message(
                "{list}: {count} companies came twice: it moved while it was read, so others are missing.",
                list=name,
                count=count,
            )


# --- tables -------------------------------------------------------------------------------------------


def _write(connection: duckdb.DuckDBPyConnection, query: str, path: Path) -> None:
    connection.execute(f"COPY ({query}) TO {literal(str(path))} (FORMAT parquet)")


def _read(path: Path) -> str:
    return f"read_parquet({literal(str(path))})"


def _numbered(path: Path) -> str:
    """What was written in the order of its file, with the places in it."""
    return f"SELECT * REPLACE ({_PLACE} AS _row) FROM read_parquet({literal(str(path))}, file_row_number=true)"


def _query(table: TableDeclaration, path: Path, is_unnumbered: bool) -> str:
    columns = ", ".join(
        f"CAST({quote(field.name)} AS {field.duckdb_type}) AS {quote(field.name)}" for field in table.fields
    )
    row = _PLACE if is_unnumbered else "_row"
    options = ", file_row_number=true" if is_unnumbered else ""
    return (
        f"SELECT {columns}, _file, CAST(NULL AS VARCHAR) AS _sheet, CAST({row} AS BIGINT) AS _row"
        f" FROM read_parquet({literal(str(path))}{options})"
    )


def _unread(table: TableDeclaration, path: Path, is_unnumbered: bool) -> str:
    """The SELECT of the findings on cells that cannot be read."""
    rows = f"({_numbered(path)})" if is_unnumbered else _read(path)
    fields = {field.name: field for field in table.fields}
    listed = ", ".join(
        f"({literal(name)}, {literal(fields[name].title)}, {literal(fields[name].severity.value)})"
        for name in fields
        if fields[name].type in ("date", "datetime")
    )
    key = shown_key_sql(table)
    what, advice, said = said_sql(
        marked("{heading} cannot be read: it is no date."),
        marked("See the record at its source; if many are so, the form of dates has changed."),
        heading="f.title",
    )
    return (
        "SELECT 'unreadable' AS rule, f.severity AS severity,"
        f" {what} AS message, {advice} AS help, {said} AS said,"
        f" {literal(table.name)} AS table_name, c._file AS file, CAST(NULL AS VARCHAR) AS sheet,"
        " c._row AS row_number, c.cell.column AS column_name, left(c.cell.value, 100) AS value, c.row_key"
        f" FROM (SELECT _file, _row, {key} AS row_key, unnest(_unread) AS cell FROM {rows}) AS c"
        f" JOIN (VALUES {listed}) AS f (name, title, severity) ON f.name = c.cell.column"
    )


def _not_whole(table: str, doubt: str) -> Finding:
    return Finding(
        rule="not-whole",
        severity=Severity.WARNING,
        message=sentences(doubt, message("So nobody is taken for gone.")),
        help=message(
            "The next night asks again. If it stays so, take everything: the address ends with /all_companies."
        ),
        table_name=table,
    )


# --- what cannot be read ------------------------------------------------------------------------------


def _first_byte(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(4096).lstrip(b"\xef\xbb\xbf \r\n\t")[:1]


def _unreadable(declaration: SourceDeclaration, error: duckdb.Error) -> SourceError:
    """DuckDB's error without what it quotes of the file."""
    said = re.search(r"(at byte [0-9,]+ in (?:record|array|value)[^:]*)", str(error))
    where = f" ({said[1]})" if said else ""
    if isinstance(error, duckdb.OutOfMemoryException | duckdb.IOException):
        return SourceError(
            message(
                "{source}: the file cannot be read: see whether disk and memory suffice.", source=declaration.name
            )
        )
    return SourceError(
        message(
            "{source}: the file is no whole JSON{where}: it was cut off, or is something else. Nothing was"
            " replaced."
            " Fetch it again.",
            source=declaration.name,
            where=where,
        )
    )
