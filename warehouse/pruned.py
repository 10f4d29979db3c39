"""Versions that are no longer kept: their folders were deleted by the rule of their catalogue entry (``keep:``).

They stand in ``pruned.json`` in the home, each with its manifest, so that the change log tells of them also after
the warehouse was made anew from the raw archive and the releases. It is written before a folder goes: a run that
was killed in between is completed by the next.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from warehouse.home import Home, to_json, write_atomically
from warehouse.ledger import LedgerError, release_from
from warehouse.releases import Release

FILE = "pruned.json"
_MANIFEST = "release.json"


@dataclass(frozen=True)
class Pruned:
    """A version whose files were deleted; ``day``, ISO: on which. ``manifest`` as its folder had it."""

    dataset: str
    version: str
    day: str
    manifest: Mapping[str, Any]

    @property
    def release(self) -> Release:
        """What the version was."""
        return release_from(self.manifest)


def pruned(home: Home, dataset: str | None = None) -> list[Pruned]:
    """The versions that are no longer kept, of one dataset or of all.

    Raises:
        LedgerError: the list is there and cannot be read.
    """
    path = home.root / FILE
    try:
        content = json.loads(path.read_text(encoding="utf-8")) if path.exists() else []
        listed = [Pruned(**item) for item in content]
    except (ValueError, TypeError) as error:
        raise LedgerError(
            f"{path} cannot be read as the list of versions that are no longer kept. Restore it from a backup;"
            " without it the change logs of a warehouse that is made anew do not tell of them."
        ) from error
    return [one for one in listed if dataset in (None, one.dataset)]


def write_down(home: Home, listed: Iterable[Pruned]) -> None:
    """Write the list in place of the one that stands."""
    write_atomically(home.root / FILE, to_json([asdict(one) for one in listed]))


def is_kept(home: Home, release: Release) -> bool:
    """Whether a version's files are there."""
    return (home.releases / release.dataset / release.version / _MANIFEST).is_file()


def kept(home: Home, releases: Iterable[Release]) -> list[Release]:
    """Releases without those that were deleted by rule. One whose files are missing for another reason stays:
    whoever needs them says so.
    """
    gone = {(one.dataset, one.version) for one in pruned(home)}
    return [one for one in releases if (one.dataset, one.version) not in gone or is_kept(home, one)]


def why_not_kept(home: Home, releases: Sequence[Release], release: Release) -> str | None:
    """What to say of a version that was asked for and was deleted by rule; None of one that was not.

    Args:
        home: where releases are kept.
        releases: the dataset's, oldest data first.
        release: the version.
    """
    found = next((one for one in pruned(home, release.dataset) if one.version == release.version), None)
    if found is None or is_kept(home, release):
        return None
    standing = [one for one in releases if is_kept(home, one)]
    after = [one.version for one in standing if one.order > release.order][:1]
    before = [one.version for one in standing if one.order < release.order][-1:]
    near = [f"the next one that is kept is {one}" for one in after]
    near += [f"the one before it that is kept is {one}" for one in before]
    return (
        f"{release.dataset} {release.version} is no longer kept: its files were deleted on {found.day} by the rule"
        f" `keep` of its catalogue entry; {', '.join(near)}. To have it again:"
        f" opendistrict rebuild {release.dataset} {release.version} --into FOLDER"
    )
