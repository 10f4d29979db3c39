"""The Finnish register: searched or taken as a whole, whatever its server answers; and what a record says."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest

from dev.synthetic_prh import CAST, Company, business_ids, companies, record
from sources import PullRequest, SourceError, SqlTable, declarations
from sources.loading import stage
from sources.paging import EndlessError
from sources.prh_ytj import pull, read, search
from tests.sources.prh_server import FAULT, HTML, PrhServer, zipped
from warehouse.archive import Archive, Snapshot
from warehouse.declarations import SourceDeclaration
from warehouse.districts import load_districts
from warehouse.home import Home

DAY = date(2026, 10, 1)
POSTCODES = sorted(load_districts()["kalasatama"].all_postcode_areas)
DECLARATION = declarations()["prh_ytj"]


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


@pytest.fixture(autouse=True)
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long it would have waited, in seconds: nothing waits here."""
    slept: list[float] = []
    monkeypatch.setattr("sources.http.sleep", slept.append)
    return slept


def inhabitants(count: int, postcode: str = "00540") -> list[dict[str, Any]]:
    """Active companies of one postcode."""
    ids = business_ids()
    return [
        record(
            Company(next(ids), f"Yritys {n} Oy", "16", date(2015, 1, 1), ("62010", "62100"), "091", postcode),
            1,
            DAY,
        )
        for n in range(count)
    ]


def pulled(home: Home, origin: object, declaration: SourceDeclaration = DECLARATION) -> Snapshot:
    return pull(PullRequest(home, declaration, str(origin), DAY))


def staged(home: Home, snapshot: Snapshot) -> Path:
    return stage(DECLARATION, snapshot, home, read).path


def rows(path: Path, sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(path), read_only=True) as connection:
        return connection.execute(sql).fetchall()


def written(folder: Path, *records: object, name: str = "data_20261001.json") -> Path:
    """A file of everything."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(json.dumps(records, ensure_ascii=False), encoding="utf-8")
    return folder / name


# --- the search ---------------------------------------------------------------------------------------


def test_every_postcode_of_the_district_is_searched_to_its_end_and_no_further(home, pauses):
    some = inhabitants(250)
    server = PrhServer([*some, *list(companies(600, DAY, 2))[len(some) :]])
    with server.running() as base:
        snapshot = pulled(home, base)
    wanted = {code: server.matching(code) for code in POSTCODES}
    assert server.asked == [
        (code, number) for code in POSTCODES for number in range(1, max(1, -(-len(wanted[code]) // 100)) + 1)
    ]
    assert [path.name for path in snapshot.paths()] == [f"postcode-{c}-{n:05d}.json" for c, n in server.asked]
    path = staged(home, snapshot)
    ids = {one["businessId"]["value"] for found in wanted.values() for one in found}
    assert {one for (one,) in rows(path, "SELECT business_id FROM staged.companies")} == ids
    assert (
        rows(path, "SELECT count(*) FROM main.incomplete UNION ALL SELECT count(*) FROM main.findings")
        == [(0,)] * 2
    )
    # none where an answer took longer than the pause; and as nothing waits here, the turns add up
    assert 0 < len(pauses) < len(server.asked)
    assert all(0 < pause <= 0.5 * len(server.asked) for pause in pauses)


def test_a_company_in_two_lists_is_one_company(home):
    (one,) = inhabitants(1)
    visiting = {**one["addresses"][0], "type": 1}
    one["addresses"] = [{**visiting, "type": 2, "postCode": "00500"}, visiting]
    with PrhServer([one]).running() as base:
        path = staged(home, pulled(home, base))
    assert rows(path, "SELECT postcode, postal_postcode, is_postal_address FROM staged.companies") == [
        ("00540", "00500", False)
    ]
    assert rows(path, "SELECT * FROM main.incomplete") == []


def test_a_pull_cut_off_at_page_14_goes_on_at_page_14(home):
    server = PrhServer(inhabitants(1_650, "00500"), instead={14: [(500, FAULT, {})]})
    with server.running() as base:
        with pytest.raises(SourceError, match="500") as caught:
            pulled(home, base)
        assert caught.value.is_transient
        assert server.asked == [("00500", number) for number in range(1, 15)]
        server.asked.clear()
        snapshot = pulled(home, base)
    assert server.asked == [("00500", 14), ("00500", 15), ("00500", 16), ("00500", 17)] + [
        (code, 1) for code in POSTCODES[1:]
    ]
    assert rows(staged(home, snapshot), "SELECT count(*) FROM staged.companies") == [(1_650,)]


@pytest.mark.parametrize(
    ("answer", "pause"),
    [
        ((429, b"Liian monta pyyntoa", {"Retry_After": "17"}), 17),
        ((429, b"Liian monta pyyntoa", {}), None),
        ((503, FAULT, {"Retry_After": "9"}), 9),
        ((200, None, {}), None),
    ],
    ids=["429 with Retry-After", "429 without", "503", "cut off in the body"],
)
def test_what_may_pass_is_asked_again_after_the_time_the_server_names(home, pauses, answer, pause):
    server = PrhServer(inhabitants(120, "00500"), instead={2: [answer]})
    with server.running() as base:
        snapshot = pulled(home, base)
    assert server.asked[:3] == [("00500", 1), ("00500", 2), ("00500", 2)]
    assert pause is None or pause in pauses
    assert rows(staged(home, snapshot), "SELECT count(*) FROM staged.companies") == [(120,)]


@pytest.mark.parametrize(
    ("body", "said"), [(HTML, "is no JSON"), (FAULT, "holds no list companies"), (b"", "is no JSON")]
)
def test_an_answer_of_200_that_is_no_page_is_an_error_and_is_not_kept(home, body, said):
    server = PrhServer(inhabitants(120, "00500"), instead={2: [(200, body, {})]})
    with server.running() as base:
        with pytest.raises(SourceError, match=f"postcode-00500-00002.json .*{said}"):
            pulled(home, base)
        assert Archive(home, "prh_ytj").snapshots() == []
        assert rows(staged(home, pulled(home, base)), "SELECT count(*) FROM staged.companies") == [(120,)]
    assert server.asked[:4] == [("00500", 1), ("00500", 2), ("00500", 2), ("00540", 1)]


def test_a_list_that_counts_more_than_it_has_ends_where_page_1_comes_again_and_nobody_is_gone(home):
    server = PrhServer(inhabitants(120, "00500"), more=80)
    with server.running() as base:
        path = staged(home, pulled(home, base))
    assert server.asked[:4] == [("00500", 1), ("00500", 2), ("00500", 3), ("00540", 1)]  # 3 is the first again
    reasons = dict(rows(path, "FROM main.incomplete"))
    assert set(reasons) == {"companies", "names"}
    assert "postcode-00500: The list has 200 items by its own count, and 120 came." in reasons["companies"]
    assert {rule for (rule,) in rows(path, "SELECT DISTINCT rule FROM main.findings")} == {"not-whole"}


def test_a_list_that_moves_while_it_is_read_is_not_whole(home):
    server = PrhServer(inhabitants(250, "00500"), moves_at=2)
    with server.running() as base:
        path = staged(home, pulled(home, base))
    assert "250 to 251 items" in rows(path, "SELECT reason FROM main.incomplete")[0][0]
    assert "companies came twice" in rows(path, "SELECT reason FROM main.incomplete")[0][0]
    assert rows(path, "SELECT count(*) = count(DISTINCT business_id) FROM staged.companies") == [(True,)]


def test_a_list_without_an_end_is_given_up(home, monkeypatch):
    monkeypatch.setattr(search, "_MAX_PAGES", 7)
    server = PrhServer([], endless=True)
    with server.running() as base, pytest.raises(EndlessError, match="more than 7 pages"):
        pulled(home, base)
    assert len(server.asked) == 7


def test_without_districts_it_is_not_known_whom_to_search_for(home):
    with pytest.raises(SourceError, match="names no districts"):
        pulled(home, "http://127.0.0.1:9/v3", DECLARATION.model_copy(update={"districts": ()}))


# --- everything ---------------------------------------------------------------------------------------


def test_both_ways_end_in_the_same_tables(home, tmp_path):
    register = [one for one in companies(300, DAY, 5) if one["addresses"]]
    server = PrhServer(register)
    with server.running() as base:
        searched = staged(home, pulled(home, base))
        whole = staged(Home(tmp_path / "other"), pulled(Home(tmp_path / "other"), f"{base}/all_companies"))
    found = rows(searched, "SELECT business_id FROM staged.companies")
    assert 20 < len(found) < len(register) == len(rows(whole, "FROM staged.companies"))
    for table in ("companies", "names"):
        query = f"SELECT * EXCLUDE (_file, _row) FROM staged.{table}"
        among = rows(
            whole, f"{query} WHERE business_id IN ({', '.join(repr(one) for (one,) in found)}) ORDER BY ALL"
        )
        assert rows(searched, f"{query} ORDER BY ALL") == among


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ((200, HTML, {}), "a web page"),
        ((200, FAULT, {}), "holds no companies"),
        ((200, zipped([])[:60], {}), "zip"),
        ((200, b"oops", {}), "neither a zip nor JSON"),
        ((400, FAULT, {}), "400"),
    ],
)
def test_what_is_not_the_file_of_everything_does_not_enter_the_archive(home, answer, said):
    with PrhServer([], everything=answer).running() as base, pytest.raises(SourceError, match=said):
        pulled(home, f"{base}/all_companies")
    assert Archive(home, "prh_ytj").snapshots() == []


def test_a_file_is_of_the_date_in_its_name_or_in_that_of_its_member(home, tmp_path):
    plain = written(tmp_path / "a", *inhabitants(2), name="data_20260930.json")
    (tmp_path / "download.zip").write_bytes(zipped(inhabitants(3)))
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "all_companies-2026-08-01.zip").write_bytes(zipped(inhabitants(1)))
    found = {pulled(home, one).date: one for one in (plain, tmp_path / "download.zip", tmp_path / "b")}
    assert [str(one) for one in found] == ["2026-09-30", "2026-10-01", "2026-08-01"]


@pytest.mark.parametrize("end", [-1, -400, 3000])
def test_a_file_that_was_cut_off_is_refused_with_nothing_of_it_quoted(home, tmp_path, end):
    path = written(tmp_path / "a", *inhabitants(20))
    path.write_bytes(path.read_bytes()[:end])
    with pytest.raises(SourceError, match="no whole JSON") as caught:
        staged(home, pulled(home, path))
    assert "Yritys" not in str(caught.value)


# --- what a record says -------------------------------------------------------------------------------


@pytest.fixture
def said(tmp_path: Path, home: Home) -> Callable[..., list[dict[str, Any]]]:
    """Gives companies of which some keys are otherwise, as they are read."""
    (one,) = inhabitants(1)

    def made(*changes: dict[str, Any]) -> list[dict[str, Any]]:
        snapshot = pulled(home, written(tmp_path, *({**one, **changed} for changed in changes)))
        with home.workspace("read") as workspace, duckdb.connect() as connection:
            table = read(snapshot, DECLARATION, workspace).tables["companies"]
            assert isinstance(table, SqlTable)
            relation = connection.execute(table.query)
            names = [column[0] for column in relation.description or ()]
            found = [dict(zip(names, row, strict=True)) for row in relation.fetchall()]
        return sorted(found, key=lambda company: company["_row"])

    return made


def name(text: str, kind: str = "1", **more: Any) -> dict[str, Any]:
    return {"name": text, "type": kind, "version": 1, "source": "1", **more}


def span(kind: str, start: str, end: str | None = None, **more: Any) -> dict[str, Any]:
    return {"type": kind, "registrationDate": start, **({"endDate": end} if end else {}), **more}


NAMES = [
    ([name("Eka", endDate="2019-01-31", version=2), name("Toka", registrationDate="2019-02-01")], "Toka"),
    ([name("Toinen nimi", "3"), name("Rinnakkainen", "2"), name("Pää")], "Pää"),
    ([name("Pää"), name("Vanha", endDate="2001-01-01")], "Pää"),
    ([name("Viimeinen", endDate="2020-12-31"), name("Ensimmäinen", endDate="2010-01-01")], "Viimeinen"),
    ([name("Nyt", endDate=""), name("Ennen", endDate="2010-01-01")], "Nyt"),
    ([name("Nyt", endDate=None), name("Ennen", endDate="2010-01-01")], "Nyt"),
    ([name("Uudempi", registrationDate="2020-01-01"), name("Vanhempi", registrationDate="2010-01-01")], "Uudempi"),
    ([name(" "), name("Aputoiminimi", "3")], None),
    ([], None),
    (None, None),
    ("a text", None),
]


def test_the_name_is_the_main_one_without_an_end_wherever_it_stands(said):
    found = said(*({"names": names} for names, _ in NAMES))
    assert [one["company_name"] for one in found] == [current for _, current in NAMES]


def test_an_end_that_is_yet_to_come_is_none_so_far(said):
    found = said(
        {"names": [name("Nyt Oy", endDate="2026-12-31"), name("Ennen Oy", endDate="2020-12-31")]},
        {"endDate": "2026-12-31"},
        {"endDate": "2026-09-30"},
        {"endDate": "soon"},
        {"companySituations": [span("KONK", "2026-01-01", "2027-01-31")]},
    )
    assert found[0]["company_name"] == "Nyt Oy"
    assert [one["is_active"] for one in found] == [True, True, False, False, False]


def test_all_names_are_kept_in_the_order_of_registration(home, tmp_path):
    (one,) = inhabitants(1)
    one["names"] = [
        name("Uusi Oy", registrationDate="2019-02-01"),
        name("Apu", "3", registrationDate="2020-05-05"),
        name("Vanha Oy", registrationDate="2015-01-01", endDate="2019-01-31", version=2),
    ]
    path = staged(home, pulled(home, written(tmp_path, one)))
    assert rows(
        path,
        "SELECT name_number, registered_name, name_type_code, name_start_date, name_end_date, is_current"
        " FROM staged.names ORDER BY name_number",
    ) == [
        (1, "Vanha Oy", "1", date(2015, 1, 1), date(2019, 1, 31), False),
        (2, "Uusi Oy", "1", date(2019, 2, 1), None, True),
        (3, "Apu", "3", date(2020, 5, 5), None, True),
    ]


OPEN, CEASED = span("1", "2015-01-01", register="1"), span("4", "2020-12-31", register="1")
STANDINGS = [
    ({}, True, None),
    ({"endDate": "2020-12-31"}, False, date(2020, 12, 31)),
    ({"endDate": ""}, True, None),
    ({"endDate": None}, True, None),
    ({"registeredEntries": [CEASED, {**OPEN, "endDate": "2020-12-31"}]}, False, date(2020, 12, 31)),
    ({"registeredEntries": [OPEN, {**CEASED, "endDate": "2021-06-01"}]}, True, None),  # it was taken up again
    ({"registeredEntries": [OPEN, span("4", "2020-12-31", register="6")]}, True, None),  # of another register
    ({"tradeRegisterStatus": "4"}, False, None),
    ({"status": "9"}, True, None),  # says nothing
    ({"companySituations": [span("KONK", "2020-01-01")]}, False, None),
    ({"companySituations": [span("SELTILA", "2020-01-01")]}, False, None),
    ({"companySituations": [span("SANE", "2020-01-01")]}, True, None),
    ({"companySituations": [span("KONK", "2020-01-01", "2020-06-01")]}, True, None),
    ({"companySituations": None}, True, None),
]


def test_active_is_who_has_no_end_in_any_of_its_forms(said):
    found = said(*(changes for changes, _, _ in STANDINGS))
    for (changes, is_active, ceased), one in zip(STANDINGS, found, strict=True):
        assert (one["is_active"], one["ceased_date"]) == (is_active, ceased), changes


def test_of_several_situations_the_gravest_open_one_counts(said):
    (found,) = said(
        {
            "companySituations": [
                span("SANE", "2021-01-01"),
                span("KONK", "2020-01-01"),
                span("SELTILA", "2022-01-01"),
            ]
        }
    )
    assert (found["situation_code"], found["situation_date"]) == ("KONK", date(2020, 1, 1))


FORMS = [
    ([span("13", "2010-01-01", "2015-01-01", version=2), span("16", "2015-01-01", version=1)], "16"),
    ([{"type": "10", "version": 2}, {"type": "16", "version": 1}], "16"),
    ([{"type": 16, "version": 1}], "16"),
    ([span("16", "2010-01-01", "2020-01-01")], "16"),
    ([], None),
    (None, None),
]


def test_the_form_is_the_current_one_though_the_ended_one_may_stand_first(said):
    found = said(*({"companyForms": forms} for forms, _ in FORMS))
    assert [one["company_form_code"] for one in found] == [code for _, code in FORMS]


EMPLOYERS = [
    ([span("41", "2015-01-01", register="7")], True),
    ([span("42", "2015-01-01", register="7")], True),
    ([span("41", "2015-01-01", "2016-01-01", register="7")], False),
    ([span("41", "2015-01-01", register="6")], False),
    ([], False),
    (None, None),
]


def test_an_employer_is_who_stands_in_that_register_now(said):
    found = said(*({"registeredEntries": entries} for entries, _ in EMPLOYERS))
    assert [one["is_employer"] for one in found] == [is_employer for _, is_employer in EMPLOYERS]


def test_both_forms_of_last_modified_are_the_time_of_helsinki_as_it_stands(said):
    found = said({"lastModified": "2024-06-17 12:12:45"}, {"lastModified": "2026-08-19T10:04:06"})
    assert [str(one["last_modified_time"]) for one in found] == ["2024-06-17 12:12:45", "2026-08-19 10:04:06"]


def test_the_place_is_that_of_the_visiting_address_and_codes_keep_their_zeros(said):
    offices = [
        {"city": "HELSINGFORS", "languageCode": "2", "municipalityCode": "091"},
        {"city": "HELSINKI", "languageCode": "1", "municipalityCode": "091"},
    ]
    postal = {"type": 2, "postCode": "00101", "postOfficeBox": "17", "postOffices": offices[:1], "co": "c/o X Y"}
    visiting = {"type": "1", "street": "Työpajankatu", "buildingNumber": "8", "apartmentNumber": "12", "co": ""}
    visiting |= {"postCode": "00580", "postOffices": offices, "entrance": None}
    both, only, none = said({"addresses": [postal, visiting]}, {"addresses": [postal]}, {"addresses": []})
    assert (both["postcode"], both["municipality_code"], both["post_town"]) == ("00580", "091", "HELSINKI")
    assert (both["street"], both["apartment"], both["care_of"]) == ("Työpajankatu 8", "12", None)
    assert (both["postal_postcode"], both["is_postal_address"]) == ("00101", False)
    assert (only["postcode"], only["post_town"], only["is_postal_address"]) == ("00101", "HELSINGFORS", True)
    assert only["care_of"] == "c/o X Y"
    assert (none["postcode"], none["is_postal_address"]) == (None, False)


def test_odd_records_cost_themselves_and_odd_cells_are_findings(home, tmp_path):
    good = inhabitants(4)
    odd = [7, "x", None, [], {}, {"businessId": "9000001-1"}]
    good[1]["registrationDate"] = "31.12.2015"
    good[2]["names"] = [name("Outo Oy", registrationDate="2015-13-01")]
    good[3]["names"] = [name("Piilo\u202e\u0007 Oy")]
    path = staged(home, pulled(home, written(tmp_path, *good, *odd)))
    assert rows(path, "SELECT count(*), count(business_id) FROM staged.companies") == [(10, 4)]
    found = rows(path, "SELECT rule, table_name, column_name, value, row_number FROM main.findings ORDER BY ALL")
    assert ("unreadable", "companies", "registration_date", "31.12.2015", 2) in found
    assert ("unreadable", "names", "name_start_date", "2015-13-01", 3) in found
    assert {one[0] for one in found} == {"unreadable", "hidden-characters"}
    assert rows(path, "SELECT company_name FROM staged.companies WHERE _row = 4") == [("Piilo Oy",)]


def test_the_sample_has_the_cast(home):
    path = staged(home, pulled(home, Path(search.__file__).parent / "sample"))
    names = dict(rows(path, "SELECT business_id, company_name FROM staged.companies"))
    assert {one.id: one.name for one in CAST}.items() <= names.items()
    assert ("Satama Robotiikka Oy",) in rows(path, "SELECT registered_name FROM staged.names WHERE NOT is_current")
