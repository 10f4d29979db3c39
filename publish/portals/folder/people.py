"""What is drawn of people: of each of their populations a mean, shares or a number, never without its n.

Everything follows from the entry's ``disclosure`` block and the columns' types. A period's columns that have codes
(a question) make a panel each, the others (a pilot) its rows; a number is drawn as a dot, per cents as parts of a
whole, and where there is neither, the people themselves as parts of a bar. Only what is published is read: a
suppressed cell is a word, and in a bar the part that is left of the whole when all published parts are taken off.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from publish.files.render import labels
from publish.portals.folder.people_cells import Cell, Roles, cells, roles_of
from publish.portals.folder.speaking import Speaker
from warehouse.declarations import TOTAL, DatasetDeclaration, FieldDeclaration
from warehouse.messages import message, sentences

_MOST_ROWS = 30  # of a panel
_MOST_PANELS = 6
_SHADES = 8


@dataclass(frozen=True)
class Part:
    """A part of a bar, in per cent of the scale; ``shade`` is None for what is not told apart."""

    x: float
    width: float
    shade: int | None
    words: str


@dataclass(frozen=True)
class Row:
    """A row: its name, its value and n in words; ``dot`` in per cent of the scale. A suppressed one has no more.

    ``told`` are its parts in words, one for each of the panel's codes.
    """

    label: str
    note: str
    is_suppressed: bool
    value: str = ""
    n: str = ""
    dot: float | None = None
    parts: tuple[Part, ...] = ()
    told: tuple[str, ...] = ()


@dataclass(frozen=True)
class Breakdown:
    """The same by one more dimension: a heading and its rows for each row of the panel."""

    title: str
    groups: tuple[tuple[str, tuple[Row, ...]], ...]


@dataclass(frozen=True)
class Panel:
    """A figure. ``ticks`` are equally far apart; ``zero`` is in per cent of the scale, None at its end."""

    title: str
    note: str
    measured: str  # what the values are
    counted: str  # what n is
    ticks: tuple[str, ...]
    zero: float | None
    legend: tuple[tuple[int | None, str], ...]
    rows: tuple[Row, ...]
    breakdowns: tuple[Breakdown, ...]


def draw_people(dataset: DatasetDeclaration, parquet: Path, speaker: Speaker | None = None) -> list[Panel]:
    """The panels of a dataset that declares disclosure control, from its release's Parquet file; else none."""
    roles = roles_of(dataset, speaker or Speaker())
    if roles is None:
        return []
    panels: dict[tuple[str, ...], list[Cell]] = {}
    for cell in cells(parquet, roles):
        panels.setdefault(cell.panel, []).append(cell)
    below = dataset.entry.disclosure.protects_below if dataset.entry.disclosure else 0
    drawn = [
        panel
        for codes in sorted(panels, key=lambda codes: _ranks(codes, roles.panels))
        for panel in _panels(codes, panels[codes], roles, below)
    ]
    return drawn[:_MOST_PANELS]


def _ranks(codes: Iterable[str], fields: Iterable[FieldDeclaration]) -> list[tuple[int, str]]:
    """Codes in the order of their lists; what a list does not have comes last."""
    orders = [list(labels(one)) for one in fields]
    pairs = zip(codes, orders, strict=True)
    return [(order.index(code) if code in order else len(order), code) for code, order in pairs]


def _title(code: str, one: FieldDeclaration, speaker: Speaker) -> str:
    words = code.replace("_", " ")
    return speaker.labels(one).get(code) or words[:1].upper() + words[1:]


class _Population:
    """The cells of one row of a panel."""

    def __init__(self, names: tuple[str, ...], cells: Sequence[Cell]) -> None:
        self.names, self.day = names, cells[0].day
        self.cells = {cell.codes: cell for cell in cells}

    def at(self, codes: Mapping[int, str], width: int) -> Cell | None:
        return self.cells.get(tuple(codes.get(place, TOTAL) for place in range(width)))


@dataclass(frozen=True)
class _Sketch:
    """What a panel's rows need to know: its scale, and the dimension whose codes are the parts of bars."""

    roles: Roles
    kind: str  # dots, shares, counts
    low: float
    high: float
    ticks: tuple[str, ...]
    parted: int | None = None
    codes: tuple[str, ...] = ()
    mean: int = 0  # which of the means

    def at(self, value: float) -> float:
        return round(100 * (value - self.low) / (self.high - self.low), 2)

    def title(self, code: str) -> str:
        return _title(code, self.roles.dimensions[self.parted or 0], self.roles.speaker)


def _panels(codes: tuple[str, ...], found: Sequence[Cell], roles: Roles, below: int) -> Iterator[Panel]:
    together: dict[tuple[str, ...], list[Cell]] = {}
    for cell in found:
        together.setdefault(cell.names, []).append(cell)
    populations = [_Population(names, own) for names, own in together.items()]
    title = ", ".join(_title(code, one, roles.speaker) for code, one in zip(codes, roles.panels, strict=True))
    for sketch in _sketches(found, roles):
        yield _panel(title or roles.speaker.title(roles.count), populations, sketch, below)


def _sketches(found: Sequence[Cell], roles: Roles) -> Iterator[_Sketch]:
    """One of shares or of each mean that there is; of people one for each dimension."""
    parted = roles.parted
    means = [
        (place, values)
        for place in range(len(roles.means))
        if (values := [mean for cell in found if (mean := cell.means[place]) is not None])
    ]
    if parted is not None and any(cell.share is not None and cell.codes[parted] != TOTAL for cell in found):
        ticks = ("0", "25", "50", "75", "100 %")
        yield _Sketch(roles, "shares", 0, 100, ticks, parted, _codes(found, roles, parted))
    elif means:
        for place, values in means:
            yield _Sketch(roles, "dots", *_scale(values, roles.speaker), mean=place)
    elif roles.means:
        yield _Sketch(roles, "dots", 0, 1, ())  # nothing of it is published
    else:
        counts = [cell.count for cell in found]
        for place in range(len(roles.dimensions)):
            if len(own := _codes(found, roles, place)) > 1:
                yield _Sketch(roles, "counts", *_scale(counts, roles.speaker), place, own)


def _told_apart(cell: Cell) -> list[int]:
    places = [place for place, code in enumerate(cell.codes) if code != TOTAL]
    return places if len(places) == 1 else []


def _codes(found: Sequence[Cell], roles: Roles, place: int) -> tuple[str, ...]:
    """The codes of a dimension under which there is anybody, or may be."""
    codes = {cell.codes[place] for cell in found if cell.is_suppressed or cell.count} - {TOTAL}
    return tuple(sorted(codes, key=lambda code: _ranks([code], [roles.dimensions[place]])))


def _scale(values: Sequence[float], speaker: Speaker) -> tuple[float, float, tuple[str, ...]]:
    """From nothing, or from what is less, to a round number: four to seven lines."""
    low, high = min(0.0, *values), max(0.0, *values)
    raw = max(high - low, 1e-9) / 5
    power = 10 ** math.floor(math.log10(raw))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= raw * 0.999)
    first, last = math.floor(low / step), math.ceil(high / step)
    ticks = tuple(speaker.number(number * step) for number in range(first, max(last, first + 1) + 1))
    return first * step, max(last, first + 1) * step, ticks


def _panel(title: str, populations: Sequence[_Population], sketch: _Sketch, below: int) -> Panel:
    roles, width = sketch.roles, len(sketch.roles.dimensions)
    names = _labels(populations)
    drawn = [
        (population, _row(names[population.names], population.day, population, {}, sketch))
        for population in populations
    ]
    drawn.sort(key=lambda pair: _rank(pair[0], pair[1], width))
    rows = [row for _, row in drawn]
    if sketch.kind == "counts" and sketch.parted is not None:
        by = _lower(roles.speaker.title(roles.dimensions[sketch.parted]))
        title = message("{title} by {dimension}", title=title, dimension=by)
    breakdowns = tuple(_breakdowns([population for population, _ in drawn[:_MOST_ROWS]], names, sketch))
    inner = [row for one in breakdowns for _, group in one.groups for row in group]
    return Panel(
        title=title,
        note=_note(rows, below, sketch.kind),
        measured=_measured(sketch),
        counted=roles.speaker.title(roles.count),
        ticks=sketch.ticks,
        zero=sketch.at(0) if sketch.low < 0 < sketch.high else None,
        legend=tuple(_legend([*rows, *inner], sketch)),
        rows=tuple(rows[:_MOST_ROWS]),
        breakdowns=breakdowns,
    )


def _labels(populations: Sequence[_Population]) -> dict[tuple[str, ...], str]:
    """Each row's name: as many of its parts as it takes to tell the rows apart."""
    names = [population.names for population in populations]
    for length in range(1, max(map(len, names), default=1) + 1):
        if len({one[:length] for one in names}) == len(names):
            return {one: ", ".join(one[:length]) for one in names}
    return {one: ", ".join(one) for one in names}


def _measured(sketch: _Sketch) -> str:
    """What stands in the column of values: the mean, the first of two answers; nothing beside a number."""
    if sketch.kind == "shares":
        return sketch.title(sketch.codes[0]) if len(sketch.codes) == 2 else ""
    return message("Mean") if sketch.kind == "dots" else ""


def _rank(population: _Population, row: Row, width: int) -> tuple[bool, str, float, str]:
    """By day; without days the greatest first, and what is suppressed last."""
    cell = population.at({}, width)
    value = row.dot if row.dot is not None else row.parts[0].width if row.parts else 0.0
    is_last = not population.day and (cell is None or cell.is_suppressed)
    return is_last, population.day, 0.0 if population.day else -value, row.label


def _row(label: str, note: str, population: _Population, codes: Mapping[int, str], sketch: _Sketch) -> Row:
    """What is published of one cell, drawn."""
    width = len(sketch.roles.dimensions)
    cell = population.at(codes, width)
    pieces = [population.at({**codes, sketch.parted or 0: code}, width) for code in sketch.codes]
    told = tuple(_words(piece, sketch) for piece in pieces)
    if cell is None or cell.is_suppressed:
        return Row(label, note, True, told=told)
    row = Row(label, note, False, n=sketch.roles.speaker.say(message("n = {count}", count=cell.count)), told=told)
    if sketch.kind == "dots":
        mean = cell.means[sketch.mean]
        if mean is None:
            return row
        return replace(
            row, value=_number(mean, sketch.roles.means[sketch.mean], sketch.roles.speaker), dot=sketch.at(mean)
        )
    whole = cell.count if sketch.kind == "counts" else 100.0
    is_one_told = sketch.kind == "shares" and len(told) == 2 and (pieces[0] is None or not pieces[0].is_suppressed)
    return replace(row, value=told[0] if is_one_told else "", parts=tuple(_parts(pieces, whole, sketch)))


def _parts(pieces: Sequence[Cell | None], whole: float, sketch: _Sketch) -> Iterator[Part]:
    """The published parts side by side; what is left of the whole is that of the suppressed ones together."""
    x = 0.0
    for shade, (code, piece) in enumerate(zip(sketch.codes, pieces, strict=True)):
        if size := _size(piece, sketch):
            words = message("{name}: {what}", name=sketch.title(code), what=_words(piece, sketch))
            yield Part(sketch.at(x), sketch.at(size), shade % _SHADES, words)
            x += size
    if any(piece is not None and piece.is_suppressed for piece in pieces) and whole - x > 0:
        yield Part(sketch.at(x), sketch.at(whole - x), None, message("Not told apart"))


def _size(piece: Cell | None, sketch: _Sketch) -> float:
    if piece is None or piece.is_suppressed:
        return 0.0
    return float(piece.count) if sketch.kind == "counts" else piece.share or 0.0


def _words(piece: Cell | None, sketch: _Sketch) -> str:
    if piece is None:
        return "–"
    if piece.is_suppressed:
        return message("suppressed")
    speaker = sketch.roles.speaker
    if sketch.kind == "counts":
        return speaker.number(piece.count)
    return f"{speaker.number(piece.share or 0, 0)} %"


def _breakdowns(
    populations: Sequence[_Population], names: Mapping[tuple[str, ...], str], sketch: _Sketch
) -> Iterator[Breakdown]:
    """The same by each dimension that is not in the bars; a number of people has a panel for each instead."""
    for place, dimension in enumerate(sketch.roles.dimensions):
        if place == sketch.parted or sketch.kind == "counts":
            continue
        groups = []
        for population in populations:
            own = [cell for cell in population.cells.values() if _told_apart(cell) == [place]]
            if len(codes := _codes(own, sketch.roles, place)) > 1:
                rows = tuple(
                    _row(_title(one, dimension, sketch.roles.speaker), "", population, {place: one}, sketch)
                    for one in codes
                )
                all_of_them = (Row(message("All groups"), "", True),)
                groups.append(
                    (names[population.names], all_of_them if all(row.is_suppressed for row in rows) else rows)
                )
        if groups:
            yield Breakdown(
                message("By {dimension}", dimension=_lower(sketch.roles.speaker.title(dimension))), tuple(groups)
            )


def _legend(rows: Sequence[Row], sketch: _Sketch) -> Iterator[tuple[int | None, str]]:
    if sketch.parted is None:
        return
    for shade, code in enumerate(sketch.codes):
        yield shade % _SHADES, sketch.title(code)
    if any(part.shade is None for row in rows for part in row.parts):
        yield None, message("Not told apart: suppressed")


def _note(rows: Sequence[Row], below: int, kind: str) -> str:
    """How many of the totals are shown. Every chart says it."""
    suppressed = sum(row.is_suppressed for row in rows)
    return sentences(
        message("{told} of {rows} totals are published.", told=len(rows) - suppressed, rows=len(rows)),
        message(
            "Suppressed is what counts fewer than {below} people, or what would tell of others that do.",
            below=below,
        )
        if suppressed
        else "",
        message("A mean over all of them would lack these.") if suppressed and kind != "counts" else "",
        message("The first {rows} are drawn; the files have all.", rows=_MOST_ROWS)
        if len(rows) > _MOST_ROWS
        else "",
    )


def _number(value: float, one: FieldDeclaration, speaker: Speaker) -> str:
    decimals = 1 if one.decimals is None else min(one.decimals, 2)
    return speaker.number(value, decimals)


def _lower(title: str) -> str:
    return title[:1].lower() + title[1:] if title[1:2].islower() else title
