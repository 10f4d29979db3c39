"""What differs between the files that CKAN should offer of a dataset and those it offers. Asks nobody."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from publish.desired import resource_id
from publish.metadata.words import KEYS
from publish.plans import Change
from publish.portals.ckan.client import Served
from publish.portals.ckan.managed import Verdicts, becomes, sum_of
from publish.portals.ckan.serving import VERIFIED, arrived, is_doubtful, replaced
from publish.portals.ckan.wanted import Wanted


@dataclass(frozen=True)
class ResourcesDifference:
    """What differs among a dataset's resources; ids, but for the fields to set."""

    updates: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    uploads: tuple[str, ...] = ()
    additions: tuple[str, ...] = ()
    removals: tuple[str, ...] = ()
    reorder: bool = False

    @property
    def revises(self) -> bool:
        """Whether files or what is said of them change."""
        return bool(self.updates or self.uploads or self.additions or self.removals)


def compare_resources(
    wanted: Wanted, package: Mapping[str, Any], served: Mapping[str, Served], verdicts: Verdicts
) -> tuple[ResourcesDifference, list[Change]]:
    """What differs, in parts and in words.

    Args:
        wanted: the dataset as it should be.
        package: as it is.
        served: its files by resource id; with their sums where they are in doubt.
        verdicts: takes the hand edits.
    """
    return _Resources(wanted, package, served, verdicts).difference()


class _Resources:
    def __init__(
        self, wanted: Wanted, package: Mapping[str, Any], served: Mapping[str, Served], verdicts: Verdicts
    ) -> None:
        self._wanted = wanted
        self._standing = {str(item["id"]): item for item in package.get("resources", ())}
        self._served = served
        self._verdicts = verdicts
        self._is_new = package.get("version") != wanted.version
        self._changes: list[Change] = []

    def difference(self) -> tuple[ResourcesDifference, list[Change]]:
        wanted, standing = self._wanted, self._standing
        updates: dict[str, Mapping[str, Any]] = {}
        uploads = []
        for rid in wanted.resources:
            item = standing.get(rid)
            if item is None:
                self._missing(rid)
                uploads.append(rid)
                continue
            why = self._upload_reason(rid, item)
            if why:
                uploads.append(rid)
                self._note("upload", rid, f"{why}; {wanted.files[rid].size:,} bytes")
            if different := self._different(rid, item, bool(why)):
                updates[rid] = different
        additions = tuple(rid for rid in wanted.resources if rid not in standing)
        removals = tuple(
            rid
            for key in KEYS
            if (rid := resource_id(wanted.name, key)) in standing and rid not in wanted.resources
        )
        for rid in removals:
            target = str(standing[rid].get("name") or rid)
            self._add("remove", target, f"version {wanted.version} has no such file")
        after = [*(rid for rid in standing if rid not in removals), *additions]
        reorder = after[: len(wanted.resources)] != list(wanted.resources)
        if reorder:
            self._add("update", "order of the resources", "CSV first, then the others")
            if not additions:
                self._verdicts.note("order of the resources", "somebody has changed it")
        return ResourcesDifference(updates, tuple(uploads), additions, removals, reorder), self._changes

    def _add(self, action: str, target: str, detail: str) -> None:
        self._changes.append(Change(self._wanted.name, action, target, detail))

    def _note(self, action: str, rid: str, detail: str) -> None:
        self._add(action, str(self._wanted.resources[rid]["name"]), detail)

    def _missing(self, rid: str) -> None:
        file, described = self._wanted.files[rid], self._wanted.resources[rid]
        self._note("create", rid, f"the resource is not there; {file.size:,} bytes")
        keys = [f"{file.key}/{field}" for field in described]
        if any(key in self._verdicts.record.sums for key in keys):
            self._verdicts.note(str(described["name"]), "somebody has removed the resource")
        for key, value in zip(keys, described.values(), strict=True):
            self._verdicts.sums[key] = sum_of(key, value)

    def _different(self, rid: str, item: Mapping[str, Any], is_sent: bool) -> dict[str, Any]:
        """The fields of a resource that are to be set, told but for those that come with every version or file."""
        file, described = self._wanted.files[rid], self._wanted.resources[rid]
        different = {
            key: value
            for key, value in described.items()
            if self._verdicts.writes(f"{file.key}/{key}", f"{described['name']}, {key}", item.get(key), value)
        }
        silent = {"hash" if is_sent else "", "release_version" if self._is_new else ""}
        told = [f"{key}: {becomes(item.get(key), value)}" for key, value in different.items() if key not in silent]
        served = self._served.get(rid, Served())
        if not is_sent and served.sha256 and is_doubtful(item, served):
            different[VERIFIED] = arrived(item, served)
            told.append("its bytes were downloaded and are what was published")
        if told:
            self._note("update", rid, "; ".join(told))
        return different

    def _upload_reason(self, rid: str, item: Mapping[str, Any]) -> str:
        """Why a file has to be sent; empty if it stands there."""
        file = self._wanted.files[rid]
        if not item.get("hash"):
            return "the file is not there yet"
        if item["hash"] != file.sha256:
            return "new content"
        by_hand = replaced(item, file.path.name, self._served.get(rid, Served()), file.sha256)
        if by_hand:
            self._verdicts.note(str(self._wanted.resources[rid]["name"]), by_hand)
        return by_hand
