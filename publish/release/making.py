"""Making a release: its files are written and compared with the version before, then moved in as a whole."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import duckdb

from publish.files import render, workbook
from publish.files.formats import WRITERS, file_name
from publish.folders import sync_folder
from publish.metadata.coverage import period_of
from publish.metadata.datapackage import declaration_digest, describe
from publish.metadata.held import held_rows
from publish.metadata.schema import compare_schemas
from publish.release.changes import write_changes
from publish.release.draft import Draft, checked_rows
from publish.release.files import about, finish, previous_parquet, release_file
from publish.release.versions import release_folder
from warehouse.archive import sha256_of
from warehouse.declarations import DatasetDeclaration
from warehouse.home import Home, move_folder
from warehouse.progress import Progress, silent
from warehouse.releases import Release, ReleaseError


def make_release(
    connection: duckdb.DuckDBPyConnection, draft: Draft, home: Home, progress: Progress = silent
) -> Release | None:
    """Make a release; None if it would say the same as the one before.

    Args:
        connection: sees the draft's relation.
        draft: what it is to be made of.
        home: where releases are kept.
        progress: told of each step.

    Raises:
        ReleaseError: the key is not unique, a column is missing, or the previous release is damaged.
    """
    declaration, previous = draft.declaration, draft.previous
    name, table = declaration.name, declaration.table
    with home.workspace(f"release-{name}") as workspace:
        built = workspace / "files"
        built.mkdir()
        try:
            with render.published(connection, draft.relation, table) as view:
                rows = checked_rows(connection, view, declaration)
                progress(f"{name}: csv")
                csv = built / f"{name}.csv"
                render.write_csv(connection, view, table, csv)
                content_sha256 = sha256_of(csv)
                fingerprint = fingerprint_of(content_sha256, declaration_digest(declaration, draft.used_sources))
                if previous and previous.fingerprint == fingerprint:
                    return None
                progress(f"{name}: parquet")
                render.write_parquet(connection, view, table, built / f"{name}.parquet")
                progress(f"{name}: xlsx")
                xlsx = built / f"{name}.xlsx"
                has_xlsx = workbook.write_xlsx(connection, view, table, about(declaration), xlsx, progress)
                further = []
                for key in declaration.entry.formats:
                    progress(f"{name}: {key}")
                    if WRITERS[key](connection, view, declaration, built / file_name(key, name)):
                        further.append(key)
                progress(f"{name}: changes")
                before = previous_parquet(previous, home) if previous else None
                changes = write_changes(connection, before, view, table, built / "changes.csv")
                held = held_rows(connection, view, table)
                period = period_of(connection, view, table, declaration.entry.period, draft.data_date)
        except duckdb.Error as error:
            raise ReleaseError(f"{name}: the table {draft.relation} cannot be released: {error}") from error
        keys = ["csv", "parquet", *(["xlsx"] if has_xlsx else []), *further, "changes"]
        release = Release(
            dataset=name,
            version=draft.version,
            data_date=draft.data_date,
            sequence=draft.sequence,
            rows=rows,
            content_sha256=content_sha256,
            fingerprint=fingerprint,
            previous_version=previous.version if previous else None,
            added=changes.added,
            changed=changes.changed,
            removed=changes.removed,
            files=tuple(release_file(built, key, name) for key in keys),
            snapshots=tuple(sorted(draft.snapshots, key=lambda use: (use.source, use.date, use.snapshot_id))),
            schema_changes=_schema_changes(release_folder(home, previous), declaration) if previous else (),
            held=held.rows,
            newly_held=changes.held,
            released=changes.released,
        )
        release = finish(built, release, describe(declaration, release, draft.used_sources, held.notes, period))
        place = release_folder(home, release)
        move_folder(built, place)
        sync_folder(place.parent)
    return release


def fingerprint_of(content_sha256: str, declaration_sha256: str) -> str:
    """Stands for all that a release's files are made of."""
    parts = (content_sha256, declaration_sha256, f"renderer {render.RENDERER_VERSION}")
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _schema_changes(previous: Path, declaration: DatasetDeclaration) -> tuple[str, ...]:
    """What changed in the columns since the release in a folder, in words."""
    path = previous / "datapackage.json"
    if not path.is_file():
        return ()
    described = json.loads(path.read_text(encoding="utf-8"))
    before = next((resource["schema"] for resource in described["resources"] if "schema" in resource), None)
    return tuple(compare_schemas(before, declaration)) if before is not None else ()
