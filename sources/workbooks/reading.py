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
from sources.workbooks.words import marks_around, table_title
from warehouse.archive import Snapshot
from warehouse.declarations import Severity, SourceDeclaration, TableDeclaration
from warehouse.findings import Finding, Heading, QuarantinedRow
from warehouse.messages import listed, message
from warehouse.sheets import Book, Matching, Sheet, SheetError, find_header, match_tables, open_book
from warehouse.text import nearest, normalised

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
        # Sheets that were not read, with their files, and the table that each looks like.
        self.others: list[tuple[str, Sheet, TableDeclaration | None]] = []

    def add(self, path: Path) -> None:
        """Read a file; several are put one below the other."""
        tables = self.declaration.tables
        try:
            book = open_book(path, tables)
        except SheetError as error:
            raise SourceError(
                message("{file} cannot be read: {why}.", file=path.name, why=error.why), error.advice
            ) from error
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
        self.others += [(path.name, sheet, matching.doubtful.get(sheet.name)) for sheet in matching.others]
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
    files.findings += _about_sheets(files, [file.name for file in snapshot.files])
    tables = {name: table.arrow() for name, table in files.tables.items()}
    return Reading(
        tables,
        tuple(files.findings),
        tuple(files.quarantined),
        incomplete=files.incomplete,
        headings=tuple(files.headings),
    )


def _about_sheets(files: _Files, names: Sequence[str]) -> list[Finding]:
    """What is said of the tables that are missing and of the sheets that are none: one finding for one cause."""
    missing = [
        one.table for one in files.tables.values() if not one.was_seen and one.table.presence == "mandatory"
    ]
    others = [other for other in files.others if other[1].rows]
    renamed = _renamed(missing, others)
    found = [_missing_table(table, names, renamed.get(table.name)) for table in missing if table.name in renamed]
    left = [table for table in missing if table.name not in renamed]
    if len(left) > 1 and not any(one.was_seen for one in files.tables.values()) and not renamed:
        found.append(_no_table(left, names))
    else:
        found += [_missing_table(table, names, None) for table in left]
    taken = {sheet.name for sheet in renamed.values()}
    for file, sheet, alike in others:
        if sheet.name not in taken:
            found.append(
                _unread_copy(file, sheet, alike) if alike else _unknown_sheet(file, sheet, files.declaration)
            )
    return found


def _renamed(
    missing: Sequence[TableDeclaration], others: Sequence[tuple[str, Sheet, TableDeclaration | None]]
) -> dict[str, Sheet]:
    """The sheets whose names are much like that of a missing table, or that have some of its columns."""
    found: dict[str, Sheet] = {}
    for table in missing:
        titles = [normalised(text) for text in (table.title, table.title_fi, table.name) if text]
        for _, sheet, _ in others:
            if sheet in found.values():
                continue
            if nearest(normalised(sheet.name), titles) or find_header(sheet, table) is not None:
                found[table.name] = sheet
                break
    return found


def _encoding(file: str, note: str) -> Finding:
    return Finding(
        "encoding",
        Severity.WARNING,
        message("{file}: {note}.", file=file, note=note),
        message("Save the file as UTF-8 (in Excel: CSV UTF-8)."),
        file=file,
    )


def _no_table(tables: Sequence[TableDeclaration], files: Sequence[str]) -> Finding:
    titles = listed([marks_around(table_title(table)) for table in tables], "or")
    return Finding(
        "missing-table",
        Severity.CRITICAL,
        message("There is no sheet {sheets} in {files}.", sheets=titles, files=listed(files)),
        message(
            "Hand in the workbook that has these sheets; one that has their columns under another name should be"
            " named {sheets}.",
            sheets=titles,
        ),
        file=files[0] if len(files) == 1 else None,
    )


def _missing_file(table: TableDeclaration, files: Sequence[str]) -> Finding:
    """Of CSV files there is one a table."""
    title = table_title(table)
    return Finding(
        "missing-table",
        Severity.CRITICAL,
        message("There is no file with the rows of “{table}” beside {files}.", table=title, files=listed(files)),
        message(
            "Hand in a file named “{table}.csv” with the columns of the template together with it.", table=title
        ),
        table_name=table.name,
        file=files[0] if len(files) == 1 else None,
    )


def _missing_table(table: TableDeclaration, files: Sequence[str], renamed: Sheet | None) -> Finding:
    title = table_title(table)
    if renamed is None and all(name.lower().endswith((".csv", ".tsv")) for name in files):
        return _missing_file(table, files)
    return Finding(
        "missing-table",
        Severity.CRITICAL,
        message("There is no sheet “{sheet}” in {files}.", sheet=title, files=listed(files))
        if renamed is None
        else message(
            "There is no sheet “{sheet}” in {files}; “{other}” may be it under another name.",
            sheet=title,
            files=listed(files),
            other=renamed.name,
        ),
        message("Add a sheet named “{sheet}” with the columns of the template.", sheet=title)
        if renamed is None
        else message("Name the sheet “{sheet}”, if it is.", sheet=title),
        table_name=table.name,
        file=files[0] if len(files) == 1 else None,
        sheet=renamed.name if renamed else None,
    )


def _same_name(file: str, table: TableDeclaration, names: Sequence[str]) -> Finding:
    title = table_title(table)
    return Finding(
        "duplicate-sheet",
        Severity.CRITICAL,
        message(
            "The sheets {sheets} all have the name of “{table}”: nobody can tell which one is meant, so none was"
            " read.",
            sheets=listed([marks_around(name) for name in names]),
            table=title,
        ),
        message(
            "Keep the name “{table}” for one sheet, and delete the other: {others}.",
            table=title,
            others=listed([marks_around(name) for name in reversed(names)], "or"),
        ),
        table_name=table.name,
        file=file,
    )


def _unread_copy(file: str, sheet: Sheet, alike: TableDeclaration) -> Finding:
    title = table_title(alike)
    return Finding(
        "unknown-sheet",
        Severity.WARNING,
        message(
            "The sheet “{sheet}” has the columns of “{table}” but is hidden, so it was not read.",
            sheet=sheet.name,
            table=title,
        )
        if sheet.is_hidden
        else message(
            "The sheet “{sheet}” has the columns of “{table}” but is not the sheet named so, so it was not read.",
            sheet=sheet.name,
            table=title,
        ),
        message(
            "If its rows are to be published, move them to the sheet that was read as “{table}”; else leave it as"
            " it is, or delete the sheet.",
            table=title,
        ),
        file=file,
        sheet=sheet.name,
    )


def _unknown_sheet(file: str, sheet: Sheet, declaration: SourceDeclaration) -> Finding:
    titles = [marks_around(table_title(table)) for table in declaration.tables]
    return Finding(
        "unknown-sheet",
        Severity.INFO,
        message("The sheet “{sheet}” is none of the declared tables and was not read.", sheet=sheet.name),
        message(
            "Nothing to do if it is for yourself. If it holds data to be published, name the sheet {tables}.",
            tables=listed(titles, "or"),
        ),
        file=file,
        sheet=sheet.name,
    )
