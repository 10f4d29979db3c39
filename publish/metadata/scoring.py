"""The quality of metadata as data.europa.eu measures it: up to 405 points a dataset, and what is lacking.

The indicators are those of its Metadata Quality Assessment. Of a dataset's distributions the best one counts. What
a format says is known only where it is a term of the EU's file-type table: a plain text such as ``CSV`` counts as
given, and as nothing else.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from publish.metadata.conformity import DEMANDS, faults_of, full_name
from publish.metadata.vocabularies import AUTHORITY
from publish.plans import PortalError

if TYPE_CHECKING:
    from rdflib import Graph
    from rdflib.term import Node

FULL = 405
EXCELLENT = 351  # from here on

# What its lists of formats say, by the codes of the file-type table.
MACHINE_READABLE = frozenset(
    {
        *("CSV", "TSV", "JSON", "JSON_LD", "GEOJSON", "XML", "XLS", "XLSX", "ODS", "KML", "GML", "GPKG"),
        *("RDF", "RDF_XML", "RDF_TURTLE", "RDF_N_TRIPLES", "RDF_TRIG", "SPARQLQ", "ATOM", "RSS"),
    }
)
NON_PROPRIETARY = frozenset(
    {
        *("CSV", "TSV", "JSON", "JSON_LD", "GEOJSON", "XML", "ODS", "ODT", "GML", "GPKG", "TXT", "HTML"),
        *("RDF", "RDF_XML", "RDF_TURTLE", "RDF_N_TRIPLES", "RDF_TRIG", "SPARQLQ", "ATOM", "RSS"),
    }
)

_IANA = "iana.org/assignments/media-types/"

CATALOGUE = "catalog.jsonld"
_NOWHERE = "https://nowhere.invalid/"  # stands for the address of a folder that knows none


# Does this address answer a request for its head with success?
Answers = Callable[[str], bool]
# Does a dataset conform to DCAT-AP, with one of its distributions?
Conforms = Callable[["Graph", "Node", "Node | None"], bool]


@dataclass(frozen=True)
class Indicator:
    """One thing that is measured. ``lacking`` says in words what is missing where it is not fulfilled."""

    dimension: str
    name: str
    points: int
    lacking: str


_OF_DATASET = (
    Indicator("findability", "keyword", 30, "it has no keyword (dcat:keyword)"),
    Indicator("findability", "theme", 30, "it has no theme (dcat:theme)"),
    Indicator("findability", "spatial", 20, "it does not say where its rows lie (dct:spatial)"),
    Indicator("findability", "temporal", 20, "it does not say of which time its rows are (dct:temporal)"),
    Indicator("reusability", "access rights", 10, "it does not say who may have it (dct:accessRights)"),
    Indicator("reusability", "known access rights", 5, "its access rights are none of the EU's table"),
    Indicator("reusability", "contact", 20, "it names nobody to write to (dcat:contactPoint)"),
    Indicator("reusability", "publisher", 10, "it has no publisher (dct:publisher)"),
)
_OF_DISTRIBUTION = (
    Indicator("accessibility", "access URL answers", 50, "its access address (dcat:accessURL) does not answer"),
    Indicator("accessibility", "download URL", 20, "it has no download address (dcat:downloadURL)"),
    Indicator("accessibility", "download URL answers", 30, "its download address does not answer"),
    Indicator("interoperability", "format", 20, "it has no format (dct:format)"),
    Indicator("interoperability", "media type", 10, "it has no media type (dcat:mediaType)"),
    Indicator(
        "interoperability", "known format", 10, "format or media type is no term of the EU's table and IANA's list"
    ),
    Indicator("interoperability", "non-proprietary", 20, "its format is not among those that nobody owns"),
    Indicator("interoperability", "machine-readable", 20, "its format is not among those that machines read"),
    Indicator("interoperability", "DCAT-AP", 30, "it does not conform to DCAT-AP"),
    Indicator("reusability", "licence", 20, "it has no licence (dct:license)"),
    Indicator("reusability", "known licence", 10, "its licence is none of the EU's table"),
    Indicator("contextuality", "rights", 5, "it says nothing of rights (dct:rights)"),
    Indicator("contextuality", "size", 5, "it does not say its size (dcat:byteSize)"),
    Indicator("contextuality", "issued", 5, "it does not say when it was issued (dct:issued)"),
    Indicator("contextuality", "modified", 5, "it does not say when it was modified (dct:modified)"),
)
INDICATORS = (*_OF_DATASET, *_OF_DISTRIBUTION)


@dataclass(frozen=True)
class Score:
    """A dataset's points, of which distribution they are, and which indicators are not fulfilled."""

    dataset: str
    points: int
    distribution: str
    lacking: tuple[Indicator, ...]

    @property
    def rating(self) -> str:
        """In data.europa.eu's words."""
        bounds = ((EXCELLENT, "excellent"), (221, "good"), (121, "sufficient"))
        return next((word for least, word in bounds if self.points >= least), "bad")

    def in_words(self) -> list[str]:
        """What is lacking, the dearest first."""
        ordered = sorted(self.lacking, key=lambda one: -one.points)
        return [f"{one.points} points: {one.lacking}" for one in ordered]


def graph_of(document: Mapping[str, Any] | str, base: str) -> Graph:
    """The graph of a JSON-LD document.

    Args:
        document: as it stands in the file, parsed or not.
        base: the document's own address.
    """
    import warnings

    from rdflib import Graph

    text = document if isinstance(document, str) else json.dumps(document)
    with warnings.catch_warnings():
        # rdflib 7.6 uses a class of its own that it calls deprecated
        warnings.simplefilter("ignore", DeprecationWarning)
        return Graph().parse(data=text, format="json-ld", base=base, publicID=base)


def score_folder(folder: Path) -> list[Score]:
    """The points of the datasets of a portal in a folder; an address answers where the folder has the file.

    Args:
        folder: the portal's, with ``catalog.jsonld``.

    Raises:
        PortalError: there is no catalogue, or it cannot be read.
    """
    path = folder / CATALOGUE
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        base = content["@id"] if "://" in content["@id"] else _NOWHERE
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise PortalError(
            f"{path}: no catalogue that could be measured: {error}; publish to this folder"
        ) from error

    def answers(address: str) -> bool:
        place = unquote(address.removeprefix(base)) if address.startswith(base) else ""
        return bool(place) and ".." not in place.split("/") and (folder / place).is_file()

    return score(graph_of(content, base), answers)


def score(graph: Graph, answers: Answers, conforms: Conforms | None = None) -> list[Score]:
    """The points of each dataset that a catalogue in the graph lists, else of each that has distributions.

    Args:
        graph: any DCAT graph.
        answers: asked of each access and download address once.
        conforms: says whether a dataset conforms to DCAT-AP; by default what ``conformity`` demands.
    """
    from rdflib import RDF, URIRef

    listed = set(graph.objects(None, URIRef(full_name("dcat:dataset"))))
    if not listed:
        kind = URIRef(full_name("dcat:Dataset"))
        has = URIRef(full_name("dcat:distribution"))
        listed = {node for node in graph.subjects(RDF.type, kind) if (node, has, None) in graph}
    known: dict[str, bool] = {}

    def asked(address: str) -> bool:
        if address not in known:
            known[address] = answers(address)
        return known[address]

    return [_score(graph, node, asked, conforms or conforms_to_demands) for node in sorted(listed, key=str)]


def conforms_to_demands(graph: Graph, dataset: Node, distribution: Node | None) -> bool:
    """Whether a dataset, one distribution and what they refer to are as ``conformity`` demands."""
    nodes = {dataset, *graph.objects(dataset)} - set(_values(graph, dataset, "dcat:distribution"))
    if distribution is not None:
        nodes |= {distribution, *graph.objects(distribution)}
    return not any(list(faults_of(graph, node, demands)) for node, demands in _demanded(graph, nodes))


def _demanded(graph: Graph, nodes: set[Node]) -> Iterator[tuple[Node, Mapping[str, Any]]]:
    from rdflib import RDF

    kinds = {full_name(kind): demands for kind, demands in DEMANDS.items()}
    for node in nodes:
        for kind in graph.objects(node, RDF.type):
            if str(kind) in kinds:
                yield node, kinds[str(kind)]


def _score(graph: Graph, dataset: Node, answers: Answers, conforms: Conforms) -> Score:
    fulfilled = _of_dataset(graph, dataset)
    lacking = [one for one, is_there in zip(_OF_DATASET, fulfilled, strict=True) if not is_there]
    best: tuple[int, str, list[Indicator]] = (-1, "", list(_OF_DISTRIBUTION))
    for distribution in [*sorted(_values(graph, dataset, "dcat:distribution"), key=str), None]:
        found = _of_distribution(graph, distribution, answers) if distribution is not None else {}
        found["DCAT-AP"] = conforms(graph, dataset, distribution)
        missing = [one for one in _OF_DISTRIBUTION if not found.get(one.name)]
        points = sum(one.points for one in _OF_DISTRIBUTION) - sum(one.points for one in missing)
        if points > best[0]:
            best = (points, str(distribution or ""), missing)
    lacking += best[2]
    return Score(str(dataset), FULL - sum(one.points for one in lacking), best[1], tuple(lacking))


def _of_dataset(graph: Graph, dataset: Node) -> list[bool]:
    access = _values(graph, dataset, "dct:accessRights")
    return [
        bool(_values(graph, dataset, "dcat:keyword")),
        bool(_values(graph, dataset, "dcat:theme")),
        bool(_values(graph, dataset, "dct:spatial")),
        bool(_values(graph, dataset, "dct:temporal")),
        bool(access),
        any(_code(value, "access-right") for value in access),
        bool(_values(graph, dataset, "dcat:contactPoint")),
        bool(_values(graph, dataset, "dct:publisher")),
    ]


def _of_distribution(graph: Graph, node: Node, answers: Answers) -> dict[str, bool]:
    """Which indicators a distribution fulfils, by name."""
    access, download = _values(graph, node, "dcat:accessURL"), _values(graph, node, "dcat:downloadURL")
    formats, media = _values(graph, node, "dct:format"), _values(graph, node, "dcat:mediaType")
    codes = {code for value in formats if (code := _code(value, "file-type"))}
    licences = _values(graph, node, "dct:license")
    return {
        "access URL answers": any(answers(str(value)) for value in access),
        "download URL": bool(download),
        "download URL answers": any(answers(str(value)) for value in download),
        "format": bool(formats),
        "media type": bool(media),
        "known format": bool(codes) and any(_IANA in str(value) for value in media),
        "non-proprietary": bool(codes & NON_PROPRIETARY),
        "machine-readable": bool(codes & MACHINE_READABLE),
        "licence": bool(licences),
        "known licence": any(_code(value, "licence") for value in licences),
        "rights": bool(_values(graph, node, "dct:rights")),
        "size": bool(_values(graph, node, "dcat:byteSize")),
        "issued": bool(_values(graph, node, "dct:issued")),
        "modified": bool(_values(graph, node, "dct:modified")),
    }


def _values(graph: Graph, node: Node, name: str) -> Sequence[Node]:
    from rdflib import URIRef

    return list(graph.objects(node, URIRef(full_name(name))))


def _code(value: Node, table: str) -> str:
    """The code of an authority table that a value is; empty for anything else."""
    from rdflib import URIRef

    start = f"{AUTHORITY}/{table}/"
    return str(value).removeprefix(start) if isinstance(value, URIRef) and str(value).startswith(start) else ""
