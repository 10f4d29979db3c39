"""Grants as a package of the 360Giving standard: valid, the same bytes, and nothing of what was withdrawn."""

from __future__ import annotations

import datetime as dt
import json
import re
from pathlib import Path
from typing import Any

import pytest

from publish.metadata.dcat import dataset_node
from publish.portals.ckan.wanted import wanted_dataset
from publish.release import release_folder, verify_release
from publish.withdrawal import rewrite
from tests.publish import places
from warehouse.declarations import DatasetDeclaration, DeclarationError
from warehouse.home import Home
from warehouse.withdrawals import withdrawal

SCHEMA = Path(__file__).parents[3] / "shared" / "data" / "threesixty_giving" / "schema"

COLUMNS = (
    "id",
    "title",
    "text",
    "currency",
    "amount",
    "awarded",
    "funder",
    "recipient",
    "recipient_id",
    "told",
    "start",
    "end",
)
GRANTS = {
    "id": "id",
    "title": "title",
    "description": "text",
    "currency": "currency",
    "amount": "amount",
    "award_date": "awarded",
    "funder_name": "funder",
    "recipient_name": "recipient",
    "recipient_org_id": "recipient_id",
    "planned_start_date": "start",
    "planned_end_date": "end",
    "elsewhere": "told",
}
CHANGES: dict[str, Any] = {
    "publisher": {"name": "town", "title": "The Town", "grant_prefix": "360G-town", "org_id": "GB-LAE-TWN"},
    "fields": [
        {"name": name, "title": name.title(), **({"type": "date"} if name in ("awarded", "start", "end") else {}),
         **({"type": "number", "decimals": 2} if name == "amount" else {})}
        for name in COLUMNS
    ],
    "primaryKey": ["id"],
    "formats": ["threesixty_giving"],
    "grants": GRANTS,
}  # fmt: skip
DATASET = places.declaration(**CHANGES)
DAY = dt.date(2020, 1, 2)


def row(**changes: Any) -> tuple[Any, ...]:
    usual = ("a", "A grant", "For it", "EUR", 8000.5, DAY, "Äly Oy", "Kuu Oy", "FI-PRO-9000001-1", None, DAY, DAY)
    return tuple((dict(zip(COLUMNS, usual, strict=True)) | changes).values())


ROWS = [
    row(id="b", title='He said "hi"\n<b>', text="{}, é\x1f€𝔘", recipient_id=None, start=None),
    row(),
    row(id="c", amount=None),
    row(id="d", awarded=None),
    row(id="e", told="360G-other-1"),
    row(id="360G-town-f"),
]


def release(home: Home, rows: list[tuple[Any, ...]], dataset: DatasetDeclaration = DATASET, **more: Any) -> Any:
    return places.release(home, rows, dataset=dataset, **more)


def package(home: Home, made: Any) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((release_folder(home, made) / "places.360giving.json").read_text("utf-8"))
    return content


def faults(content: dict[str, Any]) -> list[str]:
    """What the standard's own schema says, if it is at hand; else what is required of a package by it."""
    if SCHEMA.is_dir():
        from jsonschema import Draft202012Validator, FormatChecker
        from referencing import Registry, Resource

        grant = json.loads((SCHEMA / "360-giving-schema.json").read_text("utf-8"))
        whole = json.loads((SCHEMA / "360-giving-package-schema.json").read_text("utf-8"))
        address = whole["properties"]["grants"]["items"]["$ref"]
        for schema in (grant, whole):  # the standard names the dialect by an address that nothing knows
            schema["$schema"] = Draft202012Validator.META_SCHEMA["$schema"]
        registry: Registry[Any] = Registry().with_resources(
            [(name, Resource.from_contents(grant)) for name in (address, grant["$id"])]
        )
        formats = FormatChecker(())
        formats.checks("date-time")(lambda text: re.fullmatch(r"\d{4}-\d{2}-\d{2}T.+", str(text)) is not None)
        found = Draft202012Validator(whole, registry=registry, format_checker=formats).iter_errors(content)
        return [f"{list(fault.absolute_path)}: {fault.message[:200]}" for fault in found]
    required = ("id", "title", "description", "currency", "amountAwarded", "awardDate")
    return [
        f"{one.get('id')}: {name}"
        for one in content["grants"]
        for name in (*required, "recipientOrganization", "fundingOrganization")
        if one.get(name) in (None, "", [])
    ] + [one["id"] for one in content["grants"] if not re.fullmatch(r"[0-9-]{10}", one["awardDate"])]


def test_the_package_is_valid_and_holds_the_grants_that_are_ours(tmp_path: Path) -> None:
    home = Home(tmp_path)
    made = release(home, ROWS)
    content = package(home, made)
    assert faults(content) == []
    assert [one["id"] for one in content["grants"]] == ["360G-town-f", "360G-town-a", "360G-town-b"]
    assert content["grants"][1] == {
        "id": "360G-town-a",
        "title": "A grant",
        "description": "For it",
        "currency": "EUR",
        "amountAwarded": 8000.5,
        "awardDate": "2020-01-02",
        "plannedDates": [{"startDate": "2020-01-02", "endDate": "2020-01-02"}],
        "recipientOrganization": [{"id": "FI-PRO-9000001-1", "name": "Kuu Oy"}],
        "fundingOrganization": [{"id": "360G-town-org:aly-oy", "name": "Äly Oy"}],
    }
    hostile = content["grants"][2]
    assert hostile["title"] == 'He said "hi"\n<b>'
    assert hostile["recipientOrganization"] == [{"id": "360G-town-org:kuu-oy", "name": "Kuu Oy"}]
    assert "plannedDates" not in hostile
    assert "Of 6 rows of the dataset 3 are in this package" in content["description"]
    assert content["publisher"] == {"identifier": "GB-LAE-TWN", "name": "The Town"}


def test_the_same_rows_make_the_same_bytes(tmp_path: Path) -> None:
    homes = [Home(tmp_path / name) for name in ("one", "two")]
    made = [release(home, rows) for home, rows in zip(homes, (ROWS, ROWS[::-1]), strict=True)]
    texts = [
        (release_folder(home, one) / "places.360giving.json").read_bytes()
        for home, one in zip(homes, made, strict=True)
    ]
    assert texts[0] == texts[1]


def test_portals_offer_it_like_the_other_files(tmp_path: Path) -> None:
    home = Home(tmp_path)
    made = release(home, ROWS)
    assert verify_release(release_folder(home, made)) == []
    described = json.loads((release_folder(home, made) / "datapackage.json").read_text("utf-8"))
    (resource,) = [one for one in described["resources"] if one["path"] == "places.360giving.json"]
    assert "schema" not in resource
    assert resource["format"] == "json"
    shown = places.wanted(home, made, dataset=DATASET)
    assert [one.key for one in shown.resources].count("threesixty_giving") == 1
    wanted = wanted_dataset(shown, "https://portal.example")
    assert "360Giving" in [one["name"] for one in wanted.resources.values()]
    assert "places.360giving.json" in json.dumps(dataset_node(shown, "./"))


def test_without_a_grant_there_is_no_package(tmp_path: Path) -> None:
    home = Home(tmp_path)
    made = release(home, [row(funder=None)])
    assert made.file("threesixty_giving") is None
    assert not (release_folder(home, made) / "places.360giving.json").exists()


def test_what_is_withdrawn_leaves_the_package_and_the_last_grant_takes_it_along(tmp_path: Path) -> None:
    home = Home(tmp_path)
    made = release(home, ROWS[:3])
    listed = [withdrawal("places", {"id": "a"}, None, "asked for", "2026-02-02")]
    once = rewrite(home, made, DATASET, {}, listed)
    assert [one["id"] for one in package(home, once)["grants"]] == ["360G-town-b"]
    listed.append(withdrawal("places", {"id": "b"}, None, "asked for", "2026-02-02"))
    twice = rewrite(home, once, DATASET, {}, listed)
    folder = release_folder(home, twice)
    assert twice.file("threesixty_giving") is None
    assert not (folder / "places.360giving.json").exists()
    assert "360giving" not in (folder / "datapackage.json").read_text("utf-8")
    assert verify_release(folder) == []


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"grants": None}, "needs `grants`"),
        ({"formats": []}, "needs `grants`"),
        ({"grants": GRANTS | {"title": "nothing"}}, "has no column nothing"),
        ({"publisher": {"name": "town", "title": "The Town"}}, "no grant_prefix"),
    ],
)
def test_a_package_that_cannot_be_made_is_a_fault_of_the_entry(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(DeclarationError, match=said):
        places.declaration(**CHANGES | changes)
