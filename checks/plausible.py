"""Whether the good rows of a table can be the table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from checks.rules.texts import quoted
from checks.setting_aside import Refusal
from warehouse.declarations import Severity, TableDeclaration
from warehouse.findings import Finding
from warehouse.headings import Names
from warehouse.messages import message

_SMALLEST_SHRINK = 10  # rows: below this a loss is somebody tidying up, not a broken download


@dataclass(frozen=True)
class Before:
    """What a check compares with: by table, the rows that stood before.

    ``may_shrink``: somebody said that it may be much less this time.
    """

    rows: Mapping[str, int]
    may_shrink: bool = False


def plausible(table: TableDeclaration, refusal: Refusal, before: Before, names: Names) -> list[Finding]:
    """A critical finding where the good rows cannot be the table: at most one, for one cause.

    A refused row is not a lost one: its record stands as it last was. But where most rows are refused, the file is
    not what it seems to be, and the few that passed did so by chance. Fewer rows than last time mean nothing where
    the table is delivered as changes.
    """

    def critical(rule: str, words: str, advice: str) -> list[Finding]:
        value = None if table.about_people else str(refusal.accepted)
        return [Finding(rule, Severity.CRITICAL, words, advice, table.name, value=value)]

    if refusal.refused > refusal.accepted:
        return critical(
            "mostly-refused",
            _mostly_refused(table, refusal, names),
            message("Mend what the findings on the rows say; the same mistake is probably behind most of them."),
        )
    if table.delivery != "full":
        return []
    if refusal.accepted < table.rows.minimum:
        return critical(
            "good-rows",
            _too_few(table, refusal, names),
            message("Mend the rows listed below, or find out whether the file is whole."),
        )
    if _has_shrunk(table, refusal, before):
        return critical(
            "shrunk",
            _shrunk(table, refusal, before, names),
            message(
                "Find out whether the file is whole. If it is right, tell whoever runs the programme's data desk:"
                " the run is allowed with --allow-shrink."
            ),
        )
    return []


def _has_shrunk(table: TableDeclaration, refusal: Refusal, before: Before) -> bool:
    previous = before.rows.get(table.name, 0)
    lost = previous - refusal.came
    return (
        not before.may_shrink and lost > _SMALLEST_SHRINK and lost > previous * table.rows.shrink_limit_pct / 100
    )


# Of a table about people the rows are people: how many there are is not said.


def _mostly_refused(table: TableDeclaration, refusal: Refusal, names: Names) -> str:
    sheet = quoted(names.sheet(table.name))
    if table.about_people:
        return message("Most rows of {sheet} are wrong, so the others are not trusted either.", sheet=sheet)
    return message(
        "{refused} of {rows} rows of {sheet} are wrong, so the others are not trusted either.",
        refused=refusal.refused,
        rows=refusal.came,
        sheet=sheet,
    )


def _too_few(table: TableDeclaration, refusal: Refusal, names: Names) -> str:
    sheet, least = quoted(names.sheet(table.name)), table.rows.minimum
    if table.about_people:
        return message("Only few rows of {sheet} are good; at least {least} are needed.", sheet=sheet, least=least)
    return message(
        "Only {accepted} rows of {sheet} are good; at least {least} are needed.",
        accepted=refusal.accepted,
        sheet=sheet,
        least=least,
    )


def _shrunk(table: TableDeclaration, refusal: Refusal, before: Before, names: Names) -> str:
    sheet, limit = quoted(names.sheet(table.name)), table.rows.shrink_limit_pct
    if table.about_people:
        return message(
            "Many rows of {sheet} are gone since the last good one (up to {limit} % is plausible).",
            sheet=sheet,
            limit=limit,
        )
    previous = before.rows[table.name]
    lost = previous - refusal.came
    return message(
        "{lost} of {rows} rows of {sheet} are gone since the last good one ({share} %; up to {limit} % is"
        " plausible).",
        lost=lost,
        rows=previous,
        sheet=sheet,
        share=round(100 * lost / previous),
        limit=limit,
    )
