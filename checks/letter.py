"""The verdict on what was handed in, as a letter to whoever keeps it: plain text, the worst first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from checks.annotate.causes import Cause, causes
from checks.annotate.places import Place, located
from warehouse.declarations import Severity, SourceDeclaration
from warehouse.findings import Finding
from warehouse.ledger import SnapshotRecord, Verdict
from warehouse.messages import Language, counted, in_languages, listed, message, said_in, sentences
from warehouse.turns import TO_MEND

_CAUSES, _PLACES = 5, 3  # more is in the marked workbook


@dataclass(frozen=True)
class Letter:
    """A letter in one language."""

    subject: str
    body: str


def letter(
    declaration: SourceDeclaration,
    snapshot: SnapshotRecord,
    findings: Sequence[Finding],
    annotated: str | None,
    language: Language,
) -> Letter:
    """What became of a snapshot, and what is to be done.

    Args:
        declaration: the source's.
        snapshot: with its verdict.
        findings: all on it.
        annotated: where the marked workbook is to be found, if there is one.
        language: that the letter is written in.
    """
    title = in_languages(declaration.title, finnish=declaration.title_fi)
    found = causes(located(findings, None, declaration))
    mend = [cause for cause in found if cause.severity in TO_MEND]
    look = [cause for cause in found if cause.severity is Severity.WARNING]
    lines = [_verdict(snapshot), ""]
    lines += _listed(message("To mend:"), mend)
    lines += _listed(message("To look at; it may be right:"), look)
    if annotated:
        lines += [message("Your workbook with the cells marked: {place}", place=annotated), ""]
    if mend:
        lines.append(
            message("Mend the cells in your own workbook or in the marked one, save it, and hand it in again.")
        )
    elif not look:
        lines.append(message("There is nothing to do."))
    return Letter(
        said_in(message("{title}: {outcome}", title=title, outcome=_in_short(snapshot, mend, look)), language),
        "\n".join(said_in(line, language) for line in lines).rstrip() + "\n",
    )


def _verdict(snapshot: SnapshotRecord) -> str:
    if snapshot.verdict is Verdict.HELD:
        return sentences(
            message("What you handed in on {day} was held: nothing of it went on.", day=snapshot.data_date),
            message("What was published last stays until it is mended."),
        )
    if snapshot.verdict is Verdict.PARTIAL:
        return sentences(
            message("What you handed in on {day} was taken in, but not all of it.", day=snapshot.data_date),
            message("Rows or cells with an error wait until they are mended."),
        )
    return message("What you handed in on {day} was taken in as it is.", day=snapshot.data_date)


def _in_short(snapshot: SnapshotRecord, mend: Sequence[Cause], look: Sequence[Cause]) -> str:
    if snapshot.verdict is Verdict.HELD:
        return message("held")
    if mend:
        return counted("{count} thing to mend", "{count} things to mend", len(mend))
    if look:
        return counted("{count} thing to look at", "{count} things to look at", len(look))
    return message("all well")


def _listed(head: str, found: Sequence[Cause]) -> list[str]:
    if not found:
        return []
    lines: list[str] = [head]
    for number, cause in enumerate(found[:_CAUSES], start=1):
        lines.append(message("{number}. {what}", number=str(number), what=sentences(cause.message, cause.help)))
        places = [_place(one) for one in cause.places if one.finding.row_number is not None]
        if len(places) > _PLACES:
            places[_PLACES:] = [counted("{count} more place", "{count} more places", len(places) - _PLACES)]
        if places:
            lines.append(message("   Where: {places}", places=listed(places)))
    if len(found) > _CAUSES:
        lines.append(counted("... and {count} more thing.", "... and {count} more things.", len(found) - _CAUSES))
    return [*lines, ""]


def _place(place: Place) -> str:
    """The sheet, the row and the column as their owner calls them."""
    sheet, row = place.sheet or place.finding.file or "", str(place.finding.row_number)
    if place.finding.heading:
        return message("{sheet} row {row} ({column})", sheet=sheet, row=row, column=place.finding.heading)
    return message("{sheet} row {row}", sheet=sheet, row=row)
