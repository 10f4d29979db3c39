"""The change ladder: what is read, what is kept, and what is never told to anyone."""

from __future__ import annotations

import logging
import os
import threading
from datetime import date
from functools import partial
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from sources import PullRequest, SourceError, http, local_files
from sources.http import DownloadLimits, fetch
from sources.local_files import dated_files, local_items, newest_files
from sources.naming import Item, date_in, file_sets, missing_parts, name_in, part_in
from sources.pulling import bring
from tests.web_server import Answer, Drip, give, raw, served
from warehouse.addresses import without_credentials
from warehouse.archive import Archive
from warehouse.declarations import SourceDeclaration, parse
from warehouse.home import Home

DECLARATION = parse(
    SourceDeclaration,
    {
        "name": "things",
        "title": "Things",
        "publisher": {"name": "nobody", "title": "Nobody"},
        "licence": "CC0-1.0",
        "attribution": "Nobody",
        "cadence": "irregular",
        "tables": [
            {
                "name": "things",
                "title": "Things",
                "each_row_is_a": "thing",
                "primaryKey": ["id"],
                "fields": [{"name": "id", "title": "Id"}],
            }
        ],
    },
    "test",
)


@pytest.fixture(autouse=True)
def _without_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "sleep", lambda seconds: None)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


def request(home: Home, day: str = "2026-03-01") -> PullRequest:
    return PullRequest(home, DECLARATION, None, date.fromisoformat(day))


def item(path: Path) -> Item:
    return Item(str(path), path.name)


# --- names ---------------------------------------------------------------------------------------------


def test_dates_and_parts_in_names() -> None:
    assert date_in("BasicCompanyData-2020-06-01-part1_6.zip") == date(2020, 6, 1)
    assert date_in("2020-13-45-and-2021-01-02.csv") == date(2021, 1, 2)
    assert date_in("pilots.xlsx") is None
    assert date_in("12020-01-011.csv") is None
    assert part_in("BasicCompanyData-2020-06-01-part10_12.zip") == (10, 12)
    assert part_in("psc-2026-01-01.zip") is None


def test_one_file_is_preferred_to_parts_and_all_parts_to_some() -> None:
    names = [f"d-2024-01-01-part{n}_3.zip" for n in (1, 2, 3)]
    some = [f"d-2024-02-01-part{n}_3.zip" for n in (1, 3)]
    names += [f"d-2024-03-01-part{n}_2.zip" for n in (1, 2)] + ["dAsOneFile-2024-03-01.zip", "undated.zip"]
    found = file_sets([*names, *some, "d-2024-05-01-part3_2.zip", "d-2024-05-01-part0_2.zip"])
    assert list(found) == [date(2024, 1, 1), date(2024, 2, 1), date(2024, 3, 1)]
    assert found[date(2024, 1, 1)] == names[:3]
    assert found[date(2024, 2, 1)] == some
    assert found[date(2024, 3, 1)] == ["dAsOneFile-2024-03-01.zip"]
    # Seven parts and an old one of six: the set of one count that is whole.
    mixed = [f"d-2024-04-01-part{n}_7.zip" for n in range(1, 8)] + ["d-2024-04-01-part1_6.zip"]
    assert file_sets(mixed)[date(2024, 4, 1)] == mixed[:7]
    ten = [f"d-2024-04-01-part{n}_10.zip" for n in range(1, 11)]
    assert file_sets(ten)[date(2024, 4, 1)] == ten


def test_the_parts_that_are_missing_are_named() -> None:
    assert missing_parts(["d-part1_3.zip", "d-part3_3.zip"]) == [2]
    assert missing_parts(["d-part2_2.zip"]) == [1]
    assert missing_parts(["d-part1_1.zip"]) == missing_parts(["d.zip"]) == missing_parts([]) == []


def test_only_files_called_as_the_source_calls_them_are_taken(tmp_path: Path) -> None:
    for name in ("a-2026-01-01.csv", "b-2026-02-01.csv", "A-2026-01-15.CSV", "a-2026-03-01.csv.bak"):
        (tmp_path / name).write_text(name)
    form = r"a-\d{4}-\d{2}-\d{2}\.csv"
    assert [day for day, _ in dated_files(tmp_path, date.min, date.max, form)] == [
        date(2026, 1, 1),
        date(2026, 1, 15),
    ]
    assert newest_files(tmp_path, date(2026, 4, 1), form) == [tmp_path / "A-2026-01-15.CSV"]
    with pytest.raises(SourceError, match="with a name of the form c"):
        newest_files(tmp_path, date(2026, 4, 1), "c.*")


def test_the_dated_files_of_a_folder(tmp_path: Path) -> None:
    for name in ("a-2026-01-01.csv", "a-2026-02-01.csv", "a-2026-03-01.csv", "a.csv", ".a-2026-02-02.csv"):
        (tmp_path / name).write_text(name)
    found = dated_files(tmp_path, date(2026, 1, 15), date(2026, 3, 1))
    assert found == [
        (date(2026, 2, 1), [tmp_path / "a-2026-02-01.csv"]),
        (date(2026, 3, 1), [tmp_path / "a-2026-03-01.csv"]),
    ]
    assert newest_files(tmp_path, date(2026, 2, 28)) == [tmp_path / "a-2026-02-01.csv"]
    with pytest.raises(SourceError, match="not a folder"):
        dated_files(tmp_path / "nowhere", date.min, date.max)


def test_an_undated_folder_gives_its_newest_file(tmp_path: Path) -> None:
    for position, name in enumerate(("b.xlsx", "a.xlsx", "~$a.xlsx", "c.part")):
        (tmp_path / name).write_text(name)
        os.utime(tmp_path / name, (position, position))
    assert local_items(str(tmp_path), date(2026, 1, 1)) == [item(tmp_path / "a.xlsx")]
    (tmp_path / "empty").mkdir()
    with pytest.raises(SourceError, match="holds no file"):
        local_items(str(tmp_path / "empty"), date(2026, 1, 1))
    with pytest.raises(SourceError, match="does not exist"):
        local_items(str(tmp_path / "nowhere.csv"), date(2026, 1, 1))


def test_names_are_plain_and_addresses_bare() -> None:
    assert name_in("https://x.example/a/b%2F..%2Fc.zip?x=1") == "c.zip"
    assert name_in("https://x.example/") == "download"
    assert name_in("https://x.example/.htaccess") == "htaccess"
    bare = without_credentials("https://me:pa%40ss@x.example:8443/f.zip?api_key=k1&page=2&access_token=t#frag")
    assert bare == "https://x.example:8443/f.zip?api_key=withheld&page=2&access_token=withheld"


# --- local files ---------------------------------------------------------------------------------------


def test_an_untouched_file_is_not_read_again(home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "in.csv"
    path.write_text("a")
    first = bring(request(home), [item(path)])
    monkeypatch.setattr(local_files, "sha256_of", None)
    monkeypatch.setattr(local_files, "copy", None)
    assert bring(request(home, "2026-03-02"), [item(path)]) == first
    assert first.date == date(2026, 3, 1)


def test_the_same_content_under_new_times_is_the_same_snapshot(home: Home, tmp_path: Path) -> None:
    path = tmp_path / "in.csv"
    path.write_text("a")
    first = bring(request(home), [item(path)])
    os.utime(path, (5, 5))
    assert bring(request(home, "2026-03-02"), [item(path)]) == first
    other = tmp_path / "elsewhere.csv"
    other.write_text("a")
    assert bring(request(home, "2026-03-03"), [item(other)]) == first
    assert len(Archive(home, "things").snapshots()) == 1


def test_a_change_and_a_change_back_make_three_snapshots(home: Home, tmp_path: Path) -> None:
    path = tmp_path / "in.csv"
    ids = []
    for day, content in (("2026-03-01", "a"), ("2026-03-02", "b"), ("2026-03-03", "a"), ("2026-03-04", "a")):
        path.write_text(content)
        ids.append(bring(request(home, day), [item(path)]).id)
    assert ids[0].startswith("2026-03-01")
    assert ids[2].startswith("2026-03-03")
    assert ids[3] == ids[2]
    assert len(set(ids)) == 3


def test_a_run_for_an_earlier_day_does_not_get_a_later_snapshot(home: Home, tmp_path: Path) -> None:
    path = tmp_path / "in.csv"
    path.write_text("a")
    bring(request(home, "2026-03-10"), [item(path)])
    assert bring(request(home, "2026-03-01"), [item(path)]).date == date(2026, 3, 1)


def test_dated_names_give_the_date_and_their_own_snapshot(home: Home, tmp_path: Path) -> None:
    january, february = tmp_path / "r-2026-01-01.csv", tmp_path / "r-2026-02-01.csv"
    for path in (january, february):
        path.write_text("the same")
    assert bring(request(home), [item(february)], is_dated=True).date == date(2026, 2, 1)
    assert bring(request(home), [item(january)], is_dated=True).date == date(2026, 1, 1)
    assert bring(request(home), [item(february)], is_dated=True).date == date(2026, 2, 1)
    assert len(Archive(home, "things").snapshots()) == 2


def test_several_files_are_one_snapshot(home: Home, tmp_path: Path) -> None:
    paths = [tmp_path / f"r-2026-01-01-part{n}_2.csv" for n in (1, 2)]
    for path in paths:
        path.write_text(path.name)
    snapshot = bring(request(home), [item(path) for path in paths], is_dated=True)
    assert [file.name for file in snapshot.files] == [path.name for path in paths]
    assert bring(request(home), [item(path) for path in paths], is_dated=True) == snapshot
    other = tmp_path / "r-2026-02-01.csv"
    other.write_text("x")
    with pytest.raises(SourceError, match="several dates"):
        bring(request(home), [item(paths[0]), item(other)], is_dated=True)


def test_a_damaged_archive_is_mended(home: Home, tmp_path: Path) -> None:
    path = tmp_path / "in.csv"
    path.write_text("content")
    first = bring(request(home), [item(path)])
    (first.folder / "in.csv").write_text("cont")
    again = bring(request(home, "2026-03-02"), [item(path)])
    assert again == first
    assert Archive(home, "things").verify(first) == []
    assert (again.folder / "in.csv").read_text() == "content"


def test_what_the_check_refuses_is_not_kept(home: Home, tmp_path: Path) -> None:
    path = tmp_path / "in.csv"
    path.write_text("<html>")

    def refuse(found: Path) -> None:
        raise SourceError(f"{found.name}: a page")

    with pytest.raises(SourceError, match="a page"):
        bring(request(home), [item(path)], check=refuse)
    assert Archive(home, "things").snapshots() == []
    assert list(home.temporary.iterdir()) == []


# --- addresses -----------------------------------------------------------------------------------------


def tagged(content: dict[str, bytes], looks: list[int], handler: BaseHTTPRequestHandler) -> None:
    tag = f'"{content["body"].decode()}"'
    status = 304 if handler.headers.get("If-None-Match") == tag else 200
    looks.append(status)
    give(handler, status, b"" if status == 304 else content["body"], ETag=tag)


def test_an_unchanged_address_is_not_fetched_again(home: Home) -> None:
    content, looks = {"body": b"one"}, []
    with served({"/in.csv": partial(tagged, content, looks)}) as base:
        address = [Item(f"{base}/in.csv", "in.csv")]
        first = bring(request(home, "2026-03-01"), address)
        assert bring(request(home, "2026-03-02"), address) == first
        content["body"] = b"two"
        second = bring(request(home, "2026-03-03"), address)
        content["body"] = b"one"
        third = bring(request(home, "2026-03-04"), address)
    assert looks == [200, 304, 200, 200]
    assert len({first.id, second.id, third.id}) == 3
    assert first.paths()[0].read_bytes() == b"one"


def test_of_several_addresses_only_the_changed_are_fetched(home: Home) -> None:
    contents = [{"body": b"one"}, {"body": b"two"}]
    looks: list[list[int]] = [[], []]
    routes = {f"/{n}.csv": partial(tagged, contents[n], looks[n]) for n in (0, 1)}
    with served(routes) as base:
        items = [Item(f"{base}/{n}.csv", f"{n}.csv") for n in (0, 1)]
        first = bring(request(home, "2026-03-01"), items)
        contents[1]["body"] = b"three"
        second = bring(request(home, "2026-03-02"), items)
    assert looks == [[200, 304], [200, 200]]
    assert [path.read_bytes() for path in second.paths()] == [b"one", b"three"]
    assert [path.read_bytes() for path in first.paths()] == [b"one", b"two"]


def test_credentials_reach_the_server_and_nothing_else(
    home: Home, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    seen = []

    def protected(handler: BaseHTTPRequestHandler) -> None:
        seen.append(handler.headers.get("Authorization"))
        give(handler, 200, b"x")

    routes: dict[str, Answer] = {"/in.csv": protected, "/gone.csv": lambda h: give(h, 404)}
    with served(routes) as base:
        secret = base.replace("://", "://someone:hunter2@")
        snapshot = bring(request(home), [Item(f"{secret}/in.csv?token=hunter3", "in.csv")])
        with pytest.raises(SourceError) as caught:
            fetch(f"{secret}/gone.csv?sig=hunter3", home.root / "x")
    assert seen == ["Basic c29tZW9uZTpodW50ZXIy"]
    everything = [
        snapshot.origin,
        str(caught.value),
        repr(caught.value.__cause__),
        caplog.text,
        *capfd.readouterr(),
    ]
    everything += [path.read_text() for path in home.raw.rglob("*.json")]
    assert "hunter" not in "".join(everything)


def test_credentials_do_not_follow_a_redirect_to_another_host(home: Home) -> None:
    seen = []

    def note(handler: BaseHTTPRequestHandler) -> None:
        seen.append(handler.headers.get("Authorization"))
        give(handler, 200, b"x")

    home.root.mkdir()
    with (
        served({"/in.csv": note}) as other,
        served({"/in.csv": lambda h: give(h, 302, Location=f"{other}/in.csv")}) as base,
    ):
        fetched = fetch(base.replace("://", "://a:b@") + "/in.csv", home.root / "x")
    assert seen == [None]
    assert fetched is not None
    assert fetched.location == f"{other}/in.csv"


@pytest.mark.parametrize(
    ("status", "is_transient"), [(404, False), (403, False), (410, False), (429, True), (503, True)]
)
def test_the_servers_answer_says_whether_to_try_again(tmp_path: Path, status: int, is_transient: bool) -> None:
    with (
        served({"/x": lambda h: give(h, status, b"no")}) as base,
        pytest.raises(SourceError, match=str(status)) as caught,
    ):
        fetch(f"{base}/x", tmp_path / "x")
    assert caught.value.is_transient is is_transient
    assert not (tmp_path / "x").exists()


def test_redirects_end_and_lead_only_to_the_web(tmp_path: Path) -> None:
    routes: dict[str, Answer] = {
        "/loop": lambda h: give(h, 302, Location="/loop"),
        "/file": lambda h: give(h, 302, Location="file:///etc/passwd"),
    }
    with served(routes) as base:
        with pytest.raises(SourceError, match="more than 5 redirects"):
            fetch(f"{base}/loop", tmp_path / "x")
        with pytest.raises(SourceError, match="only http and https"):
            fetch(f"{base}/file", tmp_path / "x")
    for address in ("ftp://x.example/a", "file:///etc/passwd", "http:///nohost"):
        with pytest.raises(SourceError, match="only http and https"):
            fetch(address, tmp_path / "x")


def test_too_much_too_slow_and_too_little(tmp_path: Path) -> None:
    def endless(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        try:
            for _ in range(10_000):
                handler.wfile.write(b"x" * 10_000)
        except OSError:
            pass

    def short(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "100")
        handler.end_headers()
        handler.wfile.write(b"x" * 10)

    def stalled(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        handler.wfile.flush()
        threading.Event().wait(1)

    routes: dict[str, Answer] = {"/endless": endless, "/short": short, "/stalled": stalled}
    routes["/large"] = lambda h: give(h, 200, b"x" * 3000)
    with served(routes) as base:
        for path in ("/endless", "/large"):
            with pytest.raises(SourceError, match="allowed"):
                fetch(base + path, tmp_path / "x", limits=DownloadLimits(max_bytes=2000))
        with pytest.raises(SourceError, match="broke off") as caught:
            fetch(f"{base}/short", tmp_path / "x")
        assert caught.value.is_transient
        with pytest.raises(SourceError, match="in time") as caught:
            fetch(f"{base}/stalled", tmp_path / "x", limits=DownloadLimits(timeout_seconds=0.2))
        assert caught.value.is_transient
    with pytest.raises(SourceError) as caught:  # nobody listens there any more
        fetch(f"{base}/endless", tmp_path / "x")
    assert caught.value.is_transient
    assert not (tmp_path / "x").exists()


OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    ("answer", "said", "is_transient"),
    [
        (OK + b"Content-Length: \xb2\r\n\r\nxx", "length is '²'", False),
        (OK + b"Content-Length: " + b"9" * 5000 + b"\r\n\r\nxx", "length is '999", False),
        (OK + b"Content-Length: -5\r\n\r\nxx", "length is '-5'", False),
        (OK + b"Content-Length: 2, 2\r\n\r\nxx", "length is '2, 2'", False),
        (CHUNKED + b"-5\r\nabc\r\n", "breaks off", True),
        (CHUNKED + b"-1\r\nabc\r\n", "breaks off", True),
        (CHUNKED + b"ZZZ\r\nabc\r\n", "breaks off", True),
        (CHUNKED + b"5\r\nabc", "again", True),
        (CHUNKED + b"1" * 70_000, "again", True),
        (b"HTTP/1.1 304 Not Modified\r\n\r\n", "304", False),
        (b"HTTP/1.1 206 Partial Content\r\nContent-Length: 2\r\n\r\nxx", "206", False),
        (b"HTTP/1.1 204 No Content\r\n\r\n", "204", False),
        (b"HTTP/1.1 abc\r\n\r\n", "again", True),
        (b"SSH-2.0-OpenSSH\r\n", "again", True),
        (b"", "again", True),
        (OK + b"".join(b"X%d: y\r\n" % number for number in range(300)) + b"\r\n", "again", True),
        (OK + b"X: " + b"y" * 100_000 + b"\r\n\r\n", "again", True),
        (OK + b"Content-Encoding: gzip\r\n\r\nxx", "compressed", False),
        (b"HTTP/1.1 302 Found\r\nLocation: http://[/x.zip\r\n\r\n", "cannot be understood", False),
        (b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:99999999/x\r\n\r\n", "not an address", False),
        (b"HTTP/1.1 302 Found\r\nLocation: http://" + b"x" * 80 + b".example/\r\n\r\n", "not an address", False),
    ],
)
def test_whatever_a_server_answers_is_one_sentence(
    home: Home, answer: bytes, said: str, is_transient: bool
) -> None:
    with served({"/in.csv": raw(answer)}) as base, pytest.raises(SourceError, match=said) as caught:
        bring(request(home), [Item(f"{base}/in.csv", "in.csv")])
    assert caught.value.is_transient is is_transient
    assert len(str(caught.value)) < 400
    assert "\n" not in str(caught.value)
    assert Archive(home, "things").snapshots() == []
    assert list(home.temporary.iterdir()) == []


@pytest.mark.parametrize(
    "address", ["http://[/x.zip", "http://h:99999999/x.zip", "https://[::1/x.zip?key=hunter2"]
)
def test_an_address_that_is_none_is_said_to_be_none(home: Home, address: str) -> None:
    with pytest.raises(SourceError, match="not an address") as caught:
        bring(request(home), [Item(address, name_in(address))])
    assert "hunter2" not in str(caught.value)


def test_a_tag_that_cannot_be_sent_back_is_not_noted(home: Home) -> None:
    tags: list[str | None] = []

    def odd(handler: BaseHTTPRequestHandler) -> None:
        tags.append(handler.headers.get("If-None-Match"))
        handler.wfile.write(OK + b'ETag: "\xff\xe9\x00\x01"\r\nConnection: close\r\n\r\nx')

    with served({"/in.csv": odd}) as base:
        first = bring(request(home), [Item(f"{base}/in.csv", "in.csv")])
        assert bring(request(home, "2026-03-02"), [Item(f"{base}/in.csv", "in.csv")]) == first
    assert tags == [None, None]


@pytest.mark.parametrize(
    "start", [b"HTTP/1.", OK + b"X: ", OK + b"\r\n", CHUNKED, CHUNKED + b"ffff\r\n"], ids=range(5)
)
def test_what_drips_is_cut_at_the_deadline(tmp_path: Path, start: bytes) -> None:
    limits = DownloadLimits(timeout_seconds=2, deadline_seconds=0.5)
    drip = Drip(start)
    with served({"/x": drip}) as base:
        with pytest.raises(SourceError, match="not whole after") as caught:
            fetch(f"{base}/x", tmp_path / "x", limits=limits)
        assert drip.was_left()
    assert caught.value.is_transient
    assert not (tmp_path / "x").exists()


def test_a_disk_that_cannot_be_written_is_not_the_servers_fault(tmp_path: Path) -> None:
    with served({"/x": lambda h: give(h, 200, b"x")}) as base:
        with pytest.raises(SourceError, match="cannot be written") as caught:
            fetch(f"{base}/x", tmp_path / "nowhere" / "x")
        assert not caught.value.is_transient
        if Path("/dev/full").exists():
            with pytest.raises(SourceError, match="No space left"):
                fetch(f"{base}/x", _full(tmp_path))


def _full(folder: Path) -> Path:
    (folder / "full").symlink_to("/dev/full")
    return folder / "full"


def test_a_file_whose_name_holds_personal_data_is_called_otherwise(home: Home, tmp_path: Path) -> None:
    path = tmp_path / "pilots matti.meikalainen@firma.fi.csv"
    path.write_text("a\n1\n")
    first = bring(request(home), [item(path)])
    assert [file.name for file in first.files] == ["name-withheld-1.csv"]
    assert first.origin == str(tmp_path / "name-withheld-1.csv")
    assert "firma" not in (first.folder / "manifest.json").read_text()
    assert bring(request(home, "2026-03-02"), [item(path)]) == first  # known by its own name the next night


def test_a_name_is_looked_at_as_it_stands_at_its_place(home: Home, tmp_path: Path) -> None:
    """A plain name lacks the signs by which an address is known."""
    path = tmp_path / "pilots matti.meikalainen@firma.fi.csv"
    path.write_text("a\n1\n")
    plain = Item(str(path), name_in(str(path)))
    assert "@" not in plain.name
    first = bring(request(home), [plain])
    assert [file.name for file in first.files] == ["name-withheld-1.csv"]
    assert "firma" not in first.origin + (first.folder / "manifest.json").read_text()
