"""Exceptions and corrections at work on a staging file: cells corrected, findings accepted, idle lines told.

Corrections come before the rules: a corrected cell is judged as it is then. ``main.corrected`` keeps both values,
so that a second check puts back what stood there and begins anew.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

import duckdb

from checks.accepted import AcceptedException
from checks.amendments import Amendments
from checks.corrections import Correction
from warehouse.declarations import (
    DatasetDeclaration,
    Severity,
    SourceDeclaration,
    TableDeclaration,
    literal,
    quote,
)
from warehouse.findings import (
    Finding,
    add_findings,
    add_findings_of,
    create_findings_tables,
    said_sql,
    shown_key_sql,
)
from warehouse.ledger.life_log import NOT_AT_ALL, WHOLE
from warehouse.messages import Message, marked, message
from warehouse.sql import day_literal
from warehouse.staging import SCHEMA
from warehouse.turns import STALE_CORRECTION, STALE_EXCEPTION

_CORRECTED, _RAN_OUT = "corrected", "acceptance-ran-out"
_TABLES = """
CREATE TABLE IF NOT EXISTS main.corrected (
    table_name VARCHAR NOT NULL, row_key VARCHAR, file VARCHAR, sheet VARCHAR, row_number BIGINT,
    column_name VARCHAR NOT NULL, old_value VARCHAR, new_value VARCHAR, reason VARCHAR NOT NULL,
    evidence VARCHAR NOT NULL, status VARCHAR NOT NULL, was_unread BOOLEAN NOT NULL
);
CREATE TABLE IF NOT EXISTS main.accepted (
    finding BIGINT NOT NULL, finding_id VARCHAR NOT NULL, severity VARCHAR NOT NULL, accepted_by VARCHAR NOT NULL,
    reason VARCHAR NOT NULL, until_date DATE NOT NULL, is_in_force BOOLEAN NOT NULL
);
"""
_TO_READ = f"severity IN ('{Severity.ERROR.value}', '{Severity.WARNING.value}') AND value IS NOT NULL"


def _same_place(one: str, row: str) -> str:
    return (
        f"{one}.row_number = {row}._row AND {one}.file IS NOT DISTINCT FROM {row}._file"
        f" AND {one}.sheet IS NOT DISTINCT FROM {row}._sheet"
    )


@dataclass
class _Met:
    """What a line of ours met in the data: how many cells or findings, and what stood in its row instead."""

    hits: int = 0
    is_there: bool = False
    is_mended: bool = False
    stood: str = ""


@dataclass
class Amending:
    """A source's amendments, applied in the order of its methods."""

    connection: duckdb.DuckDBPyConnection
    source: SourceDeclaration
    amendments: Amendments
    _met: dict[str, _Met] = field(default_factory=dict)

    def revert(self) -> None:
        """Put back what an earlier check of the file corrected. To be called before anything is found anew."""
        run = self.connection.execute
        create_findings_tables(self.connection)
        run(_TABLES)
        run("CREATE TABLE IF NOT EXISTS main.corrected_findings AS FROM main.findings LIMIT 0")
        by_name = {table.name: table for table in self.source.tables}
        rows = run("SELECT DISTINCT table_name, column_name FROM main.corrected").fetchall()
        for name, column in rows:
            kind = by_name[name].field(column).duckdb_type
            run(f"""
                UPDATE {SCHEMA}.{quote(name)} AS s SET {quote(column)} = CASE WHEN NOT c.was_unread
                    THEN TRY_CAST(nullif(c.old_value, '') AS {kind}) END
                FROM main.corrected AS c WHERE c.table_name = {literal(name)} AND c.column_name = {literal(column)}
                 AND {_same_place("c", "s")}""")
        if rows:
            run("INSERT INTO main.read_findings FROM main.corrected_findings")
        run("DELETE FROM main.corrected; DELETE FROM main.corrected_findings; DELETE FROM main.accepted")

    def correct(self) -> None:
        """Correct the cells, in one pass a column, and tell of each."""
        for table in self.source.tables:
            # of a row whose key is corrected too, the other cells come first: they name it by what stood there
            names = sorted((f.name for f in table.fields), key=lambda name: name in table.primary_key)
            for name in names:
                if listed := [
                    one
                    for one in self.amendments.corrections
                    if one.table == table.name and one.column == name and one.is_of(self.amendments.data_date)
                ]:
                    self._correct(table, name, listed)

    def _correct(self, table: TableDeclaration, column: str, listed: Sequence[Correction]) -> None:
        run, name, staged = self.connection.execute, quote(column), f"{SCHEMA}.{quote(table.name)}"
        of_cell = f"table_name = {literal(table.name)} AND column_name = {literal(column)}"
        kind = table.field(column).duckdb_type
        run(f"""
            CREATE OR REPLACE TEMP TABLE met AS
            SELECT s.rowid AS staged_row, g.place, g.new_value, g.reason, g.evidence, g.status, s.key AS row_key,
                   s._file AS file, s._sheet AS sheet, s._row AS row_number,
                   coalesce(r.value, CAST(s.{name} AS VARCHAR), '') AS old_value,
                   r.value IS NOT NULL AS was_unread,
                   CASE WHEN g.old_value = '' THEN s.{name} IS NULL AND r.value IS NULL
                        ELSE coalesce(s.{name} = TRY_CAST(g.old_value AS {kind}) OR r.value = g.old_value, false)
                   END AS is_hit,
                   r.value IS NULL AND s.{name} IS NOT DISTINCT FROM TRY_CAST(nullif(g.new_value, '') AS {kind})
                       AS is_mended
            FROM (SELECT rowid, *, {shown_key_sql(table)} AS key FROM {staged}) AS s
            JOIN ({_given(table, listed)}) AS g ON g.key = s.key
            LEFT JOIN (
                SELECT file, sheet, row_number, max(value) AS value FROM main.read_findings
                WHERE {of_cell} AND {_TO_READ} GROUP BY ALL
            ) AS r ON {_same_place("r", "s")} AND s.{name} IS NULL;
            UPDATE {staged} AS s SET {name} = TRY_CAST(nullif(m.new_value, '') AS {kind})
            FROM met AS m WHERE s.rowid = m.staged_row AND m.is_hit;
            INSERT INTO main.corrected BY NAME
            SELECT {literal(table.name)} AS table_name, {literal(column)} AS column_name,
                   * EXCLUDE (staged_row, place, is_hit, is_mended) FROM met WHERE is_hit;
            INSERT INTO main.corrected_findings
            SELECT r.* FROM main.read_findings AS r WHERE r.{of_cell.replace(" AND ", " AND r.")}
             AND r.{_TO_READ.replace(" AND ", " AND r.")} AND {_IS_MET.format(one="r")};
            DELETE FROM main.read_findings AS r WHERE {of_cell} AND {_TO_READ} AND {_IS_MET.format(one="r")};
            DELETE FROM main.findings AS f WHERE {of_cell} AND {_TO_READ} AND {_IS_MET.format(one="f")}""")
        self._tell_corrected(table.name, column)
        found = run("""
            SELECT place, count(*) FILTER (is_hit), bool_or(is_mended), min(old_value) FROM met GROUP BY place""")
        for place, hits, is_mended, stood in found.fetchall():
            self._met[place] = _Met(int(hits), True, bool(is_mended), str(stood))
        run("DROP TABLE temp.met")

    def _tell_corrected(self, table: str, column: str) -> None:
        values = {
            "old": "CASE WHEN old_value = '' THEN '–' ELSE old_value END",
            "new": "CASE WHEN new_value = '' THEN '–' ELSE new_value END",
            "reason": "reason", "evidence": "evidence",
        }  # fmt: skip
        texts = said_sql(_WAS_CORRECTED, _MEND_THERE, **values)
        add_findings_of(
            self.connection,
            self.source.name,
            f"SELECT {literal(_CORRECTED)} AS rule, '{Severity.INFO.value}' AS severity, {texts[0]} AS message,"
            f" {texts[1]} AS help, {literal(table)} AS table_name, file, sheet, row_number,"
            f" {literal(column)} AS column_name, old_value AS value, row_key, {texts[2]} AS said"
            " FROM met WHERE is_hit",
        )

    def accept(self, table: TableDeclaration) -> None:
        """Take from accepted findings on a table what they would cost. To be called when all are found."""
        for one in self.amendments.accepted:
            if one.table != table.name:
                continue
            is_in_force = one.is_in_force(self.amendments.day)
            found = f"FROM main.findings AS f WHERE {_matches(one, table)}"
            (hits,) = self.connection.execute(f"SELECT count(*) {found}").fetchone() or (0,)
            self._met[one.place] = _Met(int(hits), self._is_there(one, table))
            self.connection.execute(f"""
                INSERT INTO main.accepted
                SELECT f.rowid, '', f.severity, {literal(one.accepted_by)}, {literal(one.reason)},
                       {day_literal(one.until)}, {is_in_force}
                {found} AND f.rowid NOT IN (SELECT finding FROM main.accepted)""")
        self.connection.execute(f"""
            UPDATE main.findings SET severity = '{Severity.INFO.value}'
            WHERE rowid IN (SELECT finding FROM main.accepted WHERE is_in_force)""")

    def _is_there(self, one: AcceptedException, table: TableDeclaration) -> bool:
        """Whether the rows that it speaks of are in the data."""
        rows = _rows(one, table)
        found = self.connection.execute(f"SELECT 1 FROM {SCHEMA}.{quote(table.name)} AS s WHERE {rows} LIMIT 1")
        return found.fetchone() is not None

    def settle(self) -> None:
        """Tell of the lines that met nothing, and of those that ran out; once is known how far was looked."""
        looked = dict(self.connection.execute("SELECT table_name, how FROM main.looked_at").fetchall())
        found = [*self._stale_corrections(looked), *self._on_exceptions(looked)]
        add_findings(self.connection, self.source.name, found)

    def _is_idle(self, met: _Met, how: str) -> bool:
        """Whether a line met nothing although its row could have been met."""
        return not met.hits and how != NOT_AT_ALL and (how == WHOLE or met.is_there)

    def _stale_corrections(self, looked: Mapping[str, str]) -> Iterator[Finding]:
        for one in self.amendments.corrections:
            met = self._met.get(one.place, _Met())
            if not one.is_of(self.amendments.data_date) or not self._is_idle(
                met, looked.get(one.table, NOT_AT_ALL)
            ):
                continue
            place, line_is = {"place": one.place}, _DELETE
            if met.is_mended:
                words = message(
                    "The correction at {place} is not needed any more: the source itself says “{new}” now.",
                    new=one.new, **place,
                )  # fmt: skip
            elif met.is_there:
                words = message(
                    "The correction at {place} changes nothing any more: the source says “{stood}” now,"
                    " not “{old}”.",
                    stood=met.stood, old=one.old, **place,
                )  # fmt: skip
                line_is = message(
                    "Find out whether what it says now is right. If it is, delete the entry that begins in that"
                    " line; if not, write there what is to be corrected."
                )
            else:
                words = message("The correction at {place} speaks of a row that is not there any more.", **place)
            yield Finding(STALE_CORRECTION, Severity.ERROR, words, line_is, one.table)

    def _on_exceptions(self, looked: Mapping[str, str]) -> Iterator[Finding]:
        for one in self.amendments.accepted:
            met = self._met.get(one.place, _Met())
            if self._is_idle(met, looked.get(one.table, NOT_AT_ALL)):
                words = message(
                    "The exception at {place} matches nothing any more: what it accepts is mended or gone.",
                    place=one.place,
                )
                yield Finding(STALE_EXCEPTION, Severity.ERROR, words, _DELETE, one.table)
            elif met.hits and not one.is_in_force(self.amendments.day):
                words = message(
                    "What was accepted until {day} counts again ({place}): {reason}",
                    day=one.until.isoformat(), place=one.place, reason=one.reason,
                )  # fmt: skip
                advice = message("Mend it, or agree on another day and write it there.")
                yield Finding(_RAN_OUT, Severity.WARNING, words, advice, one.table)

    def name_accepted(self) -> None:
        """Note which findings are accepted by their ids, once they have them."""
        self.connection.execute("""
            UPDATE main.accepted AS a SET finding_id = f.finding_id FROM main.findings AS f
            WHERE f.rowid = a.finding""")


def accept_in_dataset(connection: duckdb.DuckDBPyConnection, dataset: DatasetDeclaration, as_of: date) -> None:
    """Take from findings on a curated table what they would cost, where they only repeat what is accepted of a
    source: the same value of the field that the column is taken from, under the same rule.
    """
    for column, one in zip(dataset.table.fields, dataset.entry.fields, strict=True):
        if not one.from_field:
            continue
        source, table, name = one.from_field.split(".")
        connection.execute(f"""
            UPDATE temp.findings AS d SET severity = '{Severity.INFO.value}'
            WHERE d.column_name = {literal(column.name)} AND d.severity <> '{Severity.CRITICAL.value}' AND EXISTS (
                FROM ledger.accepted AS a JOIN ledger.findings AS f
                  ON f.subject = a.subject AND f.snapshot_id = a.snapshot_id AND f.finding_id = a.finding_id
                WHERE a.is_in_force AND a.subject = {literal(source)} AND f.table_name = {literal(table)}
                  AND f.column_name = {literal(name)} AND f.rule = d.rule AND f.value IS NOT DISTINCT FROM d.value
                  AND a.snapshot_id = (
                      SELECT snapshot_id FROM ledger.moments WHERE subject = {literal(source)}
                         AND data_date <= {day_literal(as_of)} ORDER BY moment DESC LIMIT 1))""")


_IS_MET = """EXISTS (FROM met AS m WHERE m.is_hit AND m.row_number = {one}.row_number
    AND m.file IS NOT DISTINCT FROM {one}.file AND m.sheet IS NOT DISTINCT FROM {one}.sheet)"""
_WAS_CORRECTED = marked("The source says “{old}”; it was corrected to “{new}” on the way in: {reason}")
_MEND_THERE = marked("If you keep the source, correct it there too. By what it is known: {evidence}")
_DELETE: Message = message("Delete the entry that begins in that line.")


def _key_text(table: TableDeclaration, key: Mapping[str, str]) -> str:
    """SQL: a written key as findings show keys; a part is brought to its type where it can be."""
    parts = [
        f"coalesce(CAST(TRY_CAST({literal(key[name])} AS {table.field(name).duckdb_type}) AS VARCHAR),"
        f" {literal(key[name])})"
        for name in table.primary_key
    ]
    return f"concat_ws(' | ', {', '.join(parts)})"


def _given(table: TableDeclaration, listed: Sequence[Correction]) -> str:
    """SQL: corrections as rows."""
    return " UNION ALL ".join(
        f"SELECT {_key_text(table, one.key)} AS key, {literal(one.place)} AS place,"
        f" {literal(one.old)} AS old_value, {literal(one.new)} AS new_value, {literal(one.reason)} AS reason,"
        f" {literal(one.evidence)} AS evidence, {literal(one.status)} AS status"
        for one in listed
    )


def _rows(one: AcceptedException, table: TableDeclaration) -> str:
    """SQL: a staged row ``s`` is one of those that an exception speaks of."""
    parts = one.key or one.group or {}
    return (
        " AND ".join(
            f"coalesce(s.{quote(name)} = TRY_CAST({literal(value)} AS {table.field(name).duckdb_type}), false)"
            for name, value in parts.items()
        )
        or "true"
    )


def _matches(one: AcceptedException, table: TableDeclaration) -> str:
    """SQL: a finding ``f`` is accepted."""
    parts = [
        f"f.table_name = {literal(table.name)} AND f.rule = {literal(one.rule)}",
        f"f.severity <> '{Severity.CRITICAL.value}'",
    ]
    if one.column is not None:
        parts.append(f"f.column_name = {literal(one.column)}")
    if one.value is not None:
        parts.append(_is_value(one, table))
    if one.key is not None or one.group:
        staged = f"{SCHEMA}.{quote(table.name)}"
        is_row = f"EXISTS (FROM {staged} AS s WHERE {_rows(one, table)} AND {_same_place('f', 's')})"
        if one.key is not None:
            is_row = f"({is_row} OR f.row_key = {_key_text(table, one.key)})"
        parts.append(is_row)
    return " AND ".join(parts)


def _is_value(one: AcceptedException, table: TableDeclaration) -> str:
    given = literal(one.value or "")
    if one.value == "":
        return "f.value IS NULL"
    kinds = [f.duckdb_type for f in table.fields if f.name == one.column]
    same = f"f.value = {given}"
    if kinds:
        same = f"({same} OR coalesce(TRY_CAST(f.value AS {kinds[0]}) = TRY_CAST({given} AS {kinds[0]}), false))"
    return same
