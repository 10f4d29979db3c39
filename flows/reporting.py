"""The report of a run: the pages for coordinators, which may stand on a web server, and their annotated workbooks.

A workbook holds the names of contacts by its nature, so its annotated copy is put into the outbox alone, and the
page says where, without a link.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from checks.report import write_report
from flows.errors import FaultLog
from flows.outcomes import NightOutcome, SourceOutcome
from flows.report_content import report_content
from flows.run import Run
from flows.settings import Settings
from warehouse import ledger
from warehouse.archive import Archive
from warehouse.archive_keys import ArchiveKeyError
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
            sources=tuple(_annotated(run, source, workspace, faults) for source in outcome.sources),
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


def _annotated(run: Run, source: SourceOutcome, workspace: Path, faults: FaultLog) -> SourceOutcome:
    """The outcome with the annotated copy of what people handed in, put into the outbox, where there is a finding.

    A copy that cannot be made is told, and costs nothing else.
    """
    settings, declaration = run.settings, run.declarations.sources[source.name]
    if declaration.kind != "workbook" or source.snapshot is None or source.state == "failed":
        return source  # of a source that failed nothing new was read: what the outbox holds still stands
    from checks.annotate import annotate  # imports openpyxl, as the next does
    from sources.workbooks.inbox import SUFFIXES

    archive = Archive(settings.home, source.name)
    snapshot = archive.find(source.snapshot.snapshot_id)
    with reader(settings.home, settings.memory) as connection:
        found = ledger.findings(connection, source.name, source.snapshot.snapshot_id)
    if snapshot is None or not found:
        return source
    try:
        snapshot = archive.readable(snapshot, workspace / source.name)
    except ArchiveKeyError:
        return source  # known already, else it had failed tonight: what the outbox holds still stands
    except Exception as error:
        return _unmarked(source, error, faults)
    for path in snapshot.paths():
        if path.suffix.lower() not in SUFFIXES:
            continue
        name = f"{path.stem}-annotated.xlsx"
        place = settings.home.outbox / source.name / name
        try:
            findings = [f for f in found if f.file in (None, path.name)]
            written = annotate(path, findings, workspace / name, declaration).path
            place = place.with_name(written.name)
            place.parent.mkdir(parents=True, exist_ok=True)
            written.replace(place)
        except Exception as error:
            return _unmarked(source, error, faults)
        source = replace(source, annotated=str(place))
    return source


def _unmarked(source: SourceOutcome, error: Exception, faults: FaultLog) -> SourceOutcome:
    """The outcome, with why there is no annotated copy."""
    words = faults.tell(f"marking the workbook of {source.name}", error)
    return replace(source, notice=f"{source.notice} The marked workbook could not be made: {words}".strip())
