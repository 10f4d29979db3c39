"""From declarations and written rules to the rules on a table."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from checks.rules import demands
from checks.rules.conditions import of_written
from checks.rules.forms import form_of
from checks.rules.known import NOTHING_KNOWN, Known
from checks.rules.rule import Rule
from checks.rules.texts import codes_of, may_hold, quoted, quoted_list, with_help
from checks.rules.written import WrittenRule
from warehouse import reference
from warehouse.declarations import STATUS, FieldDeclaration, ForeignKey, Severity, TableDeclaration
from warehouse.headings import Names, declared_names
from warehouse.identifiers import IDENTIFIERS
from warehouse.messages import in_languages
from warehouse.staging import SCHEMA
from warehouse.turns import Whose


def fingerprint(table: TableDeclaration, written: Sequence[WrittenRule]) -> str:
    """SHA-256 of a table's declaration and rules: another one means that a verdict has to be made anew."""
    parts = [table.model_dump_json(), *(rule.model_dump_json() for rule in written), reference.fingerprint()]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def compile_rules(
    table: TableDeclaration,
    written: Sequence[WrittenRule] = (),
    schema: str = SCHEMA,
    names: Names | None = None,
    known: Known = NOTHING_KNOWN,
) -> list[Rule]:
    """All rules on a table: those of its declaration, then the written ones.

    Args:
        table: the table's declaration.
        written: rules from a rules file.
        schema: where the tables stand that foreign keys refer to.
        names: what its file calls columns and sheets; without them sentences have the declared titles.
        known: what the check knows beside the table.
    """
    of = _Table(table, names or declared_names([table]), known, is_staged=schema == SCHEMA)
    return [
        of.row_count(),
        *(rule for field in table.fields for rule in of.on_field(field)),
        *(of.suppressed(field) for field in table.fields if field.protected),
        of.key(),
        *(of.reference(key, schema) for key in table.foreign_keys),
        *(rule for one in written for rule in of_written(one, table, of.names, known, schema)),
    ]


@dataclass(frozen=True)
class _Table:
    """What a declared table demands, in the words of its file."""

    table: TableDeclaration
    names: Names
    known: Known
    is_staged: bool  # its rows have places that can be told

    def row_count(self) -> Rule:
        # Changes may be few or none; only what is delivered whole has a floor.
        bounds = self.table.rows
        demand = demands.RowCount(bounds.minimum if self.table.delivery == "full" else 0, bounds.maximum)
        message = demand.broken(quoted(self.names.sheet(self.table.name)))
        return Rule(demand.kind, Severity.CRITICAL, (), demand, message, demand.advice, owner=self.known.owner)

    def key(self) -> Rule:
        columns, demand = self.table.primary_key, demands.Key()
        severity = min((self.table.field(name).severity for name in columns), key=lambda one: one.rank)
        return self._rule(demand, severity, columns, demand.advice, vital=columns)

    def suppressed(self, field: FieldDeclaration) -> Rule:
        is_count = field.protected is not None and field.protected.kind == "count"
        demand = demands.Suppressed(is_count)
        message = demand.broken(self._called((field.name,)))
        columns = (field.name, STATUS)
        return Rule(demand.kind, Severity.CRITICAL, columns, demand, message, demand.advice, owner=Whose.US)

    def reference(self, key: ForeignKey, schema: str) -> Rule:
        there = self.names.sheet(key.table)
        is_named = key.table not in self.known.unnamed
        demand = demands.Reference(key.table, key.references, schema, there, is_named)
        return self._rule(demand, key.severity, key.fields, demand.advice, vital=key.fields)

    def on_field(self, field: FieldDeclaration) -> Iterator[Rule]:
        # A key has to be there; and that it is unique is the table's rule, not once more the field's.
        limits, key = field.constraints, self.table.primary_key
        if limits.required or field.name in key:
            yield self._of_cell(field, demands.Required(), with_help(may_hold(field), field), vital=(field.name,))
        if limits.unique and key != (field.name,):
            yield self._of_cell(field, demands.Unique(), demands.Unique().advice)
        for demand in _of_value(field):
            yield self._of_cell(field, demand, _advice(field, demand))

    def _of_cell(
        self, field: FieldDeclaration, demand: demands.Demand, advice: str, vital: tuple[str, ...] = ()
    ) -> Rule:
        rule = self._rule(demand, field.severity, (field.name,), advice, vital)
        return replace(rule, remark=in_languages(field.help, finnish=field.help_fi))

    def _rule(
        self,
        demand: demands.Demand,
        severity: Severity,
        columns: tuple[str, ...],
        advice: str,
        vital: tuple[str, ...] = (),
    ) -> Rule:
        called = self._called(columns)
        words = demand.row_words(columns, called) if self.is_staged else None
        return Rule(
            demand.kind,
            severity,
            columns,
            demand,
            demand.broken(called),
            advice,
            vital,
            self.known.owner,
            row_words=words,
        )

    def _called(self, columns: Sequence[str]) -> str:
        return quoted_list([self.names.column(self.table.name, name) for name in columns])


def _advice(field: FieldDeclaration, demand: demands.Demand) -> str:
    """What to do about a wrong value: what may stand there, then what the declaration says of it."""
    if isinstance(demand, demands.Pattern):
        return with_help(may_hold(field) if form_of(field) else demand.advice, field)
    if isinstance(demand, demands.Code):
        return demand.advice
    return with_help(demand.advice, field)


def _of_value(field: FieldDeclaration) -> Iterator[demands.Demand]:
    """What is demanded of a cell that is filled in."""
    limits = field.constraints
    if field.pattern is not None:
        yield demands.Pattern(field.pattern)
    if allowed := codes_of(field):
        yield demands.Code(allowed, limits.code_list)
    if limits.minimum is not None or limits.maximum is not None:
        yield demands.Range(limits.minimum, limits.maximum, field.unit, field.type)
    if limits.min_length is not None or limits.max_length is not None:
        yield demands.Length(limits.min_length, limits.max_length)
    if limits.check is not None:
        yield demands.CheckDigit(IDENTIFIERS[limits.check], limits.pattern)
