"""What a night came to: small frozen values that tasks hand on, and that the command line prints."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Any

from flows.exit_codes import DONE, FAILED, HELD, USAGE
from warehouse.declarations import Severity
from warehouse.ledger import SnapshotRecord, Verdict

__all__ = ["DONE", "FAILED", "HELD", "USAGE", "DatasetOutcome", "NightOutcome", "PortalOutcome", "SourceOutcome"]


@dataclass(frozen=True)
class SourceOutcome:
    """What became of a source tonight.

    ``state``: loaded, unchanged, held (its newest snapshot is refused) or failed (it could not be pulled or
    read). ``stale_since`` is the date of the last good data where they stand in for newer ones.
    """

    name: str
    state: str
    snapshot: SnapshotRecord | None = None
    message: str = ""
    stale_since: date | None = None
    counts: Mapping[Severity, int] = field(default_factory=dict)
    annotated: str | None = None

    @property
    def needs_attention(self) -> bool:
        """Something was held: the snapshot, or rows of it."""
        return self.state in ("held", "failed") or bool(
            self.snapshot and self.snapshot.verdict is not Verdict.PASSED
        )


@dataclass(frozen=True)
class DatasetOutcome:
    """What became of a dataset tonight.

    ``state``: released, unchanged, held (the last good release stands), waiting (a source has no data yet) or
    failed (its model does not run).
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


@dataclass(frozen=True)
class PortalOutcome:
    """What was written to the portal: ``writes`` counts writing calls or files."""

    address: str
    writes: int = 0
    published: Mapping[str, int] = field(default_factory=dict)  # dataset -> number of changes
    problems: Mapping[str, str] = field(default_factory=dict)  # dataset -> what went wrong
    urls: Mapping[str, str] = field(default_factory=dict)  # dataset -> its page


@dataclass(frozen=True)
class NightOutcome:
    """What a night came to. ``run_id`` is None where nothing had to be done to the warehouse."""

    kind: str
    day: date
    run_id: str | None
    sources: tuple[SourceOutcome, ...]
    datasets: tuple[DatasetOutcome, ...]
    portal: PortalOutcome
    report: str | None = None

    @property
    def exit_code(self) -> int:
        """0 done or nothing to do, 3 finished but something was held, 1 failed."""
        if self.portal.problems or any(d.state == "failed" for d in self.datasets):
            return FAILED
        if self.sources and all(s.state == "failed" and s.stale_since is None for s in self.sources):
            return FAILED
        if any(s.needs_attention for s in self.sources) or any(d.state == "held" for d in self.datasets):
            return HELD
        return DONE

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON; dates as ISO text."""
        content = asdict(self)
        content["exit_code"] = self.exit_code
        return content
