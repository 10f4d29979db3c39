"""A cell with all that its reading depends on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from sources.workbooks.cell_values import CellValueError, clean_text
from sources.workbooks.columns import Layout
from sources.workbooks.evidence import Evidence
from sources.workbooks.told import Told
from sources.workbooks.words import how_to_write, quoted
from warehouse import reference
from warehouse.declarations import FieldDeclaration
from warehouse.findings import shown
from warehouse.messages import message
from warehouse.sheets import Cell, ErrorValue, Value, shown_value


class UnreadableError(Exception):
    """A cell that has no value of its column's type.

    ``what`` says so, in a clause; ``help`` what to do. Where that is to write another value, ``meant`` are those
    that it may mean, and the rest of the advice is the column's.
    """

    def __init__(self, what: str, help_text: str = "", rule: str = "type", meant: Sequence[str] = ()) -> None:
        super().__init__(what)
        self.what = what
        self.help = help_text
        self.rule = rule
        self.meant = meant


@dataclass
class Row:
    """A row being read. ``implied`` are codes that its other cells say, by field."""

    number: int
    cells: Mapping[str, tuple[int, Cell]]
    implied: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class OneCell:
    """A cell, its field, its row, and what its column shows."""

    declared: FieldDeclaration
    cell: Cell
    row: Row
    evidence: Evidence
    layout: Layout
    told: Told

    @property
    def value(self) -> Value:
        """What is stored in the cell."""
        return self.cell.value

    @property
    def is_over_rows(self) -> bool:
        """Whether it is merged over several rows."""
        return (self.row.number, self.row.cells[self.declared.name][0]) in self.layout.merged

    def quote(self, text: str) -> str | None:
        """A text of the cell as a finding may show it."""
        return shown(quoted(text), self.declared)

    def how_to_write(self, meant: Sequence[str] = ()) -> str:
        """What to write into it."""
        return how_to_write(self.declared, meant, is_optional=self.is_optional)

    @property
    def is_optional(self) -> bool:
        """Whether it may be empty."""
        return not self.declared.constraints.required and self.declared.name not in self.layout.table.primary_key

    def above(self, is_pointer: Callable[[str], bool]) -> str:
        """What the nearest cell above it shows that is no pointer to another one; empty where there is none."""
        column = self.row.cells[self.declared.name][0]
        for number in range(self.row.number - 1, self.layout.header.row, -1):
            cell = self.layout.sheet.rows.get(number, {}).get(column)
            if cell is None or isinstance(cell.value, ErrorValue):
                return ""
            if not is_pointer(text := shown_value(cell.value)):
                return text
        return ""

    def read_as(self, meant: object) -> None:
        """Tell that the cell was read as something else than it says."""
        self.told.read_as(self.declared, self.cell, self.row.number, meant)

    def imply(self, link: str, code: str) -> None:
        """Say a code in another column of the row, unless that says something else.

        Raises:
            CellValueError: it does, or cannot be read.
        """
        title = self.told.names[link]
        codes = reference.code_lists().get(self.layout.table.field(link).constraints.code_list or "")
        if codes is not None and code not in codes.codes:
            raise CellValueError(
                message("{heading} has no word for {code}", heading=title, code=code), may_guess=False
            )
        if link in self.row.cells:
            stated = clean_text(shown_value(self.row.cells[link][1].value))
            if (codes.code_of(stated) if codes else stated) != code:
                raise CellValueError(
                    message(
                        "it is {code}, and {heading} says {stated}",
                        code=code,
                        heading=title,
                        stated=quoted(stated),
                    ),
                    help_text=message(
                        "Write {value} under “{heading}”, or correct the cell here.",
                        value=quoted(code),
                        heading=title,
                    ),
                )
        else:
            self.row.implied[link] = code
