"""What a file calls its sheets and columns: sentences to its keeper quote her own words, not the declared ones."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import duckdb

from warehouse.declarations import SourceDeclaration, TableDeclaration
from warehouse.findings import Finding
from warehouse.messages import in_languages


@dataclass(frozen=True)
class Names:
    """What tables and columns are called: by the file where it says so, else by their declared titles.

    Attributes:
        columns: by table and column.
        sheets: by table.
    """

    columns: Mapping[tuple[str, str], str]
    sheets: Mapping[str, str]

    def column(self, table: str, name: str) -> str:
        """What a column is called, unquoted; a column that nobody declared by its own name."""
        return self.columns.get((table, name), name)

    def sheet(self, table: str) -> str:
        """What a table is called, unquoted; one that nobody declared by its own name, as words."""
        return self.sheets.get(table) or table.replace("_", " ").capitalize()


def declared_names(tables: Iterable[TableDeclaration]) -> Names:
    """The declared titles, in both languages."""
    columns: dict[tuple[str, str], str] = {}
    sheets: dict[str, str] = {}
    for table in tables:
        sheets[table.name] = in_languages(table.title, finnish=table.title_fi)
        for field in table.fields:
            columns[table.name, field.name] = in_languages(field.title, finnish=field.title_fi)
    return Names(columns, sheets)


def names_in(findings: Iterable[Finding], source: SourceDeclaration) -> Names:
    """What the files of findings call their sheets and columns, where nothing else is left of these files."""
    declared = declared_names(source.tables)
    columns, sheets = dict(declared.columns), dict(declared.sheets)
    for one in findings:
        table, name = one.table_name, one.column_name
        if table and table in declared.sheets and one.sheet:
            sheets[table] = one.sheet
        if table and name and (table, name) in declared.columns and one.heading:
            columns[table, name] = one.heading
    return Names(columns, sheets)


@dataclass(frozen=True)
class Place:
    """A file's sheet; None in a file without sheets."""

    file: str
    sheet: str | None


def names_of(connection: duckdb.DuckDBPyConnection, source: SourceDeclaration) -> Names:
    """What a staging file's workbooks call their sheets and columns, the most frequent where they differ.

    Args:
        connection: to the staging file, which has the table ``main.headings``.
        source: its declaration, for what no file calls anything.
    """
    declared = declared_names(source.tables)
    columns = connection.execute("""
        SELECT table_name, column_name, heading FROM main.headings GROUP BY table_name, column_name, heading
        QUALIFY row_number() OVER (PARTITION BY table_name, column_name ORDER BY count(*) DESC, heading) = 1
        """).fetchall()
    sheets = connection.execute("""
        SELECT table_name, sheet FROM main.headings WHERE sheet IS NOT NULL GROUP BY table_name, sheet
        QUALIFY row_number() OVER (PARTITION BY table_name ORDER BY count(*) DESC, sheet) = 1""").fetchall()
    return Names(
        {**declared.columns, **{(table, name): heading for table, name, heading in columns}},
        {**declared.sheets, **dict(sheets)},
    )


def own_names(
    connection: duckdb.DuckDBPyConnection, source: SourceDeclaration, table: str
) -> Mapping[Place, Names]:
    """The places of a table that call it or its columns otherwise than ``names_of`` says, with their names."""
    common = names_of(connection, source)
    rows = connection.execute(
        "SELECT file, sheet, column_name, heading FROM main.headings WHERE table_name = ? ORDER BY ALL", [table]
    ).fetchall()
    own: dict[Place, dict[tuple[str, str], str]] = {}
    for file, sheet, name, heading in rows:
        own.setdefault(Place(file, sheet), {})[table, name] = heading
    found = {
        place: Names({**common.columns, **columns}, {**common.sheets, table: place.sheet or common.sheet(table)})
        for place, columns in own.items()
    }
    return {place: names for place, names in found.items() if names != common}
