"""Protected tables: what an entry has to say, and how what is suppressed looks in every format."""

from __future__ import annotations

import copy
import csv
import datetime as dt
import json

import duckdb
import openpyxl
import pytest
from frictionless import Package, system

from checks.rules import compile_rules
from publish.files.render import labels
from publish.metadata import dcat
from publish.metadata.datapackage import declaration_digest
from publish.metadata.protection import protection_in_words, protection_of, with_protection
from publish.metadata.schema import table_schema
from publish.portals.ckan.managed import EXTRAS
from publish.portals.ckan.wanted import wanted_dataset
from publish.portals.folder import pages
from publish.portals.folder.opening import openings
from publish.release import desired_dataset, release_folder
from tests.publish import places, protected
from warehouse.declarations import DeclarationError, Severity, literal
from warehouse.home import Home


def fields(**changes):
    """The fields, with those that are named changed, or left out where None stands."""
    made = copy.deepcopy(protected.ENTRY["fields"])
    for field in made:
        field.update(changes.get(field["name"]) or {})
    return [field for field in made if changes.get(field["name"], {}) is not None]


def disclosure(**changes):
    return {**protected.ENTRY["disclosure"], **changes}


KEY = protected.ENTRY["primaryKey"]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"disclosure": None}, "declare it"),
        ({"fields": fields(status_code=None)}, r"constraints: \{required: true, codeList: protection_statuses\}"),
        ({"fields": fields(status_code={"constraints": {}})}, "which rows are suppressed"),
        ({"primaryKey": KEY[1:]}, r"primaryKey: \[gadget_id, age_group_code, answer_code\]"),
        ({"primaryKey": [*KEY, "status_code"]}, "known by its period and its dimensions"),
        ({"fields": fields(answer_code=None), "primaryKey": KEY[:2]}, "no column answer_code"),
        (
            {"fields": fields(testers_count={"protected": None}, minutes_mean={"protected": None})},
            "protected: count",
        ),
        (
            {"fields": fields(share_pct={"type": "integer", "decimals": None, "protected": "count", "of": None})},
            "no other",
        ),
        (
            {"fields": fields(minutes_mean={"constraints": {"required": True}})},
            "minutes_mean: .* take `required` off",
        ),
        ({"fields": fields(minutes_mean={"type": "string", "decimals": None})}, "a protected mean is a number"),
        ({"fields": fields(testers_count={"type": "number"})}, "a protected count is an integer"),
        ({"fields": fields(minutes_mean={"of": "hours"})}, "one of: minutes"),
        ({"fields": fields(share_pct={"of": None})}, "one of: age_group_code, answer_code"),
        ({"disclosure": disclosure(magnitudes=[])}, "none is declared"),
        ({"fields": fields(testers_count={"of": "minutes"})}, "a count is of people"),
        ({"fields": fields(gadget_id={"of": "minutes"})}, "it has no `protected`"),
        ({"fields": fields(age_group_code={"constraints": {"enum": ["young", "total"]}})}, "out of the enum"),
        ({"fields": fields(age_group_code={"constraints": {"maxLength": 3}})}, "its constraints forbid"),
        ({"fields": fields(age_group_code={"type": "integer", "constraints": {}})}, "it is a string"),
    ],
)
def test_what_an_entry_lacks_is_said_with_what_to_write(changes, said):
    with pytest.raises(DeclarationError, match=said) as caught:
        protected.declaration(**changes)
    assert str(caught.value).startswith("test: ")


def test_a_dimension_may_hold_the_margins_code_and_nothing_else_may():
    dataset = protected.declaration(
        fields=fields(gadget_id={"constraints": {"enum": ["lamp"], "pattern": "[a-z]+"}})
    )
    assert labels(dataset.table.field("age_group_code")) == {"young": "young", "old": "old", "total": "All"}
    assert list(labels(dataset.table.field("gadget_id"))) == ["lamp"]
    described = {field["name"]: field for field in table_schema(dataset)["fields"]}
    assert described["answer_code"]["constraints"]["enum"] == ["yes", "no", "total"]
    assert described["answer_code"]["categories"][-1] == {"value": "total", "label": "All"}
    assert described["gadget_id"]["constraints"]["enum"] == ["lamp"]
    allowed = {
        rule.columns[0]: rule.demand.allowed for rule in compile_rules(dataset.table) if rule.demand.kind == "code"
    }
    assert allowed["answer_code"] == ("yes", "no", "total")
    assert allowed["gadget_id"] == ("lamp",)


def test_a_form_of_codes_lets_the_margins_code_in():
    dataset = protected.declaration(fields=fields(age_group_code={"constraints": {"pattern": "[0-9]+"}}))
    described = {field["name"]: field for field in table_schema(dataset)["fields"]}
    assert described["age_group_code"]["constraints"]["pattern"] == "(?:[0-9]+)|total"


def test_no_finding_repeats_a_protected_value():
    assert protected.declaration().table.field("testers_count").is_withheld
    assert not protected.declaration().table.field("gadget_id").is_withheld


def test_what_is_not_protected_keeps_its_digest():
    plain = places.declaration(fields=places.ENTRY["fields"][:3], district=None)
    digest = "a93b5fe4a191b755d9d2012e30b14bf2909b883946bb0c710557cf139a9f4a34"
    assert declaration_digest(plain, {}) == digest


@pytest.fixture(scope="module")
def released(tmp_path_factory):
    home = Home(tmp_path_factory.mktemp("home"))
    made = protected.release(home)
    return home, made, release_folder(home, made)


def test_frictionless_finds_the_release_valid_and_reads_what_is_suppressed_as_missing(released):
    _, _, folder = released
    with system.use_context(trusted=True):
        package = Package(str(folder / "datapackage.json"))
        report = package.validate()
        assert report.valid, report.flatten(["title", "message"])
        for resource in package.resources:
            if resource.format in ("csv", "xlsx") and not resource.name.endswith(("changes", "dictionary")):
                rows = resource.read_rows()
                assert [row["testers_count"] for row in rows] == [None, 30, None, 30, 60, 30, None, 30, None]
                assert [row["status_code"] for row in rows].count("suppressed") == 4


def test_every_file_says_what_is_suppressed(released):
    _, _, folder = released
    with (folder / "gadget-tests.csv").open(newline="") as file:
        first = next(csv.DictReader(file))
    assert (first["testers_count"], first["status_code"]) == ("", "suppressed")
    read = duckdb.connect()
    parquet = literal(str(folder / "gadget-tests.parquet"))
    shown = read.execute(
        f"SELECT DISTINCT testers_count, share_pct FROM {parquet} WHERE status_code <> 'published'"
    )
    assert shown.fetchall() == [(None, None)]
    noted = read.execute(f"SELECT value FROM parquet_kv_metadata({parquet}) WHERE key = 'fields'").fetchone()
    assert "Empty where status_code is suppressed" in json.loads(noted[0])["share_pct"]["description"]
    book = openpyxl.load_workbook(folder / "gadget-tests.xlsx")
    cell, number = book["Data"]["D2"], book["Data"]["D3"]
    assert (cell.value, cell.font.italic, number.value, number.font.italic) == ("suppressed", True, 30, False)
    assert book["Data"].max_row == 10
    about = {row[0]: row[1] for row in book["About"].iter_rows(values_only=True) if row[0]}
    assert "A count of 1 to 9 is suppressed" in about["Protection"]
    dictionary = {row[0]: row for row in book["Data dictionary"].iter_rows(values_only=True)}
    assert dictionary["share_pct"][4].startswith("Of those who answered. Empty where status_code is suppressed")
    assert dictionary["answer_code"][5].endswith("total: All")


def test_the_sheet_opens_in_pandas_as_the_page_says(released, monkeypatch):
    _, _, folder = released
    monkeypatch.chdir(folder)
    files = {key: f"gadget-tests.{key}" for key in ("csv", "parquet", "xlsx")}
    for line in openings(protected.declaration().table, files):
        if line.language == "python":
            scope = {}
            exec(line.code, scope)  # noqa: S102
            data = scope["data"]
            assert data["testers_count"].isna().sum() == 4
            assert data["testers_count"].sum() == 180
            assert (data["status_code"] == "suppressed").sum() == 4


def test_the_description_states_the_rule_for_machines_and_in_words(released):
    _, _, folder = released
    described = json.loads((folder / "datapackage.json").read_text())
    block = described["disclosure"]
    assert (block["threshold"], block["pPercent"], block["totalCode"]) == (10, 10, "total")
    assert block["period"] == ["gadget_id"]
    assert block["dimensions"] == [["age_group_code"], ["answer_code"]]
    assert block["protectedFields"] == [
        {"name": "testers_count", "kind": "count"},
        {"name": "minutes_mean", "kind": "mean", "of": "minutes", "decimals": 1, "minimum": 0, "maximum": 60},
        {"name": "share_pct", "kind": "share", "of": "answer_code", "decimals": 1},
    ]
    text = " ".join(block["text"])
    for said in (
        "each is a tester who answered",
        "1 to 9",
        "within 10 per cent (the p% rule)",
        "published as 0",
        "exact",
        "audited",
        "next update comes when enough changed",
        "Not covered",
        "verify-disclosure",
    ):
        assert said in text
    schema = described["resources"][0]["schema"]
    missing = {field["name"]: field.get("missingValues") for field in schema["fields"]}
    assert missing["gadget_id"] is None
    assert missing["testers_count"][0]["value"] == ""
    assert missing["testers_count"][0]["label"].startswith("suppressed: ")
    assert any("suppressed" in note for note in described["notes"])


def test_a_column_is_known_as_protected_from_the_description_alone():
    block = protection_of(protected.declaration())
    for name in ("share_pct", "answer_code", "gadget_id"):
        declared = protected.declaration().table.field(name)
        plain = declared.of_protected_table(has_total=False, protected=None)
        assert with_protection(plain, block) == declared


def test_without_sums_nothing_is_said_of_the_rule_for_sums():
    dataset = protected.declaration(fields=fields(minutes_mean=None), disclosure=disclosure(magnitudes=[]))
    assert "p%" not in " ".join(protection_in_words(dataset))
    assert "pPercent" not in protection_of(dataset)
    assert protection_of(places.declaration()) is None
    assert protection_in_words(places.declaration()) == ()


def test_portals_show_what_is_suppressed_and_why(released):
    home, made, _ = released
    wanted = desired_dataset(protected.declaration(), made, [made], home)
    page = pages.dataset_page(wanted, pages.Site())
    assert page.count('<i class="quiet">suppressed</i>') == 4 * 3
    assert "How people are protected" in page
    node = dcat.dataset_node(wanted, "")
    assert node["dct:provenance"]["@type"] == "dct:ProvenanceStatement"
    assert node["dct:accrualPeriodicity"]
    ckan = wanted_dataset(wanted, "https://ckan.example")
    assert "## How people are protected" in ckan.fields["notes"]
    assert json.loads(ckan.extras["disclosure"])["threshold"] == 10
    assert set(ckan.extras) <= EXTRAS
    notes = {column["id"]: column["info"].get("notes", "") for column in ckan.columns}
    assert notes["answer_code"] == "total: All."
    assert notes["testers_count"] == "Empty where status_code is suppressed: not published, to protect people."
    assert notes["gadget_id"] == ""


def test_where_nothing_is_protected_nothing_is_said_of_it(tmp_path):
    home = Home(tmp_path)
    made = places.release(home, places.rows(3))
    page = pages.dataset_page(places.wanted(home, made), pages.Site())
    assert "How people are protected" not in page
    described = json.loads((release_folder(home, made) / "datapackage.json").read_text())
    assert "disclosure" not in described
    node = dcat.dataset_node(places.wanted(home, made), "")
    assert "suppressed" not in json.dumps(node)


def test_what_stays_suppressed_is_no_change(tmp_path):
    home = Home(tmp_path)
    first = protected.release(home)
    grown = [
        ("lamp", "total", "total", 80, 10.0, 100.0, "published"),
        ("lamp", "old", "total", 50, 10.0, 100.0, "published"),
    ]
    rows = [next((new for new in grown if new[:3] == row[:3]), row) for row in protected.PUBLISHED]
    second = protected.release(home, rows, [first], dt.date(2026, 4, 1))
    with (release_folder(home, second) / "changes.csv").open(newline="") as file:
        lines = list(csv.DictReader(file))
    assert [(line["age_group_code"], line["field"], line["old"], line["new"]) for line in lines] == [
        ("old", "testers_count", "30", "50"),
        ("total", "testers_count", "60", "80"),
    ]
    assert (second.changed, second.added, second.removed) == (2, 0, 0)


def test_a_suppressed_row_that_shows_something_is_critical():
    rules = [rule for rule in compile_rules(protected.declaration().table) if rule.demand.kind == "suppressed"]
    assert [rule.columns for rule in rules] == [
        (name, "status_code") for name in ("testers_count", "minutes_mean", "share_pct")
    ]
    assert {rule.severity for rule in rules} == {Severity.CRITICAL}
    read = duckdb.connect()
    read.execute(
        "CREATE TABLE rows (_id INTEGER, testers_count INTEGER, minutes_mean DOUBLE, status_code VARCHAR)"
    )
    read.execute(
        "INSERT INTO rows VALUES (1, 3, NULL, 'suppressed'), (2, NULL, NULL, 'published'), (3, 0, NULL,"
        " 'published'), (4, NULL, NULL, 'suppressed'), (5, NULL, 1.5, 'suppressed')"
    )
    found = {
        rule.columns[0]: [
            row[0]
            for row in read.execute(
                rule.demand.asked(rule.columns)[1]["unexpected_rows_query"].format(batch="rows") + " ORDER BY 1"
            ).fetchall()
        ]
        for rule in rules[:2]
    }
    assert found == {"testers_count": [1, 2], "minutes_mean": [5]}
