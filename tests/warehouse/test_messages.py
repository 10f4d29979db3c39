"""Texts that are said in a language, also after they went through JSON, pickle and the warehouse."""

import copy
import json
import pickle
from datetime import date

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from warehouse import ledger
from warehouse.declarations import Severity
from warehouse.findings import Finding, add_findings, add_findings_of, create_findings_tables, said_sql
from warehouse.messages import (
    Language,
    counted,
    in_languages,
    language_of,
    listed,
    message,
    packed,
    said_in,
    sentences,
    unpacked,
)
from warehouse.messages import said as catalogues

FINNISH = {
    "The sheet {sheet} was read on {day}.": ("Taulukko {sheet} luettiin {day}.",),
    "{count} row": ("{count} rivi", "{count} riviä"),
}


@pytest.fixture(autouse=True)
def _catalogue(monkeypatch):
    monkeypatch.setattr(catalogues, "catalogue", lambda language: FINNISH)


def test_a_message_is_its_english_sentence_and_knows_its_finnish_one():
    text = message("The sheet {sheet} was read on {day}.", sheet="Kokeilut", day=date(2026, 3, 1))
    assert text == "The sheet Kokeilut was read on 1 March 2026."
    assert said_in(text, Language.FINNISH) == "Taulukko Kokeilut luettiin 1.3.2026."


def test_counts_have_the_languages_forms_and_separators():
    def rows(count):
        return counted("{count} row", "{count} rows", count)

    assert [str(rows(count)) for count in (1, 0, 12345)] == ["1 row", "0 rows", "12,345 rows"]
    said = [said_in(rows(count), Language.FINNISH) for count in (1, 0, 12345)]
    assert said == ["1 rivi", "0 riviä", "12\N{NO-BREAK SPACE}345 riviä"]


def test_what_has_no_translation_is_said_in_english_and_plain_text_as_it_is():
    assert said_in(message("Never translated: {name}.", name="x"), Language.FINNISH) == "Never translated: x."
    assert said_in("Testaajia", Language.FINNISH) == "Testaajia"


def test_parts_are_said_in_the_language_too():
    title = in_languages("Grant (EUR)", finnish="Avustus")
    assert said_in(listed([title, "Muu", title]), Language.FINNISH) == "Avustus, Muu ja Avustus"
    assert listed(["a", "b", "c"], "or") == "a, b or c"
    both = sentences(counted("{count} row", "{count} rows", 1), "", title)
    assert (both, said_in(both, Language.FINNISH)) == ("1 row Grant (EUR)", "1 rivi Avustus")


values = st.one_of(st.text(), st.integers(), st.dates(), st.floats(allow_nan=False, allow_infinity=False))
texts = st.recursive(
    st.text() | st.builds(lambda en, fi: in_languages(en, finnish=fi), st.text(), st.text()),
    lambda inner: st.one_of(
        st.builds(
            lambda sheet, day: message("The sheet {sheet} was read on {day}.", sheet=sheet, day=day), inner, values
        ),
        st.builds(lambda count: counted("{count} row", "{count} rows", count), st.integers(0)),
        st.lists(inner, max_size=3).map(listed),
    ),
    max_leaves=6,
)


@given(texts)
def test_a_text_survives_json_pickle_and_copying(text):
    for again in (
        unpacked(json.loads(json.dumps(packed(text)))),
        pickle.loads(pickle.dumps(text)),  # noqa: S301
        copy.deepcopy(text),
    ):
        assert (again, said_in(again, Language.FINNISH)) == (text, said_in(text, Language.FINNISH))


@given(st.text())
def test_a_value_is_never_read_as_a_template(value):
    said = said_in(
        message("The sheet {sheet} was read on {day}.", sheet="{day}" + value, day="{sheet}"), Language.FINNISH
    )
    assert said == "Taulukko {day}" + value + " luettiin {sheet}."


def test_a_value_of_a_row_is_never_read_as_a_template():
    said, _, both = said_sql("“{old}” became “{new}”.", "", old="'{new}'", new="'{old}'")
    with duckdb.connect() as connection:
        assert connection.execute(f"SELECT {said}, {both} ->> '$.message.values.old'").fetchone() == (
            "“{new}” became “{old}”.",
            "{new}",
        )


def test_findings_are_said_in_finnish_after_they_went_through_the_warehouse():
    text = message("The sheet {sheet} was read on {day}.", sheet="O'Brien {day}", day=date(2026, 3, 1))
    with duckdb.connect() as connection:
        create_findings_tables(connection)
        add_findings(connection, "pilots", [Finding("a", Severity.ERROR, text, "Plain advice.")])
        said, advice, both = said_sql(
            "The sheet {sheet} was read on {day}.", "No value.", sheet="sheet", day="'1.3.'"
        )
        add_findings_of(
            connection,
            "pilots",
            f"""SELECT 't' AS table_name, 'b' AS rule, 'info' AS severity, NULL AS file, sheet, 3 AS row_number,
                'c' AS column_name, 'v' AS value, NULL AS row_key,
                {said} AS message, {advice} AS help, {both} AS said
                FROM (SELECT 'K''t' AS sheet)""",
        )
        first, second = ledger.read_findings(connection, "main.findings")
    assert said_in(first.message, Language.FINNISH) == "Taulukko O'Brien {day} luettiin 1.3.2026."
    assert (first.message, first.help) == (text, "Plain advice.")
    assert (second.message, second.help) == ("The sheet K't was read on 1.3..", "No value.")
    assert said_in(second.message, Language.FINNISH) == "Taulukko K't luettiin 1.3.."


@pytest.mark.parametrize(("tag", "language"), [("fi-FI", "fi"), ("FI", "fi"), ("sv", "en"), (None, "en")])
def test_a_tag_names_a_language(tag, language):
    assert language_of(tag) == language
