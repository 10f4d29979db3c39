"""What written rules demand of more than a row: of groups, of other tables, of the last release, of time."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from checks.expected import MEASURED
from checks.rules.demands import Demand, Words, plain_words
from checks.rules.row_queries import ROW_ID
from checks.rules.texts import Value
from warehouse.declarations import quote
from warehouse.messages import marked

_LEAST_COMPARED = 20  # rows: a share of fewer says nothing
_PARTS = 10  # a distribution of numbers is compared at its deciles


@dataclass(frozen=True)
class _Named(Demand):
    """A demand of a rules file, under the name it has there."""

    name: str
    words = Words(marked("{title} ({columns})"))

    def values(self) -> Mapping[str, Value]:
        """Its name as words."""
        return {"title": plain_words(self.name)}


@dataclass(frozen=True)
class EachGroup(_Named):
    """A measure of every group of rows lies within bounds. What fails is the first row of its group.

    Attributes:
        keys: what a group has in common, SQL by name.
        measure: SQL over a group's rows.
        minimum: SQL over a group's rows, or a number; None: no bound.
        maximum: the same.
        when: SQL that is true for the rows that count; None: all.
    """

    keys: tuple[tuple[str, str], ...]
    measure: str
    minimum: str | None
    maximum: str | None
    when: str | None
    expectation = "unexpected_rows_expectation"

    @property
    def groups(self) -> str:
        """The SELECT of the groups that fail: ``_id`` of the first row, ``observed``, and the keys."""
        keys = ", ".join(f"{sql} AS {quote(name)}" for name, sql in self.keys)
        numbers = ", ".join(str(number + 1) for number in range(len(self.keys)))
        fails = [
            f"({self.measure}) {sign} ({bound})"
            for sign, bound in (("<", self.minimum), (">", self.maximum))
            if bound is not None
        ]
        known = " AND ".join(f"({sql}) IS NOT NULL" for _, sql in self.keys)
        counted = f"({self.when}) AND {known}" if self.when else known
        return (
            f"SELECT {keys}, min({ROW_ID}) AS {ROW_ID}, {self.measure} AS observed{{more}} FROM {{batch}}"
            f" WHERE {counted} GROUP BY {numbers} HAVING {' OR '.join(fails)}"
        )

    def _arguments(self, columns: Sequence[str]) -> dict[str, Any]:
        groups = self.groups.replace("{more}", "")
        query = groups.replace("{batch}", "\0").replace("{", "{{").replace("}", "}}").replace("\0", "{batch}")
        return {"unexpected_rows_query": f"SELECT {ROW_ID} FROM ({query}) AS groups"}


@dataclass(frozen=True)
class StandsElsewhere(_Named):
    """There is such a row in another table, of this source or of another; ``relation`` is its SQL name."""

    relation: str
    references: tuple[str, ...]
    expectation = "unexpected_rows_expectation"

    def _arguments(self, columns: Sequence[str]) -> dict[str, Any]:
        given = " AND ".join(f"b.{quote(name)} IS NOT NULL" for name in columns)
        # as texts: a key that one workbook has as a number may be a text in another
        same = " AND ".join(
            f"CAST(b.{quote(own)} AS VARCHAR) = CAST(t.{quote(theirs)} AS VARCHAR)"
            for own, theirs in zip(columns, self.references, strict=True)
        )
        return {
            "unexpected_rows_query": f"SELECT b.{ROW_ID} FROM {{batch}} AS b WHERE {given}"
            f" AND NOT EXISTS (SELECT 1 FROM {self.relation} AS t WHERE {same})"
        }


@dataclass(frozen=True)
class _Measure(_Named):
    """A number that is measured of the table as a whole."""

    limit: float
    is_about_rows = False
    expectation = MEASURED

    def _arguments(self, columns: Sequence[str]) -> dict[str, Any]:
        return {"query": self._query(columns), "max_value": self.limit}

    @abstractmethod
    def _query(self, columns: Sequence[str]) -> str: ...


@dataclass(frozen=True)
class Changed(_Measure):
    """Of the rows that were there before, so many per cent at most have changed in the columns."""

    key: tuple[str, ...]
    earlier: str  # the SQL name of the table as it last was

    def _query(self, columns: Sequence[str]) -> str:
        same = " AND ".join(f"a.{quote(name)} = b.{quote(name)}" for name in self.key)
        differs = " OR ".join(f"a.{quote(name)} IS DISTINCT FROM b.{quote(name)}" for name in columns)
        return (
            f"SELECT CASE WHEN count(*) >= {_LEAST_COMPARED}"
            f" THEN round(100.0 * count(*) FILTER (WHERE {differs}) / count(*), 1) END"
            f" FROM {{batch}} AS a JOIN {self.earlier} AS b ON {same}"
        )


@dataclass(frozen=True)
class Drift(_Measure):
    """The values of a column are spread as they last were, but for so many per cent at most.

    Of codes it is half the sum of the differences of their shares (total variation); of numbers and days the
    largest difference, at the deciles of before, of the share that lies at or below. Both lie between 0 and 100.
    """

    earlier: str
    is_ordered: bool

    def _query(self, columns: Sequence[str]) -> str:
        column = quote(columns[0])
        before = f"(SELECT {column} AS v FROM {self.earlier} WHERE {column} IS NOT NULL)"
        now = f"(SELECT {column} AS v FROM {{batch}} WHERE {column} IS NOT NULL)"
        enough = " AND ".join(f"(SELECT count(*) FROM {rows}) >= {_LEAST_COMPARED}" for rows in (before, now))
        distance = self._at_deciles(before, now) if self.is_ordered else self._of_shares(before, now)
        return f"SELECT CASE WHEN {enough} THEN round(100.0 * ({distance}), 1) END"

    def _of_shares(self, before: str, now: str) -> str:
        shares = [
            f"(SELECT v, count(*) / sum(count(*)) OVER () AS share FROM {rows} GROUP BY v)"
            for rows in (before, now)
        ]
        return (
            "SELECT sum(abs(coalesce(a.share, 0) - coalesce(b.share, 0))) / 2"
            f" FROM {shares[0]} AS a FULL JOIN {shares[1]} AS b ON a.v = b.v"
        )

    def _at_deciles(self, before: str, now: str) -> str:
        parts = ", ".join(str(part / _PARTS) for part in range(1, _PARTS))
        below = [f"(SELECT avg(CAST(v <= d AS INTEGER)) FROM {rows})" for rows in (before, now)]
        return (
            f"SELECT max(abs({below[0]} - {below[1]}))"
            f" FROM (SELECT unnest(quantile_disc(v, [{parts}])) AS d FROM {before})"
        )


@dataclass(frozen=True)
class Fresh(_Measure):
    """The newest date of a column is so many days before the day of the data at most."""

    day: str  # the SQL of the day of the data

    def _query(self, columns: Sequence[str]) -> str:
        return f"SELECT date_diff('day', CAST(max({quote(columns[0])}) AS DATE), {self.day}) FROM {{batch}}"
