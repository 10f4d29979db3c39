"""The verdict on a release: what is open in spite of all that is published, by which tables, and what is not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from publish.disclosure.audit.addition import check
from publish.disclosure.audit.covering import ENDS, ENOUGH_FOR_GROUPS, Cover, End, Shown, Vain
from publish.disclosure.audit.equations import Written
from publish.disclosure.audit.groups import group_warnings
from publish.disclosure.audit.insiders import insiders_of
from publish.disclosure.audit.joint import Joint
from publish.disclosure.audit.lines import About, lines_of
from publish.disclosure.audit.region import Clock, NoTimeError, Region
from publish.disclosure.results import Attack, Audit, Gap, Witness
from publish.disclosure.tables import Mask, Protected, System

# The number of who knows nothing but what is published.
EVERYBODY = np.array([0])


def audit(system: System, suppressed: Mask, earlier: Sequence[Protected] = (), *, seconds: float = 120.0) -> Audit:
    """Whether what is published lets whoever reads it all learn what is protected.

    Args:
        system: the tables of one population and period.
        suppressed: by cell, what is not to be published of them.
        earlier: what was released of the same population and period before, in order.
        seconds: for the search. What is not proved by then is a gap.

    Returns:
        The verdict, and the tables that prove it: all in them is as published, and something protected is not as
        it is. Sums of people's parts are proved as well, but their proofs are not kept.
    """
    joint = Joint((*earlier, Protected(system, suppressed)))
    warnings = group_warnings(system, suppressed)
    if not joint.people:
        return Audit(joint.atoms, (), warnings, ())
    search = _Search(joint, seconds)
    gaps = tuple(dict.fromkeys([*search.told, *search.gaps()]))
    found = Audit(joint.atoms, gaps, warnings, tuple(search.witness(one) for one in search.people.needed()))
    faults = check(system, suppressed, earlier, found)
    why = "what was found as a proof does not add up: {}; this is a fault of the audit, not of the data"
    wrong = tuple(Gap(frozenset(), "system", why.format(fault)) for fault in faults)
    return replace(found, gaps=(*gaps, *wrong))


class _Search:
    """The search for tables: of people for counts and changes, and of their parts for sums."""

    def __init__(self, joint: Joint, seconds: float) -> None:
        self._joint, self._seconds = joint, seconds
        self._clock = Clock(seconds)
        written = Written(joint)
        region = Region(written.equations, self._clock)
        lines, self.told = lines_of(written, region.truth)
        counts = lines.only("count", "change")
        self.people = Cover(region, counts, insiders_of(joint, counts, written.width))
        self.sums = Cover(region, lines.only("sum"), ())
        self._is_count = written.equations.is_count

    def gaps(self) -> Iterator[Gap]:
        """Search, and tell what was not found."""
        is_over = False
        try:
            yield from self._of_vain(self.sums, self._search_sums())
            yield from self._of_vain(self.people, self._search_people())
        except NoTimeError:
            is_over = True
        if is_over:
            yield from self._unfinished()

    def _search_sums(self) -> list[Vain]:
        # With the people as they truly are, sums alone show most of what has to be shown of sums, and fast.
        self.sums.show_many(EVERYBODY, self._is_count)
        self.sums.show_many(EVERYBODY)
        return self.sums.show_rest(0)

    def _search_people(self) -> list[Vain]:
        people = self.people
        people.show_many(EVERYBODY)
        vain = people.show_rest(0)
        for _, line, end in vain:
            # What everybody can learn, an insider can.
            people.wanted[1:, line, ENDS.index(end)] = False
        for group in people.groups():
            people.show_many(group)
        for who in range(1, len(people.held)):
            if (people.wanted & ~people.shown)[who].sum() >= ENOUGH_FOR_GROUPS:
                people.show_many(np.array([who]))
            vain += people.show_rest(who)
        return vain

    def _of_vain(self, cover: Cover, vain: list[Vain]) -> Iterator[Gap]:
        for who, line, end in vain:
            about = cover.lines.about[line]
            attack: Attack = "insider" if who else self._attack(about, end)
            yield Gap(about.cell, attack, _why(about, attack, end))

    def _attack(self, about: About, end: End) -> Attack:
        if about.kind == "sum":
            return "sum"
        if about.kind == "change" or self._is_open_alone(about, end):
            return "releases"
        return "system"

    def _is_open_alone(self, about: About, end: End) -> bool:
        """Whether it takes more than one release to learn a count."""
        if len(self._joint.releases) == 1:
            return False
        alone = Written(Joint((self._joint.releases[about.release],)))
        region = Region(alone.equations, self._clock)
        lines = lines_of(alone, region.truth)[0].only("count")
        where = [number for number, one in enumerate(lines.about) if one.cell == about.cell]
        return any(Cover(region, lines, ()).show_one(0, number, end) for number in where)

    def _unfinished(self) -> Iterator[Gap]:
        for cover, attack in ((self.people, "system"), (self.sums, "sum")):
            for who, line in np.argwhere((cover.wanted & ~cover.shown).any(axis=2)):
                kind: Attack = "insider" if who else "sum" if attack == "sum" else "system"
                why = f"no proof was found within {self._seconds:g} seconds"
                yield Gap(cover.lines.about[line].cell, kind, why)

    def witness(self, shown: Shown) -> Witness:
        """A table as it is kept."""
        about = self.people.lines.about[shown.line]
        return Witness(
            cell=about.cell,
            bound="none" if shown.end == "low" else "many",
            tables=self._joint.tables(shown.values),
            insider=self.people.insiders[shown.who - 1].cell if shown.who else None,
            since=about.since,
        )


def _why(about: About, attack: Attack, end: End) -> str:
    """How somebody learns it, without a count."""
    whoever = "whoever is in one of the suppressed cells knows herself, and" if attack == "insider" else "whoever"
    does = "subtracts" if attack != "releases" else "subtracts one release from another"
    if about.kind == "sum":
        side = "lower" if end == "low" else "higher"
        return f"{whoever} {does} can tell that its {about.name} is not {side} by as much as is protected"
    if about.kind == "change":
        learned = "that it changed" if end == "low" else "that it changed by fewer people than may be told"
    else:
        learned = "that somebody is in it" if end == "low" else "that fewer people are in it than may be told"
    return f"{whoever} {does} can tell {learned}"
