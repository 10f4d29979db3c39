"""Real parts for the tests here: a CKAN, a browser."""

from pathlib import Path

import pytest

from tests.e2e.ckan_server import ckan, ckan_alone, ckan_shared  # noqa: F401

HERE = Path(__file__).parent


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark all of this folder, so that no test of a CKAN is taken for a fast one."""
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker("e2e")
