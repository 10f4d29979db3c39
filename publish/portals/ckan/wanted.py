"""What CKAN should show of a dataset, in CKAN's terms."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote as url_quote

from publish.desired import DesiredDataset, DesiredResource, resource_id
from publish.files.render import description_of
from publish.metadata.datapackage import district_of
from publish.metadata.protection import protection_in_words
from publish.metadata.words import LISTED
from publish.plans import PortalError
from publish.portals.ckan.archives import Archive, archives_of
from publish.portals.ckan.dcat_fields import dataset_fields, high_value_unmet, resource_fields
from publish.portals.ckan.keywords import tags_of
from publish.portals.ckan.managed import MARK, ORGANISATION, TOLD, TOLD_TO_EDITORS
from warehouse.declarations import TOTAL, TOTAL_TITLE, FieldDeclaration

# A value of more than 32,766 bytes cannot be indexed as one term by Solr: CKAN would refuse the dataset.
_EXTRA_BYTES = 24_000

_CHECKSUM = "http://spdx.org/rdf/terms#checksumAlgorithm_sha256"
_AUTHORITY = "http://publications.europa.eu/resource/authority"


@dataclass(frozen=True)
class Wanted:
    """A dataset in CKAN's terms."""

    desired: DesiredDataset
    organisation: Mapping[str, str]
    group: Mapping[str, str] | None  # the district's
    fields: Mapping[str, Any]
    tags: tuple[str, ...]
    extras: Mapping[str, str]
    resources: Mapping[str, Mapping[str, Any]]  # by id, in order; the first one has the table
    files: Mapping[str, DesiredResource]
    archives: tuple[Archive, ...]  # the versions that are kept, oldest first
    columns: tuple[Mapping[str, Any], ...]
    declared: tuple[FieldDeclaration, ...]
    primary_key: tuple[str, ...]
    rows: int
    holds: str  # the note of a table that holds exactly these rows
    shrink_limit_pct: float
    differences: tuple[str | None, int, int, int]  # since which version: added, changed, removed
    unsent: tuple[str, ...] = ()  # what no CKAN can show, in words

    @property
    def name(self) -> str:
        """The dataset's slug."""
        return self.desired.name

    @property
    def version(self) -> str:
        """The release's label."""
        return str(self.fields["version"])

    @property
    def table_id(self) -> str:
        """The resource that has the table: the CSV file."""
        return resource_id(self.name, "csv")

    @property
    def map_id(self) -> str | None:
        """The resource that a map shows, where the entry declares one and there are points."""
        rid = resource_id(self.name, "geojson")
        return rid if self.desired.declaration.entry.show.map and rid in self.resources else None


def wanted_dataset(desired: DesiredDataset, address: str, has_dcat: bool = False) -> Wanted:
    """A dataset as CKAN should hold it.

    Args:
        desired: the dataset.
        address: the portal's, without a slash at its end; for the resources' own addresses.
        has_dcat: whether the server has ckanext-dcat.
    """
    entry, release = desired.declaration.entry, desired.release
    page = f"{address}/dataset/{entry.name}"
    notes = entry.description.strip()
    if entry.usage_warnings:
        notes += "\n\n## Before you use it\n\n" + "\n".join(f"* {text.strip()}" for text in entry.usage_warnings)
    if protection := protection_in_words(desired.declaration):
        notes += "\n\n## How people are protected\n\n" + "\n".join(f"* {text}" for text in protection)
    fields = {
        "title": entry.title.strip(),
        "notes": notes,
        "license_id": entry.licence.ckan,
        "version": release.version,
        "url": page,
        "author": entry.publisher.title,
        "maintainer": entry.contact.name,
        "maintainer_email": entry.contact.email,
    }
    ordered = sorted(
        (item for item in desired.resources if item.key in LISTED), key=lambda item: LISTED.index(item.key)
    )
    if not ordered or ordered[0].key != "csv":
        raise PortalError(f"{entry.name}: version {release.version} has no CSV file, so it cannot be shown here")
    resources = {
        item.id: {
            "name": item.title,
            "description": item.description,
            "format": item.format,
            "mimetype": item.media_type,
            "hash": item.sha256,
            "hash_algorithm": _CHECKSUM,
            "release_version": release.version,
            "access_url": f"{page}/resource/{item.id}",
            "download_url": f"{page}/resource/{item.id}/download/{url_quote(item.path.name)}",
            **resource_fields(desired, item, address, has_dcat),
        }
        for item in ordered
    }
    tags, unsent = tags_of(entry.keywords)
    district = district_of(desired.declaration)
    return Wanted(
        desired=desired,
        organisation={
            # An id of ours: renamed on the portal, the organisation is still found.
            "id": resource_id("organisations", entry.publisher.name),
            "name": entry.publisher.name,
            "title": entry.publisher.title,
            "description": entry.publisher.description,
        },
        group={
            "id": resource_id("groups", district.id),
            "name": district.id,
            "title": district.title,
            "description": district.description,
        }
        if district
        else None,
        fields=fields,
        tags=tags,
        extras=_extras(desired) | dataset_fields(desired, page),
        resources=resources,
        files={item.id: item for item in ordered},
        archives=archives_of(desired, page),
        columns=tuple(_column(column) for column in desired.declaration.table.fields),
        declared=desired.declaration.table.fields,
        primary_key=desired.declaration.table.primary_key,
        rows=release.rows,
        holds=f"{release.version} sha256:{release.content_sha256}",
        shrink_limit_pct=desired.declaration.table.rows.shrink_limit_pct,
        differences=(release.previous_version, release.added, release.changed, release.removed),
        unsent=(*unsent, *high_value_unmet(desired, address, has_dcat)),
    )


def _extras(desired: DesiredDataset) -> dict[str, str]:
    entry, release, described = desired.declaration.entry, desired.release, desired.metadata
    day = release.data_date.isoformat()
    days = re.findall(r"^- Data of (\d{4}-\d{2}-\d{2})", desired.changelog, re.MULTILINE)
    place = described.get("spatial")
    names = [str(place.get("name", ""))] if isinstance(place, Mapping) else []
    temporal = described.get("temporal")
    period = temporal if isinstance(temporal, Mapping) else {}
    found = {
        MARK: entry.name,
        ORGANISATION: entry.publisher.name,
        TOLD: TOLD_TO_EDITORS,
        "identifier": entry.name,
        "theme": _json([f"{_AUTHORITY}/data-theme/{entry.theme}"]),
        "frequency": f"{_AUTHORITY}/frequency/{entry.frequency}",
        "language": _json([f"{_AUTHORITY}/language/{code}" for code in entry.language]),
        "issued": min([day, *days]),
        "modified": day,
        "data_date": day,
        "temporal_start": str(period.get("start", "")),
        "temporal_end": str(period.get("end", day)),
        "translations": _translations(described.get("translations")),
        "owner_name": (entry.owner or entry.publisher).title,
        "access_rights": f"{_AUTHORITY}/access-right/PUBLIC",
        "publisher_name": entry.publisher.title,
        "contact_name": entry.contact.name,
        "contact_email": entry.contact.email,
        "conforms_to": _json([str(described["$schema"])]) if described.get("$schema") else "",
        "spatial": _spatial(desired.spatial) if desired.spatial else "",
        "spatial_text": ", ".join([*names, *(one.title for one in entry.places)]),
        "attribution": entry.attribution,
        "each_row_is_a": entry.each_row_is_a,
        "disclosure": _disclosure(described.get("disclosure")),
        "licence": entry.licence.id,
        "licence_url": entry.licence.url,
        "provenance": _provenance(described.get("sources")),
        "version_notes": _newest(desired.changelog, 1),
        "changelog": _newest(desired.changelog),
    }
    return {key: value.strip() for key, value in found.items() if value.strip()}


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _translations(described: object) -> str:
    """Titles and descriptions in other languages, each with who made it and who has read it."""
    listed = described if isinstance(described, Mapping) else {}
    kept = {
        language: {key: value for key, value in one.items() if key != "fields"} for language, one in listed.items()
    }
    return _json(kept) if kept else ""


def _disclosure(described: object) -> str:
    """How people are protected, for machines; the words are in the notes."""
    listed = described if isinstance(described, Mapping) else {}
    kept = {key: value for key, value in listed.items() if key != "text"}
    return _json(kept) if kept else ""


def _spatial(geometry: Mapping[str, object]) -> str:
    """GeoJSON as a text; its bounding box where it is too long to be indexed."""
    text = _json(geometry)
    if len(text.encode()) <= _EXTRA_BYTES:
        return text
    points = list(_points(geometry.get("coordinates")))
    west, east = min(x for x, _ in points), max(x for x, _ in points)
    south, north = min(y for _, y in points), max(y for _, y in points)
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return _json({"type": "Polygon", "coordinates": [ring]})


def _points(value: object) -> Iterator[tuple[float, float]]:
    if isinstance(value, list | tuple):
        if len(value) >= 2 and all(isinstance(part, int | float) for part in value):
            yield (value[0], value[1])
        else:
            for part in value:
                yield from _points(part)


def _provenance(sources: object) -> str:
    lines = []
    for source in sources if isinstance(sources, list) else []:
        parts = [str(source.get(key)) for key in ("title", "path", "licence", "attribution") if source.get(key)]
        lines.append("; ".join(parts))
    return _cut("\n".join(lines))


def _newest(changelog: str, count: int | None = None) -> str:
    """The newest parts of a change log, as many as an extra can hold."""
    parts = re.split(r"(?m)^(?=## )", changelog.strip())
    parts = [part.strip() for part in parts if part.strip()][:count]
    kept: list[str] = []
    for part in parts:
        if kept and len("\n\n".join([*kept, part]).encode()) > _EXTRA_BYTES:
            break
        kept.append(part)
    return _cut("\n\n".join(kept))


def _cut(text: str) -> str:
    return text.encode()[:_EXTRA_BYTES].decode(errors="ignore")


def _column(column: FieldDeclaration) -> dict[str, Any]:
    notes = description_of(column)
    if column.has_total:
        notes = f"{notes} {TOTAL}: {TOTAL_TITLE}.".strip()
    described = {"label": column.title, "notes": notes, "unit": column.unit}
    info = {key: value for key, value in described.items() if value}
    return {"id": column.name, "type": column.column_type.datastore, "info": info}
