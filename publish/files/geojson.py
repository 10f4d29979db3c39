"""A table whose rows have coordinates as GeoJSON (RFC 7946), for maps.

DuckDB writes it as it writes the CSV, so a large table never passes through Python, and the same rows give the
same bytes. A row without a position is a feature without a geometry: nothing is left out.
"""

from __future__ import annotations

from pathlib import Path

import duckdb

from publish.files.render import order_by
from warehouse.declarations import COORDINATES, DatasetDeclaration, FieldDeclaration, literal, quote

_DIGITS = 7  # of a degree: a centimetre, and more than any position is known to


def write_geojson(
    connection: duckdb.DuckDBPyConnection, view: str, dataset: DatasetDeclaration, path: Path
) -> bool:
    """One feature a row, in the order of the other files: a point (longitude, latitude in WGS84), and all other
    columns under their names. Where the key is one column, it is the feature's id.

    Args:
        connection: sees the view.
        view: the rows as published, see ``render.published``.
        dataset: its declaration; it has the two columns.
        path: the file to write.

    Returns:
        True: any rows make a map.
    """
    table = dataset.table
    longitude, latitude = (f"CAST({quote(name)} AS DOUBLE)" for name in COORDINATES)
    is_place = f"{longitude} BETWEEN -180 AND 180 AND {latitude} BETWEEN -90 AND 90"
    point = (
        f"CASE WHEN {is_place} THEN struct_pack(\"type\" := 'Point',"
        f" coordinates := [round({longitude}, {_DIGITS}), round({latitude}, {_DIGITS})]) END"
    )
    others = [field for field in table.fields if field.name not in COORDINATES]
    parts = ["\"type\" := 'Feature'"]
    if len(table.primary_key) == 1:
        parts.append(f"id := {_value(table.field(table.primary_key[0]))}")
    parts.append(f"geometry := {point}")
    parts.append(f"properties := struct_pack({', '.join(f'{quote(f.name)} := {_value(f)}' for f in others)})")
    features = f"SELECT to_json(struct_pack({', '.join(parts)})) FROM {view} ORDER BY {order_by(table)}"
    start = '{"type": "FeatureCollection", "features": [\n'
    # A CSV of one column without quotes: lines as they are, between a start, commas and an end. JSON escapes every
    # control character, so no text holds the delimiter.
    connection.execute(
        f"COPY ({features}) TO {literal(str(path))} (FORMAT csv, HEADER false, QUOTE '', ESCAPE '',"
        f" DELIMITER '\x1f', NULL '', PREFIX {literal(start)}, NEW_LINE ',\n', SUFFIX '\n]}}\n')"
    )
    return True


def _value(field: FieldDeclaration) -> str:
    """SQL for a value as JSON shows it: numbers and truth values as they are, everything else as text."""
    if field.type == "datetime":
        return f"strftime({quote(field.name)}, '%Y-%m-%dT%H:%M:%S')"
    return quote(field.name)
