"""Pulling an API that answers in pages: every page is kept byte for byte as it came, before anybody parses it.

What the next request is, dlt's paginators decide, and dlt's ``RESTClient`` asks. It does so through a session that
gives kept pages without asking anyone, so a pull that was cut off goes on with the first page it lacks.

A page that says what one before it said ends a pull: some APIs give the first page again beyond the last.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

import requests

from sources import NothingThereError, PullRequest, SourceError
from sources.download_limits import DownloadLimits
from sources.http import Page, Publisher
from sources.kept_pages import KeptPages
from sources.pulling import archive_of, put_in
from warehouse.addresses import origin_of, without_addresses, without_credentials
from warehouse.archive import Archive, Snapshot
from warehouse.messages import message
from warehouse.web import Session

if TYPE_CHECKING:
    from dlt.sources.helpers.rest_client.client import PageData
    from dlt.sources.helpers.rest_client.paginators import BasePaginator

_NOTHING = ".404"  # of the file of an answer that there is nothing
_PAGE_LIMITS = DownloadLimits(max_bytes=64 << 20, timeout_seconds=60, deadline_seconds=300)


@dataclass(frozen=True)
class Endpoint:
    """A list that an API gives in pages.

    ``items`` and ``total`` are JSON paths in a page: of the list, and of how many items the API says there are in
    all. ``paginator`` makes one of dlt's. ``stops_at_total``: nothing is asked for once so many have come, for an
    API whose pages do not say which is the last. ``is_404_nothing``: the API says 404 where nothing matches, so
    that is the list's end and no error; what it said with it is kept as ``<name>-00001.404``.
    """

    url: str
    items: str
    paginator: Callable[[], BasePaginator]
    params: Mapping[str, str] = field(default_factory=dict)
    total: str | None = None
    stops_at_total: bool = False
    is_404_nothing: bool = False
    name: str = "page"  # of its files: page-00001.json
    max_pages: int = 10_000

    def file_name(self, number: int, *, is_nothing: bool = False) -> str:
        """The name of a page's file. In the order of their names, pages are in their own order."""
        return f"{self.name}-{number:05d}{_NOTHING if is_nothing else '.json'}"


def _single_page() -> BasePaginator:
    from sources.dlt_parts import paginators  # imports dlt: seconds

    return paginators.SinglePagePaginator()


@dataclass(frozen=True, kw_only=True)
class Lookup(Endpoint):
    """One record that an API gives at an address of its own: the answer is the record, and 404 that there is none.

    A pull that was cut off goes on where it was even if others are looked up now: each is known by its address.
    """

    items: str = "$"
    paginator: Callable[[], BasePaginator] = _single_page
    is_404_nothing: bool = True
    max_pages: int = 1


class EndlessError(SourceError):
    """More pages or bytes than a list can have."""


def pull_pages(
    request: PullRequest,
    endpoints: Sequence[Endpoint],
    publisher: Publisher | None = None,
    origin: str | None = None,
) -> Snapshot:
    """All pages of an API's lists as one snapshot; the one that stands if they are as before.

    Args:
        request: home, declaration, logical day and who is told of the progress.
        endpoints: the lists; several have names of their own.
        publisher: the server; by default as the declaration's ``http`` block says.
        origin: what is noted as the snapshot's origin, without credentials; by default the first list's address.

    Raises:
        NothingThereError: changes were asked for, and there are none.
        SourceError: a page cannot be had or read. What came before it is kept for the next run, which goes on
            there, if it asks for the same within the time that ``resume_within_hours`` gives it.
    """
    if publisher is None:
        with Publisher(request.declaration, _PAGE_LIMITS) as publisher:
            return pull_pages(request, endpoints, publisher, origin)
    archive, source = archive_of(request), request.declaration.name
    kept = KeptPages.of(archive, _digest(request, endpoints), publisher.terms.resume_within_hours, time.time())
    if kept.is_resumed:
        request.progress(f"{source}: going on with a pull that was cut off")
    session = _KeepingSession(publisher, kept)
    try:
        tallies = [_pull_list(request, endpoint, session) for endpoint in _each(request, endpoints)]
    except EndlessError:
        kept.remove()
        raise
    is_told = any(tally.items for tally in tallies) or any(isinstance(one, Lookup) for one in endpoints)
    if request.since is not None and not is_told:
        kept.remove()
        archive.touch()
        raise NothingThereError(f"{source}: no changes since {request.since.isoformat()}.")
    snapshot = _finish(request, archive, session, origin or without_credentials(endpoints[0].url))
    kept.remove()
    return snapshot


def items_of(snapshot: Snapshot, endpoint: Endpoint) -> Iterator[tuple[str, list[Any]]]:
    """The items of a list, page by page, each with the page's file name.

    Raises:
        SourceError: a page is not what it was when it was pulled.
    """
    for path in snapshot.paths():
        if path.name.rpartition("-")[0] == endpoint.name:
            yield path.name, PageContent.of(path.name, endpoint, path.read_bytes()).items


def incompleteness(snapshot: Snapshot, endpoint: Endpoint) -> str:
    """Why a list is known not to be whole, as a sentence; empty if nothing speaks against it."""
    tally = Tally()
    for path in snapshot.paths():
        if path.name.rpartition("-")[0] == endpoint.name:
            tally = tally.with_page(PageContent.of(path.name, endpoint, path.read_bytes()))
    return tally.doubt


@dataclass(frozen=True)
class Tally:
    """What the pages so far hold, and how many items the API said there are, each time it said so otherwise."""

    pages: int = 0
    items: int = 0
    totals: tuple[int, ...] = ()

    def with_page(self, page: PageContent) -> Tally:
        """One page more."""
        says_otherwise = page.total is not None and page.total not in self.totals[-1:]
        totals = (*self.totals, page.total) if says_otherwise and page.total is not None else self.totals
        return Tally(self.pages + 1, self.items + len(page.items), totals)

    @property
    def doubt(self) -> str:
        """Why this cannot be the whole list; empty if nothing says so."""
        if len(self.totals) > 1:
            return message(
                "While its pages were read, the list was said to have {least} to {most} items: some may be"
                " missing,"
                " others twice.",
                least=min(self.totals),
                most=max(self.totals),
            )
        if self.totals and self.items != self.totals[0]:
            return message(
                "The list has {count} items by its own count, and {came} came.",
                count=self.totals[0],
                came=self.items,
            )
        return ""


@dataclass(frozen=True)
class PageContent:
    """What a page says."""

    items: list[Any]
    total: int | None

    @staticmethod
    def of(name: str, endpoint: Endpoint, content: bytes) -> PageContent:
        """Read a page; SourceError if it is none of this list."""
        if name.endswith(_NOTHING):
            return PageContent([], None)
        from sources.dlt_parts import find_values  # imports dlt: seconds

        place = f"{name} of {without_credentials(endpoint.url)}"
        try:
            said = json.loads(content)
        except (ValueError, RecursionError):
            raise SourceError(
                message(
                    "{place} is no JSON: the server answered with something else. The next run asks again.",
                    place=place,
                ),
                is_transient=True,
            ) from None
        found = find_values(endpoint.items, said)
        if isinstance(endpoint, Lookup):
            found = [found] if isinstance(said, dict) else []
        if len(found) != 1 or not isinstance(found[0], list):
            raise SourceError(
                message(
                    "{place} holds no list {items}. The API has changed, or says what is wrong: see it.",
                    place=place,
                    items=endpoint.items,
                )
            )
        total = next(iter(find_values(endpoint.total, said)), None) if endpoint.total else None
        is_count = isinstance(total, int) and not isinstance(total, bool) and total >= 0
        return PageContent(found[0], total if is_count else None)


class _NothingMatchesError(Exception):
    """The API said that there is nothing, or nothing more: the end of a list, not a fault."""


class _KeepingSession(Session):
    """What dlt asks through: gives a kept page, or asks the publisher and keeps what came."""

    def __init__(self, publisher: Publisher, kept: KeptPages) -> None:
        super().__init__()
        self.kept = kept
        self.names: list[str] = []  # of the pages of this pull, in order
        self.size = 0  # bytes of all of them
        self.content = PageContent([], None)  # of the last one
        self._publisher = publisher
        self._endpoint: Endpoint | None = None
        self._number = 0

    def begin(self, endpoint: Endpoint) -> None:
        """From here on, pages are those of another list."""
        self._endpoint, self._number = endpoint, 0

    def send(self, request: requests.PreparedRequest, **_: Any) -> requests.Response:
        """The next page."""
        endpoint = self._endpoint
        if endpoint is None or request.method != "GET":
            raise ValueError("only GET requests of a list are kept")
        self._number += 1
        if self._number > endpoint.max_pages:
            raise EndlessError(
                f"{without_credentials(endpoint.url)}: more than {endpoint.max_pages:,} pages; given up. If there"
                " are so many, raise the limit."
            )
        url = _at_home(request.url or "", endpoint.url)
        name = endpoint.file_name(self._number)
        nothing = endpoint.file_name(self._number, is_nothing=True)
        page = self.kept.find(name, url) or self.kept.find(nothing, url)
        if page is None:
            page = self._publisher.page(url, (404,) if endpoint.is_404_nothing else ())
            self.kept.keep(nothing if page.status == 404 else name, url, page)
        if page.status == 404:
            self.names.append(nothing)
            raise _NothingMatchesError
        self.names.append(name)
        try:
            self.content = PageContent.of(name, endpoint, page.content)
        except SourceError:
            self.drop_last()
            raise
        self.size += len(page.content)
        if self.size > self._publisher.terms.max_bytes_per_pull:
            raise EndlessError(
                f"{without_credentials(endpoint.url)}: more than the"
                f" {self._publisher.terms.max_bytes_per_pull:,} bytes that a pull may have; given up"
            )
        return _response(url, page)

    def drop_last(self) -> None:
        """Forget the page that came last: it is none."""
        self.kept.drop(self.names.pop())


def _response(url: str, page: Page) -> requests.Response:
    answer = requests.Response()
    answer.status_code = 200
    answer.url = url
    answer.headers.update(page.headers)
    answer.raw = BytesIO(page.content)
    return answer


def _at_home(url: str, first: str) -> str:
    """The address of a next page, which must be where the first one is.

    An API behind a proxy may not know that it is asked over https: its links say http, and are asked over https.
    """
    parts, home = urlsplit(url), urlsplit(first)
    if parts.scheme == "http" and home.scheme == "https" and parts.hostname == home.hostname:
        url = urlunsplit(parts._replace(scheme="https", netloc=home.netloc))
    if origin_of(url) != origin_of(first):
        raise SourceError(
            f"{without_credentials(first)}: its next page is said to be on another host, {parts.hostname!r:.80}:"
            " refused"
        )
    return url


def _each(request: PullRequest, endpoints: Sequence[Endpoint]) -> Iterator[Endpoint]:
    """The lists, while people are told how far it is with those that are many."""
    for number, endpoint in enumerate(endpoints):
        if isinstance(endpoint, Lookup):
            request.progress(f"fetch {request.declaration.name}", number, len(endpoints), "answers")
        yield endpoint


def _pull_list(request: PullRequest, endpoint: Endpoint, session: _KeepingSession) -> Tally:
    tally, seen = Tally(), set[str]()
    for _ in _paginate(endpoint, session):
        said = hashlib.sha256(json.dumps(session.content.items, sort_keys=True).encode()).hexdigest()
        if said in seen:
            session.drop_last()
            break
        seen.add(said)
        tally = tally.with_page(session.content)
        total = tally.totals[-1] if tally.totals else None
        if not isinstance(endpoint, Lookup):
            request.progress(f"fetch {request.declaration.name} {endpoint.name}", tally.items, total, "items")
        if endpoint.stops_at_total and total is not None and tally.items >= total:
            break
    if tally.doubt:
        request.progress(f"{request.declaration.name} {endpoint.name}: {tally.doubt}")
    return tally


def _paginate(endpoint: Endpoint, session: _KeepingSession) -> Iterator[PageData[Any]]:
    """What dlt gives, page by page; whatever it makes of a wrong one is a SourceError, and it is not kept."""
    from sources.dlt_parts import RESTClient, RuntimeConfiguration

    session.begin(endpoint)
    client = RESTClient(endpoint.url, session=session, config=RuntimeConfiguration())
    before = len(session.names)
    try:
        yield from client.paginate(
            endpoint.url,
            params=dict(endpoint.params),
            paginator=endpoint.paginator(),
            data_selector=endpoint.items,
        )
        return
    except _NothingMatchesError:
        return
    except SourceError:
        raise
    except Exception as error:  # of a page's content: a link that is none, a number that is a text
        said, name = without_addresses(error), session.names[-1] if len(session.names) > before else ""
    if name:
        session.drop_last()
    raise SourceError(
        f"{name or 'the first page'} of {without_credentials(endpoint.url)} cannot be followed: {said}."
        " See what the API says of its pages.",
        is_transient=True,
    )


def _finish(request: PullRequest, archive: Archive, session: _KeepingSession, origin: str) -> Snapshot:
    standing = archive.latest(until=request.day)
    with request.home.workspace(f"pages-{request.declaration.name}") as workspace:
        built = workspace / "files"
        built.mkdir()
        session.kept.copy_to(built, session.names)
        files = archive.files_in(built, session.names)
        snapshot = put_in(archive, built, files, request.day, origin, [standing] if standing else [])
    archive.remember(origin, {"pages": len(session.names)}, snapshot)
    archive.touch()
    return snapshot


def _digest(request: PullRequest, endpoints: Sequence[Endpoint]) -> str:
    """What is asked for, as a sum: pages of an unfinished pull serve no other.

    Of a source that delivers changes, the day too: what changed between its first pages and its last ones is asked
    for again only as far back as the snapshot's date.
    """
    asked = [
        [endpoint.name, endpoint.url, sorted(endpoint.params.items()), endpoint.items, endpoint.total]
        for endpoint in endpoints
        if not isinstance(endpoint, Lookup)
    ]
    of_changes = any(table.delivery == "changes" for table in request.declaration.tables)
    terms = [json.dumps(asked), request.declaration.model_dump_json(), *([str(request.day)] if of_changes else [])]
    return hashlib.sha256("\n".join(terms).encode()).hexdigest()
