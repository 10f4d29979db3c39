"""Putting a snapshot into the history at its own date, wherever that lies among those already there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date

import duckdb

from warehouse.archive import Snapshot
from warehouse.declarations import TableDeclaration
from warehouse.history.delivery import take
from warehouse.history.placing import put
from warehouse.history.tables import ENDED, HELD, TOLD, TableHistory, standing
from warehouse.ledger import TableLoad
from warehouse.sql import day_literal

Later = Sequence[tuple[date, TableLoad]]  # the loads at the dates after one, in order


def promote(
    connection: duckdb.DuckDBPyConnection,
    attached: str,
    table: TableDeclaration,
    snapshot: Snapshot,
    others: Mapping[date, TableLoad],
) -> TableLoad:
    """Put the accepted rows of a staged table into its history at the snapshot's date.

    To be called inside a transaction, one for all tables of the source.

    Args:
        connection: writes to the warehouse, with the staging file attached.
        attached: the name under which the staging file is attached; its quarantine decides what is accepted, its
            held cells what is emptied.
        table: the table's declaration; its primary key identifies a record over time.
        snapshot: its source's history it is, its date the data speak of, its id is noted on the versions that it
            brings.
        others: by date, this table's loads from the snapshots in the history. The snapshot's date may be among
            them: then it takes the place of that one.
    """
    day = snapshot.date
    history = TableHistory(connection, snapshot.source, table)
    later = [(other, load) for other, load in sorted(others.items()) if other > day]
    load = take(connection, attached, table, snapshot.id)
    if day in others and not _replaces_by_itself(history, day, load, others[day]):
        _forget(history, day, later)
    changes = put(history, "incoming", _scope(history, load), day, _first(later))
    _note(history, day, load)
    _carry_on(history, day, later)
    held = f"a._day = {day_literal(day)} AND a._said = '{HELD}' AND {history.is_known(day)}"
    return replace(
        load,
        added=changes.added,
        changed=changes.changed,
        vanished=changes.vanished,
        held=history.count(f"SELECT count(*) FROM {history.said} AS a WHERE {held}"),
        standing=history.count(f"SELECT count(*) FROM {history.name} AS a WHERE {standing(day)}"),
    )


def _first(later: Later) -> date | None:
    return later[0][0] if later else None


def _replaces_by_itself(history: TableHistory, day: date, load: TableLoad, before: TableLoad) -> bool:
    """Whether a snapshot takes the place of another one of its date without that being taken out first.

    One that speaks of every record does so: the register judged anew under other rules is not put in again.
    """
    if load.held or not (_is_plain(load) and _is_plain(before)):
        return False
    return not history.count(f"SELECT count(*) FROM {history.said} WHERE _day = {day_literal(day)}")


def _is_plain(load: TableLoad) -> bool:
    return load.delivery == "full" and load.is_whole


def _scope(history: TableHistory, load: TableLoad) -> str:
    """The condition under which a snapshot speaks of the record of ``a``."""
    if _is_plain(load):
        return f"NOT {history.among('held_now')}" if load.held else "true"
    return f"({history.among('incoming')} OR {history.among('ended_now')})"


def _note(history: TableHistory, day: date, load: TableLoad) -> None:
    """Keep what the snapshot at ``day`` said, as far as it does not follow from the history."""
    said = [(HELD, f"SELECT {history.keys} FROM held_now")]
    if load.delivery != "full":
        said += [
            (TOLD, f"SELECT {history.keys} FROM incoming"),
            (ENDED, f"SELECT {history.keys} FROM ended_now"),
        ]
    elif not load.is_whole:
        said.append(
            (
                HELD,
                f"SELECT {history.keys} FROM {history.name} AS a WHERE {standing(day)}"
                f" AND NOT {history.among('incoming')} AND NOT {history.among('held_now')}",
            )
        )
    for kind, query in said:
        history.execute(f"INSERT INTO {history.said} SELECT *, {day_literal(day)}, '{kind}' FROM ({query})")


def _carry_on(history: TableHistory, day: date, later: Later) -> None:
    """Let what was ``touched`` at ``day`` go on through the dates that do not speak of it."""
    while later:
        (following, load), later = later[0], later[1:]
        history.execute(f"""
            CREATE OR REPLACE TEMP TABLE carried AS
            SELECT {history.keys} FROM touched AS a WHERE {history.is_unspoken(following, load)}""")
        if not history.count("SELECT count(*) FROM carried"):
            return
        history.execute(f"""
            CREATE OR REPLACE TEMP TABLE carried_rows AS
            SELECT a.*, a.rowid AS _id FROM {history.name} AS a
            WHERE {standing(day)} AND {history.among("carried")}""")
        put(history, "carried_rows", history.among("carried"), following, _first(later))
        if load.delivery == "full" and not load.is_whole:
            history.execute(f"""
                INSERT INTO {history.said}
                SELECT {history.keys}, {day_literal(following)}, '{HELD}' FROM carried_rows AS a
                WHERE NOT {history.is_said(following, HELD)}""")
        day = following


def _forget(history: TableHistory, day: date, later: Later) -> None:
    """Undo the snapshot at ``day``: what stood before it stands on."""
    history.execute(f"""
        CREATE OR REPLACE TEMP TABLE returning_rows AS
        SELECT a.*, a.rowid AS _id FROM {history.name} AS a WHERE a._valid_to = {day_literal(day)}""")
    put(history, "returning_rows", f"a._valid_from = {day_literal(day)}", day, _first(later))
    history.execute(f"DELETE FROM {history.said} AS a WHERE a._day = {day_literal(day)}")
    _carry_on(history, day, later)
