"""What a text may mean is proposed, never read; and an advice names what is to be written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sources.workbooks.cell_values import parse_date
from sources.workbooks.guesses import days_meant, numbers_meant, years_meant
from sources.workbooks.words import choose_of, example_of, how_to_write
from warehouse.declarations import FieldDeclaration
from warehouse.messages import Language, said_in


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("12 kpl", ["12"]),
        ("noin 5 000 euroa", ["5000"]),
        ("5-10", ["5", "10"]),
        ("12.5", ["12", "13"]),
        ("1, 2 or 3", []),
        ("a dozen", []),
        ("-3 people", ["-3"]),
    ],
)
def test_whole_numbers_in_a_text(text, wanted):
    assert numbers_meant(text, is_whole=True) == wanted


def test_a_number_that_can_be_read_in_two_ways_is_two():
    assert numbers_meant("about 5.000", is_whole=False) == ["5000", "5"]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("3.4.21", ["2021-04-03"]),
        ("3/4/21", ["2021-04-03", "2021-03-04"]),
        ("31.6.2016", ["2016-06-30"]),
        ("2016-13-05", ["2016-05-13"]),
        ("4/5/2016", ["2016-05-04", "2016-04-05"]),
        ("20160331", ["2016-03-31"]),
        ("3/2016", ["2016-03-01"]),
        ("2016-03", ["2016-03-01"]),
        ("2016", ["2016-01-01"]),
        ("31 March 2016", ["2016-03-31"]),
        ("5. toukokuuta 2016", ["2016-05-05"]),
        ("March 2016", ["2016-03-01"]),
        ("March 31, 2016", ["2016-03-31"]),
        ("early spring", []),
        ("99.99.2016", []),
    ],
)
def test_days_in_a_text(text, wanted):
    assert days_meant(text) == wanted


@given(st.text(max_size=40))
def test_what_is_proposed_can_be_written(text):
    for day in days_meant(text):
        assert parse_date(day).isoformat() == day
    assert all(one.lstrip("-").isdigit() for one in numbers_meant(text, is_whole=True))
    assert all(len(one) == 4 for one in years_meant(text))


def field(kind, **more):
    return FieldDeclaration(name="one", title="One", type=kind, **more)


def test_an_example_is_within_the_bounds_of_its_column():
    assert example_of(field("integer", constraints={"minimum": 2000, "maximum": 2099})) == "2000"
    assert example_of(field("integer", constraints={"maximum": 5})) == "5"
    assert example_of(field("date", constraints={"minimum": "2020-01-01"})) == "2020-01-01"
    assert example_of(field("number", unit="%")) == "50"
    assert example_of(field("string")) == ""


def test_an_advice_proposes_only_what_its_column_may_hold_and_shows_nothing_that_is_withheld():
    bounded = field("integer", constraints={"maximum": 100})
    assert how_to_write(bounded, ["5000", "5"]).startswith("Write “5”, if that is what is meant.")
    assert how_to_write(field("integer"), ["5000", "5"]).startswith("Write “5000” or “5”, whichever is meant.")
    withheld = field("integer", privacy="personal")
    assert "5000" not in how_to_write(withheld, ["5000"])


def test_an_advice_has_the_columns_own_words_in_both_languages():
    declared = field("number", unit="EUR", help="Count the grant.", help_fi="Laske tuki.")
    said = how_to_write(declared, is_optional=False)
    assert said == "Count the grant. Write it like “5000”."
    assert said_in(said, Language.FINNISH) == "Laske tuki. Kirjoita se näin: ”5000”."


def test_a_list_is_said_by_its_titles_with_the_nearest_first():
    said = choose_of("themes", ["mobility"])
    assert said.startswith("Choose one of “Mobility”, “Resource recycling”, ")
    assert said_in(said, Language.FINNISH).startswith("Valitse jokin näistä: ”Liikkuminen”, ")


@pytest.mark.parametrize("text", ["5 k€", "1,2 M", "3 milj. €", "5 tuh", "2 million", "50 %", "50%"])
def test_a_number_that_is_scaled_is_not_guessed_without_its_scale(text):
    assert numbers_meant(text, is_whole=False) == []


@pytest.mark.parametrize("text", ["about 12 m2", "12 months", "12 kpl"])
def test_a_unit_is_no_scale(text):
    assert "12" in numbers_meant(text, is_whole=False)
