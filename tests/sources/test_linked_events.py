"""Linked Events: pages, changes, ends, whatever the server does; languages, times, places, whatever is there."""

from __future__ import annotations

import json
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest

import sources
from flows.declarations import Declarations
from flows.night import night
from flows.run import Direct, Run, RunRequest
from flows.settings import Settings
from sources import NothingThereError, PullRequest, SourceError
from sources.linked_events import pull, read
from sources.linked_events.records import Records
from tests.sources.linked_events_server import LinkedEvents, event
from warehouse.archive import Archive
from warehouse.declarations import SourceDeclaration, parse
from warehouse.declarations.http import HttpDeclaration
from warehouse.findings import WITHHELD
from warehouse.home import Home
from warehouse.store import reader

REAL = Path(__file__).parents[3] / "shared" / "data" / "linked_events"
needs_real = pytest.mark.skipif(not REAL.is_dir(), reason="the real files are not here")
DAY = date(2026, 1, 20)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


@pytest.fixture(autouse=True)
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Waiting takes no time, and is noted."""
    noted: list[float] = []
    monkeypatch.setattr("sources.http.sleep", noted.append)
    return noted


@pytest.fixture
def server() -> LinkedEvents:
    return LinkedEvents()


def declared(*queries: dict[str, str], **http: Any) -> SourceDeclaration:
    terms = parse(HttpDeclaration, {"retries": 2, **http}, "test")
    found = sources.declarations()["linked_events"]
    return found.model_copy(update={"http": terms, "queries": queries or ({"text": "klubi"},)})


def asked(home: Home, origin: str, *queries: dict[str, str], **more: Any) -> PullRequest:
    return PullRequest(home, declared(*queries), origin, more.pop("day", DAY), **more)


def rows_of(snapshot: Any, tmp_path: Path) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = read(snapshot, declared(), tmp_path).tables["events"].to_pylist()
    return rows


def row_of(**changes: Any) -> dict[str, Any]:
    """What becomes of one event."""
    records = Records(declared().table("events"))
    records.add(event(1, **changes), "events-1-00001.json", 1)
    (row,) = records.rows()
    return row


# --- pages -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("cap", "pages"), [(100, 3), (20, 12)])
def test_all_pages_are_followed_however_small_the_server_makes_them(home, server, tmp_path, cap, pages):
    server.cap = cap
    for number in range(230):
        server.put(number)
    with server.running() as address:
        snapshot = pull(asked(home, address))
    assert len(snapshot.paths()) == pages
    assert len(rows_of(snapshot, tmp_path)) == 230
    assert server.asked[0] == {
        "text": "klubi",
        "page_size": "100",
        "include": "location,keywords",
        "show_deleted": "true",
    }
    assert snapshot.origin == f"{address}?text=klubi"


def test_an_event_that_two_queries_find_is_one_as_it_was_changed_last(home, server, tmp_path):
    server.put(1, name={"en": "Club and forum"})
    server.put(2)
    with server.running() as address:
        snapshot = pull(asked(home, address, {"text": "club"}, {"text": "forum"}))
    assert [path.name for path in snapshot.paths()] == ["events-1-00001.json", "events-2-00001.json"]
    assert [row["event_id"] for row in rows_of(snapshot, tmp_path)] == ["test:1", "test:2"]
    records = Records(declared().table("events"))
    times = ("2026-01-02T00:00:00Z", "2026-01-03T00:00:00Z", "2026-01-01T00:00:00Z")
    for number, changed in enumerate(times, start=1):
        records.add(event(1, last_modified_time=changed, start_time=f"{number}"), "events-1-00001.json", number)
    (row,) = records.rows()
    assert (row["last_modified_time"], row["_row"]) == (datetime(2026, 1, 3), 2)
    assert [(one.column_name, one.value) for one in records.findings] == [("start_time", "2")]


def test_what_is_asked_may_stand_in_the_address_a_keyword_too(home, server):
    server.put(1)
    with server.running() as address:
        snapshot = pull(asked(home, f"{address}?keyword=yso:p1&division=kalasatama"))
    assert server.asked[0]["keyword"] == "yso:p1"
    assert snapshot.origin.endswith("?keyword=yso%3Ap1&division=kalasatama")


@pytest.mark.parametrize(
    ("wrong", "waited"),
    [((429, {"Retry-After": "7"}), 7), ((429, {}), None), ((503, {}), None), ("cut", None)],
)
def test_a_server_that_is_busy_or_breaks_off_is_asked_again(home, server, tmp_path, pauses, wrong, waited):
    server.wrong[2] = wrong
    server.cap = 2
    for number in range(5):
        server.put(number)
    with server.running() as address:
        snapshot = pull(asked(home, address))
    assert len(rows_of(snapshot, tmp_path)) == 5
    assert len(server.asked) == 4
    assert waited is None or waited in pauses


def test_a_page_that_is_none_ends_the_pull_and_the_next_goes_on_there(home, server, tmp_path):
    server.cap = 2
    for number in range(5):
        server.put(number)
    server.wrong[2] = b"<html>We are sorry</html>"
    with server.running() as address:
        with pytest.raises(SourceError, match="is no JSON") as told:
            pull(asked(home, address))
        assert told.value.is_transient
        assert Archive(home, "linked_events").snapshots() == []
        snapshot = pull(asked(home, address))
    assert [one.get("page", "1") for one in server.asked] == ["1", "2", "2", "3"]
    assert len(rows_of(snapshot, tmp_path)) == 5


@pytest.mark.parametrize(
    "link", ["https://evil.example/v1/event/?page=2", "http://127.0.0.1:9/v1/event/", 7, "ftp:"]
)
def test_a_next_page_elsewhere_is_not_asked_for(home, server, link):
    server.put(1)
    server.next_is = link
    if link == 7:
        server.next_is = ""
        server.wrong[1] = b'{"meta": {"count": 1, "next": 7}, "data": []}'
    with server.running() as address, pytest.raises(SourceError, match=r"another host|cannot be followed"):
        pull(asked(home, address))
    assert len(server.asked) == 1


def test_a_next_page_that_is_the_same_one_is_the_end_and_everything_is_asked_for_once_more(home, server, tmp_path):
    server.cap, server.next_is = 2, "{self}"
    for number in range(5):
        server.put(number)
    with server.running() as address:
        first = pull(asked(home, address))
        found = read(first, declared(), tmp_path)
        server.next_is = ""
        second = pull(asked(home, address, day=date(2026, 1, 21), since=date(2026, 1, 19)))
    assert "5 items by its own count, and 2 came" in found.incomplete["events"]
    assert [one.rule for one in found.findings] == ["incomplete"]
    assert "last_modified_since" not in server.asked[-1]
    assert len(rows_of(second, tmp_path)) == 5


def test_a_list_in_which_an_event_stands_for_another_is_not_whole(home, server, tmp_path):
    server.put(1)
    twice = json.dumps({"meta": {"count": 2, "next": None}, "data": [event(1), event(1)]})
    server.wrong[1] = twice.encode()
    with server.running() as address:
        found = read(pull(asked(home, address)), declared(), tmp_path)
        pull(asked(home, address, day=date(2026, 1, 21), since=date(2026, 1, 19)))
    assert found.incomplete == {"events": "1 events of events-1 came twice, so others are missing."}
    assert "last_modified_since" not in server.asked[-1]


# --- changes -----------------------------------------------------------------------------------------


def test_only_changes_are_asked_for_unless_it_is_asked_otherwise(home, server):
    server.put(1)
    with server.running() as address:
        pull(asked(home, address))
        with pytest.raises(NothingThereError):
            pull(asked(home, address, day=date(2026, 1, 21), since=date(2026, 1, 19)))
        pull(asked(home, address, {"text": "club"}, day=date(2026, 1, 21), since=date(2026, 1, 19)))
    assert [one.get("last_modified_since") for one in server.asked] == [None, "2026-01-19", None]


def test_what_was_deleted_ends_what_was_cancelled_says_so_and_what_is_no_longer_found_stays(home, server):
    settings = Settings(home, str(home.portal))
    declarations = Declarations.read()
    own = Declarations({**declarations.sources, "linked_events": declared()}, declarations.datasets)
    for number in range(1, 5):
        server.put(number)

    def run(day: date, address: str) -> str:
        with Direct() as runner:
            request = RunRequest(day, {"linked_events": address}, ("innovators-club",), publish=False)
            return night(Run(settings, request, runner, declarations=own)).sources[0].state

    with server.running() as address:
        assert run(DAY, address) == "loaded"
        later = {"last_modified_time": "2026-01-21T09:00:00Z"}
        # of what was deleted little may be left, but for the text by which it is found
        server.put(1, **later, deleted=True, name=None, start_time=None, description={"fi": "klubi"})
        server.put(2, **later, event_status="EventCancelled")
        server.put(3, **later, name={"en": "Another name"})  # no query finds it now
        assert run(date(2026, 1, 22), address) == "loaded"
    assert server.asked[-1]["last_modified_since"] == "2026-01-19"
    with reader(home) as connection:
        standing = connection.execute(
            "SELECT event_id, event_status_code FROM history.linked_events__events"
            " WHERE _valid_to IS NULL ORDER BY ALL"
        ).fetchall()
    assert standing == [("test:2", "cancelled"), ("test:3", "scheduled"), ("test:4", "scheduled")]


# --- an event ----------------------------------------------------------------------------------------


def test_languages_that_are_missing_or_null_are_empty_and_markup_is_taken_out():
    row = row_of(
        name={"fi": "Klubi", "sv": None},
        short_description=None,
        description={
            "en": "<p>One &amp; two</p><p>th<b>re</b>e<br>four</p><script>steal()</script><!-- not seen -->",
            "fi": "5 < 6\u202e ja 7 > 2\ud800",
            "sv": "<img src=x onerror=alert(1)>",
            "ru": "нет",
        },
        info_url={"sv": "https://example.org/sv"},
    )
    assert (row["event_name_fi"], row["event_name_sv"], row["event_name_en"]) == ("Klubi", None, None)
    assert row["description_en"] == "One & two three four"
    assert row["description_fi"] == "5 < 6 ja 7 > 2"
    assert row["description_sv"] is None
    assert row["info_url"] == "https://example.org/sv"


@pytest.mark.parametrize(
    ("start", "end", "days"),
    [
        ("2026-02-10T21:59:00Z", "2026-02-10T22:01:00Z", (date(2026, 2, 10), date(2026, 2, 11))),
        ("2026-07-09T21:00:00Z", "2026-07-10T21:00:00Z", (date(2026, 7, 10), date(2026, 7, 10))),  # a whole day
        ("2026-03-29T00:59:00Z", "2026-03-29T21:00:00Z", (date(2026, 3, 29), date(2026, 3, 29))),  # 23 hours
        ("2026-02-10T18:00:00+02:00", None, (date(2026, 2, 10), None)),
        (None, "2026-02-10T22:00:00Z", (None, date(2026, 2, 11))),
        ("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59Z", (None, None)),
    ],
)
def test_a_day_is_that_of_helsinki(start, end, days):
    row = row_of(start_time=start, end_time=end)
    assert (row["start_date"], row["end_date"]) == days


def test_a_time_is_kept_in_utc_and_one_without_a_zone_is_none():
    records = Records(declared().table("events"))
    given = {
        "start_time": "2026-02-10T18:00:00",
        "end_time": "soon",
        "last_modified_time": 7,
        "event_status": "Eh",
    }
    records.add(event(1, **given), "events-1-00001.json", 3)
    (row,) = records.rows()
    assert [row[name] for name in ("start_time", "end_time", "last_modified_time", "event_status_code")] == [
        None
    ] * 4
    assert {(one.column_name, one.value, one.row_number) for one in records.findings} == {
        ("start_time", "2026-02-10T18:00:00", 3),
        ("end_time", "soon", 3),
        ("last_modified_time", "7", 3),
        ("event_status_code", "Eh", 3),
    }
    assert row_of(start_time="2026-02-10T18:00:00+02:00")["start_time"] == datetime(2026, 2, 10, 16)


def test_a_place_is_read_where_it_was_included_and_known_by_its_address_where_not():
    kalasatama = "ocd-division/country:fi/kunta:helsinki/osa-alue:sompasaari"
    place = {
        "id": "tprek:1",
        "name": {"fi": "Koulu"},
        "position": {"type": "Point", "coordinates": [24.98, 60.18]},
        "divisions": [{"ocd_id": None}, {"ocd_id": kalasatama}, "what?"],
        "postal_code": "00540",
        "email": "anna@example.org",
        "telephone": {"fi": "040 123 4567"},
    }
    row = row_of(
        location=place, keywords=[{"id": "yso:1", "name": {"en": "a;b"}}, {"@id": "https://x/keyword/yso:2/"}]
    )
    assert (row["place_id"], row["place_name_fi"], row["district_code"]) == ("tprek:1", "Koulu", "kalasatama")
    assert (row["longitude"], row["latitude"]) == (24.98, 60.18)
    assert (row["keyword_ids"], row["keyword_labels"]) == ("yso:1;yso:2", "a,b")
    assert "example.org" not in json.dumps([v for k, v in row.items() if k != "source_url"], default=str)
    assert row_of(location={"@id": "https://x/v1/place/tprek:9/"})["place_id"] == "tprek:9"
    series = row_of(super_event={"@id": "https://x/v1/event/test:7/"}, super_event_type="recurring")
    assert (series["super_event_id"], series["super_event_type_code"]) == ("test:7", "recurring")


@pytest.mark.parametrize(
    "position",
    [
        {"type": "Point", "coordinates": [24.9]},
        {"type": "Point", "coordinates": ["NaN", 60]},
        {"type": "Point", "coordinates": None},
        {"type": "Polygon", "coordinates": [[1, 2], [3, 4]]},
        {"type": "Point", "coordinates": "24"},
        {"type": "Point", "coordinates": [True, False]},
        "24.9,60.1",
        [24.9, 60.1],
    ],
)
def test_a_position_that_is_no_point_is_told_and_left_empty(position):
    records = Records(declared().table("events"))
    records.add(event(1, location={"id": "x:1", "position": position}), "events-1-00001.json", 1)
    assert (records.rows()[0]["longitude"], records.rows()[0]["latitude"]) == (None, None)
    assert [one.column_name for one in records.findings] == ["longitude"]


@pytest.mark.parametrize("item", [None, 7, [], {}, {"id": None}, {"id": " "}, {"id": 5, "name": {"fi": "Anna"}}])
def test_what_says_no_id_is_put_aside_untold(item):
    records = Records(declared().table("events"))
    records.add(item, "events-1-00001.json", 1)
    assert records.rows() == []
    assert [one.record for one in records.quarantined] == [WITHHELD]
    assert [one.rule for one in records.findings] == ["required"]


# --- what is kept in files ---------------------------------------------------------------------------


def test_answers_that_were_kept_are_read_from_a_folder(home, tmp_path):
    sample = sources.samples()["linked_events"]
    snapshot = pull(asked(home, str(sample)))
    rows = rows_of(snapshot, tmp_path)
    assert len(rows) == 10
    assert [row["event_id"] for row in rows if row["is_deleted"]] == ["example:club-deleted"]
    assert pull(asked(home, str(sample), day=date(2026, 1, 21))) == snapshot
    assert pull(asked(home, sample.absolute().as_uri(), day=date(2026, 1, 22))) == snapshot
    (tmp_path / "empty").mkdir()
    with pytest.raises(SourceError, match=r"holds no \.json file"):
        pull(asked(home, str(tmp_path / "empty")))


@needs_real
def test_a_real_page_is_read_whole(home, tmp_path):
    """A page of Turku's interface, which is the same program; only its first event was kept of it."""
    found = read(pull(asked(home, str(REAL / "turku_linkedevents_event_page.json"))), declared(), tmp_path)
    (row,) = found.tables["events"].to_pylist()
    assert (row["event_id"], row["super_event_id"]) == ("turku:991417", "turku:991415")
    assert (row["start_date"], row["event_status_code"]) == (date(2022, 6, 14), "rescheduled")
    assert "641 items by its own count, and 1 came" in found.incomplete["events"]
    assert [one.rule for one in found.findings] == ["incomplete"]


@needs_real
def test_every_real_place_of_helsinki_has_a_point_and_its_divisions(home, tmp_path):
    places = json.loads((REAL / "linkedevents_places_helsinki.json").read_text(encoding="utf-8"))
    page = {"meta": {"count": len(places), "next": None}}
    page["data"] = [event(number, location=place) for number, place in enumerate(places)]
    (tmp_path / "page.json").write_text(json.dumps(page), encoding="utf-8")
    rows = rows_of(pull(asked(home, str(tmp_path / "page.json"))), tmp_path)
    assert len(rows) == len(places) == 189
    assert all(19 < row["longitude"] < 32 and 59 < row["latitude"] < 71 for row in rows)
    assert sum(row["district_code"] == "kalasatama" for row in rows) == 4
    assert all(row["place_name_fi"] and row["division_ids"] for row in rows)
