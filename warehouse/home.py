"""Where things are kept: one home folder, and how a file in it is written so that nobody sees half of it."""

from __future__ import annotations

import errno
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_UNFINISHED = ".unfinished"


class NoHomeError(LookupError):
    """There is nothing of ours where the home should be; the message says what to do."""


@dataclass(frozen=True)
class Home:
    """The home folder (``OPENDISTRICT_HOME``) and the paths in it. Making one touches no file.

    ``database`` is the warehouse where it is not the home's own: one that is being rebuilt.
    """

    root: Path
    database: Path | None = None

    @property
    def raw(self) -> Path:
        """The raw archive: ``raw/<source>/<snapshot>/``."""
        return self.root / "raw"

    @property
    def staging(self) -> Path:
        """One DuckDB file a snapshot: ``staging/<source>/<snapshot>.duckdb``."""
        return self.root / "staging"

    @property
    def warehouse(self) -> Path:
        """The warehouse as readers see it: always a whole one."""
        return self.database or self.root / "warehouse.duckdb"

    @property
    def releases(self) -> Path:
        """Immutable releases: ``releases/<dataset>/<version>/``."""
        return self.root / "releases"

    @property
    def made_of(self) -> Path:
        """A second copy of what each release was made of, ``made_of/<dataset>/<version>.json``: without it nobody
        could say any more why one that is made again differs, once the warehouse was made anew.
        """
        return self.root / "made_of"

    @property
    def disclosure(self) -> Path:
        """A second copy of what disclosure control ever decided: what was published can't be taken back, so it is
        not to be lost with the warehouse.
        """
        return self.root / "disclosure"

    @property
    def reports(self) -> Path:
        """Reports for coordinators: ``reports/<run>/index.html``."""
        return self.root / "reports"

    @property
    def runs(self) -> Path:
        """What each run came to: ``runs/<run>.json``, the ledger's part beside the warehouse."""
        return self.root / "runs"

    @property
    def logs(self) -> Path:
        """Tracebacks of faults of the program: ``logs/<run>.log``. They hold no values of data."""
        return self.root / "logs"

    @property
    def inbox(self) -> Path:
        """Where a coordinator's file is put: ``inbox/<source>/``."""
        return self.root / "inbox"

    @property
    def outbox(self) -> Path:
        """Where the annotated copy is put: ``outbox/<source>/``."""
        return self.root / "outbox"

    @property
    def portal(self) -> Path:
        """The local portal, unless another one is named."""
        return self.root / "portal"

    @property
    def temporary(self) -> Path:
        """Work in progress. Whatever a killed run left here is removed by the next."""
        return self.root / "tmp"

    @property
    def replaced(self) -> list[Path]:
        """The warehouses that rebuilds put another one in the place of: kept aside, with all that was in them."""
        return sorted(self.root.glob("warehouse-before-rebuild-*.duckdb"))

    def drop_replaced(self) -> None:
        """Delete them: something has to leave the house, and they hold it too."""
        for path in self.replaced:
            path.unlink(missing_ok=True)

    def sweep(self) -> None:
        """Remove what a killed run left half done. To be called by who holds the lease."""
        shutil.rmtree(self.temporary, ignore_errors=True)
        for folder in (self.root, self.runs, *self.raw.glob("*"), *self.made_of.glob("*")):
            for unfinished in folder.glob(f".*{_UNFINISHED}"):
                unfinished.unlink(missing_ok=True)

    @contextmanager
    def workspace(self, purpose: str) -> Iterator[Path]:
        """A folder for work in progress, on the home's own file system so that a rename is atomic."""
        self.temporary.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=f"{purpose}-", dir=self.temporary))
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def home_of(root: Path | str | None = None, environment: Mapping[str, str] = os.environ) -> Home:
    """The home in a folder; by default that of ``OPENDISTRICT_HOME``, else ``./var``."""
    return Home(Path(root or environment.get("OPENDISTRICT_HOME") or "var").absolute())


def write_atomically(path: Path, content: bytes | str) -> bool:
    """Write a small file whole or not at all. False, and no write, if it holds that content already."""
    data = content.encode() if isinstance(content, str) else content
    if path.exists() and path.stat().st_size == len(data) and path.read_bytes() == data:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}{_UNFINISHED}")
    with unfinished.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)
    return True


@contextmanager
def beside(target: Path) -> Iterator[Path]:
    """A place in the target's folder to write a file to; it takes the target's place if nothing goes wrong.

    So nobody sees half of it, and what stood there stays where the disk is full.

    Raises:
        OSError: the folder is missing; it is the one that is named, and not the place in it.
    """
    if not target.parent.is_dir():
        number = errno.ENOTDIR if target.parent.exists() else errno.ENOENT
        raise OSError(number, os.strerror(number), str(target.parent))
    unfinished = target.with_name(f".{target.name}{_UNFINISHED}")
    try:
        yield unfinished
        unfinished.replace(target)
    finally:
        unfinished.unlink(missing_ok=True)


def move_folder(built: Path, place: Path) -> None:
    """Put a finished folder in its place. One that stands there already is replaced."""
    place.parent.mkdir(parents=True, exist_ok=True)
    if place.exists():
        aside = built.parent / f"{built.name}-replaced"
        place.rename(aside)
        built.rename(place)
        shutil.rmtree(aside, ignore_errors=True)
    else:
        built.rename(place)


def to_json(content: Any) -> str:
    """JSON that is the same for the same content: sorted keys, two spaces, a line feed at the end."""
    return json.dumps(content, ensure_ascii=False, indent=2, sort_keys=True) + "\n"
