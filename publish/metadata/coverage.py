"""Which time a version's rows speak of."""

from __future__ import annotations

from datetime import date

import duckdb

from warehouse.declarations import Period, TableDeclaration, quote


def period_of(
    connection: duckdb.DuckDBPyConnection,
    relation: str,
    table: TableDeclaration,
    period: Period | None,
    data_date: date,
) -> dict[str, str] | None:
    """``start`` and ``end`` as ISO dates; None where nothing is declared, or the rows say nothing.

    Args:
        connection: sees the relation.
        relation: the rows as published, for SQL.
        table: their declaration.
        period: what the entry says of it.
        data_date: the day the data are of.
    """
    if period is None:
        return None
    types = {field.name: field.type for field in table.fields}
    columns = [name for name in period.columns if name in types]
    first, last = None, None
    if columns:
        starts = ", ".join(_day_sql(name, types[name], "01-01") for name in columns)
        ends = ", ".join(_day_sql(name, types[name], "12-31") for name in columns)
        first, last = connection.execute(
            f"SELECT CAST(min(least({starts})) AS VARCHAR), CAST(max(greatest({ends})) AS VARCHAR) FROM {relation}"
        ).fetchone() or (None, None)
    start, end = _said(period.start, data_date) or first, _said(period.end, data_date) or last
    # "until the day of the data" holds of what had begun by then
    return {"start": start, "end": max(start, end)} if start and end else None


def _day_sql(name: str, kind: str, of_year: str) -> str:
    """SQL of a column's day; of a year its first or its last."""
    if kind == "year":
        return f"CAST(lpad(CAST({quote(name)} AS VARCHAR), 4, '0') || '-{of_year}' AS DATE)"
    return f"CAST({quote(name)} AS DATE)"


def _said(bound: date | str | None, data_date: date) -> str | None:
    if bound is None:
        return None
    return data_date.isoformat() if isinstance(bound, str) else bound.isoformat()
