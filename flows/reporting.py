"""The report of a run: the pages for coordinators, which may stand on a web server, and their annotated workbooks.

A workbook holds the names of contacts by its nature, so its annotated copy is put into the outbox alone, and the
page says where, without a link.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from checks.report import write_report
from flows.errors import FaultLog
from flows.outbox import hand_back
from flows.outcomes import NightOutcome
from flows.report_content import report_content
from flows.run import Run
from flows.settings import Settings
from warehouse import ledger
from warehouse.home import move_folder
from warehouse.store import reader


def report(run: Run, outcome: NightOutcome, faults: FaultLog) -> NightOutcome:
    """Write the report of a run that has an id. One that stands already is never overwritten.

    Gives the outcome back with the report's path, and with the annotated workbooks of its sources.
    """
    settings, declared, run_id = run.settings, run.declarations, str(outcome.run_id)
    page = settings.home.reports / run_id / "index.html"
    if page.exists():
        return replace(outcome, report=str(page))
    run.progress("writing the report")
    with settings.home.workspace("report") as workspace:
        outcome = replace(
            outcome,
            sources=tuple(hand_back(run, source, workspace, faults) for source in outcome.sources),
        )
        annotated = {
            s.name: str(Path(s.annotated).relative_to(settings.home.root)) for s in outcome.sources if s.annotated
        }
        built = workspace / run_id
        built.mkdir()
        write_report(built, report_content(settings, declared, outcome, annotated))
        move_folder(built, page.parent)
    return replace(outcome, report=str(page))


def last_report(settings: Settings) -> str | None:
    """The page of the last run that has one: what it says still stands after a night with nothing to say."""
    with reader(settings.home, settings.memory) as connection:
        runs = ledger.runs(connection, settings.home)
    pages = (settings.home.reports / run.run_id / "index.html" for run in reversed(runs))
    return next((str(page) for page in pages if page.exists()), None)
