"""What can be learned of a tiny population, by going through every table that agrees with what is published."""

from __future__ import annotations

from itertools import combinations, product

import numpy as np
from scipy.optimize import linprog


def tables_of(release, most=20_000):
    """All integer tables of the classes that give the published counts, or None if they are too many."""
    system = release.system
    holds = system.incidence.toarray().astype(int)[~release.suppressed]
    counts = system.counts[~release.suppressed]
    found, sums = np.zeros((1, 0), dtype=int), np.zeros((1, len(counts)), dtype=int)
    for at in range(len(system.atoms)):
        numbers = np.arange(counts.max() + 1)
        after = (sums[:, None, :] + holds[:, at] * numbers[:, None]).reshape(-1, len(counts))
        is_last = ~holds[:, at + 1 :].any(axis=1) & (holds[:, at] > 0)
        keep = (after <= counts).all(axis=1) & (after == counts)[:, is_last].all(axis=1)
        found = np.column_stack([np.repeat(found, len(numbers), axis=0), np.tile(numbers, len(found))])[keep]
        sums = after[keep]
        if len(found) > most:
            return None
    return found


class Enumerated:
    """Releases with the same classes, and every sequence of tables that agrees with them."""

    def __init__(self, releases):
        self.releases = releases
        self.truth = [one.system.people for one in releases]
        self.stays = [
            bool((after >= before).all()) for before, after in zip(self.truth, self.truth[1:], strict=False)
        ]
        tables = [tables_of(one) for one in releases]
        self.is_small = all(found is not None for found in tables) and np.prod([len(one) for one in tables]) < 4e5
        if not self.is_small:
            return
        joined = tables[0][:, None, :]
        for stay, more in zip(self.stays, tables[1:], strict=True):
            at, then = (part.ravel() for part in np.indices((len(joined), len(more))))
            if stay:
                keep = (more[then] >= joined[at, -1]).all(axis=1)
                at, then = at[keep], then[keep]
            joined = np.concatenate([joined[at], more[then][:, None, :]], axis=1)
        self.joined = joined
        self.holds = [one.system.incidence.toarray().astype(bool) for one in releases]
        # By release: sequences by cells.
        self.at = [joined[:, number] @ holds.T.astype(int) for number, holds in enumerate(self.holds)]

    def learned(self):
        """The cells of which something protected can be learned."""
        return {*self._counts(), *self._insiders(), *self._changes()}

    def _protected(self, number):
        system = self.releases[number].system
        return np.flatnonzero((system.counts >= 1) & (system.counts < system.rule.threshold))

    def _counts(self):
        for number, release in enumerate(self.releases):
            for cell in self._protected(number):
                at = self.at[number][:, cell]
                if not (at == 0).any() or not (at >= release.system.rule.threshold).any():
                    yield release.system.cells[cell]

    def _insiders(self):
        alone = {}
        for number, release in enumerate(self.releases):
            for cell in np.flatnonzero((release.system.counts == 1) & release.suppressed):
                own = next(a for a in np.flatnonzero(self.holds[number][cell]) if self.truth[number][a])
                alone.setdefault((cell, own), []).append(number)
        for (cell, own), numbers in alone.items():
            agrees = np.ones(len(self.joined), dtype=bool)
            for number in numbers:
                inside = self.holds[number][cell]
                agrees &= (self.joined[:, number][:, inside] == self.truth[number][inside]).all(axis=1)
            for number, release in enumerate(self.releases):
                there = any(first <= number and all(self.stays[first:number]) for first in numbers)
                for other in self._protected(number):
                    inside = self.holds[number][other]
                    if number in numbers and (inside <= self.holds[number][cell]).all():
                        continue
                    at = self.at[number][agrees, other]
                    least = int(there and inside[own])
                    if not (at == least).any() or not (at >= release.system.rule.threshold).any():
                        yield release.system.cells[other]

    def _changes(self):
        for before, after in combinations(range(len(self.releases)), 2):
            one, other = self.releases[before], self.releases[after]
            threshold = one.system.rule.threshold
            change = np.abs(other.system.counts - one.system.counts)
            for cell in np.flatnonzero((change >= 1) & (change < threshold)):
                at = np.abs(self.at[after][:, cell] - self.at[before][:, cell])
                if not (at == 0).any() or not (at >= threshold).any():
                    yield one.system.cells[cell]


def classes_of(codes):
    """All combinations of columns' codes."""
    return tuple(
        frozenset(zip(codes, chosen, strict=True)) for chosen in product(*(values for values in codes.values()))
    )


def learned_of_sums(release, parts, most=150):
    """The cells of which a sum (True) or, by the sums, a count (False) can be learned; None if it is too much.

    ``parts`` are the parts of everybody, by class.
    """
    system, (magnitude,) = release.system, release.system.magnitudes
    tables = tables_of(release, most)
    if tables is None:
        return None
    holds = system.incidence.toarray()
    told = holds[~release.suppressed]

    def best(cost, table):
        bounds = [(number * magnitude.minimum, number * magnitude.maximum) for number in table]
        found = linprog(cost, A_eq=told, b_eq=told @ magnitude.sums, bounds=bounds)
        return found.fun if found.status == 0 else None

    tables = [table for table in tables if best(np.zeros(len(table)), table) is not None]
    at = np.array(tables) @ holds.T
    learned = set()
    for cell, count in enumerate(system.counts):
        threshold, true = system.rule.threshold, holds[cell] @ magnitude.sums
        is_protected = 1 <= count < threshold
        if is_protected and not ((at[:, cell] == 0).any() and (at[:, cell] >= threshold).any()):
            learned.add((system.cells[cell], False))
        inside = sorted(part for place in np.flatnonzero(holds[cell]) for part in parts[place])
        wanted = system.rule.p_percent / 100 * max(inside, default=0.0)
        wanted -= 0 if is_protected else sum(inside[:-2])
        if wanted > 1e-9:
            least = min(best(holds[cell], table) for table in tables)
            greatest = max(-best(-holds[cell], table) for table in tables)
            is_open = least <= true - wanted + 1e-6 and greatest >= true + wanted - 1e-6
            if not (release.suppressed[cell] and is_open):
                learned.add((system.cells[cell], True))
    return learned
