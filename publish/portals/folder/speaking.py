"""How a page says a dataset in a language: its texts where they are translated, its codes, numbers and days."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from functools import cache

from publish.files.render import description_of, labels
from warehouse import reference
from warehouse.declarations import (
    STATUS,
    SUPPRESSED,
    TOTAL,
    DatasetDeclaration,
    FieldDeclaration,
    Place,
    TableDeclaration,
    Translation,
)
from warehouse.messages import Language, message, said_in
from warehouse.messages.said import shown

# What is written of a column's unit beside its values; a unit that is not here is a sign, or a word as it stands.
UNITS: Mapping[str, str] = {
    "EUR": "€",
    "GBP": message("pounds sterling"),
    "USD": message("US dollars"),
    "m2": "m²",
    "deg": "°",
    "d": message("days"),
    "min": message("minutes"),
    "months": message("months"),
    "day of month": message("day of the month"),
    "month of year": message("month of the year"),
    "people": message("people"),
    "companies": message("companies"),
    "pilots": message("pilots"),
    "offers": message("offers"),
    "partners": message("partners"),
    "places": message("places"),
    "statements": message("statements"),
    "charges": message("charges"),
}
_TOTAL = {Language.FINNISH: "Kaikki"}
_SPACE = "\N{NO-BREAK SPACE}"


@dataclass(frozen=True)
class Speaker:
    """Says a dataset in a language. What nobody translated is said in English."""

    language: Language = Language.ENGLISH
    translation: Translation | None = None
    _said: dict[str, dict[str, str]] = field(default_factory=dict, repr=False, compare=False)

    def title(self, one: FieldDeclaration) -> str:
        """A column's title."""
        return (self.translation.fields.get(one.name) if self.translation else None) or one.title

    def description(self, one: FieldDeclaration) -> str:
        """What a column means."""
        given = self.translation.field_descriptions.get(one.name) if self.translation else None
        if not given:
            return description_of(one)
        return f"{given} {self.say(_suppressed())}" if one.protected else given

    def warning(self, text: str) -> str:
        """What an entry says to read before the data are used; empty where nobody translated it."""
        return (self.translation.usage_warnings if self.translation else {}).get(text, "")

    def labels(self, one: FieldDeclaration) -> Mapping[str, str]:
        """What a column's codes mean."""
        if one.name not in self._said:
            self._said[one.name] = _labels(one, self.language)
        return self._said[one.name]

    def words(self, one: FieldDeclaration, table: TableDeclaration) -> Mapping[str, str]:
        """What a column's values are said as: its codes, or those of the column beside it in English."""
        stem, _, kind = one.name.rpartition("_")
        coded = next((field for field in table.fields if field.name == f"{stem}_code"), None)
        if kind != "title" or coded is None:
            return self.labels(one)
        said = self.labels(coded)
        return {title: said[code] for code, title in labels(coded).items() if said[code] != title}

    def say(self, text: str) -> str:
        """A message in the language."""
        return said_in(text, self.language)

    def place(self, one: Place) -> str:
        """What a place is called."""
        return (one.title_fi if self.language is Language.FINNISH else None) or one.title

    def unit(self, code: str | None) -> str:
        """A unit as people read it; empty where there is none."""
        return self.say(UNITS.get(code, code)) if code else ""

    def number(self, value: float | Decimal, decimals: int | None = None) -> str:
        """A number with the language's separators; ``decimals`` None: as many as it has, at most ten digits."""
        return number(value, self.language, decimals)

    def short_number(self, value: float) -> str:
        """A number beside an axis, millions as such."""
        return f"{self.number(value / 1e6)}{_SPACE}M" if abs(value) >= 1e6 else self.number(value)

    def day(self, value: date) -> str:
        """A day in words."""
        return shown(value, self.language)

    def period(self, start: str, end: str) -> str:
        """The time from a day to another, both as ISO dates; whole years as such: nobody knew the days."""
        if start.endswith("-01-01") and end.endswith("-12-31"):
            first, last = start[:4], end[:4]
        else:
            first, last = (self.day(date.fromisoformat(one)) for one in (start, end))
        return first if first == last else f"{first} – {last}"

    def short_day(self, value: date) -> str:
        """A day or a moment as a table has it."""
        if self.language is Language.FINNISH:
            text = f"{value.day}.{value.month}.{value.year}"
            return f"{text} {value:%H.%M.%S}" if isinstance(value, datetime) else text
        return value.isoformat(sep=" ") if isinstance(value, datetime) else value.isoformat()


def speaker_of(declaration: DatasetDeclaration, language: Language) -> Speaker:
    """The one that says a dataset in a language."""
    found = (one for one in declaration.translations if one.language == language.value)
    return Speaker(language, next(found, None) if language is not Language.ENGLISH else None)


def _suppressed() -> str:
    return message(
        "Empty where {column} is {code}: not published, to protect people.", column=STATUS, code=SUPPRESSED
    )


def number(value: float | Decimal, language: Language = Language.ENGLISH, decimals: int | None = None) -> str:
    """A number with a language's separators and a real minus."""
    if decimals is not None:
        text = f"{value:,.{decimals}f}"
    elif isinstance(value, int) or value == int(value):
        text = f"{int(value):,}"
    else:
        text = f"{float(value):,.10g}"
    if text.startswith("-"):
        text = f"−{text[1:]}" if text.strip("-0.,") else text[1:]
    if language is Language.FINNISH:
        return text.replace(",", _SPACE).replace(".", ",")
    return text


def _labels(one: FieldDeclaration, language: Language) -> dict[str, str]:
    found = labels(one)
    if language is Language.ENGLISH or not (one.label_list or one.titles):
        return found
    codes = (
        _finnish(one.label_list) if one.label_list else {code: title for code, (_, title) in one.titles.items()}
    )
    return {code: _TOTAL[language] if code == TOTAL else codes.get(code) or title for code, title in found.items()}


@cache
def _finnish(name: str) -> Mapping[str, str]:
    return {code: meaning.title_fi for code, meaning in reference.code_lists()[name].codes.items()}
