"""Whether it gets better: the six dimensions over the last runs, as small charts and as a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from checks.report.sanitising import safe_text
from checks.report.wording import day_words, number, percent
from warehouse.messages import message
from warehouse.quality import Dimension, DimensionsOf, Score, definition, title

_RUNS_SHOWN = 12
_WIDTH, _HEIGHT = 200, 56
_LEAST_SPAN = 0.05  # of the scale: a tenth of a per cent is no mountain


@dataclass(frozen=True)
class Line:
    """One dimension over the last runs. ``points`` is an SVG polyline; empty where there is but one."""

    name: str
    meaning: str
    now: str
    change: str  # "" where there is nothing to compare with
    tone: str
    points: str
    end: tuple[float, float]
    words: str


@dataclass(frozen=True)
class Trend:
    """The dimensions of a source over the last runs."""

    lines: tuple[Line, ...]
    unknown: tuple[tuple[str, str], ...]  # dimensions of which nothing can be known, and why
    lowest: str  # what the foot of each chart stands for
    first: str
    last: str
    headings: tuple[str, ...]
    figures: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class ScoreTold:
    """A source's score, with the step that would raise it most."""

    value: int
    tone: str
    next_step: str


def score_told(score: Score | None) -> ScoreTold | None:
    """The score as the page shows it."""
    if score is None:
        return None
    value = int(score.value)  # rounded down: 100 is what has nothing to mend
    return ScoreTold(
        value,
        "good" if value >= 95 else "warn" if value >= 80 else "stop",
        safe_text(score.next_step or ""),
    )


def trend_of(dimensions: Sequence[DimensionsOf]) -> Trend | None:
    """How the dimensions went over the last dates of the data; None before the first, or if none is known."""
    shown = dimensions[-_RUNS_SHOWN:]
    values = {one: [of.share(one) for of in shown] for one in Dimension}
    known = [value for row in values.values() for value in row if value is not None]
    if not known:
        return None
    lowest = int(min(1 - _LEAST_SPAN, *known) * 20) / 20  # a whole twentieth
    unknown = shown[-1].unknown
    return Trend(
        lines=tuple(_line(one, row, lowest) for one, row in values.items() if row[-1] is not None),
        unknown=tuple(
            (title(one), safe_text(unknown.get(one, ""))) for one, row in values.items() if row[-1] is None
        ),
        lowest=percent(lowest, 1),
        first=day_words(shown[0].date),
        last=day_words(shown[-1].date),
        headings=(message("Data of"), *(title(one) for one in Dimension)),
        figures=tuple((day_words(of.date), *(share(of.share(one)) for one in Dimension)) for of in shown),
    )


def share(value: float | None) -> str:
    """A share in words; a dash where it is not known."""
    return "–" if value is None else percent(value, 1)


def _line(dimension: Dimension, row: Sequence[float | None], lowest: float) -> Line:
    known = [(place, value) for place, value in enumerate(row) if value is not None]
    step = _WIDTH / max(len(row) - 1, 1)
    points = [
        (round(place * step, 1), round(_HEIGHT * (1 - (value - lowest) / (1 - lowest)), 1))
        for place, value in known
    ]
    now, before = known[-1][1], known[-2][1] if len(known) > 1 else known[-1][1]
    change = round(100 * (now - before), 1)
    words = message("{dimension}: {now}", dimension=title(dimension), now=percent(now, 1))
    if len(known) > 1:
        words = message(
            "{dimension}: {now}, {then} before",
            dimension=title(dimension),
            now=percent(now, 1),
            then=percent(before, 1),
        )
    return Line(
        name=title(dimension),
        meaning=definition(dimension),
        now=percent(now, 1),
        change=_change(change),
        tone="good" if change > 0 else "stop" if change < 0 else "calm",
        points=" ".join(f"{x},{y}" for x, y in points) if len(points) > 1 else "",
        end=points[-1],
        words=words,
    )


def _change(points: float) -> str:
    if not points:
        return ""
    size = number(int(abs(points)) if float(points).is_integer() else abs(points))
    if points > 0:
        return message("▲ {points} better", points=size)
    return message("▼ {points} worse", points=size)
