"""The headline figure and the charts that an entry declares, from its own SQL over the released rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import duckdb

from publish.portals.folder.plotting import BarChart, Caption, Chart, LeftOut, bars, columns, coverage, lines
from publish.portals.folder.reading import no_rows
from publish.portals.folder.speaking import Speaker
from warehouse.declarations import ChartDeclaration, DatasetDeclaration, Headline
from warehouse.messages import in_languages, message, sentences

_MOST_BARS = 24
_MOST_SERIES = 8
_MOST_POINTS = 2000


@dataclass(frozen=True)
class Figure:
    """The headline: a figure in words, what it is, and of how many rows it speaks."""

    title: str
    value: str
    unit: str
    note: str


def headline(
    connection: duckdb.DuckDBPyConnection, declared: Headline, rows: int, speaker: Speaker
) -> Figure | LeftOut:
    """What a dataset's page begins with; left out where the rows do not say it."""
    title = in_languages(declared.title, finnish=declared.title_fi)
    found = _asked(connection, declared.sql)
    if isinstance(found, str):
        return LeftOut(title, found)
    value = found[0].get("value") if found else None
    if value is None:
        return LeftOut(title, message("it is unknown"))
    shown = found[0].get("shown")
    note = sentences(
        in_languages(declared.note, finnish=declared.note_fi) if declared.note else "",
        coverage(rows, int(shown)) if shown is not None else "",
    )
    text = str(value) if isinstance(value, str) else speaker.number(value, declared.decimals)
    return Figure(title, text, speaker.unit(declared.unit), note)


def chart(
    connection: duckdb.DuckDBPyConnection,
    declared: ChartDeclaration,
    dataset: DatasetDeclaration,
    speaker: Speaker,
) -> Chart | LeftOut:
    """A declared chart; one without a point is left out and says why."""
    title = in_languages(declared.title, finnish=declared.title_fi)
    found = _asked(connection, declared.sql)
    if isinstance(found, str):
        return LeftOut(title, found)
    points = [point for point in found if point["x"] is not None]
    known = [point for point in points if point["y"] is not None]
    if not known:
        return LeftOut(title, message("no row has what it shows"))
    if declared.kind == "lines" and len(known) == 1:
        value = f"{speaker.number(float(known[0]['y']), declared.decimals)} {speaker.unit(declared.unit)}".strip()
        return LeftOut(
            title, message("one year alone is known, {year}: {value}", year=str(known[0]["x"]), value=value)
        )
    note = sentences(
        in_languages(declared.note, finnish=declared.note_fi) if declared.note else "",
        _shown(connection, points),
    )
    caption = Caption(title, note, speaker.unit(declared.unit), declared.decimals)
    series = list(dict.fromkeys(point.get("series") for point in points))[:_MOST_SERIES]
    names = [_in_words(one, declared.series_codes, dataset, speaker) for one in series]
    if declared.kind == "lines":
        return lines(
            caption,
            {
                name: {int(point["x"]): _number(point["y"]) for point in points if point.get("series") == one}
                for one, name in zip(series, names, strict=True)
            },
        )
    if series == [None] and all(isinstance(point["x"], int) for point in points):
        return columns(caption, {point["x"]: _number(point["y"]) for point in points})
    drawn = bars(
        [
            (
                _in_words(point["x"], declared.x_codes, dataset, speaker),
                _number(point["y"]),
                series.index(point.get("series")),
            )
            for point in points[:_MOST_BARS]
            if point.get("series") in series
        ]
    )
    return BarChart(caption, drawn, () if series == [None] else tuple(names))


def faults(dataset: DatasetDeclaration) -> list[str]:
    """What is wrong with the SQL of an entry's ``show``, tried on its columns without a row; in words."""
    show = dataset.entry.show
    asked: list[tuple[str, str, tuple[str, ...]]] = []
    if show.headline:
        asked.append(("headline", show.headline.sql, ("value", "shown")))
    asked += [(f"charts.{place}", one.sql, ("x", "y", "shown")) for place, one in enumerate(show.charts)]
    found = []
    with no_rows(dataset.table) as connection:
        for place, sql, wanted in asked:
            try:
                given = [column[0] for column in _run(connection, sql).description or ()]
            except duckdb.Error as error:
                found.append(f"{dataset.name}: show.{place}: {error}")
                continue
            if lacking := [name for name in wanted if name not in given]:
                found.append(f"{dataset.name}: show.{place}: its SELECT gives no column {', '.join(lacking)}")
    return found


def _asked(connection: duckdb.DuckDBPyConnection, sql: str) -> list[dict[str, Any]] | str:
    """The rows of a declared SELECT by its columns' names; or why there are none."""
    try:
        cursor = _run(connection, sql)
        names = [column[0] for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchmany(_MOST_POINTS)]
    except duckdb.Error:
        return message("it does not fit the columns of this version")


def _run(connection: duckdb.DuckDBPyConnection, sql: str) -> duckdb.DuckDBPyConnection:
    statements = duckdb.extract_statements(sql)
    if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
        raise duckdb.InvalidInputException("it is not one SELECT")
    return connection.execute(statements[0])


def _shown(connection: duckdb.DuckDBPyConnection, points: Sequence[dict[str, Any]]) -> str:
    """How many rows the points are of: those whose y is unknown show nothing."""
    told = [point.get("shown") for point in points if point["y"] is not None]
    if any(count is None for count in told):
        return ""
    (rows,) = connection.execute("SELECT count(*) FROM rows").fetchone() or (0,)
    return coverage(rows, min(rows, sum(int(count) for count in told if count is not None)))


def _number(value: Any) -> float | None:
    return None if value is None else float(value)


def _in_words(code: object, column: str | None, dataset: DatasetDeclaration, speaker: Speaker) -> str:
    """A code in words; of a list each part, those that are unknown left out: "2018, more than"."""
    if isinstance(code, list):
        first, *others = [_in_words(one, column, dataset, speaker) for one in code if one is not None] or [""]
        return ", ".join([first, *(one[:1].lower() + one[1:] for one in others)])
    text = "" if code is None else str(code)
    return speaker.labels(dataset.table.field(column)).get(text, text) if column else text
