"""What is to be mended, and what to be looked at: findings, grouped by what caused them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from checks.report.content import Cause, Section, SourceSection, cause_of, how_many
from checks.report.lives import life_words
from checks.report.places import Cells, cell, cells_of
from checks.report.sanitising import clean, safe_finding, safe_text, safe_value, shortened
from checks.report.wording import field_title, table_title
from warehouse.declarations import FieldDeclaration, Severity
from warehouse.findings import Finding
from warehouse.lives import Life
from warehouse.messages import counted, message

_CELLS_SHOWN = 3  # of a cause
_CELLS_FOLDED = 400  # of all causes of a page; of more it is said where they are, in a line
_CAUSES_SHOWN = 5


@dataclass(frozen=True)
class Place:
    """A cell with what is wrong with it."""

    file: str
    sheet: str
    cell: str
    which: str
    value: str | None
    message: str
    help: str
    life: str


@dataclass(frozen=True)
class CauseFound:
    """A cause with the cells where it shows."""

    severity: str
    table: str
    column: str
    message: str
    help: str
    count: int
    places: tuple[Place, ...]
    folded: tuple[Place, ...]
    others: tuple[Cells, ...]  # where the others are that are neither shown nor folded
    unlisted: int  # of which nothing is known here but how many they are
    has_files: bool
    has_sheets: bool
    has_keys: bool
    has_messages: bool
    has_helps: bool
    has_lives: bool


@dataclass(frozen=True)
class Causes:
    """The causes of one kind in a source or a dataset, the worst first."""

    count: int  # findings
    top: tuple[CauseFound, ...]
    folded: tuple[CauseFound, ...]
    rest: int  # findings of which nothing is listed


@dataclass(frozen=True)
class _Found:
    """Findings of one cause, made safe."""

    cause: Cause
    findings: Sequence[Finding]
    field: FieldDeclaration | None
    count: int


def causes_of(section: Section, severities: Sequence[Severity]) -> Causes | None:
    """Findings of some severities by their causes; None where there is none."""
    total = how_many(section, *severities)
    if not total:
        return None
    counts = section.causes if isinstance(section, SourceSection) else {}
    together: dict[Cause, list[Finding]] = {}
    for finding in section.findings:
        if finding.severity in severities:
            together.setdefault(cause_of(finding), []).append(finding)
    # Critical ones first, then what shows in most cells: mending that mends most.
    found = sorted(
        (_found(cause, raw, section, counts) for cause, raw in together.items()),
        key=lambda one: (one.cause[0].rank, -one.count),
    )
    folded = max(2, _CELLS_FOLDED // max(len(found), 1))
    has_files = len({one.file for many in together.values() for one in many if one.file}) > 1
    causes = tuple(_cause(one, section, folded, has_files) for one in found)
    return Causes(
        count=total,
        top=causes[:_CAUSES_SHOWN],
        folded=causes[_CAUSES_SHOWN:],
        rest=max(0, total - sum(one.count for one in found)),
    )


def _found(cause: Cause, raw: Sequence[Finding], section: Section, counts: Mapping[Cause, int]) -> _Found:
    safe = [safe_finding(finding, section.tables) for finding in raw]
    return _Found(cause, [finding for finding, _ in safe], safe[0][1], max(counts.get(cause, 0), len(raw)))


def _cause(found: _Found, section: Section, folded: int, has_files: bool) -> CauseFound:
    source = section if isinstance(section, SourceSection) else None
    findings, first = found.findings, found.findings[0]
    messages, helps = ({getattr(one, name) for one in findings} for name in ("message", "help"))
    lives: Mapping[str, Life] = source.lives if source else {}
    # A finding without a place and a value adds nothing to the sentence above it.
    placed = [one for one in findings if one.row_number is not None or len(findings) > 1]
    shown = placed[: _CELLS_SHOWN + folded]
    places = [_place(one, source, lives, has_messages=len(messages) > 1) for one in shown]
    return CauseFound(
        severity=first.severity.value,
        table=_where(first, section),
        column=_column(found),
        message=safe_text(first.message) if len(messages) == 1 else _of_many(found),
        help=safe_text(first.help) if len(helps) == 1 else "",
        count=found.count,
        places=tuple(places[:_CELLS_SHOWN]),
        folded=tuple(places[_CELLS_SHOWN:]),
        others=cells_of(placed[len(shown) :], source),
        unlisted=found.count - len(findings),
        has_files=has_files and any(place.file for place in places),
        has_sheets=len({place.sheet for place in places}) > 1,
        has_keys=any(place.which for place in places),
        has_messages=len(messages) > 1,
        has_helps=len(helps) > 1,
        has_lives=any(place.life for place in places),
    )


def _quoted(words: str) -> str:
    """What an owner wrote, so that nobody takes it for ours."""
    return message("“{words}”", words=shortened(clean(words), 80))


def _of_many(found: _Found) -> str:
    """What is wrong, where not all findings say the same."""
    column = _header(found)
    if column:
        return counted(
            "{count} value under “{column}” is not as it should be.",
            "{count} values under “{column}” are not as they should be.",
            found.count,
            column=column,
        )
    return counted(
        "{count} thing of this kind is not as it should be.",
        "{count} things of this kind are not as they should be.",
        found.count,
    )


def _where(finding: Finding, section: Section) -> str:
    """The sheet as its owner calls it, else the table as it is declared."""
    if finding.sheet:
        return _quoted(finding.sheet)
    titles = {table.name: table_title(table) for table in section.tables}
    return titles.get(finding.table_name or "") or safe_text(finding.table_name or "")


def _header(found: _Found) -> str:
    """The column's header as its owner wrote it; empty where nobody knows it."""
    headings = Counter(one.heading for one in found.findings if one.heading)
    return shortened(clean(headings.most_common(1)[0][0]), 80) if headings else ""


def _column(found: _Found) -> str:
    """The column as its owner calls it, else as it is declared."""
    name = found.findings[0].column_name
    if header := _header(found):
        return _quoted(header)
    if found.field:
        return field_title(found.field)
    return _quoted(name) if name else ""


def _place(finding: Finding, source: SourceSection | None, lives: Mapping[str, Life], has_messages: bool) -> Place:
    return Place(
        file=shortened(clean(finding.file or ""), 80),
        sheet=shortened(clean(finding.sheet or ""), 60),
        cell=cell(finding, source),
        which=shortened(clean(finding.row_key or ""), 80),
        value=None if finding.value is None else safe_value(finding.value),
        message=safe_text(finding.message) if has_messages else "",
        help=safe_text(finding.help),
        life=life_words(lives.get(finding.finding_id)),
    )
