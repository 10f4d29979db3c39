"""DCAT-AP in JSON-LD: how catalogues of catalogues read ours.

Only what the profile knows, in the EU's vocabularies. Addresses are relative to the document unless the portal
knows its own, so the folder can be moved anywhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from publish.desired import DesiredDataset
from publish.metadata.protection import protection_in_words
from publish.metadata.words import NOT_REVIEWED
from warehouse.declarations import Translation
from warehouse.home import to_json

_AUTHORITY = "http://publications.europa.eu/resource/authority"
_ROLE = "http://inspire.ec.europa.eu/metadata-codelist/ResponsiblePartyRole"
_MEDIA = "https://www.iana.org/assignments/media-types"

_LABEL = "http://www.w3.org/2000/01/rdf-schema#label"

_CONTEXT: Mapping[str, str] = {
    "dcat": "http://www.w3.org/ns/dcat#",
    "dcatap": "http://data.europa.eu/r5r/",
    "dct": "http://purl.org/dc/terms/",
    "foaf": "http://xmlns.com/foaf/0.1/",
    "locn": "http://www.w3.org/ns/locn#",
    "prov": "http://www.w3.org/ns/prov#",
    "skos": "http://www.w3.org/2004/02/skos/core#",
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
        "dct:title": _in_languages(entry.title, tag, wanted.declaration.translations, "title"),
        "dct:description": _in_languages(entry.description, tag, wanted.declaration.translations, "description"),
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
    if entry.owner:
        node["prov:qualifiedAttribution"] = {
            "@type": "prov:Attribution",
            "prov:agent": _publisher(entry.owner.name, entry.owner.title),
            "dcat:hadRole": {"@id": f"{_ROLE}/owner"},
        }
    if locations := _locations(wanted):
        node["dct:spatial"] = locations[0] if len(locations) == 1 else locations
    if protection := protection_in_words(wanted.declaration):
        text = {"@value": "\n".join(protection), "@language": "en"}
        node["dct:provenance"] = {"@type": "dct:ProvenanceStatement", _LABEL: text}
    if period := wanted.metadata.get("temporal"):
        node["dct:temporal"] = _period(period)
    return node


def _in_languages(text: str, tag: str, translations: Sequence[Translation], key: str) -> Any:
    """A text as a literal of its language, with what may be shown of it in others.

    What nobody has read says so: the description in words, a machine's text by its tag.
    """
    literals = [{"@value": text, "@language": tag}]
    for one in translations:
        found: str = getattr(one, key)
        if found and key == "description" and not one.is_reviewed:
            found = f"{found} [{NOT_REVIEWED}]"
        if found:
            literals.append({"@value": found, "@language": one.tag})
    return literals[0] if len(literals) == 1 else literals


def _locations(wanted: DesiredDataset) -> list[dict[str, Any]]:
    """Where the dataset's rows lie: its district's outline as a box, and places by name and address."""
    found: list[dict[str, Any]] = []
    if wanted.spatial:
        box = {
            "@value": _bounding_box(wanted.spatial),
            "@type": "http://www.opengis.net/ont/geosparql#wktLiteral",
        }
        found.append({"@type": "dct:Location", "dcat:bbox": box})
    for place in wanted.declaration.entry.places:
        address = {"@id": place.uri} if place.uri else {}
        found.append({**address, "@type": "dct:Location", "skos:prefLabel": place.title})
    return found


def _period(period: object) -> dict[str, Any]:
    days = period if isinstance(period, Mapping) else {}
    return {
        "@type": "dct:PeriodOfTime",
        "dcat:startDate": {"@value": days["start"], "@type": "xsd:date"},
        "dcat:endDate": {"@value": days["end"], "@type": "xsd:date"},
    }


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
