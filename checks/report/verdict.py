"""The verdict of a run: one headline, and four facts below it."""

from __future__ import annotations

from dataclasses import dataclass

from checks.report.content import ReportContent, counted
from checks.report.wording import listed, many, standing_in, title_of
from warehouse.declarations import Severity
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
    facts = (_published(content, sums), _holding(content), _set_aside(content, sums), _to_do(sums))
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
            mend=sum(counted(section, *TO_MEND) for section in content.sections),
            look=sum(counted(section, Severity.WARNING) for section in content.sections),
            released=sum(dataset.state == "released" for dataset in content.datasets),
            up=sum(dataset.release is not None for dataset in content.datasets),
        )


def _headline(content: ReportContent, sums: _Sums) -> tuple[str, str, str, str]:
    """Tone, mark, word and sentence."""
    if stopped := _stopped(content):
        return "stop", "✕", "Needs attention", " ".join(stopped)
    if not sums.up and not any(source.snapshot for source in content.sources):
        return "calm", "○", "Nothing yet", "Nothing has come in yet."
    if sums.set_aside or sums.mend:
        verb = "Published" if sums.up else "Loaded"
        aside = f"with {many(sums.set_aside, 'row')} set aside." if sums.set_aside else "with things to mend."
        return "warn", "!", f"{verb} with gaps", f"{verb}, {aside}"
    end = "and is published." if sums.up else "nothing is published yet."
    return "good", "✓", "All well", f"Everything was checked{' ' if sums.up else '; '}{end}"


def _stopped(content: ReportContent) -> list[str]:
    """What did not go on, a sentence a kind."""
    stopped = {
        "Held": [title_of(source) for source in content.sources if source.state == "held"],
        "Failed": [title_of(source) for source in content.sources if source.state == "failed"],
        "Late": [title_of(source) for source in content.sources if source.state == "late"],
        "Not published": [title_of(one) for one in content.datasets if one.state in ("held", "failed")],
    }
    problem = ["The portal did not take everything."] if content.portal_problem else []
    return [*(f"{word}: {listed(titles)}." for word, titles in stopped.items() if titles), *problem]


def _published(content: ReportContent, sums: _Sums) -> Fact:
    released, up = sums.released, sums.up
    if released and content.portal_problem:
        words = f"{many(released, 'new version')} made, but not all of it is on the portal."
    elif released:
        new = f"{many(released, 'dataset')} published anew"
        words = f"{new}; {up - released:,} as before." if up > released else f"{new}."
    elif up:
        words = f"No dataset changed; {up:,} {'is' if up == 1 else 'are'} on the portal as before."
    else:
        words = "No dataset is published yet."
    return _fact("warn" if content.portal_problem else "good" if released else "calm", words, "published")


def _holding(content: ReportContent) -> Fact:
    halted = [
        f"{many(number, kind)} {state}"
        for kind, sections in (("source", content.sources), ("dataset", content.datasets))
        for state in ("held", "failed", "late", "waiting")
        if (number := sum(section.state == state for section in sections))
    ]
    words = f"{listed(halted, most=5)}." if halted else "Nothing was held."
    is_stale = any(source.stale_since for source in content.sources)
    if is_stale:
        words += " Older, good data stand in."
    return _fact("stop" if halted else "warn" if is_stale else "good", words, "held")


def _set_aside(content: ReportContent, sums: _Sums) -> Fact:
    if sums.set_aside:
        words = f"{sums.set_aside:,} of {many(sums.staged, 'row')} set aside."
    else:
        words = f"No row was set aside, of {sums.staged:,}." if sums.staged else "No row was set aside."
    words += standing_in([load for source in content.sources for load in source.loads.values()])
    return _fact("warn" if sums.set_aside else "good", words, "sources")


def _to_do(sums: _Sums) -> Fact:
    words = f"{many(sums.mend, 'thing')} to mend." if sums.mend else "Nothing to mend."
    words += f" {many(sums.look, 'suggestion')}." if sums.look else " No suggestions."
    return _fact("warn" if sums.mend else "good", words, "to-do")


def _fact(tone: str, text: str, anchor: str) -> Fact:
    return Fact(tone, {"good": "✓", "warn": "!", "stop": "✕"}.get(tone, "○"), text, anchor)
