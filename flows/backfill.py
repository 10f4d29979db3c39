"""The backfill: past snapshots from the raw archive, window by window in order, then one look at the portal.

A window is a date for which the archive holds data. Its ledger is the warehouse's own: a window whose snapshots
have a verdict under today's declarations and rules is done. So a backfill that was killed goes on where it
stopped, and ``latest`` never moves backwards: a release's place is given by the date its data speak of.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from flows import night as nights
from flows import steps
from flows.night import NightRequest, Runner
from flows.outcomes import DatasetOutcome, NightOutcome, SourceOutcome
from flows.settings import Settings
from flows.steps import Plan
from sources import SourceError
from sources.local_files import dated_files
from warehouse import ledger
from warehouse.archive import Archive, Snapshot
from warehouse.lease import Lease
from warehouse.progress import Progress, silent
from warehouse.store import reader


@dataclass(frozen=True)
class Window:
    """The snapshots of one date. ``done`` says that the ledger has a verdict on all of them."""

    day: date
    snapshots: tuple[Snapshot, ...]
    done: bool


def take_in(
    settings: Settings,
    plan: Plan,
    origins: Mapping[str, str | None],
    first: date,
    last: date,
    progress: Progress,
) -> None:
    """Bring files named by a date between ``first`` and ``last`` from folders into the raw archive.

    Raises:
        SourceError: an origin is no folder, or a file in it cannot be had.
    """
    for name, origin in origins.items():
        if origin is None:
            continue
        folder = Path(origin)
        if not folder.is_dir():
            raise SourceError(
                f"{origin} is no folder. A backfill takes in files named by their date (YYYY-MM-DD) from a folder;"
                " without one it works from what the raw archive holds."
            )
        source = plan.sources[name]
        for day, _ in dated_files(folder, first, last, source.file_names):
            steps.pull(settings, source, origin, day, progress, of_day=True)


def windows(settings: Settings, plan: Plan, request: NightRequest, first: date, last: date) -> list[Window]:
    """The windows of a span, oldest first, from what the raw archive holds."""
    by_day: dict[date, list[Snapshot]] = {}
    done = set()
    with reader(settings.home, settings.memory) as connection:
        for name in request.sources:
            records = ledger.snapshots(connection, name)
            newest_of_day = {
                s.date: s for s in Archive(settings.home, name).snapshots() if first <= s.date <= last
            }
            for snapshot in newest_of_day.values():
                by_day.setdefault(snapshot.date, []).append(snapshot)
                if nights.is_known(plan, records, snapshot, request):
                    done.add((name, snapshot.id))
    return [
        Window(day, tuple(found), all((s.source, s.id) in done for s in found))
        for day, found in sorted(by_day.items())
    ]


def backfill(
    settings: Settings,
    request: NightRequest,
    first: date,
    last: date,
    runner: Runner,
    progress: Progress = silent,
    plan: Plan | None = None,
) -> NightOutcome:
    """Work through the windows from ``first`` to ``last``, in order, and publish at the end.

    Args:
        settings: where the home and the portal are.
        request: the sources (with folders to take files in from) and datasets; ``day`` is not used.
        first: the first date.
        last: the last date, included.
        runner: how steps are run.
        progress: told of the steps.
        plan: the declarations, if they have been read.

    Raises:
        SourceError: a folder or file to be taken in cannot be used.
        LeaseHeldError: another run works on this home.
    """
    plan = plan or Plan.read()
    request = nights.request_checked(plan, request)
    sources: dict[str, SourceOutcome] = {}
    datasets: dict[str, DatasetOutcome] = {}
    run_id = None
    purpose = f"backfill of {first} to {last}"
    at_end = replace(request, day=last)
    with Lease(settings.home, purpose) as lease, nights.recorded(settings, "backfill", at_end) as run:
        settings.home.sweep()
        take_in(settings, plan, request.sources, first, last, progress)
        listed = windows(settings, plan, request, first, last)
        for number, window in enumerate(listed):
            progress("backfill", number, len(listed), "windows")
            at = replace(request, day=window.day)
            found_id, found, built = nights.process(
                settings, plan, at, "backfill", window.snapshots, lease, runner, progress
            )
            run_id = found_id or run_id
            # What a window held or failed is told, whatever became of the later ones.
            sources |= {name: one for name, one in found.items() if not _is_bad(sources.get(name)) or _is_bad(one)}
            datasets |= {
                name: one for name, one in built.items() if not _is_bad(datasets.get(name)) or _is_bad(one)
            }
        with reader(settings.home, settings.memory) as connection:
            for name, one in sources.items():
                good = ledger.promoted(connection, name)
                if _is_bad(one) and good:  # a later window may have brought what now stands in
                    sources[name] = replace(one, stale_since=good[-1].data_date)
        return nights.conclude(settings, plan, at_end, run, run_id, sources, datasets, runner, progress)


def _is_bad(outcome: SourceOutcome | DatasetOutcome | None) -> bool:
    return outcome is not None and outcome.state in ("held", "failed")
