"""What a publisher relies on in CKAN, shown on a real one; and that the local CKAN keeps its promises."""

from __future__ import annotations

import contextlib
import io
import json
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ckanapi
import pytest
import requests
import yaml

from tests.e2e.ckan_server import CkanServer

ROOT = Path(__file__).resolve().parents[2]


class Portal:
    """An organization of its own on the test CKAN, and short words for what the tests do there."""

    def __init__(self, server: CkanServer):
        self.server = server
        self.api = ckanapi.RemoteCKAN(server.url, apikey=server.token)
        self.call = self.api.action
        self.anonymous = ckanapi.RemoteCKAN(server.url).action
        self.tag = uuid.uuid4().hex[:8]
        self.org = self.call.organization_create(name=f"org-{self.tag}")["id"]
        self.packages: list[str] = []

    def resource_id(self, key: str) -> str:
        return str(uuid.uuid5(uuid.NAMESPACE_URL, f"{self.tag}/{key}"))

    def create(self, *keys: str, **fields: Any) -> str:
        """A private dataset with an empty resource for each key."""
        package_id = str(uuid.uuid4())
        self.packages.append(package_id)
        resources = [{"id": self.resource_id(k), "name": k, "url": "", "format": "CSV"} for k in keys]
        self.call.package_create(
            **{
                "id": package_id,
                "name": f"data-{package_id[:8]}",
                "owner_org": self.org,
                "private": True,
                "resources": resources,
                **fields,
            }
        )
        return package_id

    def revise(self, package_id: str, files: dict[str, Any] | None = None, **fields: Any) -> dict[str, Any]:
        """package_revise with flattened keys; every value as JSON, or "1.10" would arrive as 1.1."""
        data = {"match__id": package_id, **{k: json.dumps(v) for k, v in fields.items()}}
        return self.api.call_action("package_revise", data, files=files)["package"]

    def upload(self, key: str, content: bytes, name: str = "") -> dict[str, io.BytesIO]:
        stream = io.BytesIO(content)
        stream.name = name or f"{key}.csv"
        return {f"update__resources__{self.resource_id(key)}__upload": stream}

    def read(self, package_id: str) -> dict[str, bytes]:
        """The bytes behind each resource's URL."""
        return {r["name"]: self.get(r["url"]) for r in self.call.package_show(id=package_id)["resources"]}

    def get(self, url: str, anonymous: bool = False) -> bytes:
        headers = {} if anonymous else {"Authorization": self.server.token}
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers)) as answer:
            return answer.read()

    def writes(self, package_id: str) -> list[str]:
        """What changed so far, oldest first."""
        return [a["activity_type"] for a in self.call.package_activity_list(id=package_id, limit=100)][::-1]

    def purge(self) -> None:
        for package_id in self.packages:
            with contextlib.suppress(ckanapi.NotFound):
                self.call.dataset_purge(id=package_id)
        self.call.organization_purge(id=self.org)


@pytest.fixture
def portal(request: pytest.FixtureRequest) -> Iterator[Portal]:
    alone = "ckan_alone" in request.fixturenames
    portal = Portal(request.getfixturevalue("ckan_alone" if alone else "ckan_shared"))
    yield portal
    portal.purge()


# --- datasets and files ---------------------------------------------------------------


def test_a_dataset_is_private_until_it_is_made_public(portal: Portal) -> None:
    package_id = portal.create("readings")
    portal.revise(package_id, portal.upload("readings", b"a\n1\n"))
    url = portal.call.package_show(id=package_id)["resources"][0]["url"]
    with pytest.raises(ckanapi.NotAuthorized):
        portal.anonymous.package_show(id=package_id)
    with pytest.raises(urllib.error.HTTPError):
        portal.get(url, anonymous=True)
    assert portal.anonymous.package_search(fq=f"id:{package_id}")["count"] == 0

    portal.revise(package_id, update__private=False)

    assert portal.anonymous.package_search(fq=f"id:{package_id}")["count"] == 1
    assert portal.get(url, anonymous=True) == b"a\n1\n"


def test_our_own_ids_are_kept_and_guarded(portal: Portal) -> None:
    package_id = portal.create("a")
    portal.call.resource_create(package_id=package_id, id=portal.resource_id("b"), name="b", url="")
    shown = portal.call.package_show(id=package_id)
    assert shown["id"] == package_id
    assert [r["id"] for r in shown["resources"]] == [portal.resource_id("a"), portal.resource_id("b")]
    with pytest.raises(ckanapi.ValidationError):
        portal.create("a")  # the id belongs to the first dataset
    assert portal.call.resource_show(id=portal.resource_id("a"))["package_id"] == package_id


def test_one_revise_replaces_several_files_and_adds_a_resource(portal: Portal) -> None:
    old_extras = [{"key": "old", "value": "1"}, {"key": "older", "value": "2"}]
    package_id = portal.create("a", "b", extras=old_extras)
    before = portal.revise(package_id, {**portal.upload("a", b"a1"), **portal.upload("b", b"b1")})
    a, c = portal.resource_id("a"), portal.resource_id("c")

    after = portal.revise(
        package_id,
        {
            **portal.upload("a", b"a2"),
            **portal.upload("b", b"b22"),
            **portal.upload("c", b"PAR1", "c.parquet"),
        },
        filter=["-extras", "-tags"],  # without it lists are merged by position and never shrink
        update__extras=[{"key": "new", "value": "0123"}],
        update__tags=[{"name": "bins"}],
        update__version="1.10",
        update__private=False,
        update__resources__extend=[{"id": c, "name": "c", "format": "Parquet"}],
        **{
            f"update__resources__{a}__hash": "12e4",
            f"update__resources__{a}__mimetype": "text/csv",
            f"update__resources__{c}__mimetype": "application/vnd.apache.parquet",
        },
    )

    assert portal.read(package_id) == {"a": b"a2", "b": b"b22", "c": b"PAR1"}
    assert [r["id"] for r in after["resources"]] == [a, portal.resource_id("b"), c]
    assert [r["url"] for r in after["resources"]][:2] == [r["url"] for r in before["resources"]]
    assert [r["size"] for r in after["resources"]] == [2, 3, 4]
    assert after["resources"][0]["hash"] == "12e4"
    assert [r["mimetype"] for r in after["resources"]] == ["text/csv", None, "application/vnd.apache.parquet"]
    assert [(e["key"], e["value"]) for e in after["extras"]] == [("new", "0123")]
    assert [t["name"] for t in after["tags"]] == ["bins"]
    assert (after["version"], after["private"]) == ("1.10", False)
    assert portal.writes(package_id) == ["new package", "changed package", "changed package"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"update__name": "NOT A NAME"},
        {"match__metadata_modified": "2001-01-01T00:00:00"},
        {"update__resources__ffffffff__description": "no such resource"},
    ],
)
def test_a_refused_revise_changes_nothing(portal: Portal, wrong: dict[str, str]) -> None:
    package_id = portal.create("a", "b")
    portal.revise(package_id, {**portal.upload("a", b"a1"), **portal.upload("b", b"b1")})
    before = portal.call.package_show(id=package_id)
    with pytest.raises(ckanapi.ValidationError):
        portal.revise(package_id, portal.upload("a", b"WRONG"), **wrong)
    assert portal.call.package_show(id=package_id) == before
    assert portal.read(package_id) == {"a": b"a1", "b": b"b1"}


def test_nothing_changed_means_no_write(portal: Portal) -> None:
    package_id = portal.create("a", title="Bins")
    before = portal.call.package_show(id=package_id)
    assert portal.revise(package_id, update__title="Bins")["metadata_modified"] == before["metadata_modified"]
    assert portal.writes(package_id) == ["new package"]
    portal.revise(package_id, update__title="Bins", match__metadata_modified=before["metadata_modified"])
    assert portal.writes(package_id) == ["new package"]


def test_the_same_id_must_not_be_added_twice(portal: Portal) -> None:
    """CKAN accepts it and then fails at every later change: the publisher has to look first."""
    package_id = portal.create("a")
    twin = {"id": portal.resource_id("a"), "name": "twin", "url": ""}
    portal.revise(package_id, update__resources__extend=[twin])
    with pytest.raises(ckanapi.CKANAPIError):
        portal.revise(package_id, update__title="never again")


# --- the DataStore ------------------------------------------------------------------------

FIELDS: list[dict[str, Any]] = [
    {"id": "pk", "type": "text", "info": {"label": "Key", "notes": "Stable"}},
    {"id": "n", "type": "int", "info": {"label": "Number"}},
    {"id": "day", "type": "date"},
    {"id": "ward", "type": "text"},
]


def rows(count: int, start: int = 0) -> list[dict[str, Any]]:
    return [
        {"pk": f"k{i:06d}", "n": i, "day": "2024-03-01", "ward": f"W{i % 5}"} for i in range(start, start + count)
    ]


@pytest.fixture
def table(portal: Portal) -> str:
    portal.create("table")
    resource_id = portal.resource_id("table")
    portal.call.datastore_create(
        resource_id=resource_id,
        force=True,
        fields=FIELDS,
        primary_key=["pk"],
        indexes=["ward"],
        records=rows(20_000),
    )
    return resource_id


def total(portal: Portal, resource_id: str, **filters: Any) -> int:
    return portal.call.datastore_search(resource_id=resource_id, limit=0, filters=filters)["total"]


def test_large_datastore_calls_are_whole_or_nothing(portal: Portal, table: str) -> None:
    call = portal.call
    assert total(portal, table) == 20_000
    assert total(portal, table, ward="W1") == 4_000
    with pytest.raises(ckanapi.ValidationError) as refused:
        call.datastore_upsert(
            resource_id=table,
            force=True,
            method="upsert",
            records=[*rows(2_000, 50_000), {"pk": "bad", "n": "many"}],
        )
    assert refused.value.error_dict["records_row"] == 2_000
    assert total(portal, table) == 20_000

    call.datastore_upsert(resource_id=table, force=True, method="upsert", records=rows(1_000, 19_500))
    assert total(portal, table) == 20_500

    gone = [row["pk"] for row in rows(5_000)]
    call.datastore_records_delete(resource_id=table, force=True, filters={"pk": gone})
    assert total(portal, table) == 15_500
    assert total(portal, table, pk=["k005000", "k005001", "k000000"]) == 2


def test_the_dictionary_and_its_traps(portal: Portal, table: str) -> None:
    def shown() -> list[tuple[str, str]]:
        return [(f["id"], f["type"]) for f in portal.call.datastore_info(id=table)["fields"]]

    info = portal.call.datastore_info(id=table)
    assert [f.get("info") for f in info["fields"]] == [f.get("info") for f in FIELDS]
    assert info["meta"]["count"] == 20_000
    types = [("pk", "text"), ("n", "int4"), ("day", "date"), ("ward", "text")]
    assert shown() == types

    retyped = [{**f, "type": "text"} for f in FIELDS]
    portal.call.datastore_create(resource_id=table, force=True, fields=retyped)
    assert shown() == types, "a changed type is ignored, silently"
    portal.call.datastore_create(resource_id=table, force=True, fields=FIELDS[:3])
    assert shown() == types, "so is a column left out"
    portal.call.datastore_create(resource_id=table, force=True, fields=FIELDS[:3], delete_fields=True)
    assert shown() == types[:3]


def test_the_table_is_on_the_portal(portal: Portal, table: str) -> None:
    view = portal.call.resource_view_create(resource_id=table, title="Table", view_type="datatables_view")
    assert [v["id"] for v in portal.call.resource_view_list(id=table)] == [view["id"]]
    package_id = portal.call.resource_show(id=table)["package_id"]
    page = portal.get(f"{portal.server.url}/dataset/{package_id}/resource/{table}")
    assert b"datatables" in page
    dump = portal.get(f"{portal.server.url}/datastore/dump/{table}?bom=false")
    assert dump.count(b"\n") == 20_001


# --- search -----------------------------------------------------------------------------------


def test_search_finds_what_was_published(portal: Portal) -> None:
    package_id = portal.create(
        title="Air quality measurements",
        notes="Hourly **nitrogen dioxide**.",
        tags=[{"name": "air"}],
        extras=[{"key": "frequency", "value": "hourly"}],
    )

    def count(**query: Any) -> int:
        return portal.call.package_search(include_private=True, **query)["count"]

    here = f"owner_org:{portal.org}"
    assert count(fq=here) == 1
    assert count(q="measurement", fq=here) == 1  # stemmed
    assert count(q='"nitrogen dioxide"', fq=here) == 1
    assert count(q="zebra", fq=here) == 0
    assert count(fq=f"{here} tags:air frequency:hourly") == 1
    assert count(fq=f"{here} -id:{package_id}") == 0
    assert count(fq=f"{here} metadata_modified:[NOW-1HOUR TO NOW]") == 1
    with pytest.raises(ckanapi.SearchError):
        count(q="title:(open")
    facets = portal.call.package_search(fq=here, include_private=True, rows=0, **{"facet.field": ["tags"]})
    assert facets["search_facets"]["tags"]["items"] == [{"name": "air", "display_name": "air", "count": 1}]


# --- the server itself -----------------------------------------------------------------------


@pytest.mark.parametrize("how", ["stop_web", "kill_web"])
def test_the_web_process_goes_and_comes_back(ckan_alone: CkanServer, portal: Portal, how: str) -> None:
    server = ckan_alone
    package_id, url, token = portal.create("a"), server.url, server.token
    getattr(server, how)()
    assert not server.is_up()
    with pytest.raises(requests.ConnectionError):
        portal.call.package_show(id=package_id)
    server.start_web()  # an error if it does not answer in time
    assert (server.url, server.token) == (url, token)
    assert portal.call.package_show(id=package_id)["id"] == package_id


def test_the_token_is_not_printed(ckan: CkanServer) -> None:
    assert ckan.token
    assert ckan.token not in repr(ckan)


def test_compose_describes_the_same_portal_on_loopback() -> None:
    compose = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
    services = compose["services"]
    assert services["ckan"]["image"].startswith("ckan/ckan-base:2.12")
    assert services["solr"]["image"].startswith("ckan/ckan-solr:2.12-")
    assert {"db", "redis"} <= set(services)
    published = [port for service in services.values() for port in service.get("ports", [])]
    assert published
    assert all(port.startswith("127.0.0.1:") for port in published)
    environment = services["ckan"]["environment"]
    plugins = environment["CKAN__PLUGINS"].split()
    assert {"activity", "datastore", "datatables_view"} <= set(plugins)
    assert plugins[-1] == "envvars"
    for name in ("SQLALCHEMY_URL", "DATASTORE_WRITE_URL", "DATASTORE_READ_URL", "SOLR_URL", "REDIS_URL"):
        assert f"CKAN_{name}" in environment
    secret = environment["CKAN___API_TOKEN__JWT__ENCODE__SECRET"]
    assert secret == environment["CKAN___API_TOKEN__JWT__DECODE__SECRET"]
    assert len(secret.removeprefix("string:")) >= 32
    mounted = {c["source"] for service in services.values() for c in service.get("configs", [])}
    assert mounted == set(compose["configs"])
    assert set(services["ckan"]["depends_on"]) == {"db", "solr", "redis"}
    assert all("healthcheck" in service for service in services.values())
