"""What a report says: what became of every source and dataset in a run, and what was found on them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from checks.rules import Rule
from warehouse.declarations import DatasetDeclaration, Severity, SourceDeclaration, TableDeclaration
from warehouse.findings import Finding
from warehouse.identities.doubts import Doubt
from warehouse.ledger import CorrectedCell, SnapshotRecord, TableLoad, Verdict
from warehouse.lives import Life, Tally
from warehouse.protection import Protection
from warehouse.quality import DimensionsOf, Score
from warehouse.releases import Release
from warehouse.turns import Whose, turn_of

# What findings have in common that have one cause: severity, table, rule, column.
Cause = tuple[Severity, str | None, str, str | None]
Column = tuple[str | None, str | None, str]  # file, sheet, column


def cause_of(finding: Finding) -> Cause:
    """What caused a finding."""
    return finding.severity, finding.table_name, finding.rule, finding.column_name


@dataclass(frozen=True)
class Changes:
    """What changed since an earlier date of the data. ``mended`` is what the newest file mended, worst first."""

    since: date
    tally: Tally
    mended: Sequence[Finding] = ()


@dataclass(frozen=True)
class RowPlace:
    """Where a row that was set aside stands."""

    table_name: str
    file: str | None
    sheet: str | None
    row_number: int | None


@dataclass(frozen=True)
class SourceSection:
    """What became of a source in this run."""

    declaration: SourceDeclaration
    snapshot: SnapshotRecord | None  # the newest snapshot judged, None: never pulled
    state: str  # "loaded", "unchanged", "late", "waiting", "held", "failed"
    message: str  # why it failed or was held; may be empty
    stale_since: date | None  # data date of the last good snapshot that stands in; None: it's fresh
    counts: Mapping[Severity, int]  # all findings, also those not listed
    findings: Sequence[Finding]  # worst first, of every cause some
    rules: Mapping[str, Sequence[Rule]]  # table -> the rules that were applied
    annotated: str | None  # where below the home the annotated workbook lies: no link, it holds contacts
    doubts: Sequence[Doubt] = ()  # names of organisations that a person has to say something about
    causes: Mapping[Cause, int] = field(default_factory=dict)  # how many findings each has, also those not listed
    letters: Mapping[Column, str] = field(default_factory=dict)  # such as "C"
    set_aside: Sequence[RowPlace] = ()  # of tables that are not about people
    changes: Changes | None = None  # None: nothing to compare with, or about people
    lives: Mapping[str, Life] = field(default_factory=dict)  # by the id of the finding
    dimensions: Sequence[DimensionsOf] = ()  # oldest first
    score: Score | None = None
    corrected: Sequence[CorrectedCell] = ()  # on the way in

    @property
    def tables(self) -> tuple[TableDeclaration, ...]:
        """The tables its findings speak of."""
        return self.declaration.tables

    @property
    def is_halted(self) -> bool:
        """Its new data did not go on, or there are none where there should be."""
        return self.state in ("held", "failed", "late")

    @property
    def is_held(self) -> bool:
        """Nothing of its newest snapshot went on."""
        return self.snapshot is not None and self.snapshot.verdict is Verdict.HELD

    @property
    def is_handed_in(self) -> bool:
        """Somebody keeps it in a workbook, and can mend it there."""
        return self.annotated is not None or turn_of(self.declaration) is Whose.COORDINATOR

    @property
    def loads(self) -> Mapping[str, TableLoad]:
        """What went on, by table; nothing if its snapshot was held. Of tables about people nothing is said: rows
        are people, and a report tells no more of them than is published.
        """
        if self.snapshot is None or self.is_held:
            return {}
        people = {table.name for table in self.declaration.tables if table.about_people}
        return {name: load for name, load in self.snapshot.tables.items() if name not in people}


@dataclass(frozen=True)
class DatasetSection:
    """What became of a dataset in this run."""

    declaration: DatasetDeclaration
    state: str  # "released", "unchanged", "held", "waiting", "held back", "failed"
    message: str
    release: Release | None  # the latest good release
    url: str | None  # its page on the portal
    findings: Sequence[Finding]
    history: Sequence[tuple[str, int]]  # (version, rows) of the releases so far, oldest first
    protection: Sequence[Protection] = ()  # of a dataset about people: what became of its tables

    @property
    def tables(self) -> tuple[TableDeclaration, ...]:
        """The table its findings speak of."""
        return (self.declaration.table,)

    @property
    def is_halted(self) -> bool:
        """There is no new version, though there should be one."""
        return self.state in ("held", "failed", "waiting")


Section = SourceSection | DatasetSection


@dataclass(frozen=True)
class ReportContent:
    """Everything a report says."""

    run_id: str
    day: date
    kind: str  # "nightly" or "backfill"
    sources: Sequence[SourceSection]
    datasets: Sequence[DatasetSection]
    portal: str  # its address
    portal_problem: str  # empty if the portal took everything
    quality: Mapping[str, Sequence[tuple[str, int, int]]]  # source -> (data date, rows accepted, rows quarantined)
    portal_holds: Sequence[str] = ()  # what is not shown on the portal until somebody says so, and why
    portal_edits: Sequence[str] = ()  # what somebody changed on the portal by hand, and what becomes of it

    @property
    def sections(self) -> Sequence[Section]:
        """Sources, then datasets."""
        return [*self.sources, *self.datasets]


def how_many(section: Section, *severities: Severity) -> int:
    """How many findings of these severities there are, also those not listed."""
    listed = Counter(finding.severity for finding in section.findings)
    counts = section.counts if isinstance(section, SourceSection) else {}
    # Never fewer than are listed: a count that came late must not make findings vanish.
    return sum(max(counts.get(severity, 0), listed[severity]) for severity in severities)
