"""DCAT-AP's own shapes, where they lie beside the project, and what they find wrong in a graph."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyshacl
import pytest
from rdflib import Graph, Namespace

from publish.metadata.turtle import as_turtle

FOLDER = Path(__file__).parents[4] / "shared" / "standards" / "dcat-ap"
SH = Namespace("http://www.w3.org/ns/shacl#")
BASE = "https://data.town.example/"

CORE, RANGE, VOCABULARIES = "html_shapes.ttl", "html_range.ttl", "html_mdr-vocabularies.shape.ttl"
# The rule for checksums wants https://spdx.org/rdf/terms, and the namespace is http://spdx.org/rdf/terms#.
UPSTREAM_FAULT = "http://spdx.org/rdf/terms#algorithm"

needs_shapes = pytest.mark.skipif(not FOLDER.is_dir(), reason="the profile's shapes are not beside the project")


@dataclass(frozen=True)
class Violation:
    """What a shape finds wrong: where, of which property, with which value, in its own words."""

    node: str
    path: str
    value: str
    message: str


def graph_of(document: Mapping[str, Any]) -> Graph:
    """The graph of a document of ours, read from its Turtle as it would stand at ``BASE``."""
    return Graph().parse(data=as_turtle(document), format="turtle", publicID=BASE)


@functools.cache
def shapes(*files: str | Path) -> Graph:
    """Shapes of these files of the profile, or of files of our own."""
    graph = Graph()
    for file in files:
        graph.parse(FOLDER / file if isinstance(file, str) else file, format="turtle")
    return graph


def violations(graph: Graph, of: Graph, *, with_warnings: bool = False) -> list[Violation]:
    """The violations of the shapes; warnings and the known fault of the shapes themselves left out."""
    asked = {SH.Violation, SH.Warning} if with_warnings else {SH.Violation}
    _, report, _ = pyshacl.validate(graph, shacl_graph=of, inference="none", do_owl_imports=False)
    found = []
    for result in report.objects(None, SH.result):
        if report.value(result, SH.resultSeverity) not in asked:
            continue
        parts = (SH.focusNode, SH.resultPath, SH.value, SH.resultMessage)
        one = Violation(*(str(report.value(result, part)) for part in parts))
        if one.path != UPSTREAM_FAULT:
            found.append(one)
    return found
