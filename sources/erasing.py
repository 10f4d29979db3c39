"""Taking people's records out of files: what a source's package offers for it, and files on their way in.

What somebody asked to be erased (``warehouse.erasures``) may stand in the next export too. It is taken out before
the file enters the raw archive, which notes that it did.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol, cast

from sources import SourceError, package
from warehouse.archive import Archive, RawFile, Stored, sha256_of
from warehouse.declarations import SourceDeclaration
from warehouse.erasures import day_of, erasures

# Whether a person is meant, by the values of the person_key.
IsMeant = Callable[[Sequence[str]], bool]


@dataclass(frozen=True)
class TakenOut:
    """A record that was taken out of a file: whose it is, its row as findings count, and its texts."""

    key: tuple[str, ...]
    row_number: int
    texts: tuple[str, ...]


@dataclass(frozen=True)
class Lighter:
    """What is left of a file, every other byte as it was, and what is not."""

    content: bytes
    taken_out: tuple[TakenOut, ...]


@dataclass(frozen=True)
class Searched:
    """By name, the files that hold a record of somebody who is meant; and, with why, those that cannot be read, of
    which nobody can tell.
    """

    found: Mapping[str, Lighter]
    unread: Mapping[str, str]


Search = Callable[[Sequence[Path], IsMeant], Searched]


class _ErasingPackage(Protocol):
    def without_people(self, paths: Sequence[Path], is_meant: IsMeant) -> Searched: ...


def searcher(declaration: SourceDeclaration) -> Search | None:
    """By what a source's package takes people out of the files of one snapshot; None if it has nothing for it."""
    own = package(declaration)
    return cast(_ErasingPackage, own).without_people if hasattr(own, "without_people") else None


def taken_in(declaration: SourceDeclaration, archive: Archive, built: Path, names: Sequence[str]) -> list[RawFile]:
    """Files on their way into the archive, as it notes them, after erased people's records were taken out of them.

    Raises:
        SourceError: a file cannot be read, so nobody can tell whether it holds somebody who was erased.
    """
    files = {file.name: file for file in archive.files_in(built, names)}
    listed = erasures(archive.home, declaration.name)
    search = searcher(declaration) if listed else None
    if search is None:
        return list(files.values())
    days = day_of(listed)
    searched = search([built / name for name in sorted(names)], lambda key: days(key) is not None)
    for name, why in searched.unread.items():
        raise SourceError(
            f"{name} is not taken in, because it cannot be read, so nobody can tell whether it holds somebody who"
            f" was erased. {why}"
        )
    for name, lighter in searched.found.items():
        (built / name).write_bytes(lighter.content)
        found = sha256_of(built / name)
        file = files[name].without(found, [str(days(one.key)) for one in lighter.taken_out])
        files[name] = replace(file, stored=Stored(name, found, len(lighter.content)))
    return list(files.values())
