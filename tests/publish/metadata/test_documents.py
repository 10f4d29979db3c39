"""What one dataset's descriptions say, and that they say it of hostile words too."""

from __future__ import annotations

import json
import shutil

import mlcroissant
import pytest
import yaml
from rdflib import Graph, Literal, URIRef

from publish.metadata import dcat
from publish.metadata.citation import citation
from publish.metadata.contract import as_yaml, contract
from publish.metadata.croissant import croissant
from publish.metadata.schema_org import schema_org
from publish.metadata.turtle import as_turtle
from publish.release import release_folder
from tests.publish import places
from tests.publish.metadata.contracts import faults_of_contract
from warehouse.home import Home

HOSTILE = '</script><b>"\\ \' {curly} %x_y & \u202e\u0000\n<https://here-0.invalid/> """ . ].'.replace(
    "\u0000", ""
)
DCT, DCAT = "http://purl.org/dc/terms/", "http://www.w3.org/ns/dcat#"
BASE = "https://data.town.example/datasets/places/"


def shown(folder, count=2, **changes):
    """A dataset of two versions, the second without a few rows."""
    home, dataset = Home(folder), places.declaration(**changes)
    releases = []
    for number in range(count):
        day = places.DAY.replace(month=2 + number)
        releases.append(places.release(home, places.rows(30 - number), releases, day, dataset))
    return home, places.wanted(home, *releases, dataset=dataset)


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    return shown(tmp_path_factory.mktemp("plain"))


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    words = {
        "title": HOSTILE,
        "description": HOSTILE,
        "attribution": HOSTILE,
        "keywords": [HOSTILE],
        "usage_warnings": [HOSTILE],
        "publisher": {"name": "town", "title": HOSTILE},
    }
    return shown(tmp_path_factory.mktemp("hostile"), 1, **words)


# --- DCAT ----------------------------------------------------------------------------------------------------


def test_turtle_says_what_the_json_says_and_is_the_same_every_time(plain):
    home, wanted = plain
    document = dcat.release_graph(wanted.declaration, wanted.release, wanted.metadata)
    shuffled = json.loads(json.dumps(document, sort_keys=True))
    turtle = as_turtle(document)
    assert turtle == as_turtle(shuffled)
    here = "https://data.town.example/"
    read = Graph().parse(data=turtle, format="turtle", publicID=here)
    assert len(read) == len(Graph().parse(data=json.dumps(document), format="json-ld", base=here))
    assert (release_folder(home, wanted.release) / "dcat.ttl").read_text(encoding="utf-8").startswith("@prefix")


def test_hostile_words_are_words_in_turtle(hostile):
    _, wanted = hostile
    document = dcat.release_graph(wanted.declaration, wanted.release, wanted.metadata)
    graph = Graph().parse(data=as_turtle(document), format="turtle", publicID="https://data.town.example/")
    dataset = URIRef("https://data.town.example/")
    assert graph.value(dataset, URIRef(DCT + "title")) == Literal(HOSTILE, lang="en")
    assert graph.value(dataset, URIRef(DCAT + "keyword")) == Literal(HOSTILE, lang="en")


def test_a_folder_can_be_moved_anywhere(plain):
    _, wanted = plain
    turtle = as_turtle(dcat.release_graph(wanted.declaration, wanted.release, wanted.metadata))
    assert "<places.csv>" in turtle
    assert "<./> a dcat:Dataset" in turtle
    assert ".invalid" not in turtle
    assert "file:" not in turtle


def test_versions_are_named_and_the_one_before_is_where_it_stands(plain):
    _, wanted = plain
    node = dcat.dataset_node(wanted, BASE)
    assert (node["dcat:version"], node["dct:issued"]["@value"], node["dct:modified"]["@value"]) == (
        "2026-03-01",
        "2026-02-01",
        "2026-03-01",
    )
    assert node["dcat:previousVersion"] == {"@id": f"{BASE}versions/2026-02-01/"}
    assert {"@id": f"{BASE}versions/2026-03-01/"} in node["dcat:hasVersion"]
    assert node["adms:versionNotes"]["@value"] == ("Since version 2026-02-01: 0 rows added, 0 changed, 1 removed.")
    own = dcat.release_graph(wanted.declaration, wanted.release, wanted.metadata)
    assert own["dcat:previousVersion"] == {"@id": "urn:opendistrict:dataset:places:2026-02-01"}


def test_a_licence_without_a_term_of_the_eu_is_named_by_its_own_address(tmp_path):
    licence = {"id": "X", "title": "X", "url": "https://town.example/terms"}
    _, wanted = shown(tmp_path, 1, licence=licence)
    for node in dcat.dataset_node(wanted, "")["dcat:distribution"]:
        assert node["dct:license"] == {"@id": "https://town.example/terms", "@type": "dct:LicenseDocument"}


def test_what_people_read_is_a_page_and_what_programs_read_a_distribution(plain):
    _, wanted = plain
    own = dcat.release_graph(wanted.declaration, wanted.release, wanted.metadata)
    files = {node["dcat:downloadURL"]["@id"] for node in own["dcat:distribution"]}
    assert files == {"places.csv", "places.parquet", "places.xlsx", "changes.csv", "datapackage.json"}
    assert "dictionary.html" in {page["@id"] for page in own["foaf:page"]}
    (csv,) = (node for node in own["dcat:distribution"] if node["dcat:downloadURL"]["@id"] == "places.csv")
    assert csv["dct:conformsTo"] == {"@id": "schema.json", "@type": "dct:Standard"}


# --- Croissant -----------------------------------------------------------------------------------------------


def records(folder):
    return mlcroissant.Dataset(jsonld=folder / "croissant.json").records("rows")


def test_codes_keep_their_leading_zeros_and_a_wrong_column_is_found(plain, tmp_path):
    home, wanted = plain
    folder = release_folder(home, wanted.release)
    first = next(iter(records(folder)))
    assert (first["rows/code"], first["rows/number"], first["rows/is_open"]) == (b"P00", 0, True)
    copied = shutil.copytree(folder, tmp_path / "copied")
    text = (copied / "croissant.json").read_text(encoding="utf-8")
    (copied / "croissant.json").write_text(text.replace('"column": "theme_code"', '"column": "theme"'))
    with pytest.raises(Exception, match=r"places\.parquet"):
        next(iter(records(copied)))


def test_croissant_of_hostile_words_is_read(hostile, tmp_path):
    home, wanted = hostile
    described = croissant(wanted.declaration, wanted.release, wanted.metadata)
    assert described["version"] == "1.20260201.1"
    assert described["conformsTo"] == "http://mlcommons.org/croissant/1.1"
    assert len(list(records(release_folder(home, wanted.release)))) == 30


# --- the contract ----------------------------------------------------------------------------------------------


def test_a_contract_says_what_may_be_relied_on(plain):
    _, wanted = plain
    made = contract(wanted.declaration, wanted.release, wanted.metadata)
    assert faults_of_contract(as_yaml(made)) == []
    (table,) = made["schema"]
    columns = {column["name"]: column for column in table["properties"]}
    assert (columns["code"]["required"], columns["code"]["primaryKeyPosition"]) == (True, 1)
    assert columns["seen_at"]["logicalType"] == "timestamp"
    assert columns["area_m2"]["customProperties"] == [{"property": "unit", "value": "m2"}]
    (rule,) = columns["theme_code"]["quality"]
    assert (rule["metric"], "climate" in rule["arguments"]["validValues"]) == ("invalidValues", True)
    assert next(one["metric"] for one in table["quality"]) == "duplicateValues"
    assert made["slaProperties"][0] == {
        "property": "frequency",
        "value": 1,
        "unit": "d",
        "description": "Updated every day.",
    }
    assert made["servers"][0]["path"] == "./places.csv"


def test_a_contract_of_hostile_words_is_yaml(hostile):
    _, wanted = hostile
    text = as_yaml(contract(wanted.declaration, wanted.release, wanted.metadata))
    assert yaml.safe_load(text)["name"] == HOSTILE
    assert faults_of_contract(text) == []


@pytest.mark.parametrize(
    "spoilt", ["kind: DataContract", "apiVersion: v3.1.0", "logicalType: timestamp", "metric: duplicateValues"]
)
def test_a_spoilt_contract_is_found(plain, spoilt):
    _, wanted = plain
    text = as_yaml(contract(wanted.declaration, wanted.release, wanted.metadata))
    assert spoilt in text
    assert faults_of_contract(text.replace(spoilt, spoilt.partition(":")[0] + ": wrong #"))


# --- citation, schema.org --------------------------------------------------------------------------------------


def test_a_version_is_cited_with_its_own_address(plain):
    _, wanted = plain
    cited = citation(wanted, f"{BASE}versions/2026-03-01/")
    assert cited.text == (
        f"The Town (2026). Places (Version 2026-03-01) [Dataset]. The Town. {BASE}versions/2026-03-01/"
    )
    assert cited.bibtex.startswith("@misc{places-2026-03-01,\n  author = {{The Town}}")
    assert "TY  - DATA\r\n" in cited.ris
    assert cited.datacite["types"] == {"resourceTypeGeneral": "Dataset"}
    assert citation(wanted, "").identifier == "urn:opendistrict:dataset:places:2026-03-01"


def test_hostile_words_begin_no_field_of_a_citation(hostile):
    _, wanted = hostile
    cited = citation(wanted, "")
    assert len(cited.ris.splitlines()) == 8
    assert r"\{curly\} \%x\_y \&" in cited.bibtex
    assert cited.bibtex.count("\n") == 7


def test_schema_org_says_what_search_engines_ask_for(plain):
    _, wanted = plain
    content = schema_org(wanted, BASE)
    wanted_keys = {
        *("name", "description", "license", "creator", "distribution", "spatialCoverage", "variableMeasured"),
        *("identifier", "isAccessibleForFree", "version", "dateModified", "keywords", "url"),
    }
    assert wanted_keys <= set(content)
    assert content["identifier"] == f"{BASE}versions/2026-03-01/"
    assert 50 <= len(content["description"]) <= 5000
    assert {"@type": "PropertyValue", "name": "area_m2", "alternateName": "Area", "unitText": "m2"} in content[
        "variableMeasured"
    ]
    assert content["spatialCoverage"][0]["geo"]["@type"] == "GeoShape"
    assert "url" not in schema_org(wanted, "")
