"""What changes about people from night to night without being people: names, rules, declarations, what is lost.

None of it may make what was published unknown, for then the next release would tell of people by the difference.
"""

import shutil
from datetime import date, timedelta

import duckdb
import numpy as np
import pytest

from publish.disclosure import keeping
from publish.disclosure.deciding import rest_tells
from publish.disclosure.protecting import Made, protect
from publish.disclosure.tables import Magnitude, Protected, Rule, System
from tests.publish import protected
from tests.publish.disclosure.test_counting import population
from warehouse.home import Home

DAY = date(2026, 3, 1)
MANY = [("young", 13), ("old", 40), ("oldest", 60)]
DISCLOSURE = {key: value for key, value in protected.ENTRY["disclosure"].items() if key != "magnitudes"}
FIELDS = [field for field in protected.ENTRY["fields"] if field["name"] != "minutes_mean"]


def declared(name="gadget-tests", dimensions=("age_group_code",), period=("gadget_id",), **more):
    """A dataset that counts testers by its dimensions."""
    wanted = {*period, *dimensions}
    fields = [one for one in FIELDS if "protected" in one or one["name"] in {*wanted, "status_code"}]
    known = {one["name"] for one in fields}
    fields += [{"name": column, "type": "string", "title": column} for column in sorted(wanted - known)]
    fields = [one for one in fields if one.get("protected") != "share"]
    disclosure = DISCLOSURE | {"period": list(period), "dimensions": [[one] for one in dimensions]} | more
    return population(name=name, disclosure=disclosure, fields=fields, primaryKey=[*period, *dimensions])


class House:
    """A warehouse in memory with a home beside it."""

    def __init__(self, root):
        self.home, self.night = Home(root), 0
        self.lose()

    def lose(self):
        self.connection = duckdb.connect()
        self.connection.execute("CREATE SCHEMA core")

    def protect(self, counting, groups, period=("lamp",)):
        """A night in which so many people were in each group; what it shows, by group, None where suppressed."""
        columns = [*counting.first.period, *(column for one in counting.dimensions for column in one)]
        listed = ", ".join(f"'{period[place]}' AS {name}" for place, name in enumerate(counting.first.period))
        rows = " UNION ALL ".join(
            f"SELECT {listed}, '{group}' AS {columns[-1]} FROM range({count})" for group, count in groups
        )
        self.connection.execute(f"CREATE OR REPLACE VIEW core.{counting.name} AS {rows}")
        self.night += 1
        day = DAY + timedelta(days=self.night)
        (name,) = counting.datasets
        protect(self.connection, counting, name, Made(day, f"run-{self.night}", self.home))
        found = self.connection.execute(
            f"SELECT {columns[-1]}, people_count FROM protected.{counting.name}"
        ).fetchall()
        ((_, state),) = self.connection.execute(
            "SELECT period, state FROM disclosure.looks WHERE as_of = ?", [day]
        ).fetchall()
        return state, dict(found)


@pytest.fixture
def house(tmp_path):
    return House(tmp_path / "home")


def with_one_more(groups):
    return [(group, count + (group == "oldest")) for group, count in groups]


def test_a_lost_warehouse_knows_what_was_published_from_the_second_copy(house):
    _, first = house.protect(declared(), MANY)
    house.lose()
    assert house.protect(declared(), with_one_more(MANY)) == ("stands", first)


def test_a_warehouse_from_a_backup_is_told_what_it_has_missed(house, tmp_path):
    house.protect(declared(), MANY)
    shutil.copytree(house.home.disclosure, tmp_path / "older" / "disclosure")
    _, second = house.protect(declared(), [(group, count + 20) for group, count in MANY])
    house.lose()
    keeping.restore(house.connection, Home(tmp_path / "older"))
    again = [(group, count + 20) for group, count in MANY]
    assert house.protect(declared(), with_one_more(again)) == ("stands", second)


def test_where_nothing_is_known_of_what_was_published_nothing_leaves(house):
    house.protect(declared(), MANY)
    (house.home.releases / "gadget-tests" / "2026-03-02").mkdir(parents=True)
    (house.home.disclosure / "cells.parquet").unlink()
    house.lose()
    with pytest.raises(keeping.LostDecisionsError, match=r"cells\.parquet is missing"):
        house.protect(declared(), MANY)
    shutil.rmtree(house.home.disclosure)
    with pytest.raises(keeping.LostDecisionsError, match="gadget-tests: there are releases"):
        house.protect(declared(), MANY)


def test_the_second_copy_is_written_anew_where_it_is_missing(house):
    house.protect(declared(), MANY)
    shutil.rmtree(house.home.disclosure)
    assert house.protect(declared(), MANY)[0] == "same"
    assert sorted(path.stem for path in house.home.disclosure.iterdir()) == sorted(keeping._COPIED)


def test_people_may_not_be_called_otherwise_once_something_was_published(house):
    house.protect(declared(), MANY)
    with pytest.raises(keeping.RenamedPeopleError, match="and was gadget_id when"):
        house.protect(declared(period=("gadget_id", "round_id")), MANY, ("lamp", "1"))
    with pytest.raises(keeping.RenamedPeopleError, match="and was gadget_testers when"):
        house.protect(declared(population="gadget_users"), MANY)


def test_what_a_period_is_about_may_be_corrected_and_its_people_are_the_same(house):
    counting = declared(period=("maker_id", "gadget_id"), identified_by=["gadget_id"])
    _, first = house.protect(counting, MANY, ("acme", "lamp"))
    assert house.protect(counting, with_one_more(MANY), ("ecma", "lamp")) == ("stands", first)
    more = [(group, count + 20) for group, count in MANY]
    state, second = house.protect(counting, more, ("ecma", "lamp"))
    assert state == "new"
    assert house.protect(counting, with_one_more(more), ("acme", "lamp")) == ("stands", second)


def test_a_dimension_of_another_name_may_be_the_same_one(house):
    house.protect(declared(), MANY)
    state, shown = house.protect(declared(dimensions=("age_code",)), [(group, n + 20) for group, n in MANY])
    assert (state, shown) == ("stands", {"total": 113})  # what it has in common with what was published


def test_what_stands_does_so_under_todays_rule(house):
    state, first = house.protect(declared(threshold=5), [("young", 7), ("old", 40), ("oldest", 60)])
    assert (state, first["young"]) == ("new", 7)
    state, less = house.protect(declared(threshold=10), [("young", 7), ("old", 40), ("oldest", 61)])
    assert (state, less["young"], less["total"]) == ("new", None, 107)
    assert {group: first[group] for group, count in less.items() if count is not None}.items() <= first.items()
    again = house.protect(declared(threshold=10), [("young", 7), ("old", 40), ("oldest", 61)])
    assert again == ("stands", less)


def test_what_was_hidden_of_people_is_hidden_at_a_new_question_too(house):
    counting = declared(period=("gadget_id", "measure_code"), same_people=["measure_code"])
    _, first = house.protect(counting, [("young", 3), ("old", 40), ("oldest", 60)], ("lamp", "liked"))
    hidden = {group for group, count in first.items() if count is None}
    assert "young" in hidden
    # The first question is no more: its people answer another one.
    state, other = house.protect(counting, [("young", 30), ("old", 40), ("oldest", 60)], ("lamp", "bright"))
    assert state == "new"
    assert hidden <= {group for group, count in other.items() if count is None}


def test_a_correction_of_one_among_the_hidden_is_not_told_by_subtraction():
    """Twenty young people more, whom a release may tell; and somebody old who meant another number."""

    def release(young, old_minutes, told):
        atoms = tuple(frozenset({("age", age)}) for age in ("mid", "old", "young"))
        sums = np.array([24.0, old_minutes, 3.0 * young])
        minutes = Magnitude("minutes", 1, 5, sums, sums, np.full(3, 5.0), np.full(3, 5.0))
        system = System(Rule(10, 10), {"d": (("age",),)}, atoms, np.array([8, 9, young]), (minutes,))
        return Protected(system, np.array([cell not in told for cell in system.cells]))

    young = frozenset({("age", "young")})
    everybody, both = frozenset(), {frozenset(), young}
    first = release(40, 22, both)
    assert not rest_tells(first, release(60, 22, both))
    assert rest_tells(first, release(60, 26, both))
    assert not rest_tells(first, release(60, 26, {everybody}))  # then it may be the young ones
