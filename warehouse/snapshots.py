"""Snapshots: what one pull of one source brought, and what is kept of it.

A snapshot is one or more files and the date their data speak of. Its id is that date and a digest of the files'
SHA-256 sums, so the same bytes are kept once however often they are pulled. By which name, sum and size a file is
known stays what it was when it was taken in; its note says as what it lies in the archive.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Stored:
    """What lies in a snapshot's folder in a file's stead: its name there, and sum and size of what lies there.

    ``key_id``: of the archive key under which it is encrypted; None: it is plain.
    """

    name: str
    sha256: str
    size: int
    key_id: str | None = None


@dataclass(frozen=True)
class Lacking:
    """What people asked to be taken out of a file: of each record, on which day.

    ``sums``: those that the file has had since, of plain bytes, the newest last.
    """

    asked: tuple[str, ...]
    sums: tuple[str, ...]


@dataclass(frozen=True)
class RawFile:
    """One file of a snapshot: its name, sum and size (in bytes) as it was taken in.

    ``erased``: the day on which its bytes were deleted, as a source's ``retention_days`` asks; its sum stays, so
    that the same file is not taken in again. ``stored``: what lies here instead; None: the file as it came.
    ``lacking``: what is kept of it is less than came.
    """

    name: str
    sha256: str
    size: int
    erased: str | None = None
    stored: Stored | None = None
    lacking: Lacking | None = None

    @property
    def kept(self) -> Stored:
        """What lies in the snapshot's folder, whether it is the file as it was taken in or not."""
        return self.stored or Stored(self.name, self.sha256, self.size)

    @property
    def plain_sha256(self) -> str:
        """The sum of what is kept of it, once it is decrypted."""
        return self.lacking.sums[-1] if self.lacking else self.sha256

    @property
    def sums(self) -> frozenset[str]:
        """The sums under which it is known, of plain bytes: as it came, and as it was kept then and now."""
        return frozenset((self.sha256, *(self.lacking.sums if self.lacking else ())))

    def without(self, sha256: str, asked: Sequence[str]) -> RawFile:
        """The same file when bytes of that sum are kept of it, for records that were asked to go on these days.

        It is the same as before if they are kept already.
        """
        if sha256 == self.plain_sha256:
            return self
        before = self.lacking or Lacking((), ())
        return replace(self, lacking=Lacking((*before.asked, *asked), (*before.sums, sha256)))

    @staticmethod
    def of(noted: Mapping[str, Any]) -> RawFile:
        """A file from what a manifest notes of it."""
        stored, lacking = noted.get("stored"), noted.get("lacking")
        parts = {
            "stored": Stored(**stored) if stored else None,
            "lacking": Lacking(tuple(lacking["asked"]), tuple(lacking["sums"])) if lacking else None,
        }
        return RawFile(**{**noted, **parts})


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

    @property
    def is_encrypted(self) -> bool:
        """Whether any of its files can be read with a key only."""
        return any(file.kept.key_id and file.erased is None for file in self.files)

    def place(self, file: RawFile) -> Path:
        """Where what is kept of a file lies."""
        return self.folder / file.kept.name

    def paths(self) -> list[Path]:
        """The files that are kept, in the order of their names; of a snapshot as ``Archive.readable`` gives it."""
        if any(file.stored and file.erased is None for file in self.files):
            raise ValueError(
                f"{self.source} {self.id}: its files do not lie here as they came; use Archive.readable"
            )
        return [self.place(file) for file in self.files if file.erased is None]


def digest_of(files: Sequence[RawFile]) -> str:
    """SHA-256 over the sums of several files, in the order of their names."""
    return hashlib.sha256("\n".join(file.sha256 for file in files).encode()).hexdigest()


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, read in pieces."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
