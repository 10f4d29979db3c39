"""How a version is cited, in the terms of DataCite: creator, year, title, version, publisher, type, identifier."""

from __future__ import annotations

import re
from dataclasses import dataclass

from publish.desired import DesiredDataset
from publish.metadata.versions import identifier_of
from warehouse.declarations import DatasetDeclaration
from warehouse.releases import Release

_TEX = {"\\": r"\textbackslash{}", "{": r"\{", "}": r"\}"} | {sign: f"\\{sign}" for sign in "&%$#_"}


@dataclass(frozen=True)
class Citation:
    """A version as it is cited. ``identifier`` is the address of that version, or its name where it has none."""

    creator: str
    year: int
    title: str
    version: str
    publisher: str
    identifier: str
    type: str = "Dataset"

    @property
    def text(self) -> str:
        """In the form that DataCite recommends."""
        head = f"{self.creator} ({self.year}). {self.title} (Version {self.version})"
        return f"{head} [{self.type}]. {self.publisher}. {self.identifier}"

    @property
    def key(self) -> str:
        """What BibTeX calls it: the title's letters and the version's."""
        words = re.findall(r"[a-z0-9]+", self.title.lower())[:3]
        return "-".join([*(words or ["dataset"]), self.version])

    @property
    def bibtex(self) -> str:
        """As an entry of BibTeX."""
        fields = {
            # braces keep the name of an organisation in one piece
            "author": f"{{{_tex(self.creator)}}}",
            "title": f"{{{_tex(self.title)}}}",
            "year": str(self.year),
            "version": _tex(self.version),
            "publisher": _tex(self.publisher),
            "url": _tex_address(self.identifier),
        }
        lines = ",\n".join(f"  {name} = {{{value}}}" for name, value in fields.items())
        return f"@misc{{{self.key},\n{lines}\n}}"

    @property
    def ris(self) -> str:
        """As RIS, which reference managers import."""
        fields = [
            ("TY", "DATA"),
            ("AU", self.creator),
            ("PY", str(self.year)),
            ("TI", self.title),
            ("ET", self.version),
            ("PB", self.publisher),
            ("UR", self.identifier),
        ]
        return "".join(f"{tag}  - {_line(value)}\r\n" for tag, value in [*fields, ("ER", "")])

    @property
    def datacite(self) -> dict[str, object]:
        """In the terms of DataCite's metadata schema, version 4."""
        kind = "URL" if self.identifier.startswith(("http://", "https://")) else "URN"
        return {
            "identifiers": [{"identifier": self.identifier, "identifierType": kind}],
            "creators": [{"name": self.creator, "nameType": "Organizational"}],
            "titles": [{"title": self.title}],
            "publisher": {"name": self.publisher},
            "publicationYear": self.year,
            "types": {"resourceTypeGeneral": self.type},
            "version": self.version,
            "schemaVersion": "http://datacite.org/schema/kernel-4",
        }


def citation(wanted: DesiredDataset, address: str) -> Citation:
    """How the version that a portal shows is cited.

    Args:
        wanted: the dataset.
        address: where that version stands for good; empty where the portal does not know its address.
    """
    return cited_as(wanted.declaration, wanted.release, address)


def cited_as(declaration: DatasetDeclaration, release: Release, address: str = "") -> Citation:
    """How a release is cited, see ``citation``."""
    entry = declaration.entry
    return Citation(
        creator=_line((entry.owner or entry.publisher).title),
        year=release.data_date.year,
        title=_line(entry.title),
        version=release.version,
        publisher=_line(entry.publisher.title),
        identifier=address or identifier_of(release),
    )


def _line(text: str) -> str:
    """A text as one line: a line's end would begin a field of its own."""
    return " ".join(text.split())


def _tex(text: str) -> str:
    return "".join(_TEX.get(sign, sign) for sign in text)


def _tex_address(text: str) -> str:
    return text.replace("\\", "%5C").replace("{", "%7B").replace("}", "%7D")
