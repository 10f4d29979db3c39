"""The rows that a page shows: newest first, the telling columns first, and what is not known said in words."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from types import MappingProxyType
from typing import Any

import duckdb

from publish.portals.folder.reading import ROWS
from publish.portals.folder.speaking import Speaker
from warehouse.declarations import STATUS, SUPPRESSED, DatasetDeclaration, FieldDeclaration, quote

FIRST_ROWS = 20  # in the page itself
_MOST_ROWS = 2000  # in the file that the page's script loads
_MOST_BYTES = 300_000
_LONGEST_CELL = 160
_LONGEST_ADDRESS = 500
_ADDRESS = re.compile(r"https?://\S+")
_SUPPRESSED = {"s": 1}  # how the file says it; nothing at all is null


@dataclass(frozen=True)
class Cell:
    """A value as it is read. ``kind``: text, number, unknown, suppressed, nothing."""

    text: str
    kind: str


@dataclass(frozen=True)
class Preview:
    """Rows of a page: the columns in the order in which they stand, the first of them fixed.

    ``values`` are those of the file, more of them than are shown; ``empty`` the columns that no row fills.
    ``words`` has, a JSON object a column, what those of its values are said as that are codes.
    """

    fields: tuple[FieldDeclaration, ...]
    rows: tuple[tuple[Cell, ...], ...]
    values: tuple[tuple[Any, ...], ...]
    empty: tuple[FieldDeclaration, ...]
    newest_by: FieldDeclaration | None
    words: tuple[str, ...]


def preview(
    connection: duckdb.DuckDBPyConnection, dataset: DatasetDeclaration, empty: frozenset[str], speaker: Speaker
) -> Preview:
    """The rows of a dataset, the newest first where its entry says by which column.

    Args:
        connection: sees the view ``rows``.
        dataset: its declaration.
        empty: columns that no row fills; they are not shown.
        speaker: says the values.
    """
    table, show = dataset.table, dataset.entry.show
    ordered = tuple(
        table.field(name)
        for name in dict.fromkeys((*table.primary_key, *show.columns, *(field.name for field in table.fields)))
    )
    fields = tuple(field for field in ordered if field.name not in empty or field.name in table.primary_key)
    newest = f"{quote(show.newest_by)} DESC NULLS LAST, " if show.newest_by else ""
    keys = ", ".join(quote(key) for key in table.primary_key)
    found = connection.execute(
        f"SELECT {', '.join(quote(field.name) for field in fields)} FROM {ROWS}"
        f" ORDER BY {newest}{keys} LIMIT {_MOST_ROWS}"
    ).fetchall()
    status = next((place for place, field in enumerate(fields) if field.name == STATUS), None)
    values = [
        tuple(
            _SUPPRESSED
            if value is None and field.protected and status is not None and row[status] == SUPPRESSED
            else value
            for field, value in zip(fields, row, strict=True)
        )
        for row in found
    ]
    names = {field.name for field in fields}
    words = [
        # a code beside a column with its words stays one
        {} if f"{field.name.removesuffix('_code')}_title" in names else speaker.words(field, table)
        for field in fields
    ]
    told = [
        {value: said[value] for value in sorted({str(row[at]) for row in found}) if value in said}
        for at, said in enumerate(words)
    ]
    return Preview(
        fields,
        tuple(
            tuple(cell(value, field, speaker, said) for field, value, said in zip(fields, row, words, strict=True))
            for row in values[:FIRST_ROWS]
        ),
        tuple(values),
        tuple(field for field in ordered if field not in fields),
        table.field(show.newest_by) if show.newest_by else None,
        tuple(json.dumps(one, ensure_ascii=False, separators=(",", ":")) if one else "" for one in told),
    )


def cell(
    value: Any, field: FieldDeclaration, speaker: Speaker, words: Mapping[str, str] = MappingProxyType({})
) -> Cell:
    """A value in a language, a code of ``words`` as it is said."""
    if value is _SUPPRESSED:
        return Cell("", "suppressed")
    if value is None:
        # a mark says that something is held, a protected value that is not suppressed is of nobody: not unknown
        return Cell("", "nothing" if field.mark or field.protected else "unknown")
    if isinstance(value, bool):
        return Cell("yes" if value else "no", "truth")
    if field.type == "year":
        return Cell(str(value), "text")
    if isinstance(value, int | float | Decimal):
        return Cell(_number(value, speaker), "number")
    if isinstance(value, date):
        return Cell(speaker.short_day(value), "text")
    text = str(value)
    return Cell(words.get(text) or _short(text), "text")


def _short(text: str) -> str:
    """A text as a cell has room for; an address stays whole, or its link would lead nowhere."""
    if len(text) <= _LONGEST_CELL or (len(text) <= _LONGEST_ADDRESS and _ADDRESS.fullmatch(text)):
        return text
    return text[: _LONGEST_CELL - 1].rstrip() + "…"


def _number(value: float | Decimal, speaker: Speaker) -> str:
    if isinstance(value, Decimal):
        exponent = value.as_tuple().exponent
        places = -exponent if isinstance(exponent, int) else 0
        return speaker.number(value, 0 if value == value.to_integral_value() else max(places, 0))
    return speaker.number(value)


def script(shown: Preview) -> tuple[bytes, int]:
    """The file of rows that a page's script loads, as a script so that it opens from a disk too, and their number.

    As many of the rows as a few hundred kilobytes hold.
    """
    lines: list[str] = []
    size = 0
    for row in shown.values:
        line = json.dumps([_plain(value) for value in row], ensure_ascii=False, separators=(",", ":"))
        size += len(line.encode()) + 2
        if size > _MOST_BYTES and lines:
            break
        lines.append(line.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029"))
    names = json.dumps([field.name for field in shown.fields])
    text = f'openDistrictRows({{"columns":{names},"rows":[\n' + ",\n".join(lines) + "\n]});\n"
    return text.encode(), len(lines)


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, float):
        return int(value) if value.is_integer() and abs(value) < 1e15 else value
    if isinstance(value, date):
        return value.isoformat().replace("T", " ")
    if isinstance(value, str):
        return _short(value)
    return value
