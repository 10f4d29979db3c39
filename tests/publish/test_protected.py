"""Protected tables: what an entry has to say, and how what is suppressed looks in every format."""

from __future__ import annotations

import copy

import pytest

from checks.rules import compile_rules
from publish.files.render import labels
from publish.metadata.datapackage import declaration_digest
from publish.metadata.schema import table_schema
from tests.publish import places, protected
from warehouse.declarations import DeclarationError


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
    digest = "b70783b338da07a1572b0cb5765f28f17e28b202897baee6c645b2576469e3bb"
    assert declaration_digest(plain, {}) == digest
