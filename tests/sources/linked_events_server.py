"""Linked Events on this machine, as its publisher documents it: filters, pages, changes; and as bad as can be."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from tests.web_server import give, give_half, served

PATH = "/v1/event/"


@dataclass
class LinkedEvents:
    """``events`` by id. ``cap``: no page is larger, whatever is asked for.

    ``wrong``: by the number of a request, what is answered instead: a status, with its headers, or a body; or
    ``"cut"``, the right answer cut off in the middle. ``next_is``: where the first page's link leads instead.
    """

    events: dict[str, dict[str, Any]] = field(default_factory=dict)
    cap: int = 100
    wrong: dict[int, Any] = field(default_factory=dict)
    next_is: str = ""
    counted: int | None = None  # in place of the true count
    asked: list[dict[str, str]] = field(default_factory=list)
    base: str = ""

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        params = {name: values[-1] for name, values in parse_qs(urlsplit(handler.path).query).items()}
        self.asked.append(params)
        body = json.dumps(self.page(params), ensure_ascii=False).encode()
        wrong = self.wrong.get(len(self.asked))
        if wrong == "cut":
            give_half(handler, body)
        elif isinstance(wrong, bytes):
            give(handler, 200, wrong)
        elif wrong:
            give(handler, wrong[0], b"slow down", **wrong[1])
        else:
            give(handler, 200, body, Content_Type="application/json")

    def page(self, params: dict[str, str]) -> dict[str, Any]:
        found = [one for one in self.events.values() if self._is_asked(one, params)]
        size, number = min(int(params.get("page_size", 20)), self.cap), int(params.get("page", 1))
        more = f"{self.base}{PATH}?{urlencode({**params, 'page': number + 1})}"
        following = more if number * size < len(found) else None
        if self.next_is and number == 1:
            following = self.next_is.replace("{self}", f"{self.base}{PATH}?{urlencode(params)}")
        count = len(found) if self.counted is None else self.counted
        return {
            "meta": {"count": count, "next": following, "previous": None},
            "data": found[(number - 1) * size : number * size],
        }

    @staticmethod
    def _is_asked(one: dict[str, Any], params: dict[str, str]) -> bool:
        words = json.dumps([one["name"], one["description"]], ensure_ascii=False).lower()
        return (
            params.get("text", "").lower() in words
            and one["last_modified_time"] >= params.get("last_modified_since", "")
            and (params.get("show_deleted") == "true" or not one["deleted"])
        )

    @contextmanager
    def running(self) -> Iterator[str]:
        """The address of its events while it runs."""
        with served({PATH: self.answer}) as self.base:
            yield f"{self.base}{PATH}"

    def put(self, number: int, **changes: Any) -> None:
        """Add an event, or change one."""
        one = event(number, **changes)
        self.events[one["id"]] = one


def event(number: int, **changes: Any) -> dict[str, Any]:
    """An event of the club, as the interface gives it."""
    return {
        "id": f"test:{number}",
        "location": None,
        "keywords": [],
        "super_event": None,
        "event_status": "EventScheduled",
        "data_source": "test",
        "publisher": "test:1",
        "last_modified_time": "2026-01-10T10:00:00.250000Z",
        "start_time": f"2026-02-{number % 27 + 1:02}T16:00:00Z",
        "end_time": f"2026-02-{number % 27 + 1:02}T18:00:00Z",
        "super_event_type": None,
        "deleted": False,
        "name": {"fi": f"Kehittäjien klubi {number}", "en": f"Club {number}"},
        "description": None,
        "short_description": None,
        "info_url": None,
        "@id": f"https://api.example.org/v1/event/test:{number}/",
        **changes,
    }
