"""What the style of a cell says of its value."""

from __future__ import annotations

from dataclasses import dataclass

from openpyxl.styles.numbers import BUILTIN_FORMATS

from warehouse.sheets.number_formats import is_moment
from warehouse.sheets.xlsx.package import Package, attribute, children, tree
from warehouse.sheets.xlsx.values import index_of

_OWN_CURRENCY = frozenset({5, 6, 7, 8, 42, 44})  # formats whose $ each reader sees as the money of their own place


@dataclass(frozen=True, slots=True)
class Style:
    """What a cell's style says of its value."""

    number_format: str = "General"
    is_struck: bool = False
    is_moment: bool = False


PLAIN = Style()


def styles_of(package: Package, part: str | None) -> list[Style]:
    """The cell styles by index."""
    if part is None or part not in package:
        return []
    root = tree(package, part)
    own = {
        index_of(attribute(item, "numFmtId")): attribute(item, "formatCode")
        for item in children(root, "numFmts", "numFmt")
    }
    struck = [
        any(attribute(strike, "val", "1") not in ("0", "false") for strike in children(font, "strike"))
        for font in children(root, "fonts", "font")
    ]
    styles = []
    for style in children(root, "cellXfs", "xf"):
        number = index_of(attribute(style, "numFmtId", "0"))
        code = own.get(number) or BUILTIN_FORMATS.get(-1 if number is None else number, "General")
        if number in _OWN_CURRENCY:
            code = code.replace('"$"', "").replace("$", "") if "[$" not in code else code
        font = index_of(attribute(style, "fontId", "0"))
        is_struck = font is not None and font < len(struck) and struck[font]
        styles.append(Style(code, is_struck, is_moment(code)))
    return styles
