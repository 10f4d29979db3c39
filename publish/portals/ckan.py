"""The CKAN portal: datasets, files and DataStore tables, written through CKAN's action API.

How a version takes its place. What the public sees of files and metadata changes in one call, ``package_revise``,
which carries the changed files, all metadata and the list of resources together. A dataset that is new is filled
while it is private, looked at, and made public by the last call.

The DataStore table is apart from the files and cannot change in the same call. It follows right after, by the rows
that differ: at most a few calls, each of which is a transaction. A note in the table's own data dictionary says
whose rows it holds, and is taken away before the first of these calls: a table without the note is compared with
the release row by row and completed, so a run that was killed anywhere is finished by the next.

What CKAN itself cannot promise: it writes the files of one call one after the other and commits then. Should it
die in between, some files are new while the metadata are old; the next run sends all of them again, because the
sums on the portal are still the old ones. The CSV, normally the largest, comes first, so a file that is too large
is refused before any other was written.

What others did is respected where it is theirs: datasets without our mark are refused, resources and extras that
are not ours stay, organisations are created if missing and never changed.
"""

from __future__ import annotations

import hashlib
import io
import ipaddress
import json
import re
import tempfile
import uuid
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import IO, Any
from urllib.parse import quote as url_quote
from urllib.parse import urljoin, urlsplit

import ckanapi
import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import requests

from publish.portals import Change, DesiredDataset, DesiredResource, PortalError, Published, resource_id
from publish.releasing import ReleaseError, load_release
from warehouse.archive import sha256_of
from warehouse.declarations import FieldDeclaration, literal, quote
from warehouse.progress import Progress

CONNECT_TIMEOUT_S = 10
READ_TIMEOUT_S = 300
CHUNK_ROWS = 5_000
_PAGE_ROWS = 32_000  # what CKAN gives at once, unless an administrator allowed more
_REHEARSED_ROWS = 20_000  # a difference of up to so many rows is tried out before the switch
_BLOCK = 1 << 20
_ATTEMPTS = 5  # looks at a dataset that something else keeps changing

# A value of more than 32,766 bytes cannot be indexed as one term by Solr: CKAN would refuse the dataset.
_EXTRA_BYTES = 24_000

MARK = "opendistrict"  # the extra by which we know a dataset as ours; its value is the dataset's name
_HOLDS = "rows_of"  # in the dictionary of the table's first column: which rows the table holds
_CHANGING = "changing"  # what the note says meanwhile
_CHECKSUM = "http://spdx.org/rdf/terms#checksumAlgorithm_sha256"
_AUTHORITY = "http://publications.europa.eu/resource/authority"
_KEYS = ("csv", "parquet", "xlsx", "changes", "datapackage")
_VIEW = "datatables_view"

_LICENCES: Mapping[str, str] = {
    "CC-BY-4.0": "cc-by",
    "CC-BY-3.0": "cc-by",
    "CC-BY-SA-4.0": "cc-by-sa",
    "CC-BY-NC-4.0": "cc-nc",
    "CC0-1.0": "cc-zero",
    "ODC-By-1.0": "odc-by",
    "ODbL-1.0": "odc-odbl",
    "OGL-UK-3.0": "uk-ogl",
    "PDDL-1.0": "odc-pddl",
}

# int8 and not int: CKAN's int is PostgreSQL's int4, and our integers have 64 bits.
_COLUMN_TYPES: Mapping[str, str] = {
    "string": "text",
    "integer": "int8",
    "year": "int8",
    "number": "numeric",
    "boolean": "bool",
    "date": "date",
    "datetime": "timestamp",
}

_EXTRAS = frozenset(
    {
        MARK, "identifier", "theme", "frequency", "language", "issued", "modified", "access_rights",
        "publisher_name", "contact_name", "contact_email", "conforms_to", "spatial", "spatial_text",
        "temporal_end", "attribution", "data_date", "each_row_is_a", "licence", "licence_url", "provenance",
        "version_notes", "changelog",
    }
)  # fmt: skip

# What differs with every version: told one by one only where the version is the same.
_OF_THE_VERSION = frozenset({"issued", "modified", "data_date", "temporal_end", "version_notes", "changelog"})

Record = dict[str, Any]


# --- what the portal should hold ------------------------------------------------------------------------


@dataclass(frozen=True)
class Wanted:
    """A dataset in CKAN's terms."""

    name: str
    organisation: Mapping[str, str]
    fields: Mapping[str, Any]
    tags: tuple[str, ...]
    extras: Mapping[str, str]
    resources: Mapping[str, Mapping[str, Any]]  # by id, in order; the first one has the table
    files: Mapping[str, DesiredResource]
    columns: tuple[Mapping[str, Any], ...]
    declared: tuple[FieldDeclaration, ...]
    primary_key: tuple[str, ...]
    rows: int
    holds: str  # the note of a table that holds exactly these rows
    shrink_limit_pct: float
    differences: tuple[str | None, int, int, int]  # since which version: added, changed, removed

    @property
    def version(self) -> str:
        """The release's label."""
        return str(self.fields["version"])

    @property
    def table_id(self) -> str:
        """The resource that has the table: the CSV file."""
        return resource_id(self.name, "csv")


@dataclass(frozen=True)
class TableState:
    """The DataStore table as it is. ``holds`` is the note of whose rows they are; empty without one."""

    columns: tuple[Mapping[str, Any], ...]
    count: int
    holds: str


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
class Plan:
    """What would be done, in words (``changes``) and in parts that ``apply`` carries out."""

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
    table: str = ""  # fill, rows, dictionary
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


def wanted_dataset(desired: DesiredDataset, address: str) -> Wanted:
    """A dataset as CKAN should hold it.

    Args:
        desired: the dataset.
        address: the portal's, without a slash at its end; for the resources' own addresses.
    """
    entry, release = desired.declaration.entry, desired.release
    page = f"{address}/dataset/{entry.name}"
    notes = entry.description.strip()
    if entry.usage_warnings:
        notes += "\n\n## Before you use it\n\n" + "\n".join(f"* {text.strip()}" for text in entry.usage_warnings)
    fields = {
        "title": entry.title.strip(),
        "notes": notes,
        "license_id": _LICENCES.get(entry.licence.id, "notspecified"),
        "version": release.version,
        "url": page,
        "author": entry.publisher.title,
        "maintainer": entry.contact.name,
        "maintainer_email": entry.contact.email,
    }
    ordered = sorted(
        desired.resources, key=lambda item: _KEYS.index(item.key) if item.key in _KEYS else len(_KEYS)
    )
    if not ordered or ordered[0].key != "csv":
        raise PortalError(f"{entry.name}: version {release.version} has no CSV file; release it again")
    resources = {
        item.id: {
            "name": item.title,
            "description": item.description,
            "format": item.format,
            "mimetype": item.media_type,
            "hash": item.sha256,
            "hash_algorithm": _CHECKSUM,
            "license": entry.licence.url,
            "release_version": release.version,
            "access_url": f"{page}/resource/{item.id}",
            "download_url": f"{page}/resource/{item.id}/download/{url_quote(item.path.name)}",
        }
        for item in ordered
    }
    return Wanted(
        name=entry.name,
        organisation={
            "name": entry.publisher.name,
            "title": entry.publisher.title,
            "description": entry.publisher.description,
        },
        fields=fields,
        tags=_tags(entry.keywords),
        extras=_extras(desired),
        resources=resources,
        files={item.id: item for item in ordered},
        columns=tuple(_column(column) for column in desired.declaration.table.fields),
        declared=desired.declaration.table.fields,
        primary_key=desired.declaration.table.primary_key,
        rows=release.rows,
        holds=f"{release.version} sha256:{release.content_sha256}",
        shrink_limit_pct=desired.declaration.table.rows.shrink_limit_pct,
        differences=(release.previous_version, release.added, release.changed, release.removed),
    )


def _tags(keywords: Iterable[str]) -> tuple[str, ...]:
    """Keywords as CKAN allows them: letters, digits, spaces, and ``-_.``; from 2 to 100 characters."""
    found = (re.sub(r"\s+", " ", re.sub(r"[^\w \-.]", " ", word)).strip()[:100] for word in keywords)
    return tuple(sorted({tag for tag in found if len(tag) >= 2}))


def _extras(desired: DesiredDataset) -> dict[str, str]:
    entry, release, described = desired.declaration.entry, desired.release, desired.metadata
    day = release.data_date.isoformat()
    days = re.findall(r"^- Data of (\d{4}-\d{2}-\d{2})", desired.changelog, re.MULTILINE)
    place = described.get("spatial")
    found = {
        MARK: entry.name,
        "identifier": entry.name,
        "theme": _json([f"{_AUTHORITY}/data-theme/{entry.theme}"]),
        "frequency": f"{_AUTHORITY}/frequency/{entry.frequency}",
        "language": _json([f"{_AUTHORITY}/language/{code}" for code in entry.language]),
        "issued": min([day, *days]),
        "modified": day,
        "data_date": day,
        "temporal_end": day,
        "access_rights": f"{_AUTHORITY}/access-right/PUBLIC",
        "publisher_name": entry.publisher.title,
        "contact_name": entry.contact.name,
        "contact_email": entry.contact.email,
        "conforms_to": _json([str(described["$schema"])]) if described.get("$schema") else "",
        "spatial": _spatial(desired.spatial) if desired.spatial else "",
        "spatial_text": str(place.get("name", "")) if isinstance(place, Mapping) else "",
        "attribution": entry.attribution,
        "each_row_is_a": entry.each_row_is_a,
        "licence": entry.licence.id,
        "licence_url": entry.licence.url,
        "provenance": _provenance(described.get("sources")),
        "version_notes": _newest(desired.changelog, 1),
        "changelog": _newest(desired.changelog),
    }
    return {key: value.strip() for key, value in found.items() if value.strip()}


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _spatial(geometry: Mapping[str, object]) -> str:
    """GeoJSON as a text; its bounding box where it is too long to be indexed."""
    text = _json(geometry)
    if len(text.encode()) <= _EXTRA_BYTES:
        return text
    points = list(_points(geometry.get("coordinates")))
    west, east = min(x for x, _ in points), max(x for x, _ in points)
    south, north = min(y for _, y in points), max(y for _, y in points)
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return _json({"type": "Polygon", "coordinates": [ring]})


def _points(value: object) -> Iterator[tuple[float, float]]:
    if isinstance(value, list | tuple):
        if len(value) >= 2 and all(isinstance(part, int | float) for part in value):
            yield (value[0], value[1])
        else:
            for part in value:
                yield from _points(part)


def _provenance(sources: object) -> str:
    lines = []
    for source in sources if isinstance(sources, list) else []:
        parts = [str(source.get(key)) for key in ("title", "path", "licence", "attribution") if source.get(key)]
        lines.append("; ".join(parts))
    return _cut("\n".join(lines))


def _newest(changelog: str, count: int | None = None) -> str:
    """The newest parts of a change log, as many as an extra can hold."""
    parts = re.split(r"(?m)^(?=## )", changelog.strip())
    parts = [part.strip() for part in parts if part.strip()][:count]
    kept: list[str] = []
    for part in parts:
        if kept and len("\n\n".join([*kept, part]).encode()) > _EXTRA_BYTES:
            break
        kept.append(part)
    return _cut("\n\n".join(kept))


def _cut(text: str) -> str:
    return text.encode()[:_EXTRA_BYTES].decode(errors="ignore")


def _column(column: FieldDeclaration) -> dict[str, Any]:
    described = {"label": column.title, "notes": column.description, "unit": column.unit}
    info = {key: value for key, value in described.items() if value}
    return {"id": column.name, "type": _COLUMN_TYPES[column.type], "info": info}


# --- the difference -------------------------------------------------------------------------------------


def compare(wanted: Wanted, actual: Actual) -> Plan:
    """What differs between what the portal should hold and what it holds. Asks nobody.

    Raises:
        PortalError: a dataset of that name is there and is not ours.
    """
    name, package = wanted.name, actual.package
    if package is None:
        return _creation(wanted, actual)
    if not _is_ours(wanted, package):
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

    standing = {str(item["id"]): item for item in package.get("resources", ())}
    resources: dict[str, Mapping[str, Any]] = {}
    uploads, additions = [], []
    is_new = package.get("version") != wanted.version
    for rid, described in wanted.resources.items():
        item, file = standing.get(rid), wanted.files[rid]
        if item is None:
            additions.append(rid)
            uploads.append(rid)
            note("create", described["name"], f"the resource is not there; {file.size:,} bytes")
            continue
        why = _upload_reason(item, file, actual.sizes.get(rid))
        different = {key: value for key, value in described.items() if not _same(key, item.get(key), value)}
        if why:
            uploads.append(rid)
            note("upload", described["name"], f"{why}; {file.size:,} bytes")
        if different:
            resources[rid] = different
            silent_keys = {"hash" if why else "", "release_version" if is_new else ""}
            told = [key for key in different if key not in silent_keys]
            if told:
                note(
                    "update",
                    described["name"],
                    "; ".join(_was(key, item.get(key), different[key]) for key in told),
                )
    removals = [rid for rid in _ids(name) if rid in standing and rid not in wanted.resources]
    for rid in removals:
        note("remove", str(standing[rid].get("name") or rid), f"version {wanted.version} has no such file")
    after = [rid for rid in standing if rid not in removals] + additions
    reorder = after[: len(wanted.resources)] != list(wanted.resources)
    if reorder:
        note("update", "order of the resources", "CSV first, then the others")

    table = _table_change(wanted, actual, note)
    view = _view_change(actual, note)
    publish = bool(package.get("private"))
    if publish:
        note("publish", "dataset", "it is private; it becomes public when all of it is in place")
    return Plan(
        changes=tuple(changes),
        create_organisation=not actual.has_organisation,
        fields=fields,
        tags=tags,
        extras=extras,
        resources=resources,
        uploads=tuple(uploads),
        additions=tuple(additions),
        removals=tuple(removals),
        reorder=reorder,
        table=table,
        view=view,
        publish=publish,
    )


def _creation(wanted: Wanted, actual: Actual) -> Plan:
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
    return Plan(tuple(changes), create_organisation=not actual.has_organisation, create=True)


def _ids(name: str) -> list[str]:
    return [resource_id(name, key) for key in _KEYS]


def _is_ours(wanted: Wanted, package: Mapping[str, Any]) -> bool:
    """By the mark, or by a resource with an id that only we derive (should someone have removed the mark)."""
    extras = {item["key"]: item["value"] for item in package.get("extras", ())}
    if extras.get(MARK) == wanted.name:
        return True
    ours = set(_ids(wanted.name)) | set(wanted.resources)
    return any(item.get("id") in ours for item in package.get("resources", ()))


def _changed_fields(
    wanted: Wanted, package: Mapping[str, Any], note: Callable[[str, str, str], None]
) -> dict[str, Any]:
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


def _changed_tags(
    wanted: Wanted, package: Mapping[str, Any], note: Callable[[str, str, str], None]
) -> tuple[str, ...] | None:
    shown = {item["name"] for item in package.get("tags", ()) if not item.get("vocabulary_id")}
    if shown == set(wanted.tags):
        return None
    parts = [f"+ {tag}" for tag in wanted.tags if tag not in shown]
    parts += [f"- {tag}" for tag in sorted(shown - set(wanted.tags))]
    note("update", "keywords", ", ".join(parts))
    return wanted.tags


def _changed_extras(
    wanted: Wanted, package: Mapping[str, Any], note: Callable[[str, str, str], None]
) -> dict[str, str] | None:
    """All extras as they should be, those of others among them; None if nothing differs."""
    shown = {item["key"]: item["value"] for item in package.get("extras", ())}
    kept = {key: value for key, value in shown.items() if key not in _EXTRAS}
    merged = {**kept, **wanted.extras}
    if shown == merged:
        return None
    is_new = package.get("version") != wanted.version
    for key in sorted(set(shown) | set(merged)):
        if shown.get(key) != merged.get(key) and not (is_new and key in _OF_THE_VERSION):
            note("update", key, _was("", shown.get(key), merged.get(key)))
    return merged


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


def _table_change(wanted: Wanted, actual: Actual, note: Callable[[str, str, str], None]) -> str:
    table = actual.table
    if not actual.can_have_tables:
        return ""
    if table is None:
        note("load", "table", f"there is none; {wanted.rows:,} rows")
        return "fill"
    if faults := _column_faults(wanted, table):
        note("load", "table", f"its columns differ ({'; '.join(faults)}): it is built anew, {wanted.rows:,} rows")
        return "fill"
    text = (
        f"{table.count:,} rows become {wanted.rows:,}" if table.count != wanted.rows else f"{wanted.rows:,} rows"
    )
    if wanted.rows < table.count:
        lost = 100 * (table.count - wanted.rows) / table.count
        text += f": SHRINKS by {lost:.1f} %"
        if lost > wanted.shrink_limit_pct:
            text += f", more than the {wanted.shrink_limit_pct:g} % that its declaration allows"
    if _content(table.holds) != _content(wanted.holds):
        if not table.holds:
            why = (
                "nothing says whose rows the table holds: an earlier change was cut short, or somebody else loads"
                " it (does the portal run xloader or datapusher?); it is compared row by row"
            )
        elif table.holds.startswith(_CHANGING):
            why = "an earlier change was cut short; it is compared row by row"
        else:
            why = f"it holds the rows of {table.holds.split(' ')[0]}; only what differs is sent"
        note("load", "table", f"{text}; {why}")
        return "rows"
    if table.count != wanted.rows:
        note("load", "table", f"{text}; somebody has changed it, so it is compared row by row")
        return "rows"
    if different := _dictionary_faults(wanted, table):
        note("update", "data dictionary", f"of {', '.join(different)}")
        return "dictionary"
    return ""


def _content(holds: str) -> str:
    return holds.rpartition("sha256:")[2] if "sha256:" in holds else ""


def _column_faults(wanted: Wanted, table: TableState) -> list[str]:
    shown = {str(column["id"]): column for column in table.columns}
    faults = [f"{name} goes" for name in shown if name not in {column["id"] for column in wanted.columns}]
    for column in wanted.columns:
        standing = shown.get(column["id"])
        if standing is None:
            faults.append(f"{column['id']} is new")
        elif standing.get("type") != column["type"]:
            faults.append(f"{column['id']}: {standing.get('type')} becomes {column['type']}")
        elif column["id"] in wanted.primary_key and standing.get("schema", {}).get("is_index") is False:
            faults.append(f"{column['id']} is no key there")
    return faults


def _dictionary_faults(wanted: Wanted, table: TableState) -> list[str]:
    shown = {str(column["id"]): column.get("info") or {} for column in table.columns}
    return [
        str(column["id"])
        for column in wanted.columns
        if any(
            (shown[column["id"]].get(key) or "") != (column["info"].get(key) or "")
            for key in ("label", "notes", "unit")
        )
    ]


def _view_change(actual: Actual, note: Callable[[str, str, str], None]) -> str:
    if not (actual.can_have_tables and actual.can_have_views):
        return ""
    kinds = [view.get("view_type") for view in actual.views]
    if _VIEW not in kinds:
        note("view", "table", "there is none")
        return "create"
    if kinds[0] != _VIEW:
        note("view", "table", "it is not the first view")
        return "reorder"
    return ""


# --- the portal -----------------------------------------------------------------------------------------


class CkanPortal:
    """A CKAN, 2.11 or 2.12, written to with a user's API token."""

    def __init__(self, address: str, token: str) -> None:
        """Opens no connection.

        Args:
            address: the portal's front page.
            token: an API token of a user who may edit the organisations' datasets.

        Raises:
            PortalError: the address or the token cannot be used.
        """
        self._client = Client(address, token)
        self._extensions: frozenset[str] | None = None

    def __repr__(self) -> str:
        return f"CkanPortal({self.address!r})"

    @property
    def address(self) -> str:
        """The portal's front page."""
        return self._client.address

    def plan(self, desired: Sequence[DesiredDataset]) -> list[Change]:
        """What differs from what is shown now, in the order it would be done. Only reads."""
        self._greet()
        changes: list[Change] = []
        for item in desired:
            wanted = wanted_dataset(item, self.address)
            # an organisation that several datasets lack is created once
            changes += [
                change for change in compare(wanted, self._read(wanted)).changes if not _again(change, changes)
            ]
        return changes

    def apply(
        self,
        desired: Sequence[DesiredDataset],
        progress: Progress,
        failed: Callable[[str, PortalError], None],
    ) -> list[Published]:
        """Make it so, dataset by dataset. One that fails is told to ``failed`` and the others go on."""
        done = []
        for count, item in enumerate(desired):
            name = item.declaration.name
            progress(f"publish {name}", count, len(desired), "datasets")
            before = self._client.writes
            try:
                self._greet()
                changes = self._publish_patiently(item, progress)
            except (PortalError, OSError, pa.ArrowException) as error:
                local = f"{name}: the release's files cannot be read: {error}"
                failed(name, error if isinstance(error, PortalError) else PortalError(local))
                if self._client.is_gone:
                    self._extensions = None  # the next dataset asks first, which fails fast
            else:
                writes = self._client.writes - before
                done.append(Published(name, changes, writes, f"{self.address}/dataset/{name}"))
        progress("publish", len(desired), len(desired), "datasets")
        return done

    # --- reading --------------------------------------------------------------------------------

    def _greet(self) -> None:
        """Make sure that it is a CKAN and that the token is accepted. CKAN treats a wrong one as no token."""
        if self._extensions is not None:
            return
        status = self._client.call("status_show")
        if not isinstance(status, Mapping) or "ckan_version" not in status:
            raise PortalError(f"{self.address} does not answer as a CKAN does; check the address")
        # an older CKAN may not answer who one is; then the organisations tell
        known = self._client.call("user_show", missing_ok=True)
        if not known and not self._client.call("organization_list_for_user"):
            raise PortalError(
                f"{self.address} does not accept the token: it is wrong, expired or revoked. Make a new one on the"
                " portal (your user page, API tokens)"
            )
        self._extensions = frozenset(status.get("extensions") or ())

    def _has(self, extension: str) -> bool:
        """Whether the portal has an extension; a portal that does not tell is taken to have it."""
        return not self._extensions or extension in self._extensions

    def _read(self, wanted: Wanted) -> Actual:
        call = self._client.call
        package = call("package_show", {"id": wanted.name}, missing_ok=True) or self._renamed(wanted)
        organisation = call("organization_show", {"id": wanted.organisation["name"]}, missing_ok=True)
        actual = Actual(
            package=package,
            has_organisation=organisation is not None and organisation.get("state") == "active",
            can_have_tables=self._has("datastore"),
            can_have_views=self._has(_VIEW),
        )
        if package is None or not _is_ours(wanted, package):
            return actual
        standing = {str(item["id"]): item for item in package.get("resources", ())}
        sizes = {
            rid: size
            for rid in wanted.resources
            if rid in standing and standing[rid].get("hash") and standing[rid].get("url_type") == "upload"
            for size in [self._client.size(self._file_url(wanted, rid, package["name"]))]
            if size is not None
        }
        table, views = None, []
        if wanted.table_id in standing and actual.can_have_tables:
            table = self._read_table(wanted.table_id)
            if actual.can_have_views:
                views = call("resource_view_list", {"id": wanted.table_id})
        return replace(actual, table=table, views=tuple(views), sizes=sizes)

    def _renamed(self, wanted: Wanted) -> Any:
        """The dataset under another name: names are changed by hand, the ids of our resources never are."""
        for rid in _ids(wanted.name):
            found = self._client.call("resource_show", {"id": rid}, missing_ok=True)
            if found is not None:
                return self._client.call("package_show", {"id": found["package_id"]}, missing_ok=True)
        return None

    def _read_table(self, rid: str) -> TableState | None:
        info = self._client.call("datastore_info", {"id": rid}, missing_ok=True)
        if info is None:
            return None
        columns = tuple(info.get("fields") or ())
        holds = str((columns[0].get("info") or {}).get(_HOLDS) or "") if columns else ""
        return TableState(columns, int(info["meta"]["count"]), holds)

    def _file_url(self, wanted: Wanted, rid: str, name: str) -> str:
        """A file's address; CKAN serves it under the name that the dataset has at the moment only (2.12.0)."""
        url = str(wanted.resources[rid]["download_url"])
        return url.replace(f"/dataset/{wanted.name}/", f"/dataset/{name}/", 1)

    # --- writing --------------------------------------------------------------------------------

    def _publish_patiently(self, desired: DesiredDataset, progress: Progress) -> tuple[Change, ...]:
        """Publish; where something else changed the dataset meanwhile, look again and do what is left.

        That is rarely a person: CKAN's own background job notes a new table on its dataset a moment later, and
        of five first publications two met it (CKAN 2.12.0).
        """
        for _ in range(_ATTEMPTS - 1):
            with suppress(_ConflictError):
                return self._publish(desired, progress)
        return self._publish(desired, progress)

    def _publish(self, desired: DesiredDataset, progress: Progress) -> tuple[Change, ...]:
        wanted = wanted_dataset(desired, self.address)
        actual = self._read(wanted)
        plan = compare(wanted, actual)
        changes = plan.changes
        if not changes:
            return ()
        if plan.create or plan.uploads:
            _check_files(wanted, plan.uploads or tuple(wanted.files))
        if plan.create_organisation:
            self._client.call("organization_create", dict(wanted.organisation))
        if plan.create:
            self._create(wanted)
            actual = self._read(wanted)
            plan = compare(wanted, actual)
        if actual.package is None:
            raise PortalError(f"{wanted.name}: the portal took the dataset and does not show it; look at its log")
        with ExitStack() as stack:
            rows = None
            if plan.table:
                progress(f"{wanted.name}: compare the table")
                rows = stack.enter_context(_prepared(self._client, wanted, actual.table, plan.table))
                rows.rehearse(progress)
                rows.begin()
            if plan.revises:
                self._switch(wanted, plan, actual.package, progress)
            if plan.reorder:
                order = {"id": actual.package["id"], "order": list(wanted.resources)}
                self._client.call("package_resource_reorder", order)
            if rows is not None:
                rows.write(progress)
        if plan.view:
            self._show_table(wanted)
        if plan.publish:
            self._make_public(wanted)
        left = compare(wanted, self._read(wanted)).changes
        if left:
            told = "; ".join(f"{change.target}: {change.detail}" for change in left[:3])
            raise PortalError(
                f"{wanted.name}: version {wanted.version} was written, but the portal shows something else"
                f" ({told}). Either somebody changed it at the same time, or an extension of the portal does"
                " not keep it"
            )
        return changes

    def _create(self, wanted: Wanted) -> None:
        """A private dataset with its resources, whose files are to come."""
        described = [
            {**{key: value for key, value in fields.items() if key != "hash"}, "id": rid, "url": ""}
            for rid, fields in wanted.resources.items()
        ]
        self._client.call(
            "package_create",
            {
                **wanted.fields,
                "name": wanted.name,
                "owner_org": wanted.organisation["name"],
                "private": True,
                "tags": [{"name": tag} for tag in wanted.tags],
                "extras": [{"key": key, "value": value} for key, value in sorted(wanted.extras.items())],
                "resources": described,
            },
        )

    def _switch(self, wanted: Wanted, plan: Plan, package: Mapping[str, Any], progress: Progress) -> None:
        """Put files, metadata and resources in place by one call, and look whether the files arrived."""
        try:
            self._revise(wanted, plan, package, progress)
        except _TooLargeError as error:
            largest = max((wanted.files[rid] for rid in plan.uploads), key=lambda file: file.size)
            raise PortalError(
                f"{wanted.name}: the portal refuses the files of version {wanted.version} as too large ({error});"
                f" the largest is {largest.path.name} with {largest.size / 1e6:,.1f} MB. Have the portal's"
                " administrator raise ckan.max_resource_size (in MB; 10 unless set) and the limit of the web"
                " server before it (nginx: client_max_body_size), then publish again"
            ) from None
        wrong = self._damaged(wanted, plan.uploads, progress)
        if wrong:
            again = self._client.call("package_show", {"id": package["id"]})
            only_files = Plan(changes=(), uploads=plan.uploads)
            self._revise(wanted, only_files, again, progress)
            wrong = self._damaged(wanted, plan.uploads, progress)
        if wrong:
            # without a sum the portal claims nothing false, and the next run sends the file again
            seen = self._client.call("package_show", {"id": package["id"]})
            matched = {"match__id": seen["id"], "match__metadata_modified": seen["metadata_modified"]}
            blank = {f"update__resources__{rid}__hash": "" for rid in wrong}
            self._client.call("package_revise", _encoded({**matched, **blank}))
            raise PortalError(
                f"{wanted.name}: after two attempts the portal serves other bytes than were sent for"
                f" {', '.join(wanted.files[rid].path.name for rid in wrong)}. Look at the portal's storage and at"
                " caches before it"
            )

    def _revise(self, wanted: Wanted, plan: Plan, package: Mapping[str, Any], progress: Progress) -> None:
        data = revision(wanted, plan, package)
        with ExitStack() as stack:
            files = {
                f"update__resources__{rid}__upload": stack.enter_context(wanted.files[rid].path.open("rb"))
                for rid in plan.uploads
            }
            total = sum(wanted.files[rid].size for rid in plan.uploads)

            def sent(count: int) -> None:
                progress(f"{wanted.name}: upload", min(count, total), total, "bytes")

            self._client.call("package_revise", data, files=files, sent=sent)

    def _damaged(self, wanted: Wanted, rids: Sequence[str], progress: Progress) -> list[str]:
        """Which files the portal does not serve as they were sent."""
        wrong = []
        total = sum(wanted.files[rid].size for rid in rids)
        done = 0
        for rid in rids:
            if self._client.sha256(self._file_url(wanted, rid, wanted.name)) != wanted.files[rid].sha256:
                wrong.append(rid)
            done += wanted.files[rid].size
            progress(f"{wanted.name}: verify", done, total, "bytes")
        return wrong

    def _show_table(self, wanted: Wanted) -> None:
        """Have a view of the table, and have it first."""
        call, rid = self._client.call, wanted.table_id
        # asked again: a resource that had been deleted comes back with its views
        views = call("resource_view_list", {"id": rid})
        others = [str(view["id"]) for view in views if view.get("view_type") != _VIEW]
        ours = [str(view["id"]) for view in views if view.get("view_type") == _VIEW]
        if not ours:
            made = call("resource_view_create", {"resource_id": rid, "title": "Table", "view_type": _VIEW})
            ours = [str(made["id"])]
        if others:
            call("resource_view_reorder", {"id": rid, "order": [*ours, *others]})

    def _make_public(self, wanted: Wanted) -> None:
        seen = self._client.call("package_show", {"id": wanted.name})
        matched = {"match__id": seen["id"], "match__metadata_modified": seen["metadata_modified"]}
        self._client.call("package_revise", _encoded({**matched, "update__private": False}))


def _again(change: Change, told: Sequence[Change]) -> bool:
    return change.target.startswith("organisation ") and any(
        (other.action, other.target) == (change.action, change.target) for other in told
    )


def _check_files(wanted: Wanted, rids: Sequence[str]) -> None:
    for rid in rids:
        file = wanted.files[rid]
        if not file.path.is_file():
            raise PortalError(f"{wanted.name}: the release's file {file.path} is missing; release it again")
        if file.path.stat().st_size != file.size or sha256_of(file.path) != file.sha256:
            raise PortalError(
                f"{wanted.name}: {file.path} is not what was released: its SHA-256 differs; restore it"
            )


def revision(wanted: Wanted, plan: Plan, package: Mapping[str, Any]) -> dict[str, str]:
    """The data of the one call that switches: every value as JSON, for CKAN decodes each.

    Lists are merged by position and never shrink, so what is replaced is filtered out first.
    """
    filtered = [f"-resources__{rid}" for rid in plan.removals]
    data: dict[str, Any] = {
        "match__id": package["id"],
        "match__metadata_modified": package["metadata_modified"],
        **{f"update__{key}": value for key, value in plan.fields.items()},
    }
    if plan.tags is not None:
        filtered.append("-tags")
        # tags of a controlled vocabulary are somebody else's
        kept = [
            {"name": item["name"], "vocabulary_id": item["vocabulary_id"]}
            for item in package.get("tags", ())
            if item.get("vocabulary_id")
        ]
        data["update__tags"] = kept + [{"name": tag} for tag in plan.tags]
    if plan.extras is not None:
        filtered.append("-extras")
        data["update__extras"] = [{"key": key, "value": value} for key, value in sorted(plan.extras.items())]
    if filtered:
        data["filter"] = filtered
    if plan.additions:
        data["update__resources__extend"] = [
            {**wanted.resources[rid], "id": rid, "url": ""} for rid in plan.additions
        ]
    for rid, fields in plan.resources.items():
        for key, value in fields.items():
            data[f"update__resources__{rid}__{key}"] = value
    return _encoded(data)


def _encoded(data: Mapping[str, Any]) -> dict[str, str]:
    return {key: json.dumps(value) for key, value in data.items()}


# --- the table ------------------------------------------------------------------------------------------


class _Rows:
    """A change of a table: worked out before the switch, written after it."""

    def __init__(self, client: Client, wanted: Wanted, table: TableState | None, kind: str, folder: Path) -> None:
        """Nothing is read yet. ``folder`` is for what is worked out."""
        self._client = client
        self._wanted = wanted
        self._table = table
        self._kind = kind
        self._folder = folder
        self._connection: duckdb.DuckDBPyConnection | None = None
        self._upserts = 0
        self._deletes: tuple[str, list[Any]] = ("", [])

    def close(self) -> None:
        """Let go of what was worked out."""
        if self._connection is not None:
            self._connection.close()

    def compute(self) -> None:
        """Find the rows that differ: from the Parquet file of what the table holds, or from the table itself."""
        if self._kind != "rows":
            return
        self._connection = duckdb.connect(config={"autoinstall_known_extensions": "false"})
        self._connection.execute("SET memory_limit = '512MB'; SET threads = 2")
        self._connection.execute(f"SET temp_directory = {literal(str(self._folder))}")
        self._connection.execute(
            f"CREATE VIEW new_rows AS SELECT * FROM read_parquet({literal(str(self._parquet))})"
        )
        before = self._held_parquet()
        if before is not None:
            self._difference(f"read_parquet({literal(str(before))})", is_held=True)
            if len(self._wanted.primary_key) == 1 or not self._deletes[1]:
                return
            # A filter is an AND of lists and cannot name pairs: the ids of the table's own rows are needed.
        self._difference(self._shown(), is_held=False)

    @property
    def _parquet(self) -> Path:
        file = next((file for file in self._wanted.files.values() if file.key == "parquet"), None)
        if file is None or not file.path.is_file():
            raise PortalError(
                f"{self._wanted.name}: the Parquet file of version {self._wanted.version} is missing;"
                " release it again"
            )
        return file.path

    def _held_parquet(self) -> Path | None:
        """The Parquet file of the table's rows, if it is known to hold those of a release that we have."""
        table = self._table
        if table is None or not _content(table.holds):
            return None
        version, content = table.holds.split(" ")[0], _content(table.holds)
        if content == _content(self._wanted.holds):
            return None  # and yet it differs: somebody has changed it
        if not re.fullmatch(r"[\d.-]+", version):
            return None
        folder = self._parquet.parent.parent / version
        try:
            release = load_release(folder)
        except ReleaseError:
            return None
        file = release.file("parquet")
        if file is None or (release.content_sha256, release.rows) != (content, table.count):
            return None
        path = folder / file.name
        return path if path.is_file() and sha256_of(path) == file.sha256 else None

    def _shown(self) -> str:
        """Download the table; SQL that reads it."""
        path, offset, names = self._folder / "table.csv", 0, ["_id"]
        with path.open("w", encoding="utf-8", newline="") as file:
            while True:
                page = self._client.call(
                    "datastore_search",
                    {
                        "resource_id": self._wanted.table_id,
                        "limit": _PAGE_ROWS,
                        "offset": offset,
                        "sort": "_id",
                        "records_format": "csv",
                        "include_total": False,
                    },
                )
                names = [str(column["id"]) for column in page["fields"]]
                if not page["records"]:
                    break
                file.write(page["records"])
                offset += int(page["limit"])  # a portal may allow less than we asked for
        columns = ", ".join(f"{literal(name)}: 'VARCHAR'" for name in names)
        return (
            f"read_csv({literal(str(path))}, header = false, auto_detect = false, delim = ',', quote = '\"',"
            f" escape = '\"', nullstr = '', parallel = false, columns = {{{columns}}})"
        )

    def _difference(self, source: str, *, is_held: bool) -> None:
        """Fill the table ``upserts`` and note what to delete.

        Args:
            source: the rows as they are now, for SQL.
            is_held: they come from a release, not from the portal, where every row has an ``_id``.
        """
        connection, wanted = self._connection, self._wanted
        assert connection is not None  # noqa: S101 - for the type checker
        standing = {row[0] for row in connection.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()}
        columns = [
            f"TRY_CAST({quote(declared.name)} AS {declared.duckdb_type}) AS {quote(declared.name)}"
            if declared.name in standing
            else f"NULL AS {quote(declared.name)}"
            for declared in wanted.declared
        ]
        row_id = "NULL AS _id" if is_held else "CAST(_id AS BIGINT) AS _id"
        connection.execute(
            f"CREATE OR REPLACE TEMP TABLE old_rows AS SELECT true AS is_there, {row_id}, {', '.join(columns)}"
            f" FROM {source}"
        )
        keys = [quote(name) for name in wanted.primary_key]
        joined = " AND ".join(f"o.{key} = n.{key}" for key in keys)
        differs = "".join(
            f" OR o.{quote(declared.name)} IS DISTINCT FROM n.{quote(declared.name)}"
            for declared in wanted.declared
            if declared.name not in wanted.primary_key
        )
        connection.execute(
            f"CREATE OR REPLACE TEMP TABLE upserts AS SELECT n.* FROM new_rows AS n"
            f" LEFT JOIN old_rows AS o ON {joined} WHERE o.is_there IS NULL{differs} ORDER BY"
            f" {', '.join(f'n.{key}' for key in keys)}"
        )
        (self._upserts,) = connection.execute("SELECT count(*) FROM upserts").fetchone() or (0,)
        by = wanted.primary_key[0] if is_held else "_id"
        gone = connection.execute(
            f"SELECT o.{quote(by)} FROM old_rows AS o ANTI JOIN new_rows AS n ON {joined} ORDER BY ALL"
        ).fetchall()
        self._deletes = (by, [_json_ready(row[0]) for row in gone])

    def _changed(self) -> Iterator[list[Record]]:
        """The rows to send, in chunks."""
        if self._connection is None:
            for batch in pq.ParquetFile(self._parquet).iter_batches(CHUNK_ROWS):
                yield [_record(row) for row in batch.to_pylist()]
            return
        for batch in self._connection.execute("SELECT * FROM upserts").to_arrow_reader(CHUNK_ROWS):
            yield [_record(row) for row in batch.to_pylist()]

    def _call(self, action: str, **data: Any) -> Any:
        # force: CKAN takes tables beside an uploaded file for read-only
        return self._client.call(action, {"resource_id": self._wanted.table_id, "force": True, **data})

    def _note(self, holds: str, **more: Any) -> None:
        """Send the columns with their dictionary and the note of whose rows they are. A transaction."""
        first, *others = self._wanted.columns
        columns = [{**first, "info": {**first["info"], _HOLDS: holds}}, *others]
        self._call("datastore_create", fields=columns, **more)

    def rehearse(self, progress: Progress) -> None:
        """Have the portal try the difference before anything is switched, where that is quick."""
        if self._kind != "rows" or not 0 < self._upserts <= _REHEARSED_ROWS:
            return
        progress(f"{self._wanted.name}: try the rows", 0, self._upserts, "rows")
        for chunk in self._changed():
            self._call("datastore_upsert", method="upsert", records=chunk, dry_run=True)

    def begin(self) -> None:
        """Take the note away: from here on nobody may trust what it said."""
        is_dirty = self._table is not None and self._table.holds.startswith(_CHANGING)
        if self._kind == "rows" and (self._upserts or self._deletes[1]) and not is_dirty:
            self._note(f"{_CHANGING} to {self._wanted.version}")

    def write(self, progress: Progress) -> None:
        """Change the table and note whose rows it holds."""
        if self._kind == "fill":
            if self._table is not None:
                self._call("datastore_delete")  # without filters the table itself goes
            self._note(f"{_CHANGING} to {self._wanted.version}", primary_key=list(self._wanted.primary_key))
        total, done = self._wanted.rows if self._kind == "fill" else self._upserts, 0
        step = f"{self._wanted.name}: table"
        if self._kind != "dictionary":
            for chunk in self._changed():
                done += len(chunk)
                self._call(
                    "datastore_upsert",
                    method="insert" if self._kind == "fill" else "upsert",
                    records=chunk,
                    # CKAN counts once, after the last
                    **({} if done == total else {"calculate_record_count": False}),
                )
                progress(step, done, total, "rows")
            self._delete()
        self._note(self._wanted.holds)
        count = self._client.call("datastore_info", {"id": self._wanted.table_id})["meta"]["count"]
        if count != self._wanted.rows:
            self._note("")
            raise PortalError(
                f"{self._wanted.name}: the table holds {count:,} rows where version {self._wanted.version} has"
                f" {self._wanted.rows:,}. If the portal runs xloader or datapusher, have them leave this dataset"
                " alone; the next run compares the table row by row"
            )

    def _delete(self) -> None:
        by, values = self._deletes
        for start in range(0, len(values), CHUNK_ROWS):
            chunk = values[start : start + CHUNK_ROWS]
            if not by or not chunk:
                raise AssertionError("a delete without a filter would empty the table")
            self._call("datastore_records_delete", filters={by: chunk})


@contextmanager
def _prepared(client: Client, wanted: Wanted, table: TableState | None, kind: str) -> Iterator[_Rows]:
    """A change of a table, worked out."""
    with tempfile.TemporaryDirectory(prefix="opendistrict-") as folder:
        rows = _Rows(client, wanted, table, kind, Path(folder))
        try:
            rows.compute()
            yield rows
        except duckdb.Error as error:
            raise PortalError(f"{wanted.name}: the rows cannot be compared: {error}") from error
        finally:
            rows.close()


def _record(row: Mapping[str, Any]) -> Record:
    return {key: _json_ready(value) for key, value in row.items()}


def _json_ready(value: Any) -> Any:
    if isinstance(value, date | datetime):
        return value.isoformat()
    return str(value) if isinstance(value, Decimal) else value


# --- talking to CKAN ------------------------------------------------------------------------------------

# Actions that change nothing. Every other one counts as a write, also one that nobody thought of.
READS = frozenset(
    {
        "status_show", "user_show", "organization_list_for_user", "package_show", "organization_show",
        "resource_show", "resource_view_list", "datastore_info", "datastore_search", "package_activity_list",
    }
)  # fmt: skip


class _ConflictError(PortalError):
    """The dataset changed between the look at it and the write: the same call may pass after another look."""


class _TooLargeError(PortalError):
    """The portal refuses a file for its size."""


class Client:
    """CKAN's actions through ckanapi, with time limits, counted writes and errors for people.

    The token goes to the portal's own origin only, and into no message: errors of the libraries below, which may
    hold the request's headers, are never chained to ours.
    """

    def __init__(self, address: str, token: str) -> None:
        """Opens no connection. Raises PortalError if the address or the token cannot be used."""
        parts = urlsplit(address.strip())
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise PortalError("the portal's address must be a URL such as https://data.example.org")
        if parts.username or parts.password or parts.query or parts.fragment:
            raise PortalError(
                "the portal's address must be its front page only, without a user, a password, ? or #; the token"
                " is given separately"
            )
        self._token = token.strip()
        if not re.fullmatch(r"[\x21-\x7e]+", self._token):
            raise PortalError("the portal's token is empty or holds characters that no token has")
        self.address = f"{parts.scheme}://{parts.netloc}{parts.path}".rstrip("/")
        if parts.scheme == "http" and not _is_loopback(parts.hostname):
            warnings.warn(f"the token travels to {self.address} unencrypted; use https", UserWarning, stacklevel=3)
        self.writes = 0
        self._session = _Session()
        self._api = ckanapi.RemoteCKAN(
            self.address, apikey=self._token, user_agent="opendistrict", session=self._session
        )

    def __repr__(self) -> str:
        return f"Client({self.address!r})"

    @property
    def is_gone(self) -> bool:
        """Whether nobody answered the last time."""
        return self._session.is_gone

    def call(
        self,
        action: str,
        data: Mapping[str, Any] | None = None,
        *,
        files: Mapping[str, IO[bytes]] | None = None,
        sent: Callable[[int], None] | None = None,
        missing_ok: bool = False,
    ) -> Any:
        """What an action answers.

        Args:
            action: its name, e.g. ``package_show``.
            data: its parameters.
            files: to be uploaded, by parameter; they are streamed.
            sent: told how many bytes are on their way.
            missing_ok: None instead of an error for what is not there.

        Raises:
            PortalError: it failed; ``is_transient`` where it may pass later.
        """
        if action not in READS and not (data or {}).get("dry_run"):
            self.writes += 1
        self._session.sent = sent
        try:
            return self._api.call_action(action, dict(data or {}), files=dict(files) if files else None)
        except ckanapi.NotFound:
            if missing_ok:
                return None
            problem = PortalError(f"{action}: the portal does not know {self._subject(data)}")
        except (
            ckanapi.CKANAPIError,
            ckanapi.ServerIncompatibleError,
            requests.RequestException,
            OSError,
        ) as error:
            problem = self._problem(action, data, error)
        raise problem  # outside of except, so that nothing with the token in it hangs on to it

    def size(self, url: str) -> int | None:
        """The size of a file on the portal in bytes; -1 if it is lost, None if the portal does not tell."""
        with self._get("HEAD", url) as answer:
            if answer.status_code == 404:
                return -1
            length = answer.headers.get("Content-Length", "")
            return int(length) if answer.status_code == 200 and length.isdigit() else None

    def sha256(self, url: str) -> str:
        """The SHA-256 of a file on the portal; empty if it cannot be had."""
        total = hashlib.sha256()
        failure = None
        with self._get("GET", url) as answer:
            if answer.status_code != 200:
                return ""
            try:
                for block in answer.iter_content(_BLOCK):
                    total.update(block)
            except (requests.RequestException, OSError) as error:
                failure = self._problem(f"download of {url}", None, error)
        if failure:
            raise failure
        return total.hexdigest()

    def _get(self, method: str, url: str) -> requests.Response:
        """Ask for a file. On its way to another host, a storage service say, the token stays here."""
        problem = None
        try:
            for _ in range(6):
                headers = {"Accept-Encoding": "identity"}
                if _origin(url) == _origin(self.address):
                    headers["Authorization"] = self._token
                answer = self._session.request(method, url, headers=headers, stream=True, allow_redirects=False)
                location = answer.headers.get("Location")
                if not (answer.is_redirect and location):
                    if answer.status_code >= 500:
                        answer.close()
                        break
                    return answer
                answer.close()
                url = urljoin(url, location)
            problem = PortalError(f"{url} cannot be downloaded", is_transient=True)
        except (requests.RequestException, OSError) as error:
            problem = self._problem(f"download of {url}", None, error)
        raise problem

    def _subject(self, data: Mapping[str, Any] | None) -> str:
        given = data or {}
        found = next((given[key] for key in ("id", "resource_id", "match__id", "name") if given.get(key)), "it")
        return self._clean(str(found))

    def _clean(self, text: str, limit: int = 500) -> str:
        return " ".join(text.replace(self._token, "***").split())[:limit]

    def _problem(self, action: str, data: Mapping[str, Any] | None, error: Exception) -> PortalError:
        """An error in words for people."""
        where, about = f"{self.address}", f"{action} of {self._subject(data)}" if data else action
        if isinstance(error, requests.Timeout):
            return PortalError(f"{where} did not answer in time ({about}); try again later", is_transient=True)
        if isinstance(error, requests.RequestException | OSError):
            kind = type(error).__name__
            return PortalError(
                f"{where} cannot be reached or broke off ({about}: {kind}); check that it runs, then publish"
                " again",
                is_transient=True,
            )
        if isinstance(error, ckanapi.NotAuthorized):
            said = error.extra_msg if hasattr(error, "extra_msg") else ""
            told = said.get("message", "") if isinstance(said, Mapping) else said
            return PortalError(
                f"{where}: the token's user has no right to {about} ({self._clean(str(told))}). Have the portal's"
                " administrator make the user an editor of the publisher's organisation (an administrator to"
                " create one), or give another token"
            )
        if isinstance(error, ckanapi.ValidationError):
            return self._refused(about, error.error_dict)
        return self._unexpected(about)

    def _refused(self, about: str, faults: Any) -> PortalError:
        text = self._clean(_in_words(faults))
        if "too large" in text.casefold():
            return _TooLargeError(f"{self.address} refuses {about}: {text}")
        if isinstance(faults, Mapping) and "match" in faults:
            return _ConflictError(
                f"{self.address}: somebody else changed the dataset at this moment ({about}), so files and"
                " metadata stay as they are. Publish again",
                is_transient=True,
            )
        return PortalError(f"{self.address} refuses {about}: {text}")

    def _unexpected(self, about: str) -> PortalError:
        """Whatever is no answer of CKAN's action API, told by the status and the kind of the answer."""
        status, kind, location = self._session.last
        if status == 413:
            return _TooLargeError(f"{self.address} refuses {about}: HTTP 413, too large")
        if 300 <= status < 400:
            target = self._clean(location) or "elsewhere"
            return PortalError(f"{self.address} redirects to {target}; give the portal's own address")
        if status >= 500 or status in (408, 409, 423, 425, 429):
            return PortalError(f"{self.address}: HTTP {status} ({about}); try again later", is_transient=True)
        if status in (401, 403, 407):
            return PortalError(
                f"{self.address}: HTTP {status} ({about}); something before CKAN, a proxy or a firewall, refuses"
                " us. Ask the portal's administrator"
            )
        if "html" in kind or status in (200, 404, 405):
            return PortalError(
                f"{self.address} is not a CKAN, or its API is switched off: it answers {about} with"
                f" {kind or 'something'} (HTTP {status}). Check the address"
            )
        return PortalError(f"{self.address}: HTTP {status} ({about}) is no answer of CKAN's; check the address")


def _in_words(faults: Any) -> str:
    """CKAN's error dictionary in a line."""
    if isinstance(faults, Mapping):
        return "; ".join(
            f"{key}: {_in_words(value)}"
            for key, value in faults.items()
            if not str(key).startswith("__") and value
        )
    if isinstance(faults, list | tuple):
        return ", ".join(text for text in (_in_words(value) for value in faults) if text)
    return str(faults)


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    return (parts.scheme, parts.hostname, parts.port or {"http": 80, "https": 443}.get(parts.scheme))


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


class _Session(requests.Session):
    """A session with time limits on every request, uploads that are streamed, and a memory of the last answer."""

    def __init__(self) -> None:
        super().__init__()
        # a ~/.netrc entry for the host would replace the token's header
        self.auth = _leave_alone
        self.last: tuple[int, str, str] = (0, "", "")
        self.is_gone = False
        self.sent: Callable[[int], None] | None = None

    def request(self, method: str, url: str, **options: Any) -> requests.Response:  # type: ignore[override]
        """Like the method above it."""
        if options.get("timeout") is None:
            options["timeout"] = (2 if self.is_gone else CONNECT_TIMEOUT_S, READ_TIMEOUT_S)
        files = options.pop("files", None)
        if files:
            form = _Form(options.get("data") or {}, files, self.sent)
            options["data"] = form
            options["headers"] = {**(options.get("headers") or {}), "Content-Type": form.content_type}
        self.last = (0, "", "")
        try:
            answer = super().request(method, url, **options)
        except requests.ConnectionError:
            self.is_gone = True
            raise
        self.is_gone = False
        headers = answer.headers
        self.last = (answer.status_code, headers.get("Content-Type", "").lower(), headers.get("Location", ""))
        return answer


def _leave_alone(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request


class _Form:
    """A multipart form that is read while it is sent: requests would build it in memory, gigabytes and all."""

    def __init__(
        self,
        fields: Mapping[str | bytes, str | bytes],
        files: Mapping[str, IO[bytes]],
        sent: Callable[[int], None] | None,
    ) -> None:
        boundary = uuid.uuid4().hex
        self.content_type = f"multipart/form-data; boundary={boundary}"
        self._sent = sent
        self._parts: list[bytes | IO[bytes]] = []
        self._length = 0
        for name, value in fields.items():
            head = f'--{boundary}\r\nContent-Disposition: form-data; name="{_text(name)}"\r\n\r\n'
            self._add(head.encode() + (value.encode() if isinstance(value, str) else value) + b"\r\n")
        for name, file in files.items():
            shown = url_quote(Path(file.name).name)
            head = f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"; filename="{shown}"\r\n'
            self._add(f"{head}Content-Type: application/octet-stream\r\n\r\n".encode())
            self._length += file.seek(0, io.SEEK_END)
            file.seek(0)
            self._parts.append(file)
            self._add(b"\r\n")
        self._add(f"--{boundary}--\r\n".encode())

    def _add(self, text: bytes) -> None:
        self._parts.append(text)
        self._length += len(text)

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[bytes]:
        done = 0
        for part in self._parts:
            for block in [part] if isinstance(part, bytes) else _blocks(part):
                yield block
                done += len(block)
                if self._sent:
                    self._sent(done)


def _blocks(file: IO[bytes]) -> Iterator[bytes]:
    while block := file.read(_BLOCK):
        yield block


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value
