"""What is withdrawn is known by a digest of its key, and never says the value."""

import pytest

from warehouse.home import Home
from warehouse.ledger import LedgerError
from warehouse.withdrawals import FILE, keep, withdrawal, withdrawals


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
