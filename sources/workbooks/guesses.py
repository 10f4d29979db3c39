"""What a text may mean that is no value of its column, as texts that could be written instead.

These are proposals to the one who keeps the file, never read as values: "12 kpl" may be 12, "31.6.2016" the last
of June, "3.4.21" a day of 2021.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Iterator
from datetime import date

from sources.workbooks.cell_values import MAX_TEXT, CellValueError, clean_text, parse_amount, parse_integer

_NUMBER = re.compile(r"(?:(?<![0-9])[-−])?[0-9](?:[0-9 '’.,]*[0-9])?")
# Behind a number: it is a part, or so many times what it says, and without the word it is another one.
_SCALE = re.compile(
    r"\s?(?:[%‰]|(?:k|m|bn|mn|mrd|milj|tuh|tuhatta|miljoonaa|miljardia|thousand|million|billion)\b)", re.IGNORECASE
)
_MOST = 2  # of more numbers in a text, nobody knows which one is meant
_MONTHS = (
    ("jan", "tammi"), ("feb", "helmi"), ("mar", "maalis"), ("apr", "huhti"), ("may", "touko"), ("jun", "kesä"),
    ("jul", "heinä"), ("aug", "elo"), ("sep", "syys"), ("oct", "loka"), ("nov", "marras"), ("dec", "joulu"),
)  # fmt: skip
_THREE = re.compile(r"([0-9]{1,4})([./\-\s]{1,2})([0-9]{1,2})[./\-\s]{1,2}([0-9]{1,4})")
_SOLID = re.compile(r"([12][0-9]{3})([01][0-9])([0-3][0-9])")
_MONTH = re.compile(r"(?:([0-9]{1,2})[./\-]\s?)?([12][0-9]{3})(?:-([0-9]{1,2}))?")
_WORDED = re.compile(
    r"(?:([0-9]{1,2})(?:st|nd|rd|th)?[.\s]*)?(?:of\s)?([^\W\d_]{3,})[.,\s]*(?:([0-9]{1,2}),?\s+)?([0-9]{4})"
)
_THIS_CENTURY = 70  # a year of two digits below is of this century, as spreadsheets have it (1969 and 2068 apart)


def numbers_meant(text: str, *, is_whole: bool) -> list[str]:
    """The one or two numbers that stand in a text; for whole numbers the whole ones about it."""
    found: list[str] = []
    text = clean_text(text)[:MAX_TEXT]
    for match in _NUMBER.finditer(text):
        if _SCALE.match(text, match.end()):
            return []
        try:
            value = parse_amount(match[0])
        except CellValueError as error:
            if not error.meant:
                return []
            found += error.meant
            continue
        if is_whole and value != value.to_integral_value():
            found += [str(int(value // 1)), str(int(value // 1) + 1)]
        else:
            found.append(f"{value.normalize():f}")
    found = list(dict.fromkeys(found))
    return [one for one in found if not is_whole or _is_whole(one)] if len(found) <= _MOST else []


def _is_whole(text: str) -> bool:
    try:
        parse_integer(text, decimal_mark=".")
    except CellValueError:
        return False
    return True


def years_meant(text: str) -> list[str]:
    """The years of four digits in a text, where there are one or two."""
    found = list(dict.fromkeys(re.findall(r"(?<![0-9])[12][0-9]{3}(?![0-9])", text[:MAX_TEXT])))
    return found if len(found) <= _MOST else []


def days_meant(text: str) -> list[str]:
    """The days that a text may mean, as 2016-03-31: of a month its first, of no such day the month's last."""
    line = clean_text(text)[:MAX_TEXT].casefold()
    return list(dict.fromkeys(day.isoformat() for day in _days(line)))[:_MOST]


def _days(line: str) -> Iterator[date]:
    if match := _SOLID.search(line):
        yield from _day(match[1], match[2], match[3])
    elif match := _THREE.search(line):
        yield from _of_three(*match.groups())
    elif match := _WORDED.search(line):
        if month := _month_of(match[2]):
            yield from _day(match[4], str(month), match[1] or match[3] or "1")
    elif match := _MONTH.fullmatch(line):
        yield from _day(match[2], match[1] or match[3] or "1", "1")


def _of_three(first: str, mark: str, second: str, third: str) -> Iterator[date]:
    if len(first) > 2:
        yield from _day(first, second, third)
        yield from _day(first, third, second)
        return
    year = third if len(third) == 4 else str((2000 if int(third[-2:]) < _THIS_CENTURY else 1900) + int(third[-2:]))
    yield from _day(year, second, first)
    if int(second) > 12 or ("." not in mark and int(first) <= 12 and first != second):
        yield from _day(year, first, second)


def _day(year: str, month: str, day: str) -> Iterator[date]:
    """The day; the month's last one in place of one beyond it."""
    if int(year) >= 1000 and 1 <= int(month) <= 12 and 1 <= int(day) <= 31:
        last = monthrange(int(year), int(month))[1]
        yield date(int(year), int(month), min(int(day), last))


def _month_of(word: str) -> int:
    return next((number for number, begins in enumerate(_MONTHS, start=1) if word.startswith(begins)), 0)
