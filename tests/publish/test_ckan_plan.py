"""What the CKAN portal would do, worked out from two descriptions: no server is asked."""

from __future__ import annotations

import copy
import dataclasses
import datetime as dt
import json
import unicodedata
import zipfile

import pytest

from publish.desired import resource_id
from publish.plans import PortalError
from publish.portals import Portal
from publish.portals.ckan import CkanPortal
from publish.portals.ckan.client import READS, Served
from publish.portals.ckan.compare import Actual, Place, compare, creation_record, is_ours
from publish.portals.ckan.keywords import tags_of
from publish.portals.ckan.managed import STATE, WROTE, Record, sum_of, taken_down
from publish.portals.ckan.revision import revision
from publish.portals.ckan.serving import is_doubtful
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
    """A portal that holds all of it, as we wrote it; then somebody makes the changes."""
    record = json.loads(creation_record(wanted, "an-organisation")) | {"group": sum_of("group", "kalasatama")}
    record |= {f"{file.key}/hash": sum_of("hash", file.sha256) for file in wanted.files.values()}
    stands = {"url_type": "upload", "last_modified": "2026-02-02T00:00:01", "verified": "2026-02-02T00:00:01"}
    package = {
        **wanted.fields,
        "id": "a-package",
        "name": wanted.name,
        "private": False,
        "state": "active",
        "metadata_modified": "2026-02-02T00:00:00",
        "organization": {"id": "an-organisation", "name": "town"},
        "groups": [{"id": wanted.group["id"], "name": "kalasatama"}],
        "tags": [{"name": tag, "vocabulary_id": None} for tag in wanted.tags],
        "extras": [
            {"key": key, "value": value} for key, value in (wanted.extras | {WROTE: Record(record).text()}).items()
        ],
        "resources": [
            {**fields, **stands, "id": rid, "size": wanted.files[rid].size, "url": fields["download_url"]}
            for rid, fields in wanted.resources.items()
        ]
        + [
            {
                **one.fields,
                **stands,
                "id": one.id,
                "url": one.fields["download_url"],
                "hash": "f" * 64,
                "opendistrict_of": one.noted("f" * 64, one.label),
            }
            for one in wanted.archives
        ],
        **changes,
    }
    first, *others = copy.deepcopy(wanted.columns)
    first["info"]["rows_of"] = wanted.holds
    table = TableState((first, *others), wanted.rows, wanted.holds)
    place = Place("an-organisation", "town")
    return Actual(package, place, table=table, views=({"id": "v", "view_type": "datatables_view"},))


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
    plan = compare(wanted, Actual(None))
    assert plan.create
    assert plan.create_organisation
    lines = told(plan)
    assert lines[0].startswith("create organisation town")
    assert "private until complete" in lines[1]
    assert lines[-2] == "publish dataset: the last step"
    assert lines[-1].startswith("create version 2026-02-01: an archive of it, ")
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
    assert CSV in plan.files.uploads
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


def test_keywords_become_tags_that_ckan_takes():
    keywords = ("R&D (big)", unicodedata.normalize("NFD", "스마트"), "x", "a  b", "a b", "C#", "C++", "päivä")
    tags, told = tags_of(keywords)
    assert tags == ("C plus plus", "C sharp", "R and D big", "a b", "päivä", "스마트")
    assert told == (
        "the keyword “R&D (big)” as it is: it is sent as “R and D big”",
        "the keyword “x”: a tag has from 2 to 100 letters and digits",
        "the keyword “C#” as it is: it is sent as “C sharp”",
        "the keyword “C++” as it is: it is sent as “C plus plus”",
    )


WORDS = [
    ({"title": "Mine"}, "title", "“Mine” on the portal, “Places” in the catalogue"),
    ({"tags": [{"name": "spam"}]}, "keywords", "“spam” on the portal, “places” in the catalogue"),
    ({"organization": {"id": "else", "name": "else"}}, "organisation", "“else” on the portal"),
    ({"groups": []}, "group kalasatama", "nothing on the portal, “kalasatama” in the catalogue"),
]


@pytest.mark.parametrize(("changes", "target", "detail"), WORDS)
def test_words_that_somebody_changed_are_told_and_left_until_somebody_decides(wanted, changes, target, detail):
    plan = compare(wanted, shown_as(wanted, **changes))
    assert plan.changes == ()
    (drift,) = plan.drift
    assert (drift.target, drift.fate) == (target, "left")
    assert detail in drift.detail
    ours = compare(wanted, shown_as(wanted, **changes), overwrite=True)
    assert ours.changes
    assert [drift.fate for drift in ours.drift] == ["undone"]


def test_words_that_are_left_stay_left_when_all_else_changes(versions, wanted):
    newer = wanted_dataset(versions[1], ADDRESS)
    shown = shown_as(wanted, title="Mine")
    plan = compare(newer, shown)
    assert "title" not in plan.fields
    assert plan.fields["version"] == "2026-03-01"
    # written like that, it is still known as somebody's
    extras = [{"key": key, "value": value} for key, value in plan.extras.items()]
    (drift, *_) = compare(newer, shown_as(newer, title="Mine", extras=extras)).drift
    assert (drift.target, drift.fate) == ("title", "left")


def test_the_entry_may_say_what_somebody_wrote_and_is_ours_again(wanted):
    said = dataclasses.replace(wanted, fields={**wanted.fields, "title": "Mine"})
    plan = compare(said, shown_as(wanted, title="Mine"))
    assert told(plan) == [f"update {WROTE}: what was written is noted anew"]
    assert plan.drift == ()
    again = dataclasses.replace(wanted, fields={**wanted.fields, "title": "Newest"})
    extras = [{"key": key, "value": value} for key, value in plan.extras.items()]
    plan = compare(again, shown_as(wanted, title="Mine", extras=extras))
    assert told(plan) == ["update title: “Mine” becomes “Newest”"]
    assert plan.drift == ()


@pytest.mark.parametrize("record", [None, "", "[]", "{", '{"title": "", "license_id": ""}', "x" * 99])
def test_a_record_that_somebody_spoilt_lets_no_words_be_lost_and_no_data_stay_wrong(wanted, record):
    extras = [{"key": key, "value": value} for key, value in wanted.extras.items()]
    extras += [{"key": WROTE, "value": record}] if record is not None else []
    plan = compare(wanted, shown_as(wanted, title="Mine", license_id="other-open", extras=extras))
    assert "title" not in plan.fields
    assert plan.fields["license_id"] == "cc-by"
    assert [(one.target, one.fate) for one in plan.drift if one.fate == "left"] == [("title", "left")]
    # written, and looked at again: the title is still somebody's
    extras = [{"key": key, "value": value} for key, value in plan.extras.items()]
    plan = compare(wanted, shown_as(wanted, title="Mine", extras=extras))
    assert plan.changes == ()
    assert [(one.target, one.fate) for one in plan.drift] == [("title", "left")]


def test_line_ends_of_a_form_are_no_edit(wanted):
    plan = compare(wanted, shown_as(wanted, notes=wanted.fields["notes"].replace("\n", "\r\n") + " "))
    assert (plan.changes, plan.drift) == ((), ())


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"license_id": "other-open"}, "update license_id: “other-open” becomes “cc-by”"),
        (
            {"name": "my-places"},
            "update name: “my-places” becomes “places”: somebody has renamed the dataset on the portal;"
            " links to it by name work again",
        ),
    ],
)
def test_what_somebody_changed_and_is_no_word_is_told_and_put_right(wanted, changes, expected):
    plan = compare(wanted, shown_as(wanted, **changes))
    assert [line for line in told(plan) if WROTE not in line] == [expected]
    assert [drift.fate for drift in plan.drift] == ["undone"]


def test_a_name_that_somebody_else_has_now_is_not_fought_over(wanted):
    shown = dataclasses.replace(shown_as(wanted, name="my-places"), name_is_taken=True)
    plan = compare(wanted, shown)
    assert plan.changes == ()
    assert [(drift.target, drift.fate) for drift in plan.drift] == [("name", "left")]


def test_an_organisation_that_the_portal_calls_otherwise_is_the_same(wanted):
    renamed = shown_as(wanted, organization={"id": "an-organisation", "name": "the-town"})
    assert compare(wanted, renamed).changes == ()


def test_another_publisher_in_the_entry_moves_the_dataset(wanted, shown):
    other = dataclasses.replace(wanted, organisation={**wanted.organisation, "name": "city", "id": "city-id"})
    plan = compare(other, dataclasses.replace(shown, organisation=None))
    assert plan.fields["owner_org"] == "city-id"
    assert plan.create_organisation
    assert plan.drift == ()


def marked(wanted, **changes):
    return shown_as(
        wanted,
        extras=[{"key": k, "value": v} for k, v in (wanted.extras | {STATE: "building"}).items()],
        **changes,
    )


def test_what_is_taken_down_is_told_from_what_we_have_not_finished(wanted):
    assert taken_down(shown_as(wanted).package) == ""
    assert "deleted" in taken_down(shown_as(wanted, state="deleted").package)
    assert "private" in taken_down(shown_as(wanted, private=True).package)
    assert "deleted" in taken_down(marked(wanted, private=True, state="deleted").package)
    unfinished = marked(wanted, private=True)
    assert taken_down(unfinished.package) == ""
    plan = compare(wanted, unfinished)
    assert plan.publish
    assert plan.extras is None or plan.extras[STATE] == "building"


def test_what_is_restored_is_ours_to_finish_meanwhile(wanted):
    plan = compare(wanted, shown_as(wanted, private=True, state="deleted"), restore=True)
    assert plan.publish
    assert plan.fields == {"state": "active"}
    assert plan.extras[STATE] == "building"


def test_a_dataset_that_somebody_made_public_early_is_finished_all_the_same(wanted):
    plan = compare(wanted, marked(wanted))
    assert STATE not in plan.extras
    assert not plan.publish


@pytest.mark.parametrize("gone", [0, 1, 4, 9])
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
        if action == "organization_show":
            return {"id": "an-organisation", "name": "town"}
        if action == "package_search":
            return {"results": [package]}
        answers = {"resource_view_list": [], "datastore_info": None}
        return answers[action]

    portal._client.call = call
    portal._client.head = lambda url: Served(None if "/dataset/my-places/" in url else -1)
    plan = compare(wanted, portal._reader.read(wanted))
    assert not plan.create
    assert len(plan.files.additions) == len(plan.files.uploads) == min(gone, len(wanted.files))
    data = revision(wanted, plan, package)
    assert json.loads(data["update__name"]) == "places"
    assert json.loads(data["match__id"]) == "a-package"


def test_a_dataset_that_is_nowhere_is_created(wanted):
    portal = CkanPortal(ADDRESS, TOKEN)
    portal._client.call = lambda action, data, *, missing_ok=False: None
    assert compare(wanted, portal._reader.read(wanted)).create


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
    assert plan.files.uploads == (CSV,)
    assert expected in told(plan)[0]


@pytest.mark.parametrize(
    ("served", "expected"), [(Served(-1), "lost the file"), (Served(7, "", "0" * 64), "serves other bytes")]
)
def test_what_the_portal_serves_counts(wanted, shown, served, expected):
    plan = compare(wanted, dataclasses.replace(shown, served={CSV: served}))
    assert plan.files.uploads == (CSV,)
    assert expected in told(plan)[0]


def test_a_resource_that_is_gone_is_added_and_order_restored(wanted, shown):
    del shown.package["resources"][0]
    plan = compare(wanted, dataclasses.replace(shown, table=None))
    assert plan.files.additions == plan.files.uploads == (CSV,)
    assert plan.files.reorder
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
    assert plan.files.removals == (XLSX,)
    assert not plan.files.reorder
    assert json.loads(revision(fewer, plan, shown.package)["filter"]) == [f"-resources__{XLSX}", "-extras"]


def test_a_dataset_of_somebody_else_is_refused(wanted, shown):
    shown.package["extras"] = []
    shown.package["resources"] = [{"id": "else", "name": "x"}]
    assert not is_ours(wanted, shown.package)


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
    assert {item["key"] for item in data["update__extras"]} == {*wanted.extras, WROTE}
    for rid in wanted.resources:
        assert data[f"update__resources__{rid}__release_version"] == "2026-03-01"


def test_tags_of_a_vocabulary_stay(wanted, shown):
    shown.package["tags"].append({"name": "fi", "vocabulary_id": "v1"})
    assert compare(wanted, shown).changes == ()
    wanted = dataclasses.replace(wanted, tags=("sites",))
    plan = compare(wanted, shown)
    data = {key: json.loads(value) for key, value in revision(wanted, plan, shown.package).items()}
    assert data["update__tags"] == [{"name": "fi", "vocabulary_id": "v1"}, {"name": "sites"}]


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


# --- versions -------------------------------------------------------------------------------------------


def archives_of(plan):
    return [(sending.archive.version, sending.is_new) for sending in plan.archives.sends]


def test_versions_stand_beside_the_latest_and_only_new_ones_are_sent(versions, wanted, shown):
    assert compare(wanted, shown).archives.sends == ()
    newer = wanted_dataset(versions[1], ADDRESS)
    assert [archive.version for archive in newer.archives] == ["2026-02-01", "2026-03-01"]
    assert newer.archives[0].id == resource_id("places", "versions/2026-02-01")
    assert archives_of(compare(newer, shown)) == [("2026-03-01", True)]


def test_an_archive_is_the_same_bytes_every_time(wanted, tmp_path):
    (archive,) = wanted.archives
    (tmp_path / "again").mkdir()
    first, second = archive.build(tmp_path), archive.build(tmp_path / "again")
    assert first.read_bytes() == second.read_bytes()
    with zipfile.ZipFile(first) as opened:
        assert opened.testzip() is None
        assert set(opened.namelist()) == {
            *("places.csv", "places.parquet", "dictionary.csv", "datapackage.json", "changes.csv")
        }
        assert opened.read("places.csv") == (archive.folder / "places.csv").read_bytes()


def resource(shown, rid):
    return next(item for item in shown.package["resources"] if item["id"] == rid)


@pytest.mark.parametrize(
    ("changes", "fates"),
    [
        ({"opendistrict_of": "0" * 16 + " a " + "f" * 16}, []),  # something was withdrawn
        ({"hash": "e" * 64}, ["undone"]),
        ({"hash": ""}, []),
        ({"url_type": ""}, ["undone"]),
        ({"url": "https://data.example.org/x/other.zip"}, ["undone"]),
    ],
)
def test_an_archive_that_is_not_ours_any_more_is_sent_again(wanted, shown, changes, fates):
    resource(shown, wanted.archives[0].id).update(changes)
    plan = compare(wanted, shown)
    assert archives_of(plan) == [("2026-02-01", False)]
    assert [drift.fate for drift in plan.drift] == fates


def test_the_name_of_a_version_is_a_word(wanted, shown):
    item = resource(shown, wanted.archives[0].id)
    item["name"] = "The first one"
    plan = compare(wanted, shown)
    assert plan.changes == ()
    assert [(drift.target, drift.fate) for drift in plan.drift] == [("version 2026-02-01", "left")]
    item["opendistrict_of"] = item["opendistrict_of"].replace(wanted.archives[0].of, "0" * 16)
    (sending,) = compare(wanted, shown).archives.sends
    assert sending.label == wanted.archives[0].label, "still known as somebody's after it is sent again"
    assert compare(wanted, shown, overwrite=True).archives.updates[item["id"]]["name"] == "Version 2026-02-01"


def test_a_version_goes_when_it_is_not_kept_and_never_because_files_are_missing(versions, wanted):
    newer = wanted_dataset(versions[1], ADDRESS)
    shown = shown_as(newer)
    resource(shown, newer.archives[0].id)["id"] = resource_id("places", "versions/2026-02-01")
    fewer = dataclasses.replace(newer, archives=newer.archives[1:])
    assert compare(fewer, shown).archives.removals == (newer.archives[0].id,)
    assert compare(dataclasses.replace(newer, archives=()), shown).archives.removals == ()
    other = {"id": "someone-elses", "format": "ZIP", "release_version": "2026-02-01"}
    shown.package["resources"].append(other)
    assert compare(newer, shown).changes == ()


def test_bytes_that_came_at_another_time_are_in_doubt():
    item = {"hash": "a", "url_type": "upload", "last_modified": "t1", "verified": "t1 Mon"}
    assert not is_doubtful(item, Served(3, "Mon"))
    assert is_doubtful(item, Served(3, "Tue"))
    assert not is_doubtful(item, Served())
    assert is_doubtful(item | {"last_modified": "t2"}, Served())
    assert is_doubtful(item | {"verified": None}, Served(3, "Mon"))
    assert not is_doubtful(item | {"hash": ""}, Served(3, "Tue"))
