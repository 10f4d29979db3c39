"""What is planted is found, where it is, once; and nothing is found where nothing is wrong."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.broken.checking import check, declared, workbook_sources
from tests.broken.drafts import draft, written
from tests.broken.library import Case, cases
from tests.broken.planting import FAULTS, judged
from warehouse.declarations import Severity

SEED = 1
ALL = list(cases(SEED))
FEW = ALL[::30]  # of every kind of fault some


def found_as_planted(case: Case, tmp_path):
    made, planted = case.make()
    paths = case.fault.files(made, tmp_path / "in")
    checked = check(paths, made.source, tmp_path / "work")
    result = judged(planted, checked.findings, made)
    there = "; ".join(
        f"{one.rule} at {one.sheet} {one.row_number} {one.column_name}" for one in checked.findings[:9]
    )
    assert not result.missed, f"{case} ({case.fault.done}): not found: {result.missed}; found: {there}"
    echoes = [
        f"{one.severity} {one.rule} at {one.sheet} {one.row_number} {one.column_name}: {one.message}"
        for one in result.echoes[:5]
    ]
    assert not result.echoes, f"{case} ({case.fault.done}): beside it: {echoes}"


def test_the_library_holds_every_fault_in_many_workbooks():
    assert len({str(case) for case in ALL}) == len(ALL) >= 150
    assert {case.fault.name for case in ALL} == {fault.name for fault in FAULTS}
    assert len({fault.name for fault in FAULTS}) == len(FAULTS)
    assert {case.source for case in ALL} == set(workbook_sources())
    kinds = Counter(case.make()[0].kind for case in ALL)
    assert min(kinds[kind] for kind in ("xlsx", "xlsm", "csv")) >= 10


def test_every_written_rule_of_a_workbook_is_broken_somewhere():
    told = {rule for case in ALL for wanted in case.make()[1].wanted for rule in wanted.rules}
    written_rules = {
        rule.id
        for name in workbook_sources()
        for rules in declared().source_rules[name].tables.values()
        for rule in rules
        if rule.severity is not Severity.INFO
    }
    assert written_rules - told == set()


@pytest.mark.parametrize("case", FEW, ids=str)
def test_what_is_planted_is_found_at_its_cell_and_only_there(case, tmp_path):
    found_as_planted(case, tmp_path)


@pytest.mark.prove
@pytest.mark.parametrize("case", ALL, ids=str)
def test_all_that_is_planted_is_found_at_its_cell_and_only_there(case, tmp_path):
    found_as_planted(case, tmp_path)


def nothing_is_found(source, seed, tmp_path):
    made = draft(declared().sources[source], seed)
    checked = check(written(made, tmp_path / "in"), made.source, tmp_path / "work")
    wrong = [f"{one.rule}: {one.message}" for one in checked.findings if one.severity is not Severity.INFO]
    assert not wrong, f"{source} {seed} ({made.kind}, {made.language}): {wrong}"


@pytest.mark.parametrize("number", range(3))
def test_a_clean_workbook_has_no_finding(number, tmp_path):
    nothing_is_found(workbook_sources()[number * 3 % len(workbook_sources())], SEED + number, tmp_path)


@pytest.mark.prove
@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("source", workbook_sources())
def test_no_clean_workbook_has_a_finding(source, seed, tmp_path):
    nothing_is_found(source, seed, tmp_path)
