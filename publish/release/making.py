"""Making a release: its files are written and compared with the version before, then moved in as a whole."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from publish.files import render, workbook
from publish.files.dictionary import Column, columns_of
from publish.files.formats import WRITERS, file_name
from publish.folders import sync_folder
from publish.metadata.coverage import period_of
from publish.metadata.datapackage import declaration_digest, describe
from publish.metadata.held import Held, held_rows
from publish.metadata.schema import table_schema
from publish.release.breaking import columns_changed
from publish.release.changes import Changes, write_changes
from publish.release.draft import Draft, checked_rows
from publish.release.files import about, previous_parquet, release_file
from publish.release.log import log_of
from publish.release.telling import Telling, tell
from publish.release.versions import release_folder
from warehouse.archive import sha256_of
from warehouse.home import Home, move_folder
from warehouse.progress import Counted, Progress, silent
from warehouse.releases import Release, ReleaseError


def make_release(
    connection: duckdb.DuckDBPyConnection, draft: Draft, home: Home, progress: Progress = silent
) -> Release | None:
    """Make a release; None if it would say the same as the one before.

    Args:
        connection: sees the draft's relation.
        draft: what it is to be made of.
        home: where releases are kept.
        progress: told of it, and how many of its files are written.

    Raises:
        BreakingChangeError: programs that read the release before would break, and the entry does not say that
            this is meant.
        ReleaseError: the key is not unique, a column is missing, or the previous release is damaged.
    """
    declaration, previous, name = draft.declaration, draft.previous, draft.declaration.name
    count = len(("csv", "parquet", "xlsx", *declaration.entry.formats, "changes", "datapackage"))
    with (
        home.workspace(f"release-{name}") as workspace,
        Counted(progress, f"releasing {name}", count, "files") as next_file,
    ):
        built = workspace / "files"
        built.mkdir()
        try:
            with render.published(connection, draft.relation, declaration.table) as view:
                rows = checked_rows(connection, view, declaration)
                next_file()
                csv = built / f"{name}.csv"
                render.write_csv(connection, view, declaration.table, csv)
                content_sha256 = sha256_of(csv)
                fingerprint = fingerprint_of(content_sha256, declaration_digest(declaration, draft.used_sources))
                if draft.before and draft.before.fingerprint == fingerprint:
                    return None
                schema = columns_changed(connection, view, draft, home)
                found = _write_rows(connection, view, (draft, home, built), next_file, progress)
        except duckdb.Error as error:
            raise ReleaseError(f"{name}: the table {draft.relation} cannot be released: {error}") from error
        release = Release(
            dataset=name,
            version=draft.version,
            data_date=draft.data_date,
            sequence=draft.sequence,
            rows=rows,
            content_sha256=content_sha256,
            fingerprint=fingerprint,
            previous_version=previous.version if previous else None,
            added=found.changes.added,
            changed=found.changes.changed,
            removed=found.changes.removed,
            files=tuple(release_file(built, key, name) for key in found.keys),
            snapshots=tuple(sorted(draft.snapshots, key=lambda use: (use.source, use.date, use.snapshot_id))),
            schema_changes=schema.changes,
            held=found.held.rows,
            newly_held=found.changes.held,
            released=found.changes.released,
            major=declaration.entry.major_version,
            breaking=schema.breaking,
        )
        next_file()
        told = Telling(
            declaration,
            about(declaration),
            found.columns,
            table_schema(declaration),
            log_of(release, draft.existing),
            lambda made: describe(declaration, made, draft.used_sources, found.held.notes, found.period),
        )
        release = tell(built, release, told)
        place = release_folder(home, release)
        move_folder(built, place)
        sync_folder(place.parent)
    return release


@dataclass(frozen=True)
class _Found:
    """What was written of the rows beside the CSV file, and found in them."""

    keys: Sequence[str]
    changes: Changes
    held: Held
    period: Mapping[str, str] | None
    columns: Sequence[Column]


def _write_rows(
    connection: duckdb.DuckDBPyConnection,
    view: str,
    what: tuple[Draft, Home, Path],
    next_file: Counted,
    progress: Progress,
) -> _Found:
    """Write the rows in all formats but CSV, which is there, and what differs from the version before."""
    draft, home, built = what
    declaration, table, name = draft.declaration, draft.declaration.table, draft.declaration.name
    keys = ["csv", "parquet"]
    next_file()
    render.write_parquet(connection, view, table, built / f"{name}.parquet")
    next_file()
    if workbook.write_xlsx(connection, view, table, about(declaration), built / f"{name}.xlsx", progress):
        keys.append("xlsx")
    for key in declaration.entry.formats:
        next_file()
        if WRITERS[key](connection, view, declaration, built / file_name(key, name)):
            keys.append(key)
    next_file()
    before = previous_parquet(draft.previous, home) if draft.previous else None
    return _Found(
        [*keys, "changes"],
        write_changes(connection, before, view, table, built / "changes.csv"),
        held_rows(connection, view, table),
        period_of(connection, view, table, declaration.entry.period, draft.data_date),
        columns_of(connection, view, table),
    )


def fingerprint_of(content_sha256: str, declaration_sha256: str) -> str:
    """Stands for all that a release's files are made of."""
    parts = (content_sha256, declaration_sha256, f"renderer {render.RENDERER_VERSION}")
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
