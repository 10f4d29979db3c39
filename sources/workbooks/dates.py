"""A cell as a day, a moment or a year."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time

from sources.workbooks.cell_values import (
    CellValueError,
    PartialDate,
    date_order_of,
    month_of,
    parse_date,
    parse_datetime,
    parse_partial_date,
    parse_year,
    year_of,
)
from sources.workbooks.guesses import days_meant
from sources.workbooks.numbers import power_shown
from sources.workbooks.one_cell import OneCell
from warehouse.messages import message
from warehouse.sheets import shown_value
from warehouse.sheets.number_formats import shown_number
from warehouse.sheets.xlsx import serial_date

_SERIALS = (20_000, 80_000)  # 1954 to 2119: what a day in a cell formatted as a number can be


def as_date(one: OneCell) -> date:
    """The day; of a month or a year its first or last, where another column says how exact it is."""
    partial = _partial(one)
    if partial is None or one.declared.precision_in is None:
        return _moment(one, parse_date).date()
    day = partial.last if one.declared.partial_date == "last" else partial.first
    _imply_precision(one, one.declared.precision_in, partial.precision)
    one.read_as(f"{day} ({partial.precision})")
    return day


def as_datetime(one: OneCell) -> datetime:
    """The moment; with an offset in UTC."""
    stamp = _moment(one, parse_datetime)
    return stamp if stamp.tzinfo is None else stamp.astimezone(UTC).replace(tzinfo=None)


def as_year(one: OneCell) -> int:
    """The year, also of a cell that a spreadsheet shows as a day."""
    value = one.value
    if isinstance(value, datetime):
        # 2016 in a cell formatted as a date shows as a day in 1905.
        first = datetime(1904, 1, 1) if one.layout.sheet.has_1904_dates else datetime(1899, 12, 30)
        serial = (value - first).days
        if not 1900 <= serial <= 2100:
            raise CellValueError(message("it is a date, not a year"))
        return serial
    power_shown(one)
    return parse_year(shown_value(value))


def _partial(one: OneCell) -> PartialDate | None:
    """The month or year a cell says, where its column may hold one."""
    value = one.value
    if one.declared.precision_in is None:
        return None
    if isinstance(value, str):
        return parse_partial_date(value)
    if isinstance(value, int) and not isinstance(value, bool) and 1000 <= value <= 2999:
        return year_of(value)
    if isinstance(value, datetime) and value.day == 1:
        return _shown_partial(value, one.cell.number_format)
    return None


def _shown_partial(value: datetime, number_format: str) -> PartialDate | None:
    """5/2016, which a spreadsheet made a date of: shown as "May-16"."""
    shows = re.sub(r'"[^"]*"|\[[^\]]*\]|\\.', "", number_format.split(";")[0]).casefold()
    if "y" not in shows or "d" in shows:
        return None
    if "m" in shows:
        return month_of(value.year, value.month)
    return year_of(value.year) if value.month == 1 else None


def _imply_precision(one: OneCell, link: str, precision: str) -> None:
    """Note how exact the row's dates are: of two the coarser one, which is true of both."""
    before = one.row.implied.get(link)
    if before is None:
        one.imply(link, precision)
    elif precision == "year":
        one.row.implied[link] = precision


def _moment(one: OneCell, parse: Callable[..., date | datetime]) -> datetime:
    value = one.value
    if isinstance(value, datetime):
        return _unswapped(one, value)
    if isinstance(value, bool | time):
        raise CellValueError(message("it is not a date"))
    if isinstance(value, int | float):
        return _serial(one, value)
    found = _written(one, value, parse) if isinstance(value, str) else value
    if isinstance(found, datetime):
        return found
    if isinstance(found, date):
        return datetime.combine(found, time())
    raise CellValueError(message("it is not a date"))


def _unswapped(one: OneCell, value: datetime) -> datetime:
    if one.evidence.may_be_swapped and value.day != value.month:
        swapped = value.replace(month=value.day, day=value.month)
        either = f"{value:%Y-%m-%d}", f"{swapped:%Y-%m-%d}"
        raise CellValueError(
            message(
                "it is {one} or {other}: the column's texts show that days were taken for months",
                one=either[0],
                other=either[1],
            ),
            *either,
        )
    return value


def _serial(one: OneCell, value: int | float) -> datetime:
    """The day that a number means which is formatted as one."""
    shows = shown_number(value, one.cell.number_format)
    stamp = None
    if not (shows.has_number and (shows.before or shows.after or shows.power)) and (
        _SERIALS[0] <= value <= _SERIALS[1]
    ):
        stamp = serial_date(value, has_1904_dates=one.layout.sheet.has_1904_dates)
    if not isinstance(stamp, datetime):
        raise CellValueError(message("it is a number, not a date"))
    return stamp


def _written(one: OneCell, text: str, parse: Callable[..., date | datetime]) -> date | datetime:
    mark, order = date_order_of(text) or ("", "")
    if mark in one.evidence.doubtful_marks and order == "either":
        raise CellValueError(
            message("day and month can be mixed up: other dates of the column have the month first"),
            *days_meant(text.replace(".", "/")),
        )
    found = parse(text, order=one.evidence.date_order)
    if (mark, order) == ("/", "either"):
        one.read_as(f"{found:%Y-%m-%d}")
    return found
