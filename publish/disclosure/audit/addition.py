"""Whether the tables that an audit found prove what it says: by adding up whole numbers, and by nothing else.

Nothing here solves anything, and nothing here is what found the tables: a solver's tolerance proves nothing. What
is recomputed is every published count of every release from every table, and whether for everything that is
protected there is a table in which it is otherwise. Sums of people's parts are not: the tables hold people alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from publish.disclosure.results import Audit, Witness
from publish.disclosure.tables import Mask, Pairs, Protected, System

Added = NDArray[np.int64]


def check(system: System, suppressed: Mask, earlier: Sequence[Protected], audit: Audit) -> list[str]:
    """What is wrong with the tables of an audit; nothing if they prove all that it does not call a gap.

    Args:
        system: the tables that were audited.
        suppressed: by cell, what is not published of them.
        earlier: the releases of the same population and period before it.
        audit: what was found.
    """
    releases = (*earlier, Protected(system, suppressed))
    classes = {atom for release in releases for atom in release.system.atoms}
    if set(audit.atoms) != classes or len(audit.atoms) != len(classes):
        return ["the tables are not of the classes of these releases"]
    shapes = [fault for one in audit.witnesses for fault in _shape(one, len(releases), len(audit.atoms))]
    if shapes:
        return shapes
    added = [_Added(release, at, audit) for at, release in enumerate(releases)]
    tables = [fault for one in added for fault in one.faults()]
    stays = [fault for before, after in _linked(added) for fault in _stay(before, after)]
    claims = list(_claims(added, audit))
    return [*dict.fromkeys([*tables, *stays, *_unclaimed(claims, audit), *_uncovered(claims, audit)])]


def _shape(witness: Witness, releases: int, atoms: int) -> Iterator[str]:
    if len(witness.tables) != releases or any(table.shape != (atoms,) for table in witness.tables):
        yield "a table has not one number for each class of people and release"
    elif any(not np.issubdtype(table.dtype, np.integer) or (table < 0).any() for table in witness.tables):
        yield "a table has a number that is no number of people"


class _Added:
    """One release beside the tables of an audit for it, added up.

    ``tables`` are its classes by tables, ``cells`` its cells by tables.
    """

    def __init__(self, release: Protected, at: int, audit: Audit) -> None:
        self.release, self.at = release, at
        self.system = release.system
        place = {atom: number for number, atom in enumerate(audit.atoms)}
        own = [place[atom] for atom in self.system.atoms]
        every: Added = np.array([one.tables[at] for one in audit.witnesses], dtype=np.int64)
        every = every.reshape(len(audit.witnesses), len(place)).T
        self.tables = every[own]
        self.has_others = bool(np.delete(every, own, axis=0).any())
        self.rows: sparse.csr_array = self.system.incidence.astype(np.int64)
        self.cells: Added = self.rows @ self.tables
        self.place = {cell: row for row, cell in enumerate(self.system.cells)}
        counts = self.system.counts
        self.protected = np.flatnonzero((counts >= 1) & (counts < self.system.rule.threshold))

    def faults(self) -> Iterator[str]:
        told = np.flatnonzero(~self.release.suppressed)
        if self.has_others:
            yield "a table has people of a class that its release has not"
        if (self.cells[told] != self.system.counts[told][:, None]).any():
            yield "a table does not give what is published"

    def columns(self) -> frozenset[str]:
        return frozenset(
            name for dimensions in self.system.tables.values() for dimension in dimensions for name in dimension
        )

    def inside(self, cell: int | np.integer) -> NDArray[np.intp]:
        """The places of a cell's classes."""
        places: NDArray[np.intp] = self.rows.indices[self.rows.indptr[cell] : self.rows.indptr[cell + 1]].astype(
            np.intp
        )
        return places

    def by_class(self, common: frozenset[str]) -> dict[Pairs, Added]:
        """By what some columns tell: the true number of people, then that of every table."""
        found: dict[Pairs, Added] = {}
        rows = np.column_stack([self.system.people, self.tables])
        for atom, row in zip(self.system.atoms, rows, strict=True):
            told = frozenset(pair for pair in atom if pair[0] in common)
            found[told] = found.get(told, 0) + row
        return found

    def of(self, cell: Pairs) -> Added:
        """A cell's true number of people, then that of every table, whether or not a table of it has the cell."""
        if cell in self.place:
            row = self.place[cell]
            return np.append(self.system.counts[row], self.cells[row])
        own = [number for number, atom in enumerate(self.system.atoms) if cell <= atom]
        return np.append(self.system.people[own].sum(), self.tables[own].sum(axis=0))


def _linked(added: list[_Added]) -> Iterator[tuple[_Added, _Added]]:
    """Which releases to compare: each with the next, and with a later one that tells what those between do not."""
    for before, after in combinations(added, 2):
        common = before.columns() & after.columns()
        between = added[before.at + 1 : after.at]
        if not between or any(not common <= one.columns() for one in between):
            yield before, after


def _moved(before: _Added, after: _Added) -> Added:
    """By class that both tell, how many more are there later: truly, then in each table."""
    common = before.columns() & after.columns()
    earlier, later = before.by_class(common), after.by_class(common)
    moved = [later.get(told, 0) - earlier.get(told, 0) for told in {**earlier, **later}]
    return np.array(moved, dtype=np.int64).reshape(len(moved), 1 + before.tables.shape[1])


def _nobody_left(before: _Added, after: _Added) -> bool:
    """Whether whoever reads may think so: no class that both tell is truly smaller later."""
    return not (_moved(before, after)[:, 0] < 0).any()


def _stay(before: _Added, after: _Added) -> Iterator[str]:
    """Where the truth lets whoever reads think that nobody left, nobody may leave in a table either."""
    moved = _moved(before, after)
    if (moved[:, 0] < 0).any():
        return
    if (moved < 0).any():
        yield "in a table somebody leaves between two releases, though nobody seems to have left"
    if not moved[:, 0].any() and moved.any():
        yield "in a table something changes between two releases, though nothing did"


@dataclass(frozen=True, eq=False)
class _Claim:
    """What has to be shown of some cells, and by which tables it is.

    Args:
        cells: of which.
        bound, insider, since: what, as in a Witness.
        shown: cells by tables.
        is_needed: by cell, whether it has to be shown at all.
    """

    cells: list[Pairs]
    bound: Literal["none", "many"]
    insider: Pairs | None
    since: int | None
    shown: Mask
    is_needed: Mask


def _claims(added: list[_Added], audit: Audit) -> Iterator[_Claim]:
    for one in added:
        at = one.protected
        cells, every = [one.system.cells[row] for row in at], np.ones(len(at), dtype=np.bool_)
        yield _Claim(cells, "none", None, None, one.cells[at] == 0, every)
        yield _Claim(cells, "many", None, None, one.cells[at] >= one.system.rule.threshold, every)
    for (cell, atom), alone in _insiders(added).items():
        yield from _of_insider(added, cell, atom, alone)
    for before, after in combinations(added, 2):
        yield from _of_changes(before, after)


def _insiders(added: list[_Added]) -> dict[tuple[Pairs, Pairs], list[_Added]]:
    """The only person of each suppressed cell of one, by it and her class: the releases in which she is alone."""
    found: dict[tuple[Pairs, Pairs], list[_Added]] = {}
    for one in added:
        for row in np.flatnonzero((one.system.counts == 1) & one.release.suppressed):
            own = [place for place in one.inside(row) if one.system.people[place] > 0]
            if one.system.rule.threshold > 1:
                found.setdefault((one.system.cells[row], one.system.atoms[own[0]]), []).append(one)
    return found


def _of_insider(added: list[_Added], cell: Pairs, atom: Pairs, alone: list[_Added]) -> Iterator[_Claim]:
    agrees: Mask = np.ones(alone[0].tables.shape[1], dtype=np.bool_)
    for one in alone:
        inside = one.inside(one.place[cell])
        agrees &= (one.tables[inside] == one.system.people[inside][:, None]).all(axis=0)
    presence = _presence(added, atom, alone)
    for one in added:
        at = one.protected
        cells = [one.system.cells[row] for row in at]
        others = np.ones(len(one.system.atoms), dtype=np.int64)
        if one in alone:
            others[one.inside(one.place[cell])] = 0
        is_needed: Mask = one.rows[at] @ others > 0
        many = one.cells[at] >= one.system.rule.threshold
        yield _Claim(cells, "many", cell, None, many & agrees, is_needed)
        # Where she knows that she is in a cell, it holds at least her; that it holds her alone is enough.
        there = [told for found, told in presence if found is one]
        own = np.array([any(one.system.cells[row] <= told for told in there) for row in at], dtype=np.int64)
        none = one.cells[at] <= own[:, None]
        yield _Claim(cells, "none", cell, None, none & agrees, is_needed & (one.system.counts[at] > own))


def _presence(added: list[_Added], atom: Pairs, alone: list[_Added]) -> list[tuple[_Added, Pairs]]:
    """The releases in which the person of a class is known to be, and of what class: where she is alone in a cell,
    later if nobody left, and before if nobody came to her class either.
    """
    found = [(one, atom) for one in alone]
    for here, pairs in found:
        for before, after in _linked(added):
            if here not in (before, after) or not _nobody_left(before, after):
                continue
            common = before.columns() & after.columns()
            there = after if here is before else before
            told = frozenset(pair for pair in pairs if pair[0] in common)
            is_known = here is before or _is_unchanged(before, after, told)
            if is_known and not any(one is there and told == known for one, known in found):
                found.append((there, told))
    return found


def _is_unchanged(before: _Added, after: _Added, told: Pairs) -> bool:
    """Whether a class is known to be what it was, where nobody left: all are, or something around it shows it."""
    if not _moved(before, after)[:, 0].any():
        return True
    return any(
        cell <= told
        and not before.release.suppressed[row]
        and cell in after.place
        and not after.release.suppressed[after.place[cell]]
        and before.system.counts[row] == after.system.counts[after.place[cell]]
        for cell, row in before.place.items()
    )


def _of_changes(before: _Added, after: _Added) -> Iterator[_Claim]:
    """Changes of a cell by few people: that it did not change, and that it changed by the threshold or more."""
    both = before.columns() & after.columns()
    threshold = max(before.system.rule.threshold, after.system.rule.threshold)
    told = [cell for cell in {**before.place, **after.place} if {name for name, _ in cell} <= both]
    change = np.array([after.of(cell) - before.of(cell) for cell in told], dtype=np.int64)
    change = np.abs(change.reshape(len(told), 1 + before.tables.shape[1]))
    is_needed = (change[:, 0] >= 1) & (change[:, 0] < threshold)
    yield _Claim(told, "none", None, before.at, change[:, 1:] == 0, is_needed)
    yield _Claim(told, "many", None, before.at, change[:, 1:] >= threshold, is_needed)


def _unclaimed(claims: list[_Claim], audit: Audit) -> Iterator[str]:
    """Whether every table shows what it is kept for."""
    shown: set[tuple[int, Pairs, str, Pairs | None, int | None]] = set()
    wanted = {(one.cell, one.bound, one.insider, one.since) for one in audit.witnesses}
    for claim in claims:
        for row, cell in enumerate(claim.cells):
            if (cell, claim.bound, claim.insider, claim.since) in wanted:
                tables = np.flatnonzero(claim.shown[row])
                shown.update((int(at), cell, claim.bound, claim.insider, claim.since) for at in tables)
    for number, one in enumerate(audit.witnesses):
        if (number, one.cell, one.bound, one.insider, one.since) not in shown:
            yield "a table does not show what it is kept for"


def _uncovered(claims: list[_Claim], audit: Audit) -> Iterator[str]:
    """Whether everything that has to be shown is, but for what the audit calls a gap."""
    gaps = {gap.cell for gap in audit.gaps}
    for claim in claims:
        for row in np.flatnonzero(claim.is_needed & ~claim.shown.any(axis=1)):
            if claim.cells[row] not in gaps:
                yield "for something that is protected no table shows that it could be otherwise"
