"""What stands of a source or a dataset: as its newest look came out, by what the ledger has, by the calendar."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

from flows.cadence import lateness
from flows.declarations import Declarations
from flows.due import Known, lacking
from flows.errors import in_words
from flows.outcomes import HELD_BACK, DatasetOutcome, SourceOutcome
from flows.settings import Settings
from sources.naming import date_in
from warehouse import ledger
from warehouse.archive import Snapshot
from warehouse.declarations import SourceDeclaration
from warehouse.ledger import SnapshotRecord, Verdict
from warehouse.personal import without_personal
from warehouse.store import reader


def failed_source(records: Sequence[SnapshotRecord], name: str, error: Exception) -> SourceOutcome:
    """The outcome of a source that could not be had tonight; its last good snapshot stands in."""
    good = [s for s in records if s.is_promoted]
    message = without_personal(in_words(error) or str(error)) or type(error).__name__
    return SourceOutcome(
        name, "failed", records[-1] if records else None, message, good[-1].data_date if good else None
    )


def source_outcome(
    settings: Settings, records: Sequence[SnapshotRecord], record: SnapshotRecord, *, is_new: bool
) -> SourceOutcome:
    """What stands of a source after a snapshot was judged, tonight or before."""
    with reader(settings.home, settings.memory) as connection:
        counts = ledger.count_findings(connection, record.source, record.snapshot_id)
        worst = ledger.worst_in_words(connection, record.source, record.snapshot_id)
        ours = ledger.ours_in_words(connection, record.source, record.snapshot_id)
    if record.verdict is not Verdict.HELD:
        state = "loaded" if is_new else "unchanged"
        return SourceOutcome(record.source, state, record, counts=counts, notice=ours)
    good = [s for s in records if s.is_promoted]
    stale = good[-1].data_date if good else None
    return SourceOutcome(record.source, "held", record, worst, stale, counts, notice=ours)


def with_lateness(
    declarations: Declarations, day: date, records: Sequence[SnapshotRecord], outcome: SourceOutcome
) -> SourceOutcome:
    """The outcome, told late if newer data were due before that day, and would have been seen."""
    late = lateness(declarations.sources, day, records) if outcome.is_awaited else None
    if late is None:
        return outcome
    due, words = late
    state = "late" if outcome.state == "unchanged" else outcome.state
    return replace(outcome, state=state, due=due, message=outcome.message if state != "late" else words)


def with_notice(
    source: SourceDeclaration,
    snapshot: Snapshot,
    day: date,
    records: Sequence[SnapshotRecord],
    outcome: SourceOutcome,
) -> SourceOutcome:
    """The outcome, with a word where the run's day put what came before data that are known already.

    That is a clock that was set back, or a past workbook taken in on purpose: it stands in the history at that
    day, and what is published is not it.
    """
    is_dated = source.kind != "workbook" and any(date_in(f.name) for f in snapshot.files)
    later = [s.data_date for s in records if s.is_promoted and s.data_date > snapshot.date]
    if is_dated or snapshot.date != day or not later:
        return outcome
    return replace(
        outcome,
        notice=(
            f"{outcome.notice} What came is dated {day}, the day of this run, and lies before the data of"
            f" {max(later)} that are known: it is in the history at {day}, and the data of {max(later)} stay"
            " published. If this machine's clock is wrong, set it right and run again: then what came is the"
            " newest."
        ).strip(),
    )


def standing_dataset(settings: Settings, declarations: Declarations, name: str, known: Known) -> DatasetOutcome:
    """What stands of a dataset that was not built tonight."""
    if name in declarations.held_back:
        return DatasetOutcome(name, HELD_BACK, message=declarations.held_back[name])
    if waits_for := lacking(declarations, name, known):
        return DatasetOutcome(name, "waiting", message=f"no data yet from {', '.join(waits_for)}")
    with reader(settings.home, settings.memory) as connection:
        releases = ledger.releases(connection, name)
        curations = ledger.curations(connection, name)
        latest = releases[-1] if releases else None
        if curations and curations[-1].verdict is Verdict.HELD:
            message = ledger.worst_in_words(connection, name, curations[-1].data_date.isoformat())
            return DatasetOutcome(
                name, "held", latest.version if latest else None, latest.rows if latest else None, message=message
            )
    return DatasetOutcome(name, "unchanged", latest.version if latest else None, latest.rows if latest else None)
