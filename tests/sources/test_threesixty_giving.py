"""Packages of grants: today's and yesterday's, whole and broken; persons stay inside."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from dev.sample_funding import PACKAGE
from sources import NothingThereError, PullRequest, SourceError, declarations, samples
from sources.loading import stage
from sources.threesixty_giving import pull, read
from tests.web_server import give, raw, served
from warehouse.archive import Archive
from warehouse.home import Home
from warehouse.staging import Staged

REAL = Path(__file__).parents[3] / "shared" / "data" / "threesixty_giving" / "packages"
needs_real = pytest.mark.skipif(not REAL.is_dir(), reason="the real packages are not here")
DECLARATION = declarations()["threesixty_giving"]
GRANT: dict[str, Any] = {
    "id": "360G-x-1",
    "title": "A grant",
    "description": "For something.",
    "currency": "GBP",
    "amountAwarded": 100,
    "awardDate": "2020-01-02",
    "recipientOrganization": [{"id": "GB-COH-01234567", "name": "Example Ltd"}],
    "fundingOrganization": [{"id": "360G-x", "name": "X"}],
}


def staged(tmp_path: Path, *packages: object) -> Staged:
    """Packages as staged: of each a text, bytes, or what becomes JSON."""
    folder = tmp_path / "in"
    folder.mkdir(parents=True)
    for number, package in enumerate(packages):
        content = package if isinstance(package, str | bytes) else json.dumps(package)
        (folder / f"{number}.json").write_bytes(content if isinstance(content, bytes) else content.encode())
    return of(tmp_path, folder)


def of(tmp_path: Path, origin: object) -> Staged:
    home = Home(tmp_path / "home")
    snapshot = pull(PullRequest(home, DECLARATION, str(origin), date(2026, 11, 1)))
    return stage(DECLARATION, snapshot, home, read)


def rows(one: Staged, sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(one.path), read_only=True) as connection:
        return connection.execute(sql).fetchall()


def grants(*changes: dict[str, Any]) -> dict[str, Any]:
    return {"grants": [{**GRANT, "id": f"360G-x-{n}", **change} for n, change in enumerate(changes, start=1)]}


DATES = {
    "2020-01-02": (date(2020, 1, 2), "day"),
    "17/03/2014": (date(2014, 3, 17), "day"),
    "26/03/2001 00:00": (date(2001, 3, 26), "day"),
    "2020-04-28T00:00:00+00:00": (date(2020, 4, 28), "day"),
    "2015-05-25T10:00:00.5Z": (date(2015, 5, 25), "day"),
    "2008-06-04 00:00:00.000000": (date(2008, 6, 4), "day"),
    "08/2013": (date(2013, 8, 1), "month"),
    "2013-08": (date(2013, 8, 1), "month"),
    "2013": (date(2013, 1, 1), "year"),
    "19 April 2013": (date(2013, 4, 19), "day"),
    "3 Sep 2013": (date(2013, 9, 3), "day"),
    "04/25/2014": (None, None),
    "31/02/2014": (None, None),
    "13/2014": (None, None),
    "soon": (None, None),
}


def test_the_dates_of_past_and_present(tmp_path: Path) -> None:
    one = staged(tmp_path, grants(*({"awardDate": text} for text in DATES)))
    assert rows(one, "SELECT award_date, award_precision_code FROM staged.grants ORDER BY _row") == list(
        DATES.values()
    )
    unread = rows(one, "SELECT value FROM main.findings WHERE column_name = 'award_date' ORDER BY row_number")
    assert [value for (value,) in unread] == [text for text, (day, _) in DATES.items() if day is None]


def test_amounts_as_texts_and_values_of_another_type(tmp_path: Path) -> None:
    given = [1200, 1200.5, "1200.50", "£1,200.50", "1e3", "12,00", "about 5", True, None, [1], {"a": 1}, -3]
    one = staged(tmp_path, grants(*({"amountAwarded": amount} for amount in given)))
    found = [row[0] for row in rows(one, "SELECT amount_awarded FROM staged.grants ORDER BY _row")]
    numbers = [1200, Decimal("1200.50"), Decimal("1200.50"), Decimal("1200.50"), 1000]
    assert found == [*numbers, None, None, None, None, None, None, -3]
    assert rows(one, "SELECT value FROM main.findings WHERE rule = 'unreadable' ORDER BY ALL") == [
        ("12,00",),
        ("about 5",),
    ]


def test_an_old_flat_package_and_a_bare_list_are_read(tmp_path: Path) -> None:
    flat = {
        "id": "360G-f-1",
        "RecipientOrgIdentifier": "GB-CHC-1000147",
        "RecipientOrgName": "Example Trust",
        "FundingOrgIdentifier": "GB-CHC-200051",
        "FundingOrgName": "Example Foundation",
        "currency": "gbp",
        "awardDate": "2008-06-04",
        "amountAwarded": 6000.0,
    }
    one = staged(tmp_path, b"\xef\xbb\xbf" + json.dumps([flat]).encode())
    assert rows(one, "SELECT recipient_name, funder_name, currency_code, recipient_count FROM staged.grants") == [
        ("Example Trust", "Example Foundation", "GBP", 1)
    ]


def test_grants_to_individuals_are_counted_and_only_their_sums_stay(tmp_path: Path) -> None:
    secret = "Jane Doe of Example Street"
    person = {"recipientOrganization": None, "recipientIndividual": {"id": "i-1", "name": secret}, "title": secret}
    one = staged(tmp_path, grants({}, person, {"toIndividualsDetails": {"primaryGrantReason": "GTIR010"}}))
    assert one.rows == {"grants": 1, "individual_grants": 2, "individual_grant_ids": 2}
    assert rows(one, "SELECT message FROM main.findings WHERE rule = 'to-individuals'")[0][0].startswith(
        "2 grants"
    )
    assert secret not in str(rows(one, "FROM main.findings"))
    kept = {field.name for field in DECLARATION.table("individual_grants").kept_fields}
    assert kept == {
        "grant_id", "currency_code", "amount_awarded", "award_date", "funder_org_id", "funder_name"
    }  # fmt: skip


def test_a_recipient_that_may_be_a_person_is_withheld(tmp_path: Path) -> None:
    names = ["Mrs Jane Doe", "Doe, Jane", "Jane Doe t/a Doe Bakes", "Dr Example's School", "Dame Example Trust"]
    one = staged(
        tmp_path, grants(*({"recipientOrganization": [{"id": f"360G-x-org:{n}", "name": n}]} for n in names),
                         {"recipientOrganization": [{"id": "GB-CHC-1000147", "name": "Mr Example"}]})
    )  # fmt: skip
    found = rows(one, "SELECT recipient_name, recipient_kind_code FROM staged.grants ORDER BY _row")
    assert [name for name, kind in found if kind == "organisation"] == [*names[3:], "Mr Example"]
    assert [name for name, kind in found if kind == "withheld"] == [None] * 3


def test_nothing_else_of_a_withheld_recipients_grant_names_them(tmp_path: Path) -> None:
    to = {"recipientOrganization": [{"id": "360G-x-org:jane-doe", "name": "Mrs Jane Doe"}]}
    said = {"title": "Grant to Mrs Jane Doe", "description": "Jane Doe paints", "url": "https://x.org/jane-doe"}
    one = staged(tmp_path, grants({**to, **said, "beneficiaryLocation": [{"name": "Jane Doe's house"}]}))
    ((*row,),) = rows(one, "SELECT * EXCLUDE recipient_listed_name FROM staged.grants")
    assert not [value for value in row if "jane" in str(value).lower()]


def test_what_stands_for_an_org_id_and_is_none_goes_no_further(tmp_path: Path) -> None:
    ids = ["Mr Doe 0401234567", "360G-x-org:doe@example.org", "doe@example.org", "GB-CHC-SCO 00296", "360G-x"]
    one = staged(
        tmp_path, grants(*({"recipientOrganization": [{"id": i, "name": "Doe Ltd"}],
                            "fundingOrganization": [{"id": i, "name": "Doe Trust"}]} for i in ids))
    )  # fmt: skip
    found = rows(one, "SELECT recipient_org_id, funder_org_id FROM staged.grants ORDER BY _row")
    assert found == [(None, None)] * 3 + [(known, known) for known in ids[3:]]
    said = dict(rows(one, "SELECT rule, message FROM main.findings"))
    assert said["no-org-id"].startswith("3 grants")


def test_a_grant_that_one_package_says_went_to_a_person_went_to_one(tmp_path: Path) -> None:
    organisation = {"recipientOrganization": [{"id": "360G-x-org:1", "name": "Jane Doe"}]}
    as_person = {
        "recipientOrganization": None,
        "recipientIndividual": [{"id": "360G-x-ind:1", "name": "Jane Doe"}],
    }
    newest = {**organisation, "dateModified": "2024-01-01"}
    flat = {"recipientOrganization": None, "Recipient Ind:Name": "Jane Roe"}
    one = staged(tmp_path, grants(newest, flat), grants(as_person))
    assert rows(one, "SELECT count(*) FROM staged.grants") == [(0,)]
    assert rows(one, "SELECT count(*) FROM staged.individual_grants") == [(2,)]
    assert rows(one, "SELECT * EXCLUDE (_file, _sheet, _row) FROM staged.individual_grant_ids ORDER BY 1") == [
        ("360G-x-1",), ("360G-x-2",)
    ]  # fmt: skip


def test_a_related_activity_is_an_id_and_no_piece_of_json(tmp_path: Path) -> None:
    one = staged(tmp_path, grants({"relatedActivity": ["360G-x-9", {"name": "Jane Roe"}, 7]}))
    assert rows(one, "SELECT related_activity FROM staged.grants") == [("360G-x-9; 7",)]


def test_an_amount_that_may_be_a_thousand_or_one_is_neither(tmp_path: Path) -> None:
    one = staged(
        tmp_path, grants({"amountAwarded": "1.234"}, {"amountAwarded": 1.234}, {"amountAwarded": "1234.5"})
    )
    found = rows(one, "SELECT amount_awarded FROM staged.grants ORDER BY _row")
    assert found == [(None,), (Decimal("1.23"),), (Decimal("1234.50"),)]


def test_a_grant_told_twice_is_taken_once_in_its_newest_words(tmp_path: Path) -> None:
    old = grants({"title": "old", "dateModified": "2019-01-01T00:00:00Z"}, {"title": "same"})
    new = grants({"title": "new", "dateModified": "17/08/2020 00:00"}, {"title": "same"})
    one = staged(tmp_path, old, new, grants({"title": None}))
    assert rows(one, "SELECT grant_title, _file FROM staged.grants ORDER BY grant_id") == [
        ("new", "1.json"),
        ("same", "0.json"),
    ]
    said = rows(one, "SELECT rule, split_part(message, ' ', 1), file FROM main.findings WHERE rule LIKE '%copies'")
    assert sorted(said) == [
        ("copies", "1", "0.json"), ("copies", "1", "1.json"), ("copies", "1", "2.json"),
        ("differing-copies", "1", "0.json"), ("differing-copies", "1", "2.json"),
    ]  # fmt: skip


def test_what_is_no_grant_is_set_aside_and_the_others_are_taken(tmp_path: Path) -> None:
    one = staged(tmp_path, {"grants": [1, "x", None, [[]], GRANT, {"id": {"a": [{}] * 3}}]})
    assert one.rows["grants"] == 2
    assert rows(one, "SELECT row_number, record FROM main.quarantine ORDER BY ALL") == [
        (1, '{"kind":"UBIGINT"}'), (2, '{"kind":"VARCHAR"}'), (3, '{"kind":null}'), (4, '{"kind":"ARRAY"}')
    ]  # fmt: skip


BAD = {
    "deep": '{"grants":' + "[" * 100_000,
    "no list": '{"grants":{}}',
    "two": '{"grants":[]}{"grants":[]}',
    "cut": '{"grants":[{"id":"x"}',
    "bytes": b'{"grants":[{"id":"\xff\xfe"}]}',
}


@pytest.mark.parametrize("name", ["no list", "two", "cut", "bytes"])
def test_a_package_that_is_none_spoils_no_other_and_is_said(tmp_path: Path, name: str) -> None:
    one = staged(tmp_path, BAD[name], grants({}))
    assert one.rows["grants"] == 1
    assert rows(one, "SELECT severity, file FROM main.findings WHERE rule = 'unreadable-package'") == [
        ("error", "0.json")
    ]
    assert {table for table, _ in rows(one, "FROM main.incomplete")} == {
        table.name for table in DECLARATION.tables
    }
    alone = staged(tmp_path / "alone", BAD[name])
    assert ("missing-table", "critical") in rows(alone, "SELECT rule, severity FROM main.findings")


def test_deep_nesting_is_one_strange_value(tmp_path: Path) -> None:
    deep = '{"grants":[{"id":"a","recipientOrganization":' + '{"a":' * 20_000 + "1" + "}" * 20_000 + "}]}"
    assert staged(tmp_path, deep).rows["grants"] == 1


# --- addresses ------------------------------------------------------------------------------------------


def test_packages_from_addresses_are_pulled_once_and_busy_servers_waited_for(tmp_path: Path) -> None:
    calls: list[str] = []

    def busy_first(handler: Any) -> None:
        calls.append(handler.path)
        if len(calls) == 1:
            give(handler, 429, b"later", Retry_After="0")
        else:
            give(handler, 200, json.dumps(grants({})).encode(), ETag='"1"')

    home = Home(tmp_path / "home")
    with served(
        {"/a/data": busy_first, "/b/data.json": lambda h: give(h, 200, json.dumps(PACKAGE).encode())}
    ) as base:
        listed = tmp_path / "packages.txt"
        listed.write_text(f"# of two funders\n{base}/a/data\n\n{base}/b/data.json\n")
        snapshot = pull(PullRequest(home, DECLARATION, str(listed), date(2026, 11, 1)))
    assert [file.name for file in snapshot.files] == ["001-data.json", "002-data.json"]
    assert len(calls) == 2
    assert stage(DECLARATION, snapshot, home, read).rows == {
        "grants": 6,
        "individual_grants": 1,
        "individual_grant_ids": 1,
    }


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (lambda h: give(h, 200, b"<html>Sorry, try later</html>"), "a web page"),
        (lambda h: give(h, 200, b"Id,Title\n1,x\n"), "no JSON"),
        (lambda h: give(h, 200, b'{"grants":[{"id":"x"'), "not whole"),
        (raw(b'HTTP/1.0 200 OK\r\nContent-Length: 900\r\n\r\n{"grants":[]}'), "ended early|of 900|incomplete|cut"),
        (lambda h: give(h, 404, b"none"), "404"),
    ],
)
def test_an_answer_that_is_no_package_does_not_enter_the_archive(tmp_path: Path, answer: Any, said: str) -> None:
    home = Home(tmp_path)
    quick = DECLARATION.model_copy(
        update={"http": DECLARATION.http.model_copy(update={"retries": 0, "interval_seconds": 0})}  # type: ignore[union-attr]
    )
    with served({"/x.json": answer}) as base, pytest.raises(SourceError, match=said):
        pull(PullRequest(home, quick, f"{base}/x.json", date(2026, 11, 1)))
    assert Archive(home, "threesixty_giving").snapshots() == []


def test_a_list_of_addresses_says_what_is_none(tmp_path: Path) -> None:
    for text in ("", "# nothing\n", "/etc/passwd\n"):
        (tmp_path / "list.txt").write_text(text)
        with pytest.raises(SourceError, match="address"):
            pull(PullRequest(Home(tmp_path), DECLARATION, str(tmp_path / "list.txt"), date(2026, 11, 1)))


def test_without_an_origin_packages_or_their_addresses_lie_in_the_inbox(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    request = PullRequest(home, DECLARATION, None, date(2026, 11, 1))
    with pytest.raises(NothingThereError, match=r"inbox/threesixty_giving.* --source threesixty_giving="):
        pull(request)
    inbox = home.inbox / "threesixty_giving"
    inbox.mkdir(parents=True)
    with pytest.raises(NothingThereError, match="holds no file"):
        pull(request)
    (inbox / "one.json").write_text(json.dumps(PACKAGE))
    assert [file.name for file in pull(request).files] == ["one.json"]
    with served({"/data.json": lambda h: give(h, 200, json.dumps(grants({})).encode())}) as base:
        (inbox / "packages.txt").write_text(f"{base}/data.json\n")
        assert [file.name for file in pull(request).files] == ["001-data.json"]


def test_the_sample_has_the_bytes_that_its_generator_makes() -> None:
    assert json.loads(samples()["threesixty_giving"].read_text(encoding="utf-8")) == PACKAGE


# --- the real packages ----------------------------------------------------------------------------------

# of each: grants to organisations, to individuals, and cells in which something cannot be read
LOADED = {
    "baring": (53, 0, 0),
    "dulverton": (1860, 0, 0),
    "grantnav_a002400000KeYdsAAF": (379, 0, 0),
    "grantnav_awefw001p00000zgyHZAAY": (55, 99, 0),
    "nominet": (270, 0, 0),
    "ocf1": (156, 0, 0),
    "stack": (5945, 0, 5),  # three of one grant whose columns moved, two of another
    "wolfson": (379, 0, 0),
}


@needs_real
@pytest.mark.parametrize("name", LOADED)
def test_a_real_package_loads(tmp_path: Path, name: str) -> None:
    one = of(tmp_path, REAL / f"{name}.json")
    (unread,) = rows(one, "SELECT count(*) FROM main.findings WHERE rule = 'unreadable'")[0]
    assert (one.rows["grants"], one.rows["individual_grants"], unread) == LOADED[name]
    assert rows(one, "SELECT count(*) FROM main.quarantine") == [(0,)]


@needs_real
def test_the_real_packages_together_tell_no_grant_twice(tmp_path: Path) -> None:
    one = of(tmp_path, REAL)
    assert one.rows == {"grants": 6002, "individual_grants": 99, "individual_grant_ids": 99}
    (skipped,) = rows(
        one, "SELECT sum(CAST(replace(split_part(message, ' ', 1), ',', '') AS INTEGER)) FROM main.findings"
        " WHERE rule = 'copies'"
    )[0]  # fmt: skip
    told = sum(len(json.loads(path.read_text(encoding="utf-8-sig"))["grants"]) for path in REAL.glob("*.json"))
    assert told == 6002 + 99 + skipped
