"""The quick way: one SELECT over the CSV files, typed by DuckDB's reader, which trusts nothing unproved.

Two things prove it. DuckDB refuses a file that breaks the dialect (a bad date, a field too many, an open quote,
bytes that are no UTF-8). And the rows must be as many as the lines counted while unpacking: blank lines, line
breaks inside quotes and anything DuckDB might skip make a difference. Either sends the file the careful way.
"""

from __future__ import annotations

from collections.abc import Sequence

from sources.companies_house.layout import CsvFile
from warehouse.declarations import FieldDeclaration, TableDeclaration, literal, quote

DATE_FORMAT = "%d/%m/%Y"

# Never DuckDB's sniffer: on other months' first rows it could decide otherwise.
_DIALECT = (
    "auto_detect=false, header=true, delim=',', quote='\"', escape='\"', comment='', nullstr='',"
    f" dateformat='{DATE_FORMAT}', strict_mode=true, null_padding=false, ignore_errors=false, encoding='utf-8'"
)


def query(files: Sequence[CsvFile], table: TableDeclaration) -> str:
    """The SELECT of all files' rows, in the order of the files and of their lines."""
    selects = [_of_file(file, table) for file in files]
    if len(selects) == 1:
        return selects[0]
    columns = ", ".join(quote(name) for name in [*(f.name for f in table.fields), "_file", "_sheet", "_row"])
    return f"SELECT {columns} FROM ({' UNION ALL '.join(selects)}) AS parts"


def _of_file(file: CsvFile, table: TableDeclaration) -> str:
    by_place = {place: table.field(name) for name, place in file.places.items()}
    columns = ", ".join(
        f"{literal(_column(place))}: {literal(_read_as(by_place.get(place)))}" for place in range(file.width)
    )
    expressions = [
        f"{_expression(field, file.places.get(field.name))} AS {quote(field.name)}" for field in table.fields
    ]
    return (
        f"SELECT {', '.join(expressions)}, {literal(file.name)} AS _file, CAST(NULL AS VARCHAR) AS _sheet,"
        " CAST(NULL AS BIGINT) AS _row"  # the loader numbers them
        f" FROM read_csv({literal(str(file.path))}, {_DIALECT}, columns={{{columns}}})"
    )


def _column(place: int) -> str:
    return f"c{place}"


def _read_as(field: FieldDeclaration | None) -> str:
    """Dates are typed by the reader; integers are not: cast from text, DuckDB takes 5.6 for a 6."""
    return "DATE" if field is not None and field.type == "date" else "VARCHAR"


def _expression(field: FieldDeclaration, place: int | None) -> str:
    if place is None:
        return f"CAST(NULL AS {field.duckdb_type})"
    column = _column(place)
    if field.type == "date":
        return column
    if field.type == "integer":
        # Only what reads the same written back; anything else goes the careful way.
        return (
            f"CASE WHEN {column} IS NULL THEN NULL WHEN {column} = '0' THEN 0"  # most counts are none
            f" WHEN CAST(TRY_CAST({column} AS BIGINT) AS VARCHAR) = {column} THEN TRY_CAST({column} AS BIGINT)"
            f" ELSE CAST(error('not a whole number') AS BIGINT) END"
        )
    # As nullif(trim(...), ''), without copying the texts that need none of it: nearly all.
    has_spaces = f"starts_with({column}, ' ') OR ends_with({column}, ' ')"
    return f"CASE WHEN {has_spaces} THEN nullif(trim({column}), '') ELSE {column} END"
