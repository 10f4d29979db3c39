"""A dataset's pages in a real browser: rows that a script adds, lines to copy, paper, what axe finds."""

from __future__ import annotations

import datetime as dt
import functools
import http.server
import io
import shutil
import subprocess
import threading
import urllib.request

import duckdb
import fsspec
import pandas as pd
import pytest
from playwright.sync_api import expect

from publish.portals.folder import FolderPortal
from publish.portals.folder.pages import Site
from tests.publish import places
from warehouse.home import Home
from warehouse.progress import silent

ENTRY = {
    "fields": [
        *places.ENTRY["fields"],
        {"name": "longitude", "title": "Longitude", "type": "number"},
        {"name": "latitude", "title": "Latitude", "type": "number"},
    ],
    "formats": ["geojson"],
    "show": {
        "headline": {"title": "places", "sql": "SELECT count(*) AS value, count(*) AS shown FROM rows"},
        "charts": [
            {
                "title": "Places by theme",
                "sql": "SELECT theme_code AS x, count(*) AS y, count(*) AS shown FROM rows GROUP BY 1 ORDER BY 1",
                "x_codes": "theme_code",
            },
            {
                "title": "Open and closed",
                "kind": "lines",
                "sql": "SELECT 2000 + number % 7 AS x, count(*) AS y, is_open::VARCHAR AS series,"
                " count(*) AS shown FROM rows GROUP BY ALL ORDER BY ALL",
            },
            {
                "title": "By theme and whether open",
                "sql": "SELECT theme_code AS x, count(*) AS y, is_open::VARCHAR AS series, count(*) AS shown"
                " FROM rows WHERE theme_code <> '' GROUP BY ALL ORDER BY ALL",
            },
            {
                "title": "By year",
                "sql": "SELECT (2000 + number % 7)::INTEGER AS x, count(*) AS y, count(*) AS shown"
                " FROM rows GROUP BY ALL ORDER BY 1",
            },
        ],
        "map": {"label": "name", "colour": "theme_code"},
        "columns": ["name", "area_m2"],
        "newest_by": "opened_date",
    },
}


def rows(count):
    return [(*row, 24.97 + row[1] % 5 * 0.003, 60.185 + row[1] % 3 * 0.002) for row in places.rows(count)]


@pytest.fixture(scope="module")
def portal(tmp_path_factory):
    folder = tmp_path_factory.mktemp("dataset-pages")
    home, dataset = Home(folder / "home"), places.declaration(**ENTRY)
    first = places.release(home, rows(140), dataset=dataset)
    second = places.release(home, rows(150), [first], day=dt.date(2026, 3, 1), dataset=dataset)
    problems = {}
    wanted = places.wanted(home, first, second, dataset=dataset)
    FolderPortal(folder / "portal", Site()).apply([wanted], silent, problems.__setitem__)
    assert not problems
    return folder / "portal"


@pytest.fixture(scope="module")
def served(portal):
    """The portal's address while it is served."""
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(portal))
    handler.log_message = lambda *_: None
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@pytest.fixture(scope="module")
def chromium():
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if not found:
        pytest.skip("no Chromium on this machine")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture
def opened(chromium):
    """Opens an address; fails if anything is said on the console."""
    said, contexts = [], []

    def go(address, width=1280, **more):
        context = chromium.new_context(viewport={"width": width, "height": 900}, **more)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.goto(address)
        return page

    yield go
    for context in contexts:
        context.close()
    assert not said


@pytest.mark.parametrize("is_small", [False, True])
def test_axe_finds_nothing_and_nothing_is_cut_off(opened, served, is_small):
    """On a wide screen in the light, on a telephone in the dark."""
    from axe_playwright_python.sync_playwright import Axe

    width, look = (390, "dark") if is_small else (1280, "light")
    places = ["index.html", "changes/index.html"]
    places += [] if is_small else ["versions/index.html", "versions/2026-02-01/index.html"]
    for place in places:
        page = opened(f"{served}datasets/places/{place}", width, color_scheme=look)
        if place == "index.html":
            page.eval_on_selector_all("details", "all => all.forEach((one) => { one.open = true; })")
        found = Axe().run(page).response["violations"]
        assert not [(one["id"], [node["html"][:120] for node in one["nodes"]]) for one in found], place
        assert page.evaluate("document.documentElement.scrollWidth") <= width, place


@pytest.mark.parametrize("how", ["from disk", "served"])
def test_rows_are_loaded_searched_filtered_and_sorted(opened, portal, served, how):
    address = f"{served}datasets/places/" if how == "served" else (portal / "datasets/places/index.html").as_uri()
    page = opened(address)
    body = page.locator("#preview-table tbody tr")
    assert body.count() == 20
    page.click("#preview-load")
    expect(body).to_have_count(100)
    page.click("#preview-more button")
    expect(body).to_have_count(150)
    assert "150 of 150" in page.inner_text(".preview-tools .status")
    page.select_option("#preview-column", label="Theme")
    page.select_option("#preview-value", "unknown")
    assert body.count() == 50
    page.select_option("#preview-value", "")
    page.fill("#preview-search", "climate P03")
    expect(body).not_to_have_count(50)
    assert body.count() < 20
    page.fill("#preview-search", "")
    page.click("#preview-table thead button:text-is('Area')")
    areas = page.locator("#preview-table tbody td[data-of=Area]").all_inner_texts()
    known = [float(text.replace(",", "")) for text in areas if text != "unknown"]
    assert known == sorted(known)
    assert page.get_attribute("#preview-table thead th[aria-sort]", "aria-sort") == "ascending"


def test_the_same_value_reads_the_same_from_the_page_and_from_its_script(opened, portal):
    for place in ("index.html", "fi/index.html"):
        page = opened((portal / "datasets/places" / place).as_uri())
        cells = "all => all.slice(0, 20).map((row) => [...row.cells].map((cell) => cell.textContent.trim()))"
        before = page.eval_on_selector_all("#preview-table tbody tr", cells)
        page.click("#preview-load")
        expect(page.locator("#preview-table tbody tr")).to_have_count(100)
        assert page.eval_on_selector_all("#preview-table tbody tr", cells) == before


def test_a_day_leads_to_its_version(opened, portal):
    page = opened((portal / "datasets/places/index.html").as_uri())
    page.fill("#as-of", "2026-02-20")
    page.click("form.as-of a")
    assert page.url.endswith("versions/2026-02-01/index.html")


def test_without_scripts_the_page_says_everything(opened, portal):
    page = opened((portal / "datasets/places/index.html").as_uri(), java_script_enabled=False)
    assert not page.locator("#preview-tools").is_visible()
    assert page.locator("#preview-table tbody tr").count() == 20
    assert page.locator(".copy").count() == 0


def test_on_paper_no_column_is_cut_off(opened, portal):
    page = opened((portal / "datasets/places/index.html").as_uri(), 720)
    page.emulate_media(media="print")
    assert page.evaluate("document.documentElement.scrollWidth") <= 720
    cut = "all => all.filter((one) => one.scrollWidth > one.clientWidth + 1).length"
    assert page.eval_on_selector_all(".scroll, .rows td", cut) == 0


def test_an_id_in_the_preview_stays_in_its_column(opened, served):
    page = opened(f"{served}datasets/places/")
    cell = page.locator("#preview-table tbody th .row-key").first
    cell.evaluate("one => { one.textContent = 'communicity-2-announcements-to-text'; }")
    lies = "one => one.scrollWidth <= one.clientWidth && one.parentElement.clientWidth >= one.clientWidth"
    assert cell.evaluate(lies)
    assert (
        cell.evaluate("one => one.getBoundingClientRect().height / 24") < 4
    )  # at its hyphens: two or three lines


def lines(page, language_of):
    """The lines to copy as the page shows them once it knows where it is served, by tool."""
    found = {}
    for details in page.locator("details.opening").all():
        tool = details.locator("summary").text_content()
        if language_of(tool):
            found[tool] = details.locator("code").text_content()
    return found


class Web(fsspec.AbstractFileSystem):
    """What stands at an address, read whole."""

    protocol = "http"

    def _open(self, path, mode="rb", **_):
        with urllib.request.urlopen(self.unstrip_protocol(path)) as answer:
            return io.BytesIO(answer.read())

    def info(self, path, **_):
        return {"name": path, "size": len(self.open(path).read()), "type": "file"}

    def modified(self, path):
        return dt.datetime(2026, 1, 1)


def from_the_web():
    """A DuckDB that reads addresses: by its extension where this machine has it, else by us."""
    connection = duckdb.connect(config={"autoinstall_known_extensions": "false"})
    try:
        connection.execute("LOAD httpfs")
    except duckdb.Error:
        connection.register_filesystem(Web())
    return connection


def test_the_lines_to_copy_open_the_files_where_they_are_served(opened, portal, served, tmp_path, monkeypatch):
    page = opened(f"{served}datasets/places/")
    monkeypatch.chdir(tmp_path)
    expected = duckdb.sql(f"FROM '{portal}/datasets/places/places.parquet' ORDER BY code, number").fetchall()
    for tool, code in lines(page, lambda tool: tool.startswith("pandas")).items():
        scope = {}
        exec(code, scope)  # noqa: S102 - our own line
        assert f"{served}datasets/places/" in code
        frame = scope["data"]
        assert len(frame) == len(expected), tool
        assert list(frame["number"]) == [row[1] for row in expected]
    for tool, code in lines(page, lambda tool: tool.startswith("curl")).items():
        if shutil.which("curl"):
            subprocess.run(["bash", "-c", code], check=True, cwd=tmp_path)
            name = f"places.{tool.split(', ')[1].lower()}"
            assert (tmp_path / name).read_bytes() == (portal / "datasets/places" / name).read_bytes()
    for tool, code in lines(page, lambda tool: tool.startswith("DuckDB")).items():
        assert f"{served}datasets/places/" in code
        assert len(from_the_web().sql(code).fetchall()) == len(expected), tool
    assert pd.api.types.is_string_dtype(pd.read_csv(tmp_path / "places.csv", dtype={"code": "string"})["code"])


@pytest.mark.skipif(not shutil.which("Rscript"), reason="no R on this machine")
def test_the_lines_for_r_run(opened, served, tmp_path):
    page = opened(f"{served}datasets/places/")
    for tool, code in lines(page, lambda tool: tool.startswith("R, ")).items():
        subprocess.run(["Rscript", "-e", f"{code}; stopifnot(nrow(data) == 150)"], check=True, cwd=tmp_path)
        assert tool
