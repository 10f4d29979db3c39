"""The measuring program measures: what is taken away costs what it is worth."""

from __future__ import annotations

import copy
import json
import shutil

import pytest
from typer.testing import CliRunner

from flows.cli import app
from publish.metadata import conformity, dcat, scoring
from publish.plans import PortalError
from publish.portals.folder import FolderPortal
from tests.publish import places
from tests.publish.metadata import shapes
from warehouse.home import Home
from warehouse.progress import silent

BASE = "https://data.town.example/"
PERIOD = {"period": {"columns": ["opened_date"]}}


@pytest.fixture(scope="module")
def node(tmp_path_factory):
    home, dataset = Home(tmp_path_factory.mktemp("home")), places.declaration(**PERIOD)
    made = places.release(home, places.rows(), dataset=dataset)
    return dcat.dataset_node(places.wanted(home, made, dataset=dataset), "datasets/places/")


def graph_of(node):
    document = dcat.catalogue_document("Town", "Data.", {"name": "town", "title": "The Town"}, "", [node])
    return scoring.graph_of(document, BASE)


def scored(node, answers=lambda address: True):
    (found,) = scoring.score(graph_of(node), answers)
    return found


def test_the_points_are_405_and_ours_has_all(node):
    assert sum(one.points for one in scoring.INDICATORS) == scoring.FULL == 405
    assert (scored(node).points, scored(node).rating, scored(node).in_words()) == (405, "excellent", [])


@pytest.mark.parametrize(
    ("key", "lost"),
    [
        ("dcat:keyword", 30),
        ("dcat:theme", 30),
        ("dct:spatial", 20),
        ("dct:temporal", 20),
        ("dct:accessRights", 15),
        ("dcat:contactPoint", 20),
        ("dct:publisher", 10),
    ],
)
def test_what_a_dataset_lacks_costs_points(node, key, lost):
    poorer = {name: value for name, value in node.items() if name != key}
    assert 405 - scored(poorer).points == lost
    assert any(key in text for text in scored(poorer).in_words())


@pytest.mark.parametrize(
    ("key", "lost"),
    [
        ("dcat:accessURL", 80),  # without it no distribution conforms
        ("dcat:downloadURL", 50),
        ("dct:format", 70),
        ("dcat:mediaType", 20),
        ("dct:license", 30),
        ("dct:rights", 5),
        ("dcat:byteSize", 5),
        ("dct:issued", 5),
        ("dct:modified", 5),
    ],
)
def test_what_every_distribution_lacks_costs_points_and_one_that_has_it_is_enough(node, key, lost):
    poorer = copy.deepcopy(node)
    for one in poorer["dcat:distribution"]:
        del one[key]
    assert 405 - scored(poorer).points == lost
    poorer["dcat:distribution"][0] = node["dcat:distribution"][0]
    assert scored(poorer).points == 405


def test_texts_where_terms_are_wanted_are_given_and_known_to_nobody(node):
    poorer = copy.deepcopy(node)
    for one in poorer["dcat:distribution"]:
        one["dct:format"], one["dcat:mediaType"] = "CSV", "text/csv"
    found = scored(poorer)
    assert (found.points, found.rating) == (325, "good")
    assert {one.name for one in found.lacking} == {
        "known format",
        "non-proprietary",
        "machine-readable",
        "DCAT-AP",
    }


def test_an_address_that_does_not_answer_costs_points_and_is_asked_once(node):
    asked = []
    found = scored(node, lambda address: bool(asked.append(address)))
    assert 405 - found.points == 80
    assert len(asked) == len(set(asked)) == len(node["dcat:distribution"])
    assert all(address.startswith(f"{BASE}datasets/places/") for address in asked)


def test_a_dataset_without_files_is_bad_and_says_why(node):
    found = scored({"@id": "x", "@type": "dcat:Dataset", "dct:title": "X", "dct:description": "X"})
    assert (found.points, found.rating) == (30, "bad")
    assert found.in_words()[0] == "50 points: its access address (dcat:accessURL) does not answer"


def test_without_a_catalogue_what_has_files_is_measured(node):
    document = {**node, "@context": dict(dcat.CONTEXT)}
    (found,) = scoring.score(scoring.graph_of(document, BASE), lambda address: True)
    assert found.dataset == f"{BASE}datasets/places/"


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"dct:title": []}, "dct:title is missing"),
        ({"dct:publisher": [{"@id": "urn:a"}, {"@id": "urn:b"}]}, "dct:publisher stands 2 times"),
        ({"dct:spatial": "Helsinki"}, "a text where an address is wanted"),
        ({"dct:modified": {"@value": "yesterday"}}, "not a date"),
        ({"dct:identifier": {"@id": "urn:x"}}, "an address where a text is wanted"),
    ],
)
def test_our_checker_finds_what_the_profiles_shapes_find(node, change, expected):
    graph = graph_of({**node, **change})
    assert any(expected in str(fault) for fault in conformity.faults(graph))
    if shapes.FOLDER.is_dir():
        assert shapes.violations(graph, shapes.shapes(shapes.CORE))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A portal's folder with one dataset."""
    root, dataset = tmp_path_factory.mktemp("portal"), places.declaration(**PERIOD)
    home = Home(root / "home")
    made = places.release(home, places.rows(), dataset=dataset)
    failures: list[str] = []
    portal = FolderPortal(root / "portal")
    portal.apply(
        [places.wanted(home, made, dataset=dataset)], silent, lambda name, error: failures.append(str(error))
    )
    assert failures == []
    return root / "portal"


def test_the_command_measures_a_portals_folder(folder):
    done = CliRunner().invoke(app, ["score", str(folder)])
    assert (done.exit_code, done.output) == (0, "405 of 405  excellent  places\n")
    (one,) = json.loads(CliRunner().invoke(app, ["score", str(folder), "--json"]).output)
    assert (one["points"], one["rating"], one["lacking"]) == (405, "excellent", [])


def test_a_file_that_is_gone_answers_nobody(folder, tmp_path):
    copied = shutil.copytree(folder, tmp_path / "copied")
    for path in (copied / "datasets" / "places").glob("*.*"):
        path.unlink()
    done = CliRunner().invoke(app, ["score", str(copied)])
    assert done.exit_code == 3
    assert done.output.startswith("325 of 405  good  places\n    50 points: its access address")


def test_a_folder_without_a_catalogue_is_told(tmp_path):
    (tmp_path / scoring.CATALOGUE).write_text("[]")
    with pytest.raises(PortalError, match="publish to this folder"):
        scoring.score_folder(tmp_path)
