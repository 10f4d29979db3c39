"""What follows from all that is published together: the least and the greatest that a suppressed count can be.

Linear programs over the suppressed cells. People are whole and so are these bounds; which whole numbers fit
together is the publisher's audit, and not asked here.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from publish.disclosure.verifying.equations import Together
from publish.disclosure.verifying.published import Cell, Fault
from publish.disclosure.verifying.shares import Share
from publish.disclosure.verifying.subtracting import follows
from publish.disclosure.verifying.sums import Sums

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MOST_UNKNOWN = 20_000  # variables; beyond them a program takes minutes
_WORTH_IT = 0.97  # a drawn direction has to settle three in a hundred, or the next one is not worth its time
_TOLERANCE = 1e-6
_SECONDS = 60.0  # of one program

_INFEASIBLE, _UNBOUNDED = 2, 3  # of scipy.optimize.milp

# A count, or with a magnitude's name a sum.
Unknown = tuple[Cell, str]


class TooLargeError(Exception):
    """There are more suppressed cells than can be worked on here, or it takes too long."""


class NoPopulationError(Exception):
    """No population agrees with all that is published."""


@dataclass
class _Program:
    """Variables with their bounds, and rows over them."""

    places: dict[Unknown, int] = field(default_factory=dict)
    low: list[float] = field(default_factory=list)
    high: list[float] = field(default_factory=list)
    rows: list[tuple[float, float, dict[int, float]]] = field(default_factory=list)

    def variable(self, unknown: Unknown, low: float, high: float) -> None:
        self.places[unknown] = len(self.low)
        self.low.append(low)
        self.high.append(high)

    def row(self, low: float, high: float, terms: Mapping[Unknown, float]) -> None:
        self.rows.append((low, high, {self.places[unknown]: factor for unknown, factor in terms.items()}))


def what_follows(
    system: Together, known: Mapping[Cell, int], sums: Mapping[str, Sums], shares: list[Share]
) -> Iterator[Fault]:
    """Suppressed cells whose count, or whose sum, follows from all that is published.

    Args:
        system: the tables.
        known: the counts that are published, and those that follow by subtraction.
        sums: what is published of sums.
        shares: what is published of shares.

    Raises:
        TooLargeError: there are too many cells.
        NoPopulationError: what is published contradicts itself.
    """
    unknown = [cell for cell in system.cells if cell not in known]
    derived = [cell for cell in known if system.cells[cell].count is None and known[cell]]
    if not unknown and not (derived and sums):
        return
    solver = _Solver(_program(system, known, sums, shares))
    solver.widen([(cell, "", system.homes[cell].stated.threshold) for cell in unknown])
    for cell in unknown:
        yield from _count_follows(system, cell, solver)
    for cell in derived:
        yield from _sum_follows(system, cell, sums, solver)


def _count_follows(system: Together, cell: Cell, solver: _Solver) -> Iterator[Fault]:
    table = system.homes[cell]
    threshold = table.stated.threshold
    if solver.is_wide((cell, ""), threshold):
        return
    high = solver.greatest((cell, ""))
    if solver.is_wide((cell, ""), threshold):
        return
    low = solver.least((cell, ""))
    first, last = math.ceil(low - _TOLERANCE), math.floor(high + _TOLERANCE)
    if last <= 0:
        return  # a published zero says that nobody is in it
    if first >= last:
        yield follows(table, cell, last, "from all that is published together")
    elif last < threshold:
        yield table.fault("known", cell, f"all that is published shows that it is fewer than {threshold}")


def _sum_follows(system: Together, cell: Cell, sums: Mapping[str, Sums], solver: _Solver) -> Iterator[Fault]:
    for name, found in sums.items():
        unknown = (cell, name)
        if unknown not in solver.places:
            continue
        slack = sum(high - low for low, high in found.spans.values()) + _TOLERANCE
        if solver.greatest(unknown) - solver.least(unknown) <= slack:
            why = f"it is suppressed, and its {name} follows from all that is published together"
            yield system.homes[cell].fault("sum", cell, why)


def _program(
    system: Together, known: Mapping[Cell, int], sums: Mapping[str, Sums], shares: list[Share]
) -> _Program:
    program = _Program()
    unknown = [cell for cell in system.cells if cell not in known]
    threshold = max(table.stated.threshold for table in system.tables)
    # Nobody knows how many there are at most; far more than are published is as good as no bound.
    most = 2.0 * (sum(known.values()) + 20 * threshold)
    for cell in unknown:
        program.variable((cell, ""), 0.0, most)
    for equation in system.equations:
        cells = {equation.whole: -1.0, **dict.fromkeys(equation.parts, 1.0)}
        right = -sum(factor * known[cell] for cell, factor in cells.items() if cell in known)
        terms = {(cell, ""): factor for cell, factor in cells.items() if cell not in known}
        if terms:
            program.row(right, right, terms)
    for share in shares:
        if (share.of, "") in program.places:
            program.row(-math.inf, 100.0 * share.count, {(share.of, ""): share.low})
            program.row(100.0 * share.count, math.inf, {(share.of, ""): share.high})
    for name, one in sums.items():
        _add_sums(program, system, known, (name, one))
    if len(program.low) > MOST_UNKNOWN:
        raise TooLargeError
    return program


def _add_sums(program: _Program, system: Together, known: Mapping[Cell, int], magnitude: tuple[str, Sums]) -> None:
    name, sums = magnitude
    for cell in system.cells:
        if cell in sums.spans:
            program.variable((cell, name), *sums.spans[cell])
        elif cell in known:
            program.variable((cell, name), sums.minimum * known[cell], sums.maximum * known[cell])
        else:
            program.variable((cell, name), -math.inf, math.inf)
            if math.isfinite(sums.minimum):
                program.row(0.0, math.inf, {(cell, name): 1.0, (cell, ""): -sums.minimum})
            if math.isfinite(sums.maximum):
                program.row(-math.inf, 0.0, {(cell, name): 1.0, (cell, ""): -sums.maximum})
    for equation in system.equations:
        terms = {(equation.whole, name): -1.0, **{(cell, name): 1.0 for cell in equation.parts}}
        program.row(0.0, 0.0, terms)


class _Solver:
    """One linear program, asked again and again. What one answer shows of other variables is remembered."""

    def __init__(self, program: _Program) -> None:
        """Build the program.

        Raises:
            NoPopulationError: nothing agrees with it.
            TooLargeError: nobody knows in time.
        """
        import numpy as np
        from scipy import optimize, sparse

        self.places = program.places
        self._solve = optimize.milp  # without whole numbers, the one door of scipy to rows with two bounds
        self._bounds = optimize.Bounds(np.array(program.low), np.array(program.high))
        rows: list[int] = []
        places: list[int] = []
        factors: list[float] = []
        for number, (_, _, terms) in enumerate(program.rows):
            rows += [number] * len(terms)
            places += terms.keys()
            factors += terms.values()
        shape = (len(program.rows), len(program.low))
        matrix = sparse.csr_array((np.array(factors, dtype=np.float64), (rows, places)), shape=shape)
        low, high = (np.array([row[side] for row in program.rows]) for side in (0, 1))
        self._rows = [optimize.LinearConstraint(matrix, low, high)] if program.rows else []
        self._low = np.full(len(program.low), math.inf)
        self._high = np.full(len(program.low), -math.inf)
        self._run(None, 1.0)

    def is_wide(self, unknown: Unknown, threshold: int) -> bool:
        """Whether answers so far show that a count may be the threshold or more, and another number too."""
        place = self.places[unknown]
        return bool(
            self._high[place] >= threshold - _TOLERANCE
            and math.floor(self._high[place] + _TOLERANCE) > math.ceil(self._low[place] - _TOLERANCE)
        )

    def widen(self, counts: Sequence[tuple[Cell, str, int]]) -> None:
        """Ask for many counts at once, in directions that are drawn: most turn out to be wide before each is asked
        for by itself. ``counts`` have their thresholds.
        """
        import numpy as np

        drawn = np.random.default_rng(0)
        left = math.inf
        while counts and len(counts) < _WORTH_IT * left:
            left = len(counts)
            costs = np.zeros(len(self._low))
            for cell, name, _ in counts:
                costs[self.places[cell, name]] = drawn.normal()
            self._ask(costs)
            counts = [one for one in counts if not self.is_wide(one[:2], one[2])]

    def least(self, unknown: Unknown) -> float:
        """The least that it can be; minus infinity where nobody knows."""
        return self._run(self.places[unknown], 1.0)

    def greatest(self, unknown: Unknown) -> float:
        """The greatest that it can be; infinity where nobody knows."""
        return self._run(self.places[unknown], -1.0)

    def _run(self, place: int | None, sign: float) -> float:
        import numpy as np

        costs = np.zeros(len(self._low))
        if place is not None:
            costs[place] = sign
        values = self._ask(costs)
        if values is None:
            return -sign * math.inf
        return float(values[place]) if place is not None else 0.0

    def _ask(self, costs: NDArray[np.float64]) -> NDArray[np.float64] | None:
        """The values at which the costs are least; None where there is no least."""
        import numpy as np

        found = self._solve(costs, constraints=self._rows, bounds=self._bounds, options={"time_limit": _SECONDS})
        if found.status == _INFEASIBLE:
            raise NoPopulationError
        if found.status == _UNBOUNDED:
            return None
        if found.x is None or found.status != 0:
            raise TooLargeError
        self._low, self._high = np.minimum(self._low, found.x), np.maximum(self._high, found.x)
        values: NDArray[np.float64] = found.x
        return values
