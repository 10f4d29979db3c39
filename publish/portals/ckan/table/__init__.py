"""A dataset's table in CKAN's DataStore, brought from the rows it holds to those of a release."""

from __future__ import annotations

import datetime as dt
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

import duckdb

from publish.plans import PortalError
from publish.portals.ckan.client import Client
from publish.portals.ckan.table.comparing import table_change as table_change
from publish.portals.ckan.table.comparing import table_drift as table_drift
from publish.portals.ckan.table.database import Database
from publish.portals.ckan.table.edits import edited
from publish.portals.ckan.table.reading import PAGE_ROWS
from publish.portals.ckan.table.state import Edits as Edits
from publish.portals.ckan.table.state import TableState as TableState
from publish.portals.ckan.table.state import read_state
from publish.portals.ckan.table.through_api import ThroughApi
from publish.portals.ckan.table.through_copy import ThroughCopy
from publish.portals.ckan.wanted import Wanted
from warehouse.declarations import quote
from warehouse.progress import Progress


class TableChange(Protocol):
    """A change of a table that was worked out."""

    def rehearse(self, progress: Progress) -> None:
        """Have the portal try it; nothing is changed. Raises PortalError if it refuses."""

    def begin(self) -> None:
        """The last step before the files are switched."""

    def write(self, progress: Progress) -> None:
        """Change the table, right after the files were switched."""


def read_table(
    client: Client, wanted: Wanted, resource: Mapping[str, Any], datastore: str = ""
) -> TableState | None:
    """The table as it stands, and what somebody changed in it by hand; None if there is none.

    Args:
        client: the portal.
        wanted: the dataset.
        resource: what the portal says of the resource that has the table.
        datastore: the DataStore's own address, if we know it.
    """
    state = read_state(client, wanted.table_id, resource)
    if state is None:
        return None
    try:
        return replace(state, edits=_edits(client, wanted, state, datastore))
    except duckdb.Error as error:
        raise PortalError(f"{wanted.name}: the rows cannot be compared: {error}") from error


def _edits(client: Client, wanted: Wanted, state: TableState, datastore: str) -> Edits | None:
    today = dt.datetime.now(dt.UTC).date()
    if not datastore or state.count <= PAGE_ROWS:
        return edited(client, wanted, state, today)
    with (
        tempfile.TemporaryDirectory(prefix="opendistrict-") as folder,
        Database.connect(datastore, wanted.name) as database,
    ):
        columns = ["_id", *(str(column["id"]) for column in state.columns)]
        everything = database.copy_out(quote(wanted.table_id), columns, Path(folder) / "table.csv")
        return edited(client, wanted, state, today, everything)


@contextmanager
def prepared(
    client: Client, wanted: Wanted, table: TableState | None, kind: str, datastore: str = ""
) -> Iterator[TableChange]:
    """A change of a table, worked out.

    Args:
        client: the portal.
        wanted: the dataset.
        table: the table as it stands.
        kind: what ``table_change`` said.
        datastore: the DataStore's own address, if we know it: then rows go straight there.
    """
    with tempfile.TemporaryDirectory(prefix="opendistrict-") as folder:
        rows: ThroughApi | ThroughCopy
        if datastore:
            rows = ThroughCopy(client, wanted, table, kind, Path(folder), datastore)
        else:
            rows = ThroughApi(client, wanted, table, kind, Path(folder))
        try:
            rows.compute()
            yield rows
        except duckdb.Error as error:
            raise PortalError(f"{wanted.name}: the rows cannot be compared: {error}") from error
        finally:
            rows.close()
