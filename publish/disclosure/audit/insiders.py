"""Insiders: the one person of a cell knows that it is one, and which class she is of, and subtracts herself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from publish.disclosure.audit.joint import Joint, Step
from publish.disclosure.audit.lines import Lines
from publish.disclosure.tables import Mask, Pairs


@dataclass(frozen=True, eq=False)
class Insider:
    """The one person of a suppressed cell.

    Args:
        cell: hers.
        held: by variable, whether she knows it.
        is_in: by line, whether she knows that she is in its cell.
        is_hers: by line, whether she has to learn nothing of it, because its cell lies within hers.
    """

    cell: Pairs
    held: Mask
    is_in: Mask
    is_hers: Mask


def insiders_of(joint: Joint, lines: Lines, width: int) -> tuple[Insider, ...]:
    """The one person of every suppressed cell of one, whichever releases she is alone in it."""
    known: dict[tuple[int, Pairs], list[int]] = {}
    for position, view in enumerate(joint.views):
        for cell in np.flatnonzero(view.is_protected & (view.counts == 1) & ~view.is_published):
            inside = view.rows.indices[view.rows.indptr[cell] : view.rows.indptr[cell + 1]]
            own = next(place for place in inside if view.release.system.people[place] == 1)
            known.setdefault((int(cell), view.release.system.atoms[own]), []).append(position)
    return tuple(_insider(joint, lines, width, key, positions) for key, positions in known.items())


def _insider(joint: Joint, lines: Lines, width: int, key: tuple[int, Pairs], positions: list[int]) -> Insider:
    cell, atom = key
    held = np.zeros(joint.people, dtype=bool)
    for position in positions:
        view = joint.views[position]
        inside = view.rows.indices[view.rows.indptr[cell] : view.rows.indptr[cell + 1]]
        held[view.start + inside] = True
    number = len(lines.about)
    is_in: Mask = np.zeros(number, dtype=np.bool_)
    for there, pairs in _presence(joint, atom, positions):
        is_in |= lines.of_release(there) & lines.is_around(pairs)
    everywhere = np.tile(held, width // joint.people)
    is_hers: Mask = lines.is_count & (lines.rows @ (~everywhere).astype(np.float64) == 0)
    is_hers &= np.any([lines.of_release(position) for position in positions], axis=0)
    # What her own part is, she knows too.
    return Insider(joint.cells[cell], everywhere, is_in, is_hers)


def _presence(joint: Joint, atom: Pairs, positions: list[int]) -> Iterator[tuple[int, Pairs]]:
    """In which releases she knows to be, and of which pairs: where she is alone, and since, if nobody left."""
    waiting = [(position, atom) for position in positions]
    seen = set(waiting)
    while waiting:
        here, pairs = waiting.pop()
        yield here, pairs
        for step in joint.steps:
            if here not in (step.before, step.after):
                continue
            common = joint.columns[step.before] & joint.columns[step.after]
            told = frozenset(pair for pair in pairs if pair[0] in common)
            there = step.after if here == step.before else step.before
            if (here == step.before or _is_equal(step, told)) and (there, told) not in seen:
                seen.add((there, told))
                waiting.append((there, told))


def _is_equal(step: Step, pairs: Pairs) -> bool:
    """Whether all classes of a step that have the pairs are known not to have changed."""
    groups = [equal for group, equal in zip(step.classes, step.is_equal, strict=True) if pairs <= group]
    return bool(groups) and all(groups)
