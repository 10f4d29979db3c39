"""Whether the good rows of a table can be the table."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import duckdb

from checks.rules.known import BESIDE, Known, earlier_relation, other_relation
from checks.rules.texts import quoted
from checks.setting_aside import Refusal
from warehouse.declarations import Severity, TableDeclaration, literal
from warehouse.findings import Finding
from warehouse.headings import Names
from warehouse.messages import message
from warehouse.turns import Whose

_SMALLEST_SHRINK = 10  # rows: below this a loss is somebody tidying up, not a broken download


@dataclass(frozen=True)
class Before:
    """What a check compares with.

    Attributes:
        rows: by table, how many stood before.
        may_shrink: somebody said that it may be much less this time.
        day: the day of the data.
        earlier: by table, a Parquet file of it as it last was.
        elsewhere: by ``source.table``, a Parquet file of another source's table.
    """

    rows: Mapping[str, int]
    may_shrink: bool = False
    day: date | None = None
    earlier: Mapping[str, Path] = field(default_factory=dict)
    elsewhere: Mapping[str, Path] = field(default_factory=dict)

    def known(self, owner: Whose, unnamed: Iterable[str] = ()) -> Known:
        """What rules may ask for."""
        return Known(owner, self.day, frozenset(self.elsewhere), frozenset(self.earlier), frozenset(unnamed))

    @contextmanager
    def beside(self, connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
        """Put what is compared with beside the tables that are checked, for as long as they are."""
        connection.execute(f"DROP SCHEMA IF EXISTS {BESIDE} CASCADE; CREATE SCHEMA {BESIDE}")
        try:
            for name, path in self.elsewhere.items():
                source, table = name.split(".", 1)
                _view(connection, other_relation(source, table), path)
            for table, path in self.earlier.items():
                _view(connection, earlier_relation(table), path)
            yield
        finally:
            connection.execute(f"DROP SCHEMA IF EXISTS {BESIDE} CASCADE")


def _view(connection: duckdb.DuckDBPyConnection, relation: str, path: Path) -> None:
    connection.execute(f"CREATE VIEW {relation} AS FROM read_parquet({literal(str(path))})")


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
