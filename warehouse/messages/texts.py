"""Texts that remember what they are made of."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any

Value = str | int | float | date
_PLACE = re.compile(r"\{([a-z_][a-z0-9_]*)\}")


class Message(str):
    """A sentence in English, with its template and values.

    ``template`` is what the catalogue is asked for; ``many`` and ``number`` are given where the sentence counts.
    A placeholder is a name in braces and nothing else. A whole number is written with the language's separators
    (so a year is given as a text), a day in words; a value may itself be a message.
    """

    template: str
    values: Mapping[str, Value]
    many: str | None
    number: int | None

    def __new__(
        cls, template: str, values: Mapping[str, Value], many: str | None = None, number: int | None = None
    ) -> Message:
        """The sentence in English."""
        chosen = many if many is not None and number != 1 else template
        text = super().__new__(cls, filled(chosen, values, english))
        text.template, text.values, text.many, text.number = template, dict(values), many, number
        return text

    def __getnewargs__(self) -> Any:
        """What pickle makes it from again."""
        return self.template, self.values, self.many, self.number


class InLanguages(str):
    """A text that its author wrote in several languages: the English one, and the others by their tags."""

    others: Mapping[str, str]

    def __new__(cls, text: str, others: Mapping[str, str]) -> InLanguages:
        """The English text."""
        made = super().__new__(cls, text)
        made.others = {tag: other for tag, other in others.items() if other}
        return made

    def __getnewargs__(self) -> Any:
        """What pickle makes it from again."""
        return str(self), self.others


class Listed(str):
    """Texts in a row: "a, b and c", "a, b or c", "a, b, c", or sentences one after the other."""

    parts: Sequence[str]
    kind: str  # and, or, comma, sentences

    def __new__(cls, parts: Sequence[str], kind: str) -> Listed:
        """The row in English."""
        made = super().__new__(cls, joined(parts, kind))
        made.parts, made.kind = tuple(parts), kind
        return made

    def __getnewargs__(self) -> Any:
        """What pickle makes it from again."""
        return self.parts, self.kind


def message(template: str, /, **values: Value) -> Message:
    """A sentence. ``template`` is a literal in the code, else ``dev.messages`` cannot find it."""
    return Message(template, values)


def counted(one: str, many: str, /, count: int, **values: Value) -> Message:
    """A sentence that counts, for one and for many; ``{count}`` is the count."""
    return Message(one, {"count": count, **values}, many, count)


def marked(template: str) -> str:
    """A template that becomes a message elsewhere: marks it for the catalogue and gives it back."""
    return template


def in_languages(text: str, *, finnish: str = "") -> str:
    """A declared text in both languages."""
    return InLanguages(text, {"fi": finnish}) if finnish else text


def listed(parts: Sequence[str], kind: str = "and") -> Listed:
    """A row of texts, joined by "and", "or", or ("comma") by commas alone."""
    return Listed(parts, kind)


def sentences(*parts: str) -> str:
    """Sentences one after the other; empty ones are left out."""
    given = [part for part in parts if part]
    return given[0] if len(given) == 1 else Listed(given, "sentences")


def filled(template: str, values: Mapping[str, Value], shown: Callable[[Value], str]) -> str:
    """A template with its values; a placeholder without one stays as it is, and no value is read as a template."""
    return _PLACE.sub(lambda match: shown(values[match[1]]) if match[1] in values else match[0], template)


def placeholders(template: str) -> frozenset[str]:
    """The names in braces."""
    return frozenset(_PLACE.findall(template))


_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip


def english(value: Value) -> str:
    """A value as an English sentence has it, without asking a library: most are never said otherwise."""
    match value:
        case str():
            return str(value)
        case bool():
            return "yes" if value else "no"
        case int():
            return f"{value:,}"
        case float():
            return f"{value:,.10g}"
        case date():
            return f"{value.day} {_MONTHS[value.month - 1]} {value.year}"


def joined(parts: Sequence[str], kind: str) -> str:
    """A row of texts in English."""
    if kind == "sentences" or len(parts) < 2:
        return " ".join(parts)
    if kind == "comma":
        return ", ".join(parts)
    return f"{', '.join(parts[:-1])} {kind} {parts[-1]}"


def packed(text: str) -> Any:
    """What a text is made of, as JSON can hold it: the text itself where it is nothing but itself."""
    match text:
        case Message():
            made: dict[str, Any] = {
                "template": text.template,
                "values": {name: _packed_value(value) for name, value in text.values.items()},
            }
            return made if text.many is None else {**made, "many": text.many, "number": text.number}
        case InLanguages():
            return {"en": str(text), **text.others}
        case Listed():
            return {"kind": text.kind, "parts": [packed(part) for part in text.parts]}
    return str(text)


def is_said(text: str) -> bool:
    """Whether a text knows how it is said in other languages."""
    return isinstance(text, Message | InLanguages | Listed)


def _packed_value(value: Value) -> Any:
    if isinstance(value, str):
        return packed(value)
    return {"day": value.isoformat()} if isinstance(value, date) else value


def unpacked(content: Any) -> str:
    """The text of what ``packed`` made."""
    if not isinstance(content, dict):
        return str(content)
    if "template" in content:
        values = {name: _unpacked_value(value) for name, value in content.get("values", {}).items()}
        return Message(content["template"], values, content.get("many"), content.get("number"))
    if "parts" in content:
        return Listed([unpacked(part) for part in content["parts"]], content.get("kind", "and"))
    return InLanguages(content.get("en", ""), {tag: text for tag, text in content.items() if tag != "en"})


def _unpacked_value(content: Any) -> Value:
    if isinstance(content, dict) and "day" in content:
        return date.fromisoformat(content["day"])
    return unpacked(content) if isinstance(content, dict | str) else content
