"""What a run leaves in the ledger when it ends: what it said of each source, dataset and portal, and whether to say it.

A night that found nothing new writes nothing. So a run is noted if it changed something, if something failed, or if
what it says of a source, a dataset or a portal differs from what was last said of that: a quiet night that mends
what failed the night before is noted, the ninety quiet ones after it are not.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from flows.outcomes import FAILED, NightOutcome, PortalOutcome
from flows.settings import Settings
from flows.steps import Plan
from warehouse import ledger
from warehouse.ledger import RunRecord, Said
from warehouse.progress import Progress
from warehouse.store import reader

PUBLISH = "publish"  # the kind of a run that only publishes


def last_said(runs: Sequence[RunRecord], part: str) -> dict[str, Said]:
    """By name, what the newest run that spoke of it said. ``part``: sources, datasets or portal."""
    said: dict[str, Said] = {}
    for run in runs:
        said |= getattr(run, part)
    return said


def interrupted(runs: Sequence[RunRecord]) -> RunRecord | None:
    """The last run, if it changed the warehouse and was killed before its end was noted."""
    nights = [run for run in runs if run.kind != PUBLISH]
    return nights[-1] if nights and nights[-1].exit_code is None else None


def is_news(outcome: NightOutcome, runs: Sequence[RunRecord]) -> bool:
    """Whether a run that did not touch the warehouse has something to say."""
    if outcome.portal.writes or outcome.exit_code == FAILED or any(s.state == "failed" for s in outcome.sources):
        return True
    spoken = _spoken(outcome)
    return any(
        last_said(runs, part).get(name) != said for part, listed in spoken.items() for name, said in listed.items()
    )


def _spoken(outcome: NightOutcome) -> dict[str, dict[str, Said]]:
    return {
        "sources": {one.name: one.said() for one in outcome.sources},
        "datasets": {one.name: one.said() for one in outcome.datasets},
        "portal": outcome.portal.said(),
    }


def note(
    settings: Settings,
    runs: Iterable[RunRecord],
    outcome: NightOutcome,
    request: Mapping[str, Any],
    started: datetime,
    error: str = "",
) -> None:
    """Note the end of a run. One that changed the warehouse keeps its place in the order of runs."""
    assert outcome.run_id is not None  # noqa: S101 - who notes a run has given it an id
    begun = {run.run_id: run for run in runs}
    place = max((run.sequence for run in begun.values()), default=0) + 1
    own = begun.get(outcome.run_id)
    ledger.note_run(
        settings.home,
        RunRecord(
            outcome.run_id,
            outcome.kind,
            outcome.day,
            own.started_at if own else started,
            ledger.now(),
            own.request if own else request,
            own.sequence if own and own.sequence else place,
            FAILED if error else outcome.exit_code,
            **_spoken(outcome),
            error=error,
        ),
    )


def publish_by_hand(settings: Settings, plan: Plan, datasets: Sequence[str], progress: Progress) -> PortalOutcome:
    """Publish, and note it like a run if it changed something or is not what was last said of the portal."""
    from flows import publishing
    from flows.calendar import today

    started = ledger.now()
    portal = publishing.publish(settings, plan, datasets, progress)
    day = today()
    with reader(settings.home, settings.memory) as connection:
        runs = ledger.runs(connection, settings.home)
        run_id = ledger.next_run_id(connection, settings.home, day)
    outcome = NightOutcome(PUBLISH, day, run_id, (), (), portal)
    if is_news(outcome, runs):
        note(settings, runs, outcome, {"datasets": list(datasets)}, started)
    return portal
