"""Every worksheet of a workbook with its filled cells."""

from __future__ import annotations

import errno
import zipfile
import zlib
from pathlib import Path

from warehouse.messages import message
from warehouse.sheets import limits
from warehouse.sheets.cells import SAVE_AGAIN, Sheet, SheetError
from warehouse.sheets.xlsx.package import Package, attribute, children, relationships, tree
from warehouse.sheets.xlsx.parsing import parse_part
from warehouse.sheets.xlsx.sheet import SheetParser
from warehouse.sheets.xlsx.slim import slim_chunks
from warehouse.sheets.xlsx.strings import shared_strings
from warehouse.sheets.xlsx.styles import styles_of
from warehouse.sheets.xlsx.values import is_true
from warehouse.text import without_controls


def read_xlsx(path: Path) -> list[Sheet]:
    """Every worksheet with its filled cells, in the workbook's order.

    Raises:
        SheetError: it is not such a file, or too large to be what a person keeps.
        OSError: the disk cannot be read.
    """
    damaged = message("it is damaged: not a whole .xlsx file"), message("Save it again and hand it in again.")
    try:
        with zipfile.ZipFile(path) as archive:
            return _read(Package(archive))
    except SheetError:
        raise
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, KeyError) as error:
        raise SheetError(*damaged) from error
    except OSError as error:
        if error.errno not in (None, errno.EINVAL):  # a place before the file's start is the file's fault
            raise
        raise SheetError(*damaged) from error
    except Exception as error:  # whatever a file was made to raise is that file's fault, and stops nothing else
        raise SheetError(
            message("it cannot be read ({error})", error=f"{type(error).__name__}: {str(error)[:80]}"),
            SAVE_AGAIN,
        ) from error


def _read(package: Package) -> list[Sheet]:
    root = next((part for kind, part in relationships(package, "").values() if kind == "officeDocument"), None)
    root = root or "xl/workbook.xml"
    if root.endswith(".bin"):
        raise SheetError(message("it is a binary workbook (.xlsb)"), message("Save it as .xlsx."))
    if root not in package:
        if "mimetype" in package and b"opendocument" in package.read("mimetype")[:100]:
            raise SheetError(message("it is an OpenDocument file (.ods)"), message("Save it as .xlsx."))
        raise SheetError(message("it is a zip file but no workbook"), message("Hand in an .xlsx or .csv file."))
    workbook = tree(package, root)
    relations = relationships(package, root)
    by_kind = dict(relations.values())
    is_1904 = any(is_true(attribute(p, "date1904")) for p in children(workbook, "workbookPr"))
    strings = shared_strings(package, by_kind.get("sharedStrings"))
    styles = styles_of(package, by_kind.get("styles"))
    sheets: list[Sheet] = []
    budget = limits.MAX_CELLS
    for element in children(workbook, "sheets", "sheet"):
        kind, part = relations.get(attribute(element, "id"), ("", ""))
        if kind != "worksheet":
            continue  # a chart or a macro sheet
        if part not in package:
            raise KeyError(part)  # a sheet that was lost is not one that its keeper left out
        sheet = Sheet(
            name=without_controls(attribute(element, "name")),
            title=attribute(element, "name"),
            is_hidden=attribute(element, "state", "visible") != "visible",
            has_1904_dates=is_1904,
            part=package.info(part).filename,
        )
        handlers = SheetParser(sheet, strings, styles, budget)
        parse_part(part, slim_chunks(package, part), handlers.start, handlers.end, handlers.characters)
        handlers.uncover()
        budget = handlers.budget
        sheets.append(sheet)
    return sheets
