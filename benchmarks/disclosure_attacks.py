"""What the same attacker learns, and what is lost, by three ways of suppression: ours, tau-Argus, primary only.

    python -m benchmarks.disclosure_attacks [--populations 40] [--seconds-each 30]

The first night of seeded populations (``tests.disclosure.populations``). tau-Argus takes one table on one night,
so second tables, sums and later nights are left out; what was learned and lost is of populations that all took.

``pytauargus`` is set so that it protects just what ours does: ``FREQ(k,100)`` on a response of one for each
person; by an a-priori file each unsafe cell of n people gets the protection levels n down and k - n up, so that 0
and k are both possible; optimal suppression (``OPT(1)``); costs are the counts; hierarchies as code lists. Cells
of nobody are empty to it and always published. It has no rule for what the only person in a cell knows: what
such insiders learn is counted apart. Each run is a process of its own, ended when its time is up. Its seconds are
those of the batch alone. Its modular method is left out: in 0.6.0 it ends in a segmentation fault on about half of
the populations, with and without the a-priori file.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import chdir
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from publish.disclosure.tables import Mask, Pairs, Protected, System
from tests.disclosure.attacker import Effort, Learned
from tests.disclosure.populations import Population, population
from tests.disclosure.questions import primary
from tests.disclosure.releasing import attacked

EFFORT = Effort()
OTHERS = {"tau-Argus": "OPT(1)"}


class NotTakenError(Exception):
    """A way gave no pattern in its time; says why."""


def ours(system: System) -> Mask:
    """The project's way, from suppression to proof."""
    from publish.disclosure.deciding import decide

    decided = decide(system).protected
    if decided is None:
        raise NotTakenError("no proof")
    return decided.suppressed


def primary_only(system: System) -> Mask:
    """Nothing but what is protected for its own sake."""
    return primary(system)


def _batch(system: System, method: str, folder: Path) -> tuple[str, str, list[str]]:
    """Write the files of a batch; its path, its result's, and the finest column of each dimension."""
    from pytauargus import protect
    from pytauargus.arb import micro_arb

    [dimensions] = system.tables.values()
    finest = [dimension[-1] for dimension in dimensions]
    codes = [
        dict(atom)
        for atom, people in zip(system.atoms, system.people.tolist(), strict=True)
        for _ in range(people)
    ]
    people: dict[str, list[object]] = {
        column: [one[column] for one in codes] for dimension in dimensions for column in dimension
    }
    people["counted"] = [1] * len(codes)
    threshold = system.rule.threshold
    files = protect(
        people, [finest], "counted", f"FREQ({threshold},100)", method, workdir=str(folder), run=False,
        hrc={one[-1]: " > ".join(reversed(one)) for one in dimensions if len(one) > 1} or None,
    ).files  # fmt: skip
    levels = folder / "levels.hst"
    # Its reader takes the first line's shape for the number of dimensions, and miscounts one of protection levels.
    lines = [",".join([*("" for _ in dimensions), "C", str(int(system.people.sum()))])]
    for cell, count in zip(system.cells, system.counts.tolist(), strict=True):
        if 0 < count < threshold:
            lines.append(",".join([*_codes(system, cell), "PL", str(count), str(threshold - count)]))
    levels.write_text("\n".join(lines) + "\n", encoding="utf-8")
    micro_arb(
        files["arb"], files["asc"], files["rda"], [finest], "counted", safety_rules=f"FREQ({threshold},100)",
        suppress=method, output_names=[files["tab1"]], output_type="5", output_options="SO+",
        apriori=[str(levels)],
    )  # fmt: skip
    return files["arb"], files["tab1"], finest


def _codes(system: System, cell: Pairs) -> list[str]:
    """The cell's finest code of each dimension, empty for all."""
    [dimensions] = system.tables.values()
    codes = dict(cell)
    return [next((codes[column] for column in reversed(one) if column in codes), "") for one in dimensions]


def run_other(seed: int, method: str) -> None:
    """In a process of its own: print which cells are suppressed, and the seconds it took."""
    from pytauargus.engine import run_batch
    from pytauargus.result import TableResult

    system = first_night(seed).nights[0]
    # It leaves its logs in the working directory.
    with tempfile.TemporaryDirectory() as folder, chdir(folder):
        batch, table, finest = _batch(system, method, Path(folder))
        began = time.perf_counter()
        run_batch(batch)
        seconds = time.perf_counter() - began
        rows = TableResult(table, finest, "counted").rows
    hidden = {tuple(row[column] for column in finest) for row in rows if row["status"] in ("U", "M")}
    known = [tuple(code or "Total" for code in _codes(system, cell)) for cell in system.cells]
    print(json.dumps({"seconds": seconds, "suppressed": [codes in hidden for codes in known]}))


def other(seed: int, method: str, seconds: float) -> tuple[Mask, float]:
    """What ``pytauargus`` suppresses, and how long it took beside starting."""
    command = [sys.executable, "-m", "benchmarks.disclosure_attacks", "--seed", str(seed), "--method", method]
    try:
        # What it brings along speaks on standard output too.
        done = subprocess.run(command, capture_output=True, text=True, timeout=seconds, check=True)
    except subprocess.TimeoutExpired as error:
        raise NotTakenError("time") from error
    except subprocess.CalledProcessError as error:
        raise NotTakenError(error.stderr.strip().splitlines()[-1] if error.stderr.strip() else "crash") from error
    found = json.loads(done.stdout.splitlines()[-1])
    return np.array(found["suppressed"]), found["seconds"]


def first_night(seed: int) -> Population:
    """One night of one table, without sums: what everyone takes."""
    one = population(seed)
    system = one.nights[0]
    plain = replace(
        system,
        rule=replace(system.rule, p_percent=None),
        tables=dict(list(system.tables.items())[:1]),
        magnitudes=(),
    )
    return Population(seed, (_of_one_table(plain),), True)


def _of_one_table(system: System) -> System:
    """With the atoms that its one table tells apart."""
    [dimensions] = system.tables.values()
    columns = {column for dimension in dimensions for column in dimension}
    people: dict[Pairs, int] = {}
    for atom, count in zip(system.atoms, system.people.tolist(), strict=True):
        kept = frozenset(pair for pair in atom if pair[0] in columns)
        people[kept] = people.get(kept, 0) + count
    return replace(system, atoms=tuple(people), people=np.array(list(people.values()), dtype=np.int64))


@dataclass
class Row:
    """A way's figures over the populations that all ways took."""

    taken: int = 0
    compared: int = 0
    broken: int = 0
    broken_by_insiders: int = 0
    learned: int = 0
    by_insiders: int = 0
    asked: int = 0
    secondary: int = 0
    hidden: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    not_taken: list[str] = field(default_factory=list)

    def add(self, system: System, mask: Mask, found: Sequence[Learned], seconds: float) -> None:
        """Count one population in."""
        plain = {one.question for one in found if one.insider is None}
        self.compared += 1
        self.broken += bool(plain)
        self.broken_by_insiders += bool(found)
        self.learned += len(plain)
        self.by_insiders += len({one.question for one in found} - plain)
        self.asked += int(primary(system).sum())
        self.secondary += int((mask & ~primary(system)).sum())
        self.hidden.append(_hidden(system, mask))
        self.seconds.append(seconds)


def _hidden(system: System, mask: Mask) -> float:
    """The share of people, in per cent, whose finest cell is suppressed."""
    finest = max(len(cell) for cell in system.cells)
    own = np.array([len(cell) == finest for cell in system.cells])
    return 100.0 * float(system.counts[own & mask].sum()) / max(1, int(system.people.sum()))


def _pattern(name: str, night: Population, seconds_each: float) -> tuple[Mask, float]:
    """What a way suppresses, and how long it took."""
    if name in OTHERS:
        return other(night.seed, OTHERS[name], seconds_each)
    began = time.perf_counter()
    mask = (ours if name == "ours" else primary_only)(night.nights[0])
    return mask, time.perf_counter() - began


def measure(seeds: Sequence[int], seconds_each: float) -> dict[str, Row]:
    """Every way with every population; what was learned and lost, of those that all of them took."""
    rows = {name: Row() for name in ("ours", *OTHERS, "primary only")}
    for seed in seeds:
        night, patterns = first_night(seed), {}
        for name, row in rows.items():
            try:
                patterns[name] = _pattern(name, night, seconds_each)
                row.taken += 1
            except NotTakenError as error:
                row.not_taken.append(f"{seed}: {error}")
        if len(patterns) == len(rows):
            for name, (mask, seconds) in patterns.items():
                found = attacked(night, [Protected(night.nights[0], mask)], EFFORT)
                rows[name].add(night.nights[0], mask, found, seconds)
    return rows


def _print(rows: dict[str, Row], populations: int) -> None:
    heads = (
        "taken",
        "broken",
        "insiders",
        "cells",
        "learned",
        "insiders",
        "secondary",
        "hidden %",
        "mean s",
        "most s",
    )
    print(f"{'way':<13}" + "".join(f"{head:>10}" for head in heads))
    for name, row in rows.items():
        figures = (
            f"{row.taken}/{populations}",
            row.broken,
            row.broken_by_insiders,
            row.asked,
            row.learned,
            row.by_insiders,
            row.secondary,
            f"{np.mean(row.hidden or [0]):.1f}",
            f"{np.mean(row.seconds or [0]):.2f}",
            f"{max(row.seconds, default=0):.2f}",
        )
        print(f"{name:<13}" + "".join(f"{figure:>10}" for figure in figures))
    print(
        "broken: populations; cells: protected ones; insiders: with what they know, populations, and cells besides"
    )
    print(f"compared: {rows['ours'].compared} populations that all took")
    for name, row in rows.items():
        if row.not_taken:
            print(f"not taken by {name}: {'; '.join(row.not_taken)}")


def main() -> None:
    """Run it, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--populations", type=int, default=40)
    parser.add_argument("--seconds-each", type=float, default=30, help="for tau-Argus, a population")
    parser.add_argument("--seed", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--method", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.method:
        run_other(given.seed, given.method)
        return
    _print(measure(range(given.populations), given.seconds_each), given.populations)


if __name__ == "__main__":
    main()
