"""The verdict of a run: one headline, and four facts below it."""

from __future__ import annotations

from dataclasses import dataclass

from checks.report.content import DatasetSection, ReportContent, SourceSection, how_many
from checks.report.wording import listed, number, rows, title_of
from warehouse.declarations import Severity
from warehouse.messages import counted, message, sentences
from warehouse.turns import TO_MEND


@dataclass(frozen=True)
class Fact:
    """One thing to know at first sight, and where on the page it is told."""

    tone: str  # good, warn, stop, calm: a colour, always beside a mark and words
    mark: str
    text: str
    anchor: str


@dataclass(frozen=True)
class PageVerdict:
    """What the page says first."""

    tone: str
    mark: str
    word: str
    headline: str
    facts: tuple[Fact, ...]


def verdict_of(content: ReportContent) -> PageVerdict:
    """How the run went."""
    sums = _Sums.of(content)
    facts = (_published(content, sums), _holding(content), _set_aside(sums), _to_do(sums))
    return PageVerdict(*_headline(content, sums), facts)


@dataclass(frozen=True)
class _Sums:
    """Numbers over all sources and datasets."""

    staged: int  # rows
    set_aside: int  # rows
    mend: int  # findings
    look: int  # findings
    released: int  # datasets with a new version
    up: int  # datasets with any version

    @staticmethod
    def of(content: ReportContent) -> _Sums:
        loads = [load for source in content.sources for load in source.loads.values()]
        return _Sums(
            staged=sum(load.staged for load in loads),
            set_aside=sum(load.quarantined for load in loads),
            mend=sum(how_many(section, *TO_MEND) for section in content.sections),
            look=sum(how_many(section, Severity.WARNING) for section in content.sections),
            released=sum(dataset.state == "released" for dataset in content.datasets),
            up=sum(dataset.release is not None for dataset in content.datasets),
        )


def _headline(content: ReportContent, sums: _Sums) -> tuple[str, str, str, str]:
    """Tone, mark, word and sentence."""
    if stopped := _stopped(content):
        return "stop", "✕", message("Needs attention"), sentences(*stopped)
    if not sums.up and not any(source.snapshot for source in content.sources):
        return "calm", "○", message("Nothing yet"), message("Nothing has come in yet.")
    if sums.set_aside or sums.mend:
        return "warn", "!", *_gaps(sums)
    if sums.up:
        return "good", "✓", message("All well"), message("Everything was checked and is published.")
    return "good", "✓", message("All well"), message("Everything was checked; nothing is published yet.")


def _gaps(sums: _Sums) -> tuple[str, str]:
    """Word and sentence of a run that went on without everything."""
    aside = rows(sums.set_aside)
    if sums.up:
        return message("Published with gaps"), (
            message("Published, with {rows} set aside.", rows=aside)
            if sums.set_aside
            else message("Published, with things to mend.")
        )
    return message("Loaded with gaps"), (
        message("Loaded, with {rows} set aside.", rows=aside)
        if sums.set_aside
        else message("Loaded, with things to mend.")
    )


def _stopped(content: ReportContent) -> list[str]:
    """What did not go on, a sentence a kind."""

    def titles(sections: list[SourceSection] | list[DatasetSection]) -> str:
        return listed([title_of(section) for section in sections])

    said: list[str] = []
    if held := [source for source in content.sources if source.state == "held"]:
        said.append(message("Held: {titles}.", titles=titles(held)))
    if failed := [source for source in content.sources if source.state == "failed"]:
        said.append(message("Failed: {titles}.", titles=titles(failed)))
    if late := [source for source in content.sources if source.state == "late"]:
        said.append(message("Late: {titles}.", titles=titles(late)))
    if unpublished := [one for one in content.datasets if one.state in ("held", "failed")]:
        said.append(message("Not published: {titles}.", titles=titles(unpublished)))
    if content.portal_problem:
        said.append(message("The portal did not take everything."))
    if content.portal_holds:
        said.append(message("Something is held on the portal."))
    return said


def _published(content: ReportContent, sums: _Sums) -> Fact:
    released, before = sums.released, sums.up - sums.released
    words: str
    is_whole = not content.portal_problem and not content.portal_holds
    if released and not is_whole:
        words = counted(
            "{count} new version made, but not all of it is on the portal.",
            "{count} new versions made, but not all of it is on the portal.",
            released,
        )
    elif released and before:
        words = counted(
            "{count} dataset published anew; {before} as before.",
            "{count} datasets published anew; {before} as before.",
            released,
            before=before,
        )
    elif released:
        words = counted("{count} dataset published anew.", "{count} datasets published anew.", released)
    elif sums.up:
        words = counted(
            "No dataset changed; {count} is on the portal as before.",
            "No dataset changed; {count} are on the portal as before.",
            sums.up,
        )
    else:
        words = message("No dataset is published yet.")
    return _fact("warn" if not is_whole else "good" if released else "calm", words, "published")


def _holding(content: ReportContent) -> Fact:
    def sources(state: str) -> int:
        return sum(source.state == state for source in content.sources)

    def datasets(state: str) -> int:
        return sum(dataset.state == state for dataset in content.datasets)

    told = (
        counted("{count} source held", "{count} sources held", sources("held")),
        counted("{count} source failed", "{count} sources failed", sources("failed")),
        counted("{count} source late", "{count} sources late", sources("late")),
        counted("{count} source waiting", "{count} sources waiting", sources("waiting")),
        counted("{count} dataset held", "{count} datasets held", datasets("held")),
        counted("{count} dataset failed", "{count} datasets failed", datasets("failed")),
        counted("{count} dataset waiting", "{count} datasets waiting", datasets("waiting")),
    )
    halted = [one for one in told if one.number]
    words: str = message("Nothing was held.")
    if halted:
        words = message("{halted}.", halted=listed(halted, most=5))
    is_stale = any(source.stale_since for source in content.sources)
    if is_stale:
        words = sentences(words, message("Older, good data stand in."))
    return _fact("stop" if halted else "warn" if is_stale else "good", words, "held")


def _set_aside(sums: _Sums) -> Fact:
    words: str
    if sums.set_aside:
        words = message("{aside} of {rows} set aside.", aside=sums.set_aside, rows=rows(sums.staged))
    elif sums.staged:
        words = message("No row was set aside, of {rows}.", rows=number(sums.staged))
    else:
        words = message("No row was set aside.")
    return _fact("warn" if sums.set_aside else "good", words, "sources")


def _to_do(sums: _Sums) -> Fact:
    mend = counted("{count} thing to mend.", "{count} things to mend.", sums.mend)
    look = counted("{count} suggestion.", "{count} suggestions.", sums.look)
    words = sentences(
        mend if sums.mend else message("Nothing to mend."),
        look if sums.look else message("No suggestions."),
    )
    return _fact("warn" if sums.mend else "good", words, "sources" if sums.mend or sums.look else "to-do")


def _fact(tone: str, text: str, anchor: str) -> Fact:
    return Fact(tone, {"good": "✓", "warn": "!", "stop": "✕"}.get(tone, "○"), text, anchor)
