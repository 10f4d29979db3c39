"""History by intervals: whatever the order in which snapshots come in, each date reads back as its snapshot."""

from datetime import date, timedelta

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from warehouse.declarations import SourceDeclaration, parse
from warehouse.findings import create_tables
from warehouse.history import create_history, create_views, promote

DAYS = [date(2026, 1, 1) + timedelta(days=31 * month) for month in range(6)]
SOURCE = parse(
    SourceDeclaration,
    {
        "name": "register",
        "title": "A register",
        "publisher": "Somebody",
        "licence": "CC0-1.0",
        "attribution": "Somebody",
        "cadence": "monthly",
        "tables": [
            {
                "name": "things",
                "title": "Things",
                "each_row_is_a": "thing",
                "primaryKey": ["thing_id"],
                "fields": [
                    {"name": "thing_id", "type": "integer", "title": "Thing", "privacy": "public"},
                    {"name": "colour", "title": "Colour", "privacy": "public"},
                    {"name": "owner", "title": "Owner", "privacy": "personal"},
                ],
            }
        ],
    },
    "test",
)
TABLE = SOURCE.tables[0]


class Warehouse:
    """A warehouse in memory with a staging database beside it."""

    def __init__(self):
        self.connection = duckdb.connect(":memory:")
        self.connection.execute("ATTACH ':memory:' AS staging; CREATE SCHEMA staging.staged")
        self.connection.execute("USE staging")
        create_tables(self.connection)
        self.connection.execute("USE memory")
        create_history(self.connection, SOURCE)
        self.days = []

    def take(self, day, rows):
        self.connection.execute("""
            CREATE OR REPLACE TABLE staging.staged.things
            (thing_id BIGINT, colour VARCHAR, owner VARCHAR, _file VARCHAR, _sheet VARCHAR, _row BIGINT)""")
        for number, (key, colour) in enumerate(sorted(rows.items())):
            self.connection.execute(
                "INSERT INTO staging.staged.things VALUES (?, ?, 'somebody', 'f', NULL, ?)",
                [key, colour, number + 2],
            )
        load = promote(self.connection, "staging", "register", TABLE, f"{day}", day, self.days)
        self.days = sorted({*self.days, day})
        return load

    def at(self, day):
        create_views(self.connection, SOURCE, self.days, day)
        return dict(self.connection.execute("SELECT thing_id, colour FROM register.things").fetchall())

    def intervals(self):
        return self.connection.execute(
            "SELECT thing_id, colour, _first_seen, _valid_from, _valid_to"
            " FROM history.register__things ORDER BY ALL"
        ).fetchall()


snapshots = st.lists(
    st.tuples(
        st.sampled_from(DAYS),
        st.dictionaries(st.integers(1, 4), st.sampled_from(["red", "blue", None]), max_size=4),
    ),
    min_size=1,
    max_size=8,
)


@given(snapshots)
@settings(max_examples=25, deadline=None)
def test_each_date_reads_back_as_the_snapshot_that_stands_for_it(taken):
    warehouse = Warehouse()
    standing = {}
    for day, rows in taken:
        warehouse.take(day, rows)
        standing[day] = rows
    for day in DAYS:
        known = [other for other in standing if other <= day]
        expected = standing[max(known)] if known else {}
        assert warehouse.at(day) == expected
    first = {}
    for day in sorted(standing):
        for key in standing[day]:
            first.setdefault(key, day)
    for key, _, first_seen, valid_from, valid_to in warehouse.intervals():
        assert first_seen == first[key]
        assert valid_to is None or valid_from < valid_to


@given(snapshots, st.randoms())
@settings(max_examples=15, deadline=None)
def test_the_order_of_loading_does_not_matter(taken, random):
    last = dict(taken)
    in_order, shuffled = Warehouse(), Warehouse()
    for day in sorted(last):
        in_order.take(day, last[day])
    days = list(last)
    random.shuffle(days)
    for day in days:
        shuffled.take(day, last[day])
    assert shuffled.intervals() == in_order.intervals()


def test_counts_say_what_changed():
    warehouse = Warehouse()
    first = warehouse.take(DAYS[0], {1: "red", 2: "red", 3: "red"})
    second = warehouse.take(DAYS[1], {1: "red", 2: "blue", 4: "red"})
    again = warehouse.take(DAYS[2], {1: "red", 2: "blue", 4: "red"})
    assert (first.added, first.changed, first.vanished) == (3, 0, 0)
    assert (second.added, second.changed, second.vanished) == (1, 1, 1)
    assert (again.added, again.changed, again.vanished) == (0, 0, 0)


def test_what_vanished_and_came_back_keeps_its_first_day():
    warehouse = Warehouse()
    warehouse.take(DAYS[0], {1: "red"})
    warehouse.take(DAYS[1], {})
    warehouse.take(DAYS[2], {1: "red"})
    create_views(warehouse.connection, SOURCE, warehouse.days, DAYS[2])
    rows = warehouse.connection.execute(
        "SELECT _first_seen_date, _changed_date, _last_seen_date, _vanished_date"
        " FROM register.things_history ORDER BY _changed_date"
    ).fetchall()
    assert rows == [(DAYS[0], DAYS[0], DAYS[0], DAYS[1]), (DAYS[0], DAYS[2], DAYS[2], None)]


def test_personal_columns_never_enter_the_warehouse():
    warehouse = Warehouse()
    warehouse.take(DAYS[0], {1: "red"})
    columns = [row[0] for row in warehouse.connection.execute("DESCRIBE history.register__things").fetchall()]
    assert "colour" in columns
    assert "owner" not in columns


def test_a_quarantined_row_does_not_go_on():
    warehouse = Warehouse()
    warehouse.connection.execute(
        "INSERT INTO staging.main.quarantine VALUES ('register', 'things', 'f', NULL, 3, '{}', NULL)"
    )
    load = warehouse.take(DAYS[0], {1: "red", 2: "red", 3: "red"})
    assert warehouse.at(DAYS[0]) == {1: "red", 3: "red"}
    assert (load.staged, load.quarantined, load.accepted) == (3, 1, 2)


def test_a_column_declared_later_is_empty_for_what_came_before():
    warehouse = Warehouse()
    warehouse.take(DAYS[0], {1: "red"})
    grown = SOURCE.model_copy(
        update={
            "tables": (
                TABLE.model_copy(
                    update={"fields": (*TABLE.fields, TABLE.fields[1].model_copy(update={"name": "size"}))}
                ),
            )
        }
    )
    create_history(warehouse.connection, grown)
    create_views(warehouse.connection, grown, warehouse.days, DAYS[0])
    assert warehouse.connection.execute("SELECT thing_id, size FROM register.things").fetchall() == [(1, None)]


@pytest.mark.parametrize("day", DAYS[:2])
def test_nothing_is_known_before_the_first_snapshot(day):
    warehouse = Warehouse()
    warehouse.take(DAYS[2], {1: "red"})
    assert warehouse.at(day) == {}
