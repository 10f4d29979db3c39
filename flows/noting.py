"""What a run leaves in the ledger when it ends: what it said of each source, dataset and portal.

A night that found nothing new writes nothing. So a run is noted if it changed something, if something failed, or
if what it says of a source, a dataset or a portal differs from what was last said of that: a quiet night that
mends what failed the night before is noted, the ninety quiet ones after it are not.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from flows.declarations import Declarations
from flows.outcomes import FAILED, NightOutcome, PortalOutcome
from flows.settings import Settings
from publish.plans import NOTHING_ALLOWED, Allowed
from warehouse import ledger
from warehouse.ledger import RunRecord
from warehouse.progress import Progress
from warehouse.store import reader

PUBLISH = "publish"  # the kind of a run that only publishes


def interrupted(runs: Sequence[RunRecord]) -> RunRecord | None:
    """The last run, if it changed the warehouse and was killed before its end was noted."""
    nights = [run for run in runs if run.kind != PUBLISH]
    return nights[-1] if nights and nights[-1].exit_code is None else None


def is_news(outcome: NightOutcome, runs: Sequence[RunRecord]) -> bool:
    """Whether a run that did not touch the warehouse has something to say."""
    if outcome.portal.writes or outcome.pruned or outcome.exit_code == FAILED:
        return True
    if any(source.state == "failed" for source in outcome.sources):
        return True
    now = _record(outcome, {}, ledger.now(), 0)
    return any(
        ledger.last_said(runs, part) != ledger.last_said([*runs, now], part)
        for part in ("sources", "datasets", "portal")
    )


def _record(outcome: NightOutcome, request: Mapping[str, Any], started: datetime, place: int) -> RunRecord:
    return RunRecord(
        str(outcome.run_id),
        outcome.kind,
        outcome.day,
        started,
        ledger.now(),
        request,
        place,
        outcome.exit_code,
        {one.name: one.said() for one in outcome.sources},
        {one.name: one.said() for one in outcome.datasets},
        outcome.portal.said(),
    )


def note(
    settings: Settings,
    runs: Iterable[RunRecord],
    outcome: NightOutcome,
    request: Mapping[str, Any],
    started: datetime,
    error: str = "",
) -> None:
    """Note the end of a run. One that changed the warehouse keeps its place in the order of runs."""
    begun = {run.run_id: run for run in runs}
    place = max((run.sequence for run in begun.values()), default=0) + 1
    if own := begun.get(str(outcome.run_id)):
        request, started, place = own.request, own.started_at, own.sequence or place
    record = _record(outcome, request, started, place)
    ledger.note_run(settings.home, replace(record, exit_code=FAILED, error=error) if error else record)


def publish_by_hand(
    settings: Settings,
    declared: Declarations,
    datasets: Sequence[str],
    progress: Progress,
    allowed: Allowed = NOTHING_ALLOWED,
    *,
    deep: bool = False,
) -> PortalOutcome:
    """Publish, and note it like a run if it changed something or is not what was last said of the portal.

    ``deep``: every file of the portal is read again.
    What is ``allowed`` was written down before (``flows.allowing.remember``), and is noted with the run.
    """
    from flows import publishing
    from flows.calendar import today

    started = ledger.now()
    portal = publishing.publish(settings, declared, datasets, progress, allowed, deep=deep)
    day = today()
    with reader(settings.home, settings.memory) as connection:
        runs = ledger.runs(connection, settings.home)
        run_id = ledger.next_run_id(connection, settings.home, day)
    outcome = NightOutcome(PUBLISH, day, run_id, (), (), portal)
    if is_news(outcome, runs):
        said = {name: sorted(names) for name, names in vars(allowed).items() if names}
        note(settings, runs, outcome, {"datasets": list(datasets), "allowed": said}, started)
    return portal
