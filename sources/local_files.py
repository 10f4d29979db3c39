"""Files on this machine: which of a folder's are taken, and how they are copied and recognised."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

from sources import NothingThereError, SourceError
from sources.naming import Item, date_in, file_sets, is_called, name_in
from warehouse.archive import sha256_of
from warehouse.progress import Progress

_CHUNK = 1 << 20


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


def token_of(path: Path) -> dict[str, Any]:
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


def sum_of(path: Path) -> str:
    """SHA-256 of a file."""
    try:
        return sha256_of(path)
    except OSError as error:
        raise SourceError(f"{path} cannot be read: {error.strerror}. Check path and rights.") from error


def copy(items: Sequence[Item], built: Path, progress: Progress) -> dict[str, Any]:
    """Copy files that nobody writes to meanwhile; their token."""
    tokens = {}
    total = sum(Path(item.location).stat().st_size for item in items)
    done = 0
    for item in items:
        path = Path(item.location)
        before = token_of(path)
        try:
            with path.open("rb") as reader, (built / item.name).open("wb") as writer:
                while piece := reader.read(_CHUNK):
                    writer.write(piece)
                    done += len(piece)
                    progress(f"copy {item.name}", done, total, "bytes")
        except OSError as error:
            raise SourceError(f"{path} cannot be copied: {error.strerror}. Check rights and disk.") from error
        if token_of(path) != before:
            raise SourceError(f"{path} changed while it was copied: is it still being written?", is_transient=True)
        tokens[item.name] = before
    return tokens
