"""The careful way: line by line, for files that break the dialect. Nothing is lost.

Every record either is loaded or stands in the quarantine with its reason (``records`` says what a record is).

A cell that cannot be read is left empty and stands in a finding at its place; its record is loaded. Cells are
looked at as a column too: where days and months cannot be told apart, none of its dates can be read.

Slower than the quick way by a factor of some ten, and rarely needed.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb

from sources import Reading, SqlTable
from sources.companies_house.layout import CsvFile, may_hide
from sources.companies_house.quick import DATE_FORMAT, MAX_CELL_BYTES
from sources.companies_house.records import Record, records, sure_key
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
from warehouse.findings import WITHHELD, Finding, said_sql
from warehouse.messages import in_languages, marked, message, packed, sentences

MOST_LISTED = 100_000
"""More lines, or more cells of one column, than this: one critical finding, and ``EXAMPLES`` of them."""

EXAMPLES = 100

_BATCH = 50_000
_BOM = b"\xef\xbb\xbf"


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
                message=message(
                    "{count} of {records} records cannot be read; some of them are listed.",
                    count=rejected,
                    records=records,
                ),
                help=message(
                    "The file is damaged or its form has changed: see the examples, then fetch it again."
                ),
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
                    message=message(
                        "In {count} of {records} records “{heading}” cannot be read.",
                        count=count,
                        records=records,
                        heading=in_languages(field.title, finnish=field.title_fi),
                    ),
                    help=message(
                        "Its form has changed at the source: see the examples, and change the declaration."
                    ),
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
            what, advice, said = said_sql(
                marked("Line {line} {reason}."),
                marked(
                    "Compare it with its neighbours in the original file; if it is broken there, tell the"
                    " publisher."
                ),
                line="line",
                reason=("reason", "said"),
            )
            found.append(
                f"SELECT 'unreadable-record' AS rule, {literal(Severity.ERROR.value)} AS severity,"
                f" {what} AS message, {advice} AS help, {said} AS said,"
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
            [("row_number", pa.int64()), ("line", pa.int64())]
            + [(name, pa.string()) for name in ("reason", "said", "number")]
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
                rows = [
                    (
                        record.row,
                        record.line,
                        record.reason,
                        json.dumps(packed(record.reason), ensure_ascii=False),
                        self._sure_key(record.raw),
                    )
                    for record in bad
                ]
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
                message=message(
                    "Line {line} names the columns once more: several files in one. It was left out.",
                    line=record.line,
                ),
                help=message("See that they are all of one month, and that no line before it is broken."),
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
            self.cut = message(
                "{file} ends in the middle of a record, at line {line}", file=self._file.name, line=record.line
            )
            self.notes.append(
                Finding(
                    rule="cut-off",
                    severity=Severity.ERROR,
                    message=message("The file ends in the middle of a record, at line {line}.", line=record.line),
                    help=message(
                        "Fetch the file again: it was cut off on the way, and what followed is not known."
                    ),
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
                message=message("Every empty cell of the file holds NA, as R writes it: NA was read as nothing."),
                help=message("Nothing has to be done."),
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
                selects.append(self._of_cells(field, unread[field.name], count, words))
        if selects:
            connection.execute(
                f"COPY ({' UNION ALL '.join(selects)}) TO {literal(str(self._cells))} (FORMAT parquet)"
            )

    def _of_cells(self, field: FieldDeclaration, condition: str, count: int, words: tuple[str, str, str]) -> str:
        """The SELECT of one finding a cell, as far as they are listed."""
        what, advice, said = words
        text = quote(field.name)
        value = f"CASE WHEN length({text}) > 200 THEN left({text}, 199) || '…' ELSE {text} END"
        if field.privacy is Privacy.PERSONAL:
            value = literal(WITHHELD)
        key = quote(self._key.name) if self._key.name in self._file.places else "CAST(NULL AS VARCHAR)"
        return (
            f"(SELECT 'type' AS rule, {literal(field.severity.value)} AS severity,"
            f" {what} AS message, {advice} AS help, {said} AS said,"
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


def _unread(field: FieldDeclaration, months_first: bool) -> tuple[str, str, str]:
    """The SQL of message, help and both as JSON, for a cell that cannot be read."""
    kinds = {
        "string": message("a text of up to {most} bytes", most=MAX_CELL_BYTES),
        "date": message("a date as dd/mm/yyyy"),
        "integer": message("a whole number"),
    }
    kind = kinds.get(field.type) or message("of type {type}", type=field.type)
    heading = in_languages(field.title, finnish=field.title_fi)
    return said_sql(
        sentences(
            message("{heading} is not {kind}.", heading=heading, kind=kind),
            message("The column is written with the month first.") if months_first else "",
            message("It was left out."),
        ),
        in_languages(field.help, finnish=field.help_fi)
        or message("Write {heading} as {kind}, or leave it empty.", heading=heading, kind=kind),
    )
