"""What differs between what CKAN should show of a dataset and what it shows. Asks nobody."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote as url_quote

from publish.desired import DesiredResource, resource_id
from publish.metadata.words import KEYS
from publish.plans import Change, PortalError
from publish.portals.ckan.table import TableState, table_change
from publish.portals.ckan.wanted import EXTRAS, MARK, Wanted

VIEW = "datatables_view"

# What differs with every version: told one by one only where the version is the same.
_OF_THE_VERSION = frozenset(
    {"issued", "modified", "data_date", "temporal_start", "temporal_end", "version_notes", "changelog"}
)

# Notes a difference in words: the action, its target, the detail.
Note = Callable[[str, str, str], None]


@dataclass(frozen=True)
class Actual:
    """What the portal holds of a dataset. ``sizes``: its files' bytes by resource id, -1 for a lost one."""

    package: Mapping[str, Any] | None
    has_organisation: bool = True
    table: TableState | None = None
    views: tuple[Mapping[str, Any], ...] = ()
    sizes: Mapping[str, int] = field(default_factory=dict)
    can_have_tables: bool = True
    can_have_views: bool = True


@dataclass(frozen=True)
class Difference:
    """What differs, in words (``changes``) and in parts that the portal carries out."""

    changes: tuple[Change, ...]
    create_organisation: bool = False
    create: bool = False
    fields: Mapping[str, Any] = field(default_factory=dict)
    tags: tuple[str, ...] | None = None
    extras: Mapping[str, str] | None = None
    resources: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)  # fields to set, by id
    uploads: tuple[str, ...] = ()
    additions: tuple[str, ...] = ()
    removals: tuple[str, ...] = ()
    reorder: bool = False
    table: str = ""  # fill, columns, rows, dictionary
    view: str = ""  # create, reorder
    publish: bool = False

    @property
    def revises(self) -> bool:
        """Whether files or metadata change."""
        return bool(
            self.fields
            or self.tags is not None
            or self.extras is not None
            or self.resources
            or self.uploads
            or self.additions
            or self.removals
        )


def compare(wanted: Wanted, actual: Actual) -> Difference:
    """What differs between what the portal should hold and what it holds. Asks nobody.

    Raises:
        PortalError: a dataset of that name is there and is not ours.
    """
    name, package = wanted.name, actual.package
    if package is None:
        return _creation(wanted, actual)
    if not is_ours(wanted, package):
        raise PortalError(
            f"{name}: the portal already has a dataset of this name that was not published from here"
            f" ({package.get('title') or 'without a title'}). It stays as it is: taking over a dataset is not"
            " supported yet. Rename it on the portal, or give ours another name in its catalogue entry"
        )
    changes: list[Change] = []

    def note(action: str, target: str, detail: str) -> None:
        changes.append(Change(name, action, target, detail))

    if not actual.has_organisation:
        note("create", f"organisation {wanted.organisation['name']}", "it is not on the portal yet")
    fields = _changed_fields(wanted, package, note)
    tags = _changed_tags(wanted, package, note)
    extras = _changed_extras(wanted, package, note)

    resources = _changed_resources(wanted, actual, package, note)
    table = table_change(wanted, actual.table, note) if actual.can_have_tables else ""
    view = _view_change(actual, note)
    publish = bool(package.get("private"))
    if publish:
        note("publish", "dataset", "it is private; it becomes public when all of it is in place")
    return Difference(
        changes=tuple(changes),
        create_organisation=not actual.has_organisation,
        fields=fields,
        tags=tags,
        extras=extras,
        resources=resources.updates,
        uploads=resources.uploads,
        additions=resources.additions,
        removals=resources.removals,
        reorder=resources.reorder,
        table=table,
        view=view,
        publish=publish,
    )


def _creation(wanted: Wanted, actual: Actual) -> Difference:
    name, changes = wanted.name, []
    if not actual.has_organisation:
        changes.append(
            Change(name, "create", f"organisation {wanted.organisation['name']}", "it is not on the portal yet")
        )
    changes.append(
        Change(
            name, "create", "dataset", f"version {wanted.version}, {wanted.rows:,} rows; private until complete"
        )
    )
    changes += [
        Change(name, "upload", str(wanted.resources[rid]["name"]), f"{file.size:,} bytes")
        for rid, file in wanted.files.items()
    ]
    if actual.can_have_tables:
        changes.append(Change(name, "load", "table", f"{wanted.rows:,} rows"))
        if actual.can_have_views:
            changes.append(Change(name, "view", "table", "people can look at the rows on the portal"))
    changes.append(Change(name, "publish", "dataset", "the last step"))
    return Difference(tuple(changes), create_organisation=not actual.has_organisation, create=True)


def our_ids(name: str) -> list[str]:
    """The ids that a dataset's resources have on every portal, also those that it lacks at the moment."""
    return [resource_id(name, key) for key in KEYS]


def is_ours(wanted: Wanted, package: Mapping[str, Any]) -> bool:
    """By the mark, or by a resource with an id that only we derive (should someone have removed the mark)."""
    extras = {item["key"]: item["value"] for item in package.get("extras", ())}
    if extras.get(MARK) == wanted.name:
        return True
    ours = set(our_ids(wanted.name)) | set(wanted.resources)
    return any(item.get("id") in ours for item in package.get("resources", ()))


def _changed_fields(wanted: Wanted, package: Mapping[str, Any], note: Note) -> dict[str, Any]:
    different = {key: value for key, value in wanted.fields.items() if not _same(key, package.get(key), value)}
    if "version" in different:
        note("update", "dataset", _headline(wanted, package))
    for key, value in different.items():
        if key != "version":
            note("update", key, _was("", package.get(key), value))
    owner = package.get("organization") or {}
    if owner.get("name") != wanted.organisation["name"]:
        different["owner_org"] = wanted.organisation["name"]
        note("update", "organisation", _was("", owner.get("name"), wanted.organisation["name"]))
    if package["name"] != wanted.name:
        different["name"] = wanted.name
        why = "somebody has renamed the dataset on the portal; links to it by name work again"
        note("update", "name", f"{_was('', package['name'], wanted.name)}: {why}")
    if package.get("state", "active") != "active":
        different["state"] = "active"
        note("update", "state", f"somebody has {package['state']} the dataset on the portal; it is restored")
    return different


def _headline(wanted: Wanted, package: Mapping[str, Any]) -> str:
    before, (since, added, changed, removed) = package.get("version"), wanted.differences
    text = f"version {before or '(none)'} becomes {wanted.version}, {wanted.rows:,} rows"
    if since is not None and since == before:
        text += f": {added:,} added, {changed:,} changed, {removed:,} removed"
    return text


def _changed_tags(wanted: Wanted, package: Mapping[str, Any], note: Note) -> tuple[str, ...] | None:
    shown = {item["name"] for item in package.get("tags", ()) if not item.get("vocabulary_id")}
    if shown == set(wanted.tags):
        return None
    parts = [f"+ {tag}" for tag in wanted.tags if tag not in shown]
    parts += [f"- {tag}" for tag in sorted(shown - set(wanted.tags))]
    note("update", "keywords", ", ".join(parts))
    return wanted.tags


def _changed_extras(wanted: Wanted, package: Mapping[str, Any], note: Note) -> dict[str, str] | None:
    """All extras as they should be, those of others among them; None if nothing differs."""
    shown = {item["key"]: item["value"] for item in package.get("extras", ())}
    kept = {key: value for key, value in shown.items() if key not in EXTRAS}
    merged = {**kept, **wanted.extras}
    if shown == merged:
        return None
    is_new = package.get("version") != wanted.version
    for key in sorted(set(shown) | set(merged)):
        if shown.get(key) != merged.get(key) and not (is_new and key in _OF_THE_VERSION):
            note("update", key, _was("", shown.get(key), merged.get(key)))
    return merged


@dataclass(frozen=True)
class _Resources:
    """What differs among a dataset's resources; ids, but for the fields to set."""

    updates: Mapping[str, Mapping[str, Any]]
    uploads: tuple[str, ...]
    additions: tuple[str, ...]
    removals: tuple[str, ...]
    reorder: bool


def _changed_resources(wanted: Wanted, actual: Actual, package: Mapping[str, Any], note: Note) -> _Resources:
    standing = {str(item["id"]): item for item in package.get("resources", ())}
    is_new = package.get("version") != wanted.version
    updates: dict[str, Mapping[str, Any]] = {}
    uploads = []
    for rid, described in wanted.resources.items():
        item, file = standing.get(rid), wanted.files[rid]
        if item is None:
            uploads.append(rid)
            note("create", described["name"], f"the resource is not there; {file.size:,} bytes")
            continue
        why = _upload_reason(item, file, actual.sizes.get(rid))
        if why:
            uploads.append(rid)
            note("upload", described["name"], f"{why}; {file.size:,} bytes")
        different = {key: value for key, value in described.items() if not _same(key, item.get(key), value)}
        if different:
            updates[rid] = different
            silent = {"hash" if why else "", "release_version" if is_new else ""}
            told = [_was(key, item.get(key), value) for key, value in different.items() if key not in silent]
            if told:
                note("update", described["name"], "; ".join(told))
    additions = tuple(rid for rid in wanted.resources if rid not in standing)
    removals = tuple(rid for rid in our_ids(wanted.name) if rid in standing and rid not in wanted.resources)
    for rid in removals:
        note("remove", str(standing[rid].get("name") or rid), f"version {wanted.version} has no such file")
    after = [*(rid for rid in standing if rid not in removals), *additions]
    reorder = after[: len(wanted.resources)] != list(wanted.resources)
    if reorder:
        note("update", "order of the resources", "CSV first, then the others")
    return _Resources(updates, tuple(uploads), additions, removals, reorder)


def _same(key: str, shown: Any, value: Any) -> bool:
    if key == "format":  # portals write known formats in a way of their own
        return str(shown or "").casefold() == str(value).casefold()
    return str(shown or "") == str(value or "")


def _was(key: str, old: Any, new: Any) -> str:
    def short(value: Any) -> str:
        text = " ".join(str(value or "").split())
        return f"“{text[:60]}…”" if len(text) > 60 else f"“{text}”" if text else "nothing"

    told = f"{short(old)} becomes {short(new)}"
    if old and new and short(old) == short(new):
        told = "its text changes further down"
    return f"{key}: {told}" if key else told


def _upload_reason(item: Mapping[str, Any], file: DesiredResource, size: int | None) -> str:
    """Why a file has to be sent; empty if it stands there."""
    if not item.get("hash"):
        return "the file is not there yet"
    if item["hash"] != file.sha256:
        return "new content"
    url = str(item.get("url") or "")
    if item.get("url_type") != "upload":
        return "somebody has put a link in the place of the file"
    if url.rsplit("/", 1)[-1] != url_quote(file.path.name):
        return "the file has another name on the portal"
    if size == -1:
        return "the portal has lost the file"
    if size is not None and size != file.size:
        return f"the portal serves {size:,} bytes that are not what was published"
    return ""


def _view_change(actual: Actual, note: Note) -> str:
    if not (actual.can_have_tables and actual.can_have_views):
        return ""
    kinds = [view.get("view_type") for view in actual.views]
    if VIEW not in kinds:
        note("view", "table", "there is none")
        return "create"
    if kinds[0] != VIEW:
        note("view", "table", "it is not the first view")
        return "reorder"
    return ""
