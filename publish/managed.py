"""Which fields of a portal are ours: in one place, for the plan, for ``drift`` and for those who edit there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal


@dataclass(frozen=True)
class Managed:
    """Something on a portal that we write. All that is named by none of these is never touched.

    ``fate`` is what becomes of a hand edit of it, see ``publish.plans.Drift``: what says something of the data is
    ``undone``, words are ``left`` until the entry says the same or ``--overwrite DATASET`` is given.
    """

    of: str  # dataset, resource, table, organisation: what it is a part of
    fields: tuple[str, ...]  # as the portal calls them
    fate: Literal["undone", "left"]
    why: str


def as_plain(managed: Sequence[Managed]) -> list[dict[str, Any]]:
    """The list as plain values."""
    return [{**asdict(one), "fields": list(one.fields)} for one in managed]
