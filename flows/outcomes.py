"""What a night came to: small frozen values that tasks hand on, and that the command line prints."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Any, TypeVar

from flows.exit_codes import DONE, FAILED, HELD, USAGE
from publish.plans import Drift, Hold
from warehouse.declarations import Severity
from warehouse.ledger import Said, SnapshotRecord, Verdict

__all__ = [
    "DONE",
    "FAILED",
    "HELD",
    "HELD_BACK",
    "PUBLISHED",
    "USAGE",
    "DatasetOutcome",
    "NightOutcome",
    "PortalOutcome",
    "SourceOutcome",
]


PUBLISHED = "published"  # of a dataset on a portal: it stands there as it should
HELD_BACK = "held back"  # of a dataset about people that nothing protects: neither a failure nor something to mend


@dataclass(frozen=True)
class SourceOutcome:
    """What became of a source tonight.

    ``state``: loaded, unchanged, late (nothing new, though it was due), waiting (it never had any data), held (its
    newest snapshot is refused) or failed (it could not be pulled or read). ``stale_since`` is the date of the last
    good data where they stand in for newer ones. ``due`` is the last day by which newer data should have come, if
    it is past. ``notice`` is what somebody should know although the data went on. ``annotated`` is the path of the
    workbook as it goes back to its keeper. ``is_awaited``: newer data would have been seen;
    None where nobody looked.
    """

    name: str
    state: str
    snapshot: SnapshotRecord | None = None
    message: str = ""
    stale_since: date | None = None
    counts: Mapping[Severity, int] = field(default_factory=dict)
    annotated: str | None = None
    due: date | None = None
    notice: str = ""
    is_awaited: bool | None = None

    @property
    def needs_attention(self) -> bool:
        """Something was held, the snapshot or rows of it; or is late; or is not what it seems."""
        return (
            self.state in ("held", "failed", "late")
            or bool(self.due or self.notice)
            or bool(self.snapshot and self.snapshot.verdict is not Verdict.PASSED)
        )

    def said(self) -> Said:
        """What the ledger keeps of it."""
        state = "good" if self.state in ("loaded", "unchanged") else self.state
        if state == "good" and self.snapshot and self.snapshot.verdict is Verdict.PARTIAL:
            state = "partial"
        # "Nothing new since ..." on a source that is well is no news.
        message = (
            " ".join(part for part in (self.message, self.notice) if part) if state != "good" else self.notice
        )
        what = self.snapshot.snapshot_id if self.snapshot else None
        return Said(state, self.needs_attention, message, what, self.stale_since, self.is_awaited)


@dataclass(frozen=True)
class DatasetOutcome:
    """What became of a dataset tonight.

    ``state``: released, unchanged, held (the last good release stands), waiting (a source has no data yet),
    held back (it is about people, and nothing protects them) or failed (its model does not run).
    """

    name: str
    state: str
    version: str | None = None
    rows: int | None = None
    added: int = 0
    changed: int = 0
    removed: int = 0
    message: str = ""
    url: str | None = None

    def said(self) -> Said:
        """What the ledger keeps of it."""
        state = "good" if self.state in ("released", "unchanged") else self.state
        return Said(state, self.state in ("held", "failed"), self.message, self.version)


@dataclass(frozen=True)
class Processed:
    """What became of each source and dataset. ``run_id`` is None if nothing was to be done."""

    run_id: str | None
    sources: dict[str, SourceOutcome]
    datasets: dict[str, DatasetOutcome]

    def then(self, later: Processed, told: Collection[str]) -> Processed:
        """Both, one after the other: a state among those to be ``told`` is told, whatever came later."""
        return Processed(
            later.run_id or self.run_id,
            _then(self.sources, later.sources, told),
            _then(self.datasets, later.datasets, told),
        )


Outcome = TypeVar("Outcome", SourceOutcome, DatasetOutcome)


def _then(
    before: Mapping[str, Outcome], after: Mapping[str, Outcome], told: Collection[str]
) -> dict[str, Outcome]:
    stays = {name for name, one in before.items() if one.state in told}
    return {**before, **{name: one for name, one in after.items() if name not in stays or one.state in told}}


@dataclass(frozen=True)
class PortalOutcome:
    """What was written to the portal: ``writes`` counts writing calls or files, also those of what failed then."""

    address: str
    writes: int = 0
    published: Mapping[str, int] = field(default_factory=dict)  # dataset -> number of changes
    problems: Mapping[str, str] = field(default_factory=dict)  # dataset -> what went wrong
    urls: Mapping[str, str] = field(default_factory=dict)  # dataset -> its page
    holds: Mapping[str, Sequence[Hold]] = field(default_factory=dict)  # dataset -> why nothing of it was written
    drift: Mapping[str, Sequence[Drift]] = field(default_factory=dict)  # dataset -> what somebody changed there
    unsent: Mapping[str, Sequence[str]] = field(default_factory=dict)  # dataset -> what the portal cannot show
    place: str = ""  # the options with which a command finds this home and portal (``Settings.as_options``)

    def said(self) -> dict[str, Said]:
        """What the ledger keeps of it, by dataset. Hand edits are told, and nothing that somebody must mend."""
        good = {name: Said(PUBLISHED, False, self.edits(name), self.address) for name in self.published}
        held = {name: Said("held", True, " ".join(self.held(name)), self.address) for name in self.holds}
        bad = {name: Said("failed", True, message, self.address) for name, message in self.problems.items()}
        return {**good, **held, **bad}

    def held(self, name: str) -> list[str]:
        """Why a dataset is held on the portal, and what to do: a text for each reason; none where it is not."""
        from publish.guards import advice

        return [
            f"{hold.detail[:1].upper()}{hold.detail[1:]}. {advice(hold, self.place)}"
            for hold in self.holds.get(name, ())
        ]

    def edits(self, name: str) -> str:
        """What somebody changed of a dataset on the portal by hand, in words; empty if nothing."""
        return "; ".join(map(drift_in_words, self.drift.get(name, ())))


_FATES = {
    "undone": "ours comes back",
    "left": "left until the entry says the same, or --overwrite {dataset} is given",
}


def drift_in_words(drift: Drift) -> str:
    """What somebody changed on the portal by hand, and what becomes of it."""
    return f"{drift.target}: {drift.detail} ({_FATES[drift.fate].format(dataset=drift.dataset)})"


@dataclass(frozen=True)
class NightOutcome:
    """What a night came to. ``run_id`` is None where it had nothing to do and nothing to say that is new."""

    kind: str
    day: date
    run_id: str | None
    sources: tuple[SourceOutcome, ...]
    datasets: tuple[DatasetOutcome, ...]
    portal: PortalOutcome
    report: str | None = None
    pruned: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # dataset -> versions that left by rule
    not_pruned: str = ""  # why versions could not be looked through

    @property
    def exit_code(self) -> int:
        """0 done or nothing to do, 3 finished but something was held or is late, 1 failed."""
        if self.portal.problems or any(d.state == "failed" for d in self.datasets):
            return FAILED
        if self.sources and all(s.state == "failed" and s.stale_since is None for s in self.sources):
            return FAILED
        is_held = bool(self.portal.holds) or any(d.state == "held" for d in self.datasets)
        if is_held or any(s.needs_attention for s in self.sources):
            return HELD
        return DONE

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON; dates as ISO text."""
        content = asdict(self)
        content["exit_code"] = self.exit_code
        return content
