"""``datapackage.json``: what a release is, for machines, in the terms of the Data Package standard, version 2.

It is a function of the rows, the declaration and the sources' snapshot dates. The day of the run, paths of the
machine and versions of programs are never in it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import duckdb

from publish import workbook
from publish.render import FORMULA_NOTE, MEDIA_TYPES, json_ready, labels
from warehouse.declarations import (
    DatasetDeclaration,
    FieldDeclaration,
    Severity,
    SourceDeclaration,
    TableDeclaration,
    quote,
)
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
    "csv": (
        "CSV",
        "All rows, for programs. Read it with the types of the data dictionary: codes lose their leading zeros"
        " where a program guesses.",
    ),
    "parquet": ("Parquet", "All rows with their types, for analysis."),
    "xlsx": ("Excel", "All rows, the data dictionary and the terms, for people."),
    "changes": ("Changes", "What differs from the version before, value by value."),
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


@dataclass(frozen=True)
class Held:
    """How many rows of a version carry a mark (``FieldDeclaration.mark``), and what that means, in words."""

    rows: int = 0
    notes: tuple[str, ...] = ()


def held_rows(connection: duckdb.DuckDBPyConnection, relation: str, table: TableDeclaration) -> Held:
    """The rows of a version that are not what their source said last.

    Args:
        connection: sees the relation.
        relation: the rows as published, for SQL.
        table: their declaration, which says which columns are marks.
    """
    marks = [field for field in table.fields if field.mark]
    if not marks:
        return Held()
    is_marked = " OR ".join(f"{quote(field.name)} IS NOT NULL" for field in marks)
    rows, held = connection.execute(
        f"SELECT count(*), count(*) FILTER (WHERE {is_marked}) FROM {relation}"
    ).fetchone() or (0, 0)
    notes = []
    for field in marks:
        name = quote(field.name)
        if field.type == "date":
            since = connection.execute(
                f"SELECT {name}, count(*) FROM {relation} WHERE {name} IS NOT NULL GROUP BY ALL ORDER BY ALL"
            ).fetchall()
            if since:
                count = sum(number for _, number in since)
                when = f"before {since[0][0]}" if len(since) == 1 else f"before a date from {since[0][0]} on"
                stand = "stands as it was" if count == 1 else "stand as they were"
                notes.append(
                    f"{count:,} of {rows:,} rows {stand} {when}: what the source has said since could not be used."
                    f" {field.name} says since when."
                )
            continue
        emptied = connection.execute(
            "SELECT emptied, count(*) AS n FROM"
            f" (SELECT unnest(list_distinct(string_split({name}, ';'))) AS emptied FROM {relation})"
            " GROUP BY ALL ORDER BY n DESC, emptied"
        ).fetchall()
        if emptied:
            (count,) = connection.execute(f"SELECT count({name}) FROM {relation}").fetchone() or (0,)
            listed = ", ".join(f"{column} in {number:,}" for column, number in emptied)
            notes.append(
                f"In {count:,} of {rows:,} rows a value is left empty because what the source gives could not be"
                f" used: {listed}. {field.name} names the columns of each row."
            )
    return Held(held, tuple(notes))


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
    held: Held,
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
        held: the rows that carry a mark.
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
        "heldRows": held.rows,
        "heldNotes": list(held.notes),
        "keywords": list(entry.keywords),
        "theme": entry.theme,
        "frequency": entry.frequency,
        "language": list(entry.language),
        "licenses": [{"name": entry.licence.id, "path": entry.licence.url, "title": entry.licence.id}],
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
            described["title"] = f"{source.title}, {source.publisher.title}"
            if source.homepage:
                described["path"] = source.homepage
            described |= {"licence": source.licence.id, "attribution": source.attribution}
            described["licencePath"] = source.licence.url
        described["snapshots"] = [{"id": snapshot_id, "date": day.isoformat()} for day, snapshot_id in used]
        found.append(described)
    return found


def _notes(rows: int, files: Sequence[ReleaseFile]) -> list[str]:
    notes = [FORMULA_NOTE, "An empty value is missing or unknown, never zero."]
    if any(file.key == "xlsx" for file in files):
        notes.append(workbook.NOTE)
    else:
        notes.append(
            f"There is no XLSX file: {rows:,} rows are more than the {workbook.MAX_ROWS:,} that a sheet holds."
        )
    return notes


def _resource(declaration: DatasetDeclaration, file: ReleaseFile, previous_version: str | None) -> dict[str, Any]:
    title, description = _TITLES[file.key]
    if file.key == "changes":
        title = f"Changes since {previous_version}" if previous_version else "Changes"
        description = (
            f"What differs from version {previous_version}, value by value; not what changed before that version."
            if previous_version
            else "Empty: this is the first version. Later versions list what differs from the one before."
        )
    resource: dict[str, Any] = {
        "$schema": f"{_PROFILES}/dataresource.json",
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
        "schema": _SCHEMAS.get(file.key, table_schema)(declaration),
    }
    if file.key == "parquet":
        # frictionless does not count the bytes of a Parquet file and calls any number of them wrong
        # (5.21: frictionless.checks.baseline compares with None); the sum above says more than the size
        del resource["bytes"]
    elif file.key == "xlsx":
        resource["dialect"] = {"$schema": f"{_PROFILES}/tabledialect.json", "header": True, "sheetName": "Data"}
    else:
        resource |= {
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
    change: dict[str, Any] = {"name": "change", "type": "string", "title": "Change"}
    change["description"] = (
        "held: what the source says could not be used, so the row or the value stands as it was or is left empty;"
        " released: it can be used again. Neither is a change of the thing itself."
    )
    change["constraints"] = {"required": True, "enum": ["added", "changed", "removed", "held", "released"]}
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


# pandas, through which frictionless reads a Parquet file, has fractions where a column of whole numbers has gaps,
# and NaT in one of times; so there the schema says no more than that. The file itself has the exact types.
_WITH_GAPS: Mapping[str, str] = {"integer": "number", "year": "number", "datetime": "any"}


def _parquet_schema(declaration: DatasetDeclaration) -> dict[str, Any]:
    table = declaration.table
    fields = [
        {
            "name": field.name,
            "type": field.type
            if field.constraints.required or field.name in table.primary_key
            else _WITH_GAPS.get(field.type, field.type),
            "title": field.title,
        }
        for field in table.fields
    ]
    return {
        "$schema": f"{_PROFILES}/tableschema.json",
        "fields": fields,
        "primaryKey": list(table.primary_key),
    }


_SCHEMAS = {"changes": _changes_schema, "parquet": _parquet_schema}


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
    # what only draws a warning is published as it is, so the schema does not rule it out
    if kept and field.severity.rank <= Severity.ERROR.rank:
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

    entry = declaration.entry
    described = {
        # what labels say is in the schema
        "entry": entry.model_dump(mode="json", by_alias=True, exclude={"fields": {"__all__": {"labels"}}})
        | {
            "publisher": entry.publisher.model_dump(include={"name", "title", "description"}),
            "licence": entry.licence.id,
            "licence_url": entry.licence.url,
        },
        "schema": table_schema(declaration),
        "sources": [
            {key: value for key, value in found.items() if key != "snapshots"}
            for found in _sources([SnapshotUse(name, "", date.min) for name in sources], sources)
        ],
        "district": district.model_dump(mode="json") if district else None,
    }
    return hashlib.sha256(to_json(described).encode()).hexdigest()
