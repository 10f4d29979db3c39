"""Pieces of the sentences of rules: what is quoted, spans, and what may be written into a column.

What is to be written stands in quotation marks after "Write", a choice after "Choose one of", a span after "from"
and "to", "at least" or "at most": whoever mends a cell copies it from there, and a program could.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from checks.rules.forms import form_of
from warehouse import reference
from warehouse.declarations import TOTAL, TOTAL_TITLE, FieldDeclaration
from warehouse.messages import Message, in_languages, listed, message, sentences
from warehouse.types import FieldType

Value = str | int | float | date
Bound = int | float | date
MOST_NAMED = 40  # entries of a list in a sentence: of a longer one only those that come near


def quoted(text: str) -> Message:
    """A text in quotation marks."""
    return message("“{text}”", text=text)


def quoted_list(texts: Sequence[str], kind: str = "and") -> str:
    """Texts in quotation marks, in a row."""
    made = [quoted(text) for text in texts]
    return made[0] if len(made) == 1 else listed(made, kind)


def as_said(bound: Bound | None, kind: FieldType) -> Value | None:
    """A bound as sentences have it: a year has no separators, and a day is told as it can be written."""
    return str(bound) if bound is not None and (kind == "year" or isinstance(bound, date)) else bound


def span_of(minimum: Value | None, maximum: Value | None, unit: str | None = None) -> Message:
    """Bounds with their unit: "at least 0 EUR"."""
    if minimum is None:
        span = message("at most {maximum}", maximum=maximum if maximum is not None else "")
    elif maximum is None:
        span = message("at least {minimum}", minimum=minimum)
    else:
        span = message("from {minimum} to {maximum}", minimum=minimum, maximum=maximum)
    return message("{span} {unit}", span=span, unit=unit) if unit else span


def codes_of(field: FieldDeclaration) -> tuple[str, ...]:
    """The codes that a column may hold; none where it is of no list."""
    limits = field.constraints
    found = tuple(reference.code_lists()[limits.code_list].codes) if limits.code_list else limits.enum or ()
    return (*found, TOTAL) if found and field.has_total else found


def title_of_code(code: str, code_list: str | None) -> str:
    """What a code is called, in both languages: the word that people write into a cell for it."""
    known = reference.code_lists()[code_list].codes.get(code) if code_list else None
    if known is not None:
        return in_languages(known.title, finnish=known.title_fi)
    return TOTAL_TITLE if code == TOTAL else code


def choice_of(codes: Sequence[str], code_list: str | None) -> str:
    """What to choose among, in a sentence."""
    if len(codes) > MOST_NAMED:
        title = reference.code_lists()[code_list].title if code_list else ""
        return message("Write an entry of the list “{title}”.", title=title) if title else message("Correct it.")
    titles = quoted_list([title_of_code(code, code_list) for code in codes], "or")
    if len(codes) == 1:
        return message("Write {value}.", value=titles)
    return message("Choose one of {choice}.", choice=titles)


def may_hold(field: FieldDeclaration) -> str:
    """What to write into a column: what it may hold, as far as the declaration says it."""
    if codes := codes_of(field):
        return choice_of(codes, field.constraints.code_list)
    form = form_of(field)
    if form is not None:
        return message("Write {form}, such as “{example}”.", form=form.words, example=form.example)
    return _by_type(field)


def _by_type(field: FieldDeclaration) -> str:
    limits = field.constraints
    match field.type:
        case "boolean":
            return message("Choose one of {choice}.", choice=quoted_list([message("yes"), message("no")], "or"))
        case "date" | "datetime" | "year" | "integer" | "number":
            if limits.minimum is None and limits.maximum is None:
                return _of_kind(field.type)
            low, high = as_said(limits.minimum, field.type), as_said(limits.maximum, field.type)
            return write_within(span_of(low, high), field.type)
        case _:
            return message("Fill it in.")


def _of_kind(kind: FieldType) -> Message:
    match kind:
        case "date" | "datetime":
            return message("Write a date, such as “{example}”.", example="2018-05-31")
        case "year":
            return message("Write a year of four digits, such as “{example}”.", example="2018")
        case "integer":
            return message("Write a whole number.")
        case _:
            return message("Write a number.")


def write_within(span: str, kind: FieldType) -> Message:
    """What to write where there are bounds."""
    match kind:
        case "date" | "datetime":
            return message("Write a date: {span}.", span=span)
        case "year":
            return message("Write a year: {span}.", span=span)
        case "integer":
            return message("Write a whole number: {span}.", span=span)
        case _:
            return message("Write a number: {span}.", span=span)


def with_help(advice: str, field: FieldDeclaration) -> str:
    """Advice, and then what the declaration says to whoever keeps the file."""
    return sentences(advice, in_languages(field.help, finnish=field.help_fi))
