"""The night and the backfill as Prefect flows: a thin skin. Prefect orders, retries, times and shows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, TypeVar, cast

from prefect import flow, get_client, get_run_logger, task
from prefect.artifacts import create_markdown_artifact, create_table_artifact
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun
from prefect.context import FlowRunContext
from prefect.runtime import flow_run
from prefect.states import Cancelled, Completed, Failed
from prefect.task_runners import ThreadPoolTaskRunner
from prefect.tasks import Task

from checks.report import findings_table, summary_markdown
from flows.backfill import backfill
from flows.calendar import today
from flows.night import night
from flows.orchestration.watching import watching
from flows.outcomes import FAILED, HELD, NightOutcome
from flows.report_content import report_content
from flows.run import Run, RunRequest
from flows.settings import Settings, silence_telemetry
from warehouse.progress import Progress, silent

T = TypeVar("T")


@dataclass(frozen=True)
class Policy:
    """How often a kind of step is tried again, after how many seconds, and how many seconds it may take."""

    retry_delays: tuple[float, ...] = ()
    timeout_seconds: float | None = None


# Only what can pass is tried again: a network, not a wrong file. Nothing that writes the warehouse is.
POLICIES: Mapping[str, Policy] = {
    "pull": Policy(retry_delays=(5, 30, 120), timeout_seconds=3 * 3600),
    "stage": Policy(timeout_seconds=3600),
    "check": Policy(timeout_seconds=3600),
    "load": Policy(timeout_seconds=3600),
    "build": Policy(timeout_seconds=3600),
    "prune": Policy(timeout_seconds=3600),
    "publish": Policy(timeout_seconds=3 * 3600),
    "report": Policy(timeout_seconds=600),
    "mail": Policy(timeout_seconds=600),
}


def can_pass(task_object: Task[Any, Any], run: TaskRun, state: State[Any]) -> bool:
    """Whether a failed step may succeed if it is simply done again."""
    try:
        state.result()
    except Exception as error:  # whatever it raised: that is the question
        return bool(getattr(error, "is_transient", False))
    return False


class PrefectRunner:
    """Runs steps as tasks of the flow that is running, and tells ``progress`` when one begins."""

    def __init__(self, progress: Progress = silent) -> None:
        self._progress = progress

    def submit(self, kind: str, name: str, step: Callable[..., T], *arguments: Any) -> Future[T]:
        """Begin a step as a task. Its arguments are not sent to the server: they may be large, or secret."""
        policy = POLICIES[kind]

        def call() -> T:
            self._progress(name)
            return step(*arguments)

        call.__name__ = kind
        call.__doc__ = step.__doc__
        made = task(
            name=kind,
            task_run_name=name,
            retries=len(policy.retry_delays),
            retry_delay_seconds=list(policy.retry_delays),
            retry_condition_fn=can_pass,
            timeout_seconds=policy.timeout_seconds,
            cache_policy=NO_CACHE,
            persist_result=False,
        )(call)
        return cast("Future[T]", made.submit())


def leave_artifacts(run: Run, outcome: NightOutcome) -> None:
    """A summary and a table of findings, for whoever looks at the run in Prefect. They never fail the night."""
    content = report_content(run.settings, run.declarations, outcome, {})
    key = f"{outcome.kind}-{outcome.day.isoformat()}"
    try:
        create_markdown_artifact(
            summary_markdown(content, Path(outcome.report).parent if outcome.report else None),
            key=f"{key}-summary",
            description="What the run came to",
        )
        table = findings_table(content)
        if table:
            create_table_artifact(table, key=f"{key}-findings", description="What should be mended")
    except Exception as error:  # the artifacts are a convenience, the night is done
        get_run_logger().warning("no artifacts: %s", error)


def final_state(outcome: NightOutcome) -> State[None]:
    """The state of the flow's run: a night that held something is done, but shows it.

    Prefect's pages go by a state's type, not by its name: "Held" of type COMPLETED is one more green bar, counted
    among the completed runs (3.8.8). FAILED is what alarms listen to, and PAUSED is no end. CANCELLED is an end
    with a colour and a count of its own on the dashboard, and nothing else of ours ends like that.
    """
    if outcome.exit_code == FAILED:
        problems = [
            *(f"{s.name}: {s.message}" for s in outcome.sources if s.state == "failed"),
            *(f"{d.name}: {d.message}" for d in outcome.datasets if d.state == "failed"),
            *outcome.portal.problems.values(),
        ]
        return Failed(message="; ".join(dict.fromkeys(problems))[:2000])
    if outcome.exit_code == HELD:
        on_portal = [f"{name}: {hold.detail}" for name, holds in outcome.portal.holds.items() for hold in holds]
        told = ["Something was held or served from its last good snapshot.", *on_portal]
        return Cancelled(name="Held", message=" ".join(told)[:2000])
    return Completed()


def _called_nightly() -> str:
    return f"nightly {flow_run.parameters.get('day') or today()}"


def _called_backfill() -> str:
    return f"backfill {flow_run.parameters['first']} to {flow_run.parameters['last']}"


def tag_run(run: Run, *states: str) -> None:
    """Tag this run with its sources, its home, and what it came to: so that it is found. Never fails the night."""
    try:
        own = FlowRunContext.get().flow_run  # type: ignore[union-attr]
        sources = run.request.sources or run.declarations.sources
        tags = {*own.tags, *sources, str(run.settings.home.root), *states}  # type: ignore[union-attr]
        with get_client(sync_client=True) as client:
            client.update_flow_run(own.id, tags=sorted(tags))  # type: ignore[union-attr]
    except Exception as error:  # tags are a convenience, the night is what matters
        get_run_logger().warning("no tags: %s", error)


def _run_flow(settings: Settings, request: RunRequest, work: Callable[[Run], NightOutcome]) -> State[None]:
    """Do the work as the flow that is running, and show in Prefect what it came to."""
    silence_telemetry()
    watch = watching()
    run = Run(settings, request, PrefectRunner(watch.progress), watch.progress)
    tag_run(run)
    outcome = work(run)
    watch.outcome = outcome
    leave_artifacts(run, outcome)
    state = final_state(outcome)
    if outcome.exit_code in (FAILED, HELD):
        tag_run(run, str(state.name).lower())
    return state


@flow(
    name="nightly",
    flow_run_name=_called_nightly,
    task_runner=ThreadPoolTaskRunner(max_workers=4),  # type: ignore[arg-type]
    persist_result=False,
)
def nightly(
    day: date | None = None,
    sources: dict[str, str | None] | None = None,
    datasets: list[str] | None = None,
    portal: str | None = None,
    home: str | None = None,
    allow_shrink: list[str] | None = None,
) -> State[None]:
    """One night. Without parameters: today, all sources from where they are published, all datasets.

    Args:
        day: the logical date.
        sources: by name, a path or URL to pull from, or null for the source's own.
        datasets: which datasets to build and publish.
        portal: a CKAN's URL or a folder; its token comes from ``OPENDISTRICT_PORTAL_TOKEN``.
        home: the home folder.
        allow_shrink: sources and datasets that may be much smaller than last time.
    """
    settings = Settings.of(Path(home) if home else None, portal)
    request = RunRequest(day or today(), sources or {}, tuple(datasets or ()), tuple(allow_shrink or ()))
    return _run_flow(settings, request, night)


@flow(
    name="backfill",
    flow_run_name=_called_backfill,
    task_runner=ThreadPoolTaskRunner(max_workers=4),  # type: ignore[arg-type]
    persist_result=False,
)
def backfill_flow(
    first: date,
    last: date,
    sources: dict[str, str | None] | None = None,
    datasets: list[str] | None = None,
    portal: str | None = None,
    home: str | None = None,
    allow_shrink: list[str] | None = None,
) -> State[None]:
    """Past snapshots from the raw archive, window by window in order; then the portal shows what is newest.

    Args:
        first: the first date of the data.
        last: the last date of the data, included.
        sources: by name, a folder of files named by their date to take in first, or null.
        datasets: which datasets to build and publish.
        portal: a CKAN's URL or a folder; its token comes from ``OPENDISTRICT_PORTAL_TOKEN``.
        home: the home folder.
        allow_shrink: sources and datasets that may be much smaller than before.
    """
    settings = Settings.of(Path(home) if home else None, portal)
    request = RunRequest(last, sources or {}, tuple(datasets or ()), tuple(allow_shrink or ()))
    return _run_flow(settings, request, lambda run: backfill(run, first, last))
