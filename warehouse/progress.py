"""How long work says where it is, without knowing who listens: a terminal, a log, or nobody."""

from __future__ import annotations

from typing import Protocol, Self


class Progress(Protocol):
    """Told of steps as they go. ``done`` and ``total`` count in the unit named; ``total`` may be unknown."""

    def __call__(self, step: str, done: float = 0, total: float | None = None, unit: str = "") -> None:
        """Say that ``step`` has got so far."""


class Counted:
    """A step of so many parts, told as one: parts are counted, and it ends whatever becomes of them.

    Used with ``with``; it is called before each part.
    """

    def __init__(self, progress: Progress, step: str, total: int, unit: str) -> None:
        """Tells nothing yet."""
        self._progress = progress
        self._step = step
        self._total = total
        self._unit = unit
        self._begun = 0

    def __enter__(self) -> Self:
        return self

    def __call__(self) -> None:
        """The next part begins."""
        self._progress(self._step, self._begun, self._total, self._unit)
        self._begun += 1

    def __exit__(self, *error: object) -> None:
        self._progress(self._step, self._total, self._total, self._unit)


def silent(step: str, done: float = 0, total: float | None = None, unit: str = "") -> None:
    """The listener that says nothing."""
