"""The steps of a night as plain functions: each takes what it needs, works in one room, returns what it found."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import duckdb

from checks.asking import CheckError
from checks.plausible import Before
from checks.verdicts import Checked, check_dataset, check_source
from flows.comparing import compared, compared_release
from flows.due import Known
from flows.made_of import keep_made_of, made_of
from flows.outcomes import DatasetOutcome
from flows.run import Run
from flows.settings import Settings
from sources import NothingThereError, NotSetUpError, PullRequest, SourceError
from sources.changes import since
from warehouse import archive_keys, ledger
from warehouse.addresses import is_url
from warehouse.archive import Archive, Snapshot
from warehouse.curate import CURATED, ModelError, create_core, curate, prepare
from warehouse.database import attach, opened
from warehouse.declarations import DatasetDeclaration, Severity, SourceDeclaration, quote
from warehouse.findings import Finding
from warehouse.headings import Names, names_of
from warehouse.history import create_history, promote
from warehouse.home import Home
from warehouse.ledger import CurationRecord, SnapshotRecord, TableLoad, Verdict
from warehouse.messages import message, sentences
from warehouse.personal import without_personal
from warehouse.pruned import kept
from warehouse.quality import create_quality_tables
from warehouse.releases import BreakingChangeError, Release, ReleaseError, SnapshotUse
from warehouse.staging import Staged
from warehouse.store import WorkingCopy, beside, reader
from warehouse.wanted import Wanted, wanted
from warehouse.withdrawals import apply_to_rows, withdrawals

# --- sources ----------------------------------------------------------------------------------------


def pull(run: Run, source: str, origin: str | None, day: date, *, of_day: bool = False) -> Snapshot:
    """Bring what the origin holds into the raw archive; with ``of_day``, of a folder only the files of that date.

    A source that delivers changes is asked for those since the last data of it that were taken in; one that is
    asked for records one by one, for those whose turn it is.

    Raises:
        SourceError: it cannot be had.
    """
    home, declaration = run.settings.home, run.declarations.sources[source]
    asked_since = None
    if any(table.delivery == "changes" for table in declaration.tables):
        with reader(home, run.settings.memory) as connection:
            asked_since = since(ledger.snapshots(connection, source), day)
    return run.declarations.package(source).pull(
        PullRequest(
            home, declaration, origin, day, run.progress, of_day, asked_since, _wanted(run, source, origin, day)
        )
    )


def _wanted(run: Run, source: str, origin: str | None, day: date) -> tuple[Wanted, ...]:
    """Which records a source is asked for, if it is asked for any: files on this machine hold what they hold."""
    declared, settings = run.declarations.sources, run.settings
    if (
        declared[source].asks_for is None
        or (origin and not is_url(origin))
        or not settings.home.warehouse.exists()
    ):
        return ()
    from sources.http import require_secret  # imports requests

    require_secret(declared[source])  # before millions of records are looked through for those to ask for
    with reader(settings.home, settings.memory) as connection:
        known = {name: ledger.snapshots(connection, name) for name in declared}
    with beside(settings.home, settings.memory) as connection:
        models = run.declarations.root / "warehouse" / "models"
        return wanted(connection, declared[source], declared, known, day, models)


@dataclass(frozen=True)
class Look:
    """What a look at a source found: a snapshot, new or known; None while it never had any. With a word on it.

    ``is_set_up``: what the source asks for is there; without it nobody looked.
    """

    snapshot: Snapshot | None
    message: str = ""
    is_set_up: bool = True


def look(run: Run, source: str, origin: str | None) -> Look:
    """Pull a source. Where there is nothing to pull, what is known stands: absence is no failure.

    Nor is a source that asks for a secret which nobody has set: it says so, and the night goes on without it.

    Raises:
        SourceError: it cannot be had.
    """
    day = run.request.day
    try:
        return Look(pull(run, source, origin, day))
    except NothingThereError as nothing:
        latest = Archive(run.settings.home, source).latest(until=day)
        if latest is None:
            return Look(None, f"Waiting for the first file. {nothing}")
        return Look(latest, f"Nothing new since {latest.date}.")
    except NotSetUpError as lacking:
        latest = Archive(run.settings.home, source).latest(until=day)
        return Look(latest, f"Not set up: {lacking}", is_set_up=False)


def stage(run: Run, snapshot: Snapshot) -> Staged:
    """Load a snapshot into its staging file, if its files are still what was taken in.

    Raises:
        ArchiveDamagedError: they are not.
        ArchiveKeyError: they are encrypted, and their key is not given.
        SourceError: its files cannot be read at all.
    """
    home = run.settings.home
    Archive(home, snapshot.source).require_whole(snapshot)
    from sources.loading import stage as load  # imports dlt: seconds

    read = run.declarations.package(snapshot.source).read
    return load(run.declarations.sources[snapshot.source], snapshot, home, read, run.progress)


@dataclass(frozen=True)
class Judged:
    """A snapshot with its verdict. One that could not be read has no staging file, but a problem."""

    snapshot: Snapshot
    verdict: Verdict
    staged: Staged | None = None
    accepted: Mapping[str, int] = field(default_factory=dict)
    problem: Finding | None = None
    suites: Mapping[str, Mapping[str, Any]] = field(default_factory=dict, compare=False)

    @property
    def is_good(self) -> bool:
        """It goes on: the history takes it in."""
        return self.verdict is not Verdict.HELD

    def refused_tables(self) -> dict[str, TableLoad]:
        """What the ledger keeps of the tables of a snapshot that does not go on."""
        if self.staged is None:
            return {}
        return {
            table: TableLoad(staged=rows, quarantined=rows - self.accepted.get(table, 0))
            for table, rows in self.staged.rows.items()
        }


def unreadable(snapshot: Snapshot, error: SourceError) -> Judged:
    """A snapshot that cannot be read at all is held, and a finding says why: one, whatever tables it lacks."""
    problem = Finding(
        rule="unreadable",
        severity=Severity.CRITICAL,
        message=without_personal(error.what),
        help=sentences(
            without_personal(error.advice),
            message("Hand in a file that can be read; the last good one stands in meanwhile."),
        ),
        file=snapshot.files[0].name,
    )
    return Judged(snapshot, Verdict.HELD, problem=problem)


def check(
    run: Run, snapshot: Snapshot, staged: Staged, previous_rows: Mapping[str, int], beside: Home | None = None
) -> Judged:
    """Check a staged snapshot and give its verdict.

    Args:
        run: the run.
        snapshot: what is checked.
        staged: where it is staged.
        previous_rows: by table, the records that stood before it.
        beside: whose warehouse it is compared with, if not that of the run's own home.
    """
    source, settings = snapshot.source, run.settings
    with (
        settings.home.workspace("check") as folder,
        opened(staged.path, temporary=folder, memory=settings.memory) as connection,
    ):
        known = compared(beside or settings.home, run.declarations, source, snapshot.date, folder, settings.memory)
        checked = check_source(
            connection,
            run.declarations.sources[source],
            run.declarations.source_rules[source],
            Before(previous_rows, run.may_shrink(source), snapshot.date, known.earlier, known.elsewhere),
            run.progress,
            run.declarations.amendments[source].on(run.request.day, snapshot.date),
        )
    return Judged(snapshot, checked.verdict, staged, checked.accepted, suites=checked.documents)


def staged_findings(settings: Settings, staged: Staged) -> list[Finding]:
    """What was found on a staged and checked snapshot, worst first."""
    with opened(staged.path, temporary=settings.home.temporary, memory=settings.memory) as connection:
        return ledger.read_findings(connection, "main.findings")


def staged_names(settings: Settings, staged: Staged, declaration: SourceDeclaration) -> Names:
    """What the files of a staged snapshot call their sheets and columns."""
    with opened(staged.path, temporary=settings.home.temporary, memory=settings.memory) as connection:
        return names_of(connection, declaration)


def previous_rows(known: Sequence[SnapshotRecord], snapshot: Snapshot) -> Mapping[str, int]:
    """By table, the records that stood after the last good snapshot before this one's date."""
    before = [s for s in known if s.is_promoted and s.data_date < snapshot.date]
    loads = before[-1].tables if before else {}
    return {name: load.accepted if load.standing is None else load.standing for name, load in loads.items()}


def load(run: Run, copy: WorkingCopy, judged: Judged, run_id: str) -> list[SnapshotRecord]:
    """Promote a judged snapshot into the warehouse and note its verdict, in one transaction.

    A held one leaves the history as it was. Returns the source's lines in the ledger as they are now.
    """
    snapshot, name = judged.snapshot, judged.snapshot.source
    declaration = run.declarations.sources[name]
    with copy.connect() as connection:
        if judged.staged:
            attach(connection, judged.staged.path, "staging")
        create_history(connection, declaration)
        connection.execute("BEGIN")
        record = SnapshotRecord(
            name,
            snapshot.id,
            snapshot.date,
            snapshot.origin,
            run.declarations.fingerprint(name, run.request.day),
            judged.verdict,
            judged.is_good,
            run_id,
            _promoted(connection, declaration, judged) if judged.is_good else judged.refused_tables(),
        )
        ledger.record_snapshot(connection, record)
        ledger.record_suites(connection, name, snapshot.id, _of_no_people(declaration, judged.suites))
        if judged.staged:
            ledger.take_findings(connection, "staging", name, snapshot.id)
        elif judged.problem:
            ledger.replace_findings(connection, name, snapshot.id, [judged.problem])
        attached = "staging" if judged.staged else None
        moment = ledger.Moment(name, snapshot.id, snapshot.date, run_id)
        ledger.move_lives(connection, moment, attached, declaration.tables)
        connection.execute("COMMIT")
        return ledger.snapshots(connection, name)


def _of_no_people(source: SourceDeclaration, suites: ledger.Documents) -> ledger.Documents:
    """What may be kept of suites: of a table about people the counts would be people."""
    return {name: document for name, document in suites.items() if not source.table(name).about_people}


def _promoted(
    connection: duckdb.DuckDBPyConnection, source: SourceDeclaration, judged: Judged
) -> dict[str, TableLoad]:
    """Put a good snapshot's tables into the history; what came of each."""
    snapshot = judged.snapshot
    loaded = ledger.promoted(connection, source.name)
    tables = {}
    for table in source.tables:
        others = {s.data_date: s.tables.get(table.name, TableLoad()) for s in loaded}
        tables[table.name] = promote(connection, "staging", table, snapshot, others)
    ledger.supersede(connection, source.name, snapshot.date)
    return tables


def drop_staging(settings: Settings, source: str, keep: Collection[str]) -> None:
    """Remove staging files that nobody needs any more: they can be made again from the raw archive."""
    folder = settings.home.staging / source
    for path in folder.glob("*.duckdb*"):
        if path.name.removesuffix(".wal").removesuffix(".duckdb") not in keep:
            path.unlink(missing_ok=True)


def drop_plain_staging(run: Run) -> None:
    """Remove the staging files of sources about people, if a key is given: their rows are not to lie plain."""
    if archive_keys.is_given():
        for name, source in run.declarations.sources.items():
            if source.is_about_people:
                drop_staging(run.settings, name, ())


# --- datasets ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Building:
    """Which dataset is built, as of which date, from which inputs (``flows.due.inputs_of``), in which run, and the
    snapshots known by then.
    """

    dataset: str
    as_of: date
    inputs: str
    run_id: str
    known: Known


def build(run: Run, copy: WorkingCopy, building: Building) -> DatasetOutcome:
    """Build a dataset as of a date, check it, and release it if its rows or its declaration changed.

    One that cannot be built leaves no note, so the next night tries again.
    """
    dataset, as_of = run.declarations.datasets[building.dataset], building.as_of
    with copy.connect() as connection:
        releases = ledger.releases(connection, dataset.name)
        previous = next((one for one in reversed(releases) if one.data_date <= as_of), None)
        try:
            run.progress(f"building {dataset.name}")
            _curate(run, connection, building)
            rules = run.declarations.dataset_rules[dataset.name]
            before = Before(
                {dataset.stem: previous.rows} if previous else {},
                run.may_shrink(dataset.name),
                as_of,
                compared_release(run.settings.home, dataset, rules.rules, releases, as_of),
            )
            checked = check_dataset(connection, dataset, rules, as_of, before)
            release = None
            if checked.verdict is not Verdict.HELD:
                release = _release(run, connection, building, releases)
        except BreakingChangeError as error:
            return _standing(dataset, "held", previous, str(error))
        except (ModelError, CheckError, ReleaseError) as error:
            return _standing(dataset, "failed", previous, str(error))
        if release:
            used = [one for records in _used(run, building).values() for one in records]
            noted = made_of(run.declarations, dataset.name, used)
            ledger.record_release(connection, release, building.run_id, noted)
            keep_made_of(connection, run.settings.home, dataset.name, release.version)
        _note_curation(run, connection, building, checked, release or previous)
        ledger.record_suites(connection, dataset.name, as_of.isoformat(), checked.documents)
        worst = ledger.worst_in_words(connection, dataset.name, as_of.isoformat())
    if checked.verdict is Verdict.HELD:
        return _standing(dataset, "held", previous, worst)
    rows = checked.accepted[dataset.stem]
    if release is None:
        return DatasetOutcome(dataset.name, "unchanged", previous.version if previous else None, rows)
    added = release.added if release.previous_version else rows  # in a first release every row is new
    return DatasetOutcome(dataset.name, "released", release.version, rows, added, release.changed, release.removed)


def _used(run: Run, building: Building) -> dict[str, list[SnapshotRecord]]:
    """By source, the good snapshots that a dataset as of a date is made from, oldest first."""
    return {
        source: [one for one in building.known[source] if one.is_promoted and one.data_date <= building.as_of]
        for source in sorted(run.declarations.models[building.dataset].sources)
    }


def _curate(run: Run, connection: duckdb.DuckDBPyConnection, building: Building) -> None:
    """Make the dataset's curated table as of the date, without what was withdrawn."""
    declared, dataset = run.declarations, run.declarations.datasets[building.dataset]
    used = _used(run, building)
    withdrawn = withdrawals(run.settings.home, dataset.name)
    prepare(connection, [declared.sources[source] for source in used], used, building.as_of)
    if dataset.name in declared.telling:
        create_quality_tables(connection, declared.told_of, building.as_of)
    _protect(run, connection, building)
    curate(connection, declared.models[dataset.name], dataset)
    apply_to_rows(connection, f"{CURATED}.{quote(dataset.stem)}", dataset, withdrawn)


def _protect(run: Run, connection: duckdb.DuckDBPyConnection, building: Building) -> None:
    """Let the dataset's model read what disclosure control leaves of people, if it counts any."""
    dataset, model = run.declarations.datasets[building.dataset], run.declarations.models[building.dataset]
    if dataset.entry.disclosure is None:
        return
    from publish.disclosure.protecting import Made, protect  # imports scipy

    population = run.declarations.populations[dataset.entry.disclosure.population]
    create_core(connection, model, model.below)
    made = Made(building.as_of, building.run_id, run.settings.home)
    protect(connection, population, dataset.name, made, run.progress)


def _release(
    run: Run,
    connection: duckdb.DuckDBPyConnection,
    building: Building,
    releases: Sequence[Release],
) -> Release | None:
    """Release the curated table, if there is something new in it."""
    from publish.release import Draft, make_release  # imports pyarrow

    dataset = run.declarations.datasets[building.dataset]
    newest = [one[-1] for one in _used(run, building).values() if one]
    draft = Draft(
        dataset,
        f"{CURATED}.{dataset.stem}",
        building.as_of,
        existing=releases,
        snapshots=[SnapshotUse(one.source, one.snapshot_id, one.data_date) for one in newest],
        sources=run.declarations.sources,
        gone={one.version for one in releases} - {one.version for one in kept(run.settings.home, releases)},
    )
    return make_release(connection, draft, run.settings.home, run.progress)


def _note_curation(
    run: Run,
    connection: duckdb.DuckDBPyConnection,
    building: Building,
    checked: Checked,
    standing: Release | None,
) -> None:
    dataset, as_of = run.declarations.datasets[building.dataset], building.as_of
    is_good = checked.verdict is not Verdict.HELD
    moment = ledger.Moment(dataset.name, as_of.isoformat(), as_of, building.run_id)
    ledger.move_dataset_lives(connection, moment)
    ledger.record_curation(
        connection,
        CurationRecord(
            dataset.name,
            as_of,
            building.inputs,
            checked.verdict,
            checked.accepted[dataset.stem],
            standing.version if standing and is_good else None,
            building.run_id,
        ),
    )


def _standing(dataset: DatasetDeclaration, state: str, release: Release | None, why: str) -> DatasetOutcome:
    """A dataset that is not released anew: its last release stands."""
    version, rows = (release.version, release.rows) if release else (None, None)
    return DatasetOutcome(dataset.name, state, version, rows, message=why)
