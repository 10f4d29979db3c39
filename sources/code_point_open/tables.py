"""The files of the areas as one table. Each line is looked at as a text, so that one that is broken is one line.

A file has no header, and ten values a line: postcode, quality, easting, northing, and six codes, of which the
country, the local authority and the ward are kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from sources import Reading, SqlTable
from sources.code_point_open.grid import Grid
from sources.code_point_open.product import Metadata
from warehouse.declarations import Severity, TableDeclaration, literal, quote
from warehouse.findings import Finding, said_sql
from warehouse.messages import listed, marked, message, sentences

if TYPE_CHECKING:
    import pyarrow as pa

_BATCH = 200_000
_MOST_LISTED = 1_000  # broken lines with a finding each; all of them are set aside

# Latin-1 reads any byte as a character: one that is none of the product's makes its line one that does not fit.
_DIALECT = (
    "auto_detect=false, header=false, delim='\x1f', quote='', escape='', comment='', nullstr='\x01',"
    " strict_mode=false, encoding='latin-1', columns={'line': 'VARCHAR'}"
)
_TEXT, _NUMBER, _CODE = '"?([^",]*)"?', '"?([0-9]{1,7})"?', '"?([A-Z0-9]*)"?'
_LINE = ",".join([_TEXT, *[_NUMBER] * 3, *[_CODE] * 6])
_NAMES = (
    "postcode",
    "quality",
    "easting",
    "northing",
    "country",
    "region",
    "health",
    "county",
    "authority",
    "ward",
)


@dataclass(frozen=True)
class AreaFile:
    """A CSV of one postcode area. ``name`` is that of the file as it came."""

    path: Path
    name: str
    area: str


@dataclass(frozen=True)
class _Written:
    """What became of a file: how many lines it has, and how many of them are no records."""

    file: AreaFile
    lines: int
    rejected: int


def read(files: Sequence[AreaFile], said: Metadata | None, table: TableDeclaration, workspace: Path) -> Reading:
    """The files as the table, by way of Parquet files in the workspace.

    Args:
        files: in the order of their names.
        said: what the product says of itself, if it does.
        table: the declaration.
        workspace: a folder.
    """
    written = _write(files, workspace)
    findings = _missing(written, said, table)
    rejected = sum(one.rejected for one in written)
    doubt = sentences(*(finding.message for finding in findings))
    lines = f"read_parquet({literal(str(workspace / 'lines.parquet'))})"
    return Reading(
        tables={table.name: SqlTable(_query(table, workspace / "postcodes.parquet"))},
        findings=findings,
        findings_sql=[_broken_sql(table, lines)] if rejected else [],
        quarantined_sql=[_aside_sql(table, lines)] if rejected else [],
        incomplete={table.name: doubt} if doubt else {},
    )


def _write(files: Sequence[AreaFile], workspace: Path) -> list[_Written]:
    """Write ``postcodes.parquet`` and ``lines.parquet``, the lines that are no records."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    texts = ("postcode", "quality", "country", "authority", "ward", "file")
    of_rows = pa.schema(
        [(name, pa.string()) for name in texts]
        + [(name, pa.int64()) for name in ("easting", "northing", "row")]
        + [(name, pa.float64()) for name in ("longitude", "latitude")]
    )
    of_lines = pa.schema([("file", pa.string()), ("row", pa.int64())])
    grid, found = Grid(), []
    with (
        duckdb.connect() as connection,
        pq.ParquetWriter(workspace / "postcodes.parquet", of_rows) as rows,
        pq.ParquetWriter(workspace / "lines.parquet", of_lines) as broken,
    ):
        for file in files:
            count, good = 0, 0
            for batch in connection.execute(_parse(file)).to_arrow_reader(_BATCH):
                lines = pa.Table.from_batches([batch])
                numbers = pa.array(np.arange(count + 1, count + 1 + len(lines)))
                lines = lines.append_column("row", numbers)
                kept = lines.filter(lines["fits"])
                rows.write_table(_with_position(kept, grid, of_rows))
                broken.write_table(_without_fit(lines, of_lines))
                count, good = count + len(lines), good + len(kept)
            found.append(_Written(file, count, count - good))
    return found


def _parse(file: AreaFile) -> str:
    """The SELECT of a file's lines, taken apart."""
    names = ", ".join(literal(name) for name in _NAMES)
    code = "nullif({}, '')"
    return f"""
        SELECT regexp_full_match(line, {literal(_LINE)}) AS fits,
               regexp_replace(upper(replace(p.postcode, ' ', '')), '^(.+)(.{{3}})$', '\\1 \\2') AS postcode,
               p.quality AS quality, {code.format("p.country")} AS country,
               {code.format("p.authority")} AS authority, {code.format("p.ward")} AS ward,
               CASE WHEN {_HAS_POSITION} THEN TRY_CAST(p.easting AS BIGINT) END AS easting,
               CASE WHEN {_HAS_POSITION} THEN TRY_CAST(p.northing AS BIGINT) END AS northing,
               {literal(file.name)} AS file
        FROM (SELECT line, regexp_extract(line, {literal(f"^{_LINE}$")}, [{names}]) AS p
              FROM read_csv({literal(str(file.path))}, {_DIALECT}))"""


# Without a position the file says (0, 0), a place in the sea off Scilly.
_HAS_POSITION = "(TRY_CAST(p.easting AS BIGINT) > 0 OR TRY_CAST(p.northing AS BIGINT) > 0)"


def _with_position(lines: pa.Table, grid: Grid, schema: pa.Schema) -> pa.Table:
    """Rows with longitude and latitude: vectors of a batch, never row by row."""
    import numpy as np
    import pyarrow as pa

    points = [lines[name].cast(pa.float64()).to_numpy(zero_copy_only=False) for name in ("easting", "northing")]
    for name, values in zip(("longitude", "latitude"), grid.to_wgs84(*points), strict=True):
        lines = lines.append_column(name, pa.array(values, pa.float64(), mask=np.isnan(values)))
    return lines.select(schema.names).cast(schema)


def _without_fit(lines: pa.Table, schema: pa.Schema) -> pa.Table:
    import pyarrow.compute as pc

    return lines.filter(pc.invert(lines["fits"])).select(schema.names).cast(schema)


def _query(table: TableDeclaration, path: Path) -> str:
    """The SELECT of the rows under their declared names and types."""
    given = {
        "position_quality_code": "quality",
        "easting_m": "easting",
        "northing_m": "northing",
        "country_code": "country",
        "local_authority_code": "authority",
        "ward_code": "ward",
    }
    columns = ", ".join(
        f"CAST({given.get(field.name, field.name)} AS {field.duckdb_type}) AS {quote(field.name)}"
        for field in table.fields
    )
    return (
        f'SELECT {columns}, file AS _file, CAST(NULL AS VARCHAR) AS _sheet, "row" AS _row'
        f" FROM read_parquet({literal(str(path))})"
    )


def _missing(written: Sequence[_Written], said: Metadata | None, table: TableDeclaration) -> list[Finding]:
    """What the product says it holds and does not: files, or records of one."""
    if said is None or not said.records:
        return []

    def finding(what: str, file: AreaFile | None) -> Finding:
        return Finding(
            rule="missing-part",
            severity=Severity.WARNING,
            message=what,
            help=message("Take the whole product from the publisher, unless only these areas are wanted."),
            table_name=table.name,
            file=file.name if file else None,
        )

    there = {one.file.area for one in written}
    lacking = [area for area in said.records if area not in there]
    found = []
    if lacking:
        shown = listed(lacking[:5], "comma")
        found.append(
            finding(
                message(
                    "Of {areas} postcode areas that the product lists, {lacking} have no file here ({shown}).",
                    areas=len(said.records),
                    lacking=len(lacking),
                    shown=message("{first} and {more} more", first=shown, more=len(lacking) - 5)
                    if len(lacking) > 5
                    else shown,
                ),
                None,
            )
        )
    for one in written:
        wanted = said.records.get(one.file.area, one.lines)
        if one.lines < wanted:
            words = message(
                "{file} has {records} records, and the product says {wanted}.",
                file=one.file.name,
                records=one.lines,
                wanted=wanted,
            )
            found.append(finding(words, one.file))
    return found


_WRONG = marked("It is not ten values: a postcode, three whole numbers and six codes, with commas between them.")


def _broken_sql(table: TableDeclaration, lines: str) -> str:
    """The SELECT of a finding a broken line."""
    what, advice, said = said_sql(
        _WRONG,
        marked("Compare it with its neighbours in the original file; if it is broken there, tell the publisher."),
    )
    return (
        f"SELECT 'unreadable-record' AS rule, {literal(Severity.ERROR.value)} AS severity,"
        f" {what} AS message, {advice} AS help, {said} AS said, {literal(table.name)} AS table_name, file,"
        ' CAST(NULL AS VARCHAR) AS sheet, "row" AS row_number, CAST(NULL AS VARCHAR) AS column_name,'
        " CAST(NULL AS VARCHAR) AS value, CAST(NULL AS VARCHAR) AS row_key"
        f" FROM {lines} ORDER BY file, row_number LIMIT {_MOST_LISTED}"
    )


def _aside_sql(table: TableDeclaration, lines: str) -> str:
    """The SELECT of the broken lines as quarantined rows."""
    record: Any = '{"note":"only in the raw archive: it has not the values of a postcode"}'
    return (
        f"SELECT {literal(table.name)} AS table_name, file, CAST(NULL AS VARCHAR) AS sheet,"
        f' "row" AS row_number, {literal(record)} AS record, CAST(NULL AS VARCHAR) AS row_key FROM {lines}'
    )
