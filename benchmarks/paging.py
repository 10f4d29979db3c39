"""What a paged pull costs beside what its server allows, from a server that limits, refuses and breaks off.

    python -m benchmarks.paging [--pages 100] [--limit 20] [--window 2]

The pull is killed half-way, and goes on. Prints pages, requests, refusals and broken answers, and the seconds as a
ratio to the least that the server's own limit leaves: with the limit declared, and without, by its 429s alone.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from datetime import date
from pathlib import Path
from typing import Any

from sources import PullRequest
from sources.http import Publisher
from sources.paging import Endpoint, pull_pages
from tests.sources.paged_server import PagedServer
from warehouse.declarations import SourceDeclaration, parse
from warehouse.declarations.http import HttpDeclaration
from warehouse.home import Home

SOURCE = {
    "name": "things",
    "title": "Things",
    "publisher": "opendistrict",
    "licence": "CC0-1.0",
    "attribution": "Nobody",
    "cadence": "daily",
    "tables": [
        {
            "name": "things",
            "title": "Things",
            "each_row_is_a": "thing",
            "primaryKey": ["id"],
            "fields": [{"name": "id", "title": "Id"}],
        }
    ],
}


class Killed(BaseException):
    """The pull ends as if it were killed."""


def by_link(base: str) -> Endpoint:
    """The list, page by page."""
    from dlt.sources.helpers.rest_client.paginators import JSONLinkPaginator

    return Endpoint(f"{base}/list", "companies", lambda: JSONLinkPaginator("meta.next"), total="totalResults")


def pulled(server: PagedServer, terms: HttpDeclaration) -> tuple[float, int]:
    """Pull with a kill half-way; the seconds of both parts together, and how many pages are in the archive."""
    declaration = parse(SourceDeclaration, SOURCE, "benchmark").model_copy(update={"http": terms})
    seconds = 0.0
    with tempfile.TemporaryDirectory() as folder, server.running() as base:
        home = Home(Path(folder))

        def dies(step: str, done: float = 0, *_: Any) -> None:
            if done >= server.total // 2:
                raise Killed

        endpoint = by_link(base)
        files = 0
        for progress in (dies, lambda *_: None):
            began = time.perf_counter()
            try:
                with Publisher(declaration) as publisher:
                    request = PullRequest(home, declaration, None, date(2026, 11, 23), progress)
                    files = len(pull_pages(request, [endpoint], publisher).files)
            except Killed:
                pass
            seconds += time.perf_counter() - began
    return seconds, files


def main() -> None:
    """Run it, and print the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pages", type=int, default=100)
    parser.add_argument("--limit", type=int, default=20, help="requests in a window")
    parser.add_argument("--window", type=float, default=2, help="seconds")
    given = parser.parse_args()
    ways = {
        "limit declared": {"budget": {"requests": given.limit, "per_seconds": given.window}},
        "limit not declared": {},
    }
    pulled(PagedServer(pages=2), HttpDeclaration())  # imports dlt: not the server's fault
    for name, terms in ways.items():
        server = PagedServer(
            given.pages, limit=given.limit, window=given.window, breaks_off_every=17, now=time.monotonic
        )
        seconds, files = pulled(server, HttpDeclaration.model_validate(terms))
        least = (server.requests - server.refused - 1) // given.limit * given.window
        figures = {
            "way": name,
            "pages": files,
            "requests": server.requests,
            "asked_twice": len(server.asked) - len(set(server.asked)),
            "refused_429": server.refused,
            "broken_off": server.broken,
            "seconds": round(seconds, 1),
            "least_by_the_servers_limit_s": least,
            "ratio": round(seconds / least, 2) if least else None,
        }
        print(json.dumps(figures))


if __name__ == "__main__":
    main()
