"""Findings and quarantine: the tables in which one room tells another what is wrong with a row.

A finding is a broken rule on a row, a column or a table. A quarantined row is kept as a record, with the
place it came from. Both tables stand in every staging file and, gathered over all snapshots, in the ledger.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields

import duckdb

from warehouse.declarations import FieldDeclaration, Severity, TableDeclaration
from warehouse.measures import MEASURES_COLUMNS
from warehouse.messages import is_said, packed, unpacked
from warehouse.sql import literal, quote

FINDINGS_COLUMNS = """
    finding_id VARCHAR NOT NULL,   -- stable over nights (warehouse.finding_ids); empty until all is found
    subject VARCHAR NOT NULL,      -- the source or the dataset
    table_name VARCHAR,
    rule VARCHAR NOT NULL,
    severity VARCHAR NOT NULL,
    file VARCHAR, sheet VARCHAR, row_number BIGINT, column_name VARCHAR,
    value VARCHAR,                 -- as text; NULL for personal columns
    message VARCHAR NOT NULL,      -- what is wrong
    help VARCHAR NOT NULL,         -- what to do
    row_key VARCHAR,               -- the primary key as text, where the row has one
    heading VARCHAR,               -- the column as its file calls it
    said VARCHAR                   -- message and help as JSON, to be said in other languages (warehouse.messages)
"""
QUARANTINE_COLUMNS = """
    subject VARCHAR NOT NULL, table_name VARCHAR NOT NULL,
    file VARCHAR, sheet VARCHAR, row_number BIGINT,
    record VARCHAR NOT NULL,       -- the row as JSON without personal columns, or the line as it stood
    row_key VARCHAR                -- its primary key as a JSON object of texts; NULL: nobody knows whose row it is
"""
# Beside them in a staging file: cells that are emptied on the way into the history (``row_id`` is DuckDB's rowid
# of the staged row), and tables that are known not to be whole.
_STAGED_ONLY = f"""
CREATE TABLE IF NOT EXISTS main.measures ({MEASURES_COLUMNS});
CREATE TABLE IF NOT EXISTS main.held_cells (
    table_name VARCHAR NOT NULL, row_id BIGINT NOT NULL, column_name VARCHAR NOT NULL
);
CREATE TABLE IF NOT EXISTS main.incomplete (table_name VARCHAR NOT NULL, reason VARCHAR NOT NULL);
CREATE TABLE IF NOT EXISTS main.asked (  -- the rules of declaration and rules file; whether each could be asked
    table_name VARCHAR NOT NULL, rule VARCHAR NOT NULL, column_name VARCHAR,
    columns VARCHAR[] NOT NULL, is_asked BOOLEAN NOT NULL
);
CREATE TABLE IF NOT EXISTS main.unread (  -- rows and cells that no rule could be asked of, by the key as shown
    table_name VARCHAR NOT NULL, row_key VARCHAR NOT NULL, column_name VARCHAR
);
CREATE TABLE IF NOT EXISTS main.looked_at (table_name VARCHAR NOT NULL, how VARCHAR NOT NULL);
CREATE TABLE IF NOT EXISTS main.headings (  -- what a file calls its sheet and its columns
    table_name VARCHAR NOT NULL, file VARCHAR NOT NULL, sheet VARCHAR, column_name VARCHAR NOT NULL,
    heading VARCHAR NOT NULL
);
"""
WITHHELD = "(withheld)"
PERSONAL_DATA = "personal-data"  # the rule on cells and names that hold them; no other is called so
ROW_LENGTH = "row-length"  # the rule on records of a CSV that have more or fewer cells than its header
NOT_THERE = "not there"  # why a table is incomplete of which a snapshot has nothing


@dataclass(frozen=True)
class Finding:
    """A broken rule, found in Python: on a table, a column, or a row of a workbook.

    ``row_number`` counts as a spreadsheet does: the header of a plain CSV is row 1. ``column_name`` is the
    declared name, or the header text for an unknown column; ``heading`` what the file calls it. ``message`` and
    ``help`` are texts of ``warehouse.messages``, which can be said in another language.
    """

    rule: str
    severity: Severity
    message: str
    help: str
    table_name: str | None = None
    file: str | None = None
    sheet: str | None = None
    row_number: int | None = None
    column_name: str | None = None
    value: str | None = None
    row_key: str | None = None
    heading: str | None = None
    finding_id: str = field(default="", compare=False)  # filled where it is read from the warehouse


@dataclass(frozen=True)
class Heading:
    """What a file calls a declared column, and the sheet that it stands on (None in a file without sheets)."""

    table_name: str
    file: str
    sheet: str | None
    column_name: str
    heading: str


@dataclass(frozen=True)
class QuarantinedRow:
    """A row that cannot be used, as it stood.

    ``row_key`` is its primary key as ``key_text`` makes it, where that can be read for sure although the row
    cannot: the record it speaks of keeps its last good version. None where nobody can say whose row it is: then no
    record that the snapshot lacks can be called gone.
    """

    table_name: str
    file: str
    sheet: str | None
    row_number: int
    record: str
    row_key: str | None = None


def key_text(key: Mapping[str, object]) -> str | None:
    """A primary key as one text: ``{"company_number":"01234567"}``; None if it has gaps."""
    if any(value is None for value in key.values()):
        return None
    return json.dumps({name: str(value) for name, value in key.items()}, ensure_ascii=False, separators=(",", ":"))


def key_sql(table: TableDeclaration, prefix: str = "") -> str:
    """The SQL expression of what ``key_text`` makes of a row's primary key."""
    parts = ", ".join(f"{quote(name)} := CAST({prefix}{quote(name)} AS VARCHAR)" for name in table.primary_key)
    whole = " AND ".join(f"{prefix}{quote(name)} IS NOT NULL" for name in table.primary_key)
    return f"CASE WHEN {whole} THEN CAST(to_json(struct_pack({parts})) AS VARCHAR) END"


def shown_key_sql(table: TableDeclaration) -> str:
    """The SQL of a row's primary key as a finding tells it to people: its values, with bars between them."""
    return "concat_ws(' | ', " + ", ".join(f"CAST({quote(part)} AS VARCHAR)" for part in table.primary_key) + ")"


def shown_key(parts: Iterable[object]) -> str:
    """The same of a key's values in Python, of whatever type."""
    return " | ".join(str(part).lower() if isinstance(part, bool) else str(part) for part in parts)


def create_findings_tables(connection: duckdb.DuckDBPyConnection) -> None:
    """Make the tables of a staging file, in its schema ``main``, where they are missing."""
    connection.execute(f"CREATE TABLE IF NOT EXISTS main.findings ({FINDINGS_COLUMNS})")
    connection.execute(f"CREATE TABLE IF NOT EXISTS main.quarantine ({QUARANTINE_COLUMNS})")
    connection.execute(_STAGED_ONLY)


def shown(value: object, field: FieldDeclaration | None) -> str | None:
    """A value as a finding may show it: personal values and those of people are withheld, long ones cut."""
    if value is None:
        return None
    if field is not None and field.is_withheld:
        return WITHHELD
    text = str(value)
    return text if len(text) <= 200 else text[:199] + "…"


def add_findings(
    connection: duckdb.DuckDBPyConnection, subject: str, findings: Iterable[Finding], schema: str = "main"
) -> int:
    """Insert findings made in Python; larger sets are inserted by SQL. Returns how many."""
    rows = [
        {**vars(one), "severity": one.severity.value, "said": said_json(one.message, one.help)} for one in findings
    ]
    names = [*(one.name for one in fields(Finding) if one.name != "finding_id"), "said"]
    _insert(connection, rows, names, _findings_insert(subject, "FROM given", schema))
    return len(rows)


def add_findings_of(connection: duckdb.DuckDBPyConnection, subject: str, query: str) -> None:
    """Insert the findings that a SELECT gives, with columns called like the attributes of ``Finding``, and perhaps
    ``said`` (``said_sql``).
    """
    connection.execute(_findings_insert(subject, query, "main"))


def _findings_insert(subject: str, query: str, schema: str) -> str:
    return (
        f"INSERT INTO {schema}.findings BY NAME SELECT '' AS finding_id, *"
        f" FROM (SELECT {literal(subject)} AS subject, * FROM ({query}))"
    )


def said_json(message: str, advice: str) -> str | None:
    """Message and help as JSON; None where they are plain texts."""
    made = {"message": packed(message), "help": packed(advice)}
    if not any(isinstance(part, dict) for part in made.values()):
        return None
    return json.dumps(made, ensure_ascii=False, separators=(",", ":"))


def said_sql(message: str, advice: str, **values: str | tuple[str, str]) -> tuple[str, str, str]:
    """The SQL of message, help and ``said`` of findings that a SELECT makes: a template each, marked in the code.

    ``values`` are what the templates name in braces: the SQL expression of a text; of a text and of its JSON as
    ``packed`` makes it; or a text in several languages, which is the same in all rows. So may be ``message`` or
    ``advice`` itself.
    """
    pairs = {name: _text_and_json(value) for name, value in values.items()}

    def text(template: str) -> str:
        if is_said(template):
            return literal(template)
        # Piece by piece: whoever writes {name} into a cell is not to have it taken for a place of the template.
        pieces = (
            re.split("(" + "|".join(rf"\{{{name}\}}" for name in pairs) + ")", template) if pairs else [template]
        )
        made = [pairs[one[1:-1]][0] if number % 2 else literal(one) for number, one in enumerate(pieces)]
        return f"concat({', '.join(made)})"

    def said(template: str) -> str:
        if is_said(template):
            return _json_literal(template)
        named = [f"{literal(name)}, {json}" for name, (_, json) in pairs.items() if f"{{{name}}}" in template]
        return f"json_object('template', {literal(template)}, 'values', json_object({', '.join(named)}))"

    both = f"CAST(json_object('message', {said(message)}, 'help', {said(advice)}) AS VARCHAR)"
    return text(message), text(advice), both


def _text_and_json(value: str | tuple[str, str]) -> tuple[str, str]:
    """The SQL of a value as a text, never NULL, and as JSON."""
    if isinstance(value, tuple):
        return value[0], f"CAST({value[1]} AS JSON)"
    if is_said(value):
        return literal(value), _json_literal(value)
    text = f"coalesce(CAST({value} AS VARCHAR), '')"
    return text, text


def _json_literal(text: str) -> str:
    return f"CAST({literal(json.dumps(packed(text), ensure_ascii=False))} AS JSON)"


def unpacked_texts(message: str, advice: str, said: str | None) -> tuple[str, str]:
    """Message and help of a stored finding, as texts that can be said in other languages."""
    if said is None:
        return message, advice
    content = json.loads(said)
    return unpacked(content["message"]), unpacked(content["help"])


def add_headings(connection: duckdb.DuckDBPyConnection, headings: Iterable[Heading]) -> None:
    """Note what files call their columns."""
    names = [field.name for field in fields(Heading)]
    _insert(connection, [vars(one) for one in headings], names, "INSERT INTO main.headings BY NAME FROM given")


def add_quarantine(
    connection: duckdb.DuckDBPyConnection, subject: str, rows: Iterable[QuarantinedRow], schema: str = "main"
) -> int:
    """Insert rows that never became typed rows. Returns how many."""
    kept = [vars(row) for row in rows]
    names = [field.name for field in fields(QuarantinedRow)]
    _insert(connection, kept, names, _quarantine_insert(subject, "FROM given", schema))
    return len(kept)


def add_quarantine_of(connection: duckdb.DuckDBPyConnection, subject: str, query: str) -> None:
    """Insert the rows that a SELECT gives, with a column for each attribute of ``QuarantinedRow``."""
    connection.execute(_quarantine_insert(subject, query, "main"))


def _quarantine_insert(subject: str, query: str, schema: str) -> str:
    return (
        f"INSERT INTO {schema}.quarantine"
        f" SELECT {literal(subject)}, table_name, file, sheet, row_number, record, row_key FROM ({query})"
    )


def _insert(
    connection: duckdb.DuckDBPyConnection, rows: Sequence[Mapping[str, object]], names: Sequence[str], sql: str
) -> None:
    """Run an INSERT that reads the rows as ``given``: through Arrow, ten thousand at once take no time."""
    if not rows:
        return
    import pyarrow as pa

    schema = pa.schema([(name, pa.int64() if name == "row_number" else pa.string()) for name in names])
    connection.register("given", pa.Table.from_pylist(list(rows), schema=schema))
    try:
        connection.execute(sql)
    finally:
        connection.unregister("given")
