"""What people write into cells, as typed values.

Each function takes text and gives a value, or raises CellValueError with words for the person who wrote it.
They accept what can be read in one way only: "5 000,00 €" is an amount, "n. 5000" and "3.4.21" are questions.
"""

from __future__ import annotations

import re
import unicodedata
from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal

from warehouse.messages import message

MAX_TEXT = 60  # a longer text is no number and no date
_DASHES = frozenset("-–—−")
_MINUS = str.maketrans({"−": "-", "–": "-"})
_SPACE = re.compile(r"[^\S\n]+")
# Characters that cannot be seen, come along when text is pasted, and make two equal codes differ.
_INVISIBLE = re.compile("[\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]")
# In any language of Excel: "#N/A", "#REF!", "#NIMI?", "#JAKO/0!"; LibreOffice's "Err:508"; what Sheets shows
# meanwhile; what programs write for "nothing" when they are asked for text.
_ERROR_WORD = re.compile(
    r"#N/A(?: N/A)?|#n/a|#{3,}|#[A-ZÅÄÖÆØÜÉ][A-ZÅÄÖÆØÜÉ_/0-9 ]{1,24}[!?]|#GETTING_DATA|#PUUTTUU"
    r"|(?i:err):?\s?[0-9]{3}|(?i:loading|ladataan)\s?(?:\.\.\.|…)"
    r"|NaN|nan|NaT|NULL|<NA>|undefined|\[object Object\]"
)
# How ä, ö, é, € and typographic quotation marks begin. Other first bytes stand before quotation marks too: KESÄ”.
_SCRAMBLED = re.compile("[ÂÃ][\u00a0-¿€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ]|â[€‚]")
_DITTO = frozenset(
    {
        f"{dash}{mark}{dash}"
        for mark in ('"', "”", "“", "″", "〃", "''", ",,")
        for dash in ("", "-", "–", "—", "- ", " ")
    }
    | {f"{dash} {mark} {dash}" for mark in ('"', "”", "“", "″", "〃", "''") for dash in "-–—"}
    | {f"{mark}{dash}" for mark in ('"', "”", "″") for dash in "-–"}
    | {"do.", "id.", "idem", "ditto", "ibid.", "as above", "see above", "same as above", "sama", "sama kuin yllä"}
    | {"sama kuin edellä", "kuten yllä", "kuten edellä", "ks. yllä", "↑", "^"}
)
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
_OTHER_MARK = {".": ",", ",": "."}
_QUALIFIERS = {
    code: re.compile(rf"(?:{words})\s*", re.IGNORECASE)
    for code, words in {
        "about": r"n\.|noin\b|about\b|ca?\.|circa\b|ca\b|approx(?:imately\b|\.|\b)|around\b|suunnilleen\b|[~≈∼±]",
        "at_least": r">=|≥|at least\b|vähintään\b|min\.",
        "at_most": r"<=|≤|at most\b|enintään\b|up to\b|max\.",
        "more_than": r">|more than\b|over\b|yli\b",
        "less_than": r"<|less than\b|under\b|fewer than\b|alle\b",
    }.items()
}
_ISO_DATE = re.compile(r"([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})")
_DOTTED_DATE = re.compile(r"([0-9]{1,2})\.\s?([0-9]{1,2})\.\s?([0-9]{4})")
_SHORT_YEAR = re.compile(r"[0-9]{1,2}\.\s?[0-9]{1,2}\.\s?[0-9]{2}")
_SLASHED_DATE = re.compile(r"([0-9]{1,2})/([0-9]{1,2})/([0-9]{4})")
_MONTH = re.compile(r"([0-9]{4})-([0-9]{1,2})|([0-9]{1,2})[./]\s?([0-9]{4})")
_ISO_TIME = re.compile(
    r"(.{8,12}?)(?:T|\s+(?:klo\s+)?)([0-9]{1,2})[:.]([0-9]{2})(?:[:.]([0-9]{2})(?:[.,]([0-9]{1,9}))?)?\s*"
    r"(Z|[+-][0-9]{2}:?[0-9]{2})?"
)


class CellValueError(ValueError):
    """A cell's text is no value of the wanted type.

    ``why`` says why, in a clause after the value. ``meant`` are the values that it may mean, as texts to be
    written instead; None: nobody should guess. ``help`` says what to do where that is not to write another value.
    """

    def __init__(self, why: str, *meant: str, may_guess: bool = True, help_text: str = "") -> None:
        super().__init__(why)
        self.why = why
        self.help = help_text
        self.meant: tuple[str, ...] | None = meant if may_guess else None


def clean_text(text: str) -> str:
    """Text as meant: composed characters, ordinary spaces, nothing invisible, lines kept, nothing at the ends."""
    if text.isprintable():  # nearly every cell, and many times as fast: no space in it but the ordinary one
        text = unicodedata.normalize("NFC", text).strip()
        return _SPACE.sub(" ", text) if "  " in text else text
    text = unicodedata.normalize("NFC", _INVISIBLE.sub("", text).replace("\r\n", "\n").replace("\r", "\n"))
    # A vertical tab is how some programs break a line within a cell: it parts words, as a space does.
    kept = "".join(
        c if c == "\n" else " " if c.isspace() else c
        for c in text
        if c.isspace() or unicodedata.category(c) not in ("Cc", "Cs")
    )
    lines = (_SPACE.sub(" ", line).strip() for line in kept.split("\n"))
    return "\n".join(lines).strip()


def is_blank(text: str) -> bool:
    """Whether a cell's text stands for nothing: no text, or a dash."""
    text = clean_text(text)
    return not text or set(text) <= _DASHES


def is_error_word(text: str) -> bool:
    """Whether a text is what a program shows where a value should be: "#N/A", "#NIMI?", "Err:508", "Loading...".

    Copied as text, or exported to CSV, such a word is no value any more than in the cell it comes from.
    """
    return len(text) <= MAX_TEXT and _ERROR_WORD.fullmatch(clean_text(text)) is not None


def unscrambled(text: str) -> str | None:
    """What a text said before UTF-8 was taken for Windows text: "Kävely" of "KÃ¤vely"; None if it was not."""
    if not _SCRAMBLED.search(text):
        return None
    try:
        return text.encode("cp1252").decode("utf-8")
    except UnicodeError:
        return None


def is_ditto(text: str) -> bool:
    """Whether a text says "as above", by a mark or a word."""
    return len(text) <= MAX_TEXT and clean_text(text).casefold() in _DITTO


def _one_line(text: str) -> str:
    text = clean_text(text).replace("\n", " ")
    if len(text) > MAX_TEXT:
        raise CellValueError(message("it is a long text"))
    return text


def parse_amount(text: str, *, unit: str | None = None, decimal_mark: str | None = None) -> Decimal:
    """A number with or without its unit, in any usual way of writing it.

    "5 000 €", "EUR 5000", "5.000,00", "5,000.00" and "5000,-" are five thousand. Of one mark before exactly three
    digits ("5.000") nobody can tell whether it separates thousands, unless the column does.

    Args:
        text: the cell's text.
        unit: the column's unit; another one in the text is an error.
        decimal_mark: the column's decimal mark, if its other cells show one (see ``decimal_mark_of``).
    """
    return _amount(text, unit, decimal_mark, is_whole=False)


def decimal_mark_of(text: str, *, is_whole: bool = False) -> str | None:
    """The decimal mark that a number shows by the way it is written: ``.`` in "4999.500" and "1,234,567".

    Args:
        text: the cell's text.
        is_whole: the column holds whole numbers, so "1.234" can only be 1234.

    Returns:
        ``.`` or ``,``; None where the text is no number or leaves it open.
    """
    try:
        return _written(_parts(text)[2], is_whole=is_whole).decimal_mark
    except CellValueError:
        return None


def _amount(text: str, unit: str | None, decimal_mark: str | None, *, is_whole: bool) -> Decimal:
    word, sign, number, is_after = _parts(text)
    _check_unit(word, unit, is_after=is_after)
    written = _written(number, is_whole=is_whole)
    value = written.value
    if written.open_mark:
        grouped, fraction = Decimal(number.replace(written.open_mark, "")), value
        if decimal_mark is None:
            either = f"{grouped}", f"{fraction.normalize():f}"
            raise CellValueError(
                message("it is {one} or {other}: nobody can tell", one=either[0], other=either[1]), *either
            )
        value = fraction if written.open_mark == decimal_mark else grouped
    return -value if sign == "-" else value


def _parts(text: str) -> tuple[str | None, str, str, bool]:
    """The unit's word, the sign, the number, and whether the word stands after it."""
    match = _SIGN_AND_UNITS.fullmatch(_one_line(text).translate(_MINUS))
    if match is None or (match[1] and match[4]):
        raise CellValueError(message("it is not a number"))
    before, sign, number, after = match.groups()
    return before or after, sign, number, after is not None


def _check_unit(word: str | None, unit: str | None, *, is_after: bool) -> None:
    if word is None:
        return
    folded = word.casefold()
    meant = _CURRENCIES.get(folded) or _UNIT_WORDS.get(folded) or folded
    if unit is not None and (meant.casefold() == unit.casefold() or (meant in _PERCENT and unit in _PERCENT)):
        return
    if meant in _CURRENCIES.values() or meant in ("%", "m2"):
        if unit is None:
            raise CellValueError(message("it is in {given}, the column is without a unit", given=meant))
        raise other_unit(meant, unit)
    raise CellValueError(message("it is not a number alone") if is_after else message("it is not a plain number"))


def other_unit(given: str, wanted: str) -> CellValueError:
    """That an amount is in another unit than its column: nobody should take the number over."""
    why = message("it is in {given}, the column is in {wanted}", given=given, wanted=wanted)
    return CellValueError(why, may_guess=False)


@dataclass(frozen=True)
class _Written:
    """A number, the decimal mark it shows, and the mark that may as well separate thousands."""

    value: Decimal
    decimal_mark: str | None = None
    open_mark: str | None = None


def _written(number: str, *, is_whole: bool) -> _Written:
    no_cents = re.search(r"[.,]-+$", number)  # 5.000,-
    number = number[: no_cents.start()] if no_cents else number
    found = _bare(number, is_whole=is_whole or no_cents is not None)
    if no_cents is None:
        return found
    if found.open_mark:  # what stands before the dash are whole units
        return _Written(Decimal(number.replace(found.open_mark, "")), _OTHER_MARK[found.open_mark])
    if found.value != found.value.to_integral_value():
        raise CellValueError(message("it is not a plain number"))
    return found


def _bare(number: str, *, is_whole: bool) -> _Written:
    spaced = re.fullmatch(rf"({_DIGITS}{{1,3}}(?:{_GROUP_MARKS}{_DIGITS}{{3}})+)(?:([.,])({_DIGITS}+))?", number)
    if spaced:
        return _Written(Decimal(f"{re.sub(_GROUP_MARKS, '', spaced[1])}.{spaced[3] or '0'}"), spaced[2])
    for group, mark in (",.", ".,"):
        both = re.fullmatch(
            rf"({_DIGITS}{{1,3}}(?:\{group}{_DIGITS}{{3}})+)\{mark}({_DIGITS}+)", number
        )  # 5,000.00 or 5.000,00
        if both:
            return _Written(Decimal(f"{both[1].replace(group, '')}.{both[2]}"), mark)
        many = re.fullmatch(rf"{_DIGITS}{{1,3}}(?:\{group}{_DIGITS}{{3}}){{2,}}", number)  # 1.234.567
        if many:
            return _Written(Decimal(number.replace(group, "")), mark)
    single = re.fullmatch(rf"({_DIGITS}+)(?:([.,])({_DIGITS}+))?", number)
    if single is None:
        raise CellValueError(message("it is not a plain number"))
    whole, mark, rest = single[1], single[2], single[3]
    value = Decimal(f"{whole}.{rest or '0'}")
    if mark and len(rest) == 3 and len(whole) <= 3 and not whole.startswith("0"):
        if is_whole and rest.strip("0"):
            return _Written(Decimal(whole + rest), _OTHER_MARK[mark])
        return _Written(value, open_mark=mark)
    return _Written(value, mark)


def parse_integer(text: str, *, unit: str | None = None, decimal_mark: str | None = None) -> int:
    """A whole number: "12", "12.0", "1 234", "1.234"."""
    value = _amount(text, unit, decimal_mark, is_whole=decimal_mark is None)
    if value != value.to_integral_value():
        raise CellValueError(message("it is not a whole number"))
    if abs(value) >= 1 << 63:
        raise CellValueError(message("it is too large a number"))
    return int(value)


def parse_qualified(text: str) -> tuple[str, str] | None:
    """What stands before a number to say how it is meant, as a code of the list ``qualifier``, and the rest.

    "n. 12", "noin 12", "~12" and "about 12" are about 12; ">12", "yli 12" more than 12; "12+" at least 12.
    """
    line = _one_line(text)
    for code, pattern in _QUALIFIERS.items():
        if (match := pattern.match(line)) and (rest := line[match.end() :].strip()):
            return code, rest
    if match := re.fullmatch(r"(.*[0-9])\s?\+", line):
        return "at_least", match[1]
    return None


def parse_year(text: str) -> int:
    """A year of four digits."""
    line = _one_line(text)
    match = re.fullmatch(r"([0-9]{4})(?:[.,]0+)?", line)
    if match is None or match[1] < "1000":
        raise CellValueError(message("it is not a year of four digits"))
    return int(match[1])


def _date(year: str, month: str, day: str) -> date:
    if int(year) < 1000:
        raise CellValueError(message("its year has not four digits"))
    try:
        return date(int(year), int(month), int(day))
    except ValueError:
        raise CellValueError(message("there is no such day")) from None


def date_order_of(text: str) -> tuple[str, str] | None:
    """The mark between a date's parts and their order.

    The order is ``dmy``, ``mdy`` or, of dates that begin with the year, ``ymd`` or ``ydm``, where one part is
    no month; else ``either``. None for any other text, and where both orders are the same day.
    """
    line = clean_text(text)[:MAX_TEXT]
    if match := _ISO_DATE.match(line):
        mark, first, second = "-", int(match[2]), int(match[3])
        month_first, day_first = "ymd", "ydm"
    elif match := _DOTTED_DATE.match(line) or _SLASHED_DATE.match(line):
        mark, first, second = "./"["/" in match[0]], int(match[1]), int(match[2])
        month_first, day_first = "mdy", "dmy"
    else:
        return None
    if first == second or not (1 <= first <= 31 and 1 <= second <= 31) or min(first, second) > 12:
        return None
    return mark, "either" if max(first, second) <= 12 else month_first if second > 12 else day_first


def parse_date(text: str, *, order: str | None = None) -> date:
    """A day as 2016-03-31 or 31.3.2016; 31/3/2016 where day and month cannot be mixed up.

    Args:
        text: the cell's text. Of a moment with an offset its day is read as it is written.
        order: ``dmy`` or ``mdy``, if the column's other dates with slashes show it (see ``date_order_of``).
    """
    line = _one_line(text)
    if match := _ISO_DATE.fullmatch(line):
        return _date(*match.groups())
    if match := _DOTTED_DATE.fullmatch(line):
        return _date(match[3], match[2], match[1])
    if match := _SLASHED_DATE.fullmatch(line):
        first, second = int(match[1]), int(match[2])
        if first != second and first <= 12 and second <= 12 and order is None:
            raise CellValueError(message("day and month can be mixed up"))
        is_us = second > 12 or (first <= 12 and order == "mdy")
        month, day = (match[1], match[2]) if is_us else (match[2], match[1])
        return _date(match[3], month, day)
    if _SHORT_YEAR.fullmatch(line):
        raise CellValueError(message("its year has two digits only"))
    if match := _ISO_TIME.fullmatch(line):  # 2016-03-31 00:00:00, as an export writes a day
        parse_datetime(line, order=order)
        return parse_date(match[1], order=order)
    if re.fullmatch(r"[0-9]{4}", line):
        raise CellValueError(message("it is a year, not a day"))
    if _MONTH.fullmatch(line):
        raise CellValueError(message("it is a month, not a day"))
    raise CellValueError(message("it is not a date"))


@dataclass(frozen=True)
class PartialDate:
    """A month or a year: its first and its last day. ``precision`` is a code of the list date_precision."""

    first: date
    last: date
    precision: str

    def __str__(self) -> str:
        return f"{self.first:%Y-%m}" if self.precision == "month" else f"{self.first:%Y}"


def month_of(year: int, month: int) -> PartialDate:
    """A whole month."""
    return PartialDate(date(year, month, 1), date(year, month, monthrange(year, month)[1]), "month")


def year_of(year: int) -> PartialDate:
    """A whole year."""
    return PartialDate(date(year, 1, 1), date(year, 12, 31), "year")


def parse_partial_date(text: str) -> PartialDate | None:
    """A month as 5/2016, 5.2016 or 2016-05, or a year of four digits; None for any other text."""
    line = _one_line(text)
    if re.fullmatch(r"[12][0-9]{3}", line):
        return year_of(int(line))
    match = _MONTH.fullmatch(line)
    if match is None:
        return None
    year, month = (match[1], match[2]) if match[1] else (match[4], match[3])
    return month_of(int(year), int(month)) if 1 <= int(month) <= 12 and int(year) >= 1000 else None


def parse_datetime(text: str, *, order: str | None = None) -> datetime:
    """A moment: a date, then hours and minutes. With an offset it becomes UTC; without, it stays as it is."""
    line = _one_line(text)
    match = _ISO_TIME.fullmatch(line)
    if match is None:
        return datetime.combine(parse_date(line, order=order), time())
    day, hour, minute, second, fraction, zone = match.groups()
    if _ISO_TIME.fullmatch(day):
        raise CellValueError(message("it is not a date"))
    on = parse_date(day, order=order)
    try:
        stamp = datetime.combine(
            on, time(int(hour), int(minute), int(second or 0), int((fraction or "0")[:6].ljust(6, "0")))
        )
        if zone and zone != "Z":
            zone = zone if ":" in zone else f"{zone[:3]}:{zone[3:]}"
            stamp = datetime.fromisoformat(stamp.isoformat() + zone).astimezone(UTC).replace(tzinfo=None)
    except (ValueError, OverflowError):
        raise CellValueError(message("there is no such time")) from None
    return stamp


def parse_boolean(text: str) -> bool:
    """Yes or no, in English or Finnish; a tick is a yes."""
    word = _one_line(text).casefold()
    if word in _YES:
        return True
    if word in _NO:
        return False
    raise CellValueError(message("it is neither yes nor no"))
