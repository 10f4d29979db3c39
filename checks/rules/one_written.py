"""A written rule in the words of a file, and the rules it becomes on single rows."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from checks.rules import demands
from checks.rules.known import DATA_DATE, Known
from checks.rules.row_queries import ROW_ID, alike_rows
from checks.rules.row_words import RowWords
from checks.rules.rule import Rule
from checks.rules.texts import Value, quoted
from checks.rules.written import WrittenRule
from warehouse.declarations import Severity, TableDeclaration, quote
from warehouse.headings import Names
from warehouse.messages import Message, message, placeholders, sentences
from warehouse.sql import day_literal
from warehouse.staging import SCHEMA

_UNSAID = "…"  # in place of a value that is not told


@dataclass(frozen=True)
class Written:
    """A written rule, the table it is on, and what is known of both."""

    rule: WrittenRule
    table: TableDeclaration
    names: Names
    known: Known
    schema: str

    @cached_property
    def called(self) -> Mapping[str, Value]:
        """What the file calls the table's columns, in quotation marks."""
        return {field.name: quoted(self.names.column(self.table.name, field.name)) for field in self.table.fields}

    @property
    def is_staged(self) -> bool:
        """Its rows have places that can be told."""
        return self.schema == SCHEMA

    def shows(self, *sql: str) -> bool:
        """Whether what these expressions give may be told: they read no column that is withheld."""
        words = set(re.findall(r"\w+", " ".join(sql)))
        return not any(field.is_withheld and field.name in words for field in self.table.fields)

    def holding(self, holds: str, **values: Value) -> Rule:
        """A condition; ``values`` are named by its message and help."""
        return self.judging(demands.Condition(self.rule.id, self._dated(holds)), self.of_rows(), **values)

    def once(self) -> Rule:
        """No two rows say the same."""
        words = self.words_of(alike_rows(self.rule.columns), False) if self.is_staged else None
        return self.judging(demands.Once(self.rule.id), words)

    def of_rows(self) -> RowWords | None:
        """The values of the rule, of a row each."""
        if not self.rule.values or not self.shows(*self.rule.values.values()):
            return None
        values = ", ".join(f"{self.known.dated(sql)} AS {quote(name)}" for name, sql in self.rule.values.items())
        return self.words_of(f"SELECT {ROW_ID}, {values} FROM {{batch}} WHERE {ROW_ID} IN ({{failing}})")

    def words_of(self, query: str, shows_values: bool = True, variants: Sequence[str] = ("",)) -> RowWords:
        """Message and help with what a query finds; ``variants`` are advice to be put before the help."""
        return RowWords(query, [(self.rule.message, advice) for advice in variants], shows_values)

    def judging(self, demand: demands.Demand, words: RowWords | None, **values: Value) -> Rule:
        """The rule that makes a demand, with what is said of its rows one by one."""
        rule = self.rule
        judged_by = (*rule.columns, rule.dated_by) if rule.dated_by else rule.columns
        found = ["rows", "first", "others", "minimum", "maximum", *rule.values, *rule.keys]
        if not rule.is_measured:  # what is measured of a table is told always: no row is
            found.append("observed")
        named = {**dict.fromkeys(found, _UNSAID), **self.called, **values}
        is_unasked = self.known.day is None and self._asks_for_the_day()
        return Rule(
            rule.id,
            rule.severity,
            rule.columns,
            demand,
            self._text(rule.message, named),
            self._text(rule.help, named),
            vital=judged_by if rule.severity is Severity.ERROR else (),
            owner=rule.owner or self.known.owner,
            row_words=self._in_words(words, {**self.called, **values}),
            demands=self._text(rule.demands, named) if rule.demands else "",
            not_asked=message("Nobody can tell of what day the data are.") if is_unasked else "",
        )

    def _text(self, template: str, named: Mapping[str, Value]) -> Message:
        places = placeholders(template)
        return Message(template, {name: value for name, value in named.items() if name in places})

    def _in_words(self, words: RowWords | None, named: Mapping[str, Value]) -> RowWords | None:
        """The words of single rows: the rule's message and help, before which may stand advice on a variant."""
        if words is None:
            return None
        own = set(self.rule.values) | set(self.rule.keys)
        given = {name: value for name, value in named.items() if name not in own}
        message_, help_ = self._text(self.rule.message, given), self._text(self.rule.help, given)
        return RowWords(
            words.query,
            [(message_, sentences(advice, help_)) for _, advice in words.variants],
            words.shows_values,
        )

    def _asks_for_the_day(self) -> bool:
        rule = self.rule
        return any(DATA_DATE in (sql or "") for sql in (rule.holds, rule.when, rule.measure, *rule.keys.values()))

    def _dated(self, holds: str) -> str:
        """A condition of the rule's time."""
        rule, sql = self.rule, self.known.dated(holds)
        if rule.dated_by is None or not (rule.valid_from or rule.valid_to):
            return sql
        bounds = [f"{quote(rule.dated_by)} IS NOT NULL"]
        if rule.valid_from:
            bounds.append(f"{quote(rule.dated_by)} >= {day_literal(rule.valid_from)}")
        if rule.valid_to:
            bounds.append(f"{quote(rule.dated_by)} <= {day_literal(rule.valid_to)}")
        return f"CASE WHEN {' AND '.join(bounds)} THEN ({sql}) END"
