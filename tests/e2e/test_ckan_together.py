"""Datasets that must agree, on a real CKAN: all are switched, or all are shown as they were."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from flows import publishing
from flows.settings import Settings
from publish import together
from publish.plans import NOTHING_ALLOWED
from publish.portals.ckan import CkanPortal
from tests.e2e.ckan_server import CkanServer
from tests.e2e.test_ckan_portal import Town, changed_rows
from warehouse.progress import silent


@pytest.fixture
def towns(ckan_shared: CkanServer, tmp_path: Path) -> Iterator[list[Town]]:
    """Two publishers of one home, whose datasets must agree; the portal shows the first version of both."""
    made = [Town(ckan_shared, tmp_path) for _ in range(2)]
    for town in made:
        town.dataset = town.declared(publish_with="set")
        town.apply(town.release(changed_rows(0)))
    yield made
    for town in made:
        town.purge()


def test_a_set_whose_second_dataset_is_refused_is_put_back_and_the_next_run_converges(towns: list[Town]) -> None:
    """The token's user may edit the first publisher's datasets, and not yet the second's."""
    first, second = towns
    admin, server = first.admin, first.server
    shown = [town.desired(town.dataset) for town in towns]
    due = [town.release(changed_rows(1)) for town in towns]
    user = admin.user_create(name=first.tag, email=f"{first.tag}@town.example", password="a-long-password")

    def join(town: Town) -> None:
        where = town.package()["organization"]["id"]
        admin.member_create(id=where, object=user["id"], object_type="user", capacity="editor")

    def switch() -> tuple[together.Switched, int]:
        portal = CkanPortal(server.url, token)
        before = publishing._before(Settings(first.home, portal.address))
        return together.switch(due, publishing.Patient(portal, silent), before, NOTHING_ALLOWED, {}), portal.writes

    with contextlib.ExitStack() as after:
        after.callback(admin.user_delete, id=user["id"])
        token: Any = admin.api_token_create(user=user["name"], name="publish")["token"]
        join(first)
        switched, writes = switch()
        assert (switched.done, sorted(switched.problems)) == ([], sorted(town.name for town in towns))
        assert "the token's user has no right to" in str(switched.problems[second.name])
        assert str(switched.problems[first.name]).endswith(
            "could not be switched; version 2026-02-01 is shown again. The next run tries both again"
        )
        assert writes > 2  # the first was switched, and back
        # an address that was public for a moment is one for good: the archive of the newer version stays there
        first.check(replace(shown[0], versions=due[0].versions))
        second.check(shown[1])

        join(second)
        switched, _ = switch()
        assert (len(switched.done), switched.problems) == (2, {})
        for town, desired in zip(towns, due, strict=True):
            town.check(desired)
        switched, writes = switch()
        assert (switched.problems, writes) == ({}, 0)
