"""A dataset in the shape of a server's own schema, where ckanext-scheming gives it one.

There a field that the schema has is refused as an extra: it stands at the top, a list as a list, a contact as a
record. What the schema does not have stays an extra.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from publish.portals.ckan.wanted import Wanted

Spec = Mapping[str, Any]

# A schema's records, of which of our extras they are made.
_RECORDS: Mapping[str, Mapping[str, str]] = {
    "contact": {"name": "contact_name", "email": "contact_email"},
    "publisher": {"name": "publisher_name"},
    "temporal_coverage": {"start": "temporal_start", "end": "temporal_end"},
    "spatial_coverage": {"uri": "spatial_uri", "text": "spatial_text", "geom": "spatial"},
}
_KEPT = frozenset({"spatial"})  # which other extensions read under its own name


@dataclass(frozen=True)
class Schema:
    """The fields of a server's datasets and resources, by name. None on a stock CKAN."""

    dataset: Mapping[str, Spec] = field(default_factory=dict)
    resource: Mapping[str, Spec] = field(default_factory=dict)

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> Schema:
        """As ``scheming_dataset_schema_show`` tells it."""
        return cls(_by_name(told.get("dataset_fields") or ()), _by_name(told.get("resource_fields") or ()))


def shaped(wanted: Wanted, schema: Schema) -> Wanted:
    """A dataset as a server of this schema takes it, with what it cannot take added to ``unsent``."""
    if not schema.dataset:
        return wanted
    extras, fields = dict(wanted.extras), dict(wanted.fields)
    told: list[str] = []
    for name, parts in _RECORDS.items():
        if name in schema.dataset:
            _move_record(name, parts, schema.dataset[name], extras, fields)
    for key in [key for key in extras if key in schema.dataset]:
        value = _value(key, extras.pop(key), schema.dataset[key], told)
        if value:
            fields[key] = value
    fields |= _translated(wanted, schema)
    resources = {
        rid: {
            key: _value(key, value, schema.resource[key], told) if key in schema.resource else value
            for key, value in described.items()
        }
        for rid, described in wanted.resources.items()
    }
    unsent = tuple(dict.fromkeys((*wanted.unsent, *told)))
    return replace(wanted, fields=fields, extras=extras, resources=resources, unsent=unsent)


def _by_name(fields: Iterable[Spec]) -> dict[str, Spec]:
    return {str(one["field_name"]): one for one in fields}


def _move_record(
    name: str, parts: Mapping[str, str], spec: Spec, extras: dict[str, str], fields: dict[str, Any]
) -> None:
    known = _by_name(spec.get("repeating_subfields") or ())
    record = {part: extras[key] for part, key in parts.items() if part in known and extras.get(key)}
    for part, key in parts.items():
        if part in known and key not in _KEPT:
            extras.pop(key, None)
    if record:
        fields[name] = [record]


def _value(key: str, value: Any, spec: Spec, told: list[str]) -> Any:
    """A value as a field of the schema takes it."""
    if known := spec.get("repeating_subfields"):
        return [_record(one, _by_name(known), told) for one in _listed(value)]
    if _is_list(spec):
        return _listed(value)
    if choices := spec.get("choices"):
        return _chosen(key, str(value), [str(one.get("value")) for one in choices], told)
    return value


def _record(record: Any, known: Mapping[str, Spec], told: list[str]) -> dict[str, Any]:
    """A record of the parts that the schema has.

    A record within a record is left out: ckanext-dcat (2.4.4) answers HTTP 500 for all of a dataset's DCAT where a
    service of its own schema has a contact, which it takes for a mapping and the schema for a list.
    """
    given = record if isinstance(record, Mapping) else {}
    within = [key for key in given if key in known and known[key].get("repeating_subfields")]
    told += [
        f"the {key} of {given.get('title') or 'a record'}: the portal's schema cannot show it" for key in within
    ]
    return {
        key: _value(key, value, known[key], told) for key, value in given.items() if key in {*known} - {*within}
    }


def _is_list(spec: Spec) -> bool:
    return str(spec.get("preset", "")).startswith("multiple_") or "scheming_multiple" in str(
        spec.get("validators")
    )


def _listed(value: Any) -> list[Any]:
    """A list, also one that is written as a text."""
    if isinstance(value, str) and value.startswith("["):
        value = json.loads(value)
    return list(value) if isinstance(value, list | tuple) else [value] if value else []


def _chosen(key: str, value: str, choices: list[str], told: list[str]) -> str:
    """One of the schema's choices: the value, or the one whose last word is the same in another vocabulary."""
    word = value.rsplit("/", 1)[-1].casefold()
    if value in choices or not value:
        return value
    if found := next((one for one in choices if one.rsplit("/", 1)[-1].casefold() == word), None):
        return found
    told.append(f"{key}: the portal's schema does not know “{value}”")
    return ""


def _translated(wanted: Wanted, schema: Schema) -> dict[str, Any]:
    """Titles and descriptions by language, for the languages that the schema asks for, or all."""
    found: dict[str, Any] = {}
    declaration = wanted.desired.declaration
    for key, of in (("title", "title"), ("notes", "description")):
        name = f"{key}_translated"
        if name not in schema.dataset:
            continue
        texts = {"en": str(wanted.fields[key])}
        texts |= {one.language: text for one in declaration.translations if (text := getattr(one, of))}
        asked = schema.dataset[name].get("form_languages") or list(texts)
        found[name] = {language: texts[language] for language in asked if language in texts}
    return found
