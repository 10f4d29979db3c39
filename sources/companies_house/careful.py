"""The careful way: line by line, for files that break the dialect. Nothing is lost.

Every record either is loaded or stands in the quarantine with its reason. A record is a line; where quotes are
open at its end, the lines after it may belong to it, but no more than a few: a quote that is never closed must
not swallow the rest of the register, so such a line is rejected by itself and reading goes on at the next.

Slower than the quick way by a factor of some ten, and rarely needed.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import duckdb

from sources import Reading, SqlTable
from sources.companies_house.layout import CsvFile
from sources.companies_house.quick import DATE_FORMAT
from warehouse import database
from warehouse.declarations import FieldDeclaration, Privacy, Severity, TableDeclaration, literal, quote
from warehouse.findings import Finding, QuarantinedRow, shown

MOST_REJECTED = 10_000
"""More rejected records than this: no list any more, but one critical finding with examples."""

MOST_REJECTED_SHARE = 0.05
"""The same as a share of all records, for files in which it is more than ``FEW``."""

FEW = 20
"""So many are listed in any case, and given as examples where there are too many."""

_JOIN_LINES = 20
_BATCH = 50_000
_BOM = b"\xef\xbb\xbf"

# What stands for "nothing" in columns that are no text: empty, and the NA that R writes.
_NOTHING = "('', 'NA')"


@dataclass(frozen=True)
class Record:
    """A record as it was found: its fields, or why there are none.

    ``row`` counts records and blank lines as a spreadsheet would (the header is row 1), ``line`` counts lines.
    """

    row: int
    line: int
    fields: list[str] | None
    reason: str = ""


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
        yield Record(row, number, fields, reason)


class _Lines:
    """A file's lines without their ends, with a way to look ahead."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._ahead: list[bytes] = []
        self.number = 0

    def next(self) -> bytes | None:
        """The next line, or None at the end."""
        raw = self._ahead.pop(0) if self._ahead else self._file.readline()
        if not raw:
            return None
        self.number += 1
        return raw.removesuffix(b"\n").removesuffix(b"\r")

    def peek(self, position: int) -> bytes | None:
        """The line that many lines ahead (0: the next), as it stands; None beyond the end."""
        while len(self._ahead) <= position:
            raw = self._file.readline()
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
        return None, f"has a quote out of place ({error})", "unexpected end" in str(error)
    if len(found) != width:
        return None, f"has {len(found)} values where the header has {width}", False
    return found, "", False


def _join(first: bytes, lines: _Lines, width: int) -> tuple[list[str] | None, str]:
    """A record whose quotes are open at the end of its line, with as many further lines as close them."""
    joined = first
    for position in range(_JOIN_LINES):
        raw = lines.peek(position)
        if raw is None:
            break
        joined += b"\n" + raw.removesuffix(b"\n").removesuffix(b"\r")
        fields, _, is_open = _parse_joined(joined, width)
        if fields is not None:
            lines.skip(position + 1)
            return fields, ""
        if not is_open:
            break
    return None, "has a quote that is never closed"


def _parse_joined(raw: bytes, width: int) -> tuple[list[str] | None, str, bool]:
    if b"\0" in raw:
        return None, "", False
    try:
        text = io.StringIO(raw.decode("utf-8"), newline="")
        found = list(csv.reader(text, strict=True, skipinitialspace=True))
    except UnicodeDecodeError:
        return None, "", False
    except csv.Error as error:
        return None, "", "unexpected end" in str(error)
    return (found[0], "", False) if len(found) == 1 and len(found[0]) == width else (None, "", False)


# --- from records to a table --------------------------------------------------------------------------


def read(
    files: Sequence[CsvFile], table: TableDeclaration, findings: Sequence[Finding], workspace: Path
) -> Reading:
    """All files' good records as a table, what is wrong with the others as findings and quarantine.

    An unreadable value is treated as its field's severity says: of an error the whole record goes to quarantine,
    of a warning the value is left out (and stands in the finding) and the record is loaded.

    Args:
        files: the files, with their columns' places.
        table: the declared table.
        findings: what is known already; given back with the rest.
        workspace: where the table is built, as Parquet.
    """
    folder = workspace / "careful"
    folder.mkdir(parents=True, exist_ok=True)
    rejects = _Rejects(table)
    with database.opened(None, temporary=folder) as connection:
        for number, file in enumerate(files):
            texts = folder / f"texts-{number}.parquet"
            _write_texts(file, texts, rejects)
            _type_values(connection, file, table, texts, folder / f"typed-{number}.parquet", rejects)
            texts.unlink()
    columns = ", ".join(quote(name) for name in [*(f.name for f in table.fields), "_file", "_sheet", "_row"])
    parts = " UNION ALL ".join(
        f"SELECT {columns} FROM read_parquet({literal(str(folder / f'typed-{number}.parquet'))})"
        for number in range(len(files))
    )
    query = parts if len(files) == 1 else f"SELECT {columns} FROM ({parts}) AS parts"
    found, quarantined = rejects.result()
    return Reading(
        tables={table.name: SqlTable(query, rows=rejects.records - rejects.rejected)},
        findings=[*findings, *found],
        quarantined=quarantined,
    )


class _Rejects:
    """What is wrong, listed as long as it can be."""

    def __init__(self, table: TableDeclaration) -> None:
        self._table = table
        self._listed: list[tuple[Finding, QuarantinedRow]] = []
        self._extra: list[tuple[Finding, None]] = []
        self._values: dict[str, list[Finding]] = {}
        self._value_counts: dict[str, int] = {}
        self.records = 0
        self.rejected = 0

    def reject(self, finding: Finding, record: str) -> None:
        """One record that is not loaded, for one reason."""
        self.rejected += 1
        if len(self._listed) < MOST_REJECTED:
            assert finding.file is not None  # noqa: S101 - made below, always of a row
            assert finding.row_number is not None  # noqa: S101
            row = QuarantinedRow(self._table.name, finding.file, None, finding.row_number, record)
            self._listed.append((finding, row))

    def more_rejected(self, count: int) -> None:
        """So many more than were listed."""
        self.rejected += count

    def leave_out(self, column: str, findings: Sequence[Finding], count: int) -> None:
        """Values that are not loaded, while their records are."""
        self._values.setdefault(column, []).extend(findings)
        self._value_counts[column] = self._value_counts.get(column, 0) + count

    def _too_many(self, count: int) -> bool:
        return count > MOST_REJECTED or (count > FEW and count > self.records * MOST_REJECTED_SHARE)

    def result(self) -> tuple[list[Finding], list[QuarantinedRow]]:
        """The findings and the quarantine: all, or examples under a critical finding."""
        listed = self._listed
        findings = []
        if self._too_many(self.rejected):
            listed = listed[:FEW]
            findings.append(
                Finding(
                    rule="too-many-rejected",
                    severity=Severity.CRITICAL,
                    message=(
                        f"{self.rejected:,} of {self.records:,} records cannot be read; the first {len(listed)}"
                        " are listed, all of them are in the raw archive."
                    ),
                    help="The file is damaged or its form has changed: see the examples, then fetch it again.",
                    table_name=self._table.name,
                )
            )
        for column, found in sorted(self._values.items()):
            count = self._value_counts[column]
            kept = found
            if self._too_many(count):
                kept = found[:FEW]
                findings.append(
                    Finding(
                        rule="too-many-unreadable",
                        severity=Severity.CRITICAL,
                        message=(
                            f"{count:,} values of '{self._table.field(column).title}' cannot be read;"
                            f" the first {len(kept)} are listed."
                        ),
                        help="Its form has changed at the source: see the examples, and change the declaration.",
                        table_name=self._table.name,
                        column_name=column,
                    )
                )
            findings += kept
        return [*findings, *(finding for finding, _ in listed)], [row for _, row in listed]


def _write_texts(file: CsvFile, target: Path, rejects: _Rejects) -> None:
    """Write the records of the right form as Parquet, all text: ``_row``, ``_line`` and a column a place."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    places = sorted(file.places.values())
    schema = pa.schema(
        [("_row", pa.int64()), ("_line", pa.int64()), *((f"c{place}", pa.string()) for place in places)]
    )
    with pq.ParquetWriter(target, schema) as writer, file.path.open("rb") as opened:
        if opened.read(len(_BOM)) != _BOM:
            opened.seek(0)
        batch: list[Record] = []

        def flush() -> None:
            columns: list[Any] = [[record.row for record in batch], [record.line for record in batch]]
            rows = [record.fields for record in batch if record.fields is not None]
            columns += [[fields[place] for fields in rows] for place in places]
            arrays = [pa.array(values, field.type) for values, field in zip(columns, schema, strict=True)]
            writer.write_table(pa.table(arrays, schema=schema))
            batch.clear()

        for record in records(opened, file.width):
            rejects.records += 1
            if record.fields is None:
                _reject_line(file, record, rejects)
                continue
            batch.append(record)
            if len(batch) == _BATCH:
                flush()
        flush()


def _reject_line(file: CsvFile, record: Record, rejects: _Rejects) -> None:
    """A line without fields one can tell apart: its text is not repeated, for some of it may be personal."""
    rejects.reject(
        Finding(
            rule="unreadable-record",
            severity=Severity.ERROR,
            message=f"Line {record.line} {record.reason}.",
            help="Compare it with its neighbours in the original file; if it is broken there, tell the publisher.",
            table_name=rejects._table.name,
            file=file.name,
            row_number=record.row,
        ),
        json.dumps({"line": record.line, "note": "only in the raw archive: its columns cannot be told apart"}),
    )


def _typed(field: FieldDeclaration, column: str) -> str:
    """A text as the declared type; NULL if it cannot be."""
    if field.type == "date":
        return f"CAST(try_strptime({column}, {literal(DATE_FORMAT)}) AS DATE)"
    if field.type == "integer":
        return f"CASE WHEN regexp_full_match({column}, '[+-]?[0-9]+') THEN TRY_CAST({column} AS BIGINT) END"
    return f"TRY_CAST({column} AS {field.duckdb_type})"


def _type_values(
    connection: duckdb.DuckDBPyConnection,
    file: CsvFile,
    table: TableDeclaration,
    texts: Path,
    target: Path,
    rejects: _Rejects,
) -> None:
    """Give every column its type; records with an unreadable value of an error-level field are left out."""
    trimmed = {name: f"nullif(trim(c{place}), '')" for name, place in file.places.items()}
    typed_fields = [field for field in table.fields if field.type != "string" and field.name in file.places]
    for field in typed_fields:
        text = trimmed[field.name]
        trimmed[field.name] = f"CASE WHEN {text} IN {_NOTHING} THEN NULL ELSE {text} END"
    listed = ", ".join(f"{text} AS {quote(name)}" for name, text in trimmed.items())
    connection.execute(
        "CREATE OR REPLACE TEMP VIEW texts AS"
        f" SELECT _row, _line, {listed} FROM read_parquet({literal(str(texts))})"
    )
    bad = {
        field.name: f"({quote(field.name)} IS NOT NULL AND {_typed(field, quote(field.name))} IS NULL)"
        for field in typed_fields
    }
    strict = [field.name for field in typed_fields if field.severity in (Severity.CRITICAL, Severity.ERROR)]
    is_rejected = " OR ".join(bad[name] for name in strict) or "false"
    expressions = []
    for field in table.fields:
        if field.name not in file.places:
            expression = f"CAST(NULL AS {field.duckdb_type})"
        else:
            expression = quote(field.name) if field.type == "string" else _typed(field, quote(field.name))
        expressions.append(f"{expression} AS {quote(field.name)}")
    connection.execute(
        f"COPY (SELECT {', '.join(expressions)},"
        f" {literal(file.name)} AS _file, CAST(NULL AS VARCHAR) AS _sheet, _row"
        f" FROM texts WHERE NOT ({is_rejected})) TO {literal(str(target))} (FORMAT parquet)"
    )
    # One look at everything: files with a few bad values are the rule here.
    conditions = {"": is_rejected} | {
        field.name: f"{bad[field.name]} AND NOT ({is_rejected})"
        for field in typed_fields
        if field.name not in strict
    }
    counted = connection.execute(
        f"SELECT {', '.join(f'count(*) FILTER ({condition})' for condition in conditions.values())} FROM texts"
    ).fetchone()
    counts = dict(zip(conditions, counted or (), strict=True))
    if counts.pop(""):
        _reject_values(connection, file, table, [table.field(name) for name in strict], bad, is_rejected, rejects)
    for name, count in counts.items():
        if count:
            _leave_out_values(connection, file, table, table.field(name), conditions[name], count, rejects)


def _reject_values(
    connection: duckdb.DuckDBPyConnection,
    file: CsvFile,
    table: TableDeclaration,
    strict: Sequence[FieldDeclaration],
    bad: dict[str, str],
    is_rejected: str,
    rejects: _Rejects,
) -> None:
    """Findings and quarantine of records that have an unreadable value where there must be a readable one."""
    names = [field.name for field in table.fields if field.name in file.places]
    flags = ", ".join(bad[field.name] for field in strict)
    counted = connection.execute(f"SELECT count(*) FROM texts WHERE {is_rejected}").fetchone()
    count = int(counted[0]) if counted else 0
    rows = connection.execute(
        f"SELECT _row, _line, [{flags}], {', '.join(quote(name) for name in names)} FROM texts"
        f" WHERE {is_rejected} ORDER BY _row LIMIT {MOST_REJECTED}"
    ).fetchall()
    for row_number, line, broken, *values in rows:
        record = dict(zip(names, values, strict=True))
        wrong = [field for field, is_bad in zip(strict, broken, strict=True) if is_bad]
        public = {
            name: value
            for name, value in record.items()
            if value is not None and table.field(name).privacy is not Privacy.PERSONAL
        }
        field = wrong[0]
        rejects.reject(
            _unreadable(file, table, field, row_number, record, f"Line {line}: " if len(wrong) == 1 else
                        f"Line {line}, {len(wrong)} values unreadable; the first: "),
            json.dumps(public, ensure_ascii=False),
        )  # fmt: skip
    rejects.more_rejected(count - len(rows))


def _leave_out_values(
    connection: duckdb.DuckDBPyConnection,
    file: CsvFile,
    table: TableDeclaration,
    field: FieldDeclaration,
    condition: str,
    count: int,
    rejects: _Rejects,
) -> None:
    """Findings of unreadable values without which a record can do."""
    key = table.primary_key[0]
    with_key = quote(key) if key in file.places else "CAST(NULL AS VARCHAR)"
    rows = connection.execute(
        f"SELECT _row, {quote(field.name)}, {with_key} FROM texts"
        f" WHERE {condition} ORDER BY _row LIMIT {MOST_REJECTED}"
    ).fetchall()
    findings = [
        _unreadable(file, table, field, row, {field.name: value, key: number}, "") for row, value, number in rows
    ]
    rejects.leave_out(field.name, findings, count)


def _unreadable(
    file: CsvFile,
    table: TableDeclaration,
    field: FieldDeclaration,
    row_number: int,
    record: dict[str, Any],
    lead: str,
) -> Finding:
    kind = {"date": "a date as dd/mm/yyyy", "integer": "a whole number"}.get(field.type, f"of type {field.type}")
    loaded = "" if field.severity in (Severity.ERROR, Severity.CRITICAL) else " It was left out."
    return Finding(
        rule="type",
        severity=field.severity,
        message=f"{lead}{field.title} is not {kind}.{loaded}",
        help=field.help or f"Write {field.title} as {kind}, or leave it empty.",
        table_name=table.name,
        file=file.name,
        row_number=row_number,
        column_name=field.name,
        value=shown(record[field.name], field),
        row_key=record.get(table.primary_key[0]),
    )
