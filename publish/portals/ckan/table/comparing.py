"""What has to be done with a table, told in words. Asks nobody."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from publish.plans import Drift
from publish.portals.ckan.table.state import CHANGING, TableState, content_of
from publish.portals.ckan.wanted import Wanted

# What a table needs: a first load, other columns, other rows, other words in its dictionary; empty: nothing.
FILL, COLUMNS, ROWS, DICTIONARY = "fill", "columns", "rows", "dictionary"


def table_change(wanted: Wanted, table: TableState | None, note: Callable[[str, str, str], None]) -> str:
    """What a table needs: ``fill``, ``columns``, ``rows``, ``dictionary`` or nothing.

    Args:
        wanted: what it should be.
        table: what it is; None if there is none.
        note: told the action, its target and the detail.
    """
    if table is None:
        note("load", "table", f"there is none; {wanted.rows:,} rows")
        return FILL
    if faults := column_faults(wanted, table):
        note("load", "table", f"its columns differ ({'; '.join(faults)}); {_row_counts(wanted, table)}")
        return COLUMNS
    if why := _why_rows_differ(wanted, table):
        note("load", "table", f"{_row_counts(wanted, table)}; {why}")
        return ROWS
    different = dictionary_faults(wanted, table)
    if different:
        note("update", "data dictionary", f"of {', '.join(different)}")
    if not table.is_active:
        note("update", "table", "the portal has forgotten that it is there: neither Data API nor dictionary shown")
    return DICTIONARY if different or not table.is_active else ""


def table_drift(wanted: Wanted, table: TableState | None) -> tuple[Drift, ...]:
    """What somebody changed in a table by hand; the next ``apply`` undoes it, row by row."""
    told = [str(table.edits)] if table and table.edits else []
    is_ours = table is not None and content_of(table.holds) == content_of(wanted.holds)
    if table and is_ours and not told and table.count != wanted.rows:
        told = [f"it has {table.count:,} rows, and {wanted.rows:,} were published"]
    return tuple(Drift(wanted.name, "table", f"somebody has changed the table: {text}", "undone") for text in told)


def _why_rows_differ(wanted: Wanted, table: TableState) -> str:
    """Why the table is taken not to hold the release's rows, and what is done; empty if it holds them."""
    if content_of(table.holds) == content_of(wanted.holds):
        if table.count != wanted.rows:
            return "somebody has changed it, so it is compared row by row"
        return f"somebody has changed it: {table.edits}" if table.edits else ""
    if not table.holds:
        return (
            "nothing says whose rows the table holds: an earlier change was cut short, or somebody else loads"
            " it (does the portal run xloader or datapusher?); it is compared row by row"
        )
    if table.holds.startswith(CHANGING):
        return "an earlier change was cut short; it is compared row by row"
    return f"it holds the rows of {table.holds.split(' ')[0]}; only what differs is sent"


def _row_counts(wanted: Wanted, table: TableState) -> str:
    """How many rows there are and will be; that a table loses rows must be seen at once."""
    if table.count == wanted.rows:
        return f"{wanted.rows:,} rows"
    text = f"{table.count:,} rows become {wanted.rows:,}"
    if wanted.rows < table.count:
        lost = 100 * (table.count - wanted.rows) / table.count
        text += f": SHRINKS by {lost:.1f} %"
        if lost > wanted.shrink_limit_pct:
            text += f", more than the {wanted.shrink_limit_pct:g} % that its declaration allows"
    return text


def column_faults(wanted: Wanted, table: TableState) -> list[str]:
    """How the columns, their types and the key differ, in words."""
    shown = {str(column["id"]): column for column in table.columns}
    faults = [f"{name} goes" for name in shown if name not in {column["id"] for column in wanted.columns}]
    for column in wanted.columns:
        standing = shown.get(column["id"])
        if standing is None:
            faults.append(f"{column['id']} is new")
        elif is_retyped(wanted, standing):
            faults.append(f"{column['id']}: {standing.get('type')} becomes {column['type']}")
    return faults + [f"{name} is {fault} key there" for name, fault in _key_faults(wanted, table.columns)]


def is_retyped(wanted: Wanted, standing: Mapping[str, Any]) -> bool:
    """Whether a column that stands there gets another type."""
    types = {column["id"]: column["type"] for column in wanted.columns}
    return bool(types.get(standing["id"], standing.get("type")) != standing.get("type"))


def is_rekeyed(wanted: Wanted, columns: Sequence[Mapping[str, Any]]) -> bool:
    """Whether the key of the table is another one."""
    return bool(_key_faults(wanted, columns))


def _key_faults(wanted: Wanted, columns: Sequence[Mapping[str, Any]]) -> list[tuple[str, str]]:
    """The columns that lack in the key, and those that have no place in it. An index of somebody's is none."""
    told = {str(column["id"]): column.get("schema") or {} for column in columns}
    lacks = [(name, "no") for name in wanted.primary_key if told.get(name, {}).get("is_index") is False]
    index = {told[name].get("index_name") for name in wanted.primary_key if name in told} - {None}
    others = [name for name in told if name not in wanted.primary_key and told[name].get("index_name") in index]
    return lacks + [(name, "a") for name in others]


def dictionary_faults(wanted: Wanted, table: TableState) -> list[str]:
    """The columns whose label, notes or unit differ."""
    shown = {str(column["id"]): column.get("info") or {} for column in table.columns}
    return [
        str(column["id"])
        for column in wanted.columns
        if any(
            (shown[column["id"]].get(key) or "") != (column["info"].get(key) or "")
            for key in ("label", "notes", "unit")
        )
    ]
