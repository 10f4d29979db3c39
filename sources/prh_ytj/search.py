"""The search by postcode: a list for each postcode of the declared districts, a hundred companies a page.

A page beyond the last one is the first one again, so the pull stops at the list's own count and at a repeat
(``sources.paging``). A company whose visiting and postal addresses have different postcodes is in two lists.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sources import PullRequest, SourceError
from sources.paging import Endpoint, pull_pages
from warehouse.archive import Snapshot
from warehouse.districts import load_districts

if TYPE_CHECKING:
    from dlt.sources.helpers.rest_client.paginators import PageNumberPaginator

_ITEMS, _TOTAL = "companies", "totalResults"

# All of Helsinki has some 100,000 companies; no postcode has a tenth of them.
_MAX_PAGES = 500


def pull(request: PullRequest, base: str) -> Snapshot:
    """All lists as one snapshot.

    Args:
        request: what is pulled; its declaration names the districts.
        base: the API's address, without ``/companies``.

    Raises:
        SourceError: the declaration names no districts, or a page cannot be had or read.
    """
    districts = load_districts()
    postcodes = sorted(
        {code for name in request.declaration.districts for code in districts[name].all_postcode_areas}
    )
    if not postcodes:
        raise SourceError(
            f"{request.declaration.name}: source.yaml names no districts, so it is not known whose companies to"
            " search for. Name them, or take everything: the address ends with /all_companies."
        )
    return pull_pages(request, [_list_of(base, postcode) for postcode in postcodes])


def saved(name: str) -> Endpoint:
    """The list that pages of a name belong to, to read them again."""
    return Endpoint("", _ITEMS, _by_number, total=_TOTAL, name=name)


def _list_of(base: str, postcode: str) -> Endpoint:
    return Endpoint(
        f"{base.rstrip('/').removesuffix('/companies')}/companies",
        _ITEMS,
        _by_number,
        params={"postCode": postcode},
        total=_TOTAL,
        stops_at_total=True,
        name=f"postcode-{postcode}",
        max_pages=_MAX_PAGES,
    )


def _by_number() -> PageNumberPaginator:
    from sources.dlt_parts import paginators  # imports dlt: seconds

    return paginators.PageNumberPaginator(base_page=1, page_param="page", total_path=None)
