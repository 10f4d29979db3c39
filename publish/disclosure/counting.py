"""People into systems, by SQL: from a core model with a row a person to the atoms of every period.

The tables of all datasets of one population are counted together, so that what they share is one cell.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import groupby, product
from typing import Any

import duckdb
import numpy as np

from publish.disclosure.population import Population
from publish.disclosure.suppression import Weights, by_importance
from publish.disclosure.tables import Magnitude, Pairs, Period, Rule, Sums, System
from warehouse.curate import ModelError
from warehouse.declarations import TOTAL
from warehouse.declarations.datasets import MagnitudeDeclaration
from warehouse.reference import code_lists
from warehouse.sql import quote

# Beyond it neither suppression nor proof ends in a night. 20 x 10 x 5 classes are 1,000.
MOST_ATOMS = 20_000


class CountingError(ModelError):
    """A population's core model does not give what is declared; the message names it and quotes no person."""


def rule_of(population: Population) -> Rule:
    """What is protected of a population."""
    first = population.first
    return Rule(first.protects_below, first.p_percent if first.magnitudes else None)


def weights_of(population: Population) -> Weights:
    """What is lost with a cell of a population's tables, where others have to be suppressed."""
    return by_importance(population.first.weights, population.first.importance)


def systems(connection: duckdb.DuckDBPyConnection, population: Population) -> Iterator[tuple[Period, System]]:
    """The system of every period of a population, from ``core.<population>``, in the order of the periods.

    Raises:
        CountingError: the model has other columns than are declared, or rows that are in no period or cell.
    """
    _require_columns(connection, population)
    rows = connection.execute(_counting(population)).fetchall()
    width = len(population.first.period)
    known: dict[Period, Period] = {}
    for period, together in groupby(rows, key=lambda row: tuple(row[:width])):
        if None in period:
            raise CountingError(
                f"{_model(population)}: it has rows without {', '.join(population.first.period)}, so nobody can"
                " say which period they belong to"
            )
        if (other := known.setdefault(population.identity_of(period), period)) != period:
            raise CountingError(
                f"{_model(population)}: {', '.join(period)} and {', '.join(other)} are the same people, by"
                f" {', '.join(population.first.identified_by)}. Let it say one thing of them."
            )
        yield period, _system(population, period, [row[width:] for row in together])


def _model(population: Population) -> str:
    return f"warehouse/models/core/{population.name}.sql"


def _require_columns(connection: duckdb.DuckDBPyConnection, population: Population) -> None:
    first = population.first
    declared = [*first.period, *(column for dimension in population.dimensions for column in dimension)]
    declared += [*([first.people] if first.people else []), *(one.column for one in first.magnitudes)]
    given = [row[0] for row in connection.execute(f"DESCRIBE core.{quote(population.name)}").fetchall()]
    if sorted(given) != sorted(declared):
        extra, lacking = sorted(set(given) - set(declared)), sorted(set(declared) - set(given))
        raise CountingError(
            f"{_model(population)}: what it gives is not what is declared of it under disclosure in"
            f" {', '.join(population.datasets)}."
            + (f" Not declared: {', '.join(extra)}." if extra else "")
            + (f" Declared, but not given: {', '.join(lacking)}." if lacking else "")
        )


def _counting(population: Population) -> str:
    """People and parts by atom. A magnitude's part is one person's, so the two greatest are two people's."""
    first = population.first
    columns = [*first.period, *(column for dimension in population.dimensions for column in dimension)]
    listed = ", ".join(f"CAST({quote(column)} AS VARCHAR) AS {quote(column)}" for column in columns)
    count = f"CAST(sum({quote(first.people)}) AS BIGINT)" if first.people else "count(*)"
    without = f"count(*) FILTER (WHERE {quote(first.people)} IS NULL)" if first.people else "0"
    parts = [
        f"{{'sum': coalesce(sum({value}), 0), 'absolute': coalesce(sum(abs({value})), 0),"
        f" 'greatest': coalesce(max(abs({value}), 2), []), 'missing': count(*) - count({value}),"
        f" 'outside': count(*) FILTER (WHERE {value} < {one.minimum} OR {value} > {one.maximum})}}"
        for one in first.magnitudes
        for value in [f"CAST({quote(one.column)} AS DOUBLE)"]
    ]
    counted = [f"{count} AS people", f"{without} AS without", *parts]
    return f"SELECT {', '.join([listed, *counted])} FROM core.{quote(population.name)} GROUP BY ALL ORDER BY ALL"


def _system(population: Population, period: Period, rows: Sequence[tuple[Any, ...]]) -> System:
    columns = [column for dimension in population.dimensions for column in dimension]
    _refuse_unusable(population, period, rows, len(columns))
    # A dimension of which a period says nothing, as a survey that did not ask for the age, it does not have.
    asked = {column for place, column in enumerate(columns) if any(row[place] is not None for row in rows)}
    found: dict[Pairs, tuple[Any, ...]] = {}
    for row in rows:
        pairs = frozenset((column, row[place]) for place, column in enumerate(columns) if column in asked)
        if any(code is None for _, code in pairs):
            missing = sorted(column for column, code in pairs if code is None)
            raise CountingError(
                f"{_model(population)}: in {', '.join(period)} some rows have no {', '.join(missing)} and others"
                " have. Give those that have none a code of their own, such as not_stated."
            )
        found[pairs] = row[len(columns) :]
    tables = {
        name: tuple(kept for dimension in table if (kept := tuple(c for c in dimension if c in asked)))
        for name, table in population.tables.items()
    }
    atoms = tuple(sorted({*found, *_empty(population, found, asked)}, key=sorted))
    if len(atoms) > MOST_ATOMS:
        raise CountingError(
            f"{_model(population)}: {', '.join(period)} has {len(atoms)} classes of people, more than the"
            f" {MOST_ATOMS} of which it can be proved what a release tells. Declare fewer or coarser dimensions."
        )
    magnitudes = tuple(
        _magnitude(one, [found[atom][2 + place] if atom in found else None for atom in atoms])
        for place, one in enumerate(population.first.magnitudes)
        # Of a period in which nothing is added up, as where the question was yes or no, there is no sum.
        if any(row[2 + place]["greatest"] for row in found.values())
    )
    people = np.array([found[atom][0] if atom in found else 0 for atom in atoms], dtype=np.int64)
    return System(rule_of(population), tables, atoms, people, magnitudes)


def _refuse_unusable(population: Population, period: Period, rows: Sequence[tuple[Any, ...]], width: int) -> None:
    where = f"{_model(population)}: in {', '.join(period)}"
    if any(row[width + 1] for row in rows):
        raise CountingError(
            f"{where} it has rows without {population.first.people}: leave out who was not counted"
        )
    if any(row[width] < 0 for row in rows):
        raise CountingError(f"{where} it counts fewer than no people")
    if any(code == TOTAL for row in rows for code in row[:width]):
        raise CountingError(f"{where} it has the code {TOTAL}, which is that of margins")
    for place, one in enumerate(population.first.magnitudes):
        parts = [row[width + 2 + place] for row in rows]
        if any(part["outside"] for part in parts):
            raise CountingError(
                f"{where} {one.column} has values outside {one.minimum:g} to {one.maximum:g}, the span that is"
                " declared under disclosure: what is promised of sums rests on it"
            )
        if any(part["missing"] for part in parts) and any(part["greatest"] for part in parts):
            raise CountingError(
                f"{where} some people have {one.column} and others have not, so their number is not that of the"
                " sum. Leave those out who have none, or make the question a part of the period."
            )


def _empty(population: Population, found: Mapping[Pairs, object], asked: set[str]) -> set[Pairs]:
    """The classes that nobody is in, where every combination of codes is a cell."""
    if population.first.cells == "given":
        return set()
    parts = []
    for dimension in population.dimensions:
        columns = [column for column in dimension if column in asked]
        if not columns:
            continue
        taken = {frozenset(pair for pair in atom if pair[0] in columns) for atom in found}
        if len(columns) == 1:
            taken |= {frozenset([(columns[0], code)]) for code in _codes(population, columns[0])}
        parts.append(taken)
    return {frozenset[tuple[str, str]]().union(*chosen) for chosen in product(*parts)}


def _codes(population: Population, column: str) -> Sequence[str]:
    """The codes that a dimension's column may hold, where a list says them."""
    for dataset in population.datasets.values():
        for field in dataset.table.fields:
            if field.name == column and field.constraints.code_list:
                return tuple(code_lists()[field.constraints.code_list].codes)
            if field.name == column and field.constraints.enum:
                return field.constraints.enum
    return ()


def _magnitude(declared: MagnitudeDeclaration, parts: Sequence[Mapping[str, Any] | None]) -> Magnitude:
    """A magnitude by atom, from what SQL says of each atom that anybody is in."""

    def by_atom(value: Callable[[Mapping[str, Any]], float]) -> Sums:
        return np.array([float(value(part)) if part else 0.0 for part in parts])

    return Magnitude(
        declared.column,
        declared.minimum,
        declared.maximum,
        sums=by_atom(lambda part: part["sum"]),
        absolute=by_atom(lambda part: part["absolute"]),
        largest=by_atom(lambda part: next(iter(part["greatest"]), 0.0)),
        second=by_atom(lambda part: next(iter(part["greatest"][1:]), 0.0)),
    )
