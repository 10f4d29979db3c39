"""What a portal should show of a release."""

from __future__ import annotations

import json
from collections.abc import Sequence

from publish.desired import DesiredDataset, DesiredResource, resource_id
from publish.metadata.datapackage import district_of
from publish.metadata.words import resource_format, resource_title
from publish.release.log import changelog
from publish.release.versions import release_folder
from warehouse.declarations import DatasetDeclaration
from warehouse.home import Home
from warehouse.releases import Release, ReleaseError


def desired_dataset(
    declaration: DatasetDeclaration,
    release: Release,
    all_releases: Sequence[Release],
    home: Home,
) -> DesiredDataset:
    """What a portal should show of a dataset.

    Args:
        declaration: the dataset.
        release: the one to be shown, usually the latest.
        all_releases: the dataset's releases, for the change log; newer ones than ``release`` are left out.
        home: where releases are kept.

    Raises:
        ReleaseError: the release's description is missing.
    """
    folder = release_folder(home, release)
    try:
        metadata = json.loads((folder / "datapackage.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
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
    shown = [item for item in all_releases if item.order <= release.order]
    outline = district.geojson if district else None
    return DesiredDataset(declaration, release, tuple(resources), metadata, outline, changelog(shown))
