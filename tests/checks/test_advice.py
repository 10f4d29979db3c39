"""What findings say to whoever keeps the file: her own words, a value to write, nothing of our machinery."""

from __future__ import annotations

import re

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

import sources
from checks.rules import compile_rules, load_source_rules
from checks.rules.demands import CheckDigit, Code, Pattern, Range, Reference, Required, RowCount
from checks.rules.forms import form_of_pattern, meant_by
from tests.checks.test_rules import check_digit
from warehouse.findings import Heading, add_headings, create_findings_tables
from warehouse.headings import Names, Place, declared_names, names_of, own_names
from warehouse.identifiers import IDENTIFIERS, with_check_digit
from warehouse.messages import Language, said_in
from warehouse.turns import Whose, turn_of

WORKBOOKS = [source for source in sources.declarations().values() if source.kind == "workbook"]
PATTERNS = sorted(
    {
        field.constraints.pattern
        for source in WORKBOOKS
        for table in source.tables
        for field in table.fields
        if field.constraints.pattern
    }
)
AGILE = next(source for source in WORKBOOKS if source.name == "agile_pilots")


@pytest.mark.parametrize("pattern", PATTERNS)
def test_every_form_of_a_workbook_is_said_in_words_with_an_example_that_has_it(pattern):
    form = form_of_pattern(pattern)
    assert form is not None, "put it into words in checks/rules/forms.py"
    assert re.fullmatch(pattern, form.example)
    assert pattern not in form.words


@pytest.mark.parametrize(
    ("pattern", "given", "meant"),
    [
        ("[a-z0-9]+(-[a-z0-9]+)*", "Kalasatama 1: Tüp", "kalasatama-1-tup"),
        ("[a-z0-9]+(-[a-z0-9]+)*", "???", None),
        ("https?://[^ ]+", "fiksukalasatama.fi/en", "https://fiksukalasatama.fi/en"),
        ("https?://[^ ]+", "https://a.fi/b c", "https://a.fi/b%20c"),
        ("https?://[^ ]+", "see the report", None),
        ("[0-9]{7}-[0-9]", "FI21700292", "2170029-2"),
        ("[A-Z][0-9]{5}", "a 70001", "A70001"),
        ("[0-9]+", "seven", None),
    ],
)
def test_what_was_probably_meant_has_the_form(pattern, given, meant):
    assert meant_by(given, pattern) == meant


@given(st.from_regex(r"[0-9]{7}-[0-9]", fullmatch=True))
def test_the_check_digit_that_would_be_right(text):
    digit = check_digit(text[:7])
    assert with_check_digit(text) == (None if digit is None else f"{text[:7]}-{digit}")
    assert with_check_digit("none") is None


def test_demands_are_messages_with_the_columns_as_people_call_them():
    for demand in (
        RowCount(3, None), RowCount(3, 2000), Required(), Pattern("x"), Code(("a", "b")), Range(0, 10, "EUR"),
        CheckDigit(IDENTIFIERS["business_id_fi"], None), Reference("rounds", ("round_id",), "staged", "Kierros"),
    ):  # fmt: skip
        for text in (demand.kept("“Testaajia”"), demand.broken("“Testaajia”"), demand.advice):
            assert "{" not in text
            assert said_in(text, Language.FINNISH)
        assert said_in(demand.broken("X"), Language.FINNISH) != demand.broken("X")
    assert Range(1000, 60000, "EUR").broken("“Hinta”") == "“Hinta” should be from 1,000 to 60,000 EUR."
    assert said_in(Range(1000, None, None).advice, Language.FINNISH) == "Kirjoita luku: vähintään 1\xa0000."
    assert Code(("mobility", "climate"), "themes").advice == "Choose one of “Mobility” or “Climate”."
    assert Code(("mobility",), "themes").advice_on("mobilty") == "Did you mean “Mobility”?"
    assert Code(("red", "blue")).advice_on("bleu") == "Did you mean “blue”?"


MACHINE = re.compile(r"[a-z]+_(id|code|date|eur|count|year)\b|\[|\^|declar", re.IGNORECASE)


@pytest.mark.parametrize("source", WORKBOOKS, ids=lambda source: source.name)
def test_nothing_said_of_a_workbook_is_a_machines_name(source):
    """Every rule in both languages, with the columns called as a file would."""
    for table in source.tables:
        names = Names({(table.name, f.name): "Oma otsikko" for f in table.fields}, {table.name: "Oma taulukko"})
        for rule in compile_rules(table, load_source_rules(source.name).on(table), names=names):
            told = [rule.message, rule.help, *(rule.row_words.variants if rule.row_words else [])]
            texts = [text for one in told for text in ((one,) if isinstance(one, str) else one)]
            for text in (said_in(text, language) for text in texts for language in Language):
                found = MACHINE.search(re.sub(r"\{\w+\}|“[^”]*”|”[^”]*”", "", text))
                assert not found, (rule.id, text)
            assert rule.owner is Whose.COORDINATOR is turn_of(source)


def test_a_workbooks_own_words_come_first_and_places_keep_theirs():
    def headings(file, sheet, **columns):
        return [Heading("pilots", file, sheet, name, text) for name, text in columns.items()]

    with duckdb.connect() as connection:
        create_findings_tables(connection)
        assert names_of(connection, AGILE) == declared_names(AGILE.tables)
        for file in ("a.xlsx", "b.xlsx"):
            add_headings(connection, headings(file, "Kokeilut", participants_count="Testaajia", city="Kaupunki"))
        add_headings(connection, headings("c.xlsx", "Muut", participants_count="Väkeä"))
        names, own = names_of(connection, AGILE), own_names(connection, AGILE, "pilots")
    assert names.column("pilots", "participants_count") == "Testaajia"
    assert names.sheet("pilots") == "Kokeilut"
    assert (names.column("pilots", "theme_code"), names.sheet("rounds")) == ("Theme", "Rounds")
    assert said_in(names.sheet("rounds"), Language.FINNISH) == "Kierrokset"
    assert {place: said.column("pilots", "participants_count") for place, said in own.items()} == {
        Place("c.xlsx", "Muut"): "Väkeä"
    }
    assert own[Place("c.xlsx", "Muut")].sheet("pilots") == "Muut"


def test_a_written_rule_may_name_its_owner():
    table = AGILE.table("pilots")
    (written,) = [one for one in load_source_rules("agile_pilots").on(table) if one.id == "ends-after-start"]
    (rule,) = compile_rules(table, [written.model_copy(update={"owner": Whose.US})])[-1:]
    assert rule.owner is Whose.US
