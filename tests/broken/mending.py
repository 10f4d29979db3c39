"""A hand-in checked, marked, mended by the mender, and checked again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

from openpyxl import Workbook
from openpyxl.utils.exceptions import InvalidFileException
from openpyxl.worksheet.worksheet import Worksheet

from checks.annotate import Kept, annotate
from tests.broken.checking import Checked, check
from tests.broken.mender import Done, mend
from warehouse.declarations import Severity, SourceDeclaration
from warehouse.findings import Finding
from warehouse.sheets import open_book, shown_value

# What only somebody can mend who has another file: no cell of this one would.
ELSEWHERE = {
    "unreadable": "the file is no workbook, or lost a part: the keeper saves her own again",
    "wrong-place": "the workbook of this source lies with its keeper",
    "empty-template": "the rows are in their keeper's head",
    "missing-table": "the sheet, or the file, with the rows is not there",
    "missing-header": "which column is which only its keeper knows",
    "missing-column": "what belongs into the column is in its keeper's head",
    "row-length": "which of the row's values is whose only its keeper knows",
    "mostly-refused": "columns changed places: which header belongs to which only its keeper knows",
}


@dataclass(frozen=True)
class Mended:
    """What became of a hand-in: what was serious before, what of it is left, what is new, what the mender did."""

    before: Sequence[Finding]
    left: Sequence[Finding]
    made: Sequence[Finding]
    done: Sequence[Done]

    @property
    def cleared(self) -> int:
        """How many findings are gone."""
        return len(self.before) - len(self.left)


def is_serious(finding: Finding) -> bool:
    """Whether a finding is to be mended: an error, or what holds the table or the file."""
    return finding.severity in (Severity.CRITICAL, Severity.ERROR)


def _identity(finding: Finding) -> tuple[object, ...]:
    return finding.rule, finding.table_name, finding.column_name, finding.value or finding.row_key


def mend_files(
    paths: Sequence[Path], checked: Checked, source: SourceDeclaration, folder: Path
) -> tuple[list[Path], list[Done]]:
    """The files with our copies mended in place of those that have findings, in a folder of their own."""
    folder.mkdir(parents=True)
    mended, done = [], []
    for number, path in enumerate(paths):
        found = [one for one in checked.findings if one.file == path.name or (one.file is None and not number)]
        target = folder / path.name
        if not found:
            target.write_bytes(path.read_bytes())
            mended.append(target)
            continue
        marked = annotate(path, found, folder / f"{path.stem}-annotated.xlsx", source)
        target = target if marked.kept is Kept.NOTHING else target.with_suffix(".xlsx")
        try:
            own = path if marked.kept is Kept.NOTHING else None
            done += mend(
                marked.path, own, target, {one.stem: _sheet(one, source) for one in paths if one is not path}
            )
        except (InvalidFileException, BadZipFile, SyntaxError, OSError, LookupError, ValueError, TypeError):
            target = folder / path.name
            target.write_bytes(path.read_bytes())
        marked.path.unlink()
        mended.append(target)
    return mended, done


def _sheet(path: Path, source: SourceDeclaration) -> Worksheet:
    """A CSV as a spreadsheet program shows it."""
    sheet = Workbook().worksheets[0]
    for number, row in open_book(path, source.tables).sheets[0].rows.items():
        for column, cell in row.items():
            sheet.cell(number, column).value = shown_value(cell.value)
    return sheet


def mended(paths: Sequence[Path], source: SourceDeclaration, workspace: Path) -> Mended:
    """Check, mark, mend, and check again."""
    first = check(paths, source, workspace / "first")
    files, done = mend_files(paths, first, source, workspace / "mended")
    second = check(files, source, workspace / "second")
    before = list(filter(is_serious, first.findings))
    known = Counter(map(_identity, before))
    left, made = [], []
    for one in filter(is_serious, second.findings):
        if known[_identity(one)]:
            known[_identity(one)] -= 1
            left.append(one)
        else:
            made.append(one)
    return Mended(before, left, made, done)


def by_rule(findings: Iterable[Finding]) -> Counter[str]:
    """How many there are of each rule."""
    return Counter(one.rule for one in findings)
