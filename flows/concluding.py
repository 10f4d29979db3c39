"""How a run ends: it publishes what stands, writes its report, and is noted; what stops it midway is noted too."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from flows import mailing, noting, publishing, reporting
from flows.allowing import remember
from flows.errors import FaultLog, StepError, in_words
from flows.outcomes import NightOutcome, PortalOutcome, Processed
from flows.run import Direct, GuardedSteps, Run
from flows.standing import source_outcome, standing_dataset
from publish.plans import Allowed
from warehouse import ledger
from warehouse.lease import Lease, LeaseLostError
from warehouse.ledger import RunRecord
from warehouse.store import reader


@dataclass(frozen=True)
class Record:
    """A run that has begun, as it will be noted: when (UTC), and where it keeps the faults of the program."""

    started: datetime
    faults: FaultLog


@contextmanager
def recorded(run: Run) -> Iterator[Record]:
    """A run's frame, inside its lease: whatever stops the run is noted in the ledger, and told in words.

    Raises:
        StepError: a fault of the program or of the machine; the message says what, and where its traceback is.
    """
    settings, started = run.settings, ledger.now()
    with reader(settings.home, settings.memory) as connection:
        run_id = ledger.next_run_id(connection, settings.home, run.request.day)
    faults = FaultLog(settings.home, run_id)
    try:
        yield Record(started, faults)
    except LeaseLostError:
        raise  # the home is another run's now
    except Exception as error:
        words = faults.tell(f"the {run.kind} run", error)
        with suppress(Exception):  # what stopped the run may keep it from being noted: a full disk
            _note_stopped(run, run_id, started, words)
        if in_words(error) == str(error):
            raise
        fault = StepError(words)
    else:
        return
    raise fault


def _note_stopped(run: Run, run_id: str, started: datetime, words: str) -> None:
    settings, request = run.settings, run.request
    stopped = NightOutcome(run.kind, request.day, run_id, (), (), PortalOutcome(settings.portal))
    with reader(settings.home, settings.memory) as connection:
        runs = ledger.runs(connection, settings.home)
    last = noting.interrupted(runs)
    if last and last.started_at >= started:  # it had committed its changes
        stopped = replace(stopped, run_id=last.run_id, day=last.day)
    noting.note(settings, runs, stopped, request.as_kept(), started, words)


def conclude(run: Run, record: Record, done: Processed, lease: Lease) -> NightOutcome:
    """Publish what stands, write the report, and note the run. A quiet one has neither report nor note.

    A run that was killed before this point is ended by the next: by the same run with nothing left to do, as its
    own; else in its name, before anything else is noted.
    """
    pruned, not_pruned = _pruned(run, record)
    portal = _published(run, record, done.run_id, lease)
    declared = run.declarations
    outcome = NightOutcome(
        run.kind,
        run.request.day,
        done.run_id,
        tuple(done.sources[name] for name in declared.sources if name in done.sources),
        tuple(
            replace(done.datasets[name], url=portal.urls.get(name))
            for name in declared.datasets
            if name in done.datasets
        ),
        portal,
        pruned=pruned,
        not_pruned=not_pruned,
    )
    if done.run_id is None:
        outcome = _with_id(run, outcome)
    if outcome.run_id is None:
        return replace(outcome, report=reporting.last_report(run.settings))
    return _told(run, record, outcome, run.request.as_kept())


def _pruned(run: Run, record: Record) -> tuple[dict[str, tuple[str, ...]], str]:
    """A night deletes the versions that need no longer be kept, before the portal is brought to show the others.

    Returns:
        The versions that left, by dataset; and why none did, where they could not be looked through.
    """
    if run.kind != "nightly":
        return {}, ""
    from flows.pruning import prune_in_run

    found = GuardedSteps(run.runner, record.faults).do("prune", "", prune_in_run, run)
    if isinstance(found, Exception):
        return {}, in_words(found) or str(found) or type(found).__name__
    return found, ""


def _published(run: Run, record: Record, run_id: str | None, lease: Lease) -> PortalOutcome:
    settings, datasets = run.settings, run.request.datasets
    allowed = Allowed(shrink=frozenset(run.request.allow_shrink) & frozenset(datasets))
    if not run.request.publish:
        return PortalOutcome(settings.portal)
    remember(settings, lease, run_id, datasets, allowed)
    steps = GuardedSteps(run.runner, record.faults)
    given = settings, run.declarations, datasets, run.progress, allowed
    published = steps.do("publish", "", publishing.publish, *given)
    if isinstance(published, Exception):
        message = in_words(published) or str(published) or type(published).__name__
        return PortalOutcome(settings.portal, problems=dict.fromkeys(datasets, message))
    return published


def _with_id(run: Run, outcome: NightOutcome) -> NightOutcome:
    """A run that changed nothing, with the id of the killed one that it ends, or its own if it says something."""
    settings = run.settings
    with reader(settings.home, settings.memory) as connection:
        last = noting.interrupted(ledger.runs(connection, settings.home))
    if last and last.kind == run.kind and (run.kind == "backfill" or last.day == run.request.day):
        return replace(outcome, run_id=last.run_id)
    if last:
        catch_up(run, last)
    with reader(settings.home, settings.memory) as connection:
        if not noting.is_news(outcome, ledger.runs(connection, settings.home)):
            return outcome
        return replace(outcome, run_id=ledger.next_run_id(connection, settings.home, outcome.day))


def _told(run: Run, record: Record, outcome: NightOutcome, request: Mapping[str, Any]) -> NightOutcome:
    """Write the report and note the run, in this order: a note says that the report is there."""
    settings, steps = run.settings, GuardedSteps(run.runner, record.faults)
    reported = steps.do("report", "", reporting.report, run, outcome, record.faults)
    error = ""
    if isinstance(reported, Exception):  # what was done stands; that it is not told is told
        error, reported = in_words(reported) or str(reported), outcome
    mailed = steps.do("mail", "", mailing.send_verdicts, run, reported)
    if not isinstance(mailed, Exception):  # that a mail fails costs nothing else; the fault is in the log
        reported = mailed
    with reader(settings.home, settings.memory) as connection:
        runs = ledger.runs(connection, settings.home)
    noting.note(settings, runs, reported, request, record.started, error)
    if error:
        raise StepError(f"the run is done and its data are kept, but there is no report: {error}")
    return reported


def catch_up(run: Run, last: RunRecord) -> None:
    """Report and note a run that was killed before it could: what it changed, as the ledger has it."""
    settings, declared = run.settings, run.declarations
    with reader(settings.home, settings.memory) as connection:
        known = {name: ledger.snapshots(connection, name) for name in declared.sources}
    sources = []
    for records in known.values():
        own = [record for record in records if record.run_id == last.run_id]
        if own:
            sources.append(source_outcome(settings, records, own[-1], is_new=True))
    datasets = [standing_dataset(settings, declared, name, known) for name in declared.datasets]
    outcome = NightOutcome(
        last.kind, last.day, last.run_id, tuple(sources), tuple(datasets), PortalOutcome(settings.portal)
    )
    record = Record(last.started_at, FaultLog(settings.home, last.run_id))
    with Direct() as runner:
        _told(replace(run, runner=runner), record, outcome, last.request)
