"""What people write into cells, as typed values."""

import contextlib
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sources.cell_values import (
    CellValueError,
    clean_text,
    is_blank,
    parse_amount,
    parse_boolean,
    parse_date,
    parse_datetime,
    parse_integer,
    parse_year,
)

NBSP, THIN, NARROW = "\u00a0", "\u2009", "\u202f"


@pytest.mark.parametrize(
    "text",
    ["5000", "5 000 €", "5.000,00 €", "5,000.00", "EUR 5000", f"5{NBSP}000{THIN}€", f"5{NARROW}000,00", "5000,-",
     "€5000", "5000 euroa", "5 000 EUR", "5.000", "5,000", "+5000", "5'000.00"],
)  # fmt: skip
def test_five_thousand_in_many_hands(text):
    assert parse_amount(text, unit="EUR", decimals=2) == 5000


@pytest.mark.parametrize(
    "text",
    ["n. 5000", "noin 5000", "~5000", "5k", "5-10 000", "50 00", "1e5", "(5)", "£5", "5 000 USD", "", "€", "5..0",
     "٣", "5,00,00", "1.23.456", "5000 €/v", "€5€", "5000 €, alv 0 %", "NaN", "inf", "0x10", "5_000"],
)  # fmt: skip
def test_what_is_no_amount(text):
    with pytest.raises(CellValueError):
        parse_amount(text, unit="EUR", decimals=2)


def test_one_mark_before_three_digits_is_a_question_where_decimals_are_many():
    with pytest.raises(CellValueError, match="nobody can tell"):
        parse_amount("1.234")
    assert parse_amount("0.234") == Decimal("0.234")
    assert parse_amount("1 234,567") == Decimal("1234.567")


def test_units_are_held_against_the_column():
    assert parse_amount("12 %", unit="percent") == 12
    assert parse_amount("120 m²", unit="m2") == 120
    with pytest.raises(CellValueError, match="in GBP"):
        parse_amount("£5", unit="EUR")
    with pytest.raises(CellValueError):
        parse_amount("12 %", unit="EUR")


def grouped(whole: int, mark: str) -> str:
    return f"{whole:,}".replace(",", mark)


STYLES = {
    "plain": lambda whole, cents: f"{whole}.{cents:02}",
    "comma": lambda whole, cents: f"{whole},{cents:02}",
    "english": lambda whole, cents: f"{grouped(whole, ',')}.{cents:02}",
    "german": lambda whole, cents: f"{grouped(whole, '.')},{cents:02}",
    "finnish": lambda whole, cents: f"{grouped(whole, NBSP)},{cents:02} €",
    "narrow": lambda whole, cents: f"{grouped(whole, NARROW)},{cents:02}{NBSP}EUR",
    "swiss": lambda whole, cents: f"{grouped(whole, chr(39))}.{cents:02}",
    "before": lambda whole, cents: f"€ {grouped(whole, ' ')}.{cents:02}",
}


@given(st.integers(0, 10**12), st.integers(0, 99), st.booleans(), st.sampled_from(sorted(STYLES)))
def test_an_amount_written_in_any_style_comes_back(whole, cents, is_negative, style):
    text = STYLES[style](whole, cents)
    if is_negative:
        text = f"€ -{text[2:]}" if style == "before" else f"-{text}"
    expected = Decimal(f"{whole}.{cents:02}")
    assert parse_amount(text, unit="EUR", decimals=2) == (-expected if is_negative else expected)


@given(
    st.integers(-(10**15), 10**15), st.sampled_from(["", ",", ".", " ", NBSP, NARROW]), st.sampled_from(["", ".0"])
)
def test_a_whole_number_written_in_any_style_comes_back(number, mark, tail):
    tail = "" if mark == "." else tail
    assert parse_integer(f"{number:,}".replace(",", mark) + tail) == number


@pytest.mark.parametrize("text", ["12.5", "twelve", "1e3", "", "99999999999999999999"])
def test_what_is_no_whole_number(text):
    with pytest.raises(CellValueError):
        parse_integer(text)


@given(st.dates(min_value=date(1000, 1, 1)), st.integers(0, 4))
def test_a_date_written_in_any_accepted_form_comes_back(day, form):
    d, m, y = day.day, day.month, day.year
    texts = [
        day.isoformat(),
        f"{d}.{m}.{y}",
        f"{d:02}.{m:02}.{y}",
        f"{d}. {m}. {y}",
        f"{day.isoformat()} 00:00:00",
    ]
    assert parse_date(texts[form]) == day


@pytest.mark.parametrize(
    ("text", "why"),
    [("1.3.16", "two digits"), ("5/3/2016", "mixed up"), ("2016", "a year"), ("2016-03", "a month"),
     ("12/2023", "a month"), ("spring 2016", "not a date"), ("31.2.2016", "no such day"), ("", "not a date"),
     ("42430", "not a date"), ("2016-03-01 - 2016-04-01", "not a date")],
)  # fmt: skip
def test_what_is_no_date_says_why(text, why):
    with pytest.raises(CellValueError, match=why):
        parse_date(text)


def test_slashes_are_read_only_where_they_cannot_be_mixed_up():
    assert parse_date("31/12/2016") == parse_date("12/31/2016") == date(2016, 12, 31)
    assert parse_date("3/3/2016") == date(2016, 3, 3)


@given(st.datetimes(min_value=datetime(1000, 1, 1)))
def test_a_moment_comes_back(moment):
    assert parse_datetime(moment.isoformat()) == moment
    assert parse_datetime(moment.strftime("%d.%m.") + f"{moment.year:04} klo {moment:%H.%M}") == moment.replace(
        second=0, microsecond=0
    )


@given(st.datetimes(min_value=datetime(1000, 1, 1), max_value=datetime(9000, 1, 1), timezones=st.timezones()))
def test_a_moment_with_an_offset_becomes_utc(moment):
    moment = moment.replace(microsecond=0)
    offset = moment.utcoffset()
    if offset is None or offset.total_seconds() % 60:
        return
    assert parse_datetime(moment.isoformat()) == moment.astimezone(UTC).replace(tzinfo=None)


def test_yes_and_no():
    assert all(parse_boolean(text) for text in ("yes", "Kyllä", "TRUE", "1", " x "))
    assert not any(parse_boolean(text) for text in ("no", "ei", "FALSE", "0"))
    with pytest.raises(CellValueError):
        parse_boolean("maybe")


def test_years():
    assert parse_year("2016") == parse_year("2016.0") == 2016
    for text in ("16", "2016-2017", "0016", "spring 2016"):
        with pytest.raises(CellValueError):
            parse_year(text)


def test_text_is_cleaned_of_what_cannot_be_seen_and_keeps_what_can():
    assert (
        clean_text(f"  Jätka\u0308saari{NBSP}{NBSP}east\u200b \r\n 2nd\x00 line\x0b ")
        == "Jätkäsaari east\n2nd line"
    )
    assert clean_text("007") == "007"
    assert is_blank(f"{NBSP} – ")
    assert not is_blank("0")


@given(st.text())
def test_cleaning_text_twice_changes_nothing(text):
    assert clean_text(clean_text(text)) == clean_text(text)


ALPHABET = st.one_of(st.text(), st.text(alphabet=f"0123456789.,-+ €%/:TZklo'{NBSP}", max_size=24))


@given(ALPHABET, st.sampled_from([None, "EUR", "%", "m2"]), st.sampled_from([None, 0, 2, 5]))
def test_no_text_breaks_a_parser(text, unit, decimals):
    def attempt(parse, *args, **kwargs):
        with contextlib.suppress(CellValueError):
            parse(text, *args, **kwargs)

    attempt(parse_amount, unit=unit, decimals=decimals)
    attempt(parse_integer, unit=unit)
    attempt(parse_date)
    attempt(parse_datetime)
    attempt(parse_boolean)
    attempt(parse_year)
