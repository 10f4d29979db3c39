"""What a check knows beside the table: the day of its data, and what stands beside it to be compared with."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from warehouse.declarations import quote
from warehouse.sql import day_literal
from warehouse.turns import Whose

BESIDE = "beside"  # the schema with what a table is compared with, while it is checked
DATA_DATE = "$data_date"  # in the SQL of a written rule: the day of the data


def other_relation(source: str, table: str) -> str:
    """The SQL name of another source's table beside the one that is checked."""
    return f"{BESIDE}.{quote(f'{source}.{table}')}"


def earlier_relation(table: str) -> str:
    """The SQL name of a table as it last was, beside itself."""
    return f"{BESIDE}.{quote(f'earlier.{table}')}"


@dataclass(frozen=True)
class Known:
    """What a rule may need to be asked.

    Attributes:
        owner: who mends what is found, where a rule does not say.
        day: the day of the data; None where nobody can tell.
        elsewhere: the tables of other sources that are there, as ``source.table``.
        earlier: the tables of which it is known how they last were.
        unnamed: tables of the same source whose values are not told, for they are about people.
    """

    owner: Whose = Whose.COORDINATOR
    day: date | None = None
    elsewhere: frozenset[str] = frozenset()
    earlier: frozenset[str] = frozenset()
    unnamed: frozenset[str] = frozenset()

    def dated(self, sql: str) -> str:
        """The SQL of a written rule with the day of the data in its place."""
        return sql.replace(DATA_DATE, day_literal(self.day) if self.day else "CAST(NULL AS DATE)")


NOTHING_KNOWN = Known()
