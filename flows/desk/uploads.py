"""What lies at the desk: files that are checked, for an hour at most, each seen by one session alone."""

from __future__ import annotations

import fcntl
import hashlib
import os
import secrets
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, TextIO

from flows.desk.workers import CheckDone, Stage
from flows.errors import RequestError
from warehouse.home import Home
from warehouse.messages import message
from warehouse.snapshots import sha256_of
from warehouse.text import without_controls

KEPT_SECONDS = 55 * 60.0  # then deleted by the next sweep, which comes every minute: within the hour
MOST_FILES = 6  # the CSV files of a source's tables
MOST_KEPT = 5  # of a session; the oldest goes
_CHUNK = 1 << 20
_NAME_BYTES = 150
Clock = Callable[[], float]


class UploadError(ValueError):
    """Files are not taken, or no form; the message is for the coordinator. ``status`` is that of HTTP."""

    def __init__(self, words: str, status: int = 400) -> None:
        """``words`` may be a message; it is the error's first argument."""
        super().__init__(words)
        self.words = words
        self.status = status


@dataclass(frozen=True)
class KeptFile:
    """A file as it came: its safe name, where it lies, and its SHA-256."""

    name: str
    path: Path
    sha256: str


@dataclass
class Upload:
    """Files that were brought together, and what became of them."""

    id: str
    session: str
    source: str
    folder: Path
    files: tuple[KeptFile, ...]
    made: float
    stage: Stage = Stage.WAITING
    outcome: CheckDone | None = None
    problem: str = ""
    is_handed_in: bool = False
    copies: dict[str, tuple[Path, ...]] = field(default_factory=dict)  # by language

    @property
    def name(self) -> str:
        """What its owner calls it."""
        return ", ".join(one.name for one in self.files)


def safe_name(given: str, suffixes: Sequence[str]) -> str:
    """A file's name as it may lie in the inbox: no path, nothing hidden, not too long for any file system.

    Raises:
        UploadError: it is no kind of file that is read.
    """
    from sources.naming import name_in

    name = name_in(without_controls(given)).lstrip(".~ ").rstrip(". ")
    stem, dot, suffix = name.rpartition(".")
    if not dot or f".{suffix.lower()}" not in suffixes:
        raise UploadError(
            message(
                "That is no file that can be read here: hand in one that ends with {endings}.",
                endings=", ".join(suffixes),
            )
        )
    stem = stem.encode()[:_NAME_BYTES].decode(errors="ignore").strip() or "workbook"
    return f"{stem}.{suffix}"


def folder_of(home: Home) -> Path:
    """Where all lies that the desk keeps for a while."""
    return home.root / "desk"


class Uploads:
    """The uploads by their ids, in ``<home>/desk/``."""

    def __init__(self, home: Home, suffixes: Sequence[str], clock: Clock = time.monotonic) -> None:
        self._home = home
        self._suffixes = tuple(suffixes)
        self._clock = clock
        self._folder = folder_of(home)
        self._kept: dict[str, Upload] = {}
        self._lock: TextIO | None = None

    def open(self) -> None:
        """Take the home's desk, and delete whatever an earlier server left there.

        Raises:
            RequestError: another server has it.
        """
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._lock = (self._folder / ".lock").open("a")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise RequestError(f"{self._home.root}: another desk is open on this home. Close it first.") from error
        for left in self._folder.iterdir():
            if left.is_dir() and not left.is_symlink():
                shutil.rmtree(left, ignore_errors=True)
        for copy in self._home.inbox.glob("*/.*.unfinished"):  # it was killed while a file was handed in
            copy.unlink(missing_ok=True)

    def close(self) -> None:
        """Delete everything and let the desk go."""
        for upload in list(self._kept.values()):
            self.delete(upload)
        if self._lock is not None:
            self._lock.close()

    def keep(self, session: str, source: str, given: Sequence[tuple[str, BinaryIO]]) -> Upload:
        """Keep files (each its name and its content) as one upload.

        Raises:
            UploadError: there is none, one is empty or of no kind that is read, or two have one name.
        """
        if not given:
            raise UploadError(message("No file was chosen. Choose the workbook, then check it."))
        names = [safe_name(name, self._suffixes) for name, _ in given]
        if len(set(names)) < len(names):
            raise UploadError(message("Two of the files have the same name. Rename one of them."))
        if len(names) > 1 and any(not name.lower().endswith((".csv", ".tsv")) for name in names):
            raise UploadError(message("Hand in one workbook, or the CSV files of all its sheets together."))
        identifier = secrets.token_urlsafe(24)
        folder = self._folder / identifier
        folder.mkdir(mode=0o700)
        try:
            files = tuple(_kept(name, folder, content) for name, (_, content) in zip(names, given, strict=True))
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        upload = Upload(identifier, session, source, folder, files, self._clock())
        self._kept[identifier] = upload
        for old in self.of(session)[MOST_KEPT:]:
            if old.stage is Stage.DONE:
                self.delete(old)
        return upload

    def find(self, identifier: str, session: str) -> Upload | None:
        """The upload of that id, if it is the session's and still there."""
        upload = self._kept.get(identifier)
        return upload if upload is not None and upload.session == session else None

    def of(self, session: str) -> list[Upload]:
        """The uploads of a session, the newest first."""
        return sorted((one for one in self._kept.values() if one.session == session), key=lambda one: -one.made)

    def delete(self, upload: Upload) -> None:
        """Forget an upload, and delete its files."""
        self._kept.pop(upload.id, None)
        shutil.rmtree(upload.folder, ignore_errors=True)

    def delete_of(self, session: str) -> None:
        """Delete all of a session."""
        for upload in self.of(session):
            self.delete(upload)

    def expire(self) -> None:
        """Delete what has lain here for long."""
        oldest = self._clock() - KEPT_SECONDS
        for upload in [one for one in self._kept.values() if one.made < oldest]:
            self.delete(upload)

    def hand_in(self, upload: Upload) -> None:
        """Put exactly the files that were checked into the source's inbox, where the night finds them.

        Doing it twice does it once. A file of that name which waits there gives way: the last one counts.

        Raises:
            UploadError: a file is not any more what was checked.
        """
        if upload.is_handed_in:
            return
        inbox = self._home.inbox / upload.source
        inbox.mkdir(parents=True, exist_ok=True)
        unfinished = []
        try:
            for one in upload.files:
                # Hidden, so a night that comes between does not take it. A copy: the inbox may be another disk.
                copy = inbox / f".{one.name}.{upload.id[:8]}.unfinished"
                unfinished.append((copy, inbox / one.name))
                _copied(one.path, copy)
                if sha256_of(copy) != one.sha256:
                    raise UploadError(
                        message("The file is not any more what was checked. Check it again, then hand it in.")
                    )
            for copy, place in unfinished:
                copy.replace(place)
        finally:
            for copy, _ in unfinished:
                copy.unlink(missing_ok=True)
        upload.is_handed_in = True


def _kept(name: str, folder: Path, content: BinaryIO) -> KeptFile:
    path, digest = folder / name, hashlib.sha256()
    with path.open("xb") as file:
        while piece := content.read(_CHUNK):
            digest.update(piece)
            file.write(piece)
        if not file.tell():
            raise UploadError(message("The file is empty. Save it once more where it was made, then check it."))
    return KeptFile(name, path, digest.hexdigest())


def _copied(source: Path, target: Path) -> None:
    with source.open("rb") as reader, target.open("wb") as writer:
        shutil.copyfileobj(reader, writer, _CHUNK)
        writer.flush()
        os.fsync(writer.fileno())
