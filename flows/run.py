"""What a run is: its surroundings, what is declared, what is asked for, and how its steps are run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from datetime import date
from types import TracebackType
from typing import Any, Protocol, TypeVar

from flows.declarations import Declarations
from flows.errors import FaultLog, RequestError
from flows.settings import Settings
from warehouse.addresses import has_credentials
from warehouse.lease import LeaseLostError
from warehouse.personal import without_personal
from warehouse.progress import Progress, silent

T = TypeVar("T")


class Runner(Protocol):
    """Runs steps. ``kind`` names the step's policy (``flows.orchestration.nightly.POLICIES``)."""

    def submit(self, kind: str, name: str, step: Callable[..., T], *arguments: Any) -> Future[T]:
        """Begin a step; its result or its exception comes from the future."""


class Direct(AbstractContextManager["Direct"]):
    """Runs steps directly, side by side where a run begins several at once."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(max_workers=4, thread_name_prefix="step")

    def submit(self, kind: str, name: str, step: Callable[..., T], *arguments: Any) -> Future[T]:
        """Begin a step in a thread."""
        return self._pool.submit(step, *arguments)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown()


@dataclass(frozen=True)
class RunRequest:
    """What a run is asked for.

    Args:
        day: the logical date of the run.
        sources: by name, where to pull from (None: the source's default). Empty: all sources, their defaults.
        datasets: which datasets to build and publish. Empty: all.
        allow_shrink: sources and datasets that may be much smaller than last time.
        publish: False leaves the portal alone.
    """

    day: date
    sources: Mapping[str, str | None]
    datasets: tuple[str, ...] = ()
    allow_shrink: tuple[str, ...] = ()
    publish: bool = True

    def as_kept(self) -> dict[str, Any]:
        """The request as the ledger keeps it."""
        return {
            "sources": {name: without_personal(origin or "default") for name, origin in self.sources.items()},
            "datasets": list(self.datasets),
            "allow_shrink": list(self.allow_shrink),
        }


@dataclass(frozen=True)
class Run:
    """One run: ``settings`` say where, ``request`` what, ``declarations`` of what kind, ``runner`` how.

    ``kind`` is nightly, backfill or rebuild; ``progress`` is told of the steps.
    """

    settings: Settings
    request: RunRequest
    runner: Runner
    progress: Progress = silent
    declarations: Declarations = field(default_factory=Declarations.read)
    kind: str = "nightly"

    def checked(self) -> Run:
        """The run with its request's defaults filled in, and all that is declared read.

        Raises:
            RequestError: it asks for a source or a dataset that is not declared; the message lists those that are.
            DeclarationError, ModelError: what is declared cannot be used.
        """
        declared, request = self.declarations.all_read(), self.request
        for kind, named, known in (
            ("source", request.sources, declared.sources),
            ("dataset", request.datasets, declared.datasets),
            ("name", request.allow_shrink, {**declared.sources, **declared.datasets}),
        ):
            for name in named:
                if name not in known:
                    raise RequestError(f"there is no {kind} {name!r}; declared are: {', '.join(known)}")
        for name, origin in request.sources.items():
            if origin and has_credentials(origin):
                raise RequestError(
                    f"the address of {name} holds a password, which would be stored with the run:"
                    " give one without, and let the publisher's server be reached without it"
                )
        return self.asking(
            sources=request.sources or dict.fromkeys(declared.sources),
            datasets=request.datasets or tuple(declared.datasets),
        )

    def asking(self, **changes: Any) -> Run:
        """The same run with another request, e.g. that of one window of a backfill."""
        return replace(self, request=replace(self.request, **changes))

    def may_shrink(self, name: str) -> bool:
        """Whether somebody said that this source or dataset may be much smaller than last time."""
        return name in self.request.allow_shrink


# What a step does, for the sentence about a fault of the program in it.
_DOING = {
    "pull": "pulling",
    "stage": "reading",
    "check": "checking",
    "load": "loading",
    "build": "building",
    "prune": "looking through versions",
    "publish": "publishing",
    "report": "writing the report",
    "mail": "mailing the verdicts",
}


@dataclass(frozen=True)
class GuardedSteps:
    """The steps of a run: begun by its runner, their faults told in words."""

    runner: Runner
    faults: FaultLog

    def begin(self, kind: str, subject: str, step: Callable[..., T], *arguments: Any) -> Future[T]:
        """Begin a step on a source or a dataset; ``subject`` is empty where it is on neither."""
        guarded = self.faults.guarded(f"{_DOING[kind]} {subject}".strip(), step)
        return self.runner.submit(kind, f"{kind} {subject}".strip(), guarded, *arguments)

    def do(self, kind: str, subject: str, step: Callable[..., T], *arguments: Any) -> T | Exception:
        """Do a step, and give what it gave, or its error."""
        return result_of(self.begin(kind, subject, step, *arguments))


def result_of(future: Future[T]) -> T | Exception:
    """A step's value, or the error that concerns its source or dataset only; the others go on.

    Raises:
        LeaseLostError: the home is another run's now: this one ends.
    """
    try:
        return future.result()
    except LeaseLostError:
        raise
    except Exception as error:
        return error
