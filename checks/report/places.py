"""Which page and which part of it tells of something, and where in a file a finding is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from checks.report.content import SourceSection
from checks.report.sanitising import clean, shortened
from warehouse.declarations import SourceDeclaration
from warehouse.findings import Finding
from warehouse.messages import Language, message

OVERVIEW = "index"


@dataclass(frozen=True)
class Target:
    """A part of a page: of a source's, or of the overview. The language is that of the page that links to it."""

    source: SourceDeclaration | None
    anchor: str


def page_name(source: SourceDeclaration | None, language: Language) -> str:
    """The file of a page: a source's own language has no tag in its name, and English has none of the overview."""
    own = source.language if source else Language.ENGLISH
    name = source.name if source else OVERVIEW
    return f"{name}.html" if language is own else f"{name}.{language.value}.html"


def href(target: Target, language: Language, page: SourceDeclaration | None) -> str:
    """The link to a part of a page, from a page of the language (of a source, or the overview)."""
    name = "" if target.source is page else page_name(target.source, language)
    return f"{name}#{target.anchor}" if target.anchor else name


def cell(finding: Finding, section: SourceSection | None) -> str:
    """The cell of a finding, such as C17; the row where the column's letter is not known; empty without a row."""
    if finding.row_number is None:
        return ""
    letter = letter_of(finding, section)
    if letter:
        return f"{letter}{finding.row_number}"
    return message("row {row}", row=str(finding.row_number))


def letter_of(finding: Finding, section: SourceSection | None) -> str:
    """The letter of a finding's column, where it is known."""
    if section is None or finding.column_name is None:
        return ""
    return section.letters.get((finding.file, finding.sheet, finding.column_name), "")


@dataclass(frozen=True)
class Cells:
    """Cells of a sheet, all of them in few words: C17–C20, C25."""

    file: str
    sheet: str
    cells: str


def cells_of(findings: Iterable[Finding], section: SourceSection | None) -> tuple[Cells, ...]:
    """Where findings of one cause are, sheet by sheet."""
    rows: dict[tuple[str, str, str], set[int]] = {}
    for finding in findings:
        if finding.row_number is not None:
            place = (finding.file or "", finding.sheet or "", letter_of(finding, section))
            rows.setdefault(place, set()).add(finding.row_number)
    return in_few_words(rows)


def in_few_words(rows: Mapping[tuple[str, str, str], set[int]]) -> tuple[Cells, ...]:
    """Rows by file, sheet and column letter ("" for whole rows)."""
    return tuple(
        Cells(shortened(clean(file), 80), shortened(clean(sheet), 60), ", ".join(_spans(sorted(found), letter)))
        for (file, sheet, letter), found in rows.items()
    )


def _spans(rows: list[int], letter: str) -> Iterable[str]:
    first = last = rows[0]
    for row in [*rows[1:], 0]:
        if row == last + 1:
            last = row
            continue
        yield f"{letter}{first}" if first == last else f"{letter}{first}–{letter}{last}"
        first = last = row
