"""Opening what was handed in: a workbook or a CSV, told apart by what is in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from warehouse.declarations import TableDeclaration
from warehouse.messages import message
from warehouse.sheets.cells import Sheet, SheetError
from warehouse.sheets.csv_files import Records, read_csv
from warehouse.sheets.headers import find_header
from warehouse.sheets.xlsx import read_xlsx

_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


@dataclass
class Book:
    """An opened file. ``kind`` is ``xlsx`` or ``csv``; ``notes`` say what was assumed in opening it."""

    path: Path
    kind: str
    sheets: list[Sheet]
    notes: list[str] = field(default_factory=list)
    records: Records = field(default_factory=Records)  # of a CSV


def open_book(path: Path, tables: Sequence[TableDeclaration]) -> Book:
    """A workbook or a CSV file, told apart by what is in it and not by its name.

    Args:
        path: the file.
        tables: what is expected in it; a CSV's delimiter is the one that makes most of their headers.

    Raises:
        SheetError: it is neither, or cannot be read; the message says what to do.
    """
    with path.open("rb") as file:
        start = file.read(4096)
    if start.startswith(b"PK\x03\x04"):
        return Book(path, "xlsx", read_xlsx(path))
    if start.startswith(_OLE):
        with path.open("rb") as file:
            is_encrypted = "EncryptedPackage".encode("utf-16-le") in file.read(8 << 20)
        if is_encrypted:
            raise SheetError(
                message("it is protected with a password"), message("Save a copy without one and hand that in.")
            )
        raise SheetError(message("it is an old Excel file (.xls)"), message("Open it and save it as .xlsx."))
    if start.startswith(b"%PDF"):
        raise SheetError(message("it is a PDF"), message("Hand in the workbook itself, as .xlsx or .csv."))
    if start.lstrip(b"\xef\xbb\xbf \t\r\n").lower().startswith((b"<html", b"<!doctype", b"<?xml", b"<table")):
        raise SheetError(
            message("it is a web page or XML, whatever its name says"), message("Save it as .xlsx or .csv.")
        )
    if not start.strip():
        raise SheetError(message("it is empty"))
    sheet, notes, records = read_csv(path, tables)
    if path.suffix.lower() in (".xlsx", ".xlsm") and not any(find_header(sheet, table) for table in tables):
        raise SheetError(
            message("it is no workbook, whatever its name says"), message("Save it as .xlsx where it was made.")
        )
    return Book(path, "csv", [sheet], notes, records)
