"""What the report says of datasets about people: no more than the published files tell anybody."""

from __future__ import annotations

import html
import re
from datetime import date

from checks.report import DatasetSection, render_report
from tests.checks.report_nights import night, release
from warehouse.declarations import CatalogueEntry, DatasetDeclaration, TableDeclaration
from warehouse.protection import Protection

DAY = date(2026, 11, 23)
FIELDS = [
    {"name": "survey_id", "title": "Survey", "privacy": "public", "constraints": {"required": True}},
    {"name": "measure_code", "title": "Measure", "privacy": "public", "constraints": {"codeList": "themes"}},
    {"name": "answers_count", "title": "Answers", "privacy": "public", "type": "integer", "unit": "people"},
]
KEY = ["survey_id", "measure_code"]
ENTRY = {
    "name": "what-people-say",
    "title": "What people say",
    "description": "Invented.",
    "each_row_is_a": "count of people",
    "publisher": "opendistrict",
    "licence": "CC-BY-4.0",
    "attribution": "Nobody",
    "keywords": [],
    "theme": "SOCI",
    "frequency": "IRREG",
    "primaryKey": KEY,
    "fields": [{"name": field["name"], "title": field["title"]} for field in FIELDS],
    "disclosure": {
        "population": "people",
        "counts": "resident who answered",
        "sensitivity": "residents",
        "period": KEY,
        "dimensions": [["age_group_code"]],
    },
}


def shown(*protection: Protection) -> tuple[str, str]:
    """The report of one dataset about people, and its section about them as text."""
    table = TableDeclaration.model_validate(
        {
            "name": "what_people_say",
            "title": "What people say",
            "each_row_is_a": "count",
            "primaryKey": KEY,
            "fields": FIELDS,
        }
    )
    declaration = DatasetDeclaration(CatalogueEntry.model_validate(ENTRY), table)
    section = DatasetSection(declaration, "released", "", release(declaration), None, (), (), protection)
    page = render_report(night([], [section]))["index.html"]
    found = re.search(r'<section id="people".*?</section>', page, re.DOTALL)
    return page, html.unescape(re.sub(r"<[^>]+>", " ", found[0])) if found else ""


def one(survey: str, state: str, cells: int = 9, suppressed: int = 3, *warnings: str) -> Protection:
    return Protection((survey, "mobility"), state, cells, suppressed, DAY, warnings)  # type: ignore[arg-type]


def test_a_dataset_without_people_has_no_such_section():
    page, text = shown()
    assert text == ""
    assert "Suppressed" not in page


def test_each_table_is_said_with_its_state_and_what_is_missing_of_it():
    _, text = shown(
        one("s-new", "new"), one("s-same", "same", suppressed=0), one("s-stands", "stands"), one("s-kept", "kept")
    )
    words = " ".join(text.split())
    assert "27 of 36 numbers in 4 tables published; 9 suppressed (25 %)." in words
    assert "fewer than 10 and at least one" in words
    assert "s-new Mobility ✓ Published anew 6 of 9 3 23 November 2026" in words
    assert "s-same Mobility ✓ Unchanged 9 of 9 0" in words
    assert "s-stands Mobility ○ Stands: next update when enough changed 6 of 9" in words
    assert "s-kept Mobility ○ Kept: the answers are deleted" in words


def test_what_could_not_be_proved_comes_first_and_nothing_of_it_is_published():
    withheld = Protection(("s-9", "mobility"), "withheld", 0, 0, None)
    _, text = shown(one("s-1", "new"), withheld)
    words = " ".join(text.split())
    assert words.index("s-9") < words.index("s-1")
    assert "Withheld: nothing could be released with proof nothing nothing is published" in words


def test_many_tables_are_folded_and_none_is_lost():
    page, text = shown(*(one(f"s-{number}", "new") for number in range(40)))
    assert "28 more tables" in text
    assert all(f"s-{number} " in text for number in range(40))
    assert page.count(">Suppressed</th>") == 2


def test_what_is_said_of_groups_is_no_markup():
    page, text = shown(one("s-1", "new", 9, 3, "nobody of 65 and over <b>said</b> yes"))
    assert "s-1, mobility: nobody of 65 and over" in " ".join(text.split())
    assert "<b>said</b>" not in page
