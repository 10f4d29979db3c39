"""A rules file that does not fit its tables is a fault that names file, line and what was probably meant."""

from __future__ import annotations

import textwrap

import pytest

from checks.rules import rules_of_sources
from checks.rules.written import WrittenRule
from tests.checks.test_written_rules import SOURCE
from warehouse.declarations import DeclarationError

HEAD = """\
tables:
  meetings:
    - id: fine
      severity: warning
      columns: [people]
      holds: people < 10
      message: "{people} is too much on {day}."
      help: Mend it.
      values: {day: held_on}
      source: A test.
    - id: odd
      severity: warning
"""
TAIL = """\
      source: A test.
"""
TOLD = {"message": "Wrong.", "help": "Mend it."}


def faults(tmp_path, lines, **told):
    words = {**TOLD, **told}
    text = HEAD + textwrap.indent(lines, " " * 6)
    text += "".join(f"      {name}: '{value}'\n" for name, value in words.items()) + TAIL
    (tmp_path / "club.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(DeclarationError) as caught:
        rules_of_sources({"club": SOURCE}, tmp_path)
    return str(caught.value)


@pytest.mark.parametrize(
    ("lines", "line", "words"),
    [
        ("columns: [peple]\nholds: people < 10\n", 13, "no column peple in meetings; perhaps people is meant"),
        ("columns: [people]\nholds: peple < 10\n", 14, "no column peple in meetings; perhaps people is meant"),
        ("columns: [people]\nholds: people <\n", 14, "its SQL cannot be used: Parser Error"),
        (
            "columns: [people]\nholds: people < 10 OR EXISTS (FROM read_text('/etc/hosts'))\n",
            14,
            "its SQL cannot be used: Permission Error",
        ),
        ("columns: [people]\nholds: people + 1\n", 14, "it is no condition: it gives bigint"),
        (
            "columns: [people]\nholds: people IN (SELECT m.people FROM staged.metings AS m)\n",
            14,
            "no table metings; perhaps meetings is meant",
        ),
        ("columns: [people]\nhold: people < 10\n", 14, "no such key; perhaps holds is meant"),
        ("columns: [people]\nholds: people < 10\nvalues: {x: whle}\n", 15, "perhaps whole is meant"),
        ("columns: [people]\nholds: people < 10\ndated_by: held\n", 15, "perhaps held_on is meant"),
        ("columns: [people]\nspans: grnt\nprogramme_in: kind\n", None, "has no list grnt; perhaps grant is meant"),
        (
            "columns: [people]\neach: [pilt]\nmeasure: count(*)\nmaximum: 3\n",
            14,
            "no column pilt in meetings; perhaps pilot is meant",
        ),
        (
            "columns: [people]\neach: {y: year(held)}\nmeasure: count(*)\nmaximum: 3\n",
            14,
            "perhaps held_on is meant",
        ),
        ("columns: [people]\neach: [pilot]\nmeasure: people\nmaximum: 3\n", 15, "its SQL cannot be used"),
        ("columns: [people]\nrefers_to: {table: metings, columns: [people]}\n", 14, "perhaps meetings is meant"),
        ("columns: [people]\nrefers_to: {table: meetings, columns: [peopl]}\n", 14, "perhaps people is meant"),
        (
            "columns: [people]\nrefers_to: {source: clubs, table: meetings, columns: [people]}\n",
            14,
            "no source clubs; perhaps club is meant",
        ),
    ],
)
def test_a_fault_names_its_line_and_what_was_meant(tmp_path, lines, line, words):
    said = faults(tmp_path, lines)
    assert words in said
    assert "club.yaml" in said
    assert line is None or f"line {line}:" in said


def test_a_name_in_braces_has_to_be_said_by_something(tmp_path):
    said = faults(tmp_path, "columns: [people]\nholds: people < 10\n", message="{peopel} is too much.")
    assert "line 15:" in said
    assert "nothing says what {peopel} is; perhaps people is meant" in said


def test_the_shipped_rules_files_fit():
    from flows.declarations import Declarations

    declared = Declarations.read()
    assert declared.source_rules.keys() == declared.sources.keys()
    assert declared.dataset_rules.keys() == declared.datasets.keys()


@pytest.mark.parametrize("name", ["personal-data", "stale-correction"])
def test_no_rule_is_called_like_findings_of_ours(name):
    more = {"columns": ["people"], "holds": "people < 10", "source": "nobody", **TOLD}
    with pytest.raises(ValueError, match="give the rule another id"):
        WrittenRule(id=name, severity="warning", **more)
