"""What is not published for its own sake, and what once was not and so never is."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from publish.disclosure.tables import Magnitude, Mask, Protected, Sums, System


def protected_counts(system: System) -> Mask:
    """By cell, whether its count is protected: somebody is in it, and fewer than the threshold."""
    protected: Mask = (system.counts >= 1) & (system.counts < system.rule.threshold)
    return protected


def protection_distances(system: System, magnitude: Magnitude) -> Sums:
    """By cell, how far from its true sum another must be possible, either way; 0 where the sum is not protected.

    Where the count is protected, that is the whole per cent of the greatest part, else what all but the two
    greatest contributors lack of it. In the unit of the magnitude.
    """
    if system.rule.p_percent is None:
        return np.zeros(len(system.cells))
    first, second = system.contributions(magnitude)
    wanted = first * system.rule.p_percent / 100
    others = system.incidence @ magnitude.absolute - first - second
    # what is lacking by less than rounding is not lacking
    lacking = np.where(wanted - others > 1e-9 * np.maximum(1.0, first), wanted - others, 0.0)
    distances: Sums = np.where(system.counts == 0, 0.0, np.where(protected_counts(system), wanted, lacking))
    return distances


def primary(system: System) -> Mask:
    """By cell, whether the rule keeps it from being published."""
    mask = protected_counts(system)
    for magnitude in system.magnitudes:
        mask = mask | (protection_distances(system, magnitude) > 0)
    return mask


def sticky(system: System, earlier: Sequence[Protected]) -> Mask:
    """By cell, whether it was suppressed in an earlier release of the same period."""
    kept = {
        release.system.cells[row] for release in earlier for row in np.flatnonzero(release.suppressed).tolist()
    }
    return np.array([cell in kept for cell in system.cells], dtype=bool)
