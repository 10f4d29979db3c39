"""A part's XML changed in places, every other byte as it was.

A part that is parsed and written anew loses what the writer does not know: prefixes that an attribute's value
names, extensions, the order of things. So a part is read for the places of its elements alone, and what is new
is put in between them, in the prefixes that the part itself uses.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from xml.parsers import expat

from warehouse.messages import message
from warehouse.sheets.xlsx import check_encoding, local_name

MAX_ELEMENTS = 1_000_000  # of one part that is changed: each is kept with its place
_TAG = re.compile(rb"<[^\s/>]+(?:\s+[^\s=>/]+\s*=\s*(?:\"[^\"]*\"|'[^']*'))*\s*/?>")
_ATTRIBUTE = re.compile(rb"\s+([^\s=>/]+)\s*=\s*(?:\"[^\"]*\"|'[^']*')")
_DECLARED = re.compile(r"(<\?xml[^>]*?encoding\s*=\s*[\"'])[^\"']+")
_UNWRITABLE = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_LOOKS_ESCAPED = re.compile("_(?=x[0-9A-Fa-f]{4}_)")


class SurgeryError(Exception):
    """A file is not built as it would have to be, to put something into it.

    ``reason`` is a clause that says why.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def strange(part: str) -> SurgeryError:
    """What to say of a part that cannot be changed without a guess."""
    return SurgeryError(
        message("its part '{part}' is not written as a spreadsheet program writes it", part=part[:80])
    )


def too_large(part: str) -> SurgeryError:
    """What to say of a part that is too large to be changed."""
    return SurgeryError(
        message("its part '{part}' is larger than any spreadsheet program makes it", part=part[:80])
    )


@dataclass(slots=True)
class Node:
    """An element and its place: bytes ``start`` to ``end``; its content lies from ``inner`` to ``inner_end``."""

    name: str
    local: str
    attributes: dict[str, str]
    start: int
    inner: int
    inner_end: int = 0
    end: int = 0
    children: list[Node] = field(default_factory=list)

    def all(self, *path: str) -> Iterator[Node]:
        """Descendants along a path of local names."""
        for child in self.children:
            if child.local == path[0]:
                if len(path) == 1:
                    yield child
                else:
                    yield from child.all(*path[1:])

    def first(self, *path: str) -> Node | None:
        """The first descendant along a path."""
        return next(self.all(*path), None)

    def walk(self) -> Iterator[Node]:
        """All descendants."""
        for child in self.children:
            yield child
            yield from child.walk()

    def get(self, name: str, default: str = "") -> str:
        """An attribute by its local name."""
        return next((value for key, value in self.attributes.items() if local_name(key) == name), default)


class Document:
    """A part and the changes to it. ``data`` are its bytes as they were, in an encoding that holds ASCII as such.

    Raises:
        SurgeryError: it is no XML, brings a document type, or is too large.
    """

    def __init__(self, part: str, data: bytes) -> None:
        self.part = part
        self.data = in_utf8(part, data)
        self._edits: list[tuple[int, int, bytes]] = []
        self.root = self._parsed()
        name = self.root.name
        self.prefix = f"{name.rpartition(':')[0]}:" if ":" in name else ""

    def _parsed(self) -> Node:
        check_encoding(self.part, self.data)
        parser = expat.ParserCreate()
        parser.buffer_text = True
        stack: list[Node] = []
        roots: list[Node] = []
        count = 0

        def refuse(*_: Any) -> None:
            raise strange(self.part)

        def start(name: str, attributes: dict[str, str]) -> None:
            nonlocal count
            count += 1
            if count > MAX_ELEMENTS or len(stack) > 200:
                raise too_large(self.part)
            at = parser.CurrentByteIndex
            tag = _TAG.match(self.data, at)
            if tag is None:
                raise strange(self.part)
            node = Node(name, local_name(name), attributes, at, tag.end())
            (stack[-1].children if stack else roots).append(node)
            stack.append(node)

        def end(_: str) -> None:
            node = stack.pop()
            if self.data[node.inner - 2 : node.inner] == b"/>":
                node.inner_end = node.end = node.inner
            else:
                node.inner_end = parser.CurrentByteIndex
                node.end = self.data.index(b">", node.inner_end) + 1

        parser.StartDoctypeDeclHandler = refuse
        parser.EntityDeclHandler = refuse
        parser.StartElementHandler = start
        parser.EndElementHandler = end
        try:
            parser.Parse(self.data, True)
        except expat.ExpatError as error:
            raise strange(self.part) from error
        return roots[0]

    def prefix_of(self, *spaces: str) -> str | None:
        """The prefix, with its colon, by which the root knows one of some namespaces; None if by none."""
        for name, value in self.root.attributes.items():
            if name.startswith("xmlns") and value in spaces:
                return f"{name.removeprefix('xmlns:')}:" if ":" in name else ""
        return None

    def content(self, node: Node) -> bytes:
        """What is in an element, as it stands."""
        return self.data[node.inner : node.inner_end]

    def whole(self, node: Node) -> bytes:
        """An element as it stands."""
        return self.data[node.start : node.end]

    def insert(self, at: int, xml: bytes) -> None:
        """Put something in at a place."""
        self._edits.append((at, at, xml))

    def remove(self, node: Node) -> None:
        """Take an element out."""
        self._edits.append((node.start, node.end, b""))

    def replace(self, start: int, end: int, xml: bytes) -> None:
        """Put something in the place of something."""
        self._edits.append((start, end, xml))

    def change(
        self, node: Node, attributes: Mapping[str, str | None] | None = None, first: bytes = b"", last: bytes = b""
    ) -> None:
        """Set attributes of an element (None takes one away), and put something in as its first or last content.

        An element is changed once: its tag may have to be opened.
        """
        tag = old = self.data[node.start : node.inner]
        for name, value in (attributes or {}).items():
            tag = _with_attribute(tag, name, value)
        if tag.endswith(b"/>") and (first or last):
            closing = b"</" + node.name.encode() + b">"
            self._edits.append((node.start, node.inner, tag[:-2].rstrip() + b">" + first + last + closing))
            return
        if tag + first != old:
            self._edits.append((node.start, node.inner, tag + first))
        if last:
            self.insert(node.inner_end, last)

    @property
    def is_changed(self) -> bool:
        """Whether there is any change."""
        return bool(self._edits)

    def result(self, start: int = 0, end: int | None = None) -> bytes:
        """The part with its changes, or the stretch of it that lay between two places."""
        stop = len(self.data) if end is None else end
        pieces = []
        at = start
        for first, last, xml in sorted(self._edits, key=lambda edit: edit[:2]):
            if first < start or last > stop:
                continue
            if first < at:
                raise strange(self.part)
            pieces += [self.data[at:first], xml]
            at = last
        return b"".join([*pieces, self.data[at:stop]])


def _with_attribute(tag: bytes, name: str, value: str | None) -> bytes:
    written = b"" if value is None else f' {name}="'.encode() + escaped(value) + b'"'
    for match in _ATTRIBUTE.finditer(tag):
        if match[1] == name.encode():
            return tag[: match.start()] + written + tag[match.end() :]
    end = len(tag) - (2 if tag.endswith(b"/>") else 1)
    return tag[:end].rstrip() + written + tag[end:]


def in_utf8(part: str, data: bytes) -> bytes:
    """XML in an encoding in which a tag can be found by its bytes: UTF-16 is written anew as UTF-8."""
    if not data.startswith((b"\xff\xfe", b"\xfe\xff")) and b"\0" not in data[:4]:
        return data
    try:
        text = data.decode("utf-16")
    except UnicodeDecodeError as error:
        raise strange(part) from error
    return _DECLARED.sub(r"\g<1>UTF-8", text, count=1).encode("utf-8", "replace")


def writable(text: str) -> str:
    """A text without the characters that XML cannot hold."""
    return _UNWRITABLE.sub("", text.replace("\r\n", "\n"))


def escaped(text: str) -> bytes:
    """A text as XML that is right in every encoding that holds ASCII."""
    text = writable(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")
    text = text.replace("\r", "&#13;").replace("\n", "&#10;").replace("\t", "&#9;")
    return text.encode("ascii", "xmlcharrefreplace")


def cell_text(text: str) -> bytes:
    """A text as a cell or a comment holds it: what looks like the escape of a character stays what it is."""
    return escaped(_LOOKS_ESCAPED.sub("_x005F_", text))
