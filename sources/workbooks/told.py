"""What is told of a sheet that holds a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from sources.workbooks.words import and_more, quoted, title_of
from warehouse.declarations import FieldDeclaration, Severity, TableDeclaration
from warehouse.findings import WITHHELD, Finding, Heading, QuarantinedRow, shown
from warehouse.messages import counted, message, sentences
from warehouse.sheets import Cell, shown_cell


@dataclass(frozen=True)
class _ReadAs:
    """A cell that was read as something else than it says, in the one way it can be."""

    row: int
    value: str
    meant: str
    written: str

    @property
    def can_be_written(self) -> bool:
        """Whether what was read stands in no other column too, as "2016-05-01 (month)" does."""
        return not self.written.endswith(")")


class Told:
    """Gathers what is told of one sheet of a file: findings at their places, and the records put aside.

    ``names`` are the fields' titles as this sheet has them, ``headings`` those that stand in it. ``incomplete``
    says why the table is not whole, ``doubted`` which fields have a cell that can be read in two ways.
    """

    def __init__(self, file: str, sheet: str, table: TableDeclaration) -> None:
        self.file = file
        self.sheet = sheet
        self.table = table
        self.names: dict[str, str] = {declared.name: title_of(declared) for declared in table.fields}
        self.headings: list[Heading] = []
        self.findings: list[Finding] = []
        self.quarantined: list[QuarantinedRow] = []
        self.incomplete = ""
        self.doubted: set[str] = set()
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
        self._readings.setdefault(declared.name, []).append(_ReadAs(row, given, read, str(meant)))

    def is_about(self, row: int, key: str, since: int) -> None:
        """Say whose row it is in all its findings: those from the position ``since`` on."""
        self._row_keys[row] = key
        self.findings[since:] = [replace(finding, row_key=key) for finding in self.findings[since:]]

    def leave_out_echoes(self) -> None:
        """Take back what is said of a column's dates as a whole, where each cell in doubt says so itself."""
        self.findings = [
            one for one in self.findings if one.rule != "mixed-dates" or one.column_name not in self.doubted
        ]

    def add_readings(self) -> None:
        """One finding a column for all its cells that were read as something else."""
        for name, readings in self._readings.items():
            self._add_readings(name, readings)

    def _add_readings(self, name: str, readings: Sequence[_ReadAs]) -> None:
        one = readings[0] if len(readings) == 1 else None
        is_withheld = readings[0].value == WITHHELD
        advice: str = message("Nothing to do if that is what is meant.")
        if one and not is_withheld:
            clearly = message("Write {value} to say it clearly.", value=one.meant)
            advice = sentences(advice, clearly if one.can_be_written else "")
        self.add(
            "read-as",
            Severity.INFO,
            _withheld_readings(self.names[name], len(readings))
            if is_withheld
            else _readings(self.names[name], readings),
            advice,
            column_name=name,
            row_number=one.row if one else None,
            row_key=self._row_keys.get(one.row) if one else None,
            value=one.value.strip("“”") if one else None,
        )


def _readings(heading: str, readings: Sequence[_ReadAs]) -> str:
    """What was read as what."""
    pairs = dict.fromkeys((one.value, one.meant) for one in readings)
    said = and_more([message("{value} as {meant}", value=value, meant=meant) for value, meant in pairs], 3)
    return counted(
        "{heading}: read {readings}.",
        "{heading}: read {readings} ({count} cells).",
        count=len(readings),
        heading=heading,
        readings=said,
    )


def _withheld_readings(heading: str, cells: int) -> str:
    return counted(
        "{heading}: read in another form than it has.",
        "{heading}: read in another form than it has ({count} cells).",
        count=cells,
        heading=heading,
    )
