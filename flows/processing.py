"""From snapshots in the raw archive to releases: judge, load, build, and commit the warehouse once at the end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field

from flows import noting, steps
from flows.concluding import catch_up
from flows.due import Curated, due_builds, is_known
from flows.errors import FaultLog, in_words
from flows.outcomes import DatasetOutcome, Processed, SourceOutcome
from flows.run import GuardedSteps, Run, result_of
from flows.standing import failed_source, source_outcome, standing_dataset
from flows.steps import Judged
from sources import SourceError
from warehouse import ledger
from warehouse.archive import Snapshot
from warehouse.lease import Lease
from warehouse.ledger import CurationRecord, RunRecord, SnapshotRecord
from warehouse.staging import Staged
from warehouse.store import WorkingCopy, reader, working_copy

Judgements = dict[tuple[str, str], Judged | Exception]  # by source and snapshot


@dataclass(frozen=True)
class _Ledger:
    """What the ledger says when the work begins: by source its snapshots, by dataset its builds."""

    known: dict[str, list[SnapshotRecord]]
    curated: Mapping[str, Sequence[CurationRecord]]
    runs: Sequence[RunRecord]
    next_run_id: str


@dataclass(frozen=True)
class _Work:
    """What is under way: the snapshots being taken in, and what has become of them and of the datasets so far."""

    run: Run
    run_id: str
    steps: GuardedSteps
    known: dict[str, list[SnapshotRecord]]
    fresh: Sequence[Snapshot]  # in the order of their dates
    judged: Judgements = field(default_factory=dict)
    built: dict[str, DatasetOutcome] = field(default_factory=dict)

    def good(self) -> dict[str, Judged]:
        """By source, the snapshot that has a verdict."""
        judged = ((one.source, self.judged[one.source, one.id]) for one in self.fresh)
        return {source: one for source, one in judged if isinstance(one, Judged)}


def process(run: Run, snapshots: Sequence[Snapshot], lease: Lease) -> Processed:
    """Take snapshots from the raw archive to releases, and commit the warehouse. Publishes nothing.

    A snapshot that the ledger has a verdict on, under the same declaration and rules, is not touched again; a
    dataset is built only for dates whose inputs changed. Where nothing is to be done, nothing is written. A source
    or dataset whose step fails, by whatever error, is told as failed, and the others go on.
    """
    try:
        return _process(run, snapshots, lease)
    finally:
        steps.drop_plain_staging(run)


def _process(run: Run, snapshots: Sequence[Snapshot], lease: Lease) -> Processed:
    begun = _read_ledger(run)
    guarded = GuardedSteps(run.runner, FaultLog(run.settings.home, begun.next_run_id))
    in_order = sorted(snapshots, key=lambda one: (one.date, one.source))
    fresh = [one for one in in_order if not is_known(run, begun.known[one.source], one)]
    work = _Work(run, begun.next_run_id, guarded, begun.known, fresh)
    judge_all(work)
    is_working = bool(work.good() or due_builds(run, begun.known, begun.curated))
    if is_working:
        last = noting.interrupted(begun.runs)
        if last and (run.kind == "nightly" or run.kind != last.kind):
            catch_up(run, last)
        _change_warehouse(work, lease, begun.curated)
    datasets = {
        name: work.built.get(name) or standing_dataset(run.settings, run.declarations, name, work.known)
        for name in dict.fromkeys([*work.built, *run.request.datasets])
    }
    return Processed(work.run_id if is_working else None, _source_outcomes(work, snapshots), datasets)


def _read_ledger(run: Run) -> _Ledger:
    declared, home = run.declarations, run.settings.home
    with reader(home, run.settings.memory) as connection:
        return _Ledger(
            {name: ledger.snapshots(connection, name) for name in declared.sources},
            {name: ledger.curations(connection, name) for name in declared.datasets},
            ledger.runs(connection, home),
            ledger.next_run_id(connection, home, run.request.day),
        )


def judge_all(work: _Work) -> None:
    """Stage and check snapshots, several sources side by side.

    A snapshot that cannot be read at all is judged too: held, with a finding that says why.
    """
    run, fresh = work.run, work.fresh
    staged = {(one.source, one.id): work.steps.begin("stage", one.source, steps.stage, run, one) for one in fresh}
    begun: dict[tuple[str, str], Future[Judged]] = {}
    for snapshot in fresh:
        place = (snapshot.source, snapshot.id)
        result: Staged | Exception = result_of(staged[place])
        if isinstance(result, SourceError) and not result.is_transient:
            work.judged[place] = steps.unreadable(snapshot, result)
        elif isinstance(result, Exception):
            work.judged[place] = result
        else:
            before = steps.previous_rows(work.known[snapshot.source], snapshot)
            begun[place] = work.steps.begin("check", snapshot.source, steps.check, run, snapshot, result, before)
    for place, checking in begun.items():
        judged: Judged | Exception = result_of(checking)
        work.judged[place] = judged


def _change_warehouse(work: _Work, lease: Lease, curated: Curated) -> None:
    """Load and build in a private copy of the warehouse, and let it take the warehouse's place."""
    run, settings = work.run, work.run.settings
    good = work.good()
    with working_copy(settings.home, lease, settings.memory) as copy:
        with copy.connect() as connection:
            request = run.request.as_kept()
            ledger.begin_run(connection, settings.home, work.run_id, run.kind, run.request.day, request)
        load_all(work, copy, good)
        build_all(work, copy, curated)
        with copy.connect() as connection:
            ledger.finish_run(connection, work.run_id)
        copy.commit()
    for name in good:
        steps.drop_staging(settings, name, {one.snapshot.id for one in good.values()})


def load_all(work: _Work, copy: WorkingCopy, good: Mapping[str, Judged]) -> None:
    """Promote what was judged, source by source."""
    for name, judged in good.items():
        loaded = work.steps.do("load", name, steps.load, work.run, copy, judged, work.run_id)
        if isinstance(loaded, Exception):
            work.judged[name, judged.snapshot.id] = loaded
        else:
            work.known[name] = loaded


def build_all(work: _Work, copy: WorkingCopy, curated: Curated) -> None:
    """Build each dataset for every date that is due; those that tell of verdicts when all others have theirs.

    A day that failed is told, whatever becomes of later ones.
    """
    telling = work.run.declarations.telling
    _build(work, copy, [name for name in work.run.request.datasets if name not in telling], curated)
    if last := [name for name in work.run.request.datasets if name in telling]:
        with copy.connect() as connection:
            curated = {name: ledger.curations(connection, name) for name in work.run.declarations.datasets}
        _build(work, copy, last, curated)


def _build(work: _Work, copy: WorkingCopy, datasets: Sequence[str], curated: Curated) -> None:
    for name, days in due_builds(work.run.asking(datasets=tuple(datasets)), work.known, curated).items():
        for day, inputs in days.items():
            building = steps.Building(name, day, inputs, work.run_id, work.known)
            built = work.steps.do("build", name, steps.build, work.run, copy, building)
            if isinstance(built, Exception):
                built = DatasetOutcome(name, "failed", message=in_words(built) or type(built).__name__)
            if name not in work.built or work.built[name].state != "failed":
                work.built[name] = built


def _source_outcomes(work: _Work, snapshots: Sequence[Snapshot]) -> dict[str, SourceOutcome]:
    outcomes = {}
    for snapshot in snapshots:
        source, records = snapshot.source, work.known[snapshot.source]
        result = work.judged.get((source, snapshot.id))
        if isinstance(result, Exception):
            outcomes[source] = failed_source(records, source, result)
        else:
            record = next(one for one in records if one.snapshot_id == snapshot.id)
            outcomes[source] = source_outcome(work.run.settings, records, record, is_new=result is not None)
    return outcomes
