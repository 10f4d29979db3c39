"""Every source with every rule that was applied to it, those that found nothing included."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from checks.report.content import SourceSection, counted
from checks.report.plots import Plot, quality_plot
from checks.report.sanitising import safe_origin, safe_text
from checks.report.wording import (
    SOURCE_STATES,
    annotated_path,
    day_words,
    many,
    marked,
    row_word,
    rule_words,
    title_of,
)
from checks.rules import Rule
from checks.rules.demands import plain_words
from warehouse.declarations import Severity
from warehouse.ledger import Verdict
from warehouse.turns import TO_MEND


@dataclass(frozen=True)
class _Check:
    tone: str
    mark: str
    words: str
    result: str


@dataclass(frozen=True)
class _TableChecks:
    title: str
    summary: str
    checks: tuple[_Check, ...]


@dataclass(frozen=True)
class SourceRow:
    """A source on the page."""

    anchor: str
    title: str
    tone: str
    mark: str
    word: str
    data: str
    origin: str
    accepted: str
    set_aside: str
    mend: int
    look: int
    annotated: str | None
    tables: tuple[_TableChecks, ...]
    checks_note: str
    plot: Plot | None


def source_row(section: SourceSection, quality: Sequence[tuple[str, int, int]]) -> SourceRow:
    """A source with its numbers, its checks, and whether it gets better."""
    tone, mark, word = SOURCE_STATES.get(section.state, ("calm", "○", safe_text(section.state)))
    snapshot = section.snapshot
    loads = section.loads
    set_aside, accepted = (sum(getattr(load, n) for load in loads.values()) for n in ("quarantined", "accepted"))
    mend = counted(section, *TO_MEND)
    if snapshot is None and not section.is_halted:
        tone, mark, word = "calm", "○", "Nothing yet"
    elif tone == "good" and (set_aside or mend):
        tone, mark, word = "warn", "!", f"{word}, with gaps"
    data = f"Data of {day_words(snapshot.data_date)}" if snapshot else "Never pulled"
    if section.stale_since:
        data = f"Data of {day_words(section.stale_since)} stand in"
    is_held = snapshot is not None and snapshot.verdict is Verdict.HELD
    beside = ", people not counted" if section.declaration.is_about_people else ""
    tables = tuple(
        _table_checks(section, name, rules)
        for name, rules in sorted(section.rules.items(), key=lambda item: _table_order(section, item[0]))
        if rules and snapshot is not None
    )
    note = ""
    if not tables:
        note = "No check could run: there is nothing to check." if snapshot is None else "No rule was applied."
    elif section.state == "failed":
        note = "Nothing new could be pulled; these checks are of the last data that could be read."
    return SourceRow(
        anchor=f"source-{section.declaration.name}",
        title=title_of(section),
        tone=tone,
        mark=mark,
        word=word,
        data=data,
        origin=("Held: " if is_held else "") + safe_origin(snapshot.origin) if snapshot else "",
        accepted="–" if snapshot is None else "none" if is_held else f"{accepted:,}{beside}",
        set_aside="–" if snapshot is None else "all" if is_held else f"{set_aside:,}{beside}",
        mend=mend,
        look=counted(section, Severity.WARNING),
        annotated=annotated_path(section),
        tables=tables,
        checks_note=note,
        plot=quality_plot(quality),
    )


def _table_order(section: SourceSection, name: str) -> tuple[int, str]:
    names = [table.name for table in section.declaration.tables]
    return (names.index(name) if name in names else len(names), name)


def _table_checks(section: SourceSection, table_name: str, rules: Sequence[Rule]) -> _TableChecks:
    """Every rule applied to a table with what it found, nothing included."""
    table = next((t for t in section.declaration.tables if t.name == table_name), None)
    severities = tuple(Severity)
    is_cut = counted(section, *severities) > len(section.findings)
    here = [finding for finding in section.findings if finding.table_name == table_name]
    load = section.snapshot.tables.get(table_name) if section.snapshot else None
    is_empty = load is None or not load.staged  # a rule that had no row to look at did not find it good
    # What reading found belongs to no rule of the list, and is listed all the same.
    left = Counter((finding.rule, finding.column_name) for finding in here)
    counts = dict(left)
    worst: dict[tuple[str, str | None], Severity] = {}
    for finding in here:
        worst.setdefault((finding.rule, finding.column_name), finding.severity)  # the worst comes first
    checks = []
    quiet = 0
    # A written rule may have become several, with words for each programme: it is one all the same.
    for rule in {(rule.id, rule.columns): rule for rule in rules}.values():
        column = rule.columns[0] if rule.columns else None  # a finding names the first of a rule's columns
        keys = [key for key in counts if key[0] == rule.id and (column is None or key[1] in (column, None))]
        count = sum(counts[key] for key in keys)
        for key in keys:
            left.pop(key, None)
        words = safe_text(rule_words(rule, table, section.declaration))
        if count:
            severity = min((worst[key] for key in keys), key=lambda one: one.rank)
            result = f"{'at least ' if is_cut else ''}{many(count, 'finding')}"
            checks.append(_Check(*marked(severity), words, result))
            continue
        quiet += 1
        if is_empty:
            checks.append(_Check("calm", "○", words, "nothing to check"))
        elif is_cut:
            checks.append(_Check("calm", "○", words, "none among the findings listed"))
        else:
            checks.append(_Check("good", "✓", words, "no finding"))
    without = "without a listed finding" if is_cut else "without a finding"
    if load is None or is_empty:
        summary = f"No row of this table came in, so {many(len(checks), 'rule')} had nothing to check"
    else:
        rows = "People" if table and table.about_people else many(load.staged, row_word(table))
        summary = f"{rows} checked against {many(len(checks), 'rule')}; {quiet:,} {without}"
    others = [
        _Check(*marked(worst[key]), safe_text(plain_words(key[0])), many(count, "finding"))
        for key, count in left.items()
    ]
    order = ("stop", "warn", "calm", "good")  # what was found first, each in the order declared
    return _TableChecks(
        safe_text(table.title if table else table_name),
        summary,
        tuple(sorted([*others, *checks], key=lambda check: order.index(check.tone))),
    )
