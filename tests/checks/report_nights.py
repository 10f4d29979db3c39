"""Nights for tests of the report: what was declared, what happened, and how its pages are read."""

import re
from collections import defaultdict
from dataclasses import replace
from datetime import date
from html.parser import HTMLParser

from checks.report import DatasetSection, ReportContent, SourceSection, render_report
from checks.report.content import Changes, RowPlace
from checks.rules import Rule, WrittenRule, compile_rules
from warehouse.declarations import (
    CatalogueEntry,
    DatasetDeclaration,
    FieldDeclaration,
    Severity,
    SourceDeclaration,
    TableDeclaration,
)
from warehouse.findings import Finding
from warehouse.identities.doubts import Doubt
from warehouse.ledger import CorrectedCell, SnapshotRecord, TableLoad, Verdict
from warehouse.lives import Life, Stage, Tally
from warehouse.quality import Dimension, DimensionsOf, Score
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


def page(content, name="index.html"):
    """A page of a report, read."""
    return Page(render_report(content)[name])


def rich_night():
    """A night that has something to say in every part of a source's page."""
    gaps = gaps_night()
    stages = (Stage.OPEN, Stage.NEW, Stage.BACK, Stage.OPEN, Stage.ACCEPTED, Stage.NEW, Stage.OPEN, Stage.OPEN)
    found = [replace(finding, finding_id=str(number)) for number, finding in enumerate(FOUND)]
    until = date(2027, 1, 31)
    lives = {
        str(number): Life(
            str(number), stage, date(2026, 11, 2), accepted_until=until, reason="Agreed in the round"
        )
        for number, stage in enumerate(stages)
    }
    slip = CorrectedCell(
        "pilots", "pilot", "theme_code", "Mobilty", "mobility", "A slip.", "A letter.", "found", FILE, "Pilots", 5
    )
    corrected = [replace(slip, row_number=row) for row in (5, 6, 9)]
    doubt = Doubt(
        "Forum Virum", 2, "FI-PRO-2170059-0", "Forum Virium Helsinki Oy", ("name alike",), 0.83, "- {a: b}"
    )
    agile = replace(
        gaps.sources[0],
        findings=found,
        lives=lives,
        letters={(FILE, "Pilots", name): letter for name, letter in (("grant_eur", "H"), ("theme_code", "D"))},
        set_aside=[RowPlace("pilots", FILE, "Pilots", row) for row in (14, 22, 31, 40)],
        changes=Changes(date(2026, 11, 20), Tally(17, 14, 3, 2, 1, 1), FOUND[:2]),
        dimensions=[
            DimensionsOf(
                date(2026, month, 2),
                0.9 + month / 200,
                1.0,
                0.99,
                1.0,
                0.8 + month / 60,
                None,
                {Dimension.ACCURACY: "Nothing to compare with."},
            )
            for month in range(6, 12)
        ],
        score=Score(DAY, 91.4, {}, False, (), "Fill in 12 empty cells of “Contact”.", 3.2),
        corrected=corrected,
        doubts=[doubt],
    )
    return replace(gaps, sources=[agile, *gaps.sources[1:]])


NIGHTS = {
    "good": good_night,
    "gaps": gaps_night,
    "held": held_night,
    "failed": failed_night,
    "first": first_night,
    "rich": rich_night,
}
