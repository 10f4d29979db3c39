"""Who watches a flow run from the same process: told of its progress, given its outcome.

A flow's parameters are stored by Prefect as JSON, so a terminal cannot be one of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from flows.outcomes import NightOutcome
from warehouse.progress import Progress, silent


@dataclass
class Watch:
    """A watcher: ``progress`` is told of steps, ``outcome`` is set at the end."""

    progress: Progress = silent
    outcome: NightOutcome | None = None


_current: ContextVar[Watch | None] = ContextVar("watch", default=None)


def watching() -> Watch:
    """The watcher of this run; one that nobody looks at, if there is none."""
    return _current.get() or Watch()


@contextmanager
def watched(progress: Progress) -> Iterator[Watch]:
    """Watch what is run in this block."""
    watch = Watch(progress)
    token = _current.set(watch)
    try:
        yield watch
    finally:
        _current.reset(token)
