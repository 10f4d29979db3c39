"""What changed since the time before: what is new, mended, back again, still open, accepted."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from checks.report.content import Changes, SourceSection
from checks.report.places import cell
from checks.report.sanitising import clean, safe_finding, safe_text, shortened
from checks.report.wording import day_words
from warehouse.findings import Finding
from warehouse.lives import Life, Stage, Tally
from warehouse.messages import counted, message

_SINCE = (
    message("since Monday"),
    message("since Tuesday"),
    message("since Wednesday"),
    message("since Thursday"),
    message("since Friday"),
    message("since Saturday"),
    message("since Sunday"),
)
_MENDED_SHOWN = 100


@dataclass(frozen=True)
class Change:
    """One way in which findings changed, and how many did."""

    tone: str
    mark: str
    text: str


@dataclass(frozen=True)
class Told:
    """A finding that is no longer to be mended: mended, or accepted with a reason until a day."""

    sheet: str
    cell: str
    message: str
    reason: str = ""
    until: str = ""


@dataclass(frozen=True)
class Changed:
    """What changed since the time before."""

    headline: str
    changes: tuple[Change, ...]
    mended: tuple[Told, ...]
    more_mended: int


def changed(section: SourceSection, day: date) -> Changed | None:
    """What changed since the time before; None where there is nothing to compare with."""
    made = section.changes
    if made is None:
        return None
    mended = tuple(_told(finding, section) for finding in made.mended[:_MENDED_SHOWN])
    more = max(0, len(made.mended) - len(mended))
    return Changed(_headline(made, day), _changes(made.tally), mended, more)


def _headline(made: Changes, day: date) -> str:
    since, tally = since_words(made.since, day), made.tally
    if tally.open_then:
        return message("{fixed} of {then} fixed {since}.", fixed=tally.fixed, then=tally.open_then, since=since)
    if tally.new or tally.back:
        return counted("{count} new {since}.", "{count} new {since}.", tally.new + tally.back, since=since)
    return message("Nothing was open, and nothing is.")


def _changes(made: Tally) -> tuple[Change, ...]:
    told = (
        (made.fixed, "good", "✓", counted("{count} fixed", "{count} fixed", made.fixed)),
        (made.new, "stop", "✕", counted("{count} new one", "{count} new ones", made.new)),
        (made.back, "stop", "✕", counted("{count} back again", "{count} back again", made.back)),
        (made.still_open, "warn", "!", counted("{count} still open", "{count} still open", made.still_open)),
        (
            made.accepted,
            "calm",
            "○",
            counted("{count} accepted as it is", "{count} accepted as they are", made.accepted),
        ),
    )
    return tuple(Change(tone, mark, text) for count, tone, mark, text in told if count)


def accepted(section: SourceSection) -> tuple[Told, ...]:
    """The findings that were accepted, with the reason and until when."""
    told = []
    for finding in section.findings:
        life = section.lives.get(finding.finding_id)
        if life is not None and life.stage is Stage.ACCEPTED:
            until = day_words(life.accepted_until) if life.accepted_until else ""
            told.append(_told(finding, section, safe_text(life.reason), until))
    return tuple(told)


def since_words(since: date, day: date) -> str:
    """Since when, as one says it on a day: since Monday, since 2 November 2026."""
    if 0 < (day - since).days < 7:
        return _SINCE[since.weekday()]
    return message("since {day}", day=day_words(since))


def life_words(life: Life | None) -> str:
    """What became of a finding, in a word or two."""
    if life is None:
        return ""
    match life.stage:
        case Stage.NEW:
            return message("new")
        case Stage.BACK:
            return message("back again")
        case Stage.ACCEPTED:
            return message("accepted")
    return message("since {day}", day=day_words(life.since))


def _told(raw: Finding, section: SourceSection, reason: str = "", until: str = "") -> Told:
    finding, _ = safe_finding(raw, section.tables)
    return Told(
        shortened(clean(finding.sheet or ""), 60),
        cell(finding, section),
        safe_text(finding.message),
        reason,
        until,
    )
