"""Corrections: known errors of a publisher that are mended on the way in, with reason, evidence and status.

``checks/corrections/<source>.yaml`` lists them. The raw file stays as it came; the old and the new value are kept
with every snapshot that was corrected.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Literal

from pydantic import Field, PrivateAttr, model_validator

from warehouse.declared import SLUG, Declared


class Correction(Declared):
    """One cell that is known to be wrong at its source. Values are texts, as findings show them; "" is empty."""

    table: str = Field(pattern=SLUG)
    key: Mapping[str, str]  # the row's primary key; texts in quotes
    column: str = Field(pattern=SLUG)
    old: str = Field(alias="from")  # what the source says; what could not be read, as it stood
    new: str = Field(alias="to")
    reason: str = Field(min_length=1)
    evidence: str = Field(min_length=1)  # an address or a document by which anybody can see it
    status: Literal["found", "reported", "acknowledged", "refused"]  # what became of it at the publisher
    valid_from: date | None = None  # of the data: older ones are left as they are
    valid_to: date | None = None  # of the data: newer ones are left as they are
    _place: str = PrivateAttr("")

    @model_validator(mode="after")
    def _changes_something(self) -> Correction:
        if self.old == self.new:
            raise ValueError("from and to are the same")
        return self

    def is_of(self, data_date: date) -> bool:
        """Whether it speaks of data of that date."""
        return (self.valid_from or date.min) <= data_date <= (self.valid_to or date.max)

    def at(self, place: str) -> Correction:
        """The same, which knows where it stands: file and line."""
        self._place = place
        return self

    @property
    def place(self) -> str:
        """The file and the line where it begins."""
        return self._place
