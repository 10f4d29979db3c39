"""Files in any store that fsspec knows: ``s3://bucket/folder``, ``sftp://host/file.xlsx``, ``file:///srv/book.csv``.

Who we are there is said by the environment or by fsspec's own configuration (``FSSPEC_S3_KEY``,
``~/.config/fsspec``, or what the store's library reads), never by the address, which is noted, logged and
archived. What comes from the web (http, https) does not come this way: ``sources.http`` asks there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from time import monotonic
from typing import Any

from sources import SourceError
from sources.download_limits import DownloadLimits
from sources.naming import Item, name_in
from warehouse.addresses import has_credentials, is_web, without_addresses, without_credentials
from warehouse.progress import Progress

_CHUNK = 1 << 20
_MOST_FILES = 10_000  # of a folder
# What stores say of a file by which other content is known, under whatever name.
_TELLING = (
    "ETag", "etag", "md5", "md5Hash", "content_md5", "crc32c", "checksum", "sha", "sha256", "generation",
    "VersionId", "version_id", "LastModified", "last_modified", "updated", "modified", "mtime", "created", "ino",
)  # fmt: skip
_TIMES = ("LastModified", "last_modified", "updated", "modified", "mtime", "created")


@dataclass(frozen=True)
class Stored:
    """A file in a store. ``when`` it was changed last, in seconds since 1970; 0 where the store does not say."""

    item: Item
    when: float


@dataclass(frozen=True)
class Copied:
    """What the archive notes of a file that was copied."""

    token: Mapping[str, Any]


def is_store(origin: str) -> bool:
    """Whether an origin is an address in a store, and neither a path nor an address of the web."""
    return "://" in origin and not is_web(origin)


def stored(origin: str) -> list[Stored]:
    """The file at an address; of a folder, all files in it that are not hidden, none from folders below.

    Raises:
        SourceError: there is no such file or folder, or the store cannot be asked.
    """
    store, path = _opened(origin)
    with _told(origin):
        store.invalidate_cache()
        found = store.info(path)
        if found["type"] != "directory":
            return [Stored(Item(origin, name_in(path.rpartition("/")[2])), _when(found))]
        listed = [one for one in store.ls(path, detail=True) if one["type"] == "file"]
    if len(listed) > _MOST_FILES:
        raise SourceError(
            f"{without_credentials(origin)} holds {len(listed):,} files, too many for a folder of a source. Name"
            " another one, or the file."
        )
    names = [one["name"].rstrip("/").rpartition("/")[2] for one in listed]
    place = origin.rstrip("/")
    return [
        Stored(Item(f"{place}/{name}", name_in(name)), _when(one))
        for name, one in zip(names, listed, strict=True)
        if not name.startswith((".", "~"))
    ]


def copy(
    location: str, target: Path, *, noted: Mapping[str, Any] | None, limits: DownloadLimits, progress: Progress
) -> Copied | None:
    """Copy a file byte for byte; None if the store says that it is as noted.

    Args:
        location: its address.
        target: the file to write; nothing is left there on an error.
        noted: what was noted of it last time.
        limits: how large it may be, and how long it may take.
        progress: told in bytes.

    Raises:
        SourceError: it cannot be had.
    """
    store, path = _opened(location)
    with _told(location):
        store.invalidate_cache()
        token = _token(store.info(path))
    if len(token) > 1 and noted == token:  # a size alone says nothing
        return None
    try:
        size = _copy(store.open, path, target, _Limit(without_credentials(location), limits), progress)
        with _told(location):
            store.invalidate_cache()
            after = _token(store.info(path))
        if after != token or token["size"] not in (None, size):
            raise SourceError(
                f"{without_credentials(location)} changed while it was copied: is it still being written?",
                is_transient=True,
            )
    except BaseException:
        target.unlink(missing_ok=True)
        raise
    return Copied(token)


@dataclass(frozen=True)
class _Limit:
    """What a file may take, and what it is called."""

    shown: str
    limits: DownloadLimits

    def allow(self, size: int, seconds: float) -> None:
        """SourceError where so many bytes or seconds are too many."""
        if size > self.limits.max_bytes:
            raise SourceError(
                f"{self.shown} has more than {self.limits.max_bytes:,} bytes; given up. Is it the right file?"
            )
        if seconds > self.limits.deadline_seconds:
            raise SourceError(
                f"{self.shown} did not come within {self.limits.deadline_seconds:g} seconds; given up. The next"
                " run tries again.",
                is_transient=True,
            )


def _copy(opened: Any, path: str, target: Path, limit: _Limit, progress: Progress) -> int:
    """The file's bytes, and how many there were."""
    size, begun = 0, monotonic()
    with target.open("wb") as writer, _told(limit.shown), opened(path, "rb") as reader:
        while piece := reader.read(_CHUNK):
            size += len(piece)
            limit.allow(size, monotonic() - begun)
            writer.write(piece)
            progress(f"fetch {target.name}", size, None, "bytes")
    return size


def _opened(origin: str) -> tuple[Any, str]:
    """The store of an address, and the path in it."""
    shown, protocol = without_credentials(origin), origin.partition("://")[0].lower()
    if "::" in origin or has_credentials(origin):
        raise SourceError(
            f"{shown}: an address says where a file is, and nothing else: no user or key (they belong into the"
            " environment or into fsspec's configuration), and no address within another one"
        )
    import fsspec

    if protocol not in {*fsspec.available_protocols(), *fsspec.registry}:
        raise SourceError(f"{shown}: there is no store {protocol}://. See whether the address is written right.")
    with _told(origin):
        return fsspec.url_to_fs(origin)  # type: ignore[no-any-return]


@contextmanager
def _told(origin: str) -> Iterator[None]:
    """Whatever a store's library raises, as a SourceError that says where."""
    shown = without_credentials(origin)
    try:
        yield
    except SourceError:
        raise
    except ImportError as error:
        raise SourceError(
            f"{shown}: what is needed to reach it is not installed here: {without_addresses(error)}. Install it"
            " beside this program, or copy the file to a folder."
        ) from None
    except FileNotFoundError:
        raise SourceError(f"{shown} does not exist. Check the address.") from None
    except PermissionError as error:
        raise SourceError(
            f"{shown} may not be read: {without_addresses(error)}. Say who we are in the environment or in"
            " fsspec's configuration."
        ) from None
    except Exception as error:
        raise SourceError(
            f"{shown} cannot be had: {without_addresses(error)}. The next run tries again.",
            is_transient=isinstance(error, OSError),
        ) from None


def _token(found: Mapping[str, Any]) -> dict[str, Any]:
    """What identifies a file's content without reading it."""
    return {"size": found.get("size")} | {
        name: str(found[name]) for name in _TELLING if found.get(name) not in (None, "")
    }


def _when(found: Mapping[str, Any]) -> float:
    for name in _TIMES:
        given = found.get(name)
        if isinstance(given, datetime):
            return given.timestamp()
        if isinstance(given, int | float):
            return float(given)
        if isinstance(given, str):
            try:
                return datetime.fromisoformat(given).timestamp()
            except ValueError:
                continue
    return 0.0
