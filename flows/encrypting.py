"""Encrypting what lies plain in the raw archive or under an older key, file by file.

A file's plain bytes are deleted when its encrypted ones were read back and its manifest speaks of them, so
whatever is killed here is completed by the same call again.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from flows import steps
from flows.declarations import Declarations
from flows.errors import in_words
from flows.settings import Settings
from warehouse.archive import Archive, ArchiveDamagedError, Snapshot
from warehouse.archive_keys import VARIABLE, ArchiveKeyError, keyring
from warehouse.lease import Lease
from warehouse.progress import Progress, silent


@dataclass
class Encrypted:
    """What became of the files: encrypted now, so already, not to be had (why, in words); and what is not ours.

    ``others``: what lies in snapshots' folders, was put there by somebody else, and was left alone.
    """

    key_id: str
    encrypted: int = 0
    already: int = 0
    problems: list[str] = field(default_factory=list)
    others: list[str] = field(default_factory=list)


def encrypt_archive(
    settings: Settings, declared: Declarations, *, rotate: bool = False, progress: Progress = silent
) -> Encrypted:
    """Encrypt the files of sources about people that lie plain; with ``rotate``, all under the newest key.

    Raises:
        ArchiveKeyError: no key is given, or what is given is none.
        LeaseHeldError: a run is under way.
    """
    given = keyring().keys
    if not given:
        raise ArchiveKeyError(
            f"there is no key to encrypt with: {VARIABLE} is not set. Make one: opendistrict archive-key"
        )
    done = Encrypted(given[0].id)
    with Lease(settings.home, "encryption of the archive"):
        settings.home.sweep()
        for archive in _archives(settings, declared):
            try:
                for snapshot in archive.snapshots():
                    _encrypt(archive, snapshot, done, rotate=rotate, progress=progress)
            except ArchiveDamagedError as error:
                done.problems.append(str(error))
            if archive.about_people:
                steps.drop_staging(settings, archive.source, ())
    return done


def _archives(settings: Settings, declared: Declarations) -> Iterator[Archive]:
    for source in declared.sources.values():
        archive = Archive(settings.home, source.name, source.is_about_people)
        if archive.folder.is_dir():
            yield archive


def _encrypt(archive: Archive, snapshot: Snapshot, done: Encrypted, *, rotate: bool, progress: Progress) -> None:
    for file in snapshot.files:
        has = file.kept.key_id
        is_due = has != done.key_id if has and rotate else archive.about_people and not has
        if file.erased or not (has or is_due):
            continue
        if not is_due:
            done.already += 1
            continue
        progress(f"encrypt {archive.source} {snapshot.date}", done.encrypted)
        try:
            with archive.home.workspace("encrypt") as folder:
                archive.copy_plain(snapshot, file.name, folder / file.name)
                snapshot = archive.replace(snapshot, file.name, folder / file.name)
            done.encrypted += 1
        except (ArchiveKeyError, ArchiveDamagedError, OSError) as error:
            words = in_words(error) or str(error)
            if words not in done.problems:
                done.problems.append(words)
    if snapshot.is_encrypted:
        done.others += [str(path) for path in archive.tidy(snapshot)]
