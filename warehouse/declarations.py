"""What a table is: declared once, in the terms of a Frictionless Table Schema.

A declaration is a YAML file. From it come the dlt columns and contract, the Great Expectations suite, the
staging and warehouse tables, the data dictionary, the DataStore fields and the metadata. On top of the
standard's ``name``, ``type``, ``title``, ``description``, ``constraints``, ``primaryKey`` and ``foreignKeys``
a field says its ``unit``, its ``privacy`` class, the ``severity`` of a broken constraint, and how its column
is found at the source (``source_names``, ``presence``).
"""

from __future__ import annotations

import re
import unicodedata
from calendar import monthrange
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any, Literal, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from warehouse.http_declaration import HttpDeclaration

SLUG = r"^[a-z][a-z0-9]*(_[a-z0-9]+)*$"
DATASET_SLUG = r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$"


class DeclarationError(ValueError):
    """A declaration file cannot be used; the message names the file, the place in it and what to do."""


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


class Declared(BaseModel):
    """Base of everything read from a declaration file: immutable, and a misspelt key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class Constraints(Declared):
    """The Table Schema's field constraints. Bounds of dates are written as ISO dates."""

    required: bool = False
    unique: bool = False
    pattern: str | None = None  # the whole value must match
    enum: tuple[str, ...] | None = None
    code_list: str | None = Field(None, alias="codeList")  # enum, kept in warehouse/reference/code_lists.yaml
    check: Literal["business_id_fi"] | None = None  # a check digit
    minimum: int | float | date | None = None
    maximum: int | float | date | None = None
    min_length: int | None = Field(None, alias="minLength")
    max_length: int | None = Field(None, alias="maxLength")


FieldType = Literal["string", "integer", "number", "boolean", "date", "datetime", "year"]

_DUCKDB_TYPES: dict[str, str] = {
    "string": "VARCHAR",
    "integer": "BIGINT",
    "number": "DOUBLE",
    "boolean": "BOOLEAN",
    "date": "DATE",
    "datetime": "TIMESTAMP",
    "year": "SMALLINT",
}


class FieldDeclaration(Declared):
    """One column."""

    name: str = Field(pattern=SLUG)
    type: FieldType = "string"
    title: str
    description: str = ""
    unit: str | None = None  # EUR, m2, people, ...; a code of UCUM or ISO 4217 where there is one
    decimals: int | None = Field(None, ge=0, le=9)  # number only: an exact decimal with so many places
    privacy: Privacy = Privacy.INTERNAL  # default-deny
    screen: bool = True  # for personal data (warehouse.personal); False for what a public register states
    severity: Severity = Severity.ERROR  # of a broken constraint or an unreadable value
    constraints: Constraints = Constraints()
    source_names: tuple[str, ...] = ()  # header texts of this column at the source, beside name and title
    presence: Literal["mandatory", "optional"] = "mandatory"  # a missing mandatory column is critical
    days_ahead: int | None = Field(None, ge=0)  # dates: so far after the snapshot's own date, and no further
    help: str = ""  # what to do about a wrong value, for the person who keeps the file
    # date only: the column of the code list date_precision that says how exact the day is. "5/2016" is then read,
    # as the month's first day or its last, and noted there.
    precision_in: str | None = None
    partial_date: Literal["first", "last"] = "first"
    # integer and number only: the column that says how the number is meant. "about 12" is then 12, noted there.
    qualifier_in: str | None = None
    # Says that the row is not what its source said last: a date since when its last good version stands in, or a
    # text with the names of the columns that are empty because their value could not be used, joined by ";".
    mark: bool = False

    @model_validator(mode="after")
    def _mark_fits(self) -> FieldDeclaration:
        if self.mark and (self.type not in ("date", "string") or self.constraints.required):
            raise ValueError(f"the mark {self.name} has to be a date or a string, and may be empty")
        return self

    @property
    def duckdb_type(self) -> str:
        """The column's type in DuckDB, e.g. ``DECIMAL(18,2)`` for a number with two decimals."""
        if self.type == "number" and self.decimals is not None:
            return f"DECIMAL(18,{self.decimals})"
        return _DUCKDB_TYPES[self.type]


class ForeignKey(Declared):
    """A reference to another table of the same source, as in the Table Schema."""

    fields: tuple[str, ...]
    table: str
    references: tuple[str, ...]
    severity: Severity = Severity.ERROR


class RowBounds(Declared):
    """How many rows are plausible. Floor about 80 % of what was seen, ceiling about twice; never lower a
    floor because the output collapsed.
    """

    minimum: int = Field(1, ge=0)
    maximum: int | None = None
    shrink_limit_pct: float = Field(20, ge=0, le=100)  # more rows lost than this since the last good one: held


# What a snapshot says of the records it does not have: in a full delivery they are gone; between changes they are
# as they were, and an end is an explicit tombstone; in what is only ever appended to, nothing ends.
Delivery = Literal["full", "changes", "append"]


class TableDeclaration(Declared):
    """One table of a source."""

    name: str = Field(pattern=SLUG)
    title: str
    description: str = ""
    each_row_is_a: str
    fields: tuple[FieldDeclaration, ...]
    primary_key: tuple[str, ...] = Field(alias="primaryKey", min_length=1)
    foreign_keys: tuple[ForeignKey, ...] = Field((), alias="foreignKeys")
    rows: RowBounds = RowBounds()
    presence: Literal["mandatory", "optional"] = "mandatory"
    delivery: Delivery = "full"
    tombstone: str | None = None  # of changes: the boolean field that is true where a record has ended

    @model_validator(mode="after")
    def _tombstone_fits(self) -> TableDeclaration:
        if self.tombstone is None:
            return self
        if self.delivery != "changes":
            raise ValueError(f"table {self.name}: only a delivery of changes has tombstones")
        if self.tombstone not in {field.name for field in self.kept_fields if field.type == "boolean"}:
            raise ValueError(f"table {self.name}: the tombstone {self.tombstone} is no boolean field of it")
        return self

    @model_validator(mode="after")
    def _keys_exist(self) -> TableDeclaration:
        names = [field.name for field in self.fields]
        if twice := {name for name in names if names.count(name) > 1}:
            raise ValueError(f"table {self.name}: declared twice: {', '.join(sorted(twice))}")
        keys = [*self.primary_key, *(name for key in self.foreign_keys for name in key.fields)]
        if unknown := set(keys) - set(names):
            raise ValueError(f"table {self.name}: key of undeclared fields: {', '.join(sorted(unknown))}")
        for name in self.primary_key:
            if self.field(name).privacy is Privacy.PERSONAL:
                raise ValueError(f"table {self.name}: the key {name} is personal, so it has no history")
        return self

    def field(self, name: str) -> FieldDeclaration:
        """The field of that name; KeyError if there is none."""
        for field in self.fields:
            if field.name == name:
                return field
        raise KeyError(f"table {self.name} has no field {name}")

    @property
    def kept_fields(self) -> tuple[FieldDeclaration, ...]:
        """The fields that enter the warehouse: all but the personal ones."""
        return tuple(field for field in self.fields if field.privacy is not Privacy.PERSONAL)


# A daily source may miss a weekend. A monthly one often comes a week after the month's end, or after a holiday.
GRACE_DAYS: Mapping[str, int] = {"daily": 3, "monthly": 10, "irregular": 0}


class SourceDeclaration(Declared):
    """A source: who publishes it, under which terms, how often, and its tables."""

    name: str = Field(pattern=SLUG)
    title: str
    description: str = ""
    publisher: str
    homepage: str | None = None
    licence: str  # SPDX id, or the publisher's own name of it
    licence_url: str | None = None
    attribution: str
    cadence: Literal["daily", "monthly", "irregular"]  # of irregular data none are due, but for expected_days
    grace_days: int | None = Field(
        None, ge=0, le=366
    )  # how long after its turn it may come; by default GRACE_DAYS
    expected_days: int | None = Field(None, ge=1, le=3660)  # irregular: newer data are due so long after the last
    kind: Literal["register", "workbook"] = "register"  # a workbook goes back to its keeper, annotated
    default_origin: str | None = None  # where nightly pulls from unless told otherwise: a URL
    file_names: str | None = None  # the form of its files' names, case aside: in a folder no others are taken
    # Left out of what is written of a declaration: how a file is fetched does not change what it says.
    http: HttpDeclaration | None = Field(None, exclude=True)
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

    @model_validator(mode="after")
    def _expectation_fits(self) -> SourceDeclaration:
        if self.expected_days is not None and self.cadence != "irregular":
            raise ValueError(
                f"source {self.name}: expected_days is for irregular data; {self.cadence} says it already"
            )
        return self

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


D = TypeVar("D", bound=Declared)
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read_yaml(path: Path) -> Any:
    """The content of a YAML file; DeclarationError with file and line if it is not YAML."""
    try:
        # the C loader is a safe loader too, and eight times as fast: every command reads all declarations
        return yaml.load(path.read_text(encoding="utf-8"), Loader=_LOADER)  # noqa: S506
    except yaml.YAMLError as error:
        raise DeclarationError(f"{path}: not YAML: {error}") from error


def parse(model: type[D], content: Any, where: Path | str) -> D:
    """``content`` as ``model``; DeclarationError that lists every fault with its place."""
    try:
        return model.model_validate(content)
    except ValidationError as error:
        faults = (
            f"  {'.'.join(str(part) for part in fault['loc']) or '(top)'}: {fault['msg']}"
            for fault in error.errors(include_url=False)
        )
        raise DeclarationError(f"{where}: {error.error_count()} fault(s)\n" + "\n".join(faults)) from error


def load_source(path: Path) -> SourceDeclaration:
    """The declaration of a source from its ``source.yaml``."""
    return parse(SourceDeclaration, read_yaml(path), path)


def quote(identifier: str) -> str:
    """An SQL identifier, quoted."""
    return '"' + identifier.replace('"', '""') + '"'


def literal(text: str) -> str:
    """An SQL string literal, quoted."""
    return "'" + text.replace("'", "''") + "'"


def normalised(header: str) -> str:
    """A header for comparison: case, spaces and punctuation do not count, nor whether ä is one sign or two."""
    return re.sub(r"[\W_]+", " ", unicodedata.normalize("NFC", header).casefold()).strip()


# --- datasets ---------------------------------------------------------------------------------------


class Contact(Declared):
    """Whom to write to about a dataset: a function, not a person."""

    name: str
    email: str


class DatasetField(Declared):
    """A published column as a catalogue entry lists it.

    Either ``from_field`` (``from`` in YAML: ``source.table.field``) takes the field's declaration over, or the
    entry declares a computed column in full. What stands beside ``from`` overrides what was taken over.
    """

    name: str | None = Field(None, pattern=SLUG)
    from_field: str | None = Field(None, alias="from")
    type: FieldType | None = None
    title: str | None = None
    description: str | None = None
    unit: str | None = None
    decimals: int | None = None
    severity: Severity | None = None
    constraints: Constraints | None = None
    mark: bool | None = None


class Publisher(Declared):
    """The organisation that publishes on the portal; ``name`` is its slug there."""

    name: str = Field(pattern=DATASET_SLUG)
    title: str
    description: str = ""


class CatalogueEntry(Declared):
    """A catalogue entry, as written in ``publish/catalogue/<stem>.yaml``."""

    name: str = Field(pattern=DATASET_SLUG)
    title: str
    description: str
    each_row_is_a: str
    publisher: Publisher
    contact: Contact
    licence: str  # SPDX id
    licence_url: str
    attribution: str
    keywords: tuple[str, ...]
    theme: str  # code of the EU's data-theme list: ECON, TECH, SOCI, REGI, ...
    frequency: str  # code of the EU's frequency list: DAILY, MONTHLY, IRREG, ...
    language: tuple[str, ...] = ("ENG",)
    district: str | None = None  # of warehouse/reference/districts.yaml
    usage_warnings: tuple[str, ...] = ()
    primary_key: tuple[str, ...] = Field(alias="primaryKey", min_length=1)
    rows: RowBounds = RowBounds()
    fields: tuple[DatasetField, ...]


@dataclass(frozen=True)
class DatasetDeclaration:
    """A curated dataset: its catalogue entry with every published field resolved."""

    entry: CatalogueEntry
    table: TableDeclaration

    @property
    def name(self) -> str:
        """The dataset's slug on portals, e.g. ``agile-pilots``."""
        return self.entry.name

    @property
    def stem(self) -> str:
        """The name across the house, e.g. ``agile_pilots``: model, catalogue entry, rules."""
        return self.entry.name.replace("-", "_")


def resolve_dataset(
    entry: CatalogueEntry, sources: Mapping[str, SourceDeclaration], where: Path | str
) -> DatasetDeclaration:
    """A catalogue entry with the fields it takes over from sources.

    Raises:
        DeclarationError: a field names a source's field that does not exist or that is not public, or a
            computed one lacks a title or a type.
    """
    fields = []
    for position, listed in enumerate(entry.fields):
        place = f"{where}: fields.{position}"
        given = listed.model_dump(exclude_none=True, by_alias=False, exclude={"from_field"})
        if listed.constraints is not None:
            given["constraints"] = listed.constraints
        if listed.from_field:
            parts = listed.from_field.split(".")
            try:
                taken = sources[parts[0]].table(parts[1]).field(parts[2])
            except (KeyError, IndexError):
                raise DeclarationError(f"{place}: no source has a field {listed.from_field}") from None
            if taken.privacy is not Privacy.PUBLIC:
                raise DeclarationError(
                    f"{place}: {listed.from_field} is {taken.privacy.value}, so it cannot be published;"
                    " declare it public at its source if that is right"
                )
            fields.append(taken.model_copy(update=given))
        else:
            content = {**given, "privacy": Privacy.PUBLIC}
            if "constraints" in content:
                content["constraints"] = listed.constraints
            fields.append(parse(FieldDeclaration, content, place))
    table = parse(
        TableDeclaration,
        {
            "name": entry.name.replace("-", "_"),
            "title": entry.title,
            "description": entry.description,
            "each_row_is_a": entry.each_row_is_a,
            "fields": tuple(fields),
            "primaryKey": entry.primary_key,
            "rows": entry.rows,
        },
        where,
    )
    return DatasetDeclaration(entry, table)
