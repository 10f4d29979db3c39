"""Small bar charts, and their numbers for those who cannot see them, or want them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from checks.report.sanitising import safe_text
from checks.report.wording import day_words, number, percent, rows
from warehouse.messages import message

_POINTS_PLOTTED = 24
_PLOT_WIDTH, _PLOT_HEIGHT = 240, 44


@dataclass(frozen=True)
class _Bar:
    x: float
    y: float
    width: float
    height: float
    is_last: bool


@dataclass(frozen=True)
class Plot:
    """A small bar chart. ``figures`` are its numbers for those who cannot see it, or want them."""

    words: str
    bars: tuple[_Bar, ...]
    first: tuple[str, ...]  # lines below its first bar
    last: tuple[str, ...]
    headings: tuple[str, ...]
    figures: tuple[tuple[str, ...], ...]


def _bars(values: Sequence[float]) -> tuple[_Bar, ...]:
    """Bars from zero, with a line's height for zero itself so that it is seen to be there."""
    top = max(values, default=0) or 1
    width = min(26, 0.72 * _PLOT_WIDTH / max(len(values), 1))
    step = (_PLOT_WIDTH - width) / max(len(values) - 1, 1)  # the first stands on the left, the last on the right
    return tuple(
        _Bar(
            x=round(place * step, 2),
            y=round(_PLOT_HEIGHT - (height := max(1.5, _PLOT_HEIGHT * value / top)), 2),
            width=round(width, 2),
            height=round(height, 2),
            is_last=place == len(values) - 1,
        )
        for place, value in enumerate(values)
    )


def rows_plot(history: Sequence[tuple[str, int]]) -> Plot | None:
    """The rows of a dataset, release by release; None of a first one."""
    if len(history) < 2:
        return None
    shown = [(safe_text(version), count) for version, count in history[-_POINTS_PLOTTED:]]
    (first, then), (last, now) = shown[0], shown[-1]
    return Plot(
        words=message(
            "Rows in the last {releases} releases: {then} in {first}, {now} in {last}.",
            releases=len(shown),
            then=then,
            first=first,
            now=now,
            last=last,
        ),
        bars=_bars([count for _, count in shown]),
        first=(first, rows(then)),
        last=(last, rows(now)),
        headings=(message("Version"), message("Rows")),
        figures=tuple((version, number(count)) for version, count in shown),
    )


def quality_plot(quality: Sequence[tuple[str, int, int]]) -> Plot | None:
    """The share of rows set aside, snapshot by snapshot: does it get better? None before the first."""
    if not quality:
        return None
    shown = quality[-_POINTS_PLOTTED:]
    shares = [aside / (good + aside) if good + aside else 0.0 for _, good, aside in shown]
    now, then = (percent(one[2], sum(one[1:])) for one in (shown[-1], shown[0]))
    change = shares[-1] - shares[0]
    if len(shown) == 1:
        words = message("The first delivery: {now} of rows set aside.", now=now)
    elif abs(change) < 0.0005:
        words = message("As before: {now} of rows set aside.", now=now)
    elif change < 0:
        words = message("Better: {now} of rows set aside, down from {then}.", now=now, then=then)
    else:
        words = message("Worse: {now} of rows set aside, up from {then}.", now=now, then=then)
    return Plot(
        words=words,
        bars=_bars(shares) if len(shown) > 1 else (),
        first=(day_words(shown[0][0]),),
        last=(day_words(shown[-1][0]),),
        headings=(message("Data of"), message("Rows that went on"), message("Rows set aside")),
        figures=tuple((day_words(day), number(good), number(aside)) for day, good, aside in shown),
    )
