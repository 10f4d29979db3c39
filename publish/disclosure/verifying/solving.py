"""One population and period: what its tables say together, worked out once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from publish.disclosure.verifying.bounds import NoPopulationError, TooLargeError, what_follows
from publish.disclosure.verifying.equations import Together, together
from publish.disclosure.verifying.published import WHOLE, Fault, Table
from publish.disclosure.verifying.shares import shares_of, shares_that_are_wrong
from publish.disclosure.verifying.subtracting import subtract
from publish.disclosure.verifying.sums import sums_of, sums_that_do_not_add_up


@dataclass
class Solved:
    """What was found, of how many equations; ``remarks`` say what could not be worked out."""

    equations: int
    faults: list[Fault] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)


def solve(tables: Sequence[Table]) -> Solved:
    """Work out what the tables of one population and period tell together.

    Where two of them show a cell differently, they are of different days: each is worked out by itself then.
    """
    system = together(tables)
    if system.is_contradictory:
        alone = [solve([table]) for table in tables]
        names = ", ".join(table.dataset for table in tables)
        remarks = [*(remark for one in alone for remark in one.remarks), f"{names} count different people"]
        faults = [fault for one in alone for fault in one.faults]
        return Solved(sum(one.equations for one in alone), faults, remarks)
    solved = Solved(len(system.equations), list(_lacking_and_exposed(system)))
    known = {cell: shown.count for cell, shown in system.cells.items() if shown.count is not None}
    solved.faults += subtract(system, known)
    sums, shares = sums_of(system), shares_of(system)
    solved.faults += sums_that_do_not_add_up(system, sums)
    solved.faults += shares_that_are_wrong(system, shares, known)
    if any(fault.kind == "margins" for fault in solved.faults):
        return solved  # what contradicts itself has no bounds
    try:
        solved.faults += what_follows(system, known, sums, shares)
    except NoPopulationError:
        solved.faults.append(tables[0].fault("margins", WHOLE, "no population agrees with all that is published"))
    except TooLargeError:
        solved.remarks.append("too many suppressed cells to be solved together: checked by subtraction alone")
    return solved


def _lacking_and_exposed(system: Together) -> Iterator[Fault]:
    for cell, column in system.lacking:
        yield system.homes[cell].fault("margins", cell, f"the row with the total over {column} is missing")
    for cell, table in system.exposed:
        yield table.fault("follows", cell, "it is suppressed here, and another dataset of these people shows it")
