"""Counts and sums in one frame, for published sums also tell of counts: so many minutes take so many people."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import sparse

from publish.disclosure.suppression.classes import Classes
from publish.disclosure.suppression.program import Frame
from publish.disclosure.tables import Counts, Magnitude, Sums


def unit_of(magnitude: Magnitude) -> float:
    """One person's greatest part: sums are counted in it, so that they are as great as counts."""
    return max(1e-9, float(magnitude.largest.max(initial=0.0)))


def frame_of(classes: Classes, people: Counts, magnitudes: Sequence[Magnitude], are_whole: bool) -> Frame:
    """The people of each atom, then by magnitude its sum, which lies between what so many people can come to.

    Args:
        classes: the distinct cells: the frame has them for the counts, then for each magnitude.
        people: by atom.
        magnitudes: what is added up.
        are_whole: whether people are counted in whole numbers.
    """
    atoms, layers = len(people), len(magnitudes) + 1
    whole = np.zeros(layers * atoms, dtype=bool)
    whole[:atoms] = are_whole
    numbers = np.arange(classes.members.shape[0])
    cells = sparse.block_diag([classes.members] * layers, format="csr")
    capacity = np.concatenate([people.astype(float), np.full((layers - 1) * atoms, np.inf)])
    group = np.tile(numbers, layers)
    if not magnitudes:
        return Frame(capacity, whole, cells, group)
    eye = sparse.eye_array(atoms, format="csr")
    rules: list[sparse.csr_array] = []
    room: list[Sums] = []
    for layer, magnitude in enumerate(magnitudes, start=1):
        unit = unit_of(magnitude)
        for bound, sign in ((magnitude.minimum / unit, 1.0), (magnitude.maximum / unit, -1.0)):
            row = [-sign * bound * eye, *([0.0 * eye] * (layers - 1))]
            row[layer] = sign * eye
            rules.append(sparse.hstack(row, format="csr"))
            room.append(sign * (magnitude.sums / unit - bound * people))
    least = -np.maximum(np.concatenate(room), 0.0)
    table = sparse.vstack(rules, format="csr")
    table.eliminate_zeros()
    return Frame(capacity, whole, cells, group, table, least)
