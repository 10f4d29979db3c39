"""Loading a reading into its staging file, through a dlt pipeline with a frozen contract.

The file is built beside its place and moved there when it is whole, so a killed run leaves the old one or none.
dlt keeps its working folder in the workspace of this one load: no pending package of a failed night can poison
the next (dlt#3227), and nothing stays behind in anyone's home folder.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from sources import Reading, SourceError, SqlTable
from warehouse import database, identifiers, reference, sheets, xlsx
from warehouse.archive import Snapshot
from warehouse.declarations import (
    FieldDeclaration,
    Privacy,
    Severity,
    SourceDeclaration,
    TableDeclaration,
    literal,
    quote,
)
from warehouse.findings import (
    WITHHELD,
    Finding,
    add_findings,
    add_findings_of,
    add_quarantine,
    add_quarantine_of,
    create_findings_tables,
)
from warehouse.home import Home
from warehouse.personal import NAME_WITHHELD
from warehouse.progress import Progress, silent
from warehouse.staging import ORIGIN_COLUMNS, SCHEMA, Staged, staging_path

if TYPE_CHECKING:
    import pyarrow as pa

Read = Callable[[Snapshot, SourceDeclaration, Path], Reading]

# Regular expressions of DuckDB for what nobody sees: controls, marks that turn the direction of writing, and what
# is no character. Line breaks and tabs are among them; people see those as a space.
_BREAKS = r"[\t\n\v\f\r]+"
_HIDDEN = r"[\x00-\x08\x0E-\x1F\x7F-\x{9F}\x{202A}-\x{202E}\x{2066}-\x{2069}\x{FFFE}\x{FFFF}]"
UNSEEN = f"{_BREAKS}|{_HIDDEN}"

_FILE = "stage.duckdb"  # must not be called like the schema: DuckDB would confuse catalog and schema

_FREEZE = {"tables": "freeze", "columns": "freeze", "data_type": "freeze"}

_DLT_TYPES: dict[str, dict[str, Any]] = {
    "string": {"data_type": "text"},
    "integer": {"data_type": "bigint"},
    "number": {"data_type": "double"},
    "boolean": {"data_type": "bool"},
    "date": {"data_type": "date"},
    "datetime": {"data_type": "timestamp", "timezone": False},
    "year": {"data_type": "bigint", "precision": 16},
}


class _RefusedError(Exception):
    """A table's quick query cannot be trusted; the fallback is to be asked."""

    def __init__(self, fallback: Callable[[], Reading], reason: str) -> None:
        super().__init__(reason)
        self.fallback = fallback


def stage(
    declaration: SourceDeclaration, snapshot: Snapshot, home: Home, read: Read, progress: Progress = silent
) -> Staged:
    """Load a snapshot into its staging file, unless the file is there already, made from the same declaration.

    Tables and columns come out just as declared, in schema ``staged``, each with ``_file``, ``_sheet`` and
    ``_row``; a table the snapshot lacks comes out empty. What could not be read stands in ``main.findings`` and
    ``main.quarantine``.

    Args:
        declaration: what the tables are.
        snapshot: a snapshot of the raw archive.
        home: where staging files lie, and where the work is done.
        read: the source's ``read``.
        progress: told of the steps.

    Raises:
        SourceError: the reading cannot be loaded; the message names source, table and what DuckDB said.
        ValueError: ``read`` gave a table or columns that are not declared (a fault of the source's code).
    """
    target = staging_path(home, snapshot)
    mark = fingerprint(declaration, read)
    if (kept := _reusable(target, declaration, mark, home)) is not None:
        progress(f"{declaration.name}: staged already", 1, 1)
        return Staged(declaration.name, snapshot.id, target, kept)
    with home.workspace(f"stage-{declaration.name}") as workspace:
        files = workspace / "read"
        files.mkdir()
        progress(f"{declaration.name}: read", 0)
        refusal: _RefusedError | None = None
        try:
            reading = read(snapshot, declaration, files)
            progress(f"{declaration.name}: load", 0)
            try:
                built, rows = _build(declaration, snapshot, reading, workspace / "quick", mark)
            except _RefusedError as error:
                refusal = error
            if refusal is not None:
                progress(f"{declaration.name}: load line by line ({refusal})", 0)
                reading = refusal.fallback()
                built, rows = _build(declaration, snapshot, reading, workspace / "careful", mark)
        except duckdb.Error as error:
            raise SourceError(
                f"{declaration.name}: {_without_values(error)}. Nothing was replaced; see whether disk and memory"
                " suffice."
            ) from None
        target.parent.mkdir(parents=True, exist_ok=True)
        os.replace(built, target)  # noqa: PTH105 - says that it replaces
    progress(f"{declaration.name}: staged", sum(rows.values()), sum(rows.values()), "rows")
    return Staged(declaration.name, snapshot.id, target, rows)


def fingerprint(declaration: SourceDeclaration, read: Read) -> str:
    """What a staging file depends on beside its snapshot: declaration, code lists, the reading code, DuckDB, dlt.

    The code is that of the reading package and of this package's own modules, so a repaired reader stages anew
    without anyone having to remember a version number.
    """
    digest = hashlib.sha256(declaration.model_dump_json().encode())
    digest.update(reference.fingerprint().encode())
    for name in ("duckdb", "dlt"):
        digest.update(f"{name} {importlib.metadata.version(name)}\n".encode())
    module = sys.modules.get(getattr(read, "__module__", ""), None)
    folders = [Path(__file__).parent]
    if module is not None and module.__file__ and Path(module.__file__).parent != folders[0]:
        folders.append(Path(module.__file__).parent)
    paths = [Path(str(module.__file__)) for module in (sheets, xlsx, identifiers)]
    paths += [path for folder in folders for path in sorted(folder.glob("*.py"))]
    for path in paths:
        digest.update(f"{path.name} ".encode() + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def _reusable(target: Path, declaration: SourceDeclaration, mark: str, home: Home) -> Mapping[str, int] | None:
    """The rows of each table in a staging file that can be used as it is; None if it must be made."""
    if not target.exists():
        return None
    try:
        with database.opened(target, temporary=home.temporary, read_only=True) as connection:
            found = connection.execute("SELECT fingerprint FROM main.staged_from").fetchall()
            return _counts(connection, declaration) if found == [(mark,)] else None
    except duckdb.Error:
        return None  # half a file, or one of another DuckDB: it is made again


def _build(
    declaration: SourceDeclaration, snapshot: Snapshot, reading: Reading, workspace: Path, mark: str
) -> tuple[Path, dict[str, int]]:
    """Make the staging file in the workspace; give back its path and the rows of each table."""
    if undeclared := set(reading.tables) - {table.name for table in declaration.tables}:
        names = ", ".join(sorted(undeclared))
        raise ValueError(f"source {declaration.name}: read() gave undeclared tables: {names}")
    workspace.mkdir()
    path = workspace / _FILE
    with database.opened(path, temporary=workspace) as connection:
        _run_dlt(declaration, reading, connection, workspace)
        rows = _counts(connection, declaration)
        for table in declaration.tables:
            _must_match(connection, declaration, table)
            given = reading.tables.get(table.name)
            if isinstance(given, SqlTable) and given.rows is not None and rows[table.name] != given.rows:
                reason = f"{rows[table.name]:,} rows where the files' lines make {given.rows:,}"
                if given.fallback is None:
                    raise SourceError(
                        f"{declaration.name}.{table.name}: {reason}. Nothing was replaced; the files are in"
                        f" {snapshot.folder}"
                    )
                raise _RefusedError(given.fallback, reason)
            if isinstance(given, SqlTable) and given.number_rows:
                _number_rows(connection, table)
        create_findings_tables(connection)
        found = [*reading.findings, *_missing(declaration, reading), *_renamed(snapshot)]
        add_findings(connection, declaration.name, found)
        add_quarantine(connection, declaration.name, reading.quarantined)
        for table in declaration.tables:
            given = reading.tables.get(table.name)
            if isinstance(given, SqlTable) and given.may_hide:
                _leave_out_unseen(connection, declaration.name, table, given.may_hide)
        for query in reading.findings_sql:
            add_findings_of(connection, declaration.name, query)
        for query in reading.quarantined_sql:
            add_quarantine_of(connection, declaration.name, query)
        for table in declaration.tables:
            _refuse_future(connection, declaration.name, table, snapshot.date)
        lacking = {t.name: "not there" for t in declaration.tables if t.name not in reading.tables}
        for table_name, reason in {**lacking, **reading.incomplete}.items():
            connection.execute("INSERT INTO main.incomplete VALUES (?, ?)", [table_name, reason])
        connection.execute(
            "CREATE TABLE main.staged_from AS SELECT ? AS fingerprint, ? AS snapshot_id", [mark, snapshot.id]
        )
        connection.execute("CHECKPOINT")
    return path, rows


def _number_rows(connection: duckdb.DuckDBPyConnection, table: TableDeclaration) -> None:
    """Number the rows of each file from 2, in the order in which they were inserted.

    DuckDB keeps the order of the query (``preserve_insertion_order``, on unless turned off), so row ids are that
    order: 0.1 s for two million rows, where ``row_number()`` in the query doubled the time of the whole load.
    """
    name = f"{SCHEMA}.{quote(table.name)}"
    files = f"SELECT _file, min(rowid) AS first, max(rowid) AS last, count(*) AS rows FROM {name} GROUP BY _file"
    mixed = connection.execute(f"SELECT count(*) FROM ({files}) WHERE last - first + 1 <> rows").fetchone()
    if mixed != (0,):
        raise ValueError(f"table {table.name}: the rows of its files are mixed, so they cannot be numbered")
    connection.execute(
        f"UPDATE {name} AS t SET _row = t.rowid - f.first + 2 FROM ({files}) AS f WHERE f._file = t._file"
    )


def _leave_out_unseen(
    connection: duckdb.DuckDBPyConnection, source: str, table: TableDeclaration, may_hide: str
) -> None:
    """Take out of texts what nobody sees: line breaks and tabs become a space, the rest goes, with a finding."""
    name = f"{SCHEMA}.{quote(table.name)}"
    texts = [field.name for field in table.fields if field.type == "string"]
    unseen, breaks, hidden = (f"'{pattern}'" for pattern in (UNSEEN, _BREAKS, _HIDDEN))
    hit = {
        text: f"({may_hide.format(column=quote(text))}) AND regexp_matches({quote(text)}, {unseen})"
        for text in texts
    }
    cells = ", ".join(
        f"CASE WHEN {condition} AND regexp_matches({quote(text)}, {hidden}) THEN {literal(text)} END"
        for text, condition in hit.items()
    )
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE unseen AS SELECT rowid AS id, [{cells}] AS cells FROM {name}"
        f" WHERE {' OR '.join(f'({condition})' for condition in hit.values())}"
    )
    spaced = (f"regexp_replace({quote(text)}, {breaks}, ' ', 'g')" for text in texts)
    cleaned = ", ".join(
        f"{quote(text)} = nullif(trim(regexp_replace({made}, {hidden}, '', 'g')), '')"
        for text, made in zip(texts, spaced, strict=True)
    )
    connection.execute(f"UPDATE {name} SET {cleaned} WHERE rowid IN (SELECT id FROM unseen)")
    message = (
        "It held characters that nobody sees (controls, or marks that turn the direction of writing). They were"
        " left out."
    )
    key = "concat_ws(' | ', " + ", ".join(f"CAST({quote(part)} AS VARCHAR)" for part in table.primary_key) + ")"
    add_findings_of(
        connection,
        source,
        f"SELECT 'hidden-characters' AS rule, {literal(Severity.WARNING.value)} AS severity,"
        f" {literal(message)} AS message, 'See what it should be, and tell the publisher.' AS help,"
        f" {literal(table.name)} AS table_name, _file AS file, _sheet AS sheet, _row AS row_number,"
        f" u.cell AS column_name, CAST(NULL AS VARCHAR) AS value, {key} AS row_key"
        f" FROM (SELECT id, unnest(cells) AS cell FROM unseen) AS u JOIN {name} AS t ON t.rowid = u.id"
        " WHERE u.cell IS NOT NULL",
    )
    connection.execute("DROP TABLE unseen")


def _refuse_future(connection: duckdb.DuckDBPyConnection, source: str, table: TableDeclaration, day: date) -> None:
    """Empty the cells of dates further ahead of the snapshot than its data can know; a finding for each."""
    latest = {
        field: f"DATE {literal((day + timedelta(days=field.days_ahead)).isoformat())}"
        for field in table.fields
        if field.days_ahead is not None
    }
    if not latest:
        return
    name = f"{SCHEMA}.{quote(table.name)}"
    listed = ", ".join(f"count(*) FILTER ({quote(field.name)} > {last})" for field, last in latest.items())
    counts = connection.execute(f"SELECT {listed} FROM {name}").fetchone() or ()
    for (field, last), count in zip(latest.items(), counts, strict=True):
        if not count:
            continue
        value = f"CAST({quote(field.name)} AS VARCHAR)"
        key = (
            "concat_ws(' | ', " + ", ".join(f"CAST({quote(part)} AS VARCHAR)" for part in table.primary_key) + ")"
        )
        message = (
            f"{field.title} lies more than {field.days_ahead} days after {day.isoformat()}, the date of the data."
        )
        add_findings_of(
            connection,
            source,
            f"SELECT 'future' AS rule, {literal(field.severity.value)} AS severity, {literal(message)} AS message,"
            f" {literal(field.help or 'Correct the date.')} AS help, {literal(table.name)} AS table_name,"
            f" _file AS file, _sheet AS sheet, _row AS row_number, {literal(field.name)} AS column_name,"
            f" {literal(WITHHELD) if field.privacy is Privacy.PERSONAL else value} AS value, {key} AS row_key"
            f" FROM {name} WHERE {quote(field.name)} > {last}",
        )
        connection.execute(f"UPDATE {name} SET {quote(field.name)} = NULL WHERE {quote(field.name)} > {last}")


def _missing(declaration: SourceDeclaration, reading: Reading) -> Iterator[Finding]:
    """A critical finding for every mandatory table the reading lacks, unless it says so itself."""
    said = {finding.table_name for finding in reading.findings if finding.severity is Severity.CRITICAL}
    for table in declaration.tables:
        if table.presence == "mandatory" and table.name not in reading.tables and table.name not in said:
            yield Finding(
                rule="missing-table",
                severity=Severity.CRITICAL,
                message=f"The table '{table.title}' is missing.",
                help="Hand in the file again with this table in it.",
                table_name=table.name,
            )


def _renamed(snapshot: Snapshot) -> Iterator[Finding]:
    """A finding for every file whose own name holds personal data and is known to the archive's memory alone."""
    for file in snapshot.files:
        if file.name.startswith(NAME_WITHHELD):
            yield Finding(
                rule="personal-data",
                severity=Severity.WARNING,
                message="The name of a file holds personal data, so it is called otherwise here.",
                help="Give it a name without personal data: names of files stand in reports.",
                file=file.name,
            )


def _counts(connection: duckdb.DuckDBPyConnection, declaration: SourceDeclaration) -> dict[str, int]:
    counts = {}
    for table in declaration.tables:
        found = connection.execute(f"SELECT count(*) FROM {SCHEMA}.{quote(table.name)}").fetchone()
        counts[table.name] = int(found[0]) if found else 0
    return counts


def columns_of(table: TableDeclaration) -> dict[str, str]:
    """The columns of a staged table with their DuckDB types, in order."""
    return {field.name: field.duckdb_type for field in table.fields} | ORIGIN_COLUMNS


def _must_match(
    connection: duckdb.DuckDBPyConnection, declaration: SourceDeclaration, table: TableDeclaration
) -> None:
    """The second belt: dlt once dropped undeclared columns silently and may rename what it does not like."""
    described = connection.execute(f"DESCRIBE {SCHEMA}.{quote(table.name)}").fetchall()
    found = {str(row[0]): str(row[1]) for row in described}
    if found != columns_of(table) or list(found) != list(columns_of(table)):
        raise ValueError(
            f"source {declaration.name}: {table.name} was loaded as {found}, declared as {columns_of(table)}"
        )


# --- dlt ---------------------------------------------------------------------------------------------


def _hint(field: FieldDeclaration) -> dict[str, Any]:
    """A field as dlt's column. Every column may be empty: what must not be is for the checks to say."""
    kind = _DLT_TYPES[field.type]
    if field.type == "number" and field.decimals is not None:
        kind = {"data_type": "decimal", "precision": 18, "scale": field.decimals}
    return {"name": field.name, "nullable": True, **kind}


def _hints(table: TableDeclaration) -> list[Any]:
    origin = [
        {"name": name, "nullable": True, "data_type": "text" if kind == "VARCHAR" else "bigint"}
        for name, kind in ORIGIN_COLUMNS.items()
    ]
    return [*(_hint(field) for field in table.fields), *origin]


def _calm_dlt() -> None:
    """Settings of dlt that have no argument. Whoever runs the house may set them otherwise in the environment.

    No telemetry; no log of failed statements, for they hold values of rows (what went wrong is raised anyway);
    no load id on every row (a staging file holds one load); no second try of a statement that DuckDB refused
    (dlt takes a malformed CSV for a passing fault and reads it five times).
    """
    for name, value in {
        "RUNTIME__DLTHUB_TELEMETRY": "false",
        "RUNTIME__LOG_LEVEL": "CRITICAL",
        "NORMALIZE__MODEL_NORMALIZER__ADD_DLT_LOAD_ID": "false",
        "LOAD__RAISE_ON_MAX_RETRIES": "1",
    }.items():
        os.environ.setdefault(name, value)


def _run_dlt(
    declaration: SourceDeclaration, reading: Reading, connection: duckdb.DuckDBPyConnection, workspace: Path
) -> None:
    """Run one dlt pipeline over all tables into the database of ``connection``."""
    _calm_dlt()
    import dlt  # takes two seconds: not before it is needed
    from dlt.common.schema.utils import new_table
    from dlt.destinations import duckdb as duckdb_destination
    from dlt.extract import DltSource
    from dlt.pipeline.exceptions import PipelineStepFailed

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
            raise _RefusedError(way_out, "the file is not what it should be") from None
        # Neither the error itself nor what it quotes: both hold values of rows.
        said = _without_values(refused or error.exception or error)
        raise SourceError(
            f"{declaration.name}: dlt could not load the tables {', '.join(sorted(reading.tables))}: {said}."
            " Nothing was replaced."
        ) from None


def _without_values(error: object) -> str:
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
        import dlt

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

    wanted = pa.schema([pa.field(name, _arrow_type(kind)) for name, kind in columns_of(table).items()])
    if set(content.column_names) != set(wanted.names):
        difference = sorted(set(content.column_names) ^ set(wanted.names))
        raise ValueError(f"table {table.name}: read() and the declaration differ in {', '.join(difference)}")
    try:
        return content.select(wanted.names).cast(wanted)
    except pa.ArrowInvalid as error:
        raise ValueError(f"table {table.name}: read() gave a column of another type: {error}") from error


def _arrow_type(duckdb_type: str) -> Any:
    import pyarrow as pa

    if duckdb_type.startswith("DECIMAL"):
        precision, scale = duckdb_type[len("DECIMAL(") : -1].split(",")
        return pa.decimal128(int(precision), int(scale))
    return {
        "VARCHAR": pa.string(),
        "BIGINT": pa.int64(),
        "DOUBLE": pa.float64(),
        "BOOLEAN": pa.bool_(),
        "DATE": pa.date32(),
        "TIMESTAMP": pa.timestamp("us"),
        "SMALLINT": pa.int16(),
    }[duckdb_type]


def _empty_query(table: TableDeclaration) -> str:
    """A SELECT with the table's columns and no row."""
    columns = ", ".join(f"CAST(NULL AS {kind}) AS {quote(name)}" for name, kind in columns_of(table).items())
    return f"SELECT {columns} WHERE false"
