"""The raw archive: what came over the wire, byte for byte, so that every later step can be repeated.

What is kept is snapshots (``warehouse.snapshots``). Files of a source that is about people lie encrypted here
where a key is given (``warehouse.encryption``).
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

from warehouse import archive_keys
from warehouse.archive_keys import ArchiveKey
from warehouse.encryption import EncryptedFileError, decrypt, encrypt
from warehouse.home import Home, move_folder, to_json, write_atomically
from warehouse.snapshots import RawFile as RawFile
from warehouse.snapshots import Snapshot as Snapshot
from warehouse.snapshots import Stored as Stored
from warehouse.snapshots import digest_of
from warehouse.snapshots import sha256_of as sha256_of

_CHUNK = 1 << 20
_MANIFEST = "manifest.json"
_ENCRYPTED, _REPLACED, _DAMAGED = ".encrypted", ".replaced", ".damaged"


class ArchiveDamagedError(Exception):
    """Files of the raw archive are no longer what was taken in: a fault on our side, not of who handed them in."""


@dataclass(frozen=True)
class Archive:
    """The snapshots of one source below ``raw/<source>/``.

    ``about_people``: what is put in is encrypted, if a key is given. How a file is read, its own note says.
    """

    home: Home
    source: str
    about_people: bool = False

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
        for manifest in self.folder.glob(f"*/{_MANIFEST}"):
            try:
                content = json.loads(manifest.read_text(encoding="utf-8"))
                snapshot = Snapshot(
                    source=content["source"],
                    date=date.fromisoformat(content["date"]),
                    origin=content["origin"],
                    files=tuple(map(RawFile.of, content["files"])),
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
        """Files of a folder as a snapshot notes them; one of which less is kept here than came is known again."""
        known = {
            found: file
            for snapshot in self.snapshots()
            for file in snapshot.files
            if file.lacking and file.erased is None
            for found in file.sums
        }
        files = []
        for name in sorted(names):
            found, size = sha256_of(built / name), (built / name).stat().st_size
            file = replace(known.get(found) or RawFile(name, found, size), name=name)
            files.append(replace(file, stored=None if found == file.sha256 else Stored(name, found, size)))
        return tuple(files)

    def keep(
        self, built: Path, names: Sequence[str], *, day: date, origin: str, files: Sequence[RawFile] | None = None
    ) -> Snapshot:
        """Move files from a workspace into the archive as one snapshot; give back the one that holds them.

        The same bytes as a snapshot of that day are not kept twice.

        Args:
            built: a folder on the home's file system that holds just these files.
            names: the files' names; plain names, no paths.
            day: the day the data speak of.
            origin: the path or address they came from, without credentials.
            files: the files as they are to be noted, if somebody looked into them already (``files_in``).

        Raises:
            ArchiveKeyError: the source's files are encrypted, and no key is given or what is given is none.
        """
        if unsafe := [name for name in names if Path(name).name != name or name.startswith(".")]:
            raise ValueError(f"not a plain file name: {unsafe[0]!r}")
        files = self.files_in(built, names) if files is None else tuple(sorted(files, key=lambda one: one.name))
        existing = self.snapshots()
        of_day = [s for s in existing if s.date == day]
        same = next((s for s in of_day if s.digest == digest_of(files)), None)
        if same and same is of_day[-1]:
            return same
        snapshot_id = f"{day.isoformat()}-{digest_of(files)[:12]}"
        if same:
            files = same.files
        elif key := self._key_for_new(existing):
            files = tuple(self._encrypted(file, built, built / file.name, key, snapshot_id) for file in files)
            for name in names:
                (built / name).unlink()
        # Seen that day before, but other content came between: now it is the day's newest again.
        place = same.folder if same else self.folder / snapshot_id
        content = {
            "source": self.source,
            "date": day.isoformat(),
            "origin": origin,
            "files": [_noted(file) for file in files],
            "sequence": len(existing) + 1,
        }
        if same:
            write_atomically(place / _MANIFEST, to_json(content))
        else:
            (built / _MANIFEST).write_text(to_json(content), encoding="utf-8")
            move_folder(built, place)
        return Snapshot(self.source, day, origin, files, place)

    def verify(self, snapshot: Snapshot) -> list[str]:
        """Names of files that are missing or no longer have their sum. Of encrypted ones, without a key."""
        return [file.name for file in snapshot.files if file.erased is None and not _is_as_noted(snapshot, file)]

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
        for file in snapshot.files:
            if file.name in damaged and (path := snapshot.place(file)).is_file():
                path.rename(path.with_name(f"{path.name}{_DAMAGED}"))
        raise _damaged(snapshot, ", ".join(damaged), "is missing or no longer has its checksum")

    # --- what lies here otherwise than it came ---------------------------------------------------

    def readable(self, snapshot: Snapshot, folder: Path) -> Snapshot:
        """A snapshot whose files can be read: itself, or the same with plain copies in a folder.

        Args:
            snapshot: of this archive.
            folder: is made, if it is needed: in a workspace, which ends with whoever reads.

        Raises:
            ArchiveKeyError, ArchiveDamagedError: as of ``copy_plain``.
        """
        if all(file.stored is None or file.erased for file in snapshot.files):
            return snapshot
        folder.mkdir(mode=0o700)
        for file in snapshot.files:
            if file.erased is None:
                self.copy_plain(snapshot, file.name, folder / file.name)
        return replace(snapshot, folder=folder, files=tuple(replace(file, stored=None) for file in snapshot.files))

    def copy_plain(self, snapshot: Snapshot, name: str, target: Path) -> None:
        """Write a file's plain bytes to a new file.

        Raises:
            ArchiveKeyError: it is encrypted, and its key is not given.
            ArchiveDamagedError: it is not what was encrypted.
        """
        file = _file_of(snapshot, name)
        if file.kept.key_id is None:
            copy_file(snapshot.place(file), target)
            return
        key = archive_keys.key_of(snapshot.source, snapshot.id, file.kept.key_id)
        try:
            decrypt(snapshot.place(file), target, key, _context(snapshot.source, snapshot.id, name))
        except EncryptedFileError as error:
            damage = f"cannot be decrypted, though its key {key.id} is given: {error}"
        else:
            return
        raise _damaged(snapshot, name, damage)

    def replace(self, snapshot: Snapshot, name: str, plain: Path, asked: Sequence[str] = ()) -> Snapshot:
        """Let other plain bytes lie here in a file's stead, encrypted as those of this archive are.

        By which sum and size the file is known stays, and so does the snapshot's id. What lay here goes last:
        killed before, the manifest still speaks of it; killed in between, ``tidy`` removes it.

        Args:
            snapshot: of this archive.
            name: of the file.
            plain: in a workspace of the home; it is moved away or deleted.
            asked: of each record that it lacks beside the one here, on which day somebody asked for that.

        Returns:
            The snapshot as it is noted now.

        Raises:
            ArchiveKeyError: it is to be encrypted, and no key is given or what is given is none.
        """
        file, found = _file_of(snapshot, name), sha256_of(plain)
        changed = file.without(found, asked) if asked else file
        key = self._key_for_new([snapshot])
        if key:
            changed = self._encrypted(changed, plain.parent, plain, key, snapshot.id)
            (plain.parent / changed.kept.name).replace(snapshot.place(changed))
            plain.unlink()
        else:
            other = Stored(f"{name}.{found[:8]}{_REPLACED}", found, plain.stat().st_size)
            changed = replace(changed, stored=None if found == file.sha256 else other)
            plain.replace(snapshot.place(changed))
        snapshot = replace(snapshot, files=tuple(changed if one is file else one for one in snapshot.files))
        self._note(snapshot)
        if file.kept.name != changed.kept.name:
            (snapshot.folder / file.kept.name).unlink(missing_ok=True)
        return snapshot

    def tidy(self, snapshot: Snapshot) -> list[Path]:
        """Remove what lies in a snapshot's folder and is no file of it: bytes that were replaced or set aside.

        Nothing is removed where a file of the snapshot is missing or damaged. Returns what is not ours.
        """
        noted = {_MANIFEST, *(file.kept.name for file in snapshot.files if file.erased is None)}
        others = [path for path in sorted(snapshot.folder.iterdir()) if path.name not in noted]
        own = [path for path in others if _is_own(path.name, snapshot)]
        if own and not self.verify(snapshot):
            for path in own:
                path.unlink()
            return [path for path in others if path not in own]
        return others

    def _key_for_new(self, existing: Sequence[Snapshot]) -> ArchiveKey | None:
        """The key with which to encrypt; None: what is new lies plain here.

        A key that was forgotten once must not let plain files come to lie beside encrypted ones.
        """
        is_encrypted = any(snapshot.is_encrypted for snapshot in existing)
        if is_encrypted or (self.about_people and archive_keys.is_given()):
            return archive_keys.newest(self.source)
        return None

    def _encrypted(self, file: RawFile, folder: Path, plain: Path, key: ArchiveKey, snapshot_id: str) -> RawFile:
        """Encrypt a file's bytes into a folder; the file as it is noted then."""
        unnamed = folder / f".{file.sha256[:12]}{_ENCRYPTED}"
        encrypt(plain, unnamed, key, _context(self.source, snapshot_id, file.name))
        found = sha256_of(unnamed)
        stored = Stored(f"{file.name}.{found[:8]}{_ENCRYPTED}", found, unnamed.stat().st_size, key.id)
        unnamed.rename(folder / stored.name)
        return replace(file, stored=stored)

    def _note(self, snapshot: Snapshot) -> None:
        """Note a snapshot's files anew."""
        manifest = snapshot.folder / _MANIFEST
        content = json.loads(manifest.read_text(encoding="utf-8"))
        write_atomically(manifest, to_json({**content, "files": [_noted(file) for file in snapshot.files]}))

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
            left = [replace(f, erased=day.isoformat()) if f.name in names else f for f in snapshot.files]
            for file in snapshot.files:
                if file.name in names:
                    snapshot.place(file).unlink(missing_ok=True)
                    for aside in snapshot.folder.glob(f"*{_DAMAGED}"):
                        if aside.name.startswith(f"{file.name}."):
                            aside.unlink()
            self._note(replace(snapshot, files=tuple(left)))

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


def _noted(file: RawFile) -> dict[str, Any]:
    """A file as a manifest notes it."""
    return asdict(file, dict_factory=lambda items: {name: value for name, value in items if value is not None})


def _file_of(snapshot: Snapshot, name: str) -> RawFile:
    return next(file for file in snapshot.files if file.name == name)


def _context(source: str, snapshot_id: str, name: str) -> str:
    """What an encrypted file is: put into another one's place it cannot be decrypted."""
    return f"{source}/{snapshot_id}/{name}"


def _is_own(name: str, snapshot: Snapshot) -> bool:
    """Whether we gave a file in a snapshot's folder its name: that of a file of it, or one made from it."""
    made = (_ENCRYPTED, _REPLACED, _DAMAGED)
    return any(name == f.name or (name.startswith(f"{f.name}.") and name.endswith(made)) for f in snapshot.files)


def _is_as_noted(snapshot: Snapshot, file: RawFile) -> bool:
    place = snapshot.place(file)
    return place.is_file() and sha256_of(place) == file.kept.sha256


def _damaged(snapshot: Snapshot, what: str, damage: str) -> ArchiveDamagedError:
    return ArchiveDamagedError(
        f"the raw archive is damaged, which is no fault of who handed the data in: {what} in {snapshot.folder}"
        f" {damage}. Restore it from a backup; or take the same file in again: it came from {snapshot.origin}."
    )


def copy_file(path: Path, target: Path) -> None:
    """Copy a file's bytes, in pieces."""
    with path.open("rb") as reader, target.open("wb") as writer:
        shutil.copyfileobj(reader, writer, _CHUNK)
