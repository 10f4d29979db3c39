"""Withdrawals: what an operator took out of a dataset's releases, and what no later build may bring back.

They stand in ``withdrawals.json`` in the home, the one place of truth: a warehouse made anew from the raw archive
obeys them too. A withdrawal never holds the value. It knows its row by a salted digest of the key, for a key may
be the personal datum itself; such a key is not shown.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass

import duckdb

from warehouse.declarations import DatasetDeclaration
from warehouse.findings import key_text
from warehouse.history import history_table
from warehouse.home import Home, to_json, write_atomically
from warehouse.ledger import LedgerError
from warehouse.personal import find_personal
from warehouse.sql import literal, quote

FILE = "withdrawals.json"


@dataclass(frozen=True)
class Withdrawal:
    """A value of a dataset, or a whole row where ``column`` is None. ``at`` is a time in UTC.

    ``key`` is the row's primary key as ``warehouse.findings.key_text`` makes it; None where it is personal itself.
    """

    dataset: str
    key: str | None
    column: str | None
    why: str
    at: str
    salt: str
    digest: str

    def is_of(self, key: str, column: str | None) -> bool:
        """True if this is the withdrawal of that key and column."""
        return self.digest == _digest(self.salt, key) and self.column == column

    def matches(self, keys: Mapping[str, str]) -> str:
        """SQL: a row's key is this one. ``keys``: by name in the dataset, the column's expression."""
        parts = ", ".join(f"{quote(name)} := CAST({column} AS VARCHAR)" for name, column in keys.items())
        text = f"CAST(to_json(struct_pack({parts})) AS VARCHAR)"
        return f"(sha256(concat({literal(self.salt)}, {text})) = {literal(self.digest)})"


def _digest(salt: str, key: str) -> str:
    return hashlib.sha256(f"{salt}{key}".encode()).hexdigest()


def withdrawal(dataset: str, key: Mapping[str, str], column: str | None, why: str, at: str) -> Withdrawal:
    """A new withdrawal; nothing is written."""
    text = key_text(key) or ""
    salt = os.urandom(16).hex()
    shown = None if find_personal(text) else text
    return Withdrawal(dataset, shown, column, why, at, salt, _digest(salt, text))


def withdrawals(home: Home, dataset: str | None = None) -> list[Withdrawal]:
    """What is withdrawn, in the order in which it was, of one dataset or of all.

    Raises:
        LedgerError: the list is there and cannot be read, so nobody knows what must not be published.
    """
    path = home.root / FILE
    try:
        content = json.loads(path.read_text(encoding="utf-8")) if path.exists() else []
        listed = [Withdrawal(**item) for item in content]
    except (ValueError, TypeError) as error:
        raise LedgerError(
            f"{path} cannot be read as the list of what is withdrawn, so nothing it may be about is made or"
            " published. Restore it from a backup, or withdraw those values again after moving it away."
        ) from error
    return [one for one in listed if dataset in (None, one.dataset)]


def keep(home: Home, listed: Iterable[Withdrawal]) -> None:
    """Write the list in place of the one that stands."""
    write_atomically(home.root / FILE, to_json([asdict(one) for one in listed]))


def apply_to_rows(
    connection: duckdb.DuckDBPyConnection, relation: str, dataset: DatasetDeclaration, listed: Iterable[Withdrawal]
) -> None:
    """Empty withdrawn cells of a curated table, and leave out withdrawn rows."""
    keys = {name: quote(name) for name in dataset.table.primary_key}
    names = {field.name for field in dataset.table.fields}
    for one in listed:
        if one.column is None:
            connection.execute(f"DELETE FROM {relation} WHERE {one.matches(keys)}")
        elif one.column in names:
            connection.execute(f"UPDATE {relation} SET {quote(one.column)} = NULL WHERE {one.matches(keys)}")


def without(
    relation: str, columns: Mapping[str, str], keys: Mapping[str, str], listed: Collection[Withdrawal]
) -> str:
    """SQL: a relation's rows without what is withdrawn.

    Args:
        relation: what stands behind FROM.
        columns: by name in the dataset, the column's expression.
        keys: the same of the primary key.
        listed: withdrawals of the dataset.
    """
    shown = []
    for name, column in columns.items():
        hit = " OR ".join(one.matches(keys) for one in listed if one.column == name)
        shown.append(f"{f'CASE WHEN {hit} THEN NULL ELSE {column} END' if hit else column} AS {quote(name)}")
    left_out = " OR ".join(one.matches(keys) for one in listed if one.column is None)
    return f"SELECT {', '.join(shown)} FROM {relation}" + (f" WHERE NOT ({left_out})" if left_out else "")


def held_in(
    connection: duckdb.DuckDBPyConnection, query: str, names: Iterable[str], texts: Iterable[str]
) -> set[str]:
    """Those of the texts that stand in a row of a query, in one of its columns or as a part of it."""
    asked = list(texts)
    if not asked:
        return set()
    said = f"concat_ws(chr(31), {', '.join(f'CAST({quote(name)} AS VARCHAR)' for name in names)})"
    found = ", ".join(f"bool_or(contains(said, {literal(text)}))" for text in asked)
    answers = connection.execute(f"SELECT {found} FROM (SELECT {said} AS said FROM ({query}))").fetchone() or ()
    return {text for text, holds in zip(asked, answers, strict=True) if holds}


def history_of(
    dataset: DatasetDeclaration, column: str | None
) -> tuple[str, dict[str, str], dict[str, str]] | None:
    """Where the history keeps what a withdrawal is about: the table, its keys and columns by name in the dataset.

    Known where the dataset takes key and column over from one table of a source. Of a row these are its texts.
    """
    origins = {
        field.name: listed.from_field.split(".")
        for field, listed in zip(dataset.table.fields, dataset.entry.fields, strict=True)
        if listed.from_field
    }
    if any(name not in origins for name in dataset.table.primary_key):
        return None
    source, table, _ = origins[dataset.table.primary_key[0]]
    keys = {name: quote(origins[name][2]) for name in dataset.table.primary_key}
    wanted = {
        name: quote(origin[2])
        for name, origin in origins.items()
        if origin[:2] == [source, table]
        and name not in keys
        and (name == column or (column is None and dataset.table.field(name).type == "string"))
    }
    same_table = all(origins[name][:2] == [source, table] for name in keys)
    return (history_table(source, table), keys, wanted) if wanted and same_table else None


def apply_to_history(
    connection: duckdb.DuckDBPyConnection, dataset: DatasetDeclaration, listed: Iterable[Withdrawal]
) -> None:
    """Empty withdrawn texts in the history, all versions of the record.

    A version keeps its hash, so the same row of the next snapshot is known as the same and does not come in again.
    What the source says otherwise later comes in: what is published of it, ``apply_to_rows`` decides.
    """
    for one in listed:
        if place := history_of(dataset, one.column):
            table, keys, columns = place
            emptied = ", ".join(f"{column} = NULL" for column in columns.values())
            connection.execute(f"UPDATE {table} SET {emptied} WHERE {one.matches(keys)}")


def texts_in_history(
    connection: duckdb.DuckDBPyConnection, dataset: DatasetDeclaration, one: Withdrawal
) -> Sequence[str]:
    """The texts that the history still holds of what is withdrawn."""
    place = history_of(dataset, one.column)
    if place is None:
        return []
    table, keys, columns = place
    listed = ", ".join(f"CAST({column} AS VARCHAR)" for column in columns.values())
    rows = connection.execute(
        f"SELECT DISTINCT unnest([{listed}]) AS text FROM {table} WHERE {one.matches(keys)}"
    ).fetchall()
    return [row[0] for row in rows if row[0]]


def held_in_history(
    connection: duckdb.DuckDBPyConnection,
    dataset: DatasetDeclaration,
    listed: Collection[Withdrawal],
    texts: Iterable[str],
) -> set[str]:
    """Those of the texts that the history holds of the dataset's rows beside what is withdrawn."""
    place = history_of(dataset, None)
    if place is None:
        return set()
    table, keys, columns = place
    query = without(table, keys | columns, keys, listed)
    return held_in(connection, query, keys | columns, texts)
