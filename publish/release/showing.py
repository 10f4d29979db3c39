"""What a portal should show of a release."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from publish.desired import DesiredDataset, DesiredResource, DesiredVersion, Standing, resource_id
from publish.metadata.datapackage import district_of
from publish.metadata.words import resource_format, resource_title
from publish.release.log import changelog
from publish.release.versions import release_folder
from warehouse.declarations import DatasetDeclaration
from warehouse.home import Home
from warehouse.pruned import is_kept, why_not_kept
from warehouse.releases import Release, ReleaseError


def desired_dataset(
    declaration: DatasetDeclaration,
    release: Release,
    all_releases: Sequence[Release],
    home: Home,
    standing: Standing | None = None,
) -> DesiredDataset:
    """What a portal should show of a dataset.

    Args:
        declaration: the dataset.
        release: the one to be shown, usually the latest.
        all_releases: the dataset's releases, for the change log; newer ones than ``release`` are left out.
        home: where releases are kept.
        standing: what the checks make of it.

    Raises:
        ReleaseError: the release's description is missing.
    """
    folder = release_folder(home, release)
    try:
        metadata = json.loads((folder / "datapackage.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        if gone := why_not_kept(home, all_releases, release):
            raise ReleaseError(gone) from error
        raise ReleaseError(f"{folder}: the release cannot be read: {error}") from error
    district = district_of(declaration)
    described = {resource["path"]: resource for resource in metadata["resources"]}
    resources = []
    for file in release.files:
        title, description = resource_title(file.key)
        if resource := described.get(file.name):
            title, description = resource["title"], resource["description"]
        resources.append(
            DesiredResource(
                key=file.key,
                id=resource_id(release.dataset, file.key),
                title=title,
                description=description,
                format=resource_format(file.key),
                media_type=file.media_type,
                path=folder / file.name,
                sha256=file.sha256,
                size=file.size,
            )
        )
    shown = sorted(
        (item for item in all_releases if item.order <= release.order), key=lambda item: item.order, reverse=True
    )
    return DesiredDataset(
        declaration,
        release,
        tuple(resources),
        metadata,
        district.geojson if district else None,
        changelog(shown),
        tuple(shown),
        tuple(_kept(shown, home)),
        standing or Standing(),
        declaration.entry.publish_with,
    )


def _kept(releases: Sequence[Release], home: Home) -> Iterator[DesiredVersion]:
    for release in releases:
        if is_kept(home, release):
            yield DesiredVersion(release, release_folder(home, release))
