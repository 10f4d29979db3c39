"""A column, in the terms of a Table Schema's field."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Literal

from pydantic import Field, PrivateAttr, field_validator, model_validator

from warehouse.declared import SLUG, Declared
from warehouse.identifiers import IDENTIFIERS
from warehouse.types import ColumnType, FieldType, column_type

# The code of a margin in a dimension's column of a protected table, and what it is called: it holds all others.
TOTAL, TOTAL_TITLE = "total", "All"
SOURCES = "sources"  # in ``labels``: the codes are the names of sources

# What a protected value is: how many people, what is added up over them, the mean of that, or their part of all
# who are counted together, in per cent.
ProtectedKind = Literal["count", "sum", "mean", "share"]


@dataclass(frozen=True)
class ProtectedAs:
    """What a protected value is, and of what: a sum and a mean of a magnitude, a share of the count in that row
    that has the total in the column ``of`` and is otherwise the same. A count is of people: ``of`` is empty.
    """

    kind: ProtectedKind
    of: str = ""


class Severity(StrEnum):
    """How much a broken rule matters, worst first."""

    CRITICAL = "critical"  # the table is held, the last good snapshot stands in for it
    ERROR = "error"  # the row goes to quarantine
    WARNING = "warning"  # the row goes on, someone should look at it
    INFO = "info"  # worth knowing

    @property
    def rank(self) -> int:
        """0 for critical up to 3 for info: sorts worst first."""
        return list(Severity).index(self)


class Privacy(StrEnum):
    """Who may ever see a column. What is not declared public never reaches a release."""

    PUBLIC = "public"  # may be published, if a catalogue entry lists it
    INTERNAL = "internal"  # models may compute with it, nobody publishes it
    PERSONAL = "personal"  # stays in the raw archive and in staging: not even the warehouse holds it


class Constraints(Declared):
    """The Table Schema's field constraints. Bounds of dates are written as ISO dates."""

    required: bool = False
    unique: bool = False
    pattern: str | None = None  # the whole value must match
    enum: tuple[str, ...] | None = None
    code_list: str | None = Field(None, alias="codeList")  # enum, kept in warehouse/reference/code_lists.yaml
    check: str | None = None  # a kind of identifier: of warehouse.identifiers.IDENTIFIERS
    minimum: int | float | date | None = None
    maximum: int | float | date | None = None
    min_length: int | None = Field(None, alias="minLength")
    max_length: int | None = Field(None, alias="maxLength")

    @field_validator("check")
    @classmethod
    def _is_known(cls, check: str | None) -> str | None:
        if check is not None and check not in IDENTIFIERS:
            raise ValueError(f"there is no identifier {check}, only {', '.join(sorted(IDENTIFIERS))}")
        return check


class FieldDeclaration(Declared):
    """One column."""

    name: str = Field(pattern=SLUG)
    type: FieldType = "string"
    title: str
    title_fi: str = ""  # the same in Finnish: a header too, by which the column is known
    description: str = ""
    description_fi: str = ""
    unit: str | None = None  # EUR, m2, people, ...; a code of UCUM or ISO 4217 where there is one
    decimals: int | None = Field(None, ge=0, le=9)  # number only: an exact decimal with so many places
    privacy: Privacy = Privacy.INTERNAL  # default-deny
    screen: bool = True  # for personal data (warehouse.personal); False for what a public register states
    severity: Severity = Severity.ERROR  # of a broken constraint or an unreadable value
    constraints: Constraints = Constraints()
    # A code list that says what the codes mean, where none judges them. "sources": the codes are names of sources.
    labels: str | None = None
    source_names: tuple[str, ...] = ()  # header texts of this column at the source, beside name and title
    presence: Literal["mandatory", "optional"] = "mandatory"  # a missing mandatory column is critical
    days_ahead: int | None = Field(None, ge=0)  # dates: so far after the snapshot's own date, and no further
    help: str = ""  # what to do about a wrong value, for the person who keeps the file
    help_fi: str = ""
    # date only: the column of the code list date_precision that says how exact the day is. "5/2016" is then read,
    # as the month's first day or its last, and noted there.
    precision_in: str | None = None
    partial_date: Literal["first", "last"] = "first"
    # integer and number only: the column that says how the number is meant. "about 12" is then 12, noted there.
    qualifier_in: str | None = None
    # Says that the row is not what its source said last: a date since when its last good version stands in, or a
    # text with the names of the columns that are empty because their value could not be used, joined by ";".
    mark: bool = False
    _is_about_people: bool = PrivateAttr(False)
    _titles: Mapping[str, tuple[str, str]] = PrivateAttr(default_factory=dict)
    # Of a dataset that declares disclosure control: no table of a source has it, so no key says it.
    _has_total: bool = PrivateAttr(False)
    _protected: ProtectedAs | None = PrivateAttr(None)

    @model_validator(mode="after")
    def _mark_fits(self) -> FieldDeclaration:
        if self.mark and (self.type not in ("date", "string") or self.constraints.required):
            raise ValueError(f"the mark {self.name} has to be a date or a string, and may be empty")
        return self

    @property
    def is_withheld(self) -> bool:
        """Whether findings do not repeat its values: it is personal or protected, or its table is about people."""
        return self.privacy is Privacy.PERSONAL or self._is_about_people or self._protected is not None

    def about_people(self) -> FieldDeclaration:
        """The same column, of a table that is about people."""
        copied = self.model_copy()
        copied._is_about_people = True
        return copied

    @property
    def has_total(self) -> bool:
        """Whether it may hold the code ``total`` beside its own: it is of a protected table's dimensions."""
        return self._has_total

    @property
    def protected(self) -> ProtectedAs | None:
        """What its values say of people; it is empty where the row is suppressed. None if it is not protected."""
        return self._protected

    def of_protected_table(self, *, has_total: bool, protected: ProtectedAs | None) -> FieldDeclaration:
        """The same column, of a table that is protected."""
        copied = self.model_copy()
        copied._has_total, copied._protected = has_total, protected
        return copied

    @property
    def pattern(self) -> str | None:
        """The form of the whole value, the margin's code included where it may hold that."""
        given = self.constraints.pattern
        return f"(?:{given})|{TOTAL}" if given is not None and self.has_total else given

    @property
    def label_list(self) -> str | None:
        """The code list whose titles say what the field's codes mean."""
        return self.constraints.code_list or (self.labels if self.labels != SOURCES else None)

    @property
    def titles(self) -> Mapping[str, tuple[str, str]]:
        """What its codes mean in English and Finnish, where they are the names of sources."""
        return self._titles

    def with_titles(self, titles: Mapping[str, tuple[str, str]]) -> FieldDeclaration:
        """The same column, whose codes are the names of sources that are called so."""
        copied = self.model_copy()
        copied._titles = titles
        return copied

    @property
    def column_type(self) -> ColumnType:
        """The type by its names everywhere."""
        return column_type(self.type, self.decimals)

    @property
    def duckdb_type(self) -> str:
        """The column's type in DuckDB, e.g. ``DECIMAL(18,2)`` for a number with two decimals."""
        return self.column_type.duckdb
