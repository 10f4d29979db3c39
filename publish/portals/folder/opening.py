"""How to open a dataset's files so that every value is what it is: a line for each tool, made of the declaration.

Most programs guess a column's type from its first values. A guess loses the leading zeros of a code, takes "NA"
for nothing and a count with gaps for fractions. The lines say the types; the tests run them as a page shows them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from publish.files.render import SUPPRESSED_WORD
from warehouse.declarations import FieldDeclaration, TableDeclaration, literal
from warehouse.messages import message, sentences


@dataclass(frozen=True)
class Opening:
    """How a tool opens a file. ``code`` is empty where there is nothing to type.

    ``served`` is the same with ``{base}`` before every file's name, for whoever knows where the files are served.
    """

    tool: str
    language: str  # python, sql, r, shell; empty without code
    note: str
    code: str = ""
    served: str = ""

    @property
    def program(self) -> str:
        """The program alone, without the format."""
        return self.tool.split(",")[0]


BASE = "{base}"  # stands for the address of the files' folder


def openings(table: TableDeclaration, files: Mapping[str, str], base: str = "") -> list[Opening]:
    """The lines for a dataset's files.

    Args:
        table: its declaration.
        files: their names by key: csv, parquet and, where there is one, xlsx.
        base: the address of their folder, with a slash at its end; without it the lines are for the folder itself.
    """
    here = _lines(table, files, base)
    return [
        replace(line, served=served.code) for line, served in zip(here, _lines(table, files, BASE), strict=True)
    ]


def _lines(table: TableDeclaration, names: Mapping[str, str], base: str) -> list[Opening]:
    files = {key: base + name for key, name in names.items()}
    csv, parquet, xlsx = files["csv"], files["parquet"], files.get("xlsx")
    said = message("With the types said.")
    extension = message("To read from the web it fetches its extension httpfs, once.")
    found = [
        Opening(
            "DuckDB, Parquet",
            "sql",
            sentences(message("Opens right with the defaults."), extension),
            f"FROM {literal(parquet)}",
        ),
        Opening("DuckDB, CSV", "sql", sentences(said, extension), _duckdb(csv, table.fields)),
        Opening(
            "pandas, Parquet",
            "python",
            message(
                "Opens right with the defaults; with this backend dates have .dt, and counts with gaps stay whole."
            ),
            f'import pandas as pd\ndata = pd.read_parquet("{parquet}", dtype_backend="pyarrow")',
        ),
        Opening("pandas, CSV", "python", said, _pandas("read_csv", csv, table.fields, is_excel=False)),
    ]
    if xlsx:
        found.append(
            Opening("pandas, Excel", "python", said, _pandas("read_excel", xlsx, table.fields, is_excel=True))
        )
    # nanoparquet reads a file or a connection, and no address
    source = f'url("{parquet}", "rb")' if base else f'"{parquet}"'
    found += [
        Opening(
            "R, Parquet",
            "r",
            message("Opens right with the defaults."),
            f"data <- nanoparquet::read_parquet({source})",
        ),
        Opening("R, CSV", "r", said, _readr(csv, table.fields)),
        *_curl(names, base),
    ]
    if xlsx:
        words = message(
            "Open {file}: every cell has its type. A CSV file opened by a double click loses leading zeros.",
            file=names["xlsx"],
        )
    else:
        columns = ", ".join(field.name for field in table.fields if field.type == "string")
        words = message(
            "There are too many rows for a sheet. Where part of {file} is imported, set to text: {columns}.",
            file=names["csv"],
            columns=columns,
        )
    return [*found, Opening("Excel, LibreOffice", "", words)]


def _curl(names: Mapping[str, str], base: str) -> list[Opening]:
    """Lines that fetch a file and compare it with what was published, where the release has its checksums."""
    note = (
        message("Fetches the file, and stops where there is none.")
        if base
        else message("Set PORTAL to the address of this page's folder first, with a slash at its end.")
    )
    place = base or "${PORTAL}"  # the braces end its name before the file's
    return [
        Opening(
            f"curl, {title}",
            "shell",
            note,
            f'curl --fail --silent --show-error --location --output {names[key]} "{place}{names[key]}"',
        )
        for key, title in (("csv", "CSV"), ("parquet", "Parquet"))
    ]


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
