"""What a version is called, where its files lie, and which one comes before it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path

from warehouse.home import Home
from warehouse.releases import Release


def version_label(data_date: date, sequence: int) -> str:
    """``2026-02-01``, and ``2026-02-01.2`` where that date is released a second time."""
    return data_date.isoformat() if sequence == 1 else f"{data_date.isoformat()}.{sequence}"


def release_folder(home: Home, release: Release) -> Path:
    """Where a release's files lie."""
    return home.releases / release.dataset / release.version


def previous_release(existing: Sequence[Release], data_date: date) -> Release | None:
    """What a release of that date would be compared with: the latest whose data are not newer."""
    older = [release for release in existing if release.data_date <= data_date]
    return max(older, key=lambda release: release.order, default=None)
