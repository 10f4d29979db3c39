"""Written rules as conditions in SQL: of their time, and of what is usual in a programme."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal

from checks.rules.known import Known
from checks.rules.of_groups import each_group, measured, standing_elsewhere
from checks.rules.one_written import Written
from checks.rules.rule import Rule
from checks.rules.texts import span_of
from checks.rules.written import WrittenRule
from warehouse import reference
from warehouse.declarations import TableDeclaration, literal, quote
from warehouse.headings import Names
from warehouse.messages import in_languages, listed, message
from warehouse.sql import day_literal


def of_written(rule: WrittenRule, table: TableDeclaration, names: Names, known: Known, schema: str) -> list[Rule]:
    """What a written rule becomes: one rule, or one for each programme that has spans of its own.

    Args:
        rule: as the rules file has it.
        table: the table it is on.
        names: what the file calls its columns: ``{start_date}`` in a message becomes what that column is called.
        known: what the check knows beside the table.
        schema: where the table stands.
    """
    written = Written(rule, table, names, known, schema)
    if rule.holds is not None:
        return [written.holding(rule.holds)]
    if rule.spans is not None:
        return list(_usual(written, reference.usual_spans()[rule.spans]))
    if rule.once:
        return [written.once()]
    if rule.each:
        return [each_group(written)]
    if rule.refers_to is not None:
        return [standing_elsewhere(written, rule.refers_to)]
    return [measured(written)]


def _usual(written: Written, spans: Sequence[reference.UsualSpan]) -> Iterator[Rule]:
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
