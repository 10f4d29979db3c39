"""Erasing: one person's records of a source leave everything that the house holds.

The order makes it whole wherever it is killed, by the same command again: first the erasure is written down,
without the key, so that no pull takes the person in again; then staging files; then the warehouse, written as a
new file, since a database keeps freed blocks; then the raw archive, whose files are known by their old sums for
ever; last what people handed in and got back. Each step finds the person by the key, which is only ever held in
memory, in what is left. What was published stands: it holds nobody.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from flows import steps
from flows.declarations import Declarations
from flows.errors import RequestError
from flows.forgetting import back_up_decisions, follow_up
from flows.settings import Settings
from flows.withdrawing import Needle, clean_folders, files_with
from sources.erasing import IsMeant, Search, Searched, TakenOut, searcher
from warehouse import ledger
from warehouse.archive import Archive, Snapshot
from warehouse.database import opened
from warehouse.declarations import SourceDeclaration
from warehouse.erasures import (
    DayOf,
    Erasure,
    Key,
    count_person,
    count_staged,
    day_of,
    erasure,
    erasures,
    forget_person,
    remember,
    shown,
    tables_of_people,
)
from warehouse.home import Home
from warehouse.lease import Lease
from warehouse.personal import find_personal
from warehouse.progress import Progress, silent
from warehouse.store import compact, reader, working_copy

STANDS = (
    "What was released stands: it holds nobody. True counts in which the person was one are kept privately until"
    " the last of those who are counted with them is deleted; they hold no key."
)
OUT_OF_REACH = (
    "Out of reach, see to it yourself: where the files come from (delete the record in the survey tool too), files"
    " elsewhere and copies sent by mail, backups, the history of the shell that this was typed in."
)
_LONG = 40  # characters from which on a text is likely to be one person's own


class ErasureError(RequestError):
    """Nobody can be erased so; the message says why and what to do, and does not repeat the key."""


@dataclass(frozen=True)
class Person:
    """Whom to erase: of a source, by the key, in the order of the source's ``person_key``."""

    source: SourceDeclaration
    key: Key

    @property
    def values(self) -> tuple[str, ...]:
        """The key's values."""
        return tuple(self.key.values())


@dataclass(frozen=True)
class Place:
    """Where a person was looked for: how many records, rows or files of theirs were there, and are."""

    name: str
    found: int
    left: int


@dataclass(frozen=True)
class Erased:
    """What came of it.

    ``left``: files of the home that still hold the person's key or own words. ``unread``: files that nobody could
    look into, with why. ``origins``: folders outside the home that files of the source came from.
    """

    source: str
    asked: str
    places: tuple[Place, ...]
    left: tuple[str, ...]
    unread: tuple[str, ...]
    origins: tuple[str, ...]
    stands: str = STANDS
    out_of_reach: str = OUT_OF_REACH

    @property
    def is_done(self) -> bool:
        """Nothing of the person is left here."""
        return not (self.left or self.unread or any(place.left for place in self.places))


def in_words(done: Erased) -> str:
    """What came of an erasure, as the command prints it."""
    lines = [f"{done.source}: erased on request of {done.asked}"]
    lines += [f"  {place.name}: {place.found} found, {place.left} left" for place in done.places]
    lines += [f"STILL HOLDS THEM, remove it by hand: {name}" for name in done.left]
    lines += [f"COULD NOT BE LOOKED INTO, see for yourself: {name}" for name in done.unread]
    lines += [f"Files came from {origin}, which is not ours to change." for origin in done.origins]
    return "\n".join([*lines, done.stands, done.out_of_reach])


def person_of(source: SourceDeclaration, text: str) -> Person:
    """Whom a key means, as somebody writes it: its values with "/" between them, or a JSON object with the names.

    Raises:
        ErasureError: the source says of nobody which rows are theirs, or the key is not whole.
    """
    names = source.person_key
    if not names:
        raise ErasureError(_why_nobody(source))
    _searcher(source)
    values = text.split("/")
    if text.startswith("{"):
        try:
            given = json.loads(text)
        except ValueError:
            given = {}
        values = [str(given[name]) for name in names] if set(given) == set(names) else []
    values = [value.strip() for value in values]
    if len(values) != len(names) or not all(values):
        raise ErasureError(
            f"a person of {source.name} is {'/'.join(names)}: give as many values, none of them empty"
        )
    return Person(source, dict(zip(names, values, strict=True)))


def _searcher(source: SourceDeclaration) -> Search:
    """How a source's files are searched for people.

    Raises:
        ErasureError: it does not offer that.
    """
    if (search := searcher(source)) is None:
        raise ErasureError(f"{source.name}: sources/{source.name} has no without_people, so nobody can be erased")
    return search


def _why_nobody(source: SourceDeclaration) -> str:
    about = [table for table in source.tables if table.about_people]
    if not about:
        return f"{source.name}: no table of it is about people, so there is nobody to erase"
    named = ", ".join(table.name for table in about)
    if all(len(table.kept_fields) == len(table.fields) for table in about):
        return f"{source.name}: {named} counts people and holds nobody, so there is nobody to erase"
    return (
        f"{source.name}: {named} has no person_key in sources/{source.name}/source.yaml, so nobody can tell whose"
        " a row is. Have it taken out where the files come from"
    )


# --- looking ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Found:
    """Where a person is: snapshots and folders with what was found in them, and rows."""

    archive: tuple[tuple[Snapshot, Searched], ...]
    folders: tuple[tuple[Path, Searched], ...]
    staged: int
    rows: int

    def records(self, person: Person, searched: Iterable[Searched]) -> int:
        """How many records of the person files hold."""
        return sum(1 for one in searched for _, taken in _taken(one, person) if taken.key == person.values)

    def counts(self, home: Home, person: Person) -> dict[str, int]:
        """How much of the person is where."""
        by_folder = {
            name: self.records(person, [one for path, one in self.folders if path.is_relative_to(root)])
            for name, root in (("inbox, records", home.inbox), ("outbox, records", home.outbox))
        }
        archived = self.records(person, [searched for _, searched in self.archive])
        return {
            "raw archive, records": archived,
            "staging, rows": self.staged,
            "warehouse, rows": self.rows,
            **by_folder,
        }


def _taken(searched: Searched, person: Person) -> list[tuple[str, TakenOut]]:
    return [
        (name, one)
        for name, lighter in searched.found.items()
        for one in lighter.taken_out
        if one.key == person.values
    ]


def _look(settings: Settings, person: Person, is_meant: IsMeant, workspace: Path) -> _Found:
    """Look for a person in all that the house holds of the source.

    Raises:
        ArchiveDamagedError, ArchiveKeyError: the raw archive cannot be read.
    """
    home, source = settings.home, person.source
    search, archive = _searcher(source), _archive(home, source)
    archived = []
    for snapshot in archive.snapshots():
        archive.require_whole(snapshot)
        plain = workspace / snapshot.id
        archived.append((snapshot, search(archive.readable(snapshot, plain).paths(), is_meant)))
        shutil.rmtree(plain, ignore_errors=True)
    folders = [home.inbox / source.name, home.outbox / source.name]
    searched = [(one, search(sorted(one.iterdir()), is_meant)) for one in folders if one.is_dir()]
    rows = 0
    if home.warehouse.exists():
        with reader(home, settings.memory) as connection:
            rows = count_person(connection, source, person.key)
    return _Found(tuple(archived), tuple(searched), _staged(settings, person), rows)


def _archive(home: Home, source: SourceDeclaration) -> Archive:
    return Archive(home, source.name, source.is_about_people)


def _staged(settings: Settings, person: Person) -> int:
    count = 0
    for path in (settings.home.staging / person.source.name).glob("*.duckdb"):
        with opened(path, temporary=settings.home.temporary, memory=settings.memory, read_only=True) as connection:
            count += count_staged(connection, person.source, person.key)
    return count


def _needles(found: _Found, person: Person) -> list[Needle]:
    """The person's key as findings and reports would show it, and words that nobody else of their files has."""
    texts = {text for table in tables_of_people(person.source) if (text := shown(table, person.key))}
    everything = [searched for _, searched in (*found.archive, *found.folders)]
    contents = [lighter.content for one in everything for lighter in one.found.values()]
    for one in everything:
        for _, taken in _taken(one, person):
            own = {text for text in taken.texts if len(text) >= _LONG or find_personal(text)}
            texts |= {text for text in own if not any(text.encode() in content for content in contents)}
    return [Needle(text, text) for text in sorted(texts, key=lambda text: (-len(text), text))]


# --- erasing ---------------------------------------------------------------------------------------------------


def erase(settings: Settings, declared: Declarations, person: Person, progress: Progress = silent) -> Erased:
    """Take a person's records out of everything the house holds, and keep them out of what will come.

    May be called again after it was killed: it goes on and ends as if nothing had happened.

    Raises:
        ErasureError: nobody has that key, nor was anybody with it ever erased; nothing was changed.
        ArchiveDamagedError, ArchiveKeyError: the raw archive cannot be read; nothing was changed.
        LeaseHeldError: another run works on this home.
    """
    home, source = settings.home, person.source
    with Lease(home, f"erasure from {source.name}") as lease:
        home.sweep()
        everybody = erasures(home)
        one = next((e for e in everybody if e.source == source.name and e.is_of(person.values)), None)
        is_new = one is None
        one = one or erasure(source.name, person.values, f"{ledger.now().isoformat()}Z")
        everybody += [one] if is_new else []
        days = day_of([e for e in everybody if e.source == source.name])
        with home.workspace("erase") as workspace:
            progress(f"{source.name}: looking")
            found = _look(settings, person, lambda key: days(key) is not None, workspace)
            before = found.counts(home, person)
            if is_new and not any(before.values()):
                raise ErasureError(
                    f"{source.name}: nobody with this key is in the raw archive, the inbox or the warehouse, and"
                    f" nothing was changed. A person is {'/'.join(source.person_key)}: compare it with the file"
                )
            needles = _needles(found, person)
            if is_new:
                remember(home, everybody)
            _clean(settings, declared, (person, found, needles), lease, progress)
            _clean_archive(home, source, found, days, workspace)
            _clean_given(found)
            progress(f"{source.name}: looking what is left")
            return _told(settings, person, one, before, needles)


def _clean(
    settings: Settings,
    declared: Declarations,
    what: tuple[Person, _Found, Sequence[Needle]],
    lease: Lease,
    progress: Progress,
) -> None:
    """Take the person out of what was made of their records: staging, warehouse, and pages that hold the key."""
    (person, found, needles), home = what, settings.home
    source = person.source
    steps.drop_staging(settings, source.name, ())
    clean_folders(home, (home.reports, home.runs, home.logs), needles)
    if not home.warehouse.exists():
        return
    progress(f"{source.name}: warehouse")
    places = [
        (snapshot.id, name, taken.row_number)
        for snapshot, searched in found.archive
        for name, taken in _taken(searched, person)
    ]
    with working_copy(home, lease, settings.memory) as copy:
        with copy.connect() as connection:
            forget_person(connection, source, person.key, places)
            follow_up(connection, declared, source.name)
        compact(copy.path, settings.memory)
        copy.commit()
    home.drop_replaced()
    back_up_decisions(settings)


def _clean_archive(home: Home, source: SourceDeclaration, found: _Found, days: DayOf, workspace: Path) -> None:
    """Files of the raw archive without the person, and what was left beside them gone."""
    archive = _archive(home, source)
    for snapshot, searched in found.archive:
        now = snapshot
        for name, lighter in searched.found.items():
            plain = workspace / "lighter"
            plain.write_bytes(lighter.content)
            now = archive.replace(now, name, plain, [str(days(one.key)) for one in lighter.taken_out])
        archive.tidy(now)


def _clean_given(found: _Found) -> None:
    """Files in inbox and outbox without the person, for their keeper to read and write as before."""
    for folder, searched in found.folders:
        for name, lighter in searched.found.items():
            path = folder / name
            beside = path.with_name(f".{name}.unfinished")
            beside.write_bytes(lighter.content)
            shutil.copymode(path, beside)
            owner = path.stat()
            if (owner.st_uid, owner.st_gid) != (os.getuid(), os.getgid()):
                os.chown(beside, owner.st_uid, owner.st_gid)
            beside.replace(path)


def _told(
    settings: Settings, person: Person, one: Erasure, before: dict[str, int], needles: Sequence[Needle]
) -> Erased:
    """What is left: looked for anew, in everything."""
    home, source = settings.home, person.source
    archive = _archive(home, source)
    with home.workspace("erase") as workspace:
        found = _look(settings, person, lambda key: tuple(key) == person.values, workspace)
    left = files_with(home.root, needles, private=())
    after = found.counts(home, person)
    shown_places = ("releases", "portal", "reports", "logs", "runs")
    places = [Place(name, count, after[name]) for name, count in before.items()]
    places += [Place(f"{name}, files", 0, sum(Path(f).parts[0] == name for f in left)) for name in shown_places]
    unread = [
        f"{place.relative_to(home.root)}/{name}: {why}"
        for place, searched in (*((snapshot.folder, one) for snapshot, one in found.archive), *found.folders)
        for name, why in searched.unread.items()
    ]
    unread += [
        str(path.relative_to(home.root)) for snapshot, _ in found.archive for path in archive.tidy(snapshot)
    ]
    origins = {Path(snapshot.origin).parent for snapshot, _ in found.archive}
    elsewhere = sorted(str(folder) for folder in origins if not folder.is_relative_to(home.root))
    return Erased(source.name, one.day, tuple(places), tuple(left), tuple(unread), tuple(elsewhere))
