"""Small bar charts, and their numbers for those who cannot see them, or want them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from checks.report.sanitising import safe_text
from checks.report.wording import day_words, many, percent

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
    first: str
    last: str
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
    shown = [(safe_text(version), rows) for version, rows in history[-_POINTS_PLOTTED:]]
    (first, then), (last, now) = shown[0], shown[-1]
    return Plot(
        words=f"Rows in the last {len(shown)} releases: {then:,} in {first}, {now:,} in {last}.",
        bars=_bars([rows for _, rows in shown]),
        first=f"{first}\n{many(then, 'row')}",
        last=f"{last}\n{many(now, 'row')}",
        headings=("Version", "Rows"),
        figures=tuple((version, f"{rows:,}") for version, rows in shown),
    )


def quality_plot(quality: Sequence[tuple[str, int, int]]) -> Plot | None:
    """The share of rows set aside, snapshot by snapshot: does it get better? None before the first."""
    if not quality:
        return None
    shown = quality[-_POINTS_PLOTTED:]
    shares = [aside / (good + aside) if good + aside else 0.0 for _, good, aside in shown]
    now = percent(shown[-1][2], sum(shown[-1][1:]))
    if len(shown) == 1:
        words = f"The first delivery: {now} of rows set aside."
    else:
        then = percent(shown[0][2], sum(shown[0][1:]))
        change = shares[-1] - shares[0]
        if abs(change) < 0.0005:
            words = f"As before: {now} of rows set aside."
        else:
            word, way = ("Better", "down") if change < 0 else ("Worse", "up")
            words = f"{word}: {now} of rows set aside, {way} from {then}."
    return Plot(
        words=words,
        bars=_bars(shares) if len(shown) > 1 else (),
        first=day_words(shown[0][0]),
        last=day_words(shown[-1][0]),
        headings=("Data of", "Rows that went on", "Rows set aside"),
        figures=tuple((day_words(day), f"{good:,}", f"{aside:,}") for day, good, aside in shown),
    )
