"""What a folder holds and should hold: contents with sums, written whole, linked where they stand already."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from publish.folders import sync_folder
from publish.plans import PortalError, not_as_released
from warehouse.archive import copy_file, sha256_of


@dataclass(frozen=True)
class FileOf:
    """A file that stands somewhere else, to be copied. ``size`` in bytes."""

    path: Path
    sha256: str
    size: int


Content = bytes | FileOf


def sum_of(content: Content) -> str:
    """The SHA-256 of what a file should hold."""
    return content.sha256 if isinstance(content, FileOf) else hashlib.sha256(content).hexdigest()


def listed(folder: Path) -> Iterator[tuple[str, Path]]:
    """Everything below a folder that is no folder itself, by its path there; links are not followed."""
    if not folder.is_dir() or folder.is_symlink():
        return
    for parent, folders, names in os.walk(folder):
        links = [name for name in folders if (Path(parent) / name).is_symlink()]
        for name in (*names, *links):
            path = Path(parent) / name
            yield path.relative_to(folder).as_posix(), path


def write(dataset: str, path: Path, content: Content) -> None:
    """Write a file, and have it on the disk. What is copied is compared with its sum.

    Raises:
        PortalError: the file that should be copied is missing, or is not what was released.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(content, FileOf):
        if not content.path.is_file():
            raise not_as_released(dataset, content.path)
        copy_file(content.path, path)
        if sha256_of(path) != content.sha256:
            raise not_as_released(dataset, content.path)
    else:
        path.write_bytes(content)
    with path.open("rb") as file:
        os.fsync(file.fileno())


def link(standing: Path, place: Path) -> None:
    """The same file in another folder: its time stays, and no byte is written."""
    place.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(standing, place, follow_symlinks=False)
    except OSError:  # a file system without links
        shutil.copy2(standing, place, follow_symlinks=False)


def sync_folders(folder: Path) -> None:
    """Have the names in a folder, and in those below it, on the disk."""
    for parent, _, _ in os.walk(folder, topdown=False):
        sync_folder(Path(parent))


def portal_error(name: str, error: OSError) -> PortalError:
    """What went wrong on the disk, in words."""
    full = error.errno in (errno.ENOSPC, errno.EDQUOT)
    advice = "the disk is full; make room and publish again" if full else "check the folder and publish again"
    return PortalError(f"{name}: {error}; {advice}", is_transient=full)
