"""The overview as its template reads it: how the run went, for who answers for the whole programme."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from checks.report.causes import Causes, causes_of
from checks.report.content import DatasetSection, ReportContent, SourceSection, how_many
from checks.report.lives import since_words
from checks.report.outcomes import Halted, Published, halted_dataset, halted_source, published
from checks.report.places import Target
from checks.report.plots import Plot, quality_plot
from checks.report.protection import ProtectedPeople, protected_people
from checks.report.sanitising import safe_link, safe_origin, safe_text
from checks.report.trends import ScoreTold, score_told, share
from checks.report.turns import Turn, turns_of
from checks.report.verdict import PageVerdict, verdict_of
from checks.report.wording import SOURCE_STATES, day_words, listed, number, title_of, who_mends
from warehouse.declarations import Severity
from warehouse.messages import message
from warehouse.quality import Dimension, title
from warehouse.turns import TO_MEND


@dataclass(frozen=True)
class SourceRow:
    """A source on the overview: a line with numbers, each of which leads to its page."""

    name: str
    title: str
    tone: str
    mark: str
    word: str
    data: str
    origin: str
    has_people: bool  # who are not counted
    accepted: str
    set_aside: str
    mend: int
    look: int
    changed: str
    page: Target
    to_rows: Target
    to_mend: Target
    to_look: Target
    plot: Plot | None
    score: ScoreTold | None
    shares: tuple[str, ...]  # of the six dimensions


@dataclass(frozen=True)
class DatasetWork:
    """What is to be mended of a dataset, or looked at."""

    anchor: str
    title: str
    whose: str
    causes: Causes


@dataclass(frozen=True)
class Overview:
    """Everything the template of the overview shows."""

    run_id: str
    occasion: str
    verdict: PageVerdict
    turns: tuple[Turn, ...]
    published: tuple[Published, ...]
    unpublished: str  # titles of datasets that have no release
    held_back: tuple[str, ...]  # datasets that are not to leave: their titles with why
    people: tuple[ProtectedPeople, ...]  # datasets about people
    halted: tuple[Halted, ...]
    sources: tuple[SourceRow, ...]
    dimensions: tuple[str, ...]  # their titles; empty if nothing is known of any source
    mend: tuple[DatasetWork, ...]
    look: tuple[DatasetWork, ...]
    portal: str
    portal_url: str | None
    portal_problem: str
    portal_holds: tuple[str, ...]
    portal_edits: tuple[str, ...]


def overview_of(content: ReportContent) -> Overview:
    """A report's content in words."""
    sources, datasets = content.sources, content.datasets
    rows = sorted((_source_row(one, content) for one in sources), key=_attention)
    return Overview(
        run_id=safe_text(content.run_id),
        occasion=occasion(content),
        verdict=verdict_of(content),
        turns=turns_of(content),
        published=tuple(published(d) for d in datasets if d.release is not None),
        unpublished=listed([title_of(d) for d in datasets if d.release is None and d.state != "held back"], 20),
        held_back=tuple(
            message("{title}: {why}", title=title_of(d), why=safe_text(d.message))
            for d in datasets
            if d.state == "held back"
        ),
        people=tuple(told for dataset in datasets if (told := protected_people(dataset)) is not None),
        halted=(
            *(halted_source(source) for source in sources if source.is_halted),
            *(halted_dataset(dataset) for dataset in datasets if dataset.is_halted),
        ),
        sources=tuple(rows),
        dimensions=tuple(title(one) for one in Dimension) if any(row.shares for row in rows) else (),
        mend=_works(datasets, "mend", TO_MEND),
        look=_works(datasets, "look", (Severity.WARNING, Severity.INFO)),
        portal=safe_text(content.portal),
        portal_url=safe_link(content.portal),
        portal_problem=safe_text(content.portal_problem),
        portal_holds=tuple(map(safe_text, content.portal_holds)),
        portal_edits=tuple(map(safe_text, content.portal_edits)),
    )


def _attention(row: SourceRow) -> tuple[int, int, int]:
    """The order of sources: those first that somebody has to look at."""
    return ("stop", "warn", "calm", "good").index(row.tone), -row.mend, -row.look


def occasion(content: ReportContent) -> str:
    """Which run the report is of."""
    day = day_words(content.day)
    return (
        message("Backfill of {day}", day=day) if content.kind == "backfill" else message("Night of {day}", day=day)
    )


def _works(
    datasets: Sequence[DatasetSection], tier: str, severities: Sequence[Severity]
) -> tuple[DatasetWork, ...]:
    return tuple(
        DatasetWork(f"{tier}-{one.declaration.name}", title_of(one), who_mends(one), causes)
        for one in datasets
        if (causes := causes_of(one, severities)) is not None
    )


def state_of(section: SourceSection) -> tuple[str, str, str]:
    """Tone, mark and word of what became of a source."""
    tone, mark, word = SOURCE_STATES.get(section.state, ("calm", "○", safe_text(section.state)))
    set_aside = sum(load.quarantined for load in section.loads.values())
    if section.snapshot is None and not section.is_halted:
        return "calm", "○", message("Nothing yet")
    if tone == "good" and (set_aside or how_many(section, *TO_MEND)):
        return "warn", "!", message("{state}, with gaps", state=word)
    return tone, mark, word


def _data(section: SourceSection) -> str:
    day = section.stale_since or (section.snapshot.data_date if section.snapshot else None)
    if day is None:
        return message("never pulled")
    return message("{day}, stand in", day=day_words(day)) if section.stale_since else day_words(day)


def data_words(section: SourceSection) -> str:
    """Which data of a source are used."""
    if section.stale_since:
        return message("Data of {day} stand in", day=day_words(section.stale_since))
    if section.snapshot is None:
        return message("Never pulled")
    return message("Data of {day}", day=day_words(section.snapshot.data_date))


def origin_words(section: SourceSection) -> str:
    """Where a source's newest snapshot came from."""
    if section.snapshot is None:
        return ""
    origin = safe_origin(section.snapshot.origin)
    return message("Held: {origin}", origin=origin) if section.is_held else origin


def _source_row(section: SourceSection, content: ReportContent) -> SourceRow:
    tone, mark, word = state_of(section)
    source = section.declaration
    plot = quality_plot(content.quality.get(source.name, ()))
    newest = section.dimensions[-1] if section.dimensions else None
    return SourceRow(
        name=source.name,
        title=title_of(section),
        tone=tone,
        mark=mark,
        word=word,
        data=_data(section),
        origin=origin_words(section),
        has_people=source.is_about_people,
        accepted=_rows(section, "accepted", message("none")),
        set_aside=_rows(section, "quarantined", message("all")),
        mend=how_many(section, *TO_MEND),
        look=how_many(section, Severity.WARNING),
        changed=_changed(section, content),
        page=Target(source, ""),
        to_rows=Target(source, "came"),
        to_mend=Target(source, "mend"),
        to_look=Target(source, "look"),
        plot=plot if plot is not None and plot.bars else None,
        score=score_told(section.score),
        shares=tuple(share(newest.share(one)) for one in Dimension) if newest else (),
    )


def _rows(section: SourceSection, which: str, held: str) -> str:
    if section.snapshot is None:
        return "–"
    if section.is_held:
        return held
    count = number(sum(getattr(load, which) for load in section.loads.values()))
    return count if section.loads or not section.declaration.is_about_people else "–"


def _changed(section: SourceSection, content: ReportContent) -> str:
    made = section.changes
    if made is None or not made.tally.open_then:
        return ""
    fixed, then = made.tally.fixed, made.tally.open_then
    since = since_words(made.since, content.day)
    return message("{fixed} of {then} fixed {since}.", fixed=fixed, then=then, since=since)
