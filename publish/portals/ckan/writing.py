"""Bringing one dataset of a CKAN to what it should be: call by call, and it may be cut short after any of them."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

from publish.plans import PortalError, not_as_released
from publish.portals.ckan.archives import OF, Sending
from publish.portals.ckan.client import Client, NoRightError
from publish.portals.ckan.compare import MAP_VIEW, VIEW, Actual, Difference, creation_record, is_member
from publish.portals.ckan.encoding import encoded
from publish.portals.ckan.managed import BUILDING, STATE, WROTE
from publish.portals.ckan.revision import if_as_seen, revision
from publish.portals.ckan.sending import Outgoing, Sender
from publish.portals.ckan.serving import VERIFIED
from publish.portals.ckan.table import TableChange, prepared
from publish.portals.ckan.wanted import Wanted
from warehouse.archive import sha256_of
from warehouse.progress import Progress

# Archives that go in one call: a first publication may have many, and each call should end in reasonable time.
_CHUNK_FILES = 10
_CHUNK_BYTES = 64_000_000


class Writer:
    """Writes one dataset."""

    def __init__(self, client: Client, wanted: Wanted, progress: Progress, datastore: str = "") -> None:
        self._client = client
        self._datastore = datastore
        self._wanted = wanted
        self._progress = progress
        self._sender = Sender(client, wanted.name, progress)
        self._seen: dict[str, str] = {}  # when files arrived that were verified, and are not noted yet

    def check_files(self, difference: Difference) -> None:
        """Raise PortalError if a file that is to be sent is not what was released."""
        name, files = self._wanted.name, self._wanted.files
        for rid in tuple(files) if difference.create else difference.files.uploads:
            file = files[rid]
            is_there = file.path.is_file() and file.path.stat().st_size == file.size
            if not is_there or sha256_of(file.path) != file.sha256:
                raise not_as_released(name, file.path)

    def make_room(self, actual: Actual, difference: Difference) -> None:
        """What has to be there before: the organisation, a private dataset, its place in the group."""
        if difference.create_organisation:
            self._create_organisation()
        if difference.create:
            place = actual.organisation
            self._create(place.id if place else self._wanted.organisation["id"])
        elif difference.join and actual.package:
            self._join(actual)

    def carry_out(self, actual: Actual, difference: Difference) -> None:
        """Bring a dataset that is there to what it should be; what may fail at the table is tried first."""
        wanted, package = self._wanted, actual.package
        if package is None:
            raise PortalError(f"{wanted.name}: the portal took the dataset and does not show it; look at its log")
        with ExitStack() as stack:
            rows = None
            if difference.table:
                self._progress(f"{wanted.name}: compare the table")
                rows = stack.enter_context(
                    prepared(self._client, wanted, actual.table, difference.table, self._datastore)
                )
                rows.rehearse(self._progress)
                rows.begin()
            follow = partial(self._follow, difference, package, rows)
            if difference.revises:
                self._switch(difference, package, follow)
            else:
                follow()
        if difference.view:
            self._show_table()
        if difference.map_view:
            self._make_view(str(wanted.map_id), "Map", MAP_VIEW)
        if difference.publish:
            self._make_public()
        self._keep_versions(str(package["id"]), difference)
        if self._seen:
            self._revise_resources(str(package["id"]), {})

    def _follow(self, difference: Difference, package: Mapping[str, Any], rows: TableChange | None) -> None:
        """What comes right after the switch: until then the public sees new files beside the old table."""
        if rows is not None:
            try:
                rows.write(self._progress)
            except PortalError as error:
                # The portal took these rows when they were tried: to leave old rows beside new files until the
                # next night, because of one answer that something before CKAN gave, is worse than another attempt.
                words = f"{error}. The files are those of {self._wanted.version}, the table may not be yet"
                raise PortalError(words, is_transient=True, retry_after=error.retry_after) from None
        if difference.files.reorder:
            order = {"id": package["id"], "order": list(self._wanted.resources)}
            self._client.call("package_resource_reorder", order)

    def _create_organisation(self) -> None:
        name = self._wanted.organisation["name"]
        try:
            self._client.call("organization_create", dict(self._wanted.organisation))
        except NoRightError as error:
            problem = PortalError(
                f"{self._wanted.name}: the portal has no organisation {name}, and the token's user may not create"
                f" one. Have the portal's administrator create it, named {name}, and make the user an editor of it"
                f" ({error})"
            )
        else:
            return
        raise problem

    def _create(self, organisation: str) -> None:
        """A private dataset with its resources, whose files are to come; the mark says that we are at it."""
        wanted = self._wanted
        described = [
            {**{key: value for key, value in fields.items() if key != "hash"}, "id": rid, "url": ""}
            for rid, fields in wanted.resources.items()
        ]
        extras = {**wanted.extras, STATE: BUILDING, WROTE: creation_record(wanted, organisation)}
        self._client.call(
            "package_create",
            {
                **wanted.fields,
                "name": wanted.name,
                "owner_org": organisation,
                "private": True,
                "tags": [{"name": tag} for tag in wanted.tags],
                "extras": [{"key": key, "value": value} for key, value in sorted(extras.items())],
                "resources": described,
            },
        )

    def _join(self, actual: Actual) -> None:
        """Add the dataset to its district's group; in a call of its own, for it needs a right of its own."""
        group = self._wanted.group
        if group is None or actual.package is None or is_member(group, actual.package):
            return
        place = actual.group.id if actual.group else group["id"]
        if actual.group is None:
            try:
                self._client.call("group_create", dict(group))
            except PortalError:  # somebody else may have made it at this moment
                if self._client.call("group_show", {"id": place}, missing_ok=True) is None:
                    raise
        member = {"id": place, "object": actual.package["id"], "object_type": "package", "capacity": "public"}
        self._client.call("member_create", member)

    def _switch(
        self, difference: Difference, package: Mapping[str, Any], follow: Callable[[], None] = lambda: None
    ) -> None:
        """Put files, metadata and resources in place by one call, and look whether the files arrived."""
        wanted = self._wanted
        files = {
            rid: Outgoing(file.path, file.sha256, file.size, str(wanted.resources[rid]["download_url"]))
            for rid, file in wanted.files.items()
            if rid in difference.files.uploads
        }
        data = revision(wanted, difference, package)
        self._seen |= self._sender.send(str(package["id"]), data, files, follow)

    def _show_table(self) -> None:
        """Have a view of the table, and have it first."""
        call, rid = self._client.call, self._wanted.table_id
        # asked again: a resource that had been deleted comes back with its views
        views = call("resource_view_list", {"id": rid})
        others = [str(view["id"]) for view in views if view.get("view_type") != VIEW]
        ours = [str(view["id"]) for view in views if view.get("view_type") == VIEW]
        if not ours:
            ours = [self._make_view(rid, "Table", VIEW)]
        if others:
            call("resource_view_reorder", {"id": rid, "order": [*ours, *others]})

    def _make_view(self, rid: str, title: str, kind: str) -> str:
        """Give a resource a view of a kind that it has none of; its id."""
        call = self._client.call
        made = str(call("resource_view_create", {"resource_id": rid, "title": title, "view_type": kind})["id"])
        for view in call("resource_view_list", {"id": rid}):
            if view.get("view_type") == kind and view["id"] != made:
                call("resource_view_delete", {"id": view["id"]})  # something on the way repeated the call
        return made

    def _make_public(self) -> None:
        """Show the dataset, and take away the mark that we are at it, in one call."""
        seen = self._client.call("package_show", {"id": self._wanted.name})
        matched = if_as_seen(seen)
        kept = [{"key": e["key"], "value": e["value"]} for e in seen.get("extras", ()) if e["key"] != STATE]
        shown = {"update__private": False, "filter": ["-extras"], "update__extras": kept, **self._notes()}
        self._client.call("package_revise", encoded({**matched, **shown}))
        self._seen.clear()

    def _notes(self) -> dict[str, str]:
        return {f"update__resources__{rid}__{VERIFIED}": when for rid, when in self._seen.items()}

    def _revise_resources(self, package_id: str, data: Mapping[str, Any]) -> None:
        """Set fields of resources, together with what is not noted yet."""
        self._client.call("package_revise", encoded({"match__id": package_id, **self._notes(), **data}))
        self._seen.clear()

    def _keep_versions(self, package_id: str, difference: Difference) -> None:
        """The archives of versions: added after the switch, a few a call."""
        archives = difference.archives
        sent = {sending.archive.id for sending in archives.sends}
        for chunk in _chunks(archives.sends):
            self._send_archives(package_id, chunk, archives.updates)
        data: dict[str, Any] = {
            f"update__resources__{rid}__{key}": value
            for rid, fields in archives.updates.items()
            if rid not in sent
            for key, value in fields.items()
        }
        if archives.removals:
            data["filter"] = [f"-resources__{rid}" for rid in archives.removals]
        if data:
            self._revise_resources(package_id, data)

    def _send_archives(
        self, package_id: str, chunk: Iterable[Sending], updates: Mapping[str, Mapping[str, str]]
    ) -> None:
        added, fields, files = [], dict[str, Any](), dict[str, Outgoing]()
        with tempfile.TemporaryDirectory(prefix="opendistrict-") as folder:
            for sending in chunk:
                archive = sending.archive
                path = archive.build(Path(folder))
                sha256 = sha256_of(path)
                files[archive.id] = Outgoing(path, sha256, path.stat().st_size, archive.fields["download_url"])
                noted = {"hash": sha256, OF: archive.noted(sha256, sending.label)}
                if sending.is_new:
                    added.append({**archive.fields, **noted, "id": archive.id, "url": ""})
                else:
                    changed = {**updates.get(archive.id, {}), **noted}
                    fields |= {f"update__resources__{archive.id}__{key}": value for key, value in changed.items()}
            matched: dict[str, Any] = {"match__id": package_id}
            if added:
                fields["update__resources__extend"] = added
                # A call that something on the way repeats would add them twice: CKAN then keeps one of each at the
                # place of the second, and answers every later update of the dataset with 500 (2.12.0).
                matched = if_as_seen(self._client.call("package_show", {"id": package_id}))
            data = encoded({**matched, **self._notes(), **fields})
            seen = self._sender.send(package_id, data, files)
        # only the first part: an archive that stands is not asked for
        self._seen = {rid: when.partition(" ")[0] for rid, when in seen.items()}


def _chunks(sends: Iterable[Sending]) -> Iterator[list[Sending]]:
    chunk: list[Sending] = []
    for one in sends:
        if chunk and (len(chunk) == _CHUNK_FILES or sum(o.archive.size for o in [*chunk, one]) > _CHUNK_BYTES):
            yield chunk
            chunk = []
        chunk.append(one)
    if chunk:
        yield chunk
