"""The dimensions and the score of one source or dataset, and the one step that would raise the score most."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import duckdb

from warehouse.database import fetch
from warehouse.declarations import DatasetDeclaration, SourceDeclaration, TableDeclaration
from warehouse.headings import Names, declared_names
from warehouse.measures import Dimension
from warehouse.messages import counted, message, sentences
from warehouse.quality.arithmetic import JUDGED, NONE, STANDING, Timely, arithmetic
from warehouse.quality.dimensions import WEIGHTS, DimensionsOf, why_unknown
from warehouse.sql import day_literal, literal

Declaration = SourceDeclaration | DatasetDeclaration
_LEAST = 0.05  # points: less would be shown as 0.0


@dataclass(frozen=True)
class Cause:
    """What costs a source or a dataset points: a rule on a column that is broken, or that holds the data.

    ``failed`` of the ``judged`` cells or rows break it; ``gain`` is what the score would rise by if all of them
    were mended, in points. ``table_name`` is "none" and ``column_name`` empty where it is about none that is
    declared. ``dimension`` is None where nothing is counted, but the data are held for it.
    """

    table_name: str
    rule: str
    column_name: str
    dimension: Dimension | None
    failed: int
    judged: int
    is_holding: bool
    gain: float


@dataclass(frozen=True)
class Part:
    """What a dimension gives to the score: its share of 0 to 1, and how much it weighs."""

    share: float
    weight: int


@dataclass(frozen=True)
class Score:
    """The score of a source or a dataset at a date of its data.

    Attributes:
        date: of the data.
        value: 0 to 100, rounded down to a tenth: 100 only where nothing is wrong.
        parts: the dimensions that are known.
        is_held: half of what the parts come to counts.
        causes: what costs points, what costs most first.
        next_step: the one thing to do that raises the score most, a message; None where nothing is to be done.
        gain: what it raises it by, in points.
    """

    date: date
    value: float
    parts: Mapping[Dimension, Part]
    is_held: bool
    causes: Sequence[Cause]
    next_step: str | None
    gain: float | None


def dimensions(
    connection: duckdb.DuckDBPyConnection, subject: str, declaration: Declaration, as_of: date | None = None
) -> list[DimensionsOf]:
    """The six dimensions of a source or a dataset, a line a date of its data, oldest first.

    Args:
        connection: may read the ledger.
        subject: the name of the source or the dataset.
        declaration: its declaration.
        as_of: what came later is not known; by default the newest date of which the ledger has data.
    """
    day = as_of or _newest(connection)
    if day is None:
        return []
    told, (timely, asked) = told_tables(declaration), _asked(connection, subject, declaration, day)
    found = fetch(
        connection,
        f"{asked} SELECT data_date, dimension, share FROM shares"
        f" WHERE name = {literal(subject)} AND kind_code = {literal(_kind(declaration))}",
    )
    by_date: dict[date, dict[Dimension, float]] = {data_date: {} for _, _, data_date, _ in timely}
    for data_date, name, share in found:
        by_date[data_date][Dimension(name)] = float(share)
    return [_dimensions_of(data_date, shares, declaration, told) for data_date, shares in sorted(by_date.items())]


def _dimensions_of(
    data_date: date, shares: Mapping[Dimension, float], declaration: Declaration, told: Sequence[TableDeclaration]
) -> DimensionsOf:
    is_measured = bool(shares.keys() - {Dimension.TIMELINESS})
    is_source = isinstance(declaration, SourceDeclaration)
    unknown = {
        one: why_unknown(one, is_source=is_source, is_told=bool(told), is_measured=is_measured)
        for one in Dimension
        if one not in shares
    }
    return DimensionsOf(data_date, **{one.value: shares.get(one) for one in Dimension}, unknown=unknown)


def score_of(
    connection: duckdb.DuckDBPyConnection,
    subject: str,
    declaration: Declaration,
    as_of: date | None = None,
    names: Names | None = None,
) -> Score | None:
    """The score at the newest date of the data; None where there are none, or nothing may be or was measured.

    Args:
        connection: may read the ledger.
        subject: the name of the source or the dataset.
        declaration: its declaration.
        as_of: what came later is not known; by default the newest date of which the ledger has data.
        names: how the next step calls columns and tables; by default by their declared titles.
    """
    day = as_of or _newest(connection)
    if day is None:
        return None
    timely, asked = _asked(connection, subject, declaration, day)
    if not timely:
        return None
    newest = max(data_date for _, _, data_date, _ in timely)
    condition = (
        f"name = {literal(subject)} AND kind_code = {literal(_kind(declaration))}"
        f" AND data_date = {day_literal(newest)}"
    )
    scored = fetch(connection, f"{asked} SELECT score, is_held FROM scored WHERE {condition}")
    if not scored or scored[0][0] is None:
        return None
    shares = fetch(connection, f"{asked} SELECT dimension, share FROM shares WHERE {condition}")
    found = causes(fetch(connection, f"{asked} SELECT {CAUSE_COLUMNS} FROM gains WHERE {condition} {WORST_FIRST}"))
    step = step_of(found, declaration, names)
    return Score(
        date=newest,
        value=rounded_down(scored[0][0]),
        parts={Dimension(name): Part(float(share), WEIGHTS[Dimension(name)]) for name, share in sorted(shares)},
        is_held=bool(scored[0][1]),
        causes=found,
        next_step=step,
        gain=found[0].gain if step else None,
    )


CAUSE_COLUMNS = "table_name, rule, column_name, dimension, failed, judged, is_holding, gain"
WORST_FIRST = "ORDER BY round(gain, 6) DESC, table_name, rule, column_name, dimension"


def causes(rows: Iterable[Sequence[Any]]) -> list[Cause]:
    """From rows of ``CAUSE_COLUMNS``."""
    return [
        Cause(table, rule, column, Dimension(dimension) if dimension else None, failed, judged, is_holding, gain)
        for table, rule, column, dimension, failed, judged, is_holding, gain in rows
    ]


def rounded_down(score: float) -> float:
    """To a tenth: what is not whole is not shown as whole."""
    return math.floor(round(score, 6) * 10) / 10


def step_of(found: Sequence[Cause], declaration: Declaration, names: Names | None = None) -> str | None:
    """What to do about the first of the causes, and what it raises the score by; None where it raises nothing."""
    if not found or found[0].gain < _LEAST:
        return None
    one = found[0]
    tables = declaration.tables if isinstance(declaration, SourceDeclaration) else (declaration.table,)
    what = _what(one, names or declared_names(tables))
    return sentences(what, message("Score +{points}.", points=round(one.gain, 1)))


def _what(one: Cause, names: Names) -> str:
    """What to do, and where: in words for the person who keeps the file."""
    if one.dimension is Dimension.TIMELINESS:
        return message("Bring newer data: those that stand are overdue.")
    if one.table_name == NONE:
        return message("Mend what holds the data.")
    sheet = names.sheet(one.table_name)
    if one.dimension is None or not one.column_name:
        if one.is_holding or not one.failed:
            return message("Mend what holds “{table}”.", table=sheet)
        return counted(
            "Mend {count} row of “{table}”.", "Mend {count} rows of “{table}”.", one.failed, table=sheet
        )
    return _of_column(one.dimension, one.failed, names.column(one.table_name, one.column_name), sheet)


def _of_column(dimension: Dimension, count: int, column: str, table: str) -> str:
    match dimension:
        case Dimension.COMPLETENESS:
            return counted(
                "Fill in “{column}” in {count} row of “{table}”.",
                "Fill in “{column}” in {count} rows of “{table}”.",
                count,
                column=column,
                table=table,
            )
        case Dimension.UNIQUENESS:
            return counted(
                "Give {count} row of “{table}” a “{column}” of its own, or take the copy out.",
                "Give each of {count} rows of “{table}” a “{column}” of its own, or take the copies out.",
                count,
                column=column,
                table=table,
            )
        case Dimension.VALIDITY:
            return counted(
                "Correct {count} value of “{column}” in “{table}”.",
                "Correct {count} values of “{column}” in “{table}”.",
                count,
                column=column,
                table=table,
            )
        case Dimension.ACCURACY:
            return counted(
                "Look up {count} value of “{column}” in “{table}”: it does not agree with the register.",
                "Look up {count} values of “{column}” in “{table}”: they do not agree with the register.",
                count,
                column=column,
                table=table,
            )
        case _:
            return counted(
                "Make “{column}” in {count} row of “{table}” agree with what stands beside it or elsewhere.",
                "Make “{column}” in {count} rows of “{table}” agree with what stands beside it or elsewhere.",
                count,
                column=column,
                table=table,
            )


def told_tables(declaration: Declaration) -> list[TableDeclaration]:
    """The tables of a source or a dataset of which something may be told: those that are not about people."""
    tables = declaration.tables if isinstance(declaration, SourceDeclaration) else (declaration.table,)
    return [table for table in tables if not table.about_people]


def timeliness(declaration: Declaration, found: Sequence[tuple[date, bool]], as_of: date) -> list[float | None]:
    """The share of timeliness of each date of the data.

    The data in use at a date are the newest good ones until then. They are in use until the next good ones come,
    or ``as_of``: the share is the part of that time in which newer ones were not overdue.

    Args:
        declaration: says when newer data are due.
        found: the dates, oldest first, and whether the data of it were held.
        as_of: what came later is not known.
    """
    if isinstance(declaration, DatasetDeclaration):
        return [None] * len(found)
    good = [day for day, is_held in found if not is_held]
    shares: list[float | None] = []
    for day, _ in found:
        in_use = max((one for one in good if one <= day), default=None)
        due = declaration.due(in_use) if in_use else None
        if in_use is None or due is None:
            shares.append(None)
            continue
        until = min((one for one in good if one > in_use), default=max(as_of, day))
        days = (until - in_use).days
        shares.append(min(1.0, (due - in_use).days / days) if days else 1.0)
    return shares


def timely_of(
    connection: duckdb.DuckDBPyConnection, declared: Mapping[tuple[str, str], Declaration], as_of: date
) -> list[Timely]:
    """Kind, name and date of all data of some sources and datasets until a date, with their timeliness."""
    day = day_literal(as_of)
    rows = fetch(
        connection,
        f"WITH {STANDING.format(as_of=day)}, {JUDGED.format(as_of=day)}"
        " SELECT kind_code, name, data_date, is_held FROM judged ORDER BY ALL",
    )
    by_subject: dict[tuple[str, str], list[tuple[date, bool]]] = defaultdict(list)
    for kind, name, data_date, is_held in rows:
        if (kind, name) in declared:
            by_subject[kind, name].append((data_date, bool(is_held)))
    return [
        (*subject, data_date, share)
        for subject, found in by_subject.items()
        for (data_date, _), share in zip(found, timeliness(declared[subject], found, as_of), strict=True)
    ]


def _asked(
    connection: duckdb.DuckDBPyConnection, subject: str, declaration: Declaration, day: date
) -> tuple[list[Timely], str]:
    """The timeliness and the CTEs of one source or dataset."""
    columns = [(subject, table.name, field.name) for table in told_tables(declaration) for field in table.fields]
    timely = timely_of(connection, {(_kind(declaration), subject): declaration}, day)
    return timely, f"WITH {arithmetic(columns, timely, day)}"


def _kind(declaration: Declaration) -> str:
    return "source" if isinstance(declaration, SourceDeclaration) else "dataset"


def _newest(connection: duckdb.DuckDBPyConnection) -> date | None:
    """The newest date of which the ledger has data: never a clock's."""
    rows = fetch(
        connection,
        "SELECT max(data_date) FROM (SELECT data_date FROM ledger.snapshots"
        " UNION ALL SELECT data_date FROM ledger.curations)",
    )
    newest: date | None = rows[0][0]
    return newest
