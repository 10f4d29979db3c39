"""What is put right in loaded tables: row numbers, characters that nobody sees, dates of the future."""

from __future__ import annotations

from datetime import date, timedelta

import duckdb

from warehouse.declarations import Severity, TableDeclaration, literal, quote
from warehouse.findings import WITHHELD, add_findings_of, said_sql, shown_key_sql
from warehouse.messages import in_languages, marked, message
from warehouse.sql import day_literal
from warehouse.staging import SCHEMA

# Regular expressions of DuckDB for what nobody sees: controls, marks that turn the direction of writing, and what
# is no character. Line breaks and tabs are among them; people see those as a space.
_BREAKS = r"[\t\n\v\f\r]+"
_HIDDEN = r"[\x00-\x08\x0E-\x1F\x7F-\x{9F}\x{202A}-\x{202E}\x{2066}-\x{2069}\x{FFFE}\x{FFFF}]"
UNSEEN = f"{_BREAKS}|{_HIDDEN}"


def number_rows(connection: duckdb.DuckDBPyConnection, table: TableDeclaration) -> None:
    """Number the rows of each file from 2, in the order in which they were inserted.

    DuckDB keeps the order of the query (``preserve_insertion_order``, on unless turned off), so row ids are that
    order: 0.1 s for two million rows, where ``row_number()`` in the query doubled the time of the whole load.
    """
    name = f"{SCHEMA}.{quote(table.name)}"
    files = f"SELECT _file, min(rowid) AS first, max(rowid) AS last, count(*) AS rows FROM {name} GROUP BY _file"
    mixed = connection.execute(f"SELECT count(*) FROM ({files}) WHERE last - first + 1 <> rows").fetchone()
    if mixed != (0,):
        raise ValueError(f"table {table.name}: the rows of its files are mixed, so they cannot be numbered")
    connection.execute(
        f"UPDATE {name} AS t SET _row = t.rowid - f.first + 2 FROM ({files}) AS f WHERE f._file = t._file"
    )


def leave_out_unseen(
    connection: duckdb.DuckDBPyConnection, source: str, table: TableDeclaration, may_hide: str
) -> None:
    """Take out of texts what nobody sees: line breaks and tabs become a space, the rest goes, with a finding."""
    name = f"{SCHEMA}.{quote(table.name)}"
    texts = [field.name for field in table.fields if field.type == "string"]
    unseen, breaks, hidden = (f"'{pattern}'" for pattern in (UNSEEN, _BREAKS, _HIDDEN))
    hit = {
        text: f"({may_hide.format(column=quote(text))}) AND regexp_matches({quote(text)}, {unseen})"
        for text in texts
    }
    cells = ", ".join(
        f"CASE WHEN {condition} AND regexp_matches({quote(text)}, {hidden}) THEN {literal(text)} END"
        for text, condition in hit.items()
    )
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE unseen AS SELECT rowid AS id, [{cells}] AS cells FROM {name}"
        f" WHERE {' OR '.join(f'({condition})' for condition in hit.values())}"
    )
    spaced = (f"regexp_replace({quote(text)}, {breaks}, ' ', 'g')" for text in texts)
    cleaned = ", ".join(
        f"{quote(text)} = nullif(trim(regexp_replace({made}, {hidden}, '', 'g')), '')"
        for text, made in zip(texts, spaced, strict=True)
    )
    connection.execute(f"UPDATE {name} SET {cleaned} WHERE rowid IN (SELECT id FROM unseen)")
    what, advice, said = said_sql(
        marked(
            "It held characters that nobody sees (controls, or marks that turn the direction of writing). They"
            " were"
            " left out."
        ),
        marked("See what it should be, and tell the publisher."),
    )
    key = shown_key_sql(table)
    add_findings_of(
        connection,
        source,
        f"SELECT 'hidden-characters' AS rule, {literal(Severity.WARNING.value)} AS severity,"
        f" {what} AS message, {advice} AS help, {said} AS said,"
        f" {literal(table.name)} AS table_name, _file AS file, _sheet AS sheet, _row AS row_number,"
        f" u.cell AS column_name, CAST(NULL AS VARCHAR) AS value, {key} AS row_key"
        f" FROM (SELECT id, unnest(cells) AS cell FROM unseen) AS u JOIN {name} AS t ON t.rowid = u.id"
        " WHERE u.cell IS NOT NULL",
    )
    connection.execute("DROP TABLE unseen")


def refuse_future(connection: duckdb.DuckDBPyConnection, source: str, table: TableDeclaration, day: date) -> None:
    """Empty the cells of dates further ahead of the snapshot than its data can know; a finding for each."""
    latest = {
        field: day_literal(day + timedelta(days=field.days_ahead))
        for field in table.fields
        if field.days_ahead is not None
    }
    if not latest:
        return
    name = f"{SCHEMA}.{quote(table.name)}"
    listed = ", ".join(f"count(*) FILTER ({quote(field.name)} > {last})" for field, last in latest.items())
    counts = connection.execute(f"SELECT {listed} FROM {name}").fetchone() or ()
    for (field, last), count in zip(latest.items(), counts, strict=True):
        if not count:
            continue
        value = f"CAST({quote(field.name)} AS VARCHAR)"
        key = shown_key_sql(table)
        what, advice, said = said_sql(
            message(
                "{heading} lies more than {days} days after {day}, the date of the data.",
                heading=in_languages(field.title, finnish=field.title_fi),
                days=str(field.days_ahead),
                day=day.isoformat(),
            ),
            in_languages(field.help, finnish=field.help_fi) or message("Correct the date."),
        )
        add_findings_of(
            connection,
            source,
            f"SELECT 'future' AS rule, {literal(field.severity.value)} AS severity, {what} AS message,"
            f" {advice} AS help, {said} AS said, {literal(table.name)} AS table_name,"
            f" _file AS file, _sheet AS sheet, _row AS row_number, {literal(field.name)} AS column_name,"
            f" {literal(WITHHELD) if field.is_withheld else value} AS value, {key} AS row_key"
            f" FROM {name} WHERE {quote(field.name)} > {last}",
        )
        connection.execute(f"UPDATE {name} SET {quote(field.name)} = NULL WHERE {quote(field.name)} > {last}")
