"""A paged API that behaves as badly as real ones do: limits, broken answers, no end, and a list that changes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from urllib.parse import parse_qs, urlsplit

from tests.web_server import give, give_half, served


@dataclass
class PagedServer:
    """``pages`` pages of ``size`` items. ``now`` is the clock by which its limit goes.

    ``limit``: so many requests in a window of ``window`` seconds, else 429 with Retry-After.
    ``busy_every``: every so manieth request is answered 429, whatever the limit, for ``busy_seconds``.
    ``breaks_off_every``: every so manieth answer ends in the middle of its body.
    ``grows_at``: from that page on the total is one more.
    ``key``: what has to be in X-Key.
    """

    pages: int = 5
    size: int = 10
    limit: int | None = None
    window: float = 10
    busy_every: int = 0
    busy_seconds: int = 3
    breaks_off_every: int = 0
    grows_at: int | None = None
    key: str | None = None
    now: Callable[[], float] = lambda: 0.0
    asked: list[int] = field(default_factory=list)  # the pages answered in full, in order
    paths: list[str] = field(default_factory=list)
    requests: int = 0
    refused: int = 0
    broken: int = 0
    rewrites: dict[int, bytes] = field(default_factory=dict)  # other bodies, by page
    _window: list[float] = field(default_factory=list)

    @property
    def total(self) -> int:
        return self.pages * self.size

    def content(self, number: int, base: str = "") -> bytes:
        """A page. One beyond the end is the first again, as of PRH."""
        shown = number if 1 <= number <= self.pages else 1
        first = (shown - 1) * self.size
        grown = self.grows_at is not None and number >= self.grows_at
        following = f"{base}/list?page={number + 1}" if number < self.pages else None
        return json.dumps(
            {
                "totalResults": self.total + grown,
                "companies": [{"id": first + n, "name": f"Öy {first + n}"} for n in range(self.size)],
                "meta": {"next": following},
            },
            ensure_ascii=False,
        ).encode()

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        self.requests += 1
        self.paths.append(handler.path)
        number = int(parse_qs(urlsplit(handler.path).query).get("page", ["1"])[0])
        if self.key is not None and handler.headers.get("X-Key") != self.key:
            give(handler, 401, b"who are you?")
        elif wait := self._wait():
            self.refused += 1
            give(handler, 429, b"slow down", Retry_After=str(wait))
        elif self.breaks_off_every and self.requests % self.breaks_off_every == 0:
            self.broken += 1
            give_half(handler, self.content(number, self.base))
        else:
            self.asked.append(number)
            headers = {"ETag": f'"{number}"'}
            if number < self.pages:
                headers["Link"] = f'<{self.base}/list?page={number + 1}>; rel="next"'
            give(handler, 200, self.rewrites.get(number) or self.content(number, self.base), **headers)

    def _wait(self) -> int:
        """Seconds until the server answers again; 0 if it does."""
        if self.busy_every and self.requests % self.busy_every == 0:
            return self.busy_seconds
        if self.limit is None:
            return 0
        now = self.now()
        self._window = [then for then in self._window if then > now - self.window]
        if len(self._window) >= self.limit:
            return max(1, round(self._window[0] + self.window - now + 0.5))
        self._window.append(now)
        return 0

    base: str = ""

    @contextmanager
    def running(self) -> Iterator[str]:
        """Its address while it runs."""
        with served({"/list": self.answer}) as self.base:
            yield self.base
