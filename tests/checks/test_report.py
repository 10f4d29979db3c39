"""The coordinator's report: four nights, and what must not come through."""

import html
import re
from collections import defaultdict
from dataclasses import replace
from datetime import date, timedelta
from html.parser import HTMLParser

import pytest

from checks.report import (
    DatasetSection,
    ReportContent,
    SourceSection,
    findings_table,
    render_report,
    summary_markdown,
    write_report,
)
from checks.rules import Rule, WrittenRule, compile_rules
from checks.rules.demands import Condition, Key, Range, Reference, Unique
from warehouse.declarations import (
    CatalogueEntry,
    DatasetDeclaration,
    FieldDeclaration,
    Severity,
    SourceDeclaration,
    TableDeclaration,
)
from warehouse.findings import WITHHELD, Finding
from warehouse.ledger import SnapshotRecord, TableLoad, Verdict
from warehouse.releases import Release

DAY = date(2026, 11, 23)
C, E, W, I = Severity.CRITICAL, Severity.ERROR, Severity.WARNING, Severity.INFO  # noqa: E741


# --- declarations ----------------------------------------------------------------------------------------


def field(name, title, **more):
    return {"name": name, "title": title, "privacy": "public", **more}


PILOTS = {
    "name": "pilots",
    "title": "Pilots",
    "each_row_is_a": "pilot of one service in one programme",
    "primaryKey": ["pilot_id"],
    "foreignKeys": [{"fields": ["round_id"], "table": "rounds", "references": ["round_id"]}],
    "rows": {"minimum": 30, "maximum": 500},
    "fields": [
        field("pilot_id", "Pilot", constraints={"required": True, "pattern": "[a-z0-9-]+"}),
        field("pilot_name", "Name of the pilot", constraints={"required": True, "maxLength": 120}),
        field("round_id", "Round"),
        field("theme_code", "Theme", constraints={"codeList": "themes"}),
        field("business_id", "Business id", constraints={"check": "business_id_fi"}),
        field("start_date", "Start", type="date", constraints={"required": True}),
        field("end_date", "End", type="date"),
        field("grant_eur", "Grant", type="number", unit="EUR", constraints={"minimum": 0}),
        field(
            "contact_email", "Contact", privacy="personal", source_names=["E-mail"], constraints={"required": True}
        ),
    ],
}
ROUNDS = {
    "name": "rounds",
    "title": "Rounds",
    "each_row_is_a": "year and a round",
    "primaryKey": ["programme", "round_id"],
    "fields": [field("programme", "Programme"), field("round_id", "Round"), field("offers_count", "Offers")],
}
COMPANIES = {
    "name": "companies",
    "title": "Companies",
    "each_row_is_a": "company",
    "primaryKey": ["company_number"],
    "fields": [
        field("company_number", "Company number"),
        field("postcode", "Postcode", constraints={"pattern": "[A-Z0-9 ]+"}),
    ],
}
INDICATORS = {
    "name": "indicators",
    "title": "Indicators",
    "each_row_is_a": "statement",
    "primaryKey": ["indicator_id"],
    "fields": [field("indicator_id", "Indicator"), field("actual", "Actual", type="number")],
}


def source(name, title, publisher, tables, **more):
    return SourceDeclaration.model_validate(
        {
            "name": name,
            "title": title,
            "publisher": {"name": "keeper", "title": publisher},
            "licence": "CC-BY-4.0",
            "attribution": publisher,
            "cadence": "irregular",
            "tables": tables,
            **more,
        }
    )


AGILE = source("agile_pilots", "Agile pilots", "Forum Virium Helsinki", [PILOTS, ROUNDS], kind="workbook")
HOUSE = source(
    "companies_house",
    "Companies House register",
    "Companies House",
    [COMPANIES],
    default_origin="https://download.companieshouse.gov.uk/",
)
KALASATAMA = source("kalasatama", "Smart Kalasatama indicators", "City of Helsinki", [INDICATORS], kind="workbook")


def dataset(name, title, word):
    entry = CatalogueEntry.model_validate(
        {
            "name": name,
            "title": title,
            "description": title,
            "each_row_is_a": word,
            "publisher": {"name": "opendistrict", "title": "Open District"},
            "contact": {"name": "Open District data desk", "email": "data@opendistrict.example"},
            "licence": "CC-BY-4.0",
            "attribution": "Open District",
            "keywords": ["pilots"],
            "theme": "REGI",
            "frequency": "IRREG",
            "primaryKey": ["id"],
            "fields": [],
        }
    )
    fields = (FieldDeclaration(name="id", title="Id", privacy="public"),)
    table = TableDeclaration(
        name=name.replace("-", "_"), title=title, each_row_is_a=word, fields=fields, primary_key=("id",)
    )
    return DatasetDeclaration(entry, table)


AGILE_PILOTS = dataset("agile-pilots", "Agile pilots in city districts", "pilot")
TECH_CITY = dataset("tech-city-companies", "Companies of Tech City", "company")
KALASATAMA_INDICATORS = dataset("kalasatama-indicators", "Kalasatama: planned against actual", "statement")


# --- what happened -----------------------------------------------------------------------------------------


def rule(name, demand, *columns):
    return Rule(name, E, columns, demand, "", "")


def written(name, *columns):
    return WrittenRule(id=name, severity=E, columns=columns, holds="true", message="", help="", source="")


def snapshot(name, day, origin, verdict=Verdict.PASSED, **tables):
    loads = {table: TableLoad(staged=staged, quarantined=aside) for table, (staged, aside) in tables.items()}
    return SnapshotRecord(
        name, day.isoformat(), day, origin, "f" * 8, verdict, verdict is not Verdict.HELD, "r", loads
    )


def src(declaration, state="loaded", found=(), shot=None, **more):
    counts = {severity: sum(f.severity is severity for f in found) for severity in Severity}
    given = {
        "message": "",
        "stale_since": None,
        "counts": counts,
        "findings": list(found),
        "rules": {},
        "annotated": None,
    }
    return SourceSection(**{"declaration": declaration, "snapshot": shot, "state": state, **given, **more})


def release(declaration, version="2026-11-23", rows=63, previous="2026-11-02", added=3, changed=5, removed=0):
    return Release(
        declaration.name,
        version,
        date.fromisoformat(version),
        1,
        rows,
        "c",
        "f",
        previous,
        added,
        changed,
        removed,
        (),
        (),
    )


def data(declaration, state="released", **more):
    given = {
        "message": "",
        "release": release(declaration),
        "url": f"https://portal.example/dataset/{declaration.name}",
        "findings": [],
        "history": [("2026-09-07", 52), ("2026-10-05", 58), ("2026-11-02", 60), ("2026-11-23", 63)],
    }
    return DatasetSection(**{"declaration": declaration, "state": state, **given, **more})


def night(sources, datasets, **more):
    given = {
        "portal": "https://portal.example/",
        "portal_problem": "",
        "quality": {
            "agile_pilots": [
                ("2026-08-03", 41, 11),
                ("2026-09-07", 52, 9),
                ("2026-10-05", 58, 6),
                ("2026-11-02", 60, 2),
                ("2026-11-23", 59, 4),
            ],
            "companies_house": [("2026-10-01", 5_610_233, 412), ("2026-11-01", 5_634_871, 398)],
        },
    }
    return ReportContent(
        **{
            "run_id": f"{DAY}.1",
            "day": DAY,
            "kind": "nightly",
            "sources": sources,
            "datasets": datasets,
            **given,
            **more,
        }
    )


FILE = "Agile pilots 2026 v3 (final).xlsx"


def cell(rule, severity, row, column, value, message, advice, key=None, sheet="Pilots", table="pilots"):
    return Finding(rule, severity, message, advice, table, FILE, sheet, row, column, value, key)


SIX_MONTHS = (
    "An agile pilot lasts at most six months.",
    "Correct the dates, or enter the continuation as what it is; it is no longer an agile pilot.",
)
UNUSUAL = ("A grant is usually 5,000 to 10,000 euro (0 is allowed).", "Check the amount; leave it if it is right.")
FOUND = [
    cell("at-most-six-months", E, 14, "end_date", "2026-12-31", *SIX_MONTHS, "kalasatama-foodsharing"),
    cell("at-most-six-months", E, 31, "end_date", "2027-02-28", *SIX_MONTHS, "jatkasaari-logistics"),
    cell(
        "check-digit",
        E,
        22,
        "business_id",
        "2713365-5",
        "Business id has a wrong check digit, so it is nobody's.",
        "Look the company up at ytj.fi and copy its id.",
        "kalasatama-airquality",
    ),
    cell("required", E, 40, "contact_email", None, "Contact is missing.", "Fill it in.", "mobility-hubs"),
    *(
        cell("usual-grant", W, row, "grant_eur", value, *UNUSUAL, key)
        for row, value, key in (
            (9, "12000", "smart-waste"),
            (17, "800", "senior-gym"),
            (52, "15000", "ev-charging"),
        )
    ),
    Finding(
        "unknown-column",
        I,
        'The column "Remarks" is not declared, so it was not read.',
        "Leave it, or ask for it to be added.",
        "pilots",
        FILE,
        "Pilots",
        None,
        "Remarks",
        None,
    ),
]
PILOT_RULES = compile_rules(
    AGILE.table("pilots"),
    [
        written("ends-after-start", "end_date", "start_date"),
        written("at-most-six-months", "end_date", "start_date"),
        written("usual-grant", "grant_eur"),
    ],
)
RULES = {"rounds": compile_rules(AGILE.table("rounds"))[:3], "pilots": PILOT_RULES}
REGISTER = {"companies": compile_rules(HOUSE.table("companies"))}
GOOD_REGISTER = src(
    HOUSE,
    "unchanged",
    shot=snapshot(
        "companies_house",
        date(2026, 11, 1),
        "https://download.companieshouse.gov.uk/BasicCompanyData-2026-11-01.zip?token=secret",
        companies=(5_635_269, 0),
    ),
    rules=REGISTER,
)


def good_night():
    agile = src(
        AGILE,
        shot=snapshot("agile_pilots", DAY, f"inbox/agile_pilots/{FILE}", pilots=(63, 0), rounds=(9, 0)),
        rules=RULES,
        annotated="agile_pilots.xlsx",
    )
    return night(
        [agile, GOOD_REGISTER],
        [
            data(AGILE_PILOTS),
            data(
                TECH_CITY,
                "unchanged",
                release=release(TECH_CITY, "2026-11-01", 48_312),
                history=[("2026-10-01", 48_006), ("2026-11-01", 48_312)],
            ),
        ],
    )


def gaps_night():
    shot = snapshot("agile_pilots", DAY, f"/srv/home/inbox/{FILE}", Verdict.PARTIAL, pilots=(63, 4), rounds=(9, 0))
    return night(
        [src(AGILE, shot=shot, found=FOUND, rules=RULES, annotated=FILE), GOOD_REGISTER],
        [data(AGILE_PILOTS), data(TECH_CITY, "unchanged")],
    )


def held_night():
    critical = [
        Finding(
            "missing-column",
            C,
            "The column Actual is missing in the sheet Indicators.",
            "Put it back; its header is Actual.",
            "indicators",
            "kalasatama.xlsx",
            "Indicators",
            None,
            "actual",
        ),
        Finding(
            "shrunk",
            C,
            "31 of 48 rows are gone since the last good one (65 %; up to 20 % is plausible).",
            "Find out whether the file is whole. If it is right: run again with --allow-shrink.",
            "indicators",
            value="17",
        ),
    ]
    held = src(
        KALASATAMA,
        "held",
        critical,
        snapshot("kalasatama", DAY, "kalasatama.xlsx", Verdict.HELD, indicators=(17, 0)),
        stale_since=date(2026, 10, 5),
        annotated="kalasatama.xlsx",
        rules={"indicators": compile_rules(KALASATAMA.table("indicators"))},
    )
    gaps = gaps_night()
    shrunk = Finding(
        "shrunk",
        E,
        "9,214 of 48,312 rows are gone since the last release.",
        "Find out whether a source is whole.",
        "tech_city_companies",
    )
    datasets = [
        *gaps.datasets[:1],
        data(TECH_CITY, "held", findings=[shrunk], release=release(TECH_CITY, "2026-11-01", 48_312)),
        data(
            KALASATAMA_INDICATORS,
            "waiting",
            message="Its source Smart Kalasatama indicators is held.",
            release=None,
            url=None,
            history=[],
        ),
    ]
    return night([held, *gaps.sources], datasets)


def failed_night():
    house = replace(
        GOOD_REGISTER,
        state="failed",
        stale_since=date(2026, 11, 1),
        message="download.companieshouse.gov.uk did not answer in 5 attempts (HTTP 503).",
    )
    return night(
        [good_night().sources[0], house],
        good_night().datasets,
        portal_problem="The portal answered 502 to the upload of agile-pilots.csv.",
    )


def first_night():
    return night(
        [src(AGILE, "unchanged", rules=RULES), src(HOUSE, "unchanged")],
        [
            data(
                AGILE_PILOTS,
                "waiting",
                release=None,
                url=None,
                history=[],
                message="Its source Agile pilots has no data yet.",
            )
        ],
        quality={},
    )


NIGHTS = {
    "good": good_night,
    "gaps": gaps_night,
    "held": held_night,
    "failed": failed_night,
    "first": first_night,
}


# --- reading the page --------------------------------------------------------------------------------------


class Page(HTMLParser):
    """Tags, attributes, links and the text of a page; fails on tags that do not close."""

    VOID = frozenset({"meta", "br", "link", "img", "hr", "input"})

    def __init__(self, text):
        super().__init__()
        self.tags, self.attributes, self.words, self.open, self.ids = [], [], [], [], []
        self.part, self.parts = "", defaultdict(list)
        self.feed(text)
        self.close()
        assert self.open == []
        self.text = re.sub(r"\s+", " ", " ".join(self.words))

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, name, value) for name, value in attrs]
        self.ids += [value for name, value in attrs if name == "id"]
        if tag == "section":
            self.part = dict(attrs)["id"]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, text):
        if "style" not in self.open:
            self.words.append(text)
            self.parts[self.part].append(text)

    @property
    def links(self):
        return [value for tag, name, value in self.attributes if (tag, name) == ("a", "href")]

    def section(self, name):
        """The text of a section, by its id."""
        return re.sub(r"\s+", " ", " ".join(self.parts[name]))


def page(content):
    return Page(render_report(content))


@pytest.fixture(params=NIGHTS)
def content(request):
    return NIGHTS[request.param]()


# --- every night ---------------------------------------------------------------------------------------------


def test_the_page_is_whole_and_fetches_nothing(content):
    seen = page(content)
    assert ("html", "lang", "en") in seen.attributes
    assert seen.tags.count("h1") == 1
    assert len(seen.ids) == len(set(seen.ids))
    assert not {"script", "iframe", "object", "embed", "img", "link", "form", "base"} & set(seen.tags)
    assert not [name for _, name, _ in seen.attributes if name in ("style", "src") or name.startswith("on")]
    policy = next(v for _, name, v in seen.attributes if name == "content" and v and "default-src" in v)
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy
    for table in re.findall(r"<table.*?</table>", render_report(content), re.S):
        assert "<caption" in table
        assert 'scope="col"' in table


def test_every_jump_has_its_target(content):
    seen = page(content)
    targets = {link[1:] for link in seen.links if link.startswith("#")}
    assert targets
    assert targets <= set(seen.ids)


def test_the_same_content_gives_the_same_page(content):
    assert render_report(content) == render_report(replace(content))
    assert summary_markdown(content) == summary_markdown(replace(content))


def test_the_verdict_comes_first_and_suggestions_after_what_there_is_to_do(content):
    order = ["published", "held", "sources", "to-do", "suggestions", "checks", "better"]
    seen = page(content)
    assert [name for name in seen.ids if name in order] == order
    assert seen.tags.index("h1") < seen.tags.index("section")


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
    assert "63 pilots checked against 15 rules; 15 without a finding." in seen.text
    assert "5,635,269 companies checked against 4 rules; 4 without a finding." in seen.text
    assert "9 rows checked against 3 rules" in seen.text  # "9 years" would be wrong
    assert "Version 2026-11-23 since 2026-11-02: 3 added, 5 changed, 0 removed." in seen.text
    assert "token" not in seen.text


def test_rows_set_aside():
    seen = page(gaps_night())
    assert "Published, with 4 rows set aside." in seen.text
    todo, look, checks = (seen.section(name) for name in ("to-do", "suggestions", "checks"))
    assert "4 of 72 rows set aside until they are mended; the others went on." in todo
    assert "2 rows" in todo
    assert "kalasatama-foodsharing" in todo
    assert "Correct the dates, or enter the continuation as what it is" in todo
    assert "usually 5,000" not in todo
    assert "usually 5,000" in look
    assert "Nothing to mend in: Companies House register." in todo
    assert "63 pilots checked against 15 rules; 11 without a finding." in checks
    assert re.search(r"At most six months \(End and Start\) 2 findings", checks)
    assert re.search(r"Pilot: no row stands there twice no finding", checks)
    assert re.search(r"Grant is at least 0 EUR no finding", checks)
    assert "Round stands in Rounds too" in checks
    assert "○ Unknown column 1 finding" in checks
    assert "Better: 6.3 % of rows set aside, down from 21.2 %." in seen.text
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
    assert "Holds everything:" in seen.section("to-do")
    assert "1 source held, 1 dataset held and 1 dataset waiting. Older, good data stand in." in seen.text
    assert "Not published so far: Kalasatama: planned against actual." in seen.text
    assert "Open District data desk" in seen.section("whose-turn")


def test_a_failed_pull_and_a_portal_that_does_not_answer():
    seen = page(failed_night())
    assert "Failed: Companies House register. The portal did not take everything." in seen.text
    held = seen.section("held")
    assert "HTTP 503" in held
    assert "Data of 1 November 2026, the last good ones, stand in." in held
    assert "these checks are of the last data that could be read" in seen.section("checks")
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
    seen = page(replace(night, sources=[replace(section, snapshot=replace(section.snapshot, tables=loads))]))
    todo = seen.section("to-do")
    assert "3 records stand as last known, marked as held." in todo
    assert "1 wrong cell was left empty; the rows went on." in todo
    assert "What the delivery lacks was not taken as gone" in todo
    assert "stand as last known" not in page(gaps_night()).text


def test_the_first_night():
    seen = page(first_night())
    assert "Nothing has come in yet." in seen.text
    assert "Nothing is published yet." in seen.text
    assert "No check could run: there is nothing to check." in seen.text
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
    assert "896 more are not listed here." in seen.text
    checks = seen.section("checks")
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
    checks = page(night([section], [])).section("checks")
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
    checks = page(night([section], [])).section("checks")
    assert "63 pilots checked against 13 rules; 12 without a finding." in checks
    assert checks.count("Usual grant") == 1


def test_a_table_that_did_not_come_is_not_called_clean():
    section = src(AGILE, shot=snapshot("agile_pilots", DAY, FILE, pilots=(63, 0)), rules=RULES)
    checks = page(night([section], [])).section("checks")
    assert "63 pilots checked against 15 rules; 15 without a finding." in checks
    assert "No row of this table came in, so 3 rules had nothing to check." in checks
    assert checks.count("nothing to check") == 1 + 3
    assert checks.count("no finding") == 15


def test_many_places_are_folded_and_none_is_lost():
    found = [cell("usual-grant", W, row, "grant_eur", f"{row}000", *UNUSUAL) for row in range(2, 42)]
    section = src(AGILE, found=found, shot=snapshot("agile_pilots", DAY, FILE, pilots=(63, 0)))
    text = render_report(night([section], []))
    assert "32 more rows" in text
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
        quality={"agile_pilots": [(EVIL, 0, 0)] * 3},
    )


def test_nothing_from_outside_becomes_markup():
    text = render_report(evil_night())
    seen = Page(text)
    assert not {"script", "img", "b>"} & set(seen.tags)
    assert not [name for _, name, _ in seen.attributes if name.startswith("on")]
    assert all(re.match(r"#|\./|https://", link) for link in seen.links)
    assert "49" not in seen.section("to-do")
    assert "{{7*7}}" in seen.text
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]", text)
    assert text.encode()
    assert len(text) < 300_000
    assert "secret" not in text


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
    links = [link for link in seen.links if not link.startswith("#") and link != "https://portal.example/"]
    assert links == ([expected] if expected else [])


@pytest.mark.parametrize("name", ["outbox/agile_pilots/Pilots (ä).xlsx", "javascript:alert(1)", "<b>a.xlsx"])
def test_the_page_says_where_the_marked_workbook_lies_and_does_not_link_to_it(name):
    section = replace(gaps_night().sources[0], annotated=name)
    seen = page(night([section], []))
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
    for text in (render_report(content), summary_markdown(content), str(findings_table(content))):
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


def test_the_page_is_written_where_it_belongs(tmp_path):
    path = write_report(tmp_path / "reports" / "2026-11-23.1", gaps_night())
    assert path == tmp_path / "reports" / "2026-11-23.1" / "index.html"
    assert path.read_text(encoding="utf-8") == render_report(gaps_night())
    assert [entry.name for entry in path.parent.iterdir()] == ["index.html"]


def test_a_report_of_many_findings_is_quick():
    found = [cell("usual-grant", W, row, "grant_eur", "12000", *UNUSUAL) for row in range(500)]
    sections = [src(AGILE, found=found, shot=snapshot("agile_pilots", DAY - timedelta(n), FILE)) for n in range(3)]
    assert len(render_report(night(sections, []))) < 1_000_000
