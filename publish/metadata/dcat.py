"""DCAT-AP in JSON-LD: how catalogues of catalogues read ours.

Only what the profile knows, in the EU's vocabularies. Addresses are relative to the document unless the portal
knows its own, so the folder can be moved anywhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from publish.desired import DesiredDataset
from warehouse.home import to_json

_AUTHORITY = "http://publications.europa.eu/resource/authority"
_MEDIA = "https://www.iana.org/assignments/media-types"

_CONTEXT: Mapping[str, str] = {
    "dcat": "http://www.w3.org/ns/dcat#",
    "dcatap": "http://data.europa.eu/r5r/",
    "dct": "http://purl.org/dc/terms/",
    "foaf": "http://xmlns.com/foaf/0.1/",
    "locn": "http://www.w3.org/ns/locn#",
    "spdx": "http://spdx.org/rdf/terms#",
    "vcard": "http://www.w3.org/2006/vcard/ns#",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
}


def dataset_node(wanted: DesiredDataset, base: str) -> dict[str, Any]:
    """A dataset with its distributions.

    Args:
        wanted: the dataset.
        base: the address of its folder, ending in a slash; may be relative to the catalogue's document.
    """
    entry = wanted.declaration.entry
    language = entry.language[0] if entry.language else "ENG"
    tag = {"ENG": "en", "FIN": "fi", "SWE": "sv", "KOR": "ko"}.get(language, "en")
    node: dict[str, Any] = {
        "@id": base,
        "@type": "dcat:Dataset",
        "dct:title": {"@value": entry.title, "@language": tag},
        "dct:description": {"@value": entry.description, "@language": tag},
        "dct:identifier": entry.name,
        "dcat:keyword": [{"@value": word, "@language": tag} for word in entry.keywords],
        "dcat:theme": _authority("data-theme", entry.theme),
        "dct:accrualPeriodicity": _authority("frequency", entry.frequency),
        "dct:language": [_authority("language", code) for code in entry.language],
        "dct:accessRights": _authority("access-right", "PUBLIC"),
        "dct:publisher": _publisher(entry.publisher.name, entry.publisher.title),
        "dcat:contactPoint": {
            "@type": "vcard:Kind",
            "vcard:fn": entry.contact.name,
            "vcard:hasEmail": {"@id": f"mailto:{entry.contact.email}"},
        },
        "dcat:version": wanted.release.version,
        "dct:modified": {"@value": wanted.release.data_date.isoformat(), "@type": "xsd:date"},
        "dcat:landingPage": {"@id": f"{base}index.html", "@type": "foaf:Document"},
        "dcat:distribution": [_distribution(wanted, index, base) for index, _ in enumerate(wanted.resources)],
    }
    if wanted.spatial:
        node["dct:spatial"] = {
            "@type": "dct:Location",
            "dcat:bbox": {
                "@value": _bounding_box(wanted.spatial),
                "@type": "http://www.opengis.net/ont/geosparql#wktLiteral",
            },
        }
    return node


def _distribution(wanted: DesiredDataset, index: int, base: str) -> dict[str, Any]:
    resource, entry = wanted.resources[index], wanted.declaration.entry
    address = {"@id": f"{base}{resource.path.name}"}
    return {
        "@id": f"urn:uuid:{resource.id}",
        "@type": "dcat:Distribution",
        "dct:title": resource.title,
        "dct:description": resource.description,
        "dcat:accessURL": address,
        "dcat:downloadURL": address,
        "dct:format": _authority("file-type", resource.format.upper()),
        "dcat:mediaType": {"@id": f"{_MEDIA}/{resource.media_type}"},
        "dcat:byteSize": {"@value": str(resource.size), "@type": "xsd:nonNegativeInteger"},
        "dcatap:availability": _authority("planned-availability", "STABLE"),
        "dct:license": {"@id": entry.licence.authority or entry.licence.url},
        "spdx:checksum": {
            "@type": "spdx:Checksum",
            "spdx:algorithm": {"@id": "spdx:checksumAlgorithm_sha256"},
            "spdx:checksumValue": {"@value": resource.sha256, "@type": "xsd:hexBinary"},
        },
    }


def catalogue(
    title: str, description: str, publisher: Mapping[str, str], base: str, datasets: Sequence[Mapping[str, Any]]
) -> str:
    """The catalogue's document: itself and its datasets, as ``dataset_node`` made them."""
    document = {
        "@context": _CONTEXT,
        "@id": base or "./",
        "@type": "dcat:Catalog",
        "dct:title": {"@value": title, "@language": "en"},
        "dct:description": {"@value": description, "@language": "en"},
        "dct:publisher": _publisher(publisher["name"], publisher["title"]),
        "dct:language": _authority("language", "ENG"),
        "foaf:homepage": {"@id": f"{base}index.html", "@type": "foaf:Document"},
        "dcat:dataset": list(datasets),
    }
    return to_json(document)


def _publisher(name: str, title: str) -> dict[str, Any]:
    return {"@id": f"urn:opendistrict:publisher:{name}", "@type": "foaf:Agent", "foaf:name": title}


def _authority(table: str, code: str) -> dict[str, str]:
    return {"@id": f"{_AUTHORITY}/{table}/{code}"}


def _bounding_box(geometry: Mapping[str, object]) -> str:
    rings = geometry["coordinates"]
    points = [point for ring in rings for point in ring] if isinstance(rings, list) else []
    west, east = min(p[0] for p in points), max(p[0] for p in points)
    south, north = min(p[1] for p in points), max(p[1] for p in points)
    corners = [(west, south), (east, south), (east, north), (west, north), (west, south)]
    return "POLYGON((" + ", ".join(f"{x} {y}" for x, y in corners) + "))"
