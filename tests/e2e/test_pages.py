"""The pages in a real browser: they are read, ask nobody for anything, and fit a telephone."""

import shutil
import subprocess
from datetime import date

import pytest

from tests import workbook_factory as factory
from tests.flows import nights

pytestmark = pytest.mark.e2e

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
    return {
        "front": home / "portal/index.html",
        "dataset": home / "portal/datasets/agile-pilots/index.html",
        "report": report,
        "source": source,
    }


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("front", ["Agile pilots", "CSV"]),
        ("dataset", ["Data dictionary", "Before you use it", "Kalasatama"]),
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


@pytest.mark.parametrize("name", ["front", "dataset", "report", "source"])
def test_a_page_is_drawn_on_a_screen_and_on_a_telephone(browser, home, tmp_path, name):
    sizes = []
    for width in (1280, 500):
        picture = tmp_path / f"{width}.png"
        open_page(browser, pages(home)[name], tmp_path, f"--screenshot={picture}", f"--window-size={width},1600")
        sizes.append(picture.stat().st_size)
    assert min(sizes) > 20_000  # an empty page makes 5 kB
