"""Portals: where releases are shown. One interface, a local folder and CKAN behind it.

A portal compares what it should show (``DesiredDataset``, made from the catalogue and the latest releases) with
what it shows. ``plan`` only reads and lists the changes; ``apply`` makes them, writes nothing else, and leaves
the public seeing the old version or the new one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from publish.desired import DesiredDataset
from warehouse.progress import Progress


class PortalError(Exception):
    """The portal cannot be read or written; the message says what, where, why and what to do.

    ``is_transient`` is True where the same call may pass later.
    """

    def __init__(self, message: str, *, is_transient: bool = False) -> None:
        super().__init__(message)
        self.is_transient = is_transient


@dataclass(frozen=True)
class Change:
    """One thing that differs: what would be done, to what, and why, in words a person reads."""

    dataset: str
    action: str  # create, update, upload, load, view, publish, remove
    target: str
    detail: str


@dataclass(frozen=True)
class Published:
    """What ``apply`` did for one dataset. ``writes`` counts the writing calls (CKAN) or files (folder)."""

    dataset: str
    changes: tuple[Change, ...]
    writes: int
    url: str


class Portal(Protocol):
    """A place where releases are shown."""

    @property
    def address(self) -> str:
        """Where a person finds it: a URL or a path. Never holds a secret."""

    def plan(self, desired: Sequence[DesiredDataset]) -> list[Change]:
        """What differs from what is shown now, in the order it would be done. Writes nothing."""

    def apply(
        self,
        desired: Sequence[DesiredDataset],
        progress: Progress,
        failed: Callable[[str, PortalError], None],
    ) -> list[Published]:
        """Make it so, dataset by dataset. One that fails is told to ``failed`` and the others go on."""
