"""A table as a workbook for people: the rows, the data dictionary, and what it is and may be used for.

xlsxwriter makes the workbook and all of its sheets but for the rows themselves: writing millions of cells one by
one in Python takes minutes. DuckDB writes each row as a piece of the sheet's XML instead, and these are put into
the finished file. Texts are inline strings, so nothing in them is ever run, and codes keep their leading zeros.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path

import duckdb
import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.utility import xl_col_to_name
from xlsxwriter.worksheet import Worksheet

from publish.files.render import SUPPRESSED_WORD, as_text, description_of, labels, order_by, too_long
from warehouse.declarations import STATUS, SUPPRESSED, FieldDeclaration, TableDeclaration, literal, quote
from warehouse.messages import message
from warehouse.progress import Progress, silent

MAX_ROWS = 1_048_575  # a sheet's rows less the header
_MAX_TEXT = 32_767
_CREATED = datetime(2020, 1, 1)  # fixed: the day of the run must not be in the file
_ZIP_TIME = (1980, 1, 1, 0, 0, 0)
_DATA = "xl/worksheets/sheet1.xml"
_BATCH = 2_000
# What a sheet cannot hold as the other files do, for those who read it.
NOTE = message(
    "In the XLSX file a text of more than 32,767 characters is cut, and dates before 1900 and whole numbers of"
    " more than 15 digits are texts: a sheet cannot hold them otherwise."
)
_WORD = literal(f"<is><t>{SUPPRESSED_WORD}</t></is></c>")
_BIG = 15_000_000  # cells: their XML may be larger than a plain zip can hold


@dataclass(frozen=True)
class About:
    """What the workbook says about itself."""

    title: str
    description: str
    each_row_is_a: str
    licence: str
    licence_url: str
    attribution: str
    publisher: str
    contact: str
    usage_warnings: tuple[str, ...] = ()
    protection: tuple[str, ...] = ()  # how the people whom it counts are protected


def write_xlsx(
    connection: duckdb.DuckDBPyConnection,
    view: str,
    table: TableDeclaration,
    about: About,
    path: Path,
    progress: Progress = silent,
) -> bool:
    """Write the workbook; False, and no file, if a sheet cannot hold so many rows.

    Args:
        connection: sees the view.
        view: the rows as published, see ``render.published``.
        table: their declaration.
        about: for the last sheet.
        path: the file to write. A second one is written beside it for a while.
        progress: told of rows as they are written.
    """
    (rows,) = connection.execute(f"SELECT count(*) FROM {view}").fetchone() or (0,)
    if rows > MAX_ROWS:
        return False
    frame = path.with_name(f"{path.name}.frame")
    _write_frame(frame, table, about, rows, _widths(connection, view, table))
    with zipfile.ZipFile(frame) as empty, zipfile.ZipFile(path, "w") as book:
        for name in empty.namelist():
            info, content = _entry(name), empty.read(name)
            if name != _DATA:
                book.writestr(info, content)
                continue
            with book.open(info, "w", force_zip64=rows * len(table.fields) > _BIG) as sheet:
                written = partial(progress, f"{path.stem}: xlsx", total=rows, unit="rows")
                for piece in _sheet(content.decode(), connection, view, table, rows, written):
                    sheet.write(piece.encode())
    frame.unlink()
    return True


def repack(frame: Path, path: Path) -> None:
    """Write a workbook again so that it is the same bytes on every system; the first one goes."""
    with zipfile.ZipFile(frame) as made, zipfile.ZipFile(path, "w") as book:
        for name in made.namelist():
            book.writestr(_entry(name), made.read(name))
    frame.unlink()


def _entry(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, _ZIP_TIME)
    info.compress_type = zipfile.ZIP_DEFLATED
    info.create_system = 3  # the same on every system
    return info


# --- the frame: everything but the rows --------------------------------------------------------------


@dataclass(frozen=True)
class Looks:
    """The formats of a workbook's sheets for people."""

    head: Format
    title: Format
    bold: Format
    wrapped: Format


def look(book: xlsxwriter.Workbook, about: About) -> Looks:
    """Give a workbook its properties, none of them of this day, and its formats."""
    book.set_properties({"title": about.title, "author": about.publisher, "created": _CREATED})
    return Looks(
        head=book.add_format({"bold": True, "bg_color": "#0f4c5c", "font_color": "#ffffff", "valign": "vcenter"}),
        wrapped=book.add_format({"text_wrap": True, "valign": "top"}),
        bold=book.add_format({"bold": True, "valign": "top"}),
        title=book.add_format({"bold": True, "font_size": 16, "font_color": "#0f4c5c"}),
    )


def _write_frame(path: Path, table: TableDeclaration, about: About, rows: int, widths: Sequence[float]) -> None:
    with xlsxwriter.Workbook(str(path), {"in_memory": True}) as book:
        looks = look(book, about)
        suppressed = book.add_format({"italic": True, "font_color": "#7a7a7a", "align": "right"})
        shown = {
            picture: book.add_format({"num_format": picture})
            for picture in sorted({field.column_type.xlsx_format for field in table.fields} - {""})
        }
        data = book.add_worksheet("Data")
        data.freeze_panes(1, 0)
        data.autofilter(0, 0, max(rows, 1), len(table.fields) - 1)
        for column, (field, width) in enumerate(zip(table.fields, widths, strict=True)):
            data.set_column(column, column, width)
            data.write_string(0, column, field.name, looks.head)
            if (
                picture := field.column_type.xlsx_format
            ):  # tells ``_sheet`` the number of the style; it is taken out there
                data.write_blank(1, column, None, shown[picture])
            if field.protected:  # the same for what stands in place of a suppressed value
                data.write_blank(2, column, None, suppressed)
        _write_dictionary(book.add_worksheet("Data dictionary"), table, looks)
        write_about(book.add_worksheet("About"), about, rows, looks)


def _widths(connection: duckdb.DuckDBPyConnection, view: str, table: TableDeclaration) -> list[float]:
    lengths = ", ".join(f"max(length({as_text(field)}))" for field in table.fields)
    longest = connection.execute(f"SELECT {lengths} FROM {view}").fetchone() or ()
    return [
        min(max(len(field.name) + 4, (length or 0) + 1.5, 8), 48)
        for field, length in zip(table.fields, longest, strict=True)
    ]


def _write_dictionary(sheet: Worksheet, table: TableDeclaration, looks: Looks) -> None:
    columns = (("Field", 24), ("Title", 28), ("Type", 10), ("Unit", 10), ("Description", 70), ("Codes", 50))
    for column, (title, width) in enumerate(columns):
        sheet.set_column(column, column, width)
        sheet.write_string(0, column, title, looks.head)
    sheet.freeze_panes(1, 1)
    for row, field in enumerate(table.fields, start=1):
        codes = "\n".join(f"{code}: {title}" for code, title in labels(field).items())
        sheet.write_string(row, 0, field.name, looks.bold)
        for column, text in enumerate(
            (field.title, field.type, field.unit or "", description_of(field), codes), 1
        ):
            sheet.write_string(row, column, cut(text), looks.wrapped)


def write_about(sheet: Worksheet, about: About, rows: int, looks: Looks) -> None:
    """Fill the sheet that says what the dataset is and may be used for."""
    sheet.set_column(0, 0, 18)
    sheet.set_column(1, 1, 100)
    sheet.hide_gridlines(2)
    sheet.write_string(0, 0, about.title, looks.title)
    lines: list[tuple[str, str]] = [
        ("About", about.description),
        ("Each row is a", about.each_row_is_a),
        ("Rows", f"{rows:,}"),
        ("Licence", f"{about.licence} ({about.licence_url})"),
        ("Attribution", about.attribution),
        ("Publisher", about.publisher),
        ("Contact", about.contact),
        *((("Before you use it" if n == 0 else ""), warning) for n, warning in enumerate(about.usage_warnings)),
        *((("Protection" if n == 0 else ""), text) for n, text in enumerate(about.protection)),
    ]
    for row, (title, text) in enumerate(lines, start=2):
        sheet.write_string(row, 0, title, looks.bold)
        sheet.write_string(row, 1, cut(text), looks.wrapped)


def cut(text: str) -> str:
    """A text as a cell can hold it."""
    return text if len(text) <= _MAX_TEXT else text[: _MAX_TEXT - 1] + "…"


# --- the rows ------------------------------------------------------------------------------------------


def _sheet(
    frame: str,
    connection: duckdb.DuckDBPyConnection,
    view: str,
    table: TableDeclaration,
    rows: int,
    written: Callable[[int], None],
) -> Iterator[str]:
    """The XML of the first sheet: the frame's, with the rows in the place of its sample row."""
    frame, styles = _sample(frame, 2)
    frame, suppressed = _sample(frame, 3)
    corner = f"{xl_col_to_name(len(table.fields) - 1)}{rows + 1}"
    frame = re.sub(r'<dimension ref="[^"]*"/>', f'<dimension ref="A1:{corner}"/>', frame)
    before, end, after = frame.partition("</sheetData>")
    yield before
    _define_macro(connection)
    cells = ", ".join(
        _cell(field, letters, styles.get(letters, ""), suppressed.get(letters))
        for letters, field in ((xl_col_to_name(column), field) for column, field in enumerate(table.fields))
    )
    found = connection.execute(
        f"SELECT concat('<row r=\"', row_in_sheet, '\">', {cells}, '</row>') FROM"
        f" (SELECT *, row_number() OVER (ORDER BY {order_by(table)}) + 1 AS row_in_sheet FROM {view})"
        " ORDER BY row_in_sheet"
    )
    done = 0
    while batch := found.fetchmany(_BATCH):
        yield "".join(row[0] for row in batch)
        done += len(batch)
        written(done)
    yield end + after


def _sample(frame: str, row: int) -> tuple[str, dict[str, str]]:
    """The sheet's XML without a sample row, and the numbers of its cells' styles by column."""
    sample = re.search(rf'<row r="{row}".*?</row>', frame)
    if sample is None:
        return frame, {}
    return frame.replace(sample[0], ""), dict(re.findall(rf'<c r="([A-Z]+){row}" s="(\d+)"', sample[0]))


def _cell(field: FieldDeclaration, letters: str, style: str, suppressed: str | None = None) -> str:
    """SQL for a field's cell; no cell where there is no value, but for a word in ``suppressed``'s style."""
    value = quote(field.name)
    opening = f"""'<c r="{letters}', row_in_sheet, '"{f' s="{style}"' if style else ""}"""
    text = f"""concat('<c r="{letters}', row_in_sheet, '" t="inlineStr"><is><t xml:space="preserve">',"""
    kind = field.column_type.xlsx
    if kind == "text":
        filled = f"{text} xlsx_text({value}), '</t></is></c>')"
    elif kind == "boolean":
        filled = f"concat({opening} t=\"b\"><v>', CASE WHEN {value} THEN 1 ELSE 0 END, '</v></c>')"
    elif kind == "date":
        # a workbook's calendar begins in 1900 and has a 29 February in that year; older dates are texts
        day = f"CAST({value} AS DATE)"
        serial = (
            f"date_diff('day', DATE '1899-12-31', {day}) + CASE WHEN {day} < DATE '1900-03-01' THEN 0 ELSE 1 END"
        )
        if field.type == "datetime":
            serial += f" + (epoch({value}) - epoch({day})) / 86400.0"
        filled = (
            f"CASE WHEN {day} < DATE '1900-01-01' THEN {text} {as_text(field)}, '</t></is></c>')"
            f" ELSE concat({opening}><v>', {serial}, '</v></c>') END"
        )
    else:
        filled = f"concat({opening}><v>', {value}, '</v></c>')"
        if rounded := too_long(field):
            filled = f"CASE WHEN {rounded} THEN {text} {value}, '</t></is></c>') ELSE {filled} END"
    empty = "''"
    if suppressed is not None:
        word = f"""concat('<c r="{letters}', row_in_sheet, '" s="{suppressed}" t="inlineStr">', {_WORD})"""
        empty = f"CASE WHEN {quote(STATUS)} = {literal(SUPPRESSED)} THEN {word} ELSE '' END"
    return f"CASE WHEN {value} IS NULL THEN {empty} ELSE {filled} END"


def _define_macro(connection: duckdb.DuckDBPyConnection) -> None:
    """``xlsx_text(t)``: a text as a cell holds it: cut where it is too long, escaped for XML, and with the
    characters that XML cannot hold written as Excel writes them (``_x000D_``).
    """
    cut = f"CASE WHEN length(t) > {_MAX_TEXT} THEN left(t, {_MAX_TEXT - 1}) || '…' ELSE t END"
    escaped = f"regexp_replace({cut}, '_(x[0-9A-Fa-f]{{4}}_)', '_x005F_\\1', 'g')"
    for character, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
        escaped = f"replace({escaped}, {literal(character)}, {literal(entity)})"
    connection.execute(f"CREATE OR REPLACE TEMP MACRO xlsx_escaped(t) AS {escaped}")
    cleaned = "t"
    for code in (*range(9), *range(11, 32)):
        cleaned = f"replace({cleaned}, chr({code}), '_x{code:04X}_')"
    for code in (0xFFFE, 0xFFFF):
        cleaned = f"replace({cleaned}, chr({code}), chr(65533))"
    connection.execute(f"CREATE OR REPLACE TEMP MACRO xlsx_cleaned(t) AS {cleaned}")
    unclean = r"[\x00-\x08\x0b-\x1f\x{fffe}\x{ffff}]"
    connection.execute(
        "CREATE OR REPLACE TEMP MACRO xlsx_text(t) AS CASE WHEN regexp_matches(t, "
        f"{literal(unclean)}) THEN xlsx_cleaned(xlsx_escaped(t)) ELSE xlsx_escaped(t) END"
    )
