"""Calls of a publish spoiled in turn: the public sees the old state or the new, and one more run converges."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import ckanapi
import pytest

from publish.plans import PortalError
from publish.portals.ckan import CkanPortal
from tests.e2e.faulty import Fault, FaultyProxy, Spoiled
from tests.e2e.test_ckan_portal import Town, as_ckan_shows, changed_rows
from tests.e2e.test_ckan_portal import town as town
from tests.publish import places
from warehouse.progress import silent

ATTEMPTS = 3  # what a night does of itself with faults that may pass


@pytest.fixture
def proxy(town: Town) -> Iterator[FaultyProxy]:
    with FaultyProxy(town.server.url).running() as running:
        yield running


def publish(portal: CkanPortal, desired: Any) -> tuple[int, list[PortalError]]:
    """As a night does: again while something may pass. The writes of the last attempt, and what is left wrong."""
    for attempt in range(1, ATTEMPTS + 1):
        writes, left = publish_once(portal, desired)
        if attempt == ATTEMPTS or not any(error.is_transient for error in left):
            return writes, left
    raise AssertionError


def publish_once(portal: CkanPortal, desired: Any) -> tuple[int, list[PortalError]]:
    left: list[PortalError] = []
    try:
        done = portal.apply([desired], silent, lambda _, error: left.append(error))
    except PortalError as error:
        return 0, [error]
    return sum(one.writes for one in done), left


def shown(town: Town) -> tuple[str, list[dict[str, Any]]] | None:
    """What everybody sees: the version, its files being as they should, and the rows of the table; or nothing."""
    try:
        package = town.look()
    except (ckanapi.NotFound, ckanapi.NotAuthorized):
        return None
    return package["version"], town.rows()


def states(town: Town, *versions: Any) -> list[Any]:
    return [(one.release.version, as_ckan_shows(one, town.dataset)) for one in versions]


def try_one(town: Town, proxy: FaultyProxy, step: int, index: Spoiled, fault: Fault) -> int:
    """An update with one request spoiled, then one more run. How many requests the update has."""
    before = town.desired(town.dataset)
    after = town.release(changed_rows(step))
    proxy.arm({index: fault})
    _, left = publish(CkanPortal(proxy.url, town.server.token), after)
    count = len(proxy.calls)
    told = f"request {index} of {count}, {fault}: {left}"
    assert shown(town) in states(town, before, after), told
    proxy.arm({})
    publish(CkanPortal(proxy.url, town.server.token), after)
    assert [shown(town)] == states(town, after), told
    assert publish(CkanPortal(proxy.url, town.server.token), after) == (0, []), told
    return count


def start(town: Town, proxy: FaultyProxy) -> int:
    """Publish the first version and the next without a fault. How many requests an update has."""
    publish(CkanPortal(proxy.url, town.server.token), town.release(places.rows(30)))
    proxy.arm({})
    publish(CkanPortal(proxy.url, town.server.token), town.release(changed_rows(0)))
    return len(proxy.calls)


def test_an_update_with_some_requests_spoiled(town: Town, proxy: FaultyProxy) -> None:
    count = start(town, proxy)
    seeded = random.Random(10)
    for step in range(1, 5):
        try_one(town, proxy, step, seeded.randrange(count), seeded.choice(list(Fault)))


@pytest.mark.parametrize("fault", [Fault.FORBIDDEN, Fault.NOT_FOUND])
def test_what_never_passes_elsewhere_is_tried_again_between_the_files_and_the_table(
    town: Town, proxy: FaultyProxy, fault: Fault
) -> None:
    start(town, proxy)
    switch = proxy.calls.index("POST /api/action/package_revise")
    assert proxy.calls[switch + 1] == "POST /api/action/datastore_upsert"
    try_one(town, proxy, 1, switch + 1, fault)


def test_what_is_added_is_added_once_though_the_call_is_done_twice(town: Town, proxy: FaultyProxy) -> None:
    """Of two archives CKAN would keep one, at the place of the second, and refuse every update from then on."""
    proxy.arm({("POST /api/action/resource_view_create", 0): Fault.TWICE})
    start(town, proxy)
    assert len(town.admin.resource_view_list(id=town.table_id)) == 1
    try_one(town, proxy, 1, ("POST /api/action/package_revise", 1), Fault.TWICE)
    assert [item["position"] for item in town.package()["resources"]] == list(range(9))
    try_one(town, proxy, 2, 0, Fault.DELAY)


@pytest.mark.prove
@pytest.mark.parametrize("fault", Fault)
def test_an_update_with_every_request_spoiled_in_turn(town: Town, proxy: FaultyProxy, fault: Fault) -> None:
    count = start(town, proxy)
    for index in range(count):
        try_one(town, proxy, 1 + index % 3, index, fault)  # a longer way back would be held as a shrinking


@pytest.mark.prove
@pytest.mark.parametrize("fault", Fault)
def test_a_first_publication_with_every_request_spoiled_in_turn(
    town: Town, proxy: FaultyProxy, fault: Fault
) -> None:
    first = town.release(places.rows(30))
    publish(CkanPortal(proxy.url, town.server.token), first)
    count = len(proxy.calls)
    for index in range(count):
        town.purge()
        proxy.arm({index: fault})
        _, left = publish(CkanPortal(proxy.url, town.server.token), first)
        told = f"request {index} of {count}, {fault}: {left}"
        assert shown(town) in [None, *states(town, first)], told
        proxy.arm({})
        publish(CkanPortal(proxy.url, town.server.token), first)
        assert [shown(town)] == states(town, first), told
        assert publish(CkanPortal(proxy.url, town.server.token), first) == (0, []), told
