"""A table of a source: its columns, its keys, how many rows are plausible, and what a delivery of it speaks of."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, ValidationInfo, field_validator, model_validator

from warehouse.declarations.fields import FieldDeclaration, Privacy, Severity
from warehouse.declared import SLUG, Declared


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
    title_fi: str = ""  # the same in Finnish: a sheet's name too
    description: str = ""
    description_fi: str = ""
    each_row_is_a: str
    # Its rows are people, or count people who are few enough to be known. No dataset that reads it is released
    # unless its catalogue entry says how they are protected (publish.disclosure).
    about_people: bool = False
    # The columns of the primary key that together say whose a row is: by them a person's rows are found.
    # Left out of what is written of a declaration: it does not change what a snapshot says.
    person_key: tuple[str, ...] = Field((), exclude=True)
    fields: tuple[FieldDeclaration, ...]
    primary_key: tuple[str, ...] = Field(alias="primaryKey", min_length=1)
    foreign_keys: tuple[ForeignKey, ...] = Field((), alias="foreignKeys")
    rows: RowBounds = RowBounds()
    presence: Literal["mandatory", "optional"] = "mandatory"
    delivery: Delivery = "full"
    tombstone: str | None = None  # of changes: the boolean field that is true where a record has ended

    @field_validator("fields")
    @classmethod
    def _say_whom_they_are_about(
        cls, fields: tuple[FieldDeclaration, ...], info: ValidationInfo
    ) -> tuple[FieldDeclaration, ...]:
        return tuple(field.about_people() for field in fields) if info.data.get("about_people") else fields

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
                raise ValueError(
                    f"table {self.name}: the key {name} is personal, so it has no history; if it names nobody,"
                    " write `privacy: internal`: models compute with it, and nobody publishes it"
                )
        return self

    @model_validator(mode="after")
    def _person_key_fits(self) -> TableDeclaration:
        if self.person_key and not self.about_people:
            raise ValueError(f"table {self.name}: it has a person_key, so it is about_people; say so")
        if unknown := sorted(set(self.person_key) - set(self.primary_key)):
            raise ValueError(f"table {self.name}: the person_key has {', '.join(unknown)}, not of the primary key")
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
