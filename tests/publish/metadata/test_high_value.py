"""An entry that opts in to the EU's high-value datasets is held to what the regulation asks of one."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import pytest
import yaml
from rdflib import Graph

from publish.catalogue import load_entry
from publish.metadata import conformity, dcat, high_value
from publish.plans import PortalError
from publish.portals.ckan.wanted import wanted_dataset
from publish.portals.folder import FolderPortal
from publish.release import release_folder
from tests.publish import places
from tests.publish.metadata import shapes
from warehouse.declarations import DeclarationError
from warehouse.home import Home
from warehouse.progress import silent

HVD = {
    "category": "c_56a1bf47",
    "terms": "https://data.town.example/terms",
    "documentation": "https://data.town.example/api.html",
}
FIELDS = [{"description": f"What {field['title']} says.", **field} for field in places.ENTRY["fields"]]
API = dcat.Service(
    "DataStore",
    "https://ckan.town.example/api/3/action/datastore_search",
    "https://docs.example/",
    "?resource_id={id}",
)
ENDPOINT = "https://api.town.example/places"
SOURCE = {"title": "Register", "path": "https://register.example/", "licence": "CC BY 4.0"}
OWN_SHAPES = Path(__file__).with_name("high_value.ttl")


@pytest.fixture(scope="module")
def wanted(tmp_path_factory):
    return opting_in(Home(tmp_path_factory.mktemp("home")))


@pytest.fixture(scope="module")
def node(wanted):
    return dcat.dataset_node(wanted, "datasets/places/", API)


def opting_in(home, **hvd):
    dataset = places.declaration(hvd={**HVD, **hvd}, fields=FIELDS, period={"columns": ["opened_date"]})
    return places.wanted(home, places.release(home, places.rows(), dataset=dataset), dataset=dataset)


def graph_of(node):
    document = dcat.catalogue_document("Town", "Data.", {"name": "town", "title": "The Town"}, "", [node])
    return shapes.graph_of(document)


def entry(folder, **changes):
    path = folder / "places.yaml"
    content = {**places.ENTRY, "publisher": "opendistrict", "fields": FIELDS, "hvd": HVD, **changes}
    path.write_text(yaml.safe_dump(content))
    return path


def passes_all_shapes(graph):
    assert shapes.violations(graph, shapes.shapes(OWN_SHAPES), with_warnings=True) == []
    assert conformity.faults(graph) == []
    if shapes.FOLDER.is_dir():
        files = (shapes.CORE, shapes.RANGE, shapes.VOCABULARIES)
        assert shapes.violations(graph, shapes.shapes(*files)) == []
    return True


def test_an_entry_that_opts_in_passes_all_shapes(node):
    assert passes_all_shapes(graph_of(node))
    assert high_value.faults_of_node(node) == []


def test_everything_written_of_an_entry_that_names_its_api_passes_all_shapes(tmp_path):
    home, portal = Home(tmp_path / "home"), tmp_path / "portal"
    wanted = opting_in(home, endpoint=ENDPOINT)
    (done,) = FolderPortal(portal).apply([wanted], silent, lambda name, error: pytest.fail(str(error)))
    assert done.unsent == ()
    for path in (release_folder(home, wanted.release) / "dcat", portal / "catalog"):
        in_turtle = Graph().parse(path.with_suffix(".ttl"), format="turtle", publicID=shapes.BASE)
        text = path.with_suffix(".jsonld").read_text(encoding="utf-8")
        in_json = Graph().parse(data=text, format="json-ld", publicID=shapes.BASE)
        assert len(in_json) == len(in_turtle)
        assert ENDPOINT in text
        assert passes_all_shapes(in_turtle)
        assert shapes.violations(in_json, shapes.shapes(OWN_SHAPES), with_warnings=True) == []


def test_the_profile_knows_no_other_datasets_so_what_it_is_made_of_is_named_and_not_described(wanted):
    plain = places.declaration(fields=FIELDS)
    of_both = [
        dcat.release_graph(declaration, wanted.release, {"sources": [SOURCE]})
        for declaration in (wanted.declaration, plain)
    ]
    assert [node.get("prov:wasDerivedFrom") for node in of_both] == [[{"@id": SOURCE["path"]}], None]
    assert ["dct:source" in node for node in of_both] == [False, True]
    assert all(SOURCE["path"] in node["dct:provenance"]["rdfs:label"]["@value"] for node in of_both)


def test_the_service_says_where_it_is_and_whom_it_serves(node):
    (service,) = (one["dcat:accessService"] for one in node["dcat:distribution"] if "dcat:accessService" in one)
    table = next(one for one in node["dcat:distribution"] if "dcat:accessService" in one)
    assert table["dcat:downloadURL"]["@id"].endswith("places.csv")
    assert service["dcat:endpointURL"]["@id"].endswith(f"?resource_id={table['@id'].removeprefix('urn:uuid:')}")
    assert service["dcat:servesDataset"] == {"@id": "datasets/places/"}
    assert service["foaf:page"]["@id"] == HVD["documentation"]
    assert service["dct:rights"]["@id"] == HVD["terms"]
    document = dcat.catalogue_document("T", "D", {"name": "t", "title": "T"}, "", [node])
    assert document["dcat:service"] == [{"@id": "datasets/places/#api"}]


def without(node, *keys):
    poorer = copy.deepcopy(node)
    for one in poorer["dcat:distribution"]:
        if keys[0] == "service" and "dcat:accessService" in one:
            one["dcat:accessService"].pop(keys[1])
        elif keys[0] == "distribution":
            one.pop(keys[1])
    if keys[0] == "dataset":
        poorer.pop(keys[1])
    return poorer


@pytest.mark.parametrize(
    "keys",
    [
        ("dataset", "dcatap:applicableLegislation"),
        ("dataset", "dcatap:hvdCategory"),
        ("distribution", "dcatap:applicableLegislation"),
        ("distribution", "dcat:accessURL"),
        ("distribution", "dcat:downloadURL"),
        ("service", "dcatap:applicableLegislation"),
        ("service", "dcatap:hvdCategory"),
        ("service", "dcat:contactPoint"),
        ("service", "dcat:endpointURL"),
        ("service", "dcat:endpointDescription"),
        ("service", "foaf:page"),
        ("service", "dcat:servesDataset"),
    ],
)
def test_what_is_lacking_is_found_by_the_gate_and_by_the_shapes(node, keys):
    poorer = without(node, *keys)
    assert any(keys[1] in text for text in high_value.faults_of_node(poorer))
    assert shapes.violations(graph_of(poorer), shapes.shapes(OWN_SHAPES))


@pytest.mark.parametrize("key", ["dct:title", "dct:description"])
def test_title_and_description_are_wanted_in_english(node, key):
    in_finnish = {**node, key: {"@value": "Paikat", "@language": "fi"}}
    assert high_value.faults_of_node(in_finnish) == [f"the dataset has no {key} in English"]
    assert {
        one.path.rpartition("/")[2] for one in shapes.violations(graph_of(in_finnish), shapes.shapes(OWN_SHAPES))
    } == {key.partition(":")[2]}
    in_both = {**node, key: [in_finnish[key], {"@value": "Places", "@language": "en-t-fi-t0-mtec"}]}
    assert high_value.faults_of_node(in_both) == []


def test_a_folder_has_no_api_and_says_so(wanted, node):
    (said,) = high_value.unmet(wanted.name, dcat.dataset_node(wanted, "datasets/places/"))
    assert "no API" in said
    assert "DataStore" in said
    assert "hvd: endpoint" in said
    assert high_value.unmet(wanted.name, node) == ()
    with pytest.raises(PortalError, match="places: hvd: the API has no page that documents it"):
        high_value.unmet(wanted.name, without(node, "service", "foaf:page"))


def test_both_portals_say_what_they_cannot_give(wanted, tmp_path):
    (planned,) = FolderPortal(tmp_path).plan([wanted]).datasets
    assert planned.changes
    assert [text for text in planned.unsent if "no API" in text]
    failures: list[str] = []
    (done,) = FolderPortal(tmp_path).apply([wanted], silent, lambda name, error: failures.append(str(error)))
    assert (done.unsent, failures) == (planned.unsent, [])
    assert "ckanext-dcat" in wanted_dataset(wanted, "https://ckan.example").unsent[-1]
    with_dcat = wanted_dataset(wanted, "https://ckan.example", has_dcat=True)
    assert "neither category nor page of the API" in with_dcat.unsent[-1]
    ((service,),) = (
        json.loads(one["access_services"]) for one in with_dcat.resources.values() if "access_services" in one
    )
    assert service["title"] == {"en": "Data API of Places"}


def test_a_dataset_that_does_not_opt_in_is_asked_nothing(tmp_path):
    home = Home(tmp_path)
    plain = dcat.dataset_node(places.wanted(home, places.release(home, places.rows())), "")
    assert "dcatap:hvdCategory" not in plain
    assert high_value.unmet("places", plain) == ()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"licence": "CC-BY-NC-4.0"}, "CC-BY-NC-4.0 binds more than CC BY 4.0"),
        ({"licence": "CC-BY-SA-4.0"}, "binds more than"),
        ({"language": ["FIN", "ENG"]}, "title and description have to be in English.* put ENG first"),
        ({"hvd": {key: HVD[key] for key in ("category", "documentation")}}, "hvd.*terms"),
        ({"hvd": {key: HVD[key] for key in ("category", "terms")}}, "hvd.*documentation"),
        ({"hvd": {key: HVD[key] for key in ("terms", "documentation")}}, "hvd.*category"),
        ({"hvd": {**HVD, "endpoint": "ftp://town.example"}}, "hvd.*endpoint"),
        ({"hvd": {**HVD, "endpoint": "https://user:secret@town.example/api"}}, "hvd.*endpoint"),
        ({"hvd": {**HVD, "documentation": 'https://town.example/<b>"api'}}, "hvd.*documentation"),
        ({"hvd": {**HVD, "terms": "https://town.example/our terms"}}, "hvd.*terms"),
        ({"hvd": {**HVD, "category": "c_a9135398"}}, "name the most granular category"),
        ({"fields": places.ENTRY["fields"]}, "describe code, number"),
    ],
)
def test_an_entry_that_does_not_pass_is_no_entry(tmp_path, change, words):
    with pytest.raises(DeclarationError, match=words):
        load_entry(entry(tmp_path, **change), {})


@pytest.mark.parametrize("change", [{"theme": "ECONOMY"}, {"frequency": "FORTNIGHTLY"}])
def test_a_code_that_the_eu_does_not_have_is_no_entry(tmp_path, change):
    ((key, code),) = change.items()
    with pytest.raises(DeclarationError, match=f"{key}: the EU's table has no {code}; it has .*(ECON|DAILY)"):
        load_entry(entry(tmp_path, **change), {})


def test_an_entry_that_passes_is_one(tmp_path):
    assert load_entry(entry(tmp_path), {}).entry.hvd.category == "c_56a1bf47"
    assert load_entry(entry(tmp_path, licence="OGL-UK-3.0"), {}).entry.hvd
