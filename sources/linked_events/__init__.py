"""Events of Linked Events, Helsinki's interface for what goes on in the city.

A list comes in pages (``{"meta": {"count", "next"}, "data": [...]}``), at most 100 events each; ``meta.next`` is
followed on the same host only. What is asked for (a text, a keyword, an organisation) says ``queries`` in
``source.yaml``, a list each; an event that is in several is one event. After the first time only what changed is
asked for, deleted events among it: they end. One that is no longer found by any query is as it was: nobody said
that it ended.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from sources import PullRequest, Reading, SourceError
from sources.linked_events.records import EVENTS, Records
from sources.local_files import local_items
from sources.naming import Item
from sources.paging import Endpoint, incompleteness, items_of, pull_pages
from sources.pulling import bring
from sources.stores import is_store, stored
from warehouse.addresses import is_url, without_credentials
from warehouse.archive import Archive, Snapshot
from warehouse.declarations import Severity, SourceDeclaration
from warehouse.findings import Finding
from warehouse.messages import message

if TYPE_CHECKING:
    from dlt.sources.helpers.rest_client.paginators import BasePaginator

_PARAMS = {"page_size": "100", "include": "location,keywords", "show_deleted": "true"}
_MOST_PAGES = 500  # 50,000 events: a query that finds so many is none


def _paginator() -> BasePaginator:
    from sources.dlt_parts import paginators  # imports dlt: seconds

    return paginators.JSONLinkPaginator("meta.next")


def _list(name: str, url: str = "", **params: str) -> Endpoint:
    return Endpoint(url, "data", _paginator, params, total="meta.count", name=name, max_pages=_MOST_PAGES)


def pull(request: PullRequest) -> Snapshot:
    """What the queries find, or what changed of it; of a file or a folder, here or in a store, the
    answers that were kept there.

    Raises:
        NothingThereError: nothing changed.
        SourceError: it cannot be had.
    """
    origin = request.origin or str(request.declaration.default_origin)
    if is_store(origin) or not is_url(origin):
        return bring(request, _kept_answers(origin, request))
    base, _, own = origin.partition("?")
    queries = [own] if own else [urlencode(query) for query in request.declaration.queries]
    asked = without_credentials(f"{base}?{'&'.join(queries)}")
    if request.since and not _is_continued(request, request.since, asked):
        request = replace(request, since=None)
    params = _PARAMS | ({"last_modified_since": request.since.isoformat()} if request.since else {})
    lists = [_list(f"events-{n}", f"{base}?{query}", **params) for n, query in enumerate(queries, start=1)]
    return pull_pages(request, lists, origin=asked)


def _kept_answers(origin: str, request: PullRequest) -> list[Item]:
    if is_store(origin):
        return [one.item for one in stored(origin) if one.item.name.endswith(".json")]
    folder = Path(origin).expanduser()
    if not folder.is_dir():
        return local_items(origin, request.day)
    files = sorted(folder.glob("*.json"))
    if not files:
        raise SourceError(f"{origin} holds no .json file. Name the folder with the answers of the interface.")
    return [Item(str(path), path.name) for path in files]


def _is_continued(request: PullRequest, since: date, asked: str) -> bool:
    """Whether asking for changes would go on with what was taken in last.

    It would not where that was asked otherwise, so that events which the new queries find were never asked for, or
    where a list of it was not whole, so that what it lacked would be asked for only once it changes.
    """
    last = Archive(request.home, request.declaration.name).latest(until=since + timedelta(days=1))
    return last is not None and last.origin == asked and not _doubts(last)


def _lists_of(snapshot: Snapshot) -> list[Endpoint]:
    """The lists whose pages a snapshot holds, by the names of its files."""
    return [_list(name) for name in dict.fromkeys(path.name.rpartition("-")[0] for path in snapshot.paths())]


def _doubts(snapshot: Snapshot) -> list[str]:
    lists = _lists_of(snapshot)
    return [doubt for one in lists if (doubt := incompleteness(snapshot, one) or _repeats(snapshot, one))]


def _repeats(snapshot: Snapshot, endpoint: Endpoint) -> str:
    """That events of a list came twice, as a sentence: in the count they stand for others that did not come."""
    ids = [
        event["id"]
        for _, items in items_of(snapshot, endpoint)
        for event in items
        if isinstance(event, dict) and isinstance(event.get("id"), str)
    ]
    count = len(ids) - len(set(ids))
    if not count:
        return ""
    return message("{count} events of {list} came twice, so others are missing.", count=count, list=endpoint.name)


def _pages(snapshot: Snapshot) -> Iterator[tuple[str, Sequence[Any]]]:
    for one in _lists_of(snapshot):
        yield from items_of(snapshot, one)


def read(snapshot: Snapshot, declaration: SourceDeclaration, workspace: Path) -> Reading:
    """The events of all pages, each once: as the page has it that knows of its last change.

    Raises:
        SourceError: a page is none.
    """
    import pyarrow as pa

    from sources.loading import arrow_schema

    table = declaration.table(EVENTS)
    records = Records(table)
    for name, items in _pages(snapshot):
        for number, item in enumerate(items, start=1):
            records.add(item, name, number)
    doubts = _doubts(snapshot)
    told = [
        Finding(
            "incomplete",
            Severity.WARNING,
            doubt,
            message("Nothing to do: the next run asks for everything again."),
            table_name=table.name,
        )
        for doubt in doubts
    ]
    return Reading(
        {table.name: pa.Table.from_pylist(records.rows(), schema=arrow_schema(table))},
        findings=[*records.findings, *told],
        quarantined=records.quarantined,
        incomplete={table.name: doubts[0]} if doubts else {},
    )
