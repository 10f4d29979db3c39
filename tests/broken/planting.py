"""What is planted, what must be found of it and where, and which findings go without saying beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from openpyxl.utils import get_column_letter

from tests.broken.drafts import Column, Draft, Line, Page, written
from warehouse.declarations import FieldDeclaration, Severity
from warehouse.findings import Finding
from warehouse.text import normalised

E, W, C, I = Severity.ERROR, Severity.WARNING, Severity.CRITICAL, Severity.INFO  # noqa: E741


@dataclass(frozen=True)
class Wanted:
    """A finding that must be there: of one of these rules, at least so severe, at this place.

    Without a ``page`` it is about the file; without a ``line`` about the column as a whole, or, without that, the
    sheet; without a ``column`` about the row. ``in_header``: at the column's header. ``at_any_row``: of
    the column, wherever it is said.
    """

    rules: frozenset[str]
    severity: Severity
    page: Page | None = None
    line: Line | None = None
    column: Column | None = None
    in_header: bool = False
    at_any_row: bool = False

    def is_met_by(self, finding: Finding, draft: Draft) -> bool:
        """Whether a finding is this one, at just this place."""
        return (
            finding.rule in self.rules
            and finding.severity.rank <= self.severity.rank
            and self._is_on_page(finding, draft)
            and (self.at_any_row or finding.row_number == self._row())
            and self._is_of_column(finding.column_name)
        )

    def _is_on_page(self, finding: Finding, draft: Draft) -> bool:
        if self.page is None:
            return True
        if finding.sheet is None:
            return self.line is None and not self.in_header and finding.table_name == self.page.table.name
        same_sheet = draft.is_csv or normalised(finding.sheet) == normalised(self.page.name)
        return same_sheet and finding.file == draft.file_of(self.page)

    def _row(self) -> int | None:
        if self.in_header and self.page:
            return self.page.header_row
        return self.page.row_of(self.line) if self.page and self.line else None

    def _is_of_column(self, name: str | None) -> bool:
        if self.column is None or self.page is None:
            return name is None
        names = {self.column.name, self.column.heading}
        if self.column in self.page.columns:
            names.add(f"column {get_column_letter(self.page.column_of(self.column))}")
        return name in names

    def __str__(self) -> str:
        place = "the file"
        if self.page:
            place = self.page.name
            if self.line and self.column:
                place += f"!{self.page.cell(self.line, self.column)}"
            elif self.line:
                place += f", row {self.page.row_of(self.line)}"
            elif self.column in self.page.columns:
                place += f", column {self.column.heading}"
        return f"{self.severity.value} of {' or '.join(sorted(self.rules))} at {place}"


@dataclass
class Planted:
    """What must be found of a fault. ``beside`` are rules whose findings may stand beside it, each with why."""

    wanted: list[Wanted]
    beside: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Fault:
    """A way to break a workbook.

    ``plant`` changes a draft and says what must be found; None where the draft has nothing that it could break.
    ``given`` are what the draft must be for it. ``spoil`` changes the files once they are written.
    """

    name: str
    done: str
    expected: str
    plant: Callable[[Draft], Planted | None]
    given: Mapping[str, object] = field(default_factory=dict)
    placements: int = 3
    spoil: Callable[[list[Path], Draft], None] | None = None

    def files(self, draft: Draft, folder: Path) -> list[Path]:
        """Write a draft that this fault is planted in."""
        paths = written(draft, folder)
        if self.spoil is not None:
            self.spoil(paths, draft)
        return paths


FAULTS: list[Fault] = []


def fault(name: str, done: str, expected: str, *, placements: int = 3, **given: object):
    """Enter a function into the table of faults."""

    def enter(plant: Callable[[Draft], Planted | None]):
        FAULTS.append(Fault(name, done, expected, plant, given, placements))
        return plant

    return enter


Target = tuple[Page, Line, Column, FieldDeclaration]


def targets(draft: Draft, suits: Callable[[Page, FieldDeclaration], bool]) -> Iterator[Target]:
    """The cells of records under the columns that suit.

    Of a table that others refer to only the rows that nobody refers to: what is wrong with the others is wrong
    with those that refer to them too.
    """
    referred = {key.table for page in draft.pages for key in page.table.foreign_keys}
    for page in draft.pages:
        lines = page.records[3:] if page.table.name in referred else page.records
        for declared in page.table.fields:
            if page.has(declared.name) and suits(page, declared):
                for line in lines:
                    yield page, line, page.column(declared.name), declared


def one_of(
    draft: Draft, suits: Callable[[Page, FieldDeclaration], bool], *, filled: bool = False
) -> Target | None:
    """One of these cells, as the draft's own chance has it: first a column, then a row.

    ``filled``: of those that hold something, where something in an empty one would break a rule of its own.
    """
    by_column: dict[tuple[str, str], list[Target]] = {}
    for target in targets(draft, suits):
        if filled and target[1].cells[target[2]] is None:
            continue
        by_column.setdefault((target[0].table.name, target[3].name), []).append(target)
    return draft.rng.choice(by_column[draft.rng.choice(list(by_column))]) if by_column else None


def at(target: Target, *rules: str, severity: Severity | None = None) -> Wanted:
    """What must be found at a cell; as severe as its column says where nothing else is said."""
    page, line, column, declared = target
    return Wanted(frozenset(rules), severity or declared.severity, page, line, column)


def write(target: Target, value: object) -> None:
    """Write something into a cell."""
    _, line, column, _ = target
    line.cells[column] = value


def broken(target: Target | None, value: object, *rules: str, **beside: str) -> Planted | None:
    """A cell that holds a wrong value, and that this must be found there."""
    if target is None:
        return None
    write(target, value)
    return Planted([at(target, *rules)], {rule.replace("_", "-"): why for rule, why in beside.items()})


@dataclass
class Judged:
    """How what was found agrees with what was planted; empty lists are as it should be."""

    missed: list[str]
    echoes: list[Finding]


def judged(planted: Planted, findings: Sequence[Finding], draft: Draft) -> Judged:
    """Compare: each planted fault is found at its place once, and nothing of warning or worse beside it."""
    left = list(findings)
    missed = []
    for wanted in planted.wanted:
        found = next((one for one in left if wanted.is_met_by(one, draft)), None)
        if found is None:
            missed.append(str(wanted))
        else:
            left.remove(found)
    echoes = [one for one in left if one.severity is not Severity.INFO and one.rule not in planted.beside]
    return Judged(missed, echoes)
