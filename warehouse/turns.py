"""Whose turn it is, and what is to be done: said alike by the report to coordinators and by a public dataset."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from warehouse.declarations import DatasetDeclaration, Severity, SourceDeclaration

# Findings that whoever runs this mends, whatever they are on: a line of our own that says nothing any more.
STALE_EXCEPTION, STALE_CORRECTION = "stale-exception", "stale-correction"
OURS = frozenset({STALE_EXCEPTION, STALE_CORRECTION})
TO_MEND = (Severity.CRITICAL, Severity.ERROR)


class Whose(StrEnum):
    """Who has to do something."""

    COORDINATOR = "coordinator"  # whoever keeps the workbook
    PUBLISHER = "publisher"  # of a register: at the source
    US = "us"  # who run this


@dataclass(frozen=True)
class Found:
    """What became of a source's snapshot or of a dataset, and how many findings are to be mended or looked at.

    ``is_counted``: False where the words may not say how many: counts of few people are people.
    """

    is_held: bool
    mend: int
    look: int
    is_counted: bool = True

    def many(self, count: int, word: str) -> str:
        """A count with its noun, or that there is something."""
        if not self.is_counted:
            return "what was found"
        return f"{count:,} {word if count == 1 else word + 's'}"


@dataclass(frozen=True)
class Step:
    """Something to do. ``kind``: mend, why (find out) or look; ``words`` follow a title and a colon."""

    turn: Whose
    kind: str
    words: str


def turn_of(declared: SourceDeclaration | DatasetDeclaration) -> Whose:
    """Who mends what is found on a source or a dataset."""
    if isinstance(declared, DatasetDeclaration):
        return Whose.US
    return Whose.COORDINATOR if declared.kind == "workbook" else Whose.PUBLISHER


def steps_of(declared: SourceDeclaration | DatasetDeclaration, found: Found) -> list[Step]:
    """What is to be done about a source or a dataset, the most urgent first; nothing where all is well."""
    turn, steps = turn_of(declared), []
    if isinstance(declared, DatasetDeclaration):
        if found.is_held or found.mend:
            steps.append(Step(turn, "mend" if found.mend else "why", "find out what is wrong with it"))
    elif found.mend:
        again = " and hand the file in again" if turn is Whose.COORDINATOR else ""
        steps.append(Step(turn, "mend", f"mend {found.many(found.mend, 'thing')}{again}"))
    elif found.is_held:
        steps.append(Step(Whose.US, "why", "find out why it was held"))
    if found.look:
        steps.append(Step(turn, "look", f"look at {found.many(found.look, 'suggestion')}"))
    return steps
