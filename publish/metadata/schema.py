"""The columns of a release's files as Table Schemas."""

from __future__ import annotations

from typing import Any

from publish.files.dictionary import dictionary_schema
from publish.files.render import SUPPRESSED_WORD, description_of, json_ready, labels
from warehouse.declarations import STATUS, DatasetDeclaration, FieldDeclaration, Severity

_SUPPRESSED_LABEL = "suppressed: not published, to protect people"
_NOTHING_LABEL = "nothing to tell, as the mean of nobody"
# A value has one label, and a file without words has one empty value for both.
_EMPTY_LABEL = f"{_SUPPRESSED_LABEL}, where {STATUS} says so; else {_NOTHING_LABEL}"
PROFILES = "https://datapackage.org/profiles/2.0"


def schema_of(key: str, declaration: DatasetDeclaration) -> dict[str, Any]:
    """The schema of a release's file by its key; that of rows as they are declared where it has no other."""
    if key == "changes":
        return _changes_schema(declaration)
    if key == "dictionary":
        return {"$schema": f"{PROFILES}/tableschema.json", **dictionary_schema()}
    if key == "xlsx":
        return _sheet_schema(declaration)
    return _parquet_schema(declaration) if key == "parquet" else table_schema(declaration)


def table_schema(declaration: DatasetDeclaration) -> dict[str, Any]:
    """The dataset's columns as a Table Schema."""
    return {
        "$schema": f"{PROFILES}/tableschema.json",
        "fields": [_field(field) for field in declaration.table.fields],
        "primaryKey": list(declaration.table.primary_key),
        "missingValues": [""],
    }


def _sheet_schema(declaration: DatasetDeclaration) -> dict[str, Any]:
    """The columns of the workbook's sheet, where a suppressed cell holds a word."""
    schema = table_schema(declaration)
    for field in schema["fields"]:
        if "missingValues" in field:
            suppressed = {"value": SUPPRESSED_WORD, "label": _SUPPRESSED_LABEL}
            field["missingValues"] = [suppressed, {"value": "", "label": _NOTHING_LABEL}]
    return schema


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
        "$schema": f"{PROFILES}/tableschema.json",
        "fields": [change, *keys, *values],
        "missingValues": [""],
    }


def _parquet_schema(declaration: DatasetDeclaration) -> dict[str, Any]:
    table = declaration.table
    fields = [
        {
            "name": field.name,
            "type": field.column_type.frictionless
            if field.constraints.required or field.name in table.primary_key
            else field.column_type.frictionless_with_gaps,
            "title": field.title,
            **({"description": description_of(field)} if field.protected else {}),
        }
        for field in table.fields
    ]
    return {
        "$schema": f"{PROFILES}/tableschema.json",
        "fields": fields,
        "primaryKey": list(table.primary_key),
    }


def _field(field: FieldDeclaration) -> dict[str, Any]:
    content: dict[str, Any] = {"name": field.name, "type": field.column_type.frictionless, "title": field.title}
    if description := description_of(field):
        content["description"] = description
    if field.unit:
        content["unit"] = field.unit
    given = field.constraints
    constraints: dict[str, Any] = {
        "required": given.required or None,
        "unique": given.unique or None,
        "pattern": field.pattern,
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
    if field.protected:
        content["missingValues"] = [{"value": "", "label": _EMPTY_LABEL}]
    return content
