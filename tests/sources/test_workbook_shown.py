"""What a workbook's cell shows is what is read; what nobody sees is said."""

import unicodedata
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sources.workbooks import read as read_workbook
from tests.sources.test_workbooks import anything, of, read, rows, serious
from tests.workbook_factory import (
    PILOT,
    ROUND,
    STRUCK,
    SUPERSCRIPT,
    Raw,
    declaration,
    number,
    pilot,
    runs,
    snapshot,
    table,
    written,
)
from warehouse.declarations import Severity

AMOUNT = {"name": "amount", "title": "Amount", "type": "number", "decimals": 2, "unit": "EUR"}
COUNT = {"name": "count", "title": "Count", "type": "integer", "unit": "people"}
SHARE = {"name": "share", "title": "Share", "type": "number", "unit": "percent"}
TEXT = {"name": "text", "title": "Text"}
DAY = {"name": "day", "title": "Day", "type": "date"}
MOMENT = {"name": "moment", "title": "Moment", "type": "datetime"}
YEAR = {"name": "year", "title": "Year", "type": "year"}
FLAG = {"name": "flag", "title": "Flag", "type": "boolean"}


def one(tmp_path, field, value, **options):
    path = written(tmp_path / "book.xlsx", {"Things": [["Key", field["title"]], ["a", value]]}, **options)
    reading = read(path, source=anything(field))
    return rows(reading, "things")[0][field["name"]], list(reading.findings)


ACCOUNTING = '_-* #,##0.00\\ "€"_-;\\-* #,##0.00\\ "€"_-;_-* "-"??\\ "€"_-;_-@_-'


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        (AMOUNT, number(0, ACCOUNTING), Decimal("0.00")),
        (AMOUNT, number(5000, ACCOUNTING), Decimal("5000.00")),
        (AMOUNT, number(-5, ACCOUNTING), Decimal("-5.00")),
        (AMOUNT, number(5000, "#,##0.00\\ [$€-40B]"), Decimal("5000.00")),
        (AMOUNT, number(5000, "[$EUR]\\ #,##0"), Decimal("5000.00")),
        (AMOUNT, number(5000, "# ##0"), Decimal("5000.00")),
        (AMOUNT, number(5000.4, "0"), Decimal("5000.40")),
        (AMOUNT, number("4999.9999999999991"), Decimal("5000.00")),
        (AMOUNT, number(5e3, "0.00E+00"), Decimal("5000.00")),
        (COUNT, number(12, '0" people"'), 12),
        (SHARE, number(0.25, "0.0%"), 25.0),
        (SHARE, number(25, '0" %"'), 25.0),
        (TEXT, number(7, '"P-"0000'), "P-0007"),
        (TEXT, number(1.1, "0.00"), "1.10"),
        (TEXT, number(123, "000\\-000"), "000-123"),
        (TEXT, number("0.30000000000000004"), "0.3"),
        (TEXT, Raw("<v>7</v>", "str", '"P-"@'), "P-7"),
        (TEXT, "Quiet_x000B_carts", "Quiet carts"),
        (TEXT, unicodedata.normalize("NFD", "Käveltävä"), "Käveltävä"),
        (TEXT, Raw("<is><t>Quiet</t></is><v>Quiet</v>", "inlineStr"), "Quiet"),
        (FLAG, number(1, '[=1]"yes";[=0]"no";0'), True),
        (DAY, number("42430.99999"), date(2016, 3, 1)),
        (DAY, number(42430, "pp.kk.vvvv"), date(2016, 3, 1)),
        (DAY, Raw("<v>2016-03-31T00:00:00+03:00</v>", "d"), date(2016, 3, 31)),
        (DAY, Raw("<v>2016-03-31T23:30:00-05:00</v>", "d"), date(2016, 3, 31)),
        (YEAR, number(2016, "0"), 2016),
    ],
)
def test_what_is_shown_is_read(tmp_path, field, value, expected):
    got, findings = one(tmp_path, field, value)
    assert got == expected
    assert not findings


def test_a_moment_with_an_offset_is_that_moment(tmp_path):
    got, _ = one(tmp_path, MOMENT, Raw("<v>2016-03-31T00:30:00+03:00</v>", "d"))
    assert got.isoformat() == "2016-03-30T21:30:00"


@pytest.mark.parametrize(
    ("field", "value", "said", "shown"),
    [
        (AMOUNT, number(0.5, "0%"), "it is in %, the column is in EUR", "50%"),
        (AMOUNT, number(5, '0" k€"'), "not a plain number", "5 k€"),
        (AMOUNT, number(5000, '0.0,"k€"'), "leaves out thousands", "5000"),
        (AMOUNT, number(5000, "0,"), "leaves out thousands", "5000"),
        (AMOUNT, number(6000, "#,##0\\ [$kr-41D]"), "it is in SEK, the column is in EUR", "6000 SEK"),
        (AMOUNT, number(6000, "#,##0\\ [$kr-414]"), "it is in NOK, the column is in EUR", "6000 NOK"),
        (AMOUNT, number(6000, "[$CHF] #,##0"), "it is in CHF, the column is in EUR", "CHF 6000"),
        (AMOUNT, number(6000, '"USD" #,##0'), "it is in USD, the column is in EUR", "USD 6000"),
        (AMOUNT, number(6000, "[$£-809]#,##0"), "it is in GBP, the column is in EUR", "£6000"),
        (AMOUNT, number(6000, ACCOUNTING.replace("€", "kr")), "it is in SEK", "6000.00 kr"),
        (AMOUNT, number(0.5, "[h]:mm"), "length of time", "0.5"),
        (AMOUNT, number(1230, '00":"00'), "between the digits", "12:30"),
        (AMOUNT, number(5, ";;;"), "shows nothing of it", "5"),
        (AMOUNT, number(0, "0;-0;;@"), "shows nothing of it", "0"),
        (AMOUNT, number(0, '0;-0;"none"'), "“none” in place of it", "none"),
        (AMOUNT, Raw("<v>PT0H11M0S</v>", "d"), "a length of time", "PT0H11M0S"),
        (COUNT, number(1, "0%"), "it is in %, the column is in people", "100%"),
        (COUNT, number(5, '0" k€"'), "cannot be read", "5 k€"),
        (YEAR, number(20.16, "0%"), "it is in %", "2016%"),
        (DAY, number(42430, "0%"), "it is a number, not a date", "4243000%"),
        (DAY, number(42430, "#,##0\\ €"), "it is a number, not a date", "42430 €"),
        (TEXT, number(42430, "d.m.yyyy"), "holds a date, where a text belongs", "2016-03-01"),
        (TEXT, number(0.125, "h:mm"), "holds a time, where a text belongs", "03:00:00"),
        (TEXT, number(1.26, "0.0"), "whose format shows something else", "1.26"),
        (TEXT, number(5000, '0,"k"'), "whose format shows something else", "5000"),
        (TEXT, number(5, ";;;"), "shows nothing of it", "5"),
        (TEXT, Raw("<v>x</v>", "str", ";;;"), "shows nothing of it", "x"),
        (TEXT, number("1.2345678901234567E+18"), "more digits than a spreadsheet keeps", "1.2345678901234568e+18"),
        (TEXT, runs("x", ("high", SUPERSCRIPT)), "a part of it is raised", "xhigh"),
        (TEXT, Raw("<v>#N/A</v>", "str"), "#N/A", "#N/A"),
        (TEXT, "Err:508", "Err:508", "Err:508"),
    ],
)
def test_what_can_be_read_in_two_ways_is_a_finding(tmp_path, field, value, said, shown):
    got, findings = one(tmp_path, field, value)
    assert got is None
    assert [(f.rule, f.row_number, f.column_name, f.value) for f in findings] == [
        ("type", 2, field["name"], shown)
    ]
    assert said in findings[0].message
    assert findings[0].help


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 99_999), st.sampled_from(["kr", "SEK", "CHF", "£", "USD", "Ft", "%", "k€", "M€", "tuhatta €"])
)
def test_an_amount_with_a_unit_by_its_format_is_read_as_its_text_is(tmp_path_factory, value, unit):
    folder = tmp_path_factory.mktemp("amount")
    by_format, _ = one(folder, AMOUNT, number(value, f'0\\ "{unit}"'))
    by_text, _ = one(folder, AMOUNT, f"{value} {unit}")
    assert by_format is None
    assert by_text is None


def test_a_personal_value_that_is_a_date_is_not_quoted(tmp_path):
    _, findings = one(tmp_path, {**TEXT, "privacy": "personal"}, number(42430, "d.m.yyyy"))
    assert "2016" not in repr(findings)
    _, findings = one(tmp_path, {**TEXT, "privacy": "personal"}, Raw("<v>P1DTmaija</v>", "d"))
    assert "maija" not in repr(findings)
    _, findings = one(tmp_path, {**TEXT, "privacy": "personal"}, runs("Maija", ("1", SUPERSCRIPT)))
    assert [f.rule for f in findings] == ["left-out"]
    assert "Maija" not in repr(findings)


@pytest.mark.parametrize(
    ("field", "value", "expected", "note"),
    [
        (AMOUNT, runs("2500", ("1", SUPERSCRIPT)), Decimal("2500.00"), "a raised footnote mark was left out"),
        (COUNT, runs("40", ("2", SUPERSCRIPT)), 40, "a raised footnote mark was left out"),
        (TEXT, runs("Quiet carts", ("3", SUPERSCRIPT)), "Quiet carts", "a raised footnote mark was left out"),
        (AMOUNT, runs(("2", STRUCK), "5000"), Decimal("5000.00"), "a part that is struck out was left out"),
        (TEXT, Raw("<v>old</v>", "str", is_struck=True), "old", "struck out, and was read all the same"),
    ],
)
def test_what_was_left_out_is_said(tmp_path, field, value, expected, note):
    got, findings = one(tmp_path, field, value)
    assert got == expected
    assert [(f.rule, f.severity, f.row_number, f.column_name) for f in findings] == [
        ("left-out", Severity.WARNING, 2, field["name"])
    ]
    assert note in findings[0].message


def test_a_row_that_is_struck_out_is_said_once(tmp_path):
    cells = [Raw(f"<v>{text}</v>", "str", is_struck=True) for text in ("a", "x", "y", "z", "w")]
    fields = [{"name": name, "title": name.title()} for name in ("one", "two", "three", "four")]
    path = written(tmp_path / "book.xlsx", {"Things": [["Key", "One", "Two", "Three", "Four"], cells]})
    assert len(read(path, source=anything(*fields)).findings) == 1


def test_a_power_and_a_square_metre_are_no_footnotes(tmp_path):
    assert one(tmp_path, TEXT, runs("40 m", ("2", SUPERSCRIPT)))[0] == "40 m²"
    assert one(tmp_path, AMOUNT, runs("10", ("6", SUPERSCRIPT)))[0] is None


def test_headers_raised_marked_and_decomposed(tmp_path):
    header = [runs("Grant (EUR)", ("1", SUPERSCRIPT)) if name == "Grant (EUR)" else name for name in PILOT]
    finnish = {"Theme": "Pääteema", "Ends": "Päättyy", "Starts": "Alkaa"}
    decomposed = [unicodedata.normalize("NFD", finnish.get(name, name)) for name in PILOT]
    for line in (header, decomposed):
        path = written(
            tmp_path / "book.xlsx", {"Pilots": [line, list(pilot().values())], "Rounds": table([ROUND])}
        )
        reading = read(path)
        assert not serious(reading)
        assert rows(reading)[0]["grant_eur"] == 8000
        assert rows(reading)[0]["end_date"] == date(2016, 8, 31)


# --- what nobody sees --------------------------------------------------------------------------------


def book(tmp_path, sheets, **options):
    path = written(tmp_path / "book.xlsx", {**sheets, "Rounds": table([ROUND])}, **options)
    return read_workbook(snapshot(path), declaration(), tmp_path)


def test_hidden_rows_are_read_and_named(tmp_path):
    lines = table([pilot(n) for n in range(1, 9)])
    hidden = dict.fromkeys((1, 3, 4, 5, 8), 'hidden="1"')
    reading = book(tmp_path, {"Pilots": lines}, rows=hidden, after='<autoFilter ref="A1:N9"/>')
    assert len(rows(reading)) == 8
    found = of(reading, "hidden-rows")
    assert [(f.severity, f.sheet) for f in found] == [(Severity.WARNING, "Pilots")]
    assert found[0].message.startswith("Rows 3-5, 8 are hidden")


def test_hidden_columns_that_are_read_are_named(tmp_path):
    reading = book(
        tmp_path,
        {"Pilots": table([pilot()])},
        before='<cols><col min="2" max="3" hidden="1"/><col min="40" max="99" hidden="1"/></cols>',
    )
    assert [f.message for f in reading.findings] == ["Hidden columns were read: Pilot (B), Programme (C)."]


def test_zeros_that_a_sheet_does_not_show_are_said(tmp_path):
    view = '<sheetViews><sheetView showZeros="0"/></sheetViews>'
    zero = book(tmp_path, {"Pilots": table([pilot(1, **{"Grant (EUR)": 0})])}, before=view)
    assert [f.rule for f in zero.findings] == ["hidden-zeros"]
    assert not book(tmp_path, {"Pilots": table([pilot(1)])}, before=view).findings


def test_a_value_under_a_merged_cell_does_not_count_and_is_said(tmp_path):
    lines = table([pilot(1, City="Helsinki"), pilot(2, City="Espoo"), pilot(3, City="Vantaa")])
    column = "ABCDEFGHIJKLMN"[lines[0].index("City")]
    reading = book(
        tmp_path, {"Pilots": lines}, after=f'<mergeCells><mergeCell ref="{column}2:{column}3"/></mergeCells>'
    )
    assert [row["city"] for row in rows(reading)] == ["Helsinki", "Helsinki", "Vantaa"]
    assert [f.rule for f in reading.findings] == ["hidden-values"]
    assert f"{column}3" in reading.findings[0].message


GOOD = table([pilot(1)])
OTHER = table([pilot(2, Pilot="Last year's draft")])


def test_a_visible_sheet_goes_before_a_hidden_one_of_the_name(tmp_path):
    reading = book(tmp_path, {"Pilots": OTHER, "Pilots 2026": GOOD}, hidden=["Pilots"])
    assert [row["pilot_id"] for row in rows(reading)] == ["demo-1"]
    assert {(f.rule, f.severity, f.sheet) for f in reading.findings} == {
        ("unknown-sheet", Severity.WARNING, "Pilots"),
        ("sheet-by-header", Severity.INFO, "Pilots 2026"),
    }
    assert "is hidden, so it was not read" in of(reading, "unknown-sheet")[0].message


def test_a_hidden_sheet_alone_is_read_and_said(tmp_path):
    reading = book(tmp_path, {"Pilots": GOOD}, hidden=["Pilots"])
    assert len(rows(reading)) == 1
    assert [(f.rule, f.severity, f.sheet) for f in reading.findings] == [
        ("hidden-sheet", Severity.WARNING, "Pilots")
    ]


def test_two_sheets_of_one_name_are_not_joined(tmp_path):
    reading = book(tmp_path, {"Pilots": GOOD, "Pilots ": OTHER})
    assert rows(reading) == []
    assert [(f.rule, f.severity, f.table_name) for f in reading.findings] == [
        ("duplicate-sheet", Severity.CRITICAL, "pilots")
    ]
    assert "“Pilots” and “Pilots ”" in reading.findings[0].message


def test_of_two_sheets_of_one_name_the_visible_or_the_filled_one_is_meant(tmp_path):
    hidden = book(tmp_path, {"Pilots": OTHER, "Pilots ": GOOD}, hidden=["Pilots"])
    assert [row["pilot_id"] for row in rows(hidden)] == ["demo-1"]
    empty = book(tmp_path, {"Pilots": OTHER[:1], "Pilots ": GOOD})
    assert [row["pilot_id"] for row in rows(empty)] == ["demo-1"]
    for reading in (hidden, empty):
        assert [(f.rule, f.severity, f.sheet) for f in reading.findings] == [
            ("unknown-sheet", Severity.WARNING, "Pilots")
        ]


# --- what was read well before -----------------------------------------------------------------------


def test_a_table_below_merged_bands_and_away_from_the_corner(tmp_path):
    lines = [[None, None, *line] for line in table([pilot(1)])]
    band = [None, None, "Where", None, None, "How much"]
    reading = book(
        tmp_path,
        {"Pilots": [[], ["Pilots of the programme"], band, *lines]},
        before='<dimension ref="A1"/>',
        after='<mergeCells><mergeCell ref="A2:P2"/><mergeCell ref="C3:E3"/><mergeCell ref="F3:H3"/></mergeCells>',
    )
    assert not reading.findings
    assert [row["_row"] for row in rows(reading)] == [5]


def test_headers_with_stars_colons_and_odd_spaces(tmp_path):
    odd = {"Pilot ID": "Pilot ID *", "Grant (EUR)": "Grant\n(EUR)", "Starts": "Starts:", "Ends": " ENDS\u00a0"}
    lines = table([pilot(1)])
    lines[0] = [odd.get(name, name) for name in lines[0]]
    assert not book(tmp_path, {"Pilots": lines}).findings


def test_sheets_named_as_an_exporting_program_names_them(tmp_path):
    path = written(
        tmp_path / "book.xlsx",
        {
            "Export Summary": [["This document was exported."]],
            "Pilots - Table 1": GOOD,
            "Rounds - Table 1": table([ROUND]),
        },
    )
    reading = read(path)
    assert len(rows(reading)) == len(rows(reading, "rounds")) == 1
    assert {f.severity for f in reading.findings} == {Severity.INFO}


def test_a_macro_workbook_without_macros_is_a_workbook(tmp_path):
    assert not read(written(tmp_path / "book.xlsm", {"Pilots": GOOD, "Rounds": table([ROUND])})).findings


@pytest.mark.parametrize(
    "text", ["5\u00a0000,00", "5\u202f000", "5\u2009000 €", "5’000.00", "5.000,-", "EUR 5.000,00"]
)
def test_amounts_with_odd_spaces(tmp_path, text):
    assert one(tmp_path, AMOUNT, text) == (Decimal("5000.00"), [])


@pytest.mark.parametrize(
    "code", ["[$-40B]d.m.yyyy;@", "[$-F800]dddd\\,\\ mmmm\\ dd\\,\\ yyyy", "tt.mm.jjjj", "", "mmm"]
)
def test_days_in_the_formats_of_other_places(tmp_path, code):
    assert one(tmp_path, DAY, number(42430, code)) == (date(2016, 3, 1), [])
