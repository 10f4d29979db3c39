"""Whose turn it is: who must act, and on what."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from checks.report.content import DatasetSection, ReportContent, Section, SourceSection, how_many
from checks.report.places import Target
from checks.report.wording import OPERATOR, title_of, who_mends
from warehouse.declarations import Severity
from warehouse.messages import counted, message
from warehouse.turns import OURS, TO_MEND, Found, Step, Whose, steps_of


@dataclass(frozen=True)
class Task:
    """Something to do, and where it is told."""

    text: str
    target: Target


@dataclass(frozen=True)
class Turn:
    """Somebody with what they have to do."""

    who: str
    note: str
    tasks: tuple[Task, ...]


@dataclass(frozen=True)
class _Call:
    """One task with who it falls to. ``urgency``: 0 is the most urgent."""

    who: str
    urgency: int
    title: str
    words: str
    target: Target
    note: str = field(default="", kw_only=True)

    @property
    def task(self) -> Task:
        return Task(message("{title}: {task}", title=self.title, task=self.words), self.target)


def turns_of(content: ReportContent) -> tuple[Turn, ...]:
    """Who must act, and on what; people with something to mend before those with something to look at."""
    calls = [
        *(call for source in content.sources for call in calls_of_source(source)),
        *(call for dataset in content.datasets for call in _calls_of_dataset(dataset)),
    ]
    if content.portal_problem:
        words = message("publish again once it answers")
        calls.append(_Call(OPERATOR, 0, message("The portal"), words, Target(None, "portal")))
    if content.portal_holds:
        words = message("find out why it is held there, and decide")
        calls.append(_Call(OPERATOR, 1, message("The portal"), words, Target(None, "portal-holds")))
    together: dict[tuple[str, str], list[_Call]] = {}
    for call in calls:
        together.setdefault((call.who, call.note), []).append(call)
    for own in together.values():
        own.sort(key=lambda call: call.urgency)
    ordered = sorted(together.values(), key=lambda own: own[0].urgency)
    return tuple(Turn(own[0].who, own[0].note, tuple(call.task for call in own)) for own in ordered)


def calls_of_source(section: SourceSection) -> Iterator[_Call]:
    """What is to be done about a source."""
    title, held = title_of(section), Target(None, "held")
    found = _found(section)
    who = who_mends(section)
    note = "" if section.is_handed_in else message("the operator passes it on")
    if section.state == "failed" and not found.mend:
        yield _Call(OPERATOR, 0, title, message("find out why it failed"), held)
    elif section.state == "late":
        yield _Call(OPERATOR, 1, title, message("ask where the new data are"), held)
    elif section.snapshot is None and not section.is_halted:
        whose = who if section.is_handed_in else OPERATOR
        yield _Call(whose, 1, title, message("hand in the first data"), Target(section.declaration, ""))
    if ours := _ours(section, *Severity):
        lines = counted(
            "look at {count} line of what was accepted or corrected",
            "look at {count} lines of what was accepted or corrected",
            ours,
        )
        yield _Call(OPERATOR, 1, title, lines, Target(section.declaration, "mend"))
    for step in steps_of(section.declaration, found):
        urgency = 2 if step.kind == "look" else 0 if found.is_held else 1
        words = _words(step, found)
        if step.turn is Whose.US:
            yield _Call(OPERATOR, urgency, title, words, held)
        else:
            yield _Call(who, urgency, title, words, Target(section.declaration, step.kind), note=note)


def _calls_of_dataset(section: DatasetSection) -> Iterator[_Call]:
    name, title = section.declaration.name, title_of(section)
    if section.state == "failed":
        words = message("find out why it could not be made")
        yield _Call(OPERATOR, 0, title, words, Target(None, "held"))
    found = _found(section)
    for step in steps_of(section.declaration, found):
        if section.state == "failed" and step.kind != "look":
            continue
        place = "held" if step.kind == "why" else f"{step.kind}-{name}"
        urgency = 2 if step.kind == "look" else 0
        yield _Call(who_mends(section), urgency, title, _words(step, found), Target(None, place))


def _words(step: Step, found: Found) -> str:
    """A step in words that follow a title and a colon."""
    if step.kind == "look":
        return counted("look at {count} suggestion", "look at {count} suggestions", found.look)
    if step.turn is Whose.COORDINATOR:
        return counted(
            "mend {count} thing and hand the file in again",
            "mend {count} things and hand the file in again",
            found.mend,
        )
    if step.turn is Whose.PUBLISHER:
        return counted("mend {count} thing", "mend {count} things", found.mend)
    if step.kind == "mend":
        return message("find out what is wrong with it")
    return message("find out why it was held")


def _found(section: Section) -> Found:
    """What there is for whoever keeps the data, without what is said of lines of our own."""
    mend, look = how_many(section, *TO_MEND), how_many(section, Severity.WARNING)
    return Found(section.state == "held", mend - _ours(section, *TO_MEND), look - _ours(section, Severity.WARNING))


def _ours(section: Section, *severities: Severity) -> int:
    return sum(one.rule in OURS and one.severity in severities for one in section.findings)
