"""The languages in which people are spoken to."""

from __future__ import annotations

from enum import StrEnum


class Language(StrEnum):
    """A language that every message has, by its tag (ISO 639-1)."""

    ENGLISH = "en"
    FINNISH = "fi"

    @property
    def own_name(self) -> str:
        """What it calls itself."""
        return {"en": "English", "fi": "Suomi"}[self.value]


def language_of(tag: str | None) -> Language:
    """The language of a tag such as ``fi`` or ``fi-FI``; English for one that nobody speaks here, or none."""
    primary = (tag or "").replace("_", "-").split("-")[0].lower()
    return Language(primary) if primary in list(Language) else Language.ENGLISH
