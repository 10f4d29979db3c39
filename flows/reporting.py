"""The report of a run: the page for coordinators, their annotated workbooks, and where they are put."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from checks.report import DatasetSection, ReportContent, SourceSection, write_report
from checks.rules import compile_rules
from flows.outcomes import NightOutcome
from flows.settings import Settings
from flows.steps import Plan
from warehouse import ledger
from warehouse.archive import Archive
from warehouse.declarations import Severity
from warehouse.home import move_folder
from warehouse.ledger import SnapshotRecord
from warehouse.progress import Progress
from warehouse.store import reader

_LISTED = 300  # findings a source on the page; the annotated workbook and the ledger hold them all
_SPREADSHEETS = (".xlsx", ".csv")


def report(settings: Settings, plan: Plan, outcome: NightOutcome, progress: Progress) -> NightOutcome:
    """Write the report of this run, or of the last one if it was killed before it had one.

    A night that found nothing to do writes nothing. Gives the outcome back with the report's path, and with the
    annotated workbooks of its sources.
    """
    with reader(settings.home, settings.memory) as connection:
        runs = ledger.runs(connection)
        next_id = ledger.next_run_id(connection, outcome.day)
    # A night that only failed changed nothing, so it has no run in the ledger; its report stands under the id that
    # the next run of the day will have, and gives way to it.
    has_failed = any(source.state == "failed" for source in outcome.sources)
    run_id = outcome.run_id or (next_id if has_failed or not runs else runs[-1].run_id)
    folder = settings.home.reports / run_id
    if (folder / "index.html").exists() and not (outcome.run_id or outcome.portal.writes or has_failed):
        return replace(outcome, report=str(folder / "index.html"))
    progress("writing the report")
    with settings.home.workspace("report") as workspace:
        built = workspace / run_id
        built.mkdir()
        annotated = _annotate(settings, plan, outcome, built)
        content = report_content(settings, plan, outcome, run_id, annotated)
        write_report(built, content)
        move_folder(built, folder)
    for source, name in annotated.items():
        place = settings.home.outbox / source
        place.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(folder / name, place / name)
    return replace(
        outcome,
        report=str(folder / "index.html"),
        sources=tuple(
            replace(s, annotated=str(folder / annotated[s.name])) if s.name in annotated else s
            for s in outcome.sources
        ),
    )


def report_content(
    settings: Settings, plan: Plan, outcome: NightOutcome, run_id: str, annotated: Mapping[str, str]
) -> ReportContent:
    """What the report says, gathered from the ledger.

    It speaks of the run, not of who writes it: after a kill the next run writes it with the same words.
    """
    sources = []
    quality = {}
    datasets = []
    with reader(settings.home, settings.memory) as connection:
        for source in outcome.sources:
            declaration = plan.sources[source.name]
            records = ledger.snapshots(connection, source.name)
            snapshot = source.snapshot
            is_loaded = source.state == "unchanged" and snapshot is not None and snapshot.run_id == run_id
            sources.append(
                SourceSection(
                    declaration=declaration,
                    snapshot=snapshot,
                    state="loaded" if is_loaded else source.state,
                    message=source.message,
                    stale_since=source.stale_since,
                    counts=source.counts or dict.fromkeys(Severity, 0),
                    findings=ledger.findings(connection, source.name, snapshot.snapshot_id, _LISTED)
                    if snapshot
                    else (),
                    rules={
                        table.name: [
                            rule.expected.rule_id
                            for rule in compile_rules(table, plan.rules[source.name].tables.get(table.name, ()))
                        ]
                        for table in declaration.tables
                    },
                    annotated=annotated.get(source.name),
                )
            )
            quality[source.name] = [_quality(record) for record in records if record.is_promoted]
        for dataset in outcome.datasets:
            releases = ledger.releases(connection, dataset.name)
            is_released = dataset.state == "unchanged" and bool(ledger.releases(connection, dataset.name, run_id))
            curations = ledger.curations(connection, dataset.name)
            stamp = curations[-1].data_date.isoformat() if curations else ""
            datasets.append(
                DatasetSection(
                    declaration=plan.datasets[dataset.name],
                    state="released" if is_released else dataset.state,
                    message=dataset.message,
                    release=releases[-1] if releases else None,
                    url=dataset.url,
                    findings=ledger.findings(connection, dataset.name, stamp, _LISTED),
                    history=[(release.version, release.rows) for release in releases],
                )
            )
    return ReportContent(
        run_id=run_id,
        day=outcome.day,
        kind=outcome.kind,
        sources=sources,
        datasets=datasets,
        portal=outcome.portal.address,
        portal_problem="; ".join(sorted(set(outcome.portal.problems.values()))),
        quality=quality,
    )


def _quality(record: SnapshotRecord) -> tuple[str, int, int]:
    loads = record.tables.values()
    return (
        record.data_date.isoformat(),
        sum(load.accepted for load in loads),
        sum(load.quarantined for load in loads),
    )


def _annotate(settings: Settings, plan: Plan, outcome: NightOutcome, folder: Path) -> dict[str, str]:
    """Annotated copies of the workbooks that people handed in, by source: the names of the files written."""
    from checks.annotate import annotate  # imports openpyxl

    written = {}
    for source in outcome.sources:
        declaration = plan.sources[source.name]
        if declaration.kind != "workbook" or source.snapshot is None:
            continue
        snapshot = Archive(settings.home, source.name).find(source.snapshot.snapshot_id)
        with reader(settings.home, settings.memory) as connection:
            found = ledger.findings(connection, source.name, source.snapshot.snapshot_id)
        for path in snapshot.paths() if snapshot and found else ():
            if path.suffix.lower() in _SPREADSHEETS:
                target = folder / f"{path.stem}-annotated.xlsx"
                findings = [f for f in found if f.file in (None, path.name)]
                written[source.name] = annotate(path, findings, target, declaration).path.name
    return written
