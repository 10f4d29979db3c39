"""Names of organisations that a person has to say something about, as the page shows them."""

from __future__ import annotations

from dataclasses import dataclass

from checks.report.content import SourceSection
from checks.report.sanitising import clean, safe_text, safe_value, shortened
from checks.report.wording import listed, number
from warehouse.messages import counted, message


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

    words: str
    rows: tuple[_Perhaps, ...]


def doubtful(section: SourceSection) -> Doubtful | None:
    """The doubtful names of a source; None where there is none."""
    if not section.doubts:
        return None
    return Doubtful(
        words=counted(
            "{count} name could not be told for sure.",
            "{count} names could not be told for sure.",
            len({one.mentioned_name for one in section.doubts}),
        ),
        rows=tuple(
            _Perhaps(
                name=safe_value(one.mentioned_name),
                records=counted("{count} record", "{count} records", one.records_count),
                organisation=message(
                    "{name}, {id}",
                    name=shortened(clean(one.register_name or ""), 200) or message("(not in the register)"),
                    id=shortened(clean(one.org_id), 60),
                ),
                why=message(
                    "{evidence} ({score})",
                    evidence=listed([safe_text(text) for text in one.evidence], most=6),
                    score=number(round(one.score, 2)),
                ),
                line=safe_text(one.line),
            )
            for one in section.doubts
        ),
    )
