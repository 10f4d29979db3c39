"""What a portal should show: a dataset, as it is declared and as its releases have it."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from warehouse.declarations import DatasetDeclaration
from warehouse.releases import Release

# Resource ids are derived from this: changing it would break every link ever given out.
_NAMESPACE = uuid.UUID("6b1f9a52-6f0e-5c39-9a51-0d8f3c1f7a40")


def resource_id(dataset: str, key: str) -> str:
    """The id of a dataset's resource on every portal and for ever, e.g. of ``agile-pilots`` and ``csv``.

    That of a version which is kept beside the latest is of the key ``versions/<version>``.
    """
    return str(uuid.uuid5(_NAMESPACE, f"{dataset}/{key}"))


@dataclass(frozen=True)
class DesiredResource:
    """A file that the portal should offer. ``size`` in bytes."""

    key: str  # csv, parquet, xlsx, datapackage, changes
    id: str
    title: str
    description: str
    format: str  # as portals write it: CSV, Parquet, XLSX, JSON
    media_type: str
    path: Path
    sha256: str
    size: int


@dataclass(frozen=True)
class DesiredVersion:
    """A release that stands at an address of its own for good, the latest among them.

    ``folder`` holds its files.
    """

    release: Release
    folder: Path


@dataclass(frozen=True)
class Standing:
    """How a dataset stands: what the checks make of it, and when more is to come."""

    score: float | None = None  # 0 to 100
    dimensions: Mapping[str, float | None] = field(default_factory=dict)  # 0 to 1, by name
    open_findings: Mapping[str, int] = field(default_factory=dict)  # by severity
    next_update: date | None = None


@dataclass(frozen=True)
class DesiredDataset:
    """A dataset as a portal should show it. ``metadata`` is what a release's datapackage says of it."""

    declaration: DatasetDeclaration
    release: Release
    resources: tuple[DesiredResource, ...]
    metadata: Mapping[str, object]
    spatial: Mapping[str, object] | None  # GeoJSON geometry
    changelog: str  # markdown, newest release first
    releases: tuple[Release, ...] = ()  # all that there were, newest first, whether their files are kept or not
    versions: tuple[DesiredVersion, ...] = ()  # those whose files are kept, newest first
    standing: Standing = Standing()
    together: str = ""  # the name of the set of datasets that are switched with it, or none
    # By address, the newest run that published it there. Not told in words: pages are made of what is.
    published: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def name(self) -> str:
        """The dataset's slug."""
        return self.declaration.name
