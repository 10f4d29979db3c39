"""A plan and hand edits, as a person reads them and as a program does."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from itertools import groupby
from typing import Any

from publish.guards import advice
from publish.managed import Managed, as_plain
from publish.plans import Change, DatasetPlan, Drift, Plan, RowDifference
from warehouse.text import without_controls

_LONGEST = 190  # characters of a text: two values that differ and what became of them; --json has all of it
_MOST = 8  # changes of one kind that are told one by one

_HEADLINES = {
    "create": ("+", "would be created", "green"),
    "change": ("~", "would be changed", "yellow"),
    "leave": ("=", "would be left as it is", "dim"),
    "hold": ("!", "would be held", "bold yellow"),
}
_FATES = {
    "undone": "publishing brings ours back",
    "left": "left until its entry says the same, or --overwrite {dataset} is given",
}

Line = tuple[str, str]
"""A style and a text."""


def plan_lines(portal: str, plan: Plan, problems: Mapping[str, str], place: str = "") -> Iterator[Line]:
    """A plan for people: a paragraph a dataset, the calm ones in a line, the sum at the end.

    Args:
        portal: its address.
        plan: what differs.
        problems: what could not be compared, by dataset, in words.
        place: the options with which a command finds the home and the portal.
    """
    yield "bold", portal
    for one in plan.datasets:
        yield from _dataset_lines(one, place)
    for name, problem in problems.items():
        yield "red", f"x {name} could not be compared"
        yield "", f"    {short(problem, 2 * _LONGEST)}"
    if plan.front:
        yield "yellow", "~ the portal's own pages would be changed"
        yield from _changes(plan.front)
    yield "bold", sum_line(plan, problems)


def sum_line(plan: Plan, problems: Mapping[str, str]) -> str:
    """What it comes to, as in ``1 to create, 2 to change, 5 to leave, 1 held``."""
    by_outcome = Counter[str](one.outcome for one in plan.datasets)
    parts = [
        f"{by_outcome[outcome]} {words}"
        for outcome, words in (("create", "to create"), ("change", "to change"), ("leave", "to leave"))
    ]
    if by_outcome["hold"]:
        parts.append(f"{by_outcome['hold']} held")
    if problems:
        parts.append(f"{len(problems)} not compared")
    if edits := len(plan.drift):
        parts.append(f"{edits} things changed by hand" if edits > 1 else "1 thing changed by hand")
    is_calm = not plan and not by_outcome["hold"] and not problems
    return f"{', '.join(parts)}.{' The portal shows what it should: nothing to change.' if is_calm else ''}"


def _dataset_lines(one: DatasetPlan, place: str) -> Iterator[Line]:
    sign, words, style = _HEADLINES[one.outcome]
    yield style, f"{sign} {one.dataset} {words}{_versions(one)}"
    if one.rows:
        yield "", f"    rows {rows_in_words(one.rows)}"
    for hold in one.holds:
        yield "yellow", f"    {hold.guard.replace('_', ' ')}: {without_controls(hold.detail)}"
        yield "", f"      {advice(hold, place)}"
    if one.holds and one.changes:
        yield "dim", f"    held back: {_counted(len(one.changes))}"
    elif not one.holds:
        yield from _changes(one.changes)
    if one.drift:
        yield "", "    changed by hand on the portal"
        yield from _edits(one.drift)
    for part in one.unsent:
        yield "dim", f"    not sent: {short(part)}"


def _counted(count: int) -> str:
    return f"{count:,} change{'' if count == 1 else 's'}"


def _versions(one: DatasetPlan) -> str:
    if one.latest is None or one.outcome == "leave" or (one.shown == one.latest):
        return ""
    return f": version {one.latest}" if one.shown is None else f": version {one.shown} -> {one.latest}"


def rows_in_words(rows: RowDifference) -> str:
    """``1,203 -> 1,210 (+9, ~4, -2)``: how many there are and will be; added, changed and removed, if known."""
    shown = "none" if rows.shown is None else f"{rows.shown:,}"
    signed = ((sign, number) for sign, number in zip("+~-", (rows.added, rows.changed, rows.removed), strict=True))
    told = [f"{sign}{number:,}" for sign, number in signed if number is not None]
    difference = f" ({', '.join(told)})" if told else ""
    return f"{shown} -> {rows.desired:,}{difference}"


def _changes(changes: Sequence[Change]) -> Iterator[Line]:
    """Changes in their order, those of one kind below one another, and of many the first."""
    width = max((len(change.action) for change in changes), default=0)
    for action, group in groupby(changes, key=lambda change: change.action):
        listed = list(group)
        for place, change in enumerate(listed[:_MOST]):
            word = action if place == 0 else ""
            yield "", f"    {word:<{width}}  {short(change.target)}: {short(change.detail)}"
        if (left := len(listed) - _MOST) > 0:
            yield "dim", f"    {'':<{width}}  and {left:,} more"


def _edits(edits: Sequence[Drift]) -> Iterator[Line]:
    for edit in edits:
        fate = _FATES[edit.fate].format(dataset=edit.dataset)
        yield "", f"      {short(edit.target)}: {short(edit.detail)} ({fate})"


def short(text: str, longest: int = _LONGEST) -> str:
    """A text on one line, cut where it is long; what terminals and eyes would obey is taken out of it."""
    line = " ".join(without_controls(text).split())
    return line if len(line) <= longest else f"{line[: longest - 3].rstrip()}..."


def plan_as_json(portal: str, plan: Plan, problems: Mapping[str, str], place: str = "") -> dict[str, Any]:
    """A plan as plain values. The shape is stable: keys are only ever added."""
    by_outcome = Counter[str](one.outcome for one in plan.datasets)
    return {
        "portal": portal,
        "datasets": [_dataset_as_json(one, place) for one in plan.datasets]
        + [
            {**_dataset_as_json(DatasetPlan(name), place), "outcome": "failed", "error": problems[name]}
            for name in problems
        ],
        "front": [_without_dataset(change) for change in plan.front],
        "summary": {
            **{outcome: by_outcome[outcome] for outcome in _HEADLINES},
            "failed": len(problems),
            "changes": len(plan.changes),
            "edited_by_hand": len(plan.drift),
        },
    }


def _dataset_as_json(one: DatasetPlan, place: str) -> dict[str, Any]:
    return {
        "dataset": one.dataset,
        "outcome": one.outcome,
        "shown": one.shown,
        "latest": one.latest,
        "rows": asdict(one.rows) if one.rows else None,
        "changes": [_without_dataset(change) for change in one.changes],
        "edited_by_hand": [_without_dataset(edit) for edit in one.drift],
        "holds": [{**_without_dataset(hold), "what_to_do": advice(hold, place)} for hold in one.holds],
        "unsent": list(one.unsent),
        "error": None,
    }


def _without_dataset(one: Any) -> dict[str, Any]:
    return {key: value for key, value in asdict(one).items() if key != "dataset"}


def drift_lines(portal: str, plan: Plan, problems: Mapping[str, str], place: str = "") -> Iterator[Line]:
    """Hand edits for people."""
    yield "bold", portal
    count = 0
    for one in plan.datasets:
        down = [hold for hold in one.holds if hold.guard == "taken_down"]
        if one.drift or down:
            yield "yellow", f"~ {one.dataset}"
        for hold in down:
            yield "", f"      {without_controls(hold.detail)}. {advice(hold, place)}"
        yield from _edits(one.drift)
        count += len(one.drift) + len(down)
    if plan.front_drift:
        yield "yellow", "~ the portal's own pages"
        yield from _edits(plan.front_drift)
        count += len(plan.front_drift)
    for name, problem in problems.items():
        yield "red", f"x {name} could not be compared: {short(problem, 2 * _LONGEST)}"
    total = len(plan.datasets)
    compared = f"{total} dataset{'' if total == 1 else 's'} compared"
    yield "bold", f"{compared}, {count or 'nothing'} changed by hand."


def drift_as_json(
    portal: str, plan: Plan, problems: Mapping[str, str], managed: Sequence[Managed], place: str = ""
) -> dict[str, Any]:
    """Hand edits as plain values, and which fields are ours. The shape is stable: keys are only ever added."""
    down = [hold for one in plan.datasets for hold in one.holds if hold.guard == "taken_down"]
    return {
        "portal": portal,
        "edits": [asdict(edit) for edit in plan.drift],
        "taken_down": [
            {"dataset": hold.dataset, "detail": hold.detail, "what_to_do": advice(hold, place)} for hold in down
        ],
        "failed": [{"dataset": name, "error": problem} for name, problem in problems.items()],
        "managed": as_plain(managed),
    }


def field_lines(portal: str, managed: Sequence[Managed]) -> Iterator[str]:
    """Which fields are ours, for those who edit on the portal."""
    yield f"{portal}: these are ours; all else is never touched."
    for fate, words in (
        ("undone", "A change by hand is told, and undone by the next publication:"),
        ("left", "A change by hand is told, and left until the entry says the same or --overwrite is given:"),
    ):
        yield words
        yield from (f"    {one.of}: {', '.join(one.fields)} ({one.why})" for one in managed if one.fate == fate)
