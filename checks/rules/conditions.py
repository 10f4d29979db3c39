"""Written rules as conditions in SQL: of their time, and of what is usual in a programme."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from checks.rules import demands
from checks.rules.rule import Rule
from checks.rules.written import WrittenRule
from warehouse import reference
from warehouse.declarations import Severity, literal, quote
from warehouse.sql import day_literal


def of_written(rule: WrittenRule) -> list[Rule]:
    """What a written rule becomes: one rule, or one for each programme that has spans of its own."""
    if rule.once:
        return [_judging(rule, demands.Once(rule.id), rule.message)]
    if rule.holds is not None:
        return [_rule(rule, rule.holds, rule.message)]
    return _usual(rule, reference.usual_spans()[rule.spans]) if rule.spans is not None else []


def _rule(written: WrittenRule, holds: str, message: str) -> Rule:
    return _judging(written, demands.Condition(written.id, _dated(written, holds)), message)


def _judging(written: WrittenRule, demand: demands.Demand, message: str) -> Rule:
    judged_by = (*written.columns, written.dated_by) if written.dated_by else written.columns
    return Rule(
        written.id,
        written.severity,
        written.columns,
        demand,
        message,
        written.help,
        vital=judged_by if written.severity is Severity.ERROR else (),
    )


def _usual(rule: WrittenRule, spans: Sequence[reference.UsualSpan]) -> list[Rule]:
    """A rule for each programme that has spans: its words say what is usual there."""
    by_programme: dict[tuple[str, str | None], list[reference.UsualSpan]] = {}
    for span in spans:
        by_programme.setdefault((span.programme, span.matches), []).append(span)
    value = quote(rule.columns[0])
    is_others = " OR ".join(
        f"({_of_programme(rule, span.matches)} AND {_in_time(rule, span)})" for span in spans if span.matches
    )
    found = []
    for (programme, matches), own in by_programme.items():
        usual = " OR ".join(
            f"({_in_time(rule, span)} AND {value} BETWEEN {span.low or 0} AND {span.high})" for span in own
        )
        in_time = " OR ".join(_in_time(rule, span) for span in own)
        whose = _of_programme(rule, matches) if matches else f"NOT ({is_others or 'false'})"
        words = " or ".join(_in_words(span) for span in own)
        holds = f"CASE WHEN {whose} AND ({in_time}) AND {value} > 0 THEN {usual} END"
        found.append(_rule(rule, holds, rule.message.replace("{span}", f"{words} in {programme}")))
    return found


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
    if span.low is None:
        words = f"at most {span.high:,}"
    else:
        words = f"{span.low:,}" if span.low == span.high else f"{span.low:,} to {span.high:,}"
    years = sorted({day.year for day in (span.valid_from, span.valid_to) if day})
    return f"{words} ({' to '.join(map(str, years))})" if years else words


def _dated(rule: WrittenRule, holds: str) -> str:
    if rule.dated_by is None or not (rule.valid_from or rule.valid_to):
        return holds
    bounds = [f"{quote(rule.dated_by)} IS NOT NULL"]
    if rule.valid_from:
        bounds.append(f"{quote(rule.dated_by)} >= {day_literal(rule.valid_from)}")
    if rule.valid_to:
        bounds.append(f"{quote(rule.dated_by)} <= {day_literal(rule.valid_to)}")
    return f"CASE WHEN {' AND '.join(bounds)} THEN ({holds}) END"
