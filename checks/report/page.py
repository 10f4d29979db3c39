"""The page as the template reads it: every text fit to be shown, nothing left to be decided."""

from __future__ import annotations

from dataclasses import dataclass

from checks.report.content import ReportContent, counted
from checks.report.doubtful import Doubtful, doubtful
from checks.report.outcomes import Halted, Published, halted_dataset, halted_source, published
from checks.report.protection import ProtectedPeople, protected_people
from checks.report.sanitising import safe_link, safe_text
from checks.report.source_rows import SourceRow, source_row
from checks.report.turns import Turn, turns_of
from checks.report.verdict import PageVerdict, verdict_of
from checks.report.wording import day_words, title_of
from checks.report.work import Work, work_on
from warehouse.declarations import Severity
from warehouse.turns import TO_MEND


@dataclass(frozen=True)
class Page:
    """Everything the template shows."""

    run_id: str
    occasion: str
    verdict: PageVerdict
    turns: tuple[Turn, ...]
    published: tuple[Published, ...]
    unpublished: tuple[str, ...]
    held_back: tuple[str, ...]  # datasets that are not to leave: their titles with why
    people: tuple[ProtectedPeople, ...]  # datasets about people
    halted: tuple[Halted, ...]
    sources: tuple[SourceRow, ...]
    mend: tuple[Work, ...]
    look: tuple[Work, ...]
    know: tuple[Work, ...]
    doubtful: tuple[Doubtful, ...]
    clear: tuple[str, ...]  # titles of sources without anything to mend
    portal: str
    portal_url: str | None
    portal_problem: str


def page_of(content: ReportContent) -> Page:
    """A report's content in words."""
    sources, datasets = content.sources, content.datasets
    works = {
        tier: tuple(
            work for section in content.sections if (work := work_on(section, tier, severities)) is not None
        )
        for tier, severities in (("mend", TO_MEND), ("look", (Severity.WARNING,)), ("know", (Severity.INFO,)))
    }
    occasion = "Backfill" if content.kind == "backfill" else "Night"
    return Page(
        run_id=content.run_id,
        occasion=f"{occasion} of {day_words(content.day)}",
        verdict=verdict_of(content),
        turns=turns_of(content),
        published=tuple(published(d) for d in datasets if d.release is not None),
        unpublished=tuple(title_of(d) for d in datasets if d.release is None and d.state != "held back"),
        held_back=tuple(f"{title_of(d)}: {safe_text(d.message)}" for d in datasets if d.state == "held back"),
        people=tuple(told for dataset in datasets if (told := protected_people(dataset)) is not None),
        halted=(
            *(halted_source(source) for source in sources if source.is_halted),
            *(halted_dataset(dataset) for dataset in datasets if dataset.is_halted),
        ),
        sources=tuple(source_row(s, content.quality.get(s.declaration.name, ())) for s in sources),
        mend=works["mend"],
        look=works["look"],
        know=works["know"],
        doubtful=tuple(one for source in sources if (one := doubtful(source)) is not None),
        clear=tuple(safe_text(s.declaration.title) for s in sources if s.snapshot and not counted(s, *TO_MEND)),
        portal=safe_text(content.portal),
        portal_url=safe_link(content.portal),
        portal_problem=safe_text(content.portal_problem),
    )
