"""The claims on protected sums: each could as well be greater or smaller by its protection distance."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from publish.disclosure.suppression.bank import Claim
from publish.disclosure.suppression.classes import Classes
from publish.disclosure.suppression.program import Frame, Target
from publish.disclosure.suppression.together import frame_of, unit_of
from publish.disclosure.tables import Counts, Magnitude, Mask, Sums

_TOLERANCE = 1e-6
# Of the greatest part: a shorter distance is taken for this one, for the solver could not tell it from none
_SHORTEST = 1e-4


@dataclass(frozen=True, eq=False)
class SumClaims:
    """All claims on one magnitude's sums. A claim is a protected sum, and 0 for upwards, 1 for downwards.

    Args:
        classes: the distinct cells.
        people: by atom.
        magnitude: what is added up.
        distances: by class, how far another sum must be possible; 0 where it is not protected.
    """

    classes: Classes
    people: Counts
    magnitude: Magnitude
    distances: Sums

    @cached_property
    def _protected(self) -> Counts:
        return np.flatnonzero(self.distances > 0)

    @cached_property
    def frame(self) -> Frame:
        """Counts, here by any part of a person, then the magnitude's sums."""
        return frame_of(self.classes, self.people, [self.magnitude], are_whole=False)

    @cached_property
    def wanted(self) -> Mask:
        """All of them."""
        return np.ones((len(self._protected), 2), dtype=bool)

    @cached_property
    def far(self) -> Sums:
        """By claim, the distance, in units."""
        distances = np.maximum(self.distances[self._protected] / unit_of(self.magnitude), _SHORTEST)
        far: Sums = np.stack([distances, distances], axis=1)
        return far

    def shown_by(self, moves: Sums) -> Mask:
        """By claim, whether the sums move far enough."""
        move = self.classes.members[self._protected] @ moves[len(self.people) :]
        shown: Mask = np.stack([move, -move], axis=1) >= self.far - _TOLERANCE
        return shown

    def shown_of(self, claims: Counts, moves: Sums) -> Mask:
        """By claim and moves, whether the sums move far enough."""
        cell, direction = claims.T
        move = self.classes.members[self._protected[cell]] @ moves[:, len(self.people) :].T
        signed = np.where((direction == 1)[:, None], -move, move)
        shown: Mask = signed >= self.far[tuple(claims.T)][:, None] - _TOLERANCE
        return shown

    def target(self, claim: Claim) -> Target:
        """What the sums must be to show a claim."""
        cell, direction = claim
        far = float(self.far[claim])
        row = len(self.classes.counts) + int(self._protected[cell])
        return Target(row, -far if direction else far, True)
