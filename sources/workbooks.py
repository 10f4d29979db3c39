"""Workbooks that people keep, as declared tables: tolerant in form, strict in content.

What can be read in one way only is read: columns in any order, a title above the header, dates as dates or as
text, "5 000 €". What cannot is a finding that names the cell and says what to do; its value is missing in the
table, and the checks put the row aside. Nothing that stood in the file goes unmentioned.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time
from decimal import ROUND_HALF_EVEN, Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa

from sources import PullRequest, Reading, SourceError, pulling
from sources.cell_values import (
    CellValueError,
    clean_text,
    is_blank,
    parse_amount,
    parse_boolean,
    parse_date,
    parse_datetime,
    parse_integer,
    parse_year,
)
from warehouse.archive import Snapshot
from warehouse.declarations import FieldDeclaration, Severity, SourceDeclaration, TableDeclaration, normalised
from warehouse.findings import Finding, shown
from warehouse.sheets import (
    Cell,
    ErrorValue,
    Header,
    MatchedTable,
    SheetError,
    column_letters,
    match_tables,
    open_book,
    shown_value,
)
from warehouse.staging import ORIGIN_COLUMNS
from warehouse.xlsx import Sheet, serial_date

SUFFIXES = (".xlsx", ".xlsm", ".csv", ".tsv")
MAX_BYTES = 300 << 20
SPARSE = 3  # a row without a key and with fewer filled cells than this is a note, not a record
MAX_COLUMN_FINDINGS = 20  # a sheet may have 16,384 columns that nobody declared
_SERIALS = (20_000, 80_000)  # 1954 to 2119: what a day in a cell formatted as a number can be
_TOTALS = frozenset(
    normalised(word)
    for word in (
        "total", "totals", "grand total", "subtotal", "sum", "in total", "average", "mean",
        "yhteensä", "summa", "kaikki yhteensä", "välisumma", "keskiarvo",
    )
)  # fmt: skip
_PERCENT_UNITS = frozenset({"%", "percent", "pct"})
_CURRENCIES = {"€": "EUR", "£": "GBP", "$": "USD", "EUR": "EUR", "GBP": "GBP", "USD": "USD"}
_HOW_TO_WRITE: Mapping[str, str] = {
    "integer": "Write a whole number, such as 12.",
    "number": "Write the number alone, such as 5000 or 5000.50.",
    "boolean": "Write yes or no.",
    "date": "Write the day as 2016-03-31 or 31.3.2016, or leave the cell empty if it is not known.",
    "datetime": "Write the moment as 2016-03-31 14:30.",
    "year": "Write the year with four digits.",
    "string": "Write the text into the cell.",
}


def arrow_type(declared: FieldDeclaration) -> pa.DataType:
    """The Arrow type that becomes the field's declared DuckDB type."""
    if declared.type == "number" and declared.decimals is not None:
        return pa.decimal128(18, declared.decimals)
    types: dict[str, pa.DataType] = {
        "string": pa.string(),
        "integer": pa.int64(),
        "number": pa.float64(),
        "boolean": pa.bool_(),
        "date": pa.date32(),
        "datetime": pa.timestamp("us"),
        "year": pa.int16(),
    }
    return types[declared.type]


def arrow_schema(table: TableDeclaration) -> pa.Schema:
    """The declared columns, then where each row came from."""
    origin = {"VARCHAR": pa.string(), "BIGINT": pa.int64()}
    return pa.schema(
        [
            *((declared.name, arrow_type(declared)) for declared in table.fields),
            *((name, origin[kind]) for name, kind in ORIGIN_COLUMNS.items()),
        ]
    )


def pull_workbook(request: PullRequest) -> Snapshot:
    """Bring a workbook into the archive: a path, an address, the newest in a folder, or the newest in the inbox.

    A workbook's name says nothing of its date, so the snapshot is of the request's day.

    Raises:
        SourceError: there is none.
    """
    name = request.declaration.name
    origin = request.origin or request.declaration.default_origin
    if origin and pulling.is_url(origin):
        items = [pulling.Item(origin, pulling.name_in(origin))]
        return pulling.bring(request, items, limits=pulling.Limits(max_bytes=MAX_BYTES, deadline_seconds=900))
    folder = Path(origin).expanduser() if origin else request.home.inbox / name
    if origin and not folder.is_dir():
        items = pulling.local_items(origin, request.day)
    else:
        items = [pulling.Item(str(path), path.name) for path in _newest(folder, request)]
    for item in items:
        if (size := Path(item.location).stat().st_size) > MAX_BYTES:
            raise SourceError(
                f"{item.location} is {size >> 20:,} MB, more than the {MAX_BYTES >> 20} MB of a workbook that"
                " people keep. Is it the right file?"
            )
    return pulling.bring(request, items)


def _newest(folder: Path, request: PullRequest) -> list[Path]:
    """The newest workbook of a folder; where that is the CSV of one table, the newest CSV of each table."""
    declaration = request.declaration
    found = [
        path
        for path in (folder.iterdir() if folder.is_dir() else ())
        if path.is_file() and path.suffix.lower() in SUFFIXES and not path.name.startswith((".", "~"))
        if not request.of_day or pulling.date_in(path.name) == request.day
    ]
    found.sort(key=lambda path: (path.stat().st_mtime_ns, path.name), reverse=True)
    if not found:
        raise SourceError(
            f"{declaration.title}: there is no workbook in {folder}."
            " Put the .xlsx or .csv file there, or name one."
        )
    if found[0].suffix.lower() in (".csv", ".tsv"):
        by_table: dict[str, Path] = {}
        for path in found:
            words = f" {normalised(path.stem)} "
            tables = [table.name for table in declaration.tables if f" {normalised(table.name)} " in words]
            if path.suffix.lower() in (".csv", ".tsv") and len(tables) == 1:
                by_table.setdefault(tables[0], path)
        if found[0] in by_table.values():
            return sorted(by_table.values())
    return found[:1]


def read_workbook(snapshot: Snapshot, declaration: SourceDeclaration, workspace: Path) -> Reading:
    """A snapshot's workbooks and CSV files as the declared tables; several files are put one below the other.

    Raises:
        SourceError: a file is no workbook at all. What is wrong *in* a workbook becomes findings.
    """
    collected = {table.name: _Collected(table) for table in declaration.tables}
    findings: list[Finding] = []
    for path in snapshot.paths():
        try:
            book = open_book(path, declaration.tables)
        except SheetError as error:
            raise SourceError(f"{declaration.title}: {path.name} cannot be read: {error}.") from error
        for note in book.notes:
            findings.append(
                Finding(
                    "encoding",
                    Severity.WARNING,
                    f"{path.name}: {note}.",
                    "Save the file as UTF-8 (in Excel: CSV UTF-8).",
                    file=path.name,
                )
            )
        matching = match_tables(book, declaration.tables)
        for sheet in matching.others:
            if sheet.rows:
                findings.append(_other_sheet(path.name, sheet, declaration, matching.doubtful.get(sheet.name)))
        for match in matching.tables:
            collected[match.table.name].was_seen = True
            reader = _TableReader(path.name, match, is_csv=book.kind == "csv")
            reader.run()
            collected[match.table.name].rows.extend(reader.rows)
            findings.extend(reader.findings)
    files = ", ".join(file.name for file in snapshot.files)
    for name, table in collected.items():
        if not table.was_seen and table.table.presence == "mandatory":
            findings.append(
                Finding(
                    "missing-table",
                    Severity.CRITICAL,
                    f"There is no sheet {table.table.title!r} in {files}.",
                    f"Add a sheet named {table.table.title!r} with the columns of the template.",
                    table_name=name,
                    file=files if len(snapshot.files) == 1 else None,
                )
            )
    return Reading({name: table.arrow() for name, table in collected.items()}, tuple(findings))


def _other_sheet(
    file: str, sheet: Sheet, declaration: SourceDeclaration, alike: TableDeclaration | None
) -> Finding:
    if alike is not None:
        state = "is hidden" if sheet.is_hidden else f"is not the sheet named {alike.title!r}"
        return Finding(
            "unknown-sheet",
            Severity.WARNING,
            f"The sheet {sheet.name!r} has the columns of {alike.title!r} but {state}, so it was not read.",
            f"If its rows are to be published, move them to the sheet {alike.title!r}; else leave it as it is.",
            file=file,
            sheet=sheet.name,
        )
    titles = " or ".join(repr(table.title) for table in declaration.tables)
    return Finding(
        "unknown-sheet",
        Severity.INFO,
        f"The sheet {sheet.name!r} is none of the declared tables and was not read.",
        f"If it holds data to be published, name it {titles}; else leave it as it is.",
        file=file,
        sheet=sheet.name,
    )


@dataclass
class _Collected:
    """The rows of one table, from all files."""

    table: TableDeclaration
    rows: list[dict[str, Any]] = field(default_factory=list)
    was_seen: bool = False

    def arrow(self) -> pa.Table:
        return pa.Table.from_pylist(self.rows, schema=arrow_schema(self.table))


class _UnreadableError(Exception):
    """A cell that has no value of its column's type."""

    def __init__(self, message: str, help_text: str = "") -> None:
        super().__init__(message)
        self.help = help_text


class _TableReader:
    """Reads one table out of one sheet."""

    def __init__(self, file: str, match: MatchedTable, *, is_csv: bool) -> None:
        self.file = file
        self.is_csv = is_csv
        self.table = match.table
        self.sheet = match.sheet
        self.header = match.header
        self.by_name = match.by_name
        self.width = 0  # the last column that has a header
        self.rows: list[dict[str, Any]] = []
        self.findings: list[Finding] = []
        self.merged = _merged_values(match.sheet, match.header.row if match.header else 0)

    def add(self, rule: str, severity: Severity, message: str, help_text: str, **place: Any) -> None:
        self.findings.append(
            Finding(
                rule,
                severity,
                message,
                help_text,
                **{"table_name": self.table.name, "file": self.file, "sheet": self.sheet.name, **place},
            )
        )

    def run(self) -> None:
        if self.header is None:
            wanted = ", ".join(repr(f.title) for f in self.table.fields[:4])
            self.add(
                "missing-header",
                Severity.CRITICAL,
                f"The sheet {self.sheet.name!r} has no header row with the columns of {self.table.title!r}"
                " in its first 30 rows.",
                f"Put a row with the column names ({wanted}, ...) above the data.",
            )
            return
        if not self.by_name:
            self.add(
                "sheet-by-header",
                Severity.INFO,
                f"The sheet {self.sheet.name!r} was read as {self.table.title!r} because of its columns.",
                f"Name the sheet {self.table.title!r}.",
            )
        columns = self.check_columns(self.header)
        for number, cells in self.data_rows(self.header, columns):
            self.read_row(number, cells)

    # --- columns ---------------------------------------------------------------------------------

    def check_columns(self, header: Header) -> dict[str, int]:
        """The columns to read, after saying what is missing, unknown or there twice."""
        below = [cells for number, cells in self.sheet.rows.items() if number > header.row]
        filled = {column for cells in below for column in cells}
        columns = dict(header.columns)
        for name, others in header.repeated.items():
            declared = self.table.field(name)
            used = [column for column in (columns[name], *others) if column in filled]
            letters = " and ".join(column_letters(column) for column in (columns[name], *others))
            if len(used) <= 1:
                columns[name] = used[0] if used else columns[name]
                severity, outcome = Severity.WARNING, f"column {column_letters(columns[name])} was read"
            elif declared.presence == "mandatory":
                severity, outcome = Severity.CRITICAL, "nobody can tell which one is meant"
            else:
                severity, outcome = Severity.ERROR, "neither was read"
            if severity is not Severity.WARNING:
                del columns[name]
            self.add(
                "duplicate-column",
                severity,
                f"The column {declared.title!r} is there more than once ({letters}): {outcome}.",
                "Delete the column that is not meant, or give it another name.",
                column_name=name,
                row_number=header.row,
            )
        for declared in self.table.fields:
            if declared.name in header.columns or declared.presence != "mandatory":
                continue
            self.add(
                "missing-column",
                Severity.CRITICAL,
                f"The column {declared.title!r} is missing.",
                f"Add a column named {declared.title!r}." + (f" {declared.help}" if declared.help else ""),
                column_name=declared.name,
            )
        unknown = dict(header.unknown)
        seen = {*header.columns.values(), *unknown, *(c for others in header.repeated.values() for c in others)}
        self.width = max(seen)
        for column in sorted(filled - seen):
            if not (self.is_csv and column > self.width):  # these are said row by row
                unknown[column] = ""
        for column in sorted(unknown)[:MAX_COLUMN_FINDINGS]:
            letters, text = column_letters(column), unknown[column]
            said = (
                f"The column {text[:80]!r} ({letters})" if text else f"Column {letters} has values, no header and"
            )
            self.add(
                "unknown-column",
                Severity.WARNING,
                f"{said} is not declared, so it was not read.",
                "Give it the name of a column of the template if it is one; else leave it or remove it.",
                column_name=text or f"column {letters}",
                row_number=header.row,
                value=text[:200] or None,
            )
        if len(unknown) > MAX_COLUMN_FINDINGS:
            self.add(
                "unknown-column",
                Severity.WARNING,
                f"{len(unknown) - MAX_COLUMN_FINDINGS:,} more columns are not declared and were not read.",
                "Remove the columns to the right that are not needed.",
            )
        return columns

    # --- rows ------------------------------------------------------------------------------------

    def data_rows(
        self, header: Header, columns: Mapping[str, int]
    ) -> Iterator[tuple[int, dict[str, tuple[int, Cell]]]]:
        """Row number and filled cells by field, of the rows that are records."""
        titles = {name: normalised(shown_value(self.sheet.rows[header.row][column].value))
                  for name, column in columns.items() if column in self.sheet.rows[header.row]}  # fmt: skip
        for number in sorted(number for number in self.sheet.rows if number > header.row):
            row = self.sheet.rows[number]
            own: dict[str, tuple[int, Cell]] = {}
            for name, column in columns.items():
                cell = row.get(column)
                if cell is not None and not (isinstance(cell.value, str) and is_blank(cell.value)):
                    own[name] = (column, cell)
            filled = dict(own)
            for name, column in columns.items():
                if name not in own and (number, column) in self.merged:
                    filled[name] = (column, self.merged[number, column])
            if not own:
                continue
            if all(titles.get(name) == normalised(shown_value(cell.value)) for name, (_, cell) in filled.items()):
                continue  # the header once more, as on a printed page
            if reason := self.reason_to_skip(own, filled, len(columns)):
                self.add(
                    "skipped-row",
                    Severity.INFO,
                    f"The row was not read: {reason}.",
                    f"If it is one, fill in {self.table.field(self.table.primary_key[0]).title!r}"
                    " and the other cells; else leave it.",
                    row_number=number,
                )
                continue
            yield number, filled

    def reason_to_skip(self, own: Mapping[str, Any], filled: Mapping[str, Any], width: int) -> str:
        """Why a row is not a record, or nothing."""
        key = set(self.table.primary_key)
        first = min(filled.values(), key=lambda item: item[0])[1]
        keys = {name: cell for name, (_, cell) in filled.items() if name in key}
        texts = [first, *keys.values()]
        if any(isinstance(c.value, str) and normalised(c.value) in _TOTALS for c in texts) and (
            not keys or all(isinstance(c.value, str) and normalised(c.value) in _TOTALS for c in keys.values())
        ):
            return "it is a row of totals, not a record"
        if not keys and len(own) < min(SPARSE, max(1, width // 2)):
            return "it has no key and next to nothing in it, so it is a note, not a record"
        if keys and not set(filled) - key and len(self.table.fields) > len(key):
            return "only its key is filled in, so it is not a record yet"
        return ""

    def read_row(self, number: int, cells: Mapping[str, tuple[int, Cell]]) -> None:
        record: dict[str, Any] = {declared.name: None for declared in self.table.fields}
        start = len(self.findings)
        for name, (column, cell) in cells.items():
            declared = self.table.field(name)
            try:
                if (number, column) in self.merged and declared.type in ("integer", "number"):
                    raise _UnreadableError(
                        "one cell over several rows: nobody can tell whether it is the value of each row"
                        " or of all together",
                        "Undo the merging and write each row's own value.",
                    )
                record[name] = self.typed(declared, cell, number)
            except _UnreadableError as error:
                hint = error.help or declared.help or _HOW_TO_WRITE[declared.type]
                self.add(
                    "type",
                    declared.severity,
                    f"{declared.title}: {error}.",
                    hint,
                    row_number=number,
                    column_name=name,
                    value=shown(shown_value(cell.value) or None, declared),
                )
        if self.is_csv and max(self.sheet.rows[number]) > self.width:
            self.add(
                "row-length",
                Severity.ERROR,
                f"The row has {max(self.sheet.rows[number])} cells under a header of {self.width}: its values may"
                " stand in the wrong columns.",
                "Put cells that hold the delimiter into quotation marks.",
                row_number=number,
            )
        key = [record[name] for name in self.table.primary_key]
        if all(part is not None for part in key):
            row_key = " | ".join(str(part) for part in key)
            self.findings[start:] = [replace(finding, row_key=row_key) for finding in self.findings[start:]]
        self.rows.append({**record, "_file": self.file, "_sheet": self.sheet.name, "_row": number})

    # --- cells -----------------------------------------------------------------------------------

    def typed(self, declared: FieldDeclaration, cell: Cell, number: int) -> Any:
        """The cell's value as the field's type.

        Raises:
            _UnreadableError: it has none.
        """
        value = cell.value
        if isinstance(value, ErrorValue):
            if value.code == "#####":
                raise _UnreadableError("the cell is formatted as a date, but its number is none")
            raise _UnreadableError(
                f"the cell shows the error {value.code}",
                "Mend the formula, or replace it by its value." if cell.is_formula else "",
            )
        if value is None:
            raise _UnreadableError(
                "the cell holds a formula whose result was never stored",
                "Open the workbook in a spreadsheet program and save it, or replace the formula by its value.",
            )
        try:
            return _CONVERTERS[declared.type](self, declared, cell, number)
        except CellValueError as error:
            # Messages quote values, so a personal one is withheld here too.
            quoted = shown(_quoted(shown_value(value)), declared)
            raise _UnreadableError(f"{quoted} cannot be read: {error}") from error

    def as_string(self, declared: FieldDeclaration, cell: Cell, number: int) -> str | None:
        value = cell.value
        if isinstance(value, str):
            return clean_text(value) or None
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, int | float):
            if re.fullmatch(r"0{2,}", cell.number_format) and float(value).is_integer():
                return str(int(value)).zfill(len(cell.number_format))  # 00000: the zeros are only in the format
            if cell.number_format.endswith("%"):
                return f"{value * 100:g}%"
        return shown_value(value)

    def as_number(self, declared: FieldDeclaration, cell: Cell, number: int) -> Decimal | float:
        value = cell.value
        if isinstance(value, bool | datetime | date | time):
            raise CellValueError("it is not a number")
        is_percent = declared.unit in _PERCENT_UNITS and "%" in cell.number_format
        if isinstance(value, str):
            amount = parse_amount(value, unit=declared.unit, decimals=declared.decimals)
        else:
            amount = Decimal(repr(value)) * (100 if is_percent else 1)
            currency = _format_currency(cell.number_format)
            if currency and declared.unit in _CURRENCIES.values() and currency != declared.unit:
                raise CellValueError(f"it is in {currency}, the column is in {declared.unit}")
        if declared.decimals is None:
            return float(amount)
        if abs(amount) >= Decimal(10) ** (18 - declared.decimals):
            raise CellValueError("it is too large a number")
        exact = amount.quantize(Decimal(1).scaleb(-declared.decimals), ROUND_HALF_EVEN)
        if abs(exact - amount) > Decimal("1e-9") * max(Decimal(1), abs(amount)):
            self.add(
                "rounded",
                Severity.WARNING,
                f"{declared.title}: {shown(_quoted(shown_value(value)), declared)} was rounded"
                f" to {declared.decimals} decimals.",
                f"Write it with at most {declared.decimals} decimals.",
                row_number=number,
                column_name=declared.name,
                value=shown(shown_value(value), declared),
            )
        return exact

    def as_integer(self, declared: FieldDeclaration, cell: Cell, number: int) -> int:
        value = cell.value
        if isinstance(value, str):
            return parse_integer(value, unit=declared.unit)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise CellValueError("it is not a whole number")
        if abs(value - round(value)) > 1e-9 * max(1.0, abs(value)) or abs(value) >= 1 << 63:
            raise CellValueError("it is not a whole number")
        return round(value)

    def as_year(self, declared: FieldDeclaration, cell: Cell, number: int) -> int:
        value = cell.value
        if isinstance(value, datetime):
            # 2016 in a cell formatted as a date shows as a day in 1905.
            serial = (value - (datetime(1904, 1, 1) if self.sheet.has_1904_dates else datetime(1899, 12, 30))).days
            if not 1900 <= serial <= 2100:
                raise CellValueError("it is a date, not a year")
            return serial
        return parse_year(shown_value(value))

    def as_boolean(self, declared: FieldDeclaration, cell: Cell, number: int) -> bool:
        return cell.value if isinstance(cell.value, bool) else parse_boolean(shown_value(cell.value))

    def as_date(self, declared: FieldDeclaration, cell: Cell, number: int) -> date:
        return self.moment(cell, parse_date).date()

    def as_datetime(self, declared: FieldDeclaration, cell: Cell, number: int) -> datetime:
        return self.moment(cell, parse_datetime)

    def moment(self, cell: Cell, parse: Callable[[str], date | datetime]) -> datetime:
        value = cell.value
        if isinstance(value, datetime):
            return value if value.tzinfo is None else value.astimezone(UTC).replace(tzinfo=None)
        if isinstance(value, bool | time):
            raise CellValueError("it is not a date")
        if isinstance(value, int | float):
            stamp = None
            if _SERIALS[0] <= value <= _SERIALS[1]:
                stamp = serial_date(value, has_1904_dates=self.sheet.has_1904_dates)
            if not isinstance(stamp, datetime):
                raise CellValueError("it is a number, not a date")
            return stamp
        found = parse(value) if isinstance(value, str) else value
        if isinstance(found, datetime):
            return found
        if isinstance(found, date):
            return datetime.combine(found, time())
        raise CellValueError("it is not a date")


_Converter = Callable[[_TableReader, FieldDeclaration, Cell, int], Any]
_CONVERTERS: Mapping[str, _Converter] = {
    "string": _TableReader.as_string,
    "integer": _TableReader.as_integer,
    "number": _TableReader.as_number,
    "boolean": _TableReader.as_boolean,
    "date": _TableReader.as_date,
    "datetime": _TableReader.as_datetime,
    "year": _TableReader.as_year,
}


def _format_currency(number_format: str) -> str | None:
    """The currency a number format shows. A bare ``$`` says nothing: Excel shows the reader's own instead."""
    if match := re.search(r"\[\$([^\]-]+)", number_format):
        return _CURRENCIES.get(match[1].strip().upper())
    return next((code for symbol, code in _CURRENCIES.items() if symbol in "€£" and symbol in number_format), None)


def _quoted(text: str) -> str:
    text = clean_text(text)
    return f"“{text if len(text) <= 60 else text[:59] + '…'}”"


def _merged_values(sheet: Sheet, below: int) -> dict[tuple[int, int], Cell]:
    """The value of a range merged over rows, for each of its rows; below its first column only.

    A range merged over columns means its first column: its text would be wrong in the next one. Titles and
    headers, which begin at or above row ``below``, have no value for the data.
    """
    values: dict[tuple[int, int], Cell] = {}
    for top, left, bottom, _ in sheet.merged:
        cell = sheet.rows.get(top, {}).get(left)
        if cell is None or bottom == top or top <= below:
            continue
        for row in range(top, min(bottom, top + 10_000) + 1):
            values[row, left] = cell
    return values
