"""The suppressor's door: a system in, a mask out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from publish.disclosure.suppression.bank import Claims
from publish.disclosure.suppression.classes import Classes, Weights, classes_of
from publish.disclosure.suppression.counts import CountClaims
from publish.disclosure.suppression.exact import Effort, optimum
from publish.disclosure.suppression.heuristic import Search, UnprovableError
from publish.disclosure.suppression.primary import primary, protected_counts, protection_distances, sticky
from publish.disclosure.suppression.sums import SumClaims
from publish.disclosure.tables import Mask, Protected, System

# Atoms of a system whose optimum is looked for, and how long: some second. A clock would let two runs differ.
SMALL = 60
_QUICKLY = Effort(rounds=50, nodes=100)


def suppress(system: System, earlier: Sequence[Protected] = (), weights: Weights = "cells") -> Mask:
    """By cell, whether it is not published.

    What the rule protects is not, nor what was suppressed in an earlier release of the same period; and as little
    else as is found so that every claim on the new release alone can be shown: of each protected count (also for
    whoever is alone in a cell) and of each protected sum. The same system always has the same answer.

    Args:
        system: the tables of one population and period.
        earlier: its earlier releases.
        weights: what is lost with a cell.
    """
    start = primary(system) | sticky(system, earlier)
    if not start.any():
        return start
    classes = classes_of(system, weights)
    claims, fixed = claims_of(system, classes), classes.by_class(start)
    found = optimum(classes, claims, fixed, _QUICKLY) if len(system.atoms) <= SMALL else None
    if found is None:
        found = _searched(classes, claims, fixed)
    return found[classes.of_cell]


def _searched(classes: Classes, claims: Sequence[Claims], start: Mask) -> Mask:
    search = Search(classes, claims, start)
    try:
        search.protect()
    except UnprovableError:
        return np.ones_like(start)
    search.clean()
    return search.suppressed


def suppress_exactly(system: System, *, seconds: float, weights: Weights = "cells") -> Mask | None:
    """As ``suppress`` for a first release, with the least loss that there is; None if that takes longer.

    For small systems: 60 atoms take seconds, a hundred can take an hour.
    """
    classes = classes_of(system, weights)
    start = classes.by_class(primary(system))
    found = optimum(classes, claims_of(system, classes), start, Effort(seconds=seconds))
    return None if found is None else found[classes.of_cell]


def suppress_heuristically(system: System, weights: Weights = "cells") -> Mask:
    """As ``suppress`` for a first release, however small the system is: what is compared with the least loss."""
    classes = classes_of(system, weights)
    return _searched(classes, claims_of(system, classes), classes.by_class(primary(system)))[classes.of_cell]


def claims_of(system: System, classes: Classes) -> list[Claims]:
    """All that must hold of what is published of a system."""
    protected = np.flatnonzero(classes.by_class(protected_counts(system)))
    claims: list[Claims] = [
        CountClaims(classes, system.people, system.rule.threshold, protected, system.magnitudes)
    ]
    for magnitude in system.magnitudes:
        distances = np.zeros(len(classes.counts))
        np.maximum.at(distances, classes.of_cell, protection_distances(system, magnitude))
        if distances.any():
            claims.append(SumClaims(classes, system.people, magnitude, distances))
    return claims
