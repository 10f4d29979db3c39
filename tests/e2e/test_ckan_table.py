"""The table of a dataset on a real CKAN, through its API and into its database, watched as readers see it."""

from __future__ import annotations

import datetime as dt
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ckanapi
import pytest

from publish.plans import PortalError
from publish.portals.ckan import CkanPortal, table
from publish.portals.ckan.client import READS
from publish.portals.ckan.table import through_api
from publish.portals.ckan.table.through_copy import ThroughCopy
from tests.e2e.ckan_server import CkanServer
from tests.e2e.test_ckan_portal import Town, as_ckan_shows, changed_rows, plain
from tests.publish import places
from warehouse.progress import Progress

ROUTES = ["api", "copy"]


@pytest.fixture
def town(ckan_shared: CkanServer, tmp_path: Path) -> Iterator[Town]:
    made = Town(ckan_shared, tmp_path)
    yield made
    made.purge()


def datastore_of(server: CkanServer) -> str:
    ini = (server.state() / "ckan.ini").read_text()
    found = re.search(r"^ckan\.datastore\.write_url = (.*)$", ini, re.MULTILINE)
    assert found
    return found[1]


def portal_of(town: Town, route: str) -> tuple[CkanPortal, list[str]]:
    return town.new_portal(datastore=datastore_of(town.server) if route == "copy" else "")


class Watcher(threading.Thread):
    """A reader who never stops: every state of the table that was to be seen, and the version shown beside it."""

    def __init__(self, town: Town) -> None:
        super().__init__(daemon=True)
        self.town, self.table_id = town, town.table_id
        self.seen: list[tuple[str, Any]] = []
        self.done = threading.Event()

    def run(self) -> None:
        anonymous = ckanapi.RemoteCKAN(self.town.server.url).action
        while not self.done.is_set():
            try:
                found = anonymous.datastore_search(resource_id=self.table_id, limit=1000, sort="_id")
                rows = as_seen(found["records"])
            except ckanapi.NotFound:
                rows = "no table"
            if not self.seen or self.seen[-1][1] != rows:
                self.seen.append((anonymous.package_show(id=self.town.name)["version"], rows))

    def __enter__(self) -> Watcher:
        self.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.done.set()
        self.join()


def as_seen(records: Any) -> list[str]:
    return sorted(str(sorted(row.items())) for row in plain(records))


def published(desired: Any, town: Town) -> list[str]:
    return as_seen(as_ckan_shows(desired, town.dataset))


def with_fields(town: Town, fields: list[dict[str, Any]], **more: Any) -> None:
    town.dataset = town.declared(fields=fields, **more)


def found_by_search(town: Town, word: str) -> int:
    return int(town.anonymous.datastore_search(resource_id=town.table_id, q=word)["total"])


@pytest.mark.parametrize("route", ROUTES)
def test_readers_see_the_old_rows_or_the_new(town: Town, route: str) -> None:
    portal, calls = portal_of(town, route)
    town.apply(town.release(changed_rows(0)), portal)
    fields = [dict(field) for field in places.ENTRY["fields"]]
    before = town.desired(town.dataset)

    def update(rows: list[Any], between: int = 0) -> Any:
        """Release and publish; ``between`` says how many states that are neither a reader may see."""
        nonlocal before
        old = published(before, town)
        desired = town.release(rows)
        with Watcher(town) as watcher:
            town.apply(desired, portal)
        new = published(desired, town)
        states = [rows for _, rows in watcher.seen]
        neither = [rows for rows in states if rows not in (old, new)]
        assert [] not in states
        assert "no table" not in states
        assert len(neither) <= between, neither
        town.check(desired)
        assert portal.plan([desired]).changes == ()
        before = desired
        return neither

    rows = changed_rows(1)
    update(rows)  # rows that change, come and go, as many as there were or more
    assert found_by_search(town, "step 0") == 0, "the search finds no old text"
    assert found_by_search(town, "step 1") == 1
    rows = [[*row[:2], f"{row[2]}!", *row[3:]] for row in rows]
    update(rows)

    # fewer rows: the API cannot delete in the transaction that changes rows
    left = update(rows[:-3], between=0 if route == "copy" else 1)
    assert all(set(published(before, town)) <= set(state) for state in left), "all new rows, and some that go"

    # a column more, filled
    places_fields = [*fields, {"name": "size", "title": "Size", "type": "integer"}]
    old = before
    with_fields(town, places_fields)
    desired = town.release([[*row, number] for number, row in enumerate(rows[:-3])])
    with Watcher(town) as watcher:
        town.apply(desired, portal)
    town.check(desired)
    states = [state for _, state in watcher.seen]
    assert [] not in states
    assert "no table" not in states
    with_fields(town, fields)
    allowed = [published(old, town)]
    with_fields(town, places_fields)
    allowed.append(published(desired, town))
    neither = [state for state in states if state not in allowed]
    assert len(neither) <= (0 if route == "copy" else 1)
    assert all("('size', None)" in row for state in neither for row in state), "the old rows with an empty column"
    assert portal.plan([desired]).changes == ()

    # another type, another key, a column less: at once
    retyped = [dict(field) for field in fields[:-1]]
    retyped[5]["type"] = "string"
    town.dataset = town.declared(fields=retyped, primaryKey=["number"], major_version=2)
    desired = town.release([[*row[:5], str(row[5]), *row[6:-1]] for row in rows])
    with Watcher(town) as watcher:
        town.apply(desired, portal, shrink=True)
    assert [] not in [state for _, state in watcher.seen]
    assert "no table" not in [state for _, state in watcher.seen]
    assert as_seen(town.anonymous.datastore_search(resource_id=town.table_id, limit=1000)["records"]) == published(
        desired, town
    )
    assert portal.plan([desired]).changes == ()
    again, calls = portal_of(town, route)
    assert town.apply(desired, again).writes == 0
    assert set(calls) <= READS


@pytest.mark.parametrize("route", ROUTES)
def test_what_somebody_changed_in_the_rows_is_told_and_repaired(
    town: Town, route: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if route == "copy":  # as of a table that does not fit into one answer
        monkeypatch.setattr(table, "PAGE_ROWS", 10)
    portal, _ = portal_of(town, route)
    desired = town.release(places.rows(30))
    town.apply(desired, portal)
    assert portal.plan([desired]).changes == ()
    town.admin.datastore_upsert(
        resource_id=town.table_id,
        force=True,
        method="update",
        records=[{"code": "P03", "number": 3, "name": "a secret that somebody wrote"}],
    )
    changes = portal.plan([desired]).changes
    assert [change.target for change in changes] == ["table"]
    assert "1 row is not as published (code P03, number 3: name)" in changes[0].detail
    assert "secret" not in changes[0].detail
    town.rows_sent = 0
    town.apply(desired, portal)
    town.check(desired)
    assert town.rows_sent == (1 if route == "api" else 0)

    # and one that the next version does not change
    town.admin.datastore_upsert(
        resource_id=town.table_id, force=True, method="update", records=[{"code": "P03", "number": 3, "score": 7}]
    )
    rows = [list(row) for row in places.rows(30)]
    rows[9][2] = "another"
    desired = town.release(rows)
    town.apply(desired, portal)
    town.check(desired)


def test_what_somebody_edits_while_rows_are_written_is_seen(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table, "PAGE_ROWS", 10)
    portal, _ = portal_of(town, "copy")
    town.apply(town.release(places.rows(30)), portal)
    rehearse = ThroughCopy.rehearse

    def edit_and_rehearse(change: ThroughCopy, progress: Progress) -> None:
        edit = {"code": "P03", "number": 3, "score": 7}
        town.admin.datastore_upsert(resource_id=town.table_id, force=True, method="update", records=[edit])
        rehearse(change, progress)

    rows = [list(row) for row in places.rows(30)]
    rows[9][2] = "another"
    del rows[20]
    desired = town.release(rows)
    monkeypatch.setattr(ThroughCopy, "rehearse", edit_and_rehearse)
    with pytest.raises(PortalError, match=r"1 row is not as published \(code P03, number 3: score\)"):
        town.apply(desired, portal)
    monkeypatch.setattr(ThroughCopy, "rehearse", rehearse)
    town.apply(desired, portal)
    town.check(desired)
    assert portal.plan([desired]).changes == ()


def words_are_as_the_trigger_finds_them(town: Town) -> None:
    """What we make for all rows at once is what CKAN's trigger makes row by row."""
    import psycopg

    with psycopg.connect(datastore_of(town.server)) as connection:
        before = f'SELECT _id, _full_text FROM "{town.table_id}" ORDER BY _id'
        ours = connection.execute(before.encode()).fetchall()
        assert all(words for _, words in ours)
        connection.execute(f'UPDATE "{town.table_id}" SET _full_text = NULL'.encode())
        assert connection.execute(before.encode()).fetchall() == ours


@pytest.mark.parametrize("route", ROUTES)
def test_hostile_texts_and_early_days(town: Town, route: str) -> None:
    portal, _ = portal_of(town, route)
    rows = [list(row) for row in places.rows(6)]
    texts = ["\\N", "a\n\\.\nb", "\\", "t\ta\rb\\n", '"', "ä€𝔘 \u202e, ;"]
    for row, text in zip(rows, texts, strict=True):
        row[2] = text
    rows[0][7], rows[1][7] = dt.date(1, 1, 1), dt.date(9999, 12, 31)
    rows[2][5] = 1e-300
    rows[3][5] = 123456789012345.6
    desired = town.release(rows)
    town.apply(desired, portal)
    assert as_seen(town.rows()) == published(desired, town)
    if route == "copy":
        words_are_as_the_trigger_finds_them(town)
    rows[0][2] = "\\."
    desired = town.release(rows)
    town.apply(desired, portal)
    assert as_seen(town.rows()) == published(desired, town)
    assert portal.plan([desired]).changes == ()


@pytest.mark.parametrize("route", ROUTES)
def test_a_value_that_postgresql_refuses_is_told_before_anything_changes(town: Town, route: str) -> None:
    portal, calls = portal_of(town, route)
    town.apply(town.release(places.rows(10)), portal)
    shown, before = town.package(), town.rows()
    rows = [list(row) for row in places.rows(10)]
    rows[4][2] = "zero\0byte"
    bad = town.release(rows)
    calls.clear()
    with pytest.raises(PortalError, match=r"cannot hold a NUL character in name \(1 row\)"):
        town.apply(bad, portal)
    assert set(calls) <= READS
    # one that only PostgreSQL knows of: a row that is too wide for its full-text search
    rows[4][2] = " ".join(f"{n:x}" for n in range(150_000))
    wide = town.release(rows)
    with pytest.raises(PortalError):
        town.apply(wide, portal)
    # and with a column more
    town.dataset = town.declared(
        fields=[*(dict(field) for field in places.ENTRY["fields"]), {"name": "more", "title": "More"}]
    )
    with pytest.raises(PortalError):
        town.apply(town.release([[*row, "x"] for row in rows]), portal)
    now = town.package()
    assert {key: value for key, value in now.items() if value != shown[key]} == {}
    assert town.rows() == before


def test_a_table_that_the_portal_has_forgotten_is_shown_again(town: Town) -> None:
    desired = town.release(places.rows(10))
    town.apply(desired)
    town.admin.resource_patch(id=town.table_id, datastore_active=False)
    (change,) = town.portal.plan([desired]).changes
    assert "forgotten" in change.detail
    town.apply(desired)
    assert town.package()["resources"][0]["datastore_active"] is True
    assert town.portal.plan([desired]).changes == ()


def test_a_large_table_is_compared_with_what_it_is_known_to_hold(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(through_api, "PAGE_ROWS", 10)
    monkeypatch.setattr(through_api, "CHUNK_ROWS", 7)
    monkeypatch.setattr(through_api, "_ONE_CALL_CELLS", 0)
    monkeypatch.setattr(through_api, "_ONE_FILL_CELLS", 0)
    town.dataset = town.declared(primaryKey=["number"])
    town.apply(town.release(changed_rows(0)))
    portal, _ = town.new_portal()
    monkeypatch.setattr(through_api, "download", None)
    desired = town.release(changed_rows(1))
    town.apply(desired, portal)
    assert as_seen(town.rows()) == published(desired, town)
    assert portal.plan([desired]).changes == ()


def test_an_address_that_leads_nowhere_is_told_without_its_password(town: Town) -> None:
    desired = town.release(places.rows(3))
    for address in ("postgresql://u:hush-hush@127.0.0.1:9/x", "hush-hush is no address", "postgresql://hush-hush"):
        portal, _ = town.new_portal(datastore=address)
        with pytest.raises(PortalError, match="OPENDISTRICT_DATASTORE_URL") as refused:
            town.apply(desired, portal)
        assert "hush" not in str(refused.value)
        assert refused.value.__context__ is None
