"""The register's API as its specification and its kept answers have it, with the manners of a real server."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from tests.web_server import give, serving

NOT_FOUND = b'{"errors":[{"error":"company-profile-not-found","type":"ch:service"}]}'
ERROR_PAGE = b"<!DOCTYPE html><html><body>We are updating this service</body></html>"


@dataclass
class RegisterServer:
    """Companies by number, as their own records.

    ``key``: the user that must ask, with an empty password. ``most``: so many items a search gives in all.
    ``oddities``: by path, answers that come once each before the right one: a status, HTML, or half a body.
    """

    key: str
    companies: dict[str, dict[str, Any]] = field(default_factory=dict)
    bodies: dict[str, bytes] = field(default_factory=dict)  # other bodies, by path
    oddities: dict[str, list[str]] = field(default_factory=dict)
    most: int = 10_000
    asked: list[str] = field(default_factory=list)  # paths with queries, answered as they should be
    refused: int = 0

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        path = urlsplit(handler.path).path
        odd = self.oddities.get(path, [])
        user = b64encode(f"{self.key}:".encode()).decode()
        if handler.headers.get("Authorization") != f"Basic {user}":
            self.refused += 1
            give(handler, 401, b'{"error":"Invalid Authorization","type":"ch:service"}')
        elif odd:
            self._behave(handler, odd.pop(0))
        else:
            self.asked.append(handler.path)
            status, body = self._body(path, parse_qs(urlsplit(handler.path).query))
            give(handler, status, body, Content_Type="application/json")

    def _behave(self, handler: BaseHTTPRequestHandler, how: str) -> None:
        if how == "html":
            give(handler, 200, ERROR_PAGE, Content_Type="text/html")
        elif how == "cut":
            handler.wfile.write(b'HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{"company_name": "HAL')
        elif how == "429 in 7":
            give(handler, 429, b"", Retry_After="7")
        else:
            give(handler, int(how), b"")

    def _body(self, path: str, query: dict[str, list[str]]) -> tuple[int, bytes]:
        if path in self.bodies:
            return 200, self.bodies[path]
        if path == "/advanced-search/companies":
            return self._search({name: values[0] for name, values in query.items()})
        company = self.companies.get(unquote(path.removeprefix("/company/")))
        return (200, json.dumps(company).encode()) if company else (404, NOT_FOUND)

    def _search(self, query: dict[str, str]) -> tuple[int, bytes]:
        start, size = int(query.get("start_index", 0)), int(query.get("size", 20))
        if not 1 <= size <= 5000:
            return 422, b'{"errors":[{"error":"size","type":"ch:service"}]}'
        hits = [item_of(one) for number, one in sorted(self.companies.items()) if _fits(one, query)]
        page = hits[: self.most][start : start + size]
        if not page:
            return 404, b""
        found = {
            "etag": "x",
            "top_hit": hits[0],
            "items": page,
            "kind": "search#advanced-search",
            "hits": len(hits),
        }
        return 200, json.dumps(found).encode()

    @contextmanager
    def running(self) -> Iterator[str]:
        """Its address while it runs."""
        with serving(self.answer) as address:
            yield address


def company(number: str, name: str, postcode: str = "E1 6AA", **more: Any) -> dict[str, Any]:
    """A company's own record."""
    return {
        "can_file": True,
        "company_name": name,
        "company_number": number,
        "company_status": "active",
        "date_of_creation": "2015-03-02",
        "links": {"self": f"/company/{number}"},
        "registered_office_address": {"locality": "London", "postal_code": postcode},
        "sic_codes": ["62012"],
        "type": "ltd",
        **more,
    }


def item_of(one: dict[str, Any]) -> dict[str, Any]:
    """The same as an item of a search."""
    kept = (
        "company_name",
        "company_number",
        "company_status",
        "date_of_creation",
        "date_of_cessation",
        "sic_codes",
    )
    return {
        **{name: one[name] for name in kept if name in one},
        "company_type": one["type"],
        "kind": "search-results#company",
        "links": {"company_profile": one["links"]["self"]},
        "registered_office_address": one["registered_office_address"],
    }


def _fits(one: dict[str, Any], query: dict[str, str]) -> bool:
    address = " ".join(one["registered_office_address"].values()).lower()
    if query.get("location", "").lower() not in address:
        return False
    for kind, member in (("incorporated", "date_of_creation"), ("dissolved", "date_of_cessation")):
        first, last = query.get(f"{kind}_from"), query.get(f"{kind}_to")
        if first and not first <= one.get(member, "") <= (last or "9999"):
            return False
    return True
