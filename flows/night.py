"""A night, from pull to report, as one plain function over the steps.

How a step is run is left to the run's ``Runner``: directly, or as a Prefect task (``flows.orchestration``). The
order and every decision are in plain functions, and work without Prefect.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from flows import steps
from flows.cadence import is_place
from flows.concluding import Record, conclude, recorded
from flows.forgetting import back_up_decisions, follow_up
from flows.outcomes import NightOutcome, SourceOutcome
from flows.processing import process
from flows.run import GuardedSteps, Run, result_of
from flows.standing import failed_source, with_lateness, with_notice
from flows.steps import Look
from warehouse import ledger
from warehouse.archive import Archive
from warehouse.lease import Lease
from warehouse.retention import forget, outlived
from warehouse.store import compact, reader, working_copy


def night(run: Run) -> NightOutcome:
    """Pull, check, load, curate, release, publish, report.

    One bad source or dataset does not stop the others. What stands in the home afterwards is whole, wherever the
    run was killed: the same call again ends as if nothing had happened.

    Raises:
        LeaseHeldError: another run works on this home.
        DeclarationError, ModelError, RequestError: what is declared or asked for cannot be used.
    """
    run, home = run.checked(), run.settings.home
    with Lease(home, f"nightly of {run.request.day}") as lease, recorded(run) as record:
        home.sweep()
        deleted = delete_outlived(run, lease)
        looks = look_all(run, record)
        snapshots = [look.snapshot for look in looks.values() if isinstance(look, Look) and look.snapshot]
        done = process(run, snapshots, lease)
        seen = _seen(run, looks, done.sources)
        told = {
            name: replace(seen[name], message=f"{said} {seen[name].message}".strip())
            for name, said in deleted.items()
        }
        return conclude(run, record, replace(done, sources=seen | told), lease)


def delete_outlived(run: Run, lease: Lease) -> dict[str, str]:
    """Delete what sources may no longer keep, before anything else is done; by source, what was deleted, in words.

    The warehouse first, as a new file, since a database keeps freed blocks; then warehouses kept aside, and the
    copy of what disclosure control decided; then the files: a run killed in between finds the files again, and
    deletes all of it.
    """
    home, day = run.settings.home, run.request.day
    found = {
        name: files for name, source in run.declarations.sources.items() if (files := outlived(home, source, day))
    }
    if not found:
        return {}
    with working_copy(home, lease, run.settings.memory) as copy:
        with copy.connect() as connection:
            for name, files in found.items():
                forget(connection, run.declarations.sources[name], files)
                follow_up(connection, run.declarations, name)
        compact(copy.path, run.settings.memory)
        copy.commit()
    home.drop_replaced()
    back_up_decisions(run.settings)
    for name, files in found.items():
        steps.drop_staging(run.settings, name, ())
        Archive(home, name).erase(files, day)
    return {name: _deleted(run, name, files) for name, files in found.items() if name in run.request.sources}


def _deleted(run: Run, source: str, files: Mapping[str, Sequence[str]]) -> str:
    count = len({name for names in files.values() for name in names})
    days = run.declarations.sources[source].retention_days
    what, it = (f"{count} files", "them") if count > 1 else ("A file", "it")
    return f"{what} kept for {days} days deleted, with what came of {it}."


def look_all(run: Run, record: Record) -> dict[str, Look | Exception]:
    """Look at the sources side by side, and pull what is new. A source that cannot be had gives its error."""
    guarded = GuardedSteps(run.runner, record.faults)
    begun = {
        name: guarded.begin("pull", name, steps.look, run, name, origin)
        for name, origin in run.request.sources.items()
    }
    looks: dict[str, Look | Exception] = {}
    for name, future in begun.items():
        look: Look | Exception = result_of(future)
        looks[name] = look
    return looks


def _seen(
    run: Run, looks: dict[str, Look | Exception], processed: dict[str, SourceOutcome]
) -> dict[str, SourceOutcome]:
    """What became of each source, with what the look at it and the calendar say."""
    declared, day = run.declarations, run.request.day
    with reader(run.settings.home, run.settings.memory) as connection:
        known = {name: ledger.snapshots(connection, name) for name in looks}
    seen = {}
    for name, look in looks.items():
        if isinstance(look, Exception):
            outcome = failed_source(known[name], name, look)
        elif look.snapshot is None:
            outcome = SourceOutcome(name, "waiting", message=look.message)
        else:
            told = replace(processed[name], message=processed[name].message or look.message)
            outcome = with_notice(declared.sources[name], look.snapshot, day, known[name], told)
        is_place_seen = is_place(run.request.sources[name])
        if isinstance(look, Look) and not look.is_set_up:
            is_place_seen = False
            if look.snapshot is not None:  # it was in use once: somebody should know
                outcome = replace(outcome, notice=look.message, message="")
        outcome = replace(outcome, is_awaited=is_place_seen)
        seen[name] = with_lateness(declared, day, known[name], outcome)
    return seen
