"""A release as a data contract, in the Open Data Contract Standard 3.1: what a reader may rely on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from publish.desired import resource_id
from publish.metadata.schema import table_schema
from publish.metadata.words import FREQUENCIES
from warehouse.declarations import DatasetDeclaration, FieldDeclaration
from warehouse.releases import Release
from warehouse.types import FieldType

API_VERSION = "v3.1.0"

_LOGICAL: Mapping[FieldType, str] = {
    "string": "string",
    "integer": "integer",
    "number": "number",
    "boolean": "boolean",
    "date": "date",
    "datetime": "timestamp",
    "year": "integer",
}
_OPTIONS: Mapping[str, tuple[str, ...]] = {
    "string": ("minLength", "maxLength", "pattern"),
    "integer": ("minimum", "maximum"),
    "number": ("minimum", "maximum"),
    "date": ("minimum", "maximum"),
    "timestamp": ("minimum", "maximum"),
}
# The least that ``Keeping.major_days`` may be: what may be relied on, whatever an entry keeps.
_FORMER_MAJOR_DAYS = 90
# How often the EU's frequency codes mean, as a number and the unit of the standard.
_EVERY: Mapping[str, tuple[int, str]] = {
    "DAILY": (1, "d"),
    "WEEKLY": (7, "d"),
    "MONTHLY": (1, "m"),
    "QUARTERLY": (3, "m"),
    "ANNUAL": (1, "y"),
}


def contract(declaration: DatasetDeclaration, release: Release, described: Mapping[str, Any]) -> dict[str, Any]:
    """The contract, as ``as_yaml`` writes it; paths of files are relative to it.

    Args:
        declaration: the dataset.
        release: with the files that it describes.
        described: its descriptor, see ``describe``.
    """
    entry = declaration.entry
    warnings = [text.strip() for text in entry.usage_warnings]
    notes = [str(text) for text in described.get("notes", ())]
    return {
        "apiVersion": API_VERSION,
        "kind": "DataContract",
        "id": resource_id(entry.name, "contract"),
        "name": entry.title,
        "version": release.version,
        "status": "active",
        "domain": entry.theme,
        "dataProduct": entry.name,
        "tags": list(entry.keywords),
        "description": {
            "purpose": entry.description.strip(),
            "usage": f"{entry.licence.title} ({entry.licence.url}). Say: {entry.attribution.strip()}",
            "limitations": "\n".join([*warnings, *notes]),
        },
        "schema": [_table(declaration)],
        "servers": _servers(release),
        "slaProperties": _service_levels(declaration),
        "support": [
            {
                "channel": entry.contact.name,
                "tool": "email",
                "url": f"mailto:{entry.contact.email}",
                "scope": "interactive",
            }
        ],
        "team": {
            "name": entry.publisher.title,
            "members": [{"username": entry.contact.email, "name": entry.contact.name, "role": "contact"}],
        },
        "price": {"priceAmount": 0, "priceCurrency": "EUR", "priceUnit": "dataset"},
        "customProperties": [
            {"property": "dataDate", "value": release.data_date.isoformat()},
            {"property": "majorVersion", "value": release.major},
            {"property": "license", "value": entry.licence.id},
        ],
    }


def as_yaml(document: Mapping[str, Any]) -> str:
    """A contract as the text of its file."""
    import yaml

    return yaml.safe_dump(dict(document), sort_keys=False, allow_unicode=True, width=110)


def _table(declaration: DatasetDeclaration) -> dict[str, Any]:
    entry, table = declaration.entry, declaration.table
    described = {field["name"]: field for field in table_schema(declaration)["fields"]}
    key = list(table.primary_key)
    unique: dict[str, Any] = {
        "name": "one_row_a_key",
        "description": f"No two rows share {', '.join(key)}.",
        "type": "library",
        "metric": "duplicateValues",
        "mustBe": 0,
        "unit": "rows",
        "arguments": {"properties": key},
        "dimension": "uniqueness",
        "severity": "error",
    }
    count = {
        "name": "number_of_rows",
        "description": "A version with fewer or more rows is not published.",
        "type": "library",
        "metric": "rowCount",
        "mustBeBetween": [table.rows.minimum, table.rows.maximum],
        "dimension": "coverage",
        "severity": "error",
    }
    has_bounds = table.rows.minimum is not None and table.rows.maximum is not None
    return {
        "name": declaration.stem,
        "physicalName": declaration.stem,  # programs make a table of it: no hyphens
        "physicalType": "file",
        "logicalType": "object",
        "businessName": entry.title,
        "description": entry.description.strip(),
        "dataGranularityDescription": f"One row for each {entry.each_row_is_a}.",
        "properties": [_property(field, described[field.name], key) for field in table.fields],
        "quality": [unique, *([count] if has_bounds else [])],
    }


def _property(field: FieldDeclaration, described: Mapping[str, Any], key: list[str]) -> dict[str, Any]:
    limits = described.get("constraints", {})
    logical = _LOGICAL[field.type]
    content: dict[str, Any] = {
        "name": field.name,
        "businessName": field.title,
        "logicalType": logical,
        "physicalType": field.column_type.released,
        "required": bool(limits.get("required")) or field.name in key,
        "classification": "public",
    }
    if described.get("description"):
        content["description"] = described["description"]
    if field.name in key:
        content |= {"primaryKey": True, "primaryKeyPosition": key.index(field.name) + 1}
    if limits.get("unique"):
        content["unique"] = True
    options = {name: limits[name] for name in _OPTIONS.get(logical, ()) if name in limits}
    if options:
        content["logicalTypeOptions"] = options
    if field.unit:
        content["customProperties"] = [{"property": "unit", "value": field.unit}]
    if quality := list(_rules(limits)):
        content["quality"] = quality
    return content


def _rules(limits: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """What a column fulfils, as rules of the standard's own library."""
    if limits.get("required"):
        yield {
            **{
                "name": "is_filled",
                "description": "It is never empty.",
                "type": "library",
                "metric": "nullValues",
            },
            **{"mustBe": 0, "unit": "rows", "dimension": "completeness", "severity": "error"},
        }
    if limits.get("unique"):
        yield {
            **{"name": "is_unique", "description": "No value comes twice.", "type": "library"},
            **{"metric": "duplicateValues", "mustBe": 0, "unit": "rows"},
            **{"dimension": "uniqueness", "severity": "error"},
        }
    if limits.get("enum"):
        yield {
            **{
                "name": "is_of_its_list",
                "description": "Its values are the codes of its list.",
                "type": "library",
            },
            **{"metric": "invalidValues", "arguments": {"validValues": list(limits["enum"])}, "mustBe": 0},
            **{"unit": "rows", "dimension": "conformity", "severity": "error"},
        }


def _servers(release: Release) -> list[dict[str, Any]]:
    """The files with the rows, as they lie beside the contract."""
    found = []
    for key in ("csv", "parquet"):
        if file := release.file(key):
            server: dict[str, Any] = {
                "server": key,
                "type": "local",
                "description": f"The rows as {key.upper() if key == 'csv' else 'Parquet'}.",
                "path": f"./{file.name}",
                "format": key,
            }
            found.append(server)
    return found


def _service_levels(declaration: DatasetDeclaration) -> list[dict[str, Any]]:
    entry = declaration.entry
    said = FREQUENCIES.get(entry.frequency, entry.frequency)
    frequency: dict[str, Any] = {"property": "frequency", "value": said, "description": f"Updated {said}."}
    if entry.frequency in _EVERY:
        value, unit = _EVERY[entry.frequency]
        frequency |= {"value": value, "unit": unit}
    return [
        frequency,
        {
            "property": "retention",
            "value": _FORMER_MAJOR_DAYS,
            "unit": "d",
            "description": (
                "A version before a breaking change (a column gone, renamed or of another type, another key) stays"
                " available so long."
            ),
        },
    ]
