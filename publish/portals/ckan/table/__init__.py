"""A dataset's table in CKAN's DataStore, brought from the rows it holds to those of a release.

The table is apart from the files and cannot change in the same call. It is worked out, and every row that will be
written is tried on the portal and rolled back, before the files are switched; it follows right after. What a
reader may see of it (looked up in the source of CKAN 2.12.0, and watched by a test that reads all the time):

*Through the action API*, a transaction is a call.

* A change that one call can take (up to 40,000 rows of 20 columns, if the rehearsal says it takes less than 20
  seconds): old rows, then new ones. Rows that come take the ``_id`` of rows that go, so that a delete and an
  insert are one update. Where more rows go than come, the rest is deleted by the next call: in between a reader
  sees all new rows and, beside them, some that have gone.
* A larger change: 5,000 rows a call; in between a reader sees rows of both versions. Only the other route helps.
* A column more or less: one call that adds and removes, another that fills. In between the new column is empty.
  One of another type is removed and added, so it is missing for a call. Nothing is ever dropped and built anew.
* A first load: one call up to 10,000 rows of 20 columns. A larger one grows as it comes, which nobody sees, for a
  new dataset is private; where the table of a public one was dropped by hand, people see it grow.
* Between the switch of the files and the first call of the table: new files beside the old rows. A fault of that
  one call, of whatever kind, is tried again in the same run; a portal that stays away there stays so until it is
  back, for CKAN switches files and tables by different calls. CKAN's ``upsert`` leaves the words that
  its search finds a row by as they were (2.12.0), so what it changed is written once more, as an update, with the
  same values.

*Straight into the database*, where the operator gives its address: all of it is one transaction, the note of whose
rows they are included. It is executed before the files are switched, and committed after: milliseconds. Columns
that change are the exception: to change them locks readers out, so that is done after the switch; readers wait, a
few seconds for 100,000 rows, and see nothing else.

A note in the table's dictionary says whose rows it holds. Through the API it is taken away before the first call
and comes back after the last: a table without it is compared row by row and completed, so a run that was killed
anywhere is finished by the next. Rows that somebody changed by hand are seen by their content (``edits``), told,
and brought back row by row.
"""

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
from publish.portals.ckan.table.state import read_state, sum_of
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
        names = [field.name for field in wanted.declared]
        columns = ["_id", *(str(column["id"]) for column in state.columns)]
        is_told = sum_of(state.holds) is not None and set(names) == set(columns[1:])
        if is_told and database.content_sum(quote(wanted.table_id), names) == sum_of(state.holds):
            return None
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
