"""Keeping what may be kept for a time only: a source's ``retention_days``, counted from when a file was taken in.

A file that is older is deleted in every snapshot of the raw archive that holds it, with its rows in the history,
its quarantine and its findings. What was released stays: it may hold nothing that says who somebody is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta

import duckdb

from warehouse import ledger
from warehouse.archive import Archive
from warehouse.database import insert_rows
from warehouse.declarations import SourceDeclaration
from warehouse.history import create_history, history_table
from warehouse.history.tables import said_table, same_key, standing
from warehouse.home import Home


def outlived(home: Home, source: SourceDeclaration, day: date) -> Mapping[str, Sequence[str]]:
    """By id of a snapshot, the files that a source keeps no longer on that day; of most sources none, ever."""
    if source.retention_days is None:
        return {}
    return Archive(home, source.name).outlived(day - timedelta(days=source.retention_days))


def forget(
    connection: duckdb.DuckDBPyConnection, source: SourceDeclaration, files: Mapping[str, Sequence[str]]
) -> None:
    """Delete what came of files from the history and from what was found, in one transaction.

    Args:
        connection: writes to the warehouse.
        source: the source whose files they are.
        files: their names by id of the snapshot.
    """
    create_history(connection, source)
    pairs = [(snapshot_id, name) for snapshot_id, names in files.items() for name in names]
    connection.execute("BEGIN")
    connection.execute("CREATE OR REPLACE TEMP TABLE outlived (snapshot_id VARCHAR, file VARCHAR)")
    insert_rows(connection, "outlived", pairs)
    for table in source.tables:
        history, said = history_table(source.name, table.name), said_table(source.name, table.name)
        connection.execute(
            f"DELETE FROM {history} AS kept USING outlived"
            " WHERE kept._snapshot = outlived.snapshot_id AND kept._file = outlived.file"
        )
        connection.execute(
            f"DELETE FROM {said} AS b WHERE NOT EXISTS (FROM {history} AS a WHERE {same_key(table)})"
        )
    for log in ("findings", "quarantine", "corrections"):
        connection.execute(
            f"DELETE FROM ledger.{log} AS kept USING outlived WHERE kept.subject = ?"
            " AND kept.snapshot_id = outlived.snapshot_id AND kept.file = outlived.file",
            [source.name],
        )
    ledger.forget_spells(connection, source.name)
    connection.execute("DROP TABLE temp.outlived")
    connection.execute("COMMIT")


def recount(connection: duckdb.DuckDBPyConnection, source: SourceDeclaration) -> None:
    """Note how many records still stand at the date of each snapshot.

    What was deleted did not vanish at its source: the next snapshot must not be held for being so much smaller.
    """
    for one in ledger.promoted(connection, source.name):
        tables = dict(one.tables)
        for table in source.tables:
            if (load := tables.get(table.name)) is None or load.standing is None:
                continue
            found = f"FROM {history_table(source.name, table.name)} AS a WHERE {standing(one.data_date)}"
            (count,) = connection.execute(f"SELECT count(*) {found}").fetchone() or (0,)
            tables[table.name] = replace(load, standing=int(count))
        ledger.recount(connection, source.name, one.snapshot_id, tables)
