"""Asking a CKAN that is busy, and writing to one that has a schema of its own: no CKAN is needed."""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import http.server
import json
import threading
import time
from collections.abc import Iterator

import pytest

from publish.plans import PortalError
from publish.portals.ckan import CkanPortal
from publish.portals.ckan.client import Client
from publish.portals.ckan.schemas import Schema, shaped
from publish.portals.ckan.wanted import wanted_dataset
from tests.publish import places
from warehouse.declarations import Translation
from warehouse.home import Home
from warehouse.progress import silent

TOKEN = "eyJ.secret-token.123"
Answer = tuple[int, dict[str, str], bytes]
GOOD: Answer = (200, {"Content-Type": "application/json"}, b'{"success": true, "result": {"a": 1}}')


@contextlib.contextmanager
def answering(*answers: Answer) -> Iterator[tuple[str, list[str]]]:
    """A server that gives these answers, the last one for ever; and the requests it got."""
    left, asked = list(answers), list[str]()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            self.do_GET()

        def do_GET(self) -> None:
            asked.append(f"{self.command} {self.path}")
            status, headers, body = left.pop(0) if len(left) > 1 else left[0]
            self.send_response(status)
            for key, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(key, value)
            self.end_headers()
            self.wfile.write(b"" if self.command == "HEAD" else body)

        do_HEAD = do_GET  # noqa: N815

        def log_message(self, *args: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    found: list[float] = []
    monkeypatch.setattr(time, "sleep", found.append)
    return found


def busy(status: int = 429, **headers: str) -> Answer:
    return (status, {key.replace("_", "-"): value for key, value in headers.items()}, b"busy")


def test_a_read_waits_as_long_as_a_busy_portal_asks(pauses):
    with answering(busy(Retry_After="3"), busy(503), GOOD) as (address, asked):
        assert Client(address, TOKEN).call("package_show", {"id": "x"}) == {"a": 1}
    assert len(asked) == 3
    assert pauses == [3.0, 4.0]


def test_patience_ends_and_the_portals_wish_is_told(pauses):
    with answering(busy(Retry_After="7")) as (address, asked), pytest.raises(PortalError) as refused:
        Client(address, TOKEN).call("package_show", {"id": "x"})
    assert (len(asked), pauses) == (3, [7.0, 7.0])
    assert refused.value.is_transient
    assert refused.value.retry_after == 7


def test_who_asks_for_an_hour_is_left_alone(pauses):
    with answering(busy(Retry_After="3600")) as (address, asked), pytest.raises(PortalError) as refused:
        Client(address, TOKEN).call("status_show")
    assert (len(asked), pauses) == (1, [])
    assert refused.value.retry_after == 3600


def test_a_write_is_never_tried_again_unseen(pauses):
    with answering(busy(Retry_After="1"), GOOD) as (address, asked):
        client = Client(address, TOKEN)
        with pytest.raises(PortalError) as refused:
            client.call("package_revise", {"match__id": "x"})
    assert (len(asked), pauses, client.writes) == (1, [], 1)
    assert refused.value.retry_after == 1


def test_a_busy_download_says_nothing_of_the_bytes(pauses):
    with answering(busy(Retry_After="2"), (200, {"Last-Modified": "then"}, b"a\n")) as (address, _):
        served = Client(address, TOKEN).download(f"{address}/x.csv")
    assert (served.size, served.modified, len(served.sha256)) == (2, "then", 64)
    assert pauses == [2.0]
    for status, is_transient in ((429, True), (500, True), (403, False)):
        with answering(busy(status)) as (address, _), pytest.raises(PortalError) as refused:
            Client(address, TOKEN).download(f"{address}/x.csv")
        assert refused.value.is_transient is is_transient
        assert "nobody can tell whether" in str(refused.value)
    with answering((404, {}, b"")) as (address, _):
        assert Client(address, TOKEN).download(f"{address}/x.csv").size == -1
    with answering((405, {}, b"")) as (address, _):
        assert Client(address, TOKEN).head(f"{address}/x.csv").size is None


def test_a_full_disk_of_ours_is_told_and_the_others_go_on(tmp_path, monkeypatch):
    first = places.release(Home(tmp_path), places.rows(3))
    desired = places.wanted(Home(tmp_path), first)
    portal = CkanPortal("https://data.example.org", TOKEN)

    def read(wanted: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", "a-folder")

    monkeypatch.setattr(portal._reader, "greet", lambda: None)
    monkeypatch.setattr(portal._reader, "read", read)
    told: list[str] = []
    assert portal.apply([desired, desired], silent, lambda name, error: told.append(str(error))) == []
    assert len(told) == 2
    assert "no space is left on this machine's disk (a-folder); free some, then publish again" in told[0]


# --- a schema of the server's own -----------------------------------------------------------------------

LIST = {"preset": "multiple_text", "validators": "ignore_missing scheming_multiple_text"}


def field(name: str, **more: object) -> dict[str, object]:
    return {"field_name": name, **more}


@pytest.fixture(scope="module")
def wanted(tmp_path_factory):
    home = Home(tmp_path_factory.mktemp("home"))
    dataset = dataclasses.replace(
        places.declaration(), translations=(Translation("fi", "somebody", None, title="Paikat"),)
    )
    return wanted_dataset(
        places.wanted(home, places.release(home, places.rows(3)), dataset=dataset), "https://x", True
    )


def test_a_stock_ckan_has_no_schema(wanted):
    assert shaped(wanted, Schema()) is wanted


def test_what_the_schema_has_stands_at_the_top_in_its_shape(wanted):
    schema = Schema.of(
        {
            "dataset_fields": [
                field("title"),
                field("theme", **LIST),
                field("frequency"),
                field("contact", repeating_subfields=[field("name"), field("email"), field("uri")]),
                field("spatial_coverage", repeating_subfields=[field("text"), field("geom")]),
                field("title_translated", form_languages=["en", "fi", "sv"]),
            ],
            "resource_fields": [
                field("language", **LIST),
                field("status", choices=[{"value": "http://purl.org/adms/status/Completed"}]),
                field("availability", choices=[{"value": "soon"}]),
                field(
                    "access_services",
                    repeating_subfields=[
                        field("title"),
                        field("endpoint_url", **LIST),
                        field("contact", repeating_subfields=[field("name")]),
                    ],
                ),
            ],
        }
    )
    found = shaped(wanted, schema)
    assert found.fields["theme"] == ["http://publications.europa.eu/resource/authority/data-theme/REGI"]
    assert found.fields["frequency"].endswith("/frequency/DAILY")
    assert found.fields["contact"] == [{"name": "Data desk", "email": "data@town.example"}]
    assert found.fields["spatial_coverage"][0]["text"] == "Kalasatama"
    assert found.fields["title_translated"] == {"en": "Places", "fi": "Paikat"}
    assert not {"theme", "frequency", "contact_name", "contact_email", "spatial_text"} & set(found.extras)
    assert {"spatial", "publisher_name", "language", "opendistrict"} <= set(found.extras)
    csv = found.resources[found.table_id]
    assert csv["language"] == ["http://publications.europa.eu/resource/authority/language/ENG"]
    assert csv["status"] == "http://purl.org/adms/status/Completed"
    assert csv["availability"] == ""
    (service,) = csv["access_services"]
    assert set(service) == {"title", "endpoint_url"}
    assert found.unsent == (
        "availability: the portal's schema does not know"
        " “http://publications.europa.eu/resource/authority/planned-availability/STABLE”",
        "the contact of Data API of Places: the portal's schema cannot show it",
    )
    assert json.loads(wanted.resources[wanted.table_id]["access_services"])[0]["contact"]
