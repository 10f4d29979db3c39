"""The parts of a workbook's file, found as a spreadsheet program finds them."""

from __future__ import annotations

import posixpath
import re
import zipfile
from collections.abc import Iterator
from functools import lru_cache
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from warehouse.messages import message
from warehouse.sheets import limits
from warehouse.sheets.cells import SAVE_AGAIN, SheetError

_ENCODING = re.compile(rb"(?:\xef\xbb\xbf)?\s*<\?xml[^>]*?\sencoding\s*=\s*[\"']([^\"'>]{1,40})")
_ENCODINGS = frozenset({"utf-8", "utf-16", "utf8", "utf16", "us-ascii", "ascii", "iso-8859-1", "windows-1252"})
OWN_TYPE = message("its XML brings a document type of its own, which no spreadsheet program writes")


def _megabytes(size: int) -> str:
    return f"{size // limits.MEGABYTE:,} MB"


def _check_parts(archive: zipfile.ZipFile) -> None:
    """Refuse what would fill memory or disk, by the sizes the archive states (zipfile holds it to them)."""
    parts = archive.infolist()
    if len(parts) > limits.MAX_PARTS:
        raise SheetError(
            message(
                "it holds {parts} parts, more than the {most} a workbook may have",
                parts=len(parts),
                most=limits.MAX_PARTS,
            )
        )
    for part in parts:
        is_sheet = part_key(part.filename).startswith("xl/worksheets/")
        limit = limits.MAX_SHEET_BYTES if is_sheet else limits.MAX_PART_BYTES
        if part.file_size > limit:
            raise SheetError(
                message(
                    "its part “{part}” unpacks to {size}, more than the {most} allowed",
                    part=part.filename[:80],
                    size=_megabytes(part.file_size),
                    most=_megabytes(limit),
                ),
                message("Copy the data alone into a new workbook."),
            )
        if part.flag_bits & 0x1:
            raise SheetError(message("it is encrypted"), message("Save it without a password."))
        if part.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise SheetError(message("it is compressed in a way no spreadsheet program uses"))
    total = sum(part.file_size for part in parts)
    if total > limits.MAX_TOTAL_BYTES:
        raise SheetError(
            message(
                "it unpacks to {size}, more than {most}",
                size=_megabytes(total),
                most=_megabytes(limits.MAX_TOTAL_BYTES),
            )
        )


def part_key(name: str) -> str:
    """A part's name for comparison: its case does not count, and some programs write backslashes."""
    return name.replace("\\", "/").lstrip("/").casefold()


class Package:
    """The parts of an opened workbook, found as a spreadsheet program finds them.

    Raises:
        SheetError: it holds more than a workbook may, or two parts of one name that differ.
    """

    def __init__(self, archive: zipfile.ZipFile) -> None:
        _check_parts(archive)
        self.archive = archive
        self.names: dict[str, str] = {}
        for part in archive.infolist():
            key = part_key(part.filename)
            other = self.names.setdefault(key, part.filename)
            if archive.NameToInfo[other].CRC != part.CRC:
                raise SheetError(message("it holds two parts named “{part}”", part=part.filename[:80]), SAVE_AGAIN)

    def __contains__(self, part: str) -> bool:
        return part_key(part) in self.names

    def info(self, part: str) -> zipfile.ZipInfo:
        """A part's entry in the archive. KeyError: there is none."""
        return self.archive.getinfo(self.names[part_key(part)])

    def read(self, part: str) -> bytes:
        """A part's bytes."""
        return self.archive.read(self.info(part))

    def chunks(self, part: str) -> Iterator[bytes]:
        """A part's bytes, bit by bit."""
        with self.archive.open(self.info(part)) as stream:
            while chunk := stream.read(limits.CHUNK):
                yield chunk


@lru_cache(maxsize=512)
def local_name(name: str) -> str:
    """An element's or attribute's name without its namespace."""
    return name.rpartition("}")[2].rpartition(":")[2]


def check_encoding(part: str, start: bytes) -> None:
    """The parsers know every codec of Python, some of which are no encodings of text."""
    declared = _ENCODING.match(start[:200])
    encoding = declared[1].decode("ascii", "replace") if declared else "utf-8"
    if encoding.casefold() not in _ENCODINGS:
        raise SheetError(
            message(
                "its part “{part}” is in the encoding “{encoding}”, which no spreadsheet program writes",
                part=part[:80],
                encoding=encoding,
            ),
            SAVE_AGAIN,
        )


def unreadable(part: str, error: Exception) -> SheetError:
    """What to say of a part that is no XML."""
    return SheetError(
        message("its part “{part}” is XML that cannot be read ({error})", part=part[:80], error=str(error)[:80]),
        SAVE_AGAIN,
    )


def tree(package: Package, part: str) -> Element:
    """A part as a tree. SheetError: it is too large, or no XML."""
    if package.info(part).file_size > limits.MAX_TREE_BYTES:
        raise SheetError(
            message("its part “{part}” is larger than any spreadsheet program makes it", part=part[:80])
        )
    data = package.read(part)
    check_encoding(part, data)
    try:
        root: Element = fromstring(data, forbid_dtd=True)
    except DefusedXmlException as error:
        raise SheetError(OWN_TYPE) from error
    except (ParseError, ValueError, LookupError) as error:
        raise unreadable(part, error) from error
    return root


def children(element: Element, *names: str) -> Iterator[Element]:
    """Descendants along a path of local names: the namespace differs between the standard's two editions."""
    for child in element:
        if isinstance(child.tag, str) and local_name(child.tag) == names[0]:
            if len(names) == 1:
                yield child
            else:
                yield from children(child, *names[1:])


def attribute(element: Element, name: str, default: str = "") -> str:
    """An attribute by its local name."""
    return next((value for key, value in element.attrib.items() if local_name(key) == name), default)


def relationships(package: Package, part: str) -> dict[str, tuple[str, str]]:
    """Id -> (kind, part) of what a part refers to inside the file. What lies outside is never followed."""
    folder, name = posixpath.split(part)
    path = posixpath.join(folder, "_rels", f"{name}.rels")
    if path not in package:
        return {}
    found = {}
    for relation in children(tree(package, path), "Relationship"):
        if attribute(relation, "TargetMode") == "External":
            continue
        target = attribute(relation, "Target").replace("\\", "/")
        target = (
            target.lstrip("/") if target.startswith("/") else posixpath.normpath(posixpath.join(folder, target))
        )
        found[attribute(relation, "Id")] = (posixpath.basename(attribute(relation, "Type")), target)
    return found
