"""The CKAN portal against a real CKAN: published, published again, tampered with, and killed at every write."""

from __future__ import annotations

import contextlib
import datetime as dt
import hashlib
import http.server
import json
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import ckanapi
import pytest
import requests

from publish.desired import resource_id
from publish.metadata.words import LISTED
from publish.plans import Allowed, PortalError
from publish.portals.ckan import CkanPortal
from publish.portals.ckan.client import READS, Client, Served
from publish.portals.ckan.compare import Difference
from publish.portals.ckan.resources import ResourcesDifference
from publish.portals.ckan.session import GONE_TIMEOUT_S, READ_TIMEOUT_S
from publish.portals.ckan.wanted import wanted_dataset
from publish.portals.ckan.writing import Writer
from publish.release import desired_dataset
from tests.e2e.ckan_server import CkanServer
from tests.publish import places
from warehouse import web
from warehouse.home import Home
from warehouse.progress import silent

FIRST_DAY = dt.date(2026, 2, 1)


class Stop(Exception):  # noqa: N818
    """The run dies here."""


class Town:
    """A publisher of its own on the test CKAN with a dataset and its versions."""

    def __init__(self, server: CkanServer, folder: Path):
        self.server = server
        self.home = Home(folder)
        self.tag = f"t{uuid.uuid4().hex[:8]}"
        self.name = f"places-{self.tag}"
        self.publisher = {"name": f"town-{self.tag}", "title": "The Town"}
        self.dataset = self.declared()
        self.releases: list[Any] = []
        self.rows_sent = 0
        self.admin = ckanapi.RemoteCKAN(server.url, apikey=server.token).action
        self.anonymous = ckanapi.RemoteCKAN(server.url).action
        self.portal, self.calls = self.new_portal()

    def declared(self, **changes: Any) -> Any:
        return places.declaration(**{"name": self.name, "publisher": self.publisher, "district": None, **changes})

    def new_portal(
        self, before: Callable[[int, str], None] | None = None, datastore: str = ""
    ) -> tuple[CkanPortal, list[str]]:
        """A portal, and the list of actions it calls. ``before`` each write it is told its number and name."""
        portal = CkanPortal(self.server.url, self.server.token, datastore)
        calls: list[str] = []
        original = portal._client.call

        def call(action: str, data: Any = None, **more: Any) -> Any:
            rehearsed = bool(data and data.get("dry_run"))
            if action not in READS and not rehearsed and before:
                before(portal._client.writes, action)
            calls.append(f"{action} dry" if rehearsed else action)
            # an update after an upsert only mends the search
            if action == "datastore_upsert" and not rehearsed and data.get("calculate_record_count", True):
                self.rows_sent += len(data["records"])
            return original(action, data, **more)

        portal._client.call = call  # type: ignore[method-assign]
        return portal, calls

    def release(self, rows: list[Any]) -> Any:
        """The next version, of a month later."""
        number = len(self.releases)
        day = FIRST_DAY.replace(year=FIRST_DAY.year + number // 11, month=2 + number % 11)
        made = places.release(self.home, rows, self.releases, day=day, dataset=self.dataset)
        assert made is not None
        self.releases.append(made)
        return self.desired(self.dataset)

    def desired(self, dataset: Any) -> Any:
        return desired_dataset(dataset, self.releases[-1], self.releases, self.home)

    def apply(self, desired: Any, portal: CkanPortal | None = None, **allowed: bool) -> Any:
        def failed(name: str, error: PortalError) -> None:
            raise error

        given = Allowed(**{key: frozenset({self.name}) for key in allowed})
        (done,) = (portal or self.portal).apply([desired], silent, failed, given)
        return done

    def package(self) -> Any:
        return self.anonymous.package_show(id=self.name)

    def activities(self) -> int:
        return len(self.admin.package_activity_list(id=self.name, limit=100))

    def rows(self) -> list[dict[str, Any]]:
        found = self.anonymous.datastore_search(resource_id=self.table_id, limit=1000, sort="code,number")
        return plain(found["records"])

    @property
    def table_id(self) -> str:
        return wanted_dataset(self.desired(self.dataset), self.server.url).table_id

    def check(self, desired: Any) -> None:
        """Everybody sees this version, whole: files, metadata, table, view."""
        package = self.look()
        assert package["version"] == desired.release.version
        wanted = wanted_dataset(desired, self.server.url)
        assert [(r["id"], r["hash"]) for r in package["resources"][: len(wanted.files)]] == [
            (r.id, r.sha256) for r in wanted.files.values()
        ]
        archives = {r["id"]: r["release_version"] for r in package["resources"] if r["format"] == "ZIP"}
        assert archives == {archive.id: archive.version for archive in wanted.archives}
        assert self.rows() == as_ckan_shows(desired, self.dataset)
        assert [v["view_type"] for v in self.anonymous.resource_view_list(id=self.table_id)] == ["datatables_view"]

    def look(self) -> Any:
        """What everybody sees of files and metadata, having made sure that it is of one version."""
        package = self.package()
        extras = {item["key"]: item["value"] for item in package["extras"]}
        latest = [r for r in package["resources"] if r["format"] != "ZIP"]
        assert {r["release_version"] for r in latest} == {package["version"]}
        assert package["version"].startswith(extras["data_date"])
        for resource in package["resources"]:
            content = requests.get(resource["url"], timeout=30)
            assert content.status_code == 200
            assert hashlib.sha256(content.content).hexdigest() == resource["hash"], resource["name"]
            assert len(content.content) == resource["size"]
        return package

    def is_public(self) -> bool:
        try:
            return self.package()["state"] == "active"
        except (ckanapi.NotAuthorized, ckanapi.NotFound):
            return False

    def purge(self) -> None:
        with contextlib.suppress(ckanapi.NotFound):
            self.admin.dataset_purge(id=self.name)
        with contextlib.suppress(ckanapi.NotFound):
            self.admin.organization_purge(id=resource_id("organisations", self.publisher["name"]))
        with contextlib.suppress(ckanapi.NotFound):
            self.admin.organization_purge(id=self.publisher["name"])


def plain(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows as CKAN 2.12 tells them, without their ids: 2.11 tells whole seconds, 2.12 their thousandths too."""
    return [
        {
            key: f"{value}.000" if key == "seen_at" and value and len(value) == 19 else value
            for key, value in row.items()
            if key != "_id"
        }
        for row in records
    ]


def as_ckan_shows(desired: Any, dataset: Any) -> list[dict[str, Any]]:
    """The rows of the release's Parquet file as the DataStore gives them."""
    import pyarrow.parquet as pq

    (path,) = (r.path for r in desired.resources if r.key == "parquet")
    shown = []
    for row in pq.read_table(path).to_pylist():
        for key, value in row.items():
            if isinstance(value, dt.datetime):
                row[key] = value.isoformat(timespec="milliseconds")
            elif isinstance(value, dt.date):
                row[key] = value.isoformat()
            elif key == "area_m2" and value is not None:
                row[key] = float(value)
        shown.append(row)
    return shown


@pytest.fixture
def town(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Town]:
    alone = "ckan_alone" in request.fixturenames
    made = Town(request.getfixturevalue("ckan_alone" if alone else "ckan_shared"), tmp_path)
    yield made
    made.purge()


def changed_rows(step: int) -> list[Any]:
    """Each step adds, changes and removes some of the rows of the one before."""
    rows = [list(row) for row in places.rows(30 + 3 * step)[2 * step :]]
    rows[5][2] = f'step {step}, "quoted"\nand more'
    return rows


# --- publishing -----------------------------------------------------------------------------------------


def test_published_and_published_again(town: Town) -> None:
    desired = town.release(places.rows(30))
    private_until = []
    portal, calls = town.new_portal(lambda number, action: private_until.append(town.is_public()))
    assert portal.plan([desired])
    assert set(calls) <= READS

    done = town.apply(desired, portal)

    town.check(desired)
    assert done.url == f"{town.server.url}/dataset/{town.name}"
    assert done.writes == len(private_until) == 8
    assert not any(private_until[:6]), "public before the last call"
    assert all(private_until[6:]), "versions come after"
    info = town.anonymous.datastore_info(id=town.table_id)
    assert [f["type"] for f in info["fields"]] == [
        "text", "int8", "text", "text", "numeric", "numeric", "bool", "date", "timestamp"
    ]  # fmt: skip
    assert info["fields"][4]["info"] == {"label": "Area", "unit": "m2"}
    package = town.package()
    assert package["resources"][0]["datastore_active"]
    assert package["license_id"] == "cc-by"
    assert package["organization"]["title"] == "The Town"
    assert town.anonymous.package_search(fq=f"id:{package['id']}")["count"] == 1

    activities = town.activities()
    again, calls = town.new_portal()
    assert again.plan([desired]).changes == ()
    done = town.apply(desired, again)
    assert (done.changes, done.writes) == ((), 0)
    assert set(calls) <= READS
    assert town.package() == package
    assert town.activities() == activities


def test_an_update_writes_only_the_difference(town: Town) -> None:
    town.apply(town.release(changed_rows(0)))
    before, activities = town.package(), town.activities()
    portal, calls = town.new_portal()
    desired = town.release(changed_rows(1))
    town.rows_sent = 0

    done = town.apply(desired, portal)

    # the table was read back as CSV, hostile texts and all, and compared
    assert "datastore_search" in calls
    assert town.rows_sent == desired.release.added + desired.release.changed > 0

    town.check(desired)
    assert [call for call in calls if call not in READS] == [
        "datastore_upsert dry",
        "datastore_create",  # the note is taken away
        "package_revise",
        "datastore_upsert",  # all that differs, in one transaction
        "datastore_upsert",  # so that the search finds it
        "datastore_create",  # and is put back
        "package_revise",  # the version's archive
        "package_revise",  # that it arrived
    ]
    assert done.writes == 7
    assert town.activities() == activities + 3
    after = town.package()
    assert after["id"] == before["id"]
    stand = len(before["resources"])
    assert [r["id"] for r in after["resources"]][:stand] == [r["id"] for r in before["resources"]]
    assert [r["url"] for r in after["resources"]][:stand] == [r["url"] for r in before["resources"]]
    assert after["resources"][stand - 1] == before["resources"][stand - 1], "a version never changes"
    assert town.portal.plan([desired]).changes == ()


def test_columns_that_change_rebuild_the_table_and_few_words_do_not(town: Town) -> None:
    town.apply(town.release(places.rows(30)))
    fields = [dict(field) for field in places.ENTRY["fields"]]
    fields[5] |= {"description": "From 0 to 10."}
    town.dataset = town.declared(fields=fields)
    desired = town.release(places.rows(30))
    portal, calls = town.new_portal()
    town.apply(desired, portal)
    town.check(desired)
    assert "datastore_upsert" not in calls
    assert town.anonymous.datastore_info(id=town.table_id)["fields"][5]["info"]["notes"] == "From 0 to 10."

    town.dataset = town.declared(fields=fields[:-1], major_version=2)
    desired = town.release([row[:-1] for row in places.rows(30)])
    town.apply(desired)
    town.check(desired)


def test_what_somebody_did_by_hand_is_repaired(town: Town) -> None:
    desired = town.release(places.rows(30))
    town.apply(desired)
    package, table = town.package(), town.table_id
    parquet = package["resources"][1]["id"]
    name = f"{town.name}.parquet"
    upload = {f"update__resources__{parquet}__upload": (name, b"other")}

    def drop_a_row() -> None:
        town.admin.datastore_records_delete(resource_id=table, force=True, filters={"number": [3]})

    def replace_a_file() -> None:
        admin = ckanapi.RemoteCKAN(town.server.url, apikey=town.server.token)
        admin.call_action("package_revise", {"match__id": json.dumps(package["id"])}, files=upload)

    def change_the_dictionary() -> None:
        columns = town.admin.datastore_info(id=table)["fields"]
        columns = [{key: column[key] for key in ("id", "type", "info") if key in column} for column in columns]
        columns[2]["info"] = {**columns[2]["info"], "label": "Mine"}
        town.admin.datastore_create(resource_id=table, force=True, fields=columns)

    def reorder() -> None:
        town.admin.package_resource_reorder(id=package["id"], order=[parquet, table])

    def drop_the_view() -> None:
        for view in town.admin.resource_view_list(id=table):
            town.admin.resource_view_delete(id=view["id"])

    def patch(**fields: Any) -> Callable[[], object]:
        return lambda: town.admin.package_patch(id=package["id"], **fields)

    rounds: list[dict[str, Callable[[], object]]] = [
        {
            "license_id": patch(license_id="other-open"),
            "data dictionary": change_the_dictionary,
            "order of the resources": reorder,
            "Parquet": replace_a_file,
        },
        {
            "table": lambda: town.admin.datastore_delete(resource_id=table, force=True),
        },
        {"Parquet": lambda: town.admin.resource_delete(id=parquet), "table": drop_a_row},
        {"CSV": lambda: town.admin.resource_delete(id=table)},
        {"table": drop_the_view},
        {"name": patch(name=f"renamed-{town.tag}")},
    ]
    for by_hand in rounds:
        for tamper in by_hand.values():
            tamper()
        (plan,) = town.portal.plan([desired]).datasets
        found = {change.target for change in plan.changes}
        assert found == {"name"} if set(by_hand) == {"name"} else set(by_hand) <= found, plan
        assert {drift.fate for drift in plan.drift} == {"undone"}
        assert set(by_hand) - {"data dictionary"} <= {drift.target for drift in plan.drift}, plan.drift
        assert town.apply(desired).drift == plan.drift
        assert town.portal.plan([desired]).changes == ()
        town.check(desired)


def test_what_others_added_stays_and_what_we_drop_goes(town: Town) -> None:
    desired = town.release(places.rows(30))
    town.apply(desired)
    town.admin.resource_create(package_id=town.package()["id"], name="Map", url="https://map.example.org")
    extras = [*town.package()["extras"], {"key": "internal_owner", "value": "unit 5"}]
    town.admin.package_patch(id=town.name, extras=extras)
    assert town.portal.plan([desired]).changes == ()

    def without_xlsx(item: Any) -> Any:
        return type(item)(**{**vars(item), "resources": tuple(r for r in item.resources if r.key != "xlsx")})

    town.apply(without_xlsx(desired), shrink=True)
    package = town.package()
    assert [r["name"] for r in package["resources"]][-1] == "Map"
    assert "XLSX" not in [r["format"] for r in package["resources"]]
    assert {"key": "internal_owner", "value": "unit 5"} in package["extras"]

    town.apply(desired)
    names = [r["name"] for r in town.package()["resources"]]
    assert names[-1] == "Map"
    assert len(names) == len([r for r in desired.resources if r.key in LISTED]) + 2
    assert town.portal.plan([desired]).changes == ()


def test_a_dataset_of_somebody_else_is_refused(town: Town) -> None:
    desired = town.release(places.rows(30))
    town.admin.organization_create(**town.publisher)
    town.admin.package_create(name=town.name, title="Theirs", owner_org=town.publisher["name"])
    before = town.package()
    portal, calls = town.new_portal()
    (hold,) = town.apply(desired, portal).holds
    assert hold.guard == "foreign"
    assert "not published from here (Theirs)" in hold.detail
    assert portal.plan([desired]).datasets[0].outcome == "hold"
    assert set(calls) <= READS
    assert town.package() == before


def test_an_editor_is_enough_once_the_organisation_is_there(town: Town) -> None:
    desired = town.release(places.rows(30))
    user = town.admin.user_create(name=town.tag, email=f"{town.tag}@town.example", password=uuid.uuid4().hex)
    try:
        token = town.admin.api_token_create(user=user["name"], name="publish")["token"]
        portal = CkanPortal(town.server.url, token)
        told: list[PortalError] = []
        organisation = town.admin.organization_create(**town.publisher)
        assert portal.apply([desired], silent, lambda name, error: told.append(error)) == []
        assert f"has no right to package_create of {town.name}" in str(told[0])
        assert "an editor of the publisher's organisation" in str(told[0])
        assert token not in str(told[0])
        town.admin.member_create(id=organisation["id"], object=user["id"], object_type="user", capacity="editor")
        town.apply(desired, portal)
        town.check(desired)
        desired = town.release(changed_rows(1))
        town.apply(desired, portal)
        town.check(desired)
        assert portal.plan([desired]).changes == ()
    finally:
        town.admin.user_delete(id=user["id"])


@pytest.mark.parametrize("times", [1, 100])
def test_somebody_else_writes_at_the_same_moment(town: Town, times: int) -> None:
    """Once is met by another look; one who never stops is told."""
    town.apply(town.release(changed_rows(0)))
    desired = town.release(changed_rows(1))
    seen = 0

    def meanwhile(number: int, action: str) -> None:
        nonlocal seen
        if action == "package_revise" and seen < times:
            seen += 1
            town.admin.package_patch(id=town.name, author_email=f"someone{seen}@town.example")

    portal, _ = town.new_portal(meanwhile)
    if times > 1:
        with pytest.raises(PortalError, match="somebody else changed the dataset") as refused:
            town.apply(desired, portal)
        assert refused.value.is_transient
        assert town.look()["version"] == "2026-02-01"
    else:
        town.apply(desired, portal)
    town.apply(desired)
    town.check(desired)


def test_a_wrong_token_is_told_and_not_shown(town: Town) -> None:
    portal = CkanPortal(town.server.url, "wrong-token-1234")
    with pytest.raises(PortalError, match="does not accept the token") as refused:
        portal.plan([town.release(places.rows(30))])
    assert not refused.value.is_transient
    assert "wrong-token-1234" not in str(refused.value)


def test_one_that_fails_does_not_stop_the_others(town: Town) -> None:
    desired = town.release(places.rows(30))
    broken = type(desired)(**{**vars(desired), "resources": desired.resources[1:]})
    told = []
    done = town.portal.apply([broken, desired], silent, lambda name, error: told.append(str(error)))
    assert "has no CSV file" in told[0]
    assert [item.dataset for item in done] == [town.name]
    town.check(desired)


def test_bytes_that_arrive_damaged_are_sent_again_once(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    desired = town.release(places.rows(30))
    portal, calls = town.new_portal()
    original, damaged = portal._client.download, [Served(1, "", "once")]
    monkeypatch.setattr(portal._client, "download", lambda url: damaged.pop() if damaged else original(url))
    town.apply(desired, portal)
    assert calls.count("package_revise") == 5
    town.check(desired)
    desired = town.release(changed_rows(1))
    monkeypatch.setattr(portal._client, "download", lambda url: Served(1, "", "never"))
    with pytest.raises(PortalError, match="serves other bytes"):
        town.apply(desired, portal)
    latest = [r for r in town.package()["resources"] if r["format"] != "ZIP"]
    assert {r["hash"] for r in latest} == {""}, "no sum that may be wrong"
    town.apply(desired)
    town.check(desired)


# --- killed ---------------------------------------------------------------------------------------------


def test_a_first_publication_that_dies_after_every_write_is_completed(town: Town) -> None:
    """Each run may write once: the next one goes on where it was."""
    desired = town.release(places.rows(30))

    def stop(number: int, action: str) -> None:
        if number == 1:
            raise Stop

    for runs in range(1, 12):
        portal, _ = town.new_portal(stop)
        with contextlib.suppress(Stop):
            town.apply(desired, portal)
            break
        assert not town.is_public() or runs >= 6
    assert runs == 9, "what was sent and not noted as verified is verified anew"
    town.check(desired)
    assert town.portal.plan([desired]).changes == ()


def test_a_rebuilt_table_that_dies_after_every_write_is_completed(town: Town) -> None:
    town.apply(town.release(changed_rows(0)))
    town.dataset = town.declared(fields=[dict(f) for f in places.ENTRY["fields"]][:-1], major_version=2)
    desired = town.release([row[:-1] for row in changed_rows(1)])

    def stop(number: int, action: str) -> None:
        if number == 1:
            raise Stop

    seen: list[str] = []
    while len(seen) < 12:
        portal, _ = town.new_portal(stop)
        with contextlib.suppress(Stop):
            town.apply(desired, portal)
            break
        seen.append(town.look()["version"])
    assert seen == sorted(seen), "the old version, then the new one"
    assert seen[-1] == desired.release.version
    assert 4 <= len(seen) < 12
    town.check(desired)
    assert town.portal.plan([desired]).changes == ()


def test_a_ckan_killed_at_any_write_of_an_update_shows_one_version(ckan_alone: CkanServer, town: Town) -> None:
    town.apply(town.release(changed_rows(0)))
    writes = 5
    seen = []
    for step in range(1, writes + 2):
        old = town.releases[-1].version
        desired = town.release(changed_rows(step))

        def kill(number: int, action: str, at: int = step) -> None:
            if number == at - 1:  # before the k-th write, which is after the one before it
                ckan_alone.kill_web()

        portal, _ = town.new_portal(kill)
        if step <= writes:
            with pytest.raises(PortalError) as broken:
                town.apply(desired, portal)
            assert broken.value.is_transient
            ckan_alone.start_web()
        else:
            # in the middle of the switch itself, when all bytes are on their way
            portal, _ = town.new_portal()
            kill_during_the_switch(portal, ckan_alone)
            with pytest.raises(PortalError):
                town.apply(desired, portal)
            ckan_alone.start_web()
        if step <= writes:
            version = town.look()["version"]
            assert version in (old, desired.release.version)
            seen.append(version == desired.release.version)
        repaired, _ = town.new_portal()
        town.apply(desired, repaired)
        town.check(desired)
        again, calls = town.new_portal()
        assert town.apply(desired, again).writes == 0
        assert set(calls) <= READS
    assert seen == [False, False, True, True, True]


def kill_during_the_switch(portal: CkanPortal, server: CkanServer) -> None:
    """Kill CKAN as soon as it has the body of the switching call."""
    original = portal._client.call

    def call(action: str, data: Any = None, **more: Any) -> Any:
        if action == "package_revise":
            timer = threading.Timer(0.03, server.kill_web)
            timer.start()
            try:
                return original(action, data, **more)
            finally:
                timer.join()
        return original(action, data, **more)

    portal._client.call = call  # type: ignore[method-assign]


# --- what is no CKAN ------------------------------------------------------------------------------------


class Answers(http.server.BaseHTTPRequestHandler):
    """Answers everything in one way and remembers the tokens it was sent."""

    status, kind, body, location = 200, "text/html", b"<h1>Welcome</h1>", ""
    tokens: list[str]

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.do_GET()

    def do_GET(self) -> None:
        self.tokens.append(self.headers.get("Authorization") or "")
        self.send_response(self.status)
        self.send_header("Content-Type", self.kind)
        self.send_header("Content-Length", str(len(self.body)))
        if self.location:
            self.send_header("Location", self.location)
        self.end_headers()
        self.wfile.write(self.body)

    def log_message(self, *args: Any) -> None:
        pass


@contextlib.contextmanager
def answering(**how: Any) -> Iterator[tuple[str, list[str]]]:
    tokens: list[str] = []
    handler = type("Handler", (Answers,), {**how, "tokens": tokens})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", tokens
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


TOKEN = "eyJ.secret-token.123"


@pytest.mark.parametrize(
    ("how", "said", "is_transient"),
    [
        ({}, "is not a CKAN", False),
        ({"status": 404}, "is not a CKAN", False),
        ({"kind": "application/json", "body": b"[]"}, "is not a CKAN", False),
        ({"kind": "application/json", "body": b'{"success": true, "result": {}}'}, "as a CKAN does", False),
        (
            {"status": 302, "location": f"https://else.example/{TOKEN}"},
            "redirects to https://else.example/",
            False,
        ),
        ({"status": 502}, "HTTP 502", True),
        ({"status": 413}, "too large", False),
        ({"status": 403}, "a proxy or a firewall", False),
        (
            {
                "status": 409,
                "kind": "application/json",
                "body": json.dumps(
                    {
                        "success": False,
                        "error": {"__type": "Validation Error", "x": [f"saw {TOKEN}"]},
                    }
                ).encode(),
            },
            "refuses status_show: x: saw ***",
            False,
        ),
    ],
)
def test_answers_that_are_not_ckans(how: dict[str, Any], said: str, is_transient: bool) -> None:
    with answering(**how) as (address, tokens):
        portal = CkanPortal(address, TOKEN)
        with pytest.raises(PortalError) as refused:
            portal.plan([])
    assert said in str(refused.value)
    assert refused.value.is_transient is is_transient
    assert tokens == [TOKEN]
    assert TOKEN not in str(refused.value)
    assert refused.value.__context__ is None, "an error from below could hold the token"


def test_a_dead_portal_fails_fast_for_every_dataset(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = places.release(Home(tmp_path), places.rows(3))
    assert first is not None
    desired = places.wanted(Home(tmp_path), first)
    portal = CkanPortal("http://127.0.0.1:9", TOKEN)
    told: list[PortalError] = []
    pauses: list[float] = []
    patience: list[Any] = []
    really = web.Session.request

    def request(session: web.Session, method: str, url: str, **options: Any) -> requests.Response:
        patience.append(options.get("timeout"))
        return really(session, method, url, **options)

    monkeypatch.setattr(time, "sleep", pauses.append)
    monkeypatch.setattr(web.Session, "request", request)
    assert portal.apply([desired] * 5, silent, lambda name, error: told.append(error)) == []
    assert pauses == []
    assert patience == [None, *[(GONE_TIMEOUT_S, READ_TIMEOUT_S)] * 4]
    assert len(told) == 5
    assert all(error.is_transient and "cannot be reached" in str(error) for error in told)


def test_the_token_does_not_travel_to_another_host() -> None:
    with (
        answering(kind="text/csv", body=b"a\n") as (storage, stored),
        answering(status=302, location=f"{storage}/file") as (address, tokens),
    ):
        client = CkanPortal(address, TOKEN)._client
        assert client.download(f"{address}/dataset/x/download/x.csv").sha256 == hashlib.sha256(b"a\n").hexdigest()
    assert tokens == [TOKEN]
    assert stored == [""]


def test_a_file_that_is_too_large_is_told_with_what_to_do(tmp_path: Path) -> None:
    first = places.release(Home(tmp_path), places.rows(3))
    assert first is not None
    desired = places.wanted(Home(tmp_path), first)
    for how in (
        {"status": 413},
        {
            "status": 409,
            "kind": "application/json",
            "body": b'{"error": {"__type": "Validation Error", "upload": ["File upload too large"]}}',
        },
    ):
        with answering(**how) as (address, _):
            wanted = wanted_dataset(desired, address)
            writer = Writer(Client(address, TOKEN), wanted, silent)
            difference = Difference((), files=ResourcesDifference(uploads=tuple(wanted.files)))
            with pytest.raises(PortalError, match=r"raise ckan\.max_resource_size") as refused:
                writer._switch(difference, {"id": "p", "metadata_modified": "m"})
        largest = max(wanted.files.values(), key=lambda file: file.size)
        assert f"the largest is {largest.path.name} with" in str(refused.value)
