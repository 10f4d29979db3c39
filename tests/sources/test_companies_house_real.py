"""The register as its publisher gave it: the page, a zip, a sample; and the register we make up in its image."""

from __future__ import annotations

import functools
import hashlib
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import duckdb
import pytest

import sources
from dev.synthetic_register import HEADER, file_name, lines, write_csv, write_register
from sources import PullRequest, SourceError, declarations
from sources.companies_house import page, pull, read
from sources.loading import stage
from warehouse.archive import Archive
from warehouse.declarations import SourceDeclaration
from warehouse.home import Home

REAL = Path(__file__).parents[3] / "shared" / "data" / "companies_house"
SAMPLE = Path(sources.__file__).parent / "companies_house" / "sample" / "BasicCompanyDataAsOneFile-2026-10-01.zip"
needs_real = pytest.mark.skipif(not REAL.is_dir(), reason="the real files are not here")


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


@pytest.fixture(scope="module")
def declaration() -> SourceDeclaration:
    return declarations()["companies_house"]


def request(home: Home, declaration: SourceDeclaration, origin: object, day: str = "2026-10-09") -> PullRequest:
    return PullRequest(home, declaration, str(origin), date.fromisoformat(day))


def staged_rows(path: Path, sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(path), read_only=True) as connection:
        return connection.execute(sql).fetchall()


FORM = declarations()["companies_house"].file_names or ""


def newest_set(text: str, day: date) -> list[str]:
    return page.newest_set(text, "page", day, FORM)


# --- real files ----------------------------------------------------------------------------------------


@needs_real
def test_the_real_zip_loads_whole(home: Home, declaration: SourceDeclaration) -> None:
    snapshot = pull(request(home, declaration, REAL / "CompaniesHouseTestData.zip"))
    assert snapshot.date == date(2026, 10, 9)
    staged = stage(declaration, snapshot, home, read)
    assert staged.rows == {"companies": 87}
    assert staged_rows(staged.path, "FROM findings") == []
    assert staged_rows(staged.path, "SELECT count(DISTINCT company_number) FROM staged.companies") == [(87,)]


@needs_real
def test_the_real_sample_loads_whole(home: Home, declaration: SourceDeclaration) -> None:
    snapshot = pull(request(home, declaration, REAL / "BasicCompanyDataAsOneFile-2020-05-01_sample.csv"))
    assert snapshot.date == date(2020, 5, 1)
    staged = stage(declaration, snapshot, home, read)
    assert staged.rows == {"companies": 4537}
    # GLOBAÏA FOUNDATION stands there as "GLOBAÃ", U+008F, "A FOUNDATION": encoded twice by the register itself
    said = staged_rows(staged.path, "SELECT rule, severity, column_name, row_number FROM findings")
    assert said == [("hidden-characters", "warning", "company_name", 1990)]
    found = staged_rows(
        staged.path,
        "SELECT count(dissolution_date), count(*) FILTER (accounts_ref_day IS NULL), count(incorporation_date),"
        " count(*) FILTER (sic_text_1 = 'None Supplied'), max(_row),"
        " count(*) FILTER (previous_name_1 <> trim(previous_name_1)) FROM staged.companies",
    )
    assert found == [(0, 96, 4537, 174, 4538, 0)]
    pattern = declaration.table("companies").field("company_number").constraints.pattern
    odd = f"SELECT company_number FROM staged.companies WHERE NOT regexp_full_match(company_number, '{pattern}')"
    assert staged_rows(staged.path, odd) == []


@needs_real
def test_the_real_page_names_its_newest_set() -> None:
    text = (REAL / "CompaniesHomePage.html").read_text(encoding="utf-8")
    assert newest_set(text, date(2020, 6, 30)) == ["BasicCompanyDataAsOneFile-2020-06-01.zip"]
    with pytest.raises(SourceError, match="no complete set for 2020-05-31"):
        newest_set(text, date(2020, 5, 31))
    without = "".join(row for row in text.splitlines(keepends=True) if "AsOneFile" not in row)
    assert newest_set(without, date(2020, 6, 30)) == [
        f"BasicCompanyData-2020-06-01-part{number}_6.zip" for number in range(1, 7)
    ]


@contextmanager
def served(folder: Path) -> Iterator[str]:
    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


@needs_real
def test_the_real_page_leads_to_its_files_over_http(
    home: Home, declaration: SourceDeclaration, tmp_path: Path
) -> None:
    site = tmp_path / "site"
    (site / "sub").mkdir(parents=True)
    day = date(2020, 6, 1)
    write_register(site / "sub", rows=50, day=day, zipped=True)
    (site / "sub" / "en_output.html").write_bytes((REAL / "CompaniesHomePage.html").read_bytes())
    with served(site) as base:
        origin = f"{base}/sub/en_output.html"
        first = pull(request(home, declaration, origin))
        assert pull(request(home, declaration, origin, "2026-10-10")) == first
    assert first.date == day
    assert [file.name for file in first.files] == ["BasicCompanyDataAsOneFile-2020-06-01.zip"]
    assert stage(declaration, first, home, read).rows == {"companies": 50}


# --- pages and folders ---------------------------------------------------------------------------------


def links(*names: str) -> str:
    return (
        "<html><body>" + "".join(f'<li><a href="{name}">{name}  (66Mb)</a>' for name in names) + "</body></html>"
    )


def test_a_page_without_a_complete_set_is_said_to_have_none() -> None:
    with pytest.raises(SourceError, match="links no file with a name of the form BasicCompanyData"):
        newest_set(links("other.zip", "en_pscdata.html"), date.max)
    parts = [f"BasicCompanyData-2026-10-01-part{number}_7.zip" for number in (1, 2, 3, 5, 6, 7)]
    with pytest.raises(SourceError, match="some are missing"):
        newest_set(links(*parts), date.max)
    older = [f"BasicCompanyData-2026-09-01-part{number}_2.zip" for number in (1, 2)]
    assert newest_set(links(*parts, *older), date.max) == older


def test_links_are_resolved_and_stay_on_the_web() -> None:
    text = links("BasicCompanyDataAsOneFile-2026-10-01.zip")
    (item,) = page.items(text, "http://me:pw@x.example/a/page.html", "https://y.example/b/", date.max, FORM)
    assert item.location == "https://y.example/b/BasicCompanyDataAsOneFile-2026-10-01.zip"
    (item,) = page.items(
        text, "http://me:pw@x.example/a/page.html", "http://x.example/a/page.html", date.max, FORM
    )
    assert item.location == "http://me:pw@x.example/a/BasicCompanyDataAsOneFile-2026-10-01.zip"
    assert item.name == "BasicCompanyDataAsOneFile-2026-10-01.zip"
    with pytest.raises(SourceError, match="no web address"):
        page.items(links("file:///etc/BasicCompanyData-2026-10-01.zip"), "http://x/", "http://x/", date.max, FORM)


def test_a_saved_page_takes_the_files_beside_it(
    home: Home, declaration: SourceDeclaration, tmp_path: Path
) -> None:
    saved = tmp_path / "page.html"
    saved.write_text(links("BasicCompanyDataAsOneFile-2026-10-01.zip"))
    with pytest.raises(SourceError, match="does not lie beside it"):
        pull(request(home, declaration, saved))
    write_register(tmp_path, rows=5, day=date(2026, 10, 1), zipped=True)
    assert pull(request(home, declaration, saved)).date == date(2026, 10, 1)


def test_a_folder_gives_its_newest_set_and_says_what_is_missing(
    home: Home, declaration: SourceDeclaration, tmp_path: Path
) -> None:
    folder = tmp_path / "in"
    write_register(folder, rows=5, day=date(2026, 8, 1), zipped=True)
    write_register(folder, rows=5, day=date(2026, 9, 1), parts=2, zipped=True)
    *some, last = write_register(folder, rows=9, day=date(2026, 10, 1), parts=3, zipped=True)
    held_back = last.rename(tmp_path / last.name)
    assert len(pull(request(home, declaration, folder, "2026-09-30")).files) == 2
    assert pull(request(home, declaration, folder, "2026-08-31")).date == date(2026, 8, 1)
    part_of_it = pull(request(home, declaration, folder))
    assert [file.name for file in part_of_it.files] == [path.name for path in some]
    assert read(part_of_it, declaration, tmp_path / "one").incomplete == {"companies": "Of 3 parts 3 is missing."}
    held_back.rename(last)
    whole = pull(request(home, declaration, folder))
    assert (whole.date, len(whole.files)) == (date(2026, 10, 1), 3)
    assert read(whole, declaration, tmp_path / "two").incomplete == {}


@pytest.mark.parametrize(
    ("name", "content"),
    [("a.zip", b"<html>Sorry</html>"), ("a.csv", b" <!DOCTYPE html>"), ("b.zip", b"PK\x03\x04xx")],
)
def test_an_apology_does_not_enter_the_archive(
    home: Home, declaration: SourceDeclaration, tmp_path: Path, name: str, content: bytes
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(SourceError, match=name):
        pull(request(home, declaration, tmp_path / name))
    assert Archive(home, "companies_house").snapshots() == []


# --- the register we make up ---------------------------------------------------------------------------


def register(rows: int, day: str, seed: int = 1) -> dict[bytes, bytes]:
    """The lines of a made-up month by company number."""
    content = b"".join(bytes(found) for _, found in lines(rows, date.fromisoformat(day), seed))
    rows_found = content.split(b"\r\n")
    assert rows_found.pop() == b""
    return {row.split(b'","')[1]: row for row in rows_found}


def test_the_made_up_register_is_the_same_everywhere(tmp_path: Path) -> None:
    with (tmp_path / "a.csv").open("wb") as file:
        write_csv(file, 2000, date(2026, 1, 1), 7)
    digest = hashlib.sha256((tmp_path / "a.csv").read_bytes()).hexdigest()
    assert digest == "f843e1307ed1f0f63f4e0d0d04aa4deadd3bbcef4c380018ef680b601e913ca3"


def test_the_sample_is_what_the_generator_makes(tmp_path: Path) -> None:
    assert SAMPLE.stat().st_size < 150_000
    (made,) = write_register(tmp_path, rows=1500, day=date(2026, 10, 1), seed=1, zipped=True)
    with zipfile.ZipFile(SAMPLE) as kept, zipfile.ZipFile(made) as new:  # zlib's own bytes differ by its version
        assert kept.namelist() == new.namelist() == [f"{file_name(date(2026, 10, 1))}.csv"]
        assert kept.read(kept.namelist()[0]) == new.read(new.namelist()[0])


def test_the_sample_loads_clean(home: Home, declaration: SourceDeclaration) -> None:
    staged = stage(declaration, pull(request(home, declaration, SAMPLE)), home, read)
    assert staged.rows == {"companies": 1500}
    assert staged_rows(staged.path, "FROM findings") == []
    ((districts, smart, formulas, care_of),) = staged_rows(
        staged.path,
        "SELECT count(*) FILTER (regexp_matches(postcode, '^(EC1V|EC2A|E1|E2|E8|E15|E20|N1) ')),"
        " count(*) FILTER (regexp_matches(company_name, '\\bAI\\b')),"
        " count(*) FILTER (company_name[1] IN ('=', '+', '-', '@')), count(care_of) FROM staged.companies",
    )
    assert districts > 150
    assert smart > 5
    assert formulas > 0
    assert care_of > 0


def test_months_of_the_made_up_register_belong_together() -> None:
    january, february, december = (register(5000, day) for day in ("2026-01-01", "2026-02-01", "2026-12-01"))
    assert len(january) == len(february) == len(december) == 5000
    assert len(january.keys() - february.keys()) == len(february.keys() - january.keys()) == 20
    assert len(january.keys() - december.keys()) == 220
    changed = [number for number in january.keys() & february.keys() if january[number] != february[number]]
    assert 50 < len(changed) < 2500
    assert register(5000, "2026-01-01") == january
    assert register(5000, "2026-01-01", seed=2) != january


def test_the_made_up_register_has_the_dialect(tmp_path: Path) -> None:
    paths = write_register(tmp_path, rows=10, day=date(2026, 1, 1), parts=3)
    assert [path.name for path in paths] == [f"BasicCompanyData-2026-01-01-part{n}_3.csv" for n in (1, 2, 3)]
    rows = []
    for path in paths:
        header, *found, last = path.read_bytes().decode("utf-8").split("\r\n")
        assert (header, last) == (HEADER, "")
        rows += found
    assert len(rows) == 10
    assert all(row.startswith('"') and row.endswith('"') and row.count('","') == 54 for row in rows)
    with pytest.raises(ValueError, match="needs a date from"):
        list(lines(1, date(2014, 12, 1), 1))


@pytest.mark.parametrize(
    "text",
    [
        "<![x" + links("BasicCompanyDataAsOneFile-2026-10-01.zip"),
        '<base href="http://[">' + links("BasicCompanyDataAsOneFile-2026-10-01.zip"),
        links("http://[/BasicCompanyDataAsOneFile-2026-10-01.zip"),
        "",
        "\0" * 1000,
    ],
)
def test_a_page_of_any_kind_is_one_sentence(text: str) -> None:
    with pytest.raises(SourceError, match="page"):
        newest_set(text, date.max)
