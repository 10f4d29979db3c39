"""Going on where an audit found a gap: more is suppressed, and always something."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from publish.disclosure.results import Gap
from publish.disclosure.suppression.classes import Classes, Weights, classes_of
from publish.disclosure.suppression.heuristic import Search, UnprovableError, costs_of
from publish.disclosure.suppression.joint import Joint
from publish.disclosure.suppression.program import Program, rounded
from publish.disclosure.suppression.suppressing import claims_of
from publish.disclosure.tables import Mask, Pairs, Protected, System


def repair(
    system: System,
    suppressed: Mask,
    gaps: Sequence[Gap],
    earlier: Sequence[Protected],
    weights: Weights = "cells",
) -> Mask:
    """By cell, whether it is not published: all that was suppressed, and more for the gaps.

    What is found wanting by the suppressor's own claims is hidden at the least loss, as are counts and changes
    that earlier releases tell. If that is nothing, the nearest published cells around each gap are suppressed. So
    there are always more; unless nothing is published any more.

    Args:
        system: the tables of one population and period.
        suppressed: by cell, what was suppressed when the audit found the gaps.
        gaps: what it found, at least one.
        earlier: the releases before, the oldest first.
        weights: what is lost with a cell.
    """
    classes = classes_of(system, weights)
    before = classes.by_class(suppressed)
    now = _claimed(system, classes, before)
    cells = sorted({gap.cell for gap in gaps}, key=sorted)
    if earlier:
        now = _hidden_from_earlier(Joint(system, classes, earlier), now, cells, system.rule.threshold)
    if (now == before).all():
        for cell in cells:
            now |= _around(system, classes, before, cell)
    if (now == before).all():
        now[:] = True
    return now[classes.of_cell]


def _claimed(system: System, classes: Classes, suppressed: Mask) -> Mask:
    search = Search(classes, claims_of(system, classes), suppressed)
    try:
        search.protect()
    except UnprovableError:
        return np.ones_like(suppressed)
    return search.suppressed


def _hidden_from_earlier(joint: Joint, suppressed: Mask, cells: Sequence[Pairs], threshold: int) -> Mask:
    """More suppressed, so that the counts and changes of these cells are hidden from who knows all releases."""
    suppressed = suppressed.copy()
    for are_kept in (True, False):
        frame = joint.frame(cells, are_kept)
        if frame is None:
            continue
        program = Program(frame)
        for target in joint.targets(cells, threshold):
            program.set_costs(costs_of(joint.classes, suppressed))
            found = program.solve(target)
            moves = None if found is None else rounded(frame, found)
            if found is not None and moves is None:
                moves = program.solve_whole(target)
            if moves is not None:
                suppressed |= frame.classes_moved(moves, len(suppressed))
    return suppressed


def _around(system: System, classes: Classes, suppressed: Mask, cell: Pairs) -> Mask:
    """The smallest published cells that share people's atoms with a cell, by class; none if all are suppressed."""
    atoms = np.array([float(cell <= atom) for atom in system.atoms])
    near = (classes.members @ atoms > 0) & ~suppressed
    sizes = np.diff(classes.members.indptr)
    chosen: Mask = near & (sizes == sizes[near].min(initial=len(atoms) + 1))
    return chosen
