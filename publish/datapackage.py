"""``datapackage.json``: what a release is, for machines, in the terms of the Data Package standard, version 2.

It is a function of the rows, the declaration and the sources' snapshot dates. The day of the run, paths of the
machine and versions of programs are never in it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from publish import workbook
from publish.render import FORMULA_NOTE, MEDIA_TYPES, json_ready, labels
from warehouse.declarations import DatasetDeclaration, FieldDeclaration, SourceDeclaration
from warehouse.districts import District
from warehouse.releases import ReleaseFile, SnapshotUse

_PROFILES = "https://datapackage.org/profiles/2.0"

# Words for the EU's frequency codes.
FREQUENCIES: Mapping[str, str] = {
    "CONT": "continuously",
    "DAILY": "every day",
    "WEEKLY": "every week",
    "MONTHLY": "every month",
    "QUARTERLY": "every quarter",
    "ANNUAL": "every year",
    "IRREG": "irregularly",
    "NEVER": "never",
}

_TITLES: Mapping[str, tuple[str, str]] = {
    "csv": ("CSV", "All rows, for programs and for every spreadsheet."),
    "parquet": ("Parquet", "All rows with their types, for analysis."),
    "xlsx": ("Excel", "All rows, the data dictionary and the terms, for people."),
    "changes": ("Changes", "Every value that changed since the version before."),
    "datapackage": ("Data Package", "This description, for machines."),
}

_FORMATS: Mapping[str, str] = {
    "csv": "CSV",
    "parquet": "Parquet",
    "xlsx": "XLSX",
    "changes": "CSV",
    "datapackage": "JSON",
}


def resource_title(key: str) -> tuple[str, str]:
    """Title and description of a release's file."""
    return _TITLES[key]


def resource_format(key: str) -> str:
    """The format of a release's file as portals write it."""
    return _FORMATS[key]


def build(
    declaration: DatasetDeclaration,
    *,
    version: str,
    data_date: date,
    previous_version: str | None,
    rows: int,
    files: Sequence[ReleaseFile],
    snapshots: Sequence[SnapshotUse],
    sources: Mapping[str, SourceDeclaration],
    district: District | None,
) -> dict[str, Any]:
    """The descriptor of a release.

    Args:
        declaration: the dataset.
        version: the release's label.
        data_date: the day the data speak of.
        previous_version: the version that ``changes.csv`` compares with.
        rows: how many there are.
        files: the release's files but for this one.
        snapshots: what it was made of.
        sources: declarations of these snapshots' sources; one that is missing is named only.
        district: the dataset's district, if it has one.
    """
    entry = declaration.entry
    content: dict[str, Any] = {
        "$schema": f"{_PROFILES}/datapackage.json",
        "name": entry.name,
        "title": entry.title,
        "description": entry.description,
        "version": version,
        "eachRowIsA": entry.each_row_is_a,
        "dataDate": data_date.isoformat(),
        "previousVersion": previous_version,
        "rows": rows,
        "keywords": list(entry.keywords),
        "theme": entry.theme,
        "frequency": entry.frequency,
        "language": list(entry.language),
        "licenses": [{"name": entry.licence, "path": entry.licence_url, "title": entry.licence}],
        "attribution": entry.attribution,
        "contributors": [
            {"title": entry.publisher.title, "roles": ["publisher"]},
            {"title": entry.contact.name, "email": entry.contact.email, "roles": ["contact"]},
        ],
        "sources": _sources(snapshots, sources),
        "usageWarnings": list(entry.usage_warnings),
        "notes": _notes(rows, files),
        "resources": [_resource(declaration, file, previous_version) for file in files],
    }
    if district:
        content["spatial"] = {
            "name": district.title,
            "city": district.city,
            "country": district.country,
            "postcodeAreas": list(district.postcode_areas),
            "geometry": district.geojson,
            "attribution": district.attribution,
        }
    return content


def _sources(snapshots: Sequence[SnapshotUse], sources: Mapping[str, SourceDeclaration]) -> list[dict[str, Any]]:
    found = []
    for name in sorted({snapshot.source for snapshot in snapshots}):
        used = sorted((s.date, s.snapshot_id) for s in snapshots if s.source == name)
        described: dict[str, Any] = {"name": name, "title": name}
        if source := sources.get(name):
            described["title"] = f"{source.title}, {source.publisher}"
            if source.homepage:
                described["path"] = source.homepage
            described |= {"licence": source.licence, "attribution": source.attribution}
            if source.licence_url:
                described["licencePath"] = source.licence_url
        described["snapshots"] = [{"id": snapshot_id, "date": day.isoformat()} for day, snapshot_id in used]
        found.append(described)
    return found


def _notes(rows: int, files: Sequence[ReleaseFile]) -> list[str]:
    notes = [FORMULA_NOTE, "An empty value is missing or unknown, never zero."]
    if not any(file.key == "xlsx" for file in files):
        notes.append(
            f"There is no XLSX file: {rows:,} rows are more than the {workbook.MAX_ROWS:,} that a sheet holds."
        )
    return notes


def _resource(declaration: DatasetDeclaration, file: ReleaseFile, previous_version: str | None) -> dict[str, Any]:
    title, description = _TITLES[file.key]
    resource: dict[str, Any] = {
        "$schema": f"{_PROFILES}/dataresource.json",
        "name": f"{declaration.name}-{file.key}" if file.key != "csv" else declaration.name,
        "title": title,
        "description": description,
        "path": file.name,
        "format": file.name.rsplit(".", 1)[-1],
        "mediatype": file.media_type,
        "bytes": file.size,
        "hash": f"sha256:{file.sha256}",
    }
    if file.key in ("csv", "changes"):
        resource |= {
            "type": "table",
            "encoding": "utf-8",
            "dialect": {
                "$schema": f"{_PROFILES}/tabledialect.json",
                "header": True,
                "delimiter": ",",
                "lineTerminator": "\n",
                "quoteChar": '"',
                "doubleQuote": True,
            },
        }
    if file.key == "csv":
        resource["schema"] = table_schema(declaration)
    if file.key == "changes":
        resource["description"] = (
            f"Every value that differs from version {previous_version}."
            if previous_version
            else "There is no version before."
        )
        resource["schema"] = _changes_schema(declaration)
    return resource


def table_schema(declaration: DatasetDeclaration) -> dict[str, Any]:
    """The dataset's columns as a Table Schema."""
    return {
        "$schema": f"{_PROFILES}/tableschema.json",
        "fields": [_field(field) for field in declaration.table.fields],
        "primaryKey": list(declaration.table.primary_key),
        "missingValues": [""],
    }


def _changes_schema(declaration: DatasetDeclaration) -> dict[str, Any]:
    change = {"name": "change", "type": "string", "title": "Change", "constraints": {"required": True}}
    change["constraints"] = {"required": True, "enum": ["added", "changed", "removed"]}
    keys = [
        {"name": name, "type": "string", "title": declaration.table.field(name).title}
        for name in declaration.table.primary_key
    ]
    values = [
        {"name": "field", "type": "string", "title": "Field that changed"},
        {"name": "old", "type": "string", "title": "Value before"},
        {"name": "new", "type": "string", "title": "Value now"},
    ]
    return {
        "$schema": f"{_PROFILES}/tableschema.json",
        "fields": [change, *keys, *values],
        "missingValues": [""],
    }


def _field(field: FieldDeclaration) -> dict[str, Any]:
    content: dict[str, Any] = {"name": field.name, "type": field.type, "title": field.title}
    if field.description:
        content["description"] = field.description
    if field.unit:
        content["unit"] = field.unit
    given = field.constraints
    constraints: dict[str, Any] = {
        "required": given.required or None,
        "unique": given.unique or None,
        "pattern": given.pattern,
        "minimum": given.minimum,
        "maximum": given.maximum,
        "minLength": given.min_length,
        "maxLength": given.max_length,
    }
    codes = labels(field)
    if codes:
        constraints["enum"] = list(codes)
        content["categories"] = [{"value": code, "label": title} for code, title in codes.items()]
    kept = {name: json_ready(value) for name, value in constraints.items() if value is not None}
    if kept:
        content["constraints"] = kept
    return content


def media_type(name: str) -> str:
    """The media type of a release's file by its name."""
    return MEDIA_TYPES[name.rsplit(".", 1)[-1]]


def declaration_digest(
    declaration: DatasetDeclaration, sources: Mapping[str, SourceDeclaration], district: District | None
) -> str:
    """SHA-256 over everything in a release's files that is not rows: fields, entry, codes, terms of sources."""
    from warehouse.home import to_json

    described = {
        "entry": declaration.entry.model_dump(mode="json", by_alias=True),
        "schema": table_schema(declaration),
        "sources": [
            {key: value for key, value in found.items() if key != "snapshots"}
            for found in _sources([SnapshotUse(name, "", date.min) for name in sources], sources)
        ],
        "district": district.model_dump(mode="json") if district else None,
    }
    return hashlib.sha256(to_json(described).encode()).hexdigest()
