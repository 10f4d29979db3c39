"""A workbook with nothing but texts: what a CSV file becomes, and what a list alone is put into."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import BinaryIO

from checks.annotate.editing import cell_text, escaped
from checks.annotate.packing import ZipWriter
from checks.annotate.surgery import XML_HEAD
from warehouse.sheets import Sheet, column_letters, shown_value

_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_KINDS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_CONTENT = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_COLUMN_WIDTH = 18
# The second format is that of a text that would be a formula if somebody pressed Enter on it.
_STYLES = (
    f'<styleSheet xmlns="{_MAIN}"><fonts count="1"><font><sz val="11"/><name val="Calibri"/></font></fonts>'
    '<fills count="2"><fill><patternFill patternType="none"/></fill><fill>'
    '<patternFill patternType="gray125"/></fill></fills><borders count="1"><border><left/><right/>'
    "<top/><bottom/><diagonal/></border></borders>"
    '<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>'
    '<cellXfs count="2"><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/>'
    '<xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0" quotePrefix="1"/></cellXfs>'
    '<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>'
)
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
MOST_CHARACTERS = 32_767  # of a cell


def write_blank(target: BinaryIO, sheets: Sequence[Sheet]) -> None:
    """Write a workbook with the texts of sheets, or without a sheet. Each sheet's ``part`` says where it lies."""
    writer = ZipWriter(target)
    kinds = [("xl/workbook.xml", "sheet.main"), ("xl/styles.xml", "styles")]
    kinds += [(part_of(number), "worksheet") for number in range(1, len(sheets) + 1)]
    overrides = "".join(
        f'<Override PartName="/{part}" ContentType="{_CONTENT}.{kind}+xml"/>' for part, kind in kinds
    )
    _write(
        writer,
        "[Content_Types].xml",
        f'<Types xmlns="{_PACKAGE}/content-types"><Default Extension="xml" ContentType="application/xml"/>'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f"{overrides}</Types>",
    )
    _write(writer, "_rels/.rels", _relations([("officeDocument", "xl/workbook.xml")]))
    listed = b"".join(
        b'<sheet name="' + escaped(sheet.name) + f'" sheetId="{number}" r:id="rId{number + 1}"/>'.encode()
        for number, sheet in enumerate(sheets, start=1)
    )
    opening = f'<workbook xmlns="{_MAIN}" xmlns:r="{_KINDS}"><sheets>'.encode()
    writer.write("xl/workbook.xml", [XML_HEAD, opening, listed, b"</sheets></workbook>"])
    targets = [("styles", "styles.xml"), *(("worksheet", part_of(n)[3:]) for n in range(1, len(sheets) + 1))]
    _write(writer, "xl/_rels/workbook.xml.rels", _relations(targets))
    _write(writer, "xl/styles.xml", _STYLES)
    for number, sheet in enumerate(sheets, start=1):
        writer.write(part_of(number), _sheet(sheet))
    writer.finish()


def part_of(number: int) -> str:
    """Where a sheet lies in a blank workbook, by its number from 1."""
    return f"xl/worksheets/sheet{number}.xml"


def _write(writer: ZipWriter, name: str, text: str) -> None:
    writer.write(name, [XML_HEAD, text.encode()])


def _relations(targets: Sequence[tuple[str, str]]) -> str:
    inner = "".join(
        f'<Relationship Id="rId{number}" Type="{_KINDS}/{kind}" Target="{target}"/>'
        for number, (kind, target) in enumerate(targets, start=1)
    )
    return f'<Relationships xmlns="{_PACKAGE}/relationships">{inner}</Relationships>'


def _sheet(sheet: Sheet) -> Iterator[bytes]:
    last = max((max(row) for row in sheet.rows.values()), default=0)
    width = f'<cols><col min="1" max="{last}" width="{_COLUMN_WIDTH}" customWidth="1"/></cols>' if last else ""
    yield XML_HEAD + f'<worksheet xmlns="{_MAIN}">{width}<sheetData>'.encode()
    for number, row in sorted(sheet.rows.items()):
        cells = b"".join(
            text_cell(f"{column_letters(column)}{number}", text, int(text.startswith(FORMULA_STARTS)))
            for column, text in ((column, shown_value(row[column].value)) for column in sorted(row))
        )
        yield f'<row r="{number}">'.encode() + cells + b"</row>"
    yield b"</sheetData></worksheet>"


def text_cell(place: str, text: str, look: int) -> bytes:
    """A cell that holds a text of its own, which is never a formula. ``look`` is its format's number."""
    opening = f'<c r="{place}" s="{look}" t="inlineStr"><is><t xml:space="preserve">'.encode()
    return opening + cell_text(text[:MOST_CHARACTERS]) + b"</t></is></c>"
