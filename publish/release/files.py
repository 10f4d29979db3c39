"""A release's files: described, summed, found again."""

from __future__ import annotations

from pathlib import Path

from publish.files import workbook
from publish.files.formats import file_name
from publish.metadata.protection import protection_in_words
from publish.metadata.words import media_type
from publish.release.versions import release_folder
from warehouse.archive import sha256_of
from warehouse.declarations import DatasetDeclaration
from warehouse.home import Home
from warehouse.releases import Release, ReleaseError, ReleaseFile


def about(declaration: DatasetDeclaration) -> workbook.About:
    """The sheet about the dataset. No date and no version: the same rows make the same bytes on any day."""
    entry = declaration.entry
    return workbook.About(
        title=entry.title,
        description=entry.description,
        each_row_is_a=entry.each_row_is_a,
        licence=entry.licence.id,
        licence_url=entry.licence.url,
        attribution=entry.attribution,
        publisher=entry.publisher.title,
        contact=f"{entry.contact.name} <{entry.contact.email}>",
        usage_warnings=entry.usage_warnings,
        protection=protection_in_words(declaration),
    )


def release_file(folder: Path, key: str, dataset: str) -> ReleaseFile:
    """A file of a release that is being built, with its sum and size."""
    path = folder / file_name(key, dataset)
    return ReleaseFile(key, path.name, media_type(path.name), sha256_of(path), path.stat().st_size)


def previous_parquet(previous: Release, home: Home) -> Path:
    """The Parquet file of the version before.

    Raises:
        ReleaseError: it is missing.
    """
    file, folder = previous.file("parquet"), release_folder(home, previous)
    if file is None or not (folder / file.name).is_file():
        raise ReleaseError(
            f"{previous.dataset}: the Parquet file of version {previous.version} is missing from {folder},"
            " so nobody can say what changed; restore the folder from a backup"
        )
    return folder / file.name
