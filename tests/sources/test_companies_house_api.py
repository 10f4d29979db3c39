"""The register's API: what is asked, what is kept, what its answers come to, against a server with its manners."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import duckdb
import pytest

from dev.sample_answers import DAY, answers, write
from sources import NotSetUpError, PullRequest, SourceError, declarations, paging, samples
from sources.companies_house_api import endpoints, pull, read
from sources.http import Publisher
from sources.loading import stage
from tests.sources.register_server import ERROR_PAGE, NOT_FOUND, RegisterServer, company
from tests.sources.test_paging import FakeTime
from warehouse.archive import Archive
from warehouse.declarations import SourceDeclaration
from warehouse.home import Home
from warehouse.wanted import Wanted

NAME = "companies_house_api"
KEY = "correct-horse-battery-staple"
REAL = Path(__file__).parents[3] / "shared" / "data" / "companies_house" / "api" / "responses"
needs_real = pytest.mark.skipif(not REAL.is_dir(), reason="the real answers are not here")
HAL, ADA, BOB = "00000001", "SC000002", "OC000003"
WANTED = (HAL, ADA, BOB, "99999999")


def declared(base: str | None = None) -> SourceDeclaration:
    """The declaration, of an API at another address."""
    declaration = declarations()[NAME]
    if base is None or declaration.http is None or declaration.http.authentication is None:
        return declaration
    there = declaration.http.authentication.model_copy(update={"at": base})
    http = declaration.http.model_copy(update={"authentication": there})
    return declaration.model_copy(update={"default_origin": base, "http": http})


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> FakeTime:
    time = FakeTime()
    monkeypatch.setattr(paging, "Publisher", functools.partial(Publisher, timepiece=time.piece))
    return time


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> RegisterServer:
    monkeypatch.setenv("COMPANIES_HOUSE_KEY", KEY)
    found = [company(HAL, "HAL LTD"), company(ADA, "ADA LTD"), company(BOB, "BOB LLP", type="llp")]
    return RegisterServer(KEY, {one["company_number"]: one for one in found})


@pytest.fixture
def address(server: RegisterServer) -> Iterator[str]:
    with server.running() as address:
        yield address


def asking(home: Home, base: str, wanted: tuple[str, ...] = WANTED, since: date | None = DAY) -> PullRequest:
    return PullRequest(home, declared(base), None, DAY, since=since, wanted=tuple(Wanted(key) for key in wanted))


def staged(home: Home, folder: Path, files: dict[str, bytes]) -> dict[str, list[dict[str, Any]]]:
    """What kept answers come to: the rows of each table, and findings and quarantined rows."""
    folder.mkdir(exist_ok=True)
    path = write(folder, files)
    snapshot = pull(PullRequest(home, declared(), str(path), DAY))
    result = stage(declared(), snapshot, home, read)
    found = {}
    with duckdb.connect(str(result.path), read_only=True) as connection:
        for relation in ("staged.companies", "staged.answers", "staged.found", "main.findings", "main.quarantine"):
            cursor = connection.execute(f"SELECT * FROM {relation} ORDER BY ALL")
            names = [column[0] for column in cursor.description or ()]
            found[relation.partition(".")[2]] = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    return found


def body(content: object) -> bytes:
    return json.dumps(content).encode()


# --- asking ---------------------------------------------------------------------------------------------


def test_searches_and_then_the_wanted_are_asked_for_once_each_and_kept_as_they_came(home, server, address):
    snapshot = pull(asking(home, address))
    assert [urlsplit(path).path for path in server.asked] == [
        "/advanced-search/companies",
        "/advanced-search/companies",
        *(f"/company/{number}" for number in WANTED),
    ]
    founded, dissolved = (parse_qs(urlsplit(path).query) for path in server.asked[:2])
    days = [DAY.isoformat()]
    assert founded == {
        "location": ["London"],
        "incorporated_from": days,
        "incorporated_to": days,
        "size": ["5000"],
        "start_index": ["0"],
    }
    assert dissolved.keys() == {"location", "dissolved_from", "dissolved_to", "size", "start_index"}
    kept = {path.name: path.read_bytes() for path in snapshot.paths()}
    assert kept == {
        f"incorporated-london-{DAY}-00001.404": b"",
        f"dissolved-london-{DAY}-00001.404": b"",
        **{f"company-{n}-00001.json": json.dumps(server.companies[n]).encode() for n in (HAL, ADA, BOB)},
        "company-99999999-00001.404": NOT_FOUND,
    }
    assert server.refused == 0


def test_a_long_time_is_searched_a_few_days_at_once(home):
    request = PullRequest(home, declared(), None, DAY, since=DAY - timedelta(days=7))
    spans = [(one.params["dissolved_from"], one.params["dissolved_to"]) for one in endpoints("x", request)[3:]]
    assert spans == [("2026-09-28", "2026-09-30"), ("2026-10-01", "2026-10-03"), ("2026-10-04", "2026-10-05")]
    first = endpoints("x", PullRequest(home, declared(), None, DAY))
    assert first[0].params["incorporated_from"] == "2026-08-26"


def test_a_night_stays_within_what_the_registrar_allows():
    declaration = declared()
    assert declaration.http is not None
    assert declaration.http.budget is not None
    assert declaration.asks_for is not None
    assert (declaration.http.budget.requests, declaration.http.budget.per_seconds) == (600, 300)
    assert declaration.asks_for.at_most + 2 * 14 < 600  # with the searches of a first night
    # refused without being told for how long, it waits longer than the five minutes that a refusal lasts
    pauses = [min(120, 2**n / 2) for n in range(1, declaration.http.retries)]
    assert 300 < sum(pauses) <= declaration.http.most_pause_seconds


@pytest.mark.parametrize("how", ["429 in 7", "429", "cut", "503"])
def test_a_refusal_that_passes_and_a_cut_connection_cost_time_and_nothing_else(home, time, server, address, how):
    server.oddities[f"/company/{ADA}"] = [how, how]
    snapshot = pull(asking(home, address))
    assert len(snapshot.files) == 6
    assert server.asked.count(f"/company/{ADA}") == 1
    assert (sum(time.pauses) == 14) == (how == "429 in 7")


def test_a_pull_that_was_cut_off_asks_nothing_twice(home, time, server, address):
    server.oddities[f"/company/{ADA}"] = ["500"]
    with pytest.raises(SourceError, match="the server answers 500"):
        pull(asking(home, address))
    before = list(server.asked)
    assert before[-1] == f"/company/{HAL}"
    assert Archive(home, NAME).snapshots() == []
    # meanwhile others matter too, and one no longer does
    server.companies["00000009"] = company("00000009", "NEW LTD")
    snapshot = pull(asking(home, address, (ADA, "00000009", HAL)))
    assert server.asked[len(before) :] == [f"/company/{ADA}", "/company/00000009"]
    assert [name for name in (file.name for file in snapshot.files) if name.startswith("company")] == [
        "company-00000001-00001.json",
        "company-00000009-00001.json",
        "company-SC000002-00001.json",
    ]


def test_an_error_page_is_not_taken_for_an_answer(home, server, address):
    server.oddities[f"/company/{ADA}"] = ["html"]
    with pytest.raises(SourceError, match=r"company-SC000002-00001.json of .* is no JSON") as told:
        pull(asking(home, address))
    assert told.value.is_transient
    assert pull(asking(home, address)) == Archive(home, NAME).latest()
    kept = [path.read_bytes() for path in Archive(home, NAME).snapshots()[0].paths()]
    assert ERROR_PAGE not in kept


def test_a_refused_key_names_its_variable_and_not_itself(home, server, address, monkeypatch):
    monkeypatch.setenv("COMPANIES_HOUSE_KEY", "an-old-key-of-last-year")
    with pytest.raises(
        SourceError, match="refuses the secret in the environment variable COMPANIES_HOUSE_KEY"
    ) as told:
        pull(asking(home, address))
    assert not told.value.is_transient
    assert "an-old-key" not in str(told.value)


def test_without_a_key_the_source_is_not_set_up(home, server, address, monkeypatch):
    monkeypatch.delenv("COMPANIES_HOUSE_KEY")
    with pytest.raises(NotSetUpError, match="COMPANIES_HOUSE_KEY is not set"):
        pull(asking(home, address))
    assert server.refused == 0


def test_nobody_wanted_and_nothing_found_is_no_news(home, server, address):
    with pytest.raises(SourceError, match=f"no changes since {DAY}"):
        pull(asking(home, address, ()))
    # but that the register does not know a company is an answer
    assert len(pull(asking(home, address, ("99999999",))).files) == 3


def test_what_is_no_number_of_a_company_is_not_asked_for(home, server, address):
    snapshot = pull(asking(home, address, ("../search", "1234567", "00000001?x=1", HAL)))
    assert [path for path in server.asked if not path.startswith("/advanced-search")] == [f"/company/{HAL}"]
    assert len(snapshot.files) == 3


def test_a_search_counts_its_hits_and_says_when_not_all_of_them_came(home, server, address, tmp_path, monkeypatch):
    monkeypatch.setattr("sources.companies_house_api._PAGE_SIZE", 20)
    day = DAY.isoformat()
    for number in range(50):
        key = f"{70000000 + number}"
        server.companies[key] = company(key, f"NEW {number} LTD", date_of_creation=day)
    first = pull(asking(home, address, ()))
    assert sum(path.startswith("/advanced-search") and "incorporated" in path for path in server.asked) == 3
    assert len(_staged_again(home, first)["found"]) == 50
    server.most = 40  # a register that gives no more than so many, whatever it counts
    rows = _staged_again(home, pull(asking(home, address, ())))
    assert len(rows["found"]) == 40
    (finding,) = rows["findings"]
    assert (finding["rule"], finding["severity"]) == ("not-whole", "warning")
    assert "50 items by its own count, and 40 came" in finding["message"]


def _staged_again(home: Home, snapshot) -> dict[str, list[dict[str, Any]]]:
    with duckdb.connect(str(stage(declared(), snapshot, home, read).path), read_only=True) as connection:
        return {
            name: connection.execute(f"SELECT * FROM {schema}.{name}").to_arrow_table().to_pylist()
            for schema, name in (("staged", "found"), ("main", "findings"))
        }


# --- reading --------------------------------------------------------------------------------------------


def test_the_sample_is_what_its_maker_makes_and_is_read(home, tmp_path):
    shipped = samples()[NAME]
    assert shipped.read_bytes() == write(tmp_path, answers()).read_bytes()
    rows = staged(home, tmp_path / "again", answers())
    assert [(one["company_number"], one["answer_code"]) for one in rows["answers"]] == [
        ("02773898", "ended"),
        ("06442494", "known"),
        ("06683849", "known"),
        ("08140586", "known"),
        ("99000033", "unknown"),
    ]
    gone, renamed, *_ = rows["companies"]
    assert (gone["has_ended"], gone["cessation_date"]) == (True, date(2026, 10, 3))
    assert (renamed["previous_name_1"], renamed["previous_name_1_date"]) == (
        "JUNIPER SILVER SYSTEMS LTD",
        date(2026, 10, 2),
    )
    assert (renamed["accounts_ref_day"], renamed["accounts_ref_month"]) == (4, 8)
    assert [(one["company_number"], one["has_ended"]) for one in rows["found"]] == [
        ("99000009", True),
        ("99000017", False),
        ("99000025", False),
    ]
    assert rows["findings"] == rows["quarantine"] == []


@pytest.mark.parametrize(
    "answer",
    [
        {"etag": "x", "kind": "super-secure-person-with-significant-control", "links": {"self": "/company/1"}},
        company(ADA, "ADA LTD"),
        [company(HAL, "HAL LTD")],
        "HAL LTD",
        {},
    ],
)
def test_an_answer_that_is_no_record_of_the_company_is_set_aside_and_noted(home, tmp_path, answer):
    name = f"company-{HAL}-00001.json"
    rows = staged(home, tmp_path / "kept", {name: body(answer)})
    assert rows["companies"] == []
    assert [(one["company_number"], one["answer_code"]) for one in rows["answers"]] == [(HAL, "unusable")]
    (finding,) = rows["findings"]
    assert (finding["rule"], finding["severity"], finding["file"]) == ("not-the-company", "error", name)
    (aside,) = rows["quarantine"]
    assert (aside["table_name"], aside["row_key"]) == ("companies", '{"company_number":"00000001"}')


def test_a_value_that_cannot_be_read_is_a_finding_at_its_cell(home, tmp_path):
    odd = company(
        HAL,
        " HAL\u202e LTD ",
        date_of_creation="2 March 2015",
        accounts={"accounting_reference_date": {"day": "31st", "month": "02"}},
        registered_office_address=["London"],
        previous_company_names=[
            {"name": "OLD LTD", "ceased_on": "2010-01-01"},
            "nonsense",
            {"name": "NEWER LTD ", "ceased_on": "2014-01-01"},
        ],
        sic_codes="62012",
    )
    rows = staged(home, tmp_path / "kept", {f"company-{HAL}-00001.json": body(odd)})
    (row,) = rows["companies"]
    assert row["company_name"] == "HAL LTD"
    assert (row["previous_name_1"], row["previous_name_2"]) == ("NEWER LTD", "OLD LTD")
    assert [row[name] for name in ("incorporation_date", "accounts_ref_day", "postcode", "sic_code_1")] == [
        None
    ] * 4
    assert row["accounts_ref_month"] == 2
    assert {(one["column_name"], one["value"], one["severity"]) for one in rows["findings"]} == {
        ("incorporation_date", "2 March 2015", "warning"),
        ("accounts_ref_day", "31st", "warning"),
    }


def test_what_a_care_of_says_stays_where_it_came(home, tmp_path):
    address = {"care_of": "Mrs Example", "premises": "12", "postal_code": "E1 6AA"}
    one = company(HAL, "HAL LTD", registered_office_address=address)
    rows = staged(home, tmp_path / "kept", {f"company-{HAL}-00001.json": body(one)})
    assert rows["companies"][0]["care_of"] == "Mrs Example"
    privacy = {field.name: field.privacy.value for field in declared().table("companies").fields}
    assert privacy["care_of"] == "personal"
    assert {privacy[name] for name in ("premises", "address_line_1", "address_line_2", "po_box")} == {"internal"}


def test_files_that_are_no_answers_are_left_out_and_said(home, tmp_path):
    rows = staged(home, tmp_path / "kept", {"readme.txt": b"hello", f"dissolved-london-{DAY}-00001.json": b"[]"})
    assert {one["rule"] for one in rows["findings"]} == {"unknown-file", "unreadable"}
    page = tmp_path / f"{NAME}-2026-10-06.zip"
    page.write_bytes(ERROR_PAGE)
    with pytest.raises(SourceError, match="not a zip"):
        pull(PullRequest(home, declared(), str(page), DAY))


@needs_real
def test_the_kept_real_answers_are_read(home, tmp_path):
    def real(name: str) -> bytes:
        return (REAL / f"{name}.json").read_bytes()

    rows = staged(
        home,
        tmp_path / "kept",
        {
            "company-00445790-00001.json": real("PlainCompanyJson"),
            "company-FC040879-00001.json": real("ForeignCompanyJson"),
            "company-13507518-00001.json": real("CommunityInterestCompanyJson"),
            "company-00000001-00001.json": real("SuperSecureJson"),
            "company-00000002-00001.json": real("UkEstablishmentsJson"),
            "incorporated-london-2026-10-01-00001.json": real("AdvancedCompanySearchJson"),
        },
    )
    told = {one["company_number"]: one for one in rows["companies"]}
    assert set(told) == {"00445790", "FC040879", "13507518"}
    tesco = told["00445790"]
    assert {name: tesco[name] for name in ("company_name", "post_town", "postcode", "sic_code_1")} == {
        "company_name": "TESCO PLC",
        "post_town": "Welwyn Garden City",
        "postcode": "AL7 1GA",
        "sic_code_1": "47110",
    }
    assert (tesco["accounts_ref_day"], tesco["accounts_ref_month"]) == (26, 2)
    assert tesco["accounts_next_due_date"] == date(2026, 8, 26)
    assert tesco["previous_name_2_date"] == date(1981, 12, 14)
    assert told["FC040879"]["country_of_origin"] == "SOUTH AFRICA"
    assert told["FC040879"]["accounts_category_code"] == "null"
    assert told["13507518"]["company_subtype_code"] == "community-interest-company"
    assert [one["company_number"] for one in rows["found"]] == ["NI066532", "SA000044"]
    assert [one["has_ended"] for one in rows["found"]] == [True, False]
    # two answers that are no company's record, and a search of 255 hits of which the kept page has two
    assert sorted(one["rule"] for one in rows["findings"]) == ["not-the-company", "not-the-company", "not-whole"]
