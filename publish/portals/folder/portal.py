"""The folder portal: plans and applies, dataset by dataset, then its own pages."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb

from publish.desired import DesiredDataset
from publish.differences import row_difference
from publish.folders import swap, sync_folder
from publish.guards import Shown, held
from publish.managed import Managed
from publish.metadata import dcat
from publish.metadata.high_value import unmet
from publish.plans import (
    NOTHING_ALLOWED,
    Allowed,
    Change,
    DatasetPlan,
    Drift,
    Failed,
    Plan,
    PortalError,
    Published,
)
from publish.portals.folder import files as folder_files
from publish.portals.folder import pages
from publish.portals.folder.cards import card_of
from publish.portals.folder.feeds import dataset_feed
from publish.portals.folder.files import Content, FileOf, link, portal_error, sum_of, sync_folders
from publish.portals.folder.front import FRONT, OWN_PLACES, Shelf, front_files
from publish.portals.folder.notes import Notes
from publish.portals.folder.parts import changes_since, parquet_of, release_files
from publish.portals.folder.rendering import Site, in_language
from publish.portals.folder.standing import STATE, changes_of, drift_in, noted_of, shown_of
from warehouse.home import to_json
from warehouse.messages import Language
from warehouse.progress import Progress
from warehouse.releases import ReleaseError

_WORK = ".work"
_SINCE = ".since"  # what changed since each version, kept so that it need not be made again
_PAGE = "index.html"
_ROOMS = ("publish", "warehouse")  # whose code and declarations decide what stands on a page
_KINDS = frozenset({".py", ".html", ".css", ".js", ".yaml", ".po"})


@dataclass(frozen=True)
class _Difference:
    """A dataset's wanted files, those that stand there, and what differs. Nothing is wanted if nothing does."""

    wanted: Mapping[str, Content]
    standing: Mapping[str, str]  # SHA-256 by place; empty for what is no file
    changes: tuple[Change, ...] = ()
    drift: tuple[Drift, ...] = ()


class FolderPortal:
    """A portal in a folder."""

    def __init__(self, root: Path, site: Site | None = None, base_url: str | None = None) -> None:
        """Touches no file.

        Args:
            root: the portal's folder.
            site: what the pages call it.
            base_url: the address at which the folder is served, for feeds and the catalogue; relative without.
        """
        self._root = root
        self._base = base_url.rstrip("/") + "/" if base_url else ""
        self._site = replace(site or Site(), base=self._base)
        self._writes = 0

    @property
    def writes(self) -> int:
        """How many files were written since this was made, also those of datasets that failed then."""
        return self._writes

    @property
    def managed(self) -> tuple[Managed, ...]:
        """What of the folder is ours: all of a dataset's folder, and the portal's own pages where they stand."""
        return (
            Managed("dataset", ("every file in datasets/<dataset>/",), "undone", "the folder is exchanged whole"),
            Managed("front page", OWN_PLACES, "undone", "they are made anew whenever a dataset changes"),
        )

    @property
    def address(self) -> str:
        """The folder, or the address it is served at."""
        return self._base or str(self._root)

    def plan(
        self,
        desired: Sequence[DesiredDataset],
        allowed: Allowed = NOTHING_ALLOWED,
        failed: Failed | None = None,
        *,
        deep: bool = False,
    ) -> Plan:
        """What differs from what is shown now. Writes nothing.

        ``deep``: every file is read again, though nothing says that it was touched.
        """
        notes = self._notes(deep)
        plans = []
        shelves = self._shelves()
        for wanted in desired:
            try:
                unsent = self._unsent(wanted)
                difference = self._compare(wanted, notes, is_plan=True)
            except PortalError as error:
                if failed is None:
                    raise
                failed(wanted.name, error)
                continue
            shown = self._shown(wanted.name, notes)
            holds = held(wanted, shown, allowed)
            version, rows = shown.version if shown else None, row_difference(wanted, shown)
            plans.append(
                DatasetPlan(wanted.name, difference.changes, difference.drift, holds, rows, unsent, version)
            )
            state = difference.wanted.get(STATE)
            if not holds and isinstance(state, bytes):
                parquet = parquet_of(wanted)
                shelves[wanted.name] = Shelf(json.loads(state), parquet.path if parquet else None)
        front = self._front(shelves, notes)
        edits = tuple(self._front_drift(front, notes))
        return Plan(tuple(plans), tuple(self._plan_front(front, notes)), edits)

    def apply(
        self,
        desired: Sequence[DesiredDataset],
        progress: Progress,
        failed: Failed,
        allowed: Allowed = NOTHING_ALLOWED,
        *,
        deep: bool = False,
    ) -> list[Published]:
        """Make it so, dataset by dataset, then the front page. One that fails keeps what stood there.

        ``deep``: every file is read again, though nothing says that it was touched.
        """
        self._mend()
        notes = self._notes(deep)
        done = []
        for count, wanted in enumerate(desired):
            name = wanted.declaration.name
            progress(f"publish {name}", count, len(desired), "datasets")
            try:
                one = self._publish(wanted, notes, allowed)
            except PortalError as error:
                failed(name, error)
            except OSError as error:
                failed(name, portal_error(name, error))
            else:
                done.append(one)
        try:
            if edits := self._apply_front(notes):
                done.append(Published(FRONT, (), 0, "", edits))
            self._clean()
            notes.save()
        except OSError as error:
            failed(FRONT, portal_error(FRONT, error))
        progress("publish", len(desired), len(desired), "datasets")
        return done

    def _publish(self, wanted: DesiredDataset, notes: Notes, allowed: Allowed) -> Published:
        name, unsent = wanted.name, self._unsent(wanted)
        difference = self._compare(wanted, notes)
        holds = held(wanted, self._shown(name, notes), allowed)
        writes = self._apply(name, difference, notes) if difference.changes and not holds else 0
        if not holds:
            notes.published.add(name)
            notes.shown[name] = noted_of(wanted)
        changes = () if holds else difference.changes
        return Published(name, changes, writes, self._url(name), difference.drift, holds, unsent)

    def _unsent(self, wanted: DesiredDataset) -> tuple[str, ...]:
        """What a high-value dataset has to have and a folder cannot give it, in words. Raises PortalError."""
        if not wanted.declaration.entry.hvd:
            return ()
        return unmet(wanted.name, dcat.dataset_node(wanted, f"{self._base}datasets/{wanted.name}/"))

    # --- a dataset --------------------------------------------------------------------------------

    def _folder(self, name: str) -> Path:
        return self._root / "datasets" / name

    def _url(self, name: str) -> str:
        return f"{self._base}datasets/{name}/" if self._base else str(self._folder(name) / _PAGE)

    def _compare(self, wanted: DesiredDataset, notes: Notes, *, is_plan: bool = False) -> _Difference:
        name = wanted.name
        standing = notes.sums_in(self._folder(name))
        noted = self._state(name)
        drift = tuple(drift_in(name, standing, noted)) if standing else ()
        made_of = self._made_of(wanted)
        if standing and not drift and noted.get("made_of") == made_of:
            return _Difference({}, standing)
        if is_plan:
            with TemporaryDirectory() as cache:
                wanted_files = self._wanted(wanted, made_of, Path(cache))
        else:
            wanted_files = self._wanted(wanted, made_of, self._root / _SINCE)
        changes = tuple(changes_of(wanted, wanted_files, standing, drift, noted))
        return _Difference(wanted_files, standing, changes, drift)

    def _made_of(self, wanted: DesiredDataset) -> str:
        """Stands for everything that a dataset's files are made of; the same means the same files.

        Where they lie does not count: a home that was moved shows the same.
        """
        placeless = replace(
            wanted,
            resources=tuple(replace(one, path=Path(one.path.name)) for one in wanted.resources),
            versions=tuple(replace(one, folder=Path(one.folder.name)) for one in wanted.versions),
        )
        return hashlib.sha256(f"{_code_sum()}\n{self._site}\n{placeless}".encode(errors="replace")).hexdigest()

    def _wanted(self, wanted: DesiredDataset, made_of: str, cache: Path) -> dict[str, Content]:
        name = wanted.name
        files = release_files(wanted, frozenset({STATE, _PAGE}))
        card = card_of(wanted)
        try:
            files |= changes_since(wanted, cache)
            since = [Path(place).stem for place in files if place.startswith("since/")]
            for language in Language:
                feed = in_language(f"datasets/{name}/feed.xml", language).removeprefix(f"datasets/{name}/")
                files[feed] = dataset_feed(card, language, self._site)
                files |= pages.dataset_pages(wanted, self._site, language, since)
        except (OSError, StopIteration, duckdb.Error, ReleaseError) as error:
            raise PortalError(f"{name}: the release cannot be shown: {error}") from error
        state = {
            "card": card,
            "dcat": dcat.dataset_node(wanted, f"{self._base}datasets/{name}/"),
            "files": {file: sum_of(content) for file, content in sorted(files.items())},
            "made_of": made_of,
            "shown": noted_of(wanted),
        }
        state["sum"] = _sum_of_state(state)
        files[STATE] = to_json(state).encode()
        return files

    def _apply(self, name: str, difference: _Difference, notes: Notes) -> int:
        """Build the folder beside the standing one and swap them. Returns the number of files that are new."""
        folder = self._folder(name)
        built = self._root / _WORK / name
        shutil.rmtree(built, ignore_errors=True)
        built.mkdir(parents=True)
        writes = 0
        there: dict[str, Path] = {}  # what a file holds that was built already: the latest version's are of it too
        for place, content in difference.wanted.items():
            digest = sum_of(content)
            if difference.standing.get(place) == digest:
                link(folder / place, built / place)
            else:
                writes += 1
                self._writes += 1
                if digest in there:
                    link(there[digest], built / place)
                else:
                    folder_files.write(name, built / place, content)
            if isinstance(content, FileOf):
                there.setdefault(digest, built / place)
        sync_folders(built)
        folder.parent.mkdir(parents=True, exist_ok=True)
        swap(built, folder)
        sync_folder(folder.parent)
        notes.stamp(folder, ((place, sum_of(content)) for place, content in difference.wanted.items()))
        return writes

    def _state(self, name: str) -> dict[str, Any]:
        """What a dataset's folder notes of itself; empty if it is not there, or was changed by somebody."""
        try:
            content = json.loads((self._folder(name) / STATE).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        if not isinstance(content, dict) or not isinstance(content.get("card"), dict):
            return {}
        # an earlier version of the program gave no sum
        return content if content.get("sum") in (None, _sum_of_state(content)) else {}

    def _shown(self, name: str, notes: Notes) -> Shown | None:
        """What a dataset's folder notes of what it shows; None where there is none, or nobody can tell.

        Where somebody wrote in its note or removed it, what the portal remembers: a file that is gone must not let
        rows vanish, or an older release come back.
        """
        if self._is_taken_down(name, notes):
            return Shown(taken_down=f"its folder {self._folder(name)} was removed by hand")
        noted = self._state(name)
        found = noted.get("shown") or noted.get("card")
        if not noted and self._folder(name).is_dir():
            found = notes.shown.get(name)
        return shown_of(found) if isinstance(found, Mapping) else None

    def _is_taken_down(self, name: str, notes: Notes) -> bool:
        """Whether somebody removed a dataset's folder: not we, who were killed between two names."""
        work = self._root / _WORK
        is_ours = any((work / one).exists() for one in (name, f"{name}.old"))
        return name in notes.published and not self._folder(name).exists() and not is_ours

    # --- the portal's own pages ---------------------------------------------------------------------

    def _shelves(self) -> dict[str, Shelf]:
        """The datasets that stand here, also those that nobody wants now."""
        found = {}
        for folder in sorted(path for path in (self._root / "datasets").glob("*") if path.is_dir()):
            if state := self._state(folder.name):
                parquet = state["card"].get("parquet", {}).get("name")
                found[folder.name] = Shelf(state, folder / parquet if parquet else None)
        return found

    def _front(self, shelves: Mapping[str, Shelf], notes: Notes) -> dict[str, bytes] | None:
        """The portal's own files by place; None if they are what stands there."""
        made_of = hashlib.sha256(_code_sum().encode() + str(self._site).encode())
        for name, shelf in sorted(shelves.items()):
            made_of.update(f"{name} {_sum_of_state(shelf.state)}\n".encode())
        is_same = notes.front_made_of == made_of.hexdigest()
        if is_same and all(self._front_sum(place, notes) == digest for place, digest in notes.front.items()):
            return None
        notes.front_made_of = made_of.hexdigest()
        return front_files(shelves, self._site, self._root, notes.front)

    def _front_sum(self, place: str, notes: Notes) -> str:
        path = self._root / place
        return notes.sum_of(path) if path.is_file() else ""

    def _plan_front(self, front: Mapping[str, bytes] | None, notes: Notes) -> Iterator[Change]:
        for place, content in (front or {}).items():
            found = self._front_sum(place, notes)
            if not found:
                yield Change(FRONT, "create", place, "it is not there")
            elif found != sum_of(content):
                is_ours = found == notes.front.get(place, found)
                why = "its content changes" if is_ours else "somebody else changed it"
                yield Change(FRONT, "update", place, why)
        if front is not None:
            for place in sorted(set(notes.front) - set(front)):
                if (self._root / place).is_file():
                    yield Change(FRONT, "remove", place, "it is no page any more")

    def _front_drift(self, front: Mapping[str, bytes] | None, notes: Notes) -> Iterator[Drift]:
        """What somebody did to the portal's own pages. What a killed run wrote of them is none of it."""
        if front is None:
            return
        for place, digest in sorted(notes.front.items()):
            found = self._front_sum(place, notes)
            if found and found != digest and (place not in front or found != sum_of(front[place])):
                yield Drift(FRONT, place, "it is not what was published: someone else changed it", "undone")
            elif not found and place in front:
                yield Drift(FRONT, place, "it was published and is missing: somebody removed it", "undone")

    def _apply_front(self, notes: Notes) -> tuple[Drift, ...]:
        """Bring the portal's own pages to what they should be; what somebody had done to them."""
        front = self._front(self._shelves(), notes)
        if front is None:
            return ()
        edits = tuple(self._front_drift(front, notes))
        changes = list(self._plan_front(front, notes))
        folders = {self._root}
        for change in changes:
            path = self._root / change.target
            if change.action == "remove":
                path.unlink()
            else:
                built = self._root / _WORK / "front" / change.target
                folder_files.write(FRONT, built, front[change.target])
                path.parent.mkdir(parents=True, exist_ok=True)
                built.replace(path)
                self._writes += 1
            folders.add(path.parent)
        if changes:
            for folder in sorted(folders):
                sync_folder(folder)
        notes.front = {place: sum_of(content) for place, content in front.items()}
        notes.stamp(self._root, notes.front.items())
        return edits

    def _notes(self, deep: bool = False) -> Notes:
        notes = Notes(self._root)
        if deep:
            notes.forget()
        return notes

    def _mend(self) -> None:
        """Put back what a killed run had aside, where two names cannot be exchanged, and remove the rest."""
        work = self._root / _WORK
        for aside in work.glob("*.old"):
            folder = self._folder(aside.name.removesuffix(".old"))
            if not folder.exists() and (aside / STATE).is_file():
                aside.rename(folder)
        self._clean()

    def _clean(self) -> None:
        """Remove what was being built when a run was killed."""
        work = self._root / _WORK
        if work.exists():
            shutil.rmtree(work)


def _sum_of_state(state: Mapping[str, Any]) -> str:
    """By which a state knows that nobody wrote in it: the sum of all else that it says."""
    rest = {key: value for key, value in state.items() if key != "sum"}
    return hashlib.sha256(json.dumps(rest, sort_keys=True).encode()).hexdigest()


@cache
def _code_sum() -> str:
    """Stands for the code, the templates and the words that pages are made with."""
    root = Path(__file__).resolve().parents[3]
    digest = hashlib.sha256()
    for room in _ROOMS:
        for path in sorted(one for one in (root / room).rglob("*") if one.suffix in _KINDS):
            digest.update(f"{path.relative_to(root)} {hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return digest.hexdigest()
