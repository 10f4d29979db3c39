"""The folder portal: plans and applies, dataset by dataset, then the front page."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb

from publish.desired import DesiredDataset, DesiredResource
from publish.differences import row_difference
from publish.folders import swap, sync_folder
from publish.guards import Shown, columns_in, held
from publish.managed import Managed
from publish.metadata import dcat
from publish.plans import NOTHING_ALLOWED, Allowed, Change, DatasetPlan, Failed, Hold, Plan, PortalError, Published
from publish.portals.folder import pages
from warehouse.archive import copy_file, sha256_of
from warehouse.home import to_json
from warehouse.progress import Progress

_WORK = ".work"
_STATE = "state.json"
_PAGE = "index.html"
_FRONT = ("catalog.jsonld", "index.html")  # the page last: it is what people open
FRONT = "front page"  # stands for the dataset's name in changes of the portal's own pages

Content = bytes | DesiredResource


@dataclass(frozen=True)
class _Difference:
    """A dataset's wanted files, those that stand there, and what differs."""

    wanted: Mapping[str, Content]
    standing: Mapping[str, str]  # SHA-256 by name; empty for what is no file
    changes: tuple[Change, ...]


class FolderPortal:
    """A portal in a folder."""

    def __init__(self, root: Path, site: pages.Site | None = None, base_url: str | None = None) -> None:
        """Touches no file.

        Args:
            root: the portal's folder.
            site: what the pages call it.
            base_url: the address at which the folder is served, for the DCAT catalogue; relative without.
        """
        self._root = root
        self._site = site or pages.Site()
        self._base = base_url.rstrip("/") + "/" if base_url else ""
        self._writes = 0

    @property
    def writes(self) -> int:
        """How many files were written since this was made, also those of datasets that failed then."""
        return self._writes

    @property
    def managed(self) -> tuple[Managed, ...]:
        """What of the folder is ours: all of it below a dataset's folder, and the front page's files."""
        return (
            Managed("dataset", ("every file in datasets/<dataset>/",), "undone", "the folder is exchanged whole"),
            Managed("front page", _FRONT, "undone", "they list the datasets"),
        )

    @property
    def address(self) -> str:
        """The folder, or the address it is served at."""
        return self._base or str(self._root)

    def plan(
        self, desired: Sequence[DesiredDataset], allowed: Allowed = NOTHING_ALLOWED, failed: Failed | None = None
    ) -> Plan:
        """What differs from what is shown now. Writes nothing."""
        plans = []
        states = self._states()
        for wanted in desired:
            try:
                difference = self._compare(wanted)
            except PortalError as error:
                if failed is None:
                    raise
                failed(wanted.name, error)
                continue
            shown = self._shown(wanted.name)
            holds = held(wanted, shown, allowed)
            version, rows = shown.version if shown else None, row_difference(wanted, shown)
            plans.append(DatasetPlan(wanted.name, difference.changes, holds=holds, rows=rows, shown=version))
            if difference.changes and not holds:
                state = difference.wanted[_STATE]
                states[wanted.name] = json.loads(state) if isinstance(state, bytes) else {}
        return Plan(tuple(plans), tuple(self._plan_front(self._front(states))))

    def _holds(self, wanted: DesiredDataset, allowed: Allowed) -> tuple[Hold, ...]:
        return held(wanted, self._shown(wanted.name), allowed)

    def _shown(self, name: str) -> Shown | None:
        """What the dataset's folder notes of itself; None where there is none, or it was damaged."""
        noted = self._state(name)
        shown = noted.get("shown") or noted.get("card")
        return _shown_of(shown) if isinstance(shown, Mapping) else None

    def apply(
        self,
        desired: Sequence[DesiredDataset],
        progress: Progress,
        failed: Failed,
        allowed: Allowed = NOTHING_ALLOWED,
    ) -> list[Published]:
        """Make it so, dataset by dataset, then the front page. One that fails keeps what stood there."""
        self._clean()
        done = []
        for count, wanted in enumerate(desired):
            name = wanted.declaration.name
            progress(f"publish {name}", count, len(desired), "datasets")
            try:
                difference, holds = self._compare(wanted), self._holds(wanted, allowed)
                writes = self._apply(name, difference) if difference.changes and not holds else 0
            except PortalError as error:
                failed(name, error)
            except OSError as error:
                failed(name, _portal_error(name, error))
            else:
                changes = () if holds else difference.changes
                done.append(Published(name, changes, writes, self._url(name), holds=holds))
        try:
            self._apply_front()
            self._clean()
        except OSError as error:
            failed(FRONT, _portal_error(FRONT, error))
        progress("publish", len(desired), len(desired), "datasets")
        return done

    # --- a dataset --------------------------------------------------------------------------------

    def _folder(self, name: str) -> Path:
        return self._root / "datasets" / name

    def _url(self, name: str) -> str:
        return f"{self._base}datasets/{name}/" if self._base else str(self._folder(name) / _PAGE)

    def _compare(self, wanted: DesiredDataset) -> _Difference:
        name = wanted.declaration.name
        files = self._wanted(wanted)
        standing = _standing(self._folder(name))
        sums = {file: _sum(content) for file, content in files.items()}
        different = [file for file in files if standing.get(file) != sums[file]]
        extra = sorted(set(standing) - set(files))
        if not different and not extra:
            return _Difference(files, standing, ())
        noted = self._state(name)
        published = noted.get("files", {})
        headline = _headline(wanted, noted)
        changes = [Change(name, "update" if standing else "create", "dataset", headline)]
        for file in different:
            content = files[file]
            if file in standing and standing[file] != published.get(file, standing[file]) and file != _STATE:
                why = "it is not what was published: someone else changed it"
            elif isinstance(content, DesiredResource):
                why = f"{content.size:,} bytes, version {wanted.release.version}"
            else:
                why = "its content changes" if file in standing else "new"
            changes.append(Change(name, "upload", file, why))
        changes += [Change(name, "remove", file, "it is no part of the dataset any more") for file in extra]
        return _Difference(files, standing, tuple(changes))

    def _wanted(self, wanted: DesiredDataset) -> dict[str, Content]:
        name = wanted.declaration.name
        files: dict[str, Content] = {}
        for resource in wanted.resources:
            file = resource.path.name
            if file in files or file in (_STATE, _PAGE):
                raise PortalError(f"{name}: two files would be called {file}")
            files[file] = resource
        try:
            files[_PAGE] = pages.dataset_page(wanted, self._site).encode()
        except (OSError, StopIteration, duckdb.Error) as error:
            raise PortalError(f"{name}: the release cannot be shown: {error}") from error
        state = {
            "card": pages.card(wanted),
            "dcat": dcat.dataset_node(wanted, f"{self._base}datasets/{name}/"),
            "files": {file: _sum(content) for file, content in sorted(files.items())},
            "shown": _noted_of(wanted),
        }
        files[_STATE] = to_json(state).encode()
        return files

    def _apply(self, name: str, difference: _Difference) -> int:
        """Build the folder beside the standing one and swap them. Returns the number of files written."""
        folder = self._folder(name)
        built = self._root / _WORK / name
        shutil.rmtree(built, ignore_errors=True)
        built.mkdir(parents=True)
        writes = 0
        for file, content in difference.wanted.items():
            if difference.standing.get(file) == _sum(content):
                _link(folder / file, built / file)
            else:
                _write(name, built / file, content)
                writes += 1
                self._writes += 1
        sync_folder(built)
        folder.parent.mkdir(parents=True, exist_ok=True)
        swap(built, folder)
        sync_folder(folder.parent)
        return writes

    def _state(self, name: str) -> dict[str, Any]:
        try:
            content = json.loads((self._folder(name) / _STATE).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return content if isinstance(content, dict) else {}

    # --- the portal's own pages ---------------------------------------------------------------------

    def _states(self) -> dict[str, dict[str, Any]]:
        """What the datasets that stand here note of themselves, also those that nobody wants now."""
        folders = sorted(path for path in (self._root / "datasets").glob("*") if path.is_dir())
        return {path.name: state for path in folders if (state := self._state(path.name))}

    def _front(self, states: Mapping[str, Mapping[str, Any]]) -> dict[str, bytes]:
        ordered = [states[name] for name in sorted(states)]
        cards = [state["card"] for state in ordered]
        publisher = cards[0]["publisher"] if cards else {"name": "opendistrict", "title": self._site.title}
        nodes = [state["dcat"] for state in ordered]
        catalogue = dcat.catalogue(self._site.title, self._site.description, publisher, self._base, nodes)
        return {
            "catalog.jsonld": catalogue.encode(),
            "index.html": pages.front_page(cards, self._site).encode(),
        }

    def _plan_front(self, front: Mapping[str, bytes]) -> list[Change]:
        changes = []
        for file in _FRONT:
            path = self._root / file
            if not path.is_file():
                changes.append(Change(FRONT, "create", file, "lists the datasets"))
            elif path.read_bytes() != front[file]:
                changes.append(Change(FRONT, "update", file, "its content changes"))
        return changes

    def _apply_front(self) -> int:
        front = self._front(self._states())
        changes = self._plan_front(front)
        for change in changes:
            built = self._root / _WORK / change.target
            built.parent.mkdir(parents=True, exist_ok=True)
            _write(FRONT, built, front[change.target])
            self._writes += 1
            built.replace(self._root / change.target)
        if changes:
            sync_folder(self._root)
        return len(changes)

    def _clean(self) -> None:
        """Remove what was being built when a run was killed."""
        work = self._root / _WORK
        if work.exists():
            shutil.rmtree(work)


def _noted_of(wanted: DesiredDataset) -> dict[str, Any]:
    """What guards ask of what stands here, see ``Shown``, as JSON."""
    release = wanted.release
    return {
        "version": release.version,
        "data_date": release.data_date.isoformat(),
        "sequence": release.sequence,
        "rows": release.rows,
        "columns": list(columns_in(wanted.metadata)),
        "content_sha256": release.content_sha256,
        "major": release.major,
        "ids": {one.key: one.id for one in wanted.resources},
    }


def _shown_of(noted: Mapping[str, Any]) -> Shown | None:
    """The same, read back; a folder of an earlier program notes the version and the rows only."""
    try:
        return Shown(
            version=noted.get("version"),
            data_date=date.fromisoformat(noted["data_date"]) if "sequence" in noted else None,
            sequence=noted.get("sequence"),
            rows=noted.get("rows"),
            columns=tuple(noted["columns"]) if noted.get("columns") else None,
            content_sha256=noted.get("content_sha256"),
            major=noted.get("major"),
            ids=dict(noted.get("ids") or {}),
        )
    except (KeyError, TypeError, ValueError):  # somebody wrote into it: it says nothing
        return None


def _headline(wanted: DesiredDataset, noted: Mapping[str, Any]) -> str:
    """What happens to a dataset in one line; that it loses rows must be seen at once."""
    release = wanted.release
    before = noted.get("card")
    if not isinstance(before, Mapping):
        return f"version {release.version}, {release.rows:,} rows"
    if before.get("version") == release.version:
        return f"version {release.version} as before, {release.rows:,} rows"
    rows = int(before.get("rows", 0))
    text = f"version {before.get('version')} becomes {release.version}, rows {rows:,} become {release.rows:,}"
    if release.rows < rows:
        lost = 100 * (rows - release.rows) / rows
        limit = wanted.declaration.table.rows.shrink_limit_pct
        text += f": SHRINKS by {lost:.1f} %" + (
            f", more than the {limit:g} % that its declaration allows" if lost > limit else ""
        )
    return text


def _standing(folder: Path) -> dict[str, str]:
    """The sums of what is in a folder, by name."""
    if not folder.is_dir():
        return {}
    return {path.name: sha256_of(path) if path.is_file() else "" for path in folder.iterdir()}


def _sum(content: Content) -> str:
    return content.sha256 if isinstance(content, DesiredResource) else hashlib.sha256(content).hexdigest()


def _write(dataset: str, path: Path, content: Content) -> None:
    if isinstance(content, DesiredResource):
        if not content.path.is_file():
            raise PortalError(f"{dataset}: the release's file {content.path} is missing; release it again")
        copy_file(content.path, path)
        if sha256_of(path) != content.sha256:
            raise PortalError(
                f"{dataset}: {content.path} is not what was released: its SHA-256 differs; restore it"
            )
    else:
        path.write_bytes(content)
    with path.open("rb") as file:
        os.fsync(file.fileno())


def _link(standing: Path, place: Path) -> None:
    """The same file in another folder: its time stays, and no byte is written."""
    try:
        os.link(standing, place)
    except OSError:  # a file system without links
        shutil.copy2(standing, place)


def _portal_error(name: str, error: OSError) -> PortalError:
    full = error.errno in (errno.ENOSPC, errno.EDQUOT)
    advice = "the disk is full; make room and publish again" if full else "check the folder and publish again"
    return PortalError(f"{name}: {error}; {advice}", is_transient=full)
