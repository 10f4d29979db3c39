"""From declarations and written rules to the rules on a table."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence

from checks.rules import demands
from checks.rules.conditions import of_written
from checks.rules.rule import Rule
from checks.rules.written import WrittenRule
from warehouse import reference
from warehouse.declarations import STATUS, TOTAL, FieldDeclaration, ForeignKey, Severity, TableDeclaration
from warehouse.identifiers import IDENTIFIERS
from warehouse.staging import SCHEMA


def fingerprint(table: TableDeclaration, written: Sequence[WrittenRule]) -> str:
    """SHA-256 of a table's declaration and rules: another one means that a verdict has to be made anew."""
    parts = [table.model_dump_json(), *(rule.model_dump_json() for rule in written), reference.fingerprint()]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def compile_rules(
    table: TableDeclaration, written: Sequence[WrittenRule] = (), schema: str = SCHEMA
) -> list[Rule]:
    """All rules on a table: those of its declaration, then the written ones.

    Args:
        table: the table's declaration.
        written: rules from a rules file.
        schema: where the tables stand that foreign keys refer to.
    """
    return [
        _row_count(table),
        *(rule for field in table.fields for rule in _of_field(field, table.primary_key)),
        *(_suppressed(field) for field in table.fields if field.protected),
        _key(table),
        *(_reference(key, schema) for key in table.foreign_keys),
        *(rule for one in written for rule in of_written(one)),
    ]


def _row_count(table: TableDeclaration) -> Rule:
    # Changes may be few or none; only what is delivered whole has a floor.
    demand = demands.RowCount(table.rows.minimum if table.delivery == "full" else 0, table.rows.maximum)
    return Rule(demand.kind, Severity.CRITICAL, (), demand, demand.broken(table.title), demand.advice)


def _key(table: TableDeclaration) -> Rule:
    columns, demand = table.primary_key, demands.Key()
    severity = min((table.field(name).severity for name in columns), key=lambda one: one.rank)
    message = demand.broken(" + ".join(table.field(name).title for name in columns))
    return Rule(demand.kind, severity, columns, demand, message, demand.advice, vital=columns)


def _suppressed(field: FieldDeclaration) -> Rule:
    demand = demands.Suppressed(is_count=field.protected is not None and field.protected.kind == "count")
    columns = (field.name, STATUS)
    return Rule(demand.kind, Severity.CRITICAL, columns, demand, demand.broken(field.title), demand.advice)


def _reference(key: ForeignKey, schema: str) -> Rule:
    there = key.table.replace("_", " ").capitalize()
    demand = demands.Reference(key.table, key.references, schema, there)
    message = demand.broken(there)
    return Rule(demand.kind, key.severity, key.fields, demand, message, demand.advice, vital=key.fields)


def _of_field(field: FieldDeclaration, key: tuple[str, ...]) -> Iterator[Rule]:
    # A key has to be there; and that it is unique is the table's rule, not once more the field's.
    limits = field.constraints
    if limits.required or field.name in key:
        yield _of_cell(field, demands.Required(), vital=(field.name,))
    if limits.unique and key != (field.name,):
        yield _of_cell(field, demands.Unique())
    for demand in _of_value(field):
        yield _of_cell(field, demand)


def _of_value(field: FieldDeclaration) -> Iterator[demands.Demand]:
    """What is demanded of a cell that is filled in."""
    limits = field.constraints
    if field.pattern is not None:
        yield demands.Pattern(field.pattern)
    if allowed := _codes(field):
        yield demands.Code(allowed)
    if limits.minimum is not None or limits.maximum is not None:
        yield demands.Range(limits.minimum, limits.maximum, field.unit)
    if limits.min_length is not None or limits.max_length is not None:
        yield demands.Length(limits.min_length, limits.max_length)
    if limits.check is not None:
        yield demands.CheckDigit(IDENTIFIERS[limits.check], limits.pattern)


def _codes(field: FieldDeclaration) -> tuple[str, ...]:
    limits = field.constraints
    found = tuple(reference.code_lists()[limits.code_list].codes) if limits.code_list else limits.enum or ()
    return (*found, TOTAL) if found and field.has_total else found


def _of_cell(field: FieldDeclaration, demand: demands.Demand, vital: tuple[str, ...] = ()) -> Rule:
    message, advice = demand.broken(field.title), field.help or demand.advice
    return Rule(demand.kind, field.severity, (field.name,), demand, message, advice, vital)
