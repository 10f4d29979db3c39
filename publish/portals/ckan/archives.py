"""The versions of a dataset at addresses of their own: a ZIP each, beside the latest files. Asks nobody.

An archive is made of files whose sums are in the release's manifest, and what it was made of is noted with it: so
nothing is built, sent or downloaded to know that one stands.
"""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote as url_quote

from publish.desired import DesiredDataset, resource_id
from publish.plans import Change, not_as_released
from publish.portals.ckan.client import Served
from publish.portals.ckan.managed import Verdicts, becomes, sum_of
from publish.portals.ckan.serving import VERIFIED, arrived, is_doubtful, replaced
from warehouse.archive import sha256_of
from warehouse.releases import ReleaseFile

OF = "opendistrict_of"  # of a resource: what the archive is made of, how it was named, and its sum, each shortened
_KEYS = ("csv", "parquet", "dictionary", "datapackage", "changes")
_FIRST_DAY = (1980, 1, 1, 0, 0, 0)  # the earliest a ZIP knows: the same files, the same bytes
_LABEL = ("name", "description")


@dataclass(frozen=True)
class Archive:
    """A version's archive as the portal should show it. ``fields`` lack its sum, known when it is built."""

    id: str
    version: str
    file_name: str
    fields: Mapping[str, str]
    files: tuple[ReleaseFile, ...]
    folder: Path

    @property
    def of(self) -> str:
        """A short sum of what it is made of."""
        listed = "\n".join(f"{file.name} {file.sha256}" for file in self.files)
        return hashlib.sha256(listed.encode()).hexdigest()[:16]

    @property
    def size(self) -> int:
        """The bytes of what it is made of."""
        return sum(file.size for file in self.files)

    def noted(self, sha256: str, label: str) -> str:
        """What is noted with an archive of this sum."""
        return f"{self.of} {label} {sha256[:16]}"

    @property
    def label(self) -> str:
        """A short sum of its name and description."""
        return _label_of(self.fields)

    def build(self, folder: Path) -> Path:
        """Write it. Raises PortalError if a file is not what was released."""
        path = folder / self.file_name
        with zipfile.ZipFile(path, "w") as archive:
            for file in self.files:
                source = self.folder / file.name
                if not source.is_file() or sha256_of(source) != file.sha256:
                    raise not_as_released(self.folder.parent.name, source)
                entry = zipfile.ZipInfo(file.name, _FIRST_DAY)
                entry.compress_type = zipfile.ZIP_STORED if file.key == "parquet" else zipfile.ZIP_DEFLATED
                entry.external_attr = 0o644 << 16
                with source.open("rb") as content, archive.open(entry, "w", force_zip64=True) as written:
                    while block := content.read(1 << 20):
                        written.write(block)
        return path


@dataclass(frozen=True)
class Sending:
    """An archive to be sent. ``label`` is what is noted of its name: the old sum where a hand edit is left."""

    archive: Archive
    is_new: bool
    label: str


@dataclass(frozen=True)
class ArchivesDifference:
    """What differs among the archives; ids, but for the fields to set."""

    sends: tuple[Sending, ...] = ()
    updates: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    removals: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.sends or self.updates or self.removals)


def archives_of(desired: DesiredDataset, page: str) -> tuple[Archive, ...]:
    """The archives of a dataset, oldest first: in this order they are added, so a new one needs no other order.

    Args:
        desired: the dataset.
        page: the address of its page.
    """
    found, licence = [], desired.declaration.entry.licence
    for one in reversed(desired.versions):
        release = one.release
        files = tuple(file for key in _KEYS if (file := release.file(key)) is not None)
        rid = resource_id(desired.name, f"versions/{release.version}")
        file_name = f"{desired.name}-{release.version}.zip"
        before = f", what changed since {release.previous_version}" if release.previous_version else ""
        fields = {
            "name": f"Version {release.version}",
            "description": f"All that was published of version {release.version}, {release.rows:,} rows, in one"
            " file that is never replaced by another version: CSV, Parquet, the data dictionary, the"
            f" description{before}.",
            "format": "ZIP",
            "mimetype": "application/zip",
            "license": licence.authority or licence.url,
            "release_version": release.version,
            "access_url": f"{page}/resource/{rid}",
            "download_url": f"{page}/resource/{rid}/download/{url_quote(file_name)}",
        }
        found.append(Archive(rid, release.version, file_name, fields, files, one.folder))
    return tuple(found)


def is_archive(dataset: str, item: Mapping[str, Any]) -> bool:
    """Whether a resource is one of ours: only we derive such an id from the version that it says it is of."""
    return bool(item.get("id") == resource_id(dataset, f"versions/{item.get('release_version')}"))


def compare_archives(
    desired: DesiredDataset,
    archives: Sequence[Archive],
    package: Mapping[str, Any],
    served: Mapping[str, Served],
    verdicts: Verdicts,
) -> tuple[ArchivesDifference, list[Change]]:
    """What differs, in parts and in words.

    Args:
        desired: the dataset; only versions among its releases are ever removed.
        archives: as they should be.
        package: as it is on the portal.
        served: the archives that are in doubt, downloaded, by id.
        verdicts: takes the hand edits.
    """
    changes: list[Change] = []
    standing = {str(item["id"]): item for item in package.get("resources", ())}
    sends, updates = [], {}
    for archive in archives:
        item = standing.get(archive.id)
        target = f"version {archive.version}"
        if item is None:
            sends.append(Sending(archive, True, archive.label))
            changes.append(Change(desired.name, "create", target, f"an archive of it, {archive.size:,} bytes"))
            continue
        different = _different(archive, item, verdicts, target)
        seen = served.get(archive.id, Served())
        why = _reason(archive, item, seen, verdicts, target)
        if not why and seen.sha256 and is_doubtful(item, Served()):
            different[VERIFIED] = arrived(item, Served())
        if why:
            is_left = _label_of(item) != archive.label and "name" not in different
            sends.append(Sending(archive, False, _noted(item)[1] if is_left else archive.label))
            changes.append(Change(desired.name, "upload", target, why))
        if different:
            updates[archive.id] = different
            if not why:
                told = "; ".join(f"{k}: {becomes(item.get(k), v)}" for k, v in different.items())
                changes.append(Change(desired.name, "update", target, told))
    kept = {archive.version for archive in archives}
    known = {release.version for release in desired.releases}
    removals = []
    # a home without its newest version has lost files, and is no reason to take away any
    for item in package.get("resources", ()) if desired.release.version in kept else ():
        version = item.get("release_version")
        if is_archive(desired.name, item) and version in known - kept:
            removals.append(str(item["id"]))
            changes.append(Change(desired.name, "remove", f"version {version}", "it is not kept any longer"))
    return ArchivesDifference(tuple(sends), updates, tuple(removals)), changes


def _noted(item: Mapping[str, Any]) -> tuple[str, str, str]:
    parts = str(item.get(OF) or "").split(" ")
    return (parts[0], parts[1], parts[2]) if len(parts) == 3 else ("", "", "")


def _label_of(item: Mapping[str, Any]) -> str:
    return sum_of("label", [str(item.get(key) or "").replace("\r\n", "\n").strip() for key in _LABEL])


def _reason(archive: Archive, item: Mapping[str, Any], served: Served, verdicts: Verdicts, target: str) -> str:
    """Why an archive has to be sent again; empty if it stands."""
    of, _, sha256 = _noted(item)
    if not item.get("hash"):
        return "the file is not there yet"
    if of and of != archive.of:
        return "what it is made of has changed, as when something was withdrawn"
    by_hand = (
        "somebody has changed its sum"
        if not (of and str(item["hash"]).startswith(sha256))
        else replaced(item, archive.file_name, served, str(item["hash"]))
    )
    if by_hand:
        verdicts.note(target, by_hand)
    return by_hand


def _different(archive: Archive, item: Mapping[str, Any], verdicts: Verdicts, target: str) -> dict[str, str]:
    different = {
        key: value
        for key, value in archive.fields.items()
        if key not in _LABEL and str(item.get(key) or "").casefold() != value.casefold()
    }
    if _label_of(item) == archive.label:
        return different
    is_by_hand = _noted(item)[1] != _label_of(item)
    is_left = is_by_hand and not verdicts.overwrite
    if is_by_hand:
        verdicts.note(target, "somebody has changed its name or description", is_left=is_left)
    if is_left:
        return different
    different |= {key: archive.fields[key] for key in _LABEL}
    if item.get("hash"):
        different[OF] = archive.noted(str(item["hash"]), archive.label)
    return different
