"""What one file from an address may take, where a source's ``http`` block says nothing."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class DownloadLimits:
    """What an address may take. ``max_bytes`` of one file; ``deadline_seconds`` of one file, all in all."""

    max_bytes: int = 4 << 30
    timeout_seconds: float = 60
    deadline_seconds: float = 2 * 3600
    redirects: int = 5
