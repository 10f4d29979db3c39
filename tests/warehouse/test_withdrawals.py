"""What is withdrawn is known by a digest of its key, and never says the value."""

import pytest

from warehouse.database import opened
from warehouse.home import Home
from warehouse.ledger import LedgerError
from warehouse.withdrawals import FILE, held_in, keep, withdrawal, withdrawals, without


def test_a_withdrawal_comes_back_and_knows_its_row(tmp_path):
    home = Home(tmp_path)
    assert withdrawals(home) == []
    one = withdrawal("places", {"code": "a", "number": "1"}, "name", "Why.", "2026-11-25T00:00:00Z")
    row = withdrawal("others", {"id": "x"}, None, "Why.", "2026-11-25T00:00:00Z")
    keep(home, [one, row])
    assert withdrawals(home) == [one, row]
    assert withdrawals(home, "others") == [row]
    assert one.key == '{"code":"a","number":"1"}'
    assert one.is_of(one.key, "name")
    assert not one.is_of(one.key, None)
    assert not one.is_of('{"code":"a","number":"2"}', "name")


def test_a_key_that_is_a_persons_is_not_written_down(tmp_path):
    home = Home(tmp_path)
    one = withdrawal("people", {"id": "131052-308T"}, None, "Why.", "2026-11-25T00:00:00Z")
    keep(home, [one])
    assert one.key is None
    assert one.is_of('{"id":"131052-308T"}', None)
    assert "131052" not in (tmp_path / FILE).read_text()


@pytest.mark.parametrize("content", ["x", "[", "{}x", "[1]", '[{"dataset": "places"}]', "3"])
def test_a_list_that_cannot_be_read_is_a_message_and_not_an_empty_list(tmp_path, content):
    (tmp_path / FILE).write_text(content)
    with pytest.raises(LedgerError, match=r"withdrawals\.json cannot be read"):
        withdrawals(Home(tmp_path))


def test_what_rows_hold_that_stay(tmp_path):
    row, value = (
        withdrawal("places", {"id": key}, column, "Why.", "2026-11-25T00:00:00Z")
        for key, column in (("1", None), ("2", "name"))
    )
    rows = (
        "(VALUES (1, 'the first', 'shared'), (2, 'the second', 'shared and more'), (3, NULL, 'it''s')) t(id, n, s)"
    )
    keys = {"id": "id"}
    query = without(rows, {"id": "id", "name": "n", "said": "s"}, keys, [row, value])
    with opened(None, temporary=tmp_path) as connection:
        asked = ["the first", "the second", "shared", "more", "it's", "more3"]
        assert held_in(connection, query, ["id", "name", "said"], asked) == {"shared", "more", "it's"}
        assert held_in(connection, query, ["id"], []) == set()
        assert held_in(connection, f"{query} AND false", ["name"], asked) == set()
