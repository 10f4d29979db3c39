"""Texts in another language: who made them, whether anybody has read them since, and of which words."""

from __future__ import annotations

from warehouse.declared import Declared

MACHINE = "machine"


class Provenance(Declared):
    """Who made a translation, and who has read it since. What nobody has read says so wherever it is shown."""

    made_by: str  # a person's office, or "machine"
    reviewed_by: str | None = None  # a person's office

    @property
    def is_reviewed(self) -> bool:
        """Whether somebody who knows the language stands for it."""
        return self.reviewed_by is not None

    @property
    def is_machine_made(self) -> bool:
        """Whether no person made it."""
        return self.made_by == MACHINE
