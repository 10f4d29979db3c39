"""Whoever does what our comments say, and knows nothing else, mends the workbook and breaks nothing."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from pathlib import Path

import pytest

from tests.broken.checking import declared
from tests.broken.library import cases
from tests.broken.mending import ELSEWHERE, by_rule, mended
from tests.workbook_factory import ROOT

SHARED = Path(os.environ.get("OPENDISTRICT_SHARED_DATA", ROOT.parent / "shared" / "data"))
REAL = SHARED.parent / "cases"
SEED = 2  # other placements than those that are looked for
ALL = list(cases(SEED))
PARTS = 12
AT_LEAST = 0.95


def mend_all(some, tmp_path):
    """Mend every case; what was to be mended, what is left and what is new, by rule, and what was said of both."""
    before, left, made, advices = Counter(), Counter(), Counter(), []
    for case in some:
        folder = tmp_path / str(case)
        draft, _ = case.make()
        result = mended(case.fault.files(draft, folder / "in"), draft.source, folder)
        shutil.rmtree(folder)
        is_elsewhere = not ELSEWHERE.keys().isdisjoint(by_rule(result.before))  # what is guessed there shows more
        for kind, found in ((before, result.before), (left, result.left), (made, result.made)):
            if kind is not made or not is_elsewhere:
                kind.update({rule: count for rule, count in by_rule(found).items() if rule not in ELSEWHERE})
        if result.left or (result.made and not is_elsewhere):
            advices += [
                f"{case}: {one.said.message} -> {one.said.advice} ({one.how or 'nothing could be done'})"
                for one in result.done[:3]
            ]
    return before, left, made, advices


def is_mended(some, tmp_path):
    before, left, made, advices = mend_all(some, tmp_path)
    told = f"of {before} left {left}, made {made}\n" + "\n".join(advices)
    assert sum(left.values()) <= (1 - AT_LEAST) * max(sum(before.values()), 20), told
    assert not made, told


def test_some_that_do_what_our_comments_say_mend_their_workbooks(tmp_path):
    is_mended(ALL[3::90], tmp_path)


@pytest.mark.prove
@pytest.mark.parametrize("part", range(PARTS))
def test_all_that_do_what_our_comments_say_mend_their_workbooks(part, tmp_path):
    is_mended(ALL[part::PARTS], tmp_path)


def real_files():
    found = sorted(REAL.glob("fail/F*.xlsx")) + sorted(REAL.glob("pass/*.xls*"))
    return [path for path in found if path.is_file()]


@pytest.mark.prove
@pytest.mark.skipif(not REAL.exists(), reason="the collected cases are not here")
def test_real_malformed_workbooks_can_be_mended_by_what_we_say(tmp_path):
    before, left, made, told = Counter(), Counter(), Counter(), []
    for path in real_files():
        given = tmp_path / path.stem
        given.mkdir()
        shutil.copy(path, given / path.name)
        result = mended([given / path.name], declared().sources["agile_pilots"], given / "work")
        for kind, found in ((before, result.before), (left, result.left), (made, result.made)):
            kind.update({rule: count for rule, count in by_rule(found).items() if rule not in ELSEWHERE})
        if result.left or result.made:
            told += [
                f"{path.name}: {one.said.message} -> {one.said.advice} ({one.how})" for one in result.done[:4]
            ]
    assert sum(left.values()) <= (1 - AT_LEAST) * sum(before.values()), f"{before} {left} {told}"
    assert not made, told
