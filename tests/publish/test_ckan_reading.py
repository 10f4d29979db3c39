"""What is read of a CKAN whose files somebody changed without a trace: no server is asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from publish.plans import Allowed
from publish.portals.ckan import CkanPortal
from publish.portals.ckan.client import READS, Served
from publish.portals.ckan.managed import told_apart
from publish.portals.ckan.reading import Reader
from publish.portals.ckan.wanted import wanted_dataset
from tests.publish import places
from tests.publish.test_ckan_plan import ADDRESS, TOKEN, shown_as
from warehouse.home import Home
from warehouse.progress import silent


class Shelf:
    """A client of a CKAN without a DataStore that holds one dataset; it tells of files what it was told."""

    address = ADDRESS
    writes = 0

    def __init__(self, package: Mapping[str, Any] | None) -> None:
        self.package = package
        items = package["resources"] if package else ()
        self.stored = {item["url"]: Served(item.get("size"), "", item["hash"]) for item in items}
        self.downloads: list[str] = []

    def call(self, action: str, data: Mapping[str, Any] | None = None, *, missing_ok: bool = False) -> Any:
        assert action in READS
        answers = {
            "status_show": {"ckan_version": "2.12.0", "extensions": ["activity"]},
            "user_show": {"sysadmin": True},
            "package_show": self.package,
        }
        return answers.get(action)

    def head(self, url: str) -> Served:
        return Served(self.stored[url].size)

    def download(self, url: str) -> Served:
        self.downloads.append(url)
        return self.stored[url]

    def swap(self, url: str) -> None:
        """Other bytes, as many, and nothing that says so."""
        self.stored[url] = Served(self.stored[url].size, "", "0" * 64)


@pytest.fixture(scope="module")
def desired(tmp_path_factory: pytest.TempPathFactory) -> Any:
    home = Home(tmp_path_factory.mktemp("home"))
    return places.wanted(home, places.release(home, places.rows(30)))


def portal_of(shelf: Shelf) -> CkanPortal:
    portal = CkanPortal(ADDRESS, TOKEN)
    portal._client, portal._reader = shelf, Reader(shelf)  # type: ignore[assignment, arg-type]
    return portal


def test_what_was_published_here_and_is_gone_is_not_made_anew_in_silence(desired: Any) -> None:
    """A CKAN keeps no trace of what was purged; the home that published it knows. Other portals do not matter."""
    portal = portal_of(Shelf(None))
    for elsewhere in ({}, {"https://other.example.org": "2026-02-01.1"}):
        (plan,) = portal.plan([replace(desired, published=elsewhere)]).datasets
        assert (plan.outcome, plan.holds) == ("create", ())
    gone = replace(desired, published={ADDRESS: "2026-02-01.1"})
    (plan,) = portal.plan([gone]).datasets
    (done,) = portal.apply([gone], silent, lambda *fault: pytest.fail(str(fault)))
    assert plan.holds == done.holds  # and the shelf was asked for nothing but reads
    (hold,) = plan.holds
    assert (hold.guard, hold.allowed_by) == ("taken_down", "--restore")
    assert "has published it here (run 2026-02-01.1), and the portal knows nothing of it" in hold.detail
    (plan,) = portal.plan([gone], Allowed(restore=frozenset({gone.name}))).datasets
    assert (plan.outcome, plan.holds) == ("create", ())


def test_only_a_deep_look_sees_bytes_that_were_swapped_without_a_trace(desired: Any) -> None:
    """The size, and when the file came, are as before: it takes a download of every file to see it."""
    shelf = Shelf(shown_as(wanted_dataset(desired, ADDRESS)).package)
    portal = portal_of(shelf)

    def look(*, deep: bool) -> dict[str, str]:
        (plan,) = portal.plan([desired], deep=deep).datasets
        return {one.target: one.fate for one in plan.drift}

    assert (look(deep=True), sorted(shelf.downloads)) == ({}, sorted(shelf.stored))
    shelf.downloads.clear()
    csv, *_, archive = shelf.stored
    shelf.swap(csv)
    shelf.swap(archive)
    assert (look(deep=False), shelf.downloads) == ({}, [])
    assert look(deep=True) == {"CSV": "undone", f"version {desired.release.version}": "undone"}
    assert look(deep=False) == {}


@given(st.text("ab …“", max_size=130), st.text("ab …“", max_size=130), st.text("ab …“", max_size=130))
def test_values_that_differ_are_told_apart_in_a_few_words(shared: str, one: str, other: str) -> None:
    first, second = (f"{shared}{text}" for text in (one, other))
    told = told_apart(first, second)
    assert (told[0] == told[1]) == (first.split() == second.split())
    assert max(map(len, told)) <= 60 + len("“……”")
    assert told_apart(second, first) == told[::-1]
