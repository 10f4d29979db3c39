"""The backfill: past snapshots from the raw archive, window by window in order, then one look at the portal.

A window is a date for which the archive holds data. Its ledger is the warehouse's own: a window whose snapshots
have a verdict under today's declarations and rules is done. So a backfill that was killed goes on where it
stopped, and ``latest`` never moves backwards: a release's place is given by the date its data speak of.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from flows import steps
from flows.concluding import conclude, recorded
from flows.due import is_known
from flows.outcomes import NightOutcome, Processed
from flows.processing import process
from flows.run import Run
from sources import SourceError
from sources.local_files import dated_files
from warehouse import ledger
from warehouse.archive import Archive, Snapshot
from warehouse.lease import Lease
from warehouse.store import reader

_BAD = ("held", "failed")


@dataclass(frozen=True)
class Window:
    """The snapshots of one date. ``done`` says that the ledger has a verdict on all of them."""

    day: date
    snapshots: tuple[Snapshot, ...]
    done: bool


def take_in(run: Run, first: date, last: date) -> None:
    """Bring files named by a date between ``first`` and ``last`` from the request's folders into the raw archive.

    Raises:
        SourceError: an origin is no folder, or a file in it cannot be had.
    """
    for name, origin in run.request.sources.items():
        if origin is None:
            continue
        folder = Path(origin)
        if not folder.is_dir():
            raise SourceError(
                f"{origin} is no folder. A backfill takes in files named by their date (YYYY-MM-DD) from a folder;"
                " without one it works from what the raw archive holds."
            )
        pattern = run.declarations.sources[name].file_names
        for day, _ in dated_files(folder, first, last, pattern):
            steps.pull(run, name, origin, day, of_day=True)


def windows(run: Run, first: date, last: date) -> list[Window]:
    """The windows of a span, oldest first, from what the raw archive holds."""
    by_day: dict[date, list[Snapshot]] = {}
    done = set()
    with reader(run.settings.home, run.settings.memory) as connection:
        for name in run.request.sources:
            records = ledger.snapshots(connection, name)
            archived = Archive(run.settings.home, name).snapshots()
            newest_of_day = {one.date: one for one in archived if first <= one.date <= last}
            for snapshot in newest_of_day.values():
                by_day.setdefault(snapshot.date, []).append(snapshot)
                if is_known(run, records, snapshot):
                    done.add((name, snapshot.id))
    return [
        Window(day, tuple(found), all((s.source, s.id) in done for s in found))
        for day, found in sorted(by_day.items())
    ]


def backfill(run: Run, first: date, last: date) -> NightOutcome:
    """Work through the windows from ``first`` to ``last``, both included, in order, and publish at the end.

    The request names the sources, with folders to take files in from, and the datasets; its ``day`` is not used.

    Raises:
        SourceError: a folder or file to be taken in cannot be used.
        LeaseHeldError: another run works on this home.
    """
    run = replace(run, kind="backfill").asking(day=last).checked()
    home = run.settings.home
    with Lease(home, f"backfill of {first} to {last}") as lease, recorded(run) as record:
        home.sweep()
        take_in(run, first, last)
        done = Processed(None, {}, {})
        listed = windows(run, first, last)
        for number, window in enumerate(listed):
            run.progress("backfill", number, len(listed), "windows")
            done = done.then(process(run.asking(day=window.day), window.snapshots, lease), told=_BAD)
        with reader(home, run.settings.memory) as connection:
            for name, one in done.sources.items():
                good = ledger.promoted(connection, name)
                if one.state in _BAD and good:  # a later window may have brought what now stands in
                    done.sources[name] = replace(one, stale_since=good[-1].data_date)
        return conclude(run, record, done, lease)
