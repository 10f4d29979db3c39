"""When a dataset is due: it waits for the sources it needs, and for no others."""

from dataclasses import replace
from datetime import date

import pytest

from flows.declarations import Declarations
from flows.due import first_date
from warehouse.curate import ModelError
from warehouse.ledger import SnapshotRecord, Verdict

DATASET, MODEL = "agile-pilots", "SELECT p.pilot_id FROM a.t AS p, b.t, c.t"


@pytest.fixture
def declare(tmp_path):
    """One dataset whose model reads three sources, of which it can do without some."""

    def read(*without: str, any_of: tuple[str, ...] = ()) -> Declarations:
        (tmp_path / "warehouse/models").mkdir(parents=True)
        (tmp_path / "warehouse/models/agile_pilots.sql").write_text(MODEL)
        dataset = Declarations.read().datasets[DATASET]
        entry = dataset.entry.model_copy(update={"can_do_without": without, "needs_any_of": any_of})
        return Declarations({}, {DATASET: replace(dataset, entry=entry)}, tmp_path)

    return read


def loaded(**days: int | None) -> dict[str, list[SnapshotRecord]]:
    """By source, a good snapshot of that day of October; none where there is none."""
    return {
        source: []
        if day is None
        else [
            SnapshotRecord(source, "s", date(2026, 10, day), "", "", Verdict.PASSED, True, "r", {}),
        ]
        for source, day in days.items()
    }


@pytest.mark.parametrize(
    ("without", "days", "first"),
    [
        ((), {"a": 1, "b": 5, "c": 3}, 5),
        ((), {"a": 1, "b": None, "c": 3}, None),
        (("b",), {"a": 1, "b": None, "c": 3}, 3),
        (("b",), {"a": 1, "b": 5, "c": 3}, 3),
        (("b",), {"a": None, "b": 5, "c": 3}, None),
        (("a", "b", "c"), {"a": None, "b": 5, "c": 3}, 3),
        (("a", "b", "c"), {"a": None, "b": None, "c": None}, None),
    ],
)
def test_a_dataset_waits_for_what_it_cannot_do_without(declare, without, days, first):
    found = first_date(declare(*without), DATASET, loaded(**days))
    assert found == (first and date(2026, 10, first))


@pytest.mark.parametrize(
    ("days", "first"),
    [
        ({"a": 1, "b": 5, "c": 3}, 3),  # c is needed, and of a and b the first that came
        ({"a": None, "b": 5, "c": 3}, 5),
        ({"a": None, "b": None, "c": 3}, None),
        ({"a": 1, "b": 5, "c": None}, None),
    ],
)
def test_a_dataset_waits_for_one_of_those_it_needs_any_of(declare, days, first):
    declared = declare(any_of=("a", "b"))
    assert first_date(declared, DATASET, loaded(**days)) == (first and date(2026, 10, first))


def test_what_it_can_do_without_is_something_that_it_reads(declare):
    with pytest.raises(ModelError, match="names d among the sources that it needs or can do without"):
        _ = declare("d").models
