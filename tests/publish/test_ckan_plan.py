"""What the CKAN portal would do, worked out from two descriptions: no server is asked."""

from __future__ import annotations

import copy
import dataclasses
import datetime as dt
import json

import pytest

from publish.desired import resource_id
from publish.plans import PortalError
from publish.portals import Portal
from publish.portals.ckan import CkanPortal
from publish.portals.ckan.client import READS
from publish.portals.ckan.compare import Actual, compare
from publish.portals.ckan.revision import revision
from publish.portals.ckan.table import Edits, TableState
from publish.portals.ckan.wanted import wanted_dataset
from tests.publish import places
from warehouse.home import Home

ADDRESS = "https://data.example.org"
TOKEN = "eyJ.secret-token.123"
CSV = resource_id("places", "csv")
XLSX = resource_id("places", "xlsx")


@pytest.fixture(scope="module")
def versions(tmp_path_factory):
    home = Home(tmp_path_factory.mktemp("home"))
    first = places.release(home, places.rows(30))
    second = places.release(home, places.rows(20), [first], day=dt.date(2026, 3, 1))
    return [places.wanted(home, first), places.wanted(home, first, second)]


@pytest.fixture(scope="module")
def wanted(versions):
    return wanted_dataset(versions[0], ADDRESS)


@pytest.fixture
def shown(wanted):
    return shown_as(wanted)


def shown_as(wanted, **changes):
    """A portal that holds all of it."""
    package = {
        **wanted.fields,
        "id": "a-package",
        "name": wanted.name,
        "private": False,
        "state": "active",
        "metadata_modified": "2026-02-02T00:00:00",
        "organization": {"name": wanted.organisation["name"]},
        "tags": [{"name": tag, "vocabulary_id": None} for tag in wanted.tags],
        "extras": [{"key": key, "value": value} for key, value in wanted.extras.items()],
        "resources": [
            {
                **fields,
                "id": rid,
                "size": wanted.files[rid].size,
                "url_type": "upload",
                "url": fields["download_url"],
            }
            for rid, fields in wanted.resources.items()
        ],
        **changes,
    }
    first, *others = copy.deepcopy(wanted.columns)
    first["info"]["rows_of"] = wanted.holds
    table = TableState((first, *others), wanted.rows, wanted.holds)
    return Actual(package, True, table, ({"id": "v", "view_type": "datatables_view"},))


def told(plan):
    return [f"{change.action} {change.target}: {change.detail}" for change in plan.changes]


def test_nothing_differs(wanted, shown):
    plan = compare(wanted, shown)
    assert plan.changes == ()
    assert not (plan.revises)
    assert not (plan.create)
    assert not (plan.publish)
    assert not (plan.table)
    assert not (plan.view)


def test_a_dataset_that_is_not_there(wanted):
    plan = compare(wanted, Actual(None, has_organisation=False))
    assert plan.create
    assert plan.create_organisation
    lines = told(plan)
    assert lines[0].startswith("create organisation town")
    assert "private until complete" in lines[1]
    assert lines[-1] == "publish dataset: the last step"
    assert [line.split(":")[0] for line in lines[2:4]] == ["upload CSV", "upload Parquet"]


def test_the_csv_comes_first_and_ids_are_ours(wanted):
    assert next(iter(wanted.resources)) == CSV == wanted.table_id
    assert all(fields["hash"] == wanted.files[rid].sha256 for rid, fields in wanted.resources.items())


def test_a_new_version_is_told_in_one_line_and_shrinking_is_seen(versions, wanted, shown):
    plan = compare(wanted_dataset(versions[1], ADDRESS), shown)
    lines = told(plan)
    assert lines[0] == (
        "update dataset: version 2026-02-01 becomes 2026-03-01, 20 rows: 0 added, 0 changed, 10 removed"
    )
    (table,) = (line for line in lines if line.startswith("load table"))
    assert "30 rows become 20: SHRINKS by 33.3 %, more than the 20 % that its declaration allows" in table
    assert plan.table == "rows"
    assert CSV in plan.uploads
    assert plan.extras["data_date"] == "2026-03-01"
    assert not [line for line in lines if "data_date" in line]


def test_data_about_the_data(wanted):
    extras = wanted.extras
    assert extras["opendistrict"] == "places"
    assert json.loads(extras["theme"]) == ["http://publications.europa.eu/resource/authority/data-theme/REGI"]
    assert extras["frequency"].endswith("/frequency/DAILY")
    assert json.loads(extras["spatial"])["type"] == "Polygon"
    assert extras["issued"] == extras["modified"] == "2026-02-01"
    assert "First version" in extras["changelog"]
    assert wanted.fields["license_id"] == "cc-by"
    assert "* Some places are closed." in wanted.fields["notes"]
    types = {column["id"]: column["type"] for column in wanted.columns}
    assert types == {
        "code": "text",
        "number": "int8",
        "name": "text",
        "theme_code": "text",
        "area_m2": "numeric",
        "score": "numeric",
        "is_open": "bool",
        "opened_date": "date",
        "seen_at": "timestamp",
    }
    assert wanted.columns[4]["info"] == {"label": "Area", "unit": "m2"}


def test_long_texts_are_cut_to_what_can_be_indexed(versions):
    log = "\n".join(f"## 2026-01-{n}\n\n- Data of 2026-01-01, {n} rows ä\n" for n in range(3000))
    ring = [[20 + n / 1000, 60 + n / 1000] for n in range(3000)]
    big = dataclasses.replace(
        versions[0], changelog=log, spatial={"type": "Polygon", "coordinates": [[*ring, ring[0]]]}
    )
    extras = wanted_dataset(big, ADDRESS).extras
    assert len(extras["changelog"].encode()) <= 24_000
    assert extras["changelog"].startswith("## 2026-01-0")
    assert extras["version_notes"] == "## 2026-01-0\n\n- Data of 2026-01-01, 0 rows ä"
    assert extras["issued"] == "2026-01-01"
    corners = json.loads(extras["spatial"])["coordinates"][0]
    assert corners[0] == corners[-1] == [20, 60]


def test_keywords_become_tags_that_ckan_takes(versions):
    entry = versions[0].declaration.entry.model_copy(
        update={"keywords": ("R&D (big)", "스마트", "x", "a  b", "a b")}
    )
    desired = dataclasses.replace(
        versions[0], declaration=dataclasses.replace(versions[0].declaration, entry=entry)
    )
    assert wanted_dataset(desired, ADDRESS).tags == ("R D big", "a b", "스마트")


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"title": "Mine"}, "update title: “Mine” becomes “Places”"),
        ({"private": True}, "publish dataset: it is private; it becomes public when all of it is in place"),
        ({"state": "deleted"}, "update state: somebody has deleted the dataset on the portal; it is restored"),
        ({"license_id": "other-open"}, "update license_id: “other-open” becomes “cc-by”"),
        ({"tags": [{"name": "spam"}]}, "update keywords: + places, - spam"),
        ({"organization": {"name": "else"}}, "update organisation: “else” becomes “town”"),
        (
            {"name": "my-places"},
            "update name: “my-places” becomes “places”: somebody has renamed the dataset on the portal;"
            " links to it by name work again",
        ),
    ],
)
def test_what_somebody_changed_is_found(wanted, changes, expected):
    plan = compare(wanted, shown_as(wanted, **changes))
    assert told(plan) == [expected]


@pytest.mark.parametrize("gone", [0, 1, 4])
def test_a_dataset_renamed_by_hand_is_found_by_a_resource_of_ours_and_gets_its_name_back(wanted, shown, gone):
    """A name is looked up first; creating the dataset anew would fail, for its resource ids are taken."""
    package = {**shown.package, "name": "my-places", "resources": shown.package["resources"][gone:]}
    portal = CkanPortal(ADDRESS, TOKEN)

    def call(action, data, *, missing_ok=False):
        if action == "package_show":
            return package if data["id"] in (package["id"], package["name"]) else None
        if action == "resource_show":
            held = [item["id"] for item in package["resources"]]
            return {"id": data["id"], "package_id": package["id"]} if data["id"] in held else None
        answers = {"organization_show": {"state": "active"}, "resource_view_list": [], "datastore_info": None}
        return answers[action]

    portal._client.call = call
    portal._client.size = lambda url: None if "/dataset/my-places/" in url else -1
    plan = compare(wanted, portal._read(wanted))
    assert not plan.create
    assert len(plan.additions) == len(plan.uploads) == gone
    data = revision(wanted, plan, package)
    assert json.loads(data["update__name"]) == "places"
    assert json.loads(data["match__id"]) == "a-package"


def test_a_dataset_that_is_nowhere_is_created(wanted):
    portal = CkanPortal(ADDRESS, TOKEN)
    portal._client.call = lambda action, data, *, missing_ok=False: None
    assert compare(wanted, portal._read(wanted)).create


def test_extras_of_others_stay_and_ours_that_are_gone_go(wanted, shown):
    extras = shown.package["extras"]
    extras.append({"key": "internal_owner", "value": "unit 5"})
    assert compare(wanted, shown).changes == ()
    extras[:] = [item for item in extras if item["key"] != "attribution"]
    fewer = dataclasses.replace(wanted, extras={k: v for k, v in wanted.extras.items() if k != "spatial_text"})
    plan = compare(fewer, shown)
    assert plan.extras["internal_owner"] == "unit 5"
    assert plan.extras["attribution"] == "The Town"
    assert "spatial_text" not in plan.extras


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        ("hash", "0" * 64, "new content"),
        ("hash", "", "the file is not there yet"),
        ("url_type", "", "somebody has put a link in the place of the file"),
        ("url", "https://data.example.org/x/renamed.csv", "the file has another name on the portal"),
    ],
)
def test_a_file_that_is_not_ours_any_more_is_sent_again(wanted, shown, field, value, expected):
    shown.package["resources"][0][field] = value
    plan = compare(wanted, shown)
    assert plan.uploads == (CSV,)
    assert expected in told(plan)[0]


@pytest.mark.parametrize(("size", "expected"), [(-1, "lost the file"), (7, "serves 7 bytes")])
def test_what_the_portal_serves_counts(wanted, shown, size, expected):
    plan = compare(wanted, dataclasses.replace(shown, sizes={CSV: size}))
    assert plan.uploads == (CSV,)
    assert expected in told(plan)[0]


def test_a_resource_that_is_gone_is_added_and_order_restored(wanted, shown):
    del shown.package["resources"][0]
    plan = compare(wanted, dataclasses.replace(shown, table=None))
    assert plan.additions == plan.uploads == (CSV,)
    assert plan.reorder
    assert plan.table == "fill"
    data = {key: json.loads(value) for key, value in revision(wanted, plan, shown.package).items()}
    assert [item["id"] for item in data["update__resources__extend"]] == [CSV]
    assert data["match__metadata_modified"] == "2026-02-02T00:00:00"


def test_only_resources_of_ours_are_removed(wanted, shown):
    shown.package["resources"].append({"id": "someone-elses", "name": "PDF"})
    fewer = dataclasses.replace(
        wanted,
        resources={rid: fields for rid, fields in wanted.resources.items() if rid != XLSX},
        files={rid: file for rid, file in wanted.files.items() if rid != XLSX},
    )
    plan = compare(fewer, shown)
    assert plan.removals == (XLSX,)
    assert not plan.reorder
    assert json.loads(revision(fewer, plan, shown.package)["filter"]) == [f"-resources__{XLSX}"]


def test_a_dataset_of_somebody_else_is_refused(wanted, shown):
    shown.package["extras"] = []
    shown.package["resources"] = [{"id": "else", "name": "x"}]
    with pytest.raises(PortalError, match="was not published from here"):
        compare(wanted, shown)


def test_a_removed_mark_is_put_back(wanted, shown):
    shown.package["extras"] = [item for item in shown.package["extras"] if item["key"] != "opendistrict"]
    assert told(compare(wanted, shown)) == ["update opendistrict: nothing becomes “places”"]


def table_of(shown, **changes):
    return dataclasses.replace(shown, table=dataclasses.replace(shown.table, **changes))


def test_the_table(wanted, shown):
    def kind(actual):
        return compare(wanted, actual).table

    assert kind(dataclasses.replace(shown, table=None)) == "fill"
    assert kind(table_of(shown, holds="")) == "rows"
    assert kind(table_of(shown, holds="changing to 2026-03-01")) == "rows"
    assert kind(table_of(shown, count=29)) == "rows"
    assert kind(table_of(shown, columns=shown.table.columns[:-1])) == "columns"
    retyped = copy.deepcopy(shown.table.columns)
    retyped[1]["type"] = "text"
    assert kind(table_of(shown, columns=retyped)) == "columns"
    renamed = copy.deepcopy(shown.table.columns)
    renamed[1]["info"]["label"] = "Nr"
    assert kind(table_of(shown, columns=renamed)) == "dictionary"
    keyless = copy.deepcopy(shown.table.columns)
    keyless[0]["schema"] = {"is_index": False}
    assert kind(table_of(shown, columns=keyless)) == "columns"
    assert kind(table_of(shown, is_active=False)) == "dictionary"
    assert kind(table_of(shown, edits=Edits(1, ("row number=1: name",)))) == "rows"
    assert kind(dataclasses.replace(shown, table=None, can_have_tables=False)) == ""


def test_the_same_rows_of_another_version_are_not_sent_again(wanted, shown):
    same = wanted.holds.replace("2026-02-01", "2025-12-01")
    assert compare(wanted, table_of(shown, holds=same)).changes == ()


def test_the_view(wanted, shown):
    assert compare(wanted, dataclasses.replace(shown, views=())).view == "create"
    views = ({"id": "1", "view_type": "text_view"}, {"id": "2", "view_type": "datatables_view"})
    assert compare(wanted, dataclasses.replace(shown, views=views)).view == "reorder"
    assert compare(wanted, dataclasses.replace(shown, views=(), can_have_views=False)).view == ""


def test_the_switch_is_one_call_with_all_of_it(versions, shown):
    wanted = wanted_dataset(versions[1], ADDRESS)
    plan = compare(wanted, shown)
    data = {key: json.loads(value) for key, value in revision(wanted, plan, shown.package).items()}
    assert data["match__id"] == "a-package"
    assert data["filter"] == ["-extras"]
    assert data["update__version"] == "2026-03-01"
    assert data[f"update__resources__{CSV}__hash"] == wanted.files[CSV].sha256
    assert {item["key"] for item in data["update__extras"]} == set(wanted.extras)
    for rid in wanted.resources:
        assert data[f"update__resources__{rid}__release_version"] == "2026-03-01"


def test_tags_of_a_vocabulary_stay(wanted, shown):
    shown.package["tags"] = [{"name": "fi", "vocabulary_id": "v1"}]
    plan = compare(wanted, shown)
    data = {key: json.loads(value) for key, value in revision(wanted, plan, shown.package).items()}
    assert data["update__tags"] == [{"name": "fi", "vocabulary_id": "v1"}, {"name": "places"}]


# --- address and token ----------------------------------------------------------------------------------


def test_the_token_is_in_no_text():
    portal: Portal = CkanPortal("https://data.example.org/catalogue/", f" {TOKEN}\n")
    assert portal.address == "https://data.example.org/catalogue"
    assert TOKEN not in repr(portal) + repr(portal._client) + repr(vars(portal))


@pytest.mark.parametrize(
    ("address", "token"),
    [
        ("data.example.org", TOKEN),
        ("ftp://data.example.org", TOKEN),
        ("https://data.example.org:123456", TOKEN),
        ("https://[data.example.org", TOKEN),
        ("https://user:pass-word@data.example.org", TOKEN),
        ("https://data.example.org/?key=pass-word", TOKEN),
        ("https://data.example.org", ""),
        ("https://data.example.org", f"{TOKEN}\nX: pass-word"),
    ],
)
def test_an_address_or_token_that_cannot_be(address, token):
    with pytest.raises(PortalError) as refused:
        CkanPortal(address, token)
    assert "pass-word" not in str(refused.value)
    assert TOKEN not in str(refused.value)


def test_a_token_in_the_clear_is_warned_of(recwarn):
    CkanPortal("http://127.0.0.1:5000", TOKEN)
    CkanPortal("http://localhost:5000", TOKEN)
    CkanPortal("https://data.example.org", TOKEN)
    assert not recwarn.list
    with pytest.warns(UserWarning, match="unencrypted"):
        CkanPortal("http://data.example.org", TOKEN)


def test_no_action_that_writes_counts_as_a_read():
    writing = ("create", "update", "patch", "revise", "delete", "purge", "upsert", "reorder")
    assert not [action for action in READS if any(word in action for word in writing)]
