"""How long work says where it is, without knowing who listens: a terminal, a log, or nobody."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Told of steps as they go. ``done`` and ``total`` count in the unit named; ``total`` may be unknown."""

    def __call__(self, step: str, done: float = 0, total: float | None = None, unit: str = "") -> None:
        """Say that ``step`` has got so far."""


def silent(step: str, done: float = 0, total: float | None = None, unit: str = "") -> None:
    """The listener that says nothing."""
