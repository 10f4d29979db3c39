"""A release made again from the raw archive, in a home of its own, and compared with what was released.

Only the snapshots that it was made of are put in again, at their dates, and only it is built; of a dataset that
counts people or tells of verdicts, what was built before it decides, so there everything is built from its first
date. What it is compared with (``changes.csv``) is the version before, taken from the home after its files were
checked, or made again itself where it is no longer kept. The home is only read.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from itertools import zip_longest
from pathlib import Path
from typing import Any

from flows import steps
from flows.comparing_files import ComparedFile, compare
from flows.declarations import Declarations
from flows.errors import in_words
from flows.made_of import changed_since, declared_sums, kept_made_of
from flows.processing import process
from flows.run import Run, RunRequest
from publish.release import release_folder, verify_release
from publish.release.breaking import IF_MEANT
from publish.release.manifest import TOMBSTONE, manifest
from warehouse import ledger
from warehouse.archive import Archive, Snapshot
from warehouse.archive_keys import ArchiveKeyError, key_of
from warehouse.home import Home
from warehouse.lease import Lease
from warehouse.ledger import SnapshotRecord
from warehouse.pruned import Pruned, is_kept, write_down
from warehouse.releases import NotReleasedError, Release
from warehouse.store import reader, working_copy

KIND = "rebuild"
_OBEYED = ("withdrawals.json", "erasures.json")  # of the home: what is to stay out of whatever is made


@dataclass(frozen=True)
class Proof:
    """What making a release again came to.

    Args:
        dataset: its name.
        version: the release.
        files: each file of it, and whether it came out the same; empty if the release could not be made again.
        reasons: what is known to be otherwise than it was, or why it could not be made, in words.
        notes: what was taken on trust.
        damaged: what is wrong with the files in the home.
    """

    dataset: str
    version: str
    files: tuple[ComparedFile, ...] = ()
    reasons: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    damaged: tuple[str, ...] = ()

    @property
    def is_proven(self) -> bool:
        """Every file is byte for byte what was released."""
        return bool(self.files) and all(file.is_same for file in self.files)


@dataclass(frozen=True)
class _Asked:
    """The release that is to be made again, and what the home knows of it."""

    release: Release
    releases: Sequence[Release]
    made_of: dict[str, Any] | None
    known: dict[str, list[SnapshotRecord]]


@dataclass
class _Making:
    """What is found on the way: what cannot be had, and what was taken on trust."""

    faults: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def rebuild_release(run: Run, dataset: str, version: str, into: Path | None = None) -> Proof:
    """Make a release again from the raw archive and compare all of its files with what was released.

    Args:
        run: its home is only read.
        dataset: the dataset.
        version: the release; one that is no longer kept is compared by the sums that the ledger has of it.
        into: a folder to which the release is copied, as ``<version>/``, if it is proven.

    Raises:
        NotReleasedError: there is no such version.
        FileExistsError: there is something of that name in the folder already.
    """
    run = replace(run, kind=KIND).checked()
    home, asked = run.settings.home, _asked(run, dataset, version)
    if into is not None and (into / version).exists():
        raise FileExistsError(17, "exists", str(into / version))
    standing = release_folder(home, asked.release) if is_kept(home, asked.release) else None
    damaged = tuple(verify_release(standing)) if standing else ()
    with tempfile.TemporaryDirectory(prefix="opendistrict-rebuild-") as folder:
        making = _Making()
        built = _made(run, asked, Path(folder), making)
        if built is None:
            reasons = (*making.faults, *_reasons(run.declarations, asked, standing))
            return Proof(dataset, version, (), reasons, tuple(making.notes), damaged)
        sums = {file.name: file.sha256 for file in asked.release.files}
        files = compare(built, sums, {"release.json": manifest(asked.release)}, standing)
        proof = Proof(dataset, version, files, notes=tuple(making.notes), damaged=damaged)
        if not proof.is_proven:
            return replace(proof, reasons=(*making.faults, *_reasons(run.declarations, asked, standing)))
        if into is not None:
            into.mkdir(parents=True, exist_ok=True)
            shutil.copytree(built, into / version)
        return proof


def _asked(run: Run, dataset: str, version: str) -> _Asked:
    with reader(run.settings.home, run.settings.memory) as connection:
        releases = ledger.releases(connection, dataset)
        known = {name: ledger.snapshots(connection, name) for name in run.declarations.sources}
        made_of = ledger.made_of(connection, dataset, version) or kept_made_of(run.settings.home, dataset, version)
    found = next((one for one in releases if one.version == version), None)
    if found is None:
        listed = ", ".join(one.version for one in reversed(releases)) or "none"
        raise NotReleasedError(f"{dataset} has no version {version}; released were, newest first: {listed}")
    return _Asked(found, releases, made_of, known)


def _made(run: Run, asked: _Asked, folder: Path, making: _Making) -> Path | None:
    """Make the release in a home in a folder; where it lies, or None if it could not be made."""
    real, apart = run.settings.home, Home(folder / "home")
    declared, name = run.declarations, asked.release.dataset
    if why := declared.held_back.get(name):
        making.faults.append(f"the dataset is held back now: {why}")
        return None
    snapshots = list(_snapshots(real, declared, asked, making))
    if making.faults:
        return None
    for snapshot in snapshots:
        _link(snapshot, apart)
    for file in _OBEYED:
        if (real.root / file).is_file():
            shutil.copyfile(real.root / file, apart.root / file)
    run = replace(run, settings=replace(run.settings, home=apart))
    is_of_all = _needs_all(declared, name)
    existing = [] if is_of_all else _before(run, real, asked, folder, making)
    try:
        with Lease(apart, KIND) as lease:
            _put_in(run, snapshots, _builds(declared, name) if is_of_all else (), lease)
            making.faults += _refused(run, snapshots)
            if not is_of_all:
                _build(run, asked.release, existing, lease, making)
    except Exception as error:
        if (words := in_words(error)) is None:
            raise
        making.faults.append(words)
    built = release_folder(apart, asked.release)
    return built if is_kept(apart, asked.release) else None


# --- what it is made of -------------------------------------------------------------------------------------


def _needs_all(declared: Declarations, name: str) -> bool:
    """Whether what was built before decides what this dataset is."""
    return name in declared.telling or declared.datasets[name].entry.disclosure is not None


def _builds(declared: Declarations, name: str) -> tuple[str, ...]:
    """The datasets to be built at every date."""
    if name in declared.telling:
        return tuple(one for one in declared.datasets if one not in declared.held_back)
    disclosure = declared.datasets[name].entry.disclosure
    return tuple(declared.populations[disclosure.population].datasets) if disclosure else (name,)


def _snapshots(home: Home, declared: Declarations, asked: _Asked, making: _Making) -> Iterator[Snapshot]:
    """The archived snapshots that the release was made of, if they are whole."""
    wanted = _wanted(declared, asked)
    for source, ids in wanted.items():
        archived = {one.id: one for one in Archive(home, source).snapshots()}
        for snapshot_id in ids:
            if snapshot := archived.get(snapshot_id):
                making.faults += _unreadable(home, snapshot)
                yield snapshot
            else:
                making.faults.append(f"the raw files of {source} {snapshot_id} are not in {home.raw / source}")


def _wanted(declared: Declarations, asked: _Asked) -> dict[str, list[str]]:
    """By source, the ids of the snapshots to be put in: those noted, else those that follow from the release."""
    release, name, wanted = asked.release, asked.release.dataset, dict[str, list[str]]()
    newest = {use.source: use for use in release.snapshots}
    noted = [(source, one) for _, source, one, _ in (asked.made_of or {}).get("snapshots", ())]
    for source, one in noted:
        wanted.setdefault(source, []).append(one)
    beside = set(declared.sources) if name in declared.telling else _compared_with(declared, set(newest))
    for source, records in asked.known.items():
        if source in wanted or (source not in newest and source not in beside):
            continue
        until = newest[source].date if source in newest else release.data_date
        own = newest[source].snapshot_id if source in newest else None
        found = [
            one.snapshot_id
            for one in records
            if one.snapshot_id == own
            or (one.is_promoted and one.data_date <= until and not (own and one.data_date == until))
        ]
        if own and own not in found:
            found.append(own)
        wanted[source] = found
    return wanted


def _compared_with(declared: Declarations, sources: Iterable[str]) -> set[str]:
    """The sources with whose tables rules of these compare."""
    return {
        rule.refers_to.source
        for source in sources
        for rules in declared.source_rules[source].tables.values()
        for rule in rules
        if rule.refers_to is not None and rule.refers_to.source is not None
    }


def _unreadable(home: Home, snapshot: Snapshot) -> list[str]:
    """What of a snapshot's files is not there any more, or cannot be read."""
    where, faults = f"{snapshot.source} {snapshot.id}", []
    if erased := [file for file in snapshot.files if file.erased]:
        names = ", ".join(file.name for file in erased)
        faults.append(f"of {where} the raw files may no longer be kept, and were deleted ({names})")
    if lacking := [file.name for file in snapshot.files if file.lacking]:
        faults.append(f"of {where} people asked to have their records erased ({', '.join(lacking)})")
    if damaged := Archive(home, snapshot.source).verify(snapshot):
        faults.append(f"of {where} raw files are missing or have another sum than noted ({', '.join(damaged)})")
    for key_id in sorted({file.kept.key_id for file in snapshot.files if file.kept.key_id and not file.erased}):
        try:
            key_of(snapshot.source, snapshot.id, key_id)
        except ArchiveKeyError as error:
            faults.append(str(error))
    return faults


def _link(snapshot: Snapshot, apart: Home) -> None:
    """Let a snapshot lie in the other home, file by file: what is renamed or deleted there stays in the first."""
    place = apart.raw / snapshot.source / snapshot.id
    place.mkdir(parents=True)
    for path in snapshot.folder.iterdir():
        if path.is_file():
            (place / path.name).symlink_to(path)


def _before(run: Run, real: Home, asked: _Asked, folder: Path, making: _Making) -> list[Release]:
    """The releases that this one depended on when it was made.

    The one that it is compared with lies in the other home then.
    """
    release, apart = asked.release, run.settings.home
    by_version = {one.version: one for one in asked.releases}
    before = by_version.get(str(release.previous_version))
    chain, one = list[Release](), before
    while one is not None:
        chain.append(one)
        one = by_version.get(str(one.previous_version))
    of_day = [
        one
        for one in asked.releases
        if one.data_date == release.data_date and one.sequence < release.sequence and one not in chain
    ]
    write_down(apart, [Pruned(o.dataset, o.version, "", json.loads(manifest(o))) for o in (*of_day, *chain[1:])])
    if before is not None:
        place = release_folder(apart, before)
        place.parent.mkdir(parents=True, exist_ok=True)
        if is_kept(real, before):
            _take(release_folder(real, before), place, making)
        else:
            _make_before(replace(run, settings=replace(run.settings, home=real)), before, place, folder, making)
    return sorted([*chain, *of_day], key=lambda one: one.order)


def _take(standing: Path, place: Path, making: _Making) -> None:
    """Take the version before from the home."""
    if faults := verify_release(standing):
        making.faults.append(f"the version before, {standing.name}, is damaged: {'; '.join(faults)}")
    place.symlink_to(standing, target_is_directory=True)
    making.notes.append(f"compared with {standing.name} as it stands in the home, all its files having their sums")


def _make_before(run: Run, before: Release, place: Path, folder: Path, making: _Making) -> None:
    """Make the version before again, where it is no longer kept."""
    run.progress(f"making {before.version} again, with which it is compared")
    own = _Making()
    asked = _asked(run, before.dataset, before.version)
    built = _made(run, asked, folder / f"before-{before.version}", own)
    sums = {file.name: file.sha256 for file in before.files}
    if built is None or not all(file.is_same for file in compare(built, sums, {}, None)):
        making.faults.append(
            f"the version before, {before.version}, is no longer kept and could not be made again"
        )
        making.faults += own.faults
    else:
        making.notes.append(f"compared with {before.version}, which is no longer kept and was made again")
    if built is not None:
        built.rename(place)


# --- making it ----------------------------------------------------------------------------------------------


def _put_in(run: Run, snapshots: Sequence[Snapshot], datasets: tuple[str, ...], lease: Lease) -> None:
    """Put snapshots in at their dates, and build datasets when each date is whole.

    All of them were good once, so each may be much smaller than the one before it: somebody allowed that.
    """
    days: dict[date, dict[str, list[Snapshot]]] = {}
    for snapshot in snapshots:
        days.setdefault(snapshot.date, {}).setdefault(snapshot.source, []).append(snapshot)
    for number, (day, by_source) in enumerate(sorted(days.items())):
        run.progress(KIND, number, len(days), "dates")
        rounds = [[one for one in together if one is not None] for together in zip_longest(*by_source.values())]
        for place, together in enumerate(rounds, start=1):
            request = RunRequest(
                day,
                dict.fromkeys(run.declarations.sources),
                datasets if place == len(rounds) else (),
                (*(one.source for one in together), *datasets),
                publish=False,
            )
            process(replace(run, request=request), together, lease)


def _refused(run: Run, snapshots: Sequence[Snapshot]) -> list[str]:
    """The snapshots that are not let in any more, though they were."""
    with reader(run.settings.home, run.settings.memory) as connection:
        good = {one.snapshot_id for one in ledger.snapshots(connection) if one.verdict is not ledger.Verdict.HELD}
    return [
        f"{one.source} {one.id} was good, and is held by today's rules" for one in snapshots if one.id not in good
    ]


def _build(run: Run, release: Release, existing: Sequence[Release], lease: Lease, making: _Making) -> None:
    """Build and release the dataset as of its date, beside the releases that there were."""
    settings, name = run.settings, release.dataset
    run = run.asking(day=release.data_date, allow_shrink=(name,))
    with working_copy(settings.home, lease, settings.memory) as copy:
        with copy.connect() as connection:
            for one in existing:
                ledger.record_release(connection, one, KIND)
            known = {source: ledger.snapshots(connection, source) for source in run.declarations.sources}
            run_id = ledger.next_run_id(connection, settings.home, release.data_date)
        built = steps.build(run, copy, steps.Building(name, release.data_date, "", run_id, known))
    if built.state != "released":
        # nothing is to be released here, so what to do about it is left out
        words = built.message.partition(IF_MEANT)[0] or "the same as the version before"
        making.faults.append(f"built again, as it is declared today, it is {built.state}: {words}")


# --- why it differs -----------------------------------------------------------------------------------------


def _reasons(declared: Declarations, asked: _Asked, standing: Path | None) -> list[str]:
    """What is known to be otherwise than it was when the release was made."""
    reasons, release = [], asked.release
    if asked.made_of is None:
        reasons.append(
            "what it was made of is not remembered: it is older than this note, or the home has lost made_of/"
        )
    else:
        changed = changed_since(asked.made_of["declared"], declared_sums(declared, release.dataset))
        if changed:
            reasons.append(
                f"not as it was when {release.version} was released: {', '.join(changed)}. Its bytes can be proved"
                " with the program and the declarations of then only"
            )
        then = {(source, one): fingerprint for _, source, one, fingerprint in asked.made_of["snapshots"]}
        for source in sorted({source for source, _ in then}):
            day = max(use.date for use in release.snapshots if use.source == source)
            now = declared.fingerprint(source, day)
            if any(one != now for (name, _), one in then.items() if name == source):
                reasons.append(f"judged by other rules than then: {source}")
    if standing is not None and (standing / TOMBSTONE).is_file():
        count = len(json.loads((standing / TOMBSTONE).read_text(encoding="utf-8"))["withdrawn"])
        reasons.append(
            f"values or rows were withdrawn from it after it was released ({count}): its rows can be made again"
            " without them, what the withdrawal noted cannot"
        )
    if _needs_all(declared, release.dataset):
        reasons.append("what was built before it decides what it is, and the nights may have had another order")
    return reasons


def in_words_of(proof: Proof) -> list[str]:
    """What came of it, as the command prints it."""
    count, where = len(proof.files), f"{proof.dataset} {proof.version}"
    lines = [f"{file.sha256}  {file.name}" for file in proof.files if file.is_same]
    if proof.is_proven:
        lines.append(f"All {count} files are byte for byte those of {where}.")
    elif proof.files:
        differing = [file for file in proof.files if not file.is_same]
        lines.append(f"{len(differing)} of {count} files are not those of {where}:")
        lines += [f"  {file.name}: {file.difference}" for file in differing]
    else:
        lines.append(f"{where} cannot be made again:")
    lines += [f"  {reason}" for reason in proof.reasons]
    lines += [f"Note: {note}." for note in proof.notes]
    lines += [f"DAMAGED in the home: {fault}" for fault in proof.damaged]
    return lines
