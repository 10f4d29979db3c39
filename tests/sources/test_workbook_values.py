"""What people write into cells, as typed values."""

import contextlib
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sources.workbooks.cell_values import (
    CellValueError,
    clean_text,
    date_order_of,
    decimal_mark_of,
    is_blank,
    is_ditto,
    is_error_word,
    parse_amount,
    parse_boolean,
    parse_date,
    parse_datetime,
    parse_integer,
    parse_partial_date,
    parse_qualified,
    parse_year,
    unscrambled,
)

NBSP, THIN, NARROW = "\u00a0", "\u2009", "\u202f"


@pytest.mark.parametrize(
    "text",
    ["5000", "5 000 €", "5.000,00 €", "5,000.00", "EUR 5000", f"5{NBSP}000{THIN}€", f"5{NARROW}000,00", "5000,-",
     "€5000", "5000 euroa", "5 000 EUR", "5.000,-", "5,000.-", "5.000.-", "+5000", "5'000.00"],
)  # fmt: skip
def test_five_thousand_in_many_hands(text):
    assert parse_amount(text, unit="EUR") == 5000


@pytest.mark.parametrize(
    "text",
    ["n. 5000", "noin 5000", "~5000", "5k", "5-10 000", "50 00", "1e5", "(5)", "£5", "5 000 USD", "", "€", "5..0",
     "5.000", "5,000", "5,50,-", "٣", "5,00,00", "1.23.456", "5000 €/v", "€5€", "5000 €, alv 0 %", "NaN", "inf",
     "0x10", "5_000"],
)  # fmt: skip
def test_what_is_no_amount(text):
    with pytest.raises(CellValueError):
        parse_amount(text, unit="EUR")


def test_one_mark_before_three_digits_is_a_question_that_only_the_column_answers():
    for text in ("1.234", "12.500", "1,234"):
        with pytest.raises(CellValueError, match="nobody can tell"):
            parse_amount(text)
    assert parse_amount("12.500", decimal_mark=".") == Decimal("12.5")
    assert parse_amount("12.500", decimal_mark=",") == 12500
    assert parse_amount("0.234") == Decimal("0.234")
    assert parse_amount("1 234,567") == Decimal("1234.567")


def test_a_whole_number_has_no_fraction_so_its_mark_separates_thousands():
    assert parse_integer("1.234") == 1234
    with pytest.raises(CellValueError, match="12000 or 12: nobody"):
        parse_integer("12.000")
    assert parse_integer("12.000", decimal_mark=",") == 12000
    with pytest.raises(CellValueError, match="whole"):
        parse_integer("1.234", decimal_mark=".")


@pytest.mark.parametrize(
    ("text", "mark"),
    [("4999.500", "."), ("12.5", "."), ("1,234,567", "."), ("1.234,5", ","), ("5 000,00 €", ","), ("5.000,-", ","),
     ("12.500", None), ("12", None), ("5 000", None), ("n. 12.5", None), ("1.2.3", None)],
)  # fmt: skip
def test_the_decimal_mark_a_number_shows(text, mark):
    assert decimal_mark_of(text) == mark
    assert decimal_mark_of("1.234", is_whole=True) == ","


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
    assert parse_amount(text, unit="EUR") == (-expected if is_negative else expected)


@given(
    st.integers(-(10**15), 10**15), st.sampled_from(["", ",", ".", " ", NBSP, NARROW]), st.sampled_from(["", ".0"])
)
def test_a_whole_number_written_in_any_style_comes_back(number, mark, tail):
    tail = "" if mark == "." else tail
    text = f"{number:,}".replace(",", mark) + tail
    if mark in (",", ".") and not tail and 1000 <= abs(number) < 10**6 and number % 1000 == 0:
        with pytest.raises(CellValueError, match="nobody can tell"):
            parse_integer(text)
        assert parse_integer(text, decimal_mark="," if mark == "." else ".") == number
    else:
        assert parse_integer(text) == number


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
    [("1.3.16", "two digits"), ("0093-06-29", "four digits"), ("29/06/0093", "four digits"),
     ("5/3/2016", "mixed up"), ("2016", "a year"), ("2016-03", "a month"),
     ("12/2023", "a month"), ("spring 2016", "not a date"), ("31.2.2016", "no such day"), ("", "not a date"),
     ("42430", "not a date"), ("2016-03-01 - 2016-04-01", "not a date")],
)  # fmt: skip
def test_what_is_no_date_says_why(text, why):
    with pytest.raises(CellValueError, match=why):
        parse_date(text)


def test_slashes_are_read_only_where_they_cannot_be_mixed_up():
    assert parse_date("31/12/2016") == parse_date("12/31/2016") == date(2016, 12, 31)
    assert parse_date("3/3/2016") == date(2016, 3, 3)


def test_slashes_that_can_be_mixed_up_are_read_in_the_order_of_their_column():
    assert parse_date("4/5/2016", order="dmy") == date(2016, 5, 4)
    assert parse_date("4/5/2016", order="mdy") == date(2016, 4, 5)
    assert parse_date("13/5/2016", order="mdy") == date(2016, 5, 13)


def test_the_order_of_a_dates_parts():
    orders = {
        "13/5/2016": ("/", "dmy"),
        "5/13/2016 10:30": ("/", "mdy"),
        "4/5/2016": ("/", "either"),
        "4. 5. 2016": (".", "either"),
        "5.13.2016": (".", "mdy"),
        "2016-05-13": ("-", "ymd"),
        "2016-13-05T10:00": ("-", "ydm"),
        "5/5/2016": None,
        "spring": None,
    }
    assert {text: date_order_of(text) for text in orders} == orders


@given(st.text(alphabet="aäöåÄÖé€“”’–ß x", min_size=1))
def test_letters_taken_for_others_are_known_again(text):
    scrambled = text.encode().decode("cp1252", errors="ignore")
    if any(c in text for c in "äöåé€") and scrambled.encode("cp1252", errors="ignore") == text.encode():
        assert unscrambled(scrambled) == text
    assert unscrambled(text) is None


def test_letters_beside_quotation_marks_are_what_they_are():
    for text in ("”KESÄ”", "„MENÜ“", "São Paulo", "Jyväskylä – Ähtäri", "€uro’s"):
        assert unscrambled(text) is None


@given(st.datetimes(min_value=datetime(1000, 1, 2), max_value=datetime(9000, 1, 1)), st.integers(-14, 14))
def test_the_day_of_a_moment_with_an_offset_is_the_day_as_written(moment, hours):
    sign = "-" if hours < 0 else "+"
    assert parse_date(f"{moment.replace(microsecond=0).isoformat()}{sign}{abs(hours):02}:00") == moment.date()


@pytest.mark.parametrize(
    ("text", "first", "last", "precision"),
    [("5/2016", date(2016, 5, 1), date(2016, 5, 31), "month"),
     ("2016-02", date(2016, 2, 1), date(2016, 2, 29), "month"),
     ("02.2017", date(2017, 2, 1), date(2017, 2, 28), "month"),
     ("2016", date(2016, 1, 1), date(2016, 12, 31), "year")],
)  # fmt: skip
def test_a_month_or_a_year_has_a_first_and_a_last_day(text, first, last, precision):
    found = parse_partial_date(text)
    assert (found.first, found.last, found.precision) == (first, last, precision)


def test_what_is_neither_month_nor_year():
    for text in ("13/2016", "0/2016", "16", "5/16", "1.5.2016", "spring 2016", "0016", "5/0016"):
        assert parse_partial_date(text) is None, text


@pytest.mark.parametrize(
    ("text", "expected"),
    [("n. 12", ("about", "12")), ("noin 12", ("about", "12")), ("about 1 200", ("about", "1 200")),
     ("~12", ("about", "12")), ("c. 12", ("about", "12")), ("Approx. 12", ("about", "12")),
     (">12", ("more_than", "12")), ("yli 12", ("more_than", "12")), (">= 12", ("at_least", "12")),
     ("12+", ("at_least", "12")),
     ("alle 12", ("less_than", "12")), ("enintään 12", ("at_most", "12")), ("12", None), ("about", None),
     ("cat 12", None), ("overall 12", None)],
)  # fmt: skip
def test_how_a_number_is_meant(text, expected):
    assert parse_qualified(text) == expected


@pytest.mark.parametrize(
    "text",
    ["#N/A", "#n/a", "#REF!", "#NAME?", "#DIV/0!", "#SPILL!", "#NIMI?", "#JAKO/0!", "#PUUTTUU!", "#VÄRDEFEL!",
     "#####", "Err:508", "#ERROR!", "Loading...", "Loading…", " #REF! ", "NaN", "NULL"],
)  # fmt: skip
def test_what_a_program_shows_instead_of_a_value(text):
    assert is_error_word(text)


@pytest.mark.parametrize(
    "text", ["#1", "# 1 in mobility", "Loading bay", "Null Oy", "Error", "N", "#kalasatama!", ""]
)
def test_what_is_no_error_word(text):
    assert not is_error_word(text)


def test_ditto_marks():
    for text in ('"', '-"-', "- ” -", "〃", "''", "do.", "Idem", "Sama kuin yllä", "↑"):
        assert is_ditto(text), text
    for text in ('"Quiet" carts', "-", "do", "Samaa", "x"):
        assert not is_ditto(text), text


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
    assert clean_text("Quiet\x0bcarts\x0c") == "Quiet carts"
    assert clean_text("007") == "007"
    assert is_blank(f"{NBSP} – ")
    assert not is_blank("0")


@given(st.text(alphabet=st.characters(categories=("L", "M", "N", "P", "S", "Zs"))))
def test_text_that_can_all_be_printed_is_cleaned_like_any_other(text):
    assert clean_text(text) == clean_text(f"{text}\x00")


@given(st.text())
def test_cleaning_text_twice_changes_nothing(text):
    assert clean_text(clean_text(text)) == clean_text(text)


ALPHABET = st.one_of(st.text(), st.text(alphabet=f"0123456789.,-+ €%/:TZklo'{NBSP}", max_size=24))


@given(ALPHABET, st.sampled_from([None, "EUR", "%", "m2"]), st.sampled_from([None, ".", ","]))
def test_no_text_breaks_a_parser(text, unit, mark):
    def attempt(parse, *args, **kwargs):
        with contextlib.suppress(CellValueError):
            parse(text, *args, **kwargs)

    attempt(parse_amount, unit=unit, decimal_mark=mark)
    attempt(parse_integer, unit=unit, decimal_mark=mark)
    attempt(parse_partial_date)
    attempt(parse_qualified)
    assert decimal_mark_of(text) in (None, ".", ",")
    assert (date_order_of(text) or ("", "either"))[1] in ("dmy", "mdy", "ymd", "ydm", "either")
    assert unscrambled(text) != text
    assert is_error_word(text) in (True, False)
    assert is_ditto(text) in (True, False)
    attempt(parse_date)
    attempt(parse_datetime)
    attempt(parse_boolean)
    attempt(parse_year)
