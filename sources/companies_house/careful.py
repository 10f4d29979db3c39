"""The careful way: line by line, for files that break the dialect. Nothing is lost.

Every record either is loaded or stands in the quarantine with its reason. A record is a line; where quotes are
open at its end, the lines after it may belong to it, but no more than a few: a quote that is never closed must
not swallow the rest of the register, so such a line is rejected by itself and reading goes on at the next.

A cell that cannot be read is left empty and stands in a finding at its place; its record is loaded. Cells are
looked at as a column too: where days and months cannot be told apart, none of its dates can be read.

Slower than the quick way by a factor of some ten, and rarely needed.
"""

from __future__ import annotations

import csv
import itertools
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import duckdb

from sources import Reading, SqlTable
from sources.companies_house.layout import CsvFile, may_hide
from sources.companies_house.quick import DATE_FORMAT, MAX_CELL_BYTES
from warehouse import database
from warehouse.declarations import (
    FieldDeclaration,
    Privacy,
    Severity,
    TableDeclaration,
    literal,
    normalised,
    quote,
)
from warehouse.findings import WITHHELD, Finding

MOST_LISTED = 100_000
"""More lines, or more cells of one column, than this: one critical finding, and ``EXAMPLES`` of them."""

EXAMPLES = 100

MAX_LINE_BYTES = 1 << 20
"""A record of the register has some 500 bytes; the publisher's columns together cannot hold 20,000."""

_JOIN_LINES = 20
_BATCH = 50_000
_BOM = b"\xef\xbb\xbf"

# What stands for "nothing" in columns that are no text: empty, and the NA that R writes.
_NOTHING = "('', 'NA')"

# The number once more, in the address that the publisher writes into each row.
_NUMBER_IN_ADDRESS = re.compile(r"/id/company/([0-9A-Za-z]+)")

_MOST_CELLS_OFF = 2  # a row with more cells too many or too few is no row of which anything is certain


@dataclass(frozen=True)
class Record:
    """A record as it was found: its fields, or why there are none.

    ``row`` counts records and blank lines as a spreadsheet would (the header is row 1), ``line`` counts lines.
    ``raw`` is the line of a record without fields. ``is_cut``: the file ends within it.
    """

    row: int
    line: int
    fields: list[str] | None
    reason: str = ""
    raw: bytes = b""
    is_cut: bool = False


def records(file: BinaryIO, width: int) -> Iterator[Record]:
    """The records after the header line, good or bad; blank lines are none, but count as rows."""
    lines = _Lines(file)
    if lines.next() is None:
        return
    row = 1
    while (raw := lines.next()) is not None:
        row += 1
        number = lines.number
        raw = raw.lstrip(b"\r")  # lines ended by a return too many
        if not raw.strip():
            continue
        fields, reason, is_open = _parse(raw, width)
        if is_open:
            fields, reason = _join(raw, lines, width)
        is_last = lines.peek(0) is None
        if is_last and not lines.is_ended and raw[:1] == b'"' != raw[-1:]:
            # Every cell of the register stands in quotes: what the last one held is not known.
            fields, reason = None, "is not whole"
        # Without its end it is no whole line, and with an open quote to the last line no whole record.
        is_cut = fields is None and is_last and (is_open or not lines.is_ended)
        yield Record(row, number, fields, reason, b"" if fields else raw, is_cut)


class _Lines:
    """A file's lines without their ends, with a way to look ahead."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._ahead: list[bytes] = []
        self.number = 0
        self.is_ended = True  # whether the line read last has an end

    def _read(self) -> bytes:
        """A line with its end; of one that is too long the start, without its end."""
        raw = self._file.readline(MAX_LINE_BYTES + 1)
        rest = raw
        while len(rest) > MAX_LINE_BYTES and not rest.endswith(b"\n"):
            rest = self._file.readline(MAX_LINE_BYTES + 1)
        if rest:  # also of the rest of a long line
            self.is_ended = rest.endswith(b"\n")
        return raw

    def next(self) -> bytes | None:
        """The next line, or None at the end."""
        raw = self._ahead.pop(0) if self._ahead else self._read()
        if not raw:
            return None
        self.number += 1
        return raw.removesuffix(b"\n").removesuffix(b"\r")

    def peek(self, position: int) -> bytes | None:
        """The line that many lines ahead (0: the next), as it stands; None beyond the end."""
        while len(self._ahead) <= position:
            raw = self._read()
            if not raw:
                return None
            self._ahead.append(raw)
        return self._ahead[position]

    def skip(self, count: int) -> None:
        """Leave out lines that were looked at."""
        del self._ahead[:count]
        self.number += count


def _parse(raw: bytes, width: int) -> tuple[list[str] | None, str, bool]:
    """The fields of a line, or why not, and whether a quote is open at its end."""
    if len(raw) > MAX_LINE_BYTES:
        return None, f"is longer than {MAX_LINE_BYTES:,} bytes", False
    if b"\0" in raw:
        return None, "holds a NUL byte", False
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        return None, f"is not UTF-8 (byte {error.start + 1})", False
    # The register's own form, every field quoted, without the cost of a parser.
    if text[:1] == '"' and text[-1:] == '"':
        fields = text[1:-1].split('","')
        if len(fields) == width and '"' not in "".join(fields):
            return fields, "", False
    try:
        found = next(csv.reader([text], strict=True, skipinitialspace=True), [])
    except csv.Error as error:
        if "limit" in str(error):
            return None, f"has a cell longer than {csv.field_size_limit():,} characters", False
        return None, f"has a quote out of place ({error})", "unexpected end" in str(error)
    if len(found) != width:
        return None, f"has {len(found)} values where the header has {width}", False
    return found, "", False


def _join(first: bytes, lines: _Lines, width: int) -> tuple[list[str] | None, str]:
    """A record whose quotes are open at the end of its line, with as many further lines as close them.

    A line break within a cell becomes a space.
    """
    joined = first
    for position in range(_JOIN_LINES):
        raw = lines.peek(position)
        if raw is None:
            break
        joined += b" " + raw.removesuffix(b"\n").removesuffix(b"\r")
        fields, _, is_open = _parse(joined, width)
        if fields is not None:
            lines.skip(position + 1)
            return fields, ""
        if not is_open:
            break
    return None, "has a quote that is never closed"


def sure_key(raw: bytes, width: int, place: int, pattern: str) -> str | None:
    """The company's number in a line that cannot be read, if it is certain whose line it is.

    There must be just one well-formed number where it can stand: at its place, or moved by as many places as there
    are cells too many or too few. And the address in the row must name the same, and no other.

    Args:
        raw: the line.
        width: how many cells it should have.
        place: the number's place among them, from 0.
        pattern: the form of a number.
    """
    text = raw.decode("utf-8", errors="replace").replace("\0", "\ufffd")
    cells = text.removeprefix('"').removesuffix('"').split('","')  # the register's own form
    if len(cells) != width:
        try:
            cells = min(
                cells, *csv.reader([text], skipinitialspace=True), key=lambda found: abs(len(found) - width)
            )
        except csv.Error:
            return None
    off = len(cells) - width
    if abs(off) > _MOST_CELLS_OFF:
        return None
    near = cells[max(0, place + min(off, 0)) : place + max(off, 0) + 1]
    numbers = {cell for cell in near if re.fullmatch(pattern, cell)}
    named = set(_NUMBER_IN_ADDRESS.findall(text))
    return numbers.pop() if len(numbers) == 1 and named == numbers else None


# --- from records to a table --------------------------------------------------------------------------


def read(files: Sequence[CsvFile], table: TableDeclaration, workspace: Path) -> Reading:
    """All files' records as a table, with what is wrong as findings and quarantine.

    A record that cannot be taken apart is not loaded and stands in the quarantine. A cell that cannot be read is
    left empty and has a finding of its field's severity.

    Args:
        files: the files, with their columns' places.
        table: the declared table.
        workspace: where the table is built, as Parquet.
    """
    folder = workspace / "careful"
    folder.mkdir(parents=True, exist_ok=True)
    parts = [_Part(file, table, folder, number) for number, file in enumerate(files)]
    with database.opened(None, temporary=folder) as connection:
        for part in parts:
            part.build(connection)
    columns = ", ".join(quote(name) for name in [*(f.name for f in table.fields), "_file", "_sheet", "_row"])
    query = " UNION ALL ".join(f"SELECT {columns} FROM {part.typed}" for part in parts)
    loaded = sum(part.loaded for part in parts)
    records = loaded + sum(part.rejected for part in parts)
    if len(parts) > 1:
        query = f"SELECT {columns} FROM ({query}) AS parts"
    return Reading(
        tables={table.name: SqlTable(query, loaded, may_hide=may_hide(files))},
        findings=[
            *(finding for part in parts for finding in part.notes),
            *_too_many(table, parts, records),
        ],
        findings_sql=[sql for part in parts for sql in part.findings_sql],
        quarantined_sql=[part.quarantined_sql for part in parts if part.rejected],
        incomplete={table.name: "; ".join(cut)} if (cut := [part.cut for part in parts if part.cut]) else {},
    )


def _too_many(table: TableDeclaration, parts: Sequence[_Part], records: int) -> list[Finding]:
    """Critical findings where most of the records lack a value, or more is wrong than is listed."""
    findings = []
    rejected = sum(part.rejected for part in parts)
    if rejected > MOST_LISTED:
        findings.append(
            Finding(
                rule="too-many-rejected",
                severity=Severity.CRITICAL,
                message=f"{rejected:,} of {records:,} records cannot be read; some of them are listed.",
                help="The file is damaged or its form has changed: see the examples, then fetch it again.",
                table_name=table.name,
            )
        )
    for field in table.fields:
        count = sum(part.unread.get(field.name, 0) for part in parts)
        if count > MOST_LISTED or count * 2 > records:
            findings.append(
                Finding(
                    rule="too-many-unreadable",
                    severity=Severity.CRITICAL,
                    message=f"In {count:,} of {records:,} records '{field.title}' cannot be read.",
                    help="Its form has changed at the source: see the examples, and change the declaration.",
                    table_name=table.name,
                    column_name=field.name,
                )
            )
    return findings


class _Part:
    """One file's records on their way: as texts, then typed, with what is wrong beside them."""

    def __init__(self, file: CsvFile, table: TableDeclaration, folder: Path, number: int) -> None:
        self._file = file
        self._table = table
        self._key = table.field(table.primary_key[0])
        self._texts, self._lines, self._typed, self._cells = (
            folder / f"{kind}-{number}.parquet" for kind in ("texts", "lines", "typed", "cells")
        )
        self.loaded = 0
        self.rejected = 0
        self.unread: dict[str, int] = {}  # by column, how many cells
        self.notes: list[Finding] = []  # on the file as a whole
        self.cut = ""  # why the file is known not to be whole

    @property
    def typed(self) -> str:
        """The good records, as a table function of DuckDB."""
        return f"read_parquet({literal(str(self._typed))})"

    @property
    def findings_sql(self) -> list[str]:
        """SELECTs of the findings on lines and on cells."""
        found = [f"FROM read_parquet({literal(str(self._cells))})"] if self._cells.exists() else []
        if self.rejected:
            advice = (
                "Compare it with its neighbours in the original file; if it is broken there, tell the publisher."
            )
            found.append(
                f"SELECT 'unreadable-record' AS rule, {literal(Severity.ERROR.value)} AS severity,"
                f" 'Line ' || line || ' ' || reason || '.' AS message, {literal(advice)} AS help,"
                f" {literal(self._table.name)} AS table_name, {literal(self._file.name)} AS file,"
                " CAST(NULL AS VARCHAR) AS sheet, row_number, CAST(NULL AS VARCHAR) AS column_name,"
                " CAST(NULL AS VARCHAR) AS value, number AS row_key"
                f" FROM read_parquet({literal(str(self._lines))}) ORDER BY line LIMIT {_listed(self.rejected)}"
            )
        return found

    @property
    def quarantined_sql(self) -> str:
        """The SELECT of the lines that are no records. Their text is not repeated: some of it may be personal."""
        note = "only in the raw archive: its columns cannot be told apart"
        return (
            f"SELECT {literal(self._table.name)} AS table_name, {literal(self._file.name)} AS file,"
            " CAST(NULL AS VARCHAR) AS sheet, row_number,"
            f" CAST(to_json(struct_pack(line := line, note := {literal(note)})) AS VARCHAR) AS record,"
            f" CASE WHEN number IS NOT NULL THEN CAST(to_json(struct_pack({quote(self._key.name)} := number))"
            f" AS VARCHAR) END AS row_key FROM read_parquet({literal(str(self._lines))})"
        )

    def build(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Read the file, and write what becomes of it."""
        self._write_texts()
        self._write_typed(connection)
        self._texts.unlink()

    def _write_texts(self) -> None:
        """Write the records of the right form as Parquet, all text, and beside them the lines that are none."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        places = sorted(self._file.places.values())
        of_texts = pa.schema([("_row", pa.int64()), *((f"c{place}", pa.string()) for place in places)])
        of_lines = pa.schema(
            [("row_number", pa.int64()), ("line", pa.int64()), ("reason", pa.string()), ("number", pa.string())]
        )
        with (
            pq.ParquetWriter(self._texts, of_texts) as texts,
            pq.ParquetWriter(self._lines, of_lines) as lines,
            self._file.path.open("rb") as opened,
        ):
            if opened.read(len(_BOM)) != _BOM:
                opened.seek(0)
            found = records(opened, self._file.width)
            while batch := list(itertools.islice(found, _BATCH)):
                batch = [record for record in batch if not self._is_header(record)]
                good = [(record.row, record.fields) for record in batch if record.fields is not None]
                bad = [record for record in batch if record.fields is None]
                self.loaded += len(good)
                self.rejected += len(bad)
                columns: list[Any] = [[row for row, _ in good]]
                columns += [[fields[place] for _, fields in good] for place in places]
                _write(texts, of_texts, columns)
                rows = [(record.row, record.line, record.reason, self._sure_key(record.raw)) for record in bad]
                _write(lines, of_lines, list(zip(*rows, strict=True)) or [[]] * len(of_lines))
                self._note_cut([record for record in bad if record.is_cut])

    def _is_header(self, record: Record) -> bool:
        """Whether a record names the columns once more: where files were put one behind the other. It is noted."""
        place = self._file.places.get(self._key.name)
        if place is None or record.fields is None:
            return False
        names = {normalised(name) for name in (*self._key.source_names, self._key.title, self._key.name)}
        if normalised(record.fields[place]) not in names:
            return False
        self.notes.append(
            Finding(
                rule="repeated-header",
                severity=Severity.WARNING,
                message=f"Line {record.line} names the columns once more: several files in one. It was left out.",
                help="See that they are all of one month, and that no line before it is broken.",
                table_name=self._table.name,
                file=self._file.name,
                row_number=record.row,
            )
        )
        return True

    def _sure_key(self, raw: bytes) -> str | None:
        place, pattern = self._file.places.get(self._key.name), self._key.constraints.pattern
        if place is None or pattern is None:
            return None
        return sure_key(raw, self._file.width, place, pattern)

    def _note_cut(self, cut: Sequence[Record]) -> None:
        for record in cut:
            self.cut = f"{self._file.name} ends in the middle of a record, at line {record.line}"
            self.notes.append(
                Finding(
                    rule="cut-off",
                    severity=Severity.ERROR,
                    message=f"The file ends in the middle of a record, at line {record.line}.",
                    help="Fetch the file again: it was cut off on the way, and what followed is not known.",
                    table_name=self._table.name,
                    file=self._file.name,
                )
            )

    def _write_typed(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Give every column its type, and write what cannot be read as findings."""
        fields = [field for field in self._table.fields if field.name in self._file.places]
        na_is_empty = self._na_is_empty(connection)
        listed = ", ".join(f"{self._text(field, na_is_empty)} AS {quote(field.name)}" for field in fields)
        connection.execute(
            "CREATE OR REPLACE TEMP VIEW texts AS"
            f" SELECT _row, {listed} FROM read_parquet({literal(str(self._texts))})"
        )
        months_first = self._months_first(connection, [field for field in fields if field.type == "date"])
        typed = {field.name: _typed(field, field.name in months_first) for field in fields}
        expressions = ", ".join(
            f"{typed.get(field.name, f'CAST(NULL AS {field.duckdb_type})')} AS {quote(field.name)}"
            for field in self._table.fields
        )
        connection.execute(
            f"COPY (SELECT {expressions}, {literal(self._file.name)} AS _file, CAST(NULL AS VARCHAR) AS _sheet,"
            f" _row FROM texts) TO {literal(str(self._typed))} (FORMAT parquet)"
        )
        self._write_findings(connection, fields, typed, months_first)

    def _text(self, field: FieldDeclaration, na_is_empty: bool) -> str:
        """The SQL of a cell's text without the spaces around it; NULL if nothing is left."""
        text = f"nullif(trim(c{self._file.places[field.name]}), '')"
        return f"nullif({text}, 'NA')" if na_is_empty or field.type != "string" else text

    def _na_is_empty(self, connection: duckdb.DuckDBPyConnection) -> bool:
        """Whether the file writes NA for an empty cell, as R does: no cell of it is empty, and every row has one.

        Elsewhere a text "NA" is a text: there may be a company of that name.
        """
        columns = [f"trim(c{place})" for place in self._file.places.values()]
        has_empty, has_na = (f"list_contains([{', '.join(columns)}], {text})" for text in ("''", "'NA'"))
        counted = connection.execute(
            f"SELECT count(*) FILTER ({has_na} AND NOT {has_empty}), count(*)"
            f" FROM read_parquet({literal(str(self._texts))})"
        ).fetchone()
        rows, of = counted or (0, 0)
        if rows == 0 or rows != of:
            return False
        self.notes.append(
            Finding(
                rule="na-is-empty",
                severity=Severity.INFO,
                message="Every empty cell of the file holds NA, as R writes it: NA was read as nothing.",
                help="Nothing has to be done.",
                table_name=self._table.name,
                file=self._file.name,
            )
        )
        return True

    def _months_first(
        self, connection: duckdb.DuckDBPyConnection, fields: Sequence[FieldDeclaration]
    ) -> frozenset[str]:
        """The columns of dates in which some can only be month, day, year, and none only day, month, year.

        A date such as 03/04/2020 in them is read wrongly, so none of them can be read.
        """
        if not fields:
            return frozenset()
        counts = []
        for field in fields:
            day_first, month_first = (
                f"try_strptime({quote(field.name)}, {literal(form)})" for form in (DATE_FORMAT, "%m/%d/%Y")
            )
            counts.append(f"bool_or({day_first} IS NULL AND {month_first} IS NOT NULL)")
            counts.append(f"bool_or({day_first} IS NOT NULL AND {month_first} IS NULL)")
        found = connection.execute(f"SELECT {', '.join(counts)} FROM texts").fetchone() or ()
        return frozenset(
            field.name
            for field, american, british in zip(fields, found[::2], found[1::2], strict=True)
            if american and not british
        )

    def _write_findings(
        self,
        connection: duckdb.DuckDBPyConnection,
        fields: Sequence[FieldDeclaration],
        typed: Mapping[str, str],
        months_first: Collection[str],
    ) -> None:
        """Write a finding for every cell that cannot be read."""
        unread = {
            field.name: f"{quote(field.name)} IS NOT NULL AND ({typed[field.name]}) IS NULL" for field in fields
        }
        counted = connection.execute(
            f"SELECT {', '.join(f'count(*) FILTER ({condition})' for condition in unread.values())} FROM texts"
        ).fetchone()
        selects = []
        for field, count in zip(fields, counted or (), strict=True):
            if count:
                self.unread[field.name] = count
                words = _unread(field, field.name in months_first)
                selects.append(self._of_cells(field, unread[field.name], count, *words))
        if selects:
            connection.execute(
                f"COPY ({' UNION ALL '.join(selects)}) TO {literal(str(self._cells))} (FORMAT parquet)"
            )

    def _of_cells(self, field: FieldDeclaration, condition: str, count: int, message: str, advice: str) -> str:
        """The SELECT of one finding a cell, as far as they are listed."""
        text = quote(field.name)
        value = f"CASE WHEN length({text}) > 200 THEN left({text}, 199) || '…' ELSE {text} END"
        if field.privacy is Privacy.PERSONAL:
            value = literal(WITHHELD)
        key = quote(self._key.name) if self._key.name in self._file.places else "CAST(NULL AS VARCHAR)"
        return (
            f"(SELECT 'type' AS rule, {literal(field.severity.value)} AS severity,"
            f" {literal(message)} AS message, {literal(advice)} AS help,"
            f" {literal(self._table.name)} AS table_name, {literal(self._file.name)} AS file,"
            " CAST(NULL AS VARCHAR) AS sheet, _row AS row_number,"
            f" {literal(field.name)} AS column_name, {value} AS value, {key} AS row_key"
            f" FROM texts WHERE {condition} ORDER BY _row LIMIT {_listed(count)})"
        )


def _listed(count: int) -> int:
    """How many of so many are listed one by one."""
    return count if count <= MOST_LISTED else EXAMPLES


def _write(writer: Any, schema: Any, columns: Sequence[Sequence[Any]]) -> None:
    import pyarrow as pa

    arrays = [pa.array(values, field.type) for values, field in zip(columns, schema, strict=True)]
    writer.write_table(pa.table(arrays, schema=schema))


def _typed(field: FieldDeclaration, months_first: bool) -> str:
    """A text as the declared type; NULL if it cannot be."""
    column = quote(field.name)
    if field.type == "string":
        return f"CASE WHEN strlen({column}) <= {MAX_CELL_BYTES} THEN {column} END"
    if field.type == "integer":
        return f"CASE WHEN regexp_full_match({column}, '[+-]?[0-9]+') THEN TRY_CAST({column} AS BIGINT) END"
    if field.type == "date" and months_first:
        return "CAST(NULL AS DATE)"
    if field.type == "date":
        # Four digits: strptime takes 93 for the year 93, and 'epoch' for 1900.
        form = f"regexp_full_match({column}, '[0-9]{{1,2}}/[0-9]{{1,2}}/[0-9]{{4}}')"
        return f"CASE WHEN {form} THEN CAST(try_strptime({column}, {literal(DATE_FORMAT)}) AS DATE) END"
    return f"TRY_CAST({column} AS {field.duckdb_type})"


def _unread(field: FieldDeclaration, months_first: bool) -> tuple[str, str]:
    """Message and help for a cell that cannot be read."""
    kind = {
        "string": f"a text of up to {MAX_CELL_BYTES:,} bytes",
        "date": "a date as dd/mm/yyyy",
        "integer": "a whole number",
    }.get(field.type, f"of type {field.type}")
    why = " The column is written with the month first." if months_first else ""
    return (
        f"{field.title} is not {kind}.{why} It was left out.",
        field.help or f"Write {field.title} as {kind}, or leave it empty.",
    )
