"""The files that a dataset's folder holds beside its pages: the latest version's, and those of every kept one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from publish.desired import DesiredDataset, DesiredResource
from publish.plans import PortalError
from publish.portals.folder.files import Content, FileOf
from publish.portals.folder.speaking import Speaker
from publish.release.since import since_files
from warehouse.archive import sha256_of


def parquet_of(wanted: DesiredDataset) -> DesiredResource | None:
    """The file with the rows and their types, if there is one."""
    return next((resource for resource in wanted.resources if resource.key == "parquet"), None)


def release_files(wanted: DesiredDataset, reserved: frozenset[str]) -> dict[str, Content]:
    """The files of the dataset's releases, by their place in its folder.

    Raises:
        PortalError: two would be called alike, or one as a page of ours is.
    """
    files: dict[str, Content] = {}
    for resource in wanted.resources:
        place = resource.path.name
        if place in files or place in reserved:
            raise PortalError(f"{wanted.name}: two files would be called {place}")
        files[place] = FileOf(resource.path, resource.sha256, resource.size)
    for one in wanted.versions:
        for file in one.release.files:
            place = f"versions/{one.release.version}/{file.name}"
            files[place] = FileOf(one.folder / file.name, file.sha256, file.size)
    return files


def changes_since(wanted: DesiredDataset, cache: Path) -> dict[str, Content]:
    """What changed since each kept version, a file each, by its place in the dataset's folder.

    Raises:
        ReleaseError: files of a version cannot be read.
    """
    if not any(one.release.version == wanted.release.version for one in wanted.versions):
        return {}  # of a release that an earlier program made nothing is kept to compare with
    found = since_files(wanted, cache)
    return {place: FileOf(path, sha256_of(path), path.stat().st_size) for place, path in sorted(found.items())}


def place_of(wanted: DesiredDataset, speaker: Speaker) -> str:
    """Where a dataset's rows lie, in words; empty where its entry does not say."""
    spatial = wanted.metadata.get("spatial")
    if isinstance(spatial, Mapping):
        return f"{spatial['name']}, {spatial['city']}"
    return ", ".join(speaker.place(one) for one in wanted.declaration.entry.places)
