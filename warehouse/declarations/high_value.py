"""High-value datasets: what an entry says whose publisher opts in to Implementing Regulation (EU) 2023/138."""

from __future__ import annotations

from pydantic import Field

from warehouse.declared import Declared


class HighValue(Declared):
    """The entry is published as a high-value dataset of the EU, and gated by the shapes of DCAT-AP HVD.

    ``category`` is a code of the vocabulary http://data.europa.eu/bna/ (``c_56a1bf47``: key attributes of
    companies, basic). Of the API that the regulation wants: ``terms`` the page with its terms of use,
    ``documentation`` the one that says how to call it, ``endpoint`` the address of its calls. Without ``endpoint``
    it is the portal's own, which a CKAN has and a folder has not.
    """

    category: str = Field(pattern=r"^c_[0-9a-f]{8}$")
    terms: str = Field(pattern=r"^https://")
    documentation: str = Field(pattern=r"^https://")
    endpoint: str = Field(default="", pattern=r"^(https://.*)?$")
