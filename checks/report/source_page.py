"""A source's page as its template reads it: for the one who keeps the file, what is to be done first."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from checks.report.causes import Causes, causes_of
from checks.report.checks_made import TableChecks, checks_of, not_checked, note_on
from checks.report.content import ReportContent, SourceSection, how_many
from checks.report.doubtful import Doubtful, doubtful
from checks.report.lives import Changed, Told, accepted, changed
from checks.report.outcomes import stands_in, why
from checks.report.overview import data_words, occasion, origin_words, state_of
from checks.report.places import Cells, in_few_words
from checks.report.plots import Plot, quality_plot
from checks.report.sanitising import clean, safe_text, safe_value, shortened
from checks.report.trends import ScoreTold, Trend, score_told, trend_of
from checks.report.turns import Task, calls_of_source
from checks.report.wording import (
    annotated_path,
    field_title,
    number,
    rows,
    standing_in,
    table_title,
    title_of,
    who_mends,
)
from warehouse.declarations import Contact, Severity, TableDeclaration
from warehouse.ledger import CorrectedCell, TableLoad
from warehouse.messages import counted, message
from warehouse.turns import TO_MEND


@dataclass(frozen=True)
class Came:
    """What came of a table, and what became of its rows."""

    title: str
    staged: str
    accepted: str
    set_aside: str
    where: tuple[Cells, ...]  # the rows that were set aside


@dataclass(frozen=True)
class Correction:
    """A publisher's known error that was mended on the way in."""

    where: str
    old: str
    new: str
    cells: tuple[Cells, ...]
    reason: str
    evidence: str


@dataclass(frozen=True)
class Answers:
    """Who answers questions. ``link`` writes to them, where that can be."""

    name: str
    email: str
    link: str | None


@dataclass(frozen=True)
class SourcePage:
    """Everything the template of a source's page shows."""

    name: str
    run_id: str
    occasion: str
    title: str
    tone: str
    mark: str
    word: str
    headline: str
    is_halted: bool
    why: str  # why it did not go on; else what is to be known though it did, which may be empty
    meanwhile: str
    data: str
    origin: str
    whose: str
    tasks: tuple[Task, ...]
    changed: Changed | None
    mend: Causes | None
    look: Causes | None
    know: Causes | None
    annotated: str | None
    came: tuple[Came, ...]
    stays: str  # what stands in for what was refused
    trend: Trend | None
    plot: Plot | None
    score: ScoreTold | None
    corrections: tuple[Correction, ...]
    not_checked: tuple[str, ...]
    checks: tuple[TableChecks, ...]
    checks_note: str
    accepted: tuple[Told, ...]
    doubtful: Doubtful | None
    has_people: bool
    contact: Answers | None


def source_page(section: SourceSection, content: ReportContent) -> SourcePage:
    """What a source's page says."""
    tone, mark, word = state_of(section)
    checks = checks_of(section)
    return SourcePage(
        name=section.declaration.name,
        run_id=safe_text(content.run_id),
        occasion=occasion(content),
        title=title_of(section),
        tone=tone,
        mark=mark,
        word=word,
        headline=_headline(section),
        is_halted=section.is_halted,
        why=why(section) if section.is_halted else safe_text(section.message),
        meanwhile=stands_in(section) if section.is_halted else "",
        data=data_words(section),
        origin=origin_words(section),
        whose=who_mends(section),
        tasks=tuple(task for task in _tasks(section) if task.target.anchor not in ("mend", "look")),
        changed=changed(section, content.day),
        mend=causes_of(section, TO_MEND),
        look=causes_of(section, (Severity.WARNING,)),
        know=causes_of(section, (Severity.INFO,)),
        annotated=annotated_path(section),
        came=_came(section),
        stays=standing_in(list(section.loads.values())),
        trend=trend_of(section.dimensions),
        plot=quality_plot(content.quality.get(section.declaration.name, ())),
        score=score_told(section.score),
        corrections=_corrections(section),
        not_checked=not_checked(section),
        checks=checks,
        checks_note=note_on(section, checks),
        accepted=accepted(section),
        doubtful=doubtful(section),
        has_people=section.declaration.is_about_people,
        contact=_contact(section, content),
    )


def _tasks(section: SourceSection) -> list[Task]:
    return [call.task for call in calls_of_source(section)]


def _headline(section: SourceSection) -> str:
    """The verdict in a sentence."""
    mend = how_many(section, *TO_MEND)
    loads = list(section.loads.values())
    set_aside = sum(load.quarantined for load in loads)
    if section.state in _HEADLINES:
        return _HEADLINES[section.state]
    if section.snapshot is None:
        return message("Nothing has come in yet.")
    if set_aside:
        return message(
            "Taken in, with {aside} of {rows} set aside until they are mended.",
            aside=set_aside,
            rows=rows(sum(load.staged for load in loads)),
        )
    if mend:
        return counted("Taken in, with {count} thing to mend.", "Taken in, with {count} things to mend.", mend)
    return message("Everything was checked, and there is nothing to mend.")


_HEADLINES = {
    "held": message("The whole delivery was held: none of its rows went on."),
    "failed": message("Nothing new could be read."),
    "late": message("New data were due, and have not come."),
    "waiting": message("Nothing has come in yet."),
}


def _came(section: SourceSection) -> tuple[Came, ...]:
    """Table by table what came; of tables about people nothing, they are in ``loads`` neither."""
    places: dict[str, dict[tuple[str, str, str], set[int]]] = {}
    for one in section.set_aside:
        if one.row_number is not None:
            sheets = places.setdefault(one.table_name, {})
            sheets.setdefault((one.file or "", one.sheet or "", ""), set()).add(one.row_number)
    return tuple(
        _came_of(table, load, in_few_words(places.get(table.name, {})))
        for table in section.declaration.tables
        if (load := section.loads.get(table.name)) is not None
    )


def _came_of(table: TableDeclaration, load: TableLoad, where: tuple[Cells, ...]) -> Came:
    return Came(
        title=table_title(table),
        staged=number(load.staged),
        accepted=number(load.accepted),
        set_aside=number(load.quarantined),
        where=where,
    )


def _corrections(section: SourceSection) -> tuple[Correction, ...]:
    """The corrections that were applied, each with all cells it mended."""
    together: dict[tuple[str, ...], list[CorrectedCell]] = {}
    for one in section.corrected:
        key = (one.table_name, one.column_name, one.old_value, one.new_value, one.reason, one.evidence)
        together.setdefault(key, []).append(one)
    return tuple(_correction(cells, section) for cells in together.values())


def _correction(cells: Sequence[CorrectedCell], section: SourceSection) -> Correction:
    one = cells[0]
    table = next((table for table in section.tables if table.name == one.table_name), None)
    field = next((field for field in table.fields if field.name == one.column_name), None) if table else None
    is_shown = field is not None and not field.is_withheld
    column = field_title(field) if field else shortened(clean(one.column_name), 80)
    rows: dict[tuple[str, str, str], set[int]] = {}
    for cell in cells:
        if cell.row_number is not None and is_shown:
            letter = section.letters.get((cell.file, cell.sheet, cell.column_name), "")
            rows.setdefault((cell.file or "", cell.sheet or "", letter), set()).add(cell.row_number)
    return Correction(
        where=message("{table}, {column}", table=table_title(table), column=column) if table else column,
        old=safe_value(one.old_value) if is_shown else message("(withheld)"),
        new=safe_value(one.new_value) if is_shown else message("(withheld)"),
        cells=in_few_words(rows),
        reason=safe_text(one.reason),
        evidence=safe_text(one.evidence),
    )


def _contact(section: SourceSection, content: ReportContent) -> Answers | None:
    """Who answers questions: the publisher's contact, else that of most datasets."""
    contacts: list[Contact] = [one.declaration.entry.contact for one in content.datasets]
    contact = section.declaration.publisher.contact or max(contacts, key=contacts.count, default=None)
    if contact is None:
        return None
    email = shortened(clean(contact.email), 100)
    is_address = re.fullmatch(r"[A-Za-z0-9._+-]+@[A-Za-z0-9.-]+", email)
    return Answers(safe_text(contact.name), email, f"mailto:{email}" if is_address else None)
