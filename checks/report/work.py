"""What is to be mended, and what to be looked at: findings, grouped by the rule that is broken."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from checks.report.content import Section, SourceSection, counted
from checks.report.sanitising import clean, safe_finding, safe_text, safe_value, shortened
from checks.report.wording import annotated_path, day_words, many, standing_in, title_of, who_mends
from warehouse.declarations import FieldDeclaration, Severity
from warehouse.findings import Finding
from warehouse.ledger import Verdict

_PLACES_SHOWN = 8  # of one broken rule; the others are folded away


@dataclass(frozen=True)
class _Place:
    file: str
    sheet: str
    row: str
    which: str
    value: str | None
    message: str


@dataclass(frozen=True)
class _Group:
    """A broken rule with the places where it is broken."""

    severity: str
    table: str
    column: str
    message: str
    help: str
    places: tuple[_Place, ...]
    folded: tuple[_Place, ...]
    count: int
    has_files: bool
    has_sheets: bool
    has_keys: bool
    has_messages: bool


@dataclass(frozen=True)
class Work:
    """The things to mend, or to look at, in one source or dataset."""

    anchor: str
    title: str
    whose: str
    intro: str
    groups: tuple[_Group, ...]
    rest: int  # findings that are not listed
    annotated: str | None


def work_on(section: Section, tier: str, severities: Sequence[Severity]) -> Work | None:
    """Findings of one kind, grouped by the rule that is broken; None where there is none."""
    total = counted(section, *severities)
    if not total:
        return None
    chosen = [finding for finding in section.findings if finding.severity in severities]
    together: dict[tuple[Any, ...], list[tuple[Finding, FieldDeclaration | None]]] = {}
    for raw in chosen:
        finding, field = safe_finding(raw, section.tables)
        key = (finding.severity.rank, finding.table_name, finding.rule, finding.column_name, finding.help)
        together.setdefault(key, []).append((finding, field))
    titles = {table.name: table.title for table in section.tables}
    has_files = len({finding.file for finding in chosen if finding.file}) > 1
    groups = [_group(found, titles, has_files) for found in together.values()]
    groups.sort(key=lambda group: group.severity != Severity.CRITICAL)  # stable: the worst first
    return Work(
        anchor=f"{tier}-{section.declaration.name}",
        title=title_of(section),
        whose=who_mends(section),
        intro=_intro(section).strip() if tier == "mend" and isinstance(section, SourceSection) else "",
        groups=tuple(groups),
        rest=total - len(chosen),
        annotated=annotated_path(section) if isinstance(section, SourceSection) else None,
    )


def _intro(section: SourceSection) -> str:
    """What became of a source whose rows have something to mend."""
    intro = ""
    if section.snapshot and section.snapshot.verdict is Verdict.HELD:
        intro = "The whole delivery was held: none of its rows went on."
    else:
        loads = list(section.loads.values())
        if set_aside := sum(load.quarantined for load in loads):
            rows = many(sum(load.staged for load in loads), "row")
            intro = f"{set_aside:,} of {rows} set aside until they are mended; the others went on."
        intro += standing_in(loads)
    if section.state == "failed" and section.snapshot:
        day = day_words(section.snapshot.data_date)
        intro = f"From the data of {day}, the last that could be read. {intro}"
    return intro


def _group(
    found: Sequence[tuple[Finding, FieldDeclaration | None]], titles: Mapping[str, str], has_files: bool
) -> _Group:
    first, field = found[0]
    messages = {finding.message for finding, _ in found}
    # A finding without a place and a value adds nothing to the sentence above it.
    places = [
        _Place(
            file=shortened(clean(f.file or ""), 80),
            sheet=shortened(clean(f.sheet or ""), 60),
            row="" if f.row_number is None else str(f.row_number),
            which=shortened(clean(f.row_key or ""), 80),
            value=None if f.value is None else safe_value(f.value),
            message=safe_text(f.message),
        )
        for f, _ in found
        if f.row_number is not None or len(found) > 1
    ]
    column = field.title if field else first.column_name or ""
    return _Group(
        severity=first.severity.value,
        table=safe_text(titles.get(first.table_name or "", first.table_name or "")),
        column=shortened(clean(column), 80),
        message=safe_text(first.message)
        if len(messages) == 1
        else f"{many(len(found), 'value')} not as expected.",
        help=safe_text(first.help),
        places=tuple(places[:_PLACES_SHOWN]),
        folded=tuple(places[_PLACES_SHOWN:]),
        count=len(found),
        has_files=has_files and any(place.file for place in places),
        has_sheets=any(place.sheet for place in places),
        has_keys=any(place.which for place in places),
        has_messages=len(messages) > 1,
    )
