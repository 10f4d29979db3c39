"""What people write into cells, as typed values.

Each function takes text and gives a value, or raises CellValueError with words for the person who wrote it.
They accept what can be read in one way only: "5 000,00 €" is an amount, "n. 5000" and "3.4.21" are questions.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, date, datetime, time
from decimal import Decimal

MAX_TEXT = 60  # a longer text is no number and no date
_DASHES = frozenset("-–—−")
_MINUS = str.maketrans({"−": "-", "–": "-"})
_SPACE = re.compile(r"[^\S\n]+")
# Characters that cannot be seen, come along when text is pasted, and make two equal codes differ.
_INVISIBLE = re.compile("[\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]")
_YES = frozenset({"yes", "y", "true", "1", "kyllä", "kylla", "k", "x", "✓", "tosi"})
_NO = frozenset({"no", "n", "false", "0", "ei", "e", "epätosi"})
_CURRENCIES = {
    "€": "EUR",
    "eur": "EUR",
    "euro": "EUR",
    "euros": "EUR",
    "euroa": "EUR",
    "£": "GBP",
    "gbp": "GBP",
    "$": "USD",
    "usd": "USD",
    "kr": "SEK",
    "sek": "SEK",
}
_UNIT_WORDS = {"m²": "m2", "sqm": "m2", "neliötä": "m2", "prosenttia": "%", "percent": "%", "hlö": "people"}
_PERCENT = frozenset({"%", "percent", "pct"})
_SIGN_AND_UNITS = re.compile(r"([^\W\d_]+[23²]?|[€£$%])?\s*([+-]?)\s*(.*?)\s*([^\W\d_]+[23²]?|[€£$%])?", re.DOTALL)
_DIGITS = r"[0-9]"
_GROUP_MARKS = r"[ '’]"
_ISO_DATE = re.compile(r"([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})")
_DOTTED_DATE = re.compile(r"([0-9]{1,2})\.\s?([0-9]{1,2})\.\s?([0-9]{4})")
_SHORT_YEAR = re.compile(r"[0-9]{1,2}\.\s?[0-9]{1,2}\.\s?[0-9]{2}")
_SLASHED_DATE = re.compile(r"([0-9]{1,2})/([0-9]{1,2})/([0-9]{4})")
_ISO_TIME = re.compile(
    r"(.{8,12}?)(?:T|\s+(?:klo\s+)?)([0-9]{1,2})[:.]([0-9]{2})(?:[:.]([0-9]{2})(?:[.,]([0-9]{1,9}))?)?\s*"
    r"(Z|[+-][0-9]{2}:?[0-9]{2})?"
)


class CellValueError(ValueError):
    """A cell's text is no value of the wanted type; the message says why, in a clause after the value."""


def clean_text(text: str) -> str:
    """Text as meant: composed characters, ordinary spaces, nothing invisible, lines kept, nothing at the ends."""
    text = unicodedata.normalize("NFC", _INVISIBLE.sub("", text).replace("\r\n", "\n").replace("\r", "\n"))
    kept = "".join(c for c in text if c in "\n\t" or unicodedata.category(c) not in ("Cc", "Cs"))
    lines = (_SPACE.sub(" ", line).strip() for line in kept.split("\n"))
    return "\n".join(lines).strip()


def is_blank(text: str) -> bool:
    """Whether a cell's text stands for nothing: no text, or a dash."""
    text = clean_text(text)
    return not text or set(text) <= _DASHES


def _one_line(text: str) -> str:
    text = clean_text(text).replace("\n", " ")
    if len(text) > MAX_TEXT:
        raise CellValueError("it is a long text")
    return text


def parse_amount(text: str, *, unit: str | None = None, decimals: int | None = None) -> Decimal:
    """A number with or without its unit, in any usual way of writing it.

    "5 000 €", "EUR 5000", "5.000,00", "5,000.00" and "5000,-" are five thousand. One mark before exactly three
    digits ("5.000") separates thousands if the column has at most two decimals; else nobody can tell.

    Args:
        text: the cell's text.
        unit: the column's unit; another one in the text is an error.
        decimals: how many the column has.
    """
    body = _one_line(text).translate(_MINUS)
    match = _SIGN_AND_UNITS.fullmatch(body)
    if match is None:
        raise CellValueError("it is not a number")
    before, sign, number, after = match.groups()
    if before and after:
        raise CellValueError("it is not a number")
    _check_unit(before or after, unit, is_after=after is not None)
    number = re.sub(r"[.,]-+$", "", number)
    value = _plain_number(number, decimals)
    return -value if sign == "-" else value


def _check_unit(word: str | None, unit: str | None, *, is_after: bool) -> None:
    if word is None:
        return
    folded = word.casefold()
    meant = _CURRENCIES.get(folded) or _UNIT_WORDS.get(folded) or folded
    if unit is not None and (meant.casefold() == unit.casefold() or (meant in _PERCENT and unit in _PERCENT)):
        return
    if meant in _CURRENCIES.values() or meant in ("%", "m2"):
        wanted = f"in {unit}" if unit else "without a unit"
        raise CellValueError(f"it is in {meant}, the column is {wanted}")
    raise CellValueError("it is not a number alone" if is_after else "it is not a plain number")


def _plain_number(number: str, decimals: int | None) -> Decimal:
    spaced = re.fullmatch(rf"({_DIGITS}{{1,3}}(?:{_GROUP_MARKS}{_DIGITS}{{3}})+)(?:[.,]({_DIGITS}+))?", number)
    if spaced:
        return Decimal(f"{re.sub(_GROUP_MARKS, '', spaced[1])}.{spaced[2] or '0'}")
    for group, mark in (",.", ".,"):
        both = re.fullmatch(
            rf"({_DIGITS}{{1,3}}(?:\{group}{_DIGITS}{{3}})+)\{mark}({_DIGITS}+)", number
        )  # 5,000.00 or 5.000,00
        if both:
            return Decimal(f"{both[1].replace(group, '')}.{both[2]}")
        many = re.fullmatch(rf"{_DIGITS}{{1,3}}(?:\{group}{_DIGITS}{{3}}){{2,}}", number)  # 1.234.567
        if many:
            return Decimal(number.replace(group, ""))
    single = re.fullmatch(rf"({_DIGITS}+)(?:([.,])({_DIGITS}+))?", number)
    if single is None:
        raise CellValueError("it is not a plain number")
    whole, mark, rest = single[1], single[2], single[3]
    if mark and len(rest) == 3 and len(whole) <= 3 and not whole.startswith("0"):
        if decimals is None or decimals > 2:
            raise CellValueError(f"it is {whole}{rest} or {whole} and a fraction: nobody can tell")
        return Decimal(whole + rest)
    return Decimal(f"{whole}.{rest or '0'}")


def parse_integer(text: str, *, unit: str | None = None) -> int:
    """A whole number: "12", "12.0", "1 234", "1.234"."""
    value = parse_amount(text, unit=unit, decimals=0)
    if value != value.to_integral_value():
        raise CellValueError("it is not a whole number")
    if abs(value) >= 1 << 63:
        raise CellValueError("it is too large a number")
    return int(value)


def parse_year(text: str) -> int:
    """A year of four digits."""
    line = _one_line(text)
    match = re.fullmatch(r"([0-9]{4})(?:[.,]0+)?", line)
    if match is None or match[1] < "1000":
        raise CellValueError("it is not a year of four digits")
    return int(match[1])


def _date(year: str, month: str, day: str) -> date:
    try:
        return date(int(year), int(month), int(day))
    except ValueError:
        raise CellValueError("there is no such day") from None


def parse_date(text: str) -> date:
    """A day as 2016-03-31 or 31.3.2016; 31/3/2016 where day and month cannot be mixed up."""
    line = _one_line(text)
    if match := _ISO_DATE.fullmatch(line):
        return _date(*match.groups())
    if match := _DOTTED_DATE.fullmatch(line):
        return _date(match[3], match[2], match[1])
    if match := _SLASHED_DATE.fullmatch(line):
        first, second = int(match[1]), int(match[2])
        if first != second and first <= 12 and second <= 12:
            raise CellValueError("day and month can be mixed up")
        month, day = (match[1], match[2]) if second > 12 else (match[2], match[1])
        return _date(match[3], month, day)
    if _SHORT_YEAR.fullmatch(line):
        raise CellValueError("its year has two digits only")
    if match := _ISO_TIME.fullmatch(line):  # 2016-03-31 00:00:00, as an export writes a day
        return parse_datetime(line).date()
    if re.fullmatch(r"[0-9]{4}", line):
        raise CellValueError("it is a year, not a day")
    if re.fullmatch(r"[0-9]{4}-[0-9]{1,2}|[0-9]{1,2}[./][0-9]{4}", line):
        raise CellValueError("it is a month, not a day")
    raise CellValueError("it is not a date")


def parse_datetime(text: str) -> datetime:
    """A moment: a date, then hours and minutes. With an offset it becomes UTC; without, it stays as it is."""
    line = _one_line(text)
    match = _ISO_TIME.fullmatch(line)
    if match is None:
        return datetime.combine(parse_date(line), time())
    day, hour, minute, second, fraction, zone = match.groups()
    if _ISO_TIME.fullmatch(day):
        raise CellValueError("it is not a date")
    on = parse_date(day)
    try:
        stamp = datetime.combine(
            on, time(int(hour), int(minute), int(second or 0), int((fraction or "0")[:6].ljust(6, "0")))
        )
        if zone and zone != "Z":
            zone = zone if ":" in zone else f"{zone[:3]}:{zone[3:]}"
            stamp = datetime.fromisoformat(stamp.isoformat() + zone).astimezone(UTC).replace(tzinfo=None)
    except (ValueError, OverflowError):
        raise CellValueError("there is no such time") from None
    return stamp


def parse_boolean(text: str) -> bool:
    """Yes or no, in English or Finnish; a tick is a yes."""
    word = _one_line(text).casefold()
    if word in _YES:
        return True
    if word in _NO:
        return False
    raise CellValueError("it is neither yes nor no")
