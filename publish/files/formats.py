"""The files that some datasets have beside CSV, Parquet and workbook, as their entries list them (``formats``)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import duckdb

from publish.files.geojson import write_geojson
from warehouse.declarations import DatasetDeclaration, Format

Write = Callable[[duckdb.DuckDBPyConnection, str, DatasetDeclaration, Path], None]

# A further format is a line here, one in ``Format``, and its words in publish/metadata/words.py.
WRITERS: Mapping[Format, Write] = {"geojson": write_geojson}
