"""High-value datasets of the EU: what DCAT-AP HVD 3.0.1 asks, and what an entry that opts in lacks.

Implementing Regulation (EU) 2023/138 wants of such a dataset: free of charge under CC BY 4.0 or freer terms, in an
open, machine-readable format, through an API and as a bulk download, documented, and marked in its metadata.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from publish.metadata.vocabularies import HVD_CATEGORIES, HVD_SCHEME
from publish.plans import PortalError
from warehouse.declarations import DatasetDeclaration

ELI = "http://data.europa.eu/eli/reg_impl/2023/138/oj"
LEGISLATION: Mapping[str, str] = {"@id": ELI, "@type": "eli:LegalResource"}

# Of the vocabulary http://data.europa.eu/bna/: the six categories of the regulation's annexes, and what of them a
# register of companies publishes. The most granular one is to be named.
CATEGORIES: Mapping[str, str] = {
    "c_ac64a52d": "Geospatial",
    "c_dd313021": "Earth observation and environment",
    "c_164e0bf5": "Meteorological",
    "c_e1da4e07": "Statistics",
    "c_a9135398": "Companies and company ownership",
    "c_b79e35eb": "Mobility",
    "c_56a1bf47": "Basic company information: key attributes",
    "c_8f0fac04": "Company documents and accounts",
}
_BROAD = frozenset({"c_ac64a52d", "c_dd313021", "c_164e0bf5", "c_e1da4e07", "c_a9135398", "c_b79e35eb"})


def category_node(code: str) -> dict[str, Any]:
    """A category of high-value datasets, with its label where it is known here."""
    scheme = {
        "@id": HVD_SCHEME,
        "@type": "skos:ConceptScheme",
        "dct:title": {"@value": "High-value dataset categories", "@language": "en"},
    }
    return {
        "@id": f"{HVD_CATEGORIES}/{code}",
        "@type": "skos:Concept",
        "skos:prefLabel": {"@value": CATEGORIES.get(code, code), "@language": "en"},
        "skos:inScheme": scheme,
    }


_RESOURCES = frozenset(
    {"dcat:accessURL", "dcat:downloadURL", "dcat:endpointURL", "dcat:endpointDescription", "vcard:hasEmail"}
)


def with_classes(node: Mapping[str, Any]) -> dict[str, Any]:
    """The node, with the class that the profile wants said of addresses that DCAT-AP takes without one."""
    return {key: _with_class(key, value) for key, value in node.items()}


def _with_class(key: str, value: Any) -> Any:
    if isinstance(value, list):
        return [_with_class(key, one) for one in value]
    if not isinstance(value, Mapping):
        return value
    named = {"@type": "rdfs:Resource"} if key in _RESOURCES else {}
    return named | with_classes(value)


def faults_of_entry(declaration: DatasetDeclaration) -> list[str]:
    """What an entry with ``hvd:`` lacks of what the regulation asks of it, in words. Empty without ``hvd:``."""
    entry = declaration.entry
    if entry.hvd is None:
        return []
    found = []
    if not entry.licence.is_free_as_cc_by:
        found.append(
            f"the licence {entry.licence.id} binds more than CC BY 4.0; take CC-BY-4.0, CC0-1.0, or one that"
            " warehouse/reference/licences.yaml marks is_free_as_cc_by"
        )
    if entry.language and entry.language[0] != "ENG":
        found.append(
            "title and description have to be in English, and are in the first of its languages,"
            f" {entry.language[0]}; write them in English and put ENG first"
        )
    if entry.hvd.category in _BROAD:
        found.append(
            f"hvd: category {entry.hvd.category} is a whole annex ({CATEGORIES[entry.hvd.category]}); name the"
            " most granular category, for key attributes of companies c_56a1bf47"
        )
    undescribed = [field.name for field in declaration.table.fields if not field.description]
    if undescribed:
        found.append(f"its structure is documented column by column; describe {', '.join(undescribed)}")
    if entry.disclosure:
        found.append("a dataset with `disclosure` counts people and hides cells; it is no register's")
    return found


def faults_of_node(node: Mapping[str, Any]) -> list[str]:
    """What a dataset's node lacks of DCAT-AP HVD 3.0.1, in words.

    Args:
        node: as ``dcat.dataset_node`` makes it, of an entry with ``hvd:``.
    """
    return list(_faults_of_node(node))


def unmet(name: str, node: Mapping[str, Any]) -> tuple[str, ...]:
    """What a portal itself cannot give a high-value dataset, in words; empty where it gives all, or none is asked.

    Args:
        name: the dataset's.
        node: as ``dcat.dataset_node`` makes it, with the portal's API if it has one.

    Raises:
        PortalError: something else is lacking, which the entry has to say.
    """
    if "dcatap:hvdCategory" not in node:
        return ()
    found = faults_of_node(node)
    if lacking := [text for text in found if text != _NO_API]:
        raise PortalError(f"{name}: hvd: {'; '.join(lacking)}; see hvd: in its entry in publish/catalogue")
    return tuple(f"hvd: {text}" for text in found)


# A folder of files cannot have it; the dataset stands there all the same.
_NO_API = (
    "there is no API (dcat:accessService of a distribution), which high-value datasets need beside the files:"
    " a folder has none; publish it on a portal with a DataStore too, and name the address of its calls in the"
    " entry as hvd: endpoint"
)


def _faults_of_node(node: Mapping[str, Any]) -> Iterator[str]:
    yield from _law("the dataset", node)
    if not _ids(node.get("dcatap:hvdCategory")):
        yield "the dataset names no category (dcatap:hvdCategory)"
    for key in ("dct:title", "dct:description"):
        if not _is_in_english(node.get(key)):
            yield f"the dataset has no {key} in English"
    listed = node.get("dcat:distribution") or ()
    if not any("dcat:downloadURL" in one for one in listed):
        yield "there is no bulk download (dcat:downloadURL of a distribution)"
    for one in listed:
        what = f"the distribution {one.get('@id')}"
        yield from _law(what, one)
        if "dcat:accessURL" not in one:
            yield f"{what} has no dcat:accessURL"
        if "dct:license" not in one and "dct:rights" not in one:
            yield f"{what} says neither licence nor rights"
    services = [one["dcat:accessService"] for one in listed if "dcat:accessService" in one]
    if not services:
        yield _NO_API
    for service in services:
        yield from _faults_of_service(service, node)


_SERVICE = {
    "dct:title": "no title",
    "dcat:endpointURL": "no address of its calls (dcat:endpointURL)",
    "dcat:endpointDescription": "no description of its calls (dcat:endpointDescription)",
    "dcat:contactPoint": "nobody to write to (dcat:contactPoint)",
    "foaf:page": "no page that documents it (foaf:page)",
    "dcatap:hvdCategory": "no category (dcatap:hvdCategory)",
}


def _faults_of_service(service: Mapping[str, Any], dataset: Mapping[str, Any]) -> Iterator[str]:
    yield from _law("the API", service)
    for key, words in _SERVICE.items():
        if not service.get(key):
            yield f"the API has {words}"
    if "dct:license" not in service and "dct:rights" not in service:
        yield "the API says neither licence nor rights"
    if dataset.get("@id") not in _ids(service.get("dcat:servesDataset")):
        yield "the API does not say that it serves this dataset (dcat:servesDataset)"


def _law(what: str, node: Mapping[str, Any]) -> Iterator[str]:
    if ELI not in _ids(node.get("dcatap:applicableLegislation")):
        yield f"{what} does not name the regulation (dcatap:applicableLegislation {ELI})"


def _is_in_english(value: Any) -> bool:
    return any(str(one.get("@language", "")).split("-")[0] == "en" and one["@value"] for one in _nodes(value))


def _ids(value: Any) -> list[str]:
    return [str(one["@id"]) for one in _nodes(value) if "@id" in one]


def _nodes(value: Any) -> list[Mapping[str, Any]]:
    listed = value if isinstance(value, list | tuple) else [value]
    return [one for one in listed if isinstance(one, Mapping)]
