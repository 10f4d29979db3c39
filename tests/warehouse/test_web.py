"""The way out: what ends, what is tried again, what goes along and what does not."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
import requests

from tests.web_server import Answer, Drip, give, raw, served
from warehouse.web import OnlyTo, Patience, RedirectError, Session, redirected, trouble, within

OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"


class Answers:
    """A route that gives one answer after the other, the last one again and again."""

    def __init__(self, *answers: Answer) -> None:
        self.answers = list(answers)
        self.asked: list[dict[str, str]] = []

    def __call__(self, handler: BaseHTTPRequestHandler) -> None:
        self.asked.append(dict(handler.headers))
        handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        answer(handler)


def patient(pauses: list[float], retries: int = 3, most_seconds: float = 60) -> Session:
    return Session(patience=Patience.of(retries, most_seconds, pauses.append))


def later(status: int, **headers: str) -> Answer:
    return lambda handler: give(handler, status, b"later", **headers)


def test_what_may_pass_is_tried_again_as_the_server_asks() -> None:
    pauses: list[float] = []
    route = Answers(later(429, Retry_After="7"), later(503), later(502), lambda h: give(h, 200, b"here"))
    with served({"/x": route}) as base:
        answer = patient(pauses).get(f"{base}/x")
    assert answer.content == b"here"
    assert pauses == [7, 1, 2]


@pytest.mark.parametrize(
    ("route", "status", "asked"),
    [
        (later(429, Retry_After="61"), 429, 1),
        (later(429, Retry_After="9" * 5000), 429, 4),
        (later(429, Retry_After="soon"), 429, 4),
        (later(503, Retry_After="25"), 503, 3),
        (later(504), 504, 4),
        (later(500), 500, 1),
        (later(404), 404, 1),
    ],
)
def test_patience_ends(route: Answer, status: int, asked: int) -> None:
    pauses: list[float] = []
    answers = Answers(route)
    with served({"/x": answers}) as base:
        assert patient(pauses).get(f"{base}/x").status_code == status
    assert len(answers.asked) == asked
    assert sum(pauses) <= 60


def test_what_changes_something_is_sent_once() -> None:
    answers = Answers(later(503, Retry_After="1"))
    with served({"/x": answers}) as base:
        answer = patient([]).post(f"{base}/x", data=iter([b"a", b"b"]))
        assert answer.status_code == 503
        assert answer.content == b"later"
    assert len(answers.asked) == 1
    broken = Answers(raw(b""))
    with served({"/x": broken}) as base, pytest.raises(requests.ConnectionError):
        patient([]).post(f"{base}/x", data=b"a")
    assert len(broken.asked) == 1


def test_a_connection_that_fails_is_tried_again() -> None:
    answers = Answers(raw(b""), raw(b"SSH-2.0-OpenSSH\r\n"), lambda h: give(h, 200, b"here"))
    with served({"/x": answers}) as base:
        assert patient([]).get(f"{base}/x").content == b"here"
    pauses: list[float] = []
    with pytest.raises(requests.ConnectionError):  # nobody listens there any more
        patient(pauses).get(f"{base}/x")
    assert pauses == [0, 1, 2]


def test_an_endless_answer_that_only_says_later_is_not_read() -> None:
    sent = []

    def endless(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(b"HTTP/1.1 503 Busy\r\n\r\n")
        try:
            for _ in range(1000):
                sent.append(handler.wfile.write(b"x" * 100_000))
        except OSError:
            pass

    with served({"/x": Answers(endless, lambda h: give(h, 200, b"here"))}) as base:
        assert patient([]).get(f"{base}/x").content == b"here"
    assert sum(sent) < 50_000_000


@pytest.fixture(params=["directly", "through a proxy"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    for name in ("http_proxy", "HTTP_PROXY", "no_proxy", "NO_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    return request.param


@pytest.mark.parametrize("start", [b"HTTP/1.", OK + b"X: ", OK + b"\r\n", CHUNKED], ids=range(4))
def test_what_drips_ends_at_the_deadline(way: str, start: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    drip = Drip(start)
    with served({"/x": drip, "http://data.example/x": drip}) as base:
        address = f"{base}/x"
        if way == "through a proxy":
            monkeypatch.setenv("http_proxy", base)
            address = "http://data.example/x"
        with within(0.4, 2) as clock, pytest.raises(requests.RequestException) as caught:
            _ = patient([]).get(address).content
        assert drip.was_left()
    assert trouble(caught.value, clock).is_late


def test_a_piece_of_negative_size_is_not_all_there_is() -> None:
    with served({"/x": raw(CHUNKED + b"-1\r\n" + b"x" * 1000)}) as base:
        answer = Session().get(f"{base}/x", stream=True)
        with pytest.raises(requests.RequestException) as caught:
            _ = answer.content
    assert trouble(caught.value).words == "the answer breaks off"


def test_no_netrc_goes_along(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login me password hunter2\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    answers = Answers(lambda h: give(h, 200, b"x"))
    with served({"/x": answers}) as base:
        assert requests.get(f"{base}/x", timeout=5).ok
        assert Session().get(f"{base}/x").ok
    assert ["Authorization" in headers for headers in answers.asked] == [True, False]


def test_redirects_are_looked_at_and_never_followed_unseen() -> None:
    there = Answers(lambda h: give(h, 200, b"x"))
    with (
        served({"/y": there}) as other,
        served({"/x": lambda h: give(h, 302, b"x" * 1000, Location=f"{other}/y")}) as base,
    ):
        answer = Session().get(f"{base}/x", stream=True)
        assert redirected(answer, f"{base}/x") == f"{other}/y"
        assert there.asked == []
        with pytest.raises(RedirectError, match="https to http"):
            redirected(answer, "https://127.0.0.1/x")
        answer.close()


def test_credentials_go_to_one_origin_only() -> None:
    here, there = (Answers(lambda h: give(h, 200, b"x")) for _ in range(2))
    with served({"/x": here}) as base, served({"/x": there}) as other:
        session = Session()
        session.auth = OnlyTo(base, "X-Key", "hunter2")
        assert session.get(f"{base}/x").ok
        assert session.get(f"{other}/x").ok
    assert [answers.asked[0].get("X-Key") for answers in (here, there)] == ["hunter2", None]
    assert "hunter2" not in repr(session.auth)


def test_no_log_repeats_an_addresss_query(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    answers = Answers(raw(b""), later(503), raw(OK + b"broken\r\n\r\nx"))
    with served({"/x": answers}) as base:
        patient([]).get(f"{base}/x?key=hunter2")
    assert "/x?(withheld)" in caplog.text
    assert "hunter2" not in caplog.text


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("http://" + "x" * 80 + ".example/", "not an address"),
        ("nothing", "not an address"),
        ("http://127.0.0.1:1/", "refused"),
    ],
)
def test_errors_are_put_into_words(address: str, words: str) -> None:
    with pytest.raises((requests.RequestException, ValueError)) as caught:
        Session().get(address)
    assert words in trouble(caught.value).words
