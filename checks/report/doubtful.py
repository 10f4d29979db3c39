"""Names of organisations that a person has to say something about, as the page shows them."""

from __future__ import annotations

from dataclasses import dataclass

from checks.report.content import SourceSection
from checks.report.sanitising import clean, safe_text, safe_value, shortened
from checks.report.wording import listed, many, title_of, who_mends


@dataclass(frozen=True)
class _Perhaps:
    name: str
    records: str
    organisation: str
    why: str
    line: str


@dataclass(frozen=True)
class Doubtful:
    """The doubtful names of a source."""

    anchor: str
    title: str
    whose: str
    names: str
    rows: tuple[_Perhaps, ...]


def doubtful(section: SourceSection) -> Doubtful | None:
    """The doubtful names of a source; None where there is none."""
    if not section.doubts:
        return None
    return Doubtful(
        anchor=f"organisations-{section.declaration.name}",
        title=title_of(section),
        whose=who_mends(section),
        names=many(len({one.mentioned_name for one in section.doubts}), "name"),
        rows=tuple(
            _Perhaps(
                name=safe_value(one.mentioned_name),
                records=many(one.records_count, "record"),
                organisation=shortened(
                    clean(f"{one.register_name or '(not in the register)'}, {one.org_id}"), 200
                ),
                why=f"{safe_text(listed(one.evidence, most=6))} ({one.score:.2f})",
                line=safe_text(one.line),
            )
            for one in section.doubts
        ),
    )
