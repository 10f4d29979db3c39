"""How a column of a template may be filled: what is said of it, its format, what its cells accept."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from sources.workbooks.template.words import Words, description_of, help_of, title_of
from warehouse import reference
from warehouse.declarations import Constraints, FieldDeclaration, Privacy, Severity

# Excel's own limits of what a cell's validation may say.
_MESSAGE = 255
_TITLE = 32
_NO_LATER = date(2999, 12, 31)
_NO_EARLIER = date(1900, 1, 1)
_YEARS = (1000, 2999)
_LARGEST = 10**15  # a cell keeps fifteen digits


def choices_of(field: FieldDeclaration, words: Words) -> dict[str, str]:
    """What a column's drop-down offers, by code; empty where it has none. The reader knows each text again."""
    limits = field.constraints
    if limits.code_list is not None:
        codes = reference.code_lists()[limits.code_list].codes
        return {code: title_of(meaning, words) for code, meaning in codes.items()}
    if field.type == "boolean":
        return dict(zip(("true", "false"), words.yes_or_no, strict=True))
    return {value: value for value in limits.enum or ()}


def list_key(field: FieldDeclaration) -> str:
    """Which drop-down a column shares with others of the same choices."""
    if field.constraints.code_list is not None:
        return field.constraints.code_list
    return "boolean" if field.type == "boolean" else "enum " + " ".join(field.constraints.enum or ())


def mark_of(field: FieldDeclaration, words: Words) -> str:
    """What stands above a column's header: that it has to be filled in, or that nobody outside sees it."""
    said = [words.required] if field.constraints.required else []
    if field.privacy is not Privacy.PUBLIC:
        said.append(words.never_published if field.privacy is Privacy.PERSONAL else words.not_published)
    return ", ".join(said)


def allowed(field: FieldDeclaration, words: Words) -> str:
    """What a column's cells may hold, in words; empty where anything goes."""
    limits = field.constraints
    if choices_of(field, words):
        return words.choose
    kinds = {
        "integer": words.whole_number,
        "number": words.number,
        "date": words.day,
        "datetime": words.moment,
        "year": words.year,
    }
    said = [kinds.get(field.type, "")]
    if limits.minimum is not None and limits.maximum is not None:
        said.append(words.between.format(low=limits.minimum, high=limits.maximum))
    elif limits.minimum is not None:
        said.append(words.at_least.format(low=limits.minimum))
    elif limits.maximum is not None:
        said.append(words.at_most.format(high=limits.maximum))
    if limits.max_length is not None:
        said.append(words.longest.format(longest=limits.max_length))
    if field.unit:
        said.append(words.unit.format(unit=field.unit))
    return " ".join(text for text in said if text)


def note_on(field: FieldDeclaration, words: Words) -> str:
    """The note on a column's header."""
    mark = mark_of(field, words)
    parts = (
        description_of(field, words),
        mark[:1].upper() + mark[1:] + "." if mark else "",
        allowed(field, words),
        help_of(field, words),
    )
    return "\n".join(part for part in parts if part)


def number_format(field: FieldDeclaration) -> str:
    """The number format of a column's cells.

    Texts are texts, so a program makes no date of the id 1-2. A column that takes months as well as days has the
    usual format: in one of a day, 3/2026 would become the first of March, and nobody could tell. So has one whose
    number may be said with a word before it, or with a per cent sign, which a fixed format would swallow.
    """
    if field.type in ("string", "boolean"):
        return "@"
    if field.precision_in or field.qualifier_in or field.unit == "%":
        return "General"
    if field.type in ("integer", "year"):
        return "0"
    if field.type == "datetime":
        return "yyyy-mm-dd hh:mm"
    return field.column_type.xlsx_format or "General"


def width(field: FieldDeclaration, title: str, choices: Mapping[str, str]) -> float:
    """A column's width, in characters."""
    longest = field.constraints.max_length or 60
    own = {"string": 14 if longest <= 40 else 24 if longest <= 250 else 44, "datetime": 18}.get(field.type, 12)
    return min(max(own, len(title) + 3, *(len(text) + 4 for text in choices.values()), 10), 48)


def validation(field: FieldDeclaration, words: Words, choices_range: str) -> dict[str, Any] | None:
    """What a column's cells accept, in XlsxWriter's terms; None where anything goes.

    Args:
        field: the column.
        words: the language.
        choices_range: where its drop-down's texts stand; empty where it has none.
    """
    accepted = _accepted(field, choices_range)
    help_text = help_of(field, words)
    if accepted is None:
        if not help_text:
            return None
        accepted = {"validate": "any"}
    else:
        # A day may be written as a text, which the reader takes and a program's own check refuses.
        is_open = field.type in ("date", "datetime") or field.severity.rank > Severity.ERROR.rank
        accepted |= {
            "error_type": "warning" if is_open else "stop",
            "error_title": _cut(words.wrong, _TITLE),
            "error_message": _cut(f"{title_of(field, words)}: {allowed(field, words)}", _MESSAGE),
        }
    if help_text:
        accepted |= {
            "input_title": _cut(title_of(field, words), _TITLE),
            "input_message": _cut(help_text, _MESSAGE),
        }
    return {"ignore_blank": True, **accepted}


def _accepted(field: FieldDeclaration, choices_range: str) -> dict[str, Any] | None:
    limits = field.constraints
    if choices_range:
        return {"validate": "list", "source": choices_range}
    if field.precision_in or field.qualifier_in:  # a month or "about 12" is a text
        return None
    if field.type == "string":
        return _length(limits)
    if field.type in ("date", "datetime"):
        low, high = limits.minimum or _NO_EARLIER, limits.maximum or _NO_LATER
        return {"validate": "date", "criteria": "between", "minimum": _day(low), "maximum": _day(high)}
    lowest, highest = _YEARS if field.type == "year" else (-_LARGEST, _LARGEST)
    return {
        "validate": "decimal" if field.type == "number" else "integer",
        "criteria": "between",
        "minimum": lowest if limits.minimum is None else limits.minimum,
        "maximum": highest if limits.maximum is None else limits.maximum,
    }


def _length(limits: Constraints) -> dict[str, Any] | None:
    if limits.max_length is None:
        return None
    return {"validate": "length", "criteria": "<=", "value": limits.max_length}


def _day(bound: object) -> date:
    """A bound of dates, which a declaration has as a date or an ISO text; a sheet's calendar begins in 1900."""
    if isinstance(bound, datetime):
        found = bound.date()
    else:
        found = bound if isinstance(bound, date) else date.fromisoformat(str(bound))
    return max(found, _NO_EARLIER)


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else text[: longest - 1].rstrip() + "…"
