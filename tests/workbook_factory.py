"""Workbooks for tests: a good one in few words, one with one of each error, and hostile ones."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple
from xml.sax.saxutils import escape, quoteattr

from openpyxl import Workbook
from openpyxl.utils import get_column_letter

from warehouse.archive import RawFile, Snapshot, sha256_of
from warehouse.declarations import SourceDeclaration, load_source

ROOT = Path(__file__).parent.parent
AGILE_PILOTS = ROOT / "sources" / "agile_pilots" / "source.yaml"
SAMPLE = ROOT / "sources" / "agile_pilots" / "sample" / "agile_pilots.xlsx"

PILOT = {
    "Pilot ID": "demo-1",
    "Pilot": "Demo",
    "Programme": "Demo programme",
    "Round": "demo-round-1",
    "District": "Kalasatama",
    "City": "Helsinki",
    "Theme": "mobility",
    "Company": "Forum Virium Helsinki",
    "Y-tunnus": "2170029-2",
    "Description": "A demonstration",
    "Starts": "2016-03-01",
    "Ends": "31.8.2016",
    "Grant (EUR)": 8000,
    "Participants": 12,
}
ROUND = {
    "Round ID": "demo-round-1",
    "Programme": "Demo programme",
    "Round": "1",
    "Year": 2016,
    "Offers": 37,
    "Selected": 3,
}

# What each wrong row changes of a good one, and what must be found: (column, rule class, severity).
ERRORS: Mapping[str, tuple[dict[str, Any], tuple[str, str, str]]] = {
    "wrong-theme": ({"Theme": "blockchain"}, ("theme_code", "enum", "error")),
    "bad-check-digit": ({"Y-tunnus": "2170029-3"}, ("business_id", "check", "error")),
    "bad-business-id": ({"Y-tunnus": "2170029"}, ("business_id", "pattern", "error")),
    "end-before-start": ({"Starts": "2016-08-01", "Ends": "2016-03-01"}, ("end_date", "row", "error")),
    "too-long": ({"Starts": "2016-01-01", "Ends": "2016-12-31"}, ("end_date", "row", "error")),
    "unknown-round": ({"Round": "no-such-round"}, ("round_id", "foreign-key", "error")),
    "unreadable-date": ({"Starts": "early spring"}, ("start_date", "type", "error")),
    "ambiguous-date": ({"Starts": "1.3.16"}, ("start_date", "type", "error")),
    "unreadable-amount": ({"Grant (EUR)": "n. 5000"}, ("grant_eur", "type", "error")),
    "other-currency": ({"Grant (EUR)": "£5,000"}, ("grant_eur", "type", "error")),
    "negative-grant": ({"Grant (EUR)": -5000}, ("grant_eur", "minimum", "error")),
    "missing-name": ({"Pilot": None}, ("pilot_name", "required", "error")),
    "fraction-of-people": ({"Participants": "12.5"}, ("participants_count", "type", "error")),
    "no-formula-result": ({"Grant (EUR)": "=4000+1000"}, ("grant_eur", "type", "error")),
}


def declaration() -> SourceDeclaration:
    """The declaration of the agile pilots."""
    return load_source(AGILE_PILOTS)


def pilot(number: int = 1, **changes: Any) -> dict[str, Any]:
    """A good pilot's row by header, with changes."""
    return {**PILOT, "Pilot ID": f"demo-{number}", **changes}


def save(target: Path, sheets: Mapping[str, Sequence[Sequence[Any]]]) -> Path:
    """Write a workbook from sheets of rows."""
    book = Workbook()
    book.remove(book.worksheets[0])
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(list(row))
    book.save(target)
    return target


def table(rows: Iterable[Mapping[str, Any]], headers: Sequence[str] | None = None) -> list[list[Any]]:
    """Rows by header as a list of rows with the header first."""
    rows = list(rows)
    headers = list(headers or dict.fromkeys(name for row in rows for name in row))
    return [headers, *([row.get(name) for name in headers] for row in rows)]


def good_workbook(target: Path, pilots: int = 12) -> Path:
    """A workbook without a fault."""
    return save(
        target, {"Pilots": table(pilot(number) for number in range(1, pilots + 1)), "Rounds": table([ROUND])}
    )


def workbook_with_one_of_each_error(target: Path) -> Path:
    """Twelve good pilots, then one row for each of ``ERRORS`` (its pilot id is the error's name), then a
    pilot id that is there twice, and a column that nobody declared.
    """
    rows = [pilot(number) for number in range(1, 13)]
    rows += [{**PILOT, **changes, "Pilot ID": name} for name, (changes, _) in ERRORS.items()]
    rows += [pilot(1, Pilot="The same id again")]
    rows[0]["Desk memo"] = "ask for a photo"
    return save(
        target,
        {
            "Pilots": [["Our pilots"], [], *table(rows, [*PILOT, "Desk memo"])],
            "Rounds": table([ROUND]),
            "Scratch": [["nothing", "of", "interest"]],
        },
    )


def snapshot(*paths: Path) -> Snapshot:
    """A snapshot of files where they lie (all in one folder)."""
    files = tuple(RawFile(path.name, sha256_of(path), path.stat().st_size) for path in sorted(paths))
    return Snapshot("agile_pilots", date(2026, 1, 31), str(paths[0]), files, paths[0].parent)


def rewritten(source: Path, target: Path, changes: Mapping[str, bytes]) -> Path:
    """A copy of a zip file with some parts replaced or added."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as new:
        for part in old.infolist():
            if part.filename not in changes:
                new.writestr(part, old.read(part))
        for name, data in changes.items():
            new.writestr(name, data)
    return target


# --- workbooks written part by part, as other programs than openpyxl write them -----------------------

TRANSITIONAL = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
STRICT = "http://purl.oclc.org/ooxml/spreadsheetml/main"


class Raw(NamedTuple):
    """A cell as it stands in the file: what is inside it, its type and its number format."""

    inner: str
    kind: str = ""
    number_format: str = ""
    is_struck: bool = False


def number(value: object, number_format: str = "") -> Raw:
    """A number with a format."""
    return Raw(f"<v>{value}</v>", number_format=number_format)


def runs(*parts: str | tuple[str, str]) -> Raw:
    """An inline string of runs: plain ones, and (text, XML of its properties)."""
    pairs = [(part, "") if isinstance(part, str) else part for part in parts]
    inner = "".join(
        f'<r>{f"<rPr>{kind}</rPr>" if kind else ""}<t xml:space="preserve">{escape(text)}</t></r>'
        for text, kind in pairs
    )
    return Raw(f"<is>{inner}</is>", "inlineStr")


SUPERSCRIPT = '<vertAlign val="superscript"/>'
STRUCK = "<strike/>"


def written(
    target: Path,
    sheets: Mapping[str, Sequence[Sequence[Any]]],
    *,
    is_strict: bool = False,
    is_shared: bool = False,
    rename: Callable[[str], str] = str,
    rows: Mapping[int, str] | None = None,
    before: str = "",
    after: str = "",
    hidden: Iterable[str] = (),
    parts: Mapping[str, bytes] | None = None,
) -> Path:
    """A minimal workbook. Values are None (no cell), texts, numbers or ``Raw``.

    Args:
        target: the file.
        sheets: rows of cells by sheet name.
        is_strict: in the standard's strict edition.
        is_shared: texts as shared strings.
        rename: what a part is called in the archive.
        rows: attributes of rows of the first sheet.
        before: XML before the first sheet's rows.
        after: XML after them.
        hidden: names of sheets that are hidden.
        parts: further parts, or others in place of these.
    """
    main = STRICT if is_strict else TRANSITIONAL
    relations = (
        "http://purl.oclc.org/ooxml/officeDocument/relationships"
        if is_strict
        else "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    )
    formats: dict[tuple[str, bool], int] = {("", False): 0}
    strings: dict[str, int] = {}

    def cell(value: Any, place: str) -> str:
        if value is None:
            return ""
        if isinstance(value, str):
            if is_shared:
                value = Raw(f"<v>{strings.setdefault(value, len(strings))}</v>", "s")
            else:
                value = Raw(f'<is><t xml:space="preserve">{escape(value)}</t></is>', "inlineStr")
        elif not isinstance(value, Raw):
            value = number(value)
        style = formats.setdefault((value.number_format, value.is_struck), len(formats))
        kind = f' t="{value.kind}"' if value.kind else ""
        return f'<c r="{place}" s="{style}"{kind}>{value.inner}</c>'

    files: dict[str, bytes | str] = {}
    for index, lines in enumerate(sheets.values(), start=1):
        first = index == 1
        body = "".join(
            f'<row r="{number}" {(rows or {}).get(number, "") if first else ""}>'
            + "".join(cell(value, f"{get_column_letter(column)}{number}") for column, value in enumerate(line, 1))
            + "</row>"
            for number, line in enumerate(lines, start=1)
        )
        files[f"xl/worksheets/sheet{index}.xml"] = (
            f'<worksheet xmlns="{main}">{before if first else ""}<sheetData>{body}</sheetData>'
            f"{after if first else ''}</worksheet>"
        )
    codes = "".join(
        f'<numFmt numFmtId="{163 + index}" formatCode={quoteattr(code)}/>'
        for (code, _), index in formats.items()
        if index
    )
    styles = "".join(
        f'<xf numFmtId="{163 + index if code else 0}" fontId="{int(is_struck)}"/>'
        for (code, is_struck), index in formats.items()
    )
    files["xl/styles.xml"] = (
        f'<styleSheet xmlns="{main}"><numFmts>{codes}</numFmts><fonts><font/><font><strike/></font></fonts>'
        '<fills><fill><patternFill patternType="none"/></fill></fills>'
        "<borders><border/></borders><cellStyleXfs><xf/></cellStyleXfs>"
        f"<cellXfs>{styles}</cellXfs></styleSheet>"
    )
    if is_shared:
        texts = "".join(f'<si><t xml:space="preserve">{escape(text)}</t></si>' for text in strings)
        files["xl/sharedStrings.xml"] = f'<sst xmlns="{main}">{texts}</sst>'
    listed = "".join(
        f'<sheet name={quoteattr(name)} sheetId="{index}" r:id="r{index}"'
        + (' state="hidden"/>' if name in set(hidden) else "/>")
        for index, name in enumerate(sheets, start=1)
    )
    files["xl/workbook.xml"] = (
        f'<workbook xmlns="{main}" xmlns:r="{relations}"><sheets>{listed}</sheets></workbook>'
    )
    package = "http://schemas.openxmlformats.org/package/2006"
    targets = [(f"r{index}", "worksheet", f"worksheets/sheet{index}.xml") for index in range(1, len(sheets) + 1)]
    targets += [("rs", "styles", "styles.xml"), ("rt", "sharedStrings", "sharedStrings.xml")][: 1 + is_shared]

    def relationships(entries: Iterable[tuple[str, str, str]]) -> str:
        inner = "".join(
            f'<Relationship Id="{key}" Type="{relations}/{kind}" Target="{path}"/>' for key, kind, path in entries
        )
        return f'<Relationships xmlns="{package}/relationships">{inner}</Relationships>'

    files["xl/_rels/workbook.xml.rels"] = relationships(targets)
    files["_rels/.rels"] = relationships([("r1", "officeDocument", "xl/workbook.xml")])
    kinds = {
        "workbook": "sheet.main",
        "styles": "styles",
        "sharedStrings": "sharedStrings",
        "sheet": "worksheet",
    }
    overrides = "".join(
        f'<Override PartName="/{name}" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.'
        f'{kinds[Path(name).stem.rstrip("0123456789")]}+xml"/>'
        for name in files
        if name.endswith(".xml")
    )
    files["[Content_Types].xml"] = (
        f'<Types xmlns="{package}/content-types"><Default Extension="xml" ContentType="application/xml"/>'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f"{overrides}</Types>"
    )
    files |= parts or {}
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(rename(name), data)
    return target


def picture_in(source: Path, target: Path) -> Path:
    """A copy of a workbook with a picture on its first sheet."""
    package = "http://schemas.openxmlformats.org/package/2006/relationships"
    kind = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    with zipfile.ZipFile(source) as archive:
        sheet = archive.read("xl/worksheets/sheet1.xml").decode()
    sheet = sheet.replace("</worksheet>", f'<drawing xmlns:r="{kind}" r:id="rId77"/></worksheet>')

    def relation(name: str, path: str) -> bytes:
        return (
            f'<Relationships xmlns="{package}"><Relationship Id="rId77" Type="{kind}/{name}" Target="{path}"/>'
            "</Relationships>"
        ).encode()

    drawing = "http://schemas.openxmlformats.org/drawingml/2006/spreadsheetDrawing"
    return rewritten(
        source,
        target,
        {
            "xl/worksheets/sheet1.xml": sheet.encode(),
            "xl/worksheets/_rels/sheet1.xml.rels": relation("drawing", "../drawings/drawing1.xml"),
            "xl/drawings/drawing1.xml": f'<xdr:wsDr xmlns:xdr="{drawing}"/>'.encode(),
            "xl/drawings/_rels/drawing1.xml.rels": relation("image", "../media/image1.png"),
            "xl/media/image1.png": b"\x89PNG\r\n\x1a\n",
        },
    )
