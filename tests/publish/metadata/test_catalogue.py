"""The catalogue of all datasets of the samples, as who reads it in numbers checks it."""

from __future__ import annotations

import functools
import json
import threading
import urllib.request
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import mlcroissant
import pytest
from frictionless import Package, system
from rdflib import Graph

from flows.declarations import Declarations
from publish.metadata import conformity, dcat, scoring
from publish.metadata.contract import API_VERSION
from publish.metadata.turtle import as_turtle
from publish.release import desired_dataset, release_folder
from tests.publish.metadata import shapes
from tests.publish.metadata.contracts import faults_of_contract
from warehouse import ledger
from warehouse.store import reader

PUBLISHER = {"name": "opendistrict", "title": "Open District"}


@pytest.fixture(scope="module")
def wanted(samples_home):
    """What a portal should show of every dataset, by name."""
    found = {}
    with reader(samples_home) as connection:
        for name, declaration in Declarations.read().datasets.items():
            if releases := ledger.releases(connection, name):
                newest = max(releases, key=lambda release: release.order)
                found[name] = desired_dataset(declaration, newest, releases, samples_home)
    assert len(found) >= 18
    return found


@pytest.fixture(scope="module")
def document(wanted):
    nodes = [dcat.dataset_node(one, f"datasets/{name}/") for name, one in wanted.items()]
    return dcat.catalogue_document("Open data", "What there is.", PUBLISHER, "", nodes)


@pytest.fixture(scope="module")
def graph(document):
    return shapes.graph_of(document)


@shapes.needs_shapes
@pytest.mark.parametrize("file", [shapes.CORE, shapes.RANGE, shapes.VOCABULARIES])
def test_it_conforms_to_the_profiles_shapes(graph, file):
    assert shapes.violations(graph, shapes.shapes(file)) == []


def test_it_is_as_our_own_checker_demands(graph):
    assert conformity.faults(graph) == []


def test_every_releases_own_document_conforms(wanted, samples_home):
    together = Graph()
    for one in wanted.values():
        folder = release_folder(samples_home, one.release)
        place = f"{shapes.BASE}{one.name}/"
        in_turtle = Graph().parse(folder / "dcat.ttl", format="turtle", publicID=f"{place}dcat.ttl")
        content = (folder / "dcat.jsonld").read_text(encoding="utf-8")
        in_json = Graph().parse(data=content, format="json-ld", publicID=f"{place}dcat.jsonld")
        assert len(in_turtle) == len(in_json) > 100
        assert as_turtle(json.loads(content)) == (folder / "dcat.ttl").read_text(encoding="utf-8")
        together += in_turtle
    assert conformity.faults(together) == []
    if shapes.FOLDER.is_dir():
        profile = shapes.shapes(shapes.CORE, shapes.RANGE)
        assert shapes.violations(together, profile) == []


def test_every_dataset_has_385_of_405_points(document, samples_home):
    """Every address is asked of a server, as data.europa.eu does."""
    handler = functools.partial(Quiet, directory=str(samples_home.portal))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        base = f"http://127.0.0.1:{server.server_address[1]}/"
        found = scoring.score(scoring.graph_of(document, base), answers)
    finally:
        server.shutdown()
        server.server_close()
    assert len(found) >= 18
    assert {score.dataset: score.in_words() for score in found if score.points < 385} == {}


def test_the_portals_catalogue_leads_nowhere_that_is_not_there(samples_home):
    root = samples_home.portal
    content = json.loads((root / scoring.CATALOGUE).read_text(encoding="utf-8"))
    graph = Graph().parse(root / "catalog.ttl", format="turtle", publicID=f"{shapes.BASE}catalog.ttl")
    assert len(graph) == len(scoring.graph_of(content, shapes.BASE))
    addresses = {str(node) for node in graph.all_nodes() if str(node).startswith(shapes.BASE)}
    places = {address: root / address.removeprefix(shapes.BASE) for address in addresses}
    assert len(places) > 100
    assert [address for address, place in places.items() if not place.exists()] == []


class Quiet(SimpleHTTPRequestHandler):
    """A static host."""

    def log_message(self, *_: object) -> None:
        pass


def answers(address: str) -> bool:
    try:
        request = urllib.request.Request(address, method="HEAD")
        with urllib.request.urlopen(request, timeout=10) as answer:
            return bool(200 <= answer.status < 300)
    except OSError:
        return False


def test_mlcroissant_reads_the_first_records_of_every_dataset(wanted, samples_home):
    for name, one in wanted.items():
        folder = release_folder(samples_home, one.release)
        described = mlcroissant.Dataset(jsonld=folder / "croissant.json")
        assert described.metadata.ctx.issues.report() == "", name
        first = next(iter(described.records("rows")))
        assert set(first) == {f"rows/{field.name}" for field in one.declaration.table.fields}, name


def test_frictionless_finds_every_package_valid(wanted, samples_home):
    with system.use_context(trusted=True):
        for name, one in wanted.items():
            folder = release_folder(samples_home, one.release)
            report = Package(folder / "datapackage.json").validate(limit_rows=200)
            faults = report.flatten(["name", "rowNumber", "fieldName", "type", "message"])
            assert report.valid, (name, faults[:3])


def test_every_contract_is_one(wanted, samples_home):
    for name, one in wanted.items():
        text = (release_folder(samples_home, one.release) / "contract.odcs.yaml").read_text(encoding="utf-8")
        assert faults_of_contract(text) == [], name
        assert API_VERSION in text
