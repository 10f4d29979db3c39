"""A source in pages as a contributor writes one, and the command line with it.

``python -m tests.e2e.paged_source ADDRESS nightly ...``. Its declaration and its package stand here instead of in
a folder of ``sources/``.
"""

import sys
from datetime import date
from pathlib import Path

import sources
from sources import PullRequest, Reading
from sources.paging import Endpoint, incompleteness, items_of, pull_pages
from warehouse.archive import Snapshot
from warehouse.declarations import SourceDeclaration, parse

NAME = "things"
KEY_VARIABLE = "THINGS_KEY"


def declaration(address: str) -> SourceDeclaration:
    """As ``source.yaml`` would have it. ``address`` is the server's scheme, host and port."""
    content = {
        "name": NAME,
        "title": "Register of things",
        "publisher": "opendistrict",
        "licence": "CC0-1.0",
        "attribution": "Nobody",
        "cadence": "daily",
        "default_origin": f"{address}/list",
        "http": {
            "budget": {"requests": 20, "per_seconds": 1},
            "retries": 4,
            "authentication": {"kind": "header", "header": "X-Key", "secret_env": KEY_VARIABLE, "at": address},
        },
        "tables": [
            {
                "name": NAME,
                "title": "Things",
                "each_row_is_a": "thing",
                "primaryKey": ["id"],
                "delivery": "changes",
                "fields": [
                    {"name": "id", "title": "Id", "type": "integer", "privacy": "public"},
                    {"name": "name", "title": "Name", "privacy": "public"},
                ],
            }
        ],
    }
    return parse(SourceDeclaration, content, "source.yaml")


def endpoint(url: str, since: date | None = None) -> Endpoint:
    """The API's list: a page links to the next."""
    from dlt.sources.helpers.rest_client.paginators import JSONLinkPaginator

    params = {"since": since.isoformat()} if since else {}
    return Endpoint(url, "companies", lambda: JSONLinkPaginator("meta.next"), params, total="totalResults")


def pull(request: PullRequest) -> Snapshot:
    """All pages, or those of what changed."""
    return pull_pages(
        request, [endpoint(request.origin or str(request.declaration.default_origin), request.since)]
    )


def read(snapshot: Snapshot, declaration: SourceDeclaration, workspace: Path) -> Reading:
    """The pages' items as the one table."""
    import pyarrow as pa

    from sources.loading import arrow_schema

    pages = endpoint(snapshot.origin)
    rows = [
        {"id": item["id"], "name": item["name"], "_file": name, "_sheet": None, "_row": number}
        for name, items in items_of(snapshot, pages)
        for number, item in enumerate(items, start=1)
    ]
    doubt = incompleteness(snapshot, pages)
    table = pa.Table.from_pylist(rows, arrow_schema(declaration.table(NAME)))
    return Reading({NAME: table}, incomplete={NAME: doubt} if doubt else {})


def main(address: str, arguments: list[str]) -> None:
    """The command line of a house that has this source too."""
    from flows.cli import main as command

    declared, package_of = sources.declarations, sources.package
    own = {NAME: declaration(address)}
    sources.declarations = lambda *folder: declared(*folder) | own
    sources.package = lambda one: sys.modules[__name__] if one.name == NAME else package_of(one)
    command(arguments)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
