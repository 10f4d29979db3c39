"""Comments in the cells of a sheet: ours below what stands there already, and off again.

A comment is two things: its text in the sheet's comments part, and its box in the sheet's VML drawing, which may
also hold form controls. Both are extended in place. A cell with a thread of comments is left as it is: what
stands there is a copy for older programs, and whoever changed it would break the thread.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from checks.annotate.boxes import Room, note_shape, shape_type
from checks.annotate.editing import Document, Node, SurgeryError, cell_text, escaped
from checks.annotate.pages import AUTHOR, Page
from checks.annotate.surgery import XML_HEAD, Surgery
from warehouse.sheets import Sheet, SheetError, column_letters
from warehouse.sheets.xlsx import part_key, position

COMMENT_MARK = "--- opendistrict ---"
_MARK = COMMENT_MARK.encode()
_BREAKS = re.compile(rb"(?:\s|&#(?:10|13|[xX]0?[aAdD]);|_x000[dDaA]_)+$")
_COMMENTS_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.comments+xml"
_VML_TYPE = "application/vnd.openxmlformats-officedocument.vmlDrawing"
_SPACES = {
    "v": "urn:schemas-microsoft-com:vml",
    "o": "urn:schemas-microsoft-com:office:office",
    "x": "urn:schemas-microsoft-com:office:excel",
}
_SHAPE_NUMBER = re.compile(rb"_s([0-9]{1,7})[\"']|idmap[^>]{0,200}\sdata=[\"']([0-9, ]{1,200})[\"']")
_BLOCK = 1024  # numbers of shapes are given out in blocks, which a drawing lists as its own

Cell = tuple[int, int]  # row and column, from 1


class _Standing(NamedTuple):
    """A comment that is there: its text before ours, whether ours follows, whether it belongs to a thread."""

    node: Node
    text: Node | None
    kept: bytes
    has_ours: bool
    is_thread: bool


class ShapeNumbers:
    """Numbers for boxes that no other drawing of the workbook uses."""

    def __init__(self, surgery: Surgery) -> None:
        highest = 0
        for key, name in surgery.package.names.items():
            if key.endswith(".vml"):
                for number, blocks in _SHAPE_NUMBER.findall(surgery.package.read(name)):
                    mine = [int(number) // _BLOCK] if number else []
                    mine += [int(block) for block in blocks.split(b",") if block.strip()]
                    highest = max([highest, *mine])
        self._next = (highest + 1) * _BLOCK + 1

    def take(self, count: int) -> tuple[list[int], list[int]]:
        """So many numbers, and the blocks that they lie in."""
        numbers: list[int] = []
        while len(numbers) < count:
            if self._next % _BLOCK:  # the first of a block is the drawing's own
                numbers.append(self._next)
            self._next += 1
        blocks = sorted({number // _BLOCK for number in numbers})
        self._next = (self._next // _BLOCK + 1) * _BLOCK + 1
        return numbers, blocks


class Notes:
    """The comments of a sheet.

    Raises:
        SurgeryError: they are kept in a way that nothing can be put beside.
    """

    def __init__(self, surgery: Surgery, page: Page, sheet: Sheet, numbers: ShapeNumbers) -> None:
        self._surgery, self._page, self._sheet, self._numbers = surgery, page, sheet, numbers
        related = surgery.related(page.part, "comments")
        if len(related) > 1:
            raise SurgeryError("a sheet has two lists of comments")
        self._comments = surgery.document(related[0].target) if related else None
        self._drawing = self._drawing_there()
        self._check()
        self._shapes: dict[Cell, Node] = dict(self._boxes()) if self._drawing else {}
        self._standing: dict[Cell, _Standing] = dict(self._comments_there()) if self._comments else {}

    def _check(self) -> None:
        """That nothing is in the way, before anything is changed."""
        mine = {part_key(one.part) for one in (self._comments, self._drawing) if one is not None}
        targets = [
            part_key(one.target) for all_of_one in self._surgery.all_relations().values() for one in all_of_one
        ]
        if any(targets.count(part) > 1 for part in mine):
            raise SurgeryError("sheets share their comments")
        root = self._comments.root if self._comments is not None else None
        if root is not None and (root.first("authors") is None or root.first("commentList") is None):
            raise SurgeryError("the comments of a sheet have no authors or no list")

    def _drawing_there(self) -> Document | None:
        reference = self._page.document.root.first("legacyDrawing")
        if reference is None:
            return None
        for one in self._surgery.related(self._page.part, "vmlDrawing"):
            if one.identity == reference.get("id"):
                return self._surgery.document(one.target)
        raise SurgeryError("the drawing of a sheet's comments is missing")

    def _boxes(self) -> Iterable[tuple[Cell, Node]]:
        if self._drawing is None:
            return
        for shape in self._drawing.root.all("shape"):
            for data in shape.all("ClientData"):
                row, column = data.first("Row"), data.first("Column")
                if data.get("ObjectType") == "Note" and row is not None and column is not None:
                    place = [self._drawing.content(node).strip() for node in (row, column)]
                    if all(text.isdigit() for text in place):
                        yield (int(place[0]) + 1, int(place[1]) + 1), shape

    def _comments_there(self) -> Iterable[tuple[Cell, _Standing]]:
        document = self._comments
        if document is None:
            return
        names = [document.content(node).strip() for node in document.root.all("authors", "author")]
        threads = {str(number) for number, name in enumerate(names) if name.startswith(b"tc=")}
        for node in document.root.all("commentList", "comment"):
            try:
                cell = position(node.get("ref"))
            except SheetError:
                continue
            text = node.first("text")
            kept, has_ours = self._before_ours(document, text) if text is not None else (b"", False)
            yield cell, _Standing(node, text, kept, has_ours, node.get("authorId") in threads)

    @staticmethod
    def _before_ours(document: Document, text: Node) -> tuple[bytes, bool]:
        """What of a comment's text stands before ours, and whether ours is there."""
        pieces: list[bytes] = []
        for child in text.children:
            marked = next(
                (one for one in (child, *child.walk()) if one.local == "t" and _MARK in document.content(one)),
                None,
            )
            if marked is None:
                pieces.append(document.whole(child))
                continue
            before = _BREAKS.sub(b"", document.content(marked).partition(_MARK)[0])
            if before:
                pieces += [
                    document.data[child.start : marked.inner],
                    before,
                    document.data[marked.inner_end : child.end],
                ]
            return b"".join(pieces), True
        return b"".join(pieces), False

    @property
    def has_ours(self) -> bool:
        """Whether there is a comment of ours from before."""
        return any(one.has_ours for one in self._standing.values())

    def mark(self, texts: Mapping[Cell, str]) -> set[Cell]:
        """Take our former comments off and put these on. Gives the cells that cannot have any."""
        left_out = {cell for cell in texts if cell in self._standing and self._standing[cell].is_thread}
        wanted = {cell: text for cell, text in texts.items() if cell not in left_out}
        self._change_standing(wanted)
        entries = []
        new = sorted(cell for cell in wanted if cell not in self._standing)
        if wanted:
            author = self._author()
            prefix = self._comments.prefix if self._comments else ""
            for cell in new:
                place = f"{column_letters(cell[1])}{cell[0]}"
                entries.append(
                    f'<{prefix}comment ref="{place}" authorId="{author}"><{prefix}text>'.encode()
                    + _run(wanted[cell], prefix)
                    + f"</{prefix}text></{prefix}comment>".encode()
                )
            self._put_comments(entries)
        self._put_boxes(wanted)
        return left_out

    def _change_standing(self, wanted: Mapping[Cell, str]) -> None:
        """Bring the comments that are there up to date."""
        document = self._comments
        for cell, one in self._standing.items():
            ours = wanted.get(cell)
            if document is None or one.is_thread or (ours is None and not one.has_ours):
                continue
            if not one.kept and ours is None:
                document.remove(one.node)
                if self._drawing is not None and cell in self._shapes:
                    self._drawing.remove(self._shapes.pop(cell))
                continue
            kept = _as_runs(document, one.kept) if ours is not None else one.kept
            added = b"" if ours is None else _run(f"\n{ours}" if kept else ours, document.prefix)
            if one.text is None:
                name = f"{document.prefix}text"
                document.change(one.node, last=f"<{name}>".encode() + added + f"</{name}>".encode())
            elif one.text.inner == one.text.end:
                document.change(one.text, last=added)
            else:
                document.replace(one.text.inner, one.text.inner_end, kept + added)

    def _author(self) -> int:
        if self._comments is None:
            return 0
        (authors, *_) = self._comments.root.all("authors")
        names = [self._comments.content(node) for node in authors.children]
        if AUTHOR.encode() not in names:
            prefix = self._comments.prefix
            self._comments.change(authors, last=f"<{prefix}author>{AUTHOR}</{prefix}author>".encode())
            names.append(AUTHOR.encode())
        return names.index(AUTHOR.encode())

    def _put_comments(self, entries: list[bytes]) -> None:
        if self._comments is not None:
            (listed, *_) = self._comments.root.all("commentList")
            if entries:
                self._comments.change(listed, last=b"".join(entries))
            return
        if not entries:
            return
        part = self._surgery.free_name("xl/comments{}.xml")
        data = [
            XML_HEAD,
            f'<comments xmlns="{self._surgery.main}"><authors><author>{AUTHOR}</author></authors>'.encode(),
            b"<commentList>",
            *entries,
            b"</commentList></comments>",
        ]
        self._surgery.add(part, _COMMENTS_TYPE, lambda: data)
        self._surgery.relate(self._page.part, "comments", part)

    def _put_boxes(self, wanted: Mapping[Cell, str]) -> None:
        """A box for every comment, large enough for its text."""
        room = Room(self._page.columns(), self._sheet.hidden_rows)
        for cell, text in wanted.items():
            shape = self._shapes.get(cell)
            if self._drawing is not None and shape is not None:
                _enlarge(self._drawing, shape, room, cell, text)
        missing = sorted(cell for cell in {*wanted, *self._kept_cells()} if cell not in self._shapes)
        if not missing:
            return
        numbers, blocks = self._numbers.take(len(missing))
        given = list(zip(missing, numbers, strict=True))
        if self._drawing is not None:
            self._extend(self._drawing, given, blocks, room, wanted)
            return
        part = self._surgery.free_name("xl/drawings/vmlDrawing{}.vml")
        names = {key: f"{key}:" for key in _SPACES}
        declared = " ".join(f'xmlns:{key}="{space}"' for key, space in _SPACES.items())
        listed = ",".join(str(block) for block in blocks)
        data = [
            f'<xml {declared}><o:shapelayout v:ext="edit">'.encode(),
            f'<o:idmap v:ext="edit" data="{listed}"/></o:shapelayout>'.encode(),
            shape_type(names).encode(),
            *(
                note_shape(names, number, cell, room.box(cell, wanted.get(cell, ""))).encode()
                for cell, number in given
            ),
            b"</xml>",
        ]
        self._surgery.add(part, _VML_TYPE, lambda: data)
        self._page.refer("legacyDrawing", self._surgery.relate(self._page.part, "vmlDrawing", part))

    def _kept_cells(self) -> Iterable[Cell]:
        """The cells whose comment needs a box, although there is no drawing: some programs write none."""
        return self._standing if self._drawing is None else ()

    @staticmethod
    def _extend(
        drawing: Document, given: list[tuple[Cell, int]], blocks: list[int], room: Room, wanted: Mapping[Cell, str]
    ) -> None:
        names, undeclared = {}, {}
        for key, space in _SPACES.items():
            prefix = drawing.prefix_of(space)
            names[key] = prefix or f"{key}:"
            if prefix is None:
                undeclared[f"xmlns:{key}"] = space
        pieces = []
        has_type = any(node.get("id") == "_x0000_t202" for node in drawing.root.all("shapetype"))
        if not has_type:
            pieces.append(shape_type(names))
        pieces += [note_shape(names, number, cell, room.box(cell, wanted.get(cell, ""))) for cell, number in given]
        for node in drawing.root.all("shapelayout", "idmap"):
            listed = [node.get("data"), *(str(block) for block in blocks)]
            name = next((key for key in node.attributes if key.rpartition(":")[2] == "data"), "data")
            drawing.change(node, {name: ",".join(filter(None, listed))})
        drawing.change(drawing.root, dict(undeclared), last="".join(pieces).encode())


def _run(text: str, prefix: str) -> bytes:
    look = '<p:sz val="9"/><p:color indexed="81"/><p:rFont val="Tahoma"/><p:family val="2"/>'
    opening = f'<p:r><p:rPr>{look}</p:rPr><p:t xml:space="preserve">'.replace("p:", prefix).encode()
    return opening + cell_text(text) + "</p:t></p:r>".replace("p:", prefix).encode()


def _as_runs(document: Document, kept: bytes) -> bytes:
    """A plain text as a run: a text that goes on in another look is made of runs."""
    plain = f"<{document.prefix}t".encode()
    if kept.startswith(plain) and kept[len(plain) : len(plain) + 1] in b"> \t\r\n/":
        name = document.prefix.encode()
        return b"<" + name + b"r>" + kept + b"</" + name + b"r>"
    return kept


def _enlarge(drawing: Document, shape: Node, room: Room, cell: Cell, text: str) -> None:
    """Let a box that is there grow to what is in it now."""
    anchor = shape.first("ClientData", "Anchor")
    if anchor is None:
        return
    numbers = drawing.content(anchor).split(b",")
    if len(numbers) != 8 or not all(number.strip().isdigit() for number in numbers):
        return
    there = [int(number) for number in numbers]
    larger = room.enlarged(there, cell, text)
    if larger != there:
        drawing.replace(anchor.inner, anchor.inner_end, escaped(", ".join(str(number) for number in larger)))
