"""What was checked of a source: every rule that was applied, also where it found nothing; and what was not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from checks.report.content import SourceSection, cause_of, how_many
from checks.report.sanitising import safe_finding, safe_text
from checks.report.wording import mark_of, rows_of, rule_words, table_title
from checks.rules import Rule
from checks.rules.demands import plain_words
from warehouse.declarations import Severity, TableDeclaration
from warehouse.messages import counted, message
from warehouse.turns import TO_MEND


@dataclass(frozen=True)
class Check:
    """A rule, in words, with what it found."""

    tone: str
    mark: str
    words: str
    result: str
    is_quiet: bool


_Key = tuple[str, str | None]  # rule, column


@dataclass(frozen=True)
class TableChecks:
    """The rules on a table."""

    title: str
    summary: str
    checks: tuple[Check, ...]


def checks_of(section: SourceSection) -> tuple[TableChecks, ...]:
    """Every rule that was applied to a source's snapshot, table by table."""
    if section.snapshot is None:
        return ()
    order = [table.name for table in section.declaration.tables]
    named = sorted(section.rules, key=lambda name: (order.index(name) if name in order else len(order), name))
    return tuple(_table_checks(section, name, section.rules[name]) for name in named if section.rules[name])


def note_on(section: SourceSection, checks: Sequence[TableChecks]) -> str:
    """What is to be said of the checks as a whole; empty if nothing is."""
    if not checks:
        if section.snapshot is None:
            return message("No check could run: there is nothing to check.")
        return message("No rule was applied.")
    if section.state == "failed":
        return message("Nothing new could be pulled; these checks are of the last data that could be read.")
    return ""


class _Results:
    """What the rules on a table found."""

    def __init__(self, section: SourceSection, table_name: str) -> None:
        """Gathered from exact counts where they are known, else from the findings that are listed."""
        load = section.snapshot.tables.get(table_name) if section.snapshot else None
        self.staged = load.staged if load else 0
        known = max(len(section.findings), sum(section.causes.values()))
        self.is_cut = how_many(section, *Severity) > known
        counts = section.causes or Counter(cause_of(finding) for finding in section.findings)
        self._counts: Counter[_Key] = Counter()
        self._worst: dict[_Key, Severity] = {}
        for (severity, table, rule, column), count in sorted(counts.items(), key=lambda item: item[0][0].rank):
            if table == table_name:
                self._counts[rule, column] += count
                self._worst.setdefault((rule, column), severity)
        self._left = set(self._counts)
        self._said = {
            (raw.rule, raw.column_name): raw for raw in reversed(section.findings) if raw.table_name == table_name
        }

    def check(self, rule: Rule, words: str) -> Check:
        """What a rule found."""
        column = rule.columns[0] if rule.columns else None  # a finding names the first of a rule's columns
        keys = [key for key in self._counts if key[0] == rule.id and (column is None or key[1] in (column, None))]
        self._left.difference_update(keys)
        if not keys:
            return self._quiet(words)
        severity = min((self._worst[key] for key in keys), key=lambda one: one.rank)
        count = sum(self._counts[key] for key in keys)
        return Check(*mark_of(severity), words, self._found(count), is_quiet=False)

    def _quiet(self, words: str) -> Check:
        if not self.staged:  # a rule that had no row to look at did not find it good
            return Check("calm", "○", words, message("nothing to check"), is_quiet=True)
        if self.is_cut:
            return Check("calm", "○", words, message("none among the findings listed"), is_quiet=True)
        return Check("good", "✓", words, message("no finding"), is_quiet=True)

    def _found(self, count: int) -> str:
        if self.is_cut:
            return counted("at least {count} finding", "at least {count} findings", count)
        return counted("{count} finding", "{count} findings", count)

    def others(self, section: SourceSection) -> list[Check]:
        """What reading found: it belongs to no rule of the list, and is listed all the same."""
        made = []
        for key in sorted(self._left, key=lambda key: (self._worst[key].rank, key[0], key[1] or "")):
            raw = self._said.get(key)
            words = (
                safe_text(safe_finding(raw, section.tables)[0].message) if raw else safe_text(plain_words(key[0]))
            )
            made.append(Check(*mark_of(self._worst[key]), words, self._found(self._counts[key]), is_quiet=False))
        return made


def _table_checks(section: SourceSection, table_name: str, rules: Sequence[Rule]) -> TableChecks:
    """Every rule applied to a table with what it found, nothing included."""
    table = next((t for t in section.declaration.tables if t.name == table_name), None)
    results = _Results(section, table_name)
    # A written rule may have become several, with words for each programme: it is one all the same.
    single = {(rule.id, rule.columns): rule for rule in rules}.values()
    made = [results.check(rule, safe_text(rule_words(rule, table, section.declaration))) for rule in single]
    order = ("stop", "warn", "calm", "good")  # what was found first, each in the order declared
    return TableChecks(
        table_title(table) if table else safe_text(table_name),
        _summary(table, results, len(made), sum(check.is_quiet for check in made)),
        tuple(sorted([*results.others(section), *made], key=lambda check: order.index(check.tone))),
    )


def _summary(table: TableDeclaration | None, results: _Results, rules: int, quiet: int) -> str:
    against = counted("{count} rule", "{count} rules", rules)
    if not results.staged:
        return message("No row of this table came in, so {rules} had nothing to check.", rules=against)
    rows = message("People") if table and table.about_people else rows_of(table, results.staged)
    if results.is_cut:
        return message(
            "{rows} checked against {rules}; {quiet} without a listed finding.",
            rows=rows,
            rules=against,
            quiet=quiet,
        )
    return message(
        "{rows} checked against {rules}; {quiet} without a finding.", rows=rows, rules=against, quiet=quiet
    )


def not_checked(section: SourceSection) -> tuple[str, ...]:
    """What was not checked, and why: tables that did not come, and what was not read of those that did."""
    if section.snapshot is None:
        return ()
    said: list[str] = []
    for table in section.declaration.tables:
        load = section.snapshot.tables.get(table.name)
        if load is None or not load.staged:
            rules = len({(rule.id, rule.columns) for rule in section.rules.get(table.name, ())})
            said.append(
                counted(
                    "{table}: no row came in, so {count} rule was not asked.",
                    "{table}: no row came in, so {count} rules were not asked.",
                    rules,
                    table=table_title(table),
                )
            )
    for raw in section.findings:
        finding, field = safe_finding(raw, section.tables)
        # A column or a sheet that nobody declared, and nothing to mend: so it was left unread.
        is_column = raw.column_name is not None and field is None
        is_sheet = raw.column_name is None and raw.table_name is None and raw.sheet is not None
        if raw.severity not in TO_MEND and (is_column or is_sheet):
            said.append(safe_text(finding.message))
    return tuple(dict.fromkeys(said))
