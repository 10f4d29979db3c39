"""A population's tables as they may leave, for the data of a date: counted, decided, kept, and shown to models."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

import duckdb

from publish.disclosure import keeping
from publish.disclosure.counting import Period, systems
from publish.disclosure.deciding import decide
from publish.disclosure.keeping import Kept
from publish.disclosure.population import Population
from publish.disclosure.tables import System
from warehouse.home import Home
from warehouse.progress import Progress, silent
from warehouse.protection import ProtectionState


@dataclass(frozen=True)
class Made:
    """As of which data, in which run, and in which home a decision is made."""

    as_of: date
    run_id: str
    home: Home


class Standing(NamedTuple):
    """What is published of a period: its state, and its place among the decisions, None if nothing is."""

    state: ProtectionState
    place: int | None


def protect(
    connection: duckdb.DuckDBPyConnection,
    population: Population,
    dataset: str,
    made: Made,
    progress: Progress = silent,
) -> None:
    """Decide what leaves of every period of a population, for all datasets that count it, and make
    ``protected.<population>`` what one dataset's model may read of it.

    Reads ``core.<population>``, as prepared for the date.

    Args:
        connection: writes to the warehouse.
        population: whom to count.
        dataset: the dataset that is built.
        made: the date of the data, and the run; where a second copy of decisions is kept.
        progress: told of every period.

    Raises:
        CountingError: the core model does not give what is declared.
    """
    as_of = made.as_of
    keeping.create_tables(connection)
    kept = keeping.decisions(connection, population.name)
    seen: dict[Period, Standing] = {}
    for period, system in systems(connection, population):
        progress(f"{population.name}: {', '.join(period)}")
        seen[period] = _standing(connection, population, (period, system), kept.get(period, []), made)
    for period, earlier in kept.items():
        # Gone from the source: from the release too. Deleted as promised: what was published of them stands.
        if period not in seen and any(one.protected is None for one in earlier):
            seen[period] = Standing("kept", _newest(earlier, as_of))
    if any(one.state == "new" for one in seen.values()):
        keeping.back_up(connection, made.home)
    keeping.look(connection, population.name, as_of, [(period, *one) for period, one in sorted(seen.items())])
    keeping.show(connection, population, dataset, as_of)


def _standing(
    connection: duckdb.DuckDBPyConnection,
    population: Population,
    counted: tuple[Period, System],
    kept: list[Kept],
    made: Made,
) -> Standing:
    """What is published of a period, as state and place among its decisions."""
    period, system = counted
    earlier = [one.protected for one in kept if one.protected is not None]
    if len(earlier) < len(kept):  # what was once published of people whose answers are deleted can't be compared
        return _last(kept, made.as_of)
    decision = decide(system, earlier)
    if decision.state == "new" and decision.protected is not None and decision.audit is not None:
        decided = (decision.protected, decision.audit)
        place = keeping.keep(connection, population.name, period, decided, (made.as_of, made.run_id))
        return Standing("new", place)
    if decision.state == "same":
        one = next(one for one in reversed(kept) if one.protected is decision.protected)
        return Standing("same", one.sequence)
    return _last(kept, made.as_of)


def _last(kept: list[Kept], as_of: date) -> Standing:
    place = _newest(kept, as_of)
    return Standing("withheld" if place is None else "stands", place)


def _newest(kept: list[Kept], as_of: date) -> int | None:
    """The release that stands at a date: the newest of data until then, of one date the last published."""
    until = [(one.as_of, one.sequence) for one in kept if one.as_of <= as_of]
    return max(until)[1] if until else None
