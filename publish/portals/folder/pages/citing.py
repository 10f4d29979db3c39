"""How a version is cited."""

from __future__ import annotations

from dataclasses import dataclass

from publish.portals.folder.rendering import Site
from warehouse.declarations import DatasetDeclaration
from warehouse.releases import Release


@dataclass(frozen=True)
class Cited:
    text: str
    bibtex: str = ""


def cited(declaration: DatasetDeclaration, release: Release, site: Site) -> Cited:
    entry = declaration.entry
    address = f"{site.base}datasets/{entry.name}/versions/{release.version}/" if site.base else ""
    owner = (entry.owner or entry.publisher).title
    return Cited(
        f"{owner} ({release.data_date.year}). {entry.title} (Version {release.version}) [Dataset]."
        f" {entry.publisher.title}. {address}".strip()
    )
