"""A table is read back after it was written."""

from __future__ import annotations

from publish.plans import PortalError
from publish.portals.ckan.client import Client
from publish.portals.ckan.table.comparing import column_faults, dictionary_faults
from publish.portals.ckan.table.state import noted, read_state
from publish.portals.ckan.wanted import Wanted


def verify(client: Client, wanted: Wanted) -> None:
    """Read back what the table is now.

    Raises:
        PortalError: its rows are not as many, or a type or a word of the dictionary was not taken.
    """
    state = read_state(client, wanted.table_id, {})
    if state is None:
        raise PortalError(f"{wanted.name}: the table was written, and the portal shows none; look at its log")
    if faults := [*column_faults(wanted, state), *dictionary_faults(wanted, state)]:
        raise PortalError(
            f"{wanted.name}: the portal took the table's columns and holds others ({'; '.join(faults)}). An"
            " extension of the portal changes them, or somebody else writes the table"
        )
    if state.count != wanted.rows:
        call = {"resource_id": wanted.table_id, "force": True, "fields": noted(state.columns, "")}
        client.call("datastore_create", call)
        raise PortalError(
            f"{wanted.name}: the table holds {state.count:,} rows where version {wanted.version} has"
            f" {wanted.rows:,}. If the portal runs xloader or datapusher, have them leave this dataset"
            " alone; the next run compares the table row by row"
        )
