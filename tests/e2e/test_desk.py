"""The desk in a real browser: a coordinator checks a faulty workbook, mends it, hands it in; in both languages."""

import base64
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import openpyxl
import pytest

from flows.desk.tokens import make_token
from tests import workbook_factory as factory
from warehouse.home import Home

PROGRAM = "import sys\nfrom flows.cli import main\nif __name__ == '__main__':\n    main(sys.argv[1:])\n"
SOURCE = "agile_pilots"
MOST = 240_000  # milliseconds for a first check, on a busy machine


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with a faulty workbook, the same one mended, and the home."""
    folder = tmp_path_factory.mktemp("desk")
    factory.workbook_with_one_of_each_error(folder / "kokeilut ä.xlsx")
    (folder / "mended").mkdir()
    factory.good_workbook(folder / "mended" / "kokeilut ä.xlsx")
    return folder


@pytest.fixture(scope="module")
def desk(folder):
    """A desk that is served: its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    program = folder / "serve.py"  # workers are spawned: they import the program anew
    program.write_text(PROGRAM)
    with (folder / "desk.log").open("w") as log:
        served = subprocess.Popen(
            [sys.executable, program, "desk", "--port", str(port), "--home", folder / "home"],
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
            stdout=log,
            stderr=log,
        )
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(300):
            try:
                urllib.request.urlopen(f"{address}/desk.css", timeout=2).close()
                break
            except (urllib.error.URLError, OSError):
                assert served.poll() is None, (folder / "desk.log").read_text()
                time.sleep(0.1)
        yield address
    finally:
        served.terminate()
        served.wait(30)


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


@pytest.fixture(scope="module")
def token(folder):
    return make_token(Home(folder / "home"), SOURCE)


def drop(page, path):
    """Drop a file onto the page, as a person drags it there."""
    transfer = page.evaluate_handle(
        """([name, content]) => {
            const bytes = Uint8Array.from(atob(content), (c) => c.charCodeAt(0));
            const transfer = new DataTransfer();
            transfer.items.add(new File([bytes], name));
            return transfer;
        }""",
        [path.name, base64.b64encode(path.read_bytes()).decode()],
    )
    page.dispatch_event("[data-drop]", "dragover", {"dataTransfer": transfer})
    page.dispatch_event("[data-drop]", "drop", {"dataTransfer": transfer})


def assert_accessible(page):
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()


def picture(page, name):
    """A picture of the page, to be looked at, where ``DESK_PICTURES`` names a folder."""
    if folder := os.environ.get("DESK_PICTURES"):
        page.screenshot(path=f"{folder}/{name}.png", full_page=True)


WORDS = {
    "en": (
        "It would go on, with gaps",
        "Get the marked copy",
        "All of it would go on",
        "Hand it in for tonight",
        "Handed in",
    ),
    "fi": (
        "Se otettaisiin käyttöön puutteellisena",
        "Lataa merkitty kopio",
        "Kaikki otettaisiin käyttöön",
        "Toimita ensi yön ajoon",
        "Toimitettu",
    ),
}


@pytest.mark.parametrize(("language", "width", "scheme"), [("en", 1100, "light"), ("fi", 390, "dark")])
def test_a_coordinator_checks_mends_and_hands_in(folder, desk, token, browser, language, width, scheme):
    gaps, marked, passed, hand_in, handed_in = WORDS[language]
    asked, faults = [], []
    context = browser.new_context(locale=language, viewport={"width": width, "height": 900}, color_scheme=scheme)
    page = context.new_page()
    page.set_default_timeout(MOST)
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda said: faults.append(said.text) if said.type == "error" else None)

    page.goto(desk)
    assert_accessible(page)
    picture(page, f"{language}-enter")
    page.goto("about:blank")
    page.goto(f"{desk}/#token={token}")
    page.wait_for_selector("[data-drop]")
    assert token not in page.url
    assert_accessible(page)
    picture(page, f"{language}-desk")

    drop(page, folder / "kokeilut ä.xlsx")
    page.wait_for_url(re.compile("/files/"))
    page.wait_for_selector(".verdict")
    assert gaps in page.inner_text("h1")
    assert page.get_attribute("html", "lang") == language
    assert "2170029-3" in page.inner_text("main")
    assert_accessible(page)
    picture(page, f"{language}-gaps")
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), "it scrolls sideways"
    with page.expect_download() as download:
        page.get_by_role("link", name=marked).click()
    copy = folder / f"{language}.xlsx"
    download.value.save_as(copy)
    assert download.value.suggested_filename == "kokeilut ä-annotated.xlsx"
    assert len(openpyxl.load_workbook(copy).sheetnames) > len(
        openpyxl.load_workbook(folder / "kokeilut ä.xlsx").sheetnames
    )

    page.goto(desk)
    picture(page, f"{language}-again")
    page.set_input_files("#file", folder / "mended" / "kokeilut ä.xlsx")
    page.click("[data-drop] button")
    page.wait_for_selector(".verdict")
    assert passed in page.inner_text("h1")
    assert_accessible(page)
    picture(page, f"{language}-passed")
    page.get_by_role("button", name=hand_in).click()
    page.wait_for_selector(".done")
    assert handed_in in page.inner_text(".done")
    assert_accessible(page)
    picture(page, f"{language}-handed-in")
    inbox = folder / "home" / "inbox" / SOURCE
    assert [path.name for path in inbox.iterdir()] == ["kokeilut ä.xlsx"]
    assert (inbox / "kokeilut ä.xlsx").read_bytes() == (folder / "mended" / "kokeilut ä.xlsx").read_bytes()
    (inbox / "kokeilut ä.xlsx").unlink()
    context.close()

    assert faults == []
    assert {url.removeprefix(desk)[:1] for url in asked if url.startswith("http")} == {"/"}
    log = (folder / "desk.log").read_text()
    assert "POST bring 202" in log
    assert token not in log
    assert "kokeilut" not in log.replace(str(folder), "")


def test_it_works_without_scripts_and_with_the_keyboard(folder, desk, token, browser):
    context = browser.new_context(locale="fi", java_script_enabled=False)
    page = context.new_page()
    page.set_default_timeout(MOST)
    page.goto(desk)
    page.focus("#token")
    page.keyboard.type(token)
    page.keyboard.press("Enter")
    page.wait_for_selector("#file")
    page.set_input_files("#file", folder / "mended" / "kokeilut ä.xlsx")
    page.focus("[data-drop] button")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("/files/"))
    while page.locator("[data-waiting]").count():  # on a busy machine it is asked to look again
        page.wait_for_timeout(500)
        page.reload()
    assert "Kaikki otettaisiin käyttöön" in page.inner_text("h1")
    page.get_by_role("link", name="English").click()
    assert "All of it would go on" in page.inner_text("h1")
    context.close()
