"""What is published of datasets about people, and what is not: no more than the published files tell anybody.

How many cells are missing follows from the files. Why one of them is missing, how many people are in it, and how
many have come or gone since, does not, and is not said here either.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from checks.report.content import DatasetSection
from checks.report.sanitising import safe_text
from checks.report.wording import day_words, many, percent, title_of
from warehouse import reference
from warehouse.declarations import FieldDeclaration
from warehouse.protection import Protection

_ROWS_SHOWN = 12  # tables of a dataset; the others are folded away
_WARNINGS_SHOWN = 50

STATES = {
    "new": ("good", "✓", "Published anew"),
    "same": ("good", "✓", "Unchanged"),
    "stands": ("calm", "○", "Stands: next update when enough changed"),
    "withheld": ("warn", "!", "Withheld: nothing could be released with proof"),
    "kept": ("calm", "○", "Kept: the answers are deleted"),
}


@dataclass(frozen=True)
class _Row:
    """The table of one population and period, in words."""

    names: tuple[str, ...]
    tone: str
    mark: str
    word: str
    published: str
    suppressed: str
    as_of: str


@dataclass(frozen=True)
class ProtectedPeople:
    """A dataset about people: the rule, what it costs, and table by table what became of it."""

    anchor: str
    title: str
    rule: str
    summary: str
    headings: tuple[str, ...]
    rows: tuple[_Row, ...]
    folded: tuple[_Row, ...]
    warnings: tuple[str, ...]
    more_warnings: int  # that are not listed


def protected_people(section: DatasetSection) -> ProtectedPeople | None:
    """What became of a dataset's people; None of a dataset that declares none, or that was not decided upon."""
    declared, found = section.declaration.entry.disclosure, section.protection
    if declared is None or not found:
        return None
    fields = {field.name: field for field in section.declaration.table.fields}
    columns = [(column, fields.get(column)) for column in declared.period]
    ordered = sorted(found, key=lambda one: (one.state != "withheld", one.period))
    rows = tuple(_row(one, [field for _, field in columns]) for one in ordered)
    said = list(dict.fromkeys(_warning(one, words) for one in found for words in one.warnings))
    counts, below = safe_text(declared.counts), declared.protects_below
    return ProtectedPeople(
        anchor=f"people-{section.declaration.name}",
        title=title_of(section),
        rule=f"What is counted: {counts}. Where there are fewer than {below} and at least one, the number is not"
        " published, and neither is any other from which it could be worked out.",
        summary=_summary(found),
        headings=tuple(safe_text(field.title if field else column) for column, field in columns),
        rows=rows[:_ROWS_SHOWN],
        folded=rows[_ROWS_SHOWN:],
        warnings=tuple(said[:_WARNINGS_SHOWN]),
        more_warnings=max(0, len(said) - _WARNINGS_SHOWN),
    )


def _summary(found: Sequence[Protection]) -> str:
    cells, suppressed = sum(one.cells for one in found), sum(one.suppressed for one in found)
    words = f"{cells - suppressed:,} of {many(cells, 'number')} in {many(len(found), 'table')} published"
    if suppressed:
        return f"{words}; {suppressed:,} suppressed ({percent(suppressed, cells)})."
    return f"{words}; none had to be suppressed."


def _row(one: Protection, fields: Sequence[FieldDeclaration | None]) -> _Row:
    tone, mark, word = STATES[one.state]
    pairs = zip(one.period, [*fields, *[None] * len(one.period)], strict=False)
    return _Row(
        names=tuple(_in_words(value, field) for value, field in pairs),
        tone=tone,
        mark=mark,
        word=word,
        published=f"{one.cells - one.suppressed:,} of {one.cells:,}" if one.cells else "nothing",
        suppressed=f"{one.suppressed:,}" if one.cells else "",
        as_of=day_words(one.as_of) if one.as_of else "nothing is published",
    )


def _in_words(value: str, field: FieldDeclaration | None) -> str:
    """A code by its title, anything else as it is."""
    if field is None or not field.label_list:
        return safe_text(value)
    meaning = reference.code_lists()[field.label_list].codes.get(value)
    return safe_text(meaning.title if meaning else value)


def _warning(one: Protection, words: str) -> str:
    return safe_text(f"{', '.join(one.period)}: {words}")
