"""Versions that need no longer be kept leave, by the rule of each entry (``keep:``); none with rows of its own.

Killed anywhere, the next run or the same command completes it: what goes is written down first
(``warehouse.pruned``), then each folder leaves under one rename. The ledger keeps what it knows of a version, and
the change log tells of it.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime

from flows.calendar import today
from flows.declarations import Declarations
from flows.run import Run
from flows.settings import Settings
from publish.desired import DesiredVersion
from publish.release.keeping import by_rule, lacking_rows, to_keep
from publish.release.manifest import MANIFEST, manifest
from publish.release.versions import release_folder
from warehouse import ledger
from warehouse.declarations import DatasetDeclaration
from warehouse.home import Home
from warehouse.pruned import Pruned, is_kept, pruned, write_down
from warehouse.releases import Release
from warehouse.store import reader


@dataclass(frozen=True)
class Looked:
    """A dataset's versions, looked through: which go, how many bytes they are, and why each other stays."""

    dataset: str
    stays: Mapping[str, str]
    goes: tuple[Release, ...] = field(repr=False)
    size: int = 0

    def as_dict(self) -> dict[str, object]:
        """Plain values for JSON."""
        goes = [release.version for release in self.goes]
        return {"dataset": self.dataset, "goes": goes, "stays": dict(self.stays), "bytes": self.size}


def look_through(settings: Settings, declared: Declarations, names: Iterable[str], day: date) -> list[Looked]:
    """Which versions of datasets go on a day, and why the others stay. Writes nothing.

    Raises:
        ReleaseError: files of a version that is not to go by its age alone are missing or cannot be read.
    """
    with reader(settings.home, settings.memory) as connection:
        released = {name: ledger.releases(connection, name) for name in names}
    return [
        _look_through(settings, declared.datasets[name], releases, day)
        for name, releases in released.items()
        if releases
    ]


def _look_through(
    settings: Settings, dataset: DatasetDeclaration, releases: Sequence[Release], day: date
) -> Looked:
    home = settings.home
    gone, keep = {one.version for one in pruned(home, dataset.name)}, dataset.entry.keep
    standing = [one for one in releases if is_kept(home, one)]
    if lost := [one.version for one in releases if one not in standing and one.version not in gone]:
        why = f"the files of {', '.join(lost)} are missing, and until they are restored nothing goes"
        return Looked(dataset.name, {one.version: why for one in reversed(standing)}, ())
    made = {one.version: _day_of(home, one) for one in standing}
    stays = by_rule(standing, day, keep, made)
    if len(stays) < len(standing):  # only then are rows read
        versions = [DesiredVersion(one, release_folder(home, one)) for one in reversed(standing)]
        stays = to_keep(standing, day, keep, lacking_rows(versions, stays, settings.memory), made)
    goes = tuple(one for one in standing if one.version not in stays)
    size = sum(path.stat().st_size for one in goes for path in release_folder(home, one).iterdir())
    in_order = {one.version: stays[one.version] for one in reversed(standing) if one.version in stays}
    return Looked(dataset.name, in_order, goes, size)


def _day_of(home: Home, release: Release) -> date:
    """The day on which a version's files were written: later, where they were made anew."""
    written = (release_folder(home, release) / MANIFEST).stat().st_mtime
    return datetime.fromtimestamp(written, UTC).date()


def prune(home: Home, looked: Sequence[Looked], day: date) -> None:
    """Delete the versions that go. To be called by who holds the lease; what a killed run left is completed."""
    going = [release for one in looked for release in one.goes]
    standing = {(one.dataset, version) for one in looked for version in one.stays}
    listed = pruned(home)
    # a version that was written down and is to stay after all: its folder is there, or was put back
    kept = [one for one in listed if (one.dataset, one.version) not in standing]
    known = {(one.dataset, one.version) for one in kept}
    more = [
        Pruned(release.dataset, release.version, day.isoformat(), json.loads(manifest(release)))
        for release in going
        if (release.dataset, release.version) not in known
    ]
    if more or kept != listed:
        write_down(home, [*kept, *more])
    with home.workspace("prune") as workspace:
        for number, release in enumerate(going):
            aside = workspace / str(number)
            release_folder(home, release).rename(aside)
            shutil.rmtree(aside)


def prune_in_run(run: Run) -> dict[str, tuple[str, ...]]:
    """Delete what need no longer be kept of a run's datasets; by dataset, the versions that left.

    The day is the run's, or the clock's if that is earlier: a rehearsal of a day to come deletes nothing.
    """
    day = min(run.request.day, today())
    looked = [one for one in look_through(run.settings, run.declarations, run.request.datasets, day) if one.goes]
    if looked:
        prune(run.settings.home, looked, day)
    return {one.dataset: tuple(release.version for release in one.goes) for one in looked}


def in_words(looked: Iterable[Looked], *, is_done: bool) -> list[str]:
    """What goes and what stays, as the command prints it."""
    lines = []
    for one in looked:
        goes = [release.version for release in one.goes]
        done = "deleted" if is_done else "would be deleted"
        lines.append(f"{one.dataset}: {len(goes)} {done} ({one.size:,} bytes), {len(one.stays)} stay")
        lines += [f"  {done}: {version}" for version in goes]
        lines += [f"  stays: {version}: {why}" for version, why in one.stays.items()]
    return lines
