"""What the marked workbook says beside the findings themselves."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING

from warehouse.declarations import Severity
from warehouse.findings import WITHHELD, Finding
from warehouse.messages import Language, Message, counted, marked, message, said_in

if TYPE_CHECKING:
    from warehouse.lives import Life

COLOURS: Mapping[Severity, str] = {
    Severity.CRITICAL: "FFE06666",
    Severity.ERROR: "FFF4B6B6",
    Severity.WARNING: "FFFFE599",
    Severity.INFO: "FFCFE2F3",
}
# The line around a marked cell: told apart also by those who do not see the colours.
LINES: Mapping[Severity, tuple[str, str]] = {
    Severity.CRITICAL: ("FF990000", "thin"),
    Severity.ERROR: ("FFCC0000", "thin"),
    Severity.WARNING: ("FFB45F06", "dashed"),
    Severity.INFO: ("FF3D85C6", "dotted"),
}
_SEVERITIES: Mapping[Severity, str] = {
    Severity.CRITICAL: marked("critical"),
    Severity.ERROR: marked("error"),
    Severity.WARNING: marked("warning"),
    Severity.INFO: marked("info"),
}
_MEANINGS: Mapping[Severity, str] = {
    Severity.CRITICAL: marked("The file is held: the last good one stands in until this is mended."),
    Severity.ERROR: marked("The row, or the cell where the row can do without it, is held until this is mended."),
    Severity.WARNING: marked("The row is published. Have a look: it may be right."),
    Severity.INFO: marked("For your information: nothing to do if it is meant so."),
}
# The parts of the list, by which severities each holds.
SECTIONS: tuple[tuple[str, tuple[Severity, ...]], ...] = (
    (marked("Errors: mend these"), (Severity.CRITICAL, Severity.ERROR)),
    (marked("Suggestions: have a look"), (Severity.WARNING,)),
    (marked("For your information"), (Severity.INFO,)),
)
HOW_TO = (
    marked(
        "Work from the top: the worst comes first. What is wrong in the same way stands together, with the cells"
        " below. A click on a cell's address takes you there; its comment says the same as this list."
    ),
    marked(
        "Mend the cells in your own sheets, save the workbook and hand it in again as it is. This sheet, our"
        " colours and our comments are made anew each time, so there is no need to remove them, and notes made"
        " here are lost."
    ),
)
HOW_TO_ALONE = (
    marked(
        "Work from the top: the worst comes first. What is wrong in the same way stands together, with the cells"
        " below."
    ),
    marked("Mend the cells in your own workbook, save it and hand it in again; this list is not to be handed in."),
)
COLUMNS: tuple[tuple[str, int], ...] = (  # with their widths, in characters
    (marked("Severity"), 12),
    (marked("Sheet"), 14),
    (marked("Cell"), 14),
    (marked("Column"), 17),
    (marked("Value"), 20),
    (marked("What is wrong"), 46),
    (marked("What to do"), 46),
)
STATUS_COLUMN = (marked("Since when"), 26)


def severity_word(severity: Severity) -> str:
    """What a severity is called."""
    return Message(_SEVERITIES[severity], {})


def meaning(severity: Severity) -> str:
    """What comes of a finding of a severity."""
    return Message(_MEANINGS[severity], {})


def how_many(severity: Severity, count: int) -> str:
    """So many findings of a severity."""
    match severity:
        case Severity.CRITICAL:
            return counted("{count} critical error", "{count} critical errors", count)
        case Severity.ERROR:
            return counted("{count} error", "{count} errors", count)
        case Severity.WARNING:
            return counted("{count} warning", "{count} warnings", count)
        case Severity.INFO:
            return counted("{count} for information", "{count} for information", count)


def status(life: Life | None) -> str:
    """Since when a finding is there."""
    if life is None:
        return ""
    match life.stage.value:
        case "new":
            return message("new")
        case "open":
            return message("open since {day}", day=life.since)
        case "back":
            return message("back again since {day}", day=life.since)
        case "accepted" if life.accepted_until is not None:
            return message("accepted until {day}", day=life.accepted_until)
        case "accepted":
            return message("accepted")
    return ""


def progress(lives: Mapping[str, Life]) -> str:
    """How many of the findings there were are fixed; nothing where none was there before."""
    stages = Counter(life.stage.value for life in lives.values())
    before = stages["fixed"] + stages["open"]
    if not before:
        return ""
    if not stages["fixed"]:
        return counted(
            "The finding of last time is still there.",
            "All {count} findings of last time are still there.",
            before,
        )
    day = max(life.since for life in lives.values() if life.stage.value == "fixed")
    return counted(
        "{fixed} of {count} finding fixed with the data of {day}.",
        "{fixed} of {count} findings fixed with the data of {day}.",
        before,
        fixed=stages["fixed"],
        day=day,
    )


def block(finding: Finding, language: Language) -> str:
    """What a comment says of a finding: in a line what is wrong, in the next one what to do."""
    wrong, advice = (" ".join(said_in(text, language).split()) for text in (finding.message, finding.help))
    return f"{said_in(severity_word(finding.severity), language).upper()}: {wrong}\n-> {advice}"


def shown_value_of(finding: Finding) -> str:
    """The value that a finding is about."""
    return message("(withheld)") if finding.value == WITHHELD else finding.value or ""
