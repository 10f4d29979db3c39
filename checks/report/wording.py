"""Words of the report: dates, counts, lists, and what is said of sources, datasets and rules alike.

All of them are messages: the page says them in its language when it is written.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import date

from checks.report.content import DatasetSection, Section, SourceSection
from checks.report.sanitising import clean, safe_text, shortened
from checks.rules import Rule
from checks.rules.demands import Reference
from warehouse import messages as texts
from warehouse.declarations import FieldDeclaration, Severity, SourceDeclaration, TableDeclaration
from warehouse.ledger import TableLoad
from warehouse.messages import Language, Message, counted, in_languages, message, said_in, sentences
from warehouse.turns import TO_MEND

OPERATOR = message("The operator")
NUMBER, DAY = "{number}", "{day}"  # no catalogue has them: they are alike in every language


def number(count: int | float) -> Message:
    """A number, with the separators of the language in which it is said."""
    return Message(NUMBER, {"number": count})


def day_words(day: date | str) -> str:
    """A date in words: 9 November 2026. What is no date stays as it is."""
    if isinstance(day, str):
        try:
            return day_words(date.fromisoformat(day[:10]))
        except ValueError:
            return shortened(clean(day), 40)
    return Message(DAY, {"day": day})


def rows(count: int) -> Message:
    """So many rows."""
    return counted("{count} row", "{count} rows", count)


def rows_of(table: TableDeclaration | None, count: int) -> str:
    """So many rows by what they are: 63 pilots. Only English has the words: elsewhere they are rows."""
    word = _row_word(table)
    if word == "row":
        return rows(count)
    return in_languages(
        f"{count:,} {word if count == 1 else _plural(word)}", finnish=said_in(rows(count), Language.FINNISH)
    )


def _plural(word: str) -> str:
    if re.search(r"[^aeiou]y$", word):
        return word[:-1] + "ies"
    return word + ("es" if re.search(r"(s|x|z|ch|sh)$", word) else "s")


def _row_word(table: TableDeclaration | None) -> str:
    """What to call a row: "pilot" for a "pilot of one service", or "row" where it is not said that plainly."""
    words = table.each_row_is_a.strip() if table else ""
    head = re.split(r"\s(?:of|in|at|on|for|from|to|by|as|with|per|that|which|who|where)\b", words)[0]
    return head if re.fullmatch(r"[a-z]{3,20}( [a-z]{3,20})?", head) else "row"


def listed(words: Sequence[str], most: int = 3) -> str:
    """Words in a sentence: a, b and c; or a, b, c and 4 more."""
    if len(words) > most + 1:
        rest = len(words) - most
        words = [*words[:most], counted("{count} more", "{count} more", rest)]
    return texts.listed(words)


def percent(part: float, whole: float) -> str:
    """A share in words: 2.5 %."""
    if not part or not whole:
        return message("{share} %", share=0)
    share = 100 * part / whole
    if share < 0.1:
        return message("under {share} %", share=0.1)
    rounded = round(share, 1)
    if rounded == 100 and part < whole:
        return message("over {share} %", share=99.9)
    return message("{share} %", share=int(rounded) if rounded.is_integer() else rounded)


def rule_words(rule: Rule, table: TableDeclaration | None, source: SourceDeclaration) -> str:
    """What a rule demands, as a sentence about good rows."""
    fields = {field.name: field for field in table.fields} if table else {}
    demand = rule.demand
    if isinstance(demand, Reference):
        there = next((table_title(other) for other in source.tables if other.name == demand.table), demand.there)
        demand = replace(demand, there=there)
    columns = [field_title(fields[name]) if name in fields else name for name in rule.columns]
    return rule.demands or demand.kept(listed(columns, most=4))


def title_of(section: Section) -> str:
    """The title of a source or a dataset."""
    declaration = section.declaration
    if isinstance(declaration, SourceDeclaration):
        return _titled(declaration.title, declaration.title_fi)
    finnish = next((one.title for one in declaration.translations if one.language == Language.FINNISH.value), "")
    return _titled(declaration.entry.title, finnish)


def table_title(table: TableDeclaration) -> str:
    """What a table is called."""
    return _titled(table.title, table.title_fi)


def field_title(field: FieldDeclaration) -> str:
    """What a column is called where nobody knows its header."""
    return _titled(field.title, field.title_fi)


def _titled(english: str, finnish: str) -> str:
    return in_languages(safe_text(english), finnish=safe_text(finnish))


def who_mends(section: Section) -> str:
    """Who must act on findings."""
    if isinstance(section, DatasetSection):
        return safe_text(section.declaration.entry.contact.name)
    publisher = safe_text(section.declaration.publisher.title)
    if section.is_handed_in:
        return message("{publisher}: whoever keeps the workbook", publisher=publisher)
    return message("{publisher}, at the source", publisher=publisher)


def annotated_path(section: SourceSection) -> str | None:
    """Where below the home the annotated workbook lies, if there is one."""
    return shortened(clean(section.annotated or ""), 200) or None


def standing_in(loads: Sequence[TableLoad]) -> str:
    """What became of records whose row was refused, and of rows with a wrong cell; empty if nothing did."""
    held, cells = sum(load.held for load in loads), sum(load.held_cells for load in loads)
    words = []
    if held:
        words.append(
            counted(
                "{count} record stands as last known, marked as held.",
                "{count} records stand as last known, marked as held.",
                held,
            )
        )
    if cells:
        words.append(
            counted(
                "{count} wrong cell was left empty; the rows went on.",
                "{count} wrong cells were left empty; the rows went on.",
                cells,
            )
        )
    if any(load.staged and not load.is_whole for load in loads):
        words.append(
            message("What the delivery lacks was not taken as gone: nobody can say whose the unreadable rows are.")
        )
    return sentences(*words) if words else ""


DATASET_STATES = {
    "released": ("good", "✓", message("New version")),
    "unchanged": ("good", "✓", message("Unchanged")),
    "held": ("stop", "✕", message("Held")),
    "waiting": ("warn", "!", message("Waiting")),
    "held back": ("calm", "○", message("Held back")),
    "failed": ("stop", "✕", message("Failed")),
}
SOURCE_STATES = {
    "loaded": ("good", "✓", message("Loaded")),
    "unchanged": ("good", "✓", message("Unchanged")),
    "held": ("stop", "✕", message("Held")),
    "failed": ("stop", "✕", message("Failed")),
    "late": ("warn", "!", message("Late")),
    "waiting": ("calm", "○", message("Waiting")),
}


def mark_of(severity: Severity) -> tuple[str, str]:
    """The tone and the mark of a finding."""
    if severity in TO_MEND:
        return "stop", "✕"
    return ("warn", "!") if severity is Severity.WARNING else ("calm", "○")
