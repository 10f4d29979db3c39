"""By what a finding is known again, and what its id must not tell."""

from datetime import timedelta

import duckdb
import pytest

from checks.amendments import NONE
from tests.checks.hand_ins import COLUMNS, FIRST, LAX, Desk, HandIn, Row, declared
from warehouse import ledger
from warehouse.declarations import Severity
from warehouse.finding_ids import give_ids
from warehouse.findings import Finding, QuarantinedRow, add_findings, add_quarantine, create_findings_tables
from warehouse.lives import lives

SOURCE = declared()


def rows():
    """Two with a key, two that share one, two without, of which one is there twice; and good ones."""
    return [
        Row("o1", "water", 1, "a", {"grant"}),
        Row("o2", "water", 2, "b", {"theme", "people unread"}),
        Row("o3", "water", 3, "c", {"grant"}),
        Row("o3", "energy", 3, "d", {"grant"}),
        Row(None, "water", 4, "e", {"theme"}),
        Row(None, "water", 5, "f"),
        Row(None, "water", 5, "f"),
        *(Row(f"o{n}", "water", n, "g") for n in range(10, 24)),
    ]


def handed_in(listed, file="offers.xlsx", order=COLUMNS, day=FIRST):
    return HandIn(day, 0, tuple(listed), file, "Grant", tuple(order))


def ids(one):
    """By what tells findings apart for people, their ids; rows that are alike have theirs together."""
    desk = Desk()
    desk.judge(one, LAX, NONE)
    told = {}
    for found in ledger.findings(desk.connection, "offers", one.id):
        row = one.rows[found.row_number - 2]
        told.setdefault((found.rule, found.column_name, row.key, row.note), set()).add(found.finding_id)
    return told


def test_sorting_inserting_renaming_and_moving_columns_change_no_id():
    before = ids(handed_in(rows()))
    assert sum(map(len, before.values())) == len(set().union(*before.values())) == 11
    moved = [Row("o99", "water", 1, "new"), *reversed(rows())]
    assert ids(handed_in(moved, "Offers (2).xlsx", COLUMNS[::-1])) == before


def test_a_row_that_shares_a_key_keeps_its_id_when_the_other_is_mended():
    listed = rows()
    listed[2].faults.clear()
    before, after = ids(handed_in(rows())), ids(handed_in(listed))
    of_other = ("range", "grant", "o3", "d")
    assert after[of_other] == before[of_other]
    assert ("range", "grant", "o3", "c") not in after


def test_mending_the_cell_of_a_finding_changes_no_other_id_of_a_row_with_a_key():
    listed = rows()
    listed[1].faults.discard("people unread")
    before, after = ids(handed_in(rows())), ids(handed_in(listed))
    assert after == {told: found for told, found in before.items() if told[:2] != ("type", "people")}


@pytest.mark.parametrize("change", ["keyless", "people"])
def test_an_id_tells_no_personal_value(change):
    """With another contact in it, and of people with another key, it is the same."""
    with duckdb.connect() as connection:
        tables = SOURCE.tables
        if change == "people":
            given = {**tables[0].model_dump(by_alias=True), "about_people": True}
            tables = (type(tables[0]).model_validate(given),)
        seen = set()
        for contact in ("anna@example.org", "else@example.org"):
            connection.execute(
                "DROP SCHEMA IF EXISTS staged CASCADE; CREATE SCHEMA staged;"
                ' CREATE TABLE staged.offers (offer_id TEXT, theme TEXT, "grant" BIGINT,'
                " people BIGINT, note TEXT, contact TEXT, _file TEXT, _sheet TEXT, _row BIGINT);"
                "DROP TABLE IF EXISTS main.findings; DROP TABLE IF EXISTS main.quarantine"
            )
            key = contact if change == "people" else None
            note = f"ask {contact}"
            connection.execute(
                "INSERT INTO staged.offers VALUES (?, 'x', 1, 1, ?, ?, 'f', 's', 2)", [key, note, contact]
            )
            create_findings_tables(connection)
            found = Finding("code", Severity.ERROR, "Wrong.", "Mend it.", "offers", "f", "s", 2, "theme", "x")
            add_findings(connection, "offers", [found])
            give_ids(connection, "main.findings", tables)
            seen.add(connection.execute("SELECT finding_id FROM main.findings").fetchone()[0])
    assert len(seen) == 1


def test_a_line_that_never_became_a_row_is_known_by_what_it_says():
    def id_of(row_number, line):
        with duckdb.connect() as connection:
            create_findings_tables(connection)
            connection.execute(
                "CREATE SCHEMA staged; CREATE TABLE staged.t (a TEXT, _file TEXT, _sheet TEXT, _row BIGINT)"
            )
            place = ("t", f"{row_number}.csv", None, row_number)
            add_findings(connection, "s", [Finding("row-length", Severity.ERROR, "Too long.", "Mend it.", *place)])
            add_quarantine(connection, "s", [QuarantinedRow(*place, line)])
            field = SOURCE.tables[0].fields[0].model_copy(update={"name": "a"})
            table = SOURCE.tables[0].model_copy(update={"name": "t", "fields": (field,), "primary_key": ("a",)})
            give_ids(connection, "main.findings", [table])
            return connection.execute("SELECT finding_id FROM main.findings").fetchone()[0]

    assert id_of(2, "1,2,3") == id_of(9, "1,2,3") != id_of(2, "1,2,4")


def test_what_is_forgotten_has_no_life():
    desk = Desk()
    first, second = handed_in(rows()), handed_in(rows(), day=FIRST + timedelta(weeks=1))
    for one in (first, second):
        desk.judge(one, LAX, NONE)
    assert len(lives(desk.connection, "offers", second.id)) == 11
    desk.connection.execute("DELETE FROM ledger.findings WHERE row_key = 'o1'")
    ledger.forget_spells(desk.connection, "offers")
    assert len(lives(desk.connection, "offers", second.id)) == 10
