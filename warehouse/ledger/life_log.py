"""The lives of findings: the spells in which they were there, kept up by every verdict.

A spell begins with the snapshot that has a finding, and ends with the first later one that was looked at there
and has it no more. What a snapshot could not look at, it cannot have mended. A snapshot of an older date than
the newest judged moves nothing; one that is judged anew says in place of itself what it says now.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date

from warehouse.database import fetch
from warehouse.declarations import Severity, TableDeclaration
from warehouse.findings import key_sql, shown_key_sql
from warehouse.ledger.records import Connection
from warehouse.sql import day_literal, literal, quote
from warehouse.staging import SCHEMA

FIXED, DROPPED = "fixed", "dropped"
# How far a snapshot was looked at, by table (``main.looked_at`` of a staging file): all of it, so that what is not
# there is gone; the rows that it has; not at all.
WHOLE, ROWS, NOT_AT_ALL = "whole", "rows", "not at all"


@dataclass(frozen=True)
class Moment:
    """A verdict on a snapshot of a source, or on a dataset of a date (``snapshot_id`` is then the date)."""

    subject: str
    snapshot_id: str
    data_date: date
    run_id: str


def move_lives(
    connection: Connection, moment: Moment, attached: str | None = None, tables: Iterable[TableDeclaration] = ()
) -> bool:
    """Bring the spells to what the ledger's findings on a snapshot say; False where it is older than the newest.

    To be called in the transaction that notes the verdict, after its findings are in the ledger.

    Args:
        connection: writes to the warehouse.
        moment: the verdict.
        attached: the snapshot's staging file, which says how far it was looked at. None: it could not be read.
        tables: of the source.
    """
    if attached is None:
        return _move(connection, moment, replace(_NOTHING, looked_at=f"SELECT NULL::VARCHAR, '{NOT_AT_ALL}'"))
    seen = _Seen(*(f"FROM {attached}.main.{name}" for name in ("looked_at", "asked", "unread")))
    found = connection.execute(f"SELECT table_name FROM {attached}.main.looked_at WHERE how = '{ROWS}'").fetchall()
    partly = {row[0] for row in found}  # of the others, which may have millions of rows, no key is asked for
    keys = _keys_there(attached, [table for table in tables if table.name in partly])
    return _move(connection, moment, replace(seen, keys=keys))


def move_dataset_lives(connection: Connection, moment: Moment) -> bool:
    """The same for a curated dataset: all of it is looked at, by all rules, each time."""
    of_subject = f"subject = {literal(moment.subject)}"
    tables = f"SELECT DISTINCT table_name, '{WHOLE}' FROM ledger.spells WHERE {of_subject}"
    return _move(connection, moment, replace(_NOTHING, looked_at=tables))


@dataclass(frozen=True)
class _Seen:
    """What a snapshot was looked at, as SQL: the tables of ``checks.looking``, and the keys of the rows it has."""

    looked_at: str
    asked: str
    unread: str
    keys: str = "SELECT '', '' LIMIT 0"


_NOTHING = _Seen("", "SELECT '', '', '', []::VARCHAR[], true LIMIT 0", "SELECT '', '', '' LIMIT 0")


def _keys_there(attached: str, tables: Iterable[TableDeclaration]) -> str:
    """SQL: table and key, as findings write it, of the rows in a staging file."""
    parts = [_NOTHING.keys]
    for table in tables:
        relation = f"{attached}.{SCHEMA}.{quote(table.name)}"
        # findings tell keys with bars, some as JSON
        parts += [
            f"SELECT {literal(table.name)}, {key} FROM {relation}"
            for key in (shown_key_sql(table), key_sql(table))
        ]
    return " UNION ALL ".join(f"({part})" for part in parts)


def _move(connection: Connection, moment: Moment, seen: _Seen) -> bool:
    place = _begin(connection, moment)
    if place is None:
        return False
    subject, snapshot = literal(moment.subject), literal(moment.snapshot_id)
    stamp = f"{place}, {snapshot}, {day_literal(moment.data_date)}, {literal(moment.run_id)}"
    found = f"ledger.findings WHERE subject = {subject} AND snapshot_id = {snapshot}"
    spells = f"ledger.spells AS s WHERE s.subject = {subject} AND s.closed_moment IS NULL"
    critical = f"(SELECT table_name FROM {found} AND severity = '{Severity.CRITICAL.value}')"
    connection.execute(f"""
        CREATE OR REPLACE TEMP TABLE life_looked AS
            SELECT table_name, CASE WHEN table_name IN {critical} THEN '{NOT_AT_ALL}' ELSE how END AS how
            FROM ({seen.looked_at}) AS t(table_name, how);
        CREATE OR REPLACE TEMP TABLE life_asked AS
            FROM ({seen.asked}) AS t(table_name, rule, column_name, columns, is_asked);
        CREATE OR REPLACE TEMP TABLE life_unread AS FROM ({seen.unread}) AS t(table_name, row_key, column_name);
        CREATE OR REPLACE TEMP TABLE life_found AS
            SELECT finding_id, any_value(table_name) AS table_name, any_value(rule) AS rule,
                   any_value(column_name) AS column_name, any_value(row_key) AS row_key,
                   any_value(severity) AS severity,
                   bool_or(coalesce(row_number::VARCHAR, row_key) IS NOT NULL) AS is_row
            FROM {found} GROUP BY finding_id;
        UPDATE life_found AS f SET severity = a.severity FROM ledger.accepted AS a  -- what it would cost
        WHERE a.subject = {subject} AND a.snapshot_id = {snapshot} AND a.finding_id = f.finding_id;
        CREATE OR REPLACE TEMP TABLE life_there AS
            SELECT DISTINCT table_name, row_key FROM ({seen.keys}) AS t(table_name, row_key)
            WHERE (table_name, row_key) IN (
                SELECT (s.table_name, s.row_key) FROM {spells} AND s.is_of_row AND s.table_name IN (
                    SELECT table_name FROM life_looked WHERE how = '{ROWS}'));
        UPDATE ledger.spells AS s SET severity = f.severity FROM life_found AS f
        WHERE s.subject = {subject} AND s.closed_moment IS NULL AND s.finding_id = f.finding_id
          AND s.severity <> f.severity;
        UPDATE ledger.spells AS u
        SET (closed_moment, closed_snapshot, closed_date, closed_run, closing) = ({stamp}, c.closing)
        FROM (SELECT s.finding_id, {_CLOSING} AS closing
              FROM (SELECT * FROM {spells}) AS s
              LEFT JOIN life_looked AS l ON l.table_name = s.table_name
              LEFT JOIN life_asked AS a ON a.table_name = s.table_name AND a.rule = s.rule
                                       AND a.column_name IS NOT DISTINCT FROM s.column_name
              WHERE s.finding_id NOT IN (SELECT finding_id FROM life_found)) AS c
        WHERE u.subject = {subject} AND u.closed_moment IS NULL AND u.finding_id = c.finding_id
          AND c.closing IS NOT NULL;
        INSERT INTO ledger.spells BY NAME
        SELECT {subject} AS subject, f.finding_id, f.table_name, f.rule, f.column_name, f.row_key, f.severity,
               f.is_row AS is_of_row,
               coalesce((f.table_name, f.rule) IN (SELECT (table_name, rule) FROM life_asked), false)
                   AS is_compiled,
               {place} AS opened_moment, {snapshot} AS opened_snapshot,
               {day_literal(moment.data_date)} AS opened_date, {literal(moment.run_id)} AS opened_run
        FROM life_found AS f
        WHERE f.finding_id NOT IN (SELECT s.finding_id FROM {spells});
        {_carried(moment, place)};
        DROP TABLE life_looked; DROP TABLE life_asked; DROP TABLE life_found; DROP TABLE life_there;
        DROP TABLE life_unread""")
    return True


# What ends an open spell whose finding is not there; NULL: nothing, for nobody looked.
_CLOSING = f"""
CASE WHEN s.table_name IS NULL THEN
          CASE WHEN EXISTS (FROM life_looked WHERE table_name IS NOT NULL) AND NOT EXISTS (
                    FROM life_found WHERE table_name IS NULL AND severity = '{Severity.CRITICAL.value}')
               THEN '{FIXED}' END
     WHEN NOT EXISTS (FROM life_looked WHERE table_name IS NOT NULL) THEN NULL
     WHEN l.how IS NULL THEN '{DROPPED}'
     WHEN l.how = '{NOT_AT_ALL}' OR NOT coalesce(a.is_asked, true) THEN NULL
     WHEN s.is_compiled AND a.rule IS NULL THEN '{DROPPED}'
     WHEN s.is_compiled AND EXISTS (
          FROM life_unread AS u WHERE u.table_name = s.table_name AND u.row_key = s.row_key
           AND (u.column_name IS NULL OR list_contains(a.columns, u.column_name))) THEN NULL
     WHEN l.how = '{WHOLE}' OR NOT s.is_of_row THEN '{FIXED}'
     WHEN (s.table_name, s.row_key) IN (SELECT (table_name, row_key) FROM life_there) THEN '{FIXED}' END"""


def _begin(connection: Connection, moment: Moment) -> int | None:
    """The place of the moment in the order of those of its subject; None if it is not to move anything.

    Where it is the newest one once more, what that said is taken back first.
    """
    subject = literal(moment.subject)
    rows = fetch(
        connection,
        "SELECT moment, snapshot_id, data_date FROM ledger.moments WHERE subject = ? ORDER BY moment DESC LIMIT 1",
        [moment.subject],
    )
    last, snapshot_id, newest = rows[0] if rows else (0, "", date.min)
    if moment.data_date < newest:
        return None
    place = int(last) + 1
    if snapshot_id == moment.snapshot_id:
        place = int(last)
        of_place = f"subject = {subject} AND %s = {place}"
        connection.execute(f"""
            DELETE FROM ledger.spells WHERE {of_place % "opened_moment"};
            UPDATE ledger.spells SET (closed_moment, closed_snapshot, closed_date, closed_run, closing)
                = (NULL, NULL, NULL, NULL, NULL) WHERE {of_place % "closed_moment"};
            DELETE FROM ledger.moments WHERE {of_place % "moment"}""")
    connection.execute(f"""
        INSERT INTO ledger.moments VALUES ({subject}, {place}, {literal(moment.snapshot_id)},
            {day_literal(moment.data_date)}, {literal(moment.run_id)})""")
    return place


def _carried(moment: Moment, place: int) -> str:
    """SQL: what was accepted stays so where a finding stays open because nobody could look."""
    subject, snapshot = literal(moment.subject), literal(moment.snapshot_id)
    return f"""
        INSERT INTO ledger.accepted BY NAME
        SELECT a.* REPLACE (
            {snapshot} AS snapshot_id, a.until_date >= {day_literal(moment.data_date)} AS is_in_force)
        FROM ledger.accepted AS a JOIN ledger.moments AS l
          ON l.subject = a.subject AND l.snapshot_id = a.snapshot_id AND l.moment = {place - 1}
        WHERE a.subject = {subject} AND a.snapshot_id <> {snapshot}
          AND a.finding_id IN (
              SELECT finding_id FROM ledger.spells WHERE subject = {subject} AND closed_moment IS NULL)
          AND a.finding_id NOT IN (SELECT finding_id FROM life_found)"""


def forget_spells(connection: Connection, subject: str) -> None:
    """Delete the spells of findings that the ledger has no more: what is forgotten has no life either."""
    for table in ("spells", "accepted"):
        connection.execute(
            f"DELETE FROM ledger.{table} WHERE subject = {literal(subject)}"
            f" AND finding_id NOT IN (SELECT finding_id FROM ledger.findings WHERE subject = {literal(subject)})"
        )
