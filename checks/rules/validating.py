"""Whether a rules file fits the tables it is on: its columns, tables, names in braces and SQL."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from checks.rules.known import NOTHING_KNOWN
from checks.rules.row_queries import ROW_ID
from checks.rules.written import WrittenRule
from warehouse.declarations import DeclarationError, SourceDeclaration, TableDeclaration, quote
from warehouse.declared import fault, nearest
from warehouse.messages import placeholders
from warehouse.staging import ORIGIN_COLUMNS

Place = Sequence[str | int]
_UNKNOWN_COLUMN = re.compile(r'(?:Referenced column|Table "\w+" does not have a column named) "([^"]+)"')
_UNKNOWN_TABLE = re.compile(r"Table with name (\w+) does not exist")


@dataclass(frozen=True)
class RulesFile:
    """A rules file and the tables that its SQL sees.

    Attributes:
        path: the file.
        schema: where the tables stand.
        tables: all tables that stand there.
        sources: those that rules may refer to.
    """

    path: Path
    schema: str
    tables: Sequence[TableDeclaration]
    sources: Mapping[str, SourceDeclaration]

    def require_fit(self, rules: Mapping[str, Sequence[WrittenRule]], under: Mapping[str, Place]) -> None:
        """Raise for the first rule that does not fit.

        Args:
            rules: by table, those on it.
            under: by table, the keys that lead to its rules in the file.

        Raises:
            DeclarationError: it names the file, the line, and the nearest right name.
        """
        with duckdb.connect() as connection:
            # A condition is on rows: none reads files, here or on the web, into what is said of them.
            connection.execute("SET threads = 1; SET enable_external_access = false")
            connection.execute(f"CREATE SCHEMA {self.schema}")
            for table in self.tables:
                connection.execute(_empty(f"{self.schema}.{quote(table.name)}", table))
            for table in self.tables:
                for position, rule in enumerate(rules.get(table.name, ())):
                    place = (*under[table.name], position)
                    for found in self._faults(connection, table, rule, place):
                        raise found

    def _faults(
        self, connection: duckdb.DuckDBPyConnection, table: TableDeclaration, rule: WrittenRule, place: Place
    ) -> Iterator[DeclarationError]:
        for where, words in (*_names(table, rule), *self._references(rule)):
            yield fault(self.path, (*place, *where), f"rule {rule.id}: {words}")
        relation = f"{self.schema}.{quote(table.name)}"
        parts = list(_parts(rule, relation))
        types = _types(connection, [part.query for part in parts])
        for number, part in enumerate(parts):
            fault_of_part = (
                _not_a_condition(part, types[number]) if types else self._fault_of(connection, part, table)
            )
            if fault_of_part:
                yield fault(self.path, (*place, *part.where), f"rule {rule.id}: {fault_of_part}")

    def _references(self, rule: WrittenRule) -> Iterator[tuple[Place, str]]:
        """What is wrong with the table that a rule refers to."""
        refers_to = rule.refers_to
        if refers_to is None:
            return
        tables: Sequence[TableDeclaration] = self.tables
        if refers_to.source is not None:
            if refers_to.source not in self.sources:
                hint = nearest(refers_to.source, self.sources)
                yield ("refers_to", "source"), f"there is no source {refers_to.source}{hint}"
                return
            tables = self.sources[refers_to.source].tables
        by_name = {table.name: table for table in tables}
        if refers_to.table not in by_name:
            yield ("refers_to", "table"), f"there is no table {refers_to.table}{nearest(refers_to.table, by_name)}"
            return
        there = by_name[refers_to.table]
        if refers_to.source is not None and there.about_people:
            yield ("refers_to", "table"), f"{there.name} is about people, so no other source may look into it"
        names = {field.name for field in there.kept_fields}
        for name in refers_to.columns:
            if name not in names:
                yield ("refers_to", "columns"), f"{there.name} keeps no column {name}{nearest(name, names)}"

    def _fault_of(self, connection: duckdb.DuckDBPyConnection, part: _Part, table: TableDeclaration) -> str | None:
        """What is wrong with the SQL of a part of a rule; None if nothing is."""
        try:
            ((_, kind, *_),) = connection.execute(f"DESCRIBE {part.query}").fetchall()
        except duckdb.Error as error:
            return self._in_words(str(error), table)
        return _not_a_condition(part, kind)

    def _in_words(self, error: str, table: TableDeclaration) -> str:
        names = [field.name for field in table.fields]
        if found := _UNKNOWN_COLUMN.search(error):
            return f"there is no column {found[1]} in {table.name}{nearest(found[1], names)}"
        if found := _UNKNOWN_TABLE.search(error):
            return f"there is no table {found[1]}{nearest(found[1], [one.name for one in self.tables])}"
        return f"its SQL cannot be used: {error.splitlines()[0]}"


@dataclass(frozen=True)
class _Part:
    """A piece of SQL of a rule: where it stands there, a query with it alone, and whether it is a condition."""

    where: Place
    query: str
    is_condition: bool = False


def _empty(relation: str, table: TableDeclaration) -> str:
    """SQL that makes a table with the columns that rules see and no rows."""
    columns = {
        **{field.name: field.duckdb_type for field in table.fields},
        **ORIGIN_COLUMNS,
        ROW_ID: "BIGINT",
    }
    return f"CREATE TABLE {relation} ({', '.join(f'{quote(name)} {kind}' for name, kind in columns.items())})"


def _names(table: TableDeclaration, rule: WrittenRule) -> Iterator[tuple[Place, str]]:
    """What is wrong with the columns and the names in braces of a rule."""
    names = {field.name for field in table.fields}
    listed: list[tuple[Place, str]] = [(("columns",), name) for name in rule.columns]
    listed += [(("dated_by",), name) for name in (rule.dated_by,) if name]
    listed += [(("programme_in",), name) for name in (rule.programme_in,) if name]
    if not isinstance(rule.each, Mapping):
        listed += [(("each",), name) for name in rule.each]
    for where, name in listed:
        if name not in names:
            yield where, f"there is no column {name} in {table.name}{nearest(name, names)}"
    if rule.is_measured:
        for name in names.intersection(rule.columns) - {field.name for field in table.kept_fields}:
            yield ("columns",), f"{name} is personal, so nobody knows what it was before"
    found = {*names, *rule.values, *rule.keys, *_found_by(rule)}
    # What good rows keep is said of no single row, so only columns have a name there.
    for key, text, known in (
        ("demands", rule.demands, names),
        ("message", rule.message, found),
        ("help", rule.help, found),
    ):
        for name in sorted(placeholders(text) - known):
            yield (key,), f"nothing says what {{{name}}} is{nearest(name, known)}"


def _found_by(rule: WrittenRule) -> Iterable[str]:
    """The names in braces that a kind of rule gives a value."""
    if rule.spans is not None:
        return ("span",)
    if rule.once:
        return ("rows", "first", "others")
    if rule.each:
        bounds = (("minimum", rule.minimum), ("maximum", rule.maximum))
        return ("observed", *(name for name, bound in bounds if bound is not None))
    return ("observed",) if rule.is_measured else ()


def _parts(rule: WrittenRule, relation: str) -> Iterator[_Part]:
    """The pieces of SQL of a rule."""

    def part(where: Place, sql: str, group: str = "", *, is_condition: bool = False) -> _Part:
        return _Part(where, f"SELECT ({NOTHING_KNOWN.dated(sql)}) FROM {relation}{group}", is_condition)

    if rule.holds is not None:
        yield part(("holds",), rule.holds, is_condition=True)
    if rule.when is not None:
        yield part(("when",), rule.when, is_condition=True)
    for name, sql in rule.keys.items():
        yield part(("each", name), sql)
    keys = ", ".join(f"({NOTHING_KNOWN.dated(sql)})" for sql in rule.keys.values())
    group = f" GROUP BY {keys}" if keys else ""
    for name, sql in rule.values.items():
        yield part(("values", name), sql, group)
    measures = (("measure", rule.measure), ("minimum", rule.minimum), ("maximum", rule.maximum))
    for name, measure in measures:
        if isinstance(measure, str):
            yield part((name,), measure, group)


def _types(connection: duckdb.DuckDBPyConnection, queries: Sequence[str]) -> list[str]:
    """The types of what queries give, asked at once; none where one of them cannot be asked."""
    try:
        asked = ", ".join(f"({query} LIMIT 1)" for query in queries)
        return [row[1] for row in connection.execute(f"DESCRIBE SELECT {asked}").fetchall()]
    except duckdb.Error:
        return []


def _not_a_condition(part: _Part, kind: str) -> str | None:
    if part.is_condition and kind not in ("BOOLEAN", '"NULL"'):
        return f"it is no condition: it gives {kind.lower()}, not true or false"
    return None
