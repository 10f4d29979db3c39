"""What a number format shows, against what a spreadsheet shows."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl.styles.numbers import BUILTIN_FORMATS, is_date_format, is_timedelta_format

from warehouse.sheets.number_formats import is_elapsed, is_moment, shown_number, shown_text

ACCOUNTING = '_-* #,##0.00\\ "€"_-;\\-* #,##0.00\\ "€"_-;_-* "-"??\\ "€"_-;_-@_-'


@pytest.mark.parametrize(
    ("value", "code", "text"),
    [
        (7, "", "7"),
        (7, "General", "7"),
        (0.1 + 0.2, "General", "0.3"),
        (-12.5, "General", "-12.5"),
        (7, '"P-"0000', "P-0007"),
        (-7, '"P-"0', "-P-7"),
        (12345, "000", "12345"),
        (70012, '"FI"00000000', "FI00070012"),
        (21700292, "0000000\\-0", "2170029-2"),
        (123, "000\\-000", "000-123"),
        (1230, '00":"00', "12:30"),
        (1.1, "0.00", "1.10"),
        (1.5, "0.0#", "1.5"),
        (1234567, "#,##0", "1234567"),
        (0.25, "0%", "25%"),
        (6000, "#,##0.00\\ [$kr-41D]", "6000.00 SEK"),
        (6000, "#,##0.00\\ [$kr-414]", "6000.00 NOK"),
        (6000, "[$€-2]\\ #,##0", "€ 6000"),
        (-5, ACCOUNTING, "-5.00 €"),
        (-5, "0;[Red](0)", "(5)"),
        (0, "0;-0;;@", ""),
        (5, ";;;", ""),
        (1, '[=1]"yes";[=0]"no";0', "yes"),
        (3, '[=1]"yes";[=0]"no";0', "3"),
        (1.26, "0.0", None),  # it shows 1.3, which it is not
        (7.5, "0", None),
        (123456, "0.00E+00", None),
        (0.5, "# ?/?", None),
        (5000, '0,"k"', None),
        (0.5, "[h]:mm", None),
        (42430, "pp.kk.vvvv", None),
        (1e15, "General", None),
        (1e300, "0.00", None),
        (1e-300, "General", None),
    ],
)
def test_the_text_that_a_cell_shows_where_it_is_certain(value, code, text):
    assert shown_number(value, code).text == text


@pytest.mark.parametrize(
    ("value", "code", "before", "after", "power"),
    [
        (5000, '0.0,"k€"', "", "k€", -3),
        (5e6, '0.0,,\\ "M"', "", "M", -6),
        (0.5, "0.0 %", "", "%", 2),
        (5000, '"USD" #,##0', "USD", "", 0),
        (5000, ACCOUNTING, "", "€", 0),
        (5000, "[$-409]#,##0", "", "", 0),
        (5000, "#,##0 USD", "", "USD", 0),
    ],
)
def test_what_stands_around_the_digits(value, code, before, after, power):
    shown = shown_number(value, code)
    assert (shown.before, shown.after, shown.power, shown.has_number) == (before, after, power, True)


@given(st.integers(0, 10**9), st.integers(1, 12), st.text("abcXYZ-/ ", max_size=5))
def test_zeros_and_a_prefix_are_undone_by_taking_them_off(value, places, prefix):
    text = shown_number(value, f'"{prefix}"{"0" * places}').text
    assert text == f"{prefix}{value:0{places}d}".strip()


@given(
    st.decimals(-(10**8), 10**8, places=2), st.sampled_from(["0.00", "#,##0.00", "0.00;-0.00", "0.00_ ;-0.00\\ "])
)
def test_two_decimals_show_what_is_there(value, code):
    assert Decimal(shown_number(float(value), code).text) == value


@given(st.one_of(st.integers(), st.floats(allow_nan=False, allow_infinity=False)), st.text(max_size=40))
def test_no_format_is_too_strange(value, code):
    shown_number(value, code)
    shown_text("x", code)
    is_moment(code)


@given(
    st.one_of(st.integers(), st.floats(allow_nan=False, allow_infinity=False)),
    st.text('0#?.,%;"\\@[]_*$-E+dmyhs€ k=1', max_size=30),
)
def test_no_format_of_the_language_is_too_strange(value, code):
    shown = shown_number(value, code)
    assert shown.text is None or len(shown.text) < 400


OF_OTHERS = [
    "d.m.yyyy", "[$-40B]d.m.yyyy;@", "mm:ss.0", "[ss].00", "[$-F800]dddd\\,\\ mmmm\\ dd\\,\\ yyyy", "tt.mm.jjjj",
    "h:mm AM/PM", "[Red]0.00", "@",
]  # fmt: skip


@pytest.mark.parametrize("code", sorted({*BUILTIN_FORMATS.values(), *OF_OTHERS}))
def test_days_and_durations_as_openpyxl_tells_them(code):
    assert is_moment(code) == (is_date_format(code) and not is_timedelta_format(code))
    assert is_elapsed(code) == is_timedelta_format(code)


def test_letters_in_words_are_no_days():
    assert not any(is_moment(code) for code in ('"a;d"0', '0" days"', "#,##0 USD", "0\\d", '"s;t"0'))


@pytest.mark.parametrize(
    ("code", "text"), [('"P-"@', "P-x"), (";;;", ""), ("0.00", "x"), ("0;-0;0;@", "x"), ('0;-0;0;@" m"', "x m")]
)
def test_what_is_shown_of_a_text(code, text):
    assert shown_text("x", code) == text
