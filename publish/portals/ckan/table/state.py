"""A table of the DataStore as it stands, and the note in its data dictionary of whose rows it holds."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from publish.portals.ckan.client import Client

HOLDS = "rows_of"  # in the dictionary of one of the table's columns: which rows the table holds
CHANGING = "changing"  # what the note says while a change is under way


@dataclass(frozen=True)
class Edits:
    """What somebody changed in a table by hand: how many rows, and the first of them in words without values."""

    rows: int
    examples: tuple[str, ...]

    def __str__(self) -> str:
        more = self.rows - len(self.examples)
        text = "; ".join(self.examples) + (f"; and {more:,} more" if more > 0 else "")
        return f"{self.rows:,} {'row is' if self.rows == 1 else 'rows are'} not as published ({text})"


@dataclass(frozen=True)
class TableState:
    """The DataStore table as it is.

    Attributes:
        columns: as ``datastore_info`` tells them: ``id``, ``type``, ``info``, ``schema``.
        count: its rows.
        holds: the note of whose rows they are; empty without one.
        is_active: whether CKAN knows that the resource has it; else it shows neither the Data API nor the
            dictionary (so after a purge and a new dataset of the same ids).
        edits: what somebody changed by hand, as far as it was looked for.
    """

    columns: tuple[Mapping[str, Any], ...]
    count: int
    holds: str
    is_active: bool = True
    edits: Edits | None = None


def read_state(client: Client, rid: str, resource: Mapping[str, Any]) -> TableState | None:
    """The table of a resource; None if it has none.

    Args:
        client: the portal.
        rid: the resource's id.
        resource: what the portal says of it.
    """
    info = client.call("datastore_info", {"id": rid}, missing_ok=True)
    if info is None:
        return None
    columns = tuple(info.get("fields") or ())
    notes = (str((column.get("info") or {}).get(HOLDS) or "") for column in columns)
    # A portal that does not tell (a resource read through another extension) is taken to know.
    is_active = resource.get("datastore_active") in (True, "true", "True", None)
    return TableState(columns, int(info["meta"]["count"]), next(filter(None, notes), ""), is_active)


def content_of(holds: str) -> str:
    """The sum of the rows that a table's note speaks of; empty where it speaks of none."""
    return holds.rpartition("sha256:")[2].split(" ")[0] if "sha256:" in holds else ""


def with_sum(holds: str, total: int) -> str:
    """A note with the sum that the database makes of the table's rows."""
    return f"{holds} rows:{total}"


def sum_of(holds: str) -> int | None:
    """The sum that the database made of the rows when they were written; None where it made none."""
    found = re.search(r" rows:(-?\d+)$", holds)
    return int(found[1]) if found and content_of(holds) else None


def version_of(holds: str) -> str:
    """The version that a table's note speaks of; empty where it speaks of none."""
    version = holds.split(" ")[0]
    return version if content_of(holds) and re.fullmatch(r"[\w.-]+", version) else ""


def noted(columns: Sequence[Mapping[str, Any]], holds: str) -> list[dict[str, Any]]:
    """Columns with their dictionary, the first with the note of whose rows the table holds."""
    first, *others = ({key: column[key] for key in ("id", "type", "info") if key in column} for column in columns)
    return [{**first, "info": {**(first.get("info") or {}), HOLDS: holds}}, *others]
