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

import duckdb

from publish.files.render import labels
from publish.portals.folder.plotting import BarChart, Caption, Chart, LeftOut, bars, columns, coverage
from publish.portals.folder.reading import ROWS
from publish.portals.folder.speaking import Speaker
from warehouse.declarations import FieldDeclaration, TableDeclaration, literal, quote
from warehouse.messages import message, sentences

_MAX_PANELS = 3
_MAX_YEARS = 30
_MAX_BARS = 8


@dataclass(frozen=True)
class Outline:
    """A district's outline as an SVG path, with a scale bar of ``scale_km`` that is ``scale_width`` long."""

    path: str
    width: float
    height: float
    scale_km: float
    scale_width: float


def draw(
    connection: duckdb.DuckDBPyConnection, table: TableDeclaration, data_date: date, speaker: Speaker
) -> tuple[list[Chart], list[LeftOut]]:
    """The charts that follow from a declaration, and those that would show nothing.

    None of a protected table: its rows are margins too, so neither rows nor counts add up over them.

    Args:
        connection: sees the view ``rows``.
        table: the dataset's columns.
        data_date: how far the last year goes.
        speaker: says the columns.
    """
    if any(field.protected for field in table.fields):
        return [], []
    drawn: list[Chart] = []
    left_out: list[LeftOut] = []
    for chart in (*_over_time(connection, table, data_date, speaker), *_frequent(connection, table, speaker)):
        if isinstance(chart, LeftOut):
            left_out.append(chart)
        else:
            drawn.append(chart)
    return drawn, left_out


def _over_time(
    connection: duckdb.DuckDBPyConnection, table: TableDeclaration, data_date: date, speaker: Speaker
) -> Iterator[Chart | LeftOut]:
    year = _year_of_rows(table)
    counts = [field for field in table.fields if _is_count(field, table)]
    if year and counts:
        bases = _bases(connection, table, year)
        for field in counts[:_MAX_PANELS]:
            yield _sums(connection, year, field, (speaker.title(field), data_date), bases)
        return
    day = next((field for field in table.fields if field.type == "date" and not field.mark), None)
    if day is not None:
        yield from _rows_by_year(connection, day, data_date, speaker)


def _sums(
    connection: duckdb.DuckDBPyConnection,
    year: FieldDeclaration,
    field: FieldDeclaration,
    said: tuple[str, date],
    bases: tuple[frozenset[int], str, str],
) -> Chart | LeftOut:
    """The sum of a count by year; a year with any unknown value has no total."""
    title, data_date = said
    weak_years, strong, weak = bases
    found = connection.execute(
        f"SELECT {quote(year.name)}, CASE WHEN count(*) = count({quote(field.name)})"
        f" THEN sum({quote(field.name)}) END, count(*) FROM {ROWS} GROUP BY ALL ORDER BY ALL"
    ).fetchall()
    dated = [(int(number), total, count) for number, total, count in found if number is not None]
    values = {number: None if total is None else float(total) for number, total, _ in dated}
    if all(value is None for value in values.values()):
        return LeftOut(title, message("no year has a known sum: a value is unknown in each"))
    unknown = {number: count for number, total, count in dated if total is None}
    undated = sum(count for number, _, count in found if number is None)
    shown = coverage(
        sum(count for *_, count in found),
        sum(count for _, total, count in dated if total is not None),
        _in_years(unknown),
        message("{rows} without a year", rows=undated) if undated else "",
    )
    note = sentences(message("Sum over the rows of each year."), shown, _unfinished(data_date, values))
    return columns(Caption(title, note), values, weak_years, (strong, weak))


def _rows_by_year(
    connection: duckdb.DuckDBPyConnection, day: FieldDeclaration, data_date: date, speaker: Speaker
) -> Iterator[Chart | LeftOut]:
    found = connection.execute(
        f"SELECT CAST(extract(year FROM {quote(day.name)}) AS INTEGER) AS y, count(*) FROM {ROWS}"
        " GROUP BY ALL ORDER BY ALL"
    ).fetchall()
    counted = {int(number): float(total) for number, total in found if number is not None}
    title = message("Rows by year: {title}", title=_lower(speaker.title(day)))
    if len(counted) < 2:
        if found:
            yield LeftOut(title, message("no row has this date, or all are of one year"))
        return
    last = max(counted)
    first = max(min(counted), last - _MAX_YEARS + 1)
    earlier = int(sum(total for number, total in counted.items() if number < first))
    values: dict[int, float | None] = {number: counted.get(number, 0.0) for number in range(first, last + 1)}
    undated = sum(total for number, total in found if number is None)
    shown = coverage(
        sum(total for _, total in found),
        int(sum(value or 0 for value in values.values())),
        message("{rows} from before {year}", rows=earlier, year=str(first)) if earlier else "",
        message("{rows} without this date", rows=undated) if undated else "",
    )
    yield columns(Caption(title, sentences(shown, _unfinished(data_date, values))), values)


def _unfinished(data_date: date, values: Mapping[int, object]) -> str:
    if (data_date.month, data_date.day) == (12, 31) or data_date.year not in values:
        return ""
    return message("{year} is not over.", year=str(data_date.year))


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


def _in_years(unknown: Mapping[int, int]) -> str:
    if not unknown:
        return ""
    first, last, rows = min(unknown), max(unknown), sum(unknown.values())
    if first == last:
        return message("{rows} in {year}, whose sum is unknown", rows=rows, year=str(first))
    return message(
        "{rows} in {years} years from {first} to {last}, whose sum is unknown",
        rows=rows,
        years=len(unknown),
        first=str(first),
        last=str(last),
    )


def _bases(
    connection: duckdb.DuckDBPyConnection, table: TableDeclaration, year: FieldDeclaration
) -> tuple[frozenset[int], str, str]:
    """Years whose counts rest on another basis than the rest, where a two-valued field says so."""
    for field in table.fields:
        if field.constraints.enum and len(field.constraints.enum) == 2:
            strong, weak = field.constraints.enum
            found = connection.execute(
                f"SELECT {quote(year.name)} FROM {ROWS} GROUP BY ALL"
                f" HAVING bool_and({quote(field.name)} = {literal(weak)})"
            ).fetchall()
            if found:
                return frozenset(int(row[0]) for row in found), strong, weak
    return frozenset(), "", ""


def _frequent(
    connection: duckdb.DuckDBPyConnection, table: TableDeclaration, speaker: Speaker
) -> Iterator[Chart | LeftOut]:
    if _year_of_rows(table):
        return  # its rows are totals: how often a code occurs says nothing
    field = next((field for field in table.fields if field.type == "string" and labels(field)), None)
    if field is None:
        return
    found = connection.execute(
        f"SELECT {quote(field.name)} AS code, count(*) AS n FROM {ROWS} GROUP BY ALL ORDER BY n DESC, code"
    ).fetchall()
    counted = [(code, total) for code, total in found if code is not None]
    title = message("Rows by {title}", title=_lower(speaker.title(field)))
    if not counted:
        yield LeftOut(title, message("no row has a code"))
        return
    meanings = speaker.labels(field)
    shown, rest = counted[:_MAX_BARS], counted[_MAX_BARS:]
    empty = sum(total for code, total in found if code is None)
    note = coverage(
        sum(total for _, total in found),
        sum(total for _, total in shown),
        message("{rows} in {codes} more codes", rows=sum(total for _, total in rest), codes=len(rest))
        if rest
        else "",
        message("{rows} without one", rows=empty) if empty else "",
    )
    yield BarChart(Caption(title, note), bars([(meanings.get(code, str(code)), n, 0) for code, n in shown]))


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
