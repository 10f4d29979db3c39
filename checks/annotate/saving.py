"""A copy's bytes: with the results of its formulas, and without the time of its making."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from xml.sax.saxutils import escape

from openpyxl import Workbook
from openpyxl.cell.cell import ERROR_CODES, ILLEGAL_CHARACTERS_RE
from openpyxl.utils.datetime import to_excel

from checks.annotate.copies import MADE, STAMP
from warehouse.sheets import ErrorValue, Sheet, Value, column_letters

_SERIAL: Callable[[Any, datetime], float] = to_excel
_ERROR_CODES = frozenset(ERROR_CODES)
_FORMULA_CELL = re.compile(
    rb'<c r="([A-Z]+[0-9]+)"((?: s="[0-9]+")?)((?: t="[a-z]+")?)>(<f\b[^>]*(?:/>|>[^<]*</f>))<v ?(?:/>|></v>)</c>'
)


def finished(copy: Workbook, cached: Mapping[str, Sheet]) -> bytes:
    """The saved workbook with the stored results of its formulas and without the time of its making.

    openpyxl writes a formula without its result; whoever reads the copy before a spreadsheet program has
    reckoned it anew would find the cell empty.
    """
    stamp = (copy.properties.created or MADE).strftime("%Y-%m-%dT%H:%M:%SZ").encode()
    saved = io.BytesIO()
    copy.save(saved)
    parts = {sheet.title: sheet.path.lstrip("/") for sheet in copy.worksheets}
    formulas = {
        parts[name]: results for name, sheet in cached.items() if name in parts and (results := _results(sheet))
    }
    result = io.BytesIO()
    with zipfile.ZipFile(saved) as archive, zipfile.ZipFile(result, "w", zipfile.ZIP_DEFLATED) as target:
        for part in archive.infolist():
            data = archive.read(part)
            if part.filename in formulas:
                data = with_results(data, formulas[part.filename], copy.epoch)
            elif part.filename == "docProps/core.xml":
                data = re.sub(rb"(<dcterms:modified[^>]*>)[^<]*", rb"\g<1>" + stamp, data)
            info = zipfile.ZipInfo(part.filename, STAMP)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = 0o600 << 16
            target.writestr(info, data)
    return result.getvalue()


def _results(sheet: Sheet) -> dict[str, Value]:
    """The stored results of a sheet's formulas by cell."""
    return {
        f"{column_letters(column)}{number}": cell.value
        for number, row in sheet.rows.items()
        for column, cell in row.items()
        if cell.is_formula and cell.value is not None
    }


def with_results(data: bytes, results: Mapping[str, Value], epoch: datetime) -> bytes:
    """A saved sheet with each formula's result beside it."""

    def filled(match: re.Match[bytes]) -> bytes:
        value = results.get(match[1].decode())
        if value is None:
            return match[0]
        if isinstance(value, ErrorValue):
            if value.code not in _ERROR_CODES:
                return match[0]
            kind, text = "e", value.code
        elif isinstance(value, bool):
            kind, text = "b", str(int(value))
        elif isinstance(value, str):
            kind, text = "str", escape(ILLEGAL_CHARACTERS_RE.sub("", value))
        elif isinstance(value, int | float):
            kind, text = "n", repr(value)
        else:
            naive = value.replace(tzinfo=None) if isinstance(value, datetime) else value
            kind, text = "n", repr(_SERIAL(naive, epoch))
        return b'<c r="%b"%b t="%b">%b<v>%b</v></c>' % (match[1], match[2], kind.encode(), match[4], text.encode())

    return _FORMULA_CELL.sub(filled, data)
