"""The report's pages in a real browser: in both languages, for everybody, on a telephone and on paper."""

from __future__ import annotations

import shutil

import pytest

from checks.report import write_report
from tests.checks.report_nights import held_night, rich_night

PAGES = ["index.html", "index.fi.html", "agile_pilots.html", "agile_pilots.fi.html"]


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """A report with something to say in every part; beside it one of a night that was held."""
    folder = tmp_path_factory.mktemp("report")
    write_report(folder, rich_night())
    write_report(folder / "held", held_night())
    return folder


@pytest.fixture(scope="module")
def browser():
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if not found:
        pytest.skip("no Chromium on this machine")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture
def page(browser):
    """A page that fails on whatever it asks of the network, and on whatever the console is told."""
    opened = browser.new_page()
    heard: list[str] = []
    opened.on("request", lambda request: heard.append(request.url) if "file:" not in request.url else None)
    opened.on("console", lambda line: heard.append(line.text))
    opened.on("pageerror", lambda error: heard.append(str(error)))
    yield opened
    opened.close()
    assert heard == []


def unfold(page):
    page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")


@pytest.mark.parametrize(
    ("name", "colours"),
    [
        *((name, "light") for name in (*PAGES, "held/index.fi.html")),
        ("index.html", "dark"),
        ("agile_pilots.fi.html", "dark"),
        ("held/kalasatama.html", "dark"),
    ],
)
def test_everybody_can_read_it(page, report, name, colours):
    from axe_playwright_python.sync_playwright import Axe

    page.emulate_media(color_scheme=colours)
    page.goto((report / name).as_uri())
    unfold(page)
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()


@pytest.mark.parametrize("name", [*PAGES, "held/index.html"])
def test_it_fits_a_telephone(page, report, name):
    page.set_viewport_size({"width": 360, "height": 780})
    page.goto((report / name).as_uri())
    unfold(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


@pytest.mark.parametrize("name", PAGES)
def test_on_paper_nothing_is_folded_away_and_no_table_is_cut(page, report, name):
    page.goto((report / name).as_uri())
    page.emulate_media(media="print")
    page.set_viewport_size({"width": 718, "height": 1000})  # the width of A4 without its margins
    folded = "[...document.querySelectorAll('details > :not(summary)')]"
    assert page.evaluate(f"{folded}.filter(one => one.getBoundingClientRect().height === 0).length") == 0
    too_wide = (
        "[...document.querySelectorAll('table')].filter(one => one.getBoundingClientRect().right > innerWidth)"
    )
    assert page.evaluate(f"{too_wide}.map(one => one.innerText)") == []
    assert len(page.pdf(format="A4")) > 20_000  # bytes: an empty page makes 1 kB


def test_two_keys_lead_to_the_content_and_every_fold_opens_with_the_keyboard(page, report):
    page.goto((report / "agile_pilots.html").as_uri())
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.getAttribute('href')") == "#main"
    page.keyboard.press("Enter")
    assert page.url.endswith("#main")
    page.locator("#checks summary").first.focus()
    page.keyboard.press("Enter")
    assert page.locator("#checks details").first.get_attribute("open") is not None


def test_three_clicks_from_the_overview_to_a_cell(page, report):
    page.goto((report / "index.html").as_uri())
    page.locator("#source-agile_pilots a.stop").click()  # the number of things to mend
    assert page.url.endswith("agile_pilots.html#mend")
    assert page.locator("#mend .cell").first.inner_text() == "row 14"


def test_the_other_language_is_one_click_away_and_said_to_be_it(page, report):
    page.goto((report / "index.html").as_uri())
    page.get_by_role("link", name="Suomi").click()
    assert page.locator("html").get_attribute("lang") == "fi"
    page.locator("#source-agile_pilots th a").click()
    assert page.locator("html").get_attribute("lang") == "fi"
    assert "korjattu" in page.locator("h1 + p, .change").first.inner_text()
    page.get_by_role("link", name="English").click()
    assert page.locator("html").get_attribute("lang") == "en"
