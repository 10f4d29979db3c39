"""What differs between what CKAN should show of a dataset and what it shows. Asks nobody."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from publish.desired import resource_id
from publish.metadata.words import KEYS
from publish.plans import Change, Drift
from publish.portals.ckan.archives import ArchivesDifference, compare_archives
from publish.portals.ckan.client import Served
from publish.portals.ckan.managed import (
    BUILDING,
    EXTRAS,
    MARK,
    STATE,
    WROTE,
    Record,
    Verdicts,
    becomes,
    extras_of,
    sum_of,
    taken_down,
)
from publish.portals.ckan.resources import ResourcesDifference, compare_resources
from publish.portals.ckan.table import TableState, table_change, table_drift
from publish.portals.ckan.wanted import Wanted

VIEW = "datatables_view"
MAP_VIEW = "geojson_view"  # ckanext-geoview's; a stock CKAN 2.11 or 2.12 has none

# What differs with every version: told one by one only where the version is the same.
_OF_THE_VERSION = frozenset(
    {"issued", "modified", "data_date", "temporal_start", "temporal_end", "version_notes", "changelog"}
)

# Notes a difference in words: the action, its target, the detail.
Note = Callable[[str, str, str], None]


@dataclass(frozen=True)
class Place:
    """An organisation or a group as it is on the portal, whatever it is called there."""

    id: str
    name: str


@dataclass(frozen=True)
class Actual:
    """What the portal holds of a dataset. ``served``: its files by resource id, downloaded where in doubt."""

    package: Mapping[str, Any] | None
    organisation: Place | None = None  # the publisher's; None: it is not there
    group: Place | None = None  # the district's; None: it is not there
    may_join: bool = True  # the group may be made or given the dataset
    name_is_taken: bool = False  # by a dataset of somebody else
    table: TableState | None = None
    views: tuple[Mapping[str, Any], ...] = ()
    map_views: tuple[Mapping[str, Any], ...] = ()  # of the resource with the points
    served: Mapping[str, Served] = field(default_factory=dict)
    can_have_tables: bool = True
    can_have_views: bool = True
    can_have_maps: bool = False


@dataclass(frozen=True)
class Difference:
    """What differs, in words (``changes``, ``drift``, ``unsent``) and in parts that the portal carries out."""

    changes: tuple[Change, ...]
    drift: tuple[Drift, ...] = ()
    unsent: tuple[str, ...] = ()
    create_organisation: bool = False
    create: bool = False
    join: bool = False  # the district's group
    fields: Mapping[str, Any] = field(default_factory=dict)
    tags: tuple[str, ...] | None = None
    extras: Mapping[str, str] | None = None
    files: ResourcesDifference = field(default_factory=ResourcesDifference)
    archives: ArchivesDifference = field(default_factory=ArchivesDifference)
    table: str = ""  # fill, columns, rows, dictionary
    view: str = ""  # create, reorder
    map_view: bool = False
    publish: bool = False

    @property
    def revises(self) -> bool:
        """Whether files or metadata change."""
        return bool(self.fields or self.tags is not None or self.extras is not None or self.files.revises)


def compare(wanted: Wanted, actual: Actual, *, overwrite: bool = False, restore: bool = False) -> Difference:
    """What differs between what the portal should hold of a dataset of ours and what it holds.

    Args:
        wanted: as it should be.
        actual: as it is.
        overwrite: words that were changed by hand are ours again.
        restore: what was taken down is shown again.
    """
    if actual.package is None:
        return _creation(wanted, actual)
    return _Comparison(wanted, actual, actual.package, overwrite, restore).difference()


def unsent_of(wanted: Wanted, actual: Actual) -> tuple[str, ...]:
    """What is declared and this portal cannot show."""
    told = list(wanted.unsent)
    if not actual.can_have_tables:
        told.append("the table: the portal has no DataStore")
    if wanted.map_id and not actual.can_have_maps:
        told.append(f"the map: the portal has no view for one ({MAP_VIEW}, of ckanext-geoview)")
    if wanted.desired.declaration.entry.show.charts:
        told.append("the charts: views of a CKAN show a table as it is, not what a query makes of it")
    if wanted.group and not actual.may_join and not _is_member(wanted, actual):
        told.append(
            f"the group {wanted.group['title']}: the token's user may not "
            + ("add datasets to it" if actual.group else "create it")
            + "; have the portal's administrator "
            + ("make the user an editor of it" if actual.group else f"create it as {wanted.group['name']}")
        )
    return tuple(told)


def _creation(wanted: Wanted, actual: Actual) -> Difference:
    name, changes = wanted.name, []
    if actual.organisation is None:
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
    if wanted.group and actual.may_join:
        changes.append(_joining(wanted, actual))
    changes.append(Change(name, "publish", "dataset", "the last step"))
    changes += [
        Change(name, "create", f"version {one.version}", f"an archive of it, {one.size:,} bytes")
        for one in wanted.archives
    ]
    return Difference(
        tuple(changes),
        unsent=unsent_of(wanted, actual),
        create_organisation=actual.organisation is None,
        create=True,
    )


def _joining(wanted: Wanted, actual: Actual) -> Change:
    assert wanted.group is not None  # noqa: S101 - for the type checker
    detail = "the dataset is added to it" if actual.group else "it is not on the portal yet"
    return Change(wanted.name, "update" if actual.group else "create", f"group {wanted.group['name']}", detail)


def our_ids(name: str) -> list[str]:
    """The ids that a dataset's resources have on every portal, also those that it lacks at the moment."""
    return [resource_id(name, key) for key in KEYS]


def is_ours(wanted: Wanted, package: Mapping[str, Any]) -> bool:
    """By the mark, or by a resource with an id that only we derive (should someone have removed the mark)."""
    if extras_of(package).get(MARK) == wanted.name:
        return True
    ours = set(our_ids(wanted.name)) | set(wanted.resources)
    return any(item.get("id") in ours for item in package.get("resources", ()))


def is_building(package: Mapping[str, Any]) -> bool:
    """Whether we made the dataset and have not completed it."""
    return bool(package.get("private")) and extras_of(package).get(STATE) == BUILDING


def is_member(group: Mapping[str, str], package: Mapping[str, Any]) -> bool:
    """Whether a dataset is in a group, by its id or, where somebody else made it, by its name."""
    return any(
        group["id"] == item.get("id") or group["name"] == item["name"] for item in package.get("groups", ())
    )


def _is_member(wanted: Wanted, actual: Actual) -> bool:
    return bool(wanted.group and actual.package and is_member(wanted.group, actual.package))


class _Comparison:
    """The comparison of one dataset that is there."""

    def __init__(
        self, wanted: Wanted, actual: Actual, package: Mapping[str, Any], overwrite: bool, restore: bool
    ) -> None:
        self._wanted = wanted
        self._actual = actual
        self._package = package
        self._restore = restore
        self._extras = extras_of(package)
        self._verdicts = Verdicts(wanted.name, Record.of(self._extras.get(WROTE)), overwrite)
        self._changes: list[Change] = []

    def difference(self) -> Difference:
        wanted, actual, package = self._wanted, self._actual, self._package
        fields = self._fields() | self._place()
        create_organisation = actual.organisation is None and "owner_org" in fields
        tags = self._tags()
        join = self._group()
        extras = self._our_extras()
        files, told = compare_resources(wanted, package, actual.served, self._verdicts)
        self._changes += told
        table = table_change(wanted, actual.table, self._note) if actual.can_have_tables else ""
        view = _view_change(actual, self._note)
        map_view = self._lacks_map()
        if not is_building(package) and not taken_down(package):
            self._tell_table(table, view)
        publish = bool(package.get("private"))
        if publish:
            self._note("publish", "dataset", "it is private; it becomes public when all of it is in place")
        archives, told = compare_archives(wanted.desired, wanted.archives, package, actual.served, self._verdicts)
        self._changes += told
        all_extras = self._with_record(extras)
        return Difference(
            changes=tuple(self._changes),
            drift=tuple(self._verdicts.drift),
            unsent=unsent_of(wanted, actual),
            create_organisation=create_organisation,
            join=join,
            fields=fields,
            tags=tags,
            extras=all_extras,
            files=files,
            archives=archives,
            table=table,
            view=view,
            map_view=map_view,
            publish=publish,
        )

    def _lacks_map(self) -> bool:
        kinds = [view.get("view_type") for view in self._actual.map_views]
        if not (self._wanted.map_id and self._actual.can_have_maps) or MAP_VIEW in kinds:
            return False
        self._note("view", "map", "there is none")
        return True

    def _note(self, action: str, target: str, detail: str) -> None:
        self._changes.append(Change(self._wanted.name, action, target, detail))

    def _fields(self) -> dict[str, Any]:
        package, wanted = self._package, self._wanted
        different = {
            key: value
            for key, value in wanted.fields.items()
            if self._verdicts.writes(key, key, package.get(key), value)
        }
        if "version" in different:
            self._note("update", "dataset", _headline(wanted, package))
        for key, value in different.items():
            if key != "version":
                self._note("update", key, becomes(package.get(key), value))
        return different

    def _place(self) -> dict[str, Any]:
        """Where the dataset is: its organisation, its name, its state."""
        wanted, package = self._wanted, self._package
        different: dict[str, Any] = {}
        owner = package.get("organization") or {}
        place = self._actual.organisation
        goal = place.id if place else wanted.organisation["id"]
        if self._verdicts.writes("organisation", "organisation", owner.get("id"), goal):
            different["owner_org"] = goal
            named = place.name if place else wanted.organisation["name"]
            self._note("update", "organisation", becomes(owner.get("name"), named))
            if place is None:
                self._note("create", f"organisation {named}", "it is not on the portal yet")
        if package["name"] != wanted.name:
            self._rename(different)
        if taken_down(package) and self._restore:
            if package.get("state", "active") != "active":
                different["state"] = "active"
            self._note("update", "state", f"{taken_down(package)}; it is restored")
        return different

    def _rename(self, different: dict[str, Any]) -> None:
        told = becomes(self._package["name"], self._wanted.name)
        if self._actual.name_is_taken:
            self._verdicts.note(
                "name", f"{told}: not possible, a dataset of somebody else has the name now", is_left=True
            )
            return
        different["name"] = self._wanted.name
        why = "somebody has renamed the dataset on the portal; links to it by name work again"
        self._note("update", "name", f"{told}: {why}")
        self._verdicts.note("name", f"{told}: {why}")

    def _tags(self) -> tuple[str, ...] | None:
        tags, wanted = self._package.get("tags", ()), self._wanted.tags
        shown = sorted(item["name"] for item in tags if not item.get("vocabulary_id"))
        if not self._verdicts.writes("keywords", "keywords", shown, list(wanted)):
            return None
        parts = [f"+ {tag}" for tag in wanted if tag not in shown]
        parts += [f"- {tag}" for tag in shown if tag not in wanted]
        self._note("update", "keywords", ", ".join(parts))
        return wanted

    def _group(self) -> bool:
        """Whether the dataset is to be added to its district's group."""
        group = self._wanted.group
        if group is None or not (self._actual.may_join or _is_member(self._wanted, self._actual)):
            return False
        shown = group["name"] if _is_member(self._wanted, self._actual) else ""
        if not self._verdicts.writes("group", f"group {group['name']}", shown, group["name"]):
            return False
        self._changes.append(_joining(self._wanted, self._actual))
        return True

    def _our_extras(self) -> dict[str, str]:
        """All extras as they should be, those of others among them, without the record."""
        shown, wanted = self._extras, self._wanted
        merged = {key: value for key, value in shown.items() if key not in EXTRAS}
        is_new = self._package.get("version") != wanted.version
        for key in sorted(EXTRAS - {WROTE, STATE}):
            before, after = shown.get(key), wanted.extras.get(key)
            if not before and not after:
                continue
            value = before
            if self._verdicts.writes(key, key, before, after):
                value = after
                if not (is_new and key in _OF_THE_VERSION):
                    self._note("update", key, becomes(before, after))
            if value:
                merged[key] = value
        if self._package.get("private"):
            merged[STATE] = BUILDING
        elif STATE in shown:
            self._note("update", STATE, "the dataset is complete")
        return merged

    def _with_record(self, extras: dict[str, str]) -> dict[str, str] | None:
        """The extras and the record of what is written; None if nothing differs."""
        extras[WROTE] = Record(self._verdicts.sums).text()
        if extras == self._extras:
            return None
        if not self._changes:
            self._note("update", WROTE, "what was written is noted anew")
        return extras

    def _tell_table(self, table: str, view: str) -> None:
        """What somebody did to the table or its view; of a dataset that stands complete."""
        self._verdicts.drift += table_drift(self._wanted, self._actual.table)
        if table and self._actual.table is None:
            self._verdicts.note("table", "somebody has removed it, or a change of it was cut short")
        if view:
            self._verdicts.note("table", "somebody has removed its view, or has put another one first")


def creation_record(wanted: Wanted, organisation: str) -> str:
    """The record of a dataset that is made, whose files and group are still to come."""
    values: dict[str, Any] = {**wanted.fields, **wanted.extras}
    values |= {"keywords": list(wanted.tags), "organisation": organisation}
    for rid, fields in wanted.resources.items():
        key = wanted.files[rid].key
        values |= {f"{key}/{name}": value for name, value in fields.items() if name != "hash"}
    return Record({key: sum_of(key, value) for key, value in values.items()}).text()


def _headline(wanted: Wanted, package: Mapping[str, Any]) -> str:
    before, (since, added, changed, removed) = package.get("version"), wanted.differences
    text = f"version {before or '(none)'} becomes {wanted.version}, {wanted.rows:,} rows"
    if since is not None and since == before:
        text += f": {added:,} added, {changed:,} changed, {removed:,} removed"
    return text


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
