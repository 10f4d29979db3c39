"""The vocabularies that DCAT-AP names: the EU's authority tables, IANA's media types; our documents' prefixes.

A document carries what it uses of them, with class, label and scheme: who reads it needs no copy of the tables.
The codes are those of the tables at publications.europa.eu/resource/authority.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

AUTHORITY = "http://publications.europa.eu/resource/authority"
MEDIA_TYPES = "https://www.iana.org/assignments/media-types"
HVD_CATEGORIES = "http://data.europa.eu/bna"
HVD_SCHEME = f"{HVD_CATEGORIES}/asd487ae75"

CONTEXT: Mapping[str, str] = {
    "adms": "http://www.w3.org/ns/adms#",
    "dcat": "http://www.w3.org/ns/dcat#",
    "dcatap": "http://data.europa.eu/r5r/",
    "dct": "http://purl.org/dc/terms/",
    "eli": "http://data.europa.eu/eli/ontology#",
    "foaf": "http://xmlns.com/foaf/0.1/",
    "locn": "http://www.w3.org/ns/locn#",
    "prov": "http://www.w3.org/ns/prov#",
    "rdfs": "http://www.w3.org/2000/01/rdf-schema#",
    "skos": "http://www.w3.org/2004/02/skos/core#",
    "spdx": "http://spdx.org/rdf/terms#",
    "vcard": "http://www.w3.org/2006/vcard/ns#",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
}

# By table: the class that DCAT-AP wants of its terms, beside that they are concepts, and what the table is called.
_TABLES: Mapping[str, tuple[str, str]] = {
    "access-right": ("dct:RightsStatement", "Access right"),
    "continent": ("dct:Location", "Continent"),
    "country": ("dct:Location", "Country"),
    "data-theme": ("", "Data theme"),
    "distribution-status": ("", "Distribution status"),
    "file-type": ("dct:MediaTypeOrExtent", "File type"),
    "frequency": ("dct:Frequency", "Frequency"),
    "language": ("dct:LinguisticSystem", "Language"),
    "licence": ("dct:LicenseDocument", "Licence"),
    "place": ("dct:Location", "Place"),
    "planned-availability": ("", "Planned availability"),
}

THEMES: Mapping[str, str] = {
    "AGRI": "Agriculture, fisheries, forestry and food",
    "ECON": "Economy and finance",
    "EDUC": "Education, culture and sport",
    "ENER": "Energy",
    "ENVI": "Environment",
    "GOVE": "Government and public sector",
    "HEAL": "Health",
    "INTR": "International issues",
    "JUST": "Justice, legal system and public safety",
    "REGI": "Regions and cities",
    "SOCI": "Population and society",
    "TECH": "Science and technology",
    "TRAN": "Transport",
}

FREQUENCY_CODES: Mapping[str, str] = {
    "CONT": "continuous",
    "UPDATE_CONT": "continuously updated",
    "DAILY": "daily",
    "DAILY_2": "twice a day",
    "WEEKLY": "weekly",
    "WEEKLY_2": "twice a week",
    "WEEKLY_3": "three times a week",
    "BIWEEKLY": "biweekly",
    "MONTHLY": "monthly",
    "MONTHLY_2": "twice a month",
    "MONTHLY_3": "three times a month",
    "BIMONTHLY": "bimonthly",
    "QUARTERLY": "quarterly",
    "ANNUAL": "annual",
    "ANNUAL_2": "twice a year",
    "ANNUAL_3": "three times a year",
    "BIENNIAL": "biennial",
    "TRIENNIAL": "triennial",
    "IRREG": "irregular",
    "NEVER": "never",
    "OTHER": "other",
    "UNKNOWN": "unknown",
}

# The tags of BCP 47 for the codes of the language table.
LANGUAGE_TAGS: Mapping[str, str] = {"ENG": "en", "FIN": "fi", "SWE": "sv", "KOR": "ko"}

# The code of the file-type table for a format as portals write it.
FILE_TYPES: Mapping[str, str] = {
    "CSV": "CSV",
    "Parquet": "PARQUET",
    "XLSX": "XLSX",
    "GeoJSON": "GEOJSON",
    "JSON": "JSON",
    "JSON-LD": "JSON_LD",
    "Turtle": "RDF_TURTLE",
    "YAML": "YAML",
    "HTML": "HTML",
    "TXT": "TXT",
    "PDF": "PDF",
    "XML": "XML",
    "ZIP": "ZIP",
}

_LABELS: Mapping[str, Mapping[str, str]] = {
    "access-right": {"PUBLIC": "public"},
    "data-theme": THEMES,
    "distribution-status": {"COMPLETED": "completed"},
    "file-type": {code: format_ for format_, code in FILE_TYPES.items()},
    "frequency": FREQUENCY_CODES,
    "language": {"ENG": "English", "FIN": "Finnish", "SWE": "Swedish", "KOR": "Korean"},
    "licence": {
        "CC0": "Creative Commons CC0 1.0 Universal",
        "CC_BY_3_0": "Creative Commons Attribution 3.0 Unported",
        "CC_BY_4_0": "Creative Commons Attribution 4.0 International",
        "CC_BYSA_4_0": "Creative Commons Attribution-ShareAlike 4.0 International",
        "CC_BYNC_4_0": "Creative Commons Attribution-NonCommercial 4.0 International",
        "ODC_BY": "Open Data Commons Attribution License 1.0",
        "ODC_BL": "Open Data Commons Open Database License 1.0",
        "ODC_PDDL": "Open Data Commons Public Domain Dedication and License 1.0",
        "OGL_3_0": "Open Government Licence 3.0",
    },
    "planned-availability": {"STABLE": "stable"},
}  # fmt: skip


def authority(table: str, code: str) -> dict[str, str]:
    """A term of an authority table, as JSON-LD refers to it."""
    return {"@id": f"{AUTHORITY}/{table}/{code}"}


def media_type_term(media_type: str) -> dict[str, str]:
    """A media type, as JSON-LD refers to it."""
    return {"@id": f"{MEDIA_TYPES}/{media_type}", "@type": "dct:MediaType"}


def terms_of(nodes: object) -> list[dict[str, Any]]:
    """What a document has to say of the authority tables' terms that its nodes refer to, and of their tables."""
    used = sorted({address for address in _addresses(nodes) if address.startswith(f"{AUTHORITY}/")})
    found: list[dict[str, Any]] = []
    tables = set()
    for address in used:
        table, _, code = address.removeprefix(f"{AUTHORITY}/").partition("/")
        if table not in _TABLES or not code:
            continue
        tables.add(table)
        kind, _ = _TABLES[table]
        node: dict[str, Any] = {"@id": address, "@type": [kind, "skos:Concept"] if kind else "skos:Concept"}
        # places are labelled where they are named, in the words of their entry
        if _TABLES[table][0] != "dct:Location":
            node["skos:prefLabel"] = {"@value": _LABELS.get(table, {}).get(code, code), "@language": "en"}
        found.append(node | {"skos:inScheme": {"@id": f"{AUTHORITY}/{table}"}})
    return found + [_scheme(table) for table in sorted(tables)]


def _scheme(table: str) -> dict[str, Any]:
    return {
        "@id": f"{AUTHORITY}/{table}",
        "@type": "skos:ConceptScheme",
        "dct:title": {"@value": _TABLES[table][1], "@language": "en"},
    }


def _addresses(node: object) -> Iterator[str]:
    if isinstance(node, Mapping):
        if isinstance(address := node.get("@id"), str):
            yield address
        for value in node.values():
            yield from _addresses(value)
    elif isinstance(node, Sequence) and not isinstance(node, str):
        for value in node:
            yield from _addresses(value)
