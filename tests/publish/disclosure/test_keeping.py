"""A decision comes back as it was kept; of people whose answers are deleted no true count is left."""

from datetime import date

import duckdb
import numpy as np
import pytest

from publish.disclosure import keeping
from publish.disclosure.results import Audit, GroupWarning, Witness
from publish.disclosure.tables import Protected
from tests.publish.disclosure.test_counting import counted, population
from warehouse.home import Home

PEOPLE = [("lamp", "old", "yes", 5)] * 12 + [("lamp", "young", "no", 7)] * 3 + [("lamp", "old", "no", 0)] * 11
DAY = date(2026, 3, 1)
NAME = "gadget_testers"


def decided():
    """Three young people said no: they and those from whom they would follow are suppressed."""
    system = counted(PEOPLE, population())["lamp",]
    young = [any(code == "young" for _, code in cell) for cell in system.cells]
    few = np.array(
        [
            is_young or dict(cell).get("age_group_code") == "old"
            for cell, is_young in zip(system.cells, young, strict=True)
        ]
    )
    cell = system.cells[young.index(True)]
    witness = Witness(cell, "none", (system.people * 0,))
    found = Audit(system.atoms, (), (GroupWarning(cell, "nobody"),), (witness,))
    return Protected(system, few), found


@pytest.fixture
def connection():
    connection = duckdb.connect()
    keeping.create_tables(connection)
    return connection


def same(one, other):
    assert dict(one.system.tables) == dict(other.system.tables)
    assert one.system.rule == other.system.rule
    assert one.system.atoms == other.system.atoms
    assert (one.system.people == other.system.people).all()
    assert (one.suppressed == other.suppressed).all()
    for a, b in zip(one.system.magnitudes, other.system.magnitudes, strict=True):
        assert (a.name, a.minimum, a.maximum) == (b.name, b.minimum, b.maximum)
        for part in ("sums", "absolute", "largest", "second"):
            assert np.array_equal(getattr(a, part), getattr(b, part))


def test_a_decision_comes_back_as_it_was_kept(connection, tmp_path):
    protected, audit = decided()
    assert keeping.keep(connection, population(), ("lamp",), (protected, audit), (DAY, "run-1")) == 1
    assert keeping.keep(connection, population(), ("lamp",), (protected, audit), (DAY, "run-2")) == 2
    (found,) = keeping.decisions(connection, NAME).values()
    assert [(one.sequence, one.as_of) for one in found] == [(1, DAY), (2, DAY)]
    same(found[0].protected, protected)

    keeping.back_up(connection, Home(tmp_path))
    other = duckdb.connect()
    keeping.restore(other, Home(tmp_path))
    assert keeping.decisions(other, NAME).keys() == {("lamp",)}
    same(keeping.decisions(other, NAME)["lamp",][1].protected, protected)
    assert (tmp_path / "disclosure").stat().st_mode & 0o077 == 0  # for who runs the house alone


def test_models_are_shown_what_is_published_and_no_more(connection):
    protected, audit = decided()
    place = keeping.keep(connection, population(), ("lamp",), (protected, audit), (DAY, "run-1"))
    keeping.look(connection, NAME, DAY, [(("lamp",), "new", place), (("kettle",), "withheld", None)])
    keeping.show(connection, population(), "gadget-tests", DAY)
    rows = connection.execute(f"SELECT * FROM protected.{NAME} ORDER BY ALL").fetchall()
    assert ("lamp", "total", "total", 26, 81.0, "published") in rows
    assert ("lamp", "total", "yes", 12, 60.0, "published") in rows
    assert ("lamp", "young", "no", None, None, "suppressed") in rows
    assert len(rows) == len(protected.system.cells) == 9
    states = keeping.protections(connection, NAME, "gadget-tests", DAY)
    assert [(one.period, one.state, one.cells, one.suppressed, one.as_of) for one in states] == [
        (("kettle",), "withheld", 0, 0, None),
        (("lamp",), "new", 9, int(protected.suppressed.sum()), DAY),
    ]
    assert states[1].warnings == ("nobody",)


def test_of_people_whose_answers_are_deleted_only_what_was_published_is_left(connection):
    protected, audit = decided()
    place = keeping.keep(connection, population(), ("lamp",), (protected, audit), (DAY, "run-1"))
    keeping.freeze(connection, NAME, [("lamp",)])
    assert connection.execute("SELECT count(*) FROM disclosure.atoms").fetchone() == (0,)
    assert connection.execute("SELECT count(*) FROM disclosure.witnesses").fetchone() == (0,)
    assert [one.protected for one in keeping.decisions(connection, NAME)["lamp",]] == [None]
    keeping.look(connection, NAME, DAY, [(("lamp",), "kept", place)])
    keeping.show(connection, population(), "gadget-tests", DAY)
    shown = connection.execute(
        f"SELECT people_count FROM protected.{NAME} WHERE status_code = 'published'"
    ).fetchall()
    assert sorted(shown) == sorted((int(n),) for n in protected.system.counts[~protected.suppressed])
