"""What DCAT-AP 3.0.1 demands of a graph, checked without anybody's shapes: how many, and of which kind.

A small checker of our own of the properties that portals of portals refuse a dataset for. The profile's own shapes
know more; where they are at hand, tests run them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from publish.metadata.vocabularies import CONTEXT

if TYPE_CHECKING:
    from rdflib import Graph
    from rdflib.term import Node

Kind = Literal["literal", "node", "date"]


@dataclass(frozen=True)
class Demand:
    """How often a property stands at a node of a class, and what its values are; ``datatype`` only of literals."""

    at_least: int = 0
    at_most: int | None = None
    kind: Kind = "node"
    datatype: str = ""


_TEXT = Demand(1, None, "literal")
_NODE = Demand()
_ONE_NODE = Demand(0, 1)
_DAY = Demand(0, 1, "date")

DEMANDS: Mapping[str, Mapping[str, Demand]] = {
    "foaf:Agent": {"foaf:name": _TEXT, "dct:type": _ONE_NODE},
    "dcat:Catalog": {
        "dct:title": _TEXT,
        "dct:description": _TEXT,
        "dct:publisher": Demand(1, 1),
        "dct:language": _NODE,
        "dct:license": _ONE_NODE,
        "dct:rights": _ONE_NODE,
        "dct:spatial": _NODE,
        "dct:issued": _DAY,
        "dct:modified": _DAY,
        "dcat:dataset": _NODE,
        "dcat:service": _NODE,
        "foaf:homepage": _ONE_NODE,
    },
    "dcat:Dataset": {
        "dct:title": _TEXT,
        "dct:description": _TEXT,
        "dct:publisher": _ONE_NODE,
        "dct:accessRights": _ONE_NODE,
        "dct:accrualPeriodicity": _ONE_NODE,
        "dct:conformsTo": _NODE,
        "dct:language": _NODE,
        "dct:provenance": _NODE,
        "dct:source": _NODE,
        "dct:spatial": _NODE,
        "dct:temporal": _NODE,
        "dct:identifier": Demand(0, None, "literal"),
        "dct:issued": _DAY,
        "dct:modified": _DAY,
        "dcat:contactPoint": _NODE,
        "dcat:distribution": _NODE,
        "dcat:keyword": Demand(0, None, "literal"),
        "dcat:landingPage": _NODE,
        "dcat:theme": _NODE,
        "dcat:version": Demand(0, 1, "literal"),
        "adms:versionNotes": Demand(0, None, "literal"),
        "foaf:page": _NODE,
    },
    "dcat:Distribution": {
        "dcat:accessURL": Demand(1),
        "dcat:downloadURL": _NODE,
        "dcat:accessService": _NODE,
        "dcat:byteSize": Demand(0, 1, "literal", "xsd:nonNegativeInteger"),
        "dcat:mediaType": _ONE_NODE,
        "dct:format": _ONE_NODE,
        "dct:license": _ONE_NODE,
        "dct:rights": _ONE_NODE,
        "dct:language": _NODE,
        "dct:conformsTo": _NODE,
        "dct:issued": _DAY,
        "dct:modified": _DAY,
        "dct:title": Demand(0, None, "literal"),
        "dct:description": Demand(0, None, "literal"),
        "dcatap:availability": _ONE_NODE,
        "adms:status": _ONE_NODE,
        "spdx:checksum": _ONE_NODE,
    },
    "dcat:DataService": {
        "dct:title": _TEXT,
        "dcat:endpointURL": Demand(1),
        "dcat:endpointDescription": _NODE,
        "dcat:servesDataset": _NODE,
        "dcat:contactPoint": _NODE,
        "dct:license": _ONE_NODE,
        "dct:accessRights": _ONE_NODE,
    },
    "dct:PeriodOfTime": {"dcat:startDate": _DAY, "dcat:endDate": _DAY},
    "spdx:Checksum": {
        "spdx:algorithm": Demand(1, 1),
        "spdx:checksumValue": Demand(1, 1, "literal", "xsd:hexBinary"),
    },
    "skos:Concept": {"skos:prefLabel": _TEXT},
    "skos:ConceptScheme": {"dct:title": _TEXT},
}

_DATES = frozenset({"xsd:date", "xsd:dateTime", "xsd:gYear", "xsd:gYearMonth"})


@dataclass(frozen=True)
class Fault:
    """What is wrong at a node, in words."""

    node: str
    property: str
    text: str

    def __str__(self) -> str:
        return f"{self.node}: {self.property} {self.text}"


def full_name(short: str) -> str:
    """``dct:title`` written out."""
    prefix, _, name = short.partition(":")
    return CONTEXT[prefix] + name


def faults(graph: Graph) -> list[Fault]:
    """What a graph lacks of what DCAT-AP demands."""
    from rdflib import RDF, URIRef

    found = []
    for kind, demands in DEMANDS.items():
        for node in sorted(set(graph.subjects(RDF.type, URIRef(full_name(kind)))), key=str):
            found += list(faults_of(graph, node, demands))
    return found


def faults_of(graph: Graph, node: Node, demands: Mapping[str, Demand]) -> Iterator[Fault]:
    """What one node lacks."""
    from rdflib import URIRef

    for name, demand in demands.items():
        values = list(graph.objects(node, URIRef(full_name(name))))
        if len(values) < demand.at_least:
            yield Fault(str(node), name, "is missing")
        if demand.at_most is not None and len(values) > demand.at_most:
            yield Fault(str(node), name, f"stands {len(values)} times, and may stand {demand.at_most} times")
        for value in values:
            if why := _wrong_kind(value, demand):
                yield Fault(str(node), name, f"is {str(value)[:80]!r}, {why}")


def _wrong_kind(value: Node, demand: Demand) -> str:
    from rdflib import Literal as RdfLiteral

    if demand.kind == "node":
        return "a text where an address is wanted" if isinstance(value, RdfLiteral) else ""
    if not isinstance(value, RdfLiteral):
        return "an address where a text is wanted"
    if demand.kind == "date":
        return "" if str(value.datatype) in {full_name(one) for one in _DATES} else "not a date"
    if demand.datatype and str(value.datatype) != full_name(demand.datatype):
        return f"not of the type {demand.datatype}"
    return ""
