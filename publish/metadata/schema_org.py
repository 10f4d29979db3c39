"""A dataset in the terms of schema.org, as search engines for datasets read it from a page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote as url_quote

from publish.desired import DesiredDataset
from publish.metadata.citation import citation
from publish.metadata.vocabularies import LANGUAGE_TAGS
from warehouse.declarations import CatalogueEntry

_MAX_DESCRIPTION = 5000  # signs: longer ones are cut by Google's Dataset Search; fewer than 50 are refused
_MIN_DESCRIPTION = 50


def schema_org(wanted: DesiredDataset, base: str) -> dict[str, Any]:
    """The dataset, to be embedded in its page.

    Whoever embeds it in HTML escapes it: names are hostile.

    Args:
        wanted: the dataset.
        base: the address of its folder, ending in a slash; empty: relative to the page.
    """
    entry, release = wanted.declaration.entry, wanted.release
    permanent = f"{base}versions/{url_quote(release.version)}/" if base else ""
    content: dict[str, Any] = {
        "@context": "https://schema.org/",
        "@type": "Dataset",
        "name": entry.title,
        "description": _description(entry),
        "identifier": citation(wanted, permanent).identifier,
        "license": entry.licence.url,
        "creator": organisation((entry.owner or entry.publisher).title),
        "publisher": organisation(entry.publisher.title),
        "keywords": keywords_of(entry),
        "version": release.version,
        "datePublished": min(one.data_date for one in (release, *wanted.releases)).isoformat(),
        "dateModified": release.data_date.isoformat(),
        "isAccessibleForFree": True,
        "inLanguage": [LANGUAGE_TAGS.get(code, code.lower()) for code in entry.language],
        "creditText": entry.attribution,
        "variableMeasured": list(_variables(wanted)),
        "distribution": [
            {
                "@type": "DataDownload",
                "name": resource.title,
                "contentUrl": f"{base}{url_quote(resource.path.name)}",
                "encodingFormat": resource.media_type,
                "contentSize": f"{resource.size} B",
                "sha256": resource.sha256,
            }
            for resource in wanted.resources
        ],
        "spatialCoverage": list(_places(wanted)),
    }
    if base:
        content["url"] = base
    temporal = wanted.metadata.get("temporal")
    if isinstance(temporal, Mapping):
        content["temporalCoverage"] = f"{temporal['start']}/{temporal['end']}"
    return {key: value for key, value in content.items() if value not in ("", [], None)}


def organisation(title: str) -> dict[str, str]:
    """An organisation by its name."""
    return {"@type": "Organization", "name": title}


def keywords_of(entry: CatalogueEntry) -> list[str]:
    """An entry's keywords."""
    return list(entry.keywords)


def _description(entry: CatalogueEntry) -> str:
    text = " ".join(entry.description.split())
    if len(text) < _MIN_DESCRIPTION:
        text = f"{text} Each row is a {entry.each_row_is_a}: {entry.title}."
    return text if len(text) <= _MAX_DESCRIPTION else text[: _MAX_DESCRIPTION - 1] + "…"


def _variables(wanted: DesiredDataset) -> Iterator[dict[str, Any]]:
    for field in wanted.declaration.table.fields:
        content: dict[str, Any] = {"@type": "PropertyValue", "name": field.name, "alternateName": field.title}
        if field.description:
            content["description"] = field.description
        if field.unit:
            content["unitText"] = field.unit
        yield content


def _places(wanted: DesiredDataset) -> Iterator[dict[str, Any]]:
    spatial = wanted.metadata.get("spatial")
    if isinstance(spatial, Mapping):
        place: dict[str, Any] = {"@type": "Place", "name": str(spatial.get("name", ""))}
        if wanted.spatial:
            rings = wanted.spatial["coordinates"]
            points = [point for ring in rings for point in ring] if isinstance(rings, list) else []
            south, north = min(p[1] for p in points), max(p[1] for p in points)
            west, east = min(p[0] for p in points), max(p[0] for p in points)
            place["geo"] = {"@type": "GeoShape", "box": f"{south} {west} {north} {east}"}
        yield place
    for one in wanted.declaration.entry.places:
        content = {"@type": "Place", "name": one.title}
        yield content | ({"sameAs": one.uri} if one.uri else {})
