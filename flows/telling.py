"""What is told of a checked file: the verdict first, then what is wrong by its cause, with the cells.

The command line and the desk say the same; the texts are messages, to be said in either language.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from warehouse.declarations import Severity
from warehouse.findings import WITHHELD
from warehouse.ledger import Verdict
from warehouse.lives import Life, Stage
from warehouse.messages import Language, counted, in_languages, marked, message, said_in, sentences
from warehouse.messages.texts import Message
from warehouse.turns import TO_MEND, Whose

if TYPE_CHECKING:
    from checks.annotate.causes import Cause
    from checks.annotate.places import Place
    from flows.checking import CheckedFile

_WORDS: Mapping[Verdict, tuple[str, str, str]] = {
    Verdict.PASSED: ("good", "✓", marked("All of it would go on")),
    Verdict.PARTIAL: ("warn", "!", marked("It would go on, with gaps")),
    Verdict.HELD: ("stop", "✕", marked("It would be held")),
}


@dataclass(frozen=True)
class Spot:
    """A cell (or a row, or a sheet) with what stands there, None where that is not shown.

    ``message`` and ``help`` are given where they are others than at the cause's other places.
    """

    where: str
    value: str | None
    message: str
    help: str


@dataclass(frozen=True)
class ToldCause:
    """One thing that is wrong, at one or many places. ``help`` is empty where each place has its own."""

    severity: Severity
    heading: str  # of the column, as the file has it
    message: str
    help: str
    spots: tuple[Spot, ...]


@dataclass(frozen=True)
class Told:
    """What is told of a checked file. ``tone``: good, warn or stop. ``gone_on``: a sentence a table.

    ``since_last``: what became of what was found last time, where that is known.
    """

    source: str
    title: str
    why: str
    verdict: Verdict
    tone: str
    mark: str
    headline: str
    what_follows: str
    gone_on: tuple[str, ...]
    since_last: str
    mend: tuple[ToldCause, ...]
    look: tuple[ToldCause, ...]
    know: tuple[ToldCause, ...]

    @property
    def to_mend(self) -> int:
        """How many places are to be mended."""
        return sum(len(cause.spots) for cause in self.mend)


def told_of(checked: CheckedFile) -> Told:
    """What is told of a checked file."""
    places = checked.places
    declaration = checked.declaration
    tone, mark, headline = _WORDS[checked.verdict]
    # What only we can mend is nothing that a coordinator has to do.
    own: list[Place] = []
    others: list[Place] = []
    for place in places:
        is_own = checked.owner_of(place.finding) is not Whose.US and place.finding.severity is not Severity.INFO
        (own if is_own else others).append(place)
    mend, look = (_told_causes(own, tier) for tier in (TO_MEND, (Severity.WARNING,)))
    know = _told_causes(others, list(Severity))
    return Told(
        source=checked.source,
        title=in_languages(declaration.title, finnish=declaration.title_fi),
        why=checked.why,
        verdict=checked.verdict,
        tone=tone,
        mark=mark,
        headline=Message(headline, {}),
        what_follows=_what_follows(checked, bool(mend)),
        gone_on=tuple(_gone_on(checked)),
        since_last=_since_last(checked.lives),
        mend=mend,
        look=look,
        know=know,
    )


def _what_follows(checked: CheckedFile, is_to_mend: bool) -> str:
    if checked.verdict is Verdict.HELD:
        return sentences(
            message("Nothing of it would go on until it is mended."),
            message("What was last handed in stands in meanwhile."),
        )
    if checked.verdict is Verdict.PARTIAL:
        return sentences(
            message("What is wrong would be set aside until it is mended; the rest would go on."),
            message("Records that were good before stand as they were last known."),
        )
    if is_to_mend:
        return message("Every row would go on. Mend what is listed when you can.")
    return message("There is nothing to mend.")


def _since_last(lives: Mapping[str, Life]) -> str:
    """What became of what was found last time."""
    stages = Counter(life.stage for life in lives.values())
    before = stages[Stage.FIXED] + stages[Stage.OPEN]
    if not before:
        return ""
    come = stages[Stage.NEW] + stages[Stage.BACK]
    return sentences(
        counted(
            "Of {count} thing found last time {fixed} is mended.",
            "Of {count} things found last time {fixed} are mended.",
            before,
            fixed=stages[Stage.FIXED],
        ),
        counted("{count} is new or back again.", "{count} are new or back again.", come) if come else "",
    )


def _gone_on(checked: CheckedFile) -> list[str]:
    """How many rows of each table would go on."""
    is_held = checked.verdict is Verdict.HELD
    return [
        counted(
            "{table}: {accepted} of {count} row.",
            "{table}: {accepted} of {count} rows.",
            checked.rows[table.name],
            table=checked.sheets.get(table.name) or in_languages(table.title, finnish=table.title_fi),
            accepted=0 if is_held else checked.accepted.get(table.name, 0),
        )
        for table in checked.declaration.tables
        if table.name in checked.rows
    ]


def _told_causes(places: Sequence[Place], severities: Collection[Severity]) -> tuple[ToldCause, ...]:
    """The causes, as the list in the marked copy has them: worst first, of equals the one with most places."""
    from checks.annotate.causes import causes

    found = causes([place for place in places if place.finding.severity in severities])
    found.sort(key=lambda cause: (cause.severity.rank, -len(cause.places)))
    return tuple(_told_cause(cause) for cause in found)


def _told_cause(cause: Cause) -> ToldCause:
    findings = [place.finding for place in cause.places]
    has_own_help = len({one.help for one in findings}) > 1
    return ToldCause(
        severity=cause.severity,
        heading=cause.title,
        message=cause.message,
        help="" if has_own_help else cause.help,
        spots=tuple(_spot(place, has_own_help, cause) for place in cause.places),
    )


def _spot(place: Place, has_own_help: bool, cause: Cause) -> Spot:
    """A place. What is wrong is said there if it differs from the others, and the value alone does not show it."""
    one = place.finding
    value = None if one.value == WITHHELD else one.value
    is_said = str(one.message) == str(cause.message) or (value is not None and value in one.message)
    return Spot(_where(place), value, "" if is_said else one.message, one.help if has_own_help else "")


def _where(place: Place) -> str:
    sheet = place.sheet or place.finding.file or ""
    if place.row is None or place.is_whole:
        return sheet
    if place.column is None:
        return message("{sheet}, row {row}", sheet=sheet, row=str(place.row))
    return f"{sheet} {place.address}".strip()


def as_json(checked: CheckedFile, language: Language) -> dict[str, Any]:
    """A checked file for programs; what people read is in the language."""
    told = told_of(checked)
    stages = {identifier: life.stage.value for identifier, life in checked.lives.items()}
    return {
        "source": checked.source,
        "why": said_in(checked.why, language),
        "language": language.value,
        "verdict": checked.verdict.value,
        "headline": said_in(told.headline, language),
        "rows": dict(checked.rows),
        "accepted": dict(checked.accepted),
        "findings": [
            {
                **vars(place.finding),
                "message": said_in(place.finding.message, language),
                "help": said_in(place.finding.help, language),
                "cell": None if place.is_whole else place.address or None,
                "owner": checked.owner_of(place.finding).value,
                "stage": stages.get(place.finding.finding_id),
            }
            for place in checked.places
        ],
    }
