"""Programs that the project cannot have among its own: datacontract-cli, and ckanext-dcat on CKAN.

Each gets an environment of its own, which takes the network and minutes: a proof, not a test of every change.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from rdflib import Graph

from flows.declarations import Declarations
from publish.metadata import scoring
from publish.portals.ckan.wanted import wanted_dataset
from publish.release import desired_dataset, release_folder
from tests.publish import places
from tests.publish.metadata import shapes
from warehouse import ledger
from warehouse.home import Home
from warehouse.store import reader

DEV = Path(__file__).parents[3] / "dev"
UV = Path(sys.executable).with_name("uv")
DCAT = "ckanext-dcat==2.4.4"


def environment(folder, *arguments):
    """The folder of programs of a new environment with what is asked for."""
    run([UV, "venv", "-q", "--python", "3.11", folder])
    run([UV, "pip", "install", "-q", "--python", folder / "bin" / "python", *arguments])
    return folder / "bin"


def run(command, **options):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, **options)
    assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]
    return done.stdout


@pytest.fixture(scope="module")
def newest(samples_home):
    """The newest releases of all datasets of the samples, as a portal should show them."""
    found = []
    with reader(samples_home) as connection:
        for name, declaration in Declarations.read().datasets.items():
            if releases := ledger.releases(connection, name):
                last = max(releases, key=lambda release: release.order)
                found.append(desired_dataset(declaration, last, releases, samples_home))
    return found


@pytest.mark.prove
def test_datacontract_cli_accepts_every_contract_and_finds_the_rows_as_it_says(tmp_path, newest, samples_home):
    programs = environment(tmp_path / "venv", "--require-hashes", "-r", DEV / "contract" / "requirements.txt")
    for one in newest:
        folder = release_folder(samples_home, one.release)
        run([programs / "datacontract", "lint", "contract.odcs.yaml"], cwd=folder)
        run([programs / "datacontract", "test", "--server", "csv", "contract.odcs.yaml"], cwd=folder)


@pytest.mark.prove
def test_ckanext_dcat_makes_350_points_of_our_packages(tmp_path, newest):
    ckan = DEV / "ckan"
    wanted = ["-r", ckan / "requirements.txt", "--override", ckan / "overrides.txt", DCAT]
    programs = environment(tmp_path / "venv", *wanted)
    packages = [package(wanted_dataset(one, "https://ckan.example", has_dcat=True)) for one in newest]
    (tmp_path / "packages.json").write_text(json.dumps(packages))
    documents = tmp_path / "documents.json"
    run([programs / "python", ckan / "as_dcat.py", tmp_path / "packages.json", documents])
    for text in json.loads(documents.read_text()):
        graph = Graph().parse(data=text, format="turtle")
        (score,) = scoring.score(graph, lambda address: True)
        assert score.points >= 350, (score.dataset, score.in_words())
        if shapes.FOLDER.is_dir():
            # CKAN shows previews by the one and sends the other as the Content-Type of downloads
            kept = {"http://purl.org/dc/terms/format", "http://www.w3.org/ns/dcat#mediaType"}
            found = shapes.violations(graph, shapes.shapes(shapes.CORE))
            assert {one.path for one in found} <= kept


def package(wanted):
    """A dataset as CKAN shows it."""
    number, moment = "00000000-0000-0000-0000-000000000001", "2026-02-01T00:00:00"
    of_ckan = {"created": moment, "metadata_modified": moment, "package_id": number}
    return {
        **wanted.fields,
        "id": number,
        "name": wanted.name,
        "type": "dataset",
        "metadata_created": moment,
        "metadata_modified": moment,
        "organization": {"id": "town", **wanted.organisation},
        "tags": [{"name": tag} for tag in wanted.tags],
        "extras": [{"key": key, "value": value} for key, value in wanted.extras.items()],
        "resources": [
            {"id": key, "url": fields["download_url"], "size": wanted.files[key].size, **of_ckan, **fields}
            for key, fields in wanted.resources.items()
        ],
    }


def test_packages_have_addresses_where_ckanext_dcat_makes_them_of_them(tmp_path):
    home = Home(tmp_path)
    shown = places.wanted(home, places.release(home, places.rows()))
    plain = wanted_dataset(shown, "https://ckan.example").resources.values()
    assert {one["license"] for one in plain} == {
        "http://publications.europa.eu/resource/authority/licence/CC_BY_4_0"
    }
    assert {one["format"] for one in plain} == {"CSV", "Parquet", "XLSX", "JSON"}
    with_dcat = wanted_dataset(shown, "https://ckan.example", has_dcat=True).resources.values()
    changed = [new for old, new in zip(plain, with_dcat, strict=True) if old["format"] != new["format"]]
    assert [one["format"] for one in changed] == [
        "http://publications.europa.eu/resource/authority/file-type/JSON"
    ]
