"""The values of a release's rows: which of them the DataStore cannot hold, and how the others are sent."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import duckdb

from publish.plans import PortalError
from warehouse.declarations import FieldDeclaration, literal, quote

# An entry of a B-tree holds a third of a page of 8,192 bytes, less what it says of itself (PostgreSQL 16).
_KEY_BYTES = 2_600
# A document of PostgreSQL's full-text search holds 1 MB, and CKAN makes one of every row.
_ROW_BYTES = 1_000_000


def refuse_unfit(
    connection: duckdb.DuckDBPyConnection,
    rows: str,
    name: str,
    declared: Sequence[FieldDeclaration],
    key: Sequence[str],
) -> None:
    """Make sure that the DataStore can hold the rows, before anything is written.

    A NUL in a text is an HTTP 500 of CKAN's; an infinite number goes in and breaks every JSON answer with it;
    days outside the years 1 to 9999 cannot be read by Python, that is by CKAN and by most who download.

    Args:
        connection: sees the rows.
        rows: a view or table of them.
        name: the dataset's.
        declared: its columns.
        key: the columns of its primary key.

    Raises:
        PortalError: it cannot; the message says which columns hold what.
    """
    checks = list(_checks(declared, key))
    if not checks:
        return
    counts = ", ".join(f"count(*) FILTER ({condition})" for _, condition in checks)
    found = connection.execute(f"SELECT {counts} FROM {rows}").fetchone() or ()
    told = [
        f"{what} ({count:,} {'row' if count == 1 else 'rows'})"
        for (what, _), count in zip(checks, found, strict=True)
        if count
    ]
    if told:
        raise PortalError(
            f"{name}: the portal's table cannot hold {'; '.join(told)}. Nothing was written: mend the values in"
            " the source or in the dataset's model, and release it again"
        )


def _checks(declared: Iterable[FieldDeclaration], key: Sequence[str]) -> Iterable[tuple[str, str]]:
    texts = []
    for field in declared:
        column = quote(field.name)
        if field.type == "string":
            texts.append(f"coalesce(strlen({column}), 0)")
            yield f"a NUL character in {field.name}", f"contains({column}, chr(0))"
        elif field.type == "number":
            yield (
                f"a number that is none, or is infinite, in {field.name}",
                f"NOT isfinite(CAST({column} AS DOUBLE))",
            )
        elif field.type in ("date", "datetime"):
            outside = f"NOT isfinite({column}) OR year({column}) NOT BETWEEN 1 AND 9999"
            yield f"a day before the year 1 or after 9999 in {field.name}", outside
    keys = [quote(field.name) for field in declared if field.name in key and field.type == "string"]
    if keys:
        total = " + ".join(f"coalesce(strlen({column}), 0)" for column in keys)
        yield f"a key of more than {_KEY_BYTES:,} bytes ({', '.join(key)})", f"{total} > {_KEY_BYTES}"
    if texts:
        yield f"a row with more than {_ROW_BYTES:,} bytes of text", f"{' + '.join(texts)} > {_ROW_BYTES}"


def as_json(declared: Iterable[FieldDeclaration]) -> str:
    """SQL for the columns as JSON holds them: days and times as ISO texts, which Python never sees as dates."""
    return ", ".join(f"{_as_json(field)} AS {quote(field.name)}" for field in declared)


def _as_json(field: FieldDeclaration) -> str:
    column = quote(field.name)
    if field.type == "datetime":
        return f"strftime({column}, '%Y-%m-%dT%H:%M:%S.%f')"
    return f"CAST({column} AS VARCHAR)" if field.type == "date" else column


def as_copied(declared: Iterable[FieldDeclaration]) -> str:
    r"""SQL for the columns as PostgreSQL's COPY reads them in its text format.

    Not CSV: there a line of ``\.`` within a text ends the data in PostgreSQL before 17.
    """
    return ", ".join(f"{_as_copied(field)} AS {quote(field.name)}" for field in declared)


def _as_copied(field: FieldDeclaration) -> str:
    column = quote(field.name)
    if field.type == "datetime":
        return f"strftime({column}, '%Y-%m-%d %H:%M:%S.%f')"
    if field.type != "string":
        return f"CAST({column} AS VARCHAR)"
    for plain, escaped in (("\\", "\\\\"), ("\n", "\\n"), ("\r", "\\r"), ("\t", "\\t")):
        column = f"replace({column}, {_text(plain)}, {literal(escaped)})"
    return column


def _text(character: str) -> str:
    return literal(character) if character == "\\" else f"chr({ord(character)})"
