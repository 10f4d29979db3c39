"""What published cells say of whole groups: that nobody in one is of a kind, or all are, or all gave the most."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

import numpy as np

from publish.disclosure.audit.wording import words_of
from publish.disclosure.results import GroupWarning
from publish.disclosure.tables import Dimension, Magnitude, Mask, Pairs, System


def group_warnings(system: System, suppressed: Mask) -> tuple[GroupWarning, ...]:
    """What a coordinator should know of the published cells, though no rule forbids it."""
    shown = {
        cell: int(count)
        for cell, count, is_suppressed in zip(system.cells, system.counts, suppressed, strict=True)
        if not is_suppressed
    }
    found = [*_of_parts(system, shown)]
    for magnitude in system.magnitudes:
        found.extend(_of_bounds(system, magnitude, shown))
    return tuple(found)


def _of_parts(system: System, shown: dict[Pairs, int]) -> Iterator[GroupWarning]:
    """Published parts of a published group that are empty, or the whole of it."""
    dimensions = dict.fromkeys(one for found in system.tables.values() for one in found)
    for dimension in dimensions:
        for depth, column in enumerate(dimension):
            codes = _codes(system, dimension, depth)
            parts: dict[Pairs, list[Pairs]] = defaultdict(list)
            for cell in shown:
                held = {name for name, _ in cell}
                if column in held and not held & set(dimension[depth + 1 :]):
                    parts[frozenset(pair for pair in cell if pair[0] != column)].append(cell)
            for group, cells in parts.items():
                coarse = frozenset(pair for pair in group if pair[0] in dimension[:depth])
                if shown.get(group, 0) > 0 and len(codes[coarse]) > 1:
                    yield from _of_group(group, cells, column, shown)


def _codes(system: System, dimension: Dimension, depth: int) -> dict[Pairs, set[str]]:
    """The codes of a level, by the pairs of the coarser ones: where there is but one, it tells nothing."""
    codes: dict[Pairs, set[str]] = defaultdict(set)
    for atom in system.atoms:
        coarse = frozenset(pair for pair in atom if pair[0] in dimension[:depth])
        codes[coarse].update(code for name, code in atom if name == dimension[depth])
    return codes


def _of_group(group: Pairs, cells: list[Pairs], column: str, shown: dict[Pairs, int]) -> Iterator[GroupWarning]:
    for cell in cells:
        if shown[cell] == shown[group]:
            yield GroupWarning(cell, f"all people of {words_of(group)} are of {column} {dict(cell)[column]}")
            return
    # Of all people together, or of a kind that nobody at all is of, that nobody is says nothing of anybody.
    empty = sorted(dict(cell)[column] for cell in cells if shown[cell] == 0 and shown.get(cell - group) != 0)
    if empty and group:
        yield GroupWarning(group, f"nobody of {words_of(group)} is of {column} {', '.join(empty)}")


def _of_bounds(system: System, magnitude: Magnitude, shown: dict[Pairs, int]) -> Iterator[GroupWarning]:
    """Published cells whose mean is a bound: everybody in them gave the same."""
    for cell, total in zip(system.cells, system.sums(magnitude), strict=True):
        count = shown.get(cell, 0)
        for bound, word in ((magnitude.minimum, "least"), (magnitude.maximum, "greatest")):
            if count and np.isfinite(bound) and np.isclose(total, bound * count, rtol=1e-9, atol=1e-9):
                why = f"all people of {words_of(cell)} have the {word} possible {magnitude.name}"
                yield GroupWarning(cell, why)
