"""How to open a dataset's files so that every value is what it is: a line for each tool, made of the declaration.

Most programs guess a column's type from its first values. A guess loses the leading zeros of a code, takes "NA"
for nothing and a count with gaps for fractions. The lines say the types; the tests run them as a page shows them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from publish.files.render import SUPPRESSED_WORD
from warehouse.declarations import FieldDeclaration, TableDeclaration, literal


@dataclass(frozen=True)
class Opening:
    """How a tool opens a file. ``code`` is empty where there is nothing to type."""

    tool: str
    language: str  # python, sql, r; empty without code
    note: str
    code: str = ""


def openings(table: TableDeclaration, files: Mapping[str, str]) -> list[Opening]:
    """The lines for a dataset's files.

    Args:
        table: its declaration.
        files: their names by key: csv, parquet and, where there is one, xlsx.
    """
    csv, parquet, xlsx = files["csv"], files["parquet"], files.get("xlsx")
    found = [
        Opening(
            "pandas, Parquet",
            "python",
            "Opens right with the defaults; with this backend dates have .dt, and counts with gaps stay whole.",
            f'import pandas as pd\ndata = pd.read_parquet("{parquet}", dtype_backend="pyarrow")',
        ),
        Opening(
            "pandas, CSV", "python", "With the types said.", _pandas("read_csv", csv, table.fields, is_excel=False)
        ),
        Opening("DuckDB, Parquet", "sql", "Opens right with the defaults.", f"FROM '{parquet}'"),
        Opening("DuckDB, CSV", "sql", "With the types said.", _duckdb(csv, table.fields)),
        Opening(
            "R, Parquet", "r", "Opens right with the defaults.", f'data <- nanoparquet::read_parquet("{parquet}")'
        ),
        Opening("R, CSV", "r", "With the types said.", _readr(csv, table.fields)),
    ]
    if xlsx:
        found += [
            Opening(
                "pandas, Excel",
                "python",
                "With the types said.",
                _pandas("read_excel", xlsx, table.fields, is_excel=True),
            ),
            Opening(
                "Excel, LibreOffice",
                "",
                f"Open {xlsx}: every cell has its type. A CSV file opened by a double click loses leading zeros.",
            ),
        ]
    else:
        columns = ", ".join(field.name for field in table.fields if field.type == "string")
        found.append(
            Opening(
                "Excel, LibreOffice",
                "",
                f"There are too many rows for a sheet. Where part of {csv} is imported, set to text: {columns}.",
            )
        )
    return found


def _pandas(function: str, file: str, fields: tuple[FieldDeclaration, ...], *, is_excel: bool) -> str:
    # a sheet's truth values have their type, and pandas fails on an empty one of theirs if it is told so
    told = [field for field in fields if not (is_excel and field.type == "boolean")]
    types = {field.name: kind for field in told if (kind := field.column_type.pandas)}
    days = [field.name for field in fields if field.type in ("date", "datetime")]
    missing = '[""]'
    if is_excel and any(field.protected for field in fields):
        # the word that stands for a suppressed value stands for itself in the column that says which rows are
        listed = ((field.name, f'["", "{SUPPRESSED_WORD}"]' if field.protected else '[""]') for field in fields)
        missing = "{" + ", ".join(f'"{name}": {words}' for name, words in listed) + "}"
    lines = [
        f'    "{file}",',
        "    dtype={" + ", ".join(f'"{name}": "{kind}"' for name, kind in types.items()) + "},",
        f"    keep_default_na=False, na_values={missing},",
    ]
    if days:
        named = ", ".join(f'"{name}"' for name in days)
        lines.append(f'    parse_dates=[{named}], date_format="ISO8601",')
    return "\n".join(["import pandas as pd", f"data = pd.{function}(", *lines, ")"])


def _duckdb(file: str, fields: tuple[FieldDeclaration, ...]) -> str:
    columns = ", ".join(f"{literal(field.name)}: '{field.column_type.released}'" for field in fields)
    return (
        f"FROM read_csv({literal(file)}, auto_detect = false, header = true, delim = ',',\n"
        f"    quote = '\"', escape = '\"', nullstr = '', columns = {{{columns}}})"
    )


def _readr(file: str, fields: tuple[FieldDeclaration, ...]) -> str:
    types = "".join(field.column_type.readr for field in fields)
    return f'data <- readr::read_csv("{file}", col_types = "{types}", na = "", trim_ws = FALSE)'
