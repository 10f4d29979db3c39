"""Charts as numbers: where columns, lines and bars stand. What they are of is decided elsewhere.

Heights, places and lengths are in the drawing's own units, rounded, so that the same values give the same page.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from warehouse.messages import listed, message

WIDTH, HEIGHT, LEFT, TOP, BOTTOM = 360.0, 190.0, 46.0, 8.0, 24.0


@dataclass(frozen=True)
class Caption:
    """What is said of a chart: its title, the note under it, and how its values are written."""

    title: str
    note: str = ""
    unit: str = ""
    decimals: int = 0


@dataclass(frozen=True)
class Column:
    """A year's column: where it stands, and whether it is drawn pale (``is_weak``: on another basis)."""

    year: int
    value: float | None
    x: float
    y: float
    width: float
    height: float
    is_weak: bool
    is_labelled: bool


@dataclass(frozen=True)
class Gap:
    """Years in a row whose value is unknown."""

    x: float
    width: float


@dataclass(frozen=True)
class TimeChart:
    """Columns over the years. ``ticks`` are pairs of height and value of the axis."""

    caption: Caption
    weak: str  # what pale columns stand for; empty if there are none
    strong: str
    columns: tuple[Column, ...]
    gaps: tuple[Gap, ...]
    ticks: tuple[tuple[float, float], ...]
    width: float
    height: float
    left: float
    base: float  # where the columns stand
    kind: str = "columns"


@dataclass(frozen=True)
class Line:
    """A series: its path, the points that stand alone or at its end, and its values by x, None where unknown."""

    name: str
    path: str
    dots: tuple[tuple[float, float], ...]
    values: tuple[float | None, ...]


@dataclass(frozen=True)
class LineChart:
    """Lines over the years; ``labels`` are pairs of place and year."""

    caption: Caption
    years: tuple[int, ...]
    lines: tuple[Line, ...]
    ticks: tuple[tuple[float, float], ...]
    labels: tuple[tuple[float, int], ...]
    width: float
    height: float
    left: float
    base: float
    kind: str = "lines"


@dataclass(frozen=True)
class Bar:
    """A bar; ``share`` is its length in per cent of the longest. A value of None is unknown."""

    label: str
    value: float | None
    share: float
    series: int = 0


@dataclass(frozen=True)
class BarChart:
    """Bars beside their labels; where there are series, bars of one label follow one another."""

    caption: Caption
    bars: tuple[Bar, ...]
    series: tuple[str, ...] = ()
    kind: str = "bars"


Chart = TimeChart | LineChart | BarChart


@dataclass(frozen=True)
class LeftOut:
    """A chart that is not drawn, and why."""

    title: str
    why: str


def coverage(rows: int, shown: int, *missing: str) -> str:
    """How many of a dataset's rows a chart shows, and what became of the others. Every chart says it."""
    if shown == rows:
        return message("All {rows} rows.", rows=rows)
    if named := [part for part in missing if part]:
        return message(
            "{shown} of {rows} rows; not shown: {missing}.", shown=shown, rows=rows, missing=listed(named, "comma")
        )
    return message("{shown} of {rows} rows.", shown=shown, rows=rows)


def columns(
    caption: Caption,
    values: Mapping[int, float | None],
    weak_years: frozenset[int] = frozenset(),
    bases: tuple[str, str] = ("", ""),
) -> TimeChart:
    """Columns over the years; ``bases`` says what full and pale ones stand for."""
    years = list(range(min(values), max(values) + 1)) if values else []
    ceiling, step = _axis([value for value in values.values() if value is not None], caption.decimals)
    base = HEIGHT - BOTTOM
    slot = (WIDTH - LEFT) / max(len(years), 1)
    every = max(1, math.ceil(len(years) / 6))
    drawn = []
    for place, number in enumerate(years):
        value = values.get(number)
        height = (base - TOP) * max(value or 0, 0) / ceiling
        drawn.append(
            Column(
                year=number,
                value=value,
                x=round(LEFT + place * slot + slot * 0.14, 2),
                y=round(base - height, 2),
                width=round(slot * 0.72, 2),
                height=round(height, 2),
                is_weak=number in weak_years,
                is_labelled=(len(years) - 1 - place) % every == 0,
            )
        )
    has_weak = any(column.is_weak and column.value is not None for column in drawn)
    return TimeChart(
        caption=caption,
        weak=bases[1] if has_weak else "",
        strong=bases[0] if has_weak else "",
        columns=tuple(drawn),
        gaps=tuple(_gaps(drawn)),
        ticks=_ticks(ceiling, step),
        width=WIDTH,
        height=HEIGHT,
        left=LEFT,
        base=base,
    )


def lines(caption: Caption, series: Mapping[str, Mapping[int, float | None]]) -> LineChart:
    """Lines over the years, one a series, from zero up. A year without a value breaks its line."""
    known = [year for values in series.values() for year in values]
    years = list(range(min(known), max(known) + 1)) if known else []
    told = [value for values in series.values() for value in values.values() if value is not None]
    ceiling, step = _axis(told, caption.decimals)
    base = HEIGHT - BOTTOM
    slot = (WIDTH - LEFT - 6) / max(len(years) - 1, 1)
    every = max(1, math.ceil(len(years) / 6))

    def at(place: int, value: float) -> tuple[float, float]:
        return round(LEFT + place * slot, 2), round(base - (base - TOP) * value / ceiling, 2)

    drawn = []
    for name, values in series.items():
        points = [
            None if (value := values.get(year)) is None else at(place, max(value, 0))
            for place, year in enumerate(years)
        ]
        runs = [list(group) for is_known, group in groupby(points, key=bool) if is_known]
        path = "".join("M" + "L".join(f"{p[0]:g} {p[1]:g}" for p in run if p) for run in runs if len(run) > 1)
        dots = tuple(run[-1] for run in runs if run[-1])
        drawn.append(Line(name, path, dots, tuple(values.get(year) for year in years)))
    return LineChart(
        caption=caption,
        years=tuple(years),
        lines=tuple(drawn),
        ticks=_ticks(ceiling, step),
        labels=tuple(
            (at(place, 0)[0], year) for place, year in enumerate(years) if (len(years) - 1 - place) % every == 0
        ),
        width=WIDTH,
        height=HEIGHT,
        left=LEFT,
        base=base,
    )


def bars(values: Sequence[tuple[str, float | None, int]]) -> tuple[Bar, ...]:
    """Bars of labels, values and the number of their series."""
    longest = max((value for _, value, _ in values if value), default=1.0)
    return tuple(
        Bar(label, value, round(100 * max(value or 0, 0) / longest, 2), series) for label, value, series in values
    )


def _gaps(drawn: Sequence[Column]) -> Iterator[Gap]:
    for is_known, group in groupby(drawn, key=lambda column: column.value is not None):
        if not is_known:
            run = list(group)
            yield Gap(run[0].x, round(run[-1].x + run[-1].width - run[0].x, 2))


def _axis(values: Sequence[float], decimals: int) -> tuple[float, float]:
    """Where the axis ends, and a round distance for three to five lines of it."""
    top = max((value for value in values if value), default=1.0)
    least = 1.0 if decimals == 0 else 10.0**-decimals
    raw = max(top, least) / 4
    power = 10 ** math.floor(math.log10(raw))
    step = float(max(least, next(power * factor for factor in (1, 2, 2.5, 5, 10) if power * factor >= raw)))
    return math.ceil(top / step - 1e-9) * step, step


def _ticks(ceiling: float, step: float) -> tuple[tuple[float, float], ...]:
    base = HEIGHT - BOTTOM
    return tuple(
        (round(base - (base - TOP) * n * step / ceiling, 2), round(n * step, 9))
        for n in range(round(ceiling / step) + 1)
    )
