"""The pages in a real browser: they are read, ask nobody for anything, and fit a telephone."""

import re
import shutil
import socket
import subprocess
import sys
import time
from collections import defaultdict
from contextlib import suppress
from datetime import date
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from tests import workbook_factory as factory
from tests.flows import nights

PROGRAM = "from flows.cli import main; main()"
HOSTILE = "<img src=x onerror=alert(1)><script>document.title='taken'</script>"


@pytest.fixture(scope="module")
def browser():
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if not found:
        pytest.skip("no Chromium on this machine")
    return found


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A night with a faulty workbook, and with HTML and a formula in the names of good pilots."""
    folder = tmp_path_factory.mktemp("pages")
    rows = [factory.pilot(n) for n in range(1, 9)]
    rows[0]["Pilot"] = HOSTILE
    rows[1]["Pilot"] = "@SUM(1+1)*cmd"
    rows[2]["Theme"] = HOSTILE
    workbook = factory.save(
        folder / "pilots.xlsx", {"Pilots": factory.table(rows), "Rounds": factory.table([factory.ROUND])}
    )
    outcome = nights.run(nights.settings_of(folder / "home"), date(2026, 11, 23), {"agile_pilots": workbook})
    assert outcome.exit_code == 3
    return folder / "home"


def open_page(browser, page, tmp_path, *arguments):
    done = subprocess.run(
        [
            browser, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
            "--disable-background-networking", "--disable-component-update", "--disable-sync",
            "--enable-logging=stderr", f"--user-data-dir={tmp_path}/profile", *arguments, page.as_uri(),
        ],
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    return done.stdout, [line for line in done.stderr.splitlines() if "CONSOLE" in line]


def pages(home):
    (report,) = home.glob("reports/*/index.html")
    source = report.with_name("agile_pilots.html")
    return {"report": report, "source": source}


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("report", ["Whose turn it is", "Agile pilots"]),
        ("source", ["What changed since last time", "theme"]),
    ],
)
def test_a_page_is_read_and_nothing_in_it_runs(browser, home, tmp_path, name, words):
    shown, console = open_page(browser, pages(home)[name], tmp_path, "--dump-dom")
    assert not console
    for word in words:
        assert word.lower() in shown.lower()
    assert "<script" not in shown
    assert "onerror=alert" not in shown.replace("&lt;img src=x onerror=alert(1)&gt;", "")
    assert "<title>taken" not in shown
    assert not [part for part in shown.split('src="')[1:] if part.startswith("http")]


@pytest.mark.parametrize("name", ["report", "source"])
def test_a_page_is_drawn_on_a_screen_and_on_a_telephone(browser, home, tmp_path, name):
    sizes = []
    for width in (1280, 500):
        picture = tmp_path / f"{width}.png"
        open_page(browser, pages(home)[name], tmp_path, f"--screenshot={picture}", f"--window-size={width},1600")
        sizes.append(picture.stat().st_size)
    assert min(sizes) > 20_000  # an empty page makes 5 kB


# --- the portal -----------------------------------------------------------------------------------------

KINDS = {
    "front": "index.html",
    "datasets": "datasets/index.html",
    "question": "questions/which-pilots-continued/index.html",
    "answered": "questions/selection-rate/index.html",
    "search": "search/index.html",
    "dataset": "datasets/agile-pilots/index.html",
    "fi front": "fi/index.html",
    "fi question": "fi/questions/selection-rate/index.html",
    "fi search": "fi/search/index.html",
    "fi dataset": "datasets/agile-pilots/fi/index.html",
}


class Links(HTMLParser):
    """Where a page leads, and the places in it that can be led to."""

    def __init__(self, text):
        super().__init__()
        self.links, self.ids = [], set()
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        self.links += [found[name] for name in ("href", "src", "action") if found.get(name)]
        if "id" in found:
            assert found["id"] not in self.ids, found["id"]
            self.ids.add(found["id"])


@pytest.fixture(scope="module")
def portal(home):
    return home / "portal"


@pytest.fixture(scope="module")
def chromium(browser):
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=browser, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture
def opened(chromium, portal):
    """A page of the portal opened from disk: fails if anything is said on the console, or asked of anybody."""
    contexts, said, asked = [], [], []

    def open_(place, **options):
        contexts.append(chromium.new_context(**options))
        page = contexts[-1].new_page()
        page.on("console", lambda one: said.append(one.text))
        page.on("pageerror", lambda one: said.append(str(one)))
        page.on("request", lambda one: asked.append(one.url))
        page.goto(f"{portal.as_uri()}/{place}")
        return page

    yield open_
    for context in contexts:
        context.close()
    assert said == []
    assert {urlsplit(url).scheme for url in asked} <= {"file", "data"}


def test_no_link_of_the_portal_is_dead(portal):
    pages = {path: Links(path.read_text(encoding="utf-8")) for path in portal.rglob("*.html")}
    assert len(pages) > 30
    dead = defaultdict(list)
    for path, page in pages.items():
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme in ("http", "https", "mailto", "data"):
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            is_there = target.is_file() or (target / "index.html").is_file()
            if not is_there or (parts.fragment and unquote(parts.fragment) not in pages[target].ids):
                dead[path.relative_to(portal).as_posix()].append(link)
    assert dict(dead) == {}
    reached, waiting = set(), [portal / "index.html"]
    while waiting:
        path = waiting.pop()
        if path not in reached and path in pages:
            reached.add(path)
            links = [urlsplit(link) for link in pages[path].links]
            waiting += [
                (path.parent / unquote(one.path)).resolve() for one in links if one.path and not one.scheme
            ]
    # what changed is led to where something did
    assert {path for path in set(pages) - reached if path.parent.name != "changes"} == set()


@pytest.mark.parametrize("kind", KINDS)
def test_a_page_of_the_portal_fits_and_is_accessible(opened, portal, kind):
    from axe_playwright_python.sync_playwright import Axe

    assert (portal / KINDS[kind]).stat().st_size < 200_000
    for width, scheme in ((1280, "light"), (360, "dark")):
        page = opened(KINDS[kind], viewport={"width": width, "height": 800}, color_scheme=scheme, bypass_csp=True)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        found = Axe().run(page, options={"preload": False})
        assert found.violations_count == 0, found.generate_report()


def test_search_finds_by_typing_from_any_page(opened):
    page = opened("datasets/agile-pilots/index.html")
    page.keyboard.press("/")
    page.keyboard.type("agile pilto")  # a letter is out of place
    first = page.locator(".found li a").first
    first.wait_for()
    assert "Agile pilots" in first.inner_text()
    assert re.fullmatch(r"Results: \d+", page.locator(".found [role=status]").inner_text())
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_url("**/datasets/agile-pilots/index.html")
    page = opened("fi/index.html")
    page.locator("#find").fill("ketterat yliopisto qqq")
    page.locator(".found").wait_for()
    assert page.locator(".found [role=status]").inner_text() == "Ei tuloksia."
    page.locator("#find").fill("theme_code")
    page.locator(".found li a").first.click()
    page.wait_for_url("**/fi/index.html#column-theme_code")


def test_the_search_page_answers_what_the_form_asked(opened):
    page = opened("index.html")
    page.locator("#find").fill("survived years")
    page.keyboard.press("Enter")
    page.wait_for_url("**/search/index.html?q=survived+years")
    page.locator("[data-results] [role=status]").wait_for()
    assert page.locator("#find").input_value() == "survived years"


def test_hostile_names_are_found_and_do_nothing(opened):
    page = opened("search/index.html?q=%3Cimg%20src%3Dx%20onerror%3Dalert(1)%3E")
    page.locator("[data-results]").wait_for()
    assert page.locator("main img").count() == 0


def test_the_list_of_datasets_is_filtered_and_a_query_copied(opened):
    page = opened("datasets/index.html")
    page.locator("#filter").fill("zzz")
    assert page.locator(".set:visible").count() == 0
    page.locator("#filter").fill("Kalasatama")
    assert page.locator(".set:visible").count() >= 1
    page = opened("questions/selection-rate/index.html", permissions=["clipboard-read", "clipboard-write"])
    button = page.locator("[data-copy]")
    if button.is_visible():  # a browser may deny the clipboard to pages from disk
        button.click()
        page.get_by_text("Copied").wait_for()


def test_everything_is_there_without_scripts(opened):
    page = opened("index.html", java_script_enabled=False)
    assert page.locator(".question").count() == 12
    page.locator("#find").fill("pilot")
    page.keyboard.press("Enter")
    page.wait_for_url("**/search/index.html?q=pilot")
    page.get_by_role("link", name="Pilot ID", exact=True).first.click()
    page.wait_for_url("**#column-pilot_id")
    page = opened("datasets/index.html", java_script_enabled=False)
    assert not page.locator("#filter").is_visible()
    assert page.locator(".set").count() >= 1


def test_the_portal_is_served_by_its_command(chromium, home):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    served = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, "portal", "--home", home, "--port", str(port)],
        cwd=Path(__file__).parents[2], stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert served.stdout.readline() == f"The portal is open: http://127.0.0.1:{port}/\n"
        context = chromium.new_context()
        page, said = context.new_page(), []
        page.on("console", lambda one: said.append(one.text))
        for _ in range(100):
            with suppress(Exception):
                page.goto(f"http://127.0.0.1:{port}/")
                break
            time.sleep(0.1)
        said.clear()
        page.goto(f"http://127.0.0.1:{port}/datasets/agile-pilots/")
        page.keyboard.press("/")
        page.keyboard.type("pilot")
        page.locator(".found li a").first.wait_for()
        assert said == []
        context.close()
    finally:
        served.terminate()
        served.wait(30)
