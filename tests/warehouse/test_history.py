"""History by intervals: whatever the order in which snapshots come in, each date reads back as its snapshot."""

from datetime import date, timedelta
from pathlib import Path

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from warehouse.archive import Snapshot
from warehouse.declarations import SourceDeclaration, parse
from warehouse.findings import create_findings_tables, key_text
from warehouse.history import create_history, create_views, promote
from warehouse.ledger import SnapshotRecord, Verdict

DAYS = [date(2026, 1, 1) + timedelta(days=31 * month) for month in range(6)]
SOURCE = parse(
    SourceDeclaration,
    {
        "name": "register",
        "title": "A register",
        "publisher": {"name": "somebody", "title": "Somebody"},
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


def declared(delivery="full"):
    content = SOURCE.model_dump(by_alias=True, mode="json")
    content["tables"][0]["delivery"] = delivery
    if delivery == "changes":
        content["tables"][0]["fields"].append({"name": "is_gone", "type": "boolean", "title": "Gone"})
        content["tables"][0]["tombstone"] = "is_gone"
    return parse(SourceDeclaration, content, "test")


class Warehouse:
    """A warehouse in memory with a staging database beside it."""

    def __init__(self, delivery="full"):
        self.source = declared(delivery)
        self.table = self.source.tables[0]
        self.connection = duckdb.connect(":memory:")
        self.connection.execute("ATTACH ':memory:' AS staging; CREATE SCHEMA staging.staged")
        self.connection.execute("USE staging")
        create_findings_tables(self.connection)
        self.connection.execute("USE memory")
        create_history(self.connection, self.source)
        self.loads = {}

    def take(self, day, rows, refused=(), unknown=0, ended=(), is_cut=False, held_cells=()):
        """A snapshot: its good rows, the keys of refused ones, refused ones of nobody knows whom, tombstones."""
        execute = self.connection.execute
        execute("DELETE FROM staging.main.quarantine; DELETE FROM staging.main.incomplete")
        execute("DELETE FROM staging.main.held_cells")
        has_end = self.table.tombstone is not None
        execute(f"""
            CREATE OR REPLACE TABLE staging.staged.things (thing_id BIGINT, colour VARCHAR, owner VARCHAR,
            {"is_gone BOOLEAN, " if has_end else ""}_file VARCHAR, _sheet VARCHAR, _row BIGINT)""")
        listed = [(key, colour, False, None) for key, colour in sorted(rows.items())]
        listed += [(key, "wrong", False, key_text({"thing_id": key})) for key in refused]
        listed += [(key, None, True, None) for key in ended]
        for number, (key, colour, is_end, refused_key) in enumerate(listed, 2):
            cells = [key, colour, "somebody", *([is_end] if has_end else []), "f", None, number]
            execute(f"INSERT INTO staging.staged.things VALUES ({', '.join('?' * len(cells))})", cells)
            if refused_key:
                self.refuse(number, refused_key)
            if key in held_cells:
                execute("INSERT INTO staging.main.held_cells VALUES ('things', ?, 'colour')", [number - 2])
        for number in range(unknown):
            self.refuse(1000 + number, None)
        if is_cut:
            execute("INSERT INTO staging.main.incomplete VALUES ('things', 'cut off')")
        load = promote(
            self.connection, "staging", self.table, Snapshot("register", day, "f", (), Path()), self.loads
        )
        self.loads[day] = load
        return load

    def refuse(self, row, key):
        self.connection.execute(
            "INSERT INTO staging.main.quarantine VALUES ('register', 'things', 'f', NULL, ?, '{}', ?)", [row, key]
        )

    def view(self, day, columns, relation="register.things"):
        records = [
            SnapshotRecord("register", f"{on}", on, "f", "", Verdict.PASSED, True, "r", {"things": load})
            for on, load in self.loads.items()
        ]
        create_views(self.connection, self.source, records, day)
        return self.connection.execute(f"SELECT {columns} FROM {relation} ORDER BY ALL").fetchall()

    def at(self, day):
        return dict(self.view(day, "thing_id, colour"))

    def held(self, day):
        return dict(
            self.view(day, "thing_id, _held_since_date", "register.things WHERE _held_since_date IS NOT NULL")
        )

    def intervals(self):
        return self.connection.execute(
            "SELECT thing_id, colour, _held_columns, _first_seen, _valid_from, _valid_to"
            " FROM history.register__things ORDER BY ALL"
        ).fetchall()


KEYS = st.integers(1, 4)
COLOURS = st.sampled_from(["red", "blue", None])
snapshots = st.lists(
    st.tuples(st.sampled_from(DAYS), st.dictionaries(KEYS, COLOURS, max_size=4)), min_size=1, max_size=8
)
# What snapshots say with rows that cannot be used, parts that are missing, and tombstones.
statements = st.lists(
    st.tuples(
        st.sampled_from(DAYS),
        st.fixed_dictionaries(
            {
                "rows": st.dictionaries(KEYS, COLOURS, max_size=4),
                "refused": st.sets(KEYS, max_size=2),
                "unknown": st.sampled_from([0, 0, 0, 1]),
                "is_cut": st.sampled_from([False, False, False, True]),
                "ended": st.sets(KEYS, max_size=2),
            }
        ),
    ),
    min_size=1,
    max_size=8,
)


def fitting(said, delivery):
    """A statement that a snapshot of that delivery can make: every key at most once."""
    ended = said["ended"] - set(said["rows"]) if delivery == "changes" else set()
    return said | {"ended": ended, "refused": said["refused"] - set(said["rows"]) - ended}


def standing_after(day, said, before, delivery):
    """The independent model: what stands after a snapshot, and since when it stands in, by key."""
    standing, held = before
    told, ended = set(said["rows"]), set(said["ended"])
    speaks_of_all = delivery == "full" and not said["unknown"] and not said["is_cut"]
    stays = {key for key in standing if key not in told | ended and (key in said["refused"] or not speaks_of_all)}
    marked = stays if delivery == "full" else {key for key in stays if key in held or key in said["refused"]}
    after = {key: standing[key] for key in stays} | said["rows"]
    return after, {key: held.get(key, day) for key in marked}


@pytest.mark.parametrize("delivery", ["full", "changes", "append"])
@given(statements)
@settings(max_examples=20, deadline=None)
def test_each_date_reads_back_as_what_the_snapshots_until_then_said(delivery, taken):
    taken = [(day, fitting(said, delivery)) for day, said in taken]
    warehouse = Warehouse(delivery)
    for day, said in taken:
        warehouse.take(day, **said)
    state, first = ({}, {}), {}
    for day, said in sorted(dict(taken).items()):
        state = standing_after(day, said, state, delivery)
        for key in said["rows"]:
            first.setdefault(key, day)
        assert (warehouse.at(day), warehouse.held(day)) == state
    for key, _, _, first_seen, valid_from, valid_to in warehouse.intervals():
        assert first_seen == first[key]
        assert valid_to is None or valid_from < valid_to


@pytest.mark.parametrize("delivery", ["full", "changes", "append"])
@given(statements, st.randoms())
@settings(max_examples=12, deadline=None)
def test_the_order_of_loading_does_not_matter(delivery, taken, random):
    last = {day: fitting(said, delivery) for day, said in taken}
    in_order, shuffled = Warehouse(delivery), Warehouse(delivery)
    for day in sorted(last):
        in_order.take(day, **last[day])
    # every statement comes in some time, also those that a later correction of the same date replaces
    listed = [(day, fitting(said, delivery)) for day, said in taken]
    random.shuffle(listed)
    listed += random.sample(list(last.items()), len(last))
    for day, said in listed:
        shuffled.take(day, **said)
    assert shuffled.intervals() == in_order.intervals()
    assert [shuffled.held(day) for day in DAYS] == [in_order.held(day) for day in DAYS]


@given(snapshots, st.data())
@settings(max_examples=12, deadline=None)
def test_a_broken_row_leaves_its_record_as_it_last_was(taken, data):
    broken, whole = Warehouse(), Warehouse()
    standing = {}
    for day, rows in sorted(dict(taken).items()):
        refused = data.draw(st.sets(st.sampled_from(sorted(rows)))) if rows else set()
        as_before = {key: standing[key] for key in refused if key in standing}
        good = {key: colour for key, colour in rows.items() if key not in refused}
        load = broken.take(day, good, refused)
        whole.take(day, good | as_before)
        assert load.held == len(as_before)
        standing = good | as_before
    assert broken.intervals() == whole.intervals()


def test_where_nobody_knows_whose_row_was_refused_nothing_ends():
    warehouse = Warehouse()
    warehouse.take(DAYS[0], {1: "red", 2: "red"})
    load = warehouse.take(DAYS[1], {1: "red"}, unknown=1)
    assert (load.is_whole, load.vanished, load.held) == (False, 0, 1)
    assert warehouse.held(DAYS[1]) == {2: DAYS[1]}
    warehouse.take(DAYS[2], {1: "red"})
    assert warehouse.at(DAYS[2]) == {1: "red"}


def test_an_emptied_cell_is_marked_and_the_row_goes_on():
    warehouse = Warehouse()
    load = warehouse.take(DAYS[0], {1: "red", 2: "blue"}, held_cells={2})
    assert load.held_cells == 1
    assert warehouse.view(DAYS[0], "thing_id, colour, _held_columns") == [(1, "red", None), (2, None, "colour")]
    warehouse.take(DAYS[1], {1: "red", 2: None})
    assert warehouse.view(DAYS[1], "thing_id, colour, _held_columns") == [(1, "red", None), (2, None, None)]


def test_a_change_between_full_deliveries_ends_only_what_its_tombstone_names():
    warehouse = Warehouse("changes")
    warehouse.take(DAYS[0], dict.fromkeys(range(1, 101), "red"))
    load = warehouse.take(DAYS[1], {1: "blue"}, ended={2})
    assert (load.changed, load.vanished, load.standing) == (1, 1, 99)
    assert set(warehouse.at(DAYS[1])) == {1, *range(3, 101)}


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
    columns = "_first_seen_date, _changed_date, _last_seen_date, _vanished_date"
    rows = sorted(warehouse.view(DAYS[2], columns, "register.things_history"), key=lambda row: row[1])
    assert rows == [(DAYS[0], DAYS[0], DAYS[0], DAYS[1]), (DAYS[0], DAYS[2], DAYS[2], None)]


def test_personal_columns_never_enter_the_warehouse():
    warehouse = Warehouse()
    warehouse.take(DAYS[0], {1: "red"})
    columns = [row[0] for row in warehouse.connection.execute("DESCRIBE history.register__things").fetchall()]
    assert "colour" in columns
    assert "owner" not in columns


def test_a_quarantined_row_does_not_go_on():
    warehouse = Warehouse()
    load = warehouse.take(DAYS[0], {1: "red", 3: "red"}, refused={2})
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
    warehouse.source = grown
    assert warehouse.view(DAYS[0], "thing_id, size") == [(1, None)]


@pytest.mark.parametrize("day", DAYS[:2])
def test_nothing_is_known_before_the_first_snapshot(day):
    warehouse = Warehouse()
    warehouse.take(DAYS[2], {1: "red"})
    assert warehouse.at(day) == {}
