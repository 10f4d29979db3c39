"""What is read of a CKAN whose files somebody changed without a trace: no server is asked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from publish.portals.ckan import CkanPortal
from publish.portals.ckan.client import READS, Served
from publish.portals.ckan.managed import told_apart
from publish.portals.ckan.reading import Reader
from publish.portals.ckan.wanted import wanted_dataset
from tests.publish import places
from tests.publish.test_ckan_plan import ADDRESS, TOKEN, shown_as
from warehouse.home import Home


class Shelf:
    """A client of a CKAN without a DataStore that holds one dataset; it tells of files what it was told."""

    address = ADDRESS

    def __init__(self, package: Mapping[str, Any]) -> None:
        self.package = package
        self.stored = {
            item["url"]: Served(item.get("size"), "", item["hash"])
            for item in package["resources"]
            if item["hash"]
        }
        self.downloads: list[str] = []

    def call(self, action: str, data: Mapping[str, Any] | None = None, *, missing_ok: bool = False) -> Any:
        assert action in READS
        answers = {
            "status_show": {"ckan_version": "2.12.0", "extensions": ["activity"]},
            "user_show": {"sysadmin": True},
            "package_show": self.package,
        }
        return answers[action]

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


def test_only_a_deep_look_sees_bytes_that_were_swapped_without_a_trace(desired: Any) -> None:
    """The size, and when the file came, are as before: it takes a download of every file to see it."""
    shelf = Shelf(shown_as(wanted_dataset(desired, ADDRESS)).package)
    portal = CkanPortal(ADDRESS, TOKEN)
    portal._client, portal._reader = shelf, Reader(shelf)  # type: ignore[assignment, arg-type]

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
