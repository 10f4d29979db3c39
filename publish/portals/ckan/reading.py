"""What a CKAN holds of a dataset: found by name, and by ids where somebody has renamed it. Only reads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from publish.plans import PortalError
from publish.portals.ckan.archives import is_archive
from publish.portals.ckan.client import Client, Served
from publish.portals.ckan.compare import (
    MAP_VIEW,
    VIEW,
    Actual,
    Place,
    is_member,
    is_ours,
    our_ids,
)
from publish.portals.ckan.managed import MARK, ORGANISATION, extras_of
from publish.portals.ckan.schemas import Schema
from publish.portals.ckan.serving import is_doubtful
from publish.portals.ckan.table import read_table
from publish.portals.ckan.wanted import Wanted

_SCHEMING = "scheming_datasets"


class Reader:
    """Asks a CKAN. What it is and who we are is asked once."""

    def __init__(self, client: Client, datastore: str = "") -> None:
        self._client = client
        self._datastore = datastore
        self._extensions: frozenset[str] | None = None
        self._is_sysadmin = False
        self.doubts_all = False  # every file is downloaded and compared, whatever was noted of it
        self.schema = Schema()

    def greet(self) -> None:
        """Make sure that it is a CKAN and that the token is accepted. CKAN treats a wrong one as no token."""
        if self._extensions is not None:
            return
        status = self._client.call("status_show")
        if not isinstance(status, Mapping) or "ckan_version" not in status:
            raise PortalError(f"{self._client.address} does not answer as a CKAN does; check the address")
        # an older CKAN may not answer who one is; then the organisations tell
        known = self._client.call("user_show", missing_ok=True)
        if not known and not self._client.call("organization_list_for_user"):
            raise PortalError(
                f"{self._client.address} does not accept the token: it is wrong, expired or revoked. Make a new"
                " one on the portal (your user page, API tokens)"
            )
        self._is_sysadmin = bool(known and known.get("sysadmin"))
        self._extensions = frozenset(status.get("extensions") or ())
        told = (
            self._client.call("scheming_dataset_schema_show", {"type": "dataset"}) if self.knows(_SCHEMING) else {}
        )
        self.schema = Schema.of(told)

    def forget(self) -> None:
        """Ask anew the next time."""
        self._extensions = None

    def has(self, extension: str) -> bool:
        """Whether the portal has an extension; a portal that does not tell is taken to have it."""
        return not self._extensions or extension in self._extensions

    def knows(self, extension: str) -> bool:
        """Whether the portal says that it has an extension."""
        return extension in (self._extensions or ())

    def read(self, wanted: Wanted) -> Actual:
        """What the portal holds of a dataset; of one that is not ours only the package."""
        package, name_is_taken = self._find(wanted)
        tables, views = self.has("datastore"), self.has(VIEW)
        if package is not None and not is_ours(wanted, package):
            return Actual(package, can_have_tables=tables, can_have_views=views)
        group, may_join = self._group(wanted, package)
        table, shown = None, []
        standing = {str(item["id"]): item for item in (package or {}).get("resources", ())}
        if wanted.table_id in standing and tables:
            table = read_table(self._client, wanted, standing[wanted.table_id], self._datastore)
            if views:
                shown = self._client.call("resource_view_list", {"id": wanted.table_id})
        maps = self.knows(MAP_VIEW)
        shown_maps = (
            self._client.call("resource_view_list", {"id": wanted.map_id})
            if maps and wanted.map_id in standing
            else []
        )
        return Actual(
            package,
            organisation=self._organisation(wanted, package),
            group=group,
            may_join=may_join,
            name_is_taken=name_is_taken,
            table=table,
            views=tuple(shown),
            map_views=tuple(shown_maps),
            can_have_maps=maps,
            served=self._served(wanted, package) if package else {},
            can_have_tables=tables,
            can_have_views=views,
        )

    def _find(self, wanted: Wanted) -> tuple[Any, bool]:
        """The dataset, and whether somebody else's has its name.

        Names are changed by hand; the ids of our resources never are, and the mark is searched for where no
        resource is left.
        """
        named = self._package(wanted.name)
        if named is not None and is_ours(wanted, named):
            return named, False
        for rid in our_ids(wanted.name):
            found = self._client.call("resource_show", {"id": rid}, missing_ok=True)
            if found is not None and (package := self._package(found["package_id"])) is not None:
                return package, named is not None
        for found in self._search(f'extras_{MARK}:"{wanted.name}"'):
            if extras_of(found).get(MARK) == wanted.name and (package := self._package(found["id"])) is not None:
                return package, named is not None
        return named, False

    def _package(self, name: str) -> Any:
        return self._client.call("package_show", {"id": name}, missing_ok=True)

    def _search(self, query: str) -> list[Mapping[str, Any]]:
        found = self._client.call(
            "package_search", {"fq": query, "include_private": True, "rows": 2}, missing_ok=True
        )
        return list((found or {}).get("results") or ())

    def _organisation(self, wanted: Wanted, package: Mapping[str, Any] | None) -> Place | None:
        """The publisher's organisation, whatever it is called by now.

        That of the dataset, if it was put there for this publisher and stays where it was put; else by its id, by
        its name, or as that of another dataset of this publisher.
        """
        name = wanted.organisation["name"]
        owner = (package or {}).get("organization") or {}
        if package and owner and extras_of(package).get(ORGANISATION) == name:
            return Place(str(owner["id"]), str(owner["name"]))
        for key in (wanted.organisation["id"], name):
            found = self._client.call("organization_show", {"id": key, "include_users": False}, missing_ok=True)
            if found is None:
                continue
            if found.get("state", "active") != "active":
                raise PortalError(
                    f"{wanted.name}: the organisation {name} was deleted on the portal. Have the portal's"
                    " administrator restore it or purge it, or give the entry another publisher"
                )
            return Place(str(found["id"]), str(found["name"]))
        for found in self._search(f'extras_{ORGANISATION}:"{name}"'):
            owner = found.get("organization") or {}
            if owner and extras_of(found).get(ORGANISATION) == name:
                return Place(str(owner["id"]), str(owner["name"]))
        return None

    def _group(self, wanted: Wanted, package: Mapping[str, Any] | None) -> tuple[Place | None, bool]:
        """The district's group, and whether the dataset may be added to it; it is made if one may make it."""
        group = wanted.group
        if group is None or (package and is_member(group, package)):
            return None, True
        for key in (group["id"], group["name"]):
            found = self._client.call("group_show", {"id": key, "include_users": False}, missing_ok=True)
            if found is not None and found.get("state", "active") == "active":
                mine = () if self._is_sysadmin else self._client.call("group_list_authz", {"am_member": True})
                may = self._is_sysadmin or any(item["id"] == found["id"] for item in mine or ())
                return Place(str(found["id"]), str(found["name"])), may
        return None, self._is_sysadmin

    def _served(self, wanted: Wanted, package: Mapping[str, Any]) -> dict[str, Served]:
        """The files as the portal serves them: the latest are asked for, and what is in doubt is downloaded."""
        found = {}
        archives = {archive.id: str(archive.fields["download_url"]) for archive in wanted.archives}
        for item in package.get("resources", ()):
            rid = str(item["id"])
            if not item.get("hash") or item.get("url_type") != "upload":
                continue
            served = Served()
            is_same = item["hash"] == wanted.files[rid].sha256 if rid in wanted.files else True
            if rid in wanted.resources:
                url = served_at(str(wanted.resources[rid]["download_url"]), wanted, package["name"])
                served = self._client.head(url)
                is_other = served.size not in (None, -1, wanted.files[rid].size)
                doubted = is_same and (is_other or is_doubtful(item, served))
            elif rid in archives and is_archive(wanted.name, item):
                url, doubted = served_at(archives[rid], wanted, package["name"]), is_doubtful(item, served)
            else:
                continue
            found[rid] = self._client.download(url) if doubted or (self.doubts_all and is_same) else served
        return found


def served_at(url: str, wanted: Wanted, name: str) -> str:
    """A file's address; CKAN serves it under the name that the dataset has at the moment only (2.12.0)."""
    return url.replace(f"/dataset/{wanted.name}/", f"/dataset/{name}/", 1)
