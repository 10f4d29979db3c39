"""Whose turn it is: who must act, and on what."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from checks.report.content import DatasetSection, ReportContent, Section, SourceSection, counted
from checks.report.wording import OPERATOR, title_of, who_mends
from warehouse.declarations import Severity
from warehouse.turns import TO_MEND, Found, Whose, steps_of


@dataclass(frozen=True)
class Task:
    """Something to do, and where on the page it is told."""

    text: str
    anchor: str


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
    text: str
    anchor: str
    note: str = field(default="", kw_only=True)


def turns_of(content: ReportContent) -> tuple[Turn, ...]:
    """Who must act, and on what; people with something to mend before those with something to look at."""
    calls = [
        *(call for source in content.sources for call in _calls_of_source(source)),
        *(call for dataset in content.datasets for call in _calls_of_dataset(dataset)),
    ]
    if content.portal_problem:
        calls.append(_Call(OPERATOR, 0, "The portal: publish again once it answers", "portal"))
    together: dict[tuple[str, str], list[_Call]] = {}
    for call in calls:
        together.setdefault((call.who, call.note), []).append(call)
    for own in together.values():
        own.sort(key=lambda call: call.urgency)
    ordered = sorted(together.items(), key=lambda item: item[1][0].urgency)
    return tuple(
        Turn(who, note, tuple(Task(call.text, call.anchor) for call in own)) for (who, note), own in ordered
    )


def _calls_of_source(section: SourceSection) -> Iterator[_Call]:
    name, title = section.declaration.name, title_of(section)
    found = _found(section)
    who = who_mends(section)
    note = "" if section.is_handed_in else "the operator passes it on"
    if section.state == "failed" and not found.mend:
        yield _Call(OPERATOR, 0, f"{title}: find out why it failed", "held")
    elif section.state == "late":
        yield _Call(OPERATOR, 1, f"{title}: ask where the new data are", "held")
    elif section.snapshot is None and not section.is_halted:
        whose = who if section.is_handed_in else OPERATOR
        yield _Call(whose, 1, f"{title}: hand in the first data", f"source-{name}")
    for step in steps_of(section.declaration, found):
        urgency = 2 if step.kind == "look" else 0 if found.is_held else 1
        if step.turn is Whose.US:
            yield _Call(OPERATOR, urgency, f"{title}: {step.words}", "held")
        else:
            yield _Call(who, urgency, f"{title}: {step.words}", f"{step.kind}-{name}", note=note)


def _calls_of_dataset(section: DatasetSection) -> Iterator[_Call]:
    name, title = section.declaration.name, title_of(section)
    if section.state == "failed":
        yield _Call(OPERATOR, 0, f"{title}: find out why it could not be made", "held")
    for step in steps_of(section.declaration, _found(section)):
        if section.state == "failed" and step.kind != "look":
            continue
        place = "held" if step.kind == "why" else f"{step.kind}-{name}"
        yield _Call(who_mends(section), 2 if step.kind == "look" else 0, f"{title}: {step.words}", place)


def _found(section: Section) -> Found:
    return Found(section.state == "held", counted(section, *TO_MEND), counted(section, Severity.WARNING))
