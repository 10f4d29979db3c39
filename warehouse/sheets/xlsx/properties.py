"""What a workbook's file says of itself beside its sheets."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path

from warehouse.sheets.cells import SheetError
from warehouse.sheets.xlsx.package import Package, attribute, children, local_name, relationships, tree

_KINDS = ("custom-properties", "customProperties")


def custom_properties(path: Path) -> dict[str, str]:
    """The custom properties of an .xlsx file that are texts, by name; none where they cannot be read."""
    try:
        with zipfile.ZipFile(path) as archive:
            package = Package(archive)
            parts = [part for kind, part in relationships(package, "").values() if kind in _KINDS]
            return {
                attribute(element, "name"): "".join(value.text or "" for value in element)
                for part in parts
                if part in package
                for element in children(tree(package, part), "property")
                if all(isinstance(value.tag, str) and local_name(value.tag) == "lpwstr" for value in element)
            }
    except (SheetError, OSError, zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, KeyError):
        return {}  # the sheets are what counts
