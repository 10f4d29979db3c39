"""Accepted exceptions: what breaks a rule and is to stand as it is until a day, with the reason.

``checks/accepted/<source>.yaml`` lists them. What is accepted is found all the same, and costs nothing; after its
day it counts again. Not accepted are findings that hold a table as a whole, personal data, and a key that is
missing or doubled: nothing can be done with such a row.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from pydantic import Field, PrivateAttr, model_validator

from warehouse.declared import SLUG, Declared


class AcceptedException(Declared):
    """Findings of one rule on a table that are accepted: on one row, a group of rows, or all."""

    table: str = Field(pattern=SLUG)
    rule: str = Field(min_length=1)  # as the findings name it
    column: str | None = None
    key: Mapping[str, str] | None = None  # the row's primary key; texts in quotes
    group: Mapping[str, str] | None = None  # the rows that hold these values in these columns
    value: str | None = None  # only as long as the cell holds it
    reason: str = Field(min_length=1)
    accepted_by: str = Field(min_length=1)  # a function, such as "programme office", not a person
    until: date  # the last day on which it is accepted
    _place: str = PrivateAttr("")

    @model_validator(mode="after")
    def _names_rows_in_one_way(self) -> AcceptedException:
        if self.key is not None and self.group is not None:
            raise ValueError("it names a row by its key, or a group of rows, not both")
        return self

    def is_in_force(self, day: date) -> bool:
        """Whether it is accepted on that day."""
        return day <= self.until

    def at(self, place: str) -> AcceptedException:
        """The same, which knows where it stands: file and line."""
        self._place = place
        return self

    @property
    def place(self) -> str:
        """The file and the line where it begins."""
        return self._place
