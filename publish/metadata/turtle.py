"""A JSON-LD document of ours as Turtle: the same document gives the same bytes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from itertools import count
from typing import Any


def as_turtle(document: Mapping[str, Any]) -> str:
    """The document as Turtle.

    Addresses that are relative in it are relative in the Turtle. Nodes without an address are numbered as they
    come, so that the order in which rdflib writes them does not depend on chance.
    """
    from rdflib import Graph

    text = json.dumps(_named(document, count()))
    # stands for the document's own place while it is parsed; nothing that the document says is taken for it
    here = next(place for n in count() if (place := f"https://here-{n}.invalid/") not in text)
    graph = Graph(bind_namespaces="none")
    graph.parse(data=text, format="json-ld", base=here)
    for prefix, namespace in sorted(document["@context"].items()):
        graph.bind(prefix, namespace, override=True, replace=True)
    # the place itself is a folder; `<>` would be the document
    return graph.serialize(format="turtle").replace(f"<{here}>", "<./>").replace(f"<{here}", "<")


def _named(node: Any, numbers: Any) -> Any:
    """A copy in which each node without an address has a name of the document's own."""
    if isinstance(node, Mapping):
        named = {
            key: value if key == "@context" else _named(value, numbers) for key, value in sorted(node.items())
        }
        if "@value" not in node and "@id" not in node:
            named["@id"] = f"_:b{next(numbers):06d}"
        return named
    if isinstance(node, Sequence) and not isinstance(node, str):
        return [_named(value, numbers) for value in node]
    return node
