"""The same on other CKANs, each with a folder of its own: 2.11, and one with ckanext-dcat and ckanext-scheming."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
import requests

from tests.e2e import test_ckan_hands as hands
from tests.e2e import test_ckan_portal as portal
from tests.e2e.ckan_server import SCRIPTS, CkanServer, CkanUnavailableError
from tests.e2e.test_ckan_portal import Town
from tests.publish import places, test_geojson

CHECKOUT = SCRIPTS.parents[1]
_SCHEMAS = """scheming.dataset_schemas = ckanext.dcat.schemas:dcat_ap_full.yaml
scheming.presets = ckanext.scheming:presets.json ckanext.dcat.schemas:presets.yaml"""
SERVERS: Mapping[str, Mapping[str, str]] = {
    "2.11": {"DEVCKAN_REQUIREMENTS": "requirements-2.11.txt"},
    "dcat": {
        "DEVCKAN_PACKAGES": "ckanext-dcat==2.4.4 ckanext-scheming==3.1.0 ckanext-geoview==0.3.2",
        "DEVCKAN_PLUGINS": "activity datastore datatables_view text_view image_view scheming_datasets dcat"
        " geojson_view",
        "DEVCKAN_EXTRA_INI": _SCHEMAS,
    },
}
SCENARIOS: tuple[Callable[[Town], None], ...] = (
    portal.test_published_and_published_again,
    portal.test_an_update_writes_only_the_difference,
    portal.test_columns_that_change_rebuild_the_table_and_few_words_do_not,
    portal.test_what_somebody_did_by_hand_is_repaired,
    portal.test_what_others_added_stays_and_what_we_drop_goes,
    portal.test_an_editor_is_enough_once_the_organisation_is_there,
    portal.test_a_first_publication_that_dies_after_every_write_is_completed,
    hands.test_words_changed_by_hand_are_told_and_left_while_all_else_goes_on,
    hands.test_new_names_on_the_portal_make_no_twins,
    hands.test_other_bytes_of_the_same_size_are_noticed,
    hands.test_the_district_is_a_group_and_who_takes_a_dataset_out_of_it_is_respected,
    hands.test_versions_go_when_they_are_not_kept_and_never_change,
)


@pytest.fixture(scope="module", params=sorted(SERVERS))
def other(request: pytest.FixtureRequest) -> Iterator[CkanServer]:
    name = request.param
    server = CkanServer({**SERVERS[name], "DEVCKAN_STATE": str(CHECKOUT / f".ckan-{name}")})
    try:
        server.start()
    except CkanUnavailableError as error:
        pytest.skip(str(error))
    yield server
    server.stop()


@pytest.fixture
def town(other: CkanServer, tmp_path: Path) -> Iterator[Town]:
    made = Town(other, tmp_path)
    yield made
    made.purge()


@pytest.mark.prove
@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda one: one.__name__.removeprefix("test_"))
def test_the_same_elsewhere(town: Town, scenario: Callable[[Town], None]) -> None:
    scenario(town)


@pytest.mark.prove
@pytest.mark.parametrize("how", ["deleted", "private"])
def test_a_takedown_elsewhere(town: Town, how: str) -> None:
    hands.test_a_takedown_is_respected_until_somebody_restores(town, how)


@pytest.mark.prove
def test_a_schema_of_the_servers_own_is_filled(town: Town) -> None:
    told = town.admin.status_show()["extensions"]
    if "scheming_datasets" not in told:
        pytest.skip("a server without a schema")
    town.dataset = town.declared(district="kalasatama")
    done = town.apply(town.release(places.rows(3)))
    assert done.unsent == ("the contact of Data API of Places: the portal's schema cannot show it",)
    package = town.package()
    assert package["contact"] == [{"name": "Data desk", "email": "data@town.example"}]
    assert package["theme"] == ["http://publications.europa.eu/resource/authority/data-theme/REGI"]
    assert not {"theme", "contact_name"} & {item["key"] for item in package["extras"]}
    described = requests.get(f"{town.server.url}/dataset/{town.name}.jsonld", timeout=60)
    assert described.status_code == 200
    graph = json.dumps(described.json())
    assert "DataService" in graph
    assert "mailto:data@town.example" in graph


@pytest.mark.prove
def test_a_map_where_the_portal_has_a_view_for_one(town: Town) -> None:
    """Made once and kept; where there is none, that is told."""
    show = {"map": {"label": "name"}, "charts": [{"title": "Places", "sql": "SELECT name AS x, 1 AS y FROM rows"}]}
    town.dataset = town.declared(**test_geojson.CHANGES, show=show)
    desired = town.release(test_geojson.rows(5))
    done = town.apply(desired)
    geojson = next(item.id for item in desired.resources if item.key == "geojson")
    views = [view["view_type"] for view in town.admin.resource_view_list(id=geojson)]
    assert any(text.startswith("the charts: ") for text in done.unsent)
    if "geojson_view" in town.admin.status_show()["extensions"]:
        assert views == ["geojson_view"]
    else:
        assert views == []
        assert any(text.startswith("the map: ") for text in done.unsent)
    assert town.portal.plan([desired]).changes == ()
