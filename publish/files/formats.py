"""The files that some datasets have beside CSV, Parquet and workbook, as their entries list them (``formats``)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import duckdb

from publish.files.geojson import write_geojson
from publish.files.threesixty_giving import write_grants
from warehouse.declarations import DatasetDeclaration, Format

Write = Callable[[duckdb.DuckDBPyConnection, str, DatasetDeclaration, Path], bool]
"""Writes the rows of a view as a file; False where they give none, and nothing was written."""

# A further format is a line here, one in ``Format``, and its words in publish/metadata/words.py.
WRITERS: Mapping[Format, Write] = {"geojson": write_geojson, "threesixty_giving": write_grants}

_ENDINGS: Mapping[str, str] = {"threesixty_giving": "360giving.json"}
# What is called the same in the folder of every release.
_NAMES: Mapping[str, str] = {
    "changes": "changes.csv",
    "dictionary": "dictionary.csv",
    "dictionary_xlsx": "dictionary.xlsx",
    "dictionary_html": "dictionary.html",
    "schema": "schema.json",
    "changelog": "changelog.json",
    "feed": "feed.atom",
    "datapackage": "datapackage.json",
    "dcat": "dcat.jsonld",
    "dcat_turtle": "dcat.ttl",
    "croissant": "croissant.json",
    "contract": "contract.odcs.yaml",
    "sums": "SHA256SUMS",
}


def file_name(key: str, dataset: str) -> str:
    """What a release's file is called: by its key, which is its ending but for some."""
    return _NAMES.get(key, f"{dataset}.{_ENDINGS.get(key, key)}")
