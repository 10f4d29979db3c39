"""The one map of types: complete, and true to what the programs themselves say."""

import dataclasses
import subprocess
import sys
from typing import get_args

import duckdb
import pandas as pd
import pyarrow as pa
import pytest

from warehouse.declarations import FieldDeclaration
from warehouse.types import FieldType, arrow_type, column_type

FIELD_TYPES = get_args(FieldType)
ROWS = [*((kind, None) for kind in FIELD_TYPES), ("number", 0), ("number", 2), ("number", 9)]


@pytest.mark.parametrize(("kind", "decimals"), ROWS)
def test_every_type_has_all_its_names(kind, decimals):
    names = dataclasses.asdict(column_type(kind, decimals))
    may_lack = {"xlsx_format"} | ({"pandas"} if kind in ("date", "datetime") else set())
    assert {key for key, value in names.items() if not value} <= may_lack


@pytest.mark.parametrize(("kind", "decimals"), ROWS)
def test_arrow_becomes_what_duckdb_is_told(kind, decimals):
    table = pa.table({"value": pa.array([], type=arrow_type(kind, decimals))})
    with duckdb.connect() as connection:
        connection.register("given", table)
        assert connection.execute("DESCRIBE given").fetchone()[1] == column_type(kind, decimals).duckdb


@pytest.mark.parametrize(("kind", "decimals"), ROWS)
def test_duckdb_pandas_and_a_field_know_the_names(kind, decimals):
    names = column_type(kind, decimals)
    field = FieldDeclaration(name="a", title="A", type=kind, decimals=decimals)
    assert field.duckdb_type == names.duckdb
    assert field.column_type == names
    pd.Series([], dtype=names.frame)
    if names.pandas:
        pd.Series([], dtype=names.pandas)
    with duckdb.connect() as connection:
        described = connection.execute(
            f"DESCRIBE SELECT CAST(NULL AS {names.duckdb}) AS a, CAST(NULL AS {names.released}) AS b"
        ).fetchall()
    assert [row[1] for row in described] == [names.duckdb, names.released]


def test_decimals_count_for_numbers_only():
    assert column_type("integer", 2) == column_type("integer")
    assert column_type("number", 0) != column_type("number")


def test_the_map_is_light():
    code = "import sys, warehouse.types; print('pyarrow' in sys.modules, 'pandas' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.split() == [
        "False",
        "False",
    ]
