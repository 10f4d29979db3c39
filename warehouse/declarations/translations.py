"""Texts in another language: who made them, whether anybody has read them since, and of which words."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from pydantic import Field

from warehouse.declared import Declared

MACHINE = "machine"


class Provenance(Declared):
    """Who made a translation, and who has read it since. What nobody has read says so wherever it is shown."""

    made_by: str  # the office of a person, or "machine"
    reviewed_by: str | None = None  # the office of the person who stands for it

    @property
    def is_reviewed(self) -> bool:
        """Whether somebody who knows the language stands for it."""
        return self.reviewed_by is not None


def digest_of(text: str) -> str:
    """Stands for an English text in its translations; how it is wrapped does not count."""
    return hashlib.sha256(" ".join(text.split()).encode()).hexdigest()[:12]


class TranslatedText(Declared):
    """A text in the language. ``of`` is the digest of the English one, ``python -m dev.translations`` says it."""

    text: str
    of: str = Field(pattern="^[0-9a-f]{12}$")


class TranslatedField(Declared):
    """A column's texts in the language."""

    title: TranslatedText | None = None
    description: TranslatedText | None = None


class TranslatedDataset(Provenance):
    """A dataset's texts in the language; what is not there stays English."""

    title: TranslatedText | None = None
    description: TranslatedText | None = None
    each_row_is_a: TranslatedText | None = None
    usage_warnings: tuple[TranslatedText, ...] = ()  # in any order: each is of the one whose digest it has
    counts: TranslatedText | None = None  # of its ``disclosure``: what one of the people counted is
    fields: Mapping[str, TranslatedField] = {}


class Translations(Declared):
    """A translation file, ``publish/catalogue/translations/<language>.yaml``."""

    language: str = Field(pattern="^[a-z]{2}$")  # ISO 639-1
    datasets: Mapping[str, TranslatedDataset]


@dataclass(frozen=True)
class Translation:
    """What may be shown of a dataset in another language.

    ``title``, ``description``, ``each_row_is_a`` and ``counts`` are empty where they are not translated, or of
    English words that have changed since; ``usage_warnings`` has those that are, by the English ones. ``fields``
    has titles by column, ``field_descriptions`` meanings. ``stale`` names what is kept back.
    """

    language: str
    made_by: str
    reviewed_by: str | None
    title: str = ""
    description: str = ""
    each_row_is_a: str = ""
    usage_warnings: Mapping[str, str] = field(default_factory=dict)
    counts: str = ""
    fields: Mapping[str, str] = field(default_factory=dict)
    field_descriptions: Mapping[str, str] = field(default_factory=dict)
    stale: tuple[str, ...] = ()

    @property
    def is_reviewed(self) -> bool:
        """Whether somebody who knows the language stands for all of it."""
        return self.reviewed_by is not None

    @property
    def tag(self) -> str:
        """The language's tag; of what a machine made and nobody has read, one that says so (RFC 6497)."""
        if self.is_reviewed or self.made_by != MACHINE:
            return self.language
        return f"{self.language}-t-en-t0-und"
