"""A column as a whole: one meaning for all its cells, or a finding; and what a cell says of another one."""

from datetime import date, datetime
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openpyxl import Workbook

from sources.workbooks import read as read_workbook
from tests.sources.test_workbooks import AMOUNT, COUNT, DAY, TEXT, anything, of, read, rows, serious
from tests.workbook_factory import ROUND, declaration, pilot, save, snapshot, table
from warehouse.declarations import DeclarationError, Severity
from warehouse.messages import Language, said_in

IN_TMP = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def column(tmp_path, field, values, number_format=None):
    """The values of one column as they are read, by key, and all findings."""
    book = Workbook()
    sheet = book.active
    sheet.title = "Things"
    sheet.append(["Key", field["title"]])
    for number, value in enumerate(values):
        sheet.append([f"k{number}", value])
        if number_format and isinstance(value, date):
            sheet.cell(number + 2, 2).number_format = number_format
    book.save(tmp_path / "book.xlsx")
    reading = read(tmp_path / "book.xlsx", source=anything(field))
    return [row[field["name"]] for row in rows(reading, "things")], reading


# --- numbers -----------------------------------------------------------------------------------------


def test_three_decimals_are_thousands_or_decimals_for_the_whole_column(tmp_path):
    read_as, reading = column(tmp_path, AMOUNT, ["4999.500", "12.500"])
    assert read_as == [Decimal("4999.50"), Decimal("12.50")]
    assert [(f.rule, f.severity, f.row_number) for f in reading.findings] == [("read-as", Severity.INFO, 3)]
    assert "“12.500” as “12.5”" in reading.findings[0].message
    read_as, reading = column(tmp_path, AMOUNT, ["4999,50", "12.500", "1,5"])
    assert read_as == [Decimal("4999.50"), Decimal("12500.00"), Decimal("1.50")]
    for texts in (["12.500", "800"], ["12.500", "5000.50", "5000,50"], ["12.500", 4999.5]):
        read_as, reading = column(tmp_path, AMOUNT, texts)
        assert read_as[0] is None
        assert None not in read_as[1:]
        assert [(f.rule, f.severity, f.row_number) for f in reading.findings] == [("type", Severity.ERROR, 2)]
    read_as, reading = column(tmp_path, COUNT, ["12.000", 40])
    assert read_as == [None, 40]
    assert "12000 or 12: nobody can tell" in reading.findings[0].message
    assert column(tmp_path, COUNT, ["12.000", "1.234"])[0] == [12000, 1234]


def written(value: Decimal, mark: str, group: str, places: int) -> str:
    return f"{value:,.{places}f}".replace(",", "\0").replace(".", mark).replace("\0", group)


@IN_TMP
@given(
    st.lists(st.decimals(0, 10**7, places=2), min_size=1, max_size=6),
    st.sampled_from([(".", ","), (",", "."), (".", ""), (",", ""), (",", " ")]),
    st.integers(0, 3),
    st.randoms(),
)
def test_one_hand_wrote_a_column_each_value_is_what_was_written_or_a_finding(
    tmp_path, amounts, hand, places, order
):
    amounts = [round(amount, places) for amount in amounts]
    texts = [written(amount, *hand, places) for amount in amounts]
    read_as, reading = column(tmp_path, AMOUNT, texts)
    for amount, got in zip(amounts, read_as, strict=True):
        assert got is None or got == round(amount, 2)
    assert len(of(reading, "type")) == read_as.count(None)
    # The order of the rows says nothing.
    shuffled = list(range(len(texts)))
    order.shuffle(shuffled)
    again, _ = column(tmp_path, AMOUNT, [texts[n] for n in shuffled])
    assert again == [read_as[n] for n in shuffled]


@IN_TMP
@given(
    st.lists(
        st.sampled_from(
            ["12.500", "4,999", "4999.5", "1.234.567", "0,25", "7", "1.000,-", "x", "13.5", "1'000.250"]
        ),
        min_size=1,
        max_size=7,
    ),
    st.randoms(),
)
def test_many_hands_the_order_of_the_rows_never_changes_a_value(tmp_path, texts, order):
    for field in (AMOUNT, COUNT):
        read_as, _ = column(tmp_path, field, texts)
        shuffled = list(range(len(texts)))
        order.shuffle(shuffled)
        again, _ = column(tmp_path, field, [texts[n] for n in shuffled])
        assert again == [read_as[n] for n in shuffled]


# --- dates -------------------------------------------------------------------------------------------


def test_texts_beside_dates_that_a_program_swapped_are_questions(tmp_path):
    values = ["13/05/2016", datetime(2016, 5, 4), datetime(2016, 3, 3)]
    read_as, reading = column(tmp_path, DAY, values, "m/d/yyyy")
    assert read_as == [date(2016, 5, 13), None, date(2016, 3, 3)]
    (finding,) = reading.findings  # the column as a whole is said where no cell says it
    assert (finding.row_number, finding.severity) == (3, Severity.ERROR)
    assert "2016-05-04 or 2016-04-05" in finding.message
    # Where a date cell has a day that no month has, the dates are what they show; the texts stay doubtful.
    read_as, reading = column(tmp_path, DAY, ["13/05/2016", "4/5/2016", datetime(2016, 5, 31)])
    assert read_as == [date(2016, 5, 13), None, date(2016, 5, 31)]
    assert [f.rule for f in reading.findings] == ["type"]
    assert reading.findings[0].help.startswith("Write “2016-05-04” or “2016-04-05”, whichever is meant.")
    # Dates with dots and ISO dates cannot be taken for another order.
    assert not column(tmp_path, DAY, ["13.5.2016", "2016-05-04", datetime(2016, 5, 4)])[1].findings


def test_a_column_of_texts_with_slashes_has_one_order_or_none(tmp_path):
    assert column(tmp_path, DAY, ["4/5/2016", "13/5/2016"])[0] == [date(2016, 5, 4), date(2016, 5, 13)]
    assert column(tmp_path, DAY, ["4/5/2016", "5/13/2016"])[0] == [date(2016, 4, 5), date(2016, 5, 13)]
    read_as, reading = column(tmp_path, DAY, ["4/5/2016", "5/13/2016", "13/5/2016"])
    assert read_as == [None, date(2016, 5, 13), date(2016, 5, 13)]
    assert [f.rule for f in reading.findings] == ["type"]
    (warning,) = column(tmp_path, DAY, ["5/13/2016", "13/5/2016"])[1].findings
    assert (warning.rule, warning.severity, warning.column_name) == ("mixed-dates", Severity.WARNING, "day")
    read_as, reading = column(tmp_path, DAY, ["4/5/2016", "6/7/2016"])
    assert read_as == [None, None]
    assert len(of(reading, "type")) == 2


def test_a_date_with_the_month_first_against_all_custom_makes_its_neighbours_questions(tmp_path):
    for texts in (["4.5.2016", "5.13.2016", "13.5.2016"], ["2016-05-04", "2016-13-05", "2016-05-13"]):
        read_as, reading = column(tmp_path, DAY, texts)
        assert read_as == [None, None, date(2016, 5, 13)]
        assert [f.row_number for f in of(reading, "type")] == [2, 3]
        assert not of(reading, "mixed-dates")
        assert column(tmp_path, DAY, [texts[0], texts[2]])[0] == [date(2016, 5, 4), date(2016, 5, 13)]


@IN_TMP
@given(
    st.lists(st.dates(date(2000, 1, 1), date(2030, 12, 31)), min_size=1, max_size=8),
    st.booleans(),
    st.booleans(),
    st.randoms(),
)
def test_dates_of_one_hand_are_read_as_meant_or_are_findings(tmp_path, days, is_us, was_opened, order):
    """One hand wrote all, and perhaps a program of the other order opened them before they came here."""
    texts = [f"{d.month}/{d.day}/{d.year}" if is_us else f"{d.day}/{d.month}/{d.year}" for d in days]
    values = list(texts)
    if was_opened:
        values = [
            datetime(d.year, d.day, d.month) if d.day <= 12 else text for d, text in zip(days, texts, strict=True)
        ]
        if all(isinstance(value, datetime) for value in values):
            return  # nothing shows it any more
    read_as, reading = column(tmp_path, DAY, values)
    for day, got in zip(days, read_as, strict=True):
        assert got is None or got == day
    assert len(of(reading, "type")) == read_as.count(None)
    shuffled = list(range(len(values)))
    order.shuffle(shuffled)
    again, _ = column(tmp_path, DAY, [values[n] for n in shuffled])
    assert again == [read_as[n] for n in shuffled]


def test_a_moment_with_an_offset_is_of_the_day_that_stands_there(tmp_path):
    texts = ["2016-03-31T00:00:00+03:00", "2016-08-31T23:30:00-05:00"]
    assert column(tmp_path, DAY, texts)[0] == [date(2016, 3, 31), date(2016, 8, 31)]


# --- precision and qualifiers ------------------------------------------------------------------------


def pilots(tmp_path, *changes):
    path = save(
        tmp_path / "book.xlsx",
        {
            "Pilots": table(pilot(n, **{"Date precision": None, **change}) for n, change in enumerate(changes)),
            "Rounds": table([ROUND]),
        },
    )
    reading = read_workbook(snapshot(path), declaration(), tmp_path)
    keys = ("start_date", "end_date", "date_precision_code")
    return [tuple(row[key] for key in keys) for row in rows(reading)], reading


def test_a_month_is_its_first_or_last_day_and_the_precision_says_so(tmp_path):
    got, reading = pilots(
        tmp_path,
        {"Starts": "5/2016", "Ends": "2016-06"},
        {"Starts": 2016, "Ends": "2016", "Date precision": "year"},
        {"Starts": "5/2016", "Ends": "31.8.2016"},
        {"Starts": "2016", "Ends": "8/2016"},
    )
    assert got == [
        (date(2016, 5, 1), date(2016, 6, 30), "month"),
        (date(2016, 1, 1), date(2016, 12, 31), "year"),
        (date(2016, 5, 1), date(2016, 8, 31), "month"),
        (date(2016, 1, 1), date(2016, 8, 31), "year"),
    ]
    assert {(f.rule, f.severity) for f in reading.findings} == {("read-as", Severity.INFO)}
    assert {f.column_name for f in reading.findings} == {"start_date", "end_date"}
    assert any(
        "“5/2016” as “2016-05-01 (month)”" in f.message and "4 cells" in f.message for f in reading.findings
    )


@pytest.mark.parametrize("stated", ["day", "vuosi", "roughly"])
def test_a_month_beside_another_precision_is_a_finding(tmp_path, stated):
    got, reading = pilots(tmp_path, {"Starts": "5/2016", "Date precision": stated})
    assert got[0][0] is None
    assert any(
        f.column_name == "start_date" and stated in f.message and "month" in f.message for f in reading.findings
    )


def test_a_date_cell_that_shows_a_month_is_a_month(tmp_path):
    path = save(tmp_path / "book.xlsx", {"Pilots": table([pilot()]), "Rounds": table([ROUND])})
    book = Workbook()
    sheet = book.active
    sheet.title = "Pilots"
    for line in table([pilot(Starts=datetime(2016, 5, 1), Ends=datetime(2016, 6, 1))]):
        sheet.append(line)
    for cell in sheet[2]:
        if isinstance(cell.value, datetime):
            cell.number_format = 'mmm\\-yy" d"'
    book.create_sheet("Rounds")
    for line in table([ROUND]):
        book["Rounds"].append(line)
    book.save(path)
    row = rows(read_workbook(snapshot(path), declaration(), tmp_path))[0]
    assert (row["start_date"], row["end_date"], row["date_precision_code"]) == (
        date(2016, 5, 1),
        date(2016, 6, 30),
        "month",
    )


def test_a_month_is_no_day_where_no_precision_is_declared(tmp_path):
    read_as, reading = column(tmp_path, DAY, ["5/2016"])
    assert read_as == [None]
    assert "a month, not a day" in reading.findings[0].message


MEANT = {"name": "meant", "title": "Meant", "presence": "optional", "constraints": {"codeList": "qualifier"}}
PEOPLE = {**COUNT, "name": "people", "title": "People", "qualifier_in": "meant"}


def test_how_a_number_is_meant_goes_into_the_column_that_says_so(tmp_path):
    path = save(
        tmp_path / "book.xlsx",
        {
            "Things": [
                ["Key", "People", "Meant"],
                ["a", "n. 12", None], ["b", "about 1 200", "Noin"], ["c", ">12", "about"], ["d", 12, None],
                ["e", "12+", None], ["f", "n. many", None],
            ]
        },
    )  # fmt: skip
    reading = read(path, source=anything(PEOPLE, MEANT))
    assert [(row["people"], row["meant"]) for row in rows(reading, "things")] == [
        (12, "about"), (1200, "about"), (None, "about"), (12, None), (12, "at_least"), (None, None),
    ]  # fmt: skip
    assert [(f.row_number, f.column_name) for f in of(reading, "type")] == [(4, "people"), (7, "people")]
    assert "more_than" in of(reading, "type")[0].message
    assert {f.severity for f in of(reading, "read-as")} == {Severity.INFO}
    reading = read(path, source=anything({**PEOPLE, "qualifier_in": None}, MEANT))
    assert [row["people"] for row in rows(reading, "things")] == [None, None, None, 12, None, None]


def test_a_link_to_no_column_is_a_fault_of_the_declaration():
    with pytest.raises(DeclarationError, match="names meant, which is no text column"):
        anything(PEOPLE)


# --- codes and identifiers ---------------------------------------------------------------------------


def test_a_label_in_either_language_is_its_code_and_said_once(tmp_path):
    texts = ["Mobility", "liikkuminen", "RESOURCE RECYCLING", "mobility", "Community & participation", "Mobility"]
    path = save(
        tmp_path / "book.xlsx",
        {"Pilots": table(pilot(n, Theme=text) for n, text in enumerate(texts)), "Rounds": table([ROUND])},
    )
    reading = read(path)
    assert [row["theme_code"] for row in rows(reading)] == [
        "mobility", "mobility", "resource_recycling", "mobility", "community", "mobility",
    ]  # fmt: skip
    (said,) = reading.findings
    assert (said.rule, said.severity, said.row_number) == ("read-as", Severity.INFO, None)
    assert "“liikkuminen” as “mobility”" in said.message
    assert "Mobility" not in said.message  # as the list itself has it
    assert "(3 cells)" in said.message


def test_what_is_nearly_a_code_is_a_finding_that_names_the_nearest(tmp_path):
    path = save(
        tmp_path / "book.xlsx",
        {"Pilots": table([pilot(1, Theme="mobilty"), pilot(2, Theme="blockchain")]), "Rounds": table([ROUND])},
    )
    reading = read(path)
    assert [row["theme_code"] for row in rows(reading)] == [None, None]
    near, far = of(reading, "code")
    assert (near.severity, near.value, near.row_key) == (Severity.ERROR, "mobilty", "demo-1")
    assert near.help.startswith("Write “Mobility”, if that is what is meant. Choose one of “Mobility”, ")
    assert far.help.startswith("Choose one of “Resource recycling”, ")
    assert "”Liikkuminen”" in said_in(near.help, Language.FINNISH)


def test_a_business_id_in_any_form_is_read_and_her_own_header_said(tmp_path):
    path = save(
        tmp_path / "book.xlsx",
        {
            "Pilots": table(
                pilot(n, **{"Y-tunnus": form})
                for n, form in enumerate(["FI21700292", "2170029–2", 21700292, "2170029-2", "2170029"])
            ),
            "Rounds": table([ROUND]),
        },
    )
    reading = read(path)
    assert [row["business_id"] for row in rows(reading)] == ["2170029-2"] * 4 + ["2170029"]
    (said,) = reading.findings
    assert said.message.startswith("Y-tunnus: read “FI21700292” as “2170029-2”")
    assert "(3 cells)" in said.message


def test_an_id_in_another_case_or_with_another_dash_is_the_id(tmp_path):
    rows_of = [pilot(Round="Demo–Round–1", **{"Pilot ID": "DEMO-1"}), pilot(**{"Pilot ID": "demo 2"})]
    path = save(
        tmp_path / "book.xlsx",
        {"Pilots": table(rows_of), "Rounds": table([{**ROUND, "Round ID": "demo—round—1"}])},
    )
    reading = read(path)
    assert [(row["pilot_id"], row["round_id"]) for row in rows(reading)] == [
        ("demo-1", "demo-round-1"),
        ("demo 2", "demo-round-1"),  # the rule on its form says that it is none
    ]
    assert rows(reading, "rounds")[0]["round_id"] == "demo-round-1"
    assert {(f.rule, f.severity) for f in reading.findings} == {("read-as", Severity.INFO)}


# --- what stands in for a value ----------------------------------------------------------------------


@pytest.mark.parametrize(
    "text", ["#N/A", "#REF!", "#NAME?", "Err:508", "Loading…", '"', '-"-', "〃", "do.", "Kes\ufffd", "KesÃ¤"]
)
@pytest.mark.parametrize("field", [TEXT, AMOUNT, DAY])
def test_what_is_no_value_is_a_finding_in_every_kind_of_column(tmp_path, field, text):
    read_as, reading = column(tmp_path, field, [text])
    assert read_as == [None]
    (finding,) = reading.findings
    assert (finding.rule, finding.severity, finding.row_number) == ("type", Severity.ERROR, 2)
    assert finding.help


# --- headers -----------------------------------------------------------------------------------------


def header(tmp_path, *texts):
    row = {name: value for name, value in pilot().items() if name != "Grant (EUR)"}
    path = save(
        tmp_path / "book.xlsx",
        {"Pilots": table([{**row, **dict.fromkeys(texts, 5000)}]), "Rounds": table([ROUND])},
    )
    return read(path)


@pytest.mark.parametrize(
    "text",
    ["Grant (EUR)*", "Grant (EUR)1", "Grant (EUR) 1)", "Grant (EUR)¹", "Grant ²", "Avustus [1]", "Grant (a)"],
)
def test_a_footnote_behind_a_header_does_not_hide_the_column(tmp_path, text):
    reading = header(tmp_path, text)
    assert rows(reading)[0]["grant_eur"] == 5000
    assert {(f.rule, f.severity) for f in reading.findings} <= {("read-as", Severity.INFO)}
    assert all(f"“{text}”" in f.message for f in reading.findings)


def test_a_numbered_header_is_another_column(tmp_path):
    for texts in (["Grant (EUR)", "Grant (EUR) 2)"], ["Grant (EUR)", "Grant 2"]):
        reading = header(tmp_path, *texts)
        assert rows(reading)[0]["grant_eur"] == 5000
        assert [f.column_name for f in reading.findings] == [texts[1]]
        assert reading.findings[0].rule == "unknown-column"
    reading = header(tmp_path, "Grant 1)", "Grant 2)")
    assert {f.rule for f in reading.findings} == {"renamed-column", "unknown-column"}


@pytest.mark.parametrize("text", ["Grants (EUR)", "Money"])
def test_a_renamed_column_is_one_finding_that_says_what_it_may_be(tmp_path, text):
    (said,) = header(tmp_path, text).findings
    assert (said.rule, said.severity, said.column_name) == ("renamed-column", Severity.CRITICAL, "grant_eur")
    assert (said.row_number, said.heading) == (1, text)
    assert said.message == f"The column “{text}” (N) may be “Grant (EUR)” renamed, so it was not read."
    assert said.help.startswith("Name the column “Grant (EUR)”, if it is.")


def test_a_column_of_other_values_is_not_the_missing_one(tmp_path):
    row = {**pilot(), "Lunch": "nice"}
    del row["Grant (EUR)"]
    path = save(tmp_path / "book.xlsx", {"Pilots": table([row]), "Rounds": table([ROUND])})
    missing, unknown = read(path).findings
    assert (missing.rule, missing.column_name) == ("missing-column", "grant_eur")
    assert missing.help.startswith("Add a column named “Grant (EUR)”.")
    assert (unknown.rule, unknown.column_name) == ("unknown-column", "Lunch")
    assert "name it as the template does: “Grant (EUR)”" in unknown.help


def test_decomposed_umlauts_in_a_header_are_umlauts(tmp_path):
    row = pilot()
    row["Pa\u0308a\u0308ttyy"] = row.pop("Ends")
    path = save(tmp_path / "book.xlsx", {"Pilots": table([row]), "Rounds": table([ROUND])})
    assert not read(path).findings


# --- groups of columns --------------------------------------------------------------------------------


def grouped(tmp_path, *fields):
    """Two rows of headers: single columns merged over both, groups merged over their columns."""
    book = Workbook()
    sheet = book.active
    sheet.title = "Things"
    sheet.append(["Visits of 2024"])
    sheet.append(["Key", "Visitors", None, "Staff", None])
    sheet.append([None, "Morning", "Evening", "Morning", "Evening"])
    sheet.append(["a", 1, 2, 3, 4])
    for area in ("A1:E1", "A2:A3", "B2:C2", "D2:E2"):
        sheet.merge_cells(area)
    book.save(tmp_path / "book.xlsx")
    return read(tmp_path / "book.xlsx", source=anything(*fields))


def test_a_column_is_known_together_with_the_group_above_it(tmp_path):
    names = {"visitors_morning": "Visitors / Morning", "visitors_evening": "Visitors / Evening",
             "staff_morning": "Staff / Morning", "staff_evening": "Staff, evening"}  # fmt: skip
    reading = grouped(tmp_path, *({"name": n, "title": t, "type": "integer"} for n, t in names.items()))
    assert not reading.findings
    (row,) = rows(reading, "things")
    assert [row[name] for name in ("key", *names)] == ["a", 1, 2, 3, 4]
    assert row["_row"] == 4


def test_without_its_group_a_column_is_known_where_it_is_the_only_one(tmp_path):
    reading = grouped(tmp_path, {"name": "staff_morning", "title": "Staff / Morning", "type": "date"},
                      {"name": "evening", "title": "Evening", "presence": "optional"})  # fmt: skip
    assert [f.rule for f in serious(reading)] == ["duplicate-column", "type"]
    assert "Staff / Morning: “3” cannot be read" in serious(reading)[1].message
