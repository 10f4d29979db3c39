"""Workbooks as people keep them: opening one, and finding the declared tables and columns in it.

Two rooms need the same answer to "which cell is the grant of the fifth pilot": the reader in ``sources`` and
the one who marks the wrong cells in ``checks``. So sheets are matched to tables and headers to fields here.
"""

from warehouse.sheets.cells import (
    Cell,
    ErrorValue,
    Sheet,
    SheetError,
    UndecodedText,
    Value,
    column_letters,
    shown_cell,
    shown_value,
)
from warehouse.sheets.csv_files import Records
from warehouse.sheets.headers import Header, HeaderRow, find_header, header_rows, header_text, nearest_fields
from warehouse.sheets.matching import (
    TODO_MARK,
    TODO_SHEET,
    MatchedTable,
    Matching,
    is_own_sheet,
    is_todo_sheet,
    match_tables,
    table_of_file,
)
from warehouse.sheets.opening import Book, open_book
from warehouse.sheets.templates import TemplateMark, template_mark

__all__ = [
    "TODO_MARK",
    "TODO_SHEET",
    "Book",
    "Cell",
    "ErrorValue",
    "Header",
    "HeaderRow",
    "MatchedTable",
    "Matching",
    "Records",
    "Sheet",
    "SheetError",
    "TemplateMark",
    "UndecodedText",
    "Value",
    "column_letters",
    "find_header",
    "header_rows",
    "header_text",
    "is_own_sheet",
    "is_todo_sheet",
    "match_tables",
    "nearest_fields",
    "open_book",
    "shown_cell",
    "shown_value",
    "table_of_file",
    "template_mark",
]
