"""A sheet out of its XML, element by element."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Mapping

from warehouse.messages import message
from warehouse.sheets import limits
from warehouse.sheets.cells import (
    SAVE_AGAIN,
    Cell,
    ErrorValue,
    Sheet,
    SheetError,
    Value,
    column_letters,
    text_value,
)
from warehouse.sheets.rich_text import ALL_STRUCK
from warehouse.sheets.xlsx.package import local_name
from warehouse.sheets.xlsx.strings import SharedString, TextItem
from warehouse.sheets.xlsx.styles import PLAIN, Style
from warehouse.sheets.xlsx.values import (
    NUMBER,
    WHOLE,
    index_of,
    is_true,
    iso_value,
    position,
    serial_date,
    stray,
    unescaped,
)
from warehouse.text import without_controls


class SheetParser:
    """Handlers that fill a Sheet from its XML."""

    def __init__(self, sheet: Sheet, strings: list[SharedString], styles: list[Style], budget: int) -> None:
        self.sheet = sheet
        self.strings = strings
        self.styles = {str(index): style for index, style in enumerate(styles)}
        self.budget = budget
        self.row = self.column = self.merged_rows = self.length = self.cell_length = 0
        self.attributes: dict[str, str] = {}
        self.pieces: list[str] = []
        self.item = TextItem()
        self.has_item = self.has_value = self.is_formula = self.in_value = self.in_data = self.in_cell = False
        self.is_row_hidden = False
        self.seen_ranges: set[tuple[int, int, int, int]] = set()

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """An element begins."""
        local = local_name(name)
        if self.in_cell:
            self._start_in_cell(local, attributes)
        elif handler := _STARTS.get(local):
            handler(self, attributes)

    def _start_in_cell(self, local: str, attributes: dict[str, str]) -> None:
        if local == "v":
            self.has_value = self.in_value = True
        elif local == "f":
            self.is_formula = True
        elif local == "is":
            self.has_item = True
            self.item.clear()
        elif self.has_item:
            self.item.start(local, attributes)

    def _start_data(self, attributes: dict[str, str]) -> None:
        self.in_data = True

    def _start_row(self, attributes: dict[str, str]) -> None:
        if not self.in_data:
            return
        number = attributes.get("r")
        row = self.row + 1 if number is None else index_of(number, limits.MAX_ROW)
        if not row or row > limits.MAX_ROW:
            raise SheetError(
                message("it has a row “{number}”, which no sheet can hold", number=(number or "")[:20])
            )
        self.row, self.column = row, 0
        height = attributes.get("ht", "")
        self.is_row_hidden = is_true(attributes.get("hidden")) or height in ("0", "0.0")

    def _start_cell(self, attributes: dict[str, str]) -> None:
        if not self.in_data:
            return
        self.attributes = attributes
        self.pieces = []
        self.cell_length = 0
        self.in_cell = True
        self.has_item = self.has_value = self.is_formula = self.in_value = False
        reference = attributes.get("r")
        if reference:
            self.row, self.column = position(reference)
        else:
            self.column += 1
            if self.column > limits.MAX_COLUMN:
                raise SheetError(message("its row {row} has more columns than a sheet can hold", row=self.row))

    def _hide_columns(self, attributes: dict[str, str]) -> None:
        first, last = (index_of(attributes.get(end, ""), limits.MAX_COLUMN) for end in ("min", "max"))
        is_hidden = is_true(attributes.get("hidden")) or attributes.get("width") in ("0", "0.0")
        if first and last and is_hidden and len(self.sheet.hidden_columns) < limits.MAX_COLUMN:
            self.sheet.hidden_columns.append((first, last))

    def _view(self, attributes: dict[str, str]) -> None:
        self.sheet.hides_zeros = attributes.get("showZeros") in ("0", "false")

    def _merge(self, attributes: dict[str, str]) -> None:
        area = self._link(attributes)
        if area in self.seen_ranges:
            return
        self.seen_ranges.add(area)
        self.sheet.merged.append(area)
        top, _, bottom, _ = area
        self.merged_rows += bottom - top + 1
        if self.merged_rows > limits.MAX_MERGED_ROWS:
            raise SheetError(message("its merged cells cover more rows than any sheet has"))

    def _link(self, attributes: dict[str, str]) -> tuple[int, int, int, int]:
        """Count the cells of a range, which is given back."""
        first, _, last = attributes.get("ref", "").partition(":")
        top, left = position(first)
        bottom, right = position(last or first)
        self.sheet.spread += max(0, bottom - top + 1) * max(0, right - left + 1)
        return top, left, bottom, right

    def end(self, name: str) -> None:
        """An element ends."""
        local = local_name(name)
        if local == "v":
            self.in_value = False
        elif local == "c" and self.in_cell:
            self.in_cell = False
            if self.has_value or self.has_item or self.is_formula:
                self._finish()
        elif local == "sheetData":
            self.in_data = False
        elif self.in_cell and self.has_item:
            self.item.end(local)

    def characters(self, data: str) -> None:
        """A stretch of text."""
        if not self.in_cell:
            return
        if self.in_value:
            self.cell_length += len(data)
            if self.cell_length <= limits.MAX_CELL_CHARACTERS + limits.CHUNK:
                self.pieces.append(data)
        elif self.has_item:
            self.item.characters(data)

    def _finish(self) -> None:
        formatted = self.styles.get(self.attributes.get("s", "0"), PLAIN)
        value, note = self._value(formatted)
        if value == "" or (value is None and not self.is_formula):
            return
        if isinstance(value, str):
            self.length += len(value)
            if self.length > limits.MAX_CHARACTERS:
                raise SheetError(message("its cells hold more than {most} characters", most=limits.MAX_CHARACTERS))
        if formatted.is_struck:
            note = ALL_STRUCK
        self.budget -= 1
        if self.budget < 0:
            raise SheetError(message("it has more than {most} filled cells", most=limits.MAX_CELLS))
        row = self.sheet.rows.setdefault(self.row, {})
        if self.column in row:
            place = f"{column_letters(self.column)}{self.row}"
            raise SheetError(message("it holds the cell {cell} twice", cell=place), SAVE_AGAIN)
        row[self.column] = Cell(value, formatted.number_format, self.is_formula, note)
        if self.is_row_hidden:
            self.sheet.hidden_rows.add(self.row)

    def _value(self, style: Style) -> tuple[Value, str]:
        """The cell's value, and what was left out of it."""
        kind = self.attributes.get("t", "n")
        if self.has_item and (kind == "inlineStr" or not self.has_value):
            return self.item.value()  # what stands beside it in <v> is a copy for other programs
        text = "".join(self.pieces)
        if kind in ("str", "inlineStr"):
            return (text_value(unescaped(text)) if self.has_value else None), ""
        text = text.strip()
        if not text:
            return None, ""
        if kind == "s":
            number = index_of(text)
            if number is None or number >= len(self.strings):
                return ErrorValue("", problem=message("its text is missing from the file")), ""
            found = self.strings[number]
            return found if isinstance(found, tuple) else (found, "")
        if kind == "b":
            return {"1": True, "true": True, "0": False, "false": False}.get(text, stray(text)), ""
        if kind == "e":
            return ErrorValue(without_controls(text[:20])), ""
        return (iso_value(text) if kind == "d" else self._number(text, style)), ""

    def _number(self, text: str, style: Style) -> Value:
        if not NUMBER.fullmatch(text):
            return stray(text)
        number: int | float = int(text) if WHOLE.fullmatch(text) else float(text)
        if number in (float("inf"), float("-inf")):
            return ErrorValue("#NUM!")
        if isinstance(number, float) and number.is_integer() and abs(number) < 1e15:
            number = int(number)
        if style.is_moment:
            return serial_date(number, has_1904_dates=self.sheet.has_1904_dates) or ErrorValue("#####")
        return number

    def uncover(self) -> None:
        """Take what lies under merged ranges out of the rows: only their first cell shows."""
        columns: dict[int, list[int]] = {}
        looks = 0
        for top, left, bottom, right in self.sheet.merged:
            looks += bottom - top
            for number in range(top, bottom + 1):
                row = self.sheet.rows.get(number)
                if not row:
                    continue
                filled = columns.setdefault(number, sorted(row))
                under = filled[bisect_left(filled, left) : bisect_right(filled, right)]
                looks += len(under)
                for column in under:
                    if (number, column) != (top, left) and row.pop(column, None) is not None:
                        self.sheet.covered.append((number, column))
                if not row:
                    del self.sheet.rows[number]
            if looks > limits.MAX_MERGE_LOOKS:
                raise SheetError(
                    message("its merged cells lie over one another"),
                    message("Undo the merging and save it again as .xlsx."),
                )


_STARTS: Mapping[str, Callable[[SheetParser, dict[str, str]], object]] = {
    "c": SheetParser._start_cell,
    "row": SheetParser._start_row,
    "sheetData": SheetParser._start_data,
    "col": SheetParser._hide_columns,
    "sheetView": SheetParser._view,
    "mergeCell": SheetParser._merge,
    "hyperlink": SheetParser._link,
}
