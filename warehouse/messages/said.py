"""Texts in a language, by the catalogues."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import cache
from pathlib import Path

from warehouse.messages.languages import Language
from warehouse.messages.texts import InLanguages, Listed, Message, Value, english, filled

FOLDER = Path(__file__).parent
_PLAIN = 1e15  # larger numbers are beyond what Babel's decimals take; nobody reads their digits


def said_in(text: str, language: Language) -> str:
    """A text in a language, as a plain string. What nobody translated is said in English."""
    if language is Language.ENGLISH:
        return str(text)
    match text:
        case Message():
            return filled(_template(text, language), text.values, lambda value: _shown(value, language))
        case InLanguages():
            return text.others.get(language.value, str(text))
        case Listed():
            return _joined([said_in(part, language) for part in text.parts], text.kind, language)
    return str(text)


def shown(value: Value, language: Language) -> str:
    """A value as a sentence of the language has it: numbers with its separators, days in its words."""
    return english(value) if language is Language.ENGLISH else _shown(value, language)


def _template(text: Message, language: Language) -> str:
    forms = catalogue(language).get(text.template)
    if not forms:
        return text.template if text.many is None or text.number == 1 else text.many
    # Finnish, like English, has a form for one and a form for all others.
    return forms[0] if text.many is None or text.number == 1 else forms[-1]


def _shown(value: Value, language: Language) -> str:
    from babel.dates import format_date
    from babel.numbers import format_decimal

    match value:
        case str():
            return said_in(value, language)
        case bool():
            return {Language.FINNISH: {True: "kyllä", False: "ei"}}[language][value]
        case int() | float() if abs(value) < _PLAIN:
            return format_decimal(value, locale=language.value)
        case int() | float():
            return english(value)
        case date():
            return format_date(value, "d.M.yyyy", locale=language.value)


def _joined(parts: list[str], kind: str, language: Language) -> str:
    if kind == "sentences" or len(parts) < 2:
        return " ".join(parts)
    if kind == "comma":
        return ", ".join(parts)
    from babel.lists import format_list

    return format_list(parts, style="or" if kind == "or" else "standard", locale=language.value)


@cache
def catalogue(language: Language) -> Mapping[str, tuple[str, ...]]:
    """All translated messages of a language: the template, and its forms in the language."""
    from babel.messages.pofile import read_po  # a tenth of a second: only who speaks the language needs it

    found: dict[str, tuple[str, ...]] = {}
    for path in sorted((FOLDER / language.value).glob("*.po")):
        with path.open("rb") as file:
            for one in read_po(file, locale=language.value):
                template = one.id[0] if isinstance(one.id, list | tuple) else one.id
                forms = (one.string,) if isinstance(one.string, str) else tuple(one.string or ())
                if template and all(forms):
                    found[template] = forms
    return found
