"""The looks of our marks and our list, put behind those that a workbook has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from checks.annotate.editing import Document, SurgeryError
from checks.annotate.surgery import XML_HEAD, Surgery
from warehouse.messages import message

_ORDER = (
    "numFmts", "fonts", "fills", "borders", "cellStyleXfs", "cellXfs", "cellStyles", "dxfs", "tableStyles",
    "colors", "extLst",
)  # fmt: skip
_CONTENT_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.styles+xml"
_MOST_FORMATS = 64_000  # Excel's limit of cell formats
_OWN_FILLS = (
    '<fill><patternFill patternType="none"/></fill>',
    '<fill><patternFill patternType="gray125"/></fill>',
)
_PLAIN = (
    '<styleSheet xmlns="{main}"><fonts count="1"><font><sz val="11"/><name val="Calibri"/></font></fonts>'
    '<borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders>'
    '<cellStyleXfs count="1"><xf/></cellStyleXfs><cellXfs count="1"><xf/></cellXfs>'
    '<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>'
)


@dataclass(frozen=True)
class Look:
    """How a cell of our list looks. Colours are ARGB."""

    size: int = 11
    is_bold: bool = False
    is_link: bool = False
    colour: str = ""
    fill: str = ""
    border: str = ""  # of the line below it
    is_wrapped: bool = True
    is_quoted: bool = False  # text that would be a formula if somebody typed it

    def font(self) -> str:
        """Its font."""
        colour = "FF0563C1" if self.is_link else self.colour or "FF000000"
        return (
            (
                "<font>{b}{u}"
                f'<sz val="{self.size}"/><color rgb="{colour}"/><name val="Calibri"/><family val="2"/></font>'
            )
            .replace("{b}", "<b/>" if self.is_bold else "")
            .replace("{u}", "<u/>" if self.is_link else "")
        )


class StyleSheet:
    """The styles of a workbook, and what is added to them. What is there already is used again."""

    def __init__(self, surgery: Surgery) -> None:
        part = next((one.target for one in surgery.related(surgery.root, "styles")), None)
        self._document = surgery.document(part) if part else self._made(surgery)
        self._prefix = self._document.prefix
        self._lists: dict[str, list[bytes]] = {}
        self._counts: dict[str, int] = {}
        self._looks: dict[Look, int] = {}

    def _made(self, surgery: Surgery) -> Document:
        part = surgery.free_name("xl/styles{}.xml")
        document = Document(part, XML_HEAD + _PLAIN.format(main=surgery.main).encode())
        surgery.add(part, _CONTENT_TYPE, lambda: [document.result()])
        surgery.relate(surgery.root, "styles", part)
        return document

    def look(self, look: Look) -> int:
        """The number of a cell format."""
        if look not in self._looks:
            font = self._number("fonts", look.font())
            fill = (
                self._number(
                    "fills",
                    f'<fill><patternFill patternType="solid"><fgColor rgb="{look.fill}"/><bgColor indexed="64"/>'
                    "</patternFill></fill>",
                )
                if look.fill
                else 0
            )
            border = (
                self._number(
                    "borders",
                    f'<border><left/><right/><top/><bottom style="thin"><color rgb="{look.border}"/></bottom>'
                    "<diagonal/></border>",
                )
                if look.border
                else self._number("borders", "<border><left/><right/><top/><bottom/><diagonal/></border>")
            )
            quoted = ' quotePrefix="1"' if look.is_quoted else ""
            wrap = ' wrapText="1"' if look.is_wrapped else ""
            self._looks[look] = self._number(
                "cellXfs",
                f'<xf numFmtId="0" fontId="{font}" fillId="{fill}" borderId="{border}" xfId="0"'
                f' applyNumberFormat="1" applyFont="1" applyFill="1" applyBorder="1" applyAlignment="1"{quoted}>'
                f'<alignment horizontal="left" vertical="top"{wrap}/></xf>',
            )
            if self._looks[look] >= _MOST_FORMATS:
                raise SurgeryError(message("it has as many cell formats as a workbook can hold"))
        return self._looks[look]

    def mark(self, colour: str, line: str, style: str) -> int:
        """The number of the format that a mark gives to a cell: its colour, and a line around it."""
        sides = "".join(
            f'<{side} style="{style}"><color rgb="{line}"/></{side}>'
            for side in ("left", "right", "top", "bottom")
        )
        return self._number(
            "dxfs",
            '<dxf><font><color rgb="FF000000"/></font><fill><patternFill patternType="solid">'
            f'<fgColor rgb="{colour}"/><bgColor rgb="{colour}"/></patternFill></fill>'
            f"<border>{sides}</border></dxf>",
        )

    def _number(self, kind: str, xml: str) -> int:
        """The place of an entry in its list, where it is put if it is not there."""
        written = self._written(xml)
        if kind not in self._lists:
            node = self._document.root.first(kind)
            self._lists[kind] = [] if node is None else [self._document.whole(one) for one in node.children]
            self._counts[kind] = len(self._lists[kind])
            if kind == "fills":  # the first two are Excel's own, whatever stands there
                self._lists[kind] += [self._written(xml) for xml in _OWN_FILLS[len(self._lists[kind]) :]]
        entries = self._lists[kind]
        if written not in entries:
            entries.append(written)
        return entries.index(written)

    def _written(self, xml: str) -> bytes:
        return xml.replace("<", f"<{self._prefix}").replace(f"<{self._prefix}/", f"</{self._prefix}").encode()

    def finish(self) -> None:
        """Put what was added into the part."""
        for kind, entries in self._lists.items():
            added = b"".join(entries[self._counts[kind] :])
            if not added:
                continue
            node = self._document.root.first(kind)
            if node is not None:
                self._document.change(node, {"count": str(len(entries))}, last=added)
                continue
            name = f"{self._prefix}{kind}"
            whole = f'<{name} count="{len(entries)}">'.encode() + added + f"</{name}>".encode()
            put(self._document, kind, _ORDER, whole)


def put(document: Document, kind: str, order: Sequence[str], xml: bytes) -> None:
    """Put a new child of the root at the place that the standard's order gives to its kind, behind its like.

    What the order does not name is passed over.
    """
    for child in document.root.children:
        if child.local in order and order.index(child.local) > order.index(kind):
            document.insert(child.start, xml)
            return
    document.change(document.root, last=xml)
