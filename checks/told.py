"""What is said of each failing row, made in SQL: a relation of ids with their message and advice.

A message is made of a template and values (``warehouse.messages``). Where a value is a row's own, a mark stands
for it in both the sentence and what it is made of, and SQL puts the row's value in the mark's place. A day is told
as 2018-05-31: so it can be written into a cell, whatever language the spreadsheet program speaks.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import duckdb

from checks.rules import ROW_ID
from checks.rules.row_words import RowWords
from warehouse.findings import said_json
from warehouse.messages import Listed, Message, listed, placeholders
from warehouse.personal import personal_sql
from warehouse.sql import literal, quote

_MOST_VALUES = 2_000  # different values of a column that are advised on one by one; beyond, it is another format
_OPEN, _CLOSE = "\ue000", "\ue001"  # of a mark: signs for private use, which no cell's text keeps
_RESERVED = ("variant", "identity", ROW_ID)


@dataclass(frozen=True)
class Told:
    """A relation with ``_id``, ``message``, ``help``, ``said``, ``observed`` and ``identity``, NULL where the
    rule's own words hold.
    """

    sql: str


NOTHING = Told(
    f"SELECT NULL::BIGINT AS {ROW_ID}, NULL::VARCHAR AS message, NULL::VARCHAR AS help, NULL::VARCHAR AS said,"
    " NULL::VARCHAR AS observed, NULL::VARCHAR AS identity WHERE false"
)


def told_by_row(connection: duckdb.DuckDBPyConnection, words: RowWords, batch: str, failing: str) -> Told:
    """What a rule says of its rows with their own values.

    Args:
        connection: to the database with the table.
        words: the sentences and the query of their values.
        batch: the SQL name of the table.
        failing: a SELECT of the ids of the rows that fail.
    """
    query = words.filled(batch, failing)
    types = {row[0]: row[1] for row in connection.execute(f"DESCRIBE {query}").fetchall()}
    names = [name for name in types if name not in _RESERVED]
    made = [_in_sql(message, advice, names, types) for message, advice in words.variants]
    columns = (_by_variant([one[part] for one in made], "variant" in types) for part in range(3))
    message, advice, said = columns
    extra = ", ".join(
        f"CAST({name if name in types else 'NULL'} AS VARCHAR) AS {name}" for name in ("observed", "identity")
    )
    return Told(
        f"SELECT {ROW_ID}, {message} AS message, {advice} AS help, {said} AS said, {extra} FROM ({query}) AS told"
    )


def _by_variant(made: Sequence[str], has_variants: bool) -> str:
    if not has_variants:
        return made[0]
    return f"CASE variant {' '.join(f'WHEN {number} THEN {sql}' for number, sql in enumerate(made))} END"


def _in_sql(message: str, advice: str, names: Sequence[str], types: Mapping[str, str]) -> tuple[str, str, str]:
    """The SQL of a message, an advice, and what they are made of as JSON."""
    marks: dict[str, str] = {name: f"{_OPEN}{name}{_CLOSE}" for name in names}
    given = [with_values(text, marks) for text in (message, advice)]
    content = said_json(*given) or ""
    texts = []
    for text in given:
        sql = literal(str(text))
        for name, mark in marks.items():
            if mark in text:
                sql = f"replace({sql}, {literal(mark)}, {_shown_sql(name, types[name])})"
        texts.append(sql)
    said = literal(content)
    for name, mark in marks.items():
        if mark in content:
            said = (
                f"replace({said}, {literal(json.dumps(mark, ensure_ascii=False))}, {_json_sql(name, types[name])})"
            )
    return texts[0], texts[1], said


def _is_whole(kind: str) -> bool:
    return kind.endswith("INT") or kind == "INTEGER"


def _shown_sql(name: str, kind: str) -> str:
    """A value as an English sentence has it (``warehouse.messages.texts.english``)."""
    column = quote(name)
    if _is_whole(kind):
        return f"coalesce(format('{{:,}}', CAST({column} AS BIGINT)), '')"
    return f"coalesce(CAST({column} AS VARCHAR), '')"


def _json_sql(name: str, kind: str) -> str:
    column = quote(name)
    if _is_whole(kind):
        return f"coalesce(CAST({column} AS VARCHAR), '\"\"')"
    return f"CAST(to_json(coalesce(CAST({column} AS VARCHAR), '')) AS VARCHAR)"


def with_values(text: str, values: Mapping[str, str]) -> str:
    """A text with values for the names in braces that have none yet, also within its parts."""
    match text:
        case Message():
            inner = {
                name: with_values(value, values) if isinstance(value, str) else value
                for name, value in text.values.items()
            }
            places = placeholders(text.template) - inner.keys()
            given = {name: value for name, value in values.items() if name in places}
            return Message(text.template, {**inner, **given}, text.many, text.number)
        case Listed():
            return listed([with_values(part, values) for part in text.parts], text.kind)
    return text


def told_by_value(
    connection: duckdb.DuckDBPyConnection,
    column: str,
    batch: str,
    failing: str,
    said_of: Callable[[str], tuple[str, str] | None],
) -> Told:
    """What a rule says of the rows by the value in a column, each different value asked once.

    One with personal data is not asked: what is made of it ("write matti-meikalainen-example-com") tells it.

    Args:
        connection: to the database with the table.
        column: the column.
        batch: the SQL name of the table.
        failing: a SELECT of the ids of the rows that fail.
        said_of: message and advice on a value; None where the rule's own words say all.
    """
    text = f"CAST({quote(column)} AS VARCHAR)"
    values = connection.execute(f"""
        SELECT DISTINCT {text} AS value FROM {batch} WHERE {ROW_ID} IN ({failing}) AND {text} IS NOT NULL
         AND {personal_sql(text)} IS NULL
        ORDER BY value LIMIT {_MOST_VALUES}""").fetchall()
    rows = []
    for (value,) in values:
        said = said_of(value)
        if said is not None:
            rows.append(", ".join(_or_null(one) for one in (value, *said, said_json(*said))))
    if not rows:
        return NOTHING
    listed_rows = ", ".join(f"({row})" for row in rows)
    return Told(f"""
        SELECT rows.{ROW_ID}, words.message, words.help, words.said, NULL::VARCHAR AS observed,
               NULL::VARCHAR AS identity
        FROM {batch} AS rows, (VALUES {listed_rows}) AS words(value, message, help, said)
        WHERE {ROW_ID} IN ({failing}) AND CAST(rows.{quote(column)} AS VARCHAR) = words.value""")


def _or_null(text: str | None) -> str:
    return "NULL" if text is None else literal(str(text))
