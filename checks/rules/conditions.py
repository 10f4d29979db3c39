"""Written rules as conditions in SQL: of their time, and of what is usual in a programme."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from checks.rules import demands
from checks.rules.rule import Rule
from checks.rules.texts import Value, quoted, span_of
from checks.rules.written import WrittenRule
from warehouse import reference
from warehouse.declarations import Severity, TableDeclaration, literal, quote
from warehouse.headings import Names
from warehouse.messages import Message, in_languages, listed, message, placeholders
from warehouse.sql import day_literal
from warehouse.turns import Whose


def of_written(
    rule: WrittenRule, table: TableDeclaration, names: Names, owner: Whose = Whose.COORDINATOR
) -> list[Rule]:
    """What a written rule becomes: one rule, or one for each programme that has spans of its own.

    Args:
        rule: as the rules file has it.
        table: the table it is on.
        names: what the file calls its columns: ``{start_date}`` in a message becomes what that column is called.
        owner: who mends what is found, where the rule does not say.
    """
    called = {field.name: quoted(names.column(table.name, field.name)) for field in table.fields}
    written = _Written(rule, called, rule.owner or owner)
    if rule.once:
        return [written.judging(demands.Once(rule.id))]
    if rule.holds is not None:
        return [written.holding(rule.holds)]
    return list(_usual(written, reference.usual_spans()[rule.spans])) if rule.spans is not None else []


@dataclass(frozen=True)
class _Written:
    """A written rule in the words of a file."""

    rule: WrittenRule
    called: Mapping[str, Value]
    owner: Whose

    def holding(self, holds: str, **values: Value) -> Rule:
        """A condition; ``values`` are named by its message and help."""
        return self.judging(demands.Condition(self.rule.id, _dated(self.rule, holds)), **values)

    def judging(self, demand: demands.Demand, **values: Value) -> Rule:
        """The rule that makes a demand."""
        rule = self.rule
        judged_by = (*rule.columns, rule.dated_by) if rule.dated_by else rule.columns
        message, advice = (
            Message(text, {name: value for name, value in {**self.called, **values}.items() if name in places})
            for text in (rule.message, rule.help)
            for places in [placeholders(text)]
        )
        vital = judged_by if rule.severity is Severity.ERROR else ()
        return Rule(rule.id, rule.severity, rule.columns, demand, message, advice, vital, self.owner)


def _usual(written: _Written, spans: Sequence[reference.UsualSpan]) -> Iterator[Rule]:
    """A rule for each programme that has spans: its words say what is usual there."""
    rule = written.rule
    by_programme: dict[tuple[str, str | None], list[reference.UsualSpan]] = {}
    for span in spans:
        by_programme.setdefault((span.programme, span.matches), []).append(span)
    value = quote(rule.columns[0])
    is_others = " OR ".join(
        f"({_of_programme(rule, span.matches)} AND {_in_time(rule, span)})" for span in spans if span.matches
    )
    for (programme, matches), own in by_programme.items():
        usual = " OR ".join(
            f"({_in_time(rule, span)} AND {value} BETWEEN {span.low or 0} AND {span.high})" for span in own
        )
        in_time = " OR ".join(_in_time(rule, span) for span in own)
        whose = _of_programme(rule, matches) if matches else f"NOT ({is_others or 'false'})"
        holds = f"CASE WHEN {whose} AND ({in_time}) AND {value} > 0 THEN {usual} END"
        words = listed([_in_words(span) for span in own], "or") if len(own) > 1 else _in_words(own[0])
        called = in_languages(programme, finnish=own[0].programme_fi)
        yield written.holding(holds, span=message("{span} in {programme}", span=words, programme=called))


def _of_programme(rule: WrittenRule, matches: str) -> str:
    return f"coalesce(regexp_matches({quote(rule.programme_in or '')}, {literal(matches)}, 'i'), false)"


def _in_time(rule: WrittenRule, span: reference.UsualSpan) -> str:
    """SQL that is true where a span may hold for the row: one without a date may belong to any time."""
    if rule.dated_by is None:
        return "true"
    day = quote(rule.dated_by)
    first, last = span.valid_from or date.min, span.valid_to or date.max
    return f"({day} IS NULL OR {day} BETWEEN {day_literal(first)} AND {day_literal(last)})"


def _in_words(span: reference.UsualSpan) -> str:
    low, high = (None if bound is None else _plain(bound) for bound in (span.low, span.high))
    words: str = span_of(low, high) if low != high else message("{value}", value=high or 0)
    years = sorted({day.year for day in (span.valid_from, span.valid_to) if day})
    if not years:
        return words
    return message("{span} ({years})", span=words, years="–".join(map(str, years)))


def _plain(bound: Decimal) -> int | float:
    return int(bound) if bound == bound.to_integral_value() else float(bound)


def _dated(rule: WrittenRule, holds: str) -> str:
    if rule.dated_by is None or not (rule.valid_from or rule.valid_to):
        return holds
    bounds = [f"{quote(rule.dated_by)} IS NOT NULL"]
    if rule.valid_from:
        bounds.append(f"{quote(rule.dated_by)} >= {day_literal(rule.valid_from)}")
    if rule.valid_to:
        bounds.append(f"{quote(rule.dated_by)} <= {day_literal(rule.valid_to)}")
    return f"CASE WHEN {' AND '.join(bounds)} THEN ({holds}) END"
