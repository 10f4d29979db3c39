"""The files of a dataset and the API that serves its rows, as DCAT-AP has them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote as url_quote

from publish.metadata.high_value import LEGISLATION, category_node
from publish.metadata.schema import PROFILES
from publish.metadata.vocabularies import FILE_TYPES, authority, media_type_term
from publish.metadata.words import WITH_ROWS
from warehouse.declarations import CatalogueEntry
from warehouse.releases import Release

# Of a release's files: the data, and all that a program needs to read them; what people read about them.
_DATA = frozenset({*WITH_ROWS, "threesixty_giving", "changes", "datapackage"})
_PAGES = frozenset({"dictionary", "dictionary_html", "dictionary_xlsx"})


@dataclass(frozen=True)
class Offered:
    """A file that is offered. ``size`` in bytes; ``name`` as it is called in its folder."""

    key: str
    id: str
    title: str
    description: str
    format: str
    media_type: str
    name: str
    sha256: str
    size: int


def is_page(key: str) -> bool:
    """Whether a release's file is a document about the data, for people."""
    return key in _PAGES


def distribution(
    entry: CatalogueEntry, release: Release, file: Offered, files: Sequence[Offered], base: str
) -> dict[str, Any]:
    """The node of a file; empty for a document about the data.

    Args:
        entry: the dataset's.
        release: which the file is of.
        file: the file.
        files: all that are offered; the schema's among them, if there is one.
        base: the address of their folder, ending in a slash, or empty.
    """
    if file.key not in _DATA:
        return {}
    address = {"@id": f"{base}{url_quote(file.name)}"}
    day = {"@value": release.data_date.isoformat(), "@type": "xsd:date"}
    node: dict[str, Any] = {
        "@id": f"urn:uuid:{file.id}",
        "@type": "dcat:Distribution",
        "dct:title": {"@value": file.title, "@language": "en"},
        "dct:description": {"@value": file.description, "@language": "en"},
        "dcat:accessURL": address,
        "dcat:downloadURL": address,
        "dcat:mediaType": media_type_term(file.media_type),
        "dcat:byteSize": {"@value": str(file.size), "@type": "xsd:nonNegativeInteger"},
        "dct:issued": day,
        "dct:modified": day,
        "dct:language": [authority("language", code) for code in entry.language],
        "dcatap:availability": authority("planned-availability", "STABLE"),
        "adms:status": authority("distribution-status", "COMPLETED"),
        "dct:license": licence_node(entry),
        "dct:rights": rights_node(entry.attribution),
        "spdx:checksum": {
            "@type": "spdx:Checksum",
            "spdx:algorithm": {
                "@id": "spdx:checksumAlgorithm_sha256",
                "@type": "spdx:ChecksumAlgorithm",
            },
            "spdx:checksumValue": {"@value": file.sha256, "@type": "xsd:hexBinary"},
        },
    }
    if file.format in FILE_TYPES:
        node["dct:format"] = authority("file-type", FILE_TYPES[file.format])
    if standard := _standard(file.key, files, base):
        node["dct:conformsTo"] = {"@id": standard, "@type": "dct:Standard"}
    if entry.hvd:
        node["dcatap:applicableLegislation"] = LEGISLATION
    return node


def _standard(key: str, files: Sequence[Offered], base: str) -> str:
    """What a file conforms to: its own schema where that is a file too, else the standard it is described in."""
    if key == "threesixty_giving":
        return "https://standard.threesixtygiving.org/en/latest/"
    if key == "geojson":
        return "https://www.rfc-editor.org/rfc/rfc7946"
    if key == "datapackage":
        return f"{PROFILES}/datapackage.json"
    schema = next((file for file in files if file.key == "schema"), None)
    if schema and key in WITH_ROWS:
        return f"{base}{url_quote(schema.name)}"
    return f"{PROFILES}/tableschema.json"


def licence_node(entry: CatalogueEntry) -> dict[str, Any]:
    """A dataset's licence by its address in the EU's table, or its own; of a high-value one with its text."""
    licence = entry.licence
    node: dict[str, Any] = {"@id": licence.authority or licence.url, "@type": "dct:LicenseDocument"}
    if entry.hvd and licence.authority:
        node["rdfs:seeAlso"] = {"@id": licence.url}
    return node


def rights_node(attribution: str) -> dict[str, Any]:
    """What who uses the data has to say."""
    return {"@type": "dct:RightsStatement", "rdfs:label": {"@value": attribution, "@language": "en"}}


def service_node(
    entry: CatalogueEntry, dataset: str, api: tuple[str, str, str], contact: Mapping[str, Any]
) -> dict[str, Any]:
    """An API that serves a dataset's rows.

    Args:
        entry: the dataset's.
        dataset: the dataset's address.
        api: what it is called, the address of its calls, and of a page that says how to call it.
        contact: whom to write to.
    """
    title, endpoint, documentation = api
    node: dict[str, Any] = {
        "@id": f"{dataset}#api",
        "@type": "dcat:DataService",
        "dct:title": {"@value": title, "@language": "en"},
        "dct:description": {"@value": f"The rows of {entry.title}, one query at a time.", "@language": "en"},
        "dct:identifier": f"{entry.name}-api",
        "dcat:endpointURL": {"@id": endpoint},
        "dcat:endpointDescription": {"@id": documentation},
        "dcat:servesDataset": {"@id": dataset},
        "dcat:contactPoint": dict(contact),
        "dcat:theme": authority("data-theme", entry.theme),
        "dct:accessRights": authority("access-right", "PUBLIC"),
        "dct:license": licence_node(entry),
        "foaf:page": {"@id": documentation, "@type": "foaf:Document"},
    }
    if entry.hvd:
        node["foaf:page"] = {"@id": entry.hvd.documentation, "@type": "foaf:Document"}
        node["dct:rights"] = {"@id": entry.hvd.terms, "@type": "dct:RightsStatement"}
        node["dcatap:applicableLegislation"] = LEGISLATION
        node["dcatap:hvdCategory"] = category_node(entry.hvd.category)
    return node
