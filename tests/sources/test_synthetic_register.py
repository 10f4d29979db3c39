"""Rows that are broken on purpose: which, how, and that nothing else is touched."""

from __future__ import annotations

import io
from datetime import date

import pytest

from dev.synthetic_register import FAULTS, broken, write_csv


@pytest.fixture(scope="module")
def month() -> bytes:
    target = io.BytesIO()
    write_csv(target, 600, date(2026, 2, 1), seed=1)
    return target.getvalue()


def test_a_share_of_the_rows_is_broken_and_said(month: bytes) -> None:
    content, faults = broken(month, 0.02, seed=3)
    before, after = month.splitlines(), content.splitlines()
    assert len(faults) == 12
    assert set(faults.values()) == set(FAULTS)
    untouched = set(before) & set(after)
    duplicates = sum(fault == "duplicate-number" for fault in faults.values())
    assert len(after) == len(before) + duplicates
    assert len(untouched) == len(before) - len(faults) + duplicates
    for number in faults:
        assert any(f'"{number}"'.encode() in line for line in set(after) - untouched)


def test_the_same_seed_breaks_the_same_rows(month: bytes) -> None:
    assert broken(month, 0.02, seed=3) == broken(month, 0.02, seed=3)
    assert broken(month, 0.02, seed=3)[1] != broken(month, 0.02, seed=4)[1]
    assert broken(month, 0.0)[0] == month
    assert set(broken(month, 0.01, faults=("bad-byte",))[1].values()) == {"bad-byte"}
