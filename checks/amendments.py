"""What people decided of a source's data, in files beside the rules: exceptions and corrections, read and held
against what is declared.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import duckdb

from checks.accepted import AcceptedException
from checks.corrections import Correction
from checks.rules import Rule, SourceRules, compile_rules
from checks.rules.demands import Key, Required
from warehouse.declarations import (
    DeclarationError,
    FieldDeclaration,
    Severity,
    SourceDeclaration,
    TableDeclaration,
    fault,
    nearest,
    parse,
    read_yaml,
)
from warehouse.declared import Declared, line_of
from warehouse.personal import find_personal

_CHECKS = Path(__file__).parent
# What reading says of a cell or a row that may be accepted; of tables and files as a whole nothing is.
READING_RULES = frozenset({
    "answer-without-meaning", "code", "duplicate-column", "hidden-columns", "hidden-rows", "hidden-values",
    "hidden-zeros", "left-out", "mixed-dates", "na-is-empty", "read-as", "row-length", "skipped-row", "type",
    "unknown-column", "unreadable-record",
})  # fmt: skip


class _Accepted(Declared):
    exceptions: tuple[AcceptedException, ...]


class _Corrections(Declared):
    corrections: tuple[Correction, ...]


@dataclass(frozen=True)
class Amendments:
    """A source's exceptions and corrections, on the day of a run, for data of a date."""

    accepted: tuple[AcceptedException, ...] = ()
    corrections: tuple[Correction, ...] = ()
    day: date = date.min
    data_date: date = date.min

    def on(self, day: date, data_date: date) -> Amendments:
        """The same on a run's day, for data of a date."""
        return replace(self, day=day, data_date=data_date)

    def fingerprint(self, day: date) -> str:
        """What of it decides on a verdict on that day; empty where there is nothing of the kind."""
        parts = [f"{one.model_dump_json()} {one.is_in_force(day)}" for one in self.accepted]
        parts += [one.model_dump_json() for one in self.corrections]
        return hashlib.sha256("\0".join(parts).encode()).hexdigest() if parts else ""


NONE = Amendments()


def amendments_of_sources(
    sources: Mapping[str, SourceDeclaration], rules: Mapping[str, SourceRules], folder: Path = _CHECKS
) -> Mapping[str, Amendments]:
    """The exceptions and corrections of all sources, by the source's name.

    Raises:
        DeclarationError: a file cannot be used, or speaks of a source, table, rule, column or key that there is
            not, or of what is never accepted or corrected; with file and line.
    """
    return {
        name: Amendments(
            tuple(_accepted(folder / "accepted" / f"{name}.yaml", source, rules[name])),
            tuple(_corrections(folder / "corrections" / f"{name}.yaml", source)),
        )
        for name, source in sources.items()
        if _are_owned(folder, sources)
    }


def _are_owned(folder: Path, sources: Mapping[str, SourceDeclaration]) -> bool:
    for path in sorted([*(folder / "accepted").glob("*.yaml"), *(folder / "corrections").glob("*.yaml")]):
        if path.stem not in sources:
            hint = nearest(path.stem, sources)
            raise DeclarationError(f"{path}: line 1: there is no source {path.stem} that this could be of{hint}")
    return True


def _place(path: Path, number: int) -> str:
    return f"checks/{path.parent.name}/{path.name}, line {line_of(path, (number,))}"


def _accepted(path: Path, source: SourceDeclaration, rules: SourceRules) -> Iterator[AcceptedException]:
    if not path.exists():
        return
    listed = parse(_Accepted, {"exceptions": read_yaml(path) or ()}, path).exceptions
    for number, one in enumerate(listed):
        table = _table(path, number, source, one.table)
        compiled = compile_rules(table, rules.on(table))
        known = {rule.id for rule in compiled} | READING_RULES
        if one.rule not in known:
            hint = nearest(one.rule, known)
            raise fault(path, (number, "rule"), f"no rule {one.rule} that may be accepted{hint}")
        if one.column is not None and one.rule != "unknown-column":
            _field(path, (number, "column"), table, one.column)
        _require_nobody(path, number, reason=one.reason, accepted_by=one.accepted_by)
        _require_acceptable(path, number, one, table, compiled)
        if one.key is not None:
            _require_key(path, number, one.key, table)
        for name in one.group or ():
            _require_shown(path, (number, "group"), _field(path, (number, "group"), table, name))
        if table.about_people and (one.key or one.group or one.value):
            raise fault(path, (number,), f"{table.name} is about people: it names no row of it and no value")
        yield one.at(_place(path, number))


def _require_acceptable(
    path: Path, number: int, one: AcceptedException, table: TableDeclaration, compiled: Sequence[Rule]
) -> None:
    """What nobody can accept: what holds a table, and rows of which nobody knows whose they are."""
    asked = [rule for rule in compiled if rule.id == one.rule and one.column in (None, *rule.columns)]
    if any(rule.severity is Severity.CRITICAL for rule in asked):
        raise fault(path, (number, "rule"), f"{one.rule} holds the whole table: it cannot be accepted")
    of_key = set(table.primary_key)
    is_lost = any(
        isinstance(rule.demand, Key) or (isinstance(rule.demand, Required) and of_key.intersection(rule.columns))
        for rule in asked
    )
    is_unread = one.rule in READING_RULES and one.column in of_key
    if is_lost or is_unread:
        words = (
            f"{one.rule} is on the key ({', '.join(table.primary_key)}): a row without one of its own is no record"
        )
        raise fault(path, (number, "rule"), f"{words}; name another column, or mend the key")


def _corrections(path: Path, source: SourceDeclaration) -> Iterator[Correction]:
    if not path.exists():
        return
    listed = parse(_Corrections, {"corrections": read_yaml(path) or ()}, path).corrections
    told: set[Any] = set()
    for number, one in enumerate(listed):
        table = _table(path, number, source, one.table)
        if table.about_people:
            raise fault(path, (number,), f"{table.name} is about people: no line of it names one")
        field = _field(path, (number, "column"), table, one.column)
        _require_shown(path, (number, "column"), field)
        _require_nobody(path, number, reason=one.reason, evidence=one.evidence)
        _require_key(path, number, one.key, table)
        if one.new and not _is_value(field, one.new):
            raise fault(path, (number, "to"), f"{one.new!r} is no value of {one.column} ({field.type})")
        cell = (one.table, tuple(sorted(one.key.items())), one.column, one.old)
        if cell in told:
            raise fault(path, (number,), "this cell is corrected twice; take one of the two out")
        told.add(cell)
        yield one.at(_place(path, number))


def _is_value(field: FieldDeclaration, text: str) -> bool:
    with duckdb.connect() as connection:
        row = connection.execute(f"SELECT TRY_CAST(? AS {field.duckdb_type}) IS NOT NULL", [text]).fetchone()
    return bool(row and row[0])


def _table(path: Path, number: int, source: SourceDeclaration, name: str) -> TableDeclaration:
    known = {table.name: table for table in source.tables}
    if name not in known:
        raise fault(path, (number, "table"), f"{source.name} has no table {name}{nearest(name, known)}")
    return known[name]


def _field(path: Path, place: Sequence[str | int], table: TableDeclaration, name: str) -> FieldDeclaration:
    known = {field.name: field for field in table.fields}
    if name not in known:
        raise fault(path, place, f"{table.name} has no column {name}{nearest(name, known)}")
    return known[name]


def _require_shown(path: Path, place: Sequence[str | int], field: FieldDeclaration) -> None:
    if field.is_withheld:
        raise fault(path, place, f"{field.name} holds personal data: no value of it is written down here")


def _require_nobody(path: Path, number: int, **texts: str) -> None:
    """That what reports repeat of a line holds no personal data."""
    for name, text in texts.items():
        if kinds := find_personal(text):
            raise fault(
                path, (number, name), f"it holds personal data ({', '.join(kinds)}), and reports repeat it"
            )


def _require_key(path: Path, number: int, key: Mapping[str, str], table: TableDeclaration) -> None:
    if set(key) != set(table.primary_key):
        wanted = ", ".join(table.primary_key)
        raise fault(path, (number, "key"), f"the key of {table.name} is {wanted}: name these, and no others")
