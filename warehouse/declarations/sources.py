"""A source: who publishes it, under which terms, how often, and its tables."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator, model_validator

from warehouse.declarations.http import HttpDeclaration
from warehouse.declarations.tables import TableDeclaration
from warehouse.declarations.terms import NamedLicence, NamedPublisher
from warehouse.declarations.translations import Provenance
from warehouse.declared import SLUG, Declared, parse, read_yaml
from warehouse.districts import load_districts
from warehouse.messages import Language

# A daily source may miss a weekend. A monthly one often comes a week after the month's end, or after a holiday.
GRACE_DAYS: Mapping[str, int] = {"daily": 3, "monthly": 10, "irregular": 0}


class AskedFor(Declared):
    """What a source is asked for one by one, of an API that gives a record at an address of its own.

    ``model`` is a core model (``warehouse/models/core/<model>.sql``): a row a record that matters, with the key
    under the name that it has in ``answers``, and ``priority`` (an integer, the most important first). ``answers``
    is the source's table that has a row for every record it was asked for, known or not: who was asked longest ago
    comes first. ``at_most`` are asked for in a night.
    """

    model: str = Field(pattern=SLUG)
    answers: str = Field(pattern=SLUG)
    at_most: int = Field(ge=1)


class SourceDeclaration(Declared):
    """A source: who publishes it, under which terms, how often, and its tables."""

    name: str = Field(pattern=SLUG)
    title: str
    title_fi: str = ""
    description: str = ""
    description_fi: str = ""
    finnish: Provenance | None = None  # who made the Finnish texts of this file, and who has read them since
    publisher: NamedPublisher
    homepage: str | None = None
    licence: NamedLicence
    attribution: str
    cadence: Literal["daily", "monthly", "irregular"]  # of irregular data none are due, but for expected_days
    grace_days: int | None = Field(
        None, ge=0, le=366
    )  # how long after its turn it may come; by default GRACE_DAYS
    expected_days: int | None = Field(None, ge=1, le=3660)  # irregular: newer data are due so long after the last
    # It may be kept so long only: then its files and what came of them are deleted (warehouse.retention).
    retention_days: int | None = Field(None, ge=1, le=36600)
    kind: Literal["register", "workbook"] = "register"  # a workbook goes back to its keeper, annotated
    language: Language = Language.ENGLISH  # in which its keeper is spoken to: marked workbook, report, mail
    default_origin: str | None = None  # where nightly pulls from unless told otherwise: a URL
    # Of an API: the parameters of each list that it is asked for, such as {text: "smart kalasatama"}.
    queries: tuple[Mapping[str, str], ...] = ()
    file_names: str | None = None  # the form of its files' names, case aside: in a folder no others are taken
    # Of a source that is searched by place: the districts of warehouse/reference/districts.yaml that are meant.
    districts: tuple[str, ...] = ()
    # Left out of what is written of a declaration: how a file is fetched does not change what it says.
    http: HttpDeclaration | None = Field(None, exclude=True)
    asks_for: AskedFor | None = Field(None, exclude=True)
    tables: tuple[TableDeclaration, ...]

    @model_validator(mode="after")
    def _links_exist(self) -> SourceDeclaration:
        # Here and not at the table: a dataset takes fields over without the columns they speak of.
        for table in self.tables:
            names = {field.name for field in table.fields if field.type == "string"}
            for field in table.fields:
                for link in (field.precision_in, field.qualifier_in):
                    if link is not None and link not in names:
                        raise ValueError(f"table {table.name}: {field.name} names {link}, which is no text column")
        return self

    @field_validator("districts")
    @classmethod
    def _districts_exist(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        if unknown := set(names) - set(load_districts()) if names else set():
            raise ValueError(f"warehouse/reference/districts.yaml has no {', '.join(sorted(unknown))}")
        return names

    @model_validator(mode="after")
    def _finnish_has_a_maker(self) -> SourceDeclaration:
        parts = (self, *self.tables, *(field for table in self.tables for field in table.fields))
        has_finnish = any(
            getattr(part, name, "") for part in parts for name in ("title_fi", "description_fi", "help_fi")
        )
        if has_finnish and self.finnish is None:
            raise ValueError(
                f"source {self.name}: it has Finnish texts, so 'finnish' has to say who made them"
                " (finnish: {made_by: machine, reviewed_by: })"
            )
        return self

    @model_validator(mode="after")
    def _expectation_fits(self) -> SourceDeclaration:
        if self.expected_days is not None and self.cadence != "irregular":
            raise ValueError(
                f"source {self.name}: expected_days is for irregular data; {self.cadence} says it already"
            )
        return self

    @model_validator(mode="after")
    def _people_have_one_key(self) -> SourceDeclaration:
        if len({table.person_key for table in self.tables if table.person_key}) > 1:
            raise ValueError(
                f"source {self.name}: its tables have different person_keys; one finds a person in all"
            )
        return self

    @model_validator(mode="after")
    def _answers_are_told(self) -> SourceDeclaration:
        if self.asks_for is None:
            return self
        answers = {table.name: table for table in self.tables}.get(self.asks_for.answers)
        if answers is None or answers.delivery != "changes" or len(answers.primary_key) != 1:
            raise ValueError(
                f"source {self.name}: asks_for.answers is a table of it with delivery: changes and one key column"
            )
        return self

    @property
    def is_about_people(self) -> bool:
        """Whether any of its tables is: then its files are encrypted in the raw archive where a key is given."""
        return any(table.about_people for table in self.tables)

    @property
    def person_key(self) -> tuple[str, ...]:
        """The columns by which a person is found; empty if no table says whose its rows are."""
        return next((table.person_key for table in self.tables if table.person_key), ())

    def table(self, name: str) -> TableDeclaration:
        """The table of that name; KeyError if there is none."""
        for table in self.tables:
            if table.name == name:
                return table
        raise KeyError(f"source {self.name} has no table {name}")

    def due(self, newest: date) -> date | None:
        """The last day by which data newer than those of a date should be there; None: never expected."""
        grace = timedelta(days=GRACE_DAYS[self.cadence] if self.grace_days is None else self.grace_days)
        if self.cadence == "daily":
            return newest + timedelta(days=1) + grace
        if self.cadence == "monthly":
            year, month = divmod(newest.year * 12 + newest.month, 12)
            return date(year, month + 1, min(newest.day, monthrange(year, month + 1)[1])) + grace
        return newest + timedelta(days=self.expected_days) + grace if self.expected_days else None


def load_source(path: Path) -> SourceDeclaration:
    """The declaration of a source from its ``source.yaml``."""
    return parse(SourceDeclaration, read_yaml(path), path)
