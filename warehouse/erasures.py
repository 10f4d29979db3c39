"""Erasures: who asked to be erased, so that no later export brings them back.

They stand in ``erasures.json`` in the home, the one place of truth. An erasure knows its person by a salted digest
of the key. Where keys are few and short, as the numbers of a survey's responses, whoever holds the file can try
them all: it is as private as the raw archive.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass

import duckdb

from warehouse.declarations import SourceDeclaration, TableDeclaration
from warehouse.home import Home, to_json, write_atomically
from warehouse.ledger import LedgerError, forget_spells
from warehouse.sql import literal, quote
from warehouse.staging import SCHEMA

FILE = "erasures.json"
_BETWEEN = "\x1f"

Key = Mapping[str, str]  # a person's key, by column of the person_key
Place = tuple[str, str, int]  # of a row: the snapshot's id, the file, the row's number
# By the values of a person_key: on which day that person's erasure was asked for; None if it was not.
DayOf = Callable[[Sequence[str]], str | None]


@dataclass(frozen=True)
class Erasure:
    """One person of a source. ``at`` is a time in UTC."""

    source: str
    at: str
    salt: str
    digest: str

    @property
    def day(self) -> str:
        """The day on which it was asked for."""
        return self.at[:10]

    def is_of(self, values: Sequence[str]) -> bool:
        """True if it is of the person with these values of the person_key, in its order."""
        return self.digest == _digest(self.salt, values)

    def matches(self, columns: Sequence[str]) -> str:
        """SQL: a row is this person's. ``columns`` are those of the person_key, in its order."""
        text = f" || chr({ord(_BETWEEN)}) || ".join(f"CAST({quote(column)} AS VARCHAR)" for column in columns)
        return f"(sha256({literal(self.salt)} || {text}) = {literal(self.digest)})"


def _digest(salt: str, values: Sequence[str]) -> str:
    return hashlib.sha256(f"{salt}{_BETWEEN.join(values)}".encode()).hexdigest()


def erasure(source: str, values: Sequence[str], at: str) -> Erasure:
    """A new erasure; nothing is written."""
    salt = os.urandom(16).hex()
    return Erasure(source, at, salt, _digest(salt, values))


def erasures(home: Home, source: str | None = None) -> list[Erasure]:
    """Who was erased, in the order in which it was asked for, of one source or of all.

    Raises:
        LedgerError: the list is there and cannot be read, so nobody knows who must not be taken in.
    """
    path = home.root / FILE
    try:
        content = json.loads(path.read_text(encoding="utf-8")) if path.exists() else []
        listed = [Erasure(**item) for item in content]
    except (ValueError, TypeError) as error:
        raise LedgerError(
            f"{path} cannot be read as the list of who was erased, so nothing that may hold them is taken in."
            " Restore it from a backup, or erase them again after moving it away."
        ) from error
    return [one for one in listed if source in (None, one.source)]


def remember(home: Home, listed: Iterable[Erasure]) -> None:
    """Write the list in place of the one that stands."""
    write_atomically(home.root / FILE, to_json([asdict(one) for one in listed]))


def day_of(listed: Sequence[Erasure]) -> DayOf:
    """By the values of a person_key: on which day that person's erasure was asked for; None if it was not."""
    return lambda values: next((one.day for one in listed if one.is_of(values)), None)


# --- the warehouse ------------------------------------------------------------------------------------------


def tables_of_people(source: SourceDeclaration) -> list[TableDeclaration]:
    """The tables that say whose their rows are."""
    return [table for table in source.tables if table.person_key]


def forget_person(
    connection: duckdb.DuckDBPyConnection, source: SourceDeclaration, key: Key, places: Iterable[Place]
) -> None:
    """Delete a person's rows from the history, with what was said, found and set aside of them.

    Args:
        connection: writes to the warehouse.
        source: whose the person is.
        key: the person's.
        places: where the person's rows stood: what was found there without a key goes too.
    """
    for relation, condition in _holding(connection, source, key):
        connection.execute(f"DELETE FROM {relation} WHERE {condition}")
    for snapshot_id, file, row_number in places:
        for log in ("findings", "quarantine"):
            connection.execute(
                f"DELETE FROM ledger.{log} WHERE subject = ? AND snapshot_id = ? AND file = ? AND row_number = ?"
                " AND row_key IS NULL",
                [source.name, snapshot_id, file, row_number],
            )
    forget_spells(connection, source.name)


def count_person(connection: duckdb.DuckDBPyConnection, source: SourceDeclaration, key: Key) -> int:
    """How many rows of the warehouse are a person's."""
    counts = [
        connection.execute(f"SELECT count(*) FROM {relation} WHERE {condition}").fetchone() or (0,)
        for relation, condition in _holding(connection, source, key)
    ]
    return sum(int(count) for (count,) in counts)


def count_staged(connection: duckdb.DuckDBPyConnection, source: SourceDeclaration, key: Key) -> int:
    """How many rows of a staging file are a person's."""
    count = 0
    for table in tables_of_people(source):
        found = connection.execute(f"SELECT count(*) FROM {SCHEMA}.{quote(table.name)} WHERE {is_person(key)}")
        count += int((found.fetchone() or (0,))[0])
    return count


def is_person(key: Key) -> str:
    """SQL: a row with the columns of the person_key is this person's."""
    return " AND ".join(f"CAST({quote(name)} AS VARCHAR) = {literal(value)}" for name, value in key.items())


def shown(table: TableDeclaration, key: Key) -> str | None:
    """How the keys of a person's rows begin as findings and reports show them; None if with other columns."""
    leading = table.primary_key[: len(table.person_key)]
    return " | ".join(key[name] for name in leading) + " | " if set(leading) == set(table.person_key) else None


def _holding(connection: duckdb.DuckDBPyConnection, source: SourceDeclaration, key: Key) -> list[tuple[str, str]]:
    """The relations of the warehouse that may hold a person, each with the condition that a row is theirs."""
    found = []
    there = {
        row[0]
        for row in connection.execute("SELECT schema_name || '.' || table_name FROM duckdb_tables()").fetchall()
    }
    for table in tables_of_people(source):
        for name in (f"{source.name}__{table.name}", f"{source.name}__{table.name}__said"):
            if f"history.{name}" in there:
                found.append((f"history.{quote(name)}", is_person(key)))
        subject = f"subject = {literal(source.name)} AND table_name = {literal(table.name)}"
        found.append(("ledger.findings", f"{subject} AND ({_in_bars(table, key)} OR {_in_json('row_key', key)})"))
        hit = " OR ".join(_in_json(column, key) for column in ("row_key", "record"))
        found.append(("ledger.quarantine", f"{subject} AND ({hit})"))
    return found


def _in_bars(table: TableDeclaration, key: Key) -> str:
    """SQL: a row's key as a finding shows it, its values with bars between them, is of a person."""
    parts = [
        f"coalesce(string_split(row_key, ' | ')[{table.primary_key.index(name) + 1}], '') = {literal(value)}"
        for name, value in key.items()
    ]
    return f"({' AND '.join(parts)})"


def _in_json(column: str, key: Key) -> str:
    """SQL: a key or a row as a JSON object is of a person."""
    parts = [
        f"coalesce(json_extract_string({column}, {literal('$.' + quote(name))}), '') = {literal(value)}"
        for name, value in key.items()
    ]
    return f"(CASE WHEN json_valid({column}) THEN {' AND '.join(parts)} ELSE false END)"
