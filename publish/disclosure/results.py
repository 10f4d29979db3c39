"""What the audit says: what was proved, what was not, and what a coordinator should know."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from publish.disclosure.tables import Counts, Pairs

# How a protected count could be learned.
Attack = Literal["system", "insider", "releases", "sum"]


@dataclass(frozen=True, eq=False)
class Witness:
    """A table of people that gives all that is published, and in which a protected cell is not what it is.

    Args:
        cell: the protected cell.
        bound: ``none`` if nobody is in it, ``many`` if ``threshold`` or more are. For the change of a cell between
            two releases: that it did not change, or changed by the threshold or more.
        insider: the cell of one person, who knows that it is hers, if the witness agrees with what she knows.
        tables: of each release, earlier ones first and the new one last, the number of people by atom (of
            ``atoms``). All of them agree with what was published in that release.
        since: of a witness for a change, the position of the earlier release; None for a count.
    """

    cell: Pairs
    bound: Literal["none", "many"]
    tables: tuple[Counts, ...]
    insider: Pairs | None = None
    since: int | None = None


@dataclass(frozen=True)
class Gap:
    """A protected count without proof: its cell, by which attack, and why, in words without counts."""

    cell: Pairs
    attack: Attack
    why: str


@dataclass(frozen=True)
class GroupWarning:
    """What published cells say of a whole group, though of nobody in particular: nobody in it is of a kind, or all
    are. No rule forbids it; a coordinator should know.
    """

    cell: Pairs
    why: str


@dataclass(frozen=True, eq=False)
class Audit:
    """The verdict: proved if there is no gap.

    ``atoms`` are those of the witnesses' tables: of all releases together, each once.
    """

    atoms: tuple[Pairs, ...]
    gaps: tuple[Gap, ...]
    warnings: tuple[GroupWarning, ...]
    witnesses: tuple[Witness, ...]

    @property
    def is_proved(self) -> bool:
        """Whether what is published may leave."""
        return not self.gaps
