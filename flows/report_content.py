"""What a run's report says, gathered from the ledger.

It speaks of the run, not of who writes it: after a kill the next run writes it with the same words.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from checks.report import DatasetSection, ReportContent, SourceSection
from checks.report.content import Cause, Changes, Column, RowPlace
from checks.rules import Known, compile_rules
from flows.declarations import Declarations
from flows.outbox import copy_name
from flows.outcomes import HELD_BACK, DatasetOutcome, NightOutcome, SourceOutcome, drift_in_words
from flows.settings import Settings
from warehouse import ledger
from warehouse.database import fetch
from warehouse.declarations import DatasetDeclaration, Severity, SourceDeclaration
from warehouse.findings import Finding
from warehouse.headings import names_in
from warehouse.identities.doubts import doubts
from warehouse.ledger import SnapshotRecord
from warehouse.lives import fixed, lives, tally
from warehouse.messages import sentences
from warehouse.protection import Protection
from warehouse.quality import dimensions, score_of
from warehouse.sql import literal
from warehouse.store import reader
from warehouse.turns import turn_of

_LISTED = 12_000  # findings a source on its page; the annotated workbook and the ledger hold them all
_LISTED_OF_A_CAUSE = 1_000
_DOUBTS_LISTED = 300
_ROWS_LISTED = 10_000  # that were set aside
_LARGEST_OPENED = 8_000_000  # bytes: of a larger workbook rows are told, not the letters of its columns


def report_content(
    settings: Settings, declared: Declarations, outcome: NightOutcome, annotated: Mapping[str, str]
) -> ReportContent:
    """What the report says.

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
                _source_section(connection, settings, declared, told, annotated.get(told[0].name))
                for told in _told(outcome, run_id)
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
            portal_holds=[
                f"{name}: {told}" for name in outcome.portal.holds for told in outcome.portal.held(name)
            ],
            portal_edits=[
                f"{name}: {drift_in_words(edit)}" for name, found in outcome.portal.drift.items() for edit in found
            ],
        )


def _told(outcome: NightOutcome, run_id: str) -> Sequence[tuple[SourceOutcome, str]]:
    """The sources with their states: what was loaded in this run, and is unchanged since, was loaded."""
    return [
        (
            one,
            "loaded"
            if one.state == "unchanged" and one.snapshot is not None and one.snapshot.run_id == run_id
            else one.state,
        )
        for one in outcome.sources
    ]


def _source_section(
    connection: ledger.Connection,
    settings: Settings,
    declared: Declarations,
    told: tuple[SourceOutcome, str],
    annotated: str | None,
) -> SourceSection:
    source, state = told
    declaration, snapshot = declared.sources[source.name], source.snapshot
    rules = declared.source_rules[source.name]
    found = _findings(connection, source.name, snapshot) if snapshot else []
    names = names_in(found, declaration)
    return SourceSection(
        declaration=declaration,
        snapshot=snapshot,
        state=state,
        message=sentences(source.message, source.notice) if source.message or source.notice else "",
        stale_since=source.stale_since,
        counts=source.counts or dict.fromkeys(Severity, 0),
        findings=found,
        rules={
            table.name: compile_rules(table, rules.on(table), names=names, known=Known(turn_of(declaration)))
            for table in declaration.tables
        },
        annotated=annotated,
        doubts=doubts(connection, source.name, _DOUBTS_LISTED),
        causes=_causes(connection, source.name, snapshot) if snapshot else {},
        letters=_letters(settings, declaration, found) if annotated else {},
        set_aside=_set_aside(connection, declaration, snapshot) if snapshot else (),
        changes=_changes(connection, declaration, snapshot) if snapshot else None,
        dimensions=dimensions(connection, source.name, declaration),
        score=score_of(connection, source.name, declaration, names=names),
        lives=lives(connection, source.name, snapshot.snapshot_id) if snapshot else {},
        corrected=ledger.corrections(connection, source.name, snapshot.snapshot_id) if snapshot else (),
    )


def _findings(connection: ledger.Connection, source: str, snapshot: SnapshotRecord) -> list[Finding]:
    """Findings on a snapshot, the worst first: of every cause some, so that none hides the others."""
    some = (
        "(FROM ledger.findings WHERE subject = ? AND snapshot_id = ? QUALIFY row_number() OVER ("
        "PARTITION BY severity, table_name, rule, column_name ORDER BY file, sheet, row_number, value"
        f") <= {_LISTED_OF_A_CAUSE:d}) AS listed"
    )
    return ledger.read_findings(connection, some, [source, snapshot.snapshot_id], _LISTED)


def _causes(connection: ledger.Connection, source: str, snapshot: SnapshotRecord) -> dict[Cause, int]:
    """How many findings each cause has."""
    rows = fetch(
        connection,
        "SELECT severity, table_name, rule, column_name, count(*) FROM ledger.findings"
        " WHERE subject = ? AND snapshot_id = ? GROUP BY ALL ORDER BY ALL",
        [source, snapshot.snapshot_id],
    )
    return {(Severity(row[0]), *row[1:4]): row[4] for row in rows}


def _set_aside(
    connection: ledger.Connection, source: SourceDeclaration, snapshot: SnapshotRecord
) -> list[RowPlace]:
    """Where the rows stand that were set aside; of tables about people nothing."""
    told = ", ".join(literal(table.name) for table in source.tables if not table.about_people)
    if not told:
        return []
    rows = fetch(
        connection,
        "SELECT table_name, file, sheet, row_number FROM ledger.quarantine WHERE subject = ? AND snapshot_id = ?"
        f" AND table_name IN ({told}) ORDER BY ALL LIMIT {_ROWS_LISTED:d}",
        [source.name, snapshot.snapshot_id],
    )
    return [RowPlace(*row) for row in rows]


def _changes(connection: ledger.Connection, source: SourceDeclaration, snapshot: SnapshotRecord) -> Changes | None:
    """What changed since the data before; None where there are none, or rows are people."""
    if source.is_about_people:
        return None
    before = [one.data_date for one in ledger.snapshots(connection, source.name)]
    since = max((day for day in before if day < snapshot.data_date), default=None)
    if since is None:
        return None
    mended = [
        one for one in fixed(connection, source.name, snapshot.snapshot_id) if one.severity is not Severity.INFO
    ]
    return Changes(since, tally(connection, source.name, since), mended)


def _letters(settings: Settings, source: SourceDeclaration, found: Sequence[Finding]) -> dict[Column, str]:
    """The letters of the columns that findings are about, by file, sheet and column.

    They are read in the marked copies, whose sheets are as they were handed in.
    """
    from checks.annotate.places import open_as_told
    from warehouse.sheets import SheetError, column_letters, find_header, match_tables

    letters: dict[Column, str] = {}
    for file in sorted({one.file for one in found if one.file and one.sheet and one.column_name}):
        copy = settings.home.outbox / source.name / copy_name(file)
        if not copy.exists() or copy.stat().st_size > _LARGEST_OPENED:
            continue
        try:
            book = open_as_told(copy, source.tables)
        except SheetError:
            continue
        for match in match_tables(book, source.tables).tables:
            header = find_header(match.sheet, match.table)
            for column, place in header.columns.items() if header else ():
                letters[file, match.sheet.name, column] = column_letters(place)
    return letters


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
