"""The Finnish register's API as its publisher documents it (OpenAPI of version 3), and as it is said to behave.

A hundred companies a page, pages from 1, a page beyond the end is the first one again; too many requests are
answered 429 as plain text, with Retry-After or without; faults are JSON with a timestamp and a code.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from io import BytesIO
from typing import Any
from urllib.parse import parse_qs, urlsplit
from zipfile import ZIP_DEFLATED, ZipFile

from tests.web_server import give, give_half, served

BASE = "/opendata-ytj-api/v3"
PAGE = 100
HTML = b"<!DOCTYPE html><html><head><title>Huolto</title></head><body>Palvelu on tilapaisesti pois</body></html>"
FAULT = b'{"timestamp": "2026-10-01 12:00:00", "message": "Virhe", "errorcode": 1000}'

Answer = tuple[int, bytes, dict[str, str]]


@dataclass
class PrhServer:
    """``records`` are the register.

    ``instead``: by page, the answers given before the right one, in turn; a body of None breaks off in the middle.
    ``more``: so many more companies than there are are in each list by its own count.
    ``moves_at``: from that page on, a list has one company more at its beginning.
    ``endless``: no list has an end.
    """

    records: Sequence[dict[str, Any]]
    instead: dict[int, list[tuple[int, bytes | None, dict[str, str]]]] = field(default_factory=dict)
    more: int = 0
    moves_at: int | None = None
    endless: bool = False
    everything: Answer | None = None
    asked: list[tuple[str, int]] = field(default_factory=list)  # postcode and page, of each request

    def matching(self, postcode: str) -> list[dict[str, Any]]:
        """Companies of a visiting or postal address with that postcode."""
        return [
            one for one in self.records if any(address["postCode"] == postcode for address in one["addresses"])
        ]

    def page(self, postcode: str, number: int) -> bytes:
        """A page of a search."""
        found = self.matching(postcode)
        if self.moves_at is not None and number >= self.moves_at:
            found = [found[-1], *found]
        total = len(found) + self.more
        first = (number - 1) * PAGE
        if self.endless:
            ids = [f"{number:05d}{place:02d}-0" for place in range(PAGE)]
            return _json({"totalResults": 10**9, "companies": [{"businessId": {"value": one}} for one in ids]})
        if not 0 <= first < len(found):
            first = 0
        return _json({"totalResults": total, "companies": found[first : first + PAGE]})

    def _companies(self, handler: BaseHTTPRequestHandler) -> None:
        query = parse_qs(urlsplit(handler.path).query)
        postcode, number = query["postCode"][0], int(query.get("page", ["1"])[0])
        self.asked.append((postcode, number))
        right = self.page(postcode, number)
        status, body, headers = (self.instead.get(number) or [(200, right, {})]).pop(0)
        if body is None:
            give_half(handler, right)
            return
        kind = "text/plain" if status == 429 else "text/html" if body is HTML else "application/json"
        give(handler, status, body, Content_Type=kind, **headers)

    def _all(self, handler: BaseHTTPRequestHandler) -> None:
        if self.everything is not None:
            status, body, headers = self.everything
            give(handler, status, body, **headers)
            return
        give(handler, 200, zipped(self.records), Content_Type="application/zip")

    @contextmanager
    def running(self) -> Iterator[str]:
        """The API's base address while it runs."""
        routes = {f"{BASE}/companies": self._companies, f"{BASE}/all_companies": self._all}
        with served(routes) as address:
            yield address + BASE


def zipped(records: Sequence[dict[str, Any]]) -> bytes:
    """Companies as the file of everything."""
    content = BytesIO()
    with ZipFile(content, "w", ZIP_DEFLATED) as archive:
        archive.writestr("data_20261001.json", _json(list(records)))
    return content.getvalue()


def _json(content: Any) -> bytes:
    return json.dumps(content, ensure_ascii=False).encode()
