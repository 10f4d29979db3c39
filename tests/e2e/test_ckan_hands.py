"""What people do by hand on a real CKAN: words, takedowns, new names, other files; and what becomes of it."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import ckanapi
import pytest
import requests

from publish.desired import resource_id
from publish.portals.ckan.client import READS
from tests.e2e.test_ckan_portal import Town, changed_rows
from tests.publish import places
from warehouse.progress import silent


@pytest.fixture
def town(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Town]:
    made = Town(request.getfixturevalue("ckan_shared"), tmp_path)
    yield made
    made.purge()


def fates(told: Any) -> dict[str, str]:
    return {drift.target: drift.fate for drift in told.drift}


def test_words_changed_by_hand_are_told_and_left_while_all_else_goes_on(town: Town) -> None:
    town.apply(town.release(changed_rows(0)))
    csv = town.table_id
    town.admin.package_patch(id=town.name, title="Mine", tags=[{"name": "spam"}], maintainer="Me")
    town.admin.resource_patch(id=csv, name="The rows")
    hands = dict.fromkeys(("title", "keywords", "maintainer", "CSV, name"), "left")
    (plan,) = town.portal.plan([town.desired(town.dataset)]).datasets
    assert (plan.changes, fates(plan)) == ((), hands)

    desired = town.release(changed_rows(1))
    done = town.apply(desired)
    assert fates(done) == hands
    town.check(desired)
    package = town.package()
    assert (package["title"], package["maintainer"]) == ("Mine", "Me")
    assert [tag["name"] for tag in package["tags"]] == ["spam"]
    assert package["resources"][0]["name"] == "The rows"
    again, calls = town.new_portal()
    assert (town.apply(desired, again).writes, set(calls) <= READS) == (0, True)

    assert fates(town.apply(desired, overwrite=True)) == dict.fromkeys(hands, "undone")
    package = town.package()
    assert (package["title"], package["resources"][0]["name"]) == ("Places", "CSV")
    assert town.portal.plan([desired]).datasets[0].drift == ()


@pytest.mark.parametrize(
    "how", ["private", *(pytest.param(how, marks=pytest.mark.prove) for how in ("deleted", "purged"))]
)
def test_a_takedown_is_respected_until_somebody_restores(town: Town, how: str) -> None:
    town.apply(town.release(changed_rows(0)))
    desired = town.release(changed_rows(1))
    if how == "deleted":
        town.admin.package_delete(id=town.name)
    elif how == "private":
        town.admin.package_patch(id=town.name, private=True)
    else:  # no trace of it is left but in the home
        town.admin.dataset_purge(id=town.name)
        desired = replace(desired, published={town.portal.address: "2026-02-01.1"})
    (plan,) = town.portal.plan([desired]).datasets
    assert [hold.guard for hold in plan.holds] == ["taken_down"]
    again, calls = town.new_portal()
    done = town.apply(desired, again)
    assert [hold.guard for hold in done.holds] == ["taken_down"]
    assert (done.writes, set(calls) <= READS) == (0, True)

    class Stop(Exception):  # noqa: N818
        pass

    def stop(number: int, action: str) -> None:
        if number == 3:
            raise Stop

    dying, _ = town.new_portal(stop)
    with pytest.raises(Stop):
        town.apply(desired, dying, restore=True)
    assert not town.is_public() or how == "deleted"
    town.apply(desired)  # what was said once is finished without being said again
    town.check(desired)
    assert town.portal.plan([desired]).changes == ()


def test_new_names_on_the_portal_make_no_twins(town: Town) -> None:
    """Of the organisation, and of a dataset whose resources somebody deleted as well."""
    desired = town.release(places.rows(30))
    town.apply(desired)
    organisation = town.package()["organization"]
    assert organisation["id"] == resource_id("organisations", town.publisher["name"])
    town.admin.organization_patch(id=organisation["id"], name=f"renamed-{town.tag}", title="Renamed")
    assert town.portal.plan([desired]).datasets[0].outcome == "leave"

    town.admin.package_patch(id=town.name, name=f"my-{town.tag}", resources=[])
    (plan,) = town.portal.plan([desired]).datasets
    assert fates(plan)["name"] == "undone"
    town.apply(desired)
    town.check(desired)
    assert town.package()["organization"]["name"] == f"renamed-{town.tag}"
    with pytest.raises(ckanapi.NotFound):
        town.anonymous.organization_show(id=town.publisher["name"])


@pytest.mark.prove
def test_an_organisation_that_was_there_before_is_found_by_what_is_in_it(town: Town) -> None:
    """It has an id of its own, so another dataset of the publisher tells where it is, whatever it is called."""
    town.admin.organization_create(**town.publisher)
    desired = town.release(places.rows(30))
    town.apply(desired)
    organisation = town.package()["organization"]
    town.admin.organization_patch(id=organisation["id"], name=f"renamed-{town.tag}")
    other = Town(town.server, town.home.root / "other")
    other.publisher = town.publisher
    other.dataset = other.declared()
    try:
        other.apply(other.release(places.rows(3)))
        assert other.package()["organization"]["id"] == organisation["id"]
    finally:
        town.admin.dataset_purge(id=other.name)
        town.purge()
        town.admin.organization_purge(id=organisation["id"])


def later(path: Path) -> None:
    """As if it was written some seconds later: a web server tells the time of a file to the second."""
    found = path.stat()
    os.utime(path, (found.st_atime + 5, found.st_mtime + 5))


def test_other_bytes_of_the_same_size_are_noticed(town: Town) -> None:
    desired = town.release(places.rows(30))
    town.apply(desired)
    package = town.package()
    csv, archive = package["resources"][0], package["resources"][-1]
    admin = ckanapi.RemoteCKAN(town.server.url, apikey=town.server.token)
    for item in (csv, archive):
        content = requests.get(item["url"], timeout=30).content
        other = content[:-10] + bytes(10)
        files = {f"update__resources__{item['id']}__upload": (item["url"].rsplit("/", 1)[-1], other)}
        admin.call_action("package_revise", {"match__id": json.dumps(package["id"])}, files=files)
    again, calls = town.new_portal()
    (plan,) = again.plan([desired]).datasets
    assert set(calls) <= READS
    assert fates(plan) == {"CSV": "undone", f"version {desired.release.version}": "undone"}
    town.apply(desired)
    town.check(desired)
    # a file that was put into the portal's storage by other means, and back
    stored = next((town.server.state() / "storage").rglob(f"*{csv['id'][6:]}"))
    content = stored.read_bytes()
    stored.write_bytes(content[:-10] + bytes(10))
    later(stored)
    (plan,) = town.portal.plan([desired]).datasets
    assert fates(plan) == {"CSV": "undone"}
    stored.write_bytes(content)
    later(stored)
    (plan,) = town.portal.plan([desired]).datasets
    assert "are what was published" in plan.changes[0].detail
    assert town.apply(desired).writes == 1
    assert town.portal.plan([desired]).changes == ()
    # and one that nothing tells of, neither its size nor its time: only who reads all of it sees it
    touched = stored.stat()
    stored.write_bytes(content[:-10] + bytes(10))
    os.utime(stored, ns=(touched.st_atime_ns, touched.st_mtime_ns))
    assert town.portal.plan([desired]).drift == ()
    (plan,) = town.portal.plan([desired], deep=True).datasets
    assert fates(plan) == {"CSV": "undone"}
    (done,) = town.portal.apply([desired], silent, lambda *fault: pytest.fail(str(fault)), deep=True)
    assert fates(done) == {"CSV": "undone"}
    town.check(desired)


def test_the_district_is_a_group_and_who_takes_a_dataset_out_of_it_is_respected(town: Town) -> None:
    town.dataset = town.declared(district="kalasatama", keywords=["places", "C#"])
    desired = town.release(places.rows(3))
    done = town.apply(desired)
    assert "the keyword “C#” as it is: it is sent as “C sharp”" in done.unsent
    (group,) = town.package()["groups"]
    assert group["name"] == "kalasatama"
    town.admin.member_delete(id=group["id"], object=town.package()["id"], object_type="package")
    (plan,) = town.portal.plan([desired]).datasets
    assert (plan.changes, fates(plan)) == ((), {"group kalasatama": "left"})
    town.apply(desired, overwrite=True)
    assert [group["name"] for group in town.package()["groups"]] == ["kalasatama"]
    assert town.portal.plan([desired]).datasets[0].drift == ()


def test_versions_go_when_they_are_not_kept_and_never_change(town: Town) -> None:
    for step in range(3):
        desired = town.release(changed_rows(step))
    town.apply(desired)  # a first publication with all versions that there are
    town.check(desired)
    before = {
        r["id"]: (r["hash"], r["last_modified"]) for r in town.package()["resources"] if r["format"] == "ZIP"
    }
    assert len(before) == 3
    (town.home.root / "releases" / town.name / town.releases[0].version / "release.json").unlink()
    desired = town.release(changed_rows(3))
    town.apply(desired)
    town.check(desired)
    after = {r["id"]: (r["hash"], r["last_modified"]) for r in town.package()["resources"] if r["format"] == "ZIP"}
    assert len(after) == 3
    kept = [rid for rid in after if rid in before]
    assert len(kept) == 2
    assert all(after[rid] == before[rid] for rid in kept)


def editor_of(town: Town, act: Callable[[str], None]) -> None:
    """Have an editor of the publisher's organisation do something, who is given as a token."""
    user = town.admin.user_create(name=town.tag, email=f"{town.tag}@town.example", password="a-long-password")
    try:
        organisation = town.admin.organization_create(**town.publisher)
        town.admin.member_create(id=organisation["id"], object=user["id"], object_type="user", capacity="editor")
        act(town.admin.api_token_create(user=user["name"], name="publish")["token"])
    finally:
        town.admin.user_delete(id=user["id"])


@pytest.mark.prove
def test_an_editor_is_told_of_the_group_that_she_may_not_use(town: Town) -> None:
    from publish.portals.ckan import CkanPortal

    town.dataset = town.declared(district="kalasatama")
    desired = town.release(places.rows(3))

    def act(token: str) -> None:
        portal = CkanPortal(town.server.url, token)
        done = town.apply(desired, portal)
        assert len(done.unsent) == 1
        assert done.unsent[0].startswith("the group Kalasatama: the token's user may not ")
        town.check(desired)
        assert portal.plan([desired]).changes == ()

    editor_of(town, act)
