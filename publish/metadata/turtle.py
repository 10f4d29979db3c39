"""A JSON-LD document of ours as Turtle: the same document gives the same bytes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import count
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

if TYPE_CHECKING:
    from rdflib import Graph
    from rdflib.term import Node

    Triple = tuple[Node, Node, Node]


def as_turtle(document: Mapping[str, Any]) -> str:
    """The document as Turtle.

    Addresses that are relative in it are relative in the Turtle. Nodes without an address are numbered as they
    come, so that the order in which rdflib writes them does not depend on chance.
    """
    return graph_of(document).serialize(format="turtle")


def graph_of(document: Mapping[str, Any]) -> Graph:
    """The graph of a document that consists of what ours do.

    That is nodes within nodes, with keys and addresses in the prefixes of one context, relative addresses as they
    are. rdflib's own reader of JSON-LD makes them absolute, and warns of itself at each document (7.6).
    """
    from rdflib import Graph

    context: Mapping[str, str] = document["@context"]
    graph = Graph(bind_namespaces="none")
    for prefix, namespace in sorted(context.items()):
        graph.bind(prefix, namespace, override=True, replace=True)
    for triple in _Reader(context).triples(document):
        graph.add(triple)
    return graph


_NO_ADDRESS = re.compile(r"[\x00-\x20<>\"{}|\\^`]")


class _Reader:
    """Reads nodes of a document, numbering those without an address."""

    def __init__(self, context: Mapping[str, str]) -> None:
        self._context = context
        self._numbers = count()

    def triples(self, document: Mapping[str, Any]) -> Iterator[Triple]:
        """Everything that the document says."""
        yield from self._node(document, self._name(document))
        for node in document.get("@included", ()):
            yield from self._node(node, self._name(node))

    def _node(self, node: Mapping[str, Any], name: Node) -> Iterator[Triple]:
        from rdflib import RDF, URIRef

        for key, value in sorted(node.items()):
            values = value if isinstance(value, Sequence) and not isinstance(value, str) else [value]
            if key == "@type":
                yield from ((name, RDF.type, self._address(kind)) for kind in values)
            elif not key.startswith("@"):
                for one in values:
                    yield from self._value(name, URIRef(self._full(key)), one)

    def _value(self, subject: Node, predicate: Node, value: Any) -> Iterator[Triple]:
        from rdflib import Literal

        if not isinstance(value, Mapping):
            yield (subject, predicate, Literal(value))
        elif "@value" in value:
            datatype = self._full(value["@type"]) if "@type" in value else None
            # as it is written: rdflib would write numbers and dates in its own way
            text = Literal(value["@value"], lang=value.get("@language"), datatype=datatype, normalize=False)
            yield (subject, predicate, text)
        else:
            name = self._name(value)
            yield (subject, predicate, name)
            yield from self._node(value, name)

    def _name(self, node: Mapping[str, Any]) -> Node:
        from rdflib import BNode

        return self._address(node["@id"]) if "@id" in node else BNode(f"b{next(self._numbers):06d}")

    def _address(self, address: str) -> Node:
        from rdflib import URIRef

        # what no address may hold, as it may stand in an e-mail address that somebody wrote
        return URIRef(_NO_ADDRESS.sub(lambda found: quote(found[0]), self._full(address)))

    def _full(self, address: str) -> str:
        prefix, colon, rest = address.partition(":")
        return self._context[prefix] + rest if colon and prefix in self._context else address
