"""The report of a run: the page for coordinators, which may stand on a web server, and their annotated workbooks.

A workbook holds the names of contacts by its nature, so its annotated copy is put into the outbox alone, and the
page says where, without a link.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from checks.report import DatasetSection, ReportContent, SourceSection, write_report
from checks.rules import compile_rules
from flows.declarations import Declarations
from flows.errors import FaultLog
from flows.outcomes import HELD_BACK, DatasetOutcome, NightOutcome, SourceOutcome
from flows.run import Run
from flows.settings import Settings
from warehouse import ledger
from warehouse.archive import Archive
from warehouse.archive_keys import ArchiveKeyError
from warehouse.declarations import DatasetDeclaration, Severity
from warehouse.home import move_folder
from warehouse.identities.doubts import doubts
from warehouse.ledger import SnapshotRecord
from warehouse.protection import Protection
from warehouse.store import reader
from warehouse.turns import turn_of

_LISTED = 300  # findings a source on the page; the annotated workbook and the ledger hold them all


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


def report_content(
    settings: Settings, declared: Declarations, outcome: NightOutcome, annotated: Mapping[str, str]
) -> ReportContent:
    """What the report says, gathered from the ledger.

    It speaks of the run, not of who writes it: after a kill the next run writes it with the same words.
    ``annotated``: by source, where below the home its annotated workbook lies.
    """
    run_id = outcome.run_id or str(outcome.day)
    with reader(settings.home, settings.memory) as connection:
        promoted = {one.name: ledger.promoted(connection, one.name) for one in outcome.sources}
        return ReportContent(
            run_id=run_id,
            day=outcome.day,
            kind=outcome.kind,
            sources=[
                _source_section(connection, declared, source, run_id, annotated.get(source.name))
                for source in outcome.sources
            ],
            datasets=[
                _dataset_section(connection, declared.datasets[dataset.name], dataset, run_id)
                for dataset in outcome.datasets
            ],
            portal=outcome.portal.address,
            portal_problem="; ".join(sorted(set(outcome.portal.problems.values()))),
            quality={
                name: [_quality(record) for record in records]
                for name, records in promoted.items()
                if not declared.sources[name].is_about_people  # rows are people: they are not counted
            },
        )


def _source_section(
    connection: ledger.Connection,
    declared: Declarations,
    source: SourceOutcome,
    run_id: str,
    annotated: str | None,
) -> SourceSection:
    declaration, snapshot = declared.sources[source.name], source.snapshot
    rules = declared.source_rules[source.name]
    is_loaded = source.state == "unchanged" and snapshot is not None and snapshot.run_id == run_id
    return SourceSection(
        declaration=declaration,
        snapshot=snapshot,
        state="loaded" if is_loaded else source.state,
        message=" ".join(part for part in (source.message, source.notice) if part),
        stale_since=source.stale_since,
        counts=source.counts or dict.fromkeys(Severity, 0),
        findings=ledger.findings(connection, source.name, snapshot.snapshot_id, _LISTED) if snapshot else (),
        rules={
            table.name: compile_rules(table, rules.on(table), owner=turn_of(declaration))
            for table in declaration.tables
        },
        annotated=annotated,
        doubts=doubts(connection, source.name, _LISTED),
    )


def _dataset_section(
    connection: ledger.Connection, declaration: DatasetDeclaration, dataset: DatasetOutcome, run_id: str
) -> DatasetSection:
    if dataset.state == HELD_BACK:  # of what is not to leave, an earlier release is not told either
        return DatasetSection(declaration, dataset.state, dataset.message, None, None, (), ())
    releases = ledger.releases(connection, dataset.name)
    is_released = dataset.state == "unchanged" and bool(ledger.releases(connection, dataset.name, run_id))
    curations = ledger.curations(connection, dataset.name)
    stamp = curations[-1].data_date.isoformat() if curations else ""
    return DatasetSection(
        declaration=declaration,
        state="released" if is_released else dataset.state,
        message=dataset.message,
        release=releases[-1] if releases else None,
        url=dataset.url,
        findings=ledger.findings(connection, dataset.name, stamp, _LISTED),
        history=[(release.version, release.rows) for release in releases],
        protection=_protection(connection, declaration, curations),
    )


def _protection(
    connection: ledger.Connection, dataset: DatasetDeclaration, curations: Sequence[ledger.CurationRecord]
) -> tuple[Protection, ...]:
    """What became of a dataset's tables of people when it was built last."""
    if dataset.entry.disclosure is None or not curations:
        return ()
    from publish.disclosure.keeping import protections  # imports numpy

    return protections(connection, dataset.entry.disclosure.population, dataset.name, curations[-1].data_date)


def _quality(record: SnapshotRecord) -> tuple[str, int, int]:
    loads = record.tables.values()
    return (
        record.data_date.isoformat(),
        sum(load.accepted for load in loads),
        sum(load.quarantined for load in loads),
    )


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
