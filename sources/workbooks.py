"""Workbooks that people keep, as declared tables: tolerant in form, strict in content.

What can be read in one way only is read: columns in any order, a title above the header, dates as dates or as
text, "5 000 €". What cannot is a finding that names the cell and says what to do; its value is missing in the
table, and the checks put the row aside. Nothing that stood in the file goes unmentioned.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time
from decimal import ROUND_HALF_EVEN, Decimal
from pathlib import Path
from typing import Any, TypeVar

import pyarrow as pa

from sources import NothingThereError, PullRequest, Reading, SourceError, pulling
from sources.cell_values import (
    CellValueError,
    PartialDate,
    clean_text,
    date_order_of,
    decimal_mark_of,
    is_blank,
    is_ditto,
    is_error_word,
    month_of,
    parse_amount,
    parse_boolean,
    parse_date,
    parse_datetime,
    parse_integer,
    parse_partial_date,
    parse_qualified,
    parse_year,
    unscrambled,
    year_of,
)
from sources.record_lengths import Fault, faults
from warehouse import reference
from warehouse.archive import Snapshot
from warehouse.declarations import (
    FieldDeclaration,
    Privacy,
    Severity,
    SourceDeclaration,
    TableDeclaration,
    normalised,
)
from warehouse.findings import WITHHELD, Finding, QuarantinedRow, key_text, shown
from warehouse.identifiers import CANONICAL, slug
from warehouse.number_formats import is_elapsed, shown_number, shown_text
from warehouse.sheets import (
    Cell,
    ErrorValue,
    Header,
    MatchedTable,
    Records,
    SheetError,
    UndecodedText,
    column_letters,
    header_text,
    match_tables,
    nearest_fields,
    open_book,
    shown_cell,
    shown_value,
    table_of_file,
)
from warehouse.staging import ORIGIN_COLUMNS
from warehouse.xlsx import Sheet, serial_date

SUFFIXES = (".xlsx", ".xlsm", ".csv", ".tsv")
N = TypeVar("N", Decimal, int)
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
        raise NothingThereError(
            f"{declaration.title}: there is no workbook in {folder}."
            " Put the .xlsx or .csv file there, or name one."
        )
    if found[0].suffix.lower() in (".csv", ".tsv"):
        by_table: dict[str, Path] = {}
        for path in found:
            table = table_of_file(path.stem, declaration.tables)
            if path.suffix.lower() in (".csv", ".tsv") and table is not None:
                by_table.setdefault(table.name, path)
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
    quarantined: list[QuarantinedRow] = []
    incomplete: dict[str, str] = {}
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
        for name, names in matching.clashing.items():
            collected[name].was_seen = True
            findings.append(_same_name(path.name, declaration.table(name), names))
        for match in matching.tables:
            collected[match.table.name].was_seen = True
            reader = _TableReader(path.name, match, book.records if book.kind == "csv" else None)
            reader.run()
            collected[match.table.name].rows.extend(reader.rows)
            findings.extend(reader.findings)
            quarantined.extend(reader.quarantined)
            if reader.incomplete:
                incomplete[match.table.name] = reader.incomplete
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
    tables = {name: table.arrow() for name, table in collected.items()}
    return Reading(tables, tuple(findings), tuple(quarantined), incomplete=incomplete)


def _same_name(file: str, table: TableDeclaration, names: Sequence[str]) -> Finding:
    return Finding(
        "duplicate-sheet",
        Severity.CRITICAL,
        f"The sheets {' and '.join(repr(name) for name in names)} all have the name of {table.title!r}: nobody"
        " can tell which one is meant, so none was read.",
        f"Keep the name {table.title!r} for one sheet, and give the others another name.",
        table_name=table.name,
        file=file,
    )


def _other_sheet(
    file: str, sheet: Sheet, declaration: SourceDeclaration, alike: TableDeclaration | None
) -> Finding:
    if alike is not None:
        state = "is hidden" if sheet.is_hidden else f"is not the sheet named {alike.title!r}"
        return Finding(
            "unknown-sheet",
            Severity.WARNING,
            f"The sheet {sheet.name!r} has the columns of {alike.title!r} but {state}, so it was not read.",
            f"If its rows are to be published, move them to the sheet that was read as {alike.title!r};"
            " else leave it as it is.",
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

    def __init__(self, message: str, help_text: str = "", rule: str = "type") -> None:
        super().__init__(message)
        self.help = help_text
        self.rule = rule


@dataclass(frozen=True)
class _Column:
    """What a column's cells say together of those that can be read in two ways.

    ``decimal_mark`` and ``date_order`` (of dates with slashes) are what its texts show, None where they show
    nothing or both. ``doubtful_marks`` are those between the parts of dates of which some have the month first
    against all custom. With ``may_be_swapped`` its dates were read by a program that took days for months.
    """

    decimal_mark: str | None = None
    date_order: str | None = None
    doubtful_marks: frozenset[str] = frozenset()
    may_be_swapped: bool = False


@dataclass(frozen=True)
class _Reading:
    """A cell that was read as something else than it says, in the one way it can be."""

    row: int
    value: str
    read_as: str


class _TableReader:
    """Reads one table out of one sheet. ``records`` are those of a CSV."""

    def __init__(self, file: str, match: MatchedTable, records: Records | None) -> None:
        self.file = file
        self.records = records
        self.table = match.table
        self.sheet = match.sheet
        self.header = match.header
        self.by_name = match.by_name
        self.width = 0  # the last column that has a header
        self.rows: list[dict[str, Any]] = []
        self.findings: list[Finding] = []
        self.quarantined: list[QuarantinedRow] = []
        self.incomplete = ""
        self.columns: dict[str, _Column] = {}
        self.ids = {*match.table.primary_key, *(name for key in match.table.foreign_keys for name in key.fields)}
        self.names = {declared.name: declared.title for declared in match.table.fields}  # as this sheet has them
        self.readings: dict[str, list[_Reading]] = {}
        self.cells: Mapping[str, tuple[int, Cell]] = {}  # of the row being read
        self.implied: dict[str, str] = {}  # codes that the row's other cells say
        self.row_keys: dict[int, str] = {}
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
        rows = list(self.data_rows(self.header, columns))
        for name in columns:
            self.columns[name] = self.whole_column(
                self.table.field(name), [c[name][1] for _, c in rows if name in c]
            )
        for number, cells in rows:
            self.read_row(number, cells)
        for name, readings in self.readings.items():
            self.add_readings(self.table.field(name), readings)
        self.say_hidden(self.header, rows, columns)

    # --- columns ---------------------------------------------------------------------------------

    def check_columns(self, header: Header) -> dict[str, int]:
        """The columns to read, after saying what is missing, unknown or there twice."""
        below = [cells for number, cells in self.sheet.rows.items() if number > header.row]
        filled = {column for cells in below for column in cells}
        columns = dict(header.columns)
        heads = {column: header_text(cell) for column, cell in self.sheet.rows[header.row].items()}
        self.names |= {name: _short(heads[column]) for name, column in columns.items() if column in heads}
        for name, column in columns.items():
            if column in header.marked:
                self.add(
                    "read-as",
                    Severity.INFO,
                    f"The column {_short(heads[column])!r} was read as {self.table.field(name).title!r}.",
                    "Nothing to do; without the mark behind the header nobody has to wonder.",
                    column_name=name,
                )
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
                f"The column {self.names[name]!r} is there more than once ({letters}): {outcome}.",
                "Delete the column that is not meant, or give it another name.",
                column_name=name,
                row_number=header.row,
            )
        missing = [declared.name for declared in self.table.fields if declared.name not in header.columns]
        meant = {
            column: nearest_fields(text, self.table, missing)
            for column, text in sorted(header.unknown.items())[:MAX_COLUMN_FINDINGS]
            if text
        }
        for declared in self.table.fields:
            if declared.name not in missing or declared.presence != "mandatory":
                continue
            near = [
                f"{_short(header.unknown[c])!r} ({column_letters(c)})" for c in meant if declared.name in meant[c]
            ]
            self.add(
                "missing-column",
                Severity.CRITICAL,
                f"The column {declared.title!r} is missing.",
                (f"Is it {' or '.join(near)}? Then name it {declared.title!r}. Else add" if near else "Add")
                + f" a column named {declared.title!r}."
                + (f" {declared.help}" if declared.help else ""),
                column_name=declared.name,
            )
        unknown = dict(header.unknown)
        seen = {*header.columns.values(), *unknown, *(c for others in header.repeated.values() for c in others)}
        self.width = max(seen)
        for column in sorted(filled - seen):
            if not (self.records and column > self.width):  # these are said row by row
                unknown[column] = ""
        for column in sorted(unknown)[:MAX_COLUMN_FINDINGS]:
            letters, text = column_letters(column), unknown[column]
            said = (
                f"The column {_short(text)!r} ({letters})"
                if text
                else f"Column {letters} has values, no header and"
            )
            self.add(
                "unknown-column",
                Severity.WARNING,
                f"{said} is not declared, so it was not read.",
                "".join(f"Did you mean {self.table.field(name).title!r}? " for name in meant.get(column, ())[:1])
                + "Give it the name of a column of the template if it is one; else leave it or remove it.",
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
        wrong: dict[int, Fault] = {}
        if self.records:
            wrong = faults(self.records, self.sheet, header.row, self.width, self.may_begin)
        for number in sorted(number for number in self.sheet.rows if number > header.row):
            row = self.sheet.rows[number]
            if wrong.get(number, Fault.SHORT) is not Fault.SHORT and not _has_total(row):
                self.put_aside(number, wrong[number], header)
                continue
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
            if number in wrong:
                self.put_aside(number, wrong[number], header)
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

    def put_aside(self, number: int, fault: Fault, header: Header) -> None:
        """Keep a record of a wrong length as it stood: nobody can tell which of its values is whose."""
        assert self.records is not None  # noqa: S101
        cells, wanted = self.records.lengths[number], self.records.lengths[header.row]
        said = f"The row has {cells} cells under a header of {wanted}"
        if cells == wanted:
            said = "The row has a value beyond the last column with a header"
        outcome = "so its values may stand in the wrong columns and it was not read"
        help_text = "Put a cell that holds the delimiter into quotation marks, or hand in an .xlsx file."
        if fault is Fault.CUT:
            self.incomplete = f"{self.file} ends within row {number:,}"
            said, outcome = (
                f"The file ends within this row, after {cells} of {wanted} cells",
                "so rows may be missing",
            )
            help_text = "Export or fetch the file again, and look whether it is whole."
        elif fault in (Fault.FIRST_PIECE, Fault.PIECE):
            said = "The row and its neighbours look like one record that a line break within a cell cut in pieces"
            outcome = "so it was not read"
            help_text = "Put the cell with the line break into quotation marks, or hand in an .xlsx file."
        key = self.key_before(number, fault, header)
        self.add(
            "row-length",
            Severity.ERROR,
            f"{said}, {outcome}.",
            help_text,
            row_number=number,
            row_key=" | ".join(key.values()) if key else None,
        )
        # A personal value may stand in any column now, and what nobody declared may be personal too.
        is_open = not header.unknown and not any(
            self.table.field(name).privacy is Privacy.PERSONAL for name in header.columns
        )
        values = {column: shown_value(cell.value) for column, cell in self.sheet.rows[number].items()}
        record = [values.get(column, "") for column in range(1, cells + 1)] if is_open else [WITHHELD] * cells
        self.quarantined.append(
            QuarantinedRow(
                self.table.name,
                self.file,
                self.sheet.name,
                number,
                json.dumps(record, ensure_ascii=False),
                key_text(key) if key else None,
            )
        )

    def may_begin(self, number: int) -> bool:
        """Whether a row of a CSV can be the beginning of a record, or a total; a single cell is none."""
        assert self.records is not None  # noqa: S101
        assert self.header is not None  # noqa: S101
        row = self.sheet.rows[number]
        if self.records.lengths[number] == 1 or _has_total(row):
            return _has_total(row)
        for name in self.table.primary_key:
            pattern, cell = self.table.field(name).constraints.pattern, row.get(self.header.columns.get(name, 0))
            if pattern and cell and not re.fullmatch(pattern, clean_text(shown_value(cell.value))):
                return False
        return True

    def key_before(self, number: int, fault: Fault, header: Header) -> dict[str, str] | None:
        """The primary key of a record of a wrong length, where no missing or added cell can have moved it.

        Its columns must be the first ones. In a record that was cut off behind them they are what they are. In one
        with a cell too many they are if each has a form that it had not together with the cell behind it.
        """
        names = self.table.primary_key
        columns = [header.columns.get(name, 0) for name in names]
        if sorted(columns) != list(range(1, len(columns) + 1)) or fault in (Fault.PIECE, Fault.SHORT):
            return None
        assert self.records is not None  # noqa: S101
        if self.records.lengths[number] <= len(columns):
            return None
        row = self.sheet.rows[number]
        key = {}
        for name, column in zip(names, columns, strict=True):
            declared, cell, after = self.table.field(name), row.get(column), row.get(column + 1)
            if declared.type != "string" or cell is None or not isinstance(cell.value, str):
                return None
            pattern, text = declared.constraints.pattern, clean_text(cell.value)
            joined = f"{text}{self.records.delimiter}{shown_value(after.value) if after else ''}"
            if pattern is None or not re.fullmatch(pattern, text) or re.fullmatch(pattern, joined):
                return None
            key[name] = text
        return key

    def read_row(self, number: int, cells: Mapping[str, tuple[int, Cell]]) -> None:
        record: dict[str, Any] = {declared.name: None for declared in self.table.fields}
        start = len(self.findings)
        self.cells, self.implied = cells, {}
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
                    error.rule,
                    declared.severity,
                    f"{self.names[name]}: {error}.",
                    hint,
                    row_number=number,
                    column_name=name,
                    value=shown(shown_cell(cell) or None, declared),
                )
        self.say_left_out(number, cells)
        record |= self.implied
        key = [record[name] for name in self.table.primary_key]
        if all(part is not None for part in key):
            row_key = " | ".join(str(part) for part in key)
            self.row_keys[number] = row_key
            self.findings[start:] = [replace(finding, row_key=row_key) for finding in self.findings[start:]]
        self.rows.append({**record, "_file": self.file, "_sheet": self.sheet.name, "_row": number})

    def note(self, declared: FieldDeclaration, cell: Cell, number: int, read_as: object) -> None:
        """Remember that a cell was read as something else than it says."""
        given, meant = (str(shown(_quoted(text), declared)) for text in (shown_cell(cell), str(read_as)))
        self.readings.setdefault(declared.name, []).append(_Reading(number, given, meant))

    def add_readings(self, declared: FieldDeclaration, readings: Sequence[_Reading]) -> None:
        """One finding for all cells of a column that were read as something else."""
        pairs = dict.fromkeys((one.value, one.read_as) for one in readings)
        said = ", ".join(f"{value} as {read_as}" for value, read_as in list(pairs)[:3])
        more = f" and {len(pairs) - 3:,} more" if len(pairs) > 3 else ""
        rows = f" ({len(readings):,} cells)" if len(readings) > 1 else ""
        one = readings[0] if len(readings) == 1 else None
        self.add(
            "read-as",
            Severity.INFO,
            f"{self.names[declared.name]}: read {said}{more}{rows}.",
            "Nothing to do if that is what is meant.",
            column_name=declared.name,
            row_number=one.row if one else None,
            row_key=self.row_keys.get(one.row) if one else None,
            value=one.value.strip("“”") if one else None,
        )

    def say_left_out(self, number: int, cells: Mapping[str, tuple[int, Cell]]) -> None:
        """Say what of a row's cells was left out in reading, or was struck out and read all the same."""
        notes: dict[str, list[str]] = {}
        for name, (_, cell) in cells.items():
            if cell.note:
                notes.setdefault(cell.note, []).append(name)
        for note, names in notes.items():
            for few in [names] if len(names) > 3 else [[name] for name in names]:  # a whole row is said once
                self.add(
                    "left-out",
                    Severity.WARNING,
                    f"{', '.join(self.names[name] for name in few)}: {note}.",
                    "Look whether what was read is what is meant; write remarks into a column of their own.",
                    row_number=number,
                    column_name=few[0],
                    value=shown(shown_cell(cells[few[0]][1]), self.table.field(few[0])),
                )

    def say_hidden(
        self, header: Header, rows: Sequence[tuple[int, Mapping[str, object]]], columns: Mapping[str, int]
    ) -> None:
        """Say what was read although nobody sees it, and what was not because it lies under merged cells."""
        sheet = self.sheet
        numbers = [number for number, _ in rows]
        hidden_rows = [number for number in numbers if number in sheet.hidden_rows]
        hidden_columns = [
            f"{self.names[name]} ({column_letters(column)})"
            for name, column in columns.items()
            if any(first <= column <= last for first, last in sheet.hidden_columns)
        ]
        read = set(numbers)
        covered = sorted(place for place in sheet.covered if place[0] in read and place[1] in columns.values())
        zeros = sheet.hides_zeros and any(
            cell.value == 0 and cell.value is not False
            for number in numbers
            for column, cell in sheet.rows[number].items()
            if column in columns.values()
        )
        said = []
        if sheet.is_hidden:
            said.append(("hidden-sheet", "The sheet is hidden, and was read", "Show it, or delete it"))
        if hidden_rows:
            what = f"{'Row' if len(hidden_rows) == 1 else 'Rows'} {_ranges(hidden_rows)}"
            verb = "is" if len(hidden_rows) == 1 else "are"
            said.append(
                (
                    "hidden-rows",
                    f"{what} {verb} hidden, by a filter or by hand, and {'was' if verb == 'is' else 'were'} read",
                    "Take the filter off or show the rows, and delete those that are not to be published",
                )
            )
        if hidden_columns:
            said.append(
                (
                    "hidden-columns",
                    f"Hidden columns were read: {', '.join(hidden_columns)}",
                    "Show the columns, and delete those that are not to be published",
                )
            )
        if covered:
            places = ", ".join(f"{column_letters(column)}{number}" for number, column in covered[:10])
            more = f" and {len(covered) - 10:,} more" if len(covered) > 10 else ""
            said.append(
                (
                    "hidden-values",
                    f"Values under merged cells, which nobody sees, were not read: {places}{more}",
                    "Undo the merging and look which values are meant",
                )
            )
        if zeros:
            said.append(
                (
                    "hidden-zeros",
                    "The sheet is set not to show zeros; cells that look empty were read as 0",
                    "Let the sheet show zeros, and empty the cells that are meant to be empty",
                )
            )
        for rule, message, help_text in said:
            self.add(rule, Severity.WARNING, f"{message}.", f"{help_text}.")

    # --- columns as a whole ----------------------------------------------------------------------

    def whole_column(self, declared: FieldDeclaration, cells: Sequence[Cell]) -> _Column:
        """What a column's cells say together; the order of the rows does not count."""
        texts = [cell.value for cell in cells if isinstance(cell.value, str)]
        if declared.type in ("integer", "number"):
            marks = {decimal_mark_of(text, is_whole=declared.type == "integer") for text in texts} - {None}
            return _Column(decimal_mark=marks.pop() if len(marks) == 1 else None)
        if declared.type not in ("date", "datetime"):
            return _Column()
        forms = {form for text in texts if (form := date_order_of(text))}
        doubtful = frozenset(mark for mark, order in forms if (mark, order) in ((".", "mdy"), ("-", "ydm")))
        slashed = {order for mark, order in forms if mark == "/"}
        certain = slashed - {"either"}
        stamps = [cell.value for cell in cells if isinstance(cell.value, date)]
        if slashed and stamps:
            # A program that expects the month first makes a date of "4/5/2016" and leaves "13/5/2016" as text.
            self.warn_of_dates(declared, "has dates beside texts such as 13/5/2016")
            return _Column(doubtful_marks=doubtful, may_be_swapped=all(stamp.day <= 12 for stamp in stamps))
        if len(certain) == 2 or doubtful:
            self.warn_of_dates(declared, "has dates with the day first and dates with the month first")
        return _Column(date_order=certain.pop() if len(certain) == 1 else None, doubtful_marks=doubtful)

    def warn_of_dates(self, declared: FieldDeclaration, what: str) -> None:
        self.add(
            "mixed-dates",
            Severity.WARNING,
            f"The column {self.names[declared.name]!r} {what}: perhaps a program took days for months.",
            "Look whether each date is the one that is meant, and write all of them as 2016-05-13.",
            column_name=declared.name,
        )

    # --- cells -----------------------------------------------------------------------------------

    def typed(self, declared: FieldDeclaration, cell: Cell, number: int) -> Any:
        """The cell's value as the field's type.

        Raises:
            _UnreadableError: it has none.
        """
        value = cell.value
        if isinstance(value, UndecodedText):
            likely = (
                f"If it is {shown(_quoted(value.likely), declared)}, write"
                if "\ufffd" not in value.likely
                else "Write"
            )
            raise _UnreadableError(
                f"{shown(_quoted(value.code), declared)} holds a character that the file's encoding does not have",
                f"{likely} it again and save the file as UTF-8 (in Excel: CSV UTF-8).",
            )
        if isinstance(value, str) and "\ufffd" in value:
            raise _UnreadableError(
                f"in {shown(_quoted(value), declared)} a character was lost before the file came here",
                "Write the text again; the mark � stands where a letter was.",
            )
        if isinstance(value, str) and (before := unscrambled(value)):
            raise _UnreadableError(
                f"in {shown(_quoted(value), declared)} letters were taken for others",
                f"Did you mean {shown(_quoted(before), declared)}? Write it so.",
            )
        if isinstance(value, str) and is_error_word(value):
            raise _UnreadableError(
                f"the cell says {_quoted(value)}, which is what a program shows where a value should be",
                "Write the value, or leave the cell empty if there is none.",
            )
        if isinstance(value, str) and is_ditto(value):
            raise _UnreadableError(
                f"{_quoted(value)} points to another row",
                "Write the value itself into every row: rows are sorted and taken apart.",
            )
        if isinstance(value, ErrorValue):
            if value.problem:
                said = f"{shown(_quoted(value.code), declared)} cannot be read: " if value.code else ""
                raise _UnreadableError(said + value.problem)
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
            quoted = shown(_quoted(shown_cell(cell)), declared)
            raise _UnreadableError(f"{quoted} cannot be read: {error}") from error

    def as_string(self, declared: FieldDeclaration, cell: Cell, number: int) -> str | None:
        text = self.text(cell)
        limits = declared.constraints
        if not text:
            return None
        meant: str | None = text
        if limits.code_list is not None:
            codes = reference.code_lists()[limits.code_list]
            meant = codes.code_of(text)
            if meant is None:
                near = codes.nearest(text)
                raise _UnreadableError(
                    f"{shown(_quoted(text), declared)} is not on the list",
                    (f"Did you mean {' or '.join(near)}? " if near else "")
                    + f"Choose one of: {', '.join(codes.codes)}.",
                    rule="code",
                )
        elif limits.check is not None:
            meant = CANONICAL[limits.check](text) or text
        elif limits.pattern is not None and declared.name in self.ids and not re.fullmatch(limits.pattern, text):
            meant = slug(text) if re.fullmatch(limits.pattern, slug(text)) else text
        if meant != text:
            self.note(declared, cell, number, meant)
        return meant

    def text(self, cell: Cell) -> str | None:
        value = cell.value
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, date | time):
            kind = "time" if isinstance(value, time) else "date"
            raise _UnreadableError(
                f"the cell holds a {kind}, where a text belongs: a spreadsheet makes one of what looks like it",
                "Format the cell as text and write again what is meant.",
            )
        text = shown_text(value, cell.number_format) if isinstance(value, str) else ""
        if isinstance(value, int | float):
            if abs(value) >= 1e15:
                raise CellValueError("it has more digits than a spreadsheet keeps; write it as text")
            seen = shown_number(value, cell.number_format).text
            if seen is None:
                raise CellValueError("it is a number whose format shows something else; write it as text")
            text = seen
        if not text and value != "":
            raise CellValueError("its number format shows nothing of it")
        return clean_text(text) or None

    def check_shown(self, declared: FieldDeclaration, cell: Cell) -> int:
        """What only a number's format shows counts as if it were written: 50 %, 5 k€, 6000 kr.

        Returns:
            By how many powers of ten the number that is shown is greater: 2 for per cent.

        Raises:
            CellValueError: as text the cell could not be read either.
        """
        value, code = cell.value, cell.number_format
        if not isinstance(value, int | float):
            return 0
        if is_elapsed(code):
            raise CellValueError("its number format shows a length of time")
        shows = shown_number(value, code)
        words = [word.strip(" \u00a0-–−()+") for word in (shows.before, shows.after)]
        if not shows.has_number and (value or not shows.before or words[0]):
            said = f"{shown(_quoted(shows.before), declared)} in place of it" if shows.before else "nothing of it"
            raise CellValueError(f"its number format shows {said}")
        if shows.power < 0:
            raise CellValueError("its number format leaves out thousands")
        if shows.inside and shows.text:
            raise CellValueError("its number format puts signs between the digits")
        for word in words:
            if (
                re.fullmatch("[A-Z]{3}", word)
                and re.fullmatch("[A-Z]{3}", declared.unit or "")
                and word != declared.unit
            ):
                raise CellValueError(f"it is in {word}, the column is in {declared.unit}")
        if shows.has_number:
            parse_amount(f"{words[0]} 1 {words[1]}", unit=declared.unit)
        return shows.power

    def as_number(self, declared: FieldDeclaration, cell: Cell, number: int) -> Decimal | float:
        value = cell.value
        if isinstance(value, bool | datetime | date | time):
            raise CellValueError("it is not a number")
        if isinstance(value, str):
            amount = self.counted(declared, cell, number, parse_amount)
        else:
            amount = Decimal(repr(value)).scaleb(self.check_shown(declared, cell))
        if declared.decimals is None:
            return float(amount)
        if abs(amount) >= Decimal(10) ** (18 - declared.decimals):
            raise CellValueError("it is too large a number")
        exact = amount.quantize(Decimal(1).scaleb(-declared.decimals), ROUND_HALF_EVEN)
        if abs(exact - amount) > Decimal("1e-9") * max(Decimal(1), abs(amount)):
            self.add(
                "rounded",
                Severity.WARNING,
                f"{self.names[declared.name]}: {shown(_quoted(shown_value(value)), declared)} was rounded"
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
            return self.counted(declared, cell, number, parse_integer)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise CellValueError("it is not a whole number")
        self.check_shown(declared, cell)
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
        self.check_shown(declared, cell)
        return parse_year(shown_value(value))

    def as_boolean(self, declared: FieldDeclaration, cell: Cell, number: int) -> bool:
        return cell.value if isinstance(cell.value, bool) else parse_boolean(shown_cell(cell))

    def counted(self, declared: FieldDeclaration, cell: Cell, number: int, parse: Callable[..., N]) -> N:
        """A text as a number, by its column's decimal mark and with its qualifier where a column holds that."""
        text, mark = str(cell.value), self.columns[declared.name].decimal_mark
        link = declared.qualifier_in
        qualified = parse_qualified(text) if link else None
        if link and qualified:
            code, text = qualified
        value = parse(text, unit=declared.unit, decimal_mark=mark)
        if link and qualified:
            self.imply(link, code, f"“{clean_text(str(cell.value))}”")
            self.note(declared, cell, number, f"{value} ({code})")
        elif mark is not None and parse is parse_amount:
            with contextlib.suppress(CellValueError):
                parse(text, unit=declared.unit)
                return value
            self.note(declared, cell, number, f"{Decimal(value).normalize():f}")
        return value

    def imply(self, link: str, code: str, what: str) -> None:
        """Say a code in another column of the row, unless that says something else.

        Raises:
            CellValueError: it does, or cannot be read.
        """
        linked = self.table.field(link)
        codes = reference.code_lists().get(linked.constraints.code_list or "")
        if codes is not None and code not in codes.codes:
            raise CellValueError(f"{self.names[link]} has no word for {code}")
        if link in self.cells:
            stated = clean_text(shown_value(self.cells[link][1].value))
            if (codes.code_of(stated) if codes else stated) != code:
                raise CellValueError(f"it is {code}, and {self.names[link]} says {_quoted(stated)}")
        else:
            self.implied[link] = code

    def as_date(self, declared: FieldDeclaration, cell: Cell, number: int) -> date:
        partial = self.partial(declared, cell)
        if partial is None or declared.precision_in is None:
            return self.moment(declared, cell, parse_date, number).date()
        day = partial.last if declared.partial_date == "last" else partial.first
        self.imply_precision(declared.precision_in, partial.precision)
        self.note(declared, cell, number, f"{day} ({partial.precision})")
        return day

    def partial(self, declared: FieldDeclaration, cell: Cell) -> PartialDate | None:
        """The month or year a cell says, where its column may hold one."""
        value = cell.value
        if declared.precision_in is None:
            return None
        if isinstance(value, str):
            return parse_partial_date(value)
        if isinstance(value, int) and not isinstance(value, bool) and 1000 <= value <= 2999:
            return year_of(value)
        if isinstance(value, datetime) and value.day == 1:
            shows = re.sub(r'"[^"]*"|\[[^\]]*\]|\\.', "", cell.number_format.split(";")[0]).casefold()
            if "y" in shows and "d" not in shows:  # 5/2016, which a spreadsheet made a date of: shown as "May-16"
                if "m" in shows:
                    return month_of(value.year, value.month)
                return year_of(value.year) if value.month == 1 else None
        return None

    def imply_precision(self, link: str, precision: str) -> None:
        """Note how exact the row's dates are: of two the coarser one, which is true of both."""
        before = self.implied.get(link)
        if before is None:
            self.imply(link, precision, precision)
        elif precision == "year":
            self.implied[link] = precision

    def as_datetime(self, declared: FieldDeclaration, cell: Cell, number: int) -> datetime:
        stamp = self.moment(declared, cell, parse_datetime, number)
        return stamp if stamp.tzinfo is None else stamp.astimezone(UTC).replace(tzinfo=None)

    def moment(
        self, declared: FieldDeclaration, cell: Cell, parse: Callable[..., date | datetime], number: int
    ) -> datetime:
        value, column = cell.value, self.columns[declared.name]
        if isinstance(value, datetime):
            if column.may_be_swapped and value.day != value.month:
                swapped = value.replace(month=value.day, day=value.month)
                raise _UnreadableError(
                    f"it is {value:%Y-%m-%d} or {swapped:%Y-%m-%d}: the column's texts show that days were taken"
                    " for months",
                    "Write the day as 2016-05-13, here and in the column's other cells.",
                )
            return value
        if isinstance(value, bool | time):
            raise CellValueError("it is not a date")
        if isinstance(value, int | float):
            shows = shown_number(value, cell.number_format)
            if shows.has_number and (shows.before or shows.after or shows.power):
                raise CellValueError("it is a number, not a date")
            stamp = None
            if _SERIALS[0] <= value <= _SERIALS[1]:
                stamp = serial_date(value, has_1904_dates=self.sheet.has_1904_dates)
            if not isinstance(stamp, datetime):
                raise CellValueError("it is a number, not a date")
            return stamp
        found: object = value
        if isinstance(value, str):
            mark, order = date_order_of(value) or ("", "")
            if mark in column.doubtful_marks and order == "either":
                raise CellValueError(
                    "day and month can be mixed up: other dates of the column have the month first"
                )
            found = parse(value, order=column.date_order)
            if (mark, order) == ("/", "either"):
                self.note(declared, cell, number, f"{found:%Y-%m-%d}")
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


def _ranges(numbers: Sequence[int], most: int = 20) -> str:
    """Ascending numbers as "3, 5-9, 12"."""
    spans: list[list[int]] = []
    for number in numbers:
        if spans and number == spans[-1][1] + 1:
            spans[-1][1] = number
        else:
            spans.append([number, number])
    texts = [f"{first}" if first == last else f"{first}-{last}" for first, last in spans]
    return ", ".join(texts[:most]) + (f" and {len(texts) - most:,} more places" if len(texts) > most else "")


def _has_total(row: Mapping[int, Cell]) -> bool:
    return any(isinstance(cell.value, str) and normalised(cell.value) in _TOTALS for cell in row.values())


def _short(header: str) -> str:
    text = " ".join(header.split())
    return text if len(text) <= 80 else text[:79] + "…"


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
