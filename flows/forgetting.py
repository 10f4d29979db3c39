"""What follows where people's own rows are deleted, by age or on request: true counts go with the last of them.

What disclosure control published of a period stands, for it tells of nobody. What it keeps privately of the
period, the true counts and the proofs, is needed only as long as anything is to be decided of these people.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import date

import duckdb

from flows.declarations import Declarations
from flows.settings import Settings
from publish.disclosure.population import Population
from warehouse import ledger
from warehouse.curate import create_core, prepare
from warehouse.retention import recount
from warehouse.sql import quote
from warehouse.store import reader


def follow_up(connection: duckdb.DuckDBPyConnection, declared: Declarations, source: str) -> None:
    """Bring the warehouse to what is left in a source's history, after people's rows were deleted there.

    Datasets that read the source are built anew by the next run.
    """
    recount(connection, declared.sources[source])
    reading = [name for name, model in declared.models.items() if source in model.sources]
    for name in reading:
        ledger.forget_newest_curation(connection, name)
    for population in declared.populations.values():
        if next(iter(population.datasets)) not in reading:
            continue
        from publish.disclosure import keeping  # imports scipy

        keeping.create_tables(connection)
        if open_ := keeping.open_periods(connection, population.name):
            gone = open_ - _with_people(connection, declared, population, source, open_)
            keeping.freeze(connection, population.name, sorted(gone))


def _with_people(
    connection: duckdb.DuckDBPyConnection,
    declared: Declarations,
    population: Population,
    source: str,
    asked: Collection[tuple[str, ...]],
) -> set[tuple[str, ...]]:
    """Those of a population's periods in which anybody is, at any date of which the source has data.

    Args:
        connection: writes to the warehouse.
        declared: what is declared.
        population: whose periods they are.
        source: of whose data rows were deleted.
        asked: the periods.
    """
    model = declared.models[next(iter(population.datasets))]  # any that counts them
    columns = ", ".join(f"CAST({quote(column)} AS VARCHAR)" for column in population.first.period)
    query = f"SELECT DISTINCT {columns} FROM core.{quote(population.name)}"
    loaded = {name: ledger.promoted(connection, name) for name in sorted(model.sources)}
    days: list[date] = sorted((one.data_date for one in loaded[source]), reverse=True)
    found: set[tuple[str, ...]] = set()
    for day in days:
        known = {name: [one for one in listed if one.data_date <= day] for name, listed in loaded.items()}
        prepare(connection, [declared.sources[name] for name in known], known, day)
        create_core(connection, model, model.below)
        found |= {tuple(row) for row in connection.execute(query).fetchall()}
        if found.issuperset(asked):
            break
    return found


def back_up_decisions(settings: Settings) -> None:
    """Write the second copy of what disclosure control decided, as the warehouse has it now."""
    if not settings.home.disclosure.exists():
        return
    from publish.disclosure.keeping import back_up

    with reader(settings.home, settings.memory) as connection:
        back_up(connection, settings.home)
