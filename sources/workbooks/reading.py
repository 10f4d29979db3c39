"""A snapshot's workbooks and CSV files as the declared tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sources import Reading, SourceError
from sources.loading.columns import arrow_schema
from sources.workbooks.table import read_table
from sources.workbooks.template import look_at
from sources.workbooks.told import Told
from warehouse.archive import Snapshot
from warehouse.declarations import Severity, SourceDeclaration, TableDeclaration
from warehouse.findings import Finding, Heading, QuarantinedRow
from warehouse.sheets import Book, Matching, Sheet, SheetError, match_tables, open_book

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass
class _Collected:
    """The rows of one table, from all files."""

    table: TableDeclaration
    rows: list[dict[str, Any]] = field(default_factory=list)
    was_seen: bool = False

    def arrow(self) -> pa.Table:
        import pyarrow as pa

        return pa.Table.from_pylist(self.rows, schema=arrow_schema(self.table))


class _Files:
    """What the files of a snapshot give, one after the other."""

    def __init__(self, declaration: SourceDeclaration) -> None:
        self.declaration = declaration
        self.tables = {table.name: _Collected(table) for table in declaration.tables}
        self.findings: list[Finding] = []
        self.quarantined: list[QuarantinedRow] = []
        self.incomplete: dict[str, str] = {}
        self.headings: list[Heading] = []

    def add(self, path: Path) -> None:
        """Read a file; several are put one below the other."""
        tables = self.declaration.tables
        try:
            book = open_book(path, tables)
        except SheetError as error:
            raise SourceError(f"{self.declaration.title}: {path.name} cannot be read: {error}.") from error
        matching = match_tables(book, tables)
        refusal, remarks = look_at(book, matching, self.declaration)
        self.findings += remarks
        if refusal is not None:
            self.findings.append(refusal.finding)
            for collected in self.tables.values():
                collected.was_seen = True
                self.incomplete[collected.table.name] = refusal.reason
            return
        self.findings += [_encoding(path.name, note) for note in book.notes]
        self.findings += _other_sheets(path.name, self.declaration, matching)
        for name, names in matching.clashing.items():
            self.tables[name].was_seen = True
            self.findings.append(_same_name(path.name, self.declaration.table(name), names))
        self._read_tables(path.name, book, matching)

    def _read_tables(self, file: str, book: Book, matching: Matching) -> None:
        records = book.records if book.kind == "csv" else None
        for match in matching.tables:
            collected = self.tables[match.table.name]
            collected.was_seen = True
            told = Told(file, match.sheet.name, match.table)
            collected.rows.extend(read_table(match, records, told))
            self.findings.extend(told.findings)
            self.quarantined.extend(told.quarantined)
            self.headings.extend(told.headings)
            if told.incomplete:
                self.incomplete[match.table.name] = told.incomplete


def read(snapshot: Snapshot, declaration: SourceDeclaration, workspace: Path) -> Reading:
    """A snapshot's workbooks and CSV files as the declared tables; several files are put one below the other.

    Raises:
        SourceError: a file is no workbook at all. What is wrong *in* a workbook becomes findings.
    """
    files = _Files(declaration)
    for path in snapshot.paths():
        files.add(path)
    names = [file.name for file in snapshot.files]
    files.findings += [
        _missing_table(table.table, names)
        for table in files.tables.values()
        if not table.was_seen and table.table.presence == "mandatory"
    ]
    tables = {name: table.arrow() for name, table in files.tables.items()}
    return Reading(
        tables,
        tuple(files.findings),
        tuple(files.quarantined),
        incomplete=files.incomplete,
        headings=tuple(files.headings),
    )


def _encoding(file: str, note: str) -> Finding:
    return Finding(
        "encoding",
        Severity.WARNING,
        f"{file}: {note}.",
        "Save the file as UTF-8 (in Excel: CSV UTF-8).",
        file=file,
    )


def _missing_table(table: TableDeclaration, files: Sequence[str]) -> Finding:
    return Finding(
        "missing-table",
        Severity.CRITICAL,
        f"There is no sheet {table.title!r} in {', '.join(files)}.",
        f"Add a sheet named {table.title!r} with the columns of the template.",
        table_name=table.name,
        file=files[0] if len(files) == 1 else None,
    )


def _same_name(file: str, table: TableDeclaration, names: Sequence[str]) -> Finding:
    return Finding(
        "duplicate-sheet",
        Severity.CRITICAL,
        f"The sheets {' and '.join(repr(name) for name in names)} all have the name of {table.title!r}: nobody"
        " can tell which one is meant, so none was read.",
        f"Keep the name {table.title!r} for one sheet, and give the others another name.",
        table_name=table.name,
        file=file,
    )


def _other_sheets(file: str, declaration: SourceDeclaration, matching: Matching) -> list[Finding]:
    return [
        _unread_copy(file, sheet, alike) if alike else _unknown_sheet(file, sheet, declaration)
        for sheet in matching.others
        if sheet.rows
        for alike in (matching.doubtful.get(sheet.name),)
    ]


def _unread_copy(file: str, sheet: Sheet, alike: TableDeclaration) -> Finding:
    state = "is hidden" if sheet.is_hidden else f"is not the sheet named {alike.title!r}"
    return Finding(
        "unknown-sheet",
        Severity.WARNING,
        f"The sheet {sheet.name!r} has the columns of {alike.title!r} but {state}, so it was not read.",
        f"If its rows are to be published, move them to the sheet that was read as {alike.title!r};"
        " else leave it as it is.",
        file=file,
        sheet=sheet.name,
    )


def _unknown_sheet(file: str, sheet: Sheet, declaration: SourceDeclaration) -> Finding:
    titles = " or ".join(repr(table.title) for table in declaration.tables)
    return Finding(
        "unknown-sheet",
        Severity.INFO,
        f"The sheet {sheet.name!r} is none of the declared tables and was not read.",
        f"If it holds data to be published, name it {titles}; else leave it as it is.",
        file=file,
        sheet=sheet.name,
    )
