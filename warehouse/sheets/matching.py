"""Which sheet of a file holds which table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from warehouse.declarations import TableDeclaration
from warehouse.messages import Language, in_languages, said_in
from warehouse.sheets.cells import Sheet
from warehouse.sheets.headers import Header, find_header
from warehouse.sheets.opening import Book
from warehouse.sheets.templates import is_template_sheet
from warehouse.text import normalised

TODO_SHEET = in_languages("To do", finnish="Tehtävät")
# What A1 of our own sheet begins with, so that we know it again.
TODO_MARK = in_languages("What to do in this workbook", finnish="Mitä tässä työkirjassa on tehtävä")


@dataclass(frozen=True)
class MatchedTable:
    """A sheet that holds a table. ``by_name`` is False where only its headers gave it away."""

    table: TableDeclaration
    sheet: Sheet
    header: Header | None
    by_name: bool


@dataclass(frozen=True)
class Matching:
    """The tables found in a file, and its other sheets.

    ``doubtful`` names the sheets that look like a table for which another sheet was taken. ``clashing`` are the
    names of sheets that all have the name of one table, by the table's: none of them is taken.
    """

    tables: tuple[MatchedTable, ...]
    others: tuple[Sheet, ...]
    doubtful: Mapping[str, TableDeclaration]
    clashing: Mapping[str, tuple[str, ...]]


def is_todo_sheet(name: str, first_cell: object) -> bool:
    """Whether a sheet is the to-do list that we put into the workbook ourselves, in whatever language."""
    return any(
        normalised(name).startswith(normalised(said_in(TODO_SHEET, language)))
        and str(first_cell or "").startswith(said_in(TODO_MARK, language))
        for language in Language
    )


def is_own_sheet(name: str, first_cell: object) -> bool:
    """Whether a sheet is ours and holds no data: the to-do list, or a template's instructions and lists."""
    return is_todo_sheet(name, first_cell) or is_template_sheet(first_cell)


def _is_named(sheet: Sheet, table: TableDeclaration) -> bool:
    name = normalised(sheet.name)
    # A spreadsheet cuts a sheet's name at 31 characters.
    titles = [title for title in (table.title, table.title_fi) if title]
    return name in {normalised(text) for title in titles for text in (table.name, title, title[:31])}


def table_of_file(name: str, tables: Sequence[TableDeclaration]) -> TableDeclaration | None:
    """The table that a CSV's name speaks of: the last one it names.

    ``agile_pilots_rounds_2019.csv`` and ``Agile pilots - Rounds.csv`` (a spreadsheet's name, then its sheet's)
    hold rounds.
    """
    words = f" {normalised(name)} "
    last = {
        table.name: max(
            words.rfind(f" {normalised(known)} ")
            for known in filter(None, (table.name, table.title, table.title_fi))
        )
        for table in tables
    }
    found = max(tables, key=lambda table: last[table.name], default=None)
    return found if found is not None and last[found.name] >= 0 else None


def _is_filled(match: MatchedTable) -> bool:
    """Whether a sheet has a row below its header."""
    return match.header is not None and any(number > match.header.row for number in match.sheet.rows)


def match_tables(book: Book, tables: Sequence[TableDeclaration]) -> Matching:
    """Which sheet holds which table: by the sheet's name, else by its headers.

    Headers decide only where they leave no doubt: half of the mandatory columns, and for no other table more. A
    sheet with a table's name is that table; the sheets that only look like it (a copy, last year's) are not.
    Where none has the name, all that look like it are read: a sheet a year, for example.

    What people see goes before what is hidden: a hidden sheet is taken by its name only, and only where no visible
    one has the name or looks like the table. Of several visible sheets of one name that is taken which has rows.
    """
    named: dict[str, list[MatchedTable]] = {}
    alike: dict[str, list[MatchedTable]] = {}
    left: list[Sheet] = []
    for sheet in book.sheets:
        first = sheet.rows.get(1, {}).get(1)
        if is_own_sheet(sheet.name, first.value if first else None):
            continue
        if table := _named_table(book, sheet, tables):
            named.setdefault(table.name, []).append(
                MatchedTable(table, sheet, find_header(sheet, table), by_name=True)
            )
        elif match := _alike(sheet, tables):
            alike.setdefault(match.table.name, []).append(match)
        else:
            left.append(sheet)
    taken: list[MatchedTable] = []
    doubtful: dict[str, TableDeclaration] = {}
    clashing: dict[str, tuple[str, ...]] = {}
    for table in tables:
        by_name, by_header = named.get(table.name, []), alike.get(table.name, [])
        visible = [match for match in by_name if not match.sheet.is_hidden]
        look_alike = [match for match in by_header if not match.sheet.is_hidden]
        chosen = visible or look_alike or by_name
        if len(chosen) > 1 and chosen[0].by_name:
            filled = [match for match in chosen if _is_filled(match)]
            if len(filled) > 1:
                clashing[table.name] = tuple(match.sheet.name for match in filled)
            chosen = (filled or chosen)[:1] if len(filled) < 2 else []
        taken.extend(chosen)
        for match in (*by_name, *by_header):
            if all(match is not one for one in chosen) and match.sheet.name not in clashing.get(table.name, ()):
                left.append(match.sheet)
                doubtful[match.sheet.name] = table
    order = {id(sheet): position for position, sheet in enumerate(book.sheets)}
    taken.sort(key=lambda match: order[id(match.sheet)])
    left.sort(key=lambda sheet: order[id(sheet)])
    return Matching(tuple(taken), tuple(left), doubtful, clashing)


def _named_table(book: Book, sheet: Sheet, tables: Sequence[TableDeclaration]) -> TableDeclaration | None:
    table = next((table for table in tables if _is_named(sheet, table)), None)
    if table is None and book.kind == "csv":
        by_file = table_of_file(book.path.stem, tables)
        table = by_file if by_file and find_header(sheet, by_file) else None
    return table


def _alike(sheet: Sheet, tables: Sequence[TableDeclaration]) -> MatchedTable | None:
    """The table that a sheet's headers leave no doubt about."""
    scores = []
    for table in tables:
        header = find_header(sheet, table)
        wanted = [f.name for f in table.fields if f.presence == "mandatory"]
        if header and 2 * len(set(wanted) & set(header.columns)) >= len(wanted):
            scores.append((len(header.columns), table, header))
    scores.sort(key=lambda score: -score[0])
    if not scores or (len(scores) > 1 and scores[0][0] == scores[1][0]):
        return None
    return MatchedTable(scores[0][1], sheet, scores[0][2], by_name=False)
