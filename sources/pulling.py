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
import re
import socket
import ssl
import time
import urllib.error
import urllib.request
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from email.message import Message
from pathlib import Path
from typing import IO, Any
from urllib.parse import parse_qsl, quote, unquote, urlencode, urljoin, urlsplit, urlunsplit

from sources import NothingThereError, PullRequest, SourceError
from warehouse.archive import Archive, RawFile, Snapshot, digest_of, sha256_of
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
    parts = urlsplit(url)
    query = urlencode(
        [(name, _HIDDEN if _SECRET.search(name) else value) for name, value in parse_qsl(parts.query, True)]
    )
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, query, ""))


def has_credentials(origin: str) -> bool:
    """Whether an address holds a user's name, a password or a key."""
    if not is_url(origin):
        return False
    parts = urlsplit(origin)
    return "@" in parts.netloc or any(_SECRET.search(name) for name, _ in parse_qsl(parts.query, True))


def name_in(location: str) -> str:
    """The plain file name at the end of a path or an address; ``download`` where there is none."""
    path = unquote(urlsplit(location).path) if is_url(location) else location
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


def complete_sets(names: Sequence[str]) -> dict[date, list[str]]:
    """The names of one date that make up a whole, by date: a file of its own, else parts 1 to N of one N.

    A file of its own is preferred to parts of the same date (it is the same content in one piece); of several,
    the last by name. Names without a date, and incomplete sets of parts, are left out.
    """
    singles: dict[date, list[str]] = {}
    parts: dict[tuple[date, int, str], dict[int, str]] = {}
    for name in sorted(set(names)):
        day = date_in(name_in(name))
        if day is None:
            continue
        part = part_in(name_in(name))
        if part is None:
            singles[day] = [name]
        else:
            frame = _PART.sub("", name_in(name))
            parts.setdefault((day, part[1], frame), {})[part[0]] = name
    found: dict[date, list[str]] = {}
    for (day, count, _), numbered in sorted(parts.items(), key=lambda item: item[0]):
        if count > 0 and set(numbered) == set(range(1, count + 1)):
            found[day] = [numbered[number] for number in range(1, count + 1)]
    return found | singles


def dated_files(folder: Path, start: date, end: date) -> list[tuple[date, list[Path]]]:
    """The files of a folder whose names carry a date from ``start`` to ``end``, oldest first, parts together.

    Raises:
        SourceError: the folder is none.
    """
    if not folder.is_dir():
        raise SourceError(f"{folder} is not a folder. Name the folder that holds the files, one a date.")
    sets = complete_sets([path.name for path in folder.iterdir() if _is_data(path)])
    return [(day, [folder / name for name in sets[day]]) for day in sorted(sets) if start <= day <= end]


def newest_files(folder: Path, day: date) -> list[Path]:
    """What a nightly run takes of a folder: the newest complete dated set up to ``day``, else the newest file.

    Raises:
        SourceError: there is nothing to take.
    """
    if dated := dated_files(folder, date.min, day):
        return dated[-1][1]
    undated = [path for path in folder.iterdir() if _is_data(path) and date_in(path.name) is None]
    if not undated:
        raise NothingThereError(
            f"{folder} holds no file for {day.isoformat()} or before. Put the file there, or name another folder."
        )
    return [max(undated, key=lambda path: (path.stat().st_mtime_ns, path.name))]


def _is_data(path: Path) -> bool:
    """A plain file that is not hidden, not a lock of an office program and not half a download."""
    is_half = path.suffix in (".part", ".tmp", ".crdownload")
    return path.is_file() and not path.name.startswith((".", "~")) and not is_half


def local_items(origin: str, day: date) -> list[Item]:
    """The files behind a path: the file itself, or what ``newest_files`` takes of a folder."""
    path = Path(origin).expanduser()
    if path.is_dir():
        return [Item(str(file), file.name) for file in newest_files(path, day)]
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
            token = _download(items, built, known, limits or Limits(), request.progress)
        else:
            token = _look(items, known)
        if token is None and known is not None:
            archive.touch()
            request.progress(f"{request.declaration.name}: unchanged", 1, 1)
            return known[0]
        if token is None:  # cannot be: a look without memory always gives a token
            raise SourceError(f"{origin}: the server says 'not modified', but there is nothing to compare with")
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
        (built / item.name).hardlink_to(known[0].folder / item.name)
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
    started = time.monotonic()
    shown = without_credentials(url)
    headers = {"User-Agent": "opendistrict (open data pipeline)", "Accept-Encoding": "identity"}
    if noted and noted.get("etag"):
        headers["If-None-Match"] = str(noted["etag"])
    if noted and noted.get("last_modified"):
        headers["If-Modified-Since"] = str(noted["last_modified"])
    try:
        response, final = _open(url, headers, limits)
        if response is None:
            return None
        with response:
            size = _save(response, target, limits, started, shown, progress)
        return Fetched(size, response.headers.get("ETag"), response.headers.get("Last-Modified"), final)
    except SourceError:
        target.unlink(missing_ok=True)
        raise
    except ssl.SSLCertVerificationError as error:
        target.unlink(missing_ok=True)
        raise SourceError(f"{shown}: the server's certificate is not valid: {error.verify_message}") from None
    except (OSError, http.client.HTTPException) as error:
        target.unlink(missing_ok=True)
        reason = getattr(error, "reason", error)
        if isinstance(reason, ssl.SSLCertVerificationError):
            raise SourceError(f"{shown}: the server's certificate is not valid: {reason.verify_message}") from None
        what = "no answer in time" if isinstance(reason, TimeoutError | socket.timeout) else _plain(reason)
        # "from None": the chained error could show the address with its credentials.
        raise SourceError(
            f"{shown}: {what}. The next run tries again; see whether the site is up.", is_transient=True
        ) from None


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """Redirects are followed by ``_open``, which looks at each of them."""

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Message, newurl: str
    ) -> None:
        """None: the redirect is raised as an HTTPError."""
        return None  # noqa: RET501 - the base class gives a request here


def _open(url: str, headers: Mapping[str, str], limits: Limits) -> tuple[http.client.HTTPResponse | None, str]:
    """Open an address, following a few redirects; the response (None for 304) and the final address."""
    opener = urllib.request.build_opener(_NoRedirects())
    shown = without_credentials(url)
    user: str | None = None
    host: tuple[str, str] | None = None
    for _ in range(limits.redirects + 1):
        parts = urlsplit(url)
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
            return opener.open(request, timeout=limits.timeout_seconds), without_credentials(bare)
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
        except ValueError as error:  # http.client refuses control characters and impossible ports
            raise SourceError(f"{shown}: not an address that can be fetched: {_plain(error)}") from None
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


def _save(
    response: http.client.HTTPResponse,
    target: Path,
    limits: Limits,
    started: float,
    shown: str,
    progress: Progress,
) -> int:
    """Write a response into a file; its size."""
    length = response.headers.get("Content-Length")
    declared = int(length) if length and length.isdigit() else None
    if declared is not None and declared > limits.max_bytes:
        raise SourceError(f"{shown}: {declared:,} bytes, more than the {limits.max_bytes:,} allowed")
    if response.headers.get("Content-Encoding", "identity").lower() not in ("identity", ""):
        raise SourceError(f"{shown}: came compressed in transit though it was not asked for")
    size = 0
    with target.open("wb") as file:
        while piece := response.read(_CHUNK):
            size += len(piece)
            if size > limits.max_bytes:
                raise SourceError(f"{shown}: more than the {limits.max_bytes:,} bytes allowed; given up")
            if time.monotonic() - started > limits.deadline_seconds:
                raise SourceError(
                    f"{shown}: not whole after {limits.deadline_seconds:,.0f} s, at {size:,} bytes",
                    is_transient=True,
                )
            file.write(piece)
            progress(f"fetch {target.name}", size, declared, "bytes")
    # http.client gives what there is when a connection breaks off between two reads.
    if declared is not None and size != declared:
        raise SourceError(f"{shown}: broke off after {size:,} of {declared:,} bytes", is_transient=True)
    return size


def _plain(error: object) -> str:
    """An error's text on one line, without an address it may quote."""
    text = str(error) or type(error).__name__
    return re.sub(r"\w+://\S+", "(address)", text.splitlines()[0])[:200]
