"""The releases in a folder, read as files from anywhere: nothing in them is trusted, and nothing else is read.

A file's name may not lead out of its folder, no link is followed, and what is too large is not opened.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

from publish.disclosure.verifying.describing import UnreadableError, stated
from publish.disclosure.verifying.other_files import changes_faults, dictionary_faults, parquet_faults
from publish.disclosure.verifying.published import WHOLE, Fault, Stated, Table, Version
from publish.disclosure.verifying.rows import csv_rows, needed_columns, suppressed_keys, tables_of

DESCRIPTION = "datapackage.json"
_DEEPEST = 6  # folders below the one that is given
_MOST_FOLDERS = 20_000
_LARGEST_DESCRIPTION = 20_000_000  # bytes
_LARGEST_FILE = 500_000_000


def descriptions(folder: Path) -> Iterator[Path]:
    """The descriptions of releases in a folder and those below it, in the order of their names.

    Raises:
        UnreadableError: there are more folders than anybody publishes.
    """
    base = len(folder.parts)
    for seen, (place, below, files) in enumerate(os.walk(folder)):
        if seen > _MOST_FOLDERS:
            raise UnreadableError(f"{folder}: more than {_MOST_FOLDERS:,} folders; give one that holds releases")
        below[:] = sorted(below) if len(Path(place).parts) - base < _DEEPEST else []
        if DESCRIPTION in files and not Path(place, DESCRIPTION).is_symlink():
            yield Path(place, DESCRIPTION)


def read_version(path: Path) -> Version | None:
    """The version of a dataset that a description is of; None if it says nothing of people.

    Raises:
        UnreadableError: it cannot be read or checked, in words.
    """
    try:
        return _read(path)
    except UnreadableError as error:
        raise UnreadableError(f"{path}: {error}") from error
    except (OSError, UnicodeError, RecursionError, MemoryError) as error:
        raise UnreadableError(f"{path}: it cannot be read: {type(error).__name__}") from error


def _read(path: Path) -> Version | None:
    described = _description(path)
    if "disclosure" not in described:
        return None
    what = stated(described["disclosure"])
    name, version = described.get("name"), described.get("version")
    if not isinstance(name, str) or not isinstance(version, str) or not name or not version:
        raise UnreadableError("it has no name or no version")
    try:
        day = date.fromisoformat(str(described.get("dataDate")))
    except ValueError:
        raise UnreadableError("it does not say of which date its data are (dataDate)") from None
    release = _Release(path.parent, described, what, Table(name, version, (), what, {}))
    tables, faults = release.read()
    return Version(name, version, day, tuple(tables), tuple(faults))


class _Release:
    """The files of one release."""

    def __init__(self, folder: Path, described: Mapping[str, Any], what: Stated, whole: Table) -> None:
        """Nothing is read yet. ``whole`` stands for the release where a fault is in no period of it."""
        listed = described.get("resources")
        self._resources = [one for one in listed if isinstance(one, Mapping)] if isinstance(listed, list) else []
        self._folder, self._what, self._whole = folder, what, whole
        self._faults: list[Fault] = []

    def read(self) -> tuple[list[Table], list[Fault]]:
        """Its tables, and what is wrong with its files and rows."""
        what = self._what
        path = self._file(self._whole.dataset, "csv")
        if path is None:
            raise UnreadableError("it names no CSV file of its rows")
        rows = list(csv_rows(path, needed_columns(what)))
        tables, wrong = tables_of(rows, what, self._whole.dataset, self._whole.version)
        self._faults += wrong
        hidden = suppressed_keys(rows, what)
        if parquet := self._file(f"{self._whole.dataset}-parquet", "parquet"):
            self._faults += parquet_faults(parquet, rows, what, self._whole)
        if changes := self._file(f"{self._whole.dataset}-changes", "csv"):
            self._faults += changes_faults(changes, hidden, what, self._whole)
        if dictionary := self._file(f"{self._whole.dataset}-dictionary", "csv"):
            self._faults += dictionary_faults(dictionary, rows, what, self._whole)
        return tables, self._faults

    def _file(self, name: str, ending: str) -> Path | None:
        """A file of the release; a fault is noted where it is not what its description says.

        Raises:
            UnreadableError: it is not a file of this folder, or too large.
        """
        described = next((one for one in self._resources if one.get("name") == name), None)
        if described is None:
            return None
        given = described.get("path")
        if not isinstance(given, str) or given != Path(given).name or not given.endswith(f".{ending}"):
            raise UnreadableError(f"{name}: its path is no {ending} file of this folder")
        path = self._folder / given
        if path.is_symlink() or not path.is_file():
            raise UnreadableError(f"{given} is missing")
        if path.stat().st_size > _LARGEST_FILE:
            raise UnreadableError(f"{given} is too large to be checked")
        said = described.get("hash")
        if isinstance(said, str) and said.startswith("sha256:") and said != f"sha256:{_sha256(path)}":
            self._faults.append(self._whole.fault("file", WHOLE, f"{given} is not what its description says"))
        return path


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _description(path: Path) -> Mapping[str, Any]:
    if path.stat().st_size > _LARGEST_DESCRIPTION:
        raise UnreadableError("it is too large for a description")
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        raise UnreadableError("it is no JSON") from None
    if not isinstance(content, Mapping):
        raise UnreadableError("it is no object of JSON")
    return content
