"""What leaves of a population's period tonight: a new release with proof, or the last one.

Nothing is called safe because of how it was made. The suppressor proposes; the audit, which shares no code with
it, looks for a proof; what has none is not released.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import compress

import numpy as np

from publish.disclosure.audit import audit
from publish.disclosure.results import Audit
from publish.disclosure.suppression import Weights, repair, suppress
from publish.disclosure.tables import Mask, Pairs, Period, Protected, Rule, Sums, System
from warehouse.protection import ProtectionState

_REPAIRS = 6  # how often more is suppressed where the audit found a gap, before all of the period is


@dataclass(frozen=True, eq=False)
class Decision:
    """What is published of a period after tonight.

    Args:
        state: ``new``: tonight's tables; ``same``: those of an earlier release, which say the truth; ``stands``:
            the last release, although the truth changed; ``withheld``: nothing, as nothing ever was.
        protected: what is published.
        audit: the proof of a new release.
    """

    state: ProtectionState
    protected: Protected | None
    audit: Audit | None = None


def decide_together(
    systems: Mapping[Period, System],
    earlier: Mapping[Period, Sequence[Protected]],
    hidden_before: frozenset[Pairs] = frozenset(),
    weights: Weights = "cells",
) -> dict[Period, Decision]:
    """What is published of several periods with the same people, such as the questions of one survey.

    Who answered one question has mostly answered the others. A group that is hidden in one table and shown in
    another would be hidden in none, so what one hides, all hide.

    Args:
        systems: their tables as they truly are.
        earlier: what was ever published of each, in the order it was published.
        hidden_before: cells that were ever hidden of these people, also in periods that are no more.
        weights: what is lost with a cell.
    """
    decisions = {
        period: decide(system, earlier.get(period, ()), hidden_before, weights)
        for period, system in systems.items()
    }
    while True:
        hidden = hidden_before.union(*(_hidden(one) for one in decisions.values()))
        telling = [
            period
            for period, one in decisions.items()
            if one.state == "new"
            and one.protected
            and hidden.intersection(one.protected.system.cells) - _hidden(one)
        ]
        if not telling:
            return decisions
        for period in telling:
            decisions[period] = decide(systems[period], earlier.get(period, ()), hidden, weights)


def _hidden(decision: Decision) -> frozenset[Pairs]:
    if decision.protected is None:
        return frozenset()
    return frozenset(compress(decision.protected.system.cells, decision.protected.suppressed))


def decide(
    system: System,
    earlier: Sequence[Protected] = (),
    hidden: Collection[Pairs] = frozenset(),
    weights: Weights = "cells",
) -> Decision:
    """What is published of a population's period.

    Args:
        system: its tables as they truly are.
        earlier: what was ever published of it, in the order it was published.
        hidden: cells that are not to be published, whatever the rule says.
        weights: what is lost with a cell.
    """
    for release in reversed(earlier):
        if is_same(release.system, system):
            return Decision("same", release)
    last = Decision("stands", earlier[-1]) if earlier else Decision("withheld", None)
    if any(changes_few(release, system) for release in earlier):
        return last
    return protect_anew(system, earlier, hidden, weights) or last


def is_laxer(rule: Rule, than: Rule) -> bool:
    """Whether a rule protects less than another one."""
    return rule.threshold < than.threshold or (rule.p_percent or 0) < (than.p_percent or 0)


def under_rule(
    release: Protected,
    rule: Rule,
    earlier: Sequence[Protected],
    hidden: Collection[Pairs] = frozenset(),
    weights: Weights = "cells",
) -> Decision | None:
    """A release that stands, with no more of it than a stricter rule lets be published; None without proof.

    Args:
        release: one of ``earlier``.
        rule: that of today.
        earlier: what was ever published of the period, in the order it was published.
        hidden: cells that are not to be published, whatever the rule says.
        weights: what is lost with a cell.
    """
    return protect_anew(replace(release.system, rule=rule), earlier, hidden, weights)


def protect_anew(
    system: System,
    earlier: Sequence[Protected],
    hidden: Collection[Pairs] = frozenset(),
    weights: Weights = "cells",
) -> Decision | None:
    """A new release with its proof; None where there is none. Takes what ``decide`` takes."""
    at_least = Protected(system, np.array([cell in hidden for cell in system.cells], dtype=np.bool_))
    mask = suppress(system, [*earlier, at_least], weights)
    for _ in range(_REPAIRS):
        found = audit(system, mask, _tells_more(system, mask, earlier))
        if found.is_proved:
            new = Protected(system, mask)
            return None if any(rest_tells(release, new) for release in earlier) else Decision("new", new, found)
        mask = repair(system, mask, found.gaps, earlier, weights)
    mask = np.ones(len(system.cells), dtype=np.bool_)
    found = audit(system, mask, _tells_more(system, mask, earlier))
    return Decision("new", Protected(system, mask), found) if found.is_proved else None


def _tells_more(system: System, mask: Mask, earlier: Sequence[Protected]) -> Sequence[Protected]:
    """The earlier releases that a new one is audited with: none where one of them tells all that the new one
    would, as after a rule became stricter. What that one told, nobody can take back; the new one adds nothing.
    """
    for release in earlier:
        known = set(compress(release.system.cells, ~release.suppressed))
        if known.issuperset(compress(system.cells, ~mask)) and is_same_truth(release.system, system):
            return ()
    return earlier


def is_same(one: System, other: System) -> bool:
    """Whether two systems are the same people in the same tables under the same rule."""
    return one.rule == other.rule and dict(one.tables) == dict(other.tables) and is_same_truth(one, other)


def is_same_truth(one: System, other: System) -> bool:
    """Whether two systems are the same people in the same classes."""
    return (
        one.atoms == other.atoms
        and bool((one.people == other.people).all())
        and len(one.magnitudes) == len(other.magnitudes)
        and all(
            a.name == b.name
            and (a.minimum, a.maximum) == (b.minimum, b.maximum)
            and np.array_equal(a.sums, b.sums)
            for a, b in zip(one.magnitudes, other.magnitudes, strict=True)
        )
    )


def changes_few(release: Protected, system: System) -> bool:
    """Whether a count that was published would change by fewer people than are protected, or a sum would change
    without as many: whoever has both releases would know of those few.
    """
    place = {cell: row for row, cell in enumerate(system.cells)}
    now = system.counts
    sums_before = {one.name: release.system.sums(one) for one in release.system.magnitudes}
    sums_now = {one.name: system.sums(one) for one in system.magnitudes}
    for row in np.flatnonzero(~release.suppressed):
        cell = release.system.cells[row]
        count = int(now[place[cell]]) if cell in place else 0
        change = abs(count - int(release.system.counts[row]))
        if 0 < change < system.rule.threshold:
            return True
        for name, sums in sums_before.items():
            new = float(sums_now[name][place[cell]]) if cell in place and name in sums_now else 0.0
            if change == 0 and not np.isclose(new, sums[row], rtol=0, atol=1e-9):
                return True
    return False


def rest_tells(release: Protected, new: Protected) -> bool:
    """Whether what is left of a published cell, without its published parts, has as many people as in an earlier
    release and another sum: by subtraction everybody would know by how much somebody was corrected.
    """
    names = [one.name for one in new.system.magnitudes]
    if not names or names != [one.name for one in release.system.magnitudes]:
        return False
    before, now = _shown(release), _shown(new)
    changes = {cell: now[cell] - before[cell] for cell in before.keys() & now.keys()}
    depths = {frozenset(column for column, _ in cell) for cell in changes}
    for own, depth in ((own, depth) for own in depths for depth in depths if own < depth):
        rest = {cell: change for cell, change in changes.items() if own == {column for column, _ in cell}}
        for part, change in changes.items():
            if depth == {column for column, _ in part}:
                whole = frozenset(pair for pair in part if pair[0] in own)
                if whole in rest:
                    rest[whole] = rest[whole] - change
        if any(abs(one[0]) < 0.5 and not np.allclose(one[1:], 0, rtol=0, atol=1e-6) for one in rest.values()):
            return True
    return False


def _shown(release: Protected) -> dict[Pairs, Sums]:
    """By published cell, its count and its sums."""
    system = release.system
    values = np.column_stack([system.counts, *(system.sums(one) for one in system.magnitudes)])
    return {cell: values[row] for row, cell in enumerate(system.cells) if not release.suppressed[row]}
