"""What a field's type is called everywhere: one map for every program that the data pass through.

The rows are the types of a Table Schema field, and the exact decimal. Nothing but names is here: pyarrow is
imported only where an Arrow type is made.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import pyarrow as pa

FieldType = Literal["string", "integer", "number", "boolean", "date", "datetime", "year"]

DECIMAL_DIGITS = 18  # of an exact decimal, those after the point among them


@dataclass(frozen=True)
class ColumnType:
    """A field's type by its names.

    Attributes:
        duckdb: in staging, history and models.
        released: DuckDB's name of it in a release's files: an exact decimal is a DOUBLE there, which every program
            can compute with.
        arrow: pyarrow's alias; see ``arrow_type``.
        dlt: the keys of dlt's column.
        frictionless: in a Table Schema.
        frictionless_with_gaps: in the schema of a Parquet file whose column has empty values, as frictionless
            reads it: through pandas, which has fractions where whole numbers have gaps, and NaT among times.
        datastore: of PostgreSQL, in CKAN's DataStore. CKAN's int has 32 bits, so whole numbers are int8.
        xlsx: what a cell of a workbook holds.
        xlsx_format: the number format of such cells; empty for the usual one.
        pandas: the dtype by which a reader of pandas takes it; None for dates, which it is told in another way.
        frame: the dtype in a frame of our own, see ``warehouse.frames``.
        readr: the letter of R's readr. Its integers have 32 bits, so ours are doubles there.
    """

    duckdb: str
    released: str
    arrow: str
    dlt: Mapping[str, Any]
    frictionless: str
    frictionless_with_gaps: str
    datastore: str
    xlsx: Literal["text", "number", "boolean", "date"]
    xlsx_format: str
    pandas: str | None
    frame: str
    readr: str


_TYPES: Mapping[FieldType, ColumnType] = {
    "string": ColumnType(
        duckdb="VARCHAR",
        released="VARCHAR",
        arrow="string",
        dlt={"data_type": "text"},
        frictionless="string",
        frictionless_with_gaps="string",
        datastore="text",
        xlsx="text",
        xlsx_format="",
        pandas="string",
        frame="string",
        readr="c",
    ),
    "integer": ColumnType(
        duckdb="BIGINT",
        released="BIGINT",
        arrow="int64",
        dlt={"data_type": "bigint"},
        frictionless="integer",
        frictionless_with_gaps="number",
        datastore="int8",
        xlsx="number",
        xlsx_format="",
        pandas="Int64",
        frame="Int64",
        readr="d",
    ),
    "number": ColumnType(
        duckdb="DOUBLE",
        released="DOUBLE",
        arrow="double",
        dlt={"data_type": "double"},
        frictionless="number",
        frictionless_with_gaps="number",
        datastore="numeric",
        xlsx="number",
        xlsx_format="",
        pandas="float64",
        frame="Float64",
        readr="d",
    ),
    "boolean": ColumnType(
        duckdb="BOOLEAN",
        released="BOOLEAN",
        arrow="bool",
        dlt={"data_type": "bool"},
        frictionless="boolean",
        frictionless_with_gaps="boolean",
        datastore="bool",
        xlsx="boolean",
        xlsx_format="",
        pandas="boolean",
        frame="boolean",
        readr="l",
    ),
    "date": ColumnType(
        duckdb="DATE",
        released="DATE",
        arrow="date32",
        dlt={"data_type": "date"},
        frictionless="date",
        frictionless_with_gaps="date",
        datastore="date",
        xlsx="date",
        xlsx_format="yyyy-mm-dd",
        pandas=None,
        frame="datetime64[s]",
        readr="D",
    ),
    "datetime": ColumnType(
        duckdb="TIMESTAMP",
        released="TIMESTAMP",
        arrow="timestamp[us]",
        dlt={"data_type": "timestamp", "timezone": False},
        frictionless="datetime",
        frictionless_with_gaps="any",
        datastore="timestamp",
        xlsx="date",
        xlsx_format="yyyy-mm-dd hh:mm:ss",
        pandas=None,
        frame="datetime64[s]",
        readr="T",
    ),
    "year": ColumnType(
        duckdb="SMALLINT",
        released="SMALLINT",
        arrow="int16",
        dlt={"data_type": "bigint", "precision": 16},
        frictionless="year",
        frictionless_with_gaps="number",
        datastore="int8",
        xlsx="number",
        xlsx_format="",
        pandas="Int64",
        frame="Int64",
        readr="i",
    ),
}


def column_type(field_type: FieldType, decimals: int | None = None) -> ColumnType:
    """The names of a field's type.

    Args:
        field_type: as declared.
        decimals: of a number: an exact decimal with so many places. Counts for no other type.
    """
    found = _TYPES[field_type]
    if field_type != "number" or decimals is None:
        return found
    return replace(
        found,
        duckdb=f"DECIMAL({DECIMAL_DIGITS},{decimals})",
        arrow=f"decimal128({DECIMAL_DIGITS},{decimals})",
        dlt={"data_type": "decimal", "precision": DECIMAL_DIGITS, "scale": decimals},
        xlsx_format=f"0.{'0' * decimals}" if decimals else "",
    )


def arrow_type(field_type: FieldType, decimals: int | None = None) -> pa.DataType:
    """The Arrow type that becomes the field's type in DuckDB."""
    import pyarrow as pa

    if field_type == "number" and decimals is not None:
        return pa.decimal128(DECIMAL_DIGITS, decimals)
    return pa.type_for_alias(column_type(field_type).arrow)
