"""What the portal remembers of its own folder, in ``<root>/.portal.json``, which nobody is served.

Sums of files that were read once, with what tells that a file was not touched since (its size, its times, its
number on the disk): gigabytes are not read every night. A file whose note does not fit is read again, so a note
that is lost costs time and nothing else. And which datasets and pages of ours stand here, so that one that
somebody took away is missed and one that is no page any more is removed; and what of each dataset is shown, for
guards to ask where somebody wrote in the dataset's own note of it, or removed that.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from publish.portals.folder.files import listed
from warehouse.archive import sha256_of
from warehouse.home import write_atomically

NAME = ".portal.json"
_Stamp = list[int | str]  # size, mtime and ctime in ns, inode, SHA-256


class Notes:
    """The notes of a portal's folder, as they were read; ``save`` writes what became of them."""

    def __init__(self, root: Path) -> None:
        """Touches no file but the notes, which it reads."""
        self._root = root
        try:
            content = json.loads((root / NAME).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            content = {}
        known: dict[str, Any] = content if isinstance(content, dict) else {}
        self.published: set[str] = set(_of(known, "published", list))
        self.shown: dict[str, Any] = _of(known, "shown", dict)  # see ``standing.noted_of``, by dataset
        self.front: dict[str, str] = _of(known, "front", dict)  # sums of the portal's own files, by place
        self.front_made_of: str = _of(known, "front_made_of", str)
        self._seen: dict[str, _Stamp] = _of(known, "seen", dict)
        self._now: dict[str, _Stamp] = {}

    def sum_of(self, path: Path) -> str:
        """The SHA-256 of a file below the root; empty for what is no file. Read only if it was touched."""
        found = path.lstat()
        if not stat.S_ISREG(found.st_mode):
            return ""
        key = path.relative_to(self._root).as_posix()
        stamp = [found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino]
        noted = self._now.get(key) or self._seen.get(key)
        if isinstance(noted, list) and noted[:-1] == stamp:
            self._now[key] = noted
            return str(noted[-1])
        digest = sha256_of(path)
        self._now[key] = [*stamp, digest]
        return digest

    def sums_in(self, folder: Path) -> dict[str, str]:
        """The sums of everything below a folder, by its path there."""
        return {name: self.sum_of(path) for name, path in listed(folder)}

    def stamp(self, folder: Path, sums: Iterable[tuple[str, str]]) -> None:
        """Note files that were written or linked just now, whose sums are known."""
        for name, digest in sums:
            path = folder / name
            found = path.lstat()
            key = path.relative_to(self._root).as_posix()
            self._now[key] = [found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino, digest]

    def forget(self) -> None:
        """Believe no note: every file is read again."""
        self._seen, self._now = {}, {}

    def save(self) -> None:
        """Write the notes, if they are others than those that stand there."""
        for key, stamp in self._seen.items():
            if key not in self._now and os.path.lexists(self._root / key):
                self._now[key] = stamp
        content = {
            "front": self.front,
            "front_made_of": self.front_made_of,
            "published": sorted(self.published),
            "seen": self._now,
            "shown": self.shown,
        }
        if self._root.is_dir():
            write_atomically(self._root / NAME, json.dumps(content, sort_keys=True) + "\n")


def _of(content: dict[str, Any], key: str, kind: type) -> Any:
    found = content.get(key)
    return found if isinstance(found, kind) else kind()
