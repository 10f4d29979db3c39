"""What a rule can demand: a class a kind, with what it allows, how it is asked, and how it is said.

Who wants to know what a column may hold (the drop-downs of a template, the words of a report) looks at the demand,
never at a rule's id or at the arguments of an expectation.
"""

from __future__ import annotations

import difflib
import re
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from checks.rules.forms import meant_by
from checks.rules.row_queries import ROW_ID, alike_rows, nearest_there
from checks.rules.row_words import RowWords
from checks.rules.texts import (
    Bound,
    Value,
    as_said,
    choice_of,
    quoted,
    quoted_list,
    span_of,
    title_of_code,
    write_within,
)
from warehouse.declarations import SUPPRESSED, literal, quote
from warehouse.identifiers import Identifier
from warehouse.messages import Message, counted, marked, message
from warehouse.reference import code_lists
from warehouse.types import FieldType


@dataclass(frozen=True)
class Words:
    """How a demand is said: templates of messages. ``{columns}`` becomes what people call the columns, other names
    in braces are the demand's ``values``.

    ``kept`` is a sentence about good rows, ``broken`` one about a cell that is not good, ``advice`` what to do.
    """

    kept: str
    broken: str = ""
    advice: str = ""


class Demand(ABC):
    """What is demanded of a table as a whole, or of every row of it."""

    kind: ClassVar[str]  # the id of its rule, but for a written one
    is_about_rows: ClassVar[bool] = True
    advises: ClassVar[bool] = False  # whether it has advice on single values
    expectation: ClassVar[str]  # Great Expectations' type
    words: ClassVar[Words]

    def asked(self, columns: Sequence[str]) -> tuple[str, dict[str, Any]]:
        """The type and the arguments of the expectation on these columns."""
        return self.expectation, self._arguments(columns)

    def kept(self, columns: str) -> Message:
        """A sentence about rows that keep it."""
        return Message(self.words.kept, {"columns": columns, **self.values()})

    def broken(self, columns: str) -> Message:
        """A sentence about a cell that breaks it."""
        return Message(self.words.broken, {"columns": columns, **self.values()})

    @property
    def advice(self) -> Message:
        """What to do about it."""
        return Message(self.words.advice, self.values())

    def values(self) -> Mapping[str, Value]:
        """What its words name in braces."""
        return {}

    def advice_on(self, value: str) -> str | None:
        """What to write in place of a value, where that can be guessed."""
        return None

    def row_words(self, columns: Sequence[str], called: str) -> RowWords | None:
        """What is said of each row of a workbook by what stands in it and around it.

        Args:
            columns: those it is about.
            called: what people call them.
        """
        return None

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
        marked("There are {rows}"),
        marked("{columns} should have {rows}."),
        marked("Find out whether the file is whole; if it is, tell whoever runs the programme's data desk."),
    )

    def values(self) -> Mapping[str, Value]:
        """The bounds with their noun."""
        if self.maximum is None:
            return {"rows": counted("at least {count} row", "at least {count} rows", self.minimum)}
        return {"rows": message("{minimum} to {maximum} rows", minimum=self.minimum, maximum=self.maximum)}

    def _arguments(self, columns: Sequence[str]) -> dict[str, Any]:
        return {"min_value": self.minimum, "max_value": self.maximum}


@dataclass(frozen=True)
class Required(Demand):
    """The cell is filled in."""

    kind = "required"
    expectation = "expect_column_values_to_not_be_null"
    words = Words(marked("{columns} is filled in"), marked("{columns} is missing."), marked("Fill it in."))

    def _arguments(self, columns: Sequence[str]) -> dict[str, Any]:
        return {"column": columns[0]}


@dataclass(frozen=True)
class Unique(Demand):
    """No two rows have the same value."""

    kind = "unique"
    expectation = "expect_column_values_to_be_unique"
    words = Words(
        marked("{columns} stands there only once"),
        marked("The same {columns} stands here more than once."),
        marked("Give each row a value of its own."),
    )

    def row_words(self, columns: Sequence[str], called: str) -> RowWords:
        """Which rows they are."""
        words = (
            message(
                "{columns} identifies a row, and the same stands here more than once: rows {rows}.", columns=called
            ),
            message(
                "Keep row {first}. Give each of the others (row {others}) a value of its own, or delete it if it"
                " is a copy."
            ),
        )
        return RowWords(alike_rows(columns), [words], shows_values=False)

    def _arguments(self, columns: Sequence[str]) -> dict[str, Any]:
        return {"column": columns[0]}


@dataclass(frozen=True)
class Key(Unique):
    """No two rows have the same primary key."""

    words = Words(
        marked("{columns}: no row stands there twice"),
        marked("{columns} identifies a row, and the same stands here more than once."),
        marked("Delete the copy, or give the other row a value of its own."),
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
    advises = True
    expectation = "expect_column_values_to_match_regex"
    words = Words(
        marked("{columns} has the form expected"),
        marked("{columns} does not have the form expected."),
        marked("Write it in the form expected."),
    )

    def _arguments(self, columns: Sequence[str]) -> dict[str, Any]:
        return {"column": columns[0], "regex": f"^(?:{self.pattern})$"}

    def advice_on(self, value: str) -> str | None:
        """The text of the right form that it is probably meant to be."""
        meant = meant_by(value, self.pattern)
        return message("Write “{meant}”.", meant=meant) if meant else None


@dataclass(frozen=True)
class Code(Demand):
    """The value is one of these; ``code_list`` says what they are called."""

    allowed: tuple[str, ...]
    code_list: str | None = field(default=None, compare=False)
    kind = "code"
    advises = True
    expectation = "expect_column_values_to_be_in_set"
    words = Words(marked("{columns} is on the list"), marked("{columns} is not on the list."), marked("{choice}"))

    def values(self) -> Mapping[str, Value]:
        """What to choose among."""
        return {"choice": choice_of(self.allowed, self.code_list)}

    def _arguments(self, columns: Sequence[str]) -> dict[str, Any]:
        return {"column": columns[0], "value_set": list(self.allowed)}

    def advice_on(self, value: str) -> str | None:
        """The entries that come nearest."""
        if self.code_list:
            near = [code for code in code_lists()[self.code_list].nearest(value) if code in self.allowed]
        else:
            near = difflib.get_close_matches(value[:80], self.allowed, n=3, cutoff=0.6)
        if not near:
            return None
        titles = quoted_list([title_of_code(code, self.code_list) for code in near], "or")
        return message("Did you mean {near}?", near=titles)


@dataclass(frozen=True)
class Range(Demand):
    """The value lies between bounds that belong to it; ``unit`` is that of the column."""

    minimum: Bound | None
    maximum: Bound | None
    unit: str | None
    type: FieldType = field(default="number", compare=False)
    kind = "range"
    expectation = "expect_column_values_to_be_between"
    words = Words(marked("{columns} is {span}"), marked("{columns} should be {span}."), marked("{within}"))

    def values(self) -> Mapping[str, Value]:
        """The bounds with their unit, and what to write."""
        low, high = as_said(self.minimum, self.type), as_said(self.maximum, self.type)
        return {"span": span_of(low, high, self.unit), "within": write_within(span_of(low, high), self.type)}

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
        marked("{columns} is neither too long nor too short"),
        marked("{columns} is too long or too short."),
        marked("Write it with {span} characters."),
    )

    def values(self) -> Mapping[str, Value]:
        """The bounds, before "characters"."""
        return {"span": span_of(self.minimum, self.maximum)}

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
    advises = True
    words = Words(marked("{columns} is a right {title}"), marked("{columns} {fault}"), marked("{advice}"))

    def values(self) -> Mapping[str, Value]:
        """What the identifier is called, and what is said of a wrong one."""
        told = (self.identifier.title, self.identifier.fault, self.identifier.advice)
        return {name: Message(text, {}) for name, text in zip(("title", "fault", "advice"), told, strict=True)}

    def advice_on(self, value: str) -> str | None:
        """The identifier with another check digit, where there is one."""
        meant = self.identifier.mended(value)
        return message("Write “{meant}” if that is the one you find there.", meant=meant) if meant else None

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
    is_named: bool = True  # whether what stands there may be told: not of a table about people
    kind = "reference"
    words = Words(
        marked("{columns} stands in {there} too"),
        marked("{columns} names a row that {there} does not have."),
        marked("Write it as it stands in {there}, or add it there."),
    )

    def values(self) -> Mapping[str, Value]:
        """The other sheet."""
        return {"there": quoted(self.there)}

    def row_words(self, columns: Sequence[str], called: str) -> RowWords | None:
        """The row of the other table that comes nearest, or all of them where they are few."""
        if len(columns) > 1 or not self.is_named:
            return None
        there, broken = quoted(self.there), self.broken(called)
        near = message("Write “{near}” if that is meant, or add the row to {there}.", there=there)
        choice = message("Choose one of {choice}, or add the row to {there}.", there=there)
        query = nearest_there(columns[0], self.references[0], f"{self.schema}.{quote(self.table)}")
        return RowWords(query, [(broken, near), (broken, choice), (broken, self.advice)])

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
        marked("{columns}: empty where it is suppressed, and only there"),
        marked("{columns} is shown where it is suppressed, or missing where it is not."),
        marked("Nothing leaves until the dataset's model takes counts and status from the same row of protected."),
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
    words = Words(marked("{title} ({columns})"))

    def values(self) -> Mapping[str, Value]:
        """Its name as words."""
        return {"title": self.title}

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
    words = Words(marked("{title} ({columns})"))

    def values(self) -> Mapping[str, Value]:
        """Its name as words."""
        return {"title": self.title}

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
