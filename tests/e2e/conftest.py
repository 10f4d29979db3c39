"""Real parts for the tests here: a CKAN, a browser."""

from tests.e2e.ckan_server import ckan, ckan_alone, ckan_shared  # noqa: F401
