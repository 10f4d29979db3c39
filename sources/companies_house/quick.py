"""The quick way: one SELECT over the CSV files, made by DuckDB's reader, which trusts nothing unproved.

DuckDB refuses a file that breaks the dialect (an open quote, a cell too few, bytes that are no UTF-8), and the
rows must be as many as the lines counted while unpacking: blank lines, line breaks inside quotes and anything it
might skip make a difference. But it forgives more than it should, so the query proves these itself:

* the number of cells: DuckDB drops empty cells beyond the last column, so that a row with a cell too many is
  shifted. One more column is declared than there is; padding makes it NULL in every good row.
* dates: it reads ``01/02/93`` as of the year 93, and ``epoch`` and ``infinity`` as 1 January 1900.
* the length of texts, which it does not limit below two million bytes.

Whatever is not proved sends the file the careful way.
"""

from __future__ import annotations

from collections.abc import Sequence

from sources.companies_house.layout import CsvFile
from warehouse.declarations import FieldDeclaration, TableDeclaration, literal, quote

DATE_FORMAT = "%d/%m/%Y"

MAX_CELL_BYTES = 2_000
"""The publisher's widest column has 300 characters; no cell of a register is longer than this."""

# Never DuckDB's sniffer: on other months' first rows it could decide otherwise. The NULL that it is told of is no
# text of anybody's, so that NULL means a cell that is not there.
_DIALECT = (
    "auto_detect=false, header=true, delim=',', quote='\"', escape='\"', comment='', nullstr='\x01',"
    " strict_mode=true, null_padding=true, ignore_errors=false, encoding='utf-8'"
)


def query(files: Sequence[CsvFile], table: TableDeclaration) -> str:
    """The SELECT of all files' rows, in the order of the files and of their lines."""
    selects = [_of_file(file, table) for file in files]
    if len(selects) == 1:
        return selects[0]
    columns = ", ".join(quote(name) for name in [*(f.name for f in table.fields), "_file", "_sheet", "_row"])
    return f"SELECT {columns} FROM ({' UNION ALL '.join(selects)}) AS parts"


def _of_file(file: CsvFile, table: TableDeclaration) -> str:
    columns = ", ".join(f"{literal(_column(place))}: 'VARCHAR'" for place in range(file.width + 1))
    typed = ", ".join(
        f"{_typed(field, file.places.get(field.name))} AS {quote(field.name)}" for field in table.fields
    )
    proved = ", ".join(f"{_proved(field)} AS {quote(field.name)}" for field in table.fields)
    is_whole = f"{_column(file.width - 1)} IS NOT NULL AND {_column(file.width)} IS NULL"
    return (
        f"SELECT {proved}, {literal(file.name)} AS _file, CAST(NULL AS VARCHAR) AS _sheet,"
        " CAST(NULL AS BIGINT) AS _row"  # the loader numbers them
        f" FROM (SELECT {typed} FROM read_csv({literal(str(file.path))}, {_DIALECT}, columns={{{columns}}})"
        f" WHERE CASE WHEN {is_whole} THEN true ELSE error('another number of cells') END) AS typed"
    )


def _column(place: int) -> str:
    return f"c{place}"


def _typed(field: FieldDeclaration, place: int | None) -> str:
    if place is None:
        return f"CAST(NULL AS {field.duckdb_type})"
    column = _column(place)
    if field.type == "date":
        # A digit first: neither a space nor one of the words that strptime knows.
        return (
            f"CASE WHEN {column} = '' THEN NULL WHEN {column} >= '0' AND {column} < ':'"
            f" THEN CAST(strptime({column}, {literal(DATE_FORMAT)}) AS DATE)"
            f" ELSE CAST(error('not a date') AS DATE) END"
        )
    if field.type == "integer":
        # Only what reads the same written back; anything else goes the careful way.
        return (
            f"CASE WHEN {column} = '0' THEN 0 WHEN {column} = '' THEN NULL"  # most counts are none
            f" WHEN CAST(TRY_CAST({column} AS BIGINT) AS VARCHAR) = {column} THEN TRY_CAST({column} AS BIGINT)"
            f" ELSE CAST(error('not a whole number') AS BIGINT) END"
        )
    # As nullif(trim(...), ''), without copying the texts that need none of it: nearly all.
    has_spaces = f"starts_with({column}, ' ') OR ends_with({column}, ' ')"
    return (
        f"CASE WHEN {column} = '' THEN NULL WHEN strlen({column}) > {MAX_CELL_BYTES} THEN error('a long text')"
        # Two spaces before a cell's quote, and DuckDB takes the quotes for text.
        f" WHEN {has_spaces} AND starts_with(ltrim({column}), '\"') THEN error('a quote behind spaces')"
        f" WHEN {has_spaces} THEN nullif(trim({column}), '') ELSE {column} END"
    )


def _proved(field: FieldDeclaration) -> str:
    name = quote(field.name)
    if field.type != "date":
        return name
    # A year of two or three digits was read as one long ago.
    return (
        f"CASE WHEN {name} < DATE '1000-01-01' THEN CAST(error('no year of four digits') AS DATE) ELSE {name} END"
    )
