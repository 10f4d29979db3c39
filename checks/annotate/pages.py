"""A sheet's XML with our marks in it; its rows go by as they are.

Everything that we put into a sheet stands before or behind its rows. So these are never parsed here: the part is
cut at them, what is left is a small document, and the rows are written through bit by bit.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain

from checks.annotate.editing import Document, Node, strange, too_large
from checks.annotate.styles import put
from checks.annotate.surgery import KIND_SPACES, MAX_CHANGED_BYTES, Surgery
from warehouse.declarations import Severity
from warehouse.sheets import column_letters
from warehouse.sheets.xlsx import Package

AUTHOR = "opendistrict"
_MARK_FORMULA = f"N(&quot;{AUTHOR}&quot;)=0"  # always true; by it we know our own conditional formats again
_OURS = re.compile(rb'(?:"|&quot;|&#34;)' + AUTHOR.encode() + rb'(?:"|&quot;|&#34;)')
_ROWS_START = re.compile(rb"<(?:[\w.-]+:)?sheetData(?=[\s/>])")
_ROWS_END = re.compile(rb"</(?:[\w.-]+:)?sheetData\s*>")
_OVERLAP = 128
_ORDER = (
    "sheetPr",
    "dimension",
    "sheetViews",
    "sheetFormatPr",
    "cols",
    "sheetData",
    "sheetCalcPr",
    "sheetProtection",
    "protectedRanges",
    "scenarios",
    "autoFilter",
    "sortState",
    "dataConsolidate",
    "customSheetViews",
    "mergeCells",
    "phoneticPr",
    "conditionalFormatting",
    "dataValidations",
    "hyperlinks",
    "printOptions",
    "pageMargins",
    "pageSetup",
    "headerFooter",
    "rowBreaks",
    "colBreaks",
    "customProperties",
    "cellWatches",
    "ignoredErrors",
    "smartTags",
    "drawing",
    "legacyDrawing",
    "legacyDrawingHF",
    "drawingHF",
    "picture",
    "oleObjects",
    "AlternateContent",
    "controls",
    "webPublishItems",
    "tableParts",
    "extLst",
)  # fmt: skip; what is for newer programs alone wraps objects and form controls
_PAINTED = frozenset({"dataBar", "iconSet", "colorScale"})  # what lies above a fill, whatever gave the fill
_AREAS = 500  # in one conditional format


class Page:
    """A sheet that is marked.

    ``document`` is the sheet without what is in its rows.
    """

    def __init__(self, surgery: Surgery, part: str) -> None:
        self.part = part
        self._surgery = surgery
        self._rows = _rows_of(surgery.package, part)
        first, last = self._rows
        kept = b"".join(_stretches(surgery.package, part, (0, first), (last, None)))
        self.document = Document(part, kept)
        rows = self.document.root.first("sheetData")
        if first != last and (rows is None or rows.inner != first or rows.inner_end != first):
            raise strange(part)
        self._cut = first

    def unmark(self) -> None:
        """Take our former colours off."""
        for formats in self.document.root.all("conditionalFormatting"):
            rules = list(formats.all("cfRule"))
            ours = [rule for rule in rules if _OURS.search(self.document.content(rule))]
            for node in [formats] if len(ours) == len(rules) else ours:
                if ours:
                    self.document.remove(node)

    def deselect(self) -> None:
        """Take it out of those that are worked on together: what is typed into ours would go into it, too."""
        for view in self.document.root.all("sheetViews", "sheetView"):
            if view.get("tabSelected") in ("1", "true"):
                self.document.change(view, {"tabSelected": None})

    def mark(
        self, cells: Mapping[Severity, Sequence[tuple[int, int, int, int]]], formats: Mapping[Severity, int]
    ) -> None:
        """Colour areas (first row, column, last row, column), above all other conditional formats.

        A conditional format lies above a cell's own fill. What data bars, icons and colour scales paint lies
        above that again: where a sheet has any, Excel is told to stop at our mark. LibreOffice (seen in 7.4)
        shows the first conditional format of a cell alone, and ours comes first. No cell's own format is changed,
        so the mark comes off without a trace.
        """
        rules = self._rules()
        stop = ' stopIfTrue="1"' if any(rule.get("type") in _PAINTED for rule in rules) else ""
        count = sum(1 for areas in cells.values() if areas)
        self._make_way(rules, count)
        prefix = self.document.prefix
        pieces = []
        for priority, (severity, areas) in enumerate(((s, a) for s, a in cells.items() if a), start=1):
            for start in range(0, len(areas), _AREAS):
                places = " ".join(area_name(*area) for area in areas[start : start + _AREAS])
                pieces.append(
                    f'<{prefix}conditionalFormatting sqref="{places}"><{prefix}cfRule type="expression"'
                    f' dxfId="{formats[severity]}" priority="{priority}"{stop}><{prefix}formula>{_MARK_FORMULA}'
                    f"</{prefix}formula></{prefix}cfRule></{prefix}conditionalFormatting>"
                )
        self._first_of("conditionalFormatting", "".join(pieces).encode())

    def _rules(self) -> list[Node]:
        return [node for node in self.document.root.walk() if node.local == "cfRule" and not self._is_ours(node)]

    def _is_ours(self, rule: Node) -> bool:
        return bool(_OURS.search(self.document.content(rule)))

    def _make_way(self, rules: Sequence[Node], count: int) -> None:
        """Move the priorities of their rules behind ours, but for those that a pivot table refers to by theirs."""
        numbered = [rule for rule in rules if rule.get("priority").isdigit()]
        is_of_pivot = any(
            one.get("pivot") in ("1", "true") for one in self.document.root.all("conditionalFormatting")
        )
        if is_of_pivot or all(int(rule.get("priority")) > count for rule in numbered):
            return
        for rule in numbered:
            self.document.change(rule, {"priority": str(int(rule.get("priority")) + count)})

    def _first_of(self, kind: str, xml: bytes) -> None:
        """Put something in before its like: LibreOffice takes the first conditional format of a cell."""
        there = self.document.root.first(kind)
        if there is not None:
            self.document.insert(there.start, xml)
        else:
            put(self.document, kind, _ORDER, xml)

    def refer(self, kind: str, identity: str) -> None:
        """Let the sheet refer to a part by a relationship's id."""
        space = self._surgery.kinds
        prefix = self.document.prefix_of(*KIND_SPACES)
        declared = "" if prefix else f' xmlns:r="{space}"'
        xml = f'<{self.document.prefix}{kind}{declared} {prefix or "r:"}id="{identity}"/>'.encode()
        put(self.document, kind, _ORDER, xml)

    def columns(self) -> list[tuple[int, int, float]]:
        """The widths that are set, in characters: first and last column, and how wide (0 where hidden)."""
        found = []
        for node in self.document.root.all("cols", "col"):
            try:
                width = 0.0 if node.get("hidden") in ("1", "true") else float(node.get("width") or "nan")
                found.append((int(node.get("min")), int(node.get("max")), width))
            except ValueError:
                continue
        return found

    def finish(self) -> None:
        """Let the part be written with its changes, if there are any."""
        if self.document.is_changed:
            self._surgery.stream(self.part, self._chunks)

    def _chunks(self) -> Iterator[bytes]:
        first, last = self._rows
        rows = _stretches(self._surgery.package, self.part, (first, last)) if first != last else ()
        return chain(
            [self.document.result(0, self._cut)], rows, [self.document.result(self._cut, len(self.document.data))]
        )


def area_name(top: int, left: int, bottom: int, right: int) -> str:
    """``B2:C4``, or ``B2`` of one cell."""
    first = f"{column_letters(left)}{top}"
    return first if (top, left) == (bottom, right) else f"{first}:{column_letters(right)}{bottom}"


def _rows_of(package: Package, part: str) -> tuple[int, int]:
    """The stretch of bytes that is in a sheet's rows; an empty one at the end where it has none."""
    first: int | None = None
    offset, before = 0, b""
    is_first = True
    for chunk in package.chunks(part):
        if is_first and (chunk.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" in chunk[:4]):
            break  # UTF-16: small enough to be held, or refused
        is_first = False
        text = before + chunk
        start = offset - len(before)
        if first is None and (found := _ROWS_START.search(text)):
            close = _tag_end(text, found.end())
            if close is None:
                before, offset = text, offset + len(chunk)
                continue
            if text[close - 2 : close] == b"/>":
                break
            first = start + close
        if first is not None and (ended := _ROWS_END.search(text, max(0, first - start))):
            return first, start + ended.start()
        offset += len(chunk)
        before = text[-_OVERLAP:]
    size = package.info(part).file_size
    return size, size


def _tag_end(text: bytes, at: int) -> int | None:
    end = text.find(b">", at)
    return None if end < 0 else end + 1


def _stretches(package: Package, part: str, *wanted: tuple[int, int | None]) -> Iterator[bytes]:
    """Stretches of a part's bytes, in their order, bit by bit."""
    offset = 0
    held = 0
    for chunk in package.chunks(part):
        for first, last in wanted:
            piece = chunk[max(0, first - offset) : len(chunk) if last is None else max(0, last - offset)]
            if piece:
                held += len(piece)
                if len(wanted) > 1 and held > MAX_CHANGED_BYTES:
                    raise too_large(part)
                yield piece
        offset += len(chunk)
