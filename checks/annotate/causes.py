"""Findings that have one cause, told together."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

from checks.annotate.places import Place
from warehouse.declarations import Severity
from warehouse.messages import Listed, Message

_DIFFERS = "…"


@dataclass(frozen=True)
class Cause:
    """What is wrong in the same way in one or several places, in the words that are right for all of them."""

    severity: Severity
    sheet: str
    title: str
    message: str
    help: str
    places: tuple[Place, ...]


def causes(places: Sequence[Place]) -> list[Cause]:
    """The causes, in the order in which the first place of each comes.

    One cause is one broken rule in one column of one sheet, told by one sentence: what differs between the places,
    such as the value itself, is left out of the common sentence.
    """
    grouped: dict[Hashable, list[Place]] = {}
    for place in places:
        finding = place.finding
        key = (
            finding.severity, place.sheet, place.title, finding.table_name, finding.column_name, finding.rule,
            _shape(finding.message), _shape(finding.help),
        )  # fmt: skip
        grouped.setdefault(key, []).append(place)
    return [
        Cause(
            together[0].finding.severity,
            together[0].sheet or "",
            together[0].title,
            _common([place.finding.message for place in together]),
            _common([place.finding.help for place in together]),
            tuple(together),
        )
        for together in grouped.values()
    ]


def _shape(text: str) -> Hashable:
    """What a text has in common with others that say the same of something else."""
    match text:
        case Message():
            return ("message", text.template)
        case Listed(kind="sentences"):
            return (text.kind, *(_shape(part) for part in text.parts))
        case Listed():
            return (text.kind, len(text.parts), frozenset(_shape(part) for part in text.parts))
    return str(text)


def _common(texts: Sequence[str]) -> str:
    """One text for several of one shape."""
    first = texts[0]
    if all(text == first for text in texts):
        return first
    if isinstance(first, Listed):
        if len({frozenset(text.parts) for text in texts if isinstance(text, Listed)}) == 1:
            return first  # the same choices, for each cell the nearest first
        parts = zip(*(text.parts for text in texts if isinstance(text, Listed)), strict=True)
        return Listed([_common(part) for part in parts], first.kind)
    if not isinstance(first, Message):
        return _DIFFERS
    alike = [text for text in texts if isinstance(text, Message)]
    values = {
        name: value
        if all(text.values.get(name) == value for text in alike)
        else _common_value([text.values.get(name) for text in alike])
        for name, value in first.values.items()
    }
    number = first.number if all(text.number == first.number for text in alike) else 2
    return Message(first.template, values, first.many, number)


def _common_value(values: Sequence[object]) -> str:
    texts = [value for value in values if isinstance(value, str)]
    if len(texts) == len(values) and len({_shape(text) for text in texts}) == 1:
        return _common(texts)
    return _DIFFERS
