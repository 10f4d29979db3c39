"""What is told of a sheet that holds a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from sources.workbooks.words import quoted
from warehouse.declarations import FieldDeclaration, Severity, TableDeclaration
from warehouse.findings import WITHHELD, Finding, Heading, QuarantinedRow, shown
from warehouse.messages import in_languages
from warehouse.sheets import Cell, shown_cell


@dataclass(frozen=True)
class _ReadAs:
    """A cell that was read as something else than it says, in the one way it can be."""

    row: int
    value: str
    meant: str


class Told:
    """Gathers what is told of one sheet of a file: findings at their places, and the records put aside.

    ``names`` are the fields' titles as this sheet has them, ``headings`` those that stand in it. ``incomplete``
    says why the table is not whole.
    """

    def __init__(self, file: str, sheet: str, table: TableDeclaration) -> None:
        self.file = file
        self.sheet = sheet
        self.table = table
        self.names: dict[str, str] = {
            declared.name: in_languages(declared.title, finnish=declared.title_fi) for declared in table.fields
        }
        self.headings: list[Heading] = []
        self.findings: list[Finding] = []
        self.quarantined: list[QuarantinedRow] = []
        self.incomplete = ""
        self._readings: dict[str, list[_ReadAs]] = {}
        self._row_keys: dict[int, str] = {}

    def add(self, rule: str, severity: Severity, message: str, help_text: str, **place: Any) -> None:
        """A finding; ``place`` are further attributes of it."""
        self.findings.append(
            Finding(
                rule,
                severity,
                message,
                help_text,
                **{"table_name": self.table.name, "file": self.file, "sheet": self.sheet, **place},
            )
        )

    def calls(self, name: str, heading: str) -> None:
        """Remember what the sheet calls a declared column."""
        self.names[name] = heading
        self.headings.append(Heading(self.table.name, self.file, self.sheet, name, heading))

    def read_as(self, declared: FieldDeclaration, cell: Cell, row: int, meant: object) -> None:
        """Remember that a cell was read as something else than it says."""
        given, read = (str(shown(quoted(text), declared)) for text in (shown_cell(cell), str(meant)))
        self._readings.setdefault(declared.name, []).append(_ReadAs(row, given, read))

    def is_about(self, row: int, key: str, since: int) -> None:
        """Say whose row it is in all its findings: those from the position ``since`` on."""
        self._row_keys[row] = key
        self.findings[since:] = [replace(finding, row_key=key) for finding in self.findings[since:]]

    def add_readings(self) -> None:
        """One finding a column for all its cells that were read as something else."""
        for name, readings in self._readings.items():
            self._add_readings(name, readings)

    def _add_readings(self, name: str, readings: Sequence[_ReadAs]) -> None:
        pairs = dict.fromkeys((one.value, one.meant) for one in readings)
        said = ", ".join(f"{value} as {meant}" for value, meant in list(pairs)[:3])
        if readings[0].value == WITHHELD:
            said, pairs = "in another form than it has", {}
        more = f" and {len(pairs) - 3:,} more" if len(pairs) > 3 else ""
        rows = f" ({len(readings):,} cells)" if len(readings) > 1 else ""
        one = readings[0] if len(readings) == 1 else None
        self.add(
            "read-as",
            Severity.INFO,
            f"{self.names[name]}: read {said}{more}{rows}.",
            "Nothing to do if that is what is meant.",
            column_name=name,
            row_number=one.row if one else None,
            row_key=self._row_keys.get(one.row) if one else None,
            value=one.value.strip("“”") if one else None,
        )
