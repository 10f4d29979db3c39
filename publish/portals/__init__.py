"""Portals: where releases are shown. One interface, a local folder and CKAN behind it.

A portal compares what it should show (``DesiredDataset``, made from the catalogue and the releases) with what it
shows. ``plan`` only reads and says what differs, what somebody changed by hand, and what is held; ``apply`` makes
the changes, writes nothing else, and leaves the public seeing the old version or the new one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from publish.desired import DesiredDataset
from publish.managed import Managed
from publish.plans import NOTHING_ALLOWED, Allowed, Failed, Plan, Published
from warehouse.progress import Progress


class Portal(Protocol):
    """A place where releases are shown."""

    @property
    def address(self) -> str:
        """Where a person finds it: a URL or a path. Never holds a secret."""

    @property
    def writes(self) -> int:
        """How many writing calls or files there were since it was made, also those of what failed then."""

    @property
    def managed(self) -> Sequence[Managed]:
        """What of it is ours. All else is never touched."""

    def plan(
        self,
        desired: Sequence[DesiredDataset],
        allowed: Allowed = NOTHING_ALLOWED,
        failed: Failed | None = None,
        *,
        deep: bool = False,
    ) -> Plan:
        """What differs from what is shown now, in the order it would be done. Writes nothing.

        ``deep``: every file is read again, though nothing says that somebody touched it.

        Raises:
            PortalError: the portal cannot be read; or a dataset cannot, and nobody listens (``failed``).
        """

    def apply(
        self,
        desired: Sequence[DesiredDataset],
        progress: Progress,
        failed: Failed,
        allowed: Allowed = NOTHING_ALLOWED,
        *,
        deep: bool = False,
    ) -> list[Published]:
        """Make it so, dataset by dataset. One that fails is told to ``failed`` and the others go on.

        ``deep``: every file is read again, though nothing says that somebody touched it.
        """
