"""A night, from pull to report, as one plain function over the steps.

How a step is run is left to a ``Runner``: directly (``Direct``), or as a Prefect task (``flows.nightly``). The
order and every decision are here, and work without Prefect.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import date, datetime
from types import TracebackType
from typing import Any, Protocol, TypeVar

from flows import noting, publishing, reporting, steps
from flows.cadence import is_place, lateness
from flows.errors import FaultLog, RequestError, StepError, in_words
from flows.outcomes import DatasetOutcome, NightOutcome, PortalOutcome, SourceOutcome
from flows.settings import Settings
from flows.steps import Judged, Look, Plan
from sources import SourceError
from sources.pulling import date_in, has_credentials
from warehouse import ledger
from warehouse.archive import Snapshot
from warehouse.lease import Lease, LeaseLostError
from warehouse.ledger import CurationRecord, RunRecord, SnapshotRecord, Verdict
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
    with Lease(settings.home, f"nightly of {request.day}") as lease, recorded(settings, "nightly", request) as run:
        settings.home.sweep()
        looks = look_all(settings, plan, request, runner, run.faults, progress)
        snapshots = [look.snapshot for look in looks.values() if isinstance(look, Look) and look.snapshot]
        run_id, sources, datasets = process(settings, plan, request, "nightly", snapshots, lease, runner, progress)
        with reader(settings.home, settings.memory) as connection:
            known = {name: ledger.snapshots(connection, name) for name in request.sources}
        for name, look in looks.items():
            if isinstance(look, Exception):
                sources[name] = failed_source(known[name], name, look)
            elif look.snapshot is None:
                sources[name] = SourceOutcome(name, "waiting", message=look.message)
            else:
                told = replace(sources[name], message=sources[name].message or look.message)
                sources[name] = with_notice(plan, look.snapshot, request.day, known[name], told)
            sources[name] = replace(sources[name], is_awaited=is_place(request.sources[name]))
            sources[name] = with_lateness(plan, request.day, known[name], sources[name])
        return conclude(settings, plan, request, run, run_id, sources, datasets, runner, progress)


@dataclass(frozen=True)
class Run:
    """A run that has begun: its kind, when it began (UTC), and where it keeps the faults of the program."""

    kind: str
    started: datetime
    faults: FaultLog


def asked(request: NightRequest) -> dict[str, Any]:
    """A request as the ledger keeps it."""
    return {
        "sources": {name: without_personal(origin or "default") for name, origin in request.sources.items()},
        "datasets": list(request.datasets),
        "allow_shrink": list(request.allow_shrink),
    }


@contextmanager
def recorded(settings: Settings, kind: str, request: NightRequest) -> Iterator[Run]:
    """A run's frame, inside its lease: whatever stops the run is noted in the ledger, and told in words.

    Raises:
        StepError: a fault of the program or of the machine; the message says what, and where its traceback is.
    """
    started = ledger.now()
    with reader(settings.home, settings.memory) as connection:
        run_id = ledger.next_run_id(connection, settings.home, request.day)
    faults = FaultLog(settings.home, run_id)
    try:
        yield Run(kind, started, faults)
    except LeaseLostError:
        raise  # the home is another run's now
    except Exception as error:
        words = faults.tell(f"the {kind} run", error)
        stopped = NightOutcome(kind, request.day, run_id, (), (), PortalOutcome(settings.portal))
        with suppress(Exception):  # what stopped the run may keep it from being noted: a full disk
            with reader(settings.home, settings.memory) as connection:
                runs = ledger.runs(connection, settings.home)
            last = noting.interrupted(runs)
            if last and last.started_at >= started:  # it had committed its changes
                stopped = replace(stopped, run_id=last.run_id, day=last.day)
            noting.note(settings, runs, stopped, asked(request), started, words)
        if in_words(error) == str(error):
            raise
        fault = StepError(words)
    else:
        return
    raise fault


def look_all(
    settings: Settings, plan: Plan, request: NightRequest, runner: Runner, faults: FaultLog, progress: Progress
) -> dict[str, Look | Exception]:
    """Look at the sources side by side, and pull what is new. A source that cannot be had gives its error."""
    begun = {
        name: runner.submit(
            "pull",
            f"pull {name}",
            faults.guarded(f"pulling {name}", steps.look),
            settings,
            plan.sources[name],
            origin,
            request.day,
            progress,
        )
        for name, origin in request.sources.items()
    }
    return {name: _result(future) for name, future in begun.items()}


def _result(future: Future[Any]) -> Any:
    """A future's value, or the error that concerns this source or dataset only; the others go on."""
    try:
        return future.result()
    except LeaseLostError:
        raise
    except Exception as error:
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
    dataset is built only for dates whose inputs changed. Where nothing is to be done, nothing is written. A source
    or dataset whose step fails, by whatever error, is told as failed, and the others go on.

    Returns:
        The run's id (None if nothing was to be done), and what became of each source and dataset.
    """
    with reader(settings.home, settings.memory) as connection:
        known = {name: ledger.snapshots(connection, name) for name in plan.sources}
        curated = {name: ledger.curations(connection, name) for name in plan.datasets}
        runs = ledger.runs(connection, settings.home)
        run_id = ledger.next_run_id(connection, settings.home, request.day)
    faults = FaultLog(settings.home, run_id)
    fresh = [
        snapshot
        for snapshot in sorted(snapshots, key=lambda one: (one.date, one.source))
        if not is_known(plan, known[snapshot.source], snapshot, request)
    ]
    judged = judge_all(settings, plan, request, fresh, known, runner, faults, progress)
    good = {s.source: j for s in fresh if isinstance(j := judged[s.source, s.id], Judged)}
    datasets: dict[str, DatasetOutcome] = {}
    is_working = bool(good or due_builds(plan, request, known, curated))
    if is_working:
        if (last := noting.interrupted(runs)) and (kind == "nightly" or kind != last.kind):
            catch_up(settings, plan, last, progress)
        with working_copy(settings.home, lease, settings.memory) as copy:
            with copy.connect() as connection:
                ledger.begin_run(connection, settings.home, run_id, kind, request.day, asked(request))
            for name, one in good.items():
                loaded = _result(
                    runner.submit(
                        "load",
                        f"load {name}",
                        faults.guarded(f"loading {name}", steps.load),
                        copy,
                        plan.sources[name],
                        plan.fingerprint(name),
                        one,
                        run_id,
                    )
                )
                if isinstance(loaded, Exception):
                    judged[name, one.snapshot.id] = loaded
                else:
                    known[name] = loaded
            for name, days in due_builds(plan, request, known, curated).items():
                for day in days:
                    built = _result(
                        runner.submit(
                            "build",
                            f"build {name}",
                            faults.guarded(f"building {name}", steps.build),
                            settings,
                            copy,
                            plan,
                            plan.datasets[name],
                            known,
                            day,
                            run_id,
                            name in request.allow_shrink,
                            progress,
                        )
                    )
                    if isinstance(built, Exception):
                        built = DatasetOutcome(name, "failed", message=in_words(built) or type(built).__name__)
                    if name not in datasets or datasets[name].state != "failed":
                        datasets[name] = built  # a day that failed is told, whatever becomes of later ones
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
            record = next(s for s in known[snapshot.source] if s.snapshot_id == snapshot.id)
            outcomes[snapshot.source] = source_outcome(
                settings, known[snapshot.source], record, is_new=result is not None
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
    faults: FaultLog,
    progress: Progress,
) -> dict[tuple[str, str], Judged | Exception]:
    """Stage and check snapshots, several sources side by side.

    A snapshot that cannot be read at all is judged too: held, with a finding that says why.
    """
    staged = {
        (s.source, s.id): runner.submit(
            "stage",
            f"stage {s.source}",
            faults.guarded(f"reading {s.source}", steps.stage),
            settings,
            plan.sources[s.source],
            s,
            progress,
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
                faults.guarded(f"checking {name}", steps.check),
                settings,
                plan.sources[name],
                plan.source_rules[name],
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
    if record.verdict is not Verdict.HELD:
        return SourceOutcome(record.source, "loaded" if is_new else "unchanged", record, counts=counts)
    good = [s for s in records if s.is_promoted]
    stale = good[-1].data_date if good else None
    return SourceOutcome(record.source, "held", record, worst, stale, counts)


def with_lateness(
    plan: Plan, day: date, records: Sequence[SnapshotRecord], outcome: SourceOutcome
) -> SourceOutcome:
    """The outcome, told late if newer data were due before that day, and would have been seen."""
    late = lateness(plan.sources, day, records) if outcome.is_awaited else None
    if late is None:
        return outcome
    due, words = late
    state = "late" if outcome.state == "unchanged" else outcome.state
    return replace(outcome, state=state, due=due, message=outcome.message if state != "late" else words)


def with_notice(
    plan: Plan, snapshot: Snapshot, day: date, records: Sequence[SnapshotRecord], outcome: SourceOutcome
) -> SourceOutcome:
    """The outcome, with a word where the run's day put what came before data that are known already.

    That is a clock that was set back, or a past workbook taken in on purpose: it stands in the history at that
    day, and what is published is not it.
    """
    is_dated = plan.sources[snapshot.source].kind != "workbook" and any(date_in(f.name) for f in snapshot.files)
    later = [s.data_date for s in records if s.is_promoted and s.data_date > snapshot.date]
    if is_dated or snapshot.date != day or not later:
        return outcome
    return replace(
        outcome,
        notice=(
            f"What came is dated {day}, the day of this run, and lies before the data of {max(later)} that are"
            f" known: it is in the history at {day}, and the data of {max(later)} stay published. If this"
            " machine's clock is wrong, set it right and run again: then what came is the newest."
        ),
    )


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
    run: Run,
    run_id: str | None,
    sources: Mapping[str, SourceOutcome],
    datasets: Mapping[str, DatasetOutcome],
    runner: Runner,
    progress: Progress,
) -> NightOutcome:
    """Publish what stands, write the report, and note the run. A quiet one has neither report nor note.

    A run that was killed before this point is ended by the next: by the same run with nothing left to do, as its
    own; else in its name, before anything else is noted.
    """
    portal = PortalOutcome(settings.portal)
    if request.publish:
        published = _result(
            runner.submit(
                "publish",
                "publish",
                run.faults.guarded("publishing", publishing.publish),
                settings,
                plan,
                request.datasets,
                progress,
            )
        )
        if isinstance(published, Exception):
            message = in_words(published) or str(published) or type(published).__name__
            published = PortalOutcome(settings.portal, problems=dict.fromkeys(request.datasets, message))
        portal = published
    outcome = NightOutcome(
        run.kind,
        request.day,
        run_id,
        tuple(sources[name] for name in plan.sources if name in sources),
        tuple(replace(datasets[name], url=portal.urls.get(name)) for name in plan.datasets if name in datasets),
        portal,
    )
    if run_id is None:
        with reader(settings.home, settings.memory) as connection:
            runs = ledger.runs(connection, settings.home)
        last = noting.interrupted(runs)
        if last and last.kind == run.kind and (run.kind == "backfill" or last.day == request.day):
            outcome = replace(outcome, run_id=last.run_id)
        else:
            if last:
                catch_up(settings, plan, last, progress)
            outcome = _with_id(settings, outcome)
    if outcome.run_id is None:
        return replace(outcome, report=reporting.last_report(settings))
    return _told(settings, plan, outcome, asked(request), run, runner, progress)


def _with_id(settings: Settings, outcome: NightOutcome) -> NightOutcome:
    """A run that changed nothing, with an id if it has something to say."""
    with reader(settings.home, settings.memory) as connection:
        if not noting.is_news(outcome, ledger.runs(connection, settings.home)):
            return outcome
        return replace(outcome, run_id=ledger.next_run_id(connection, settings.home, outcome.day))


def _told(
    settings: Settings,
    plan: Plan,
    outcome: NightOutcome,
    request: Mapping[str, Any],
    run: Run,
    runner: Runner,
    progress: Progress,
) -> NightOutcome:
    """Write the report and note the run, in this order: a note says that the report is there."""
    reported = _result(
        runner.submit(
            "report",
            "report",
            run.faults.guarded("writing the report", reporting.report),
            settings,
            plan,
            outcome,
            run.faults,
            progress,
        )
    )
    error = ""
    if isinstance(reported, Exception):  # what was done stands; that it is not told is told
        error, reported = in_words(reported) or str(reported), outcome
    with reader(settings.home, settings.memory) as connection:
        runs = ledger.runs(connection, settings.home)
    noting.note(settings, runs, reported, request, run.started, error)
    if error:
        raise StepError(f"the run is done and its data are kept, but there is no report: {error}")
    return reported


def catch_up(settings: Settings, plan: Plan, last: RunRecord, progress: Progress) -> None:
    """Report and note a run that was killed before it could: what it changed, as the ledger has it."""
    with reader(settings.home, settings.memory) as connection:
        known = {name: ledger.snapshots(connection, name) for name in plan.sources}
    sources = []
    for records in known.values():
        own = [record for record in records if record.run_id == last.run_id]
        if own:
            sources.append(source_outcome(settings, records, own[-1], is_new=True))
    datasets = [standing_dataset(settings, plan, name, known) for name in plan.datasets]
    outcome = NightOutcome(
        last.kind, last.day, last.run_id, tuple(sources), tuple(datasets), PortalOutcome(settings.portal)
    )
    run = Run(last.kind, last.started_at, FaultLog(settings.home, last.run_id))
    with Direct() as runner:
        _told(settings, plan, outcome, last.request, run, runner, progress)
