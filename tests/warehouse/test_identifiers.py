"""Identifiers and codes: one canonical form, from every form that people write."""

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stdnum.fi import alv, ytunnus

from warehouse.declarations import DeclarationError, normalised, parse
from warehouse.identifiers import (
    CANONICAL,
    IDENTIFIERS,
    business_id_fi,
    business_id_holds,
    company_number_uk,
    org_id,
    org_id_holds,
    slug,
    split_org_id,
)
from warehouse.reference import CodeList, code_lists, organisation_registers

DASHES = "-‐‑‒–—―−－"
FORMS = [
    "{0}{1}", "{0}-{1}", "FI{0}{1}", "FI {0}{1}", "fi{0}-{1}", " {0} - {1} ", "{0} {1}", "FI-{0}{1}",
    *(f"{{0}}{dash}{{1}}" for dash in DASHES),
]  # fmt: skip
DIGITS = st.text(alphabet="0123456789", min_size=8, max_size=8)


@given(DIGITS, st.sampled_from(FORMS))
def test_a_business_id_in_any_form_has_one_canonical_form(digits, form):
    canonical = f"{digits[:7]}-{digits[7]}"
    assert business_id_fi(form.format(digits[:7], digits[7])) == canonical
    assert business_id_fi(canonical) == canonical
    assert canonical == ytunnus.format(digits)


@given(st.one_of(st.text(), st.text(alphabet=f"0123456789FI {DASHES}", max_size=14)))
def test_a_canonical_form_is_canonical_and_the_library_agrees(text):
    found = business_id_fi(text)
    if found is not None:
        assert business_id_fi(found) == found
    if ytunnus.is_valid(text) and text.isascii() and "0" <= text.strip()[-1:] <= "9" and len(text.split()) == 1:
        assert found in (ytunnus.format(text), None)


@pytest.mark.parametrize(
    "text",
    ["2170029", "217002 9", "SE21700292", "2170029-22", "2170029--2", "2170029-X", "y-tunnus 2170029-2",
     "2170029-2, 0112038-9", "٢١٧٠٠٢٩-٢", ""],
)  # fmt: skip
def test_what_may_be_something_else_is_none(text):
    assert business_id_fi(text) is None


def test_the_six_digits_of_old_papers_have_a_zero_in_front():
    assert business_id_fi("112038-9") == "0112038-9"
    assert ytunnus.is_valid("0112038-9")


@settings(deadline=None)
@given(st.lists(DIGITS, min_size=1, max_size=20))
def test_the_rule_in_sql_agrees_with_the_library(numbers):
    ids = [business_id_fi(number) for number in numbers]
    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE t (n INTEGER, x VARCHAR)")
        connection.executemany("INSERT INTO t VALUES (?, ?)", list(enumerate(ids)))
        held = connection.execute(f"SELECT {business_id_holds('x')} FROM t ORDER BY n").fetchall()
    assert [holds for (holds,) in held] == [ytunnus.is_valid(one) for one in ids]
    assert [alv.is_valid(f"FI{one}") for one in ids] == [holds for (holds,) in held]


@given(st.integers(0, 99_999_999), st.sampled_from(["", "SC", "NI", "OC", "IP"]), st.integers(0, 2))
def test_a_company_number_gets_back_up_to_two_zeros_that_a_spreadsheet_ate(number, letters, eaten):
    width = 8 - len(letters)
    whole = f"{number % 10**width:0{width}d}"
    if whole[:eaten].strip("0") == "":
        assert company_number_uk(f" {letters.lower()} {whole[eaten:]}") == letters + whole


@pytest.mark.parametrize(
    ("text", "meant"),
    [("R0000123", "R0000123"), ("ip12345r", "IP12345R"), ("SP1234RS", "SP1234RS"), ("12345", None),
     ("123456789", None), ("IP1234R", None), ("1234567X", None), ("SC", None), ("", None), ("no number", None)],
)  # fmt: skip
def test_company_numbers_with_letters_and_what_is_none(text, meant):
    assert company_number_uk(text) == meant


@pytest.mark.parametrize(
    ("text", "meant", "is_right"),
    [("gb-coh-1234567", "GB-COH-01234567", True), ("GB–COH–SC012345", "GB-COH-SC012345", True),
     ("GB-COH-QQ123456", "GB-COH-QQ123456", False), ("FI-PRO-01120389", "FI-PRO-0112038-9", True),
     ("FI-PRO-0112038-8", "FI-PRO-0112038-8", False), ("GB-SC-SC000470", "GB-SC-SC000470", True),
     ("360G-example-1", "360G-example-1", True), ("GB-CHC-", None, None), ("XX-ABC-1", None, None),
     ("", None, None)],
)  # fmt: skip
def test_an_org_id_names_a_register_and_a_number_as_that_register_writes_them(text, meant, is_right):
    assert org_id(text) == meant
    if meant:
        code, number = split_org_id(meant)
        assert f"{code}-{number}" == meant
        with duckdb.connect() as connection:
            held = connection.execute(f"SELECT {org_id_holds('x')} FROM (SELECT ? AS x)", [meant]).fetchone()
        assert held == (is_right,)


def test_a_register_of_a_kind_of_number_that_nobody_knows_is_none_that_is_listed():
    assert {one.identifier for one in organisation_registers().values()} <= {None, *IDENTIFIERS}


@given(st.text())
def test_an_id_of_the_house_is_its_own_canonical_form(text):
    assert slug(slug(text)) == slug(text)
    assert slug("Kalasatama–1") == "kalasatama-1"


def test_every_check_of_a_declaration_has_its_canonical_form():
    from warehouse.declarations import Constraints

    kinds = {kind for kind in IDENTIFIERS if Constraints(check=kind).check == kind}
    assert set(CANONICAL) == kinds
    with pytest.raises(ValueError, match="there is no identifier nonesuch, only business_id_fi"):
        Constraints(check="nonesuch")


# --- code lists --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(code_lists()))
def test_every_word_of_a_list_means_its_code_in_any_case(name):
    codes = code_lists()[name]
    for code, meaning in codes.codes.items():
        assert meaning.title_fi or codes.is_untranslated
        for word in meaning.words(code):
            for form in (
                word,
                word.upper(),
                word.casefold(),
                f" {word} ",
                normalised(word) or word,  # a sign such as € is nothing but punctuation
                word.replace("_", " "),
            ):
                assert codes.code_of(form) == code, form


def test_words_that_people_write():
    themes = code_lists()["themes"]
    words = {
        "Mobility": "mobility",
        "liikkuminen": "mobility",
        "resource recycling": "resource_recycling",
        "Kiertotalous": "resource_recycling",
        "blockchain": None,
        "": None,
    }
    assert {word: themes.code_of(word) for word in words} == words
    assert themes.nearest("mobilty") == ["mobility"]
    assert themes.nearest("liikuminen") == ["mobility"]
    assert themes.nearest("blockchain") == []


def test_a_word_of_two_codes_is_a_fault_of_the_list():
    with pytest.raises(DeclarationError, match="'a' means two codes"):
        parse(CodeList, {"title": "T", "codes": {"a": {"title": "One"}, "b": {"title": "A"}}}, "test")


@given(st.text(max_size=200))
def test_no_text_breaks_a_list(text):
    for codes in code_lists().values():
        assert codes.code_of(text) in (None, *codes.codes)
        assert set(codes.nearest(text)) <= set(codes.codes)
