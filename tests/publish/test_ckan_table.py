"""The parts of a CKAN table's change that need no CKAN."""

from __future__ import annotations

import dataclasses
import datetime as dt
import shutil
from pathlib import Path
from typing import Any

import duckdb
import pytest

from publish.plans import PortalError
from publish.portals.ckan.table import Edits, TableState, table_change, table_drift
from publish.portals.ckan.table.database import words
from publish.portals.ckan.table.differing import as_declared, compare_rows, pair
from publish.portals.ckan.table.edits import edited
from publish.portals.ckan.table.reading import PAGE_ROWS, Shown, held_parquet
from publish.portals.ckan.table.state import content_of, noted, read_state, sum_of, version_of, with_sum
from publish.portals.ckan.table.values import as_copied, as_json, refuse_unfit
from publish.portals.ckan.wanted import Wanted, wanted_dataset
from tests.publish import places
from warehouse.declarations import DeclarationError
from warehouse.home import Home

FIELDS = places.declaration().table.fields


@pytest.fixture(scope="module")
def wanted(tmp_path_factory: pytest.TempPathFactory) -> Wanted:
    home = Home(tmp_path_factory.mktemp("home"))
    first = places.release(home, places.rows(30))
    assert first is not None
    return wanted_dataset(places.wanted(home, first), "https://data.example.org")


class Portal:
    """Answers ``datastore_search`` from a CSV text, in pages."""

    def __init__(self, lines: list[str], names: list[str]) -> None:
        self.lines, self.names = lines, names
        self.asked: list[tuple[int, int]] = []

    def call(self, action: str, data: Any, **more: Any) -> Any:
        assert action == "datastore_search"
        self.asked.append((data["offset"], data["limit"]))
        found = self.lines[data["offset"] : data["offset"] + data["limit"]]
        return {"fields": [{"id": n} for n in self.names], "records": "".join(found), "limit": data["limit"]}


def as_postgres_writes(wanted: Wanted, folder: Path) -> list[str]:
    path = next(file.path for file in wanted.files.values() if file.key == "parquet")
    out = folder / "shown.csv"
    duckdb.execute(
        f"COPY (SELECT row_number() OVER () AS _id, * FROM '{path}') TO '{out}' (FORMAT csv, HEADER false)"
    )
    return [line if line.endswith("\n") else line + "\n" for line in _records(out.read_bytes().decode())]


def _records(text: str) -> list[str]:
    """The records of a CSV text; one may have line ends within quotes."""
    found, start, quoted = [], 0, False
    for place, character in enumerate(text):
        quoted ^= character == '"'
        if character == "\n" and not quoted:
            found.append(text[start : place + 1])
            start = place + 1
    return found


def state(wanted: Wanted, **changes: Any) -> TableState:
    return dataclasses.replace(TableState(tuple(wanted.columns), wanted.rows, wanted.holds), **changes)


def test_rows_that_go_and_rows_that_come_are_one_update() -> None:
    declared = [field for field in FIELDS if field.name in ("code", "number", "name")]
    with duckdb.connect() as connection:
        connection.execute(
            "CREATE TABLE new_rows AS FROM (VALUES ('a', 1, 'same'), ('a', 2, 'new'), ('c', 9, 'comes'))"
            " AS v(code, number, name)"
        )
        shown = Shown(
            "(FROM (VALUES (11, 'a', '1', 'same'), (12, 'a', '2', 'old'), (13, 'b', '1', 'goes'),"
            " (14, 'b', '2', 'goes')) AS v(_id, code, number, name))",
            ("_id", "code", "number", "name"),
        )
        as_declared(connection, "old_rows", shown, declared)
        compare_rows(connection, declared, ["code", "number"])
        assert pair(connection, declared) == (2, 0, 1)
        rows = connection.execute("SELECT _id, _differing, code, number, name FROM coming ORDER BY _id").fetchall()
        assert rows == [(12, ["name"], "a", 2, "new"), (13, None, "c", 9, "comes")]
        assert connection.execute("FROM gone").fetchall() == [(14,)]


def test_a_dataset_may_have_columns_with_the_names_that_come_to_mind() -> None:
    names = ["place", "differing", "is_odd"]
    declared = [FIELDS[0].model_copy(update={"name": name, "type": "string"}) for name in names]
    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE new_rows AS SELECT 'a' AS place, 'new' AS differing, 'b' AS is_odd")
        connection.execute("INSERT INTO new_rows VALUES ('comes', 'c', 'd')")
        shown = Shown(
            "(FROM (VALUES (1, 'a', 'old', 'b'), (2, 'goes', 'g', 'g')) AS v(_id, place, differing, is_odd))",
            ("_id", *names),
        )
        as_declared(connection, "old_rows", shown, declared)
        compare_rows(connection, declared, ["place"])
        assert pair(connection, declared) == (2, 0, 0)
        rows = connection.execute("SELECT _id, place, differing, is_odd FROM coming ORDER BY _id").fetchall()
        assert rows == [(1, "a", "new", "b"), (2, "comes", "c", "d")]


def test_a_text_that_reads_as_no_number_differs_from_an_empty_value() -> None:
    declared = [field for field in FIELDS if field.name in ("number", "score")]
    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE new_rows AS SELECT 1::BIGINT AS number, NULL::DOUBLE AS score")
        shown = Shown("(SELECT 7 AS _id, '1' AS number, 'x' AS score)", ("_id", "number", "score"))
        as_declared(connection, "old_rows", shown, declared)
        compare_rows(connection, declared, ["number"])
        assert pair(connection, declared) == (1, 0, 0)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("name", "'a' || chr(0)", "a NUL character in name (1 row)"),
        ("score", "'infinity'::DOUBLE", "a number that is none, or is infinite, in score"),
        ("score", "'nan'::DOUBLE", "a number that is none, or is infinite, in score"),
        ("opened_date", "DATE '0044-03-15 (BC)'", "a day before the year 1 or after 9999 in opened_date"),
        ("opened_date", "DATE '10000-01-01'", "after 9999 in opened_date"),
        ("seen_at", "'infinity'::TIMESTAMP", "after 9999 in seen_at"),
        ("code", "repeat('x', 2601)", "a key of more than 2,600 bytes (code, number)"),
        ("name", "repeat('x', 1000001)", "a row with more than 1,000,000 bytes of text"),
    ],
)
def test_what_the_datastore_cannot_hold_is_told(wanted: Wanted, name: str, value: str, said: str) -> None:
    path = next(file.path for file in wanted.files.values() if file.key == "parquet")
    with duckdb.connect() as connection:
        connection.execute(f"CREATE TABLE rows AS FROM '{path}'")
        refuse_unfit(connection, "rows", "places", wanted.declared, wanted.primary_key)
        connection.execute(f"UPDATE rows SET {name} = {value} WHERE number = 3")
        with pytest.raises(PortalError) as refused:
            refuse_unfit(connection, "rows", "places", wanted.declared, wanted.primary_key)
    assert said in str(refused.value)
    assert "Nothing was written" in str(refused.value)


def test_values_as_they_are_sent() -> None:
    declared = [field for field in FIELDS if field.name in ("name", "opened_date", "seen_at")]
    with duckdb.connect() as connection:
        connection.execute(
            "CREATE TABLE rows AS SELECT 'a\\b' || chr(9) || chr(10) || chr(13) AS name, DATE '0001-01-01' AS"
            " opened_date, TIMESTAMP '9999-12-31 23:59:58' AS seen_at"
        )
        sent = connection.execute(f"SELECT {as_json(declared)} FROM rows").fetchone()
        assert sent == ("a\\b\t\n\r", "0001-01-01", "9999-12-31T23:59:58.000000")
        copied = connection.execute(f"SELECT {as_copied(declared)} FROM rows").fetchone()
        assert copied == ("a\\\\b\\t\\n\\r", "0001-01-01", "9999-12-31 23:59:58.000000")


def test_a_cell_that_somebody_edited_is_seen_and_its_value_is_not_told(wanted: Wanted, tmp_path: Path) -> None:
    lines = as_postgres_writes(wanted, tmp_path)
    names = ["_id", *(field.name for field in wanted.declared)]
    today = dt.date(2026, 2, 3)

    def found(lines: list[str]) -> Edits | None:
        return edited(Portal(lines, names), wanted, state(wanted, count=len(lines)), today)  # type: ignore[arg-type]

    assert found(lines) is None
    place = next(n for n, line in enumerate(lines) if "'plain" in line)
    edits = found([*lines[:place], lines[place].replace("'plain", "mine"), *lines[place + 1 :]])
    assert edits is not None
    assert edits.rows == 1
    assert str(edits).endswith(": name)")
    assert "mine" not in str(edits)
    emptied = found([*lines[:place], lines[place].replace("'plain", '""'), *lines[place + 1 :]])
    assert emptied is not None, "an empty text is no missing one"
    nothing = found([])
    assert nothing is not None
    assert nothing.rows == 30
    fewer = found(lines[1:])
    assert fewer is not None
    assert "the row is missing" in str(fewer)
    more = found([*lines, lines[0].replace("P00,", "Q00,", 1)])
    assert more is not None
    assert "the row was not published" in str(more)


def test_of_a_large_table_a_page_is_looked_at_a_day(wanted: Wanted, tmp_path: Path) -> None:
    lines = as_postgres_writes(wanted, tmp_path)
    portal = Portal(lines, ["_id", *(field.name for field in wanted.declared)])
    table = state(wanted, count=3 * PAGE_ROWS)
    for day in range(3):
        edited(portal, wanted, table, dt.date(2026, 2, 1 + day))  # type: ignore[arg-type]
    assert sorted(portal.asked) == [(page * PAGE_ROWS, PAGE_ROWS) for page in range(3)]


def test_what_a_table_holds_is_known_only_by_its_note(wanted: Wanted, tmp_path: Path) -> None:
    path = next(file.path for file in wanted.files.values() if file.key == "parquet")
    assert held_parquet(wanted, state(wanted)) == path
    for holds in ("", "changing to 2026-02-01", "2025-01-01 sha256:abc", "../../etc sha256:abc"):
        assert held_parquet(wanted, state(wanted, holds=holds)) is None
    assert version_of("../x sha256:abc") == ""
    summed = with_sum(wanted.holds, -12)
    assert (sum_of(summed), content_of(summed)) == (-12, content_of(wanted.holds))
    assert sum_of(wanted.holds) == sum_of("changing to 2026-02-01 rows:1") is None
    older = path.parent.parent / "2025-12-01"
    shutil.copytree(path.parent, older)
    try:
        other = dataclasses.replace(wanted, holds="2026-02-01 sha256:of-other-rows")
        held = state(wanted, holds=wanted.holds.replace("2026-02-01", "2025-12-01"))
        assert held_parquet(other, held) == older / path.name
        (older / path.name).write_bytes(b"other")
        assert held_parquet(other, held) is None
    finally:
        shutil.rmtree(older)


def test_the_note_is_read_wherever_it_stands(wanted: Wanted) -> None:
    columns = noted([*wanted.columns[1:], wanted.columns[0]], wanted.holds)

    class Client:
        def call(self, action: str, data: Any, **more: Any) -> Any:
            return {"fields": [*columns[1:], columns[0]], "meta": {"count": 30}}

    found = read_state(Client(), "rid", {"datastore_active": False})  # type: ignore[arg-type]
    assert found is not None
    assert found.holds == wanted.holds
    assert not found.is_active
    assert noted(columns, "x")[0]["info"]["rows_of"] == "x"


def test_what_a_table_needs(wanted: Wanted) -> None:
    told: list[tuple[str, str, str]] = []

    def kind(table: TableState | None) -> str:
        return table_change(wanted, table, lambda *words: told.append(words))

    assert kind(state(wanted)) == ""
    assert not told
    assert kind(state(wanted, is_active=False)) == "dictionary"
    assert "forgotten" in told[-1][2]
    wider = [
        {**column, "schema": {"is_index": column["id"] in (*wanted.primary_key, "name"), "index_name": "i"}}
        for column in wanted.columns
    ]
    for column in wider:
        if not column["schema"]["is_index"]:
            column["schema"]["index_name"] = None
    assert kind(state(wanted, columns=tuple(wider))) == "columns"
    assert "name is a key there" in told[-1][2]
    wider[2]["schema"]["index_name"] = "of somebody else's"
    assert kind(state(wanted, columns=tuple(wider))) == ""

    edits = Edits(5, ("code P01, number 1: name",))
    assert kind(state(wanted, edits=edits)) == "rows"
    assert "5 rows are not as published (code P01, number 1: name; and 4 more)" in told[-1][2]
    (drift,) = table_drift(wanted, state(wanted, edits=edits))
    assert (drift.target, drift.fate) == ("table", "undone")
    (drift,) = table_drift(wanted, state(wanted, count=29))
    assert "29 rows, and 30 were published" in drift.detail
    assert table_drift(wanted, state(wanted)) == table_drift(wanted, None) == ()
    assert table_drift(wanted, state(wanted, count=29, holds="changing to x")) == ()


def test_the_words_of_a_wide_row_are_more_than_one_call() -> None:
    many = words([{"id": f"c{n}", "type": "timestamp" if n else "bool"} for n in range(200)])
    assert many.count("concat_ws") == 3
    assert many.startswith("to_tsvector(concat_ws(' ', \"c0\"::text, replace(\"c1\"::text, ' ', 'T')")


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["a" * 64], "has 64 bytes, and a portal's table cuts names at 63; shorten it"),
        (["ctid"], "ctid is the name of a column that every table of PostgreSQL has"),
        ([f"c{n}" for n in range(1_599)], "1,599 columns, and a portal's table holds 1,598"),
    ],
)
def test_columns_that_no_portal_can_have_are_refused_by_the_declaration(names: list[str], said: str) -> None:
    fields = [{"name": name, "title": name} for name in names]
    with pytest.raises(DeclarationError) as refused:
        places.declaration(fields=fields, primaryKey=[names[0]])
    assert said in str(refused.value)
    kept = [{"name": f"c{n}", "title": "C"} for n in range(1_597)] + [{"name": "a" * 63, "title": "A"}]
    places.declaration(fields=kept, primaryKey=["c0"])
