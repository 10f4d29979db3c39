"""Loading a reading into its staging file, through a dlt pipeline with a frozen contract.

The file is built beside its place and moved there when it is whole, so a killed run leaves the old one or none.
dlt keeps its working folder in the workspace of this one load: no pending package of a failed night can poison
the next (dlt#3227), and nothing stays behind in anyone's home folder.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import duckdb

from sources import Reading, SourceError, SqlTable
from sources.loading.columns import counts, must_match
from sources.loading.erased import leave_out_erased
from sources.loading.fingerprints import Read, fingerprint
from sources.loading.pipeline import RefusedError, run_dlt, without_values
from sources.loading.tidying import leave_out_unseen, number_rows, refuse_future
from warehouse import database
from warehouse.archive import Archive, Snapshot
from warehouse.declarations import Severity, SourceDeclaration
from warehouse.erasures import Erasure, erasures
from warehouse.findings import (
    NOT_THERE,
    Finding,
    add_findings,
    add_findings_of,
    add_headings,
    add_quarantine,
    add_quarantine_of,
    create_findings_tables,
)
from warehouse.home import Home
from warehouse.messages import in_languages, message
from warehouse.personal import NAME_WITHHELD
from warehouse.progress import Progress, silent
from warehouse.staging import Staged, staging_path

_FILE = "stage.duckdb"  # must not be called like the schema: DuckDB would confuse catalog and schema


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
        ArchiveKeyError: the files are encrypted, and their key is not given.
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
        # The one place where what is encrypted is read: the plain copies end with the workspace.
        readable = Archive(home, declaration.name).readable(snapshot, workspace / "plain")
        progress(f"{declaration.name}: read", 0)
        refusal: RefusedError | None = None
        listed = erasures(home, declaration.name)
        try:
            reading = read(readable, declaration, files)
            progress(f"{declaration.name}: load", 0)
            try:
                built, rows = _build(declaration, snapshot, reading, workspace / "quick", mark, listed)
            except RefusedError as error:
                refusal = error
            if refusal is not None:
                progress(f"{declaration.name}: load line by line ({refusal})", 0)
                reading = refusal.fallback()
                built, rows = _build(declaration, snapshot, reading, workspace / "careful", mark, listed)
        except duckdb.Error as error:
            raise SourceError(
                f"{declaration.name}: {without_values(error)}. Nothing was replaced; see whether disk and memory"
                " suffice."
            ) from None
        target.parent.mkdir(parents=True, exist_ok=True)
        os.replace(built, target)  # noqa: PTH105 - says that it replaces
    progress(f"{declaration.name}: staged", sum(rows.values()), sum(rows.values()), "rows")
    return Staged(declaration.name, snapshot.id, target, rows)


def _reusable(target: Path, declaration: SourceDeclaration, mark: str, home: Home) -> Mapping[str, int] | None:
    """The rows of each table in a staging file that can be used as it is; None if it must be made."""
    if not target.exists():
        return None
    try:
        with database.opened(target, temporary=home.temporary, read_only=True) as connection:
            found = connection.execute("SELECT fingerprint FROM main.staged_from").fetchall()
            return counts(connection, declaration) if found == [(mark,)] else None
    except duckdb.Error:
        return None  # half a file, or one of another DuckDB: it is made again


def _build(
    declaration: SourceDeclaration,
    snapshot: Snapshot,
    reading: Reading,
    workspace: Path,
    mark: str,
    listed: Sequence[Erasure],
) -> tuple[Path, dict[str, int]]:
    """Make the staging file in the workspace; give back its path and the rows of each table."""
    if undeclared := set(reading.tables) - {table.name for table in declaration.tables}:
        names = ", ".join(sorted(undeclared))
        raise ValueError(f"source {declaration.name}: read() gave undeclared tables: {names}")
    workspace.mkdir()
    path = workspace / _FILE
    with database.opened(path, temporary=workspace) as connection:
        run_dlt(declaration, reading, connection, workspace)
        rows = counts(connection, declaration)
        for table in declaration.tables:
            must_match(connection, declaration, table)
            given = reading.tables.get(table.name)
            if isinstance(given, SqlTable):
                _check_rows(f"{declaration.name}.{table.name}", given, rows[table.name], snapshot)
                if given.number_rows:
                    number_rows(connection, table)
        erased = [*leave_out_erased(connection, declaration, snapshot, listed)]
        _note_findings(connection, declaration, snapshot, replace(reading, findings=[*reading.findings, *erased]))
        lacking = {t.name: NOT_THERE for t in declaration.tables if t.name not in reading.tables}
        for table_name, reason in {**lacking, **reading.incomplete}.items():
            connection.execute("INSERT INTO main.incomplete VALUES (?, ?)", [table_name, reason])
        connection.execute(
            "CREATE TABLE main.staged_from AS SELECT ? AS fingerprint, ? AS snapshot_id", [mark, snapshot.id]
        )
        rows = counts(connection, declaration)
        connection.execute("CHECKPOINT")
    return path, rows


def _check_rows(name: str, given: SqlTable, rows: int, snapshot: Snapshot) -> None:
    """Refuse a table that has another number of rows than its files' lines make."""
    if given.rows is None or rows == given.rows:
        return
    reason = f"{rows:,} rows where the files' lines make {given.rows:,}"
    if given.fallback is None:
        raise SourceError(f"{name}: {reason}. Nothing was replaced; the files are in {snapshot.folder}")
    raise RefusedError(given.fallback, reason)


def _note_findings(
    connection: duckdb.DuckDBPyConnection, declaration: SourceDeclaration, snapshot: Snapshot, reading: Reading
) -> None:
    """Write down what the reading could not read, and what the loaded tables show."""
    create_findings_tables(connection)
    found = [*reading.findings, *_missing(declaration, reading), *_renamed(snapshot)]
    add_findings(connection, declaration.name, found)
    add_quarantine(connection, declaration.name, reading.quarantined)
    add_headings(connection, reading.headings)
    for table in declaration.tables:
        given = reading.tables.get(table.name)
        if isinstance(given, SqlTable) and given.may_hide:
            leave_out_unseen(connection, declaration.name, table, given.may_hide)
    for query in reading.findings_sql:
        add_findings_of(connection, declaration.name, query)
    for query in reading.quarantined_sql:
        add_quarantine_of(connection, declaration.name, query)
    for table in declaration.tables:
        refuse_future(connection, declaration.name, table, snapshot.date)


def _missing(declaration: SourceDeclaration, reading: Reading) -> Iterator[Finding]:
    """A critical finding for every mandatory table the reading lacks, unless it says so itself."""
    said = {finding.table_name for finding in reading.findings if finding.severity is Severity.CRITICAL}
    for table in declaration.tables:
        if table.presence == "mandatory" and table.name not in reading.tables and table.name not in said:
            yield Finding(
                rule="missing-table",
                severity=Severity.CRITICAL,
                message=message(
                    "The table “{table}” is missing.", table=in_languages(table.title, finnish=table.title_fi)
                ),
                help=message("Hand in the file again with this table in it."),
                table_name=table.name,
            )


def _renamed(snapshot: Snapshot) -> Iterator[Finding]:
    """A finding for every file whose own name holds personal data and is known to the archive's memory alone."""
    for file in snapshot.files:
        if file.name.startswith(NAME_WITHHELD):
            yield Finding(
                rule="personal-data",
                severity=Severity.WARNING,
                message=message("The name of a file holds personal data, so it is called otherwise here."),
                help=message("Give it a name without personal data: names of files stand in reports."),
                file=file.name,
            )
