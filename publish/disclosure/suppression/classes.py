"""Cells that hold the same atoms are one: they are published together, or none of them is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import sparse

from publish.disclosure.tables import Counts, Mask, Sums, System

# What is lost with a cell. ``cells``: one, and a little more the more people it counts, so that of patterns with
# as many cells the one that keeps margins is taken. ``count``: 1 + ln(1 + people). Else, by cell, what a function
# says.
Weights = Literal["cells", "count"] | Callable[[System], Sums]


def weights_of(system: System, weights: Weights) -> Sums:
    """By cell, what is lost if it is not published; above zero."""
    if callable(weights):
        given: Sums = np.maximum(np.asarray(weights(system), dtype=float), 1e-3)
        return given
    logarithms: Sums = np.log1p(system.counts)
    if weights == "count":
        return 1 + logarithms
    return 1 + 0.1 * logarithms / max(1.0, float(logarithms.max(initial=0.0)))


def by_importance(weights: Weights, importance: Mapping[str, float]) -> Weights:
    """Weights with cells dearer or cheaper by the columns in which they have a code: so many times each."""
    if not importance:
        return weights

    def weighed(system: System) -> Sums:
        times = [np.prod([importance.get(column, 1.0) for column, _ in cell]) for cell in system.cells]
        return weights_of(system, weights) * np.array(times)

    return weighed


@dataclass(frozen=True, eq=False)
class Classes:
    """The distinct cells of a system.

    Args:
        of_cell: by cell, the number of its class.
        members: classes by atoms, 1 where the class holds the atom.
        counts: by class, the true number of people.
        weights: by class, what is lost with all its cells.
    """

    of_cell: Counts
    members: sparse.csr_array
    counts: Counts
    weights: Sums

    def by_class(self, mask: Mask) -> Mask:
        """By class, whether any of its cells is in the mask."""
        found: Mask = np.zeros(len(self.counts), dtype=bool)
        found[self.of_cell[mask]] = True
        return found


def classes_of(system: System, weights: Weights = "cells") -> Classes:
    """The distinct cells, in the order in which they first come."""
    incidence = system.incidence.sorted_indices()
    places: dict[tuple[int, ...], int] = {}
    first: list[int] = []
    of_cell = np.zeros(len(system.cells), dtype=np.int64)
    for row in range(len(system.cells)):
        atoms = tuple(incidence.indices[incidence.indptr[row] : incidence.indptr[row + 1]].tolist())
        if atoms not in places:
            places[atoms] = len(first)
            first.append(row)
        of_cell[row] = places[atoms]
    lost: Sums = np.bincount(of_cell, weights=weights_of(system, weights), minlength=len(first)).astype(float)
    return Classes(of_cell, incidence[first], system.counts[first], lost)
