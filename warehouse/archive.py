"""The raw archive: what came over the wire, byte for byte, so that every later step can be repeated.

A snapshot is one pull of one source: one or more files and the date their data speak of. Its id is that date
and a digest of the files' SHA-256 sums, so the same bytes are kept once however often they are pulled.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

from warehouse.home import Home, move_folder, to_json, write_atomically

_CHUNK = 1 << 20


@dataclass(frozen=True)
class Rewritten:
    """What is kept of a file since somebody's records were taken out of it.

    Args:
        sha256, size: of what is kept.
        erased: of each record that was taken out, the day on which it was asked for.
        formerly: the sums of what was kept between one such request and the next.
    """

    sha256: str
    size: int
    erased: tuple[str, ...]
    formerly: tuple[str, ...] = ()


@dataclass(frozen=True)
class RawFile:
    """One file of a snapshot. ``sha256`` and ``size`` (in bytes) are those of what came, and say which file it is.

    ``erased``: the day on which its bytes were deleted, as a source's ``retention_days`` asks; its sum stays, so
    that the same file is not taken in again. ``rewritten``: less of it is kept than came.
    """

    name: str
    sha256: str
    size: int
    erased: str | None = None
    rewritten: Rewritten | None = None

    @property
    def kept_sha256(self) -> str:
        """The sum of the bytes that are kept."""
        return self.rewritten.sha256 if self.rewritten else self.sha256

    @property
    def kept_size(self) -> int:
        """How many bytes are kept."""
        return self.rewritten.size if self.rewritten else self.size

    @property
    def sums(self) -> frozenset[str]:
        """The sums under which it is known: as it came, and as it was kept then and now."""
        kept = (self.rewritten.sha256, *self.rewritten.formerly) if self.rewritten else ()
        return frozenset((self.sha256, *kept))

    def without(self, sha256: str, size: int, erased: Sequence[str]) -> RawFile:
        """The same file, of which now these bytes are kept, since records were taken out, asked for on these days."""
        before = self.rewritten or Rewritten(self.sha256, self.size, ())
        formerly = (*before.formerly, before.sha256) if self.rewritten else ()
        return replace(self, rewritten=Rewritten(sha256, size, (*before.erased, *erased), formerly))


@dataclass(frozen=True)
class Snapshot:
    """One pull of one source. ``date`` is the day the data speak of, not the day of the run."""

    source: str
    date: date
    origin: str
    files: tuple[RawFile, ...]
    folder: Path

    @property
    def digest(self) -> str:
        """SHA-256 over the files' sums, in the order of their names."""
        return digest_of(self.files)

    @property
    def id(self) -> str:
        """``<date>-<first 12 digits of the digest>``: unique within the source."""
        return f"{self.date.isoformat()}-{self.digest[:12]}"

    def is_of(self, files: Sequence[RawFile]) -> bool:
        """Whether it is the snapshot of just these files, as they came or as they are kept."""
        own, given = (sorted(listed, key=lambda file: file.name) for listed in (self.files, files))
        return len(own) == len(given) and all(b.sha256 in a.sums for a, b in zip(own, given, strict=True))

    def paths(self) -> list[Path]:
        """The files that are kept, in the order of their names."""
        return [self.folder / file.name for file in self.files if file.erased is None]


def digest_of(files: Sequence[RawFile]) -> str:
    """SHA-256 over the sums of several files, in the order of their names."""
    return hashlib.sha256("\n".join(file.sha256 for file in files).encode()).hexdigest()


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, read in pieces."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class ArchiveDamagedError(Exception):
    """Files of the raw archive are no longer what was taken in: a fault on our side, not of who handed them in."""


@dataclass(frozen=True)
class Archive:
    """The snapshots of one source below ``raw/<source>/``."""

    home: Home
    source: str

    @property
    def folder(self) -> Path:
        """Where this source's snapshots lie."""
        return self.home.raw / self.source

    def snapshots(self) -> list[Snapshot]:
        """All whole snapshots, oldest data first; of one day, in the order they were taken in.

        Raises:
            ArchiveDamagedError: what is noted of a snapshot cannot be read.
        """
        found = []
        for manifest in self.folder.glob("*/manifest.json"):
            try:
                content = json.loads(manifest.read_text(encoding="utf-8"))
                snapshot = Snapshot(
                    source=content["source"],
                    date=date.fromisoformat(content["date"]),
                    origin=content["origin"],
                    files=tuple(_file_of(file) for file in content["files"]),
                    folder=manifest.parent,
                )
                found.append((snapshot.date, int(content["sequence"]), snapshot))
            except (ValueError, KeyError, TypeError) as error:
                raise ArchiveDamagedError(
                    f"the raw archive is damaged, which is no fault of who handed the data in: {manifest} cannot"
                    " be read. Restore it from a backup; or move its folder away and take the file in again."
                ) from error
        return [snapshot for *_, snapshot in sorted(found, key=lambda item: item[:2])]

    def latest(self, until: date | None = None) -> Snapshot | None:
        """The snapshot with the newest data, or the newest not after ``until``."""
        return next((s for s in reversed(self.snapshots()) if until is None or s.date <= until), None)

    def files_in(self, built: Path, names: Sequence[str]) -> tuple[RawFile, ...]:
        """Files of a folder as a snapshot notes them, by name; one of which less is kept here is known again."""
        known = {
            sum_: file
            for snapshot in self.snapshots()
            for file in snapshot.files
            if file.rewritten and file.erased is None
            for sum_ in file.sums
        }
        found = []
        for name in sorted(names):
            sum_ = sha256_of(built / name)
            file = known.get(sum_) or RawFile(name, sum_, (built / name).stat().st_size)
            found.append(replace(file, name=name))
        return tuple(found)

    def keep(self, built: Path, files: Sequence[RawFile], *, day: date, origin: str) -> Snapshot:
        """Move files from a workspace into the archive as one snapshot; give back the one that holds them.

        The same bytes as a snapshot of that day are not kept twice.

        Args:
            built: a folder on the home's file system that holds just these files.
            files: the files, see ``files_in``; plain names, no paths.
            day: the day the data speak of.
            origin: the path or address they came from, without credentials.
        """
        if unsafe := [file.name for file in files if Path(file.name).name != file.name or file.name[0] == "."]:
            raise ValueError(f"not a plain file name: {unsafe[0]!r}")
        files = tuple(sorted(files, key=lambda file: file.name))
        existing = self.snapshots()
        of_day = [s for s in existing if s.date == day]
        same = next((s for s in of_day if s.digest == digest_of(files)), None)
        if same and same is of_day[-1]:
            return same
        # Seen that day before, but other content came between: now it is the day's newest again.
        place = same.folder if same else self.folder / f"{day.isoformat()}-{digest_of(files)[:12]}"
        content = {
            "source": self.source,
            "date": day.isoformat(),
            "origin": origin,
            "files": [_noted(file) for file in files],
            "sequence": len(existing) + 1,
        }
        if same:
            write_atomically(place / "manifest.json", to_json(content))
        else:
            (built / "manifest.json").write_text(to_json(content), encoding="utf-8")
            move_folder(built, place)
        return Snapshot(self.source, day, origin, files, place)

    def verify(self, snapshot: Snapshot) -> list[str]:
        """Names of files that are missing or no longer have the recorded sum."""
        return [
            file.name
            for file in snapshot.files
            if file.erased is None
            # Of one that is being rewritten the bytes from before may still be there: the manifest goes first.
            if not (snapshot.folder / file.name).is_file()
            or sha256_of(snapshot.folder / file.name) not in (file.sums if file.rewritten else {file.sha256})
        ]

    def require_whole(self, snapshot: Snapshot) -> None:
        """Make sure that a snapshot's files are what was taken in, before anything is made of them.

        A file with another sum is set aside under another name, so that the next look at its origin, which goes by
        the size, puts the right bytes back.

        Raises:
            ArchiveDamagedError: they are not; the message says what to do.
        """
        damaged = self.verify(snapshot)
        if not damaged:
            return
        for name in damaged:
            if (path := snapshot.folder / name).is_file():
                path.rename(path.with_name(f"{name}.damaged"))
        raise ArchiveDamagedError(
            f"the raw archive is damaged, which is no fault of who handed the data in: {', '.join(damaged)} in"
            f" {snapshot.folder} is missing or no longer has its checksum. Restore it from a backup; or take the"
            f" same file in again: it came from {snapshot.origin}."
        )

    def rewrite(self, snapshot: Snapshot, contents: Mapping[str, tuple[bytes, Sequence[str]]]) -> None:
        """Keep less of files: by name, the new bytes, and the days on which what they lack was asked to go.

        The manifest is written first. Wherever this is killed, the files are what it says or what they were, and
        the same call goes on.
        """
        files = {file.name: file for file in snapshot.files}
        for name, (content, days) in contents.items():
            sum_ = hashlib.sha256(content).hexdigest()
            if sum_ != files[name].kept_sha256:
                files[name] = files[name].without(sum_, len(content), days)
        manifest = snapshot.folder / "manifest.json"
        noted = json.loads(manifest.read_text(encoding="utf-8"))
        noted["files"] = [_noted(file) for file in files.values()]
        write_atomically(manifest, to_json(noted))
        with self.home.workspace(f"rewrite-{self.source}") as workspace:
            for name, (content, _) in contents.items():
                built = workspace / name
                with built.open("wb") as file:
                    file.write(content)
                    file.flush()
                    os.fsync(file.fileno())
                built.replace(snapshot.folder / name)

    # --- what may be kept for a time only ---------------------------------------------------------

    def outlived(self, until: date) -> dict[str, list[str]]:
        """By id of a snapshot, the files it still has that were first taken in on that day or before."""
        taken_in: dict[str, date] = {}
        snapshots = self.snapshots()
        for snapshot in snapshots:
            for file in snapshot.files:
                taken_in.setdefault(file.sha256, snapshot.date)
        found = {
            snapshot.id: [f.name for f in snapshot.files if f.erased is None and taken_in[f.sha256] <= until]
            for snapshot in snapshots
        }
        return {snapshot_id: names for snapshot_id, names in found.items() if names}

    def erase(self, files: Mapping[str, Sequence[str]], day: date) -> None:
        """Delete the bytes of files, by id of their snapshots, and note that they were deleted on that day."""
        for snapshot in self.snapshots():
            names = set(files.get(snapshot.id, ()))
            if not names:
                continue
            for name in names:
                (snapshot.folder / name).unlink(missing_ok=True)
            manifest = snapshot.folder / "manifest.json"
            content = json.loads(manifest.read_text(encoding="utf-8"))
            content["files"] = [
                _noted(replace(file, erased=day.isoformat()) if file.name in names else file)
                for file in snapshot.files
            ]
            write_atomically(manifest, to_json(content))

    def erased(self) -> set[str]:
        """The SHA-256 sums of the files whose bytes were deleted."""
        return {
            sum_ for snapshot in self.snapshots() for file in snapshot.files if file.erased for sum_ in file.sums
        }

    # --- the memory of origins: what makes the second night cheap -------------------------------

    def remembered(self, origin: str) -> dict[str, Any] | None:
        """What was noted of an origin when it was last pulled: ``{"token": ..., "snapshot": id}``."""
        content: dict[str, Any] = self._origins().get(origin, {})
        return content or None

    def remember(self, origin: str, token: Mapping[str, Any], snapshot: Snapshot) -> None:
        """Note what identifies an origin's content without reading it (ETag, or size and times)."""
        noted = {**self._origins(), origin: {"token": dict(token), "snapshot": snapshot.id}}
        write_atomically(self.folder / "origins.json", to_json(noted))

    def touch(self) -> None:
        """Note the time of a look that found nothing new, without writing a byte."""
        if (self.folder / "origins.json").exists():
            os.utime(self.folder / "origins.json")

    def find(self, snapshot_id: str) -> Snapshot | None:
        """The snapshot of that id, if it is in the archive."""
        return next((s for s in self.snapshots() if s.id == snapshot_id), None)

    def _origins(self) -> dict[str, Any]:
        try:
            content = json.loads((self.folder / "origins.json").read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError):
            return {}  # a memory that is lost costs a second reading, nothing else
        return content if isinstance(content, dict) else {}


def _file_of(noted: Mapping[str, Any]) -> RawFile:
    """A file as a manifest notes it."""
    rewritten = noted.get("rewritten")
    if rewritten is None:
        return RawFile(**noted)
    lists = {name: tuple(rewritten[name]) for name in ("erased", "formerly")}
    return RawFile(**{**noted, "rewritten": Rewritten(**{**rewritten, **lists})})


def _noted(file: RawFile) -> dict[str, Any]:
    """A file as a manifest notes it."""
    return {name: value for name, value in asdict(file).items() if value is not None}


def copy_file(path: Path, target: Path) -> None:
    """Copy a file's bytes, in pieces."""
    with path.open("rb") as reader, target.open("wb") as writer:
        shutil.copyfileobj(reader, writer, _CHUNK)
