"""A cell with all that its reading depends on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sources.workbooks.cell_values import CellValueError, clean_text
from sources.workbooks.columns import Layout
from sources.workbooks.evidence import Evidence
from sources.workbooks.told import Told
from sources.workbooks.words import quoted
from warehouse import reference
from warehouse.declarations import FieldDeclaration
from warehouse.findings import shown
from warehouse.sheets import Cell, Value, shown_value


class UnreadableError(Exception):
    """A cell that has no value of its column's type."""

    def __init__(self, message: str, help_text: str = "", rule: str = "type") -> None:
        super().__init__(message)
        self.help = help_text
        self.rule = rule


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
            raise CellValueError(f"{title} has no word for {code}")
        if link in self.row.cells:
            stated = clean_text(shown_value(self.row.cells[link][1].value))
            if (codes.code_of(stated) if codes else stated) != code:
                raise CellValueError(f"it is {code}, and {title} says {quoted(stated)}")
        else:
            self.row.implied[link] = code
