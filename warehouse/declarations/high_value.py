"""High-value datasets: what an entry says whose publisher opts in to Implementing Regulation (EU) 2023/138."""

from __future__ import annotations

from pydantic import Field

from warehouse.declared import Declared

# Others follow it: no user and password in it, and nothing that an address cannot hold unescaped (RFC 3986).
_ADDRESS = r'https://[^/@\s<>"{}|\\^`]+(/[^\s<>"{}|\\^`]*)?'


class HighValue(Declared):
    """The entry is published as a high-value dataset of the EU, and gated by the shapes of DCAT-AP HVD.

    ``category`` is a code of the vocabulary http://data.europa.eu/bna/ (``c_56a1bf47``: key attributes of
    companies, basic). Of the API that the regulation wants: ``terms`` the page with its terms of use,
    ``documentation`` the one that says how to call it, ``endpoint`` the address of its calls. Without ``endpoint``
    it is the portal's own, which a CKAN has and a folder has not.
    """

    category: str = Field(pattern=r"^c_[0-9a-f]{8}$")
    terms: str = Field(pattern=f"^{_ADDRESS}$")
    documentation: str = Field(pattern=f"^{_ADDRESS}$")
    endpoint: str = Field(default="", pattern=f"^({_ADDRESS})?$")
