"""A warehouse made anew from the raw archive: for one that cannot be opened, or is lost.

Every archived snapshot is put in again, in the order of its date, into a new file, which is swapped in at the end;
the old one is kept aside. The releases that stand in the home are adopted first, so that versions go on, and a
date whose rows are those of its release gives none anew.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import zip_longest
from pathlib import Path

import duckdb

from flows import noting
from flows.calendar import today
from flows.declarations import Declarations
from flows.made_of import keep_made_of, kept_made_of
from flows.outcomes import NightOutcome, PortalOutcome, Processed
from flows.processing import process
from flows.run import Run, RunRequest
from flows.settings import Settings
from flows.withdrawing import obey
from publish.release import load_release, verify_release
from warehouse import ledger
from warehouse.archive import Archive, Snapshot
from warehouse.archive_keys import ArchiveKeyError, key_of
from warehouse.home import Home
from warehouse.lease import Lease
from warehouse.pruned import is_kept, pruned
from warehouse.releases import Release, ReleaseError
from warehouse.store import WarehouseError, reader, working_copy

KIND = "rebuild"


@dataclass(frozen=True)
class Rebuilt:
    """What a rebuild came to.

    ``kept`` is where the old file lies. ``refused``: release folders that were not adopted, with what is wrong.
    """

    outcome: NightOutcome
    snapshots: int
    releases: int
    kept: Path | None
    refused: dict[str, str]


def rebuild_warehouse(run: Run) -> Rebuilt:
    """Make the warehouse anew from the raw archive and the releases, and swap it in. Publishes nothing.

    A snapshot of which a release was made is let in although it is much smaller than the one before it: somebody
    allowed that once.

    Raises:
        LeaseHeldError: a run works on this home.
        ArchiveDamagedError: what is noted of a snapshot cannot be read.
        ArchiveKeyError: a snapshot is encrypted, and its key is not given; nothing was replaced.
    """
    run, settings, started = replace(run, kind=KIND).checked(), run.settings, ledger.now()
    declared = run.declarations
    with Lease(settings.home, "rebuild of the warehouse") as lease:
        settings.home.sweep()
        _require_keys(settings.home, declared)
        with settings.home.workspace("rebuild") as folder:
            apart = replace(settings, home=Home(settings.home.root, folder / "warehouse.duckdb"))
            adopted, refused = _standing_releases(apart.home, declared)
            adopted = sorted([*adopted, *_no_longer_kept(apart.home, declared)], key=lambda one: one.order)
            _remember(settings, declared)
            _adopt(apart, adopted, lease)
            done, count = _put_in_again(replace(run, settings=apart), adopted, lease)
            with working_copy(apart.home, lease, settings.memory) as copy:
                obey(copy, settings, declared)
                copy.commit()
            with lease.confirmed():
                kept = _keep_aside(settings.home)
                apart.home.warehouse.replace(settings.home.warehouse)
        with reader(settings.home, settings.memory) as connection:
            runs = ledger.runs(connection, settings.home)
            last = noting.interrupted(runs)
            run_id = last.run_id if last else ledger.next_run_id(connection, settings.home, today())
        outcome = NightOutcome(
            KIND,
            last.day if last else today(),
            run_id,
            tuple(done.sources[name] for name in declared.sources if name in done.sources),
            tuple(done.datasets[name] for name in declared.datasets if name in done.datasets),
            PortalOutcome(settings.portal),
        )
        noting.note(settings, runs, outcome, {}, started)
    return Rebuilt(outcome, count, len(adopted), kept, refused)


def _require_keys(home: Home, declared: Declarations) -> None:
    """What is under a key that is not given would be missing in the new warehouse, as if it had never come."""
    for name in declared.sources:
        for snapshot in Archive(home, name).snapshots():
            for key_id in sorted({file.kept.key_id for file in snapshot.files if file.kept.key_id}):
                try:
                    key_of(name, snapshot.id, key_id)
                except ArchiveKeyError as error:
                    raise ArchiveKeyError(
                        f"{error} If the key is lost for good, move {home.raw / name} elsewhere: then the"
                        " warehouse is made without it."
                    ) from None


def _remember(settings: Settings, declared: Declarations) -> None:
    """Have what releases were made of in the home, where an earlier program noted it in the warehouse only."""
    try:
        with reader(settings.home, settings.memory) as connection:
            for name in declared.datasets:
                keep_made_of(connection, settings.home, name)
    except (WarehouseError, ledger.LedgerError, duckdb.Error):
        return  # it cannot be opened, or there is none: that is why another one is made


def _adopt(settings: Settings, releases: Sequence[Release], lease: Lease) -> None:
    """Let the new warehouse know what was released, and what disclosure control decided."""
    from publish.disclosure.keeping import restore  # imports scipy

    with working_copy(settings.home, lease, settings.memory) as copy:
        with copy.connect() as connection:
            for release in releases:
                ledger.record_release(
                    connection, release, KIND, kept_made_of(settings.home, release.dataset, release.version)
                )
            restore(connection, settings.home)
        copy.commit()


def _put_in_again(run: Run, adopted: Sequence[Release], lease: Lease) -> tuple[Processed, int]:
    """Every archived snapshot, in the order of its date; what came of all, and how many there are."""
    done, count = Processed(None, {}, {}), 0
    used = {use.snapshot_id for release in adopted for use in release.snapshots}
    days = _days(run.settings.home, run.declarations)
    for number, (day, rounds) in enumerate(days):
        run.progress("rebuild", number, len(days), "dates")
        for place, together in enumerate(rounds, start=1):
            allowed = [one.source for one in together if one.id in used]
            allowed += [release.dataset for release in adopted if release.data_date == day]
            # What stood for a part of a day only is no release: datasets are built when the day is whole.
            building = tuple(run.declarations.datasets) if place == len(rounds) else ()
            request = RunRequest(
                day, dict.fromkeys(run.declarations.sources), building, tuple(allowed), publish=False
            )
            done = done.then(process(replace(run, request=request), together, lease), told=("failed",))
            count += len(together)
    return done, count


def _standing_releases(home: Home, declared: Declarations) -> tuple[list[Release], dict[str, str]]:
    """The releases in the home that are whole, and what is wrong with the others, by folder."""
    found, refused = [], {}
    for folder in sorted(folder for name in declared.datasets for folder in (home.releases / name).glob("*")):
        try:
            faults = verify_release(folder)
            release = load_release(folder)
        except ReleaseError as error:
            refused[str(folder)] = str(error)
            continue
        if faults:
            refused[str(folder)] = "; ".join(faults)
        else:
            found.append(release)
    return sorted(found, key=lambda one: one.order), refused


def _no_longer_kept(home: Home, declared: Declarations) -> list[Release]:
    """The releases whose files were deleted by rule: the change log tells of them all the same."""
    gone = [one.release for one in pruned(home) if one.dataset in declared.datasets]
    return [release for release in gone if not is_kept(home, release)]


def _days(home: Home, declared: Declarations) -> list[tuple[date, list[list[Snapshot]]]]:
    """The archived snapshots by date; of one date, in the order they were taken in, one a source at a time."""
    by_day: dict[date, dict[str, list[Snapshot]]] = {}
    for name in declared.sources:
        for snapshot in Archive(home, name).snapshots():
            by_day.setdefault(snapshot.date, {}).setdefault(name, []).append(snapshot)
    return [
        (day, [[one for one in together if one is not None] for together in zip_longest(*listed.values())])
        for day, listed in sorted(by_day.items())
    ]


def _keep_aside(home: Home) -> Path | None:
    """A second name for the old file, so that at every moment there is one under the right name."""
    if not home.warehouse.exists():
        return None
    aside = home.root / f"warehouse-before-rebuild-{len(home.replaced) + 1}.duckdb"
    try:
        os.link(home.warehouse, aside)
    except OSError:  # a file system without links
        shutil.copyfile(home.warehouse, aside)
    return aside
