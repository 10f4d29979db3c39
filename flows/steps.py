"""The steps of a night as plain functions: each takes what it needs, works in one room, returns what it found."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

import sources as source_packages
from checks.rules import RulesFile, load_rules
from checks.verdicts import CheckError, check_dataset, check_source, source_fingerprint
from flows.declared import Declared
from flows.outcomes import DatasetOutcome
from flows.settings import Settings
from sources import NothingThereError, PullRequest
from warehouse import ledger
from warehouse.archive import Archive, Snapshot
from warehouse.curate import CURATED, Model, ModelError, curate, load_model, prepare
from warehouse.database import attach, opened
from warehouse.declarations import DatasetDeclaration, Severity, SourceDeclaration, quote
from warehouse.findings import Finding
from warehouse.history import create_history, promote
from warehouse.ledger import CurationRecord, SnapshotRecord, TableLoad, Verdict
from warehouse.personal import without_personal
from warehouse.progress import Progress
from warehouse.releases import Release, SnapshotUse
from warehouse.staging import Staged
from warehouse.store import WorkingCopy
from warehouse.withdrawals import apply_to_rows, withdrawals


@dataclass(frozen=True)
class Plan(Declared):
    """The declarations a night works with, read once: sources, datasets, models, rules."""

    models: Mapping[str, Model]
    rules: Mapping[str, RulesFile]

    @staticmethod
    def read() -> Plan:
        """Everything as declared.

        Raises:
            DeclarationError: a file cannot be used.
            ModelError: a dataset has no model, or not a usable one.
        """
        declared = Declared.read()
        stems = {*declared.sources, *(dataset.stem for dataset in declared.datasets.values())}
        return Plan(
            declared.sources,
            declared.datasets,
            {name: load_model(dataset.stem) for name, dataset in declared.datasets.items()},
            {stem: load_rules(stem) for stem in stems},
        )

    def fingerprint(self, source: str) -> str:
        """What a verdict on the source depends on besides the data."""
        return source_fingerprint(self.sources[source], self.rules[source])


# --- sources ----------------------------------------------------------------------------------------


def pull(
    settings: Settings,
    declaration: SourceDeclaration,
    origin: str | None,
    day: date,
    progress: Progress,
    *,
    of_day: bool = False,
) -> Snapshot:
    """Bring what the origin holds into the raw archive; with ``of_day``, of a folder only the files of that date.

    Raises:
        SourceError: it cannot be had.
    """
    package = source_packages.package(declaration.name)
    return package.pull(PullRequest(settings.home, declaration, origin, day, progress, of_day))


@dataclass(frozen=True)
class Look:
    """What a look at a source found: a snapshot, new or known; None while it never had any. With a word on it."""

    snapshot: Snapshot | None
    message: str = ""


def look(
    settings: Settings, declaration: SourceDeclaration, origin: str | None, day: date, progress: Progress
) -> Look:
    """Pull a source. Where there is nothing to pull, what is known stands: absence is no failure.

    Raises:
        SourceError: it cannot be had.
    """
    try:
        return Look(pull(settings, declaration, origin, day, progress))
    except NothingThereError as nothing:
        latest = Archive(settings.home, declaration.name).latest(until=day)
        if latest is None:
            return Look(None, f"Waiting for the first file. {nothing}")
        return Look(latest, f"Nothing new since {latest.date}.")


def stage(settings: Settings, declaration: SourceDeclaration, snapshot: Snapshot, progress: Progress) -> Staged:
    """Load a snapshot into its staging file, if its files are still what was taken in.

    Raises:
        ArchiveDamagedError: they are not.
        SourceError: its files cannot be read at all.
    """
    Archive(settings.home, snapshot.source).require_whole(snapshot)
    from sources.loading import stage as load  # imports dlt: seconds

    read = source_packages.package(declaration.name).read
    return load(declaration, snapshot, settings.home, read, progress)


@dataclass(frozen=True)
class Judged:
    """A snapshot with its verdict. One that could not be read has no staging file, but a problem."""

    snapshot: Snapshot
    verdict: Verdict
    staged: Staged | None = None
    accepted: Mapping[str, int] = field(default_factory=dict)
    problem: Finding | None = None


def unreadable(snapshot: Snapshot, message: str) -> Judged:
    """A snapshot that cannot be read at all is held, and a finding says why."""
    problem = Finding(
        rule="unreadable",
        severity=Severity.CRITICAL,
        message=without_personal(message),
        help="Hand in a file that can be read; the last good one stands in meanwhile.",
        file=snapshot.files[0].name,
    )
    return Judged(snapshot, Verdict.HELD, problem=problem)


def check(
    settings: Settings,
    declaration: SourceDeclaration,
    rules: RulesFile,
    snapshot: Snapshot,
    staged: Staged,
    previous_rows: Mapping[str, int],
    may_shrink: bool,
    progress: Progress,
) -> Judged:
    """Check a staged snapshot and give its verdict."""
    with settings.home.workspace("check") as folder:
        checked = check_source(
            staged,
            declaration,
            rules,
            previous_rows,
            temporary=folder,
            memory=settings.memory,
            may_shrink=may_shrink,
            progress=progress,
        )
    return Judged(snapshot, checked.verdict, staged, checked.accepted)


def staged_findings(settings: Settings, staged: Staged) -> list[Finding]:
    """What was found on a staged and checked snapshot, worst first."""
    with opened(staged.path, temporary=settings.home.temporary, memory=settings.memory) as connection:
        return ledger.read_findings(connection, "main.findings")


def previous_rows(known: Sequence[SnapshotRecord], snapshot: Snapshot) -> Mapping[str, int]:
    """By table, the records that stood after the last good snapshot before this one's date."""
    before = [s for s in known if s.is_promoted and s.data_date < snapshot.date]
    loads = before[-1].tables if before else {}
    return {name: load.accepted if load.standing is None else load.standing for name, load in loads.items()}


def load(
    copy: WorkingCopy, declaration: SourceDeclaration, fingerprint: str, judged: Judged, run_id: str
) -> list[SnapshotRecord]:
    """Promote a judged snapshot into the warehouse and note its verdict, in one transaction.

    A held one leaves the history as it was. Returns the source's lines in the ledger as they are now.
    """
    snapshot, name = judged.snapshot, declaration.name
    is_good = judged.verdict is not Verdict.HELD
    with copy.connect() as connection:
        if judged.staged:
            attach(connection, judged.staged.path, "staging")
        create_history(connection, declaration)
        connection.execute("BEGIN")
        tables: dict[str, TableLoad] = {}
        if is_good:
            loaded = ledger.promoted(connection, name)
            for table in declaration.tables:
                others = {s.data_date: s.tables.get(table.name, TableLoad()) for s in loaded}
                tables[table.name] = promote(
                    connection, "staging", name, table, snapshot.id, snapshot.date, others
                )
            ledger.supersede(connection, name, snapshot.date)
        elif judged.staged:
            tables = {
                table: TableLoad(staged=rows, quarantined=rows - judged.accepted.get(table, 0))
                for table, rows in judged.staged.rows.items()
            }
        ledger.record_snapshot(
            connection,
            SnapshotRecord(
                name,
                snapshot.id,
                snapshot.date,
                snapshot.origin,
                fingerprint,
                judged.verdict,
                is_good,
                run_id,
                tables,
            ),
        )
        if judged.staged:
            ledger.take_findings(connection, "staging", name, snapshot.id)
        elif judged.problem:
            ledger.replace_findings(connection, name, snapshot.id, [judged.problem])
        connection.execute("COMMIT")
        return ledger.snapshots(connection, name)


def drop_staging(settings: Settings, source: str, keep: Collection[str]) -> None:
    """Remove staging files that nobody needs any more: they can be made again from the raw archive."""
    folder = settings.home.staging / source
    for path in folder.glob("*.duckdb*"):
        if path.name.removesuffix(".wal").removesuffix(".duckdb") not in keep:
            path.unlink(missing_ok=True)


# --- datasets ---------------------------------------------------------------------------------------


def inputs_of(
    plan: Plan, dataset: DatasetDeclaration, known: Mapping[str, Sequence[SnapshotRecord]]
) -> dict[date, str]:
    """By date of its sources' data, what a dataset built for that date depends on: ``<data>.<declared>``.

    The first sum stands for the snapshots until then, the second for model, catalogue entry, rules and reference
    lists.
    """
    model = plan.models[dataset.name]
    declared = hashlib.sha256(
        "\n".join(
            (
                model.fingerprint,
                dataset.entry.model_dump_json(),
                dataset.table.model_dump_json(),
                plan.rules[dataset.stem].model_dump_json(),
            )
        ).encode()
    ).hexdigest()
    used = sorted(
        (s for source in model.sources for s in known[source] if s.is_promoted),
        key=lambda s: (s.data_date, s.source),
    )
    inputs = {}
    data = hashlib.sha256()
    for record in used:
        data.update(f"{record.source} {record.snapshot_id} {record.fingerprint}\n".encode())
        inputs[record.data_date] = f"{data.hexdigest()}.{declared}"
    return inputs


def build(
    settings: Settings,
    copy: WorkingCopy,
    plan: Plan,
    dataset: DatasetDeclaration,
    known: Mapping[str, Sequence[SnapshotRecord]],
    as_of: date,
    run_id: str,
    may_shrink: bool,
    progress: Progress,
) -> DatasetOutcome:
    """Build a dataset as of a date, check it, and release it if its rows or its declaration changed."""
    from publish.release import Draft, ReleaseError, make_release

    model = plan.models[dataset.name]
    inputs = inputs_of(plan, dataset, known)[as_of]
    used = [s for source in sorted(model.sources) for s in known[source] if s.is_promoted and s.data_date <= as_of]
    newest = {s.source: SnapshotUse(s.source, s.snapshot_id, s.data_date) for s in used}
    loaded = {source: [s for s in used if s.source == source] for source in model.sources}

    with copy.connect() as connection:
        releases = ledger.releases(connection, dataset.name)
        before = [release for release in releases if release.data_date <= as_of]
        previous = before[-1] if before else None
        try:
            progress(f"building {dataset.name}")
            withdrawn = withdrawals(settings.home, dataset.name)
            prepare(connection, [plan.sources[source] for source in model.sources], loaded, as_of)
            curate(connection, model, dataset)
            apply_to_rows(connection, f"{CURATED}.{quote(dataset.stem)}", dataset, withdrawn)
            checked = check_dataset(
                connection,
                dataset,
                plan.rules[dataset.stem],
                as_of,
                previous.rows if previous else None,
                may_shrink=may_shrink,
            )
            rows = checked.accepted[dataset.stem]
        except (ModelError, CheckError) as error:
            return _failed(dataset, previous, error)
        release: Release | None = None
        if checked.verdict is not Verdict.HELD:
            progress(f"releasing {dataset.name}")
            try:
                release = make_release(
                    connection,
                    Draft(
                        dataset,
                        f"{CURATED}.{dataset.stem}",
                        as_of,
                        existing=releases,
                        snapshots=list(newest.values()),
                        sources=plan.sources,
                    ),
                    settings.home,
                    progress,
                )
            except ReleaseError as error:
                return _failed(dataset, previous, error)
            if release:
                ledger.record_release(connection, release, run_id)
        standing = release or previous
        ledger.record_curation(
            connection,
            CurationRecord(
                dataset.name,
                as_of,
                inputs,
                checked.verdict,
                rows,
                standing.version if standing and checked.verdict is not Verdict.HELD else None,
                run_id,
            ),
        )
        worst = ledger.worst_in_words(connection, dataset.name, as_of.isoformat())
    if checked.verdict is Verdict.HELD:
        return DatasetOutcome(
            dataset.name,
            "held",
            previous.version if previous else None,
            previous.rows if previous else None,
            message=worst,
        )
    if release is None:
        return DatasetOutcome(dataset.name, "unchanged", previous.version if previous else None, rows)
    added = release.added if release.previous_version else rows  # in a first release every row is new
    return DatasetOutcome(dataset.name, "released", release.version, rows, added, release.changed, release.removed)


def _failed(dataset: DatasetDeclaration, previous: Release | None, error: Exception) -> DatasetOutcome:
    """A dataset that could not be built: nothing is noted, so the next night tries again."""
    return DatasetOutcome(
        dataset.name,
        "failed",
        previous.version if previous else None,
        previous.rows if previous else None,
        message=str(error),
    )
