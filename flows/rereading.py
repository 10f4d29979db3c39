"""What is asked of versions that stand: what changed since one."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from flows.settings import Settings
from publish.desired import DesiredVersion
from publish.release.since import (
    APPLYING_IN_PANDAS,
    WHOLE_ROW,
    applying_in_sql,
    rows_of,
    screened_keys,
    write_since,
)
from publish.release.versions import release_folder
from warehouse import ledger
from warehouse.declarations import DatasetDeclaration
from warehouse.home import Home, beside
from warehouse.pruned import is_kept, why_not_kept
from warehouse.releases import NotReleasedError, Release
from warehouse.store import reader


@dataclass(frozen=True)
class ChangesSince:
    """What changed since a version: the file's text, how many rows of each change, and how to apply it."""

    dataset: str
    since: str
    latest: str
    text: str
    counts: Mapping[str, int]
    key: Sequence[str]
    others: Sequence[str]

    def as_dict(self) -> dict[str, object]:
        """Plain values for JSON; without the file."""
        size = len(self.text.encode())
        return {
            **{"dataset": self.dataset, "since": self.since, "latest": self.latest, "bytes": size},
            **{change: self.counts[change] for change in ("added", "changed", "removed")},
        }

    def in_words(self) -> str:
        """How many rows changed."""
        counted = ", ".join(f"{self.counts[name]:,} {name}" for name in ("added", "changed", "removed"))
        return f"{self.dataset} from {self.since} to {self.latest}: {counted}"

    def applying(self, path: Path) -> str:
        """The lines that make the version's rows those of the latest."""
        then = f"{self.dataset}.csv"
        in_pandas = APPLYING_IN_PANDAS.format(then=repr(then), since=repr(str(path)), key=list(self.key))
        in_sql = applying_in_sql(self.key, self.others, then, str(path))
        return f"In DuckDB:\n\n{in_sql}\n\nIn Python:\n\n{in_pandas}"


def version_of(home: Home, releases: Sequence[Release], dataset: str, version: str) -> Release:
    """The version of that name whose files are kept.

    Raises:
        NotReleasedError: there is none, or its files are gone; the message says which there are.
    """
    found = next((one for one in releases if one.version == version), None)
    if found is not None and (gone := why_not_kept(home, releases, found)):
        raise NotReleasedError(gone)
    if found is None:
        listed = ", ".join(one.version for one in reversed(releases) if is_kept(home, one)) or "none"
        raise NotReleasedError(f"{dataset} has no version {version}; those that are kept, newest first: {listed}")
    return found


def changes_since(
    settings: Settings, declaration: DatasetDeclaration, version: str, output: Path | None = None
) -> ChangesSince:
    """What changed since a version; written to a file as well, if one is named.

    Raises:
        NotReleasedError: there is no such version, its files are gone, or its rows have another key.
        ReleaseError: files of it or of the latest are missing or cannot be read.
        OSError: the file cannot be written; that its folder is missing is told of that.
    """
    home, name = settings.home, declaration.name
    with reader(home, settings.memory) as connection:
        releases = ledger.releases(connection, name)
    then = version_of(home, releases, name, version)
    latest = releases[-1]
    before, now = (rows_of(DesiredVersion(one, release_folder(home, one))) for one in (then, latest))
    if set(before.key) != set(now.key):
        raise NotReleasedError(
            f"{name}: the key of {version} is {', '.join(before.key)}, that of {latest.version} is"
            f" {', '.join(now.key)}: nobody can tell which rows are the same; take {latest.version} as a whole"
        )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "since.csv"
        columns = write_since([(before, path)], now, screened_keys(declaration), Path(folder))
        text = path.read_text(encoding="utf-8")
        counts = _counted(path, now.count - before.count)
        if output is not None:
            with beside(output) as unfinished:
                shutil.copyfile(path, unfinished)
    others = [column for column in columns if column not in now.key]
    return ChangesSince(name, version, latest.version, text, counts, now.key, others)


def _counted(path: Path, more: int) -> dict[str, int]:
    """How many lines are of which kind; ``more``: how many more rows the latest has."""
    import csv

    with path.open(newline="", encoding="utf-8") as file:
        lines = [line["_removed"] == WHOLE_ROW for line in csv.DictReader(file)]
    removed = sum(lines)
    added = more + removed
    return {"added": added, "changed": len(lines) - added - removed, "removed": removed}
