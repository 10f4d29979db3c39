"""Bringing an origin's files into the raw archive, with as little reading as a night allows.

The ladder, cheapest step first; every step that says "as before" ends it:

1. a local file's size, times and inode, or the ETag and Last-Modified of an address, are those noted last time;
2. the files' SHA-256 sums are those of the snapshot the archive has;
3. the files are new: they are kept as a snapshot.

A snapshot's date is the ISO date in the names of its files where there is one, else the logical day of the run.
An undated source gives the same content on many days: then the archive's newest snapshot up to that day stands,
and nothing is kept twice. Content that changes and changes back is a third snapshot, since it is a third state.
"""

from __future__ import annotations

import http.client
import io
import re
import socket
import ssl
import time
import urllib.error
import urllib.request
from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from email.message import Message
from functools import partial
from pathlib import Path
from typing import IO, Any, cast
from urllib.parse import parse_qsl, quote, unquote, urlencode, urljoin, urlsplit, urlunsplit

from sources import NothingThereError, PullRequest, SourceError
from warehouse.archive import Archive, RawFile, Snapshot, copy_file, digest_of, sha256_of
from warehouse.personal import harmless_name, without_personal
from warehouse.progress import Progress, silent

_CHUNK = 1 << 20
_DATE = re.compile(r"(?<!\d)(\d{4}-\d{2}-\d{2})(?!\d)")
_PART = re.compile(r"(?i)[-_. ]?part[-_ ]?(\d+)[-_ ]?(?:of)?[-_ ]?(\d+)")
_SECRET = re.compile(r"(?i)key|token|secret|passw|signature|credential|auth|^sig$|^pwd$")
_HIDDEN = "withheld"


@dataclass(frozen=True)
class Limits:
    """What an address may take. ``max_bytes`` of one file; ``deadline_seconds`` of one file, all in all."""

    max_bytes: int = 4 << 30
    timeout_seconds: float = 60
    deadline_seconds: float = 2 * 3600
    redirects: int = 5


@dataclass(frozen=True)
class Item:
    """One file of a snapshot: where it is (a path or an address) and the plain name it is kept under."""

    location: str
    name: str


@dataclass(frozen=True)
class Fetched:
    """What an address gave: the file's size in bytes and the headers by which a later look recognises it."""

    size: int
    etag: str | None
    last_modified: str | None
    location: str  # after redirects, without credentials


# --- names and addresses ------------------------------------------------------------------------------


def is_url(origin: str) -> bool:
    """Whether an origin is an address rather than a path."""
    return "://" in origin


def without_credentials(url: str) -> str:
    """An address that may be shown and stored: no user, no password, no keys in the query."""
    if not is_url(url):
        return url
    try:
        parts = urlsplit(url)
    except ValueError:
        return "(an address that cannot be read)"
    query = urlencode(
        [(name, _HIDDEN if _SECRET.search(name) else value) for name, value in parse_qsl(parts.query, True)]
    )
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, query, ""))


def has_credentials(origin: str) -> bool:
    """Whether an address holds a user's name, a password or a key."""
    if not is_url(origin):
        return False
    try:
        parts = urlsplit(origin)
    except ValueError:
        return True  # it may hold anything
    return "@" in parts.netloc or any(_SECRET.search(name) for name, _ in parse_qsl(parts.query, True))


def name_in(location: str) -> str:
    """The plain file name at the end of a path or an address; ``download`` where there is none."""
    path = location.partition("?")[0].partition("#")[0] if is_url(location) else location
    path = unquote(path.partition("://")[2].partition("/")[2]) if is_url(location) else path
    name = re.sub(r"[^\w.\- ()+]", "_", re.split(r"[/\\]", path)[-1]).lstrip(".")
    return name[-150:] or "download"


def date_in(name: str) -> date | None:
    """The ISO date in a file's name, if there is one that exists."""
    for text in _DATE.findall(name):
        try:
            return date.fromisoformat(text)
        except ValueError:
            continue
    return None


def part_in(name: str) -> tuple[int, int] | None:
    """``(2, 7)`` for a name with ``part2_7`` in it."""
    found = _PART.search(name)
    return (int(found[1]), int(found[2])) if found else None


def missing_parts(names: Iterable[str]) -> list[int]:
    """The numbers of the parts that are not among names such as ``...-part1_3.zip``; none if they are no parts."""
    parts = [part for name in names if (part := part_in(name)) is not None]
    count = max((count for _, count in parts), default=0)
    return sorted(set(range(1, count + 1)) - {number for number, _ in parts})


def file_sets(names: Iterable[str]) -> dict[date, list[str]]:
    """The names that make one snapshot, by the date in them: a file of its own, else the parts of one whole.

    A file of its own is preferred to parts of the same date (it is the same content in one piece), all parts to
    some of them; of several, the last by name. Parts that are not all there are a set too: ``missing_parts`` says
    which are not. Names without a date are left out.
    """
    found: dict[date, dict[tuple[int, str], list[str]]] = {}
    for name in set(names):
        plain = name_in(name)
        day, part = date_in(plain), part_in(plain)
        if day is None or (part and not 1 <= part[0] <= part[1]):
            continue
        frame = (0, plain) if part is None else (part[1], _PART.sub("", plain))
        found.setdefault(day, {}).setdefault(frame, []).append(name)

    def preference(frame: tuple[int, str], parts: Sequence[str]) -> tuple[int, int, str]:
        return (-len(missing_parts(map(name_in, parts))), -frame[0], frame[1])

    chosen = {}
    for day, frames in sorted(found.items()):
        best = max(frames, key=lambda frame: preference(frame, frames[frame]))
        by_part = {part_in(name_in(name)): name for name in sorted(frames[best])}
        chosen[day] = [by_part[part] for part in sorted(by_part, key=lambda part: part or (0, 0))]
    return chosen


def dated_files(folder: Path, start: date, end: date, pattern: str | None = None) -> list[tuple[date, list[Path]]]:
    """What a folder holds by date, from ``start`` to ``end``, oldest first: the files of one snapshot together.

    Args:
        folder: the folder.
        start: the first date.
        end: the last date, included.
        pattern: the form of a source's file names; only those are taken, by the rule of ``file_sets``. Without
            one, all files that carry a date are its files.

    Raises:
        SourceError: the folder is none.
    """
    if not folder.is_dir():
        raise SourceError(f"{folder} is not a folder. Name the folder that holds the files, one a date.")
    names = [path.name for path in folder.iterdir() if _is_data(path)]
    sets: dict[date, list[str]] = {}
    if pattern is not None:
        sets = file_sets(name for name in names if is_called(name, pattern))
    else:
        for name in sorted(names):
            if (day := date_in(name)) is not None:
                sets.setdefault(day, []).append(name)
    return [(day, [folder / name for name in sets[day]]) for day in sorted(sets) if start <= day <= end]


def newest_files(folder: Path, day: date, pattern: str | None = None) -> list[Path]:
    """What a nightly run takes of a folder: the newest dated set up to ``day``, else the newest file.

    Raises:
        SourceError: there is nothing to take.
    """
    if dated := dated_files(folder, date.min, day, pattern):
        return dated[-1][1]
    undated = [
        path
        for path in folder.iterdir()
        if _is_data(path) and date_in(path.name) is None and (pattern is None or is_called(path.name, pattern))
    ]
    if not undated:
        form = f" with a name of the form {pattern}" if pattern else ""
        raise NothingThereError(
            f"{folder} holds no file for {day.isoformat()} or before{form}. Put the file there, or name another"
            " folder."
        )
    return [max(undated, key=lambda path: (path.stat().st_mtime_ns, path.name))]


def is_called(name: str, pattern: str) -> bool:
    """Whether a file's name has the form of a source's names."""
    return re.fullmatch(pattern, name, re.IGNORECASE) is not None


def _is_data(path: Path) -> bool:
    """A plain file that is not hidden, not a lock of an office program and not half a download."""
    is_half = path.suffix in (".part", ".tmp", ".crdownload")
    return path.is_file() and not path.name.startswith((".", "~")) and not is_half


def local_items(origin: str, day: date, pattern: str | None = None) -> list[Item]:
    """The files behind a path: the file itself, or what ``newest_files`` takes of a folder."""
    path = Path(origin).expanduser()
    if path.is_dir():
        return [Item(str(file), file.name) for file in newest_files(path, day, pattern)]
    if not path.is_file():
        raise SourceError(f"{origin} does not exist or is not a file. Check the path.")
    return [Item(str(path), name_in(str(path)))]


# --- the ladder ---------------------------------------------------------------------------------------


def bring(
    request: PullRequest,
    items: Sequence[Item],
    *,
    is_dated: bool = False,
    limits: Limits | None = None,
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
        return _bring(request, items, is_dated, limits or Limits(), check)
    except OSError as error:
        place = f"{error.filename} " if error.filename else ""
        raise SourceError(
            f"{request.declaration.name}: {place}cannot be used: {error.strerror or _plain(error)}. See"
            " whether the disk is full, and the rights of the folder."
        ) from error


def _bring(
    request: PullRequest,
    items: Sequence[Item],
    is_dated: bool,
    limits: Limits,
    check: Callable[[Path], None] | None,
) -> Snapshot:
    if not items:
        raise SourceError(f"{request.declaration.name}: nothing to pull")
    if len({item.name for item in items}) != len(items):
        raise SourceError(f"{request.declaration.name}: several files have one name: {items[0].name}")
    archive = Archive(request.home, request.declaration.name)
    day, dated = _day_of(items, request.day, is_dated)
    origin = _origin_of(items)
    key = f"{origin}#{len(items)}" if len(items) > 1 else origin
    # The archive's memory keeps the address; names go on from here into findings, reports and annotated copies.
    items = [replace(item, name=harmless_name(item.name, n)) for n, item in enumerate(items, start=1)]
    place, slash, last = origin.rpartition("/")
    shown_origin = without_personal(place + slash + harmless_name(last, 1))
    standing = None if dated else archive.latest(until=day)
    known = _remembered(archive, key, day, dated, standing)
    with request.home.workspace(f"pull-{request.declaration.name}") as workspace:
        built = workspace / "files"
        built.mkdir()
        if is_url(items[0].location):
            token = _download(items, built, known, limits, request.progress)
        else:
            token = _look(items, known)
        if token is None and known is not None:
            archive.touch()
            request.progress(f"{request.declaration.name}: unchanged", 1, 1)
            return known[0]
        assert token is not None  # noqa: S101 - a look without memory always gives a token
        if not is_url(items[0].location):
            same = _same_content(archive, items, day, dated, standing, request.progress)
            if same is not None:
                archive.remember(key, token, same)
                return same
            token = _copy(items, built, request.progress)
        names = [item.name for item in items]
        if check is not None:
            for name in names:
                check(built / name)
        found = _raw_files(built, names)
        existing = [standing] if standing else [s for s in archive.snapshots() if s.date == day]
        snapshot = next((s for s in existing if s.digest == digest_of(found)), None)
        if snapshot is not None:
            _mend(snapshot, built, found)
        else:
            snapshot = archive.keep(built, names, day=day, origin=shown_origin)
        archive.remember(key, token, snapshot)
        return snapshot


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


def _remembered(
    archive: Archive, key: str, day: date, dated: bool, standing: Snapshot | None
) -> tuple[Snapshot, Mapping[str, Any]] | None:
    """The snapshot this origin gave last time with its token, if that is what would stand for this day."""
    memory = archive.remembered(key)
    snapshot = archive.find(memory["snapshot"]) if memory else None
    if memory is None or snapshot is None or not _is_whole(snapshot):
        return None
    stands = snapshot.date == day if dated else standing is not None and standing.id == snapshot.id
    return (snapshot, memory["token"]) if stands else None


def _is_whole(snapshot: Snapshot) -> bool:
    """Whether the archive still holds the files, by their sizes: reading them would cost what the ladder saves."""
    return all(
        (snapshot.folder / file.name).is_file() and (snapshot.folder / file.name).stat().st_size == file.size
        for file in snapshot.files
    )


def _mend(snapshot: Snapshot, built: Path, found: Sequence[RawFile]) -> None:
    """Put back what is missing or cut short in a snapshot, now that the same bytes are at hand."""
    for file in snapshot.files:
        place = snapshot.folder / file.name
        if not place.is_file() or place.stat().st_size != file.size:
            source = next(built / other.name for other in found if other.sha256 == file.sha256)
            source.replace(place)


def _raw_files(folder: Path, names: Sequence[str]) -> tuple[RawFile, ...]:
    return tuple(RawFile(name, sha256_of(folder / name), (folder / name).stat().st_size) for name in sorted(names))


# --- local files --------------------------------------------------------------------------------------


def _token_of(path: Path) -> dict[str, Any]:
    """What identifies a file's content without reading it."""
    try:
        found = path.stat()
    except OSError as error:
        raise SourceError(f"{path} cannot be looked at: {error.strerror}. Check path and rights.") from error
    return {
        "size": found.st_size,
        "mtime_ns": found.st_mtime_ns,
        "ctime_ns": found.st_ctime_ns,
        "inode": found.st_ino,
    }


def _look(items: Sequence[Item], known: tuple[Snapshot, Mapping[str, Any]] | None) -> dict[str, Any] | None:
    """The files' token, or None if it is the known one."""
    token = {item.name: _token_of(Path(item.location)) for item in items}
    return None if known is not None and known[1] == token else token


def _same_content(
    archive: Archive, items: Sequence[Item], day: date, dated: bool, standing: Snapshot | None, progress: Progress
) -> Snapshot | None:
    """The snapshot the archive has of just these bytes, if it would stand for this day. Reads, copies nothing."""
    candidates = [s for s in archive.snapshots() if s.date == day] if dated else [standing] if standing else []
    sizes = {item.name: Path(item.location).stat().st_size for item in items}
    candidates = [
        snapshot
        for snapshot in candidates
        if sorted(file.size for file in snapshot.files) == sorted(sizes.values()) and _is_whole(snapshot)
    ]
    if not candidates:
        return None
    sums = []
    for item in sorted(items, key=lambda item: item.name):
        progress(f"check {item.name}", 0, sizes[item.name], "bytes")
        sums.append(RawFile(item.name, _sum_of(Path(item.location)), sizes[item.name]))
    return next((s for s in reversed(candidates) if s.digest == digest_of(sums)), None)


def _sum_of(path: Path) -> str:
    try:
        return sha256_of(path)
    except OSError as error:
        raise SourceError(f"{path} cannot be read: {error.strerror}. Check path and rights.") from error


def _copy(items: Sequence[Item], built: Path, progress: Progress) -> dict[str, Any]:
    """Copy files that nobody writes to meanwhile; their token."""
    tokens = {}
    total = sum(Path(item.location).stat().st_size for item in items)
    done = 0
    for item in items:
        path = Path(item.location)
        before = _token_of(path)
        try:
            with path.open("rb") as reader, (built / item.name).open("wb") as writer:
                while piece := reader.read(_CHUNK):
                    writer.write(piece)
                    done += len(piece)
                    progress(f"copy {item.name}", done, total, "bytes")
        except OSError as error:
            raise SourceError(f"{path} cannot be copied: {error.strerror}. Check rights and disk.") from error
        if _token_of(path) != before:
            raise SourceError(f"{path} changed while it was copied: is it still being written?", is_transient=True)
        tokens[item.name] = before
    return tokens


# --- addresses ----------------------------------------------------------------------------------------


def _download(
    items: Sequence[Item],
    built: Path,
    known: tuple[Snapshot, Mapping[str, Any]] | None,
    limits: Limits,
    progress: Progress,
) -> dict[str, Any] | None:
    """Fetch what changed; None if nothing did. What did not is taken from the known snapshot."""
    token: dict[str, Any] = {}
    unchanged = []
    for item in items:
        noted = known[1].get(item.name) if known else None
        fetched = fetch(item.location, built / item.name, noted=noted, limits=limits, progress=progress)
        if fetched is None:
            unchanged.append(item)
            token[item.name] = noted
        else:
            token[item.name] = {"etag": fetched.etag, "last_modified": fetched.last_modified, "size": fetched.size}
    if known is not None and len(unchanged) == len(items):
        return None
    for item in unchanged:
        assert known is not None  # noqa: S101 - without memory nothing is unchanged
        copy_file(known[0].folder / item.name, built / item.name)
    return token


def fetch(
    url: str,
    target: Path,
    *,
    noted: Mapping[str, Any] | None = None,
    limits: Limits | None = None,
    progress: Progress = silent,
) -> Fetched | None:
    """Fetch an address into a file, in pieces; None if it is as noted (the server answers 304).

    Whatever a server answers, and whatever Python's client makes of it, ends here: as a file or as a SourceError.

    Args:
        url: http or https; user and password in it are sent as Basic authentication and shown nowhere.
        target: the file to write; nothing is left there on an error.
        noted: ``etag`` and ``last_modified`` of the last time.
        limits: size, time and redirects.
        progress: told in bytes.

    Raises:
        SourceError: the address cannot be had, with ``is_transient`` for connections, timeouts, 429 and 5xx.
    """
    limits = limits or Limits()
    clock = _Clock(time.monotonic() + limits.deadline_seconds, limits.timeout_seconds)
    shown = without_credentials(url)
    headers = {"User-Agent": "opendistrict (open data pipeline)", "Accept-Encoding": "identity"}
    if noted and noted.get("etag"):
        headers["If-None-Match"] = str(noted["etag"])
    if noted and noted.get("last_modified"):
        headers["If-Modified-Since"] = str(noted["last_modified"])
    is_conditional = len(headers) > 2
    try:
        response, final = _open(url, headers, limits, clock)
        if response is None and is_conditional:
            return None
        if response is None:
            raise SourceError(f"{shown}: the server says 'not modified' (304), but was not asked whether it is")
        with response:
            size = _save(response, target, limits, shown, progress)
        tag, changed = (_sendable(response.headers.get(name)) for name in ("ETag", "Last-Modified"))
        return Fetched(size, tag, changed, final)
    except Exception as error:
        target.unlink(missing_ok=True)
        # "from None": the chained error could show the address with its credentials.
        raise _as_source_error(error, shown, limits) from None


def _as_source_error(error: Exception, shown: str, limits: Limits) -> SourceError:
    """What a person is told of an error of the client, and whether another try may do."""
    reason = getattr(error, "reason", error)
    if isinstance(error, SourceError):
        return error
    if isinstance(reason, ssl.SSLCertVerificationError):
        return SourceError(f"{shown}: the server's certificate is not valid: {reason.verify_message}")
    again = "The next run tries again; see whether the site is up."
    if isinstance(reason, _LateError):
        return SourceError(
            f"{shown}: not whole after {limits.deadline_seconds:,.0f} s. {again}", is_transient=True
        )
    if isinstance(reason, TimeoutError):
        return SourceError(f"{shown}: no answer in time. {again}", is_transient=True)
    if isinstance(error, http.client.InvalidURL | UnicodeError):
        return SourceError(f"{shown}: not an address that can be fetched: {_plain(error)}")
    if isinstance(error, http.client.IncompleteRead):
        return SourceError(f"{shown}: the answer breaks off. {again}", is_transient=True)
    if isinstance(error, OSError | http.client.HTTPException):
        return SourceError(f"{shown}: {_plain(reason)}. {again}", is_transient=True)
    return SourceError(f"{shown}: the server's answer cannot be understood: {_plain(error)}. See what it sends.")


def _sendable(tag: str | None) -> str | None:
    """A header's value as it can be sent back in the next request; None if it cannot."""
    return tag if tag and tag.isascii() and tag.isprintable() and len(tag) <= 1_000 else None


# --- a deadline that holds ------------------------------------------------------------------------------


class _LateError(TimeoutError):
    """The deadline has passed."""


@dataclass(frozen=True)
class _Clock:
    """How long may be waited: ``timeout`` seconds for the next byte, until ``deadline`` for the last one."""

    deadline: float  # by time.monotonic
    timeout: float

    def wait(self) -> float:
        """Seconds to wait for the next byte.

        Raises:
            _LateError: there are none left.
        """
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise _LateError("too late")
        return min(left, self.timeout)


class _TimedReader(io.RawIOBase):
    """A connection's bytes, each waited for no longer than the clock allows.

    A socket's own timeout begins anew with every byte: a header or a body that drips would never end.
    """

    def __init__(self, raw: io.RawIOBase, connection: socket.socket, clock: _Clock) -> None:
        self._raw = raw
        self._connection = connection
        self._clock = clock

    def readable(self) -> bool:
        """True."""
        return True

    def readinto(self, buffer: Any) -> int | None:
        """As many bytes as have come, at least one; 0 at the end."""
        left = self._clock.wait()
        self._connection.settimeout(left)
        try:
            return cast(int | None, self._raw.readinto(buffer))
        except TimeoutError:
            self._clock.wait()  # says which of the two it was
            raise

    def close(self) -> None:
        """Close the connection's side of it too."""
        self._raw.close()
        super().close()


class _Response(http.client.HTTPResponse):
    """A response that is read by the clock, headers and all."""

    def __init__(self, connection: socket.socket, *rest: Any, clock: _Clock, **named: Any) -> None:
        super().__init__(connection, *rest, **named)
        raw = self.fp.detach()
        self.fp = io.BufferedReader(_TimedReader(raw, connection, clock))

    def _read_next_chunk_size(self) -> int:
        # Python's client takes "-1" for "all there is", whatever its size.
        size: int = super()._read_next_chunk_size()  # type: ignore[misc]
        if size < 0:
            raise ValueError("a piece of negative size")
        return size


class _Http(urllib.request.HTTPHandler):
    """Opens http addresses by the clock."""

    def __init__(self, clock: _Clock) -> None:
        super().__init__()
        self._clock = clock

    def http_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        """Open one."""
        return self.do_open(partial(_connection, http.client.HTTPConnection, self._clock), req)


class _Https(urllib.request.HTTPSHandler):
    """Opens https addresses by the clock."""

    def __init__(self, clock: _Clock) -> None:
        super().__init__()
        self._clock = clock

    def https_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        """Open one."""
        return self.do_open(partial(_connection, http.client.HTTPSConnection, self._clock), req)


def _connection(
    kind: type[http.client.HTTPConnection], clock: _Clock, host: str, **named: Any
) -> http.client.HTTPConnection:
    connection = kind(host, **{**named, "timeout": clock.wait()})
    connection.response_class = partial(_Response, clock=clock)  # type: ignore[assignment]
    return connection


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """Redirects are followed by ``_open``, which looks at each of them."""

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Message, newurl: str
    ) -> None:
        """None: the redirect is raised as an HTTPError."""
        return None  # noqa: RET501 - the base class gives a request here


def _open(
    url: str, headers: Mapping[str, str], limits: Limits, clock: _Clock
) -> tuple[http.client.HTTPResponse | None, str]:
    """Open an address, following a few redirects; the response (None for 304) and the final address."""
    opener = urllib.request.build_opener(_NoRedirects(), _Http(clock), _Https(clock))
    shown = without_credentials(url)
    user: str | None = None
    host: tuple[str, str] | None = None
    for _ in range(limits.redirects + 1):
        try:
            parts = urlsplit(url)
            _ = parts.port
        except ValueError as error:  # no address, or one with an impossible port
            raise SourceError(f"{shown}: not an address that can be fetched: {_plain(error)}") from None
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise SourceError(f"{without_credentials(url)}: only http and https addresses are fetched")
        if parts.username is not None:
            pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
            user, host = b64encode(pair.encode()).decode(), (parts.scheme, parts.netloc.rpartition("@")[2])
        bare = urlunsplit(
            (
                parts.scheme,
                parts.netloc.rpartition("@")[2],
                quote(parts.path, safe="/%:@!$&'()*+,;=~-._"),
                quote(parts.query, safe="%:@!$&'()*+,;=~-._/?"),
                "",
            )
        )
        sent = dict(headers)
        if user and host == (parts.scheme, parts.netloc.rpartition("@")[2]):
            sent["Authorization"] = f"Basic {user}"  # never to another host, nor down to plain http
        try:
            request = urllib.request.Request(bare, headers=sent)  # noqa: S310 - the scheme was looked at above
            response = opener.open(request)
            if response.status != 200:
                raise SourceError(
                    f"{shown}: the server answers {response.status} where only the whole file (200) will do"
                )
            return response, without_credentials(bare)
        except urllib.error.HTTPError as error:
            with error:
                if error.code == 304:
                    return None, without_credentials(bare)
                target = error.headers.get("Location")
                if error.code in (301, 302, 303, 307, 308) and target:
                    if parts.scheme == "https" and urlsplit(urljoin(bare, target)).scheme == "http":
                        raise SourceError(
                            f"{shown}: redirects from https to http, which anyone could change: refused"
                        ) from None
                    url = urljoin(bare, target)
                    continue
                raise _of_status(shown, error.code) from None
    raise SourceError(f"{shown}: more than {limits.redirects} redirects")


def _of_status(shown: str, code: int) -> SourceError:
    if code == 429 or code >= 500:
        return SourceError(f"{shown}: the server answers {code}. The next run tries again.", is_transient=True)
    advice = {
        401: "it wants a user and a password, or other ones",
        403: "it does not let us in",
        404: "there is no such file: the publisher moved or renamed it",
        410: "the file was withdrawn",
    }.get(code, "see what the publisher says about it")
    return SourceError(f"{shown}: the server answers {code}: {advice}.")


def _save(response: http.client.HTTPResponse, target: Path, limits: Limits, shown: str, progress: Progress) -> int:
    """Write a response into a file; its size."""
    length = response.headers.get("Content-Length")
    declared = int(length) if length and re.fullmatch("[0-9]{1,18}", length.strip()) else None
    if length is not None and declared is None:
        raise SourceError(f"{shown}: the server's answer cannot be understood: its length is {_plain(length)!r}")
    if declared is not None and declared > limits.max_bytes:
        raise SourceError(f"{shown}: {declared:,} bytes, more than the {limits.max_bytes:,} allowed")
    if response.headers.get("Content-Encoding", "identity").lower() not in ("identity", ""):
        raise SourceError(f"{shown}: came compressed in transit though it was not asked for")
    size = 0
    with _written(target) as write:
        while piece := response.read(_CHUNK):
            size += len(piece)
            if size > limits.max_bytes:
                raise SourceError(f"{shown}: more than the {limits.max_bytes:,} bytes allowed; given up")
            write(piece)
            progress(f"fetch {target.name}", size, declared, "bytes")
    # http.client gives what there is when a connection breaks off between two reads.
    if declared is not None and size != declared:
        raise SourceError(f"{shown}: broke off after {size:,} of {declared:,} bytes", is_transient=True)
    return size


@contextmanager
def _written(target: Path) -> Iterator[Callable[[bytes], object]]:
    """A function that writes into a file. A full disk is not the server's fault."""

    def here(error: OSError) -> SourceError:
        return SourceError(
            f"{target} cannot be written: {error.strerror}. Make room on the disk, or see its rights."
        )

    def write(piece: bytes) -> None:
        left = memoryview(piece)
        try:
            while left:
                left = left[file.write(left) :]
        except OSError as error:
            raise here(error) from None

    try:
        file = target.open("wb", buffering=0)
    except OSError as error:
        raise here(error) from None
    with file:
        yield write


def _plain(error: object) -> str:
    """An error's text on one line, without an address it may quote."""
    text = str(error) or type(error).__name__
    return re.sub(r"\w+://\S+", "(address)", text.splitlines()[0])[:200]
