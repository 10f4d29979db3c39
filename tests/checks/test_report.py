"""The coordinator's report: four nights, and what must not come through."""

import html
import re
from dataclasses import replace

import pytest

from checks.report import findings_table, render_report, summary_markdown, write_report
from checks.report.turns import calls_of_source
from checks.report.wording import OPERATOR
from checks.rules import WrittenRule, compile_rules
from checks.rules.demands import Condition, Key, Range, Reference, Unique
from tests.checks.report_nights import (
    AGILE,
    AGILE_PILOTS,
    DAY,
    FILE,
    KALASATAMA,
    NIGHTS,
    PILOTS,
    ROUNDS,
    RULES,
    SIX_MONTHS,
    TECH_CITY,
    UNUSUAL,
    C,
    E,
    I,
    Page,
    W,
    cell,
    data,
    failed_night,
    first_night,
    gaps_night,
    good_night,
    held_night,
    night,
    page,
    rich_night,
    rule,
    snapshot,
    source,
    src,
)
from warehouse.findings import WITHHELD, Finding
from warehouse.ledger import Verdict
from warehouse.messages import Language


@pytest.fixture(params=NIGHTS)
def content(request):
    return NIGHTS[request.param]()


AGILE_PAGE = "agile_pilots.html"

# --- every night ---------------------------------------------------------------------------------------------


def test_every_page_is_whole_and_fetches_nothing(content):
    for name, text in render_report(content).items():
        seen = Page(text)
        language = "fi" if ".fi." in name or (name == "kalasatama.html" and KALASATAMA.language == "fi") else "en"
        assert ("html", "lang", language) in seen.attributes
        assert seen.tags.count("h1") == 1
        assert len(seen.ids) == len(set(seen.ids))
        assert not {"script", "iframe", "object", "embed", "img", "link", "form", "base"} & set(seen.tags)
        assert not [name for _, name, _ in seen.attributes if name in ("style", "src") or name.startswith("on")]
        policy = next(v for _, name, v in seen.attributes if name == "content" and v and "default-src" in v)
        assert policy.startswith("default-src 'none'; style-src 'sha256-")
        assert "unsafe" not in policy
        for table in re.findall(r"<table.*?</table>", text, re.S):
            assert "<caption" in table
            assert 'scope="col"' in table


def test_every_link_has_its_target(content):
    pages = {name: Page(text) for name, text in render_report(content).items()}
    for name, seen in pages.items():
        links = [link for link in seen.links if not link.startswith(("https:", "mailto:"))]
        assert links
        for link in links:
            there, _, part = link.partition("#")
            assert (there or name) in pages
            assert not part or part in pages[there or name].ids


def test_every_page_is_there_in_both_languages_and_leads_to_the_other(content):
    pages = render_report(content)
    for name in ("index", *(section.declaration.name for section in content.sources)):
        assert 'href="' + f"{name}.fi.html" in pages[f"{name}.html"]
        assert 'href="' + f"{name}.html" in pages[f"{name}.fi.html"]


def test_a_source_has_its_page_in_its_own_language():
    section = replace(good_night().sources[0], declaration=AGILE.model_copy(update={"language": Language.FINNISH}))
    pages = render_report(night([section], []))
    assert '<html lang="fi">' in pages["agile_pilots.html"]
    assert '<html lang="en">' in pages["agile_pilots.en.html"]
    assert 'href="agile_pilots.en.html' in pages["index.html"]
    assert 'href="agile_pilots.html' in pages["index.fi.html"]


def test_the_same_content_gives_the_same_pages(content):
    assert render_report(content) == render_report(replace(content))
    assert summary_markdown(content) == summary_markdown(replace(content))


def test_the_verdict_comes_first(content):
    order = ["whose-turn", "sources", "published", "held", "better", "to-do"]
    seen = page(content)
    assert [name for name in seen.ids if name in order] == order
    assert seen.tags.index("h1") < seen.tags.index("section")
    order = ["changed", "mend", "look", "came", "better", "checks", "not-checked", "contact"]
    for section in content.sources:
        own = page(content, f"{section.declaration.name}.html")
        assert [name for name in own.ids if name in order] == order


# --- one night after the other ---------------------------------------------------------------------------------


def test_a_good_night():
    seen = page(good_night())
    assert "Everything was checked and is published." in seen.text
    assert "Nobody's: there is nothing to do." in seen.text
    for silence in (
        "Nothing was held.",
        "No row was set aside, of 5,635,341.",
        "Nothing to mend.",
        "No suggestions.",
    ):
        assert silence in seen.text
    own = page(good_night(), AGILE_PAGE)
    assert "Everything was checked, and there is nothing to mend." in own.text
    assert "63 pilots checked against 15 rules; 15 without a finding." in own.text
    assert "9 rows checked against 3 rules" in own.text  # "9 years" would be wrong
    register = page(good_night(), "companies_house.html")
    assert "5,635,269 companies checked against 4 rules; 4 without a finding." in register.text
    assert "token" not in register.text
    assert "Version 2026-11-23 since 2026-11-02: 3 added, 5 changed, 0 removed." in seen.text
    assert "token" not in seen.text


def test_rows_set_aside():
    seen = page(gaps_night())
    assert "Published, with 4 rows set aside." in seen.text
    own = page(gaps_night(), AGILE_PAGE)
    todo, look, checks = (own.section(name) for name in ("mend", "look", "checks"))
    assert "Taken in, with 4 of 72 rows set aside until they are mended." in own.text
    assert "2 findings" in todo
    assert "kalasatama-foodsharing" in todo
    assert "Correct the dates, or enter the continuation as what it is" in todo
    assert "usually 5,000" not in todo
    assert "usually 5,000" in look
    assert "Nothing to mend." in page(gaps_night(), "companies_house.html").section("mend")
    assert "63 pilots checked against 15 rules; 11 without a finding." in checks
    assert re.search(r"At most six months \(End and Start\) 2 findings", checks)
    assert re.search(r"Pilot: no row stands there twice no finding", checks)
    assert re.search(r"Grant is at least 0 EUR no finding", checks)
    assert "Round stands in “Rounds” too" in checks
    assert '○ The column "Remarks" is not declared, so it was not read. 1 finding' in checks
    assert "Remarks" in own.section("not-checked")
    assert "Better: 6.3 % of rows set aside, down from 21.2 %." in seen.text
    assert "Better: 6.3 % of rows set aside, down from 21.2 %." in own.text
    turn = seen.section("whose-turn")
    assert "Forum Virium Helsinki: whoever keeps the workbook" in turn
    assert "mend 4 things and hand the file in again" in turn


def test_a_held_source_and_datasets_that_wait():
    seen = page(held_night())
    assert "Held: Smart Kalasatama indicators. Not published: Companies of Tech City." in seen.text
    held = seen.section("held")
    assert "Data of 5 October 2026, the last good ones, stand in." in held
    assert "The column Actual is missing in the sheet Indicators." in held
    assert "The portal keeps version 2026-11-01, the last good one." in held
    assert "Its source Smart Kalasatama indicators is held." in held
    assert "Nobody: it goes on by itself" in held
    own = page(held_night(), "kalasatama.html")
    assert "The whole delivery was held: none of its rows went on." in own.text
    assert "Holds everything:" in own.section("mend")
    assert "1 source held, 1 dataset held and 1 dataset waiting. Older, good data stand in." in seen.text
    assert "Not published so far: Kalasatama: planned against actual." in seen.text
    assert "Open District data desk" in seen.section("whose-turn")


def test_a_page_tells_what_changed_what_was_corrected_and_whether_it_gets_better():
    own = page(rich_night(), AGILE_PAGE)
    assert own.text.count("14 of 17 fixed since Friday.") == 2
    changed = own.section("changed")
    for words in ("✓ 14 fixed", "✕ 2 new ones", "✕ 1 back again", "! 3 still open", "○ 1 accepted as it is"):
        assert words in changed
    assert "since 2 November 2026" in own.section("mend")
    assert "back again" in own.section("mend")
    assert "Agreed in the round (until 31 January 2027)" in own.section("accepted")
    assert "Pilots H9" in own.section("accepted")
    corrections = own.section("corrections")
    assert "Pilots, Theme" in corrections
    assert "D5–D6, D9" in corrections
    assert "Mobilty mobility A slip. A letter." in corrections
    better = own.section("better")
    assert "Validity 98.3 % ▲ 1.7 better" in better
    assert "Accuracy – Nothing to compare with." in better
    assert "2 November 2026 95.5 % 100 % 99 % 100 % 98.3 % –" in better
    assert "91 of 100" in own.text
    assert "Fill in 12 empty cells of “Contact”." in own.text
    assert "Forum Virium Helsinki Oy, FI-PRO-2170059-0" in own.section("organisations")
    seen = page(rich_night())
    assert "14 of 17 fixed since Friday." in seen.section("sources")
    assert "Agile pilots 91 95.5 % 100 % 99 % 100 % 98.3 % –" in seen.section("better")
    finnish = page(rich_night(), "agile_pilots.fi.html")
    assert "14/17 korjattu perjantaista lähtien." in finnish.text
    assert "98,3 % ▲ 1,7 parempi" in finnish.section("better")


def test_a_failed_pull_and_a_portal_that_does_not_answer():
    seen = page(failed_night())
    assert "Failed: Companies House register. The portal did not take everything." in seen.text
    held = seen.section("held")
    assert "HTTP 503" in held
    assert "Data of 1 November 2026, the last good ones, stand in." in held
    own = page(failed_night(), "companies_house.html")
    assert "these checks are of the last data that could be read" in own.section("checks")
    assert "HTTP 503" in own.text
    assert "1 new version made, but not all of it is on the portal." in seen.text
    assert "published anew" not in seen.text
    turn = seen.section("whose-turn")
    assert turn.count("The operator") == 1
    assert "find out why it failed" in turn


def test_what_stands_in_for_refused_rows_and_cells_is_said():
    night = gaps_night()
    section = next(one for one in night.sources if one.declaration.name == "agile_pilots")
    loads = dict(section.snapshot.tables)
    loads["pilots"] = replace(loads["pilots"], held=3, held_cells=1, is_whole=False)
    changed = replace(night, sources=[replace(section, snapshot=replace(section.snapshot, tables=loads))])
    todo = page(changed, AGILE_PAGE).section("came")
    assert "3 records stand as last known, marked as held." in todo
    assert "1 wrong cell was left empty; the rows went on." in todo
    assert "What the delivery lacks was not taken as gone" in todo
    assert "stand as last known" not in page(gaps_night()).text


def test_the_first_night():
    seen = page(first_night())
    assert "Nothing has come in yet." in seen.text
    assert "Nothing is published yet." in seen.text
    assert "No check could run: there is nothing to check." in page(first_night(), AGILE_PAGE).text
    assert "There is nothing to compare yet." in seen.text
    assert "All well" not in seen.text


def test_a_run_without_anything():
    assert "Nothing has come in yet." in page(night([], [], quality={})).text


# --- rules and counts ---------------------------------------------------------------------------------------


def test_findings_that_are_not_listed_are_counted_and_no_rule_is_said_to_be_clean():
    gaps = gaps_night()
    cut = replace(gaps.sources[0], counts={C: 0, E: 900, W: 3, I: 1})
    seen = page(replace(gaps, sources=[cut]))
    assert "900 things to mend." in seen.text
    own = page(replace(gaps, sources=[cut]), AGILE_PAGE)
    assert "896 more are not listed here." in own.text
    checks = own.section("checks")
    assert "no finding" not in checks
    assert "none among the findings listed" in checks
    assert "at least 2 findings" in checks


def test_a_rule_on_a_column_and_one_on_the_key_keep_their_findings_apart():
    found = [cell("unique", E, 5, "pilot_name", "Twice", "It stands here more than once.", "Change it.")]
    section = src(
        AGILE,
        found=found,
        rules={"pilots": [rule("unique", Key(), "pilot_id"), rule("unique", Unique(), "pilot_name")]},
        shot=snapshot("agile_pilots", DAY, FILE, pilots=(63, 1)),
    )
    checks = page(night([section], []), AGILE_PAGE).section("checks")
    assert "Pilot: no row stands there twice no finding" in checks
    assert "Name of the pilot stands there only once 1 finding" in checks


def test_a_rule_with_words_for_each_programme_is_one_rule():
    usual = WrittenRule(
        id="usual-grant",
        severity=W,
        columns=["grant_eur"],
        spans="grant",
        programme_in="programme",
        message="{span}",
        help="",
        source="",
    )
    rules = compile_rules(AGILE.table("pilots"), [usual])
    assert sum(one.id == "usual-grant" for one in rules) > 1
    shot = snapshot("agile_pilots", DAY, FILE, Verdict.PARTIAL, pilots=(63, 0))
    found = [cell("usual-grant", W, 9, "grant_eur", "12000", *UNUSUAL)]
    section = src(AGILE, found=found, rules={"pilots": rules}, shot=shot)
    checks = page(night([section], []), AGILE_PAGE).section("checks")
    assert "63 pilots checked against 13 rules; 12 without a finding." in checks
    assert checks.count("Usual grant") == 1


def test_a_table_that_did_not_come_is_not_called_clean():
    section = src(AGILE, shot=snapshot("agile_pilots", DAY, FILE, pilots=(63, 0)), rules=RULES)
    checks = page(night([section], []), AGILE_PAGE).section("checks")
    assert "63 pilots checked against 15 rules; 15 without a finding." in checks
    assert "No row of this table came in, so 3 rules had nothing to check." in checks
    assert checks.count("nothing to check") == 1 + 3
    assert checks.count("no finding") == 15


def test_three_cells_are_shown_and_the_others_folded_and_none_is_lost():
    found = [cell("usual-grant", W, row, "grant_eur", f"{row}000", *UNUSUAL) for row in range(2, 42)]
    section = src(AGILE, found=found, shot=snapshot("agile_pilots", DAY, FILE, pilots=(63, 0)))
    text = render_report(night([section], []))[AGILE_PAGE]
    assert text.partition("<details")[0].count("000</bdi>") == 3
    assert "37 more" in text
    assert all(f">{row}000<" in text for row in range(2, 42))


# --- hostile content -----------------------------------------------------------------------------------------

EVIL = "<script>alert(1)</script><img src=x onerror=alert(1)>\"'`{{7*7}}{%\u202egnp.exe\x00\x1b[31m\ud800"


def evil_night():
    declaration = source(
        "agile_pilots",
        f"Title {EVIL.encode('utf-8', 'replace').decode()}",
        "Publisher <b>",
        [PILOTS, ROUNDS],
        homepage="javascript:alert(1)",
    )
    found = [
        Finding(EVIL, severity, EVIL, EVIL, table, EVIL, EVIL, row, column, EVIL, EVIL)
        for severity in (C, E, W, I)
        for table, row, column in (("pilots", 3, "grant_eur"), (EVIL, None, EVIL), (None, 4, None))
    ]
    found.append(cell("code", E, 7, "theme_code", "x" * 100_000, "y" * 1_000_000, "z" * 1_000_000))
    shot = snapshot("agile_pilots", DAY, f"inbox/{EVIL}", Verdict.PARTIAL, pilots=(63, 4))
    section = src(
        declaration,
        found=found,
        shot=shot,
        message=EVIL,
        annotated=EVIL,
        rules={
            "pilots": [rule(EVIL, Condition(EVIL, "true")), rule(EVIL, Condition(EVIL, "true"), EVIL)],
            EVIL: [
                rule("unique", Key()),
                rule("range", Range(0, None, EVIL), "x"),
                rule("reference", Reference(EVIL, (), "staged", EVIL), "y"),
            ],
        },
    )
    return night(
        [section, replace(section, declaration=KALASATAMA, state="failed")],
        [
            data(
                AGILE_PILOTS,
                url="javascript:alert(1)",
                message=EVIL,
                findings=found,
                history=[(EVIL, 1), (EVIL, 2)],
            ),
            data(TECH_CITY, "failed", url="https://user:secret@portal.example/", message=EVIL, release=None),
        ],
        run_id=EVIL,
        portal="javascript:alert(1)",
        portal_problem=EVIL,
        portal_holds=[EVIL],
        portal_edits=[EVIL],
        quality={"agile_pilots": [(EVIL, 0, 0)] * 3},
    )


def test_nothing_from_outside_becomes_markup():
    for text in render_report(evil_night()).values():
        seen = Page(text)
        assert not {"script", "img", "b>"} & set(seen.tags)
        assert not [name for _, name, _ in seen.attributes if name.startswith("on")]
        assert all(re.match(r"#|[a-z_.]+\.html|\./|https://|mailto:data@", link) for link in seen.links)
        assert "49" not in seen.section("to-do") + seen.section("mend")
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]", text)
        assert text.encode()
        assert len(text) < 300_000
        assert "secret" not in text
    assert "{{7*7}}" in page(evil_night(), AGILE_PAGE).text


def test_nothing_from_outside_becomes_markdown():
    text = summary_markdown(evil_night())
    assert "<script" not in text
    assert "<img" not in text
    assert "javascript:" not in text
    text = summary_markdown(
        night(
            [
                replace(
                    failed_night().sources[1],
                    message=(
                        "# Head\n- item [click](http://evil.example) ![x](y) **bold** `code`"
                        " | www.evil.example me@evil.example <b>"
                    ),
                )
            ],
            [],
        )
    )
    line = next(line for line in text.splitlines() if "Head" in line)
    assert line.startswith("- **Companies House register**")
    for markup in ("[click](", "![x](", "**bold**", "`code`", "<b>", "http://", "www.", "me@"):
        assert markup not in line.replace("\\`", "¶")


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("https://portal.example/dataset/a", "https://portal.example/dataset/a"),
        ("http://localhost:5000/dataset/ä", "http://localhost:5000/dataset/%C3%A4"),
        ("../../portal/agile-pilots/index.html", "../../portal/agile-pilots/index.html"),
        ("javascript:alert(1)", None),
        ("JaVaScRiPt:alert(1)", None),
        ("java\tscript:alert(1)", None),
        ("data:text/html,x", None),
        ("//evil.example/", None),
        ("\\\\evil.example\\x", None),
        ("/etc/passwd", None),
        ("file:///etc/passwd", None),
        ("https://portal.example@evil.example/", None),
        ("https://[bad/", None),
        ("https:///nohost", None),
        ("", None),
    ],
)
def test_links_lead_to_the_web_or_beside_the_page(address, expected):
    seen = page(night([], [data(AGILE_PILOTS, url=address)]))
    own = ("#", "index.", "https://portal.example/#")
    links = [link for link in seen.links if not link.startswith(own) and link != "https://portal.example/"]
    assert links == ([expected] if expected else [])


@pytest.mark.parametrize("name", ["outbox/agile_pilots/Pilots (ä).xlsx", "javascript:alert(1)", "<b>a.xlsx"])
def test_the_page_says_where_the_marked_workbook_lies_and_does_not_link_to_it(name):
    section = replace(gaps_night().sources[0], annotated=name)
    seen = page(night([section], []), AGILE_PAGE)
    assert name in seen.text
    assert not [link for link in seen.links if "xlsx" in link or "javascript" in link]


def test_a_late_source_is_said_with_the_day_it_was_due():
    register = replace(good_night().sources[1], state="late", message="Late: due by 2026-11-11.")
    seen = page(night([register], []))
    assert "Late: Companies House register." in seen.text
    assert "Late: due by 2026-11-11." in seen.text
    assert "ask where the new data are" in seen.text


def test_a_source_that_waits_for_its_first_file_has_not_failed():
    waiting = replace(
        good_night().sources[0], state="waiting", snapshot=None, message="Waiting for the first file.", findings=()
    )
    seen = page(night([waiting], []))
    assert "Failed" not in seen.text
    assert "hand in the first data" in seen.text


@pytest.mark.parametrize("column", ["contact_email", "E-mail", "e mail", "Undeclared", None])
def test_personal_values_never_show(column):
    value = "aino.virtanen@example.fi"
    found = [
        cell("pattern", E, 12, column, value, f"{value} is no address.", f"Look at {value}.", value),
        replace(cell("pattern", W, 12, column, value, f"{value} is no address.", "Look."), table_name=None),
    ]
    section = src(AGILE, found=found, shot=snapshot("agile_pilots", DAY, FILE, pilots=(63, 1)))
    content = night([replace(section, state="held")], [])
    for text in (*render_report(content).values(), summary_markdown(content), str(findings_table(content))):
        assert value not in html.unescape(text).replace("\\", "")
    assert findings_table(content)[0]["value"] == WITHHELD


# --- the other ways out --------------------------------------------------------------------------------------


def test_the_summary_says_it_in_a_few_lines():
    text = summary_markdown(held_night())
    assert text.startswith("## ✕ Held: Smart Kalasatama indicators.")
    assert "Night of 23 November 2026" in text
    assert "[Agile pilots in city districts](<https://portal.example/dataset/agile-pilots>)" in text
    assert "### Whose turn it is" in text
    assert len(text.splitlines()) < 40


def test_the_summary_links_to_the_pages(tmp_path):
    content = held_night()
    assert "file:" not in summary_markdown(content, tmp_path)
    write_report(tmp_path, content)
    text = summary_markdown(content, tmp_path)
    for title, name in (
        ("Overview", "index"),
        ("Smart Kalasatama indicators", "kalasatama"),
        ("Agile pilots", "agile_pilots"),
    ):
        assert f"[{title}](<{tmp_path.as_uri()}/{name}.html>)" in text


def test_the_table_of_findings_has_the_worst_first():
    rows = findings_table(held_night())
    assert list(rows[0]) == [
        "source",
        "table",
        "sheet",
        "row",
        "column",
        "value",
        "rule",
        "problem",
        "what to do",
    ]
    assert [row["rule"] for row in rows[:2]] == ["missing-column", "shrunk"]
    assert rows[-1]["rule"] == "unknown-column"
    assert all(isinstance(value, str) for row in rows for value in row.values())
    assert rows[2] == {
        "source": "agile_pilots",
        "table": "pilots",
        "sheet": "Pilots",
        "row": "14",
        "column": "End",
        "value": "2026-12-31",
        "rule": "at-most-six-months",
        "problem": SIX_MONTHS[0],
        "what to do": SIX_MONTHS[1],
    }
    assert len(findings_table(held_night(), limit=3)) == 3


def test_the_pages_are_written_where_they_belong(tmp_path):
    path = write_report(tmp_path / "reports" / "2026-11-23.1", gaps_night())
    assert path == tmp_path / "reports" / "2026-11-23.1" / "index.html"
    pages = render_report(gaps_night())
    assert {entry.name: entry.read_text(encoding="utf-8") for entry in path.parent.iterdir()} == pages
    assert set(pages) == {
        f"{name}{tag}.html" for name in ("index", "agile_pilots", "companies_house") for tag in ("", ".fi")
    }


def test_a_line_of_our_own_that_says_nothing_any_more_is_no_turn_of_the_coordinator():
    stale = Finding("stale-exception", E, "It matches nothing any more.", "Delete it.", "pilots")
    wrong = cell("type", E, 5, "grant_eur", "x", "It is wrong.", "Mend it.")
    calls = list(calls_of_source(src(AGILE, found=[stale, wrong])))
    told = {call.who: call.words for call in calls}
    assert told.pop(OPERATOR) == "look at 1 line of what was accepted or corrected"
    assert list(told.values()) == ["mend 1 thing and hand the file in again"]
