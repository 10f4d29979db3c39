"""The library: every fault in several placements, over all sources that people keep in workbooks."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

from tests.broken import faults_of_cells, faults_of_files, faults_of_form, faults_of_rules
from tests.broken.checking import declared, workbook_sources
from tests.broken.drafts import Draft, draft
from tests.broken.planting import FAULTS, Fault, Planted

MODULES = (faults_of_cells, faults_of_rules, faults_of_form, faults_of_files)  # each enters its own into the table
_TRIES = 400


@dataclass(frozen=True)
class Case:
    """A broken workbook: made anew each time from its name and seed."""

    fault: Fault
    source: str
    seed: int

    def __str__(self) -> str:
        return f"{self.fault.name}-{self.source}-{self.seed}"

    def make(self) -> tuple[Draft, Planted]:
        """The draft with the fault in it, and what must be found."""
        made = draft(declared().sources[self.source], self.seed, **self.fault.given)
        planted = self.fault.plant(made)
        assert planted is not None
        return made, planted


def cases(seed: int = 1) -> Iterator[Case]:
    """All cases of a seed, in the order of the table of faults; a fault's placements in different sources."""
    for fault in FAULTS:
        rng = random.Random(f"{fault.name} {seed}")
        left, found = [], 0
        for number in range(_TRIES):
            left = left or rng.sample(workbook_sources(), len(workbook_sources()))
            case = Case(fault, left.pop(), seed * 1000 + number)
            if _is_possible(case):
                yield case
                found += 1
            if found == fault.placements:
                break
        assert found, f"{fault.name} can be planted nowhere"


def _is_possible(case: Case) -> bool:
    made = draft(declared().sources[case.source], case.seed, **case.fault.given)
    return case.fault.plant(made) is not None
