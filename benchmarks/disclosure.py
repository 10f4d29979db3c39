"""How long disclosure control takes and what is lost by it, against the least loss that there is.

    python -m benchmarks.disclosure [--small 6] [--seconds 60] [--only big|small]

Big tables of seeded populations: seconds (and processor seconds) to suppress and to audit, the cells that the rule
and the others' protection cost, and the share of the weight (1 + ln(1 + people) by cell) that is lost. Small
systems: how many more cells, and how much more weight, the heuristic loses than the optimum does; of each kind so
many seeds, and so many seconds for each optimum. ``suppress`` takes the optimum itself where a system is small.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from publish.disclosure.audit import audit
from publish.disclosure.suppression import suppress, suppress_exactly, suppress_heuristically
from publish.disclosure.suppression.classes import weights_of
from publish.disclosure.suppression.primary import primary
from publish.disclosure.tables import Dimension, Mask, Rule, System


@dataclass(frozen=True)
class Population:
    """A seeded population in one table.

    Args:
        name: as printed.
        shape: codes by column.
        mean: people an atom.
        threshold: as in the rule.
        spread: None if all atoms have the same mean; else the shape of the gamma distribution of their means: the
            smaller, the more atoms are nearly empty and some are crowded.
        dimensions: the columns (numbered) of each dimension; by default each column is one.
    """

    name: str
    shape: tuple[int, ...]
    mean: float
    threshold: int = 10
    spread: float | None = None
    dimensions: tuple[tuple[int, ...], ...] = field(default=())

    def system(self, seed: int) -> System:
        """The tables of one such population."""
        random = np.random.default_rng(seed)
        columns = [f"column_{number}" for number in range(len(self.shape))]
        parts = self.dimensions or tuple((number,) for number in range(len(self.shape)))
        table: tuple[Dimension, ...] = tuple(tuple(columns[number] for number in part) for part in parts)
        atoms = tuple(frozenset(zip(columns, map(str, codes), strict=True)) for codes in np.ndindex(*self.shape))
        means = np.full(len(atoms), self.mean)
        if self.spread is not None:
            means = random.gamma(self.spread, self.mean / self.spread, len(atoms))
        return System(Rule(self.threshold), {"table": table}, atoms, random.poisson(means).astype(np.int64))


BIG = (
    Population("20x10x5, mean 13", (20, 10, 5), 13),
    Population("20x10x5, mean 30", (20, 10, 5), 30, spread=2),
    Population("20x10x5, sparse", (20, 10, 5), 5, threshold=5, spread=1),
    Population("200x20, mean 16", (200, 20), 16),
)
SMALL = (
    Population("6x5", (6, 5), 20, spread=2),
    Population("8x8", (8, 8), 14),
    Population("10x8", (10, 8), 13),
    Population("4x4x3", (4, 4, 3), 12),
    Population("5x4x3, sparse", (5, 4, 3), 4, threshold=5),
    Population("(3>3)x5, hierarchy", (3, 3, 5), 14, dimensions=((0, 1), (2,))),
)


def _timed(work: Callable[[], Mask]) -> tuple[Mask, float, float]:
    started, used = time.perf_counter(), time.process_time()
    found = work()
    return found, time.perf_counter() - started, time.process_time() - used


def measure_big() -> None:
    """Print time and loss of the big tables."""
    print(
        f"{'table':<22}{'cells':>7}{'rule':>6}{'others':>8}{'weight':>8}"
        f"{'suppress s':>12}{'cpu s':>7}{'audit s':>9}{'cpu s':>7}{'gaps':>6}"
    )
    for population in BIG:
        system = population.system(1)
        weights, ruled = weights_of(system, "count"), primary(system)
        mask, seconds, used = _timed(lambda system=system: suppress(system))  # type: ignore[misc]
        started, before = time.perf_counter(), time.process_time()
        verdict = audit(system, mask, ())
        audited, audit_used = time.perf_counter() - started, time.process_time() - before
        print(
            f"{population.name:<22}{len(mask):>7,}{ruled.sum():>6}{(mask & ~ruled).sum():>8}"
            f"{weights[mask].sum() / weights.sum():>8.1%}{seconds:>12.1f}{used:>7.1f}"
            f"{audited:>9.2f}{audit_used:>7.2f}{len(verdict.gaps):>6}",
            flush=True,
        )


def measure_small(seeds: int, seconds: float) -> None:
    """Print by how much the heuristic loses more than the optimum, where that is found in time."""
    print(
        f"{'system':<22}{'optima':>7}{'cells':>8}{'worst':>8}{'weight':>8}{'worst':>8}{'heuristic s':>13}"
        f"{'optimum s':>11}"
    )
    everything: list[tuple[float, float]] = []
    for population in SMALL:
        excess: list[tuple[float, float]] = []
        times: list[tuple[float, float]] = []
        for seed in range(seeds):
            system = population.system(seed)
            weights = weights_of(system, "count")
            mask, _, used = _timed(lambda system=system: suppress_heuristically(system))  # type: ignore[misc]
            started = time.process_time()
            least = suppress_exactly(system, seconds=seconds)
            times.append((used, time.process_time() - started))
            if least is not None and least.any():
                excess.append((mask.sum() / least.sum() - 1, weights[mask].sum() / weights[least].sum() - 1))
        everything += excess
        _print_excess(population.name, f"{len(excess)}/{seeds}", excess, times)
    _print_excess("all", str(len(everything)), everything, [])


def _print_excess(
    name: str, optima: str, excess: list[tuple[float, float]], times: list[tuple[float, float]]
) -> None:
    cells, weight = np.array(excess or [(np.nan, np.nan)]).T
    line = f"{name:<22}{optima:>7}{cells.mean():>8.1%}{cells.max():>8.1%}{weight.mean():>8.1%}{weight.max():>8.1%}"
    if times:
        heuristic, optimum = np.array(times).T
        line += f"{heuristic.mean():>13.3f}{optimum.mean():>11.2f}"
    print(line, flush=True)


def main() -> None:
    """The command line; see the module's docstring."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.disclosure", description=__doc__)
    parser.add_argument("--small", type=int, default=6, help="seeds of each small system")
    parser.add_argument("--seconds", type=float, default=60, help="for each optimum")
    parser.add_argument("--only", choices=("big", "small"))
    given = parser.parse_args()
    if given.only != "small":
        measure_big()
    if given.only != "big":
        measure_small(given.small, given.seconds)


if __name__ == "__main__":
    main()
