"""Every number of the report leads to file, sheet and cell in three clicks; and long reports stay small."""

import re
import time
from dataclasses import replace
from html import unescape

import pytest

from checks.report import render_report
from checks.report.content import RowPlace
from tests.checks.report_nights import (
    AGILE,
    AGILE_PILOTS,
    DAY,
    FILE,
    NIGHTS,
    RULES,
    UNUSUAL,
    E,
    W,
    cell,
    data,
    gaps_night,
    night,
    snapshot,
    src,
)
from warehouse.declarations import Severity
from warehouse.ledger import Verdict
from warehouse.turns import TO_MEND

LANGUAGES = {"": "index.html", ".fi": "index.fi.html"}


def section_of(page, anchor):
    """A section of a page as it is written."""
    (found,) = re.findall(rf'<section id="{anchor}".*?</section>', page, re.S)
    return found


def words(text):
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", text)).split())


def numbers(overview):
    """Where each number in the table of sources leads to, by source and anchor."""
    rows = re.findall(r'<tr id="source-(\w+)">(.*?)</tr>', overview, re.S)
    assert rows
    return {
        (source, anchor): (page, int(re.sub(r"\D", "", shown)))
        for source, row in rows
        for page, anchor, shown in re.findall(r'<a[^>]* href="([^"#]+)#(mend|look)">([^<]+)</a>', row)
    }


def cells_in(part):
    """The cells that a section names: addresses and rows, those in folded lists spelt out."""
    named = set(re.findall(r'<td class="cell">(?:row |rivi )?([A-Z]*\d+)</td>', part))
    for spans in re.findall(r'<span class="cell">([^<]+)</span>', part):
        for span in spans.split(", "):
            first, _, last = span.partition("–")
            letter = re.sub(r"\d", "", first)
            ends = [int(re.sub(r"\D", "", end)) for end in (first, last or first)]
            named |= {f"{letter}{row}" for row in range(ends[0], ends[1] + 1)}
    return named


@pytest.mark.parametrize("overview", LANGUAGES.values())
@pytest.mark.parametrize("content", NIGHTS.values())
def test_a_number_of_findings_leads_to_the_cells(content, overview):
    content = content()
    pages = render_report(content)
    led = numbers(pages[overview])
    for section in content.sources:
        for anchor, severities in (("mend", TO_MEND), ("look", (Severity.WARNING,))):
            found = [one for one in section.findings if one.severity in severities]
            if not found:
                assert (section.declaration.name, anchor) not in led
                continue
            page, number = led[section.declaration.name, anchor]  # first click
            part = section_of(pages[page], anchor).partition('id="know"')[0]
            assert number == len(found)
            counts = re.findall(r"<b>(\d+) (?:findings?|löydös(?:tä)?)</b>", part)
            assert sum(map(int, counts)) == number
            # the second click unfolds a cause: everything is in the section already
            rows = {re.sub(r"\D", "", cell) for cell in cells_in(part)}
            assert {str(one.row_number) for one in found if one.row_number} <= rows
            for one in found:
                assert not one.sheet or one.sheet in words(part)


def test_the_letter_of_a_column_is_said_where_it_is_known():
    letters = {(FILE, "Pilots", "grant_eur"): "H"}
    gaps = gaps_night()
    section = replace(gaps.sources[0], letters=letters)
    part = section_of(render_report(replace(gaps, sources=[section]))["agile_pilots.html"], "look")
    assert cells_in(part) == {"H9", "H17", "H52"}


def test_a_number_of_rows_set_aside_leads_to_the_rows():
    gaps = gaps_night()
    places = [RowPlace("pilots", FILE, "Pilots", row) for row in (14, 22, 23, 40)]
    section = replace(gaps.sources[0], set_aside=places)
    pages = render_report(replace(gaps, sources=[section]))
    assert '<a href="agile_pilots.html#came">4</a>' in pages["index.html"]
    came = words(section_of(pages["agile_pilots.html"], "came"))
    assert "Pilots 63 59 4" in came
    assert f"{FILE} · Pilots : 14, 22–23, 40" in came.replace("Pilots: ", "Pilots : ")


def many_findings(count):
    columns = ["grant_eur", "end_date", "theme_code", "start_date", "pilot_name"]
    return [
        cell(
            f"rule-{n % 20}",
            E if n % 3 else W,
            2 + 3 * (n // 20),
            columns[n % 5],
            f"value {n}",
            *UNUSUAL,
            f"pilot-{n}",
        )
        for n in range(count)
    ]


def test_ten_thousand_findings_fit_on_a_small_page_and_none_is_lost():
    found = many_findings(10_000)
    shot = snapshot("agile_pilots", DAY, FILE, Verdict.PARTIAL, pilots=(9_000, 4_000))
    content = night([src(AGILE, found=found, shot=shot, rules=RULES)], [data(AGILE_PILOTS)])
    pages = render_report(content)
    for name, page in pages.items():
        assert len(page.encode()) < 300_000, name
    for anchor, severities in (("mend", TO_MEND), ("look", (Severity.WARNING,))):
        named = cells_in(section_of(pages["agile_pilots.html"], anchor))
        assert {str(one.row_number) for one in found if one.severity in severities} <= named


def test_sixteen_sources_are_written_quickly():
    shot = snapshot("agile_pilots", DAY, FILE, Verdict.PARTIAL, pilots=(63, 4))
    found = many_findings(300)
    sources = [
        src(AGILE.model_copy(update={"name": f"source_{n}"}), found=found, shot=shot, rules=RULES)
        for n in range(16)
    ]
    content = night(sources, [data(AGILE_PILOTS)])
    render_report(night(sources[:1], []))  # the templates are compiled once
    begin = time.process_time()
    pages = render_report(content)
    assert time.process_time() - begin < 5  # seconds of CPU: 1.2 on a quiet machine
    assert len(pages) == 34
