"""Text without what nobody sees, and text that is set in several ways."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warehouse.sheets.rich_text import ALL_STRUCK, LEFT_OUT_MARK, LEFT_OUT_STRUCK, RAISED, Run, assembled
from warehouse.text import without_controls


@given(st.text())
def test_no_control_and_no_direction_mark_gets_through(text):
    clean = without_controls(text)
    assert not any(unicodedata.category(c) in ("Cc", "Cs") and c not in "\n\t" for c in clean)
    assert not set(clean) & {
        chr(c) for c in (*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x200B, 0xFEFF, 0xAD)
    }
    assert clean == unicodedata.normalize("NFC", clean)
    assert without_controls(clean) == clean


@given(st.text(st.characters(categories=["L", "N", "P", "S", "Zs"])))
def test_what_is_seen_stays(text):
    assert without_controls(text) == unicodedata.normalize("NFC", text)


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("Quiet\vcarts", "Quiet carts"),
        ("a\r\nb\rc\nd", "a\nb\nc\nd"),
        ("x\u2028y\x85z", "x y z"),
        ("ab\u202egnp\u202c", "abgnp"),
        ("\u2066x\u2069\x00\x1b", "x"),
        ("a\u0308", "ä"),
        ("👩\u200d🚒", "👩\u200d🚒"),
        ("\U000e0041hidden", "hidden"),
    ],
)
def test_text_as_it_is_seen(text, clean):
    assert without_controls(text) == clean


BOTH = f"{LEFT_OUT_STRUCK} and {LEFT_OUT_MARK}"


def raised(text):
    return Run(text, is_raised=True)


def struck(text):
    return Run(text, is_struck=True)


@pytest.mark.parametrize(
    ("runs", "text", "note", "problem"),
    [
        ([Run("Quiet "), Run("carts")], "Quiet carts", "", ""),
        ([Run("2500"), raised("1")], "2500", LEFT_OUT_MARK, ""),
        ([Run("2500"), raised("1"), raised("2")], "2500", LEFT_OUT_MARK, ""),
        ([Run("2500"), raised("1, 2)")], "2500", LEFT_OUT_MARK, ""),
        ([Run("Quiet carts"), raised("a"), Run(", again")], "Quiet carts, again", LEFT_OUT_MARK, ""),
        ([Run("Grant (EUR)"), raised("*")], "Grant (EUR)", LEFT_OUT_MARK, ""),
        ([Run("40 m"), raised("2")], "40 m²", "", ""),
        ([Run("10"), raised("6")], "10⁶", "", ""),
        ([Run("1"), raised("st"), Run(" round")], "1st round", "", ""),
        ([Run("Cart"), raised("TM")], "CartTM", "", ""),
        ([Run("CO"), Run("2")], "CO2", "", ""),
        ([Run("x"), raised("long note")], "xlong note", "", RAISED),
        ([Run("25"), raised("1"), Run("00")], "25100", "", RAISED),
        ([raised("1"), Run("See below")], "1See below", "", RAISED),
        ([struck("2"), Run("5000")], "5000", LEFT_OUT_STRUCK, ""),
        ([Run("Quiet "), struck("loud "), Run("carts"), raised("1")], "Quiet carts", BOTH, ""),
        ([struck("5000")], "5000", ALL_STRUCK, ""),
        ([struck("5000"), Run(" ")], "5000 ", ALL_STRUCK, ""),
    ],
)  # fmt: skip
def test_what_counts_of_runs(runs, text, note, problem):
    assert assembled(runs) == (text, note, problem)


@given(st.lists(st.builds(Run, st.text(), st.booleans(), st.booleans())))
def test_cutting_runs_anywhere_changes_nothing(runs):
    cut = [Run(c, run.is_raised, run.is_struck) for run in runs for c in run.text]
    whole = [run for run in runs if run.text]
    assert assembled(cut) == assembled(whole)
