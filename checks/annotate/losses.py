"""What a copy of a workbook would lose: found out before anything is written."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Sequence
from pathlib import Path

from warehouse.sheets import Book, ErrorValue
from warehouse.sheets.cells import TOO_LONG
from warehouse.sheets.xlsx import Package, references

MAX_COPIED_CELLS = 1_000_000  # beyond this the workbook is not copied, only its list is made
# What openpyxl reads and writes again (or what nobody misses: a printer's settings, a preview, labels of an office
# system). Every other kind of part is lost in a copy that it writes.
_KEPT = frozenset(
    {
        "officeDocument", "core-properties", "extended-properties", "custom-properties", "thumbnail", "worksheet",
        "styles", "theme", "sharedStrings", "calcChain", "comments", "vmlDrawing", "table", "printerSettings",
        "hyperlink", "externalLink", "externalLinkPath", "xlPathMissing", "customXml", "customXmlProps",
        "classificationlabels", "person",
        # the names of the standard's strict edition
        "extendedProperties", "customProperties",
    }
)  # fmt: skip
_LOST = {
    "drawing": "pictures, charts or shapes",
    "image": "pictures",
    "chart": "charts",
    "chartsheet": "chart sheets",
    "pivotTable": "pivot tables",
    "pivotCacheDefinition": "pivot tables",
    "vbaProject": "macros",
    "xlMacrosheet": "macros",
    "ctrlProp": "form controls",
    "control": "form controls",
    "oleObject": "embedded objects",
    "package": "embedded objects",
    "threadedComment": "threads of comments",
    "slicer": "slicers",
    "slicerCache": "slicers",
    "timeline": "timelines",
    "queryTable": "data connections",
    "connections": "data connections",
    "sheetMetadata": "formulas that fill several cells",
}
_NOTE_SHAPE = re.compile(rb'ObjectType="(?!Note")')


class LossError(Exception):
    """A copy would not hold what the workbook holds; the message says what, in words for the sentence."""


def reason_not_to_copy(workbook: Path, book: Book) -> str:
    """Why a copy would not be the workbook, or nothing: found out before anything is written."""
    if _is_too_large(book):
        return f"{workbook.name} is too large to be copied; this is the list alone."
    try:
        lost = _lost(workbook) if book.kind == "xlsx" else []
    except Exception:  # parts that reading the values never looked at are broken
        return f"{workbook.name} has parts that cannot be read, so this is the list alone."
    return list_alone(workbook, lost) if lost else ""


def list_alone(workbook: Path, lost: Sequence[str]) -> str:
    """The sentence that says why a workbook comes back as its list alone."""
    return (
        f"{workbook.name} holds {' and '.join(lost)}, which a copy would lose, so this is the list alone: mend the"
        " cells in your own file."
    )


def _is_too_large(book: Book) -> bool:
    cells = [cell for sheet in book.sheets for row in sheet.rows.values() for cell in row.values()]
    return len(cells) > MAX_COPIED_CELLS or any(
        isinstance(cell.value, ErrorValue) and cell.value.problem == TOO_LONG for cell in cells
    )


def _lost(path: Path) -> list[str]:
    """What of a workbook a copy would lose, in words."""
    with zipfile.ZipFile(path) as archive:
        package = Package(archive)
        kinds, _ = references(package)
        shapes = any(
            _NOTE_SHAPE.search(package.read(name)) for key, name in package.names.items() if key.endswith(".vml")
        )
    kinds -= _KEPT
    words = {_LOST.get(kind, f"parts of the kind {kind[:40]!r}") for kind in kinds if kind}
    if "drawing" in kinds:
        words -= {"pictures", "charts"}
    return sorted(words | ({"form controls"} if shapes else set()))
