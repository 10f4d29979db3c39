"""What changed, row by row, from the newest versions' ``changes.csv``; and all versions that there were."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from functools import partial
from itertools import groupby
from pathlib import Path

from publish.desired import DesiredDataset, DesiredVersion
from publish.portals.folder.speaking import Speaker
from warehouse.declarations import FieldDeclaration, TableDeclaration
from warehouse.messages import counted, listed, message
from warehouse.releases import Release

_MOST_VERSIONS = 5
_MOST_ROWS = 60  # of a version
_LONGEST = 120
_HELD = ("held", "released")


@dataclass(frozen=True)
class Difference:
    """A column's value before and now; empty where there is none."""

    column: str
    old: str
    new: str


@dataclass(frozen=True)
class ChangedRow:
    """A row that differs: ``change`` is added, removed, changed, held or released."""

    change: str
    key: str
    differences: tuple[Difference, ...]


@dataclass(frozen=True)
class ChangedVersion:
    """What a version changed. ``more`` rows are in its file and not told here."""

    version: str
    before: str
    rows: tuple[ChangedRow, ...]
    is_cut: bool
    counts: str
    file: str  # from the folder of the dataset's page
    size: int


def changed_versions(wanted: DesiredDataset, speaker: Speaker) -> Iterator[ChangedVersion]:
    """The newest versions in which a row differs from the version before, newest first."""
    told = 0
    for kept in wanted.versions:
        release = kept.release
        file = release.file("changes")
        if told == _MOST_VERSIONS or file is None or release.previous_version is None or not _differs(release):
            continue
        path = kept.folder / file.name
        if not path.is_file():
            continue
        told += 1
        rows, is_cut = _rows(path, wanted, speaker)
        yield ChangedVersion(
            release.version,
            release.previous_version,
            tuple(rows),
            is_cut,
            counts(release),
            f"versions/{release.version}/{file.name}",
            file.size,
        )


def _differs(release: Release) -> bool:
    return bool(release.added or release.changed or release.removed or release.newly_held or release.released)


def counts(release: Release) -> str:
    """How many rows differ from the version before, in words."""
    parts = [
        counted("{count} row added", "{count} rows added", release.added) if release.added else "",
        counted("{count} row changed", "{count} rows changed", release.changed) if release.changed else "",
        counted("{count} row removed", "{count} rows removed", release.removed) if release.removed else "",
        message("{rows} held as they were", rows=release.newly_held) if release.newly_held else "",
        message("{rows} no longer held", rows=release.released) if release.released else "",
    ]
    return listed([part for part in parts if part], "comma")


def lines(release: Release) -> Iterator[str]:
    """What a version says of itself, a sentence a line."""
    if release.previous_version is None:
        yield message("The first version.")
    elif _differs(release):
        yield message("Since {version}: {counts}.", version=release.previous_version, counts=counts(release))
    else:
        yield message(
            "The rows are those of {version}; their description changed.", version=release.previous_version
        )
    if release.held:
        yield message("Rows of which something that the source says could not be used: {rows}.", rows=release.held)
    yield from release.schema_changes


def _rows(path: Path, wanted: DesiredDataset, speaker: Speaker) -> tuple[list[ChangedRow], bool]:
    columns = {field.name: field for field in wanted.declaration.table.fields}
    titles = {name: speaker.title(field) for name, field in columns.items()}
    said = partial(_said, columns, wanted.declaration.table, speaker)
    rows: list[ChangedRow] = []
    with path.open(encoding="utf-8", newline="") as file:
        lines = csv.reader(file)
        keys = next(lines, [])[1:-3]  # between what happened, and field, old, new
        for key, group in groupby(lines, key=lambda line: line[1 : 1 + len(keys)]):
            if len(rows) == _MOST_ROWS:
                return rows, True
            told = " · ".join(said(name, value) for name, value in zip(keys, key, strict=False))
            rows.append(_row(_cut(told), list(group), titles, said))
    return rows, False


def _row(
    key: str, group: Sequence[Sequence[str]], titles: Mapping[str, str], said: Callable[[str, str], str]
) -> ChangedRow:
    kinds = [line[0] for line in group]
    change = "changed" if "changed" in kinds else kinds[0]
    differences = tuple(
        Difference(titles.get(name, name), said(name, old), said(name, new))
        for *_, name, old, new in group
        if name
    )
    return ChangedRow(change, key, differences)


def _said(
    columns: Mapping[str, FieldDeclaration], table: TableDeclaration, speaker: Speaker, name: str, text: str
) -> str:
    """A value of the file in the language: a code in words, a number, a day; of a column that is gone as it is."""
    field = columns.get(name)
    if field is None or not text:
        return _cut(text)
    try:
        match field.type:
            case "boolean" if text in ("true", "false"):
                return speaker.say(message("yes") if text == "true" else message("no"))
            case "date":
                return speaker.short_day(date.fromisoformat(text))
            case "number" | "integer":
                return speaker.number(Decimal(text), len(text.partition(".")[2]))
    except (ValueError, InvalidOperation):  # of another type before
        return _cut(text)
    return speaker.words(field, table).get(text) or _cut(text)


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1].rstrip() + "…"


@dataclass(frozen=True)
class Version:
    """A version in a list: ``until`` is the day from which another one was the newest, empty for the latest.

    ``is_kept`` says whether its files are; ``since`` whether there is a file of what changed since it.
    """

    release: Release
    lines: tuple[str, ...]
    until: str
    is_kept: bool
    is_latest: bool


def all_versions(wanted: DesiredDataset) -> list[Version]:
    """All versions that there were, newest first."""
    kept = {one.release.version for one in wanted.versions}
    found: list[Version] = []
    for release in wanted.releases or (wanted.release,):
        found.append(
            Version(
                release,
                tuple(lines(release)),
                found[-1].release.data_date.isoformat() if found else "",
                release.version in kept,
                release.version == wanted.release.version,
            )
        )
    return found


def as_of(wanted: DesiredDataset) -> str:
    """The versions whose files are kept, for the page's script: ``2026-10-01 2026-10-05.2``, oldest first."""
    return " ".join(one.release.version for one in _oldest_first(wanted.versions))


def _oldest_first(versions: Sequence[DesiredVersion]) -> list[DesiredVersion]:
    return sorted(versions, key=lambda one: one.release.order)
