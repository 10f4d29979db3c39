"""What a number format makes of the value in its cell.

A cell that holds 7 may show P-0007, one that holds 0.5 may show 50 %, and one that holds 5000 may show 5 k€. Who
fills in a workbook sees the one and never the other. The language is that of ECMA-376, part 1, 18.8.31.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache

_TOKEN = re.compile(
    r'"(?P<quoted>[^"]*)"?'
    r"|\\(?P<escaped>.?)"
    r"|_(?P<width>.?)|\*(?P<fill>.?)"  # as wide as a character; a character that fills the cell
    r"|\[(?P<bracket>[^\]]*)\]?"
    r"|(?P<general>general)"
    r"|(?P<exponent>e[+-])"
    r"|(?P<halves>am/pm|a/p)"
    r"|(?P<place>[0#?])"
    r"|(?P<mark>[.,%@;/])"
    r"|(?P<moment>[dmyhs])"
    r"|(?P<other>.)",
    re.IGNORECASE | re.DOTALL,
)
_ELAPSED = re.compile(r"h+|m+|s+", re.IGNORECASE)
_CONDITION = re.compile(r"(<=|>=|<>|=|<|>)(-?[0-9]{1,15}(?:\.[0-9]{1,15})?)")
# A krona is not a krone: whose it is says the place that stands beside it.
_KRONOR = {"41D": "SEK", "81D": "SEK", "414": "NOK", "814": "NOK", "406": "DKK", "40F": "ISK", "438": "DKK"}
_SMALLEST, _LARGEST = Decimal("1e-9"), Decimal("1e15")  # a spreadsheet keeps fifteen digits
_MAX_CODE = 2_000  # Excel's own limit is 255


@dataclass(frozen=True)
class _Section:
    """One of up to four parts of a format. A token is its kind (text, place, mark, ...) and its text."""

    tokens: tuple[tuple[str, str], ...]
    condition: tuple[str, Decimal] | None
    is_moment: bool
    is_elapsed: bool


@dataclass(frozen=True)
class Shown:
    """What a format shows of a number.

    ``before`` and ``after`` are the words and signs around its digits, per cent included; ``inside`` what stands
    between them. ``has_number`` is False where the format shows words alone, or nothing. ``power`` is by how many
    powers of ten what is shown differs from what is stored: 2 for per cent, -3 for thousands. ``text`` is all of
    it, with a point before decimals and thousands not set apart; None where that cannot be told for sure.
    """

    before: str
    after: str
    inside: str
    has_number: bool
    power: int
    text: str | None


@lru_cache(maxsize=1024)
def _sections(code: str) -> tuple[_Section, ...]:
    parts: list[list[tuple[str, str]]] = [[]]
    for match in _TOKEN.finditer(code[:_MAX_CODE]):
        kind, text = match.lastgroup or "other", match[match.lastgroup or 0]
        if kind == "mark" and text == ";":
            parts.append([])
        else:
            parts[-1].append((kind, text))
    return tuple(_section(part) for part in parts[:4])


def _section(raw: list[tuple[str, str]]) -> _Section:
    tokens: list[tuple[str, str]] = []
    condition = None
    is_elapsed = False
    kinds = {kind for kind, _ in raw}
    # 00 after a point shows parts of a second; a place anywhere else makes it a number: "#,##0 USD" is no date.
    letters = "".join(
        "0" if kind == "place" else text.lower() if kind in ("moment", "mark") else " " for kind, text in raw
    )
    is_moment = bool({"moment", "halves"} & kinds) and "0" not in re.sub(r"s\.0+", "s", letters)
    for kind, text in raw:
        if kind in ("quoted", "escaped"):
            tokens.append(("text", text))
        elif kind == "bracket":
            if text.startswith("$"):
                sign, _, place = text[1:].partition("-")
                tokens.append(("text", _KRONOR.get(place.upper(), sign) if sign.casefold() == "kr" else sign))
            elif found := _CONDITION.fullmatch(text):
                condition = (found[1], Decimal(found[2]))
            elif _ELAPSED.fullmatch(text):
                is_elapsed = True
        elif kind in ("place", "mark", "exponent", "general"):
            tokens.append((kind, text))
        elif kind in ("moment", "halves", "other"):
            tokens.append(("text" if text in " -+()$€£¥:!^&'~{}<>=" else "other", text))
    return _Section(tuple(tokens), condition, is_moment and not is_elapsed, is_elapsed)


def is_moment(code: str) -> bool:
    """Whether a format shows a number as a day or a time of day. An elapsed time (``[h]:mm``) is none."""
    return _sections(code)[0].is_moment


def is_elapsed(code: str) -> bool:
    """Whether a format shows a number as a length of time."""
    return _sections(code)[0].is_elapsed


def _holds(condition: tuple[str, Decimal], value: Decimal) -> bool:
    sign, limit = condition
    return {
        "<": value < limit, ">": value > limit, "=": value == limit,
        "<=": value <= limit, ">=": value >= limit, "<>": value != limit,
    }[sign]  # fmt: skip


def _chosen(sections: tuple[_Section, ...], value: Decimal) -> tuple[_Section, bool]:
    """The section for a value, and whether the sign is shown before it as before a plain number."""
    numeric = sections[:3]
    if any(section.condition for section in numeric):
        for section in numeric:
            if section.condition is None or _holds(section.condition, value):
                return section, True
        return numeric[-1], True
    if len(numeric) == 1 or value > 0 or (value == 0 and len(numeric) == 2):
        return numeric[0], len(numeric) == 1
    return numeric[1 if value < 0 else 2], False


def shown_number(value: int | float, code: str) -> Shown:
    """What a cell with this number format shows of a number."""
    exact = Decimal(repr(value))
    section, is_signed = _chosen(_sections(code or "General"), exact)
    tokens = section.tokens
    places = [index for index, (kind, _) in enumerate(tokens) if kind in ("place", "general")]
    percents = sum(text == "%" for kind, text in tokens if kind == "mark")

    def words(part: tuple[tuple[str, str], ...]) -> str:
        return "".join(text for kind, text in part if kind in ("text", "other") or text == "%").strip()

    text: str | None
    if not places:
        text = words(tokens)
        is_sure = not section.is_elapsed and not section.is_moment and all(kind == "text" for kind, _ in tokens)
        return Shown(text, "", "", has_number=False, power=2 * percents, text=text if is_sure else None)
    first, last = places[0], places[-1]
    tail = last + 1
    while tail < len(tokens) and tokens[tail] == ("mark", ","):
        tail += 1  # each comma after the last place leaves out three digits
    inside = tokens[first:tail]
    power = 2 * percents - 3 * (tail - last - 1)
    before, after = words(tokens[:first]), words(tokens[tail:])
    body = None
    if (
        not section.is_elapsed
        and not section.is_moment
        and power in (0, 2)
        and not any(k == "other" for k, _ in tokens)
    ):
        body = _digits(abs(exact).scaleb(power), inside)
    text = None
    if body is not None:
        around = [
            "".join(t for k, t in part if k == "text" or t == "%") for part in (tokens[:first], tokens[tail:])
        ]
        sign = "-" if exact < 0 and is_signed else ""
        text = f"{sign}{around[0]}{body}{around[1]}".strip()
        if exact < 0 and is_signed and any(section.condition for section in _sections(code)):
            text = None  # whether the sign is shown depends on the condition
    marks = "".join(text for kind, text in inside if kind not in ("place", "general") and text not in ",.")
    return Shown(before, after, marks.strip(), has_number=True, power=power, text=text)


def _digits(value: Decimal, tokens: tuple[tuple[str, str], ...]) -> str | None:
    """The digits of a number in the places of a format, or None where they are not all shown as they are."""
    if value and not _SMALLEST <= value < _LARGEST:
        return None
    if tokens == (("general", tokens[0][1]),):
        return f"{Decimal(f'{value:.15g}').normalize():f}"
    kinds = [text if kind == "mark" else kind for kind, text in tokens]
    if not set(kinds) <= {"place", "text", ",", "."} or kinds.count(".") > 1:
        return None
    point = kinds.index(".") if "." in kinds else len(tokens)
    decimals = [text for kind, text in tokens[point + 1 :] if kind == "place"]
    if {"text", ","} & set(kinds[point:]) or (point < len(tokens) and not 1 <= len(decimals) <= 15):
        return None
    rounded = value.quantize(Decimal(1).scaleb(-len(decimals)), ROUND_HALF_UP)
    if abs(rounded - value) > Decimal("1e-9") * max(Decimal(1), value):
        return None  # what is shown is not what is there
    whole, _, fraction = f"{rounded:f}".partition(".")
    needed = max((index + 1 for index, place in enumerate(decimals) if place == "0"), default=0)
    fraction = fraction[:needed] + fraction[needed:].rstrip("0")
    if point < len(tokens) and not fraction:
        return None
    return _whole_digits(whole.lstrip("0"), tokens[:point]) + (f".{fraction}" if fraction else "")


def _whole_digits(digits: str, tokens: tuple[tuple[str, str], ...]) -> str:
    """Digits in the places before the point, from the last place to the first."""
    left = list(digits)
    shown: list[str] = []
    first = next((index for index, (kind, _) in enumerate(tokens) if kind == "place"), None)
    for index, (kind, text) in reversed(list(enumerate(tokens))):
        if kind == "text":
            shown.append(text[::-1])
        elif kind == "place":
            if left:
                shown.append(left.pop())
            elif text == "0":
                shown.append("0")
            if index == first:  # what has no place of its own stands before the first one
                shown.extend(reversed(left))
    return "".join(shown)[::-1]


def shown_text(value: str, code: str) -> str:
    """What a cell with this number format shows of a text: most show it as it is."""
    sections = _sections(code or "General")
    section = sections[3] if len(sections) == 4 else sections[-1]
    if len(sections) < 4 and ("mark", "@") not in section.tokens:
        return value
    return "".join(
        value if text == "@" else text for kind, text in section.tokens if kind == "text" or text == "@"
    )
