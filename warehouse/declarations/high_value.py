"""High-value datasets: what an entry says whose publisher opts in to Implementing Regulation (EU) 2023/138."""

from __future__ import annotations

from pydantic import Field

from warehouse.declared import Declared


class HighValue(Declared):
    """The entry is published as a high-value dataset of the EU, and gated by the shapes of DCAT-AP HVD.

    ``category`` is a code of the vocabulary http://data.europa.eu/bna/ (``c_56a1bf47``: key attributes of
    companies, basic), ``terms`` the page with the terms of use of the API.
    """

    category: str = Field(pattern=r"^c_[0-9a-f]{8}$")
    terms: str = Field(pattern=r"^https://")
    documentation: str = Field(pattern=r"^https://")
