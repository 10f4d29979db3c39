"""The files that say what a release is: dictionary, schema, change log, description, checksums.

They are written one after another, each told of those before it. One that cannot be made stops the release: the
last good one stands, and the night says which file it was.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from publish.files import dictionary
from publish.files.formats import file_name
from publish.files.workbook import About
from publish.folders import sync
from publish.metadata.contract import as_yaml, contract
from publish.metadata.croissant import croissant
from publish.metadata.dcat import release_graph
from publish.metadata.turtle import as_turtle
from publish.metadata.words import BESIDE
from publish.release.files import release_file
from publish.release.log import feed_of
from publish.release.manifest import MANIFEST, manifest
from warehouse.declarations import DatasetDeclaration
from warehouse.home import to_json
from warehouse.releases import Release, ReleaseError, ReleaseFile

# Those that every release has.
TOLD = ("dictionary", "datapackage", *BESIDE)


@dataclass(frozen=True)
class Telling:
    """What is to be said of a release.

    Args:
        declaration: the dataset, with the columns that the release has.
        about: the dataset in words, as the release describes it.
        columns: what the rows hold.
        schema: the Table Schema of the CSV file.
        log: the change log, see ``log_of``.
        describe: the content of ``datapackage.json`` for a release with those of its files that it lists.
    """

    declaration: DatasetDeclaration
    about: About
    columns: Sequence[dictionary.Column]
    schema: Mapping[str, Any]
    log: Mapping[str, Any]
    describe: Callable[[Release], Mapping[str, Any]]


def tell(folder: Path, release: Release, telling: Telling, keys: Collection[str] = TOLD) -> Release:
    """Write what is said of a release beside its rows, then its manifest; all files are on the disk then.

    Args:
        folder: where it is built.
        release: with the files of its rows and of its changes.
        telling: what is to be said.
        keys: which files; a release that an earlier version of this program made has fewer.

    Returns:
        The release, with all of its files.

    Raises:
        ReleaseError: a file cannot be made.
    """
    release = _written(folder, release, telling, [key for key in _BEFORE if key in keys])
    described = telling.describe(release)
    (folder / file_name("datapackage", release.dataset)).write_text(to_json(described), encoding="utf-8")
    release = _with(folder, release, "datapackage")
    telling = replace(telling, describe=lambda _: described)  # as it is written: it does not list itself
    release = _written(folder, release, telling, [key for key in _AFTER if key in keys])
    if "sums" in keys:
        (folder / file_name("sums", release.dataset)).write_text(sums_of(release.files), encoding="utf-8")
        release = _with(folder, release, "sums")
    (folder / MANIFEST).write_text(manifest(release), encoding="utf-8")
    sync(folder)
    return release


def sums_of(files: Iterable[ReleaseFile]) -> str:
    """The content of ``SHA256SUMS``, which does not list itself."""
    listed = sorted((file for file in files if file.key != "sums"), key=lambda one: one.name)
    return "".join(f"{file.sha256}  {file.name}\n" for file in listed)


def _written(folder: Path, release: Release, telling: Telling, keys: Sequence[str]) -> Release:
    for key in keys:
        name = file_name(key, release.dataset)
        try:
            _WRITERS[key](telling, release, folder / name)
        except Exception as error:  # rdflib raises nothing more particular; whatever it is, its file is named
            raise ReleaseError(
                f"{release.dataset}: {name} of version {release.version} cannot be made, so nothing was released:"
                f" {type(error).__name__}: {error}. It is made of the entry in publish/catalogue"
            ) from error
        release = _with(folder, release, key)
    return release


def _with(folder: Path, release: Release, key: str) -> Release:
    return replace(release, files=(*release.files, release_file(folder, key, release.dataset)))


# --- one by one --------------------------------------------------------------------------------------------


def _dictionary_csv(telling: Telling, release: Release, path: Path) -> None:
    dictionary.write_csv(telling.columns, path)


def _dictionary_xlsx(telling: Telling, release: Release, path: Path) -> None:
    dictionary.write_xlsx(telling.columns, telling.about, path)


def _dictionary_html(telling: Telling, release: Release, path: Path) -> None:
    edition = dictionary.Edition(release.version, release.data_date, release.dataset)
    dictionary.write_html(telling.columns, telling.about, edition, path)


def _schema(telling: Telling, release: Release, path: Path) -> None:
    path.write_text(to_json(telling.schema), encoding="utf-8")


def _changelog(telling: Telling, release: Release, path: Path) -> None:
    path.write_text(to_json(telling.log), encoding="utf-8")


def _feed(telling: Telling, release: Release, path: Path) -> None:
    path.write_text(feed_of(telling.log, telling.about.title, telling.about.publisher), encoding="utf-8")


def _dcat(telling: Telling, release: Release, path: Path) -> None:
    path.write_text(to_json(_graph(telling, release)), encoding="utf-8")


def _dcat_turtle(telling: Telling, release: Release, path: Path) -> None:
    path.write_text(as_turtle(_graph(telling, release)), encoding="utf-8")


def _graph(telling: Telling, release: Release) -> Mapping[str, Any]:
    """Both forms say the same: neither lists itself or the other."""
    listed = replace(
        release, files=tuple(file for file in release.files if file.key not in ("dcat", "dcat_turtle"))
    )
    return release_graph(telling.declaration, listed, telling.describe(listed))


def _croissant(telling: Telling, release: Release, path: Path) -> None:
    path.write_text(to_json(croissant(telling.declaration, release, telling.describe(release))), encoding="utf-8")


def _contract(telling: Telling, release: Release, path: Path) -> None:
    said = contract(telling.declaration, release, telling.describe(release))
    path.write_text(as_yaml(said), encoding="utf-8")


Write = Callable[[Telling, Release, Path], None]
# Before the description, which lists the dictionary, and after it: what is made of it.
_BEFORE = ("dictionary", "dictionary_xlsx", "dictionary_html", "schema", "changelog", "feed")
_AFTER = ("dcat", "dcat_turtle", "croissant", "contract")
_WRITERS: Mapping[str, Write] = {
    "dictionary": _dictionary_csv,
    "dictionary_xlsx": _dictionary_xlsx,
    "dictionary_html": _dictionary_html,
    "schema": _schema,
    "changelog": _changelog,
    "feed": _feed,
    "dcat": _dcat,
    "dcat_turtle": _dcat_turtle,
    "croissant": _croissant,
    "contract": _contract,
}
