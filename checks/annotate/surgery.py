"""A workbook's file with parts added, changed and taken out; all others stay byte for byte."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import BinaryIO

from checks.annotate.editing import Document, Node, escaped, strange, too_large
from checks.annotate.packing import ZipWriter
from warehouse.sheets.xlsx import Package, part_key

_STRICT_MAIN = "http://purl.oclc.org/ooxml/spreadsheetml/main"
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_STRICT_KINDS = "http://purl.oclc.org/ooxml/officeDocument/relationships"
_KINDS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
KIND_SPACES = (_KINDS, _STRICT_KINDS)
_RELATIONS = "http://schemas.openxmlformats.org/package/2006/relationships"
_TYPES = "[Content_Types].xml"
MAX_CHANGED_BYTES = 100 << 20  # of a part that is held whole to be changed
XML_HEAD = b'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'


@dataclass(frozen=True, slots=True)
class Relation:
    """What a part refers to: its id, the last word of its kind, and the part (nothing for what lies outside)."""

    identity: str
    kind: str
    target: str


class _Relations:
    """The relationships of a part, and those to be added or taken away."""

    def __init__(self, surgery: Surgery, owner: str) -> None:
        folder, name = posixpath.split(owner)
        self.part = posixpath.join(folder, "_rels", f"{name}.rels")
        self.exists = self.part in surgery.package
        self.listed: list[Relation] = []
        self.added: list[bytes] = []
        if self.exists:
            for node in surgery.document(self.part).root.all("Relationship"):
                target = node.get("Target").replace("\\", "/")
                if node.get("TargetMode") == "External":
                    target = ""
                elif target.startswith("/"):
                    target = target.lstrip("/")
                else:
                    target = posixpath.normpath(posixpath.join(folder, target))
                self.listed.append(Relation(node.get("Id"), posixpath.basename(node.get("Type")), target))


class Surgery:
    """A package, and the changes to it until it is written.

    Raises:
        SurgeryError: it is not built as a workbook is.
    """

    def __init__(self, package: Package) -> None:
        self.package = package
        self._documents: dict[str, Document] = {}
        self._relations: dict[str, _Relations] = {}
        self._new: dict[str, Callable[[], Iterable[bytes]]] = {}
        self._streamed: dict[str, Callable[[], Iterable[bytes]]] = {}
        self._dropped: set[str] = set()
        self._types: list[bytes] = []
        root = next((one.target for one in self.relations("") if one.kind == "officeDocument"), "xl/workbook.xml")
        if root not in package:
            raise strange(root)
        self.root = root
        space = self.document(root).prefix_of(_STRICT_MAIN)
        self.is_strict = space is not None
        self.main = _STRICT_MAIN if self.is_strict else _MAIN
        self.kinds = _STRICT_KINDS if self.is_strict else _KINDS

    def document(self, part: str) -> Document:
        """A part to be changed."""
        key = part_key(part)
        if key not in self._documents:
            if self.package.info(part).file_size > MAX_CHANGED_BYTES:
                raise too_large(part)
            self._documents[key] = Document(part, self.package.read(part))
        return self._documents[key]

    def relations(self, owner: str) -> list[Relation]:
        """What a part refers to."""
        return self._relations_of(owner).listed

    def related(self, owner: str, kind: str) -> list[Relation]:
        """What a part refers to that is of a kind and is there."""
        return [one for one in self.relations(owner) if one.kind == kind and one.target in self.package]

    def all_relations(self) -> dict[str, list[Relation]]:
        """What every part refers to, by the part that refers."""
        found = {}
        for key, name in self.package.names.items():
            if key.endswith(".rels"):
                folder, file = posixpath.split(name.replace("\\", "/").lstrip("/"))
                owner = posixpath.join(posixpath.dirname(folder), file[: -len(".rels")])
                found[owner] = self.relations(owner)
        return found

    def _relations_of(self, owner: str) -> _Relations:
        key = part_key(owner)
        if key not in self._relations:
            self._relations[key] = _Relations(self, owner)
        return self._relations[key]

    def relate(self, owner: str, kind: str, target: str) -> str:
        """Let a part refer to another. Gives the reference's id."""
        relations = self._relations_of(owner)
        taken = {one.identity for one in relations.listed}
        number = len(taken) + 1
        while f"rId{number}" in taken:
            number += 1
        identity = f"rId{number}"
        relations.listed.append(Relation(identity, kind, target))
        relations.added.append(
            f'Relationship Id="{identity}" Type="{self.kinds}/{kind}" Target="'.encode()
            + escaped(f"/{target}")
            + b'"'
        )
        return identity

    def unrelate(self, owner: str, identity: str) -> None:
        """Let a part refer to another no more."""
        relations = self._relations_of(owner)
        relations.listed = [one for one in relations.listed if one.identity != identity]
        document = self.document(relations.part)
        for node in document.root.all("Relationship"):
            if node.get("Id") == identity:
                document.remove(node)

    def free_name(self, pattern: str) -> str:
        """A part's name that is not taken: the pattern with the first number that is free."""
        number = 1
        while pattern.format(number) in self.package or pattern.format(number) in self._new:
            number += 1
        return pattern.format(number)

    def add(self, part: str, content_type: str, content: Callable[[], Iterable[bytes]]) -> None:
        """Add a part."""
        self._new[part] = content
        ending = part.rpartition(".")[2]
        known = {node.get("Extension").lower(): node.get("ContentType") for node in self._defaults()}
        if ending == "xml" or known.get(ending, content_type) != content_type:
            name = b'Override PartName="' + escaped(f"/{part}")
            self._types.append(name + f'" ContentType="{content_type}"'.encode())
        elif ending not in known:
            default = f'Default Extension="{ending}" ContentType="{content_type}"'.encode()
            if default not in self._types:
                self._types.append(default)

    def stream(self, part: str, content: Callable[[], Iterable[bytes]]) -> None:
        """Change a part that is too large to be held."""
        self._streamed[part_key(part)] = content

    def drop(self, part: str) -> None:
        """Take a part out, with what it alone refers to."""
        if part_key(part) in self._dropped or part not in self.package:
            return
        self._dropped.add(part_key(part))
        mine = self._relations_of(part)
        targets, mine.listed = [one.target for one in mine.listed if one.target], []
        self._dropped.add(part_key(mine.part))
        wanted = {part_key(one.target) for relations in self.all_relations().values() for one in relations}
        for target in targets:
            if part_key(target) not in wanted:
                self.drop(target)

    def content_type(self, part: str) -> str:
        """What kind of content a part says it is."""
        document = self.document(_TYPES)
        for node in document.root.all("Override"):
            if part_key(node.get("PartName")) == part_key(part):
                return node.get("ContentType")
        return ""

    def _defaults(self) -> Iterable[Node]:
        return self.document(_TYPES).root.all("Default")

    def set_content_type(self, part: str, content_type: str) -> None:
        """Let a part say that it is another kind of content."""
        document = self.document(_TYPES)
        for node in document.root.all("Override"):
            if part_key(node.get("PartName")) == part_key(part):
                document.change(node, {"ContentType": content_type})

    def write(self, target: BinaryIO) -> None:
        """Write the file: what was there in its order, then what is new."""
        self._finish_relations()
        self._finish_types()
        writer = ZipWriter(target)
        seen = set()
        for info in self.package.archive.infolist():
            key = part_key(info.filename)
            if key in self._dropped or key in seen:
                continue
            seen.add(key)
            document = self._documents.get(key)
            if key in self._streamed:
                writer.write(info.filename, self._streamed[key]())
            elif document is not None and document.is_changed:
                writer.write(info.filename, [document.result()])
            else:
                writer.copy(self.package.archive, info)
        for name, content in self._new.items():
            writer.write(name, content())
        writer.finish()

    def _finish_relations(self) -> None:
        for relations in self._relations.values():
            if not relations.added:
                continue
            if relations.exists:
                document = self.document(relations.part)
                prefix = document.prefix.encode()
                document.change(
                    document.root, last=b"".join(b"<" + prefix + one + b"/>" for one in relations.added)
                )
            else:
                inner = b"".join(b"<" + one + b"/>" for one in relations.added)
                data = XML_HEAD + f'<Relationships xmlns="{_RELATIONS}">'.encode() + inner + b"</Relationships>"
                self._new[relations.part] = lambda data=data: [data]  # type: ignore[misc]

    def _finish_types(self) -> None:
        document = self.document(_TYPES)
        for node in document.root.all("Override"):
            if part_key(node.get("PartName")) in self._dropped:
                document.remove(node)
        if self._types:
            prefix = document.prefix.encode()
            document.change(document.root, last=b"".join(b"<" + prefix + one + b"/>" for one in self._types))
