"""Faults in YAML files: told with file, line and the name that was probably meant."""

import pytest

from checks.rules import SourceRules
from warehouse.declared import DeclarationError, fault, nearest, parse, read_yaml
from warehouse.reference import Publisher

RULES = """\
# rules
tables:
  pilots:
    - id: first
      severity: error
      columns: [a]
      holds: a > 0
      message: No.
      help: Mend it.
      source: Us
    - id: second
      severty: error
      columns: []
      holds: a > 0
      message: No.
      help: Mend it.
      source: Us
"""


def test_every_fault_has_its_line_and_a_misspelt_key_the_one_meant(tmp_path):
    path = tmp_path / "pilots.yaml"
    path.write_text(RULES, encoding="utf-8")
    with pytest.raises(DeclarationError) as raised:
        parse(SourceRules, read_yaml(path), path)
    said = str(raised.value)
    assert f"{path}: 3 fault(s)" in said
    assert "line 12: tables.pilots.1.severty: there is no such key; perhaps severity is meant" in said
    assert "line 13: tables.pilots.1.columns" in said
    assert "line 11: tables.pilots.1.severity: Field required" in said


def test_an_entry_of_a_list_of_entries_has_its_line_too(tmp_path):
    path = tmp_path / "publishers.yaml"
    path.write_text("one:\n  title: One\n  hompage: https://example.org\n", encoding="utf-8")
    with pytest.raises(DeclarationError, match="line 3: hompage: there is no such key; perhaps homepage is meant"):
        parse(Publisher, {"name": "one", **read_yaml(path)["one"]}, "publishers", path, ("one",))


def test_a_fault_that_is_found_later_has_its_line(tmp_path):
    path = tmp_path / "pilots.yaml"
    path.write_text(RULES, encoding="utf-8")
    found = fault(path, ("tables", "pilots", 0, "columns", 0), f"there is no column a{nearest('a', ['aa'])}")
    assert str(found) == f"{path}: line 6: tables.pilots.0.columns.0: there is no column a; perhaps aa is meant"


def test_what_is_like_nothing_has_no_hint():
    assert nearest("zebra", ["pilot", "round"]) == ""
