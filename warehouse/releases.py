"""What a release is: an immutable version of a dataset, and the files it consists of."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


class ReleaseError(Exception):
    """A release cannot be made or read; the message names the dataset and what to do."""


class BreakingChangeError(ReleaseError):
    """A release would break the programs that read the dataset, and its entry does not say that this is meant."""


class NotReleasedError(LookupError):
    """A dataset has no release, or not in that format."""


@dataclass(frozen=True)
class ReleaseFile:
    """One file of a release. ``size`` in bytes."""

    key: str  # csv, parquet, xlsx, datapackage, changes
    name: str
    media_type: str
    sha256: str
    size: int


@dataclass(frozen=True)
class SnapshotUse:
    """A snapshot that a release was made of."""

    source: str
    snapshot_id: str
    date: date


@dataclass(frozen=True)
class Release:
    """An immutable version of a dataset.

    ``version`` is the date the data speak of, with ``.2``, ``.3`` ... where the same date was released again
    with other content; ``data_date`` and ``sequence`` are its parts. ``content_sha256`` stands for the rows,
    ``fingerprint`` for everything that the files are made of: rows, declaration, catalogue entry.
    """

    dataset: str
    version: str
    data_date: date
    sequence: int
    rows: int
    content_sha256: str
    fingerprint: str
    previous_version: str | None
    added: int
    changed: int
    removed: int
    files: tuple[ReleaseFile, ...]
    snapshots: tuple[SnapshotUse, ...]
    schema_changes: tuple[str, ...] = ()  # fields that came, went or changed since the previous version, in words
    held: int = 0  # rows that carry a mark: see ``FieldDeclaration.mark``
    newly_held: int = (
        0  # since the previous version, rows of which nothing but marks differs: a mark came or grew,
    )
    released: int = 0  # or was taken away
    major: int = 1  # raised where a column went, was renamed or retyped, or the key changed
    breaking: tuple[str, ...] = ()  # what did, since the previous version, in words

    @property
    def order(self) -> tuple[date, int]:
        """Sorts releases of one dataset: the latest has the newest data, whenever it was made."""
        return (self.data_date, self.sequence)

    def file(self, key: str) -> ReleaseFile | None:
        """The file of that key, if this release has one."""
        return next((file for file in self.files if file.key == key), None)
