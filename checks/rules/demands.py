"""What a rule can demand: a class a kind, with what it allows, how it is asked, and how it is said.

Who wants to know what a column may hold (the drop-downs of a template, the words of a report) looks at the demand,
never at a rule's id or at the arguments of an expectation.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, ClassVar

from warehouse.declarations import SUPPRESSED, literal, quote
from warehouse.identifiers import Identifier

ROW_ID = "_id"
Bound = int | float | date


@dataclass(frozen=True)
class Words:
    """How a demand is said. ``{columns}`` becomes what people call the columns, ``{it}`` is the demand.

    ``kept`` is a sentence about good rows, ``broken`` one about a cell that is not good, ``advice`` what to do.
    """

    kept: str
    broken: str = ""
    advice: str = ""


class Demand(ABC):
    """What is demanded of a table as a whole, or of every row of it."""

    kind: ClassVar[str]  # the id of its rule, but for a written one
    is_about_rows: ClassVar[bool] = True
    expectation: ClassVar[str]  # Great Expectations' type
    words: ClassVar[Words]

    def asked(self, columns: Sequence[str]) -> tuple[str, dict[str, Any]]:
        """The type and the arguments of the expectation on these columns."""
        return self.expectation, self._arguments(columns)

    def kept(self, columns: str) -> str:
        """A sentence about rows that keep it."""
        return self.words.kept.format(columns=columns, it=self)

    def broken(self, columns: str) -> str:
        """A sentence about a cell that breaks it."""
        return self.words.broken.format(columns=columns, it=self)

    @property
    def advice(self) -> str:
        """What to do about it."""
        return self.words.advice.format(it=self)

    @abstractmethod
    def _arguments(self, columns: Sequence[str]) -> dict[str, Any]: ...


@dataclass(frozen=True)
class RowCount(Demand):
    """The table has so many rows."""

    minimum: int
    maximum: int | None
    kind = "row-count"
    is_about_rows = False
    expectation = "expect_table_row_count_to_be_between"
    words = Words(
        "There are {it.span_in_words}",
        "The table should have {it.span} rows.",
        "Find out whether the file is whole; if it is, tell whoever runs the programme's data desk.",
    )

    @property
    def span(self) -> str:
        """The bounds, before "rows"."""
        if self.maximum is None:
            return f"at least {self.minimum:,}"
        return f"between {self.minimum:,} and {self.maximum:,}"

    @property
    def span_in_words(self) -> str:
        """The bounds with their noun."""
        if self.maximum is None:
            return f"at least {self.minimum:,} row{'' if self.minimum == 1 else 's'}"
        return f"{self.minimum:,} to {self.maximum:,} rows"

    def _arguments(self, columns: Sequence[str]) -> dict[str, Any]:
        return {"min_value": self.minimum, "max_value": self.maximum}


@dataclass(frozen=True)
class Required(Demand):
    """The cell is filled in."""

    kind = "required"
    expectation = "expect_column_values_to_not_be_null"
    words = Words("{columns} is filled in", "{columns} is missing.", "Fill it in.")

    def _arguments(self, columns: Sequence[str]) -> dict[str, Any]:
        return {"column": columns[0]}


@dataclass(frozen=True)
class Unique(Demand):
    """No two rows have the same value."""

    kind = "unique"
    expectation = "expect_column_values_to_be_unique"
    words = Words(
        "{columns} stands there only once",
        "{columns} stands here more than once.",
        "Give each row a value of its own.",
    )

    def _arguments(self, columns: Sequence[str]) -> dict[str, Any]:
        return {"column": columns[0]}


@dataclass(frozen=True)
class Key(Unique):
    """No two rows have the same primary key."""

    words = Words(
        "{columns}: no row stands there twice",
        "{columns} identifies a row, and is here more than once.",
        "Remove the copy, or give the other row a value of its own.",
    )

    def asked(self, columns: Sequence[str]) -> tuple[str, dict[str, Any]]:
        """Several columns are unique together, not each."""
        if len(columns) == 1:
            return super().asked(columns)
        return "expect_compound_columns_to_be_unique", {"column_list": list(columns)}


@dataclass(frozen=True)
class Pattern(Demand):
    """The whole text has this form."""

    pattern: str
    kind = "pattern"
    expectation = "expect_column_values_to_match_regex"
    words = Words(
        "{columns} has the form expected",
        "{columns} does not have the form expected.",
        "Expected is the form {it.pattern}.",
    )

    def _arguments(self, columns: Sequence[str]) -> dict[str, Any]:
        return {"column": columns[0], "regex": f"^(?:{self.pattern})$"}


@dataclass(frozen=True)
class Code(Demand):
    """The value is one of these."""

    allowed: tuple[str, ...]
    kind = "code"
    expectation = "expect_column_values_to_be_in_set"
    words = Words("{columns} is on the list", "{columns} is not on the list.", "Choose one of: {it.choice}.")

    @property
    def choice(self) -> str:
        """The codes in a sentence."""
        return ", ".join(self.allowed)

    def _arguments(self, columns: Sequence[str]) -> dict[str, Any]:
        return {"column": columns[0], "value_set": list(self.allowed)}


@dataclass(frozen=True)
class Range(Demand):
    """The value lies between bounds that belong to it; ``unit`` is that of the column."""

    minimum: Bound | None
    maximum: Bound | None
    unit: str | None
    kind = "range"
    expectation = "expect_column_values_to_be_between"
    words = Words("{columns} is {it.span}", "{columns} should be {it.span}.", "Correct the value.")

    @property
    def span(self) -> str:
        """The bounds with their unit: "at least 0 and at most 100 EUR"."""
        ends = (("at least", self.minimum), ("at most", self.maximum))
        span = " and ".join(f"{word} {end}" for word, end in ends if end is not None)
        return f"{span} {self.unit}" if self.unit else span

    def _arguments(self, columns: Sequence[str]) -> dict[str, Any]:
        return {"column": columns[0], "min_value": self.minimum, "max_value": self.maximum}


@dataclass(frozen=True)
class Length(Demand):
    """The text has so many characters."""

    minimum: int | None
    maximum: int | None
    kind = "length"
    expectation = "expect_column_value_lengths_to_be_between"
    words = Words(
        "{columns} is neither too long nor too short",
        "{columns} is too long or too short.",
        "Its length is {it.span} characters.",
    )

    @property
    def span(self) -> str:
        """The bounds, before "characters"."""
        return f"{self.minimum or 0} to {self.maximum or 'any number of'}"

    def _arguments(self, columns: Sequence[str]) -> dict[str, Any]:
        return {"column": columns[0], "min_value": self.minimum, "max_value": self.maximum}


class _Condition(Demand):
    """An SQL condition over the row's columns: true for good rows; a row it cannot judge (NULL) passes."""

    expectation = "unexpected_rows_expectation"

    def _arguments(self, columns: Sequence[str]) -> dict[str, Any]:
        # {batch} is the only place to be filled in
        holds = self._holds(columns).replace("{", "{{").replace("}", "}}")
        return {"unexpected_rows_query": f"SELECT {ROW_ID} FROM {{batch}} WHERE NOT ({holds})"}

    @abstractmethod
    def _holds(self, columns: Sequence[str]) -> str: ...


@dataclass(frozen=True)
class CheckDigit(_Condition):
    """The identifier's check digit is right. A wrong form is the pattern's finding: one cell, one fault."""

    identifier: Identifier
    pattern: str | None
    kind = "check-digit"
    words = Words(
        "{columns} is a right {it.identifier.title}", "{columns} {it.identifier.fault}", "{it.identifier.advice}"
    )

    def _holds(self, columns: Sequence[str]) -> str:
        column = quote(columns[0])
        holds = self.identifier.holds(column)
        if self.pattern is None:
            return holds
        return f"CASE WHEN regexp_full_match({column}, {literal(self.pattern)}) THEN {holds} END"


@dataclass(frozen=True)
class Reference(_Condition):
    """There is such a row in another table of the schema; ``there`` is what people call that table."""

    table: str
    references: tuple[str, ...]
    schema: str
    there: str
    kind = "reference"
    words = Words(
        "{columns} stands in {it.there} too",
        "There is no such row in {it.there}.",
        "Write it as it stands in {it.there}, or add it there.",
    )

    def _holds(self, columns: Sequence[str]) -> str:
        target = f"{self.schema}.{quote(self.table)}"
        given = " AND ".join(f"{quote(name)} IS NOT NULL" for name in columns)
        if len(columns) == 1:
            found = f"{quote(columns[0])} IN (SELECT {quote(self.references[0])} FROM {target})"
        else:
            own = ", ".join(quote(name) for name in columns)
            theirs = ", ".join(quote(name) for name in self.references)
            found = f"({own}) IN (SELECT ({theirs}) FROM {target})"
        return f"CASE WHEN {given} THEN coalesce({found}, false) END"


@dataclass(frozen=True)
class Suppressed(_Condition):
    """A suppressed row shows nothing of the people whom it counts; in any other their number is there."""

    is_count: bool
    kind = "suppressed"
    words = Words(
        "{columns}: empty where it is suppressed, and only there",
        "{columns} is shown where it is suppressed, or missing where it is not.",
        "Nothing leaves until the dataset's model takes counts and status from the same row of protected.",
    )

    def _holds(self, columns: Sequence[str]) -> str:
        value, status = map(quote, columns)
        is_suppressed = f"{status} = {literal(SUPPRESSED)}"
        shown = f"{value} IS NOT NULL" if self.is_count else "true"
        return f"CASE WHEN {is_suppressed} THEN {value} IS NULL ELSE {shown} END"


@dataclass(frozen=True)
class Condition(_Condition):
    """What a rules file says of the row, under the name it has there. Its other words stand there too."""

    name: str
    holds: str
    words = Words("{it.title} ({columns})")

    @property
    def title(self) -> str:
        """Its name as words."""
        return plain_words(self.name)

    def _holds(self, columns: Sequence[str]) -> str:
        return self.holds


@dataclass(frozen=True)
class Once(Demand):
    """No two rows say the same in these columns; one without the first passes. The words are the rules file's."""

    name: str
    expectation = "unexpected_rows_expectation"
    words = Words("{it.title} ({columns})")

    @property
    def title(self) -> str:
        """Its name as words."""
        return plain_words(self.name)

    def _arguments(self, columns: Sequence[str]) -> dict[str, Any]:
        alike = f"count(*) OVER (PARTITION BY {', '.join(quote(name) for name in columns)})"
        filled = f"{quote(columns[0])} IS NOT NULL"
        return {"unexpected_rows_query": f"SELECT {ROW_ID} FROM {{batch}} WHERE {filled} QUALIFY {alike} > 1"}


def plain_words(rule_id: str) -> str:
    """A rule's id as words: "Ends after start"."""
    return re.sub("[-_]", " ", rule_id).strip().capitalize() or rule_id
