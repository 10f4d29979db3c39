"""The data dictionary of a page: each column with what is in it, counted by one query over the released rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import duckdb

from publish.portals.folder.reading import ROWS
from publish.portals.folder.speaking import Speaker
from warehouse.declarations import FieldDeclaration, TableDeclaration, quote
from warehouse.messages import message

_EXACT_ROWS = 300_000  # of more, distinct values are estimated: counting them takes seconds
_WITH_RANGE = ("integer", "number", "date", "datetime", "year")
_MOST_CODES = 60
_LONGEST = 60


@dataclass(frozen=True)
class Described:
    """A column with its statistics. ``filled`` of ``rows`` rows have a value."""

    field: FieldDeclaration
    title: str
    description: str
    labels: Mapping[str, str]
    more_labels: int  # codes of a long list that are not told here
    rows: int
    filled: int
    distinct: int
    is_estimated: bool
    low: str
    high: str
    example: str
    true: int  # rows in which a truth value is true
    is_key: bool

    @property
    def filled_pct(self) -> int:
        """In whole per cent, never rounded up to all or down to nothing."""
        if self.rows == 0:
            return 0
        share = round(100 * self.filled / self.rows)
        return min(share, 99) if self.filled < self.rows else 100 if share else 0

    @property
    def kind(self) -> str:
        """The column's type in words."""
        return _KINDS[self.field.type]()


_KINDS = {
    "string": lambda: message("text"),
    "integer": lambda: message("whole number"),
    "number": lambda: message("number"),
    "boolean": lambda: message("yes or no"),
    "date": lambda: message("day"),
    "datetime": lambda: message("moment"),
    "year": lambda: message("year"),
}


def dictionary(
    connection: duckdb.DuckDBPyConnection, table: TableDeclaration, rows: int, speaker: Speaker
) -> list[Described]:
    """The columns in the order of the files. Of a protected table nothing is told but what its released rows say.

    Args:
        connection: sees the view ``rows``.
        table: the columns.
        rows: how many rows there are.
        speaker: says them.
    """
    is_estimated = rows > _EXACT_ROWS
    counts = "approx_count_distinct({0})" if is_estimated else "count(DISTINCT {0})"
    asked = []
    for field in table.fields:
        name = quote(field.name)
        is_ranged = field.type in _WITH_RANGE
        asked += [
            f"count({name})",
            counts.format(name),
            f"min({name})",  # of texts it is the example
            _high(field.type).format(name),
        ]
    found: tuple[Any, ...] = connection.execute(f"SELECT {', '.join(asked)} FROM {ROWS}").fetchone() or ()
    examples = _examples(connection, table)
    described = []
    for place, field in enumerate(table.fields):
        filled, distinct, low, high = found[4 * place : 4 * place + 4]
        labels = speaker.labels(field)
        is_ranged = field.type in _WITH_RANGE and low is not None
        example = examples[place] if examples[place] is not None else low
        described.append(
            Described(
                field,
                speaker.title(field),
                speaker.description(field),
                dict(list(labels.items())[:_MOST_CODES]),
                max(0, len(labels) - _MOST_CODES),
                rows,
                filled,
                distinct,
                is_estimated,
                _shown(low, field, speaker) if is_ranged else "",
                _shown(high, field, speaker) if is_ranged else "",
                "" if example is None or is_ranged or field.type == "boolean" else _shown(example, field, speaker),
                int(high or 0) if field.type == "boolean" else 0,
                field.name in table.primary_key,
            )
        )
    return described


def _high(kind: str) -> str:
    """SQL for the greatest of what has a range, and for how often a truth value is true."""
    if kind == "boolean":
        return "count_if({0})"
    return "max({0})" if kind in _WITH_RANGE else "NULL"


def _examples(connection: duckdb.DuckDBPyConnection, table: TableDeclaration) -> list[Any]:
    """Of each column the first value among some rows of the files' order: the least of a text says little."""
    columns = ", ".join(
        f"(list({quote(field.name)}) FILTER (WHERE {quote(field.name)} IS NOT NULL))[1]" for field in table.fields
    )
    keys = ", ".join(quote(key) for key in table.primary_key)
    found = connection.execute(
        f"SELECT {columns} FROM (SELECT * FROM {ROWS} ORDER BY {keys}"
        f" LIMIT 200 OFFSET (SELECT count(*) // 2 FROM {ROWS}))"
    ).fetchone()
    return list(found or [None] * len(table.fields))


def _shown(value: Any, field: FieldDeclaration, speaker: Speaker) -> str:
    if isinstance(value, bool):
        return speaker.say(message("yes") if value else message("no"))
    if isinstance(value, date):
        return speaker.short_day(value)
    if isinstance(value, str) or field.type == "year":
        text = str(value)
        return text if len(text) <= _LONGEST else text[: _LONGEST - 1].rstrip() + "…"
    return speaker.number(value)
