"""Grants as a package of the 360Giving Data Standard, version 1.4: https://standard.threesixtygiving.org/.

DuckDB writes it row by row, as it writes the GeoJSON. Which column says what, the dataset's entry declares
(``grants``). A row that lacks what the standard requires, or that another publisher gives out under an id of its
own, is not in the package; the package says so.
"""

from __future__ import annotations

import json
from pathlib import Path

import duckdb

from publish.files.render import order_by
from warehouse.declarations import DatasetDeclaration, GrantColumns, literal, quote

VERSION = "1.4"


def write_grants(
    connection: duckdb.DuckDBPyConnection, view: str, dataset: DatasetDeclaration, path: Path
) -> bool:
    """The rows that are grants of ours as a package, in the order of the other files.

    The ids of grants begin with the publisher's prefix. No date of the run is in it, so the same rows make the
    same bytes.

    Args:
        connection: sees the view.
        view: the rows as published, see ``render.published``.
        dataset: its declaration, with ``grants``; its publisher has a prefix.
        path: the file to write.

    Returns:
        False where no row is a grant: the standard knows no empty package.
    """
    entry = dataset.entry
    columns, prefix = entry.grants, entry.publisher.grant_prefix
    if columns is None or prefix is None:
        raise ValueError(f"{dataset.name} declares no grants, or its publisher has no prefix")
    ours = " AND ".join(f"{quote(name)} IS NOT NULL" for name in columns.required)
    if columns.elsewhere:
        ours += f" AND {quote(columns.elsewhere)} IS NULL"
    (rows, grants) = connection.execute(f"SELECT count(*), count(*) FILTER ({ours}) FROM {view}").fetchone() or (
        0,
        0,
    )
    if not grants:
        return False
    described = {
        "version": VERSION,
        "title": entry.title,
        "description": f"{entry.description.strip()} {_left_out(int(rows), int(grants))}",
        "identifier": f"{prefix}-{dataset.name}",
        "publisher": {
            key: value
            for key, value in (
                ("identifier", entry.publisher.org_id),
                ("name", entry.publisher.title),
                ("website", entry.publisher.homepage),
            )
            if value
        },
        "license": entry.licence.url,
    }
    start = json.dumps(described, ensure_ascii=False)[:-1] + ', "grants": [\n'
    lines = f"SELECT {_grant(columns, prefix)} FROM {view} WHERE {ours} ORDER BY {order_by(dataset.table)}"
    # As in publish.files.geojson: lines as they are, between a start, commas and an end.
    connection.execute(
        f"COPY ({lines}) TO {literal(str(path))} (FORMAT csv, HEADER false, QUOTE '', ESCAPE '',"
        f" DELIMITER '\x1f', NULL '', PREFIX {literal(start)}, NEW_LINE ',\n', SUFFIX '\n]}}\n')"
    )
    return True


def _left_out(rows: int, grants: int) -> str:
    if rows == grants:
        return "All rows of the dataset are in this package."
    return (
        f"Of {rows:,} rows of the dataset {grants:,} are in this package: the others lack something that the"
        " standard"
        " requires, or are published by their own funder."
    )


def _grant(columns: GrantColumns, prefix: str) -> str:
    """SQL for a row as a grant in JSON, without what is missing."""
    parts = {
        "id": f"CASE WHEN starts_with({quote(columns.id)}, '360G-') THEN {quote(columns.id)}"
        f" ELSE {literal(prefix + '-')} || {quote(columns.id)} END",
        "title": quote(columns.title),
        "description": quote(columns.description),
        "currency": quote(columns.currency),
        "amountAwarded": f"CAST({quote(columns.amount)} AS DOUBLE)",
        "awardDate": f"strftime({quote(columns.award_date)}, '%Y-%m-%d')",
        "plannedDates": _planned(columns),
        "recipientOrganization": _organisation(columns.recipient_org_id, columns.recipient_name, prefix),
        "fundingOrganization": _organisation(columns.funder_org_id, columns.funder_name, prefix),
    }
    if columns.programme:
        name = quote(columns.programme)
        parts["grantProgramme"] = f"CASE WHEN {name} IS NOT NULL THEN [struct_pack(title := {name})] END"
    packed = ", ".join(f'"{name}" := {value}' for name, value in parts.items() if value)
    # A merge patch leaves out what is null: the standard knows no empty values.
    return f"json_merge_patch('{{}}', to_json(struct_pack({packed})))"


def _planned(columns: GrantColumns) -> str:
    days = {
        name: f"strftime({quote(column)}, '%Y-%m-%d')"
        for name, column in (("startDate", columns.planned_start_date), ("endDate", columns.planned_end_date))
        if column
    }
    if len(days) < 2:
        return ""
    given = " AND ".join(f"{day} IS NOT NULL" for day in days.values())
    packed = ", ".join(f'"{name}" := {day}' for name, day in days.items())
    return f"CASE WHEN {given} THEN [struct_pack({packed})] END"


def _organisation(org_id: str | None, name: str, prefix: str) -> str:
    """SQL for an organisation: under its id in a register, else under one of ours made of its name."""
    slug = f"trim(regexp_replace(lower(strip_accents({quote(name)})), '[^a-z0-9]+', '-', 'g'), '-')"
    ours = f"{literal(prefix + '-org:')} || {slug}"
    known = f"coalesce({quote(org_id)}, {ours})" if org_id else ours
    return f"[struct_pack(id := {known}, name := {quote(name)})]"
