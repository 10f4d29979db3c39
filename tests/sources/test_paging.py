"""Paged APIs: every page once in the archive, byte for byte, whatever the server does, however often we die."""

from __future__ import annotations

import json
import logging
import os
import threading
import traceback
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from dlt.sources.helpers.rest_client.paginators import (
    HeaderLinkPaginator,
    JSONLinkPaginator,
    OffsetPaginator,
    PageNumberPaginator,
    SinglePagePaginator,
)

from sources import NothingThereError, PullRequest, SourceError, paging
from sources.changes import since
from sources.http import Publisher, Timepiece
from sources.kept_pages import KeptPages
from sources.paging import EndlessError, Endpoint, incompleteness, items_of, pull_pages
from sources.turns import turns_of
from tests.sources.paged_server import PagedServer
from tests.sources.test_pulling import DECLARATION
from warehouse.addresses import origin_of
from warehouse.archive import Archive
from warehouse.declarations import DeclarationError, SourceDeclaration, parse
from warehouse.declarations.http import HttpDeclaration
from warehouse.home import Home
from warehouse.ledger import SnapshotRecord, Verdict

DAY = date(2026, 3, 1)
KEY = "hunter2-hunter2"


class FakeTime:
    """Time that passes only by sleeping."""

    def __init__(self) -> None:
        self.seconds = 1000.0
        self.pauses: list[float] = []
        self._lock = threading.Lock()

    def now(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        with self._lock:
            self.pauses.append(seconds)
            self.seconds += seconds

    @property
    def piece(self) -> Timepiece:
        return Timepiece(self.now, self.sleep)


@pytest.fixture
def time() -> FakeTime:
    return FakeTime()


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


def declared(**http: Any) -> SourceDeclaration:
    return DECLARATION.model_copy(update={"http": parse(HttpDeclaration, http, "test")})


def by_number(base: str, **more: Any) -> Endpoint:
    """As of PRH: pages by number, no end, a total of items."""

    def paginator() -> PageNumberPaginator:
        return PageNumberPaginator(base_page=1, page_param="page", total_path=None)

    return Endpoint(
        f"{base}/list", "companies", paginator, **{"total": "totalResults", "stops_at_total": True, **more}
    )


def by_link(base: str, **more: Any) -> Endpoint:
    """As of Linked Events: a link to the next page."""
    return Endpoint(
        f"{base}/list", "companies", lambda: JSONLinkPaginator("meta.next"), **{"total": "totalResults", **more}
    )


def by_header(base: str, **more: Any) -> Endpoint:
    """As of GitHub: a link to the next page, in a header."""
    return replace(by_link(base, **more), paginator=HeaderLinkPaginator)


KINDS = pytest.mark.parametrize("kind", [by_number, by_link, by_header])


def pull(home: Home, time: FakeTime, *endpoints: Endpoint, **http: Any):
    declaration = declared(**http)
    with Publisher(declaration, paging._PAGE_LIMITS, time.piece) as publisher:
        return pull_pages(PullRequest(home, declaration, None, DAY), endpoints, publisher)


def unfinished(home: Home) -> list[str]:
    return sorted(path.name for path in home.raw.glob("things/.unfinished/*/*.json") if path.name != "begun.json")


@KINDS
def test_every_page_is_kept_once_and_byte_for_byte(home: Home, time: FakeTime, kind) -> None:
    server = PagedServer(pages=12)
    with server.running() as base:
        snapshot = pull(home, time, kind(base))
        assert server.asked == list(range(1, 13))
        assert [file.name for file in snapshot.files] == [f"page-{n:05d}.json" for n in range(1, 13)]
        assert [path.read_bytes() for path in snapshot.paths()] == [server.content(n, base) for n in range(1, 13)]
        assert snapshot.origin == f"{base}/list"
        endpoint = kind(base)
        assert [item["id"] for _, items in items_of(snapshot, endpoint) for item in items] == list(range(120))
        assert incompleteness(snapshot, endpoint) == ""
        assert unfinished(home) == []
        assert pull(home, time, kind(base)) == snapshot  # as before: nothing is kept twice
    assert len(Archive(home, "things").snapshots()) == 1


@KINDS
def test_limits_and_broken_answers_cost_time_and_no_page(home: Home, time: FakeTime, kind) -> None:
    server = PagedServer(pages=20, busy_every=4, breaks_off_every=7)
    with server.running() as base:
        snapshot = pull(home, time, kind(base))
        assert [path.read_bytes() for path in snapshot.paths()] == [server.content(n, base) for n in range(1, 21)]
    assert server.asked == list(range(1, 21))
    assert server.refused > 3
    assert server.broken > 2
    assert server.requests == 20 + server.refused + server.broken
    assert sum(time.pauses) <= 3 * server.refused + 1 * server.broken


def test_a_declared_budget_is_used_up_and_never_exceeded(home: Home, time: FakeTime) -> None:
    server = PagedServer(pages=30, limit=5, window=10, now=time.now)
    with server.running() as base:
        pull(home, time, by_number(base), budget={"requests": 5, "per_seconds": 10})
    assert server.refused == 0
    assert server.requests == 30
    assert (
        50 <= time.seconds - 1000 < 50.5
    )  # five at once, then five every ten seconds: the least this server allows


def test_without_a_budget_the_servers_own_pauses_are_kept(home: Home, time: FakeTime) -> None:
    server = PagedServer(pages=30, limit=5, window=10, now=time.now)
    with server.running() as base:
        pull(home, time, by_number(base))
    assert server.asked == list(range(1, 31))
    assert 50 <= time.seconds - 1000 <= 60


def test_an_interval_is_kept(home: Home, time: FakeTime) -> None:
    server = PagedServer(pages=9)
    with server.running() as base:
        pull(home, time, by_number(base), interval_seconds=0.5)
    assert time.pauses == [0.5] * 8


def test_threads_share_a_budget() -> None:
    terms = HttpDeclaration.model_validate({"budget": {"requests": 3, "per_seconds": 10}})
    turns, waits = turns_of(("http", "threads.example", 80)), []

    def take() -> None:
        for _ in range(5):
            waits.append(turns.take(terms, 0))

    threads = [threading.Thread(target=take) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [int(wait) for wait in sorted(waits)] == sorted(10 * (n // 3) for n in range(20))
    assert turns_of(origin_of("http://threads.example/x")) is turns


# --- resuming -----------------------------------------------------------------------------------------


class KilledError(BaseException):
    """What a kill looks like from inside."""


class DyingTime(FakeTime):
    """Dies at a request's turn."""

    def __init__(self, at: int) -> None:
        super().__init__()
        self.left = at

    def now(self) -> float:
        self.left -= 1
        if self.left < 0:
            raise KilledError
        return super().now()


@KINDS
@pytest.mark.parametrize("died_at", [0, 1, 6])
def test_a_pull_that_was_cut_off_goes_on(home: Home, time: FakeTime, kind, died_at: int) -> None:
    server = PagedServer(pages=8)
    with server.running() as base:
        with pytest.raises(KilledError):
            pull(home, DyingTime(died_at), kind(base))
        assert len(unfinished(home)) == died_at
        assert Archive(home, "things").snapshots() == []
        home.sweep()  # what the next run begins with
        snapshot = pull(home, time, kind(base))
        assert [path.read_bytes() for path in snapshot.paths()] == [server.content(n, base) for n in range(1, 9)]
    assert server.asked == list(range(1, 9))
    assert unfinished(home) == []


def killed_at(home: Home, base: str, at: int = 4, **more: Any) -> None:
    with pytest.raises(KilledError):
        pull(home, DyingTime(at), by_number(base, **more))


def test_a_torn_page_is_not_trusted(home: Home, time: FakeTime) -> None:
    server = PagedServer(pages=6)
    with server.running() as base:
        killed_at(home, base)
        pages = sorted(home.raw.glob("things/.unfinished/*/page-*.json"))
        pages[1].write_bytes(pages[1].read_bytes()[:-5])
        Path(f"{pages[2]}.noted").write_text("{")
        server.asked.clear()
        pull(home, time, by_number(base))
    assert server.asked == [2, 3, 5, 6]


def test_another_request_and_an_old_one_begin_anew(
    home: Home, time: FakeTime, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = PagedServer(pages=6)
    with server.running() as base:
        killed_at(home, base)
        server.asked.clear()
        other = by_number(base, params={"postCode": "00580"})
        pull(home, time, other)
        assert server.asked == [1, 2, 3, 4, 5, 6]
        assert len(unfinished(home)) == 4  # they still wait for the other one
        server.asked.clear()
        later = paging.time.time() + 25 * 3600
        monkeypatch.setattr(paging.time, "time", lambda: later)
        pull(home, time, by_number(base))
    assert server.asked == [1, 2, 3, 4, 5, 6]
    assert unfinished(home) == []


@pytest.mark.parametrize(("delivery", "asked"), [("full", [5, 6]), ("changes", [1, 2, 3, 4, 5, 6])])
def test_changes_of_a_day_are_not_mixed_with_pages_of_the_day_before(
    home: Home, time: FakeTime, delivery: str, asked: list[int]
) -> None:
    (table,) = declared().tables
    declaration = declared().model_copy(update={"tables": (table.model_copy(update={"delivery": delivery}),)})
    server = PagedServer(pages=6)
    with server.running() as base:
        request = PullRequest(home, declaration, None, DAY)
        with pytest.raises(KilledError), Publisher(declaration, None, DyingTime(4).piece) as publisher:
            pull_pages(request, [by_number(base)], publisher)
        server.asked.clear()
        with Publisher(declaration, None, time.piece) as publisher:
            pull_pages(replace(request, day=DAY + timedelta(days=1)), [by_number(base)], publisher)
    assert server.asked == asked


def test_going_on_is_said(home: Home, time: FakeTime) -> None:
    told: list[str] = []
    server = PagedServer(pages=6)
    with server.running() as base:
        killed_at(home, base)
        declaration = declared()
        request = PullRequest(home, declaration, None, DAY, lambda step, *_: told.append(step))
        with Publisher(declaration, None, time.piece) as publisher:
            pull_pages(request, [by_number(base)], publisher)
    assert told[0] == "things: going on with a pull that was cut off"


# --- where it ends ------------------------------------------------------------------------------------


def test_the_first_page_again_is_the_end(home: Home, time: FakeTime) -> None:
    server = PagedServer(pages=4)
    with server.running() as base:
        snapshot = pull(home, time, by_number(base, total=None, stops_at_total=False))
    assert len(snapshot.files) == 4
    assert server.asked == [1, 2, 3, 4, 5]  # the fifth is the first again


def test_a_list_without_an_end_is_given_up(home: Home, time: FakeTime) -> None:
    server = PagedServer(pages=1000, size=50)
    with server.running() as base:
        with pytest.raises(EndlessError, match="more than 20 pages"):
            pull(home, time, by_link(base, max_pages=20))
        assert server.requests == 20
        with pytest.raises(EndlessError, match="10,000 bytes that a pull may have"):
            pull(home, time, by_link(base), max_bytes_per_pull=10_000)
        with pytest.raises(SourceError, match="more than the 100"):
            pull(home, time, by_link(base), max_bytes=100)
    assert unfinished(home) == []


def test_a_list_that_changes_meanwhile_is_said_not_to_be_whole(home: Home, time: FakeTime) -> None:
    server = PagedServer(pages=4, grows_at=3)
    with server.running() as base:
        snapshot = pull(home, time, by_number(base))
        assert "40 to 41 items" in incompleteness(snapshot, by_number(base))
    assert len(snapshot.files) == 4


def test_fewer_items_than_the_api_counts_are_said(home: Home, time: FakeTime) -> None:
    server = PagedServer(pages=3)
    server.rewrites[3] = json.dumps({"totalResults": 30, "companies": [{"id": 20}], "meta": {}}).encode()
    with server.running() as base:
        snapshot = pull(home, time, by_link(base))
        assert incompleteness(snapshot, by_link(base)) == ("The list has 30 items by its own count, and 21 came.")


@pytest.mark.parametrize(
    ("body", "said", "is_transient"),
    [
        (b"<html>maintenance</html>", "is no JSON", True),
        (b"[" * 100_000, "is no JSON", True),
        (b'{"error": "no such thing"}', "holds no list companies", False),
        (b'{"companies": {"id": 1}}', "holds no list companies", False),
        (b'{"companies": [{"id": 1}], "meta": {"next": 7}}', "cannot be followed", True),
        (b'{"companies": [{"id": 1}], "meta": {"next": "http://[/"}}', "cannot be followed", True),
        (b'{"companies": [{"id": 1}], "meta": {"next": "http://evil.example/?key=1"}}', "another host", False),
        (b'{"companies": [{"id": 1}], "meta": {"next": "file:///etc/passwd"}}', "another host", False),
    ],
)
def test_a_page_that_is_none_is_not_kept(
    home: Home, time: FakeTime, body: bytes, said: str, is_transient: bool
) -> None:
    server = PagedServer(pages=4)
    server.rewrites[3] = body
    with server.running() as base:
        with pytest.raises(SourceError, match=said) as caught:
            pull(home, time, by_link(base))
        assert caught.value.is_transient is is_transient
        assert len(str(caught.value)) < 400
        server.rewrites.clear()
        server.asked.clear()
        if "another" not in said:  # that page was one: its link leads away
            assert unfinished(home) == ["page-00001.json", "page-00002.json"]
            pull(home, time, by_link(base))
            assert server.asked == [3, 4]


def test_several_lists_are_one_snapshot(home: Home, time: FakeTime) -> None:
    server = PagedServer(pages=2)
    with server.running() as base:
        events, places = by_number(base, name="event"), by_number(base, name="place", params={"kind": "place"})
        snapshot = pull(home, time, events, places)
        names = ["event-00001.json", "event-00002.json", "place-00001.json", "place-00002.json"]
        assert [file.name for file in snapshot.files] == names
        assert sum(len(items) for _, items in items_of(snapshot, places)) == 20
    assert sum("kind=place" in path for path in server.paths) == 2


def test_offsets_and_single_pages(home: Home, time: FakeTime) -> None:
    server = PagedServer(pages=1, size=10)
    with server.running() as base:
        for paginator in (
            SinglePagePaginator,
            lambda: OffsetPaginator(10, offset_param="start_index", limit_param="n", total_path="totalResults"),
        ):
            snapshot = pull(home, time, Endpoint(f"{base}/list", "companies", paginator, total="totalResults"))
            assert len(snapshot.files) == 1
    assert "start_index=0" in server.paths[-1]


# --- changes ------------------------------------------------------------------------------------------


def record(day: int, *, is_promoted: bool = True) -> SnapshotRecord:
    verdict = Verdict.PASSED if is_promoted else Verdict.HELD
    return SnapshotRecord("things", f"s{day}", date(2026, 3, day), "x", "f", verdict, is_promoted, "run")


def test_changes_are_asked_for_since_the_last_that_were_taken_in() -> None:
    known = [record(1), record(3), record(5, is_promoted=False), record(6)]
    assert since(known, date(2026, 3, 7)) == date(2026, 3, 5)  # a day more: the publisher's ends elsewhere
    assert since(known, date(2026, 3, 6)) == date(2026, 3, 2)  # what it replaces does not count, nor what was held
    assert since([], DAY) is since([record(1)], DAY) is None


def test_no_changes_are_nothing_new(home: Home, time: FakeTime) -> None:
    server = PagedServer(pages=1, size=0)
    with server.running() as base, Publisher(declared(), None, time.piece) as publisher:
        request = PullRequest(home, declared(), None, DAY, since=date(2026, 2, 28))
        with pytest.raises(NothingThereError, match="no changes since 2026-02-28"):
            pull_pages(request, [by_link(base)], publisher)
        assert pull_pages(replace(request, since=None), [by_link(base)], publisher).date == DAY
        looked = home.raw / "things" / "origins.json"
        os.utime(looked, (0, 0))
        with pytest.raises(NothingThereError):
            pull_pages(request, [by_link(base)], publisher)
        assert looked.stat().st_mtime > 0  # that it was looked at is noted
    assert unfinished(home) == []


# --- secrets ------------------------------------------------------------------------------------------


def authenticated(base: str, **more: Any) -> dict[str, Any]:
    return {"authentication": {"kind": "header", "header": "X-Key", "secret_env": "A_KEY", "at": base, **more}}


def everything_in(home: Home) -> Iterator[bytes]:
    for path in home.root.rglob("*"):
        yield str(path).encode()
        if path.is_file():
            yield path.read_bytes()


def test_the_key_is_nowhere(
    home: Home,
    time: FakeTime,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("A_KEY", KEY)
    server = PagedServer(pages=6, key=KEY, busy_every=3, breaks_off_every=4)
    texts = []
    with server.running() as base:
        with pytest.raises(KilledError):
            pull(home, DyingTime(5), by_link(base), **authenticated(base))
        found = [*everything_in(home)]
        server.rewrites[5] = b"not json " + KEY[:3].encode()
        with pytest.raises(SourceError) as caught:
            pull(home, time, by_link(base), **authenticated(base))
        texts += traceback.format_exception(caught.value)
        server.rewrites[5] = b'{"companies": [], "you": "' + KEY.encode() + b'"}'
        with pytest.raises(SourceError, match="repeats the secret in A_KEY") as caught:
            pull(home, time, by_link(base), **authenticated(base))
        texts += traceback.format_exception(caught.value)
        found += [*everything_in(home)]
        server.rewrites.clear()
        pull(home, time, by_link(base), **authenticated(base))
        found += [*everything_in(home)]
        server.key = "another"
        with pytest.raises(SourceError, match="401") as caught:
            pull(home, time, by_link(base, params={"x": "y"}), **authenticated(base))
        texts += traceback.format_exception(caught.value)
    assert len(found) > 30
    assert KEY.encode() not in b"".join(found)
    assert KEY not in "".join([*texts, caplog.text, *capfd.readouterr(), *server.paths])


@pytest.mark.parametrize(
    ("authentication", "header", "value"),
    [
        ({"kind": "basic"}, "Authorization", "Basic aHVudGVyMi1odW50ZXIyOg=="),
        ({"kind": "bearer"}, "Authorization", f"Bearer {KEY}"),
        ({"kind": "header", "header": "X-Key"}, "X-Key", KEY),
    ],
)
def test_a_secret_is_sent_as_declared_and_to_its_host_only(
    home: Home,
    time: FakeTime,
    monkeypatch: pytest.MonkeyPatch,
    authentication: dict[str, str],
    header: str,
    value: str,
) -> None:
    from tests.web_server import give, served

    seen: list[str | None] = []

    def note(handler) -> None:
        seen.append(handler.headers.get(header))
        give(handler, 200, b"{}")

    def lead_away(handler) -> None:
        seen.append(handler.headers.get(header))
        give(handler, 302, Location=f"{other}/x")

    monkeypatch.setenv("A_KEY", f" {KEY}\n")
    with served({"/x": note}) as other, served({"/x": note, "/away": lead_away}) as base:
        terms = {"authentication": {"secret_env": "A_KEY", "at": base, **authentication}}
        with Publisher(declared(**terms), None, time.piece) as publisher:
            publisher.page(f"{base}/x")
            publisher.page(f"{other}/x")
            publisher.page(f"{base}/away")
    assert seen == [value, None, value, None]


def test_a_missing_secret_is_named(home: Home, time: FakeTime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("A_KEY", raising=False)
    server = PagedServer(key=KEY)
    with server.running() as base:
        with Publisher(declared(**authenticated(base)), None, time.piece):
            pass  # it is read only when a request is made
        with pytest.raises(SourceError, match="environment variable A_KEY is not set"):
            pull(home, time, by_link(base), **authenticated(base))
        monkeypatch.setenv("A_KEY", "two\nlines")
        with pytest.raises(SourceError, match="characters that no key has") as caught:
            pull(home, time, by_link(base), **authenticated(base))
        assert "lines" not in str(caught.value).replace("one line", "")
    assert server.requests == 0


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "header"},
        {"kind": "bearer", "header": "X"},
        {"kind": "bearer", "at": "http://api.example.org"},
        {"kind": "bearer", "at": "https://api.example.org/path"},
        {"kind": "bearer", "secret_env": "hunter2"},
        {"kind": "query"},
    ],
)
def test_what_cannot_be_kept_secret_cannot_be_declared(wrong: dict[str, str]) -> None:
    right = {"kind": "bearer", "secret_env": "A_KEY", "at": "https://api.example.org"}
    assert parse(HttpDeclaration, {"authentication": right}, "test")
    with pytest.raises(DeclarationError):
        parse(HttpDeclaration, {"authentication": {**right, **wrong}}, "test")


def test_a_source_declares_how_it_is_asked() -> None:
    content = {**json.loads(DECLARATION.model_dump_json(exclude_none=True, by_alias=True)), "http": {"retries": 7}}
    declaration = parse(SourceDeclaration, content, "test")
    assert declaration.http == HttpDeclaration(retries=7)
    with pytest.raises(DeclarationError, match=r"http\.retry"):
        parse(SourceDeclaration, {**content, "http": {"retry": 7}}, "test")


def test_how_it_is_fetched_does_not_change_what_a_source_is() -> None:
    assert declared(retries=7).model_dump_json() == DECLARATION.model_dump_json()


def test_pages_of_an_unfinished_pull_that_nobody_can_date_are_removed(home: Home) -> None:
    archive = Archive(home, "things")
    (archive.folder / ".unfinished" / "abc").mkdir(parents=True)
    assert not KeptPages.of(archive, "f" * 64, 24, 1000).is_resumed
    assert KeptPages.of(archive, "f" * 64, 24, 1000).is_resumed
    assert [path.name for path in (archive.folder / ".unfinished").iterdir()] == ["f" * 24]
