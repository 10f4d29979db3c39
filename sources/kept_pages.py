"""The pages of a pull that is not finished: kept as they come, so that one that was cut off goes on where it was.

They lie below ``raw/<source>/.unfinished/<what is asked for>/``, where no sweep removes them. A page counts once
the note beside it is there, and says its sum: both are written whole or not at all, the page first.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sources.http import Page
from warehouse.addresses import without_credentials
from warehouse.archive import Archive, copy_file
from warehouse.home import to_json, write_atomically

_FOLDER = ".unfinished"
_KEPT_HEADERS = (
    "content-type",
    "etag",
    "last-modified",
    "link",
)  # by which a page is known, and leads to the next


@dataclass(frozen=True)
class KeptPages:
    """Pages of one unfinished pull, by their names. ``is_resumed``: some were there before."""

    folder: Path
    is_resumed: bool

    @staticmethod
    def of(archive: Archive, request_digest: str, within_hours: float, now: float) -> KeptPages:
        """The pages kept of a request, none if what is there is too old; what is too old is removed.

        Args:
            archive: of the source.
            request_digest: what is asked for: pages of another request are never taken.
            within_hours: how old the first of them may be.
            now: in seconds since 1970.
        """
        place = archive.folder / _FOLDER
        for folder in place.glob("*"):
            begun = _read(folder / "begun.json").get("begun")
            if not isinstance(begun, int | float) or not 0 <= now - begun <= within_hours * 3600:
                shutil.rmtree(folder, ignore_errors=True)
        folder = place / request_digest[:24]
        is_resumed = folder.exists()
        if not is_resumed:
            write_atomically(folder / "begun.json", to_json({"begun": now}))
        return KeptPages(folder, is_resumed)

    def find(self, name: str, url: str) -> Page | None:
        """The page of that name, if it is whole and came from that address."""
        noted = _read(self._note(name))
        if noted.get("asked") != _sum(url.encode()):
            return None
        try:
            content = (self.folder / name).read_bytes()
        except OSError:
            return None
        if _sum(content) != noted.get("sha256"):
            return None
        return Page(content, dict(noted.get("headers") or {}), int(noted.get("status", 200)))

    def keep(self, name: str, url: str, page: Page) -> None:
        """Keep a page. Its address is noted without credentials, and by its sum."""
        headers = {key.lower(): value for key, value in page.headers.items()}
        noted = {
            "url": without_credentials(url),
            "asked": _sum(url.encode()),
            "status": page.status,
            "size": len(page.content),
            "sha256": _sum(page.content),
            "headers": {key: headers[key] for key in _KEPT_HEADERS if key in headers},
        }
        self.drop(name)
        write_atomically(self.folder / name, page.content)
        write_atomically(self._note(name), to_json(noted))

    def drop(self, name: str) -> None:
        """Forget a page."""
        self._note(name).unlink(missing_ok=True)
        (self.folder / name).unlink(missing_ok=True)

    def copy_to(self, built: Path, names: Sequence[str]) -> None:
        """Put the pages into another folder, where the file system allows it without copying them."""
        for name in names:
            try:
                os.link(self.folder / name, built / name)
            except OSError:
                copy_file(self.folder / name, built / name)

    def remove(self) -> None:
        """Remove them: the pull is finished, or cannot be."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _note(self, name: str) -> Path:
        return self.folder / f"{name}.noted"


def _sum(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _read(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
