"""By what a finding is known again: its rule, its column and its row's key, wherever the row stands.

A row without a key of its own (it is missing, unreadable, or another row has it too) is known by what else stands
in it: but for personal data, and for the column that the finding is on, so that mending it is not to change the
others. Equal ones are counted through. A row that never became one is known by its line. Neither a file's name
(where there is one file) nor a row's number counts: a sheet is sorted, a file renamed. Of people nothing counts
but how many: an id that is made of a value tells it to whoever tries them all.
"""

from __future__ import annotations

from collections.abc import Sequence

import duckdb

from warehouse.declarations import TableDeclaration
from warehouse.findings import PERSONAL_DATA, WITHHELD, shown_key_sql
from warehouse.personal import personal_sql
from warehouse.sql import literal, quote
from warehouse.staging import SCHEMA

_SAME_PLACE = """f.row_number = s._row AND f.file IS NOT DISTINCT FROM s._file
            AND f.sheet IS NOT DISTINCT FROM s._sheet"""


def give_ids(
    connection: duckdb.DuckDBPyConnection, findings: str, tables: Sequence[TableDeclaration] = ()
) -> None:
    """Give all findings of a table their ids: once they and what they repeat have been screened.

    What stands in the place of an id until then is what the rule itself says that its finding is known by, such as
    a group of rows.

    Args:
        connection: writes to the table.
        findings: the table of findings.
        tables: those of a staging file, whose rows stand beside its findings; none where there are no such rows.
    """
    connection.execute("CREATE OR REPLACE TEMP TABLE known_rows (finding BIGINT, row_identity VARCHAR)")
    people = [literal(table.name) for table in tables if table.about_people]
    if people:
        connection.execute(f"UPDATE {findings} SET finding_id = '' WHERE table_name IN ({', '.join(people)})")
    files = f"SELECT file FROM {findings}"
    for table in tables:
        staged = f"{SCHEMA}.{quote(table.name)}"
        files += f" UNION SELECT _file FROM {staged}"
        if _has_row_findings(connection, findings, table):
            _know_rows(connection, findings, staged, table)
    # What a finding brings as its id (a group of rows) is what it is known by, unless that is somebody.
    given = f"CASE WHEN {personal_sql('f.finding_id')} IS NULL THEN nullif(f.finding_id, '') END"
    identity = f"coalesce({given}, k.row_identity, nullif(f.row_key, {literal(WITHHELD)}), {_PLACE})"
    parts = f"f.subject, coalesce(f.table_name, ''), f.rule, coalesce(f.column_name, ''), {identity}"
    connection.execute(f"""
        UPDATE {findings} AS u SET finding_id = n.id FROM (
            SELECT f.rowid AS finding, md5(concat_ws(chr(31), {parts}, row_number() OVER (
                       PARTITION BY {parts} ORDER BY f.file, f.sheet, f.row_number, f.value, f.message))) AS id
            FROM {findings} AS f
            LEFT JOIN known_rows AS k ON k.finding = f.rowid
            CROSS JOIN (SELECT count(DISTINCT file) > 1 AS are_many FROM ({files})) AS files
        ) AS n WHERE u.rowid = n.finding""")
    connection.execute("DROP TABLE temp.known_rows")


# Of several files that come again with other numbers in their names, each time the first is the first.
_PLACE = """concat_ws('/', CASE WHEN f.row_number IS NULL AND files.are_many
                                THEN regexp_replace(f.file, '[0-9]+', '#', 'g') END,
                     CASE WHEN f.table_name IS NULL THEN f.sheet END)"""


def _has_row_findings(connection: duckdb.DuckDBPyConnection, findings: str, table: TableDeclaration) -> bool:
    of_table = f"table_name = {literal(table.name)} AND row_number IS NOT NULL"
    return connection.execute(f"SELECT 1 FROM {findings} WHERE {of_table} LIMIT 1").fetchone() is not None


def _know_rows(connection: duckdb.DuckDBPyConnection, findings: str, staged: str, table: TableDeclaration) -> None:
    """By what the rows of a table's findings are known: key, contents or line."""
    of_table = f"f.table_name = {literal(table.name)} AND f.row_number IS NOT NULL"
    if table.about_people:
        connection.execute(f"INSERT INTO known_rows SELECT f.rowid, '' FROM {findings} AS f WHERE {of_table}")
        return
    whole = " AND ".join(f"s.{quote(name)} IS NOT NULL" for name in table.primary_key)
    of_key = ", ".join(literal(name) for name in table.primary_key)
    connection.execute(f"""
        CREATE OR REPLACE TEMP TABLE found_rows AS
            SELECT f.rowid AS finding, min(s.rowid) AS staged_row, any_value(f.column_name) AS column_name,
                   min(CASE WHEN {whole} AND NOT EXISTS (
                           FROM {findings} AS f WHERE f.table_name = {literal(table.name)}
                            AND f.rule = '{PERSONAL_DATA}' AND f.column_name IN ({of_key}) AND {_SAME_PLACE})
                       THEN s.key END) AS key
            FROM {findings} AS f
            JOIN (SELECT rowid, *, {shown_key_sql(table)} AS key FROM {staged}) AS s ON {_SAME_PLACE}
            WHERE {of_table} GROUP BY f.rowid;
        CREATE OR REPLACE TEMP TABLE doubled_keys AS
            SELECT key FROM (SELECT {shown_key_sql(table)} AS key FROM {staged})
            WHERE key IN (SELECT key FROM found_rows) GROUP BY key HAVING count(*) > 1;
        INSERT INTO known_rows SELECT finding, key FROM found_rows
            WHERE key IS NOT NULL AND key NOT IN (FROM doubled_keys);
        DELETE FROM found_rows WHERE finding IN (SELECT finding FROM known_rows)""")
    if connection.execute("SELECT 1 FROM found_rows LIMIT 1").fetchone():
        connection.execute(f"INSERT INTO known_rows {_by_contents(staged, table)}")
    connection.execute("DROP TABLE temp.found_rows; DROP TABLE temp.doubled_keys")
    if not any(field.is_withheld for field in table.fields):
        connection.execute(f"""
            INSERT INTO known_rows
            SELECT f.rowid, min(q.record) FROM {findings} AS f JOIN main.quarantine AS q
              ON q.table_name = f.table_name AND q.row_number = f.row_number
             AND q.file IS NOT DISTINCT FROM f.file AND q.sheet IS NOT DISTINCT FROM f.sheet
            WHERE {of_table} AND q.record <> {literal(WITHHELD)} AND f.row_key IS NULL
              AND f.rowid NOT IN (SELECT finding FROM known_rows)
            GROUP BY f.rowid""")


def _by_contents(staged: str, table: TableDeclaration) -> str:
    """SQL: finding and what else stands in its row, of the findings in ``found_rows``."""
    names = [field.name for field in table.fields if not field.is_withheld]
    texts = ", ".join(f"CAST({quote(name)} AS VARCHAR) AS {quote(name)}" for name in names)
    listed = ", ".join(quote(name) for name in names)
    return f"""
        SELECT r.finding, coalesce(string_agg(concat(c._name, '=', c._text), chr(30) ORDER BY c._name), '')
        FROM found_rows AS r LEFT JOIN (
            SELECT _staged_row, _name, _text
            FROM (UNPIVOT (SELECT rowid AS _staged_row, {texts} FROM {staged}
                           WHERE rowid IN (SELECT staged_row FROM found_rows))
                  ON {listed} INTO NAME _name VALUE _text)
            WHERE {personal_sql("_text")} IS NULL
        ) AS c ON c._staged_row = r.staged_row AND c._name IS DISTINCT FROM r.column_name
        GROUP BY r.finding"""
