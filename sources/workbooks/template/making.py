"""An empty workbook out of a declaration: a sheet a table, instructions, what the codes mean, the drop-downs."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sources.workbooks.template import columns
from sources.workbooks.template.words import (
    LANGUAGES,
    Language,
    Words,
    description_of,
    help_of,
    is_unreviewed,
    title_of,
)
from warehouse import reference
from warehouse.declarations import FieldDeclaration, Privacy, SourceDeclaration, TableDeclaration
from warehouse.sheets.templates import LISTS_MARK, PROPERTY, TemplateMark

if TYPE_CHECKING:
    from xlsxwriter import Workbook
    from xlsxwriter.format import Format
    from xlsxwriter.worksheet import Worksheet

ROOM = 1000  # rows of a sheet whose cells accept only what fits
_CREATED = datetime(2020, 1, 1)  # fixed: the same declaration makes the same bytes on any day
_LISTS = "Lists"
_FIRST_ROW = 2  # below the marks and the header; counted from 0
_NOTE_LINE = 52  # characters


def column_names(declaration: SourceDeclaration) -> frozenset[str]:
    """All columns of a source, as ``table.field``."""
    return frozenset(f"{table.name}.{field.name}" for table in declaration.tables for field in table.fields)


def fingerprint(declaration: SourceDeclaration) -> str:
    """Stands for all of a declaration that says how its workbook is filled in; its wording does not count."""
    kept = {"name", "type", "unit", "decimals", "presence", "constraints", "precision_in", "qualifier_in"}
    said = [
        {"name": table.name, "key": table.primary_key, "fields": [_filled(one, kept) for one in table.fields]}
        for table in declaration.tables
    ]
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:16]


def _filled(field: FieldDeclaration, kept: set[str]) -> dict[str, Any]:
    codes = field.constraints.code_list
    listed = list(reference.code_lists()[codes].codes) if codes else []
    return {**field.model_dump(mode="json", include=kept), "codes": listed}


def mark_of(declaration: SourceDeclaration, language: Language) -> TemplateMark:
    """The mark of a source's template as it would be made now."""
    return TemplateMark(declaration.name, fingerprint(declaration), language, column_names(declaration))


def write_template(declaration: SourceDeclaration, language: Language, path: Path) -> None:
    """Write the empty workbook of a source.

    Args:
        declaration: the source, a workbook that people keep.
        language: of headers, instructions and drop-downs; what is not said in it is said in English.
        path: the .xlsx file to write. The same declaration makes the same bytes.
    """
    import xlsxwriter

    words = LANGUAGES[language]
    with xlsxwriter.Workbook(str(path), {"in_memory": True, "strings_to_formulas": False}) as book:
        book.set_properties(
            {
                "title": title_of(declaration, words),
                "subject": description_of(declaration, words),
                "created": _CREATED,
            }
        )
        mark = mark_of(declaration, language)
        book.set_custom_property(PROPERTY, str(mark), "text")
        _Template(book, declaration, words, _Styles(book)).write(mark)


class _Styles:
    """The formats of a template's cells."""

    def __init__(self, book: Workbook) -> None:
        self._book = book
        self._cells: dict[tuple[str, bool], Format] = {}
        base = {"bold": True, "text_wrap": True, "valign": "vcenter", "border": 1, "border_color": "#ffffff"}
        self.required = book.add_format({**base, "bg_color": "#0f4c5c", "font_color": "#ffffff"})
        self.optional = book.add_format({**base, "bg_color": "#d5e5e8", "font_color": "#0b3440"})
        self.private = book.add_format({**base, "bg_color": "#d9d9d9", "font_color": "#404040", "italic": True})
        self.mark = book.add_format({"italic": True, "font_size": 9, "font_color": "#595959"})
        self.title = book.add_format({"bold": True, "font_size": 16, "font_color": "#0f4c5c"})
        self.section = book.add_format({"bold": True, "font_size": 12, "font_color": "#0f4c5c", "top": 1})
        self.bold = book.add_format({"bold": True, "valign": "top", "text_wrap": True})
        self.wrapped = book.add_format({"valign": "top", "text_wrap": True})
        self.twice = book.add_format({"bg_color": "#f4b6b6"})

    def head(self, field: FieldDeclaration) -> Format:
        if field.privacy is not Privacy.PUBLIC:
            return self.private
        return self.required if field.constraints.required else self.optional

    def cells(self, number_format: str, *, is_long: bool) -> Format:
        key = (number_format, is_long)
        if key not in self._cells:
            self._cells[key] = self._book.add_format(
                {"num_format": number_format, "valign": "top", "text_wrap": is_long}
            )
        return self._cells[key]


@dataclass
class _Template:
    """A template that is being written."""

    book: Workbook
    declaration: SourceDeclaration
    words: Words
    styles: _Styles
    names: list[str] = field(default_factory=list)
    ranges: dict[str, str] = field(default_factory=dict)  # by the list's key, where its texts stand

    def write(self, mark: TemplateMark) -> None:
        instructions = self._sheet(self.words.instructions_sheet)
        sheets = [(table, self._sheet(title_of(table, self.words))) for table in self.declaration.tables]
        shown = [(key, field) for key, field in self._lists() if field.constraints.code_list]
        codes = self._sheet(self.words.codes_sheet) if shown else None
        self._write_lists(mark)
        for table, sheet in sheets:
            self._write_table(sheet, table)
        self._write_instructions(instructions)
        if codes is not None:
            self._write_codes(codes, [field for _, field in shown])
        instructions.activate()

    def _sheet(self, wanted: str) -> Worksheet:
        """A sheet of that name, as far as a spreadsheet allows it."""
        name = re.sub(r"[\[\]:*?/\\]", " ", wanted)[:31].strip(" '") or "Sheet"
        taken = {_LISTS.casefold(), "history", *(one.casefold() for one in self.names)}
        number = 2
        while name.casefold() in taken:
            name = f"{name[:27].rstrip()} {number}"
            number += 1
        self.names.append(name)
        return self.book.add_worksheet(name)

    def _lists(self) -> Iterable[tuple[str, FieldDeclaration]]:
        """Each drop-down once, with a column that has it."""
        found: dict[str, FieldDeclaration] = {}
        for table in self.declaration.tables:
            for one in table.fields:
                if columns.choices_of(one, self.words):
                    found.setdefault(columns.list_key(one), one)
        return found.items()

    def _write_lists(self, mark: TemplateMark) -> None:
        """The hidden sheet: the mark, the columns there are, and a column a drop-down.

        A drop-down's own list may have 255 characters and no commas in its texts, a range has any.
        """
        from xlsxwriter.utility import xl_range_abs

        sheet = self.book.add_worksheet(_LISTS)
        for row, text in enumerate((LISTS_MARK, str(mark), *sorted(mark.columns or ()))):
            sheet.write_string(row, 0, text)
        for column, (key, one) in enumerate(self._lists(), start=2):
            texts = list(columns.choices_of(one, self.words).values())
            for row, text in enumerate((key, *texts)):
                sheet.write_string(row, column, text)
            self.ranges[key] = f"={_LISTS}!{xl_range_abs(1, column, len(texts), column)}"
        sheet.hide()

    def _write_table(self, sheet: Worksheet, table: TableDeclaration) -> None:
        last = _FIRST_ROW + max(ROOM, min(table.rows.maximum or 0, 20_000)) - 1
        for column, one in enumerate(table.fields):
            title = title_of(one, self.words)
            choices = columns.choices_of(one, self.words)
            is_long = one.type == "string" and (one.constraints.max_length or 0) > 250
            cells = self.styles.cells(columns.number_format(one), is_long=is_long)
            sheet.set_column(column, column, columns.width(one, title, choices), cells)
            sheet.write_string(0, column, columns.mark_of(one, self.words), self.styles.mark)
            sheet.write_string(1, column, title, self.styles.head(one))
            note = columns.note_on(one, self.words)
            lines = sum(1 + len(line) // _NOTE_LINE for line in note.splitlines())
            sheet.write_comment(1, column, note, {"x_scale": 3, "height": 22 + 15 * lines, "font_size": 9})
            where = self.ranges.get(columns.list_key(one), "") if choices else ""
            if accepted := columns.validation(one, self.words, where):
                sheet.data_validation(_FIRST_ROW, column, last, column, accepted)
            if table.primary_key == (one.name,):
                twice = {"type": "duplicate", "format": self.styles.twice}
                sheet.conditional_format(_FIRST_ROW, column, last, column, twice)
        sheet.set_row(0, 14)
        sheet.set_row(1, 32)
        sheet.freeze_panes(_FIRST_ROW, 1)

    def _write_instructions(self, sheet: Worksheet) -> None:
        words, styles = self.words, self.styles
        for column, width in enumerate((24, 20, 62, 62)):
            sheet.set_column(column, column, width)
        sheet.hide_gridlines(2)
        sheet.write_string(0, 0, f"{words.instructions_mark}: {title_of(self.declaration, words)}", styles.title)
        lines = [description_of(self.declaration, words)]
        if is_unreviewed(self.declaration, words):
            lines.append(words.unreviewed)
        row = self._paragraphs(sheet, 1, lines)
        row = self._section(sheet, row + 1, words.how)
        steps = [step.format(source=self.declaration.name) for step in words.steps]
        row = self._paragraphs(sheet, row, [f"{number}. {step}" for number, step in enumerate(steps, start=1)])
        row = self._section(sheet, row + 1, words.sheets)
        for table in self.declaration.tables:
            each = words.each_row.format(what=table.each_row_is_a)
            sheet.write_string(row, 0, title_of(table, words), styles.bold)
            said = f"{description_of(table, words)} {each}".strip()
            sheet.merge_range(row, 1, row, 3, said, styles.wrapped)
            sheet.set_row(row, _height(said, 140))
            row += 1
        for table in self.declaration.tables:
            row = self._columns(sheet, row + 1, table)

    def _columns(self, sheet: Worksheet, row: int, table: TableDeclaration) -> int:
        """What each column of a table is, from that row on; the row below."""
        words, styles = self.words, self.styles
        row = self._section(sheet, row, words.columns_of.format(title=title_of(table, words)))
        for column, text in enumerate(words.columns):
            sheet.write_string(row, column, text, styles.optional)
        for one in table.fields:
            row += 1
            how = (
                f"{allowed} {help_of(one, words)}"
                if (allowed := columns.allowed(one, words))
                else help_of(one, words)
            )
            meaning = description_of(one, words)
            sheet.write_string(row, 0, title_of(one, words), styles.bold)
            for column, text in enumerate((columns.mark_of(one, words), meaning, how), start=1):
                sheet.write_string(row, column, text, styles.wrapped)
            sheet.set_row(row, max(_height(meaning, 62), _height(how, 62)))
        return row + 1

    def _section(self, sheet: Worksheet, row: int, title: str) -> int:
        for column in range(4):
            sheet.write_blank(row, column, None, self.styles.section)
        sheet.write_string(row, 0, title, self.styles.section)
        return row + 1

    def _paragraphs(self, sheet: Worksheet, row: int, texts: Iterable[str]) -> int:
        for text in texts:
            if not text:
                continue
            sheet.merge_range(row, 0, row, 3, text, self.styles.wrapped)
            sheet.set_row(row, _height(text, 160))
            row += 1
        return row

    def _write_codes(self, sheet: Worksheet, fields: Iterable[FieldDeclaration]) -> None:
        words, styles = self.words, self.styles
        for column, width in enumerate((26, 34, 24, 80)):
            sheet.set_column(column, column, width)
        sheet.write_string(0, 0, words.codes_mark, styles.title)
        for column, text in enumerate(words.codes):
            sheet.write_string(2, column, text, styles.optional)
        sheet.freeze_panes(3, 0)
        row = 3
        for one in fields:
            listed = reference.code_lists()[one.constraints.code_list or ""]
            for code, meaning in listed.codes.items():
                texts = (title_of(one, words), title_of(meaning, words), code, description_of(meaning, words))
                for column, text in enumerate(texts):
                    sheet.write_string(row, column, text, styles.bold if column == 1 else styles.wrapped)
                row += 1


def _height(text: str, characters: int) -> float:
    """A row's height in points, for a text that is wrapped at so many characters."""
    return 15.0 * max(1, sum(1 + len(line) // characters for line in text.splitlines() or [""]))
