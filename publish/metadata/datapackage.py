"""``datapackage.json``: what a release is, for machines, in the terms of the Data Package standard, version 2.

It is a function of the rows, the declaration and the sources' snapshot dates. The day of the run, paths of the
machine and versions of programs are never in it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from publish.files import workbook
from publish.files.render import FORMULA_NOTE
from publish.metadata.protection import PROTECTION_NOTE, protection_of
from publish.metadata.schema import PROFILES, schema_of, table_schema
from publish.metadata.words import LISTED, NOT_REVIEWED, resource_title
from warehouse.declarations import DatasetDeclaration, SourceDeclaration
from warehouse.districts import District, load_districts
from warehouse.home import to_json
from warehouse.messages import message
from warehouse.releases import Release, ReleaseFile, SnapshotUse


def describe(
    declaration: DatasetDeclaration,
    release: Release,
    sources: Mapping[str, SourceDeclaration],
    held_notes: Sequence[str],
    period: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """The descriptor of a release.

    Args:
        declaration: the dataset.
        release: with all of its files but for this one.
        sources: declarations of its snapshots' sources; one that is missing is named only.
        held_notes: what the marks of its rows mean, see ``held_rows``.
        period: which time its rows speak of, see ``period_of``.
    """
    entry = declaration.entry
    content: dict[str, Any] = {
        "$schema": f"{PROFILES}/datapackage.json",
        "name": entry.name,
        "title": entry.title,
        "description": entry.description,
        "version": release.version,
        "majorVersion": release.major,
        "breakingChanges": list(release.breaking),
        "eachRowIsA": entry.each_row_is_a,
        "dataDate": release.data_date.isoformat(),
        "previousVersion": release.previous_version,
        "rows": release.rows,
        "heldRows": release.held,
        "heldNotes": list(held_notes),
        "keywords": list(entry.keywords),
        "theme": entry.theme,
        "frequency": entry.frequency,
        "language": list(entry.language),
        "licenses": [{"name": entry.licence.id, "path": entry.licence.url, "title": entry.licence.id}],
        "attribution": entry.attribution,
        "contributors": [
            {"title": entry.publisher.title, "roles": ["publisher"] if entry.owner else ["publisher", "owner"]},
            *([{"title": entry.owner.title, "roles": ["owner"]}] if entry.owner else []),
            {"title": entry.contact.name, "email": entry.contact.email, "roles": ["contact"]},
        ],
        "sources": _sources(release.snapshots, sources),
        "usageWarnings": list(entry.usage_warnings),
        "notes": [str(note) for note in notes_of(declaration, release)],
        "resources": [
            _resource(declaration, file, release.previous_version) for file in release.files if file.key in LISTED
        ],
    }
    if district := district_of(declaration):
        content["spatial"] = {
            "name": district.title,
            "city": district.city,
            "country": district.country,
            "postcodeAreas": list(district.postcode_areas),
            "geometry": district.geojson,
            "attribution": district.attribution,
        }
    if entry.places:
        content["places"] = [place.model_dump(exclude_none=True, exclude={"title_fi"}) for place in entry.places]
    if period:
        content["temporal"] = dict(period)
    if protection := protection_of(declaration):
        content["disclosure"] = protection
    if translations := translations_of(declaration):
        content["translations"] = translations
    return content


def translations_of(declaration: DatasetDeclaration) -> dict[str, dict[str, Any]]:
    """What is said of a dataset in other languages, by language, with who made it and who has read it."""
    return {
        one.language: {
            "title": one.title,
            "description": one.description,
            **({"eachRowIsA": one.each_row_is_a} if one.each_row_is_a else {}),
            **({"usageWarnings": list(one.usage_warnings.values())} if one.usage_warnings else {}),
            "madeBy": one.made_by,
            "reviewedBy": one.reviewed_by,
            "note": "" if one.is_reviewed else NOT_REVIEWED,
            "fields": {
                field.name: {
                    key: text
                    for key, texts in (("title", one.fields), ("description", one.field_descriptions))
                    if (text := texts.get(field.name))
                }
                for field in declaration.table.fields
                if field.name in one.fields or field.name in one.field_descriptions
            },
        }
        for one in declaration.translations
        if one.title or one.description or one.fields
    }


def _sources(snapshots: Sequence[SnapshotUse], sources: Mapping[str, SourceDeclaration]) -> list[dict[str, Any]]:
    found = []
    for name in sorted({snapshot.source for snapshot in snapshots}):
        used = sorted((s.date, s.snapshot_id) for s in snapshots if s.source == name)
        described: dict[str, Any] = {"name": name, "title": name}
        if source := sources.get(name):
            described["title"] = f"{source.title}, {source.publisher.title}"
            if source.homepage:
                described["path"] = source.homepage
            described |= {"licence": source.licence.id, "attribution": source.attribution}
            described["licencePath"] = source.licence.url
        described["snapshots"] = [{"id": snapshot_id, "date": day.isoformat()} for day, snapshot_id in used]
        found.append(described)
    return found


def notes_of(declaration: DatasetDeclaration, release: Release) -> list[str]:
    """What is to be known of a release's files, as messages."""
    notes: list[str] = [FORMULA_NOTE, message("An empty value is missing or unknown, never zero.")]
    if release.file("xlsx"):
        notes.append(workbook.NOTE)
    else:
        notes.append(
            message(
                "There is no XLSX file: {rows} rows are more than the {most} that a sheet holds.",
                rows=release.rows,
                most=workbook.MAX_ROWS,
            )
        )
    return [*notes, PROTECTION_NOTE] if declaration.entry.disclosure else notes


def _resource(declaration: DatasetDeclaration, file: ReleaseFile, previous_version: str | None) -> dict[str, Any]:
    title, description = resource_title(file.key)
    if file.key == "changes":
        title = f"Changes since {previous_version}" if previous_version else "Changes"
        description = (
            f"What differs from version {previous_version}, value by value; not what changed before that version."
            if previous_version
            else "Empty: this is the first version. Later versions list what differs from the one before."
        )
    resource: dict[str, Any] = {
        "$schema": f"{PROFILES}/dataresource.json",
        "name": f"{declaration.name}-{file.key}" if file.key != "csv" else declaration.name,
        "type": "table",
        "title": title,
        "description": description,
        "path": file.name,
        "format": file.name.rsplit(".", 1)[-1],
        "mediatype": file.media_type,
        "bytes": file.size,
        "hash": f"sha256:{file.sha256}",
        # every file says its columns: where none are said, programs guess that a company number is an integer
        "schema": schema_of(file.key, declaration),
    }
    if file.key == "parquet":
        # frictionless does not count the bytes of a Parquet file and calls any number of them wrong
        # (5.21: frictionless.checks.baseline compares with None); the sum above says more than the size
        del resource["bytes"]
    elif file.key in ("geojson", "threesixty_giving"):
        # no table, so none of its words; what the properties mean is in the schema of the CSV
        del resource["type"], resource["schema"]
        resource["encoding"] = "utf-8"
    elif file.key == "xlsx":
        resource["dialect"] = {"$schema": f"{PROFILES}/tabledialect.json", "header": True, "sheetName": "Data"}
    else:
        resource |= {
            "encoding": "utf-8",
            "dialect": {
                "$schema": f"{PROFILES}/tabledialect.json",
                "header": True,
                "delimiter": ",",
                "lineTerminator": "\n",
                "quoteChar": '"',
                "doubleQuote": True,
            },
        }
    return resource


def declaration_digest(declaration: DatasetDeclaration, sources: Mapping[str, SourceDeclaration]) -> str:
    """SHA-256 over everything in a release's files that is not rows: fields, entry, codes, terms of sources."""
    district, entry = district_of(declaration), declaration.entry
    described: dict[str, Any] = {
        # what labels and protected columns say is in the schema
        "entry": entry.model_dump(
            mode="json",
            by_alias=True,
            exclude={
                "owner": True,
                # what no file of a release says
                "show": True,
                "keep": True,
                "publish_with": True,
                "fields": {"__all__": {"labels", "protected", "of"}},
            },
        )
        | {
            "publisher": entry.publisher.model_dump(include={"name", "title", "description"}),
            "licence": entry.licence.id,
            "licence_url": entry.licence.url,
            "licence_title": entry.licence.title,
            "licence_authority": entry.licence.authority,
        },
        "schema": table_schema(declaration),
        "sources": [
            {key: value for key, value in found.items() if key != "snapshots"}
            for found in _sources([SnapshotUse(name, "", date.min) for name in sources], sources)
        ],
        "district": district.model_dump(mode="json") if district else None,
    }
    if entry.owner:
        described["owner"] = entry.owner.title
    if translations := translations_of(declaration):
        described["translations"] = translations
    return hashlib.sha256(to_json(described).encode()).hexdigest()


def district_of(declaration: DatasetDeclaration) -> District | None:
    """The district of a dataset, if its entry names one."""
    name = declaration.entry.district
    return load_districts()[name] if name else None
