"""The ledger's lines: on a run, a snapshot, a dataset built for a date."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any

import duckdb


class Verdict(StrEnum):
    """What became of a snapshot or a dataset."""

    PASSED = "passed"
    PARTIAL = "partial"  # some rows went to quarantine, or some cells were emptied; the rest went on
    HELD = "held"  # nothing of it went on; the last good one stands in


@dataclass(frozen=True)
class TableLoad:
    """How many rows of a table came, went to quarantine, and what they changed in the warehouse.

    ``held``: records whose row was refused, or that the snapshot does not speak of because it is not whole
    (``is_whole``), and whose last good version stands in. ``held_cells``: cells that were emptied.
    ``standing``: the records that stand at the snapshot's date (None: noted before this was counted).
    """

    staged: int = 0
    quarantined: int = 0
    added: int = 0
    changed: int = 0
    vanished: int = 0
    held: int = 0
    held_cells: int = 0
    standing: int | None = None
    is_whole: bool = True
    delivery: str = "full"

    @property
    def accepted(self) -> int:
        """Rows that went on."""
        return self.staged - self.quarantined


@dataclass(frozen=True)
class SnapshotRecord:
    """The ledger's line about a snapshot. ``fingerprint`` stands for the declaration and rules applied."""

    source: str
    snapshot_id: str
    data_date: date
    origin: str
    fingerprint: str
    verdict: Verdict
    is_promoted: bool
    run_id: str
    tables: Mapping[str, TableLoad] = field(default_factory=dict)


@dataclass(frozen=True)
class CurationRecord:
    """The ledger's line about a dataset built for a date. ``version`` is what it was released as, if at all."""

    dataset: str
    data_date: date
    inputs: str
    verdict: Verdict
    rows: int
    version: str | None
    run_id: str


@dataclass(frozen=True)
class CorrectedCell:
    """A cell that was corrected on the way in: what the source says, and what was made of it; "" is empty."""

    table_name: str
    row_key: str | None
    column_name: str
    old_value: str
    new_value: str
    reason: str
    evidence: str
    status: str
    file: str | None
    sheet: str | None
    row_number: int | None


@dataclass(frozen=True)
class Said:
    """What a run said of a source, a dataset, or a dataset's place on the portal.

    ``state`` is that of the outcome (``flows.outcomes``), ``is_wrong`` whether somebody has to look, ``what`` the
    snapshot or the version spoken of. ``is_awaited``: of a source, whether the run looked where newer data would
    come in, so that it can be late; None where it did not look, but worked from the archive.
    """

    state: str
    is_wrong: bool = False
    message: str = ""
    what: str | None = None
    stale_since: date | None = None
    is_awaited: bool | None = None


@dataclass(frozen=True)
class RunRecord:
    """The ledger's line about a run. Times are UTC.

    ``exit_code`` is None where the run's end was not noted: it was killed, or it is a window of a backfill, whose
    end is noted with the last one. ``sequence`` is the run's place in the order of runs.
    """

    run_id: str
    kind: str
    day: date
    started_at: datetime
    finished_at: datetime | None
    request: Mapping[str, Any]
    sequence: int = 0
    exit_code: int | None = None
    sources: Mapping[str, Said] = field(default_factory=dict)
    datasets: Mapping[str, Said] = field(default_factory=dict)
    portal: Mapping[str, Said] = field(default_factory=dict)  # by dataset
    error: str = ""  # what stopped the run


@dataclass(frozen=True)
class Allowance:
    """What somebody let happen on the portal: ``what`` is shrink, overwrite, restore or older. ``at`` is in UTC.

    It counts for the ``version`` that was to be shown then, and for no later one.
    """

    run_id: str
    dataset: str
    what: str
    version: str
    at: datetime


class LedgerError(Exception):
    """What is written in the ledger cannot be used; the message says where and what to do."""


Connection = duckdb.DuckDBPyConnection
