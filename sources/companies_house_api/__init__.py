"""The UK register of companies between two monthly files: its Public Data API, asked company by company.

A night asks for the companies that matter (``core.companies_of_interest``), those first that were asked longest
ago, and searches for companies of the districts' cities that were founded or dissolved since the last time. Known
from the API's specification and from kept answers; docs/SOURCES.md says what was never seen live.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sources import PullRequest, Reading, SourceError
from sources.companies_house_api.records import FOUND, PROFILE, Rows
from sources.local_files import local_items
from sources.paging import Endpoint, Lookup, PageContent, Tally, pull_pages
from sources.pulling import bring
from sources.unpacking import UnpackingLimits, is_zip, look_into, unpack
from warehouse.addresses import is_url
from warehouse.archive import Snapshot
from warehouse.declarations import Severity, SourceDeclaration
from warehouse.districts import load_districts
from warehouse.findings import Finding, QuarantinedRow, key_text
from warehouse.messages import message, sentences

if TYPE_CHECKING:
    from dlt.sources.helpers.rest_client.paginators import OffsetPaginator

_COUNTRY = "GB"
_KINDS = ("incorporated", "dissolved")  # of searches: what their parameters begin with
_PAGE_SIZE = 5000  # the most that a search gives at once
_FIRST_DAYS = 40  # without an earlier pull: what a monthly file, a week old when it comes, cannot know
_WINDOW_DAYS = 3  # of one search: so that what it finds in a city is less than a search gives at all
_KEPT = UnpackingLimits(members=20_000, total_bytes=2 << 30)
_COMPANY = re.compile(r"company-(.+)-00001\.(?:json|404)")
_SEARCH = re.compile(r"((?:incorporated|dissolved)-.+)-[0-9]{5}\.(?:json|404)")


def pull(request: PullRequest) -> Snapshot:
    """Ask the API for the companies that are wanted, and for those founded and dissolved; or take in kept answers.

    The origin is the API's address, or a zip of kept answers, or a folder of such, named by their days.

    Raises:
        NotSetUpError: there is no key in the environment.
        SourceError: an answer cannot be had.
    """
    origin = request.origin or str(request.declaration.default_origin)
    if is_url(origin):
        return pull_pages(request, endpoints(origin, request))
    items = local_items(origin, request.day, request.declaration.file_names)
    return bring(request, items, is_dated=True, check=_check)


def endpoints(address: str, request: PullRequest) -> list[Endpoint]:
    """What a night asks: the searches, for they are few, then the wanted companies in their order."""
    base = address.rstrip("/")
    since = request.since or request.day - timedelta(days=_FIRST_DAYS)
    cities = sorted({one.city for one in load_districts().values() if one.country == _COUNTRY})
    searches = [
        _search(base, kind, city, (first, min(first + timedelta(days=_WINDOW_DAYS - 1), request.day)))
        for kind in _KINDS
        for city in cities
        for first in _days(since, request.day)
    ]
    # A list of people's may hold anything as a number; what is none is nothing to ask for.
    form = request.declaration.table("answers").field("company_number").constraints.pattern or ".*"
    numbers = [one.key for one in request.wanted if re.fullmatch(form, one.key)]
    lookups = [Lookup(f"{base}/company/{number}", name=f"company-{number}") for number in numbers]
    return [*searches, *lookups]


def _days(first: date, last: date) -> Iterator[date]:
    while first <= last:
        yield first
        first += timedelta(days=_WINDOW_DAYS)


def _search(base: str, kind: str, city: str, days: tuple[date, date]) -> Endpoint:
    """A list of companies of a city that were founded or dissolved in a few days.

    It counts what it found in ``hits``, where the plain search has ``total_results``; no match is a 404.
    """
    first, last = (day.isoformat() for day in days)
    return Endpoint(
        f"{base}/advanced-search/companies",
        "items",
        _paginator,
        {"location": city, f"{kind}_from": first, f"{kind}_to": last},
        total="hits",
        is_404_nothing=True,
        name=f"{kind}-{re.sub('[^a-z]+', '_', city.lower())}-{first}",
    )


def _paginator() -> OffsetPaginator:
    from sources.dlt_parts import paginators  # imports dlt: seconds

    return paginators.OffsetPaginator(
        limit=_PAGE_SIZE, offset_param="start_index", limit_param="size", total_path="hits"
    )


_LIST = Endpoint("", "items", _paginator, total="hits")  # any search, for reading its pages


def _check(path: Path) -> None:
    """Refuse a file that is no zip of answers before it enters the archive."""
    if not is_zip(path):
        raise SourceError(f"{path.name}: not a zip. Kept answers come as one zip a day.")
    look_into(path, _KEPT)


def read(snapshot: Snapshot, declaration: SourceDeclaration, workspace: Path) -> Reading:
    """The answers as the tables ``companies``, ``answers`` and ``found``.

    An answer that is no record of the company asked for is quarantined: that company stands as it was last known.

    Raises:
        SourceError: a zip cannot be unpacked.
    """
    import pyarrow as pa

    from sources.loading import arrow_schema

    answers = _Answers(snapshot.date, Rows(declaration.table("companies")), Rows(declaration.table("found")))
    for name, path in _pages(snapshot, workspace):
        answers.take(name, path.read_bytes())
    rows = {"companies": answers.companies.rows, "found": answers.found.rows, "answers": answers.rows}
    return Reading(
        {
            table.name: pa.Table.from_pylist(rows[table.name], schema=arrow_schema(table))
            for table in declaration.tables
        },
        findings=[*answers.findings, *answers.companies.findings, *answers.found.findings, *answers.doubts()],
        quarantined=answers.quarantined,
    )


def _pages(snapshot: Snapshot, workspace: Path) -> Iterator[tuple[str, Path]]:
    """The answers of a snapshot with their names, as pulled or from a zip of kept ones."""
    for path in snapshot.paths():
        if path.suffix == ".zip":
            kept = unpack(path, workspace / path.stem, limits=_KEPT)
            yield from sorted((one.name, one.path) for one in kept)
        else:
            yield path.name, path


@dataclass
class _Answers:
    """The rows that answers come to, and what is wrong with them."""

    day: date
    companies: Rows
    found: Rows
    rows: list[dict[str, Any]] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    quarantined: list[QuarantinedRow] = field(default_factory=list)
    _tallies: dict[str, Tally] = field(default_factory=dict)
    _seen: set[object] = field(default_factory=set)

    def take(self, name: str, content: bytes) -> None:
        """Read an answer, by the name of its file."""
        if asked := _COMPANY.fullmatch(name):
            self._take_company(asked[1], name, content)
        elif searched := _SEARCH.fullmatch(name):
            self._take_found(searched[1], name, content)
        else:
            self._warn(
                "unknown-file", message("This is no answer that was asked for; it was left out."), name, None
            )

    def _take_company(self, number: str, name: str, content: bytes) -> None:
        answer: dict[str, Any] = {"company_number": number, "answered_date": self.day}
        answer |= {"_file": name, "_sheet": None, "_row": 1}
        self.rows.append(answer)
        try:
            found = PageContent.of(name, Lookup("", name=number), content).items
        except SourceError:
            found = [{}]
        record = found[0] if found else None
        if record is None:
            answer["answer_code"] = "unknown"
        elif record.get("company_number") != number:
            answer["answer_code"] = "unusable"
            self._refuse(number, name)
        else:
            self.companies.add(record, PROFILE, name, 1)
            row = self.companies.rows[-1]
            answer["answer_code"] = "ended" if row["has_ended"] else "known"
            answer |= {column: row.get(column) for column in ("company_status_code", "cessation_date")}

    def _refuse(self, number: str, name: str) -> None:
        key = key_text({"company_number": number})
        self.findings.append(
            Finding(
                rule="not-the-company",
                severity=Severity.ERROR,
                message=message("The register's answer is no record of the company {number}.", number=number),
                help=message(
                    "Open the company's page on the register. Where that is in order, the next night that asks for"
                    " it mends this."
                ),
                table_name=self.companies.table.name,
                file=name,
                row_number=1,
                row_key=number,
            )
        )
        # What came is in the raw archive; it may name people, so it is not repeated.
        record = json.dumps({"company_number": number})
        self.quarantined.append(QuarantinedRow(self.companies.table.name, name, None, 1, record, key))

    def _take_found(self, search: str, name: str, content: bytes) -> None:
        try:
            page = PageContent.of(name, _LIST, content)
        except SourceError:
            self._warn("unreadable", message("This answer is no list of companies."), name, self.found.table.name)
            return
        self._tallies[search] = self._tallies.get(search, Tally()).with_page(page)
        for row, item in enumerate(page.items, start=1):
            number = item.get("company_number") if isinstance(item, dict) else None
            if not isinstance(number, str) or number in self._seen:
                continue  # listed by another search too, which the register answered at the same time
            self._seen.add(number)
            self.found.add(item, FOUND, name, row)

    def doubts(self) -> Sequence[Finding]:
        """A finding for every search whose list is not whole."""
        return [
            Finding(
                rule="not-whole",
                severity=Severity.WARNING,
                message=sentences(tally.doubt, message("What a search does not give is as it was.")),
                help=message(
                    "The next monthly file has all companies. If this goes on, search for fewer days at once."
                ),
                table_name=self.found.table.name,
                file=f"{search}-00001.json",
            )
            for search, tally in self._tallies.items()
            if tally.doubt
        ]

    def _warn(self, rule: str, what: str, name: str, table: str | None) -> None:
        advice = message("See what the register gave there: the file is in the raw archive.")
        self.findings.append(Finding(rule, Severity.WARNING, what, advice, table_name=table, file=name))
