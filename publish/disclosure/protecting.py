"""A population's tables as they may leave, for the data of a date: counted, decided, kept, and shown to models."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import NamedTuple

import duckdb

from publish.disclosure import keeping
from publish.disclosure.counting import systems, weights_of
from publish.disclosure.deciding import Decision, decide_together, is_laxer, under_rule
from publish.disclosure.keeping import Kept
from publish.disclosure.population import Population
from publish.disclosure.suppression import Weights
from publish.disclosure.tables import Pairs, Period, System
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
        LostDecisionsError, RenamedPeopleError: what was published of these people is not known.
    """
    as_of = made.as_of
    keeping.restore(connection, made.home)
    keeping.require_known(connection, population, made.home)
    seen: dict[Period, Standing] = {}
    counted: dict[Period, dict[Period, System]] = {}
    for period, system in systems(connection, population):
        counted.setdefault(population.people_of(period), {})[period] = system
    keeping.take_over(connection, population, [period for one in counted.values() for period in one])
    kept = keeping.decisions(connection, population.name)
    for people, together in counted.items():
        progress(f"{population.name}: {', '.join(people)}")
        seen.update(_standings(connection, population, together, kept, made))
    stood = keeping.standing_periods(connection, population.name, as_of)
    for period, earlier in kept.items():
        # Gone from the source: from the release too. Deleted as promised: what was published of them stands,
        # unless it had gone from the source before.
        if period not in seen and not _comparable(earlier) and (stood is None or period in stood):
            seen[period] = Standing("kept", _newest(earlier, as_of))
    is_lost = bool(kept) and not made.home.disclosure.exists()
    if is_lost or any(one.state == "new" for one in seen.values()):
        keeping.back_up(connection, made.home)
    keeping.look(connection, population.name, as_of, [(period, *one) for period, one in sorted(seen.items())])
    keeping.show(connection, population, dataset, as_of)


def _standings(
    connection: duckdb.DuckDBPyConnection,
    population: Population,
    counted: Mapping[Period, System],
    kept: Mapping[Period, list[Kept]],
    made: Made,
) -> dict[Period, Standing]:
    """What is published of the periods of the same people."""
    # What was published of people whose answers are deleted since can't be compared with anything.
    comparable = {
        period: system
        for period, system in counted.items()
        if _comparable(kept.get(period, [])) and not _is_renamed(population, system, kept.get(period, []))
    }
    earlier = {
        period: [one.protected for one in kept.get(period, []) if one.protected is not None]
        for period in comparable
    }
    standings = {period: _last(kept.get(period, []), made.as_of) for period in counted}
    people = {population.people_of(period) for period in counted}
    others = [period for period in kept if population.people_of(period) in people]
    hidden = keeping.hidden_cells(connection, population.name, others)
    weights = weights_of(population)
    for period, decision in decide_together(comparable, earlier, hidden, weights).items():
        if decision.state == "new":
            standings[period] = Standing("new", _keep(connection, population, period, decision, made))
        elif decision.state == "same":
            one = next(one for one in reversed(kept[period]) if one.protected is decision.protected)
            is_new = keeping.is_first_look(
                connection, population.name, period, one.sequence, (made.as_of, made.run_id)
            )
            standings[period] = Standing("new" if is_new else "same", one.sequence)
        elif less := _under_todays_rule(
            comparable[period], kept.get(period, []), standings[period], (hidden, weights)
        ):
            decision, as_of = less
            place = _keep(connection, population, period, decision, replace(made, as_of=as_of))
            standings[period] = Standing("new", place)
    return standings


def _keep(
    connection: duckdb.DuckDBPyConnection, population: Population, period: Period, decision: Decision, made: Made
) -> int:
    """Keep a new decision; gives its place in the order."""
    if decision.protected is None or decision.audit is None:
        raise ValueError(f"a decision without a proof ({decision.state}) is not kept")
    decided = (decision.protected, decision.audit)
    return keeping.keep(connection, population, period, decided, (made.as_of, made.run_id))


def _under_todays_rule(
    system: System, kept: list[Kept], standing: Standing, chosen: tuple[frozenset[Pairs], Weights]
) -> tuple[Decision, date] | None:
    """What is left of the release that stands where the rule became stricter since, and the date of its data: a
    dataset's description says one rule. None where it stands as it is.
    """
    one = next((one for one in kept if one.sequence == standing.place), None)
    if one is None or one.protected is None or not is_laxer(one.protected.system.rule, system.rule):
        return None
    earlier = [other.protected for other in kept if other.protected is not None]
    decision = under_rule(one.protected, system.rule, earlier, *chosen)
    return (decision, one.as_of) if decision else None


def _comparable(earlier: list[Kept]) -> bool:
    return all(one.protected is not None for one in earlier)


def _is_renamed(population: Population, system: System, earlier: list[Kept]) -> bool:
    """Whether a dimension went and another came since something was published. It may be the same under another
    name: then its cells are those that were published, and nothing here could tell.
    """
    told = frozenset[str]().union(*(_columns(one.protected.system) for one in earlier if one.protected))
    declared = {column for dimension in population.dimensions for column in dimension}
    return bool(told and told - declared and _columns(system) - told)


def _columns(system: System) -> frozenset[str]:
    return frozenset(column for table in system.tables.values() for dimension in table for column in dimension)


def _last(kept: list[Kept], as_of: date) -> Standing:
    place = _newest(kept, as_of)
    return Standing("withheld" if place is None else "stands", place)


def _newest(kept: list[Kept], as_of: date) -> int | None:
    """The release that stands at a date: the newest of data until then, of one date the last published."""
    until = [(one.as_of, one.sequence) for one in kept if one.as_of <= as_of]
    return max(until)[1] if until else None
