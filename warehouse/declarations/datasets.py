"""A curated dataset: its catalogue entry, and the columns that it takes over from sources."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from warehouse.declarations.column_names import check_columns
from warehouse.declarations.fields import (
    SOURCES,
    TOTAL,
    Constraints,
    FieldDeclaration,
    Privacy,
    ProtectedAs,
    ProtectedKind,
    Severity,
)
from warehouse.declarations.high_value import HighValue
from warehouse.declarations.keeping import Keeping
from warehouse.declarations.showing import Showing
from warehouse.declarations.sources import SourceDeclaration
from warehouse.declarations.tables import RowBounds, TableDeclaration
from warehouse.declarations.terms import ContactOrPublishers, NamedLicence, NamedPublisher, contact_of_publisher
from warehouse.declarations.translations import Translation
from warehouse.declared import DATASET_SLUG, SLUG, DeclarationError, Declared, parse
from warehouse.types import FieldType

# Files that a dataset has beside CSV, Parquet and workbook, where its entry says so.
Format = Literal["geojson", "threesixty_giving"]

COORDINATES = ("longitude", "latitude")  # the columns of a row's point, in degrees of WGS84


class GrantColumns(Declared):
    """Which of a dataset's columns say what the 360Giving standard asks of a grant.

    A row that lacks one of the first eight is in no package of grants. Where an organisation has no id, its name
    makes one under the publisher's prefix, as the standard has it.
    """

    id: str
    title: str
    description: str
    currency: str  # a code of ISO 4217
    amount: str
    award_date: str
    funder_name: str
    recipient_name: str
    funder_org_id: str | None = None
    recipient_org_id: str | None = None
    planned_start_date: str | None = None
    planned_end_date: str | None = None
    programme: str | None = None
    elsewhere: str | None = None  # filled where somebody else publishes the grant: then it is not in our package

    @property
    def required(self) -> tuple[str, ...]:
        """The columns without which a row is no grant."""
        what = (self.id, self.title, self.description, self.currency, self.amount, self.award_date)
        return (*what, self.funder_name, self.recipient_name)


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
    labels: str | None = None
    screen: bool | None = None  # False only for what was screened at its source, or is stated by a public register
    mark: bool | None = None
    # Of a dataset with ``disclosure``: what its values say of people. They are empty where the row is suppressed.
    protected: ProtectedKind | None = None
    # Of a sum or a mean, the magnitude; of a share, the dimension's column over whose total it is one. Where there
    # is but one, it may be left out.
    of: str | None = Field(None, pattern=SLUG)


class Place(Declared):
    """A place that a dataset speaks of; ``uri`` is its address in the EU's authority tables."""

    title: str
    title_fi: str | None = None  # where it is called otherwise in Finnish
    uri: str | None = Field(
        None, pattern=r"^http://publications\.europa\.eu/resource/authority/(place|country|continent)/[A-Z0-9_]+$"
    )


class Period(Declared):
    """The time a dataset's rows speak of: from the least to the greatest day in its columns, unless said."""

    columns: tuple[str, ...] = ()  # days, moments or years
    start: date | Literal["data_date"] | None = None  # data_date: the day the data are of
    end: date | Literal["data_date"] | None = None

    @model_validator(mode="after")
    def _has_two_ends(self) -> Period:
        if not self.columns and (self.start is None or self.end is None):
            raise ValueError("a period has columns that say it, or a start and an end")
        return self


# Whom the counts are of: how few are protected where the entry says no other threshold.
THRESHOLDS = {"residents": 10, "persons": 5, "organisations": 3}


class MagnitudeDeclaration(Declared):
    """What is added up over people beside their number: a numeric column of the population's model, and between
    which values one person's part lies, as everybody may know.
    """

    column: str = Field(pattern=SLUG)
    minimum: float
    maximum: float

    @model_validator(mode="after")
    def _is_a_span(self) -> MagnitudeDeclaration:
        if self.minimum >= self.maximum:
            raise ValueError(f"magnitude {self.column}: its minimum is not below its maximum")
        return self


class DisclosureDeclaration(Declared):
    """How the people whom a dataset is about are protected: suppression of cells, proved by an audit.

    The population's people come from the core model of its name (``warehouse/models/core/<population>.sql``), a
    row a person, or ``people`` persons a row. The dataset's model reads ``protected.<population>``: the columns of
    period and dimensions (a margin's code is ``total``), ``people_count``, ``<magnitude>_sum``, and
    ``status_code`` (``published`` or ``suppressed``: then count and sums are empty).
    """

    population: str = Field(pattern=SLUG)
    counts: str  # what one of the counted is, in words: "resident who answered the question"
    sensitivity: Literal["residents", "persons", "organisations"]
    threshold: int = Field(0, ge=0, le=1000)  # 0: that of the sensitivity
    p_percent: float = Field(10, gt=0, le=100)  # of sums
    # Columns whose values are populations of their own, such as the survey and the question: nothing is added up
    # over them, and what is released of one is compared with all that was released of the same before.
    period: tuple[str, ...] = Field(min_length=1)
    # Those of them whose values are questions to the same people: a group that is hidden in one is hidden in all,
    # for who answered one has mostly answered the others.
    same_people: tuple[str, ...] = ()
    # Those of them that alone say which people are counted, such as the survey and the question; the others, such
    # as the pilot that it is about, may be corrected, and it is the same people. Empty: all of them.
    identified_by: tuple[str, ...] = ()
    # Each dimension: its columns from coarse to fine ([theme_code, pilot_id]). Margins of each level are cells.
    dimensions: tuple[tuple[str, ...], ...] = Field(min_length=1)
    # every: all codes of each dimension's code list are cells, with zero where nobody is; given: what has a row is
    cells: Literal["every", "given"] = "every"
    people: str | None = Field(None, pattern=SLUG)  # the model's column of how many people a row stands for
    magnitudes: tuple[MagnitudeDeclaration, ...] = ()
    # What is lost least where others have to go: as few cells as can be (cells), or as few people's (count)
    weights: Literal["cells", "count"] = "cells"
    # By column of a dimension, how many times dearer a cell is that has a code there: 5 for what is asked for most
    importance: dict[str, Annotated[float, Field(ge=0.01, le=100)]] = Field(default_factory=dict)

    @property
    def protects_below(self) -> int:
        """The threshold: fewer people than this are protected."""
        return self.threshold or THRESHOLDS[self.sensitivity]

    @model_validator(mode="after")
    def _fits_together(self) -> DisclosureDeclaration:
        columns = [*self.period, *(column for dimension in self.dimensions for column in dimension)]
        if twice := sorted({column for column in columns if columns.count(column) > 1}):
            raise ValueError(f"disclosure: named twice among period and dimensions: {', '.join(twice)}")
        for key, named in (("same_people", self.same_people), ("identified_by", self.identified_by)):
            if unknown := sorted(set(named) - set(self.period)):
                raise ValueError(f"disclosure: {key}: {', '.join(unknown)} is no column of the period")
        if 0 < self.threshold < min(THRESHOLDS.values()):
            raise ValueError(f"disclosure: a threshold below {min(THRESHOLDS.values())} protects nobody")
        if self.people and self.magnitudes:
            raise ValueError("disclosure: sums need a row a person, so there is no `people` beside magnitudes")
        return self


class CatalogueEntry(Declared):
    """A catalogue entry, as written in ``publish/catalogue/<stem>.yaml``."""

    name: str = Field(pattern=DATASET_SLUG)
    title: str
    description: str
    each_row_is_a: str
    publisher: NamedPublisher  # the organisation that publishes on the portal
    owner: NamedPublisher | None = None  # whose data they are, where that is not the publisher
    contact: ContactOrPublishers = Field(default_factory=contact_of_publisher, validate_default=True)
    licence: NamedLicence
    attribution: str
    keywords: tuple[str, ...]
    theme: str  # code of the EU's data-theme list: ECON, TECH, SOCI, REGI, ...
    frequency: str  # code of the EU's frequency list: DAILY, MONTHLY, IRREG, ...
    language: tuple[str, ...] = ("ENG",)
    district: str | None = None  # of warehouse/reference/districts.yaml
    places: tuple[Place, ...] = ()  # where the rows lie beyond it, or instead of it
    period: Period | None = None
    usage_warnings: tuple[str, ...] = ()
    can_do_without: tuple[str, ...] = ()  # sources it reads where they have data; for all others it waits
    needs_any_of: tuple[str, ...] = ()  # of these it waits for one: without any it would be empty
    # Of a dataset about people: without it, it is held back
    disclosure: DisclosureDeclaration | None = None
    # geojson: it has the columns longitude and latitude; threesixty_giving: ``grants`` says which columns it takes
    formats: tuple[Format, ...] = ()
    grants: GrantColumns | None = None
    primary_key: tuple[str, ...] = Field(alias="primaryKey", min_length=1)
    rows: RowBounds = RowBounds()
    # Raised by hand where a column goes, is renamed, gets another type, or the key changes.
    major_version: int = Field(1, ge=1)
    # Datasets that must agree are switched one after the other, or none is: the name of their set.
    publish_with: str = ""
    show: Showing = Showing()  # how pages and views show it
    keep: Keeping = Keeping()  # which versions are kept, and how long
    hvd: HighValue | None = None  # published as a high-value dataset of the EU
    fields: tuple[DatasetField, ...]


@dataclass(frozen=True)
class DatasetDeclaration:
    """A curated dataset: its catalogue entry with every published field resolved."""

    entry: CatalogueEntry
    table: TableDeclaration
    translations: tuple[Translation, ...] = ()  # in the order of their languages

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
            computed one lacks a title or a type; or it has coordinates and is no GeoJSON, or the other way round;
            or it is protected, and lacks what a protected table has; or no portal's table can have its columns.
    """
    fields = []
    for position, listed in enumerate(entry.fields):
        place = f"{where}: fields.{position}"
        given = listed.model_dump(exclude_none=True, by_alias=False, exclude={"from_field", "protected", "of"})
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
    titles = {name: (source.title, source.title_fi or source.title) for name, source in sorted(sources.items())}
    fields = [field.with_titles(titles) if field.labels == SOURCES else field for field in fields]
    if entry.disclosure is not None or any(listed.protected for listed in entry.fields):
        fields = _protected_fields(entry, fields, where)
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
    check_columns([field.name for field in table.fields], where)
    has_points = {field.name for field in table.fields if field.type == "number"}.issuperset(COORDINATES)
    if has_points != ("geojson" in entry.formats):
        raise DeclarationError(
            f"{where}: formats: what has the columns {' and '.join(COORDINATES)} (numbers) is also geojson, and"
            " nothing else is"
        )
    names = {field.name for field in table.fields}
    _grants_fit(entry, names, where)
    _show_fits(entry, names, where)
    return DatasetDeclaration(entry, table)


def _show_fits(entry: CatalogueEntry, names: set[str], where: Path | str) -> None:
    """What its pages begin with are columns that it has."""
    if unknown := entry.show.unknown_columns(names):
        raise DeclarationError(f"{where}: show: the dataset has no column {', '.join(unknown)}")
    if entry.show.map and "geojson" not in entry.formats:
        raise DeclarationError(f"{where}: show: a map needs the columns {' and '.join(COORDINATES)}")


def _grants_fit(entry: CatalogueEntry, names: set[str], where: Path | str) -> None:
    """A package of grants can be made, or none is asked for."""
    if (entry.grants is not None) != ("threesixty_giving" in entry.formats):
        raise DeclarationError(f"{where}: formats: threesixty_giving needs `grants`, and nothing else does")
    if entry.grants is None:
        return
    if unknown := set(entry.grants.model_dump(exclude_none=True).values()) - names:
        raise DeclarationError(f"{where}: grants: the dataset has no column {', '.join(sorted(unknown))}")
    if entry.publisher.grant_prefix is None:
        raise DeclarationError(
            f"{where}: formats: {entry.publisher.name} has no grant_prefix in warehouse/reference/publishers.yaml"
        )


# Which rows of a protected table are suppressed: the column that says it, its code list, the code.
STATUS, STATUSES, SUPPRESSED = "status_code", "protection_statuses", "suppressed"


def _protected_fields(
    entry: CatalogueEntry, fields: Sequence[FieldDeclaration], where: Path | str
) -> list[FieldDeclaration]:
    """The fields of a dataset with disclosure control, each with its part in that.

    Raises:
        DeclarationError: something lacks, or does not fit together.
    """
    disclosure = entry.disclosure
    if disclosure is None:
        named = ", ".join(f.name for f, listed in zip(fields, entry.fields, strict=True) if listed.protected)
        raise DeclarationError(
            f"{where}: protected: {named}: protected columns are of a dataset with `disclosure`; declare it"
            " (population, counts, sensitivity, period, dimensions), or take `protected` off"
        )
    by_name = {field.name: field for field in fields}
    dimensions = [column for dimension in disclosure.dimensions for column in dimension]
    _has_columns(entry, disclosure, by_name, where)
    for name in dimensions:
        _can_hold_total(by_name[name], f"{where}: {name}")
    made = []
    for field, listed in zip(fields, entry.fields, strict=True):
        protected = _protected_as(field, listed, disclosure, f"{where}: {field.name}")
        made.append(field.of_protected_table(has_total=field.name in dimensions, protected=protected))
    counts = [field.name for field in made if field.protected and field.protected.kind == "count"]
    if len(counts) != 1:
        raise DeclarationError(
            f"{where}: disclosure: one column says how many people a cell counts; write `protected: count` at it,"
            f" and at no other (now {', '.join(counts) or 'none has it'})"
        )
    return made


def _has_columns(
    entry: CatalogueEntry,
    disclosure: DisclosureDeclaration,
    fields: Mapping[str, FieldDeclaration],
    where: Path | str,
) -> None:
    """It has the columns by which a cell and its status are told."""
    cell = [*disclosure.period, *(column for dimension in disclosure.dimensions for column in dimension)]
    if lacking := [name for name in cell if name not in fields]:
        raise DeclarationError(
            f"{where}: disclosure: the dataset has no column {', '.join(lacking)}; list the period's and the"
            " dimensions' columns under fields"
        )
    status = fields.get(STATUS)
    if status is None or status.constraints.code_list != STATUSES:
        raise DeclarationError(
            f"{where}: disclosure: the column {STATUS} says which rows are suppressed; write at it"
            f" `constraints: {{required: true, codeList: {STATUSES}}}`"
        )
    if set(entry.primary_key) != set(cell):
        raise DeclarationError(
            f"{where}: primaryKey: a cell is known by its period and its dimensions; write"
            f" `primaryKey: [{', '.join(cell)}]`"
        )


def _can_hold_total(field: FieldDeclaration, place: str) -> None:
    """A dimension's column can hold a margin's code beside its own."""
    limits = field.constraints
    if field.type != "string":
        raise DeclarationError(f"{place}: a dimension's column holds codes, so it is a string, not {field.type}")
    is_short = limits.max_length is not None and limits.max_length < len(TOTAL)
    is_long = limits.min_length is not None and limits.min_length > len(TOTAL)
    if limits.check or limits.unique or is_short or is_long:
        raise DeclarationError(
            f"{place}: a margin's code is `{TOTAL}`, which its constraints forbid; write `constraints: {{}}` here,"
            " or those that it keeps"
        )
    if TOTAL in (limits.enum or ()):
        raise DeclarationError(
            f"{place}: `{TOTAL}` is a margin's code, so no other code may be called so; take it out of the enum"
        )


def _protected_as(
    field: FieldDeclaration, listed: DatasetField, disclosure: DisclosureDeclaration, place: str
) -> ProtectedAs | None:
    """What a column says of people; None if it does not."""
    kind = listed.protected
    if kind is None:
        if listed.of:
            raise DeclarationError(f"{place}: `of` says of what a protected value is; it has no `protected`")
        return None
    if field.type not in ("integer", "number") or (kind == "count" and field.type != "integer"):
        wanted = "an integer" if kind == "count" else "a number"
        raise DeclarationError(f"{place}: a protected {kind} is {wanted}; write `type: {wanted.split()[1]}`")
    if field.constraints.required:
        raise DeclarationError(f"{place}: it is empty where it is suppressed; take `required` off")
    if kind == "count":
        if listed.of:
            raise DeclarationError(f"{place}: a count is of people; take `of` off")
        return ProtectedAs(kind)
    if kind == "share":
        choice, what = [dimension[-1] for dimension in disclosure.dimensions], "dimension's last column"
    else:
        choice, what = [magnitude.column for magnitude in disclosure.magnitudes], "magnitude"
    of = listed.of or (choice[0] if len(choice) == 1 else "")
    if of not in choice:
        raise DeclarationError(
            f"{place}: a {kind} is of a {what}; write `of:` with one of: {', '.join(choice) or 'none is declared'}"
        )
    return ProtectedAs(kind, of)
