"""What is drawn on a dataset's page: the numbers of its charts and the outline of its district.

Which charts a dataset gets follows from its declaration alone: years that its rows are of and counts make columns
over time, a date makes a count of rows by year, codes make bars of the most frequent ones.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from pathlib import Path

import duckdb

from publish.files.render import labels
from warehouse.declarations import FieldDeclaration, TableDeclaration, literal, quote

_MAX_PANELS = 3
_MAX_YEARS = 30
_MAX_BARS = 8


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
    """Columns over the years. ``ticks`` are pairs of height and text of the value axis."""

    title: str
    note: str
    weak: str  # what pale columns stand for; empty if there are none
    strong: str
    columns: tuple[Column, ...]
    gaps: tuple[Gap, ...]
    ticks: tuple[tuple[float, str], ...]
    width: float
    height: float
    left: float
    base: float  # where the columns stand
    summary: str


@dataclass(frozen=True)
class Bar:
    """A code's bar; ``share`` is its length in per cent of the longest."""

    label: str
    value: int
    share: float


@dataclass(frozen=True)
class BarChart:
    """The most frequent codes of a field."""

    title: str
    note: str
    bars: tuple[Bar, ...]


@dataclass(frozen=True)
class Outline:
    """A district's outline as an SVG path, with a scale bar of ``scale_km`` that is ``scale_width`` long."""

    path: str
    width: float
    height: float
    scale_km: float
    scale_width: float


WIDTH, HEIGHT, LEFT, TOP, BOTTOM = 360.0, 190.0, 46.0, 8.0, 24.0


def draw(table: TableDeclaration, parquet: Path, data_date: date) -> tuple[list[TimeChart], list[BarChart]]:
    """The charts of a dataset, from its release's Parquet file; ``data_date`` says how far the last year goes.

    None of a protected table: its rows are margins too, so neither rows nor counts add up over them.
    """
    if any(field.protected for field in table.fields):
        return [], []
    connection = duckdb.connect(":memory:", config={"memory_limit": "1GB", "threads": "2"})
    try:
        source = f"read_parquet({literal(str(parquet))})"
        time_charts = list(_over_time(connection, source, table, data_date))
        bar_charts = list(_frequent(connection, source, table))
    finally:
        connection.close()
    return time_charts, bar_charts


def _over_time(
    connection: duckdb.DuckDBPyConnection, source: str, table: TableDeclaration, data_date: date
) -> Iterator[TimeChart]:
    is_over = (data_date.month, data_date.day) == (12, 31)
    unfinished = "" if is_over else f" {data_date.year} is not over."
    year = _year_of_rows(table)
    counts = [field for field in table.fields if _is_count(field, table)]
    if year and counts:
        weak_years, strong, weak = _bases(connection, source, table, year)
        for field in counts[:_MAX_PANELS]:
            # a year with any unknown value has no total
            found = connection.execute(
                f"SELECT {quote(year.name)}, CASE WHEN count(*) = count({quote(field.name)})"
                f" THEN sum({quote(field.name)}) END, count(*) FROM {source} GROUP BY ALL ORDER BY ALL"
            ).fetchall()
            dated = [(int(number), total, count) for number, total, count in found if number is not None]
            values = {number: None if total is None else float(total) for number, total, _ in dated}
            unknown = {number: count for number, total, count in dated if total is None}
            undated = sum(count for number, _, count in found if number is None)
            shown = _coverage(
                sum(count for *_, count in found),
                sum(count for _, total, count in dated if total is not None),
                _in_years(unknown),
                f"{undated:,} without a year" if undated else "",
            )
            note = f"Sum over the rows of each year. {shown}" + (unfinished if data_date.year in values else "")
            yield _columns(field.title, note, values, weak_years, strong, weak)
        return
    day = next((field for field in table.fields if field.type == "date" and not field.mark), None)
    if day is None:
        return
    found = connection.execute(
        f"SELECT CAST(extract(year FROM {quote(day.name)}) AS INTEGER) AS y, count(*) FROM {source}"
        " GROUP BY ALL ORDER BY ALL"
    ).fetchall()
    counted = {int(number): float(total) for number, total in found if number is not None}
    if len(counted) > 1:
        last = max(counted)
        first = max(min(counted), last - _MAX_YEARS + 1)
        earlier = int(sum(total for number, total in counted.items() if number < first))
        values = {number: counted.get(number, 0.0) for number in range(first, last + 1)}
        undated = sum(total for number, total in found if number is None)
        shown = _coverage(
            sum(total for _, total in found),
            int(sum(counted.get(number, 0.0) for number in values)),
            f"{earlier:,} from before {first}" if earlier else "",
            f"{undated:,} without this date" if undated else "",
        )
        note = shown + (unfinished if data_date.year in values else "")
        yield _columns(f"Rows by year: {_lower(day.title)}", note, values, frozenset(), "", "")


def _year_of_rows(table: TableDeclaration) -> FieldDeclaration | None:
    """The field that says which year a row is of: a year in the key, or the only thing that says when."""
    years = [field for field in table.fields if field.type == "year"]
    in_key = [field for field in years if field.name in table.primary_key]
    has_dates = any(field.type in ("date", "datetime") and not field.mark for field in table.fields)
    found = in_key or ([] if has_dates else years)
    return found[0] if len(found) == 1 else None


def _is_count(field: FieldDeclaration, table: TableDeclaration) -> bool:
    """A whole number of things, which can be added up; a measure's unit is a sign or a code, not a word."""
    is_of_things = field.unit is None or re.fullmatch(r"[a-z][a-z-]{3,}", field.unit)
    return field.type == "integer" and field.name not in table.primary_key and bool(is_of_things)


def _coverage(rows: int, shown: int, *missing: str) -> str:
    """How many of a dataset's rows a chart shows, and what became of the others. Every chart says it."""
    if shown == rows:
        return f"All {rows:,} rows."
    return f"{shown:,} of {rows:,} rows; not shown: {', '.join(filter(None, missing))}."


def _in_years(unknown: Mapping[int, int]) -> str:
    if not unknown:
        return ""
    first, last = min(unknown), max(unknown)
    years = str(first) if first == last else f"{len(unknown)} years from {first} to {last}"
    return f"{sum(unknown.values()):,} in {years}, whose sum is unknown"


def _bases(
    connection: duckdb.DuckDBPyConnection, source: str, table: TableDeclaration, year: FieldDeclaration
) -> tuple[frozenset[int], str, str]:
    """Years whose counts rest on another basis than the rest, where a two-valued field says so."""
    for field in table.fields:
        if field.constraints.enum and len(field.constraints.enum) == 2:
            strong, weak = field.constraints.enum
            found = connection.execute(
                f"SELECT {quote(year.name)} FROM {source} GROUP BY ALL"
                f" HAVING bool_and({quote(field.name)} = {literal(weak)})"
            ).fetchall()
            if found:
                return frozenset(int(row[0]) for row in found), strong, weak
    return frozenset(), "", ""


def _columns(
    title: str,
    note: str,
    values: Mapping[int, float | None],
    weak_years: frozenset[int],
    strong: str,
    weak: str,
) -> TimeChart:
    years = list(range(min(values), max(values) + 1)) if values else []
    top = max((value for value in values.values() if value), default=1.0)
    step = _step(top)
    ceiling = math.ceil(top / step) * step
    base = HEIGHT - BOTTOM
    slot = (WIDTH - LEFT) / max(len(years), 1)
    every = max(1, math.ceil(len(years) / 6))
    columns = []
    for place, number in enumerate(years):
        value = values.get(number)
        height = (base - TOP) * (value or 0) / ceiling
        columns.append(
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
    ticks = [
        (round(base - (base - TOP) * n * step / ceiling, 2), f"{n * step:,.0f}")
        for n in range(int(ceiling / step) + 1)
    ]
    has_weak = any(column.is_weak and column.value is not None for column in columns)
    known = [(number, value) for number, value in values.items() if value is not None]
    summary = title
    if known:
        peak = max(known, key=lambda pair: pair[1])
        summary = (
            f"{title}: {known[0][1]:,.0f} in {known[0][0]}, {known[-1][1]:,.0f} in {known[-1][0]},"
            f" most in {peak[0]} with {peak[1]:,.0f}."
        )
    return TimeChart(
        title=title,
        note=note,
        weak=weak if has_weak else "",
        strong=strong if has_weak else "",
        columns=tuple(columns),
        gaps=tuple(_gaps(columns)),
        ticks=tuple(ticks),
        width=WIDTH,
        height=HEIGHT,
        left=LEFT,
        base=base,
        summary=summary,
    )


def _gaps(columns: Sequence[Column]) -> Iterator[Gap]:
    for is_known, group in groupby(columns, key=lambda column: column.value is not None):
        if not is_known:
            run = list(group)
            yield Gap(run[0].x, round(run[-1].x + run[-1].width - run[0].x, 2))


def _step(top: float) -> float:
    """A round distance for three to five lines of an axis."""
    raw = max(top, 1.0) / 4
    power = 10 ** math.floor(math.log10(raw))
    return float(max(1.0, next(power * factor for factor in (1, 2, 2.5, 5, 10) if power * factor >= raw)))


def _frequent(connection: duckdb.DuckDBPyConnection, source: str, table: TableDeclaration) -> Iterator[BarChart]:
    if _year_of_rows(table):
        return  # its rows are totals: how often a code occurs says nothing
    field = next((field for field in table.fields if field.type == "string" and labels(field)), None)
    if field is None:
        return
    found = connection.execute(
        f"SELECT {quote(field.name)} AS code, count(*) AS n FROM {source} GROUP BY ALL ORDER BY n DESC, code"
    ).fetchall()
    counted = [(code, total) for code, total in found if code is not None]
    if not counted:
        return
    meanings = labels(field)
    shown, rest = counted[:_MAX_BARS], counted[_MAX_BARS:]
    longest = max(total for _, total in shown)
    bars = [Bar(meanings.get(code, str(code)), total, round(100 * total / longest, 2)) for code, total in shown]
    empty = sum(total for code, total in found if code is None)
    note = _coverage(
        sum(total for _, total in found),
        sum(total for _, total in shown),
        f"{sum(total for _, total in rest):,} in {len(rest)} more codes" if rest else "",
        f"{empty:,} without one" if empty else "",
    )
    yield BarChart(f"Rows by {_lower(field.title)}", note, tuple(bars))


def _lower(title: str) -> str:
    return title[:1].lower() + title[1:] if title[1:2].islower() else title


def outline(geometry: Mapping[str, object], width: float = 320.0) -> Outline:
    """A GeoJSON polygon drawn to scale: one kilometre is as long eastwards as northwards.

    Args:
        geometry: a Polygon in longitude and latitude.
        width: of the drawing, in its own units.
    """
    rings = geometry["coordinates"]
    if not isinstance(rings, Sequence):
        raise TypeError("a polygon's coordinates are rings of points")
    points = [point for ring in rings for point in ring]
    south, north = min(p[1] for p in points), max(p[1] for p in points)
    west, east = min(p[0] for p in points), max(p[0] for p in points)
    squeeze = math.cos(math.radians((south + north) / 2))
    margin = 10.0
    # a tall district is fitted by its height instead
    scale = min((width - 2 * margin) / ((east - west) * squeeze), (width * 0.9) / (north - south))
    left = (width - (east - west) * squeeze * scale) / 2
    height = round((north - south) * scale + 2 * margin + 22, 1)
    path = "".join(
        "M"
        + "L".join(
            f"{left + (x - west) * squeeze * scale:.1f} {margin + (north - y) * scale:.1f}" for x, y in ring[:-1]
        )
        + "Z"
        for ring in rings
    )
    per_km = scale / 111.32  # a degree of latitude in kilometres
    kilometres = max((k for k in (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50) if k * per_km <= width / 3), default=0.1)
    return Outline(path, width, height, kilometres, round(kilometres * per_km, 1))
