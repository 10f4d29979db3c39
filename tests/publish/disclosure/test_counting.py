"""People into tables: every cell holds who has its codes, compared with counting them one by one in Python."""

from itertools import compress

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from publish.disclosure.counting import CountingError, systems, weights_of
from publish.disclosure.deciding import decide
from publish.disclosure.population import populations
from tests.publish import protected
from warehouse.declared import DeclarationError

AGES, ANSWERS = ("young", "old"), ("yes", "no")
PERSON = st.tuples(
    st.sampled_from(["lamp", "kettle"]), st.sampled_from(AGES), st.sampled_from(ANSWERS), st.integers(0, 60)
)


def population(*changed, **changes):
    found = [protected.declaration(**changes), *(protected.declaration(**one) for one in changed)]
    (only,) = populations({one.name: one for one in found}).values()
    return only


def counted(people, declared, columns="gadget_id, age_group_code, answer_code, minutes"):
    connection = duckdb.connect()
    types = ", ".join(
        f"{name} {'DOUBLE' if name == 'minutes' else 'BIGINT' if name == 'persons' else 'VARCHAR'}"
        for name in columns.split(", ")
    )
    connection.execute(f"CREATE SCHEMA core; CREATE TABLE core.gadget_testers ({types})")
    if people:
        connection.executemany(
            f"INSERT INTO core.gadget_testers VALUES ({', '.join('?' * len(people[0]))})",
            [list(p) for p in people],
        )
    return dict(systems(connection, declared))


@given(st.lists(PERSON, min_size=1, max_size=30))
@settings(max_examples=40, deadline=None)
def test_every_cell_holds_who_has_its_codes(people):
    found = counted(people, population())
    assert set(found) == {(person[0],) for person in people}
    for (gadget,), system in found.items():
        assert len(system.cells) == 9  # every combination of codes and totals, also where nobody is
        minutes = system.magnitudes[0]
        first, second = system.contributions(minutes)
        for row, cell in enumerate(system.cells):
            wanted = dict(cell)
            inside = [
                person[3]
                for person in people
                if person[0] == gadget
                and wanted.get("age_group_code", person[1]) == person[1]
                and wanted.get("answer_code", person[2]) == person[2]
            ]
            parts = [*sorted(inside, reverse=True), 0, 0]
            assert system.counts[row] == len(inside)
            assert system.sums(minutes)[row] == sum(inside)
            assert (first[row], second[row]) == (parts[0], parts[1])


def test_a_row_may_stand_for_several_people_and_cells_be_those_that_are_given():
    declared = population(
        disclosure={
            **{k: v for k, v in protected.ENTRY["disclosure"].items() if k != "magnitudes"},
            "people": "persons",
            "cells": "given",
        },
        fields=[field for field in protected.ENTRY["fields"] if field["name"] != "minutes_mean"],
    )
    rows = [("lamp", "young", "yes", 4), ("lamp", "young", "yes", 3), ("lamp", "old", "no", 0)]
    found = counted(rows, declared, "gadget_id, age_group_code, answer_code, persons")
    system = found["lamp",]
    shown = {
        tuple(sorted(code for _, code in cell)): int(n)
        for cell, n in zip(system.cells, system.counts, strict=True)
    }
    assert shown == {
        (): 7,
        ("young",): 7,
        ("old",): 0,
        ("yes",): 7,
        ("no",): 0,
        ("yes", "young"): 7,
        ("no", "old"): 0,
    }


def test_a_dimension_that_a_period_does_not_have_is_none_of_its_tables():
    found = counted([("lamp", None, "yes", 5), ("kettle", "old", "no", 5)], population())
    assert len(found["lamp",].cells) == 3
    assert len(found["kettle",].cells) == 9


def test_a_period_in_which_nothing_is_added_up_has_no_sum():
    found = counted([("lamp", "old", "yes", None), ("kettle", "old", "no", 5)], population())
    assert found["lamp",].magnitudes == ()
    assert len(found["kettle",].magnitudes) == 1


@pytest.mark.parametrize(
    ("people", "said"),
    [
        ([(None, "old", "yes", 1)], "rows without gadget_id"),
        ([("lamp", "old", "yes", 1), ("lamp", None, "no", 1)], "some rows have no age_group_code and others have"),
        ([("lamp", "old", "yes", 61)], "minutes has values outside 0 to 60"),
        ([("lamp", "old", "yes", 1), ("lamp", "old", "no", None)], "some people have minutes and others have not"),
        ([("lamp", "total", "yes", 1)], "the code total, which is that of margins"),
    ],
)
def test_what_cannot_be_counted_is_said_without_a_person(people, said):
    with pytest.raises(CountingError, match=said) as error:
        counted(people, population())
    assert "warehouse/models/core/gadget_testers.sql" in str(error.value)


def test_a_column_that_nobody_declared_is_refused():
    with pytest.raises(CountingError, match=r"Not declared: name\."):
        counted([], population(), "gadget_id, age_group_code, answer_code, minutes, name")


def test_an_entry_says_which_columns_are_dear_where_others_have_to_go():
    groups = {"young": ("yes", 3), "old": ("yes", 40)}
    people = [("lamp", age, answer, 20) for age, (answer, n) in groups.items() for _ in range(n)]
    people += [("lamp", age, "no", 20) for age in AGES for _ in range(40)]
    answers = population(disclosure={**protected.ENTRY["disclosure"], "importance": {"answer_code": 100}})
    lost = []
    for declared in (population(), answers):
        system = counted(people, declared)["lamp",]
        decided = decide(system, weights=weights_of(declared)).protected
        lost.append(sorted(sorted(column for column, _ in c) for c in compress(system.cells, decided.suppressed)))
    assert lost[0] == [["age_group_code", "answer_code"]] * 4
    assert lost[1] == [["age_group_code"]] * 2 + [["age_group_code", "answer_code"]] * 2  # no "no" is lost
    with pytest.raises(DeclarationError, match="importance: gadget_id is no column of a dimension"):
        population(disclosure={**protected.ENTRY["disclosure"], "importance": {"gadget_id": 2}})


def test_datasets_of_one_population_are_one_system_and_say_the_same_of_it():
    by_age = {
        "name": "gadget-ages",
        "disclosure": {**protected.ENTRY["disclosure"], "dimensions": [["age_group_code"]]},
        "primaryKey": ["gadget_id", "age_group_code"],
        "fields": [f for f in protected.ENTRY["fields"] if f["name"] not in ("answer_code", "share_pct")],
    }
    system = counted([("lamp", "old", "yes", 1)], population(by_age))["lamp",]
    assert len(system.cells_of("gadget-ages")) == 3
    assert system.cells_of("gadget-ages") < system.cells_of("gadget-tests")
    assert len(system.cells) == 9
    by_age["disclosure"] = {**by_age["disclosure"], "threshold": 7}
    with pytest.raises(DeclarationError, match="say different things of it under disclosure: threshold"):
        population(by_age)
