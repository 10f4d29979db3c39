"""A night, from pull to report, as one plain function over the steps.

How a step is run is left to a ``Runner``: directly (``Direct``), or as a Prefect task (``flows.nightly``). The
order and every decision are here, and work without Prefect.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import date
from types import TracebackType
from typing import Any, Protocol, TypeVar

from checks.verdicts import CheckError
from flows import publishing, reporting, steps
from flows.outcomes import DatasetOutcome, NightOutcome, PortalOutcome, SourceOutcome
from flows.settings import Settings
from flows.steps import Judged, Plan
from sources import SourceError
from sources.pulling import has_credentials
from warehouse import ledger
from warehouse.archive import Snapshot
from warehouse.lease import Lease
from warehouse.ledger import CurationRecord, SnapshotRecord, Verdict
from warehouse.personal import without_personal
from warehouse.progress import Progress, silent
from warehouse.store import reader, working_copy

T = TypeVar("T")


class Runner(Protocol):
    """Runs steps. ``kind`` names the step's policy (retries, timeout): see ``flows.nightly.POLICIES``."""

    def submit(self, kind: str, name: str, step: Callable[..., T], *arguments: Any) -> Future[T]:
        """Begin a step; its result or its exception comes from the future."""


class Direct(AbstractContextManager["Direct"]):
    """Runs steps directly, side by side where the night begins several at once."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(max_workers=4, thread_name_prefix="step")

    def submit(self, kind: str, name: str, step: Callable[..., T], *arguments: Any) -> Future[T]:
        """Begin a step in a thread."""
        return self._pool.submit(step, *arguments)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown()


@dataclass(frozen=True)
class NightRequest:
    """What to do tonight.

    Args:
        day: the logical date of the run.
        sources: by name, where to pull from (None: the source's default). Empty: all sources, their defaults.
        datasets: which datasets to build and publish. Empty: all.
        allow_shrink: sources and datasets that may be much smaller than last time.
        publish: False leaves the portal alone.
    """

    day: date
    sources: Mapping[str, str | None]
    datasets: tuple[str, ...] = ()
    allow_shrink: tuple[str, ...] = ()
    publish: bool = True


class RequestError(ValueError):
    """What is asked for cannot be: a name that is not declared, an address with a password."""


def request_checked(plan: Plan, request: NightRequest) -> NightRequest:
    """The request with its defaults filled in.

    Raises:
        RequestError: it names a source or a dataset that is not declared; the message lists those that are.
    """
    for kind, named, declared in (
        ("source", request.sources, plan.sources),
        ("dataset", request.datasets, plan.datasets),
        ("name", request.allow_shrink, {**plan.sources, **plan.datasets}),
    ):
        for name in named:
            if name not in declared:
                raise RequestError(f"there is no {kind} {name!r}; declared are: {', '.join(declared)}")
    for name, origin in request.sources.items():
        if origin and has_credentials(origin):
            raise RequestError(
                f"the address of {name} holds a password, which would be stored with the run:"
                " give one without, and let the publisher's server be reached without it"
            )
    return replace(
        request,
        sources=request.sources or dict.fromkeys(plan.sources),
        datasets=request.datasets or tuple(plan.datasets),
    )


def night(
    settings: Settings,
    request: NightRequest,
    runner: Runner,
    progress: Progress = silent,
    plan: Plan | None = None,
) -> NightOutcome:
    """Pull, check, load, curate, release, publish, report.

    One bad source or dataset does not stop the others. What stands in the home afterwards is whole, wherever the
    run was killed: the same call again ends as if nothing had happened.

    Raises:
        LeaseHeldError: another run works on this home.
        DeclarationError, ModelError, RequestError: what is declared or asked for cannot be used.
    """
    plan = plan or Plan.read()
    request = request_checked(plan, request)
    with Lease(settings.home, f"nightly of {request.day}") as lease:
        settings.home.sweep()
        pulled = pull_all(settings, plan, request, runner, progress)
        snapshots = {name: found for name, found in pulled.items() if isinstance(found, Snapshot)}
        run_id, sources, datasets = process(
            settings, plan, request, "nightly", list(snapshots.values()), lease, runner, progress
        )
        for name, found in pulled.items():
            if isinstance(found, Exception):
                with reader(settings.home, settings.memory) as connection:
                    sources[name] = failed_source(ledger.snapshots(connection, name), name, found)
        return conclude(settings, plan, request, "nightly", run_id, sources, datasets, runner, progress)


def pull_all(
    settings: Settings, plan: Plan, request: NightRequest, runner: Runner, progress: Progress
) -> dict[str, Snapshot | Exception]:
    """Pull the sources side by side. A source that cannot be had gives its error."""
    begun = {
        name: runner.submit(
            "pull", f"pull {name}", steps.pull, settings, plan.sources[name], origin, request.day, progress
        )
        for name, origin in request.sources.items()
    }
    found: dict[str, Snapshot | Exception] = {}
    for name, future in begun.items():
        found[name] = _result(future)
    return found


def _result(future: Future[Any]) -> Any:
    """A future's value, or the error of a kind that concerns one source only."""
    try:
        return future.result()
    except (SourceError, CheckError, OSError, TimeoutError) as error:
        return error


def process(
    settings: Settings,
    plan: Plan,
    request: NightRequest,
    kind: str,
    snapshots: Sequence[Snapshot],
    lease: Lease,
    runner: Runner,
    progress: Progress,
) -> tuple[str | None, dict[str, SourceOutcome], dict[str, DatasetOutcome]]:
    """Take snapshots from the raw archive to releases, and commit the warehouse. Publishes nothing.

    A snapshot that the ledger has a verdict on, under the same declaration and rules, is not touched again; a
    dataset is built only for dates whose inputs changed. Where nothing is to be done, nothing is written.

    Returns:
        The run's id (None if nothing was to be done), and what became of each source and dataset.
    """
    with reader(settings.home, settings.memory) as connection:
        known = {name: ledger.snapshots(connection, name) for name in plan.sources}
        curated = {name: ledger.curations(connection, name) for name in plan.datasets}
        run_id = ledger.next_run_id(connection, request.day)
    fresh = [
        snapshot
        for snapshot in sorted(snapshots, key=lambda one: (one.date, one.source))
        if not is_known(plan, known[snapshot.source], snapshot, request)
    ]
    judged = judge_all(settings, plan, request, fresh, known, runner, progress)
    good = {s.source: j for s in fresh if isinstance(j := judged[s.source, s.id], Judged)}
    datasets: dict[str, DatasetOutcome] = {}
    is_working = bool(good or due_builds(plan, request, known, curated))
    if is_working:
        with working_copy(settings.home, lease, settings.memory) as copy:
            with copy.connect() as connection:
                asked = {name: without_personal(origin or "default") for name, origin in request.sources.items()}
                ledger.begin_run(
                    connection, run_id, kind, request.day, {"sources": asked, "datasets": request.datasets}
                )
            for one in good.values():
                name = one.snapshot.source
                arguments = (copy, plan.sources[name], plan.fingerprint(name), one, run_id)
                known[name] = runner.submit("load", f"load {name}", steps.load, *arguments).result()
            for name, days in due_builds(plan, request, known, curated).items():
                for day in days:
                    datasets[name] = runner.submit(
                        "build",
                        f"build {name}",
                        steps.build,
                        settings,
                        copy,
                        plan,
                        plan.datasets[name],
                        known,
                        day,
                        run_id,
                        name in request.allow_shrink,
                        progress,
                    ).result()
            with copy.connect() as connection:
                ledger.finish_run(connection, run_id)
            copy.commit()
        for name in good:
            steps.drop_staging(settings, name, {one.snapshot.id for one in good.values()})
    outcomes = {}
    for snapshot in snapshots:
        result = judged.get((snapshot.source, snapshot.id))
        if isinstance(result, Exception):
            outcomes[snapshot.source] = failed_source(known[snapshot.source], snapshot.source, result)
        else:
            outcomes[snapshot.source] = source_outcome(
                settings, known[snapshot.source], snapshot, is_new=result is not None
            )
    for name in request.datasets:
        if name not in datasets:
            datasets[name] = standing_dataset(settings, plan, name, known)
    return (run_id if is_working else None), outcomes, datasets


def is_known(plan: Plan, records: Sequence[SnapshotRecord], snapshot: Snapshot, request: NightRequest) -> bool:
    """Nothing would come of looking at this snapshot again: the same data, declaration and rules were judged."""
    for record in records:
        if record.snapshot_id == snapshot.id and record.fingerprint == plan.fingerprint(snapshot.source):
            is_held = record.verdict is Verdict.HELD
            return record.is_promoted or (is_held and snapshot.source not in request.allow_shrink)
    return False


def judge_all(
    settings: Settings,
    plan: Plan,
    request: NightRequest,
    fresh: Sequence[Snapshot],
    known: Mapping[str, Sequence[SnapshotRecord]],
    runner: Runner,
    progress: Progress,
) -> dict[tuple[str, str], Judged | Exception]:
    """Stage and check snapshots, several sources side by side.

    A snapshot that cannot be read at all is judged too: held, with a finding that says why.
    """
    staged = {
        (s.source, s.id): runner.submit(
            "stage", f"stage {s.source}", steps.stage, settings, plan.sources[s.source], s, progress
        )
        for s in fresh
    }
    judged: dict[tuple[str, str], Judged | Exception] = {}
    begun: dict[tuple[str, str], Future[Judged]] = {}
    for snapshot in fresh:
        place = (snapshot.source, snapshot.id)
        result = _result(staged[place])
        if isinstance(result, SourceError) and not result.is_transient:
            judged[place] = steps.unreadable(snapshot, str(result))
        elif isinstance(result, Exception):
            judged[place] = result
        else:
            name = snapshot.source
            begun[place] = runner.submit(
                "check",
                f"check {name}",
                steps.check,
                settings,
                plan.sources[name],
                plan.rules[name],
                snapshot,
                result,
                steps.previous_rows(known[name], snapshot),
                name in request.allow_shrink,
                progress,
            )
    for place, checking in begun.items():
        judged[place] = _result(checking)
    return judged


def due_builds(
    plan: Plan,
    request: NightRequest,
    known: Mapping[str, Sequence[SnapshotRecord]],
    curated: Mapping[str, Sequence[CurationRecord]],
) -> dict[str, list[date]]:
    """By dataset, the dates to build it for: every one whose data are not those of the last build.

    So the order in which snapshots come in does not matter, and a late correction reaches all dates after its own.
    What is declared (model, catalogue entry, rules) counts for the newest date only: a release of the past stands
    as it was defined then. A dataset waits until all its sources have data.
    """
    due: dict[str, list[date]] = {}
    for name in request.datasets:
        sources = plan.models[name].sources
        first_dates = [
            min((s.data_date for s in known[source] if s.is_promoted), default=None) for source in sources
        ]
        first = max((day for day in first_dates if day), default=None)
        if first is None or None in first_dates:
            continue
        done = {
            record.data_date: record.inputs
            for record in curated[name]
            if not (record.verdict is Verdict.HELD and name in request.allow_shrink)
        }
        inputs = steps.inputs_of(plan, plan.datasets[name], known)
        newest = max(inputs)
        listed = [
            day
            for day in sorted(inputs)
            if day >= first
            and (
                done.get(day) != inputs[day]
                if day == newest
                else done.get(day, "").partition(".")[0] != inputs[day].partition(".")[0]
            )
        ]
        if listed:
            due[name] = listed
    return due


def failed_source(records: Sequence[SnapshotRecord], name: str, error: Exception) -> SourceOutcome:
    """The outcome of a source that could not be had tonight; its last good snapshot stands in."""
    good = [s for s in records if s.is_promoted]
    message = without_personal(str(error)) or type(error).__name__
    return SourceOutcome(
        name, "failed", records[-1] if records else None, message, good[-1].data_date if good else None
    )


def source_outcome(
    settings: Settings, records: Sequence[SnapshotRecord], snapshot: Snapshot, *, is_new: bool
) -> SourceOutcome:
    """What stands of a source after a snapshot was judged, tonight or before."""
    record = next(s for s in records if s.snapshot_id == snapshot.id)
    with reader(settings.home, settings.memory) as connection:
        counts = ledger.count_findings(connection, snapshot.source, snapshot.id)
        worst = ledger.worst_in_words(connection, snapshot.source, snapshot.id)
    if record.verdict is not Verdict.HELD:
        return SourceOutcome(snapshot.source, "loaded" if is_new else "unchanged", record, counts=counts)
    good = [s for s in records if s.is_promoted]
    stale = good[-1].data_date if good else None
    return SourceOutcome(snapshot.source, "held", record, worst, stale, counts)


def standing_dataset(
    settings: Settings, plan: Plan, name: str, known: Mapping[str, Sequence[SnapshotRecord]]
) -> DatasetOutcome:
    """What stands of a dataset that was not built tonight."""
    lacking = [
        source for source in sorted(plan.models[name].sources) if not any(s.is_promoted for s in known[source])
    ]
    if lacking:
        return DatasetOutcome(name, "waiting", message=f"no data yet from {', '.join(lacking)}")
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


def conclude(
    settings: Settings,
    plan: Plan,
    request: NightRequest,
    kind: str,
    run_id: str | None,
    sources: Mapping[str, SourceOutcome],
    datasets: Mapping[str, DatasetOutcome],
    runner: Runner,
    progress: Progress,
) -> NightOutcome:
    """Publish what stands, and write the report of the last run that changed something, if it lacks one."""
    portal = PortalOutcome(settings.portal)
    if request.publish:
        portal = runner.submit(
            "publish", "publish", publishing.publish, settings, plan, request.datasets, progress
        ).result()
    outcome = NightOutcome(
        kind,
        request.day,
        run_id,
        tuple(sources.values()),
        tuple(replace(d, url=portal.urls.get(d.name)) for d in datasets.values()),
        portal,
    )
    return runner.submit("report", "report", reporting.report, settings, plan, outcome, progress).result()
