"""Releases: immutable versions of a dataset, and what changed from one to the next.

A release is a folder ``releases/<dataset>/<version>/``. It is built in a workspace and moved there as a whole, its
manifest ``release.json`` written last. It becomes official when the ledger names it: a folder that stands there
without being in the ledger is what a killed run left behind, and the next run replaces it by the same bytes.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import NamedTuple

import duckdb

from publish import datapackage, render, workbook
from publish.portals import DesiredDataset, DesiredResource, resource_id
from warehouse.archive import sha256_of
from warehouse.declarations import (
    DatasetDeclaration,
    FieldDeclaration,
    SourceDeclaration,
    TableDeclaration,
    literal,
    quote,
)
from warehouse.districts import District, load_districts
from warehouse.findings import WITHHELD
from warehouse.home import Home, move_folder, to_json
from warehouse.ledger import release_from
from warehouse.personal import personal_sql
from warehouse.progress import Progress, silent
from warehouse.releases import Release, ReleaseFile, SnapshotUse
from warehouse.releases import ReleaseError as ReleaseError

MANIFEST = "release.json"
TOMBSTONE = "withdrawn.json"  # what was taken out of a release, see publish.withdrawal
_CHANGED_ROWS = "changed_rows"


def version_label(data_date: date, sequence: int) -> str:
    """``2026-02-01``, and ``2026-02-01.2`` where that date is released a second time."""
    return data_date.isoformat() if sequence == 1 else f"{data_date.isoformat()}.{sequence}"


def release_folder(home: Home, release: Release) -> Path:
    """Where a release's files lie."""
    return home.releases / release.dataset / release.version


def previous_release(existing: Sequence[Release], data_date: date) -> Release | None:
    """What a release of that date would be compared with: the latest whose data are not newer."""
    older = [release for release in existing if release.data_date <= data_date]
    return max(older, key=lambda release: release.order, default=None)


def district_of(declaration: DatasetDeclaration) -> District | None:
    """The district of a dataset, if its entry names one."""
    name = declaration.entry.district
    return load_districts()[name] if name else None


def make_release(
    connection: duckdb.DuckDBPyConnection,
    curated_table: str,
    declaration: DatasetDeclaration,
    previous: Release | None,
    previous_folder: Path | None,
    existing_versions: Sequence[Release],
    data_date: date,
    snapshots: Sequence[SnapshotUse],
    home: Home,
    progress: Progress = silent,
    *,
    sources: Mapping[str, SourceDeclaration] | None = None,
) -> Release | None:
    """Build a release from a curated table; None if it would say the same as the one before.

    Args:
        connection: sees the curated table.
        curated_table: how SQL calls it, e.g. ``curated."agile_pilots"``.
        declaration: the dataset. Only columns it lists leave.
        previous: see ``previous_release``.
        previous_folder: where the previous release's files lie.
        existing_versions: the dataset's official releases.
        data_date: the day the data speak of.
        snapshots: what the table was made of.
        home: where releases are kept.
        progress: told of each step.
        sources: the sources' declarations, for titles and terms in the metadata.

    Raises:
        ReleaseError: the key is not unique, a column is missing, or the previous release is damaged.
    """
    name, table = declaration.name, declaration.table
    district = district_of(declaration)
    used = {use.source: sources[use.source] for use in snapshots if sources and use.source in sources}
    with home.workspace(f"release-{name}") as workspace:
        built = workspace / "files"
        built.mkdir()
        try:
            with render.published(connection, curated_table, table) as view:
                rows = _checked(connection, view, declaration)
                progress(f"{name}: csv")
                csv = built / f"{name}.csv"
                render.write_csv(connection, view, table, csv)
                content_sha256 = sha256_of(csv)
                fingerprint = fingerprint_of(
                    content_sha256, datapackage.declaration_digest(declaration, used, district)
                )
                if previous and previous.fingerprint == fingerprint:
                    return None
                sequence = 1 + max((r.sequence for r in existing_versions if r.data_date == data_date), default=0)
                version = version_label(data_date, sequence)
                progress(f"{name}: parquet")
                render.write_parquet(connection, view, table, built / f"{name}.parquet")
                progress(f"{name}: xlsx")
                has_xlsx = workbook.write_xlsx(
                    connection,
                    view,
                    table,
                    _about(declaration),
                    built / f"{name}.xlsx",
                    progress,
                )
                progress(f"{name}: changes")
                before = _previous_parquet(previous, previous_folder)
                counts = write_changes(connection, before, view, table, built / "changes.csv")
                held = datapackage.held_rows(connection, view, table)
                schema_changes = compare_schemas(_previous_schema(previous_folder), declaration)
        except duckdb.Error as error:
            raise ReleaseError(f"{name}: the table {curated_table} cannot be released: {error}") from error
        keys = ["csv", "parquet", *(["xlsx"] if has_xlsx else []), "changes"]
        files = [release_file(built, key, name) for key in keys]
        described = datapackage.build(
            declaration,
            version=version,
            data_date=data_date,
            previous_version=previous.version if previous else None,
            rows=rows,
            files=files,
            snapshots=snapshots,
            sources=used,
            district=district,
            held=held,
        )
        (built / "datapackage.json").write_text(to_json(described), encoding="utf-8")
        files.append(release_file(built, "datapackage", name))
        release = Release(
            dataset=name,
            version=version,
            data_date=data_date,
            sequence=sequence,
            rows=rows,
            content_sha256=content_sha256,
            fingerprint=fingerprint,
            previous_version=previous.version if previous else None,
            added=counts.added,
            changed=counts.changed,
            removed=counts.removed,
            files=tuple(files),
            snapshots=tuple(sorted(snapshots, key=lambda use: (use.source, use.date, use.snapshot_id))),
            schema_changes=tuple(schema_changes),
            held=held.rows,
            newly_held=counts.held,
            released=counts.released,
        )
        (built / MANIFEST).write_text(manifest(release), encoding="utf-8")
        sync(built)
        place = release_folder(home, release)
        move_folder(built, place)
        _sync_folder(place.parent)
    return release


def _about(declaration: DatasetDeclaration) -> workbook.About:
    """The sheet about the dataset. No date and no version: the same rows make the same bytes on any day."""
    entry = declaration.entry
    return workbook.About(
        title=entry.title,
        description=entry.description,
        each_row_is_a=entry.each_row_is_a,
        licence=entry.licence.id,
        licence_url=entry.licence.url,
        attribution=entry.attribution,
        publisher=entry.publisher.title,
        contact=f"{entry.contact.name} <{entry.contact.email}>",
        usage_warnings=entry.usage_warnings,
    )


def _checked(connection: duckdb.DuckDBPyConnection, view: str, declaration: DatasetDeclaration) -> int:
    """The number of rows; the order of files and the difference to the version before rest on the key."""
    keys = [quote(name) for name in declaration.table.primary_key]
    missing = " OR ".join(f"{key} IS NULL" for key in keys)
    rows, empty = connection.execute(
        f"SELECT count(*), count(*) FILTER (WHERE {missing}) FROM {view}"
    ).fetchone() or (0, 0)
    listed = ", ".join(declaration.table.primary_key)
    if empty:
        raise ReleaseError(f"{declaration.name}: {empty} of {rows} rows lack their key ({listed})")
    twice = connection.execute(
        f"SELECT {', '.join(keys)} FROM {view} GROUP BY ALL HAVING count(*) > 1 ORDER BY ALL LIMIT 1"
    ).fetchone()
    if twice:
        shown = ", ".join(str(value) for value in twice)
        raise ReleaseError(f"{declaration.name}: the key ({listed}) is not unique: {shown} occurs more than once")
    for field in declaration.table.fields:
        if field.type != "number" or (limit := render.too_long(field)) is None:
            continue
        found = connection.execute(
            f"SELECT {quote(field.name)}, {', '.join(keys)} FROM {view} WHERE {limit} LIMIT 1"
        ).fetchone()
        if found:
            raise ReleaseError(
                f"{declaration.name}: {field.name} is {found[0]} in the row {', '.join(map(str, found[1:]))}: more"
                f" than {render.DIGITS} digits, which spreadsheets and Parquet would round; check the value, or"
                " declare the column a string"
            )
    return int(rows)


def fingerprint_of(content_sha256: str, declaration_sha256: str) -> str:
    """Stands for all that a release's files are made of."""
    parts = (content_sha256, declaration_sha256, f"renderer {render.RENDERER_VERSION}")
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def release_file(folder: Path, key: str, dataset: str) -> ReleaseFile:
    """A file of a release that is being built, with its sum and size."""
    names = {"changes": "changes.csv", "datapackage": "datapackage.json"}
    path = folder / names.get(key, f"{dataset}.{key}")
    return ReleaseFile(key, path.name, datapackage.media_type(path.name), sha256_of(path), path.stat().st_size)


def sync(folder: Path) -> None:
    """Have the folder's files on the disk before its name can be."""
    for path in sorted(folder.iterdir()):
        with path.open("rb") as file:
            os.fsync(file.fileno())
    _sync_folder(folder)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


# --- the difference to the version before --------------------------------------------------------------


def _previous_parquet(previous: Release | None, folder: Path | None) -> Path | None:
    if previous is None:
        return None
    file = previous.file("parquet")
    path = folder / file.name if folder and file else None
    if file is None or path is None or not path.is_file():
        raise ReleaseError(
            f"{previous.dataset}: the Parquet file of version {previous.version} is missing from {folder},"
            " so nobody can say what changed; restore the folder from a backup"
        )
    return path


class Changes(NamedTuple):
    """How many rows differ between two versions. A row is counted once."""

    added: int = 0
    changed: int = 0
    removed: int = 0
    held: int = 0
    released: int = 0


def write_changes(
    connection: duckdb.DuckDBPyConnection,
    before: Path | None,
    view: str,
    table: TableDeclaration,
    path: Path,
) -> Changes:
    """Write ``changes.csv``: a line for each row added or removed, and one for each value that differs.

    Values are compared as CSV files show them, in fields that both versions have. Lines are sorted by key, then by
    the field's place.

    A mark that came or grew is ``held``, one that was taken away ``released``, and so are the cells that it names:
    that a value could not be read is no change of it. A row with no other difference does not count as changed.

    Args:
        connection: sees the view.
        before: the Parquet file of the version before; None makes a file with a header only.
        view: the rows as published, see ``render.published``.
        table: their declaration.
        path: the file to write.

    Returns:
        How many rows were added, changed, removed, held and released.
    """
    keys = table.primary_key
    head = ", ".join(quote(name) for name in ("change", *keys, "field", "old", "new"))
    if before is None:
        nothing = ", ".join(f"NULL::VARCHAR AS {quote(name)}" for name in ("change", *keys, "field", "old", "new"))
        render.copy_csv(connection, f"SELECT {nothing} WHERE false", path)
        return Changes()
    source = f"read_parquet({literal(str(before))})"
    old_columns = render.old_columns(connection, before)
    compared = [
        (place, field)
        for place, field in enumerate(table.fields)
        # a version without the column of a mark had no row that was marked
        if field.name not in keys and (field.name in old_columns or field.mark)
    ]

    def texts(relation: str, prefix: str, *, is_old: bool) -> str:
        fields = [table.field(name) for name in keys] + [field for _, field in compared]
        columns = []
        for field in fields:
            text = render.as_text(field)
            if is_old and (column := old_columns.get(field.name)):
                # what another type was before is compared as it reads
                text = render.as_text(field, f"TRY_CAST({column} AS {field.duckdb_type})")
                text = f"coalesce({text}, CAST({column} AS VARCHAR))"
            elif is_old:
                text = "NULL::VARCHAR"
            columns.append(f"{text} AS {quote(prefix + field.name)}")
        return f"SELECT true AS {prefix}here, {', '.join(columns)} FROM {relation}"

    joined = " AND ".join(f"o.{quote('o_' + key)} = n.{quote('n_' + key)}" for key in keys)
    kinds = [
        f"WHEN {_differs(field)} AND {_kind(field, table)} = 'changed' THEN 'changed'" for _, field in compared
    ]
    kinds += [f"WHEN {_differs(field)} AND {_kind(field, table)} = 'held' THEN 'held'" for _, field in compared]
    kinds += [f"WHEN {_differs(field)} THEN 'released'" for _, field in compared]
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE {_CHANGED_ROWS} AS SELECT * FROM ("
        "SELECT CASE WHEN o_here IS NULL THEN 'added' WHEN n_here IS NULL THEN 'removed'"
        f" {' '.join(kinds)} END AS change, o.*, n.*"
        f" FROM ({texts(source, 'o_', is_old=True)}) AS o FULL JOIN ({texts(view, 'n_', is_old=False)}) AS n"
        f" ON {joined}) WHERE change IS NOT NULL"
    )
    try:
        key_columns = ", ".join(
            f"coalesce({quote('n_' + key)}, {quote('o_' + key)}) AS {quote(key)}" for key in keys
        )
        lines = [
            f"SELECT change, {key_columns}, NULL AS field, NULL AS old, NULL AS new, -1 AS place"
            f" FROM {_CHANGED_ROWS} WHERE change IN ('added', 'removed')"
        ]
        lines += [
            f"SELECT {_kind(field, table)} AS change, {key_columns}, {literal(field.name)},"
            f" {quote('o_' + field.name)}, {quote('n_' + field.name)}, {place} FROM {_CHANGED_ROWS}"
            f" WHERE change NOT IN ('added', 'removed') AND {_differs(field)}"
            for place, field in compared
        ]
        # Here, and not in every line: each place of the screen costs DuckDB some 20 ms to compile.
        screened = [field.name for field in table.fields if field.type == "string" and field.screen]
        seen = [f"{_seen(quote(key)) if key in screened else quote(key)} AS {quote(key)}" for key in keys]
        old = f"CASE WHEN list_contains({screened}::VARCHAR[], field) THEN {_seen('old')} ELSE old END AS old"
        order = ", ".join([*(quote(key) for key in keys), "place"])
        render.copy_csv(
            connection,
            f"SELECT {head} FROM (SELECT change, {', '.join(seen)}, field, {old}, new, place"
            f" FROM ({' UNION ALL '.join(lines)})) ORDER BY {order}",
            path,
        )
        counted = connection.execute(f"SELECT change, count(*) FROM {_CHANGED_ROWS} GROUP BY ALL").fetchall()
    finally:
        connection.execute(f"DROP TABLE IF EXISTS {_CHANGED_ROWS}")
    return Changes(**dict(counted))


def _differs(field: FieldDeclaration) -> str:
    return f"{quote('o_' + field.name)} IS DISTINCT FROM {quote('n_' + field.name)}"


def _kind(field: FieldDeclaration, table: TableDeclaration) -> str:
    """SQL for what it means that a field's value differs: changed, held or released."""
    before, now = quote(f"o_{field.name}"), quote(f"n_{field.name}")
    lists = [mark.name for mark in table.fields if mark.mark and mark.type == "string"]
    if field.mark:
        fewer = f" OR list_has_all({_listed(before)}, {_listed(now)})" if field.name in lists else ""
        return f"CASE WHEN {now} IS NULL{fewer} THEN 'released' ELSE 'held' END"
    cases = ""
    for name in lists:
        is_held, was_held = (
            f"list_contains({_listed(quote(prefix + name))}, {literal(field.name)})" for prefix in ("n_", "o_")
        )
        cases += (
            f" WHEN {now} IS NULL AND {is_held} THEN 'held' WHEN {before} IS NULL AND {was_held} THEN 'released'"
        )
    return f"CASE{cases} ELSE 'changed' END" if cases else "'changed'"


def _listed(column: str) -> str:
    return f"string_split(coalesce({column}, ''), ';')"


def _seen(column: str) -> str:
    """SQL for an old text as it is shown: personal data that were released before the screen are not repeated."""
    return f"CASE WHEN {personal_sql(column)} IS NULL THEN {column} ELSE {literal(WITHHELD)} END"


def _previous_schema(folder: Path | None) -> Mapping[str, object] | None:
    path = folder / "datapackage.json" if folder else None
    if path is None or not path.is_file():
        return None
    content = json.loads(path.read_text(encoding="utf-8"))
    for resource in content["resources"]:
        if "schema" in resource:
            schema: Mapping[str, object] = resource["schema"]
            return schema
    return None


def compare_schemas(before: Mapping[str, object] | None, declaration: DatasetDeclaration) -> list[str]:
    """What changed in a dataset's columns since the schema of the version before, in words."""
    if before is None:
        return []
    now = datapackage.table_schema(declaration)
    listed = before.get("fields")
    old = {field["name"]: field for field in listed} if isinstance(listed, list) else {}
    new = {field["name"]: field for field in now["fields"]}
    found = [f"Field removed: {name}" for name in old if name not in new]
    found += [f"Field added: {name}" for name in new if name not in old]
    for name, field in new.items():
        if name in old:
            for part in ("type", "unit"):
                if old[name].get(part) != field.get(part):
                    found.append(
                        f"Field {name}: {part} {old[name].get(part) or 'none'} became {field.get(part) or 'none'}"
                    )
    common = [name for name in old if name in new]
    if common != [name for name in new if name in old]:
        found.append("The order of the fields changed")
    if before.get("primaryKey") != now["primaryKey"]:
        found.append(f"The key is now {', '.join(now['primaryKey'])}")
    return found


# --- a release that stands -------------------------------------------------------------------------------


def manifest(release: Release) -> str:
    """A release as the text of its ``release.json``."""
    return to_json(json.loads(json.dumps(asdict(release), default=str)))


def load_release(folder: Path) -> Release:
    """The release in a folder, from its manifest.

    Raises:
        ReleaseError: there is none, or it cannot be read.
    """
    path = folder / MANIFEST
    try:
        return release_from(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ReleaseError(f"{path}: no manifest of a release: {error}") from error


def verify_release(folder: Path) -> list[str]:
    """What is wrong with a release's files, in words; empty if all have their sums."""
    release = load_release(folder)
    faults = []
    for file in release.files:
        path = folder / file.name
        if not path.is_file():
            faults.append(f"{file.name} is missing")
        elif path.stat().st_size != file.size or sha256_of(path) != file.sha256:
            faults.append(f"{file.name} is not what was released: its SHA-256 differs")
    known = {MANIFEST, TOMBSTONE, *(file.name for file in release.files)}
    faults += [f"{path.name} does not belong here" for path in sorted(folder.iterdir()) if path.name not in known]
    return faults


def changelog(releases: Sequence[Release]) -> str:
    """The change log of a dataset's releases as markdown, newest first."""
    parts = []
    for release in sorted(releases, key=lambda item: item.order, reverse=True):
        lines = [f"## {release.version}", "", f"- Data of {release.data_date.isoformat()}, {release.rows:,} rows"]
        if release.previous_version is None:
            lines.append("- First version")
        elif release.added or release.changed or release.removed or release.newly_held or release.released:
            parts_changed = [
                f"{release.added:,} added, {release.changed:,} changed, {release.removed:,} removed",
                f"{release.newly_held:,} held as they were" if release.newly_held else "",
                f"{release.released:,} no longer held" if release.released else "",
            ]
            lines.append(f"- Since {release.previous_version}: {', '.join(filter(None, parts_changed))}")
        else:
            lines.append(f"- The rows are those of {release.previous_version}; their description changed")
        if release.held:
            lines.append(f"- Rows of which something that the source says could not be used: {release.held:,}")
        lines += [f"- {change}" for change in release.schema_changes]
        parts.append("\n".join(lines) + "\n")
    return "\n".join(parts)


def desired_dataset(
    declaration: DatasetDeclaration,
    release: Release,
    all_releases: Sequence[Release],
    home: Home,
    geometry: Mapping[str, object] | None = None,
) -> DesiredDataset:
    """What a portal should show of a dataset.

    Args:
        declaration: the dataset.
        release: the one to be shown, usually the latest.
        all_releases: the dataset's releases, for the change log; newer ones than ``release`` are left out.
        home: where releases are kept.
        geometry: the district's outline; that of the declaration's district unless given.

    Raises:
        ReleaseError: the release's description is missing.
    """
    folder = release_folder(home, release)
    try:
        metadata = json.loads((folder / "datapackage.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ReleaseError(f"{folder}: the release cannot be read: {error}") from error
    if geometry is None and (district := district_of(declaration)):
        geometry = district.geojson
    described = {resource["path"]: resource for resource in metadata["resources"]}
    resources = []
    for file in release.files:
        title, description = datapackage.resource_title(file.key)
        if resource := described.get(file.name):
            title, description = resource["title"], resource["description"]
        resources.append(
            DesiredResource(
                key=file.key,
                id=resource_id(release.dataset, file.key),
                title=title,
                description=description,
                format=datapackage.resource_format(file.key),
                media_type=file.media_type,
                path=folder / file.name,
                sha256=file.sha256,
                size=file.size,
            )
        )
    shown = [item for item in all_releases if item.order <= release.order]
    return DesiredDataset(declaration, release, tuple(resources), metadata, geometry, changelog(shown))
