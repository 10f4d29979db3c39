"""A release's manifest: written last, read back, and its files compared with it."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from warehouse.archive import sha256_of
from warehouse.home import to_json
from warehouse.ledger import release_from
from warehouse.releases import Release, ReleaseError

MANIFEST = "release.json"
TOMBSTONE = "withdrawn.json"  # what was taken out of a release, see publish.withdrawal


def manifest(release: Release) -> str:
    """A release as the text of its ``release.json``."""
    return to_json(json.loads(json.dumps(asdict(release), default=str)))


def load_release(folder: Path) -> Release:
    """The release in a folder, from its manifest.

    Raises:
        ReleaseError: there is none, or it cannot be read.
    """
    path = folder / MANIFEST
    try:
        return release_from(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ReleaseError(f"{path}: no manifest of a release: {error}") from error


def verify_release(folder: Path) -> list[str]:
    """What is wrong with a release's files, in words; empty if all have their sums."""
    release = load_release(folder)
    faults = []
    for file in release.files:
        path = folder / file.name
        if not path.is_file():
            faults.append(f"{file.name} is missing")
        elif path.stat().st_size != file.size or sha256_of(path) != file.sha256:
            faults.append(f"{file.name} is not what was released: its SHA-256 differs")
    known = {MANIFEST, TOMBSTONE, *(file.name for file in release.files)}
    faults += [f"{path.name} does not belong here" for path in sorted(folder.iterdir()) if path.name not in known]
    return faults
