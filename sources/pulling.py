"""Bringing an origin's files into the raw archive, with as little reading as a night allows.

The ladder, cheapest step first; every step that says "as before" ends it:

1. a local file's size, times and inode, or the ETag and Last-Modified of an address (of a file in
   a store, what the store says of it), are those noted last time;
2. the files' SHA-256 sums are those of the snapshot the archive has;
3. the files are new: they are kept as a snapshot.

A snapshot's date is the ISO date in the names of its files where there is one, else the logical day of the run.
An undated source gives the same content on many days: then the archive's newest snapshot up to that day stands,
and nothing is kept twice. Content that changes and changes back is a third snapshot, since it is a third state.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sources import NothingThereError, PullRequest, SourceError, local_files, stores
from sources.download_limits import DownloadLimits
from sources.erasing import taken_in
from sources.naming import Item, called, date_in
from warehouse.addresses import is_url, without_addresses, without_credentials
from warehouse.archive import Archive, RawFile, Snapshot
from warehouse.personal import harmless_name, without_personal

if TYPE_CHECKING:
    from sources.http import Fetched

Known = tuple[Snapshot, Mapping[str, Any]]


@dataclass(frozen=True)
class _Pull:
    """A pull on its way: what is asked for, and what the archive has of it."""

    request: PullRequest
    archive: Archive
    items: Sequence[Item]
    day: date  # of the data
    is_dated: bool  # by the files' own names
    key: str  # under which the archive remembers the origin
    origin: str  # as it may be shown
    standing: Snapshot | None  # undated: what stands for the day if nothing changed
    known: Known | None  # what this origin gave last time, if that would stand, and by which it is recognised

    @property
    def is_remote(self) -> bool:
        """Whether the files are addresses."""
        return is_url(self.items[0].location)


def origin_or_inbox(request: PullRequest) -> str:
    """Where a source lies that has no address of its own: where it was said to, else in its folder of the inbox.

    Raises:
        NothingThereError: nothing was said, and there is no such folder.
    """
    origin = request.origin or request.declaration.default_origin
    if origin is not None:
        return origin
    folder = request.home.inbox / request.declaration.name
    if not folder.is_dir():
        raise NothingThereError(
            f"{request.declaration.title}: put the files into {folder}, or name a file, a folder or an address"
            f" with --source {request.declaration.name}=..."
        )
    return str(folder)


def archive_of(request: PullRequest) -> Archive:
    """Where what is asked for is kept, and how."""
    return Archive(request.home, request.declaration.name, request.declaration.is_about_people)


def bring(
    request: PullRequest,
    items: Sequence[Item],
    *,
    is_dated: bool = False,
    limits: DownloadLimits | None = None,
    check: Callable[[Path], None] | None = None,
) -> Snapshot:
    """The items as a snapshot: the one the archive has when nothing changed, else a new one.

    Args:
        request: home, declaration, logical day and who is told of the progress.
        items: the files of the snapshot; all paths or all addresses.
        is_dated: the source's file names carry the date the data speak of. Names without one fall back to
            the logical day.
        limits: for addresses.
        check: is given every new file before it enters the archive, and raises SourceError for one that must
            not (a page with an apology instead of the file).

    Raises:
        SourceError: an item cannot be had; ``is_transient`` where another try may do.
    """
    try:
        return _bring(request, items, is_dated, limits, check)
    except OSError as error:
        place = f"{error.filename} " if error.filename else ""
        raise SourceError(
            f"{request.declaration.name}: {place}cannot be used: {error.strerror or without_addresses(error)}. See"
            " whether the disk is full, and the rights of the folder."
        ) from error


def _bring(
    request: PullRequest,
    items: Sequence[Item],
    is_dated: bool,
    limits: DownloadLimits | None,
    check: Callable[[Path], None] | None,
) -> Snapshot:
    pull = _begin(request, _still_kept(request, items), is_dated)
    with request.home.workspace(f"pull-{request.declaration.name}") as workspace:
        built = workspace / "files"
        built.mkdir()
        token = _download(pull, built, limits) if pull.is_remote else _look(pull)
        if token is None and pull.known is not None:
            pull.archive.touch()
            request.progress(f"{request.declaration.name}: unchanged", 1, 1)
            return pull.known[0]
        assert token is not None  # noqa: S101 - a look without memory always gives a token
        if not pull.is_remote:
            same = _same_content(pull)
            if same is not None:
                pull.archive.remember(pull.key, token, same)
                return same
            token = local_files.copy(pull.items, built, request.progress)
        return _keep(pull, built, token, check)


def _still_kept(request: PullRequest, items: Sequence[Item]) -> Sequence[Item]:
    """The files without those that were deleted here because they may not be kept: none is taken in again."""
    declaration = request.declaration
    erased = Archive(request.home, declaration.name).erased() if declaration.retention_days else set()
    if not erased:
        return items
    kept = [
        item for item in items if is_url(item.location) or local_files.sum_of(Path(item.location)) not in erased
    ]
    if items and not kept:
        raise NothingThereError(
            f"{declaration.title}: what is there was kept for {declaration.retention_days} days and deleted"
            f" here. Delete it at its place too: {without_credentials(items[0].location)}."
        )
    return kept


def _begin(request: PullRequest, items: Sequence[Item], is_dated: bool) -> _Pull:
    if not items:
        raise SourceError(f"{request.declaration.name}: nothing to pull")
    if len({item.name for item in items}) != len(items):
        raise SourceError(f"{request.declaration.name}: several files have one name: {items[0].name}")
    archive = archive_of(request)
    day, dated = _day_of(items, request.day, is_dated)
    origin = _origin_of(items)
    key = f"{origin}#{len(items)}" if len(items) > 1 else origin
    # The archive's memory keeps the address; names go on from here into findings, reports and annotated copies.
    items = [replace(item, name=_harmless(item, number)) for number, item in enumerate(items, start=1)]
    place, slash, last = origin.rpartition("/")
    shown = without_personal(place + slash + harmless_name(last, 1))
    standing = None if dated else archive.latest(until=day)
    known = _remembered(archive, key, day, dated, standing)
    return _Pull(request, archive, items, day, dated, key, shown, standing, known)


def _harmless(item: Item, number: int) -> str:
    """A file's name without personal data, looked for in it as it stands: a plain name lacks their signs."""
    said = called(item.location)
    harmless = harmless_name(said, number)
    return harmless_name(item.name, number) if harmless == said else harmless


def _keep(pull: _Pull, built: Path, token: Mapping[str, Any], check: Callable[[Path], None] | None) -> Snapshot:
    names = [item.name for item in pull.items]
    if check is not None:
        for name in names:
            check(built / name)
    existing = [pull.standing] if pull.standing else [s for s in pull.archive.snapshots() if s.date == pull.day]
    files = taken_in(pull.request.declaration, pull.archive, built, names)
    snapshot = put_in(pull.archive, built, files, pull.day, pull.origin, existing)
    pull.archive.remember(pull.key, token, snapshot)
    return snapshot


def put_in(
    archive: Archive, built: Path, files: Sequence[RawFile], day: date, origin: str, existing: Sequence[Snapshot]
) -> Snapshot:
    """Put new files into the archive, or mend by them the existing snapshot of just these; it is given back.

    Args:
        archive: of the source.
        built: a folder on the home's file system that holds just these files.
        files: as the archive would note them.
        day: the day the data speak of.
        origin: where they came from, as it may be shown.
        existing: the snapshots that would stand if nothing changed.
    """
    snapshot = next((s for s in existing if s.is_of(files)), None)
    if snapshot is not None:
        return _mend(archive, snapshot, built, files)
    return archive.keep(built, [file.name for file in files], day=day, origin=origin, files=files)


def _day_of(items: Sequence[Item], day: date, is_dated: bool) -> tuple[date, bool]:
    """The snapshot's date, and whether it comes from the files' names."""
    if not is_dated:
        return day, False
    days = {date_in(item.name) for item in items}
    if len(days) > 1:
        raise SourceError(f"the files are of several dates: {', '.join(item.name for item in items)}")
    found = days.pop()
    return (found, True) if found else (day, False)


def _origin_of(items: Sequence[Item]) -> str:
    """What is noted as the origin; of several files the first one's place, since they lie side by side."""
    first = items[0].location
    return without_credentials(first) if is_url(first) else str(Path(first).absolute())


def _remembered(archive: Archive, key: str, day: date, dated: bool, standing: Snapshot | None) -> Known | None:
    """The snapshot this origin gave last time with its token, if that is what would stand for this day."""
    memory = archive.remembered(key)
    snapshot = archive.find(memory["snapshot"]) if memory else None
    if memory is None or snapshot is None or not _is_whole(snapshot):
        return None
    stands = snapshot.date == day if dated else standing is not None and standing.id == snapshot.id
    return (snapshot, memory["token"]) if stands else None


def _is_whole(snapshot: Snapshot) -> bool:
    """Whether the archive still holds the files, by their sizes: reading them would cost what the ladder saves."""
    return all(_is_there(snapshot, file) for file in snapshot.files)


def _is_there(snapshot: Snapshot, file: RawFile) -> bool:
    place = snapshot.place(file)
    return place.is_file() and place.stat().st_size == file.kept.size


def _mend(archive: Archive, snapshot: Snapshot, built: Path, found: Sequence[RawFile]) -> Snapshot:
    """Put back what is missing or cut short in a snapshot, now that the same bytes are at hand."""
    for file in snapshot.files:
        if not _is_there(snapshot, file):
            source = next(built / other.name for other in found if other.sha256 in file.sums)
            snapshot = archive.replace(snapshot, file.name, source)
    return snapshot


# --- local files --------------------------------------------------------------------------------------


def _look(pull: _Pull) -> dict[str, Any] | None:
    """The files' token, or None if it is the known one."""
    token = {item.name: local_files.token_of(Path(item.location)) for item in pull.items}
    return None if pull.known is not None and pull.known[1] == token else token


def _same_content(pull: _Pull) -> Snapshot | None:
    """The snapshot the archive has of just these bytes, if it would stand for this day. Reads, copies nothing."""
    candidates = [pull.standing] if pull.standing else []
    if pull.is_dated:
        candidates = [s for s in pull.archive.snapshots() if s.date == pull.day]
    sizes = {item.name: Path(item.location).stat().st_size for item in pull.items}
    candidates = [
        snapshot
        for snapshot in candidates
        if any(file.lacking for file in snapshot.files)
        or sorted(file.size for file in snapshot.files) == sorted(sizes.values())
        if _is_whole(snapshot)
    ]
    if not candidates:
        return None
    sums = []
    for item in sorted(pull.items, key=lambda item: item.name):
        pull.request.progress(f"check {item.name}", 0, sizes[item.name], "bytes")
        sums.append(RawFile(item.name, local_files.sum_of(Path(item.location)), sizes[item.name]))
    return next((s for s in reversed(candidates) if s.is_of(sums)), None)


# --- addresses ----------------------------------------------------------------------------------------


def _download(pull: _Pull, built: Path, limits: DownloadLimits | None) -> dict[str, Any] | None:
    """Fetch what changed; None if nothing did. What did not is taken from the known snapshot."""
    token: dict[str, Any] = {}
    unchanged = []
    with _fetcher(pull, limits) as fetch:
        for item in pull.items:
            noted = pull.known[1].get(item.name) if pull.known else None
            fetched = fetch(item.location, built / item.name, noted=noted, progress=pull.request.progress)
            if fetched is None:
                unchanged.append(item)
                token[item.name] = noted
            else:
                token[item.name] = fetched.token
    if pull.known is not None and len(unchanged) == len(pull.items):
        return None
    for item in unchanged:
        assert pull.known is not None  # noqa: S101 - without memory nothing is unchanged
        pull.archive.copy_plain(pull.known[0], item.name, built / item.name)
    return token


@contextmanager
def _fetcher(
    pull: _Pull, limits: DownloadLimits | None
) -> Iterator[Callable[..., Fetched | stores.Copied | None]]:
    """What fetches an item: from a store, or from the publisher's server."""
    if stores.is_store(pull.items[0].location):
        yield partial(stores.copy, limits=limits or DownloadLimits())
        return
    from sources.http import Publisher  # imports requests

    with Publisher(pull.request.declaration, limits) as publisher:
        yield publisher.fetch
