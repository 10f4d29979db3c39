"""Folders that take their place in one step, and are on the disk before they do."""

from __future__ import annotations

import ctypes
import errno
import os
import shutil
from pathlib import Path


def swap(built: Path, place: Path) -> None:
    """Put a folder where another one stands, which ends where the first was."""
    if not place.exists():
        built.rename(place)
    elif not exchange(built, place):
        # where the system cannot exchange two names, nothing stands there for a moment
        aside = built.with_name(f"{built.name}.old")
        place.rename(aside)
        built.rename(place)
    shutil.rmtree(built, ignore_errors=True)
    shutil.rmtree(built.with_name(f"{built.name}.old"), ignore_errors=True)


_AT_FDCWD = -100
_RENAME_EXCHANGE = 2


def exchange(first: Path, second: Path) -> bool:
    """Exchange two names in one step, as Linux can. False where it is not possible."""
    try:
        call = ctypes.CDLL(None, use_errno=True).renameat2
    except (OSError, AttributeError, TypeError):
        return False
    if call(_AT_FDCWD, os.fsencode(first), _AT_FDCWD, os.fsencode(second), _RENAME_EXCHANGE) == 0:
        return True
    number = ctypes.get_errno()
    if number in (errno.ENOSYS, errno.EINVAL, errno.ENOTSUP):
        return False
    raise OSError(number, os.strerror(number), str(first), None, str(second))


def sync_folder(folder: Path) -> None:
    """Have a folder's list of names on the disk."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sync(folder: Path) -> None:
    """Have the folder's files on the disk before its name can be."""
    for path in sorted(folder.iterdir()):
        with path.open("rb") as file:
            os.fsync(file.fileno())
    sync_folder(folder)
