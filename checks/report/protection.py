"""What is published of datasets about people, and what is not: no more than the published files tell anybody.

How many cells are missing follows from the files. Why one of them is missing, how many people are in it, and how
many have come or gone since, does not, and is not said here either.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from checks.report.content import DatasetSection
from checks.report.sanitising import safe_text
from checks.report.wording import day_words, field_title, number, percent, title_of
from warehouse import reference
from warehouse.declarations import FieldDeclaration
from warehouse.messages import counted, message
from warehouse.protection import Protection

_ROWS_SHOWN = 12  # tables of a dataset; the others are folded away
_WARNINGS_SHOWN = 50

STATES = {
    "new": ("good", "✓", message("Published anew")),
    "same": ("good", "✓", message("Unchanged")),
    "stands": ("calm", "○", message("Stands: next update when enough changed")),
    "withheld": ("warn", "!", message("Withheld: nothing could be released with proof")),
    "kept": ("calm", "○", message("Kept: the answers are deleted")),
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
        rule=message(
            "What is counted: {counts}. Where there are fewer than {below} and at least one, the number is not"
            " published, and neither is any other from which it could be worked out.",
            counts=counts,
            below=below,
        ),
        summary=_summary(found),
        headings=tuple(field_title(field) if field else safe_text(column) for column, field in columns),
        rows=rows[:_ROWS_SHOWN],
        folded=rows[_ROWS_SHOWN:],
        warnings=tuple(said[:_WARNINGS_SHOWN]),
        more_warnings=max(0, len(said) - _WARNINGS_SHOWN),
    )


def _summary(found: Sequence[Protection]) -> str:
    cells, suppressed = sum(one.cells for one in found), sum(one.suppressed for one in found)
    published = counted(
        "{published} of {count} number", "{published} of {count} numbers", cells, published=cells - suppressed
    )
    tables = counted("{count} table", "{count} tables", len(found))
    if not suppressed:
        return message(
            "{numbers} in {tables} published; none had to be suppressed.", numbers=published, tables=tables
        )
    return message(
        "{numbers} in {tables} published; {suppressed} suppressed ({share}).",
        numbers=published,
        tables=tables,
        suppressed=suppressed,
        share=percent(suppressed, cells),
    )


def _row(one: Protection, fields: Sequence[FieldDeclaration | None]) -> _Row:
    tone, mark, word = STATES[one.state]
    pairs = zip(one.period, [*fields, *[None] * len(one.period)], strict=False)
    return _Row(
        names=tuple(_in_words(value, field) for value, field in pairs),
        tone=tone,
        mark=mark,
        word=word,
        published=message("{part} of {whole}", part=one.cells - one.suppressed, whole=one.cells)
        if one.cells
        else message("nothing"),
        suppressed=number(one.suppressed) if one.cells else "",
        as_of=day_words(one.as_of) if one.as_of else message("nothing is published"),
    )


def _in_words(value: str, field: FieldDeclaration | None) -> str:
    """A code by its title, anything else as it is."""
    if field is None or not field.label_list:
        return safe_text(value)
    meaning = reference.code_lists()[field.label_list].codes.get(value)
    return safe_text(meaning.title if meaning else value)


def _warning(one: Protection, words: str) -> str:
    return message("{period}: {words}", period=safe_text(", ".join(one.period)), words=safe_text(words))
