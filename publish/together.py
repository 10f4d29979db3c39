"""Datasets that must agree: all of a set are switched, one after the other, or what stood before is put back."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from publish.desired import DesiredDataset
from publish.plans import Allowed, DatasetPlan, Hold, Plan, PortalError, Published

Faults = dict[str, PortalError]


class Writer(Protocol):
    """A portal that is asked with patience: what it gives is for good, faults that pass have passed or stayed."""

    def plan(self, desired: Sequence[DesiredDataset], allowed: Allowed) -> tuple[Plan, Faults]:
        """What differs, and what could not be read."""

    def apply(self, desired: Sequence[DesiredDataset], allowed: Allowed) -> tuple[list[Published], Faults]:
        """What was done, and what could not be done."""


Before = Callable[[DesiredDataset, str], DesiredDataset | None]
"""A dataset as it should be shown in an earlier version; None where that is not kept."""


@dataclass
class Switched:
    """What became of a set: what was published or held, and what failed or was put back, by dataset."""

    done: list[Published] = field(default_factory=list)
    problems: Faults = field(default_factory=dict)


def sets_of(desired: Iterable[DesiredDataset]) -> tuple[list[DesiredDataset], dict[str, list[DesiredDataset]]]:
    """The datasets that stand alone, and those of each set. A set of one stands alone."""
    listed = list(desired)
    named: dict[str, list[DesiredDataset]] = {}
    for one in listed:
        if one.together:
            named.setdefault(one.together, []).append(one)
    sets = {name: members for name, members in named.items() if len(members) > 1}
    return [one for one in listed if one.together not in sets], sets


def held_together(plan: Plan, members: Sequence[DesiredDataset], stuck: Mapping[str, str]) -> Plan:
    """The plan, where a dataset of the set that cannot be switched holds all others of it.

    Args:
        plan: of these datasets, and maybe of others.
        members: those of one set.
        stuck: why datasets of it cannot be switched though no guard holds them, in words: they could not be read,
            or their newest build is held by their checks.
    """
    names = {one.name: one.release.version for one in members}
    why = {
        **{one.dataset: one.holds[0].detail for one in plan.datasets if one.dataset in names and one.holds},
        **{name: words for name, words in stuck.items() if name in names},
    }
    if not why:
        return plan
    cause = min(why)
    detail = f"it is switched together with {cause}, which cannot be: {why[cause]}"

    def one_held(one: DatasetPlan) -> DatasetPlan:
        if one.dataset not in names or one.holds or (one.dataset == cause and one.dataset not in stuck):
            return one
        if (
            one.shown == names[one.dataset]
        ):  # the same version, from which something was withdrawn: it may not wait
            return one
        told = why[cause] if one.dataset == cause else detail
        return replace(one, holds=(Hold(one.dataset, "together", told),))

    return replace(plan, datasets=tuple(map(one_held, plan.datasets)))


def switch(
    members: Sequence[DesiredDataset],
    writer: Writer,
    before: Before,
    allowed: Allowed,
    stuck: Mapping[str, str],
) -> Switched:
    """Switch a set. First all of it is compared; then one dataset after the other is written.

    If one fails for good, those already switched, and it, are put back to the release that stood there; the next
    run tries all of it again. A dataset that was not there cannot be put back, so those are written last.

    Args:
        members: the datasets of the set.
        writer: the portal.
        before: gives a dataset as it was to be shown in an earlier version.
        allowed: what somebody said may happen.
        stuck: see ``held_together``.
    """
    plan, faults = writer.plan(members, allowed)
    if faults:
        first = min(faults)
        waits = {one.name: _waits(one.name, first, faults[first]) for one in members if one.name not in faults}
        return Switched(problems={**waits, **faults})
    plans = {one.dataset: one for one in held_together(plan, members, stuck).datasets}
    if any(one.holds for one in plans.values()):
        found = Switched(
            [Published(p.dataset, (), 0, "", p.drift, p.holds, p.unsent) for p in plans.values() if p.holds]
        )
        for member in members:
            if not plans[member.name].holds:
                done, faults = writer.apply([member], allowed)
                found.done += done
                found.problems |= faults
        return found
    ordered = sorted(members, key=lambda one: plans[one.name].outcome == "create")
    switched = Switched()
    for place, member in enumerate(ordered):
        done, faults = writer.apply([member], allowed)
        held = next((one.holds[0] for one in done if one.holds), None)
        if held:  # it came up since the plan was made
            faults[member.name] = PortalError(f"{member.name}: {held.detail}")
        switched.done += done
        switched.problems |= faults
        if member.name in faults:
            _put_back(ordered[: place + 1], plans, writer, before, allowed, switched)
            for later in ordered[place + 1 :]:
                switched.problems[later.name] = _waits(later.name, member.name, faults[member.name])
            break
    switched.done = [one for one in switched.done if one.dataset not in switched.problems]
    return switched


def _waits(name: str, other: str, error: PortalError) -> PortalError:
    words = f"{name}: it stays as it was, since {other}, with which it must agree, could not be switched"
    return PortalError(words, is_transient=error.is_transient)


def _put_back(
    touched: Sequence[DesiredDataset],
    plans: Mapping[str, DatasetPlan],
    writer: Writer,
    before: Before,
    allowed: Allowed,
    switched: Switched,
) -> None:
    """Put back what stood before, the newest switch first; the last of ``touched`` is the one that failed."""
    failed = touched[-1].name
    for member in reversed(touched):
        name, version = member.name, plans[member.name].shown
        if not plans[name].changes or version == member.release.version:
            continue  # its rows are what they were
        old = before(member, version) if version else None
        words = "and it was not there before, so it stays" if version is None else f"version {version} is not kept"
        if old is not None:
            back = replace(allowed, shrink=allowed.shrink | {name}, older=allowed.older | {name})
            _, faults = writer.apply([old], back)
            words = f"version {version} is shown again"
            if name in faults:
                words = f"version {version} could not be put back: {faults[name]}"
        if name != failed:
            why = f"{failed}, with which it must agree, could not be switched"
            switched.problems[name] = PortalError(f"{name}: {why}; {words}. The next run tries both again")
