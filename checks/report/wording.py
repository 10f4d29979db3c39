"""Words of the report: dates, counts, lists, and what is said of sources, datasets and rules alike."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import date

from checks.report.content import DatasetSection, Section, SourceSection
from checks.report.sanitising import clean, safe_text, shortened
from checks.rules import Rule
from checks.rules.demands import Reference
from warehouse.declarations import Severity, SourceDeclaration, TableDeclaration
from warehouse.ledger import TableLoad
from warehouse.turns import TO_MEND

OPERATOR = "The operator"
_MONTHS = {  # not strftime: its names depend on the machine's language
    1: "January", 2: "February", 3: "March", 4: "April", 5: "May", 6: "June", 7: "July", 8: "August",
    9: "September", 10: "October", 11: "November", 12: "December",
}  # fmt: skip


def day_words(day: date | str) -> str:
    """A date in words: 9 November 2026. What is no date stays as it is."""
    if isinstance(day, str):
        try:
            return day_words(date.fromisoformat(day[:10]))
        except ValueError:
            return shortened(clean(day), 40)
    return f"{day.day} {_MONTHS[day.month]} {day.year}"


def many(count: int, word: str) -> str:
    """A count with its noun: 1 row, 2 rows, 0 companies."""
    return f"{count:,} {word if count == 1 else _plural(word)}"


def _plural(word: str) -> str:
    if re.search(r"[^aeiou]y$", word):
        return word[:-1] + "ies"
    return word + ("es" if re.search(r"(s|x|z|ch|sh)$", word) else "s")


def row_word(table: TableDeclaration | None) -> str:
    """What to call a row: "pilot" for a "pilot of one service", or "row" where it is not said that plainly."""
    words = table.each_row_is_a.strip() if table else ""
    head = re.split(r"\s(?:of|in|at|on|for|from|to|by|as|with|per|that|which|who|where)\b", words)[0]
    return head if re.fullmatch(r"[a-z]{3,20}( [a-z]{3,20})?", head) else "row"


def listed(words: Sequence[str], most: int = 3) -> str:
    """Words in a sentence: a, b and c; or a, b, c and 4 more."""
    words = list(words) if len(words) <= most + 1 else [*words[:most], f"{len(words) - most} more"]
    return " and ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else "".join(words)


def percent(part: int, whole: int) -> str:
    """A share in words: 2.5 %."""
    if not part or not whole:
        return "0 %"
    share = 100 * part / whole
    return "under 0.1 %" if share < 0.1 else f"{share:.1f} %"


def rule_words(rule: Rule, table: TableDeclaration | None, source: SourceDeclaration) -> str:
    """What a rule demands, as a sentence about good rows."""
    titles = {field.name: field.title for field in table.fields} if table else {}
    demand = rule.demand
    if isinstance(demand, Reference):
        there = next((other.title for other in source.tables if other.name == demand.table), demand.there)
        demand = replace(demand, there=there)
    return demand.kept(listed([titles.get(name, name) for name in rule.columns], most=4))


def title_of(section: Section) -> str:
    """The title of a source or a dataset."""
    declaration = section.declaration
    return safe_text(declaration.title if isinstance(declaration, SourceDeclaration) else declaration.entry.title)


def who_mends(section: Section) -> str:
    """Who must act on findings."""
    if isinstance(section, DatasetSection):
        return safe_text(section.declaration.entry.contact.name)
    publisher = safe_text(section.declaration.publisher.title)
    return f"{publisher}: whoever keeps the workbook" if section.is_handed_in else f"{publisher}, at the source"


def annotated_path(section: SourceSection) -> str | None:
    """Where below the home the annotated workbook lies, if there is one."""
    return shortened(clean(section.annotated or ""), 200) or None


def standing_in(loads: Sequence[TableLoad]) -> str:
    """What became of records whose row was refused, and of rows with a wrong cell."""
    held, cells = sum(load.held for load in loads), sum(load.held_cells for load in loads)
    words = ""
    if held:
        words += f" {many(held, 'record')} {'stands' if held == 1 else 'stand'} as last known, marked as held."
    if cells:
        words += f" {many(cells, 'wrong cell')} {'was' if cells == 1 else 'were'} left empty; the rows went on."
    if any(load.staged and not load.is_whole for load in loads):
        words += " What the delivery lacks was not taken as gone: nobody can say whose the unreadable rows are."
    return words


DATASET_STATES = {
    "released": ("good", "✓", "New version"),
    "unchanged": ("good", "✓", "Unchanged"),
    "held": ("stop", "✕", "Held"),
    "waiting": ("warn", "!", "Waiting"),
    "held back": ("calm", "○", "Held back"),
    "failed": ("stop", "✕", "Failed"),
}
SOURCE_STATES = {
    "loaded": ("good", "✓", "Loaded"),
    "unchanged": ("good", "✓", "Unchanged"),
    "held": ("stop", "✕", "Held"),
    "failed": ("stop", "✕", "Failed"),
    "late": ("warn", "!", "Late"),
    "waiting": ("calm", "○", "Waiting"),
}


def marked(severity: Severity) -> tuple[str, str]:
    """The tone and the mark of a finding."""
    if severity in TO_MEND:
        return "stop", "✕"
    return ("warn", "!") if severity is Severity.WARNING else ("calm", "○")
