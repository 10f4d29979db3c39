"""Withdrawing: a value or a row leaves everything that the house holds and shows, but for the raw archive.

The order makes it whole wherever it is killed, by the same command again: first the withdrawal is written down, so
that no build brings the value back; then reports and annotated copies, which are found by the value; then the
releases, one exchange each; then the warehouse, written as a new file, since a database keeps freed blocks; last
the portal. The value itself is only ever held in memory: a run that goes on finds it in what is left. What other
rows hold stays as it is, so such a run tells what is the row's own as the first one did.
"""

from __future__ import annotations

import html
import json
import zipfile
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
from markupsafe import escape

from flows import noting
from flows.declarations import Declarations
from flows.errors import RequestError
from flows.outcomes import PortalOutcome
from flows.settings import Settings
from publish.files.render import labels
from publish.release import TOMBSTONE, load_release, release_folder
from publish.withdrawal import held_by_others, holds, retell, rewrite, texts_in_release
from warehouse import ledger
from warehouse.curate import CURATED
from warehouse.database import opened
from warehouse.declarations import DatasetDeclaration, literal, quote
from warehouse.findings import WITHHELD, key_text
from warehouse.home import Home, write_atomically
from warehouse.lease import Lease
from warehouse.personal import find_personal
from warehouse.progress import Progress, silent
from warehouse.pruned import kept
from warehouse.releases import Release
from warehouse.store import WorkingCopy, compact, reader, working_copy
from warehouse.withdrawals import (
    Withdrawal,
    apply_to_history,
    apply_to_rows,
    held_in_history,
    history_of,
    keep,
    texts_in_history,
    withdrawal,
    withdrawals,
)

OUT_OF_REACH = (
    "It stands in the raw archive, which nobody sees but its operator, and in the source until it is mended there."
    " Nothing here reaches copies that others have downloaded, caches, search engines, or backups."
)
_SHORTEST = 6  # characters: a shorter text is not looked for, for it stands everywhere
_BATCH = 10_000
_LONG = 40  # characters from which on a text is likely to be a row's own
_BEGINNINGS = (_LONG, 60, 80, 120, 160, 199)  # of a text, for where it is shown cut: findings keep 199 characters
_PRIVATE = {"raw", "inbox"}
_TEXT_FILES = {".html", ".json", ".csv", ".txt", ".log", ".md", ".jsonld"}


class WithdrawalError(RequestError):
    """What is asked for cannot be withdrawn or lifted; the message says why and what to do."""


@dataclass(frozen=True)
class Withdrawn:
    """What came of it. ``left`` names files of the home, outside the raw archive, that still hold the text."""

    dataset: str
    column: str | None
    versions: tuple[str, ...]
    removed: tuple[str, ...]
    left: tuple[str, ...]
    portal: PortalOutcome
    out_of_reach: str = OUT_OF_REACH


@dataclass(frozen=True)
class Target:
    """What is to leave: of the row with this primary key (see ``key_of``) one column, or None for all of it."""

    dataset: DatasetDeclaration
    key: Mapping[str, str]
    column: str | None = None

    @property
    def text(self) -> str:
        """The key as one text."""
        return key_text(self.key) or ""


def in_words(done: Withdrawn) -> str:
    """What came of a withdrawal, as the command prints it."""
    lines = [f"{done.dataset}: taken out of {', '.join(done.versions) or 'no release'}"]
    lines += [f"removed, for it held the value: {name}" for name in done.removed]
    lines += [f"STILL HOLDS IT, remove it by hand: {name}" for name in done.left]
    lines += [
        f"the portal does not follow yet: {problem}" for problem in sorted(set(done.portal.problems.values()))
    ]
    lines += [
        f"the portal does not follow yet: {name} is held. {told}"
        for name in done.portal.holds
        for told in done.portal.held(name)
    ]
    return "\n".join([*lines, done.out_of_reach])


def key_of(dataset: DatasetDeclaration, text: str) -> dict[str, str]:
    """A key as somebody writes it: its values with " | " between them, in the order of the primary key.

    A JSON object with the names, as findings show keys, does as well.

    Raises:
        WithdrawalError: it has another number of values, or other names.
    """
    names = dataset.table.primary_key
    if text.startswith("{"):
        try:
            given = json.loads(text)
        except ValueError:
            given = {}
        if set(given) == set(names):
            return {name: str(given[name]) for name in names}
    values = text.split(" | ")
    if len(values) != len(names):
        raise WithdrawalError(
            f"the key of {dataset.name} is {' | '.join(names)}: give as many values, in this order"
        )
    return dict(zip(names, values, strict=True))


def withdraw(
    settings: Settings, declared: Declarations, target: Target, why: str, progress: Progress = silent
) -> Withdrawn:
    """Take a value, or a row, out of everything released so far, and keep it out of what will be.

    May be called again after it was killed: it goes on and ends as if nothing had happened. ``why`` is the reason,
    which is published with the tombstone.

    Raises:
        WithdrawalError: the column cannot be emptied, no release holds the key, or the reason holds personal data.
        ReleaseError: a release is damaged.
        LeaseHeldError: another run works on this home.
    """
    _checked(target, why)
    with Lease(settings.home, f"withdrawal from {target.dataset.name}") as lease:
        return _withdraw(settings, declared, target, why, lease, progress)


def _withdraw(
    settings: Settings, declared: Declarations, target: Target, why: str, lease: Lease, progress: Progress
) -> Withdrawn:
    home, declaration, dataset, column = settings.home, target.dataset, target.dataset.name, target.column
    home.sweep()
    standing = withdrawals(home)
    one = next((w for w in standing if w.dataset == dataset and w.is_of(target.text, column)), None)
    is_new = one is None
    one = one or withdrawal(dataset, target.key, column, why, f"{ledger.now().isoformat()}Z")
    with reader(home, settings.memory) as connection:
        releases = kept(home, ledger.releases(connection, dataset))
        holding = [r for r in releases if holds(home, r, declaration, [one])]
        if is_new and not holding:
            raise WithdrawalError(
                f"no release of {dataset} holds {'such a value' if column else 'such a row'};"
                " compare the key with the dataset's files"
            )
        standing += [one] if is_new else []
        listed = [w for w in standing if w.dataset == dataset]
        needles = _needles(home, connection, declaration, one, listed, releases)
    if is_new:
        keep(home, standing)
    removed = _clean_files(settings, declaration, needles)
    now = {release.version: load_release(release_folder(home, release)) for release in releases}
    for release in releases:
        if holds(home, release, declaration, listed):
            progress(f"{dataset} {release.version}: rewriting")
            now[release.version] = rewrite(home, release, declaration, declared.sources, listed, now)
        elif retold := retell(home, now[release.version], now):
            progress(f"{dataset} {release.version}: its change log")
            now[release.version] = retold
    progress(f"{dataset}: warehouse")
    with working_copy(home, lease, settings.memory) as copy:
        _clean_warehouse(copy, settings, declaration, listed, releases, needles)
        copy.commit()
    home.drop_replaced()
    portal = noting.publish_by_hand(settings, declared, [dataset], progress)
    left = tuple(files_with(home.root, needles))
    versions = tuple(r.version for r in releases if (release_folder(home, r) / TOMBSTONE).exists())
    return Withdrawn(dataset, column, versions, tuple(removed), left, portal)


def lift(settings: Settings, target: Target) -> None:
    """Let a value or a row come back with the next build, once its source is mended. Releases stay as they are.

    The very text that was withdrawn is in the history no more: a warehouse made anew from the raw archive has it.

    Raises:
        WithdrawalError: nothing of the kind is withdrawn.
        LeaseHeldError: another run works on this home.
    """
    dataset = target.dataset.name
    with Lease(settings.home, f"lifting a withdrawal from {dataset}") as lease:
        standing = withdrawals(settings.home)
        kept = [w for w in standing if not (w.dataset == dataset and w.is_of(target.text, target.column))]
        if len(kept) == len(standing):
            raise WithdrawalError(f"nothing of {dataset} is withdrawn under this key and column")
        keep(settings.home, kept)
        with working_copy(settings.home, lease, settings.memory) as copy:
            with copy.connect() as connection:
                ledger.forget_newest_curation(connection, dataset)
            copy.commit()


def _checked(target: Target, why: str) -> None:
    dataset, column = target.dataset, target.column
    names = [field.name for field in dataset.table.fields]
    if column is not None and column not in names:
        raise WithdrawalError(f"{dataset.name} has no column {column}; it has {', '.join(names)}")
    if column in dataset.table.primary_key or (column and dataset.table.field(column).constraints.required):
        raise WithdrawalError(
            f"{column} must not be empty, so it cannot be withdrawn alone: withdraw the whole row"
        )
    if not why.strip():
        raise WithdrawalError("say why: the reason stands with the tombstone")
    if find_personal(why):
        raise WithdrawalError("the reason is published with the tombstone, so it must not hold personal data")


# --- copies, found by their text ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Needle:
    """A text to look for, and the beginning of it by which it is found where a page shows it cut."""

    text: str
    found_by: str


def _needles(
    home: Home,
    connection: duckdb.DuckDBPyConnection,
    dataset: DatasetDeclaration,
    one: Withdrawal,
    listed: Sequence[Withdrawal],
    releases: Sequence[Release],
) -> tuple[Needle, ...]:
    """What to look for, longest first: what releases and warehouse still hold of what is withdrawn.

    What stands in a row that stays, in any release, is not the withdrawn row's own, unless the screen knows it; a
    text that begins as one of theirs is found by more of it. ``listed`` are all withdrawals of the dataset: what
    they are about does not stay.
    """
    texts = {t for release in releases for t in texts_in_release(home, release, dataset, one)}
    texts |= set(_texts_in_warehouse(connection, dataset, one))
    sought = _sought(dataset, one.column, texts)
    held: set[str] = set()
    if one.column is None:
        asked = {piece for text in sought for piece in _beginnings(text)}
        for release in releases:
            held |= held_by_others(home, release, dataset, listed, asked - held)
        place = history_of(dataset, None)
        if place and _exists(connection, place[0]):
            held |= held_in_history(connection, dataset, listed, asked - held)
    return tuple(
        Needle(text, next((piece for piece in _beginnings(text) if piece not in held), text))
        for text in sought
        if text not in held or find_personal(text)
    )


def _beginnings(text: str) -> list[str]:
    """By what a text may be found, the shortest first and the whole last."""
    return [*(text[:end] for end in _BEGINNINGS if end < len(text)), text]


def _sought(dataset: DatasetDeclaration, column: str | None, texts: Collection[str]) -> tuple[str, ...]:
    """The texts worth looking for, longest first, and addresses and numbers in them that something may quote.

    A code or a number stands in too many places to be looked for. Of a row only a long text, or one that the
    screen knows; its city is that of others, too.
    """
    if column and (dataset.table.field(column).type != "string" or labels(dataset.table.field(column))):
        return ()
    own = {text for text in texts if column or len(text) >= _LONG or find_personal(text)}
    words = {word.strip(".,;:()<>") for text in own for word in text.split()}
    quoted = {word for word in words if "@" in word or sum(c.isdigit() for c in word) >= _SHORTEST}
    return tuple(sorted((t for t in own | quoted if len(t) >= _SHORTEST), key=lambda text: (-len(text), text)))


def _writings(text: str) -> tuple[str, ...]:
    """A text as files hold it: as it is, in HTML, in CSV, in XML and JSON with letters beyond ASCII or without."""
    in_json = (json.dumps(text, ensure_ascii=flag)[1:-1] for flag in (False, True))
    in_xml = html.escape(text, quote=False)
    ascii_xml = in_xml.encode("ascii", "xmlcharrefreplace").decode()
    return (text, str(escape(text)), text.replace('"', '""'), in_xml, ascii_xml, *in_json)


def _searched(needles: Sequence[Needle]) -> list[str]:
    """By what needles are found, as files hold it."""
    return list(dict.fromkeys(writing for needle in needles for writing in _writings(needle.found_by)))


def _without(content: str, needles: Sequence[Needle]) -> str:
    """A text without the needles, however far each is written out."""
    for needle in needles:
        for whole, beginning in zip(_writings(needle.text), _writings(needle.found_by), strict=True):
            at = content.find(beginning)
            while at >= 0:
                end = len(beginning)
                while end < len(whole) and content[at + end : at + end + 1] == whole[end]:
                    end += 1
                content = content[:at] + WITHHELD + content[at + end :]
                at = content.find(beginning, at + len(WITHHELD))
    return content


def files_with(root: Path, needles: Sequence[Needle], private: Collection[str] = _PRIVATE) -> list[str]:
    """Files below the home that hold a needle, packed ones unpacked; not in folders that are private."""
    wanted = [piece.encode() for piece in _searched(needles)]
    found = []
    for path in sorted(root.rglob("*")):
        where = path.relative_to(root)
        if path.is_file() and where.parts[0] not in private and _holds(path, wanted):
            found.append(str(where))
    return found


def _holds(path: Path, wanted: Sequence[bytes]) -> bool:
    return any(piece in content for content in _contents(path) for piece in wanted)


def _contents(path: Path) -> Iterator[bytes]:
    if path.suffix == ".parquet":
        with opened(None, temporary=path.parent) as connection:
            found = connection.execute(f"SELECT * FROM read_parquet({literal(str(path))})")
            while batch := found.fetchmany(_BATCH):
                yield "\n".join(str(value) for row in batch for value in row).encode()
    elif zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as book:
            yield from (book.read(name) for name in book.namelist())
    else:
        yield path.read_bytes()


def _clean_files(settings: Settings, dataset: DatasetDeclaration, needles: Sequence[Needle]) -> list[str]:
    """Reports without the needles, annotated workbooks and staging files that hold them gone. Returns these."""
    home = settings.home
    for source in {field.from_field.partition(".")[0] for field in dataset.entry.fields if field.from_field}:
        for path in (home.staging / source).glob("*.duckdb*"):
            path.unlink()  # made again from the raw archive where it is needed
    return clean_folders(home, (home.reports, home.outbox), needles)


def clean_folders(home: Home, folders: Iterable[Path], needles: Sequence[Needle]) -> list[str]:
    """Texts in folders without the needles, and other files that hold them gone. Returns these."""
    removed = []
    wanted = [piece.encode() for piece in _searched(needles)]
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            if not path.is_file() or not _holds(path, wanted):
                continue
            if path.suffix in _TEXT_FILES:
                write_atomically(path, _without(path.read_text(encoding="utf-8"), needles))
            else:
                path.unlink()
                removed.append(str(path.relative_to(home.root)))
    return removed


# --- the warehouse -----------------------------------------------------------------------------------------


def _texts_in_warehouse(
    connection: duckdb.DuckDBPyConnection, dataset: DatasetDeclaration, one: Withdrawal
) -> Sequence[str]:
    place = history_of(dataset, one.column)
    return texts_in_history(connection, dataset, one) if place and _exists(connection, place[0]) else []


def _exists(connection: duckdb.DuckDBPyConnection, table: str) -> bool:
    try:
        connection.execute(f"DESCRIBE {table}")
    except duckdb.CatalogException:
        return False
    return True


def _clean_warehouse(
    copy: WorkingCopy,
    settings: Settings,
    dataset: DatasetDeclaration,
    listed: Sequence[Withdrawal],
    releases: Sequence[Release],
    needles: Sequence[Needle],
) -> None:
    """The history and the curated table without what is withdrawn, findings that do not quote it, and releases as
    their folders have them. Then all of it in a new file: a database keeps the blocks that it no longer needs.
    """
    with copy.connect() as connection:
        place = history_of(dataset, None)
        if place and _exists(connection, place[0]):
            apply_to_history(connection, dataset, listed)
        curated = f"{CURATED}.{quote(dataset.stem)}"
        if _exists(connection, curated):
            apply_to_rows(connection, curated, dataset, listed)
        for release in releases:
            ledger.rewrite_release(connection, load_release(release_folder(settings.home, release)))
        for table, columns in (
            ("findings", ("column_name", "value", "message", "help", "row_key", "heading", "said")),
            ("quarantine", ("record",)),
        ):
            for column in columns:
                hit = " OR ".join(f"contains({column}, {literal(text)})" for text in _searched(needles))
                if hit:
                    connection.execute(f"UPDATE ledger.{table} SET {column} = {literal(WITHHELD)} WHERE {hit}")
    compact(copy.path, settings.memory)


def obey(copy: WorkingCopy, settings: Settings, declared: Declarations) -> None:
    """Take what is withdrawn out of a warehouse that was made anew from the raw archive, where it still stands."""
    for dataset in declared.datasets.values():
        if listed := withdrawals(settings.home, dataset.name):
            _clean_warehouse(copy, settings, dataset, listed, (), ())
