"""A map of a dataset's points on its district's outline, drawn to scale: no tiles, so nobody is asked for any.

Rows of one place are one circle, whose area says how many they are. Where there are too many places to draw, those
that lie close together are one.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import duckdb

from publish.portals.folder.plotting import LeftOut, coverage
from publish.portals.folder.reading import ROWS
from publish.portals.folder.speaking import Speaker
from warehouse.declarations import COORDINATES, DatasetDeclaration, FieldDeclaration, quote
from warehouse.messages import counted, message, sentences

_WIDTH, _TALLEST, _MARGIN, _FOOT = 640.0, 560.0, 16.0, 26.0
_MOST_PLACES = 320
_GRID = 44  # cells across, where places are put together
_MOST_COLOURS = 7
_MOST_LABELS = 14
_MOST_LISTED = 40
_LARGEST = 15.0  # a circle's radius
_KM = 111.32  # of a degree of latitude


@dataclass(frozen=True)
class Spot:
    """A circle: where it is, how large, its colour, what is said of it, and whether its name stands beside it."""

    x: float
    y: float
    radius: float
    shade: int
    name: str
    rows: int
    what: str  # its colour in words
    label: str = ""
    anchor: str = "start"
    label_x: float = 0


@dataclass(frozen=True)
class Map:
    """A map with its legend, in its own units. ``listed`` are its places in words, the greatest first."""

    outline: str
    spots: tuple[Spot, ...]
    listed: tuple[Spot, ...]
    legend: tuple[tuple[int, str], ...]
    legend_title: str
    note: str
    width: float
    height: float
    scale_km: float
    scale_width: float


@dataclass
class _Place:
    lon: float
    lat: float
    rows: int = 0
    names: Counter[str] = field(default_factory=Counter)
    colours: Counter[str] = field(default_factory=Counter)
    kinds: int = 0


@dataclass(frozen=True)
class _Frame:
    """Degrees to places of the drawing: a kilometre is as long eastwards as northwards."""

    west: float
    south: float
    east: float
    north: float

    @property
    def squeeze(self) -> float:
        return math.cos(math.radians((self.south + self.north) / 2))

    @property
    def scale(self) -> float:
        wide = (_WIDTH - 2 * _MARGIN) / max((self.east - self.west) * self.squeeze, 1e-6)
        tall = (_TALLEST - 2 * _MARGIN - _FOOT) / max(self.north - self.south, 1e-6)
        return min(wide, tall)

    @property
    def height(self) -> float:
        return round((self.north - self.south) * self.scale + 2 * _MARGIN + _FOOT, 1)

    def at(self, lon: float, lat: float) -> tuple[float, float]:
        left = (_WIDTH - (self.east - self.west) * self.squeeze * self.scale) / 2
        x = left + (lon - self.west) * self.squeeze * self.scale
        return round(x, 1), round(_MARGIN + (self.north - lat) * self.scale, 1)

    def has(self, lon: float, lat: float) -> bool:
        return self.west <= lon <= self.east and self.south <= lat <= self.north


def draw_map(
    connection: duckdb.DuckDBPyConnection,
    dataset: DatasetDeclaration,
    geometry: Mapping[str, object] | None,
    speaker: Speaker,
) -> Map | LeftOut | None:
    """The map of a dataset with points; None for one without.

    Args:
        connection: sees the view ``rows``.
        dataset: its declaration, whose ``show.map`` says what labels and colours a point.
        geometry: the district's outline, a GeoJSON Polygon.
        speaker: says it.
    """
    names = {one.name for one in dataset.table.fields}
    if not names.issuperset(COORDINATES):
        return None
    declared = dataset.entry.show.map
    colour = dataset.table.field(declared.colour) if declared and declared.colour else None
    label = declared.label if declared else dataset.table.primary_key[0]
    places = _places(connection, label, colour)
    (rows,) = connection.execute(f"SELECT count(*) FROM {ROWS}").fetchone() or (0,)
    if not places:
        return LeftOut(message("Map"), message("no row has a position"))
    rings = _rings(geometry)
    frame = _frame(rings, places)
    inside = [place for place in places if frame.has(place.lon, place.lat)]
    drawn = inside if len(inside) <= _MOST_PLACES else _together(inside, frame)
    shades = _shades(drawn) if colour else {}
    spots = _labelled(list(_spots(drawn, frame, shades, _meanings(colour, speaker))))
    shown = sum(place.rows for place in inside)
    placed = sum(place.rows for place in places)
    note = sentences(
        coverage(
            rows,
            shown,
            message("{rows} without a position", rows=rows - placed) if rows > placed else "",
            message("{rows} beyond the map's edge", rows=placed - shown) if placed > shown else "",
        ),
        message("A circle's area says how many rows are at a place.") if len(places) < rows else "",
        message("Places that lie close together are one circle.") if drawn is not inside else "",
        message("A circle has the colour of most of its rows.") if any(place.kinds > 1 for place in drawn) else "",
    )
    kilometre = frame.scale / _KM
    scale = max((k for k in (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50) if k * kilometre <= _WIDTH / 4), default=0.1)
    return Map(
        outline="".join(
            "M" + "L".join(f"{x:g} {y:g}" for x, y in (frame.at(p[0], p[1]) for p in ring[:-1])) + "Z"
            for ring in rings
        ),
        spots=tuple(spots),
        listed=tuple(sorted(spots, key=lambda spot: (-spot.rows, spot.name)))[:_MOST_LISTED],
        legend=tuple(_legend(shades, _meanings(colour, speaker), drawn)),
        legend_title=speaker.title(colour) if colour else "",
        note=note,
        width=_WIDTH,
        height=frame.height,
        scale_km=scale,
        scale_width=round(scale * kilometre, 1),
    )


def _rings(geometry: Mapping[str, object] | None) -> list[Sequence[Sequence[float]]]:
    rings = geometry.get("coordinates") if geometry else None
    return list(rings) if isinstance(rings, Sequence) else []


def _places(connection: duckdb.DuckDBPyConnection, label: str, colour: FieldDeclaration | None) -> list[_Place]:
    lon, lat = (f"round({quote(name)}, 4)" for name in COORDINATES)
    by_colour = f"coalesce(CAST({quote(colour.name)} AS VARCHAR), '')" if colour else "''"
    text = f"CAST({quote(label)} AS VARCHAR)"
    found = connection.execute(
        f"SELECT {lon} AS x, {lat} AS y, {by_colour} AS c, count(*), min({text}), count(DISTINCT {text})"
        f" FROM {ROWS}"
        f" WHERE x BETWEEN -180 AND 180 AND y BETWEEN -90 AND 90 GROUP BY ALL ORDER BY ALL"
    ).fetchall()
    places: dict[tuple[float, float], _Place] = {}
    for x, y, code, rows, name, count in found:
        place = places.setdefault((x, y), _Place(float(x), float(y)))
        place.rows += rows
        place.colours[code] += rows
        place.kinds = len(place.colours)
        if name is not None:
            place.names[name] += rows
            if count > 1:
                place.names[""] += 1  # there are more
    return list(places.values())


def _frame(rings: Sequence[Sequence[Sequence[float]]], places: Sequence[_Place]) -> _Frame:
    """What the map shows: the district and a little around it; without one all of the points."""
    points = [(p[0], p[1]) for ring in rings for p in ring] or [(place.lon, place.lat) for place in places]
    west, east = min(p[0] for p in points), max(p[0] for p in points)
    south, north = min(p[1] for p in points), max(p[1] for p in points)
    across, up = max(east - west, 0.004) * 0.06, max(north - south, 0.002) * 0.06
    return _Frame(west - across, south - up, east + across, north + up)


def _together(places: Sequence[_Place], frame: _Frame) -> list[_Place]:
    """Places in the same cell of a grid as one, at their middle."""
    cells: dict[tuple[int, int], list[_Place]] = {}
    size = _WIDTH / _GRID
    for place in places:
        x, y = frame.at(place.lon, place.lat)
        cells.setdefault((int(x // size), int(y // size)), []).append(place)
    made = []
    for _, group in sorted(cells.items()):
        rows = sum(place.rows for place in group)
        one = _Place(
            sum(place.lon * place.rows for place in group) / rows,
            sum(place.lat * place.rows for place in group) / rows,
            rows,
        )
        for place in group:
            one.names.update(place.names)
            one.colours.update(place.colours)
        one.kinds = len(one.colours)
        made.append(one)
    return made


def _first(counts: Counter[str]) -> str:
    return min(counts, key=lambda code: (-counts[code], code)) if counts else ""


def _shades(places: Sequence[_Place]) -> dict[str, int]:
    """A shade for each of the most frequent codes; all others share the last one."""
    total: Counter[str] = Counter()
    for place in places:
        total.update(place.colours)
    ordered = sorted(total, key=lambda code: (-total[code], code))
    return {code: min(shade, _MOST_COLOURS) for shade, code in enumerate(ordered)}


def _meanings(colour: FieldDeclaration | None, speaker: Speaker) -> Mapping[str, str]:
    if colour is None:
        return {}
    if colour.type == "boolean":
        return {"true": message("yes"), "false": message("no"), "": message("unknown")}
    return {**speaker.labels(colour), "": message("unknown")}


def _legend(
    shades: Mapping[str, int], meanings: Mapping[str, str], drawn: Sequence[_Place]
) -> Iterator[tuple[int, str]]:
    first = {_first(place.colours) for place in drawn}
    used = sorted({shade for code, shade in shades.items() if code in first})
    for shade in used:
        codes = [code for code, own in shades.items() if own == shade]
        yield (
            shade,
            message("all others") if len(codes) > 1 else meanings.get(codes[0], codes[0].replace("_", " ")),
        )


def _spots(
    places: Sequence[_Place], frame: _Frame, shades: Mapping[str, int], meanings: Mapping[str, str]
) -> Iterator[Spot]:
    most = max(place.rows for place in places)
    least = 4.5 if most < 40 else 2.5
    # the greatest first, so that a small circle is never under a large one
    for place in sorted(places, key=lambda place: (-place.rows, place.lon, place.lat)):
        x, y = frame.at(place.lon, place.lat)
        code = _first(place.colours)
        names = [name for name in place.names if name]
        name = min(names, default="")
        if len(names) > 1 or place.names[""]:
            name = message("{name} and others", name=name)
        yield Spot(
            x=x,
            y=y,
            radius=round(max(least, _LARGEST * math.sqrt(place.rows / most)), 1) if most > 1 else least + 1.5,
            shade=shades.get(code, 0),
            name=name,
            rows=place.rows,
            what=meanings.get(code, code) if shades else "",
        )


def _labelled(spots: list[Spot]) -> list[Spot]:
    """The spots, the greatest of them with their names where these cover neither another name nor the edge."""
    taken: list[tuple[float, float, float, float]] = []
    made: list[Spot] = []
    for spot in spots:
        text = str(spot.name)
        text = text if len(text) <= 28 else text[:27].rstrip() + "…"
        width = 6.3 * len(text)
        is_left = spot.x + spot.radius + 4 + width > _WIDTH
        x = spot.x - spot.radius - 4 if is_left else spot.x + spot.radius + 4
        box = (x - width if is_left else x, spot.y - 8, x if is_left else x + width, spot.y + 8)
        is_free = all(box[2] < b[0] or box[0] > b[2] or box[3] < b[1] or box[1] > b[3] for b in taken)
        if text and len(taken) < _MOST_LABELS and is_free and box[0] > 0:
            taken.append(box)
            made.append(_with_label(spot, text, "end" if is_left else "start", round(x, 1)))
        else:
            made.append(spot)
    return made


def _with_label(spot: Spot, text: str, anchor: str, x: float) -> Spot:
    values: dict[str, Any] = {**vars(spot), "label": text, "anchor": anchor, "label_x": x}
    return Spot(**values)


def place_words(spot: Spot) -> str:
    """A place in words, for who points at it."""
    rows = counted("{count} row", "{count} rows", spot.rows)
    what = message("{rows}, {what}", rows=rows, what=spot.what) if spot.what else rows
    return message("{name}: {what}", name=spot.name, what=what) if spot.name else what
