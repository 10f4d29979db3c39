"""A cell as a number: what its number format shows counts as if it were written."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable
from datetime import date, datetime, time
from decimal import ROUND_HALF_EVEN, Decimal
from typing import TypeVar

from sources.workbooks.cell_values import (
    CellValueError,
    other_unit,
    parse_amount,
    parse_integer,
    parse_qualified,
)
from sources.workbooks.one_cell import OneCell
from sources.workbooks.words import quoted
from warehouse.declarations import Severity
from warehouse.findings import shown
from warehouse.messages import message
from warehouse.sheets import shown_value
from warehouse.sheets.number_formats import Shown, is_elapsed, shown_number

_N = TypeVar("_N", Decimal, int)


def as_number(one: OneCell) -> Decimal | float:
    """The number, exact where its field has decimals."""
    value = one.value
    if isinstance(value, bool | datetime | date | time):
        raise CellValueError(message("it is not a number"))
    if isinstance(value, str):
        amount = _counted(one, parse_amount)
    else:
        amount = Decimal(repr(value)).scaleb(power_shown(one))
    decimals = one.declared.decimals
    if decimals is None:
        return float(amount)
    if abs(amount) >= Decimal(10) ** (18 - decimals):
        raise CellValueError(message("it is too large a number"))
    exact = amount.quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_EVEN)
    if abs(exact - amount) > Decimal("1e-9") * max(Decimal(1), abs(amount)):
        one.told.add(
            "rounded",
            Severity.WARNING,
            message(
                "{heading}: {value} was rounded to {decimals} decimals.",
                heading=one.told.names[one.declared.name],
                value=str(one.quote(shown_value(value))),
                decimals=decimals,
            ),
            message("Write it with at most {decimals} decimals.", decimals=decimals)
            if one.declared.is_withheld
            else message(
                "Write {value}: at most {decimals} decimals.", value=quoted(f"{exact:f}"), decimals=decimals
            ),
            row_number=one.row.number,
            column_name=one.declared.name,
            value=shown(shown_value(value), one.declared),
        )
    return exact


def as_integer(one: OneCell) -> int:
    """The whole number."""
    value = one.value
    if isinstance(value, str):
        return _counted(one, parse_integer)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise CellValueError(message("it is not a whole number"))
    power_shown(one)
    if abs(value - round(value)) > 1e-9 * max(1.0, abs(value)) or abs(value) >= 1 << 63:
        raise CellValueError(message("it is not a whole number"))
    return round(value)


def power_shown(one: OneCell) -> int:
    """What only a number's format shows counts as if it were written: 50 %, 5 k€, 6000 kr.

    Returns:
        By how many powers of ten the number that is shown is greater: 2 for per cent.

    Raises:
        CellValueError: as text the cell could not be read either.
    """
    value, code, unit = one.value, one.cell.number_format, one.declared.unit
    if not isinstance(value, int | float):
        return 0
    if is_elapsed(code):
        raise CellValueError(message("its number format shows a length of time"))
    shows = shown_number(value, code)
    words = [word.strip(" \u00a0-–−()+") for word in (shows.before, shows.after)]
    if not shows.has_number and (value or not shows.before or words[0]):
        if not shows.before:
            raise CellValueError(message("its number format shows nothing of it"))
        said = str(one.quote(shows.before))
        raise CellValueError(message("its number format shows {text} in place of it", text=said))
    _check_digits(shows)
    for word in words:
        if re.fullmatch("[A-Z]{3}", word) and re.fullmatch("[A-Z]{3}", unit or "") and word != unit:
            raise other_unit(word, str(unit))
    if shows.has_number:
        parse_amount(f"{words[0]} 1 {words[1]}", unit=unit)
    return shows.power


def _check_digits(shows: Shown) -> None:
    if shows.power < 0:
        raise CellValueError(message("its number format leaves out thousands"))
    if shows.inside and shows.text:
        raise CellValueError(message("its number format puts signs between the digits"))


def _counted(one: OneCell, parse: Callable[..., _N]) -> _N:
    """A text as a number, by its column's decimal mark and with its qualifier where a column holds that."""
    text, mark, unit = str(one.value), one.evidence.decimal_mark, one.declared.unit
    link = one.declared.qualifier_in
    qualified = parse_qualified(text) if link else None
    if link and qualified:
        code, text = qualified
    value = parse(text, unit=unit, decimal_mark=mark)
    if link and qualified:
        one.imply(link, code)
        one.read_as(f"{value} ({code})")
    elif mark is not None and parse is parse_amount:
        with contextlib.suppress(CellValueError):
            parse(text, unit=unit)
            return value
        one.read_as(f"{Decimal(value).normalize():f}")
    return value
