"""The boxes of comments: how large one must be to show its whole text, and how a drawing says it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

_ROW = 20  # pixels of a row and of a column that nobody set; a taller row makes a larger box
_COLUMN = 64
_WIDTH, _WIDE = 340, 520  # pixels of a box, and of one with much to say
_MUCH = 24  # lines
_LINE = 15  # pixels of a line of Tahoma 9
_CHARACTERS = 50  # of a line in a box of _WIDTH; LibreOffice sets it wider than Excel
_TALLEST = 2_000
_LAST_COLUMN, _LAST_ROW = 16_383, 1_048_575


class Room:
    """Where boxes go on a sheet.

    Args:
        columns: the widths that are set, in characters: first and last column, width.
        hidden: rows that are hidden: a box has no height there.
    """

    def __init__(self, columns: Sequence[tuple[int, int, float]], hidden: Collection[int]) -> None:
        self._columns = sorted(one for one in columns if one[2] == one[2])
        self._hidden = hidden

    def box(self, cell: tuple[int, int], text: str) -> list[int]:
        """The anchor of the box of a cell (from 1): column, pixels, row, pixels of two corners, from 0."""
        width, height = _size(text)
        row, column = cell[0] - 1, cell[1] - 1
        left = column + 1 if column < _LAST_COLUMN - 40 else max(0, column - 12)
        needed = -(-height // _ROW)
        top = max(0, row - 1) if row < _LAST_ROW - needed - 2 else max(0, _LAST_ROW - needed - 2)
        right, rest = self._reach(left, width + 15)
        bottom = self._down(top, height)
        return [left, 15, top, 2, right, rest, bottom, 8]

    def enlarged(self, anchor: Sequence[int], cell: tuple[int, int], text: str) -> list[int]:
        """An anchor that is as large as the text needs it, and in nothing smaller than it was."""
        left, _, top, _, right, _, bottom, _ = anchor
        wanted = self.box(cell, text)
        columns, rows = wanted[4] - wanted[0], wanted[6] - wanted[2]
        larger = list(anchor)
        if right - left < columns:
            larger[4] = min(_LAST_COLUMN, left + columns)
        if bottom - top < rows:
            larger[6] = min(_LAST_ROW, top + rows)
        return larger

    def _width(self, column: int) -> int:
        for first, last, width in self._columns:
            if first <= column + 1 <= last:
                return int(width * 7 + 5) if width else 0
        return _COLUMN

    def _reach(self, column: int, pixels: int) -> tuple[int, int]:
        while column < _LAST_COLUMN and pixels >= (width := self._width(column)):
            pixels -= width
            column += 1
        return column, min(pixels, _WIDE)

    def _down(self, row: int, pixels: int) -> int:
        looked = 0
        while pixels > 0 and row < _LAST_ROW and looked < 10_000:
            if row + 1 not in self._hidden:
                pixels -= _ROW
            row += 1
            looked += 1
        return row


def _size(text: str) -> tuple[int, int]:
    lines = sum(1 + len(line) // _CHARACTERS for line in text.split("\n"))
    width = _WIDTH
    if lines > _MUCH:
        width = _WIDE
        lines = sum(1 + len(line) // (_CHARACTERS * _WIDE // _WIDTH) for line in text.split("\n"))
    return width, min(_TALLEST, 24 + _LINE * lines)


def shape_type(names: Mapping[str, str]) -> str:
    """What all boxes of comments are, as a drawing says it once. ``names``: its prefixes of v, o and x."""
    v, o = names["v"], names["o"]
    return (
        f'<{v}shapetype id="_x0000_t202" coordsize="21600,21600" {o}spt="202" path="m,l,21600r21600,l21600,xe">'
        f'<{v}stroke joinstyle="miter"/><{v}path gradientshapeok="t" {o}connecttype="rect"/></{v}shapetype>'
    )


def note_shape(names: Mapping[str, str], number: int, cell: tuple[int, int], anchor: Sequence[int]) -> str:
    """The box of a cell's comment."""
    v, o, x = names["v"], names["o"], names["x"]
    said = ", ".join(str(one) for one in anchor)
    return (
        f'<{v}shape id="_x0000_s{number}" type="#_x0000_t202" style="position:absolute;margin-left:59.25pt;'
        f'margin-top:1.5pt;width:255pt;height:120pt;z-index:1;visibility:hidden" fillcolor="#ffffe1"'
        f' {o}insetmode="auto"><{v}fill color2="#ffffe1"/><{v}shadow on="t" color="black" obscured="t"/>'
        f'<{v}path {o}connecttype="none"/><{v}textbox style="mso-direction-alt:auto"><div style="text-align:left">'
        f'</div></{v}textbox><{x}ClientData ObjectType="Note"><{x}MoveWithCells/><{x}SizeWithCells/>'
        f"<{x}Anchor>{said}</{x}Anchor><{x}AutoFill>False</{x}AutoFill><{x}Row>{cell[0] - 1}</{x}Row>"
        f"<{x}Column>{cell[1] - 1}</{x}Column></{x}ClientData></{v}shape>"
    )
