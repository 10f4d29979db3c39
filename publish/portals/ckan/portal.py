"""The CKAN portal: plans and applies, dataset by dataset."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import replace
from typing import Any

import pyarrow as pa

from publish.desired import DesiredDataset
from publish.differences import row_difference
from publish.guards import Shown, held
from publish.managed import Managed
from publish.plans import NOTHING_ALLOWED, Allowed, Change, DatasetPlan, Failed, Hold, Plan, PortalError, Published
from publish.portals.ckan.client import Client, ConflictError, TooLargeError
from publish.portals.ckan.compare import (
    VIEW,
    Actual,
    Difference,
    TableState,
    compare,
    content_of,
    is_ours,
    our_ids,
)
from publish.portals.ckan.revision import encoded, revision
from publish.portals.ckan.rows import HOLDS, prepared
from publish.portals.ckan.wanted import Wanted, wanted_dataset
from warehouse.archive import sha256_of
from warehouse.progress import Progress

_ATTEMPTS = 5  # looks at a dataset that something else keeps changing


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

    @property
    def writes(self) -> int:
        """How many writing calls there were since this was made, also those of datasets that failed then."""
        return self._client.writes

    @property
    def managed(self) -> tuple[Managed, ...]:
        """What of the portal is ours."""
        return MANAGED

    def plan(
        self, desired: Sequence[DesiredDataset], allowed: Allowed = NOTHING_ALLOWED, failed: Failed | None = None
    ) -> Plan:
        """What differs from what is shown now, in the order it would be done. Only reads."""
        self._greet()
        plans: list[DatasetPlan] = []
        for item in desired:
            try:
                wanted = wanted_dataset(item, self.address)
                actual = self._read(wanted)
                found = compare(wanted, actual).changes
            except PortalError as error:
                if failed is None:
                    raise
                failed(item.name, error)
                continue
            # an organisation that several datasets lack is created once
            known = [change for one in plans for change in one.changes]
            changes = tuple(change for change in found if not _again(change, known))
            shown = _shown(actual)
            holds, rows = held(item, shown, allowed), row_difference(item, shown)
            version = shown.version if shown else None
            plans.append(DatasetPlan(item.name, changes, holds=holds, rows=rows, shown=version))
        return Plan(tuple(plans))

    def apply(
        self,
        desired: Sequence[DesiredDataset],
        progress: Progress,
        failed: Failed,
        allowed: Allowed = NOTHING_ALLOWED,
    ) -> list[Published]:
        """Make it so, dataset by dataset. One that fails is told to ``failed`` and the others go on."""
        done = []
        for count, item in enumerate(desired):
            name = item.declaration.name
            progress(f"publish {name}", count, len(desired), "datasets")
            before = self._client.writes
            try:
                self._greet()
                changes, holds = self._publish_patiently(item, progress, allowed)
            except (PortalError, OSError, pa.ArrowException) as error:
                local = f"{name}: the release's files cannot be read: {error}"
                failed(name, error if isinstance(error, PortalError) else PortalError(local))
                if self._client.is_gone:
                    self._extensions = None  # the next dataset asks first, which fails fast
            else:
                writes = self._client.writes - before
                done.append(Published(name, changes, writes, f"{self.address}/dataset/{name}", holds=holds))
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
            can_have_views=self._has(VIEW),
        )
        if package is None or not is_ours(wanted, package):
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
        for rid in our_ids(wanted.name):
            found = self._client.call("resource_show", {"id": rid}, missing_ok=True)
            if found is not None:
                return self._client.call("package_show", {"id": found["package_id"]}, missing_ok=True)
        return None

    def _read_table(self, rid: str) -> TableState | None:
        info = self._client.call("datastore_info", {"id": rid}, missing_ok=True)
        if info is None:
            return None
        columns = tuple(info.get("fields") or ())
        holds = str((columns[0].get("info") or {}).get(HOLDS) or "") if columns else ""
        return TableState(columns, int(info["meta"]["count"]), holds)

    def _file_url(self, wanted: Wanted, rid: str, name: str) -> str:
        """A file's address; CKAN serves it under the name that the dataset has at the moment only (2.12.0)."""
        url = str(wanted.resources[rid]["download_url"])
        return url.replace(f"/dataset/{wanted.name}/", f"/dataset/{name}/", 1)

    # --- writing --------------------------------------------------------------------------------

    def _publish_patiently(
        self, desired: DesiredDataset, progress: Progress, allowed: Allowed
    ) -> tuple[tuple[Change, ...], tuple[Hold, ...]]:
        """Publish; where something else changed the dataset meanwhile, look again and do what is left.

        That is rarely a person: CKAN's own background job notes a new table on its dataset a moment later, and
        of five first publications two met it (CKAN 2.12.0).
        """
        for _ in range(_ATTEMPTS - 1):
            with suppress(ConflictError):
                return self._publish(desired, progress, allowed)
        return self._publish(desired, progress, allowed)

    def _publish(
        self, desired: DesiredDataset, progress: Progress, allowed: Allowed
    ) -> tuple[tuple[Change, ...], tuple[Hold, ...]]:
        wanted = wanted_dataset(desired, self.address)
        actual = self._read(wanted)
        if holds := _holds(desired, actual, allowed):
            return (), holds
        difference = compare(wanted, actual)
        changes = difference.changes
        if not changes:
            return (), ()
        if difference.create or difference.uploads:
            _check_files(wanted, difference.uploads or tuple(wanted.files))
        if difference.create_organisation:
            self._client.call("organization_create", dict(wanted.organisation))
        if difference.create:
            self._create(wanted)
            actual = self._read(wanted)
            difference = compare(wanted, actual)
        self._carry_out(wanted, actual, difference, progress)
        self._look_again(wanted)
        return changes, ()

    def _carry_out(self, wanted: Wanted, actual: Actual, difference: Difference, progress: Progress) -> None:
        """Bring a dataset that is there to what it should be; what may fail at the table is tried first."""
        if actual.package is None:
            raise PortalError(f"{wanted.name}: the portal took the dataset and does not show it; look at its log")
        with ExitStack() as stack:
            rows = None
            if difference.table:
                progress(f"{wanted.name}: compare the table")
                rows = stack.enter_context(prepared(self._client, wanted, actual.table, difference.table))
                rows.rehearse(progress)
                rows.begin()
            if difference.revises:
                self._switch(wanted, difference, actual.package, progress)
            if difference.reorder:
                order = {"id": actual.package["id"], "order": list(wanted.resources)}
                self._client.call("package_resource_reorder", order)
            if rows is not None:
                rows.write(progress)
        if difference.view:
            self._show_table(wanted)
        if difference.publish:
            self._make_public(wanted)

    def _look_again(self, wanted: Wanted) -> None:
        """See whether the portal shows what was written."""
        left = compare(wanted, self._read(wanted)).changes
        if left:
            told = "; ".join(f"{change.target}: {change.detail}" for change in left[:3])
            raise PortalError(
                f"{wanted.name}: version {wanted.version} was written, but the portal shows something else"
                f" ({told}). Either somebody changed it at the same time, or an extension of the portal does"
                " not keep it"
            )

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

    def _switch(
        self, wanted: Wanted, difference: Difference, package: Mapping[str, Any], progress: Progress
    ) -> None:
        """Put files, metadata and resources in place by one call, and look whether the files arrived."""
        try:
            self._revise(wanted, difference, package, progress)
        except TooLargeError as error:
            largest = max((wanted.files[rid] for rid in difference.uploads), key=lambda file: file.size)
            raise PortalError(
                f"{wanted.name}: the portal refuses the files of version {wanted.version} as too large ({error});"
                f" the largest is {largest.path.name} with {largest.size / 1e6:,.1f} MB. Have the portal's"
                " administrator raise ckan.max_resource_size (in MB; 10 unless set) and the limit of the web"
                " server before it (nginx: client_max_body_size), then publish again"
            ) from None
        wrong = self._damaged(wanted, difference.uploads, progress)
        if wrong:
            again = self._client.call("package_show", {"id": package["id"]})
            only_files = Difference(changes=(), uploads=difference.uploads)
            self._revise(wanted, only_files, again, progress)
            wrong = self._damaged(wanted, difference.uploads, progress)
        if wrong:
            # without a sum the portal claims nothing false, and the next run sends the file again
            seen = self._client.call("package_show", {"id": package["id"]})
            matched = {"match__id": seen["id"], "match__metadata_modified": seen["metadata_modified"]}
            blank = {f"update__resources__{rid}__hash": "" for rid in wrong}
            self._client.call("package_revise", encoded({**matched, **blank}))
            raise PortalError(
                f"{wanted.name}: after two attempts the portal serves other bytes than were sent for"
                f" {', '.join(wanted.files[rid].path.name for rid in wrong)}. Look at the portal's storage and at"
                " caches before it"
            )

    def _revise(
        self, wanted: Wanted, difference: Difference, package: Mapping[str, Any], progress: Progress
    ) -> None:
        data = revision(wanted, difference, package)
        with ExitStack() as stack:
            files = {
                f"update__resources__{rid}__upload": stack.enter_context(wanted.files[rid].path.open("rb"))
                for rid in difference.uploads
            }
            total = sum(wanted.files[rid].size for rid in difference.uploads)

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
        others = [str(view["id"]) for view in views if view.get("view_type") != VIEW]
        ours = [str(view["id"]) for view in views if view.get("view_type") == VIEW]
        if not ours:
            made = call("resource_view_create", {"resource_id": rid, "title": "Table", "view_type": VIEW})
            ours = [str(made["id"])]
        if others:
            call("resource_view_reorder", {"id": rid, "order": [*ours, *others]})

    def _make_public(self, wanted: Wanted) -> None:
        seen = self._client.call("package_show", {"id": wanted.name})
        matched = {"match__id": seen["id"], "match__metadata_modified": seen["metadata_modified"]}
        self._client.call("package_revise", encoded({**matched, "update__private": False}))


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


def _holds(desired: DesiredDataset, actual: Actual, allowed: Allowed) -> tuple[Hold, ...]:
    return held(desired, _shown(actual), allowed)


def _shown(actual: Actual) -> Shown | None:
    """What the portal notes of the dataset that stands there; None where there is none."""
    if actual.package is None:
        return None
    sum_of_rows = content_of(actual.table.holds) if actual.table else ""
    rows = actual.table.count if actual.table else None
    return Shown(actual.package.get("version"), rows=rows, content_sha256=sum_of_rows or None)


MANAGED = (
    Managed(
        "dataset",
        ("version", "state", "private", "resources", "extras of ours"),
        "undone",
        "they say what the data are",
    ),
    Managed("dataset", ("name", "owner_org"), "undone", "addresses go by them"),
    Managed("dataset", ("title", "notes", "tags", "license_id", "url", "author", "maintainer"), "left", "words"),
    Managed("resource", ("file", "hash", "format", "mimetype"), "undone", "they say what the data are"),
    Managed("resource", ("name", "description"), "left", "words"),
    Managed("table", ("rows", "columns", "data dictionary"), "undone", "they say what the data are"),
)
